//! Convolutions: what connects each place of the targets with a window of the sources, by the same weights
//! everywhere.
//!
//! Neurons of both lie in rows, columns and channels, the channel running fastest. Sources may be *pooled* first:
//! what spikes within a window of them counts as one, with its sum, its mean or its largest. With the amounts z of
//! what is pooled,
//! ```text
//!   arrivals[y, x, c] = sum over ky, kx, c' of
//!                       w[c, c', ky, kx] z[y stride + ky dilation - padding, x stride + kx dilation - padding, c']
//! ```
//! where c' goes through the channels of the group of c. This is the cross-correlation that the field calls a
//! convolution. A kernel as large as all that is pooled, with one place as its target, connects every pair: pooling before
//! dense weights.
//!
//! **Weights** are stored once. In files they are in the order c, c', ky, kx; on a device in the order c', ky, kx
//! from the last to the first, c within its group. At a stride of 1 the weights that a source meets in a row of
//! the kernel are then neighbours, and so are the targets that they lead to: a spike adds one run of weights to one
//! run of arrivals, and its part of the gradient is a run of arrivals added to a run of weights.
//!
//! The file is long, since two halves of it are one statement: where each weight lies, and how spikes run over it.

use super::block;
use crate::kernel::*;
use crate::params;
use crate::vector::{Vector, Width};

/// How a projection by convolution lies, of so many rows, columns and channels.
#[derive(Debug, Clone, PartialEq)]
pub struct Convolution {
    /// Rows, columns, channels of the sources.
    pub source: [usize; 3],
    /// Rows and columns of sources that count as one.
    pub pool: [usize; 2],
    /// What they count.
    pub pooling: Pooling,
    /// Rows and columns of the kernel.
    pub kernel: [usize; 2],
    /// Rows and columns from one place of the kernel to the next.
    pub stride: [usize; 2],
    /// Rows and columns of nothing around what is pooled.
    pub padding: [usize; 2],
    /// Rows and columns from one weight of the kernel to the next.
    pub dilation: [usize; 2],
    /// Groups of channels, each connected with its own.
    pub groups: usize,
    /// Rows, columns, channels of the targets.
    pub target: [usize; 3],
}

/// What sources count that are pooled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// The largest of them: of spikes, whether there is one. Its gradient goes to the first that is as large.
    Largest,
}

/// Places of a kernel along one axis: how many there are.
pub fn places(
    covered: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
) -> usize {
    let reach = dilation * (kernel - 1) + 1;
    (covered + 2 * padding).checked_sub(reach).map_or(0, |rest| rest / stride + 1)
}

