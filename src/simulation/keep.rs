//! What of a simulation outlasts a window: states, weights, where it is.

use super::{Simulation, SimulationError};
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::engine::{Engine, EngineError};
use crate::files::Values;
use crate::network::{self, Kind, Network};
use crate::neuron::stepped::BLOCK;
use crate::plan::{ArrayId, Handle, Lists, LivePorts, Plan, SimulationPorts};
use crate::record::excerpt::Excerpt;
use crate::record::measure::Tally;
use crate::record::statistics::SpikeStatistics;
use serde::{Deserialize, Serialize};

/// How far a simulation has come: what its host knows. Together with the arrays of
/// [`Simulation::state`] this is all its state, but for spikes and samples that someone has taken.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Progress {
    /// Steps done.
    pub steps: u64,
    synaptic_events: u64,
    /// Synapses that were replaced.
    pub rewired: u64,
    /// For each population.
    statistics: Vec<SpikeStatistics>,
    /// For each trace.
    excerpts: Vec<Vec<Excerpt>>,
    /// For each measure.
    tallies: Vec<Tally>,
    rewards: Vec<(u64, usize, f64)>,
    pairs: Vec<(Option<u64>, u64)>,
}

/// Weights of the projections that learn on their own, by name, in their natural order.
///
/// # Errors
/// The engine fails.
pub fn learned_weights(
    network: &Network,
    ports: &SimulationPorts,
    engine: &mut dyn Engine,
) -> Result<Vec<(String, Vec<f32>)>, EngineError> {
    let mut all = Vec::new();
    for (projection, live) in network.projections.iter().zip(&ports.live) {
        if let (Some(_), Some(LivePorts { weights: tiles, .. })) = (&projection.rule, live) {
            let contents = tiles.arrays().into_iter().map(|array| engine.read_reals(array));
            let contents = contents.collect::<Result<Vec<_>, _>>()?;
            all.push((projection.name.clone(), tiles.unpack(&contents)));
        }
    }
    Ok(all)
}

/// Whether what is under way to neurons lies as a plan has it: that is by tiles, which are smaller for a GPU. Of what is no
/// simulation nothing is under way.
pub fn is_laid_out(plan: &Plan, checkpoint: &Checkpoint) -> bool {
    let is_alike = |name| {
        let needed = plan.arrays.named(name).map(|array| plan.arrays[array].len);
        checkpoint.len(name) == needed
    };
    checkpoint.len("ring").is_none() || ["ring", "recent"].into_iter().all(is_alike)
}

/// Whether lists of so many numbers are lists of spikes: how many follow, and then their places.
fn in_range(lists: &[u32], list: usize) -> Result<(), String> {
    for numbers in lists.chunks_exact(list) {
        let (count, room) = (numbers[0] as usize, list - 1);
        let places = numbers[1..].iter().take(count);
        if count > room {
            return Err(format!("{count} spikes are more than the {room} neurons"));
        }
        if let Some(place) = places.into_iter().find(|place| **place as usize >= room) {
            return Err(format!("a spike of neuron {place} of {room}"));
        }
    }
    Ok(())
}

