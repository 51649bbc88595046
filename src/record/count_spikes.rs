//! Number of spikes of a population in each sample's window, which stays on the device until the host asks.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/record/count_spikes.wgsl`.
    pub struct CountSpikesParams {
        /// Neurons.
        n: word,
        /// Steps of a window.
        steps: word,
        /// Rows of spikes before the window, not counted.
        history: word,
        /// Batches that are kept.
        slots: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "record/count_spikes",
    wgsl: include_str!("../../shaders/record/count_spikes.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        words("spikes"),     // [samples, history + steps, words]
        words_mut("counts"), // [samples, slots]
    ],
    layouts: &[],
    params: CountSpikesParams::<f32>::FIELDS,
    twin32: dispatched::<CountSpikes, f32>,
    twin64: scalar::<CountSpikes, f64>,
};

/// The twin of `shaders/record/count_spikes.wgsl`.
pub struct CountSpikes;

impl Twin for CountSpikes {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = CountSpikesParams::<F>::of(call.params);
        let [spikes, counts] = Call::take(call.args);
        let (spikes, counts) = (spikes.words(), counts.words_mut());
        let words = spike_words(p.n as usize);
        let (history, steps) = (p.history as usize, p.steps as usize);
        for b in 0..call.units.len() {
            let rows = call.span.steps();
            let first = b * (history + steps) + history + rows.start;
            let window = &spikes[first * words..][..rows.len() * words];
            counts[b * p.slots as usize + call.clock.slot as usize] =
                window.iter().map(|w| w.count_ones()).sum();
        }
    }
}
