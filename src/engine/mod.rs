//! Engines run the programs of a plan over its arrays; they know nothing about neurons.
//!
//! Both engines take the same [`Plan`](crate::plan::Plan): [`cpu`] runs the Rust twins, [`gpu`] the
//! shaders. Results come back when they are read, not before: `run` on a GPU returns once the work
//! is submitted. What is fetched is on its way while the engine is given the next work, and changes no more.

pub mod cpu;
pub mod dispatch;
pub mod gpu;
pub mod linked;
pub mod shader;
mod team;

use crate::files::Values;
use crate::kernel::{Clock, Kind};
use crate::plan::{ArrayId, ProgramId, Reals, Words};
use std::collections::BTreeMap;

/// What runs a plan.
pub trait Engine {
    /// Overwrites the first words of an array.
    ///
    /// # Errors
    /// The device is lost.
    fn write_words(&mut self, array: Words, values: &[u32]) -> Result<(), EngineError>;

    /// Overwrites an array of floats.
    ///
    /// # Errors
    /// The device is lost.
    fn write_reals(&mut self, array: Reals, values: &[f32]) -> Result<(), EngineError>;

    /// Reads an array of words, after all work so far.
    ///
    /// # Errors
    /// The device is lost or does not answer.
    fn read_words(&mut self, array: Words) -> Result<Vec<u32>, EngineError>;

    /// Reads an array of floats, after all work so far.
    ///
    /// # Errors
    /// The device is lost or does not answer.
    fn read_reals(&mut self, array: Reals) -> Result<Vec<f32>, EngineError>;

    /// Has these arrays sent to the host, as they are after all work so far, and does not wait for them.
    ///
    /// # Errors
    /// The device is lost.
    fn fetch(&mut self, arrays: &[ArrayId]) -> Result<Pending, EngineError>;

    /// What this engine was asked to fetch. Work since then is not waited for.
    ///
    /// # Errors
    /// The device is lost or does not answer.
    fn collect(&mut self, pending: Pending) -> Result<Fetched, EngineError>;

    /// Runs a program over the first `steps` steps of the window.
    ///
    /// # Errors
    /// The device is lost or an earlier launch failed.
    fn run(&mut self, program: ProgramId, clock: &Clock, steps: usize) -> Result<(), EngineError>;

    /// What it runs on.
    fn device(&self) -> &Device;

    /// Time of each launch so far, if the engine was asked to measure.
    fn profile(&mut self) -> Vec<KernelTime>;
}

/// An engine may be lent, to be looked at when what it was lent to is over.
impl<E: Engine + ?Sized> Engine for &mut E {
    fn write_words(&mut self, array: Words, values: &[u32]) -> Result<(), EngineError> {
        (**self).write_words(array, values)
    }
    fn write_reals(&mut self, array: Reals, values: &[f32]) -> Result<(), EngineError> {
        (**self).write_reals(array, values)
    }
    fn read_words(&mut self, array: Words) -> Result<Vec<u32>, EngineError> {
        (**self).read_words(array)
    }
    fn read_reals(&mut self, array: Reals) -> Result<Vec<f32>, EngineError> {
        (**self).read_reals(array)
    }
    fn fetch(&mut self, arrays: &[ArrayId]) -> Result<Pending, EngineError> {
        (**self).fetch(arrays)
    }
    fn collect(&mut self, pending: Pending) -> Result<Fetched, EngineError> {
        (**self).collect(pending)
    }
    fn run(&mut self, program: ProgramId, clock: &Clock, steps: usize) -> Result<(), EngineError> {
        (**self).run(program, clock, steps)
    }
    fn device(&self) -> &Device {
        (**self).device()
    }
    fn profile(&mut self) -> Vec<KernelTime> {
        (**self).profile()
    }
}

/// Arrays that were asked for.
pub enum Pending {
    /// The engine has no work under way, and they are here.
    Here(Fetched),
    /// They are on their way from a device.
    Coming(gpu::Transfer, Vec<(ArrayId, Kind)>),
}

/// What arrays held that were fetched.
#[derive(Debug, Clone, Default)]
pub struct Fetched(BTreeMap<ArrayId, Values>);

impl Fetched {
    /// What an array of words held; nothing if it was not fetched.
    pub fn words(&self, array: Words) -> &[u32] {
        self.0.get(&array.id()).map_or(&[], Values::words)
    }

    /// What an array of floats held; nothing if it was not fetched.
    pub fn reals(&self, array: Reals) -> &[f32] {
        self.0.get(&array.id()).map_or(&[], Values::reals)
    }
}

impl Pending {
    /// Whether there is nothing to wait for.
    pub fn is_here(&self) -> bool {
        matches!(self, Self::Here(_))
    }
}

/// What an engine runs on.
#[derive(Debug, Clone)]
pub struct Device {
    /// `cpu`, `gpu` or `software`.
    pub engine: &'static str,
    /// Name of processor or adapter.
    pub adapter: String,
    /// Driver, or what the CPU's vectors are.
    pub driver: String,
    /// Bytes of the arrays.
    pub bytes: u64,
}

/// Time that a kernel took, over all its launches of one label in one program.
#[derive(Debug, Clone)]
pub struct KernelTime {
    /// Name of the program: what it was for, such as training or evaluation.
    pub program: &'static str,
    /// Name of the kernel.
    pub kernel: &'static str,
    /// Population or projection.
    pub label: String,
    /// Number of launches.
    pub launches: u64,
    /// Time in all; on the CPU summed over threads \[s\].
    pub seconds: f64,
}

/// Why an engine cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No adapter of the kind that was asked for.
    #[error("no {wanted} found. {found}\n{advice}")]
    NoAdapter {
        /// What was asked for.
        wanted: String,
        /// Which there are.
        found: String,
        /// What to do.
        advice: String,
    },
    /// The adapter cannot do what the plan needs.
    #[error("adapter `{adapter}`: {what}")]
    Limit {
        /// The adapter.
        adapter: String,
        /// Limit, need and have.
        what: String,
    },
    /// A shader or pipeline was refused; a fault of this program or of the driver.
    #[error("kernel {kernel} was refused: {why}")]
    Shader {
        /// Name of the kernel.
        kernel: &'static str,
        /// The compiler's words.
        why: String,
    },
    /// The device is lost or does not answer.
    #[error("the device `{adapter}` was lost: {why}")]
    Lost {
        /// The adapter.
        adapter: String,
        /// What the driver said.
        why: String,
    },
}
