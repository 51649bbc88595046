//! The network that a scene describes: parameters of every neuron, synapses drawn from the seed.
//!
//! f64 throughout, natural order (source by target), no word about devices. Every number here is a
//! function of scene and seed alone, so all engines start from the same network.

mod attention;
pub mod bounded;
mod budget;
mod build;
pub mod connect;
mod copies;
pub mod delay;
mod delays;
mod draw;
mod error;
mod initial;
mod learning;
pub mod numbers;
mod rewire;
pub mod space;
mod stimuli;
pub mod weight;

pub use attention::Attention;
pub use build::{build, build_watched};
pub use delays::Delays;
pub use error::NetworkError;
pub use rewire::Rewire;

pub use crate::input::stimulus::{Course, Input};
use crate::neuron::model::{LaidOut, at};
use crate::neuron::stepped::Stepped;
use crate::plasticity::{Rates, Rule};
use crate::rng::Stream;
use crate::scene;
use crate::slow::fall;
use crate::synapse::convolution::Convolution;
use std::sync::Arc;

/// Populations and the synapses between them.
#[derive(Debug, Clone)]
pub struct Network {
    /// Time step \[ms\].
    pub dt: f64,
    /// Key of every random number.
    pub seed: u64,
    /// Copies that each population has the neurons of, one after the other, and that no synapse connects.
    pub copies: usize,
    /// In the order of the scene.
    pub populations: Vec<Population>,
    /// In the order of the scene; one whose weights of different sign go to different receptors is two.
    pub projections: Vec<Projection>,
    /// In the order of the scene.
    pub stimuli: Vec<Stimulus>,
    /// In the order of the scene.
    pub modulators: Vec<Modulator>,
    /// What may not be as it was meant, found while building.
    pub warnings: Vec<scene::Warning>,
}

/// What acts on a population beside spikes of others.
#[derive(Debug, Clone)]
pub struct Stimulus {
    /// Index of the population.
    pub to: usize,
    /// What it gets.
    pub input: Input,
    /// First step with it.
    pub start: u64,
    /// First step without; `u64::MAX` for never.
    pub stop: u64,
}

impl Stimulus {
    /// The current into a neuron in a step, of a stimulus that is one \[pA\].
    pub fn current(&self, neuron: usize, step: u64) -> f64 {
        match &self.input {
            Input::Current { course, factors } if (self.start..self.stop).contains(&step) => {
                let length = self.stop.saturating_sub(self.start).max(1);
                at(factors, neuron) * course.at(step - self.start, length)
            }
            _ => 0.0,
        }
    }
}

/// A group of neurons or sources.
#[derive(Debug, Clone)]
pub struct Population {
    /// Name in the scene.
    pub name: String,
    /// Number of neurons, in all copies of the network together.
    pub size: usize,
    /// What they are.
    pub kind: Kind,
    /// Whether a training by gradients keeps of each step of these neurons the distance to the threshold and no state:
    /// see [`crate::neuron::frame::Tape`].
    pub on_tape: bool,
    /// Parameters that the scene lays out from neuron to neuron.
    pub laid_out: Vec<LaidOut>,
    /// Numbers that gradients change.
    pub numbers: Option<numbers::Numbers>,
    /// Whether gradients change the constant currents, whatever a training says of all.
    pub learns_current: bool,
    /// Numbers of the model, by name, that would be trained if the population were not frozen; none if it is not.
    pub frozen: Option<Vec<(String, Vec<f64>)>>,
}

/// What the neurons of a population are.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Neurons of a model, of a simulation or a training.
    Stepped(Arc<dyn Stepped>),
    /// Given spikes: the steps at whose end each source spikes, ascending.
    Spikes(Vec<Vec<u64>>),
    /// Poisson sources with a probability of a spike per step each (one for all, or one each).
    Poisson(Vec<f64>),
    /// Pixels.
    Images(scene::Images),
}

