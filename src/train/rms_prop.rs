//! RMSprop (Hinton 2012) as PyTorch has it, in units of the projection.
//!
//! ```text
//!   square   := alpha square + (1 - alpha) g^2
//!   velocity := momentum velocity + g / (sqrt(square) + eps)          w := w - lr unit velocity
//! ```
//! with g the gradient by the weight in units, as in [`super::adam`].

use super::optimizer::{Descent, Weights, at_least};
use crate::kernel::*;
use crate::{declare, params};

declare! {
    /// RMSprop: each gradient over the root of the mean of its square.
    #[derive(Copy)]
    pub struct RmsProp {
        /// Learning rate.
        lr: f64 [Positive];
        /// Decay of the mean of the square.
        alpha | "rho": f64 [BelowOne] = 0.99;
        /// Added to the root of that mean.
        eps: f64 [Positive] = 1e-8;
        /// Fraction of the last change that is kept.
        momentum: f64 [BelowOne] = 0.0;
    }
}

impl Descent for RmsProp {
    fn kernel(&self) -> &'static Kernel {
        &KERNEL
    }
    fn moments(&self) -> &'static [&'static str] {
        &["square", "velocity"]
    }
    fn params(&self, Weights { count, unit, floor, lr }: Weights) -> Vec<Word> {
        let Self { alpha, eps, momentum, .. } = *self;
        RmsPropParams { count, unit, alpha, rest: 1.0 - alpha, eps, momentum, floor, lr }.words()
    }
    fn lr(&self) -> f64 {
        self.lr
    }
}

params! {
    /// `Params` of `shaders/train/rms_prop.wgsl`.
    pub struct RmsPropParams {
        /// Weights.
        count: word,
        /// One unit of the weights \[pA\].
        unit: real,
        /// What is kept of the mean of the square.
        alpha: real,
        /// What the new square adds to it; 1 - alpha, exact before it is rounded, or 1.
        rest: real,
        /// Added to the root.
        eps: real,
        /// Fraction of the velocity that is kept.
        momentum: real,
        /// Least weight.
        floor: real,
        /// Factor on the learning rate.
        lr: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/rms_prop",
    wgsl: include_str!("../../shaders/train/rms_prop.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        reals("gradient"),
        reals_mut("weights"),
        reals_mut("square"),
        reals_mut("velocity"),
    ],
    layouts: &[],
    params: RmsPropParams::<f32>::FIELDS,
    twin32: dispatched::<RmsPropTwin, f32>,
    twin64: scalar::<RmsPropTwin, f64>,
};

/// The twin of `shaders/train/rms_prop.wgsl`; units are weights.
pub struct RmsPropTwin;

impl Twin for RmsPropTwin {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = RmsPropParams::<F>::of(call.params);
        let [gradient, weights, square, velocity] = Call::take(call.args);
        let rate = p.lr * F::of(call.clock.learning_rate) * p.unit;
        let moments = square.reals_mut().iter_mut().zip(velocity.reals_mut());
        let state = weights.reals_mut().iter_mut().zip(moments);
        for ((w, (square, velocity)), g) in state.zip(gradient.reals()) {
            let g = *g * p.unit;
            *square = p.alpha * *square + p.rest * (g * g);
            *velocity = p.momentum * *velocity + g / (square.sqrt() + p.eps);
            *w = at_least(p.floor, *w - rate * *velocity);
        }
    }
}
