//! What the user wrote: a scene file, parsed, overridden, checked.
//!
//! The types of this module are the scene's grammar (RON, `version: 1`). Their units are those of
//! NEST, which are consistent without factors: ms, mV, pF, nS, pA, Hz (pF/nS = ms, nS·mV = pA).
//! Lengths are in µm, velocities in m/s.
//! [`load`] reads the text into them, [`check`] applies the rules that a type cannot express;
//! both collect every independent fault with its place in the file before they give up.

mod check;
mod learning;
mod load;
mod models;
mod quantity;
mod text;
mod trains;

pub use check::{Fault, Warning, check};
pub use learning::{
    Bcm, Clopath, Common, Covariance, Effect, Eligibility, Hebb, Learn, Modulator, Normalize, Oja,
    Pairing, Release, Rewire, Scaling, ShortTerm, Stdp, Triplet, Vogels,
};
pub use load::{Override, OverrideError, Problem, SceneError, Source, load, load_str};
pub use models::{
    Adex, Calcium, Channel, Gate, Hh, Ion, Ions, Izhikevich, Method, Parameters, Rate, Receptor,
    Rule,
};
pub use quantity::{
    Dimension, Hz, Mm, Ms, Mv, Ns, One, Pa, PaRootMs, Param, Pf, Quantity, Strength, Um, Velocity,
};
pub use trains::{OnGrid, not_poisson};

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A whole scene: the network, how long to run it or how to train it, and what to write down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scene {
    /// Version of the grammar; this program reads version 1.
    pub version: u32,
    /// Time step, duration, seed.
    pub simulation: Simulation,
    /// Groups of neurons and of sources, by name, in the order of the file.
    #[serde(with = "quantity::named")]
    pub populations: Vec<(String, Population)>,
    /// Synapses between populations.
    #[serde(default)]
    pub projections: Vec<Projection>,
    /// What acts on populations beside spikes of others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stimuli: Vec<Stimulus>,
    /// Substances that act on synapses, by name.
    #[serde(default, with = "quantity::named", skip_serializing_if = "Vec::is_empty")]
    pub modulators: Vec<(String, Modulator)>,
    /// Present in a scene that learns from data by gradients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<Training>,
    /// What a simulation writes to the run folder.
    #[serde(default)]
    pub record: Record,
}

/// Time and chance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Simulation {
    /// Time step \[ms\].
    pub dt: Quantity<Ms>,
    /// Simulated time \[ms\]; a training scene has `training.steps` instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Quantity<Ms>>,
    /// Key of every random number of the run.
    #[serde(default = "default::seed")]
    pub seed: u64,
}

/// A group of alike neurons or sources.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Population {
    /// Number of neurons.
    #[serde(alias = "n")]
    pub size: u64,
    /// Where they are; rules and delays that depend on distance need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positions: Option<Positions>,
    /// What each of them is.
    pub model: Model,
}

/// Where the neurons of a population are, in two or three dimensions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Positions {
    /// On the points of a grid; the first coordinate runs fastest with the number of the neuron.
    Grid {
        /// Points along each axis, in all as many as there are neurons.
        shape: Vec<u64>,
        /// Distance of neighbours \[µm\].
        spacing: Quantity<Um>,
        /// Position of the first neuron \[µm\]; if absent, the grid is centred at 0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        origin: Option<Vec<Quantity<Um>>>,
    },
    /// Drawn from the seed, uniformly in a box.
    Uniform {
        /// Edges of the box \[µm\].
        extent: Vec<Quantity<Um>>,
        /// Its corner with the lowest coordinates \[µm\]; if absent, the box is centred at 0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        origin: Option<Vec<Quantity<Um>>>,
    },
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

/// What the neurons of a population are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Model {
    /// Leaky integrate-and-fire neuron with exponential synaptic current.
    #[serde(alias = "iaf_psc_exp")]
    Lif(Lif),
    /// Adaptive exponential integrate-and-fire neuron.
    #[serde(alias = "aeif_cond_exp", alias = "aeif_psc_exp")]
    Adex(Adex),
    /// Hodgkin–Huxley neuron with channels of your choice.
    Hh(Hh),
    /// Izhikevich's neuron.
    #[serde(alias = "izhikevich")]
    Izhikevich(Izhikevich),
    /// Leaky integrator that does not spike; its potential is the network's answer.
    Readout(Readout),
    /// Source of given spikes.
    #[serde(alias = "spike_generator", alias = "SpikeSourceArray")]
    Spikes(Spikes),
    /// Source of independent Poisson spike trains.
    #[serde(alias = "poisson_generator")]
    Poisson(Poisson),
    /// One source per pixel of the training images.
    Images(Images),
}

