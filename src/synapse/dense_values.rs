//! Product of rows of values with dense weights.
//!
//! ```text
//!   out[b, t, j] (+)= sum over i of  values[b, t + shift, i] w[i, j]        0 beyond the last row
//! ```
//! Three uses: values of sources (one row per sample, or one for each step); the backward pass, where values are
//! gradients by arrivals, `shift` is the delay and w is transposed; soft spikes.

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
    merges: false,
    bindings: &[
        reals("values"),  // [samples, source_rows, source_stride]
        reals("weights"), // [panels, sources, panel]
        reals_mut("out"), // [samples, rows, targets]
    ],
    layouts: &[],
    params: DenseValuesParams::<f32>::FIELDS,
    twin32: dispatched::<DenseValues, f32>,
    twin64: scalar::<DenseValues, f64>,
};

/// Weights that stay in a core's cache beside the rows they are multiplied with.
const CACHED: usize = 1 << 15;

/// The twin of `shaders/synapse/dense_values.wgsl`.
pub struct DenseValues;

impl Twin for DenseValues {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = DenseValuesParams::<F>::of(call.params);
        let [values, weights, out] = Call::take(call.args);
        let (values, weights, out) = (values.reals(), weights.reals(), out.reals_mut());
        let (sources, rows) = (p.sources as usize, p.rows as usize);
        let steps = || call.span.t0 as usize..rows.min(call.span.t1 as usize);
        let mut pairs = Vec::new();
        // Each row of the result: where it lies, and which of the pairs are its terms.
        let mut list = Vec::new();
        for b in 0..call.units.len() {
            for t in steps() {
                let begin = pairs.len();
                let row = t + p.shift as usize;
                if row < p.source_rows as usize {
                    let at = (b * p.source_rows as usize + row) * p.source_stride as usize;
                    let row = &values[at + p.source_first as usize..][..sources];
                    nonzero(row, &mut pairs);
                }
                list.push(((b * rows + t) * p.targets as usize, begin..pairs.len()));
            }
        }
        // Few weights stay in the cache while the result is written in the order of memory; of many,
        // a panel stays there for all rows of the piece.
        let together = if sources * p.width as usize <= CACHED { 8 } else { list.len().max(1) };
        for list in list.chunks(together) {
            for first in (0..p.width as usize).step_by(PANEL) {
                let width = PANEL.min(p.width as usize - first);
                let panel = &weights[first * sources..][..width * sources];
                for (row, terms) in list {
                    let out = &mut out[row + p.first as usize + first..][..width];
                    column_blocks!(width, |column, W| {
                        let acc = block_mut::<F, W>(out, column);
                        add_scaled_rows(
                            acc,
                            p.accumulate == 1,
                            panel,
                            width,
                            column,
                            &pairs[terms.clone()],
                        );
                    });
                }
            }
        }
    }
}
