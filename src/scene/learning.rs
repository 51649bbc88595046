//! Words of a scene for synapses that change: rules of plasticity, short-term plasticity,
//! normalisation, modulators, with the rules that they obey.

use super::Stretch;
use crate::grammar::{Hz, Ms, Mv, Quantity, Strength};
use crate::plasticity::rates::OfRates;
pub use crate::plasticity::scaling::Scaling;
use crate::{declare, rate_rules};

macro_rules! learn {
    ($($(#[doc = $doc:literal])+ $file:ident::$word:ident $(| $alias:literal)*;)*) => {
        declare! {
            /// By which rule the weights of a projection change. A spike carries the weight before its own change. Spikes
            /// of both sides in the same step do not see each other; those of sources change weights before those of
            /// targets. Where w_max <= 0 a projection is inhibitory, and all rules act on the magnitude of its weights: a
            /// rise, by a_plus, a_ltp or eta, is one of the magnitude, which is bounded by -w_max and -w_min, and mu_plus
            /// shrinks it towards -w_min. With bounds of both signs rules act on the number. `normalize` and `scaling` keep
            /// the sign. In a training by gradients weights keep still for a batch, and get the sum of all changes of its
            /// samples after it, within the bounds; `Stdp`, `Triplet`, `Vogels` and `Hebb` can do that.
            pub enum Learn {
                /// Not at all.
                Fixed;
                /// By the gradient of the loss.
                Backprop;
                /// By pairs of spikes.
                Stdp(Stdp);
                /// By pairs and triplets of spikes (Pfister & Gerstner 2006).
                Triplet(Triplet);
                /// By spikes of the source and the potential of the target (Clopath et al. 2010).
                Clopath(Clopath);
                /// Towards a rate of the target, for inhibition (Vogels, Sprekeler et al. 2011).
                Vogels(Vogels);
                $($(#[doc = $doc])+ $word $(| $alias)* ($word);)*
            }
        }

        $(pub use crate::plasticity::$file::$word;)*

        impl Learn {
            /// The rule, if it is one of rates.
            pub fn of_rates(&self) -> Option<&dyn OfRates> {
                match self {
                    $(Self::$word(rule) => Some(rule),)*
                    _ => None,
                }
            }
        }
    };
}

rate_rules!(learn);

declare! {
    /// Which pairs of spikes count.
    #[derive(Copy, Eq)]
    pub enum Pairing {
        /// Each spike with all earlier ones of the other side.
        AllToAll;
        /// Each spike with the latest one of the other side.
        Nearest;
    }
}

declare! {
    /// Spike-timing-dependent plasticity of pairs. Amplitudes are in `unit`; negative ones make the rule
    /// anti-Hebbian.
    pub struct Stdp {
        /// Change when the target spikes after the source.
        a_plus | "A_plus" | "lambda": f64 = 0.01;
        /// Change, downwards, when the target spikes before the source.
        a_minus | "A_minus": f64 = 0.0105;
        /// Time constant of the first window \[ms\].
        tau_plus: Quantity<Ms> [Positive] = 20.0;
        /// Time constant of the second window \[ms\].
        tau_minus: Quantity<Ms> [Positive] = 20.0;
        /// Power of the distance to the upper bound with which a rise shrinks: 0 additive, 1 multiplicative (Gütig
        /// et al. 2003).
        mu_plus: f64 [NotNegative] = 0.0;
        /// Power of the distance to the lower bound with which a fall shrinks.
        mu_minus: f64 [NotNegative] = 0.0;
        /// Which pairs count.
        pairing: Pairing = Pairing::AllToAll;
        /// Least weight.
        w_min: Quantity<Strength> = 0.0;
        /// Largest weight.
        w_max | "Wmax" | "gmax": Quantity<Strength>;
        /// Weight by which an amplitude of 1 changes; `w_max - w_min` if absent.
        unit: Option<Quantity<Strength>>;
        /// Time of the source's spike to the synapse; the delay less `dendritic` if absent, 0 for times at the
        /// somata, as where there are no delays \[ms\].
        axonal: Option<Quantity<Ms>> [Moment];
        /// Time of the target's spike to the synapse \[ms\].
        dendritic: Quantity<Ms> [Moment] = 0.0;
        /// If spikes only mark the synapse, and a modulator changes its weight.
        eligibility: Option<Eligibility>;
    }
}

declare! {
    /// Plasticity of triplets; the defaults are the full all-to-all set for the visual cortex.
    pub struct Triplet {
        /// Rise by a pair.
        a2_plus: f64 = 5e-10;
        /// Rise by a triplet.
        a3_plus: f64 = 6.2e-3;
        /// Fall by a pair.
        a2_minus: f64 = 7e-3;
        /// Fall by a triplet.
        a3_minus: f64 = 2.3e-4;
        /// Time constant of the source's fast trace r1 \[ms\].
        tau_plus: Quantity<Ms> [Positive] = 16.8;
        /// Time constant of the target's fast trace o1 \[ms\].
        tau_minus: Quantity<Ms> [Positive] = 33.7;
        /// Time constant of the source's slow trace r2 \[ms\].
        tau_x: Quantity<Ms> [Positive] = 101.0;
        /// Time constant of the target's slow trace o2 \[ms\].
        tau_y: Quantity<Ms> [Positive] = 125.0;
        /// Which spikes count.
        pairing: Pairing = Pairing::AllToAll;
        /// Least weight.
        w_min: Quantity<Strength> = 0.0;
        /// Largest weight.
        w_max: Quantity<Strength>;
        /// Weight by which an amplitude of 1 changes; `w_max - w_min` if absent.
        unit: Option<Quantity<Strength>>;
        /// Time of the source's spike to the synapse; the delay less `dendritic` if absent, 0 for times at the
        /// somata, as where there are no delays \[ms\].
        axonal: Option<Quantity<Ms>> [Moment];
        /// Time of the target's spike to the synapse \[ms\].
        dendritic: Quantity<Ms> [Moment] = 0.0;
        /// If spikes only mark the synapse, and a modulator changes its weight.
        eligibility: Option<Eligibility>;
    }
}

declare! {
    /// Plasticity by the potential of the target (Clopath, Büsing, Vasilaki & Gerstner 2010); the defaults are
    /// those of the paper for the visual cortex. Amplitudes are in `unit`.
    pub struct Clopath {
        /// Fall by a spike of the source, for each mV of the target's filtered potential above `theta_minus`.
        a_ltd | "A_LTD": f64 = 14e-5;
        /// Rise for each mV of the potential above `theta_plus` and each mV of its filtered value above
        /// `theta_minus` \[1/mV²\].
        a_ltp | "A_LTP": f64 = 8e-5;
        /// Potential above which the filtered potential changes weights \[mV\].
        theta_minus: Quantity<Mv> = -70.6;
        /// Potential above which weights rise \[mV\].
        theta_plus: Quantity<Mv> = -45.3;
        /// Time constant of the source's trace \[ms\].
        tau_x: Quantity<Ms> [Positive] = 15.0;
        /// Time constant of the filtered potential that lets weights fall \[ms\].
        tau_minus | "tau_u_bar_minus": Quantity<Ms> [Positive] = 10.0;
        /// Time constant of the filtered potential that lets weights rise \[ms\].
        tau_plus | "tau_u_bar_plus": Quantity<Ms> [Positive] = 7.0;
        /// Time by which the filtered potentials act later, so that a spike does not see itself \[ms\].
        delay_u | "delay_u_bars": Quantity<Ms> [Steps] = 5.0;
        /// Potential during a spike of a neuron that is reset, 33 if absent; that of Hh is what it is \[mV\].
        v_spike | "V_clamp": Option<Quantity<Mv>>;
        /// Duration of such a spike \[ms\].
        t_spike | "t_clamp": Quantity<Ms> = 2.0;
        /// Mean depolarisation at which the fall is `a_ltd` \[mV\]; it grows with its square. At any if absent.
        u_ref: Option<Quantity<Mv>> [Positive];
        /// Time constant over which the mean is taken \[ms\].
        tau_mean | "tau_u_bar_bar": Quantity<Ms> [Positive] = 1000.0;
        /// Least weight.
        w_min: Quantity<Strength> = 0.0;
        /// Largest weight.
        w_max: Quantity<Strength>;
        /// Weight by which an amplitude of 1 changes; `w_max - w_min` if absent.
        unit: Option<Quantity<Strength>>;
        /// Time of the source's spike to the synapse; the delay less `dendritic` if absent, 0 for times at the
        /// somata, as where there are no delays \[ms\].
        axonal: Option<Quantity<Ms>> [Moment];
        /// Time of the target's potential to the synapse \[ms\].
        dendritic: Quantity<Ms> [Moment] = 0.0;
    }
}

declare! {
    /// Inhibitory plasticity: a pair of spikes in either order strengthens, each spike of the source
    /// weakens, so that the target's rate settles at `rho`.
    pub struct Vogels {
        /// Change by a pair of spikes at the same time, in the unit of the weight.
        eta: Quantity<Strength>;
        /// Rate at which the target settles \[Hz\].
        rho | "rho0": Quantity<Hz> = 3.0;
        /// Time constant of the window \[ms\].
        tau: Quantity<Ms> [Positive] = 20.0;
        /// Least weight.
        w_min: Quantity<Strength> = 0.0;
        /// Largest weight.
        w_max: Quantity<Strength>;
        /// Time of the source's spike to the synapse; the delay less `dendritic` if absent, 0 for times at the
        /// somata, as where there are no delays \[ms\].
        axonal: Option<Quantity<Ms>> [Moment];
        /// Time of the target's spike to the synapse \[ms\].
        dendritic: Quantity<Ms> [Moment] = 0.0;
    }
}

declare! {
    /// Marks of synapses: the weight changes by rate x concentration x mark (Izhikevich 2007).
    pub struct Eligibility {
        /// Name of the modulator that turns marks into changes.
        modulator: String;
        /// Time constant with which marks decay \[ms\].
        tau: Quantity<Ms> [Positive] = 1000.0;
        /// Change of the weight per ms, mark and concentration \[1/ms\].
        rate: f64 = 1.0;
        /// Interval of the changes \[ms\].
        every: Quantity<Ms> [Interval] = 10.0;
    }
}

declare! {
    /// Facilitation and depression of synapses by the spikes of their source: one carries weight x u x (Tsodyks &
    /// Markram 1997).
    #[derive(Copy)]
    pub struct ShortTerm {
        /// Utilisation at rest, the part of the weight that a first spike carries.
        u | "U": f64 [Fraction];
        /// Time constant of the recovery from depression \[ms\].
        tau_rec: Quantity<Ms> [Positive];
        /// Time constant of facilitation \[ms\]; 0 for none.
        tau_facil | "tau_fac": Quantity<Ms> [NotNegative] = 0.0;
    }
}

declare! {
    /// Scaling of the weights of each target to a given sum of their magnitudes, at the end of each interval.
    #[derive(Copy)]
    pub struct Normalize {
        /// Sum of the magnitudes of the weights of a target, in the unit of the receptor.
        sum: Quantity<Strength> [Positive];
        /// Interval \[ms\]; in a training before each sample if absent.
        every: Option<Quantity<Ms>> [Interval];
    }
}

declare! {
    /// Structural plasticity: at the end of each interval weak synapses go, and their targets find other sources,
    /// drawn from those that they have no synapse from, and never themselves, with the new weight and the old
    /// delay.
    #[derive(Copy)]
    pub struct Rewire {
        /// Magnitude of the weight below which a synapse goes, in the unit of the receptor.
        below: Quantity<Strength> [Positive];
        /// Weight of a new one.
        weight: Quantity<Strength>;
        /// Probability with which a weak synapse goes at the end of an interval.
        fraction: f64 [Fraction] = 1.0;
        /// Interval \[ms\].
        every: Quantity<Ms> [Interval];
    }
}

declare! {
    /// A substance that is released and decays. In a training by gradients it is released anew for each sample, has effects
    /// on gains, and gradients go through it to the neurons that release it, to which nothing of what it acts on may lead back.
    pub struct Modulator {
        /// Time constant of the decay \[ms\].
        tau: Quantity<Ms> [Positive];
        /// Concentration at rest, and at the start.
        baseline: f64 = 0.0;
        /// What releases it.
        release: Vec<Release> = vec![];
        /// What it does, beside turning marks of synapses into changes.
        effects: Vec<Effect> = vec![];
    }
}

declare! {
    /// What a modulator does to a network; slopes are per unit of concentration above rest.
    pub enum Effect {
        /// Changes by spikes are multiplied by 1 + slope; a negative factor turns the rule round.
        Learning {
            /// Name of the projection.
            projection: String;
            /// Relative change.
            slope: f64;
        };
        /// What arrives at the receptors of a population is multiplied by 1 + slope, or 0 where that is negative. Gradients
        /// have the same factor; in a training by them those of several effects multiply.
        Gain {
            /// The population.
            population: String;
            /// One of its receptors; all if absent. That of a projection alone makes it the gain of the projection.
            receptor: Option<String>;
            /// Which of its neurons, in a training by gradients; all if absent.
            neurons: Option<Stretch>;
            /// Relative change.
            slope: f64;
        };
        /// The deviation of the noise currents into a population is multiplied by 1 + slope.
        Noise {
            /// The population.
            population: String;
            /// Relative change.
            slope: f64;
        };
        /// The threshold of a population of `Lif` neurons moves.
        Threshold {
            /// The population.
            population: String;
            /// Change \[mV\].
            slope: Quantity<Mv>;
        };
    }
}

impl Effect {
    /// Whether both move the same number.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Gain { population: a, receptor: of_a, .. },
                Self::Gain { population: b, receptor: of_b, .. },
            ) => a == b && (of_a.is_none() || of_b.is_none() || of_a == of_b),
            (Self::Learning { projection: a, .. }, Self::Learning { projection: b, .. })
            | (Self::Noise { population: a, .. }, Self::Noise { population: b, .. })
            | (Self::Threshold { population: a, .. }, Self::Threshold { population: b, .. }) => {
                a == b
            }
            _ => false,
        }
    }
}

declare! {
    /// What releases a modulator.
    pub enum Release {
        /// At given times.
        Events {
            /// Times \[ms\], ascending.
            times: Vec<f64>;
            /// By how much the concentration rises each time.
            amount: f64;
        };
        /// With each spike of a population.
        Spikes {
            /// The population.
            population: String;
            /// By how much the concentration rises with each spike.
            amount: f64;
        };
        /// Some time after the target of a synapse spiked shortly after its source, as a reward.
        Pair {
            /// Name of a projection.
            projection: String;
            /// One of its synapses, counted as in `weights.safetensors`: its source is to spike first, its
            /// target next.
            synapse: u64;
            /// Time within which the target must \[ms\].
            within: Quantity<Ms> [Positive];
            /// The reward follows at a time that is drawn uniformly from `[low, high)` \[ms\].
            low: Quantity<Ms> [Positive];
            /// See `low`.
            high: Quantity<Ms>;
            /// By how much the concentration rises.
            amount: f64;
        };
    }
}

/// What rules of plasticity have in common, of one of them.
pub struct Common<'a> {
    /// Word of the scene.
    pub name: &'static str,
    /// Least and largest weight.
    pub bounds: [f64; 2],
    /// Weight that an amplitude of 1 means.
    pub unit: f64,
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
        let bounded = |w_min: Quantity<Strength>, w_max: Quantity<Strength>| Common {
            name: self.word(),
            bounds: [w_min.get(), w_max.get()],
            unit: w_max.get() - w_min.get(),
            axonal: None,
            dendritic: 0.0,
            eligibility: None,
        };
        if let Some(rule) = self.of_rates() {
            // Rules of rates know no delays.
            let [w_min, w_max] = rule.bounds().map(Quantity::new);
            let common = bounded(w_min, w_max);
            return Some(Common { unit: 1.0, axonal: Some(0.0), ..common });
        }
        let mut common = match self {
            Self::Fixed | Self::Backprop => return None,
            Self::Stdp(r) => Common {
                axonal: r.axonal.map(Quantity::get),
                dendritic: r.dendritic.get(),
                eligibility: r.eligibility.as_ref(),
                ..bounded(r.w_min, r.w_max)
            },
            Self::Triplet(r) => Common {
                axonal: r.axonal.map(Quantity::get),
                dendritic: r.dendritic.get(),
                eligibility: r.eligibility.as_ref(),
                ..bounded(r.w_min, r.w_max)
            },
            Self::Clopath(r) => Common {
                axonal: r.axonal.map(Quantity::get),
                dendritic: r.dendritic.get(),
                ..bounded(r.w_min, r.w_max)
            },
            Self::Vogels(r) => Common {
                unit: 1.0,
                axonal: r.axonal.map(Quantity::get),
                dendritic: r.dendritic.get(),
                ..bounded(r.w_min, r.w_max)
            },
            _ => unreachable!("rules of rates were seen to"),
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
