//! Reward: what makes marked synapses change.
//!
//! ```text
//!   dc/dt = -c / tau + changes by spikes            dw/dt = rate · D(t) · c
//! ```
//! c is the mark of a synapse (Izhikevich 2007), D the concentration of a modulator. At the end of each
//! interval of `every` steps the weight changes by the integral over the interval, exactly:
//! ```text
//!   w += rate · (C I - M)         C: the mark in units of the start of the epoch, c e^(t / tau)
//!   M := 0                        M: sum of its changes in the interval, each times the integral of its time
//!   C := C e^(-epoch / tau)       at the end of an epoch
//! ```
//! with I the integral of [`super::eligibility`] over the interval. C and M lie where a weight and its second
//! float do.

use super::{INTEGRAL, change_within};
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/plasticity/reinforce.wgsl`.
    pub struct ReinforceParams {
        /// Synapses.
        n: word,
        /// Synapses whose second floats lie together behind them.
        block: word,
        /// Epoch \[steps\].
        epoch: word,
        /// Change of a weight per ms, mark and concentration \[1/ms\].
        gain: real,
        /// e^(-epoch / tau).
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
    merges: true,
    bindings: &[
        reals_mut("weight"), // [blocks, 2, block]: weights, then their second floats
        reals_mut("mark"),   // the same: C and M
        reals("rate"),       // [3], of which the integral
    ],
    layouts: &[],
    params: ReinforceParams::<f32>::FIELDS,
    twin32: dispatched::<Reinforce, f32>,
    twin64: scalar::<Reinforce, f64>,
};

/// The twin of `shaders/plasticity/reinforce.wgsl`; units are blocks.
pub struct Reinforce;

impl Twin for Reinforce {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = ReinforceParams::<F>::of(call.params);
        let done = call.clock.step + u64::from(call.span.t0) + 1;
        let [weight, mark, rate] = Call::take(call.args);
        let (weight, mark) = (weight.reals_mut(), mark.reals_mut());
        let (integral, bounds) = (rate.reals()[INTEGRAL], [p.w_min, p.w_max]);
        let fades = done.is_multiple_of(p.epoch.into());
        let block = 2 * p.block as usize;
        for (weight, mark) in weight.chunks_mut(block).zip(mark.chunks_mut(block)) {
            let (weight, low) = weight.split_at_mut(weight.len() / 2);
            let (mark, sum) = mark.split_at_mut(mark.len() / 2);
            for k in 0..weight.len() {
                let change = p.gain * (mark[k] * integral - sum[k]);
                change_within(&mut weight[k], &mut low[k], change, bounds);
                sum[k] = F::zero();
                if fades {
                    let faded = p.decay * mark[k];
                    mark[k] = if faded.abs() < F::of(1e-30) { F::zero() } else { faded };
                }
            }
        }
    }
}
