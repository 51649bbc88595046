//! Runs a scene: everything that can fail early does so before the run folder exists.

use super::folder::{CHECKPOINTS, Folder, SCENE, SUMMARY, write};
use super::prepare::{adapter, load_data, make_threads, prepare};
use super::session::{Session, profile, start_summary};
use super::{Run, Usage, experiment, resume, sweep};
use crate::archive;
use crate::checkpoint::{self, Origin, Start, Store};
use crate::data;
use crate::engine::Engine;
use crate::engine::cpu::Cpu;
use crate::engine::gpu::Gpu;
use crate::report;
use crate::scene::{self, Override, SEED, Scene, Source, Warning};
use crate::simulation::{self, Simulation};
use crate::train::{Learner, Samples, Trainer};
use crate::words::moment;
use anyhow::Result;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

/// Runs a scene, or every combination of a sweep, or goes on with either.
pub fn run(args: &Run) -> Result<()> {
    make_threads(args.means.threads)?;
    if sweep::is_meant(args) {
        return sweep::run(args);
    }
    if args.shard.is_some() {
        return Err(Usage("--shard is of a sweep: give --sweep or --seeds with it".into()).into());
    }
    run_scene(args)
}

/// The scene file of a command line.
pub fn scene_path(args: &Run) -> Result<PathBuf, Usage> {
    let none = || Usage("give a scene: neuralearn --scene scenes/mnist.ron (see --help)".into());
    args.scene.as_ref().or(args.file.as_ref()).cloned().ok_or_else(none)
}

/// What a command line changes of the scene.
pub fn overrides(args: &Run) -> Vec<Override> {
    overrides_of(&args.set, args.seed)
}

/// What `--set` and `--seed` change of a scene.
pub fn overrides_of(set: &[Override], seed: Option<u64>) -> Vec<Override> {
    let seed = seed.map(|seed| Override { path: SEED.into(), value: seed.to_string() });
    set.iter().cloned().chain(seed).collect()
}

/// Runs a scene, or goes on with its run.
pub fn run_scene(args: &Run) -> Result<()> {
    let path = match &args.resume {
        Some(dir) if args.scene.is_none() && args.file.is_none() => dir.join(SCENE),
        _ => scene_path(args)?,
    };
    let overrides = overrides(args);
    let (mut scene, source, warnings) = scene::load(&path, &overrides).map_err(|e| *e)?;
    if !scene.stages.is_empty() {
        // Of the seeds of an experiment it is to be that one.
        if !scene.seeds.is_empty() && overrides.iter().any(|own| own.path == SEED) {
            scene.seeds = vec![scene.simulation.seed];
        }
        return experiment::run(args, &path, &overrides, (&scene, &source));
    }
    let job = Job {
        path: &path,
        origin: origin(&path, &source, &overrides, written(&scene)?),
        scene,
        source,
        warnings,
        out: args.out.as_deref(),
        resume: args.resume.as_deref(),
        overwrite: args.overwrite,
    };
    one(args, job)
}

/// What a run of a scene file, so changed, begins with.
pub fn origin(path: &Path, source: &Source, overrides: &[Override], scene: String) -> Origin {
    Origin {
        name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        sha256: source.sha256(),
        description: source.description(),
        scene,
        start: Start {
            command: command_line(std::env::args_os().skip(1)),
            overrides: overrides.iter().map(|own| format!("{}={}", own.path, own.value)).collect(),
            started: moment(SystemTime::now()),
        },
    }
}

/// The command that has these arguments, with quotes where a shell needs them.
fn command_line(arguments: impl Iterator<Item = OsString>) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    let quoted = |word: String| match !word.is_empty() && word.chars().all(is_plain) {
        true => word,
        false => format!("'{}'", word.replace('\'', r"'\''")),
    };
    let words = arguments.map(|word| quoted(word.to_string_lossy().into_owned()));
    ["neuralearn".to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

/// A scene as a file has it, with all defaults.
pub fn written(scene: &Scene) -> Result<String, Usage> {
    scene.to_ron().map_err(|e| Usage(format!("the scene cannot be written down: {e}")))
}

/// A scene to run.
pub struct Job<'a> {
    /// Its file.
    pub path: &'a Path,
    /// Where it comes from.
    pub origin: Origin,
    /// The scene.
    pub scene: Scene,
    /// Its text.
    pub source: Source,
    /// What may not be as it was meant.
    pub warnings: Vec<Warning>,
    /// Run folder, if it is not to be the next free one.
    pub out: Option<&'a Path>,
    /// Folder of the run that goes on.
    pub resume: Option<&'a Path>,
    /// Whether results in the folder are replaced.
    pub overwrite: bool,
}

