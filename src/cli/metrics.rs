//! `metrics.jsonl` of a simulation: a line from time to time.

use super::FileFault;
use crate::network::Network;
use crate::simulation::Recording;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Biological time between two lines at least \[ms\].
const INTERVAL_MS: f64 = 100.0;

/// Wall time between two lines at least.
const INTERVAL: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct Line<'a> {
    /// Biological time so far \[ms\].
    t_ms: f64,
    /// Wall time so far \[s\].
    wall_s: f64,
    /// By name, those that spike.
    populations: BTreeMap<&'a str, Entry>,
}

/// Since the last line.
#[derive(Serialize)]
struct Entry {
    spikes: u64,
    /// Mean rate of a neuron \[Hz\].
    rate_hz: f64,
}

/// Writes the lines.
pub struct Metrics<'a> {
    network: &'a Network,
    path: PathBuf,
    file: File,
    start: Instant,
    /// When the last line was written, in which step, and the spikes of each population until then.
    last: (Instant, u64, Vec<u64>),
}

impl<'a> Metrics<'a> {
    /// Makes the file, empty.
    pub fn create(path: PathBuf, network: &'a Network) -> Result<Self, FileFault> {
        let file = File::create(&path).map_err(|source| fault(&path, source))?;
        let start = Instant::now();
        let last = (start, 0, vec![0; network.populations.len()]);
        Ok(Self { network, path, file, start, last })
    }

    /// Writes a line if it is time.
    pub fn tell(&mut self, recording: &Recording) -> Result<(), FileFault> {
        let (when, step, _) = &self.last;
        let ms = (recording.steps - step) as f64 * self.network.dt;
        match ms >= INTERVAL_MS && when.elapsed() >= INTERVAL {
            true => self.line(recording),
            false => Ok(()),
        }
    }

    /// Writes the last line, of what no line has told.
    pub fn finish(mut self, recording: &Recording) -> Result<(), FileFault> {
        match recording.steps > self.last.1 {
            true => self.line(recording),
            false => Ok(()),
        }
    }

    fn line(&mut self, recording: &Recording) -> Result<(), FileFault> {
        let (_, step, told) = &self.last;
        let dt = self.network.dt;
        let seconds = (recording.steps - step) as f64 * dt * 1e-3;
        let counts = recording.populations.iter().map(|activity| activity.statistics.spikes);
        let counts: Vec<u64> = counts.collect();
        let populations = self.network.populations.iter().zip(counts.iter().zip(told));
        let entry = |spikes, size| Entry { spikes, rate_hz: spikes as f64 / size as f64 / seconds };
        let line = Line {
            t_ms: recording.steps as f64 * dt,
            wall_s: self.start.elapsed().as_secs_f64(),
            populations: populations
                .filter(|(population, _)| population.spikes())
                .map(|(p, (now, before))| (p.name.as_str(), entry(now - before, p.size)))
                .collect(),
        };
        let written = serde_json::to_string(&line)
            .map_err(Into::into)
            .and_then(|json| self.file.write_all((json + "\n").as_bytes()));
        written.map_err(|source| fault(&self.path, source))?;
        self.last = (Instant::now(), recording.steps, counts);
        Ok(())
    }
}

fn fault(path: &Path, source: std::io::Error) -> FileFault {
    FileFault { what: path.display().to_string(), source }
}
