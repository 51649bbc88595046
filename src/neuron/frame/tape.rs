//! [`Tape`] and [`TapeBack`]: steps of a training, and their adjoint, of models whose way back needs no more of a step
//! than the distance to the threshold.
//!
//! Of each step and neuron one number is kept. It is what arrives, then u, the distance to the threshold at the end of
//! the step, [`HELD`](super::HELD) of a neuron that cannot spike, then the gradient by what arrived. Of neurons that never
//! spike and answer by their potential it is this potential. State is kept for a
//! launch only: one that is a whole window has it at hand, on a cycle it is stored from step to step.

use super::adjoint::adjoint_rows;
use super::decide::{OnTape, Surrogate};
use super::step::{all_rows, cell_of};
use super::{Back, Block, Common, Now, Numbers, POTENTIAL, Run, Taped, fields};
use crate::kernel::*;
use crate::neuron::eventprop::{Levels, Spikes};
use crate::neuron::stepped::BLOCK;
use crate::neuron::surrogate;
use crate::params;
use crate::vector::Width;
use std::marker::PhantomData;

params! {
    /// The parameters with which every kernel of [`Tape`] and [`TapeBack`] begins.
    pub struct TapeParams {
        /// Neurons.
        n: word,
        /// 1 if anything arrives.
        arrive: word,
        /// 1 if each neuron has its own numbers and its own start; 0 where all share them and none is slow.
        own: word,
        /// Which states have a second float.
        slow: word,
        /// Steps of a window.
        steps: word,
        /// Rows of spikes before the window.
        history: word,
        /// 1 if state is stored between launches; 0 if a launch is a whole window.
        carry: word,
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
        /// 1: no neuron spikes, and the tape has their potentials in place of distances, and gradients by these in place of
        /// those by spikes.
        silent: option,
    }
}

params! {
    /// What a kernel of [`TapeBack`] has behind these.
    pub struct TapeBackParams {
        /// 1 if the loss pushes neurons at their peaks.
        pushed: word,
        /// What it pays for each mV of a peak.
        push: real,
        /// Least rise over the step of a spike that is reckoned with \[mV\].
        least_rise: real,
        /// As in [`super::BackParams`].
        attached: option,
        /// 0: spikes have a surrogate; 1: gradients are by their times, see [`crate::neuron::eventprop`].
        by_times: option,
    }
}

/// The parameters with which every kernel of [`TapeBack`] begins.
pub const TAPE_BACK_FIELDS: &[Field] = {
    const N: usize = TapeParams::<f32>::FIELDS.len() + TapeBackParams::<f32>::FIELDS.len();
    const ALL: [Field; N] = fields(TapeParams::<f32>::FIELDS, TapeBackParams::<f32>::FIELDS);
    &ALL
};

/// Arrays of a kernel of [`Tape`].
pub const TAPE: &[Binding] = &[
    reals_mut("stored"), // [samples, blocks, rows, 64] state between launches
    reals("start"),      // [blocks or 1, rows, 64 or 1] state at the start of a window
    reals("cell"),       // as in `STEP`
    reals("receptor").within("cell"), // as in `WINDOW`
    reals_mut("tape"),   // [samples, steps, n] what arrives in, u out
    reals("current"),    // [samples, n] constant current
    words_mut("spikes"), // [samples, history + steps, words]
    reals_mut("soft_spikes"), // [samples, history + steps, n]
];

/// Arrays of a kernel of [`TapeBack`].
pub const TAPE_BACK: &[Binding] = &[
    reals_mut("stored"), // [samples, blocks, adjoint_rows, 64] adjoint between launches
    reals("start"),      // as in `TAPE`
    reals("cell"),       // as in `TAPE`
    reals("receptor").within("cell"), // as in `TAPE`
    reals_mut("tape"),   // [samples, steps, n] u in, gradient by what arrives out
    reals_mut("current"), // [samples, n] gradient by the constant current
    reals("cotangent"),  // [samples, steps, n] gradient by spikes, or what a spike is worth
    words("peak"),       // [samples, n] step in which a neuron is pushed, none from `steps` on
];

