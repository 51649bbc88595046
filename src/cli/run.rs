//! Runs a scene: everything that can fail early does so before the run folder exists.

use super::folder::{CHECKPOINTS, Folder, SCENE, SUMMARY};
use super::progress::Progress;
use super::stop::Stop;
use super::terminal::print;
use super::{EngineChoice, FileFault, Interrupted, Run, Threads, Usage, fault, pictures, resume};
use crate::archive;
use crate::checkpoint::{self, Checkpoint, Origin, Store};
use crate::engine::cpu::Cpu;
use crate::engine::gpu::{self, Found, Gpu, Wanted};
use crate::engine::{Device, Engine, KernelTime};
use crate::files::write::Draft;
use crate::files::{self, Values};
use crate::network::{self, Network};
use crate::plan::{self, Plan, SimulationOptions};
use crate::scene::{self, Data, Override, Scene};
use crate::simulation::{self, Simulation};
use crate::summary::{self, Summary};
use crate::train::{Event, Learner, Outcome, Trainer};
use crate::words::{bytes, grouped};
use crate::{data, machine, train};
use anyhow::Result;
use std::collections::HashSet;
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Largest array that every adapter can bind \[bytes\].
pub const MAX_BINDING: u64 = 128 << 20;

/// What is written of a synapse beside its weight.
const ENDS: [&str; 2] = ["source", "target"];

/// From a scene to a plan, with parts of the table of synapses of at most `max_table` bytes.
pub fn prepare(scene: &Scene, quiet: bool, max_table: u64) -> Result<(Network, Plan)> {
    let mut bar = Progress::new(scene.projections.len() as u64, "projections", quiet);
    let network = network::build_watched(scene, &mut |drawn, of| {
        bar.at("building", drawn as u64, of as u64, "");
    });
    bar.finish();
    let network = network?;
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
            let options =
                plan::Options { batch, steps, training, soft: 0, max_binding: MAX_BINDING };
            plan::compile(&network, &options)?
        }
        None => {
            let options = simulation::options(scene, &network, MAX_BINDING)?;
            plan::simulate(&network, &SimulationOptions { max_table, ..options })?
        }
    };
    tell_apart("state that is saved", plan.arrays.iter().map(|array| array.name.clone()))?;
    tell_apart("weights.safetensors", tensor_names(&network))?;
    tell_apart("traces.npz", simulation::trace_names(scene, &network)?)?;
    Ok((network, plan))
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
    projections.chain(network.populations.iter().map(|p| format!("{}.i_e", p.name)))
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

/// Runs a scene, or goes on with a run.
pub fn run(args: &Run) -> Result<()> {
    let started = Instant::now();
    make_threads(args.threads)?;
    let path = match (&args.scene, &args.resume) {
        (Some(scene), _) => scene.clone(),
        (None, Some(dir)) => dir.join(SCENE),
        (None, None) => {
            return Err(Usage(
                "give a scene: neuralearn --scene scenes/mnist.ron (see --help)".into(),
            )
            .into());
        }
    };
    let mut overrides = args.set.clone();
    if let Some(seed) = args.seed {
        overrides.push(Override { path: "simulation.seed".into(), value: seed.to_string() });
    }
    let (scene, source, mut warnings) = scene::load(&path, &overrides).map_err(|e| *e)?;
    let checkpoint = match &args.resume {
        Some(dir) => match resume::from(dir, &scene)? {
            None => return Ok(()),
            found => found,
        },
        None => None,
    };
    let adapter = adapter(args)?;
    let max_table = adapter.as_ref().map_or(MAX_BINDING, Found::largest_table);
    let (network, plan) = prepare(&scene, args.quiet, max_table)?;
    warnings.extend(network.warnings.iter().chain(&plan.warnings).cloned());
    for warning in &warnings {
        log::warn!("{}: {}: {}", source.name, warning.path, warning.message);
    }
    let dataset = match &scene.training {
        Some(training) => Some(load_data(training, &network)?),
        None => None,
    };
    let engine: Box<dyn Engine + '_> = match &adapter {
        Some(found) => Box::new(Gpu::new(found, &plan, args.profile)?),
        None => Box::new(Cpu::<f32>::new(&plan, None, args.profile)),
    };
    let effective =
        scene.to_ron().map_err(|e| Usage(format!("the scene cannot be written down: {e}")))?;
    let origin = match &checkpoint {
        Some(checkpoint) => Origin { scene: effective.clone(), ..checkpoint.origin.clone() },
        None => Origin {
            name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            sha256: source.sha256(),
            description: source.description(),
            scene: effective.clone(),
        },
    };
    let folder = match &args.resume {
        Some(dir) => Folder::open(dir.clone())?,
        None => Folder::create(args.out.as_deref(), &path, &origin.name, args.overwrite)?,
    };
    // A run that goes on is not finished any more, and a training records nothing.
    folder.remove(SUMMARY)?;
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
        quiet: args.quiet,
    };
    session.summary.build_s = started.elapsed().as_secs_f64();
    session.banner()?;
    let times = match (&scene.training, &dataset) {
        (Some(training), Some(data)) if !training.loss.is_gradient() => {
            let learner = Learner::new(training, &network, &plan, data, engine);
            session.learn(learner, data, checkpoint)?
        }
        (Some(training), Some(data)) => {
            let trainer = Trainer::new(training, &network, &plan, data, engine);
            session.train(trainer, data, checkpoint)?
        }
        _ => session.simulate(Simulation::new(&network, &plan, &scene, engine)?, checkpoint)?,
    };
    if args.profile {
        profile(&times)?;
    }
    session.tell(format!("results in {}\n", session.folder.path.display()))
}