impl Convolution {
    /// Rows and columns of what is pooled; rows and columns of sources that do not fill a window are left out.
    pub fn pooled(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.source[axis] / self.pool[axis])
    }

    /// Number of weights.
    pub fn weights(&self) -> usize {
        self.target[2] * self.fan_in()
    }

    /// Weights of a target.
    pub fn fan_in(&self) -> usize {
        self.source[2] / self.groups * self.kernel[0] * self.kernel[1]
    }

    /// Weights of a target, and of a source where the stride is 1 and no edge is near.
    pub fn fans(&self) -> [usize; 2] {
        let places = [0, 1].map(|axis| self.kernel[axis].min(self.target[axis]));
        [self.fan_in(), self.target[2] / self.groups * places[0] * places[1]]
    }

    /// Factor on the sum of what is pooled.
    pub fn scale(&self) -> f64 {
        match self.pooling {
            Pooling::Mean => 1.0 / (self.pool[0] * self.pool[1]) as f64,
            Pooling::Sum | Pooling::Largest => 1.0,
        }
    }

    /// Place on a device of each weight in the order of files.
    pub fn places(&self) -> impl Iterator<Item = usize> {
        let [height, width] = self.kernel;
        let [from, to] = [self.source[2], self.target[2]].map(|channels| channels / self.groups);
        let fan_in = self.fan_in();
        (0..self.weights()).map(move |natural| {
            let (c, rest) = (natural / fan_in, natural % fan_in);
            let (c_from, ky, kx) = (rest / (height * width), rest / width % height, rest % width);
            let channel = c / to * from + c_from;
            ((channel * height + ky) * width + width - 1 - kx) * to + c % to
        })
    }

    /// Every synapse of a target, given by its row, column and channel: source, and which weight in the order of files.
    pub fn each_source(&self, [y, x, c]: [usize; 3], mut each: impl FnMut(usize, usize)) {
        let pooled = self.pooled();
        let [from, to] = [self.source[2], self.target[2]].map(|channels| channels / self.groups);
        let along = |axis: usize, place: usize, k: usize| {
            let at = place * self.stride[axis] + k * self.dilation[axis];
            at.checked_sub(self.padding[axis]).filter(|at| *at < pooled[axis])
        };
        for ky in 0..self.kernel[0] {
            let Some(row) = along(0, y, ky) else { continue };
            for kx in 0..self.kernel[1] {
                let Some(column) = along(1, x, kx) else { continue };
                for c_from in 0..from {
                    let weight = ((c * from + c_from) * self.kernel[0] + ky) * self.kernel[1] + kx;
                    for dy in 0..self.pool[0] {
                        for dx in 0..self.pool[1] {
                            let row = row * self.pool[0] + dy;
                            let place = row * self.source[1] + column * self.pool[1] + dx;
                            each(place * self.source[2] + c / to * from + c_from, weight);
                        }
                    }
                }
            }
        }
    }

    /// The same for all targets as lists by target, sources ascending: where each target begins, sources,
    /// and which weight of each.
    pub fn lists(&self) -> (Vec<u32>, Vec<u32>, Vec<u32>) {
        let [height, width, channels] = self.target;
        let (mut start, mut source, mut weight) = (vec![0], Vec::new(), Vec::new());
        let mut pairs = Vec::new();
        for target in 0..height * width * channels {
            let place = target / channels;
            pairs.clear();
            self.each_source(
                [place / width, place % width, target % channels],
                |source, weight| {
                    pairs.push((source as u32, weight as u32));
                },
            );
            pairs.sort_unstable();
            source.extend(pairs.iter().map(|pair| pair.0));
            weight.extend(pairs.iter().map(|pair| pair.1));
            start.push(source.len() as u32);
        }
        (start, source, weight)
    }

    /// Number of synapses, each pair of a source and a target.
    pub fn synapses(&self) -> u64 {
        let pooled = self.pooled();
        // Along an axis, places of the kernel times its weights that lie on something.
        let along = |axis: usize| -> u64 {
            let covered = |place: usize| {
                // Weights k with padding <= place stride + k dilation < padding + pooled.
                let until = |end: usize| {
                    let rest = end.saturating_sub(place * self.stride[axis]);
                    rest.div_ceil(self.dilation[axis]).min(self.kernel[axis])
                };
                let [first, end] = [0, pooled[axis]].map(|n| until(self.padding[axis] + n));
                (end - first) as u64
            };
            (0..self.target[axis]).map(covered).sum::<u64>() * self.pool[axis] as u64
        };
        along(0) * along(1) * self.target[2] as u64 * (self.source[2] / self.groups) as u64
    }

    /// The parameters of its kernels.
    pub fn params(&self, rows: &Rows) -> ConvolutionParams<f64> {
        let [source_height, source_width, channels] = self.source.map(|n| n as u32);
        let [target_height, target_width, target_channels] = self.target.map(|n| n as u32);
        let [pool_height, pool_width] = self.pool.map(|n| n as u32);
        let [kernel_height, kernel_width] = self.kernel.map(|n| n as u32);
        let [stride_y, stride_x] = self.stride.map(|n| n as u32);
        let [padding_y, padding_x] = self.padding.map(|n| n as u32);
        let [dilation_y, dilation_x] = self.dilation.map(|n| n as u32);
        ConvolutionParams {
            source_height,
            source_width,
            channels,
            pool_height,
            pool_width,
            scale: self.scale(),
            kernel_height,
            kernel_width,
            stride_y,
            stride_x,
            padding_y,
            padding_x,
            dilation_y,
            dilation_x,
            groups: self.groups as u32,
            target_height,
            target_width,
            target_channels,
            largest: u32::from(self.pooling == Pooling::Largest),
            source_rows: rows.source as u32,
            history: rows.history as u32,
            delay: rows.delay as u32,
            rows: rows.arrivals as u32,
            stride: rows.stride as u32,
            first: rows.first as u32,
            accumulate: u32::from(rows.accumulate),
            values: u32::from(rows.values),
        }
    }
}

