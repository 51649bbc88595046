//! How far a training is, what it tells, and why it may end.

use super::accuracy;
use crate::checkpoint::CheckpointError;
use crate::engine::EngineError;
use crate::run::Event;
use crate::scene::Training;
use crate::train::epoch::Epoch;
use serde::{Deserialize, Serialize};

/// Neurons whose errors and numbers are told.
pub(super) const TOLD: usize = 16;

/// How far a training has come. Together with the arrays of the checkpoint this is all its state.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Wall time of the training, in this and earlier sessions \[s\].
    pub wall_s: f64,
    /// Epochs completed.
    pub epoch: u64,
    /// Batches of the current epoch that are done.
    pub batch: u64,
    /// Sum of the losses of the current epoch.
    pub loss: f64,
    /// Answers of the current epoch that were asked for and fetched, if there are right ones.
    pub asked: u64,
    /// Right answers of the current epoch.
    pub correct: u64,
    /// Seconds of training of the current epoch, in this and earlier sessions.
    pub seconds: f64,
    /// Completed epochs.
    pub epochs: Vec<Epoch>,
}

impl Progress {
    /// The epoch with the best accuracy, or the least loss where there are no classes; the first of those that are alike.
    pub fn best(&self) -> Option<&Epoch> {
        let epochs = self.epochs.iter();
        epochs.reduce(|best, epoch| if epoch.beats(best) { epoch } else { best })
    }

    /// Why the training ends after the epochs that are done, if `stop` says that it does.
    pub fn stopped(&self, training: &Training) -> Option<String> {
        training.stop?.reason(&self.epochs)
    }

    /// Whether there are epochs to be done.
    pub(in crate::train) fn goes_on(&self, training: &Training) -> bool {
        self.epoch < training.epochs && self.stopped(training).is_none()
    }

    /// Adds a completed epoch and begins the next.
    pub(in crate::train) fn complete(&mut self, epoch: Epoch) {
        let mut epochs = std::mem::take(&mut self.epochs);
        epochs.push(epoch);
        *self = Self { wall_s: self.wall_s, epoch: self.epoch + 1, epochs, ..Self::default() };
    }

    /// Takes note of wall time \[s\]. That of a test is none of an epoch.
    pub(in crate::train) fn spend(&mut self, seconds: f64) {
        self.wall_s += seconds;
        if self.batch > 0 {
            self.seconds += seconds;
        }
    }

    /// What there is to tell: the epoch that is done, or that so many of its samples are, and their mean loss.
    pub(in crate::train) fn event(&self, samples: u64, of: u64, loss: Option<f64>) -> Event<'_> {
        match self.epochs.last() {
            Some(epoch) if self.batch == 0 => Event::Epoch(epoch),
            _ => Event::Batch { samples, of, loss, accuracy: accuracy(self.correct, self.asked) },
        }
    }

    /// Why a training of so many batches to an epoch and populations cannot be this far; none if it can.
    pub(in crate::train) fn impossible(&self, [batches, populations]: [u64; 2]) -> Option<String> {
        let finite = [self.wall_s, self.loss, self.seconds].iter().all(|x| x.is_finite());
        let fraction = |x: Option<f64>| x.is_none_or(|x| (0.0..=1.0).contains(&x));
        let whole = |(epoch, number): (&Epoch, u64)| {
            epoch.epoch == number
                && fraction(epoch.train_accuracy)
                && fraction(epoch.validation_accuracy)
                && fraction(epoch.test_accuracy)
                && epoch.test_spikes.len() as u64 == populations
                && epoch.test_spikes.iter().all(|spikes| spikes.is_finite())
        };
        Some(match () {
            () if !finite => "a time or a loss is not finite".to_owned(),
            () if self.batch > batches => format!("batch {} is beyond {batches}", self.batch),
            () if self.correct > self.asked => {
                format!("{} right answers are more than {} in all", self.correct, self.asked)
            }
            () if self.epochs.len() as u64 != self.epoch => {
                format!("it has results of {} epochs of {}", self.epochs.len(), self.epoch)
            }
            () if !self.epochs.iter().zip(1..).all(whole) => {
                "results of an epoch are not possible".to_owned()
            }
            () => return None,
        })
    }
}

/// Why a training stopped.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The engine cannot go on.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The state cannot be saved or loaded.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A number is not finite.
    #[error(
        "diverged in epoch {epoch}, batch {batch}: {what}. The last finite state is in the newest \
         checkpoint. Lower training.optimizer.lr, or the initial weights"
    )]
    Diverged {
        /// Epoch, from 1.
        epoch: u64,
        /// Batch within the epoch, from 1.
        batch: u64,
        /// Population, sample, neuron, step.
        what: String,
    },
}