impl Model {
    /// The receptors by name; sources have none.
    pub fn receptors(&self) -> Vec<(String, Receptor)> {
        match self {
            Self::Lif(m) => m.receptors(),
            Self::Adex(m) => m.receptors.clone(),
            Self::Izhikevich(m) => m.receptors.clone(),
            Self::Hh(m) => m.receptors.clone(),
            Self::Readout(m) => Lif { tau_syn: m.tau_syn.clone(), ..Lif::default() }.receptors(),
            Self::Spikes(_) | Self::Poisson(_) | Self::Images(_) => vec![],
        }
    }

    /// Whether these are neurons that spike.
    pub fn is_spiking(&self) -> bool {
        matches!(self, Self::Lif(_) | Self::Adex(_) | Self::Hh(_) | Self::Izhikevich(_))
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
            Self::Kaiming { .. } | Self::File(_) => None,
        }
    }
}

impl Lif {
    /// The receptors, those of NEST's names included. Without any there is `ex`, an exponential
    /// current; its time constant may vary between neurons, and is not given here then.
    pub fn receptors(&self) -> Vec<(String, Receptor)> {
        if !self.receptors.is_empty() {
            return self.receptors.clone();
        }
        let tau = match self.tau_syn {
            Param::Value(tau) => tau,
            _ => Quantity::new(2.0),
        };
        let exp = |name: &str, tau, e_rev| {
            (name.to_owned(), Receptor::Exp { tau, e_rev, init: Param::value(0.0) })
        };
        let mut receptors = vec![exp("ex", tau, self.e_ex)];
        if self.tau_syn_in.is_some() || self.e_in.is_some() {
            receptors.push(exp("in", self.tau_syn_in.unwrap_or(tau), self.e_in));
        }
        receptors
    }
}

/// Leaky integrate-and-fire. Parameters may be numbers, distributions over neurons, or files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lif {
    /// Membrane capacitance \[pF\].
    #[serde(alias = "C_m", alias = "cm")]
    pub c_m: Param<Pf>,
    /// Membrane time constant \[ms\]; give this or `g_l`, default 10 ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tau_m: Option<Param<Ms>>,
    /// Leak conductance \[nS\], `c_m / tau_m`.
    #[serde(alias = "g_L", skip_serializing_if = "Option::is_none")]
    pub g_l: Option<Param<Ns>>,
    /// Leak reversal, the resting potential \[mV\].
    #[serde(alias = "E_L", alias = "v_rest")]
    pub e_l: Param<Mv>,
    /// Threshold at rest \[mV\].
    #[serde(alias = "V_th", alias = "v_thresh")]
    pub v_th: Param<Mv>,
    /// Potential after a spike \[mV\].
    #[serde(alias = "V_reset")]
    pub v_reset: Param<Mv>,
    /// Absolute refractory period \[ms\].
    #[serde(alias = "tau_refrac")]
    pub t_ref: Param<Ms>,
    /// Time constant of the synaptic current \[ms\].
    #[serde(alias = "tau_syn_ex", alias = "tau_syn_E")]
    pub tau_syn: Param<Ms>,
    /// Time constant of a second receptor, `in`, beside `ex` \[ms\].
    #[serde(alias = "tau_syn_I", skip_serializing_if = "Option::is_none")]
    pub tau_syn_in: Option<Quantity<Ms>>,
    /// Reversal potential of the receptor `ex`, which makes it a conductance \[mV\].
    #[serde(alias = "E_ex", alias = "e_rev_E", skip_serializing_if = "Option::is_none")]
    pub e_ex: Option<Quantity<Mv>>,
    /// Reversal potential of the receptor `in` \[mV\].
    #[serde(alias = "E_in", alias = "e_rev_I", skip_serializing_if = "Option::is_none")]
    pub e_in: Option<Quantity<Mv>>,
    /// Receptors by name, instead of those that `tau_syn` and the fields after it describe.
    #[serde(with = "quantity::named", skip_serializing_if = "Vec::is_empty")]
    pub receptors: Vec<(String, Receptor)>,
    /// Constant current \[pA\].
    #[serde(alias = "I_e", alias = "i_offset")]
    pub i_e: Param<Pa>,
    /// Rise of the threshold with each spike, the relative refractoriness \[mV\].
    pub delta_th: Param<Mv>,
    /// Time constant with which that rise decays \[ms\].
    pub tau_rel: Param<Ms>,
    /// What a spike does to the potential.
    pub reset: Reset,
    /// Potential at the start \[mV\]; `e_l` if absent.
    #[serde(alias = "V_m", skip_serializing_if = "Option::is_none")]
    pub v_init: Option<Param<Mv>>,
}

