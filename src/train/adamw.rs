//! Adam with a decay of the weights that the moments do not see (Loshchilov & Hutter 2019), in units of the projection.
//!
//! It is the kernel of [`super::adam`] with a decay. The learning rate of the schedule scales the decay too, as in PyTorch's AdamW, whose default it has.

use super::adam;
use super::optimizer::{Descent, Weights};
use crate::declare;
use crate::kernel::{Kernel, Word};

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
        &adam::KERNEL
    }
    fn moments(&self) -> &'static [&'static str] {
        &["mean", "square"]
    }
    fn params(&self, weights: Weights) -> Vec<Word> {
        adam::params(self.betas(), self.eps, self.weight_decay, weights)
    }
    fn lr(&self) -> f64 {
        self.lr
    }
    fn betas(&self) -> [f64; 2] {
        [self.beta1, self.beta2]
    }
}
