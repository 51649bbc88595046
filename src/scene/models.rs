//! Words for neurons beyond the leaky one, and for receptors: what a scene may say of each parameter,
//! with its unit, default and rule. One list for each model serves parsing, checks, drawing and files.

use super::quantity::{
    self, Dimension, Mm, Ms, Mv, Ns, One, Pa, Param, Pf, Quantity, Strength, Um,
};
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use std::path::PathBuf;

/// What holds for every value of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Above zero.
    Positive,
    /// Zero or above.
    NotNegative,
    /// Finite.
    Any,
}

impl Rule {
    /// The rule in words, if a value breaks it.
    pub fn broken(self, value: f64) -> Option<&'static str> {
        let single = value as f32;
        match self {
            _ if !single.is_finite() => Some("it must be finite"),
            Self::Positive if single <= 0.0 => Some("it must be positive"),
            Self::NotNegative if value < 0.0 => Some("it must not be negative"),
            _ => None,
        }
    }
}

/// A parameter whose dimension does not matter.
pub trait AnyParam: Debug {
    /// The parameter, its quantities in the unit of its dimension.
    fn plain(&self) -> Param<One>;
    /// The file that it is read from.
    fn file_mut(&mut self) -> Option<&mut PathBuf>;
}

impl<D: Dimension> AnyParam for Param<D> {
    fn plain(&self) -> Param<One> {
        let plain = |q: &Quantity<D>| Quantity::new(q.get());
        match self {
            Self::Normal { mean, std } => Param::Normal { mean: plain(mean), std: plain(std) },
            Self::Uniform { low, high } => Param::Uniform { low: plain(low), high: plain(high) },
            Self::Power { base, scale, exponent, draw } => Param::Power {
                base: plain(base),
                scale: plain(scale),
                exponent: *exponent,
                draw: *draw,
            },
            Self::File(file) => Param::File(file.clone()),
            Self::Value(value) => Param::Value(plain(value)),
        }
    }

    fn file_mut(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::File(path) => Some(path),
            _ => None,
        }
    }
}

