//! What the user wrote: a scene file, parsed, overridden, checked.
//!
//! The types of this module are the scene's grammar (RON, `version: 1`). Their units are those of
//! NEST, which are consistent without factors: ms, mV, pF, nS, pA, Hz (pF/nS = ms, nS·mV = pA).
//! Lengths are in µm, velocities in m/s.
//! [`load`] reads the text into them, [`check`] applies the rules that a type cannot express;
//! both collect every independent fault with its place in the file before they give up.

mod attention;
mod check;
mod data;
mod delays;
mod layers;
mod learning;
mod like;
mod load;
mod measures;
mod record;
mod training;

pub use crate::grammar::{
    Dimension, Extent, Hz, Mm, Ms, Mv, Named, Ns, One, Pa, PaRootMs, Param, Pf, Quantity, Several,
    Strength, Um, Velocity,
};
pub use crate::neuron::hh::{Calcium, Channel, Gate, Ion, Ions, Rate};
pub use crate::neuron::iaf::Reset;
pub use crate::neuron::izhikevich::Method;
pub use crate::neuron::receptor::Receptor;
pub use attention::{Attention, Squeeze};
pub use check::{Fault, Warning, check};
pub use data::{Data, SampleChoice};
pub use delays::Per;
pub use learning::{
    Bcm, Clopath, Common, Covariance, Effect, Eligibility, Hebb, Learn, Modulator, Normalize, Oja,
    Pairing, Release, Rewire, Scaling, ShortTerm, Stdp, Triplet, Vogels,
};
pub use like::Changes;
pub use load::{Override, OverrideError, Problem, SceneError, Source, load, load_str};
pub use measures::Measure;
pub use record::{Record, Trace, WeightTrace};
pub use training::{Loss, Optimizer, Training};

pub use crate::data::delayed_recall::Pacing;
pub use crate::data::{Augment, Range};
use crate::grammar::OneOrMany;
pub use crate::input::images::{Encoder, Part, Stretch};
pub use crate::input::patterns::Corrupt;
use crate::input::patterns::Trials;
use crate::input::source::Emit;
use crate::input::stimulus::Drive;
use crate::network::connect::Wire;
pub use crate::network::connect::distance::DistanceKernel;
use crate::network::delay::{self, Lag};
use crate::network::weight::{self, Weigh};
use crate::neuron::model::Neuron;
pub use crate::neuron::surrogate::Surrogate;
pub use crate::train::damage::Damage;
pub use crate::train::eprop::Feedback;
pub use crate::train::gradient::Gradient;
pub use crate::train::loss::Over;
pub use crate::train::meta::Meta;
pub use crate::train::noise::Noise;
pub use crate::train::order::{Order, Score};
pub use crate::train::pacing::{Growth, RampOrder};
pub use crate::train::rate_penalty::RatePenalty;
pub use crate::train::schedule::Schedule;
pub use crate::train::stop::{Metric, Stop};
use crate::{connections, declare, delays, neurons, sources, stimuli, weights};
use std::path::PathBuf;

/// Where a scene has its seed.
pub const SEED: &str = "simulation.seed";

/// Where an experiment has its seeds; as the place of a result how many these are.
pub const SEEDS: &str = "seeds";

declare! {
    /// A whole scene: the network, how long to run it or how to train it, and what to write down.
    pub struct Scene {
        /// Version of the grammar; this program reads version 1.
        version: u32;
        /// Time step, duration, seed.
        simulation: Simulation;
        /// Models by name, which several populations may be like.
        models: Named<Model> = Named::none();
        /// Groups of neurons and of sources, by name, in the order of the file.
        populations: Named<Population>;
        /// Synapses between populations.
        projections: Vec<Projection> = vec![];
        /// What acts on populations beside spikes of others.
        stimuli: Vec<Stimulus> = vec![];
        /// Substances that act on synapses, by name.
        modulators: Named<Modulator> = Named::none();
        /// Present in a scene that learns.
        training: Option<Training>;
        /// What a simulation writes to the run folder, or a training of some test samples.
        record: Record = Record::default();
        /// What a simulation counts of its spikes, by name: numbers that stand under `measures` of the summary.
        measures: Named<Measure> = Named::none();
        /// Run folder, or its `weights.safetensors`, all of whose learned numbers the network begins with, where it
        /// has populations and projections of those names: weights, who is connected, constant currents, trained
        /// numbers.
        initial: Option<PathBuf>;
        /// Populations and projections that begin as the scene says nonetheless: of a population its numbers and the
        /// weights of all synapses that end in it, of a projection its weights.
        reinit: Vec<String> = vec![];
        /// The parts of an experiment by name, which are run one after the other, each in a folder of that name in the
        /// run folder.
        stages: Named<Stage> = Named::none();
        /// Seeds with each of which every stage is run, in place of `simulation.seed`, in folders `STAGE/SEED`. What a
        /// stage begins with is of the same seed.
        seeds: Vec<u64> = vec![];
        /// What the experiment is about, by name: each the place of a number in the summary of a stage, as
        /// `STAGE.training.test_accuracy`; without stages in that of the run. They are told at the end, and stand in
        /// `results` of the summary. With `seeds` they are means, and the place `seeds` is how many these are.
        results: Named<String> = Named::none();
    }
}

