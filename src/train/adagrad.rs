//! Adagrad (Duchi et al. 2011): [`super::rms_prop`], whose square is a sum rather than a mean.
//!
//! ```text
//!   square := square + g^2          w := w - lr unit g / (sqrt(square) + eps)
//! ```

use super::optimizer::{Descent, Weights};
use super::rms_prop::{KERNEL, RmsPropParams};
use crate::declare;
use crate::kernel::*;

declare! {
    /// Adagrad (Duchi et al. 2011): each gradient over the root of the sum of its squares.
    #[derive(Copy)]
    pub struct Adagrad {
        /// Learning rate.
        lr: f64 [Positive];
        /// Added to the root of that sum.
        eps: f64 [Positive] = 1e-10;
    }
}

impl Descent for Adagrad {
    fn kernel(&self) -> &'static Kernel {
        &KERNEL
    }
    fn moments(&self) -> &'static [&'static str] {
        &["square", "velocity"]
    }
    fn params(&self, Weights { count, unit, floor, lr }: Weights) -> Vec<Word> {
        let (alpha, rest, eps, momentum) = (1.0, 1.0, self.eps, 0.0);
        RmsPropParams { count, unit, alpha, rest, eps, momentum, floor, lr }.words()
    }
    fn lr(&self) -> f64 {
        self.lr
    }
}
