// The controls. A slider multiplies what its moves name; src/web/controls.rs says what these are.

class Controls {
  constructor(controls, device, host) {
    this.device = device;
    this.host = host;
    this.controls = controls.map((control) => ({ ...control, position: control.factors.indexOf(1) }));
    // Tables of synapses as they are now, by the array of their weights.
    this.synapses = new Map();
  }

  // Moves slider `k` to a position.
  move(k, position) {
    const control = this.controls[k];
    control.position = position;
    for (const move of control.moves) this.apply(move, control.factors[position], position);
  }

  // Brings back all that a reset of the device has taken away.
  again() {
    this.synapses.clear();
    this.controls.forEach(({ position, factors }, k) => {
      if (factors[position] !== 1) this.move(k, position);
    });
  }

  apply({ current, table, floats, param, synapses }, factor, position) {
    const { device, host } = this;
    if (current) host.factors.set(current.stimulus, factor);
    if (table) device.write(table.array, device.words(table.positions[position]), table.at);
    if (param) device.scaleParam(param, factor);
    if (synapses) this.scale(synapses, factor);
    if (floats) {
      const start = new Float32Array(device.start(floats.array).slice().buffer);
      device.write(floats.array, start.map((x) => x * factor));
    }
  }

  // Multiplies the weights of some sources to some targets.
  scale({ table, sources, tiles, receptor }, factor) {
    const { device } = this;
    const [starts, ports] = [device.start(table.start), device.start(table.port)];
    const own = new Int32Array(device.start(table.weight).slice().buffer);
    if (!this.synapses.has(table.weight)) this.synapses.set(table.weight, own.slice());
    const now = this.synapses.get(table.weight);
    const shared = receptor === null;
    const place = 2 ** table.port_bits - 1;
    const first = Math.max(sources[0] - table.first, 0);
    const last = Math.min(sources[1] - table.first, table.sources);
    if (first >= last) return;
    for (let source = first; source < last; source++) {
      for (let tile = tiles[0]; tile < tiles[1]; tile++) {
        const row = source * table.tiles + tile;
        if (shared) {
          now[row] = Math.round(own[row] * factor);
          continue;
        }
        for (let k = starts[row]; k < starts[row + 1]; k++) {
          const at = Math.floor(((ports[k] & place) & (table.places - 1)) / table.tile);
          if (at === receptor) now[k] = Math.round(own[k] * factor);
        }
      }
    }
    const ends = [first, last].map((source) => source * table.tiles);
    const [from, to] = shared ? ends : ends.map((row) => starts[row]);
    if (to > from) device.write(table.weight, now.subarray(from, to), from);
  }
}

