//! Words of a scene for synapses that change: rules of plasticity, short-term plasticity,
//! normalisation, modulators, with the rules that they obey.

use super::{Hz, Ms, Mv, Quantity, Strength};
use serde::{Deserialize, Serialize};

/// By which rule the weights of a projection change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Learn {
    /// Not at all.
    Fixed,
    /// By the gradient of the loss.
    Backprop,
    /// By pairs of spikes.
    Stdp(Stdp),
    /// By pairs and triplets of spikes (Pfister & Gerstner 2006).
    Triplet(Triplet),
    /// By spikes of the source and the potential of the target (Clopath et al. 2010).
    Clopath(Clopath),
    /// Towards a rate of the target, for inhibition (Vogels, Sprekeler et al. 2011).
    Vogels(Vogels),
    /// By the product of rates.
    Hebb(Hebb),
    /// By the product of rates, with a decay (Oja 1982).
    Oja(Oja),
    /// By the product of the deviations of rates from their means.
    Covariance(Covariance),
    /// By the product of rates and of the target's distance from a sliding threshold.
    #[serde(alias = "BCM")]
    Bcm(Bcm),
}

/// Which pairs of spikes count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Pairing {
    /// Each spike with all earlier ones of the other side.
    #[default]
    AllToAll,
    /// Each spike with the latest one of the other side.
    Nearest,
}

/// Spike-timing-dependent plasticity of pairs. Amplitudes are in `unit`; negative ones make the rule
/// anti-Hebbian.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stdp {
    /// Change when the target spikes after the source.
    #[serde(default = "a_plus", alias = "A_plus", alias = "lambda")]
    pub a_plus: f64,
    /// Change, downwards, when the target spikes before the source.
    #[serde(default = "a_minus", alias = "A_minus")]
    pub a_minus: f64,
    /// Time constant of the first window \[ms\].
    #[serde(default = "tau")]
    pub tau_plus: Quantity<Ms>,
    /// Time constant of the second window \[ms\].
    #[serde(default = "tau")]
    pub tau_minus: Quantity<Ms>,
    /// Power of the distance to the upper bound with which a rise shrinks; 0 for not at all.
    #[serde(default)]
    pub mu_plus: f64,
    /// Power of the distance to the lower bound with which a fall shrinks.
    #[serde(default)]
    pub mu_minus: f64,
    /// Which pairs count.
    #[serde(default)]
    pub pairing: Pairing,
    /// Least weight.
    #[serde(default = "none")]
    pub w_min: Quantity<Strength>,
    /// Largest weight.
    #[serde(alias = "Wmax", alias = "gmax")]
    pub w_max: Quantity<Strength>,
    /// Weight by which an amplitude of 1 changes; `w_max - w_min` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Quantity<Strength>>,
    /// Time of the source's spike to the synapse \[ms\]; the delay less `dendritic` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub axonal: Option<Quantity<Ms>>,
    /// Time of the target's spike to the synapse \[ms\].
    #[serde(default = "no_time")]
    pub dendritic: Quantity<Ms>,
    /// If spikes only mark the synapse, and a modulator changes its weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eligibility: Option<Eligibility>,
}

/// Plasticity of triplets; the defaults are the full all-to-all set for the visual cortex.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triplet {
    /// Rise by a pair.
    #[serde(default = "a2_plus")]
    pub a2_plus: f64,
    /// Rise by a triplet.
    #[serde(default = "a3_plus")]
    pub a3_plus: f64,
    /// Fall by a pair.
    #[serde(default = "a2_minus")]
    pub a2_minus: f64,
    /// Fall by a triplet.
    #[serde(default = "a3_minus")]
    pub a3_minus: f64,
    /// Time constant of the source's fast trace r1 \[ms\].
    #[serde(default = "tau_r1")]
    pub tau_plus: Quantity<Ms>,
    /// Time constant of the target's fast trace o1 \[ms\].
    #[serde(default = "tau_o1")]
    pub tau_minus: Quantity<Ms>,
    /// Time constant of the source's slow trace r2 \[ms\].
    #[serde(default = "tau_r2")]
    pub tau_x: Quantity<Ms>,
    /// Time constant of the target's slow trace o2 \[ms\].
    #[serde(default = "tau_o2")]
    pub tau_y: Quantity<Ms>,
    /// Which spikes count.
    #[serde(default)]
    pub pairing: Pairing,
    /// Least weight.
    #[serde(default = "none")]
    pub w_min: Quantity<Strength>,
    /// Largest weight.
    pub w_max: Quantity<Strength>,
    /// Weight by which an amplitude of 1 changes; `w_max - w_min` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Quantity<Strength>>,
    /// Time of the source's spike to the synapse \[ms\]; the delay less `dendritic` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub axonal: Option<Quantity<Ms>>,
    /// Time of the target's spike to the synapse \[ms\].
    #[serde(default = "no_time")]
    pub dendritic: Quantity<Ms>,
    /// If spikes only mark the synapse, and a modulator changes its weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eligibility: Option<Eligibility>,
}

