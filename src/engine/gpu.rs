//! Runs the shaders of a plan's kernels on an adapter of Vulkan, Metal or DX12.
//!
//! How it works: every array is a buffer or a part of one, every dispatch a pipeline with one bind group, made
//! once, when the plan is loaded; launches that may be one dispatch are ([`Dispatches`]). A run only encodes
//! dispatches. The parameters of each lie in a uniform buffer, the spans of steps in another at a dynamic offset, and the clock, which changes
//! from run to run, in a third. Work is submitted in portions of about `PORTION`, so that no driver
//! takes a long one for a hang, and at most `IN_FLIGHT` portions are under way. A portion is one pass, to which only
//! what changes from dispatch to dispatch is said; where times are wanted each dispatch has a pass of its own.
//! What is read is copied to buffers that the host can map, in its place among the portions, so later ones may be under
//! way while the host waits for it.
//!
//! Only default limits and no features are asked for, but for timestamps where times are wanted, and larger bindings
//! where the table of synapses is larger and the adapter has them.
//!
//! The file is long with what wgpu asks of its users, in the order in which a run needs it.

use super::dispatch::{Code, Dispatches, Form, Spans};
use super::shader::{self, Source};
use super::{Device, Engine, EngineError, Fetched, KernelTime, Pending};
use crate::files::Values;
use crate::kernel::{Clock, Kind, Span};
use crate::plan::{
    ArrayId, ByArray, Init, Launch, Plan, ProgramId, Reals, Stage, Words, intervals,
};
use pollster::block_on;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

/// Time that one submission should take.
const PORTION: Duration = Duration::from_millis(60);

/// Submissions that may wait on the device.
const IN_FLIGHT: usize = 2;

/// How long to wait for the device before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(120);

/// Timestamps of one query set: a pair for each dispatch.
const QUERIES: u32 = 4096;

/// Which adapters may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A real GPU.
    Hardware,
    /// A software adapter, such as lavapipe or WARP.
    Software,
    /// Either.
    Any,
}

/// Largest part of a table that goes to a device in one piece \[bytes\].
const MOST_TABLE: u64 = 1 << 30;

/// An adapter of this machine.
pub struct Found {
    /// Name, type, backend, driver.
    pub info: wgpu::AdapterInfo,
    /// What it can do.
    pub limits: wgpu::Limits,
    adapter: wgpu::Adapter,
}

impl Found {
    /// Whether it is software.
    pub fn is_software(&self) -> bool {
        self.info.device_type == wgpu::DeviceType::Cpu
    }

    /// Largest array that only this adapter is to hold \[bytes\]: what it binds at once, but no more than a transfer
    /// should be.
    pub fn largest_table(&self) -> u64 {
        let most = self.limits.max_storage_buffer_binding_size.min(self.limits.max_buffer_size);
        most.clamp(wgpu::Limits::defaults().max_storage_buffer_binding_size, MOST_TABLE)
    }

    fn rank(&self) -> u32 {
        match self.info.device_type {
            wgpu::DeviceType::DiscreteGpu => 0,
            wgpu::DeviceType::IntegratedGpu => 1,
            wgpu::DeviceType::VirtualGpu => 2,
            wgpu::DeviceType::Other => 3,
            wgpu::DeviceType::Cpu => 4,
        }
    }
}

/// All adapters, the best first.
pub fn adapters() -> Vec<Found> {
    let backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    let descriptor = wgpu::InstanceDescriptor {
        backends,
        ..wgpu::InstanceDescriptor::new_without_display_handle_from_env()
    };
    let instance = wgpu::Instance::new(descriptor);
    let mut found: Vec<Found> = block_on(instance.enumerate_adapters(backends))
        .into_iter()
        .map(|adapter| Found { info: adapter.get_info(), limits: adapter.limits(), adapter })
        .collect();
    found.sort_by_key(Found::rank);
    found
}

