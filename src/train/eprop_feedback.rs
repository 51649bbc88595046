//! Learning signals of neurons, for a chunk of steps of [e-prop](super::eprop).
//!
//! ```text
//!   signal[b, t, j] (+)= sum over outputs of  errors[b, t, k] feedback[j, k]
//! ```

use super::eprop::chunk;
use crate::kernel::*;
use crate::params;
use crate::synapse::{PANEL, panel_index};

params! {
    /// `Params` of `shaders/train/eprop_feedback.wgsl`.
    pub struct EpropFeedbackParams {
        /// Neurons.
        n: word,
        /// Outputs.
        outputs: word,
        /// Steps of the rings.
        ring: word,
        /// 1: add to what is there; 0: overwrite.
        accumulate: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/eprop_feedback",
    wgsl: include_str!("../../shaders/train/eprop_feedback.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals("errors"),     // [samples, ring, outputs]
        reals("feedback"),   // [panels, n, panel]
        reals_mut("signal"), // [samples, ring, n]
    ],
    layouts: &[],
    params: EpropFeedbackParams::<f32>::FIELDS,
    twin32: dispatched::<EpropFeedback, f32>,
    twin64: scalar::<EpropFeedback, f64>,
};

/// The twin of `shaders/train/eprop_feedback.wgsl`; units are samples.
pub struct EpropFeedback;

impl Twin for EpropFeedback {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = EpropFeedbackParams::<F>::of(call.params);
        let [errors, feedback, signal] = Call::take(call.args);
        let (errors, feedback, signal) = (errors.reals(), feedback.reals(), signal.reals_mut());
        let (n, outputs, ring) = (p.n as usize, p.outputs as usize, p.ring as usize);
        for b in 0..call.units.len() {
            for t in chunk(call.span) {
                let row = b * ring + t % ring;
                let errors = &errors[row * outputs..][..outputs];
                let signal = &mut signal[row * n..][..n];
                if p.accumulate == 0 {
                    signal.fill(F::zero());
                }
                for (k, error) in errors.iter().enumerate().filter(|(_, e)| **e != F::zero()) {
                    for (j, signal) in signal.iter_mut().enumerate() {
                        *signal += *error * feedback[panel_index(PANEL, [n, outputs], j, k)];
                    }
                }
            }
        }
    }
}
