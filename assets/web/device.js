"use strict";
// The device. It does by WebGPU what the GPU engine of the command line does: makes buffers, pipelines and bind groups
// of a plan, once, and then runs windows of steps.

// Something that a person is told.
class Trouble extends Error {}

// The bytes of a text that was deflated and written in base64.
async function unpacked(text) {
  const digits = atob(text);
  const packed = new Uint8Array(digits.length);
  for (let k = 0; k < packed.length; k++) packed[k] = digits.charCodeAt(k);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return await new Response(stream).arrayBuffer();
}

// The GPU device of the browser, if it has one that is enough. `stop` is told what goes wrong later.
async function openGpu(needs, stop) {
  if (!navigator.gpu) {
    throw new Trouble(
      window.isSecureContext
        ? "This browser has no WebGPU, by which the page runs its network on your GPU. Chrome and Edge have it from " +
          "version 113 on (on Linux from 144 on, or with the flag “Unsafe WebGPU Support”), Safari from 26 on, " +
          "Firefox from 141 on, on some systems later."
        : "Browsers allow WebGPU on secure pages alone: open this page by https, from localhost, or as a file.",
    );
  }
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) {
    throw new Trouble(
      "This browser has WebGPU, but no GPU that it lets pages use. See chrome://gpu or about:support; a newer driver, " +
        "or hardware acceleration switched on in the settings, may help.",
    );
  }
  for (const [name, least] of Object.entries(needs)) {
    const has = adapter.limits[name];
    if (has !== undefined && has < least) {
      throw new Trouble(`This network needs ${name} of ${least}, and the GPU of this browser has ${has}.`);
    }
  }
  const gpu = await adapter.requestDevice();
  gpu.addEventListener("uncapturederror", ({ error }) => stop(`The GPU refused something: ${error.message}`));
  gpu.lost.then(({ message }) => stop(`The GPU was lost: ${message} Load the page again.`));
  return gpu;
}

class Device {
  constructor(gpu, plan, content) {
    this.gpu = gpu;
    this.plan = plan;
    this.content = content;
    this.step = 0;
  }

  static async open(plan, content, stop) {
    const device = new Device(await openGpu(plan.needs, stop), plan, content);
    await device.make();
    return device;
  }

  // Words of a part of the content.
  words([at, bytes]) {
    return new Uint32Array(this.content, at, bytes / 4);
  }

  // What an array holds at the start.
  start(array) {
    const { len, start } = this.plan.arrays[array];
    return start ? this.words(start) : new Uint32Array(len);
  }

