//! The sources that spiked in a step, as a list: what event-driven delivery starts from.
//!
//! The first number of a list is how many there are, the rest are their places in the row of spikes. Their
//! order is that of the row here, and that of chance on a GPU; delivery by sums of integers does not
//! depend on it. Lists lie in a ring of steps, for rules of plasticity that look back.

use super::positions;
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/list_spikes.wgsl`.
    pub struct ListSpikesParams {
        /// Words of a row of spikes.
        row: word,
        /// Steps of the ring, a power of two.
        slots: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/list_spikes",
    wgsl: include_str!("../../shaders/synapse/list_spikes.wgsl"),
    workgroup: 256,
    bindings: &[
        words("spikes"),    // [steps, row]
        words_mut("fired"), // [slots, 1 + 32 row]
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
        let now = (call.clock.step + u64::from(call.span.t0)) as usize;
        let list = 1 + 32 * p.row as usize;
        let list = &mut fired[(now & (p.slots as usize - 1)) * list..][..list];
        list[0] = positions(row, &mut list[1..]) as u32;
    }
}
