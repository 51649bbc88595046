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

use super::frame::{self, Back, Common, Decide, Now, Numbers, Run, row, set_row};
use super::model::at;
use super::receptor::{self, Given, Port, port};
use super::stepped::{
    BLOCK, SLOW_OWN, SLOW_POTENTIAL, SLOW_RECEPTORS, Stepped, Trained, Variable,
    receptor_variables, rest_of, rests_of_receptor, with_rests,
};
use crate::kernel::*;
use crate::slow::{advanced, fall, is_slow};
use crate::vector::{Vector, Width};
use crate::{framed, numbers, params};
use arrayvec::ArrayVec;

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

// ---- twin -----------------------------------------------------------------------------------------

/// A rate as the twin sees it.
#[derive(Clone, Copy)]
struct RateTwin<F> {
    form: u32,
    factor: F,
    v0: F,
    per_k: F,
}

impl<F: Real> RateTwin<F> {
    #[inline(always)]
    fn new(numbers: &[F]) -> Self {
        Self {
            form: numbers[rate::form].wide() as u32,
            factor: numbers[rate::factor],
            v0: numbers[rate::v0],
            per_k: numbers[rate::per_k],
        }
    }

    #[inline(always)]
    fn at<S: Simd>(&self, w: Width<S>, v: Vector<S, F>) -> Vector<S, F> {
        let x = (v - w.splat(self.v0)) * w.splat(self.per_k);
        let factor = w.splat(self.factor);
        match self.form {
            0 => factor * x.exp(),
            1 => factor / (v.of(1.0) + (-x).exp()),
            _ => factor * linoid(x),
        }
    }
}

impl<F: Real> RateTwin<F> {
    /// The rate at a potential, and its derivative.
    #[inline(always)]
    fn with_slope<S: Simd>(&self, w: Width<S>, v: Vector<S, F>) -> [Vector<S, F>; 2] {
        let (factor, per_k) = (w.splat(self.factor), w.splat(self.per_k));
        let x = (v - w.splat(self.v0)) * per_k;
        let one = v.of(1.0);
        match self.form {
            0 => {
                let rate = factor * x.exp();
                [rate, rate * per_k]
            }
            1 => {
                let open = one / (one + (-x).exp());
                [factor * open, factor * open * (one - open) * per_k]
            }
            _ => {
                let [value, slope] = linoid_with_slope(x);
                [factor * value, factor * slope * per_k]
            }
        }
    }
}

/// x / (1 - e^-x). Near 0 the difference loses all its digits, so the series takes over, as far out as
/// its rest, x^6 / 30240, is below the rounding of the float type.
#[inline(always)]
fn linoid<S: Simd, F: Real>(x: Vector<S, F>) -> Vector<S, F> {
    let near = if size_of::<F>() == 4 { 0.25 } else { 0.01 };
    let square = x * x;
    let series =
        x.of(1.0) + x * x.of(0.5) + square * (x.of(1.0 / 12.0) - square * x.of(1.0 / 720.0));
    let quotient = x / (x.of(1.0) - (-x).exp());
    x.abs().lt(x.of(near)).select(series, quotient)
}

/// The same and its derivative, (1 - L e^-x) / (1 - e^-x), near 0 that of the series.
#[inline(always)]
fn linoid_with_slope<S: Simd, F: Real>(x: Vector<S, F>) -> [Vector<S, F>; 2] {
    let near = x.abs().lt(x.of(if size_of::<F>() == 4 { 0.25 } else { 0.01 }));
    let (one, square) = (x.of(1.0), x * x);
    let series = one + x * x.of(0.5) + square * (x.of(1.0 / 12.0) - square * x.of(1.0 / 720.0));
    let series_slope = x.of(0.5) + x * (x.of(1.0 / 6.0) - square * x.of(1.0 / 180.0));
    let e = (-x).exp();
    let quotient = one / (one - e);
    let value = near.select(series, x * quotient);
    [value, near.select(series_slope, (one - value * e) * quotient)]
}

/// A gate as the twin sees it.
struct GateTwin<F> {
    mode: u32,
    power: u32,
    alpha: RateTwin<F>,
    beta: RateTwin<F>,
    tau: [F; tau::COUNT],
    half: F,
}

impl<F: Real> GateTwin<F> {
    #[inline(always)]
    fn new(numbers: &[F]) -> Self {
        Self {
            mode: numbers[gate::mode].wide() as u32,
            power: numbers[gate::power].wide() as u32,
            alpha: RateTwin::new(&numbers[FIRST..]),
            beta: RateTwin::new(&numbers[SECOND..]),
            tau: std::array::from_fn(|k| numbers[SECOND + k]),
            half: numbers[FIRST],
        }
    }

    /// Whether the gate has a state; else it follows potential or calcium.
    #[inline(always)]
    fn has_state(&self) -> bool {
        self.mode < 2
    }

