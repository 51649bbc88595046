//! First spike of each neuron in the window of a sample, and the answer that is made of its time.
//!
//! ```text
//!   first[b, n]  = the step of the first spike, or the number of steps where there is none
//!   output[b, n] = -(first + 1) dt / tau
//! ```
//! A spike of step t is at (t + 1) dt. A silent neuron counts as one that spikes a step after the window, later than any
//! that spikes; the answer is the neuron that is first, of several at once the one with the lowest number.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/first_spikes.wgsl`.
    pub struct FirstSpikesParams {
        /// Neurons.
        n: word,
        /// Steps of a window.
        steps: word,
        /// Rows of spikes before the window.
        history: word,
        /// dt / tau.
        per_step: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/first_spikes",
    wgsl: include_str!("../../shaders/train/first_spikes.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("spikes"),     // [samples, history + steps, words]
        words_mut("first"),  // [samples, n]
        reals_mut("output"), // [samples, n]
    ],
    layouts: &[],
    params: FirstSpikesParams::<f32>::FIELDS,
    twin32: dispatched::<FirstSpikes, f32>,
    twin64: scalar::<FirstSpikes, f64>,
};

/// The twin of `shaders/train/first_spikes.wgsl`; units are samples.
pub struct FirstSpikes;

impl Twin for FirstSpikes {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = FirstSpikesParams::<F>::of(call.params);
        let [spikes, first, output] = Call::take(call.args);
        let (spikes, first, output) = (spikes.words(), first.words_mut(), output.reals_mut());
        let (n, rows) = (p.n as usize, (p.history + p.steps) as usize);
        let words = spike_words(n);
        for b in 0..call.units.len() {
            let spiked = |t: u32, id: usize| {
                let row = b * rows + (p.history + t) as usize;
                spikes[row * words + id / 32] >> (id % 32) & 1 == 1
            };
            for id in 0..n {
                let step = (0..p.steps).find(|t| spiked(*t, id)).unwrap_or(p.steps);
                first[b * n + id] = step;
                output[b * n + id] = -p.per_step * F::of(f64::from(step + 1));
            }
        }
    }
}
