//! Gradient by sparse weights.
//!
//! ```text
//!   gradient[k] = sum over b, t of  x[b, t + shift, source[k]] arrivals_bar[b, t, target_of[k]]
//! ```
//! Where sources spike, their trains (see [`super::transpose_spikes`]) name the terms.

use super::append_positions;
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/sparse_gradient.wgsl`.
    pub struct SparseGradientParams {
        /// Sources.
        sources: word,
        /// Targets.
        targets: word,
        /// Synapses.
        synapses: word,
        /// Words of a train.
        train: word,
        /// Steps from spike to arrival.
        delay: word,
        /// Rows of values per sample.
        source_rows: word,
        /// Row of values for row 0 of the arrivals.
        shift: word,
        /// Rows of arrivals per sample.
        rows: word,
        /// 0: sources spike; 1: sources have values.
        values: option,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/sparse_gradient",
    wgsl: include_str!("../../shaders/synapse/sparse_gradient.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("trains"),       // [sources, train]
        reals("x"),            // [samples, source_rows, sources]
        words("source"),       // [synapses]
        words("target_of"),    // [synapses]
        reals("arrivals"),     // [samples, rows, targets] gradient by arrivals
        reals_mut("gradient"), // [synapses]
    ],
    layouts: &[],
    params: SparseGradientParams::<f32>::FIELDS,
    twin32: dispatched::<SparseGradient, f32>,
    twin64: scalar::<SparseGradient, f64>,
};

/// The twin of `shaders/synapse/sparse_gradient.wgsl`; units are synapses.
pub struct SparseGradient;

impl Twin for SparseGradient {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = SparseGradientParams::<F>::of(call.params);
        let [trains, x, source, target_of, arrivals, gradient] = Call::take(call.args);
        let (trains, x, source) = (trains.words(), x.reals(), source.words());
        let (target_of, arrivals, gradient) =
            (target_of.words(), arrivals.reals(), gradient.reals_mut());
        let (sources, targets, train) = (p.sources as usize, p.targets as usize, p.train as usize);
        let mut rows = Vec::new();
        for (out, k) in gradient.iter_mut().zip(call.units) {
            let (i, j) = (source[k] as usize, target_of[k] as usize);
            let mut sum = F::zero();
            if p.values == 1 {
                for b in 0..call.clock.samples as usize {
                    for t in 0..p.rows as usize {
                        let from = b * p.source_rows as usize + p.shift as usize + t;
                        let to = b * p.rows as usize + t;
                        sum += x[from * sources + i] * arrivals[to * targets + j];
                    }
                }
            } else {
                rows.clear();
                append_positions(&trains[i * train..][..train], p.delay, &mut rows);
                for &row in &rows {
                    sum += arrivals[row as usize * targets + j];
                }
            }
            *out = sum;
        }
    }
}
