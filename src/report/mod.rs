//! The report of a run: one self-contained HTML page and the figures it embeds.
//!
//! A [`Report`] is plain data that a training run or a simulation fills in; whatever does not apply
//! stays `None` or empty. [`write()`] draws the figures (`figures`), lays out the page (`html`) and
//! saves both. The statistics of spike trains that several figures share are methods of
//! [`Activity`].

mod figures;
mod html;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Everything that a report shows.
#[derive(Debug, Default)]
pub struct Report<'a> {
    /// Name of the scene.
    pub title: &'a str,
    /// Opening comment of the scene: plain text, line breaks are kept.
    pub description: String,
    /// Key figures as (name, value), in the order of the table.
    pub facts: Vec<(String, String)>,
    /// Learning curves, in the order of training.
    pub epochs: Vec<Epoch>,
    /// Confusion matrix of the test set.
    pub confusion: Option<Confusion>,
    /// Recorded activity, one entry per population.
    pub activity: Vec<Activity>,
    /// Test image that was shown while the activity was recorded.
    pub sample: Option<Sample>,
    /// Receptive fields of the first layer.
    pub fields: Option<Fields>,
    /// Warnings of the run, shown at the top.
    pub warnings: Vec<String>,
}

/// Result of one training epoch.
#[derive(Debug, Clone)]
pub struct Epoch {
    /// Number of the epoch, usually from 1.
    pub epoch: usize,
    /// Mean training loss.
    pub loss: f64,
    /// Fraction of training samples classified correctly, in `0..=1`.
    pub train_accuracy: f64,
    /// Mean test loss, if the epoch was tested.
    pub test_loss: Option<f64>,
    /// Fraction of test samples classified correctly, in `0..=1`, if the epoch was tested.
    pub test_accuracy: Option<f64>,
}

/// Confusion matrix.
#[derive(Debug, Clone)]
pub struct Confusion {
    /// Number of classes `n`.
    pub classes: usize,
    /// `n * n` sample counts, row-major as `[true][predicted]`.
    pub counts: Vec<u64>,
}

/// Recorded activity of one population.
#[derive(Debug, Clone)]
pub struct Activity {
    /// Name of the population.
    pub name: String,
    /// Number of neurons.
    pub size: usize,
    /// Length of a time step in ms.
    pub dt_ms: f64,
    /// Number of recorded time steps.
    pub steps: usize,
    /// Spikes as (time in ms from the start of the recording, neuron), in any order. Those of no
    /// neuron of the population or outside the recording are ignored.
    pub spikes: Vec<(f64, u32)>,
    /// Membrane potentials of a few neurons.
    pub traces: Vec<Trace>,
    /// Time between two samples of a trace in ms.
    pub every_ms: f64,
    /// Firing threshold in mV, drawn across the traces.
    pub threshold_mv: Option<f64>,
}

/// Membrane potential of one neuron over time.
#[derive(Debug, Clone)]
pub struct Trace {
    /// The neuron; its spikes are marked on the trace.
    pub neuron: u32,
    /// Samples in mV, the first at the start of the recording.
    pub values: Vec<f32>,
}

/// A grey-scale test image and what the network made of it.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// `height * width` grey values, row-major, 255 is the strongest input.
    pub pixels: Vec<u8>,
    /// True class.
    pub label: usize,
    /// Class the network chose.
    pub predicted: usize,
}

/// Receptive fields: the incoming weights of some neurons, arranged as images.
#[derive(Debug, Clone)]
pub struct Fields {
    /// Width of a field in pixels.
    pub width: usize,
    /// Height of a field in pixels.
    pub height: usize,
    /// (label, `height * width` weights, row-major) per neuron. The first 64 are drawn.
    pub fields: Vec<(String, Vec<f32>)>,
}

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file or directory could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A figure could not be turned into an image.
    #[error("cannot draw figure `{figure}`: {reason}")]
    Draw {
        /// File name of the figure.
        figure: String,
        /// What the plotting library said.
        reason: String,
    },
}

/// Writes `dir/report.html` and the figures `dir/figures/*.png`, replacing files of the same name.
///
/// Returns the written files, the page first. Missing directories are made. Every file appears
/// under its name only once it is complete.
///
/// # Errors
///
/// [`ReportError::Write`] if a file cannot be written, [`ReportError::Draw`] if an image cannot be
/// encoded.
pub fn write(report: &Report, dir: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let figures = figures::draw(report)?;
    let mut files = vec![(dir.join("report.html"), html::page(report, &figures).into_bytes())];
    for figure in figures {
        files.push((dir.join("figures").join(figure.file), figure.png));
    }
    files
        .into_iter()
        .map(|(path, bytes)| match save(&path, &bytes) {
            Ok(()) => Ok(path),
            Err(source) => Err(ReportError::Write { path, source }),
        })
        .collect()
}