    /// Steady state of a gate with a state at potential `v`, and -dt / tau.
    #[inline(always)]
    fn target<S: Simd>(&self, w: Width<S>, v: Vector<S, F>, dt: Vector<S, F>) -> [Vector<S, F>; 2] {
        let zero = v.of(0.0);
        match self.mode {
            0 => {
                let (a, b) = (self.alpha.at(w, v), self.beta.at(w, v));
                let rate = a + b;
                [a / rate, zero - dt * rate]
            }
            _ => {
                let steady = self.alpha.at(w, v);
                let t = |k: usize| w.splat(self.tau[k]);
                let first = t(tau::factor_1) * ((v - t(tau::v_1)) * t(tau::per_k_1)).exp();
                let second = t(tau::factor_2) * ((v - t(tau::v_2)) * t(tau::per_k_2)).exp();
                let tau = if self.tau[tau::step] == F::zero() {
                    t(tau::base) + t(tau::scale) / (first + second)
                } else {
                    t(tau::base) + (t(tau::scale) + first) / (v.of(1.0) + second)
                };
                [steady, zero - dt / tau]
            }
        }
    }

    /// Steady state of a gate with a state and -dt / tau, and the derivatives of both by the potential.
    #[inline(always)]
    fn target_with_slopes<S: Simd>(
        &self,
        w: Width<S>,
        v: Vector<S, F>,
        dt: Vector<S, F>,
    ) -> [[Vector<S, F>; 2]; 2] {
        let [a, by_a] = self.alpha.with_slope(w, v);
        if self.mode == 0 {
            let [b, by_b] = self.beta.with_slope(w, v);
            let rate = a + b;
            let steady_slope = (by_a * b - a * by_b) / (rate * rate);
            return [[a / rate, -(dt * rate)], [steady_slope, -(dt * (by_a + by_b))]];
        }
        let one = v.of(1.0);
        let t = |k: usize| w.splat(self.tau[k]);
        let first = t(tau::factor_1) * ((v - t(tau::v_1)) * t(tau::per_k_1)).exp();
        let second = t(tau::factor_2) * ((v - t(tau::v_2)) * t(tau::per_k_2)).exp();
        let (by_first, by_second) = (first * t(tau::per_k_1), second * t(tau::per_k_2));
        let (tau, slope) = if self.tau[tau::step] == F::zero() {
            let quotient = t(tau::scale) / (first + second);
            (t(tau::base) + quotient, -(quotient * (by_first + by_second) / (first + second)))
        } else {
            let quotient = (t(tau::scale) + first) / (one + second);
            (t(tau::base) + quotient, (by_first - quotient * by_second) / (one + second))
        };
        [[a, -(dt / tau)], [by_a, dt * slope / (tau * tau)]]
    }

    /// Derivatives of [`Self::at_once`] by potential and calcium.
    #[inline(always)]
    fn at_once_slopes<S: Simd>(
        &self,
        w: Width<S>,
        v: Vector<S, F>,
        calcium: Vector<S, F>,
    ) -> [Vector<S, F>; 2] {
        let zero = v.of(0.0);
        match self.mode {
            2 => [self.alpha.with_slope(w, v)[1], zero],
            4 => {
                let [a, by_a] = self.alpha.with_slope(w, v);
                let [b, by_b] = self.beta.with_slope(w, v);
                [(by_a * b - a * by_b) / ((a + b) * (a + b)), zero]
            }
            _ => {
                let half = w.splat(self.half);
                [zero, half / ((calcium + half) * (calcium + half))]
            }
        }
    }

    /// Value of a gate without a state.
    #[inline(always)]
    fn at_once<S: Simd>(
        &self,
        w: Width<S>,
        v: Vector<S, F>,
        calcium: Vector<S, F>,
    ) -> Vector<S, F> {
        match self.mode {
            2 => self.alpha.at(w, v),
            4 => {
                let a = self.alpha.at(w, v);
                a / (a + self.beta.at(w, v))
            }
            _ => calcium / (calcium + w.splat(self.half)),
        }
    }
}

/// Concentrations of some neurons, and the reversal potentials that they make.
struct Concentrations<S: Simd, F: Real> {
    potassium: Vector<S, F>,
    sodium: Vector<S, F>,
    e_potassium: Vector<S, F>,
    e_sodium: Vector<S, F>,
}

impl<S: Simd, F: Real> Concentrations<S, F> {
    #[inline(always)]
    fn none(zero: Vector<S, F>) -> Self {
        Self { potassium: zero, sodium: zero, e_potassium: zero, e_sodium: zero }
    }

