//! Synapses: what spikes do to their targets, and the transposed passes of training.
//!
//! **Dense weights** lie in panels of [`PANEL`] neighbouring targets: panel, then source, then
//! target within the panel. A row of a panel is what a spike adds to 64 targets; it fills vector
//! registers on a CPU and a coalesced read on a GPU. The last panel is as wide as what is left, so
//! nothing is padded. Weights that learn by themselves lie in narrower panels, of [`STRIP`] targets. A
//! projection larger than one binding is cut into *tiles* of whole panels.
//!
//! **Sparse weights** lie by target, so that each target gathers its synapses in a fixed order.
//!
//! **Weights of a convolution** are stored once for all places: see [`convolution`].
//!
//! In training no kernel scatters: every sum is done by its owner in the order of sources (forward),
//! targets (backward) or samples and steps (gradients). In a simulation [`scatter`] delivers spikes one
//! by one, in integers, whose sum has no order. Results thus do not depend on the number of
//! threads, the size of a workgroup or the width of vectors.

pub mod attention_scores;
pub mod attention_scores_backward;
pub mod attention_squeeze;
pub mod attention_values;
pub mod attention_values_backward;
pub mod attention_values_gradient;
pub mod carry_spikes;
pub mod convolution;
pub mod convolve;
pub mod convolve_backward;
pub mod convolve_gradient;
pub mod delay_arrivals;
pub mod delay_arrivals_backward;
pub mod delay_arrivals_gradient;
pub mod delay_gradient;
pub mod delay_taps;
pub mod delay_values;
pub mod delay_values_backward;
pub mod deliver_convolved;
pub mod deliver_dense;
pub mod deliver_sparse;
pub mod dense_spikes;
pub mod dense_spikes_gradient;
pub mod dense_values;
pub mod dense_values_gradient;
pub mod list_spikes;
pub mod pool;
pub mod procedural;
pub mod release;
pub mod release_backward;
pub mod scatter;
pub mod short_term;
pub mod sparse;
pub mod sparse_backward;
pub mod sparse_gradient;
pub mod transpose;
pub mod transpose_spikes;

use crate::kernel::Real;

/// Declares the parameters of a kernel that delivers weights that change: those of [`Delivery`], then its own.
#[macro_export]
macro_rules! deliver_params {
    ($(#[$doc:meta])* pub struct $name:ident { $($own:tt)* }) => {
        $crate::params! {
            $(#[$doc])*
            pub struct $name {
                /// Sources.
                sources: word,
                /// Targets, of this tile of the weights.
                targets: word,
                /// First target of this tile.
                first_target: word,
                /// Rows of a panel of dense weights: sources, and their second floats if there are some.
                rows: word,
                /// Place of the first source in the row of spikes.
                place: word,
                /// Steps of the ring of lists, a power of two.
                slots: word,
                /// Numbers of a list.
                list: word,
                /// Neurons of a tile of the ring.
                tile: word,
                /// First tile of the targets; a twin sees the ring from there on.
                first_tile: word,
                /// Slots of the ring, a power of two.
                ring_slots: word,
                /// Receptors for which the ring has room.
                stride: word,
                /// Receptor.
                receptor: word,
                /// Delay \[steps\].
                delay: word,
                /// Units of the ring in a weight of 1.
                units: real,
                $($own)*
            }
        }
    };
}

deliver_params! {
    /// The parameters with which every kernel that delivers weights that change begins.
    pub struct Delivery {}
}

impl<F: Real> Delivery<F> {
    /// Sources that spiked in a step.
    #[inline(always)]
    fn spikes<'a>(
        &self,
        lists: &'a [u32],
        step: u64,
    ) -> impl Iterator<Item = usize> + Clone + use<'a, F> {
        list_spikes::listed(lists, step, [self.slots, self.list], (self.place, self.sources))
    }

    /// Units of the ring that a weight of 1 of this source brings.
    #[inline(always)]
    fn carried(&self, efficacy: Option<&[F]>, source: usize) -> F {
        efficacy.map_or(self.units, |efficacy| self.units * efficacy[source])
    }

    /// Where what arrives at a target in a step lies, from the first tile of the targets on.
    #[inline(always)]
    fn place(&self, target: usize, step: u64) -> usize {
        let (tile, slot) = (self.tile as usize, step as usize & (self.ring_slots as usize - 1));
        let row = (target / tile * self.ring_slots as usize + slot) * self.stride as usize;
        (row + self.receptor as usize) * tile + target % tile
    }
}