declare! {
    /// A part of an experiment: the scene, with some of its values changed.
    pub struct Stage: Default {
        /// What it shows, to tell.
        about: Option<String>;
        /// Values that differ, each as `PATH=VALUE`, as those that `--set` takes.
        set: Vec<String> = vec![];
        /// An earlier stage all of whose learned numbers it begins with, as with `initial`.
        from: Option<String>;
        /// Populations and projections that are drawn anew instead, as with `reinit` of a scene.
        reinit: Vec<String> = vec![];
        /// An earlier stage, with `scores: true` in its training, by whose scores this one shows samples: the `file` of
        /// `order: Scored(...)`.
        scores: Option<String>;
    }
}

declare! {
    /// Time and chance.
    pub struct Simulation {
        /// Time step \[ms\].
        dt: Quantity<Ms>;
        /// Simulated time \[ms\]; a training scene has `training.steps` instead.
        duration: Option<Quantity<Ms>> [Duration];
        /// Key of every random number of the run.
        seed: u64 = 1u64;
        /// Copies of the network that run side by side, each with connections, parameters and noise of its own: neuron k of
        /// copy c is neuron c n + k of a population of n. Only simulations have copies.
        copies: u64 [Count] = 1u64;
        /// Whether all copies have the same connections and parameters, so that only noise and Poisson input tell them apart.
        alike: bool = false;
    }
}

declare! {
    /// A group of alike neurons or sources.
    pub struct Population {
        /// Number of neurons; that of its shape if absent.
        size | "n": u64 = 0u64;
        /// Rows, columns and channels, `[28, 28, 1]`, where neurons lie so; one number is columns, two are rows and
        /// columns. The channel runs fastest with the number of the neuron, then the column. Without `positions` of
        /// its own neighbours are 1 µm apart.
        shape: Vec<u64> [Count] = vec![];
        /// Where they are; rules and delays that depend on distance need it.
        positions: Option<Positions>;
        /// What each of them is.
        model: Model;
        /// Numbers of the model that gradients change.
        train: Vec<Trained> = vec![];
    }
}

declare! {
    /// A number of a model that gradients change, by its path within the model, as `tau_m` or `channels.na.g`: one that
    /// may differ from neuron to neuron, and acts smoothly. It begins with the value that the model gives it. Where
    /// the model asks for more than 0 it is moved by factors, elsewhere in units of its own size.
    pub enum Trained or Each(String) {
        /// Each neuron has its own; so is a bare path.
        Each(String);
        /// All neurons share one.
        Shared(String);
        /// Between bounds: low + (high - low) / (1 + e^-x), of which x is moved.
        Bounded {
            /// Path within the model.
            name: String;
            /// Lower bound, in the unit of the number.
            low: f64;
            /// Upper bound.
            high: f64;
            /// Whether all neurons share one.
            shared: bool = false;
        };
    }
}

impl From<String> for Trained {
    fn from(path: String) -> Self {
        Self::Each(path)
    }
}

impl Trained {
    /// Path of the number within the model.
    pub fn name(&self) -> &str {
        match self {
            Self::Each(name) | Self::Shared(name) | Self::Bounded { name, .. } => name,
        }
    }

    /// Whether all neurons share one.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Shared(_) | Self::Bounded { shared: true, .. })
    }
}

