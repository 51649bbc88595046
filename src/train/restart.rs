//! Neurons as they were at the start, but for what lasts, before a sample is shown.

use crate::kernel::*;
use crate::neuron::stepped::BLOCK;
use crate::params;

params! {
    /// `Params` of `shaders/train/restart.wgsl`.
    pub struct RestartParams {
        /// Numbers of state.
        n: word,
        /// Rows of state.
        rows: word,
        /// Row that lasts, such as that of a threshold that adapts; none if it does not exist.
        kept: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/restart",
    wgsl: include_str!("../../shaders/train/restart.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals_mut("state"), // [blocks, rows, 64]
        reals("start"),     // [blocks, rows, 64]
    ],
    layouts: &[],
    params: RestartParams::<f32>::FIELDS,
    twin32: dispatched::<Restart, f32>,
    twin64: scalar::<Restart, f64>,
};

/// The twin of `shaders/train/restart.wgsl`; one unit.
pub struct Restart;

impl Twin for Restart {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = RestartParams::<F>::of(call.params);
        let [state, start] = Call::take(call.args);
        let rows = state.reals_mut().chunks_exact_mut(BLOCK).zip(start.reals().chunks_exact(BLOCK));
        for (k, (state, start)) in rows.enumerate() {
            if k % p.rows as usize != p.kept as usize {
                state.copy_from_slice(start);
            }
        }
    }
}
