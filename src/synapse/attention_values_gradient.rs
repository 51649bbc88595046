//! Gradients by the scores of temporal attention.
//!
//! ```text
//!   scores_bar[b, f] = sum over steps t of frame f and sources i of  x[b, t, i] attended_bar[b, t, i]
//! ```
//! with x and `attended` of [`super::attention_values`].

use super::attention_squeeze::steps_of;
use super::delay_values::sent;
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/attention_values_gradient.wgsl`.
    pub struct AttentionValuesGradientParams {
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
    name: "synapse/attention_values_gradient",
    wgsl: include_str!("../../shaders/synapse/attention_values_gradient.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("spikes"),         // [samples, history + steps, words]
        reals("x"),              // [samples, history + steps, n]
        reals("attended_bar"),   // [samples, steps, n]
        reals_mut("scores_bar"), // [samples, frames]
    ],
    layouts: &[],
    params: AttentionValuesGradientParams::<f32>::FIELDS,
    twin32: dispatched::<AttentionValuesGradient, f32>,
    twin64: scalar::<AttentionValuesGradient, f64>,
};

/// The twin of `shaders/synapse/attention_values_gradient.wgsl`; units are samples.
pub struct AttentionValuesGradient;

impl Twin for AttentionValuesGradient {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = AttentionValuesGradientParams::<F>::of(call.params);
        let [spikes, x, attended_bar, scores_bar] = Call::take(call.args);
        let (spikes, x, attended_bar) = (spikes.words(), x.reals(), attended_bar.reals());
        let scores_bar = scores_bar.reals_mut();
        let (n, steps, history) = (p.n as usize, p.steps as usize, p.history as usize);
        let [frames, hold] = [p.frames, p.hold].map(|k| k as usize);
        let mut list = Vec::new();
        for b in 0..call.units.len() {
            for f in 0..frames {
                let mut sum = F::zero();
                for t in steps_of(f, [frames, hold, steps]) {
                    let row = b * (history + steps) + history + t;
                    sent((spikes, x), (row, n), p.values == 1, &mut list);
                    let bars = &attended_bar[(b * steps + t) * n..][..n];
                    list.iter().for_each(|(i, x)| sum += *x * bars[*i as usize]);
                }
                scores_bar[b * frames + f] = sum;
            }
        }
    }
}
