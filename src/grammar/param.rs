//! Numbers of the neurons of a population.
//!
//! A [`Param`] is a quantity that all neurons share, or a way to come by one for each: a list, points on a line,
//! a distribution, a file.

use super::declare::{At, Kind, Rule, Value, Visitor};
use super::quantity::{Dimension, Loose, One, OneOrMany, Quantity};
use super::read::{Chosen, named_or_bare};
use crate::declare;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

declare! {
    /// A parameter: a number, a quantity with a unit such as "20 ms", a list with one entry for each neuron, or
    /// one of these words. Draws are keyed by the seed and the path of the field, and by nothing else.
    pub enum Spread {
        /// Drawn from a normal distribution.
        Normal {
            /// Mean.
            mean: Loose;
            /// Standard deviation.
            std: Loose [NotNegative];
        };
        /// Drawn from a distribution whose logarithm is normal.
        LogNormal {
            /// Mean of the values themselves.
            mean: Loose [Positive];
            /// Standard deviation of the values themselves.
            std: Loose [NotNegative];
        };
        /// Drawn from a uniform distribution on \[low, high).
        Uniform {
            /// Lower bound.
            low: Loose;
            /// Upper bound.
            high: Loose;
        };
        /// Evenly spaced from the first neuron to the last.
        Linspace {
            /// Value of the first.
            from: Loose;
            /// Value of the last.
            to: Loose;
        };
        /// base + scale r^exponent with r uniform on (0, 1). Parameters of a population with the same draw share r, so
        /// that they vary together.
        Power {
            /// Value at r = 0.
            base: Loose;
            /// What r adds.
            scale: Loose;
            /// Power of r.
            exponent: f64 [Positive];
            /// Which r.
            draw: u32 = 0u32;
        };
        /// Read from a "values.npy" of one number for each neuron, or from the "weights.safetensors" of a training, of
        /// which the tensor `population.field` is taken.
        File(PathBuf);
    }
}

/// A parameter of a population: one value for all, or one for each neuron. [`Spread`] says how it is read.
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
    /// Drawn from a distribution whose logarithm is normal.
    LogNormal {
        /// Mean of the values themselves.
        mean: Quantity<D>,
        /// Standard deviation of the values themselves.
        std: Quantity<D>,
    },
    /// Drawn from a uniform distribution on `[low, high)`.
    Uniform {
        /// Lower bound.
        low: Quantity<D>,
        /// Upper bound.
        high: Quantity<D>,
    },
    /// Evenly spaced, from the first neuron to the last.
    Linspace {
        /// Value of the first neuron.
        from: Quantity<D>,
        /// Value of the last.
        to: Quantity<D>,
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
    /// One for each neuron, in order.
    #[serde(untagged)]
    Values(Vec<Quantity<D>>),
    /// The same for every neuron.
    #[serde(untagged)]
    Value(Quantity<D>),
}

impl<D: Dimension> Param<D> {
    /// The same number of units for every neuron.
    pub const fn value(value: f64) -> Self {
        Self::Value(Quantity::new(value))
    }

    /// The value that all neurons share, if they do.
    pub fn shared(&self) -> Option<f64> {
        match self {
            Self::Value(value) => Some(value.get()),
            _ => None,
        }
    }

    /// The same without its dimension, its quantities in the unit of that.
    pub fn plain(&self) -> Param<One> {
        let plain = |q: &Quantity<D>| Quantity::new(q.get());
        match self {
            Self::Normal { mean, std } => Param::Normal { mean: plain(mean), std: plain(std) },
            Self::LogNormal { mean, std } => {
                Param::LogNormal { mean: plain(mean), std: plain(std) }
            }
            Self::Uniform { low, high } => Param::Uniform { low: plain(low), high: plain(high) },
            Self::Linspace { from, to } => Param::Linspace { from: plain(from), to: plain(to) },
            Self::Power { base, scale, exponent, draw } => Param::Power {
                base: plain(base),
                scale: plain(scale),
                exponent: *exponent,
                draw: *draw,
            },
            Self::Values(values) => Param::Values(values.iter().map(plain).collect()),
            Self::File(file) => Param::File(file.clone()),
            Self::Value(value) => Param::Value(plain(value)),
        }
    }

