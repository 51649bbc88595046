//! What of a training outlasts a window: weights, numbers, checkpoints.

use super::{Contents, Progress, TrainError, Trainer};
use crate::checkpoint::{Checkpoint, CheckpointError, Store};
use crate::engine::{Engine, EngineError};
use crate::files::Values;
use crate::network::Kind;
use crate::neuron::stepped::BLOCK;
use crate::plan::Reals;

impl Trainer<'_> {
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

    /// Makes anew what follows from the trained numbers of neurons.
    pub(super) fn follow_numbers(&mut self) -> Result<(), TrainError> {
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
    pub(super) fn numbers(
        &mut self,
        kept: Option<&Contents>,
    ) -> Result<Vec<(String, Vec<f64>)>, EngineError> {
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

    /// Fails if a weight, a trained current or the state of a neuron is not finite. The loss need not show it: neurons
    /// that such numbers silence leave it as it is.
    pub(super) fn check_weights(&mut self) -> Result<(), TrainError> {
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

    /// Arrays that training changes: weights, constant currents, delays and numbers, by gradients or by rules.
    pub(super) fn trained(&self) -> Vec<Reals> {
        let ports = self.ports;
        ports.gradients.iter().chain(&ports.changes).map(|(_, changed)| *changed).collect()
    }

    pub(super) fn weights(&mut self) -> Result<Contents, EngineError> {
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
    pub(super) fn keep(&mut self, store: &Store) -> Result<(), TrainError> {
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
