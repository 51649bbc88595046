//! Experiments: a scene with stages, each of which is a run of its own in a folder of the run folder.
//!
//! A stage that is finished has a summary, and is not done again; one that was interrupted goes on from its
//! checkpoint. What the experiment is about is taken from the summaries of its stages, and is there when its own
//! summary is.

use super::folder::{CHECKPOINTS, Folder, SCENE, SUMMARY};
use super::run::{Job, one, write};
use super::terminal::print;
use super::{Interrupted, Run, Usage, fault};
use crate::checkpoint;
use crate::files::{read, write_atomic};
use crate::report::{self, Report};
use crate::scene::{self, Override, Scene, SceneError, Source, Warning};
use crate::summary::as_map;
use anyhow::Result;
use serde::Serialize;
use serde_json::Value;
use std::io::Write as _;
use std::path::Path;

/// A stage as a scene of its own.
pub struct Stage {
    /// Its name.
    pub name: String,
    /// What it shows.
    pub about: String,
    /// The scene.
    pub scene: Scene,
    /// Its text.
    pub source: Source,
    /// What may not be as it was meant.
    pub warnings: Vec<Warning>,
}

/// The stages of a scene; they begin with what earlier ones left in `folder`, if there is one.
///
/// # Errors
/// A stage is no sound scene.
pub fn stages(
    path: &Path,
    overrides: &[Override],
    scene: &Scene,
    folder: Option<&Path>,
) -> Result<Vec<Stage>, Box<SceneError>> {
    let change = |path: &str, value: String| Override { path: path.to_owned(), value };
    let stage = |(name, stage): (&String, &scene::Stage)| {
        let mut all = overrides.to_vec();
        all.push(change("stages", "{}".to_owned()));
        all.push(change("results", "{}".to_owned()));
        all.extend(stage.set.iter().filter_map(|text| text.parse().ok()));
        if let (Some(from), Some(folder)) = (&stage.from, folder) {
            all.push(change("initial", format!("{:?}", folder.join(from).display().to_string())));
        }
        let (scene, source, warnings) = scene::load(path, &all)?;
        let about = stage.about.clone().unwrap_or_default();
        Ok(Stage { name: name.clone(), about, scene, source, warnings })
    };
    scene.stages.iter().map(|(name, of)| stage((name, of))).collect()
}