params! {
    /// `Params` of the kernels of a convolution.
    pub struct ConvolutionParams {
        /// Rows of the sources.
        source_height: word,
        /// Columns of the sources.
        source_width: word,
        /// Channels of the sources.
        channels: word,
        /// Rows that are pooled.
        pool_height: word,
        /// Columns that are pooled.
        pool_width: word,
        /// Factor on the sum of what is pooled.
        scale: real,
        /// Rows of the kernel.
        kernel_height: word,
        /// Columns of the kernel.
        kernel_width: word,
        /// Rows from one place of the kernel to the next.
        stride_y: word,
        /// Columns from one place of the kernel to the next.
        stride_x: word,
        /// Rows of nothing above and below.
        padding_y: word,
        /// Columns of nothing to the left and right.
        padding_x: word,
        /// Rows from one weight of the kernel to the next.
        dilation_y: word,
        /// Columns from one weight of the kernel to the next.
        dilation_x: word,
        /// Groups of channels.
        groups: word,
        /// Rows of the targets.
        target_height: word,
        /// Columns of the targets.
        target_width: word,
        /// Channels of the targets.
        target_channels: word,
        /// 0: what is pooled is summed; 1: the largest counts.
        largest: option,
        /// Time rows of the sources per sample.
        source_rows: word,
        /// Those before the window.
        history: word,
        /// Steps from spike to arrival.
        delay: word,
        /// Time rows of arrivals per sample.
        rows: word,
        /// Numbers of a row of arrivals.
        stride: word,
        /// Place of the first target in a row of arrivals.
        first: word,
        /// 1: add to what is there; 0: overwrite.
        accumulate: word,
        /// 0: sources spike; 1: sources have values.
        values: option,
    }
}

/// How time rows of the sources meet those of what arrives; see [`ConvolutionParams`].
#[derive(Debug, Clone, Copy)]
pub struct Rows {
    /// Of the sources, per sample.
    pub source: usize,
    /// Of these before the window.
    pub history: usize,
    /// Steps from spike to arrival.
    pub delay: usize,
    /// Of arrivals, per sample.
    pub arrivals: usize,
    /// Numbers of a row of arrivals.
    pub stride: usize,
    /// Place of the first target in it.
    pub first: usize,
    /// Whether what is written is added to.
    pub accumulate: bool,
    /// Whether sources have values rather than spikes.
    pub values: bool,
}

/// What is pooled of a channel, and is not zero.
#[derive(Clone, Copy)]
pub struct Amount<F> {
    /// Place of the channel's first weight.
    pub weight: usize,
    /// Place of its group's first target among the channels of a place.
    pub target: usize,
    channel: u32,
    /// The amount.
    pub z: F,
}

/// The amounts of a row and column of what is pooled: so many, after those of the cell before.
#[derive(Clone, Copy)]
struct Cell {
    at: [u32; 2],
    amounts: usize,
}

/// Neighbouring weights that lead to neighbouring targets: where both begin, and how many there are. Weights are
/// counted from the first of a channel, targets from the first of a group.
#[derive(Clone, Copy)]
pub struct Run {
    /// First weight.
    pub weight: usize,
    /// First target.
    pub target: usize,
    /// Weights.
    pub len: usize,
}

impl<F: Real> ConvolutionParams<F> {
    /// Weights.
    #[inline(always)]
    pub fn weights(&self) -> usize {
        let from = self.channels / self.groups;
        (self.target_channels * from * self.kernel_height * self.kernel_width) as usize
    }

    /// Sources.
    #[inline(always)]
    pub fn sources(&self) -> usize {
        (self.source_height * self.source_width * self.channels) as usize
    }

    /// Targets.
    #[inline(always)]
    pub fn targets(&self) -> usize {
        (self.target_height * self.target_width * self.target_channels) as usize
    }

    /// Rows and columns of what is pooled.
    #[inline(always)]
    pub fn pooled(&self) -> [usize; 2] {
        [
            (self.source_height / self.pool_height) as usize,
            (self.source_width / self.pool_width) as usize,
        ]
    }

