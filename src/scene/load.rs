//! From a file to a scene, or to every mistake in it with its place.
//!
//! Overrides are edits of the text, so that they obey the same grammar and are reported in the same
//! way as what the file says. A mistake found while reading is noted and its field blanked out, and
//! the rest is read again: one run shows all independent mistakes. The path of an override may have `*`, which stands
//! for every entry of a map or list that takes the value, and names of projections in place of their numbers.
//!
//! The file is long: a mistake, its place in the text, and the way on after it are found by the same walk.

use super::Scene;
use super::check::{Fault, Warning, check};
use super::like::resolve;
use crate::files;
use crate::grammar::text::{self, Node, Shape, SyntaxError, path_of, scan};
use crate::grammar::{Field, Value, closest, explain, ron_options};
use crate::words::visible;
use ariadne::{Color, Config, Label, Report, ReportKind};
use ron::error::{Error as RonError, SpannedError};
use ron::ser::PrettyConfig;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::{self, Display};
use std::fs;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::LazyLock;

/// Largest scene file that is read \[bytes\]; data and weights live in files of their own.
const MAX_BYTES: u64 = 16 << 20;
/// Mistakes shown at once.
const MAX_PROBLEMS: usize = 20;
/// Longest line that is quoted in an error \[bytes\].
const MAX_LINE: usize = 400;

/// Everything wrong with a scene.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}", self.render(false))]
pub struct SceneError {
    /// The scene, as the user named it.
    pub name: String,
    /// Its text with the overrides applied; empty if it could not be read.
    pub text: String,
    /// What is wrong, in the order in which it was found.
    pub problems: Vec<Problem>,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where in the scene, as `populations.exc.size`; empty if it concerns the whole.
    pub path: String,
    /// Where in the text \[bytes\], if anywhere.
    pub span: Option<Range<usize>>,
    /// The value and the rule.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// The text from which a scene was read.
#[derive(Debug, Clone)]
pub struct Source {
    /// The scene, as the user named it.
    pub name: String,
    /// The text with the overrides applied.
    pub text: String,
    /// The directory that paths in the scene are relative to, absolute.
    pub dir: PathBuf,
    digest: [u8; 32],
}

impl Source {
    /// SHA-256 of the file, before any override, in hexadecimal.
    pub fn sha256(&self) -> String {
        files::hex(&self.digest)
    }

    /// The comment with which the scene opens, without its marks.
    pub fn description(&self) -> String {
        let lines = self.text.lines().map_while(|line| line.trim_start().strip_prefix("//"));
        lines.map(str::trim).collect::<Vec<_>>().join("\n")
    }

    /// The absolute form of a path in the scene.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.dir.join(path)
    }

    /// The text as it has to be in the folder `to`: relative paths lead to the same files.
    pub fn moved(&self, to: &Path) -> String {
        // No path of a file has a line break, so that nothing else is taken for it.
        const MARK: &str = "a\nfile";
        let marked = format!("{MARK:?}");
        let Ok(tree) = scan(&self.text) else { return self.text.clone() };
        let splice = |span: &Range<usize>, with: &str| {
            [&self.text[..span.start], with, &self.text[span.end..]].concat()
        };
        // Whether what the mark took the place of names a file.
        let is_file = |text: &str| {
            let mut found = false;
            if let Ok(mut scene) = parse(text) {
                resolve(&mut scene);
                scene.files_mut(&mut |path| found |= path == Path::new(MARK));
            }
            found
        };
        let lead = |file: &str| match Path::new(file).is_absolute() {
            true => file.to_owned(),
            false => files::relative(&self.dir.join(file), to).display().to_string(),
        };
        let mut moved = self.text.clone();
        // From the last to the first: the places of those before stay.
        for span in tree.leaves().into_iter().rev() {
            let Ok(word) = ron::from_str::<String>(&self.text[span.clone()]) else { continue };
            let new = if is_file(&splice(&span, &marked)) {
                lead(&word)
            } else {
                // What a stage sets may be a file too.
                let Ok(Override { path, value }) = word.parse() else { continue };
                let edited = edit(&self.text, &tree, &path, &marked);
                if !edited.is_ok_and(|text| is_file(&text)) {
                    continue;
                }
                format!("{path}={}", lead(&ron::from_str(&value).unwrap_or(value)))
            };
            moved.replace_range(span, &format!("{new:?}"));
        }
        moved
    }
}

