//! Hebb's rule with a decay (Oja 1982): `dw/dt = eta (r_i r_j - r_j^2 w / unit)`, eta a change per second and Hz².

use super::Rates;
use super::rates::{OfRates, RateRule, RatesParams, interval, kernel};
use crate::declare;
use crate::grammar::{Ms, Quantity, Strength};
use crate::kernel::{Kernel, Real};

declare! {
    /// Hebb's rule with a decay that keeps the weights of a target finite: dw/dt = eta (r_i r_j - r_j² w / unit)
    /// (Oja 1982).
    pub struct Oja {
        /// Change of the weight per second and Hz², in its unit.
        eta: f64;
        /// Time constant over which rates are taken \[ms\].
        tau: Quantity<Ms> [Positive] = 100.0;
        /// Weight of 1 in the rule's decay; `w_max - w_min` if absent.
        unit: Option<Quantity<Strength>> [Positive];
        /// Interval of the changes \[ms\].
        every: Quantity<Ms> [Interval] = 10.0;
        /// Least weight.
        w_min: Quantity<Strength> = 0.0;
        /// Largest weight.
        w_max: Quantity<Strength>;
    }
}

impl OfRates for Oja {
    fn bounds(&self) -> [f64; 2] {
        [self.w_min.get(), self.w_max.get()]
    }
    fn rates(&self, sign: f64, dt: f64) -> Rates {
        let width = self.w_max.get() - self.w_min.get();
        Rates {
            kernel: &KERNEL,
            tau: [self.tau.get(), self.tau.get()],
            eta: sign * self.eta,
            rho: 1.0,
            unit: sign * self.unit.map_or(width, Quantity::get),
            every: interval(self.every, dt),
        }
    }
}

/// Table entry.
pub static KERNEL: Kernel =
    kernel::<Rule>("plasticity/oja", include_str!("../../shaders/plasticity/oja.wgsl"));

/// The functions of `shaders/plasticity/oja.wgsl`.
struct Rule;

impl RateRule for Rule {
    fn of_target<F: Real>(p: &RatesParams<F>, r: F, _m: F) -> [F; 2] {
        [p.eta * r, p.eta * r * r / p.unit]
    }
}
