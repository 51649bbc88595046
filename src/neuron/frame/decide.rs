//! What a step asks its frame: what arrives, and whether neurons spike.

use super::HELD;
use crate::kernel::*;
use crate::neuron::stepped::BLOCK;
use crate::neuron::surrogate;
use crate::vector::{Mask, Vector, Width};

/// A frame as a step sees it.
pub trait Frame<S: Simd, F: Real> {
    /// What arrives at receptor `r` of the neurons from `at` on.
    fn arriving(&self, w: Width<S>, r: usize, at: usize) -> Vector<S, F>;

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

/// A step of a simulation. With `QUIET` nobody spikes.
pub(super) struct Simulated<'a, F, const QUIET: bool> {
    pub(super) arrivals: &'a [[F; BLOCK]],
}

impl<S: Simd, F: Real, const QUIET: bool> Frame<S, F> for Simulated<'_, F, QUIET> {
    #[inline(always)]
    fn arriving(&self, w: Width<S>, r: usize, at: usize) -> Vector<S, F> {
        w.load(&self.arrivals[r], at)
    }

    #[inline(always)]
    fn decide(
        &mut self,
        _: Width<S>,
        free: Option<Mask<S, F>>,
        v: Vector<S, F>,
        threshold: Vector<S, F>,
        _: usize,
    ) -> Spike<S, F> {
        Spike { mask: if QUIET { v.lt(v) } else { reached(free, v, threshold) }, soft: None }
    }
}

/// Distance to the threshold, [`HELD`] of those that are not free.
#[inline(always)]
fn distance<S: Simd, F: Real>(
    free: Option<Mask<S, F>>,
    v: Vector<S, F>,
    threshold: Vector<S, F>,
) -> Vector<S, F> {
    let distance = v - threshold;
    free.map_or(distance, |free| free.select(distance, v.of(HELD)))
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
    /// The soft spikes that act on the neurons themselves, if they are to.
    #[inline(always)]
    pub(super) fn of_itself<S: Simd>(&self, distance: Vector<S, F>) -> Option<Vector<S, F>> {
        (self.soft == 2).then(|| distance.map(|u| self.soft_spike(u)))
    }

    /// The soft spike at a distance from the threshold.
    #[inline(always)]
    pub(super) fn soft_spike(&self, distance: F) -> F {
        match distance <= F::of(HELD) {
            true => F::zero(),
            false => surrogate::soft_spike(self.shape, self.steepness, distance * self.per_unit),
        }
    }
}

/// A step of a training whose distance to the threshold is wanted. Spikes that are on record are not decided again.
pub(super) struct Watched<'a, F> {
    pub(super) arrivals: &'a [[F; BLOCK]],
    pub(super) distance: &'a mut [F; BLOCK],
    pub(super) known: Option<&'a [F; BLOCK]>,
    pub(super) surrogate: Surrogate<F>,
}

impl<S: Simd, F: Real> Frame<S, F> for Watched<'_, F> {
    #[inline(always)]
    fn arriving(&self, w: Width<S>, r: usize, at: usize) -> Vector<S, F> {
        w.load(&self.arrivals[r], at)
    }

    #[inline(always)]
    fn decide(
        &mut self,
        w: Width<S>,
        free: Option<Mask<S, F>>,
        v: Vector<S, F>,
        threshold: Vector<S, F>,
        at: usize,
    ) -> Spike<S, F> {
        let distance = distance(free, v, threshold);
        w.store(self.distance, at, distance);
        let mask = match self.known {
            Some(known) => w.load(known, at).gt(v.of(0.5)),
            None => reached(free, v, threshold),
        };
        Spike { mask, soft: self.surrogate.of_itself(distance) }
    }
}

/// A step of a training on a tape: distances to the threshold take the place of what arrives.
pub(super) struct OnTape<'a, F> {
    pub(super) tape: &'a mut [F; BLOCK],
    pub(super) surrogate: Surrogate<F>,
    /// Whether no neuron spikes: then potentials take it.
    pub(super) silent: bool,
}

impl<S: Simd, F: Real> Frame<S, F> for OnTape<'_, F> {
    #[inline(always)]
    fn arriving(&self, w: Width<S>, _: usize, at: usize) -> Vector<S, F> {
        w.load(self.tape, at)
    }

    #[inline(always)]
    fn decide(
        &mut self,
        w: Width<S>,
        free: Option<Mask<S, F>>,
        v: Vector<S, F>,
        threshold: Vector<S, F>,
        at: usize,
    ) -> Spike<S, F> {
        if self.silent {
            w.store(self.tape, at, v);
            return Spike { mask: v.lt(v), soft: None };
        }
        let distance = distance(free, v, threshold);
        w.store(self.tape, at, distance);
        // What the distance tells on the way back.
        Spike { mask: distance.ge(v.of(0.0)), soft: self.surrogate.of_itself(distance) }
    }
}
