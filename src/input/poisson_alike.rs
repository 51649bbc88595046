//! Poisson spike trains of sources that share one rate, drawn 32 at a time.
//!
//! Each source spikes in each step with probability p = r dt, independently, as in [`super::poisson`]. For
//! 32 of them that is the same as to draw how many spike, from the binomial distribution, and then which,
//! all sets of that size being alike. At usual rates most groups have none, and one word of Philox, the
//! fourth part of a call, does for 32 sources. The number is found by comparing the word with the cumulated
//! distribution in units of 2^-32; members are drawn five bits at a time, those drawn before again; of more
//! than 16 those that do not spike are drawn. All are integers, so every engine draws the same spikes.

use super::encoder::{Given, Showing, Window};
use crate::kernel::*;
use crate::params;
use crate::rng::{philox, philox_lanes};

/// Counters of the draws of members, which those of numbers do not reach.
const MEMBERS: u32 = 1 << 31;

params! {
    /// `Params` of `shaders/input/poisson_alike.wgsl`.
    pub struct PoissonAlikeParams {
        /// Sources.
        n: word,
        /// Words of a row of spikes.
        row: word,
        /// First word of these sources, with the rows before the window.
        first: word,
        /// Stream of random numbers.
        stream: word,
    }
}

/// Draws a window of sources that spike in a step with probability `p`.
pub fn sources(p: f64, window: &Window) -> Showing {
    let Window { n, row, first, history, stream, .. } = *window;
    let first = history * row + first;
    Showing {
        kernel: &KERNEL,
        params: PoissonAlikeParams::<f64> { n, row, first, stream }.words(),
        args: vec![Given::Table("level", levels(p)), Given::Presentation, Given::Sent],
        per_sample: spike_words(n as usize) as u32,
        per_step: true,
    }
}

/// Cumulated binomial distribution of the number of 32 sources that spike with probability `p`, in units
/// of 2^-32: a word below entry k means k spikes or fewer. 32 entries; what is beyond all means 32.
pub fn levels(p: f64) -> Vec<u32> {
    let mut sum = 0.0;
    let level = |k: u32| {
        // 32 over k, as a product of fractions.
        let choose = (0..k).fold(1.0, |c, j| c * f64::from(32 - j) / f64::from(j + 1));
        sum += choose * p.powi(k as i32) * (1.0 - p).powi(32 - k as i32);
        (sum * 4_294_967_296.0).round().min(4_294_967_295.0) as u32
    };
    (0..32).map(level).collect()
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "input/poisson_alike",
    wgsl: include_str!("../../shaders/input/poisson_alike.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("level"),        // [32]
        words("presentation"), // [1] number that tells presentations apart
        words_mut("spikes"),   // [history + steps, row]
    ],
    layouts: &[],
    params: PoissonAlikeParams::<f32>::FIELDS,
    twin32: dispatched::<PoissonAlike, f32>,
    twin64: scalar::<PoissonAlike, f64>,
};

/// A set of `count` of 32, from words of Philox.
#[inline(always)]
fn members(count: u32, word: u32, rest: [u32; 3], key: [u32; 2]) -> u32 {
    let drawn = count.min(32 - count);
    let mut set = 0u32;
    let mut call = 0;
    while set.count_ones() < drawn {
        // Further calls change the upper half of the step, which no run reaches.
        let counter = [MEMBERS | word, rest[0], rest[1] ^ (call << 16), rest[2]];
        for random in philox(counter, key) {
            if set.count_ones() < drawn {
                set |= 1 << (random >> 27);
            }
        }
        call += 1;
    }
    if count > 16 { !set } else { set }
}

/// The twin of `shaders/input/poisson_alike.wgsl`; one unit.
pub struct PoissonAlike;

impl Twin for PoissonAlike {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = PoissonAlikeParams::<F>::of(call.params);
        let [level, presentation, spikes] = Call::take(call.args);
        let (level, presentation) = (level.words(), presentation.words());
        let spikes = spikes.words_mut();
        let n = p.n as usize;
        let (words, last) = (spike_words(n), n % 32);
        let seed = call.clock.seed;
        let key = [seed as u32, (seed >> 32) as u32 ^ p.stream];
        for t in call.span.steps() {
            let step = call.clock.step + t as u64;
            let rest = [step as u32, (step >> 32) as u32, presentation[0]];
            let at = t * p.row as usize + p.first as usize;
            let row = &mut spikes[at..at + words];
            for (batch, row) in row.chunks_mut(64).enumerate() {
                let random = philox_lanes(batch as u32 * 16, rest, key);
                for (k, (word, random)) in row.iter_mut().zip(random).enumerate() {
                    *word = 0;
                    if random >= level[0] {
                        let count = level.iter().take_while(|level| random >= **level).count();
                        *word = members(count as u32, (batch * 64 + k) as u32, rest, key);
                    }
                }
            }
            if last > 0 {
                row[words - 1] &= (1 << last) - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_those_of_the_binomial_distribution() {
        // (1 - p)^32, and the whole.
        let first = |p: f64| f64::from(levels(p)[0]) / 4_294_967_296.0;
        for p in [0.0015, 0.1, 0.5] {
            assert!((first(p) - (1.0 - p).powi(32)).abs() < 1e-9);
            assert!(levels(p).windows(2).all(|pair| pair[0] <= pair[1]));
        }
        assert_eq!(levels(0.0)[0], u32::MAX);
        assert_eq!(levels(1.0), [0; 32]);
        // Half of the sources: as many ways below 16 as above.
        let half = levels(0.5);
        let below = f64::from(half[15]) / 4_294_967_296.0;
        let middle = f64::from(half[16] - half[15]) / 4_294_967_296.0;
        assert!((2.0 * below + middle - 1.0).abs() < 1e-9);
    }

    #[test]
    fn members_are_as_many_and_all_alike() {
        let mut seen = [0f64; 32];
        for count in [1u32, 2, 7, 16, 20, 31, 32] {
            for word in 0..200 {
                let set = members(count, word, [count, 0, 0], [5, 6]);
                assert_eq!(set.count_ones(), count);
                for (k, seen) in seen.iter_mut().enumerate() {
                    *seen += f64::from(set >> k & 1);
                }
            }
        }
        // 109 of 224 for each; the deviation of a sum of such draws is below sqrt(7 · 200 / 4).
        let mean = 200.0 * 109.0 / 32.0;
        assert!(seen.iter().all(|seen| (seen - mean).abs() < 5.0 * 19.0), "{seen:?}");
    }
}
