//! Frames: what drives the step of a neuron model, and its adjoint.
//!
//! A model says what one step does to a block of 64 neurons ([`Block::step`]), and how gradients go back
//! through that step ([`Block::adjoint`]). Where arrivals come from, what becomes of spikes and how
//! many steps are done is the same for all models, and is said here once for each of three frames:
//!
//! * [`Step`]: one step of a simulation. What arrives is taken out of a ring of integers.
//! * [`Window`]: steps of a training, for each sample. What arrives lies on a tape of floats. The
//!   state before every `segment`-th step is kept.
//! * [`Adjoint`]: the same steps from the last to the first. The steps of a segment are done once more
//!   from the state that was kept, with the spikes that are on record, and their states put aside; then
//!   the adjoint goes back through them. On the tape the gradient by an arrival takes its place.
//!
//! With T steps and segments of k a neuron thus keeps T / k + k states instead of T, for one more forward
//! pass (Griewank 1992: the least memory is at k = √T).
//!
//! Their shaders are `lib/step.wgsl`, `lib/window.wgsl` and `lib/adjoint.wgsl`.

use super::receptor::{MOST, port};
use super::stepped::{BLOCK, Stepped, receptor_numbers};
use super::{load_bits, surrogate};
use crate::kernel::*;
use crate::params;
use crate::vector::{Mask, Vector, Width};
use arrayvec::ArrayVec;
use std::marker::PhantomData;

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

/// A model over a block of 64 neurons.
pub trait Block<S: Simd, F: Real> {
    /// Rows of state, those of second floats not counted.
    fn rows(&self) -> usize;
    /// Numbers of a neuron in the array `cell`, those of receptors not counted.
    fn fields(&self) -> usize;
    /// One step. Gives the spikes as bits.
    fn step<D: Decide<S, F>>(&self, w: Width<S>, now: Now<'_, F>, spikes: &mut D) -> u64;
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
    /// What arrives at each receptor.
    pub arrivals: &'a [[F; BLOCK]],
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

/// What a model needs to go back through a step, whose state at the start, spikes and distances to the
/// threshold are known.
pub struct Back<'a, F> {
    /// Gradient by the state at the end of the step, rows as those of the state; the model leaves that by
    /// the state at its start.
    pub adjoint: &'a mut [F],
    /// Gradient by the spike.
    pub by_spike: &'a [F; BLOCK],
    /// The surrogate's slope of the spike by the distance to the threshold; 0 where a neuron cannot spike.
    pub slope: &'a [F; BLOCK],
    /// The spike: 0 or 1, or between with soft spikes.
    pub spiked: &'a [F; BLOCK],
    /// Distance to the threshold.
    pub distance: &'a [F; BLOCK],
    /// Whether gradients pass through what a spike does to its own potential, and to threshold and adaptation.
    pub attached: [bool; 2],
    /// The model leaves the gradient by what arrives at each receptor here.
    pub by_arrivals: &'a mut [[F; BLOCK]],
    /// The model adds the gradient by the current here.
    pub by_input: &'a mut [F],
    /// And those by the numbers of the neurons here, rows of 64, if any is trained: see [`Back::add_number`].
    pub by_numbers: &'a mut [F],
}

impl<F: Real> Back<'_, F> {
    /// Gradient by the distance to the threshold, for a spike with gradient `by_spike`.
    #[inline(always)]
    pub fn by_distance<S: Simd>(
        &self,
        w: Width<S>,
        by_spike: Vector<S, F>,
        at: usize,
    ) -> Vector<S, F> {
        by_spike * w.load(self.slope, at)
    }

