//! Gradient by dense weights whose sources have values.
//!
//! ```text
//!   gradient[i, j] = sum over b, t of  values[b, t + shift, i] arrivals_bar[b, t, j]
//! ```

use super::{PANEL, add_scaled_rows, block_mut, column_blocks};
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/dense_values_gradient.wgsl`.
    pub struct DenseValuesGradientParams {
        /// Sources.
        sources: word,
        /// Rows of values per sample.
        source_rows: word,
        /// Row of values that belongs to row 0 of the arrivals.
        shift: word,
        /// Targets of the population, the stride of a row of gradients by arrivals.
        targets: word,
        /// First target of this tile.
        first: word,
        /// Targets of this tile.
        width: word,
        /// Rows of arrivals per sample.
        rows: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/dense_values_gradient",
    wgsl: include_str!("../../shaders/synapse/dense_values_gradient.wgsl"),
    workgroup: 64,
    bindings: &[
        reals("values"),       // [samples, source_rows, sources]
        reals("arrivals"),     // [samples, rows, targets] gradient by arrivals
        reals_mut("gradient"), // [panels, sources, panel]
    ],
    params: DenseValuesGradientParams::<f32>::FIELDS,
    twin32: dispatched::<DenseValuesGradient, f32>,
    twin64: dispatched::<DenseValuesGradient, f64>,
};

/// The twin of `shaders/synapse/dense_values_gradient.wgsl`; units are rows of panels.
pub struct DenseValuesGradient;

impl Twin for DenseValuesGradient {
    #[inline(always)]
    fn run<F: Real>(call: Call<'_, F>) {
        let p = DenseValuesGradientParams::<F>::of(call.params);
        let [values, arrivals, gradient] = Call::take(call.args);
        let (values, arrivals) = (values.reals(), arrivals.reals());
        let mut gradient = gradient.reals_mut();
        let (sources, targets) = (p.sources as usize, p.targets as usize);
        let mut pairs = Vec::new();
        for unit in call.units {
            let (first, source) = (unit / sources * PANEL, unit % sources);
            let width = PANEL.min(p.width as usize - first);
            let (out, rest) = gradient.split_at_mut(width);
            gradient = rest;
            pairs.clear();
            for b in 0..call.clock.samples {
                for t in 0..p.rows {
                    let row = (b * p.source_rows + p.shift + t) as usize;
                    let value = values[row * sources + source];
                    if value != F::zero() {
                        pairs.push((b * p.rows + t, value));
                    }
                }
            }
            column_blocks!(width, |column, W| {
                let acc = block_mut::<F, W>(out, column);
                *acc = [F::zero(); W];
                add_scaled_rows(acc, arrivals, targets, p.first as usize + first + column, &pairs);
            });
        }
    }
}