/// What a spike does to the membrane potential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reset {
    /// The potential becomes `v_reset`.
    Value,
    /// The potential falls by `v_th - v_reset`.
    Subtract,
}

/// Leaky integrator without a threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Readout {
    /// Membrane capacitance \[pF\].
    #[serde(alias = "C_m", alias = "cm")]
    pub c_m: Param<Pf>,
    /// Membrane time constant \[ms\]; give this or `g_l`, default 10 ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tau_m: Option<Param<Ms>>,
    /// Leak conductance \[nS\].
    #[serde(alias = "g_L", skip_serializing_if = "Option::is_none")]
    pub g_l: Option<Param<Ns>>,
    /// Leak reversal \[mV\].
    #[serde(alias = "E_L", alias = "v_rest")]
    pub e_l: Param<Mv>,
    /// Time constant of the synaptic current \[ms\].
    #[serde(alias = "tau_syn_ex", alias = "tau_syn_E")]
    pub tau_syn: Param<Ms>,
    /// Constant current \[pA\].
    #[serde(alias = "I_e", alias = "i_offset")]
    pub i_e: Param<Pa>,
    /// Depolarisation that counts as one unit of the output (one logit) \[mV\].
    pub v_unit: Quantity<Mv>,
}

/// Poisson spike trains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poisson {
    /// Rate of each source \[Hz\].
    pub rate: Param<Hz>,
}

/// Given spikes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spikes {
    /// Times of the spikes of each source \[ms\], ascending; a source beyond the list is silent.
    #[serde(default, alias = "spike_times", skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<Vec<f64>>,
    /// A `spikes.npz` of an earlier run, instead of `times`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// Population of that file whose spikes are taken; the name of this one if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub population: Option<String>,
}

/// Input of a population.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stimulus {
    /// Population that gets it.
    pub to: String,
    /// What it gets.
    pub input: Input,
}

/// What a stimulus is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Input {
    /// Events at random times, independent for each neuron, as from many weak sources.
    Poisson {
        /// Rate for each neuron \[Hz\].
        rate: Quantity<Hz>,
        /// Weight of an event in the unit of the receptor.
        weight: Quantity<Strength>,
        /// Receptor; chosen as that of a projection if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        receptor: Option<String>,
        /// Time of the first event at the earliest \[ms\].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start: Option<Quantity<Ms>>,
        /// Time from which there are no more \[ms\].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stop: Option<Quantity<Ms>>,
    },
    /// A constant current for some time, the same for each neuron.
    Step {
        /// Current \[pA\].
        amplitude: Quantity<Pa>,
        /// Begin \[ms\].
        start: Quantity<Ms>,
        /// End \[ms\]; that of the simulation if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stop: Option<Quantity<Ms>>,
    },
    /// A current that changes linearly.
    Ramp {
        /// Current at the begin \[pA\].
        from: Quantity<Pa>,
        /// Current at the end \[pA\].
        to: Quantity<Pa>,
        /// Begin \[ms\].
        start: Quantity<Ms>,
        /// End \[ms\].
        stop: Quantity<Ms>,
    },
    /// A noise current, independent for each neuron.
    Noise {
        /// Mean \[pA\].
        #[serde(default = "default::no_current")]
        mean: Quantity<Pa>,
        /// Standard deviation \[pA\], of white noise that of each step; give this or `sigma`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        std: Option<Quantity<Pa>>,
        /// Strength of white noise \[pA·√ms\], whose deviation in a step is then `sigma / sqrt(dt)`: what it
        /// does to a neuron does not depend on dt.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sigma: Option<Quantity<PaRootMs>>,
        /// Correlation time of an Ornstein–Uhlenbeck process \[ms\]; white noise, a new draw in each
        /// step, if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tau: Option<Quantity<Ms>>,
        /// Begin \[ms\].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start: Option<Quantity<Ms>>,
        /// End \[ms\].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stop: Option<Quantity<Ms>>,
    },
}

