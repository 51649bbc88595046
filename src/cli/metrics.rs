//! `metrics.jsonl` of a simulation: a line from time to time.

use super::{FileFault, fault};
use crate::network::Network;
use crate::simulation::Recording;
use crate::summary::as_map;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
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
    /// By name, those that spike, in the order of the scene.
    #[serde(serialize_with = "as_map")]
    populations: Vec<(&'a str, Entry)>,
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
    /// When the last line was written.
    when: Instant,
    told: Told,
}

/// What the lines so far have told, all that a run has to know to go on with them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Told {
    /// Bytes of the lines.
    bytes: u64,
    /// Steps.
    steps: u64,
    /// Spikes of each population.
    spikes: Vec<u64>,
    /// Wall time of the run before this program was started \[s\].
    before_s: f64,
}

impl Told {
    /// Whether a run that has recorded so much may have told this.
    pub fn is_of(&self, recording: &Recording) -> bool {
        let counts = recording.populations.iter().map(|activity| activity.statistics.spikes);
        self.steps <= recording.steps
            && self.before_s.is_finite()
            && self.spikes.len() == recording.populations.len()
            && self.spikes.iter().zip(counts).all(|(told, count)| *told <= count)
    }
}

impl<'a> Metrics<'a> {
    /// Makes the file, empty.
    pub fn create(path: PathBuf, network: &'a Network) -> Result<Self, FileFault> {
        File::create(&path).map_err(|source| fault(&path, source))?;
        let spikes = vec![0; network.populations.len()];
        Self::reopen(path, network, Told { bytes: 0, steps: 0, spikes, before_s: 0.0 })
    }

    /// Takes the file as it was when it had told so much.
    pub fn reopen(path: PathBuf, network: &'a Network, told: Told) -> Result<Self, FileFault> {
        let open = || {
            let mut file = OpenOptions::new().write(true).open(&path)?;
            // Lines that someone took away stay away.
            let bytes = told.bytes.min(file.metadata()?.len());
            file.set_len(bytes)?;
            file.seek(SeekFrom::End(0))?;
            Ok((file, Told { bytes, ..told }))
        };
        let (file, told) = open().map_err(|source| fault(&path, source))?;
        let start = Instant::now();
        Ok(Self { network, path, file, start, when: start, told })
    }

    /// Wall time of the run so far \[s\].
    pub fn wall_s(&self) -> f64 {
        self.told.before_s + self.start.elapsed().as_secs_f64()
    }

    /// Leaves time that was not spent on steps out of all that is told from now on.
    pub fn leave_out(&mut self, since: Instant) {
        self.told.before_s -= since.elapsed().as_secs_f64();
    }

    /// What was told, for [`Self::reopen`].
    pub fn told(&self) -> Told {
        Told { before_s: self.wall_s(), ..self.told.clone() }
    }

    /// Writes a line if it is time.
    pub fn tell(&mut self, recording: &Recording) -> Result<(), FileFault> {
        let ms = (recording.steps - self.told.steps) as f64 * self.network.dt;
        match ms >= INTERVAL_MS && self.when.elapsed() >= INTERVAL {
            true => self.line(recording),
            false => Ok(()),
        }
    }

    /// Writes the last line, of what no line has told.
    pub fn finish(&mut self, recording: &Recording) -> Result<(), FileFault> {
        match recording.steps > self.told.steps {
            true => self.line(recording),
            false => Ok(()),
        }
    }

    fn line(&mut self, recording: &Recording) -> Result<(), FileFault> {
        let dt = self.network.dt;
        let seconds = (recording.steps - self.told.steps) as f64 * dt * 1e-3;
        let counts = recording.populations.iter().map(|activity| activity.statistics.spikes);
        let counts: Vec<u64> = counts.collect();
        let populations = self.network.populations.iter().zip(counts.iter().zip(&self.told.spikes));
        let entry = |spikes, size| Entry { spikes, rate_hz: spikes as f64 / size as f64 / seconds };
        let line = Line {
            t_ms: recording.steps as f64 * dt,
            wall_s: self.wall_s(),
            populations: populations
                .filter(|(population, _)| population.spikes())
                .map(|(p, (now, before))| (p.name.as_str(), entry(now - before, p.size)))
                .collect(),
        };
        let written = serde_json::to_string(&line).map_err(Into::into).and_then(|mut json| {
            json.push('\n');
            self.file.write_all(json.as_bytes())?;
            Ok(json.len() as u64)
        });
        self.told.bytes += written.map_err(|source| fault(&self.path, source))?;
        self.when = Instant::now();
        (self.told.steps, self.told.spikes) = (recording.steps, counts);
        Ok(())
    }
}
