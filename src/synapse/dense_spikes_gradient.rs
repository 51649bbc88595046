//! Gradient by dense weights whose sources spike.
//!
//! ```text
//!   gradient[i, j] = sum over spikes (b, t) of source i of  arrivals_bar[b, t + delay, j]
//! ```
//! The spikes come as trains by source (see [`super::transpose_spikes`]), so that the work grows
//! with them and each weight sums its terms in the order of samples and steps.

use super::{PANEL, Slab, add_rows, append_positions, block_mut, column_blocks};
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/dense_spikes_gradient.wgsl`.
    pub struct DenseSpikesGradientParams {
        /// Sources.
        sources: word,
        /// Targets of the population, the stride of a row of gradients by arrivals.
        targets: word,
        /// First target of this tile.
        first: word,
        /// Targets of this tile.
        width: word,
        /// Words of a train.
        train: word,
        /// Steps from spike to arrival.
        delay: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/dense_spikes_gradient",
    wgsl: include_str!("../../shaders/synapse/dense_spikes_gradient.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        words("trains"),       // [sources, train]
        reals("arrivals"),     // [samples, steps, targets] gradient by arrivals
        reals_mut("gradient"), // [panels, sources, panel]
    ],
    layouts: &[],
    params: DenseSpikesGradientParams::<f32>::FIELDS,
    twin32: dispatched::<DenseSpikesGradient, f32>,
    twin64: scalar::<DenseSpikesGradient, f64>,
};

/// The twin of `shaders/synapse/dense_spikes_gradient.wgsl`; units are rows of panels.
pub struct DenseSpikesGradient;

impl Twin for DenseSpikesGradient {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = DenseSpikesGradientParams::<F>::of(call.params);
        let [trains, arrivals, gradient] = Call::take(call.args);
        let (trains, arrivals) = (trains.words(), arrivals.reals());
        let mut gradient = gradient.reals_mut();
        let (sources, targets) = (p.sources as usize, p.targets as usize);
        let mut rows = Vec::new();
        let mut slab = Slab::new();
        let count = arrivals.len() / targets;
        for unit in call.units {
            let (first, source) = (unit / sources * PANEL, unit % sources);
            let width = PANEL.min(p.width as usize - first);
            let (out, rest) = gradient.split_at_mut(width);
            gradient = rest;
            rows.clear();
            let train = &trains[source * p.train as usize..][..p.train as usize];
            append_positions(train, p.delay, &mut rows);
            let columns = slab.columns(arrivals, targets, count, p.first as usize + first, width);
            column_blocks!(width, |column, W| {
                let acc = block_mut::<F, W>(out, column);
                add_rows(acc, false, columns, width, column, &rows);
            });
        }
    }
}
