//! What happened: kernels that count spikes and sample states on the device, and the host's side, which
//! turns words of spikes into steps and neurons and gathers their statistics and measures.

pub mod count_spikes;
pub mod excerpt;
pub mod measure;
pub mod sample;
pub mod statistics;

use crate::kernel::spike_words;

/// Spikes of the first sample of a window as (step, neuron), in the order of steps, then neurons.
/// `words` holds `history + steps` rows of the spikes of `n` neurons.
pub fn decode(
    words: &[u32],
    n: usize,
    history: usize,
    steps: usize,
) -> impl Iterator<Item = (u32, u32)> + '_ {
    let width = spike_words(n);
    let window = words.iter().skip(history * width).take(steps * width).enumerate();
    window.filter(|(_, word)| **word != 0).flat_map(move |(k, &word)| {
        let (step, first) = ((k / width) as u32, (k % width * 32) as u32);
        bits(word).map(move |bit| (step, first + bit))
    })
}

/// Positions of the bits that are set, ascending.
fn bits(mut word: u32) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros())?;
        word &= word - 1;
        Some(bit)
    })
}

/// Neurons that spiked in a step, ascending, from their words of a row.
pub fn decode_row(words: &[u32]) -> impl Iterator<Item = u32> + '_ {
    let spiked = words.iter().enumerate().filter(|(_, word)| **word != 0);
    spiked.flat_map(|(k, &word)| bits(word).map(move |bit| k as u32 * 32 + bit))
}
