//! Hodgkin–Huxley neurons: a membrane with any list of ion channels, a step at a time.
//!
//! ```text
//!   c_m dv/dt = i_e + i(t) + sum_c g_c x_c (e_c - v) + sum_r g_r B_r(v) (e_r - v)
//!   x_c = product of its gates, each to a power
//!   dx/dt = alpha(v) (1 - x) - beta(v) x       or       dx/dt = (x_inf(v) - x) / tau(v)
//!   d[Ca]/dt = -gamma i_Ca (not below 0) - ([Ca] - rest) / tau      e_Ca = RT/2F ln(out / [Ca])
//! ```
//! Where ions move, sodium inside and potassium outside the cell have a state too, and the reversal
//! potentials of their channels follow (Cressman et al. 2009, erratum 2011):
//! ```text
//!   tau d[K]o/dt  = gamma beta i_K - 2 beta pump - glia - epsilon ([K]o - bath)
//!   tau d[Na]i/dt = -gamma i_Na - 3 pump           [K]i = sum - [Na]i,  [Na]o = out - beta ([Na]i - in)
//!   pump = rho / (1 + e^((25 - [Na]i) / 3)) / (1 + e^(5.5 - [K]o))     glia = G / (1 + e^((18 - [K]o) / 2.5))
//! ```
//! A step changes a concentration by less than a float of its size can show, so these always have a second
//! float ([`crate::slow`]); potential, gates and calcium have one where they need it.
//!
//! A channel is data, not code: a maximal conductance, a reversal potential, and gates with rates of
//! three forms, each times a factor, of x = (v - v0) / k:
//! ```text
//!   0: e^x        1: 1 / (1 + e^-x)        2: x / (1 - e^-x)
//! ```
//! so that one kernel serves every cell, and a scene may define channels that nobody thought of.
//!
//! Gates and potential are staggered by half a step: gates go from t - dt/2 to t + dt/2 with the
//! rates at v(t), then v goes from t to t + dt with the gates of its middle. Each move is exact for
//! what it holds fixed (an exponential), so the scheme is stable at any dt and of second order at
//! the cost of the first (Hines 1984; Rush & Larsen 1978). Gates without a state of their own follow the
//! potential; where there are some, v is moved twice, the second time with these at the middle of the
//! first move. Synaptic conductances are those at t.
//!
//! A spike is a crossing of `v_th` from below; `t_ref` only keeps the next from being counted.
//! Potentials are absolute.
//!
//! The adjoint goes back in the other order: receptors, potential (its second move, then its first), gates. With G the
//! conductance, V = pull / G and F = e^(-G dt / c_m) - 1 a move v' = v + (v - V) F has pull_bar = -F / G c_bar and G_bar =
//! (V F / G - dt / c_m (v - V) (F + 1)) c_bar, which are gradients by each channel's conductance and reversal
//! potential, by each of its gates (the product of the others), calcium and ions. A gate x' = x_inf + (x - x_inf) e^z, z = -dt /
//! tau, has x_bar := e^z x_bar, x_inf_bar = (1 - e^z) x_bar and z_bar = (x - x_inf) e^z x_bar, and both go to v by the
//! derivatives of the rates.
//!
//! By the numbers of a neuron, summed over moves: (dt / c_m)_bar = -G (v - V) (F + 1) c_bar; g_c_bar = x_c times the
//! gradient by the channel's conductance g_c x_c, and e_c_bar unless ions set it; v_th_bar = -u_bar, i_e_bar that by the
//! current; t_ref has none.
//!
//! The file is long with the equations and what kernels read of them; the twin is in `twin` and `gates`.

mod gates;
mod twin;

use super::frame;
use super::model::at;
use super::receptor::{self, Port};
use super::stepped::{
    SLOW_OWN, SLOW_POTENTIAL, SLOW_RECEPTORS, Stepped, Trained, Variable, receptor_variables,
};
use crate::input::poisson_drive::event;
use crate::kernel::*;
use crate::record::sample::sampled;
use crate::slow::{fall, is_slow};
use crate::{framed, numbers, params};
pub use twin::Model;

// ---- a membrane -----------------------------------------------------------------------------------

