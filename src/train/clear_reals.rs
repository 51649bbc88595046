//! Forgets floats, such as traces, before a sample is shown.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/clear_reals.wgsl`.
    pub struct ClearRealsParams {
        /// Elements.
        n: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/clear_reals",
    wgsl: include_str!("../../shaders/train/clear_reals.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[reals_mut("values")],
    layouts: &[],
    params: ClearRealsParams::<f32>::FIELDS,
    twin32: dispatched::<ClearReals, f32>,
    twin64: scalar::<ClearReals, f64>,
};

/// The twin of `shaders/train/clear_reals.wgsl`; one unit.
pub struct ClearReals;

impl Twin for ClearReals {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = ClearRealsParams::<F>::of(call.params);
        let [values] = Call::take(call.args);
        values.reals_mut()[..p.n as usize].fill(F::zero());
    }
}
