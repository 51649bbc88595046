//! Experiments: a scene with stages, each of which is a run of its own in a folder of the run folder.
//!
//! What a stage is, is settled when the experiment begins: its scene stands in its folder from then on. A stage that is
//! finished has a summary, and is not done again; one that was interrupted goes on from its checkpoint. What the
//! experiment is about is taken from the summaries of its stages, and is there when its own summary is.

use super::folder::{EXPERIMENT, Folder, SCENE, SUMMARY};
use super::resume::{has_begun, is_finished, summary};
use super::run::{Job, MAX_BINDING, one, origin, prepare, write, written};
use super::stop::Stop;
use super::terminal::print;
use super::{Interrupted, Run, Usage, fault};
use crate::checkpoint::Origin;
use crate::files::{read, write_atomic};
use crate::report::{self, Report};
use crate::scene::{self, Override, Scene, SceneError, Source, Warning};
use crate::summary::as_map;
use anyhow::Result;
use serde::Serialize;
use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};

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

/// The stages of a scene, without what they begin with. Overrides go over what a stage sets.
///
/// # Errors
/// A stage is no sound scene.
pub fn stages(
    path: &Path,
    overrides: &[Override],
    scene: &Scene,
) -> Result<Vec<Stage>, Box<SceneError>> {
    let nothing = |path: &str| Override { path: path.to_owned(), value: "{}".to_owned() };
    let stage = |(name, stage): (&String, &scene::Stage)| {
        let mut all: Vec<Override> =
            stage.set.iter().filter_map(|text| text.parse().ok()).collect();
        all.extend_from_slice(overrides);
        all.extend(["stages", "results"].map(nothing));
        let (scene, source, warnings) = scene::load(path, &all)?;
        Ok(Stage { name: name.clone(), scene, source, warnings })
    };
    scene.stages.iter().map(|(name, of)| stage((name, of))).collect()
}

/// The summary of an experiment.
#[derive(Serialize)]
struct Summary<'a> {
    scene: &'a str,
    scene_sha256: &'a str,
    version: &'static str,
    seed: u64,
    engine: Value,
    adapter: Value,
    driver: Value,
    /// Of all stages \[s\].
    wall_s: f64,
    #[serde(serialize_with = "as_map")]
    results: Vec<(String, Value)>,
    /// Summaries of the stages, without their epochs.
    #[serde(serialize_with = "as_map")]
    stages: Vec<(String, Value)>,
}

/// Begins an experiment: everything that can be found wrong is, before anything is run; then each stage gets its folder.
fn begin(
    args: &Run,
    path: &Path,
    overrides: &[Override],
    (scene, source): (&Scene, &Source),
) -> Result<(Folder, Origin)> {
    let stages = stages(path, overrides, scene).map_err(|e| *e)?;
    for stage in &stages {
        prepare(&stage.scene, true, MAX_BINDING)?;
    }
    let origin = origin(path, source, written(scene)?);
    let folder = Folder::create(args.out.as_deref(), path, &origin.name, args.overwrite)?;
    write(&folder.join(SCENE), origin.scene.as_bytes())?;
    for stage in stages {
        let dir = folder.join(&stage.name);
        let own = Folder::create(Some(&dir), path, &stage.name, args.overwrite)?;
        write(&own.join(SCENE), written(&stage.scene)?.as_bytes())?;
    }
    // Last: with it the experiment can be resumed.
    let known = folder.join(EXPERIMENT);
    let json = serde_json::to_string_pretty(&origin).map_err(|e| fault(&known, e.into()))?;
    write(&known, json.as_bytes())?;
    Ok((folder, origin))
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
    let mut summaries: Vec<(String, Value)> = Vec::new();
    for (k, (name, stage)) in scene.stages.iter().enumerate() {
        if stop.asked() {
            return Err(interrupted().into());
        }
        if !args.means.quiet {
            let about = stage.about.as_deref().unwrap_or_default();
            let colon = if about.is_empty() { "" } else { ": " };
            print(format!("\nstage {} of {}, {name}{colon}{about}\n", k + 1, scene.stages.len()))?;
        }
        let dir = folder.join(name);
        if !is_finished(&dir) {
            let from = stage.from.as_ref().map(|from| home.join(from));
            run_stage(args, &dir, from, &origin, name).map_err(|e| {
                match e.is::<Interrupted>() {
                    true => interrupted().into(),
                    false => e,
                }
            })?;
        } else if !args.means.quiet {
            print("it is finished\n")?;
        }
        summaries.push((name.clone(), summary(&dir)?));
    }
    conclude(args, scene, (&folder, &origin), summaries)
}

