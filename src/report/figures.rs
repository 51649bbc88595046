//! The figures of a report, as PNG images.
//!
//! This is the only file that knows the plotting library. Curves, rasters and histograms are its
//! plots, put into grids of panels; matrices and images are drawn cell by cell on a [`Sheet`].
//! Everything is rasterised at twice its size on the page, with the fonts of the library, so that a
//! figure looks the same everywhere and a raster of thousands of spikes stays small.

use std::sync::Arc;

use kuva::backend::raster::RasterBackend;
use kuva::prelude::*;
use kuva::render::color::Color;
use kuva::render::render::{Primitive, Scene, TextAnchor};

use super::{
    Activity, Attention, Confusion, Course, Distribution, Epoch, Fields, Fit, Layer, Report,
    ReportError, Response, Sample, Shown, Synapses, Trace, Traces, Weights, Window,
};
use crate::neuron::model::LaidOut;
use crate::record::statistics::SpikeStatistics;

const BLUE: &str = "#0072b2";
const ORANGE: &str = "#d55e00";
const GREEN: &str = "#009e73";
const GREY: &str = "#777777";
const INK: &str = "#222222";
/// Colours of lines that belong together (Okabe & Ito 2008), in turn.
const COLORS: [&str; 6] = [BLUE, ORANGE, GREEN, "#cc79a7", "#56b4e9", "#e69f00"];

/// Bins of the rate over time, at most: each is two to four pixels wide.
const RATE_BINS: u64 = 400;
/// Bars of a histogram, at most.
const BARS: usize = 32;
/// At most this many receptive fields are drawn.
const MAX_FIELDS: usize = 64;
/// Points of a line up to which each has a dot.
const MAX_DOTS: usize = 60;
/// At most this many lines that belong together are named.
const MAX_NAMES: usize = 12;
/// At most this many samples that were shown once more are drawn.
const MAX_SHOWN: usize = 8;
/// At most this many channels of a population are drawn.
const MAX_MAPS: usize = 64;
/// At most this many numbers are drawn over what was swept.
const MAX_RESPONSES: usize = 6;
/// At most this many projections have their synapses drawn.
const MAX_PROJECTIONS: usize = 12;
/// At most this many mistakes are drawn.
const MAX_MISTAKES: usize = 20;
/// At most this many neurons that follow a trace are drawn.
const MAX_FITS: usize = 16;
/// At most this many neurons are drawn per recorded variable.
const MAX_TRACES: usize = 6;
/// A trace longer than twice this many samples is reduced to its envelope.
const MAX_BUCKETS: usize = 2_000;

/// What figures are called, before their numbers.
pub(super) const KINDS: [&str; 20] = [
    "attention",
    "sweep",
    "curves",
    "learning",
    "adaptation",
    "fit",
    "number",
    "confusion",
    "mistakes",
    "sample",
    "activity",
    "distributions",
    "response",
    "traces",
    "window",
    "weights",
    "synapses",
    "shown",
    "maps",
    "fields",
];

/// A finished figure.
pub(super) struct Figure {
    /// Name of the PNG file.
    pub file: String,
    /// Section of the report; figures of one section follow each other.
    pub section: String,
    /// Sentence below the figure, plain text.
    pub caption: String,
    /// Width on the page in pixels, half of that of the image.
    pub width: u32,
    /// The image, encoded as PNG.
    pub png: Vec<u8>,
}

/// Draws every figure that the report has data for, in the order of the page.
pub(super) fn draw(report: &Report) -> Result<Vec<Figure>, ReportError> {
    let mut sketches = Vec::new();
    if let Some(runs) = &report.runs {
        sketches.extend(sweep(&runs.responses));
        sketches.extend(curves(&runs.curves));
    }
    sketches.extend(learning(&report.epochs, report.best_epoch, report.follows));
    sketches.extend(adaptation(&report.adaptation));
    let attention = report.attention.iter().enumerate();
    sketches.extend(attention.filter_map(|(k, of)| scores(k + 1, of)));
    sketches.extend(report.fit.as_ref().and_then(fit));
    let courses = report.courses.iter().enumerate();
    sketches.extend(courses.filter_map(|(k, course)| number(k + 1, course)));
    sketches.extend(report.confusion.as_ref().and_then(confusion));
    sketches.extend(mistakes(&report.mistakes));
    sketches.extend(report.sample.as_ref().and_then(sample));
    for (i, activity) in report.activity.iter().enumerate() {
        let number = i + 1;
        if let Some(spikes) = activity.spikes.as_deref().filter(|spikes| spikes.spikes > 0) {
            sketches.extend(spikes_over_time(number, activity, spikes));
            sketches.extend(distributions(number, activity, spikes));
            sketches.extend(response(number, activity, spikes));
        }
        let variables = activity.traces.iter().enumerate();
        sketches.extend(variables.filter_map(|(k, of)| traces(number, k + 1, activity, of)));
    }
    // What a projection learns by, and what it learned.
    let windows = report.windows.iter().enumerate().filter_map(|(k, of)| window(k + 1, of));
    let weights = report.weights.iter().enumerate();
    let mut learned: Vec<Sketch> =
        windows.chain(weights.filter_map(|(k, of)| weight_histograms(k + 1, of))).collect();
    learned.sort_by(|a, b| a.section.cmp(&b.section));
    sketches.extend(learned);
    let projections = report.synapses.iter().take(MAX_PROJECTIONS).enumerate();
    sketches.extend(projections.filter_map(|(k, of)| synapses(k + 1, of)));
    for (number, of) in report.shown.iter().take(MAX_SHOWN).enumerate().map(|(k, of)| (k + 1, of)) {
        sketches.extend(shown(number, of));
        let layers = of.layers.iter().enumerate();
        sketches.extend(layers.filter_map(|(k, layer)| maps([number, k + 1], of, layer)));
    }
    sketches.extend(report.fields.as_ref().and_then(fields));
    let mut figures = sketches.into_iter().map(Sketch::finish).collect::<Result<Vec<_>, _>>()?;
    for (file, png) in &report.figures {
        if figures.iter().any(|figure| figure.file == *file) {
            continue;
        }
        // The width is the first number of the image's header.
        let width = png.get(16..20).and_then(|width| width.try_into().ok()).map(u32::from_be_bytes);
        figures.push(Figure {
            file: file.clone(),
            section: "Figures of the run".into(),
            caption: file.trim_end_matches(".png").into(),
            width: width.unwrap_or(880 * 2) / 2,
            png: png.clone(),
        });
    }
    Ok(figures)
}

/// A figure before it becomes an image.
struct Sketch {
    name: String,
    section: String,
    caption: String,
    scene: Scene,
}

impl Sketch {
    fn finish(self) -> Result<Figure, ReportError> {
        let file = format!("{}.png", self.name);
        debug_assert!(super::is_figure(&file), "{file} has no kind");
        match RasterBackend::new().with_scale(2.0).render_scene(&self.scene) {
            Ok(png) => Ok(Figure {
                file,
                section: self.section,
                caption: self.caption,
                width: self.scene.width as u32,
                png,
            }),
            Err(reason) => Err(ReportError::Draw { figure: file, reason }),
        }
    }
}

