//! Runs a simulation: its recording, its metrics and its checkpoints.

use super::Interrupted;
use super::folder::{CHECKPOINTS, DIVERGED};
use super::metrics::{Metrics, Told};
use super::pictures;
use super::progress::Progress;
use super::session::Session;
use super::stop::Stop;
use crate::archive::Archive;
use crate::checkpoint::Checkpoint;
use crate::engine::KernelTime;
use crate::network::Network;
use crate::report::Weights;
use crate::simulation::{self, Recording, Simulation, SimulationError};
use crate::summary;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Times at which weights that change are looked at, beside the start.
const LOOKS: u64 = 3;

/// How often the state is saved.
const SAVE: Duration = Duration::from_secs(20);

/// The time between two checkpoints is at least this many times what one takes.
const SHARE: u32 = 20;

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
        let (mut archive, mut metrics) = match checkpoint {
            None => (
                Archive::create(&folder, network, record, &simulation.recording)?,
                Metrics::create(&folder, network, self.tensorboard)?,
            ),
            Some(checkpoint) => {
                let saved: Saved = checkpoint.progress()?;
                simulation.restore(&checkpoint, saved.simulation)?;
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
        // Weights that change are looked at a few times.
        let looks = if weights.is_empty() { 1 } else { LOOKS };
        let mut part = 1;
        while end * part / looks <= simulation.recording.steps && part < looks {
            part += 1;
        }
        let (mut saved, mut interval) = (Instant::now(), SAVE);
        let mut ran = Ok(());
        while simulation.recording.steps < end {
            let until = end * part / looks;
            let mut written = Ok(());
            ran = simulation.run(until, &mut |recording: &mut Recording| {
                let step = recording.steps;
                bar.at("simulating", step, end, &format!("{:.0} ms", step as f64 * dt));
                if written.is_ok() {
                    let taken = archive.take(recording).map_err(anyhow::Error::from);
                    written = taken.and_then(|()| Ok(metrics.tell(recording)?));
                }
                written.is_ok() && !stop.asked() && saved.elapsed() < interval
            });
            written?;
            if ran.is_err() {
                break;
            }
            let step = simulation.recording.steps;
            if step == until {
                part += 1;
                let since = Instant::now();
                for (histogram, (_, now)) in weights.iter_mut().zip(simulation.weights()?) {
                    histogram.add(until as f64 * dt, &now);
                }
                metrics.leave_out(since);
            }
            let interrupted = step < end && stop.asked();
            if interrupted || (step < end && saved.elapsed() >= interval) {
                let since = Instant::now();
                let kept = self.save(&mut simulation, &mut archive, &metrics, &weights);
                match kept {
                    Err(e) if !interrupted => log::warn!("no checkpoint at step {step}: {e}"),
                    kept => kept?,
                }
                saved = Instant::now();
                interval = SAVE.max(since.elapsed() * SHARE);
                metrics.leave_out(since);
            }
            if interrupted {
                bar.finish();
                archive.write(&mut simulation.recording)?;
                return Err(Interrupted(folder).into());
            }
        }
        bar.finish();
        self.summary.wall_s = metrics.wall_s();
        // Whatever stopped the run, what was recorded before is not lost.
        let recorded = archive.write(&mut simulation.recording);
        if let Err(diverged @ SimulationError::Diverged { .. }) = ran {
            self.write_weights(DIVERGED, simulation.states()?, &[])?;
            // It would diverge again.
            self.folder.remove(CHECKPOINTS)?;
            archive.close()?;
            return Err(diverged.into());
        }
        if ran.is_err() && self.path(CHECKPOINTS).exists() {
            let folder = folder.display();
            log::warn!("the state is saved; go on with: neuralearn --resume {folder}");
        }
        ran?;
        recorded?;
        metrics.finish(&simulation.recording)?;
        let sources = simulation.sources()?;
        self.write_weights("weights.safetensors", simulation.weights()?, &sources)?;
        // From its end a run can be extended.
        match self.save(&mut simulation, &mut archive, &metrics, &weights) {
            Ok(()) => self.store.keep(1),
            Err(e) => log::warn!("the run cannot be extended: {e}"),
        }
        self.simulation_summary(&simulation.recording);
        let times = simulation.engine().profile();
        let report = self.reports.then(|| {
            pictures::simulation(
                &self.origin.description,
                network,
                &simulation.recording,
                weights,
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

    /// Saves all that the run needs to go on.
    fn save(
        &self,
        simulation: &mut Simulation<'_>,
        archive: &mut Archive<'_>,
        metrics: &Metrics<'_>,
        weights: &[Weights],
    ) -> Result<()> {
        let known = Saved {
            simulation: simulation.progress(),
            archive: archive.lengths()?,
            metrics: metrics.told(),
            weights: weights.iter().map(|weights| weights.at.clone()).collect(),
        };
        Ok(self.store.save(simulation.recording.steps, &known, &simulation.state()?)?)
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
