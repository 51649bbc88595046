//! What spikes of sources do to weights that synapses of a convolution share: the sum of what they do to each synapse.
//!
//! ```text
//!   w += rate · sum over sources i whose spike reaches their synapses, and targets j that have i by weight w, of
//!        (c + y_j (a + b x'_i))
//! ```
//! The sum goes by the list of the spikes; a mean of pooled sources is in c, a and b. See [`super`] for the letters, the
//! order and the bounds, and [`crate::synapse::convolution`] for who has whom.

use super::Site;
use crate::convolution_params;
use crate::kernel::*;
use crate::synapse::convolution::Geometry;

convolution_params! {
    learn_params! {
        /// `Params` of the shaders of rules for weights that are shared.
        pub struct ConvolvedParams {}
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "plasticity/convolved_pre",
    wgsl: include_str!("../../shaders/plasticity/convolved_pre.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        words("fired"),      // [slots, list]
        reals_mut("weight"), // [target channels, channels of a group, kernel rows, columns], and as many second floats
        reals("y"),          // [slots, targets]
        reals("x2"),         // [slots, sources]
        reals("rate"),       // [1]
    ],
    layouts: &[],
    params: ConvolvedParams::<f32>::FIELDS,
    twin32: dispatched::<ConvolvedPre, f32>,
    twin64: scalar::<ConvolvedPre, f64>,
};

/// The twin of `shaders/plasticity/convolved_pre.wgsl`; one unit.
pub struct ConvolvedPre;

impl Twin for ConvolvedPre {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p: Site<F> = Site::of(call.params);
        let convolution = Geometry::<F>::convolution(call.params);
        let [fired, weight, y, x2, rate] = Call::take(call.args);
        let now = call.clock.step + u64::from(call.span.t0);
        let sent = now.wrapping_sub(p.axonal.into());
        let before = now.wrapping_sub(1 + u64::from(p.dendritic));
        let y = p.trace(y.reals(), before, p.all_targets as usize);
        let x2 = p.trace(x2.reals(), sent.wrapping_sub(1), p.sources as usize);
        let (channels, fan_in) = (convolution.target[2] / convolution.groups, convolution.fan_in());
        let mut spikes = p.spikes(fired.words(), sent, p.sources).peekable();
        if spikes.peek().is_none() {
            return;
        }
        let mut sums = vec![F::zero(); convolution.weights()];
        for source in spikes {
            let factor = p.pair + p.triplet * x2[source];
            convolution.each_target(source, |target, at| {
                for (k, y) in y[target..][..channels].iter().enumerate() {
                    sums[at + k * fan_in] += p.constant + *y * factor;
                }
            });
        }
        p.change_by_sums(weight.reals_mut(), &sums, rate.reals());
    }
}
