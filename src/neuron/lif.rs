//! Leaky integrate-and-fire neuron with exponential synaptic current, forward in time.
//!
//! ```text
//!   c_m dv/dt = -g_l (v - e_l) + i + i_e          tau_m = c_m / g_l
//!   tau_syn di/dt = -i + tau_syn sum_k w_k delta(t - t_k)
//!   v >= v_th + h  =>  spike; v := v_reset, or v := v - (v_th - v_reset); h := h + delta_th;
//!                      v is held for t_ref
//!   tau_rel dh/dt = -h                            relative refractoriness
//! ```
//! The subthreshold equations are linear, so one step is exact (Rotter & Diesmann 1999). With v
//! relative to e_l:
//! ```text
//!   v' = p22 v + p21 i + p20 i_e                  i' = p11 i + arrivals of this step
//! ```
//! Input that arrives in a step thus changes i at its end and v from the next step on, as in NEST:
//! a spike found at the end of step k with a delay of d steps starts a current at (k + 1 + d) dt.
//! The factor p22 = exp(-dt/tau_m), the rest likewise, is computed in f64 by [`propagators`].
//!
//! The kernel turns the tape in place: it reads the arrivals and leaves u = v' - v_th - h, the
//! distance to the threshold, which is all that the backward pass needs besides the spikes.
//! A neuron that is held cannot spike; its u is [`HELD`].

use super::{LANES, Lane, surrogate};
use crate::kernel::*;
use crate::params;

// ---- parameters of each neuron, in the order of the array `cell` ---------------------------------

/// Propagators and levels of a neuron; levels are relative to `e_l`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// exp(-dt / tau_m).
    pub p22: f64,
    /// Effect of the synaptic current on v over a step \[mV/pA\].
    pub p21: f64,
    /// Effect of a constant current on v over a step \[mV/pA\].
    pub p20: f64,
    /// exp(-dt / tau_syn).
    pub p11: f64,
    /// Threshold \[mV\].
    pub v_th: f64,
    /// Reset potential \[mV\].
    pub v_reset: f64,
    /// Absolute refractory period \[steps\].
    pub t_ref: f64,
    /// Rise of the threshold per spike \[mV\].
    pub delta_th: f64,
    /// exp(-dt / tau_rel).
    pub decay_rel: f64,
    /// Potential at the start \[mV\].
    pub v_init: f64,
}

/// Number of fields of [`Cell`].
pub const CELL: usize = 10;

impl Cell {
    /// The fields in order.
    pub fn values(&self) -> [f64; CELL] {
        [
            self.p22,
            self.p21,
            self.p20,
            self.p11,
            self.v_th,
            self.v_reset,
            self.t_ref,
            self.delta_th,
            self.decay_rel,
            self.v_init,
        ]
    }
}

/// Propagators `[p22, p21, p20, p11]` of a membrane with time constant `tau_m` and capacitance
/// `c_m`, driven by an exponential current of time constant `tau_syn`; ms and pF.
///
/// p21 = (e^{-dt/tau_m} - e^{-dt/tau_syn}) / (1/tau_syn - 1/tau_m) / c_m has a removable
/// singularity at tau_syn = tau_m. Written as e^{-dt/tau_m} dt/c_m · (1 - e^{-x})/x with
/// x = dt (1/tau_syn - 1/tau_m), and (1 - e^{-x}) from `exp_m1`, it stays exact to rounding there.
pub fn propagators(dt: f64, tau_m: f64, c_m: f64, tau_syn: f64) -> [f64; 4] {
    let p22 = (-dt / tau_m).exp();
    let x = dt * (1.0 / tau_syn - 1.0 / tau_m);
    let ratio = if x == 0.0 { 1.0 } else { -(-x).exp_m1() / x };
    let p21 = p22 * dt / c_m * ratio;
    let p20 = -(-dt / tau_m).exp_m1() * tau_m / c_m;
    [p22, p21, p20, (-dt / tau_syn).exp()]
}

