//! Frames: what drives the step of a neuron model, and its adjoint.
//!
//! A model says what one step does to a block of 64 neurons ([`Block::step`]), and how gradients go back
//! through that step ([`Block::adjoint`]). Where arrivals come from, what becomes of spikes and how
//! many steps are done is the same for all models, and is said here once for each frame:
//!
//! * [`Step`]: steps of a simulation, as many as no spike takes to arrive. What arrives is gathered in a ring of integers.
//! * [`Window`]: steps of a training, for each sample. What arrives lies on a tape of floats. The
//!   state before every `segment`-th step is kept.
//! * [`Adjoint`]: the same steps from the last to the first. The steps of a segment are done once more
//!   from the state that was kept, with the spikes that are on record, and their states put aside; then
//!   the adjoint goes back through them. On the tape the gradient by an arrival takes its place.
//! * [`Tape`] and [`TapeBack`]: the same of a model whose way back needs no more of a step than the distance to the
//!   threshold ([`Taped`]). That takes the place of what arrived, and in turn the gradient by it; no state is kept, and
//!   no step done once more.
//!
//! With T steps and segments of k a neuron in a window keeps T / k + k states instead of T, for one more forward
//! pass (Griewank 1992: the least memory is at k = √T).
//!
//! Their shaders are `lib/step.wgsl`, `lib/window.wgsl`, `lib/adjoint.wgsl`, `lib/tape.wgsl` and `lib/tape_back.wgsl`.

mod adjoint;
mod decide;
mod input;
mod step;
mod tape;
mod window;

pub use adjoint::{ADJOINT, ADJOINT_FIELDS, Adjoint, BackParams, adjoint_rows};
pub use decide::{Frame, Spike};
pub use input::{Nudge, unit_of};
pub use step::{Place, Quiet, STEP, Step, TILE_GROUP};
pub use tape::{TAPE, TAPE_BACK, TAPE_BACK_FIELDS, Tape, TapeBack, TapeBackParams, TapeParams};
pub use window::{WINDOW, Window, WindowParams, inbox_rows, slots};

use super::eventprop::Levels;
use super::stepped::BLOCK;
use crate::kernel::*;
use crate::vector::{Vector, Width};

/// Distance to the threshold of a neuron that cannot spike \[mV\].
pub const HELD: f64 = -1e9;

/// Row of state of every model that has its potential.
pub const POTENTIAL: usize = 0;

// ---- what a model says ----------------------------------------------------------------------------

/// A neuron model.
pub trait Model {
    /// Runs a frame with the form of the model that fits its numbers: choices are made here, outside all
    /// loops.
    fn with<S: Simd, F: Real, R: Run<S, F>>(w: Width<S>, numbers: Numbers<'_, F>, frame: R);
}

/// A model whose way back needs no more of a step than the distance to the threshold, with one receptor.
pub trait Taped {
    /// The numbers that gradients by times of spikes take.
    const LEVELS: Levels;
    /// As [`Model::with`]; `arrive` says whether anything arrives.
    fn with<S: Simd, F: Real, R: Run<S, F>>(
        w: Width<S>,
        numbers: Numbers<'_, F>,
        arrive: bool,
        frame: R,
    );
}

/// What a model is made of.
pub struct Numbers<'a, F> {
    /// What all models have.
    pub common: Common,
    /// Values of the model's own parameters.
    pub own: &'a [Word],
    /// The array `cell`.
    pub cell: &'a [F],
    /// The array `receptor`.
    pub receptor: &'a [F],
}

/// Parameters that all models and frames have.
#[derive(Debug, Clone, Copy)]
pub struct Common {
    /// Receptors.
    pub receptors: usize,
    /// Whether each neuron has its own numbers in `cell`, as always in a training.
    pub own: bool,
    /// Whether behind them are those of its receptors, which are then its own too.
    pub own_receptors: bool,
    /// Which states have a second float: see [`super::stepped::Stepped::slow`].
    pub slow: u32,
}

impl Common {
    fn of<F: Real>(p: &WindowParams<F>) -> Self {
        Self {
            receptors: p.receptors as usize,
            own: true,
            own_receptors: p.own_receptors == 1,
            slow: p.slow,
        }
    }
}

/// A frame that waits for its model.
pub trait Run<S: Simd, F: Real> {
    /// Whether a model should make all choices outside the loops, however much there is to compile.
    const TUNED: bool;
    /// Does a piece of a launch.
    fn run<M: Block<S, F>>(self, model: M);
}

