//! Values of state variables of chosen neurons, at chosen steps.
//!
//! `samples[k, i] = state[neuron i, row]` at every step whose number, counted from 1, is a multiple of
//! `every`; k counts these steps from the start of the window. Where steps are done in intervals the neurons' own kernel
//! does that ([`Sampling`]), else a kernel of its own.

use crate::kernel::*;
use crate::neuron::stepped::BLOCK;
use crate::{numbers, params};

params! {
    /// `Params` of `shaders/record/sample.wgsl`.
    pub struct SampleParams {
        /// Neurons that are recorded.
        count: word,
        /// Rows of state of a block.
        rows: word,
        /// Row that is recorded.
        row: word,
        /// Interval between samples \[steps\]; the lower half of the number.
        every_lo: word,
        /// Its upper half.
        every_hi: word,
    }
}

numbers! {
    /// A state of some neurons of a population that is recorded in the steps of an interval, in the array `sampled`. Behind
    /// all of these lie, for each, its neurons in ascending order, each with its rank in a row of samples.
    pub struct Sampled in sampled {
        /// Interval between samples, steps; the lower half of the number.
        every_lo,
        /// Its upper half.
        every_hi,
        /// Row of state.
        row,
        /// Where its neurons begin in the array.
        ids,
        /// How many there are.
        count,
        /// Where its samples begin in the array `samples`.
        place,
    }
}

/// States of a population that are recorded: row of state, neurons, interval \[steps\], and where their samples begin.
pub type Wanted<'a> = (usize, &'a [u32], u64, usize);

/// The array `sampled` of these.
pub fn laid_out(all: &[Wanted<'_>]) -> Vec<u32> {
    let mut words = vec![0; all.len() * sampled::COUNT];
    for (k, (row, ids, every, place)) in all.iter().enumerate() {
        let mut ranked: Vec<(u32, u32)> = ids.iter().copied().zip(0..).collect();
        ranked.sort_unstable();
        let [every_lo, every_hi] = halves(*every).map(f64::from);
        let known = Sampled {
            every_lo,
            every_hi,
            row: *row as f64,
            ids: words.len() as f64,
            count: ids.len() as f64,
            place: *place as f64,
        };
        let of = &mut words[k * sampled::COUNT..][..sampled::COUNT];
        of.iter_mut().zip(known.numbers()).for_each(|(word, x)| *word = x as u32);
        words.extend(ranked.iter().flat_map(|(id, rank)| [*id, *rank]));
    }
    words
}

/// The twin of `shaders/lib/sampled.wgsl`: what is recorded of the neurons of a block at the end of a step.
pub struct Sampling<'a, F> {
    /// The array `sampled`.
    pub words: &'a [u32],
    /// States that are recorded.
    pub count: usize,
    /// The array `samples`.
    pub samples: &'a mut [F],
    /// Step of the run at which the window starts.
    pub start: u64,
    /// Steps of the run that are done.
    pub done: u64,
}

impl<F: Real> Sampling<'_, F> {
    /// Takes samples of the `alive` neurons from `neuron` on, which have this state.
    #[inline(always)]
    pub fn take(&mut self, neuron: usize, alive: usize, state: &[F]) {
        for known in self.words.chunks_exact(sampled::COUNT).take(self.count) {
            let every = joined(known[sampled::every_lo], known[sampled::every_hi]);
            if !self.done.is_multiple_of(every) {
                continue;
            }
            let k = (self.done / every - self.start / every - 1) as usize;
            let count = known[sampled::count] as usize;
            let ids = self.words[known[sampled::ids] as usize..][..2 * count].chunks_exact(2);
            for pair in ids {
                let lane = (pair[0] as usize).wrapping_sub(neuron);
                if lane < alive {
                    let at = known[sampled::place] as usize + k * count + pair[1] as usize;
                    self.samples[at] = state[known[sampled::row] as usize * BLOCK + lane];
                }
            }
        }
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "record/sample",
    wgsl: include_str!("../../shaders/record/sample.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        reals("state"),       // [blocks, rows, 64]
        words("ids"),         // [count]
        reals_mut("samples"), // [steps / every + 1, count]
    ],
    layouts: &[],
    params: SampleParams::<f32>::FIELDS,
    twin32: dispatched::<Sample, f32>,
    twin64: scalar::<Sample, f64>,
};

/// The twin of `shaders/record/sample.wgsl`; one unit.
pub struct Sample;

impl Twin for Sample {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = SampleParams::<F>::of(call.params);
        let [state, ids, samples] = Call::take(call.args);
        let (state, ids, samples) = (state.reals(), ids.words(), samples.reals_mut());
        let (count, every) = (p.count as usize, joined(p.every_lo, p.every_hi));
        let (start, done) = (call.clock.step, call.clock.step + u64::from(call.span.t1));
        let k = (done / every - start / every - 1) as usize;
        for (sample, id) in samples[k * count..].iter_mut().zip(&ids[..count]) {
            let (block, lane) = (*id as usize / BLOCK, *id as usize % BLOCK);
            *sample = state[(block * p.rows as usize + p.row as usize) * BLOCK + lane];
        }
    }
}
