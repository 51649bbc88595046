//! Adjoint of the leaky integrate-and-fire neuron, from the last step to the first.
//!
//! With a bar for the derivative of the loss by the state after a step, and S' the surrogate:
//! ```text
//!   s_bar  = cotangent[t] + attached · (v_bar · dv/ds + delta_th · h_bar)
//!   v_bar' = v_bar · dv/dv' + s_bar · S'(u)        dv/dv' = 1 - s (reset to value), 1 (subtraction)
//!   arrivals_bar[t] = i_bar                        h_bar := (1 + fall_rel) (h_bar - s_bar · S'(u))
//!   i_bar := (1 + fall_syn) i_bar + p21 v_bar'     input_bar += p20 v_bar'
//!   v_bar := (1 + fall_m) v_bar'
//! ```
//! While a neuron is held its potential does not move: v_bar passes unchanged, nothing else acts on v.
//!
//! Exact paths: leak, synaptic current, holding, threshold's decay. Surrogate: the spike. Detached by
//! default: a spike's effect on its own neuron (dv/ds and delta_th); `detach_reset: false` and
//! `detach_adaptation: false` take them in. A reset to a value then needs the potential at the spike, which u
//! has where the threshold does not rise; with a threshold that does, neurons are in [frames](super::frame). Always detached: that a spike starts the absolute refractory period, a discrete event.
//!
//! The kernel turns the tape in place once more: u becomes the gradient by the arrivals, if there are any.

use super::lif::{AT_A_TIME, HELD, cell};
use super::{Cells, load_bits, surrogate};
use crate::kernel::*;
use crate::params;
use crate::vector::Width;

params! {
    /// `Params` of `shaders/neuron/lif_backward.wgsl`.
    pub struct LifBackwardParams {
        /// Neurons.
        n: word,
        /// Steps of a window.
        steps: word,
        /// Rows of spikes before the window.
        history: word,
        /// 1 if the gradient by arrivals is wanted; 0 if no synapse ends here.
        arrivals: word,
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
        /// 1 if the gradient passes through the reset, plus 2 if it passes through the rise of the threshold.
        attached: option,
    }
}

/// Adjoint state per neuron that is stored between launches: v, i, h.
pub const STATE: usize = 3;

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "neuron/lif_backward",
    wgsl: include_str!("../../shaders/neuron/lif_backward.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals_mut("tape"),           // [samples, steps, n] u in, gradient by arrivals out
        reals("cotangent"),          // [samples, steps, n] gradient by spikes
        reals("cell"),               // [10, n or 1]
        words("spikes"),             // [samples, history + steps, words]
        reals_mut("adjoint"),        // [samples, 3, n]
        reals_mut("input_gradient"), // [samples, n] gradient by the constant current, 1/pA
    ],
    layouts: &[cell::LAYOUT],
    params: LifBackwardParams::<f32>::FIELDS,
    twin32: dispatched::<LifBackward, f32>,
    twin64: scalar::<LifBackward, f64>,
};

/// The twin of `shaders/neuron/lif_backward.wgsl`.
pub struct LifBackward;

impl Twin for LifBackward {
    #[inline(always)]
    fn run<S: Simd, F: Real>(simd: S, call: Call<'_, F>) {
        let p = LifBackwardParams::<F>::of(call.params);
        match p.own {
            0 => run::<S, F, false>(simd, call, p),
            _ => run::<S, F, true>(simd, call, p),
        }
    }
}

/// Adjoint of the neurons of a sample; each a row. `input` is the gradient by the constant current.
struct Adjoint<'a, F> {
    v: &'a mut [F],
    i: &'a mut [F],
    h: &'a mut [F],
    input: &'a mut [F],
}