impl Simulation<'_> {
    /// Arrays that a step depends on and changes: of neurons, what is under way to them, weights, traces,
    /// marks, concentrations. Spikes and samples of a window are written anew in each.
    pub(super) fn changing(&self) -> Vec<ArrayId> {
        let anew = |array: &ArrayId| {
            let mut samples = self.ports.samples.iter();
            *array == self.ports.spikes.id() || samples.any(|(samples, _)| samples.id() == *array)
        };
        let mut arrays = self.plan.written(self.run);
        arrays.retain(|array| !anew(array));
        // The host changes this, and with it what follows from it.
        arrays.extend(self.rewirings().filter_map(|(k, _)| Some(self.lists(k)?.origin.id())));
        arrays
    }

    /// Lists of the synapses of a projection that changes and is sparse.
    pub(super) fn lists(&self, projection: usize) -> Option<Lists> {
        self.ports.live[projection].as_ref()?.lists
    }

    /// What the device holds between two windows, by the names of the arrays.
    ///
    /// # Errors
    /// The engine fails.
    pub fn state(&mut self) -> Result<Vec<(String, Values)>, SimulationError> {
        let mut state = Vec::new();
        for array in self.changing() {
            let values = match self.plan.arrays.handle(array) {
                Handle::Reals(array) => Values::Reals(self.engine.read_reals(array)?),
                Handle::Words(array) => Values::Words(self.engine.read_words(array)?),
            };
            state.push((self.plan.arrays[array].name.clone(), values));
        }
        Ok(state)
    }

    /// How far the simulation has come.
    pub fn progress(&self) -> Progress {
        let recording = &self.recording;
        Progress {
            steps: recording.steps,
            synaptic_events: recording.synaptic_events,
            rewired: recording.rewired,
            statistics: recording.populations.iter().map(|p| p.statistics.clone()).collect(),
            excerpts: recording.traces.iter().map(|trace| trace.excerpts.clone()).collect(),
            tallies: recording.measures.iter().map(|measure| measure.tally.clone()).collect(),
            rewards: self.rewards.clone(),
            pairs: self.pairs.clone(),
        }
    }

    /// Goes on from a checkpoint with arrays of [`Self::state`] and this progress. On the same engine the
    /// steps that follow are those of a run that was not broken off, bit for bit.
    ///
    /// # Errors
    /// The engine fails, the checkpoint is of another network.
    pub fn restore(
        &mut self,
        checkpoint: &Checkpoint,
        progress: Progress,
    ) -> Result<(), SimulationError> {
        self.fits(checkpoint, &progress)?;
        let live = self.ports.live.iter().flatten();
        let origins: Vec<_> = live.filter_map(|ports| Some(ports.lists?.origin)).collect();
        for array in self.changing() {
            let (name, len) = (&self.plan.arrays[array].name, self.plan.arrays[array].len);
            match (self.plan.arrays.handle(array), checkpoint.values(name, len)?) {
                (Handle::Reals(array), Values::Reals(_)) => {
                    self.engine.write_reals(array, checkpoint.finite(name, len)?)?;
                }
                // Written below, when it is known to be in order.
                (Handle::Words(array), Values::Words(_)) if origins.contains(&array) => {}
                (Handle::Words(array), Values::Words(values)) => {
                    let lists = self.ports.spike_lists.iter().find(|(lists, _)| *lists == array);
                    if let Some((_, list)) = lists {
                        in_range(values, *list)
                            .map_err(|why| checkpoint.damaged(format!("array `{name}`: {why}")))?;
                    }
                    self.engine.write_words(array, values)?;
                }
                _ => Err(checkpoint.foreign(format!("array `{name}` is of another type")))?,
            }
        }
        let recording = &mut self.recording;
        recording.steps = progress.steps;
        recording.synaptic_events = progress.synaptic_events;
        recording.rewired = progress.rewired;
        for (activity, statistics) in recording.populations.iter_mut().zip(progress.statistics) {
            activity.statistics = statistics;
        }
        for (trace, excerpts) in recording.traces.iter_mut().zip(progress.excerpts) {
            trace.excerpts = excerpts;
        }
        for (measure, tally) in recording.measures.iter_mut().zip(progress.tallies) {
            measure.tally = tally;
        }
        for (k, _) in self.rewirings() {
            let (network, Some(lists)) = (self.network, self.lists(k)) else { continue };
            let p = &network.projections[k];
            let network::Synapses::Sparse { start, source, .. } = &p.synapses else { continue };
            let drawn = self.engine.read_words(lists.origin)?;
            let name = &self.plan.arrays[lists.origin].name;
            let Values::Words(origin) = checkpoint.values(name, drawn.len())? else { continue };
            let sources = network.populations[p.from].size;
            // A synapse that moved has another source, and the delay that it had.
            let moved = |(now, before): (&u32, &u32)| {
                (lists.source(*now) as usize) < sources && lists.group(*now) == lists.group(*before)
            };
            if let Some(k) = origin.iter().zip(&drawn).position(|ends| !moved(ends)) {
                let why = format!("synapse {k} of `{name}` comes from nowhere");
                Err(checkpoint.damaged(why))?;
            }
            let origin = &origin[..source.len()];
            let now: Vec<u32> = origin.iter().map(|word| lists.source(*word)).collect();
            self.count_synapses(p, source, &now);
            self.write_lists(&lists, start, origin, sources)?;
        }
        self.rewards = progress.rewards;
        self.pairs = progress.pairs;
        Ok(())
    }

    /// Refuses progress that no run of this network makes.
    pub(super) fn fits(
        &self,
        checkpoint: &Checkpoint,
        progress: &Progress,
    ) -> Result<(), CheckpointError> {
        let recording = &self.recording;
        let statistics = recording.populations.iter().zip(&progress.statistics);
        let excerpts = recording.traces.iter().zip(&progress.excerpts);
        if progress.statistics.len() != recording.populations.len()
            || progress.excerpts.len() != recording.traces.len()
            || !excerpts.clone().all(|(trace, saved)| trace.excerpts.len() == saved.len())
            || progress.tallies.len() != recording.measures.len()
            || self.pairs.len() != progress.pairs.len()
        {
            return Err(checkpoint.foreign("its populations or recordings are others".to_owned()));
        }
        for ((own, saved), population) in statistics.zip(&self.network.populations) {
            if !saved.can_follow(&own.statistics, progress.steps) {
                let why = format!("the spikes of `{}` are no such spikes", population.name);
                return Err(checkpoint.damaged(why));
            }
        }
        if !progress.excerpts.iter().flatten().all(Excerpt::is_whole) {
            return Err(checkpoint.damaged("an excerpt of a trace is damaged".to_owned()));
        }
        for (measure, tally) in recording.measures.iter().zip(&progress.tallies) {
            if !measure.can_have(tally, progress.steps) {
                let why = format!("the measure `{}` cannot have counted this", measure.name);
                return Err(checkpoint.damaged(why));
            }
        }
        let modulators = self.network.modulators.len();
        let rewards = progress.rewards.iter();
        if !rewards.clone().all(|(_, which, amount)| *which < modulators && amount.is_finite())
            || progress.pairs.iter().any(|(first, _)| first.is_some_and(|t| t >= progress.steps))
        {
            return Err(checkpoint.damaged("a reward is of no modulator of the network".to_owned()));
        }
        Ok(())
    }

    /// Weights of the projections that change, in their natural order.
    ///
    /// # Errors
    /// The engine fails.
    pub fn weights(&mut self) -> Result<Vec<(String, Vec<f32>)>, SimulationError> {
        Ok(learned_weights(self.network, self.ports, &mut *self.engine)?)
    }

    /// All variables of state that have a name, as `<population>.<variable>`, one number for each
    /// neuron; potentials relative to rest. If the simulation has diverged, those that show it.
    ///
    /// # Errors
    /// The engine fails.
    pub fn states(&mut self) -> Result<Vec<(String, Vec<f32>)>, SimulationError> {
        let mut all = Vec::new();
        let found = match self.diverged.clone() {
            Some(found) => found,
            None => {
                let arrays: Vec<_> = self.stateful().map(|(_, array, _)| array.id()).collect();
                let found = self.engine.fetch(&arrays)?;
                self.engine.collect(found)?
            }
        };
        for (population, array, rows) in self.stateful() {
            let Kind::Stepped(neurons) = &population.kind else { continue };
            let state = found.reals(array);
            for variable in neurons.variables() {
                let of = |id: usize| state[(id / BLOCK * rows + variable.row) * BLOCK + id % BLOCK];
                let values = (0..population.size).map(of).collect();
                all.push((format!("{}.{}", population.name, variable.name), values));
            }
        }
        Ok(all)
    }
}
