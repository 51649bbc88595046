//! Delivery through sparse synapses: each target gathers its own, in the order of their sources.
//!
//! ```text
//!   arrivals[b, t, j] (+)= sum over synapses k of j of  w[k] x[b, t - delay[k], source[k]]
//! ```
//! x is 1 for a spike and 0 otherwise, or a value (of images, soft spikes).

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/sparse.wgsl`.
    pub struct SparseParams {
        /// Sources.
        sources: word,
        /// Targets.
        targets: word,
        /// Numbers of a row of arrivals.
        stride: word,
        /// Place of the first target in a row of arrivals.
        first: word,
        /// Rows of spikes or values per sample.
        source_rows: word,
        /// Rows of spikes before the window; those of values are none.
        history: word,
        /// Steps from spike to arrival; 0 for values that do not change.
        delay: word,
        /// 1 if each synapse has its own delay.
        drawn: word,
        /// Rows of arrivals per sample.
        rows: word,
        /// 1: add to what is there; 0: overwrite.
        accumulate: word,
        /// 0: sources spike; 1: sources have values.
        values: option,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/sparse",
    wgsl: include_str!("../../shaders/synapse/sparse.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("spikes"),       // [samples, source_rows, words]
        reals("x"),            // [samples, source_rows, sources]
        words("start"),        // [targets + 1] first synapse of each target
        words("source"),       // [synapses]
        reals("weights"),      // [synapses]
        words("delays"),       // [synapses], if they have their own
        reals_mut("arrivals"), // [samples, rows, stride]
    ],
    layouts: &[],
    params: SparseParams::<f32>::FIELDS,
    twin32: dispatched::<Sparse, f32>,
    twin64: scalar::<Sparse, f64>,
};

/// The twin of `shaders/synapse/sparse.wgsl`.
pub struct Sparse;

impl Twin for Sparse {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = SparseParams::<F>::of(call.params);
        let [spikes, x, start, source, weights, delays, arrivals] = Call::take(call.args);
        let delays = delays.words();
        let (spikes, x, start) = (spikes.words(), x.reals(), start.words());
        let (source, weights, arrivals) = (source.words(), weights.reals(), arrivals.reals_mut());
        let (sources, targets, rows) = (p.sources as usize, p.targets as usize, p.rows as usize);
        let words = spike_words(sources);
        for b in 0..call.units.len() {
            for t in call.span.t0 as usize..rows.min(call.span.t1 as usize) {
                let now = b * p.source_rows as usize + p.history as usize + t;
                let at = (b * rows + t) * p.stride as usize + p.first as usize;
                let out = &mut arrivals[at..][..targets];
                for (j, out) in out.iter_mut().enumerate() {
                    let mut sum = if p.accumulate == 1 { *out } else { F::zero() };
                    for k in start[j] as usize..start[j + 1] as usize {
                        let i = source[k] as usize;
                        let row = now - if p.drawn == 1 { delays[k] } else { p.delay } as usize;
                        if p.values == 1 {
                            sum += weights[k] * x[row * sources + i];
                        } else if spikes[row * words + i / 32] >> (i % 32) & 1 == 1 {
                            sum += weights[k];
                        }
                    }
                    *out = sum;
                }
            }
        }
    }
}
