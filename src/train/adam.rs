//! Adam (Kingma & Ba 2015), in units of the projection.
//!
//! With g the gradient by the weight in units, that is the gradient by the weight in pA times `unit`:
//! ```text
//!   m := beta1 m + (1 - beta1) g          v := beta2 v + (1 - beta2) g^2
//!   w := w - lr decay w - lr unit (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)
//! ```
//! decay is 0 here; [`super::adamw`] is the same kernel with another. `unit` makes the usual learning rates fit, whatever the capacitance: see [`crate::network::Projection`].

use super::optimizer::{Descent, Weights, at_least};
use crate::kernel::*;
use crate::{declare, params};

declare! {
    /// Adam (Kingma & Ba 2015).
    #[derive(Copy)]
    pub struct Adam {
        /// Learning rate.
        lr: f64 [Positive];
        /// Decay of the mean of the gradient.
        beta1: f64 [BelowOne] = 0.9;
        /// Decay of the mean of its square.
        beta2: f64 [BelowOne] = 0.999;
        /// Added to the root of that mean.
        eps: f64 [Positive] = 1e-8;
    }
}

impl Descent for Adam {
    fn kernel(&self) -> &'static Kernel {
        &KERNEL
    }
    fn moments(&self) -> &'static [&'static str] {
        &["mean", "square"]
    }
    fn params(&self, weights: Weights) -> Vec<Word> {
        params(self.betas(), self.eps, 0.0, weights)
    }
    fn lr(&self) -> f64 {
        self.lr
    }
    fn betas(&self) -> [f64; 2] {
        [self.beta1, self.beta2]
    }
}

params! {
    /// `Params` of `shaders/train/adam.wgsl`.
    pub struct AdamParams {
        /// Weights.
        count: word,
        /// One unit of the weights \[pA\].
        unit: real,
        /// Decay of the mean of the gradient.
        beta1: real,
        /// Decay of the mean of its square.
        beta2: real,
        /// 1 - beta1, exact before it is rounded.
        rest1: real,
        /// 1 - beta2.
        rest2: real,
        /// Added to the root.
        eps: real,
        /// Decay of the weights per learning rate.
        decay: real,
        /// Least weight.
        floor: real,
        /// Factor on the learning rate.
        lr: real,
    }
}

/// Values of the parameters.
pub fn params(
    [beta1, beta2]: [f64; 2],
    eps: f64,
    decay: f64,
    Weights { count, unit, floor, lr }: Weights,
) -> Vec<Word> {
    let (rest1, rest2) = (1.0 - beta1, 1.0 - beta2);
    AdamParams { count, unit, beta1, beta2, rest1, rest2, eps, decay, floor, lr }.words()
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/adam",
    wgsl: include_str!("../../shaders/train/adam.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[reals("gradient"), reals_mut("weights"), reals_mut("mean"), reals_mut("square")],
    layouts: &[],
    params: AdamParams::<f32>::FIELDS,
    twin32: dispatched::<AdamTwin, f32>,
    twin64: scalar::<AdamTwin, f64>,
};

/// The twin of `shaders/train/adam.wgsl`; units are weights.
pub struct AdamTwin;

impl Twin for AdamTwin {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = AdamParams::<F>::of(call.params);
        let [gradient, weights, mean, square] = Call::take(call.args);
        let [correction1, correction2] = call.clock.corrections.map(F::of);
        let lr = p.lr * F::of(call.clock.learning_rate);
        let (rate, decay) = (lr * p.unit, lr * p.decay);
        let weights = weights.reals_mut().iter_mut();
        let moments = mean.reals_mut().iter_mut().zip(square.reals_mut());
        for ((w, (m, v)), g) in weights.zip(moments).zip(gradient.reals()) {
            let g = *g * p.unit;
            *m = p.beta1 * *m + p.rest1 * g;
            *v = p.beta2 * *v + p.rest2 * (g * g);
            let change = rate * (*m * correction1) / ((*v * correction2).sqrt() + p.eps);
            *w = at_least(p.floor, (*w - decay * *w) - change);
        }
    }
}
