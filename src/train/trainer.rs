//! The loop of training: shuffled batches, evaluation after each epoch, checkpoints.
//!
//! A batch is: pixels, labels and numbers of presentation go to the device, a program runs. Losses and
//! predictions stay there in a ring until it is full or it is time to tell the user, so nothing is
//! waited for in between. They are summed in f64 in the order of the samples: the sums do not depend
//! on when they were fetched, and an interrupted epoch goes on where it was.

use crate::checkpoint::{Checkpoint, CheckpointError, Store};
use crate::data::{Dataset, Split};
use crate::engine::{Engine, EngineError};
use crate::files::Values;
use crate::input::pixel_words;
use crate::kernel::Clock;
use crate::network::Network;
use crate::neuron::stepped::BLOCK;
use crate::plan::{ArrayId, Plan, ProgramId};
use crate::rng::{Purpose, Stream};
use crate::scene::{Schedule, Training};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Changes the key of random numbers for the test set, whose noise is the same in every epoch.
pub(super) const TEST_KEY: u64 = 1 << 63;

/// How often losses are fetched for the user.
pub(super) const TELL: Duration = Duration::from_millis(400);

/// How often the state is saved within an epoch.
pub(super) const SAVE: Duration = Duration::from_secs(20);

/// Results of an epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Number, from 1.
    pub epoch: u64,
    /// Mean loss over the training samples, if there is one, while the weights changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// Fraction of training samples classified rightly, while the weights changed.
    pub train_accuracy: f64,
    /// Mean loss over the test set after the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_loss: Option<f64>,
    /// Fraction of test samples classified rightly after the epoch.
    pub test_accuracy: f64,
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
    /// Right answers of the current epoch.
    pub correct: u64,
    /// Seconds of training of the current epoch, in this and earlier sessions.
    pub seconds: f64,
    /// Completed epochs.
    pub epochs: Vec<Epoch>,
}

impl Progress {
    /// Adds a completed epoch and begins the next.
    pub(super) fn complete(&mut self, epoch: Epoch) {
        let mut epochs = std::mem::take(&mut self.epochs);
        epochs.push(epoch);
        *self = Self { wall_s: self.wall_s, epoch: self.epoch + 1, epochs, ..Self::default() };
    }