/// Blocks that a twin takes through all steps before the next: so many that rows of the tape are read in runs, and so few
/// that their state stays in the cache.
const TOGETHER: usize = 16;

impl Common {
    fn on_tape<F: Real>(p: &TapeParams<F>) -> Self {
        let (own, own_receptors) = (p.own == 1, p.own_receptors == 1);
        Self { receptors: 1, own, own_receptors, slow: p.slow }
    }
}

impl<F: Real> Surrogate<F> {
    fn on_tape(p: &TapeParams<F>) -> Self {
        let per_unit = F::one() / p.unit;
        Self { shape: p.surrogate, steepness: p.steepness, per_unit, soft: p.soft }
    }
}

/// Steps of a training; units are samples.
pub struct Tape<M>(PhantomData<M>);

/// The adjoint of the steps of a training; units are samples.
pub struct TapeBack<M>(PhantomData<M>);

impl<M: Taped> Twin for Tape<M> {
    #[inline(always)]
    fn run<S: Simd, F: Real>(simd: S, call: Call<'_, F>) {
        let (frame, own) = call.params.split_at(TapeParams::<F>::FIELDS.len());
        let p = TapeParams::<F>::of(frame);
        let [stored, start, cell, receptor, tape, current, spikes, soft] = Call::take(call.args);
        let (cell, receptor) = (cell.reals(), receptor.reals());
        let common = Common::on_tape(&p);
        let frame = Steps {
            w: Width(simd),
            samples: call.units.len(),
            span: call.span,
            stored: stored.reals_mut(),
            start: start.reals(),
            cell,
            tape: tape.reals_mut(),
            current: current.reals(),
            spikes: spikes.words_mut(),
            soft_spikes: soft.reals_mut(),
            common,
            surrogate: Surrogate::on_tape(&p),
            p,
        };
        M::with(Width(simd), Numbers { common, own, cell, receptor }, p.arrive == 1, frame);
    }
}

impl<M: Taped> Twin for TapeBack<M> {
    #[inline(always)]
    fn run<S: Simd, F: Real>(simd: S, call: Call<'_, F>) {
        let (frame, own) = call.params.split_at(TAPE_BACK_FIELDS.len());
        let (frame, back) = frame.split_at(TapeParams::<F>::FIELDS.len());
        let (p, back) = (TapeParams::<F>::of(frame), TapeBackParams::<F>::of(back));
        let [stored, start, cell, receptor, tape, current, cotangent, peak] = Call::take(call.args);
        let (cell, receptor, cotangent) = (cell.reals(), receptor.reals(), cotangent.reals());
        let common = Common::on_tape(&p);
        let frame = StepsBack {
            w: Width(simd),
            samples: call.units.len(),
            span: call.span,
            stored: stored.reals_mut(),
            cell,
            tape: tape.reals_mut(),
            current: current.reals_mut(),
            cotangent,
            times: (back.by_times == 1).then(|| ByTimes {
                p,
                cotangent,
                start: start.reals(),
                peak: if back.pushed == 1 { peak.words() } else { &[] },
                push: back.push / F::of(f64::from(call.clock.samples)),
                least_rise: back.least_rise,
                levels: M::LEVELS,
            }),
            common,
            surrogate: Surrogate::on_tape(&p),
            attached: [back.attached & 1 == 1, back.attached & 2 == 2],
            p,
        };
        M::with(Width(simd), Numbers { common, own, cell, receptor }, p.arrive == 1, frame);
    }
}

/// A row of a block, which begins with a line of the cache, and so with a register.
#[repr(align(64))]
struct Row<F>([F; BLOCK]);

impl<F: Real> Row<F> {
    fn zeros() -> Self {
        Self([F::zero(); BLOCK])
    }
}

