//! `metrics.jsonl` and `metrics.csv`: a line for each epoch of a training, of a simulation from time to time.
//!
//! Both say the same. Columns of the table are the numbers of the first line by their paths, those that are not nested
//! first: `populations.exc.rate_hz`. Lists are numbered: `test_spikes.0` is of the first population of the scene.
//! The table follows from the lines, so a run that goes on makes it anew of those that it keeps. So do events for
//! TensorBoard, if they are asked for or are there.

use super::folder::{EVENTS, LINES, TABLE};
use super::tensorboard::Events;
use super::{FileFault, fault};
use crate::network::Network;
use crate::simulation::Recording;
use crate::summary::as_map;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Biological time between two lines at least \[ms\].
const INTERVAL_MS: f64 = 100.0;

/// Wall time between two lines at least.
const INTERVAL: Duration = Duration::from_secs(2);

/// The files.
pub struct Lines {
    path: PathBuf,
    file: File,
    /// Bytes of the lines.
    bytes: u64,
    table: PathBuf,
    rows: File,
    /// Paths of the numbers of the first line, once there is one.
    columns: Vec<String>,
    events: Option<Events>,
}

impl Lines {
    /// Makes the files in a run folder, empty.
    pub fn create(folder: &Path, tensorboard: bool) -> Result<Self, FileFault> {
        let path = folder.join(LINES);
        File::create(&path).map_err(|source| fault(&path, source))?;
        Self::reopen(folder, 0, tensorboard)
    }

    /// Takes the files as they were when the lines had so many bytes.
    fn reopen(folder: &Path, bytes: u64, tensorboard: bool) -> Result<Self, FileFault> {
        let [path, table] = [LINES, TABLE].map(|name| folder.join(name));
        let open = || {
            let mut file = OpenOptions::new().read(true).write(true).open(&path)?;
            // Lines that someone took away stay away.
            let bytes = bytes.min(file.metadata()?.len());
            file.set_len(bytes)?;
            let mut kept = Vec::new();
            file.read_to_end(&mut kept)?;
            Ok((file, bytes, kept))
        };
        let (file, bytes, kept) = open().map_err(|source| fault(&path, source))?;
        let rows = File::create(&table).map_err(|source| fault(&table, source))?;
        let events = folder.join(EVENTS);
        let events = match tensorboard || events.is_file() {
            true => Some(Events::open(events)?),
            false => None,
        };
        let mut lines = Self { path, file, bytes, table, rows, columns: Vec::new(), events };
        String::from_utf8_lossy(&kept).lines().try_for_each(|line| lines.add_row(line))?;
        Ok(lines)
    }

    /// Adds a line, on disk when this returns.
    pub fn add(&mut self, line: &impl Serialize) -> Result<(), FileFault> {
        let written = serde_json::to_string(line).map_err(Into::into).and_then(|json| {
            self.file.write_all(format!("{json}\n").as_bytes())?;
            Ok(json)
        });
        let json = written.map_err(|source| fault(&self.path, source))?;
        self.bytes += json.len() as u64 + 1;
        self.add_row(&json)
    }

    /// Adds the row of a line. What someone wrote among the lines has none.
    fn add_row(&mut self, line: &str) -> Result<(), FileFault> {
        let Ok(line) = serde_json::from_str(line) else { return Ok(()) };
        let mut cells = Vec::new();
        numbers("", &line, &mut cells);
        if let Some(events) = &mut self.events {
            events.add(&cells)?;
        }
        let mut text = String::new();
        if self.columns.is_empty() {
            cells.sort_by_key(|(path, _)| path.contains('.'));
            self.columns = cells.iter().map(|(path, _)| path.clone()).collect();
            // No name has a comma in it.
            text = self.columns.join(",") + "\n";
        }
        let cells: HashMap<_, _> = cells.into_iter().collect();
        let row = self.columns.iter().map(|path| cells.get(path).map_or("", String::as_str));
        text += &(row.collect::<Vec<_>>().join(",") + "\n");
        self.rows.write_all(text.as_bytes()).map_err(|source| fault(&self.table, source))
    }
}

