//! What a network is planned for, and with which choices.

use crate::data::traces::Traces;
use crate::scene::Training;

/// What a network is planned for.
#[derive(Debug, Clone, Copy)]
pub enum Goal<'a> {
    /// A training by gradients.
    Training(&'a TrainingOptions<'a>),
    /// A simulation, of a network alone or of one that is shown samples.
    Simulation(&'a SimulationOptions),
}

impl<'a> From<&'a TrainingOptions<'a>> for Goal<'a> {
    fn from(options: &'a TrainingOptions<'a>) -> Self {
        Self::Training(options)
    }
}

impl<'a> From<&'a SimulationOptions> for Goal<'a> {
    fn from(options: &'a SimulationOptions) -> Self {
        Self::Simulation(options)
    }
}

/// Choices of a training that are not the network's.
#[derive(Debug, Clone)]
pub struct TrainingOptions<'a> {
    /// Samples, or independent copies, per window.
    pub batch: usize,
    /// Steps of a window.
    pub steps: usize,
    /// What is learned, and how.
    pub training: &'a Training,
    /// What a loss of traces wants.
    pub traces: Option<&'a Traces>,
    /// 0: spikes are bits. 1, 2: soft spikes, for tests of gradients; with 2 the reset uses them too.
    pub soft: u32,
    /// Largest array \[bytes\]; dense weights beyond it are cut into tiles.
    pub max_binding: u64,
}

/// What can be recorded at intervals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Recorded {
    /// A state variable of neurons.
    State {
        /// Index of the population.
        population: usize,
        /// Row of state.
        row: usize,
    },
    /// Weights that change.
    Weights {
        /// Index of the projection.
        projection: usize,
    },
    /// Concentrations of modulators.
    Concentrations,
}

/// Numbers that are recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    /// What they are.
    pub what: Recorded,
    /// Neurons, synapses or modulators.
    pub ids: Vec<u32>,
    /// Interval \[steps\].
    pub every: u64,
}

/// Choices of a simulation that are not the network's.
#[derive(Debug, Clone)]
pub struct SimulationOptions {
    /// Steps of a window.
    pub steps: usize,
    /// What is recorded beside spikes.
    pub samples: Vec<Sampled>,
    /// Whether the samples of a training are shown, one window for each.
    pub presented: bool,
    /// Largest array \[bytes\].
    pub max_binding: u64,
    /// Whether tiles are to be as small as suits workgroups, rather than as large as suits caches.
    pub workgroups: bool,
    /// Factor on the rates of Poisson events up to which their tables have room, at least 1.
    pub room: f64,
    /// Largest part of the table of synapses \[bytes\]. Nothing writes to it and no checkpoint has it, so it may be as
    /// large as the adapter at hand allows.
    pub max_table: u64,
}
