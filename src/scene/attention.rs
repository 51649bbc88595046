//! Words of a scene for temporal attention: see [`crate::synapse::attention_scores`].

use super::{Images, Model, Scene};
use crate::declare;

declare! {
    /// Temporal attention: what a projection delivers in each frame of a sample is multiplied by a score between 0 and 1,
    /// which follows from how active its source is in all of them: sigmoid(W2 relu(W1 m) + W2 relu(W1 x)), with m the mean
    /// and x the largest activity (Yao et al. 2021, TA-SNN). The activity of a source in a frame is its value, or the number
    /// of its spikes. W1 and W2 are learned with the weights. With k numbers that go in, W2 begins between -1 / sqrt(k) and
    /// 1 / sqrt(k), and W1 above 0, so that at first nothing is cut off.
    #[derive(Copy)]
    pub struct Attention {
        /// Frames for each of the numbers between W1 and W2, of which there is at least one.
        reduction | "r": u64 [Count] = 2u64;
        /// What of the activity in a frame counts.
        squeeze: Squeeze = Squeeze::Both;
    }
}

declare! {
    /// How the activity of all neurons of a source becomes a number.
    #[derive(Copy, Eq)]
    pub enum Squeeze {
        /// The mean and the largest, by the same weights.
        Both;
        /// The mean.
        Mean;
        /// The largest.
        Max;
    }
}

impl Squeeze {
    /// A bit for each number that counts: the mean, and the largest.
    pub fn bits(self) -> u32 {
        match self {
            Self::Both => 3,
            Self::Mean => 1,
            Self::Max => 2,
        }
    }
}

impl Attention {
    /// Numbers between W1 and W2, of samples with so many frames.
    pub fn hidden(&self, frames: u64) -> u64 {
        (frames / self.reduction).max(1)
    }
}

impl Scene {
    /// Frames of a sample, as the population that shows all of it has them; 1 if there is none.
    pub fn frames(&self) -> u64 {
        let shows = |model: &Model| match model {
            Model::Images(Images { part: None, frames, .. }) => Some(*frames),
            _ => None,
        };
        self.populations.iter().find_map(|(_, population)| shows(&population.model)).unwrap_or(1)
    }
}
