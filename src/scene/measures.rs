//! Words of a scene for what a simulation counts of its spikes: numbers of the summary.

use crate::declare;
use crate::grammar::{Hz, Ms, Quantity};

declare! {
    /// A number that a simulation counts of its spikes, all of them, whether they are recorded or not. A spike is in a
    /// window if it comes after `from`, and at `to` at the latest.
    pub enum Measure {
        /// Mean rate of neurons \[Hz\].
        Rate {
            /// The population.
            population: String;
            /// Which of its neurons; all if absent.
            ids: Option<Vec<u64>>;
            /// Begin of the window \[ms\].
            from: Quantity<Ms> [Moment] = 0.0;
            /// End of the window \[ms\]; that of the simulation if absent.
            to: Option<Quantity<Ms>> [Moment];
        };
        /// Fraction of neurons that are active.
        Active {
            /// The population.
            population: String;
            /// Which of its neurons; all if absent.
            ids: Option<Vec<u64>>;
            /// Begin of the window \[ms\].
            from: Quantity<Ms> [Moment] = 0.0;
            /// End of the window \[ms\]; that of the simulation if absent.
            to: Option<Quantity<Ms>> [Moment];
            /// Rate in the window above which a neuron is active \[Hz\]; any spike makes it so if absent.
            above: Quantity<Hz> [NotNegative] = 0.0;
        };
        /// Fraction of the neurons of a pattern that are active in a window of its trial, also of those that were not
        /// shown: neuron k is of a pattern if source k is. The mean over all patterns.
        Hit {
            /// The population, with as many neurons as there are sources.
            population: String;
            /// The population of `Patterns`.
            patterns: String;
            /// Begin of the window, from that of a trial \[ms\].
            from: Quantity<Ms> [Moment] = 0.0;
            /// End of the window, likewise \[ms\]; that of the trial if absent.
            to: Option<Quantity<Ms>> [Moment];
            /// As of `Active` \[Hz\].
            above: Quantity<Hz> [NotNegative] = 0.0;
        };
        /// The same of the neurons that are not of the pattern.
        False {
            /// As of `Hit`.
            population: String;
            /// As of `Hit`.
            patterns: String;
            /// As of `Hit` \[ms\].
            from: Quantity<Ms> [Moment] = 0.0;
            /// As of `Hit` \[ms\].
            to: Option<Quantity<Ms>> [Moment];
            /// As of `Active` \[Hz\].
            above: Quantity<Hz> [NotNegative] = 0.0;
        };
    }
}

impl Measure {
    /// The population whose spikes are counted.
    pub fn population(&self) -> &str {
        match self {
            Self::Rate { population, .. }
            | Self::Active { population, .. }
            | Self::Hit { population, .. }
            | Self::False { population, .. } => population,
        }
    }

    /// The neurons that it names.
    pub fn ids(&self) -> Option<&[u64]> {
        match self {
            Self::Rate { ids, .. } | Self::Active { ids, .. } => ids.as_deref(),
            Self::Hit { .. } | Self::False { .. } => None,
        }
    }

    /// The sources of patterns, in whose trials it has its windows.
    pub fn patterns(&self) -> Option<&str> {
        match self {
            Self::Rate { .. } | Self::Active { .. } => None,
            Self::Hit { patterns, .. } | Self::False { patterns, .. } => Some(patterns),
        }
    }

    /// Begin and, if it is given, end of its window \[ms\].
    pub fn window(&self) -> (f64, Option<f64>) {
        match self {
            Self::Rate { from, to, .. }
            | Self::Active { from, to, .. }
            | Self::Hit { from, to, .. }
            | Self::False { from, to, .. } => (from.get(), to.map(Quantity::get)),
        }
    }

    /// Rate above which a neuron is active, of measures of that \[Hz\].
    pub fn above(&self) -> Option<f64> {
        match self {
            Self::Rate { .. } => None,
            Self::Active { above, .. } | Self::Hit { above, .. } | Self::False { above, .. } => {
                Some(above.get())
            }
        }
    }
}
