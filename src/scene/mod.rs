//! What the user wrote: a scene file, parsed, overridden, checked.
//!
//! The types of this module are the scene's grammar (RON, `version: 1`). Their units are those of
//! NEST, which are consistent without factors: ms, mV, pF, nS, pA, Hz (pF/nS = ms, nS·mV = pA).
//! Lengths are in µm, velocities in m/s.
//! [`load`] reads the text into them, [`check`] applies the rules that a type cannot express;
//! both collect every independent fault with its place in the file before they give up.

mod attention;
mod check;
mod layers;
mod learning;
mod like;
mod load;
mod measures;
mod trains;

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
pub use learning::{
    Bcm, Clopath, Common, Covariance, Effect, Eligibility, Hebb, Learn, Modulator, Normalize, Oja,
    Pairing, Release, Rewire, Scaling, ShortTerm, Stdp, Triplet, Vogels,
};
pub use like::Changes;
pub use load::{Override, OverrideError, Problem, SceneError, Source, load, load_str};
pub use measures::Measure;
pub use trains::{OnGrid, not_poisson};

pub use crate::data::delayed_recall::{Growth, Pacing, RampOrder};
pub use crate::data::{Augment, Range};
use crate::data::{delayed_recall, evidence, mnist1d, store_recall, yin_yang};
use crate::grammar::OneOrMany;
use crate::input::encoder::Encode;
use crate::neuron::model::Neuron;
pub use crate::train::damage::Damage;
pub use crate::train::eprop::Feedback;
pub use crate::train::gradient::Gradient;
pub use crate::train::loss::Over;
use crate::train::loss::{Objective, Of, Wanted};
pub use crate::train::meta::Meta;
pub use crate::train::noise::Noise;
use crate::train::optimizer::Descent;
pub use crate::train::order::Order;
pub use crate::train::rate_penalty::RatePenalty;
pub use crate::train::schedule::Schedule;
pub use crate::train::stop::{Metric, Stop};
use crate::{declare, encoders, losses, neurons, optimizers};
use std::path::{Path, PathBuf};

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

