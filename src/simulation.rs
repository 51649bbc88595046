//! Simulation: windows of steps one after the other, and what is recorded of them.
//!
//! A window is as many steps as fit a small part of the memory. Between windows the host writes the
//! input of the next, and fetches spikes, samples and states; all else stays on the device. A device that works on its
//! own has the next window to do while the host looks at what the last one left ([`run::windows`]), unless the host's look
//! decides what the next one is: rewards for pairs of spikes, synapses that are replaced.

mod input;
mod keep;
mod recording;
mod rewire;

pub use keep::{Progress, is_laid_out, learned_weights};
pub use recording::{Activity, Recording, Trace, trace_names, words_of};
use recording::{measures, traces};

use crate::checkpoint::{CheckpointError, Store};
use crate::engine::{Engine, EngineError, Fetched};
use crate::kernel::Clock;
use crate::network::{Kind, Network, Population};
use crate::neuron::stepped::BLOCK;
use crate::plan::{ArrayId, Plan, ProgramId, Reals, Sampled, SimulationOptions, SimulationPorts};
use crate::record::statistics::SpikeStatistics;
use crate::run::{self, Begun, Event, Run, UnderWay};
use crate::scene::Scene;
use std::collections::BTreeSet;
use std::ops::Range;

/// Words of the spikes of a window.
const WINDOW: usize = 1 << 21;

/// Steps of a window at most: between two, the run may be interrupted and tells how far it is.
const STEPS: usize = 1000;

/// Neurons that are recorded if a scene names none.
pub const FIRST: u64 = 10;

/// Neurons of a trace of which an excerpt is kept; a report draws no more.
const DRAWN: usize = 6;

/// Steps of a simulation.
pub fn steps(scene: &Scene) -> u64 {
    let duration = scene.simulation.duration.map_or(0.0, |d| d.get());
    (duration / scene.simulation.dt.get()).round() as u64
}

/// What the plan of a scene's simulation has to know.
///
/// # Errors
/// A variable that a population does not have.
pub fn options(
    scene: &Scene,
    network: &Network,
    max_binding: u64,
) -> Result<SimulationOptions, SimulationError> {
    let words: usize = network.populations.iter().map(|p| p.size.div_ceil(BLOCK) * 2).sum();
    let fits = (WINDOW / words.max(1)).clamp(1, STEPS) as u64;
    // A reward comes in a later window than the spikes for which it is given.
    let pairs = network.modulators.iter().flat_map(|m| &m.pairs);
    let fits = pairs.map(|pair| pair.after.0).fold(fits, u64::min).max(1);
    let samples = traces(scene, network)?.into_iter().map(|trace| Sampled {
        what: trace.what,
        ids: trace.ids.iter().map(|id| *id as u32).collect(),
        every: trace.every,
    });
    Ok(SimulationOptions {
        steps: fits.min(steps(scene)).max(1) as usize,
        samples: samples.collect(),
        presented: false,
        workgroups: false,
        room: 1.0,
        max_binding,
        max_table: max_binding,
    })
}

/// A network that runs.
pub struct Simulation<'a> {
    network: &'a Network,
    plan: &'a Plan,
    ports: &'a SimulationPorts,
    engine: Box<dyn Engine + 'a>,
    run: ProgramId,
    /// Step up to which it runs.
    pub until: u64,
    /// Steps of the windows that the engine was given.
    under_way: UnderWay<Range<u64>>,
    keep: Vec<bool>,
    /// Releases to come: step, modulator, amount.
    rewards: Vec<(u64, usize, f64)>,
    /// For each rewarded pair, in their order: the step of the first neuron's latest spike, and how many
    /// rewards were given.
    pairs: Vec<(Option<u64>, u64)>,
    /// Synapses that leave each source, in the order of the row.
    out_degree: Vec<u32>,
    /// What a window left, once a state in it is not finite: the device may be a window further.
    diverged: Option<Fetched>,
    /// What was recorded so far.
    pub recording: Recording,
}

impl<'a> Simulation<'a> {
    /// A simulation at its beginning.
    ///
    /// # Errors
    /// A variable that a population does not have.
    ///
    /// # Panics
    /// If the plan was not made for simulation.
    pub fn new(
        network: &'a Network,
        plan: &'a Plan,
        scene: &Scene,
        engine: Box<dyn Engine + 'a>,
    ) -> Result<Self, SimulationError> {
        let record = &scene.record;
        let first = record.start.map_or(0.0, |start| start.get() / network.dt).round() as u64;
        let traces = traces(scene, network)?;
        let ports = plan.simulation();
        let activity = |(k, population): (usize, &Population)| {
            let mut statistics = SpikeStatistics::from_step(first, population.size, network.dt);
            let traced = traces.iter().filter(|trace| trace.population() == Some(k));
            traced.flat_map(|trace| &trace.ids).for_each(|id| statistics.trace(*id as u32));
            Activity { statistics, times: Vec::new() }
        };
        Ok(Self {
            run: plan.program("simulate").expect("a plan for simulation has this program"),
            ports,
            out_degree: ports.out_degree.clone(),
            keep: network.populations.iter().map(|p| record.spikes.contains(&p.name)).collect(),
            recording: Recording {
                populations: network.populations.iter().enumerate().map(activity).collect(),
                traces,
                measures: measures(scene, network),
                ..Recording::default()
            },
            until: steps(scene),
            under_way: UnderWay::default(),
            diverged: None,
            rewards: Vec::new(),
            pairs: network.modulators.iter().flat_map(|m| &m.pairs).map(|_| (None, 0)).collect(),
            network,
            plan,
            engine,
        })
    }

