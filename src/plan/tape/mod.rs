//! Plans in which all that arrives in a window is kept on tapes, as floats, for a batch of samples at once: trainings by
//! gradients.
//!
//! Forward (`forward`): what is sent is delivered, then integrated. Training goes back over the same operations
//! (`backward`): gradients by arrivals pass the transposed weights to become gradients by spikes, which the neuron's adjoint
//! turns into gradients by its own arrivals. Gradients by weights and updates come last. Where it is learned to learn, gradients
//! and updates are programs of their own too, and so are steps within a task. By e-prop (`eprop`) there is no way back.

mod attention;
mod backward;
mod convolve;
mod delays;
mod delays_of_synapses;
mod drawn;
mod dropout;
mod eprop;
mod forward;
mod gain;
mod gradients;
mod known;
mod layout;
mod losses;
mod noise;
mod release;
mod rules;
mod spike_times;
mod update;
mod window;

use super::graph::{self, Op};
use super::launch::{by_element, cut, each, passing, whole};
use super::show::{Stand, frames_of};
use super::*;
use crate::kernel::{Kernel, Word, spike_words};
use crate::network;
use crate::record::count_spikes;
use crate::scene::Training;
use attention::Attended;
use delays::Delayed;
use delays_of_synapses::Late;
use gain::{Gated, Level};
use known::known;
use layout::{Layout, Lists, Pop};
use losses::Counted;
use release::Released;
use spike_times::Firsts;
use window::Framed;

/// Batches whose losses stay on the device until the host asks.
const SLOTS: usize = 64;

/// Plans the training of a network.
pub(super) fn plan(network: &Network, options: &TrainingOptions<'_>) -> Result<Plan, PlanError> {
    known(network, options.training.learn)?;
    let mut c = Tapes::new(Layout::new(network, options)?, options.training);
    let programs = match options.training.learn.eprop() {
        Some(rule) => c.eprop(rule, options.traces)?,
        None => backprop(&mut c, options)?,
    };
    let program = |(name, stages)| Program { name, stages: joined(stages) };
    let programs = programs.into_iter().map(program).collect();
    let warnings = c.untouched();
    let Layout { arrays, batch, steps, input, ports, .. } = c.layout;
    let ports = Ports::Training(ports);
    let plan = Plan { arrays, programs, batch, steps, interval: 1, input, ports, warnings };
    let advice = "lower the batch, the steps, or the size of the population or the kernel";
    plan.bound(|_| options.max_binding, advice)
}