/// So many numbers, of which the first lies as that of a [`Row`].
struct Local<F>(Vec<F>);

impl<F: Real> Local<F> {
    const MORE: usize = align_of::<Row<F>>() / size_of::<F>();

    fn zeros(len: usize) -> Self {
        Self(if len > 0 { vec![F::zero(); len + Self::MORE] } else { Vec::new() })
    }

    fn all(&mut self) -> &mut [F] {
        let skip = self.0.as_ptr().align_offset(align_of::<Row<F>>());
        let len = self.0.len().saturating_sub(Self::MORE);
        &mut self.0[skip.min(len)..][..len]
    }
}

/// The part of a row that a block has: itself, or of the last block, which may be shorter, a copy in `room`.
#[inline(always)]
fn whole<'a, F: Real>(part: &'a mut [F], room: &'a mut Row<F>) -> &'a mut [F; BLOCK] {
    match part.len() {
        BLOCK => part.try_into().expect("a block"),
        _ => copied(part, room),
    }
}

/// The same of a row that is only read.
#[inline(always)]
fn read<'a, F: Real>(part: &'a [F], room: &'a mut Row<F>) -> &'a [F; BLOCK] {
    match part.len() {
        BLOCK => part.try_into().expect("a block"),
        _ => copied(part, room),
    }
}

/// Lanes beyond the last neuron get nothing.
#[inline(always)]
fn copied<'a, F: Real>(part: &[F], Row(room): &'a mut Row<F>) -> &'a mut [F; BLOCK] {
    room[..part.len()].copy_from_slice(part);
    room[part.len()..].fill(F::zero());
    room
}

struct Steps<'a, S, F: Real> {
    w: Width<S>,
    p: TapeParams<F>,
    samples: usize,
    span: Span,
    stored: &'a mut [F],
    start: &'a [F],
    cell: &'a [F],
    tape: &'a mut [F],
    current: &'a [F],
    spikes: &'a mut [u32],
    soft_spikes: &'a mut [F],
    common: Common,
    surrogate: Surrogate<F>,
}

impl<S: Simd, F: Real> Run<S, F> for Steps<'_, S, F> {
    const TUNED: bool = true;
    #[inline(always)]
    fn run<M: Block<S, F>>(self, model: M) {
        let (p, surrogate) = (self.p, self.surrogate);
        let (n, steps, rows) = (p.n as usize, p.steps as usize, (p.history + p.steps) as usize);
        let (blocks, words) = (n.div_ceil(BLOCK), spike_words(n));
        let len = all_rows(model.rows(), self.common) * BLOCK;
        let mut local = Local::zeros(if p.carry == 0 { blocks.min(TOGETHER) * len } else { 0 });
        let local = local.all();
        let [mut room, mut last] = [(); 2].map(|()| Row::zeros());
        for (b, first) in (0..self.samples)
            .flat_map(|b| (0..blocks).step_by(TOGETHER).map(move |first| (b, first)))
        {
            let part = first * BLOCK..n.min((first + TOGETHER) * BLOCK);
            let count = part.len().div_ceil(BLOCK);
            let state = match p.carry {
                0 => &mut local[..count * len],
                _ => &mut self.stored[(b * blocks + first) * len..][..count * len],
            };
            if self.span.t0 == 0 {
                match p.own {
                    0 => {
                        let start = self.start.iter().cycle();
                        state.chunks_exact_mut(BLOCK).zip(start).for_each(|(row, x)| row.fill(*x));
                    }
                    _ => state.copy_from_slice(&self.start[first * len..][..count * len]),
                }
            }
            let current = &self.current[b * n..][part.clone()];
            for t in self.span.steps() {
                let row = &mut self.tape[(b * steps + t) * n..][part.clone()];
                let at = b * rows + p.history as usize + t;
                let bits = &mut self.spikes[at * words..][..words][part.start / 32..];
                let given = row.chunks_mut(BLOCK).zip(bits.chunks_mut(2));
                let own = state.chunks_exact_mut(len).zip(current.chunks(BLOCK));
                for (k, ((row, bits), (state, current))) in given.zip(own).enumerate() {
                    let alive = row.len();
                    let now = Now {
                        state,
                        cell: cell_of(self.cell, self.common, model.fields(), first + k),
                        driven: F::zero(),
                        current: Some(read(current, &mut last)),
                    };
                    let tape = whole(row, &mut room);
                    let mut frame = OnTape { tape, surrogate, silent: p.silent == 1 };
                    let spikes = model.step(self.w, now, &mut frame);
                    if alive < BLOCK {
                        row.copy_from_slice(&room.0[..alive]);
                    }
                    let spikes = spikes & u64::MAX >> (BLOCK - alive);
                    for (k, bits) in bits.iter_mut().enumerate() {
                        *bits = (spikes >> (32 * k)) as u32;
                    }
                }
                if surrogate.soft > 0 {
                    let soft = &mut self.soft_spikes[at * n..][part.clone()];
                    for (soft, u) in soft.iter_mut().zip(&*row) {
                        *soft = surrogate.soft_spike(*u);
                    }
                }
            }
        }
    }
}

