//! From a network to a plan.
//!
//! Forward, group by group (see [`super::order`]): deliver what arrives, then integrate. Training
//! goes back through the same groups in reverse: gradients by arrivals pass the transposed weights
//! to become gradients by spikes, which the neuron's adjoint turns into gradients by its own
//! arrivals. Gradients by weights and updates come last. Where it is learned to learn, gradients
//! and updates are programs of their own too, and so are steps within a task.

use super::attention::Attended;
use super::delays::Delayed;
use super::delays_of_synapses::Late;
use super::known::known;
use super::layout::{Layout, Lists, Pop};
use super::losses::Counted;
use super::order::{Group, groups};
use super::release::Released;
use super::spike_times::Firsts;
use super::*;
use crate::data::traces::Traces;
use crate::input::encoder::{Given, Showing, Window};
use crate::input::{pixel_words, poisson};
use crate::kernel::spike_words;
use crate::network::{self, Network};
use crate::neuron::model::at;
use crate::neuron::{lif, lif_backward, readout, readout_backward};
use crate::record::count_spikes;
use crate::rng::{Purpose, stream};
use crate::scene::{Images, Reset, Training};
use crate::synapse::{
    PANEL, dense_spikes, dense_spikes_gradient, dense_values, dense_values_gradient, sparse,
    sparse_backward, sparse_gradient, transpose, transpose_spikes,
};
use crate::train::optimizer::NO_FLOOR;
use crate::train::sum_samples;

/// Choices that are not the network's.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// Samples, or independent copies, per window.
    pub batch: usize,
    /// Steps of a window.
    pub steps: usize,
    /// What is learned, and how.
    pub training: &'a Training,
    /// What a loss of traces wants.
    pub traces: Option<&'a Traces>,
    /// 0: spikes are bits. 1, 2: soft spikes, for tests of gradients; with 2 the reset uses them too.
    pub soft: u32,
    /// Largest array \[bytes\]; dense weights beyond it are cut into tiles.
    pub max_binding: u64,
}

/// Batches whose losses stay on the device until the host asks.
pub(super) const SLOTS: usize = 64;

/// Why a network cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// An array that cannot be cut exceeds what a kernel can address.
    #[error("{what} takes {bytes} bytes, one binding holds {limit}; {advice}")]
    Binding {
        /// Which array.
        what: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
        /// What to change.
        advice: &'static str,
    },
    /// The ring of what arrives cannot hold the delays.
    #[error(
        "the longest delay is {delay} steps: a ring of {bytes} bytes, one binding holds {limit}; \
         lower the delay, raise simulation.dt or make populations smaller"
    )]
    Ring {
        /// Longest delay, in steps.
        delay: usize,
        /// Bytes of the ring.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A live projection has too many of something for its lists.
    #[error(
        "projection `{projection}` learns, and its {what} take {bits} bits together, of which there are \
         32; make it smaller, or `Dense`"
    )]
    Packing {
        /// Projection.
        projection: String,
        /// What does not fit.
        what: &'static str,
        /// Bits that it takes.
        bits: u32,
    },
    /// Recorded weights lie in more than one array.
    #[error(
        "record.weights: the synapses of `{projection}` that are recorded lie in several arrays, since one \
         binding does not hold all; record neighbouring targets, or give each its own entry"
    )]
    Apart {
        /// Projection.
        projection: String,
    },
    /// The way to find gradients does not know the network.
    #[error(
        "{what}, with what was loaded: {why}; use `learn: Backprop` in `training`, or leave `initial` out"
    )]
    Unknown {
        /// Which part of it.
        what: String,
        /// What is known.
        why: &'static str,
    },
    /// The delays do not fit into the window.
    #[error(
        "the longest delay is {delay} steps, a window has {steps}; lower the delay or raise training.steps"
    )]
    Delay {
        /// Steps of the delay.
        delay: usize,
        /// Steps of the window.
        steps: usize,
    },
}

/// Plans the training of a network.
///
/// # Errors
/// An array that does not fit into one binding, a delay that does not fit into the window.
pub fn compile(network: &Network, options: &Options<'_>) -> Result<Plan, PlanError> {
    known(network, options.training.learn)?;
    let mut c = Compiler::new(Layout::new(network, options)?, options.training);
    let programs = match options.training.learn.eprop() {
        Some(rule) => c.eprop(rule),
        None => backprop(&mut c, options),
    };
    let program = |(name, stages)| Program { name, stages: joined(stages) };
    let programs = programs.into_iter().map(program).collect();
    debug_assert!(c.layout.arrays.names_are_unique(), "an array was made twice");
    for (_, array) in c.layout.arrays.iter() {
        if array.bytes() > options.max_binding {
            return Err(PlanError::Binding {
                what: array.name.clone(),
                bytes: array.bytes(),
                limit: options.max_binding,
                advice: "lower the batch, the steps, or the size of the population or the kernel",
            });
        }
    }
    let warnings = c.untouched();
    let Layout { arrays, batch, steps, input, ports, .. } = c.layout;
    Ok(Plan { arrays, programs, batch, steps, input, ports: Ports::Training(ports), warnings })
}

