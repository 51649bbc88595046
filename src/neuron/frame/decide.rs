//! Spikes: who decides that a neuron spikes, and what else is done with that.

use super::HELD;
use crate::kernel::*;
use crate::neuron::stepped::BLOCK;
use crate::neuron::surrogate;
use crate::vector::{Mask, Vector, Width};

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
pub(super) struct Free;

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
pub(super) struct Never;

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
pub(super) struct Surrogate<F> {
    pub(super) shape: u32,
    pub(super) steepness: F,
    pub(super) per_unit: F,
    /// 0: spikes are hard; 1: soft for others; 2: soft for the neuron itself as well.
    pub(super) soft: u32,
}

impl<F: Real> Surrogate<F> {
    /// The soft spike at a distance from the threshold.
    #[inline(always)]
    pub(super) fn soft_spike(&self, distance: F) -> F {
        match distance.wide() <= HELD {
            true => F::zero(),
            false => surrogate::soft_spike(self.shape, self.steepness, distance * self.per_unit),
        }
    }
}

/// Spikes of a training, whose distances to the threshold are wanted. Spikes that are on record are not decided
/// again.
pub(super) struct Watched<'a, F> {
    pub(super) distance: &'a mut [F; BLOCK],
    pub(super) known: Option<&'a [F; BLOCK]>,
    pub(super) surrogate: Surrogate<F>,
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