macro_rules! model {
    ($($(#[doc = $doc:literal])+ $file:ident::$word:ident $(| $alias:literal)*;)*) => {
        declare! {
            /// What the neurons of a population are.
            pub enum Model {
                $($(#[doc = $doc])+ $word $(| $alias)* ($word);)*
                /// Source of given spikes.
                Spikes | "spike_generator" | "SpikeSourceArray"(Spikes);
                /// Source of independent Poisson spike trains.
                Poisson | "poisson_generator"(Poisson);
                /// Source of spikes at regular intervals.
                Regular(Regular);
                /// Source of patterns, one after the other.
                Patterns(Patterns);
                /// One source per pixel of the training images.
                Images(Images);
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
        }
    };
}

neurons!(model);

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

impl Weight {
    /// Least and largest weight, where they are known before they are drawn.
    pub fn range(&self) -> Option<(f64, f64)> {
        match self {
            Self::Constant(w) => Some((w.get(), w.get())),
            Self::Uniform { low, high } => Some((low.get(), high.get())),
            Self::Normal { min, max, .. } => Some((min.as_ref()?.get(), max.as_ref()?.get())),
            Self::LogNormal { max, .. } => Some((0.0, max.as_ref()?.get())),
            Self::Linspace { from, to } => {
                Some((from.get().min(to.get()), from.get().max(to.get())))
            }
            Self::Values(values) => {
                let all = values.iter().map(|value| (value.get(), value.get()));
                all.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
            }
            Self::Kaiming { .. }
            | Self::Xavier { .. }
            | Self::Orthogonal { .. }
            | Self::File(_) => None,
        }
    }
}

declare! {
    /// Independent Poisson spike trains, one draw in each step: above 0.1 spikes per step they are too regular, and
    /// a warning says so.
    pub struct Poisson {
        /// Rate of each source \[Hz\].
        rate: Param<Hz> [NotNegative];
    }
}

declare! {
    /// Given spikes. Two spikes of a source in one step are an error, spikes off the grid of steps or after the end
    /// a warning.
    pub struct Spikes {
        /// Times of the spikes of each source \[ms\], ascending; a source beyond the list is silent.
        times | "spike_times": Vec<Vec<f64>> = vec![];
        /// A `spikes.npz` of an earlier run, instead of `times`.
        file: Option<PathBuf>;
        /// Population of that file whose spikes are taken; the name of this one if absent.
        population: Option<String>;
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

declare! {
    /// What a stimulus is.
    pub enum Input {
        /// Events at random times, independent for each neuron, as from many weak sources.
        Poisson {
            /// Rate for each neuron \[Hz\].
            rate: Param<Hz> [NotNegative];
            /// Weight of an event in the unit of the receptor.
            weight: Quantity<Strength>;
            /// Receptor; chosen as that of a projection if absent.
            receptor: Option<String>;
            /// Time of the first event at the earliest \[ms\].
            start: Option<Quantity<Ms>> [Moment];
            /// Time from which there are no more \[ms\].
            stop: Option<Quantity<Ms>> [Moment];
        };
        /// A constant current for some time.
        Step {
            /// Current \[pA\].
            amplitude: Param<Pa>;
            /// Begin \[ms\].
            start: Quantity<Ms> [Moment];
            /// End \[ms\]; that of the simulation if absent.
            stop: Option<Quantity<Ms>> [Moment];
        };
        /// A current that changes linearly.
        Ramp {
            /// Current at the begin \[pA\].
            from: Quantity<Pa>;
            /// Current at the end \[pA\].
            to: Quantity<Pa>;
            /// Begin \[ms\].
            start: Quantity<Ms> [Moment];
            /// End \[ms\].
            stop: Quantity<Ms> [Moment];
        };
        /// A current `amplitude sin(2 pi frequency (t - start) + phase)`.
        Sine {
            /// Amplitude \[pA\].
            amplitude: Param<Pa>;
            /// Frequency \[Hz\].
            frequency: Quantity<Hz> [NotNegative];
            /// Phase at the start \[degrees\].
            phase: f64 = 0.0;
            /// Begin \[ms\].
            start: Quantity<Ms> [Moment] = 0.0;
            /// End \[ms\]; that of the simulation if absent.
            stop: Option<Quantity<Ms>> [Moment];
        };
        /// A current that is given: one number for each interval, held until the next; none before and after.
        Table {
            /// Currents \[pA\]; give these or `file`.
            values: Vec<Quantity<Pa>> = vec![];
            /// A `.npy` file of them.
            file: Option<PathBuf>;
            /// Interval \[ms\].
            every: Quantity<Ms> [Duration];
            /// Factor on them.
            scale: Param<One> = 1.0;
            /// Begin \[ms\].
            start: Quantity<Ms> [Moment] = 0.0;
        };
        /// A noise current, independent for each neuron.
        Noise {
            /// Mean \[pA\].
            mean: Param<Pa> = 0.0;
            /// Standard deviation; of white noise that of each step, whatever dt, so that its effect grows with
            /// sqrt(dt), as in published code that has one step in mind. Give this or `sigma` \[pA\].
            std: Option<Param<Pa>> [NotNegative];
            /// Strength of white noise, whose deviation in a step is then `sigma / sqrt(dt)`: what it does to a
            /// neuron does not depend on dt.
            sigma: Option<Param<PaRootMs>> [NotNegative];
            /// Correlation time of an Ornstein–Uhlenbeck process \[ms\]; white noise, a new draw in each
            /// step, if absent.
            tau: Option<Quantity<Ms>> [Positive];
            /// Begin \[ms\].
            start: Option<Quantity<Ms>> [Moment];
            /// End \[ms\].
            stop: Option<Quantity<Ms>> [Moment];
        };
    }
}

declare! {
    /// Spikes at regular intervals, as `Spikes` has them.
    pub struct Regular {
        /// Time of the first spike \[ms\].
        start: Param<Ms> [Positive];
        /// Time from one spike to the next \[ms\].
        interval: Param<Ms> [Positive];
        /// How many there are; as many as fit into the simulation if absent.
        count: Option<Param<One>> [NotNegative];
    }
}

declare! {
    /// Patterns, random sets of the sources, drawn from the seed. Each has a trial of its own, one after the other from the
    /// begin of the run. In it the sources of the pattern spike for some time, as independent Poisson trains; all others
    /// are silent.
    pub struct Patterns {
        /// Number of patterns.
        n: u64 [Count];
        /// Sources of a pattern.
        active: u64 [Count];
        /// Rate of these while they are shown \[Hz\].
        rate: Quantity<Hz> [NotNegative];
        /// Time from the begin of a trial to that of the next \[ms\].
        every: Quantity<Ms> [Duration];
        /// Time in its trial from which a pattern is shown \[ms\].
        start: Quantity<Ms> [Moment] = 0.0;
        /// How long it is shown \[ms\].
        hold: Quantity<Ms> [Duration];
        /// What is wrong with it when it is shown.
        corrupt: Option<Corrupt>;
    }
}

declare! {
    /// What is wrong with a pattern.
    #[derive(Copy)]
    pub enum Corrupt {
        /// This fraction of its sources is silent.
        Erase(f64) [Fraction];
        /// This fraction of its sources is silent, and as many others take their place.
        Swap(f64) [Fraction];
    }
}

impl Patterns {
    /// How many sources of a pattern are silent, and how many others take their place.
    pub fn corrupted(&self) -> [u64; 2] {
        let part = |fraction: f64| (fraction * self.active as f64).round() as u64;
        match self.corrupt {
            None => [0; 2],
            Some(Corrupt::Erase(fraction)) => [part(fraction), 0],
            Some(Corrupt::Swap(fraction)) => [part(fraction); 2],
        }
    }
}

declare! {
    /// A source for each pixel of the training images, or of each of their frames; or several, if the encoder says so.
    pub struct Images {
        /// How a pixel's intensity becomes input.
        encoder: Encoder;
        /// Frames of a sample, which are shown one after the other. Each has a pixel for each source: 28 sources read
        /// an image of 28 x 28 row by row in 28 frames. After the last nothing is shown.
        frames: u64 [Count] = 1u64;
        /// How long each frame is shown, whole steps \[ms\]; if absent, they share `training.steps` among them.
        hold: Option<Quantity<Ms>> [Positive];
        /// Which part of a sample it shows; the whole if absent. In a training by gradients as many populations as there
        /// are parts may show one.
        part: Option<Part>;
    }
}

declare! {
    /// A part of a sample: where some of its rows meet some of its columns.
    pub struct Part {
        /// Its rows; all if absent.
        rows: Option<Stretch>;
        /// Its columns; all if absent.
        columns: Option<Stretch>;
    }
}

declare! {
    /// Some that follow each other, of what is counted from 0: `(from: 0, to: 28)` are the first 28.
    #[derive(Copy)]
    pub struct Stretch {
        /// The first.
        from: u64;
        /// The one behind the last.
        to: u64;
    }
}

impl Stretch {
    /// Whether it is some of so many.
    pub fn is_within(self, count: u64) -> bool {
        self.from < self.to && self.to <= count
    }
}

impl Part {
    /// The rows and columns that it has of so many, if it has some and these are there.
    pub fn of(&self, [rows, columns]: [usize; 2]) -> Option<[std::ops::Range<usize>; 2]> {
        let stretch = |wanted: Option<Stretch>, all: usize| match wanted {
            Some(some) => {
                some.is_within(all as u64).then_some(some.from as usize..some.to as usize)
            }
            None => Some(0..all),
        };
        Some([stretch(self.rows, rows)?, stretch(self.columns, columns)?])
    }
}

impl Images {
    /// Whether each source has one value for the whole presentation.
    pub fn is_constant(&self) -> bool {
        let changes = self.frames > 1 || self.hold.is_some();
        self.encoder.code().gain().is_some() && !changes
    }

    /// Sources of each pixel.
    pub fn fields(&self) -> u64 {
        self.encoder.code().fields()
    }

    /// Pixels that so many sources show, in all frames.
    pub fn pixels(&self, sources: usize) -> usize {
        self.frames as usize * (sources / self.fields() as usize)
    }

    /// Steps for which each frame is shown in a window of so many; none if these cannot be shared.
    pub fn held(&self, window: u64, dt: f64) -> Option<u64> {
        match self.hold {
            Some(hold) => Some((hold.get() / dt).round() as u64),
            None => window.checked_div(self.frames).filter(|steps| steps * self.frames == window),
        }
    }
}

macro_rules! encoder {
    ($($(#[doc = $doc:literal])+ $file:ident::$word:ident $(| $alias:literal)*;)*) => {
        declare! {
            /// How a pixel's intensity x, from 0 to 1, becomes input.
            pub enum Encoder {
                $($(#[doc = $doc])+ $word $(| $alias)* (crate::input::$file::$word);)*
            }
        }

        impl Encoder {
            /// What it makes of samples.
            pub fn code(&self) -> &dyn Encode {
                match self {
                    $(Self::$word(code) => code,)*
                }
            }
        }
    };
}

encoders!(encoder);

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

    /// Whether its weights are meant by some names: its own is there, or that of the population in which it ends.
    pub fn is_among(&self, names: &[String]) -> bool {
        names.contains(&self.to) || names.contains(&self.name())
    }
}

declare! {
    /// Which pairs of neurons are connected.
    pub enum Connect {
        /// Every pair.
        Dense | "AllToAll" | "all_to_all";
        /// Every pair but source k and target k, in populations of the same size: lateral inhibition.
        Others;
        /// Every pair with probability `p`, independently.
        FixedProbability | "Bernoulli" | "pairwise_bernoulli" {
            /// Probability of a synapse.
            p: f64 [Fraction];
            /// Whether a neuron may connect to itself.
            autapses | "allow_autapses": bool = true;
        };
        /// Each target draws `k` sources.
        FixedInDegree | "fixed_indegree" {
            /// Incoming synapses of each target.
            k | "indegree": u64;
            /// Whether a neuron may connect to itself.
            autapses | "allow_autapses": bool = true;
            /// Whether a pair may be connected more than once.
            multapses | "allow_multapses": bool = true;
        };
        /// Each source draws `k` targets.
        FixedOutDegree | "fixed_outdegree" {
            /// Outgoing synapses of each source.
            k | "outdegree": u64;
            /// Whether a neuron may connect to itself.
            autapses | "allow_autapses": bool = true;
            /// Whether a pair may be connected more than once.
            multapses | "allow_multapses": bool = true;
        };
        /// Each source has `k` targets, drawn with multapses, that are nowhere stored but drawn again at
        /// every spike: a projection of any size without memory. For simulation, with one weight and one
        /// delay.
        Procedural {
            /// Outgoing synapses of each source.
            k | "outdegree": u64;
            /// Whether a neuron may connect to itself.
            autapses | "allow_autapses": bool = true;
        };
        /// `n` synapses, each drawn uniformly from all pairs.
        FixedTotalNumber | "fixed_total_number" {
            /// Synapses in all.
            n: u64;
            /// Whether a neuron may connect to itself.
            autapses | "allow_autapses": bool = true;
            /// Whether a pair may be connected more than once.
            multapses | "allow_multapses": bool = true;
        };
        /// Source k with target k, in populations of the same size.
        OneToOne | "one_to_one";
        /// Every pair independently, with a probability that depends on its distance.
        Distance {
            /// The probability as a function of distance.
            kernel: DistanceKernel;
            /// Whether a neuron may connect to itself.
            autapses | "allow_autapses": bool = true;
            /// Distance beyond which there are no synapses \[µm\]; none if absent.
            max_distance: Option<Quantity<Um>> [Positive];
            /// Whether space closes on itself after `extent`, so that there are no edges. Delays by
            /// distance are then measured in the same way.
            periodic: bool = false;
            /// Length of each axis after which it closes \[µm\]; goes with `periodic`.
            extent: Option<Vec<Quantity<Um>>> [Positive];
        };
        /// Each target with a window of rows and columns of the sources, by weights that are the same everywhere (a
        /// convolution, or rather cross-correlation). Both populations have a `shape`. Weights are in PyTorch's order:
        /// channel of the target, channel of the source, row and column of the kernel. In a simulation each synapse is
        /// held by itself. For one delay.
        Conv | "Conv2d" | "Conv1d" {
            /// Rows and columns of the window: one number for both, or a list of the two.
            kernel | "kernel_size": Extent [Count];
            /// Rows and columns from one window to the next.
            stride: Extent [Count] = Extent::both(1);
            /// Rows and columns of nothing around the sources.
            padding: Extent = Extent::both(0);
            /// Rows and columns from one source of a window to the next.
            dilation: Extent [Count] = Extent::both(1);
            /// Groups of channels, each connected with its own.
            groups: u64 [Count] = 1u64;
        };
        /// The same with weights of their own for each target: local receptive fields.
        Local | "LocallyConnected" {
            /// Rows and columns of the window: one number for both, or a list of the two.
            kernel | "kernel_size": Extent [Count];
            /// Rows and columns from one window to the next.
            stride: Extent [Count] = Extent::both(1);
            /// Rows and columns of nothing around the sources.
            padding: Extent = Extent::both(0);
            /// Rows and columns from one source of a window to the next.
            dilation: Extent [Count] = Extent::both(1);
        };
        /// Each target with the sources that lie not further from it than a radius, in populations of as many rows and
        /// columns: lateral connections.
        Lateral {
            /// Largest distance, in rows and columns.
            radius: f64 [Positive];
            /// Whether channels are connected with others too, or only with those of the same number.
            across | "across_channels": bool = false;
            /// Whether a neuron may connect to itself.
            autapses | "allow_autapses": bool = false;
        };
        /// The pairs in a `.npy` file of integers, a row (source, target) for each synapse.
        List(PathBuf);
    }
}

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

declare! {
    /// Probability of a synapse as a function of the distance d.
    #[derive(Copy)]
    pub enum DistanceKernel {
        /// `p · exp(-d² / (2 sigma²))`.
        Gaussian {
            /// Probability at distance 0.
            p: f64 [Fraction];
            /// Standard deviation \[µm\].
            sigma: Quantity<Um> [Positive];
        };
        /// `p · exp(-d / length)`.
        Exponential {
            /// Probability at distance 0.
            p: f64 [Fraction];
            /// Length over which the probability falls by e \[µm\].
            length: Quantity<Um> [Positive];
        };
        /// `p` up to a radius, none beyond.
        Step {
            /// Probability within the radius.
            p: f64 [Fraction];
            /// The radius, itself included \[µm\].
            radius: Quantity<Um> [Positive];
        };
    }
}

declare! {
    /// Delays of a projection: a number of ms, a list, or one of these. What is drawn is drawn for each synapse,
    /// rounded to whole steps, and at least one step; a `Dense` projection is then held as a list of all its pairs.
    pub enum Delay or Constant(OneOrMany<Ms>) {
        /// Normal distribution; what lies below one step or outside the bounds is drawn again.
        Normal {
            /// Mean before anything is drawn again \[ms\].
            mean: Quantity<Ms>;
            /// Standard deviation, likewise \[ms\].
            std: Quantity<Ms> [NotNegative];
            /// Lower bound \[ms\]; one step if absent.
            min: Option<Quantity<Ms>>;
            /// Upper bound \[ms\]; none if absent.
            max: Option<Quantity<Ms>>;
        };
        /// Uniform distribution on `[low, high)`.
        Uniform {
            /// Lower bound \[ms\].
            low: Quantity<Ms>;
            /// Upper bound \[ms\].
            high: Quantity<Ms>;
        };
        /// Distribution whose logarithm is normal; what lies below one step or outside the bounds is drawn again.
        LogNormal {
            /// Mean of the delays themselves, before anything is drawn again \[ms\].
            mean: Quantity<Ms> [Positive];
            /// Standard deviation of the delays themselves, likewise \[ms\].
            std: Quantity<Ms> [NotNegative];
            /// Lower bound \[ms\]; one step if absent.
            min: Option<Quantity<Ms>>;
            /// Upper bound \[ms\]; none if absent.
            max: Option<Quantity<Ms>>;
        };
        /// Evenly spaced from the first synapse to the last, in the order of `weights.safetensors`.
        Linspace {
            /// Delay of the first \[ms\].
            from: Quantity<Ms>;
            /// Delay of the last \[ms\].
            to: Quantity<Ms>;
        };
        /// One for each synapse, in the order of `weights.safetensors`; so is a bare list.
        Values(Vec<Quantity<Ms>>);
        /// `offset + distance / velocity`.
        Distance {
            /// Delay at distance 0 \[ms\].
            offset: Quantity<Ms> [NotNegative] = 0.0;
            /// Speed of conduction \[m/s\].
            velocity: Quantity<Velocity> [Positive];
        };
        /// One for each source, which a training by gradients changes with the weights. Samples that do not train see
        /// it rounded to whole steps, and so does `weights.safetensors`, as `projection.delay` \[ms\].
        Learn {
            /// Delays with which a training begins, of all sources or of each \[ms\]; what is drawn below one step or above
            /// `max` begins there.
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
            OneOrMany::Many(delays) => Self::Values(delays),
        }
    }
}

declare! {
    /// Initial weights: a number in the unit of the receptor, a list, or one of these. The unit is nS where the
    /// receptor has `e_rev`, mV for jumps of the potential, else pA.
    pub enum Weight or Constant(OneOrMany<Strength>) {
        /// The same everywhere; so is a bare quantity.
        Constant(Quantity<Strength>);
        /// Normal distribution.
        Normal {
            /// Mean in the unit of the receptor.
            mean: Quantity<Strength>;
            /// Standard deviation in the unit of the receptor.
            std: Quantity<Strength> [NotNegative];
            /// What is drawn below this is drawn again in the unit of the receptor.
            min: Option<Quantity<Strength>>;
            /// What is drawn above this is drawn again in the unit of the receptor.
            max: Option<Quantity<Strength>>;
        };
        /// Uniform distribution on `[low, high)`.
        Uniform {
            /// Lower bound in the unit of the receptor.
            low: Quantity<Strength>;
            /// Upper bound in the unit of the receptor.
            high: Quantity<Strength>;
        };
        /// Distribution whose logarithm is normal.
        LogNormal {
            /// Mean of the weights themselves in the unit of the receptor.
            mean: Quantity<Strength> [Positive];
            /// Standard deviation of the weights themselves in the unit of the receptor.
            std: Quantity<Strength> [NotNegative];
            /// What is drawn above this is drawn again in the unit of the receptor.
            max: Option<Quantity<Strength>>;
        };
        /// Evenly spaced from the first synapse to the last, in the order of `weights.safetensors`.
        Linspace {
            /// Weight of the first in the unit of the receptor.
            from: Quantity<Strength>;
            /// Weight of the last in the unit of the receptor.
            to: Quantity<Strength>;
        };
        /// One for each synapse, in the order of `weights.safetensors`; so is a bare list.
        Values(Vec<Quantity<Strength>>);
        /// Normal, mean 0, standard deviation `gain / sqrt(in-degree)` units, where one unit is the
        /// weight with which a single input lifts the target from rest to threshold.
        Kaiming {
            /// Factor on the standard deviation.
            gain: f64 [Positive] = std::f64::consts::SQRT_2;
        };
        /// Uniform within `gain sqrt(6 / (in-degree + out-degree))` units, which are those of `Kaiming`, to either
        /// side of 0 (Glorot & Bengio 2010).
        Xavier | "Glorot" {
            /// Factor on the bound.
            gain: f64 [Positive] = 1.0;
        };
        /// A random matrix whose rows, or columns where there are fewer of them, are orthogonal and `gain` units long;
        /// units are those of `Kaiming` (Saxe et al. 2014). Of `Dense`, sources by targets; and of `Conv`, channels of
        /// the target by the weights of each.
        Orthogonal {
            /// Length of a row or column.
            gain: f64 [Positive] = 1.0;
        };
        /// From the `weights.safetensors` of an earlier run, by projection name: between the sources and targets
        /// that the file names, whatever `connect` says; of a file that names none, `Dense` by source, then target;
        /// else by target, sources ascending. Constant currents that a training found (`biases`) are taken along.
        File(PathBuf);
    }
}

impl From<OneOrMany<Strength>> for Weight {
    fn from(bare: OneOrMany<Strength>) -> Self {
        match bare {
            OneOrMany::One(weight) => Self::Constant(weight),
            OneOrMany::Many(weights) => Self::Values(weights),
        }
    }
}

declare! {
    /// Learning from data: by backpropagation through time, or by the rules of synapses.
    pub struct Training {
        /// The samples; a loss that brings its own targets has none.
        data: Option<Data>;
        /// Passes over the training set.
        epochs: u64 [Count];
        /// Samples per update of the weights.
        batch: u64 [Count];
        /// Time steps for which a sample is shown.
        steps: u64 [Count];
        /// In which order training samples are shown.
        order: Order = Order::Shuffled;
        /// Train on the first `limit` samples only, of those that `data` chooses.
        limit: Option<u64> [Count];
        /// Training samples that are set aside, drawn from the seed, of each class the same part where there are
        /// classes: so many, or where it is below 1 such a part. The best weights are then those that do best on these
        /// after an epoch.
        validation: Option<f64> [Positive];
        /// What is minimised.
        loss: Loss;
        /// How its gradient is found.
        learn: Gradient = Gradient::Backprop;
        /// How it is learned to learn, from data that are tasks. An epoch is then a pass over the training tasks,
        /// `batch` the samples that are shown at once, of which a task may have as many, and the losses are those of
        /// what tasks ask, after the steps within them. `clip`, `l1` and `l2` are of updates and not of these steps.
        meta: Option<Meta>;
        /// Noise while weights are learned; there is none in tests and validation.
        noise: Option<Noise>;
        /// Penalties on rates, added to the loss.
        rates: Vec<RatePenalty> = vec![];
        /// How gradients change weights; needed by every loss that has gradients.
        optimizer: Option<Optimizer>;
        /// How the learning rate changes over the training.
        schedule: Schedule = Schedule::Constant;
        /// Largest norm of the gradients by all that is trained together, each in units of its projection; if it is
        /// larger, all are scaled down.
        clip: Option<f64> [Positive];
        /// Penalty on the magnitudes of weights, in units of the projection: after each update every weight loses
        /// `lr l1`, down to 0, where it stays until an update is larger.
        l1: f64 [NotNegative] = 0.0;
        /// Penalty on half the squares of weights, in units of the projection: `l2 w` is added to the gradient, after
        /// `clip`, and the optimiser scales it like the rest. What it does not scale is the `weight_decay` of `AdamW`.
        l2: f64 [NotNegative] = 0.0;
        /// Updates over which the learning rate rises in a line to what the schedule says.
        warmup: u64 = 0u64;
        /// When the training ends before its last epoch.
        stop: Option<Stop>;
        /// What stands for the derivative of a spike; `FastSigmoid(slope: 5)` if absent.
        surrogate: Option<Surrogate>;
        /// Whether the gradient ignores that a spike resets the potential of its own neuron.
        detach_reset: bool = true;
        /// Whether it ignores that a spike raises its neuron's threshold or adaptation; as `detach_reset` if absent.
        detach_adaptation: Option<bool>;
        /// Whether the constant current `i_e` of each neuron through which gradients pass is trained too.
        biases: bool = false;
        /// Populations and projections that stay as they begin, whatever else says that they learn: of a population its
        /// constant currents, its trained numbers and the weights of all synapses that end in it, of a projection its
        /// weights.
        freeze: Vec<String> = vec![];
        /// Damage with which the trained network is tested, by names that `training.tests` of the summary has: after the
        /// training the test set is shown once more for each, to the best weights.
        tests: Named<Damage> = Named::none();
    }
}

impl Training {
    /// What of a spike's effect on its own neuron gradients pass through: 1 for the reset, 2 for threshold and
    /// adaptation.
    pub fn attached(&self) -> u32 {
        let adaptation = self.detach_adaptation.unwrap_or(self.detach_reset);
        u32::from(!self.detach_reset) | u32::from(!adaptation) << 1
    }

    /// What is done to a training sample when it is learned from.
    pub fn augment(&self) -> &[Augment] {
        self.data.as_ref().map_or(&[], |data| data.choice().augment)
    }

    /// Whether its epochs have a number.
    pub fn has(&self, metric: Metric) -> bool {
        let there = match metric.is_accuracy() {
            true => self.loss.has_samples(),
            false => self.loss.is_gradient(),
        };
        there && (self.validation.is_some() || !metric.is_of_validation())
    }

    /// Optimiser and surrogate of a training by gradients.
    ///
    /// # Panics
    /// If there is no optimiser, which [`check`] does not let pass.
    pub fn gradient(&self) -> (Optimizer, Surrogate) {
        let surrogate = self.surrogate.unwrap_or(Surrogate::FastSigmoid { slope: 5.0 });
        (self.optimizer.expect("a checked training by gradients has one"), surrogate)
    }
}

macro_rules! data {
    ($(
        $(#[doc = $doc:literal])+
        $word:ident $(| $alias:literal)* { $($field:tt)* }
    )*) => {
        declare! {
            /// A data set: files, or samples that are made by formula. All are held as images are, in 256 levels; a
            /// number becomes the nearest.
            pub enum Data {
                $($(#[doc = $doc])+ $word $(| $alias)* {
                    $($field)*
                    /// Only samples of these classes, whose labels become 0, 1, ... in the order of the list; all if
                    /// absent.
                    classes: Option<Vec<u64>>;
                    /// Only the first so many training samples of each class; all if absent.
                    per_class: Option<u64> [Count];
                    /// Whether the training samples of `per_class` are drawn from the seed rather than the first.
                    drawn: bool = false;
                    /// What is done to a training sample each time that a network learns from it: one change, or a
                    /// list of several, one after the other.
                    augment: Several<Augment>;
                };)*
            }
        }

        impl Data {
            /// Which samples are used, and how.
            pub fn choice(&self) -> SampleChoice<'_> {
                match self {
                    $(Self::$word { classes, per_class, drawn, augment, .. } => SampleChoice {
                        classes: classes.as_deref(),
                        per_class: *per_class,
                        drawn: *drawn,
                        augment: &augment.0,
                    },)*
                }
            }
        }
    };
}

data! {
    /// The four IDX files of MNIST, raw or gzipped, in a directory.
    Mnist | "Idx" {
        /// Directory, relative to the scene file.
        dir: PathBuf;
    }
    /// Two images side by side, drawn from those of MNIST; below them one more row, the cue, white under the one that is
    /// asked for. The label is its class.
    Pairs {
        /// Directory of the images, as of `Mnist`.
        dir: PathBuf;
        /// Training samples.
        train: u64 [Count] = 30000u64;
        /// Test samples.
        test: u64 [Count] = 10000u64;
        /// Key of its random numbers; that of the simulation if absent.
        seed: Option<u64>;
    }
    /// Several images one after the other, drawn from those of MNIST, at half their brightness; below each is one more row,
    /// the mark, white in the frame that is asked for. The frames are of different classes; the label is that of this one.
    Streams {
        /// Directory of the images, as of `Mnist`.
        dir: PathBuf;
        /// Frames of a sample.
        frames: u64 [Count] = 8u64;
        /// Training samples.
        train: u64 [Count] = 30000u64;
        /// Test samples.
        test: u64 [Count] = 10000u64;
        /// Key of its random numbers; that of the simulation if absent.
        seed: Option<u64>;
    }
    /// Two files that `numpy.savez` wrote, with the arrays `inputs`, samples by features or samples by rows, or
    /// frames, by columns, and `labels`, the classes of the samples from 0 to 255, or `targets`, samples by outputs,
    /// numbers of any size; or both. An input outside of the range is refused.
    Arrays {
        /// Training samples, an `.npz` file.
        train: PathBuf;
        /// Test samples, an `.npz` file.
        test: PathBuf;
        /// Which numbers are the lowest and the highest level; 0 and 1 if absent, or 0 and 255 of bytes (uint8).
        range: Option<Range>;
    }
    /// Two tables, text with a header and a row of numbers for each sample, separated by commas, semicolons or tabs;
    /// one column has the classes of the samples, from 0 to 255. A number outside of the range is refused.
    Csv | "Table" {
        /// Training samples.
        train: PathBuf;
        /// Test samples, another file: rows that were not in the first.
        test: PathBuf;
        /// Name of the column of classes; the last column if absent.
        label: Option<String>;
        /// Which numbers are the lowest and the highest level; 0 and 1 if absent.
        range: Option<Range>;
    }
    /// MNIST-1D: ten shapes as courses of 40 numbers, scaled, moved and in noise (Greydanus & Kobak 2024). Levels are from
    /// -5 to 5 standard deviations of all.
    Mnist1d | "MNIST1D" {
        /// Training samples.
        train: u64 [Count] = 4000u64;
        /// Test samples.
        test: u64 [Count] = 1000u64;
        /// Whether the positions are shuffled, those of all samples alike.
        shuffled: bool = false;
        /// Key of its random numbers; that of the simulation if absent.
        seed: Option<u64>;
    }
    /// Points of a disc, of three classes: yin, yang and their dots (Kriener, Göltz & Petrovici 2022). A sample is x, y,
    /// 1 - x and 1 - y. All numbers have a spike with `Latency(cutoff: 0)`.
    YinYang {
        /// Training samples.
        train: u64 [Count] = 5000u64;
        /// Test samples.
        test: u64 [Count] = 1000u64;
        /// Whether a sample has a fifth number, always 1, whose spike is the first with `Latency`.
        bias: bool = true;
        /// Key of its random numbers; that of the simulation if absent.
        seed: Option<u64>;
    }
    /// Random manifolds: times of one spike of each unit, by smooth functions of a few numbers that differ between
    /// classes (Zenke & Vogels 2021). For `Latency(cutoff: 0)`.
    Randman {
        /// Training samples.
        train: u64 [Count] = 8000u64;
        /// Test samples.
        test: u64 [Count] = 2000u64;
        /// Manifolds, of which each is a class; at most 256.
        manifolds: u64 [Count] = 10u64;
        /// Units, the numbers of a sample.
        units: u64 [Count] = 20u64;
        /// Dimensions of a manifold.
        dim: u64 [Count] = 1u64;
        /// How smooth they are: harmonic k has a size of k^-alpha.
        alpha: f64 [Positive] = 2.0;
        /// Key of its random numbers; that of the simulation if absent.
        seed: Option<u64>;
    }
    /// Groups of channels that fire one after the other, each channel once; the class is the order of the groups, of which
    /// all are alike frequent. The first moment is the highest level, the last, `(groups - 1) gap + jitter`, the lowest:
    /// `Latency(cutoff: 0)` with a `window` of that and two steps shows them as they are. What tells classes apart is
    /// further apart in time than a neuron remembers.
    Orders {
        /// Training samples.
        train: u64 [Count] = 2400u64;
        /// Test samples.
        test: u64 [Count] = 1200u64;
        /// Groups, from 2 to 5; their orders are 2, 6, 24 or 120 classes.
        groups: u64 [Count] = 4u64;
        /// Channels of a group.
        channels: u64 [Count] = 10u64;
        /// Time from one group to the next \[ms\].
        gap: Quantity<Ms> [Positive] = 100.0;
        /// Time within which the channels of a group fire, each at a moment drawn anew for each sample \[ms\].
        jitter: Quantity<Ms> [NotNegative] = 5.0;
        /// Key of its random numbers; that of the simulation if absent.
        seed: Option<u64>;
    }
    /// Tasks, of which each is to tell y = A sin(x - φ) with another A, from 0.1 to 5, and another φ, from 0 to π, of x
    /// from -5 to 5 (Finn, Abbeel & Levine 2017). A sample is x by Gaussian receptive fields, its target y; for `meta`,
    /// and without it all samples are one data set.
    Sinusoids {
        /// Training tasks.
        train: u64 [Count] = 1000u64;
        /// Held-out tasks.
        test: u64 [Count] = 300u64;
        /// Samples of a task that it is learned from.
        k: u64 [Count] = 10u64;
        /// Samples of a task that it asks.
        query: u64 [Count] = 10u64;
        /// Receptive fields from -5 to 5, the numbers of a sample.
        units: u64 [Count] = 40u64;
        /// Standard deviation of each.
        sigma: f64 [Positive] = 0.5;
        /// Key of its random numbers; that of the simulation if absent.
        seed: Option<u64>;
    }
    /// Bits in a row, of which one is to be stored and told when asked, again and again (Bellec et al. 2018). A frame is
    /// a symbol, of four groups of 25 numbers: bit 0, bit 1, store, recall. The label of a frame with recall is the bit
    /// that was stored last; other frames have none. For `over: Frames`.
    StoreRecall {
        /// Training samples.
        train: u64 [Count] = 5120u64;
        /// Test samples.
        test: u64 [Count] = 1280u64;
        /// Symbols of a sample.
        symbols: u64 [Count] = 12u64;
        /// Probability of store where nothing is stored, and of recall where something is, before sequences that ask
        /// nothing are left out.
        p: f64 [Fraction] = 1.0 / 7.0;
        /// Key of its random numbers; that of the simulation if absent.
        seed: Option<u64>;
    }
    /// A bit that is shown for 50 ms, and is to be told after a delay, in the 50 ms in which the sample ends. A frame is
    /// 10 ms, of four groups of 10 numbers: bit 0, bit 1, recall, noise. The label is the bit. The groups that are shown
    /// are white, noise has a fifteenth of that all the time, and what is not shown is black.
    DelayedRecall {
        /// Training samples.
        train: u64 [Count] = 9600u64;
        /// Test samples.
        test: u64 [Count] = 1000u64;
        /// Time from the end of the bit to recall, a multiple of 10 ms \[ms\].
        delay: Quantity<Ms> [Positive];
        /// Whether training samples have shorter delays. Test samples have not.
        pacing: Pacing = Pacing::Constant;
        /// Key of its random numbers; that of the simulation if absent.
        seed: Option<u64>;
    }
    /// Cues to the left and to the right, of which more are to be told after a delay (Morcos & Harvey 2016; Bellec et al.
    /// 2020). A frame is 50 ms, of four groups of 10 numbers: left, right, recall, noise. A cue is a frame without and two
    /// with it; recall is the last three. The label is 0 if more were to the left, 1 if to the right. Groups that are shown
    /// are white, noise is a quarter of that all the time, and what is not shown is black. For `Poisson(max_rate: 40)`.
    Evidence {
        /// Training samples.
        train: u64 [Count] = 6400u64;
        /// Test samples.
        test: u64 [Count] = 512u64;
        /// Cues of a sample, an odd number.
        cues: u64 [Count] = 7u64;
        /// Time from the last cue to recall, a multiple of 50 ms \[ms\].
        delay: Quantity<Ms> [Positive];
        /// Key of its random numbers; that of the simulation if absent.
        seed: Option<u64>;
    }
}

/// Which samples of a data set are used, and how.
#[derive(Debug, Clone, Copy)]
pub struct SampleChoice<'a> {
    /// Their classes; all if absent.
    pub classes: Option<&'a [u64]>,
    /// Training samples of each; all if absent.
    pub per_class: Option<u64>,
    /// Whether these are drawn rather than the first.
    pub drawn: bool,
    /// What is done to a training sample when it is learned from.
    pub augment: &'a [Augment],
}

impl Data {
    /// Whether samples have classes rather than targets, as far as that does not depend on files.
    pub fn has_classes(&self) -> Option<bool> {
        match self {
            Self::Arrays { .. } => None,
            Self::Sinusoids { .. } => Some(false),
            _ => Some(true),
        }
    }

    /// Where the test set is, a directory or a file, unless it is made by formula.
    pub fn test_path(&self) -> Option<&Path> {
        match self {
            Self::Mnist { dir, .. } => Some(dir),
            Self::Arrays { test, .. } | Self::Csv { test, .. } => Some(test),
            Self::Mnist1d { .. }
            | Self::Pairs { .. }
            | Self::Streams { .. }
            | Self::YinYang { .. }
            | Self::Randman { .. }
            | Self::Orders { .. }
            | Self::Sinusoids { .. }
            | Self::StoreRecall { .. }
            | Self::DelayedRecall { .. }
            | Self::Evidence { .. } => None,
        }
    }

    /// Which numbers are the lowest and the highest level, if it says so.
    pub fn range(&self) -> Option<Range> {
        match self {
            Self::Mnist { .. }
            | Self::Pairs { .. }
            | Self::Streams { .. }
            | Self::StoreRecall { .. }
            | Self::DelayedRecall { .. }
            | Self::Evidence { .. } => None,
            Self::Arrays { range, .. } | Self::Csv { range, .. } => *range,
            Self::Mnist1d { .. } => Some(mnist1d::RANGE),
            Self::YinYang { .. } | Self::Randman { .. } | Self::Orders { .. } => {
                Some(Range::SPIKING)
            }
            Self::Sinusoids { .. } => Some(Range::default()),
        }
    }

    /// Samples of each task, those that it is learned from and those that it asks, if the data are tasks.
    pub fn tasks(&self) -> Option<[usize; 2]> {
        match *self {
            Self::Sinusoids { k, query, .. } => Some([k, query].map(|count| count as usize)),
            _ => None,
        }
    }

    /// Frames of a sample and numbers of each, of a task in time that is made by formula.
    pub fn frames(&self) -> Option<[u64; 2]> {
        match *self {
            Self::StoreRecall { symbols, .. } => Some([symbols, store_recall::NUMBERS as u64]),
            Self::DelayedRecall { delay, .. } => {
                let frames = delayed_recall::frames(delayed_recall::held(delay));
                Some([frames, delayed_recall::NUMBERS as u64])
            }
            Self::Evidence { cues, delay, .. } => {
                Some([evidence::frames(cues, delay), evidence::NUMBERS as u64])
            }
            _ => None,
        }
    }

    /// Whether there is a label for each frame of a sample, rather than one for the whole.
    pub fn labels_frames(&self) -> bool {
        matches!(self, Self::StoreRecall { .. })
    }

    /// How many numbers are made for it, if it is made by formula.
    pub(crate) fn made(&self) -> Option<u128> {
        let (train, test, others) = match *self {
            Self::Mnist { .. }
            | Self::Pairs { .. }
            | Self::Streams { .. }
            | Self::Arrays { .. }
            | Self::Csv { .. } => return None,
            Self::Mnist1d { train, test, .. } => (train, test, [mnist1d::LENGTH as u64, 1]),
            Self::YinYang { train, test, .. } => (train, test, [yin_yang::NUMBERS as u64, 1]),
            Self::Randman { train, test, manifolds, units, dim, .. } => {
                // A manifold is there whether it has samples or not.
                (train.max(manifolds), test, [units, dim])
            }
            Self::Orders { train, test, groups, channels, .. } => (train, test, [groups, channels]),
            Self::Sinusoids { train, test, k, query, units, .. } => {
                (train, test, [k.saturating_add(query), units])
            }
            Self::StoreRecall { train, test, .. }
            | Self::DelayedRecall { train, test, .. }
            | Self::Evidence { train, test, .. } => {
                (train, test, self.frames().unwrap_or_default())
            }
        };
        let samples = u128::from(train) + u128::from(test);
        Some(others.iter().fold(samples, |all, n| all.saturating_mul(u128::from(*n))))
    }
}

macro_rules! loss {
    ($($file:ident::$word:ident $(| $alias:literal)*;)*) => {
        declare! {
            /// What training minimises.
            pub enum Loss {
                $($word $(| $alias)* (crate::train::$file::$word);)*
            }
        }

        impl Loss {
            /// What it is of, and how.
            pub fn objective(&self) -> &dyn Objective {
                match self {
                    $(Self::$word(objective) => objective,)*
                }
            }
        }
    };
}

losses!(loss);

impl Loss {
    /// What of the network it looks at.
    pub fn of(&self) -> Of<'_> {
        self.objective().of()
    }

    /// What it compares that with.
    pub fn wanted(&self) -> Wanted {
        self.objective().wanted()
    }

    /// The population whose spikes are the answer, if they are.
    pub fn counted(&self) -> Option<&str> {
        match self.of() {
            Of::Counts(population, _) => Some(population),
            Of::FirstSpikes(loss) => Some(&loss.population),
            _ => None,
        }
    }

    /// How the potential of the readout becomes its output, if the loss is of that.
    pub fn over(&self) -> Option<Over> {
        match self.of() {
            Of::Readout(over) => Some(over),
            _ => None,
        }
    }

    /// The population whose potential is looked at in each step, if one is.
    pub fn watched(&self) -> Option<&str> {
        match self.of() {
            Of::Potential(loss) => Some(&loss.population),
            _ => None,
        }
    }

    /// Whether each output has a target of its own; else a sample has a class, if anything.
    pub fn has_targets(&self) -> bool {
        matches!(self.wanted(), Wanted::Targets | Wanted::Marks)
    }

    /// Whether it is of samples.
    pub fn has_samples(&self) -> bool {
        self.wanted() != Wanted::Trace
    }

    /// Whether it is minimised by its gradient.
    pub fn is_gradient(&self) -> bool {
        !matches!(self.of(), Of::Assigned(_))
    }
}

macro_rules! optimizer {
    ($($(#[doc = $doc:literal])+ $file:ident::$word:ident $(| $alias:literal)*;)*) => {
        declare! {
            /// How gradients change weights. Learning rates are in units of each projection (see `Kaiming`), so that
            /// the usual values hold whatever the capacitance.
            #[derive(Copy)]
            pub enum Optimizer {
                $($(#[doc = $doc])+ $word $(| $alias)* ($word);)*
            }
        }

        $(pub use crate::train::$file::$word;)*

        impl Optimizer {
            /// How it changes weights.
            pub fn descent(&self) -> &dyn Descent {
                match self {
                    $(Self::$word(descent) => descent,)*
                }
            }
        }
    };
}

optimizers!(optimizer);

declare! {
    /// Surrogate derivative of a spike, as a function of x = (v - threshold) / (v_th - e_l).
    #[derive(Copy)]
    pub enum Surrogate {
        /// `1 / (1 + slope |x|)^2`.
        FastSigmoid {
            /// Steepness.
            slope: f64 [Positive];
        };
        /// `1 / (1 + (pi/2 alpha x)^2) · alpha/2`.
        ArcTan {
            /// Steepness.
            alpha: f64 [Positive];
        };
        /// `gamma · max(0, 1 - |x|)`.
        Triangle {
            /// Height.
            gamma: f64 [Positive];
        };
        /// `beta / (1 + beta |x|)^2` (Zenke & Ganguli 2018).
        SuperSpike {
            /// Steepness.
            beta: f64 [Positive];
        };
        /// `1 / width` where `|x| < width / 2`.
        Boxcar {
            /// Width.
            width: f64 [Positive];
        };
        /// 1 everywhere.
        StraightThrough;
    }
}

declare! {
    /// What a simulation writes to the run folder, or a training by gradients of some test samples.
    pub struct Record: Default {
        /// Time from which spikes count for rates, intervals and figures \[ms\], so that a transient is left out;
        /// the files of spikes and traces have all.
        start: Option<Quantity<Ms>> [Moment];
        /// Test samples of a training by gradients, counted from 0, that are shown once more at its end, with the best
        /// weights, and by `predict`. `spikes` and `traces`, of which there is `v` of Lif and Readout, are written of these,
        /// and the report has pictures of what all populations did.
        samples: Vec<u64> = vec![];
        /// Populations whose spikes are written.
        spikes: Vec<String> = vec![];
        /// Populations whose membrane potential is written.
        traces: Vec<Trace> = vec![];
        /// Projections of which weights are written while they change.
        weights: Vec<WeightTrace> = vec![];
        /// Interval at which the concentrations of all modulators are written \[ms\]; not at all if absent.
        modulators: Option<Quantity<Ms>> [Interval];
    }
}

declare! {
    /// A recording of weights.
    pub struct WeightTrace {
        /// Name of the projection.
        projection: String;
        /// Which synapses, counted as in `weights.safetensors`; the first ten if absent.
        ids: Option<Vec<u64>>;
        /// Interval between samples \[ms\]; every step if absent.
        every: Option<Quantity<Ms>> [Interval];
    }
}

declare! {
    /// A recording of membrane potentials.
    pub struct Trace {
        /// Whose.
        population: String;
        /// Which neurons; the first ten if absent.
        ids: Option<Vec<u64>>;
        /// Which state variables; the potential if absent. `v` of every model, `threshold_rise` and `w` of Lif and
        /// Adex, `u` of Izhikevich, `theta_1` and `theta_2` of Mat2, `gate_channel` (as `m_na`), `ca`, `k_o` and `na_i` of Hh, `g_receptor` of
        /// conductances and `i_receptor` of currents.
        variables: Vec<String> = vec![];
        /// Interval between samples \[ms\]; every step if absent.
        every: Option<Quantity<Ms>> [Interval];
    }
}
