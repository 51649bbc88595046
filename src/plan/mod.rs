//! The plan: which arrays there are, and which kernels run over them in which order.
//!
//! Every size, offset and constant is decided here, once, as plain data that can be printed and
//! that both engines run. A [`Program`] is a list of stages; a stage is a list of launches that is
//! done once for the whole window, or once for each of its steps. Feed-forward stretches of a network
//! are done layer by layer with all steps at once; only what lies on a cycle is stepped.

mod arrays;
mod attention;
mod backward;
mod compile;
mod convolve;
mod delays;
mod delays_of_synapses;
mod deliveries;
mod drawn;
mod dropout;
mod eprop;
mod forward;
mod gain;
mod gradients;
mod inputs;
mod known;
mod layout;
mod live;
mod losses;
mod noise;
mod order;
mod ports;
mod release;
mod rules;
mod simulate;
mod spike_times;
mod tiles;
mod units;
mod update;
mod window;

pub use arrays::{Array, ArrayId, Arrays, ByArray, Handle, Init, Reals, Unused, Words};
pub use compile::{Options, PlanError, compile};
pub use live::Lists;
pub use ports::{
    AnswerPorts, AttentionPorts, DelayPorts, Inbox, InputPorts, NumberPorts, PopulationPorts,
    Ports, SpikePorts, States, Supervision, TrainingPorts,
};
pub use simulate::{
    LivePorts, ModulatorPorts, Recorded, Sampled, SimulationOptions, SimulationPorts, simulate,
};
pub use tiles::Tiles;

use crate::kernel::{Field, Kernel, Place, Span, Word};
use crate::record::sample;
use crate::scene::Warning;
use crate::synapse::convolution::Convolution;
use std::collections::BTreeSet;
use std::ops::Range;

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

/// One kernel over some arrays.
#[derive(Clone)]
pub struct Launch {
    /// The kernel.
    pub kernel: &'static Kernel,
    /// What it is for: the population or projection.
    pub label: String,
    /// Values of the kernel's fields.
    pub params: Vec<Word>,
    /// Arrays in the order of the kernel's bindings.
    pub args: Vec<Arg>,
    /// How a CPU cuts it into pieces.
    pub units: Units,
    /// Invocations on a GPU, for each step of the span if `per_step`.
    pub invocations: u64,
    /// Whether the invocations multiply with the steps.
    pub per_step: bool,
    /// Of a launch that is done step by step: it is done at the end of so many steps, counted from the start of the
    /// run.
    pub every: u64,
}

/// How a launch is cut into pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Units {
    /// A unit is a sample. Successive launches of this kind are done sample by sample, which keeps
    /// a sample's data in the cache.
    Samples,
    /// So many units, of which `grain` make a piece.
    Count {
        /// Units.
        count: usize,
        /// Units per piece.
        grain: usize,
    },
}

/// An array as a launch uses it.
#[derive(Debug, Clone, Copy)]
pub struct Arg {
    /// Which.
    pub array: ArrayId,
    /// Which part of it belongs to a unit.
    pub split: Split,
}

/// Which part of an array belongs to a unit. What is written must be split; what is read whole must
/// not be written by another piece at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Every piece sees all of it; read only.
    Whole,
    /// So many elements for each unit, in order.
    Stride(usize),
    /// So many elements for each sample, which nothing needs once the chain of launches that wrote
    /// them is done with the sample: an engine that does few samples at a time may use the same place
    /// for all, which then stays in the cache. Of a single sample they lie where those of the first do.
    Passing(usize),
    /// So many elements for each unit, from element `first` on.
    From {
        /// Where unit 0 starts.
        first: usize,
        /// Elements of a unit.
        stride: usize,
    },
    /// Rows from that of the step on, which all pieces see; read only.
    Rows {
        /// Elements of a row.
        row: usize,
        /// How many.
        count: usize,
    },
    /// A part of the row that belongs to the step of the launch: so many elements for each unit.
    Row {
        /// Elements of a row.
        row: usize,
        /// First element of the part.
        first: usize,
        /// Elements of the part.
        len: usize,
        /// Elements of a unit.
        stride: usize,
    },
    /// A unit is a row of a panel of dense weights: see [`crate::synapse`].
    PanelRows {
        /// Rows of each panel.
        rows: usize,
        /// Columns of all panels together.
        width: usize,
    },
}

