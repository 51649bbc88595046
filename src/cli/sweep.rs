//! `--sweep` and `--seeds`: a scene with every combination of some values, each a run of its own in a numbered folder.
//!
//! What a sweep is, is settled when it begins, and stands in `sweep.json`. Each run is what a command line of its own
//! would be, with the values of all and then with its own. One that is finished has a summary, and is not done again; one
//! that was broken off goes on from its checkpoint. So several processes may share a folder (`--shard`), and what is told
//! of all runs, `sweep.csv` and the report, each of them makes anew of the summaries that it finds.

use super::folder::{Folder, RUNS, SWEEP, write};
use super::prepare::adapter;
use super::resume::{has_begun, is_finished};
use super::run::{self, run_scene, scene_path};
use super::side_by_side::{Finished, columns, drawn_numbers, main_number, mean, side_by_side};
use super::stop::Stop;
use super::terminal::{print, say};
use super::{Interrupted, Run, Usage, exit_code, experiment, fault};
use crate::files::read;
use crate::report::{self, PAGE, Report, Response};
use crate::scene::{self, Override, SEED, Source};
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Most runs of a sweep.
const MOST: usize = 10_000;

/// Largest number of a range: up to here all whole numbers are exact.
const LARGEST: f64 = 1e12;

/// Exit codes of runs that fail by the values that they have: their scene, data, limits of the device, numbers that diverge.
const FAILED: [u8; 4] = [2, 3, 4, 6];

/// A path of the scene, and the values that it gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    path: String,
    values: Vec<String>,
}

impl FromStr for Axis {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || format!("`{text}` is not PATH=V1,V2,... or PATH=FROM..TO:STEP");
        let Override { path, value } = text.parse().map_err(|_| form())?;
        let mut values = Vec::new();
        for part in parts(&value) {
            match range(part)? {
                Some(range) => values.extend(range),
                None if part.is_empty() => return Err(format!("{}: a value is missing", form())),
                None => values.push(part.to_owned()),
            }
        }
        Ok(Self { path, values })
    }
}

/// The seeds of a sweep.
pub fn seeds(text: &str) -> Result<Axis, String> {
    let axis: Axis = format!("{SEED}={text}").parse()?;
    match axis.values.iter().find(|seed| seed.parse::<u64>().is_err()) {
        None => Ok(axis),
        Some(seed) => Err(format!(
            "`{seed}` is no seed; those are whole numbers from 0, as in 1..10 or 1,2,5"
        )),
    }
}

/// What stands between the commas of a text, those within brackets and quotes aside.
fn parts(text: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut escaped, mut start) = (0, false, false, 0);
    let mut parts = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth <= 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

/// The numbers of `FROM..TO:STEP`, or of `FROM..TO` in steps of 1, both ends included; none if the text is no range.
fn range(text: &str) -> Result<Option<Vec<String>>, String> {
    let Some((from, rest)) = text.split_once("..") else { return Ok(None) };
    let (to, step) = rest.split_once(':').unwrap_or((rest, "1"));
    let [Ok(from), Ok(to), Ok(step)] = [from, to, step].map(|x| x.trim().parse::<f64>()) else {
        return Ok(None);
    };
    // A step that should meet the end may miss it by rounding.
    let last = ((to - from) / step + 1e-9).floor();
    if !(from.abs() <= LARGEST && to.abs() <= LARGEST && (0.0..MOST as f64).contains(&last)) {
        return Err(format!(
            "`{text}`: steps of {step} lead from {from} to no {to}, or are too many"
        ));
    }
    let number = |k: usize| {
        let x = from + k as f64 * step;
        // Without what rounding leaves behind the digits that were given.
        let x = if x.abs() < 1e-9 * step.abs() { 0.0 } else { x };
        format!("{x:.12e}").parse::<f64>().map_or_else(|_| x.to_string(), |x| x.to_string())
    };
    Ok(Some((0..=last as usize).map(number).collect()))
}

/// Which runs a process does.
#[derive(Debug, Clone, Copy)]
pub struct Shard {
    number: usize,
    of: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text
            .split_once('/')
            .and_then(|(number, of)| Some((number.trim().parse().ok()?, of.trim().parse().ok()?)));
        match numbers {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err(format!("`{text}` is not I/N with I from 1 to N, as 2/8")),
        }
    }
}