    /// Lists the runs of weights that a row and column of what is pooled meets.
    #[inline(always)]
    pub fn runs(&self, [y, x]: [u32; 2], runs: &mut Vec<Run>) {
        runs.clear();
        let (height, width) = (self.kernel_height, self.kernel_width);
        let to = self.target_channels / self.groups;
        // The target that a kernel before `moved` sources begins at, if one does. Divisions are slow, and rarely needed.
        let place = |moved: u32, stride: u32, places: u32| {
            let begin = if stride == 1 { moved } else { moved / stride };
            (begin < places && begin * stride == moved).then_some(begin)
        };
        let contiguous = self.groups == 1 && self.stride_x == 1 && self.dilation_x == 1;
        let right = x + self.padding_x;
        for ky in 0..height {
            let moved = (y + self.padding_y).checked_sub(ky * self.dilation_y);
            let y = moved.and_then(|moved| place(moved, self.stride_y, self.target_height));
            let Some(y) = y else { continue };
            let weight = |j: u32| ((ky * width + j) * to) as usize;
            let target = |x: u32| ((y * self.target_width + x) * self.target_channels) as usize;
            // Weights lie from the right of the kernel to its left, and so do their targets from left to right.
            if contiguous {
                // Targets x = right - (width - 1) + j that are there.
                let first = (width - 1).saturating_sub(right);
                let last = width.min((self.target_width + width - 1).saturating_sub(right));
                if first < last {
                    let x = right + first + 1 - width;
                    let len = ((last - first) * to) as usize;
                    runs.push(Run { weight: weight(first), target: target(x), len });
                }
                continue;
            }
            for j in 0..width {
                let moved = right.checked_sub((width - 1 - j) * self.dilation_x);
                let x = moved.and_then(|moved| place(moved, self.stride_x, self.target_width));
                if let Some(x) = x {
                    runs.push(Run { weight: weight(j), target: target(x), len: to as usize });
                }
            }
        }
    }
}

/// What sources are pooled into, step by step.
pub struct Pool<F> {
    /// Rows and columns of what is pooled, padding included.
    extent: [usize; 2],
    largest: bool,
    scale: F,
    channels: usize,
    /// For each source of a row its place among the sums; [`NOWHERE`] where it fills no window.
    slots: Vec<u32>,
    /// Sums, or largest, of a row of windows by column and channel; zero between two rows.
    sums: Vec<F>,
    /// A bit for each of them that is not zero.
    touched: Vec<u32>,
    /// What is not zero of the last row, by row, column and channel.
    amounts: Vec<Amount<F>>,
    /// Where that is.
    cells: Vec<Cell>,
    /// Nothing of each channel.
    of_channel: Vec<Amount<F>>,
    /// Whether so much is not zero that a product of matrices is faster than adding run by run.
    pub is_dense: bool,
    /// Number of amounts from which on that is so.
    many: usize,
    /// The amounts of a dense row, by channel, row and column, padding included; behind them room for places beyond the last
    /// that are done together with it.
    z: Vec<F>,
}

const NOWHERE: u32 = u32::MAX;

/// Places that are done together: as many sums as a processor adds to at the same time.
pub const TOGETHER: usize = 8;

impl<F: Real> Pool<F> {
    /// Of sources that lie so.
    #[inline(always)]
    pub fn new(p: &ConvolutionParams<F>) -> Self {
        let [height, width] = p.pooled();
        let channels = p.channels as usize;
        let extent = [height + 2 * p.padding_y as usize, width + 2 * p.padding_x as usize];
        let places = (p.target_height * p.target_width) as usize;
        let [from, to] = [p.channels, p.target_channels].map(|n| (n / p.groups) as usize);
        let weights = (p.kernel_height * p.kernel_width) as usize * to;
        let of_channel = |channel: usize| {
            let (weight, target) = (channel * weights, channel / from * to);
            Amount { weight, target, channel: channel as u32, z: F::zero() }
        };
        let slot = |source: u32| {
            let column = source / p.channels / p.pool_width;
            let there = (column as usize) < width;
            if there { column * p.channels + source % p.channels } else { NOWHERE }
        };
        Self {
            extent,
            largest: p.largest == 1,
            scale: p.scale,
            channels,
            slots: (0..p.source_width * p.channels).map(slot).collect(),
            sums: vec![F::zero(); width * channels],
            touched: vec![0; spike_words(width * channels)],
            of_channel: (0..channels).map(of_channel).collect(),
            amounts: Vec::new(),
            cells: Vec::new(),
            is_dense: false,
            many: if places < TOGETHER { usize::MAX } else { height * width * channels / 2 },
            z: vec![F::zero(); extent[0] * extent[1] * channels + TOGETHER * p.stride_x as usize],
        }
    }