/// The parameters of a model by name, for what treats all alike.
pub trait Parameters {
    /// Name, value and rule of each, in the order of their definition.
    fn parameters(&self) -> Vec<(&'static str, Param<One>, Rule)>;
    /// Each, to resolve files.
    fn parameters_mut(&mut self) -> Vec<&mut dyn AnyParam>;
}

macro_rules! model {
    ($(#[$doc:meta])* pub struct $name:ident {
        $($(#[$fdoc:meta])* $field:ident: $dim:ident = $default:literal, $rule:ident;)*
    } plus {
        $($(#[$pdoc:meta])* $plus:ident: $type:ty = $value:expr;)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $($(#[$fdoc])* pub $field: Param<$dim>,)*
            $($(#[$pdoc])* pub $plus: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: Param::value($default),)* $($plus: $value,)* }
            }
        }

        impl Parameters for $name {
            fn parameters(&self) -> Vec<(&'static str, Param<One>, Rule)> {
                vec![$((stringify!($field), self.$field.plain(), Rule::$rule)),*]
            }
            fn parameters_mut(&mut self) -> Vec<&mut dyn AnyParam> {
                vec![$(&mut self.$field),*]
            }
        }
    };
}

model! {
    /// Adaptive exponential integrate-and-fire neuron (Brette & Gerstner 2005).
    pub struct Adex {
        /// Membrane capacitance \[pF\].
        #[serde(alias = "C_m", alias = "cm")]
        c_m: Pf = 281.0, Positive;
        /// Leak conductance \[nS\].
        #[serde(alias = "g_L")]
        g_l: Ns = 30.0, Positive;
        /// Leak reversal \[mV\].
        #[serde(alias = "E_L", alias = "v_rest")]
        e_l: Mv = -70.6, Any;
        /// Potential at which the exponential takes off \[mV\].
        #[serde(alias = "V_th", alias = "v_thresh")]
        v_th: Mv = -50.4, Any;
        /// Slope of the exponential \[mV\].
        #[serde(alias = "Delta_T", alias = "delta_T")]
        delta_t: Mv = 2.0, Positive;
        /// Potential at which a spike is counted \[mV\].
        #[serde(alias = "V_peak", alias = "v_spike")]
        v_peak: Mv = 0.0, Any;
        /// Potential after a spike \[mV\].
        #[serde(alias = "V_reset")]
        v_reset: Mv = -60.0, Any;
        /// Absolute refractory period \[ms\].
        #[serde(alias = "tau_refrac")]
        t_ref: Ms = 0.0, NotNegative;
        /// Subthreshold adaptation \[nS\].
        a: Ns = 4.0, Any;
        /// Adaptation per spike \[pA\].
        b: Pa = 80.5, Any;
        /// Time constant of the adaptation \[ms\].
        tau_w: Ms = 144.0, Positive;
        /// Constant current \[pA\].
        #[serde(alias = "I_e", alias = "i_offset")]
        i_e: Pa = 0.0, Any;
        /// Potential at the start \[mV\].
        #[serde(alias = "V_m")]
        v_init: Mv = -70.6, Any;
    } plus {
        /// Receptors by name.
        #[serde(with = "quantity::named")]
        receptors: Vec<(String, Receptor)> = standard();
    }
}

/// Receptors of a model that names none: excitatory and inhibitory conductances.
fn standard() -> Vec<(String, Receptor)> {
    let exp = |tau, e_rev| Receptor::Exp {
        tau: Quantity::new(tau),
        e_rev: Some(Quantity::new(e_rev)),
        init: Param::value(0.0),
    };
    vec![("ex".to_owned(), exp(0.2, 0.0)), ("in".to_owned(), exp(2.0, -85.0))]
}

model! {
    /// Izhikevich's neuron (2003): `v' = 0.04 v^2 + 5 v + 140 - u + i`, `u' = a (b v - u)`; at 30 mV
    /// `v := c`, `u := u + d`. Times are in ms; currents are plain numbers, as in the paper.
    pub struct Izhikevich {
        /// Rate of the recovery \[1/ms\].
        a: One = 0.02, Any;
        /// Sensitivity of the recovery.
        b: One = 0.2, Any;
        /// Potential after a spike \[mV\].
        c: Mv = -65.0, Any;
        /// Recovery after a spike.
        d: One = 8.0, Any;
        /// Constant current.
        #[serde(alias = "I_e", alias = "i_offset")]
        i_e: One = 0.0, Any;
        /// Potential of a spike \[mV\].
        #[serde(alias = "V_th")]
        v_th: Mv = 30.0, Any;
        /// Potential at the start \[mV\]; u starts at b times it.
        #[serde(alias = "V_m")]
        v_init: Mv = -65.0, Any;
    } plus {
        /// How a step is taken.
        method: Method = Method::Euler;
        /// Receptors by name.
        #[serde(with = "quantity::named")]
        receptors: Vec<(String, Receptor)> = vec![("ex".to_owned(), Receptor::Pulse {})];
    }
}

/// How a step of Izhikevich's neuron is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// One step of Euler's method for both variables, from the state at its start.
    Euler,
    /// Two half steps for v, then one for u from the new v: the published network code.
    HalfSteps,
}

model! {
    /// Hodgkin–Huxley neuron: a membrane with any list of ion channels.
    pub struct Hh {
        /// Membrane capacitance \[pF\].
        #[serde(alias = "C_m", alias = "cm")]
        c_m: Pf = 1.0, Positive;
        /// Constant current \[pA\].
        #[serde(alias = "I_e", alias = "i_offset")]
        i_e: Pa = 0.0, Any;
        /// Potential whose crossing from below is a spike \[mV\].
        #[serde(alias = "V_th", alias = "v_thresh")]
        v_th: Mv = 0.0, Any;
        /// Time after a spike in which no other is counted; the neuron's own refractoriness is in its
        /// channels \[ms\].
        #[serde(alias = "tau_refrac")]
        t_ref: Ms = 0.0, NotNegative;
        /// Potential at the start \[mV\].
        #[serde(alias = "V_m")]
        v_init: Mv = -65.0, Any;
    } plus {
        /// Channels by name.
        #[serde(with = "quantity::named")]
        channels: Vec<(String, Channel)> = Vec::new();
        /// Calcium below the membrane, which channels bring or are opened by.
        #[serde(skip_serializing_if = "Option::is_none")]
        calcium: Option<Calcium> = None;
        /// Concentrations of sodium and potassium that move, with pump, glia and diffusion.
        #[serde(skip_serializing_if = "Option::is_none")]
        ions: Option<Ions> = None;
        /// Receptors by name.
        #[serde(with = "quantity::named")]
        receptors: Vec<(String, Receptor)> = standard();
    }
}

/// Potassium outside and sodium inside the cell, with the sodium–potassium pump, uptake by glia, and
/// diffusion to a bath (Cressman et al. 2009, erratum 2011). Concentrations in mM, their rates in mM/s.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ions {
    /// Change of a concentration per current \[mM/s per pA\]; the default is for a membrane of 100 µm²,
    /// on which 1 pA is 1 µA/cm².
    pub gamma: f64,
    /// Volume inside the cell over the volume outside.
    pub beta: f64,
    /// Sodium and potassium inside together.
    pub inside: f64,
    /// Sodium outside when that inside is `sodium_rest`.
    pub sodium_outside: f64,
    /// Sodium inside at rest.
    pub sodium_rest: f64,
    /// Strength of the pump.
    pub rho: f64,
    /// Uptake by glia.
    pub glia: f64,
    /// Diffusion to the bath \[1/s\].
    pub epsilon: f64,
    /// Potassium of the bath.
    pub k_bath: f64,
    /// RT / F \[mV\].
    pub thermal: f64,
    /// Potassium outside at the start.
    pub potassium_init: f64,
    /// Sodium inside at the start.
    pub sodium_init: f64,
}

impl Default for Ions {
    fn default() -> Self {
        Self {
            gamma: 0.044494542,
            beta: 7.0,
            inside: 158.0,
            sodium_outside: 144.0,
            sodium_rest: 18.0,
            rho: 1.25,
            glia: 200.0 / 3.0,
            epsilon: 4.0 / 3.0,
            k_bath: 4.0,
            thermal: 26.64,
            potassium_init: 4.0,
            sodium_init: 18.0,
        }
    }
}

/// The ion that the current of a channel is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ion {
    /// Calcium of the pool.
    Calcium,
    /// Potassium of `ions`.
    Potassium,
    /// Sodium of `ions`.
    Sodium,
}

/// A pool of calcium: `d[Ca]/dt = -i_Ca / (2 F depth area) - ([Ca] - rest) / tau`, the influx never
/// negative.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calcium {
    /// Area of the membrane \[µm²\], of which the pool lies below; give this or `gamma`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<f64>,
    /// Rise per current and time \[mM / (pA ms)\].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gamma: Option<f64>,
    /// Depth of the pool \[µm\].
    #[serde(default = "calcium_depth")]
    pub depth: Quantity<Um>,
    /// Time constant of the decay \[ms\].
    #[serde(default = "calcium_tau")]
    pub tau: Quantity<Ms>,
    /// Concentration at rest \[mM\].
    #[serde(default = "calcium_rest")]
    pub rest: Quantity<Mm>,
    /// Concentration outside \[mM\].
    #[serde(default = "calcium_outside")]
    pub outside: Quantity<Mm>,
    /// Temperature \[degrees Celsius\].
    #[serde(default = "body_temperature")]
    pub celsius: f64,
}

fn body_temperature() -> f64 {
    36.0
}

/// An ion channel. `g` is the conductance of all open \[nS\], `e_rev` the reversal potential \[mV\].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Channel {
    /// Always open.
    Leak {
        /// Conductance \[nS\].
        g: Param<Ns>,
        /// Reversal potential \[mV\].
        #[serde(default = "e_leak")]
        e_rev: Param<Mv>,
    },
    /// Fast sodium of cortical cells, m³h (Traub & Miles 1991).
    Na {
        /// Conductance \[nS\].
        g: Param<Ns>,
        /// Reversal potential \[mV\].
        #[serde(default = "e_na")]
        e_rev: Param<Mv>,
        /// Shift of the rates, which sets the threshold \[mV\].
        #[serde(default = "traub_shift", alias = "V_T", alias = "v_t")]
        shift: Quantity<Mv>,
    },
    /// Delayed potassium of cortical cells, n⁴ (Traub & Miles 1991).
    K {
        /// Conductance \[nS\].
        g: Param<Ns>,
        /// Reversal potential \[mV\].
        #[serde(default = "e_k")]
        e_rev: Param<Mv>,
        /// Shift of the rates \[mV\].
        #[serde(default = "traub_shift", alias = "V_T", alias = "v_t")]
        shift: Quantity<Mv>,
    },
    /// Sodium of the squid's giant axon, m³h (Hodgkin & Huxley 1952).
    NaSquid {
        /// Conductance \[nS\].
        g: Param<Ns>,
        /// Reversal potential \[mV\].
        #[serde(default = "e_na")]
        e_rev: Param<Mv>,
        /// Factor on the rates for the temperature, 1 at 6.3 °C.
        #[serde(default = "one")]
        phi: f64,
    },
    /// Potassium of the squid's giant axon, n⁴ (Hodgkin & Huxley 1952).
    KSquid {
        /// Conductance \[nS\].
        g: Param<Ns>,
        /// Reversal potential \[mV\].
        #[serde(default = "e_k_squid")]
        e_rev: Param<Mv>,
        /// Factor on the rates for the temperature, 1 at 6.3 °C.
        #[serde(default = "one")]
        phi: f64,
    },
    /// Slow potassium, the M current, p (Yamada et al. 1989; Pospischil et al. 2008).
    M {
        /// Conductance \[nS\].
        g: Param<Ns>,
        /// Reversal potential \[mV\].
        #[serde(default = "e_k")]
        e_rev: Param<Mv>,
        /// Largest time constant \[ms\].
        #[serde(default = "m_tau")]
        tau_max: Quantity<Ms>,
    },
    /// T-type calcium, m²h with m at its steady state (Huguenard & McCormick 1992; Pospischil 2008). Its
    /// reversal potential follows the pool of calcium.
    CaT {
        /// Conductance \[nS\].
        g: Param<Ns>,
        /// Shift of the potential \[mV\].
        #[serde(default = "t_shift")]
        shift: Quantity<Mv>,
    },
    /// L-type calcium, q²r (Reuveni et al. 1993; Pospischil 2008). Its reversal potential follows the
    /// pool of calcium.
    CaL {
        /// Conductance \[nS\].
        g: Param<Ns>,
    },
    /// Potassium opened by calcium, the afterhyperpolarisation: (\[Ca\] / (\[Ca\] + half))^power.
    KCa {
        /// Conductance \[nS\].
        g: Param<Ns>,
        /// Reversal potential \[mV\].
        #[serde(default = "e_k")]
        e_rev: Param<Mv>,
        /// Concentration of half opening \[mM\].
        #[serde(default = "kca_half")]
        half: Quantity<Mm>,
        /// Power.
        #[serde(default = "kca_power")]
        power: u32,
    },
    /// A channel of your own.
    Custom {
        /// Conductance \[nS\].
        g: Param<Ns>,
        /// Reversal potential \[mV\]; give this or `ion`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        e_rev: Option<Param<Mv>>,
        /// The ion whose concentrations set the reversal potential, and which its current moves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ion: Option<Ion>,
        /// Whether its current brings calcium into the pool, whatever the reversal potential.
        #[serde(default)]
        calcium: bool,
        /// Whether its current is too small to count for the potential, and only brings calcium.
        #[serde(default)]
        silent: bool,
        /// Gates by name, whose product opens the channel.
        #[serde(with = "quantity::named")]
        gates: Vec<(String, Gate)>,
    },
}

/// A gate of a channel of your own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Gate {
    /// dx/dt = alpha (1 - x) - beta x.
    Rates {
        /// Power.
        #[serde(default = "power")]
        power: u32,
        /// Rate of opening.
        alpha: Rate,
        /// Rate of closing.
        beta: Rate,
        /// Whether it is always at its steady state.
        #[serde(default)]
        instant: bool,
        /// Value at the start; the steady state if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        init: Option<f64>,
    },
    /// dx/dt = (x_inf - x) / tau with x_inf = 1 / (1 + e^(-(v - v0) / k)) and a constant tau.
    Relaxation {
        /// Power.
        #[serde(default = "power")]
        power: u32,
        /// Potential of half opening \[mV\].
        v0: f64,
        /// Slope \[mV\].
        k: f64,
        /// Time constant \[ms\].
        tau: f64,
    },
    /// x = 1 / (1 + e^(-(v - v0) / k)) at once.
    Instant {
        /// Power.
        #[serde(default = "power")]
        power: u32,
        /// Potential of half opening \[mV\].
        v0: f64,
        /// Slope \[mV\].
        k: f64,
    },
    /// x = \[Ca\] / (\[Ca\] + half) at once.
    Opened {
        /// Power.
        #[serde(default = "power")]
        power: u32,
        /// Concentration of half opening \[mM\].
        half: f64,
    },
}

