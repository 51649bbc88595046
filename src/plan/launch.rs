//! Launches: a kernel, the arrays that it gets, and how it is cut into pieces.

use super::{ArrayId, Arrays};
use crate::kernel::{Field, Kernel, Place, Word};
use crate::record::sample;
use std::ops::Range;

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

impl Launch {
    /// Whether it reads or writes an array.
    pub fn uses_array(&self, array: impl Into<ArrayId>) -> bool {
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
    pub fn is_of_interval(&self) -> bool {
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

/// A part of an array.
pub(super) fn cut(array: impl Into<ArrayId>, split: Split) -> Arg {
    Arg { array: array.into(), split }
}

/// All of an array, for each piece.
pub(super) fn whole(array: impl Into<ArrayId>) -> Arg {
    cut(array, Split::Whole)
}

/// So many elements of an array for each unit.
pub(super) fn each(array: impl Into<ArrayId>, stride: usize) -> Arg {
    cut(array, Split::Stride(stride))
}

/// The same of what need not outlast a sample: see [`Split::Passing`].
pub(super) fn passing(array: impl Into<ArrayId>, stride: usize) -> Arg {
    cut(array, Split::Passing(stride))
}

/// A launch whose units are elements of arrays.
pub(super) fn by_element(
    kernel: &'static Kernel,
    label: &str,
    params: Vec<Word>,
    args: Vec<Arg>,
    count: usize,
) -> Launch {
    Launch {
        kernel,
        label: label.to_owned(),
        params,
        args,
        units: Units::Count { count, grain: 16384 },
        invocations: count as u64,
        per_step: false,
        every: 1,
    }
}
