//! The adjoint of [`super::release`]: the gradient by what was released becomes that by the spikes.
//!
//! A bar is the derivative of the loss; u, x and s are those of a step before its spike, u_bar and x_bar those after it, and
//! a = u + U (1 - u).
//!
//! ```text
//!   r_bar  = cotangent + x_bar
//!   s_bar := [s_bar +] r_bar a (1 - x) + u_bar U (1 - u)
//!   u_bar := (1 + fall_facil) (u_bar (1 - s U) + r_bar s (1 - x) (1 - U))
//!   x_bar := (1 + fall_rec) (x_bar - r_bar s a)
//! ```

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/release_backward.wgsl`.
    pub struct ReleaseBackwardParams {
        /// Sources.
        n: word,
        /// Steps of a window.
        steps: word,
        /// Rows before the window.
        history: word,
        /// Whether spikes are soft.
        soft: word,
        /// 1: add to what others left; 0: overwrite.
        accumulate: word,
        /// U.
        u_rest: real,
        /// Relative change of u over a step; -1 without facilitation.
        fall_facil: real,
        /// Relative change of x over a step.
        fall_rec: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/release_backward",
    wgsl: include_str!("../../shaders/synapse/release_backward.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("spikes"),        // [samples, history + steps, words]
        reals("soft_spikes"),   // [samples, history + steps, n], if they are soft
        reals("states"),        // [samples, steps, 2, n] u and x before the spike
        reals("by_released"),   // [samples, steps, n]
        reals_mut("carried"),   // [samples, 2, n] u_bar and x_bar
        reals_mut("cotangent"), // [samples, steps, n]
    ],
    layouts: &[],
    params: ReleaseBackwardParams::<f32>::FIELDS,
    twin32: dispatched::<ReleaseBackward, f32>,
    twin64: scalar::<ReleaseBackward, f64>,
};

/// The twin of `shaders/synapse/release_backward.wgsl`; units are samples.
pub struct ReleaseBackward;

impl Twin for ReleaseBackward {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = ReleaseBackwardParams::<F>::of(call.params);
        let [spikes, soft, states, by_released, carried, cotangent] = Call::take(call.args);
        let (spikes, soft, states) = (spikes.words(), soft.reals(), states.reals());
        let (by_released, carried) = (by_released.reals(), carried.reals_mut());
        let cotangent = cotangent.reals_mut();
        let (n, steps, history) = (p.n as usize, p.steps as usize, p.history as usize);
        let words = spike_words(n);
        let (zero, one) = (F::zero(), F::one());
        for b in 0..call.units.len() {
            let (by_u, by_x) = carried[b * 2 * n..][..2 * n].split_at_mut(n);
            if call.span.t1 as usize == steps {
                by_u.fill(zero);
                by_x.fill(zero);
            }
            for t in call.span.steps().rev() {
                let row = b * (history + steps) + history + t;
                let (u, x) = states[(b * steps + t) * 2 * n..][..2 * n].split_at(n);
                let at = (b * steps + t) * n;
                for id in 0..n {
                    let s = match p.soft {
                        0 => F::of(f64::from((spikes[row * words + id / 32] >> (id % 32)) & 1)),
                        _ => soft[row * n + id],
                    };
                    let (u, x) = (u[id], x[id]);
                    let (jump, free) = (p.u_rest * (one - u), one - x);
                    let used = u + jump;
                    let by = by_released[at + id] + by_x[id];
                    let by_spike = by * used * free + by_u[id] * jump;
                    let before = if p.accumulate == 1 { cotangent[at + id] } else { zero };
                    cotangent[at + id] = before + by_spike;
                    let earlier =
                        by_u[id] * (one - s * p.u_rest) + by * s * free * (one - p.u_rest);
                    by_u[id] = earlier + p.fall_facil * earlier;
                    let earlier = by_x[id] - by * s * used;
                    by_x[id] = earlier + p.fall_rec * earlier;
                }
            }
        }
    }
}