/// The best adapter of a kind whose name contains `name`, in any case.
///
/// # Errors
/// None is there; the error lists those that are, and says what to install.
pub fn choose(wanted: Wanted, name: Option<&str>) -> Result<Found, EngineError> {
    let all = adapters();
    let list: Vec<String> = all
        .iter()
        .map(|f| {
            format!(
                "  {} ({:?}, {:?}, {})",
                f.info.name, f.info.device_type, f.info.backend, f.info.driver_info
            )
        })
        .collect();
    let lower = name.map(str::to_lowercase);
    let fits = |f: &Found| {
        (wanted == Wanted::Any || f.is_software() == (wanted == Wanted::Software))
            && lower.as_ref().is_none_or(|name| f.info.name.to_lowercase().contains(name))
    };
    all.into_iter().find(fits).ok_or_else(|| {
        let kind = match wanted {
            Wanted::Hardware => "GPU",
            Wanted::Software => "software adapter",
            Wanted::Any => "adapter",
        };
        let found = if list.is_empty() {
            "There is no adapter at all.".to_owned()
        } else {
            format!("Adapters of this machine:\n{}", list.join("\n"))
        };
        let advice = match wanted {
            Wanted::Hardware | Wanted::Any => {
                "Install the driver and the Vulkan loader of your GPU (Debian: libvulkan1 and \
                 mesa-vulkan-drivers or the vendor's driver), or use --engine cpu, which needs neither."
            }
            Wanted::Software => {
                "Install a software adapter (Debian: libvulkan1 and mesa-vulkan-drivers bring lavapipe; \
                 Windows has WARP), or use --engine cpu, which needs none."
            }
        };
        EngineError::NoAdapter {
            wanted: name.map_or(kind.to_owned(), |name| format!("{kind} whose name contains `{name}`")),
            found,
            advice: advice.to_owned(),
        }
    })
}

/// The GPU engine.
pub struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    info: Device,
    buffers: Vec<wgpu::Buffer>,
    /// Buffer of each array, where it begins there, and its size \[bytes\].
    places: ByArray<(usize, u64, u64)>,
    kinds: ByArray<Kind>,
    clock: wgpu::Buffer,
    spans: Spans,
    programs: Vec<Vec<Ready>>,
    fault: Arc<Mutex<Option<String>>>,
    in_flight: VecDeque<(wgpu::SubmissionIndex, usize, Instant)>,
    /// Portions that were submitted so far.
    portions: usize,
    seconds_per_dispatch: f64,
    timer: Option<Timer>,
}

/// Parts of buffers on their way to the host.
pub struct Transfer {
    /// Copies of them.
    staging: Vec<wgpu::Buffer>,
    /// Says of each copy that it is mapped.
    mapped: mpsc::Receiver<Result<(), wgpu::BufferAsyncError>>,
    submission: wgpu::SubmissionIndex,
    /// How many portions were submitted before.
    portions: usize,
}

/// A stage, ready to be encoded.
struct Ready {
    dispatches: Vec<Dispatch>,
    /// None for the whole window, else whether time runs backwards.
    stepped: Option<bool>,
}

struct Dispatch {
    program: &'static str,
    pipeline: wgpu::ComputePipeline,
    bind_group: wgpu::BindGroup,
    form: Form,
    label: String,
}