/// Programs by name.
pub(super) type Programs = Vec<(&'static str, Vec<Stage>)>;

/// Those of a training by backpropagation.
fn backprop(c: &mut Compiler<'_>, options: &Options<'_>) -> Programs {
    c.keep_sources();
    c.release_sources();
    c.attention_sources();
    let groups = groups(c.network);
    let mut forward = Vec::new();
    c.delay_sources(&mut forward);
    c.encode(&mut forward);
    for group in &groups {
        c.forward(group, &mut forward);
    }
    let mut evaluate = forward.clone();
    noise::silence(&mut evaluate);
    delays::round(&mut evaluate);
    c.loss(options.traces, false, &mut evaluate);
    let mut gradient = Vec::new();
    c.transposed_weights(&mut gradient);
    gradient.extend(forward);
    c.loss(options.traces, true, &mut gradient);
    for group in groups.iter().rev() {
        c.backward(group, &mut gradient);
    }
    c.drop_out(&mut gradient);
    c.gradients(&mut gradient);
    c.pass_tapes(&mut gradient);
    let mut update = Vec::new();
    c.update(&mut update);
    let mut train = [&gradient[..], &update].concat();
    c.counts(&mut evaluate);
    c.counts(&mut train);
    let mut programs = vec![("evaluate", evaluate), ("train", train)];
    if let Some(meta) = options.training.meta {
        let mut adapt = gradient.clone();
        c.adapt(meta, &mut adapt);
        programs.extend([("adapt", adapt), ("gradient", gradient), ("update", update)]);
    }
    programs
}

/// What has been written so far: the first delivery overwrites, the next add.
#[derive(Debug, Default, Clone, Copy)]
struct Filled {
    /// A bit for each receptor.
    tape: u32,
    statics: bool,
    cotangent: bool,
}

/// The same with what is done for all steps at once, one after the other, as one stage.
fn joined(stages: Vec<Stage>) -> Vec<Stage> {
    let mut joined: Vec<Stage> = Vec::new();
    for stage in stages {
        match (joined.last_mut(), stage) {
            (Some(Stage::Whole(before)), Stage::Whole(launches)) => before.extend(launches),
            (_, stage) => joined.push(stage),
        }
    }
    joined
}

/// Spikes of populations by source, shared by projections with the same delay: arrays by those of the spikes and delays.
#[derive(Default)]
pub(super) struct Trains(Vec<((Words, usize), Words)>);

/// What belongs to each arrival at targets: gradients, or changes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrivals {
    pub array: Reals,
    /// Rows of a sample, and numbers of one.
    pub rows: usize,
    pub stride: usize,
    /// Where in a row those of the projection begin.
    pub first: usize,
}

pub(super) struct Compiler<'a> {
    pub network: &'a Network,
    pub training: &'a Training,
    pub layout: Layout<'a>,
    filled: Vec<Filled>,
    /// Populations as projections with dropout see them in the program `train`.
    pub kept: Vec<Option<Pop>>,
    /// Sources of each projection with learned delays.
    pub delayed: Vec<Option<Delayed>>,
    /// Synapses of each projection with learned delays of these.
    pub late: Vec<Option<Late>>,
    /// Sources of each projection with short-term plasticity.
    pub released: Vec<Option<Released>>,
    /// Sources of each projection with attention.
    pub attended: Vec<Option<Attended>>,
    /// Arrays of a loss of traces: what is wanted, the filtered difference, and errors.
    pub followed: Option<[Reals; 3]>,
    /// Populations whose spikes are counted for the loss.
    pub counted: Vec<Counted>,
    /// First spikes, if the loss is of their times.
    pub firsts: Option<Firsts>,
    /// Concentration of each modulator.
    pub acting: Vec<Reals>,
}

pub(super) fn cut(array: impl Into<ArrayId>, split: Split) -> Arg {
    Arg { array: array.into(), split }
}

pub(super) fn whole(array: impl Into<ArrayId>) -> Arg {
    cut(array, Split::Whole)
}

pub(super) fn each(array: impl Into<ArrayId>, stride: usize) -> Arg {
    cut(array, Split::Stride(stride))
}

pub(super) fn passing(array: impl Into<ArrayId>, stride: usize) -> Arg {
    cut(array, Split::Passing(stride))
}

/// Frames that sources show in a window, and the steps of each; without images it is one, of all steps.
pub(super) fn shown(images: Option<&Images>, steps: usize, dt: f64) -> [u32; 2] {
    let Some(images) = images else { return [1, steps as u32] };
    let hold = images.held(steps as u64, dt).expect("the scene was checked");
    [images.frames as u32, hold as u32]
}

/// A launch whose units are elements of arrays.
pub(super) fn by_element(
    kernel: &'static Kernel,
    label: &str,
    params: Vec<Word>,
    args: Vec<Arg>,
    count: usize,
) -> Launch {
    Launch {
        kernel,
        label: label.to_owned(),
        params,
        args,
        units: Units::Count { count, grain: 16384 },
        invocations: count as u64,
        per_step: false,
        every: 1,
    }
}

impl<'a> Compiler<'a> {
    fn new(layout: Layout<'a>, training: &'a Training) -> Self {
        let network = layout.network;
        let began = |k: usize| Filled { statics: layout.framed[k].is_some(), ..Filled::default() };
        let filled = (0..layout.pops.len()).map(began).collect();
        let kept = vec![None; layout.pops.len()];
        Self {
            network,
            training,
            filled,
            kept,
            layout,
            delayed: vec![None; network.projections.len()],
            late: vec![None; network.projections.len()],
            released: vec![None; network.projections.len()],
            attended: vec![None; network.projections.len()],
            followed: None,
            counted: Vec::new(),
            firsts: None,
            acting: Vec::new(),
        }
    }

    /// Whether a population has soft spikes.
    pub fn is_soft(&self, k: usize) -> bool {
        let kind = &self.network.populations[k].kind;
        self.layout.soft > 0 && matches!(kind, network::Kind::Lif(_) | network::Kind::Stepped(_))
    }

    /// Whether a population sends values rather than spikes.
    pub fn sends_values(&self, k: usize) -> bool {
        self.is_soft(k) || !self.network.populations[k].spikes()
    }

    /// Whether a projection gets values rather than spikes.
    pub fn gets_values(&self, index: usize) -> bool {
        self.delayed[index].is_some()
            || self.released[index].is_some()
            || self.attended[index].is_some()
            || self.sends_values(self.network.projections[index].from)
    }

    /// The source of a projection as it sees it: with learned delays, or what short-term plasticity or
    /// attention makes of it.
    pub fn seen(&self, index: usize) -> Pop {
        let delayed = self.delayed[index].map(|delayed| delayed.pop);
        let released = self.released[index].map(|released| released.pop);
        let attended = self.attended[index].map(|attended| attended.pop);
        let from = self.network.projections[index].from;
        delayed.or(released).or(attended).unwrap_or(self.layout.pops[from])
    }

