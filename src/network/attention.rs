//! Temporal attention of a projection: see [`crate::synapse::attention_scores`].

use super::NetworkError;
use super::initial::Initial;
use crate::rng::{Purpose, Stream};
use crate::scene::{Projection, Squeeze};

/// Weights of the scores that a projection gives to frames.
#[derive(Debug, Clone)]
pub struct Attention {
    /// Where they begin: W1 by hidden unit and frame, and behind it W2 by frame and hidden unit.
    pub start: Vec<f64>,
    /// Units between W1 and W2.
    pub hidden: usize,
    /// What of the activity in a frame counts.
    pub squeeze: Squeeze,
    /// Whether they stay as they begin.
    pub frozen: bool,
}

impl Attention {
    /// That of a projection which is to have it, of samples with so many frames; learned by an earlier run if that has some
    /// and it is not to be drawn anew. `key` is the seed and the number of the projection.
    ///
    /// # Errors
    /// What is read breaks a rule.
    pub(super) fn new(
        projection: &Projection,
        frames: u64,
        (seed, index): (u64, u32),
        [frozen, anew]: [bool; 2],
        initial: Option<&mut Initial>,
    ) -> Result<Option<Self>, NetworkError> {
        let Some(attention) = projection.attention else { return Ok(None) };
        let hidden = attention.hidden(frames) as usize;
        let len = 2 * hidden * frames as usize;
        let known = match initial {
            Some(initial) => initial.attention(&projection.name(), len, anew)?,
            None => None,
        };
        let drawn = || {
            let stream = Stream::new(seed, Purpose::Attention, index);
            // Activities are hardly ever below 0: a unit whose weights of them sum to less would be silent for all samples,
            // and learn nothing. So W1 begins above 0.
            let weight = |k: usize| match (stream.uniform(k as u64, 0), k < len / 2) {
                (x, true) => x / (frames as f64).sqrt(),
                (x, false) => (2.0 * x - 1.0) / (hidden as f64).sqrt(),
            };
            (0..len).map(weight).collect()
        };
        let start = known.unwrap_or_else(drawn);
        Ok(Some(Self { start, hidden, squeeze: attention.squeeze, frozen }))
    }
}