/// Loss and accuracy over the epochs, side by side; a line marks the best epoch. An epoch of a training that is to follow
/// a trace is one update.
fn learning(epochs: &[Epoch], best: Option<usize>, follows: bool) -> Option<Sketch> {
    let (first, last) = (epochs.first()?.epoch as f64, epochs.last()?.epoch as f64);
    let curve = |value: fn(&Epoch) -> Option<f64>| -> Vec<(f64, f64)> {
        epochs
            .iter()
            .filter_map(|e| Some((e.epoch as f64, value(e)?)))
            .filter(|point| point.1.is_finite())
            .collect()
    };
    let classes = epochs.iter().any(|e| e.train_accuracy.is_some());
    let names = match follows {
        true => ["before", "validation", "after"],
        false => ["train", "validation", "test"],
    };
    let panel = |curves: [Vec<(f64, f64)>; 3], label, legend| {
        let (low, high) = range(curves.iter().flatten().map(|point| point.1));
        let room = 0.08 * (high - low);
        let lines = curves.into_iter().zip([BLUE, GREEN, ORANGE]).zip(names);
        let plots: Vec<Plot> =
            lines.flat_map(|((curve, color), name)| series(curve, color, name)).collect();
        let layout = axes(&plots, (first - 0.5, last + 0.5), (low - room, high + room))
            .with_x_label("epoch")
            .with_y_label(label)
            .with_x_tick_step(((last - first) / 8.0).ceil().max(1.0))
            .with_legend_position(legend)
            .with_legend_box(false);
        let layout = match best {
            Some(epoch) => {
                layout.with_reference_line(ReferenceLine::vertical(epoch as f64).with_color(GREY))
            }
            None => layout,
        };
        (plots, layout)
    };
    let losses = [curve(|e| e.loss), curve(|e| e.validation_loss), curve(|e| e.test_loss)];
    let accuracies = [
        curve(|e| e.train_accuracy.map(|a| 100.0 * a)),
        curve(|e| e.validation_accuracy.map(|a| 100.0 * a)),
        curve(|e| e.test_accuracy.map(|a| 100.0 * a)),
    ];
    let accuracy = panel(accuracies, "accuracy (%)", LegendPosition::InsideBottomRight);
    let sketch = |caption: &str, scene| Sketch {
        name: "learning".into(),
        section: "Learning".into(),
        caption: match best {
            Some(_) => format!("{caption} The dashed line is at the best epoch."),
            None => caption.into(),
        },
        scene,
    };
    // Synapses that learn by themselves minimise no loss, and numbers and potentials tell no classes.
    Some(if !classes {
        // Errors fall by orders of magnitude.
        let tenth = |points: Vec<(f64, f64)>| -> Vec<(f64, f64)> {
            let positive = points.into_iter().filter(|(_, loss)| *loss > 0.0);
            positive.map(|(epoch, loss)| (epoch, loss.log10())).collect()
        };
        let losses = losses.map(tenth);
        let loss = panel(losses, "loss (power of ten)", LegendPosition::InsideTopRight);
        let caption = match follows {
            true => "Loss before and after each update.",
            false => "Mean loss after each epoch.",
        };
        sketch(caption, grid(&[300.0], &[640.0], [loss]))
    } else if losses.iter().all(Vec::is_empty) {
        sketch("Accuracy after each epoch.", grid(&[300.0], &[430.0], [accuracy]))
    } else {
        let loss = panel(losses, "loss", LegendPosition::InsideTopRight);
        let scene = grid(&[300.0], &[430.0, 430.0], [loss, accuracy]);
        sketch("Mean loss and accuracy after each epoch.", scene)
    })
}

/// Numbers of some runs over what differs between them: a point for each run, and the means. A panel for each number.
fn sweep(all: &[Response]) -> Option<Sketch> {
    let all = &all[..all.len().min(MAX_RESPONSES)];
    let panels: Vec<_> = all.iter().filter_map(over_runs).collect();
    let first = all.first().filter(|_| !panels.is_empty())?;
    let names: Vec<&str> = all.iter().map(|of| of.y.as_str()).collect();
    let mean = if first.alike { "Lines are their mean" } else { "Lines are means" };
    Some(Sketch {
        name: "sweep".into(),
        section: "Runs".into(),
        caption: format!("{} over {}: a point for each run. {mean}.", names.join(", "), first.x),
        scene: grid(&vec![320.0; panels.len()], &[760.0], panels),
    })
}

/// A number of some runs over what differs between them.
fn over_runs(of: &Response) -> Option<(Vec<Plot>, Layout)> {
    let is_drawn = |point: &&(f64, f64)| point.0.is_finite() && point.1.is_finite();
    let all: Vec<(f64, f64)> =
        of.lines.iter().flat_map(|(_, points)| points).filter(is_drawn).copied().collect();
    let (first, last) = range(all.iter().map(|point| point.0));
    let (low, high) = range(all.iter().map(|point| point.1));
    if all.is_empty() || !(last - first).is_finite() || !(high - low).is_finite() {
        return None;
    }
    // Rates of learning are tried by orders of magnitude.
    let orders = !of.alike && first > 0.0 && last / first >= 50.0;
    let along = |x: f64| if orders { x.log10() } else { x };
    let (first, last) = (along(first), along(last));
    let mut plots: Vec<Plot> = Vec::new();
    for (k, (name, points)) in of.lines.iter().enumerate() {
        let mut points: Vec<(f64, f64)> =
            points.iter().filter(is_drawn).map(|(x, y)| (along(*x), *y)).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let color = COLORS[k % COLORS.len()];
        let mean = |points: &[(f64, f64)]| {
            points.iter().map(|point| point.1).sum::<f64>() / points.len() as f64
        };
        let means = match (of.alike, points.is_empty()) {
            (_, true) => continue,
            (true, false) => vec![(first, mean(&points)), (last, mean(&points))],
            (false, false) => {
                points.chunk_by(|a, b| a.0 == b.0).map(|at| (at[0].0, mean(at))).collect()
            }
        };
        let line = LinePlot::new().with_data(means).with_color(color).with_stroke_width(1.8);
        let named = k < MAX_NAMES && !name.is_empty();
        plots.push(if named { line.with_legend(name.as_str()) } else { line }.into());
        plots.push(ScatterPlot::new().with_data(points).with_color(color).with_size(3.0).into());
    }
    let (aside, above) = (0.04 * (last - first), 0.08 * (high - low));
    let x = if orders { format!("{} (power of ten)", of.x) } else { of.x.clone() };
    let layout = axes(&plots, (first - aside, last + aside), (low - above, high + above))
        .with_x_label(x)
        .with_y_label(of.y.as_str())
        .with_legend_box(false);
    Some((plots, layout))
}

/// Points of a curve.
type Points = Vec<(f64, f64)>;

/// Loss and accuracy on the test set over the epochs of several runs.
fn curves(runs: &[(String, Vec<Epoch>)]) -> Option<Sketch> {
    let last = runs.iter().filter_map(|(_, epochs)| epochs.last()).map(|e| e.epoch).max()? as f64;
    let panel = |value: fn(&Epoch) -> Option<f64>, label: &str| {
        let curve = |epochs: &[Epoch]| -> Points {
            let points = epochs.iter().filter_map(|e| Some((e.epoch as f64, value(e)?)));
            points.filter(|point| point.1.is_finite()).collect()
        };
        let curves: Vec<_> = runs.iter().map(|(name, epochs)| (name, curve(epochs))).collect();
        let every = curves.iter().flat_map(|(_, curve)| curve);
        let (low, high) = range(every.clone().map(|point| point.1));
        every.clone().next()?;
        let room = 0.08 * (high - low);
        let lines = curves.into_iter().enumerate().filter(|(_, (_, curve))| !curve.is_empty());
        let line = |(k, (name, curve)): (usize, (&String, Points))| -> Plot {
            let color = COLORS[k % COLORS.len()];
            let line = LinePlot::new().with_data(curve).with_color(color).with_stroke_width(1.6);
            if k < MAX_NAMES { line.with_legend(name.as_str()) } else { line }.into()
        };
        let plots: Vec<Plot> = lines.map(line).collect();
        let layout = axes(&plots, (0.5, last + 0.5), (low - room, high + room))
            .with_x_label("epoch")
            .with_y_label(label)
            .with_x_tick_step((last / 8.0).ceil().max(1.0))
            .with_legend_box(false);
        Some((plots, layout))
    };
    let loss = panel(|e| e.test_loss.or(e.loss), "loss");
    let accuracy = panel(|e| e.test_accuracy.map(|a| 100.0 * a), "test accuracy (%)");
    let panels: Vec<_> = [loss, accuracy].into_iter().flatten().collect();
    if panels.is_empty() {
        return None;
    }
    let columns = vec![if panels.len() > 1 { 430.0 } else { 640.0 }; panels.len()];
    Some(Sketch {
        name: "curves".into(),
        section: "Runs".into(),
        caption: "Loss and accuracy after each epoch, on the test set where there is one.".into(),
        scene: grid(&[320.0], &columns, panels),
    })
}

