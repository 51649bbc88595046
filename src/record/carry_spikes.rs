//! Between two windows of a simulation: the last rows of spikes become the history before the
//! next window, so that delays reach across its start.
//!
//! The rows are copied from first to last; a window is at least as long as the history, so
//! the two ranges do not overlap.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/record/carry_spikes.wgsl`.
    pub struct CarrySpikesParams {
        /// Words of a row.
        words: word,
        /// Steps of a window.
        steps: word,
        /// Rows of history.
        history: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "record/carry_spikes",
    wgsl: include_str!("../../shaders/record/carry_spikes.wgsl"),
    workgroup: 64,
    bindings: &[words_mut("spikes")], // [samples, history + steps, words]
    params: CarrySpikesParams::<f32>::FIELDS,
    twin32: dispatched::<CarrySpikes, f32>,
    twin64: dispatched::<CarrySpikes, f64>,
};

/// The twin of `shaders/record/carry_spikes.wgsl`.
pub struct CarrySpikes;

impl Twin for CarrySpikes {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = CarrySpikesParams::<F>::of(call.params);
        let [spikes] = Call::take(call.args);
        let spikes = spikes.words_mut();
        let (words, steps, history) = (p.words as usize, p.steps as usize, p.history as usize);
        for b in 0..call.units.len() {
            let rows = &mut spikes[b * (history + steps) * words..][..(history + steps) * words];
            rows.copy_within(steps * words.., 0);
        }
    }
}
