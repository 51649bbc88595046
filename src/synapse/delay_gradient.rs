//! Gradient by delays that are learned, of each sample.
//!
//! ```text
//!   gradient[b, i] = sum over t and k of  x[b, t, i] slopes[i, k] delayed_bar[b, t + first[i] + k, i]
//! ```
//! with slopes of [`super::delay_taps`] and rows of `delayed_bar` as in [`super::delay_values_backward`]. Samples are summed
//! by [`crate::train::sum_samples`].

use super::delay_values::sent;
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/delay_gradient.wgsl`.
    pub struct DelayGradientParams {
        /// Sources.
        n: word,
        /// Steps of a window.
        steps: word,
        /// Rows of what they send before the window.
        history: word,
        /// Parts of a spike.
        width: word,
        /// 0: sources spike; 1: sources have values.
        values: option,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/delay_gradient",
    wgsl: include_str!("../../shaders/synapse/delay_gradient.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("spikes"),       // [samples, history + steps, words]
        reals("x"),            // [samples, history + steps, n]
        words("first"),        // [n]
        reals("slopes"),       // [n, width]
        reals("delayed_bar"),  // [samples, steps, n]
        reals_mut("gradient"), // [samples, n]
    ],
    layouts: &[],
    params: DelayGradientParams::<f32>::FIELDS,
    twin32: dispatched::<DelayGradient, f32>,
    twin64: scalar::<DelayGradient, f64>,
};

/// The twin of `shaders/synapse/delay_gradient.wgsl`; units are samples.
pub struct DelayGradient;

impl Twin for DelayGradient {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = DelayGradientParams::<F>::of(call.params);
        let [spikes, x, first, slopes, delayed_bar, gradient] = Call::take(call.args);
        let (spikes, x, first, slopes) = (spikes.words(), x.reals(), first.words(), slopes.reals());
        let (n, steps, width) = (p.n as usize, p.steps as usize, p.width as usize);
        let gradient = gradient.reals_mut().chunks_exact_mut(n);
        let both = delayed_bar.reals().chunks_exact(steps * n).zip(gradient);
        let mut list = Vec::new();
        for (b, (delayed_bar, gradient)) in both.take(call.units.len()).enumerate() {
            gradient.fill(F::zero());
            for t in 0..steps {
                let row = b * (p.history as usize + steps) + p.history as usize + t;
                sent((spikes, x), (row, n), p.values == 1, &mut list);
                for (i, x) in &list {
                    let i = *i as usize;
                    let mut sum = F::zero();
                    let slopes = slopes[i * width..][..width].iter();
                    for (row, slope) in (t + first[i] as usize..steps).zip(slopes) {
                        sum += *slope * delayed_bar[row * n + i];
                    }
                    gradient[i] += *x * sum;
                }
            }
        }
    }
}