/// Plasticity by the potential of the target (Clopath, Büsing, Vasilaki & Gerstner 2010); the defaults are
/// those of the paper for the visual cortex. Amplitudes are in `unit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clopath {
    /// Fall by a spike of the source, for each mV of the target's filtered potential above `theta_minus`.
    #[serde(default = "a_ltd", alias = "A_LTD")]
    pub a_ltd: f64,
    /// Rise for each mV of the potential above `theta_plus` and each mV of its filtered value above
    /// `theta_minus` \[1/mV²\].
    #[serde(default = "a_ltp", alias = "A_LTP")]
    pub a_ltp: f64,
    /// Potential above which the filtered potential changes weights \[mV\].
    #[serde(default = "theta_minus")]
    pub theta_minus: Quantity<Mv>,
    /// Potential above which weights rise \[mV\].
    #[serde(default = "theta_plus")]
    pub theta_plus: Quantity<Mv>,
    /// Time constant of the source's trace \[ms\].
    #[serde(default = "tau_x")]
    pub tau_x: Quantity<Ms>,
    /// Time constant of the filtered potential that lets weights fall \[ms\].
    #[serde(default = "tau_u_minus", alias = "tau_u_bar_minus")]
    pub tau_minus: Quantity<Ms>,
    /// Time constant of the filtered potential that lets weights rise \[ms\].
    #[serde(default = "tau_u_plus", alias = "tau_u_bar_plus")]
    pub tau_plus: Quantity<Ms>,
    /// Time by which the filtered potentials act later, so that a spike does not see itself \[ms\].
    #[serde(default = "delay_u", alias = "delay_u_bars")]
    pub delay_u: Quantity<Ms>,
    /// Potential during a spike of a neuron that is reset \[mV\]; of neurons that are not it is what it is.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "V_clamp")]
    pub v_spike: Option<Quantity<Mv>>,
    /// Duration of such a spike \[ms\].
    #[serde(default = "t_spike", alias = "t_clamp")]
    pub t_spike: Quantity<Ms>,
    /// Mean depolarisation at which the fall is `a_ltd` \[mV\]; it grows with its square. At any if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub u_ref: Option<Quantity<Mv>>,
    /// Time constant over which the mean is taken \[ms\].
    #[serde(default = "tau_u_mean", alias = "tau_u_bar_bar")]
    pub tau_mean: Quantity<Ms>,
    /// Least weight.
    #[serde(default = "none")]
    pub w_min: Quantity<Strength>,
    /// Largest weight.
    pub w_max: Quantity<Strength>,
    /// Weight by which an amplitude of 1 changes; `w_max - w_min` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Quantity<Strength>>,
    /// Time of the source's spike to the synapse \[ms\]; the delay less `dendritic` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub axonal: Option<Quantity<Ms>>,
    /// Time of the target's potential to the synapse \[ms\].
    #[serde(default = "no_time")]
    pub dendritic: Quantity<Ms>,
}