/// Error of new tasks over the steps in which they are learned.
fn adaptation(errors: &[f64]) -> Option<Sketch> {
    let steps = errors.iter().enumerate().filter(|(_, error)| error.is_finite());
    let points: Vec<(f64, f64)> = steps.map(|(k, error)| (k as f64, *error)).collect();
    let (last, (_, high)) = (points.last()?.0, range(points.iter().map(|point| point.1)));
    let plots = series(points, BLUE, "");
    let layout = axes(&plots, (-0.25, last + 0.25), (0.0, headroom(high)))
        .with_x_label("steps within a task")
        .with_y_label("mean squared error")
        .with_x_tick_step(1.0);
    Some(Sketch {
        name: "adaptation".into(),
        section: "Learning".into(),
        caption: "Error of what held-out tasks ask, over the steps in which each is learned."
            .into(),
        scene: grid(&[300.0], &[640.0], [(plots, layout)]),
    })
}

/// Scores of the frames of some samples, in two columns.
fn scores(number: usize, attention: &Attention) -> Option<Sketch> {
    let frames = attention.samples.first()?.len();
    let panel = |scores: &Vec<f32>| -> (Vec<Plot>, Layout) {
        let points =
            scores.iter().zip(1..).map(|(score, frame)| (f64::from(frame), f64::from(*score)));
        let plots = series(points.collect(), BLUE, "");
        let layout = axes(&plots, (0.5, frames as f64 + 0.5), (0.0, 1.0))
            .with_x_label("frame")
            .with_y_label("score")
            .with_x_tick_step((frames as f64 / 8.0).ceil().max(1.0));
        (plots, layout)
    };
    // A figure has no empty places.
    let rows = attention.samples.len().min(MAX_SHOWN) / 2;
    if rows == 0 {
        return None;
    }
    Some(Sketch {
        name: format!("attention-{number}"),
        section: "Learning".into(),
        caption: format!(
            "{}: scores of the frames of the first test samples, in the order of reading.",
            attention.name
        ),
        scene: grid(
            &vec![160.0; rows],
            &[320.0, 320.0],
            attention.samples.iter().take(2 * rows).map(panel),
        ),
    })
}

/// Potentials and the traces that they were to follow, at the start and at the end.
fn fit(fit: &Fit) -> Option<Sketch> {
    let time = |values: &[f32]| -> Vec<(f64, f64)> {
        let points = values.iter().enumerate().filter(|(_, v)| v.is_finite());
        points.map(|(k, v)| ((k + 1) as f64 * fit.every_ms, f64::from(*v))).collect()
    };
    let every = fit.wanted.iter().chain(&fit.before).chain(&fit.after).flatten();
    let (low, high) = range(every.map(|v| f64::from(*v)).filter(|v| v.is_finite()));
    let end = fit.wanted.first()?.len() as f64 * fit.every_ms;
    if !is_positive(end) || high <= low {
        return None;
    }
    let room = 0.05 * (high - low);
    let panel = |lines: &[Vec<f32>], title: &str| {
        let line = |values: &Vec<f32>, color: &str, width: f64| -> Plot {
            LinePlot::new()
                .with_data(time(values))
                .with_color(color)
                .with_stroke_width(width)
                .into()
        };
        let wanted = fit.wanted.iter().take(MAX_FITS).map(|values| line(values, INK, 2.4));
        let found = lines.iter().take(MAX_FITS).map(|values| line(values, ORANGE, 0.9));
        let plots: Vec<Plot> = wanted.chain(found).collect();
        let layout = axes(&plots, (0.0, end), (low - room, high + room))
            .with_x_label("time (ms)")
            .with_y_label("potential (mV)")
            .with_title(title);
        (plots, layout)
    };
    let panels = [panel(&fit.before, "at the start"), panel(&fit.after, "after training")];
    Some(Sketch {
        name: "fit".into(),
        section: "Learning".into(),
        caption: format!(
            "{}: potential of {} neurons (orange) and the trace that they are to follow (black).",
            fit.name,
            fit.after.len().min(MAX_FITS),
        ),
        scene: grid(&[320.0], &[480.0, 480.0], panels),
    })
}

/// How a trained number went, of each neuron.
fn number(number: usize, course: &Course) -> Option<Sketch> {
    let values = course.neurons.iter().flatten().copied().filter(|x| x.is_finite());
    let (low, high) = range(values);
    let epochs = course.neurons.iter().map(Vec::len).max()?.checked_sub(1)? as f64;
    let room = 0.06 * (high - low);
    let line = |values: &Vec<f64>| -> Plot {
        let points = values.iter().enumerate().filter(|(_, x)| x.is_finite());
        LinePlot::new()
            .with_data(points.map(|(k, x)| (k as f64, *x)).collect::<Vec<_>>())
            .with_color(BLUE)
            .with_stroke_width(1.2)
            .into()
    };
    let plots: Vec<Plot> = course.neurons.iter().map(line).collect();
    let layout = axes(&plots, (0.0, epochs.max(1.0)), (low - room, high + room))
        .with_x_label("epoch")
        .with_y_label(&course.name);
    Some(Sketch {
        name: format!("number-{number}"),
        section: "Learning".into(),
        caption: format!("{}: a line for each of the first neurons.", course.name),
        scene: grid(&[240.0], &[640.0], [(plots, layout)]),
    })
}

/// A line with a dot on every point, unless they are many; nothing without points.
fn series(points: Vec<(f64, f64)>, color: &str, name: &str) -> Vec<Plot> {
    if points.is_empty() {
        return Vec::new();
    }
    let dotted = points.len() <= MAX_DOTS;
    let dots = ScatterPlot::new().with_data(points.clone()).with_color(color).with_size(3.0);
    let line = LinePlot::new()
        .with_data(points)
        .with_color(color)
        .with_stroke_width(1.8)
        .with_legend(name);
    if dotted { vec![line.into(), dots.into()] } else { vec![line.into()] }
}