    /// Why a training of so many samples to an epoch, batches and populations cannot be this far; none if it
    /// can.
    pub(super) fn impossible(&self, [samples, batches, populations]: [u64; 3]) -> Option<String> {
        let finite = [self.wall_s, self.loss, self.seconds].iter().all(|x| x.is_finite());
        let whole = |(epoch, number): (&Epoch, u64)| {
            epoch.epoch == number
                && (0.0..=1.0).contains(&epoch.train_accuracy)
                && (0.0..=1.0).contains(&epoch.test_accuracy)
                && epoch.test_spikes.len() as u64 == populations
                && epoch.test_spikes.iter().all(|spikes| spikes.is_finite())
        };
        Some(match () {
            () if !finite => "a time or a loss is not finite".to_owned(),
            () if self.batch > batches => format!("batch {} is beyond {batches}", self.batch),
            () if self.correct > samples => {
                format!("{} right answers are more than {samples} samples", self.correct)
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
        /// Fraction of right answers so far.
        accuracy: f64,
    },
    /// The test set is being done.
    Testing,
    /// An epoch was done.
    Epoch(&'a Epoch),
}

/// How a training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
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
type Contents = Vec<(ArrayId, Vec<f32>)>;

/// Network, data and engine, and how far they have come.
pub struct Trainer<'a> {
    training: &'a Training,
    network: &'a Network,
    plan: &'a Plan,
    data: &'a Dataset,
    engine: Box<dyn Engine + 'a>,
    train: ProgramId,
    evaluate: ProgramId,
    /// Where the training is.
    pub progress: Progress,
    /// Best test accuracy and the arrays that had it.
    best: Option<(f64, Contents)>,
    shuffle: Stream,
}

/// What a sample did to the network, for pictures.
pub struct Presented {
    /// Predicted class.
    pub predicted: usize,
    /// For each population its spikes, as steps and neurons.
    pub spikes: Vec<Vec<(u32, u32)>>,
    /// For each population the tape: distance to the threshold or potential, steps × n.
    pub tapes: Vec<Vec<f32>>,
}

/// Sums over a set of samples.
#[derive(Debug, Clone, Default)]
struct Sums {
    loss: f64,
    correct: u64,
    samples: u64,
    spikes: Vec<u64>,
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
        data: &'a Dataset,
        engine: Box<dyn Engine + 'a>,
    ) -> Self {
        let program = |name| plan.program(name).expect("a plan for training has this program");
        Self {
            train: program("train"),
            evaluate: program("evaluate"),
            shuffle: Stream::new(network.seed, Purpose::Shuffle, 0),
            training,
            network,
            plan,
            data,
            engine,
            progress: Progress::default(),
            best: None,
        }
    }

    /// The engine.
    pub fn engine(&mut self) -> &mut dyn Engine {
        &mut *self.engine
    }

    fn batches(&self, samples: usize) -> usize {
        samples.div_ceil(self.plan.batch)
    }

    /// Trains until all epochs are done or the observer answers false.
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
        while self.progress.epoch < self.training.epochs {
            let train = &self.data.train;
            let order = self.shuffle.permutation(train.len() as u32, self.progress.epoch);
            let count = self.batches(train.len());
            let mut told = Instant::now();
            let mut pending = Vec::new();
            while (self.progress.batch as usize) < count {
                let since = Instant::now();
                let batch = self.progress.batch as usize;
                let samples =
                    &order[batch * self.plan.batch..train.len().min((batch + 1) * self.plan.batch)];
                let first =
                    self.progress.epoch * train.len() as u64 + (batch * self.plan.batch) as u64;
                let presentation: Vec<u32> =
                    (0..samples.len() as u64).map(|k| (first + k) as u32).collect();
                self.load(train, samples, &presentation)?;
                let clock = self.clock(samples.len(), pending.len(), false);
                self.engine.run(self.train, &clock, self.plan.steps)?;
                self.progress.batch += 1;
                pending.push(samples.to_vec());
                let last = self.progress.batch as usize == count;
                let save = store.is_some() && saved.elapsed() > SAVE;
                let tell = told.elapsed() > TELL;
                let mut go_on = true;
                if last || save || tell || pending.len() == self.plan.ports.slots {
                    self.fetch(&mut pending)?;
                    told = Instant::now();
                    self.progress.seconds += since.elapsed().as_secs_f64();
                    let done =
                        (self.progress.batch as usize * self.plan.batch).min(train.len()) as u64;
                    go_on = observe(Event::Batch {
                        samples: done,
                        of: train.len() as u64,
                        loss: Some(self.progress.loss / done as f64),
                        accuracy: self.progress.correct as f64 / done as f64,
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
            if self.best.as_ref().is_none_or(|(best, _)| epoch.test_accuracy > *best) {
                self.best = Some((epoch.test_accuracy, self.weights()?));
            }
            self.progress.wall_s = before + begun.elapsed().as_secs_f64();
            self.progress.complete(epoch);
            if let Some(store) = store {
                self.save(store)?;
                saved = Instant::now();
            }
            if let Some(epoch) = self.progress.epochs.last()
                && !observe(Event::Epoch(epoch))
            {
                return Ok(Outcome::Interrupted);
            }
        }
        Ok(Outcome::Finished)
    }

    fn finish_epoch(&mut self) -> Result<Epoch, TrainError> {
        let since = Instant::now();
        let (sums, _) = self.test()?;
        let seconds = since.elapsed().as_secs_f64();
        let samples = self.data.train.len() as f64;
        let tested = sums.samples as f64;
        Ok(Epoch {
            epoch: self.progress.epoch + 1,
            loss: Some(self.progress.loss / samples),
            train_accuracy: self.progress.correct as f64 / samples,
            test_loss: Some(sums.loss / tested),
            test_accuracy: sums.correct as f64 / tested,
            test_spikes: sums.spikes.iter().map(|s| *s as f64 / tested).collect(),
            train_samples_per_s: samples / self.progress.seconds.max(1e-9),
            test_samples_per_s: tested / seconds.max(1e-9),
        })
    }

    /// Runs the test set: sums, and the predicted class of each sample.
    fn test(&mut self) -> Result<(Sums, Vec<u32>), TrainError> {
        let test = &self.data.test;
        let (mut sums, mut predictions) = (Sums::default(), Vec::new());
        let mut pending = Vec::new();
        let indices: Vec<u32> = (0..test.len() as u32).collect();
        for samples in indices.chunks(self.plan.batch) {
            self.load(test, samples, samples)?;
            let clock = self.clock(samples.len(), pending.len(), true);
            self.engine.run(self.evaluate, &clock, self.plan.steps)?;
            pending.push(samples.to_vec());
            let last = samples.last() == indices.last();
            if last || pending.len() == self.plan.ports.slots {
                self.drain(test, &mut pending, &mut sums, &mut predictions)?;
            }
        }
        Ok((sums, predictions))
    }

    /// Counts of `[true][predicted]` classes over the test set.
    ///
    /// # Errors
    /// The engine fails.
    pub fn confusion(&mut self) -> Result<Vec<u64>, TrainError> {
        let classes = self.classes();
        let (_, predictions) = self.test()?;
        let mut counts = vec![0; classes * classes];
        for (label, predicted) in self.data.test.labels.iter().zip(predictions) {
            counts[usize::from(*label) * classes + predicted as usize] += 1;
        }
        Ok(counts)
    }

    fn classes(&self) -> usize {
        let output = self.plan.ports.output.unwrap_or_default();
        self.plan.arrays[output].len / self.plan.batch
    }

    /// Presents one test sample and reads what the network did.
    ///
    /// # Errors
    /// The engine fails.
    pub fn present(&mut self, sample: u32) -> Result<Presented, TrainError> {
        let test = &self.data.test;
        self.load(test, &[sample], &[sample])?;
        let clock = self.clock(1, 0, true);
        self.engine.run(self.evaluate, &clock, self.plan.steps)?;
        let predictions =
            self.engine.read_words(self.plan.ports.predictions.unwrap_or_default())?;
        let steps = self.plan.steps;
        let (mut spikes, mut tapes) = (Vec::new(), Vec::new());
        for (ports, population) in self.plan.ports.populations.iter().zip(&self.network.populations)
        {
            let n = population.size;
            tapes.push(match ports.tape {
                Some(tape) => self.engine.read_reals(tape)?[..steps * n].to_vec(),
                None => Vec::new(),
            });
            spikes.push(match ports.spikes {
                Some(array) => {
                    let words = self.engine.read_words(array)?;
                    crate::record::decode(&words, n, ports.history, steps).collect()
                }
                None => Vec::new(),
            });
        }
        Ok(Presented { predicted: predictions[0] as usize, spikes, tapes })
    }

    /// Sends samples to the device.
    fn load(
        &mut self,
        split: &Split,
        samples: &[u32],
        presentation: &[u32],
    ) -> Result<(), EngineError> {
        let stride = pixel_words(split.pixels());
        let mut bytes = vec![0u8; samples.len() * stride * 4];
        for (row, sample) in bytes.chunks_exact_mut(stride * 4).zip(samples) {
            row[..split.pixels()].copy_from_slice(split.image(*sample as usize));
        }
        let pixels: Vec<u32> =
            bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let labels: Vec<u32> =
            samples.iter().map(|s| u32::from(split.labels[*s as usize])).collect();
        let ports = &self.plan.ports;
        self.engine.write_words(ports.pixels.unwrap_or_default(), &pixels)?;
        self.engine.write_words(ports.labels.unwrap_or_default(), &labels)?;
        self.engine.write_words(ports.presentation.unwrap_or_default(), presentation)
    }

    fn clock(&self, samples: usize, slot: usize, test: bool) -> Clock {
        let per_epoch = self.batches(self.data.train.len()) as u64;
        let update = self.progress.epoch * per_epoch + self.progress.batch;
        let total = (self.training.epochs * per_epoch).max(2) - 1;
        let optimizer = self.training.gradient().0;
        let (lr, betas) = (optimizer.descent().lr(), optimizer.descent().betas());
        let factor = match self.training.schedule {
            Schedule::Constant => 1.0,
            Schedule::Cosine { floor } => {
                let phase = std::f64::consts::PI * update as f64 / total as f64;
                floor + (1.0 - floor) * 0.5 * (1.0 + phase.cos())
            }
        };
        // 1 - beta^t by way of the logarithm, exact for the first updates too.
        let correction = |beta: f64| -1.0 / ((update + 1) as f64 * beta.ln()).exp_m1();
        Clock {
            seed: self.network.seed ^ if test { TEST_KEY } else { 0 },
            step: 0,
            samples: samples as u32,
            slot: slot as u32,
            learning_rate: lr * factor,
            corrections: betas.map(|beta| if beta == 0.0 { 1.0 } else { correction(beta) }),
        }
    }

    /// Fetches the losses of training batches.
    fn fetch(&mut self, pending: &mut Vec<Vec<u32>>) -> Result<(), TrainError> {
        let mut sums =
            Sums { loss: self.progress.loss, correct: self.progress.correct, ..Sums::default() };
        let train = &self.data.train;
        self.drain(train, pending, &mut sums, &mut Vec::new())?;
        (self.progress.loss, self.progress.correct) = (sums.loss, sums.correct);
        Ok(())
    }

    /// Adds the results of pending batches to `sums`, in the order of the samples.
    fn drain(
        &mut self,
        split: &Split,
        pending: &mut Vec<Vec<u32>>,
        sums: &mut Sums,
        predictions: &mut Vec<u32>,
    ) -> Result<(), TrainError> {
        let ports = &self.plan.ports;
        let losses = self.engine.read_reals(ports.losses.unwrap_or_default())?;
        let predicted = self.engine.read_words(ports.predictions.unwrap_or_default())?;
        let counts = ports
            .populations
            .iter()
            .map(|p| p.counts.map_or(Ok(Vec::new()), |array| self.engine.read_words(array)))
            .collect::<Result<Vec<_>, _>>()?;
        sums.spikes.resize(counts.len(), 0);
        for (slot, samples) in pending.drain(..).enumerate() {
            for (k, sample) in samples.iter().enumerate() {
                let at = k * ports.slots + slot;
                let loss = f64::from(losses[at]);
                if !loss.is_finite() {
                    self.explain_loss(*sample)?;
                }
                sums.loss += loss;
                sums.correct +=
                    u64::from(predicted[at] == u32::from(split.labels[*sample as usize]));
                sums.samples += 1;
                predictions.push(predicted[at]);
                for (sum, counts) in sums.spikes.iter_mut().zip(&counts) {
                    *sum += counts.get(at).map_or(0, |c| u64::from(*c));
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
        for (tiles, projection) in self.plan.ports.weights.iter().zip(&self.network.projections) {
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
        for (k, population) in self.network.populations.iter().enumerate() {
            let name = &population.name;
            if let Some(i_e) = self.plan.ports.i_e[k] {
                let currents = self.engine.read_reals(i_e)?;
                if let Some(neuron) = currents.iter().position(|x| !is_sound(x)) {
                    let what = format!(
                        "the current of population `{name}`, neuron {neuron}, is not finite"
                    );
                    return Err(self.diverged(what));
                }
            }
            if let Some(states) = self.plan.ports.populations[k].states {
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
        for (ports, population) in self.plan.ports.populations.iter().zip(&self.network.populations)
        {
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
        TrainError::Diverged { epoch: self.progress.epoch + 1, batch: self.progress.batch, what }
    }

    /// Arrays that training changes: weights and constant currents.
    fn trained(&self) -> Vec<ArrayId> {
        self.plan.ports.gradients.iter().map(|(_, weights)| *weights).collect()
    }

    fn weights(&mut self) -> Result<Contents, EngineError> {
        let arrays = self.trained();
        arrays.into_iter().map(|array| Ok((array, self.engine.read_reals(array)?))).collect()
    }

    /// Number of trained parameters.
    pub fn parameters(&self) -> u64 {
        self.trained().iter().map(|array| self.plan.arrays[*array].len as u64).sum()
    }

    /// Weights of each projection in their natural order, as they are now or as they were best,
    /// then the constant currents of each population of neurons.
    ///
    /// # Errors
    /// The engine fails.
    pub fn natural_weights(&mut self, best: bool) -> Result<Vec<(String, Vec<f32>)>, EngineError> {
        let kept = if best { self.best.as_ref().map(|(_, arrays)| arrays.clone()) } else { None };
        let content = |array: ArrayId, engine: &mut dyn Engine| {
            let kept = kept.iter().flatten().find(|(id, _)| *id == array);
            kept.map_or_else(|| engine.read_reals(array), |(_, values)| Ok(values.clone()))
        };
        let mut named = Vec::new();
        for (tiles, projection) in self.plan.ports.weights.iter().zip(&self.network.projections) {
            let contents = tiles.arrays().into_iter().map(|a| content(a, &mut *self.engine));
            let contents = contents.collect::<Result<Vec<_>, _>>()?;
            named.push((projection.name.clone(), tiles.unpack(&contents)));
        }
        for (i_e, population) in self.plan.ports.i_e.iter().zip(&self.network.populations) {
            if let Some(array) = i_e {
                named.push((
                    format!("{}.i_e", population.name),
                    content(*array, &mut *self.engine)?,
                ));
            }
        }
        Ok(named)
    }

    /// Saves the whole state.
    ///
    /// # Errors
    /// The engine fails, the file cannot be written.
    pub fn save(&mut self, store: &Store) -> Result<(), TrainError> {
        self.check_weights()?;
        let mut arrays = Vec::new();
        for array in self.trained().into_iter().chain(self.plan.ports.moments.clone()) {
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
        let per_epoch = self.batches(self.data.train.len()) as u64;
        let update = self.progress.epoch * per_epoch + self.progress.batch;
        store.save(update, &(&self.progress, best), &arrays)?;
        Ok(())
    }

    /// Goes on from a checkpoint.
    ///
    /// # Errors
    /// The engine fails, the checkpoint is of another network.
    pub fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), TrainError> {
        let (progress, best): (Progress, Option<f64>) = checkpoint.progress()?;
        let samples = self.data.train.len();
        let most = [samples, self.batches(samples), self.network.populations.len()];
        if let Some(why) = progress.impossible(most.map(|n| n as u64)) {
            Err(checkpoint.foreign(why))?;
        }
        let trained = self.trained();
        for array in trained.iter().chain(&self.plan.ports.moments) {
            let (name, len) = (&self.plan.arrays[*array].name, self.plan.arrays[*array].len);
            self.engine.write_reals(*array, checkpoint.finite(name, len)?)?;
        }
        let of_best = |array: &ArrayId| {
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
        Ok(())
    }
}
