//! Runs a simulation: its recording, its metrics and its checkpoints.

use super::Interrupted;
use super::folder::{CHECKPOINTS, DIVERGED};
use super::metrics::{Metrics, Told};
use super::pictures;
use super::progress::Progress;
use super::session::Session;
use super::stop::Stop;
use crate::archive::Archive;
use crate::checkpoint::{Checkpoint, Store};
use crate::engine::KernelTime;
use crate::network::Network;
use crate::report::Weights;
use crate::run::{self, Begun, Event, Run};
use crate::simulation::{self, Recording, Simulation, SimulationError};
use crate::summary;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Times at which weights that change are looked at, beside the start.
const LOOKS: u64 = 3;

/// What a checkpoint knows beside the arrays of the network.
#[derive(Serialize, Deserialize)]
struct Saved {
    simulation: simulation::Progress,
    /// Bytes of each file of the recording.
    archive: Vec<u64>,
    metrics: Told,
    /// Distributions of each projection that changes.
    weights: Vec<Vec<(f64, Vec<f64>)>>,
}

/// A simulation with the files that take what it records.
struct Kept<'s, 'a> {
    simulation: Simulation<'a>,
    archive: Archive<'s>,
    metrics: Metrics<'s>,
    /// Weights that change, as they were at some times.
    weights: Vec<Weights>,
    /// Steps of the whole run.
    end: u64,
    dt: f64,
    stop: &'s Stop,
}

impl Kept<'_, '_> {
    /// Saves all that the run needs to go on.
    fn keep(&mut self, store: &Store) -> Result<()> {
        let recording = &self.simulation.recording;
        let known = Saved {
            metrics: self.metrics.told(recording),
            simulation: self.simulation.progress(),
            archive: self.archive.lengths()?,
            weights: self.weights.iter().map(|weights| weights.at.clone()).collect(),
        };
        Ok(store.save(known.simulation.steps, &known, &self.simulation.state()?)?)
    }
}

impl Run for Kept<'_, '_> {
    type Error = anyhow::Error;

    /// A window ends where weights are looked at.
    fn begin(&mut self) -> Result<Begun> {
        let (now, end) = (self.simulation.recording.steps, self.end);
        let looks = if self.weights.is_empty() { 1 } else { LOOKS };
        let next = (1..looks).map(|part| end * part / looks).find(|step| *step > now);
        self.simulation.until = next.unwrap_or(end);
        Ok(self.simulation.begin()?)
    }

    fn settle(&mut self, all: bool) -> Result<bool> {
        let settled = self.simulation.settle(all)?;
        if settled && self.simulation.recording.steps == self.simulation.until {
            let since = Instant::now();
            let time = self.simulation.until as f64 * self.dt;
            for (histogram, (_, now)) in self.weights.iter_mut().zip(self.simulation.weights()?) {
                histogram.add(time, &now);
            }
            // That is no time of steps.
            self.spend(-since.elapsed().as_secs_f64());
        }
        Ok(settled)
    }

    fn tell(&mut self) -> Result<Event<'_>> {
        self.archive.take(&mut self.simulation.recording)?;
        self.metrics.tell(&self.simulation.recording)?;
        Ok(self.simulation.tell()?)
    }

    fn spend(&mut self, seconds: f64) {
        self.simulation.spend(seconds);
    }

    fn save(&mut self, store: &Store) -> Result<()> {
        match self.keep(store) {
            Err(e) if !self.stop.asked() => {
                let step = self.simulation.recording.steps;
                log::warn!("no checkpoint at step {step}: {e}");
                Ok(())
            }
            kept => kept,
        }
    }
}

