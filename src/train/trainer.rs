//! Training: shuffled batches, evaluation after each epoch, checkpoints. A window of its run is a batch, and the last of an
//! epoch is the evaluation.
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
mod keep;
mod progress;
mod show;
mod tasks;

use progress::TOLD;
pub use progress::{Progress, TrainError};
pub use show::{Predictions, Presented, Scores};

use super::epoch::Epoch;
use super::loss::Wanted;
use crate::checkpoint::Store;
use crate::data::delayed_recall::shortened;
use crate::data::traces::Traces;
use crate::data::{self, Dataset, Split};
use crate::engine::{Engine, EngineError};
use crate::kernel::Clock;
use crate::network::Network;
use crate::plan::{
    AnswerPorts, InputPorts, Plan, ProgramId, Reals, Supervision, TrainingPorts, Words,
};
use crate::rng::{Purpose, Stream};
use crate::run::{self, Begun, Event, Outcome, Run};
use crate::scene::{Augment, Training};
use std::time::Instant;
pub use tasks::MEASURED;
use tasks::Tasks;

/// Changes the key of random numbers for the test set, whose noise is the same in every epoch.
const TEST_KEY: u64 = 1 << 63;

/// The same for the validation set.
const VALIDATION_KEY: u64 = 1 << 61;

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
    /// What the epoch goes through, once it has begun.
    order: Vec<u32>,
    /// Samples of the batches whose losses are still in the ring.
    pending: Vec<Vec<u32>>,
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
    pub(in crate::train) fn key(self) -> u64 {
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

/// Writes samples as they are shown, or the parts of them that populations show, and the numbers of their presentation.
pub(in crate::train) fn write_samples(
    engine: &mut dyn Engine,
    ports: &InputPorts,
    (split, shown): (&Split, &[impl AsRef<[u8]>]),
    presentation: &[u32],
) -> Result<(), EngineError> {
    if let Some(array) = ports.pixels {
        engine.write_words(array, &packed(shown))?;
    }
    for (part, array) in &ports.parts {
        let parts: Vec<_> = shown.iter().map(|image| split.cut(image.as_ref(), part)).collect();
        engine.write_words(*array, &packed(&parts))?;
    }
    engine.write_words(ports.presentation, presentation)
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
            order: Vec::new(),
            pending: Vec::new(),
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
    /// Checkpoints go to `store`, if given: at the beginning, and as [`run::windows`] has it. A state with a number that
    /// is not finite is never saved.
    ///
    /// # Errors
    /// The engine fails, a checkpoint cannot be written, a number is not finite.
    pub fn run(
        &mut self,
        store: Option<&Store>,
        observe: &mut dyn FnMut(Event<'_>) -> bool,
    ) -> Result<Outcome, TrainError> {
        self.order.clear();
        if let Some(store) = store
            && (self.progress.epoch, self.progress.batch) == (0, 0)
        {
            self.save(store)?;
        }
        run::windows(self, store, observe)
    }

    /// An update by a batch of samples, of which so many were shown before in this epoch.
    fn learn_batch(&mut self, before: usize, samples: Vec<u32>) -> Result<(), TrainError> {
        let first = self.progress.epoch * self.samples.count(Set::Train) as u64 + before as u64;
        let presentation: Vec<u32> =
            (0..samples.len() as u64).map(|k| (first + k) as u32).collect();
        let (augment, slot) = (self.training.augment(), self.pending.len());
        self.show(self.train, Set::Train, augment, (&samples, &presentation), slot)?;
        self.pending.push(samples);
        Ok(())
    }

    /// Judges the network and begins the next epoch.
    fn end_epoch(&mut self) -> Result<Begun, TrainError> {
        self.check_weights()?;
        let epoch = self.finish_epoch()?;
        if self.progress.best().is_none_or(|best| epoch.beats(best)) {
            self.best = Some((epoch.merit(), self.weights()?));
        }
        self.progress.complete(epoch);
        self.order.clear();
        // An epoch of one presentation is soon done again.
        let is_long = matches!(self.samples, Samples::Labelled(_));
        Ok(Begun::Epoch { save: is_long || !self.progress.goes_on(self.training) })
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
            self.show(self.evaluate, set, augment, (samples, samples), pending.len())?;
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
                self.drain(set, std::mem::take(&mut pending), &mut sums)?;
            }
        }
        Ok(sums)
    }

    /// Delay of the training samples in the epoch to come, if it goes by finished ones \[ms\].
    fn gated(&self) -> Option<f64> {
        self.training.data.as_ref()?.gated(&self.progress.epochs)
    }

    /// Shows samples by a program, each after some changes. Their losses are left in a slot.
    fn show(
        &mut self,
        program: ProgramId,
        set: Set,
        augment: &[Augment],
        (samples, presentation): (&[u32], &[u32]),
        slot: usize,
    ) -> Result<(), EngineError> {
        self.load(set, augment, samples, presentation)?;
        let clock = self.clock(samples.len(), slot, set);
        self.engine.run(program, &clock, self.plan.steps)
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
        let Some(split) = self.samples.split(set) else {
            return self.engine.write_words(ports.presentation, presentation);
        };
        let epoch = if set == Set::Train { self.progress.epoch } else { 0 };
        let draw = (epoch, self.network.seed ^ set.key());
        // What is judged by the test set is the full task.
        let delay = self.gated().filter(|_| set != Set::Test);
        let image = |sample: u32| match delay {
            Some(delay) => shortened(split.image(sample as usize), delay).into(),
            None => split.image(sample as usize).into(),
        };
        let changed = |sample: &u32| data::changed(augment, split, (*sample, image(*sample)), draw);
        let shown: Vec<_> = samples.iter().map(changed).collect();
        write_samples(&mut *self.engine, ports, (split, &shown), presentation)?;
        let Some(AnswerPorts { answers, supervision, .. }) = self.ports.answer else {
            return Ok(());
        };
        match supervision {
            Supervision::Labels(array) => {
                let labels = samples.iter().flat_map(|s| split.asked(*s as usize, answers));
                let labels: Vec<u32> = labels.map(|l| l.map_or(u32::MAX, u32::from)).collect();
                self.engine.write_words(array, &labels)
            }
            // A target is some number, also where none is known and nobody asks for it.
            Supervision::Targets(array) => {
                let outputs = self.plan.arrays[array].len / self.plan.batch;
                let wanted = samples.iter().flat_map(|s| split.wanted(*s as usize, outputs));
                self.engine.write_reals(array, &wanted.collect::<Vec<f32>>())
            }
        }
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
    fn fetch(&mut self) -> Result<(), TrainError> {
        let Progress { loss, asked, correct, .. } = self.progress;
        let mut sums = Sums { loss, asked, correct, ..Sums::default() };
        let pending = std::mem::take(&mut self.pending);
        self.drain(Set::Train, pending, &mut sums)?;
        let progress = &mut self.progress;
        (progress.loss, progress.asked, progress.correct) = (sums.loss, sums.asked, sums.correct);
        Ok(())
    }

    /// Adds the results of pending batches to `sums`, in the order of the samples.
    fn drain(
        &mut self,
        set: Set,
        pending: Vec<Vec<u32>>,
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
        for (slot, samples) in pending.into_iter().enumerate() {
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
}

impl Run for Trainer<'_> {
    type Error = TrainError;

    /// An update by a batch or by some tasks; after the last of an epoch the evaluation.
    fn begin(&mut self) -> Result<Begun, TrainError> {
        if !self.progress.goes_on(self.training) {
            return Ok(Begun::Nothing);
        }
        let round = self.round();
        let first = self.progress.batch as usize * round.per_update;
        if first >= round.items {
            return self.end_epoch();
        }
        if self.order.is_empty() {
            let epochs = [self.progress.epoch, self.training.epochs];
            let items = round.items as u32;
            self.order = self.training.order.of(items, epochs, &self.ranks, self.shuffle);
        }
        let next = self.order[first..round.items.min(first + round.per_update)].to_vec();
        self.narrow_delays()?;
        match self.tasks.filter(|tasks| tasks.meta.tasks().is_some()) {
            Some(tasks) => self.learn_tasks(tasks, &next)?,
            None => self.learn_batch(first, next)?,
        }
        self.progress.batch += 1;
        self.follow_numbers()?;
        Ok(Begun::Window)
    }

    fn settle(&mut self, all: bool) -> Result<bool, TrainError> {
        let is_last = self.progress.batch == self.round().updates() as u64;
        let is_due = all || is_last || self.pending.len() == self.ports.slots;
        let settles = is_due && !self.pending.is_empty();
        if settles {
            self.fetch()?;
        }
        Ok(settles)
    }

    fn tell(&mut self) -> Result<Event<'_>, TrainError> {
        let round = self.round();
        let done = round.samples(self.progress.batch as usize);
        let loss = Some(self.progress.loss / done as f64);
        Ok(self.progress.event(done, round.samples(round.updates()), loss))
    }

    fn spend(&mut self, seconds: f64) {
        self.progress.spend(seconds);
    }

    fn save(&mut self, store: &Store) -> Result<(), TrainError> {
        self.keep(store)
    }
}
