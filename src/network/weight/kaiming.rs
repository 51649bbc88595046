//! Weights scaled by the in-degree (He et al. 2015), in units of the projection.

use super::{Setting, Synapse, Weigh};
use crate::declare;
use crate::grammar::Judge;

declare! {
    /// Normal, mean 0, standard deviation `gain / sqrt(in-degree)` units, where one unit is the
    /// weight with which a single input lifts the target from rest to threshold.
    #[derive(Copy)]
    pub struct Kaiming: Word {
        /// Factor on the standard deviation.
        gain: f64 [Positive] = std::f64::consts::SQRT_2;
    }
}

impl Weigh for Kaiming {
    fn check(&self, path: &str, setting: Setting, judge: &mut dyn Judge) {
        setting.check_scaled(path, "Kaiming", judge);
    }
    fn weight(&self, synapse: &Synapse) -> f64 {
        let (entity, draw) = synapse.key;
        let fan_in = synapse.fans[0].max(1) as f64;
        self.gain * synapse.unit / fan_in.sqrt() * synapse.stream.normal(entity, draw)
    }
}
