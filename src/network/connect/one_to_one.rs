//! Each source with the target of its number.

use super::{Lists, NetworkError, Pairs, Setting, Wire};
use crate::declare;
use crate::grammar::Judge;

declare! {
    /// Source k with target k, in populations of the same size.
    pub struct OneToOne;
}

impl Wire for OneToOne {
    fn check(&self, path: &str, setting: Setting, judge: &mut dyn Judge) {
        setting.same_size(path, judge);
    }
    fn expected(&self, [_, targets]: [f64; 2]) -> Option<f64> {
        Some(targets)
    }
    fn draw(&self, pairs: &Pairs) -> Result<Lists, NetworkError> {
        pairs.lists(pairs.targets, |target, list| list.push(target as u32))
    }
}
