//! The spikes of the last steps of a window, for the next: neurons pull what was sent before a window from rows before it.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/carry_spikes.wgsl`.
    pub struct CarrySpikesParams {
        /// Words to copy.
        words: word,
        /// Words of a row of spikes.
        row: word,
        /// 0: from the first on; 1: from the row that is as far behind the first as the window is long.
        end: option,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/carry_spikes",
    wgsl: include_str!("../../shaders/synapse/carry_spikes.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("kept"),     // [rows, row]
        words_mut("rows"), // [rows, row]
    ],
    layouts: &[],
    params: CarrySpikesParams::<f32>::FIELDS,
    twin32: dispatched::<CarrySpikes, f32>,
    twin64: scalar::<CarrySpikes, f64>,
};

/// The twin of `shaders/synapse/carry_spikes.wgsl`; one unit.
pub struct CarrySpikes;

impl Twin for CarrySpikes {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = CarrySpikesParams::<F>::of(call.params);
        let [kept, rows] = Call::take(call.args);
        let (first, words) = ((p.end * call.span.t1 * p.row) as usize, p.words as usize);
        rows.words_mut()[..words].copy_from_slice(&kept.words()[first..][..words]);
    }
}
