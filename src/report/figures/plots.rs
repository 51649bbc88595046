//! What figures are put together from: axes, grids of panels, histograms, texts of numbers, and the [`Sheet`].

use super::super::{ReportError, Sample, is_figure};
use super::Figure;
use kuva::backend::raster::RasterBackend;
use kuva::prelude::*;
use kuva::render::color::Color;
use kuva::render::render::{Primitive, Scene, TextAnchor};

pub(super) const BLUE: &str = "#0072b2";
pub(super) const ORANGE: &str = "#d55e00";
pub(super) const GREEN: &str = "#009e73";
pub(super) const GREY: &str = "#777777";
pub(super) const INK: &str = "#222222";
/// Colours of lines that belong together (Okabe & Ito 2008), in turn.
pub(super) const COLORS: [&str; 6] = [BLUE, ORANGE, GREEN, "#cc79a7", "#56b4e9", "#e69f00"];
/// Bars of a histogram, at most.
pub(super) const BARS: usize = 32;

/// A figure before it becomes an image.
pub(super) struct Sketch {
    pub(super) name: String,
    pub(super) section: String,
    pub(super) caption: String,
    pub(super) scene: Scene,
}

impl Sketch {
    pub(super) fn finish(self) -> Result<Figure, ReportError> {
        let file = format!("{}.png", self.name);
        debug_assert!(is_figure(&file), "{file} has no kind");
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

/// Bars between edges.
pub(super) fn histogram(
    edges: Vec<f64>,
    heights: Vec<f64>,
    range: (f64, f64),
) -> (Vec<Plot>, Layout) {
    let top = heights.iter().copied().fold(0.0, f64::max);
    let plots = vec![Histogram::from_bins(edges, heights).with_color(BLUE).into()];
    let mut layout =
        axes(&plots, range, (0.0, headroom(top))).with_ticks(4).with_force_margins(72.0, 16.0);
    layout.x_bin_width = None; // Round ticks instead of the edges of bins.
    (plots, layout)
}

/// Axes over exactly these ranges.
pub(super) fn axes(plots: &[Plot], x: (f64, f64), y: (f64, f64)) -> Layout {
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
pub(super) fn time_axes(plots: &[Plot], (start, end): (f64, f64), y: (f64, f64)) -> Layout {
    // The little room keeps dots at both ends whole.
    let room = 0.01 * (end - start);
    axes(plots, (start - room, end + room), y).with_force_margins(72.0, 16.0)
}

/// Label of a time axis of this length in ms, and its unit in ms.
pub(super) fn time_unit(length: f64) -> (&'static str, f64) {
    if length > 10_000.0 { ("time (s)", 1000.0) } else { ("time (ms)", 1.0) }
}

/// Keeps the ticks of a y axis that counts up to `top` off fractions.
pub(super) fn whole_ticks(layout: Layout, top: f64) -> Layout {
    if top <= 5.0 { layout.with_y_tick_step(1.0) } else { layout }
}

/// Panels in reading order on a grid of rows and columns with the given sizes.
pub(super) fn grid(
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
pub(super) fn several(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A time in ms for a sentence.
pub(super) fn time(ms: f64) -> String {
    if ms > 10_000.0 {
        format!("{} s", significant(ms / 1000.0))
    } else {
        format!("{} ms", significant(ms))
    }
}

/// A number for a sentence, without digits that say nothing.
pub(super) fn significant(x: f64) -> String {
    let decimals = (2.0 - x.abs().log10().floor()).clamp(0.0, 3.0) as usize;
    let text = format!("{x:.decimals$}");
    if decimals == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

/// Whether a length can be drawn.
pub(super) fn is_positive(length: f64) -> bool {
    length.is_finite() && length > 0.0
}

/// Smallest and largest value, at least a little apart.
pub(super) fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
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
pub(super) fn headroom(top: f64) -> f64 {
    if top > 0.0 { 1.1 * top } else { 1.0 }
}

/// White paper to draw cells and words on; units are pixels of the page, y points down.
pub(super) struct Sheet {
    pub(super) scene: Scene,
}

impl Sheet {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { scene: Scene::new(width, height) }
    }

    /// A picture of square pixels in rows of `columns`, its upper left corner at `(x, y)`.
    pub(super) fn image(
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
    pub(super) fn picture(&mut self, of: &Sample, place: (f64, f64), pixel: f64) {
        let colors = of.pixels.iter().map(|&v| Color::Rgb(255 - v, 255 - v, 255 - v));
        self.image(place, pixel, of.width, colors);
        self.frame(place, of.width as f64 * pixel, of.height as f64 * pixel);
    }

    /// The outline of a rectangle.
    pub(super) fn frame(&mut self, (x, y): (f64, f64), width: f64, height: f64) {
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
    pub(super) fn text(
        &mut self,
        word: &str,
        (x, y): (f64, f64),
        size: u32,
        anchor: TextAnchor,
        ink: &str,
    ) {
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
    pub(super) fn upward_text(&mut self, word: &str, (x, y): (f64, f64), size: u32) {
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
