//! What an optimiser is to a scene and to a plan: a declaration of its fields, and [`Descent`]. One is a file of this
//! module, its shader, and a line in [`optimizers!`](crate::optimizers).

use crate::kernel::{Kernel, Real, Word};

/// The floor of weights that may have any value: the least of the numbers that a GPU knows.
pub const NO_FLOOR: f64 = f32::MIN as f64;

/// A weight, or the floor if it fell below. What is not a number stays so, to be found.
#[inline(always)]
pub fn at_least<F: Real>(floor: F, w: F) -> F {
    if w < floor { floor } else { w }
}

/// The weights of an array, or other numbers that gradients change.
#[derive(Debug, Clone, Copy)]
pub struct Weights {
    /// How many there are.
    pub count: u32,
    /// One unit of them.
    pub unit: f64,
    /// What none falls below.
    pub floor: f64,
    /// Factor on the learning rate.
    pub lr: f64,
}

/// How gradients change weights. The arrays of its kernel are gradient, weights, and its moments; learning rates are
/// in units of each projection (see [`crate::network::Projection::unit`]).
pub trait Descent {
    /// The kernel.
    fn kernel(&self) -> &'static Kernel;
    /// What it keeps for each weight, in the order of the kernel's arrays.
    fn moments(&self) -> &'static [&'static str];
    /// Parameters of its kernel for the weights of an array.
    fn params(&self, weights: Weights) -> Vec<Word>;
    /// Learning rate.
    fn lr(&self) -> f64;
    /// Decays of the moments whose bias of the first updates is corrected; 0 for none.
    fn betas(&self) -> [f64; 2] {
        [0.0; 2]
    }
}

/// Optimisers, each with the file that declares it. `$with` gets the list.
#[macro_export]
macro_rules! optimizers {
    ($with:ident) => {
        $with! {
            /// Adam (Kingma & Ba 2015).
            adam::Adam;
            /// Adam with decoupled decay of the weights (Loshchilov & Hutter 2019).
            adamw::AdamW;
            /// Adagrad (Duchi et al. 2011).
            adagrad::Adagrad;
            /// RMSprop (Hinton 2012).
            rms_prop::RmsProp | "RMSprop";
            /// Stochastic gradient descent, with momentum.
            sgd::Sgd | "Momentum";
        }
    };
}
