//! Puts together what the report shows.

use crate::checkpoint::Start;
use crate::data::Dataset;
use crate::data::traces::Traces as Wanted;
use crate::network::numbers::Number;
use crate::network::{Kind, Network, Population, Projection, Synapses};
use crate::neuron::model::at;
use crate::plan::Recorded;
use crate::plasticity::Rule;
use crate::record::statistics::SpikeStatistics;
use crate::report::{
    self, Activity, Confusion, Course, Distribution, Epoch, Fields, Report, Sample, Trace, Traces,
    Weights, Window,
};
use crate::scene::Images;
use crate::simulation::{self, Recording};
use crate::summary::Summary;
use crate::synapse::convolution::Convolution;
use crate::train::{self, Learner, Predictions, Presented, Samples, Tested, TrainError, Trainer};
use crate::words::{bytes, grouped};
use std::borrow::Cow;

/// Neurons whose potential is drawn.
const TRACED: usize = 5;

/// Points of each half of a learning window.
const WINDOW: usize = 100;

/// Receptive fields that are drawn.
const FIELDS: usize = 64;

/// The report of a training: curves, confusion matrix, mistakes, one test digit, receptive fields.
pub fn training<'a>(
    description: &'a str,
    network: &Network,
    trainer: &mut Trainer<'_>,
    predictions: &Predictions,
    samples: Samples<'_>,
    summary: &'a Summary,
    warnings: &[String],
) -> Result<Report<'a>, TrainError> {
    let data = match samples {
        Samples::Labelled(data) => data,
        Samples::Driven(traces) => {
            return followed(description, network, trainer, traces, summary, warnings);
        }
    };
    let shown = trainer.present(0)?;
    let mut activity = Vec::new();
    for (k, population) in network.populations.iter().enumerate() {
        let (spikes, n) = (&shown.spikes[k], population.size);
        let mut statistics = SpikeStatistics::new(n, network.dt);
        let mut neurons: Vec<usize> = (0..n).collect();
        // The busiest neurons say more than the first.
        let mut count = vec![0u32; n];
        spikes.iter().for_each(|(_, id)| count[*id as usize] += 1);
        neurons.sort_by_key(|id| std::cmp::Reverse(count[*id]));
        neurons.truncate(if shown.tapes[k].is_empty() { 0 } else { TRACED });
        neurons.iter().for_each(|id| statistics.trace(*id as u32));
        spikes.iter().for_each(|(step, id)| statistics.add(u64::from(*step), *id));
        let traces = neurons.into_iter().map(|id| Trace {
            neuron: id as u32,
            label: format!("neuron {id}"),
            values: shown.potential(k, population, id),
        });
        activity.push(Activity {
            name: population.name.clone(),
            steps: summary.steps,
            spikes: population.spikes().then_some(Cow::Owned(statistics)),
            laid_out: Vec::new(),
            traces: vec![Traces {
                variable: "potential".to_owned(),
                noun: "neuron",
                unit: Some("mV".to_owned()),
                every_ms: network.dt,
                threshold: threshold(population),
                neurons: traces.collect(),
            }],
        });
    }
    let weights = trainer.natural_weights(false)?;
    let synapses = synapses(network, &weights);
    let fields = fields(network, weights, data);
    let attention = predictions.scores.iter().map(|(name, scores)| {
        let frames = (scores.len() / predictions.samples().max(1)).max(1);
        let samples = scores.chunks(frames).map(<[f32]>::to_vec).collect();
        report::Attention { name: name.clone(), samples }
    });
    Ok(Report {
        activity,
        synapses,
        fields,
        attention: attention.collect(),
        mistakes: predictions
            .mistakes(&data.test)
            .into_iter()
            .filter_map(|k| {
                sample(data, k / predictions.answers, predictions.predicted[k] as usize)
            })
            .collect(),
        ..trained(
            description,
            &trainer.progress.epochs,
            (predictions.classes, predictions.confusion(&data.test)),
            data,
            shown.predicted,
            summary,
            warnings,
        )
    })
}