/// Pixels as sources.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Images {
    /// How a pixel's intensity becomes input.
    pub encoder: Encoder,
}

/// How a pixel's intensity x, from 0 to 1, becomes input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Encoder {
    /// A Poisson train of rate `max_rate · x`.
    Poisson {
        /// Rate of a white pixel \[Hz\].
        max_rate: Quantity<Hz>,
    },
    /// One spike, the earlier the brighter: at `(1 - x) · window`, none below `cutoff`.
    Latency {
        /// Time of the spike of the darkest pixel \[ms\].
        window: Quantity<Ms>,
        /// Intensity below which a pixel stays silent, from 0 to 1.
        #[serde(default = "default::cutoff")]
        cutoff: f64,
    },
    /// A constant current of `gain · x` times the weight, for the whole presentation.
    Constant {
        /// Factor on the intensity.
        #[serde(default = "default::one")]
        gain: f64,
    },
}

/// Synapses from one population to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Projection {
    /// Name; `from->to` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Presynaptic population.
    #[serde(alias = "pre", alias = "source")]
    pub from: String,
    /// Postsynaptic population.
    #[serde(alias = "post", alias = "target")]
    pub to: String,
    /// Which pairs are connected.
    pub connect: Connect,
    /// Synaptic weights in the unit of the receptor: pA for a current, nS for a conductance, mV for a
    /// jump of the potential. A bare quantity stands for `Constant`.
    #[serde(deserialize_with = "quantity::weight")]
    pub weight: Weight,
    /// Delay from a spike to the start of its current \[ms\], at least one step; one step if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Delay>,
    /// Receptor of the target; if absent its first one, or of `ex` and `in` that of the weight's sign.
    #[serde(default, alias = "receptor_type", skip_serializing_if = "Option::is_none")]
    pub receptor: Option<String>,
    /// By which rule the weights change; `Backprop` in a scene with training, else `Fixed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learn: Option<Learn>,
    /// Whether spikes of a source change what its next ones carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_term: Option<ShortTerm>,
    /// Whether the weights of each target keep their sum.
    #[serde(default, alias = "normalise", skip_serializing_if = "Option::is_none")]
    pub normalize: Option<Normalize>,
    /// Whether the weights of each target are scaled until it has a given rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling: Option<Scaling>,
    /// Whether weak synapses are replaced by new ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewire: Option<Rewire>,
}

impl Projection {
    /// Its name.
    pub fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| format!("{}->{}", self.from, self.to))
    }
}

