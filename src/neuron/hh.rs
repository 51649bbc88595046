//! Hodgkin–Huxley neurons in the words of a scene. The kernel of [`super::channels`] has the equations,
//! [`super::library`] what a word for a channel means.

use super::channels as kernel;
use super::library::channel;
use super::model::{Drawn, Neuron, Refused, at};
use super::receptor::{self, Receptor};
use super::stepped::Stepped;
use crate::declare;
use crate::grammar::{Judge, Mm, Ms, Mv, Named, Ns, Pa, Param, Pf, Quantity, Um, is_name};
use std::path::Path;
use std::sync::Arc;

/// Charge of a mole of electrons \[C\].
const FARADAY: f64 = 96485.33212;

/// Gas constant \[J / (mol K)\].
const GAS: f64 = 8.314462618;

declare! {
    /// Hodgkin–Huxley neuron: a membrane with any list of ion channels. Gates and potential are staggered by half a
    /// step, of second order.
    pub struct Hh: Default {
        /// Membrane capacitance \[pF\].
        c_m | "C_m" | "cm": Param<Pf> [Positive] = 1.0;
        /// Constant current \[pA\].
        i_e | "I_e" | "i_offset": Param<Pa> = 0.0;
        /// Potential whose crossing from below is a spike \[mV\].
        v_th | "V_th" | "v_thresh": Param<Mv> = 0.0;
        /// Time after a spike in which no other is counted; the neuron's own refractoriness is in its
        /// channels \[ms\].
        t_ref | "tau_refrac": Param<Ms> [Steps] = 0.0;
        /// Potential at the start \[mV\].
        v_init | "V_m": Param<Mv> = -65.0;

        /// Channels by name.
        channels: Named<Channel> = Named::none();
        /// Calcium below the membrane, which channels bring or are opened by.
        calcium: Option<Calcium>;
        /// Concentrations of sodium and potassium that move, with pump, glia and diffusion.
        ions: Option<Ions>;
        /// Receptors by name.
        receptors: Named<Receptor> = receptor::standard();
    }
}

declare! {
    /// Potassium outside and sodium inside the cell, with the sodium–potassium pump, uptake by glia, and
    /// diffusion to a bath (Cressman et al. 2009, erratum 2011). Concentrations in mM, their rates in mM/s.
    pub struct Ions: Default {
        /// Change of a concentration per current \[mM/s per pA\]; the default is for a membrane of 100 µm²,
        /// on which 1 pA is 1 µA/cm².
        gamma: f64 [Positive] = 0.044494542;
        /// Volume inside the cell over the volume outside.
        beta: f64 [Positive] = 7.0;
        /// Sodium and potassium inside together.
        inside: f64 [Positive] = 158.0;
        /// Sodium outside when that inside is `sodium_rest`.
        sodium_outside: f64 [Positive] = 144.0;
        /// Sodium inside at rest.
        sodium_rest: f64 = 18.0;
        /// Strength of the pump.
        rho: f64 [NotNegative] = 1.25;
        /// Uptake by glia.
        glia: f64 [NotNegative] = 200.0 / 3.0;
        /// Diffusion to the bath \[1/s\].
        epsilon: f64 [NotNegative] = 4.0 / 3.0;
        /// Potassium of the bath.
        k_bath: f64 [NotNegative] = 4.0;
        /// RT / F \[mV\].
        thermal: f64 [Positive] = 26.64;
        /// Potassium outside at the start.
        potassium_init: f64 [Positive] = 4.0;
        /// Sodium inside at the start.
        sodium_init: f64 [Positive] = 18.0;
    }
}

declare! {
    /// The ion that the current of a channel is made of.
    #[derive(Copy, Eq)]
    pub enum Ion {
        /// Calcium of the pool.
        Calcium;
        /// Potassium of `ions`.
        Potassium;
        /// Sodium of `ions`.
        Sodium;
    }
}

