//! Constant input: the value of a source is `gain · x` for the whole presentation, where x is the
//! pixel's intensity from 0 to 1. It passes a projection once per sample, not once per step.

use super::{pixel, pixel_words};
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/input/constant.wgsl`.
    pub struct ConstantParams {
        /// Sources.
        n: word,
        /// Value per unit of a pixel's byte, `gain / 255`.
        scale: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "input/constant",
    wgsl: include_str!("../../shaders/input/constant.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("pixels"),     // [samples, ceil(n / 4)]
        reals_mut("values"), // [samples, n]
    ],
    layouts: &[],
    params: ConstantParams::<f32>::FIELDS,
    twin32: dispatched::<Constant, f32>,
    twin64: scalar::<Constant, f64>,
};

/// The twin of `shaders/input/constant.wgsl`.
pub struct Constant;

impl Twin for Constant {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = ConstantParams::<F>::of(call.params);
        let [pixels, values] = Call::take(call.args);
        let (pixels, values) = (pixels.words(), values.reals_mut());
        let n = p.n as usize;
        for b in 0..call.units.len() {
            let image = &pixels[b * pixel_words(n)..];
            for (id, value) in values[b * n..][..n].iter_mut().enumerate() {
                *value = p.scale * F::of(f64::from(pixel(image, id)));
            }
        }
    }
}
