//! Simulation: windows of steps one after the other, and what is recorded of them.
//!
//! A window is as many steps as fit a small part of the memory. Between windows the host writes the
//! input of the next, and fetches spikes, samples and states; all else stays on the device. A device that works on its
//! own has the next window to do while the host looks at what the last one left, unless the host's look decides
//! what the next one is: rewards for pairs of spikes, synapses that are replaced.

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::engine::{Engine, EngineError, Fetched, Pending};
use crate::files::Values;
use crate::kernel::Clock;
use crate::network::{self, Course, Input, Kind, Network, Population, Stimulus};
use crate::neuron::stepped::{BLOCK, Variable};
use crate::plan::{
    ArrayId, Handle, Lists, LivePorts, ModulatorPorts, Plan, ProgramId, Reals, Recorded, Sampled,
    SimulationOptions, SimulationPorts, Tiles,
};
use crate::record::decode_row;
use crate::record::excerpt::Excerpt;
use crate::record::measure::{Measure, Members, Tally, spikes_above};
use crate::record::statistics::SpikeStatistics;
use crate::scene::{self, Scene};
use crate::synapse::by_row;
use serde::{Deserialize, Serialize};

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
        max_binding,
        max_table: max_binding,
    })
}

/// The recordings that a scene asks for, still empty.
fn traces(scene: &Scene, network: &Network) -> Result<Vec<Trace>, SimulationError> {
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
fn measures(scene: &Scene, network: &Network) -> Vec<Measure> {
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

/// Steps that an engine was given to do, and what they leave for the host.
struct Window {
    start: u64,
    steps: usize,
    /// Arrays of [`Simulation::looked_at`].
    found: Pending,
}

impl Window {
    fn end(&self) -> u64 {
        self.start + self.steps as u64
    }
}

/// A network that runs.
pub struct Simulation<'a> {
    network: &'a Network,
    plan: &'a Plan,
    ports: &'a SimulationPorts,
    engine: Box<dyn Engine + 'a>,
    run: ProgramId,
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
        let mut asked_for = true;
        // The window that the engine was given and the host has not looked at.
        let mut under_way: Option<Window> = None;
        while (asked_for && self.recording.steps < end) || under_way.is_some() {
            let last = under_way.take();
            let start = last.as_ref().map_or(self.recording.steps, Window::end);
            let is_free =
                last.as_ref().is_none_or(|w| !w.found.is_here() && !self.acts_on(w.end()));
            if asked_for && start < end && is_free {
                under_way = Some(self.begin(start, end)?);
            }
            if let Some(window) = last {
                self.look_at(window)?;
                self.rewire()?;
                asked_for &= observe(&mut self.recording);
            }
        }
        Ok(())
    }

    /// Gives the engine the window that starts at `start`.
    fn begin(&mut self, start: u64, end: u64) -> Result<Window, SimulationError> {
        let pause = self.rewirings().map(|(_, r)| (start / r.every + 1) * r.every);
        let end = pause.fold(end, u64::min);
        let steps = (end - start).min(self.plan.steps as u64) as usize;
        self.write_input(start, steps)?;
        self.write_releases(start, steps)?;
        let clock = Clock {
            seed: self.network.seed,
            step: start,
            samples: 1,
            slot: 0,
            learning_rate: 0.0,
            corrections: [1.0; 2],
        };
        self.engine.run(self.run, &clock, steps)?;
        let found = self.engine.fetch(&self.looked_at())?;
        Ok(Window { start, steps, found })
    }

    /// Arrays that the host looks at after each window: spikes, of which it counts all, samples, and states.
    fn looked_at(&self) -> Vec<ArrayId> {
        let mut arrays = vec![self.ports.spikes.id()];
        arrays.extend(self.ports.samples.iter().map(|array| array.id()));
        arrays.extend(self.stateful().map(|(_, array, _)| array.id()));
        arrays
    }

    /// Takes note of what a window left.
    fn look_at(&mut self, window: Window) -> Result<(), SimulationError> {
        let Window { start, steps, found } = window;
        let found = self.engine.collect(found)?;
        self.record_spikes(start, steps, found.words(self.ports.spikes));
        self.record_samples(start, steps, &found);
        self.recording.steps += steps as u64;
        let sound = self.check_state(&found);
        if sound.is_err() {
            self.diverged = Some(found);
        }
        sound
    }

    /// Whether what the host finds in the window that ends at a step may change the next one.
    fn acts_on(&self, step: u64) -> bool {
        !self.pairs.is_empty() || self.rewirings().any(|(_, r)| step.is_multiple_of(r.every))
    }

    /// Projections whose weak synapses are replaced.
    fn rewirings(&self) -> impl Iterator<Item = (usize, network::Rewire)> + use<'a> {
        let projections = self.network.projections.iter().enumerate();
        projections.filter_map(|(k, p)| Some((k, p.rewire?)))
    }

    /// Replaces weak synapses of projections whose interval is over.
    fn rewire(&mut self) -> Result<(), EngineError> {
        let now = self.recording.steps;
        for (k, rule) in self.rewirings() {
            if !now.is_multiple_of(rule.every) {
                continue;
            }
            let network = self.network;
            let p = &network.projections[k];
            let (
                Some(LivePorts {
                    weights: Tiles::Sparse { array, synapses, .. },
                    lists: Some(lists),
                    marks,
                }),
                network::Synapses::Sparse { start, .. },
            ) = (&self.ports.live[k], &p.synapses)
            else {
                continue;
            };
            let mut weights = self.engine.read_reals(*array)?;
            let origin = self.engine.read_words(lists.origin)?;
            let before: Vec<u32> = origin.iter().map(|word| lists.source(*word)).collect();
            let mut source = before.clone();
            let from = (network.populations[p.from].size, p.from == p.to);
            let interval = now / rule.every;
            let replaced =
                rule.replace(interval, start, &mut source, &mut weights[..*synapses], from);
            if replaced.is_empty() {
                continue;
            }
            self.recording.rewired += replaced.len() as u64;
            self.count_synapses(p, &before, &source);
            // What belongs to a synapse that is gone: its second float, its mark and what comes with that.
            for rest in weights[*synapses..].chunks_mut((*synapses).max(1)) {
                replaced.iter().for_each(|k| rest[*k] = 0.0);
            }
            for array in marks.iter().flat_map(Tiles::arrays) {
                let mut marks = self.engine.read_reals(array)?;
                for part in marks.chunks_mut((*synapses).max(1)) {
                    replaced.iter().for_each(|k| part[*k] = 0.0);
                }
                self.engine.write_reals(array, &marks)?;
            }
            let origin: Vec<u32> =
                origin.iter().zip(&source).map(|(word, s)| lists.with_source(*word, *s)).collect();
            self.engine.write_reals(*array, &weights)?;
            self.write_lists(lists, start, &origin, from.0)?;
        }
        Ok(())
    }

    /// Writes where the synapses of a projection come from, and where those of each source are.
    fn write_lists(
        &mut self,
        lists: &Lists,
        start: &[u32],
        origin: &[u32],
        sources: usize,
    ) -> Result<(), EngineError> {
        let row =
            |k: usize| lists.source(origin[k]) as usize * lists.groups + lists.group(origin[k]);
        let (begin, outgoing) = by_row(start, sources * lists.groups, lists.target_bits, row);
        self.engine.write_words(lists.origin, origin)?;
        self.engine.write_words(lists.begin, &begin)?;
        self.engine.write_words(lists.outgoing, &outgoing)
    }

    /// Takes note of where the synapses of a projection come from.
    fn count_synapses(&mut self, p: &network::Projection, before: &[u32], now: &[u32]) {
        let place = 32 * self.ports.first_word[p.from];
        before.iter().for_each(|s| self.out_degree[place + *s as usize] -= 1);
        now.iter().for_each(|s| self.out_degree[place + *s as usize] += 1);
    }

    /// Sources of the synapses of each projection whose synapses are replaced, in their natural order.
    ///
    /// # Errors
    /// The engine fails.
    pub fn sources(&mut self) -> Result<Vec<(String, Vec<u32>)>, SimulationError> {
        let mut all = Vec::new();
        for (k, _) in self.rewirings() {
            let Some(lists) = self.lists(k) else { continue };
            let origin = self.engine.read_words(lists.origin)?;
            let p = &self.network.projections[k];
            // An array has at least one word.
            let count = p.synapses.weights().len();
            let sources = origin.into_iter().take(count).map(|word| lists.source(word)).collect();
            all.push((p.name.clone(), sources));
        }
        Ok(all)
    }

    /// Currents and given spikes of the window that starts at `start`.
    fn write_input(&mut self, start: u64, steps: usize) -> Result<(), SimulationError> {
        for (stimulus, array) in self.network.stimuli.iter().zip(&self.ports.courses) {
            if let (Some(array), Input::Current { course, .. }) = (array, &stimulus.input) {
                let mut values = vec![0f32; steps];
                add_course(&mut values, start, stimulus, &**course, 1.0);
                self.engine.write_reals(*array, &values)?;
            }
        }
        for (k, population) in self.network.populations.iter().enumerate() {
            if let Some(array) = self.ports.drive[k] {
                let mut drive = vec![0f32; steps];
                for stimulus in self.network.stimuli.iter().filter(|s| s.to == k) {
                    if let Input::Current { course, factors } = &stimulus.input
                        && let [factor] = factors[..]
                    {
                        add_course(&mut drive, start, stimulus, &**course, factor);
                    }
                }
                self.engine.write_reals(array, &drive)?;
            }
            if let (Some(array), Kind::Spikes(times)) = (self.ports.given[k], &population.kind) {
                let width = population.size.div_ceil(BLOCK) * 2;
                let mut words = vec![0u32; steps * width];
                for (id, times) in times.iter().enumerate() {
                    let first = times.partition_point(|t| *t < start);
                    for t in times[first..].iter().take_while(|t| **t < start + steps as u64) {
                        words[(t - start) as usize * width + id / 32] |= 1 << (id % 32);
                    }
                }
                self.engine.write_words(array, &words)?;
            }
        }
        Ok(())
    }

    /// What is released in the window that starts at `start`.
    fn write_releases(&mut self, start: u64, steps: usize) -> Result<(), SimulationError> {
        let Some(ModulatorPorts { release: array, .. }) = self.ports.modulators else {
            return Ok(());
        };
        let count = self.network.modulators.len();
        let mut release = vec![0f32; steps * count];
        let window = start..start + steps as u64;
        let events = self.network.modulators.iter().enumerate().flat_map(|(which, m)| {
            let first = m.events.partition_point(|event| event.0 < window.start);
            m.events[first..].iter().map(move |(step, amount)| (*step, which, *amount))
        });
        for (step, which, amount) in events.chain(self.rewards.iter().copied()) {
            if window.contains(&step) {
                release[(step - start) as usize * count + which] += amount as f32;
            }
        }
        self.rewards.retain(|reward| reward.0 >= window.end);
        Ok(self.engine.write_reals(array, &release)?)
    }

    /// Rewards for the pairs of spikes that a step, with its row of spikes, completes.
    fn reward_pairs(&mut self, step: u64, row: &[u32]) {
        let spiked = |(population, neuron): (usize, u32)| {
            let word = row[self.ports.first_word[population] + neuron as usize / 32];
            word >> (neuron % 32) & 1 == 1
        };
        let mut states = self.pairs.iter_mut();
        for (which, modulator) in self.network.modulators.iter().enumerate() {
            for (pair, (since, given)) in modulator.pairs.iter().zip(&mut states) {
                if spiked(pair.second)
                    && since.take_if(|first| step - *first <= pair.within).is_some()
                {
                    let (low, high) = pair.after;
                    let wait = (high - low) as f64 * pair.stream.uniform(*given, 0);
                    self.rewards.push((step + low + wait as u64, which, pair.amount));
                    *given += 1;
                }
                if spiked(pair.first) {
                    *since = Some(step);
                }
            }
        }
    }

    /// Arrays that a step depends on and changes: of neurons, what is under way to them, weights, traces,
    /// marks, concentrations. Spikes and samples of a window are written anew in each.
    fn changing(&self) -> Vec<ArrayId> {
        let anew = |array: &ArrayId| {
            let mut samples = self.ports.samples.iter();
            *array == self.ports.spikes.id() || samples.any(|samples| samples.id() == *array)
        };
        let mut arrays = self.plan.written(self.run);
        arrays.retain(|array| !anew(array));
        // The host changes this, and with it what follows from it.
        arrays.extend(self.rewirings().filter_map(|(k, _)| Some(self.lists(k)?.origin.id())));
        arrays
    }

    /// Lists of the synapses of a projection that changes and is sparse.
    fn lists(&self, projection: usize) -> Option<Lists> {
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
    fn fits(&self, checkpoint: &Checkpoint, progress: &Progress) -> Result<(), CheckpointError> {
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

    /// Populations that have a state, its array, and rows of a block of it.
    fn stateful(&self) -> impl Iterator<Item = (&'a Population, Reals, usize)> + use<'a> {
        let all = self.network.populations.iter().zip(&self.ports.state);
        all.filter_map(|(population, state)| state.map(|(array, rows)| (population, array, rows)))
    }

    fn record_spikes(&mut self, start: u64, steps: usize, words: &[u32]) {
        let dt = self.network.dt;
        for (t, row) in words.chunks(self.ports.row).take(steps).enumerate() {
            let step = start + t as u64;
            self.reward_pairs(step, row);
            for (k, activity) in self.recording.populations.iter_mut().enumerate() {
                let first = self.ports.first_word[k];
                let end = self.ports.first_word.get(k + 1).copied().unwrap_or(self.ports.row);
                let out_degree = &self.out_degree[32 * first..];
                let mut measures: Vec<&mut Measure> =
                    self.recording.measures.iter_mut().filter(|m| m.population == k).collect();
                for id in decode_row(&row[first..end]) {
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

    fn record_samples(&mut self, start: u64, steps: usize, found: &Fetched) {
        for (trace, array) in self.recording.traces.iter_mut().zip(&self.ports.samples) {
            let neurons = match trace.population().map(|k| &self.network.populations[k].kind) {
                Some(Kind::Stepped(neurons)) => Some(neurons),
                _ => None,
            };
            let samples = (start + steps as u64) / trace.every - start / trace.every;
            let count = trace.ids.len();
            for row in found.reals(*array).chunks(count.max(1)).take(samples as usize) {
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
/// Adds a stimulus to the currents of the steps from `start` on.
fn add_course(
    currents: &mut [f32],
    start: u64,
    stimulus: &Stimulus,
    course: &dyn Course,
    factor: f64,
) {
    let length = stimulus.stop.saturating_sub(stimulus.start).max(1);
    for (t, current) in currents.iter_mut().enumerate() {
        let step = start + t as u64;
        if (stimulus.start..stimulus.stop).contains(&step) {
            *current += (factor * course.at(step - stimulus.start, length)) as f32;
        }
    }
}
