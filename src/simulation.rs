//! Simulation without training: windows of steps one after the other, and what is recorded of them.
//!
//! A window is as many steps as fit a small part of the memory. Between windows the host reads
//! spikes and potentials, and the device carries states and the spikes that are still under way.

use crate::engine::{Engine, EngineError};
use crate::kernel::Clock;
use crate::network::{Kind, Network, Population};
use crate::neuron::lif::Potential;
use crate::plan::{Plan, ProgramId};
use crate::record::decode;
use crate::record::statistics::SpikeStatistics;
use crate::scene::{Record, Reset, Scene};

/// Floats of all tapes of a window.
const WINDOW: usize = 1 << 22;

/// Neurons whose potential is recorded if a scene names none.
const FIRST: u64 = 10;

/// Steps of a simulation.
pub fn steps(scene: &Scene) -> u64 {
    let duration = scene.simulation.duration.map_or(0.0, |d| d.get());
    (duration / scene.simulation.dt.get()).round() as u64
}

/// Steps of a window for a network.
pub fn window(network: &Network, steps: u64) -> usize {
    let neurons: usize = network.populations.iter().map(|p| p.size).sum();
    let delay = network.projections.iter().map(|p| p.delay).max().unwrap_or(0);
    let fits = (WINDOW / neurons.max(1)).clamp(1, 1000).max(delay);
    fits.min(steps.max(1) as usize).max(delay)
}

/// What was recorded.
#[derive(Debug, Default)]
pub struct Recording {
    /// For each population of the network.
    pub populations: Vec<Activity>,
    /// In the order of the scene's `record.traces`.
    pub traces: Vec<Trace>,
    /// Steps done.
    pub steps: u64,
}

/// Spikes of a population.
#[derive(Debug, Clone)]
pub struct Activity {
    /// What is known of all spikes.
    pub statistics: SpikeStatistics,
    /// Times \[ms\] and neurons, if recorded.
    pub times: Vec<(f64, u32)>,
}

/// Membrane potentials of some neurons.
#[derive(Debug, Default, Clone)]
pub struct Trace {
    /// Index of the population.
    pub population: usize,
    /// Neurons.
    pub ids: Vec<u64>,
    /// Interval between samples \[steps\].
    pub every: u64,
    /// Potentials \[mV\], samples × neurons.
    pub values: Vec<f32>,
    state: Vec<Potential>,
}

/// A network that runs.
pub struct Simulation<'a> {
    network: &'a Network,
    plan: &'a Plan,
    engine: Box<dyn Engine + 'a>,
    run: ProgramId,
    carry: ProgramId,
    keep: Vec<bool>,
    /// What was recorded so far.
    pub recording: Recording,
}

impl<'a> Simulation<'a> {
    /// A simulation at its beginning.
    ///
    /// # Panics
    /// If the plan was not made for simulation.
    pub fn new(
        network: &'a Network,
        plan: &'a Plan,
        record: &Record,
        engine: Box<dyn Engine + 'a>,
    ) -> Self {
        let program = |name| plan.program(name).expect("a plan for simulation has this program");
        let find = |name: &str| network.populations.iter().position(|p| p.name == name);
        let traces = record.traces.iter().filter_map(|trace| {
            let population = find(&trace.population)?;
            let size = network.populations[population].size as u64;
            let ids = trace.ids.clone().unwrap_or_else(|| (0..size.min(FIRST)).collect());
            let state = match &network.populations[population].kind {
                Kind::Lif(lif) => ids.iter().map(|id| Potential::new(cell(lif, *id))).collect(),
                _ => Vec::new(),
            };
            let every = trace.every.map_or(1.0, |e| (e.get() / network.dt).round().max(1.0)) as u64;
            Some(Trace { population, ids, every, values: Vec::new(), state })
        });
        let traces: Vec<Trace> = traces.collect();
        let activity = |(k, population): (usize, &Population)| {
            let mut statistics = SpikeStatistics::new(population.size, network.dt);
            let traced = traces.iter().filter(|trace| trace.population == k);
            traced.flat_map(|trace| &trace.ids).for_each(|id| statistics.trace(*id as u32));
            Activity { statistics, times: Vec::new() }
        };
        Self {
            run: program("simulate"),
            carry: program("carry"),
            keep: network.populations.iter().map(|p| record.spikes.contains(&p.name)).collect(),
            recording: Recording {
                populations: network.populations.iter().enumerate().map(activity).collect(),
                traces,
                steps: 0,
            },
            network,
            plan,
            engine,
        }
    }

