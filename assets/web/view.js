// The view. All figures but that of the weights share an axis of time, of which the latest `span` steps are shown.

// Colours of populations, in turn (Okabe & Ito 2008, lighter on dark paper).
const COLORS = {
  light: ["#0072b2", "#d55e00", "#009e73", "#b8588f", "#2f8fc4", "#b37700"],
  dark: ["#56b4e9", "#ff9c57", "#35c99b", "#e39bc4", "#9ad0f5", "#f2c14e"],
};
const DARK = matchMedia("(prefers-color-scheme: dark)");

// Left of the axis of time, and below it [CSS pixels].
const [LEFT, BELOW, TOP] = [46, 20, 6];

function colorOf(k) {
  const colors = COLORS[DARK.matches ? "dark" : "light"];
  return colors[k % colors.length];
}

function styled(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name);
}

// A number of three or four digits.
function short(x) {
  if (x === 0) return "0";
  const digits = Math.floor(Math.log10(Math.abs(x)));
  if (digits < -3 || digits > 5) return x.toExponential(1).replace("e+", "e");
  return x.toLocaleString("en", { maximumFractionDigits: Math.max(0, 2 - digits) });
}

// The next larger of 1, 2, 5, 10, ...
function nice(x) {
  const power = 10 ** Math.floor(Math.log10(x));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= x * (1 - 1e-9));
}

// A canvas that is as many pixels as it takes on the screen.
class Figure {
  constructor(id) {
    this.canvas = document.getElementById(id);
    this.g = this.canvas.getContext("2d");
  }

  // Takes the size that the canvas has now; true if that is another one.
  fit() {
    const scale = window.devicePixelRatio || 1;
    const { clientWidth, clientHeight } = this.canvas;
    const [width, height] = [Math.round(clientWidth * scale), Math.round(clientHeight * scale)];
    const changed = this.canvas.width !== width || this.canvas.height !== height;
    if (changed) [this.canvas.width, this.canvas.height] = [width, height];
    this.scale = scale;
    [this.width, this.height] = [clientWidth, clientHeight];
    this.inner = { x: LEFT, y: TOP, width: clientWidth - LEFT - 2, height: clientHeight - TOP - BELOW };
    return changed;
  }

  // Begins a drawing on empty paper, in CSS pixels.
  begin() {
    const { g } = this;
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.clearRect(0, 0, this.canvas.width, this.canvas.height);
    g.setTransform(this.scale, 0, 0, this.scale, 0, 0);
    g.font = "12px system-ui, sans-serif";
    g.lineWidth = 1;
  }

  text(text, x, y, align = "left", color = styled("--faint")) {
    this.g.fillStyle = color;
    this.g.textAlign = align;
    this.g.fillText(text, x, y);
  }

  line(x0, y0, x1, y1, color = styled("--line")) {
    const { g } = this;
    g.strokeStyle = color;
    g.beginPath();
    g.moveTo(x0, y0);
    g.lineTo(x1, y1);
    g.stroke();
  }

  // The axis of time up to step `now`.
  timeAxis({ now, span, dt }) {
    const { x, y, width, height } = this.inner;
    const bottom = y + height + 0.5;
    this.line(x, bottom, x + width, bottom);
    const unit = span * dt >= 2000 ? { of: 1000, name: "s" } : { of: 1, name: "ms" };
    const told = (ms) => `${short(ms / unit.of)} ${unit.name}`;
    const last = told(now * dt);
    const room = this.g.measureText(last).width + 12;
    this.text(last, x + width, bottom + 15, "right");
    const every = nice((span * dt) / Math.max(2, width / 110));
    const first = Math.ceil(Math.max(0, (now - span) * dt) / every - 1e-9);
    for (let k = first; k * every <= now * dt + 1e-9; k++) {
      const at = x + (width * (k * every - (now - span) * dt)) / (span * dt);
      this.line(at, bottom, at, bottom + 4);
      const text = told(k * every);
      const end = at + this.g.measureText(text).width / 2;
      if (end < x + width - room) this.text(text, at, bottom + 15, "center");
    }
  }

  // Lines across at nice values from `low` to `high`, and what turns a value into a height.
  valueAxis(low, high) {
    const { x, y, width, height } = this.inner;
    const at = (value) => y + height - (height * (value - low)) / (high - low);
    const every = nice((high - low) / Math.max(1, height / 40));
    for (let k = Math.ceil(low / every); k * every <= high; k++) {
      this.line(x, at(k * every), x + width, at(k * every));
      this.text(short(k * every), x - 6, at(k * every) + 4, "right");
    }
    return at;
  }
}

// Columns of the ring of a raster that are not shown: a dot is wider than its own.
const MARGIN = 8;

// Spikes of all populations, a dot each. Columns lie in a ring, so that a window draws its own columns alone.
class Raster extends Figure {
  constructor(populations) {
    super("raster");
    this.populations = populations;
    this.ring = document.createElement("canvas");
  }

