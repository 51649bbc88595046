//! Weights scaled by in-degree and out-degree, in units of the projection.

use super::{Setting, Synapse, Weigh};
use crate::declare;
use crate::grammar::Judge;

declare! {
    /// Uniform within `gain sqrt(6 / (in-degree + out-degree))` units, which are those of `Kaiming`, to either
    /// side of 0 (Glorot & Bengio 2010).
    #[derive(Copy)]
    pub struct Xavier: Word {
        /// Factor on the bound.
        gain: f64 [Positive] = 1.0;
    }
}

impl Weigh for Xavier {
    fn check(&self, path: &str, setting: Setting, judge: &mut dyn Judge) {
        setting.check_scaled(path, "Xavier", judge);
    }
    fn weight(&self, synapse: &Synapse) -> f64 {
        let (entity, draw) = synapse.key;
        let fans = synapse.fans.iter().sum::<usize>().max(1);
        let bound = self.gain * synapse.unit * (6.0 / fans as f64).sqrt();
        bound * (2.0 * synapse.stream.uniform(entity, draw) - 1.0)
    }
}
