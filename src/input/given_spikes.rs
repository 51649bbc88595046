//! Given spikes: the rows that the host wrote for a window, copied into the row of the step.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/input/given_spikes.wgsl`.
    pub struct GivenSpikesParams {
        /// Words of a row of these sources.
        words: word,
        /// Words of a row of spikes, of all populations.
        row: word,
        /// First word of these sources.
        first: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "input/given_spikes",
    wgsl: include_str!("../../shaders/input/given_spikes.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        words("given"),      // [steps, words]
        words_mut("spikes"), // [steps, row]
    ],
    layouts: &[],
    params: GivenSpikesParams::<f32>::FIELDS,
    twin32: dispatched::<GivenSpikes, f32>,
    twin64: scalar::<GivenSpikes, f64>,
};

/// The twin of `shaders/input/given_spikes.wgsl`; one unit.
pub struct GivenSpikes;

impl Twin for GivenSpikes {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = GivenSpikesParams::<F>::of(call.params);
        let [given, spikes] = Call::take(call.args);
        let (given, spikes) = (given.words(), spikes.words_mut());
        let (t, words) = (call.span.t0 as usize, p.words as usize);
        let at = t * p.row as usize + p.first as usize;
        spikes[at..at + words].copy_from_slice(&given[t * words..][..words]);
    }
}