/// Which pairs of neurons are connected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Connect {
    /// Every pair.
    #[serde(alias = "AllToAll", alias = "all_to_all")]
    Dense,
    /// Every pair but source k and target k, in populations of the same size: lateral inhibition.
    Others,
    /// Every pair with probability `p`, independently.
    #[serde(alias = "Bernoulli", alias = "pairwise_bernoulli")]
    FixedProbability {
        /// Probability of a synapse.
        p: f64,
        /// Whether a neuron may connect to itself.
        #[serde(default = "default::yes", alias = "allow_autapses")]
        autapses: bool,
    },
    /// Each target draws `k` sources.
    #[serde(alias = "fixed_indegree")]
    FixedInDegree {
        /// Incoming synapses of each target.
        #[serde(alias = "indegree")]
        k: u64,
        /// Whether a neuron may connect to itself.
        #[serde(default = "default::yes", alias = "allow_autapses")]
        autapses: bool,
        /// Whether a pair may be connected more than once.
        #[serde(default = "default::yes", alias = "allow_multapses")]
        multapses: bool,
    },
    /// Each source draws `k` targets.
    #[serde(alias = "fixed_outdegree")]
    FixedOutDegree {
        /// Outgoing synapses of each source.
        #[serde(alias = "outdegree")]
        k: u64,
        /// Whether a neuron may connect to itself.
        #[serde(default = "default::yes", alias = "allow_autapses")]
        autapses: bool,
        /// Whether a pair may be connected more than once.
        #[serde(default = "default::yes", alias = "allow_multapses")]
        multapses: bool,
    },
    /// Each source has `k` targets, drawn with multapses, that are nowhere stored but drawn again at
    /// every spike: a projection of any size without memory. For simulation, with one weight and one
    /// delay.
    Procedural {
        /// Outgoing synapses of each source.
        #[serde(alias = "outdegree")]
        k: u64,
        /// Whether a neuron may connect to itself.
        #[serde(default = "default::yes", alias = "allow_autapses")]
        autapses: bool,
    },
    /// `n` synapses, each drawn uniformly from all pairs.
    #[serde(alias = "fixed_total_number")]
    FixedTotalNumber {
        /// Synapses in all.
        n: u64,
        /// Whether a neuron may connect to itself.
        #[serde(default = "default::yes", alias = "allow_autapses")]
        autapses: bool,
        /// Whether a pair may be connected more than once.
        #[serde(default = "default::yes", alias = "allow_multapses")]
        multapses: bool,
    },
    /// Source k with target k, in populations of the same size.
    #[serde(alias = "one_to_one")]
    OneToOne,
    /// Every pair independently, with a probability that depends on its distance.
    Distance {
        /// The probability as a function of distance.
        kernel: DistanceKernel,
        /// Whether a neuron may connect to itself.
        #[serde(default = "default::yes", alias = "allow_autapses")]
        autapses: bool,
        /// Distance beyond which there are no synapses \[µm\]; none if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_distance: Option<Quantity<Um>>,
        /// Whether space closes on itself after `extent`, so that there are no edges. Delays by
        /// distance are then measured in the same way.
        #[serde(default)]
        periodic: bool,
        /// Length of each axis after which it closes \[µm\]; goes with `periodic`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        extent: Option<Vec<Quantity<Um>>>,
    },
    /// The pairs in a `.npy` file of integers, a row (source, target) for each synapse.
    List(PathBuf),
}

/// Probability of a synapse as a function of the distance d.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum DistanceKernel {
    /// `p · exp(-d² / (2 sigma²))`.
    Gaussian {
        /// Probability at distance 0.
        p: f64,
        /// Standard deviation \[µm\].
        sigma: Quantity<Um>,
    },
    /// `p · exp(-d / length)`.
    Exponential {
        /// Probability at distance 0.
        p: f64,
        /// Length over which the probability falls by e \[µm\].
        length: Quantity<Um>,
    },
    /// `p` up to a radius, none beyond.
    Step {
        /// Probability within the radius.
        p: f64,
        /// The radius, itself included \[µm\].
        radius: Quantity<Um>,
    },
}

/// Delays of a projection \[ms\]. What is drawn is drawn for each synapse, rounded to whole steps,
/// and at least one step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub enum Delay {
    /// Normal distribution; what lies below one step or outside the bounds is drawn again.
    Normal {
        /// Mean before anything is drawn again \[ms\].
        mean: Quantity<Ms>,
        /// Standard deviation, likewise \[ms\].
        std: Quantity<Ms>,
        /// Lower bound \[ms\]; one step if absent.
        #[serde(skip_serializing_if = "Option::is_none")]
        min: Option<Quantity<Ms>>,
        /// Upper bound \[ms\]; none if absent.
        #[serde(skip_serializing_if = "Option::is_none")]
        max: Option<Quantity<Ms>>,
    },
    /// Uniform distribution on `[low, high)`.
    Uniform {
        /// Lower bound \[ms\].
        low: Quantity<Ms>,
        /// Upper bound \[ms\].
        high: Quantity<Ms>,
    },
    /// `offset + distance / velocity`.
    Distance {
        /// Delay at distance 0 \[ms\].
        offset: Quantity<Ms>,
        /// Speed of conduction \[m/s\].
        velocity: Quantity<Velocity>,
    },
    /// The same for every synapse.
    #[serde(untagged)]
    Value(Quantity<Ms>),
}

