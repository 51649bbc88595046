//! What spikes of sources do to sparse weights.
//!
//! ```text
//!   w_ij += rate · (c + y_j (a + b x'_i))       for each source i whose spike reaches the synapse
//! ```
//! The synapses of a source are grouped by their axonal delay, one step more for each group. See
//! [`super`] for the letters, the order and the bounds.

use super::Site;
use crate::kernel::*;
use crate::learn_params;

learn_params! {
    /// `Params` of `shaders/plasticity/sparse_pre.wgsl`.
    pub struct SparsePreParams {
        /// Groups of axonal delays.
        groups: word,
        /// Steps by which the axonal delays of successive groups differ: 1, or 0 if all are alike.
        spread: word,
        /// Bits of an entry of `outgoing` below the rank.
        target_bits: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "plasticity/sparse_pre",
    wgsl: include_str!("../../shaders/plasticity/sparse_pre.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        words("fired"),      // [slots, list],
        words("begin"),      // [sources, groups] and the end,
        words("outgoing"),   // [synapses] target, and above it the rank among its synapses,
        words("start"),      // [targets] and the end,
        reals_mut("weight"), // [synapses] by target, and as many second floats
        reals("y"),          // [slots, targets],
        reals("x2"),         // [slots, sources],
        reals("rate"),       // [1], or [3] for marks
    ],
    layouts: &[],
    params: SparsePreParams::<f32>::FIELDS,
    twin32: dispatched::<SparsePre, f32>,
    twin64: scalar::<SparsePre, f64>,
};

/// The twin of `shaders/plasticity/sparse_pre.wgsl`; one unit.
pub struct SparsePre;

impl Twin for SparsePre {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p: Site<F> = Site::of(call.params);
        let SparsePreParams { groups, spread, target_bits, .. } =
            SparsePreParams::<F>::of(call.params);
        let [fired, begin, outgoing, start, weight, y, x2, rate] = Call::take(call.args);
        let (fired, begin, outgoing) = (fired.words(), begin.words(), outgoing.words());
        let (start, weight, rate) = (start.words(), weight.reals_mut(), rate.reals());
        let (y, x2) = (y.reals(), x2.reals());
        let now = call.clock.step + u64::from(call.span.t0);
        let before = now.wrapping_sub(1 + u64::from(p.dendritic));
        let y = p.trace(y, before, p.all_targets as usize);
        for group in 0..groups {
            let sent = now.wrapping_sub(u64::from(p.axonal + group * spread));
            let x2 = p.trace(x2, sent.wrapping_sub(1), p.sources as usize);
            for source in p.spikes(fired, sent, p.sources) {
                let factor = p.pair + p.triplet * x2[source];
                let row = source * groups as usize + group as usize;
                for entry in &outgoing[begin[row] as usize..begin[row + 1] as usize] {
                    let target = (entry & ((1 << target_bits) - 1)) as usize;
                    let at = (start[target] + (entry >> target_bits)) as usize;
                    let change = p.pace(rate) * (p.constant + y[target] * factor);
                    p.change(weight, at, p.second as usize, change, rate);
                }
            }
        }
    }
}
