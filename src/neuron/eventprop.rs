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
//! [`super::iaf`]. Against exact times of spikes the error is of the order of dt. In the last step G' is 0. Where a
//! potential hardly crosses the threshold 1 / rise is large; `least_rise` bounds it.
//!
//! A spike that is not there has no time: neurons that are silent learn nothing, but for `push`, by which a loss lifts
//! the potential at its `peak`. The walk is that of [`super::frame::TapeBack`], which does here what spikes do, and
//! leaves to the model what lies between them.

use super::frame::field_of;
use super::stepped::BLOCK;
use crate::kernel::*;
use crate::vector::Width;
use std::ops::{Add, Div, Mul, Sub};

/// Gradient by the potential before a spike from that behind it, `by_v`, and that by the time of the spike: the potential
/// rises to the threshold by `rise`, and leaks less behind the reset by `fall`, all per unit of time.
#[inline(always)]
pub fn before_spike<X>(by_v: X, by_time: X, rise: X, fall: X) -> X
where
    X: Copy + Add<Output = X> + Sub<Output = X> + Mul<Output = X> + Div<Output = X>,
{
    by_v + (fall * by_v - by_time) / rise
}

/// Numbers of a neuron, by their places in the array `cell`, that this takes: threshold, reset and leak of a step.
#[derive(Debug, Clone, Copy)]
pub struct Levels {
    /// Threshold.
    pub v_th: usize,
    /// Potential behind a spike.
    pub v_reset: usize,
    /// Fall of the potential in a step, as a factor less one.
    pub fall: usize,
}

/// What is known of a block at a step.
pub struct Spikes<'a, F> {
    /// Distance to the threshold at the end of the step.
    pub u: &'a [F; BLOCK],
    /// The same of the step before.
    pub before: &'a [F; BLOCK],
    /// What a spike is worth in this step and in the next.
    pub worth: [&'a [F; BLOCK]; 2],
    /// Least rise of a potential over the step of a spike.
    pub least_rise: F,
}

impl<F: Real> Spikes<'_, F> {
    /// Gradients by potentials behind the spikes become those before them.
    #[inline(always)]
    pub fn go_back<S: Simd, const OWN: bool>(
        &self,
        w: Width<S>,
        (cell, levels): (&[F], Levels),
        by_v: &mut [F],
    ) {
        for at in (0..BLOCK).step_by(w.lanes::<F>()) {
            let field = |k: usize| field_of::<S, F, OWN>(w, cell, k, at);
            let (u, before, by) = (w.load(self.u, at), w.load(self.before, at), w.load(by_v, at));
            let reset = field(levels.v_reset) - field(levels.v_th);
            let zero = u.of(0.0);
            let rise = u - before.ge(zero).select(reset, before);
            let by_time = w.load(self.worth[1], at) - w.load(self.worth[0], at);
            let fall = field(levels.fall) * reset;
            let spiked = before_spike(by, by_time, rise.max(w.splat(self.least_rise)), fall);
            w.store(by_v, at, u.ge(zero).select(spiked, by));
        }
    }
}
