//! [`Adjoint`]: the steps of a training from the last to the first.

use super::decide::{Surrogate, Watched};
use super::step::{all_rows, cell_of};
use super::window::{Extent, WindowParams, slots};
use super::{Back, Block, Common, Model, Now, Numbers, POTENTIAL, Run, fields};
use crate::kernel::*;
use crate::neuron::receptor::MOST;
use crate::neuron::stepped::BLOCK;
use crate::neuron::{load_bits, surrogate};
use crate::params;
use crate::vector::Width;
use arrayvec::ArrayVec;
use std::marker::PhantomData;

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
    reals_mut("state"),               // as in `WINDOW`
    reals("cell"),                    // as in `WINDOW`
    reals("receptor").within("cell"), // as in `WINDOW`
    reals_mut("inbox"), // as in `WINDOW`; what arrives and gradients by the potential in, gradients by what arrives out
    reals_mut("current"), // [samples, n] constant current in, gradient by it out
    words("spikes"),    // as in `WINDOW`
    reals("cotangent"), // [samples, steps, n] gradient by spikes
    reals_mut("adjoint"), // [samples, blocks, adjoint_rows, 64]
];

/// Rows of the array `adjoint`: gradients by the state, and, so far, by the current and the numbers of neurons.
pub const fn adjoint_rows(rows: usize, numbers: usize) -> usize {
    rows + 1 + numbers
}

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
                        };
                        let distance: &mut [F; BLOCK] = distance.try_into().expect("a row");
                        let (arrivals, known) = (&arrivals[..], Some(&spiked));
                        let mut frame = Watched { arrivals, distance, known, surrogate: given };
                        model.step(self.w, now, &mut frame);
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
                    distance: Some(distance),
                    spiked: Some(&spiked),
                    attached: self.attached,
                    arrivals: &arrivals,
                    by_arrivals: &mut by_arrivals,
                    by_input: &mut *by_input,
                    by_numbers: &mut *by_numbers,
                };
                let now = Now { state, cell, driven: zero, current: Some(&current) };
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
