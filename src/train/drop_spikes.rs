//! Dropout of spikes: a copy of what a population sends, in which some neurons are silent for a whole presentation
//! (Srivastava et al. 2014).
//!
//! A neuron is silent if `word < p 2^32`, with a word of Philox that depends on seed, population, presentation and
//! neuron alone: the mask is the same in every step, on every engine, and wherever it is asked for again.

use crate::kernel::*;
use crate::params;
use crate::rng::philox_each;

params! {
    /// `Params` of `shaders/train/drop_spikes.wgsl`.
    pub struct DropSpikesParams {
        /// Sources.
        n: word,
        /// Rows of spikes of a sample.
        rows: word,
        /// Probability of silence, as the threshold of a random word.
        threshold: word,
        /// Stream of random numbers.
        stream: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/drop_spikes",
    wgsl: include_str!("../../shaders/train/drop_spikes.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("spikes"),       // [samples, rows, words]
        words("presentation"), // [samples] number that tells presentations apart
        words_mut("kept"),     // [samples, rows, words]
    ],
    layouts: &[],
    params: DropSpikesParams::<f32>::FIELDS,
    twin32: dispatched::<DropSpikes, f32>,
    twin64: scalar::<DropSpikes, f64>,
};

/// Which of `n` sources are not silent in a presentation, a bit for each.
#[inline(always)]
pub(super) fn kept(
    n: u32,
    presentation: u32,
    seed: u64,
    (threshold, stream): (u32, u32),
) -> Vec<u32> {
    let key = [seed as u32, (seed >> 32) as u32 ^ stream];
    let mut mask = vec![0; spike_words(n as usize)];
    // The words of 16 fours are two words of bits.
    for (pair, bits) in (0..).zip(mask.chunks_mut(2)) {
        let fours = std::array::from_fn(|k| 16 * pair + k as u32);
        let random = philox_each(fours, [0, 0, presentation], key);
        for (bits, random) in bits.iter_mut().zip(random.chunks_exact(32)) {
            let all = random.iter().enumerate();
            *bits = all.fold(0, |bits, (k, word)| bits | u32::from(*word >= threshold) << k);
        }
    }
    mask
}

/// The twin of `shaders/train/drop_spikes.wgsl`; units are samples.
pub struct DropSpikes;

impl Twin for DropSpikes {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = DropSpikesParams::<F>::of(call.params);
        let [spikes, presentation, copy] = Call::take(call.args);
        let (spikes, presentation, copy) = (spikes.words(), presentation.words(), copy.words_mut());
        let words = spike_words(p.n as usize);
        let of_sample = p.rows as usize * words;
        for b in 0..call.units.len() {
            let mask = kept(p.n, presentation[b], call.clock.seed, (p.threshold, p.stream));
            let spikes = spikes[b * of_sample..][..of_sample].chunks_exact(words);
            let copy = copy[b * of_sample..][..of_sample].chunks_exact_mut(words);
            for (copy, spikes) in copy.zip(spikes) {
                for ((copy, bits), mask) in copy.iter_mut().zip(spikes).zip(&mask) {
                    *copy = bits & mask;
                }
            }
        }
    }
}
