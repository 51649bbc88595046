//! What spikes of targets do to weights that synapses of a convolution share: the sum of what they do to each synapse.
//!
//! ```text
//!   w += rate · sum over targets j whose spike reaches their synapses, and sources i that j has by weight w, of
//!        (c + x_i (a + b y'_j))
//! ```
//! The sum goes by the list of the spikes; a mean of pooled sources is in c, a and b. See [`super`] for the letters, the
//! order and the bounds, and [`crate::synapse::convolution`] for who has whom.

use super::Site;
use super::convolved_pre::ConvolvedParams;
use crate::kernel::*;
use crate::synapse::convolution::Geometry;

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "plasticity/convolved_post",
    wgsl: include_str!("../../shaders/plasticity/convolved_post.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        words("fired"),      // [slots, list]
        reals_mut("weight"), // [target channels, channels of a group, kernel rows, columns], and as many second floats
        reals("x"),          // [slots, sources]
        reals("y2"),         // [slots, targets]
        reals("rate"),       // [1]
    ],
    layouts: &[],
    params: ConvolvedParams::<f32>::FIELDS,
    twin32: dispatched::<ConvolvedPost, f32>,
    twin64: scalar::<ConvolvedPost, f64>,
};

/// The twin of `shaders/plasticity/convolved_post.wgsl`; one unit.
pub struct ConvolvedPost;

impl Twin for ConvolvedPost {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p: Site<F> = Site::of(call.params);
        let convolution = Geometry::<F>::convolution(call.params);
        let [fired, weight, x, y2, rate] = Call::take(call.args);
        let now = call.clock.step + u64::from(call.span.t0);
        let before = |delay: u32| now.wrapping_sub(1 + u64::from(delay));
        let x = p.trace(x.reals(), before(p.axonal), p.sources as usize);
        let y2 = p.trace(y2.reals(), before(p.dendritic), p.all_targets as usize);
        let sent = now.wrapping_sub(p.dendritic.into());
        let mut spikes = p.spikes(fired.words(), sent, p.targets).peekable();
        if spikes.peek().is_none() {
            return;
        }
        let [_, width, channels] = convolution.target;
        let from = convolution.source[2] / convolution.groups;
        let area = convolution.kernel[0] * convolution.kernel[1];
        let mut sums = vec![F::zero(); convolution.weights()];
        for target in spikes {
            let factor = p.pair + p.triplet * y2[target];
            let place = target / channels;
            let place = [place / width, place % width, target % channels];
            convolution.each_source(place, |source, at| {
                for (k, x) in x[source..][..from].iter().enumerate() {
                    sums[at + k * area] += p.constant + *x * factor;
                }
            });
        }
        p.change_by_sums(weight.reals_mut(), &sums, rate.reals());
    }
}
