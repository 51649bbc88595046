//! Sources of input: kernels that write the spikes, or the constant values, of a population that
//! has no neurons.

pub mod bias;
pub mod constant;
pub mod current;
pub mod given_spikes;
pub mod latency;
pub mod noise;
pub mod poisson;
pub mod poisson_alike;
pub mod poisson_drive;

/// Pixels of a sample are bytes, four to a word.
pub const fn pixel_words(n: usize) -> usize {
    n.div_ceil(4)
}

/// Intensity of pixel `id`, 0 to 255.
#[inline(always)]
fn pixel(words: &[u32], id: usize) -> u32 {
    (words[id / 4] >> (8 * (id % 4))) & 255
}