impl Session<'_> {
    /// Runs a simulation from its beginning or from a checkpoint.
    pub fn simulate(
        &mut self,
        mut simulation: Simulation<'_>,
        checkpoint: Option<Checkpoint>,
    ) -> Result<Vec<KernelTime>> {
        let end = simulation::steps(self.scene);
        let stop = Stop::listen();
        let dt = self.network.dt;
        let (folder, network) = (self.folder.path.clone(), self.network);
        let mut weights = start_weights(network);
        let record = &self.scene.record;
        let (archive, metrics) = match checkpoint {
            None => (
                Archive::create(&folder, network, record, &simulation.recording)?,
                Metrics::create(&folder, network, self.tensorboard)?,
            ),
            Some(checkpoint) => {
                let saved: Saved = checkpoint.progress()?;
                simulation.restore(&checkpoint, saved.simulation)?;
                simulation.recording.wall_s = saved.metrics.wall_s;
                let recording = &simulation.recording;
                if !saved.metrics.is_of(recording) || !can_follow(&saved.weights, &weights) {
                    Err(checkpoint.damaged("what it has told is of another run".to_owned()))?;
                }
                for (weights, at) in weights.iter_mut().zip(saved.weights) {
                    weights.at = at;
                }
                self.tell(format!("going on after {:.0} ms\n", recording.steps as f64 * dt))?;
                let lengths = &saved.archive;
                (
                    Archive::reopen(&folder, network, record, recording, lengths)?,
                    Metrics::reopen(&folder, network, saved.metrics, self.tensorboard)?,
                )
            }
        };
        let mut bar = Progress::new(end, "steps", self.quiet);
        let mut kept = Kept { simulation, archive, metrics, weights, end, dt, stop: &stop };
        let outcome = run::windows(&mut kept, Some(&self.store), &mut |event| {
            if let Event::Steps(Recording { steps, .. }) = event {
                bar.at("simulating", *steps, end, &format!("{:.0} ms", *steps as f64 * dt));
            }
            !stop.asked()
        });
        bar.finish();
        let outcome = match outcome {
            // A file that cannot be written stays as it is.
            Err(e) if !e.is::<SimulationError>() => return Err(e),
            outcome => outcome,
        };
        // Whatever stopped the simulation, what was recorded before is not lost.
        let recorded = kept.archive.write(&mut kept.simulation.recording);
        if let Err(e) = outcome {
            if let Some(SimulationError::Diverged { .. }) = e.downcast_ref() {
                self.write_weights(DIVERGED, kept.simulation.states()?, &[])?;
                // It would diverge again.
                self.folder.remove(CHECKPOINTS)?;
                kept.archive.close()?;
            } else if self.path(CHECKPOINTS).exists() {
                let folder = folder.display();
                log::warn!("the state is saved; go on with: neuralearn --resume {folder}");
            }
            return Err(e);
        }
        recorded?;
        if kept.simulation.recording.steps < end {
            return Err(Interrupted(folder).into());
        }
        kept.metrics.finish(&kept.simulation.recording)?;
        let sources = kept.simulation.sources()?;
        let learned = kept.simulation.weights()?;
        let kernels = pictures::learned_kernels(network, &learned);
        self.write_weights("weights.safetensors", learned, &sources)?;
        // From its end a run can be extended.
        match kept.keep(&self.store) {
            Ok(()) => self.store.keep(1),
            Err(e) => log::warn!("the run cannot be extended: {e}"),
        }
        let Kept { mut simulation, archive, weights, .. } = kept;
        self.simulation_summary(&simulation.recording);
        let times = simulation.engine().profile();
        let report = self.reports.then(|| {
            pictures::simulation(
                &self.origin.description,
                network,
                &simulation.recording,
                (weights, kernels),
                &self.summary,
                &self.warnings,
            )
        });
        self.finish(report.as_ref())?;
        archive.close()?;
        for (name, population) in &self.summary.populations {
            if let Some(rate) = population.rate_hz {
                self.tell(format!("{name}: {rate:.2} Hz{}\n", self.spread(name)))?;
            }
        }
        for (name, value) in &self.summary.measures {
            self.tell(format!("{name}: {value:.4}\n"))?;
        }
        let (simulated, seconds) = (end as f64 * dt, self.summary.wall_s);
        self.tell(format!("{simulated:.0} ms simulated in {seconds:.2} s\n"))?;
        Ok(times)
    }

    fn simulation_summary(&mut self, recording: &simulation::Recording) {
        let seconds = recording.steps as f64 * self.network.dt * 1e-3;
        let mut spikes = 0;
        let activities = self.network.populations.iter().zip(&recording.populations);
        for ((_, given), (population, activity)) in self.scene.populations.iter().zip(activities) {
            let statistics = &activity.statistics;
            let entry = summary::Population {
                size: population.size as u64,
                spikes: population.spikes().then_some(statistics.spikes),
                rate_hz: statistics.rate(recording.steps).filter(|_| population.spikes()),
                cv_isi: statistics.cv_isi(),
            };
            if let (true, Some(rate)) = (given.model.is_spiking(), entry.rate_hz) {
                self.judge(&population.name, rate);
            }
            self.summary.populations.push((population.name.clone(), entry));
            if population.is_neural() {
                spikes += statistics.spikes;
            }
        }
        if self.network.copies > 1 {
            self.summary.copies = self.of_copies(recording);
        }
        let events = recording.synaptic_events;
        let s = &mut self.summary;
        s.wall_s = recording.wall_s;
        s.measures = recording.measures.iter().map(|m| (m.name.clone(), m.value())).collect();
        let rewires = self.network.projections.iter().any(|p| p.rewire.is_some());
        s.synapses_rewired = rewires.then_some(recording.rewired);
        s.spikes = Some(spikes);
        s.synaptic_events = Some(events);
        s.synaptic_events_per_s = Some(events as f64 / s.wall_s.max(1e-9));
        s.real_time_factor = Some(s.wall_s / seconds.max(1e-9));
    }
}

