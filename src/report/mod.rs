//! The report of a run: one self-contained HTML page and the figures it embeds.
//!
//! A [`Report`] is plain data that a training run or a simulation fills in; whatever does not apply
//! stays `None` or empty. [`write()`] draws the figures (`figures`), lays out the page (`html`) and
//! saves both.
//!
//! The file is long with all that a report may have, field by field.

mod figures;
mod html;

pub use html::{base64, escape};

use std::borrow::Cow;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::files::write_atomic;
use crate::neuron::model::LaidOut;
use crate::record::statistics::SpikeStatistics;

/// The page.
pub const PAGE: &str = "report.html";

/// Folder of the figures.
pub const FIGURES: &str = "figures";

/// Everything that a report shows.
#[derive(Debug, Default)]
pub struct Report<'a> {
    /// Name of the scene.
    pub title: &'a str,
    /// Opening comment of the scene: plain text, line breaks are kept.
    pub description: String,
    /// Key figures as (name, value), in the order of the table.
    pub facts: Vec<(String, String)>,
    /// Parts that have reports of their own.
    pub parts: Parts,
    /// Learning curves, in the order of training.
    pub epochs: Vec<Epoch>,
    /// Number of the best epoch.
    pub best_epoch: Option<usize>,
    /// Confusion matrix of the test set.
    pub confusion: Option<Confusion>,
    /// Recorded activity, one entry per population.
    pub activity: Vec<Activity<'a>>,
    /// Learning windows of rules.
    pub windows: Vec<Window>,
    /// Distributions of weights that changed.
    pub weights: Vec<Weights>,
    /// Distributions of other numbers of synapses. Those of the first 12 projections are drawn.
    pub synapses: Vec<Synapses>,
    /// Test images that were taken for another class, the surest answers first. The first 20 are drawn.
    pub mistakes: Vec<Sample>,
    /// Test image that was shown while the activity was recorded.
    pub sample: Option<Sample>,
    /// Test samples that were shown once more. The first 8 are drawn.
    pub shown: Vec<Shown>,
    /// Receptive fields of the first layer.
    pub fields: Option<Fields>,
    /// Whether epochs are single updates after which potentials are compared with traces.
    pub follows: bool,
    /// Potentials that were to follow traces.
    pub fit: Option<Fit>,
    /// Errors of new tasks after 0, 1, ... steps of learning them.
    pub adaptation: Vec<f64>,
    /// Scores that projections give to the frames of test samples. Those of the first 8 samples are drawn.
    pub attention: Vec<Attention>,
    /// How trained numbers of neurons went.
    pub courses: Vec<Course>,
    /// Runs side by side.
    pub runs: Option<Runs>,
    /// Figures that were drawn before, PNG images by the names of their files. They stay unless they are drawn anew.
    pub figures: Vec<(String, Vec<u8>)>,
    /// Warnings of the run, shown at the top.
    pub warnings: Vec<String>,
}

/// Result of one training epoch.
#[derive(Debug, Clone, Default)]
pub struct Epoch {
    /// Number of the epoch, usually from 1.
    pub epoch: usize,
    /// Mean training loss, if there is one.
    pub loss: Option<f64>,
    /// Fraction of training samples classified correctly, in `0..=1`, if there are classes.
    pub train_accuracy: Option<f64>,
    /// Mean loss over the validation set, if there is one.
    pub validation_loss: Option<f64>,
    /// Fraction of validation samples classified correctly, in `0..=1`, if there is such a set.
    pub validation_accuracy: Option<f64>,
    /// Mean test loss, if the epoch was tested.
    pub test_loss: Option<f64>,
    /// Fraction of test samples classified correctly, in `0..=1`, if the epoch was tested.
    pub test_accuracy: Option<f64>,
}

/// Of each run of a part where its report is from here, and the number that is told.
pub type Told = Vec<(String, String)>;

/// Parts of an experiment.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// Seeds with each of which every part was run; none if each was run once.
    pub seeds: Vec<u64>,
    /// What is told of each run, if there are seeds.
    pub number: String,
    /// Of each part its name, what it shows, and its runs.
    pub rows: Vec<(String, String, Told)>,
}

