//! The way back through a [concentration](super::concentration): from gradients by the concentration of each step to those by
//! the spikes that released it.
//!
//! ```text
//!   by_spike[b, t, j] := [by_spike[b, t, j] +] amount · L[t + 1]        L[t] = by_level[b, t] + (1 + fall) L[t + 1]
//! ```
//! What is released in step t acts from the next step on; L is 0 behind the window.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/concentration_back.wgsl`.
    pub struct ConcentrationBackParams {
        /// Neurons that release it.
        n: word,
        /// Steps of a window.
        steps: word,
        /// 1: add to gradients by spikes that are there; 0: overwrite.
        accumulate: word,
        /// e^(-dt / tau) - 1.
        fall: real,
        /// Release by a spike.
        amount: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/concentration_back",
    wgsl: include_str!("../../shaders/train/concentration_back.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals("by_level"),      // [samples, steps]
        reals_mut("cotangent"), // [samples, steps, n]
    ],
    layouts: &[],
    params: ConcentrationBackParams::<f32>::FIELDS,
    twin32: dispatched::<ConcentrationBack, f32>,
    twin64: scalar::<ConcentrationBack, f64>,
};

/// The twin of `shaders/train/concentration_back.wgsl`; units are samples.
pub struct ConcentrationBack;

impl Twin for ConcentrationBack {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = ConcentrationBackParams::<F>::of(call.params);
        let [by_level, cotangent] = Call::take(call.args);
        let (by_level, cotangent) = (by_level.reals(), cotangent.reals_mut());
        let (n, steps) = (p.n as usize, p.steps as usize);
        for b in 0..call.units.len() {
            let mut later = F::zero();
            for row in (b * steps..(b + 1) * steps).rev() {
                let by_spike = p.amount * later;
                for cotangent in &mut cotangent[row * n..][..n] {
                    let others = if p.accumulate == 1 { *cotangent } else { F::zero() };
                    *cotangent = others + by_spike;
                }
                later = by_level[row] + (later + p.fall * later);
            }
        }
    }
}
