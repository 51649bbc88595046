//! Stochastic gradient descent with momentum, in units of the projection.
//!
//! ```text
//!   velocity := momentum velocity + g          w := w - lr unit velocity
//!   Nesterov:                                  w := w - lr unit (g + momentum velocity)
//! ```
//! with g the gradient by the weight in units, as in [`super::adam`].

use super::optimizer::{Descent, Weights, at_least};
use crate::kernel::*;
use crate::{declare, params};

declare! {
    /// Stochastic gradient descent.
    #[derive(Copy)]
    pub struct Sgd {
        /// Learning rate.
        lr: f64 [Positive];
        /// Fraction of the last change that is kept.
        momentum: f64 [BelowOne] = 0.0;
        /// Whether the gradient counts as if the next change had been made (Nesterov 1983).
        nesterov: bool = false;
    }
}

impl Descent for Sgd {
    fn kernel(&self) -> &'static Kernel {
        &KERNEL
    }
    fn moments(&self) -> &'static [&'static str] {
        &["velocity"]
    }
    fn params(&self, Weights { count, unit, floor, lr }: Weights) -> Vec<Word> {
        let Self { momentum, nesterov, .. } = *self;
        SgdParams { count, unit, momentum, nesterov: u32::from(nesterov), floor, lr }.words()
    }
    fn lr(&self) -> f64 {
        self.lr
    }
}

params! {
    /// `Params` of `shaders/train/sgd.wgsl`.
    pub struct SgdParams {
        /// Weights.
        count: word,
        /// One unit of the weights \[pA\].
        unit: real,
        /// Fraction of the velocity that is kept.
        momentum: real,
        /// 1: as Nesterov has it.
        nesterov: word,
        /// Least weight.
        floor: real,
        /// Factor on the learning rate.
        lr: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/sgd",
    wgsl: include_str!("../../shaders/train/sgd.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[reals("gradient"), reals_mut("weights"), reals_mut("velocity")],
    layouts: &[],
    params: SgdParams::<f32>::FIELDS,
    twin32: dispatched::<SgdTwin, f32>,
    twin64: scalar::<SgdTwin, f64>,
};

/// The twin of `shaders/train/sgd.wgsl`; units are weights.
pub struct SgdTwin;

impl Twin for SgdTwin {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = SgdParams::<F>::of(call.params);
        let [gradient, weights, velocity] = Call::take(call.args);
        let rate = p.lr * F::of(call.clock.learning_rate) * p.unit;
        let state = weights.reals_mut().iter_mut().zip(velocity.reals_mut());
        for ((w, velocity), g) in state.zip(gradient.reals()) {
            let g = *g * p.unit;
            *velocity = p.momentum * *velocity + g;
            let change = match p.nesterov {
                0 => *velocity,
                _ => g + p.momentum * *velocity,
            };
            *w = at_least(p.floor, *w - rate * change);
        }
    }
}
