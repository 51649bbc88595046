//! Keeps a number per sample of successive batches on the device until the host asks for them:
//! `ring[slot · batch + b] = x[b]`, with the slot set by the host before each run.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/record/log_words.wgsl`.
    pub struct LogWordsParams {
        /// Samples of a full batch.
        batch: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "record/log_words",
    wgsl: include_str!("../../shaders/record/log_words.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        words("x"),        // [batch]
        words_mut("ring"), // [slots, batch]
    ],
    layouts: &[],
    params: LogWordsParams::<f32>::FIELDS,
    twin32: dispatched::<LogWords, f32>,
    twin64: scalar::<LogWords, f64>,
};

/// The twin of `shaders/record/log_words.wgsl`; one unit, the whole ring.
pub struct LogWords;

impl Twin for LogWords {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = LogWordsParams::<F>::of(call.params);
        let [x, ring] = Call::take(call.args);
        let at = (call.clock.slot * p.batch) as usize;
        let samples = call.clock.samples as usize;
        ring.words_mut()[at..at + samples].copy_from_slice(&x.words()[..samples]);
    }
}
