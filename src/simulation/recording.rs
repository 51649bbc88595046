//! What is kept of a run for its figures, its files and its summary: spikes, counts and samples of states.

use super::{DRAWN, FIRST, Simulation, SimulationError, steps};
use crate::engine::Fetched;
use crate::network::{self, Kind, Network, Population};
use crate::neuron::stepped::Variable;
use crate::plan::{Recorded, SimulationPorts};
use crate::record::decode_row;
use crate::record::excerpt::Excerpt;
use crate::record::measure::{Measure, Members, Tally, spikes_above};
use crate::record::statistics::SpikeStatistics;
use crate::scene::{self, Scene};
use std::ops::Range;

/// The recordings that a scene asks for, still empty.
pub(super) fn traces(scene: &Scene, network: &Network) -> Result<Vec<Trace>, SimulationError> {
    let mut traces = Vec::new();
    for trace in &scene.record.traces {
        let find = |p: &Population| p.name == trace.population;
        let Some(population) = network.populations.iter().position(find) else { continue };
        let Kind::Stepped(neurons) = &network.populations[population].kind else { continue };
        let size = network.populations[population].size as u64;
        let ids = trace.ids.clone().unwrap_or_else(|| (0..size.min(FIRST)).collect());
        let every = trace.every.map_or(1.0, |e| (e.get() / network.dt).round().max(1.0)) as u64;
        let known = neurons.variables();
        let names =
            if trace.variables.is_empty() { vec!["v".to_owned()] } else { trace.variables.clone() };
        for name in names {
            let Some(variable) = known.iter().find(|v| v.name == name) else {
                let known: Vec<_> = known.iter().map(|v| v.name.as_str()).collect();
                return Err(SimulationError::Variable {
                    population: trace.population.clone(),
                    name,
                    known: known.join(", "),
                });
            };
            let ids = ids.clone();
            let variable = variable.clone();
            let excerpts = vec![Excerpt::default(); ids.len().min(DRAWN)];
            let what = Recorded::State { population, row: variable.row };
            traces.push(Trace { what, variable, ids, every, values: Vec::new(), excerpts });
        }
    }
    let steps = |every: Option<scene::Quantity<scene::Ms>>| {
        every.map_or(1.0, |e| (e.get() / network.dt).round().max(1.0)) as u64
    };
    let trace = |what, name: &str, ids: Vec<u64>, every| Trace {
        what,
        variable: Variable::new(name, 0, ""),
        every: steps(every),
        values: Vec::new(),
        excerpts: vec![Excerpt::default(); ids.len().min(DRAWN)],
        ids,
    };
    for trace_of in &scene.record.weights {
        let find = |p: &network::Projection| p.name == trace_of.projection;
        let Some(projection) = network.projections.iter().position(find) else { continue };
        let count = network.projections[projection].synapses.weights().len() as u64;
        let ids = trace_of.ids.clone().unwrap_or_else(|| (0..count.min(FIRST)).collect());
        if let Some(id) = ids.iter().find(|id| **id >= count) {
            let projection = trace_of.projection.clone();
            return Err(SimulationError::Synapse { projection, id: *id, count });
        }
        traces.push(trace(Recorded::Weights { projection }, "weight", ids, trace_of.every));
    }
    if let every @ Some(_) = scene.record.modulators {
        let ids = (0..network.modulators.len() as u64).collect();
        traces.push(trace(Recorded::Concentrations, "concentration", ids, every));
    }
    Ok(traces)
}

/// Names of the arrays of what a scene samples, in the order of [`Recording::traces`].
///
/// # Errors
/// A variable that a population does not have.
pub fn trace_names(scene: &Scene, network: &Network) -> Result<Vec<String>, SimulationError> {
    Ok(traces(scene, network)?.iter().map(|trace| trace.name(network)).collect())
}

/// The measures of a scene, before any spike.
pub(super) fn measures(scene: &Scene, network: &Network) -> Vec<Measure> {
    let step = |time: f64| (time / network.dt).round() as u64;
    let measure = |(name, word): &(String, scene::Measure)| {
        let find = |p: &Population| p.name == word.population();
        let population = network.populations.iter().position(find)?;
        let (every, end, members) = match word.patterns() {
            Some(patterns) => {
                let patterns = scene.trials(patterns)?;
                let members = patterns.members().into_iter();
                let members = match word {
                    scene::Measure::False { .. } => members.map(Members::Others).collect(),
                    _ => members.map(Members::These).collect(),
                };
                (patterns.every(), patterns.every(), members)
            }
            None => {
                let member =
                    |ids: &[u64]| Members::These(ids.iter().map(|id| *id as u32).collect());
                let members = word.ids().map_or(Members::Others(Vec::new()), member);
                (u64::MAX, steps(scene), vec![members])
            }
        };
        let (from, to) = word.window();
        let window = step(from)..to.map_or(end, step);
        let seconds = (window.end - window.start) as f64 * network.dt * 1e-3;
        Some(Measure {
            name: name.clone(),
            population,
            window,
            every,
            members,
            least: word.above().map(|rate| spikes_above(rate, seconds)),
            dt: network.dt,
            tally: Tally::new(network.populations[population].size),
        })
    };
    scene.measures.iter().filter_map(measure).collect()
}

