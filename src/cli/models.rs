//! `neuralearn models`: every word of a scene, printed from the declaration of which it is read.

use super::Usage;
use super::terminal::print;
use crate::grammar::{Block, Choices, Content, Field, Kind, Spread, Value, Word, closest};
use crate::scene::Scene;
use anyhow::Result;
use std::collections::VecDeque;
use std::ptr;

/// Width of the text.
const WIDTH: usize = 112;

/// What the text opens with.
const INTRODUCTION: &str = "\
Every word of a scene. A field is listed with its default, its unit or what may stand there, and its rule; `!` in
place of a default means that it must be given, `-` that it may be absent. Other spellings that are read, those of
NEST, PyNN and PyTorch, follow in brackets. `~` marks what may differ from neuron to neuron: it is a number, or what
`Spread` at the end has. Bare numbers are in the unit; text such as \"20 ms\" names its own.

`neuralearn models WORD` shows one of them.
";

/// Something that is explained in a paragraph of its own.
#[derive(Clone, Copy)]
enum Section {
    Block(&'static Block),
    Choices(&'static Choices),
}

impl Section {
    fn same(self, other: Self) -> bool {
        match (self, other) {
            // A word may be two things, as `Poisson` is a source and an encoder.
            (Self::Block(a), Self::Block(b)) => ptr::eq(a, b) || (a.name, a.doc) == (b.name, b.doc),
            (Self::Choices(a), Self::Choices(b)) => ptr::eq(a, b) || a.name == b.name,
            _ => false,
        }
    }

    fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::List(of) | Kind::Map(of) => Self::of(*of),
            Kind::Block(block) if !block.fields.is_empty() => Some(Self::Block(block)),
            Kind::Choices(choices) => Some(Self::Choices(choices)),
            _ => None,
        }
    }

    /// Those that it refers to.
    fn next(self) -> Vec<Self> {
        let fields = |fields: &'static [Field]| fields.iter().map(|field| (field.kind)());
        let kinds: Vec<Kind> = match self {
            Self::Block(block) => fields(block.fields).collect(),
            Self::Choices(choices) => {
                let below = choices.words.iter().flat_map(|word| match word.content {
                    Content::Nothing => Vec::new(),
                    Content::Value(kind) => vec![kind()],
                    Content::Fields(all) => fields(all).collect(),
                });
                below.collect()
            }
        };
        kinds.into_iter().filter_map(Self::of).collect()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Block(block) => block.name,
            Self::Choices(choices) => choices.name,
        }
    }

    fn text(self) -> String {
        match self {
            Self::Block(block) => {
                let head = format!("{}( ... )\n", block.name);
                head + &wrapped(&meaning(block.doc, &[]), 2, "  ") + &table(block.fields, 2)
            }
            Self::Choices(choices) => {
                let words = choices.words.iter().map(word);
                format!("{}\n{}", choices.name, wrapped(&meaning(choices.doc, &[]), 2, "  "))
                    + &words.collect::<String>()
            }
        }
    }
}

/// All sections, from the scene down, each where it is first needed.
fn sections() -> Vec<Section> {
    let mut found: Vec<Section> = Vec::new();
    let mut open: VecDeque<_> = Section::of(Scene::kind()).into_iter().collect();
    while let Some(section) = open.pop_front() {
        if found.iter().any(|known| known.same(section)) {
            continue;
        }
        found.push(section);
        // What a section refers to follows it, before what was open.
        for next in section.next().into_iter().rev() {
            open.push_front(next);
        }
    }
    found.extend(Section::of(Spread::kind()));
    found
}

/// A word of a choice with what follows it.
fn word(word: &Word) -> String {
    let fields = match word.content {
        Content::Fields(fields) => fields,
        _ => &[],
    };
    let signature = match word.content {
        Content::Nothing => word.name.to_owned(),
        Content::Value(kind) => match Section::of(kind()) {
            Some(_) => format!("{}( ... )", word.name),
            None => format!("{}({})", word.name, stands(&kind())),
        },
        Content::Fields(fields) => {
            let shown = |field: &Field| match (field.default)() {
                None => format!("{}: ", field.name),
                Some(default) if default.is_empty() => format!("{}: -", field.name),
                Some(default) => format!("{}: {default}", field.name),
            };
            let fields: Vec<_> = fields.iter().map(shown).collect();
            format!("{}({})", word.name, fields.join(", "))
        }
    };
    let meaning = meaning(word.doc, word.aliases);
    let head = format!("  {signature:<32} ");
    let text = match head.chars().count() {
        // What is too long stands alone.
        36.. => format!("  {signature}\n{}", wrapped(&meaning, 35, &" ".repeat(35))),
        _ => wrapped(&meaning, 35, &head),
    };
    text + &table(fields, 6)
}

