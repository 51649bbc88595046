//! Delivery through dense weights whose synapses each have a delay that is learned.
//!
//! ```text
//!   arrivals[b, t, j] (+)= sum over i and k of  w[i, j] taps[i, j, k] x[b, t - 1 - first[i, j] - k, i]
//! ```
//! with parts of [`super::delay_taps`], which lie as the weights do, and nothing before the window. x is 1 for a spike and 0
//! otherwise, or a value (of images, soft spikes). The work grows with the spikes: each is taken to the steps in which it
//! arrives, by the owner of the target, which adds to no other column.

use super::delay_values::sent;
use super::{PANEL, panel_index};
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/delay_arrivals.wgsl`.
    pub struct DelayArrivalsParams {
        /// Sources.
        n: word,
        /// Targets.
        targets: word,
        /// Length of a row of arrivals.
        row: word,
        /// Where those of the projection begin in it.
        begin: word,
        /// Steps of a window.
        steps: word,
        /// Rows of what sources send before the window.
        history: word,
        /// Parts of a spike.
        width: word,
        /// Steps from a spike to its last part, at most.
        longest: word,
        /// 1: add to what is there; 0: overwrite.
        accumulate: word,
        /// 0: sources spike; 1: sources have values.
        values: option,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/delay_arrivals",
    wgsl: include_str!("../../shaders/synapse/delay_arrivals.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("spikes"),       // [samples, history + steps, words]
        reals("x"),            // [samples, history + steps, n]
        reals("weights"),      // [panels, n, panel]
        words("first"),        // [panels, n, panel]
        reals("taps"),         // [panels, n, panel, width]
        reals_mut("arrivals"), // [samples, steps, row]
    ],
    layouts: &[],
    params: DelayArrivalsParams::<f32>::FIELDS,
    twin32: dispatched::<DelayArrivals, f32>,
    twin64: scalar::<DelayArrivals, f64>,
};

/// The twin of `shaders/synapse/delay_arrivals.wgsl`; units are samples.
pub struct DelayArrivals;

impl Twin for DelayArrivals {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = DelayArrivalsParams::<F>::of(call.params);
        let [spikes, x, weights, first, taps, arrivals] = Call::take(call.args);
        let (spikes, x, weights) = (spikes.words(), x.reals(), weights.reals());
        let (first, taps, arrivals) = (first.words(), taps.reals(), arrivals.reals_mut());
        let (n, targets, row) = (p.n as usize, p.targets as usize, p.row as usize);
        let (begin, steps, width) = (p.begin as usize, p.steps as usize, p.width as usize);
        let [t0, t1] = [call.span.t0, call.span.t1].map(|t| t as usize);
        let mut list = Vec::new();
        let samples = arrivals.chunks_exact_mut(steps * row).take(call.units.len());
        for (b, arrivals) in samples.enumerate() {
            for t in (t0..t1).filter(|_| p.accumulate == 0) {
                arrivals[t * row + begin..][..targets].fill(F::zero());
            }
            for s in t0.saturating_sub(p.longest as usize)..t1 {
                let at = b * (p.history as usize + steps) + p.history as usize + s;
                sent((spikes, x), (at, n), p.values == 1, &mut list);
                for (i, x) in &list {
                    for j in 0..targets {
                        let synapse = panel_index(PANEL, [n, targets], *i as usize, j);
                        let w = *x * weights[synapse];
                        let parts = taps[synapse * width..][..width].iter();
                        // Ascending steps, of which some are before the span and some behind it.
                        for (t, tap) in (s + 1 + first[synapse] as usize..t1).zip(parts) {
                            if t >= t0 {
                                arrivals[t * row + begin + j] += w * *tap;
                            }
                        }
                    }
                }
            }
        }
    }
}
