//! Gradients by what arrives of sources whose delays are learned become gradients by what the sources send.
//!
//! ```text
//!   cotangent[b, t, i] (+)= sum over k of  taps[i, k] delayed_bar[b, t + first[i] + k, i]        nothing behind the window
//! ```
//! Row t of `delayed_bar` is of what arrives in step t + 1: that is what a backward pass knows when it comes to step t.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/delay_values_backward.wgsl`.
    pub struct DelayValuesBackwardParams {
        /// Sources.
        n: word,
        /// Steps of a window.
        steps: word,
        /// Parts of a spike.
        width: word,
        /// 1: add to what is there; 0: overwrite.
        accumulate: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/delay_values_backward",
    wgsl: include_str!("../../shaders/synapse/delay_values_backward.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals("delayed_bar"),   // [samples, steps, n]
        words("first"),         // [n]
        reals("taps"),          // [n, width]
        reals_mut("cotangent"), // [samples, steps, n]
    ],
    layouts: &[],
    params: DelayValuesBackwardParams::<f32>::FIELDS,
    twin32: dispatched::<DelayValuesBackward, f32>,
    twin64: scalar::<DelayValuesBackward, f64>,
};

/// The twin of `shaders/synapse/delay_values_backward.wgsl`; units are samples.
pub struct DelayValuesBackward;

impl Twin for DelayValuesBackward {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = DelayValuesBackwardParams::<F>::of(call.params);
        let [delayed_bar, first, taps, cotangent] = Call::take(call.args);
        let (delayed_bar, first, taps) = (delayed_bar.reals(), first.words(), taps.reals());
        let (n, steps, width) = (p.n as usize, p.steps as usize, p.width as usize);
        let of_sample = steps * n;
        let cotangent = cotangent.reals_mut().chunks_exact_mut(of_sample);
        let both = delayed_bar.chunks_exact(of_sample).zip(cotangent).take(call.units.len());
        // A narrow kernel has few parts that are not zero.
        let parts = |i: usize| {
            let parts = &taps[i * width..][..width];
            let begin = parts.iter().position(|tap| *tap != F::zero()).unwrap_or(width);
            let end = parts.iter().rposition(|tap| *tap != F::zero()).map_or(begin, |k| k + 1);
            (first[i] as usize + begin, &parts[begin..end])
        };
        let parts: Vec<(usize, &[F])> = (0..n).map(parts).collect();
        for (delayed_bar, cotangent) in both {
            for t in call.span.t0 as usize..call.span.t1 as usize {
                for (i, (begin, parts)) in parts.iter().enumerate() {
                    let at = t * n + i;
                    let mut sum = if p.accumulate == 1 { cotangent[at] } else { F::zero() };
                    for (row, tap) in (t + begin..steps).zip(*parts) {
                        sum += *tap * delayed_bar[row * n + i];
                    }
                    cotangent[at] = sum;
                }
            }
        }
    }
}
