//! What a projection with temporal attention gets: what its sources sent, times the score of the frame.
//!
//! ```text
//!   attended[b, t, i] = score[b, frame of t] x[b, t, i]
//! ```
//! x is 1 for a spike and 0 otherwise, or a value. The scores are those of [`super::attention_scores`].

use super::delay_values::sent;
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/attention_values.wgsl`.
    pub struct AttentionValuesParams {
        /// Sources.
        n: word,
        /// Steps of a window.
        steps: word,
        /// Rows of what they send before the window.
        history: word,
        /// Frames of a sample.
        frames: word,
        /// Steps for which each is shown; the last lasts to the end of the window.
        hold: word,
        /// 0: sources spike; 1: sources have values.
        values: option,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/attention_values",
    wgsl: include_str!("../../shaders/synapse/attention_values.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("spikes"),       // [samples, history + steps, words]
        reals("x"),            // [samples, history + steps, n]
        reals("scores"),       // [samples, frames]
        reals_mut("attended"), // [samples, history + steps, n]
    ],
    layouts: &[],
    params: AttentionValuesParams::<f32>::FIELDS,
    twin32: dispatched::<AttentionValues, f32>,
    twin64: scalar::<AttentionValues, f64>,
};

/// The twin of `shaders/synapse/attention_values.wgsl`; units are samples.
pub struct AttentionValues;

impl Twin for AttentionValues {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = AttentionValuesParams::<F>::of(call.params);
        let [spikes, x, scores, attended] = Call::take(call.args);
        let (spikes, x, scores) = (spikes.words(), x.reals(), scores.reals());
        let attended = attended.reals_mut();
        let (n, steps, history) = (p.n as usize, p.steps as usize, p.history as usize);
        let [frames, hold] = [p.frames, p.hold].map(|k| k as usize);
        let mut list = Vec::new();
        for b in 0..call.units.len() {
            for t in call.span.steps() {
                let row = b * (history + steps) + history + t;
                let score = scores[b * frames + (t / hold).min(frames - 1)];
                sent((spikes, x), (row, n), p.values == 1, &mut list);
                let attended = &mut attended[row * n..][..n];
                attended.fill(F::zero());
                list.iter().for_each(|(i, x)| attended[*i as usize] = score * *x);
            }
        }
    }
}