struct Timer {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    period: f64,
    /// Program, kernel and label of the dispatches whose times are not taken yet.
    pending: Vec<([&'static str; 2], String)>,
    times: Vec<KernelTime>,
}

impl Gpu {
    /// Makes device, buffers, pipelines and bind groups for a plan.
    ///
    /// # Errors
    /// The adapter's limits are too low, or it refuses a shader.
    pub fn new(found: &Found, plan: &Plan, measure: bool) -> Result<Self, EngineError> {
        plan.check();
        let name = found.info.name.clone();
        // Of what is more than every adapter has, as much as the plan needs.
        let largest = plan.arrays.iter().map(|(_, array)| array.bytes()).max().unwrap_or_default();
        let mut limits = wgpu::Limits::defaults();
        if largest <= found.largest_table() {
            let most = &mut limits.max_storage_buffer_binding_size;
            *most = largest.max(*most);
            limits.max_buffer_size = largest.max(limits.max_buffer_size);
        }
        let max_binding = wgpu::Limits::defaults().max_storage_buffer_binding_size;
        let limit = |what: String| EngineError::Limit { adapter: name.clone(), what };
        for (_, array) in plan.arrays.iter() {
            if array.bytes() > limits.max_storage_buffer_binding_size {
                return Err(limit(format!(
                    "array `{}` takes {} bytes, one binding holds {}",
                    array.name,
                    array.bytes(),
                    limits.max_storage_buffer_binding_size
                )));
            }
        }
        let binding = limits.max_storage_buffer_binding_size;
        let timestamps =
            measure && found.adapter.features().contains(wgpu::Features::TIMESTAMP_QUERY);
        let required_features =
            if timestamps { wgpu::Features::TIMESTAMP_QUERY } else { wgpu::Features::empty() };
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("neuralearn"),
            required_features,
            required_limits: limits,
            ..Default::default()
        };
        let (device, queue) = block_on(found.adapter.request_device(&descriptor))
            .map_err(|e| limit(e.to_string()))?;
        let fault = Arc::new(Mutex::new(None));
        let note = |fault: &Arc<Mutex<Option<String>>>, why: String| {
            if let Ok(mut fault) = fault.lock() {
                fault.get_or_insert(why);
            }
        };
        let errors = Arc::clone(&fault);
        device.on_uncaptured_error(Arc::new(move |e: wgpu::Error| note(&errors, e.to_string())));
        let losses = Arc::clone(&fault);
        device.set_device_lost_callback(move |reason, why| {
            note(&losses, format!("{reason:?}: {why}"))
        });

        let scope = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let usage = wgpu::BufferUsages::STORAGE
            | wgpu::BufferUsages::COPY_DST
            | wgpu::BufferUsages::COPY_SRC;
        let buffer = |label: &str, size: u64, usage| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size,
                usage,
                mapped_at_creation: false,
            })
        };
        // Whose times are wanted are dispatched one by one.
        let placed = match measure {
            true => Dispatches::of(plan, max_binding),
            false => Dispatches::linking(plan, max_binding),
        };
        if let Some(size) = placed.buffers.iter().find(|size| **size > binding) {
            return Err(limit(format!(
                "arrays that a kernel reads as one take {size} bytes, one binding holds {binding}: lower the size of \
                 the largest population"
            )));
        }
        let buffers: Vec<_> =
            placed.buffers.iter().map(|size| buffer("arrays", *size, usage)).collect();
        for (id, array) in plan.arrays.iter() {
            let (of, begin) = placed.places[id];
            let write = |words: &[u32]| {
                queue.write_buffer(&buffers[of], begin, bytemuck::cast_slice(words));
            };
            match &array.init {
                Init::Zero => {}
                Init::Words(words) => write(words),
                Init::Reals(reals) => {
                    write(&reals.iter().map(|x| (*x as f32).to_bits()).collect::<Vec<_>>());
                }
            }
        }
        let places = plan.arrays.each(|(id, array)| {
            let (of, begin) = placed.places[id];
            (of, begin, array.bytes())
        });
        if let Some(e) = block_on(scope.pop()) {
            return Err(limit(format!("{} bytes do not fit: {e}", plan.bytes())));
        }
        let uniform = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let clock = buffer("clock", Clock::BYTES, uniform);
        let spans = Spans { steps: plan.steps, interval: plan.interval };
        let bytes = spans.bytes();
        let span_buffer = buffer("spans", bytes.len() as u64, uniform);
        queue.write_buffer(&span_buffer, 0, &bytes);

        let mut maker = Maker {
            device: &device,
            queue: &queue,
            buffers: &buffers,
            clock: &clock,
            spans: &span_buffer,
            made: HashMap::new(),
        };
        let mut programs = Vec::new();
        for (k, (program, merged)) in plan.programs.iter().zip(&placed.programs).enumerate() {
            let mut stages = Vec::new();
            for (stage, (merged, linked)) in
                program.stages.iter().zip(merged.iter().zip(&placed.linked[k]))
            {
                let launches = stage.launches();
                if *linked {
                    let form = placed.linked_form(launches, merged);
                    let form = form.map_err(|why| EngineError::Shader { kernel: "linked", why })?;
                    let dispatches = vec![maker.dispatch(program.name, form, String::new())?];
                    stages.push(Ready { dispatches, stepped: None });
                    continue;
                }
                let dispatch = |ids: &Vec<usize>| {
                    let members: Vec<&Launch> = ids.iter().map(|k| &launches[*k]).collect();
                    let labels: Vec<&str> = members.iter().map(|l| l.label.as_str()).collect();
                    let form = placed.form(&plan.arrays, &members);
                    maker.dispatch(program.name, form, labels.join(", "))
                };
                let dispatches = merged.iter().map(dispatch).collect::<Result<Vec<_>, _>>()?;
                let stepped = match stage {
                    Stage::Whole(_) => None,
                    Stage::Steps { backward, .. } => Some(*backward),
                };
                stages.push(Ready { dispatches, stepped });
            }
            programs.push(stages);
        }
        let timer = timestamps.then(|| Timer {
            queries: device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("times"),
                ty: wgpu::QueryType::Timestamp,
                count: QUERIES,
            }),
            resolved: buffer(
                "times",
                u64::from(QUERIES) * 8,
                wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
            ),
            period: f64::from(queue.get_timestamp_period()) * 1e-9,
            pending: Vec::new(),
            times: Vec::new(),
        });
        let info = Device {
            engine: if found.is_software() { "software" } else { "gpu" },
            adapter: name,
            driver: format!(
                "{:?} {} {}",
                found.info.backend, found.info.driver, found.info.driver_info
            ),
            bytes: plan.bytes(),
        };
        Ok(Self {
            device,
            queue,
            info,
            buffers,
            places,
            kinds: plan.arrays.each(|(_, array)| array.kind),
            clock,
            spans,
            programs,
            fault,
            in_flight: VecDeque::new(),
            portions: 0,
            seconds_per_dispatch: 1e-3,
            timer,
        })
    }

    fn lost(&self, why: impl Into<String>) -> EngineError {
        EngineError::Lost { adapter: self.info.adapter.clone(), why: why.into() }
    }

    /// The first error that the device has reported, if any.
    fn check(&self) -> Result<(), EngineError> {
        match self.fault.lock().ok().and_then(|fault| fault.clone()) {
            Some(why) => Err(self.lost(why)),
            None => Ok(()),
        }
    }

    fn wait(&self, submission: Option<wgpu::SubmissionIndex>) -> Result<(), EngineError> {
        let poll = wgpu::PollType::Wait { submission_index: submission, timeout: Some(PATIENCE) };
        self.device.poll(poll).map_err(|e| self.lost(format!("no answer: {e}")))?;
        self.check()
    }

    /// Submits what was encoded, and waits until few enough portions are under way.
    fn submit(&mut self, portion: Portion) -> Result<(), EngineError> {
        let dispatches = portion.dispatches;
        let index = self.queue.submit([portion.finish()]);
        self.portions += 1;
        self.in_flight.push_back((index, dispatches, Instant::now()));
        while self.in_flight.len() > IN_FLIGHT {
            let Some((index, dispatches, since)) = self.in_flight.pop_front() else { break };
            self.wait(Some(index))?;
            // An upper bound, since earlier portions are done first; it only makes portions small.
            let seconds = since.elapsed().as_secs_f64() / (dispatches.max(1) * IN_FLIGHT) as f64;
            self.seconds_per_dispatch = 0.7 * self.seconds_per_dispatch + 0.3 * seconds;
        }
        Ok(())
    }

    fn read<T: bytemuck::Pod>(&mut self, array: ArrayId) -> Result<Vec<T>, EngineError> {
        let transfer = self.send(&[self.part(array)]);
        self.receive(transfer).map(|mut arrays| arrays.pop().unwrap_or_default())
    }

    /// Buffer, start and size of an array.
    fn part(&self, array: ArrayId) -> (wgpu::Buffer, u64, u64) {
        let (buffer, begin, size) = self.places[array];
        (self.buffers[buffer].clone(), begin, size)
    }

    /// Submits copies of parts of buffers, to be read by the host.
    fn send(&mut self, parts: &[(wgpu::Buffer, u64, u64)]) -> Transfer {
        let mut encoder =
            self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut copy = |(source, begin, size): &(wgpu::Buffer, u64, u64)| {
            let staging = self.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("staging"),
                size: *size,
                usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            });
            encoder.copy_buffer_to_buffer(source, *begin, &staging, 0, *size);
            staging
        };
        let staging: Vec<_> = parts.iter().map(&mut copy).collect();
        let submission = self.queue.submit([encoder.finish()]);
        let (send, mapped) = mpsc::channel();
        for copy in &staging {
            let send = send.clone();
            copy.slice(..).map_async(wgpu::MapMode::Read, move |result| {
                let _ = send.send(result);
            });
        }
        Transfer { staging, mapped, submission, portions: self.portions }
    }

    /// Waits for a transfer, and with it for what was submitted before.
    fn receive<T: bytemuck::Pod>(
        &mut self,
        transfer: Transfer,
    ) -> Result<Vec<Vec<T>>, EngineError> {
        self.wait(Some(transfer.submission))?;
        let later = self.portions - transfer.portions;
        self.in_flight.drain(..self.in_flight.len().saturating_sub(later));
        let mut all = Vec::with_capacity(transfer.staging.len());
        for _ in &transfer.staging {
            match transfer.mapped.recv_timeout(PATIENCE) {
                Ok(Ok(())) => {}
                Ok(Err(e)) => return Err(self.lost(e.to_string())),
                Err(e) => return Err(self.lost(e.to_string())),
            }
        }
        for copy in &transfer.staging {
            let bytes = copy.slice(..).get_mapped_range().map_err(|e| self.lost(e.to_string()))?;
            all.push(bytemuck::pod_collect_to_vec(&bytes[..]));
        }
        Ok(all)
    }

    /// Takes the timestamps of the dispatches since the last time.
    fn collect_times(&mut self) -> Result<(), EngineError> {
        let Some(timer) = &mut self.timer else { return Ok(()) };
        let pending = std::mem::take(&mut timer.pending);
        if pending.is_empty() {
            return Ok(());
        }
        let (resolved, period) = (timer.resolved.clone(), timer.period);
        let mut encoder =
            self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.resolve_query_set(&timer.queries, 0..2 * pending.len() as u32, &resolved, 0);
        self.queue.submit([encoder.finish()]);
        let transfer = self.send(&[(resolved, 0, pending.len() as u64 * 16)]);
        let ticks: Vec<u64> = self.receive(transfer)?.into_iter().flatten().collect();
        let Some(timer) = &mut self.timer else { return Ok(()) };
        for (([program, kernel], label), pair) in pending.into_iter().zip(ticks.chunks_exact(2)) {
            let seconds = pair[1].saturating_sub(pair[0]) as f64 * period;
            let same = |t: &&mut KernelTime| {
                t.program == program && t.kernel == kernel && t.label == label
            };
            match timer.times.iter_mut().find(same) {
                Some(time) => {
                    time.launches += 1;
                    time.seconds += seconds;
                }
                None => {
                    timer.times.push(KernelTime { program, kernel, label, launches: 1, seconds })
                }
            }
        }
        Ok(())
    }
}