/// Inhibitory plasticity: a pair of spikes in either order strengthens, each spike of the source
/// weakens, so that the target's rate settles at `rho`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vogels {
    /// Change by a pair of spikes at the same time, in the unit of the weight.
    pub eta: Quantity<Strength>,
    /// Rate at which the target settles \[Hz\].
    #[serde(default = "rho", alias = "rho0")]
    pub rho: Quantity<Hz>,
    /// Time constant of the window \[ms\].
    #[serde(default = "tau")]
    pub tau: Quantity<Ms>,
    /// Least weight.
    #[serde(default = "none")]
    pub w_min: Quantity<Strength>,
    /// Largest weight.
    pub w_max: Quantity<Strength>,
    /// Time of the source's spike to the synapse \[ms\]; the delay less `dendritic` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub axonal: Option<Quantity<Ms>>,
    /// Time of the target's spike to the synapse \[ms\].
    #[serde(default = "no_time")]
    pub dendritic: Quantity<Ms>,
}

/// Rates that go together strengthen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hebb {
    /// Change of the weight per second and Hz², in its unit.
    pub eta: f64,
    /// Time constant over which rates are taken \[ms\].
    #[serde(default = "tau_rate")]
    pub tau: Quantity<Ms>,
    /// Interval of the changes \[ms\].
    #[serde(default = "mark_every")]
    pub every: Quantity<Ms>,
    /// Least weight.
    #[serde(default = "none")]
    pub w_min: Quantity<Strength>,
    /// Largest weight.
    pub w_max: Quantity<Strength>,
}

/// Hebb's rule with a decay that keeps the weights of a target finite (Oja 1982).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oja {
    /// Change of the weight per second and Hz², in its unit.
    pub eta: f64,
    /// Time constant over which rates are taken \[ms\].
    #[serde(default = "tau_rate")]
    pub tau: Quantity<Ms>,
    /// Weight of 1 in the rule's decay; `w_max - w_min` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Quantity<Strength>>,
    /// Interval of the changes \[ms\].
    #[serde(default = "mark_every")]
    pub every: Quantity<Ms>,
    /// Least weight.
    #[serde(default = "none")]
    pub w_min: Quantity<Strength>,
    /// Largest weight.
    pub w_max: Quantity<Strength>,
}

/// Deviations of rates from their means that go together strengthen (Sejnowski 1977).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Covariance {
    /// Change of the weight per second and Hz², in its unit.
    pub eta: f64,
    /// Time constant over which rates are taken \[ms\].
    #[serde(default = "tau_rate")]
    pub tau: Quantity<Ms>,
    /// Time constant over which their means are taken \[ms\].
    #[serde(default = "tau_mean")]
    pub tau_mean: Quantity<Ms>,
    /// Interval of the changes \[ms\].
    #[serde(default = "mark_every")]
    pub every: Quantity<Ms>,
    /// Least weight.
    #[serde(default = "none")]
    pub w_min: Quantity<Strength>,
    /// Largest weight.
    pub w_max: Quantity<Strength>,
}

/// Strengthening above a rate of the target that slides with its mean, weakening below (Bienenstock,
/// Cooper & Munro 1982).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bcm {
    /// Change of the weight per second and Hz², in its unit.
    pub eta: f64,
    /// Time constant over which rates are taken \[ms\].
    #[serde(default = "tau_rate")]
    pub tau: Quantity<Ms>,
    /// Time constant over which their means are taken \[ms\].
    #[serde(default = "tau_mean")]
    pub tau_mean: Quantity<Ms>,
    /// Rate at which the threshold equals the rate \[Hz\].
    #[serde(default = "rho_bcm")]
    pub rho: Quantity<Hz>,
    /// Interval of the changes \[ms\].
    #[serde(default = "mark_every")]
    pub every: Quantity<Ms>,
    /// Least weight.
    #[serde(default = "none")]
    pub w_min: Quantity<Strength>,
    /// Largest weight.
    pub w_max: Quantity<Strength>,
}

/// Marks of synapses (Izhikevich 2007).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Eligibility {
    /// Name of the modulator that turns marks into changes.
    pub modulator: String,
    /// Time constant with which marks decay \[ms\].
    #[serde(default = "tau_mark")]
    pub tau: Quantity<Ms>,
    /// Change of the weight per ms, mark and concentration \[1/ms\].
    #[serde(default = "mark_rate")]
    pub rate: f64,
    /// Interval of the changes \[ms\].
    #[serde(default = "mark_every")]
    pub every: Quantity<Ms>,
}

