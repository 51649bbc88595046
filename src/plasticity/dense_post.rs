//! What spikes of targets do to dense weights.
//!
//! ```text
//!   w_ij += rate · (c + x_i (a + b y'_j))       for each target j whose spike reaches its synapses
//! ```
//! See [`super`] for the letters, the order and the bounds.

use super::Site;
use crate::kernel::*;
use crate::synapse::{STRIP, panel_index};

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "plasticity/dense_post",
    wgsl: include_str!("../../shaders/plasticity/dense_post.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        words("fired"),      // [slots, list],
        reals_mut("weight"), // strips of [sources, 16], and as many second floats
        reals("x"),          // [slots, sources]
        reals("y2"),         // [slots, targets of the population]
        reals("rate"),       // [1], or [3] for marks
    ],
    layouts: &[],
    params: Site::<f32>::FIELDS,
    twin32: dispatched::<DensePost, f32>,
    twin64: scalar::<DensePost, f64>,
};

/// Changes that are computed together.
const CHUNK: usize = 64;

/// The twin of `shaders/plasticity/dense_post.wgsl`; units are panels.
pub struct DensePost;

impl Twin for DensePost {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p: Site<F> = Site::of(call.params);
        let [fired, weight, x, y2, rate] = Call::take(call.args);
        let (fired, weight, rate) = (fired.words(), weight.reals_mut(), rate.reals());
        let now = call.clock.step + u64::from(call.span.t0);
        let before = |delay: u32| now.wrapping_sub(1 + u64::from(delay));
        let (sources, targets) = (p.sources as usize, p.targets as usize);
        let x = p.trace(x.reals(), before(p.axonal), sources);
        let y2 = p.trace(y2.reals(), before(p.dendritic), p.all_targets as usize);
        for target in p.spikes(fired, now.wrapping_sub(p.dendritic.into()), p.targets) {
            let panel = target / STRIP;
            if !call.units.contains(&panel) {
                continue;
            }
            let factor = p.pair + p.triplet * y2[p.first_target as usize + target];
            let stride = STRIP.min(targets - panel * STRIP);
            let first = panel_index(STRIP, p.panels(), 0, target)
                - call.units.start * STRIP * p.panels()[0];
            // Some changes at once, in vectors; then the weights, each in a line of its own.
            for (begin, x) in (0..).step_by(CHUNK).zip(x.chunks(CHUNK)) {
                let mut changes = [F::zero(); CHUNK];
                let pace = p.pace(rate);
                for (change, x) in changes.iter_mut().zip(x) {
                    *change = pace * (p.constant + *x * factor);
                }
                if p.bounded == 1 && p.second == 0 {
                    let column = weight[first + begin * stride..].iter_mut().step_by(stride);
                    for (w, change) in column.zip(&changes[..x.len()]) {
                        let new = *w + *change;
                        let new = if new < p.w_min { p.w_min } else { new };
                        *w = if new > p.w_max { p.w_max } else { new };
                    }
                } else {
                    for (k, change) in changes[..x.len()].iter().enumerate() {
                        let at = first + (begin + k) * stride;
                        p.change(weight, at, p.second as usize * stride, *change, rate);
                    }
                }
            }
        }
    }
}