/// A value that replaces one of the scene, `PATH=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Where in the scene, as `training.optimizer.lr`, `projections.E->E.weight` or `populations.*.model.tau_m`.
    pub path: String,
    /// RON; the quotes of a string may be left out.
    pub value: String,
}

/// An override that is not `PATH=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not PATH=VALUE, as in `simulation.duration=500`")]
pub struct OverrideError(String);

impl FromStr for Override {
    type Err = OverrideError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=').map(|(path, value)| (path.trim(), value.trim())) {
            Some((path, value)) if !path.is_empty() && !value.is_empty() => {
                Ok(Self { path: path.to_owned(), value: value.to_owned() })
            }
            _ => Err(OverrideError(text.to_owned())),
        }
    }
}

impl Display for Override {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "--set {}={}", self.path, self.value)
    }
}

/// Reads the scene at `path`.
pub fn load(
    path: &Path,
    overrides: &[Override],
) -> Result<(Scene, Source, Vec<Warning>), Box<SceneError>> {
    let name = path.display().to_string();
    let bytes = read(path).map_err(|problem| whole(&name, problem))?;
    load_bytes(&name, &bytes, path.parent().unwrap_or(Path::new("")), overrides)
}

/// Reads a scene from text; `name` is what errors call it, `base_dir` what its paths start from.
pub fn load_str(
    name: &str,
    text: &str,
    base_dir: &Path,
    overrides: &[Override],
) -> Result<(Scene, Source, Vec<Warning>), Box<SceneError>> {
    load_bytes(name, text.as_bytes(), base_dir, overrides)
}

fn load_bytes(
    name: &str,
    bytes: &[u8],
    dir: &Path,
    overrides: &[Override],
) -> Result<(Scene, Source, Vec<Warning>), Box<SceneError>> {
    let text = decode(bytes).map_err(|problem| whole(name, problem))?;
    let fail = |text: &str, problems| {
        Box::new(SceneError { name: name.to_owned(), text: text.to_owned(), problems })
    };
    let text = apply_all(text, overrides).map_err(|(text, problems)| fail(&text, problems))?;
    let (mut scene, warnings) =
        understand(&text, overrides).map_err(|problems| fail(&text, problems))?;

    // `absolute` asks for the current directory, which fails only where there is none any more.
    let here = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    let dir = std::path::absolute(here).unwrap_or_else(|_| here.to_owned());
    let source = Source { name: name.to_owned(), text, dir, digest: Sha256::digest(bytes).into() };
    scene.files_mut(&mut |path| *path = source.resolve(path));
    Ok((scene, source, warnings))
}

impl Scene {
    /// The scene as RON, with every default that it relied on written out.
    ///
    /// # Errors
    /// If a path in the scene is not UTF-8.
    pub fn to_ron(&self) -> Result<String, ron::Error> {
        ron_options().to_string_pretty(self, PrettyConfig::new().new_line("\n").depth_limit(3))
    }
}

fn parse(text: &str) -> Result<Scene, SpannedError> {
    ron_options().from_str(text)
}

// ---- The file ----

/// A problem of the file as a whole.
fn whole(name: &str, problem: Problem) -> Box<SceneError> {
    Box::new(SceneError { name: name.to_owned(), text: String::new(), problems: vec![problem] })
}

impl Problem {
    fn new(message: impl Into<String>) -> Self {
        Self { path: String::new(), span: None, message: message.into(), help: None }
    }
}

/// Reads a file, unless it is of a kind or size that no scene has.
fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    files::read::read(path, MAX_BYTES).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            Problem { help: neighbours(path), ..Problem::new("there is no such file") }
        }
        _ => Problem::new(format!("it cannot be read: {error}")),
    })
}

/// The scenes that lie where one was looked for.
fn neighbours(path: &Path) -> Option<String> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut names: Vec<_> = fs::read_dir(dir)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".ron"))
        .collect();
    names.sort();
    let wanted = path.file_name()?.to_str()?;
    if let Some(near) = closest(wanted, names.iter().map(String::as_str)) {
        return Some(format!("did you mean `{}`?", dir.join(near).display()));
    }
    (!names.is_empty()).then(|| format!("the scenes there are {}", names.join(", ")))
}

