//! Weights with noise: a copy, in which each weight is off by a Gaussian number that is drawn anew for each batch.
//!
//! ```text
//!   copy = max(floor, factor (w + deviation N(0, 1)))
//! ```
//! A number depends on seed, projection, synapse and the presentation with which the batch begins. Normal numbers are
//! made as those of [`crate::input::noise`], of which a call of Philox has two.

use super::optimizer::at_least;
use crate::input::noise::normal;
use crate::kernel::*;
use crate::params;
use crate::rng::philox_lanes;

params! {
    /// `Params` of `shaders/train/disturb.wgsl`.
    pub struct DisturbParams {
        /// Weights.
        count: word,
        /// Number of the array among those of the projection.
        tile: word,
        /// Stream of random numbers.
        stream: word,
        /// Factor on both.
        factor: real,
        /// Standard deviation.
        deviation: real,
        /// Least value of a weight.
        floor: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/disturb",
    wgsl: include_str!("../../shaders/train/disturb.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("presentation"), // [samples] number that tells presentations apart
        reals("weights"),      // [count]
        reals_mut("copy"),     // [count]
    ],
    layouts: &[],
    params: DisturbParams::<f32>::FIELDS,
    twin32: dispatched::<Disturb, f32>,
    twin64: scalar::<Disturb, f64>,
};

/// The twin of `shaders/train/disturb.wgsl`; units are weights.
pub struct Disturb;

impl Twin for Disturb {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = DisturbParams::<F>::of(call.params);
        let [presentation, weights, copy] = Call::take(call.args);
        let (presentation, weights, copy) =
            (presentation.words()[0], weights.reals(), copy.reals_mut());
        let seed = call.clock.seed;
        let key = [seed as u32, (seed >> 32) as u32 ^ p.stream];
        // The words of a call serve two weights, those of sixteen calls 32; a piece starts at such a group.
        debug_assert!(call.units.start.is_multiple_of(32));
        let first = (call.units.start / 2) as u32;
        let groups = copy.chunks_mut(32).zip(weights.chunks(32));
        for (k, (copy, weights)) in (first..).step_by(16).zip(groups) {
            let words = philox_lanes(k, [p.tile, 0, presentation], key);
            for ((copy, w), pair) in copy.iter_mut().zip(weights).zip(words.chunks_exact(2)) {
                let off = p.deviation * normal::<F>([pair[0], pair[1]]);
                *copy = at_least(p.floor, p.factor * (*w + off));
            }
        }
    }
}
