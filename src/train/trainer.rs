//! The loop of training: shuffled batches, evaluation after each epoch, checkpoints.
//!
//! A batch is: pixels, labels or targets, and numbers of presentation go to the device, a program runs. Losses and
//! predictions stay there in a ring until it is full or it is time to tell the user, so nothing is
//! waited for in between. They are summed in f64 in the order of the samples: the sums do not depend
//! on when they were fetched, and an interrupted epoch goes on where it was.
//!
//! After each epoch the test set is shown, and the validation set if there is one. The best weights are chosen by
//! validation then, and the test set chooses nothing.
//!
//! Where it is learned to learn, an update takes some tasks in place of a batch, and an epoch ends with the held-out
//! tasks: see `tasks`.

mod attention;
mod delays;
mod tasks;

use super::damage::{Damage, Tested};
use super::loss::Wanted;
use crate::checkpoint::{Checkpoint, CheckpointError, Store};
use crate::data::delayed_recall::shortened;
use crate::data::traces::Traces;
use crate::data::{self, Dataset, Split};
use crate::engine::{Engine, EngineError};
use crate::files::Values;
use crate::kernel::Clock;
use crate::network::{Kind, Network, Population};
use crate::neuron::lif::Potential;
use crate::neuron::stepped::BLOCK;
use crate::plan::{AnswerPorts, Init, Plan, ProgramId, Reals, Supervision, TrainingPorts, Words};
use crate::rng::{Purpose, Stream};
use crate::scene::{Augment, Data, Reset, Training};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
pub use tasks::MEASURED;
use tasks::Tasks;

/// Changes the key of random numbers for the test set, whose noise is the same in every epoch.
pub(super) const TEST_KEY: u64 = 1 << 63;

/// The same for the validation set.
const VALIDATION_KEY: u64 = 1 << 61;

/// Magnitude below which a weight is small, in units of its projection.
const SMALL: f64 = 1e-3;

/// Neurons whose errors and numbers are told.
const TOLD: usize = 16;

/// How often losses are fetched for the user.
pub(super) const TELL: Duration = Duration::from_millis(400);

/// How often the state is saved within an epoch.
pub(super) const SAVE: Duration = Duration::from_secs(20);

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
    pub(super) fn goes_on(&self, training: &Training) -> bool {
        self.epoch < training.epochs && self.stopped(training).is_none()
    }

    /// Adds a completed epoch and begins the next.
    pub(super) fn complete(&mut self, epoch: Epoch) {
        let mut epochs = std::mem::take(&mut self.epochs);
        epochs.push(epoch);
        *self = Self { wall_s: self.wall_s, epoch: self.epoch + 1, epochs, ..Self::default() };
    }

    /// Why a training of so many batches to an epoch and populations cannot be this far; none if it can.
    pub(super) fn impossible(&self, [batches, populations]: [u64; 2]) -> Option<String> {
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

/// What the loop tells its observer.
pub enum Event<'a> {
    /// A batch was done.
    Batch {
        /// Samples of this epoch that are done.
        samples: u64,
        /// Samples of an epoch.
        of: u64,
        /// Mean loss so far, of the samples whose losses were fetched, if there is one.
        loss: Option<f64>,
        /// Fraction of right answers so far, if there are classes.
        accuracy: Option<f64>,
    },
    /// The test set is being done.
    Testing,
    /// An epoch was done.
    Epoch(&'a Epoch),
}

/// How a training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done, or `stop` says that it is enough.
    Finished,
    /// The observer asked to stop; the state is saved.
    Interrupted,
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

/// What some arrays held.
type Contents = Vec<(Reals, Vec<f32>)>;

/// Network, data and engine, and how far they have come.
pub struct Trainer<'a> {
    training: &'a Training,
    network: &'a Network,
    plan: &'a Plan,
    ports: &'a TrainingPorts,
    samples: Samples<'a>,
    engine: Box<dyn Engine + 'a>,
    train: ProgramId,
    evaluate: ProgramId,
    /// Tasks, if it is learned to learn.
    tasks: Option<Tasks>,
    /// Where the training is.
    pub progress: Progress,
    /// Merit of the best of all epochs, and the arrays that had it.
    best: Option<(f64, Contents)>,
    shuffle: Stream,
    /// Numbers of the training samples, the easiest first, if they have scores.
    ranks: Vec<u32>,
}

/// Which of the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// Those that weights are changed by.
    Train,
    /// Those by which the best weights are chosen.
    Validation,
    /// Those by which the network is judged.
    Test,
}

impl Set {
    /// What changes the key of random numbers: the noise of what is not trained on is the same in every epoch.
    fn key(self) -> u64 {
        match self {
            Self::Train => 0,
            Self::Validation => VALIDATION_KEY,
            Self::Test => TEST_KEY,
        }
    }
}

/// What is shown.
#[derive(Clone, Copy)]
pub enum Samples<'a> {
    /// Labelled samples.
    Labelled(&'a Dataset),
    /// Nothing but what drives the network, for which there are traces to follow.
    Driven(&'a Traces),
}

impl<'a> Samples<'a> {
    fn split(self, set: Set) -> Option<&'a Split> {
        match (self, set) {
            (Self::Labelled(data), Set::Train) => Some(&data.train),
            (Self::Labelled(data), Set::Validation) => data.validation.as_ref(),
            (Self::Labelled(data), Set::Test) => Some(&data.test),
            (Self::Driven(_), _) => None,
        }
    }

    /// How many there are to train or to test with.
    pub fn count(self, set: Set) -> usize {
        self.split(set).map_or(1, Split::len)
    }
}

impl Epoch {
    /// What is to be as large as possible: accuracy, or where there is none the negative loss, of the validation set or,
    /// where there is none, the test set.
    fn merit(&self) -> f64 {
        let of = |accuracy: Option<f64>, loss: Option<f64>| accuracy.or(loss.map(|loss| -loss));
        of(self.validation_accuracy, self.validation_loss)
            .or(of(self.test_accuracy, self.test_loss))
            .unwrap_or_default()
    }

