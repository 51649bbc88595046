//! The adjoint of [`super::attention_values`] and [`super::attention_squeeze`]: gradients by what a projection with temporal
//! attention got become those by what its sources sent, by way of the values and by way of the scores.
//!
//! ```text
//!   x_bar[b, t, i] [+]= score[b, f] attended_bar[b, t, i]
//!                       + share · (squeezed_bar[b, 0, f] / n + (squeezed_bar[b, 1, f] if i is the largest of frame f))
//! ```
//! with f the frame of step t.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/attention_values_backward.wgsl`.
    pub struct AttentionValuesBackwardParams {
        /// Sources.
        n: word,
        /// Steps of a window.
        steps: word,
        /// Frames of a sample.
        frames: word,
        /// Steps for which each is shown; the last lasts to the end of the window.
        hold: word,
        /// 1: add to what others left; 0: overwrite.
        accumulate: word,
        /// Factor on what is sent in a frame.
        share: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/attention_values_backward",
    wgsl: include_str!("../../shaders/synapse/attention_values_backward.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals("attended_bar"),  // [samples, steps, n]
        reals("scores"),        // [samples, frames]
        reals("squeezed_bar"),  // [samples, 2, frames]
        words("largest"),       // [samples, frames]
        reals_mut("cotangent"), // [samples, steps, n]
    ],
    layouts: &[],
    params: AttentionValuesBackwardParams::<f32>::FIELDS,
    twin32: dispatched::<AttentionValuesBackward, f32>,
    twin64: scalar::<AttentionValuesBackward, f64>,
};

/// The twin of `shaders/synapse/attention_values_backward.wgsl`; units are samples.
pub struct AttentionValuesBackward;

impl Twin for AttentionValuesBackward {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = AttentionValuesBackwardParams::<F>::of(call.params);
        let [attended_bar, scores, squeezed_bar, largest, cotangent] = Call::take(call.args);
        let (attended_bar, scores) = (attended_bar.reals(), scores.reals());
        let (squeezed_bar, largest) = (squeezed_bar.reals(), largest.words());
        let cotangent = cotangent.reals_mut();
        let (n, steps) = (p.n as usize, p.steps as usize);
        let [frames, hold] = [p.frames, p.hold].map(|k| k as usize);
        for b in 0..call.units.len() {
            for t in call.span.steps() {
                let f = (t / hold).min(frames - 1);
                let score = scores[b * frames + f];
                let by_mean = squeezed_bar[2 * b * frames + f] / F::of(f64::from(p.n));
                let by_most = squeezed_bar[(2 * b + 1) * frames + f];
                let row = (b * steps + t) * n..(b * steps + t + 1) * n;
                let both = cotangent[row.clone()].iter_mut().zip(&attended_bar[row]);
                for (i, (cotangent, bar)) in both.enumerate() {
                    let is_largest = largest[b * frames + f] as usize == i;
                    let by_activity = if is_largest { by_mean + by_most } else { by_mean };
                    let before = if p.accumulate == 1 { *cotangent } else { F::zero() };
                    *cotangent = before + score * *bar + p.share * by_activity;
                }
            }
        }
    }
}
