//! Numbers of epochs that a training goes by, and when it ends before its last epoch.
//!
//! All follows from the list of finished epochs, which a checkpoint has: a run that goes on decides as an unbroken one.

use super::epoch::Epoch;
use crate::declare;
use crate::grammar::{At, Kind, Rule, Value, Visitor};
use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use std::path::PathBuf;

declare! {
    /// When a training ends before its last epoch. A loss becomes better by falling, an accuracy by rising.
    #[derive(Copy)]
    pub struct Stop {
        /// What decides, a number of an epoch as `metrics.jsonl` has it: "loss", "train_accuracy", "validation_loss",
        /// "validation_accuracy", "test_loss" or "test_accuracy".
        metric: Metric;
        /// It ends when the number has not become better for so many epochs.
        patience: Option<u64> [Count];
        /// It ends when the number is below this.
        below: Option<f64>;
        /// It ends when the number is above this.
        above: Option<f64>;
    }
}

impl Stop {
    /// Why a training ends after these epochs, if it does.
    pub fn reason(self, epochs: &[Epoch]) -> Option<String> {
        let name = self.metric.name();
        let last = epochs.last().and_then(|epoch| self.metric.of(epoch))?;
        if let Some(patience) = self.patience
            && self.metric.stalls(epochs, patience) > 0
        {
            let s = if patience == 1 { "" } else { "s" };
            return Some(format!("{name} has not improved for {patience} epoch{s}"));
        }
        let below = self.below.filter(|bound| last < *bound).map(|bound| ("below", bound));
        let above = self.above.filter(|bound| last > *bound).map(|bound| ("above", bound));
        let (side, bound) = below.or(above)?;
        Some(format!("{name} is {last:.4}, {side} {bound}"))
    }
}

/// Declares the numbers by their fields of [`Epoch`], which are their names too.
macro_rules! metrics {
    ($($metric:ident: $field:ident,)*) => {
        /// A number of an epoch.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Metric {
            $(#[doc = concat!("[`Epoch::", stringify!($field), "`].")] $metric,)*
        }

        impl Metric {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$metric),*];
            const NAMES: &'static [&'static str] = &[$(stringify!($field)),*];

            /// Its name.
            pub fn name(self) -> &'static str {
                Self::NAMES[self as usize]
            }

            /// What it is after an epoch, if there is such a number.
            pub fn of(self, epoch: &Epoch) -> Option<f64> {
                match self {
                    $(Self::$metric => epoch.$field,)*
                }
            }
        }
    };
}

metrics! {
    Loss: loss,
    TrainAccuracy: train_accuracy,
    ValidationLoss: validation_loss,
    ValidationAccuracy: validation_accuracy,
    TestLoss: test_loss,
    TestAccuracy: test_accuracy,
}

impl Metric {
    /// Whether it is of classes, and becomes better by rising.
    pub fn is_accuracy(self) -> bool {
        matches!(self, Self::TrainAccuracy | Self::ValidationAccuracy | Self::TestAccuracy)
    }

    /// Whether it is of a validation set.
    pub fn is_of_validation(self) -> bool {
        matches!(self, Self::ValidationLoss | Self::ValidationAccuracy)
    }

    /// How often it did not become better than all before for `patience` epochs on end; after each time it is
    /// counted anew.
    pub fn stalls(self, epochs: &[Epoch], patience: u64) -> u64 {
        let (mut best, mut waited, mut stalls) = (None, 0, 0);
        for number in epochs.iter().filter_map(|epoch| self.of(epoch)) {
            let better = |best: f64| if self.is_accuracy() { number > best } else { number < best };
            if best.is_none_or(better) {
                (best, waited) = (Some(number), 0);
                continue;
            }
            waited += 1;
            if waited == patience {
                (waited, stalls) = (0, stalls + 1);
            }
        }
        stalls
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let found = Self::ALL.iter().copied().find(|metric| metric.name() == name);
        found.ok_or_else(|| de::Error::unknown_variant(&name, Self::NAMES))
    }
}

impl Value for Metric {
    fn kind() -> Kind {
        Kind::Text
    }
    fn visit(&self, _: &At, _: Rule, _: &mut dyn Visitor) {}
    fn files_mut(&mut self, _: &mut dyn FnMut(&mut PathBuf)) {}
}

/// Epochs with these numbers of the validation set, for tests.
#[cfg(test)]
pub(super) fn epochs(losses: &[f64], accuracies: &[f64]) -> Vec<Epoch> {
    let number = |of: &[f64], k: usize| of.get(k).copied();
    let epoch = |k: usize| Epoch {
        epoch: k as u64 + 1,
        validation_loss: number(losses, k),
        validation_accuracy: number(accuracies, k),
        ..Epoch::default()
    };
    (0..losses.len().max(accuracies.len())).map(epoch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many of some epochs a training ends, and why.
    fn end(stop: Stop, epochs: &[Epoch]) -> Option<(usize, String)> {
        (0..=epochs.len()).find_map(|n| Some((n, stop.reason(&epochs[..n])?)))
    }

    #[test]
    fn a_training_ends_when_its_number_stalls_or_crosses_a_bound() {
        let stop = |metric, patience, below, above| Stop { metric, patience, below, above };
        let (loss, accuracy) = (Metric::ValidationLoss, Metric::ValidationAccuracy);
        let run = epochs(&[0.9, 0.5, 0.6, 0.5, 0.4, 0.45], &[0.5, 0.7, 0.8, 0.8, 0.75, 0.9]);
        for (stop, wanted) in [
            // As good as before is no better.
            (
                stop(loss, Some(2), None, None),
                Some((4, "validation_loss has not improved for 2 epochs")),
            ),
            (
                stop(loss, Some(1), None, None),
                Some((3, "validation_loss has not improved for 1 epoch")),
            ),
            (stop(loss, Some(3), None, None), None),
            (
                stop(accuracy, Some(2), None, None),
                Some((5, "validation_accuracy has not improved for 2 epochs")),
            ),
            (stop(accuracy, Some(3), None, None), None),
            (stop(loss, None, Some(0.5), None), Some((5, "validation_loss is 0.4000, below 0.5"))),
            (
                stop(loss, Some(2), Some(0.55), None),
                Some((2, "validation_loss is 0.5000, below 0.55")),
            ),
            (
                stop(accuracy, None, None, Some(0.85)),
                Some((6, "validation_accuracy is 0.9000, above 0.85")),
            ),
            (stop(accuracy, None, Some(0.1), Some(0.9)), None),
            // A number that is not there decides nothing.
            (stop(Metric::TestLoss, Some(1), Some(9.0), None), None),
        ] {
            let wanted = wanted.map(|(after, why): (usize, &str)| (after, why.to_owned()));
            assert_eq!(end(stop, &run), wanted, "{stop:?}");
        }
    }

    #[test]
    fn each_stall_is_counted_once() {
        let run = epochs(&[1.0, 1.0, 1.0, 1.0, 1.0, 0.9, 0.9, 0.9, 0.8], &[]);
        let stalls = |n, patience| Metric::ValidationLoss.stalls(&run[..n], patience);
        assert_eq!([1, 2, 3, 4, 5, 6, 7, 8, 9].map(|n| stalls(n, 2)), [0, 0, 1, 1, 2, 2, 2, 3, 3]);
        assert_eq!(stalls(9, 5), 0);
    }
}