/// What was recorded. Spikes and samples pile up here until someone takes them, as
/// [`crate::archive`] does after every window; all else stays as small as it is.
#[derive(Debug, Default)]
pub struct Recording {
    /// For each population of the network.
    pub populations: Vec<Activity>,
    /// In the order of the scene's `record.traces` and of their variables.
    pub traces: Vec<Trace>,
    /// In the order of the scene.
    pub measures: Vec<Measure>,
    /// Steps done.
    pub steps: u64,
    /// Spikes that reached a synapse, counted once for each.
    pub synaptic_events: u64,
    /// Synapses that were replaced.
    pub rewired: u64,
    /// Wall time, in this and earlier sessions \[s\].
    pub wall_s: f64,
}

/// Spikes of a population.
#[derive(Debug, Clone)]
pub struct Activity {
    /// What is known of all spikes.
    pub statistics: SpikeStatistics,
    /// Times \[ms\] and neurons, if recorded, since they were last taken.
    pub times: Vec<(f64, u32)>,
}

/// A state variable of some neurons, or weights, or concentrations.
#[derive(Debug, Clone)]
pub struct Trace {
    /// Whose.
    pub what: Recorded,
    /// Which variable.
    pub variable: Variable,
    /// Neurons, synapses or modulators.
    pub ids: Vec<u64>,
    /// Interval between samples \[steps\].
    pub every: u64,
    /// Samples × neurons, in the unit of the variable, since they were last taken.
    pub values: Vec<f32>,
    /// What a picture shows of the first neurons, from the start of the run on.
    pub excerpts: Vec<Excerpt>,
}

impl Trace {
    /// Index of the population whose state it is.
    pub fn population(&self) -> Option<usize> {
        match self.what {
            Recorded::State { population, .. } => Some(population),
            _ => None,
        }
    }

    /// Name of the population or projection, or `modulators`.
    pub fn owner<'n>(&self, network: &'n Network) -> &'n str {
        match self.what {
            Recorded::State { population, .. } => &network.populations[population].name,
            Recorded::Weights { projection } => &network.projections[projection].name,
            Recorded::Concentrations => "modulators",
        }
    }

    /// Name of its array.
    pub fn name(&self, network: &Network) -> String {
        format!("{}.{}", self.owner(network), self.variable.name)
    }
}

/// Words of a population in a row of spikes.
pub fn words_of<'r>(ports: &SimulationPorts, population: usize, row: &'r [u32]) -> &'r [u32] {
    let first = &ports.first_word;
    &row[first[population]..first.get(population + 1).copied().unwrap_or(ports.row)]
}

impl Simulation<'_> {
    pub(super) fn record_spikes(&mut self, window: Range<u64>, words: &[u32]) {
        let dt = self.network.dt;
        for (step, row) in window.zip(words[self.ports.before..].chunks(self.ports.row)) {
            self.reward_pairs(step, row);
            for (k, activity) in self.recording.populations.iter_mut().enumerate() {
                let out_degree = &self.out_degree[32 * self.ports.first_word[k]..];
                let mut measures: Vec<&mut Measure> =
                    self.recording.measures.iter_mut().filter(|m| m.population == k).collect();
                for id in decode_row(words_of(self.ports, k, row)) {
                    activity.statistics.add(step, id);
                    measures.iter_mut().for_each(|measure| measure.add(step, id));
                    self.recording.synaptic_events += u64::from(out_degree[id as usize]);
                    if self.keep[k] {
                        activity.times.push(((step + 1) as f64 * dt, id));
                    }
                }
            }
        }
    }

    pub(super) fn record_samples(&mut self, window: Range<u64>, found: &Fetched) {
        for (trace, (array, at)) in self.recording.traces.iter_mut().zip(&self.ports.samples) {
            let neurons = match trace.population().map(|k| &self.network.populations[k].kind) {
                Some(Kind::Stepped(neurons)) => Some(neurons),
                _ => None,
            };
            let samples = window.end / trace.every - window.start / trace.every;
            let count = trace.ids.len();
            for row in found.reals(*array)[*at..].chunks(count.max(1)).take(samples as usize) {
                for (x, id) in row.iter().zip(&trace.ids) {
                    let rest = match neurons {
                        Some(neurons) if trace.variable.potential => neurons.rest(*id as usize),
                        _ => 0.0,
                    };
                    trace.values.push((f64::from(*x) + rest) as f32);
                }
                let row = &trace.values[trace.values.len() - count..];
                trace.excerpts.iter_mut().zip(row).for_each(|(excerpt, x)| excerpt.add(*x));
            }
        }
    }
}