/// A rate of a gate \[1/ms\], a function of x = (v - v0) / k.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Rate {
    /// `rate · e^x`.
    Exp {
        /// Factor \[1/ms\].
        rate: f64,
        /// Potential at x = 0 \[mV\].
        v0: f64,
        /// Scale \[mV\].
        k: f64,
    },
    /// `rate / (1 + e^-x)`.
    Sigmoid {
        /// Factor \[1/ms\].
        rate: f64,
        /// Potential at x = 0 \[mV\].
        v0: f64,
        /// Scale \[mV\].
        k: f64,
    },
    /// `rate · x / (1 - e^-x)`.
    Linoid {
        /// Factor \[1/ms\].
        rate: f64,
        /// Potential at x = 0 \[mV\].
        v0: f64,
        /// Scale \[mV\].
        k: f64,
    },
}

fn one() -> f64 {
    1.0
}
fn power() -> u32 {
    1
}
fn kca_power() -> u32 {
    2
}
fn e_leak() -> Param<Mv> {
    Param::value(-65.0)
}
fn e_na() -> Param<Mv> {
    Param::value(50.0)
}
fn e_k() -> Param<Mv> {
    Param::value(-90.0)
}
fn e_k_squid() -> Param<Mv> {
    Param::value(-77.0)
}

