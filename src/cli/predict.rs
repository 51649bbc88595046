//! `predict`, and `predictions.npz`: what a trained network answers to a test set.
//!
//! The network is that of the scene in the run folder, with what its newest checkpoint has: what was best, or with
//! `--last` what was learned by then. A folder without checkpoints has its best weights in a file, with which the
//! network begins (`initial`). Test sets run as after an epoch: the same program, batches and noise. What the scene
//! records of some samples is written of these too.

use super::folder::{BEST, CHECKPOINTS, Folder, PREDICTIONS, SCENE, SUMMARY};
use super::prepare::{adapter, lies_as_shown, make_threads, prepare};
use super::samples;
use super::terminal::print;
use super::{FileFault, Predict, Usage, fault};
use crate::archive::{SPIKES, TRACES};
use crate::checkpoint::{self, Checkpoint, CheckpointError};
use crate::data::{self, DataError, Dataset, Split};
use crate::engine::Engine;
use crate::engine::cpu::Cpu;
use crate::engine::gpu::Gpu;
use crate::files::{self, Npy};
use crate::network::Network;
use crate::scene::{self, Data, Scene, Training};
use crate::train::{Predictions, Samples, Trainer};
use crate::words::grouped;
use anyhow::Result;
use std::fs;
use std::path::Path;

/// Asks the network of a run.
pub fn predict(args: &Predict) -> Result<()> {
    make_threads(args.means.threads)?;
    let (scene, checkpoint) = learned(&args.run, args.last)?;
    let (training, data) = classes(&scene, &args.run)?;
    let adapter = adapter(&args.means)?;
    let (network, plan, _) =
        prepare(&scene, args.means.quiet, adapter.as_ref(), adapter.is_some())?;
    let path = args.data.as_deref();
    let mut test = test_set(data, path, &network)?;
    lies_as_shown(&scene, &test)?;
    if let Some(classes) = data.choice().classes.filter(|_| !test.labels.is_empty()) {
        test = test.of_classes(classes);
        if test.is_empty() {
            let why =
                format!("{} has no sample of the classes {classes:?}", shown(data, path).display());
            return Err(Usage(why).into());
        }
    }
    test.settle(&training.loss);
    let none = Split { images: Vec::new(), labels: Vec::new(), targets: Vec::new(), ..test };
    let data = Dataset { train: none, validation: None, test };
    let engine: Box<dyn Engine + '_> = match &adapter {
        Some(found) => Box::new(Gpu::new(found, &plan, false)?),
        None => Box::new(Cpu::<f32>::new(&plan, None, false)),
    };
    let mut trainer = Trainer::new(training, &network, &plan, Samples::Labelled(&data), engine);
    data.test.check_answers(&training.loss, trainer.classes())?;
    if let Some(checkpoint) = checkpoint {
        trainer.take(&checkpoint, !args.last)?;
    }
    // The run folder stays locked until the end.
    let folder = match &args.out {
        None => Some(Folder::open(args.run.clone())?),
        Some(out) => fs::create_dir_all(out).map(|()| None).map_err(|e| fault(out, e))?,
    };
    let out = args.out.as_ref().unwrap_or(&args.run);
    let path = out.join(PREDICTIONS);
    let predictions = trainer.predict()?;
    write(&path, &network, &predictions, &data.test)?;
    let (mut record, count) = (scene.record.clone(), data.test.len());
    record.samples.retain(|sample| *sample < count as u64);
    if record.samples.len() < scene.record.samples.len() {
        log::warn!("record.samples: there are {count} samples; those beyond are not shown");
        if record.samples.is_empty() {
            // What is there of other samples is none of these.
            for name in [SPIKES, TRACES] {
                let path = out.join(name);
                if path.exists() {
                    fs::remove_file(&path).map_err(|e| fault(&path, e))?;
                }
            }
        }
    }
    let shown = samples::show(&mut trainer, &record)?;
    samples::write(out, &network, &record, &shown)?;
    drop(folder);
    if args.means.quiet {
        return Ok(());
    }
    let judged = match (predictions.accuracy(&data.test), predictions.nmse(&data.test)) {
        _ if training.meta.is_some() => "answers before any step within a task".to_owned(),
        (Some(accuracy), _) => format!("accuracy {:.2} %", 100.0 * accuracy),
        (None, Some(nmse)) => format!("normalised squared error {nmse:.4}"),
        (None, None) if !data.test.targets.is_empty() => "targets that do not change".to_owned(),
        (None, None) => "no labels".to_owned(),
    };
    let (samples, path) = (grouped(predictions.samples() as u64), path.display());
    Ok(print(format!("{samples} samples, {judged}\npredictions in {path}\n"))?)
}

