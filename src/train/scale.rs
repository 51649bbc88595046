//! A scaled copy of weights, which the program `train` delivers in their place.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/scale.wgsl`.
    pub struct ScaleParams {
        /// Weights.
        count: word,
        /// Factor.
        factor: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/scale",
    wgsl: include_str!("../../shaders/train/scale.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[reals("weights"), reals_mut("scaled")],
    layouts: &[],
    params: ScaleParams::<f32>::FIELDS,
    twin32: dispatched::<Scale, f32>,
    twin64: scalar::<Scale, f64>,
};

/// The twin of `shaders/train/scale.wgsl`; units are weights.
pub struct Scale;

impl Twin for Scale {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = ScaleParams::<F>::of(call.params);
        let [weights, scaled] = Call::take(call.args);
        for (scaled, w) in scaled.reals_mut().iter_mut().zip(weights.reals()) {
            *scaled = p.factor * *w;
        }
    }
}
