//! Constant currents: each sample begins with those that all samples share, to which constant inputs are
//! added.
//!
//! ```text
//!   current[b, n] = i_e[n]
//! ```

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/input/bias.wgsl`.
    pub struct BiasParams {
        /// Neurons.
        n: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "input/bias",
    wgsl: include_str!("../../shaders/input/bias.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        reals("i_e"),         // [n]
        reals_mut("current"), // [samples, n]
    ],
    layouts: &[],
    params: BiasParams::<f32>::FIELDS,
    twin32: dispatched::<Bias, f32>,
    twin64: scalar::<Bias, f64>,
};

/// The twin of `shaders/input/bias.wgsl`.
pub struct Bias;

impl Twin for Bias {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = BiasParams::<F>::of(call.params);
        let [i_e, current] = Call::take(call.args);
        let i_e = &i_e.reals()[..p.n as usize];
        for current in current.reals_mut().chunks_exact_mut(i_e.len()) {
            current.copy_from_slice(i_e);
        }
    }
}
