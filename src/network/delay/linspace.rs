//! Delays along a line.

use super::{Lag, Synapse, at_least_a_step};
use crate::declare;
use crate::grammar::{Judge, Ms, Quantity};
use crate::network::bounded::evenly;

declare! {
    /// Evenly spaced from the first synapse to the last, in the order of `weights.safetensors`.
    #[derive(Copy)]
    pub struct Linspace: Word {
        /// Delay of the first \[ms\].
        from: Quantity<Ms>;
        /// Delay of the last \[ms\].
        to: Quantity<Ms>;
    }
}

impl Lag for Linspace {
    fn check(&self, path: &str, dt: f64, judge: &mut dyn Judge) {
        at_least_a_step(&format!("{path}.from"), self.from, dt, judge);
        at_least_a_step(&format!("{path}.to"), self.to, dt, judge);
    }
    fn count(&self, synapses: usize) -> Option<usize> {
        (synapses < 2).then_some(2)
    }
    fn delay(&self, synapse: &Synapse) -> f64 {
        let (place, count) = synapse.place;
        evenly((self.from.get(), self.to.get()), place, count)
    }
}
