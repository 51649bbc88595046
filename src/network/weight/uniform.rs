//! Weights from a uniform distribution.

use super::{Setting, Synapse, Weigh};
use crate::declare;
use crate::grammar::{Judge, Quantity, Strength};
use crate::network::bounded::check_ordered;

declare! {
    /// Uniform distribution on `[low, high)`.
    #[derive(Copy)]
    pub struct Uniform: Word {
        /// Lower bound in the unit of the receptor.
        low: Quantity<Strength>;
        /// Upper bound in the unit of the receptor.
        high: Quantity<Strength>;
    }
}

impl Weigh for Uniform {
    fn check(&self, path: &str, setting: Setting, judge: &mut dyn Judge) {
        check_ordered(path, self.low.get(), self.high.get(), judge);
        setting.entry.check_sign(path, self.low.get(), judge);
    }
    fn range(&self) -> Option<(f64, f64)> {
        Some((self.low.get(), self.high.get()))
    }
    fn weight(&self, synapse: &Synapse) -> f64 {
        let (entity, draw) = synapse.key;
        let part = synapse.stream.uniform(entity, draw);
        self.low.get() + (self.high.get() - self.low.get()) * part
    }
}
