//! What the device of a page is given: buffers, shaders, and the dispatches of a step.

use super::content::{Content, Part};
use crate::engine::dispatch::{Code, Dispatches, Form, Spans};
use crate::engine::shader::{self, Source};
use crate::kernel::{Clock, Kernel};
use crate::network::Network;
use crate::plan::{Launch, Plan, Stage};
use serde::Serialize;
use std::collections::BTreeMap;

/// The plan as WebGPU is given it.
#[derive(Serialize)]
pub struct Device {
    /// Least limits of the adapter, by their names in WebGPU.
    needs: BTreeMap<&'static str, u64>,
    /// Size of each buffer \[bytes\].
    buffers: Vec<u64>,
    arrays: Vec<Placed>,
    bindings: Bindings,
    /// Words of the clock in step 0.
    clock: Vec<u32>,
    /// Place of the lower half of the step among them; the upper half follows.
    clock_step: usize,
    spans: SpanBuffer,
    kernels: Vec<Shader>,
    pipelines: Vec<Pipeline>,
    stages: Vec<Dispatched>,
}

/// An array in its buffer.
#[derive(Serialize)]
struct Placed {
    name: String,
    buffer: usize,
    /// First byte.
    at: u64,
    /// Elements, of four bytes.
    len: usize,
    /// What it holds at the start, if that is not zeros.
    start: Option<Part>,
}

/// Numbers of the bindings of a shader.
#[derive(Serialize)]
struct Bindings {
    params: u32,
    span: u32,
    clock: u32,
    /// Of the first array.
    arrays: u32,
}

/// The buffer of spans.
#[derive(Serialize)]
struct SpanBuffer {
    content: Part,
    /// Bytes of one.
    bytes: u64,
    /// Offset of the span of the first step.
    step: u32,
    /// Offset of the span of a window of one step.
    window: u32,
    /// From a span to that of one step more.
    stride: u32,
    /// Steps of an interval.
    interval: usize,
    /// Offset of the span of a whole interval that begins with the window.
    whole: u32,
}

/// A shader.
#[derive(Serialize)]
struct Shader {
    name: &'static str,
    text: String,
    workgroup: u32,
    /// Whether it writes each of its arrays.
    written: Vec<bool>,
}

/// A shader with its constants.
#[derive(Serialize, PartialEq)]
struct Pipeline {
    kernel: usize,
    constants: BTreeMap<String, f64>,
}

/// A stage of the program.
#[derive(Serialize)]
struct Dispatched {
    /// Whether it is done step by step, rather than for the whole window.
    stepped: bool,
    dispatches: Vec<Dispatch>,
}

#[derive(Serialize)]
struct Dispatch {
    pipeline: usize,
    params: Part,
    /// Buffer, first byte and bytes of each array.
    arrays: Vec<(usize, u64, u64)>,
    invocations: u64,
    per_step: bool,
    every: u64,
}

impl Device {
    /// What runs the program `simulate` of a plan.
    ///
    /// # Errors
    /// A kernel whose shader does not assemble.
    pub fn new(
        network: &Network,
        plan: &Plan,
        max_binding: u64,
        content: &mut Content,
    ) -> Result<Self, (&'static str, String)> {
        let placed = Dispatches::of(plan, max_binding);
        let spans = Spans { steps: plan.steps, interval: plan.interval };
        let clock = Clock::still(network.seed, 0);
        let arrays = plan.arrays.iter().map(|(id, array)| {
            let (buffer, at) = placed.places[id];
            let start = content.start(&array.init);
            Placed { name: array.name.clone(), buffer, at, len: array.len, start }
        });
        let mut device = Self {
            needs: BTreeMap::new(),
            buffers: placed.buffers.clone(),
            arrays: arrays.collect(),
            bindings: Bindings {
                params: shader::PARAMS,
                span: shader::SPAN,
                clock: shader::CLOCK,
                arrays: shader::ARRAYS,
            },
            clock: clock.words().to_vec(),
            clock_step: Clock::STEP,
            spans: SpanBuffer {
                content: content.add(&spans.bytes()),
                bytes: crate::kernel::Span::BYTES,
                step: spans.of_step(0),
                window: spans.of_window(1),
                stride: spans.of_step(1) - spans.of_step(0),
                interval: plan.interval,
                whole: spans.of_whole(0),
            },
            kernels: Vec::new(),
            pipelines: Vec::new(),
            stages: Vec::new(),
        };
        for program in plan.programs.iter().zip(&placed.programs) {
            for (stage, merged) in program.0.stages.iter().zip(program.1) {
                let mut dispatches = Vec::with_capacity(merged.len());
                for ids in merged {
                    let launches: Vec<&Launch> =
                        ids.iter().map(|k| &stage.launches()[*k]).collect();
                    dispatches
                        .push(device.dispatch(placed.form(&plan.arrays, &launches), content)?);
                }
                let stepped = matches!(stage, Stage::Steps { .. });
                device.stages.push(Dispatched { stepped, dispatches });
            }
        }
        for size in &placed.buffers {
            device.need("maxBufferSize", *size);
        }
        Ok(device)
    }

    fn dispatch(
        &mut self,
        form: Form,
        content: &mut Content,
    ) -> Result<Dispatch, (&'static str, String)> {
        let Code::Kernel(kernel) = form.code else { unreachable!("a page links nothing") };
        let kernel = self.kernel(kernel)?;
        let pipeline = Pipeline { kernel, constants: form.constants.into_iter().collect() };
        let known = self.pipelines.iter().position(|known| *known == pipeline);
        let pipeline = known.unwrap_or_else(|| {
            self.pipelines.push(pipeline);
            self.pipelines.len() - 1
        });
        for (_, _, bytes, _) in &form.arrays {
            self.need("maxStorageBufferBindingSize", *bytes);
        }
        self.need("maxUniformBufferBindingSize", form.params.len() as u64);
        Ok(Dispatch {
            pipeline,
            params: content.add(&form.params),
            arrays: form
                .arrays
                .into_iter()
                .map(|(buffer, at, bytes, _)| (buffer, at, bytes))
                .collect(),
            invocations: form.invocations,
            per_step: form.per_step,
            every: form.every,
        })
    }

    /// The number of a kernel, which is added if it is new.
    fn kernel(&mut self, kernel: &'static Kernel) -> Result<usize, (&'static str, String)> {
        if let Some(known) = self.kernels.iter().position(|known| known.name == kernel.name) {
            return Ok(known);
        }
        let text = Source::assemble(kernel).map_err(|why| (kernel.name, why))?.text;
        let written: Vec<bool> = kernel.bound().map(|(_, array)| array.written).collect();
        self.need("maxStorageBuffersPerShaderStage", written.len() as u64);
        self.need("maxComputeInvocationsPerWorkgroup", kernel.workgroup.into());
        self.need("maxComputeWorkgroupSizeX", kernel.workgroup.into());
        let workgroup = kernel.workgroup;
        self.kernels.push(Shader { name: kernel.name, text, workgroup, written });
        Ok(self.kernels.len() - 1)
    }

    fn need(&mut self, limit: &'static str, least: u64) {
        let known = self.needs.entry(limit).or_default();
        *known = least.max(*known);
    }
}
