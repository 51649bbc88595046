//! Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011).
//!
//! A draw is a pure function of its key (seed, stream) and counter (entity, step, copy), so host,
//! CPU engine and every GPU get the same numbers in whatever order they ask, and a checkpoint
//! needs no generator state. `shaders/lib/philox.wgsl` is the same function for kernels.

use sha2::{Digest, Sha256};

const M: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const W: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// Ten rounds of Philox4x32 on a counter.
#[inline(always)]
pub fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let a = u64::from(M[0]) * u64::from(counter[0]);
        let b = u64::from(M[1]) * u64::from(counter[2]);
        counter = [
            (b >> 32) as u32 ^ counter[1] ^ key[0],
            b as u32,
            (a >> 32) as u32 ^ counter[3] ^ key[1],
            a as u32,
        ];
        key = [key[0].wrapping_add(W[0]), key[1].wrapping_add(W[1])];
    }
    counter
}

/// The words of 16 successive first counters, 64 in all, in their order: what vectors compute at once.
#[inline(always)]
pub fn philox_lanes(first: u32, rest: [u32; 3], key: [u32; 2]) -> [u32; 64] {
    philox_each(std::array::from_fn(|k| first.wrapping_add(k as u32)), rest, key)
}

/// The words of 16 first counters, 64 in all, in their order.
#[inline(always)]
pub fn philox_each(mut c0: [u32; 16], rest: [u32; 3], key: [u32; 2]) -> [u32; 64] {
    const LANES: usize = 16;
    let [mut c1, mut c2, mut c3] = rest.map(|x| [x; LANES]);
    let mut key = key;
    for _ in 0..10 {
        for k in 0..LANES {
            let a = u64::from(M[0]) * u64::from(c0[k]);
            let b = u64::from(M[1]) * u64::from(c2[k]);
            c0[k] = (b >> 32) as u32 ^ c1[k] ^ key[0];
            c1[k] = b as u32;
            c2[k] = (a >> 32) as u32 ^ c3[k] ^ key[1];
            c3[k] = a as u32;
        }
        key = [key[0].wrapping_add(W[0]), key[1].wrapping_add(W[1])];
    }
    let mut words = [0; 4 * LANES];
    for k in 0..LANES {
        words[4 * k] = c0[k];
        words[4 * k + 1] = c1[k];
        words[4 * k + 2] = c2[k];
        words[4 * k + 3] = c3[k];
    }
    words
}

/// What a stream of numbers is for. Together with an index (which population, which projection)
/// it makes numbers of different use independent of each other.
#[derive(Debug, Clone, Copy)]
#[repr(u32)]
pub enum Purpose {
    /// Which pairs are connected.
    Connectivity = 1,
    /// Initial weights.
    Weights = 2,
    /// Neuron parameters; a draw has the hash of the field's path as its number.
    Parameters = 3,
    /// Order of the samples in an epoch.
    Shuffle = 4,
    /// Spikes of sources.
    Input = 5,
    /// Delays of synapses.
    Delays = 6,
    /// Positions of neurons.
    Positions = 7,
    /// Times of rewards.
    Rewards = 8,
    /// Synapses that go, and sources of new ones.
    Rewiring = 9,
    /// Samples that are set aside for validation.
    Validation = 10,
    /// Changes to training samples.
    Augment = 11,
    /// Sources that are silent in a presentation.
    Dropout = 12,
    /// Samples that are made by formula.
    Samples = 13,
    /// Noise that a training adds to what a population gets.
    Noise = 14,
    /// Noise that a training adds to the weights of a projection.
    WeightNoise = 15,
    /// Training samples of each class that are used.
    Choice = 16,
    /// Sources of patterns.
    Patterns = 17,
    /// Synapses that exchange their weights.
    Exchange = 18,
    /// Neurons that are silent while a trained network is tested.
    Silence = 19,
    /// Weights that errors go back through.
    Feedback = 25,
    /// Weights of the scores of frames.
    Attention = 31,
}

/// Key of a stream: the seed, with purpose and index folded into its upper half.
pub fn key(seed: u64, purpose: Purpose, index: u32) -> [u32; 2] {
    [seed as u32, (seed >> 32) as u32 ^ stream(purpose, index)]
}

/// The part of a key that tells streams of one seed apart.
pub fn stream(purpose: Purpose, index: u32) -> u32 {
    ((purpose as u32) << 24) | (index & 0x00FF_FFFF)
}

