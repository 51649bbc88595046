//! Runs a scene: everything that can fail early does so before the run folder exists.

use super::folder::{BEST, CHECKPOINTS, Folder, PREDICTIONS, SCENE, SUMMARY};
use super::metrics::Lines;
use super::progress::Progress;
use super::stop::Stop;
use super::terminal::print;
use super::{
    EngineChoice, FileFault, Interrupted, Means, Run, Threads, Usage, experiment, fault, pictures,
    predict, resume, samples, sweep,
};
use crate::archive;
use crate::checkpoint::{self, Checkpoint, Origin, Start, Store};
use crate::data::{streams, traces::Traces};
use crate::engine::cpu::Cpu;
use crate::engine::gpu::{self, Found, Gpu, Wanted};
use crate::engine::{Device, Engine, KernelTime};
use crate::files::write::Draft;
use crate::files::{self, Values};
use crate::network::numbers::CURRENT;
use crate::network::{self, Network};
use crate::plan::{self, Plan, SimulationOptions};
use crate::report::{self, Report};
use crate::scene::{
    self, Data, Images, Loss, Metric, Override, Part, Population, SEED, SampleChoice, Scene,
    Schedule, Source, Warning,
};
use crate::simulation::{self, Simulation};
use crate::summary::{self, Summary};
use crate::train::{Event, Learner, Outcome, Predictions, Samples, Set, Tested, Trainer};
use crate::words::{bytes, grouped, moment};
use crate::{data, machine, train};
use anyhow::Result;
use serde::Serialize;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

/// Largest array that every adapter can bind \[bytes\].
pub const MAX_BINDING: u64 = 128 << 20;

/// What is written of a synapse beside its weight.
const ENDS: [&str; 2] = ["source", "target"];

/// From a scene to a plan, with parts of the table of synapses of at most `max_table` bytes; and the traces that a
/// training is to follow.
pub fn prepare(
    scene: &Scene,
    quiet: bool,
    max_table: u64,
) -> Result<(Network, Plan, Option<Traces>)> {
    let mut bar = Progress::new(scene.projections.len() as u64, "projections", quiet);
    let network = network::build_watched(scene, &mut |drawn, of| {
        bar.at("building", drawn as u64, of as u64, "");
    });
    bar.finish();
    let network = network?;
    let traces = read_traces(scene, &network)?;
    let plan = match &scene.training {
        Some(training) if !training.loss.is_gradient() => {
            let options = SimulationOptions {
                steps: training.steps as usize,
                samples: Vec::new(),
                presented: true,
                max_binding: MAX_BINDING,
                max_table,
            };
            plan::simulate(&network, &options)?
        }
        Some(training) => {
            let (batch, steps) = (training.batch as usize, training.steps as usize);
            let options = plan::Options {
                batch,
                steps,
                training,
                traces: traces.as_ref(),
                soft: 0,
                max_binding: MAX_BINDING,
            };
            plan::compile(&network, &options)?
        }
        None => {
            let options = simulation::options(scene, &network, MAX_BINDING)?;
            plan::simulate(&network, &SimulationOptions { max_table, ..options })?
        }
    };
    samples::check(scene, &network)?;
    tell_apart("state that is saved", plan.arrays.iter().map(|array| array.name.clone()))?;
    tell_apart("weights.safetensors", tensor_names(&network))?;
    tell_apart("traces.npz", simulation::trace_names(scene, &network)?)?;
    Ok((network, plan, traces))
}