    /// Gradient by a potential before its neuron's spike changed it by `change`, to a constant; and what the
    /// gradient by the spike gains: the adjoint of [`Spike::set`].
    #[inline(always)]
    pub fn through_reset<S: Simd>(
        &self,
        w: Width<S>,
        by_after: Vector<S, F>,
        change: Vector<S, F>,
        by_spike: &mut Vector<S, F>,
        at: usize,
    ) -> Vector<S, F> {
        self.through_subtraction(by_after, change, by_spike);
        by_after - by_after * w.load(self.spiked, at)
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

// ---- spikes ---------------------------------------------------------------------------------------

/// Says which neurons spike.
pub trait Decide<S: Simd, F: Real> {
    /// Whether the neurons from `at` on spike, at potential `v`; those that are not `free` cannot.
    fn decide(
        &mut self,
        w: Width<S>,
        free: Option<Mask<S, F>>,
        v: Vector<S, F>,
        threshold: Vector<S, F>,
        at: usize,
    ) -> Spike<S, F>;
}

/// Which neurons spike.
#[derive(Clone, Copy)]
pub struct Spike<S: Simd, F: Real> {
    mask: Mask<S, F>,
    /// A soft spike that acts in place of the spike.
    soft: Option<Vector<S, F>>,
}

impl<S: Simd, F: Real> Spike<S, F> {
    /// `x`, or `to` where a neuron spikes.
    #[inline(always)]
    pub fn set(&self, x: Vector<S, F>, to: Vector<S, F>) -> Vector<S, F> {
        match self.soft {
            Some(soft) => x + soft * (to - x),
            None => self.mask.select(to, x),
        }
    }

    /// The same where no gradient passes: spikes are never soft.
    #[inline(always)]
    pub fn select(&self, to: Vector<S, F>, x: Vector<S, F>) -> Vector<S, F> {
        self.mask.select(to, x)
    }

    /// As bits.
    #[inline(always)]
    pub fn bits(&self) -> u32 {
        self.mask.bits()
    }
}

/// Where the potential has reached the threshold.
#[inline(always)]
fn reached<S: Simd, F: Real>(
    free: Option<Mask<S, F>>,
    v: Vector<S, F>,
    threshold: Vector<S, F>,
) -> Mask<S, F> {
    let reached = v.ge(threshold);
    free.map_or(reached, |free| reached.and(free))
}

/// Spikes of a simulation.
struct Free;

impl<S: Simd, F: Real> Decide<S, F> for Free {
    #[inline(always)]
    fn decide(
        &mut self,
        _: Width<S>,
        free: Option<Mask<S, F>>,
        v: Vector<S, F>,
        threshold: Vector<S, F>,
        _: usize,
    ) -> Spike<S, F> {
        Spike { mask: reached(free, v, threshold), soft: None }
    }
}

/// No spikes.
struct Never;

impl<S: Simd, F: Real> Decide<S, F> for Never {
    #[inline(always)]
    fn decide(
        &mut self,
        _: Width<S>,
        _: Option<Mask<S, F>>,
        v: Vector<S, F>,
        _: Vector<S, F>,
        _: usize,
    ) -> Spike<S, F> {
        Spike { mask: v.lt(v), soft: None }
    }
}

/// The surrogate of a training.
#[derive(Clone, Copy)]
struct Surrogate<F> {
    shape: u32,
    steepness: F,
    per_unit: F,
    /// 0: spikes are hard; 1: soft for others; 2: soft for the neuron itself as well.
    soft: u32,
}

impl<F: Real> Surrogate<F> {
    fn of(p: &WindowParams<F>) -> Self {
        Self {
            shape: p.surrogate,
            steepness: p.steepness,
            per_unit: F::one() / p.unit,
            soft: p.soft,
        }
    }

    /// The soft spike at a distance from the threshold.
    #[inline(always)]
    fn soft_spike(&self, distance: F) -> F {
        match distance.wide() <= HELD {
            true => F::zero(),
            false => surrogate::soft_spike(self.shape, self.steepness, distance * self.per_unit),
        }
    }
}

/// Spikes of a training, whose distances to the threshold are wanted. Spikes that are on record are not decided
/// again.
struct Watched<'a, F> {
    distance: &'a mut [F; BLOCK],
    known: Option<&'a [F; BLOCK]>,
    surrogate: Surrogate<F>,
}

impl<S: Simd, F: Real> Decide<S, F> for Watched<'_, F> {
    #[inline(always)]
    fn decide(
        &mut self,
        w: Width<S>,
        free: Option<Mask<S, F>>,
        v: Vector<S, F>,
        threshold: Vector<S, F>,
        at: usize,
    ) -> Spike<S, F> {
        let distance = v - threshold;
        let distance = free.map_or(distance, |free| free.select(distance, v.of(HELD)));
        w.store(self.distance, at, distance);
        let mask = match self.known {
            Some(known) => w.load(known, at).gt(v.of(0.5)),
            None => reached(free, v, threshold),
        };
        let given = self.surrogate;
        let soft = (given.soft == 2).then(|| distance.map(|u| given.soft_spike(u)));
        Spike { mask, soft }
    }
}

// ---- one step of a simulation ---------------------------------------------------------------------

params! {
    /// The parameters with which every kernel of [`Step`] begins: where a population lies.
    pub struct Place {
        /// Neurons.
        n: word,
        /// Neurons of a tile of the ring.
        tile: word,
        /// First tile of this population.
        first_tile: word,
        /// Slots of the ring, a power of two.
        slots: word,
        /// Receptors for which the ring has room.
        stride: word,
        /// Receptors of this population.
        receptors: word,
        /// 1 if each neuron has its own parameters.
        own: word,
        /// 1 if `drive` holds a current for each step.
        drive: word,
        /// 1 if `current` holds a current for each neuron.
        current: word,
        /// Words of a row of spikes, of all populations.
        row: word,
        /// First word of this population.
        first_word: word,
        /// Which states have a second float.
        slow: word,
        /// 1 if each neuron has its own numbers of receptors too.
        own_receptors: option,
    }
}

