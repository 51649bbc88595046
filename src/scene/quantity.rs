//! Numbers with a dimension, and the places in a scene where one may stand.
//!
//! A [`Quantity`] is written as a bare number in the documented unit or as text with a unit; a
//! [`Param`] may also be a distribution or a file. The dimension is part of the type, so that a
//! potential can never be read, or used, as a time.

use super::load::{explain, ron_options};
use super::text::scan;
use super::{Delay, Weight};
use ron::value::RawValue;
use serde::de::{self, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use std::fmt::{self, Debug};
use std::marker::PhantomData;
use std::path::PathBuf;

/// A physical dimension with the unit in which its values are kept.
pub trait Dimension: Copy + Debug + PartialEq + 'static {
    /// What it measures, with an article: `a time`.
    const KIND: &'static str;
    /// Accepted units and their powers of ten; the first is the unit of bare numbers.
    const UNITS: &'static [(&'static str, i32)];
}

macro_rules! dimensions {
    ($($name:ident, $kind:literal, $doc:literal, [$($unit:literal $power:literal),+];)+) => {
        $(
            #[doc = $doc]
            #[derive(Debug, Clone, Copy, PartialEq)]
            pub struct $name;

            impl Dimension for $name {
                const KIND: &'static str = $kind;
                const UNITS: &'static [(&'static str, i32)] = &[$(($unit, $power)),+];
            }
        )+

        /// Every dimension, to name the one that a misplaced unit belongs to.
        const DIMENSIONS: &[(&str, &[(&str, i32)])] = &[$(($name::KIND, $name::UNITS)),+];
    };
}

dimensions! {
    Ms, "a time", "Time, in ms.", ["ms" 0, "s" 3, "us" -3, "µs" -3, "μs" -3];
    Mv, "a potential", "Electric potential, in mV.", ["mV" 0, "V" 3, "uV" -3, "µV" -3, "μV" -3];
    Pf, "a capacitance", "Capacitance, in pF.", ["pF" 0, "nF" 3, "uF" 6, "F" 12, "µF" 6, "μF" 6];
    Ns, "a conductance", "Conductance, in nS.", ["nS" 0, "uS" 3, "mS" 6, "S" 9, "µS" 3, "μS" 3];
    Pa, "a current", "Current, in pA.", ["pA" 0, "nA" 3, "uA" 6, "A" 12, "µA" 6, "μA" 6];
    PaRootMs, "a strength of noise", "Strength of white noise, in pA·√ms.", ["pA*sqrt(ms)" 0, "pA√ms" 0];
    Hz, "a rate", "Rate, in Hz.", ["Hz" 0, "kHz" 3, "/s" 0];
    Mm, "a concentration", "Concentration, in mM.", ["mM" 0, "M" 3, "uM" -3, "µM" -3, "μM" -3, "nM" -6];
    Strength, "a weight", "Weight of a synapse, in the unit of its receptor: pA for a current, nS for a conductance, mV for a jump of the potential.", ["pA" 0, "nA" 3, "nS" 0, "uS" 3, "mV" 0, "µS" 3, "μS" 3];
    One, "a plain number", "A number without a unit.", ["" 0];
    Um, "a length", "Length, in µm.", ["um" 0, "mm" 3, "m" 6, "µm" 0, "μm" 0];
    Velocity, "a velocity", "Velocity, in m/s.", ["m/s" 0, "mm/ms" 0, "um/ms" -3, "µm/ms" -3, "μm/ms" -3];
}

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

impl<'de, D: Dimension> Deserialize<'de> for Quantity<D> {
    fn deserialize<De: Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
        struct NumberOrText<D>(PhantomData<D>);

        impl<D: Dimension> Visitor<'_> for NumberOrText<D> {
            type Value = Quantity<D>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str(&Quantity::<D>::wanted())
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Self::Value, E> {
                Quantity::finite(value).map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
                self.visit_f64(value as f64)
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
                self.visit_f64(value as f64)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Quantity::parse(text).map_err(E::custom)
            }
        }

        deserializer.deserialize_any(NumberOrText(PhantomData))
    }
}

