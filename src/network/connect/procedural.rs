//! Synapses that are nowhere stored: see [`crate::synapse::procedural`].

use super::{Lists, NetworkError, Pairs, Setting, Wire, check_degree};
use crate::declare;
use crate::grammar::Judge;

declare! {
    /// Each source has `k` targets, drawn with multapses, that are nowhere stored but drawn again at
    /// every spike: a projection of any size without memory. For simulation, with one weight and one
    /// delay.
    #[derive(Copy)]
    pub struct Procedural: Word {
        /// Outgoing synapses of each source.
        k | "outdegree": u64;
        /// Whether a neuron may connect to itself.
        autapses | "allow_autapses": bool = true;
    }
}

impl Wire for Procedural {
    fn check(&self, path: &str, setting: Setting, judge: &mut dyn Judge) {
        let at = format!("{path}.k");
        let choices = setting.targets(self.autapses);
        check_degree(&at, self.k, choices, true, ["source", "targets"], judge);
        if self.k > u64::from(u32::MAX) {
            judge.fault(at, format!("{} is more than {}", self.k, u32::MAX));
        }
        if setting.projection.weight.shared().is_none() {
            let help = "give one weight, or store the synapses: FixedOutDegree";
            judge.fault_with_help(path, "procedural synapses share one weight", help);
        }
        if !setting.projection.has_one_delay() {
            let help = "give one delay, or store the synapses: FixedOutDegree";
            judge.fault_with_help(path, "procedural synapses share one delay", help);
        }
        if setting.gradients {
            judge.fault_with_help(path, "a training stores its synapses", "use FixedOutDegree");
        }
    }
    fn expected(&self, _: [f64; 2]) -> Option<f64> {
        // They take no memory.
        Some(0.0)
    }
    fn draw(&self, _: &Pairs) -> Result<Lists, NetworkError> {
        unreachable!("these are not drawn beforehand")
    }
}
