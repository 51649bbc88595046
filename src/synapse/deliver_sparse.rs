//! Event-driven delivery of sparse weights that change.
//!
//! ```text
//!   for each source that spiked in step k, for each of its synapses:
//!     ring[(k + delay) mod slots, receptor, target] += round(weight · efficacy / unit of the ring)
//! ```
//! Weights are floats by target; `outgoing` leads to those of a source, grouped by delay, one step more for
//! each group. The ring is that of [`super::scatter`].

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/deliver_sparse.wgsl`.
    pub struct DeliverSparseParams {
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
        /// Delay of the first group \[steps\].
        delay: word,
        /// Units of the ring in a weight of 1.
        units: real,
        /// Groups of delays.
        groups: word,
        /// Bits of an entry of `outgoing` below the rank.
        target_bits: word,
        /// 1: each source's spikes count by its `efficacy`.
        short_term: option,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/deliver_sparse",
    wgsl: include_str!("../../shaders/synapse/deliver_sparse.wgsl"),
    workgroup: 64,
    bindings: &[
        words("fired"),    // [slots, list]
        words("begin"),    // [sources, groups] and the end
        words("outgoing"), // [synapses] target, and above it the rank among its synapses
        words("start"),    // [targets] and the end
        reals("weight"),   // [synapses] by target
        reals("efficacy"), // [sources], with short-term plasticity
        words_mut("ring"), // [tiles, slots, receptors, tile] as i32
    ],
    params: DeliverSparseParams::<f32>::FIELDS,
    twin32: dispatched::<DeliverSparse, f32>,
    twin64: dispatched::<DeliverSparse, f64>,
};

/// The twin of `shaders/synapse/deliver_sparse.wgsl`; one unit.
pub struct DeliverSparse;

impl Twin for DeliverSparse {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = DeliverSparseParams::<F>::of(call.params);
        let [fired, begin, outgoing, start, weight, efficacy, ring] = Call::take(call.args);
        let (fired, begin, outgoing) = (fired.words(), begin.words(), outgoing.words());
        let (start, weight, ring) = (start.words(), weight.reals(), ring.words_mut());
        let efficacy = efficacy.reals();
        let now = (call.clock.step + u64::from(call.span.t0)) as usize;
        let list = &fired[(now & (p.slots as usize - 1)) * p.list as usize..][..p.list as usize];
        let tile = p.tile as usize;
        for source in &list[1..=list[0] as usize] {
            // Sources of others are beyond the end, or before the start and wrap around.
            let source = source.wrapping_sub(p.place);
            if source >= p.sources {
                continue;
            }
            let source = source as usize;
            let factor = p.units * if p.short_term == 1 { efficacy[source] } else { F::one() };
            for group in 0..p.groups as usize {
                let row = source * p.groups as usize + group;
                let slot = (now + p.delay as usize + group) & (p.ring_slots as usize - 1);
                for entry in &outgoing[begin[row] as usize..begin[row + 1] as usize] {
                    let target = (entry & ((1 << p.target_bits) - 1)) as usize;
                    let w = weight[(start[target] + (entry >> p.target_bits)) as usize];
                    let at = (target / tile * p.ring_slots as usize + slot) * p.stride as usize;
                    let at = (at + p.receptor as usize) * tile + target % tile;
                    ring[at] = ring[at].wrapping_add((w * factor).to_units() as u32);
                }
            }
        }
    }
}
