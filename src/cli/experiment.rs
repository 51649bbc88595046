//! Experiments: a scene with stages, each of which is a run of its own in a folder of the run folder, or with each of
//! several seeds one in a folder of that.
//!
//! What a stage is, is settled when the experiment begins: its scene stands in its folder from then on. A stage that is
//! finished has a summary, and is not done again; one that was interrupted goes on from its checkpoint. What the
//! experiment is about is taken from the summaries of its stages, as means over seeds, and is there when its own summary is.

use super::folder::{EXPERIMENT, Folder, SCENE, SUMMARY, write};
use super::prepare::prepare;
use super::resume::{has_begun, is_finished, summary};
use super::run::{Job, one, origin, written};
use super::side_by_side::{Finished, curves, main_number, mean, short, spread};
use super::stop::Stop;
use super::terminal::print;
use super::{FileFault, Interrupted, Run, Usage, fault, pictures};
use crate::checkpoint::{Origin, Start};
use crate::files::{read, write_atomic};
use crate::report::{self, Parts, Report, Runs};
use crate::scene::{self, Order, Override, SEED, SEEDS, Scene, SceneError, Source, Warning};
use crate::summary::as_map;
use crate::words::moment;
use anyhow::Result;
use serde::Serialize;
use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A stage as a scene of its own.
pub struct Stage {
    /// Its name.
    pub name: String,
    /// The scene.
    pub scene: Scene,
    /// Its text.
    pub source: Source,
    /// What may not be as it was meant.
    pub warnings: Vec<Warning>,
}

/// The stages of a scene, without what they begin with, with a seed if one is given. Overrides go over what a stage sets.
///
/// # Errors
/// A stage is no sound scene.
pub fn stages(
    path: &Path,
    overrides: &[Override],
    scene: &Scene,
    seed: Option<u64>,
) -> Result<Vec<Stage>, Box<SceneError>> {
    let change = |path: &str, value: String| Override { path: path.to_owned(), value };
    let stage = |(name, stage): (&String, &scene::Stage)| {
        let mut all: Vec<Override> =
            stage.set.iter().filter_map(|text| text.parse().ok()).collect();
        all.extend_from_slice(overrides);
        all.extend(seed.map(|seed| change(SEED, seed.to_string())));
        let nothing = [("stages", "{}"), (SEEDS, "[]"), ("results", "{}")];
        all.extend(nothing.map(|(path, value)| change(path, value.to_owned())));
        let (scene, source, warnings) = scene::load(path, &all)?;
        Ok(Stage { name: name.clone(), scene, source, warnings })
    };
    scene.stages.iter().map(|(name, of)| stage((name, of))).collect()
}

/// The seeds with which stages are run; one that is none, if a scene has no seeds of an experiment.
fn seeds(scene: &Scene) -> Vec<Option<u64>> {
    match &scene.seeds[..] {
        [] => vec![None],
        seeds => seeds.iter().copied().map(Some).collect(),
    }
}

/// The folder of a run within that of its experiment.
fn place(stage: &str, seed: Option<u64>) -> String {
    seed.map_or_else(|| stage.to_owned(), |seed| format!("{stage}/{seed}"))
}

/// The summary of an experiment.
#[derive(Serialize)]
struct Summary<'a> {
    scene: &'a str,
    scene_sha256: &'a str,
    version: &'static str,
    seed: u64,
    /// Those with which every stage was run.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    seeds: &'a [u64],
    engine: Value,
    adapter: Value,
    driver: Value,
    /// Of all stages \[s\].
    wall_s: f64,
    #[serde(serialize_with = "as_map")]
    results: &'a [(String, Value)],
    /// Standard deviations of the results, as of a sample, over seeds.
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "as_map")]
    results_sd: &'a [(String, f64)],
    /// Summaries of the stages, without their epochs; of several seeds those of each.
    #[serde(serialize_with = "as_map")]
    stages: Vec<(String, Value)>,
    #[serde(flatten)]
    start: &'a Start,
}