    /// Pools a row of the sources, spikes or values.
    #[inline(always)]
    pub fn row(&mut self, p: &ConvolutionParams<F>, row: usize, spikes: &[u32], x: &[F]) {
        let (sources, words) = (p.sources(), spike_words(p.sources()));
        self.amounts.clear();
        self.cells.clear();
        let of_row = self.slots.len();
        for y in 0..p.pooled()[0] {
            for source in y * p.pool_height as usize..(y + 1) * p.pool_height as usize {
                match p.values == 1 {
                    true => self.values(&x[row * sources + source * of_row..][..of_row]),
                    false => self.spikes(&spikes[row * words..][..words], source * of_row),
                }
            }
            self.take(y as u32);
        }
        self.is_dense = self.amounts.len() > self.many;
        if self.is_dense {
            let mut z = std::mem::take(&mut self.z);
            z.fill(F::zero());
            for ([y, x], amounts) in self.cells() {
                let [_, cell] = self.cell((y + p.padding_y) as usize, (x + p.padding_x) as usize);
                for at in amounts {
                    z[at.channel as usize * self.extent[0] * self.extent[1] + cell] = at.z;
                }
            }
            self.z = z;
        }
    }

    /// Adds a row of sources, of which the first has bit number `first`, to the sums.
    #[inline(always)]
    fn spikes(&mut self, words: &[u32], first: usize) {
        let end = first + self.slots.len();
        for (k, word) in words[first / 32..end.div_ceil(32)].iter().enumerate() {
            let at = (first / 32 + k) * 32;
            // Bits of this row only.
            let mut bits = *word & u32::MAX << first.saturating_sub(at);
            bits &= u32::MAX >> (32 - (end - at).min(32));
            while bits != 0 {
                let slot = self.slots[at + bits.trailing_zeros() as usize - first];
                bits &= bits - 1;
                self.count(slot, F::one());
            }
        }
    }

    /// The same of values.
    #[inline(always)]
    fn values(&mut self, values: &[F]) {
        for (k, value) in values.iter().enumerate() {
            if *value != F::zero() {
                self.count(self.slots[k], *value);
            }
        }
    }

    #[inline(always)]
    fn count(&mut self, slot: u32, value: F) {
        if let Some(sum) = self.sums.get_mut(slot as usize) {
            *sum = if self.largest { sum.max(value) } else { *sum + value };
            self.touched[slot as usize / 32] |= 1 << (slot % 32);
        }
    }

    /// Lists what has come together in a row of windows, and begins with the next.
    #[inline(always)]
    fn take(&mut self, y: u32) {
        let (mut x, mut first) = (0, 0);
        for (k, touched) in self.touched.iter_mut().enumerate() {
            let mut bits = std::mem::take(touched);
            while bits != 0 {
                let slot = 32 * k + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let z = std::mem::replace(&mut self.sums[slot], F::zero()) * self.scale;
                if z == F::zero() {
                    continue;
                }
                while slot >= first + self.channels {
                    (x, first) = (x + 1, first + self.channels);
                }
                match self.cells.last_mut() {
                    Some(cell) if cell.at == [y, x] => cell.amounts += 1,
                    _ => self.cells.push(Cell { at: [y, x], amounts: 1 }),
                }
                self.amounts.push(Amount { z, ..self.of_channel[slot - first] });
            }
        }
    }

    /// What is not zero of the last row: row and column, and the amounts of channels there.
    #[inline(always)]
    pub fn cells(&self) -> impl Iterator<Item = ([u32; 2], &[Amount<F>])> {
        let mut rest = &self.amounts[..];
        self.cells.iter().map(move |cell| {
            let (own, others) = rest.split_at(cell.amounts);
            rest = others;
            (cell.at, own)
        })
    }

