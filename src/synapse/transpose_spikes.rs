//! Spikes by source: from rows of steps, whose words hold 32 neighbouring sources, to trains,
//! whose words hold 32 successive rows (sample, step) of one source.
//!
//! Only spikes that arrive within the window are kept, those of steps `t + delay < steps`, and only
//! of the samples in use: the gradient then needs no test of either.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/transpose_spikes.wgsl`.
    pub struct TransposeSpikesParams {
        /// Sources.
        sources: word,
        /// Steps of a window.
        steps: word,
        /// Rows of spikes before the window.
        history: word,
        /// Words of a train.
        train: word,
        /// Steps from spike to arrival.
        delay: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/transpose_spikes",
    wgsl: include_str!("../../shaders/synapse/transpose_spikes.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        words("spikes"),     // [samples, history + steps, words]
        words_mut("trains"), // [sources, train]
    ],
    layouts: &[],
    params: TransposeSpikesParams::<f32>::FIELDS,
    twin32: dispatched::<TransposeSpikes, f32>,
    twin64: scalar::<TransposeSpikes, f64>,
};

/// The twin of `shaders/synapse/transpose_spikes.wgsl`; units are words of 32 sources.
pub struct TransposeSpikes;

impl Twin for TransposeSpikes {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = TransposeSpikesParams::<F>::of(call.params);
        let [spikes, trains] = Call::take(call.args);
        let (spikes, trains) = (spikes.words(), trains.words_mut());
        let (steps, train) = (p.steps as usize, p.train as usize);
        let words = spike_words(p.sources as usize);
        let rows = call.clock.samples as usize * steps;
        for (unit, w) in call.units.enumerate() {
            let out = &mut trains[unit * 32 * train..];
            let sources = 32.min(p.sources as usize - w * 32);
            for column in 0..train {
                let mut square = [0; 32];
                for (k, bits) in square.iter_mut().enumerate() {
                    let row = column * 32 + k;
                    let (b, t) = (row / steps, row % steps);
                    if row < rows && t + (p.delay as usize) < steps {
                        let at = b * (p.history as usize + steps) + p.history as usize + t;
                        *bits = spikes[at * words + w];
                    }
                }
                transpose_bits(&mut square);
                for source in 0..sources {
                    out[source * train + column] = square[source];
                }
            }
        }
    }
}
