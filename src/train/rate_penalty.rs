//! Penalty on rates outside of a range, added to the loss of each sample.
//!
//! ```text
//!   penalty = strength · mean over neurons of  max(0, low - r)^2 + max(0, r - high)^2          r = count / T
//!   r_bar   = 2 strength / (N samples) · (r - the nearer bound), 0 within the range
//! ```

use crate::grammar::{Hz, Quantity};
use crate::kernel::*;
use crate::{declare, params};

declare! {
    /// A penalty on the mean rates of neurons that lie outside of a range.
    pub struct RatePenalty {
        /// Whose.
        population: String;
        /// Rate below which it grows \[Hz\].
        low: Option<Quantity<Hz>> [NotNegative];
        /// Rate above which it grows \[Hz\].
        high: Option<Quantity<Hz>> [NotNegative];
        /// Factor on the mean squared distance from the range \[1/Hz²\].
        strength: f64 [Positive];
    }
}

params! {
    /// `Params` of `shaders/train/rate_penalty.wgsl`.
    pub struct RatePenaltyParams {
        /// Neurons.
        n: word,
        /// Batches whose losses are kept until the host asks.
        slots: word,
        /// Lower bound \[Hz\].
        low: real,
        /// Upper bound \[Hz\].
        high: real,
        /// Factor on the mean of the squares.
        strength: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/rate_penalty",
    wgsl: include_str!("../../shaders/train/rate_penalty.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals("rates"),        // [samples, n]
        reals_mut("gradient"), // [samples, n]
        reals_mut("losses"),   // [samples, slots]
    ],
    layouts: &[],
    params: RatePenaltyParams::<f32>::FIELDS,
    twin32: dispatched::<Penalty, f32>,
    twin64: scalar::<Penalty, f64>,
};

/// The twin of `shaders/train/rate_penalty.wgsl`; units are samples.
pub struct Penalty;

impl Twin for Penalty {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = RatePenaltyParams::<F>::of(call.params);
        let [rates, gradient, losses] = Call::take(call.args);
        let (rates, gradient, losses) = (rates.reals(), gradient.reals_mut(), losses.reals_mut());
        let n = p.n as usize;
        let share = p.strength / F::of(n as f64);
        let by_rate = F::of(2.0) * share / F::of(f64::from(call.clock.samples));
        for b in 0..call.units.len() {
            let mut sum = F::zero();
            let own = rates[b * n..][..n].iter().zip(&mut gradient[b * n..][..n]);
            for (rate, gradient) in own {
                let beyond = *rate - rate.max(p.low).min(p.high);
                sum += beyond * beyond;
                *gradient = by_rate * beyond;
            }
            losses[b * p.slots as usize + call.clock.slot as usize] += share * sum;
        }
    }
}
