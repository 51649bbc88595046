//! Weights from a log-normal distribution.

use super::{Setting, Synapse, Weigh};
use crate::declare;
use crate::grammar::{Judge, Quantity, Strength};
use crate::network::bounded::{check_log_normal, logarithmic, normal_within};

declare! {
    /// Distribution whose logarithm is normal.
    #[derive(Copy)]
    pub struct LogNormal: Word {
        /// Mean of the weights themselves in the unit of the receptor.
        mean: Quantity<Strength> [Positive];
        /// Standard deviation of the weights themselves in the unit of the receptor.
        std: Quantity<Strength> [NotNegative];
        /// What is drawn above this is drawn again in the unit of the receptor.
        max: Option<Quantity<Strength>>;
    }
}

impl Weigh for LogNormal {
    fn check(&self, path: &str, setting: Setting, judge: &mut dyn Judge) {
        let high = self.max.map_or(f64::INFINITY, Quantity::get);
        let moments = (self.mean.get(), self.std.get());
        check_log_normal(path, setting.entry.unit, moments, (0.0, high), judge);
    }
    fn range(&self) -> Option<(f64, f64)> {
        Some((0.0, self.max?.get()))
    }
    fn weight(&self, synapse: &Synapse) -> f64 {
        let high = self.max.map_or(f64::INFINITY, |max| max.get().ln());
        let moments = logarithmic(self.mean.get(), self.std.get());
        normal_within(&synapse.stream, synapse.key, moments, (f64::NEG_INFINITY, high)).exp()
    }
}