    /// Amounts of neighbouring places of the targets, which begin at a row and column, padding included.
    #[inline(always)]
    pub fn together(&self, channel: usize, [y, x]: [usize; 2], stride: usize) -> [F; TOGETHER] {
        let at = (channel * self.extent[0] + y) * self.extent[1] + x;
        match stride {
            1 => *block(&self.z, at),
            _ => {
                let z = &self.z[at..][..(TOGETHER - 1) * stride + 1];
                std::array::from_fn(|place| z[place * stride])
            }
        }
    }

    /// The amounts by group of channels, as many of them as fill a register, row and column, padding included, and
    /// channel.
    #[inline(always)]
    pub fn packed<S: Simd>(&self, w: Width<S>, groups: usize, packed: &mut Vec<F>) {
        let (cells, lanes) = (self.extent[0] * self.extent[1], w.lanes::<F>());
        let within = self.channels / groups;
        packed.clear();
        packed.resize(groups * within.div_ceil(lanes) * cells * lanes, F::zero());
        for (channel, z) in self.z.chunks_exact(cells).take(self.channels).enumerate() {
            let (group, c) = (channel / within, channel % within);
            let first = (group * within.div_ceil(lanes) + c / lanes) * cells;
            let out = packed[first * lanes + c % lanes..].iter_mut().step_by(lanes);
            out.zip(z).for_each(|(out, z)| *out = *z);
        }
    }

    /// Number of places of a channel, and that of a row and column, padding included.
    #[inline(always)]
    pub fn cell(&self, y: usize, x: usize) -> [usize; 2] {
        [self.extent[0] * self.extent[1], y * self.extent[1] + x]
    }
}

/// The sums over k of `left[k][place] · right[k]`, a register for each place.
#[inline(always)]
pub fn product<'a, S: Simd, F: Real>(
    w: Width<S>,
    left: impl Iterator<Item = &'a [F; TOGETHER]>,
    right: impl Iterator<Item = Vector<S, F>>,
) -> [Vector<S, F>; TOGETHER] {
    let mut sums = [w.splat(F::zero()); TOGETHER];
    for (left, right) in left.zip(right) {
        for (sum, left) in sums.iter_mut().zip(left) {
            *sum = w.splat(*left).mul_add(right, *sum);
        }
    }
    sums
}

/// Adds to numbers of a row.
#[inline(always)]
pub fn add_to<S: Simd, F: Real>(w: Width<S>, row: &mut [F], first: usize, sum: Vector<S, F>) {
    let sum = w.load(row, first) + sum;
    w.store(row, first, sum);
}

/// Neighbouring numbers that are summed together, in registers.
const REGISTERS: usize = 4;

/// Adds to the arrivals of a run what the amounts bring.
#[inline(always)]
pub fn add_run<S: Simd, F: Real>(
    w: Width<S>,
    out: &mut [F],
    weights: &[F],
    run: Run,
    amounts: &[Amount<F>],
) {
    let lanes = w.lanes::<F>();
    // All amounts have the same targets where there are no groups.
    for amounts in amounts.chunk_by(|a, b| a.target == b.target) {
        let out = &mut out[amounts[0].target + run.target..][..run.len];
        let mut blocks = out.chunks_exact_mut(REGISTERS * lanes);
        let mut first = run.weight;
        for out in blocks.by_ref() {
            let mut sums: [_; REGISTERS] = std::array::from_fn(|k| w.load(out, k * lanes));
            for at in amounts {
                let weights = &weights[at.weight + first..][..REGISTERS * lanes];
                let z = w.splat(at.z);
                for (k, sum) in sums.iter_mut().enumerate() {
                    *sum = z.mul_add(w.load(weights, k * lanes), *sum);
                }
            }
            for (k, sum) in sums.into_iter().enumerate() {
                w.store(out, k * lanes, sum);
            }
            first += REGISTERS * lanes;
        }
        let out = blocks.into_remainder();
        for at in amounts {
            add_scaled(out, at.z, &weights[at.weight + first..]);
        }
    }
}