/// Distance to the threshold of a neuron that is held in its refractory period \[mV\].
pub const HELD: f64 = -1e9;

/// Membrane potential of one neuron from the tape of distances to the threshold; carries on from
/// window to window.
#[derive(Debug, Clone, Copy)]
pub struct Potential {
    raised: f64,
    held: f64,
}

impl Potential {
    /// Before the first step.
    pub fn new(cell: &Cell) -> Self {
        Self { raised: 0.0, held: cell.v_init }
    }

    /// Potential relative to rest at the end of a step that left `u` on the tape, after the reset if it
    /// spiked, as NEST's multimeter shows it \[mV\].
    pub fn next(&mut self, cell: &Cell, subtract: bool, u: f64) -> f64 {
        let (held, spike) = (u <= HELD, u >= 0.0);
        let v = if held { self.held } else { u + cell.v_th + self.raised };
        self.held = match (spike, subtract) {
            (true, false) => cell.v_reset,
            (true, true) => v + cell.v_reset - cell.v_th,
            (false, _) => v,
        };
        self.raised = cell.decay_rel * self.raised + if spike { cell.delta_th } else { 0.0 };
        self.held
    }
}

// ---- parameters of a launch -----------------------------------------------------------------------

params! {
    /// `Params` of `shaders/neuron/lif.wgsl`.
    pub struct LifParams {
        /// Neurons.
        n: word,
        /// Steps of a window.
        steps: word,
        /// Rows of spikes before the window, for delays that reach across its start.
        history: word,
        /// 1 if the tape holds arrivals; 0 if no synapse ends here.
        arrivals: word,
        /// 1 if a constant input per sample is added.
        statics: word,
        /// 1 if each neuron has its own parameters.
        own: word,
        /// Steepness of the surrogate, for soft spikes.
        steepness: real,
        /// Distance from rest to threshold \[mV\].
        unit: real,
        /// 0: a window is a whole presentation and state is not stored; 1: state is stored between
        /// launches and starts afresh at step 0; 2: it is carried from window to window.
        carry: option,
        /// 0: to `v_reset`; 1: by subtraction.
        reset: option,
        /// 0: spikes are bits; 1: soft spikes are written too, and the reset is hard;
        /// 2: the reset uses the soft spike.
        soft: option,
        /// Shape of the surrogate, for soft spikes.
        surrogate: option,
    }
}

/// Arrays of state per neuron that are stored between launches: v, i, steps still held, h.
pub const STATE: usize = 4;

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "neuron/lif",
    wgsl: include_str!("../../shaders/neuron/lif.wgsl"),
    workgroup: 64,
    bindings: &[
        reals_mut("tape"),        // [samples, steps, n] arrivals in, u out
        reals("statics"),         // [samples, n] constant input, pA
        reals("i_e"),             // [n] constant current, pA
        reals("cell"),            // [10, n or 1]
        words_mut("spikes"),      // [samples, history + steps, words]
        reals_mut("state"),       // [samples, 4, n]
        reals_mut("soft_spikes"), // [samples, history + steps, n]
    ],
    params: LifParams::<f32>::FIELDS,
    twin32: dispatched::<Lif, f32>,
    twin64: dispatched::<Lif, f64>,
};

// ---- twin -----------------------------------------------------------------------------------------

/// The twin of `shaders/neuron/lif.wgsl`.
pub struct Lif;

/// A lane each of [`Cell`]'s fields.
pub(super) struct Lanes<F>(pub [Lane<F>; CELL]);

impl<F: Real> Lanes<F> {
    /// Parameters of neurons `first..first + width`; the lanes beyond repeat the last.
    #[inline(always)]
    pub fn load(cell: &[F], n: usize, own: bool, first: usize, width: usize) -> Self {
        let stride = if own { n } else { 1 };
        let mut lanes = [Lane::of(F::zero()); CELL];
        for (field, lane) in lanes.iter_mut().enumerate() {
            for (k, x) in lane.iter_mut().enumerate() {
                let id = if own { first + k.min(width - 1) } else { 0 };
                *x = cell[field * stride + id];
            }
        }
        Self(lanes)
    }
}