struct StepsBack<'a, S, F: Real> {
    w: Width<S>,
    p: TapeParams<F>,
    samples: usize,
    span: Span,
    stored: &'a mut [F],
    cell: &'a [F],
    tape: &'a mut [F],
    current: &'a mut [F],
    cotangent: &'a [F],
    times: Option<ByTimes<'a, F>>,
    common: Common,
    surrogate: Surrogate<F>,
    attached: [bool; 2],
}

/// What gradients by times of spikes take besides.
#[derive(Clone, Copy)]
struct ByTimes<'a, F: Real> {
    p: TapeParams<F>,
    cotangent: &'a [F],
    start: &'a [F],
    peak: &'a [u32],
    push: F,
    least_rise: F,
    levels: Levels,
}

impl<F: Real> ByTimes<'_, F> {
    /// Does what spikes and pushes of a block did at step `t` of sample `b`, to gradients by potentials. `earlier` is the
    /// tape before the row of the step, `u` the part of that; `room` is for parts of rows.
    #[inline(always)]
    fn go_back<S: Simd>(
        &self,
        w: Width<S>,
        (earlier, u): (&[F], &[F; BLOCK]),
        cell: &[F],
        by_v: &mut [F],
        [b, t, block]: [usize; 3],
        [before, worth, next]: &mut [Row<F>; 3],
    ) {
        let (n, steps) = (self.p.n as usize, self.p.steps as usize);
        let (from, to) = (block * BLOCK, n.min((block + 1) * BLOCK));
        for (by_v, peak) in by_v.iter_mut().zip(self.peak.iter().skip(b * n + from).take(to - from))
        {
            if *peak as usize == t {
                *by_v -= self.push;
            }
        }
        let Levels { v_th, .. } = self.levels;
        let before = match t {
            0 => {
                let rows = self.start.len() / n.div_ceil(BLOCK);
                before.0 = std::array::from_fn(|k| match self.p.own {
                    0 => self.start[POTENTIAL] - cell[v_th],
                    _ => self.start[block * rows + POTENTIAL * BLOCK + k] - cell[v_th * BLOCK + k],
                });
                &before.0
            }
            _ => read(&earlier[earlier.len() - n..][from..to], before),
        };
        let row = &self.cotangent[(b * steps + t) * n..];
        let later = if t + 1 < steps { &row[n..] } else { row };
        let worth = [read(&row[from..to], worth), read(&later[from..to], next)];
        let spikes = Spikes { u, before, worth, least_rise: self.least_rise };
        match self.p.own {
            0 => spikes.go_back::<S, false>(w, (cell, self.levels), by_v),
            _ => spikes.go_back::<S, true>(w, (cell, self.levels), by_v),
        }
    }
}