/// How a rate depends on the potential: `factor · form((v - v0) / k)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Which form.
    pub form: Form,
    /// Factor \[1/ms\].
    pub factor: f64,
    /// Potential at which x is zero \[mV\].
    pub v0: f64,
    /// Change of the potential that changes x by one \[mV\].
    pub k: f64,
}

/// Forms of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// e^x.
    Exp,
    /// 1 / (1 + e^-x).
    Sigmoid,
    /// x / (1 - e^-x), which is 1 at 0.
    Linoid,
}

impl Rate {
    /// The rate at potential `v` \[1/ms\].
    pub fn at(&self, v: f64) -> f64 {
        let x = (v - self.v0) / self.k;
        self.factor
            * match self.form {
                Form::Exp => x.exp(),
                Form::Sigmoid => 1.0 / (1.0 + (-x).exp()),
                Form::Linoid if x.abs() < 1e-5 => 1.0 + x / 2.0,
                Form::Linoid => -x / (-x).exp_m1(),
            }
    }

    fn values(&self) -> [f64; rate::COUNT] {
        let form = match self.form {
            Form::Exp => 0.0,
            Form::Sigmoid => 1.0,
            Form::Linoid => 2.0,
        };
        RateNumbers { form, factor: self.factor, v0: self.v0, per_k: 1.0 / self.k }.numbers()
    }
}

/// How a time constant depends on the potential.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tau {
    /// `base + scale / (a e^((v - v1) / k1) + b e^((v - v2) / k2))`.
    Bell {
        /// Least value \[ms\].
        base: f64,
        /// Height \[ms\].
        scale: f64,
        /// Factor, potential and slope of the first exponential.
        first: [f64; 3],
        /// Those of the second.
        second: [f64; 3],
    },
    /// `base + (scale + w e^((v - v1) / k1)) / (1 + e^((v - v2) / k2))` (Huguenard & McCormick 1992).
    Step {
        /// Least value \[ms\].
        base: f64,
        /// Height \[ms\].
        scale: f64,
        /// Factor w \[ms\], potential and slope of the exponential above.
        above: [f64; 3],
        /// Potential and slope of the one below.
        below: [f64; 2],
    },
}

impl Tau {
    /// The time constant at potential `v` \[ms\].
    pub fn at(&self, v: f64) -> f64 {
        let e = |[factor, v0, k]: [f64; 3]| factor * ((v - v0) / k).exp();
        match *self {
            Self::Bell { base, scale, first, second } => base + scale / (e(first) + e(second)),
            Self::Step { base, scale, above, below: [v0, k] } => {
                base + (scale + e(above)) / (1.0 + e([1.0, v0, k]))
            }
        }
    }

    fn values(&self) -> [f64; tau::COUNT] {
        let (step, base, scale, [factor_1, v_1, k_1], [factor_2, v_2, k_2]) = match *self {
            Self::Bell { base, scale, first, second } => (0.0, base, scale, first, second),
            Self::Step { base, scale, above, below: [v, k] } => {
                (1.0, base, scale, above, [1.0, v, k])
            }
        };
        let (per_k_1, per_k_2) = (1.0 / k_1, 1.0 / k_2);
        TauNumbers { step, base, scale, factor_1, v_1, per_k_1, factor_2, v_2, per_k_2 }.numbers()
    }
}

/// What a gate does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kinetics {
    /// Rates of opening and closing.
    Rates {
        /// Opening.
        alpha: Rate,
        /// Closing.
        beta: Rate,
    },
    /// Steady state `1 / (1 + e^(-(v - v0) / k))` and time constant.
    Relaxation {
        /// Potential of half opening \[mV\].
        v0: f64,
        /// Slope \[mV\]; negative for a gate that closes with depolarisation.
        k: f64,
        /// Time constant.
        tau: Tau,
    },
    /// Always at its steady state.
    Instant {
        /// Potential of half opening \[mV\].
        v0: f64,
        /// Slope \[mV\].
        k: f64,
    },
    /// Rates of opening and closing, always at their steady state.
    Steady {
        /// Opening.
        alpha: Rate,
        /// Closing.
        beta: Rate,
    },
    /// Opened by calcium, at once: `[Ca] / ([Ca] + half)`.
    Calcium {
        /// Concentration of half opening \[mM\].
        half: f64,
    },
}

impl Kinetics {
    /// Whether the gate has a state.
    fn has_state(&self) -> bool {
        matches!(self, Self::Rates { .. } | Self::Relaxation { .. })
    }