/// Begins an experiment: everything that can be found wrong is, before anything is run; then each stage gets its folder.
fn begin(
    args: &Run,
    path: &Path,
    overrides: &[Override],
    (scene, source): (&Scene, &Source),
) -> Result<(Folder, Origin)> {
    let mut all = Vec::new();
    for seed in seeds(scene) {
        let stages = stages(path, overrides, scene, seed).map_err(|e| *e)?;
        // Another seed puts other numbers into the same plans.
        for stage in stages.iter().filter(|_| all.is_empty()) {
            prepare(&stage.scene, true, None, false)?;
            scored(stage, scene)?;
        }
        all.push((seed, stages));
    }
    let origin = origin(path, source, overrides, written(scene)?);
    let folder = Folder::create(args.out.as_deref(), path, &origin.name, args.overwrite)?;
    write(&folder.join(SCENE), origin.scene.as_bytes())?;
    let create =
        |place: &str| Folder::create(Some(&folder.join(place)), path, place, args.overwrite);
    // Folders of stages are this program's too where runs are within them.
    for (name, _) in scene.stages.iter().filter(|_| !scene.seeds.is_empty()) {
        create(name)?;
    }
    for (seed, stages) in all {
        for stage in stages {
            let own = create(&place(&stage.name, seed))?;
            write(&own.join(SCENE), written(&stage.scene)?.as_bytes())?;
        }
    }
    // Last: with it the experiment can be resumed.
    let known = folder.join(EXPERIMENT);
    let json = serde_json::to_string_pretty(&origin).map_err(|e| fault(&known, e.into()))?;
    write(&known, json.as_bytes())?;
    Ok((folder, origin))
}

/// Whether a stage shows samples by the scores of another, if it says so, and by some, if it is to.
fn scored(stage: &Stage, scene: &Scene) -> Result<(), Usage> {
    let from = scene.stages.iter().find(|(name, _)| **name == stage.name);
    let from = from.and_then(|(_, stage)| stage.scores.as_deref());
    let order = stage.scene.training.as_ref().map(|training| &training.order);
    let why = match (from, order) {
        (Some(_), Some(Order::Scored { file: Some(_), .. })) => {
            "has `scores`, and a `file` of others; leave one of them out"
        }
        (Some(_), order) if !matches!(order, Some(Order::Scored { .. })) => {
            "has `scores`, and shows no samples by them; write `order: Scored(...)` in its training, or leave them out"
        }
        (None, Some(Order::Scored { file: None, .. })) => {
            "shows samples by scores, and has none; give `scores`, an earlier stage, or a `file`"
        }
        _ => return Ok(()),
    };
    Err(Usage(format!("stages.{}: it {why}", stage.name)))
}

/// Takes the folder of an experiment that is to go on.
fn go_on(dir: &Path) -> Result<(Folder, Origin)> {
    let known = dir.join(EXPERIMENT);
    let text = read::read(&known, 1 << 30).map_err(|source| fault(&known, source))?;
    let origin = serde_json::from_slice(&text).map_err(|e| fault(&known, e.into()))?;
    Ok((Folder::open(dir.to_owned())?, origin))
}

/// Runs the stages of a scene, or goes on with them.
///
/// # Errors
/// Those of a run.
pub fn run(
    args: &Run,
    path: &Path,
    overrides: &[Override],
    (scene, source): (&Scene, &Source),
) -> Result<()> {
    if let Some(dir) = args.resume.as_ref().filter(|_| !overrides.is_empty()) {
        let dir = dir.display();
        let why = format!(
            "{dir} is an experiment, which goes on as it began: leave out --set and --seed, or run the scene into \
             another folder"
        );
        return Err(Usage(why).into());
    }
    let (folder, origin) = match &args.resume {
        None => begin(args, path, overrides, (scene, source))?,
        Some(dir) if is_finished(dir) => {
            return Ok(print(format!("{} is finished; nothing is left to do\n", dir.display()))?);
        }
        Some(dir) => go_on(dir)?,
    };
    let home = folder.path.canonicalize().map_err(|source| fault(&folder.path, source))?;
    let stop = Stop::listen();
    let interrupted = || Interrupted(folder.path.clone());
    let (seeds, count) = (seeds(scene), scene.stages.len());
    let mut stages: Vec<(String, Vec<Value>)> = Vec::new();
    for (k, (name, stage)) in scene.stages.iter().enumerate() {
        let mut summaries = Vec::new();
        for (run, seed) in (1..).zip(&seeds) {
            if stop.asked() {
                return Err(interrupted().into());
            }
            if !args.means.quiet {
                let about = stage.about.as_deref().unwrap_or_default();
                let colon = if about.is_empty() { "" } else { ": " };
                let seed = seed.map_or_else(String::new, |seed| {
                    let (run, runs) = (k * seeds.len() + run, count * seeds.len());
                    format!(", seed {seed} (run {run} of {runs})")
                });
                print(format!("\nstage {} of {count}, {name}{seed}{colon}{about}\n", k + 1))?;
            }
            let dir = folder.join(&place(name, *seed));
            if !is_finished(&dir) {
                let earlier =
                    |name: &Option<String>| name.as_ref().map(|name| home.join(place(name, *seed)));
                let begins = Begins {
                    from: earlier(&stage.from).map(|from| (from, stage.reinit.clone())),
                    scores: earlier(&stage.scores),
                };
                run_stage(args, &dir, begins, &origin, name).map_err(|e| {
                    match e.is::<Interrupted>() {
                        true => interrupted().into(),
                        false => e,
                    }
                })?;
            } else if !args.means.quiet {
                print("it is finished\n")?;
            }
            summaries.push(summary(&dir)?);
        }
        stages.push((name.clone(), summaries));
    }
    conclude(args, scene, (&folder, &origin), stages)
}

