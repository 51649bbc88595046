//! Gradients by the weights to a readout, sample by sample, of a chunk of steps of [e-prop](super::eprop).
//!
//! ```text
//!   sums[b, j, k] (+)= sum over steps of  errors[b, t, k] left[b, t, j]
//! ```

use super::eprop::chunk;
use crate::kernel::*;
use crate::params;
use crate::synapse::{PANEL, panel_index};

params! {
    /// `Params` of `shaders/train/eprop_output.wgsl`.
    pub struct EpropOutputParams {
        /// Sources.
        sources: word,
        /// Outputs.
        outputs: word,
        /// Steps of the rings.
        ring: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/eprop_output",
    wgsl: include_str!("../../shaders/train/eprop_output.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals("left"),     // [samples, ring, sources]
        reals("errors"),   // [samples, ring, outputs]
        reals_mut("sums"), // [samples, panels, sources, panel]
    ],
    layouts: &[],
    params: EpropOutputParams::<f32>::FIELDS,
    twin32: dispatched::<EpropOutput, f32>,
    twin64: scalar::<EpropOutput, f64>,
};

/// The twin of `shaders/train/eprop_output.wgsl`; units are samples.
pub struct EpropOutput;

impl Twin for EpropOutput {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = EpropOutputParams::<F>::of(call.params);
        let [left, errors, sums] = Call::take(call.args);
        let (left, errors, sums) = (left.reals(), errors.reals(), sums.reals_mut());
        let (n, outputs, ring) = (p.sources as usize, p.outputs as usize, p.ring as usize);
        let chunk = chunk(call.span);
        for b in 0..call.units.len() {
            let sums = &mut sums[b * n * outputs..][..n * outputs];
            if chunk.start == 0 {
                sums.fill(F::zero());
            }
            for t in chunk.clone() {
                let row = b * ring + t % ring;
                let left = &left[row * n..][..n];
                let errors = errors[row * outputs..][..outputs].iter().enumerate();
                for (k, error) in errors.filter(|(_, error)| **error != F::zero()) {
                    for (j, left) in left.iter().enumerate() {
                        sums[panel_index(PANEL, [n, outputs], j, k)] += *error * *left;
                    }
                }
            }
        }
    }
}
