//! Ports: the arrays of a plan that the host writes and reads, by what they are for.

use super::{Reals, Tiles, Words};
use crate::scene::Part;

/// Arrays by which samples are shown.
#[derive(Debug)]
pub struct InputPorts {
    /// Pixels of the samples, bytes packed into words, if a population shows them all.
    pub pixels: Option<Words>,
    /// Parts of the samples that populations show, likewise packed.
    pub parts: Vec<(Part, Words)>,
    /// Number of each sample that tells presentations apart.
    pub presentation: Words,
}

/// Arrays that the host writes or reads, by what the plan is for.
#[derive(Debug)]
pub enum Ports {
    /// A training by gradients.
    Training(TrainingPorts),
    /// A simulation, of samples or of a network alone.
    Simulation(SimulationPorts),
}

/// Arrays of a training that its host writes or reads.
#[derive(Debug)]
pub struct TrainingPorts {
    /// Loss of each sample, samples × slots.
    pub losses: Reals,
    /// Slots of the logs.
    pub slots: usize,
    /// The answers, if a population gives some: where neurons only follow traces there are none.
    pub answer: Option<AnswerPorts>,
    /// For each population: its tape, spikes and spike counts.
    pub populations: Vec<PopulationPorts>,
    /// For each projection: its tiles.
    pub weights: Vec<Tiles>,
    /// Array of constant currents of each population that has neurons.
    pub i_e: Vec<Option<Reals>>,
    /// Trained numbers of each population that has some.
    pub numbers: Vec<NumberPorts>,
    /// Each projection with learned delays.
    pub delays: Vec<DelayPorts>,
    /// Each projection with attention.
    pub attention: Vec<AttentionPorts>,
    /// Error of each neuron that is to follow a trace, samples × n, if the loss is of traces.
    pub errors: Option<Reals>,
    /// Arrays of the optimiser, to be saved with the weights.
    pub moments: Vec<Reals>,
    /// Arrays of gradients beside the arrays they are for.
    pub gradients: Vec<(Reals, Reals)>,
    /// Arrays of changes by rules of plasticity beside the weights that they are for.
    pub changes: Vec<(Reals, Reals)>,
    /// Arrays of feedback that is learned, beside the projection to the readout that each is like.
    pub feedback: Vec<(Reals, usize)>,
    /// One unit of what each of the gradients is for.
    pub units: Vec<f64>,
}

/// Arrays of the answers of a network.
#[derive(Debug, Clone, Copy)]
pub struct AnswerPorts {
    /// Answers to a sample: one, or one for each frame.
    pub answers: usize,
    /// Output, samples × answers × outputs.
    pub output: Reals,
    /// Gradient by the output, as that lies.
    pub gradient: Reals,
    /// What the output is compared with.
    pub supervision: Supervision,
    /// Predicted class of each answer, samples × answers × slots; of marks how many outputs are right.
    pub predictions: Words,
}

/// What a loss compares answers with.
#[derive(Debug, Clone, Copy)]
pub enum Supervision {
    /// Class of each answer, samples × answers; no class where none is asked for.
    Labels(Words),
    /// What each output is to be, samples × outputs.
    Targets(Reals),
}

/// Arrays of the trained numbers of a population; see [`crate::network::numbers`].
#[derive(Debug, Clone)]
pub struct NumberPorts {
    /// The population.
    pub population: usize,
    /// x of each number: one, or one of each neuron.
    pub free: Vec<Reals>,
    /// Slopes of each number, \[numbers that kernels read, n\].
    pub slopes: Vec<Reals>,
    /// What kernels read of neurons.
    pub cell: Reals,
    /// And of receptors.
    pub receptor: Reals,
}

/// Arrays of the learned delays of a projection; see [`crate::network::Delays`].
#[derive(Debug, Clone, Copy)]
pub struct DelayPorts {
    /// The projection.
    pub projection: usize,
    /// Delay of each source \[steps\]; of synapses as the weights lie.
    pub delays: Reals,
    /// Standard deviation of the kernel \[steps\], if it has one: it falls in the course of a training.
    pub sigma: Option<Reals>,
}

/// Arrays of the attention of a projection; see [`crate::network::Attention`].
#[derive(Debug, Clone, Copy)]
pub struct AttentionPorts {
    /// The projection.
    pub projection: usize,
    /// W1, and behind it W2.
    pub weights: Reals,
    /// Scores, samples × frames.
    pub scores: Reals,
}

/// Potentials of a population for a loss that looks at each step: a row of the inbox of neurons in a frame, or all that
/// there is.
#[derive(Debug, Clone, Copy)]
pub struct Inbox {
    /// The array.
    pub array: Reals,
    /// Rows of a step.
    pub rows: usize,
    /// The one that has the potential after the step, from the zero of the model.
    pub potential: usize,
}

