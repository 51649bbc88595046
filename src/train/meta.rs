//! Learning to learn: weights from which a few steps of gradient descent on a few samples of a new task are enough.
//!
//! A task has samples that it is learned from, the support, and others that it asks, the query. A step within a task is
//! plain gradient descent on its support; θ' is what so many steps make of the weights θ. With L the loss of the query,
//! an update gives the optimiser, as the gradient at θ,
//!
//! ```text
//!   Fomaml, Anil   mean over tasks of  dL/dθ at θ'
//!   Reptile        mean over tasks of  θ - θ'
//! ```
//! so that no second derivative is needed. Rates are in units of the projections, for both kinds of steps.

use super::sgd::Sgd;
use crate::declare;

declare! {
    /// How a training makes a network that learns new tasks from few samples. Its data have to be tasks.
    #[derive(Copy)]
    pub enum Meta {
        /// First-order MAML: the gradient of what a task asks, after the steps within it, is taken for that before them
        /// (Finn, Abbeel & Levine 2017).
        Fomaml | "FOMAML" {
            /// Learning rate of the steps within a task.
            inner_lr: f64 [Positive];
            /// Steps within a task.
            steps: u64 [Count] = 1u64;
            /// Tasks per update of the weights.
            tasks: u64 [Count] = 10u64;
        };
        /// The weights go towards where the steps within a task lead: with `optimizer: Sgd(lr: 0.1)` a tenth of the way
        /// (Nichol, Achiam & Schulman 2018).
        Reptile {
            /// Learning rate of the steps within a task.
            inner_lr: f64 [Positive];
            /// Steps within a task.
            steps: u64 [Count] = 5u64;
            /// Tasks per update of the weights.
            tasks: u64 [Count] = 1u64;
        };
        /// As `Fomaml`, but steps within a task change only what leads to the `Readout`, and its constant currents if
        /// these are trained (Raghu et al. 2020).
        Anil | "ANIL" {
            /// Learning rate of the steps within a task.
            inner_lr: f64 [Positive];
            /// Steps within a task.
            steps: u64 [Count] = 1u64;
            /// Tasks per update of the weights.
            tasks: u64 [Count] = 10u64;
        };
        /// The control: the samples of all tasks are trained on alike, in batches, and only the measure is that of the
        /// others.
        Joint {
            /// Learning rate of the steps within a task.
            inner_lr: f64 [Positive];
        };
    }
}

impl Meta {
    /// What a step within a task is.
    pub fn inner(self) -> Sgd {
        let (Self::Fomaml { inner_lr: lr, .. }
        | Self::Reptile { inner_lr: lr, .. }
        | Self::Anil { inner_lr: lr, .. }
        | Self::Joint { inner_lr: lr }) = self;
        Sgd { lr, momentum: 0.0, nesterov: false }
    }

    /// Steps within a task of the training.
    pub fn steps(self) -> u64 {
        match self {
            Self::Fomaml { steps, .. } | Self::Reptile { steps, .. } | Self::Anil { steps, .. } => {
                steps
            }
            Self::Joint { .. } => 0,
        }
    }

    /// Tasks per update; none if updates are by samples of all.
    pub fn tasks(self) -> Option<u64> {
        match self {
            Self::Fomaml { tasks, .. } | Self::Reptile { tasks, .. } | Self::Anil { tasks, .. } => {
                Some(tasks)
            }
            Self::Joint { .. } => None,
        }
    }
}
