//! `adapt`, and `adaptation.npz`: a network that learned to learn learns a new task from a few samples.
//!
//! They are shown as those of a held-out task, and a step is what it was in the training (`train::meta`): plain gradient
//! descent on all of them at once. What is written is what the network answers after 0, 1, 2, ... of these. Neither the
//! run nor its weights change.

use super::folder::{ADAPTATION, Folder};
use super::predict::{classes, learned, pixels};
use super::prepare::{adapter, lies_as_shown, make_threads, prepare};
use super::terminal::print;
use super::{Adapt, FileFault, Usage, fault};
use crate::data::{DataError, Dataset, Split, arrays};
use crate::engine::Engine;
use crate::engine::cpu::Cpu;
use crate::engine::gpu::Gpu;
use crate::files::{self, Npy};
use crate::scene::{Loss, Range};
use crate::train::{Predictions, Samples, Trainer};
use anyhow::Result;
use std::fs;
use std::path::Path;

/// Lets the network of a run learn a task.
///
/// # Errors
/// The run is of no training by tasks, samples do not fit, or what a run may fail with.
pub fn adapt(args: &Adapt) -> Result<()> {
    make_threads(args.means.threads)?;
    let (mut scene, checkpoint) = learned(&args.run, args.last)?;
    let (training, data) = classes(&scene, &args.run)?;
    if training.meta.is_none() {
        let why = format!(
            "{} is a training without `meta`, which has not learned to learn; ask it with: neuralearn predict",
            args.run.display()
        );
        return Err(Usage(why).into());
    }
    let (loss, range) = (training.loss.clone(), data.range());
    let support = samples(&args.data, &loss, range)?;
    if support.targets.is_empty() {
        let why = "has no array `targets`, which the samples that a task is learned from need";
        let (file, why) = (args.data.clone(), why.to_owned());
        return Err(DataError::Samples { file, why }.into());
    }
    let query = args.query.as_ref().map(|file| samples(file, &loss, range)).transpose()?;
    let count = support.len();
    if let Some(training) = &mut scene.training {
        // A step takes all samples at once.
        training.batch = training.batch.max(count as u64);
    }
    let (training, learned_from) = classes(&scene, &args.run)?;
    let adapter = adapter(&args.means)?;
    let (network, plan, _) =
        prepare(&scene, args.means.quiet, adapter.as_ref(), adapter.is_some())?;
    let sources = pixels(learned_from, &network)?;
    for (split, path) in [Some(&support), query.as_ref()].into_iter().flatten().zip(paths(args)) {
        let shape = [split.rows, split.cols];
        if split.pixels() != sources {
            return Err(DataError::Pixels { path: path.to_owned(), shape, sources }.into());
        }
        lies_as_shown(&scene, split)?;
    }
    let none = Split { images: Vec::new(), labels: Vec::new(), targets: Vec::new(), ..support };
    let test = task(&support, query.as_ref());
    let data = Dataset { train: none, validation: None, test };
    let engine: Box<dyn Engine + '_> = match &adapter {
        Some(found) => Box::new(Gpu::new(found, &plan, false)?),
        None => Box::new(Cpu::<f32>::new(&plan, None, false)),
    };
    let mut trainer = Trainer::new(training, &network, &plan, Samples::Labelled(&data), engine);
    for split in [Some(&support), query.as_ref()].into_iter().flatten() {
        split.check_answers(&training.loss, trainer.classes())?;
    }
    if let Some(checkpoint) = checkpoint {
        trainer.take(&checkpoint, !args.last)?;
    }
    // The run folder stays locked until the end.
    let folder = match &args.out {
        None => Some(Folder::open(args.run.clone())?),
        Some(out) => fs::create_dir_all(out).map(|()| None).map_err(|e| fault(out, e))?,
    };
    let answers = trainer.adapted(count, args.steps)?;
    let path = args.out.as_ref().unwrap_or(&args.run).join(ADAPTATION);
    // The answers to what is asked follow those to what is learned from.
    let asked = query.as_ref().map_or((0, &support), |query| (count, query));
    let curves = [errors(&answers, (0, &support)), errors(&answers, asked)];
    write(&path, &answers, asked, &curves)?;
    drop(folder);
    if args.means.quiet {
        return Ok(());
    }
    let mut told = String::new();
    for (what, curve) in ["learned from", "asked"].into_iter().zip(&curves) {
        if let [before, .., after] = curve[..] {
            let steps = args.steps;
            told += &format!(
                "squared error of what is {what} {before:.4}, {after:.4} after {steps} steps\n"
            );
        }
    }
    Ok(print(format!("{told}adaptation in {}\n", path.display()))?)
}

/// The files of a command, in the order of their samples.
fn paths(args: &Adapt) -> impl Iterator<Item = &Path> {
    [Some(&args.data), args.query.as_ref()].into_iter().flatten().map(|path| &**path)
}

/// Samples of a file, and what they are to be compared with.
fn samples(path: &Path, loss: &Loss, range: Option<Range>) -> Result<Split, DataError> {
    let mut split = arrays::read(path, range)?;
    split.labels.clear();
    split.settle(loss);
    Ok(split)
}

/// The samples of a task, those first from which it is learned. What is asked may have no targets: nobody looks at the
/// numbers in their place.
fn task(support: &Split, query: Option<&Split>) -> Split {
    let mut task = support.clone();
    if let Some(query) = query {
        let outputs = support.targets.len() / support.len();
        task.images.extend(&query.images);
        match query.targets.is_empty() {
            true => task.targets.extend(vec![0.0; query.len() * outputs]),
            false => task.targets.extend(&query.targets),
        }
    }
    task
}

/// The outputs of some answers for a split whose samples begin at one of them.
fn outputs<'a>(answers: &'a Predictions, (first, split): (usize, &Split)) -> &'a [f32] {
    &answers.output[first * answers.classes..][..split.len() * answers.classes]
}

/// Mean squared errors after 0, 1, 2, ... steps; nothing where targets are not known.
fn errors(answers: &[Predictions], (first, split): (usize, &Split)) -> Vec<f64> {
    let wanted = &split.targets;
    if wanted.is_empty() {
        return Vec::new();
    }
    let square = |(x, wanted): (&f32, &f32)| (f64::from(*x) - f64::from(*wanted)).powi(2);
    let error = |answers: &Predictions| {
        let told = outputs(answers, (first, split)).iter().zip(wanted);
        told.map(square).sum::<f64>() / wanted.len() as f64
    };
    answers.iter().map(error).collect()
}

/// Writes what was answered to what was asked, and the errors of what was learned from and of that.
fn write(
    path: &Path,
    answers: &[Predictions],
    asked: (usize, &Split),
    [support_mse, mse]: &[Vec<f64>; 2],
) -> Result<(), FileFault> {
    let all: Vec<f32> =
        answers.iter().flat_map(|answers| outputs(answers, asked)).copied().collect();
    let (steps, samples) = (answers.len() as u64, asked.1.len() as u64);
    let width = all.len() as u64 / (steps * samples).max(1);
    let mut arrays = vec![
        Npy::of("output", &[steps, samples, width], &all),
        Npy::of("support_mse", &[steps], support_mse),
    ];
    if !mse.is_empty() {
        arrays.push(Npy::of("mse", &[steps], mse));
        arrays.push(Npy::of("target", &[samples, width], &asked.1.targets));
    }
    files::write_npz(path, &arrays).map_err(|source| fault(path, source))
}
