//! Event-driven delivery of weights that change and that synapses of a convolution share.
//!
//! ```text
//!   for each source that spiked in step k, for each target of which it is in the window:
//!     ring[(k + delay) mod slots, receptor, target] += round(weight · efficacy / unit of the ring)
//! ```
//! Who is in whose window follows from where both lie: nothing is stored of a synapse. A mean of pooled sources is in
//! the unit. The ring is that of [`super::scatter`].

use super::Delivery;
use super::convolution::Geometry;
use crate::convolution_params;
use crate::kernel::*;

convolution_params! {
    deliver_params! {
        /// `Params` of `shaders/synapse/deliver_convolved.wgsl`.
        pub struct DeliverConvolvedParams {
            /// 1: each source's spikes count by its `efficacy`.
            short_term: option,
        }
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/deliver_convolved",
    wgsl: include_str!("../../shaders/synapse/deliver_convolved.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        words("fired"),    // [slots, list]
        reals("weight"),   // [target channels, channels of a group, kernel rows, kernel columns]
        reals("efficacy"), // [sources], with short-term plasticity
        sums("ring"),      // [tiles, slots, receptors, tile] as i32
    ],
    layouts: &[],
    params: DeliverConvolvedParams::<f32>::FIELDS,
    twin32: dispatched::<DeliverConvolved, f32>,
    twin64: scalar::<DeliverConvolved, f64>,
};

/// The twin of `shaders/synapse/deliver_convolved.wgsl`; one unit.
pub struct DeliverConvolved;

impl Twin for DeliverConvolved {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = DeliverConvolvedParams::<F>::of(call.params);
        let d = Delivery::<F>::of(call.params);
        let convolution = Geometry::<F>::convolution(call.params);
        let [fired, weight, efficacy, ring] = Call::take(call.args);
        let (fired, weight, ring) = (fired.words(), weight.reals(), ring.words_mut());
        let efficacy = (p.short_term == 1).then(|| efficacy.reals());
        let now = call.clock.step + u64::from(call.span.t0);
        let (channels, fan_in) = (convolution.target[2] / convolution.groups, convolution.fan_in());
        for source in d.spikes(fired, now) {
            let factor = d.carried(efficacy, source);
            convolution.each_target(source, |first, at| {
                for (target, w) in (first..).zip(weight[at..].iter().step_by(fan_in)).take(channels)
                {
                    let at = d.place(target, now + u64::from(p.delay));
                    ring[at] = ring[at].wrapping_add((*w * factor).to_units() as u32);
                }
            });
        }
    }
}
