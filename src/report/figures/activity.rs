//! Figures of what neurons did: rasters, rates, distributions, responses, traces.

use super::super::{Activity, Trace, Traces};
use super::plots::{
    BARS, BLUE, GREY, INK, ORANGE, Sketch, axes, grid, headroom, histogram, is_positive, range,
    several, significant, time, time_axes, time_unit, whole_ticks,
};
use crate::neuron::model::LaidOut;
use crate::record::statistics::SpikeStatistics;
use kuva::prelude::*;
use std::sync::Arc;

/// Bins of the rate over time, at most: each is two to four pixels wide.
const RATE_BINS: u64 = 400;
/// At most this many neurons are drawn per recorded variable.
const MAX_TRACES: usize = 6;
/// A trace longer than twice this many samples is reduced to its envelope.
const MAX_BUCKETS: usize = 2_000;

/// Spike raster and population rate, one above the other.
pub(super) fn spikes_over_time(
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
pub(super) fn raster(spikes: &SpikeStatistics, window: (f64, f64)) -> (Vec<Plot>, Layout) {
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
pub(super) fn distributions(
    number: usize,
    activity: &Activity,
    spikes: &SpikeStatistics,
) -> Option<Sketch> {
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
pub(super) fn response(
    number: usize,
    activity: &Activity,
    spikes: &SpikeStatistics,
) -> Option<Sketch> {
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

/// A recorded variable, one panel per neuron, with threshold and spikes.
pub(super) fn traces(number: usize, k: usize, activity: &Activity, of: &Traces) -> Option<Sketch> {
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
}
