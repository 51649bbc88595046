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
use super::trainer::{Presented, Progress, Set, TrainError, write_samples};
use crate::checkpoint::{Checkpoint, Store};
use crate::data::{self, Dataset, Split};
use crate::engine::{Engine, EngineError, Fetched, Pending};
use crate::files::Values;
use crate::kernel::Clock;
use crate::network::Network;
use crate::plan::{Plan, ProgramId, Reals, SimulationPorts};
use crate::record::decode_row;
use crate::rng::{Purpose, Stream};
use crate::run::{self, Begun, Event, Outcome, Run, UnderWay};
use crate::scene::Training;
use crate::simulation::{learned_weights, words_of};
use std::time::Instant;

/// Samples after which neurons are assigned anew, for the accuracy while learning.
const REASSIGN: u64 = 1000;

/// Changes the key of random numbers for the training samples by which neurons are assigned.
const NAMED_KEY: u64 = 1 << 62;

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
    /// What the epoch goes through, once it has begun.
    order: Vec<u32>,
    /// Samples that the engine was given, as they are counted in the epoch.
    under_way: UnderWay<u64>,
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
            order: Vec::new(),
            under_way: UnderWay::default(),
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

    /// Learns until all epochs are done, `stop` ends it, or the observer answers false. Checkpoints go to `store` as
    /// [`run::windows`] has it.
    ///
    /// # Errors
    /// The engine fails, a checkpoint cannot be written, a weight is not finite.
    pub fn run(
        &mut self,
        store: Option<&Store>,
        observe: &mut dyn FnMut(Event<'_>) -> bool,
    ) -> Result<Outcome, TrainError> {
        self.order.clear();
        run::windows(self, store, observe)
    }

    /// Training samples.
    fn count(&self) -> u64 {
        self.data.train.len() as u64
    }

    /// Assigns neurons by the last samples of the epoch, and judges the test set.
    fn finish_epoch(&mut self) -> Result<Epoch, TrainError> {
        let neurons = self.network.populations[self.population].size;
        let mut responses = Responses::new(self.classes, neurons);
        let last: Vec<u32> = self.order.iter().rev().take(self.assigned_by).copied().collect();
        for sample in last {
            let shown = self.show(Set::Train, sample)?;
            responses.add(self.label(Set::Train, sample), &self.counts(&shown));
        }
        self.assigned = responses.classes();
        let since = Instant::now();
        self.confusion.fill(0);
        let mut spikes = vec![0u64; self.network.populations.len()];
        for sample in 0..self.data.test.len() as u32 {
            let shown = self.show(Set::Test, sample)?;
            let answer = answer(self.classes, &self.assigned, &self.counts(&shown));
            let label = self.label(Set::Test, sample);
            self.confusion[label * self.classes + answer] += 1;
            for row in self.rows(&shown) {
                for (k, sum) in spikes.iter_mut().enumerate() {
                    let words = words_of(self.ports, k, row).iter();
                    *sum += words.map(|word| u64::from(word.count_ones())).sum::<u64>();
                }
            }
        }
        let tested = self.data.test.len() as f64;
        let right: u64 = (0..self.classes).map(|k| self.confusion[k * self.classes + k]).sum();
        let train = self.count() as f64;
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

    fn split(&self, set: Set) -> &'a Split {
        if set == Set::Test { &self.data.test } else { &self.data.train }
    }

    fn label(&self, set: Set, sample: u32) -> usize {
        usize::from(self.split(set).labels[sample as usize])
    }

    /// Gives the engine a sample. The number of the presentation is the key of its noise.
    fn give(
        &mut self,
        program: ProgramId,
        (set, sample): (Set, u32),
        presentation: u32,
    ) -> Result<Pending, EngineError> {
        let learns = program == self.learn;
        // What neurons are named by is as the test images are.
        let augment = if learns { self.training.augment() } else { &[] };
        let key = if learns || set == Set::Test { set.key() } else { NAMED_KEY };
        let (split, seed) = (self.split(set), self.network.seed);
        let image = data::shown(augment, split, sample, (self.progress.epoch, seed));
        let ports = &self.plan.input;
        write_samples(&mut *self.engine, ports, (split, &[image]), &[presentation])?;
        self.engine.run(program, &Clock::still(seed ^ key, 0), self.plan.steps)?;
        self.engine.fetch(&[self.ports.spikes.id()])
    }

    /// Shows a sample with learning switched off: its spikes.
    fn show(&mut self, set: Set, sample: u32) -> Result<Fetched, EngineError> {
        let found = self.give(self.evaluate, (set, sample), sample)?;
        self.engine.collect(found)
    }

    /// Rows of spikes that a sample left.
    fn rows<'f>(&self, found: &'f Fetched) -> impl Iterator<Item = &'f [u32]> + use<'f> {
        found.words(self.ports.spikes)[self.ports.before..].chunks(self.ports.row)
    }

    /// How often each neuron of the population that answers spikes.
    fn counts(&self, found: &Fetched) -> Vec<u32> {
        let mut counts = vec![0u32; self.network.populations[self.population].size];
        for row in self.rows(found) {
            let spiked = decode_row(words_of(self.ports, self.population, row));
            spiked.for_each(|id| counts[id as usize] += 1);
        }
        counts
    }

    /// Shows a test sample with learning switched off, and reads what the network did.
    ///
    /// # Errors
    /// The engine fails.
    pub fn present(&mut self, sample: u32) -> Result<Presented, EngineError> {
        let shown = self.show(Set::Test, sample)?;
        let mut spikes = vec![Vec::new(); self.network.populations.len()];
        for (row, t) in self.rows(&shown).zip(0..) {
            for (k, spikes) in spikes.iter_mut().enumerate() {
                spikes.extend(decode_row(words_of(self.ports, k, row)).map(|id| (t, id)));
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

    /// Goes on from a checkpoint.
    ///
    /// # Errors
    /// The engine fails, the checkpoint is of another network.
    pub fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), TrainError> {
        let (progress, confusion): (Progress, Vec<u64>) = checkpoint.progress()?;
        let most = [self.count(), self.network.populations.len() as u64];
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

impl Run for Learner<'_> {
    type Error = TrainError;

    /// A sample; after the last of an epoch those by which neurons get their meaning, and the test set.
    fn begin(&mut self) -> Result<Begun, TrainError> {
        if !self.progress.goes_on(self.training) {
            return Ok(Begun::Nothing);
        }
        let count = self.count();
        if self.order.is_empty() {
            let epochs = [self.progress.epoch, self.training.epochs];
            self.order = self.training.order.of(count as u32, epochs, &[], self.shuffle);
        }
        if self.progress.batch == count {
            let epoch = self.finish_epoch()?;
            self.progress.complete(epoch);
            self.order.clear();
            return Ok(Begun::Epoch { save: true });
        }
        let next = self.under_way.last().map_or(self.progress.batch, |last| last + 1);
        let Some(sample) = self.order.get(next as usize).copied() else {
            return Ok(Begun::Nothing);
        };
        let presentation = self.progress.epoch * count + next;
        let found = self.give(self.learn, (Set::Train, sample), presentation as u32)?;
        self.under_way.add(next, found);
        Ok(Begun::Window)
    }

    fn settle(&mut self, all: bool) -> Result<bool, TrainError> {
        let Some((number, found)) = self.under_way.next(all) else { return Ok(false) };
        let (sample, found) = (self.order[number as usize], self.engine.collect(found)?);
        let (label, counts) = (self.label(Set::Train, sample), self.counts(&found));
        let answer = answer(self.classes, &self.assigned, &counts);
        self.progress.asked += 1;
        self.progress.correct += u64::from(answer == label);
        self.responses.add(label, &counts);
        self.progress.batch = number + 1;
        if self.progress.batch.is_multiple_of(REASSIGN) {
            self.assigned = self.responses.classes();
            self.responses = Responses::new(self.classes, counts.len());
        }
        Ok(all || self.progress.batch == self.count())
    }

    fn tell(&mut self) -> Result<Event<'_>, TrainError> {
        Ok(self.progress.event(self.progress.batch, self.count(), None))
    }

    fn spend(&mut self, seconds: f64) {
        self.progress.spend(seconds);
    }

    fn save(&mut self, store: &Store) -> Result<(), TrainError> {
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
        let update = self.progress.epoch * self.count() + self.progress.batch;
        store.save(update, &(&self.progress, &self.confusion), &arrays)?;
        Ok(())
    }
}
