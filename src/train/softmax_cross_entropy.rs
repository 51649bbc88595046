//! Cross-entropy of the softmax of the readout's output.
//!
//! ```text
//!   p = softmax(output)      loss = -ln p[label]
//!   output_bar = (p - onehot(label)) / samples          the batch's loss is the mean over samples
//! ```
//! The largest output is subtracted first, so that no exponential overflows.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/softmax_cross_entropy.wgsl`.
    pub struct SoftmaxCrossEntropyParams {
        /// Outputs per sample.
        classes: word,
        /// Batches whose losses are kept until the host asks.
        slots: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/softmax_cross_entropy",
    wgsl: include_str!("../../shaders/train/softmax_cross_entropy.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals("output"),              // [samples, classes]
        words("labels"),              // [samples]
        reals_mut("output_gradient"), // [samples, classes]
        reals_mut("losses"),          // [samples, slots]
        words_mut("predictions"),     // [samples, slots] class of the largest output
    ],
    layouts: &[],
    params: SoftmaxCrossEntropyParams::<f32>::FIELDS,
    twin32: dispatched::<SoftmaxCrossEntropy, f32>,
    twin64: scalar::<SoftmaxCrossEntropy, f64>,
};

/// The twin of `shaders/train/softmax_cross_entropy.wgsl`.
pub struct SoftmaxCrossEntropy;

impl Twin for SoftmaxCrossEntropy {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = SoftmaxCrossEntropyParams::<F>::of(call.params);
        let [output, labels, output_gradient, losses, predictions] = Call::take(call.args);
        let (output, labels) = (output.reals(), labels.words());
        let (output_gradient, losses, predictions) =
            (output_gradient.reals_mut(), losses.reals_mut(), predictions.words_mut());
        let classes = p.classes as usize;
        let samples = F::of(f64::from(call.clock.samples));
        for b in 0..call.units.len() {
            let output = &output[b * classes..][..classes];
            let gradient = &mut output_gradient[b * classes..][..classes];
            let label = labels[b] as usize;
            let mut best = 0;
            for (c, x) in output.iter().enumerate() {
                if *x > output[best] {
                    best = c;
                }
            }
            let mut sum = F::zero();
            for (g, x) in gradient.iter_mut().zip(output) {
                *g = (*x - output[best]).exp();
                sum += *g;
            }
            for (c, g) in gradient.iter_mut().enumerate() {
                let target = if c == label { F::one() } else { F::zero() };
                *g = (*g / sum - target) / samples;
            }
            let kept = b * p.slots as usize + call.clock.slot as usize;
            losses[kept] = sum.ln() - (output[label] - output[best]);
            predictions[kept] = best as u32;
        }
    }
}
