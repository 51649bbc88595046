//! [`Step`]: one step of a simulation.

use super::decide::{Decide, Free, Never};
use super::{Block, Common, Model, Now, Numbers, Run};
use crate::kernel::*;
use crate::neuron::receptor::{MOST, port};
use crate::neuron::stepped::BLOCK;
use crate::params;
use crate::vector::Width;
use arrayvec::ArrayVec;
use std::marker::PhantomData;

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
pub(super) fn all_rows(rows: usize, common: Common) -> usize {
    if common.slow > 0 { 2 * rows } else { rows }
}

/// The numbers of the neurons of a block.
#[inline(always)]
pub(super) fn cell_of<F>(cell: &[F], common: Common, fields: usize, block: usize) -> &[F] {
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
