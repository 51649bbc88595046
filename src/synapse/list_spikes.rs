//! The sources that spiked in a step, as a list: what event-driven delivery starts from.
//!
//! The first number of a list is how many there are, the rest are their places in the row of spikes, in the order of
//! the row. Delivery by sums of integers does not depend on that, but sums of floats do, of the changes of shared weights.
//! Lists lie in a ring of steps, for rules of plasticity that look back.

use super::positions;
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/list_spikes.wgsl`.
    pub struct ListSpikesParams {
        /// Words of a row of spikes.
        row: word,
        /// Rows of spikes before the window.
        history: word,
        /// Steps of the ring, a power of two.
        slots: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/list_spikes",
    wgsl: include_str!("../../shaders/synapse/list_spikes.wgsl"),
    workgroup: 256,
    merges: true,
    bindings: &[
        words("spikes"),    // [history + steps, row]
        words_mut("fired"), // [slots, 1 + 32 row]
    ],
    layouts: &[],
    params: ListSpikesParams::<f32>::FIELDS,
    twin32: dispatched::<ListSpikes, f32>,
    twin64: scalar::<ListSpikes, f64>,
};

/// The neurons among `count` from `place` on that spiked in a step, in a ring of `slots` lists of `list` numbers.
#[inline(always)]
pub fn listed(
    lists: &[u32],
    step: u64,
    [slots, list]: [u32; 2],
    (place, count): (u32, u32),
) -> impl Iterator<Item = usize> + Clone + use<'_> {
    let list = list as usize;
    let list = &lists[(step as usize & (slots as usize - 1)) * list..][..list];
    // Neurons of others are beyond the end, or before the start and wrap around.
    let within = move |id: &u32| Some(id.wrapping_sub(place)).filter(|id| *id < count);
    list[1..=list[0] as usize].iter().filter_map(within).map(|id| id as usize)
}

/// The twin of `shaders/synapse/list_spikes.wgsl`; one unit.
pub struct ListSpikes;

impl Twin for ListSpikes {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = ListSpikesParams::<F>::of(call.params);
        let [spikes, fired] = Call::take(call.args);
        let (spikes, fired) = (spikes.words(), fired.words_mut());
        let row = (p.history + call.span.t0) as usize * p.row as usize;
        let row = &spikes[row..][..p.row as usize];
        let now = (call.clock.step + u64::from(call.span.t0)) as usize;
        let list = 1 + 32 * p.row as usize;
        let list = &mut fired[(now & (p.slots as usize - 1)) * list..][..list];
        list[0] = positions(row, &mut list[1..]) as u32;
    }
}
