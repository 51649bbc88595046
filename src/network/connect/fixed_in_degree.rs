//! So many sources of each target.

use super::{Lists, NetworkError, Pairs, Setting, Wire, check_degree, partners};
use crate::declare;
use crate::grammar::Judge;

declare! {
    /// Each target draws `k` sources.
    #[derive(Copy)]
    pub struct FixedInDegree: Word {
        /// Incoming synapses of each target.
        k | "indegree": u64;
        /// Whether a neuron may connect to itself.
        autapses | "allow_autapses": bool = true;
        /// Whether a pair may be connected more than once.
        multapses | "allow_multapses": bool = true;
    }
}

impl Wire for FixedInDegree {
    fn check(&self, path: &str, setting: Setting, judge: &mut dyn Judge) {
        let (path, choices) = (format!("{path}.k"), setting.sources(self.autapses));
        check_degree(&path, self.k, choices, self.multapses, ["target", "sources"], judge);
    }
    fn expected(&self, [_, targets]: [f64; 2]) -> Option<f64> {
        Some(self.k as f64 * targets)
    }
    fn draw(&self, pairs: &Pairs) -> Result<Lists, NetworkError> {
        pairs.lists(pairs.targets, |target, list| {
            let skip = pairs.skip(self.autapses, target);
            partners(&pairs.stream, target, pairs.sources, self.k, self.multapses, skip, list);
        })
    }
}
