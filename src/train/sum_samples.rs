//! Sum over samples: the gradient by a constant current that all samples share.
//!
//! ```text
//!   sum[n] = sum over b of  x[b, n]
//! ```

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/sum_samples.wgsl`.
    pub struct SumSamplesParams {
        /// Neurons.
        n: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/sum_samples",
    wgsl: include_str!("../../shaders/train/sum_samples.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        reals("x"),       // [samples, n]
        reals_mut("sum"), // [n]
    ],
    layouts: &[],
    params: SumSamplesParams::<f32>::FIELDS,
    twin32: dispatched::<SumSamples, f32>,
    twin64: scalar::<SumSamples, f64>,
};

/// The twin of `shaders/train/sum_samples.wgsl`; units are neurons.
pub struct SumSamples;

impl Twin for SumSamples {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = SumSamplesParams::<F>::of(call.params);
        let [x, sum] = Call::take(call.args);
        let (x, sum) = (x.reals(), sum.reals_mut());
        sum.fill(F::zero());
        for b in 0..call.clock.samples as usize {
            let row = &x[b * p.n as usize..][call.units.clone()];
            for (sum, x) in sum.iter_mut().zip(row) {
                *sum += *x;
            }
        }
    }
}
