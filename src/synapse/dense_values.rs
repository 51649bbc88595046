//! Product of rows of values with dense weights.
//!
//! ```text
//!   out[b, t, j] (+)= sum over i of  values[b, t + shift, i] w[i, j]        0 beyond the last row
//! ```
//! Three uses: constant input (one row per sample); the backward pass, where values are gradients by
//! arrivals, `shift` is the delay and w is transposed; soft spikes.

use super::{PANEL, add_scaled_rows, block_mut, column_blocks, nonzero};
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/dense_values.wgsl`.
    pub struct DenseValuesParams {
        /// Rows of the matrix: sources of this tile.
        sources: word,
        /// First of them in a row of values.
        source_first: word,
        /// Length of a row of values.
        source_stride: word,
        /// Rows of values per sample.
        source_rows: word,
        /// Row of values for row 0 of the result.
        shift: word,
        /// Length of a row of the result.
        targets: word,
        /// First target of this tile.
        first: word,
        /// Targets of this tile.
        width: word,
        /// Rows of the result per sample.
        rows: word,
        /// 1: add to what is there; 0: overwrite.
        accumulate: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/dense_values",
    wgsl: include_str!("../../shaders/synapse/dense_values.wgsl"),
    workgroup: 64,
    bindings: &[
        reals("values"),  // [samples, source_rows, source_stride]
        reals("weights"), // [panels, sources, panel]
        reals_mut("out"), // [samples, rows, targets]
    ],
    params: DenseValuesParams::<f32>::FIELDS,
    twin32: dispatched::<DenseValues, f32>,
    twin64: dispatched::<DenseValues, f64>,
};

/// The twin of `shaders/synapse/dense_values.wgsl`.
pub struct DenseValues;

impl Twin for DenseValues {
    #[inline(always)]
    fn run<F: Real>(call: Call<'_, F>) {
        let p = DenseValuesParams::<F>::of(call.params);
        let [values, weights, out] = Call::take(call.args);
        let (values, weights, out) = (values.reals(), weights.reals(), out.reals_mut());
        let (sources, rows) = (p.sources as usize, p.rows as usize);
        let steps = || call.span.t0 as usize..rows.min(call.span.t1 as usize);
        let mut pairs = Vec::new();
        let mut ends = Vec::new();
        for b in 0..call.units.len() {
            for t in steps() {
                let row = t + p.shift as usize;
                if row < p.source_rows as usize {
                    let at = (b * p.source_rows as usize + row) * p.source_stride as usize;
                    let row = &values[at + p.source_first as usize..][..sources];
                    nonzero(row, &mut pairs);
                }
                ends.push(pairs.len());
            }
        }
        for first in (0..p.width as usize).step_by(PANEL) {
            let width = PANEL.min(p.width as usize - first);
            let panel = &weights[first * sources..][..width * sources];
            let (mut begin, mut row) = (0, 0);
            for b in 0..call.units.len() {
                for t in steps() {
                    let terms = &pairs[begin..ends[row]];
                    begin = ends[row];
                    row += 1;
                    let at = (b * rows + t) * p.targets as usize + p.first as usize + first;
                    let out = &mut out[at..at + width];
                    column_blocks!(width, |column, W| {
                        let acc = block_mut::<F, W>(out, column);
                        if p.accumulate == 0 {
                            *acc = [F::zero(); W];
                        }
                        add_scaled_rows(acc, panel, width, column, terms);
                    });
                }
            }
        }
    }
}