    /// Steady state and time constant \[ms\] at potential `v`, of gates that have a state.
    pub fn steady(&self, v: f64) -> (f64, f64) {
        match *self {
            Self::Rates { alpha, beta } | Self::Steady { alpha, beta } => {
                let (a, b) = (alpha.at(v), beta.at(v));
                (a / (a + b), 1.0 / (a + b))
            }
            Self::Relaxation { v0, k, tau } => (1.0 / (1.0 + (-(v - v0) / k).exp()), tau.at(v)),
            Self::Instant { v0, k } => (1.0 / (1.0 + (-(v - v0) / k).exp()), 0.0),
            Self::Calcium { .. } => (0.0, 0.0),
        }
    }
}

/// A gate of a channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// Name, such as `m`.
    pub name: String,
    /// Power to which it enters the conductance.
    pub power: u32,
    /// What it does.
    pub kinetics: Kinetics,
    /// Value at the start; the steady state at the first potential if absent.
    pub init: Option<f64>,
}

/// A kind of channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// Name in the scene.
    pub name: String,
    /// Gates.
    pub gates: Vec<Gate>,
    /// What its current does to calcium.
    pub influx: Influx,
    /// The ion whose concentrations set its reversal potential, if they do.
    pub ion: Option<Ion>,
}

/// What the current of a channel does to the pool of calcium.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Influx {
    /// Nothing.
    None,
    /// It brings calcium.
    Carried,
    /// It brings calcium, and is too small to count for the potential.
    Silent,
}

/// An ion whose concentrations have a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ion {
    /// Calcium of the pool.
    Calcium,
    /// Potassium.
    Potassium,
    /// Sodium.
    Sodium,
}

/// Potassium outside and sodium inside the cell, and what moves them. Concentrations in mM, rates in
/// mM/s.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ions {
    /// Change of a concentration per current, mM/s per pA.
    pub gamma: f64,
    /// Volume inside over volume outside.
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
    pub bath: f64,
    /// RT / F \[mV\].
    pub thermal: f64,
    /// Potassium outside at the start.
    pub potassium_init: f64,
    /// Sodium inside at the start.
    pub sodium_init: f64,
}

/// Calcium below the membrane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pool {
    /// Rise per current and time \[mM / (pA ms)\].
    pub gamma: f64,
    /// Time constant of its decay \[ms\].
    pub tau: f64,
    /// Concentration to which it decays \[mM\].
    pub rest: f64,
    /// Concentration outside \[mM\].
    pub outside: f64,
    /// RT / 2F \[mV\].
    pub thermal: f64,
}

numbers! {
    /// Numbers of a neuron in the array `cell`, before conductance and reversal potential of each channel.
    pub struct CellNumbers in cell {
        /// Step over capacitance \[ms/pF\].
        per_c_m,
        /// Constant current \[pA\].
        i_e,
        /// Potential whose crossing is a spike \[mV\].
        v_th,
        /// Steps in which no other spike is counted.
        t_ref,
    }
}

numbers! {
    /// State of a neuron, before that of its gates, ions and receptors.
    pub struct State in state {
        /// Potential \[mV\].
        v,
        /// Steps until spikes count again.
        held,
        /// Calcium \[mM\].
        ca,
    }
}

numbers! {
    /// State of the ions \[mM\].
    pub struct IonState in ion {
        /// Potassium outside.
        potassium,
        /// Sodium inside.
        sodium,
    }
}

numbers! {
    /// What a kernel knows of calcium, first in the table behind the receptors.
    pub struct PoolNumbers in pool {
        /// Rise for a current that lasts \[mM/pA\].
        gain,
        /// e^(-dt / tau) - 1.
        fall,
        /// Concentration at rest \[mM\].
        rest,
        /// Concentration outside \[mM\].
        outside,
        /// RT / 2F \[mV\].
        thermal,
    }
}

numbers! {
    /// What a kernel knows of the ions, behind calcium; rates are of a step.
    pub struct IonNumbers in ions {
        /// Change per current.
        gamma,
        /// Volume inside over that outside.
        beta,
        /// Sodium and potassium inside together.
        inside,
        /// Sodium outside at rest.
        sodium_outside,
        /// Sodium inside at rest.
        sodium_rest,
        /// Strength of the pump.
        rho,
        /// Uptake by glia.
        glia,
        /// Diffusion to the bath.
        epsilon,
        /// Potassium of the bath.
        bath,
        /// RT / F \[mV\].
        thermal,
    }
}