/// Spike raster and population rate, one above the other.
fn spikes_over_time(
    number: usize,
    activity: &Activity,
    spikes: &SpikeStatistics,
) -> Option<Sketch> {
    let steps = activity.steps;
    let duration = steps as f64 * spikes.dt();
    let mean_rate = spikes.rate(steps).filter(|rate| rate.is_finite())?;
    if !is_positive(duration) {
        return None;
    }
    let stride = spikes.stride();
    let from = spikes.raster().from();
    let start = from as f64 * spikes.dt();
    // A bin with a spike or none says little, so few spikes have wide bins.
    let bins = (spikes.spikes / 4).clamp(RATE_BINS / 8, RATE_BINS);
    let rate = spikes.rate_over_time(steps, bins as usize);
    let bin = rate.get(1).map_or(duration, |second| second.0 - rate[0].0);

    let active = spikes.counts().filter(|count| *count > 0).count();
    let mut caption = format!(
        "{}: {} of {active} of {}, {mean_rate:.2} Hz on average.",
        activity.name,
        several(spikes.spikes, "spike"),
        several(spikes.size() as u64, "neuron"),
    );
    if stride > 1 || from > 0 {
        caption += " The raster shows ";
        caption +=
            &if stride > 1 { format!("one neuron in {stride}") } else { "all neurons".into() };
        if from > 0 {
            caption += &format!(" during the last {}, shaded below", time(duration - start));
        }
        caption += ".";
    }
    caption += &format!(" The rate is the mean of all neurons in bins of {}.", time(bin));
    // The rows of a few neurons need little room.
    let height = (100.0 + 10.0 * spikes.size() as f64).min(330.0);
    let panels = [raster(spikes, (start, duration)), population_rate(&rate, duration, start)];
    Some(Sketch {
        name: format!("activity-{number}"),
        section: section(activity),
        caption,
        scene: grid(&[height, 190.0], &[880.0], panels),
    })
}

/// One dot per spike.
fn raster(spikes: &SpikeStatistics, window: (f64, f64)) -> (Vec<Plot>, Layout) {
    let unit = time_unit(window.1).1;
    let time = |step: u64| (step + 1) as f64 * spikes.dt() / unit;
    let dots = spikes.raster().spikes().map(|(step, neuron)| (time(step), f64::from(neuron)));
    let dots: Vec<(f64, f64)> = dots.collect();
    let size = (2_500.0 / dots.len() as f64).sqrt().clamp(0.8, 2.5);
    let dots = ScatterPlot::new().with_data(dots).with_color(INK).with_size(size);
    let plots = vec![dots.into()];
    let count = spikes.size() as f64;
    let room = (0.5 * spikes.stride() as f64).max(0.01 * count);
    let window = (window.0 / unit, window.1 / unit);
    let layout = whole_ticks(time_axes(&plots, window, (-room, count - 1.0 + room)), count);
    (plots, layout.with_y_label("neuron"))
}

/// Mean rate of the population over time, to stand below its raster; what the raster shows is
/// shaded unless it is all.
fn population_rate(rate: &[(f64, f64)], duration: f64, from: f64) -> (Vec<Plot>, Layout) {
    let top = rate.iter().map(|bin| bin.1).fold(0.0, f64::max);
    let end = rate.last().map(|bin| (duration, bin.1));
    let (label, unit) = time_unit(duration);
    let points = rate.iter().copied().chain(end).map(|(time, hz)| (time / unit, hz));
    let plots = vec![
        LinePlot::new()
            .with_data(points)
            .with_color(BLUE)
            .with_stroke_width(1.4)
            .with_step()
            .with_fill()
            .with_fill_opacity(0.2)
            .into(),
    ];
    let mut layout = time_axes(&plots, (0.0, duration / unit), (0.0, headroom(top)))
        .with_x_label(label)
        .with_y_label("rate (Hz)");
    if from > 0.0 {
        let shade = ShadedRegion::vertical(from / unit, duration / unit)
            .with_color(GREY)
            .with_opacity(0.15);
        layout = layout.with_shaded_region(shade);
    }
    (plots, layout)
}

/// Distributions over neurons and intervals, side by side.
fn distributions(number: usize, activity: &Activity, spikes: &SpikeStatistics) -> Option<Sketch> {
    let seconds = spikes.seconds(activity.steps);
    if !is_positive(seconds) {
        return None;
    }
    let mut panels = Vec::new();
    let mut shown = Vec::new();
    // One neuron makes no distribution over neurons.
    let many = spikes.size() > 1;
    if many {
        panels.push(rate_histogram(spikes, seconds));
        shown.push("mean rates of the neurons".to_owned());
    }
    if let Some((panel, axis)) = interval_histogram(spikes) {
        panels.push(panel);
        shown.push(format!("intervals between the spikes of a neuron ({axis})"));
    }
    let cvs: Vec<f64> = spikes.cvs().collect();
    if many && !cvs.is_empty() {
        panels.push(cv_histogram(&cvs));
        shown.push(format!(
            "coefficient of variation of the intervals of {} with at least three spikes",
            several(cvs.len() as u64, "neuron")
        ));
    }
    if panels.is_empty() {
        return None;
    }
    let columns = vec![290.0; panels.len()];
    Some(Sketch {
        name: format!("distributions-{number}"),
        section: section(activity),
        caption: format!("{}, distributions: {}.", activity.name, shown.join("; ")),
        scene: grid(&[220.0], &columns, panels),
    })
}

/// Rate of each neuron over what the scene lays out from neuron to neuron: of currents, the f–I curve.
fn response(number: usize, activity: &Activity, spikes: &SpikeStatistics) -> Option<Sketch> {
    let seconds = spikes.seconds(activity.steps);
    if !is_positive(seconds) || activity.laid_out.is_empty() {
        return None;
    }
    let panel = |of: &LaidOut| {
        let rates = spikes.counts().map(|count| count as f64 / seconds);
        let mut points: Vec<(f64, f64)> = of.values.iter().copied().zip(rates).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (low, high) = range(points.iter().map(|point| point.0));
        let top = points.iter().map(|point| point.1).fold(0.0, f64::max);
        let room = 0.03 * (high - low).max(f64::MIN_POSITIVE);
        let dots = ScatterPlot::new().with_data(points.clone()).with_color(BLUE).with_size(3.0);
        let line = LinePlot::new().with_data(points).with_color(BLUE).with_stroke_width(1.8);
        let plots: Vec<Plot> = vec![line.into(), dots.into()];
        let unit = if of.unit.is_empty() { String::new() } else { format!(" ({})", of.unit) };
        let layout = axes(&plots, (low - room, high + room), (0.0, headroom(top)))
            .with_x_label(format!("{}{unit}", of.name))
            .with_y_label("rate (Hz)");
        (plots, layout)
    };
    let panels: Vec<_> = activity.laid_out.iter().map(panel).collect();
    let names: Vec<_> = activity.laid_out.iter().map(|of| of.name.as_str()).collect();
    let columns = vec![430.0; panels.len()];
    Some(Sketch {
        name: format!("response-{number}"),
        section: section(activity),
        caption: format!(
            "{}: mean rate of each neuron over its {}.",
            activity.name,
            names.join(", ")
        ),
        scene: grid(&[240.0], &columns, panels),
    })
}

/// Neurons per firing rate. The bins hold whole spike counts, so that none stays empty by chance.
fn rate_histogram(spikes: &SpikeStatistics, seconds: f64) -> (Vec<Plot>, Layout) {
    let most = spikes.counts().max().unwrap_or(0);
    let width = (most + 1).div_ceil(BARS as u64);
    let mut counts = vec![0.0; (most + 1).div_ceil(width) as usize];
    for count in spikes.counts() {
        counts[(count / width) as usize] += 1.0;
    }
    neuron_histogram(counts, width as f64 / seconds, "rate (Hz)")
}

/// Neurons per coefficient of variation of their inter-spike intervals.
fn cv_histogram(cvs: &[f64]) -> (Vec<Plot>, Layout) {
    let width = cvs.iter().copied().fold(1.0, f64::max) * 1.0001 / BARS as f64;
    let mut counts = vec![0.0; BARS];
    for cv in cvs {
        counts[((cv / width) as usize).min(BARS - 1)] += 1.0;
    }
    neuron_histogram(counts, width, "CV of intervals")
}