/// The text in the bytes, without a byte order mark.
fn decode(bytes: &[u8]) -> Result<String, Problem> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = str::from_utf8(bytes).map_err(|error| Problem {
        help: Some("save it as UTF-8 text".to_owned()),
        ..Problem::new(format!("it is not UTF-8 text, byte {} does not fit", error.valid_up_to()))
    })?;
    let control = |(_, c): &(usize, char)| c.is_control() && !"\n\r\t".contains(*c);
    match text.char_indices().find(control) {
        None => Ok(text.to_owned()),
        Some((at, c)) => {
            let message = format!("it is not plain text, byte {at} is the control character {c:?}");
            Err(Problem::new(message))
        }
    }
}

/// A text without control characters, each replaced by one of as many bytes: places stay where they are.
fn plain(text: &str) -> String {
    let plain = |c: char| match c {
        '\n' | '\t' => c,
        c if c.is_control() => ['?', '\u{b7}'][c.len_utf8() - 1],
        c => c,
    };
    text.chars().map(plain).collect()
}

/// Whether two words are spellings of one field of the grammar.
pub(super) fn same(a: &str, b: &str) -> bool {
    static FIELDS: LazyLock<Vec<&Field>> = LazyLock::new(|| Scene::kind().fields());
    a == b || FIELDS.iter().any(|field| field.is_spelt(a) && field.is_spelt(b))
}

// ---- Overrides ----

/// Applies overrides one after the other. The first to break a scene that was in order is blamed, unless
/// later ones mend it: a block that a scene leaves out may take several.
fn apply_all(mut text: String, overrides: &[Override]) -> Result<String, (String, Vec<Problem>)> {
    if overrides.is_empty() {
        return Ok(text);
    }
    let in_order = parse(&text).is_ok();
    let mut broken = None;
    for change in overrides {
        let tree = scan(&text).map_err(|error| (text.clone(), vec![error.into()]))?;
        let fail = |text: &str, problem| (text.to_owned(), vec![blame(problem, change)]);
        let mut paths = places(&text, &tree, &change.path);
        if paths.len() > 1 {
            // Of many entries those are meant that take the value: sources have no membrane.
            let takes = |path: &&String| changed(&text, path, &change.value).is_ok_and(|new| new.1);
            let those: Vec<_> = paths.iter().filter(takes).cloned().collect();
            if !those.is_empty() {
                paths = those;
            }
        }
        let before = text.clone();
        let mut fits = false;
        for path in &paths {
            let (new, is_read) =
                changed(&text, path, &change.value).map_err(|problem| fail(&before, problem))?;
            (text, fits) = (new, is_read);
        }
        if fits {
            broken = None;
        } else if in_order && broken.is_none() {
            let problems = Mistakes::find(&text).problems.into_iter();
            let whole = absent_block(&tree, &paths[0]);
            let problems = problems.map(|problem| {
                let help = problem
                    .help
                    .clone()
                    .or_else(|| Some(format!("give the whole, as --set {}=...", whole.as_ref()?)));
                blame(Problem { help, ..problem }, change)
            });
            broken = Some((text.clone(), problems.collect()));
        }
    }
    broken.map_or(Ok(text), Err)
}

/// The paths that one stands for, by numbers: where it has `*` one for each entry, where it has the name of a
/// projection that of its place. What leads nowhere stays as it is.
fn places(text: &str, tree: &Node, path: &str) -> Vec<String> {
    let (trail, rest) = tree.follow(path, &same);
    let node = trail.last().map_or(tree, |field| &field.node);
    let before = &path[..path.len() - rest.len()];
    // What is left of the path behind a name.
    let after = |name: &str| {
        rest.strip_prefix(name).filter(|after| after.is_empty() || after.starts_with('.'))
    };
    let found: Vec<(&str, &str)> = match (node.shape, after("*")) {
        (Shape::List(_) | Shape::Map(_), Some(after)) => {
            node.fields.iter().map(|field| (field.key.as_str(), after)).collect()
        }
        (Shape::List(_), None) => {
            let named = node.fields.iter().filter_map(|field| {
                Some((field.key.as_str(), after(&projection_name(text, &field.node)?)?))
            });
            // Names may contain dots: the longest that fits is meant.
            named.min_by_key(|(_, after)| after.len()).into_iter().collect()
        }
        _ => Vec::new(),
    };
    if found.is_empty() {
        return vec![path.to_owned()];
    }
    let each = |(key, after): (&str, &str)| places(text, tree, &format!("{before}{key}{after}"));
    found.into_iter().flat_map(each).collect()
}

