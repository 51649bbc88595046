//! Cross-entropy of the softmax of the readout's output.
//!
//! ```text
//!   p = softmax(output)      loss = mean over answers that are asked for of  -ln p[label]
//!   output_bar = (p - onehot(label)) / (asked samples)  the batch's loss is the mean over samples
//! ```
//! A sample has one answer, or one for each frame, of which some may not be asked for: their label is no class, and
//! no gradient comes from them. The largest output is subtracted first, so that no exponential overflows.

use super::eprop_readout::CLASSES;
use super::loss::{Answers, Objective, Of, Over, Wanted};
use crate::kernel::*;
use crate::{declare, params};

declare! {
    /// Cross-entropy of the softmax of the readout's potential: of one answer, or the mean over those frames that
    /// have a label.
    #[derive(Copy)]
    pub struct SoftmaxCrossEntropy: Word {
        /// How the potential over time becomes one number per class.
        over: Over = Over::Mean;
    }
}

impl Objective for SoftmaxCrossEntropy {
    fn of(&self) -> Of<'_> {
        Of::Readout(self.over)
    }
    fn wanted(&self) -> Wanted {
        Wanted::Class
    }
    fn judgement(&self, answers: Answers) -> Option<(&'static Kernel, Vec<Word>)> {
        Some(judgement(answers))
    }
    fn in_each_step(&self) -> Option<(u32, f64)> {
        Some((CLASSES, 0.0))
    }
}

/// How answers are judged by their softmax: the kernel and its parameters.
pub fn judgement(answers: Answers) -> (&'static Kernel, Vec<Word>) {
    let Answers { outputs: classes, answers, slots } = answers;
    (&KERNEL, SoftmaxCrossEntropyParams::<f64> { classes, answers, slots }.words())
}

params! {
    /// `Params` of `shaders/train/softmax_cross_entropy.wgsl`.
    pub struct SoftmaxCrossEntropyParams {
        /// Outputs per answer.
        classes: word,
        /// Answers per sample.
        answers: word,
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
        reals("output"),              // [samples, answers, classes]
        words("labels"),              // [samples, answers] no class where none is asked for
        reals_mut("output_gradient"), // [samples, answers, classes]
        reals_mut("losses"),          // [samples, slots]
        words_mut("predictions"),     // [samples, answers, slots] class of the largest output
    ],
    layouts: &[],
    params: SoftmaxCrossEntropyParams::<f32>::FIELDS,
    twin32: dispatched::<SoftmaxCrossEntropyTwin, f32>,
    twin64: scalar::<SoftmaxCrossEntropyTwin, f64>,
};

/// The twin of `shaders/train/softmax_cross_entropy.wgsl`.
pub struct SoftmaxCrossEntropyTwin;

impl Twin for SoftmaxCrossEntropyTwin {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = SoftmaxCrossEntropyParams::<F>::of(call.params);
        let [output, labels, output_gradient, losses, predictions] = Call::take(call.args);
        let (output, labels) = (output.reals(), labels.words());
        let (output_gradient, losses, predictions) =
            (output_gradient.reals_mut(), losses.reals_mut(), predictions.words_mut());
        let [classes, answers, slots] = [p.classes, p.answers, p.slots].map(|x| x as usize);
        let slot = call.clock.slot as usize;
        for b in 0..call.units.len() {
            let labels = &labels[b * answers..][..answers];
            let asked = labels.iter().filter(|label| **label < p.classes).count().max(1) as f64;
            let share = F::of(asked * f64::from(call.clock.samples));
            let mut loss = F::zero();
            for (k, label) in labels.iter().enumerate() {
                let answer = b * answers + k;
                let output = &output[answer * classes..][..classes];
                let gradient = &mut output_gradient[answer * classes..][..classes];
                let mut best = 0;
                for (c, x) in output.iter().enumerate() {
                    if *x > output[best] {
                        best = c;
                    }
                }
                predictions[answer * slots + slot] = best as u32;
                let label = *label as usize;
                if label >= classes {
                    gradient.fill(F::zero());
                    continue;
                }
                let mut sum = F::zero();
                for (g, x) in gradient.iter_mut().zip(output) {
                    *g = (*x - output[best]).exp();
                    sum += *g;
                }
                for (c, g) in gradient.iter_mut().enumerate() {
                    let target = if c == label { F::one() } else { F::zero() };
                    *g = (*g / sum - target) / share;
                }
                loss += sum.ln() - (output[label] - output[best]);
            }
            losses[b * slots + slot] = loss / F::of(asked);
        }
    }
}
