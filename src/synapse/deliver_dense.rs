//! Event-driven delivery of dense weights that change.
//!
//! ```text
//!   for each source that spiked in step k, for each target:
//!     ring[(k + delay) mod slots, receptor, target] += round(weight · efficacy / unit of the ring)
//! ```
//! Weights are floats in panels, see [`super`]; the ring is that of [`super::scatter`]. The unit of the ring
//! is a power of two, so only the rounding to an integer rounds, and engines with the same weights
//! deliver the same.

use super::{Delivery, STRIP};
use crate::deliver_params;
use crate::kernel::*;

deliver_params! {
    /// `Params` of `shaders/synapse/deliver_dense.wgsl`.
    pub struct DeliverDenseParams {
        /// 1: each source's spikes count by its `efficacy`.
        short_term: option,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/deliver_dense",
    wgsl: include_str!("../../shaders/synapse/deliver_dense.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        words("fired"),    // [slots, list]
        reals("weight"),   // strips of [rows, 16]
        reals("efficacy"), // [sources], with short-term plasticity
        sums("ring"),      // [tiles, slots, receptors, tile] as i32
    ],
    layouts: &[],
    params: DeliverDenseParams::<f32>::FIELDS,
    twin32: dispatched::<DeliverDense, f32>,
    twin64: scalar::<DeliverDense, f64>,
};

/// Spikes that are delivered together.
const SENT: usize = 16;

/// The twin of `shaders/synapse/deliver_dense.wgsl`; one unit.
pub struct DeliverDense;

impl Twin for DeliverDense {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = DeliverDenseParams::<F>::of(call.params);
        let d = Delivery::<F>::of(call.params);
        let [fired, weight, efficacy, ring] = Call::take(call.args);
        let (fired, weight, ring) = (fired.words(), weight.reals(), ring.words_mut());
        let efficacy = (p.short_term == 1).then(|| efficacy.reals());
        let now = call.clock.step + u64::from(call.span.t0);
        let (rows, targets) = (p.rows as usize, p.targets as usize);
        let mut sent = d.spikes(fired, now).map(|source| (source, d.carried(efficacy, source)));
        loop {
            let mut some = [(0, F::zero()); SENT];
            let count = some.iter_mut().zip(&mut sent).map(|(some, sent)| *some = sent).count();
            if count == 0 {
                break;
            }
            // Strip by strip, whose sums stay in registers.
            for first in (0..targets).step_by(STRIP) {
                let width = STRIP.min(targets - first);
                let strip = &weight[first * rows..][..width * rows];
                // It begins at a multiple of 16, and so lies in one tile.
                let at = d.place(p.first_target as usize + first, now + u64::from(p.delay));
                let mut sums = [0u32; STRIP];
                sums[..width].copy_from_slice(&ring[at..at + width]);
                for (source, factor) in &some[..count] {
                    let row = &strip[source * width..][..width];
                    match <&[F; STRIP]>::try_from(row) {
                        Ok(row) => (0..STRIP).for_each(|k| {
                            sums[k] = sums[k].wrapping_add((row[k] * *factor).to_units() as u32);
                        }),
                        Err(_) => sums.iter_mut().zip(row).for_each(|(sum, w)| {
                            *sum = sum.wrapping_add((*w * *factor).to_units() as u32);
                        }),
                    }
                }
                ring[at..at + width].copy_from_slice(&sums[..width]);
            }
        }
    }
}