declare! {
    /// A pool of calcium: `d[Ca]/dt = -i_Ca / (2 F depth area) - ([Ca] - rest) / tau`, the influx never
    /// negative.
    pub struct Calcium {
        /// Area of the membrane \[µm²\], of which the pool lies below; give this or `gamma`.
        area: Option<f64> [Positive];
        /// Rise per current and time \[mM / (pA ms)\].
        gamma: Option<f64> [Positive];
        /// Depth of the pool \[µm\].
        depth: Quantity<Um> [Positive] = 1.0;
        /// Time constant of the decay \[ms\].
        tau: Quantity<Ms> [Positive] = 5.0;
        /// Concentration at rest \[mM\].
        rest: Quantity<Mm> [NotNegative] = 2.4e-4;
        /// Concentration outside \[mM\].
        outside: Quantity<Mm> [Positive] = 2.0;
        /// Temperature \[degrees Celsius\].
        celsius: f64 = 36.0;
    }
}

declare! {
    /// An ion channel. `g` is the conductance of all open, `e_rev` the reversal potential. Gates of Na, K, M, CaT
    /// and CaL start shut, others at their steady state.
    pub enum Channel {
        /// Always open.
        Leak {
            /// Conductance \[nS\].
            g: Param<Ns> [NotNegative];
            /// Reversal potential \[mV\].
            e_rev: Param<Mv> = -65.0;
        };
        /// Fast sodium of cortical cells, m³h (Traub & Miles 1991).
        Na {
            /// Conductance \[nS\].
            g: Param<Ns> [NotNegative];
            /// Reversal potential \[mV\].
            e_rev: Param<Mv> = 50.0;
            /// Shift of the rates, which sets the threshold \[mV\].
            shift | "V_T" | "v_t": Quantity<Mv> = -63.0;
        };
        /// Delayed potassium of cortical cells, n⁴ (Traub & Miles 1991).
        K {
            /// Conductance \[nS\].
            g: Param<Ns> [NotNegative];
            /// Reversal potential \[mV\].
            e_rev: Param<Mv> = -90.0;
            /// Shift of the rates \[mV\].
            shift | "V_T" | "v_t": Quantity<Mv> = -63.0;
        };
        /// Sodium of the squid's giant axon, m³h (Hodgkin & Huxley 1952).
        NaSquid {
            /// Conductance \[nS\].
            g: Param<Ns> [NotNegative];
            /// Reversal potential \[mV\].
            e_rev: Param<Mv> = 50.0;
            /// Factor on the rates for the temperature, 1 at 6.3 °C.
            phi: f64 = 1.0;
        };
        /// Potassium of the squid's giant axon, n⁴ (Hodgkin & Huxley 1952).
        KSquid {
            /// Conductance \[nS\].
            g: Param<Ns> [NotNegative];
            /// Reversal potential \[mV\].
            e_rev: Param<Mv> = -77.0;
            /// Factor on the rates for the temperature, 1 at 6.3 °C.
            phi: f64 = 1.0;
        };
        /// Slow potassium, the M current, p (Yamada et al. 1989; Pospischil et al. 2008).
        M {
            /// Conductance \[nS\].
            g: Param<Ns> [NotNegative];
            /// Reversal potential \[mV\].
            e_rev: Param<Mv> = -90.0;
            /// Largest time constant \[ms\].
            tau_max: Quantity<Ms> = 1000.0;
        };
        /// T-type calcium, m²h with m at its steady state (Huguenard & McCormick 1992; Pospischil 2008). Its
        /// reversal potential follows the pool of calcium.
        CaT {
            /// Conductance \[nS\].
            g: Param<Ns> [NotNegative];
            /// Shift of the potential \[mV\].
            shift: Quantity<Mv> = 2.0;
        };
        /// L-type calcium, q²r (Reuveni et al. 1993; Pospischil 2008). Its reversal potential follows the
        /// pool of calcium.
        CaL {
            /// Conductance \[nS\].
            g: Param<Ns> [NotNegative];
        };
        /// Potassium opened by calcium, the afterhyperpolarisation: (\[Ca\] / (\[Ca\] + half))^power.
        KCa {
            /// Conductance \[nS\].
            g: Param<Ns> [NotNegative];
            /// Reversal potential \[mV\].
            e_rev: Param<Mv> = -90.0;
            /// Concentration of half opening \[mM\].
            half: Quantity<Mm> = 0.001;
            /// Power.
            power: u32 = 2u32;
        };
        /// A channel of your own.
        Custom {
            /// Conductance \[nS\].
            g: Param<Ns> [NotNegative];
            /// Reversal potential \[mV\]; give this or `ion`.
            e_rev: Option<Param<Mv>>;
            /// The ion whose concentrations set the reversal potential, and which its current moves.
            ion: Option<Ion>;
            /// Whether its current brings calcium into the pool, whatever the reversal potential.
            calcium: bool = false;
            /// Whether its current is too small to count for the potential, and only brings calcium.
            silent: bool = false;
            /// Gates by name, whose product opens the channel.
            gates: Named<Gate>;
        };
    }
}