    /// Rows per sample of what a projection that is not constant gets, of a source as it sees it.
    fn source_rows(&self, index: usize, from: &Pop) -> usize {
        let history = if self.delayed[index].is_some() { 0 } else { from.history };
        history + self.layout.steps
    }

    /// Warnings of what is to be trained and is not, since no gradient gets there.
    fn untouched(&self) -> Vec<Warning> {
        let populations = self.network.populations.iter().zip(&self.layout.pops);
        let wanted = populations.filter(|(population, pop)| {
            (population.numbers.is_some() || population.learns_current) && !pop.active
        });
        let mut warnings: Vec<Warning> = wanted
            .map(|(population, _)| Warning {
                path: format!("populations.{}.train", population.name),
                message: "the loss does not depend on these neurons: nothing of them is trained"
                    .to_owned(),
            })
            .collect();
        if self.layout.ports.gradients.is_empty() && self.layout.ports.changes.is_empty() {
            let message =
                "nothing is trained: the loss depends on no weight and no number that may change";
            warnings.push(Warning { path: "training".to_owned(), message: message.to_owned() });
        }
        warnings
    }

    /// Where gradients by the spikes of a population lie, and whether there are some already.
    pub fn cotangent(&mut self, k: usize) -> (Arg, bool) {
        let pop = self.layout.pops[k];
        let filled = std::mem::replace(&mut self.filled[k].cotangent, true);
        (passing(pop.cotangent, self.layout.steps * pop.n), filled)
    }

    /// Marks that something arrives at a receptor, and tells whether something did already.
    pub fn arrived(&mut self, k: usize, receptor: usize) -> bool {
        let bit = 1 << receptor;
        let before = self.filled[k].tape & bit;
        self.filled[k].tape |= bit;
        before != 0
    }

    /// Whether anything arrives at a population.
    pub fn has_arrivals(&self, k: usize) -> bool {
        self.filled[k].tape != 0
    }

    /// Whether something arrives at a receptor.
    pub fn has_arrived(&self, k: usize, receptor: usize) -> bool {
        self.filled[k].tape >> receptor & 1 == 1
    }

    /// Whether the spikes of a population act on anything that the loss is of.
    pub fn has_cotangent(&self, k: usize) -> bool {
        self.filled[k].cotangent
    }

    // ---- how launches see arrays ------------------------------------------------------------------

    /// Arrays of the answers; only what belongs to a population that answers asks for these.
    pub fn answer(&self) -> AnswerPorts {
        self.layout.ports.answer.expect("a population that answers has these")
    }

    /// Where the synapses of a sparse projection are.
    fn lists(&self, index: usize) -> Lists {
        self.layout.lists[index].expect("sparse synapses have these")
    }

    pub fn spikes(&self, pop: &Pop) -> Arg {
        each(pop.spikes, (pop.history + self.layout.steps) * spike_words(pop.n))
    }

    /// Rows of a window of what a population sends: one, if that does not change.
    pub fn sent_rows(&self, k: usize) -> usize {
        if self.network.populations[k].is_constant() { 1 } else { self.layout.steps }
    }

    /// Values that sources send.
    pub fn sent_values(&self, k: usize) -> Arg {
        let pop = self.layout.pops[k];
        each(pop.values, (pop.history + self.sent_rows(k)) * pop.n)
    }

    pub fn tape(&self, pop: &Pop) -> Arg {
        each(pop.tape, self.layout.steps * pop.width)
    }

    pub fn soft_spikes(&self, pop: &Pop) -> Arg {
        if self.layout.soft > 0 {
            each(pop.values, (pop.history + self.layout.steps) * pop.n)
        } else {
            each(self.layout.arrays.unused.written[1], 0)
        }
    }

    /// A launch whose units are samples, with `per_sample` invocations each on a GPU.
    pub fn by_sample(
        &self,
        kernel: &'static Kernel,
        label: &str,
        params: Vec<Word>,
        args: Vec<Arg>,
        per_sample: usize,
    ) -> Launch {
        let invocations = (self.layout.batch * per_sample) as u64;
        let label = label.to_owned();
        Launch {
            kernel,
            label,
            params,
            args,
            units: Units::Samples,
            invocations,
            per_step: false,
            every: 1,
        }
    }

    // ---- forward ----------------------------------------------------------------------------------

    pub(super) fn encode(&mut self, stages: &mut Vec<Stage>) {
        let mut launches = Vec::new();
        self.biases(&mut launches);
        for (k, population) in self.network.populations.iter().enumerate() {
            match &population.kind {
                network::Kind::Poisson(p) => {
                    let p = (0..population.size).map(|id| *at(p, id));
                    let window = self.window_of(k, None);
                    let showing = poisson::sources(p, &window);
                    self.show(k, &window, vec![showing], &mut launches);
                }
                network::Kind::Images(images) => {
                    let window = self.window_of(k, Some(images));
                    let showings = images.encoder.code().show(&window);
                    self.show(k, &window, showings, &mut launches);
                    launches.extend(self.noise_of_inputs(k, images));
                }
                network::Kind::Lif(_) | network::Kind::Readout(_) => {}
                network::Kind::Stepped(_) | network::Kind::Spikes(_) => {}
            }
        }
        self.concentrations(&mut launches);
        stages.push(Stage::Whole(launches));
    }

    /// How a population shows samples, or draws spikes by itself.
    fn window_of(&self, k: usize, images: Option<&Images>) -> Window {
        let pop = self.layout.pops[k];
        let [frames, hold] = shown(images, self.layout.steps, self.network.dt);
        Window {
            dt: self.network.dt,
            n: pop.n as u32,
            rows: self.sent_rows(k) as u32,
            history: pop.history as u32,
            row: spike_words(pop.n) as u32,
            first: 0,
            frames,
            hold,
            stream: stream(Purpose::Input, k as u32),
        }
    }