/// The numbers of a JSON value by their paths; what is null is empty.
pub fn numbers(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    let inner = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(k, v)| numbers(&inner(k), v, found)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(k, v)| numbers(&inner(&k.to_string()), v, found));
        }
        Value::Null => found.push((path.to_owned(), String::new())),
        value => found.push((path.to_owned(), value.to_string())),
    }
}

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

/// Writes the lines of a simulation.
pub struct Metrics<'a> {
    network: &'a Network,
    lines: Lines,
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
    /// Wall time of the run \[s\].
    #[serde(rename = "before_s")]
    pub wall_s: f64,
}

impl Told {
    /// Whether a run that has recorded so much may have told this.
    pub fn is_of(&self, recording: &Recording) -> bool {
        let counts = recording.populations.iter().map(|activity| activity.statistics.spikes);
        self.steps <= recording.steps
            && self.wall_s.is_finite()
            && self.spikes.len() == recording.populations.len()
            && self.spikes.iter().zip(counts).all(|(told, count)| *told <= count)
    }
}

impl<'a> Metrics<'a> {
    /// Makes the files in a run folder, empty.
    pub fn create(
        folder: &Path,
        network: &'a Network,
        tensorboard: bool,
    ) -> Result<Self, FileFault> {
        let spikes = vec![0; network.populations.len()];
        let told = Told { bytes: 0, steps: 0, spikes, wall_s: 0.0 };
        Ok(Self::with(Lines::create(folder, tensorboard)?, network, told))
    }

    /// Takes the files as they were when they had told so much.
    pub fn reopen(
        folder: &Path,
        network: &'a Network,
        told: Told,
        tensorboard: bool,
    ) -> Result<Self, FileFault> {
        Ok(Self::with(Lines::reopen(folder, told.bytes, tensorboard)?, network, told))
    }

    fn with(lines: Lines, network: &'a Network, told: Told) -> Self {
        Self { network, lines, when: Instant::now(), told }
    }

    /// What was told of a recording, for [`Self::reopen`].
    pub fn told(&self, recording: &Recording) -> Told {
        Told { bytes: self.lines.bytes, wall_s: recording.wall_s, ..self.told.clone() }
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
            wall_s: recording.wall_s,
            populations: populations
                .filter(|(population, _)| population.spikes())
                .map(|(p, (now, before))| (p.name.as_str(), entry(now - before, p.size)))
                .collect(),
        };
        self.lines.add(&line)?;
        self.when = Instant::now();
        (self.told.steps, self.told.spikes) = (recording.steps, counts);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::fs;

    #[test]
    fn a_table_follows_from_the_lines_that_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        let mut lines = Lines::create(dir.path(), false).unwrap();
        lines.add(&json!({"a": {"x": 1}, "b": [0.1, 0.25], "c": 2.0})).unwrap();
        let kept = lines.bytes;
        lines.add(&json!({"a": {"x": 18446744073709551615u64}, "c": null})).unwrap();
        let head = "c,a.x,b.0,b.1\n2.0,1,0.1,0.25\n";
        assert_eq!(read(TABLE), format!("{head},18446744073709551615,,\n"));
        drop(lines);
        let mut lines = Lines::reopen(dir.path(), kept, false).unwrap();
        assert_eq!((read(TABLE), read(LINES).lines().count()), (head.to_owned(), 1));
        lines.add(&json!({"a": {"x": 3}, "b": [4, 5], "c": 6})).unwrap();
        assert_eq!(read(TABLE), format!("{head}6,3,4,5\n"));
        // Of lines that are cut, or were never written, there is what there is.
        drop(lines);
        Lines::reopen(dir.path(), kept + 9, false).unwrap();
        assert_eq!(read(TABLE), head);
        fs::write(dir.path().join(LINES), "").unwrap();
        assert_eq!(Lines::reopen(dir.path(), kept, false).unwrap().bytes, 0);
        assert_eq!(read(TABLE), "");
    }
}
