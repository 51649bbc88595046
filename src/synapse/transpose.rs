//! Transposed copy of a tile of dense weights, for the backward pass: panels of 64 sources instead
//! of 64 targets.

use super::{PANEL, panel_index};
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/transpose.wgsl`.
    pub struct TransposeParams {
        /// Sources.
        sources: word,
        /// Targets of this tile.
        width: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/transpose",
    wgsl: include_str!("../../shaders/synapse/transpose.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        reals("weights"),        // [panels of targets, sources, panel]
        reals_mut("transposed"), // [panels of sources, targets, panel]
    ],
    layouts: &[],
    params: TransposeParams::<f32>::FIELDS,
    twin32: dispatched::<Transpose, f32>,
    twin64: scalar::<Transpose, f64>,
};

/// The twin of `shaders/synapse/transpose.wgsl`; units are rows of panels of the result.
pub struct Transpose;

impl Twin for Transpose {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = TransposeParams::<F>::of(call.params);
        let [weights, transposed] = Call::take(call.args);
        let (weights, mut transposed) = (weights.reals(), transposed.reals_mut());
        let (sources, width) = (p.sources as usize, p.width as usize);
        for unit in call.units {
            let (first, target) = (unit / width * PANEL, unit % width);
            let (out, rest) = transposed.split_at_mut(PANEL.min(sources - first));
            transposed = rest;
            for (k, w) in out.iter_mut().enumerate() {
                *w = weights[panel_index(PANEL, [sources, width], first + k, target)];
            }
        }
    }
}