    fn show(
        &mut self,
        k: usize,
        window: &Window,
        showings: Vec<Showing>,
        launches: &mut Vec<Launch>,
    ) {
        let (pop, population) = (self.layout.pops[k], &self.network.populations[k]);
        let (name, batch) = (&population.name, self.layout.batch);
        let mut made = None;
        for showing in showings {
            let args = showing.args.into_iter().map(|given| match given {
                Given::Pixels => self.pixels(k),
                Given::Intensities => {
                    let (what, len) = (format!("{name}.intensities"), window.words());
                    let zeros = || self.layout.arrays.zero_words(what, batch * len);
                    each(*made.get_or_insert_with(zeros), len)
                }
                Given::Nothing => whole(self.layout.arrays.unused.words),
                Given::Presentation => each(self.layout.input.presentation, 1),
                Given::Table(what, table) => {
                    whole(self.layout.arrays.words(format!("{name}.{what}"), table))
                }
                Given::Sent if population.spikes() => self.spikes(&pop),
                Given::Sent => self.sent_values(k),
            });
            let (args, per_sample) = (args.collect(), showing.per_sample as usize);
            let launch = self.by_sample(showing.kernel, name, showing.params, args, per_sample);
            launches.push(Launch { per_step: showing.per_step, ..launch });
        }
    }

    /// The pixels of samples that a population shows.
    fn pixels(&self, k: usize) -> Arg {
        let pop = self.layout.pops[k];
        let network::Kind::Images(images) = &self.network.populations[k].kind else {
            return whole(self.layout.arrays.unused.words);
        };
        each(pop.pixels, pixel_words(images.pixels(pop.n)))
    }

    fn forward(&mut self, group: &Group, stages: &mut Vec<Stage>) {
        let network = self.network;
        let inside = |k: usize| group.members.contains(&k);
        let mut before = Vec::new();
        let mut step = Vec::new();
        // Noise and input from outside the group are there for all steps, and come first.
        for &k in &group.members {
            before.extend(self.noise_of_currents(k));
            self.drawn(k, &mut before);
        }
        for outside in [true, false] {
            for (index, p) in network.projections.iter().enumerate() {
                if inside(p.to) && inside(p.from) != outside {
                    if outside {
                        before.extend(self.release(index));
                        before.extend(self.attend(index));
                    }
                    self.deliver(index, if outside { &mut before } else { &mut step });
                }
            }
        }
        for &k in &group.members {
            self.gains(k, &mut step);
            match &network.populations[k].kind {
                network::Kind::Lif(lif) => step.push(self.lif(k, lif)),
                network::Kind::Readout(readout) => step.push(self.readout(k, readout)),
                network::Kind::Stepped(_) => {
                    step.extend(
                        self.layout.framed[k].as_ref().map(|framed| self.window(k, framed)),
                    );
                }
                network::Kind::Poisson(_) | network::Kind::Images(_) | network::Kind::Spikes(_) => {
                }
            }
        }
        // On a cycle spikes of a step are there behind its neurons, and are delivered in later steps.
        for (index, p) in network.projections.iter().enumerate() {
            if inside(p.to) && inside(p.from) {
                step.extend(self.release(index));
            }
        }
        if group.cyclic {
            stages.push(Stage::Whole(before));
            stages.push(Stage::Steps { launches: step, backward: false });
        } else {
            before.extend(step);
            stages.push(Stage::Whole(before));
        }
    }

    fn deliver(&mut self, index: usize, launches: &mut Vec<Launch>) {
        let network = self.network;
        let projection = &network.projections[index];
        let (from, to) = (self.seen(index), self.layout.pops[projection.to]);
        launches.extend(self.delay(index));
        let steps = self.layout.steps;
        let constant = projection.delay == 0;
        let by_value = self.gets_values(index);
        let accumulate = match constant {
            true => {
                let filled = &mut self.filled[projection.to];
                u32::from(std::mem::replace(&mut filled.statics, true))
            }
            false => u32::from(self.arrived(projection.to, projection.receptor)),
        };
        if let Some(launch) = self.deliver_late(index, accumulate) {
            launches.push(launch);
            return;
        }
        // Where rows of the source lie, and where the result goes.
        let (source_rows, shift, rows) = if constant {
            (1, 0, 1)
        } else {
            (self.source_rows(index, &from), from.history - projection.delay, steps)
        };
        let out = if constant {
            let statics = self.statics(projection.to);
            each(statics, to.n)
        } else {
            self.tape(&to)
        };
        let values = each(from.values, source_rows * from.n);
        // Receptors lie side by side in a row of the tape.
        let (stride, at) = match constant {
            true => (to.n as u32, 0),
            false => (to.width as u32, projection.receptor * to.n),
        };
        let sources = from.n as u32;
        match self.layout.ports.weights[index].clone() {
            Tiles::Dense { tiles, .. } => {
                for (weights, first, width) in tiles {
                    let first = at + first;
                    let launch = if by_value {
                        let p = dense_values::DenseValuesParams::<f64> {
                            sources,
                            source_first: 0,
                            source_stride: sources,
                            source_rows: source_rows as u32,
                            shift: shift as u32,
                            targets: stride,
                            first: first as u32,
                            width: width as u32,
                            rows: rows as u32,
                            accumulate,
                        };
                        let args = vec![values, whole(weights), out];
                        self.by_sample(
                            &dense_values::KERNEL,
                            &projection.name,
                            p.words(),
                            args,
                            width,
                        )
                    } else {
                        let p = dense_spikes::DenseSpikesParams::<f64> {
                            sources,
                            targets: stride,
                            first: first as u32,
                            width: width as u32,
                            steps: steps as u32,
                            kept: steps as u32,
                            history: from.history as u32,
                            delay: projection.delay as u32,
                            accumulate,
                        };
                        let args = vec![self.spikes(&from), whole(weights), out];
                        self.by_sample(
                            &dense_spikes::KERNEL,
                            &projection.name,
                            p.words(),
                            args,
                            width.div_ceil(dense_spikes::TARGETS),
                        )
                    };
                    let mut launch = Launch { per_step: !constant, ..launch };
                    if constant {
                        // The result is small and the weights are not: many samples share a pass
                        // over them.
                        let count = self.layout.batch;
                        launch.units = Units::Count { count, grain: 32 };
                    }
                    launches.push(launch);
                }
            }
            Tiles::Convolution { .. } => launches.extend(self.convolve(index, accumulate, out)),
            Tiles::Sparse { array: weights, .. } => {
                let lists = self.lists(index);
                let p = sparse::SparseParams::<f64> {
                    sources,
                    targets: to.n as u32,
                    stride,
                    first: at as u32,
                    source_rows: source_rows as u32,
                    history: if constant { 0 } else { from.history as u32 },
                    delay: projection.delay as u32,
                    drawn: u32::from(lists.delays.is_some()),
                    rows: rows as u32,
                    accumulate,
                    values: u32::from(by_value),
                };
                let args = vec![
                    if by_value {
                        whole(self.layout.arrays.unused.words)
                    } else {
                        self.spikes(&from)
                    },
                    if by_value { values } else { whole(self.layout.arrays.unused.reals) },
                    whole(lists.start),
                    whole(lists.source),
                    whole(weights),
                    whole(lists.delays.unwrap_or(self.layout.arrays.unused.words)),
                    out,
                ];
                let launch =
                    self.by_sample(&sparse::KERNEL, &projection.name, p.words(), args, to.n);
                launches.push(Launch { per_step: !constant, ..launch });
            }
        }
    }

