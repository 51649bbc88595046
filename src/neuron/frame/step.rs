//! [`Step`]: steps of a simulation.
//!
//! The steps up to the shortest delay are an *interval*: what a neuron sends in one arrives in a later one. So at the start
//! of an interval all that arrives in it is known, and a tile, with what was sent in the interval before, needs nothing
//! of the others until its end. On a GPU a workgroup is a tile, and an interval a single dispatch:
//!
//! ```text
//!   for each source that spiked in the interval before, in step k, for each of its synapses on this tile:
//!     ring[tile, (k + delay) mod slots, receptor, neuron] += weight
//!   for each step of the interval, for each neuron of the tile:
//!     take what arrives out of the ring, add Poisson events of the step, integrate, decide on a spike;
//!     record what is due
//! ```
//!
//! Synapses lie by source, and for each source by tile: see [`crate::synapse::scatter`], which delivers what is no part of
//! the interval.

use super::decide::Simulated;
use super::{Block, Common, Model, Now, Numbers, Run};
use crate::input::poisson_drive::Brought;
use crate::kernel::*;
use crate::neuron::receptor::{MOST, port};
use crate::neuron::stepped::BLOCK;
use crate::params;
use crate::record::sample::Sampling;
use crate::synapse::each_position;
use crate::synapse::scatter::{Segments, Sums as Ring, Words};
use crate::vector::Width;
use arrayvec::ArrayVec;
use std::marker::PhantomData;

params! {
    /// The parameters with which every kernel of [`Step`] begins: where a population lies.
    pub struct Place {
        /// Neurons.
        n: word,
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
        /// Where in a row of `spikes` this population begins \[words\], with the rows before the window.
        first_word: word,
        /// Which states have a second float.
        slow: word,
        /// Stimuli of Poisson events.
        events: word,
        /// States that are recorded.
        sampled: word,
        /// Tiles of the network.
        tiles: word,
        /// Bits of a synapse's first word below the delay.
        port_bits: word,
        /// Neurons of a tile of the ring.
        tile: option,
        /// Words of a row of spikes, of all populations.
        row_words: option,
        /// Steps of an interval.
        interval: option,
        /// 1 if what was sent in the interval before is delivered here.
        pulls: option,
        /// 0: a weight for each synapse; 1: one for each source and tile.
        shared: option,
        /// 1 if each neuron has its own numbers of receptors too.
        own_receptors: option,
    }
}

/// Invocations of the workgroup that has a tile.
pub const TILE_GROUP: usize = 256;

/// Arrays of a kernel of [`Step`].
pub const STEP: &[Binding] = &[
    reals_mut("state"),               // [blocks, rows, 64]
    sums("ring"),         // [tiles, slots, receptors, tile] sums of what arrives, as i32
    words_mut("spikes"),  // [interval + steps, row]
    reals_mut("samples"), // of each of `sampled`, samples × neurons
    words("before").within("spikes"), // of the steps of the interval before
    reals("cell"), // [blocks or 1, fields, 64 or 1], with fields of receptors if they are own
    reals("receptor").within("cell"), // [receptors, 8], then the numbers of `Stepped::table`
    reals("drive").within("cell"), // [steps] pA
    reals("current").within("cell"), // [blocks, 64] pA
    words("start"), // [sources, tiles] and the end
    words("event").within("start"), // see `poisson_drive::Event`
    words("sampled").within("start"), // see `sample::Sampled`
    words("port"), // [synapses] delay, tile and place
    words("weight"), // [synapses] or [sources, tiles] as i32, in units of the ring
];

/// Steps of a simulation; units are tiles. Here it is called for one step after the other.
pub struct Step<M>(PhantomData<M>);

impl<M: Model> Twin for Step<M> {
    #[inline(always)]
    fn run<S: Simd, F: Real>(simd: S, call: Call<'_, F>) {
        one_step::<S, F, M, false>(simd, call);
    }
}

/// The same without spikes, for what small inputs do.
pub struct Quiet<M>(PhantomData<M>);

impl<M: Model> Twin for Quiet<M> {
    #[inline(always)]
    fn run<S: Simd, F: Real>(simd: S, call: Call<'_, F>) {
        one_step::<S, F, M, true>(simd, call);
    }
}

