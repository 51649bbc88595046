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
    merges: true,
    bindings: &[
        reals_mut("weight"), // strips of [sources, 16], or [synapses] by target; with second floats, if any
        words("start"),      // [targets] and the end, if sparse
    ],
    layouts: &[],
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
        let [weight, start] = Call::take(call.args);
        let (weight, start) = (weight.reals_mut(), start.words());
        let bounds = [p.w_min, p.w_max];
        // For a target of such a sum: the factor, or with second floats the part that is added; neither does
        // anything if all weights are 0.
        let part = |total: F| match (total > F::zero(), p.second) {
            (true, 0) => p.sum / total,
            (true, _) => (p.sum - total) / total,
            (false, 0) => F::one(),
            (false, _) => F::zero(),
        };
        let scale = |w: &mut F, part: F| *w = (*w * part).max(p.w_min).min(p.w_max);
        let add = |w: &mut F, low: &mut F, part: F| change_within(w, low, *w * part, bounds);
        let second = p.second as usize;
        if p.dense == 0 {
            let (weight, low) = weight.split_at_mut(if second > 0 { second } else { weight.len() });
            for row in start.windows(2) {
                let row = row[0] as usize..row[1] as usize;
                let weight = &mut weight[row.clone()];
                let part = part(weight.iter().fold(F::zero(), |sum, w| sum + w.abs()));
                if second == 0 {
                    weight.iter_mut().for_each(|w| scale(w, part));
                } else {
                    let low = &mut low[row];
                    weight.iter_mut().zip(low).for_each(|(w, low)| add(w, low, part));
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
            let (panel, low) = panel.split_at_mut(sources * width);
            let mut parts = [F::zero(); STRIP];
            for row in panel.chunks_exact(width) {
                parts.iter_mut().zip(row).for_each(|(sum, w)| *sum += w.abs());
            }
            parts.iter_mut().for_each(|total| *total = part(*total));
            let rows = panel.chunks_exact_mut(width);
            if second == 0 {
                rows.for_each(|row| {
                    row.iter_mut().zip(&parts).for_each(|(w, part)| scale(w, *part))
                });
            } else {
                for (row, low) in rows.zip(low.chunks_exact_mut(width)) {
                    let both = row.iter_mut().zip(low).zip(&parts);
                    both.for_each(|((w, low), part)| add(w, low, *part));
                }
            }
        }
    }
}