/// Makes dispatches: pipelines are shared by launches with the same kernel and options.
struct Maker<'a> {
    device: &'a wgpu::Device,
    queue: &'a wgpu::Queue,
    buffers: &'a [wgpu::Buffer],
    clock: &'a wgpu::Buffer,
    spans: &'a wgpu::Buffer,
    made: HashMap<String, (wgpu::ComputePipeline, wgpu::BindGroupLayout)>,
}

impl Maker<'_> {
    fn dispatch(
        &mut self,
        program: &'static str,
        form: Form,
        label: String,
    ) -> Result<Dispatch, EngineError> {
        let name = form.code.name();
        let fail = |why: String| EngineError::Shader { kernel: name, why };
        let key = match &form.code {
            Code::Kernel(_) => format!("{name} {:?}", form.constants),
            Code::Linked(source) => source.text.clone(),
        };
        if !self.made.contains_key(&key) {
            let made;
            let source = match &form.code {
                Code::Kernel(kernel) => {
                    made = Source::assemble(kernel).map_err(fail)?;
                    &made
                }
                Code::Linked(source) => source,
            };
            source.parse().map_err(fail)?;
            let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
                binding,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: wgpu::BindingType::Buffer {
                    ty,
                    has_dynamic_offset: binding == shader::SPAN,
                    min_binding_size: None,
                },
                count: None,
            };
            let uniforms = [shader::PARAMS, shader::SPAN, shader::CLOCK].into_iter();
            let arrays = (shader::ARRAYS..).zip(&form.arrays);
            let entries: Vec<_> = uniforms
                .map(|binding| entry(binding, wgpu::BufferBindingType::Uniform))
                .chain(arrays.map(|(binding, (.., written))| {
                    entry(binding, wgpu::BufferBindingType::Storage { read_only: !written })
                }))
                .collect();
            let scope = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
            let shader = self.device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some(name),
                source: wgpu::ShaderSource::Wgsl(source.text.clone().into()),
            });
            let layout = self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                label: Some(name),
                entries: &entries,
            });
            let pipeline_layout =
                self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                    label: Some(name),
                    bind_group_layouts: &[Some(&layout)],
                    immediate_size: 0,
                });
            let constants: Vec<(&str, f64)> =
                form.constants.iter().map(|(name, x)| (name.as_str(), *x)).collect();
            let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(name),
                layout: Some(&pipeline_layout),
                module: &shader,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &constants,
                    ..Default::default()
                },
                cache: None,
            });
            if let Some(e) = block_on(scope.pop()) {
                return Err(fail(e.to_string()));
            }
            self.made.insert(key.clone(), (pipeline, layout));
        }
        let (pipeline, layout) = &self.made[&key];
        let params = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("params"),
            size: form.params.len() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.queue.write_buffer(&params, 0, &form.params);
        let part = |binding, buffer, offset, size| wgpu::BindGroupEntry {
            binding,
            resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer,
                offset,
                size: std::num::NonZeroU64::new(size),
            }),
        };
        let mut entries = vec![
            part(shader::PARAMS, &params, 0, form.params.len() as u64),
            part(shader::SPAN, self.spans, 0, Span::BYTES),
            part(shader::CLOCK, self.clock, 0, Clock::BYTES),
        ];
        let arrays = (shader::ARRAYS..).zip(&form.arrays);
        entries.extend(arrays.map(|(binding, (buffer, begin, size, _))| {
            part(binding, &self.buffers[*buffer], *begin, *size)
        }));
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let bind_group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(name),
            layout,
            entries: &entries,
        });
        if let Some(e) = block_on(scope.pop()) {
            return Err(fail(e.to_string()));
        }
        Ok(Dispatch { program, pipeline: pipeline.clone(), bind_group, form, label })
    }
}

