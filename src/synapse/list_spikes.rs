//! The sources that spiked in a step, as a list: what event-driven delivery starts from.
//!
//! `fired[0]` is their number, the rest their places in the row of spikes. The order is that of the
//! row here, and that of chance on a GPU; delivery by sums of integers does not depend on it.

use super::positions;
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/list_spikes.wgsl`.
    pub struct ListSpikesParams {
        /// Words of a row of spikes.
        row: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/list_spikes",
    wgsl: include_str!("../../shaders/synapse/list_spikes.wgsl"),
    workgroup: 256,
    bindings: &[
        words("spikes"),    // [steps, row]
        words_mut("fired"), // [1 + 32 row]
    ],
    params: ListSpikesParams::<f32>::FIELDS,
    twin32: dispatched::<ListSpikes, f32>,
    twin64: dispatched::<ListSpikes, f64>,
};

/// The twin of `shaders/synapse/list_spikes.wgsl`; one unit.
pub struct ListSpikes;

impl Twin for ListSpikes {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = ListSpikesParams::<F>::of(call.params);
        let [spikes, fired] = Call::take(call.args);
        let (spikes, fired) = (spikes.words(), fired.words_mut());
        let row = &spikes[call.span.t0 as usize * p.row as usize..][..p.row as usize];
        fired[0] = positions(row, &mut fired[1..]) as u32;
    }
}
