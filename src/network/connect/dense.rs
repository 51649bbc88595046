//! All pairs: a matrix, unless synapses have delays of their own.

use super::{Lists, NetworkError, Pairs, Wire};
use crate::declare;

declare! {
    /// Every pair.
    pub struct Dense;
}

impl Wire for Dense {
    fn expected(&self, [sources, targets]: [f64; 2]) -> Option<f64> {
        Some(sources * targets)
    }
    fn draw(&self, pairs: &Pairs) -> Result<Lists, NetworkError> {
        pairs.lists(pairs.targets, |_, list| list.extend(0..pairs.sources as u32))
    }
}