    /// The array of constant inputs of a population, made when first needed.
    fn statics(&mut self, k: usize) -> Reals {
        if let Some(statics) = self.layout.pops[k].statics {
            return statics;
        }
        let name = format!("{}.statics", self.network.populations[k].name);
        let len = self.layout.batch * self.layout.pops[k].n;
        let statics = self.layout.arrays.zero_reals(name, len);
        self.layout.pops[k].statics = Some(statics);
        statics
    }

    fn lif(&self, k: usize, model: &network::Lif) -> Launch {
        let pop = self.layout.pops[k];
        let p = lif::LifParams {
            n: pop.n as u32,
            steps: self.layout.steps as u32,
            history: pop.history as u32,
            arrivals: u32::from(self.filled[k].tape != 0),
            statics: u32::from(pop.statics.is_some()),
            own: u32::from(pop.own),
            steepness: self.layout.surrogate.steepness,
            unit: model.unit,
            carry: pop.carry,
            reset: reset(model),
            soft: self.layout.soft,
            surrogate: self.layout.surrogate.shape,
        };
        let args = vec![
            self.tape(&pop),
            pop.statics.map_or(whole(self.layout.arrays.unused.reals), |s| each(s, pop.n)),
            whole(pop.i_e),
            whole(pop.cell),
            self.spikes(&pop),
            if pop.carry > 0 {
                each(pop.state, lif::STATE * pop.n)
            } else {
                each(self.layout.arrays.unused.written[0], 0)
            },
            self.soft_spikes(&pop),
        ];
        // Whole workgroups for each sample, so that a workgroup's spikes make whole words.
        let padded = pop.n.next_multiple_of(lif::KERNEL.workgroup as usize);
        self.by_sample(&lif::KERNEL, &self.network.populations[k].name, p.words(), args, padded)
    }

    fn readout(&self, k: usize, model: &network::Readout) -> Launch {
        let (over, answer) = (self.over(), self.answer());
        let pop = self.layout.pops[k];
        let p = readout::ReadoutParams {
            n: pop.n as u32,
            steps: self.layout.steps as u32,
            arrivals: u32::from(self.filled[k].tape != 0),
            statics: u32::from(pop.statics.is_some()),
            own: u32::from(pop.own),
            v_unit: model.v_unit,
            begin: over.begin,
            length: over.length,
            parts: answer.answers as u32,
            share: over.share,
            over: over.largest,
        };
        let args = vec![
            self.tape(&pop),
            pop.statics.map_or(whole(self.layout.arrays.unused.reals), |s| each(s, pop.n)),
            whole(pop.i_e),
            whole(pop.cell),
            each(answer.output, answer.answers * pop.n),
            each(pop.peak, pop.n),
        ];
        self.by_sample(&readout::KERNEL, &self.network.populations[k].name, p.words(), args, pop.n)
    }

    // ---- backward ---------------------------------------------------------------------------------

    fn transposed_weights(&self, stages: &mut Vec<Stage>) {
        let mut launches = Vec::new();
        for (index, projection) in self.network.projections.iter().enumerate() {
            let Tiles::Dense { sources, tiles, .. } = &self.layout.ports.weights[index] else {
                continue;
            };
            for (&transposed, &(weights, _, width)) in
                self.layout.transposed[index].iter().zip(tiles)
            {
                let p = transpose::TransposeParams::<f64> {
                    sources: *sources as u32,
                    width: width as u32,
                };
                let split = Split::PanelRows { rows: width, width: *sources };
                launches.push(Launch {
                    kernel: &transpose::KERNEL,
                    label: projection.name.clone(),
                    params: p.words(),
                    args: vec![whole(weights), cut(transposed, split)],
                    units: Units::Count { count: sources.div_ceil(PANEL) * width, grain: 64 },
                    invocations: (sources * width) as u64,
                    per_step: false,
                    every: 1,
                });
            }
        }
        stages.push(Stage::Whole(launches));
    }