/// The summary of an experiment.
#[derive(Serialize)]
struct Summary<'a> {
    scene: &'a str,
    scene_sha256: String,
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
    let effective =
        scene.to_ron().map_err(|e| Usage(format!("the scene cannot be written down: {e}")))?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    // Everything that can be found wrong is, before anything is run.
    stages(path, overrides, scene, None).map_err(|e| *e)?;
    let (folder, name) = match &args.resume {
        None => {
            let folder = Folder::create(args.out.as_deref(), path, &stem, args.overwrite)?;
            write(&folder.join(SCENE), effective.as_bytes())?;
            (folder, stem)
        }
        Some(dir) => {
            let known = dir.join(SCENE);
            let text = read::read(&known, 1 << 30).map_err(|source| fault(&known, source))?;
            let text = String::from_utf8_lossy(&text).into_owned();
            let earlier = scene::load_str("scene of the run", &text, dir, &[]).map_err(|e| *e)?;
            if earlier.0 != *scene {
                return Err(Usage(format!(
                    "{} is a run of another scene; an experiment goes on as it began. Run the scene into \
                     another folder",
                    dir.display()
                ))
                .into());
            }
            let finished = dir.join(SUMMARY).is_file();
            let folder = Folder::open(dir.clone())?;
            if finished {
                return Ok(print(format!(
                    "{} is finished; nothing is left to do\n",
                    dir.display()
                ))?);
            }
            let name = folder.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (folder, name)
        }
    };
    let home = std::path::absolute(&folder.path).map_err(|source| fault(&folder.path, source))?;
    let stages = stages(path, overrides, scene, Some(&home)).map_err(|e| *e)?;
    let mut summaries: Vec<(String, Value)> = Vec::new();
    let count = stages.len();
    for (k, stage) in stages.into_iter().enumerate() {
        let Stage { name: stage_name, about, scene, source, warnings } = stage;
        if !args.quiet {
            let colon = if about.is_empty() { "" } else { ": " };
            print(format!("\nstage {} of {count}, {stage_name}{colon}{about}\n", k + 1))?;
        }
        let dir = folder.join(&stage_name);
        if args.resume.is_none() || !dir.join(SUMMARY).is_file() {
            let begun = args.resume.is_some() && checkpoint::newest(&dir.join(CHECKPOINTS)).is_ok();
            let job = Job {
                path,
                name: format!("{name} {stage_name}"),
                scene,
                source,
                warnings,
                out: Some(&dir),
                resume: begun.then_some(&*dir),
                overwrite: args.overwrite || args.resume.is_some(),
            };
            one(args, job).map_err(|e| match e.is::<Interrupted>() {
                true => Interrupted(folder.path.clone()).into(),
                false => e,
            })?;
        } else if !args.quiet {
            print("it is finished\n")?;
        }
        let summary = dir.join(SUMMARY);
        let text = read::read(&summary, 1 << 30).map_err(|source| fault(&summary, source))?;
        let value = serde_json::from_slice(&text).map_err(|e| fault(&summary, e.into()))?;
        summaries.push((stage_name, value));
    }
    let named: serde_json::Map<String, Value> = summaries.iter().cloned().collect();
    let results = results(scene, &Value::Object(named));
    let wall_s = summaries.iter().filter_map(|(_, s)| s["wall_s"].as_f64()).sum();
    for (_, summary) in &mut summaries {
        if let Some(training) = summary["training"].as_object_mut() {
            training.remove("epochs");
        }
    }
    if !args.quiet {
        let line = |(name, value): &(String, Value)| format!("{name:<32} {value}\n");
        let lines: String = results.iter().map(line).collect();
        print(format!("\n{lines}results in {}\n", folder.path.display()))?;
    }
    let text = |value: &Value| value.to_string();
    let page = Report {
        title: &name,
        description: source.description(),
        facts: results.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
        parts: summaries
            .iter()
            .map(|(name, _)| {
                let about = scene.stages.iter().find(|(known, _)| known == name);
                let about = about.and_then(|(_, stage)| stage.about.clone()).unwrap_or_default();
                (name.clone(), format!("{name}/report.html"), about)
            })
            .collect(),
        ..Report::default()
    };
    if let Err(e) = report::write(&page, &folder.path) {
        log::warn!("the report is incomplete: {e}");
    }
    let of_first = |field: &str| summaries.first().map_or(Value::Null, |(_, s)| s[field].clone());
    let summary = Summary {
        engine: of_first("engine"),
        adapter: of_first("adapter"),
        driver: of_first("driver"),
        scene: &name,
        scene_sha256: source.sha256(),
        version: env!("CARGO_PKG_VERSION"),
        seed: scene.simulation.seed,
        wall_s,
        results,
        stages: summaries,
    };
    let path = folder.join(SUMMARY);
    let json = serde_json::to_string_pretty(&summary).map_err(|e| fault(&path, e.into()))?;
    let written = write_atomic(&path, |w| writeln!(w, "{json}"));
    Ok(written.map_err(|source| fault(&path, source))?)
}

/// What a scene is about, from the summaries of its stages by name, or from its own.
pub fn results(scene: &Scene, summary: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (name, place) in &scene.results {
        let value = place.split('.').try_fold(summary, |value, word| match value {
            Value::Array(values) => values.get(word.parse::<usize>().ok()?),
            value => value.get(word),
        });
        match value {
            Some(value @ (Value::Number(_) | Value::Bool(_) | Value::String(_))) => {
                found.push((name.clone(), value.clone()));
            }
            _ => log::warn!("results.{name}: there is no number `{place}` in the summary"),
        }
    }
    found
}
