//! What spikes of targets do to sparse weights.
//!
//! ```text
//!   w_ij += rate · (c + x_i (a + b y'_j))       for each target j whose spike reaches the synapse
//! ```
//! See [`super`] for the letters, the order and the bounds.

use super::Site;
use crate::kernel::*;
use crate::learn_params;

learn_params! {
    /// `Params` of `shaders/plasticity/sparse_post.wgsl`.
    pub struct SparsePostParams {
        /// Steps by which the axonal delays of successive groups differ: 1, or 0 if all are alike.
        spread: word,
        /// Bits of an entry of `origin` below the delay.
        source_bits: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "plasticity/sparse_post",
    wgsl: include_str!("../../shaders/plasticity/sparse_post.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        words("fired"),      // [slots, list],
        words("start"),      // [targets] and the end,
        words("origin"),     // [synapses] by target: source, and above it the group of its delay,
        reals_mut("weight"), // [synapses], and as many second floats
        reals("x"),          // [slots, sources],
        reals("y2"),         // [slots, targets],
        reals("rate"),       // [1], or [3] for marks
    ],
    layouts: &[],
    params: SparsePostParams::<f32>::FIELDS,
    twin32: dispatched::<SparsePost, f32>,
    twin64: scalar::<SparsePost, f64>,
};

/// The twin of `shaders/plasticity/sparse_post.wgsl`; one unit.
pub struct SparsePost;

impl Twin for SparsePost {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p: Site<F> = Site::of(call.params);
        let SparsePostParams { spread, source_bits, .. } = SparsePostParams::<F>::of(call.params);
        let [fired, start, origin, weight, x, y2, rate] = Call::take(call.args);
        let (fired, start, origin) = (fired.words(), start.words(), origin.words());
        let (weight, x, rate) = (weight.reals_mut(), x.reals(), rate.reals());
        let now = call.clock.step + u64::from(call.span.t0);
        let before = now.wrapping_sub(1 + u64::from(p.dendritic));
        let y2 = p.trace(y2.reals(), before, p.all_targets as usize);
        for target in p.spikes(fired, now.wrapping_sub(p.dendritic.into()), p.targets) {
            let factor = p.pair + p.triplet * y2[target];
            for at in start[target] as usize..start[target + 1] as usize {
                let source = (origin[at] & ((1 << source_bits) - 1)) as usize;
                let delay = 1 + u64::from(p.axonal + (origin[at] >> source_bits) * spread);
                let x = p.trace(x, now.wrapping_sub(delay), p.sources as usize)[source];
                let change = p.pace(rate) * (p.constant + x * factor);
                p.change(weight, at, p.second as usize, change, rate);
            }
        }
    }
}
