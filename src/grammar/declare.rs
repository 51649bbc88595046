//! One declaration for each thing that a scene may say.
//!
//! [`declare!`](crate::declare) takes a block of fields, or a choice of words with fields: for each its
//! documentation, other spellings, type, rule and default. It makes the Rust type of it, and from the same
//! lines how it is read and written, what is checked, which files it names, and the tables from which
//! `neuralearn models` is printed. Nothing of these is said a second time.
//!
//! ```text
//!   declare! {
//!       /// Leaky integrator without a threshold.
//!       pub struct Readout: Default {
//!           /// Membrane capacitance.
//!           c_m | "C_m" | "cm": Param<Pf> [Positive] = 250.0;
//!           /// Leak conductance.
//!           g_l | "g_L": Option<Param<Ns>> [Positive];
//!       }
//!   }
//! ```
//! A field without a default must be given, unless its type is an `Option`. The unit and whether a
//! field may differ from neuron to neuron follow from its type. A word with a value, `Shift(u64) [Count];`, may
//! have a rule for it; else the rule is that of the field in which the word stands.
//!
//! A word of a choice may be declared by itself, in the file of what it means: as a block that is a `Word`, `pub struct
//! Huber: Word { ... }`, as a value, `pub struct List(PathBuf);`, or alone, `pub struct Dense;`. The choice then has a line
//! of it, `Huber(crate::train::huber::Huber);`, and reads, writes and explains it as if it were declared there.
//!
//! The file is long: macros that call each other cannot lie apart.

use super::param::Param;
use super::quantity::{Dimension, Loose, One, Quantity};
use serde::de::{self, Deserialize, Deserializer, MapAccess, VariantAccess};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;

/// What holds for every number of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Finite.
    Any,
    /// Above zero.
    Positive,
    /// Zero or above.
    NotNegative,
    /// From 0 to 1.
    Fraction,
    /// From 0 to below 1.
    BelowOne,
    /// A count of at least one.
    Count,
    /// A moment, or a time that may be none: zero or above, and rounded to steps.
    Moment,
    /// A length of time, zero or above; what is above zero is at least half a step.
    Steps,
    /// A length of time above zero, of at least half a step.
    Duration,
    /// An interval at which something is done, within the run.
    Interval,
}

impl Rule {
    /// What a value that breaks it does, to follow the value in a sentence: `is not strictly positive`. Judged
    /// in single precision, in which the simulation computes.
    pub fn broken(self, value: f64) -> Option<&'static str> {
        let single = value as f32;
        match self {
            _ if !single.is_finite() => Some("is not a finite number"),
            Self::Positive | Self::Duration | Self::Interval if single <= 0.0 => {
                Some("is not strictly positive")
            }
            Self::NotNegative | Self::Moment | Self::Steps if value < 0.0 => {
                Some("is negative, 0 is the least")
            }
            Self::Fraction if !(0.0..=1.0).contains(&value) => Some("is not from 0 to 1"),
            Self::BelowOne if !(0.0..1.0).contains(&value) => Some("is not from 0 to below 1"),
            Self::Count if value < 1.0 => Some("is not enough, at least 1 is needed"),
            _ => None,
        }
    }

    /// The rule as a user reads it; nothing where any finite number will do.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Positive | Self::Duration | Self::Interval => "> 0",
            Self::NotNegative | Self::Moment | Self::Steps => ">= 0",
            Self::Fraction => "0 to 1",
            Self::BelowOne => "0 to < 1",
            Self::Count => ">= 1",
        }
    }
}

/// All that is known of a field.
#[derive(Debug)]
pub struct Field {
    /// Name.
    pub name: &'static str,
    /// Other spellings: those of NEST, PyNN and PyTorch.
    pub aliases: &'static [&'static str],
    /// What it is.
    pub doc: &'static [&'static str],
    /// What holds for its numbers.
    pub rule: Rule,
    /// What may stand there.
    pub kind: fn() -> Kind,
    /// What it is if it is not given, as a scene would say it; none if it must be given, empty if it may be
    /// absent.
    pub default: fn() -> Option<String>,
}

impl Field {
    /// Whether `word` is one of its spellings.
    pub fn is_spelt(&self, word: &str) -> bool {
        self.name == word || self.aliases.contains(&word)
    }
}

