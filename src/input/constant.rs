//! Values as input: that of a source is `gain · x`, where x is the intensity of its pixel in the frame that is
//! shown, from 0 to 1.
//!
//! Of a single frame, shown for the whole presentation, there is one row of values. It passes a projection once per
//! sample, not once per step. Otherwise there is a row for each step.

use super::Frames;
use super::encoder::{Encode, Given, Showing, Window};
use crate::kernel::*;
use crate::{declare, params};

declare! {
    /// Values.
    #[derive(Copy)]
    pub struct Constant {
        /// Factor on the intensity.
        gain: f64 = 1.0;
    }
}

impl Encode for Constant {
    fn gain(&self) -> Option<f64> {
        Some(self.gain)
    }
    fn show(&self, window: &Window) -> Vec<Showing> {
        let Window { n, rows, history, frames, hold, .. } = *window;
        let scale = self.gain / 255.0;
        let p = ConstantParams::<f64> { n, rows, history, frames, hold, scale };
        vec![Showing {
            kernel: &KERNEL,
            params: p.words(),
            args: vec![Given::Pixels, Given::Sent],
            per_sample: n,
            per_step: rows > 1,
        }]
    }
}

params! {
    /// `Params` of `shaders/input/constant.wgsl`.
    pub struct ConstantParams {
        /// Sources.
        n: word,
        /// Rows of values in a window: its steps, or 1 for all of them.
        rows: word,
        /// Rows of values before the window.
        history: word,
        /// Frames of a sample.
        frames: word,
        /// Steps for which each is shown.
        hold: word,
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
        words("pixels"),     // [samples, ceil(frames n / 4)]
        reals_mut("values"), // [samples, history + rows, n]
    ],
    layouts: &[],
    params: ConstantParams::<f32>::FIELDS,
    twin32: dispatched::<ConstantTwin, f32>,
    twin64: scalar::<ConstantTwin, f64>,
};

/// The twin of `shaders/input/constant.wgsl`.
pub struct ConstantTwin;

impl Twin for ConstantTwin {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = ConstantParams::<F>::of(call.params);
        let [pixels, values] = Call::take(call.args);
        let (pixels, values) = (pixels.words(), values.reals_mut());
        let (n, hold, rows) = (p.n as usize, p.hold as usize, (p.history + p.rows) as usize);
        let frames = Frames { n, frames: p.frames as usize, hold };
        for b in 0..call.units.len() {
            let sample = &pixels[b * frames.words()..];
            for t in call.span.t0 as usize..p.rows.min(call.span.t1) as usize {
                let row = &mut values[(b * rows + p.history as usize + t) * n..][..n];
                for (id, value) in row.iter_mut().enumerate() {
                    let intensity = frames.pixel(sample, t / hold, id);
                    *value = p.scale * F::of(f64::from(intensity));
                }
            }
        }
    }
}
