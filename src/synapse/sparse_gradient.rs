//! Gradient by sparse weights.
//!
//! ```text
//!   gradient[k] = sum over b, t of  x[b, t - delay[k], source[k]] arrivals_bar[b, t, target_of[k]]
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
        /// Numbers of a row of arrivals.
        stride: word,
        /// Place of the first target in a row of arrivals.
        first: word,
        /// Synapses.
        synapses: word,
        /// Words of a train.
        train: word,
        /// Steps of a window.
        steps: word,
        /// Steps from spike to arrival; the least, where each synapse has its own.
        delay: word,
        /// 1 if each synapse has its own delay.
        drawn: word,
        /// Rows of values per sample.
        source_rows: word,
        /// Rows of values before the window.
        history: word,
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
        reals("arrivals"),     // [samples, rows, stride] gradient by arrivals
        words("delays"),       // [synapses], if they have their own
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
        let [trains, x, source, target_of, arrivals, delays, gradient] = Call::take(call.args);
        let (delays, steps) = (delays.words(), p.steps as usize);
        let (trains, x, source) = (trains.words(), x.reals(), source.words());
        let (target_of, arrivals, gradient) =
            (target_of.words(), arrivals.reals(), gradient.reals_mut());
        let (sources, stride, train) = (p.sources as usize, p.stride as usize, p.train as usize);
        let mut rows = Vec::new();
        for (out, k) in gradient.iter_mut().zip(call.units) {
            let (i, j) = (source[k] as usize, p.first as usize + target_of[k] as usize);
            let mut sum = F::zero();
            let delay = if p.drawn == 1 { delays[k] } else { p.delay } as usize;
            if p.values == 1 {
                for b in 0..call.clock.samples as usize {
                    for t in 0..p.rows as usize {
                        let from = b * p.source_rows as usize + p.history as usize + t - delay;
                        let to = b * p.rows as usize + t;
                        sum += x[from * sources + i] * arrivals[to * stride + j];
                    }
                }
            } else {
                rows.clear();
                append_positions(&trains[i * train..][..train], 0, &mut rows);
                for &row in &rows {
                    // The trains leave out what comes too late with the least delay.
                    if p.drawn == 0 || row as usize % steps + delay < steps {
                        sum += arrivals[(row as usize + delay) * stride + j];
                    }
                }
            }
            *out = sum;
        }
    }
}
