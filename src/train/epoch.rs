//! What is told of an epoch, and what rates, pacing and the end of a training follow from.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Results of an epoch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Number, from 1.
    pub epoch: u64,
    /// Mean loss over the training samples, if there is one, while the weights changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// Fraction of training samples classified rightly, while the weights changed, if there are classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_accuracy: Option<f64>,
    /// Mean loss over the validation set after the epoch, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_loss: Option<f64>,
    /// Fraction of validation samples classified rightly after the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_accuracy: Option<f64>,
    /// Mean loss over the test set after the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_loss: Option<f64>,
    /// Fraction of test samples classified rightly after the epoch, if there are classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_accuracy: Option<f64>,
    /// Error after the epoch of the first neurons that are to follow a trace, as the loss has it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<f64>,
    /// Delay of the training samples, and of those for validation, where it grows by epochs \[ms\].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<f64>,
    /// Part of the training samples that was there, where they are shown by their scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Trained numbers after the epoch by name, of the first neurons.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub numbers: BTreeMap<String, Vec<f64>>,
    /// Spikes per sample of each population on the test set.
    pub test_spikes: Vec<f64>,
    /// Training speed.
    pub train_samples_per_s: f64,
    /// Speed on the test set.
    pub test_samples_per_s: f64,
}

impl Epoch {
    /// What is to be as large as possible: accuracy, or where there is none the negative loss, of the validation set or,
    /// where there is none, the test set.
    pub(in crate::train) fn merit(&self) -> f64 {
        let of = |accuracy: Option<f64>, loss: Option<f64>| accuracy.or(loss.map(|loss| -loss));
        of(self.validation_accuracy, self.validation_loss)
            .or(of(self.test_accuracy, self.test_loss))
            .unwrap_or_default()
    }

    /// Whether it is better than another: by more merit, or since it was validated by harder samples.
    pub(in crate::train) fn beats(&self, other: &Self) -> bool {
        let hard = |epoch: &Self| epoch.validation_loss.and(epoch.delay);
        match (hard(self), hard(other)) {
            (Some(own), Some(other)) if own != other => own > other,
            _ => self.merit() > other.merit(),
        }
    }
}