#[inline(always)]
fn one_step<S: Simd, F: Real, M: Model, const QUIET: bool>(simd: S, call: Call<'_, F>) {
    let (place, own) = call.params.split_at(Place::<F>::FIELDS.len());
    let place = Place::<F>::of(place);
    let [state, ring, spikes, samples, before, args @ ..] = Call::take::<14>(call.args);
    let [cell, receptor, drive, current, start, event, sampled, port, weight] = args;
    let (cell, receptor) = (cell.reals(), receptor.reals());
    let common = Common {
        receptors: place.receptors as usize,
        own: place.own == 1,
        own_receptors: place.own_receptors == 1,
        slow: place.slow,
    };
    let driven = if place.drive == 1 { drive.reals()[call.span.t0 as usize] } else { F::zero() };
    let step = call.clock.step + u64::from(call.span.t0);
    let (tile, slots) = (place.tile as usize, place.slots as usize);
    let places = place.stride as usize * tile;
    let ring = ring.words_mut();
    if place.pulls == 1 && step.is_multiple_of(place.interval.into()) {
        let port_bits = place.port_bits;
        let mut sums = Ring { ring: &mut *ring, slots, places, port_bits, least: 0 };
        let segments = Segments {
            start: start.words(),
            port: Words::Wide(port.words()),
            weight: weight.words(),
            tiles: place.tiles as usize,
            shared: place.shared == 1,
        };
        let first = step.wrapping_sub(place.interval.into());
        for (k, row) in before.words().chunks_exact(place.row_words as usize).enumerate() {
            let now = first.wrapping_add(k as u64) as usize;
            each_position(row, |source| {
                for unit in call.units.clone() {
                    let tile = place.first_tile as usize + unit;
                    sums.add(unit - call.units.start, segments.of(source, tile), now);
                }
            });
        }
    }
    let mut sums = Sums {
        ring,
        slot: step as usize & (slots - 1),
        tile,
        slots,
        stride: place.stride as usize,
    };
    // Neurons from the first of these tiles on, and those of a block that are there.
    let (first, n) = (call.units.start * tile, place.n as usize);
    let here = n.saturating_sub(first).min(call.units.len() * tile);
    let alive = |block: usize| (here - block * BLOCK).min(BLOCK);
    // Few populations have events or are recorded here: what all do is kept free of it.
    if place.events > 0 {
        let (words, count, seed) = (event.words(), place.events as usize, call.clock.seed);
        let brought = Brought { words, count, seed, step };
        for block in 0..here.div_ceil(BLOCK) {
            brought.draw(first + block * BLOCK, alive(block), |r, brought| {
                let sums = sums.of(block, r).iter_mut().zip(brought);
                sums.for_each(|(sum, brought)| *sum = sum.wrapping_add(*brought));
            });
        }
    }
    let state = state.reals_mut();
    let frame = OneStep::<S, F, QUIET> {
        w: Width(simd),
        state: &mut *state,
        cell,
        sums,
        driven,
        current: if place.current == 1 { Some(current.reals()) } else { None },
        spikes: spikes.words_mut(),
        common,
        first,
        n,
    };
    M::with(Width(simd), Numbers { common, own, cell, receptor }, frame);
    if place.sampled > 0 {
        let mut sampling = Sampling {
            words: sampled.words(),
            count: place.sampled as usize,
            samples: samples.reals_mut(),
            start: call.clock.step,
            done: step + 1,
        };
        let len = state.len() / here.div_ceil(BLOCK);
        for (block, state) in state.chunks_exact(len).enumerate() {
            sampling.take(first + block * BLOCK, alive(block), state);
        }
    }
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
    /// Where the sums of a block at receptor `r` are in this step.
    #[inline(always)]
    fn of(&mut self, block: usize, r: usize) -> &mut [u32] {
        let (tile, within) = (block * BLOCK / self.tile, block * BLOCK % self.tile);
        let at = ((tile * self.slots + self.slot) * self.stride + r) * self.tile + within;
        &mut self.ring[at..at + BLOCK]
    }

    /// Takes what arrives at receptor `r` of a block out of the piece's part of the ring.
    #[inline(always)]
    fn take<F: Real>(&mut self, block: usize, r: usize, arrivals: &mut [F; BLOCK]) {
        let sums = self.of(block, r);
        for k in 0..BLOCK {
            arrivals[k] = F::of_int(sums[k] as i32);
        }
        sums.fill(0);
    }
}

struct OneStep<'a, S, F, const QUIET: bool> {
    w: Width<S>,
    state: &'a mut [F],
    cell: &'a [F],
    sums: Sums<'a>,
    driven: F,
    current: Option<&'a [F]>,
    spikes: &'a mut [u32],
    common: Common,
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

impl<S: Simd, F: Real, const QUIET: bool> Run<S, F> for OneStep<'_, S, F, QUIET> {
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
            };
            let mut frame = Simulated::<F, QUIET> { arrivals: &arrivals };
            let bits = model.step(self.w, now, &mut frame);
            // Lanes beyond the last neuron do not count.
            let alive = self.n.saturating_sub(self.first + block * BLOCK).min(BLOCK);
            let bits = if alive == BLOCK { bits } else { bits & ((1 << alive) - 1) };
            self.spikes[2 * block] = bits as u32;
            self.spikes[2 * block + 1] = (bits >> 32) as u32;
        }
    }
}