/// Targets whose weights from one source are neighbours.
pub const PANEL: usize = 64;

/// The same for weights that learn by themselves: those of a source fill one line of a cache. The weights of a
/// target, which a spike of it changes, are then a run of lines that a processor fetches ahead. In wider
/// panels they are lines at distances of powers of two, few of which a cache can hold at a time.
pub const STRIP: usize = 16;

/// Where the weight from `source` to `target` lies in a tile of `sources` × `width`, in panels of so many
/// targets.
#[inline(always)]
pub fn panel_index(
    panel: usize,
    [sources, width]: [usize; 2],
    source: usize,
    target: usize,
) -> usize {
    let first = target / panel * panel;
    first * sources + source * panel.min(width - first) + target - first
}

/// Lists of sparse synapses by the rows to which they belong, such as those of their sources: where each row
/// begins, and for each synapse of it the target with its rank among the synapses of that target above
/// `target_bits`. `start` says where those of each target are, and `row` to which row each belongs.
pub fn by_row(
    start: &[u32],
    rows: usize,
    target_bits: u32,
    row: impl Fn(usize) -> usize,
) -> (Vec<u32>, Vec<u32>) {
    let count = start.last().map_or(0, |end| *end as usize);
    let mut begin = vec![0u32; rows + 1];
    (0..count).for_each(|k| begin[row(k) + 1] += 1);
    for k in 1..begin.len() {
        begin[k] += begin[k - 1];
    }
    let mut next = begin.clone();
    let mut outgoing = vec![0u32; count];
    for (target, ends) in start.windows(2).enumerate() {
        for (rank, k) in (ends[0] as usize..ends[1] as usize).enumerate() {
            let at = &mut next[row(k)];
            outgoing[*at as usize] = target as u32 | (rank as u32) << target_bits;
            *at += 1;
        }
    }
    (begin, outgoing)
}

/// Runs `$body` for each block of columns of a panel of `$width`, with the constant `$block` as wide
/// as the registers that hold the sums: a whole panel at once, the rest in powers of two, and ten, the
/// number of classes of many a task, in one.
macro_rules! column_blocks {
    ($width:expr, |$at:ident, $block:ident| $body:expr) => {{
        let width: usize = $width;
        if width == $crate::synapse::PANEL {
            const $block: usize = $crate::synapse::PANEL;
            let $at = 0;
            $body
        } else {
            let mut $at = 0;
            column_blocks!(@each width, $at, $block, $body, 32, 16, 10, 8, 4, 2, 1);
            debug_assert_eq!($at, width);
        }
    }};
    (@each $width:ident, $at:ident, $block:ident, $body:expr, $($size:literal),*) => {
        $(if $width - $at >= $size {
            const $block: usize = $size;
            $body;
            $at += $size;
        })*
    };
}
pub(crate) use column_blocks;

/// acc (+)= sum of rows `rows` of a matrix with `stride`, columns `at..at + W`.
#[inline(always)]
fn add_rows<F: Real, const W: usize>(
    acc: &mut [F; W],
    accumulate: bool,
    matrix: &[F],
    stride: usize,
    at: usize,
    rows: &[u32],
) {
    let mut sum = if accumulate { *acc } else { [F::zero(); W] };
    for &row in rows {
        let from: &[F; W] = block(matrix, row as usize * stride + at);
        for k in 0..W {
            sum[k] += from[k];
        }
    }
    *acc = sum;
}

/// acc (+)= sum of `value · row` over pairs, columns `at..at + W` of a matrix with `stride`.
#[inline(always)]
fn add_scaled_rows<F: Real, const W: usize>(
    acc: &mut [F; W],
    accumulate: bool,
    matrix: &[F],
    stride: usize,
    at: usize,
    pairs: &[(u32, F)],
) {
    let mut sum = if accumulate { *acc } else { [F::zero(); W] };
    for &(row, value) in pairs {
        let from: &[F; W] = block(matrix, row as usize * stride + at);
        for k in 0..W {
            sum[k] = value.mul_add(from[k], sum[k]);
        }
    }
    *acc = sum;
}

