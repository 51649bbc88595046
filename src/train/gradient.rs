//! The ways to find the gradient of a loss.

use super::eprop::{EProp, Feedback};
use crate::declare;
use crate::grammar::{Hz, Quantity};

declare! {
    /// How the gradient of the loss is found.
    #[derive(Copy)]
    pub enum Gradient {
        /// By backpropagation through time, of any network: exactly, but for spikes, which are differentiated as if they were
        /// a smooth function of the potential, whose derivative is `surrogate`.
        Backprop | "Bptt" | "BPTT" | "Surrogate";
        /// By the times of the spikes, exactly but for the length of a step (Wunderlich & Pehle 2021). Of `Lif` with one
        /// exponential current, without refractory periods, that is reset to a value. A neuron that is silent learns
        /// nothing, and nothing is learned of how many spikes there are.
        EventProp | "Eventprop" {
            /// Slope of the potential at a spike at least so steep is reckoned with: where it hardly crosses the
            /// threshold, the gradient is as large as it is rarely right \[mV/ms\].
            least_slope: f64 [NotNegative] = 0.0;
        };
        /// By e-prop, without what a spike does to later spikes of other neurons, and in memory that does not grow with the
        /// number of steps (Bellec et al. 2020). Of `Lif` with one `Delta` receptor and `reset: Subtract`, whose thresholds
        /// may rise, dense projections with a delay of one step, and a `Readout`. Each step has its own loss, against a class
        /// or targets of the sample, of which `over` says which steps count; against a class of the frame, `over: Frames`;
        /// or against what a `Trace` has at that step.
        EProp | "Eprop" {
            /// Through which weights neurons get to know of the errors of the outputs.
            feedback: Feedback = Feedback::Symmetric;
            /// Factor on half the squared difference between the rate of each neuron and `f_target`, in spikes per step.
            c_reg: f64 [NotNegative] = 0.0;
            /// Rate that is aimed at \[Hz\].
            f_target: Quantity<Hz> [NotNegative] = 10.0;
            /// Whether the potential of a refractory neuron is held, as it is elsewhere. If not, it goes on as ever, and only
            /// spikes are held back, as in the published networks; what arrives meanwhile then acts as e-prop reckons.
            hold: bool = true;
        };
    }
}

impl Gradient {
    /// What it says of e-prop, if it is that.
    pub fn eprop(self) -> Option<EProp> {
        match self {
            Self::EProp { feedback, c_reg, f_target, hold } => {
                Some(EProp { feedback, c_reg, f_target: f_target.get(), hold })
            }
            Self::Backprop | Self::EventProp { .. } => None,
        }
    }

    /// Least slope at a spike, if gradients are by the times of spikes \[mV/ms\].
    pub fn by_times(self) -> Option<f64> {
        match self {
            Self::EventProp { least_slope } => Some(least_slope),
            Self::Backprop | Self::EProp { .. } => None,
        }
    }
}