/// Runs a frame with a form of its model, as a function of its own: all forms of a model in one are so large that the
/// compiler no longer puts a vector's instructions in place of calls.
#[inline(never)]
pub fn form<S: Simd, F: Real, R: Run<S, F>, M: Block<S, F>>(
    w: Width<S>,
    numbers: Numbers<'_, F>,
    frame: R,
) {
    w.0.vectorize(
        #[inline(always)]
        || frame.run(M::new(w, numbers)),
    );
}

/// A model over a block of 64 neurons.
pub trait Block<S: Simd, F: Real> {
    /// The model with these numbers.
    fn new(w: Width<S>, numbers: Numbers<'_, F>) -> Self;
    /// Rows of state, those of second floats not counted.
    fn rows(&self) -> usize;
    /// Numbers of a neuron in the array `cell`, those of receptors not counted.
    fn fields(&self) -> usize;
    /// One step. Gives the spikes as bits.
    fn step<A: Frame<S, F>>(&self, w: Width<S>, now: Now<'_, F>, frame: &mut A) -> u64;
    /// One step back: see [`Back`].
    fn adjoint(&self, w: Width<S>, now: Now<'_, F>, back: Back<'_, F>);
}

/// A block at a step.
pub struct Now<'a, F> {
    /// State at the start of the step, rows of 64, and behind them those of the second floats if there are
    /// some; a step leaves that of its end.
    pub state: &'a mut [F],
    /// The numbers of its neurons, rows of 64, or one of each.
    pub cell: &'a [F],
    /// Current that all neurons get.
    pub driven: F,
    /// Current of each neuron.
    pub current: Option<&'a [F]>,
}

impl<F: Real> Now<'_, F> {
    /// A field of the neurons from `at` on.
    #[inline(always)]
    pub fn field<S: Simd, const OWN: bool>(
        &self,
        w: Width<S>,
        field: usize,
        at: usize,
    ) -> Vector<S, F> {
        field_of::<S, F, OWN>(w, self.cell, field, at)
    }

    /// The current from outside, and the constant one.
    #[inline(always)]
    pub fn input<S: Simd>(&self, w: Width<S>, constant: Vector<S, F>, at: usize) -> Vector<S, F> {
        let input = constant + w.splat(self.driven);
        match self.current {
            Some(current) => input + w.load(current, at),
            None => input,
        }
    }
}

/// A field of the neurons of a block from `at` on.
#[inline(always)]
pub fn field_of<S: Simd, F: Real, const OWN: bool>(
    w: Width<S>,
    cell: &[F],
    field: usize,
    at: usize,
) -> Vector<S, F> {
    match OWN {
        true => w.load(&cell[field * BLOCK..][..BLOCK], at),
        false => w.splat(cell[field]),
    }
}

/// Row `k` of the state of a block, from `at` on.
#[inline(always)]
pub fn row<S: Simd, F: Real>(w: Width<S>, rows: &[F], k: usize, at: usize) -> Vector<S, F> {
    w.load(&rows[k * BLOCK..][..BLOCK], at)
}

/// Sets row `k` of the state of a block, from `at` on.
#[inline(always)]
pub fn set_row<S: Simd, F: Real>(
    w: Width<S>,
    rows: &mut [F],
    k: usize,
    at: usize,
    x: Vector<S, F>,
) {
    w.store(&mut rows[k * BLOCK..][..BLOCK], at, x);
}

/// What a model needs to go back through a step, whose spikes and distances to the threshold are known.
pub struct Back<'a, F> {
    /// Gradient by the state at the end of the step, rows as those of the state; the model leaves that by
    /// the state at its start.
    pub adjoint: &'a mut [F],
    /// Gradient by the spike.
    pub by_spike: &'a [F; BLOCK],
    /// The surrogate's slope of the spike by the distance to the threshold.
    pub slope: &'a [F; BLOCK],
    /// Distance to the threshold; none where it lies in the place of the gradient by what arrives.
    distance: Option<&'a [F; BLOCK]>,
    /// The spike: 0 or 1, or between with soft spikes; none where the distance tells it.
    spiked: Option<&'a [F; BLOCK]>,
    /// Whether gradients pass through what a spike does to its own potential, and to threshold and adaptation.
    pub attached: [bool; 2],
    /// What arrived at each receptor, where numbers are trained.
    pub arrivals: &'a [[F; BLOCK]],
    /// The gradient by what arrives at each receptor: see [`Back::give_back`].
    by_arrivals: &'a mut [[F; BLOCK]],
    /// The model adds the gradient by the current here.
    by_input: &'a mut [F],
    /// And those by the numbers of the neurons here, rows of 64, if any is trained: see [`Back::add_number`].
    by_numbers: &'a mut [F],
}