numbers! {
    /// What a kernel knows of a channel, behind the ions.
    pub struct ChannelNumbers in channel {
        /// Gates.
        gates,
        /// 1 if it brings calcium, 2 if it only does that.
        influx,
        /// The ion that its reversal potential follows: 1 calcium, 2 potassium, 3 sodium.
        ion,
    }
}

numbers! {
    /// What a kernel knows of a gate, behind all channels: this, then a rate, which is that of opening, the steady state
    /// or, as the first of its numbers, half of the calcium; then a second rate or a time constant.
    pub struct GateNumbers in gate {
        /// What it does: see the variants of [`Kinetics`].
        mode,
        /// Power.
        power,
    }
}

numbers! {
    /// A rate.
    pub struct RateNumbers in rate {
        /// See [`Form`].
        form,
        /// Factor \[1/ms\].
        factor,
        /// Potential at x = 0 \[mV\].
        v0,
        /// One over the scale \[1/mV\].
        per_k,
    }
}

numbers! {
    /// A time constant; see [`Tau`].
    pub struct TauNumbers in tau {
        /// 0: a bell; 1: a step.
        step,
        /// Least value \[ms\].
        base,
        /// Height \[ms\].
        scale,
        /// Factor of the first exponential.
        factor_1,
        /// Its potential \[mV\].
        v_1,
        /// One over its scale \[1/mV\].
        per_k_1,
        /// Factor of the second exponential.
        factor_2,
        /// Its potential \[mV\].
        v_2,
        /// One over its scale \[1/mV\].
        per_k_2,
    }
}

/// Numbers of a gate with its rate, and with a second rate or a time constant.
const GATE: usize = SECOND + tau::COUNT;

/// Where the rate of a gate begins.
const FIRST: usize = gate::COUNT;

/// Where its second rate or time constant does.
const SECOND: usize = FIRST + rate::COUNT;

/// Bit of [`Stepped::slow`]: calcium.
const SLOW_CALCIUM: u32 = SLOW_OWN;

/// Bit of [`Stepped::slow`]: gates.
const SLOW_GATES: u32 = SLOW_OWN << 1;

/// Bit of [`Stepped::slow`]: sodium and potassium.
const SLOW_IONS: u32 = SLOW_OWN << 2;

/// Potentials between which a gate may be slow \[mV\].
const POTENTIALS: std::ops::RangeInclusive<i32> = -120..=60;

/// One neuron's numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Capacitance \[pF\].
    pub c_m: f64,
    /// Constant current \[pA\].
    pub i_e: f64,
    /// Potential whose crossing is a spike \[mV\].
    pub v_th: f64,
    /// Steps in which no other spike is counted.
    pub t_ref: f64,
    /// Potential at the start \[mV\].
    pub v_init: f64,
    /// Maximal conductance \[nS\] and reversal potential \[mV\] of each channel.
    pub channels: Vec<[f64; 2]>,
}

/// A population.
#[derive(Debug, Clone, PartialEq)]
pub struct Membrane {
    /// Time step \[ms\].
    pub dt: f64,
    /// One for all neurons, or one for each.
    pub cells: Vec<Cell>,
    /// Channels.
    pub channels: Vec<Channel>,
    /// Calcium, if a channel brings or needs it.
    pub pool: Option<Pool>,
    /// Concentrations of sodium and potassium, if they move.
    pub ions: Option<Ions>,
    /// Receptors.
    pub receptors: Vec<Port>,
    /// Value of each receptor at the start; one, or one for each neuron.
    pub init: Vec<Vec<f64>>,
}

impl Membrane {
    fn gates(&self) -> impl Iterator<Item = &Gate> {
        self.channels.iter().flat_map(|channel| &channel.gates)
    }
}

