//! Hebb's rule of rates: `dw/dt = eta r_i r_j`, eta a change per second and Hz².

use super::Rates;
use super::rates::{OfRates, RateRule, RatesParams, interval, kernel};
use crate::declare;
use crate::grammar::{Ms, Quantity, Strength};
use crate::kernel::{Kernel, Real};

declare! {
    /// Rates that go together strengthen: dw/dt = eta r_i r_j, rates in Hz.
    pub struct Hebb {
        /// Change of the weight per second and Hz², in its unit.
        eta: f64;
        /// Time constant over which rates are taken \[ms\].
        tau: Quantity<Ms> [Positive] = 100.0;
        /// Interval of the changes \[ms\].
        every: Quantity<Ms> [Interval] = 10.0;
        /// Least weight.
        w_min: Quantity<Strength> = 0.0;
        /// Largest weight.
        w_max: Quantity<Strength>;
    }
}

impl OfRates for Hebb {
    fn bounds(&self) -> [f64; 2] {
        [self.w_min.get(), self.w_max.get()]
    }
    fn rates(&self, sign: f64, dt: f64) -> Rates {
        Rates {
            kernel: &KERNEL,
            tau: [self.tau.get(), self.tau.get()],
            eta: sign * self.eta,
            rho: 1.0,
            unit: 1.0,
            every: interval(self.every, dt),
        }
    }
}

/// Table entry.
pub static KERNEL: Kernel =
    kernel::<Rule>("plasticity/hebb", include_str!("../../shaders/plasticity/hebb.wgsl"));

/// The functions of `shaders/plasticity/hebb.wgsl`.
struct Rule;

impl RateRule for Rule {
    fn of_target<F: Real>(p: &RatesParams<F>, r: F, _m: F) -> [F; 2] {
        [p.eta * r, F::zero()]
    }
}