impl<F: Real> Back<'_, F> {
    /// Distance to the threshold, [`HELD`] of neurons that could not spike. To be asked before [`Self::give_back`].
    #[inline(always)]
    pub fn distance<S: Simd>(&self, w: Width<S>, at: usize) -> Vector<S, F> {
        w.load(self.distance.unwrap_or_else(|| &self.by_arrivals[0]), at)
    }

    /// The spike: 0 or 1, or between with soft spikes. To be asked before [`Self::give_back`].
    #[inline(always)]
    pub fn spiked<S: Simd>(&self, w: Width<S>, at: usize) -> Vector<S, F> {
        match self.spiked {
            Some(spiked) => w.load(spiked, at),
            None => {
                let distance = self.distance(w, at);
                distance.ge(distance.of(0.0)).select(distance.of(1.0), distance.of(0.0))
            }
        }
    }

    /// Leaves the gradient by what arrives at receptor `r`.
    #[inline(always)]
    pub fn give_back<S: Simd>(&mut self, w: Width<S>, r: usize, by: Vector<S, F>, at: usize) {
        w.store(&mut self.by_arrivals[r], at, by);
    }

    /// Gradient by the distance to the threshold, for a spike with gradient `by_spike`.
    #[inline(always)]
    pub fn by_distance<S: Simd>(
        &self,
        w: Width<S>,
        by_spike: Vector<S, F>,
        at: usize,
    ) -> Vector<S, F> {
        let can_spike = self.distance(w, at).gt(by_spike.of(HELD));
        can_spike.select(by_spike * w.load(self.slope, at), by_spike.of(0.0))
    }

    /// Gradient by a potential before its neuron's spike changed it by `change`, to a constant; and what the
    /// gradient by the spike gains: the adjoint of [`Spike::set`].
    #[inline(always)]
    pub fn through_reset<S: Simd>(
        &self,
        w: Width<S>,
        by_after: Vector<S, F>,
        change: impl FnOnce() -> Vector<S, F>,
        by_spike: &mut Vector<S, F>,
        at: usize,
    ) -> Vector<S, F> {
        if self.attached[0] {
            *by_spike = *by_spike + by_after * change();
        }
        by_after - by_after * self.spiked(w, at)
    }

    /// What the gradient by the spike gains where the spike adds `change` to the potential.
    #[inline(always)]
    pub fn through_subtraction<S: Simd>(
        &self,
        by_after: Vector<S, F>,
        change: Vector<S, F>,
        by_spike: &mut Vector<S, F>,
    ) {
        if self.attached[0] {
            *by_spike = *by_spike + by_after * change;
        }
    }

    /// What the gradient by the spike gains where the spike adds `change` to the threshold or an adaptation.
    #[inline(always)]
    pub fn through_adaptation<S: Simd>(
        &self,
        by_after: Vector<S, F>,
        change: Vector<S, F>,
        by_spike: &mut Vector<S, F>,
    ) {
        if self.attached[1] {
            *by_spike = *by_spike + by_after * change;
        }
    }

    /// Adds to the gradient by the current.
    #[inline(always)]
    pub fn add_input<S: Simd>(&mut self, w: Width<S>, by_input: Vector<S, F>, at: usize) {
        w.store(self.by_input, at, w.load(self.by_input, at) + by_input);
    }

    /// Whether any number of the neurons is trained.
    #[inline(always)]
    pub fn wants_numbers(&self) -> bool {
        !self.by_numbers.is_empty()
    }

    /// Adds to the gradient by number `k`: a field of `cell`, or behind these a number of a receptor.
    #[inline(always)]
    pub fn add_number<S: Simd>(&mut self, w: Width<S>, k: usize, by: Vector<S, F>, at: usize) {
        let row = &mut self.by_numbers[k * BLOCK..][..BLOCK];
        w.store(row, at, w.load(row, at) + by);
    }
}

// ---- kernels --------------------------------------------------------------------------------------

/// The fields of a frame and those of a model behind them.
pub const fn fields<const N: usize>(frame: &[Field], model: &[Field]) -> [Field; N] {
    assert!(N == frame.len() + model.len());
    let mut all = [Field { name: "", place: crate::kernel::Place::Word }; N];
    let mut k = 0;
    while k < N {
        all[k] = if k < frame.len() { frame[k] } else { model[k - frame.len()] };
        k += 1;
    }
    all
}