/// The report of a training that was to make potentials follow traces.
fn followed<'a>(
    description: &'a str,
    network: &Network,
    trainer: &mut Trainer<'_>,
    wanted: &Wanted,
    summary: &'a Summary,
    warnings: &[String],
) -> Result<Report<'a>, TrainError> {
    let [after, before] = trainer.present_both()?;
    let watched = after.potentials.iter().position(|potentials| !potentials.is_empty());
    let columns = |values: Vec<f32>, n: usize| -> Vec<Vec<f32>> {
        (0..n).map(|k| values.iter().skip(k).step_by(n).copied().collect()).collect()
    };
    let single = wanted.values.iter().map(|v| *v as f32).collect();
    let fit = watched.map(|k| {
        let Population { name, size, .. } = &network.populations[k];
        report::Fit {
            name: name.clone(),
            every_ms: network.dt,
            wanted: columns(single, wanted.columns),
            before: columns(before.potentials[k].clone(), *size),
            after: columns(after.potentials[k].clone(), *size),
        }
    });
    let epochs = &trainer.progress.epochs;
    let numbers = network.populations.iter().flat_map(|population| {
        let each = population.numbers.iter().flat_map(|numbers| &numbers.each);
        each.map(move |number| (format!("{}.{}", population.name, number.name), number))
    });
    let course = |(name, number): (String, &Number)| {
        let of_epochs = epochs.iter().filter_map(|epoch| epoch.numbers.get(&name));
        let of = |values: &[f64], k: usize| values.get(k).copied().unwrap_or(f64::NAN);
        let count = of_epochs.clone().next().map_or(0, Vec::len);
        let neurons = (0..count)
            .map(|k| {
                std::iter::once(of(&number.start, k))
                    .chain(of_epochs.clone().map(|values| of(values, k)))
                    .collect()
            })
            .collect();
        Course { name, neurons }
    };
    Ok(Report {
        title: &summary.scene,
        description: description.to_owned(),
        facts: facts(summary),
        epochs: epochs.iter().map(epoch).collect(),
        best_epoch: summary.training.as_ref().map(|t| t.best_epoch as usize),
        fit,
        follows: true,
        courses: numbers.map(course).collect(),
        activity: spikes_only(network, &after, summary.steps),
        synapses: synapses(network, &trainer.natural_weights(false)?),
        warnings: warnings.to_vec(),
        ..Report::default()
    })
}

/// Spikes of all populations while something was presented, for so many steps.
fn spikes_only(network: &Network, shown: &Presented, steps: u64) -> Vec<Activity<'static>> {
    let activity = |(population, spikes): (&Population, &Vec<(u32, u32)>)| {
        let mut statistics = SpikeStatistics::new(population.size, network.dt);
        spikes.iter().for_each(|(step, id)| statistics.add(u64::from(*step), *id));
        Activity {
            name: population.name.clone(),
            steps,
            spikes: population.spikes().then_some(Cow::Owned(statistics)),
            laid_out: Vec::new(),
            traces: Vec::new(),
        }
    };
    network.populations.iter().zip(&shown.spikes).map(activity).collect()
}

/// An epoch as a report has it.
pub fn epoch(e: &train::Epoch) -> Epoch {
    Epoch {
        epoch: e.epoch as usize,
        loss: e.loss,
        train_accuracy: e.train_accuracy,
        validation_loss: e.validation_loss,
        validation_accuracy: e.validation_accuracy,
        test_loss: e.test_loss,
        test_accuracy: e.test_accuracy,
    }
}

/// The report of a training whose synapses learn by themselves.
pub fn learning<'a>(
    description: &'a str,
    network: &Network,
    learner: &mut Learner<'_>,
    data: &Dataset,
    summary: &'a Summary,
    warnings: &[String],
) -> Result<Report<'a>, TrainError> {
    let shown = learner.present(0)?;
    let weights = learner.weights()?;
    let synapses = synapses(network, &weights);
    let fields = fields(network, weights, data);
    let confusion = (learner.classes(), learner.confusion.clone());
    Ok(Report {
        activity: spikes_only(network, &shown, summary.steps),
        windows: windows(network),
        synapses,
        fields,
        ..trained(
            description,
            &learner.progress.epochs,
            confusion,
            data,
            shown.predicted,
            summary,
            warnings,
        )
    })
}

/// What the reports of all trainings show.
fn trained<'a>(
    description: &'a str,
    epochs: &[train::Epoch],
    (classes, counts): (usize, Vec<u64>),
    data: &Dataset,
    predicted: usize,
    summary: &'a Summary,
    warnings: &[String],
) -> Report<'a> {
    Report {
        title: &summary.scene,
        description: description.to_owned(),
        facts: facts(summary),
        epochs: epochs.iter().map(epoch).collect(),
        best_epoch: summary.training.as_ref().map(|t| t.best_epoch as usize),
        confusion: Some(Confusion { classes, counts }),
        sample: sample(data, 0, predicted),
        adaptation: adaptation(summary),
        warnings: warnings.to_vec(),
        ..Report::default()
    }
}