/// Arrays of a kernel of [`Step`].
pub const STEP: &[Binding] = &[
    reals_mut("state"),  // [blocks, rows, 64]
    reals("cell"),       // [blocks or 1, fields, 64 or 1], with fields of receptors if they are own
    reals("receptor"),   // [receptors, 8], then the numbers of `Stepped::table`
    words_mut("ring"),   // [tiles, slots, receptors, tile] sums of what arrives, as i32
    reals("drive"),      // [steps] pA
    reals("current"),    // [blocks, 64] pA
    words_mut("spikes"), // [steps, row]
];

/// One step of a simulation; units are tiles.
pub struct Step<M>(PhantomData<M>);

impl<M: Model> Twin for Step<M> {
    #[inline(always)]
    fn run<S: Simd, F: Real>(simd: S, call: Call<'_, F>) {
        one_step::<S, F, M, _>(simd, call, Free);
    }
}

/// The same without spikes, for what small inputs do.
pub struct Quiet<M>(PhantomData<M>);

impl<M: Model> Twin for Quiet<M> {
    #[inline(always)]
    fn run<S: Simd, F: Real>(simd: S, call: Call<'_, F>) {
        one_step::<S, F, M, _>(simd, call, Never);
    }
}

#[inline(always)]
fn one_step<S: Simd, F: Real, M: Model, D: Decide<S, F>>(simd: S, call: Call<'_, F>, decide: D) {
    let (place, own) = call.params.split_at(Place::<F>::FIELDS.len());
    let place = Place::<F>::of(place);
    let [state, cell, receptor, ring, drive, current, spikes] = Call::take(call.args);
    let (cell, receptor) = (cell.reals(), receptor.reals());
    let common = Common {
        receptors: place.receptors as usize,
        own: place.own == 1,
        own_receptors: place.own_receptors == 1,
        slow: place.slow,
    };
    let driven = if place.drive == 1 { drive.reals()[call.span.t0 as usize] } else { F::zero() };
    let step = (call.clock.step + u64::from(call.span.t0)) as usize;
    let frame = OneStep {
        w: Width(simd),
        state: state.reals_mut(),
        cell,
        sums: Sums {
            ring: ring.words_mut(),
            slot: step & (place.slots as usize - 1),
            tile: place.tile as usize,
            slots: place.slots as usize,
            stride: place.stride as usize,
        },
        driven,
        current: if place.current == 1 { Some(current.reals()) } else { None },
        spikes: spikes.words_mut(),
        common,
        decide,
        first: call.units.start * place.tile as usize,
        n: place.n as usize,
    };
    M::with(Width(simd), Numbers { common, own, cell, receptor }, frame);
}

/// What arrives in a step of a simulation, as integers in a ring: see [`super::stepped`].
struct Sums<'a> {
    ring: &'a mut [u32],
    slot: usize,
    tile: usize,
    slots: usize,
    stride: usize,
}

impl Sums<'_> {
    /// Takes what arrives at receptor `r` of a block out of the piece's part of the ring.
    #[inline(always)]
    fn take<F: Real>(&mut self, block: usize, r: usize, arrivals: &mut [F; BLOCK]) {
        let (tile, within) = (block * BLOCK / self.tile, block * BLOCK % self.tile);
        let at = ((tile * self.slots + self.slot) * self.stride + r) * self.tile + within;
        let sums: &mut [u32] = &mut self.ring[at..at + BLOCK];
        for k in 0..BLOCK {
            arrivals[k] = F::of_int(sums[k] as i32);
        }
        sums.fill(0);
    }
}

struct OneStep<'a, S, F, D> {
    w: Width<S>,
    state: &'a mut [F],
    cell: &'a [F],
    sums: Sums<'a>,
    driven: F,
    current: Option<&'a [F]>,
    spikes: &'a mut [u32],
    common: Common,
    decide: D,
    first: usize,
    n: usize,
}

/// Rows of state of a block, with those of second floats.
#[inline(always)]
fn all_rows(rows: usize, common: Common) -> usize {
    if common.slow > 0 { 2 * rows } else { rows }
}

/// The numbers of the neurons of a block.
#[inline(always)]
fn cell_of<F>(cell: &[F], common: Common, fields: usize, block: usize) -> &[F] {
    let of_receptors = if common.own_receptors { common.receptors * port::COUNT } else { 0 };
    let len = (fields + of_receptors) * BLOCK;
    if common.own { &cell[block * len..][..len] } else { cell }
}