/// Takes what the experiment is about from the summaries of the runs of its stages, tells it, and writes report and
/// summary.
fn conclude(
    args: &Run,
    scene: &Scene,
    (folder, origin): (&Folder, &Origin),
    mut stages: Vec<(String, Vec<Value>)>,
) -> Result<()> {
    let runs = || stages.iter().flat_map(|(_, runs)| runs);
    let wall_s = runs().filter_map(|run| run["wall_s"].as_f64()).sum();
    let of_first = |field: &str| runs().next().map_or(Value::Null, |run| run[field].clone());
    let [engine, adapter, driver] = ["engine", "adapter", "driver"].map(of_first);
    for run in stages.iter_mut().flat_map(|(_, runs)| runs) {
        if let Some(training) = run["training"].as_object_mut() {
            training.remove("epochs");
        }
    }
    let by_seed = |mut runs: Vec<Value>| match &scene.seeds[..] {
        [] => runs.remove(0),
        seeds => seeds.iter().map(u64::to_string).zip(runs).collect(),
    };
    let stages: Vec<(String, Value)> =
        stages.into_iter().map(|(name, runs)| (name, by_seed(runs))).collect();
    let results = results(scene, &stages.iter().cloned().collect());
    if !args.means.quiet {
        print(format!("\n{}results in {}\n", results.told(), folder.path.display()))?;
    }
    if !args.no_report {
        let place = |run: &str| format!("{run}/{}", report::PAGE);
        let page = page(scene, origin, &results, (&folder.path, &place))?;
        if let Err(e) = report::write(&page, &folder.path) {
            log::warn!("the report is incomplete: {e}");
        }
    }
    let summary = Summary {
        engine,
        adapter,
        driver,
        scene: &origin.name,
        scene_sha256: &origin.sha256,
        version: env!("CARGO_PKG_VERSION"),
        seed: scene.seeds.first().copied().unwrap_or(scene.simulation.seed),
        seeds: &scene.seeds,
        wall_s,
        results: &results.values,
        results_sd: &results.deviations,
        stages,
        start: &origin.start,
    };
    let path = folder.join(SUMMARY);
    let json = serde_json::to_string_pretty(&summary).map_err(|e| fault(&path, e.into()))?;
    let written = write_atomic(&path, |w| writeln!(w, "{json}"));
    written.map_err(|source| fault(&path, source))?;
    results.complete()
}

/// The report of an experiment: its results, and where the reports of its stages are, by way of `place` from those of
/// the runs in the folder `dir`.
///
/// # Errors
/// A summary cannot be read.
pub fn page<'a>(
    scene: &Scene,
    origin: &'a Origin,
    results: &Results,
    (dir, to): (&Path, &dyn Fn(&str) -> String),
) -> Result<Report<'a>, FileFault> {
    let seeds = seeds(scene);
    let mut runs = Vec::new();
    for (name, _) in &scene.stages {
        for seed in &seeds {
            let own = place(name, *seed);
            runs.push(Finished::read(&dir.join(&own), (own.clone(), to(&own)), Vec::new())?);
        }
    }
    let main = main_number(&runs).unwrap_or_default();
    let cell = |run: &Finished| {
        let number = run.number(main).map_or_else(|| "report".to_owned(), short);
        (run.place.clone(), number)
    };
    let row = |((name, stage), runs): ((&String, &scene::Stage), &[Finished])| {
        let about = stage.about.clone().unwrap_or_default();
        (name.clone(), about, runs.iter().map(cell).collect())
    };
    Ok(Report {
        title: &origin.name,
        description: origin.description.clone(),
        facts: results.told.iter().cloned().chain(pictures::started(&origin.start)).collect(),
        parts: Parts {
            seeds: scene.seeds.clone(),
            number: main.to_owned(),
            rows: scene
                .stages
                .iter()
                .map(|(k, v)| (k, v))
                .zip(runs.chunks(seeds.len()))
                .map(row)
                .collect(),
        },
        // Curves of stages beside those of their controls; a single epoch makes none.
        runs: Some(Runs { curves: curves(&runs, 2), ..Runs::default() }),
        ..Report::default()
    })
}