declare! {
    /// A gate of a channel of your own.
    pub enum Gate {
        /// dx/dt = alpha (1 - x) - beta x.
        Rates {
            /// Power.
            power: u32 = 1u32;
            /// Rate of opening.
            alpha: Rate;
            /// Rate of closing.
            beta: Rate;
            /// Whether it is always at its steady state.
            instant: bool = false;
            /// Value at the start; the steady state if absent.
            init: Option<f64>;
        };
        /// dx/dt = (x_inf - x) / tau with x_inf = 1 / (1 + e^(-(v - v0) / k)) and a constant tau.
        Relaxation {
            /// Power.
            power: u32 = 1u32;
            /// Potential of half opening \[mV\].
            v0: f64;
            /// Slope \[mV\].
            k: f64;
            /// Time constant \[ms\].
            tau: f64 [Positive];
        };
        /// x = 1 / (1 + e^(-(v - v0) / k)) at once.
        Instant {
            /// Power.
            power: u32 = 1u32;
            /// Potential of half opening \[mV\].
            v0: f64;
            /// Slope \[mV\].
            k: f64;
        };
        /// x = \[Ca\] / (\[Ca\] + half) at once.
        Opened {
            /// Power.
            power: u32 = 1u32;
            /// Concentration of half opening \[mM\].
            half: f64 [Positive];
        };
    }
}

declare! {
    /// A rate of a gate \[1/ms\], a function of x = (v - v0) / k.
    #[derive(Copy)]
    pub enum Rate {
        /// `rate · e^x`.
        Exp {
            /// Factor \[1/ms\].
            rate: f64;
            /// Potential at x = 0 \[mV\].
            v0: f64;
            /// Scale \[mV\].
            k: f64;
        };
        /// `rate / (1 + e^-x)`.
        Sigmoid {
            /// Factor \[1/ms\].
            rate: f64;
            /// Potential at x = 0 \[mV\].
            v0: f64;
            /// Scale \[mV\].
            k: f64;
        };
        /// `rate · x / (1 - e^-x)`.
        Linoid {
            /// Factor \[1/ms\].
            rate: f64;
            /// Potential at x = 0 \[mV\].
            v0: f64;
            /// Scale \[mV\].
            k: f64;
        };
    }
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
}

impl Neuron for Hh {
    fn receptors(&self) -> Vec<(String, Receptor)> {
        self.receptors.to_vec()
    }