/// Writes a file beside its final place, then renames it, so that nobody sees half of it.
fn save(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let draft = path.with_extension("part");
    fs::write(&draft, bytes)?;
    fs::rename(draft, path)
}

impl Activity {
    /// Length of the recording in ms.
    fn duration_ms(&self) -> f64 {
        self.steps as f64 * self.dt_ms
    }

    /// The spikes of known neurons within the recording.
    fn valid_spikes(&self) -> impl Iterator<Item = (f64, usize)> {
        let recording = 0.0..=self.duration_ms();
        self.spikes
            .iter()
            .map(|&(time, neuron)| (time, neuron as usize))
            .filter(move |(time, neuron)| recording.contains(time) && *neuron < self.size)
    }

    /// Valid spike times of every neuron in ms, ascending.
    fn trains(&self) -> Vec<Vec<f64>> {
        let mut trains = vec![Vec::new(); self.size];
        for (time, neuron) in self.valid_spikes() {
            trains[neuron].push(time);
        }
        for train in &mut trains {
            train.sort_unstable_by(f64::total_cmp);
        }
        trains
    }

    /// Mean firing rate per neuron over time: (middle of the bin in ms, rate in Hz).
    ///
    /// The bins, at most 100, hold whole time steps, so that none of them aliases with the step.
    fn rate_over_time(&self) -> Vec<(f64, f64)> {
        const BINS: usize = 100;
        if self.size == 0 || self.steps == 0 {
            return Vec::new();
        }
        let width = self.steps.div_ceil(BINS);
        let mut counts = vec![0u64; self.steps.div_ceil(width)];
        for (time, _) in self.valid_spikes() {
            // The margin keeps `k * dt` in step `k` in spite of rounding.
            let step = (time / self.dt_ms + 1e-6) as usize;
            counts[step.min(self.steps - 1) / width] += 1;
        }
        let bin = |(i, count)| {
            let start = i * width;
            let steps = width.min(self.steps - start) as f64;
            let seconds = steps * self.dt_ms / 1000.0;
            let middle = (start as f64 + steps / 2.0) * self.dt_ms;
            (middle, count as f64 / self.size as f64 / seconds)
        };
        counts.into_iter().enumerate().map(bin).collect()
    }
}

/// Coefficient of variation of the inter-spike intervals of one ascending spike train.
///
/// 0 is a clock, 1 a Poisson process. `None` with fewer than two intervals.
fn isi_cv(train: &[f64]) -> Option<f64> {
    let intervals: Vec<f64> = train.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let average = mean(&intervals)?;
    let squares: Vec<f64> = intervals.iter().map(|x| (x - average).powi(2)).collect();
    (intervals.len() > 1 && average > 0.0).then_some(mean(&squares)?.sqrt() / average)
}

