//! Adjoint of the leaky integrate-and-fire neuron by the times of its spikes, from the last step to the first
//! (EventProp, Wunderlich & Pehle 2021): the gradient without a surrogate.
//!
//! A weight changes when spikes come, not whether they do. With v relative to rest, a bar for the derivative of the
//! loss by the state at a moment, and ' for that by time,
//! ```text
//!   tau_m v' = -v + (tau_m / c_m) (i + i_e)       tau_syn i' = -i       a spike of weight w:  i := i + w
//!   tau_m v_bar' = v_bar - tau_m l_v              i_bar' = i_bar / tau_syn - v_bar / c_m
//! ```
//! l_v is what the loss takes of the potential directly. Three things happen at moments:
//!
//! * **A spike arrives** at t + d, and i rises by w, whatever i is: i_bar is the same before and behind, and
//!   w_bar = i_bar(t + d). If it comes later by δ, v lacks w δ / c_m and i has w δ / tau_syn more of it, so
//!   ```text
//!   t_bar = w (i_bar / tau_syn - v_bar / c_m) = w i_bar'(t + d)
//!   ```
//! * So with the sum over targets G(t) = Σ_j w_j i_bar_j(t + d_j), which is what a spike at t is worth and what a
//!   population gets through transposed weights whatever its gradients are, a spike is worth G'(t) more per time that it
//!   comes later. What a loss takes of the time of a spike is added to G as a ramp of that slope.
//! * **The neuron spikes** when v reaches v_th, where it rises by v'. A v that is higher by δv is there earlier, by
//!   δv / v'. Behind the spike it starts from v_reset, leaks less by f = (v_th - v_reset) / tau_m, and so has risen by
//!   (v' + f) δv / v' more. Together
//!   ```text
//!   v_bar before = ((v' + f) v_bar - G') / v' = v_bar + (f v_bar - G') / v'          see [`before_spike`]
//!   ```
//!   and i_bar is the same on both sides.
//!
//! The authors measure i in units of the potential, as I = (tau_m / c_m) i, and write λ_V = -tau_m v_bar and λ_I = -tau_syn
//! I_bar. In these what travels is w (λ_V - λ_I), and w_bar = -tau_syn λ_I.
//!
//! On the grid, all per step: f = -fall_m (v_th - v_reset); the rise is that of v over the step of the spike, u\[t\] -
//! u\[t - 1\], where u is what is on the tape, behind a spike v_reset - v_th; and G' = G\[t + 1\] - G\[t\], which a spike
//! gains that comes one step later, with what its targets do in that step. Between spikes all is as in
//! [`super::lif_backward`]. Against exact times of spikes the error is of the order of dt. In the last step G' is 0. Where a
//! potential hardly crosses the threshold 1 / rise is large; `least_rise` bounds it.
//!
//! A spike that is not there has no time: neurons that are silent learn nothing, but for `push`, by which a loss lifts
//! the potential at its `peak`. The kernel turns the tape in place: u becomes the gradient by the arrivals.

use super::Cells;
use super::lif::{AT_A_TIME, cell};
use crate::kernel::*;
use crate::params;
use crate::vector::Width;
use std::ops::{Add, Div, Mul, Sub};

params! {
    /// `Params` of `shaders/neuron/lif_eventprop.wgsl`.
    pub struct LifEventpropParams {
        /// Neurons.
        n: word,
        /// Steps of a window.
        steps: word,
        /// 1 if the gradient by arrivals is wanted; 0 if no synapse ends here.
        arrivals: word,
        /// 1 if each neuron has its own parameters.
        own: word,
        /// 1 if the loss pushes neurons at their peaks.
        pushed: word,
        /// What it pays for each mV of a peak.
        push: real,
        /// Least rise over the step of a spike that is reckoned with \[mV\].
        least_rise: real,
        /// 0: the whole window in one launch; 1: the adjoint state is stored between launches.
        carry: option,
    }
}

/// Adjoint state per neuron that is stored between launches: v, i.
pub const STATE: usize = 2;

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "neuron/lif_eventprop",
    wgsl: include_str!("../../shaders/neuron/lif_eventprop.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals_mut("tape"),           // [samples, steps, n] u in, gradient by arrivals out
        reals("cotangent"),          // [samples, steps, n] what a spike in each step is worth
        reals("cell"),               // [10, n or 1]
        words("peak"), // [samples, n] step in which a neuron is pushed, none from `steps` on
        reals_mut("adjoint"), // [samples, 2, n]
        reals_mut("input_gradient"), // [samples, n] gradient by the constant current, 1/pA
    ],
    layouts: &[cell::LAYOUT],
    params: LifEventpropParams::<f32>::FIELDS,
    twin32: dispatched::<LifEventprop, f32>,
    twin64: scalar::<LifEventprop, f64>,
};