    fn backward(&mut self, group: &Group, stages: &mut Vec<Stage>) {
        let network = self.network;
        let inside = |k: usize| group.members.contains(&k);
        let mut before = Vec::new();
        let mut step = Vec::new();
        for &k in &group.members {
            self.spread(k, &mut before);
        }
        for outside in [true, false] {
            for (index, p) in network.projections.iter().enumerate() {
                if self.needs_values_back(index) && inside(p.from) && inside(p.to) != outside {
                    let launches = if outside { &mut before } else { &mut step };
                    self.deliver_back(index, launches);
                    self.drop_back(index, launches);
                    launches.extend(self.delay_back(index));
                    launches.extend(self.release_back(index));
                    self.attend_back(index, launches);
                }
            }
        }
        for &k in group.members.iter().rev() {
            if self.layout.pops[k].active {
                match &network.populations[k].kind {
                    network::Kind::Lif(lif) => step.push(match self.training.learn.by_times() {
                        None => self.lif_backward(k, lif),
                        Some(least_slope) => self.lif_eventprop(k, least_slope),
                    }),
                    network::Kind::Readout(r) => step.push(self.readout_backward(k, r)),
                    network::Kind::Stepped(_) => {
                        let framed = self.layout.framed[k].as_ref();
                        step.extend(framed.map(|framed| self.window_back(k, framed)));
                    }
                    network::Kind::Poisson(_)
                    | network::Kind::Images(_)
                    | network::Kind::Spikes(_) => {}
                }
                self.gains(k, &mut step);
            }
        }
        if group.cyclic {
            stages.push(Stage::Whole(before));
            stages.push(Stage::Steps { launches: step, backward: true });
        } else {
            before.extend(step);
            stages.push(Stage::Whole(before));
        }
    }

    /// Gradients by the arrivals of a projection become gradients by the spikes of its source.
    fn deliver_back(&mut self, index: usize, launches: &mut Vec<Launch>) {
        let projection = &self.network.projections[index];
        let (from, to) = (self.layout.pops[projection.from], self.layout.pops[projection.to]);
        let steps = self.layout.steps;
        let (cotangent, filled) = self.cotangent_of(index);
        let mut accumulate = u32::from(filled);
        if let Some(launch) = self.deliver_late_back(index, accumulate, cotangent) {
            launches.push(launch);
            return;
        }
        match &self.layout.ports.weights[index] {
            Tiles::Dense { tiles, .. } => {
                for (&transposed, &(_, first, width)) in
                    self.layout.transposed[index].iter().zip(tiles)
                {
                    let p = dense_values::DenseValuesParams::<f64> {
                        sources: width as u32,
                        source_first: (projection.receptor * to.n + first) as u32,
                        source_stride: to.width as u32,
                        source_rows: steps as u32,
                        shift: projection.delay as u32,
                        targets: from.n as u32,
                        first: 0,
                        width: from.n as u32,
                        rows: steps as u32,
                        accumulate,
                    };
                    accumulate = 1;
                    let args = vec![self.tape(&to), whole(transposed), cotangent];
                    let kernel = &dense_values::KERNEL;
                    let launch = self.by_sample(kernel, &projection.name, p.words(), args, from.n);
                    launches.push(Launch { per_step: true, ..launch });
                }
            }
            Tiles::Convolution { .. } => {
                launches.extend(self.convolve_back(index, accumulate, cotangent));
            }
            Tiles::Sparse { array: weights, .. } => {
                let lists = self.lists(index);
                let p = sparse_backward::SparseBackwardParams::<f64> {
                    sources: from.n as u32,
                    stride: to.width as u32,
                    first: (projection.receptor * to.n) as u32,
                    steps: steps as u32,
                    delay: projection.delay as u32,
                    drawn: u32::from(lists.delays.is_some()),
                    accumulate,
                };
                let args = vec![
                    self.tape(&to),
                    whole(lists.out_start),
                    whole(lists.target),
                    whole(lists.synapse),
                    whole(*weights),
                    whole(lists.delays.unwrap_or(self.layout.arrays.unused.words)),
                    cotangent,
                ];
                let kernel = &sparse_backward::KERNEL;
                let launch = self.by_sample(kernel, &projection.name, p.words(), args, from.n);
                launches.push(Launch { per_step: true, ..launch });
            }
        }
    }

    fn lif_backward(&self, k: usize, model: &network::Lif) -> Launch {
        let pop = self.layout.pops[k];
        let p = lif_backward::LifBackwardParams {
            n: pop.n as u32,
            steps: self.layout.steps as u32,
            history: pop.history as u32,
            arrivals: u32::from(self.filled[k].tape != 0),
            own: u32::from(pop.own),
            steepness: self.layout.surrogate.steepness,
            unit: model.unit,
            carry: pop.carry,
            reset: reset(model),
            soft: self.layout.soft,
            surrogate: self.layout.surrogate.shape,
            attached: self.training.attached(),
        };
        let args = vec![
            self.tape(&pop),
            passing(pop.cotangent, self.layout.steps * pop.n),
            whole(pop.cell),
            self.spikes(&pop),
            if pop.carry > 0 {
                each(pop.adjoint, lif_backward::STATE * pop.n)
            } else {
                each(self.layout.arrays.unused.written[0], 0)
            },
            each(pop.input_gradient, pop.n),
        ];
        let name = &self.network.populations[k].name;
        self.by_sample(&lif_backward::KERNEL, name, p.words(), args, pop.n)
    }

    fn readout_backward(&self, k: usize, model: &network::Readout) -> Launch {
        let (over, answer) = (self.over(), self.answer());
        let pop = self.layout.pops[k];
        let p = readout_backward::ReadoutBackwardParams {
            n: pop.n as u32,
            steps: self.layout.steps as u32,
            own: u32::from(pop.own),
            v_unit: model.v_unit,
            begin: over.begin,
            length: over.length,
            parts: answer.answers as u32,
            share: over.share,
            over: over.largest,
        };
        let args = vec![
            self.tape(&pop),
            each(answer.gradient, answer.answers * pop.n),
            each(pop.peak, pop.n),
            whole(pop.cell),
            each(pop.input_gradient, pop.n),
        ];
        let name = &self.network.populations[k].name;
        self.by_sample(&readout_backward::KERNEL, name, p.words(), args, pop.n)
    }