/// Arrays of a population.
#[derive(Debug, Default, Clone, Copy)]
pub struct PopulationPorts {
    /// u of a spiking neuron, v of a readout, samples × steps × n; of those that keep no states, unless they are
    /// stepped forwards only.
    pub tape: Option<Reals>,
    /// Where the potential after each step is, if it is watched.
    pub inbox: Option<Inbox>,
    /// States of neurons, where these are kept.
    pub states: Option<States>,
    /// Spikes of a population that sends some.
    pub spikes: Option<SpikePorts>,
    /// Rows of history.
    pub history: usize,
}

/// Arrays of the spikes of a population.
#[derive(Debug, Clone, Copy)]
pub struct SpikePorts {
    /// Spikes; samples × (history + steps) × words.
    pub array: Words,
    /// Spikes per sample; samples × slots.
    pub counts: Words,
}

/// States that a window of a training keeps.
#[derive(Debug, Clone, Copy)]
pub struct States {
    /// The array.
    pub array: Reals,
    /// Blocks of neurons of a sample.
    pub blocks: usize,
    /// Numbers of a block.
    pub of_block: usize,
    /// Steps from one kept state to the next.
    pub every: usize,
}

/// Arrays of a simulation that its host writes or reads.
#[derive(Debug)]
pub struct SimulationPorts {
    /// Spikes of a window, a row for each step, behind those of `before`.
    pub spikes: Words,
    /// Words of a row.
    pub row: usize,
    /// Words before those of the window: rows of the interval before.
    pub before: usize,
    /// First word of each population in a row.
    pub first_word: Vec<usize>,
    /// State of each population that has neurons: array and rows of a block.
    pub state: Vec<Option<(Reals, usize)>>,
    /// Current of each step, of each population that has a stimulus of that kind.
    pub drive: Vec<Option<Reals>>,
    /// Tables of each stimulus of events: their array, and where in it they begin (see [`crate::input::poisson_drive::tables`]).
    pub events: Vec<Option<(Words, [usize; 2])>>,
    /// Course of each stimulus of which each neuron has its own part, for each step.
    pub courses: Vec<Option<Reals>>,
    /// Rows of each population of given spikes.
    pub given: Vec<Option<Words>>,
    /// Each projection that changes.
    pub live: Vec<Option<LivePorts>>,
    /// Rings of lists of spikes, and numbers of a list: how many follow, and their places.
    pub spike_lists: Vec<(Words, usize)>,
    /// State of short-term plasticity.
    pub short_term: Vec<Reals>,
    /// Where the network has modulators.
    pub modulators: Option<ModulatorPorts>,
    /// State of neurons that lasts from sample to sample, of populations that have some.
    pub lasting: Vec<Reals>,
    /// Array of each of the samples, and where in it they begin.
    pub samples: Vec<(Reals, usize)>,
    /// Synapses that leave each source, in the order of the row.
    pub out_degree: Vec<u32>,
}

/// Arrays of a projection that changes.
#[derive(Debug, Clone)]
pub struct LivePorts {
    /// Its weights.
    pub weights: Tiles,
    /// Lists of its synapses, unless they are dense or share weights.
    pub lists: Option<Lists>,
    /// Marks of the synapses, if its rule has eligibility.
    pub marks: Option<Tiles>,
}

/// Arrays of modulators.
#[derive(Debug, Clone, Copy)]
pub struct ModulatorPorts {
    /// What the host releases of each in each step.
    pub release: Reals,
    /// Concentration of each.
    pub concentration: Reals,
}

/// Lists of sparse synapses.
#[derive(Debug, Clone, Copy)]
pub struct Lists {
    /// Where the synapses of each target are.
    pub start: Words,
    /// Source of each synapse, with the group of its delay above.
    pub origin: Words,
    /// Where the synapses of each source and group are in `outgoing`.
    pub begin: Words,
    /// Target of each synapse, with its rank among the target's above.
    pub outgoing: Words,
    /// Groups of delays.
    pub groups: usize,
    /// Bits of a source.
    pub source_bits: u32,
    /// Bits of a target.
    pub target_bits: u32,
}

impl Lists {
    /// Source in a word of `origin`.
    pub fn source(&self, word: u32) -> u32 {
        word & ((1 << self.source_bits) - 1)
    }

    /// Group of delays in a word of `origin`.
    pub fn group(&self, word: u32) -> usize {
        (word >> self.source_bits) as usize
    }

    /// A word of `origin` with another source.
    pub fn with_source(&self, word: u32, source: u32) -> u32 {
        word - self.source(word) + source
    }
}

impl Supervision {
    /// The labels, if it is these.
    pub fn labels(self) -> Option<Words> {
        match self {
            Supervision::Labels(labels) => Some(labels),
            Supervision::Targets(_) => None,
        }
    }

    /// The targets, if it is these.
    pub fn targets(self) -> Option<Reals> {
        match self {
            Supervision::Targets(targets) => Some(targets),
            Supervision::Labels(_) => None,
        }
    }
}
