//! [`Window`]: steps of a training.

use super::decide::{Surrogate, Watched};
use super::step::{all_rows, cell_of};
use super::{Block, Common, Model, Now, Numbers, POTENTIAL, Run};
use crate::kernel::*;
use crate::neuron::receptor::MOST;
use crate::neuron::stepped::BLOCK;
use crate::params;
use crate::vector::Width;
use arrayvec::ArrayVec;
use std::marker::PhantomData;

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
    reals_mut("state"), // [samples, blocks, slots, rows + 1, 64] see `slots`
    reals("start"),     // [blocks, rows, 64] state at the start of a window
    reals("cell"),      // as in `STEP`
    reals("receptor").within("cell"), // likewise, in units of the weight
    reals_mut("inbox"), // [samples, steps, receptors + driven + watched, n], see `inbox_rows`
    reals("current"),   // [samples, n] constant current
    words_mut("spikes"), // [samples, history + steps, words]
    reals_mut("soft_spikes"), // [samples, history + steps, n]
];

/// Rows of a step in the inbox: what arrives at each receptor, a current if neurons are driven, and their potential at
/// the end of the step if it is watched.
pub const fn inbox_rows(receptors: usize, driven: bool, watched: bool) -> usize {
    receptors + driven as usize + watched as usize
}

/// Slots of the array `state` for each block of a sample: the state as it is; before the first step of
/// each segment; and before each step of one segment. A slot has a row more than the state, for the distance
/// to the threshold.
pub const fn slots(steps: usize, segment: usize) -> usize {
    1 + steps.div_ceil(segment) + segment
}

impl<F: Real> Surrogate<F> {
    pub(super) fn of(p: &WindowParams<F>) -> Self {
        Self {
            shape: p.surrogate,
            steepness: p.steepness,
            per_unit: F::one() / p.unit,
            soft: p.soft,
        }
    }
}

/// Where what a sample has in the arrays of a training lies.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub(super) n: usize,
    pub(super) blocks: usize,
    pub(super) receptors: usize,
    pub(super) arrive: u32,
    pub(super) driven: bool,
    pub(super) watched: bool,
    pub(super) steps: usize,
    pub(super) segment: usize,
    pub(super) history: usize,
    pub(super) rows: usize,
    pub(super) words: usize,
}

impl Extent {
    pub(super) fn of<F: Real>(p: &WindowParams<F>) -> Self {
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

    pub(super) fn kept(&self) -> usize {
        self.steps.div_ceil(self.segment)
    }

    /// Neurons of a block that exist.
    #[inline(always)]
    pub(super) fn alive(&self, block: usize) -> usize {
        (self.n - block * BLOCK).min(BLOCK)
    }

    /// Where in the inbox of the piece a block's part of a row is.
    #[inline(always)]
    pub(super) fn inbox(&self, [b, t, row, block]: [usize; 4]) -> std::ops::Range<usize> {
        let rows = inbox_rows(self.receptors, self.driven, self.watched);
        let at = ((b * self.steps + t) * rows + row) * self.n + block * BLOCK;
        at..at + self.alive(block)
    }

    /// The same of the row of the potential.
    #[inline(always)]
    pub(super) fn potential(&self, [b, t, block]: [usize; 3]) -> std::ops::Range<usize> {
        self.inbox([b, t, inbox_rows(self.receptors, self.driven, false), block])
    }

    /// Whether anything ever arrives at a receptor.
    #[inline(always)]
    pub(super) fn arrives(&self, r: usize) -> bool {
        self.arrive >> r & 1 == 1
    }

    /// What arrives at a block.
    #[inline(always)]
    pub(super) fn take<F: Real>(
        &self,
        inbox: &[F],
        [b, t, block]: [usize; 3],
        arrivals: &mut [[F; BLOCK]],
    ) {
        for (r, arrivals) in arrivals.iter_mut().enumerate().filter(|(r, _)| self.arrives(*r)) {
            let part = self.inbox([b, t, r, block]);
            arrivals[..part.len()].copy_from_slice(&inbox[part]);
        }
    }

    /// The current into a block: the constant one, and that of the step.
    #[inline(always)]
    pub(super) fn current<F: Real>(
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
    pub(super) fn spikes(&self, [b, t, block]: [usize; 3]) -> std::ops::Range<usize> {
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
                };
                let surrogate = self.surrogate;
                let mut watched = Watched {
                    arrivals: &arrivals,
                    distance: &mut distance,
                    known: None,
                    surrogate,
                };
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