    /// The engine.
    pub fn engine(&mut self) -> &mut dyn Engine {
        &mut *self.engine
    }

    /// Runs up to step `end` of the simulation, or until the observer, shown after each window what
    /// was recorded, answers false. The observer may take spikes and samples away. It is shown once more, and not
    /// asked, what a window leaves that the device had begun by then.
    ///
    /// # Errors
    /// The engine fails; a state is not finite.
    pub fn run(
        &mut self,
        end: u64,
        observe: &mut dyn FnMut(&mut Recording) -> bool,
    ) -> Result<(), SimulationError> {
        self.until = end;
        run::windows(self, None, &mut |event| match event {
            Event::Steps(recording) => observe(recording),
            _ => true,
        })?;
        Ok(())
    }

    /// Arrays that the host looks at after each window: spikes, of which it counts all, samples, and states.
    fn looked_at(&self) -> Vec<ArrayId> {
        let mut arrays = vec![self.ports.spikes.id()];
        let samples: BTreeSet<_> = self.ports.samples.iter().map(|(array, _)| array.id()).collect();
        arrays.extend(samples);
        arrays.extend(self.stateful().map(|(_, array, _)| array.id()));
        arrays
    }

    /// Whether what the host finds in the window that ends at a step may change the next one.
    fn acts_on(&self, step: u64) -> bool {
        !self.pairs.is_empty() || self.rewirings().any(|(_, r)| step.is_multiple_of(r.every))
    }

    /// Populations that have a state, its array, and rows of a block of it.
    fn stateful(&self) -> impl Iterator<Item = (&'a Population, Reals, usize)> + use<'a> {
        let all = self.network.populations.iter().zip(&self.ports.state);
        all.filter_map(|(population, state)| state.map(|(array, rows)| (population, array, rows)))
    }

    /// Names the first neuron with a state that is not finite.
    fn check_state(&self, found: &Fetched) -> Result<(), SimulationError> {
        for (population, array, rows) in self.stateful() {
            let Some(at) = found.reals(array).iter().position(|x| !x.is_finite()) else { continue };
            let (block, row, lane) = (at / BLOCK / rows, at / BLOCK % rows, at % BLOCK);
            let Kind::Stepped(neurons) = &population.kind else { continue };
            let variable = neurons.variables().into_iter().find(|v| v.row == row);
            return Err(SimulationError::Diverged {
                population: population.name.clone(),
                neuron: (block * BLOCK + lane).min(population.size - 1) as u64,
                variable: variable.map_or_else(|| format!("state {row}"), |v| v.name),
                step: self.recording.steps,
            });
        }
        Ok(())
    }
}

impl Run for Simulation<'_> {
    type Error = SimulationError;

    fn begin(&mut self) -> Result<Begun, SimulationError> {
        let last = self.under_way.last().map(|window| window.end);
        let start = last.unwrap_or(self.recording.steps);
        if start >= self.until || last.is_some_and(|end| self.acts_on(end)) {
            return Ok(Begun::Nothing);
        }
        let pause = self.rewirings().map(|(_, r)| (start / r.every + 1) * r.every);
        let end = pause.fold(self.until, u64::min).min(start + self.plan.steps as u64);
        let steps = (end - start) as usize;
        self.write_input(start, steps)?;
        self.write_releases(start, steps)?;
        self.engine.run(self.run, &Clock::still(self.network.seed, start), steps)?;
        let found = self.engine.fetch(&self.looked_at())?;
        self.under_way.add(start..end, found);
        Ok(Begun::Window)
    }

    fn settle(&mut self, all: bool) -> Result<bool, SimulationError> {
        let Some((window, found)) = self.under_way.next(all) else { return Ok(false) };
        let found = self.engine.collect(found)?;
        self.record_spikes(window.clone(), found.words(self.ports.spikes));
        self.record_samples(window.clone(), &found);
        self.recording.steps = window.end;
        if let Err(diverged) = self.check_state(&found) {
            self.diverged = Some(found);
            return Err(diverged);
        }
        self.rewire()?;
        Ok(true)
    }

    fn tell(&mut self) -> Result<Event<'_>, SimulationError> {
        Ok(Event::Steps(&mut self.recording))
    }

    fn spend(&mut self, seconds: f64) {
        self.recording.wall_s += seconds;
    }

    /// Spikes and samples are whoever's that takes them.
    fn save(&mut self, store: &Store) -> Result<(), SimulationError> {
        Ok(store.save(self.recording.steps, &self.progress(), &self.state()?)?)
    }
}

/// Why a simulation cannot start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The engine cannot go on.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The state cannot be saved or loaded.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A variable that a population does not have.
    #[error(
        "record.traces: neurons of `{population}` have no variable `{name}`; they have {known}"
    )]
    Variable {
        /// Population.
        population: String,
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A synapse that a projection does not have.
    #[error(
        "record.weights: there is no synapse {id} among the {count} of `{projection}`, they are counted \
         from 0"
    )]
    Synapse {
        /// Projection.
        projection: String,
        /// What was asked for.
        id: u64,
        /// How many there are.
        count: u64,
    },
    /// A state is not finite.
    #[error(
        "diverged: `{variable}` of neuron {neuron} of population `{population}` is not finite by step \
         {step}. The run folder has the state of all neurons in diverged.safetensors. Look at sign and size of \
         the weights and currents that drive it first; where these are right a lower simulation.dt helps"
    )]
    Diverged {
        /// Population.
        population: String,
        /// Neuron.
        neuron: u64,
        /// Variable of state.
        variable: String,
        /// Steps that were done.
        step: u64,
    },
}
