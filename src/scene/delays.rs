//! What has a learned delay of its own.

use crate::declare;

declare! {
    /// What has a learned delay of its own.
    #[derive(Copy)]
    pub enum Per {
        /// Each source: a spike arrives at all targets at the same time.
        Source | "Axon";
        /// Each synapse, of a `Dense` projection; in `weights.safetensors` in the order of the weights. A delay for each
        /// costs as many numbers as there are weights, times the steps of the kernel: two for `Linear`, those up to `max`
        /// for `Gauss`.
        Synapse;
    }
}

impl Per {
    /// How many delays there are of so many sources and targets.
    pub fn count(self, [sources, targets]: [usize; 2]) -> usize {
        match self {
            Self::Source => sources,
            Self::Synapse => sources.saturating_mul(targets),
        }
    }

    /// What there are as many of, to tell.
    pub fn named(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Synapse => "synapse",
        }
    }
}