    /// From the rows of state; `t` are the numbers of the ions in the table.
    #[inline(always)]
    fn load(w: Width<S>, rows: &[F], at: usize, t: &[F]) -> Self {
        let row = |k: usize| w.load(&rows[k * BLOCK..][..BLOCK], at);
        let (potassium, sodium) = (row(ion::potassium), row(ion::sodium));
        let n = |k: usize| w.splat(t[k]);
        let potassium_inside = n(ions::inside) - sodium;
        let sodium_outside =
            n(ions::sodium_outside) - n(ions::beta) * (sodium - n(ions::sodium_rest));
        let nernst = |ratio: Vector<S, F>| n(ions::thermal) * ratio.map(|x| x.ln());
        let e_potassium = nernst(potassium / potassium_inside);
        Self { potassium, sodium, e_potassium, e_sodium: nernst(sodium_outside / sodium) }
    }

    /// Adjoint of [`Self::load`]: adds what the gradients by the reversal potentials are by the concentrations.
    #[inline(always)]
    fn load_back(
        &self,
        w: Width<S>,
        t: &[F],
        [by_e_potassium, by_e_sodium]: [Vector<S, F>; 2],
        [by_potassium, by_sodium]: [&mut Vector<S, F>; 2],
    ) {
        let n = |k: usize| w.splat(t[k]);
        let thermal = n(ions::thermal);
        let inside = n(ions::inside) - self.sodium;
        let outside =
            n(ions::sodium_outside) - n(ions::beta) * (self.sodium - n(ions::sodium_rest));
        *by_potassium = *by_potassium + by_e_potassium * thermal / self.potassium;
        *by_sodium = *by_sodium + by_e_potassium * thermal / inside
            - by_e_sodium * thermal * (n(ions::beta) / outside + inside.of(1.0) / self.sodium);
    }

    /// Adjoint of [`Self::step`]: from the gradients by the concentrations after it, those by the concentrations
    /// before and, last, by the currents of potassium and sodium.
    #[inline(always)]
    fn step_back(
        &self,
        w: Width<S>,
        t: &[F],
        [by_potassium, by_sodium]: [Vector<S, F>; 2],
    ) -> [[Vector<S, F>; 2]; 2] {
        let one = w.splat(F::one());
        let n = |k: usize| w.splat(t[k]);
        let open = |x: Vector<S, F>| one / (one + x.exp());
        let by_pump_sodium = open((one.of(25.0) - self.sodium) * one.of(1.0 / 3.0));
        let by_pump_potassium = open(one.of(5.5) - self.potassium);
        let by_glia = open((one.of(18.0) - self.potassium) * one.of(0.4));
        let pump = n(ions::rho) * by_pump_sodium * by_pump_potassium;
        let glia = n(ions::glia) * by_glia;
        let by_lost = -by_sodium;
        let by_pump = one.of(3.0) * by_lost - one.of(2.0) * n(ions::beta) * by_potassium;
        let before_potassium = by_potassium - n(ions::epsilon) * by_potassium
            + by_pump * pump * (one - by_pump_potassium)
            - by_potassium * glia * (one - by_glia) * one.of(0.4);
        let before_sodium = by_sodium + by_pump * pump * (one - by_pump_sodium) * one.of(1.0 / 3.0);
        let currents = [n(ions::gamma) * n(ions::beta) * by_potassium, n(ions::gamma) * by_lost];
        [[before_potassium, before_sodium], currents]
    }

    /// A step under the currents of potassium and sodium.
    #[inline(always)]
    fn step(
        &self,
        w: Width<S>,
        [rows, rests]: [&mut [F]; 2],
        at: usize,
        t: &[F],
        [i_potassium, i_sodium]: [Vector<S, F>; 2],
    ) {
        let one = w.splat(F::one());
        let n = |k: usize| w.splat(t[k]);
        let open = |x: Vector<S, F>| one + x.exp();
        let by_sodium = open((one.of(25.0) - self.sodium) * one.of(1.0 / 3.0));
        let pump = n(ions::rho) / by_sodium / open(one.of(5.5) - self.potassium);
        let glia = n(ions::glia) / open((one.of(18.0) - self.potassium) * one.of(0.4));
        let gained = n(ions::gamma) * n(ions::beta) * i_potassium
            - one.of(2.0) * n(ions::beta) * pump
            - glia
            - n(ions::epsilon) * (self.potassium - n(ions::bath));
        let lost = n(ions::gamma) * i_sodium + one.of(3.0) * pump;
        let changes = [(ion::potassium, self.potassium, gained), (ion::sodium, self.sodium, -lost)];
        for (k, before, change) in changes {
            let after = advanced(w, before, change, rest_of(rests, true, k), at);
            w.store(&mut rows[k * BLOCK..][..BLOCK], at, after);
        }
    }
}

/// The twin of `shaders/neuron/channels.wgsl`.
pub struct Model;

