//! Forgets integers, such as spikes under way, before a sample is shown.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/clear_words.wgsl`.
    pub struct ClearWordsParams {
        /// Elements.
        n: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/clear_words",
    wgsl: include_str!("../../shaders/train/clear_words.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[words_mut("values")],
    layouts: &[],
    params: ClearWordsParams::<f32>::FIELDS,
    twin32: dispatched::<ClearWords, f32>,
    twin64: scalar::<ClearWords, f64>,
};

/// The twin of `shaders/train/clear_words.wgsl`; one unit.
pub struct ClearWords;

impl Twin for ClearWords {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = ClearWordsParams::<F>::of(call.params);
        let [values] = Call::take(call.args);
        values.words_mut()[..p.n as usize].fill(0);
    }
}
