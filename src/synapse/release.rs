//! Short-term plasticity in a training: what spikes carry of their weights, as values in their place.
//!
//! ```text
//!   a = u + U (1 - u)        released = s a (1 - x)        u := u + s U (1 - u)        x := x + released
//! ```
//! with s the spike of a step, u and x those of [`super::short_term`] (x is what it calls 1 - x), which fall before it. Both as
//! they are before the spike are kept for the way back, [`super::release_backward`].

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/release.wgsl`.
    pub struct ReleaseParams {
        /// Sources.
        n: word,
        /// Steps of a window.
        steps: word,
        /// Rows before the window.
        history: word,
        /// Whether spikes are soft.
        soft: word,
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
    name: "synapse/release",
    wgsl: include_str!("../../shaders/synapse/release.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        words("spikes"),       // [samples, history + steps, words]
        reals("soft_spikes"),  // [samples, history + steps, n], if they are soft
        reals_mut("states"),   // [samples, steps, 2, n] u and x before the spike
        reals_mut("released"), // [samples, history + steps, n]
    ],
    layouts: &[],
    params: ReleaseParams::<f32>::FIELDS,
    twin32: dispatched::<Release, f32>,
    twin64: scalar::<Release, f64>,
};

/// The twin of `shaders/synapse/release.wgsl`; units are samples.
pub struct Release;

impl Twin for Release {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = ReleaseParams::<F>::of(call.params);
        let [spikes, soft, states, released] = Call::take(call.args);
        let (spikes, soft) = (spikes.words(), soft.reals());
        let (states, released) = (states.reals_mut(), released.reals_mut());
        let (n, steps, history) = (p.n as usize, p.steps as usize, p.history as usize);
        let words = spike_words(n);
        let one = F::one();
        for b in 0..call.units.len() {
            for t in call.span.steps() {
                let row = b * (history + steps) + history + t;
                let (before, now) = states[b * steps * 2 * n..].split_at_mut(t * 2 * n);
                let (u, x) = now[..2 * n].split_at_mut(n);
                let released = &mut released[(row - t) * n..][..(t + 1) * n];
                for id in 0..n {
                    let spike = |ago: usize| match p.soft {
                        0 => {
                            let word = spikes[(row - ago) * words + id / 32];
                            F::of(f64::from((word >> (id % 32)) & 1))
                        }
                        _ => soft[(row - ago) * n + id],
                    };
                    (u[id], x[id]) = (F::zero(), F::zero());
                    if t > 0 {
                        // What the step before left of the states before it.
                        let last = (t - 1) * 2 * n + id;
                        let (before_u, before_x) = (before[last], before[last + n]);
                        let after = before_u + spike(1) * p.u_rest * (one - before_u);
                        u[id] = after + p.fall_facil * after;
                        let after = before_x + released[(t - 1) * n + id];
                        x[id] = after + p.fall_rec * after;
                    }
                    let used = u[id] + p.u_rest * (one - u[id]);
                    released[t * n + id] = spike(0) * used * (one - x[id]);
                }
            }
        }
    }
}
