//! Words for neurons beyond the leaky one, and for receptors: what a scene may say of each parameter,
//! with its default and rule.

use crate::declare;
use crate::grammar::{Mm, Ms, Mv, Named, Ns, One, Pa, Param, Pf, Quantity, Strength, Um};

declare! {
    /// Adaptive exponential integrate-and-fire neuron (Brette & Gerstner 2005), exponential Euler steps (NEST
    /// aeif_cond_exp, aeif_psc_exp).
    pub struct Adex: Default {
        /// Membrane capacitance \[pF\].
        c_m | "C_m" | "cm": Param<Pf> [Positive] = 281.0;
        /// Leak conductance \[nS\].
        g_l | "g_L": Param<Ns> [Positive] = 30.0;
        /// Leak reversal \[mV\].
        e_l | "E_L" | "v_rest": Param<Mv> = -70.6;
        /// Potential at which the exponential takes off \[mV\].
        v_th | "V_th" | "v_thresh": Param<Mv> = -50.4;
        /// Slope of the exponential \[mV\].
        delta_t | "Delta_T" | "delta_T": Param<Mv> [Positive] = 2.0;
        /// Potential at which a spike is counted \[mV\].
        v_peak | "V_peak" | "v_spike": Param<Mv> = 0.0;
        /// Potential after a spike \[mV\].
        v_reset | "V_reset": Param<Mv> = -60.0;
        /// Absolute refractory period \[ms\].
        t_ref | "tau_refrac": Param<Ms> [Steps] = 0.0;
        /// Subthreshold adaptation \[nS\].
        a: Param<Ns> = 4.0;
        /// Adaptation per spike \[pA\].
        b: Param<Pa> = 80.5;
        /// Time constant of the adaptation \[ms\].
        tau_w: Param<Ms> [Positive] = 144.0;
        /// Constant current \[pA\].
        i_e | "I_e" | "i_offset": Param<Pa> = 0.0;
        /// Potential at the start \[mV\].
        v_init | "V_m": Param<Mv> = -70.6;

        /// Receptors by name.
        receptors: Named<Receptor> = standard();
    }
}

/// Receptors of a model that names none: excitatory and inhibitory conductances.
fn standard() -> Named<Receptor> {
    let exp = |tau, e_rev| Receptor::Exp {
        tau: Quantity::new(tau),
        e_rev: Some(Quantity::new(e_rev)),
        init: Param::value(0.0),
    };
    Named(vec![("ex".to_owned(), exp(0.2, 0.0)), ("in".to_owned(), exp(2.0, -85.0))])
}

declare! {
    /// Izhikevich's neuron (2003): `v' = 0.04 v^2 + 5 v + 140 - u + i`, `u' = a (b v - u)`; at 30 mV
    /// `v := c`, `u := u + d`. Times are in ms; currents are plain numbers, as in the paper.
    pub struct Izhikevich: Default {
        /// Rate of the recovery \[1/ms\].
        a: Param<One> = 0.02;
        /// Sensitivity of the recovery.
        b: Param<One> = 0.2;
        /// Potential after a spike \[mV\].
        c: Param<Mv> = -65.0;
        /// Recovery after a spike.
        d: Param<One> = 8.0;
        /// Constant current.
        i_e | "I_e" | "i_offset": Param<One> = 0.0;
        /// Potential of a spike \[mV\].
        v_th | "V_th": Param<Mv> = 30.0;
        /// Potential at the start \[mV\]; u starts at b times it.
        v_init | "V_m": Param<Mv> = -65.0;

        /// How a step is taken.
        method: Method = Method::Euler;
        /// Receptors by name.
        receptors: Named<Receptor> = Named(vec![("ex".to_owned(), Receptor::Pulse {})]);
    }
}

declare! {
    /// How a step of Izhikevich's neuron is taken.
    #[derive(Copy, Eq)]
    pub enum Method {
        /// One step of Euler's method for both variables, from the state at its start.
        Euler;
        /// Two half steps for v, then one for u from the new v: the published network code.
        HalfSteps;
    }
}

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
        receptors: Named<Receptor> = standard();
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

declare! {
    /// How spikes that arrive become a current or a conductance. With `e_rev` a receptor is a conductance, and
    /// weights are in nS; without it is a current, in pA. The weight is the peak, whatever the time course. A
    /// conductance is never negative: weights are magnitudes, and whether they inhibit is in `e_rev`; of a `Normal`
    /// what is below 0 is drawn again. Only the `init` of a `Normal` may be below 0, as in published networks,
    /// whose activity it sets off.
    pub enum Receptor {
        /// The potential jumps by the weight \[mV\].
        Delta {};
        /// A current of one step.
        Pulse {};
        /// Exponential decay from the weight.
        Exp {
            /// Time constant \[ms\].
            tau: Quantity<Ms> [Positive];
            /// Reversal potential \[mV\].
            e_rev: Option<Quantity<Mv>>;
            /// Value at the start.
            init: Param<Strength> = 0.0;
        };
        /// `t / tau e^(1 - t / tau)`; its peak is the weight.
        Alpha {
            /// Time constant \[ms\].
            tau: Quantity<Ms> [Positive];
            /// Reversal potential \[mV\].
            e_rev: Option<Quantity<Mv>>;
        };
        /// Difference of two exponentials; its peak is the weight.
        DoubleExp {
            /// Time constant of the rise \[ms\].
            tau_rise: Quantity<Ms> [Positive];
            /// Time constant of the decay \[ms\].
            tau_decay: Quantity<Ms> [Positive];
            /// Reversal potential \[mV\].
            e_rev: Option<Quantity<Mv>>;
        };
        /// Fast glutamate receptor.
        Ampa {
            /// Time constant \[ms\].
            tau: Quantity<Ms> [Positive] = 2.0;
            /// Reversal potential \[mV\].
            e_rev: Quantity<Mv> = 0.0;
        };
        /// Slow glutamate receptor, blocked by magnesium at rest (Jahr & Stevens 1990).
        Nmda {
            /// Time constant of the rise \[ms\].
            tau_rise: Quantity<Ms> [Positive] = 2.0;
            /// Time constant of the decay \[ms\].
            tau_decay: Quantity<Ms> [Positive] = 100.0;
            /// Reversal potential \[mV\].
            e_rev: Quantity<Mv> = 0.0;
            /// Concentration of magnesium \[mM\].
            mg: Quantity<Mm> [NotNegative] = 1.0;
        };
        /// Fast inhibition.
        GabaA {
            /// Time constant \[ms\].
            tau: Quantity<Ms> [Positive] = 10.0;
            /// Reversal potential \[mV\].
            e_rev: Quantity<Mv> = -80.0;
        };
        /// Slow inhibition.
        GabaB {
            /// Time constant of the rise \[ms\].
            tau_rise: Quantity<Ms> [Positive] = 60.0;
            /// Time constant of the decay \[ms\].
            tau_decay: Quantity<Ms> [Positive] = 200.0;
            /// Reversal potential \[mV\].
            e_rev: Quantity<Mv> = -95.0;
        };
    }
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
}