    // ---- gradients and updates --------------------------------------------------------------------

    /// Gradients by all trained weights and constant currents, and what rules change.
    fn gradients(&mut self, stages: &mut Vec<Stage>) {
        let network = self.network;
        let mut launches = Vec::new();
        self.convolution_gradients(&mut launches);
        let mut trains = Trains::default();
        for (index, projection) in network.projections.iter().enumerate() {
            let to = self.layout.pops[projection.to];
            let convolution = matches!(self.layout.ports.weights[index], Tiles::Convolution { .. });
            if projection.learn && to.active && !convolution {
                let what = format!("{}.gradient", projection.name);
                let by = self.by_arrivals(index);
                let made = match self.late[index] {
                    Some(late) => vec![self.late_by_weights(index, late, &what, &mut launches)],
                    None => self.by_weights(index, by, &what, &mut trains, &mut launches),
                };
                self.layout.ports.gradients.extend(made);
            }
        }
        self.delay_gradients(&mut launches);
        self.attention_gradients(&mut launches);
        self.rules(&mut trains, &mut launches);
        for ports in self.layout.ports.numbers.clone() {
            if self.layout.pops[ports.population].active {
                self.numbers(&ports, &mut launches);
            }
        }
        for (k, population) in network.populations.iter().enumerate() {
            let pop = self.layout.pops[k];
            if !pop.active || !population.current_is_trained(self.training) {
                continue;
            }
            let name = format!("{}.i_e.gradient", population.name);
            let gradient = self.layout.arrays.zero_reals(name, pop.n);
            self.layout.ports.gradients.push((gradient, pop.i_e));
            let p = sum_samples::SumSamplesParams::<f64> { n: pop.n as u32 };
            launches.push(Launch {
                kernel: &sum_samples::KERNEL,
                label: population.name.clone(),
                params: p.words(),
                args: vec![whole(pop.input_gradient), each(gradient, 1)],
                units: Units::Count { count: pop.n, grain: 256 },
                invocations: pop.n as u64,
                per_step: false,
                every: 1,
            });
        }
        stages.push(Stage::Whole(launches));
    }

    /// Where gradients by the arrivals of a projection are.
    pub(super) fn by_arrivals(&self, index: usize) -> Arrivals {
        let projection = &self.network.projections[index];
        let to = self.layout.pops[projection.to];
        match projection.delay {
            // One row for all steps.
            0 => Arrivals { array: to.input_gradient, rows: 1, stride: to.n, first: 0 },
            _ => Arrivals {
                array: to.tape,
                rows: self.layout.steps,
                stride: to.width,
                first: projection.receptor * to.n,
            },
        }
    }

    /// The sum over all samples and steps of what a source sends times what belongs to its arrival, for each weight of a
    /// projection that is no convolution: arrays of the sums, of each of its tiles, beside those of the weights.
    pub(super) fn by_weights(
        &mut self,
        index: usize,
        by: Arrivals,
        what: &str,
        trains: &mut Trains,
        launches: &mut Vec<Launch>,
    ) -> Vec<(Reals, Reals)> {
        let projection = &self.network.projections[index];
        let from = self.source(index);
        let tiles = self.layout.ports.weights[index].clone();
        let steps = self.layout.steps;
        let train = (self.layout.batch * steps).div_ceil(32);
        let by_value = self.gets_values(index);
        let values = if by_value { from.values } else { self.layout.arrays.unused.reals };
        let (source_rows, shift) = match projection.delay {
            0 => (1, 0),
            delay => (self.source_rows(index, &from), from.history - delay),
        };
        let spikes = if by_value {
            self.layout.arrays.unused.words
        } else {
            let key = (from.spikes, projection.delay);
            match trains.0.iter().find(|t| t.0 == key) {
                Some(found) => found.1,
                None => {
                    let (array, launch) = self.trains(index);
                    launches.push(launch);
                    trains.0.push((key, array));
                    array
                }
            }
        };
        let sources = from.n as u32;
        let (stride, rows) = (by.stride as u32, by.rows as u32);
        let mut made = Vec::new();
        for (tile, weights) in tiles.arrays().into_iter().enumerate() {
            let len = self.layout.arrays[weights].len;
            let sum = self.layout.arrays.zero_reals(format!("{what}.{tile}"), len);
            made.push((sum, weights));
            let (kernel, params, args, units): (&'static Kernel, _, _, _) = match &tiles {
                Tiles::Dense { tiles, .. } => {
                    let (_, first, width) = tiles[tile];
                    let split = Split::PanelRows { rows: from.n, width };
                    let out = cut(sum, split);
                    let count = width.div_ceil(PANEL) * from.n;
                    // Values are listed once per piece, so pieces are as large as leaves a few for the threads;
                    // spikes are listed anyway, and a piece is a panel.
                    let grain = match by_value {
                        true => (count / 4).max(128),
                        false if count > from.n => from.n.max(128),
                        false => 128,
                    };
                    let units = Units::Count { count, grain };
                    let (first, width) = ((by.first + first) as u32, width as u32);
                    if by_value {
                        let p = dense_values_gradient::DenseValuesGradientParams::<f64> {
                            sources,
                            source_rows: source_rows as u32,
                            shift: shift as u32,
                            targets: stride,
                            first,
                            width,
                            rows,
                        };
                        let args = vec![whole(values), whole(by.array), out];
                        (&dense_values_gradient::KERNEL, p.words(), args, units)
                    } else {
                        let p = dense_spikes_gradient::DenseSpikesGradientParams::<f64> {
                            sources,
                            targets: stride,
                            first,
                            width,
                            train: train as u32,
                            delay: projection.delay as u32,
                        };
                        let args = vec![whole(spikes), whole(by.array), out];
                        (&dense_spikes_gradient::KERNEL, p.words(), args, units)
                    }
                }
                Tiles::Convolution { .. } => unreachable!("these are done by themselves"),
                Tiles::Sparse { .. } => {
                    let lists = self.lists(index);
                    let p = sparse_gradient::SparseGradientParams::<f64> {
                        sources,
                        stride,
                        first: by.first as u32,
                        synapses: len as u32,
                        train: train as u32,
                        steps: steps as u32,
                        delay: projection.delay as u32,
                        drawn: u32::from(lists.delays.is_some()),
                        source_rows: source_rows as u32,
                        history: if projection.delay == 0 { 0 } else { from.history as u32 },
                        rows,
                        values: u32::from(by_value),
                    };
                    let args = vec![
                        whole(spikes),
                        whole(values),
                        whole(lists.source),
                        whole(lists.target_of),
                        whole(by.array),
                        whole(lists.delays.unwrap_or(self.layout.arrays.unused.words)),
                        each(sum, 1),
                    ];
                    let units = Units::Count { count: len, grain: 1024 };
                    (&sparse_gradient::KERNEL, p.words(), args, units)
                }
            };
            launches.push(Launch {
                kernel,
                label: projection.name.clone(),
                params,
                args,
                units,
                invocations: len as u64,
                per_step: false,
                every: 1,
            });
        }
        made
    }