/// Bars of the given numbers of neurons, `width` wide each, from 0.
fn neuron_histogram(counts: Vec<f64>, width: f64, x_label: &str) -> (Vec<Plot>, Layout) {
    let top = counts.iter().copied().fold(0.0, f64::max);
    let edges: Vec<f64> = (0..=counts.len()).map(|i| i as f64 * width).collect();
    let range = (0.0, counts.len() as f64 * width);
    let (plots, layout) = histogram(edges, counts, range);
    (plots, whole_ticks(layout, top).with_x_label(x_label).with_y_label("neurons"))
}

/// Density of inter-spike intervals and what its axes are; nothing without intervals.
fn interval_histogram(spikes: &SpikeStatistics) -> Option<((Vec<Plot>, Layout), &'static str)> {
    let bins = spikes.intervals();
    let (low, high) = (bins.first()?.from, bins.last()?.to);
    let total: u64 = bins.iter().map(|bin| bin.count).sum();
    // Intervals of many lengths are drawn by their logarithm.
    let log = low > 0.0 && high > 20.0 * low;
    let width = |from: f64, to: f64| if log { (to / from).log2() } else { to - from };
    // Bins are joined to bars of at least this width.
    let bar = width(low, high) / BARS as f64;
    let (mut edges, mut heights, mut count) = (vec![low], Vec::new(), 0);
    for bin in &bins {
        count += bin.count;
        let wide = width(edges[edges.len() - 1], bin.to);
        if wide >= bar || bin.to == high {
            heights.push(100.0 * count as f64 / total as f64 / wide);
            edges.push(bin.to);
            count = 0;
        }
    }
    let room = (0.05 * (high - low)).max(0.1 * low);
    let range = if log { (low / 1.2, high * 1.2) } else { ((low - room).max(0.0), high + room) };
    let (plots, layout) = histogram(edges, heights, range);
    let layout = layout.with_x_label("interval (ms)");
    Some(if log {
        // The library would write 0.1 as 1e-1.
        let ticks = TickFormat::Custom(Arc::new(significant));
        let layout = layout.with_log_x().with_x_tick_format(ticks).with_y_label("% per octave");
        ((plots, layout), "in % of all per doubling of the length")
    } else {
        ((plots, layout.with_y_label("% per ms")), "in % of all per ms")
    })
}

/// Bars between edges.
fn histogram(edges: Vec<f64>, heights: Vec<f64>, range: (f64, f64)) -> (Vec<Plot>, Layout) {
    let top = heights.iter().copied().fold(0.0, f64::max);
    let plots = vec![Histogram::from_bins(edges, heights).with_color(BLUE).into()];
    let mut layout =
        axes(&plots, range, (0.0, headroom(top))).with_ticks(4).with_force_margins(72.0, 16.0);
    layout.x_bin_width = None; // Round ticks instead of the edges of bins.
    (plots, layout)
}

/// The change by a pair of spikes over the interval between them.
fn window(number: usize, of: &Window) -> Option<Sketch> {
    let finite = of.points.iter().all(|(x, y)| x.is_finite() && y.is_finite());
    let (first, last) = (of.points.first()?.0, of.points.last()?.0);
    if !finite || !is_positive(last - first) {
        return None;
    }
    let (low, high) = range(of.points.iter().map(|point| point.1).chain([0.0]));
    let room = 0.08 * (high - low);
    let zero = LinePlot::new()
        .with_data(vec![(first, 0.0), (last, 0.0)])
        .with_color(GREY)
        .with_stroke_width(0.8);
    let mut plots: Vec<Plot> = vec![zero.into()];
    // The two branches do not meet: a pair at the same time does not count.
    let (before, after): (Vec<_>, Vec<_>) = of.points.iter().copied().partition(|p| p.0 < 0.0);
    for branch in [before, after] {
        let line = LinePlot::new().with_data(branch);
        plots.push(line.with_color(BLUE).with_stroke_width(1.8).into());
    }
    let what = if of.marks { "mark" } else { "weight" };
    let layout = axes(&plots, (first, last), (low - room, high + room))
        .with_x_label("target's spike after the source's (ms)")
        .with_y_label(format!("change of the {what}"));
    Some(Sketch {
        name: format!("window-{number}"),
        section: format!("Weights of {}", of.name),
        caption: format!(
            "{}: change of a {what} by one pair of spikes alone, over the time from the source's to the \
             target's at the synapse.",
            of.name
        ),
        scene: grid(&[240.0], &[430.0], [(plots, layout)]),
    })
}

/// The distribution of the weights of a projection, a panel for each time.
fn weight_histograms(number: usize, of: &Weights) -> Option<Sketch> {
    let at = of.at.iter().map(|(ms, bins)| Distribution {
        of: "synapses",
        label: format!("weight at {}", time(*ms)),
        bounds: of.bounds,
        bins: bins.clone(),
    });
    Some(Sketch {
        name: format!("weights-{number}"),
        section: format!("Weights of {}", of.name),
        caption: format!("{}: distribution of the weights between their bounds.", of.name),
        scene: side_by_side(&at.collect::<Vec<_>>())?,
    })
}

/// How numbers of the synapses of a projection are distributed.
fn synapses(number: usize, of: &Synapses) -> Option<Sketch> {
    Some(Sketch {
        name: format!("synapses-{number}"),
        section: "Synapses".into(),
        caption: format!("{}: how numbers of its synapses are distributed.", of.name),
        scene: side_by_side(&of.numbers)?,
    })
}

/// Distributions over synapses, a panel for each that can be drawn.
fn side_by_side(all: &[Distribution]) -> Option<Scene> {
    let panel = |of: &Distribution| {
        let [low, high] = of.bounds;
        let width = (high - low) / of.bins.len() as f64;
        let most = of.bins.iter().fold(0.0, |most: f64, bin| most.max(*bin));
        if !is_positive(width) || !is_positive(most) {
            return None;
        }
        let edges = (0..=of.bins.len()).map(|k| low + k as f64 * width).collect();
        let percent: Vec<f64> = of.bins.iter().map(|bin| 100.0 * bin).collect();
        let (plots, layout) = histogram(edges, percent, (low, high));
        Some((plots, layout.with_x_label(of.label.as_str()).with_y_label(format!("{} (%)", of.of))))
    };
    let panels: Vec<_> = all.iter().filter_map(panel).collect();
    let columns = vec![880.0 / panels.len() as f64; panels.len()];
    (!panels.is_empty()).then(|| grid(&[220.0], &columns, panels))
}

