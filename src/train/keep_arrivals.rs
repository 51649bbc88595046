//! What arrives at some neurons, kept as it is before a gain acts on it, for the gradient by the gain.
//!
//! ```text
//!   kept[b, t, j] := arrivals[b, t, first + j]
//! ```

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/keep_arrivals.wgsl`.
    pub struct KeepArrivalsParams {
        /// Neurons.
        n: word,
        /// Place of the first in a row.
        first: word,
        /// Numbers of a row.
        width: word,
        /// Steps of a window.
        steps: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/keep_arrivals",
    wgsl: include_str!("../../shaders/train/keep_arrivals.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals("arrivals"), // [samples, steps, width]
        reals_mut("kept"), // [samples, steps, n]
    ],
    layouts: &[],
    params: KeepArrivalsParams::<f32>::FIELDS,
    twin32: dispatched::<KeepArrivals, f32>,
    twin64: scalar::<KeepArrivals, f64>,
};

/// The twin of `shaders/train/keep_arrivals.wgsl`; units are samples.
pub struct KeepArrivals;

impl Twin for KeepArrivals {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = KeepArrivalsParams::<F>::of(call.params);
        let [arrivals, kept] = Call::take(call.args);
        let (arrivals, kept) = (arrivals.reals(), kept.reals_mut());
        let (n, steps) = (p.n as usize, p.steps as usize);
        for b in 0..call.units.len() {
            for row in (call.span.t0..call.span.t1).map(|t| b * steps + t as usize) {
                let some = &arrivals[row * p.width as usize + p.first as usize..][..n];
                kept[row * n..][..n].copy_from_slice(some);
            }
        }
    }
}