impl Engine for Gpu {
    fn write_words(&mut self, array: Words, values: &[u32]) -> Result<(), EngineError> {
        let (buffer, begin, _) = self.places[array];
        self.queue.write_buffer(&self.buffers[buffer], begin, bytemuck::cast_slice(values));
        self.check()
    }

    fn write_reals(&mut self, array: Reals, values: &[f32]) -> Result<(), EngineError> {
        let (buffer, begin, _) = self.places[array];
        self.queue.write_buffer(&self.buffers[buffer], begin, bytemuck::cast_slice(values));
        self.check()
    }

    fn read_words(&mut self, array: Words) -> Result<Vec<u32>, EngineError> {
        self.read(array.id())
    }

    fn read_reals(&mut self, array: Reals) -> Result<Vec<f32>, EngineError> {
        self.read(array.id())
    }

    fn fetch(&mut self, arrays: &[ArrayId]) -> Result<Pending, EngineError> {
        let parts: Vec<_> = arrays.iter().map(|array| self.part(*array)).collect();
        let kinds = arrays.iter().map(|array| (*array, self.kinds[*array])).collect();
        let transfer = self.send(&parts);
        self.check()?;
        Ok(Pending::Coming(transfer, kinds))
    }

    fn collect(&mut self, pending: Pending) -> Result<Fetched, EngineError> {
        let (transfer, kinds) = match pending {
            Pending::Here(fetched) => return Ok(fetched),
            Pending::Coming(transfer, kinds) => (transfer, kinds),
        };
        let values = |(words, (array, kind))| match kind {
            Kind::Word => (array, Values::Words(words)),
            Kind::Real => (array, Values::Reals(bytemuck::cast_vec(words))),
        };
        Ok(Fetched(self.receive(transfer)?.into_iter().zip(kinds).map(values).collect()))
    }