/// Table entries of a model in its frames. A shader is that of the frame with the functions of the model,
/// `neuron/<name>.wgsl` and, for the adjoint, `neuron/<name>_adjoint.wgsl`. Those on a tape have entries of their own.
#[macro_export]
macro_rules! framed {
    (
        $model:ty, $layouts:expr, $own:expr,
        $(#[$doc:meta])* pub static $step:ident: $file:literal;
        $(#[$window_doc:meta])* pub static $window:ident: $window_name:literal;
        $(#[$adjoint_doc:meta])* pub static $adjoint:ident: $adjoint_name:literal;
    ) => {
        $crate::framed!(@entry $(#[$doc])* $step, $file, Step<$model>, STEP,
            $crate::neuron::frame::Place::<f32>::FIELDS, $own, $layouts,
            concat!("//!use lib/philox.wgsl\n//!use lib/steps.wgsl\n//!use lib/events.wgsl\n//!use lib/in_blocks.wgsl\n//!use ",
                $file, ".wgsl\n//!use lib/sampled.wgsl\n//!use lib/pull.wgsl\n//!use lib/step.wgsl\n"),
            $crate::neuron::frame::TILE_GROUP);
        $crate::framed!(@entry $(#[$window_doc])* $window, $window_name, Window<$model>, WINDOW,
            $crate::neuron::frame::WindowParams::<f32>::FIELDS, $own, $layouts,
            concat!("//!use lib/in_blocks.wgsl\n//!use ", $file, ".wgsl\n",
                "//!use lib/surrogate.wgsl\n//!use lib/window.wgsl\n"), $crate::neuron::stepped::BLOCK);
        $crate::framed!(@entry $(#[$adjoint_doc])* $adjoint, $adjoint_name, Adjoint<$model>, ADJOINT,
            $crate::neuron::frame::ADJOINT_FIELDS, $own, $layouts,
            concat!("//!use lib/in_blocks.wgsl\n//!use ", $file, ".wgsl\n//!use ", $adjoint_name, ".wgsl\n",
                "//!use lib/receptor_adjoint.wgsl\n//!use lib/surrogate.wgsl\n//!use lib/adjoint.wgsl\n"),
            $crate::neuron::stepped::BLOCK);
    };
    (
        @tape $model:ty, $layouts:expr, $own:expr, $step_file:literal, $adjoint_file:literal;
        $(#[$doc:meta])* pub static $tape:ident: $name:literal;
        $(#[$back_doc:meta])* pub static $back:ident: $back_name:literal;
    ) => {
        $crate::framed!(@entry $(#[$doc])* $tape, $name, Tape<$model>, TAPE,
            $crate::neuron::frame::TapeParams::<f32>::FIELDS, $own, $layouts,
            concat!("//!use lib/on_tape.wgsl\n//!use ", $step_file, ".wgsl\n",
                "//!use lib/surrogate.wgsl\n//!use lib/tape.wgsl\n"), $crate::neuron::stepped::BLOCK);
        $crate::framed!(@entry $(#[$back_doc])* $back, $back_name, TapeBack<$model>, TAPE_BACK,
            $crate::neuron::frame::TAPE_BACK_FIELDS, $own, $layouts,
            concat!("//!use lib/on_tape.wgsl\n//!use ", $step_file, ".wgsl\n//!use ", $adjoint_file, ".wgsl\n",
                "//!use lib/receptor_adjoint.wgsl\n//!use lib/surrogate.wgsl\n//!use lib/tape_back.wgsl\n"),
            $crate::neuron::stepped::BLOCK);
    };
    (
        @entry $(#[$doc:meta])* $static:ident, $name:literal, $frame:ident<$model:ty>,
        $bindings:ident, $fields:expr, $own:expr, $layouts:expr, $files:expr, $workgroup:expr
    ) => {
        $(#[$doc])*
        pub static $static: $crate::kernel::Kernel = $crate::kernel::Kernel {
            name: $name,
            wgsl: concat!(
                "//!use lib/slow.wgsl\n//!use lib/neuron.wgsl\n//!use lib/receptor.wgsl\n",
                $files
            ),
            workgroup: $workgroup as u32,
            merges: true,
            bindings: $crate::neuron::frame::$bindings,
            layouts: $layouts,
            params: {
                const N: usize = $fields.len() + $own.len();
                const ALL: [$crate::kernel::Field; N] = $crate::neuron::frame::fields($fields, $own);
                &ALL
            },
            twin32: $crate::kernel::dispatched::<$crate::neuron::frame::$frame<$model>, f32>,
            twin64: $crate::kernel::scalar::<$crate::neuron::frame::$frame<$model>, f64>,
        };
    };
}
