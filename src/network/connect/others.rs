//! All pairs but those of a neuron with itself.

use super::{Lists, NetworkError, Pairs, Setting, Wire};
use crate::declare;
use crate::grammar::Judge;

declare! {
    /// Every pair but source k and target k, in populations of the same size: lateral inhibition.
    pub struct Others;
}

impl Wire for Others {
    fn check(&self, path: &str, setting: Setting, judge: &mut dyn Judge) {
        setting.same_size(path, judge);
    }
    fn expected(&self, [sources, targets]: [f64; 2]) -> Option<f64> {
        Some(sources * targets - targets)
    }
    fn draw(&self, pairs: &Pairs) -> Result<Lists, NetworkError> {
        pairs.lists(pairs.targets, |target, list| {
            list.extend((0..pairs.sources as u32).filter(|source| u64::from(*source) != target));
        })
    }
}
