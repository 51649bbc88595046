//! Values of state variables of chosen neurons, at chosen steps.
//!
//! `samples[k, i] = state[neuron i, row]` at every step whose number, counted from 1, is a multiple of
//! `every`; k counts these steps from the start of the window.

use crate::kernel::*;
use crate::neuron::stepped::BLOCK;
use crate::params;

params! {
    /// `Params` of `shaders/record/sample.wgsl`.
    pub struct SampleParams {
        /// Neurons that are recorded.
        count: word,
        /// Rows of state of a block.
        rows: word,
        /// Row that is recorded.
        row: word,
        /// Interval between samples \[steps\]; the lower half of the number.
        every_lo: word,
        /// Its upper half.
        every_hi: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "record/sample",
    wgsl: include_str!("../../shaders/record/sample.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        reals("state"),       // [blocks, rows, 64]
        words("ids"),         // [count]
        reals_mut("samples"), // [steps / every + 1, count]
    ],
    layouts: &[],
    params: SampleParams::<f32>::FIELDS,
    twin32: dispatched::<Sample, f32>,
    twin64: scalar::<Sample, f64>,
};

/// The twin of `shaders/record/sample.wgsl`; one unit.
pub struct Sample;

impl Twin for Sample {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = SampleParams::<F>::of(call.params);
        let [state, ids, samples] = Call::take(call.args);
        let (state, ids, samples) = (state.reals(), ids.words(), samples.reals_mut());
        let (count, every) = (p.count as usize, joined(p.every_lo, p.every_hi));
        let (start, done) = (call.clock.step, call.clock.step + u64::from(call.span.t0) + 1);
        let k = (done / every - start / every - 1) as usize;
        for (sample, id) in samples[k * count..].iter_mut().zip(&ids[..count]) {
            let (block, lane) = (*id as usize / BLOCK, *id as usize % BLOCK);
            *sample = state[(block * p.rows as usize + p.row as usize) * BLOCK + lane];
        }
    }
}