/// The name of a projection as it is written, or as it follows from its populations.
fn projection_name(text: &str, entry: &Node) -> Option<String> {
    let word = |key: &str| -> Option<String> {
        let field = entry.fields.iter().find(|field| same(key, &field.key))?;
        ron::from_str(&text[field.node.span.clone()]).ok()
    };
    word("name").or_else(|| Some(format!("{}->{}", word("from")?, word("to")?)))
}

/// The text with a value put in at a path, as it is or as a string, and whether it can be read so.
fn changed(text: &str, path: &str, value: &str) -> Result<(String, bool), Problem> {
    let tree = scan(text)?;
    let written = scan(value).ok().map(|node| value[node.span].to_owned());
    let quoted = format!("{value:?}");
    let candidates = written.into_iter().chain([quoted]);
    let mut edits: Vec<_> =
        candidates.map(|value| edit(text, &tree, path, &value)).collect::<Result<_, _>>()?;
    let read = edits.iter().position(|edited| parse(edited).is_ok());
    Ok((edits.swap_remove(read.unwrap_or(0)), read.is_some()))
}

/// The outermost block on a path that the text does not have.
fn absent_block(tree: &Node, path: &str) -> Option<String> {
    let (_, rest) = tree.follow(path, &same);
    let (block, within) = rest.split_once('.')?;
    let before = &path[..path.len() - within.len() - 1];
    before.ends_with(block).then(|| before.to_owned())
}

fn blame(problem: Problem, change: &Override) -> Problem {
    Problem { message: format!("{change}: {}", problem.message), ..problem }
}

/// The text with the value at `path` replaced, or put in where its field is absent, with the blocks around it
/// that are absent too.
fn edit(text: &str, tree: &Node, path: &str, value: &str) -> Result<String, Problem> {
    let (trail, rest) = tree.follow(path, &same);
    let node = trail.last().map_or(tree, |field| &field.node);
    let splice =
        |span: Range<usize>, with: &str| [&text[..span.start], with, &text[span.end..]].concat();
    if rest.is_empty() {
        return Ok(splice(node.span.clone(), value));
    }
    let is_field = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if let Shape::Struct(inside) = node.shape
        && rest.split('.').all(is_field)
    {
        let closing = ")".repeat(rest.matches('.').count());
        let field = rest.replace('.', ": (");
        return Ok(splice(inside..inside, &format!("{field}: {value}{closing}, ")));
    }
    let parent =
        if trail.is_empty() { "the scene".to_owned() } else { format!("`{}`", path_of(&trail)) };
    let word = rest.split('.').next().unwrap_or(rest);
    let keys = || node.fields.iter().map(|field| field.key.as_str());
    let names: Vec<String> = match node.shape {
        Shape::List(_) => {
            node.fields.iter().filter_map(|field| projection_name(text, &field.node)).collect()
        }
        _ => Vec::new(),
    };
    let known = names.iter().map(String::as_str).chain(keys());
    let help = match (closest(word, known), node.shape) {
        (Some(near), Shape::List(_)) if near.parse::<usize>().is_err() => {
            Some(format!("did you mean `{near}`?"))
        }
        (_, Shape::List(_)) => {
            Some(format!("its entries are counted from 0, there are {}", node.fields.len()))
        }
        (Some(near), _) => Some(format!("did you mean `{near}`?")),
        (None, Shape::Leaf) => None,
        (None, _) => Some(format!("it has {}", keys().collect::<Vec<_>>().join(", "))),
    };
    let span = trail.last().map(|field| field.label(text));
    Err(Problem {
        path: path_of(&trail),
        span,
        help,
        ..Problem::new(format!("there is no `{word}` in {parent}"))
    })
}

// ---- Mistakes ----

