//! The figures of a report, as PNG images.
//!
//! This module alone knows the plotting library. Curves, rasters and histograms are its
//! plots, put into grids of panels; matrices and images are drawn cell by cell on a sheet (`plots`).
//! Everything is rasterised at twice its size on the page, with the fonts of the library, so that a
//! figure looks the same everywhere and a raster of thousands of spikes stays small.

mod activity;
mod plots;
mod samples;
mod synapses;
mod training;

use super::{Report, ReportError};
use activity::{distributions, response, spikes_over_time, traces};
use plots::Sketch;
use samples::{maps, mistakes, sample, shown};
use synapses::{fields, synapses, weight_histograms, window};
use training::{adaptation, confusion, curves, fit, learning, number, scores, sweep};

/// At most this many samples that were shown once more are drawn.
const MAX_SHOWN: usize = 8;
/// At most this many projections have their synapses drawn.
const MAX_PROJECTIONS: usize = 12;

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