/// Some neighbouring columns of a matrix, copied together: rows of the matrix may lie pages apart, and
/// a processor remembers the places of few pages.
struct Slab<F> {
    first: Option<usize>,
    values: Vec<F>,
}

impl<F: Real> Slab<F> {
    #[inline(always)]
    fn new() -> Self {
        Self { first: None, values: Vec::new() }
    }

    /// Columns `first..first + width` of `rows` rows of a matrix with `stride`, copied if they are not
    /// those of the last call.
    #[inline(always)]
    fn columns<'a>(
        &'a mut self,
        matrix: &'a [F],
        stride: usize,
        rows: usize,
        first: usize,
        width: usize,
    ) -> &'a [F] {
        if width == stride {
            return matrix;
        }
        if self.first.replace(first) != Some(first) {
            self.values.clear();
            for row in 0..rows {
                self.values.extend_from_slice(&matrix[row * stride + first..][..width]);
            }
        }
        &self.values
    }
}

#[inline(always)]
fn block<F, const W: usize>(matrix: &[F], at: usize) -> &[F; W] {
    match matrix[at..at + W].try_into() {
        Ok(array) => array,
        Err(_) => unreachable!("the slice has W elements"),
    }
}

#[inline(always)]
fn block_mut<F, const W: usize>(matrix: &mut [F], at: usize) -> &mut [F; W] {
    match (&mut matrix[at..at + W]).try_into() {
        Ok(array) => array,
        Err(_) => unreachable!("the slice has W elements"),
    }
}

/// Appends the values that are not zero with their positions. Without a branch: every pair is
/// written, and counts if it is to stay.
#[inline(always)]
fn nonzero<F: Real>(values: &[F], list: &mut Vec<(u32, F)>) {
    let start = list.len();
    list.resize(start + values.len(), (0, F::zero()));
    let room = &mut list[start..];
    let mut count = 0;
    for (k, value) in values.iter().enumerate() {
        room[count] = (k as u32, *value);
        count += usize::from(*value != F::zero());
    }
    list.truncate(start + count);
}

/// Appends the positions of the bits that are set, plus `offset`.
#[inline(always)]
fn append_positions(words: &[u32], offset: u32, list: &mut Vec<u32>) {
    let start = list.len();
    let count: u32 = words.iter().map(|w| w.count_ones()).sum();
    list.resize(start + count as usize, 0);
    positions(words, &mut list[start..]);
    for position in &mut list[start..] {
        *position += offset;
    }
}

/// The positions of the bits that are set, in order.
#[inline(always)]
pub fn each_position(words: &[u32], mut found: impl FnMut(usize)) {
    // Two words at a time: where a word ends is what a processor predicts badly.
    for (pair, words) in words.chunks(2).enumerate() {
        let high = words.get(1).map_or(0, |high| u64::from(*high));
        let mut bits = u64::from(words[0]) | high << 32;
        while bits != 0 {
            found(pair * 64 + bits.trailing_zeros() as usize);
            bits &= bits - 1;
        }
    }
}

/// The same as a list; gives how many there are.
fn positions(words: &[u32], room: &mut [u32]) -> usize {
    let all = room.len();
    let mut room = room.iter_mut();
    each_position(words, |position| {
        if let Some(place) = room.next() {
            *place = position as u32;
        }
    });
    all - room.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_hold_every_weight_once() {
        for (sources, width) in [(3, 1), (5, 64), (7, 65), (2, 130)] {
            for panel in [PANEL, STRIP] {
                let mut seen = vec![false; sources * width];
                for source in 0..sources {
                    for target in 0..width {
                        let at = panel_index(panel, [sources, width], source, target);
                        assert!(!std::mem::replace(&mut seen[at], true));
                    }
                }
                assert!(seen.iter().all(|&s| s));
            }
        }
    }
}