impl<S: Simd, F: Real, D: Decide<S, F>> Run<S, F> for OneStep<'_, S, F, D> {
    const TUNED: bool = true;
    #[inline(always)]
    fn run<M: Block<S, F>>(mut self, model: M) {
        let all_rows = all_rows(model.rows(), self.common);
        let mut arrivals: ArrayVec<[F; BLOCK], MOST> =
            (0..self.common.receptors).map(|_| [F::zero(); BLOCK]).collect();
        for (block, state) in self.state.chunks_exact_mut(all_rows * BLOCK).enumerate() {
            for (r, arrivals) in arrivals.iter_mut().enumerate() {
                self.sums.take(block, r, arrivals);
            }
            let now = Now {
                state,
                cell: cell_of(self.cell, self.common, model.fields(), block),
                driven: self.driven,
                current: self.current.map(|all| &all[block * BLOCK..][..BLOCK]),
                arrivals: &arrivals,
            };
            let bits = model.step(self.w, now, &mut self.decide);
            // Lanes beyond the last neuron do not count.
            let alive = self.n.saturating_sub(self.first + block * BLOCK).min(BLOCK);
            let bits = if alive == BLOCK { bits } else { bits & ((1 << alive) - 1) };
            self.spikes[2 * block] = bits as u32;
            self.spikes[2 * block + 1] = (bits >> 32) as u32;
        }
    }
}

// ---- steps of a training --------------------------------------------------------------------------

params! {
    /// The parameters with which every kernel of [`Window`] begins.
    pub struct WindowParams {
        /// Neurons.
        n: word,
        /// Receptors.
        receptors: word,
        /// Those at which something arrives, a bit for each.
        arrive: word,
        /// 1 if the inbox has a row for a current of each step.
        driven: word,
        /// 1 if the inbox has a row for the potential after each step.
        watched: word,
        /// Which states have a second float.
        slow: word,
        /// Steps of a window.
        steps: word,
        /// Steps of a segment.
        segment: word,
        /// Rows of spikes before the window.
        history: word,
        /// Steepness of the surrogate.
        steepness: real,
        /// Distance from rest to threshold \[mV\].
        unit: real,
        /// 1 if each neuron has its own numbers of receptors.
        own_receptors: option,
        /// 0: spikes are hard; 1: soft for others; 2: soft for the neuron itself as well.
        soft: option,
        /// Shape of the surrogate.
        surrogate: option,
    }
}

/// Arrays of a kernel of [`Window`].
pub const WINDOW: &[Binding] = &[
    reals_mut("state"),       // [samples, blocks, slots, rows + 1, 64] see `slots`
    reals("start"),           // [blocks, rows, 64] state at the start of a window
    reals("cell"),            // as in `STEP`
    reals("receptor"),        // likewise, in units of the weight
    reals_mut("inbox"),       // [samples, steps, receptors + driven + watched, n], see `inbox_rows`
    reals("current"),         // [samples, n] constant current
    words_mut("spikes"),      // [samples, history + steps, words]
    reals_mut("soft_spikes"), // [samples, history + steps, n]
];

params! {
    /// What a kernel of [`Adjoint`] has behind the parameters of a window.
    pub struct BackParams {
        /// Rows of gradients by the numbers of the neurons, those of their fields and of each receptor; 0 if
        /// none is trained.
        numbers: word,
        /// 1 if the gradient passes through what a spike does to its own potential, plus 2 if it passes through what
        /// it does to threshold and adaptation.
        attached: option,
    }
}

/// The parameters with which every kernel of [`Adjoint`] begins.
pub const ADJOINT_FIELDS: &[Field] = {
    const N: usize = WindowParams::<f32>::FIELDS.len() + BackParams::<f32>::FIELDS.len();
    const ALL: [Field; N] = fields(WindowParams::<f32>::FIELDS, BackParams::<f32>::FIELDS);
    &ALL
};

/// Arrays of a kernel of [`Adjoint`].
pub const ADJOINT: &[Binding] = &[
    reals_mut("state"),   // as in `WINDOW`
    reals("cell"),        // as in `WINDOW`
    reals("receptor"),    // as in `WINDOW`
    reals_mut("inbox"), // as in `WINDOW`; what arrives and gradients by the potential in, gradients by what arrives out
    reals_mut("current"), // [samples, n] constant current in, gradient by it out
    words("spikes"),    // as in `WINDOW`
    reals("cotangent"), // [samples, steps, n] gradient by spikes
    reals_mut("adjoint"), // [samples, blocks, adjoint_rows, 64]
];

/// Rows of a step in the inbox: what arrives at each receptor, a current if neurons are driven, and their potential at
/// the end of the step if it is watched.
pub const fn inbox_rows(receptors: usize, driven: bool, watched: bool) -> usize {
    receptors + driven as usize + watched as usize
}

/// Rows of the array `adjoint`: gradients by the state, and, so far, by the current and the numbers of neurons.
pub const fn adjoint_rows(rows: usize, numbers: usize) -> usize {
    rows + 1 + numbers
}

/// Slots of the array `state` for each block of a sample: the state as it is; before the first step of
/// each segment; and before each step of one segment. A slot has a row more than the state, for the distance
/// to the threshold.
pub const fn slots(steps: usize, segment: usize) -> usize {
    1 + steps.div_ceil(segment) + segment
}

/// Where what a sample has in the arrays of a training lies.
#[derive(Clone, Copy)]
struct Extent {
    n: usize,
    blocks: usize,
    receptors: usize,
    arrive: u32,
    driven: bool,
    watched: bool,
    steps: usize,
    segment: usize,
    history: usize,
    rows: usize,
    words: usize,
}