  fit(time) {
    const changed = super.fit();
    const { width, height } = this.inner;
    const [columns, rows] = [width, height].map((size) => Math.max(1, Math.round(size * this.scale)));
    this.columns = columns;
    if (changed) [this.ring.width, this.ring.height] = [columns + MARGIN, rows];
    // Small populations get more than their part.
    const roots = this.populations.map(({ size }) => Math.sqrt(size));
    const least = 0.1 * roots.reduce((sum, root) => sum + root, 0);
    const shares = roots.map((root) => Math.max(root, Math.min(least, 5 * root)));
    const sum = shares.reduce((sum, share) => sum + share, 0);
    let top = 0;
    this.bands = shares.map((share) => {
      const band = { top, height: (rows * share) / sum };
      top += band.height;
      return band;
    });
    this.again(time);
    return changed;
  }

  again(time) {
    this.ring.getContext("2d").clearRect(0, 0, this.ring.width, this.ring.height);
    for (const window of time.windows) this.add(window, time);
  }

  // Draws the spikes of a window.
  add({ start, steps, spikes }, { span }) {
    const g = this.ring.getContext("2d");
    const { columns } = this;
    const { width: around, height: rows } = this.ring;
    const column = (step) => Math.floor((step * columns) / span);
    // What lies ahead is empty, as far as dots reach.
    const to = column(start + steps) + MARGIN;
    for (let done = Math.max(column(start) + MARGIN, to - around); done < to; ) {
      const count = Math.min(to - done, around - (done % around));
      g.clearRect(done % around, 0, count, rows);
      done += count;
    }
    const width = Math.max(this.scale, Math.min(3 * this.scale, columns / span));
    spikes.forEach((places, k) => {
      const { top, height } = this.bands[k];
      const { size } = this.populations[k];
      const dot = Math.max(this.scale, Math.min(4 * this.scale, 0.6 * height / size));
      g.fillStyle = colorOf(k);
      for (let i = 0; i < places.length; i += 2) {
        const y = top + (height - dot) * ((places[i + 1] + 0.5) / size);
        const x = column(start + places[i]) % around;
        g.fillRect(x, y, width, dot);
        if (x + width > around) g.fillRect(x - around, y, width, dot);
      }
    });
  }

  draw(time) {
    this.begin();
    const { g, ring, scale } = this;
    const { x, y, width, height } = this.inner;
    const { columns } = this;
    const newest = Math.floor((time.now * columns) / time.span);
    // At the start there is nothing before the first column.
    for (let done = Math.max(0, newest - columns); done < newest; ) {
      const from = done % ring.width;
      const count = Math.min(newest - done, ring.width - from);
      const left = x + (width * (done - newest + columns)) / columns;
      g.drawImage(ring, from, 0, count, ring.height, left, y, (width * count) / columns, height);
      done += count;
    }
    this.populations.forEach(({ name }, k) => {
      const top = y + this.bands[k].top / scale;
      if (k > 0) this.line(x, top, x + width, top);
      g.save();
      g.translate(x - 8, top + this.bands[k].height / scale / 2);
      if (this.bands[k].height / scale > 26) {
        // Upright, and as much of the name as there is room for.
        g.rotate(-Math.PI / 2);
        const room = this.bands[k].height / scale - 4;
        let told = name;
        while (told.length > 1 && g.measureText(told).width > room) told = told.slice(0, -2) + "…";
        if (told.length > 3 || told === name) this.text(told, 0, 0, "center", colorOf(k));
      }
      g.restore();
    });
    this.timeAxis(time);
  }
}

// Mean rate of the neurons of each population, in bins.
class Rates extends Figure {
  constructor(populations) {
    super("rates");
    this.populations = populations;
    this.highest = 1;
  }

  // Bins of a number of steps, such that some hundred are shown.
  again(time) {
    this.bin = Math.max(1, Math.round(nice((time.span * time.dt) / 200) / time.dt));
    this.bins = Math.ceil(time.span / this.bin) + 1;
    this.counts = this.populations.map(() => new Float64Array(this.bins));
    this.reached = 0;
    for (const window of time.windows) this.add(window);
  }

  add({ start, steps, spikes }) {
    const bin = (step) => Math.floor(step / this.bin);
    for (let k = Math.max(bin(this.reached) + 1, bin(start + steps) - this.bins + 1); k <= bin(start + steps); k++) {
      for (const counts of this.counts) counts[k % this.bins] = 0;
    }
    this.reached = start + steps;
    spikes.forEach((places, k) => {
      const counts = this.counts[k];
      for (let i = 0; i < places.length; i += 2) counts[bin(start + places[i]) % this.bins] += 1;
    });
  }

  // Rates of the latest whole bins [Hz], from bin `first` on.
  curve(k, first, last, dt) {
    const perSpike = 1000 / (this.populations[k].size * this.bin * dt);
    const rates = [];
    for (let at = first; at < last; at++) rates.push(this.counts[k][at % this.bins] * perSpike);
    return rates;
  }