impl Split {
    /// Elements that belong to `units` of a launch for step `t0` on, in an array of `len`.
    pub fn range(self, units: &Range<usize>, t0: u32, len: usize) -> Range<usize> {
        let offset = |unit: usize| match self {
            Split::Whole | Split::Rows { .. } => unreachable!("all units have it"),
            Split::From { first, stride } => first + unit * stride,
            Split::Row { row, first, len, stride } => {
                t0 as usize * row + first + (unit * stride).min(len)
            }
            Split::Stride(stride) | Split::Passing(stride) => unit * stride,
            Split::PanelRows { rows, width } => {
                let first = unit / rows.max(1) * crate::synapse::PANEL;
                let panel = crate::synapse::PANEL.min(width.saturating_sub(first));
                first * rows + unit % rows.max(1) * panel
            }
        };
        match self {
            Split::Whole => 0..len,
            Split::Rows { row, count } => {
                (t0 as usize * row).min(len)..((t0 as usize + count) * row).min(len)
            }
            _ => offset(units.start).min(len)..offset(units.end).min(len),
        }
    }
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

impl Plan {
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

impl Launch {
    /// Whether it reads or writes an array.
    fn uses_array(&self, array: impl Into<ArrayId>) -> bool {
        let array = array.into();
        self.args.iter().any(|arg| arg.array == array)
    }

    /// Whether one of two launches writes what the other uses, in the same step.
    pub fn touches(&self, other: &Self, arrays: &Arrays) -> bool {
        self.uses(arrays).any(|(array, part, writes)| {
            let mut others = other.uses(arrays);
            others.any(|(also, range, written)| {
                array == also
                    && (writes || written)
                    && part.start < range.end
                    && range.start < part.end
            })
        })
    }

    /// Arrays that it uses, which part of each in the first step of a window, and whether it writes it.
    fn uses(&self, arrays: &Arrays) -> impl Iterator<Item = (ArrayId, Range<usize>, bool)> {
        self.args.iter().zip(self.kernel.bindings).map(|(arg, binding)| {
            let len = arrays[arg.array].len;
            let part = match self.units {
                // A stand-in, of which no sample has a part.
                _ if arg.split == Split::Stride(0) => 0..0,
                Units::Samples => 0..len,
                Units::Count { count, .. } => arg.split.range(&(0..count), 0, len),
            };
            (arg.array, part, binding.written)
        })
    }

    /// Whether it may cover several steps at once.
    fn is_of_interval(&self) -> bool {
        let is_frame = self.kernel.params.iter().any(|field| field.name == "interval");
        is_frame || self.kernel == &sample::KERNEL
    }

    /// Whether it is due in a step, whose number counts from the start of the run.
    pub fn is_due(&self, step: u64) -> bool {
        self.every == 1 || (step + 1).is_multiple_of(self.every)
    }

    /// Bytes of the shader's `Params`, and the values of its options.
    pub fn device_form(&self) -> (Vec<u8>, Vec<(String, f64)>) {
        let mut bytes = Vec::new();
        let mut options = Vec::new();
        for (Field { name, place }, word) in self.kernel.params.iter().zip(&self.params) {
            match (place, word) {
                (Place::Option, Word::U(x)) => options.push((name.to_uppercase(), f64::from(*x))),
                (_, Word::U(x)) => bytes.extend(x.to_le_bytes()),
                (_, Word::F(x)) => bytes.extend((*x as f32).to_le_bytes()),
            }
        }
        (bytes, options)
    }
}
