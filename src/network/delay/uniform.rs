//! Delays from a uniform distribution.

use super::{Lag, Synapse, at_least_a_step};
use crate::declare;
use crate::grammar::{Judge, Ms, Quantity};
use crate::network::bounded::check_ordered;

declare! {
    /// Uniform distribution on `[low, high)`.
    #[derive(Copy)]
    pub struct Uniform: Word {
        /// Lower bound \[ms\].
        low: Quantity<Ms>;
        /// Upper bound \[ms\].
        high: Quantity<Ms>;
    }
}

impl Lag for Uniform {
    fn check(&self, path: &str, dt: f64, judge: &mut dyn Judge) {
        check_ordered(path, self.low.get(), self.high.get(), judge);
        at_least_a_step(&format!("{path}.low"), self.low, dt, judge);
    }
    fn delay(&self, synapse: &Synapse) -> f64 {
        let (target, k) = synapse.key;
        let part = synapse.stream.uniform(target, k);
        self.low.get() + (self.high.get() - self.low.get()) * part
    }
}
