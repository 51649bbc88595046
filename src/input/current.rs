//! A current whose course all neurons of a population share, times a factor of each: `i_k(t) = factor_k course(t)`.
//! What the neurons share wholly needs no kernel; their own reads it.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/input/current.wgsl`.
    pub struct CurrentParams {
        /// Neurons.
        n: word,
        /// 1: add to what others left; 0: overwrite.
        accumulate: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "input/current",
    wgsl: include_str!("../../shaders/input/current.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        reals("course"),      // [steps] pA
        reals("factor"),      // [n]
        reals_mut("current"), // [n] pA
    ],
    layouts: &[],
    params: CurrentParams::<f32>::FIELDS,
    twin32: dispatched::<Current, f32>,
    twin64: scalar::<Current, f64>,
};

/// The twin of `shaders/input/current.wgsl`; units are neurons.
pub struct Current;

impl Twin for Current {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = CurrentParams::<F>::of(call.params);
        let [course, factor, current] = Call::take(call.args);
        let (factor, current) = (factor.reals(), current.reals_mut());
        let now = course.reals()[call.span.t0 as usize];
        for (current, factor) in current.iter_mut().zip(factor) {
            let before = if p.accumulate == 1 { *current } else { F::zero() };
            *current = before + *factor * now;
        }
    }
}