/// Runs one scene, or goes on with its run.
///
/// # Errors
/// All that can go wrong.
pub fn one(args: &Run, job: Job<'_>) -> Result<()> {
    let started = Instant::now();
    let Job { path, origin, scene, source, mut warnings, out, resume, overwrite } = job;
    let checkpoint = match resume {
        Some(dir) => match resume::from(dir, &scene)? {
            None => return Ok(()),
            found => found,
        },
        None => None,
    };
    let adapter = adapter(&args.means)?;
    let prepared = |workgroups| prepare(&scene, args.means.quiet, adapter.as_ref(), workgroups);
    let (mut network, mut plan, mut traces) = prepared(adapter.is_some())?;
    // A run goes on as it is laid out, if another kind of engine began it.
    if checkpoint.as_ref().is_some_and(|saved| !simulation::is_laid_out(&plan, saved)) {
        (network, plan, traces) = prepared(adapter.is_none())?;
    }
    warnings.extend(network.warnings.iter().chain(&plan.warnings).cloned());
    for warning in &warnings {
        log::warn!("{}: {}: {}", source.name, warning.path, warning.message);
    }
    let dataset = match scene.training.as_ref().and_then(|t| Some((t, t.data.as_ref()?))) {
        Some((training, data)) => Some(load_data(&scene, training, data, &network)?),
        None => None,
    };
    let ranks = match (&scene.training, &dataset) {
        (Some(training), Some(data)) => data::scores::ranks(&training.order, data.train.len())?,
        _ => None,
    };
    let engine: Box<dyn Engine + '_> = match &adapter {
        Some(found) => Box::new(Gpu::new(found, &plan, args.profile)?),
        None => Box::new(Cpu::<f32>::new(&plan, None, args.profile)),
    };
    let effective = written(&scene)?;
    let mut began = origin;
    if let Some(checkpoint) = &checkpoint {
        // What makes a run longer is changed too; what is said a second time is said once.
        let more = std::mem::replace(&mut began, checkpoint.origin.clone()).start.overrides;
        began.start.overrides.retain(|own| !more.contains(own));
        began.start.overrides.extend(more);
    }
    let origin = Origin { scene: effective.clone(), ..began };
    let folder = match resume {
        Some(dir) => Folder::open(dir.to_owned())?,
        None => Folder::create(out, path, &origin.name, overwrite)?,
    };
    // A run that goes on is not finished any more, and no recording of a training grows.
    // What an earlier end of the run left.
    for result in [SUMMARY, report::PAGE, report::FIGURES] {
        folder.remove(result)?;
    }
    if scene.training.is_some() {
        folder.remove(archive::SCRATCH)?;
    }
    if checkpoint.as_ref().is_none_or(|checkpoint| checkpoint.origin.scene != effective) {
        write(&folder.join(SCENE), effective.as_bytes())?;
    }

    checkpoint::tidy(&folder.join(CHECKPOINTS));
    let mut session = Session {
        summary: start_summary(&scene, &origin, &network, &plan, engine.device()),
        store: Store::new(folder.join(CHECKPOINTS), origin.clone()),
        scene: &scene,
        origin: &origin,
        network: &network,
        plan: &plan,
        folder,
        warnings: warnings.iter().map(|w| format!("{}: {}", w.path, w.message)).collect(),
        quiet: args.means.quiet,
        reports: !args.no_report,
        tensorboard: args.tensorboard,
    };
    session.summary.build_s = started.elapsed().as_secs_f64();
    session.banner()?;
    let labelled = dataset.as_ref().map(Samples::Labelled);
    let samples = labelled.or(traces.as_ref().map(Samples::Driven));
    let times = match (&scene.training, samples) {
        (Some(training), Some(Samples::Labelled(data))) if !training.loss.is_gradient() => {
            let learner = Learner::new(training, &network, &plan, data, engine);
            session.learn(learner, data, checkpoint)?
        }
        (Some(training), Some(samples)) => {
            let mut trainer = Trainer::new(training, &network, &plan, samples, engine);
            trainer.rank(ranks.unwrap_or_default());
            session.train(trainer, samples, checkpoint)?
        }
        _ => session.simulate(Simulation::new(&network, &plan, &scene, engine)?, checkpoint)?,
    };
    if args.profile {
        profile(&times)?;
    }
    session.tell(format!("results in {}\n", session.folder.path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_what_a_shell_takes() {
        let words = ["a/b.ron", "--set", "projections.a->b.weight=Uniform(low: 1)", "", "it's"];
        assert_eq!(
            command_line(words.into_iter().map(OsString::from)),
            r"neuralearn a/b.ron --set 'projections.a->b.weight=Uniform(low: 1)' '' 'it'\''s'"
        );
    }
}
