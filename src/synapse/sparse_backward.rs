//! Gradient by the spikes of sparse synapses' sources: each source gathers over its synapses.
//!
//! ```text
//!   cotangent[b, t, i] (+)= sum over synapses k of i of  w[k] arrivals_bar[b, t + delay[k], target[k]]
//! ```
//! and nothing where t + delay\[k\] lies beyond the window.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/sparse_backward.wgsl`.
    pub struct SparseBackwardParams {
        /// Sources.
        sources: word,
        /// Numbers of a row of arrivals.
        stride: word,
        /// Place of the first target in a row of arrivals.
        first: word,
        /// Steps of a window.
        steps: word,
        /// Steps from spike to arrival.
        delay: word,
        /// 1 if each synapse has its own delay.
        drawn: word,
        /// 1: add to what is there; 0: overwrite.
        accumulate: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/sparse_backward",
    wgsl: include_str!("../../shaders/synapse/sparse_backward.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals("arrivals"),      // [samples, steps, stride] gradient by arrivals
        words("out_start"),     // [sources + 1] first of each source's synapses
        words("target_id"),     // [synapses] by source
        words("synapse"),       // [synapses] by source: index into weights
        reals("weights"),       // [synapses] by target
        words("delays"),        // [synapses] by target, if they have their own
        reals_mut("cotangent"), // [samples, steps, sources]
    ],
    layouts: &[],
    params: SparseBackwardParams::<f32>::FIELDS,
    twin32: dispatched::<SparseBackward, f32>,
    twin64: scalar::<SparseBackward, f64>,
};

/// The twin of `shaders/synapse/sparse_backward.wgsl`.
pub struct SparseBackward;

impl Twin for SparseBackward {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = SparseBackwardParams::<F>::of(call.params);
        let [arrivals, out_start, target, synapse, weights, delays, cotangent] =
            Call::take(call.args);
        let delays = delays.words();
        let (arrivals, out_start, target) = (arrivals.reals(), out_start.words(), target.words());
        let (synapse, weights, cotangent) =
            (synapse.words(), weights.reals(), cotangent.reals_mut());
        let (sources, stride, steps) = (p.sources as usize, p.stride as usize, p.steps as usize);
        for b in 0..call.units.len() {
            for t in call.span.steps() {
                let out = &mut cotangent[(b * steps + t) * sources..][..sources];
                for (i, out) in out.iter_mut().enumerate() {
                    let mut sum = if p.accumulate == 1 { *out } else { F::zero() };
                    for k in out_start[i] as usize..out_start[i + 1] as usize {
                        let at = synapse[k] as usize;
                        let delay = if p.drawn == 1 { delays[at] } else { p.delay };
                        let arrive = t + delay as usize;
                        if arrive < steps {
                            let row = (b * steps + arrive) * stride + p.first as usize;
                            sum += weights[at] * arrivals[row + target[k] as usize];
                        }
                    }
                    *out = sum;
                }
            }
        }
    }
}