/// Scores that a projection gives to the frames of samples.
#[derive(Debug, Clone)]
pub struct Attention {
    /// Name of the projection.
    pub name: String,
    /// Of each sample the scores of its frames.
    pub samples: Vec<Vec<f32>>,
}

/// Runs side by side.
#[derive(Debug, Clone, Default)]
pub struct Runs {
    /// What the columns of the table are, but for the first, which is the run.
    pub columns: Vec<String>,
    /// Of each run its name, where its report is from here, and its row; none if another table has them.
    pub rows: Vec<(String, String, Vec<String>)>,
    /// Learning curves by the names of the runs. The first 12 are named.
    pub curves: Vec<(String, Vec<Epoch>)>,
    /// Numbers of the runs over what differs between them. The first 6 are drawn.
    pub responses: Vec<Response>,
}

/// A number of some runs over what differs between them.
#[derive(Debug, Clone)]
pub struct Response {
    /// What differs.
    pub x: String,
    /// The number.
    pub y: String,
    /// Runs that belong together: what they share, and a point for each.
    pub lines: Vec<(String, Vec<(f64, f64)>)>,
    /// Whether x only tells runs apart, as a seed does: their mean is then that of all.
    pub alike: bool,
}

/// Potentials that were to follow traces.
#[derive(Debug, Clone)]
pub struct Fit {
    /// Name of the population.
    pub name: String,
    /// Time between two samples \[ms\].
    pub every_ms: f64,
    /// What was wanted: one for all neurons, or one for each.
    pub wanted: Vec<Vec<f32>>,
    /// Potential of each neuron with the numbers of the start.
    pub before: Vec<Vec<f32>>,
    /// Potential of each neuron after the training.
    pub after: Vec<Vec<f32>>,
}

/// How a trained number went.
#[derive(Debug, Clone)]
pub struct Course {
    /// Its name.
    pub name: String,
    /// Of each neuron its value at the start and after each epoch; not a number where it is not known.
    pub neurons: Vec<Vec<f64>>,
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
pub struct Activity<'a> {
    /// Name of the population.
    pub name: String,
    /// Number of recorded time steps.
    pub steps: u64,
    /// Its spikes, if it can spike.
    pub spikes: Option<Cow<'a, SpikeStatistics>>,
    /// Parameters that are laid out from neuron to neuron.
    pub laid_out: Vec<LaidOut>,
    /// Recorded variables.
    pub traces: Vec<Traces>,
}

/// What one pair of spikes does to a synapse of a projection.
#[derive(Debug, Clone)]
pub struct Window {
    /// Name of the projection.
    pub name: String,
    /// Whether it is the mark of the synapse that changes, rather than its weight.
    pub marks: bool,
    /// Intervals from the source's spike to the target's \[ms\], ascending, and changes.
    pub points: Vec<(f64, f64)>,
}

/// How the weights of a projection are distributed, at several times.
#[derive(Debug, Clone)]
pub struct Weights {
    /// Name of the projection.
    pub name: String,
    /// Least and largest weight.
    pub bounds: [f64; 2],
    /// Times \[ms\], and the part of the weights in each of so many equal bins between the bounds.
    pub at: Vec<(f64, Vec<f64>)>,
}

impl Weights {
    /// Bins of a distribution.
    pub const BINS: usize = 40;

    /// Adds the distribution at a time \[ms\].
    pub fn add(&mut self, time: f64, weights: &[f32]) {
        let weights = weights.iter().map(|w| f64::from(*w));
        self.at.push((time, bins(weights, self.bounds, Self::BINS)));
    }
}

/// The part of some numbers in each of so many equal bins between bounds; what lies beyond them is in the outermost.
fn bins(
    numbers: impl ExactSizeIterator<Item = f64>,
    [low, high]: [f64; 2],
    count: usize,
) -> Vec<f64> {
    let mut bins = vec![0.0; count];
    let part = 1.0 / numbers.len() as f64;
    for x in numbers {
        let place = (x - low) / (high - low) * count as f64;
        bins[(place.max(0.0) as usize).min(count - 1)] += part;
    }
    bins
}