/// Whether a command line is of a sweep.
pub fn is_meant(args: &Run) -> bool {
    let goes_on = args.resume.as_ref().is_some_and(|dir| is_sweep(dir));
    !args.sweep.is_empty() || args.seeds.is_some() || goes_on
}

/// Whether a folder is that of a sweep.
pub fn is_sweep(dir: &Path) -> bool {
    dir.join(SWEEP).is_file()
}

/// What the runs of a sweep are.
#[derive(PartialEq, Serialize, Deserialize)]
struct Sweep {
    /// The scene file, absolute.
    scene: PathBuf,
    /// Its hash.
    sha256: String,
    /// The comment with which it opens.
    description: String,
    /// What is changed in all runs.
    set: Vec<Override>,
    /// What differs between them.
    axes: Vec<Axis>,
}

/// Runs a sweep, or goes on with one.
///
/// # Errors
/// Those of a run. One that failed does not keep the others from being done.
pub fn run(args: &Run) -> Result<()> {
    let sweep = match &args.resume {
        None => Sweep::begin(args)?,
        Some(dir) => Sweep::go_on(dir, args)?,
    };
    drop(adapter(&args.means)?);
    let folder = sweep.folder(args)?;
    let (combinations, stop) = (sweep.combinations(), Stop::listen());
    let interrupted = || Interrupted(folder.path.clone());
    let Shard { number, of } = args.shard.unwrap_or(Shard { number: 1, of: 1 });
    let mut failed = None;
    for (k, own) in combinations.iter().enumerate().skip(number - 1).step_by(of) {
        if stop.asked() {
            return Err(interrupted().into());
        }
        let dir = folder.join(&(k + 1).to_string());
        let finished = is_finished(&dir);
        if !args.means.quiet {
            let own: Vec<_> = own.iter().map(|own| format!("{}={}", own.path, own.value)).collect();
            let is = if finished { ", which is finished" } else { "" };
            let (k, of) = (k + 1, combinations.len());
            print(format!("\nrun {k} of {of}: {}{is}\n", own.join(", ")))?;
        }
        if finished {
            continue;
        }
        match run_scene(&sweep.command(args, own, dir)) {
            Ok(()) => _ = sweep.write_table(&folder.path)?,
            Err(e) if e.is::<Interrupted>() => return Err(interrupted().into()),
            // Which values are too large is what a sweep finds out. What a folder does not take stops all.
            Err(e) if FAILED.contains(&exit_code(&e)) => {
                say(format!("run {}: {e}; the sweep goes on", k + 1));
                _ = failed.get_or_insert(e);
            }
            Err(e) => return Err(e),
        }
    }
    let runs = sweep.write_table(&folder.path)?;
    if !args.no_report {
        sweep.report(&runs, &folder.path);
    }
    if !args.means.quiet {
        print(sweep.told(&runs) + &format!("results in {}\n", folder.path.display()))?;
    }
    failed.map_or(Ok(()), Err)
}

/// Writes the report of a sweep again, of the runs that are finished.
///
/// # Errors
/// What the sweep is, or a summary, cannot be read.
pub fn report_again(dir: &Path, out: &Path) -> Result<()> {
    let sweep = Sweep::read(dir)?;
    let mut runs = sweep.finished(dir)?;
    for run in &mut runs {
        run.place = super::redraw::place(&dir.join(&run.name), out);
    }
    sweep.report(&runs, out);
    Ok(())
}