/// Facilitation and depression of synapses by the spikes of their source (Tsodyks & Markram).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShortTerm {
    /// Utilisation at rest, the part of the weight that a first spike carries.
    #[serde(alias = "U")]
    pub u: f64,
    /// Time constant of the recovery from depression \[ms\].
    pub tau_rec: Quantity<Ms>,
    /// Time constant of facilitation \[ms\]; 0 for none.
    #[serde(default = "no_time", alias = "tau_fac")]
    pub tau_facil: Quantity<Ms>,
}

/// Scaling of the weights of each target to a given sum.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalize {
    /// Sum of the magnitudes of the weights of a target, in the unit of the receptor.
    pub sum: Quantity<Strength>,
    /// Interval \[ms\]; in a training before each sample if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Quantity<Ms>>,
}

/// Scaling of the weights of each target towards a rate of it (van Rossum, Bi & Turrigiano 2000).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaling {
    /// The rate \[Hz\].
    pub rho: Quantity<Hz>,
    /// Relative change of a weight per second and Hz.
    pub eta: f64,
    /// Time constant over which the rate is taken \[ms\].
    #[serde(default = "tau_mean")]
    pub tau_mean: Quantity<Ms>,
    /// Interval of the changes \[ms\].
    #[serde(default = "mark_every")]
    pub every: Quantity<Ms>,
}

/// Replacement of weak synapses: each target keeps their number, and finds new sources for them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rewire {
    /// Magnitude of the weight below which a synapse goes, in the unit of the receptor.
    pub below: Quantity<Strength>,
    /// Weight of a new one.
    pub weight: Quantity<Strength>,
    /// Probability with which a weak synapse goes at the end of an interval.
    #[serde(default = "all")]
    pub fraction: f64,
    /// Interval \[ms\].
    pub every: Quantity<Ms>,
}

/// A substance that is released and decays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Modulator {
    /// Time constant of the decay \[ms\].
    pub tau: Quantity<Ms>,
    /// Concentration at rest, and at the start.
    #[serde(default)]
    pub baseline: f64,
    /// What releases it.
    #[serde(default)]
    pub release: Vec<Release>,
    /// What it does, beside turning marks of synapses into changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effect>,
}

/// What a modulator does to a network; slopes are per unit of concentration above rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Effect {
    /// Changes by spikes are multiplied by 1 + slope; a negative factor turns the rule round.
    Learning {
        /// Name of the projection.
        projection: String,
        /// Relative change.
        slope: f64,
    },
    /// What arrives at all receptors of a population is multiplied by 1 + slope, or 0 where that is negative.
    Gain {
        /// The population.
        population: String,
        /// Relative change.
        slope: f64,
    },
    /// The deviation of the noise currents into a population is multiplied by 1 + slope.
    Noise {
        /// The population.
        population: String,
        /// Relative change.
        slope: f64,
    },
    /// The threshold of a population of `Lif` neurons moves.
    Threshold {
        /// The population.
        population: String,
        /// Change \[mV\].
        slope: Quantity<Mv>,
    },
}

impl Effect {
    /// Whether both move the same number.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Learning { projection: a, .. }, Self::Learning { projection: b, .. })
            | (Self::Gain { population: a, .. }, Self::Gain { population: b, .. })
            | (Self::Noise { population: a, .. }, Self::Noise { population: b, .. })
            | (Self::Threshold { population: a, .. }, Self::Threshold { population: b, .. }) => {
                a == b
            }
            _ => false,
        }
    }
}