impl Session<'_> {
    /// Activity of each copy of the network.
    fn of_copies(&self, recording: &simulation::Recording) -> Vec<summary::OfCopy> {
        let copies = self.network.copies;
        let mut all: Vec<_> = (0..copies).map(|_| summary::OfCopy(Vec::new())).collect();
        for (population, activity) in self.network.populations.iter().zip(&recording.populations) {
            let (statistics, size) = (&activity.statistics, population.size / copies);
            let time = statistics.seconds(recording.steps) * size as f64;
            for (copy, (spikes, cv_isi)) in all.iter_mut().zip(statistics.parts(copies)) {
                let spiking = population.spikes();
                let entry = summary::Population {
                    size: size as u64,
                    spikes: spiking.then_some(spikes),
                    rate_hz: (spiking && time > 0.0).then(|| spikes as f64 / time),
                    cv_isi,
                };
                copy.0.push((population.name.clone(), entry));
            }
        }
        all
    }

    /// The rates of a population in the copies, from the least to the most, for people to read.
    fn spread(&self, name: &str) -> String {
        let of = |copy: &summary::OfCopy| {
            let entry = copy.0.iter().find(|(known, _)| known == name);
            entry.and_then(|(_, population)| population.rate_hz)
        };
        let rates: Vec<f64> = self.summary.copies.iter().filter_map(of).collect();
        let least = rates.iter().copied().reduce(f64::min);
        match least.zip(rates.iter().copied().reduce(f64::max)) {
            Some((least, most)) => {
                format!(", {least:.2} to {most:.2} in {} copies", rates.len())
            }
            None => String::new(),
        }
    }
}

/// Rate above which neurons hardly code anything \[Hz\].
const SATURATED: f64 = 300.0;

impl Session<'_> {
    /// Warns of a population whose rate is rarely what was meant.
    fn judge(&mut self, name: &str, rate: f64) {
        let message = if rate == 0.0 {
            "never spiked: its input does not reach the threshold. Look at the size and the units of its weights \
             and currents"
                .to_owned()
        } else if rate > SATURATED {
            format!(
                "fires at {rate:.0} Hz: its input drives it to what its refractoriness allows. Look at the size and \
                 the units of its weights and currents"
            )
        } else {
            return;
        };
        log::warn!("{}: populations.{name}: {message}", self.summary.scene);
        self.warnings.push(format!("populations.{name}: {message}"));
    }
}

/// Whether distributions that were saved can be those of weights that began so.
fn can_follow(saved: &[Vec<(f64, Vec<f64>)>], start: &[Weights]) -> bool {
    let whole = |(time, bins): &(f64, Vec<f64>)| {
        bins.len() == Weights::BINS && bins.iter().chain([time]).all(|x| x.is_finite())
    };
    saved.len() == start.len() && saved.iter().flatten().all(whole)
}

/// Distributions of the weights that are going to change, at the start.
fn start_weights(network: &Network) -> Vec<Weights> {
    let learning = network.projections.iter().filter_map(|p| Some((p, p.rule.as_ref()?)));
    let distribution = learning.map(|(p, rule)| {
        let start: Vec<f32> = p.synapses.weights().iter().map(|w| *w as f32).collect();
        let mut weights = Weights { name: p.name.clone(), bounds: rule.bounds, at: Vec::new() };
        weights.add(0.0, &start);
        weights
    });
    distribution.collect()
}