    fn check(&self, path: &str, judge: &mut dyn Judge) {
        if self.channels.is_empty() {
            let help = "write `channels: {\"leak\": Leak(g: 10, e_rev: -65)}` at least";
            judge.fault_with_help(path, "a membrane without channels has no potential", help);
        }
        for (name, channel) in &self.channels {
            let path = format!("{path}.channels.{name}");
            if !is_name(name) {
                judge.fault(&path, format!("`{}` is not a name", name.escape_default()));
            }
            if channel.needs_calcium() && self.calcium.is_none() {
                let help = "add `calcium: (area: ...)`, the area of the membrane in µm²";
                judge.fault_with_help(&path, "this channel needs a pool of calcium", help);
            }
            if channel.needs_ions() && self.ions.is_none() {
                let help = "add `ions: (k_bath: 8)`";
                judge.fault_with_help(
                    &path,
                    "this channel needs moving sodium and potassium",
                    help,
                );
            }
            if let Channel::Custom { e_rev, ion, .. } = channel
                && e_rev.is_some() == ion.is_some()
            {
                let message = "a channel has either `e_rev` or an `ion` that sets it";
                judge.fault_with_help(format!("{path}.e_rev"), message, "give one of them");
            }
            if let Channel::Custom { gates, .. } = channel {
                for (gate_name, gate) in gates {
                    let path = format!("{path}.gates.{gate_name}");
                    let (power, slopes) = match *gate {
                        Gate::Rates { power, alpha, beta, .. } => {
                            let k = |rate: Rate| match rate {
                                Rate::Exp { k, .. }
                                | Rate::Sigmoid { k, .. }
                                | Rate::Linoid { k, .. } => k,
                            };
                            (power, vec![k(alpha), k(beta)])
                        }
                        Gate::Relaxation { power, k, .. } | Gate::Instant { power, k, .. } => {
                            (power, vec![k])
                        }
                        Gate::Opened { power, .. } => (power, vec![]),
                    };
                    if slopes.contains(&0.0) {
                        judge.fault(format!("{path}.k"), "a slope `k` of 0 mV divides by zero");
                    }
                    if !(1..=8).contains(&power) {
                        judge.fault(format!("{path}.power"), format!("{power} is not from 1 to 8"));
                    }
                }
            }
        }
        if let Some(calcium) = &self.calcium
            && calcium.area.is_some() == calcium.gamma.is_some()
        {
            let message = "give `area` in µm² or `gamma` in mM / (pA ms)";
            judge.fault(format!("{path}.calcium"), message);
        }
    }

    fn make(&self, dt: f64, drawn: &Drawn) -> Result<Arc<dyn Stepped>, Refused> {
        let p = |name: &str, k: usize| drawn.of(name, k);
        let strength = |channel: &str, field: &str, k: usize| {
            drawn.find(&format!("channels.{channel}.{field}")).map_or(0.0, |values| *at(values, k))
        };
        let (receptors, init) = receptor::ports(&self.receptors, drawn)?;
        let cells = (0..drawn.count())
            .map(|k| kernel::Cell {
                c_m: p("c_m", k),
                i_e: p("i_e", k),
                v_th: p("v_th", k),
                t_ref: (p("t_ref", k) / dt).round(),
                v_init: p("v_init", k),
                channels: (self.channels.iter())
                    .map(|(name, _)| [strength(name, "g", k), strength(name, "e_rev", k)])
                    .collect(),
            })
            .collect();
        let pool = self.calcium.as_ref().map(|calcium| kernel::Pool {
            // 1 pA is 1e-12 C/s; 2 F C bring one mole of calcium; 1 µm³ is 1e-15 l; mM per ms.
            gamma: calcium.gamma.unwrap_or_else(|| {
                let volume = calcium.area.unwrap_or(1.0) * calcium.depth.get() * 1e-15;
                1e-12 / (2.0 * FARADAY * volume)
            }),
            tau: calcium.tau.get(),
            rest: calcium.rest.get(),
            outside: calcium.outside.get(),
            thermal: 1e3 * GAS * (calcium.celsius + 273.15) / (2.0 * FARADAY),
        });
        let channels = self.channels.iter().map(|(name, kind)| channel(name, kind)).collect();
        let ions = self.ions.as_ref().map(|i| kernel::Ions {
            gamma: i.gamma,
            beta: i.beta,
            inside: i.inside,
            sodium_outside: i.sodium_outside,
            sodium_rest: i.sodium_rest,
            rho: i.rho,
            glia: i.glia,
            epsilon: i.epsilon,
            bath: i.k_bath,
            thermal: i.thermal,
            potassium_init: i.potassium_init,
            sodium_init: i.sodium_init,
        });
        Ok(Arc::new(kernel::Membrane { dt, cells, channels, pool, ions, receptors, init }))
    }

    fn shows_spikes(&self) -> bool {
        true
    }

    fn load_bias(&mut self, file: &Path) {
        self.i_e.load(file);
    }
}