/// The scene in the text and its warnings, or all that is wrong with it.
fn understand(text: &str, overrides: &[Override]) -> Result<(Scene, Vec<Warning>), Vec<Problem>> {
    let mut mistakes = Mistakes::find(text);
    let mut warnings = Vec::new();
    if let Some(scene) = &mut mistakes.scene {
        scene.populations.iter_mut().for_each(|(_, population)| population.settle());
        let mut faults = resolve(scene);
        if faults.is_empty() {
            (faults, warnings) = check(scene);
            // Populations have them, and nothing refers to them any more.
            scene.models.clear();
        }
        for fault in faults.into_iter().take(MAX_PROBLEMS) {
            mistakes.add_fault(fault, overrides);
        }
    }
    mistakes.problems.truncate(MAX_PROBLEMS);
    match mistakes.scene {
        Some(scene) if mistakes.problems.is_empty() => Ok((scene, warnings)),
        _ => Err(mistakes.problems),
    }
}

/// What reading a text brought to light.
struct Mistakes<'t> {
    text: &'t str,
    /// The text without the fields that could not be read; positions stay.
    readable: String,
    problems: Vec<Problem>,
    /// Starts of the values that lost a field; what else is wrong with them may follow from that.
    incomplete: Vec<usize>,
    /// What could be read, if that is enough to judge it by the rules.
    scene: Option<Scene>,
}

impl<'t> Mistakes<'t> {
    /// Reads the text, again and again, each time without the field that was wrong.
    fn find(text: &'t str) -> Self {
        let mut mistakes = Self {
            text,
            readable: text.to_owned(),
            problems: Vec::new(),
            incomplete: Vec::new(),
            scene: None,
        };
        let mut representative = true;
        while mistakes.problems.len() < MAX_PROBLEMS {
            let tree = match scan(&mistakes.readable) {
                Ok(tree) => tree,
                Err(error) => {
                    mistakes.problems.push(error.into());
                    break;
                }
            };
            match parse(&mistakes.readable) {
                Ok(scene) => {
                    mistakes.scene = Some(scene).filter(|_| representative);
                    break;
                }
                Err(error) => match mistakes.set_aside(&tree, &error) {
                    Some(still) => representative &= still,
                    None => break,
                },
            }
        }
        mistakes
    }

    /// Notes an error and blanks out the field it is about. Returns whether the rest can still be
    /// judged by the rules, and none if that field is the whole text.
    fn set_aside(&mut self, tree: &Node, error: &SpannedError) -> Option<bool> {
        let offset = offset_of(&self.readable, error.span.end);
        let mut trail = match error.code {
            RonError::MissingStructField { .. } => tree.around(offset),
            RonError::Message(_) => tree.before(offset),
            _ => tree.touching(offset),
        };
        let node = trail.last().map_or(tree, |field| &field.node);
        if !self.incomplete.contains(&node.span.start) {
            let on_key = |field: &&&text::Field| {
                let key = &field.key_span;
                !key.is_empty() && (key.start..=key.end).contains(&offset)
            };
            let (span, value) = match (trail.last().filter(on_key), trail.last()) {
                (Some(field), _) => (field.key_span.clone(), &field.key_span),
                (None, Some(field)) => (field.label(self.text), &node.span),
                (None, None) => (first_line(self.text, node), &node.span),
            };
            let (message, help) = explain(&error.code, &self.readable[value.clone()]);
            let path = self.path_in_full(&trail);
            self.problems.push(Problem { path, span: Some(span), message, help });
        }
        // The content of a variant cannot go without the variant.
        while trail.last().is_some_and(|field| field.key.is_empty()) {
            trail.pop();
        }
        let field = trail.last()?;
        let around = trail.iter().rev().nth(1).map_or(tree, |field| &field.node);
        self.incomplete.push(around.span.start);
        // Without a whole section, a population, its size or its positions, rules would be broken that the
        // text keeps.
        let by_it = ["size", "n", "shape", "positions"].contains(&field.key.as_str());
        let representative = trail.len() > 2 && !by_it;
        blank(&mut self.readable, field.key_span.start..field.end);
        Some(representative)
    }