/// Gradient by the potential before a spike from that behind it, `by_v`, and that by the time of the spike: the potential
/// rises to the threshold by `rise`, and leaks less behind the reset by `fall`, all per unit of time.
#[inline(always)]
pub fn before_spike<X>(by_v: X, by_time: X, rise: X, fall: X) -> X
where
    X: Copy + Add<Output = X> + Sub<Output = X> + Mul<Output = X> + Div<Output = X>,
{
    by_v + (fall * by_v - by_time) / rise
}

/// The twin of `shaders/neuron/lif_eventprop.wgsl`.
pub struct LifEventprop;

impl Twin for LifEventprop {
    #[inline(always)]
    fn run<S: Simd, F: Real>(simd: S, call: Call<'_, F>) {
        let p = LifEventpropParams::<F>::of(call.params);
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
    input: &'a mut [F],
}

#[inline(always)]
fn run<S: Simd, F: Real, const OWN: bool>(simd: S, call: Call<'_, F>, p: LifEventpropParams<F>) {
    let [tape, cotangent, cell, peak, adjoint, input_gradient] = Call::take(call.args);
    let (tape, cotangent, cell) = (tape.reals_mut(), cotangent.reals(), cell.reals());
    let (peak, adjoint) = (peak.words(), adjoint.reals_mut());
    let input_gradient = input_gradient.reals_mut();
    let (n, steps) = (p.n as usize, p.steps as usize);
    let zero = F::zero();
    let cells = Cells::<F, OWN>::new(cell, n);
    // Distance to the threshold at the start.
    let start = |k: usize| cells.one(cell::v_init, k) - cells.one(cell::v_th, k);
    let start: Vec<F> = (0..n).map(start).collect();
    let push = p.push / F::of(f64::from(call.clock.samples));
    let mut scratch = vec![zero; if p.carry == 0 { STATE * n } else { 0 }];
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
        let (v, i) = state.split_at_mut(n);
        // So many neurons at a time that their state stays in the cache.
        for first in (0..n).step_by(AT_A_TIME) {
            let part = first..n.min(first + AT_A_TIME);
            let mut a = Adjoint {
                v: &mut v[part.clone()],
                i: &mut i[part.clone()],
                input: &mut input[part.clone()],
            };
            for t in call.span.steps().rev() {
                if p.pushed == 1 {
                    for (by_v, peak) in a.v.iter_mut().zip(&peak[b * n + first..]) {
                        if *peak as usize == t {
                            *by_v -= push;
                        }
                    }
                }
                let row = (b * steps + t) * n;
                let (earlier, tape) = tape.split_at_mut(row);
                let before = match t {
                    0 => &start[part.clone()],
                    _ => &earlier[row - n..][part.clone()],
                };
                let later = if t + 1 < steps { row + n } else { row };
                let given =
                    [before, &cotangent[row..][part.clone()], &cotangent[later..][part.clone()]];
                step(Width(simd), (&cells, first), &mut a, &mut tape[part.clone()], given, &p);
            }
        }
    }
}

/// One step back of neurons from the `first` on; `tape` holds u and becomes the gradient by the arrivals. `before` is
/// u of the step before, and `worth` what a spike is worth in this step and in the next.
#[inline(always)]
fn step<S: Simd, F: Real, const OWN: bool>(
    w: Width<S>,
    (cells, first): (&Cells<'_, F, OWN>, usize),
    a: &mut Adjoint<'_, F>,
    tape: &mut [F],
    [before, worth, next]: [&[F]; 3],
    p: &LifEventpropParams<F>,
) {
    let zero = w.splat(F::zero());
    let least = w.splat(p.least_rise);
    for at in (0..tape.len()).step_by(w.lanes::<F>()) {
        let cell = |field: usize| cells.field(w, field, first + at);
        let (u, behind) = (w.load(tape, at), w.load(a.v, at));
        let fall_m = cell(cell::fall_m);
        let reset = cell(cell::v_reset) - cell(cell::v_th);
        let before = w.load(before, at);
        let rise = (u - before.ge(zero).select(reset, before)).max(least);
        let by_time = w.load(next, at) - w.load(worth, at);
        let spiked = before_spike(behind, by_time, rise, fall_m * reset);
        let drive = u.ge(zero).select(spiked, behind);
        w.store(a.v, at, drive.mul_add(fall_m, drive));
        w.store(a.input, at, w.load(a.input, at) + cell(cell::p20) * drive);
        if p.arrivals == 1 {
            let by_i = w.load(a.i, at);
            w.store(tape, at, by_i);
            w.store(a.i, at, by_i.mul_add(cell(cell::fall_syn), by_i) + cell(cell::p21) * drive);
        }
    }
}
