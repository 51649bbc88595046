//! Gradients by arrivals through synapses that each have a learned delay become gradients by what their sources send.
//!
//! ```text
//!   cotangent[b, t, i] (+)= sum over j and k of  w[i, j] taps[i, j, k] arrivals_bar[b, t + 1 + first[i, j] + k, j]
//! ```
//! with parts of [`super::delay_taps`], which lie as the weights do, and nothing behind the window.

use super::{PANEL, panel_index};
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/delay_arrivals_backward.wgsl`.
    pub struct DelayArrivalsBackwardParams {
        /// Sources.
        n: word,
        /// Targets.
        targets: word,
        /// Length of a row of gradients by arrivals.
        row: word,
        /// Where those of the projection begin in it.
        begin: word,
        /// Steps of a window.
        steps: word,
        /// Parts of a spike.
        width: word,
        /// 1: add to what is there; 0: overwrite.
        accumulate: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/delay_arrivals_backward",
    wgsl: include_str!("../../shaders/synapse/delay_arrivals_backward.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals("arrivals_bar"),  // [samples, steps, row]
        reals("weights"),       // [panels, n, panel]
        words("first"),         // [panels, n, panel]
        reals("taps"),          // [panels, n, panel, width]
        reals_mut("cotangent"), // [samples, steps, n]
    ],
    layouts: &[],
    params: DelayArrivalsBackwardParams::<f32>::FIELDS,
    twin32: dispatched::<DelayArrivalsBackward, f32>,
    twin64: scalar::<DelayArrivalsBackward, f64>,
};

/// The twin of `shaders/synapse/delay_arrivals_backward.wgsl`; units are samples.
pub struct DelayArrivalsBackward;

impl Twin for DelayArrivalsBackward {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = DelayArrivalsBackwardParams::<F>::of(call.params);
        let [arrivals_bar, weights, first, taps, cotangent] = Call::take(call.args);
        let (arrivals_bar, weights) = (arrivals_bar.reals(), weights.reals());
        let (first, taps) = (first.words(), taps.reals());
        let (n, targets, row) = (p.n as usize, p.targets as usize, p.row as usize);
        let (begin, steps, width) = (p.begin as usize, p.steps as usize, p.width as usize);
        let cotangent = cotangent.reals_mut().chunks_exact_mut(steps * n);
        let both = arrivals_bar.chunks_exact(steps * row).zip(cotangent);
        for (arrivals_bar, cotangent) in both.take(call.units.len()) {
            for t in call.span.steps() {
                for i in 0..n {
                    let at = t * n + i;
                    let mut sum = if p.accumulate == 1 { cotangent[at] } else { F::zero() };
                    for j in 0..targets {
                        let synapse = panel_index(PANEL, [n, targets], i, j);
                        let parts = &taps[synapse * width..][..width];
                        let mut of_synapse = F::zero();
                        for (t, tap) in (t + 1 + first[synapse] as usize..steps).zip(parts) {
                            of_synapse += *tap * arrivals_bar[t * row + begin + j];
                        }
                        sum += weights[synapse] * of_synapse;
                    }
                    cotangent[at] = sum;
                }
            }
        }
    }
}
