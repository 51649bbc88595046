//! Samples that are shown to a trained network once more, to look into it: `record.samples`.
//!
//! Each is presented by itself, by the program and with the noise of the test set, so it does what it did there. What
//! `record` names goes to `spikes.npz` and `traces.npz`; the report draws what all populations did.

use super::{FileFault, Usage, fault};
use crate::archive::{SPIKES, TRACES};
use crate::data::Split;
use crate::files::{self, Npy, Number};
use crate::network::{Network, Population};
use crate::record::statistics::SpikeStatistics;
use crate::report;
use crate::scene::{self, Record, Scene};
use crate::simulation::FIRST;
use crate::train::{Predictions, Presented, TrainError, Trainer};
use std::path::Path;

/// A sample of the test set, and what the network did.
pub struct Shown {
    /// Its number.
    sample: u32,
    did: Presented,
}

/// Refuses to record what populations do not have.
pub fn check(scene: &Scene, network: &Network) -> Result<(), Usage> {
    let record = &scene.record;
    if record.samples.is_empty() {
        return Ok(());
    }
    let refused = |path: String, why: String| Err(Usage(format!("{path}: {why}")));
    for (k, name) in record.spikes.iter().enumerate() {
        if !population(network, name).is_some_and(|(_, population)| population.spikes()) {
            let why = format!("`{name}` sends values, not spikes; leave it out");
            return refused(format!("record.spikes.{k}"), why);
        }
    }
    for (k, trace) in record.traces.iter().enumerate() {
        let keeps = |found: (usize, &Population)| found.1.on_tape;
        if !population(network, &trace.population).is_some_and(keeps) {
            let why = format!(
                "a training keeps the potential of `Readout`, and of `Lif` with one current, no stimuli and no `train`; \
                 `{}` is neither. Leave it out",
                trace.population
            );
            return refused(format!("record.traces.{k}.population"), why);
        }
    }
    Ok(())
}

/// Refuses samples beyond the test set.
pub fn within(record: &Record, test: &Split) -> Result<(), Usage> {
    let count = test.len() as u64;
    match record.samples.iter().enumerate().find(|(_, sample)| **sample >= count) {
        None => Ok(()),
        Some((k, sample)) => Err(Usage(format!(
            "record.samples.{k}: there is no sample {sample} among the {count} of the test set, they are counted from 0"
        ))),
    }
}

/// Shows the samples.
pub fn show(trainer: &mut Trainer<'_>, record: &Record) -> Result<Vec<Shown>, TrainError> {
    let samples = record.samples.iter().map(|sample| *sample as u32);
    samples.map(|sample| Ok(Shown { sample, did: trainer.present(sample)? })).collect()
}

/// Writes spikes, and potentials as samples × steps × neurons, of the populations that are recorded; nothing where no
/// sample was shown.
pub fn write(
    folder: &Path,
    network: &Network,
    record: &Record,
    shown: &[Shown],
) -> Result<(), FileFault> {
    if shown.is_empty() {
        return Ok(());
    }
    for (name, arrays) in
        [(SPIKES, spikes(network, record, shown)), (TRACES, traces(network, record, shown))]
    {
        if !arrays.is_empty() {
            let path = folder.join(name);
            files::write_npz(&path, &arrays).map_err(|source| fault(&path, source))?;
        }
    }
    Ok(())
}

/// An array that has its elements.
fn array<T: Number + 'static>(name: String, shape: &[usize], elements: Vec<T>) -> Npy<'static> {
    let shape: Vec<u64> = shape.iter().map(|n| *n as u64).collect();
    Npy::new::<T>(name, &shape, move |writer| {
        elements.iter().try_for_each(|x| writer.write_all(x.bytes().as_ref()))
    })
}

