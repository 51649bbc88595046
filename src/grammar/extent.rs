//! Rows and columns: a whole number for both, or a list of the two.

use super::declare::{At, Kind, Rule, Value, Visitor};
use serde::de::{self, Deserialize, Deserializer, SeqAccess};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::path::PathBuf;

/// A number of rows and one of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent(pub [u64; 2]);

impl Extent {
    /// As many rows as columns.
    pub const fn both(n: u64) -> Self {
        Self([n; 2])
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} x {}", self.0[0], self.0[1])
    }
}

impl Serialize for Extent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [rows, columns] if rows == columns => serializer.serialize_u64(rows),
            both => serializer.collect_seq(both),
        }
    }
}

impl<'de> Deserialize<'de> for Extent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> de::Visitor<'de> for Reader {
            type Value = Extent;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a whole number, or a list of rows and columns as `[3, 5]`")
            }
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Extent, E> {
                Ok(Extent::both(n))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Extent, A::Error> {
                let mut numbers = Vec::new();
                while let Some(n) = list.next_element()? {
                    numbers.push(n);
                }
                <[u64; 2]>::try_from(numbers).map(Extent).map_err(|numbers| {
                    let count = numbers.len();
                    de::Error::custom(format!(
                        "rows and columns are two numbers, as `[3, 5]`, and not {count}"
                    ))
                })
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

impl Value for Extent {
    fn kind() -> Kind {
        Kind::Whole
    }
    fn visit(&self, at: &At, rule: Rule, visitor: &mut dyn Visitor) {
        match self.0 {
            [rows, columns] if rows == columns => visitor.number(at, rule, rows as f64, ""),
            both => {
                for (k, n) in both.into_iter().enumerate() {
                    visitor.number(&at.index(k), rule, n as f64, "");
                }
            }
        }
    }
    fn files_mut(&mut self, _: &mut dyn FnMut(&mut PathBuf)) {}
}