    fn run(&mut self, program: ProgramId, clock: &Clock, steps: usize) -> Result<(), EngineError> {
        self.queue.write_buffer(&self.clock, 0, bytemuck::cast_slice(&clock.words()));
        let stages = std::mem::take(&mut self.programs[program.index()]);
        let result = self.encode(&stages, clock.step, steps);
        self.programs[program.index()] = stages;
        result
    }

    fn device(&self) -> &Device {
        &self.info
    }

    fn profile(&mut self) -> Vec<KernelTime> {
        if let Err(e) = self.collect_times() {
            log::warn!("times of kernels are incomplete: {e}");
        }
        self.timer.as_ref().map(|t| t.times.clone()).unwrap_or_default()
    }
}

impl Gpu {
    /// Encodes and submits the stages of a program over a window that starts at step `first` of the run.
    fn encode(&mut self, stages: &[Ready], first: u64, steps: usize) -> Result<(), EngineError> {
        debug_assert!(steps <= self.spans.steps);
        let mut portion = Portion::new(&self.device);
        for stage in stages {
            let Some(backward) = stage.stepped else {
                for dispatch in &stage.dispatches {
                    self.add(&mut portion, dispatch, self.spans.of_window(steps), steps)?;
                }
                continue;
            };
            let mut spans: Vec<Span> = intervals(first, steps, self.spans.interval).collect();
            if backward {
                spans.reverse();
            }
            for span in spans {
                let step = first + u64::from(span.t1);
                let due = stage.dispatches.iter().filter(|d| step.is_multiple_of(d.form.every));
                for dispatch in due {
                    for part in self.spans.of_interval(span) {
                        self.add(&mut portion, dispatch, part, 1)?;
                    }
                }
            }
        }
        self.submit(portion)
    }