impl Sweep {
    /// The sweep of a command line, all of whose scenes are sound.
    fn begin(args: &Run) -> Result<Self> {
        let path = scene_path(args)?;
        let axes: Vec<Axis> = args.sweep.iter().chain(&args.seeds).cloned().collect();
        let set = run::overrides(args);
        for (k, axis) in axes.iter().enumerate() {
            let others = axes[..k].iter().map(|axis| &axis.path).chain(set.iter().map(|s| &s.path));
            if others.into_iter().any(|other| *other == axis.path) {
                let why = format!("`{}` is swept, and given a second time: keep one", axis.path);
                return Err(Usage(why).into());
            }
        }
        let counts = axes.iter().map(|axis| axis.values.len());
        if counts.fold(1usize, usize::saturating_mul) > MOST {
            let why = format!("these are more than {MOST} combinations; sweep over fewer values");
            return Err(Usage(why).into());
        }
        if args.shard.is_some() && args.out.is_none() {
            let why = "--shard needs the folder that all shards share: give it with --out";
            return Err(Usage(why.into()).into());
        }
        let scene = std::path::absolute(&path).map_err(|source| fault(&path, source))?;
        let mut sweep =
            Self { scene, sha256: String::new(), description: String::new(), set, axes };
        let source = sweep.check(&path)?;
        (sweep.sha256, sweep.description) = (source.sha256(), source.description());
        Ok(sweep)
    }

    /// The sweep of a folder, whose scene is still the one with which it began.
    fn go_on(dir: &Path, args: &Run) -> Result<Self> {
        if scene_path(args).is_ok() || !args.set.is_empty() || args.seed.is_some() {
            let why = format!(
                "{} is a sweep, which goes on as it began: leave out the scene, --set and --seed, or run it into \
                 another folder",
                dir.display()
            );
            return Err(Usage(why).into());
        }
        let sweep = Self::read(dir)?;
        let source = sweep.check(&sweep.scene)?;
        if source.sha256() != sweep.sha256 {
            let why = format!(
                "{} is no longer as it was when the sweep in {} began: take the changes back, or run it into another \
                 folder",
                sweep.scene.display(),
                dir.display()
            );
            return Err(Usage(why).into());
        }
        Ok(sweep)
    }

    /// What a folder says of its sweep.
    fn read(dir: &Path) -> Result<Self> {
        let path = dir.join(SWEEP);
        let text = read::read(&path, 1 << 30).map_err(|source| fault(&path, source))?;
        Ok(serde_json::from_slice(&text).map_err(|e| fault(&path, e.into()))?)
    }

    /// Loads the scenes of all runs, and gives the text of the first.
    fn check(&self, path: &Path) -> Result<Source> {
        let mut first = None;
        for own in self.combinations() {
            let all = [&self.set[..], &own].concat();
            let (scene, source, _) = scene::load(path, &all).map_err(|e| *e)?;
            if !scene.seeds.is_empty() && own.iter().any(|own| own.path == SEED) {
                let why = format!(
                    "{} has `seeds`, with each of which every stage is run: leave out --seeds, or give it others by \
                     --set seeds=[1,2]",
                    path.display()
                );
                return Err(Usage(why).into());
            }
            experiment::stages(path, &all, &scene, None).map_err(|e| *e)?;
            first.get_or_insert(source);
        }
        // There is a combination, be it of no values.
        match first {
            Some(source) => Ok(source),
            None => Ok(scene::load(path, &self.set).map_err(|e| *e)?.1),
        }
    }

    /// The values of each run; those of the last path change fastest.
    fn combinations(&self) -> Vec<Vec<Override>> {
        self.axes.iter().fold(vec![Vec::new()], |begun, axis| {
            let with = |begin: &Vec<Override>, value: &String| {
                let own = Override { path: axis.path.clone(), value: value.clone() };
                begin.iter().cloned().chain([own]).collect()
            };
            begun.iter().flat_map(|begin| axis.values.iter().map(move |v| with(begin, v))).collect()
        })
    }

    /// Makes the folder, or takes it to go on in it.
    fn folder(&self, args: &Run) -> Result<Folder> {
        let stem = self.stem();
        let folder = match (&args.resume, &args.shard) {
            (Some(dir), None) => return Folder::open(dir.clone()),
            (None, None) => {
                let own =
                    |dir: Option<&Path>| Folder::create(dir, &self.scene, &stem, args.overwrite);
                let folder = own(args.out.as_deref())?;
                // Of an earlier sweep, whose place is to be taken.
                for k in 1..=self.combinations().len() {
                    let dir = folder.join(&k.to_string());
                    if dir.is_dir() {
                        own(Some(&dir))?;
                    }
                }
                folder
            }
            (dir, Some(_)) => {
                let dir = dir.as_ref().or(args.out.as_ref()).cloned().unwrap_or_default();
                let folder = Folder::share(dir)?;
                if is_sweep(&folder.path) {
                    if Self::read(&folder.path)? == *self {
                        return Ok(folder);
                    }
                    let why = format!(
                        "{} is of another sweep: its scene or its values are others; choose another for --out",
                        folder.path.display()
                    );
                    return Err(Usage(why).into());
                }
                folder
            }
        };
        let known = folder.join(SWEEP);
        let json = serde_json::to_string_pretty(self).map_err(|e| fault(&known, e.into()))?;
        write(&known, json.as_bytes())?;
        Ok(folder)
    }