/// What releases a modulator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Release {
    /// At given times.
    Events {
        /// Times \[ms\], ascending.
        times: Vec<f64>,
        /// By how much the concentration rises each time.
        amount: f64,
    },
    /// With each spike of a population.
    Spikes {
        /// The population.
        population: String,
        /// By how much the concentration rises with each spike.
        amount: f64,
    },
    /// Some time after the target of a synapse spiked shortly after its source, as a reward.
    Pair {
        /// Name of a projection.
        projection: String,
        /// One of its synapses, counted as in `weights.safetensors`: its source is to spike first, its
        /// target next.
        synapse: u64,
        /// Time within which the target must \[ms\].
        within: Quantity<Ms>,
        /// The reward follows at a time that is drawn uniformly from `[low, high)` \[ms\].
        low: Quantity<Ms>,
        /// See `low`.
        high: Quantity<Ms>,
        /// By how much the concentration rises.
        amount: f64,
    },
}

macro_rules! defaults {
    ($($name:ident: $type:ty = $value:expr;)*) => {
        $(fn $name() -> $type {
            $value
        })*
    };
}

defaults! {
    a_plus: f64 = 0.01;
    a_minus: f64 = 0.0105;
    tau: Quantity<Ms> = Quantity::new(20.0);
    none: Quantity<Strength> = Quantity::new(0.0);
    no_time: Quantity<Ms> = Quantity::new(0.0);
    a2_plus: f64 = 5e-10;
    a3_plus: f64 = 6.2e-3;
    a2_minus: f64 = 7e-3;
    a3_minus: f64 = 2.3e-4;
    tau_r1: Quantity<Ms> = Quantity::new(16.8);
    tau_o1: Quantity<Ms> = Quantity::new(33.7);
    tau_r2: Quantity<Ms> = Quantity::new(101.0);
    tau_o2: Quantity<Ms> = Quantity::new(125.0);
    a_ltd: f64 = 14e-5;
    a_ltp: f64 = 8e-5;
    theta_minus: Quantity<Mv> = Quantity::new(-70.6);
    theta_plus: Quantity<Mv> = Quantity::new(-45.3);
    tau_x: Quantity<Ms> = Quantity::new(15.0);
    tau_u_minus: Quantity<Ms> = Quantity::new(10.0);
    tau_u_plus: Quantity<Ms> = Quantity::new(7.0);
    delay_u: Quantity<Ms> = Quantity::new(5.0);
    t_spike: Quantity<Ms> = Quantity::new(2.0);
    tau_u_mean: Quantity<Ms> = Quantity::new(1000.0);
    rho: Quantity<Hz> = Quantity::new(3.0);
    tau_mark: Quantity<Ms> = Quantity::new(1000.0);
    mark_rate: f64 = 1.0;
    mark_every: Quantity<Ms> = Quantity::new(10.0);
    tau_rate: Quantity<Ms> = Quantity::new(100.0);
    tau_mean: Quantity<Ms> = Quantity::new(10_000.0);
    all: f64 = 1.0;
    rho_bcm: Quantity<Hz> = Quantity::new(10.0);
}

/// What rules of plasticity have in common, of one of them.
pub struct Common<'a> {
    /// Word of the scene.
    pub name: &'static str,
    /// Least and largest weight.
    pub bounds: [f64; 2],
    /// Weight that an amplitude of 1 means.
    pub unit: f64,
    /// Time constants by name \[ms\].
    pub times: Vec<(&'static str, f64)>,
    /// Numbers that must be finite, by name.
    pub numbers: Vec<(&'static str, f64)>,
    /// Interval of the changes, of rules of rates.
    pub every: Option<Quantity<Ms>>,
    /// Axonal time, if given \[ms\].
    pub axonal: Option<f64>,
    /// Dendritic time \[ms\].
    pub dendritic: f64,
    /// Marks.
    pub eligibility: Option<&'a Eligibility>,
}

impl Common<'_> {
    /// -1 where all weights stay negative, else 1. What a rule calls a rise is one of the magnitude of such
    /// weights; where the bounds have both signs it is one of the number.
    pub fn sign(&self) -> f64 {
        if self.bounds[1] <= 0.0 { -1.0 } else { 1.0 }
    }
}