impl Stepped for Membrane {
    fn kernel(&self) -> &'static Kernel {
        &KERNEL
    }
    fn trained(&self) -> Trained {
        Trained {
            window: &WINDOW,
            adjoint: &ADJOINT,
            i_e: cell::i_e,
            currents: self.cells.iter().map(|cell| cell.i_e).collect(),
            unit: Trained::unit_of(self.cells.iter().map(|cell| cell.v_th - cell.v_init)),
            rise: Trained::unit_of(self.cells.iter().map(|cell| cell.v_th - cell.v_init)),
            quiet: scalar::<frame::Quiet<Model>, f64>,
        }
    }
    fn receptors(&self) -> &[Port] {
        &self.receptors
    }
    fn rest(&self, _neuron: usize) -> f64 {
        0.0
    }
    fn cells(&self) -> Vec<Vec<f64>> {
        let one = |cell: &Cell| {
            let &Cell { c_m, i_e, v_th, t_ref, .. } = cell;
            let numbers = CellNumbers { per_c_m: self.dt / c_m, i_e, v_th, t_ref };
            let mut values = numbers.numbers().to_vec();
            values.extend(cell.channels.iter().flatten());
            values
        };
        self.cells.iter().map(one).collect()
    }
    fn table(&self) -> Vec<f64> {
        let pool = self.pool.map_or([0.0; pool::COUNT], |pool| {
            let numbers = PoolNumbers {
                gain: pool.gamma * pool.tau,
                fall: fall(self.dt, pool.tau),
                rest: pool.rest,
                outside: pool.outside,
                thermal: pool.thermal,
            };
            numbers.numbers()
        });
        let ions = self.ions.map_or([0.0; ions::COUNT], |i| {
            let step = 1e-3 * self.dt;
            let numbers = IonNumbers {
                gamma: step * i.gamma,
                beta: i.beta,
                inside: i.inside,
                sodium_outside: i.sodium_outside,
                sodium_rest: i.sodium_rest,
                rho: step * i.rho,
                glia: step * i.glia,
                epsilon: step * i.epsilon,
                bath: i.bath,
                thermal: i.thermal,
            };
            numbers.numbers()
        });
        let mut table = [&pool[..], &ions].concat();
        for channel in &self.channels {
            let influx = match channel.influx {
                Influx::None => 0.0,
                Influx::Carried => 1.0,
                Influx::Silent => 2.0,
            };
            let ion = match channel.ion {
                None => 0.0,
                Some(Ion::Calcium) => 1.0,
                Some(Ion::Potassium) => 2.0,
                Some(Ion::Sodium) => 3.0,
            };
            let gates = channel.gates.len() as f64;
            table.extend(ChannelNumbers { gates, influx, ion }.numbers());
        }
        for gate in self.gates() {
            let mut numbers = [0.0; GATE];
            numbers[gate::power] = f64::from(gate.power);
            let mode = &mut numbers[gate::mode];
            let steady =
                |v0: f64, k: f64| Rate { form: Form::Sigmoid, factor: 1.0, v0, k }.values();
            let (first, second) = match gate.kinetics {
                Kinetics::Rates { alpha, beta } => (alpha.values(), beta.values().to_vec()),
                Kinetics::Relaxation { v0, k, tau } => {
                    *mode = 1.0;
                    (steady(v0, k), tau.values().to_vec())
                }
                Kinetics::Instant { v0, k } => {
                    *mode = 2.0;
                    (steady(v0, k), vec![])
                }
                Kinetics::Calcium { half } => {
                    *mode = 3.0;
                    ([half, 0.0, 0.0, 0.0], vec![])
                }
                Kinetics::Steady { alpha, beta } => {
                    *mode = 4.0;
                    (alpha.values(), beta.values().to_vec())
                }
            };
            numbers[FIRST..SECOND].copy_from_slice(&first);
            numbers[SECOND..][..second.len()].copy_from_slice(&second);
            table.extend(numbers);
        }
        table
    }
    fn start(&self, neuron: usize) -> Vec<f64> {
        let v = at(&self.cells, neuron).v_init;
        let ca = self.pool.map_or(0.0, |pool| pool.rest);
        let mut rows = State { v, held: 0.0, ca }.numbers().to_vec();
        for gate in self.gates().filter(|gate| gate.kinetics.has_state()) {
            // Half a step back in time, which is where the gates stand when v starts.
            let (steady, tau) = gate.kinetics.steady(v);
            let x = gate.init.unwrap_or(steady);
            rows.push(steady + (x - steady) * (0.5 * self.dt / tau).exp());
        }
        if let Some(ions) = self.ions {
            let (potassium, sodium) = (ions.potassium_init, ions.sodium_init);
            rows.extend(IonState { potassium, sodium }.numbers());
        }
        rows.extend(self.init.iter().flat_map(|init| [*at(init, neuron), 0.0]));
        rows
    }
    fn slow(&self) -> u32 {
        let dt = self.dt;
        // At least the leak is open; other channels only make the membrane faster.
        let leaks = |channel: &Channel| channel.gates.is_empty();
        let leak = |cell: &Cell| {
            let open = self.channels.iter().zip(&cell.channels).filter(|(c, _)| leaks(c));
            open.map(|(_, [g, _])| g).sum::<f64>()
        };
        let slow_membrane = |cell: &Cell| {
            let leak = leak(cell);
            leak <= 0.0 || is_slow(fall(dt, cell.c_m / leak))
        };
        let potential = self.cells.iter().any(slow_membrane);
        let slow_gate = |gate: &Gate| {
            gate.kinetics.has_state()
                && POTENTIALS.map(f64::from).any(|v| is_slow(fall(dt, gate.kinetics.steady(v).1)))
        };
        [
            (potential, SLOW_POTENTIAL),
            (self.receptors.iter().any(|r| r.is_slow(dt)), SLOW_RECEPTORS),
            (self.pool.is_some_and(|pool| is_slow(fall(dt, pool.tau))), SLOW_CALCIUM),
            (self.gates().any(slow_gate), SLOW_GATES),
            (self.ions.is_some(), SLOW_IONS),
        ]
        .into_iter()
        .fold(0, |bits, (slow, bit)| if slow { bits | bit } else { bits })
    }
    fn variables(&self) -> Vec<Variable> {
        let mut variables = vec![Variable::potential(state::v)];
        if self.pool.is_some() {
            variables.push(Variable::new("ca", state::ca, "mM"));
        }
        let mut row = state::COUNT;
        for channel in &self.channels {
            for gate in channel.gates.iter().filter(|gate| gate.kinetics.has_state()) {
                variables.push(Variable::new(format!("{}_{}", gate.name, channel.name), row, ""));
                row += 1;
            }
        }
        if self.ions.is_some() {
            variables.push(Variable::new("k_o", row + ion::potassium, "mM"));
            variables.push(Variable::new("na_i", row + ion::sodium, "mM"));
            row += ion::COUNT;
        }
        variables.extend(receptor_variables(&self.receptors, row));
        variables
    }
    fn params(&self) -> Vec<Word> {
        let stateful = self.gates().filter(|gate| gate.kinetics.has_state()).count();
        let (pool, ions) = (self.pool.is_some(), self.ions.is_some());
        let at_once = |gate: &Gate| {
            matches!(gate.kinetics, Kinetics::Instant { .. } | Kinetics::Steady { .. })
        };
        let passes = if self.gates().any(at_once) { 2 } else { 1 };
        let counts = [self.channels.len(), stateful, usize::from(pool), usize::from(ions), passes];
        let mut params = counts.map(|x| Word::U(x as u32)).to_vec();
        params.push(Word::F(self.dt));
        params
    }
}

params! {
    /// Parameters of the model behind those of a frame.
    pub struct ChannelsParams {
        /// Channels.
        channels: word,
        /// Gates that have a state.
        gates: word,
        /// 1 if there is calcium.
        pool: word,
        /// 1 if sodium and potassium move.
        ions: word,
        /// 2 where gates without a state follow the potential: v is then moved twice.
        passes: word,
        /// Step \[ms\].
        dt: real,
    }
}

const LAYOUTS: &[Layout] = &[
    cell::LAYOUT,
    state::LAYOUT,
    ion::LAYOUT,
    receptor::port::LAYOUT,
    event::LAYOUT,
    sampled::LAYOUT,
    pool::LAYOUT,
    ions::LAYOUT,
    channel::LAYOUT,
    gate::LAYOUT,
    rate::LAYOUT,
    tau::LAYOUT,
];

framed! {
    Model, LAYOUTS, ChannelsParams::<f32>::FIELDS,
    /// A step of a simulation.
    pub static KERNEL: "neuron/channels";
    /// Steps of a training.
    pub static WINDOW: "neuron/channels_window";
    /// Their adjoint.
    pub static ADJOINT: "neuron/channels_adjoint";
}
