//! Gradient by dense weights whose sources have values.
//!
//! ```text
//!   gradient[i, j] = sum over b, t of  values[b, t + shift, i] arrivals_bar[b, t, j]
//! ```

use super::{PANEL, Slab, add_scaled_rows, block_mut, column_blocks};
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
    merges: false,
    bindings: &[
        reals("values"),       // [samples, source_rows, sources]
        reals("arrivals"),     // [samples, rows, targets] gradient by arrivals
        reals_mut("gradient"), // [panels, sources, panel]
    ],
    layouts: &[],
    params: DenseValuesGradientParams::<f32>::FIELDS,
    twin32: dispatched::<DenseValuesGradient, f32>,
    twin64: scalar::<DenseValuesGradient, f64>,
};

/// The twin of `shaders/synapse/dense_values_gradient.wgsl`; units are rows of panels.
pub struct DenseValuesGradient;

impl Twin for DenseValuesGradient {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = DenseValuesGradientParams::<F>::of(call.params);
        let [values, arrivals, gradient] = Call::take(call.args);
        let (values, arrivals) = (values.reals(), arrivals.reals());
        let mut gradient = gradient.reals_mut();
        let (sources, targets) = (p.sources as usize, p.targets as usize);
        let rows = p.rows as usize;
        let terms = call.clock.samples as usize * rows;
        // The terms of each source are listed once, from rows of values as they lie in memory, and
        // used for all panels of the piece. Without a branch: every pair is written, and counts if
        // it is to stay.
        let start = call.units.start % sources;
        let listed = start..start + call.units.len();
        let listed = if listed.end > sources { 0..sources } else { listed };
        let mut pairs = vec![(0u32, F::zero()); listed.len() * (terms + 1)];
        let mut counts = vec![0; listed.len()];
        for term in 0..terms {
            let (b, t) = (term / rows, term % rows);
            let row = b * p.source_rows as usize + p.shift as usize + t;
            let values = &values[row * sources..][listed.clone()];
            for (k, (value, count)) in values.iter().zip(&mut counts).enumerate() {
                pairs[k * (terms + 1) + *count] = (term as u32, *value);
                *count += usize::from(*value != F::zero());
            }
        }
        let mut slab = Slab::new();
        for unit in call.units {
            let (first, source) = (unit / sources * PANEL, unit % sources);
            let width = PANEL.min(p.width as usize - first);
            let (out, rest) = gradient.split_at_mut(width);
            gradient = rest;
            let columns = slab.columns(arrivals, targets, terms, p.first as usize + first, width);
            let k = source - listed.start;
            let pairs = &pairs[k * (terms + 1)..][..counts[k]];
            column_blocks!(width, |column, W| {
                let acc = block_mut::<F, W>(out, column);
                add_scaled_rows(acc, false, columns, width, column, pairs);
            });
        }
    }
}
