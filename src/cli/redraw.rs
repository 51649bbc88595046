//! `neuralearn report`: the page of a run again, from what its folder has, or several runs on one page.

use super::experiment;
use super::folder::{CHECKPOINTS, EXPERIMENT, Folder, SCENE, SUMMARY, next_free};
use super::resume::{Change, differences, is_finished, summary};
use super::side_by_side::{Finished, side_by_side};
use super::terminal::print;
use super::{Redraw, Usage, fault, pictures, sweep};
use crate::checkpoint::{self, Origin};
use crate::files::{self, read};
use crate::report::{self, PAGE, Report};
use crate::scene::{self, Scene};
use crate::summary::Summary;
use anyhow::Result;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Draws again.
///
/// # Errors
/// A folder is of no finished run, or cannot be read or written.
pub fn report(args: &Redraw) -> Result<()> {
    let mut runs = args.runs.iter();
    if let Some(run) = runs.find(|run| !is_finished(run) && !sweep::is_sweep(run)) {
        let run = run.display();
        let why = format!("{run} is not the folder of a finished run: there is no summary.json");
        return Err(Usage(why).into());
    }
    if let Some(out) = args.out.as_ref().filter(|out| out.is_dir())
        && fs::read_dir(out).map_err(|source| fault(out, source))?.next().is_some()
    {
        let why = format!("{} is not empty; choose another for -o", out.display());
        return Err(Usage(why).into());
    }
    let out = match (&args.runs[..], &args.out) {
        ([run], None) => {
            // No run goes on in it meanwhile.
            let _folder = Folder::open(run.clone())?;
            again(run, run)?;
            run.clone()
        }
        ([run], Some(out)) => {
            again(run, out)?;
            out.clone()
        }
        (runs, out) => {
            if let Some(sweep) = runs.iter().find(|run| sweep::is_sweep(run)) {
                let sweep = sweep.display();
                let why = format!("{sweep} is a sweep: name runs of it, as {sweep}/1 {sweep}/2");
                return Err(Usage(why).into());
            }
            let (paths, mut finished) = compared(runs)?;
            let out = out.clone().map_or_else(|| next_free(Path::new(""), "report"), Ok)?;
            for (run, finished) in runs.iter().zip(&mut finished) {
                finished.place = place(run, &out);
            }
            let runs = Some(side_by_side(&paths, &finished));
            write(&Report { title: "Runs side by side", runs, ..Report::default() }, &out)?;
            out
        }
    };
    Ok(print(format!("report in {}\n", out.join(PAGE).display()))?)
}

/// Writes a page and its figures.
fn write(page: &Report<'_>, out: &Path) -> Result<()> {
    report::write(page, out)?;
    Ok(())
}

/// The report of a run, from a page in the folder `out`.
pub fn place(run: &Path, out: &Path) -> String {
    files::relative(&run.join(PAGE), out).display().to_string()
}

/// Writes the report of one run again.
fn again(run: &Path, out: &Path) -> Result<()> {
    if sweep::is_sweep(run) {
        return sweep::report_again(run, out);
    }
    let known = run.join(EXPERIMENT);
    if known.is_file() {
        let text = read::read(&known, 1 << 30).map_err(|source| fault(&known, source))?;
        let origin: Origin = serde_json::from_slice(&text).map_err(|e| fault(&known, e.into()))?;
        let scene = load(run)?;
        let results = experiment::results(&scene, &summary(run)?["stages"]);
        let place = |own: &str| place(&run.join(own), out);
        return write(&experiment::page(&scene, &origin, &results, (run, &place))?, out);
    }
    let path = run.join(SUMMARY);
    let text = read::read(&path, 1 << 30).map_err(|source| fault(&path, source))?;
    let summary: Summary = serde_json::from_slice(&text).map_err(|e| fault(&path, e.into()))?;
    // The comment of the scene stands in its checkpoint alone.
    let origin = checkpoint::newest(&run.join(CHECKPOINTS)).map(|newest| newest.origin);
    let description = origin.map(|origin| origin.description).unwrap_or_default();
    write(&pictures::again(description, &summary, kept(run)?), out)
}

/// The figures in the folder of a run.
fn kept(run: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let dir = run.join(report::FIGURES);
    let Ok(entries) = fs::read_dir(&dir) else { return Ok(Vec::new()) };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| report::is_figure(name)).collect();
    names.sort();
    let figure = |name: String| {
        let path = dir.join(&name);
        let png = read::read(&path, 1 << 30).map_err(|source| fault(&path, source))?;
        Ok((name, png))
    };
    names.into_iter().map(figure).collect()
}

/// The scene of a run, as it ran.
fn load(run: &Path) -> Result<Scene> {
    let (scene, ..) = scene::load(&run.join(SCENE), &[]).map_err(|e| *e)?;
    Ok(scene)
}

/// The places where the scenes of runs differ, and the runs with what they have there.
fn compared(runs: &[PathBuf]) -> Result<(Vec<String>, Vec<Finished>)> {
    let json = |run: &PathBuf| -> Result<Value> {
        Ok(serde_json::to_value(load(run)?).map_err(|e| fault(&run.join(SCENE), e.into()))?)
    };
    let scenes = runs.iter().map(json).collect::<Result<Vec<_>>>()?;
    let changes = scenes.iter().map(|scene| {
        let mut found = Vec::new();
        differences("", &scenes[0], scene, &mut found);
        found
    });
    let changes: Vec<Vec<Change>> = changes.collect();
    let mut paths: Vec<String> = Vec::new();
    for change in changes.iter().flatten() {
        if !paths.contains(&change.path) {
            paths.push(change.path.clone());
        }
    }
    let value = |own: &[Change], path: &String| {
        let own = own.iter().find(|change| change.path == *path).map(|change| &change.is);
        // That of the first run, with which all are compared.
        let first = || changes.iter().flatten().find(|c| c.path == *path).map(|c| &c.was);
        own.or_else(first).cloned().unwrap_or_default()
    };
    let finished = runs.iter().zip(&changes).map(|(run, own)| {
        let chosen = paths.iter().map(|path| value(own, path)).collect();
        Ok(Finished::read(run, (run.display().to_string(), String::new()), chosen)?)
    });
    let finished = finished.collect::<Result<_>>()?;
    Ok((paths, finished))
}