impl frame::Model for Model {
    #[inline(always)]
    fn with<S: Simd, F: Real, R: Run<S, F>>(w: Width<S>, numbers: Numbers<'_, F>, frame: R) {
        let Common { own, own_receptors, .. } = numbers.common;
        if own_receptors {
            frame.run(Neurons::<S, F, true, true>(Parts::new(w, numbers)));
        } else if own || !R::TUNED {
            frame.run(Neurons::<S, F, true, false>(Parts::new(w, numbers)));
        } else {
            frame.run(Neurons::<S, F, false, false>(Parts::new(w, numbers)));
        }
    }
}

/// A channel as the twin sees it: its gates, what it does to calcium, and the ion that e_rev follows.
struct ChannelTwin {
    gates: std::ops::Range<usize>,
    influx: u32,
    ion: u32,
}

/// What a block of neurons needs to know.
struct Parts<S: Simd, F: Real, const OWN_RECEPTORS: bool> {
    p: ChannelsParams<F>,
    slow: u32,
    receptors: ArrayVec<Given<F, OWN_RECEPTORS>, { receptor::MOST }>,
    pool: [F; pool::COUNT],
    ions: [F; ions::COUNT],
    channels: Vec<ChannelTwin>,
    gates: Vec<GateTwin<F>>,
    shared: Vec<Vector<S, F>>,
}

impl<S: Simd, F: Real, const OWN_RECEPTORS: bool> Parts<S, F, OWN_RECEPTORS> {
    #[inline(always)]
    fn new(w: Width<S>, numbers: Numbers<'_, F>) -> Self {
        let p = ChannelsParams::<F>::of(numbers.own);
        let Common { receptors: count, own, slow, .. } = numbers.common;
        let (pool, rest) = numbers.receptor[count * receptor::port::COUNT..].split_at(pool::COUNT);
        let (ions, rest) = rest.split_at(ions::COUNT);
        let (kinds, gates) = rest.split_at(p.channels as usize * channel::COUNT);
        let mut first = 0;
        let of_kind = |kind: &[F]| {
            let gates = first..first + kind[channel::gates].wide() as usize;
            first = gates.end;
            let (influx, ion) = (kind[channel::influx], kind[channel::ion]);
            ChannelTwin { gates, influx: influx.wide() as u32, ion: ion.wide() as u32 }
        };
        Self {
            p,
            slow,
            receptors: Given::all(numbers.receptor, count),
            pool: std::array::from_fn(|k| pool[k]),
            ions: std::array::from_fn(|k| ions[k]),
            channels: kinds.chunks_exact(channel::COUNT).map(of_kind).collect(),
            gates: gates.chunks_exact(GATE).map(GateTwin::new).collect(),
            // What all neurons share is spread over the lanes once.
            shared: if own { vec![] } else { numbers.cell.iter().map(|x| w.splat(*x)).collect() },
        }
    }
}

struct Neurons<S: Simd, F: Real, const OWN: bool, const OWN_RECEPTORS: bool>(
    Parts<S, F, OWN_RECEPTORS>,
);

impl<S: Simd, F: Real, const OWN: bool, const OWN_RECEPTORS: bool>
    Neurons<S, F, OWN, OWN_RECEPTORS>
{
    /// The rows of numbers of receptor `r`, if they are own: see [`Given::own`].
    #[inline(always)]
    fn own<'a>(&self, cell: &'a [F], r: usize) -> &'a [F] {
        let fields = cell::COUNT + 2 * self.0.channels.len();
        Given::<F, OWN_RECEPTORS>::own(cell, fields, r)
    }

    /// Rows of state before those of receptors.
    #[inline(always)]
    fn first_receptor(&self) -> usize {
        let p = &self.0.p;
        state::COUNT + p.gates as usize + if p.ions == 1 { ion::COUNT } else { 0 }
    }

    #[inline(always)]
    fn field(&self, w: Width<S>, cell: &[F], k: usize, at: usize) -> Vector<S, F> {
        match OWN {
            true => w.load(&cell[k * BLOCK..][..BLOCK], at),
            false => self.0.shared[k],
        }
    }

    /// The membrane in a pass, for the way back: see [`Pass`].
    #[inline(always)]
    fn membrane(
        &self,
        w: Width<S>,
        (cell, state, at): (&[F], &[F], usize),
        input: Vector<S, F>,
        middle: Vector<S, F>,
        e_revs: &[Vector<S, F>],
        open: &[Vector<S, F>],
    ) -> Pass<S, F> {
        let mut m = Pass { conductance: input.of(0.0), pull: input, influx: input.of(0.0) };
        for ((c, channel), e_rev) in self.0.channels.iter().enumerate().zip(e_revs) {
            let mut g = self.field(w, cell, cell::COUNT + 2 * c, at);
            for (gate, x) in
                self.0.gates[channel.gates.clone()].iter().zip(&open[channel.gates.clone()])
            {
                for _ in 0..gate.power {
                    g = g * *x;
                }
            }
            if channel.influx > 0 {
                m.influx = m.influx + g * (*e_rev - middle);
            }
            if channel.influx < 2 {
                m.conductance = m.conductance + g;
                m.pull = m.pull + g * *e_rev;
            }
        }
        for (r, given) in self.0.receptors.iter().enumerate() {
            let g = row(w, state, self.first_receptor() + receptor::STATE * r, at);
            if given.conductance {
                let [opened, drawn] = given.open(w, (self.own(cell, r), at), g, middle);
                m.conductance = m.conductance + opened;
                m.pull = m.pull + drawn;
            } else {
                m.pull = m.pull + g;
            }
        }
        m
    }
}