impl Extent {
    fn of<F: Real>(p: &WindowParams<F>) -> Self {
        let n = p.n as usize;
        Self {
            n,
            blocks: n.div_ceil(BLOCK),
            receptors: p.receptors as usize,
            arrive: p.arrive,
            driven: p.driven == 1,
            watched: p.watched == 1,
            steps: p.steps as usize,
            segment: p.segment as usize,
            history: p.history as usize,
            rows: (p.history + p.steps) as usize,
            words: spike_words(n),
        }
    }

    fn kept(&self) -> usize {
        self.steps.div_ceil(self.segment)
    }

    /// Neurons of a block that exist.
    #[inline(always)]
    fn alive(&self, block: usize) -> usize {
        (self.n - block * BLOCK).min(BLOCK)
    }

    /// Where in the inbox of the piece a block's part of a row is.
    #[inline(always)]
    fn inbox(&self, [b, t, row, block]: [usize; 4]) -> std::ops::Range<usize> {
        let rows = inbox_rows(self.receptors, self.driven, self.watched);
        let at = ((b * self.steps + t) * rows + row) * self.n + block * BLOCK;
        at..at + self.alive(block)
    }

    /// The same of the row of the potential.
    #[inline(always)]
    fn potential(&self, [b, t, block]: [usize; 3]) -> std::ops::Range<usize> {
        self.inbox([b, t, inbox_rows(self.receptors, self.driven, false), block])
    }

    /// Whether anything ever arrives at a receptor.
    #[inline(always)]
    fn arrives(&self, r: usize) -> bool {
        self.arrive >> r & 1 == 1
    }

    /// What arrives at a block.
    #[inline(always)]
    fn take<F: Real>(&self, inbox: &[F], [b, t, block]: [usize; 3], arrivals: &mut [[F; BLOCK]]) {
        for (r, arrivals) in arrivals.iter_mut().enumerate().filter(|(r, _)| self.arrives(*r)) {
            let part = self.inbox([b, t, r, block]);
            arrivals[..part.len()].copy_from_slice(&inbox[part]);
        }
    }

    /// The current into a block: the constant one, and that of the step.
    #[inline(always)]
    fn current<F: Real>(
        &self,
        constant: &[F],
        inbox: &[F],
        [b, t, block]: [usize; 3],
        current: &mut [F; BLOCK],
    ) {
        let constant = &constant[b * self.n + block * BLOCK..][..self.alive(block)];
        current[..constant.len()].copy_from_slice(constant);
        if self.driven {
            let part = self.inbox([b, t, self.receptors, block]);
            current.iter_mut().zip(&inbox[part]).for_each(|(current, driven)| *current += *driven);
        }
    }

    /// The words of the spikes of a block.
    #[inline(always)]
    fn spikes(&self, [b, t, block]: [usize; 3]) -> std::ops::Range<usize> {
        let at = (b * self.rows + self.history + t) * self.words + 2 * block;
        at..at + spike_words(self.alive(block))
    }
}

/// Steps of a training; units are samples.
pub struct Window<M>(PhantomData<M>);

impl<M: Model> Twin for Window<M> {
    #[inline(always)]
    fn run<S: Simd, F: Real>(simd: S, call: Call<'_, F>) {
        let (frame, own) = call.params.split_at(WindowParams::<F>::FIELDS.len());
        let p = WindowParams::<F>::of(frame);
        let [state, start, cell, receptor, inbox, current, spikes, soft] = Call::take(call.args);
        let (cell, receptor) = (cell.reals(), receptor.reals());
        let common = Common::of(&p);
        let frame = Steps {
            w: Width(simd),
            e: Extent::of(&p),
            samples: call.units.len(),
            span: call.span,
            state: state.reals_mut(),
            start: start.reals(),
            cell,
            inbox: inbox.reals_mut(),
            current: current.reals(),
            spikes: spikes.words_mut(),
            soft_spikes: soft.reals_mut(),
            common,
            surrogate: Surrogate::of(&p),
        };
        M::with(Width(simd), Numbers { common, own, cell, receptor }, frame);
    }
}

struct Steps<'a, S, F> {
    w: Width<S>,
    e: Extent,
    samples: usize,
    span: Span,
    state: &'a mut [F],
    start: &'a [F],
    cell: &'a [F],
    inbox: &'a mut [F],
    current: &'a [F],
    spikes: &'a mut [u32],
    soft_spikes: &'a mut [F],
    common: Common,
    surrogate: Surrogate<F>,
}