/// Synapses from one population to another.
#[derive(Debug, Clone)]
pub struct Projection {
    /// Name in the scene.
    pub name: String,
    /// Index of the presynaptic population.
    pub from: usize,
    /// Index of the postsynaptic population.
    pub to: usize,
    /// Index of the receptor of the target.
    pub receptor: usize,
    /// Steps from a spike to its arrival, at least 1; 0 for a constant input. The shortest, where
    /// each synapse has its own, and where they are learned.
    pub delay: usize,
    /// Delays that gradients change.
    pub delays: Option<Delays>,
    /// Whether gradients change the weights.
    pub learn: bool,
    /// Whether they would if the weights were not frozen.
    pub frozen: bool,
    /// Factor on the learning rate of gradients.
    pub lr: f64,
    /// Probability with which a source is silent for a presentation of a training by gradients.
    pub dropout: f64,
    /// The weight, in the unit of its receptor, with which one input lifts the target by its unit: from rest to threshold
    /// for a neuron, by `v_unit` for a readout. For a spike this is the peak of its potential, for
    /// a constant input the rise within one step. Kaiming weights and learning rates are in these
    /// units.
    pub unit: f64,
    /// The synapses.
    pub synapses: Synapses,
    /// By which rule they learn on their own.
    pub rule: Option<Rule>,
    /// Short-term plasticity.
    pub short_term: Option<ShortTerm>,
    /// What weighs the frames of a sample.
    pub attention: Option<Attention>,
    /// Sum that the weights of each target keep.
    pub normalize: Option<Normalize>,
    /// Rate towards which the weights of each target are scaled.
    pub scaling: Option<Rates>,
    /// Whether weak synapses are replaced.
    pub rewire: Option<Rewire>,
}

/// Short-term plasticity of a projection; see [`crate::synapse::short_term`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShortTerm {
    /// Utilisation at rest.
    pub u: f64,
    /// Time constant of the recovery \[ms\].
    pub tau_rec: f64,
    /// Time constant of facilitation \[ms\]; 0 for none.
    pub tau_facil: f64,
}

impl ShortTerm {
    /// Relative changes, over a step of `dt` ms, of what is facilitated and of what is used up.
    pub fn falls(&self, dt: f64) -> [f64; 2] {
        [self.tau_facil, self.tau_rec].map(|tau| if tau > 0.0 { fall(dt, tau) } else { -1.0 })
    }
}

/// Normalisation of a projection; see [`crate::plasticity::normalise`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normalize {
    /// Sum of the weights of a target.
    pub sum: f64,
    /// Interval \[steps\]; 0 for before each sample of a training.
    pub every: u32,
}

/// A substance; see [`crate::plasticity::modulator`].
#[derive(Debug, Clone)]
pub struct Modulator {
    /// Name in the scene.
    pub name: String,
    /// Time constant \[ms\].
    pub tau: f64,
    /// Concentration at rest.
    pub baseline: f64,
    /// Concentration at the start: at rest, with what is released at time 0.
    pub start: f64,
    /// Steps of releases and their amounts, ascending.
    pub events: Vec<(u64, f64)>,
    /// Populations whose spikes release it, and the amount of each.
    pub spikes: Vec<(usize, f64)>,
    /// Pairs of spikes that are rewarded.
    pub pairs: Vec<Pair>,
    /// What it does.
    pub effects: Vec<Effect>,
}

/// What a modulator does, per unit of concentration above rest; see [`crate::plasticity::modulate`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effect {
    /// Relative change of the learning rate of a projection.
    Learning(usize, f64),
    /// Relative change of the gain of a population.
    Gain {
        /// The population.
        population: usize,
        /// One of its receptors; all if absent.
        receptor: Option<usize>,
        /// The first of its neurons, and the one behind the last.
        neurons: [usize; 2],
        /// Change.
        slope: f64,
    },
    /// Change of the threshold of a population \[mV\].
    Threshold(usize, f64),
    /// Relative change of the deviation of the noise currents into a population.
    Noise(usize, f64),
}

/// A reward for one neuron's spike soon after another's.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Population and neuron that spike first.
    pub first: (usize, u32),
    /// Population and neuron that spike next.
    pub second: (usize, u32),
    /// Steps within which they must.
    pub within: u64,
    /// Least and largest number of steps after which the reward comes.
    pub after: (u64, u64),
    /// Release.
    pub amount: f64,
    /// Stream of the draws of its time.
    pub stream: Stream,
}

impl Projection {
    /// Largest magnitude that a weight can have.
    pub fn largest(&self) -> f64 {
        match &self.rule {
            Some(rule) => rule.bounds[0].abs().max(rule.bounds[1].abs()),
            None => self.synapses.weights().iter().fold(0.0, |most, w| most.max(w.abs())),
        }
    }

    /// Whether gradients change its delays.
    pub fn learns_delays(&self) -> bool {
        self.delays.as_ref().is_some_and(|delays| !delays.frozen)
    }

    /// Its learned delays, if each synapse has one.
    pub fn delays_of_synapses(&self) -> Option<&Delays> {
        self.delays.as_ref().filter(|delays| delays.per == scene::Per::Synapse)
    }

    /// Whether gradients change the weights of its scores.
    pub fn learns_attention(&self) -> bool {
        self.attention.as_ref().is_some_and(|attention| !attention.frozen)
    }

    /// Whether gradients change what it makes of what its source sends, before that meets its weights.
    pub fn learns_what_it_gets(&self) -> bool {
        (self.learns_delays() && self.delays_of_synapses().is_none()) || self.learns_attention()
    }