/// Programs by name.
type Programs = Vec<(&'static str, Vec<Stage>)>;

/// Those of a training by backpropagation.
fn backprop(c: &mut Tapes<'_>, options: &TrainingOptions<'_>) -> Result<Programs, PlanError> {
    c.keep_sources();
    c.release_sources();
    c.attention_sources();
    let mut forward = Vec::new();
    c.delay_sources(&mut forward);
    c.biases(&mut forward);
    let phases = graph::on_tapes(c.network);
    forward.extend(graph::walk(&phases, false, &mut |ops, launches| c.forward(ops, launches))?);
    let mut evaluate = forward.clone();
    noise::silence(&mut evaluate);
    delays::round(&mut evaluate);
    c.loss(options.traces, false, &mut evaluate);
    c.pass_tapes(&mut evaluate);
    let mut gradient = Vec::new();
    c.transposed_weights(&mut gradient);
    gradient.extend(forward);
    c.loss(options.traces, true, &mut gradient);
    let phases = graph::back(c.network);
    gradient.extend(graph::walk(&phases, true, &mut |ops, launches| c.backward(ops, launches))?);
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
    Ok(programs)
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

/// A plan on tapes, while it is made.
struct Tapes<'a> {
    network: &'a Network,
    training: &'a Training,
    layout: Layout<'a>,
    filled: Vec<Filled>,
    /// Populations as projections with dropout see them in the program `train`.
    kept: Vec<Option<Pop>>,
    /// Sources of each projection with learned delays.
    delayed: Vec<Option<Delayed>>,
    /// Synapses of each projection with learned delays of these.
    late: Vec<Option<Late>>,
    /// Sources of each projection with short-term plasticity.
    released: Vec<Option<Released>>,
    /// Sources of each projection with attention.
    attended: Vec<Option<Attended>>,
    /// Arrays of a loss of traces: what is wanted, the filtered difference, and errors.
    followed: Option<[Reals; 3]>,
    /// Populations whose spikes are counted for the loss.
    counted: Vec<Counted>,
    /// First spikes, if the loss is of their times.
    firsts: Option<Firsts>,
    /// Concentration of each modulator, once what releases it is done.
    levels: Vec<Option<Level>>,
    /// Gains of what arrives at each population.
    gated: Vec<Vec<Gated>>,
}

impl<'a> Tapes<'a> {
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
            levels: vec![None; network.modulators.len()],
            gated: vec![Vec::new(); network.populations.len()],
        }
    }

    /// Whether a population has soft spikes.
    fn is_soft(&self, k: usize) -> bool {
        let population = &self.network.populations[k];
        self.layout.soft > 0 && population.is_neural() && population.spikes()
    }

    /// Whether a population sends values rather than spikes.
    fn sends_values(&self, k: usize) -> bool {
        self.is_soft(k) || !self.network.populations[k].spikes()
    }

    /// Whether a projection gets values rather than spikes.
    fn gets_values(&self, index: usize) -> bool {
        self.delayed[index].is_some()
            || self.released[index].is_some()
            || self.attended[index].is_some()
            || self.sends_values(self.network.projections[index].from)
    }

    /// The source of a projection as it sees it: with learned delays, or what short-term plasticity or
    /// attention makes of it.
    fn seen(&self, index: usize) -> Pop {
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
    fn cotangent(&mut self, k: usize) -> (Arg, bool) {
        let pop = self.layout.pops[k];
        let filled = std::mem::replace(&mut self.filled[k].cotangent, true);
        (passing(pop.cotangent, self.layout.steps * pop.n), filled)
    }

    /// Marks that something arrives at a receptor, and tells whether something did already.
    fn arrived(&mut self, k: usize, receptor: usize) -> bool {
        let bit = 1 << receptor;
        let before = self.filled[k].tape & bit;
        self.filled[k].tape |= bit;
        before != 0
    }

    /// Whether something arrives at a receptor.
    fn has_arrived(&self, k: usize, receptor: usize) -> bool {
        self.filled[k].tape >> receptor & 1 == 1
    }

    /// Whether the spikes of a population act on anything that the loss is of.
    fn has_cotangent(&self, k: usize) -> bool {
        self.filled[k].cotangent
    }

    /// Arrays of the answers; only what belongs to a population that answers asks for these.
    fn answer(&self) -> AnswerPorts {
        self.layout.ports.answer.expect("a population that answers has these")
    }

    /// Where the synapses of a sparse projection are.
    fn lists(&self, index: usize) -> Lists {
        self.layout.lists[index].expect("sparse synapses have these")
    }

    fn spikes(&self, pop: &Pop) -> Arg {
        each(pop.spikes, (pop.history + self.layout.steps) * spike_words(pop.n))
    }

    /// Rows of a window of what a population sends: one, if that does not change.
    fn sent_rows(&self, k: usize) -> usize {
        if self.network.populations[k].is_constant() { 1 } else { self.layout.steps }
    }

    /// Values that sources send.
    fn sent_values(&self, k: usize) -> Arg {
        let pop = self.layout.pops[k];
        each(pop.values, (pop.history + self.sent_rows(k)) * pop.n)
    }

    fn tape(&self, pop: &Pop) -> Arg {
        each(pop.tape, self.layout.steps * pop.width)
    }

    fn soft_spikes(&self, pop: &Pop) -> Arg {
        if self.layout.soft > 0 {
            each(pop.values, (pop.history + self.layout.steps) * pop.n)
        } else {
            each(self.layout.arrays.unused.written[1], 0)
        }
    }

    /// A launch whose units are samples, with `per_sample` invocations each on a GPU.
    fn by_sample(
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
    fn counts(&self, stages: &mut Vec<Stage>) {
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
fn receptors_of(kind: &network::Kind) -> usize {
    match kind {
        network::Kind::Stepped(neurons) => neurons.receptors().len(),
        _ => 1,
    }
}
