//! Short-term plasticity: facilitation and depression of a source's synapses by its own spikes.
//!
//! ```text
//!   du/dt = -u / tau_facil            at a spike, in this order:  u := u + U (1 - u)
//!   dx/dt = (1 - x) / tau_rec                                     efficacy = u x
//!                                                                 x := x - u x
//! ```
//! A spike carries its weight times its efficacy (Tsodyks, Uziel & Markram 2000; NEST's `tsodyks2`). All
//! synapses of a source in a projection have the same parameters and history, so one u and one x do
//! for all of them. Kept is 1 - x, which is 0 at rest and decays. Without facilitation u is U at every
//! spike. One step is exact.

use crate::kernel::*;
use crate::params;
use crate::slow;

params! {
    /// `Params` of `shaders/synapse/short_term.wgsl`.
    pub struct ShortTermParams {
        /// Sources.
        n: word,
        /// Words of a row of spikes.
        row: word,
        /// First word of the sources.
        first_word: word,
        /// U.
        u_rest: real,
        /// Relative change of u over a step; -1 without facilitation.
        fall_facil: real,
        /// Relative change of 1 - x over a step.
        fall_rec: real,
        /// 1 if u and 1 - x have second floats.
        slow: option,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/short_term",
    wgsl: include_str!("../../shaders/synapse/short_term.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        words("spikes"),          // [steps, row]
        reals_mut("utilisation"), // [1 + slow, sources] u
        reals_mut("used"),        // [1 + slow, sources] 1 - x
        reals_mut("efficacy"),    // [sources] of the latest spike
    ],
    layouts: &[],
    params: ShortTermParams::<f32>::FIELDS,
    twin32: dispatched::<ShortTerm, f32>,
    twin64: scalar::<ShortTerm, f64>,
};

/// The twin of `shaders/synapse/short_term.wgsl`; one unit.
pub struct ShortTerm;

impl Twin for ShortTerm {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = ShortTermParams::<F>::of(call.params);
        let [spikes, utilisation, used, efficacy] = Call::take(call.args);
        let (u, x) = (utilisation.reals_mut(), used.reals_mut());
        let efficacy = efficacy.reals_mut();
        let n = p.n as usize;
        let fall = |state: &mut [F], by: F| {
            let (state, rest) = state.split_at_mut(n);
            match p.slow {
                0 => state.iter_mut().for_each(|x| *x += by * *x),
                _ => {
                    for (x, rest) in state.iter_mut().zip(rest) {
                        let change = by * *x;
                        slow::add(x, rest, change);
                    }
                }
            }
        };
        fall(u, p.fall_facil);
        fall(x, p.fall_rec);
        let at = call.span.t0 as usize * p.row as usize + p.first_word as usize;
        let words = &spikes.words()[at..at + spike_words(n)];
        for (word, bits) in words.iter().enumerate() {
            let mut bits = *bits;
            while bits != 0 {
                let source = word * 32 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                u[source] += p.u_rest * (F::one() - u[source]);
                efficacy[source] = u[source] * (F::one() - x[source]);
                x[source] += efficacy[source];
            }
        }
    }
}
