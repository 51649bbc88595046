//! Numbers with a dimension.
//!
//! A [`Quantity`] is written as a bare number in the documented unit or as text with a unit. The
//! dimension is part of the type, so that a potential can never be read, or used, as a time.

use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Debug};
use std::marker::PhantomData;

/// A physical dimension with the unit in which its values are kept.
pub trait Dimension: Copy + Debug + PartialEq + 'static {
    /// What it measures, with an article: `a time`.
    const KIND: &'static str;
    /// Accepted units and their powers of ten; the first is the unit of bare numbers.
    const UNITS: &'static [(&'static str, i32)];
    /// Unit in which values are shown; none where it depends on something else.
    const SHOWN: &'static str;
}

macro_rules! dimensions {
    ($($name:ident, $kind:literal, $doc:literal, $shown:literal [$($unit:literal $power:literal),+];)+) => {
        $(
            #[doc = $doc]
            #[derive(Debug, Clone, Copy, PartialEq)]
            pub struct $name;

            impl Dimension for $name {
                const KIND: &'static str = $kind;
                const UNITS: &'static [(&'static str, i32)] = &[$(($unit, $power)),+];
                const SHOWN: &'static str = $shown;
            }
        )+

        /// Every dimension, to name the one that a misplaced unit belongs to.
        const DIMENSIONS: &[(&str, &[(&str, i32)])] = &[$(($name::KIND, $name::UNITS)),+];
    };
}

dimensions! {
    Ms, "a time", "Time, in ms.", "ms" ["ms" 0, "s" 3, "us" -3, "µs" -3, "μs" -3];
    Mv, "a potential", "Electric potential, in mV.", "mV" ["mV" 0, "V" 3, "uV" -3, "µV" -3, "μV" -3];
    Pf, "a capacitance", "Capacitance, in pF.", "pF" ["pF" 0, "nF" 3, "uF" 6, "F" 12, "µF" 6, "μF" 6];
    Ns, "a conductance", "Conductance, in nS.", "nS" ["nS" 0, "uS" 3, "mS" 6, "S" 9, "µS" 3, "μS" 3];
    Pa, "a current", "Current, in pA.", "pA" ["pA" 0, "nA" 3, "uA" 6, "A" 12, "µA" 6, "μA" 6];
    PaRootMs, "a strength of noise", "Strength of white noise, in pA·√ms.", "pA*sqrt(ms)" ["pA*sqrt(ms)" 0, "pA√ms" 0];
    Hz, "a rate", "Rate, in Hz.", "Hz" ["Hz" 0, "kHz" 3, "/s" 0];
    Mm, "a concentration", "Concentration, in mM.", "mM" ["mM" 0, "M" 3, "uM" -3, "µM" -3, "μM" -3, "nM" -6];
    Strength, "a weight", "Weight of a synapse, in the unit of its receptor: pA for a current, nS for a conductance, mV for a jump of the potential.", "" ["pA" 0, "nA" 3, "nS" 0, "uS" 3, "mV" 0, "µS" 3, "μS" 3];
    One, "a plain number", "A number without a unit.", "" ["" 0];
    Um, "a length", "Length, in µm.", "um" ["um" 0, "mm" 3, "m" 6, "µm" 0, "μm" 0];
    Velocity, "a velocity", "Velocity, in m/s.", "m/s" ["m/s" 0, "mm/ms" 0, "um/ms" -3, "µm/ms" -3, "μm/ms" -3];
}

/// Relative difference below which times, or lengths, count as equal.
pub const TOLERANCE: f64 = 1e-6;

/// A finite number in the unit of its dimension.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantity<D: Dimension>(f64, PhantomData<D>);

impl<D: Dimension> Quantity<D> {
    /// The quantity of `value` units.
    pub const fn new(value: f64) -> Self {
        Self(value, PhantomData)
    }

    /// Its number of units.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// Reads a number with a unit.
    fn parse(text: &str) -> Result<Self, String> {
        let digits = text.rfind(|c: char| c.is_ascii_digit() || c == '.');
        let (number, unit) = text.split_at(digits.map_or(0, |last| last + 1));
        let unit = unit.trim();
        let Ok(number) = number.trim().parse::<f64>() else {
            return Err(format!(
                "`{text}` is not a number with a unit, {} is expected",
                Self::wanted()
            ));
        };
        let power =
            |units: &[(&str, i32)]| units.iter().find(|(name, _)| *name == unit).map(|u| u.1);
        if let Some(power) = power(D::UNITS) {
            // Dividing by an exact power of ten is exact where multiplying by its inverse is not.
            let scale = 10f64.powi(power.abs());
            let value = if power < 0 { number / scale } else { number * scale };
            return Self::finite(value);
        }
        let found = DIMENSIONS.iter().find(|(_, units)| power(units).is_some());
        Err(match found {
            _ if unit.is_empty() => {
                format!("`{text}` lacks a unit, {} is expected", Self::wanted())
            }
            Some((kind, _)) => format!("`{text}` is {kind}, here {} is expected", Self::wanted()),
            None => format!("`{unit}` is not a known unit, {} is expected", Self::wanted()),
        })
    }

