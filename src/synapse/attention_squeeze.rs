//! How active sources are in each frame: their mean and their largest activity, of which [`super::attention_scores`] makes
//! scores.
//!
//! ```text
//!   a[b, f, i] = share · sum over steps t of frame f of  x[b, t, i]
//!   squeezed[b, 0, f] = mean over i of a        squeezed[b, 1, f] = largest of a        the first of those that are as large
//! ```
//! x is 1 for a spike and 0 otherwise, or a value. Spikes are counted (`share` is 1), of values it is the mean over the
//! steps of a frame (1 / hold). The last frame lasts to the end of the window.

use super::delay_values::sent;
use crate::kernel::*;
use crate::params;
use std::ops::Range;

params! {
    /// `Params` of `shaders/synapse/attention_squeeze.wgsl`.
    pub struct AttentionSqueezeParams {
        /// Sources.
        n: word,
        /// Steps of a window.
        steps: word,
        /// Rows of what they send before the window.
        history: word,
        /// Frames of a sample.
        frames: word,
        /// Steps for which each is shown.
        hold: word,
        /// 0: sources spike; 1: sources have values.
        values: option,
        /// Factor on what is sent in a frame.
        share: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/attention_squeeze",
    wgsl: include_str!("../../shaders/synapse/attention_squeeze.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("spikes"),       // [samples, history + steps, words]
        reals("x"),            // [samples, history + steps, n]
        reals_mut("squeezed"), // [samples, 2, frames]
        words_mut("largest"),  // [samples, frames] which source it is
    ],
    layouts: &[],
    params: AttentionSqueezeParams::<f32>::FIELDS,
    twin32: dispatched::<AttentionSqueeze, f32>,
    twin64: scalar::<AttentionSqueeze, f64>,
};

/// Steps of frame `f` of so many that are held for `hold` steps each in a window of `steps`.
#[inline(always)]
pub(super) fn steps_of(f: usize, [frames, hold, steps]: [usize; 3]) -> Range<usize> {
    f * hold..if f + 1 == frames { steps } else { (f + 1) * hold }
}

/// The twin of `shaders/synapse/attention_squeeze.wgsl`; units are samples.
pub struct AttentionSqueeze;

impl Twin for AttentionSqueeze {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = AttentionSqueezeParams::<F>::of(call.params);
        let [spikes, x, squeezed, largest] = Call::take(call.args);
        let (spikes, x) = (spikes.words(), x.reals());
        let (squeezed, largest) = (squeezed.reals_mut(), largest.words_mut());
        let (n, steps, history) = (p.n as usize, p.steps as usize, p.history as usize);
        let [frames, hold] = [p.frames, p.hold].map(|k| k as usize);
        let (mut list, mut activity) = (Vec::new(), vec![F::zero(); n]);
        for b in 0..call.units.len() {
            let (means, most) = squeezed[2 * b * frames..][..2 * frames].split_at_mut(frames);
            for f in 0..frames {
                activity.fill(F::zero());
                for t in steps_of(f, [frames, hold, steps]) {
                    let row = b * (history + steps) + history + t;
                    sent((spikes, x), (row, n), p.values == 1, &mut list);
                    list.iter().for_each(|(i, x)| activity[*i as usize] += *x);
                }
                let (mut total, mut which) = (F::zero(), 0);
                for (i, a) in activity.iter().enumerate() {
                    total += *a;
                    if *a > activity[which] {
                        which = i;
                    }
                }
                means[f] = p.share * total / F::of(f64::from(p.n));
                most[f] = p.share * activity[which];
                largest[b * frames + f] = which as u32;
            }
        }
    }
}
