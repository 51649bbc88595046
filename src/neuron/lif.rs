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
//!   v' = v + fall_m v + p21 i + p20 i_e           i' = i + fall_syn i + arrivals of this step
//! ```
//! Input that arrives in a step thus changes i at its end and v from the next step on, as in NEST:
//! a spike found at the end of step k with a delay of d steps starts a current at (k + 1 + d) dt.
//! The factor fall_m = exp(-dt/tau_m) - 1, the rest likewise, is computed in f64 by [`propagators`].
//!
//! The kernel turns the tape in place: it reads the arrivals and leaves u = v' - v_th - h', the
//! distance to the threshold, both as they are at the end of the step, which is all that the backward
//! pass needs besides the spikes.
//! A neuron that is held cannot spike; its u is [`HELD`].

use super::receptor::Response;
use super::{Cells, surrogate};
use crate::kernel::*;
use crate::slow::fall;
use crate::vector::Width;
use crate::{numbers, params};

// ---- parameters of each neuron, in the order of the array `cell` ---------------------------------

numbers! {
    /// Propagators and levels of a neuron in the array `cell`; levels are relative to `e_l`.
    pub struct Cell in cell {
        /// exp(-dt / tau_m) - 1.
        fall_m,
        /// Effect of the synaptic current on v over a step \[mV/pA\].
        p21,
        /// Effect of a constant current on v over a step \[mV/pA\].
        p20,
        /// exp(-dt / tau_syn) - 1.
        fall_syn,
        /// Threshold \[mV\].
        v_th,
        /// Reset potential \[mV\].
        v_reset,
        /// Absolute refractory period \[steps\].
        t_ref,
        /// Rise of the threshold per spike \[mV\].
        delta_th,
        /// exp(-dt / tau_rel) - 1.
        fall_rel,
        /// Potential at the start \[mV\].
        v_init,
    }
}

/// Propagators `[fall_m, p21, p20, fall_syn]` of a membrane with time constant `tau_m` and capacitance
/// `c_m`, driven by an exponential current of time constant `tau_syn`; ms and pF.
pub fn propagators(dt: f64, tau_m: f64, c_m: f64, tau_syn: f64) -> [f64; 4] {
    let [p21, _] = Response::Exp { tau: tau_syn }.propagators(dt, tau_m, c_m);
    let fall_m = fall(dt, tau_m);
    [fall_m, p21, -fall_m * tau_m / c_m, fall(dt, tau_syn)]
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
        self.raised += cell.fall_rel * self.raised;
        let v = if held { self.held } else { u + cell.v_th + self.raised };
        self.held = match (spike, subtract) {
            (true, false) => cell.v_reset,
            (true, true) => v + cell.v_reset - cell.v_th,
            (false, _) => v,
        };
        self.raised += if spike { cell.delta_th } else { 0.0 };
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
        /// 0: a launch is a whole presentation and state is not stored; 1: state is stored between
        /// launches and starts afresh at step 0.
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
    merges: false,
    bindings: &[
        reals_mut("tape"),        // [samples, steps, n] arrivals in, u out
        reals("statics"),         // [samples, n] constant input, pA
        reals("i_e"),             // [n] constant current, pA
        reals("cell"),            // [10, n or 1]
        words_mut("spikes"),      // [samples, history + steps, words]
        reals_mut("state"),       // [samples, 4, n]
        reals_mut("soft_spikes"), // [samples, history + steps, n]
    ],
    layouts: &[cell::LAYOUT],
    params: LifParams::<f32>::FIELDS,
    twin32: dispatched::<Lif, f32>,
    twin64: scalar::<Lif, f64>,
};

// ---- twin -----------------------------------------------------------------------------------------

/// Neurons that the twins take through all steps before the next: a multiple of 32.
pub(super) const AT_A_TIME: usize = 1024;

/// The twin of `shaders/neuron/lif.wgsl`.
pub struct Lif;

/// Whether any neuron has a refractory period, absolute or relative; without one the twins touch
/// half the memory.
#[inline(always)]
pub(super) fn any_refractory<F: Real>(cell: &[F]) -> bool {
    let n = cell.len() / cell::COUNT;
    [cell::t_ref, cell::delta_th]
        .iter()
        .any(|field| cell[field * n..][..n].iter().any(|x| *x != F::zero()))
}

impl Twin for Lif {
    #[inline(always)]
    fn run<S: Simd, F: Real>(simd: S, call: Call<'_, F>) {
        // The choices are made outside the loops.
        let p = LifParams::<F>::of(call.params);
        let [tape, statics, i_e, cell, spikes, state, soft_spikes] = Call::take(call.args);
        let given = Given {
            p,
            statics: statics.reals(),
            i_e: i_e.reals(),
            cell: cell.reals(),
            units: call.units,
            span: call.span,
        };
        let out =
            (tape.reals_mut(), spikes.words_mut(), state.reals_mut(), soft_spikes.reals_mut());
        match (p.own == 1, any_refractory(given.cell)) {
            (false, false) => given.run::<S, false, false>(simd, out),
            (false, true) => given.run::<S, false, true>(simd, out),
            (true, false) => given.run::<S, true, false>(simd, out),
            (true, true) => given.run::<S, true, true>(simd, out),
        }
    }
}

/// What the kernel reads.
struct Given<'a, F: Real> {
    p: LifParams<F>,
    statics: &'a [F],
    i_e: &'a [F],
    cell: &'a [F],
    units: std::ops::Range<usize>,
    span: Span,
}

/// State of the neurons of a sample; each a row.
struct State<'a, F> {
    v: &'a mut [F],
    i: &'a mut [F],
    held: &'a mut [F],
    h: &'a mut [F],
}