/// A recorded variable, one panel per neuron, with threshold and spikes.
fn traces(number: usize, k: usize, activity: &Activity, of: &Traces) -> Option<Sketch> {
    const HEIGHT: f64 = 136.0;
    const TIME_AXIS: f64 = 50.0;
    let threshold = of.threshold.filter(|value| value.is_finite());
    let drawn =
        |trace: &&Trace| trace.values.len() > 1 && trace.values.iter().all(|v| v.is_finite());
    let shown: Vec<&Trace> = of.neurons.iter().filter(drawn).take(MAX_TRACES).collect();
    let longest = shown.iter().map(|trace| trace.values.len()).max()?;
    let end = longest as f64 * of.every_ms;
    if !is_positive(end) {
        return None;
    }
    let values = shown.iter().flat_map(|trace| &trace.values).map(|&v| f64::from(v));
    let (low, high) = range(values.chain(threshold));
    let mark = high + 0.1 * (high - low);
    let limits = (low - 0.05 * (high - low), high + 0.2 * (high - low));
    let spikes = activity.spikes.as_deref();
    let (time_label, time_unit) = time_unit(end);
    let label = match &of.unit {
        Some(unit) => format!("{} ({unit})", of.variable),
        None => of.variable.clone(),
    };

    let mut marked = false;
    let mut panels = Vec::new();
    for (i, trace) in shown.iter().enumerate() {
        let own = spikes.into_iter().flat_map(|spikes| {
            let own = spikes.traced().spikes().filter(|(_, neuron)| *neuron == trace.neuron);
            own.map(|(step, _)| ((step + 1) as f64 * spikes.dt(), mark))
        });
        let within = own.filter(|(time, _)| *time <= end);
        let marks: Vec<(f64, f64)> = within.map(|(time, y)| (time / time_unit, y)).collect();
        marked |= !marks.is_empty();
        let mut plots = vec![
            LinePlot::new()
                .with_data(envelope(&trace.values, of.every_ms / time_unit))
                .with_color(BLUE)
                .with_stroke_width(1.2)
                .with_legend(trace.label.clone())
                .into(),
        ];
        if let Some(threshold) = threshold {
            let line = LinePlot::new()
                .with_data([(0.0, threshold), (end / time_unit, threshold)])
                .with_color(GREY)
                .with_stroke_width(1.0)
                .with_dashed();
            plots.push(line.into());
        }
        let size = (300.0 / marks.len() as f64).clamp(1.5, 3.5);
        let triangles = ScatterPlot::new()
            .with_data(marks)
            .with_color(ORANGE)
            .with_marker(MarkerShape::TriangleDown)
            .with_size(size);
        plots.push(triangles.into());
        let last = i + 1 == shown.len();
        let mut layout = axes(&plots, (0.0, end / time_unit), limits)
            .with_y_label(label.clone())
            .with_ticks(4)
            .with_legend_box(false)
            .with_force_margins(72.0, 130.0)
            .with_force_margins_y(8.0, if last { TIME_AXIS } else { 8.0 });
        layout.suppress_x_ticks = !last;
        if last {
            layout = layout.with_x_label(time_label);
        }
        panels.push((plots, layout));
    }
    let neurons = several(shown.len() as u64, of.noun);
    let mut caption = format!("{}: {label} of {neurons}", activity.name);
    if of.neurons.len() > shown.len() {
        caption += &format!(" of {} that are recorded", of.neurons.len());
    }
    caption += ".";
    if threshold.is_some() {
        caption += " The dashed line is the threshold.";
    }
    if marked {
        caption += " Triangles are spikes";
        if let Some(spikes) = spikes.filter(|spikes| spikes.traced().from() > 0) {
            let from = spikes.traced().from() as f64 * spikes.dt();
            caption += &format!(", marked from {} on", time(from));
        }
        caption += ".";
    }
    let mut heights = vec![HEIGHT; shown.len()];
    heights[shown.len() - 1] += TIME_AXIS;
    Some(Sketch {
        name: format!("traces-{number}-{k}"),
        section: section(activity),
        caption,
        scene: grid(&heights, &[880.0], panels),
    })
}

/// Heading above the figures of a population.
fn section(activity: &Activity) -> String {
    format!("Activity of {}", activity.name)
}

/// A trace as points (time, value); a long one keeps only the extremes of each stretch of samples.
fn envelope(values: &[f32], every: f64) -> Vec<(f64, f64)> {
    // A sample is taken at the end of its interval.
    let point = |i: usize| ((i + 1) as f64 * every, f64::from(values[i]));
    let stretch = values.len() / MAX_BUCKETS;
    if stretch <= 2 {
        return (0..values.len()).map(point).collect();
    }
    let mut points = Vec::with_capacity(2 * (MAX_BUCKETS + 1));
    for start in (0..values.len()).step_by(stretch) {
        let samples = start..values.len().min(start + stretch);
        let by_value = |&a: &usize, &b: &usize| values[a].total_cmp(&values[b]);
        let low = samples.clone().min_by(by_value).unwrap_or(start);
        let high = samples.max_by(by_value).unwrap_or(start);
        points.extend([point(low.min(high)), point(low.max(high))]);
    }
    points
}

/// Counts per true and predicted class, coloured by their fraction of the true class.
fn confusion(confusion: &Confusion) -> Option<Sketch> {
    let n = confusion.classes;
    if n == 0 || n.checked_mul(n) != Some(confusion.counts.len()) {
        return None;
    }
    let cell = (500.0 / n as f64).floor().max(2.0);
    let (left, top, edge) = (80.0, 30.0, cell * n as f64);
    let mut sheet = Sheet::new(left + edge + 130.0, top + edge + 70.0);
    // Numbers are left out where they would not fit.
    let size = (cell * 0.3).min(14.0) as u32;
    let labels = n.div_ceil((edge / 22.0) as usize);

    for (row, counts) in confusion.counts.chunks_exact(n).enumerate() {
        let middle = top + (row as f64 + 0.5) * cell;
        let total = counts.iter().map(|&count| count as f64).sum::<f64>().max(1.0);
        let shade = |&count: &u64| ColorMap::Blues.map(0.9 * (count as f64 / total).sqrt()).into();
        sheet.image((left, middle - cell / 2.0), cell, n, counts.iter().map(shade));
        for (column, &count) in counts.iter().enumerate() {
            let fraction = count as f64 / total;
            if count > 0 && size >= 7 {
                let ink = if fraction > 0.3 { "white" } else { INK };
                let center = (left + (column as f64 + 0.5) * cell, middle);
                sheet.text(&count.to_string(), center, size, TextAnchor::Middle, ink);
            }
        }
        if row % labels == 0 {
            let name = row.to_string();
            sheet.text(&name, (left - 8.0, middle), 13, TextAnchor::End, INK);
            let below = (left + (row as f64 + 0.5) * cell, top + edge + 14.0);
            sheet.text(&name, below, 13, TextAnchor::Middle, INK);
            let recall = format!("{:.1} %", 100.0 * counts[row] as f64 / total);
            sheet.text(&recall, (left + edge + 66.0, middle), 13, TextAnchor::End, INK);
        }
    }
    sheet.frame((left, top), edge, edge);
    sheet.text("accuracy", (left + edge + 66.0, 12.0), 13, TextAnchor::End, GREY);
    let center = left + edge / 2.0;
    sheet.text("predicted class", (center, top + edge + 44.0), 14, TextAnchor::Middle, INK);
    sheet.upward_text("true class", (24.0, top + edge / 2.0), 14);
    Some(Sketch {
        name: "confusion".into(),
        section: "Confusion matrix".into(),
        caption: "Test samples per true and predicted class; the colour is the fraction of the \
                  true class (square-root scale), the right column the accuracy of each class."
            .into(),
        scene: sheet.scene,
    })
}

/// Images that were taken for another class, in reading order.
fn mistakes(mistakes: &[Sample]) -> Option<Sketch> {
    const COLUMNS: usize = 10;
    let whole =
        |of: &&Sample| of.width > 0 && of.width.checked_mul(of.height) == Some(of.pixels.len());
    let shown: Vec<&Sample> = mistakes.iter().filter(whole).take(MAX_MISTAKES).collect();
    let &Sample { width, height, .. } = *shown.first()?;
    let pixel = (64 / width.max(height)).max(1) as f64;
    let (wide, high) = (width as f64 * pixel, height as f64 * pixel);
    let (step_x, step_y) = (wide.max(56.0) + 14.0, high + 34.0);
    let rows = shown.len().div_ceil(COLUMNS) as f64;
    let mut sheet =
        Sheet::new(10.0 + COLUMNS.min(shown.len()) as f64 * step_x, 10.0 + rows * step_y);
    for (i, of) in shown.iter().enumerate() {
        let x = 10.0 + (i % COLUMNS) as f64 * step_x;
        let y = 10.0 + (i / COLUMNS) as f64 * step_y;
        let verdict = format!("{} → {}", of.label, of.predicted);
        sheet.picture(of, (x, y), pixel);
        sheet.text(&verdict, (x + wide / 2.0, y + high + 12.0), 12, TextAnchor::Middle, INK);
    }
    Some(Sketch {
        name: "mistakes".into(),
        section: "Mistakes".into(),
        caption: format!(
            "Test images that were taken for another class, as true class → predicted class: {} of {}, those \
             first whose class had the output furthest below that of the answer.",
            shown.len(),
            mistakes.len(),
        ),
        scene: sheet.scene,
    })
}

