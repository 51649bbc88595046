//! Rules of temporal attention.

use super::*;
use crate::scene::{Attention, Gradient};

impl<'s> Checker<'s> {
    /// What a projection with attention needs, and what it does not go with.
    pub(super) fn attention(&mut self, path: &str, projection: &'s Projection) {
        let Some(Attention { reduction, .. }) = projection.attention else { return };
        let path = format!("{path}.attention");
        let Some(training) = self.scene.training.as_ref().filter(|_| self.has_gradients()) else {
            let message = "attention is learned in a training by gradients, which this is not";
            self.fault_with_help(path, message, "leave it out");
            return;
        };
        let frames = self.scene.frames();
        if frames < 2 {
            let message = "attention weighs frames, and samples are shown as one";
            let help = "give `frames` of the population of `Images`, or leave it out";
            self.fault_with_help(&path, message, help);
        } else if reduction > frames {
            let message = format!("{reduction} is more than the {frames} frames of a sample");
            self.fault_with_help(format!("{path}.reduction"), message, "lower it");
        }
        if self.leads_back(projection) {
            let message = format!(
                "`{}` gets back what `{}` sends, and a score depends on frames that are still to come",
                projection.from, projection.to
            );
            let help = "give it to projections that lead into the cycle or out of it";
            self.fault_with_help(&path, message, help);
        }
        let (what, help) = if training.learn != Gradient::Backprop {
            ("this way to find gradients", "use `learn: Backprop` in `training`, or leave it out")
        } else if training.meta.is_some() {
            ("a training by tasks", "leave it out")
        } else if projection.learn.as_ref().and_then(Learn::common).is_some() {
            ("a rule of plasticity", "use `Backprop` or `Fixed`")
        } else if matches!(projection.delay, Some(Delay::Learn { .. })) {
            ("learned delays", "give the delay")
        } else if projection.short_term.is_some() {
            ("short-term plasticity of the same projection", "leave one of them out")
        } else if projection.dropout > 0.0 {
            ("`dropout` of the same projection", "leave one of them out")
        } else {
            return;
        };
        self.fault_with_help(path, format!("attention does not go with {what}"), help);
    }
}