#[inline(always)]
fn run<S: Simd, F: Real, const OWN: bool>(simd: S, call: Call<'_, F>, p: LifBackwardParams<F>) {
    let [tape, cotangent, cell, spikes, adjoint, input_gradient] = Call::take(call.args);
    let (tape, cotangent, cell) = (tape.reals_mut(), cotangent.reals(), cell.reals());
    let (spikes, adjoint) = (spikes.words(), adjoint.reals_mut());
    let input_gradient = input_gradient.reals_mut();
    let (n, steps, history) = (p.n as usize, p.steps as usize, p.history as usize);
    let words = spike_words(n);
    let zero = F::zero();
    let cells = Cells::<F, OWN>::new(cell, n);
    let mut scratch = vec![zero; if p.carry == 0 { STATE * n } else { 0 }];
    let [mut slope, mut spiked] = [(); 2].map(|()| vec![zero; n]);
    for b in 0..call.units.len() {
        let state = if p.carry == 0 {
            &mut scratch[..]
        } else {
            &mut adjoint[b * STATE * n..][..STATE * n]
        };
        let input = &mut input_gradient[b * n..][..n];
        if p.carry == 0 || call.span.t1 as usize == steps {
            state.fill(zero);
            input.fill(zero);
        }
        let (v, rest) = state.split_at_mut(n);
        let (i, h) = rest.split_at_mut(n);
        // So many neurons at a time that their state stays in the cache.
        for first in (0..n).step_by(AT_A_TIME) {
            let part = first..n.min(first + AT_A_TIME);
            let mut a = Adjoint {
                v: &mut v[part.clone()],
                i: &mut i[part.clone()],
                h: &mut h[part.clone()],
                input: &mut input[part.clone()],
            };
            let (slope, spiked) = (&mut slope[part.clone()], &mut spiked[part.clone()]);
            for t in call.span.steps().rev() {
                let row = (b * steps + t) * n;
                let u = &tape[row..][part.clone()];
                surrogate::slopes(p.surrogate, p.steepness, F::one() / p.unit, u, slope);
                // Which neurons spiked matters only where that takes something from their potential.
                if p.soft == 2 {
                    for (spiked, u) in spiked.iter_mut().zip(u) {
                        *spiked = soft_spike(&p, *u);
                    }
                } else if p.reset == 0 {
                    let bits = (b * (history + steps) + history + t) * words;
                    load_bits(&spikes[bits..][..words][first / 32..], spiked);
                }
                let given = [&cotangent[row..][part.clone()], &*slope, &*spiked];
                let tape = &mut tape[row..][part.clone()];
                step(Width(simd), (&cells, first), &mut a, tape, given, &p);
            }
        }
    }
}

/// The soft spike of a neuron at distance `u` from its threshold.
#[inline(always)]
fn soft_spike<F: Real>(p: &LifBackwardParams<F>, u: F) -> F {
    let soft = surrogate::soft_spike(p.surrogate, p.steepness, u * (F::one() / p.unit));
    if u <= F::of(HELD) { F::zero() } else { soft }
}

/// One step back of neurons from the `first` on; `tape` holds u and becomes the gradient by the arrivals.
/// `slope` is that of the surrogate, `spiked` is 1 where a neuron spiked.
#[inline(always)]
fn step<S: Simd, F: Real, const OWN: bool>(
    w: Width<S>,
    (cells, first): (&Cells<'_, F, OWN>, usize),
    a: &mut Adjoint<'_, F>,
    tape: &mut [F],
    [cotangent, slope, spiked]: [&[F]; 3],
    p: &LifBackwardParams<F>,
) {
    let (zero, one) = (w.splat(F::zero()), w.splat(F::one()));
    for at in (0..tape.len()).step_by(w.lanes::<F>()) {
        let cell = |field: usize| cells.field(w, field, first + at);
        let (u, by_v) = (w.load(tape, at), w.load(a.v, at));
        let held = u.le(u.of(HELD));
        let mut by_spike = w.load(cotangent, at);
        if p.attached & 1 == 1 {
            let from = if p.reset == 0 { u + cell(cell::v_th) } else { cell(cell::v_th) };
            by_spike = by_spike + by_v * (cell(cell::v_reset) - from);
        }
        if p.attached & 2 == 2 {
            by_spike = by_spike + w.load(a.h, at) * cell(cell::delta_th);
        }
        let by_u = held.select(zero, by_spike * w.load(slope, at));
        let keep = if p.reset == 0 { one - w.load(spiked, at) } else { one };
        let kept = by_v * keep + by_u;
        let drive = held.select(zero, kept);
        w.store(a.v, at, held.select(kept, kept.mul_add(cell(cell::fall_m), kept)));
        w.store(a.input, at, w.load(a.input, at) + cell(cell::p20) * drive);
        if p.attached & 2 == 2 {
            let by_h = w.load(a.h, at) - by_u;
            w.store(a.h, at, by_h.mul_add(cell(cell::fall_rel), by_h));
        }
        if p.arrivals == 1 {
            let by_i = w.load(a.i, at);
            w.store(tape, at, by_i);
            w.store(a.i, at, by_i.mul_add(cell(cell::fall_syn), by_i) + cell(cell::p21) * drive);
        }
    }
}