impl Channel {
    /// Conductance, and reversal potential unless that follows calcium.
    pub fn strength(&self) -> (&Param<Ns>, Option<&Param<Mv>>) {
        match self {
            Self::Leak { g, e_rev }
            | Self::Na { g, e_rev, .. }
            | Self::K { g, e_rev, .. }
            | Self::NaSquid { g, e_rev, .. }
            | Self::KSquid { g, e_rev, .. }
            | Self::M { g, e_rev, .. }
            | Self::KCa { g, e_rev, .. } => (g, Some(e_rev)),
            Self::CaT { g, .. } | Self::CaL { g } => (g, None),
            Self::Custom { g, e_rev, .. } => (g, e_rev.as_ref()),
        }
    }

    /// Whether it needs a pool of calcium.
    pub fn needs_calcium(&self) -> bool {
        match self {
            Self::CaT { .. } | Self::CaL { .. } | Self::KCa { .. } => true,
            Self::Custom { ion, calcium, gates, .. } => {
                *calcium
                    || *ion == Some(Ion::Calcium)
                    || gates.iter().any(|(_, gate)| matches!(gate, Gate::Opened { .. }))
            }
            _ => false,
        }
    }

    /// Whether it needs moving sodium and potassium.
    pub fn needs_ions(&self) -> bool {
        matches!(self, Self::Custom { ion: Some(Ion::Potassium | Ion::Sodium), .. })
    }

