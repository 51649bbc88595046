//! Weights move towards 0 and stop there: the proximal step of a loss with l1 times the sum of the magnitudes of the
//! weights, in units of the projection (Daubechies et al. 2004).
//!
//! ```text
//!   w := sgn(w) max(|w| - lr amount, 0)          amount = l1 unit, lr as the optimiser has it
//! ```

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/shrink.wgsl`.
    pub struct ShrinkParams {
        /// Weights.
        count: word,
        /// What each loses, per learning rate.
        amount: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/shrink",
    wgsl: include_str!("../../shaders/train/shrink.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[reals_mut("weights")],
    layouts: &[],
    params: ShrinkParams::<f32>::FIELDS,
    twin32: dispatched::<Shrink, f32>,
    twin64: scalar::<Shrink, f64>,
};

/// The twin of `shaders/train/shrink.wgsl`; units are weights.
pub struct Shrink;

impl Twin for Shrink {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = ShrinkParams::<F>::of(call.params);
        let [weights] = Call::take(call.args);
        let most = F::of(call.clock.learning_rate) * p.amount;
        for w in weights.reals_mut() {
            // What is not a number stays so, to be found.
            *w -= w.min(most).max(-most);
        }
    }
}
