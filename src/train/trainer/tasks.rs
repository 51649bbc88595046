//! The loop within tasks: see [`crate::train::meta`].
//!
//! Steps within a task are a program of the plan, `adapt`, which changes the weights in place. What they were is read
//! before and put back after. Gradients of the queries are read task by task, summed in f64 in the order of the tasks,
//! and put where the program `update` takes them from. Between two updates there is no other state than without tasks.

use super::{Contents, Predictions, Set, Sums, TrainError, Trainer};
use crate::data::Augment;
use crate::engine::EngineError;
use crate::kernel::Clock;
use crate::plan::{Plan, ProgramId};
use crate::scene::{Meta, Training};
use crate::train::optimizer::Descent;
use std::ops::RangeInclusive;

/// Steps of adaptation that are measured.
pub const MEASURED: u64 = 10;

/// Tasks, and what is done with them.
#[derive(Clone, Copy)]
pub(super) struct Tasks {
    pub meta: Meta,
    /// Samples of a task: those it is learned from, which come first, and those that it asks.
    pub samples: [usize; 2],
    adapt: ProgramId,
    gradient: ProgramId,
    update: ProgramId,
}

impl Tasks {
    /// Those of a training, if it has any.
    ///
    /// # Panics
    /// If the plan was made for another training.
    pub fn new(training: &Training, plan: &Plan) -> Option<Self> {
        let (meta, samples) = (training.meta?, training.data.as_ref()?.tasks()?);
        let program = |name| plan.program(name).expect("a plan for tasks has this program");
        let [adapt, gradient, update] = ["adapt", "gradient", "update"].map(program);
        Some(Self { meta, samples, adapt, gradient, update })
    }

    /// How many there are in so many samples.
    pub fn count(self, samples: usize) -> usize {
        samples / self.samples.iter().sum::<usize>()
    }

    /// Samples of a task: those it is learned from, and those that it asks.
    fn of(self, task: u32) -> [Vec<u32>; 2] {
        let [support, query] = self.samples.map(|count| count as u32);
        let first = task * (support + query);
        [first..first + support, first + support..first + support + query].map(Iterator::collect)
    }
}

impl<'a> Trainer<'a> {
    /// An update by some tasks.
    pub(super) fn learn_tasks(&mut self, tasks: Tasks, chosen: &[u32]) -> Result<(), TrainError> {
        let ports = self.ports;
        let begin = self.weights()?;
        let mut sums: Vec<Vec<f64>> = begin.iter().map(|(_, w)| vec![0.0; w.len()]).collect();
        for task in chosen {
            if self.pending.len() == ports.slots {
                self.fetch()?;
            }
            let [support, query] = tasks.of(*task);
            let slot = self.pending.len();
            self.adapt(tasks, Set::Train, &support, tasks.meta.steps(), slot)?;
            let goes_there = matches!(tasks.meta, Meta::Reptile { .. });
            let program = if goes_there { self.evaluate } else { tasks.gradient };
            self.ask(program, Set::Train, &query, slot)?;
            for (k, ((gradient, array), unit)) in
                ports.gradients.iter().zip(&ports.units).enumerate()
            {
                if goes_there {
                    // As a gradient has it, by the weight: a step of rate r is r times the square of the unit.
                    let after = self.engine.read_reals(*array)?;
                    for ((sum, before), after) in sums[k].iter_mut().zip(&begin[k].1).zip(after) {
                        *sum += (f64::from(*before) - f64::from(after)) / (unit * unit);
                    }
                } else {
                    let found = self.engine.read_reals(*gradient)?;
                    sums[k].iter_mut().zip(found).for_each(|(sum, g)| *sum += f64::from(g));
                }
            }
            self.put(&begin)?;
            self.pending.push(query);
        }
        let count = chosen.len() as f64;
        for ((gradient, _), sum) in ports.gradients.iter().zip(sums) {
            let mean: Vec<f32> = sum.into_iter().map(|sum| (sum / count) as f32).collect();
            self.engine.write_reals(*gradient, &mean)?;
        }
        let clock = self.clock(1, 0, Set::Train);
        Ok(self.engine.run(tasks.update, &clock, self.plan.steps)?)
    }

