//! Gradient by the concentration of a substance, of the [gain](super::gain) that it makes: in each step the sum over the
//! neurons whose gain it is.
//!
//! ```text
//!   by_level[b, t] := [by_level[b, t] +] Σ_j  slope · kept[b, t, j] · by_taken[b, t, first + j]     where 1 + slope D > 0
//! ```
//! `kept` is what arrived, `by_taken` the gradient by what the neurons took of it.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/gain_gradient.wgsl`.
    pub struct GainGradientParams {
        /// Neurons.
        n: word,
        /// Place of the first in a row.
        first: word,
        /// Numbers of a row.
        width: word,
        /// Steps of a window.
        steps: word,
        /// 1: add to the gradient of other gains; 0: overwrite.
        accumulate: word,
        /// Relative change at a concentration 1 above rest.
        slope: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/gain_gradient",
    wgsl: include_str!("../../shaders/train/gain_gradient.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals("acting"),       // [samples, steps]
        reals("kept"),         // [samples, steps, n]
        reals("by_taken"),     // [samples, steps, width]
        reals_mut("by_level"), // [samples, steps]
    ],
    layouts: &[],
    params: GainGradientParams::<f32>::FIELDS,
    twin32: dispatched::<GainGradient, f32>,
    twin64: scalar::<GainGradient, f64>,
};

/// The twin of `shaders/train/gain_gradient.wgsl`; units are samples.
pub struct GainGradient;

impl Twin for GainGradient {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = GainGradientParams::<F>::of(call.params);
        let [acting, kept, by_taken, by_level] = Call::take(call.args);
        let (acting, kept, by_taken) = (acting.reals(), kept.reals(), by_taken.reals());
        let (by_level, n, steps) = (by_level.reals_mut(), p.n as usize, p.steps as usize);
        for b in 0..call.units.len() {
            for row in (call.span.t0..call.span.t1).map(|t| b * steps + t as usize) {
                let by_taken = &by_taken[row * p.width as usize + p.first as usize..][..n];
                let mut sum = F::zero();
                if F::one() + p.slope * acting[row] > F::zero() {
                    let both = kept[row * n..][..n].iter().zip(by_taken);
                    both.for_each(|(kept, by)| sum += *kept * *by);
                }
                let others = if p.accumulate == 1 { by_level[row] } else { F::zero() };
                by_level[row] = others + p.slope * sum;
            }
        }
    }
}