/// A test image and what it was taken for, if its class is known and one for the whole.
fn sample(data: &Dataset, k: usize, predicted: usize) -> Option<Sample> {
    let test = &data.test;
    let label = usize::from(test.class_of(k)?);
    let (width, height, pixels) = (test.cols, test.rows, test.image(k).to_vec());
    Some(Sample { width, height, pixels, label, predicted })
}

/// Weights from the images to the first neurons behind them, or to the first channels that a convolution makes of them; of
/// named weights in natural order.
fn fields(network: &Network, weights: Vec<(String, Vec<f32>)>, data: &Dataset) -> Option<Fields> {
    let projection = network.projections.iter().find(|p| {
        let drawn = matches!(p.synapses, Synapses::Dense { .. } | Synapses::Convolution { .. });
        drawn && matches!(network.populations[p.from].kind, Kind::Images(_))
    })?;
    let targets = network.populations[projection.to].size;
    let (_, weights) = weights.into_iter().find(|(name, _)| *name == projection.name)?;
    if let Synapses::Convolution { convolution, .. } = &projection.synapses {
        return Some(kernels(convolution, &weights));
    }
    let fields = (0..targets.min(FIELDS)).map(|j| {
        let field = weights.iter().skip(j).step_by(targets).copied().collect();
        (format!("neuron {j}"), field)
    });
    // Of several frames those of one, whose rows are a part of the image's; of several sources of a pixel, those of each
    // in a row.
    let (sources, source) = (network.populations[projection.from].size, projection.from);
    let height = match &network.populations[source].kind {
        Kind::Images(images) if images.fields() > 1 => sources / images.fields() as usize,
        Kind::Images(Images { part: Some(part), .. }) => {
            part.of([data.test.rows, data.test.cols])?[0].len()
        }
        _ => (data.test.rows * sources / network.pixels()).max(1),
    };
    let width = sources / height;
    Some(Fields { width, height, fields: fields.collect() })
}

/// Kernels of the first channels that a convolution makes, each by the first channel of its sources.
fn kernels(convolution: &Convolution, weights: &[f32]) -> Fields {
    let [height, width] = convolution.kernel;
    let kernels = weights.chunks(convolution.fan_in()).take(FIELDS).enumerate();
    let field =
        |(c, kernel): (usize, &[f32])| (format!("channel {c}"), kernel[..height * width].to_vec());
    Fields { width, height, fields: kernels.map(field).collect() }
}

/// Kernels of the first projection of a simulation that shares weights and learns, of named weights in natural order.
pub fn learned_kernels(network: &Network, weights: &[(String, Vec<f32>)]) -> Option<Fields> {
    network.projections.iter().find_map(|p| {
        let Synapses::Convolution { convolution, .. } = &p.synapses else { return None };
        let (_, weights) = weights.iter().find(|(name, _)| *name == p.name)?;
        Some(kernels(convolution, weights))
    })
}

/// How weights and delays of synapses are distributed, where they differ: weights as they were drawn and, of those that a
/// training changed, as they are after it; learned delays are of sources or of synapses. A simulation tells of those that it
/// changes by itself.
fn synapses(network: &Network, after: &[(String, Vec<f32>)]) -> Vec<report::Synapses> {
    let of = |p: &Projection| {
        let start = p.synapses.weights();
        // What is frozen was learned by another run.
        let end = after.iter().find(|(name, _)| *name == p.name && !p.frozen);
        let end = end.map_or(&[][..], |(_, end)| end);
        let (start, end) = (start.iter().copied(), end.iter().map(|w| f64::from(*w)));
        let low = start.clone().chain(end.clone()).fold(f64::INFINITY, f64::min);
        let high = start.clone().chain(end.clone()).fold(f64::NEG_INFINITY, f64::max);
        let bounds = [low, high];
        let mut numbers = Vec::new();
        if high > low && end.len() > 0 {
            numbers.push(Distribution::of_weights("weight at the start", start, bounds));
            numbers.push(Distribution::of_weights("weight at the end", end, bounds));
        } else if high > low && p.rule.is_none() {
            numbers.push(Distribution::of_weights("weight", start, bounds));
        }
        numbers.extend(Distribution::of_delays(p.synapses.delays(), network.dt));
        let learned = after.iter().find(|(name, _)| *name == format!("{}.delay", p.name));
        if let (Some(delays), Some((_, end))) = (&p.delays, learned) {
            let bounds = [0.0, delays.most as f64 * network.dt];
            let start = delays.start.iter().map(|steps| steps * network.dt);
            let of = |label: &str, delays: &mut dyn ExactSizeIterator<Item = f64>| Distribution {
                of: "sources",
                ..Distribution::of_weights(label, delays, bounds)
            };
            numbers.push(of("delay at the start (ms)", &mut start.into_iter()));
            numbers.push(of("learned delay (ms)", &mut end.iter().map(|ms| f64::from(*ms))));
        }
        report::Synapses { name: p.name.clone(), numbers }
    };
    network.projections.iter().map(of).filter(|of| !of.numbers.is_empty()).collect()
}

