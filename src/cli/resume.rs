//! `--resume`: whether a run can go on, and from what.
//!
//! A run goes on as what it began as. The scene in its folder, with the overrides of the command line, is
//! compared with the one in its newest checkpoint; all that may have changed is how long it is to be.

use super::folder::{CHECKPOINTS, EXPERIMENT, Folder, SCENE, SUMMARY};
use super::terminal::print;
use super::{FileFault, Usage, fault};
use crate::archive;
use crate::checkpoint::{self, Checkpoint, CheckpointError};
use crate::files::read;
use crate::scene::{self, Scene};
use anyhow::Result;
use serde_json::Value;
use std::path::Path;

/// What may become larger when a run goes on.
const LENGTHS: [&str; 2] = ["training.epochs", "simulation.duration"];

/// Whether the run in a folder has come to its end.
pub fn is_finished(dir: &Path) -> bool {
    dir.join(SUMMARY).is_file()
}

/// Whether there is something to go on from in the folder of a run that is not finished.
pub fn has_begun(dir: &Path) -> bool {
    let none = |e| matches!(e, CheckpointError::None { .. });
    dir.join(EXPERIMENT).is_file() || !checkpoint::newest(&dir.join(CHECKPOINTS)).is_err_and(none)
}

/// The summary of a finished run.
///
/// # Errors
/// It cannot be read.
pub fn summary(dir: &Path) -> Result<Value, FileFault> {
    let path = dir.join(SUMMARY);
    let text = read::read(&path, 1 << 30).map_err(|source| fault(&path, source))?;
    serde_json::from_slice(&text).map_err(|e| fault(&path, e.into()))
}

/// The checkpoint from which the run in a folder goes on as this scene; none if nothing is left to do, which
/// is then said.
pub fn from(dir: &Path, scene: &Scene) -> Result<Option<Checkpoint>> {
    let finished = is_finished(dir);
    let newest = checkpoint::newest(&dir.join(CHECKPOINTS));
    let text = match &newest {
        Ok(checkpoint) => checkpoint.origin.scene.clone(),
        // What ended needs no checkpoint to be over.
        Err(_) if finished => {
            let path = dir.join(SCENE);
            let text = read::read(&path, 1 << 30).map_err(|source| fault(&path, source))?;
            String::from_utf8_lossy(&text).into_owned()
        }
        Err(_) => return Ok(Some(newest?)),
    };
    let earlier = match (scene::load_str("scene of the run", &text, dir, &[]), &newest) {
        (Ok((earlier, ..)), _) => earlier,
        (Err(e), Ok(checkpoint)) => Err(checkpoint.damaged(format!("its scene is none: {e}")))?,
        (Err(e), Err(_)) => Err(*e)?,
    };
    let longer = is_longer(dir, &earlier, scene)?;
    if finished {
        // What has stopped has no more to do in a longer run.
        let stopped = stopped(dir);
        if stopped.is_some() || !longer {
            return say_finished(dir, scene, stopped).map(|()| None);
        }
    }
    Ok(Some(newest?))
}

/// Whether a scene is a run's own but longer. Any other change is refused.
fn is_longer(dir: &Path, earlier: &Scene, scene: &Scene) -> Result<bool> {
    let json = |scene| serde_json::to_value(scene).map_err(|e| Usage(e.to_string()));
    let mut changes = Vec::new();
    differences("", &json(earlier)?, &json(scene)?, &mut changes);
    if changes.is_empty() && earlier != scene {
        changes.push(Change { path: "the scene".into(), was: "another".into(), is: "this".into() });
    }
    let grows = |change: &Change| {
        let [was, is] = [&change.was, &change.is].map(|number| number.parse::<f64>().ok());
        LENGTHS.contains(&change.path.as_str()) && is > was
    };
    let mut other = changes.iter().filter(|change| !grows(change)).peekable();
    if other.peek().is_none() {
        return Ok(!changes.is_empty());
    }
    let lines =
        other.map(|Change { path, was, is }| format!("\n  {path}: {was} in the run, now {is}"));
    Err(Usage(format!(
        "{} is a run of another scene:{}\nA run goes on as it began; only {} may grow. Take the change \
         back, or run the scene into another folder",
        dir.display(),
        lines.collect::<String>(),
        LENGTHS.join(" and "),
    ))
    .into())
}

/// A value that a scene has another of.
pub struct Change {
    /// Where.
    pub path: String,
    /// The value of the one.
    pub was: String,
    /// That of the other.
    pub is: String,
}

/// Notes where two values differ.
pub fn differences(path: &str, was: &Value, is: &Value, found: &mut Vec<Change>) {
    let inner = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    match (was, is) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().zip(b.values()).for_each(|((k, a), b)| differences(&inner(k), a, b, found));
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let pairs = a.iter().zip(b).enumerate();
            pairs.for_each(|(k, (a, b))| differences(&inner(&k.to_string()), a, b, found));
        }
        (was, is) if was != is => {
            let [was, is] = [was, is].map(shortened);
            found.push(Change { path: path.to_owned(), was, is });
        }
        _ => {}
    }
}

/// As much of a value as a message should repeat.
fn shortened(value: &Value) -> String {
    const MOST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(MOST) {
        None => text,
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

/// After how many epochs a finished training ended before its last, and why, if it did.
fn stopped(dir: &Path) -> Option<(usize, String)> {
    let summary = summary(dir).ok()?;
    let training = &summary["training"];
    Some((training["epochs"].as_array()?.len(), training["stopped"].as_str()?.to_owned()))
}

/// Says that a run is finished, and how to extend it; what it need not keep is cleared away.
fn say_finished(dir: &Path, scene: &Scene, stopped: Option<(usize, String)>) -> Result<()> {
    let folder = Folder::open(dir.to_owned())?;
    folder.remove(archive::SCRATCH)?;
    checkpoint::tidy(&dir.join(CHECKPOINTS));
    let (path, has) = match &scene.training {
        Some(training) => (LENGTHS[0], format!("{} epochs", training.epochs)),
        None => {
            let duration = scene.simulation.duration.map_or(0.0, |duration| duration.get());
            (LENGTHS[1], format!("{duration} ms"))
        }
    };
    let dir = dir.display();
    if let Some((epochs, why)) = stopped {
        return Ok(print(format!(
            "{dir} is finished: it stopped after {epochs} epochs, since {why}; nothing is left to do. To \
             train on from there, run its scene with another `training.stop` and `initial: \"{dir}\"` into another \
             folder\n"
        ))?);
    }
    Ok(print(format!(
        "{dir} is finished after {has}; nothing is left to do. To extend it:\n  \
         neuralearn --resume {dir} --set {path}=...\n"
    ))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_are_found_by_path() {
        let was = json!({"a": {"b": [1, 2.5]}, "c": "x", "d": [1]});
        let is = json!({"a": {"b": [1, 2.0]}, "c": "x", "d": [1, 2]});
        let mut found = Vec::new();
        differences("", &was, &is, &mut found);
        let told: Vec<_> = found.iter().map(|c| format!("{} {} {}", c.path, c.was, c.is)).collect();
        assert_eq!(told, ["a.b.1 2.5 2.0", "d [1] [1,2]"]);
        assert_eq!(shortened(&json!("x".repeat(100))).len(), 63);
    }
}
