//! Gain of what arrives at some neurons, by a substance; the same factor takes gradients by what arrives after it to
//! those by what arrived before.
//!
//! ```text
//!   arrivals[b, t, n] := max(0, 1 + slope D[b, t]) · arrivals[b, t, n]        D: concentration above rest
//! ```

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/gain.wgsl`.
    pub struct GainParams {
        /// Neurons.
        n: word,
        /// Place of the first in a row.
        first: word,
        /// Numbers of a row.
        width: word,
        /// Steps of a window.
        steps: word,
        /// Relative change at a concentration 1 above rest.
        slope: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/gain",
    wgsl: include_str!("../../shaders/train/gain.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals("acting"),       // [samples, steps]
        reals_mut("arrivals"), // [samples, steps, width]
    ],
    layouts: &[],
    params: GainParams::<f32>::FIELDS,
    twin32: dispatched::<Gain, f32>,
    twin64: scalar::<Gain, f64>,
};

/// The twin of `shaders/train/gain.wgsl`; units are samples.
pub struct Gain;

impl Twin for Gain {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = GainParams::<F>::of(call.params);
        let [acting, arrivals] = Call::take(call.args);
        let (acting, arrivals) = (acting.reals(), arrivals.reals_mut());
        let (steps, width) = (p.steps as usize, p.width as usize);
        for b in 0..call.units.len() {
            for row in (call.span.t0..call.span.t1).map(|t| b * steps + t as usize) {
                let gain = (F::one() + p.slope * acting[row]).max(F::zero());
                let some = &mut arrivals[row * width + p.first as usize..][..p.n as usize];
                some.iter_mut().for_each(|x| *x *= gain);
            }
        }
    }
}
