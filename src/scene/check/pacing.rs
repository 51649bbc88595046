//! Rules of trainings that become harder in their course.

use super::*;
use crate::data::delayed_recall::FRAME;
use crate::scene::{Growth, Order, Pacing, RampOrder};

impl Checker<'_> {
    /// Whether the parameter of a task grows, and up to the full task.
    pub(super) fn paced(&mut self, training: &Training) {
        let Some(Data::DelayedRecall { delay, pacing, .. }) = training.data else { return };
        let path = "training.data.pacing";
        self.whole_frames("training.data.delay", FRAME, delay);
        let (Pacing::Ramp { from, growth, .. } | Pacing::Gated { from, growth, .. }) = pacing
        else {
            return;
        };
        self.whole_frames(&format!("{path}.from"), FRAME, from);
        if from.get() > delay.get() {
            let message = format!("{} ms is above the full delay, {} ms", from.get(), delay.get());
            let help = "let it rise: give a shorter one, or raise `delay`";
            self.fault_with_help(format!("{path}.from"), message, help);
        }
        let path_of_growth = format!("{path}.growth");
        match pacing {
            Pacing::Ramp { order, .. } => {
                if growth == Growth::Step(0) {
                    let help = "say in how many steps the full delay is reached";
                    let message = "in no steps the full delay is never reached";
                    self.fault_with_help(path_of_growth, message, help);
                }
                if order != RampOrder::Shuffled && training.order != Order::Given {
                    let message = "samples are shuffled, so that no delay comes before another";
                    let help = "write `order: Given` in `training`, or let `order` of the ramp be `Shuffled`";
                    self.fault_with_help(path, message, help);
                }
            }
            Pacing::Gated { steps, metric, .. } => {
                if matches!(growth, Growth::Step(_)) {
                    let message = "how many steps there are says `steps`";
                    self.fault_with_help(path_of_growth, message, "write `Linear` or `Exp`");
                }
                if ![Metric::TrainAccuracy, Metric::ValidationAccuracy].contains(&metric) {
                    let message = format!("delays do not grow by `{}`", metric.name());
                    let help = "give \"train_accuracy\" or \"validation_accuracy\"";
                    self.fault_with_help(format!("{path}.metric"), message, help);
                }
                if steps >= training.epochs {
                    let message = format!(
                        "{steps} steps take as many epochs, and the next would be the first with the full delay: of {} \
                         epochs none reaches it",
                        training.epochs
                    );
                    let help = "give fewer steps, or more `epochs`, each of fewer samples";
                    self.fault_with_help(format!("{path}.steps"), message, help);
                }
                if !training.loss.is_gradient() {
                    let message = "`Assignment` shows samples of one delay";
                    self.fault_with_help(path, message, "leave `pacing` out");
                }
            }
            Pacing::Constant => {}
        }
    }

    /// Whether samples may be shown by scores, and are at last all there.
    pub(super) fn scored(&mut self, training: &Training) {
        let of_samples =
            training.loss.is_gradient() && training.data.is_some() && training.meta.is_none();
        // What else a trace has no use for is told with it.
        let follows = training.loss.watched().is_some();
        if training.scores && (!of_samples || follows) {
            let message = "scores are of samples of a training by gradients, which this is not";
            self.fault_with_help("training.scores", message, "leave it out");
        }
        let Order::Scored { from, until, growth, .. } = training.order else { return };
        let path = "training.order";
        if !of_samples && !follows {
            let message = "only samples of a training by gradients are shown by their scores";
            self.fault_with_help(path, message, "leave it out");
        }
        if from == 0.0 {
            let message = "in the first epoch no sample would be there";
            self.fault_with_help(format!("{path}.from"), message, "give a part above 0");
        }
        if growth == Growth::Step(0) {
            let help = "say in how many steps all samples are there";
            let message = "in no steps all samples are never there";
            self.fault_with_help(format!("{path}.growth"), message, help);
        }
        let paced = (until * training.epochs as f64).round();
        if from < 1.0 && paced < 2.0 {
            let message = format!(
                "with the part {until} of the epochs, {}, all samples are there from the first one on",
                training.epochs
            );
            let help = "give a larger part, or more `epochs`, each of fewer samples";
            self.fault_with_help(format!("{path}.until"), message, help);
        }
    }
}