/// Takes what the experiment is about from the summaries of its stages, tells it, and writes report and summary.
fn conclude(
    args: &Run,
    scene: &Scene,
    (folder, origin): (&Folder, &Origin),
    mut summaries: Vec<(String, Value)>,
) -> Result<()> {
    let named: serde_json::Map<String, Value> = summaries.iter().cloned().collect();
    let (results, missing) = results(scene, &Value::Object(named));
    let wall_s = summaries.iter().filter_map(|(_, s)| s["wall_s"].as_f64()).sum();
    for (_, summary) in &mut summaries {
        if let Some(training) = summary["training"].as_object_mut() {
            training.remove("epochs");
        }
    }
    if !args.means.quiet {
        let line = |(name, value): &(String, Value)| format!("{name:<32} {value}\n");
        let lines: String = results.iter().map(line).collect();
        print(format!("\n{lines}results in {}\n", folder.path.display()))?;
    }
    let page = page(scene, origin, &results, |stage| format!("{stage}/{}", report::PAGE));
    if !args.no_report
        && let Err(e) = report::write(&page, &folder.path)
    {
        log::warn!("the report is incomplete: {e}");
    }
    let of_first = |field: &str| summaries.first().map_or(Value::Null, |(_, s)| s[field].clone());
    let summary = Summary {
        engine: of_first("engine"),
        adapter: of_first("adapter"),
        driver: of_first("driver"),
        scene: &origin.name,
        scene_sha256: &origin.sha256,
        version: env!("CARGO_PKG_VERSION"),
        seed: scene.simulation.seed,
        wall_s,
        results,
        stages: summaries,
    };
    let path = folder.join(SUMMARY);
    let json = serde_json::to_string_pretty(&summary).map_err(|e| fault(&path, e.into()))?;
    let written = write_atomic(&path, |w| writeln!(w, "{json}"));
    written.map_err(|source| fault(&path, source))?;
    complete(missing)
}

/// The report of an experiment: its results, and where the reports of its stages are.
pub fn page<'a>(
    scene: &Scene,
    origin: &'a Origin,
    results: &[(String, Value)],
    place: impl Fn(&str) -> String,
) -> Report<'a> {
    let stages = scene
        .stages
        .iter()
        .map(|(name, stage)| (name.clone(), place(name), stage.about.clone().unwrap_or_default()));
    Report {
        title: &origin.name,
        description: origin.description.clone(),
        facts: results.iter().map(|(name, value)| (name.clone(), value.to_string())).collect(),
        parts: stages.collect(),
        ..Report::default()
    }
}

/// Runs a stage as it stands in its folder, or goes on with it.
fn run_stage(
    args: &Run,
    dir: &Path,
    from: Option<PathBuf>,
    origin: &Origin,
    name: &str,
) -> Result<()> {
    let path = dir.join(SCENE);
    let (mut scene, source, warnings) = scene::load(&path, &[]).map_err(|e| *e)?;
    if from.is_some() {
        scene.initial = from;
    }
    let job = Job {
        path: Path::new(""),
        origin: Origin { name: format!("{} {name}", origin.name), ..origin.clone() },
        scene,
        source,
        warnings,
        out: Some(dir),
        resume: has_begun(dir).then_some(dir),
        overwrite: true,
    };
    one(args, job)
}

/// What a scene is about, from the summaries of its stages by name, or from its own; and what is not there.
pub fn results(scene: &Scene, summary: &Value) -> (Vec<(String, Value)>, Vec<String>) {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for (name, place) in &scene.results {
        let value = place.split('.').try_fold(summary, |value, word| match value {
            Value::Array(values) => values.get(word.parse::<usize>().ok()?),
            value => value.get(word),
        });
        match value {
            Some(value @ (Value::Number(_) | Value::Bool(_) | Value::String(_))) => {
                found.push((name.clone(), value.clone()));
            }
            _ => missing.push(format!("results.{name}: there is no number `{place}`")),
        }
    }
    (found, missing)
}

/// Fails if a result is not in the summary, which is there by now.
pub fn complete(missing: Vec<String>) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let lines = missing.join("\n");
    Err(Usage(format!(
        "{lines}\nThe summaries are written; look there for what the places are called"
    ))
    .into())
}