/// A parameter of a population: one value for all, or one for each neuron.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(bound = "")]
pub enum Param<D: Dimension> {
    /// Drawn from a normal distribution.
    Normal {
        /// Mean.
        mean: Quantity<D>,
        /// Standard deviation.
        std: Quantity<D>,
    },
    /// Drawn from a uniform distribution on `[low, high)`.
    Uniform {
        /// Lower bound.
        low: Quantity<D>,
        /// Upper bound.
        high: Quantity<D>,
    },
    /// `base + scale · r^exponent` with r uniform on (0, 1). Parameters of a population with the same
    /// `draw` share r, so that they vary together.
    Power {
        /// Value at r = 0.
        base: Quantity<D>,
        /// What r adds.
        scale: Quantity<D>,
        /// Power of r.
        exponent: f64,
        /// Which r.
        draw: u32,
    },
    /// Read from a `.npy` file of one number per neuron.
    File(PathBuf),
    /// The same for every neuron.
    #[serde(untagged)]
    Value(Quantity<D>),
}

impl<D: Dimension> Param<D> {
    /// The same number of units for every neuron.
    pub const fn value(value: f64) -> Self {
        Self::Value(Quantity::new(value))
    }
}

impl<'de, D: Dimension> Deserialize<'de> for Param<D> {
    fn deserialize<De: Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
        /// The variants with a name.
        #[derive(Deserialize)]
        #[serde(rename = "Param", bound = "", deny_unknown_fields)]
        enum Named<D: Dimension> {
            Normal {
                mean: Quantity<D>,
                std: Quantity<D>,
            },
            Uniform {
                low: Quantity<D>,
                high: Quantity<D>,
            },
            Power {
                base: Quantity<D>,
                scale: Quantity<D>,
                exponent: f64,
                #[serde(default)]
                draw: u32,
            },
            File(PathBuf),
        }

        let from_named = |named| match named {
            Named::Normal { mean, std } => Self::Normal { mean, std },
            Named::Uniform { low, high } => Self::Uniform { low, high },
            Named::Power { base, scale, exponent, draw } => {
                Self::Power { base, scale, exponent, draw }
            }
            Named::File(path) => Self::File(path),
        };
        named_or_bare(deserializer, from_named, Self::Value)
    }
}

/// Reads a weight, where a bare quantity stands for `Constant`.
pub(super) fn weight<'de, De: Deserializer<'de>>(deserializer: De) -> Result<Weight, De::Error> {
    named_or_bare(deserializer, |weight| weight, Weight::Constant)
}

impl<'de> Deserialize<'de> for Delay {
    fn deserialize<De: Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
        /// The variants with a name.
        #[derive(Deserialize)]
        #[serde(rename = "Delay", deny_unknown_fields)]
        enum Named {
            Normal {
                mean: Quantity<Ms>,
                std: Quantity<Ms>,
                #[serde(default)]
                min: Option<Quantity<Ms>>,
                #[serde(default)]
                max: Option<Quantity<Ms>>,
            },
            Uniform {
                low: Quantity<Ms>,
                high: Quantity<Ms>,
            },
            Distance {
                #[serde(default = "no_offset")]
                offset: Quantity<Ms>,
                velocity: Quantity<Velocity>,
            },
        }

        fn no_offset() -> Quantity<Ms> {
            Quantity::new(0.0)
        }

        let from_named = |named| match named {
            Named::Normal { mean, std, min, max } => Self::Normal { mean, std, min, max },
            Named::Uniform { low, high } => Self::Uniform { low, high },
            Named::Distance { offset, velocity } => Self::Distance { offset, velocity },
        };
        named_or_bare(deserializer, from_named, Self::Value)
    }
}

/// Reads a variant by its name, or what has none. RON forgets the name of a variant whose type it
/// is not told beforehand, so the text itself is captured and its first character decides.
fn named_or_bare<'de, De, Named, Bare, T>(
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

/// A map from names that keeps the order of the file and refuses to lose an entry to a duplicate.
pub(super) mod named {
    use super::*;

    /// Writes the map.
    pub fn serialize<T: Serialize, S: Serializer>(
        entries: &[(String, T)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(entries.len()))?;
        for (name, entry) in entries {
            map.serialize_entry(name, entry)?;
        }
        map.end()
    }

