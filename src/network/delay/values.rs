//! Delays one by one.

use super::{Lag, Synapse, at_least_a_step};
use crate::declare;
use crate::grammar::{Judge, Ms, Quantity};
use crate::input::trains::moved_to;

declare! {
    /// One for each synapse, in the order of `weights.safetensors`; so is a bare list.
    pub struct Values(Vec<Quantity<Ms>>);
}

impl Lag for Values {
    fn check(&self, path: &str, dt: f64, judge: &mut dyn Judge) {
        let mut told = false;
        for (k, delay) in self.0.iter().enumerate() {
            let path = format!("{path}.{k}");
            if !at_least_a_step(&path, *delay, dt, judge) {
                continue;
            }
            // Of several that are no whole steps the first is named.
            if let Some(message) = moved_to(delay.get(), dt).filter(|_| !told) {
                judge.warn(path, message);
                told = true;
            }
        }
    }
    fn count(&self, _: usize) -> Option<usize> {
        Some(self.0.len())
    }
    fn delay(&self, synapse: &Synapse) -> f64 {
        self.0[synapse.place.0].get()
    }
}