    /// Whether it is better than another: by more merit, or since it was validated by harder samples.
    fn beats(&self, other: &Self) -> bool {
        let hard = |epoch: &Self| epoch.validation_loss.and(epoch.delay);
        match (hard(self), hard(other)) {
            (Some(own), Some(other)) if own != other => own > other,
            _ => self.merit() > other.merit(),
        }
    }
}

/// What a sample did to the network, for pictures.
pub struct Presented {
    /// Predicted class.
    pub predicted: usize,
    /// For each population its spikes, as steps and neurons.
    pub spikes: Vec<Vec<(u32, u32)>>,
    /// For each population the tape: distance to the threshold or potential, steps × n.
    pub tapes: Vec<Vec<f32>>,
    /// For each population in frames that is watched its potential \[mV\], steps × n.
    pub potentials: Vec<Vec<f32>>,
}

impl Presented {
    /// Potential of a neuron over the steps, from the tape \[mV\]. There is none of sources, and none of neurons in frames.
    pub fn potential(&self, k: usize, population: &Population, id: usize) -> Vec<f32> {
        let (tape, n) = (&self.tapes[k], population.size);
        let column = (0..tape.len() / n).map(|t| f64::from(tape[t * n + id]));
        match &population.kind {
            Kind::Lif(lif) => {
                let own = |len: usize| if len == 1 { 0 } else { id };
                let cell = &lif.cells[own(lif.cells.len())];
                let rest = lif.e_l[own(lif.e_l.len())];
                let mut state = Potential::new(cell);
                let subtract = lif.reset == Reset::Subtract;
                column.map(|u| (state.next(cell, subtract, u) + rest) as f32).collect()
            }
            Kind::Readout(readout) => {
                let rest = readout.e_l[if readout.e_l.len() == 1 { 0 } else { id }];
                column.map(|v| (v + rest) as f32).collect()
            }
            Kind::Poisson(_) | Kind::Images(_) | Kind::Stepped(_) | Kind::Spikes(_) => Vec::new(),
        }
    }
}

/// What a network answered to a test set.
#[derive(Debug, Clone, Default)]
pub struct Predictions {
    /// Number of outputs.
    pub classes: usize,
    /// Answers to each sample: one, or one for each frame.
    pub answers: usize,
    /// Predicted class of each answer, \[samples, answers\]; of marks whether each output tells one, \[samples,
    /// outputs\]; nothing of numbers.
    pub predicted: Vec<u32>,
    /// Whether they are marks.
    pub marks: bool,
    /// Output of each, \[samples, answers, outputs\].
    pub output: Vec<f32>,
    /// For each population that spikes, how often it did for each sample; nothing for the others.
    pub spikes: Vec<Vec<u32>>,
    /// For each projection with attention its name and its scores, \[samples, frames\].
    pub scores: Vec<(String, Vec<f32>)>,
}

impl Predictions {
    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.output.len() / (self.answers * self.classes).max(1)
    }

    /// Answers that were asked for: their places, the classes that were told and the right ones.
    fn asked(&self, split: &Split) -> impl Iterator<Item = (usize, u32, u32)> {
        let right = (0..split.len()).flat_map(|i| split.asked(i, self.answers));
        let both = self.predicted.iter().zip(right).enumerate();
        both.filter_map(|(k, (told, class))| Some((k, *told, u32::from(class?))))
    }

    /// Fraction of right answers to the samples of a split, if some are right and others wrong and that is known.
    pub fn accuracy(&self, split: &Split) -> Option<f64> {
        let right = |answer: &[u32], wanted: &[f32]| {
            answer.iter().zip(wanted).all(|(told, wanted)| (*told == 1) == (*wanted > 0.5))
        };
        let [count, all] = match (split.labels.is_empty(), split.targets.is_empty()) {
            (false, _) => {
                let right = self.asked(split).filter(|(_, told, class)| told == class).count();
                [right, self.asked(split).count()]
            }
            (true, false) if !self.predicted.is_empty() => {
                let told = self.predicted.chunks(self.classes);
                let both = told.zip(split.targets.chunks(self.classes));
                [both.filter(|(told, wanted)| right(told, wanted)).count(), self.samples()]
            }
            _ => return None,
        };
        Some(count as f64 / all as f64)
    }

    /// Squared differences between outputs and targets that are numbers, over those of the targets from their means, so
    /// that the best constants have 1. None where targets do not change.
    pub fn nmse(&self, split: &Split) -> Option<f64> {
        let wanted = &split.targets;
        if !self.predicted.is_empty() || wanted.is_empty() {
            return None;
        }
        let (outputs, samples) = (self.classes, self.samples() as f64);
        let each = |k: usize| wanted.iter().skip(k).step_by(outputs).map(|x| f64::from(*x));
        let variation = (0..outputs).map(|k| {
            let mean = each(k).sum::<f64>() / samples;
            each(k).map(|x| (x - mean).powi(2)).sum::<f64>()
        });
        let difference = |(x, wanted): (&f32, &f32)| (f64::from(*x) - f64::from(*wanted)).powi(2);
        let squares: f64 = self.output.iter().zip(wanted).map(difference).sum();
        Some(variation.sum::<f64>()).filter(|all| *all > 0.0).map(|all| squares / all)
    }

    /// Counts of `[true][predicted]` classes, if they are known.
    ///
    /// # Panics
    /// If a label is no class.
    pub fn confusion(&self, split: &Split) -> Vec<u64> {
        if split.labels.is_empty() {
            return Vec::new();
        }
        let mut counts = vec![0; self.classes * self.classes];
        for (_, told, class) in self.asked(split) {
            counts[class as usize * self.classes + told as usize] += 1;
        }
        counts
    }

    /// Answers that told another class, those first whose class had the output furthest below that of the answer.
    ///
    /// # Panics
    /// If a label is no class.
    pub fn mistakes(&self, split: &Split) -> Vec<usize> {
        let lead = |(k, told, class): &(usize, u32, u32)| {
            let output = &self.output[k * self.classes..][..self.classes];
            output[*told as usize] - output[*class as usize]
        };
        let wrong = self.asked(split).filter(|(_, told, class)| told != class);
        let mut mistakes: Vec<_> = wrong.collect();
        mistakes.sort_by(|a, b| lead(b).total_cmp(&lead(a)));
        mistakes.into_iter().map(|(k, ..)| k).collect()
    }
}

