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
use super::order::groups;
use super::release::Released;
use super::spike_times::Firsts;
use super::*;
use crate::data::traces::Traces;
use crate::kernel::spike_words;
use crate::network::{self, Network};
use crate::record::count_spikes;
use crate::scene::{Images, Training};

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
        Some(rule) => c.eprop(rule, options.traces),
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
    let ports = Ports::Training(ports);
    Ok(Plan { arrays, programs, batch, steps, interval: 1, input, ports, warnings })
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
    c.pass_tapes(&mut evaluate);
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
pub(super) struct Filled {
    /// A bit for each receptor.
    pub(super) tape: u32,
    pub(super) statics: bool,
    pub(super) cotangent: bool,
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

pub(super) struct Compiler<'a> {
    pub network: &'a Network,
    pub training: &'a Training,
    pub layout: Layout<'a>,
    pub(super) filled: Vec<Filled>,
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
        self.layout.soft > 0 && matches!(kind, network::Kind::Stepped(_))
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
    pub(super) fn source_rows(&self, index: usize, from: &Pop) -> usize {
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

    /// Whether something arrives at a receptor.
    pub fn has_arrived(&self, k: usize, receptor: usize) -> bool {
        self.filled[k].tape >> receptor & 1 == 1
    }

    /// Whether the spikes of a population act on anything that the loss is of.
    pub fn has_cotangent(&self, k: usize) -> bool {
        self.filled[k].cotangent
    }

    /// Arrays of the answers; only what belongs to a population that answers asks for these.
    pub fn answer(&self) -> AnswerPorts {
        self.layout.ports.answer.expect("a population that answers has these")
    }

    /// Where the synapses of a sparse projection are.
    pub(super) fn lists(&self, index: usize) -> Lists {
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