/// Where initial weights come from in the unit of the receptor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Weight {
    /// The same everywhere.
    Constant(Quantity<Strength>),
    /// Normal distribution.
    Normal {
        /// Mean in the unit of the receptor.
        mean: Quantity<Strength>,
        /// Standard deviation in the unit of the receptor.
        std: Quantity<Strength>,
        /// What is drawn below this is drawn again in the unit of the receptor.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<Quantity<Strength>>,
        /// What is drawn above this is drawn again in the unit of the receptor.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<Quantity<Strength>>,
    },
    /// Uniform distribution on `[low, high)`.
    Uniform {
        /// Lower bound in the unit of the receptor.
        low: Quantity<Strength>,
        /// Upper bound in the unit of the receptor.
        high: Quantity<Strength>,
    },
    /// Normal, mean 0, standard deviation `gain / sqrt(in-degree)` units, where one unit is the
    /// weight with which a single input lifts the target from rest to threshold.
    Kaiming {
        /// Factor on the standard deviation.
        #[serde(default = "default::kaiming_gain")]
        gain: f64,
    },
    /// From a `.safetensors` file that an earlier run wrote, by projection name.
    File(PathBuf),
}

/// Learning from data by backpropagation through time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// The samples.
    pub data: Data,
    /// Passes over the training set.
    pub epochs: u64,
    /// Samples per update of the weights.
    pub batch: u64,
    /// Time steps for which a sample is shown.
    pub steps: u64,
    /// Train on the first `limit` samples only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// What is minimised.
    pub loss: Loss,
    /// How gradients change weights; needed by every loss that has gradients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optimizer: Option<Optimizer>,
    /// How the learning rate changes over the training.
    #[serde(default)]
    pub schedule: Schedule,
    /// What stands for the derivative of a spike; needed by every loss that has gradients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surrogate: Option<Surrogate>,
    /// Whether the gradient ignores that a spike resets its own neuron and raises its threshold.
    #[serde(default = "default::yes")]
    pub detach_reset: bool,
    /// Whether each trained neuron's constant current `i_e` is trained too.
    #[serde(default)]
    pub biases: bool,
}

impl Training {
    /// Optimiser and surrogate of a training by gradients.
    ///
    /// # Panics
    /// If there are none, which [`check`] does not let pass.
    pub fn gradient(&self) -> (Optimizer, Surrogate) {
        let both = self.optimizer.zip(self.surrogate);
        both.expect("a checked training by gradients has both")
    }
}

/// A data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Data {
    /// The four IDX files of MNIST, raw or gzipped, in a directory.
    Mnist {
        /// Directory, relative to the scene file.
        dir: PathBuf,
    },
}

/// What training minimises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Loss {
    /// Cross-entropy of the softmax of the readout's potential.
    SoftmaxCrossEntropy {
        /// How the potential over time becomes one number per class.
        #[serde(default)]
        over: Over,
    },
    /// None: the synapses learn by themselves, and each neuron of a population is assigned to the
    /// class for which it spikes most, over the last training samples, with learning switched off. The
    /// answer to a sample is the class whose neurons spike most on average (Diehl & Cook 2015).
    Assignment {
        /// The population.
        population: String,
        /// Training samples by which neurons are assigned.
        samples: u64,
    },
}

impl Loss {
    /// Whether it is minimised by its gradient.
    pub fn is_gradient(&self) -> bool {
        !matches!(self, Self::Assignment { .. })
    }
}

/// How a potential over time becomes one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Over {
    /// Mean over the steps.
    #[default]
    Mean,
    /// Value at the last step.
    Last,
    /// Largest value.
    Max,
}

/// How gradients change weights. Learning rates are in units of each projection (see
/// [`Weight::Kaiming`]), so that the usual values hold whatever the capacitance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Optimizer {
    /// Adam (Kingma & Ba 2015).
    Adam {
        /// Learning rate.
        lr: f64,
        /// Decay of the mean of the gradient.
        #[serde(default = "default::beta1")]
        beta1: f64,
        /// Decay of the mean of its square.
        #[serde(default = "default::beta2")]
        beta2: f64,
        /// Added to the root of that mean.
        #[serde(default = "default::eps")]
        eps: f64,
    },
    /// Stochastic gradient descent.
    Sgd {
        /// Learning rate.
        lr: f64,
        /// Fraction of the last change that is kept.
        #[serde(default)]
        momentum: f64,
    },
}