    /// The files of its parameters.
    pub fn files_mut(&mut self) -> Vec<&mut PathBuf> {
        let (g, e_rev) = match self {
            Self::Leak { g, e_rev }
            | Self::Na { g, e_rev, .. }
            | Self::K { g, e_rev, .. }
            | Self::NaSquid { g, e_rev, .. }
            | Self::KSquid { g, e_rev, .. }
            | Self::M { g, e_rev, .. }
            | Self::KCa { g, e_rev, .. } => (g, Some(e_rev)),
            Self::CaT { g, .. } | Self::CaL { g } => (g, None),
            Self::Custom { g, e_rev, .. } => (g, e_rev.as_mut()),
        };
        g.file_mut().into_iter().chain(e_rev.and_then(|e| e.file_mut())).collect()
    }
}

/// How spikes that arrive become a current or a conductance. With `e_rev` a receptor is a
/// conductance, and weights are in nS; without it is a current, in pA.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Receptor {
    /// The potential jumps by the weight \[mV\].
    Delta {},
    /// A current of one step.
    Pulse {},
    /// Exponential decay from the weight.
    Exp {
        /// Time constant \[ms\].
        tau: Quantity<Ms>,
        /// Reversal potential \[mV\].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        e_rev: Option<Quantity<Mv>>,
        /// Value at the start.
        #[serde(default = "zero")]
        init: Param<Strength>,
    },
    /// `t / tau e^(1 - t / tau)`; its peak is the weight.
    Alpha {
        /// Time constant \[ms\].
        tau: Quantity<Ms>,
        /// Reversal potential \[mV\].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        e_rev: Option<Quantity<Mv>>,
    },
    /// Difference of two exponentials; its peak is the weight.
    DoubleExp {
        /// Time constant of the rise \[ms\].
        tau_rise: Quantity<Ms>,
        /// Time constant of the decay \[ms\].
        tau_decay: Quantity<Ms>,
        /// Reversal potential \[mV\].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        e_rev: Option<Quantity<Mv>>,
    },
    /// Fast glutamate receptor.
    Ampa {
        /// Time constant \[ms\].
        #[serde(default = "ampa_tau")]
        tau: Quantity<Ms>,
        /// Reversal potential \[mV\].
        #[serde(default = "e_excitation")]
        e_rev: Quantity<Mv>,
    },
    /// Slow glutamate receptor, blocked by magnesium at rest (Jahr & Stevens 1990).
    Nmda {
        /// Time constant of the rise \[ms\].
        #[serde(default = "nmda_rise")]
        tau_rise: Quantity<Ms>,
        /// Time constant of the decay \[ms\].
        #[serde(default = "nmda_decay")]
        tau_decay: Quantity<Ms>,
        /// Reversal potential \[mV\].
        #[serde(default = "e_excitation")]
        e_rev: Quantity<Mv>,
        /// Concentration of magnesium \[mM\].
        #[serde(default = "magnesium")]
        mg: Quantity<Mm>,
    },
    /// Fast inhibition.
    GabaA {
        /// Time constant \[ms\].
        #[serde(default = "gaba_tau")]
        tau: Quantity<Ms>,
        /// Reversal potential \[mV\].
        #[serde(default = "e_inhibition")]
        e_rev: Quantity<Mv>,
    },
    /// Slow inhibition.
    GabaB {
        /// Time constant of the rise \[ms\].
        #[serde(default = "gabab_rise")]
        tau_rise: Quantity<Ms>,
        /// Time constant of the decay \[ms\].
        #[serde(default = "gabab_decay")]
        tau_decay: Quantity<Ms>,
        /// Reversal potential \[mV\].
        #[serde(default = "e_potassium")]
        e_rev: Quantity<Mv>,
    },
}