    /// Name of the scene.
    fn stem(&self) -> String {
        self.scene.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The command line of one run.
    fn command(&self, args: &Run, own: &[Override], dir: PathBuf) -> Run {
        let begun = has_begun(&dir);
        let all = Run { file: None, seed: None, sweep: Vec::new(), seeds: None, ..args.clone() };
        match begun {
            true => Run { scene: None, out: None, resume: Some(dir), set: Vec::new(), ..all },
            false => Run {
                scene: Some(self.scene.clone()),
                out: Some(dir),
                // What was broken off before it could be saved.
                overwrite: true,
                resume: None,
                set: [&self.set[..], own].concat(),
                ..all
            },
        }
    }

    /// The runs that are finished.
    fn finished(&self, dir: &Path) -> Result<Vec<Finished>> {
        let mut runs = Vec::new();
        for (k, own) in self.combinations().into_iter().enumerate() {
            let name = (k + 1).to_string();
            let run = dir.join(&name);
            if is_finished(&run) {
                let place = format!("{name}/{PAGE}");
                let chosen = own.into_iter().map(|own| own.value).collect();
                runs.push(Finished::read(&run, (name, place), chosen)?);
            }
        }
        Ok(runs)
    }

    /// Writes the table of the runs that are finished, and gives these.
    fn write_table(&self, dir: &Path) -> Result<Vec<Finished>> {
        let runs = self.finished(dir)?;
        let columns = columns(&runs);
        let paths = self.axes.iter().map(|axis| axis.path.as_str());
        let mut text = line(["run"].into_iter().chain(paths).chain(columns.iter().copied()));
        for run in &runs {
            let numbers = columns.iter().map(|path| run.cell(path));
            let chosen = run.chosen.iter().map(String::as_str);
            text += &line([run.name.as_str()].into_iter().chain(chosen).chain(numbers));
        }
        write(&dir.join(RUNS), text.as_bytes())?;
        Ok(runs)
    }

    /// Writes the report.
    fn report(&self, runs: &[Finished], out: &Path) {
        let paths: Vec<String> = self.axes.iter().map(|axis| axis.path.clone()).collect();
        let drawn = drawn_numbers(runs).into_iter();
        let responses = drawn.filter_map(|number| self.response(runs, number)).collect();
        let set = self.set.iter().map(|set| (set.path.clone(), set.value.clone()));
        let count = format!("{} of {}", runs.len(), self.combinations().len());
        let page = Report {
            title: &self.stem(),
            description: self.description.clone(),
            facts: set.chain([("finished runs".to_owned(), count)]).collect(),
            runs: Some(report::Runs { responses, ..side_by_side(&paths, runs) }),
            ..Report::default()
        };
        if let Err(e) = report::write(&page, out) {
            log::warn!("the report is incomplete: {e}");
        }
    }

    /// A number over what was swept: over the first path of numbers, else over the place in the list of the first
    /// path, else over the seed; a line for each combination of the other paths.
    fn response(&self, runs: &[Finished], number: &str) -> Option<Response> {
        let is_number = |axis: &Axis| axis.values.iter().all(|v| v.parse::<f64>().is_ok());
        let find = |wanted: &dyn Fn(&Axis) -> bool| self.axes.iter().position(wanted);
        let at = find(&|axis| axis.path != SEED && is_number(axis))
            .or_else(|| find(&|axis| axis.path != SEED))
            .or_else(|| find(&is_number))?;
        let axis = &self.axes[at];
        let place = |value: &String| axis.values.iter().position(|known| known == value);
        let mut lines: Vec<(String, Vec<(f64, f64)>)> = Vec::new();
        for run in runs {
            let value = &run.chosen[at];
            let x = match is_number(axis) {
                true => value.parse().ok(),
                false => place(value).map(|place| (place + 1) as f64),
            };
            let (Some(x), Some(y)) = (x, run.number(number)) else { continue };
            let name = self.named(run, |k| k != at && self.axes[k].path != SEED);
            match lines.iter_mut().find(|(known, _)| *known == name) {
                Some((_, points)) => points.push((x, y)),
                None => lines.push((name, vec![(x, y)])),
            }
        }
        let x = match is_number(axis) {
            true => axis.path.clone(),
            false => format!("{}, by place in the list", axis.path),
        };
        Some(Response { x, y: number.to_owned(), lines, alike: axis.path == SEED })
    }

    /// Some of the values of a run, as a text.
    fn named(&self, run: &Finished, is_shown: impl Fn(usize) -> bool) -> String {
        let shown = (0..self.axes.len()).filter(|k| is_shown(*k));
        let shown = shown.map(|k| format!("{}={}", self.axes[k].path, run.chosen[k]));
        shown.collect::<Vec<_>>().join(", ")
    }

    /// The main number of each combination: over seeds, where these are swept, its mean and standard deviation.
    fn told(&self, runs: &[Finished]) -> String {
        let count =
            format!("\n{} of {} runs are finished\n", runs.len(), self.combinations().len());
        let Some(main) = main_number(runs) else { return count };
        let mut groups: Vec<(String, Vec<f64>)> = Vec::new();
        for run in runs {
            let Some(number) = run.number(main) else { continue };
            let name = self.named(run, |k| self.axes[k].path != SEED);
            match groups.iter_mut().find(|(known, _)| *known == name) {
                Some((_, numbers)) => numbers.push(number),
                None => groups.push((name, vec![number])),
            }
        }
        let width = groups.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let lines = groups
            .into_iter()
            .map(|(name, numbers)| format!("{name:<width$}  {}\n", mean(&numbers)));
        format!("{count}{main}:\n{}", lines.collect::<String>())
    }
}

/// A line of a table; a cell with a comma or a quote in it is put in quotes.
fn line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let cell = |cell: &str| match cell.contains([',', '"', '\n']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    };
    cells.map(cell).collect::<Vec<_>>().join(",") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_lists_and_ranges() {
        let owned = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>();
        for (text, path, values) in [
            ("a.b=1,2.5, x", "a.b", &["1", "2.5", "x"][..]),
            ("a=F(x: 1, y: 2),[1,2],\"a,\\\"b\"", "a", &["F(x: 1, y: 2)", "[1,2]", "\"a,\\\"b\""]),
            ("a=1..3", "a", &["1", "2", "3"]),
            ("a=0.1..0.5:0.1,1", "a", &["0.1", "0.2", "0.3", "0.4", "0.5", "1"]),
            ("a=-0.2..0.2:0.2", "a", &["-0.2", "0", "0.2"]),
            ("a=3..1:-1", "a", &["3", "2", "1"]),
            ("a=1e-3..2e-3:5e-4", "a", &["0.001", "0.0015", "0.002"]),
            ("a=../data", "a", &["../data"]),
            ("a->b.w=10 ms,20 ms", "a->b.w", &["10 ms", "20 ms"]),
        ] {
            let axis: Axis = text.parse().unwrap();
            assert_eq!((axis.path.as_str(), axis.values), (path, owned(values)), "{text}");
        }
        for bad in
            ["a", "a=", "a=1,,2", "a=3..1", "a=1..2:0", "a=0..1e9:1", "a=0..inf", "a=0..1:nan"]
        {
            assert!(bad.parse::<Axis>().is_err(), "{bad}");
        }
        assert_eq!(seeds("1..2,7").unwrap().values, owned(&["1", "2", "7"]));
        assert!(seeds("0.5").is_err() && seeds("-1").is_err());
        assert!(["0/2", "3/2", "1", "a/b"].iter().all(|text| text.parse::<Shard>().is_err()));
    }

    #[test]
    fn cells_with_commas_are_quoted() {
        assert_eq!(line(["a", "F(1, 2)", "\"b\""].into_iter()), "a,\"F(1, 2)\",\"\"\"b\"\"\"\n");
    }
}
