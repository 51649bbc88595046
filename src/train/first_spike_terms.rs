//! What a loss of first spikes has beside its cross-entropy, added for the neuron of a sample's label:
//!
//! ```text
//!   early = alpha (e^((first + 1) dt / tau_late) - 1)        early_bar by output = -alpha (tau / tau_late) e^(...) / samples
//!   lift  = push · (v_th - largest v) / unit, if the neuron is silent          lift_bar by v at its peak = -push / (unit samples)
//! ```
//! The first lets right answers come early. The second is for gradients by times of spikes, of which a silent
//! neuron has none: it brings its potential nearer to the threshold. (`neuron::eventprop` takes it at the step in
//! `peak`.)

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/first_spike_terms.wgsl`.
    pub struct FirstSpikeTermsParams {
        /// Neurons, one for each class.
        n: word,
        /// Steps of a window.
        steps: word,
        /// Batches whose losses are kept until the host asks.
        slots: word,
        /// Factor on the term for early spikes.
        alpha: real,
        /// dt / tau_late.
        rise: real,
        /// tau / tau_late.
        by_output: real,
        /// What is paid for each mV that a silent neuron lacks; 0 if nothing is, and the tape is not looked at.
        push: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/first_spike_terms",
    wgsl: include_str!("../../shaders/train/first_spike_terms.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("first"),               // [samples, n]
        words("labels"),              // [samples] no class where none is asked for
        reals("tape"),                // [samples, steps, n] distance to the threshold
        reals_mut("output_gradient"), // [samples, n]
        reals_mut("losses"),          // [samples, slots]
        words_mut("peak"),            // [samples, n] step in which a neuron is pushed, else `steps`
    ],
    layouts: &[],
    params: FirstSpikeTermsParams::<f32>::FIELDS,
    twin32: dispatched::<FirstSpikeTerms, f32>,
    twin64: scalar::<FirstSpikeTerms, f64>,
};

/// The twin of `shaders/train/first_spike_terms.wgsl`; units are samples.
pub struct FirstSpikeTerms;

impl Twin for FirstSpikeTerms {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = FirstSpikeTermsParams::<F>::of(call.params);
        let [first, labels, tape, output_gradient, losses, peak] = Call::take(call.args);
        let (first, labels, tape) = (first.words(), labels.words(), tape.reals());
        let (output_gradient, losses, peak) =
            (output_gradient.reals_mut(), losses.reals_mut(), peak.words_mut());
        let [n, steps, slots] = [p.n, p.steps, p.slots].map(|x| x as usize);
        let samples = F::of(f64::from(call.clock.samples));
        for b in 0..call.units.len() {
            peak[b * n..][..n].fill(p.steps);
            let label = labels[b] as usize;
            if label >= n {
                continue;
            }
            let loss = &mut losses[b * slots + call.clock.slot as usize];
            let own = b * n + label;
            let exponent = p.rise * F::of(f64::from(first[own] + 1));
            *loss += p.alpha * exponent.exp_m1();
            output_gradient[own] -= p.alpha * p.by_output * exponent.exp() / samples;
            if p.push > F::zero() && first[own] == p.steps {
                let u = |t: usize| tape[(b * steps + t) * n + label];
                let highest = (1..steps).fold(0, |best, t| if u(t) > u(best) { t } else { best });
                peak[own] = highest as u32;
                *loss -= p.push * u(highest);
            }
        }
    }
}
