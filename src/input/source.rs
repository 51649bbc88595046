//! What sources are to a scene and to a network: a declaration of their fields, and [`Emit`]. One is a file of this
//! module and a line in [`sources!`](crate::sources).
//!
//! What sources do in a run is one of three things ([`Sends`]), for which there are kernels: they send spikes that are
//! known before it, they draw Poisson trains, or an [encoder](super::encoder) shows them samples. A source that draws its
//! spikes on the host needs no kernel of its own.

use super::images::Images;
use super::trains::OnGrid;
use crate::files;
use crate::grammar::Judge;
use crate::neuron::model::{Drawn, Refused};
use std::path::PathBuf;

/// Most spikes of a population that are made before a run.
pub const MOST_GIVEN: f64 = 1e8;

/// What sources are judged by, beside their own fields.
#[derive(Debug, Clone)]
pub struct Setting {
    /// How many there are.
    pub size: u64,
    /// Where the scene says so.
    pub size_at: String,
    /// Time step, if it is sound \[ms\].
    pub dt: Option<f64>,
    /// How long the network runs, for each sample where there are samples \[ms\].
    pub end: Option<f64>,
    /// Steps for which a training shows a sample; 0 in a simulation.
    pub steps: u64,
}

/// What sources are made for.
#[derive(Debug, Clone, Copy)]
pub struct Making<'a> {
    /// Name of the population.
    pub name: &'a str,
    /// Its place in the scene.
    pub index: u32,
    /// Time step \[ms\].
    pub dt: f64,
    /// End of a simulation, or of a presentation \[ms\].
    pub end: Option<f64>,
    /// Key of random numbers.
    pub seed: u64,
}

/// What sources do in a run.
#[derive(Debug)]
pub enum Sends {
    /// Given spikes: the steps at whose end each source spikes, ascending.
    Spikes(Vec<Vec<u64>>),
    /// Poisson trains: the probability of a spike in a step, of all sources or of each.
    Poisson(Vec<f64>),
    /// What an encoder makes of samples.
    Images(Images),
}

/// Why sources, or a stimulus, cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A file could not be read.
    #[error(transparent)]
    File(#[from] files::NpyError),
    /// A drawn value cannot be used.
    #[error(transparent)]
    Value(#[from] Refused),
    /// A file of spikes names a source that does not exist.
    #[error(
        "{path}: {}: row {row} has neuron {index}, but there are {size} such neurons; rows and neurons are counted \
         from 0", file.display()
    )]
    Neuron {
        /// Path in the scene.
        path: String,
        /// The file.
        file: PathBuf,
        /// First row that breaks the rule.
        row: usize,
        /// The number in the file.
        index: i64,
        /// Sources of the population.
        size: usize,
    },
    /// Given spikes of a file that steps cannot tell apart.
    #[error("{path}: {}: {message}. To mend it, {}", file.display(), OnGrid::HELP)]
    Merged {
        /// Path in the scene.
        path: String,
        /// The file.
        file: PathBuf,
        /// Which.
        message: String,
    },
}

/// Sources: the model of a population that is no neurons.
pub trait Emit {
    /// Rules that join several fields, or a field and the scene; those of single ones are in its declaration.
    fn check(&self, _path: &str, _setting: &Setting, _judge: &mut dyn Judge) {}

    /// Whether their spikes are known before a run.
    fn is_given(&self) -> bool {
        false
    }

    /// What they do, of drawn parameters; `warn` is told paths and what may not be as it was meant there.
    ///
    /// # Errors
    /// A file does not fit, drawn values do not go together.
    fn make(
        &self,
        making: Making,
        drawn: &Drawn,
        warn: &mut dyn FnMut(String, String),
    ) -> Result<Sends, InputError>;
}

/// Sources, each with the words by which a scene names it, and the file that declares it. `$with` gets the list after
/// its other arguments.
#[macro_export]
macro_rules! sources {
    ($with:ident $($before:tt)*) => {
        $with! {
            $($before)*
            /// Source of given spikes.
            given_spikes::Spikes | "spike_generator" | "SpikeSourceArray";
            /// Source of independent Poisson spike trains.
            poisson_source::Poisson | "poisson_generator";
            /// Source of spikes at regular intervals.
            regular::Regular;
            /// Source of patterns, one after the other.
            patterns::Patterns;
            /// One source per pixel of the training images.
            images::Images;
        }
    };
}