/// The shown image.
fn sample(sample: &Sample) -> Option<Sketch> {
    let &Sample { width, height, label, predicted, .. } = sample;
    if width == 0 || width.checked_mul(height) != Some(sample.pixels.len()) {
        return None;
    }
    let pixel = (224 / width.max(height)).max(1) as f64;
    let (wide, high) = (width as f64 * pixel, height as f64 * pixel);
    let mut sheet = Sheet::new(wide.max(180.0) + 20.0, high + 50.0);
    let left = (sheet.scene.width - wide) / 2.0;
    sheet.picture(sample, (left, 10.0), pixel);
    let verdict = format!("class {label}, predicted {predicted}");
    let ink = if label == predicted { INK } else { ORANGE };
    let below = (left + wide / 2.0, high + 28.0);
    sheet.text(&verdict, below, 14, TextAnchor::Middle, ink);
    Some(Sketch {
        name: "sample".into(),
        section: "Shown sample".into(),
        caption: "The test image shown while the activity below was recorded.".into(),
        scene: sheet.scene,
    })
}

/// Section of a sample that was shown once more.
fn section_of(shown: &Shown) -> String {
    format!("Sample {}", shown.sample)
}

/// Spikes of all populations while a sample was shown, one above the other.
fn shown(number: usize, shown: &Shown) -> Option<Sketch> {
    let spiked: Vec<&Layer> = shown.layers.iter().filter(|layer| layer.spikes.spikes > 0).collect();
    let duration = shown.steps as f64 * spiked.first()?.spikes.dt();
    if !is_positive(duration) {
        return None;
    }
    let last = spiked.len() - 1;
    let panel = |(k, Layer { name, spikes, .. }): (usize, &&Layer)| {
        let (plots, layout) = raster(spikes, (0.0, duration));
        let layout = layout.with_y_label(name.as_str());
        let layout = if k == last { layout.with_x_label(time_unit(duration).0) } else { layout };
        (plots, layout)
    };
    let height = |layer: &&Layer| (90.0 + 10.0 * layer.spikes.size() as f64).min(220.0);
    let verdict = match shown.verdict {
        Some((class, predicted)) => format!(", class {class}, predicted {predicted},"),
        None => String::new(),
    };
    let count = |layer: &&Layer| format!("{} {}", layer.name, layer.spikes.spikes);
    Some(Sketch {
        name: format!("shown-{number}"),
        section: section_of(shown),
        caption: format!(
            "Spikes of the populations while sample {}{verdict} was shown: {}.",
            shown.sample,
            spiked.iter().map(count).collect::<Vec<_>>().join(", "),
        ),
        scene: grid(
            &spiked.iter().map(height).collect::<Vec<_>>(),
            &[880.0],
            spiked.iter().enumerate().map(panel),
        ),
    })
}

/// How often each neuron of a population in several channels spiked: an image for each channel.
fn maps([number, k]: [usize; 2], shown: &Shown, layer: &Layer) -> Option<Sketch> {
    const COLUMNS: usize = 8;
    let [rows, columns, channels] = layer.shape.filter(|[.., channels]| *channels > 1)?;
    let counts: Vec<u64> = layer.spikes.counts().collect();
    let most = counts.iter().copied().max().filter(|most| *most > 0)?;
    if rows * columns < 2 || counts.len() != rows * columns * channels {
        return None;
    }
    let drawn = channels.min(MAX_MAPS);
    let pixel = (84 / rows.max(columns)).max(1) as f64;
    let (wide, high) = (columns as f64 * pixel, rows as f64 * pixel);
    let (step_x, step_y) = (wide.max(64.0) + 10.0, high + 26.0);
    let (across, down) = (COLUMNS.min(drawn) as f64, drawn.div_ceil(COLUMNS) as f64);
    let mut sheet = Sheet::new(12.0 + across * step_x, 8.0 + down * step_y);
    for channel in 0..drawn {
        let x = 12.0 + (channel % COLUMNS) as f64 * step_x;
        let y = 22.0 + (channel / COLUMNS) as f64 * step_y;
        let grey = |count: &u64| {
            let level = 255 - (255 * *count / most) as u8;
            Color::Rgb(level, level, level)
        };
        let of_channel = counts.iter().skip(channel).step_by(channels);
        sheet.image((x, y), pixel, columns, of_channel.map(grey));
        sheet.frame((x, y), wide, high);
        let name = format!("channel {channel}");
        sheet.text(&name, (x + wide / 2.0, y - 8.0), 11, TextAnchor::Middle, INK);
    }
    Some(Sketch {
        name: format!("maps-{number}-{k}"),
        section: section_of(shown),
        caption: format!(
            "{}: how often each neuron spiked, {drawn} of {channels} channels; white is never, black is {}.",
            layer.name,
            several(most, "spike"),
        ),
        scene: sheet.scene,
    })
}

/// Weights as small images on one symmetric diverging scale.
fn fields(fields: &Fields) -> Option<Sketch> {
    const COLUMNS: usize = 8;
    // The colour bar: as high as a field, in pixels.
    const BAR: f64 = 84.0;
    const WIDTH: usize = 12;
    let pixels = fields.width.checked_mul(fields.height).filter(|&pixels| pixels > 0)?;
    let complete = fields
        .fields
        .iter()
        .filter(|(_, weights)| weights.len() == pixels && weights.iter().all(|w| w.is_finite()));
    let shown: Vec<&(String, Vec<f32>)> = complete.take(MAX_FIELDS).collect();
    let weights = shown.iter().flat_map(|(_, weights)| weights);
    let largest = f64::from(weights.fold(0.0f32, |most, w| most.max(w.abs())));
    let scale = if largest > 0.0 { largest } else { 1.0 };
    let rows = shown.len().div_ceil(COLUMNS);
    if rows == 0 {
        return None;
    }
    // Red is excitatory, blue inhibitory, pale zero.
    let color = |t: f64| Color::from(ColorMap::RedBlue.map(0.5 - 0.5 * t));
    let pixel = (84 / fields.width.max(fields.height)).max(1) as f64;
    let (wide, high) = (fields.width as f64 * pixel, fields.height as f64 * pixel);
    let (step_x, step_y) = (wide + 10.0, high + 26.0);
    let right = 12.0 + COLUMNS.min(shown.len()) as f64 * step_x;
    let mut sheet = Sheet::new(right + 90.0, 8.0 + (rows as f64 * step_y).max(BAR + 26.0));

    for (i, (label, weights)) in shown.iter().enumerate() {
        let x = 12.0 + (i % COLUMNS) as f64 * step_x;
        let y = 22.0 + (i / COLUMNS) as f64 * step_y;
        let colors = weights.iter().map(|&w| color(f64::from(w) / scale));
        sheet.image((x, y), pixel, fields.width, colors);
        sheet.frame((x, y), wide, high);
        sheet.text(label, (x + wide / 2.0, y - 8.0), 11, TextAnchor::Middle, INK);
    }
    let (x, y) = (right + 10.0, 22.0);
    let row = |i| std::iter::repeat_n(color(1.0 - 2.0 * f64::from(i) / BAR), WIDTH);
    sheet.image((x, y), 1.0, WIDTH, (0..BAR as u32).flat_map(row));
    sheet.frame((x, y), WIDTH as f64, BAR);
    let decimals = (2.0 - scale.log10().floor()).clamp(0.0, 6.0) as usize;
    for (i, weight) in [scale, 0.0, -scale].into_iter().enumerate() {
        let beside = (x + 20.0, y + i as f64 * BAR / 2.0);
        sheet.text(&format!("{weight:.decimals$}"), beside, 11, TextAnchor::Start, INK);
    }
    Some(Sketch {
        name: "fields".into(),
        section: "Receptive fields".into(),
        caption: format!(
            "Incoming weights of {} of {} neurons: red excites, blue inhibits.",
            shown.len(),
            fields.fields.len(),
        ),
        scene: sheet.scene,
    })
}