/// Names under which weights and constant currents of a network may be written.
fn tensor_names(network: &Network) -> impl Iterator<Item = String> {
    let projections = network.projections.iter().flat_map(|p| {
        let ends = match p.synapses {
            network::Synapses::Sparse { .. } => &ENDS[..],
            _ => &[],
        };
        std::iter::once(p.name.clone()).chain(ends.iter().map(|end| format!("{}.{end}", p.name)))
    });
    let numbers = network.populations.iter().flat_map(|p| {
        let each = p.numbers.iter().flat_map(|numbers| &numbers.each).map(|number| &number.name);
        let frozen = p.frozen.iter().flatten().map(|(name, _)| name);
        let numbers = each.chain(frozen).filter(|name| *name != CURRENT);
        numbers.map(move |name| format!("{}.{name}", p.name))
    });
    let currents = network.populations.iter().map(|p| format!("{}.i_e", p.name));
    let delays = network.projections.iter().filter(|p| p.delays.is_some());
    let delays = delays.map(|p| format!("{}.delay", p.name));
    let attention = network.projections.iter().filter(|p| p.attention.is_some());
    let attention = attention.flat_map(|p| [0, 1].map(|k| format!("{}.attention.{k}", p.name)));
    projections.chain(currents).chain(numbers).chain(delays).chain(attention)
}

/// Refuses to write two arrays under one name, where one would be taken for the other.
fn tell_apart(place: &str, names: impl IntoIterator<Item = String>) -> Result<(), Usage> {
    let mut known = HashSet::new();
    match names.into_iter().find(|name| !known.insert(name.clone())) {
        None => Ok(()),
        Some(name) => Err(Usage(format!(
            "two arrays of {place} would have the name `{name}`: give a population or projection \
             with which it begins another `name`, or record it once"
        ))),
    }
}

/// Makes the threads that build and simulate: as many as were asked for, if the machine has processors for
/// them. More would only wait for each other.
pub fn make_threads(wanted: Option<u16>) -> Result<()> {
    let most = machine::threads();
    let wanted = wanted.map_or(most, usize::from);
    if wanted > most {
        log::warn!("--threads {wanted}: this machine runs {most} at a time, so {most} are made");
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(wanted.min(most));
    Ok(pool.build_global().map_err(|e| Threads(e.to_string()))?)
}

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
    let seed = args.seed.map(|seed| Override { path: SEED.into(), value: seed.to_string() });
    args.set.iter().cloned().chain(seed).collect()
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
    let max_table = adapter.as_ref().map_or(MAX_BINDING, Found::largest_table);
    let (network, plan, traces) = prepare(&scene, args.means.quiet, max_table)?;
    warnings.extend(network.warnings.iter().chain(&plan.warnings).cloned());
    for warning in &warnings {
        log::warn!("{}: {}: {}", source.name, warning.path, warning.message);
    }
    let dataset = match scene.training.as_ref().and_then(|t| Some((t, t.data.as_ref()?))) {
        Some((training, data)) => Some(load_data(&scene, training, data, &network)?),
        None => None,
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
            let trainer = Trainer::new(training, &network, &plan, samples, engine);
            session.train(trainer, samples, checkpoint)?
        }
        _ => session.simulate(Simulation::new(&network, &plan, &scene, engine)?, checkpoint)?,
    };
    if args.profile {
        profile(&times)?;
    }
    session.tell(format!("results in {}\n", session.folder.path.display()))
}

/// The traces that a training is to follow, if it is.
fn read_traces(scene: &Scene, network: &Network) -> Result<Option<Traces>> {
    let Some(training) = &scene.training else { return Ok(None) };
    let Loss::Trace { population, file, array, .. } = &training.loss else { return Ok(None) };
    let size = network.populations.iter().find(|p| p.name == *population).map_or(0, |p| p.size);
    let array = array.clone().unwrap_or_else(|| format!("{population}.v"));
    let shape = [training.steps as usize, size];
    Ok(Some(Traces::read(file, &array, shape, network.dt)?))
}