/// How numbers of the synapses of a projection are distributed.
#[derive(Debug, Clone)]
pub struct Synapses {
    /// Name of the projection.
    pub name: String,
    /// The numbers, side by side.
    pub numbers: Vec<Distribution>,
}

/// How some numbers are distributed.
#[derive(Debug, Clone)]
pub struct Distribution {
    /// What they are, as `delay (ms)`.
    pub label: String,
    /// What has one each: `synapses`, or `sources`.
    pub of: &'static str,
    /// Least and largest.
    pub bounds: [f64; 2],
    /// The part of them in each of so many equal bins between these.
    pub bins: Vec<f64>,
}

impl Distribution {
    /// Of weights that lie within bounds.
    pub fn of_weights(
        label: &str,
        weights: impl ExactSizeIterator<Item = f64>,
        bounds: [f64; 2],
    ) -> Self {
        let bins = bins(weights, bounds, Weights::BINS);
        Self { label: label.to_owned(), of: "synapses", bounds, bins }
    }

    /// Of delays in whole steps of `dt` \[ms\]: a bin holds as many steps as any other. None if all are alike.
    pub fn of_delays(delays: &[u16], dt: f64) -> Option<Self> {
        let (low, high) = (*delays.iter().min()?, *delays.iter().max()?);
        let steps = usize::from(high - low) + 1;
        let wide = steps.div_ceil(Weights::BINS);
        let count = steps.div_ceil(wide);
        let first = f64::from(low) - 0.5;
        let bounds = [first, first + (count * wide) as f64];
        let bins = bins(delays.iter().map(|steps| f64::from(*steps)), bounds, count);
        (high > low).then(|| Self {
            label: "delay (ms)".to_owned(),
            of: "synapses",
            bounds: bounds.map(|steps| steps * dt),
            bins,
        })
    }
}

/// One variable of some neurons over time.
#[derive(Debug, Clone)]
pub struct Traces {
    /// Name of the variable.
    pub variable: String,
    /// What it belongs to: `neuron`, `synapse` or `modulator`.
    pub noun: &'static str,
    /// Its unit, if known.
    pub unit: Option<String>,
    /// Time between two samples in ms, the first of them after the start of the recording.
    pub every_ms: f64,
    /// Value at which a neuron spikes, drawn across the traces.
    pub threshold: Option<f64>,
    /// The neurons. The first 6 are drawn.
    pub neurons: Vec<Trace>,
}

/// A variable of one neuron over time.
#[derive(Debug, Clone)]
pub struct Trace {
    /// The neuron, or what it belongs to; spikes of that neuron are marked on the trace.
    pub neuron: u32,
    /// Name beside the trace, as `neuron 3`.
    pub label: String,
    /// Samples.
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

/// A test sample that was shown once more.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its number in the test set.
    pub sample: u32,
    /// Its class and the class that the network chose, if these are known.
    pub verdict: Option<(usize, usize)>,
    /// Steps for which it was shown.
    pub steps: u64,
    /// What each population that can spike did.
    pub layers: Vec<Layer>,
}

/// Spikes of a population while a sample was shown.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Name of the population.
    pub name: String,
    /// Rows, columns and channels, if its neurons lie so; the channel runs fastest with their number.
    pub shape: Option<[usize; 3]>,
    /// The spikes.
    pub spikes: SpikeStatistics,
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
    #[error("{} cannot be written: {source}", path.display())]
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
    let mut files = vec![(dir.join(PAGE), html::page(report, &figures).into_bytes())];
    for figure in figures {
        files.push((dir.join(FIGURES).join(figure.file), figure.png));
    }
    files
        .into_iter()
        .map(|(path, bytes)| match save(&path, &bytes) {
            Ok(()) => Ok(path),
            Err(source) => Err(ReportError::Write { path, source }),
        })
        .collect()
}