/// Learning rate over the training.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Schedule {
    /// The same throughout.
    #[default]
    Constant,
    /// Half a cosine from `lr` down to `floor · lr` at the last update.
    Cosine {
        /// Fraction of `lr` at the end.
        #[serde(default)]
        floor: f64,
    },
}

/// Surrogate derivative of a spike, as a function of x = (v - threshold) / (v_th - e_l).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Surrogate {
    /// `1 / (1 + slope |x|)^2`.
    FastSigmoid {
        /// Steepness.
        slope: f64,
    },
    /// `1 / (1 + (pi/2 alpha x)^2) · alpha/2`.
    ArcTan {
        /// Steepness.
        alpha: f64,
    },
    /// `gamma · max(0, 1 - |x|)`.
    Triangle {
        /// Height.
        gamma: f64,
    },
    /// `beta / (1 + beta |x|)^2` (Zenke & Ganguli 2018).
    SuperSpike {
        /// Steepness.
        beta: f64,
    },
    /// `1 / width` where `|x| < width / 2`.
    Boxcar {
        /// Width.
        width: f64,
    },
    /// 1 everywhere.
    StraightThrough,
}

/// What a simulation writes to the run folder.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Time from which spikes count for rates, intervals and figures \[ms\], so that a transient is left out;
    /// the files of spikes and traces have all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Quantity<Ms>>,
    /// Populations whose spikes are written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spikes: Vec<String>,
    /// Populations whose membrane potential is written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traces: Vec<Trace>,
    /// Projections of which weights are written while they change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<WeightTrace>,
    /// Interval at which the concentrations of all modulators are written \[ms\]; not at all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modulators: Option<Quantity<Ms>>,
}

/// A recording of weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightTrace {
    /// Name of the projection.
    pub projection: String,
    /// Which synapses, counted as in `weights.safetensors`; the first ten if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<u64>>,
    /// Interval between samples \[ms\]; every step if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Quantity<Ms>>,
}

/// A recording of membrane potentials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// Whose.
    pub population: String,
    /// Which neurons; the first ten if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<u64>>,
    /// Which state variables, such as `v` or `g_ex`; the potential if absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<String>,
    /// Interval between samples \[ms\]; every step if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Quantity<Ms>>,
}

impl Default for Lif {
    fn default() -> Self {
        Self {
            c_m: Param::value(250.0),
            tau_m: None,
            g_l: None,
            e_l: Param::value(-70.0),
            v_th: Param::value(-55.0),
            v_reset: Param::value(-70.0),
            t_ref: Param::value(2.0),
            tau_syn: Param::value(2.0),
            tau_syn_in: None,
            e_ex: None,
            e_in: None,
            receptors: Vec::new(),
            i_e: Param::value(0.0),
            delta_th: Param::value(0.0),
            tau_rel: Param::value(10.0),
            reset: Reset::Value,
            v_init: None,
        }
    }
}

impl Default for Readout {
    fn default() -> Self {
        Self {
            c_m: Param::value(250.0),
            tau_m: None,
            g_l: None,
            e_l: Param::value(-70.0),
            tau_syn: Param::value(2.0),
            i_e: Param::value(0.0),
            v_unit: Quantity::new(1.0),
        }
    }
}

/// Values that a scene may leave out.
mod default {
    use super::{Pa, Quantity};

    pub fn seed() -> u64 {
        1
    }
    pub fn no_current() -> Quantity<Pa> {
        Quantity::new(0.0)
    }
    pub fn one() -> f64 {
        1.0
    }
    pub fn yes() -> bool {
        true
    }
    pub fn cutoff() -> f64 {
        0.2
    }
    pub fn kaiming_gain() -> f64 {
        std::f64::consts::SQRT_2
    }
    pub fn beta1() -> f64 {
        0.9
    }
    pub fn beta2() -> f64 {
        0.999
    }
    pub fn eps() -> f64 {
        1e-8
    }
}
