//! Weights from a normal distribution.

use super::{Setting, Synapse, Weigh};
use crate::declare;
use crate::grammar::{Judge, Quantity, Strength};
use crate::network::bounded::{check_normal, normal_within};

declare! {
    /// Normal distribution.
    #[derive(Copy)]
    pub struct Normal: Word {
        /// Mean in the unit of the receptor.
        mean: Quantity<Strength>;
        /// Standard deviation in the unit of the receptor.
        std: Quantity<Strength> [NotNegative];
        /// What is drawn below this is drawn again in the unit of the receptor.
        min: Option<Quantity<Strength>>;
        /// What is drawn above this is drawn again in the unit of the receptor.
        max: Option<Quantity<Strength>>;
    }
}

impl Weigh for Normal {
    fn check(&self, path: &str, Setting { entry, .. }: Setting, judge: &mut dyn Judge) {
        let least = self.min.unwrap_or(self.mean);
        if !entry.check_sign(path, self.mean.get().min(least.get()), judge) {
            return;
        }
        let lowest = if entry.conductance.is_some() { 0.0 } else { f64::NEG_INFINITY };
        let low = self.min.map_or(lowest, Quantity::get);
        let high = self.max.map_or(f64::INFINITY, Quantity::get);
        let moments = (self.mean.get(), self.std.get());
        check_normal(path, entry.unit, moments, (low, high), judge);
    }
    fn range(&self) -> Option<(f64, f64)> {
        Some((self.min?.get(), self.max?.get()))
    }
    fn weight(&self, synapse: &Synapse) -> f64 {
        let low = self.min.map_or(synapse.least, Quantity::get);
        let high = self.max.map_or(f64::INFINITY, Quantity::get);
        let moments = (self.mean.get(), self.std.get());
        normal_within(&synapse.stream, synapse.key, moments, (low, high))
    }
}
