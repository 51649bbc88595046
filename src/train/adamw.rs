//! Adam with a decay of the weights that the moments do not see (Loshchilov & Hutter 2019), in units of the projection.
//!
//! ```text
//!   w := w - lr decay w                  then as in [`super::adam`]
//! ```
//! The learning rate of the schedule scales the decay too, as in PyTorch's AdamW, whose default it has.

use super::optimizer::Descent;
use crate::kernel::*;
use crate::{declare, params};

declare! {
    /// Adam with decoupled decay of the weights (Loshchilov & Hutter 2019).
    #[derive(Copy)]
    pub struct AdamW {
        /// Learning rate.
        lr: f64 [Positive];
        /// Part of the learning rate by which a weight shrinks with each update.
        weight_decay | "decay": f64 [NotNegative] = 0.01;
        /// Decay of the mean of the gradient.
        beta1: f64 [BelowOne] = 0.9;
        /// Decay of the mean of its square.
        beta2: f64 [BelowOne] = 0.999;
        /// Added to the root of that mean.
        eps: f64 [Positive] = 1e-8;
    }
}

impl Descent for AdamW {
    fn kernel(&self) -> &'static Kernel {
        &KERNEL
    }
    fn moments(&self) -> &'static [&'static str] {
        &["mean", "square"]
    }
    fn params(&self, count: u32, unit: f64) -> Vec<Word> {
        let &Self { weight_decay: decay, beta1, beta2, eps, .. } = self;
        let (rest1, rest2) = (1.0 - beta1, 1.0 - beta2);
        AdamWParams { count, unit, beta1, beta2, rest1, rest2, eps, decay }.words()
    }
    fn lr(&self) -> f64 {
        self.lr
    }
    fn betas(&self) -> [f64; 2] {
        [self.beta1, self.beta2]
    }
}

params! {
    /// `Params` of `shaders/train/adamw.wgsl`.
    pub struct AdamWParams {
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
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/adamw",
    wgsl: include_str!("../../shaders/train/adamw.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[reals("gradient"), reals_mut("weights"), reals_mut("mean"), reals_mut("square")],
    layouts: &[],
    params: AdamWParams::<f32>::FIELDS,
    twin32: dispatched::<AdamWTwin, f32>,
    twin64: scalar::<AdamWTwin, f64>,
};

/// The twin of `shaders/train/adamw.wgsl`; units are weights.
pub struct AdamWTwin;

impl Twin for AdamWTwin {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = AdamWParams::<F>::of(call.params);
        let [gradient, weights, mean, square] = Call::take(call.args);
        let [correction1, correction2] = call.clock.corrections.map(F::of);
        let lr = F::of(call.clock.learning_rate);
        let (rate, decay) = (lr * p.unit, lr * p.decay);
        let weights = weights.reals_mut().iter_mut();
        let moments = mean.reals_mut().iter_mut().zip(square.reals_mut());
        for ((w, (m, v)), g) in weights.zip(moments).zip(gradient.reals()) {
            let g = *g * p.unit;
            *m = p.beta1 * *m + p.rest1 * g;
            *v = p.beta2 * *v + p.rest2 * (g * g);
            let change = rate * (*m * correction1) / ((*v * correction2).sqrt() + p.eps);
            *w = (*w - decay * *w) - change;
        }
    }
}