/// Refuses images whose rows and columns are not those of a population that shows them, or a part of them, if it has
/// some. Several frames are as many parts of the rows, and without a shape each is one row.
pub fn lies_as_shown(scene: &Scene, split: &data::Split) -> Result<(), Usage> {
    for (name, population) in &scene.populations {
        match &population.model {
            scene::Model::Images(images @ Images { part: Some(part), .. }) => {
                has_part(name, population, (part, images.fields() as usize), split)?;
            }
            scene::Model::Images(images) => {
                lies_whole(name, population, images, split)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Refuses images that lack the part which a population shows, or have another number of pixels there, each with so many
/// sources.
fn has_part(
    name: &str,
    population: &Population,
    (part, fields): (&Part, usize),
    split: &data::Split,
) -> Result<(), Usage> {
    let path = format!("populations.{name}");
    let (height, width, size) = (split.rows, split.cols, population.size as usize);
    let Some([rows, columns]) = part.of([height, width]) else {
        return Err(Usage(format!(
            "{path}.model.part: the samples have {height} rows and {width} columns, counted from 0, and no such part; \
             let `from` be below `to`, and `to` at most as many as there are"
        )));
    };
    let (rows, columns) = (rows.len(), columns.len() * fields);
    if rows * columns != size {
        return Err(Usage(format!(
            "{path}.size: the part has {rows} rows and {columns} columns, but there are {size} sources; set it to {}",
            rows * columns
        )));
    }
    match population.layer() {
        Some([high, wide, channels]) if [high, wide * channels] != [rows, columns] => {
            Err(Usage(format!(
                "{path}.shape: the part has {rows} rows and {columns} columns; give it the shape [{rows}, {columns}, 1]"
            )))
        }
        _ => Ok(()),
    }
}

fn lies_whole(
    name: &str,
    population: &Population,
    images: &Images,
    split: &data::Split,
) -> Result<(), Usage> {
    let (frames, fields) = (images.frames as usize, images.fields() as usize);
    let row = (frames > 1).then_some([1, population.size as usize, 1]);
    let Some([rows, columns, channels]) = population.layer().or(row) else { return Ok(()) };
    let (height, width) = (split.rows, split.cols);
    // Features lie in one row, and in any shape.
    if height == 1 || [frames * rows, columns * channels] == [height, width * fields] {
        return Ok(());
    }
    Err(Usage(match frames {
        1 => format!(
            "the images have {height} rows and {width} columns, but `{name}` has the shape \
             [{rows}, {columns}, {channels}]; give it the shape [{height}, {width}, {fields}]"
        ),
        _ => format!(
            "the samples have {height} rows and {width} columns, but `{name}` shows {frames} frames of \
             {rows} x {columns} x {channels}; a row is a frame with frames: {height} and size: {}",
            width * fields
        ),
    }))
}

fn load_data(
    scene: &Scene,
    training: &scene::Training,
    data: &Data,
    network: &Network,
) -> Result<data::Dataset> {
    let SampleChoice { classes, per_class, drawn, augment } = data.choice();
    let unfit = |e: data::ChoiceError| Usage(e.to_string());
    let mut dataset = data::load(data, network.seed)?;
    dataset.choose(classes, per_class, drawn.then_some(network.seed)).map_err(unfit)?;
    let count = |is: fn(&network::Kind) -> bool| {
        network.populations.iter().find(|p| is(&p.kind)).map_or(0, |p| p.size)
    };
    let pixels = dataset.train.pixels();
    if let Some((population, images)) = network.images()
        && network.pixels() != pixels
    {
        let (cols, rows) = (dataset.train.cols, dataset.train.rows);
        let (sources, fields) = (population.size, images.fields() as usize);
        let each = match fields {
            1 => String::new(),
            _ => format!(", {fields} for each pixel"),
        };
        let (all, help) = match images.frames as usize {
            1 => (each, format!("set its size to {}", pixels * fields)),
            frames => (
                format!("{each} in each of {frames} frames, {} in all", frames * sources),
                format!(
                    "let `frames` times its size be {}, as {rows} x {}",
                    pixels * fields,
                    cols * fields
                ),
            ),
        };
        return Err(Usage(format!(
            "the images have {pixels} pixels ({cols} x {rows}), the population of images has {sources} \
             sources{all}; {help}"
        ))
        .into());
    }
    lies_as_shown(scene, &dataset.train)?;
    samples::within(&scene.record, &dataset.test)?;
    answered(training, &dataset)?;
    if training.loss.is_gradient() {
        let outputs = match training.loss.counted() {
            Some(name) => network.populations.iter().find(|p| p.name == name).map_or(0, |p| p.size),
            None => count(|kind| matches!(kind, network::Kind::Readout(_))),
        };
        dataset.train.check_answers(&training.loss, outputs)?;
        dataset.test.check_answers(&training.loss, outputs)?;
    }
    if let Some(limit) = training.limit {
        dataset.train.truncate(limit as usize);
    }
    if let Some(validation) = training.validation {
        dataset.set_aside(validation, network.seed).map_err(unfit)?;
    }
    for augment in augment {
        augment.check(&dataset.train).map_err(unfit)?;
    }
    let data::Dataset { train, validation, test } = &mut dataset;
    for split in [train, test].into_iter().chain(validation) {
        split.settle(&training.loss);
    }
    Ok(dataset)
}

/// Refuses samples that do not have what the loss compares answers with, and numbers of epochs that they do not give.
fn answered(training: &scene::Training, dataset: &data::Dataset) -> Result<(), Usage> {
    let (labels, targets) = (&dataset.train.labels, &dataset.train.targets);
    let missing = match training.loss {
        Loss::MultiLabel { .. } if targets.is_empty() => Some("`targets`, 0 or 1 for each output"),
        _ if !training.loss.has_targets() && labels.is_empty() => Some("`labels`, a class each"),
        _ => None,
    };
    if let Some(missing) = missing {
        return Err(Usage(format!(
            "training.loss: it is of {missing}, which the samples do not have; save them, or take another loss"
        )));
    }
    let of_plateau = match training.schedule {
        Schedule::Plateau { metric, .. } => Some(metric),
        _ => None,
    };
    let numbers = training.loss.has_targets() && !matches!(training.loss, Loss::MultiLabel { .. });
    for (path, metric) in
        [("stop", training.stop.map(|stop| stop.metric)), ("schedule", of_plateau)]
    {
        if numbers && !targets.is_empty() && metric.is_some_and(Metric::is_accuracy) {
            let why = format!(
                "training.{path}.metric: answers are compared with `targets` and neither right nor wrong; go by \
                 \"loss\", \"validation_loss\" or \"test_loss\""
            );
            return Err(Usage(why));
        }
    }
    Ok(())
}

/// The adapter to run on; none for the processor.
pub fn adapter(means: &Means) -> Result<Option<Found>> {
    let name = means.adapter.as_deref();
    let on = |wanted| -> Result<Option<Found>> { Ok(Some(gpu::choose(wanted, name)?)) };
    match means.engine {
        EngineChoice::Gpu => on(Wanted::Hardware),
        EngineChoice::Software => on(Wanted::Software),
        EngineChoice::Cpu if name.is_some() => {
            Err(Usage("--adapter names a GPU; it does not go with --engine cpu".into()).into())
        }
        EngineChoice::Cpu => Ok(None),
        // Whoever names an adapter wants that one, be it software.
        EngineChoice::Auto if name.is_some() => on(Wanted::Any),
        EngineChoice::Auto if gpu::adapters().iter().any(|a| !a.is_software()) => {
            on(Wanted::Hardware)
        }
        EngineChoice::Auto => Ok(None),
    }
}

fn start_summary(
    scene: &Scene,
    origin: &Origin,
    network: &Network,
    plan: &Plan,
    device: &Device,
) -> Summary {
    Summary {
        scene: origin.name.clone(),
        scene_sha256: origin.sha256.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seed: network.seed,
        engine: device.engine.to_owned(),
        adapter: device.adapter.clone(),
        driver: device.driver.clone(),
        dt_ms: network.dt,
        steps: scene
            .training
            .as_ref()
            .map_or_else(|| simulation::steps(scene), |_| plan.steps as u64),
        neurons: network.neurons(),
        synapses: network.synapses(),
        bytes_device: device.bytes,
        start: origin.start.clone(),
        ..Summary::default()
    }
}

/// The summary of a run, with what its scene is about.
#[derive(Serialize)]
struct WithResults<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "summary::as_map")]
    results: &'a [(String, serde_json::Value)],
}

/// A run that has begun.
pub struct Session<'a> {
    pub scene: &'a Scene,
    pub origin: &'a Origin,
    pub network: &'a Network,
    pub plan: &'a Plan,
    pub folder: Folder,
    pub store: Store,
    pub summary: Summary,
    pub warnings: Vec<String>,
    pub quiet: bool,
    /// Whether there is to be a report.
    pub reports: bool,
    /// Whether metrics are to be events too.
    pub tensorboard: bool,
}

