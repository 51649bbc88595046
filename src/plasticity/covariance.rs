//! The product of deviations of rates (Sejnowski 1977): `dw/dt = eta (r_i - m_i) (r_j - m_j)`, eta a change per second
//! and Hz².

use super::Rates;
use super::rates::{OfRates, RateRule, RatesParams, interval, kernel};
use crate::declare;
use crate::grammar::{Ms, Quantity, Strength};
use crate::kernel::{Kernel, Real};

declare! {
    /// Deviations of rates from their means that go together strengthen: dw/dt = eta (r_i - m_i) (r_j - m_j)
    /// (Sejnowski 1977).
    pub struct Covariance {
        /// Change of the weight per second and Hz², in its unit.
        eta: f64;
        /// Time constant over which rates are taken \[ms\].
        tau: Quantity<Ms> [Positive] = 100.0;
        /// Time constant over which their means are taken \[ms\].
        tau_mean: Quantity<Ms> [Positive] = 10_000.0;
        /// Interval of the changes \[ms\].
        every: Quantity<Ms> [Interval] = 10.0;
        /// Least weight.
        w_min: Quantity<Strength> = 0.0;
        /// Largest weight.
        w_max: Quantity<Strength>;
    }
}

impl OfRates for Covariance {
    fn bounds(&self) -> [f64; 2] {
        [self.w_min.get(), self.w_max.get()]
    }
    fn rates(&self, sign: f64, dt: f64) -> Rates {
        Rates {
            kernel: &KERNEL,
            tau: [self.tau.get(), self.tau_mean.get()],
            eta: sign * self.eta,
            rho: 1.0,
            unit: 1.0,
            every: interval(self.every, dt),
        }
    }
}

/// Table entry.
pub static KERNEL: Kernel = kernel::<Rule>(
    "plasticity/covariance",
    include_str!("../../shaders/plasticity/covariance.wgsl"),
);

/// The functions of `shaders/plasticity/covariance.wgsl`.
struct Rule;

impl RateRule for Rule {
    fn of_target<F: Real>(p: &RatesParams<F>, r: F, m: F) -> [F; 2] {
        [p.eta * (r - m), F::zero()]
    }
    fn of_source<F: Real>(r: F, m: F) -> F {
        r - m
    }
}
