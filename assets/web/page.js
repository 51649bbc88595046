// The page: loads the network, runs it window by window, and joins what is drawn and moved to what runs.

// Time that a window should take at most [ms], so that the page stays alive on a slow device.
const PATIENCE = 60;

// Steps of the first window, before it is known what the device does in that time.
const FIRST = 16;

// How often weights and states are looked at, and texts are written, while the network runs [ms].
const LOOK = 400;

const element = (id) => document.getElementById(id);

function made(name, properties = {}, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}

function grouped(x) {
  return Math.round(x).toLocaleString("en");
}

function counted(count, name) {
  return `${grouped(count)} ${name}${count === 1 ? "" : "s"}`;
}

// Milliseconds as people read them.
function duration(ms) {
  return ms >= 10000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(1)} ms`;
}

// A script that lies beside the page.
function load(path) {
  return new Promise((resolve, reject) => {
    const missing = () => reject(new Trouble(`${path} cannot be loaded: it has to lie beside index.html.`));
    document.head.append(made("script", { src: path, onload: resolve, onerror: missing }));
  });
}

class Page {
  constructor(page) {
    this.page = page;
    this.running = false;
    // Work on the device is done piece by piece, in this order.
    this.queue = Promise.resolve();
    this.msPerStep = null;
    this.most = FIRST;
    this.time = { now: 0, span: 1, dt: page.dt, windows: [] };
    this.traced = page.view.populations.findIndex(({ trace }) => trace);
    this.learning = 0;
  }

  // Loads and shows all that there is.
  async open() {
    const { page } = this;
    element("facts").textContent =
      `${counted(page.neurons, "neuron")} · ${counted(page.synapses, "synapse")} · steps of ${page.dt} ms · ` +
      `the scene has ${duration(page.end * page.dt)}, the page goes on`;
    await load("network.js");
    const content = await unpacked(NETWORK);
    NETWORK = null;
    this.device = await Device.open(page.device, content, (why) => this.stop(why));
    this.host = new Host(page.host, this.device);
    this.controls = new Controls(page.controls, this.device, this.host);
    const { populations } = page.view;
    this.raster = new Raster(populations);
    this.rates = new Rates(populations);
    this.traces = new Traces();
    this.histogram = new Histogram();
    this.weightsAtStart = page.view.weights.map((weights) => this.histogramOf(weights, (array) => this.startOf(array)));
    this.weightsNow = this.weightsAtStart;
    this.fill();
    this.listen();
    element("status").textContent = "";
    this.resize();
  }

  // ---- elements ----------------------------------------------------------------------------------

  fill() {
    const { page } = this;
    const { view } = page;
    // Biological time for each frame of the screen.
    this.speeds = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].filter((steps) => steps <= page.steps);
    if (this.speeds.at(-1) < page.steps) this.speeds.push(page.steps);
    const usual = this.speeds.findLastIndex((steps) => steps * page.dt <= 10);
    Object.assign(element("speed"), { min: 0, max: this.speeds.length - 1, step: 1, value: Math.max(0, usual) });
    const spans = [50, 100, 200, 500, 1000, 2000, 5000, 10000];
    for (const span of spans) {
      const text = span < 1000 ? `${span} ms` : `${span / 1000} s`;
      element("span").append(made("option", { value: span, textContent: text, selected: span === 500 }));
    }
    this.rateTexts = view.populations.map(({ name, size }, k) => {
      const rate = made("span");
      const item = made("li", {}, `${name} (${grouped(size)}): `, rate);
      item.dataset.k = k;
      element("populations").append(item);
      return rate;
    });
    view.populations.forEach(({ name, trace }, k) => {
      if (trace) element("traced").append(made("option", { value: k, textContent: name }));
    });
    element("traces-figure").hidden = this.traced < 0;
    view.weights.forEach(({ name }, k) => {
      element("learning").append(made("option", { value: k, textContent: name }));
    });
    element("weights-figure").hidden = view.weights.length === 0;
    element("learning-choice").hidden = view.weights.length < 2;
    for (const note of page.notes) element("notes").append(made("li", { textContent: note }));
    this.sliders("stimuli", "Stimuli");
    this.sliders("weights", "Weights");
    for (const id of ["run", "step", "reset", "speed"]) element(id).disabled = false;
    this.recolor();
    this.tellSpeed();
  }

  // The sliders of a group.
  sliders(group, title) {
    const rows = [];
    this.controls.controls.forEach((control, k) => {
      if (control.group !== group) return;
      const { label, base, factors } = control;
      const told = made("output");
      const input = made("input", { type: "range", id: `slider-${k}`, min: 0, max: factors.length - 1, step: 1 });
      input.value = control.position;
      const tell = () => {
        const factor = factors[input.value];
        told.textContent = base ? `${short(base[0] * factor)} ${base[1]}` : `× ${factor.toFixed(2)}`;
        input.setAttribute("aria-valuetext", `${told.textContent}, factor ${factor.toFixed(2)}`);
      };
      // However fast it is moved, once for each window.
      let waits = false;
      input.addEventListener("input", () => {
        tell();
        if (waits) return;
        waits = true;
        this.exclusive(() => {
          waits = false;
          this.controls.move(k, Number(input.value));
        });
      });
      tell();
      // The output is what a label would be of if it did not say of what.
      const node = made("label", { className: "slider", htmlFor: input.id }, label, told, input);
      rows.push({ node, input, usual: control.position });
    });
    if (rows.length === 0) return;
    const back = made("button", { type: "button", textContent: "All as in the scene" });
    back.addEventListener("click", () => {
      for (const { input, usual } of rows) {
        input.value = usual;
        input.dispatchEvent(new Event("input"));
      }
    });
    const legend = made("legend", { textContent: title });
    element("sliders").append(made("fieldset", {}, legend, ...rows.map(({ node }) => node), back));
  }

  listen() {
    element("run").addEventListener("click", () => (this.running ? this.pause() : this.run()));
    element("step").addEventListener("click", () => this.single());
    element("reset").addEventListener("click", () => this.reset());
    element("speed").addEventListener("input", () => this.tellSpeed());
    element("span").addEventListener("change", () => this.resize());
    element("sliders").addEventListener("submit", (event) => event.preventDefault());
    element("traced").addEventListener("change", () => {
      this.traced = Number(element("traced").value);
      element("neuron").value = 0;
      this.trace();
    });
    element("neuron").addEventListener("change", () => this.trace());
    element("learning").addEventListener("change", () => {
      this.learning = Number(element("learning").value);
      this.draw();
    });
    new ResizeObserver(() => this.resize()).observe(element("figures"));
    DARK.addEventListener("change", () => {
      this.recolor();
      this.resize();
    });
    document.addEventListener("keydown", (event) => {
      const { target, key } = event;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (target.closest?.("input, select, button, summary, textarea")) return;
      if (key === " ") element("run").click();
      else if (key === ".") element("step").click();
      else if (key === "r") element("reset").click();
      else return;
      event.preventDefault();
    });
  }

  recolor() {
    for (const item of element("populations").children) item.style.setProperty("--of", colorOf(item.dataset.k));
  }

  tellSpeed() {
    const ms = this.speeds[element("speed").value] * this.page.dt;
    element("speed-told").textContent = `up to ${short(ms)} ms per frame`;
    element("speed").setAttribute("aria-valuetext", `up to ${short(ms)} ms of biological time per frame`);
  }

  // ---- running -----------------------------------------------------------------------------------

  // Does something with the device when all before is done. What goes wrong stops the page.
  exclusive(work) {
    const done = this.queue.then(() => (this.over ? undefined : work()));
    this.queue = done.catch((error) => this.stop(error));
    return this.queue;
  }

  async run() {
    if (this.running || this.over) return;
    this.running = true;
    this.since = null;
    element("run").textContent = "Pause";
    while (this.running) {
      await new Promise(requestAnimationFrame);
      const steps = this.affordable();
      if (this.running) await this.exclusive(() => this.advance(steps));
    }
  }

  pause() {
    this.running = false;
    element("run").textContent = "Run";
    return this.exclusive(() => this.look());
  }

  single() {
    this.pause();
    return this.exclusive(async () => {
      await this.advance(1);
      await this.look();
    });
  }

  // Everything as it was at the start; sliders stay where they are.
  reset() {
    return this.exclusive(async () => {
      this.device.reset();
      this.controls.again();
      Object.assign(this.time, { now: 0, windows: [] });
      this.since = null;
      this.chooseTraced();
      this.resize();
      await this.look();
    });
  }

  // Steps that a frame can have: those that are wanted, or what the device does in time.
  affordable() {
    return Math.min(this.speeds[element("speed").value], this.most);
  }

  // Runs a window of steps and takes note of what it leaves.
  async advance(steps) {
    const { device, page, time } = this;
    const { view } = page;
    const trace = view.populations[this.traced]?.trace;
    const start = device.step;
    const due = trace ? Math.floor((start + steps) / trace.every) - Math.floor(start / trace.every) : 0;
    const wanted = [[view.spikes, view.before + steps * view.row]];
    if (trace) wanted.push([trace.samples, due * trace.count]);
    const begun = performance.now();
    this.host.write(steps);
    const [rows, samples] = await device.window(steps, wanted);
    const now = performance.now();
    const took = now - begun;
    this.msPerStep = this.msPerStep === null ? took / steps : 0.9 * this.msPerStep + (0.1 * took) / steps;
    // Few steps take hardly less time than fewer.
    if (took > PATIENCE) this.most = Math.max(FIRST / 2, Math.floor(steps / 2));
    else if (took < PATIENCE / 2 && steps >= this.most) this.most = Math.min(2 * this.most, page.steps);
    time.now = start + steps;
    const window = { start, steps, spikes: this.spikesOf(rows.subarray(view.before), steps) };
    time.windows.push(window);
    while (time.windows[0].start + time.windows[0].steps < time.now - time.span) time.windows.shift();
    this.raster.add(window, time);
    this.rates.add(window);
    if (trace) this.addTraces(trace, window, samples);
    // Pace since the last look.
    this.since ??= { wall: begun, step: start };
    if (now - this.since.wall > LOOK) {
      this.pace = (now - this.since.wall) / ((time.now - this.since.step) * page.dt);
      this.since = { wall: now, step: time.now };
      await this.look();
    }
    this.draw();
    this.told();
    return window;
  }

  // Steps and neurons of the spikes of each population in rows of bits, one pair after the other.
  spikesOf(rows, steps) {
    const { row, populations } = this.page.view;
    return populations.map(({ size, first_word }) => {
      const found = [];
      const words = Math.ceil(size / 32);
      for (let t = 0; t < steps; t++) {
        for (let w = 0; w < words; w++) {
          for (let bits = rows[t * row + first_word + w]; bits !== 0; bits &= bits - 1) {
            found.push(t, 32 * w + 31 - Math.clz32(bits & -bits));
          }
        }
      }
      return Uint32Array.from(found);
    });
  }

  addTraces(trace, { start, spikes }, samples) {
    const values = new Float32Array(samples.buffer, samples.byteOffset, samples.length);
    const entries = [];
    const { every, count } = trace;
    const first = Math.floor(start / every) + 1;
    for (let k = 0; (k + 1) * count <= values.length; k++) {
      const row = this.tracedIds.map((_, rank) => values[k * count + rank] + this.rests[rank]);
      if (!row.every(Number.isFinite)) this.stop(this.divergence(this.traced));
      entries.push([(first + k) * every, row]);
    }
    const marks = [];
    const own = spikes[this.traced];
    for (let i = 0; i < own.length; i += 2) {
      const rank = this.tracedIds.indexOf(own[i + 1]);
      if (rank >= 0) marks.push([start + own[i] + 1, rank]);
    }
    this.traces.add(entries, marks, this.time);
  }

  // Chooses the neurons that are traced.
  trace() {
    return this.exclusive(() => {
      this.chooseTraced();
      this.draw();
    });
  }

  chooseTraced() {
    const { trace, size, name } = this.page.view.populations[this.traced] ?? {};
    if (!trace) return;
    const first = Math.max(0, Math.min(size - trace.count, Math.floor(Number(element("neuron").value)) || 0));
    Object.assign(element("neuron"), { value: first, max: size - trace.count });
    this.tracedIds = Array.from({ length: trace.count }, (_, k) => first + k);
    const [ids, at] = trace.ids;
    this.device.write(ids, new Uint32Array(this.tracedIds.flatMap((id, rank) => [id, rank])), at);
    const rests = new Float32Array(this.device.content, trace.rest[0], trace.rest[1] / 4);
    this.rests = this.tracedIds.map((id) => rests[rests.length > 1 ? id : 0]);
    const unit = trace.unit ? ` (${trace.unit})` : "";
    const several = this.tracedIds.length > 1;
    const which = several ? `neurons ${first} to ${this.tracedIds.at(-1)}` : `neuron ${first}`;
    const whose = several ? "their" : "its";
    element("traces-told").textContent = `${trace.variable}${unit} of ${which} of ${name}, and ${whose} spikes`;
    this.traces.clear();
  }

  // ---- looking -----------------------------------------------------------------------------------

  startOf(array) {
    const start = this.device.start(array);
    return new Float32Array(start.buffer, start.byteOffset, start.length);
  }

  histogramOf({ arrays, bounds }, contentOf) {
    const all = arrays.flatMap(([array, runs]) => {
      const content = contentOf(array);
      return runs.map(([from, to]) => content.subarray(from, to));
    });
    const weights = new Float32Array(all.reduce((sum, run) => sum + run.length, 0));
    let end = 0;
    for (const run of all) {
      weights.set(run, end);
      end += run.length;
    }
    return { weights, parts: Histogram.of(weights, bounds) };
  }

  // Reads weights that learn, and states, which have to be finite.
  async look() {
    const { view, device } = this.page;
    const arrays = view.weights.flatMap(({ arrays }) => arrays.map(([array]) => array));
    const all = [...arrays, ...view.states.map(([, array]) => array)];
    const found = await this.device.read(all.map((array) => [array, device.arrays[array].len]));
    const contents = found.map((words) => new Float32Array(words.buffer, words.byteOffset, words.length));
    this.weightsNow = view.weights.map((weights) =>
      this.histogramOf(weights, (array) => contents[arrays.indexOf(array)]),
    );
    view.states.forEach(([population], k) => {
      if (!contents[arrays.length + k].every(Number.isFinite)) this.stop(this.divergence(population));
    });
    this.draw();
    this.told();
  }

  divergence(population) {
    const { name } = this.page.view.populations[population];
    return (
      `A state of “${name}” is no finite number any more by ${duration(this.time.now * this.page.dt)}. ` +
      "Lower what was moved up and load the page again, or write the page with a smaller simulation.dt."
    );
  }

  // Says what went wrong, and stops.
  stop(why) {
    if (this.over) return;
    this.over = true;
    this.running = false;
    tellTrouble(why);
    for (const id of ["run", "step", "reset"]) element(id).disabled = true;
  }

  // ---- drawing -----------------------------------------------------------------------------------

  // Begins the figures anew, where their size or what they show is another.
  resize() {
    const { time } = this;
    time.span = Math.max(1, Math.round(Number(element("span").value) / time.dt));
    if (!this.tracedIds) this.chooseTraced();
    this.raster.fit(time);
    this.rates.fit();
    this.rates.again(time);
    this.traces.fit();
    this.histogram.fit();
    this.draw();
    this.told();
  }

  draw() {
    const { time } = this;
    this.raster.draw(time);
    this.rates.draw(time);
    if (this.tracedIds) this.traces.draw(time, this.tracedIds);
    if (this.weightsNow.length > 0) {
      const { bounds } = this.page.view.weights[this.learning];
      const [start, now] = [this.weightsAtStart, this.weightsNow].map((all) => all[this.learning].parts);
      this.histogram.draw(start, now, bounds);
    }
  }

  // Writes down what can be read.
  told() {
    const { page, time, msPerStep, pace } = this;
    element("time").textContent = duration(time.now * page.dt);
    element("factor").replaceChildren(pace ? short(pace) : "–", made("small", { textContent: " s per s" }));
    element("cost").replaceChildren(msPerStep === null ? "–" : `${short(msPerStep)} ms`);
    const from = Math.max(0, time.now - time.span);
    page.view.populations.forEach(({ size }, k) => {
      let count = 0;
      for (const { start, spikes } of time.windows) {
        if (start >= from) count += spikes[k].length / 2;
      }
      const first = time.windows.find(({ start }) => start >= from)?.start ?? time.now;
      const seconds = ((time.now - first) * page.dt) / 1000;
      this.rateTexts[k].textContent = seconds > 0 ? `${short(count / size / seconds)} Hz` : "–";
    });
    const shown = element("span").selectedOptions[0].textContent;
    element("raster-told").textContent = `Spikes of the last ${shown}, a dot each`;
    if (this.weightsNow.length > 0) {
      const { name } = page.view.weights[this.learning];
      const mean = ({ weights }) => short(weights.reduce((sum, w) => sum + w, 0) / weights.length);
      const [start, now] = [this.weightsAtStart, this.weightsNow].map((all) => mean(all[this.learning]));
      element("weights-told").textContent =
        `Weights of ${name}: parts of all, now (bars, mean ${now}) and at the start (dashed, mean ${start})`;
    }
  }
}

function tellTrouble(why) {
  const status = element("status");
  status.className = "trouble";
  status.textContent = why instanceof Trouble ? why.message : String(why);
}

const page = new Page(JSON.parse(element("page").textContent));
const ready = page.open();
ready.then(
  () => {
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) page.run();
  },
  (error) => tellTrouble(error),
);
