//! Training without a gradient: samples are shown one after the other while synapses learn by rules of
//! their own, and neurons get their meaning afterwards.
//!
//! Each sample is a window. Before it, all but weights and what lasts in neurons is forgotten. After an
//! epoch learning is switched off and the last training samples are shown again: each neuron is assigned
//! to the class for which it spikes most on average. A test sample belongs to the class whose neurons
//! spike most on average (Diehl & Cook 2015). While it learns, the accuracy is told of samples that are
//! judged by the responses to those before them.

use super::assignment::{Responses, answer};
use super::epoch::Epoch;
use super::loss::Of;
use super::trainer::{Event, Outcome, Presented, Progress, SAVE, TELL, TEST_KEY, TrainError};
use crate::checkpoint::{Checkpoint, Store};
use crate::data::{self, Dataset, Split};
use crate::engine::{Engine, EngineError};
use crate::files::Values;
use crate::kernel::Clock;
use crate::network::Network;
use crate::plan::{Plan, ProgramId, Reals, SimulationPorts};
use crate::record::decode_row;
use crate::rng::{Purpose, Stream};
use crate::scene::Training;
use crate::simulation::learned_weights;
use std::time::Instant;

/// Samples after which neurons are assigned anew, for the accuracy while learning.
const REASSIGN: u64 = 1000;

/// A network that learns from samples by itself.
pub struct Learner<'a> {
    training: &'a Training,
    network: &'a Network,
    plan: &'a Plan,
    ports: &'a SimulationPorts,
    data: &'a Dataset,
    engine: Box<dyn Engine + 'a>,
    learn: ProgramId,
    evaluate: ProgramId,
    /// Population that answers, and training samples by which its neurons are assigned.
    population: usize,
    assigned_by: usize,
    classes: usize,
    shuffle: Stream,
    /// Where the training is.
    pub progress: Progress,
    /// Class of each neuron of the population that answers.
    pub assigned: Vec<Option<usize>>,
    /// Responses since neurons were last assigned, while learning.
    responses: Responses,
    /// `[true][predicted]` classes over the test set.
    pub confusion: Vec<u64>,
}

impl<'a> Learner<'a> {
    /// A training at its beginning.
    ///
    /// # Panics
    /// If scene and plan are not for a training of this kind.
    pub fn new(
        training: &'a Training,
        network: &'a Network,
        plan: &'a Plan,
        data: &'a Dataset,
        engine: Box<dyn Engine + 'a>,
    ) -> Self {
        let program = |name| plan.program(name).expect("a plan for samples has this program");
        let Of::Assigned(assignment) = training.loss.of() else {
            unreachable!("other losses have gradients")
        };
        let population = network.populations.iter().position(|p| p.name == assignment.population);
        let population = population.expect("the scene was checked");
        let labels = data.train.labels.iter().chain(&data.test.labels);
        let classes = 1 + usize::from(labels.max().copied().unwrap_or(0));
        let neurons = network.populations[population].size;
        Self {
            learn: program("learn"),
            evaluate: program("evaluate"),
            ports: plan.simulation(),
            shuffle: Stream::new(network.seed, Purpose::Shuffle, 0),
            progress: Progress::default(),
            assigned: vec![None; neurons],
            responses: Responses::new(classes, neurons),
            confusion: vec![0; classes * classes],
            training,
            network,
            plan,
            data,
            engine,
            population,
            assigned_by: assignment.samples as usize,
            classes,
        }
    }

