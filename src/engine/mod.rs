//! Engines run the programs of a plan over its arrays; they know nothing about neurons.
//!
//! Both engines take the same [`Plan`](crate::plan::Plan): [`cpu`] runs the Rust twins, [`gpu`] the
//! shaders. Results come back when they are read, not before: `run` on a GPU returns once the work
//! is submitted.

pub mod cpu;
pub mod dispatch;
pub mod gpu;
pub mod shader;
mod team;

use crate::kernel::Clock;
use crate::plan::{ArrayId, ProgramId};

/// What runs a plan.
pub trait Engine {
    /// Overwrites the first words of an array.
    ///
    /// # Errors
    /// The device is lost.
    fn write_words(&mut self, array: ArrayId, values: &[u32]) -> Result<(), EngineError>;

    /// Overwrites an array of floats.
    ///
    /// # Errors
    /// The device is lost.
    fn write_reals(&mut self, array: ArrayId, values: &[f32]) -> Result<(), EngineError>;

    /// Reads an array of words, after all work so far.
    ///
    /// # Errors
    /// The device is lost or does not answer.
    fn read_words(&mut self, array: ArrayId) -> Result<Vec<u32>, EngineError>;

    /// Reads an array of floats, after all work so far.
    ///
    /// # Errors
    /// The device is lost or does not answer.
    fn read_reals(&mut self, array: ArrayId) -> Result<Vec<f32>, EngineError>;

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
    fn write_words(&mut self, array: ArrayId, values: &[u32]) -> Result<(), EngineError> {
        (**self).write_words(array, values)
    }
    fn write_reals(&mut self, array: ArrayId, values: &[f32]) -> Result<(), EngineError> {
        (**self).write_reals(array, values)
    }
    fn read_words(&mut self, array: ArrayId) -> Result<Vec<u32>, EngineError> {
        (**self).read_words(array)
    }
    fn read_reals(&mut self, array: ArrayId) -> Result<Vec<f32>, EngineError> {
        (**self).read_reals(array)
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