/// What a stage has of earlier ones.
struct Begins {
    /// The folder whose learned numbers it has at first, and for what not.
    from: Option<(PathBuf, Vec<String>)>,
    /// The folder by whose scores it shows samples.
    scores: Option<PathBuf>,
}

/// Runs a stage as it stands in its folder, or goes on with it.
fn run_stage(args: &Run, dir: &Path, begins: Begins, origin: &Origin, name: &str) -> Result<()> {
    let path = dir.join(SCENE);
    let (mut scene, source, warnings) = scene::load(&path, &[]).map_err(|e| *e)?;
    if let Some((from, reinit)) = begins.from {
        (scene.initial, scene.reinit) = (Some(from), reinit);
    }
    if let Some(Order::Scored { file, .. }) = scene.training.as_mut().map(|t| &mut t.order)
        && begins.scores.is_some()
    {
        *file = begins.scores;
    }
    let start = Start { started: moment(SystemTime::now()), ..origin.start.clone() };
    let job = Job {
        path: Path::new(""),
        origin: Origin { name: format!("{} {name}", origin.name), start, ..origin.clone() },
        scene,
        source,
        warnings,
        out: Some(dir),
        resume: has_begun(dir).then_some(dir),
        overwrite: true,
    };
    one(args, job)
}

/// What a scene is about.
#[derive(Default)]
pub struct Results {
    /// By name: what the summaries have, or of several seeds the mean.
    pub values: Vec<(String, Value)>,
    /// Standard deviations of the means.
    pub deviations: Vec<(String, f64)>,
    /// The results as they are told.
    told: Vec<(String, String)>,
    /// What is not there.
    missing: Vec<String>,
}

/// What a scene is about, from the summaries of its stages by name, and by seed where there are several, or from its own.
pub fn results(scene: &Scene, summary: &Value) -> Results {
    let mut results = Results::default();
    for (name, place) in &scene.results {
        if place == SEEDS && !scene.seeds.is_empty() {
            results.tell(name, scene.seeds.len().into());
            continue;
        }
        let each = seeds(scene).into_iter().map(|seed| find(summary, place, seed));
        let Some(each) = each.collect::<Option<Vec<Value>>>() else {
            results.missing.push(format!("results.{name}: there is no number `{place}`"));
            continue;
        };
        let numbers: Vec<f64> = each.iter().filter_map(Value::as_f64).collect();
        let alike = each.iter().all(|value| *value == each[0]);
        match spread(&numbers) {
            (average, Some(deviation)) if numbers.len() == each.len() => {
                results.values.push((name.clone(), average.into()));
                results.deviations.push((name.clone(), deviation));
                results.told.push((name.clone(), mean(&numbers)));
            }
            _ if alike => results.tell(name, each[0].clone()),
            _ => {
                let why = format!("`{place}` is no number, and differs between seeds");
                results.missing.push(format!("results.{name}: {why}"));
            }
        }
    }
    results
}

/// What stands at a place of a summary; of several seeds those of a stage lie beneath its name.
fn find(summary: &Value, place: &str, seed: Option<u64>) -> Option<Value> {
    let seed = seed.map(|seed| seed.to_string());
    let mut words: Vec<&str> = place.split('.').collect();
    if let Some(seed) = &seed {
        words.insert(1, seed);
    }
    let value = words.into_iter().try_fold(summary, |value, word| match value {
        Value::Array(values) => values.get(word.parse::<usize>().ok()?),
        value => value.get(word),
    });
    value.filter(|v| matches!(v, Value::Number(_) | Value::Bool(_) | Value::String(_))).cloned()
}

impl Results {
    /// Takes a value as it is.
    fn tell(&mut self, name: &str, value: Value) {
        self.told.push((name.to_owned(), value.to_string()));
        self.values.push((name.to_owned(), value));
    }

    /// A line for each.
    pub fn told(&self) -> String {
        self.told.iter().map(|(name, told)| format!("{name:<32} {told}\n")).collect()
    }

    /// Fails if a result is not in the summary, which is there by now.
    pub fn complete(self) -> Result<()> {
        if self.missing.is_empty() {
            return Ok(());
        }
        let lines = self.missing.join("\n");
        Err(Usage(format!(
            "{lines}\nThe summaries are written; look there for what the places are called"
        ))
        .into())
    }
}
