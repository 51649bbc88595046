//! The adjoint of [`super::attention_scores`]: gradients by the scores become those by their weights, of each sample, and by
//! what was squeezed.
//!
//! A bar is the derivative of the loss; h is what the rectifier let through of one squeeze, z what the score s is the sigmoid
//! of, q the mean or the largest activity of the frames.
//!
//! ```text
//!   z_bar[f]     = s_bar[f] s[f] (1 - s[f])
//!   W2_bar[f, j] = z_bar[f] (h_mean[j] + h_largest[j])
//!   h_bar[j]     = sum over f of  W2[f, j] z_bar[f]        where h[j] > 0, else 0
//!   W1_bar[j, f] = sum over both squeezes of  h_bar[j] q[f]
//!   q_bar[f]     = sum over j of  W1[j, f] h_bar[j]
//! ```
//! Samples are summed by [`crate::train::sum_samples`].

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/attention_scores_backward.wgsl`.
    pub struct AttentionScoresBackwardParams {
        /// Frames of a sample.
        frames: word,
        /// Units between W1 and W2.
        hidden: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/attention_scores_backward",
    wgsl: include_str!("../../shaders/synapse/attention_scores_backward.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals("squeezed"),         // [samples, 2, frames]
        reals("inner"),            // [samples, 2, hidden]
        reals("scores"),           // [samples, frames]
        reals("scores_bar"),       // [samples, frames]
        reals("weights"),          // W1 [hidden, frames], W2 [frames, hidden]
        reals_mut("gradient"),     // [samples, 2 hidden frames]
        reals_mut("squeezed_bar"), // [samples, 2, frames]
    ],
    layouts: &[],
    params: AttentionScoresBackwardParams::<f32>::FIELDS,
    twin32: dispatched::<AttentionScoresBackward, f32>,
    twin64: scalar::<AttentionScoresBackward, f64>,
};

/// The twin of `shaders/synapse/attention_scores_backward.wgsl`; units are samples.
pub struct AttentionScoresBackward;

impl Twin for AttentionScoresBackward {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = AttentionScoresBackwardParams::<F>::of(call.params);
        let [squeezed, inner, scores, scores_bar, weights, gradient, squeezed_bar] =
            Call::take(call.args);
        let (squeezed, inner, scores) = (squeezed.reals(), inner.reals(), scores.reals());
        let (scores_bar, weights) = (scores_bar.reals(), weights.reals());
        let (gradient, squeezed_bar) = (gradient.reals_mut(), squeezed_bar.reals_mut());
        let [frames, hidden] = [p.frames, p.hidden].map(|k| k as usize);
        let (zero, one) = (F::zero(), F::one());
        let (first, second) = weights.split_at(hidden * frames);
        let mut z_bar = vec![zero; frames];
        for b in 0..call.units.len() {
            let squeezed = squeezed[2 * b * frames..][..2 * frames].split_at(frames);
            let (by_mean, by_most) = inner[2 * b * hidden..][..2 * hidden].split_at(hidden);
            for (f, z_bar) in z_bar.iter_mut().enumerate() {
                let at = b * frames + f;
                *z_bar = scores_bar[at] * scores[at] * (one - scores[at]);
            }
            let gradient = &mut gradient[b * weights.len()..][..weights.len()];
            let (first_bar, second_bar) = gradient.split_at_mut(hidden * frames);
            let bars = &mut squeezed_bar[2 * b * frames..][..2 * frames];
            bars.fill(zero);
            let (means_bar, most_bar) = bars.split_at_mut(frames);
            for j in 0..hidden {
                let mut sum = zero;
                for (f, z_bar) in z_bar.iter().enumerate() {
                    let at = f * hidden + j;
                    sum += second[at] * *z_bar;
                    second_bar[at] = *z_bar * (by_mean[j] + by_most[j]);
                }
                let mean = if by_mean[j] > zero { sum } else { zero };
                let most = if by_most[j] > zero { sum } else { zero };
                for f in 0..frames {
                    let at = j * frames + f;
                    first_bar[at] = mean * squeezed.0[f] + most * squeezed.1[f];
                    means_bar[f] += first[at] * mean;
                    most_bar[f] += first[at] * most;
                }
            }
        }
    }
}