fn load_data(training: &scene::Training, network: &Network) -> Result<data::Dataset> {
    let Data::Mnist { dir } = &training.data;
    let mut dataset = data::mnist(dir)?;
    let count = |is: fn(&network::Kind) -> bool| {
        network.populations.iter().find(|p| is(&p.kind)).map_or(0, |p| p.size)
    };
    let sources = count(|kind| matches!(kind, network::Kind::Images(_)));
    if sources != dataset.train.pixels() {
        return Err(Usage(format!(
            "the images have {} pixels ({} x {}), the population of images has {sources} sources; \
             set its size to {}",
            dataset.train.pixels(),
            dataset.train.cols,
            dataset.train.rows,
            dataset.train.pixels()
        ))
        .into());
    }
    if training.loss.is_gradient() {
        let classes = count(|kind| matches!(kind, network::Kind::Readout(_)));
        dataset.train.check_labels(classes)?;
        dataset.test.check_labels(classes)?;
    }
    if let Some(limit) = training.limit {
        dataset.train.truncate(limit as usize);
    }
    Ok(dataset)
}

/// The adapter to run on; none for the processor.
fn adapter(args: &Run) -> Result<Option<Found>> {
    let name = args.adapter.as_deref();
    let on = |wanted| -> Result<Option<Found>> { Ok(Some(gpu::choose(wanted, name)?)) };
    match args.engine {
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
        ..Summary::default()
    }
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
        data: &data::Dataset,
        checkpoint: Option<Checkpoint>,
    ) -> Result<Vec<KernelTime>> {
        if let Some(checkpoint) = checkpoint {
            trainer.restore(&checkpoint)?;
            self.train_on(&trainer.progress)?;
        }
        let (progress, samples) = (trainer.progress.clone(), data.train.len() as u64);
        self.watched(&progress, samples, |store, observe| trainer.run(Some(store), observe))?;
        for (best, file) in [(false, "weights.safetensors"), (true, "weights-best.safetensors")] {
            self.write_weights(file, trainer.natural_weights(best)?, &[])?;
        }
        let times = trainer.engine().profile();
        let confusion = trainer.confusion()?;
        self.training_summary(&trainer.progress, trainer.parameters(), &confusion, data);
        let report = pictures::training(
            &self.origin.description,
            self.network,
            &mut trainer,
            confusion,
            data,
            &self.summary,
            &self.warnings,
        )?;
        self.finish_training(&report)?;
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
        let metrics = self.path("metrics.jsonl");
        let lines: String = progress.epochs.iter().map(json_line).collect();
        write(&metrics, lines.as_bytes())?;
        let mut metrics_file = append(&metrics)?;
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
                    &format!("{}accuracy {:.2} %", of_loss(loss), 100.0 * accuracy),
                ),
                Event::Testing => {}
                Event::Epoch(epoch) => {
                    done_epochs = epoch.epoch;
                    let line = metrics_file.write_all(json_line(epoch).as_bytes());
                    let line = line.map_err(|source| fault(&metrics, source));
                    let told = format!(
                        "epoch {:>3}  {}train {:.2} %  test {:.2} %  {:>6.0} samples/s",
                        epoch.epoch,
                        of_loss(epoch.loss),
                        100.0 * epoch.train_accuracy,
                        100.0 * epoch.test_accuracy,
                        epoch.train_samples_per_s,
                    );
                    written = line.and_then(|()| bar.result(&told));
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
        self.training_summary(&learner.progress, learner.parameters(), &learner.confusion, data);
        let times = learner.engine().profile();
        let report = pictures::learning(
            &self.origin.description,
            self.network,
            &mut learner,
            data,
            &self.summary,
            &self.warnings,
        )?;
        self.finish_training(&report)?;
        Ok(times)
    }

    fn train_on(&self, progress: &train::Progress) -> Result<()> {
        let (epoch, batch) = (progress.epoch, progress.batch);
        self.tell(format!("going on after {epoch} epochs and {batch} batches\n"))
    }

    fn finish_training(&self, report: &crate::report::Report<'_>) -> Result<()> {
        self.finish(report)?;
        let Some(training) = &self.summary.training else { return Ok(()) };
        let (accuracy, seconds) = (100.0 * training.test_accuracy, self.summary.wall_s);
        self.tell(format!("test accuracy {accuracy:.2} % in {seconds:.1} s\n"))
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
        data: &data::Dataset,
    ) {
        let epochs = &progress.epochs;
        let Some(last) = epochs.last() else { return };
        self.summary.wall_s = progress.wall_s;
        let seconds = data.test.len() as f64 * self.plan.steps as f64 * self.network.dt * 1e-3;
        let tested = data.test.len() as f64;
        for (k, population) in self.network.populations.iter().enumerate() {
            let spikes = population.spikes().then(|| (last.test_spikes[k] * tested).round() as u64);
            let rate_hz = spikes.map(|s| s as f64 / population.size as f64 / seconds);
            let size = population.size as u64;
            let entry = summary::Population { size, spikes, rate_hz, cv_isi: None };
            self.summary.populations.push((population.name.clone(), entry));
        }
        self.summary.training = Some(summary::Training {
            parameters,
            test_accuracy: last.test_accuracy,
            test_loss: last.test_loss,
            best_test_accuracy: epochs.iter().map(|e| e.test_accuracy).fold(0.0, f64::max),
            epochs: epochs.clone(),
            confusion: confusion
                .chunks(confusion.len().isqrt().max(1))
                .map(<[_]>::to_vec)
                .collect(),
        });
    }

    /// Summary and report. The summary is on disk before the report takes what room there is, and in its
    /// place after it.
    pub fn finish(&self, report: &crate::report::Report<'_>) -> Result<()> {
        let path = self.path(SUMMARY);
        let json =
            serde_json::to_string_pretty(&self.summary).map_err(|e| fault(&path, e.into()))?;
        let summary = Draft::write(&path, |w| writeln!(w, "{json}"));
        let summary = summary.map_err(|source| fault(&path, source))?;
        if let Err(e) = crate::report::write(report, &self.folder.path) {
            // Pictures are not worth the loss of the numbers.
            log::warn!("the report is incomplete: {e}");
        }
        Ok(summary.publish().map_err(|source| fault(&path, source))?)
    }
}

fn json_line(epoch: &train::Epoch) -> String {
    serde_json::to_string(epoch).map(|line| line + "\n").unwrap_or_default()
}

fn write(path: &Path, content: &[u8]) -> Result<(), FileFault> {
    files::write_atomic(path, |w| w.write_all(content)).map_err(|source| fault(path, source))
}

fn append(path: &Path) -> Result<std::fs::File, FileFault> {
    let file = std::fs::OpenOptions::new().append(true).open(path);
    file.map_err(|source| fault(path, source))
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