/// How hard training samples are for a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// Loss of each.
    pub losses: Vec<f64>,
    /// By how much the output of the right class is above the largest of the others, where each has one class.
    pub margins: Option<Vec<f64>>,
}

/// What an epoch of a training goes through.
#[derive(Debug, Clone, Copy)]
struct Round {
    /// Samples, or tasks.
    items: usize,
    /// How many of them make an update.
    per_update: usize,
    /// Samples of each whose losses count.
    counted: usize,
}

impl Round {
    fn updates(self) -> usize {
        self.items.div_ceil(self.per_update)
    }

    /// Samples whose losses count in so many updates.
    fn samples(self, updates: usize) -> u64 {
        (self.items.min(updates * self.per_update) * self.counted) as u64
    }
}

/// Pixels of images of one size, each from a new word on.
fn packed(images: &[impl AsRef<[u8]>]) -> Vec<u32> {
    let word = |b: &[u8]| b.iter().rev().fold(0, |word, pixel| word << 8 | u32::from(*pixel));
    images.iter().flat_map(|image| image.as_ref().chunks(4).map(word)).collect()
}

/// Fraction of right answers, if some could be.
fn accuracy(correct: u64, asked: u64) -> Option<f64> {
    (asked > 0).then(|| correct as f64 / asked as f64)
}

/// Sums over a set of samples.
#[derive(Debug, Clone, Default)]
struct Sums {
    loss: f64,
    asked: u64,
    correct: u64,
    samples: u64,
    /// Loss of each sample.
    losses: Vec<f64>,
    /// For each population that is counted, the spikes of each sample.
    spikes: Vec<Vec<u32>>,
    /// What the loss says of the answer to each sample; see [`AnswerPorts::predictions`].
    predictions: Vec<u32>,
    /// Output for each sample, if it was asked for.
    output: Vec<f32>,
    /// And, for each projection with attention, its scores.
    scores: Vec<Vec<f32>>,
}

impl<'a> Trainer<'a> {
    /// A training at its beginning.
    ///
    /// # Panics
    /// If the plan was not made for training.
    pub fn new(
        training: &'a Training,
        network: &'a Network,
        plan: &'a Plan,
        samples: Samples<'a>,
        engine: Box<dyn Engine + 'a>,
    ) -> Self {
        let program = |name| plan.program(name).expect("a plan for training has this program");
        Self {
            train: program("train"),
            evaluate: program("evaluate"),
            tasks: Tasks::new(training, plan),
            shuffle: Stream::new(network.seed, Purpose::Shuffle, 0),
            training,
            network,
            plan,
            ports: plan.training(),
            samples,
            engine,
            progress: Progress::default(),
            best: None,
            ranks: Vec::new(),
        }
    }

    /// Tells how hard the training samples are: all their numbers, the easiest first.
    pub fn rank(&mut self, ranks: Vec<u32>) {
        self.ranks = ranks;
    }

    /// The engine.
    pub fn engine(&mut self) -> &mut dyn Engine {
        &mut *self.engine
    }

    /// What an epoch of the training goes through.
    fn round(&self) -> Round {
        let samples = self.samples.count(Set::Train);
        match self.tasks.and_then(|tasks| Some((tasks, tasks.meta.tasks()?))) {
            Some((tasks, per_update)) => Round {
                items: tasks.count(samples),
                per_update: per_update as usize,
                counted: tasks.samples[1],
            },
            None => Round { items: samples, per_update: self.plan.batch, counted: 1 },
        }
    }