/// A group of fields.
#[derive(Debug)]
pub struct Block {
    /// Its name in error messages.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static [&'static str],
    /// Its fields, in order.
    pub fields: &'static [Field],
}

/// A choice of words.
#[derive(Debug)]
pub struct Choices {
    /// Its name in error messages.
    pub name: &'static str,
    /// What is chosen.
    pub doc: &'static [&'static str],
    /// The words, in order.
    pub words: &'static [Word],
}

/// A word of a choice.
#[derive(Debug)]
pub struct Word {
    /// The word.
    pub name: &'static str,
    /// Other spellings.
    pub aliases: &'static [&'static str],
    /// What it means.
    pub doc: &'static [&'static str],
    /// What follows in parentheses.
    pub content: Content,
}

/// What follows a word.
#[derive(Debug)]
pub enum Content {
    /// Nothing.
    Nothing,
    /// Fields.
    Fields(&'static [Field]),
    /// A value.
    Value(fn() -> Kind),
}

/// What may stand in a place.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A number, or text with a unit; the unit of bare numbers.
    Number(&'static str),
    /// The same, or one for each neuron.
    Param(&'static str),
    /// A whole number.
    Whole,
    /// `true` or `false`.
    Flag,
    /// Text.
    Text,
    /// The path of a file.
    File,
    /// A list.
    List(Box<Kind>),
    /// A map from names.
    Map(Box<Kind>),
    /// A group of fields.
    Block(&'static Block),
    /// A word of a choice.
    Choices(&'static Choices),
}

impl Kind {
    /// Every field below.
    pub fn fields(&self) -> Vec<&'static Field> {
        match self {
            Self::List(of) | Self::Map(of) => of.fields(),
            Self::Block(block) => all_below(block.fields),
            Self::Choices(choices) => {
                let below = choices.words.iter().flat_map(|word| match word.content {
                    Content::Nothing => Vec::new(),
                    Content::Fields(fields) => all_below(fields),
                    Content::Value(kind) => kind().fields(),
                });
                below.collect()
            }
            _ => Vec::new(),
        }
    }
}

fn all_below(fields: &'static [Field]) -> Vec<&'static Field> {
    let below = |field: &'static Field| std::iter::once(field).chain((field.kind)().fields());
    fields.iter().flat_map(below).collect()
}

/// A place in a scene, `populations.exc.size`: the places around it and its own name. It is put into words
/// only where there is something to say of it.
#[derive(Clone, Copy)]
pub struct At<'a> {
    around: Option<&'a At<'a>>,
    key: Key<'a>,
}

#[derive(Clone, Copy)]
enum Key<'a> {
    Name(&'a str),
    Index(usize),
}

impl<'a> At<'a> {
    /// A path from the root.
    pub fn new(path: &'a str) -> Self {
        Self { around: None, key: Key::Name(path) }
    }

    /// The field or entry of that name.
    pub fn field(&'a self, name: &'a str) -> Self {
        Self { around: Some(self), key: Key::Name(name) }
    }

    /// The entry of a list.
    pub fn index(&'a self, index: usize) -> Self {
        Self { around: Some(self), key: Key::Index(index) }
    }
}

impl Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if let Some(around) = self.around {
            around.fmt(f)?;
            // The scene itself has no name.
            if !matches!((around.around, around.key), (None, Key::Name(""))) {
                f.write_str(".")?;
            }
        }
        match self.key {
            Key::Name(name) => f.write_str(name),
            Key::Index(index) => write!(f, "{index}"),
        }
    }
}

/// Who is shown the numbers of a value, each with its place and rule.
pub trait Visitor {
    /// A number in the unit of its field, which may be empty.
    fn number(&mut self, at: &At, rule: Rule, value: f64, unit: &'static str);
    /// A number, or one for each neuron.
    fn param(&mut self, at: &At, rule: Rule, param: &Param<One>, unit: &'static str);
}

/// Who is told what is wrong with a scene, or may not be as it was meant.
pub trait Judge {
    /// A value breaks a rule: its path, the value and the rule, what to do.
    fn judge(&mut self, path: String, message: String, help: Option<String>);
    /// Something is allowed, but may not be what was meant.
    fn doubt(&mut self, path: String, message: String);
}

impl dyn Judge + '_ {
    /// A value breaks a rule.
    pub fn fault(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.judge(path.into(), message.into(), None);
    }

    /// A value breaks a rule, and this is what to do.
    pub fn fault_with_help(
        &mut self,
        path: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.judge(path.into(), message.into(), Some(help.into()));
    }

    /// Something may not be what was meant.
    pub fn warn(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.doubt(path.into(), message.into());
    }
}

/// Whether a word may be a name: `[A-Za-z_][A-Za-z0-9_.-]{0,63}`.
pub fn is_name(name: &str) -> bool {
    let rest = name.strip_prefix(|c: char| c.is_ascii_alphabetic() || c == '_');
    rest.is_some_and(|rest| {
        rest.len() <= 63 && rest.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
    })
}

/// What may stand in a scene.
pub trait Value: Sized + Serialize + for<'de> Deserialize<'de> {
    /// What it is, if it is declared as a word of a choice.
    const DOC: &'static [&'static str] = &[];
    /// What follows a word of a choice whose value it is.
    const CONTENT: Content = Content::Value(Self::kind);
    /// What is read.
    fn kind() -> Kind;
    /// Reads what follows such a word.
    ///
    /// # Errors
    /// It does not fit.
    fn read_after<'de, A: VariantAccess<'de>>(word: A) -> Result<Self, A::Error> {
        word.newtype_variant()
    }
    /// Writes such a word, one of a choice with its name and place, and what follows it.
    ///
    /// # Errors
    /// Those of the writer.
    fn write_after<S: Serializer>(
        &self,
        serializer: S,
        (choice, index, word): (&'static str, u32, &'static str),
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_variant(choice, index, word, self)
    }
    /// The value of a field that is not given, if its type says so.
    fn absent() -> Option<Self> {
        None
    }
    /// Whether it holds nothing, and is left out where that is the default.
    fn is_empty(&self) -> bool {
        false
    }
    /// Shows all numbers in it.
    fn visit(&self, at: &At, rule: Rule, visitor: &mut dyn Visitor);
    /// Gives every file in it to `each`.
    fn files_mut(&mut self, each: &mut dyn FnMut(&mut PathBuf));
}

macro_rules! numbers {
    ($($type:ty => $kind:expr;)*) => {
        $(impl Value for $type {
            fn kind() -> Kind {
                $kind
            }
            fn visit(&self, at: &At, rule: Rule, visitor: &mut dyn Visitor) {
                visitor.number(at, rule, *self as f64, "");
            }
            fn files_mut(&mut self, _: &mut dyn FnMut(&mut PathBuf)) {}
        })*
    };
}

numbers! {
    f64 => Kind::Number("");
    u64 => Kind::Whole;
    u32 => Kind::Whole;
}

impl<D: Dimension> Value for Quantity<D> {
    fn kind() -> Kind {
        Kind::Number(D::SHOWN)
    }
    fn visit(&self, at: &At, rule: Rule, visitor: &mut dyn Visitor) {
        visitor.number(at, rule, self.get(), D::SHOWN);
    }
    fn files_mut(&mut self, _: &mut dyn FnMut(&mut PathBuf)) {}
}

macro_rules! without_numbers {
    ($($type:ty => $kind:expr;)*) => {
        $(impl Value for $type {
            fn kind() -> Kind {
                $kind
            }
            fn visit(&self, _: &At, _: Rule, _: &mut dyn Visitor) {}
            fn files_mut(&mut self, _: &mut dyn FnMut(&mut PathBuf)) {}
        })*
    };
}

without_numbers! {
    // What a parameter's words say is shown as that of the parameter.
    Loose => Kind::Number("");
    bool => Kind::Flag;
    String => Kind::Text;
}

impl Value for PathBuf {
    fn kind() -> Kind {
        Kind::File
    }
    fn visit(&self, _: &At, _: Rule, _: &mut dyn Visitor) {}
    fn files_mut(&mut self, each: &mut dyn FnMut(&mut PathBuf)) {
        each(self);
    }
}

impl<T: Value> Value for Option<T> {
    fn kind() -> Kind {
        T::kind()
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
    fn is_empty(&self) -> bool {
        self.is_none()
    }
    fn visit(&self, at: &At, rule: Rule, visitor: &mut dyn Visitor) {
        self.iter().for_each(|value| value.visit(at, rule, visitor));
    }
    fn files_mut(&mut self, each: &mut dyn FnMut(&mut PathBuf)) {
        self.iter_mut().for_each(|value| value.files_mut(each));
    }
}

impl<T: Value> Value for Vec<T> {
    fn kind() -> Kind {
        Kind::List(Box::new(T::kind()))
    }
    fn is_empty(&self) -> bool {
        self.is_empty()
    }
    fn visit(&self, at: &At, rule: Rule, visitor: &mut dyn Visitor) {
        for (index, value) in self.iter().enumerate() {
            value.visit(&at.index(index), rule, visitor);
        }
    }
    fn files_mut(&mut self, each: &mut dyn FnMut(&mut PathBuf)) {
        self.iter_mut().for_each(|value| value.files_mut(each));
    }
}

/// What is read by a word, and may be read in another way too.
pub trait Choice: Sized {
    /// Reads a word and what follows it.
    ///
    /// # Errors
    /// There is no such word, or what follows does not fit.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// A map from names that keeps the order of the file and refuses to lose an entry to a duplicate.
#[derive(Debug, Clone, PartialEq)]
pub struct Named<T>(pub Vec<(String, T)>);

impl<T> Named<T> {
    /// No entries.
    pub const fn none() -> Self {
        Self(Vec::new())
    }
}

impl<T> Deref for Named<T> {
    type Target = Vec<(String, T)>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T> DerefMut for Named<T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<'a, T> IntoIterator for &'a Named<T> {
    type Item = &'a (String, T);
    type IntoIter = std::slice::Iter<'a, (String, T)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut Named<T> {
    type Item = &'a mut (String, T);
    type IntoIter = std::slice::IterMut<'a, (String, T)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter_mut()
    }
}

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (name, entry) in self {
            map.serialize_entry(name, entry)?;
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Entries<T> {
            type Value = Named<T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a map from names")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries: Vec<(String, T)> = Vec::new();
                while let Some((name, entry)) = map.next_entry::<String, T>()? {
                    if entries.iter().any(|(known, _)| *known == name) {
                        let message = format!("there are two entries with the name `{name}`");
                        return Err(de::Error::custom(message));
                    }
                    entries.push((name, entry));
                }
                Ok(Named(entries))
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}

impl<T: Value> Value for Named<T> {
    fn kind() -> Kind {
        Kind::Map(Box::new(T::kind()))
    }
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    fn visit(&self, at: &At, rule: Rule, visitor: &mut dyn Visitor) {
        for (name, value) in self {
            value.visit(&at.field(name), rule, visitor);
        }
    }
    fn files_mut(&mut self, each: &mut dyn FnMut(&mut PathBuf)) {
        self.iter_mut().for_each(|(_, value)| value.files_mut(each));
    }
}

/// The name of a field or of a word, as it is read.
pub struct Spelling(pub String);

impl<'de> Deserialize<'de> for Spelling {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Identifier;

        impl de::Visitor<'_> for Identifier {
            type Value = Spelling;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Spelling, E> {
                Ok(Spelling(text.to_owned()))
            }
        }

        deserializer.deserialize_identifier(Identifier)
    }
}

/// Reads the value of a field that is not to be given twice.
///
/// # Errors
/// It was given, or cannot be read.
pub fn read_field<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    map: &mut A,
    field: &mut Option<T>,
    name: &'static str,
) -> Result<(), A::Error> {
    if field.is_some() {
        return Err(de::Error::duplicate_field(name));
    }
    *field = Some(map.next_value()?);
    Ok(())
}

/// A default as a scene would say it.
pub fn shown<T: Value>(value: &T) -> String {
    if value.is_empty() {
        return String::new();
    }
    let text = super::ron_options().to_string(value).unwrap_or_default();
    // RON writes numbers with a point, and no space where people write one.
    text.replace(".0,", ",")
        .replace(".0)", ")")
        .replace(",", ", ")
        .replace(":", ": ")
        .trim_end_matches(".0")
        .to_owned()
}

/// See [the module](self).
#[macro_export]
macro_rules! declare {
    // ---- a block ----
    (
        $(#[doc = $doc:literal])+
        $(#[derive($($extra:ident),+)])?
        pub struct $name:ident $(: $as:ident)? {
            $(
                $(#[doc = $fdoc:literal])+
                $field:ident $(| $alias:literal)* : $type:ty $([$rule:ident])? $(= $default:expr)?;
            )*
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq $($(, $extra)+)?)]
        pub struct $name {
            $($(#[doc = $fdoc])+ pub $field: $type,)*
        }

        impl $name {
            /// What is known of it.
            pub const BLOCK: &'static $crate::grammar::Block = &$crate::grammar::Block {
                name: stringify!($name),
                doc: &[$($doc),+],
                fields: $crate::declare!(@fields $(
                    $(#[doc = $fdoc])+ $field $(| $alias)* : $type $([$rule])? $(= $default)?;
                )*),
            };
        }

        impl $crate::grammar::Value for $name {
            $crate::declare!(@as_word $($as)?);

            fn kind() -> $crate::grammar::Kind {
                $crate::grammar::Kind::Block(Self::BLOCK)
            }
            fn visit(
                &self,
                _at: &$crate::grammar::At,
                _: $crate::grammar::Rule,
                _visitor: &mut dyn $crate::grammar::Visitor,
            ) {
                let Self { $($field),* } = self;
                $crate::declare!(@visit _at _visitor $($field [$($rule)?])*);
            }
            fn files_mut(&mut self, _each: &mut dyn FnMut(&mut std::path::PathBuf)) {
                let Self { $($field),* } = self;
                $($crate::grammar::Value::files_mut($field, _each);)*
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeStruct as _;
                let Self { $($field),* } = self;
                let kept = [$($crate::declare!(@kept $field $type $(= $default)?)),*];
                let count = kept.iter().filter(|kept| **kept).count();
                let mut block = serializer.serialize_struct(stringify!($name), count)?;
                let mut _kept = kept.into_iter();
                $(if _kept.next() == Some(true) {
                    block.serialize_field(stringify!($field), $field)?;
                })*
                block.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                const NAMES: &[&str] = &[$(stringify!($field) $(, $alias)*),*];
                $crate::declare!(@reader $name [] {
                    $($field $(| $alias)* : $type $(= $default)?;)*
                });
                d.deserialize_struct(stringify!($name), NAMES, Reader)
            }
        }

        $crate::declare!(@default_impl $name [$($as)?] {
            $($field: $type $(= $default)?;)*
        });
    };

    // ---- a word of a choice, alone ----
    ($(#[doc = $doc:literal])+ pub struct $name:ident;) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name;

        impl $crate::grammar::Value for $name {
            const DOC: &'static [&'static str] = &[$($doc),+];
            const CONTENT: $crate::grammar::Content = $crate::grammar::Content::Nothing;

            fn kind() -> $crate::grammar::Kind {
                $crate::grammar::Kind::Text
            }
            fn read_after<'de, A: serde::de::VariantAccess<'de>>(
                word: A,
            ) -> Result<Self, A::Error> {
                word.unit_variant().map(|()| Self)
            }
            fn write_after<S: serde::Serializer>(
                &self,
                serializer: S,
                (choice, index, word): (&'static str, u32, &'static str),
            ) -> Result<S::Ok, S::Error> {
                serializer.serialize_unit_variant(choice, index, word)
            }
            fn visit(
                &self,
                _: &$crate::grammar::At,
                _: $crate::grammar::Rule,
                _: &mut dyn $crate::grammar::Visitor,
            ) {
            }
            fn files_mut(&mut self, _: &mut dyn FnMut(&mut std::path::PathBuf)) {}
        }
    };

    // ---- a word of a choice, with a value ----
    (
        $(#[doc = $doc:literal])+
        $(#[derive($($extra:ident),+)])?
        pub struct $name:ident($inner:ty);
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize $($(, $extra)+)?)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $crate::grammar::Value for $name {
            const DOC: &'static [&'static str] = &[$($doc),+];

            fn kind() -> $crate::grammar::Kind {
                <$inner as $crate::grammar::Value>::kind()
            }
            fn visit(
                &self,
                at: &$crate::grammar::At,
                rule: $crate::grammar::Rule,
                visitor: &mut dyn $crate::grammar::Visitor,
            ) {
                $crate::grammar::Value::visit(&self.0, at, rule, visitor);
            }
            fn files_mut(&mut self, each: &mut dyn FnMut(&mut std::path::PathBuf)) {
                $crate::grammar::Value::files_mut(&mut self.0, each);
            }
        }
    };

    // ---- a choice ----
    (
        $(#[doc = $doc:literal])+
        $(#[derive($($extra:ident),+)])?
        pub enum $name:ident $(or $bare:ident($bare_type:ty))? {
            $(
                $(#[doc = $wdoc:literal])*
                $word:ident $(| $walias:literal)* $(($inner:ty) $([$wrule:ident])?)? $({
                    $(
                        $(#[doc = $fdoc:literal])+
                        $field:ident $(| $alias:literal)* : $type:ty $([$rule:ident])?
                            $(= $default:expr)?;
                    )*
                })?;
            )*
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq $($(, $extra)+)?)]
        pub enum $name {
            $(
                #[doc = $crate::declare!(@see [$($wdoc)*] $($inner)?)]
                $word $(($inner))? $({ $($(#[doc = $fdoc])+ $field: $type,)* })?,
            )*
        }

        impl $name {
            /// What is known of it.
            pub const CHOICES: &'static $crate::grammar::Choices = &$crate::grammar::Choices {
                name: stringify!($name),
                doc: &[$($doc),+],
                words: &[$($crate::grammar::Word {
                    name: stringify!($word),
                    aliases: &[$($walias),*],
                    doc: $crate::declare!(@doc [$($wdoc)*] $($inner)?),
                    content: $crate::declare!(@content [$($inner)?] $({ $(
                        $(#[doc = $fdoc])+ $field $(| $alias)* : $type $([$rule])? $(= $default)?;
                    )* })?),
                }),*],
            };
        }

        // A choice of one word always is that word.
        #[allow(irrefutable_let_patterns, reason = "of one word")]
        impl $crate::grammar::Value for $name {
            fn kind() -> $crate::grammar::Kind {
                $crate::grammar::Kind::Choices(Self::CHOICES)
            }
            fn visit(
                &self,
                _at: &$crate::grammar::At,
                _rule: $crate::grammar::Rule,
                _visitor: &mut dyn $crate::grammar::Visitor,
            ) {
                $($crate::declare!(@visit_word self $word [$($inner $(, $wrule)?)?]
                    _at _rule _visitor $({ $($field [$($rule)?])* })?);)*
            }
            fn files_mut(&mut self, _each: &mut dyn FnMut(&mut std::path::PathBuf)) {
                $($crate::declare!(@files_word self $word [$($inner)?] _each $({ $($field)* })?);)*
            }
        }

        #[allow(irrefutable_let_patterns, reason = "of one word")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $(if let Self::$bare(value) = self {
                    return serde::Serialize::serialize(value, serializer);
                })?
                let mut _index = 0;
                $(
                    $crate::declare!(@write_word self serializer $name $word [$($inner)?] _index $({
                        $($field: $type $(= $default)?;)*
                    })?);
                    _index += 1;
                )*
                unreachable!("every word was tried")
            }
        }

        impl $name {
            /// The word that is chosen.
            #[allow(irrefutable_let_patterns, reason = "of one word")]
            pub fn word(&self) -> &'static str {
                $(if let $crate::declare!(@pattern $word [$($inner)?] $({ $($field)* })?) = self {
                    return stringify!($word);
                })*
                unreachable!("every word was tried")
            }
        }

        impl $crate::grammar::Choice for $name {
            fn read<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                const WORDS: &[&str] = &[$(stringify!($word) $(, $walias)*),*];
                struct Chosen;

                impl<'de> serde::de::Visitor<'de> for Chosen {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                        f.write_str(concat!("enum ", stringify!($name)))
                    }
                    fn visit_enum<A: serde::de::EnumAccess<'de>>(
                        self,
                        access: A,
                    ) -> Result<$name, A::Error> {
                        let (word, variant) = access.variant::<$crate::grammar::Spelling>()?;
                        let word = word.0.as_str();
                        $(if word == stringify!($word) $(|| word == $walias)* {
                            return $crate::declare!(@read_word variant $name $word [$($inner)?] $({
                                $($field $(| $alias)* : $type $(= $default)?;)*
                            })?);
                        })*
                        Err(serde::de::Error::unknown_variant(word, WORDS))
                    }
                }

                d.deserialize_enum(stringify!($name), WORDS, Chosen)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                $crate::declare!(@read_choice d $($bare_type)?)
            }
        }
    };

    // ---- parts ----
    // What a block says of itself where it is a word.
    (@as_word) => {};
    (@as_word Default) => {};
    (@as_word Word) => {
        const DOC: &'static [&'static str] = Self::BLOCK.doc;
        const CONTENT: $crate::grammar::Content =
            $crate::grammar::Content::Fields(Self::BLOCK.fields);
    };

    // What a word means, said here or where its value is declared.
    (@doc [$($doc:literal)+] $($inner:ty)?) => { &[$($doc),+] };
    (@doc [] $inner:ty) => { <$inner as $crate::grammar::Value>::DOC };
    (@see [$($doc:literal)+] $($inner:ty)?) => { concat!($($doc, "\n"),+) };
    (@see [] $inner:ty) => { concat!("See [`", stringify!($inner), "`].") };

    (@rule []) => { $crate::grammar::Rule::Any };
    (@rule [$rule:ident]) => { $crate::grammar::Rule::$rule };

    (@default $type:ty) => { <$type as $crate::grammar::Value>::absent() };
    (@default $type:ty = $default:expr) => { Some(<$type>::from($default)) };

    // Whether a field is written: it is not where it holds nothing, and would if it were absent.
    (@kept $field:ident $type:ty $(= $default:expr)?) => {
        !($crate::grammar::Value::is_empty($field)
            && $crate::declare!(@default $type $(= $default)?)
                .is_some_and(|default: $type| $crate::grammar::Value::is_empty(&default)))
    };

    (@fields $(
        $(#[doc = $fdoc:literal])+
        $field:ident $(| $alias:literal)* : $type:ty $([$rule:ident])? $(= $default:expr)?;
    )*) => {
        &[$($crate::grammar::Field {
            name: stringify!($field),
            aliases: &[$($alias),*],
            doc: &[$($fdoc),+],
            rule: $crate::declare!(@rule [$($rule)?]),
            kind: <$type as $crate::grammar::Value>::kind,
            default: || {
                let default: Option<$type> = $crate::declare!(@default $type $(= $default)?);
                default.as_ref().map($crate::grammar::shown)
            },
        }),*]
    };

    (@pattern $word:ident []) => { Self::$word };
    (@pattern $word:ident [$inner:ty]) => { Self::$word(_) };
    (@pattern $word:ident [] { $($field:ident)* }) => { Self::$word { .. } };

    (@content []) => { $crate::grammar::Content::Nothing };
    (@content [$inner:ty]) => { <$inner as $crate::grammar::Value>::CONTENT };
    (@content [] { $($fields:tt)* }) => {
        $crate::grammar::Content::Fields($crate::declare!(@fields $($fields)*))
    };

    (@visit $at:ident $visitor:ident $($field:ident [$($rule:ident)?])*) => {
        $($crate::grammar::Value::visit(
            $field,
            &$at.field(stringify!($field)),
            $crate::declare!(@rule [$($rule)?]),
            $visitor,
        );)*
    };

    (@visit_word $self:ident $word:ident [] $at:ident $rule:ident $visitor:ident) => {};
    (@visit_word $self:ident $word:ident [$inner:ty] $at:ident $rule:ident $visitor:ident) => {
        if let Self::$word(inner) = $self {
            $crate::grammar::Value::visit(inner, $at, $rule, $visitor);
        }
    };
    (@visit_word $self:ident $word:ident [$inner:ty, $own:ident] $at:ident $above:ident $visitor:ident) => {
        if let Self::$word(inner) = $self {
            $crate::grammar::Value::visit(inner, $at, $crate::grammar::Rule::$own, $visitor);
        }
    };
    (@visit_word $self:ident $word:ident [] $at:ident $above:ident $visitor:ident {
        $($field:ident [$($rule:ident)?])*
    }) => {
        if let Self::$word { $($field),* } = $self {
            $crate::declare!(@visit $at $visitor $($field [$($rule)?])*);
        }
    };

    (@files_word $self:ident $word:ident [] $each:ident) => {};
    (@files_word $self:ident $word:ident [$inner:ty] $each:ident) => {
        if let Self::$word(inner) = $self {
            $crate::grammar::Value::files_mut(inner, $each);
        }
    };
    (@files_word $self:ident $word:ident [] $each:ident { $($field:ident)* }) => {
        if let Self::$word { $($field),* } = $self {
            $($crate::grammar::Value::files_mut($field, $each);)*
        }
    };

    (@write_word $self:ident $serializer:ident $name:ident $word:ident [] $index:ident) => {
        if let Self::$word = $self {
            let name = stringify!($name);
            return $serializer.serialize_unit_variant(name, $index, stringify!($word));
        }
    };
    (@write_word $self:ident $serializer:ident $name:ident $word:ident [$inner:ty] $index:ident) => {
        if let Self::$word(inner) = $self {
            let word = (stringify!($name), $index, stringify!($word));
            return $crate::grammar::Value::write_after(inner, $serializer, word);
        }
    };
    (@write_word $self:ident $serializer:ident $name:ident $word:ident [] $index:ident {
        $($field:ident: $type:ty $(= $default:expr)?;)*
    }) => {
        if let Self::$word { $($field),* } = $self {
            use serde::ser::SerializeStructVariant as _;
            let kept: &[bool] = &[$($crate::declare!(@kept $field $type $(= $default)?)),*];
            let count = kept.iter().filter(|kept| **kept).count();
            let (name, word) = (stringify!($name), stringify!($word));
            let mut _block = $serializer.serialize_struct_variant(name, $index, word, count)?;
            let mut _kept = kept.iter();
            $(if _kept.next() == Some(&true) {
                _block.serialize_field(stringify!($field), $field)?;
            })*
            return _block.end();
        }
    };

    (@read_word $variant:ident $name:ident $word:ident []) => {
        serde::de::VariantAccess::unit_variant($variant).map(|()| $name::$word)
    };
    (@read_word $variant:ident $name:ident $word:ident [$inner:ty]) => {
        <$inner as $crate::grammar::Value>::read_after($variant).map($name::$word)
    };
    (@read_word $variant:ident $name:ident $word:ident [] {
        $($field:ident $(| $alias:literal)* : $type:ty $(= $default:expr)?;)*
    }) => {{
        const NAMES: &[&str] = &[$(stringify!($field) $(, $alias)*),*];
        $crate::declare!(@reader $name [$word] {
            $($field $(| $alias)* : $type $(= $default)?;)*
        });
        serde::de::VariantAccess::struct_variant($variant, NAMES, Reader)
    }};

    (@read_choice $d:ident) => { <Self as $crate::grammar::Choice>::read($d) };
    (@read_choice $d:ident $bare_type:ty) => {
        $crate::grammar::named_or_bare(
            $d,
            |chosen: $crate::grammar::Chosen<Self>| chosen.0,
            |bare: $bare_type| Self::from(bare),
        )
    };

    // A visitor `Reader` of fields.
    (@reader $name:ident [$($word:ident)?] {
        $($field:ident $(| $alias:literal)* : $type:ty $(= $default:expr)?;)*
    }) => {
        struct Reader;

        impl<'de> serde::de::Visitor<'de> for Reader {
            type Value = $name;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str(concat!("struct ", stringify!($name)))
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<$name, A::Error> {
                $(let mut $field = None::<$type>;)*
                while let Some(key) = map.next_key::<$crate::grammar::Spelling>()? {
                    let key = key.0.as_str();
                    $(if key == stringify!($field) $(|| key == $alias)* {
                        $crate::grammar::read_field(&mut map, &mut $field, stringify!($field))?;
                        continue;
                    })*
                    return Err(serde::de::Error::unknown_field(key, NAMES));
                }
                Ok($name $(::$word)? {
                    $($field: match $field {
                        Some(value) => value,
                        None => $crate::declare!(@default $type $(= $default)?)
                            .ok_or_else(|| serde::de::Error::missing_field(stringify!($field)))?,
                    },)*
                })
            }
        }
    };

    (@default_impl $name:ident [] { $($fields:tt)* }) => {};
    (@default_impl $name:ident [Word] { $($fields:tt)* }) => {};
    (@default_impl $name:ident [Default] {
        $($field:ident: $type:ty $(= $default:expr)?;)*
    }) => {
        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($field: $crate::declare!(@default $type $(= $default)?)
                        .expect("every field has a default"),)*
                }
            }
        }
    };
}
