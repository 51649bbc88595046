//! Event-driven delivery of sparse weights that change.
//!
//! ```text
//!   for each source that spiked in step k, for each of its synapses:
//!     ring[(k + delay) mod slots, receptor, target] += round(weight · efficacy / unit of the ring)
//! ```
//! Weights are floats by target; `outgoing` leads to those of a source, grouped by delay, one step more for
//! each group. The ring is that of [`super::scatter`].

use super::Delivery;
use crate::deliver_params;
use crate::kernel::*;

deliver_params! {
    /// `Params` of `shaders/synapse/deliver_sparse.wgsl`.
    pub struct DeliverSparseParams {
        /// Groups of delays; that of the parameters is the delay of the first.
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
    merges: true,
    bindings: &[
        words("fired"),    // [slots, list]
        words("begin"),    // [sources, groups] and the end
        words("outgoing"), // [synapses] target, and above it the rank among its synapses
        words("start"),    // [targets] and the end
        reals("weight"),   // [synapses] by target
        reals("efficacy"), // [sources], with short-term plasticity
        sums("ring"),      // [tiles, slots, receptors, tile] as i32
    ],
    layouts: &[],
    params: DeliverSparseParams::<f32>::FIELDS,
    twin32: dispatched::<DeliverSparse, f32>,
    twin64: scalar::<DeliverSparse, f64>,
};

/// The twin of `shaders/synapse/deliver_sparse.wgsl`; one unit.
pub struct DeliverSparse;

impl Twin for DeliverSparse {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = DeliverSparseParams::<F>::of(call.params);
        let d = Delivery::<F>::of(call.params);
        let [fired, begin, outgoing, start, weight, efficacy, ring] = Call::take(call.args);
        let (fired, begin, outgoing) = (fired.words(), begin.words(), outgoing.words());
        let (start, weight, ring) = (start.words(), weight.reals(), ring.words_mut());
        let efficacy = (p.short_term == 1).then(|| efficacy.reals());
        let now = call.clock.step + u64::from(call.span.t0);
        for source in d.spikes(fired, now) {
            let factor = d.carried(efficacy, source);
            for group in 0..p.groups as usize {
                let row = source * p.groups as usize + group;
                let arrival = now + u64::from(p.delay) + group as u64;
                for entry in &outgoing[begin[row] as usize..begin[row + 1] as usize] {
                    let target = (entry & ((1 << p.target_bits) - 1)) as usize;
                    let w = weight[(start[target] + (entry >> p.target_bits)) as usize];
                    let at = d.place(target, arrival);
                    ring[at] = ring[at].wrapping_add((w * factor).to_units() as u32);
                }
            }
        }
    }
}
