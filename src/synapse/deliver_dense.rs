//! Event-driven delivery of dense weights that change.
//!
//! ```text
//!   for each source that spiked in step k, for each target:
//!     ring[(k + delay) mod slots, receptor, target] += round(weight · efficacy / unit of the ring)
//! ```
//! Weights are floats in panels, see [`super`]; the ring is that of [`super::scatter`]. The unit of the ring
//! is a power of two, so only the rounding to an integer rounds, and engines with the same weights
//! deliver the same.

use super::PANEL;
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/deliver_dense.wgsl`.
    pub struct DeliverDenseParams {
        /// Sources.
        sources: word,
        /// Targets, of this tile of the weights.
        targets: word,
        /// First target of this tile.
        first_target: word,
        /// Place of the first source in the row of spikes.
        place: word,
        /// Steps of the ring of lists, a power of two.
        slots: word,
        /// Numbers of a list.
        list: word,
        /// Neurons of a tile of the ring.
        tile: word,
        /// First tile of the targets; a twin sees the ring from there on.
        first_tile: word,
        /// Slots of the ring, a power of two.
        ring_slots: word,
        /// Receptors for which the ring has room.
        stride: word,
        /// Receptor.
        receptor: word,
        /// Delay \[steps\].
        delay: word,
        /// Units of the ring in a weight of 1.
        units: real,
        /// 1: each source's spikes count by its `efficacy`.
        short_term: option,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/deliver_dense",
    wgsl: include_str!("../../shaders/synapse/deliver_dense.wgsl"),
    workgroup: 64,
    bindings: &[
        words("fired"),    // [slots, list]
        reals("weight"),   // panels of [sources, 64]
        reals("efficacy"), // [sources], with short-term plasticity
        words_mut("ring"), // [tiles, slots, receptors, tile] as i32
    ],
    params: DeliverDenseParams::<f32>::FIELDS,
    twin32: dispatched::<DeliverDense, f32>,
    twin64: dispatched::<DeliverDense, f64>,
};

/// The twin of `shaders/synapse/deliver_dense.wgsl`; one unit.
pub struct DeliverDense;

impl Twin for DeliverDense {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = DeliverDenseParams::<F>::of(call.params);
        let [fired, weight, efficacy, ring] = Call::take(call.args);
        let (fired, weight, ring) = (fired.words(), weight.reals(), ring.words_mut());
        let efficacy = efficacy.reals();
        let now = (call.clock.step + u64::from(call.span.t0)) as usize;
        let list = &fired[(now & (p.slots as usize - 1)) * p.list as usize..][..p.list as usize];
        let slot = (now + p.delay as usize) & (p.ring_slots as usize - 1);
        let (sources, targets, tile) = (p.sources as usize, p.targets as usize, p.tile as usize);
        for source in &list[1..=list[0] as usize] {
            // Sources of others are beyond the end, or before the start and wrap around.
            let source = source.wrapping_sub(p.place);
            if source >= p.sources {
                continue;
            }
            let source = source as usize;
            let factor = p.units * if p.short_term == 1 { efficacy[source] } else { F::one() };
            for first in (0..targets).step_by(PANEL) {
                let width = PANEL.min(targets - first);
                let row = &weight[first * sources + source * width..][..width];
                // A panel begins at a multiple of 64, and so lies in one tile.
                let target = p.first_target as usize + first;
                let at = (target / tile * p.ring_slots as usize + slot) * p.stride as usize;
                let at = (at + p.receptor as usize) * tile + target % tile;
                for (sum, w) in ring[at..at + width].iter_mut().zip(row) {
                    *sum = sum.wrapping_add((*w * factor).to_units() as u32);
                }
            }
        }
    }
}