    /// Least and largest value of each neuron, where it is the same for all and known before the draw: of what is
    /// laid out from neuron to neuron, one is not to be compared with that of another.
    pub fn range(&self) -> Option<(f64, f64)> {
        match self {
            Self::Linspace { .. } | Self::Values(_) => None,
            other => other.bounds(),
        }
    }

    /// Least and largest value that it can take, where that is known before the draw.
    pub fn bounds(&self) -> Option<(f64, f64)> {
        let ordered = |a: f64, b: f64| (a.min(b), a.max(b));
        match self {
            Self::Value(value) => Some((value.get(), value.get())),
            Self::Uniform { low, high } => Some((low.get(), high.get())),
            Self::Linspace { from, to } => Some(ordered(from.get(), to.get())),
            Self::Power { base, scale, .. } => Some(ordered(base.get(), base.get() + scale.get())),
            Self::Values(values) => {
                let all = values.iter().map(|value| value.get());
                all.map(|x| (x, x)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
            }
            Self::Normal { .. } | Self::LogNormal { .. } | Self::File(_) => None,
        }
    }

    fn of(spread: Spread) -> Result<Self, String> {
        Ok(match spread {
            Spread::Normal { mean, std } => Self::Normal { mean: mean.of()?, std: std.of()? },
            Spread::LogNormal { mean, std } => Self::LogNormal { mean: mean.of()?, std: std.of()? },
            Spread::Uniform { low, high } => Self::Uniform { low: low.of()?, high: high.of()? },
            Spread::Linspace { from, to } => Self::Linspace { from: from.of()?, to: to.of()? },
            Spread::Power { base, scale, exponent, draw } => {
                Self::Power { base: base.of()?, scale: scale.of()?, exponent, draw }
            }
            Spread::File(path) => Self::File(path),
        })
    }
}

impl<D: Dimension> From<f64> for Param<D> {
    fn from(value: f64) -> Self {
        Self::value(value)
    }
}

impl<'de, D: Dimension> Deserialize<'de> for Param<D> {
    fn deserialize<De: Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
        let read = named_or_bare(
            deserializer,
            |chosen: Chosen<Spread>| Self::of(chosen.0),
            |bare: OneOrMany<D>| {
                Ok(match bare {
                    OneOrMany::One(value) => Self::Value(value),
                    OneOrMany::Many(values) => Self::Values(values),
                })
            },
        );
        read?.map_err(de::Error::custom)
    }
}

impl<D: Dimension> Param<D> {
    /// Takes the values from a file, unless they are from one already.
    pub fn load(&mut self, file: &Path) {
        if !matches!(self, Self::File(_)) {
            *self = Self::File(file.to_owned());
        }
    }
}

impl<D: Dimension> Value for Param<D> {
    fn kind() -> Kind {
        Kind::Param(D::SHOWN)
    }
    fn visit(&self, at: &At, rule: Rule, visitor: &mut dyn Visitor) {
        visitor.param(at, rule, &self.plain(), D::SHOWN);
    }
    fn files_mut(&mut self, each: &mut dyn FnMut(&mut PathBuf)) {
        if let Self::File(path) = self {
            each(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::{Ms, ron_options};
    use serde::de::DeserializeOwned;

    fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
        ron_options().from_str(text).map_err(|error| error.code.to_string())
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
            (
                "LogNormal(mean: 20, std: \"2 ms\")",
                Param::LogNormal { mean: quantity(20.0), std: quantity(2.0) },
            ),
            (
                "Linspace(from: \"1 s\", to: 2)",
                Param::Linspace { from: quantity(1000.0), to: quantity(2.0) },
            ),
            ("[0, \"5 s\", 10]", Param::Values([0.0, 5000.0, 10.0].map(quantity).to_vec())),
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
}