/// Learning windows of the projections whose rules have one.
fn windows(network: &Network) -> Vec<Window> {
    let learning = network.projections.iter().filter_map(|p| Some((p, p.rule.as_ref()?)));
    let window = |(p, rule): (&Projection, &Rule)| {
        let reach = 5.0 * f64::max(rule.x[0].tau, rule.y[0].tau);
        let halves = (1..=WINDOW).map(|k| reach * k as f64 / WINDOW as f64);
        let intervals = halves.clone().rev().map(|t| -t).chain(halves);
        let points = intervals.map(|t| Some((t, rule.window(t)?))).collect::<Option<_>>()?;
        Some(Window { name: p.name.clone(), marks: rule.eligibility.is_some(), points })
    };
    learning.filter_map(window).collect()
}

/// The report of a simulation: activity of each population.
pub fn simulation<'a>(
    description: &'a str,
    network: &Network,
    recording: &'a Recording,
    (weights, fields): (Vec<Weights>, Option<Fields>),
    summary: &'a Summary,
    warnings: &[String],
) -> Report<'a> {
    let traces_of = |trace: &simulation::Trace| {
        let noun = match trace.what {
            Recorded::State { .. } => "neuron",
            Recorded::Weights { .. } => "synapse",
            Recorded::Concentrations => "modulator",
        };
        let neuron = |(column, id): (usize, &u64)| Trace {
            neuron: *id as u32,
            label: match trace.what {
                Recorded::Concentrations => network.modulators[*id as usize].name.clone(),
                _ => format!("{noun} {id}"),
            },
            values: trace.excerpts.get(column).map_or_else(Vec::new, |e| e.values().to_vec()),
        };
        let neurons = trace.ids.iter().enumerate().map(neuron).collect();
        // All excerpts have seen as many samples.
        let stride = trace.excerpts.first().map_or(1, |excerpt| excerpt.stride() as u64);
        let variable = &trace.variable;
        let name = if variable.potential { "potential" } else { &variable.name };
        Traces {
            variable: name.to_owned(),
            noun,
            unit: (!variable.unit.is_empty()).then(|| variable.unit.to_owned()),
            every_ms: (trace.every * stride) as f64 * network.dt,
            threshold: None,
            neurons,
        }
    };
    let populations = network.populations.iter().zip(&recording.populations).enumerate();
    let populations = populations.map(|(k, (population, activity))| {
        let recorded = recording.traces.iter().filter(|trace| trace.population() == Some(k));
        Activity {
            name: population.name.clone(),
            steps: recording.steps,
            spikes: population.spikes().then_some(Cow::Borrowed(&activity.statistics)),
            laid_out: population.laid_out.clone(),
            traces: recorded.map(traces_of).collect(),
        }
    });
    // What learns, and what makes it learn, on pages of their own.
    let others = recording.traces.iter().filter(|trace| trace.population().is_none());
    let others = others.map(|trace| Activity {
        name: trace.owner(network).to_owned(),
        steps: recording.steps,
        spikes: None,
        laid_out: Vec::new(),
        traces: vec![traces_of(trace)],
    });
    let activity = populations.chain(others);
    Report {
        title: &summary.scene,
        description: description.to_owned(),
        facts: facts(summary),
        activity: activity.collect(),
        windows: windows(network),
        weights,
        fields,
        synapses: synapses(network, &[]),
        warnings: warnings.to_vec(),
        ..report::Report::default()
    }
}