impl Session<'_> {
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Prints a part of the results, unless they are to be quiet.
    pub fn tell(&self, text: impl fmt::Display) -> Result<()> {
        if !self.quiet {
            print(text)?;
        }
        Ok(())
    }

    fn banner(&self) -> Result<()> {
        let s = &self.summary;
        self.tell(format!(
            "neuralearn {} · {} · seed {}\n{} on {} · {}\n{} neurons, {} synapses, {} on the device · dt {} ms, {} steps · ready in {:.2} s\n",
            s.version,
            s.scene,
            s.seed,
            s.engine,
            s.adapter,
            s.driver,
            grouped(s.neurons),
            grouped(s.synapses),
            bytes(s.bytes_device),
            s.dt_ms,
            grouped(s.steps),
            s.build_s,
        ))
    }

    fn train(
        &mut self,
        mut trainer: Trainer<'_>,
        samples: Samples<'_>,
        checkpoint: Option<Checkpoint>,
    ) -> Result<Vec<KernelTime>> {
        if let Some(checkpoint) = checkpoint {
            trainer.restore(&checkpoint)?;
            self.train_on(&trainer.progress)?;
        }
        let (progress, count) = (trainer.progress.clone(), samples.count(Set::Train) as u64);
        self.watched(&progress, count, |store, observe| trainer.run(Some(store), observe))?;
        for (best, file) in [(false, "weights.safetensors"), (true, BEST)] {
            self.write_weights(file, trainer.natural_weights(best)?, &[])?;
        }
        let times = trainer.engine().profile();
        let mut confusion = Vec::new();
        let mut predictions = Predictions::default();
        let (mut shown, mut tests) = (Vec::new(), Vec::new());
        if let Samples::Labelled(data) = samples {
            // From here on all that is told of the network is of its best weights.
            trainer.use_best()?;
            predictions = trainer.predict()?;
            confusion = predictions.confusion(&data.test);
            let path = self.path(PREDICTIONS);
            predict::write(&path, self.network, &predictions, &data.test)?;
            let record = &self.scene.record;
            shown = samples::show(&mut trainer, record)?;
            samples::write(&self.folder.path, self.network, record, &shown)?;
            for (name, damage) in self.scene.training.iter().flat_map(|training| &training.tests) {
                let tested = trainer.test(damage, &damage.silenced(self.scene))?;
                tests.push((name.clone(), tested));
            }
        }
        let tested = samples.count(Set::Test);
        self.training_summary(&trainer.progress, trainer.parameters(), &confusion, tested);
        if let Some(training) = &mut self.summary.training {
            training.small_weights = trainer.small_weights()?;
            training.tests = tests;
            match samples {
                Samples::Labelled(data) => {
                    training.attention = attention(self.scene, &predictions, &data.test);
                    let errors = trainer.adaptation()?.into_iter().enumerate();
                    training.adaptation =
                        errors.map(|(steps, mse)| (format!("mse_{steps}"), mse)).collect();
                    // Answers to tasks that are not learned yet are no result.
                    if training.adaptation.is_empty() {
                        training.nmse = predictions.nmse(&data.test);
                    }
                }
                Samples::Driven(traces) => {
                    training.fit = summary::Fit::new(trainer.fits(traces)?, traces.variance());
                }
            }
        }
        let report = self.reports.then(|| {
            let report = pictures::training(
                &self.origin.description,
                self.network,
                &mut trainer,
                &predictions,
                samples,
                &self.summary,
                &self.warnings,
            );
            let Samples::Labelled(data) = samples else { return report };
            let shown =
                samples::pictures(self.scene, self.network, &shown, &predictions, &data.test);
            report.map(|report| Report { shown, ..report })
        });
        self.finish_training(report.transpose()?.as_ref())?;
        Ok(times)
    }

    /// Runs a training while its progress is shown and written down.
    fn watched(
        &mut self,
        progress: &train::Progress,
        samples: u64,
        run: impl FnOnce(
            &Store,
            &mut dyn FnMut(Event<'_>) -> bool,
        ) -> Result<Outcome, train::TrainError>,
    ) -> Result<()> {
        let of_loss =
            |loss: Option<f64>| loss.map_or(String::new(), |loss| format!("loss {loss:.4}  "));
        let of_accuracy = |what: &str, accuracy: Option<f64>| {
            accuracy.map_or(String::new(), |a| format!("{what} {:.2} %  ", 100.0 * a))
        };
        let mut lines = Lines::create(&self.folder.path, self.tensorboard)?;
        progress.epochs.iter().try_for_each(|epoch| lines.add(epoch))?;
        let epochs = self.scene.training.as_ref().map_or(0, |t| t.epochs);
        let stop = Stop::listen();
        let mut bar = Progress::new(samples * epochs, "samples", self.quiet);
        let mut done_epochs = progress.epoch;
        let mut written = Ok(());
        let outcome = run(&self.store, &mut |event| {
            match event {
                Event::Batch { samples: done, of, loss, accuracy } => bar.at(
                    &format!("epoch {}", done_epochs + 1),
                    done_epochs * of + done,
                    epochs * of,
                    &format!("{}{}", of_loss(loss), of_accuracy("accuracy", accuracy)),
                ),
                Event::Testing => {}
                Event::Epoch(epoch) => {
                    done_epochs = epoch.epoch;
                    let told = format!(
                        "epoch {:>3}  {}{}{}{}{:>6.0} samples/s",
                        epoch.epoch,
                        of_loss(epoch.loss),
                        of_accuracy("train", epoch.train_accuracy),
                        of_accuracy("validation", epoch.validation_accuracy),
                        of_accuracy("test", epoch.test_accuracy),
                        epoch.train_samples_per_s,
                    );
                    written = lines.add(epoch).and_then(|()| bar.result(&told));
                }
            }
            written.is_ok() && !stop.asked()
        })?;
        bar.finish();
        written?;
        if outcome == Outcome::Interrupted {
            return Err(Interrupted(self.folder.path.clone()).into());
        }
        Ok(())
    }

    /// A training whose synapses learn by themselves.
    fn learn(
        &mut self,
        mut learner: Learner<'_>,
        data: &data::Dataset,
        checkpoint: Option<Checkpoint>,
    ) -> Result<Vec<KernelTime>> {
        if let Some(checkpoint) = checkpoint {
            learner.restore(&checkpoint)?;
            self.train_on(&learner.progress)?;
        }
        let (progress, samples) = (learner.progress.clone(), data.train.len() as u64);
        self.watched(&progress, samples, |store, observe| learner.run(Some(store), observe))?;
        self.write_weights("weights.safetensors", learner.weights()?, &[])?;
        let tested = data.test.len();
        self.training_summary(&learner.progress, learner.parameters(), &learner.confusion, tested);
        let times = learner.engine().profile();
        let report = self.reports.then(|| {
            pictures::learning(
                &self.origin.description,
                self.network,
                &mut learner,
                data,
                &self.summary,
                &self.warnings,
            )
        });
        self.finish_training(report.transpose()?.as_ref())?;
        Ok(times)
    }

    fn train_on(&self, progress: &train::Progress) -> Result<()> {
        let (epoch, batch) = (progress.epoch, progress.batch);
        self.tell(format!("going on after {epoch} epochs and {batch} batches\n"))
    }

    fn finish_training(&self, report: Option<&Report<'_>>) -> Result<()> {
        self.finish(report)?;
        let Some(training) = &self.summary.training else { return Ok(()) };
        let seconds = self.summary.wall_s;
        if let Some(why) = &training.stopped {
            self.tell(format!("stopped after {} epochs: {why}\n", training.epochs.len()))?;
        }
        if let Some(accuracy) = training.test_accuracy {
            self.tell(format!("test accuracy {:.2} % in {seconds:.1} s\n", 100.0 * accuracy))?;
        }
        if let Some(nmse) = training.nmse {
            self.tell(format!("normalised squared error {nmse:.4} in {seconds:.1} s\n"))?;
        }
        for (name, summary::Attention { ratio, .. }) in &training.attention {
            if let Some(ratio) = ratio {
                self.tell(format!("{name} gives the frame that is asked for {ratio:.1} times the score of others\n"))?;
            }
        }
        for (name, Tested { accuracy, loss }) in &training.tests {
            let accuracy =
                accuracy.map_or(String::new(), |a| format!(", accuracy {:.2} %", 100.0 * a));
            self.tell(format!("{name}: loss {loss:.4}{accuracy}\n"))?;
        }
        if let [(_, before), .., (_, after)] = &training.adaptation[..] {
            let steps = training.adaptation.len() - 1;
            self.tell(format!(
                "mean squared error of new tasks {before:.4}, {after:.4} after {steps} steps, in {seconds:.1} s\n"
            ))?;
        }
        if let Some(summary::Fit { starts, best_mse, worst_mse, .. }) = training.fit {
            self.tell(format!(
                "mean squared difference of {starts} neurons from {best_mse:.4} to {worst_mse:.4} mV² in \
                 {seconds:.1} s\n"
            ))?;
        }
        Ok(())
    }

    /// Weights by projection, if there are any. Those that are not of all pairs come with their sources and
    /// targets; sources that changed are given.
    pub fn write_weights(
        &self,
        file: &str,
        weights: Vec<(String, Vec<f32>)>,
        rewired: &[(String, Vec<u32>)],
    ) -> Result<()> {
        if weights.is_empty() {
            return Ok(());
        }
        let path = self.path(file);
        let mut tensors = Vec::new();
        for (name, values) in weights {
            let projection = self.network.projections.iter().find(|p| p.name == name);
            if let Some(network::Synapses::Sparse { start, source, .. }) =
                projection.map(|p| &p.synapses)
            {
                let now = rewired.iter().find(|(rewired, _)| *rewired == name);
                let source = now.map_or(source, |(_, source)| source).clone();
                let ends = start.windows(2).zip(0u32..);
                let target =
                    ends.flat_map(|(ends, target)| (ends[0]..ends[1]).map(move |_| target));
                for (end, values) in ENDS.iter().zip([source, target.collect()]) {
                    tensors.push((format!("{name}.{end}"), Values::Words(values)));
                }
            }
            tensors.push((name, Values::Reals(values)));
        }
        let written = files::write_tensors(&path, &tensors);
        Ok(written.map_err(|source| fault(&path, source))?)
    }

    fn training_summary(
        &mut self,
        progress: &train::Progress,
        parameters: u64,
        confusion: &[u64],
        tested: usize,
    ) {
        let (Some(last), Some(best)) = (progress.epochs.last(), progress.best()) else { return };
        self.summary.wall_s = progress.wall_s;
        let tested = tested as f64;
        let seconds = tested * self.plan.steps as f64 * self.network.dt * 1e-3;
        for (k, population) in self.network.populations.iter().enumerate() {
            let spikes = population.spikes().then(|| (last.test_spikes[k] * tested).round() as u64);
            let rate_hz = spikes.map(|s| s as f64 / population.size as f64 / seconds);
            let size = population.size as u64;
            let entry = summary::Population { size, spikes, rate_hz, cv_isi: None };
            self.summary.populations.push((population.name.clone(), entry));
        }
        self.summary.training = Some(summary::Training {
            parameters,
            validation_accuracy: last.validation_accuracy,
            validation_loss: last.validation_loss,
            test_accuracy: last.test_accuracy,
            test_error: last.test_accuracy.map(|accuracy| 1.0 - accuracy),
            test_loss: last.test_loss,
            best_epoch: best.epoch,
            best_test_accuracy: best.test_accuracy,
            stopped: self.scene.training.as_ref().and_then(|t| progress.stopped(t)),
            epochs: progress.epochs.clone(),
            confusion: confusion
                .chunks(confusion.len().isqrt().max(1))
                .map(<[_]>::to_vec)
                .collect(),
            nmse: None,
            small_weights: None,
            tests: Vec::new(),
            adaptation: Vec::new(),
            attention: Vec::new(),
            fit: None,
        });
    }

    /// Summary, and report if there is one. The summary is on disk before the report takes what room there is, and
    /// in its place after it.
    pub fn finish(&self, report: Option<&Report<'_>>) -> Result<()> {
        let path = self.path(SUMMARY);
        let value = serde_json::to_value(&self.summary).map_err(|e| fault(&path, e.into()))?;
        let results = experiment::results(self.scene, &value);
        self.tell(results.told())?;
        let summary = WithResults { summary: &self.summary, results: &results.values };
        let json = serde_json::to_string_pretty(&summary).map_err(|e| fault(&path, e.into()))?;
        let summary = Draft::write(&path, |w| writeln!(w, "{json}"));
        let summary = summary.map_err(|source| fault(&path, source))?;
        if let Some(Err(e)) = report.map(|report| report::write(report, &self.folder.path)) {
            // Pictures are not worth the loss of the numbers.
            log::warn!("the report is incomplete: {e}");
        }
        summary.publish().map_err(|source| fault(&path, source))?;
        results.complete()
    }
}