    /// Whether its weights, or what they do, change in a simulation.
    pub fn is_live(&self) -> bool {
        self.rule.is_some() || self.short_term.is_some()
    }
}

/// Which pairs are connected, and their weights \[pA\].
#[derive(Debug, Clone)]
pub enum Synapses {
    /// All pairs; `weights[source * targets + target]`.
    Dense {
        /// Row-major by source.
        weights: Vec<f64>,
    },
    /// Targets that are drawn at every spike, and stored nowhere.
    Procedural {
        /// Synapses of each source.
        degree: u32,
        /// Weight of each synapse.
        weight: f64,
        /// Whether a source does not connect to itself.
        skip: bool,
        /// Stream of the draws.
        stream: u32,
    },
    /// Some pairs, by target; sources ascending, unless synapses moved.
    Sparse {
        /// `start[j]..start[j + 1]` are the synapses of target j.
        start: Vec<u32>,
        /// Source of each synapse.
        source: Vec<u32>,
        /// Weight of each synapse.
        weights: Vec<f64>,
        /// Delay of each synapse \[steps\], at least 1; empty if all have that of the projection.
        delays: Vec<u16>,
    },
    /// Windows with the same weights everywhere, of a training by gradients or of a projection with a rule.
    Convolution {
        /// How they lie.
        convolution: Box<Convolution>,
        /// In the order of files.
        weights: Vec<f64>,
    },
}

impl Projection {
    /// Factor on what is delivered in a training, by which its mean is the same with dropout as without.
    pub fn gain(&self) -> f64 {
        1.0 / (1.0 - self.dropout)
    }

    /// Steps from a spike to its last arrival; see [`Projection::delay`].
    pub fn max_delay(&self) -> usize {
        let longest = self.synapses.delays().iter().max();
        longest.map_or(self.delay, |&steps| steps.into())
    }

    /// Steps from a spike to its arrival through synapse `k`.
    pub fn delay_of(&self, k: usize) -> usize {
        self.synapses.delays().get(k).map_or(self.delay, |&steps| steps.into())
    }
}

impl Network {
    /// Number of synapses.
    pub fn synapses(&self) -> u64 {
        let count = |p: &Projection| match p.synapses {
            Synapses::Procedural { degree, .. } => {
                u64::from(degree) * self.populations[p.from].size as u64
            }
            Synapses::Convolution { ref convolution, .. } => convolution.synapses(),
            _ => p.synapses.weights().len() as u64,
        };
        self.projections.iter().map(count).sum()
    }

    /// Pairs of a population that releases a substance and one on whose gain this acts.
    pub fn gains_by_release(&self) -> impl Iterator<Item = (usize, usize)> {
        self.modulators.iter().flat_map(|m| {
            let gains = m.effects.iter().filter_map(|effect| match effect {
                Effect::Gain { population, .. } => Some(*population),
                _ => None,
            });
            gains.flat_map(|to| m.spikes.iter().map(move |(from, _)| (*from, to)))
        })
    }

    /// Pixels of a sample: those that its sources show, in all frames; 0 if no population shows them all.
    pub fn pixels(&self) -> usize {
        self.images().map_or(0, |(population, images)| images.pixels(population.size))
    }

    /// The population that shows the whole of samples, and how it does, if there is one.
    pub fn images(&self) -> Option<(&Population, &scene::Images)> {
        self.populations.iter().find_map(|population| match &population.kind {
            Kind::Images(images) if images.part.is_none() => Some((population, images)),
            _ => None,
        })
    }

    /// Number of neurons, sources not counted.
    pub fn neurons(&self) -> u64 {
        let neurons = self.populations.iter().filter(|p| p.is_neural());
        neurons.map(|p| p.size as u64).sum()
    }
}

impl Population {
    /// Whether a training changes the constant currents, if gradients pass through the neurons.
    pub fn current_is_trained(&self, training: &scene::Training) -> bool {
        self.learns_current || training.biases && self.frozen.is_none()
    }

    /// Potential from which kernels measure that of a neuron \[mV\]; sources have none.
    pub fn rest(&self, id: usize) -> Option<f64> {
        match &self.kind {
            Kind::Stepped(neurons) => Some(neurons.rest(id)),
            Kind::Poisson(_) | Kind::Images(_) | Kind::Spikes(_) => None,
        }
    }

    /// Whether these are neurons rather than sources of input.
    pub fn is_neural(&self) -> bool {
        matches!(self.kind, Kind::Stepped(_))
    }

    /// Whether its potential is the answer of the network, and it never spikes.
    pub fn answers(&self) -> bool {
        matches!(&self.kind, Kind::Stepped(neurons) if neurons.answers())
    }