impl<F: Real> Given<'_, F> {
    #[inline(always)]
    fn run<S: Simd, const OWN: bool, const REFRACTORY: bool>(
        self,
        simd: S,
        (tape, spikes, stored, soft_spikes): (&mut [F], &mut [u32], &mut [F], &mut [F]),
    ) {
        let p = self.p;
        let (n, steps, rows) = (p.n as usize, p.steps as usize, (p.history + p.steps) as usize);
        let words = spike_words(n);
        let cells = Cells::<F, OWN>::new(self.cell, n);
        let mut constant = vec![F::zero(); n];
        let mut scratch = vec![F::zero(); if p.carry == 0 { STATE * n } else { 0 }];
        for b in 0..self.units.len() {
            for (k, constant) in constant.iter_mut().enumerate() {
                let input = if p.statics == 1 { self.statics[b * n + k] } else { F::zero() };
                *constant = cells.one(2, k) * (self.i_e[k] + input);
            }
            let state = if p.carry == 0 {
                &mut scratch[..]
            } else {
                &mut stored[b * STATE * n..][..STATE * n]
            };
            let (v, rest) = state.split_at_mut(n);
            if p.carry == 0 || (p.carry == 1 && self.span.t0 == 0) {
                for (k, v) in v.iter_mut().enumerate() {
                    *v = cells.one(9, k);
                }
                rest.fill(F::zero());
            }
            let (i, rest) = rest.split_at_mut(n);
            let (held, h) = rest.split_at_mut(n);
            // So many neurons at a time that their state stays in the cache.
            for first in (0..n).step_by(AT_A_TIME) {
                let part = first..n.min(first + AT_A_TIME);
                let mut s = State {
                    v: &mut v[part.clone()],
                    i: &mut i[part.clone()],
                    held: &mut held[part.clone()],
                    h: &mut h[part.clone()],
                };
                let constant = &constant[part.clone()];
                for t in self.span.steps() {
                    let row = &mut tape[(b * steps + t) * n..][part.clone()];
                    let at = b * rows + p.history as usize + t;
                    let words = &mut spikes[at * words..][..words][first / 32..];
                    let at_cell = (&cells, first);
                    step::<S, F, OWN, REFRACTORY>(
                        Width(simd),
                        at_cell,
                        constant,
                        &mut s,
                        row,
                        words,
                        &p,
                    );
                    if p.soft > 0 {
                        for (soft, u) in soft_spikes[at * n + first..].iter_mut().zip(&*row) {
                            *soft = soft_spike(&p, *u);
                        }
                    }
                }
            }
        }
    }
}

/// The soft spike of a neuron at distance `u` from its threshold.
#[inline(always)]
fn soft_spike<F: Real>(p: &LifParams<F>, u: F) -> F {
    let soft = surrogate::soft_spike(p.surrogate, p.steepness, u / p.unit);
    if u.wide() <= HELD { F::zero() } else { soft }
}

/// One step of neurons from the `first` on; `tape` holds arrivals and becomes u, and `spikes` are written.
#[inline(always)]
fn step<S: Simd, F: Real, const OWN: bool, const REFRACTORY: bool>(
    w: Width<S>,
    (cells, first): (&Cells<'_, F, OWN>, usize),
    constant: &[F],
    s: &mut State<'_, F>,
    tape: &mut [F],
    spikes: &mut [u32],
    p: &LifParams<F>,
) {
    let n = tape.len();
    let (zero, one) = (w.splat(F::zero()), w.splat(F::one()));
    let keep = if p.reset == 1 { one } else { zero };
    // A word of spikes is put together in a register.
    for (first_of_word, word) in (0..n).step_by(32).zip(spikes) {
        let mut bits = 0;
        for at in (first_of_word..n.min(first_of_word + 32)).step_by(w.lanes::<F>()) {
            let cell = |field: usize| cells.field(w, field, first + at);
            let (v_th, v_reset) = (cell(cell::v_th), cell(cell::v_reset));
            let before = w.load(s.v, at);
            let mut v = before.mul_add(cell(cell::fall_m), before) + w.load(constant, at);
            if p.arrivals == 1 {
                let i = w.load(s.i, at);
                v = v + cell(cell::p21) * i;
                w.store(s.i, at, i.mul_add(cell(cell::fall_syn), i) + w.load(tape, at));
            }
            let (mut h, mut held) = (zero, zero);
            let mut u = v - v_th;
            if REFRACTORY {
                (h, held) = (w.load(s.h, at), w.load(s.held, at));
                h = h.mul_add(cell(cell::fall_rel), h);
                let holding = held.gt(zero);
                v = holding.select(before, v);
                u = holding.select(u.of(HELD), v - (v_th + h));
            }
            let spike = u.ge(zero);
            let after = keep * v + (v_reset - keep * v_th);
            if p.soft == 2 {
                let soft = u.map(|u| soft_spike(p, u));
                w.store(s.v, at, v + soft * (after - v));
                w.store(s.h, at, h + cell(cell::delta_th) * soft);
            } else {
                w.store(s.v, at, spike.select(after, v));
                if REFRACTORY {
                    w.store(s.h, at, spike.select(h + cell(cell::delta_th), h));
                }
            }
            if REFRACTORY {
                w.store(s.held, at, spike.select(cell(cell::t_ref), (held - one).max(zero)));
            }
            w.store(tape, at, u);
            bits |= spike.bits() << (at % 32);
        }
        // Lanes beyond the row have no say.
        *word = bits & u32::MAX >> (32 - (n - first_of_word).min(32));
    }
}
