//! So many targets of each source, drawn by source and turned around.

use super::{Lists, NetworkError, Pairs, Setting, Wire, check_degree, partners};
use crate::declare;
use crate::grammar::Judge;

declare! {
    /// Each source draws `k` targets.
    #[derive(Copy)]
    pub struct FixedOutDegree: Word {
        /// Outgoing synapses of each source.
        k | "outdegree": u64;
        /// Whether a neuron may connect to itself.
        autapses | "allow_autapses": bool = true;
        /// Whether a pair may be connected more than once.
        multapses | "allow_multapses": bool = true;
    }
}

impl Wire for FixedOutDegree {
    fn check(&self, path: &str, setting: Setting, judge: &mut dyn Judge) {
        let (path, choices) = (format!("{path}.k"), setting.targets(self.autapses));
        check_degree(&path, self.k, choices, self.multapses, ["source", "targets"], judge);
    }
    fn expected(&self, [sources, _]: [f64; 2]) -> Option<f64> {
        Some(self.k as f64 * sources)
    }
    fn draw(&self, pairs: &Pairs) -> Result<Lists, NetworkError> {
        let outgoing = pairs.lists(pairs.sources, |source, list| {
            let skip = pairs.skip(self.autapses, source);
            partners(&pairs.stream, source, pairs.targets, self.k, self.multapses, skip, list);
        })?;
        Ok(outgoing.transposed(pairs.targets as usize))
    }
}
