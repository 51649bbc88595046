//! What time does to the marks of a projection, and the concentration that they meet, within an interval.
//!
//! A mark that decays with tau and a concentration D that decays with tau_D towards D_rest meet in an integral
//! with a closed form for each step of dt from t on:
//! ```text
//!   I += e^(-t/tau) [ D_rest tau (1 - e^(-dt/tau)) + (D - D_rest) s (1 - e^(-dt/s)) ]     1/s = 1/tau + 1/tau_D
//! ```
//! with I = 0 at the start of an interval. Marks are kept as they would be at the start of an *epoch*, from which
//! t is counted: a change at t counts e^(t/tau) times as much, the growth. An epoch is a number of
//! intervals, about a tenth of tau; so marks decay rarely, and by a factor that a float can hold. Both
//! numbers are made before the marks change in a step, of the concentration that the step before has
//! left, and are those of the end of the step. What they are for is said in [`super::reinforce`].

use super::{GROWTH, INTEGRAL};
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/plasticity/eligibility.wgsl`.
    pub struct EligibilityParams {
        /// Interval \[steps\].
        every: word,
        /// Epoch \[steps\].
        epoch: word,
        /// Modulator.
        modulator: word,
        /// Concentration at rest.
        rest: real,
        /// D_rest tau (1 - e^(-dt/tau)) \[ms\].
        by_rest: real,
        /// s (1 - e^(-dt/s)) \[ms\].
        by_excess: real,
        /// dt / tau.
        per_tau: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "plasticity/eligibility",
    wgsl: include_str!("../../shaders/plasticity/eligibility.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        reals("concentration"), // [2, modulators]
        reals_mut("rate"),      // [3], of which growth and integral
    ],
    layouts: &[],
    params: EligibilityParams::<f32>::FIELDS,
    twin32: dispatched::<EligibilityTwin, f32>,
    twin64: dispatched::<EligibilityTwin, f64>,
};

/// The twin of `shaders/plasticity/eligibility.wgsl`; one unit.
pub struct EligibilityTwin;

impl Twin for EligibilityTwin {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = EligibilityParams::<F>::of(call.params);
        let [concentration, rate] = Call::take(call.args);
        let rate = rate.reals_mut();
        let now = call.clock.step + u64::from(call.span.t0);
        let phase = F::of((now % u64::from(p.epoch)) as f64);
        let excess = concentration.reals()[p.modulator as usize] - p.rest;
        let begins = now.is_multiple_of(p.every.into());
        let before = if begins { F::zero() } else { rate[INTEGRAL] };
        rate[INTEGRAL] = before + (-phase * p.per_tau).exp() * (p.by_rest + p.by_excess * excess);
        rate[GROWTH] = ((phase + F::one()) * p.per_tau).exp();
    }
}
