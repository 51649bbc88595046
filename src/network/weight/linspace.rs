//! Weights along a line.

use super::{Setting, Synapse, Weigh};
use crate::declare;
use crate::grammar::{Judge, Quantity, Strength};
use crate::network::bounded::evenly;

declare! {
    /// Evenly spaced from the first synapse to the last, in the order of `weights.safetensors`.
    #[derive(Copy)]
    pub struct Linspace: Word {
        /// Weight of the first in the unit of the receptor.
        from: Quantity<Strength>;
        /// Weight of the last in the unit of the receptor.
        to: Quantity<Strength>;
    }
}

impl Weigh for Linspace {
    fn check(&self, path: &str, setting: Setting, judge: &mut dyn Judge) {
        setting.entry.check_sign(path, self.from.get().min(self.to.get()), judge);
    }
    fn range(&self) -> Option<(f64, f64)> {
        let (from, to) = (self.from.get(), self.to.get());
        Some((from.min(to), from.max(to)))
    }
    fn count(&self, synapses: usize) -> Option<usize> {
        (synapses < 2).then_some(2)
    }
    fn weight(&self, synapse: &Synapse) -> f64 {
        let (place, count) = synapse.place;
        evenly((self.from.get(), self.to.get()), place, count)
    }
}
