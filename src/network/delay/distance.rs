//! Delays by how far apart neurons are.

use super::{Lag, Synapse};
use crate::declare;
use crate::grammar::{Ms, Quantity, Velocity};

declare! {
    /// `offset + distance / velocity`.
    #[derive(Copy)]
    pub struct Distance: Word {
        /// Delay at distance 0 \[ms\].
        offset: Quantity<Ms> [NotNegative] = 0.0;
        /// Speed of conduction \[m/s\].
        velocity: Quantity<Velocity> [Positive];
    }
}

impl Lag for Distance {
    fn in_space(&self) -> bool {
        true
    }
    fn delay(&self, synapse: &Synapse) -> f64 {
        // 1 m/s is 1000 µm/ms.
        self.offset.get() + (synapse.distance)() / (1000.0 * self.velocity.get())
    }
}