struct State<F> {
    v: Lane<F>,
    i: Lane<F>,
    held: Lane<F>,
    h: Lane<F>,
}

/// What a spike makes of the potential v: `keep · v + jump`.
struct Jump<F> {
    keep: F,
    jump: Lane<F>,
}

impl<F: Real> Jump<F> {
    fn new(lanes: &Lanes<F>, subtract: bool) -> Self {
        let mut jump = Self { keep: F::zero(), jump: lanes.0[5] };
        if subtract {
            jump.keep = F::one();
            for (jump, v_th) in jump.jump.iter_mut().zip(lanes.0[4].iter()) {
                *jump -= *v_th;
            }
        }
        jump
    }
}

impl<F> State<F> {
    fn fields(&mut self) -> [&mut Lane<F>; STATE] {
        [&mut self.v, &mut self.i, &mut self.held, &mut self.h]
    }
}

/// Up to 64 neighbouring neurons on their way through time.
struct Group<F> {
    first: usize,
    width: usize,
    /// Rise of v per step by constant currents.
    constant: Lane<F>,
    s: State<F>,
    /// Spikes of the last 32 steps, the latest in the highest bit.
    trains: Lane<u32>,
}

/// One step of a group; `tape` holds arrivals and becomes u, and spikes enter the trains from above. Written with selections between numbers that are there anyway, which is what vectors do.
#[inline(always)]
fn step<F: Real, const SOFT: u32>(
    lanes: &Lanes<F>,
    reset: &Jump<F>,
    Group { constant, s, trains, .. }: &mut Group<F>,
    tape: &mut [F; LANES],
    p: &LifParams<F>,
) {
    let [p22, p21, _, p11, v_th, _, t_ref, delta_th, decay_rel, _] = &lanes.0;
    let (zero, one) = (F::zero(), F::one());
    let arriving = if p.arrivals == 1 { one } else { zero };
    for k in 0..LANES {
        let held = s.held[k] > zero;
        let free = p22[k] * s.v[k] + p21[k] * s.i[k] + constant[k];
        let v = if held { s.v[k] } else { free };
        let u = if held { F::of(HELD) } else { v - (v_th[k] + s.h[k]) };
        let spike = u >= zero;
        let after = reset.keep * v + reset.jump[k];
        let h = decay_rel[k] * s.h[k];
        if SOFT == 2 {
            let soft = surrogate::soft_spike(p.surrogate, p.steepness, u / p.unit);
            let soft = if held { zero } else { soft };
            s.v[k] = v + soft * (after - v);
            s.h[k] = h + delta_th[k] * soft;
        } else {
            s.v[k] = if spike { after } else { v };
            s.h[k] = if spike { h + delta_th[k] } else { h };
        }
        let waited = (s.held[k] - one).max(zero);
        s.held[k] = if spike { t_ref[k] } else { waited };
        s.i[k] = p11[k] * s.i[k] + arriving * tape[k];
        tape[k] = u;
        // Shifting, rather than setting a bit on a condition, changes every train: a store under a
        // mask would stall the load of the next step.
        trains[k] = trains[k] >> 1 | u32::from(spike) << 31;
    }
}

impl Twin for Lif {
    #[inline(always)]
    fn run<F: Real>(call: Call<'_, F>) {
        // The choice is made outside the loops, which the compiler then turns into vectors.
        match LifParams::<F>::of(call.params).soft {
            2 => run::<F, 2>(call),
            _ => run::<F, 0>(call),
        }
    }
}