    /// Whether its output is spikes.
    pub fn spikes(&self) -> bool {
        match &self.kind {
            Kind::Stepped(neurons) => !neurons.answers(),
            Kind::Poisson(_) | Kind::Spikes(_) => true,
            Kind::Images(images) => images.encoder.code().gain().is_none(),
        }
    }

    /// Whether its output is one value for the whole presentation.
    pub fn is_constant(&self) -> bool {
        matches!(&self.kind, Kind::Images(images) if images.is_constant())
    }
}

impl Synapses {
    /// Those of a list whose weight is to be kept.
    fn filtered(&self, keep: impl Fn(f64) -> bool) -> Self {
        let Self::Sparse { start, source, weights, delays } = self else {
            return self.clone();
        };
        let kept: Vec<usize> = (0..weights.len()).filter(|k| keep(weights[*k])).collect();
        let before = |end: &u32| kept.partition_point(|k| *k < *end as usize) as u32;
        Self::Sparse {
            start: start.iter().map(before).collect(),
            source: kept.iter().map(|k| source[*k]).collect(),
            weights: kept.iter().map(|k| weights[*k]).collect(),
            delays: kept.iter().filter_map(|k| delays.get(*k).copied()).collect(),
        }
    }

    /// The same as a list of pairs, if they are all pairs between so many neurons.
    fn listed(&self, [sources, targets]: [usize; 2]) -> Self {
        let Self::Dense { weights } = self else { return self.clone() };
        let pairs = || (0..targets).flat_map(|j| (0..sources).map(move |i| (i, j)));
        Self::Sparse {
            start: (0..=targets).map(|j| (j * sources) as u32).collect(),
            source: pairs().map(|(i, _)| i as u32).collect(),
            weights: pairs().map(|(i, j)| weights[i * targets + j]).collect(),
            delays: Vec::new(),
        }
    }

    /// The same with each synapse by itself, if they share weights.
    fn expanded(self) -> Self {
        let Self::Convolution { convolution, weights } = self else { return self };
        let scale = convolution.scale();
        let (start, source, weight) = convolution.lists();
        let weights = weight.into_iter().map(|w| scale * weights[w as usize]).collect();
        Self::Sparse { start, source, weights, delays: Vec::new() }
    }

    /// Factor on what a weight brings: of a mean of pooled sources each has its part.
    pub fn scale(&self) -> f64 {
        match self {
            Self::Convolution { convolution, .. } => convolution.scale(),
            Self::Dense { .. } | Self::Sparse { .. } | Self::Procedural { .. } => 1.0,
        }
    }

    /// Deals the weights out anew, by a permutation of the stream.
    fn exchange(&mut self, stream: &Stream) {
        match self {
            Self::Dense { weights }
            | Self::Sparse { weights, .. }
            | Self::Convolution { weights, .. } => {
                let order = stream.permutation(weights.len() as u32, 0);
                *weights = order.iter().map(|k| weights[*k as usize]).collect();
            }
            Self::Procedural { .. } => {}
        }
    }

    /// Changes each weight.
    fn each_weight(&mut self, new: impl Fn(f64) -> f64) {
        match self {
            Self::Dense { weights }
            | Self::Sparse { weights, .. }
            | Self::Convolution { weights, .. } => {
                weights.iter_mut().for_each(|w| *w = new(*w));
            }
            Self::Procedural { weight, .. } => *weight = new(*weight),
        }
    }

    /// Weights in the order of the synapses; none of those that are stored nowhere, and once those that are shared.
    pub fn weights(&self) -> &[f64] {
        match self {
            Self::Dense { weights }
            | Self::Sparse { weights, .. }
            | Self::Convolution { weights, .. } => weights,
            Self::Procedural { .. } => &[],
        }
    }

    /// Source and target of a synapse that is given by its number, for so many targets.
    pub fn ends(&self, synapse: usize, targets: usize) -> Option<(u32, u32)> {
        match self {
            Self::Dense { weights } => (synapse < weights.len())
                .then(|| ((synapse / targets) as u32, (synapse % targets) as u32)),
            Self::Sparse { start, source, .. } => {
                let target = start.partition_point(|first| *first as usize <= synapse);
                Some((*source.get(synapse)?, target.checked_sub(1)? as u32))
            }
            Self::Procedural { .. } | Self::Convolution { .. } => None,
        }
    }

    /// Delays in the order of the synapses \[steps\]; empty if all have that of the projection.
    pub fn delays(&self) -> &[u16] {
        match self {
            Self::Dense { .. } | Self::Procedural { .. } | Self::Convolution { .. } => &[],
            Self::Sparse { delays, .. } => delays,
        }
    }
}