/// The scene of a run, and the checkpoint that has what it learned; without one the scene begins with that.
pub fn learned(run: &Path, last: bool) -> Result<(Scene, Option<Checkpoint>)> {
    let (path, shown) = (run.join(SCENE), run.display());
    if !path.is_file() {
        let why = format!("{shown} is not a run folder: there is no {SCENE}");
        return Err(Usage(why).into());
    }
    let (mut scene, ..) = scene::load(&path, &[]).map_err(|e| *e)?;
    classes(&scene, run)?;
    if !last && !run.join(SUMMARY).is_file() {
        let why = format!(
            "{shown} is not finished, so what is best is not settled; add --last to go by its newest checkpoint, or \
             go on with: neuralearn --resume {shown}"
        );
        return Err(Usage(why).into());
    }
    let best = run.join(BEST);
    match checkpoint::newest(&run.join(CHECKPOINTS)) {
        Ok(checkpoint) => Ok((scene, Some(checkpoint))),
        // The file is all that was learned only where nothing had been learned before.
        Err(CheckpointError::None { dir, mut tried })
            if !last && tried.is_empty() && scene.initial.is_none() =>
        {
            if best.is_file() {
                scene.initial = Some(best);
                return Ok((scene, None));
            }
            tried.push(format!("nor is there {}", best.display()));
            Err(CheckpointError::None { dir, tried }.into())
        }
        Err(e) => Err(e.into()),
    }
}

/// The training of a run and its data, if it is one that can be asked.
pub fn classes<'a>(scene: &'a Scene, run: &Path) -> Result<(&'a Training, &'a Data), Usage> {
    let found = scene.training.as_ref().filter(|training| training.loss.is_gradient());
    let refused = |what: &str| {
        Usage(format!(
            "{} is {what}; here the run of a training by gradients on samples is needed",
            run.display()
        ))
    };
    match found.map(|training| (training, training.data.as_ref())) {
        _ if !scene.stages.is_empty() => {
            Err(refused("an experiment; name the folder of a stage, or of a seed in it"))
        }
        Some((training, Some(data))) => Ok((training, data)),
        Some((_, None)) => Err(refused("a training that follows traces")),
        None if scene.training.is_some() => Err(refused("a training by Assignment")),
        None => Err(refused("a simulation")),
    }
}

/// What an error calls a test set: where it is, or the field that says how it is made.
fn shown<'a>(data: &'a Data, path: Option<&'a Path>) -> &'a Path {
    path.or(data.test_path()).unwrap_or(Path::new("training.data"))
}

/// Images that the network has sources for.
fn test_set(data: &Data, path: Option<&Path>, network: &Network) -> Result<Split, DataError> {
    let sources = pixels(data, network)?;
    let test = data::test_set(data, path, network.seed, sources)?;
    if sources != test.pixels() {
        let shape = [test.rows, test.cols];
        return Err(DataError::Pixels { path: shown(data, path).to_owned(), shape, sources });
    }
    Ok(test)
}

/// Pixels of a sample: those that a population shows, or where each shows a part, those that the network learned from.
pub fn pixels(data: &Data, network: &Network) -> Result<usize, DataError> {
    match network.pixels() {
        0 => Ok(data::load(data, network.seed)?.test.pixels()),
        all => Ok(all),
    }
}

/// Writes what was answered to each sample, or to each of its frames, and what it was compared with if that is known: its
/// class or its targets.
pub fn write(
    path: &Path,
    network: &Network,
    predictions: &Predictions,
    test: &Split,
) -> Result<(), FileFault> {
    let Predictions { classes, predicted, output, spikes, scores, .. } = predictions;
    let labels: Vec<u32> = test.labels.iter().map(|label| u32::from(*label)).collect();
    let (samples, outputs) = (predictions.samples() as u64, *classes as u64);
    let answers = predictions.answers as u64;
    let of_answers = match answers {
        1 => vec![samples],
        _ => vec![samples, answers],
    };
    let mut arrays = Vec::new();
    if predictions.marks {
        arrays.push(Npy::of("predicted", &[samples, outputs], predicted));
    } else if !predicted.is_empty() {
        arrays.push(Npy::of("predicted", &of_answers, predicted));
    }
    arrays.push(Npy::of("output", &[&of_answers[..], &[outputs]].concat(), output));
    if !labels.is_empty() {
        arrays.push(Npy::of("label", &of_answers, &labels));
    }
    if !test.targets.is_empty() {
        arrays.push(Npy::of("target", &[samples, outputs], &test.targets));
    }
    for (population, spikes) in network.populations.iter().zip(spikes) {
        if !spikes.is_empty() {
            arrays.push(Npy::of(format!("spikes.{}", population.name), &[samples], spikes));
        }
    }
    for (projection, scores) in scores {
        let shape = [samples, scores.len() as u64 / samples.max(1)];
        arrays.push(Npy::of(format!("attention.{projection}"), &shape, scores));
    }
    files::write_npz(path, &arrays).map_err(|source| fault(path, source))
}
