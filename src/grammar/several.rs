//! One of a kind, or a list of several.

use super::declare::{At, Kind, Rule, Value, Visitor};
use super::read::named_or_bare;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::ser::{Serialize, Serializer};
use std::path::PathBuf;

/// Words of a choice: one stands as it is, several as a list, and none is left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Several<T>(pub Vec<T>);

impl<T: Serialize> Serialize for Several<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0[..] {
            [one] => one.serialize(serializer),
            many => many.serialize(serializer),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Several<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        named_or_bare(deserializer, |one: T| Self(vec![one]), Self)
    }
}

impl<T: Value> Value for Several<T> {
    fn kind() -> Kind {
        T::kind()
    }
    fn absent() -> Option<Self> {
        Some(Self(Vec::new()))
    }
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    fn visit(&self, at: &At, rule: Rule, visitor: &mut dyn Visitor) {
        match &self.0[..] {
            [one] => one.visit(at, rule, visitor),
            _ => self.0.visit(at, rule, visitor),
        }
    }
    fn files_mut(&mut self, each: &mut dyn FnMut(&mut PathBuf)) {
        self.0.files_mut(each);
    }
}
