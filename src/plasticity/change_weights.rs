//! Weights change by what rules of plasticity summed over a batch, within bounds.
//!
//! ```text
//!   w := min(max(w + dw, w_min), w_max)
//! ```

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/plasticity/change_weights.wgsl`.
    pub struct ChangeWeightsParams {
        /// Weights.
        count: word,
        /// Least weight.
        w_min: real,
        /// Largest weight.
        w_max: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "plasticity/change_weights",
    wgsl: include_str!("../../shaders/plasticity/change_weights.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[reals("change"), reals_mut("weights")],
    layouts: &[],
    params: ChangeWeightsParams::<f32>::FIELDS,
    twin32: dispatched::<ChangeWeights, f32>,
    twin64: scalar::<ChangeWeights, f64>,
};

/// The twin of `shaders/plasticity/change_weights.wgsl`; units are weights.
pub struct ChangeWeights;

impl Twin for ChangeWeights {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = ChangeWeightsParams::<F>::of(call.params);
        let [change, weights] = Call::take(call.args);
        for (w, change) in weights.reals_mut().iter_mut().zip(change.reals()) {
            *w = (*w + *change).max(p.w_min).min(p.w_max);
        }
    }
}