impl Learn {
    /// The parts that all local rules share; none of `Fixed` and `Backprop`.
    pub fn common(&self) -> Option<Common<'_>> {
        let bounded = |name, w_min: Quantity<Strength>, w_max: Quantity<Strength>| Common {
            name,
            bounds: [w_min.get(), w_max.get()],
            unit: w_max.get() - w_min.get(),
            times: Vec::new(),
            numbers: Vec::new(),
            every: None,
            axonal: None,
            dendritic: 0.0,
            eligibility: None,
        };
        // Rules of rates know no delays.
        let of_rates = |name, w_min, w_max, eta, every, times| Common {
            unit: 1.0,
            every: Some(every),
            times,
            numbers: vec![("eta", eta)],
            axonal: Some(0.0),
            ..bounded(name, w_min, w_max)
        };
        let mut common = match self {
            Self::Fixed | Self::Backprop => return None,
            Self::Stdp(r) => Common {
                times: vec![("tau_plus", r.tau_plus.get()), ("tau_minus", r.tau_minus.get())],
                numbers: vec![("a_plus", r.a_plus), ("a_minus", r.a_minus)],
                axonal: r.axonal.map(Quantity::get),
                dendritic: r.dendritic.get(),
                eligibility: r.eligibility.as_ref(),
                ..bounded("Stdp", r.w_min, r.w_max)
            },
            Self::Triplet(r) => Common {
                times: vec![
                    ("tau_plus", r.tau_plus.get()),
                    ("tau_minus", r.tau_minus.get()),
                    ("tau_x", r.tau_x.get()),
                    ("tau_y", r.tau_y.get()),
                ],
                numbers: vec![
                    ("a2_plus", r.a2_plus),
                    ("a3_plus", r.a3_plus),
                    ("a2_minus", r.a2_minus),
                    ("a3_minus", r.a3_minus),
                ],
                axonal: r.axonal.map(Quantity::get),
                dendritic: r.dendritic.get(),
                eligibility: r.eligibility.as_ref(),
                ..bounded("Triplet", r.w_min, r.w_max)
            },
            Self::Clopath(r) => Common {
                times: vec![
                    ("tau_x", r.tau_x.get()),
                    ("tau_minus", r.tau_minus.get()),
                    ("tau_plus", r.tau_plus.get()),
                    ("tau_mean", r.tau_mean.get()),
                    ("u_ref", r.u_ref.map_or(1.0, Quantity::get)),
                ],
                numbers: vec![
                    ("a_ltd", r.a_ltd),
                    ("a_ltp", r.a_ltp),
                    ("theta_minus", r.theta_minus.get()),
                    ("theta_plus", r.theta_plus.get()),
                    ("v_spike", r.v_spike.map_or(0.0, Quantity::get)),
                ],
                axonal: r.axonal.map(Quantity::get),
                dendritic: r.dendritic.get(),
                ..bounded("Clopath", r.w_min, r.w_max)
            },
            Self::Vogels(r) => Common {
                unit: 1.0,
                times: vec![("tau", r.tau.get())],
                numbers: vec![("eta", r.eta.get()), ("rho", r.rho.get())],
                axonal: r.axonal.map(Quantity::get),
                dendritic: r.dendritic.get(),
                ..bounded("Vogels", r.w_min, r.w_max)
            },
            Self::Hebb(r) => {
                of_rates("Hebb", r.w_min, r.w_max, r.eta, r.every, vec![("tau", r.tau.get())])
            }
            Self::Oja(r) => {
                of_rates("Oja", r.w_min, r.w_max, r.eta, r.every, vec![("tau", r.tau.get())])
            }
            Self::Covariance(r) => {
                let times = vec![("tau", r.tau.get()), ("tau_mean", r.tau_mean.get())];
                of_rates("Covariance", r.w_min, r.w_max, r.eta, r.every, times)
            }
            Self::Bcm(r) => {
                let times = vec![
                    ("tau", r.tau.get()),
                    ("tau_mean", r.tau_mean.get()),
                    ("rho", r.rho.get()),
                ];
                of_rates("Bcm", r.w_min, r.w_max, r.eta, r.every, times)
            }
        };
        let unit = match self {
            Self::Stdp(r) => r.unit,
            Self::Triplet(r) => r.unit,
            Self::Clopath(r) => r.unit,
            _ => None,
        };
        if let Some(unit) = unit {
            common.unit = unit.get();
        }
        Some(common)
    }
}
