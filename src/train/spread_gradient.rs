//! Gradient by a count of spikes becomes that by each of them: the adjoint of [`super::spike_counts`].
//!
//! ```text
//!   s_bar[b, t, n] := [s_bar[b, t, n] +] factor counts_bar[b, n]
//! ```

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/spread_gradient.wgsl`.
    pub struct SpreadGradientParams {
        /// Neurons.
        n: word,
        /// Steps of a window.
        steps: word,
        /// What a spike counts.
        factor: real,
        /// 1: add to what others left; 0: overwrite.
        accumulate: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/spread_gradient",
    wgsl: include_str!("../../shaders/train/spread_gradient.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        reals("gradient"),      // [samples, n]
        reals_mut("cotangent"), // [samples, steps, n]
    ],
    layouts: &[],
    params: SpreadGradientParams::<f32>::FIELDS,
    twin32: dispatched::<SpreadGradient, f32>,
    twin64: scalar::<SpreadGradient, f64>,
};

/// The twin of `shaders/train/spread_gradient.wgsl`; units are samples.
pub struct SpreadGradient;

impl Twin for SpreadGradient {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = SpreadGradientParams::<F>::of(call.params);
        let [gradient, cotangent] = Call::take(call.args);
        let (gradient, cotangent) = (gradient.reals(), cotangent.reals_mut());
        let (n, steps) = (p.n as usize, p.steps as usize);
        for b in 0..call.units.len() {
            let gradient = &gradient[b * n..][..n];
            for row in cotangent[b * steps * n..][..steps * n].chunks_exact_mut(n) {
                for (by_spike, by_count) in row.iter_mut().zip(gradient) {
                    let before = if p.accumulate == 1 { *by_spike } else { F::zero() };
                    *by_spike = before + p.factor * *by_count;
                }
            }
        }
    }
}