    /// Adds a broken rule, with the place of the value that broke it.
    fn add_fault(&mut self, fault: Fault, overrides: &[Override]) {
        let Ok(tree) = scan(&self.readable) else {
            return;
        };
        let (trail, rest) = tree.follow(&fault.path, &same);
        let span = trail
            .last()
            .map_or_else(|| first_line(self.text, &tree), |field| field.label(self.text));
        let known = self.path_in_full(&trail);
        let path = [known.as_str(), rest]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(".");
        let message = match overrides.iter().rfind(|change| change.path == fault.path) {
            Some(change) => format!("{change}: {}", fault.message),
            None => fault.message,
        };
        self.problems.push(Problem { path, span: Some(span), message, help: fault.help });
    }

    /// The path of a field in the text as it was written, before anything was blanked out.
    fn path_in_full(&self, trail: &[&text::Field]) -> String {
        match (scan(self.text), trail.last()) {
            (Ok(tree), Some(field)) => path_of(&tree.touching(field.node.span.start)[..]),
            _ => path_of(trail),
        }
    }
}

impl From<SyntaxError> for Problem {
    fn from(error: SyntaxError) -> Self {
        Self { span: Some(error.span), ..Self::new(error.message) }
    }
}

/// Overwrites a span with spaces and keeps its line breaks.
fn blank(text: &mut String, span: Range<usize>) {
    let spaces: String =
        text[span.clone()].bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }).collect();
    text.replace_range(span, &spaces);
}

fn first_line(text: &str, node: &Node) -> Range<usize> {
    let length = text[node.span.clone()].find('\n').unwrap_or(node.span.len());
    node.span.start..node.span.start + length
}

/// The offset of a line and column, which count from 1 and in characters.
fn offset_of(text: &str, position: ron::error::Position) -> usize {
    let line = text.split_inclusive('\n').take(position.line - 1).map(str::len).sum::<usize>();
    let column = text[line..].char_indices().nth(position.col - 1);
    column.map_or(text.len(), |(at, _)| line + at)
}

// ---- Display ----

impl SceneError {
    /// The problems for people to read, with the lines they are about.
    pub fn render(&self, color: bool) -> String {
        // Colours are the only orders to a terminal; what is quoted gives none.
        let shown = Self {
            name: visible(&self.name).into_owned(),
            text: plain(&self.text),
            problems: vec![],
        };
        let problems = self.problems.iter().map(|problem| Problem {
            path: visible(&problem.path).into_owned(),
            span: problem.span.clone(),
            message: visible(&problem.message).into_owned(),
            help: problem.help.as_ref().map(|help| visible(help).into_owned()),
        });
        let reports: Vec<_> = problems.map(|problem| shown.report(&problem, color)).collect();
        reports.join("\n")
    }

    fn report(&self, problem: &Problem, color: bool) -> String {
        self.excerpt(problem, color).unwrap_or_else(|| {
            let place = match &problem.span {
                Some(span) => {
                    let before = &self.text[..span.start];
                    let line = before.matches('\n').count() + 1;
                    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
                    format!("{}:{line}:{column}", self.name)
                }
                None => self.name.clone(),
            };
            let help =
                problem.help.as_ref().map_or(String::new(), |help| format!("  Help: {help}\n"));
            format!("Error: {place}: {}\n{help}", problem.message)
        })
    }

    /// The problem under the line it is about, if it is about a line that can be shown.
    fn excerpt(&self, problem: &Problem, color: bool) -> Option<String> {
        let span = problem.span.as_ref()?;
        let start = self.text[..span.start].rfind('\n').map_or(0, |newline| newline + 1);
        let length = self.text[start..].find('\n').unwrap_or(self.text.len() - start);
        if length == 0 || length > MAX_LINE {
            return None;
        }
        let chars = |end: usize| self.text[..end].chars().count();
        let place = || (self.name.clone(), chars(span.start)..chars(span.end));
        let label = if problem.path.is_empty() { "here" } else { &problem.path };
        let mut report = Report::build(ReportKind::Error, place())
            .with_config(Config::new().with_color(color))
            .with_message(&problem.message)
            .with_label(Label::new(place()).with_message(label).with_color(Color::Red));
        if let Some(help) = &problem.help {
            report = report.with_help(help);
        }
        let mut out = Vec::new();
        let source = ariadne::Source::from(self.text.as_str());
        report.finish().write((self.name.clone(), source), &mut out).ok()?;
        String::from_utf8(out).ok()
    }
}

#[cfg(test)]
mod tests;