    /// Trains until all epochs are done, `stop` ends it, or the observer answers false.
    ///
    /// Checkpoints go to `store`, if given: at the beginning, every `SAVE`, after every epoch. A
    /// state with a number that is not finite is never saved.
    ///
    /// # Errors
    /// The engine fails, a checkpoint cannot be written, a number is not finite.
    pub fn run(
        &mut self,
        store: Option<&Store>,
        observe: &mut dyn FnMut(Event<'_>) -> bool,
    ) -> Result<Outcome, TrainError> {
        let mut saved = Instant::now();
        let (begun, before) = (saved, self.progress.wall_s);
        if let Some(store) = store
            && (self.progress.epoch, self.progress.batch) == (0, 0)
        {
            self.save(store)?;
        }
        while self.progress.goes_on(self.training) {
            let round = self.round();
            let items = round.items as u32;
            let epochs = [self.progress.epoch, self.training.epochs];
            let order = self.training.order.of(items, epochs, &self.ranks, self.shuffle);
            let (count, of) = (round.updates(), round.samples(round.updates()));
            let mut told = Instant::now();
            let mut pending = Vec::new();
            while (self.progress.batch as usize) < count {
                let since = Instant::now();
                let first = self.progress.batch as usize * round.per_update;
                let next = &order[first..round.items.min(first + round.per_update)];
                self.narrow_delays()?;
                match self.tasks.filter(|tasks| tasks.meta.tasks().is_some()) {
                    Some(tasks) => self.learn_tasks(tasks, next, &mut pending)?,
                    None => self.learn_batch(first, next, &mut pending)?,
                }
                self.progress.batch += 1;
                self.follow_numbers()?;
                let last = self.progress.batch as usize == count;
                let save = store.is_some() && saved.elapsed() > SAVE;
                let tell = told.elapsed() > TELL;
                let mut go_on = true;
                if last || save || tell || pending.len() == self.ports.slots {
                    self.fetch(&mut pending)?;
                    told = Instant::now();
                    self.progress.seconds += since.elapsed().as_secs_f64();
                    let done = round.samples(self.progress.batch as usize);
                    go_on = observe(Event::Batch {
                        samples: done,
                        of,
                        loss: Some(self.progress.loss / done as f64),
                        accuracy: accuracy(self.progress.correct, self.progress.asked),
                    });
                } else {
                    self.progress.seconds += since.elapsed().as_secs_f64();
                }
                self.progress.wall_s = before + begun.elapsed().as_secs_f64();
                if let Some(store) = store
                    && (save || !go_on)
                {
                    self.save(store)?;
                    saved = Instant::now();
                }
                if !go_on {
                    return Ok(Outcome::Interrupted);
                }
            }
            self.check_weights()?;
            observe(Event::Testing);
            let epoch = self.finish_epoch()?;
            if self.progress.best().is_none_or(|best| epoch.beats(best)) {
                self.best = Some((epoch.merit(), self.weights()?));
            }
            self.progress.wall_s = before + begun.elapsed().as_secs_f64();
            self.progress.complete(epoch);
            // An epoch of one presentation is soon done again.
            let due = match self.samples {
                Samples::Labelled(_) => true,
                Samples::Driven(_) => {
                    saved.elapsed() > SAVE || !self.progress.goes_on(self.training)
                }
            };
            if let Some(store) = store.filter(|_| due) {
                self.save(store)?;
                saved = Instant::now();
            }
            if let Some(epoch) = self.progress.epochs.last()
                && !observe(Event::Epoch(epoch))
            {
                if let Some(store) = store.filter(|_| !due) {
                    self.save(store)?;
                }
                return Ok(Outcome::Interrupted);
            }
        }
        Ok(Outcome::Finished)
    }

    /// An update by a batch of samples, of which so many were shown before in this epoch.
    fn learn_batch(
        &mut self,
        before: usize,
        samples: &[u32],
        pending: &mut Vec<Vec<u32>>,
    ) -> Result<(), TrainError> {
        let first = self.progress.epoch * self.samples.count(Set::Train) as u64 + before as u64;
        let presentation: Vec<u32> =
            (0..samples.len() as u64).map(|k| (first + k) as u32).collect();
        self.load(Set::Train, self.training.augment(), samples, &presentation)?;
        let clock = self.clock(samples.len(), pending.len(), Set::Train);
        self.engine.run(self.train, &clock, self.plan.steps)?;
        pending.push(samples.to_vec());
        Ok(())
    }

    /// How many outputs have to be right for an answer to be, where each tells a mark.
    fn marks(&self) -> Option<u32> {
        let marks = self.training.loss.wanted() == Wanted::Marks;
        marks.then(|| self.classes() as u32)
    }

    fn finish_epoch(&mut self) -> Result<Epoch, TrainError> {
        let since = Instant::now();
        let sums = match self.tasks {
            Some(tasks) => {
                let steps = tasks.meta.steps();
                self.judge_tasks(tasks, steps..=steps)?.remove(0)
            }
            None => self.judge(Set::Test, &[], false)?,
        };
        let seconds = since.elapsed().as_secs_f64();
        let round = self.round();
        let samples = round.samples(round.updates());
        let mut errors = match self.ports.errors {
            Some(array) => self.engine.read_reals(array)?,
            None => Vec::new(),
        };
        errors.truncate(TOLD);
        let mut numbers = self.numbers(None)?;
        numbers.iter_mut().for_each(|(_, values)| values.truncate(TOLD));
        let validation = match self.samples.split(Set::Validation) {
            Some(_) => Some(self.judge(Set::Validation, &[], false)?),
            None => None,
        };
        let (speed, tested) = (samples as f64, sums.samples as f64);
        let total = |spikes: &Vec<u32>| spikes.iter().map(|s| u64::from(*s)).sum::<u64>() as f64;
        Ok(Epoch {
            epoch: self.progress.epoch + 1,
            loss: Some(self.progress.loss / samples as f64),
            train_accuracy: accuracy(self.progress.correct, self.progress.asked),
            validation_loss: validation.as_ref().map(|sums| sums.loss / sums.samples as f64),
            validation_accuracy: validation.and_then(|sums| accuracy(sums.correct, sums.asked)),
            test_loss: Some(sums.loss / tested),
            test_accuracy: accuracy(sums.correct, sums.asked),
            errors: errors.into_iter().map(f64::from).collect(),
            delay: self.gated(),
            share: self.training.order.share(self.progress.epoch, self.training.epochs),
            numbers: numbers.into_iter().collect(),
            test_spikes: sums.spikes.iter().map(|s| total(s) / tested).collect(),
            train_samples_per_s: speed / self.progress.seconds.max(1e-9),
            test_samples_per_s: tested / seconds.max(1e-9),
        })
    }

    /// Shows a set, changed or as it is, and sums up how the network does. To read what came out of each batch takes time,
    /// so it is done only if it is wanted.
    fn judge(
        &mut self,
        set: Set,
        augment: &[Augment],
        with_output: bool,
    ) -> Result<Sums, TrainError> {
        let mut sums = Sums::default();
        let mut pending = Vec::new();
        let indices: Vec<u32> = (0..self.samples.count(set) as u32).collect();
        for samples in indices.chunks(self.plan.batch) {
            self.load(set, augment, samples, samples)?;
            let clock = self.clock(samples.len(), pending.len(), set);
            self.engine.run(self.evaluate, &clock, self.plan.steps)?;
            if let Some(ports) = self.ports.answer.filter(|_| with_output) {
                let output = self.engine.read_reals(ports.output)?;
                let answers = samples.len() * ports.answers;
                sums.output.extend(&output[..answers * self.classes()]);
            }
            let attention = self.ports.attention.iter().filter(|_| with_output);
            sums.scores.resize(attention.clone().count(), Vec::new());
            for (ports, scores) in attention.zip(&mut sums.scores) {
                let all = self.engine.read_reals(ports.scores)?;
                scores.extend(&all[..samples.len() * (all.len() / self.plan.batch)]);
            }
            pending.push(samples.to_vec());
            let last = samples.last() == indices.last();
            if last || pending.len() == self.ports.slots {
                self.drain(set, &mut pending, &mut sums)?;
            }
        }
        Ok(sums)
    }

    /// What the network as it is now answers to the test set: the evaluation after an epoch, bit for bit.
    ///
    /// # Errors
    /// The engine fails.
    pub fn predict(&mut self) -> Result<Predictions, TrainError> {
        let Sums { predictions, output, spikes, scores, .. } = self.judge(Set::Test, &[], true)?;
        // Of outputs that were trained on classes the largest is the answer, whether or not these samples have labels.
        let labelled = self.samples.split(Set::Test).is_some_and(|split| !split.labels.is_empty());
        let of_classes = self.training.data.as_ref().and_then(Data::has_classes);
        let predicted = match self.training.loss.wanted() {
            Wanted::Marks => output.iter().map(|x| u32::from(*x > 0.0)).collect(),
            Wanted::Targets if !of_classes.unwrap_or(labelled) => Vec::new(),
            _ => predictions,
        };
        let (classes, marks) = (self.classes(), self.marks().is_some());
        let answers = self.answers();
        let attention = self.ports.attention.iter();
        let names = attention.map(|ports| self.network.projections[ports.projection].name.clone());
        let scores = names.zip(scores).collect();
        Ok(Predictions { classes, answers, predicted, marks, output, spikes, scores })
    }

    /// How hard each training sample is for the network as it is now.
    ///
    /// # Errors
    /// The engine fails.
    pub fn scores(&mut self) -> Result<Scores, TrainError> {
        let Sums { losses, output, .. } = self.judge(Set::Train, &[], true)?;
        let classes = self.classes();
        let split = self.samples.split(Set::Train);
        let margin = |(k, output): (usize, &[f32])| {
            let right = usize::from(split?.class_of(k)?);
            let others = output.iter().enumerate().filter(|(class, _)| *class != right);
            let largest = others.map(|(_, x)| f64::from(*x)).reduce(f64::max)?;
            Some(f64::from(*output.get(right)?) - largest)
        };
        let margins = match classes * self.answers() {
            0 => None,
            row => output.chunks(row).enumerate().map(margin).collect(),
        };
        Ok(Scores { losses, margins: margins.filter(|_| self.answers() == 1) })
    }

    /// Number of outputs, if there are any.
    pub fn classes(&self) -> usize {
        self.ports.answer.map_or(0, |AnswerPorts { answers, output, .. }| {
            self.plan.arrays[output].len / (self.plan.batch * answers)
        })
    }

    /// Answers to a sample.
    fn answers(&self) -> usize {
        self.ports.answer.map_or(1, |ports| ports.answers)
    }

    /// Puts what was best in place.
    ///
    /// # Errors
    /// The engine fails.
    pub fn use_best(&mut self) -> Result<(), TrainError> {
        for (array, values) in self.best.iter().flat_map(|(_, best)| best) {
            self.engine.write_reals(*array, values)?;
        }
        self.follow_numbers()
    }

    /// Presents one test sample and reads what the network did.
    ///
    /// # Errors
    /// The engine fails.
    pub fn present(&mut self, sample: u32) -> Result<Presented, TrainError> {
        self.load(Set::Test, &[], &[sample], &[sample])?;
        let clock = self.clock(1, 0, Set::Test);
        self.engine.run(self.evaluate, &clock, self.plan.steps)?;
        let predicted = match self.ports.answer {
            Some(ports) => self.engine.read_words(ports.predictions)?[0],
            None => 0,
        };
        let steps = self.plan.steps;
        let (mut spikes, mut tapes, mut potentials) = (Vec::new(), Vec::new(), Vec::new());
        for (ports, population) in self.ports.populations.iter().zip(&self.network.populations) {
            let n = population.size;
            tapes.push(match ports.tape {
                Some(tape) => self.engine.read_reals(tape)?[..steps * n].to_vec(),
                None => Vec::new(),
            });
            potentials.push(match (ports.inbox, &population.kind) {
                (Some(inbox), Kind::Stepped(neurons)) => {
                    let all = self.engine.read_reals(inbox.array)?;
                    let of_step =
                        |t: usize| all[(t * inbox.rows + inbox.potential) * n..][..n].iter();
                    let absolute = |(id, v): (usize, &f32)| v + neurons.rest(id) as f32;
                    (0..steps).flat_map(|t| of_step(t).enumerate().map(absolute)).collect()
                }
                _ => Vec::new(),
            });
            spikes.push(match ports.spikes {
                Some(spikes) => {
                    let words = self.engine.read_words(spikes.array)?;
                    crate::record::decode(&words, n, ports.history, steps).collect()
                }
                None => Vec::new(),
            });
        }
        Ok(Presented { predicted: predicted as usize, spikes, tapes, potentials })
    }

    /// Mean squared difference between the potential of each neuron and the trace that it is to follow, unfiltered
    /// \[mV²\].
    ///
    /// # Errors
    /// The engine fails.
    pub fn fits(&mut self, wanted: &Traces) -> Result<Vec<f64>, TrainError> {
        let shown = self.present(0)?;
        let Some(potentials) = shown.potentials.into_iter().find(|v| !v.is_empty()) else {
            return Ok(Vec::new());
        };
        let (steps, n) = (self.plan.steps, potentials.len() / self.plan.steps);
        let square = |t: usize, id: usize| {
            let column = if wanted.columns > 1 { id } else { 0 };
            let v = f64::from(potentials[t * n + id]);
            (v - wanted.values[t * wanted.columns + column]).powi(2)
        };
        Ok((0..n).map(|id| (0..steps).map(|t| square(t, id)).sum::<f64>() / steps as f64).collect())
    }

    /// Presents what drives the network, with the trained numbers as they are now and as they were at the start.
    ///
    /// # Errors
    /// The engine fails.
    pub fn present_both(&mut self) -> Result<[Presented; 2], TrainError> {
        let now = self.present(0)?;
        let trained = self.weights()?;
        for array in self.trained() {
            let Init::Reals(start) = &self.plan.arrays[array].init else { continue };
            let start: Vec<f32> = start.iter().map(|x| *x as f32).collect();
            self.engine.write_reals(array, &start)?;
        }
        self.follow_numbers()?;
        let before = self.present(0)?;
        self.put(&trained)?;
        Ok([now, before])
    }

    /// How the network does on the test set while it is damaged, neurons of the populations `silenced` being silent; see
    /// [`Damage::silenced`]. After that it is as it was, bit for bit.
    ///
    /// # Errors
    /// The engine fails.
    pub fn test(&mut self, damage: &Damage, silenced: &[&str]) -> Result<Tested, TrainError> {
        let mut whole = Contents::new();
        for (k, tiles) in self.ports.weights.iter().enumerate() {
            let mut contents = Vec::new();
            for array in tiles.arrays() {
                contents.push(self.engine.read_reals(array)?);
            }
            let mut weights = tiles.unpack(&contents);
            damage.harm(self.network, k, silenced, &mut weights);
            let harmed: Vec<f64> = weights.into_iter().map(f64::from).collect();
            for (tile, (array, kept)) in tiles.arrays().into_iter().zip(contents).enumerate() {
                let packed = tiles.pack(tile, &harmed).into_iter().map(|w| w as f32);
                self.engine.write_reals(array, &packed.collect::<Vec<f32>>())?;
                whole.push((array, kept));
            }
        }
        let sums = self.judge(Set::Test, &damage.noise(), false)?;
        for (array, kept) in whole {
            self.engine.write_reals(array, &kept)?;
        }
        let accuracy = accuracy(sums.correct, sums.asked);
        Ok(Tested { accuracy, loss: sums.loss / sums.samples as f64 })
    }

    /// Part of the trained weights that are below a thousandth of their unit, if there are trained weights.
    ///
    /// # Errors
    /// The engine fails.
    pub fn small_weights(&mut self) -> Result<Option<f64>, EngineError> {
        let (mut small, mut all) = (0, 0);
        for (name, weights) in self.natural_weights(false)? {
            let projection = self.network.projections.iter().find(|p| p.name == name);
            let trained = projection.filter(|p| !p.frozen);
            let Some(unit) = trained.map(|p| p.unit.abs()) else { continue };
            small += weights.iter().filter(|w| f64::from(w.abs()) < SMALL * unit).count();
            all += weights.len();
        }
        Ok((all > 0).then(|| small as f64 / all as f64))
    }

    /// Delay of the training samples in the epoch to come, if it goes by finished ones \[ms\].
    fn gated(&self) -> Option<f64> {
        self.training.data.as_ref()?.gated(&self.progress.epochs)
    }

    /// Sends samples to the device, each after some changes, which are drawn anew in each epoch of training.
    fn load(
        &mut self,
        set: Set,
        augment: &[Augment],
        samples: &[u32],
        presentation: &[u32],
    ) -> Result<(), EngineError> {
        let ports = &self.plan.input;
        if let Some(split) = self.samples.split(set) {
            let epoch = if set == Set::Train { self.progress.epoch } else { 0 };
            let draw = (epoch, self.network.seed ^ set.key());
            // What is judged by the test set is the full task.
            let delay = self.gated().filter(|_| set != Set::Test);
            let image = |sample: u32| match delay {
                Some(delay) => shortened(split.image(sample as usize), delay).into(),
                None => split.image(sample as usize).into(),
            };
            let changed =
                |sample: &u32| data::changed(augment, split, (*sample, image(*sample)), draw);
            let shown: Vec<_> = samples.iter().map(changed).collect();
            if let Some(array) = ports.pixels {
                self.engine.write_words(array, &packed(&shown))?;
            }
            for (part, array) in &ports.parts {
                let parts: Vec<_> = shown.iter().map(|image| split.cut(image, part)).collect();
                self.engine.write_words(*array, &packed(&parts))?;
            }
            if let Some(AnswerPorts { answers, supervision, .. }) = self.ports.answer {
                match supervision {
                    Supervision::Labels(array) => {
                        let labels = samples.iter().flat_map(|s| split.asked(*s as usize, answers));
                        let labels: Vec<u32> =
                            labels.map(|l| l.map_or(u32::MAX, u32::from)).collect();
                        self.engine.write_words(array, &labels)?;
                    }
                    // A target is some number, also where none is known and nobody asks for it.
                    Supervision::Targets(array) => {
                        let outputs = self.plan.arrays[array].len / self.plan.batch;
                        let wanted =
                            samples.iter().flat_map(|s| split.wanted(*s as usize, outputs));
                        self.engine.write_reals(array, &wanted.collect::<Vec<f32>>())?;
                    }
                }
            }
        }
        self.engine.write_words(ports.presentation, presentation)
    }

    /// Makes anew what follows from the trained numbers of neurons.
    fn follow_numbers(&mut self) -> Result<(), TrainError> {
        for ports in &self.ports.numbers {
            let population = &self.network.populations[ports.population];
            let (Kind::Stepped(neurons), Some(numbers)) = (&population.kind, &population.numbers)
            else {
                continue;
            };
            let mut free = Vec::new();
            for (array, number) in ports.free.iter().zip(&numbers.each) {
                let values = self.engine.read_reals(*array)?;
                if let Some(neuron) = values.iter().position(|x| !x.is_finite()) {
                    let (name, path) = (&population.name, &number.name);
                    let what =
                        format!("`{path}` of population `{name}`, neuron {neuron}, is not finite");
                    return Err(self.diverged(what));
                }
                free.push(values.into_iter().map(f64::from).collect());
            }
            let contents = ports.contents(numbers, &**neurons, population.size, &free);
            let contents = contents.map_err(|refused| {
                self.diverged(format!("{refused}. Bounds in `train` would keep it in order"))
            })?;
            for (array, values) in contents {
                let values: Vec<f32> = values.into_iter().map(|x| x as f32).collect();
                self.engine.write_reals(array, &values)?;
            }
        }
        Ok(())
    }

    /// Trained numbers of neurons by name, as they are or as some arrays have them.
    fn numbers(&mut self, kept: Option<&Contents>) -> Result<Vec<(String, Vec<f64>)>, EngineError> {
        let mut named = Vec::new();
        for ports in &self.ports.numbers {
            let population = &self.network.populations[ports.population];
            let each = population.numbers.iter().flat_map(|numbers| &numbers.each);
            for (number, array) in each.zip(&ports.free) {
                let free = match kept.and_then(|kept| kept.iter().find(|(id, _)| id == array)) {
                    Some((_, values)) => values.clone(),
                    None => self.engine.read_reals(*array)?,
                };
                let free: Vec<f64> = free.into_iter().map(f64::from).collect();
                let name = format!("{}.{}", population.name, number.name);
                named.push((name, number.values(&free)));
            }
        }
        Ok(named)
    }

    fn clock(&self, samples: usize, slot: usize, set: Set) -> Clock {
        let per_epoch = self.round().updates() as u64;
        let update = self.progress.epoch * per_epoch + self.progress.batch;
        let optimizer = self.training.gradient().0;
        let (lr, betas) = (optimizer.descent().lr(), optimizer.descent().betas());
        let (length, done) = ([self.training.epochs, per_epoch], &self.progress.epochs);
        let scheduled = self.training.schedule.factor(update, length, done);
        let warm = (update + 1) as f64 / self.training.warmup.max(1) as f64;
        let factor = scheduled * warm.min(1.0);
        // 1 - beta^t by way of the logarithm, exact for the first updates too.
        let correction = |beta: f64| -1.0 / ((update + 1) as f64 * beta.ln()).exp_m1();
        Clock {
            seed: self.network.seed ^ set.key(),
            step: 0,
            samples: samples as u32,
            slot: slot as u32,
            learning_rate: lr * factor,
            corrections: betas.map(|beta| if beta == 0.0 { 1.0 } else { correction(beta) }),
        }
    }

    /// Fetches the losses of training batches.
    fn fetch(&mut self, pending: &mut Vec<Vec<u32>>) -> Result<(), TrainError> {
        let Progress { loss, asked, correct, .. } = self.progress;
        let mut sums = Sums { loss, asked, correct, ..Sums::default() };
        self.drain(Set::Train, pending, &mut sums)?;
        let progress = &mut self.progress;
        (progress.loss, progress.asked, progress.correct) = (sums.loss, sums.asked, sums.correct);
        Ok(())
    }

    /// Adds the results of pending batches to `sums`, in the order of the samples.
    fn drain(
        &mut self,
        set: Set,
        pending: &mut Vec<Vec<u32>>,
        sums: &mut Sums,
    ) -> Result<(), TrainError> {
        let ports = self.ports;
        let predictions = ports.answer.map(|answer| answer.predictions);
        let counts = ports.populations.iter().map(|p| Some(p.spikes?.counts));
        let words = [predictions].into_iter().chain(counts.clone()).flatten();
        let arrays: Vec<_> = words.map(Words::id).chain([ports.losses.id()]).collect();
        let fetched = self.engine.fetch(&arrays)?;
        let found = self.engine.collect(fetched)?;
        let words = |array: Option<Words>| array.map_or(&[][..], |array| found.words(array));
        let (losses, predicted) = (found.reals(ports.losses), words(predictions));
        let counts: Vec<&[u32]> = counts.map(words).collect();
        let (split, answers) = (self.samples.split(set), self.answers());
        let marks = self.marks();
        sums.spikes.resize(counts.len(), Vec::new());
        for (slot, samples) in pending.drain(..).enumerate() {
            for (k, sample) in samples.iter().enumerate() {
                let at = k * ports.slots + slot;
                let loss = f64::from(losses[at]);
                if !loss.is_finite() {
                    self.explain_loss(*sample)?;
                }
                sums.loss += loss;
                sums.losses.push(loss);
                sums.samples += 1;
                let right = split.into_iter().flat_map(|s| s.asked(*sample as usize, answers));
                for (answer, class) in right.enumerate() {
                    let at = (k * answers + answer) * ports.slots + slot;
                    let Some(predicted) = predicted.get(at) else { break };
                    let right = marks.or(class.map(u32::from));
                    sums.asked += u64::from(right.is_some());
                    sums.correct += u64::from(right == Some(*predicted));
                    sums.predictions.push(*predicted);
                }
                for (spikes, counts) in sums.spikes.iter_mut().zip(&counts) {
                    spikes.extend(counts.get(at));
                }
            }
        }
        Ok(())
    }

    /// Fails if a weight, a trained current or the state of a neuron is not finite. The loss need not show it: neurons
    /// that such numbers silence leave it as it is.
    fn check_weights(&mut self) -> Result<(), TrainError> {
        // What fell below all numbers was put at the least of them: see `optimizer::NO_FLOOR`.
        let is_sound = |x: &f32| x.is_finite() && *x > f32::MIN;
        for (tiles, projection) in self.ports.weights.iter().zip(&self.network.projections) {
            for array in tiles.arrays() {
                let weights = self.engine.read_reals(array)?;
                if let Some(k) = weights.iter().position(|x| !is_sound(x)) {
                    let name = &projection.name;
                    return Err(
                        self.diverged(format!("weight {k} of projection `{name}` is not finite"))
                    );
                }
            }
        }
        self.check_delays()?;
        self.check_attention()?;
        for (k, population) in self.network.populations.iter().enumerate() {
            let name = &population.name;
            if let Some(i_e) = self.ports.i_e[k] {
                let currents = self.engine.read_reals(i_e)?;
                if let Some(neuron) = currents.iter().position(|x| !is_sound(x)) {
                    let what = format!(
                        "the current of population `{name}`, neuron {neuron}, is not finite"
                    );
                    return Err(self.diverged(what));
                }
            }
            if let Some(states) = self.ports.populations[k].states {
                let neuron_of =
                    |at: usize| at / states.of_block % states.blocks * BLOCK + at % BLOCK;
                let all = self.engine.read_reals(states.array)?;
                let mut unsound = (0..all.len()).filter(|at| !all[*at].is_finite()).map(neuron_of);
                if let Some(neuron) = unsound.find(|neuron| *neuron < population.size) {
                    let what =
                        format!("the state of population `{name}`, neuron {neuron}, is not finite");
                    return Err(self.diverged(what));
                }
            }
        }
        Ok(())
    }

    /// Fails, saying where the first number that is not finite is.
    fn explain_loss(&mut self, sample: u32) -> Result<(), TrainError> {
        self.check_weights()?;
        for (ports, population) in self.ports.populations.iter().zip(&self.network.populations) {
            let Some(tape) = ports.tape else { continue };
            if let Some(k) = self.engine.read_reals(tape)?.iter().position(|x| !x.is_finite()) {
                let (neuron, row) = (k % population.size, k / population.size);
                let (name, step) = (&population.name, row % self.plan.steps);
                let what =
                    format!("population `{name}`, neuron {neuron}, step {step} is not finite");
                return Err(self.diverged(what));
            }
        }
        Err(self.diverged(format!("the loss of sample {sample} is not finite")))
    }

    fn diverged(&self, what: String) -> TrainError {
        let what = match self.tasks {
            Some(_) => format!("{what}, maybe by steps within a task: training.meta.inner_lr"),
            None => what,
        };
        TrainError::Diverged { epoch: self.progress.epoch + 1, batch: self.progress.batch, what }
    }

    /// Arrays that training changes: weights, constant currents, delays and numbers, by gradients or by rules.
    fn trained(&self) -> Vec<Reals> {
        let ports = self.ports;
        ports.gradients.iter().chain(&ports.changes).map(|(_, changed)| *changed).collect()
    }

    fn weights(&mut self) -> Result<Contents, EngineError> {
        let arrays = self.trained();
        arrays.into_iter().map(|array| Ok((array, self.engine.read_reals(array)?))).collect()
    }

    /// Number of trained parameters of the network; feedback that is learned with them is none.
    pub fn parameters(&self) -> u64 {
        let trained = self.trained().into_iter();
        let feedback = &self.ports.feedback;
        let own = trained.filter(|array| feedback.iter().all(|(other, _)| other != array));
        own.map(|array| self.plan.arrays[array].len as u64).sum()
    }

    /// What is learned, as it is now or as it was best: weights of each projection in their natural order, constant
    /// currents of each population, delays, weights of scores, and numbers of neurons. What is frozen was learned too.
    ///
    /// # Errors
    /// The engine fails.
    pub fn natural_weights(&mut self, best: bool) -> Result<Vec<(String, Vec<f32>)>, EngineError> {
        let kept = if best { self.best.as_ref().map(|(_, arrays)| arrays.clone()) } else { None };
        let content = |array: Reals, engine: &mut dyn Engine| {
            let kept = kept.iter().flatten().find(|(id, _)| *id == array);
            kept.map_or_else(|| engine.read_reals(array), |(_, values)| Ok(values.clone()))
        };
        let mut named = Vec::new();
        let learned = self.trained();
        for (tiles, projection) in self.ports.weights.iter().zip(&self.network.projections) {
            let learns = tiles.arrays().iter().any(|array| learned.contains(array));
            if !(learns || projection.frozen) {
                continue;
            }
            let contents = tiles.arrays().into_iter().map(|a| content(a, &mut *self.engine));
            let contents = contents.collect::<Result<Vec<_>, _>>()?;
            named.push((projection.name.clone(), tiles.unpack(&contents)));
        }
        for (i_e, population) in self.ports.i_e.iter().zip(&self.network.populations) {
            if let Some(array) = i_e.as_ref().filter(|array| learned.contains(array)) {
                named.push((
                    format!("{}.i_e", population.name),
                    content(*array, &mut *self.engine)?,
                ));
            }
        }
        named.extend(self.delays(kept.as_ref())?);
        named.extend(self.attention(kept.as_ref())?);
        let numbers = self.numbers(kept.as_ref())?;
        let single = |values: Vec<f64>| values.into_iter().map(|x| x as f32).collect();
        let frozen = self.network.populations.iter().flat_map(|population| {
            let name = |number: &String| format!("{}.{number}", population.name);
            population
                .frozen
                .iter()
                .flatten()
                .map(move |(number, values)| (name(number), values.clone()))
        });
        named
            .extend(numbers.into_iter().chain(frozen).map(|(name, values)| (name, single(values))));
        Ok(named)
    }

    /// Saves the whole state.
    ///
    /// # Errors
    /// The engine fails, the file cannot be written.
    pub fn save(&mut self, store: &Store) -> Result<(), TrainError> {
        self.check_weights()?;
        let mut arrays = Vec::new();
        for array in self.trained().into_iter().chain(self.ports.moments.clone()) {
            let values = Values::Reals(self.engine.read_reals(array)?);
            arrays.push((self.plan.arrays[array].name.clone(), values));
        }
        if let Some((_, best)) = &self.best {
            arrays.extend(best.iter().map(|(array, values)| {
                let name = format!("best/{}", self.plan.arrays[*array].name);
                (name, Values::Reals(values.clone()))
            }));
        }
        let best = self.best.as_ref().map(|(accuracy, _)| *accuracy);
        let per_epoch = self.round().updates() as u64;
        let update = self.progress.epoch * per_epoch + self.progress.batch;
        store.save(update, &(&self.progress, best), &arrays)?;
        Ok(())
    }

    /// Takes what was learned from a checkpoint, as it was then or as it had been best, and not how far the training
    /// was.
    ///
    /// # Errors
    /// The engine fails, the checkpoint is of another network.
    pub fn take(&mut self, checkpoint: &Checkpoint, best: bool) -> Result<(), TrainError> {
        for array in self.trained() {
            let (name, len) = (&self.plan.arrays[array].name, self.plan.arrays[array].len);
            let name = if best { format!("best/{name}") } else { name.clone() };
            self.engine.write_reals(array, checkpoint.finite(&name, len)?)?;
        }
        self.possible_delays(checkpoint)?;
        self.follow_numbers()
    }

    /// Goes on from a checkpoint.
    ///
    /// # Errors
    /// The engine fails, the checkpoint is of another network.
    pub fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), TrainError> {
        let (progress, best): (Progress, Option<f64>) = checkpoint.progress()?;
        let most = [self.round().updates(), self.network.populations.len()];
        if let Some(why) = progress.impossible(most.map(|n| n as u64)) {
            Err(checkpoint.foreign(why))?;
        }
        let trained = self.trained();
        for array in trained.iter().chain(&self.ports.moments) {
            let (name, len) = (&self.plan.arrays[*array].name, self.plan.arrays[*array].len);
            self.engine.write_reals(*array, checkpoint.finite(name, len)?)?;
        }
        let of_best = |array: &Reals| {
            let (name, len) = (&self.plan.arrays[*array].name, self.plan.arrays[*array].len);
            Ok((*array, checkpoint.finite(&format!("best/{name}"), len)?.to_vec()))
        };
        self.best = match best {
            Some(accuracy) => {
                let arrays: Result<_, CheckpointError> = trained.iter().map(of_best).collect();
                Some((accuracy, arrays?))
            }
            None => None,
        };
        self.progress = progress;
        self.possible_delays(checkpoint)?;
        self.follow_numbers()
    }
}
