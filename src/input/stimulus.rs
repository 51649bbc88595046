//! What a stimulus is to a scene and to a network: a declaration of its fields, and [`Drive`]. One is a file of this module
//! and a line in [`stimuli!`](crate::stimuli).
//!
//! What a stimulus does in a run is one of three things ([`Input`]), for which there are kernels: events at random times, a
//! current whose course all neurons share, or noise. A current is no more than its [`Course`]; it needs no kernel of its
//! own.

use super::source::InputError;
use crate::grammar::Judge;
use crate::neuron::model::Drawn;
use std::fmt::Debug;
use std::sync::Arc;

/// What a stimulus is made for.
#[derive(Debug, Clone, Copy)]
pub struct Making {
    /// Time step \[ms\].
    pub dt: f64,
    /// The part of a step after which a current that changes has the value that counts for the whole of it.
    pub moment: f64,
    /// Whether all neurons of a population get it.
    pub all: bool,
    /// Receptors of events with weights from 0 on and below.
    pub receptors: [usize; 2],
    /// Whether the second is a conductance, which gets magnitudes.
    pub by_magnitude: bool,
}

/// What a stimulus is in a run.
#[derive(Debug, Clone)]
pub enum Input {
    /// Independent Poisson events for each neuron.
    Poisson {
        /// Mean number of events per step, for all neurons or for each.
        means: Vec<f64>,
        /// Weight of an event, in the unit of the receptor.
        weight: f64,
        /// Index of the receptor.
        receptor: usize,
    },
    /// A current of which all neurons share the course \[pA\].
    Current {
        /// The course.
        course: Arc<dyn Course>,
        /// Factor on it, for all neurons or for each.
        factors: Vec<f64>,
    },
    /// A noise current for each neuron \[pA\].
    Noise {
        /// Mean, for all neurons or for each.
        means: Vec<f64>,
        /// Standard deviation, likewise.
        stds: Vec<f64>,
        /// e^(-dt / tau) - 1; -1 for white noise.
        fall: f64,
    },
}

impl Input {
    /// A current.
    pub(super) fn current(course: impl Course + 'static, factors: &[f64]) -> Self {
        Self::Current { course: Arc::new(course), factors: factors.to_vec() }
    }

    /// Lays numbers of those neurons that get it out over all.
    pub fn spread(&mut self, spread: &dyn Fn(&[f64]) -> Vec<f64>) {
        match self {
            Self::Poisson { means: numbers, .. } | Self::Current { factors: numbers, .. } => {
                *numbers = spread(numbers);
            }
            Self::Noise { means, stds, .. } => {
                (*means, *stds) = (spread(means), spread(stds));
            }
        }
    }
}

/// How a current goes from its start to its stop; each step has what counts for the whole of it.
pub trait Course: Debug + Send + Sync {
    /// The current in a step, counted from the start, of so many.
    fn at(&self, step: u64, length: u64) -> f64;

    /// The same as an expression of JavaScript over `step` and `length`, for pages.
    fn script(&self) -> String;

    /// How many steps it lasts, if that is not for the scene to say.
    fn length(&self) -> Option<u64> {
        None
    }
}

/// Events of which a stimulus consists.
#[derive(Debug, Clone, Copy)]
pub struct Events<'a> {
    /// Weight of each, in the unit of the receptor.
    pub weight: f64,
    /// The receptor by its name.
    pub receptor: Option<&'a str>,
}

/// A stimulus.
pub trait Drive {
    /// Rules that join several fields, or a field and a sound time step \[ms\]; those of single ones are in its declaration.
    fn check(&self, _path: &str, _dt: Option<f64>, _judge: &mut dyn Judge) {}

    /// Its begin and its end, where they are given \[ms\].
    fn span(&self) -> [Option<f64>; 2];

    /// The events of which it consists, if it does.
    fn events(&self) -> Option<Events<'_>> {
        None
    }

    /// What it is in a run, of drawn parameters.
    ///
    /// # Errors
    /// A file does not fit, a drawn value cannot be used.
    fn make(&self, making: Making, drawn: &Drawn) -> Result<Input, InputError>;
}

/// Stimuli, each with the file that declares it. `$with` gets the list.
#[macro_export]
macro_rules! stimuli {
    ($with:ident) => {
        $with! {
            poisson_drive::Poisson;
            step::Step;
            ramp::Ramp;
            sine::Sine;
            table::Table;
            noise::Noise;
        }
    };
}