    /// Shows the queries of the held-out tasks, after each of these numbers of steps within a task, and sums up how the
    /// network does.
    pub(super) fn judge_tasks(
        &mut self,
        tasks: Tasks,
        after: RangeInclusive<u64>,
    ) -> Result<Vec<Sums>, TrainError> {
        let begin = self.weights()?;
        let mut all = vec![Sums::default(); after.clone().count()];
        for task in 0..tasks.count(self.samples.count(Set::Test)) as u32 {
            let [support, query] = tasks.of(task);
            self.adapt(tasks, Set::Test, &support, *after.start(), 0)?;
            for (k, sums) in all.iter_mut().enumerate() {
                if k > 0 {
                    self.adapt(tasks, Set::Test, &support, 1, 0)?;
                }
                self.ask(self.evaluate, Set::Test, &query, 0)?;
                self.drain(Set::Test, vec![query.clone()], sums)?;
            }
            self.put(&begin)?;
        }
        Ok(all)
    }

    /// Mean squared error of what held-out tasks ask, after 0, 1, 2, ... steps within them by the weights as they are;
    /// nothing where there are no tasks.
    ///
    /// # Errors
    /// The engine fails, a number is not finite.
    pub fn adaptation(&mut self) -> Result<Vec<f64>, TrainError> {
        let Some(tasks) = self.tasks else { return Ok(Vec::new()) };
        let outputs = self.classes() as f64;
        let all = self.judge_tasks(tasks, 0..=MEASURED)?;
        Ok(all.iter().map(|sums| sums.loss / (sums.samples as f64 * outputs)).collect())
    }

    /// What the network answers to the test set after 0, 1, 2, ... steps within one more task, whose samples that it is
    /// learned from come first there. The weights are then as they were; nothing where there are no tasks.
    ///
    /// # Errors
    /// The engine fails, a number is not finite.
    pub fn adapted(&mut self, support: usize, steps: u64) -> Result<Vec<Predictions>, TrainError> {
        let Some(tasks) = self.tasks else { return Ok(Vec::new()) };
        let begin = self.weights()?;
        let support: Vec<u32> = (0..support as u32).collect();
        let mut answers = vec![self.predict()?];
        for _ in 0..steps {
            self.adapt(tasks, Set::Test, &support, 1, 0)?;
            answers.push(self.predict()?);
        }
        self.put(&begin)?;
        Ok(answers)
    }

    /// Steps of plain gradient descent on the samples that a task is learned from. Their losses are left in a slot.
    fn adapt(
        &mut self,
        tasks: Tasks,
        set: Set,
        support: &[u32],
        steps: u64,
        slot: usize,
    ) -> Result<(), TrainError> {
        if steps > 0 {
            self.load(set, self.changes(set), support, &self.presentation(set, support))?;
        }
        let learning_rate = tasks.meta.inner().lr();
        let clock = Clock { learning_rate, ..self.clock(support.len(), slot, set) };
        for _ in 0..steps {
            self.engine.run(tasks.adapt, &clock, self.plan.steps)?;
            self.follow_numbers()?;
        }
        Ok(())
    }

    /// Shows what a task asks, with some program.
    fn ask(
        &mut self,
        program: ProgramId,
        set: Set,
        query: &[u32],
        slot: usize,
    ) -> Result<(), EngineError> {
        let presentation = self.presentation(set, query);
        self.show(program, set, self.changes(set), (query, &presentation), slot)
    }

    /// What is done to samples of tasks: those of held-out tasks stay as they are.
    fn changes(&self, set: Set) -> &'a [Augment] {
        if set == Set::Train { self.training.augment() } else { &[] }
    }

    /// Numbers of presentation of samples of tasks: other ones in each epoch of the training.
    fn presentation(&self, set: Set, samples: &[u32]) -> Vec<u32> {
        let before = match set {
            Set::Train => self.progress.epoch * self.samples.count(set) as u64,
            Set::Validation | Set::Test => 0,
        };
        samples.iter().map(|sample| (before + u64::from(*sample)) as u32).collect()
    }

    /// Puts trained arrays in place.
    pub(super) fn put(&mut self, contents: &Contents) -> Result<(), TrainError> {
        for (array, values) in contents {
            self.engine.write_reals(*array, values)?;
        }
        self.follow_numbers()
    }
}
