//! Keeps a float per sample of successive batches on the device until the host asks for them:
//! `ring[slot · batch + b] = x[b]`, with the slot set by the host before each run.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/record/log_reals.wgsl`.
    pub struct LogRealsParams {
        /// Samples of a full batch.
        batch: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "record/log_reals",
    wgsl: include_str!("../../shaders/record/log_reals.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        reals("x"),        // [batch]
        reals_mut("ring"), // [slots, batch]
    ],
    layouts: &[],
    params: LogRealsParams::<f32>::FIELDS,
    twin32: dispatched::<LogReals, f32>,
    twin64: scalar::<LogReals, f64>,
};

/// The twin of `shaders/record/log_reals.wgsl`; one unit, the whole ring.
pub struct LogReals;

impl Twin for LogReals {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = LogRealsParams::<F>::of(call.params);
        let [x, ring] = Call::take(call.args);
        let at = (call.clock.slot * p.batch) as usize;
        let samples = call.clock.samples as usize;
        ring.reals_mut()[at..at + samples].copy_from_slice(&x.reals()[..samples]);
    }
}
