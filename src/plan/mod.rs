//! The plan: which arrays there are, and which kernels run over them in which order.
//!
//! Every size, offset and constant is decided here, once, as plain data that can be printed and
//! that both engines run. A [`Program`] is a list of stages; a stage is a list of launches that is
//! done once for the whole window, or once for each of its steps.
//!
//! What a network does is one list of operations, whatever it is planned for (`graph`). A plan walks over it, and what it
//! makes of an operation depends on how what arrives at neurons is kept: as integers in rings (`ring`), from which each
//! step takes its own, or as floats on tapes (`tape`), which gradients go back over.

mod arrays;
mod error;
mod graph;
mod launch;
mod options;
mod ports;
mod ring;
mod show;
mod tape;
mod tiles;

pub use arrays::{Array, ArrayId, Arrays, ByArray, Handle, Init, Reals, Unused, Words};
pub use error::PlanError;
pub use launch::{Arg, Launch, Split, Units};
pub use options::{Goal, Recorded, Sampled, SimulationOptions, TrainingOptions};
pub use ports::{
    AnswerPorts, AttentionPorts, DelayPorts, Inbox, InputPorts, Lists, LivePorts, ModulatorPorts,
    NumberPorts, PopulationPorts, Ports, SimulationPorts, SpikePorts, States, Supervision,
    TrainingPorts,
};
pub use tiles::Tiles;

use crate::kernel::Span;
use crate::network::Network;
use crate::scene::Warning;
use std::collections::BTreeSet;

/// Everything an engine needs.
pub struct Plan {
    /// The data.
    pub arrays: Arrays,
    /// What can be run over it.
    pub programs: Vec<Program>,
    /// Samples, or independent copies, that a window holds.
    pub batch: usize,
    /// Steps of a window.
    pub steps: usize,
    /// Steps that each launch of a stepped stage covers at once: see [`intervals`].
    pub interval: usize,
    /// Arrays by which samples are shown.
    pub input: InputPorts,
    /// All else that the host writes or reads, by use.
    pub ports: Ports,
    /// What may not be as it was meant, found while planning.
    pub warnings: Vec<Warning>,
}

/// A program of a plan: see [`Plan::program`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgramId(usize);

/// A sequence of stages with a name.
pub struct Program {
    /// What it does, as `simulate`, `evaluate` or `train`.
    pub name: &'static str,
    /// In order.
    pub stages: Vec<Stage>,
}

/// Launches, once for a window or once for each step.
#[derive(Clone)]
pub enum Stage {
    /// Each launch covers all steps.
    Whole(Vec<Launch>),
    /// All launches for one step, or one interval, then all for the next; from the last to the first if backward.
    Steps {
        /// In the order of a step.
        launches: Vec<Launch>,
        /// Whether time runs backwards.
        backward: bool,
    },
}

/// Intervals of the next `steps` steps, from step `first` of the run on. They end at multiples of `interval`, so that it
/// does not matter where windows do.
pub fn intervals(first: u64, steps: usize, interval: usize) -> impl Iterator<Item = Span> {
    let mut t0 = 0;
    std::iter::from_fn(move || {
        let begun = ((first + t0 as u64) % interval as u64) as usize;
        let span = Span { t0: t0 as u32, t1: (t0 + interval - begun).min(steps) as u32 };
        t0 = span.t1 as usize;
        (span.t0 < span.t1).then_some(span)
    })
}

/// Plans a network.
///
/// # Errors
/// An array that does not fit into one binding, delays that do not fit into the ring or the window, a network that the way
/// to learn does not know.
pub fn plan<'a>(network: &Network, goal: impl Into<Goal<'a>>) -> Result<Plan, PlanError> {
    match goal.into() {
        Goal::Training(options) => tape::plan(network, options),
        Goal::Simulation(options) => ring::plan(network, options),
    }
}

impl Plan {
    /// The plan, if each of its arrays fits into one binding.
    fn bound(
        self,
        limit: impl Fn(ArrayId) -> u64,
        advice: &'static str,
    ) -> Result<Self, PlanError> {
        debug_assert!(self.arrays.names_are_unique(), "an array was made twice");
        for (id, array) in self.arrays.iter() {
            let (what, bytes, limit) = (array.name.clone(), array.bytes(), limit(id));
            if bytes > limit {
                return Err(PlanError::Binding { what, bytes, limit, advice });
            }
        }
        Ok(self)
    }

    /// Size of all arrays on a device \[bytes\].
    pub fn bytes(&self) -> u64 {
        self.arrays.iter().map(|(_, array)| array.bytes()).sum()
    }

    /// Arrays that a program writes, ascending.
    pub fn written(&self, program: ProgramId) -> Vec<ArrayId> {
        let launches = self.programs[program.index()].stages.iter().flat_map(Stage::launches);
        let args = launches.flat_map(|launch| launch.kernel.bindings.iter().zip(&launch.args));
        let written = args.filter(|(binding, _)| binding.written).map(|(_, arg)| arg.array);
        let stands_in =
            |array: &ArrayId| self.arrays.unused.written.iter().any(|x| x.id() == *array);
        let written: BTreeSet<ArrayId> = written.filter(|array| !stands_in(array)).collect();
        written.into_iter().collect()
    }

    /// The program with that name.
    pub fn program(&self, name: &str) -> Option<ProgramId> {
        self.programs.iter().position(|p| p.name == name).map(ProgramId)
    }

    /// Arrays of the host of a training.
    ///
    /// # Panics
    /// If the plan is not one.
    pub fn training(&self) -> &TrainingPorts {
        match &self.ports {
            Ports::Training(ports) => ports,
            Ports::Simulation(_) => {
                panic!("the plan of a simulation is taken for one of a training")
            }
        }
    }

    /// Arrays of the host of a simulation.
    ///
    /// # Panics
    /// If the plan is not one.
    pub fn simulation(&self) -> &SimulationPorts {
        match &self.ports {
            Ports::Simulation(ports) => ports,
            Ports::Training(_) => panic!("the plan of a training is taken for one of a simulation"),
        }
    }
}

impl ProgramId {
    /// Its place in [`Plan::programs`].
    pub fn index(self) -> usize {
        self.0
    }
}

impl Stage {
    /// The launches, whatever their schedule.
    pub fn launches(&self) -> &[Launch] {
        match self {
            Stage::Whole(launches) | Stage::Steps { launches, .. } => launches,
        }
    }

    fn launches_mut(&mut self) -> &mut Vec<Launch> {
        match self {
            Stage::Whole(launches) | Stage::Steps { launches, .. } => launches,
        }
    }
}
