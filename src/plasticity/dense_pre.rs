//! What spikes of sources do to dense weights.
//!
//! ```text
//!   w_ij += rate · (c + y_j (a + b x'_i))       for each source i whose spike reaches its synapses
//! ```
//! See [`super`] for the letters, the order and the bounds.

use super::Site;
use crate::kernel::*;
use crate::synapse::STRIP;
use crate::vector::Width;

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "plasticity/dense_pre",
    wgsl: include_str!("../../shaders/plasticity/dense_pre.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        words("fired"),      // [slots, list],
        reals_mut("weight"), // strips of [sources, 16], and as many second floats
        reals("y"),          // [slots, targets of the population]
        reals("x2"),         // [slots, sources]
        reals("rate"),       // [1], or [3] for marks
    ],
    layouts: &[],
    params: Site::<f32>::FIELDS,
    twin32: dispatched::<DensePre, f32>,
    twin64: scalar::<DensePre, f64>,
};

/// The twin of `shaders/plasticity/dense_pre.wgsl`; units are panels.
pub struct DensePre;

impl Twin for DensePre {
    #[inline(always)]
    fn run<S: Simd, F: Real>(simd: S, call: Call<'_, F>) {
        let p: Site<F> = Site::of(call.params);
        let w = Width(simd);
        let [fired, weight, y, x2, rate] = Call::take(call.args);
        let (fired, weight, rate) = (fired.words(), weight.reals_mut(), rate.reals());
        let now = call.clock.step + u64::from(call.span.t0);
        let before = |delay: u32| now.wrapping_sub(1 + u64::from(delay));
        let (sources, targets) = (p.sources as usize, p.targets as usize);
        let y = p.trace(y.reals(), before(p.dendritic), p.all_targets as usize);
        let x2 = p.trace(x2.reals(), before(p.axonal), sources);
        let (low, high) = (w.splat(p.w_min), w.splat(p.w_max));
        for source in p.spikes(fired, now.wrapping_sub(p.axonal.into()), p.sources) {
            let factor = p.pair + p.triplet * x2[source];
            let vectors = [p.pace(rate), p.constant, factor].map(|x| w.splat(x));
            for panel in call.units.clone() {
                let first = panel * STRIP;
                let width = STRIP.min(targets - first);
                let row = (first - call.units.start * STRIP) * p.panels()[0] + source * width;
                let y = &y[p.first_target as usize + first..][..width];
                if p.bounded != 1 || p.second > 0 {
                    for (k, y) in y.iter().enumerate() {
                        let change = p.pace(rate) * (p.constant + *y * factor);
                        p.change(weight, row + k, p.second as usize * width, change, rate);
                    }
                    continue;
                }
                let row = &mut weight[row..row + width];
                let [rate, constant, factor] = vectors;
                for at in (0..width).step_by(w.lanes::<F>()) {
                    let new = w.load(row, at) + rate * (constant + w.load(y, at) * factor);
                    w.store(row, at, new.max(low).min(high));
                }
            }
        }
    }
}