    /// Adds a dispatch over the span at an offset, and submits what there is if that is enough.
    fn add(
        &mut self,
        portion: &mut Portion,
        dispatch: &Dispatch,
        span: u32,
        steps: usize,
    ) -> Result<(), EngineError> {
        if let Some(timer) = &mut self.timer {
            portion.time(timer, dispatch);
        }
        portion.dispatch(dispatch, span, steps);
        let full = portion.dispatches as f64 * self.seconds_per_dispatch > PORTION.as_secs_f64();
        let untimed = self.timer.as_ref().is_some_and(Timer::is_full);
        if full || untimed {
            let full = std::mem::replace(portion, Portion::new(&self.device));
            self.submit(full)?;
        }
        if untimed {
            self.collect_times()?;
        }
        Ok(())
    }
}

impl Timer {
    /// Whether no other pair of timestamps has room.
    fn is_full(&self) -> bool {
        2 * self.pending.len() as u32 + 2 > QUERIES
    }
}

/// What is submitted at once.
struct Portion {
    encoder: wgpu::CommandEncoder,
    pass: Option<wgpu::ComputePass<'static>>,
    /// What the pass was told last.
    pipeline: Option<wgpu::ComputePipeline>,
    dispatches: usize,
}

impl Portion {
    fn new(device: &wgpu::Device) -> Self {
        let encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        Self { encoder, pass: None, pipeline: None, dispatches: 0 }
    }

    /// Begins a pass whose time is taken.
    fn time(&mut self, timer: &mut Timer, dispatch: &Dispatch) {
        let first = 2 * timer.pending.len() as u32;
        timer.pending.push(([dispatch.program, dispatch.form.code.name()], dispatch.label.clone()));
        self.pass = None;
        self.begin(Some(wgpu::ComputePassTimestampWrites {
            query_set: &timer.queries,
            beginning_of_pass_write_index: Some(first),
            end_of_pass_write_index: Some(first + 1),
        }));
    }

    fn begin(&mut self, timestamp_writes: Option<wgpu::ComputePassTimestampWrites<'_>>) {
        let descriptor = wgpu::ComputePassDescriptor { label: None, timestamp_writes };
        self.pass = Some(self.encoder.begin_compute_pass(&descriptor).forget_lifetime());
        self.pipeline = None;
    }

    fn dispatch(&mut self, dispatch: &Dispatch, span: u32, steps: usize) {
        if self.pass.is_none() {
            self.begin(None);
        }
        let Some(pass) = &mut self.pass else { return };
        if self.pipeline.as_ref() != Some(&dispatch.pipeline) {
            pass.set_pipeline(&dispatch.pipeline);
            self.pipeline = Some(dispatch.pipeline.clone());
        }
        pass.set_bind_group(0, &dispatch.bind_group, &[span]);
        let (x, y) = dispatch.form.groups(steps);
        pass.dispatch_workgroups(x, y, 1);
        self.dispatches += 1;
    }

    fn finish(self) -> wgpu::CommandBuffer {
        drop(self.pass);
        self.encoder.finish()
    }
}