impl<S: Simd, F: Real> Run<S, F> for Steps<'_, S, F> {
    const TUNED: bool = false;
    #[inline(always)]
    fn run<M: Block<S, F>>(self, model: M) {
        let e = self.e;
        let len = all_rows(model.rows(), self.common) * BLOCK;
        let slot = len + BLOCK;
        let of_block = slots(e.steps, e.segment) * slot;
        let mut arrivals: ArrayVec<[F; BLOCK], MOST> =
            (0..e.receptors).map(|_| [F::zero(); BLOCK]).collect();
        let mut current = [F::zero(); BLOCK];
        let mut distance = [F::zero(); BLOCK];
        for (b, block) in (0..self.samples).flat_map(|b| (0..e.blocks).map(move |block| (b, block)))
        {
            let state = &mut self.state[(b * e.blocks + block) * of_block..][..of_block];
            let (state, kept) = state.split_at_mut(slot);
            let state = &mut state[..len];
            for t in self.span.steps() {
                if t == 0 {
                    state.copy_from_slice(&self.start[block * len..][..len]);
                }
                if t % e.segment == 0 {
                    kept[t / e.segment * slot..][..len].copy_from_slice(state);
                }
                e.take(self.inbox, [b, t, block], &mut arrivals);
                e.current(self.current, self.inbox, [b, t, block], &mut current);
                let now = Now {
                    state: &mut *state,
                    cell: cell_of(self.cell, self.common, model.fields(), block),
                    driven: F::zero(),
                    current: Some(&current),
                    arrivals: &arrivals,
                };
                let surrogate = self.surrogate;
                let mut watched = Watched { distance: &mut distance, known: None, surrogate };
                let bits = model.step(self.w, now, &mut watched);
                let alive = e.alive(block);
                let bits = if alive == BLOCK { bits } else { bits & ((1 << alive) - 1) };
                for (k, word) in self.spikes[e.spikes([b, t, block])].iter_mut().enumerate() {
                    *word = (bits >> (32 * k)) as u32;
                }
                if e.watched {
                    let potential = &state[POTENTIAL * BLOCK..][..alive];
                    self.inbox[e.potential([b, t, block])].copy_from_slice(potential);
                }
                if surrogate.soft > 0 {
                    let at = (b * e.rows + e.history + t) * e.n + block * BLOCK;
                    for (soft, u) in self.soft_spikes[at..at + alive].iter_mut().zip(&distance) {
                        *soft = surrogate.soft_spike(*u);
                    }
                }
            }
        }
    }
}

// ---- and back -------------------------------------------------------------------------------------

/// The adjoint of the steps of a training; units are samples.
pub struct Adjoint<M>(PhantomData<M>);

impl<M: Model> Twin for Adjoint<M> {
    #[inline(always)]
    fn run<S: Simd, F: Real>(simd: S, call: Call<'_, F>) {
        let (frame, own) = call.params.split_at(ADJOINT_FIELDS.len());
        let (window, back) = frame.split_at(WindowParams::<F>::FIELDS.len());
        let (p, back) = (WindowParams::<F>::of(window), BackParams::<F>::of(back));
        let [state, cell, receptor, inbox, current, spikes, cotangent, adjoint] =
            Call::take(call.args);
        let (cell, receptor) = (cell.reals(), receptor.reals());
        let common = Common::of(&p);
        let frame = StepsBack {
            w: Width(simd),
            e: Extent::of(&p),
            samples: call.units.len(),
            span: call.span,
            state: state.reals_mut(),
            cell,
            inbox: inbox.reals_mut(),
            current: current.reals_mut(),
            spikes: spikes.words(),
            cotangent: cotangent.reals(),
            adjoint: adjoint.reals_mut(),
            common,
            surrogate: Surrogate::of(&p),
            numbers: back.numbers as usize,
            attached: [back.attached & 1 == 1, back.attached & 2 == 2],
        };
        M::with(Width(simd), Numbers { common, own, cell, receptor }, frame);
    }
}

struct StepsBack<'a, S, F> {
    w: Width<S>,
    e: Extent,
    samples: usize,
    span: Span,
    state: &'a mut [F],
    cell: &'a [F],
    inbox: &'a mut [F],
    current: &'a mut [F],
    spikes: &'a [u32],
    cotangent: &'a [F],
    adjoint: &'a mut [F],
    common: Common,
    surrogate: Surrogate<F>,
    numbers: usize,
    attached: [bool; 2],
}