/// How each projection with attention weighs the frames of the test set.
fn attention(
    scene: &Scene,
    predictions: &Predictions,
    test: &data::Split,
) -> Vec<(String, summary::Attention)> {
    let asked = |k: usize| match scene.training.as_ref().and_then(|training| training.data.as_ref())
    {
        Some(Data::Streams { frames, .. }) => streams::marked(test.image(k), *frames as usize),
        _ => None,
    };
    let asked: Vec<_> = (0..predictions.samples()).map(asked).collect();
    let of = |(name, scores): &(String, Vec<f32>)| {
        (name.clone(), summary::Attention::new(scores, &asked))
    };
    predictions.scores.iter().map(of).collect()
}

/// Writes a file of a run.
pub fn write(path: &Path, content: &[u8]) -> Result<(), FileFault> {
    files::write_atomic(path, |w| w.write_all(content)).map_err(|source| fault(path, source))
}

/// Prints the time of each kernel.
fn profile(times: &[KernelTime]) -> Result<(), FileFault> {
    let mut times = times.to_vec();
    times.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    let total: f64 = times.iter().map(|t| t.seconds).sum();
    let mut text = format!(
        "{:<9} {:<34} {:<26} {:>9} {:>10} {:>7}\n",
        "program", "kernel", "for", "launches", "time (s)", "share"
    );
    for t in &times {
        let share = 100.0 * t.seconds / total;
        text += &format!(
            "{:<9} {:<34} {:<26} {:>9} {:>10.3} {:>5.1} %\n",
            t.program, t.kernel, t.label, t.launches, t.seconds, share
        );
    }
    print(text)
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