/// A number that stands for a path in a scene, and for no other: the first 64 bits of its SHA-256.
pub fn hash(path: &str) -> u64 {
    let digest: [u8; 32] = Sha256::digest(path).into();
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Host-side draws of one stream, in f64.
#[derive(Debug, Clone, Copy)]
pub struct Stream {
    key: [u32; 2],
}

impl Stream {
    /// The stream of `purpose` and `index` under `seed`.
    pub fn new(seed: u64, purpose: Purpose, index: u32) -> Self {
        Self { key: key(seed, purpose, index) }
    }

    fn words(&self, entity: u64, draw: u64) -> [u32; 4] {
        philox([entity as u32, (entity >> 32) as u32, draw as u32, (draw >> 32) as u32], self.key)
    }

    /// Uniform on (0, 1): 52 random bits and a half, so that neither end occurs.
    pub fn uniform(&self, entity: u64, draw: u64) -> f64 {
        let w = self.words(entity, draw);
        unit(w[0], w[1])
    }

    /// Two independent numbers as [`Stream::uniform`] gives one; the first is that one.
    pub fn uniforms(&self, entity: u64, draw: u64) -> [f64; 2] {
        let w = self.words(entity, draw);
        [unit(w[0], w[1]), unit(w[2], w[3])]
    }

    /// Standard normal, by Box and Muller's transform.
    pub fn normal(&self, entity: u64, draw: u64) -> f64 {
        let w = self.words(entity, draw);
        let radius = (-2.0 * unit(w[0], w[1]).ln()).sqrt();
        radius * (std::f64::consts::TAU * unit(w[2], w[3])).cos()
    }

    /// Uniform on `0..n` without bias beyond 2^-64, for `n > 0`.
    pub fn below(&self, n: u64, entity: u64, draw: u64) -> u64 {
        let w = self.words(entity, draw);
        let word = (u64::from(w[0]) << 32) | u64::from(w[1]);
        ((u128::from(word) * u128::from(n)) >> 64) as u64
    }

    /// A permutation of `0..n`, one of the stream's many, chosen by `entity` (Fisher and Yates).
    pub fn permutation(&self, n: u32, entity: u64) -> Vec<u32> {
        let mut order: Vec<u32> = (0..n).collect();
        for k in (1..n as usize).rev() {
            order.swap(k, self.below(k as u64 + 1, entity, k as u64) as usize);
        }
        order
    }
}

fn unit(high: u32, low: u32) -> f64 {
    let bits = ((u64::from(high) << 32) | u64::from(low)) >> 12;
    (bits as f64 + 0.5) / (1u64 << 52) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of Random123's test suite, and four more keys and counters.
    #[test]
    fn known_answers() {
        let cases: [([u32; 4], [u32; 2], [u32; 4]); 5] = [
            ([0; 4], [0; 2], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]),
            ([!0; 4], [!0; 2], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]),
            (
                [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
                [0xa4093822, 0x299f31d0],
                [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
            ),
            ([1, 2, 3, 4], [5, 6], [0xc0c839bc, 0x889c87c5, 0x61986739, 0x2d4623d0]),
            ([0; 4], [0xdeadbeef, 0xcafebabe], [0xc9744302, 0x1b513565, 0x3d7dfff9, 0xa98d369b]),
        ];
        for (counter, key, expected) in cases {
            assert_eq!(philox(counter, key), expected);
        }
    }

    #[test]
    fn lanes_are_successive_counters() {
        let words = philox_lanes(u32::MAX - 3, [7, 8, 9], [10, 11]);
        for k in 0..16u32 {
            let counter = [(u32::MAX - 3).wrapping_add(k), 7, 8, 9];
            assert_eq!(words[4 * k as usize..][..4], philox(counter, [10, 11]));
        }
    }

    #[test]
    fn moments() {
        let s = Stream::new(7, Purpose::Weights, 0);
        let n = 100_000;
        let mean = |f: &dyn Fn(u64) -> f64| (0..n).map(f).sum::<f64>() / n as f64;
        assert!((mean(&|k| s.uniform(k, 0)) - 0.5).abs() < 5.0 * (1.0 / 12.0f64).sqrt() / 316.0);
        assert!(mean(&|k| s.normal(k, 0)).abs() < 5.0 / 316.0);
        assert!((mean(&|k| s.normal(k, 0).powi(2)) - 1.0).abs() < 5.0 * 2f64.sqrt() / 316.0);
        assert!((0..n).all(|k| s.uniforms(k, 0)[0] == s.uniform(k, 0)));
        let product = mean(&|k| s.uniforms(k, 0).iter().product());
        assert!((product - 0.25).abs() < 5.0 * (7.0 / 144.0f64).sqrt() / 316.0, "{product}");
        assert!((mean(&|k| s.below(10, k, 0) as f64) - 4.5).abs() < 5.0 * 2.9 / 316.0);
    }

    #[test]
    fn permutations_differ_and_are_complete() {
        let s = Stream::new(1, Purpose::Shuffle, 0);
        let (a, b) = (s.permutation(1000, 0), s.permutation(1000, 1));
        assert_ne!(a, b);
        let mut sorted = a;
        sorted.sort_unstable();
        assert!(sorted.iter().enumerate().all(|(k, &x)| k as u32 == x));
    }
}
