//! Normalisation: the weights of each target are scaled so that their sum stays what it is to be.
//!
//! ```text
//!   w_ij := w_ij · sum / sum_i |w_ij|
//! ```
//! at the end of every so many steps, within the bounds; a target all of whose weights are 0 stays so.
//! Sums are in the order of the synapses.

use super::change_within;
use crate::kernel::*;
use crate::params;
use crate::synapse::STRIP;

params! {
    /// `Params` of `shaders/plasticity/normalise.wgsl`.
    pub struct NormaliseParams {
        /// Sources.
        sources: word,
        /// Targets, of this tile.
        targets: word,
        /// How many rows of a panel, or synapses, further on the second float of a weight is; 0 for none.
        second: word,
        /// Interval \[steps\]; 0 to do it whenever it is launched.
        every: word,
        /// What the sum is to be.
        sum: real,
        /// Least weight.
        w_min: real,
        /// Largest weight.
        w_max: real,
        /// 1: dense weights, in panels; 0: sparse ones, by target.
        dense: option,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "plasticity/normalise",
    wgsl: include_str!("../../shaders/plasticity/normalise.wgsl"),
    workgroup: 64,
    bindings: &[
        reals_mut("weight"), // strips of [sources, 16], or [synapses] by target; with second floats, if any
        words("start"),      // [targets] and the end, if sparse
    ],
    params: NormaliseParams::<f32>::FIELDS,
    twin32: dispatched::<Normalise, f32>,
    twin64: scalar::<Normalise, f64>,
};

/// The twin of `shaders/plasticity/normalise.wgsl`; one unit.
pub struct Normalise;

impl Twin for Normalise {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = NormaliseParams::<F>::of(call.params);
        let done = call.clock.step + u64::from(call.span.t0) + 1;
        if p.every > 0 && !done.is_multiple_of(p.every.into()) {
            return;
        }
        let [weight, start] = Call::take(call.args);
        let (weight, start) = (weight.reals_mut(), start.words());
        let bounds = [p.w_min, p.w_max];
        let scale = |weight: &mut [F], at: usize, rest: usize, total: F| {
            if rest == 0 {
                weight[at] = (weight[at] * (p.sum / total)).max(p.w_min).min(p.w_max);
                return;
            }
            let (mut w, mut low) = (weight[at], weight[at + rest]);
            let change = w * ((p.sum - total) / total);
            change_within(&mut w, &mut low, change, bounds);
            (weight[at], weight[at + rest]) = (w, low);
        };
        let second = p.second as usize;
        if p.dense == 0 {
            for row in start.windows(2) {
                let row = row[0] as usize..row[1] as usize;
                let total = weight[row.clone()].iter().fold(F::zero(), |sum, w| sum + w.abs());
                if total > F::zero() {
                    row.for_each(|at| scale(weight, at, second, total));
                }
            }
            return;
        }
        // Panel by panel, so that targets side by side are summed together.
        let (sources, targets) = (p.sources as usize, p.targets as usize);
        for first in (0..targets).step_by(STRIP) {
            let width = STRIP.min(targets - first);
            let rows = sources + second;
            let panel = &mut weight[first * rows..(first + width) * rows];
            let mut totals = [F::zero(); STRIP];
            for row in panel[..sources * width].chunks_exact(width) {
                totals.iter_mut().zip(row).for_each(|(sum, w)| *sum += w.abs());
            }
            for row in 0..sources {
                for (k, total) in totals[..width].iter().enumerate() {
                    if *total > F::zero() {
                        scale(panel, row * width + k, second * width, *total);
                    }
                }
            }
        }
    }
}