/// Adds to gradients by the weights of a run what the amounts bring with the gradients by its arrivals.
#[inline(always)]
pub fn add_run_gradients<S: Simd, F: Real>(
    w: Width<S>,
    out: &mut [F],
    arrivals: &[F],
    run: Run,
    amounts: &[Amount<F>],
) {
    let lanes = w.lanes::<F>();
    for amounts in amounts.chunk_by(|a, b| a.target == b.target) {
        let arrivals = &arrivals[amounts[0].target + run.target..][..run.len];
        let blocks = arrivals.chunks_exact(REGISTERS * lanes);
        let rest = blocks.remainder();
        let mut first = run.weight;
        for arrivals in blocks {
            let bars: [_; REGISTERS] = std::array::from_fn(|k| w.load(arrivals, k * lanes));
            for at in amounts {
                let out = &mut out[at.weight + first..][..REGISTERS * lanes];
                let z = w.splat(at.z);
                for (k, bar) in bars.into_iter().enumerate() {
                    let sum = z.mul_add(bar, w.load(out, k * lanes));
                    w.store(out, k * lanes, sum);
                }
            }
            first += REGISTERS * lanes;
        }
        for at in amounts {
            add_scaled(&mut out[at.weight + first..], at.z, rest);
        }
    }
}

/// out += factor · row.
#[inline(always)]
fn add_scaled<F: Real>(out: &mut [F], factor: F, row: &[F]) {
    for (out, x) in out.iter_mut().zip(row) {
        *out = factor.mul_add(*x, *out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strided() -> Convolution {
        let (kernel, stride, padding, dilation) = ([3, 2], [2, 1], [1, 0], [1, 2]);
        let target = [
            places(7, kernel[0], stride[0], padding[0], dilation[0]),
            places(4, kernel[1], stride[1], padding[1], dilation[1]),
            6,
        ];
        Convolution {
            source: [15, 9, 4],
            pool: [2, 2],
            pooling: Pooling::Mean,
            kernel,
            stride,
            padding,
            dilation,
            groups: 2,
            target,
        }
    }

    /// The place on a device is a permutation, and what lists say of pairs is what runs do.
    #[test]
    fn runs_are_the_lists() {
        let c = strided();
        let places: Vec<_> = c.places().collect();
        let mut sorted = places.clone();
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..c.weights()));

        let (start, source, weight) = c.lists();
        let mut listed = Vec::new();
        for (target, ends) in start.windows(2).enumerate() {
            for k in ends[0] as usize..ends[1] as usize {
                listed.push((source[k], target, places[weight[k] as usize]));
            }
        }
        let rows = Rows {
            source: 1,
            history: 0,
            delay: 0,
            arrivals: 1,
            stride: 0,
            first: 0,
            accumulate: false,
            values: false,
        };
        let p = c.params(&rows);
        let mut pool = Pool::new(&p);
        let (mut run, mut runs) = (Vec::new(), Vec::new());
        for source in 0..p.sources() {
            let mut words = vec![0; spike_words(p.sources())];
            words[source / 32] = 1 << (source % 32);
            pool.row(&p, 0, &words, &[]);
            for (at, amounts) in pool.cells() {
                p.runs(at, &mut runs);
                for (r, at) in runs.iter().flat_map(|r| amounts.iter().map(move |at| (r, at))) {
                    assert!((at.z - 0.25).abs() < 1e-15);
                    let (target, weight) = (at.target + r.target, at.weight + r.weight);
                    run.extend((0..r.len).map(|k| (source as u32, target + k, weight + k)));
                }
            }
        }
        assert_eq!(listed.len() as u64, c.synapses());
        listed.sort_unstable();
        run.sort_unstable();
        assert_eq!(listed, run);
        assert!(!listed.is_empty());
    }

    #[test]
    fn a_kernel_has_as_many_places_as_the_formula_says() {
        // floor((H + 2 p - d (k - 1) - 1) / s) + 1
        assert_eq!(places(28, 5, 1, 0, 1), 24);
        assert_eq!(places(28, 5, 2, 2, 1), 14);
        assert_eq!(places(10, 3, 3, 0, 2), 2);
        assert_eq!(places(3, 5, 1, 0, 1), 0);
    }
}