/// The report of a finished run, of what its summary tells and of the figures that it has.
pub fn again(
    description: String,
    summary: &Summary,
    figures: Vec<(String, Vec<u8>)>,
) -> Report<'_> {
    let training = summary.training.as_ref();
    let confusion = training.map(|training| &training.confusion).filter(|rows| !rows.is_empty());
    Report {
        title: &summary.scene,
        description,
        facts: facts(summary),
        epochs: training.map_or_else(Vec::new, |t| t.epochs.iter().map(epoch).collect()),
        best_epoch: training.map(|t| t.best_epoch as usize),
        confusion: confusion
            .map(|rows| Confusion { classes: rows.len(), counts: rows.concat() })
            .filter(|confusion| confusion.counts.len() == confusion.classes.pow(2)),
        follows: training.is_some_and(|training| training.fit.is_some()),
        adaptation: adaptation(summary),
        figures,
        ..Report::default()
    }
}

/// Errors of held-out tasks by the steps within them.
fn adaptation(summary: &Summary) -> Vec<f64> {
    let errors = summary.training.iter().flat_map(|training| &training.adaptation);
    errors.map(|(_, mse)| *mse).collect()
}

/// Threshold at rest, if all neurons share it \[mV\].
fn threshold(population: &Population) -> Option<f64> {
    let Kind::Stepped(neurons) = &population.kind else { return None };
    let iaf = neurons.on_tape()?;
    let of = |id: usize| Some(at(&iaf.cells, id).v_th + population.rest(id)?);
    (1..population.size).all(|id| of(id) == of(0)).then(|| of(0))?
}

fn facts(s: &Summary) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut fact = |name: &str, value: String| facts.push((name.to_owned(), value));
    if let Some(t) = &s.training {
        if let (Some(last), Some(best)) = (t.test_accuracy, t.best_test_accuracy) {
            fact("test accuracy", format!("{:.2} %", 100.0 * last));
            fact("best test accuracy", format!("{:.2} %", 100.0 * best));
        }
        if let Some(accuracy) = t.validation_accuracy {
            fact("validation accuracy", format!("{:.2} %", 100.0 * accuracy));
        }
        if let Some(nmse) = t.nmse {
            fact("normalised squared error", format!("{nmse:.4}"));
        }
        for (name, Tested { accuracy, loss }) in &t.tests {
            let text = match accuracy {
                Some(accuracy) => format!("{:.2} %", 100.0 * accuracy),
                None => format!("loss {loss:.4}"),
            };
            fact(&format!("test “{name}”"), text);
        }
        if let Some(small) = t.small_weights {
            fact("weights below a thousandth of their unit", format!("{:.1} %", 100.0 * small));
        }
        for (steps, (_, mse)) in t.adaptation.iter().enumerate().filter(|(k, _)| k % 5 == 0) {
            fact(&format!("squared error of new tasks after {steps} steps"), format!("{mse:.4}"));
        }
        fact("best epoch", format!("{} of {}", t.best_epoch, t.epochs.len()));
        if let Some(why) = &t.stopped {
            fact("stopped", why.clone());
        }
        if let Some(fit) = &t.fit {
            fact("neurons that follow a trace", grouped(fit.starts));
            let of = [fit.best_mse, fit.median_mse, fit.worst_mse];
            let [best, median, worst] = of.map(|mse| format!("{mse:.3e}"));
            let text = format!("best {best}, median {median}, worst {worst} mV²");
            fact("mean squared difference", text);
        }
        fact("trained parameters", grouped(t.parameters));
        if let Some(last) = t.epochs.last() {
            fact("training speed", format!("{:.0} samples/s", last.train_samples_per_s));
        }
    }
    if let Some(factor) = s.real_time_factor {
        fact("wall time per biological second", format!("{factor:.3} s"));
    }
    fact("wall time", format!("{:.1} s", s.wall_s));
    fact("neurons", grouped(s.neurons));
    fact("synapses", grouped(s.synapses));
    fact("time step", format!("{} ms, {} steps", s.dt_ms, grouped(s.steps)));
    fact("seed", s.seed.to_string());
    for (name, value) in &s.measures {
        fact(name, format!("{value:.4}"));
    }
    fact("engine", format!("{} on {} ({})", s.engine, s.adapter, s.driver));
    fact("memory on the device", bytes(s.bytes_device));
    fact("version", s.version.clone());
    facts.extend(started(&s.start));
    facts
}

/// How a run was started, so far as it is known.
pub fn started(start: &Start) -> impl Iterator<Item = (String, String)> {
    let Start { command, overrides, started } = start;
    let facts = [("started", started), ("command", command), ("overrides", &overrides.join(", "))];
    let known = facts.into_iter().filter(|(_, value)| !value.is_empty());
    known.map(|(name, value)| (name.to_owned(), value.clone())).collect::<Vec<_>>().into_iter()
}
