//! Reading RON: the dialect of scenes, and its errors in words for who wrote them.

use super::declare::Choice;
use super::text::{closest, scan};
use ron::error::Error as RonError;
use ron::extensions::Extensions;
use ron::value::RawValue;
use serde::Deserialize;
use serde::de::{self, DeserializeOwned, Deserializer};

/// The dialect of scenes: `Some` and the inner parentheses of `Lif((...))` are left out.
pub fn ron_options() -> ron::Options {
    ron::Options::default().with_default_extension(
        Extensions::IMPLICIT_SOME
            | Extensions::UNWRAP_NEWTYPES
            | Extensions::UNWRAP_VARIANT_NEWTYPES,
    )
}

/// Reads a variant by its name, or what has none. RON forgets the name of a variant whose type it
/// is not told beforehand, so the text itself is captured and its first character decides.
pub fn named_or_bare<'de, De, Named, Bare, T>(
    deserializer: De,
    named: impl FnOnce(Named) -> T,
    bare: impl FnOnce(Bare) -> T,
) -> Result<T, De::Error>
where
    De: Deserializer<'de>,
    Named: DeserializeOwned,
    Bare: DeserializeOwned,
{
    fn read<T: DeserializeOwned, E: de::Error>(text: &str) -> Result<T, E> {
        ron_options().from_str(text).map_err(|error| {
            let (message, help) = explain(&error.code, text);
            E::custom(help.map_or(message.clone(), |help| format!("{message}; {help}")))
        })
    }

    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let value = scan(raw.get_ron()).map_err(|error| de::Error::custom(error.message))?.span;
    let text = &raw.get_ron()[value];
    let is_number = text.starts_with("NaN") || text.starts_with("inf");
    if text.starts_with(char::is_alphabetic) && !is_number {
        read(text).map(named)
    } else {
        read(text).map(bare)
    }
}

/// A choice by its word alone, whatever else may stand for it.
pub struct Chosen<T>(pub T);

impl<'de, T: Choice> Deserialize<'de> for Chosen<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Self)
    }
}

/// What an error of the RON reader about the text `value` means to who wrote it, and what to do.
pub fn explain(error: &RonError, value: &str) -> (String, Option<String>) {
    let within = |outer: &Option<String>| {
        outer.as_ref().map_or(String::new(), |outer| format!(" in `{outer}`"))
    };
    let choices = |found: &str, expected: &[&'static str], what: &str| match closest(
        found,
        expected.iter().copied(),
    ) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the {what} are {}", expected.join(", ")),
    };
    let value = first_words(value);
    let expected = |what: &str| format!("{what} is expected, not `{value}`");
    match error {
        RonError::NoSuchStructField { expected, found, outer } => (
            format!("no field `{found}`{}", within(outer)),
            Some(choices(found, expected, "fields")),
        ),
        RonError::NoSuchEnumVariant { expected, found, outer } => (
            format!("no choice `{found}`{}", within(outer)),
            Some(choices(found, expected, "choices")),
        ),
        RonError::MissingStructField { field, outer } => (
            format!("the field `{field}` is missing{}", within(outer)),
            Some(format!("add `{field}: ...`")),
        ),
        RonError::DuplicateStructField { field, .. } => (
            format!("the field `{field}` is given twice"),
            Some("keep one; another spelling counts as the same field".to_owned()),
        ),
        RonError::IntegerOutOfBounds => {
            (format!("`{value}` is out of the range of whole numbers here"), None)
        }
        RonError::ExpectedInteger => (expected("a whole number"), None),
        RonError::ExpectedComma | RonError::InvalidIntegerDigit { .. }
            if value.parse::<f64>().is_ok() =>
        {
            (expected("a whole number"), Some("write it without point and exponent".to_owned()))
        }
        RonError::ExpectedComma if value.ends_with(')') => {
            (format!("`{value}` takes nothing in parentheses"), Some("leave them out".to_owned()))
        }
        RonError::ExpectedComma => (format!("`{value}` cannot be read"), None),
        RonError::ExpectedFloat => (expected("a number"), None),
        RonError::ExpectedBoolean => (expected("`true` or `false`"), None),
        RonError::ExpectedString => (expected("text in quotes"), None),
        RonError::ExpectedIdentifier => (expected("a name"), None),
        RonError::ExpectedArray => (expected("a list, `[...]`,"), None),
        RonError::ExpectedMap => (expected("a map, `{ \"name\": ... }`,"), None),
        RonError::ExpectedStructLike | RonError::ExpectedNamedStructLike(_) => {
            (expected("a group of fields, `(...)`,"), None)
        }
        RonError::ExpectedDifferentStructName { expected: name, .. } => {
            (expected(&format!("`{name}(...)`")), None)
        }
        RonError::InvalidValueForType { expected: wanted, .. } => (expected(wanted), None),
        RonError::ExceededRecursionLimit => ("brackets are nested too deep".to_owned(), None),
        other => (other.to_string(), None),
    }
}

/// The start of a value, short enough to be quoted in a sentence.
fn first_words(value: &str) -> String {
    let line = value.lines().next().unwrap_or_default();
    match line.char_indices().nth(40) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}
