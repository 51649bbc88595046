//! Training: kernels of loss and update, the loop over epochs and batches, and its checkpoints.

pub mod adam;
pub mod checkpoint;
pub mod sgd;
pub mod softmax_cross_entropy;
pub mod sum_samples;
mod trainer;

pub use trainer::{Epoch, Event, Outcome, Presented, Progress, TrainError, Trainer};
