//! Neuron models: each a step that integrates, compares with the threshold and resets, and the adjoint of that
//! step. [`frame`] drives both: a step of a simulation, the steps of a training, and these back from the last.
//! [`readout`] has kernels of its own for a training, which make outputs of potentials too.

pub mod adex;
pub mod channels;
pub mod eventprop;
pub mod frame;
pub mod hh;
pub mod iaf;
pub mod izhikevich;
pub mod library;
pub mod mat2;
pub mod model;
pub mod readout;
pub mod receptor;
pub mod stepped;
pub mod surrogate;

use crate::kernel::{Real, Simd};
use crate::vector::{Vector, Width};

/// Parameters of neurons by field: rows of `n`, or single numbers where all neurons share them.
pub struct Cells<'a, F, const OWN: bool> {
    cell: &'a [F],
    n: usize,
}

impl<'a, F: Real, const OWN: bool> Cells<'a, F, OWN> {
    /// From an array of rows of `n` numbers if `OWN`, else of one for each field.
    #[inline(always)]
    pub fn new(cell: &'a [F], n: usize) -> Self {
        Self { cell, n }
    }

    /// A field of the neurons from `first` on.
    #[inline(always)]
    pub fn field<S: Simd>(&self, w: Width<S>, field: usize, first: usize) -> Vector<S, F> {
        if OWN {
            w.load(&self.cell[field * self.n..][..self.n], first)
        } else {
            w.splat(self.cell[field])
        }
    }

    /// A field of one neuron.
    #[inline(always)]
    pub fn one(&self, field: usize, neuron: usize) -> F {
        if OWN { self.cell[field * self.n + neuron] } else { self.cell[field] }
    }
}

/// Spikes of a row of neurons, as 0 or 1.
#[inline(always)]
pub fn load_bits<F: Real>(words: &[u32], spiked: &mut [F]) {
    for (spiked, word) in spiked.chunks_mut(32).zip(words) {
        for (k, spiked) in spiked.iter_mut().enumerate() {
            *spiked = if word >> k & 1 == 1 { F::one() } else { F::zero() };
        }
    }
}
