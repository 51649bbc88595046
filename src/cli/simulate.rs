//! Runs a simulation: its recording, its metrics and its checkpoints.

use super::metrics::{Metrics, Told};
use super::pictures;
use super::progress::{Progress, stop_flag};
use super::run::Session;
use super::{Interrupted, print};
use crate::archive::Archive;
use crate::checkpoint::{self, Checkpoint};
use crate::engine::KernelTime;
use crate::network::Network;
use crate::report::Weights;
use crate::simulation::{self, Recording, Simulation, SimulationError};
use crate::summary;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::sync::atomic::Ordering;
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
    /// Name and hash of the scene file with which the run began.
    origin: (String, String),
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
        let stop = stop_flag();
        let dt = self.network.dt;
        let (folder, network) = (self.folder.path.clone(), self.network);
        let (states, told) = (folder.join("checkpoints"), folder.join("metrics.jsonl"));
        let mut weights = start_weights(network);
        let record = &self.scene.record;
        let (mut archive, mut metrics) = match checkpoint {
            None => (
                Archive::create(&folder, network, record, &simulation.recording)?,
                Metrics::create(told, network)?,
            ),
            Some(checkpoint) => {
                let saved: Saved = checkpoint.progress()?;
                simulation.restore(&checkpoint, saved.simulation)?;
                for (weights, at) in weights.iter_mut().zip(saved.weights) {
                    weights.at = at;
                }
                let recording = &simulation.recording;
                self.go_on(&saved.origin, &format!("{:.0} ms", recording.steps as f64 * dt));
                let lengths = &saved.archive;
                (
                    Archive::reopen(&folder, network, record, recording, lengths)?,
                    Metrics::reopen(told, network, saved.metrics)?,
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
                let taken = archive.take(recording).map_err(anyhow::Error::from);
                written = taken.and_then(|()| Ok(metrics.tell(recording)?));
                written.is_ok() && !stop.load(Ordering::Relaxed) && saved.elapsed() < interval
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
            let interrupted = step < end && stop.load(Ordering::Relaxed);
            if interrupted || (step < end && saved.elapsed() >= interval) {
                let since = Instant::now();
                let kept = archive.lengths().map_err(anyhow::Error::from).and_then(|archive| {
                    let known = Saved {
                        origin: (self.summary.scene.clone(), self.summary.scene_sha256.clone()),
                        simulation: simulation.progress(),
                        archive,
                        metrics: metrics.told(),
                        weights: weights.iter().map(|weights| weights.at.clone()).collect(),
                    };
                    Ok(checkpoint::save(&states, step, &known, &simulation.state()?)?)
                });
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
            self.write_weights("diverged.safetensors", simulation.states()?, &[])?;
            // It would diverge again.
            let _ = std::fs::remove_dir_all(&states);
            archive.close()?;
            return Err(diverged.into());
        }
        if ran.is_err() && states.exists() {
            let folder = folder.display();
            log::warn!("the state is saved; go on with: neuralearn --resume {folder}");
        }
        ran?;
        recorded?;
        metrics.finish(&simulation.recording)?;
        let sources = simulation.sources()?;
        self.write_weights("weights.safetensors", simulation.weights()?, &sources)?;
        self.simulation_summary(&simulation.recording);
        let times = simulation.engine().profile();
        let report = pictures::simulation(
            self.source,
            network,
            &simulation.recording,
            weights,
            &self.summary,
            &self.warnings,
        );
        self.finish(&report)?;
        // What is finished does not go on. A folder that cannot be removed costs space only.
        let _ = std::fs::remove_dir_all(&states);
        archive.close()?;
        if !self.quiet {
            for (name, population) in &self.summary.populations {
                if let Some(rate) = population.rate_hz {
                    print(&format!("{name}: {rate:.2} Hz\n"));
                }
            }
            print(&format!(
                "{:.0} ms simulated in {:.2} s\n",
                end as f64 * dt,
                self.summary.wall_s
            ));
        }
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
            self.summary.populations.insert(population.name.clone(), entry);
            if population.is_neural() {
                spikes += statistics.spikes;
            }
        }
        let events = recording.synaptic_events;
        let s = &mut self.summary;
        let rewires = self.network.projections.iter().any(|p| p.rewire.is_some());
        s.synapses_rewired = rewires.then_some(recording.rewired);
        s.spikes = Some(spikes);
        s.synaptic_events = Some(events);
        s.synaptic_events_per_s = Some(events as f64 / s.wall_s.max(1e-9));
        s.real_time_factor = Some(s.wall_s / seconds.max(1e-9));
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
        log::warn!("{}: populations.{name}: {message}", self.source.name);
        self.warnings.push(format!("populations.{name}: {message}"));
    }
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
