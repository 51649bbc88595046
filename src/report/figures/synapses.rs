//! Figures of projections: windows of plasticity, distributions of weights and delays, receptive fields.

use super::super::{Distribution, Fields, Synapses, Weights, Window};
use super::plots::{
    BLUE, GREY, INK, Sheet, Sketch, axes, grid, histogram, is_positive, range, time,
};
use kuva::prelude::*;
use kuva::render::color::Color;
use kuva::render::render::{Scene, TextAnchor};

/// At most this many receptive fields are drawn.
const MAX_FIELDS: usize = 64;

/// The change by a pair of spikes over the interval between them.
pub(super) fn window(number: usize, of: &Window) -> Option<Sketch> {
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
pub(super) fn weight_histograms(number: usize, of: &Weights) -> Option<Sketch> {
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
pub(super) fn synapses(number: usize, of: &Synapses) -> Option<Sketch> {
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

/// Weights as small images on one symmetric diverging scale.
pub(super) fn fields(fields: &Fields) -> Option<Sketch> {
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