impl<S: Simd, F: Real> Run<S, F> for StepsBack<'_, S, F> {
    const TUNED: bool = true;
    #[inline(always)]
    fn run<M: Block<S, F>>(self, model: M) {
        let (p, given) = (self.p, self.surrogate);
        let (n, steps) = (p.n as usize, p.steps as usize);
        let blocks = n.div_ceil(BLOCK);
        let own_rows = model.rows() * BLOCK;
        let len = adjoint_rows(model.rows(), 0) * BLOCK;
        let zero = F::zero();
        let mut local = Local::zeros(if p.carry == 0 { blocks.min(TOGETHER) * len } else { 0 });
        let local = local.all();
        let [mut room, mut last, mut slope, mut soft] = [(); 4].map(|()| Row::zeros());
        let mut of_times = [(); 3].map(|()| Row::zeros());
        for (b, first) in (0..self.samples)
            .flat_map(|b| (0..blocks).step_by(TOGETHER).map(move |first| (b, first)))
        {
            let part = first * BLOCK..n.min((first + TOGETHER) * BLOCK);
            let count = part.len().div_ceil(BLOCK);
            let adjoint = match p.carry {
                0 => &mut local[..count * len],
                _ => &mut self.stored[(b * blocks + first) * len..][..count * len],
            };
            if self.span.t1 as usize == steps {
                adjoint.fill(zero);
            }
            for t in self.span.steps().rev() {
                let row = (b * steps + t) * n;
                let (earlier, tape) = self.tape.split_at_mut(row);
                let by_spikes = self.cotangent[row..][part.clone()].chunks(BLOCK);
                let rows = tape[part.clone()].chunks_mut(BLOCK).zip(by_spikes);
                for (k, ((row, by_spike), adjoint)) in
                    rows.zip(adjoint.chunks_exact_mut(len)).enumerate()
                {
                    let (block, alive) = (first + k, row.len());
                    let (adjoint, by_input) = adjoint.split_at_mut(own_rows);
                    let cell = cell_of(self.cell, self.common, model.fields(), block);
                    let mut by_spike = read(by_spike, &mut last);
                    let tape = whole(row, &mut room);
                    let mut spiked = None;
                    if p.silent == 1 {
                        // Linear, and never at the threshold: where the potential was does not matter.
                        tape.fill(-F::one());
                        slope.0.fill(F::one());
                    } else if let Some(times) = &self.times {
                        let given = (&*earlier, &*tape);
                        let at = [b, t, block];
                        times.go_back(self.w, given, cell, adjoint, at, &mut of_times);
                        // That is all that the spikes do; the slope stays 0.
                        (by_spike, spiked) = (&slope.0, Some(&slope.0));
                    } else {
                        let Surrogate { shape, steepness, per_unit, .. } = given;
                        surrogate::slopes(shape, steepness, per_unit, tape, &mut slope.0);
                        if given.soft == 2 {
                            soft.0 = tape.map(|u| given.soft_spike(u));
                            spiked = Some(&soft.0);
                        }
                    }
                    let now = Now { state: &mut [], cell, driven: zero, current: None };
                    let back = Back {
                        adjoint,
                        by_spike,
                        slope: &slope.0,
                        distance: None,
                        spiked,
                        attached: self.attached,
                        arrivals: &[],
                        by_arrivals: std::slice::from_mut(tape),
                        by_input,
                        by_numbers: &mut [],
                    };
                    model.adjoint(self.w, now, back);
                    if alive < BLOCK {
                        row.copy_from_slice(&room.0[..alive]);
                    }
                }
            }
            if self.span.t0 == 0 {
                let current = self.current[b * n..][part].chunks_mut(BLOCK);
                for (current, adjoint) in current.zip(adjoint.chunks_exact(len)) {
                    current.copy_from_slice(&adjoint[own_rows..][..current.len()]);
                }
            }
        }
    }
}