declare! {
    /// Where the neurons of a population are, in two or three dimensions.
    pub enum Positions {
        /// On the points of a grid; the first coordinate runs fastest with the number of the neuron.
        Grid {
            /// Points along each axis, in all as many as there are neurons.
            shape: Vec<u64>;
            /// Distance of neighbours \[µm\].
            spacing: Quantity<Um> [Positive];
            /// Position of the first neuron \[µm\]; if absent, the grid is centred at 0.
            origin: Option<Vec<Quantity<Um>>>;
        };
        /// Drawn from the seed, uniformly in a box.
        Uniform {
            /// Edges of the box \[µm\].
            extent: Vec<Quantity<Um>> [Positive];
            /// Its corner with the lowest coordinates \[µm\]; if absent, the box is centred at 0.
            origin: Option<Vec<Quantity<Um>>>;
        };
    }
}

impl Positions {
    /// Number of coordinates.
    pub fn dimensions(&self) -> usize {
        match self {
            Self::Grid { shape, .. } => shape.len(),
            Self::Uniform { extent, .. } => extent.len(),
        }
    }
}

macro_rules! neural {
    ($($neurons:tt)*) => { sources!(model { $($neurons)* }); };
}

macro_rules! model {
    (
        { $($(#[doc = $doc:literal])+ $file:ident::$word:ident $(| $alias:literal)*;)* }
        $($(#[doc = $source_doc:literal])+ $by:ident::$source:ident $(| $source_alias:literal)*;)*
    ) => {
        declare! {
            /// What the neurons of a population are.
            pub enum Model {
                $($(#[doc = $doc])+ $word $(| $alias)* ($word);)*
                $($(#[doc = $source_doc])+ $source $(| $source_alias)* ($source);)*
                /// One of `models`, as it is or with changes.
                Like {
                    /// Its name.
                    model: String;
                    /// Fields that are others: `(i_e: 5, receptors: {"ex": (tau: 2)})`. A group or map without a word
                    /// before it changes what it names and leaves the rest.
                    with: Option<Changes>;
                };
            }
        }

        $(pub use crate::neuron::$file::$word;)*
        $(pub use crate::input::$by::$source;)*

        impl Model {
            /// The neurons, unless these are sources.
            pub fn neuron(&self) -> Option<&dyn Neuron> {
                match self {
                    $(Self::$word(neuron) => Some(neuron),)*
                    _ => None,
                }
            }

            /// The neurons, to be changed.
            pub fn neuron_mut(&mut self) -> Option<&mut dyn Neuron> {
                match self {
                    $(Self::$word(neuron) => Some(neuron),)*
                    _ => None,
                }
            }

            /// The sources, if these are some.
            pub fn source(&self) -> Option<&dyn Emit> {
                match self {
                    $(Self::$source(source) => Some(source),)*
                    _ => None,
                }
            }
        }
    };
}

neurons!(neural);

impl Model {
    /// The receptors by name; sources have none.
    pub fn receptors(&self) -> Vec<(String, Receptor)> {
        self.neuron().map_or(Vec::new(), |neuron| neuron.receptors())
    }

    /// Whether these are neurons that spike.
    pub fn is_spiking(&self) -> bool {
        self.neuron().is_some_and(|neuron| neuron.spikes())
    }
}

impl Scene {
    /// The patterns of the population of that name, if it shows some.
    pub fn trials(&self, name: &str) -> Option<Trials<'_>> {
        let index = self.populations.iter().position(|(known, _)| known == name)?;
        let population = &self.populations[index].1;
        let Model::Patterns(word) = &population.model else { return None };
        let key = (self.simulation.dt.get(), self.simulation.seed);
        Some(Trials::new(word, population.size as usize, index as u32, key))
    }
}

/// Where synapses end that name this receptor, or none: indices of the receptors for weights from 0 on and
/// for those below. Without a name it is the first receptor for both; but where there are `ex` and `in`,
/// the sign of a weight decides between them, as in NEST.
pub fn receptors_of(receptors: &[(String, Receptor)], named: Option<&str>) -> [usize; 2] {
    let find = |name: &str| receptors.iter().position(|(known, _)| known == name);
    match named {
        Some(name) => [find(name).unwrap_or_default(); 2],
        None => find("ex").zip(find("in")).map_or([0; 2], |(ex, inhibitory)| [ex, inhibitory]),
    }
}

declare! {
    /// What acts on a population beside spikes of others. Without a stop it lasts; times are rounded to steps, with
    /// a warning.
    pub struct Stimulus {
        /// Population that gets it.
        to: String;
        /// Which of its neurons; all if absent. A list of values in the input has one for each of these.
        ids: Option<Vec<u64>>;
        /// What it gets.
        input: Input;
    }
}

macro_rules! input {
    ($($file:ident::$word:ident $(| $alias:literal)*;)*) => {
        declare! {
            /// What a stimulus is.
            pub enum Input {
                $($word $(| $alias)* (crate::input::$file::$word);)*
            }
        }

        impl Input {
            /// What it does.
            pub fn drive(&self) -> &dyn Drive {
                match self {
                    $(Self::$word(drive) => drive,)*
                }
            }
        }
    };
}

stimuli!(input);

declare! {
    /// Synapses from one population to another. A spike carries the weight of the time when it leaves its neuron.
    pub struct Projection {
        /// Name; `from->to` if absent.
        name: Option<String>;
        /// Presynaptic population.
        from | "pre" | "source": String;
        /// Postsynaptic population.
        to | "post" | "target": String;
        /// What of the sources counts as one before they connect, by `Conv` or `Dense`: windows of rows and columns of
        /// each channel.
        pool: Option<Pool>;
        /// Which pairs are connected.
        connect: Connect;
        /// Synaptic weights in the unit of the receptor: pA for a current, nS for a conductance, mV for a
        /// jump of the potential. A bare quantity stands for `Constant`.
        weight: Weight;
        /// Delay from a spike to the start of its current \[ms\], at least one step; one step if absent.
        delay: Option<Delay>;
        /// Whether the weights, given, drawn or learned by an earlier run, exchange their synapses at random: a control
        /// that keeps them and loses what was learned.
        shuffled: bool = false;
        /// Receptor of the target. Without a name its first one; but of `ex` and `in` weights above 0 get `ex`,
        /// those below 0 `in`, as in NEST, and if that is a conductance their magnitude. Weights of both signs are
        /// then two parts of the projection, of which neither learns.
        receptor | "receptor_type": Option<String>;
        /// By which rule the weights change; `Backprop` in a training by gradients, else `Fixed`.
        learn: Option<Learn>;
        /// Factor on the learning rate of a training by gradients.
        lr: f64 [NotNegative] = 1.0;
        /// Probability with which, in a training by gradients, a source is silent towards this projection for a whole
        /// presentation; what the others deliver is divided by one minus it. The test set sees all sources.
        dropout: f64 [BelowOne] = 0.0;
        /// Whether spikes of a source change what its next ones carry.
        short_term: Option<ShortTerm>;
        /// Whether what it delivers in each frame of a sample is weighed by what the source does in all of them.
        attention: Option<Attention>;
        /// Whether the weights of each target keep their sum.
        normalize | "normalise": Option<Normalize>;
        /// Whether the weights of each target are scaled until it has a given rate.
        scaling: Option<Scaling>;
        /// Whether weak synapses are replaced by new ones.
        rewire: Option<Rewire>;
    }
}

impl Projection {
    /// Its name.
    pub fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| format!("{}->{}", self.from, self.to))
    }

    /// Whether a training by gradients changes its weights, unless they are frozen.
    pub fn by_gradient(&self) -> bool {
        matches!(self.learn, None | Some(Learn::Backprop))
    }

    /// Whether all of its synapses have one delay, which the scene says.
    pub fn has_one_delay(&self) -> bool {
        matches!(self.delay, None | Some(Delay::Constant(_)))
    }

    /// Whether its weights are meant by some names: its own is there, or that of the population in which it ends.
    pub fn is_among(&self, names: &[String]) -> bool {
        names.contains(&self.to) || names.contains(&self.name())
    }
}

macro_rules! connect {
    ($($file:ident::$word:ident $(| $alias:literal)*;)*) => {
        declare! {
            /// Which pairs of neurons are connected.
            pub enum Connect {
                $($word $(| $alias)* (crate::network::connect::$file::$word);)*
            }
        }

        impl Connect {
            /// The rule.
            pub fn rule(&self) -> &dyn Wire {
                match self {
                    $(Self::$word(rule) => rule,)*
                }
            }
        }
    };
}

connections!(connect);

declare! {
    /// What sources count for that are pooled. Rows and columns: one number for both, or a list of the two. Sources at
    /// the edge that do not fill a window are left out.
    #[derive(Copy)]
    pub enum Pool {
        /// The mean of their spikes.
        Avg | "Mean" (Extent);
        /// Their sum.
        Sum(Extent);
        /// Whether one spikes, in each step; gradients go to the first that does. For trainings by gradients.
        Max(Extent);
    }
}

macro_rules! delay {
    ($($file:ident::$word:ident $(| $alias:literal)*;)*) => {
        declare! {
            /// Delays of a projection: a number of ms, a list, or one of these. What is drawn is drawn for each synapse,
            /// rounded to whole steps, and at least one step; a `Dense` projection is then held as a list of all its
            /// pairs.
            pub enum Delay or Constant(OneOrMany<Ms>) {
                $($word $(| $alias)* (crate::network::delay::$file::$word);)*
                /// One for each source, or each synapse, which a training by gradients changes with the weights. Samples that
                /// do not train see it rounded to whole steps, and so does `weights.safetensors`, as `projection.delay` \[ms\].
                Learn {
                    /// What has a delay of its own.
                    per: Per = Per::Source;
                    /// Delays with which a training begins, of all or of each source or synapse \[ms\]; what is drawn below one
                    /// step or above `max` begins there.
                    initial | "init": Param<Ms> [NotNegative];
                    /// Longest delay \[ms\]; the shortest is one step.
                    max: Quantity<Ms> [Duration];
                    /// How a spike acts on the steps around its arrival, from which a training learns where to move it.
                    kernel: DelayKernel = DelayKernel::Linear;
                    /// Factor on the learning rate, of which a unit is one step; with 0 the delays stay as they begin.
                    lr: f64 [NotNegative] = 100.0;
                };
                /// The same for every synapse; so is a bare quantity.
                Constant(Quantity<Ms>);
            }
        }

        impl Delay {
            /// The rule by which each synapse gets its own, if each does.
            pub fn lag(&self) -> Option<&dyn Lag> {
                match self {
                    $(Self::$word(lag) => Some(lag),)*
                    Self::Learn { .. } | Self::Constant(_) => None,
                }
            }
        }
    };
}

delays!(delay);

declare! {
    /// What a spike becomes while its delay is learned: parts that arrive in successive steps and are one together.
    #[derive(Copy)]
    pub enum DelayKernel {
        /// Two parts, in the steps before and after the delay, the larger the nearer.
        Linear;
        /// Parts by a normal distribution around the delay, at first so broad that a gradient reaches far, then narrow
        /// (Hammouamri et al. 2024).
        Gauss {
            /// Standard deviation with which a training begins \[ms\].
            sigma: Quantity<Ms> [Positive];
            /// What it has fallen to, exponentially, after a quarter of the epochs \[ms\]; 0.23 steps if absent, with
            /// which nearly all of a spike is in one step.
            /// A run that is extended is at an earlier part of its epochs, and its kernel broader again.
            last | "final": Option<Quantity<Ms>> [Positive];
        };
    }
}

impl From<OneOrMany<Ms>> for Delay {
    fn from(bare: OneOrMany<Ms>) -> Self {
        match bare {
            OneOrMany::One(delay) => Self::Constant(delay),
            OneOrMany::Many(delays) => Self::Values(delay::values::Values(delays)),
        }
    }
}

macro_rules! weight {
    ($($file:ident::$word:ident $(| $alias:literal)*;)*) => {
        declare! {
            /// Initial weights: a number in the unit of the receptor, a list, or one of these. The unit is nS where the
            /// receptor has `e_rev`, mV for jumps of the potential, else pA.
            pub enum Weight or Constant(OneOrMany<Strength>) {
                /// The same everywhere; so is a bare quantity.
                Constant(Quantity<Strength>);
                $($word $(| $alias)* (crate::network::weight::$file::$word);)*
                /// From the `weights.safetensors` of an earlier run, by projection name: between the sources and targets
                /// that the file names, whatever `connect` says; of a file that names none, `Dense` by source, then target;
                /// else by target, sources ascending. Constant currents that a training found (`biases`) are taken along.
                File(PathBuf);
            }
        }

        impl Weight {
            /// The rule.
            pub fn rule(&self) -> &dyn Weigh {
                match self {
                    Self::Constant(weight) => weight,
                    $(Self::$word(rule) => rule,)*
                    Self::File(file) => file,
                }
            }
        }
    };
}

weights!(weight);

impl Weight {
    /// The one that all synapses have, if the scene says so.
    pub fn shared(&self) -> Option<Quantity<Strength>> {
        match self {
            Self::Constant(weight) => Some(*weight),
            _ => None,
        }
    }

    /// Least and largest weight, where they are known before they are drawn.
    pub fn range(&self) -> Option<(f64, f64)> {
        self.rule().range()
    }
}

impl From<OneOrMany<Strength>> for Weight {
    fn from(bare: OneOrMany<Strength>) -> Self {
        match bare {
            OneOrMany::One(weight) => Self::Constant(weight),
            OneOrMany::Many(weights) => Self::Values(weight::values::Values(weights)),
        }
    }
}
