//! Errors of outputs against numbers that they are to be.
//!
//! ```text
//!   e = output - target            loss = sum over outputs of the error      output_bar = slope / samples
//!   squared     error = e^2                                                  slope = 2 e
//!   Huber       error = h (e - h / 2), h = e held within -delta and delta    slope = h
//!   sigmoid     error = max(x, 0) - x target + ln(1 + e^-|x|), x = output    slope = 1 / (1 + e^-x) - target
//! ```
//! The batch's loss is the mean over samples. The last is the cross-entropy of a sigmoid in the form in which no
//! exponential overflows.

use super::loss::Answers;
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/target_error.wgsl`.
    pub struct TargetErrorParams {
        /// Outputs per sample.
        outputs: word,
        /// Batches whose losses are kept until the host asks.
        slots: word,
        /// Difference beyond which Huber's error is linear.
        delta: real,
        /// [`SQUARED`], [`HUBER`] or [`SIGMOID`].
        form: option,
    }
}

/// Form of an error: squared.
pub const SQUARED: u32 = 0;

/// Form of an error: Huber's.
pub const HUBER: u32 = 1;

/// Form of an error: cross-entropy of a sigmoid.
pub const SIGMOID: u32 = 2;

/// Error of an output, and its slope; `error_of` of `shaders/lib/target_error.wgsl`.
#[inline(always)]
pub fn error_of<F: Real>(form: u32, delta: F, x: F, wanted: F) -> (F, F) {
    let e = x - wanted;
    match form {
        SQUARED => (e * e, F::of(2.0) * e),
        HUBER => {
            let held = e.max(-delta).min(delta);
            (held * (e - F::of(0.5) * held), held)
        }
        _ => {
            let decay = (-x.abs()).exp();
            let upper = if x > F::zero() { F::one() } else { decay };
            let error = x.max(F::zero()) - x * wanted + (F::one() + decay).ln();
            (error, upper / (F::one() + decay) - wanted)
        }
    }
}

/// Whether an output tells a mark if one is wanted, and none if not.
#[inline(always)]
pub fn is_right<F: Real>(x: F, wanted: F) -> bool {
    (x > F::zero()) == (wanted > F::of(0.5))
}

/// How answers are judged by a form of error: the kernel and its parameters.
pub fn judgement(form: u32, delta: f64, answers: Answers) -> (&'static Kernel, Vec<Word>) {
    let Answers { outputs, slots, .. } = answers;
    let p = TargetErrorParams::<f64> { outputs, slots, delta, form };
    (&KERNEL, p.words())
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/target_error",
    wgsl: include_str!("../../shaders/train/target_error.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals("output"),              // [samples, outputs]
        reals("targets"),             // [samples, outputs]
        reals_mut("output_gradient"), // [samples, outputs]
        reals_mut("losses"),          // [samples, slots]
        words_mut("predictions"), // [samples, slots] the largest output; of sigmoids how many outputs are right
    ],
    layouts: &[],
    params: TargetErrorParams::<f32>::FIELDS,
    twin32: dispatched::<TargetError, f32>,
    twin64: scalar::<TargetError, f64>,
};

/// The twin of `shaders/train/target_error.wgsl`; units are samples.
pub struct TargetError;

impl Twin for TargetError {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = TargetErrorParams::<F>::of(call.params);
        let [output, targets, output_gradient, losses, predictions] = Call::take(call.args);
        let (output, targets) = (output.reals(), targets.reals());
        let (output_gradient, losses, predictions) =
            (output_gradient.reals_mut(), losses.reals_mut(), predictions.words_mut());
        let outputs = p.outputs as usize;
        let samples = F::of(f64::from(call.clock.samples));
        for b in 0..call.units.len() {
            let output = &output[b * outputs..][..outputs];
            let targets = &targets[b * outputs..][..outputs];
            let gradient = &mut output_gradient[b * outputs..][..outputs];
            let (mut loss, mut best, mut right) = (F::zero(), 0, 0);
            for (k, (x, wanted)) in output.iter().copied().zip(targets.iter().copied()).enumerate()
            {
                let (error, slope) = error_of(p.form, p.delta, x, wanted);
                loss += error;
                gradient[k] = slope / samples;
                if x > output[best] {
                    best = k;
                }
                right += u32::from(is_right(x, wanted));
            }
            let kept = b * p.slots as usize + call.clock.slot as usize;
            losses[kept] = loss;
            predictions[kept] = if p.form == SIGMOID { right } else { best as u32 };
        }
    }
}
