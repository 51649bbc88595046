//! Reward: what makes marked synapses change.
//!
//! ```text
//!   dc/dt = -c / tau + changes by spikes            dw/dt = rate · D(t) · c
//! ```
//! c is the mark of a synapse (Izhikevich 2007), D the concentration of a modulator. At the end of each
//! interval of `every` steps the weight changes by `gain = rate · every · dt` times D and c as they are
//! then, and c decays as over the whole interval: of first order in the interval.

use crate::kernel::*;
use crate::params;
use crate::vector::Width;

params! {
    /// `Params` of `shaders/plasticity/reinforce.wgsl`.
    pub struct ReinforceParams {
        /// Synapses.
        n: word,
        /// Interval \[steps\].
        every: word,
        /// Modulator.
        modulator: word,
        /// Change of a weight by a mark of 1 at a concentration of 1.
        gain: real,
        /// Decay of a mark over an interval.
        decay: real,
        /// Least weight.
        w_min: real,
        /// Largest weight.
        w_max: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "plasticity/reinforce",
    wgsl: include_str!("../../shaders/plasticity/reinforce.wgsl"),
    workgroup: 64,
    bindings: &[
        reals_mut("weight"),    // [synapses]
        reals_mut("mark"),      // [synapses]
        reals("concentration"), // [modulators]
    ],
    params: ReinforceParams::<f32>::FIELDS,
    twin32: dispatched::<Reinforce, f32>,
    twin64: scalar::<Reinforce, f64>,
};

/// The twin of `shaders/plasticity/reinforce.wgsl`; units are synapses.
pub struct Reinforce;

impl Twin for Reinforce {
    #[inline(always)]
    fn run<S: Simd, F: Real>(simd: S, call: Call<'_, F>) {
        let p = ReinforceParams::<F>::of(call.params);
        let done = call.clock.step + u64::from(call.span.t0) + 1;
        if !done.is_multiple_of(p.every.into()) {
            return;
        }
        let w = Width(simd);
        let [weight, mark, concentration] = Call::take(call.args);
        let (weight, mark) = (weight.reals_mut(), mark.reals_mut());
        let gain = w.splat(p.gain * concentration.reals()[p.modulator as usize]);
        let [decay, low, high] = [p.decay, p.w_min, p.w_max].map(|x| w.splat(x));
        let (least, zero) = (w.splat(F::of(1e-30)), w.splat(F::zero()));
        for at in (0..weight.len()).step_by(w.lanes::<F>()) {
            let c = w.load(mark, at);
            w.store(weight, at, (w.load(weight, at) + gain * c).max(low).min(high));
            let faded = decay * c;
            w.store(mark, at, faded.abs().lt(least).select(zero, faded));
        }
    }
}