  async make() {
    const { gpu, plan } = this;
    const { STORAGE, UNIFORM, COPY_SRC, COPY_DST } = GPUBufferUsage;
    const uniform = (words) => {
      const buffer = gpu.createBuffer({ size: words.byteLength, usage: UNIFORM | COPY_DST });
      gpu.queue.writeBuffer(buffer, 0, words);
      return buffer;
    };
    gpu.pushErrorScope("out-of-memory");
    this.buffers = plan.buffers.map((size) => gpu.createBuffer({ size, usage: STORAGE | COPY_SRC | COPY_DST }));
    if (await gpu.popErrorScope()) {
      const size = plan.buffers.reduce((sum, bytes) => sum + bytes, 0);
      throw new Trouble(`The GPU has no room for the ${Math.round(size / 1e6)} MB of this network.`);
    }
    this.clock = uniform(new Uint32Array(plan.clock));
    const spans = uniform(this.words(plan.spans.content));
    const kernels = plan.kernels.map(({ name, text, written }) => {
      const entry = (binding, buffer) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer });
      const { params, span, clock, arrays } = plan.bindings;
      const layout = gpu.createBindGroupLayout({
        label: name,
        entries: [
          entry(params, { type: "uniform" }),
          entry(span, { type: "uniform", hasDynamicOffset: true }),
          entry(clock, { type: "uniform" }),
          ...written.map((is, k) => entry(arrays + k, { type: is ? "storage" : "read-only-storage" })),
        ],
      });
      return { layout, module: gpu.createShaderModule({ label: name, code: text }) };
    });
    const pipelines = await Promise.all(
      plan.pipelines.map(({ kernel, constants }) => {
        const { layout, module } = kernels[kernel];
        return gpu.createComputePipelineAsync({
          layout: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }),
          compute: { module, entryPoint: "main", constants },
        });
      }),
    );
    this.stages = plan.stages.map(({ stepped, dispatches }) => ({
      stepped,
      dispatches: dispatches.map((dispatch) => {
        const { kernel } = plan.pipelines[dispatch.pipeline];
        const params = uniform(this.words(dispatch.params));
        const part = (binding, buffer, offset, size) => ({ binding, resource: { buffer, offset, size } });
        const group = gpu.createBindGroup({
          layout: kernels[kernel].layout,
          entries: [
            part(plan.bindings.params, params),
            part(plan.bindings.span, spans, 0, plan.spans.bytes),
            part(plan.bindings.clock, this.clock),
            ...dispatch.arrays.map(([buffer, at, bytes], k) =>
              part(plan.bindings.arrays + k, this.buffers[buffer], at, bytes),
            ),
          ],
        });
        const { workgroup } = plan.kernels[kernel];
        return { ...dispatch, pipeline: pipelines[dispatch.pipeline], group, workgroup, uniform: params };
      }),
    }));
    this.reset();
  }

  // Everything as it was at the start, but for params.
  reset() {
    const encoder = this.gpu.createCommandEncoder();
    for (const buffer of this.buffers) encoder.clearBuffer(buffer);
    this.gpu.queue.submit([encoder.finish()]);
    this.plan.arrays.forEach(({ start }, array) => {
      if (start) this.write(array, this.words(start));
    });
    this.step = 0;
  }

  // Overwrites elements of an array from `first` on.
  write(array, values, first = 0) {
    const { buffer, at } = this.plan.arrays[array];
    this.gpu.queue.writeBuffer(this.buffers[buffer], at + 4 * first, values);
  }

  // Writes a number among the params of a dispatch: that of the plan times a factor.
  scaleParam({ stage, dispatch, at, integer }, factor) {
    const { params, uniform } = this.stages[stage].dispatches[dispatch];
    const of = integer ? Int32Array : Float32Array;
    const [own] = new of(this.content, params[0] + at, 1);
    const scaled = integer ? Math.round(own * factor) : own * factor;
    this.gpu.queue.writeBuffer(uniform, at, new of([scaled]));
  }

  // Runs the next `steps` steps, and gives the first elements of some arrays as they are then. What they have is
  // [array, how many elements].
  async window(steps, wanted) {
    const { plan, gpu } = this;
    const clock = new Uint32Array(plan.clock);
    clock[plan.clock_step] = this.step;
    clock[plan.clock_step + 1] = Math.floor(this.step / 2 ** 32);
    gpu.queue.writeBuffer(this.clock, 0, clock);
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    const { step, window, stride, interval, whole } = plan.spans;
    // Offsets of the spans that cover steps t0 to t1.
    const spans = (t0, t1) => {
      if (t1 - t0 === 1) return [step + t0 * stride];
      if (t0 === 0) return [window + (t1 - 1) * stride];
      if (t1 - t0 === interval) return [whole + t0 * stride];
      return Array.from({ length: t1 - t0 }, (_, k) => step + (t0 + k) * stride);
    };
    for (const { stepped, dispatches } of this.stages) {
      if (!stepped) {
        for (const each of dispatches) this.encode(pass, each, window + (steps - 1) * stride, steps);
        continue;
      }
      for (let t0 = 0, t1; t0 < steps; t0 = t1) {
        t1 = Math.min(steps, t0 + interval - ((this.step + t0) % interval));
        for (const each of dispatches) {
          if ((this.step + t1) % each.every === 0) spans(t0, t1).forEach((span) => this.encode(pass, each, span, 1));
        }
      }
    }
    pass.end();
    this.step += steps;
    return await this.read(wanted, encoder);
  }

  encode(pass, { pipeline, group, invocations, per_step, workgroup }, span, steps) {
    const groups = Math.ceil((per_step ? invocations * steps : invocations) / workgroup);
    // A dimension of a grid has at most so many workgroups.
    const rows = Math.max(1, Math.ceil(groups / 65535));
    if (this.bound !== pass || this.pipeline !== pipeline) pass.setPipeline(pipeline);
    this.bound = pass;
    this.pipeline = pipeline;
    pass.setBindGroup(0, group, [span]);
    pass.dispatchWorkgroups(Math.ceil(groups / rows), rows);
  }

  // The first elements of some arrays, as words, after all work so far and that of the encoder.
  async read(wanted, encoder = this.gpu.createCommandEncoder()) {
    const size = wanted.reduce((sum, [, elements]) => sum + 4 * elements, 0);
    const { MAP_READ, COPY_DST } = GPUBufferUsage;
    const staging = this.gpu.createBuffer({ size: Math.max(4, size), usage: MAP_READ | COPY_DST });
    let end = 0;
    const places = wanted.map(([array, elements]) => {
      const { buffer, at } = this.plan.arrays[array];
      if (elements > 0) encoder.copyBufferToBuffer(this.buffers[buffer], at, staging, end, 4 * elements);
      const place = end / 4;
      end += 4 * elements;
      return place;
    });
    this.gpu.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const words = new Uint32Array(staging.getMappedRange()).slice();
    staging.destroy();
    return wanted.map(([, elements], k) => words.subarray(places[k], places[k] + elements));
  }
}