impl<S: Simd, F: Real> Run<S, F> for StepsBack<'_, S, F> {
    const TUNED: bool = false;
    #[inline(always)]
    fn run<M: Block<S, F>>(self, model: M) {
        let (e, given) = (self.e, self.surrogate);
        let rows = model.rows();
        let len = all_rows(rows, self.common) * BLOCK;
        let slot = len + BLOCK;
        let of_block = slots(e.steps, e.segment) * slot;
        let of_adjoint = adjoint_rows(rows, self.numbers) * BLOCK;
        let zero = F::zero();
        let mut arrivals: ArrayVec<[F; BLOCK], MOST> =
            (0..e.receptors).map(|_| [zero; BLOCK]).collect();
        let mut by_arrivals = arrivals.clone();
        let [mut current, mut spiked, mut by_spike, mut slope] = [[zero; BLOCK]; 4];
        for (b, block) in (0..self.samples).flat_map(|b| (0..e.blocks).map(move |block| (b, block)))
        {
            let state = &mut self.state[(b * e.blocks + block) * of_block..][..of_block];
            // The slot of the state as it is holds the last state of a segment, which nothing needs.
            let (last, state) = state.split_at_mut(slot);
            let (kept, passed) = state.split_at_mut(e.kept() * slot);
            let adjoint = &mut self.adjoint[(b * e.blocks + block) * of_adjoint..][..of_adjoint];
            if self.span.t1 as usize == e.steps {
                adjoint.fill(zero);
            }
            let (adjoint, by_others) = adjoint.split_at_mut(rows * BLOCK);
            let (by_input, by_numbers) = by_others.split_at_mut(BLOCK);
            let cell = cell_of(self.cell, self.common, model.fields(), block);
            let alive = e.alive(block);
            for t in self.span.steps().rev() {
                let within = t % e.segment;
                if within == e.segment - 1 || t + 1 == e.steps {
                    passed[..len].copy_from_slice(&kept[t / e.segment * slot..][..len]);
                    for k in 0..=within {
                        let step = t - within + k;
                        let (before, after) = passed.split_at_mut((k + 1) * slot);
                        let (state, distance) = before[k * slot..].split_at_mut(len);
                        let after = if k == within { &mut *last } else { after };
                        after[..len].copy_from_slice(state);
                        e.take(self.inbox, [b, step, block], &mut arrivals);
                        e.current(self.current, self.inbox, [b, step, block], &mut current);
                        load_bits(&self.spikes[e.spikes([b, step, block])], &mut spiked);
                        let now = Now {
                            state: &mut after[..len],
                            cell,
                            driven: zero,
                            current: Some(&current),
                            arrivals: &arrivals,
                        };
                        let distance: &mut [F; BLOCK] = distance.try_into().expect("a row");
                        let known = Some(&spiked);
                        model.step(self.w, now, &mut Watched { distance, known, surrogate: given });
                    }
                }
                let (state, distance) = passed[within * slot..][..slot].split_at_mut(len);
                let distance: &[F; BLOCK] = (&*distance).try_into().expect("a row");
                load_bits(&self.spikes[e.spikes([b, t, block])], &mut spiked);
                if given.soft == 2 {
                    spiked = distance.map(|u| given.soft_spike(u));
                }
                surrogate::slopes(
                    given.shape,
                    given.steepness,
                    given.per_unit,
                    distance,
                    &mut slope,
                );
                for (slope, u) in slope.iter_mut().zip(distance) {
                    if u.wide() <= HELD {
                        *slope = zero;
                    }
                }
                let from = (b * e.steps + t) * e.n + block * BLOCK;
                by_spike[..alive].copy_from_slice(&self.cotangent[from..from + alive]);
                e.take(self.inbox, [b, t, block], &mut arrivals);
                e.current(self.current, self.inbox, [b, t, block], &mut current);
                if e.watched {
                    let by_potential = &self.inbox[e.potential([b, t, block])];
                    let by_v = &mut adjoint[POTENTIAL * BLOCK..][..BLOCK];
                    by_v.iter_mut().zip(by_potential).for_each(|(by_v, by)| *by_v += *by);
                }
                let back = Back {
                    adjoint: &mut *adjoint,
                    by_spike: &by_spike,
                    slope: &slope,
                    spiked: &spiked,
                    distance,
                    attached: self.attached,
                    by_arrivals: &mut by_arrivals,
                    by_input: &mut *by_input,
                    by_numbers: &mut *by_numbers,
                };
                let now =
                    Now { state, cell, driven: zero, current: Some(&current), arrivals: &arrivals };
                model.adjoint(self.w, now, back);
                for (r, by_arrival) in by_arrivals.iter().enumerate().filter(|(r, _)| e.arrives(*r))
                {
                    let part = e.inbox([b, t, r, block]);
                    let count = part.len();
                    self.inbox[part].copy_from_slice(&by_arrival[..count]);
                }
            }
            if self.span.t0 == 0 {
                let from = b * e.n + block * BLOCK;
                self.current[from..from + alive].copy_from_slice(&by_input[..alive]);
            }
        }
    }
}

// ---- what one input does ---------------------------------------------------------------------------

/// Something small that a neuron gets once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Nudge {
    /// A spike through a synapse at a receptor.
    Arrival(usize),
    /// A current of one step.
    Current,
}