/// Axes over exactly these ranges.
fn axes(plots: &[Plot], x: (f64, f64), y: (f64, f64)) -> Layout {
    Layout::auto_from_plots(plots)
        .with_x_axis_min(x.0)
        .with_x_axis_max(x.1)
        .with_y_axis_min(y.0)
        .with_y_axis_max(y.1)
        .with_show_grid(false)
        .with_label_size(13)
        .with_tick_size(11)
}

/// Axes over a window of time, aligned with each other when stacked.
fn time_axes(plots: &[Plot], (start, end): (f64, f64), y: (f64, f64)) -> Layout {
    // The little room keeps dots at both ends whole.
    let room = 0.01 * (end - start);
    axes(plots, (start - room, end + room), y).with_force_margins(72.0, 16.0)
}

/// Label of a time axis of this length in ms, and its unit in ms.
fn time_unit(length: f64) -> (&'static str, f64) {
    if length > 10_000.0 { ("time (s)", 1000.0) } else { ("time (ms)", 1.0) }
}

/// Keeps the ticks of a y axis that counts up to `top` off fractions.
fn whole_ticks(layout: Layout, top: f64) -> Layout {
    if top <= 5.0 { layout.with_y_tick_step(1.0) } else { layout }
}

/// Panels in reading order on a grid of rows and columns with the given sizes.
fn grid(
    rows: &[f64],
    columns: &[f64],
    panels: impl IntoIterator<Item = (Vec<Plot>, Layout)>,
) -> Scene {
    let (plots, layouts) = panels.into_iter().unzip();
    let mut figure = kuva::render::figure::Figure::new(rows.len(), columns.len())
        .with_plots(plots)
        .with_layouts(layouts);
    for (i, &height) in rows.iter().enumerate() {
        figure = figure.with_row_height(i, height);
    }
    for (i, &width) in columns.iter().enumerate() {
        figure = figure.with_col_width(i, width);
    }
    figure.render()
}

/// So many of something, in words.
fn several(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A time in ms for a sentence.
fn time(ms: f64) -> String {
    if ms > 10_000.0 {
        format!("{} s", significant(ms / 1000.0))
    } else {
        format!("{} ms", significant(ms))
    }
}

/// A number for a sentence, without digits that say nothing.
fn significant(x: f64) -> String {
    let decimals = (2.0 - x.abs().log10().floor()).clamp(0.0, 3.0) as usize;
    let text = format!("{x:.decimals$}");
    if decimals == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

/// Whether a length can be drawn.
fn is_positive(length: f64) -> bool {
    length.is_finite() && length > 0.0
}

/// Smallest and largest value, at least a little apart.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if low < high {
        (low, high)
    } else if low.is_finite() {
        (low - 0.5, low + 0.5)
    } else {
        (0.0, 1.0)
    }
}

/// Upper end of an axis from 0 whose largest value is `top`.
fn headroom(top: f64) -> f64 {
    if top > 0.0 { 1.1 * top } else { 1.0 }
}

/// White paper to draw cells and words on; units are pixels of the page, y points down.
struct Sheet {
    scene: Scene,
}

impl Sheet {
    fn new(width: f64, height: f64) -> Self {
        Self { scene: Scene::new(width, height) }
    }

    /// A picture of square pixels in rows of `columns`, its upper left corner at `(x, y)`.
    fn image(
        &mut self,
        (x, y): (f64, f64),
        pixel: f64,
        columns: usize,
        colors: impl IntoIterator<Item = Color>,
    ) {
        let fills: Vec<Color> = colors.into_iter().collect();
        let along = |i: usize, start: f64| start + i as f64 * pixel;
        self.scene.add(Primitive::RectBatch {
            x: (0..fills.len()).map(|i| along(i % columns, x)).collect(),
            y: (0..fills.len()).map(|i| along(i / columns, y)).collect(),
            w: vec![pixel; fills.len()],
            h: vec![pixel; fills.len()],
            fills,
        });
    }

    /// A test image, dark on white as on paper.
    fn picture(&mut self, of: &Sample, place: (f64, f64), pixel: f64) {
        let colors = of.pixels.iter().map(|&v| Color::Rgb(255 - v, 255 - v, 255 - v));
        self.image(place, pixel, of.width, colors);
        self.frame(place, of.width as f64 * pixel, of.height as f64 * pixel);
    }

    /// The outline of a rectangle.
    fn frame(&mut self, (x, y): (f64, f64), width: f64, height: f64) {
        self.scene.add(Primitive::Rect {
            x,
            y,
            width,
            height,
            fill: Color::None,
            stroke: Some(Color::from("#999999")),
            stroke_width: Some(0.5),
            opacity: None,
        });
    }

    /// A word, vertically centred on `y`.
    fn text(&mut self, word: &str, (x, y): (f64, f64), size: u32, anchor: TextAnchor, ink: &str) {
        self.scene.add(Primitive::Text {
            x,
            y: y + 0.36 * f64::from(size),
            content: word.to_owned(),
            size,
            anchor,
            rotate: None,
            bold: false,
            color: Some(Color::from(ink)),
        });
    }

    /// A word read upwards, its middle at `(x, y)`.
    fn upward_text(&mut self, word: &str, (x, y): (f64, f64), size: u32) {
        self.scene.add(Primitive::Text {
            x,
            y,
            content: word.to_owned(),
            size,
            anchor: TextAnchor::Middle,
            rotate: Some(-90.0),
            bold: false,
            color: Some(Color::from(INK)),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelope_keeps_short_traces_and_the_extremes_of_long_ones() {
        assert_eq!(envelope(&[1.0, 2.0], 0.5), [(0.5, 1.0), (1.0, 2.0)]);
        let mut long = vec![-70.0f32; 1_000_000];
        long[123_456] = 30.0;
        long[654_321] = -90.0;
        let points = envelope(&long, 1.0);
        assert!(points.len() <= 2 * (MAX_BUCKETS + 1));
        assert!(points.contains(&(123_457.0, 30.0)));
        assert!(points.contains(&(654_322.0, -90.0)));
        assert!(points.is_sorted_by_key(|point| point.0));
    }

    #[test]
    fn numbers_are_short() {
        for (x, text) in
            [(0.1, "0.1"), (1.0, "1"), (12.34, "12.3"), (0.0512, "0.051"), (250.0, "250")]
        {
            assert_eq!(significant(x), text);
        }
        assert_eq!((time(1500.0), time(24_212.0)), ("1500 ms".into(), "24.2 s".into()));
        assert_eq!(
            (several(1, "spike"), several(0, "spike")),
            ("1 spike".into(), "0 spikes".into())
        );
    }

    #[test]
    fn a_range_is_never_empty() {
        assert_eq!(range([2.0, -1.0].into_iter()), (-1.0, 2.0));
        assert_eq!(range([2.0].into_iter()), (1.5, 2.5));
        assert_eq!(range(std::iter::empty()), (0.0, 1.0));
    }
}
