//! What the spikes of sources have left on the membrane of a target, for a chunk of steps of [e-prop](super::eprop).
//!
//! ```text
//!   x := x + fall_m x + p21 c + jump s[t - 1]          c := c + fall_syn c + s[t - 1]
//! ```
//! Of neurons, whose potential jumps, p21 is 0 and jump 1; of a readout, which has a synaptic current, jump is 0. All
//! targets have the same, as their membranes are alike. Of neurons it is for the steps before those of the chunk.

use super::eprop::chunk;
use crate::kernel::*;
use crate::neuron::load_bits;
use crate::params;

params! {
    /// `Params` of `shaders/train/eprop_trace.wgsl`.
    pub struct EpropTraceParams {
        /// Sources.
        sources: word,
        /// Steps of a window.
        steps: word,
        /// Rows of spikes before the window.
        history: word,
        /// Steps of the ring.
        ring: word,
        /// Steps by which they are earlier than those of the chunk.
        lag: word,
        /// exp(-dt / tau_m) - 1.
        fall_m: real,
        /// Effect of the synaptic current on v over a step \[mV/pA\].
        p21: real,
        /// exp(-dt / tau_syn) - 1.
        fall_syn: real,
        /// By how much v jumps with an arrival.
        jump: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/eprop_trace",
    wgsl: include_str!("../../shaders/train/eprop_trace.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("spikes"),      // [samples, history + steps, words]
        reals_mut("current"), // [samples, sources] c
        reals_mut("left"),    // [samples, ring, sources] x
    ],
    layouts: &[],
    params: EpropTraceParams::<f32>::FIELDS,
    twin32: dispatched::<EpropTrace, f32>,
    twin64: scalar::<EpropTrace, f64>,
};

/// The twin of `shaders/train/eprop_trace.wgsl`; units are samples.
pub struct EpropTrace;

impl Twin for EpropTrace {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = EpropTraceParams::<F>::of(call.params);
        let [spikes, current, left] = Call::take(call.args);
        let (spikes, current, left) = (spikes.words(), current.reals_mut(), left.reals_mut());
        let (n, ring, lag) = (p.sources as usize, p.ring as usize, p.lag as usize);
        let (words, rows) = (spike_words(n), (p.history + p.steps) as usize);
        let chunk = chunk(call.span);
        let (mut arrived, mut before) = (vec![F::zero(); n], vec![F::zero(); n]);
        for b in 0..call.units.len() {
            let current = &mut current[b * n..][..n];
            let left = &mut left[b * ring * n..][..ring * n];
            for t in chunk.start.saturating_sub(lag)..chunk.end - lag {
                let row = (b * rows + p.history as usize + t - 1) * words;
                load_bits(&spikes[row..row + words], &mut arrived);
                if t == 0 {
                    current.fill(F::zero());
                    before.fill(F::zero());
                } else {
                    before.copy_from_slice(&left[(t - 1) % ring * n..][..n]);
                }
                let left = &mut left[t % ring * n..][..n];
                for k in 0..n {
                    let x = before[k];
                    left[k] = x + p.fall_m * x + p.p21 * current[k] + p.jump * arrived[k];
                    current[k] += p.fall_syn * current[k] + arrived[k];
                }
            }
        }
    }
}
