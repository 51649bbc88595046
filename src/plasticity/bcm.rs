//! The rule of a sliding threshold, the square of the target's mean rate (Bienenstock, Cooper & Munro 1982):
//! `dw/dt = eta r_i r_j (r_j - m_j^2 / rho) / rho`, eta a change per second and Hz².

use super::Rates;
use super::rates::{OfRates, RateRule, RatesParams, interval, kernel};
use crate::declare;
use crate::grammar::{Hz, Ms, Quantity, Strength};
use crate::kernel::{Kernel, Real};

declare! {
    /// Strengthening above a rate of the target that slides with its mean, weakening below: dw/dt = eta r_i r_j
    /// (r_j - m_j² / rho) / rho (Bienenstock, Cooper & Munro 1982).
    pub struct Bcm {
        /// Change of the weight per second and Hz², in its unit.
        eta: f64;
        /// Time constant over which rates are taken \[ms\].
        tau: Quantity<Ms> [Positive] = 100.0;
        /// Time constant over which their means are taken \[ms\].
        tau_mean: Quantity<Ms> [Positive] = 10_000.0;
        /// Rate at which the threshold equals the rate \[Hz\].
        rho: Quantity<Hz> [Positive] = 10.0;
        /// Interval of the changes \[ms\].
        every: Quantity<Ms> [Interval] = 10.0;
        /// Least weight.
        w_min: Quantity<Strength> = 0.0;
        /// Largest weight.
        w_max: Quantity<Strength>;
    }
}

impl OfRates for Bcm {
    fn bounds(&self) -> [f64; 2] {
        [self.w_min.get(), self.w_max.get()]
    }
    fn rates(&self, sign: f64, dt: f64) -> Rates {
        Rates {
            kernel: &KERNEL,
            tau: [self.tau.get(), self.tau_mean.get()],
            eta: sign * self.eta,
            rho: self.rho.get(),
            unit: 1.0,
            every: interval(self.every, dt),
        }
    }
}

/// Table entry.
pub static KERNEL: Kernel =
    kernel::<Rule>("plasticity/bcm", include_str!("../../shaders/plasticity/bcm.wgsl"));

/// The functions of `shaders/plasticity/bcm.wgsl`.
struct Rule;

impl RateRule for Rule {
    fn of_target<F: Real>(p: &RatesParams<F>, r: F, m: F) -> [F; 2] {
        [p.eta * r * (r - m * m / p.rho) / p.rho, F::zero()]
    }
}