    /// Reads the map.
    pub fn deserialize<'de, T: Deserialize<'de>, De: Deserializer<'de>>(
        deserializer: De,
    ) -> Result<Vec<(String, T)>, De::Error> {
        struct Entries<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Vec<(String, T)>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a map from names")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries: Self::Value = Vec::new();
                while let Some((name, entry)) = map.next_entry::<String, T>()? {
                    if entries.iter().any(|(known, _)| *known == name) {
                        let message = format!("there are two entries with the name `{name}`");
                        return Err(de::Error::custom(message));
                    }
                    entries.push((name, entry));
                }
                Ok(entries)
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_parameter_is_a_value_a_distribution_or_a_file() {
        let quantity = Quantity::<Ms>::new;
        for (text, param) in [
            ("20", Param::value(20.0)),
            (" /* in s */ \"0.02 s\"", Param::value(20.0)),
            (
                "Normal(mean: 20, std: \"2 ms\")",
                Param::Normal { mean: quantity(20.0), std: quantity(2.0) },
            ),
            (
                "Uniform(low: 1, high: 2)",
                Param::Uniform { low: quantity(1.0), high: quantity(2.0) },
            ),
            ("File(\"tau.npy\")", Param::File("tau.npy".into())),
        ] {
            assert_eq!(read::<Param<Ms>>(text).as_ref(), Ok(&param), "{text}");
            let written = ron_options().to_string(&param).unwrap();
            assert_eq!(read(&written), Ok(param), "{written}");
        }
        let error = read::<Param<Ms>>("Gauss(mean: 20)").unwrap_err();
        assert!(error.contains("no choice `Gauss`") && error.contains("Normal"), "{error}");
        let error = read::<Param<Ms>>("Normal(mean: 20, sdt: 2)").unwrap_err();
        assert!(
            error.contains("no field `sdt`") && error.contains("did you mean `std`"),
            "{error}"
        );
    }

    #[test]
    fn a_weight_may_be_bare() {
        let projection = |weight: &str| {
            let text = format!("(from: \"a\", to: \"b\", connect: Dense, weight: {weight})");
            read::<crate::scene::Projection>(&text).map(|projection| projection.weight)
        };
        for text in ["20.0", "\"0.02 nA\"", "Constant(20)", "Constant(\"20 pA\")"] {
            assert_eq!(projection(text), Ok(Weight::Constant(Quantity::new(20.0))), "{text}");
        }
        assert_eq!(projection("Kaiming(gain: 1)"), Ok(Weight::Kaiming { gain: 1.0 }));
    }

    #[test]
    fn a_delay_is_a_quantity_or_is_drawn() {
        let ms = Quantity::<Ms>::new;
        for (text, delay) in [
            ("1.5", Delay::Value(ms(1.5))),
            ("\"0.0015 s\"", Delay::Value(ms(1.5))),
            (
                "Normal(mean: 1.5, std: \"500 us\", max: 3)",
                Delay::Normal { mean: ms(1.5), std: ms(0.5), min: None, max: Some(ms(3.0)) },
            ),
            ("Uniform(low: 1, high: 2)", Delay::Uniform { low: ms(1.0), high: ms(2.0) }),
            (
                "Distance(velocity: \"300 um/ms\")",
                Delay::Distance { offset: ms(0.0), velocity: Quantity::new(0.3) },
            ),
        ] {
            assert_eq!(read::<Delay>(text), Ok(delay), "{text}");
            assert_eq!(read(&ron_options().to_string(&delay).unwrap()), Ok(delay), "{text}");
        }
        let error = read::<Delay>("Distance(velocity: \"3 um\")").unwrap_err();
        assert!(error.contains("`3 um` is a length, here a velocity in m/s"), "{error}");
        assert_eq!(read("\"1.5 mm\""), Ok(Quantity::<Um>::new(1500.0)));
        assert_eq!(read("\"2 µm\""), Ok(Quantity::<Um>::new(2.0)));
        assert_eq!(read("3"), Ok(Quantity::<Um>::new(3.0)));
    }

    #[test]
    fn populations_keep_their_order_and_none_is_lost() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Holder(#[serde(with = "named")] Vec<(String, crate::scene::Population)>);

        let text = r#"{"z": (size: 1, model: Lif()), "a": (size: 2, model: Readout())}"#;
        let holder: Holder = read(text).unwrap();
        assert_eq!(holder.0.iter().map(|entry| entry.0.as_str()).collect::<Vec<_>>(), ["z", "a"]);
        assert_eq!(read(&ron_options().to_string(&holder).unwrap()), Ok(holder));
        let error = read::<Holder>(&text.replace("\"a\"", "\"z\"")).unwrap_err();
        assert!(error.contains("two entries with the name `z`"), "{error}");
    }
}
