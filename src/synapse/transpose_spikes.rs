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
    bindings: &[
        words("spikes"),     // [samples, history + steps, words]
        words_mut("trains"), // [sources, train]
    ],
    params: TransposeSpikesParams::<f32>::FIELDS,
    twin32: dispatched::<TransposeSpikes, f32>,
    twin64: dispatched::<TransposeSpikes, f64>,
};

/// The twin of `shaders/synapse/transpose_spikes.wgsl`; units are words of 32 sources.
pub struct TransposeSpikes;

/// Transposes a matrix of 32 × 32 bits, least significant first, by exchanging ever smaller
/// blocks (Warren, Hacker's Delight, section 7-3).
#[inline(always)]
fn transpose_bits(rows: &mut [u32; 32]) {
    let mut mask = 0x0000_FFFFu32;
    let mut j = 16;
    while j != 0 {
        let mut k = 0;
        while k < 32 {
            let swap = ((rows[k] >> j) ^ rows[k + j]) & mask;
            rows[k] ^= swap << j;
            rows[k + j] ^= swap;
            k = (k + j + 1) & !j;
        }
        j >>= 1;
        mask ^= mask << j;
    }
}

impl Twin for TransposeSpikes {
    #[inline(always)]
    fn run<F: Real>(call: Call<'_, F>) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::philox;

    #[test]
    fn bits_are_transposed() {
        let rows: [u32; 32] = std::array::from_fn(|k| philox([k as u32, 0, 0, 0], [1, 2])[0]);
        let mut columns = rows;
        transpose_bits(&mut columns);
        for i in 0..32 {
            for j in 0..32 {
                assert_eq!(rows[i] >> j & 1, columns[j] >> i & 1, "row {i}, column {j}");
            }
        }
    }
}