/// Arithmetic mean, `None` of nothing.
fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(size: usize, dt_ms: f64, steps: usize, spikes: Vec<(f64, u32)>) -> Activity {
        Activity {
            name: "cells".into(),
            size,
            dt_ms,
            steps,
            spikes,
            traces: Vec::new(),
            every_ms: dt_ms,
            threshold_mv: None,
        }
    }

    #[test]
    fn rate_counts_spikes_per_neuron_and_second() {
        let cells = activity(2, 0.1, 4, vec![(0.3, 0), (0.30000000000000004, 1), (0.0, 1)]);
        let rates = cells.rate_over_time();
        let expected = [(0.05, 5_000.0), (0.15, 0.0), (0.25, 0.0), (0.35, 10_000.0)];
        for (rate, expected) in rates.iter().zip(expected) {
            assert!((rate.0 - expected.0).abs() < 1e-9, "{rates:?}");
            assert!((rate.1 - expected.1).abs() < 1e-6, "{rates:?}");
        }
        assert_eq!(rates.len(), 4);
    }

    #[test]
    fn a_short_last_bin_is_not_diluted() {
        // 101 steps make bins of two steps, the last holds one.
        let every_step = (0..101).map(|step| (step as f64, 0)).collect();
        let rates = activity(1, 1.0, 101, every_step).rate_over_time();
        assert_eq!(rates.len(), 51);
        assert!(rates.iter().all(|&(_, hz)| (hz - 1000.0).abs() < 1e-9), "{rates:?}");
    }

    #[test]
    fn spikes_out_of_range_are_dropped() {
        let cells = activity(1, 1.0, 2, vec![(-5.0, 0), (99.0, 0), (1.0, 7), (2.0, 0)]);
        assert_eq!(cells.trains(), [[2.0]]);
        assert_eq!(cells.rate_over_time(), [(0.5, 0.0), (1.5, 1000.0)]);
        assert!(activity(0, 1.0, 0, vec![(0.0, 0)]).rate_over_time().is_empty());
    }

    #[test]
    fn cv_of_known_trains() {
        assert_eq!(isi_cv(&[0.0, 10.0, 20.0, 30.0]), Some(0.0));
        // Intervals 1 and 3: mean 2, deviation 1.
        assert_eq!(isi_cv(&[0.0, 1.0, 4.0]), Some(0.5));
        assert_eq!(isi_cv(&[0.0, 1.0]), None);
        assert_eq!(isi_cv(&[2.0, 2.0, 2.0]), None);
        assert_eq!(isi_cv(&[]), None);
    }

    #[test]
    fn an_empty_report_is_only_a_page() -> Result<(), Box<dyn std::error::Error>> {
        let dir = tempfile::tempdir()?;
        let files = write(&Report::default(), dir.path())?;
        assert_eq!(files, [dir.path().join("report.html")]);
        Ok(())
    }

    #[test]
    fn degenerate_inputs_do_not_panic() -> Result<(), Box<dyn std::error::Error>> {
        let epoch = Epoch {
            epoch: 1,
            loss: 0.0,
            train_accuracy: 1.0,
            test_loss: None,
            test_accuracy: None,
        };
        let mut silent = activity(3, 1.0, 10, Vec::new());
        silent.traces = vec![
            Trace { neuron: 0, values: Vec::new() },
            Trace { neuron: 9, values: vec![-70.0] },
            Trace { neuron: 1, values: vec![-70.0; 10] },
        ];
        let report = Report {
            title: "<scene>",
            epochs: vec![epoch],
            confusion: Some(Confusion { classes: 3, counts: vec![0; 9] }),
            activity: vec![
                silent,
                activity(0, 1.0, 10, vec![(1.0, 0)]),
                activity(1, 0.0, 10, vec![(0.0, 0); 3]),
                activity(1, 1.0, 0, Vec::new()),
            ],
            sample: Some(Sample { width: 0, height: 0, pixels: vec![], label: 0, predicted: 0 }),
            fields: Some(Fields {
                width: 2,
                height: 2,
                fields: vec![("0".into(), vec![0.0; 4]), ("1".into(), vec![1.0])],
            }),
            ..Report::default()
        };
        let dir = tempfile::tempdir()?;
        let files = write(&report, dir.path())?;
        assert!(files.iter().all(|file| file.is_file()));
        let mut names: Vec<_> = files.iter().filter_map(|file| file.file_name()).collect();
        names.sort();
        let expected = [
            "activity-1.png",
            "confusion.png",
            "fields.png",
            "learning.png",
            "report.html",
            "traces-1.png",
        ];
        assert_eq!(names, expected);
        Ok(())
    }

    #[test]
    fn values_that_are_no_numbers_do_not_panic() -> Result<(), Box<dyn std::error::Error>> {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, f64::MIN_POSITIVE] {
            let mut cells = activity(2, 1.0, 10, vec![(bad, 0), (1.0, 0), (2.0, 0), (bad, 1)]);
            cells.threshold_mv = Some(bad);
            cells.traces = vec![Trace { neuron: 0, values: vec![bad as f32; 9000] }];
            let epoch = Epoch {
                epoch: usize::MAX,
                loss: bad,
                train_accuracy: bad,
                test_loss: Some(bad),
                test_accuracy: None,
            };
            let report = Report {
                epochs: vec![epoch],
                confusion: Some(Confusion { classes: 2, counts: vec![u64::MAX; 4] }),
                activity: vec![cells, activity(1, bad, 10, vec![(1.0, 0)])],
                fields: Some(Fields {
                    width: 1,
                    height: 1,
                    fields: vec![("0".into(), vec![bad as f32])],
                }),
                ..Report::default()
            };
            write(&report, tempfile::tempdir()?.path())?;
        }
        Ok(())
    }
}