fn zero() -> Param<Strength> {
    Param::value(0.0)
}

macro_rules! quantities {
    ($($name:ident: $dim:ident = $value:literal;)*) => {
        $(fn $name() -> Quantity<$dim> {
            Quantity::new($value)
        })*
    };
}

quantities! {
    ampa_tau: Ms = 2.0;
    nmda_rise: Ms = 2.0;
    nmda_decay: Ms = 100.0;
    gaba_tau: Ms = 10.0;
    gabab_rise: Ms = 60.0;
    gabab_decay: Ms = 200.0;
    e_excitation: Mv = 0.0;
    e_inhibition: Mv = -80.0;
    e_potassium: Mv = -95.0;
    magnesium: Mm = 1.0;
    traub_shift: Mv = -63.0;
    m_tau: Ms = 1000.0;
    t_shift: Mv = 2.0;
    kca_half: Mm = 0.001;
    calcium_depth: Um = 1.0;
    calcium_tau: Ms = 5.0;
    calcium_rest: Mm = 2.4e-4;
    calcium_outside: Mm = 2.0;
}

impl Receptor {
    /// Whether it is a conductance rather than a current.
    pub fn is_conductance(&self) -> bool {
        self.reversal().is_some()
    }

    /// Its reversal potential, if it is a conductance \[mV\].
    pub fn reversal(&self) -> Option<f64> {
        let e_rev = match self {
            Self::Delta {} | Self::Pulse {} => return None,
            Self::Exp { e_rev, .. } | Self::Alpha { e_rev, .. } | Self::DoubleExp { e_rev, .. } => {
                *e_rev
            }
            Self::Ampa { e_rev, .. }
            | Self::Nmda { e_rev, .. }
            | Self::GabaA { e_rev, .. }
            | Self::GabaB { e_rev, .. } => Some(*e_rev),
        };
        e_rev.map(Quantity::get)
    }

    /// Time constants by name, which must be positive.
    pub fn times(&self) -> Vec<(&'static str, f64)> {
        match self {
            Self::Delta {} | Self::Pulse {} => vec![],
            Self::Exp { tau, .. } | Self::Alpha { tau, .. } => vec![("tau", tau.get())],
            Self::Ampa { tau, .. } | Self::GabaA { tau, .. } => vec![("tau", tau.get())],
            Self::DoubleExp { tau_rise, tau_decay, .. }
            | Self::Nmda { tau_rise, tau_decay, .. }
            | Self::GabaB { tau_rise, tau_decay, .. } => {
                vec![("tau_rise", tau_rise.get()), ("tau_decay", tau_decay.get())]
            }
        }
    }
}
