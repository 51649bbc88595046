// The host. It writes the input of a window that is not made on the device: currents, given spikes, releases of
// modulators. What it does is what src/simulation.rs does.

class Host {
  constructor(host, device) {
    this.device = device;
    this.currents = host.currents;
    for (const summand of this.currents.flatMap(({ sum }) => sum)) {
      summand.at = new Function("step", "length", `return ${summand.course};`);
    }
    this.given = host.given.map((given) => ({ ...given, spikes: device.words(given.spikes) }));
    this.releases = host.releases;
    // Factor on each stimulus that is a current, by its index.
    this.factors = new Map();
  }

  // Writes the input of the next `steps` steps.
  write(steps) {
    const start = this.device.step;
    for (const { array, sum } of this.currents) {
      const values = new Float32Array(steps);
      for (const summand of sum) this.add(values, start, summand);
      this.device.write(array, values);
    }
    for (const { array, words, spikes } of this.given) {
      const rows = new Uint32Array(steps * words);
      const step = (k) => spikes[3 * k] + spikes[3 * k + 1] * 2 ** 32;
      const count = spikes.length / 3;
      for (let k = firstFrom(count, step, start); k < count && step(k) < start + steps; k++) {
        const source = spikes[3 * k + 2];
        rows[(step(k) - start) * words + (source >>> 5)] |= 1 << (source & 31);
      }
      this.device.write(array, rows);
    }
    if (this.releases) {
      const { array, modulators, events } = this.releases;
      const values = new Float32Array(steps * modulators);
      const step = (k) => events[k][0];
      for (let k = 0; k < events.length; k++) {
        const t = step(k) - start;
        if (t >= 0 && t < steps) values[t * modulators + events[k][1]] += Math.fround(events[k][2]);
      }
      this.device.write(array, values);
    }
  }

  // Adds a stimulus to the currents of the steps from `start` on.
  add(values, start, { stimulus, factor, start: begin, stop, at }) {
    const end = stop ?? 2 ** 64;
    const length = Math.max(1, end - begin);
    const scale = factor * (this.factors.get(stimulus) ?? 1);
    for (let t = Math.max(0, begin - start); t < values.length && start + t < end; t++) {
      values[t] += Math.fround(scale * at(start + t - begin, length));
    }
  }
}

// The first of `count` entries, ascending, that is not below `least`.
function firstFrom(count, entry, least) {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entry(middle) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