    /// The engine.
    pub fn engine(&mut self) -> &mut dyn Engine {
        &mut *self.engine
    }

    /// Runs up to step `end` of the simulation, or until the observer, told the steps that are done,
    /// answers false.
    ///
    /// # Errors
    /// The engine fails; a potential is not finite.
    pub fn run(
        &mut self,
        end: u64,
        observe: &mut dyn FnMut(u64) -> bool,
    ) -> Result<(), SimulationError> {
        while self.recording.steps < end {
            let start = self.recording.steps;
            let steps = (end - start).min(self.plan.steps as u64) as usize;
            let clock = Clock {
                seed: self.network.seed,
                step: start,
                samples: 1,
                slot: 0,
                learning_rate: 0.0,
                corrections: [1.0; 2],
            };
            self.engine.run(self.run, &clock, steps)?;
            self.record(start, steps)?;
            self.recording.steps += steps as u64;
            if steps == self.plan.steps {
                self.engine.run(self.carry, &clock, steps)?;
            }
            if !observe(self.recording.steps) {
                break;
            }
        }
        Ok(())
    }

    fn record(&mut self, start: u64, steps: usize) -> Result<(), SimulationError> {
        let dt = self.network.dt;
        for (k, ports) in self.plan.ports.populations.iter().enumerate() {
            let Some(array) = ports.spikes else { continue };
            let words = self.engine.read_words(array)?;
            let activity = &mut self.recording.populations[k];
            for (step, id) in decode(&words, self.network.populations[k].size, ports.history, steps)
            {
                let step = start + u64::from(step);
                activity.statistics.add(step, id);
                if self.keep[k] {
                    activity.times.push(((step + 1) as f64 * dt, id));
                }
            }
        }
        for trace in &mut self.recording.traces {
            let Some(tape) = self.plan.ports.populations[trace.population].tape else { continue };
            let tape = self.engine.read_reals(tape)?;
            let population = &self.network.populations[trace.population];
            for step in 0..steps {
                let sampled = (start + step as u64 + 1).is_multiple_of(trace.every);
                for (k, id) in trace.ids.iter().enumerate() {
                    let x = f64::from(tape[step * population.size + *id as usize]);
                    let v = match &population.kind {
                        Kind::Lif(lif) => {
                            let subtract = lif.reset == Reset::Subtract;
                            trace.state[k].next(cell(lif, *id), subtract, x) + level(&lif.e_l, *id)
                        }
                        Kind::Readout(readout) => x + level(&readout.e_l, *id),
                        Kind::Poisson(_) | Kind::Images(_) => x,
                    };
                    if !v.is_finite() {
                        return Err(SimulationError::Diverged {
                            population: population.name.clone(),
                            neuron: *id,
                            step: start + step as u64,
                        });
                    }
                    if sampled {
                        trace.values.push(v as f32);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Why a simulation stopped.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The engine cannot go on.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A potential is not finite.
    #[error(
        "diverged: the potential of neuron {neuron} of population `{population}` is not finite at step {step}"
    )]
    Diverged {
        /// Population.
        population: String,
        /// Neuron.
        neuron: u64,
        /// Step.
        step: u64,
    },
}

fn cell(lif: &crate::network::Lif, id: u64) -> &crate::neuron::lif::Cell {
    &lif.cells[if lif.cells.len() == 1 { 0 } else { id as usize }]
}

fn level(values: &[f64], id: u64) -> f64 {
    values[if values.len() == 1 { 0 } else { id as usize }]
}
