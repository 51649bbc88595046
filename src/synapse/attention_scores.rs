//! Scores of frames: temporal attention (Yao et al. 2021, "Temporal-wise attention spiking neural networks").
//!
//! ```text
//!   score = sigmoid(W2 relu(W1 mean) + W2 relu(W1 largest))
//! ```
//! with the mean and the largest activity of the sources in each frame, of [`super::attention_squeeze`], or one of them. W1 is
//! \[hidden, frames\], W2 \[frames, hidden\]; they lie one behind the other. What the rectifiers let through is kept for the way
//! back, [`super::attention_scores_backward`].

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/attention_scores.wgsl`.
    pub struct AttentionScoresParams {
        /// Frames of a sample.
        frames: word,
        /// Units between W1 and W2.
        hidden: word,
        /// Bit 0: the mean counts; bit 1: the largest.
        squeezes: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/attention_scores",
    wgsl: include_str!("../../shaders/synapse/attention_scores.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals("squeezed"),   // [samples, 2, frames]
        reals("weights"),    // W1 [hidden, frames], W2 [frames, hidden]
        reals_mut("inner"),  // [samples, 2, hidden]
        reals_mut("scores"), // [samples, frames]
    ],
    layouts: &[],
    params: AttentionScoresParams::<f32>::FIELDS,
    twin32: dispatched::<AttentionScores, f32>,
    twin64: scalar::<AttentionScores, f64>,
};

/// The twin of `shaders/synapse/attention_scores.wgsl`; units are samples.
pub struct AttentionScores;

impl Twin for AttentionScores {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = AttentionScoresParams::<F>::of(call.params);
        let [squeezed, weights, inner, scores] = Call::take(call.args);
        let (squeezed, weights) = (squeezed.reals(), weights.reals());
        let (inner, scores) = (inner.reals_mut(), scores.reals_mut());
        let [frames, hidden] = [p.frames, p.hidden].map(|k| k as usize);
        let (first, second) = weights.split_at(hidden * frames);
        let dot = |a: &[F], b: &[F]| a.iter().zip(b).fold(F::zero(), |sum, (a, b)| sum + *a * *b);
        let samples = inner.chunks_exact_mut(2 * hidden).zip(scores.chunks_exact_mut(frames));
        for (b, (inner, scores)) in samples.take(call.units.len()).enumerate() {
            for (squeeze, inner) in inner.chunks_exact_mut(hidden).enumerate() {
                let squeezed = &squeezed[(2 * b + squeeze) * frames..][..frames];
                for (inner, weights) in inner.iter_mut().zip(first.chunks_exact(frames)) {
                    *inner = match p.squeezes >> squeeze & 1 {
                        1 => dot(weights, squeezed).max(F::zero()),
                        _ => F::zero(),
                    };
                }
            }
            let (by_mean, by_most) = inner.split_at(hidden);
            for (score, weights) in scores.iter_mut().zip(second.chunks_exact(hidden)) {
                let both = by_mean.iter().zip(by_most).map(|(a, b)| *a + *b);
                let z = both.zip(weights).fold(F::zero(), |sum, (a, w)| sum + *w * a);
                let e = (-z.abs()).exp();
                *score = if z >= F::zero() { F::one() } else { e } / (F::one() + e);
            }
        }
    }
}