/// The weight with which one input lifts the first neuron of a population from rest to threshold, at the peak; of a
/// current, within a step. In units of what the receptor takes; 1 where nothing is lifted.
///
/// It is measured: two neurons without spikes and constant currents come to rest, then one of them gets a millionth. A
/// conductance is taken to reverse at least as far from rest as the threshold is, or one that reverses near rest
/// would have no unit.
pub fn unit_of(neurons: &dyn Stepped, dt: f64, nudge: Nudge) -> f64 {
    const SMALL: f64 = 1e-6;
    /// Time in which neurons come to rest, and within which a peak is looked for \[ms\].
    const TIME: f64 = 200.0;
    let steps = (TIME / dt).ceil() as usize;
    let trained = neurons.trained();
    let count = neurons.receptors().len();
    let stride = count.max(1).next_power_of_two();
    let mut cell = neurons.cells().swap_remove(0);
    cell[trained.i_e] -= trained.currents[0];
    let mut state: Vec<f64> =
        neurons.start(0).into_iter().flat_map(|x| std::iter::repeat_n(x, BLOCK)).collect();
    if neurons.slow() > 0 {
        state.resize(2 * state.len(), 0.0);
    }
    let mut receptor = receptor_numbers(neurons, 0, dt, |_| SMALL);
    receptor.extend(neurons.table());
    let mut ring = vec![0u32; stride * BLOCK];
    let mut current = vec![0.0; BLOCK];
    let place = Place::<f64> {
        n: 2,
        tile: BLOCK as u32,
        first_tile: 0,
        slots: 1,
        stride: stride as u32,
        receptors: count as u32,
        own: 0,
        drive: 0,
        current: 1,
        row: 2,
        first_word: 0,
        slow: neurons.slow(),
        own_receptors: 0,
    };
    let params = [place.words(), neurons.params()].concat();
    let clock =
        Clock { seed: 0, step: 0, samples: 1, slot: 0, learning_rate: 0.0, corrections: [1.0; 2] };
    let step = |state: &mut [f64], receptor: &[f64], ring: &mut [u32], current: &[f64]| {
        let args = [
            Slice::RealsMut(state),
            Slice::Reals(&cell),
            Slice::Reals(receptor),
            Slice::WordsMut(ring),
            Slice::Reals(&[]),
            Slice::Reals(current),
            Slice::WordsMut(&mut [0; 2]),
        ];
        (trained.quiet)(Call {
            params: &params,
            clock: &clock,
            span: Span { t0: 0, t1: 1 },
            units: 0..1,
            args: args.into_iter().collect(),
        });
    };
    for _ in 0..steps {
        step(&mut state, &receptor, &mut ring, &current);
    }
    match nudge {
        Nudge::Current => current[0] = SMALL,
        Nudge::Arrival(r) => {
            ring[r * BLOCK] = 1;
            let e_rev = &mut receptor[r * port::COUNT + port::e_rev];
            let drive = *e_rev - state[0];
            *e_rev = state[0] + drive.abs().max(trained.rise).copysign(drive);
        }
    }
    let mut peak = 0.0f64;
    for k in 0..steps {
        step(&mut state, &receptor, &mut ring, &current);
        current[0] = 0.0;
        let lifted = (state[0] - state[1]).abs();
        // A spike arrives at the end of its step, and lifts from the next on.
        if nudge == Nudge::Current || (k > 1 && lifted <= peak) {
            peak = peak.max(lifted);
            break;
        }
        peak = peak.max(lifted);
    }
    let unit = trained.rise * SMALL / peak;
    if unit.is_finite() && unit > 0.0 { unit } else { 1.0 }
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
/// `neuron/<name>.wgsl` and, for the adjoint, `neuron/<name>_adjoint.wgsl`.
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
            concat!("//!use ", $file, ".wgsl\n//!use lib/step.wgsl\n"));
        $crate::framed!(@entry $(#[$window_doc])* $window, $window_name, Window<$model>, WINDOW,
            $crate::neuron::frame::WindowParams::<f32>::FIELDS, $own, $layouts,
            concat!("//!use ", $file, ".wgsl\n//!use lib/surrogate.wgsl\n//!use lib/window.wgsl\n"));
        $crate::framed!(@entry $(#[$adjoint_doc])* $adjoint, $adjoint_name, Adjoint<$model>, ADJOINT,
            $crate::neuron::frame::ADJOINT_FIELDS, $own, $layouts,
            concat!("//!use ", $file, ".wgsl\n//!use ", $adjoint_name, ".wgsl\n",
                "//!use lib/receptor_adjoint.wgsl\n//!use lib/surrogate.wgsl\n//!use lib/adjoint.wgsl\n"));
    };
    (
        @entry $(#[$doc:meta])* $static:ident, $name:literal, $frame:ident<$model:ty>,
        $bindings:ident, $fields:expr, $own:expr, $layouts:expr, $files:expr
    ) => {
        $(#[$doc])*
        pub static $static: $crate::kernel::Kernel = $crate::kernel::Kernel {
            name: $name,
            wgsl: concat!(
                "//!use lib/slow.wgsl\n//!use lib/neuron.wgsl\n//!use lib/receptor.wgsl\n",
                $files
            ),
            workgroup: $crate::neuron::stepped::BLOCK as u32,
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
