//! Gradients as the optimiser gets them.
//!
//! ```text
//!   g := scale factor g + decay w
//! ```
//! `scale` is 1 / (1 - p) of a projection with dropout, whose weights are delivered that much larger; `factor` is what
//! [`super::clip`] found. `decay` is l2 / unit^2: with w in units of the projection, that adds l2 w to the gradient,
//! which is then one of the loss with l2 / 2 times the sum of the squares.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/adjust.wgsl`.
    pub struct AdjustParams {
        /// Weights.
        count: word,
        /// Factor on the gradient, besides that of all arrays.
        scale: real,
        /// Factor on the weight, which is added.
        decay: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/adjust",
    wgsl: include_str!("../../shaders/train/adjust.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        reals("factor"), // [1]
        reals("weights"),
        reals_mut("gradient"),
    ],
    layouts: &[],
    params: AdjustParams::<f32>::FIELDS,
    twin32: dispatched::<Adjust, f32>,
    twin64: scalar::<Adjust, f64>,
};

/// The twin of `shaders/train/adjust.wgsl`; units are weights.
pub struct Adjust;

impl Twin for Adjust {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = AdjustParams::<F>::of(call.params);
        let [factor, weights, gradient] = Call::take(call.args);
        let scale = p.scale * factor.reals()[0];
        for (g, w) in gradient.reals_mut().iter_mut().zip(weights.reals()) {
            *g = scale * *g + p.decay * *w;
        }
    }
}