/// What moves a potential: conductance, what it pulls towards times the conductance, and the current of calcium.
struct Pass<S: Simd, F: Real> {
    conductance: Vector<S, F>,
    pull: Vector<S, F>,
    influx: Vector<S, F>,
}

/// A gate with a state that went from `before` to `after`, kept its distance from `steady` by a factor of `kept`; and
/// the slopes by the potential of the steady state and of the factor's logarithm.
struct Moved<S: Simd, F: Real> {
    before: Vector<S, F>,
    after: Vector<S, F>,
    steady: Vector<S, F>,
    kept: Vector<S, F>,
    slopes: [Vector<S, F>; 2],
}

impl<S: Simd, F: Real, const OWN: bool, const OWN_RECEPTORS: bool> frame::Block<S, F>
    for Neurons<S, F, OWN, OWN_RECEPTORS>
{
    #[inline(always)]
    fn rows(&self) -> usize {
        self.first_receptor() + receptor::STATE * self.0.receptors.len()
    }

    #[inline(always)]
    fn fields(&self) -> usize {
        cell::COUNT + 2 * self.0.channels.len()
    }

    #[inline(always)]
    fn step<D: Decide<S, F>>(&self, w: Width<S>, now: Now<'_, F>, spikes: &mut D) -> u64 {
        let Now { state, cell, driven, current, arrivals } = now;
        let Parts { p, receptors, pool, ions: ion_numbers, channels, gates, .. } = &self.0;
        let slow = |bit: u32| self.0.slow & bit != 0;
        let (zero, one) = (w.splat(F::zero()), w.splat(F::one()));
        let dt = w.splat(p.dt);
        let gate_rows = p.gates as usize;
        let first_receptor = self.first_receptor();
        let (state, rests) = with_rests(state, frame::Block::<S, F>::rows(self));
        let (own, others) = state.split_at_mut(state::COUNT * BLOCK);
        let (gate_state, others) = others.split_at_mut(gate_rows * BLOCK);
        let ion_rows = first_receptor - state::COUNT - gate_rows;
        let (ion_state, synaptic) = others.split_at_mut(ion_rows * BLOCK);
        let (v_row, others) = own.split_at_mut(BLOCK);
        let (held_row, ca_row) = others.split_at_mut(BLOCK);
        let (gates_row, ions_row) = (state::COUNT, state::COUNT + gate_rows);
        let mut bits = 0;
        for at in (0..BLOCK).step_by(w.lanes::<F>()) {
            let field = |k: usize| self.field(w, cell, k, at);
            let v = w.load(v_row, at);
            let calcium = if p.pool == 1 { w.load(ca_row, at) } else { zero };
            let mut input = field(cell::i_e) + w.splat(driven);
            if let Some(current) = current {
                input = input + w.load(current, at);
            }
            let mut ions = Concentrations::none(zero);
            if p.ions == 1 {
                ions = Concentrations::load(w, ion_state, at, ion_numbers);
            }
            let (mut change, mut middle, mut influx) = (zero, v, zero);
            let (mut potassium, mut sodium) = (zero, zero);
            for pass in 0..p.passes {
                (influx, potassium, sodium) = (zero, zero, zero);
                let (mut conductance, mut pull) = (zero, input);
                let mut row = 0;
                for (c, channel) in channels.iter().enumerate() {
                    let mut g = field(cell::COUNT + 2 * c);
                    for gate in &gates[channel.gates.clone()] {
                        let x = if gate.has_state() {
                            let place = &mut gate_state[row * BLOCK..][..BLOCK];
                            let mut x = w.load(place, at);
                            if pass == 0 {
                                let [steady, exponent] = gate.target(w, middle, dt);
                                x = if slow(SLOW_GATES) {
                                    let low = rest_of(rests, true, gates_row + row);
                                    let change = (x - steady) * exponent.exp_m1();
                                    advanced(w, x, change, low, at)
                                } else {
                                    steady + (x - steady) * exponent.exp()
                                };
                                w.store(place, at, x);
                            }
                            row += 1;
                            x
                        } else {
                            gate.at_once(w, middle, calcium)
                        };
                        for _ in 0..gate.power {
                            g = g * x;
                        }
                    }
                    let mut e_rev = field(cell::COUNT + 2 * c + 1);
                    match channel.ion {
                        1 => {
                            let ratio = w.splat(pool[pool::outside]) / calcium;
                            e_rev = w.splat(pool[pool::thermal]) * ratio.map(|x| x.ln());
                        }
                        2 => {
                            e_rev = ions.e_potassium;
                            potassium = potassium + g * (middle - e_rev);
                        }
                        3 => {
                            e_rev = ions.e_sodium;
                            sodium = sodium + g * (middle - e_rev);
                        }
                        _ => {}
                    }
                    if channel.influx > 0 {
                        influx = influx + g * (e_rev - middle);
                    }
                    if channel.influx < 2 {
                        conductance = conductance + g;
                        pull = pull + g * e_rev;
                    }
                }
                for (r, given) in receptors.iter().enumerate() {
                    let g = w.load(&synaptic[2 * r * BLOCK..][..BLOCK], at);
                    if given.conductance {
                        let own = (self.own(cell, r), at);
                        let [open, drawn] = given.open(w, own, g, middle);
                        conductance = conductance + open;
                        pull = pull + drawn;
                    } else {
                        pull = pull + g;
                    }
                }
                let exponent = zero - field(cell::per_c_m) * conductance;
                let fall = match slow(SLOW_POTENTIAL) {
                    true => exponent.exp_m1(),
                    false => exponent.exp() - one,
                };
                change = (v - pull / conductance) * fall;
                middle = change.mul_add(v.of(0.5), v);
            }
            let next = advanced(w, v, change, rest_of(rests, slow(SLOW_POTENTIAL), state::v), at);
            if p.ions == 1 {
                let low = &mut rests[ions_row * BLOCK..][..ion::COUNT * BLOCK];
                ions.step(w, [ion_state, low], at, ion_numbers, [potassium, sodium]);
            }
            if p.pool == 1 {
                let settled =
                    w.splat(pool[pool::rest]) + w.splat(pool[pool::gain]) * influx.max(zero);
                let change = (calcium - settled) * w.splat(pool[pool::fall]);
                let low = rest_of(rests, slow(SLOW_CALCIUM), state::ca);
                w.store(ca_row, at, advanced(w, calcium, change, low, at));
            }
            let held = w.load(held_row, at);
            let free = v.lt(field(cell::v_th)).and(held.le(zero));
            let spike = spikes.decide(w, Some(free), next, field(cell::v_th), at);
            w.store(held_row, at, spike.select(field(cell::t_ref), (held - one).max(zero)));
            w.store(v_row, at, next);
            bits |= u64::from(spike.bits()) << at;
        }
        for (r, given) in receptors.iter().enumerate() {
            let (g, x) = synaptic[2 * r * BLOCK..][..2 * BLOCK].split_at_mut(BLOCK);
            for at in (0..BLOCK).step_by(w.lanes::<F>()) {
                let place = first_receptor + receptor::STATE * r;
                let low = rests_of_receptor(rests, slow(SLOW_RECEPTORS), place);
                let own = (self.own(cell, r), at);
                if let Some(jump) = given.step(w, own, [&mut *g, &mut *x], low, &arrivals[r]) {
                    w.store(v_row, at, w.load(v_row, at) + jump);
                }
            }
        }
        bits
    }

    #[inline(always)]
    fn adjoint(&self, w: Width<S>, now: Now<'_, F>, mut back: Back<'_, F>) {
        let Parts { p, receptors, pool, ions: ion_numbers, channels, gates, .. } = &self.0;
        let (zero, dt) = (w.splat(F::zero()), w.splat(p.dt));
        let (first_receptor, first_ion) = (self.first_receptor(), state::COUNT + p.gates as usize);
        let mut moved: Vec<Moved<S, F>> = Vec::with_capacity(gates.len());
        let mut by_gate: Vec<Vector<S, F>> = Vec::with_capacity(gates.len());
        let mut e_revs: Vec<Vector<S, F>> = Vec::with_capacity(channels.len());
        let mut open: Vec<Vector<S, F>> = Vec::with_capacity(gates.len());
        let wanted = back.wants_numbers();
        let fields = frame::Block::<S, F>::fields(self);
        let numbers = |r: usize| fields + r * port::COUNT;
        for at in (0..BLOCK).step_by(w.lanes::<F>()) {
            let load = |k: usize| row(w, now.state, k, at);
            let by = |back: &Back<'_, F>, k: usize| row(w, back.adjoint, k, at);
            let receptor_row = |r: usize| first_receptor + receptor::STATE * r;
            let field = |k: usize| self.field(w, now.cell, k, at);
            let v = load(state::v);
            let calcium = if p.pool == 1 { load(state::ca) } else { zero };

            // What the step did with the state at its start.
            moved.clear();
            by_gate.clear();
            e_revs.clear();
            for (k, gate) in gates.iter().filter(|gate| gate.has_state()).enumerate() {
                let [[steady, exponent], slopes] = gate.target_with_slopes(w, v, dt);
                let (before, kept) = (load(state::COUNT + k), exponent.exp());
                let after = steady + (before - steady) * kept;
                moved.push(Moved { before, after, steady, kept, slopes });
                by_gate.push(by(&back, state::COUNT + k));
            }
            let mut ions = Concentrations::none(zero);
            if p.ions == 1 {
                let rows = &now.state[first_ion * BLOCK..][..ion::COUNT * BLOCK];
                ions = Concentrations::load(w, rows, at, ion_numbers);
            }
            for (c, channel) in channels.iter().enumerate() {
                e_revs.push(match channel.ion {
                    1 => {
                        let ratio = w.splat(pool[pool::outside]) / calcium;
                        w.splat(pool[pool::thermal]) * ratio.map(|x| x.ln())
                    }
                    2 => ions.e_potassium,
                    3 => ions.e_sodium,
                    _ => field(cell::COUNT + 2 * c + 1),
                });
            }
            // Values of all gates, those without a state at `middle`.
            let values = |middle: Vector<S, F>, open: &mut Vec<Vector<S, F>>| {
                open.clear();
                let mut with_state = moved.iter();
                for gate in gates {
                    open.push(match with_state.as_slice().first() {
                        Some(moved) if gate.has_state() => {
                            with_state.next();
                            moved.after
                        }
                        _ => gate.at_once(w, middle, calcium),
                    });
                }
            };
            let place = (now.cell, &*now.state, at);
            let input = now.input(w, field(cell::i_e), at);
            let per_c_m = field(cell::per_c_m);
            let mut middle = v;
            if p.passes == 2 {
                values(v, &mut open);
                let m = self.membrane(w, place, input, v, &e_revs, &open);
                let fall = (zero - per_c_m * m.conductance).exp_m1();
                middle = ((v - m.pull / m.conductance) * fall).mul_add(v.of(0.5), v);
            }

            // What arrived after it, and the spike.
            let by_end = by(&back, state::v);
            for (r, given) in receptors.iter().enumerate() {
                let k = receptor_row(r);
                let after = [by(&back, k), by(&back, k + 1)];
                if wanted {
                    let by_after = [after[0], after[1], by_end];
                    let read = [load(k), load(k + 1), w.load(&now.arrivals[r], at)];
                    given.add_step_numbers(w, &mut back, numbers(r), by_after, read, at);
                }
                let own = (self.own(now.cell, r), at);
                let (by_arrival, [by_g, by_x]) = given.adjoint(w, own, after, by_end);
                w.store(&mut back.by_arrivals[r], at, by_arrival);
                set_row(w, back.adjoint, k, at, by_g);
                set_row(w, back.adjoint, k + 1, at, by_x);
            }
            let by_spike = w.load(back.by_spike, at);
            let by_distance = back.by_distance(w, by_spike, at);
            if wanted {
                back.add_number(w, cell::v_th, -by_distance, at);
            }
            let mut by_change = by_end + by_distance;
            let mut by_v = by_change;
            let (mut by_ca, mut by_influx) = (zero, zero);
            let mut by_ions = [zero; 2];
            let mut by_currents = [zero; 2];
            if p.ions == 1 {
                let after = [ion::potassium, ion::sodium].map(|k| by(&back, first_ion + k));
                [by_ions, by_currents] = ions.step_back(w, ion_numbers, after);
            }
            let mut by_e_ions = [zero; 2];
            let mut by_input = zero;

            // The passes, the last first; only what that says of calcium and ions is kept.
            for pass in (0..p.passes).rev() {
                let last = pass + 1 == p.passes;
                let at_middle = if pass == 0 { v } else { middle };
                values(at_middle, &mut open);
                let m = self.membrane(w, place, input, at_middle, &e_revs, &open);
                if last && p.pool == 1 {
                    let after = by(&back, state::ca);
                    let fall = w.splat(pool[pool::fall]);
                    by_ca = after + after * fall;
                    let by_settled = zero - after * fall;
                    by_influx =
                        m.influx.gt(zero).select(by_settled * w.splat(pool[pool::gain]), zero);
                }
                // change = (v - pull / G) (e^(-k G) - 1).
                let v_inf = m.pull / m.conductance;
                let fall = (zero - per_c_m * m.conductance).exp_m1();
                let kept = fall + fall.of(1.0);
                let by_pull = zero - by_change * fall / m.conductance;
                let by_conductance =
                    by_change * (v_inf * fall / m.conductance - per_c_m * (v - v_inf) * kept);
                by_v = by_v + by_change * fall;
                by_input = by_input + by_pull;
                if wanted {
                    let by_per_c_m = -(by_change * (v - v_inf) * m.conductance * kept);
                    back.add_number(w, cell::per_c_m, by_per_c_m, at);
                }
                let mut by_middle = zero;
                for (r, given) in receptors.iter().enumerate() {
                    let k = receptor_row(r);
                    let mut by_g = by(&back, k);
                    if given.conductance {
                        let e_rev = given.e_rev(w, (self.own(now.cell, r), at));
                        let by_open = by_conductance + by_pull * e_rev;
                        let [by_state, by_potential, free] =
                            given.open_adjoint(w, load(k), at_middle, by_open);
                        by_g = by_g + by_state;
                        by_middle = by_middle + by_potential;
                        if wanted {
                            let (opened, by_both) = (load(k) * free, [by_pull, by_potential]);
                            given.add_open_numbers(w, &mut back, numbers(r), opened, by_both, at);
                        }
                    } else {
                        by_g = by_g + by_pull;
                    }
                    set_row(w, back.adjoint, k, at, by_g);
                }
                let mut with_state = 0;
                for (c, channel) in channels.iter().enumerate() {
                    let most = field(cell::COUNT + 2 * c);
                    let own = channel.gates.clone();
                    let mut g = most;
                    for k in own.clone() {
                        for _ in 0..gates[k].power {
                            g = g * open[k];
                        }
                    }
                    let (mut by_g, mut by_e) = (zero, zero);
                    if channel.influx < 2 {
                        by_g = by_conductance + by_pull * e_revs[c];
                        by_e = by_pull * g;
                    }
                    if last {
                        let drive = e_revs[c] - at_middle;
                        if channel.influx > 0 {
                            by_g = by_g + by_influx * drive;
                            by_e = by_e + by_influx * g;
                            by_middle = by_middle - by_influx * g;
                        }
                        if channel.ion >= 2 {
                            let by_current = by_currents[channel.ion as usize - 2];
                            by_g = by_g - by_current * drive;
                            by_e = by_e - by_current * g;
                            by_middle = by_middle + by_current * g;
                        }
                    }
                    if wanted {
                        let mut part = v.of(1.0);
                        for k in own.clone() {
                            for _ in 0..gates[k].power {
                                part = part * open[k];
                            }
                        }
                        back.add_number(w, cell::COUNT + 2 * c, by_g * part, at);
                        if channel.ion == 0 {
                            back.add_number(w, cell::COUNT + 2 * c + 1, by_e, at);
                        }
                    }
                    match channel.ion {
                        1 => by_ca = by_ca - by_e * w.splat(pool[pool::thermal]) / calcium,
                        2 | 3 => {
                            let by_ion = &mut by_e_ions[channel.ion as usize - 2];
                            *by_ion = *by_ion + by_e;
                        }
                        _ => {}
                    }
                    for k in own.clone() {
                        // The conductance without one factor of this gate.
                        let mut others = most * most.of(f64::from(gates[k].power));
                        for j in own.clone() {
                            let power = gates[j].power.saturating_sub(u32::from(j == k));
                            for _ in 0..power {
                                others = others * open[j];
                            }
                        }
                        let by_x = by_g * others;
                        if gates[k].has_state() {
                            by_gate[with_state] = by_gate[with_state] + by_x;
                            with_state += 1;
                        } else {
                            let [by_potential, by_calcium] =
                                gates[k].at_once_slopes(w, at_middle, calcium);
                            by_middle = by_middle + by_x * by_potential;
                            by_ca = by_ca + by_x * by_calcium;
                        }
                    }
                }
                by_v = by_v + by_middle;
                by_change = by_middle * by_middle.of(0.5);
            }

            // The gates, which moved first.
            for (k, (moved, by_x)) in moved.iter().zip(&by_gate).enumerate() {
                set_row(w, back.adjoint, state::COUNT + k, at, *by_x * moved.kept);
                let by_steady = *by_x - *by_x * moved.kept;
                let by_exponent = *by_x * (moved.before - moved.steady) * moved.kept;
                by_v = by_v + by_steady * moved.slopes[0] + by_exponent * moved.slopes[1];
            }
            if p.ions == 1 {
                let [mut by_potassium, mut by_sodium] = by_ions;
                let into = [&mut by_potassium, &mut by_sodium];
                ions.load_back(w, ion_numbers, by_e_ions, into);
                set_row(w, back.adjoint, first_ion + ion::potassium, at, by_potassium);
                set_row(w, back.adjoint, first_ion + ion::sodium, at, by_sodium);
            }
            if p.pool == 1 {
                set_row(w, back.adjoint, state::ca, at, by_ca);
            }
            set_row(w, back.adjoint, state::v, at, by_v);
            back.add_input(w, by_input, at);
            if wanted {
                back.add_number(w, cell::i_e, by_input, at);
            }
        }
    }
}
