//! Weights one by one.

use super::{Setting, Synapse, Weigh};
use crate::declare;
use crate::grammar::{Judge, Quantity, Strength};

declare! {
    /// One for each synapse, in the order of `weights.safetensors`; so is a bare list.
    pub struct Values(Vec<Quantity<Strength>>);
}

impl Weigh for Values {
    fn check(&self, path: &str, setting: Setting, judge: &mut dyn Judge) {
        for (k, weight) in self.0.iter().enumerate() {
            setting.entry.check_sign(&format!("{path}.{k}"), weight.get(), judge);
        }
    }
    fn range(&self) -> Option<(f64, f64)> {
        let all = self.0.iter().map(|value| (value.get(), value.get()));
        all.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }
    fn count(&self, _: usize) -> Option<usize> {
        Some(self.0.len())
    }
    fn weight(&self, synapse: &Synapse) -> f64 {
        self.0[synapse.place.0].get()
    }
}
