//! Figures of single samples: those that got a wrong answer, and what a network did with those that were asked for.

use super::super::{Layer, Sample, Shown};
use super::activity::raster;
use super::plots::{INK, ORANGE, Sheet, Sketch, grid, is_positive, several, time_unit};
use kuva::render::color::Color;
use kuva::render::render::TextAnchor;

/// At most this many channels of a population are drawn.
const MAX_MAPS: usize = 64;
/// At most this many mistakes are drawn.
const MAX_MISTAKES: usize = 20;

/// Images that were taken for another class, in reading order.
pub(super) fn mistakes(mistakes: &[Sample]) -> Option<Sketch> {
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
pub(super) fn sample(sample: &Sample) -> Option<Sketch> {
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
pub(super) fn shown(number: usize, shown: &Shown) -> Option<Sketch> {
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
pub(super) fn maps([number, k]: [usize; 2], shown: &Shown, layer: &Layer) -> Option<Sketch> {
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