    /// Refuses what single precision cannot hold.
    fn finite(value: f64) -> Result<Self, String> {
        if (value as f32).is_finite() {
            Ok(Self::new(value))
        } else {
            Err(format!(
                "{value:e} is not finite in single precision, {} is expected",
                Self::wanted()
            ))
        }
    }

    /// `a time in ms, s or us`.
    fn wanted() -> String {
        let units: Vec<_> =
            D::UNITS.iter().map(|unit| unit.0).filter(|name| name.is_ascii()).collect();
        let (last, others) = units.split_last().unwrap_or((&"", &[]));
        format!("{} in {} or {last}", D::KIND, others.join(", "))
    }
}

impl<D: Dimension> Serialize for Quantity<D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl<D: Dimension> From<f64> for Quantity<D> {
    fn from(value: f64) -> Self {
        Self::new(value)
    }
}

/// A quantity of which it is not said yet what it measures.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Loose {
    /// A bare number.
    Number(f64),
    /// With a unit.
    Text(String),
}

impl Loose {
    /// The quantity that is meant where a certain kind of it stands.
    ///
    /// # Errors
    /// It is of another kind.
    pub fn of<D: Dimension>(self) -> Result<Quantity<D>, String> {
        match self {
            Self::Number(value) => Quantity::finite(value),
            Self::Text(text) => Quantity::parse(&text),
        }
    }
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<De: Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
        struct NumberOrText;

        impl Visitor<'_> for NumberOrText {
            type Value = Loose;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a number, or text with a unit")
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Loose, E> {
                Ok(Loose::Number(value))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Loose, E> {
                Ok(Loose::Number(value as f64))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Loose, E> {
                Ok(Loose::Number(value as f64))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Loose, E> {
                Ok(Loose::Text(text.to_owned()))
            }
        }

        deserializer.deserialize_any(NumberOrText)
    }
}

/// A quantity, or a list of them.
pub enum OneOrMany<D: Dimension> {
    /// A quantity.
    One(Quantity<D>),
    /// A list.
    Many(Vec<Quantity<D>>),
}

/// Reads a number, text with a unit, or, if `MANY`, a list of these.
struct Reader<D, const MANY: bool>(PhantomData<D>);

impl<'de, D: Dimension, const MANY: bool> Visitor<'de> for Reader<D, MANY> {
    type Value = OneOrMany<D>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&Quantity::<D>::wanted())
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Self::Value, E> {
        Quantity::finite(value).map(OneOrMany::One).map_err(E::custom)
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
        self.visit_f64(value as f64)
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
        self.visit_f64(value as f64)
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Quantity::parse(text).map(OneOrMany::One).map_err(E::custom)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        if !MANY {
            return Err(de::Error::invalid_type(de::Unexpected::Seq, &self));
        }
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(OneOrMany::Many(values))
    }
}

impl<'de, D: Dimension> Deserialize<'de> for Quantity<D> {
    fn deserialize<De: Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
        match deserializer.deserialize_any(Reader::<D, false>(PhantomData))? {
            OneOrMany::One(quantity) => Ok(quantity),
            OneOrMany::Many(_) => unreachable!("lists are refused"),
        }
    }
}

impl<'de, D: Dimension> Deserialize<'de> for OneOrMany<D> {
    fn deserialize<De: Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
        deserializer.deserialize_any(Reader::<D, true>(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::ron_options;
    use serde::de::DeserializeOwned;

    fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
        ron_options().from_str(text).map_err(|error| error.code.to_string())
    }

    #[test]
    fn units_are_converted_without_rounding() {
        for (text, ms) in [
            ("20", 20.0),
            ("-0.1", -0.1),
            ("1e-3", 1e-3),
            ("\"20 ms\"", 20.0),
            ("\"0.02s\"", 20.0),
            ("\"700 us\"", 0.7),
            ("\"1e3 µs\"", 1.0),
        ] {
            assert_eq!(read::<Quantity<Ms>>(text), Ok(Quantity::new(ms)), "{text}");
        }
        assert_eq!(read("\"0.25 nF\""), Ok(Quantity::<Pf>::new(250.0)));
        assert_eq!(read("\"20 /s\""), Ok(Quantity::<Hz>::new(20.0)));
    }

    #[test]
    fn bad_quantities_are_refused_with_a_reason() {
        for (text, reason) in [
            ("\"20 mV\"", "`20 mV` is a potential, here a time in ms, s or us is expected"),
            ("\"20\"", "`20` lacks a unit"),
            ("\"20 min\"", "`min` is not a known unit"),
            ("\"soon\"", "`soon` is not a number with a unit"),
            ("NaN", "NaN is not finite"),
            ("-inf", "not finite"),
            ("1e40", "1e40 is not finite in single precision"),
            ("\"1e38 s\"", "not finite"),
        ] {
            let error = read::<Quantity<Ms>>(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