/// Whether a file of this name is a figure of a report: `learning.png`, `traces-2-1.png`.
pub fn is_figure(name: &str) -> bool {
    let Some(name) = name.strip_suffix(".png") else { return false };
    let mut parts = name.split('-');
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
    parts.next().is_some_and(|kind| figures::KINDS.contains(&kind)) && parts.all(is_number)
}

/// Writes a file into a folder that is made if it is not there.
fn save(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    write_atomic(path, |writer| writer.write_all(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(size: usize, dt: f64, steps: u64, spikes: &[(u64, u32)]) -> Activity<'static> {
        let mut statistics = SpikeStatistics::new(size, dt);
        spikes.iter().for_each(|&(step, neuron)| statistics.add(step, neuron));
        let name = "cells".to_owned();
        let spikes = Some(Cow::Owned(statistics));
        Activity { name, steps, spikes, laid_out: Vec::new(), traces: Vec::new() }
    }

    fn trace(neuron: u32, values: Vec<f32>) -> Trace {
        Trace { neuron, label: format!("neuron {neuron}"), values }
    }

    fn traces(threshold: f64, neurons: Vec<Trace>) -> Traces {
        let unit = Some("mV".to_owned());
        let variable = "potential".to_owned();
        Traces {
            variable,
            noun: "neuron",
            unit,
            every_ms: 1.0,
            threshold: Some(threshold),
            neurons,
        }
    }

    /// Two channels of two rows and columns; neurons spike as often as their number says, up to a bound.
    fn layer(name: &str, most: u64) -> Layer {
        let mut spikes = SpikeStatistics::new(8, 1.0);
        for step in 0..most {
            (0..8).filter(|id| u64::from(*id) > step).for_each(|id| spikes.add(step, id));
        }
        Layer { name: name.to_owned(), shape: Some([2, 2, 2]), spikes }
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
        let epoch =
            Epoch { epoch: 1, loss: Some(0.0), train_accuracy: Some(1.0), ..Epoch::default() };
        let mut silent = activity(3, 1.0, 10, &[]);
        let neurons = vec![trace(0, Vec::new()), trace(9, vec![-70.0]), trace(1, vec![-70.0; 10])];
        silent.traces = vec![traces(-50.0, neurons), traces(-50.0, Vec::new())];
        let response = Response {
            x: "<x>".into(),
            y: "<y>".into(),
            lines: vec![("<l>".into(), vec![(0.0, 1.0), (0.0, 1.0)]), (String::new(), Vec::new())],
            alike: true,
        };
        let runs = Runs {
            columns: vec!["<c>".into()],
            rows: vec![("<r>".into(), "<p>".into(), Vec::new())],
            curves: vec![("<r>".into(), vec![epoch.clone()]), (String::new(), Vec::new())],
            responses: vec![response],
        };
        let report = Report {
            title: "<scene>",
            runs: Some(runs),
            figures: vec![
                ("learning.png".into(), Vec::new()),
                ("weights-1.png".into(), vec![0; 9]),
            ],
            epochs: vec![epoch],
            best_epoch: Some(7),
            confusion: Some(Confusion { classes: 3, counts: vec![0; 9] }),
            activity: vec![
                silent,
                activity(0, 1.0, 10, &[]),
                activity(1, 0.0, 10, &[(0, 0), (1, 0), (2, 0)]),
                activity(1, 1.0, 0, &[]),
                activity(2, 1.0, 10, &[(0, 0), (0, 0), (0, 0)]),
                Activity { spikes: None, ..activity(1, 1.0, 10, &[]) },
            ],
            mistakes: vec![
                Sample { width: 0, height: 0, pixels: vec![], label: 0, predicted: 1 },
                Sample { width: 2, height: 1, pixels: vec![0, 255], label: 0, predicted: 1 },
            ],
            sample: Some(Sample { width: 0, height: 0, pixels: vec![], label: 0, predicted: 0 }),
            shown: vec![
                Shown { sample: 0, verdict: None, steps: 10, layers: Vec::new() },
                Shown {
                    sample: 7,
                    verdict: Some((1, 2)),
                    steps: 10,
                    layers: vec![layer("<a>", 0), layer("<b>", 3)],
                },
            ],
            fields: Some(Fields {
                width: 2,
                height: 2,
                fields: vec![("0".into(), vec![0.0; 4]), ("1".into(), vec![1.0])],
            }),
            synapses: vec![
                Synapses { name: "<none>".into(), numbers: Vec::new() },
                Synapses {
                    name: "<p>".into(),
                    numbers: vec![
                        Distribution::of_weights("<w>", [0.0; 2].into_iter(), [0.0, 0.0]),
                        Distribution::of_delays(&[1, 3], 0.5).unwrap(),
                    ],
                },
            ],
            ..Report::default()
        };
        let dir = tempfile::tempdir()?;
        let files = write(&report, dir.path())?;
        assert!(files.iter().all(|file| file.is_file()));
        let mut names: Vec<_> = files.iter().filter_map(|file| file.file_name()).collect();
        names.sort();
        let expected = [
            "activity-5.png",
            "confusion.png",
            "curves.png",
            "distributions-5.png",
            "fields.png",
            "learning.png",
            "maps-2-2.png",
            "mistakes.png",
            "report.html",
            "shown-2.png",
            "sweep.png",
            "synapses-2.png",
            "traces-1-1.png",
            "weights-1.png",
        ];
        assert_eq!(names, expected);
        let figures = names.iter().filter_map(|name| name.to_str()).filter(|n| n.ends_with(".png"));
        assert!(figures.clone().count() == 13 && figures.clone().all(is_figure));
        for other in ["mine.png", "learning-a.png", "learning.jpg", "activity-.png", "report.html"]
        {
            assert!(!is_figure(other), "{other}");
        }
        Ok(())
    }

    #[test]
    fn bins_of_delays_hold_whole_steps() {
        let all: Vec<u16> = (3..=102).collect();
        // A hundred steps are too many for bins of one and two; three to a bin take 34, the last with one.
        let delays = Distribution::of_delays(&all, 0.1).unwrap();
        assert_eq!(delays.bins.len(), 34);
        assert!(
            (delays.bounds[0] - 0.25).abs() < 1e-12 && (delays.bounds[1] - 10.45).abs() < 1e-12
        );
        assert!(delays.bins[..33].iter().all(|part| (part - 0.03).abs() < 1e-12));
        assert!((delays.bins[33] - 0.01).abs() < 1e-12);
        let few = Distribution::of_delays(&[2, 2, 2, 4], 1.0).unwrap();
        assert_eq!((few.bounds, few.bins), ([1.5, 4.5], vec![0.75, 0.0, 0.25]));
        assert!(Distribution::of_delays(&[2, 2], 1.0).is_none());
        assert!(Distribution::of_delays(&[], 1.0).is_none());
    }

    #[test]
    fn values_that_are_no_numbers_do_not_panic() -> Result<(), Box<dyn std::error::Error>> {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, f64::MIN_POSITIVE] {
            let mut cells = activity(2, bad, 10, &[(1, 0), (2, 0), (2, 1), (9, 0)]);
            let neuron = |values: Vec<f32>| vec![trace(0, values)];
            let mut odd = traces(bad, neuron(vec![0.0; 9000]));
            odd.every_ms = bad;
            cells.traces = vec![odd, traces(bad, neuron(vec![bad as f32; 9000]))];
            let epoch = Epoch {
                epoch: usize::MAX,
                loss: Some(bad),
                train_accuracy: Some(bad),
                validation_loss: Some(bad),
                test_loss: Some(bad),
                ..Epoch::default()
            };
            let response = Response {
                x: String::new(),
                y: String::new(),
                lines: vec![(String::new(), vec![(bad, 1.0), (1.0, bad), (2.0, 1.0)])],
                alike: bad.is_nan(),
            };
            let curves = vec![(String::new(), vec![epoch.clone()])];
            let report = Report {
                epochs: vec![epoch],
                runs: Some(Runs { curves, responses: vec![response], ..Runs::default() }),
                best_epoch: Some(usize::MAX),
                confusion: Some(Confusion { classes: 2, counts: vec![u64::MAX; 4] }),
                activity: vec![cells],
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
