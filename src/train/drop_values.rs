//! Dropout of what is not bits: constant values, soft spikes, gradients by spikes.
//!
//! ```text
//!   kept[b, t, n] := [kept[b, t, n] +] values[b, t, n], or 0 if n is silent in the presentation
//! ```
//! Which neurons are silent is told by [`super::drop_spikes`].

use super::drop_spikes::kept;
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/drop_values.wgsl`.
    pub struct DropValuesParams {
        /// Sources.
        n: word,
        /// Rows of values of a sample.
        rows: word,
        /// Probability of silence, as the threshold of a random word.
        threshold: word,
        /// Stream of random numbers.
        stream: word,
        /// 1: add to what others left; 0: overwrite.
        accumulate: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/drop_values",
    wgsl: include_str!("../../shaders/train/drop_values.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals("values"),       // [samples, rows, n]
        words("presentation"), // [samples] number that tells presentations apart
        reals_mut("kept"),     // [samples, rows, n]
    ],
    layouts: &[],
    params: DropValuesParams::<f32>::FIELDS,
    twin32: dispatched::<DropValues, f32>,
    twin64: scalar::<DropValues, f64>,
};

/// The twin of `shaders/train/drop_values.wgsl`; units are samples.
pub struct DropValues;

impl Twin for DropValues {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = DropValuesParams::<F>::of(call.params);
        let [values, presentation, copy] = Call::take(call.args);
        let (values, presentation, copy) = (values.reals(), presentation.words(), copy.reals_mut());
        let n = p.n as usize;
        let of_sample = p.rows as usize * n;
        for b in 0..call.units.len() {
            let mask = kept(p.n, presentation[b], call.clock.seed, (p.threshold, p.stream));
            let values = values[b * of_sample..][..of_sample].chunks_exact(n);
            let copy = copy[b * of_sample..][..of_sample].chunks_exact_mut(n);
            for (copy, values) in copy.zip(values) {
                for (id, (copy, value)) in copy.iter_mut().zip(values).enumerate() {
                    let before = if p.accumulate == 1 { *copy } else { F::zero() };
                    let stays = (mask[id / 32] >> (id % 32)) & 1 == 1;
                    *copy = if stays { before + *value } else { before };
                }
            }
        }
    }
}
