//! Figures of trainings, of experiments and of sweeps: curves, fits, the way of numbers, confusions.

use super::super::{Attention, Confusion, Course, Epoch, Fit, Response};
use super::MAX_SHOWN;
use super::plots::{
    BLUE, COLORS, GREEN, GREY, INK, ORANGE, Sheet, Sketch, axes, grid, headroom, is_positive, range,
};
use kuva::prelude::*;
use kuva::render::render::TextAnchor;

/// Points of a line up to which each has a dot.
const MAX_DOTS: usize = 60;
/// At most this many lines that belong together are named.
const MAX_NAMES: usize = 12;
/// At most this many numbers are drawn over what was swept.
const MAX_RESPONSES: usize = 6;
/// At most this many neurons that follow a trace are drawn.
const MAX_FITS: usize = 16;

/// Loss and accuracy over the epochs, side by side; a line marks the best epoch. An epoch of a training that is to follow
/// a trace is one update.
pub(super) fn learning(epochs: &[Epoch], best: Option<usize>, follows: bool) -> Option<Sketch> {
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
pub(super) fn sweep(all: &[Response]) -> Option<Sketch> {
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
pub(super) fn curves(runs: &[(String, Vec<Epoch>)]) -> Option<Sketch> {
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
pub(super) fn adaptation(errors: &[f64]) -> Option<Sketch> {
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
pub(super) fn scores(number: usize, attention: &Attention) -> Option<Sketch> {
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
pub(super) fn fit(fit: &Fit) -> Option<Sketch> {
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
pub(super) fn number(number: usize, course: &Course) -> Option<Sketch> {
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

/// Counts per true and predicted class, coloured by their fraction of the true class.
pub(super) fn confusion(confusion: &Confusion) -> Option<Sketch> {
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
