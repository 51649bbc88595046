//! Training: kernels of loss and update, the loop over epochs and batches.

pub mod adagrad;
pub mod adam;
pub mod adamw;
pub mod adjust;
pub mod assign;
pub mod assignment;
pub mod bound;
pub mod clear_reals;
pub mod clear_words;
pub mod clip;
pub mod concentration;
pub mod concentration_back;
pub mod damage;
pub mod disturb;
pub mod drop_spikes;
pub mod drop_values;
pub mod epoch;
pub mod eprop;
pub mod eprop_feedback;
pub mod eprop_learn;
pub mod eprop_lif;
pub mod eprop_output;
pub mod eprop_readout;
pub mod eprop_trace;
pub mod first_spike_ramp;
pub mod first_spike_terms;
pub mod first_spikes;
pub mod gain;
pub mod gain_gradient;
pub mod gradient;
pub mod huber;
pub mod keep_arrivals;
pub mod loss;
pub mod meta;
pub mod multi_label;
pub mod noise;
pub mod numbers_gradient;
pub mod optimizer;
pub mod order;
pub mod pacing;
pub mod rate_penalty;
pub mod restart;
pub mod rms_prop;
pub mod scale;
pub mod schedule;
pub mod sgd;
pub mod shrink;
pub mod softmax_cross_entropy;
pub mod spike_counts;
pub mod spread_gradient;
pub mod squared_error;
pub mod stop;
pub mod sum_samples;
pub mod sum_squares;
pub mod target_error;
pub mod trace;
mod trainer;

pub use assign::Learner;
pub use assignment::{Responses, answer};
pub use damage::{Damage, Tested};
pub use epoch::Epoch;
pub use trainer::{
    Event, MEASURED, Outcome, Predictions, Presented, Progress, Samples, Scores, Set, TrainError,
    Trainer,
};
