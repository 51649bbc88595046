//! Spikes of each neuron in the window of a sample, times a factor: an answer, or a rate.
//!
//! ```text
//!   counts[b, n] = factor sum over t of s[b, t, n]
//! ```

use super::loss::{Answers, Objective, Of, Wanted};
use super::softmax_cross_entropy::judgement;
use crate::kernel::*;
use crate::{declare, params};

declare! {
    /// Cross-entropy of the softmax of the numbers of spikes of a population, a neuron for each class.
    pub struct SpikeCount: Word {
        /// The population.
        population: String;
        /// What a spike counts (one logit).
        scale: f64 [Positive] = 1.0;
    }
}

impl Objective for SpikeCount {
    fn of(&self) -> Of<'_> {
        Of::Counts(&self.population, self.scale)
    }
    fn wanted(&self) -> Wanted {
        Wanted::Class
    }
    fn judgement(&self, answers: Answers) -> Option<(&'static Kernel, Vec<Word>)> {
        Some(judgement(answers))
    }
}

params! {
    /// `Params` of `shaders/train/spike_counts.wgsl`.
    pub struct SpikeCountsParams {
        /// Neurons.
        n: word,
        /// Steps of a window.
        steps: word,
        /// Rows of spikes before the window, not counted.
        history: word,
        /// What a spike counts.
        factor: real,
        /// 0: spikes are bits; else they are soft.
        soft: option,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/spike_counts",
    wgsl: include_str!("../../shaders/train/spike_counts.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        words("spikes"),      // [samples, history + steps, words]
        reals("soft_spikes"), // [samples, history + steps, n]
        reals_mut("counts"),  // [samples, n]
    ],
    layouts: &[],
    params: SpikeCountsParams::<f32>::FIELDS,
    twin32: dispatched::<SpikeCounts, f32>,
    twin64: scalar::<SpikeCounts, f64>,
};

/// The twin of `shaders/train/spike_counts.wgsl`; units are samples.
pub struct SpikeCounts;

impl Twin for SpikeCounts {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = SpikeCountsParams::<F>::of(call.params);
        let [spikes, soft, counts] = Call::take(call.args);
        let (spikes, soft, counts) = (spikes.words(), soft.reals(), counts.reals_mut());
        let (n, rows) = (p.n as usize, (p.history + p.steps) as usize);
        let words = spike_words(n);
        for (b, counts) in counts.chunks_exact_mut(n).take(call.units.len()).enumerate() {
            counts.fill(F::zero());
            for row in b * rows + p.history as usize..(b + 1) * rows {
                for (id, count) in counts.iter_mut().enumerate() {
                    *count += match p.soft {
                        0 => F::of(f64::from(spikes[row * words + id / 32] >> (id % 32) & 1)),
                        _ => soft[row * n + id],
                    };
                }
            }
            counts.iter_mut().for_each(|count| *count *= p.factor);
        }
    }
}
