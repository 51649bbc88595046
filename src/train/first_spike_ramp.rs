//! Gradient by the time of a first spike becomes that by spikes: the adjoint of [`super::first_spikes`].
//!
//! ```text
//!   s_bar[b, t, n] := [s_bar[b, t, n] +] output_bar · (dt / tau) · (first + 1 - t)        t <= first, then 0
//! ```
//! A spike at t instead would make the output larger by (first - t) dt / tau; without the spike at `first` it would come
//! a step later or more, which is the 1. Over time this is a ramp, whose slope around the first spike is the gradient by
//! its time, as gradients by times of spikes want it (`neuron::eventprop`); surrogate gradients take its values. A silent
//! neuron, whose first spike is behind the window, has a gradient for the latter alone.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/first_spike_ramp.wgsl`.
    pub struct FirstSpikeRampParams {
        /// Neurons.
        n: word,
        /// Steps of a window.
        steps: word,
        /// dt / tau.
        per_step: real,
        /// 1: add to what others left; 0: overwrite.
        accumulate: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/first_spike_ramp",
    wgsl: include_str!("../../shaders/train/first_spike_ramp.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("first"),           // [samples, n]
        reals("output_gradient"), // [samples, n]
        reals_mut("cotangent"),   // [samples, steps, n]
    ],
    layouts: &[],
    params: FirstSpikeRampParams::<f32>::FIELDS,
    twin32: dispatched::<FirstSpikeRamp, f32>,
    twin64: scalar::<FirstSpikeRamp, f64>,
};

/// The twin of `shaders/train/first_spike_ramp.wgsl`; units are samples.
pub struct FirstSpikeRamp;

impl Twin for FirstSpikeRamp {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = FirstSpikeRampParams::<F>::of(call.params);
        let [first, output_gradient, cotangent] = Call::take(call.args);
        let (first, output_gradient) = (first.words(), output_gradient.reals());
        let cotangent = cotangent.reals_mut();
        let (n, steps) = (p.n as usize, p.steps as usize);
        for b in 0..call.units.len() {
            let (first, gradient) = (&first[b * n..][..n], &output_gradient[b * n..][..n]);
            let rows = cotangent[b * steps * n..][..steps * n].chunks_exact_mut(n);
            for (t, row) in (0u32..).zip(rows) {
                for ((by_spike, first), by_output) in row.iter_mut().zip(first).zip(gradient) {
                    let before = if p.accumulate == 1 { *by_spike } else { F::zero() };
                    let left = F::of(f64::from((first + 1).saturating_sub(t)));
                    *by_spike = before + *by_output * p.per_step * left;
                }
            }
        }
    }
}