    /// Spikes of a population by source, for gradients.
    fn trains(&mut self, index: usize) -> (Words, Launch) {
        let (pop, delay) = (self.source(index), self.network.projections[index].delay);
        let train = (self.layout.batch * self.layout.steps).div_ceil(32);
        let name = format!("{}.trains.{delay}", self.layout.arrays[pop.spikes].name);
        let array = self.layout.arrays.zero_words(name, pop.n * train);
        let p = transpose_spikes::TransposeSpikesParams::<f64> {
            sources: pop.n as u32,
            steps: self.layout.steps as u32,
            history: pop.history as u32,
            train: train as u32,
            delay: delay as u32,
        };
        let launch = Launch {
            kernel: &transpose_spikes::KERNEL,
            label: self.network.populations[self.network.projections[index].from].name.clone(),
            params: p.words(),
            args: vec![whole(pop.spikes), each(array, 32 * train)],
            units: Units::Count { count: spike_words(pop.n), grain: 1 },
            invocations: (pop.n * train) as u64,
            per_step: false,
            every: 1,
        };
        (array, launch)
    }

    /// Tapes of neurons whose only input is constant are not needed after the pass of a sample: there is
    /// no gradient by arrivals. (Those of an evaluation are, for pictures.)
    fn pass_tapes(&self, stages: &mut [Stage]) {
        let launches = stages.iter_mut().flat_map(Stage::launches_mut);
        for arg in launches.flat_map(|launch| &mut launch.args) {
            let mut neural =
                self.layout.pops.iter().zip(&self.network.populations).zip(&self.filled);
            let free = neural.any(|((pop, population), filled)| {
                let arrives_only = pop.width == pop.n * receptors_of(&population.kind);
                let arrives = filled.tape != 0 || !arrives_only;
                population.is_neural() && pop.tape.id() == arg.array && !arrives
            });
            if let Split::Stride(stride) = arg.split
                && free
            {
                arg.split = Split::Passing(stride);
            }
        }
    }

    /// The least value of the weights in an array: conductances are never negative.
    pub fn floor(&self, array: Reals) -> f64 {
        let weights = self.layout.ports.weights.iter().zip(&self.network.projections);
        let of = weights.into_iter().find(|(tiles, _)| tiles.arrays().contains(&array));
        let conductance = of.is_some_and(|(_, p)| match &self.network.populations[p.to].kind {
            network::Kind::Stepped(neurons) if p.delay > 0 => {
                neurons.receptors()[p.receptor].e_rev.is_some()
            }
            _ => false,
        });
        if conductance { 0.0 } else { NO_FLOOR }
    }

    /// One unit of the weights or constant currents in an array.
    pub fn unit(&self, array: Reals) -> f64 {
        if let Some(projection) = self.fed_back(array) {
            return projection.unit;
        }
        let weights = self.layout.ports.weights.iter().zip(&self.network.projections);
        for (tiles, projection) in weights {
            if tiles.arrays().contains(&array) {
                return projection.unit;
            }
        }
        let owners = self.layout.pops.iter().zip(&self.network.populations);
        for ((pop, population), framed) in owners.zip(&self.layout.framed) {
            match &population.kind {
                network::Kind::Stepped(_) if pop.i_e == array => {
                    return framed.as_ref().map_or(1.0, |framed| framed.unit(self.network.dt));
                }
                network::Kind::Lif(m) if pop.i_e == array => return m.unit / m.cells[0].p20,
                network::Kind::Readout(m) if pop.i_e == array => return m.v_unit / m.cells[0].p20,
                _ => {}
            }
        }
        1.0
    }

    // ---- records ----------------------------------------------------------------------------------

    /// Spikes of each population.
    pub(super) fn counts(&self, stages: &mut Vec<Stage>) {
        let mut launches = Vec::new();
        for (k, population) in self.network.populations.iter().enumerate() {
            let pop = self.layout.pops[k];
            let Some(SpikePorts { counts, .. }) = self.layout.ports.populations[k].spikes else {
                continue;
            };
            let p = count_spikes::CountSpikesParams::<f64> {
                n: pop.n as u32,
                steps: self.layout.steps as u32,
                history: pop.history as u32,
                slots: SLOTS as u32,
            };
            let (kernel, args) =
                (&count_spikes::KERNEL, vec![self.spikes(&pop), each(counts, SLOTS)]);
            launches.push(self.by_sample(kernel, &population.name, p.words(), args, 1));
        }
        stages.push(Stage::Whole(launches));
    }
}

/// Receptors of neurons.
pub(super) fn receptors_of(kind: &network::Kind) -> usize {
    match kind {
        network::Kind::Stepped(neurons) => neurons.receptors().len(),
        _ => 1,
    }
}

fn reset(model: &network::Lif) -> u32 {
    match model.reset {
        Reset::Value => 0,
        Reset::Subtract => 1,
    }
}