fn spikes(network: &Network, record: &Record, shown: &[Shown]) -> Vec<Npy<'static>> {
    let mut arrays = Vec::new();
    for (k, Population { name, .. }) in network.populations.iter().enumerate() {
        if !record.spikes.contains(name) {
            continue;
        }
        let (mut samples, mut t_ms, mut ids) = (Vec::new(), Vec::new(), Vec::new());
        for Shown { sample, did } in shown {
            for (step, id) in &did.spikes[k] {
                samples.push(*sample);
                t_ms.push(f64::from(step + 1) * network.dt);
                ids.push(*id);
            }
        }
        let count = [ids.len()];
        arrays.push(array(format!("{name}.sample"), &count, samples));
        arrays.push(array(format!("{name}.t_ms"), &count, t_ms));
        arrays.push(array(format!("{name}.id"), &count, ids));
    }
    arrays
}

/// Potentials beside the samples that they are of, and their times: once if all are the same, else for each population.
fn traces(network: &Network, record: &Record, shown: &[Shown]) -> Vec<Npy<'static>> {
    let every = |trace: &scene::Trace| {
        trace.every.map_or(1, |every| (every.get() / network.dt).round().max(1.0) as usize)
    };
    let mut intervals: Vec<usize> = record.traces.iter().map(every).collect();
    intervals.dedup();
    let mut arrays: Vec<Npy<'static>> = Vec::new();
    for trace in &record.traces {
        let Some((k, population)) = population(network, &trace.population) else { continue };
        let size = population.size as u64;
        let ids = trace.ids.clone().unwrap_or_else(|| (0..size.min(FIRST)).collect());
        let (every, mut steps) = (every(trace), 0);
        let mut values: Vec<f32> = Vec::new();
        for Shown { did, .. } in shown {
            let of = |id: &u64| did.potential(k, population, *id as usize);
            let potentials: Vec<Vec<f32>> = ids.iter().map(of).collect();
            // A neuron after the other becomes a step after the other.
            steps = did.tapes[k].len() / population.size / every;
            let at = (1..=steps).map(|sample| sample * every - 1);
            at.for_each(|step| values.extend(potentials.iter().map(|v| v[step])));
        }
        let times = match intervals.len() {
            1 => "t_ms".to_owned(),
            _ => format!("{}.t_ms", population.name),
        };
        if arrays.iter().all(|array| array.name() != times) {
            let time = |sample: usize| (sample * every) as f64 * network.dt;
            arrays.push(array(times, &[steps], (1..=steps).map(time).collect::<Vec<f64>>()));
        }
        let shape = [shown.len(), steps, ids.len()];
        arrays.push(array(format!("{}.v", population.name), &shape, values));
    }
    if !arrays.is_empty() {
        let samples: Vec<u32> = shown.iter().map(|shown| shown.sample).collect();
        arrays.push(array("sample".to_owned(), &[shown.len()], samples));
    }
    arrays
}

/// What a report draws of the samples.
pub fn pictures(
    scene: &Scene,
    network: &Network,
    shown: &[Shown],
    predictions: &Predictions,
    test: &Split,
) -> Vec<report::Shown> {
    let picture = |Shown { sample, did }: &Shown| {
        let at = *sample as usize;
        let known = !test.labels.is_empty();
        let class = known.then(|| test.class_of(at)).flatten();
        let told = class.zip(predictions.predicted.get(at));
        let populations = network.populations.iter().zip(&scene.populations).zip(&did.spikes);
        let spiking = populations.filter(|((population, _), _)| population.spikes());
        let activity = spiking.map(|((population, (_, given)), spikes)| {
            let mut statistics = SpikeStatistics::new(population.size, network.dt);
            spikes.iter().for_each(|(step, id)| statistics.add(u64::from(*step), *id));
            report::Layer {
                name: population.name.clone(),
                shape: given.layer(),
                spikes: statistics,
            }
        });
        report::Shown {
            sample: *sample,
            verdict: told.map(|(label, answer)| (usize::from(label), *answer as usize)),
            steps: scene.training.as_ref().map_or(0, |training| training.steps),
            layers: activity.collect(),
        }
    };
    shown.iter().map(picture).collect()
}

fn population<'n>(network: &'n Network, name: &str) -> Option<(usize, &'n Population)> {
    network.populations.iter().enumerate().find(|(_, population)| population.name == name)
}