/// Fields in columns.
fn table(fields: &[Field], indent: usize) -> String {
    let rows: Vec<[String; 4]> = fields
        .iter()
        .map(|field| {
            let default = match (field.default)() {
                None => "!".to_owned(),
                Some(default) if default.is_empty() => "-".to_owned(),
                Some(default) => default,
            };
            [
                field.name.to_owned(),
                default,
                stands(&(field.kind)()),
                field.rule.describe().to_owned(),
            ]
        })
        .collect();
    let width = |column: usize, most: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.filter(|width| *width <= most).max().unwrap_or(1)
    };
    let [name, default, kind, rules] =
        [(0, 20), (1, 16), (2, 20), (3, 12)].map(|(c, m)| width(c, m));
    let mut out = String::new();
    for (field, [n, d, k, r]) in fields.iter().zip(rows) {
        let head = format!("{:indent$}{n:<name$}  {d:<default$}  {k:<kind$}  {r:<rules$}  ", "",);
        let column = indent + name + default + kind + rules + 8;
        let meaning = of_field(field);
        if head.chars().count() > column {
            out += head.trim_end();
            out.push('\n');
            out += &wrapped(&meaning, column, &" ".repeat(column));
        } else {
            out += &wrapped(&meaning, column, &head);
        }
    }
    out
}

/// What may stand in a place.
fn stands(kind: &Kind) -> String {
    match kind {
        Kind::Number("") => "number".to_owned(),
        Kind::Number(unit) => (*unit).to_owned(),
        Kind::Param("") => "~ number".to_owned(),
        Kind::Param(unit) => format!("~ {unit}"),
        Kind::Whole => "count".to_owned(),
        Kind::Flag => "true, false".to_owned(),
        Kind::Text => "name".to_owned(),
        Kind::File => "path".to_owned(),
        Kind::List(of) => format!("[{}]", stands(of)),
        Kind::Map(of) => format!("{{\"\": {}}}", stands(of)),
        Kind::Block(block) => block.name.to_owned(),
        Kind::Choices(choices) => choices.name.to_owned(),
    }
}

/// The lines of a documentation as one text, without marks, and with the other spellings of what it is about.
fn meaning(doc: &[&str], aliases: &[&str]) -> String {
    let text: Vec<_> = doc.iter().map(|line| line.trim()).collect();
    let text = text.join(" ").replace("\\[", "[").replace("\\]", "]");
    match aliases {
        [] => text,
        aliases => format!("{text} [{}]", aliases.join(", ")),
    }
}

/// The same of a field, whose unit has a column of its own.
fn of_field(field: &Field) -> String {
    let text = meaning(field.doc, field.aliases);
    match (field.kind)() {
        Kind::Number(unit) | Kind::Param(unit) if !unit.is_empty() => {
            text.replace(&format!(" [{unit}]"), "")
        }
        _ => text,
    }
}

/// Text in lines that begin in `column`; the first has `head` before it.
fn wrapped(text: &str, column: usize, head: &str) -> String {
    let mut out = head.to_owned();
    let mut at = column;
    for (k, word) in text.split_whitespace().enumerate() {
        let length = word.chars().count();
        if k > 0 && at + 1 + length > WIDTH {
            out += &format!("\n{:column$}", "");
            at = column;
        } else if k > 0 {
            out.push(' ');
            at += 1;
        }
        out += word;
        at += length;
    }
    out.trim_end().to_owned() + "\n"
}

/// The text on all words, or on one.
///
/// # Errors
/// There is no such word.
pub fn text(wanted: Option<&str>) -> Result<String> {
    let sections = sections();
    let Some(wanted) = wanted else {
        let all: Vec<_> = sections.iter().map(|section| section.text()).collect();
        return Ok(format!("{INTRODUCTION}\n{}", all.join("\n")));
    };
    let is_it = |name: &str, aliases: &[&str]| {
        std::iter::once(&name).chain(aliases).any(|known| known.eq_ignore_ascii_case(wanted))
    };
    let mut found = String::new();
    let mut known = Vec::new();
    for section in &sections {
        known.push(section.name());
        if is_it(section.name(), &[]) {
            found += &section.text();
            continue;
        }
        let within = |part: String| format!("{}\n{part}", section.name());
        match section {
            Section::Block(block) => {
                known.extend(block.fields.iter().map(|field| field.name));
                let named = block.fields.iter().find(|field| is_it(field.name, field.aliases));
                if let Some(field) = named {
                    found += &within(table(std::slice::from_ref(field), 2));
                }
            }
            Section::Choices(choices) => {
                for entry in choices.words {
                    known.push(entry.name);
                    let fields = match entry.content {
                        Content::Fields(fields) => fields,
                        _ => &[],
                    };
                    known.extend(fields.iter().map(|field| field.name));
                    let named = fields.iter().any(|field| is_it(field.name, field.aliases));
                    if is_it(entry.name, entry.aliases) || named {
                        found += &within(word(entry));
                    }
                }
            }
        }
    }
    if found.is_empty() {
        let near = closest(wanted, known.iter().copied());
        let help = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        return Err(Usage(format!("no scene has a word `{wanted}`{help}")).into());
    }
    Ok(found)
}

/// Prints the text on all words, or on one.
///
/// # Errors
/// There is no such word, or nobody to read.
pub fn models(word: Option<&str>) -> Result<()> {
    Ok(print(text(word)?)?)
}
