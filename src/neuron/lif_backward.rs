//! Adjoint of the leaky integrate-and-fire neuron, from the last step to the first.
//!
//! With a bar for the derivative of the loss by the state after a step, and S' the surrogate:
//! ```text
//!   s_bar  = cotangent[t] + attached · (v_bar · dv/ds + delta_th · h_bar)
//!   v_bar' = v_bar · dv/dv' + s_bar · S'(u)        dv/dv' = 1 - s (reset to value), 1 (subtraction)
//!   arrivals_bar[t] = i_bar                        h_bar := decay_rel h_bar - s_bar · S'(u)
//!   i_bar := p11 i_bar + p21 v_bar'                input_bar += p20 v_bar'
//!   v_bar := p22 v_bar'
//! ```
//! While a neuron is held its potential does not move: v_bar passes unchanged, nothing else acts on v.
//!
//! Exact paths: leak, synaptic current, holding, threshold's decay. Surrogate: the spike. Detached by
//! default: a spike's effect on its own neuron (dv/ds and delta_th); `detach_reset: false` takes
//! them in. Always detached: that a spike starts the absolute refractory period, a discrete event.
//!
//! The kernel turns the tape in place once more: u becomes the gradient by the arrivals.

use super::lif::{CELL, HELD, Lanes};
use super::{LANES, Lane, surrogate};
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/neuron/lif_backward.wgsl`.
    pub struct LifBackwardParams {
        /// Neurons.
        n: word,
        /// Steps of a window.
        steps: word,
        /// Rows of spikes before the window.
        history: word,
        /// 1 if each neuron has its own parameters.
        own: word,
        /// Steepness of the surrogate.
        steepness: real,
        /// Distance from rest to threshold \[mV\].
        unit: real,
        /// 0: the whole window in one launch; 1: the adjoint state is stored between launches.
        carry: option,
        /// As in the forward kernel.
        reset: option,
        /// As in the forward kernel.
        soft: option,
        /// Shape of the surrogate.
        surrogate: option,
        /// 1 if the gradient passes through reset and rise of the threshold.
        attached: option,
    }
}

/// Adjoint state per neuron that is stored between launches: v, i, h.
pub const STATE: usize = 3;

/// Terms of the raised threshold that are smaller than this fraction are left out.
const NEGLIGIBLE: f64 = 1e-9;

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "neuron/lif_backward",
    wgsl: include_str!("../../shaders/neuron/lif_backward.wgsl"),
    workgroup: 64,
    bindings: &[
        reals_mut("tape"),           // [samples, steps, n] u in, gradient by arrivals out
        reals("cotangent"),          // [samples, steps, n] gradient by spikes
        reals("cell"),               // [10, n or 1]
        words("spikes"),             // [samples, history + steps, words]
        reals_mut("adjoint"),        // [samples, 3, n]
        reals_mut("input_gradient"), // [samples, n] gradient by the constant current, 1/pA
    ],
    params: LifBackwardParams::<f32>::FIELDS,
    twin32: dispatched::<LifBackward, f32>,
    twin64: dispatched::<LifBackward, f64>,
};

/// The twin of `shaders/neuron/lif_backward.wgsl`.
pub struct LifBackward;

struct Adjoint<F> {
    v: Lane<F>,
    i: Lane<F>,
    h: Lane<F>,
    input: Lane<F>,
}

/// One step back of up to 64 neurons; `tape` holds u and becomes the gradient by the arrivals.
#[inline(always)]
fn step<F: Real, const SHAPE: u32, const ATTACHED: bool>(
    lanes: &Lanes<F>,
    a: &mut Adjoint<F>,
    tape: &mut [F; LANES],
    cotangent: &[F; LANES],
    bits: u64,
    raised: &Lane<F>,
    p: &LifBackwardParams<F>,
) {
    let [p22, p21, p20, p11, v_th, v_reset, _, delta_th, decay_rel, _]: &[_; CELL] = &lanes.0;
    let (zero, one) = (F::zero(), F::one());
    let per_unit = one / p.unit;
    let mut fired = Lane::of(zero);
    for (k, f) in fired.iter_mut().enumerate() {
        *f = if (bits >> k) & 1 == 1 { one } else { zero };
    }
    for k in 0..LANES {
        let u = tape[k];
        let held = u <= F::of(HELD);
        let x = u * per_unit;
        let mut by_spike = cotangent[k];
        let mut spiked = fired[k];
        if ATTACHED {
            let to = if p.reset == 0 {
                v_reset[k] - (u + v_th[k] + raised[k])
            } else {
                v_reset[k] - v_th[k]
            };
            by_spike += a.v[k] * to + a.h[k] * delta_th[k];
            if p.soft == 2 {
                spiked = surrogate::soft_spike(SHAPE, p.steepness, x);
            }
        }
        let slope = surrogate::derivative(SHAPE, p.steepness, x) * per_unit;
        let by_u = if held { zero } else { by_spike * slope };
        let keep = if p.reset == 0 { one - spiked } else { one };
        let by_v = a.v[k] * (if held { one } else { keep }) + by_u;
        let drive = if held { zero } else { by_v };
        a.h[k] = decay_rel[k] * a.h[k] - by_u;
        tape[k] = a.i[k];
        a.i[k] = p11[k] * a.i[k] + p21[k] * drive;
        a.input[k] += p20[k] * drive;
        a.v[k] = if held { by_v } else { p22[k] * by_v };
    }
}

/// The part of the threshold that earlier spikes of neuron `id` have raised at step `t`:
/// sum over earlier steps of delta_th s decay_rel^(t - 1 - step).
#[inline(always)]
fn raised_threshold<F: Real>(
    p: &LifBackwardParams<F>,
    (delta_th, decay_rel): (F, F),
    spiked: impl Fn(usize) -> F,
    t: usize,
) -> F {
    let mut sum = F::zero();
    let mut weight = delta_th;
    for earlier in (0..t).rev() {
        if weight.abs() <= F::of(NEGLIGIBLE) * p.unit {
            break;
        }
        sum += weight * spiked(earlier);
        weight *= decay_rel;
    }
    sum
}

impl Twin for LifBackward {
    #[inline(always)]
    fn run<F: Real>(call: Call<'_, F>) {
        // The choices are made outside the loops, which the compiler then turns into vectors.
        let p = LifBackwardParams::<F>::of(call.params);
        match (p.surrogate, p.attached) {
            (0, 0) => run::<F, 0, false>(call),
            (1, 0) => run::<F, 1, false>(call),
            (2, 0) => run::<F, 2, false>(call),
            (3, 0) => run::<F, 3, false>(call),
            (_, 0) => run::<F, 4, false>(call),
            (0, _) => run::<F, 0, true>(call),
            (1, _) => run::<F, 1, true>(call),
            (2, _) => run::<F, 2, true>(call),
            (3, _) => run::<F, 3, true>(call),
            (_, _) => run::<F, 4, true>(call),
        }
    }
}

#[inline(always)]
fn run<F: Real, const SHAPE: u32, const ATTACHED: bool>(call: Call<'_, F>) {
    let p = LifBackwardParams::<F>::of(call.params);
    let [tape, cotangent, cell, spikes, adjoint, input_gradient] = Call::take(call.args);
    let (tape, cotangent, cell) = (tape.reals_mut(), cotangent.reals(), cell.reals());
    let (spikes, adjoint) = (spikes.words(), adjoint.reals_mut());
    let input_gradient = input_gradient.reals_mut();
    let (n, steps, history) = (p.n as usize, p.steps as usize, p.history as usize);
    let words = spike_words(n);
    let zero = F::zero();
    for first in (0..n).step_by(LANES) {
        let width = LANES.min(n - first);
        let lanes = Lanes::load(cell, n, p.own == 1, first, width);
        for b in 0..call.units.len() {
            let mut a = Adjoint {
                v: Lane::of(zero),
                i: Lane::of(zero),
                h: Lane::of(zero),
                input: Lane::of(zero),
            };
            let stored = |field: usize| (b * STATE + field) * n + first;
            let inputs = b * n + first..b * n + first + width;
            if p.carry == 1 && (call.span.t1 as usize) < steps {
                for (field, lane) in [&mut a.v, &mut a.i, &mut a.h].into_iter().enumerate() {
                    lane[..width].copy_from_slice(&adjoint[stored(field)..][..width]);
                }
                a.input[..width].copy_from_slice(&input_gradient[inputs.clone()]);
            }
            for t in call.span.steps().rev() {
                let word = |t: usize| (b * (history + steps) + history + t) * words + first / 32;
                let pair = |t: usize| {
                    let at = word(t);
                    let high = if width > 32 { u64::from(spikes[at + 1]) << 32 } else { 0 };
                    u64::from(spikes[at]) | high
                };
                let mut raised = Lane::of(zero);
                if ATTACHED && p.reset == 0 {
                    for (k, raised) in raised[..width].iter_mut().enumerate() {
                        let spiked = |earlier: usize| {
                            let u = tape[(b * steps + earlier) * n + first + k];
                            if p.soft == 2 && u > F::of(HELD) {
                                surrogate::soft_spike(p.surrogate, p.steepness, u / p.unit)
                            } else {
                                F::of((pair(earlier) >> k & 1) as f64)
                            }
                        };
                        *raised = raised_threshold(&p, (lanes.0[7][k], lanes.0[8][k]), spiked, t);
                    }
                }
                let row = (b * steps + t) * n + first;
                let bits = pair(t);
                let full = <&mut [F; LANES]>::try_from(&mut tape[row..row + width]);
                let incoming = <&[F; LANES]>::try_from(&cotangent[row..row + width]);
                if let (Ok(full), Ok(incoming)) = (full, incoming) {
                    step::<F, SHAPE, ATTACHED>(&lanes, &mut a, full, incoming, bits, &raised, &p);
                } else {
                    let (mut padded, mut incoming) = ([zero; LANES], [zero; LANES]);
                    padded[..width].copy_from_slice(&tape[row..row + width]);
                    incoming[..width].copy_from_slice(&cotangent[row..row + width]);
                    step::<F, SHAPE, ATTACHED>(
                        &lanes,
                        &mut a,
                        &mut padded,
                        &incoming,
                        bits,
                        &raised,
                        &p,
                    );
                    tape[row..row + width].copy_from_slice(&padded[..width]);
                }
            }
            input_gradient[inputs].copy_from_slice(&a.input[..width]);
            if p.carry == 1 {
                for (field, lane) in [&a.v, &a.i, &a.h].into_iter().enumerate() {
                    adjoint[stored(field)..][..width].copy_from_slice(&lane[..width]);
                }
            }
        }
    }
}