  draw(time) {
    this.begin();
    const { g } = this;
    const { x, width } = this.inner;
    const last = Math.floor(time.now / this.bin);
    const first = Math.max(0, last - this.bins + 2);
    const curves = this.populations.map((_, k) => this.curve(k, first, last, time.dt));
    const highest = Math.max(1, ...curves.map((curve) => Math.max(0, ...curve)));
    // The axis grows at once and shrinks when there is much room.
    if (highest > this.highest || highest < 0.4 * this.highest) this.highest = nice(highest);
    const at = this.valueAxis(0, this.highest);
    curves.forEach((curve, k) => {
      g.strokeStyle = colorOf(k);
      g.lineWidth = 1.5;
      g.beginPath();
      curve.forEach((rate, i) => {
        const middle = (first + i + 0.5) * this.bin - (time.now - time.span);
        g.lineTo(x + Math.max(0, (width * middle) / time.span), at(rate));
      });
      g.stroke();
    });
    g.lineWidth = 1;
    this.timeAxis(time);
  }
}

// A state of a few neurons of one population, and a mark for each of their spikes.
class Traces extends Figure {
  constructor() {
    super("traces");
    this.clear();
  }

  clear() {
    this.samples = [];
    this.marks = [];
    this.range = null;
  }

  // Samples of a window: [step, value of each neuron], and spikes of these neurons: [step, rank].
  add(samples, marks, { now, span }) {
    this.samples.push(...samples);
    this.marks.push(...marks);
    const old = (entries) => firstFrom(entries.length, (k) => entries[k][0], now - span);
    if (old(this.samples) > this.samples.length / 4) this.samples.splice(0, old(this.samples));
    if (old(this.marks) > this.marks.length / 4) this.marks.splice(0, old(this.marks));
  }

  draw(time, neurons) {
    this.begin();
    const { g } = this;
    const { x, y, width } = this.inner;
    let [low, high] = [Infinity, -Infinity];
    for (const [, values] of this.samples) {
      for (const value of values) {
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    if (low <= high) {
      if (high - low < 1e-3 * Math.abs(low) || high === low) [low, high] = [low - 1, high + 1];
      const every = nice((high - low) / 4);
      const range = [Math.floor(low / every) * every, Math.ceil(high / every + 0.35) * every];
      // As of rates: the axis does not jump with every sample.
      // Above it is room for the marks.
      const [bottom, top] = this.range ?? [0, 0];
      const most = top - 0.1 * (top - bottom);
      if (low < bottom || high > most || range[1] - range[0] < 0.4 * (top - bottom)) this.range = range;
    }
    const at = this.valueAxis(...(this.range ?? [0, 1]));
    const place = (step) => x + (width * (step - (time.now - time.span))) / time.span;
    const first = firstFrom(this.samples.length, (k) => this.samples[k][0], time.now - time.span);
    neurons.forEach((_, rank) => {
      g.strokeStyle = colorOf(rank);
      g.lineWidth = 1.25;
      g.beginPath();
      for (let k = first; k < this.samples.length; k++) {
        const [step, values] = this.samples[k];
        g.lineTo(place(step), at(values[rank]));
      }
      g.stroke();
    });
    g.lineWidth = 1;
    for (const [step, rank] of this.marks) {
      if (step >= time.now - time.span) {
        g.fillStyle = colorOf(rank);
        g.fillRect(place(step) - 0.75, y + 4 * rank, 1.5, 4);
      }
    }
    this.timeAxis(time);
  }
}

// How many weights there are of each size: now, and at the start.
class Histogram extends Figure {
  constructor() {
    super("weights");
  }

  // Parts of the weights in each bin between the bounds.
  static of(weights, [low, high], bins = 40) {
    const parts = new Float64Array(bins);
    for (const weight of weights) {
      const bin = Math.floor((bins * (weight - low)) / (high - low));
      parts[Math.max(0, Math.min(bins - 1, bin))] += 1 / weights.length;
    }
    return parts;
  }

  draw(start, now, bounds) {
    this.begin();
    const { g } = this;
    const { x, y, width, height } = this.inner;
    const highest = Math.max(0.05, ...now);
    if (!(highest <= this.highest && highest > 0.4 * this.highest)) this.highest = Math.min(1, nice(highest));
    const at = this.valueAxis(0, this.highest);
    const bar = width / now.length;
    g.fillStyle = colorOf(0);
    now.forEach((part, k) => g.fillRect(x + k * bar + 0.5, at(part), bar - 1, y + height - at(part)));
    g.strokeStyle = styled("--faint");
    g.lineWidth = 1.5;
    g.setLineDash([4, 3]);
    g.beginPath();
    start.forEach((part, k) => {
      const top = Math.max(y, at(part));
      g.lineTo(x + k * bar, top);
      g.lineTo(x + (k + 1) * bar, top);
    });
    g.stroke();
    g.setLineDash([]);
    g.lineWidth = 1;
    const bottom = y + height + 0.5;
    this.line(x, bottom, x + width, bottom);
    for (let k = 0; k <= 4; k++) {
      const text = short(bounds[0] + (k / 4) * (bounds[1] - bounds[0]));
      const place = x + (k / 4) * width;
      this.line(place, bottom, place, bottom + 4);
      this.text(text, place, bottom + 15, k === 4 ? "right" : k === 0 ? "left" : "center");
    }
  }
}

