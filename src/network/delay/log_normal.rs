//! Delays from a log-normal distribution.

use super::{Lag, Synapse};
use crate::declare;
use crate::grammar::{Judge, Ms, Quantity};
use crate::network::bounded::{check_log_normal, logarithmic, normal_within};

declare! {
    /// Distribution whose logarithm is normal; what lies below one step or outside the bounds is drawn again.
    #[derive(Copy)]
    pub struct LogNormal: Word {
        /// Mean of the delays themselves, before anything is drawn again \[ms\].
        mean: Quantity<Ms> [Positive];
        /// Standard deviation of the delays themselves, likewise \[ms\].
        std: Quantity<Ms> [NotNegative];
        /// Lower bound \[ms\]; one step if absent.
        min: Option<Quantity<Ms>>;
        /// Upper bound \[ms\]; none if absent.
        max: Option<Quantity<Ms>>;
    }
}

impl LogNormal {
    fn bounds(&self, dt: f64) -> (f64, f64) {
        let low = self.min.map_or(dt, |min| min.get().max(dt));
        (low, self.max.map_or(f64::INFINITY, Quantity::get))
    }
}

impl Lag for LogNormal {
    fn check(&self, path: &str, dt: f64, judge: &mut dyn Judge) {
        check_log_normal(path, "ms", (self.mean.get(), self.std.get()), self.bounds(dt), judge);
    }
    fn delay(&self, synapse: &Synapse) -> f64 {
        let (low, high) = self.bounds(synapse.dt);
        let moments = logarithmic(self.mean.get(), self.std.get());
        normal_within(&synapse.stream, synapse.key, moments, (low.ln(), high.ln())).exp()
    }
}