#[inline(always)]
fn run<F: Real, const SOFT: u32>(call: Call<'_, F>) {
    let p = LifParams::<F>::of(call.params);
    let [tape, statics, i_e, cell, spikes, state, soft_spikes] = Call::take(call.args);
    let (tape, statics, i_e, cell) = (tape.reals_mut(), statics.reals(), i_e.reals(), cell.reals());
    let (spikes, state, soft_spikes) =
        (spikes.words_mut(), state.reals_mut(), soft_spikes.reals_mut());
    let (n, steps, rows) = (p.n as usize, p.steps as usize, (p.history + p.steps) as usize);
    let words = spike_words(n);
    let kinds: Vec<(Lanes<F>, Jump<F>)> = (0..if p.own == 1 { n } else { 1 })
        .step_by(LANES)
        .map(|first| {
            let lanes = Lanes::load(cell, n, p.own == 1, first, LANES.min(n - first));
            let jump = Jump::new(&lanes, p.reset == 1);
            (lanes, jump)
        })
        .collect();
    for b in 0..call.units.len() {
        let mut groups: Vec<Group<F>> = (0..n)
            .step_by(LANES)
            .map(|first| {
                let (width, lanes) = (LANES.min(n - first), &kinds[first / LANES % kinds.len()].0);
                let mut constant = Lane::of(F::zero());
                for k in 0..width {
                    let input = if p.statics == 1 { statics[b * n + first + k] } else { F::zero() };
                    constant[k] = lanes.0[2][k] * (i_e[first + k] + input);
                }
                let mut s = State {
                    v: lanes.0[9],
                    i: Lane::of(F::zero()),
                    held: Lane::of(F::zero()),
                    h: Lane::of(F::zero()),
                };
                if p.carry == 2 || (p.carry == 1 && call.span.t0 > 0) {
                    for (field, lane) in s.fields().into_iter().enumerate() {
                        let at = (b * STATE + field) * n + first;
                        lane[..width].copy_from_slice(&state[at..at + width]);
                    }
                }
                Group { first, width, constant, s, trains: Lane::of(0) }
            })
            .collect();
        // Spikes are gathered as trains, a word of 32 steps for each neuron, and turned into rows, a
        // word of 32 neurons for each step, once in 32 steps.
        for begin in call.span.steps().step_by(32) {
            let end = (begin + 32).min(call.span.t1 as usize);
            // A row of the tape is done from end to end, in the order of memory.
            for t in begin..end {
                for group in &mut groups {
                    let (lanes, jump) = &kinds[group.first / LANES % kinds.len()];
                    let row = (b * steps + t) * n + group.first;
                    let row = &mut tape[row..row + group.width];
                    if let Ok(full) = <&mut [F; LANES]>::try_from(&mut *row) {
                        step::<F, SOFT>(lanes, jump, group, full, &p);
                    } else {
                        let mut padded = [F::zero(); LANES];
                        padded[..row.len()].copy_from_slice(row);
                        step::<F, SOFT>(lanes, jump, group, &mut padded, &p);
                        row.copy_from_slice(&padded[..row.len()]);
                    }
                }
                if p.soft > 0 {
                    let at = (b * rows + p.history as usize + t) * n;
                    let row = &tape[(b * steps + t) * n..][..n];
                    for (soft, u) in soft_spikes[at..].iter_mut().zip(row) {
                        *soft = if u.wide() <= HELD {
                            F::zero()
                        } else {
                            surrogate::soft_spike(p.surrogate, p.steepness, *u / p.unit)
                        };
                    }
                }
            }
            for group in &mut groups {
                // Lanes beyond the last neuron have no say.
                group.trains[group.width..].fill(0);
                for train in group.trains.iter_mut() {
                    *train >>= 32 - (end - begin);
                }
                for (w, square) in group.trains.as_chunks_mut::<32>().0.iter_mut().enumerate() {
                    transpose_bits(square);
                    for (t, word) in (begin..end).zip(square).filter(|_| w * 32 < group.width) {
                        let row = (b * rows + p.history as usize + t) * words;
                        spikes[row + group.first / 32 + w] = *word;
                    }
                }
            }
        }
        if p.carry > 0 {
            for group in &mut groups {
                for (field, lane) in group.s.fields().into_iter().enumerate() {
                    let at = (b * STATE + field) * n + group.first;
                    state[at..at + group.width].copy_from_slice(&lane[..group.width]);
                }
            }
        }
    }
}
