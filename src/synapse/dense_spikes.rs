//! Delivery of spikes through dense weights.
//!
//! ```text
//!   arrivals[b, t, j] (+)= sum over i with a spike at step t - delay of  w[i, j]
//! ```
//! Rows of arrivals are those of all steps, or the same one again and again. The work grows with the spikes: words of 32 sources without a spike are passed over.

use super::{PANEL, add_rows, append_positions, block_mut, column_blocks};
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/dense_spikes.wgsl`.
    pub struct DenseSpikesParams {
        /// Sources.
        sources: word,
        /// Targets of the population, the stride of a row of arrivals.
        targets: word,
        /// First target of this tile.
        first: word,
        /// Targets of this tile.
        width: word,
        /// Steps of a window.
        steps: word,
        /// Steps whose arrivals are kept: all of a window, or one where each is used up before the next.
        kept: word,
        /// Rows of the source's spikes before the window.
        history: word,
        /// Steps from spike to arrival.
        delay: word,
        /// 1: add to what is there; 0: overwrite.
        accumulate: word,
    }
}

/// Targets of an invocation of the shader.
pub const TARGETS: usize = 4;

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/dense_spikes",
    wgsl: include_str!("../../shaders/synapse/dense_spikes.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("spikes"),       // [samples, history + steps, words]
        reals("weights"),      // [panels, sources, panel]
        reals_mut("arrivals"), // [samples, kept, targets]
    ],
    layouts: &[],
    params: DenseSpikesParams::<f32>::FIELDS,
    twin32: dispatched::<DenseSpikes, f32>,
    twin64: scalar::<DenseSpikes, f64>,
};

/// The twin of `shaders/synapse/dense_spikes.wgsl`.
pub struct DenseSpikes;

impl Twin for DenseSpikes {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = DenseSpikesParams::<F>::of(call.params);
        let [spikes, weights, arrivals] = Call::take(call.args);
        let (spikes, weights, arrivals) = (spikes.words(), weights.reals(), arrivals.reals_mut());
        let (sources, targets, kept) = (p.sources as usize, p.targets as usize, p.kept as usize);
        let (rows, words) = ((p.history + p.steps) as usize, spike_words(sources));
        // Spikes are listed once and used for every panel; panels are the outer loop, so that one
        // stays in the cache for all samples and steps of the piece.
        let mut list = Vec::new();
        let mut ends = Vec::new();
        for b in 0..call.units.len() {
            for t in call.span.steps() {
                let row = (b * rows + (p.history - p.delay) as usize + t) * words;
                append_positions(&spikes[row..row + words], 0, &mut list);
                ends.push(list.len());
            }
        }
        for first in (0..p.width as usize).step_by(PANEL) {
            let width = PANEL.min(p.width as usize - first);
            let panel = &weights[first * sources..][..width * sources];
            let (mut begin, mut row) = (0, 0);
            for b in 0..call.units.len() {
                for t in call.span.steps() {
                    let spiking = &list[begin..ends[row]];
                    begin = ends[row];
                    row += 1;
                    let at = (b * kept + t % kept) * targets + p.first as usize + first;
                    let out = &mut arrivals[at..at + width];
                    column_blocks!(width, |column, W| {
                        let acc = block_mut::<F, W>(out, column);
                        add_rows(acc, p.accumulate == 1, panel, width, column, spiking);
                    });
                }
            }
        }
    }
}
