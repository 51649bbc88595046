//! Scaling of all weights of a target towards a rate of it (van Rossum, Bi & Turrigiano 2000): `dw/dt = eta (rho - m_j) w`,
//! eta a relative change per second and Hz. It goes beside the rule of a projection.

use super::Rates;
use super::rates::{RateRule, RatesParams, interval, kernel};
use crate::declare;
use crate::grammar::{Hz, Ms, Quantity};
use crate::kernel::{Kernel, Real};

declare! {
    /// Scaling of the weights of each target towards a rate of it, beside the rule of the projection: dw/dt = eta
    /// (rho - m_j) w; of inhibition with a negative eta (van Rossum, Bi & Turrigiano 2000).
    #[derive(Copy)]
    pub struct Scaling {
        /// The rate \[Hz\].
        rho: Quantity<Hz> [NotNegative];
        /// Relative change of a weight per second and Hz.
        eta: f64;
        /// Time constant over which the rate is taken \[ms\].
        tau_mean: Quantity<Ms> [Positive] = 10_000.0;
        /// Interval of the changes \[ms\].
        every: Quantity<Ms> [Interval] = 10.0;
    }
}

impl Scaling {
    /// The rule, in steps of `dt` \[ms\].
    pub fn rates(&self, dt: f64) -> Rates {
        let tau = self.tau_mean.get();
        let every = interval(self.every, dt);
        Rates {
            kernel: &KERNEL,
            tau: [tau; 2],
            eta: self.eta,
            rho: self.rho.get(),
            unit: 1.0,
            every,
        }
    }
}

/// Table entry.
pub static KERNEL: Kernel =
    kernel::<Rule>("plasticity/scaling", include_str!("../../shaders/plasticity/scaling.wgsl"));

/// The functions of `shaders/plasticity/scaling.wgsl`.
struct Rule;

impl RateRule for Rule {
    fn of_target<F: Real>(p: &RatesParams<F>, _r: F, m: F) -> [F; 2] {
        [F::zero(), p.eta * (m - p.rho)]
    }
}