    /// The engine.
    pub fn engine(&mut self) -> &mut dyn Engine {
        &mut *self.engine
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Number of weights that change.
    pub fn parameters(&self) -> u64 {
        self.weight_arrays().into_iter().map(|array| self.plan.arrays[array].len as u64).sum()
    }

    fn weight_arrays(&self) -> Vec<Reals> {
        self.ports.live.iter().flatten().flat_map(|live| live.weights.arrays()).collect()
    }

    /// Learns until all epochs are done, `stop` ends it, or the observer answers false. Checkpoints go to `store` as in
    /// [`super::Trainer::run`].
    ///
    /// # Errors
    /// The engine fails, a checkpoint cannot be written, a weight is not finite.
    pub fn run(
        &mut self,
        store: Option<&Store>,
        observe: &mut dyn FnMut(Event<'_>) -> bool,
    ) -> Result<Outcome, TrainError> {
        let (mut saved, mut told) = (Instant::now(), Instant::now());
        let (begun, before) = (saved, self.progress.wall_s);
        let count = self.data.train.len() as u64;
        while self.progress.goes_on(self.training) {
            let epochs = [self.progress.epoch, self.training.epochs];
            let order = self.training.order.of(count as u32, epochs, &[], self.shuffle);
            while self.progress.batch < count {
                let since = Instant::now();
                let sample = order[self.progress.batch as usize];
                let label = usize::from(self.data.train.labels[sample as usize]);
                let presentation = self.progress.epoch * count + self.progress.batch;
                let shown = self.show(false, sample, (self.learn, presentation as u32))?;
                let counts = self.counts(&shown);
                let answer = answer(self.classes, &self.assigned, &counts);
                self.progress.asked += 1;
                self.progress.correct += u64::from(answer == label);
                self.responses.add(label, &counts);
                self.progress.batch += 1;
                let done = self.progress.batch;
                if done.is_multiple_of(REASSIGN) {
                    self.assigned = self.responses.classes();
                    self.responses = Responses::new(self.classes, counts.len());
                }
                self.progress.seconds += since.elapsed().as_secs_f64();
                let mut go_on = true;
                if done == count || told.elapsed() > TELL {
                    told = Instant::now();
                    let accuracy = Some(self.progress.correct as f64 / done as f64);
                    let batch = Event::Batch { samples: done, of: count, loss: None, accuracy };
                    go_on = observe(batch);
                }
                self.progress.wall_s = before + begun.elapsed().as_secs_f64();
                if let Some(store) = store
                    && (saved.elapsed() > SAVE || !go_on)
                {
                    self.save(store)?;
                    saved = Instant::now();
                }
                if !go_on {
                    return Ok(Outcome::Interrupted);
                }
            }
            observe(Event::Testing);
            let epoch = self.finish_epoch(&order)?;
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

    /// Assigns neurons by the last samples of the epoch, and judges the test set.
    fn finish_epoch(&mut self, order: &[u32]) -> Result<Epoch, TrainError> {
        let neurons = self.network.populations[self.population].size;
        let mut responses = Responses::new(self.classes, neurons);
        for sample in order.iter().rev().take(self.assigned_by) {
            let shown = self.show(false, *sample, (self.evaluate, *sample))?;
            let label = usize::from(self.data.train.labels[*sample as usize]);
            responses.add(label, &self.counts(&shown));
        }
        self.assigned = responses.classes();
        let since = Instant::now();
        self.confusion.fill(0);
        let mut spikes = vec![0u64; self.network.populations.len()];
        for sample in 0..self.data.test.len() as u32 {
            let shown = self.show(true, sample, (self.evaluate, sample))?;
            let label = usize::from(self.data.test.labels[sample as usize]);
            let answer = answer(self.classes, &self.assigned, &self.counts(&shown));
            self.confusion[label * self.classes + answer] += 1;
            for row in shown.chunks(self.ports.row) {
                for (k, sum) in spikes.iter_mut().enumerate() {
                    let words = self.words_of(k, row).iter();
                    *sum += words.map(|word| u64::from(word.count_ones())).sum::<u64>();
                }
            }
        }
        let tested = self.data.test.len() as f64;
        let right: u64 = (0..self.classes).map(|k| self.confusion[k * self.classes + k]).sum();
        let train = self.data.train.len() as f64;
        Ok(Epoch {
            epoch: self.progress.epoch + 1,
            train_accuracy: Some(self.progress.correct as f64 / train),
            test_accuracy: Some(right as f64 / tested),
            test_spikes: spikes.iter().map(|s| *s as f64 / tested).collect(),
            train_samples_per_s: train / self.progress.seconds.max(1e-9),
            test_samples_per_s: tested / since.elapsed().as_secs_f64().max(1e-9),
            ..Epoch::default()
        })
    }

    /// Words of a population in a row of spikes.
    fn words_of<'r>(&self, population: usize, row: &'r [u32]) -> &'r [u32] {
        let first = &self.ports.first_word;
        &row[first[population]..first.get(population + 1).copied().unwrap_or(self.ports.row)]
    }

    /// Shows a sample: the spikes of its steps, a row for each. The number of the presentation is the key of
    /// its noise.
    fn show(
        &mut self,
        test: bool,
        sample: u32,
        (program, presentation): (ProgramId, u32),
    ) -> Result<Vec<u32>, EngineError> {
        let split: &Split = if test { &self.data.test } else { &self.data.train };
        // What neurons are named by is as the test images are.
        let augment = if program == self.learn { self.training.augment() } else { &[] };
        let pixels: Vec<u32> =
            data::shown(augment, split, sample, (self.progress.epoch, self.network.seed))
                .chunks(4)
                .map(|c| c.iter().rev().fold(0, |word, pixel| word << 8 | u32::from(*pixel)))
                .collect();
        // A test image's noise is the same in every epoch, and no training image's.
        let key = if test { TEST_KEY } else { u64::from(program == self.evaluate) << 62 };
        let ports = &self.plan.input;
        if let Some(array) = ports.pixels {
            self.engine.write_words(array, &pixels)?;
        }
        self.engine.write_words(ports.presentation, &[presentation])?;
        let clock = Clock {
            seed: self.network.seed ^ key,
            step: 0,
            samples: 1,
            slot: 0,
            learning_rate: 0.0,
            corrections: [1.0; 2],
        };
        self.engine.run(program, &clock, self.plan.steps)?;
        self.engine.read_words(self.ports.spikes)
    }

    /// How often each neuron of the population that answers spikes.
    fn counts(&self, spikes: &[u32]) -> Vec<u32> {
        let mut counts = vec![0u32; self.network.populations[self.population].size];
        for row in spikes[self.ports.before..].chunks(self.ports.row) {
            decode_row(self.words_of(self.population, row)).for_each(|id| counts[id as usize] += 1);
        }
        counts
    }

    /// Shows a test sample with learning switched off, and reads what the network did.
    ///
    /// # Errors
    /// The engine fails.
    pub fn present(&mut self, sample: u32) -> Result<Presented, EngineError> {
        let shown = self.show(true, sample, (self.evaluate, sample))?;
        let mut spikes = vec![Vec::new(); self.network.populations.len()];
        for (t, row) in shown.chunks(self.ports.row).enumerate() {
            for (k, spikes) in spikes.iter_mut().enumerate() {
                spikes.extend(decode_row(self.words_of(k, row)).map(|id| (t as u32, id)));
            }
        }
        let predicted = answer(self.classes, &self.assigned, &self.counts(&shown));
        Ok(Presented { predicted, spikes, tapes: Vec::new(), potentials: Vec::new() })
    }

    /// Weights of the projections that learn, in their natural order.
    ///
    /// # Errors
    /// The engine fails.
    pub fn weights(&mut self) -> Result<Vec<(String, Vec<f32>)>, EngineError> {
        learned_weights(self.network, self.ports, &mut *self.engine)
    }

    /// Arrays that outlast a sample.
    fn lasting(&self) -> Vec<Reals> {
        let mut arrays = self.weight_arrays();
        arrays.extend(&self.ports.lasting);
        arrays
    }

    /// Saves the whole state.
    ///
    /// # Errors
    /// The engine fails, a weight is not finite, the file cannot be written.
    pub fn save(&mut self, store: &Store) -> Result<(), TrainError> {
        let mut arrays = Vec::new();
        for array in self.lasting() {
            let name = self.plan.arrays[array].name.clone();
            let values = self.engine.read_reals(array)?;
            if let Some(k) = values.iter().position(|x| !x.is_finite()) {
                return Err(TrainError::Diverged {
                    epoch: self.progress.epoch + 1,
                    batch: self.progress.batch,
                    what: format!("number {k} of `{name}` is not finite"),
                });
            }
            arrays.push((name, Values::Reals(values)));
        }
        let assigned = self.assigned.iter().map(|class| class.map_or(-1.0, |class| class as f32));
        for (name, values) in [
            ("assigned", assigned.collect()),
            ("responses", self.responses.spikes.clone()),
            ("shown", self.responses.shown.clone()),
        ] {
            arrays.push((name.to_owned(), Values::Reals(values)));
        }
        let update = self.progress.epoch * self.data.train.len() as u64 + self.progress.batch;
        store.save(update, &(&self.progress, &self.confusion), &arrays)?;
        Ok(())
    }

    /// Goes on from a checkpoint.
    ///
    /// # Errors
    /// The engine fails, the checkpoint is of another network.
    pub fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), TrainError> {
        let (progress, confusion): (Progress, Vec<u64>) = checkpoint.progress()?;
        let samples = self.data.train.len() as u64;
        let most = [samples, self.network.populations.len() as u64];
        if let Some(why) = progress.impossible(most) {
            Err(checkpoint.foreign(why))?;
        }
        let (neurons, classes) = (self.assigned.len(), self.classes);
        if confusion.len() != classes * classes {
            let why = format!("its confusion matrix has {} places", confusion.len());
            Err(checkpoint.foreign(why))?;
        }
        let assigned = checkpoint.finite("assigned", neurons)?;
        if let Some(class) = assigned.iter().find(|class| **class >= classes as f32) {
            Err(checkpoint.foreign(format!("array `assigned` has class {class} of {classes}")))?;
        }
        let class = |class: &f32| (*class >= 0.0).then_some(*class as usize);
        let assigned = assigned.iter().map(class).collect();
        let responses = checkpoint.finite("responses", classes * neurons)?;
        let shown = checkpoint.finite("shown", classes)?;
        for array in self.lasting() {
            let (name, len) = (&self.plan.arrays[array].name, self.plan.arrays[array].len);
            self.engine.write_reals(array, checkpoint.finite(name, len)?)?;
        }
        self.assigned = assigned;
        self.responses.spikes = responses.to_vec();
        self.responses.shown = shown.to_vec();
        (self.progress, self.confusion) = (progress, confusion);
        Ok(())
    }
}
