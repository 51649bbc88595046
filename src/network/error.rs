//! Why a scene that is in order cannot become a network: what is only known when it is drawn.

use crate::files;
use crate::input::source::InputError;
use crate::neuron::model::Refused;
use std::path::PathBuf;

/// Synapses that one projection may have: indices are 32 bits.
pub(super) const MAX_SYNAPSES: f64 = u32::MAX as f64;

/// Why a scene cannot become a network.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// A file with parameters or weights could not be read.
    #[error(transparent)]
    File(#[from] files::NpyError),
    /// A file has another number of values than the population has neurons.
    #[error("{path}: {} holds {found} values for {wanted} neurons", file.display())]
    Length {
        /// Path in the scene.
        path: String,
        /// The file.
        file: PathBuf,
        /// Values in it.
        found: u64,
        /// Neurons.
        wanted: usize,
    },
    /// A drawn or read value cannot be used.
    #[error(transparent)]
    Value(#[from] Refused),
    /// A number that cannot be trained as the scene wants it.
    #[error("{path}: {why}")]
    Train {
        /// Path in the scene.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// Learned numbers of an earlier run that do not fit.
    #[error("initial: {} does not fit:{}", file.display(), wrong.iter().map(|w| format!("\n  {w}")).collect::<String>())]
    Initial {
        /// The file.
        file: PathBuf,
        /// Each tensor that does not, and why.
        wrong: Vec<String>,
    },
    /// Weights or delays that are given one by one are not as many as the synapses.
    #[error(
        "{path}: {given} values for {synapses} synapses; give a value for each, in the order of weights.safetensors: of \
         Dense by source, else by target. Linspace needs two synapses or more"
    )]
    Count {
        /// Path in the scene.
        path: String,
        /// Values that are given.
        given: usize,
        /// Synapses.
        synapses: usize,
    },
    /// Delays of synapses that are learned, where a file says that synapses are not all pairs.
    #[error(
        "projection `{name}`: a delay of each synapse is learned of all pairs, and its weights are from a file that names pairs; \
         take weights of a `Dense` projection, or learn delays of sources: `per: Source`"
    )]
    SynapseDelays {
        /// Name of the projection.
        name: String,
    },
    /// More synapses than can be indexed.
    #[error(
        "projection `{name}` has {synapses:.4e} synapses; the limit is {MAX_SYNAPSES:.4e} of a projection. \
         Make a population smaller, or connect fewer pairs (FixedProbability, FixedInDegree)"
    )]
    TooLarge {
        /// Name of the projection.
        name: String,
        /// Synapses, exactly or on average.
        synapses: f64,
    },
    /// More than the memory holds.
    #[error(
        "the network takes about {needed} of memory to build and to run, {most} of it for {what}; this \
         process can use {memory}. Make populations smaller, or connect fewer pairs (FixedProbability, \
         FixedInDegree; Procedural takes no memory)"
    )]
    Memory {
        /// Bytes that are needed.
        needed: String,
        /// Bytes that are there.
        memory: String,
        /// What needs the most.
        what: String,
        /// Bytes of that.
        most: String,
    },
    /// A file of pairs names a neuron that does not exist.
    #[error(
        "{path}: {}: row {row} has {what} {index}, but there are {size} such neurons; rows and \
         neurons are counted from 0", file.display()
    )]
    Pair {
        /// Path in the scene.
        path: String,
        /// The file.
        file: PathBuf,
        /// First row that breaks the rule.
        row: usize,
        /// `source` or `target`.
        what: &'static str,
        /// The number in the file.
        index: i64,
        /// Neurons of the population.
        size: usize,
    },
    /// A drawn delay is longer than can be counted.
    #[error(
        "projection `{name}`: the synapse from neuron {source_neuron} to neuron {target_neuron} has \
         a delay of {delay} ms, {steps} steps; the limit is {} steps. Lower the delay or raise \
         simulation.dt",
        u16::MAX
    )]
    Delay {
        /// Name of the projection.
        name: String,
        /// Presynaptic neuron of the first such synapse.
        source_neuron: u32,
        /// Postsynaptic neuron.
        target_neuron: u32,
        /// Its delay \[ms\].
        delay: f64,
        /// The same in steps.
        steps: f64,
    },
    /// A synapse that a projection does not have.
    #[error("{path}: there is no synapse {synapse} among {count}, they are counted from 0")]
    Synapse {
        /// Path in the scene.
        path: String,
        /// What was asked for.
        synapse: u64,
        /// How many there are.
        count: usize,
    },
    /// The dendritic part of a delay is longer than the delay of some synapse.
    #[error(
        "projection `{name}`: {dendritic} ms of the delay are dendritic, but its shortest delay is {delay} ms. \
         Lower `dendritic`, lengthen the delays, or say in `axonal` how long the other part is"
    )]
    Dendritic {
        /// Name of the projection.
        name: String,
        /// Dendritic part \[ms\].
        dendritic: f64,
        /// Shortest delay \[ms\].
        delay: f64,
    },
    /// A weight lies outside the bounds of the rule by which it changes.
    #[error(
        "projection `{name}`: synapse {synapse} has the weight {weight}, which is not from {} to {}, the \
         bounds of its rule. Draw the weights within `w_min` and `w_max` (Uniform, or Normal with min and \
         max), or move these", bounds[0], bounds[1]
    )]
    Bounds {
        /// Name of the projection.
        name: String,
        /// First such synapse.
        synapse: usize,
        /// Its weight.
        weight: f64,
        /// The bounds.
        bounds: [f64; 2],
    },
    /// A conductance would be negative.
    #[error(
        "projection `{name}`: synapse {synapse} has the weight {weight} nS, but a conductance is never negative; \
         use a receptor with e_rev below rest, and magnitudes"
    )]
    Sign {
        /// Name of the projection.
        name: String,
        /// First such synapse.
        synapse: usize,
        /// Its weight.
        weight: f64,
    },
    /// Weights of one projection go to two receptors, and learn.
    #[error(
        "projection `{name}` has weights of both signs, which go to `ex` and to `in`; name its `receptor`, or make \
         two projections of it"
    )]
    BothSigns {
        /// Name of the projection.
        name: String,
    },
    /// Sources or a stimulus that cannot be made.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A parameter could not be taken from a file of an earlier run.
    #[error("{path}: {}: {why}", file.display())]
    Tensor {
        /// Path in the scene.
        path: String,
        /// The file.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Weights could not be taken from a file of an earlier run.
    #[error("weights of projection `{name}` from {}: {why}", file.display())]
    Weights {
        /// Name of the projection.
        name: String,
        /// The file.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
}
