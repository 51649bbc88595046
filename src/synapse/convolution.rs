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
//! run of arrivals, and its part of the gradient is a run of arrivals added to a run of weights. In a simulation
//! weights that change are in the order of files there too: those of a channel c lie together, as those of a target do
//! that has its own.
//!
//! The file is long, since two halves of it are one statement: where each weight lies, and how spikes run over it.

use crate::kernel::*;

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

    /// Every synapse of a target, given by its row, column and channel, weights in the order of files: for each source
    /// place that it has, the first of its sources there and which weight that has. The other channels of the group
    /// follow, one source and the weights of one channel of a kernel further on each.
    #[inline(always)]
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
                let weight = (c * from * self.kernel[0] + ky) * self.kernel[1] + kx;
                for dy in 0..self.pool[0] {
                    for dx in 0..self.pool[1] {
                        let row = row * self.pool[0] + dy;
                        let place = row * self.source[1] + column * self.pool[1] + dx;
                        each(place * self.source[2] + c / to * from, weight);
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
        let (from, area) = (self.source[2] / self.groups, self.kernel[0] * self.kernel[1]);
        let mut pairs = Vec::new();
        for target in 0..height * width * channels {
            let place = target / channels;
            pairs.clear();
            self.each_source(
                [place / width, place % width, target % channels],
                |source, weight| {
                    let pair = |k: usize| ((source + k) as u32, (weight + k * area) as u32);
                    pairs.extend((0..from).map(pair));
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

    /// The same of a source: for each place of targets that has it, the first of its targets there and which weight that
    /// has. The other channels of the group follow, one target and [`Self::fan_in`] weights further on each.
    #[inline(always)]
    pub fn each_target(&self, source: usize, mut each: impl FnMut(usize, usize)) {
        let [_, columns, channels] = self.source;
        let [from, to] = [self.source[2], self.target[2]].map(|channels| channels / self.groups);
        let (place, channel) = (source / channels, source % channels);
        let cell = [place / columns / self.pool[0], place % columns / self.pool[1]];
        let pooled = self.pooled();
        if (0..2).any(|axis| cell[axis] >= pooled[axis]) {
            return;
        }
        let along = |axis: usize, k: usize| {
            let away = (cell[axis] + self.padding[axis]).checked_sub(k * self.dilation[axis])?;
            let place = away / self.stride[axis];
            (place * self.stride[axis] == away && place < self.target[axis]).then_some(place)
        };
        let first = channel / from * to;
        for ky in 0..self.kernel[0] {
            let Some(y) = along(0, ky) else { continue };
            for kx in 0..self.kernel[1] {
                let Some(x) = along(1, kx) else { continue };
                let row = (first * from + channel % from) * self.kernel[0] + ky;
                let target = (y * self.target[1] + x) * self.target[2] + first;
                each(target, row * self.kernel[1] + kx);
            }
        }
    }

    /// How it lies, for its kernels.
    pub fn geometry(&self) -> Geometry<f64> {
        let [source_height, source_width, channels] = self.source.map(|n| n as u32);
        let [target_height, target_width, target_channels] = self.target.map(|n| n as u32);
        let [pool_height, pool_width] = self.pool.map(|n| n as u32);
        let [kernel_height, kernel_width] = self.kernel.map(|n| n as u32);
        let [stride_y, stride_x] = self.stride.map(|n| n as u32);
        let [padding_y, padding_x] = self.padding.map(|n| n as u32);
        let [dilation_y, dilation_x] = self.dilation.map(|n| n as u32);
        Geometry {
            source_height,
            source_width,
            channels,
            pool_height,
            pool_width,
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
        }
    }

    /// The parameters of its kernels in a training.
    pub fn params(&self, rows: &Rows) -> Vec<Word> {
        let largest = u32::from(self.pooling == Pooling::Largest);
        let flags = [rows.accumulate, rows.values].map(u32::from);
        let rows = [rows.source, rows.history, rows.delay, rows.arrivals, rows.stride, rows.first];
        let rows = rows.map(|n| n as u32);
        let own = [&[largest], &rows[..], &flags].concat().into_iter().map(Word::U);
        let own = [Word::F(self.scale())].into_iter().chain(own);
        own.chain(self.geometry().words()).collect()
    }
}

/// Declares the parameters of a kernel of a convolution with a macro that declares such: its own, then how the convolution
/// lies.
#[macro_export]
macro_rules! convolution_params {
    ($declare:ident! { $(#[$doc:meta])* pub struct $name:ident { $($own:tt)* } }) => {
        $crate::$declare! {
            $(#[$doc])*
            pub struct $name {
                $($own)*
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
            }
        }
    };
}

convolution_params! {
    params! {
        /// The parameters with which every kernel of a convolution ends.
        pub struct Geometry {}
    }
}

convolution_params! {
    params! {
        /// `Params` of the kernels of a convolution in a training.
        pub struct ConvolutionParams {
            /// Factor on the sum of what is pooled.
            scale: real,
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
}

impl<F: Real> Geometry<F> {
    /// The convolution of a kernel with these parameters. What is pooled is summed: a factor on the sum is in what the
    /// kernel is given of weights or changes.
    #[inline(always)]
    pub fn convolution(params: &[Word]) -> Convolution {
        let g = Self::of(&params[params.len() - Self::FIELDS.len()..]);
        Convolution {
            source: [g.source_height, g.source_width, g.channels].map(|n| n as usize),
            pool: [g.pool_height, g.pool_width].map(|n| n as usize),
            pooling: Pooling::Sum,
            kernel: [g.kernel_height, g.kernel_width].map(|n| n as usize),
            stride: [g.stride_y, g.stride_x].map(|n| n as usize),
            padding: [g.padding_y, g.padding_x].map(|n| n as usize),
            dilation: [g.dilation_y, g.dilation_x].map(|n| n as usize),
            groups: g.groups as usize,
            target: [g.target_height, g.target_width, g.target_channels].map(|n| n as usize),
        }
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

/// Neighbouring weights of a row of a kernel that lead to neighbouring targets of a row. Weights are counted from the
/// first of the row of the kernel, targets from the first of the row and group.
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

    /// Rows and columns of a kernel.
    #[inline(always)]
    pub fn kernel(&self) -> [usize; 2] {
        [self.kernel_height as usize, self.kernel_width as usize]
    }

    /// Channels of a group of the sources, and of the targets.
    #[inline(always)]
    pub fn of_group(&self) -> [usize; 2] {
        [self.channels, self.target_channels].map(|channels| (channels / self.groups) as usize)
    }

    /// The runs of weights that each column of what is pooled meets in a row of a kernel.
    #[inline(always)]
    pub fn runs(&self) -> Vec<Vec<Run>> {
        (0..self.pooled()[1] as u32).map(|x| self.runs_of(x)).collect()
    }

    #[inline(always)]
    fn runs_of(&self, x: u32) -> Vec<Run> {
        let (width, to) = (self.kernel_width, self.target_channels / self.groups);
        let right = x + self.padding_x;
        let weight = |j: u32| (j * to) as usize;
        let target = |x: u32| (x * self.target_channels) as usize;
        // Weights lie from the right of the kernel to its left, and so do their targets from left to right.
        if self.groups == 1 && self.stride_x == 1 && self.dilation_x == 1 {
            // Targets x = right - (width - 1) + j that are there.
            let first = (width - 1).saturating_sub(right);
            let last = width.min((self.target_width + width - 1).saturating_sub(right));
            let run = || {
                let len = ((last - first) * to) as usize;
                Run { weight: weight(first), target: target(right + first + 1 - width), len }
            };
            return (first < last).then(run).into_iter().collect();
        }
        let run = |j: u32| {
            let moved = right.checked_sub((width - 1 - j) * self.dilation_x)?;
            let x = moved / self.stride_x;
            let there = x < self.target_width && x * self.stride_x == moved;
            there.then(|| Run { weight: weight(j), target: target(x), len: to as usize })
        };
        (0..width).filter_map(run).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synapse::{convolve, convolve_gradient};

    /// Pooled by two, rows and columns left over, all that a convolution can have.
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

    /// Rows and columns changed, so that each of both has what only one had.
    fn dilated() -> Convolution {
        let c = strided();
        let turned = |[y, x]: [usize; 2]| [x, y];
        Convolution {
            source: [9, 15, 4],
            kernel: turned(c.kernel),
            stride: turned(c.stride),
            padding: turned(c.padding),
            dilation: turned(c.dilation),
            target: [c.target[1], c.target[0], 6],
            ..c
        }
    }

    /// The place on a device is a permutation, and what lists say of pairs is what single spikes do.
    #[test]
    fn kernels_do_what_the_lists_say() {
        for c in [strided(), dilated()] {
            let places: Vec<_> = c.places().collect();
            let mut sorted = places.clone();
            sorted.sort_unstable();
            assert!(sorted.into_iter().eq(0..c.weights()));

            let targets = c.target.iter().product::<usize>();
            let (start, source, weight) = c.lists();
            assert_eq!(source.len() as u64, c.synapses());
            let rows = Rows {
                source: 1,
                history: 0,
                delay: 0,
                arrivals: 1,
                stride: targets,
                first: 0,
                accumulate: false,
                values: false,
            };
            let params = c.params(&rows);
            let clock = Clock {
                seed: 0,
                step: 0,
                samples: 1,
                slot: 0,
                learning_rate: 0.0,
                corrections: [0.0; 2],
            };
            let call = |kernel: &Kernel, args: Args<'_, f64>| {
                let (params, clock, span) = (&params, &clock, Span { t0: 0, t1: 1 });
                (kernel.twin64)(Call { params, clock, span, units: 0..1, args });
            };
            // Numbers whose sums are exact.
            let weights: Vec<f64> = (0..c.weights()).map(|k| (k + 1) as f64).collect();
            let bars: Vec<f64> = (0..targets).map(|k| (k + 1) as f64).collect();
            let mut any = false;
            for spiking in 0..c.source.iter().product::<usize>() {
                let mut words = vec![0; spike_words(c.source.iter().product())];
                words[spiking / 32] = 1 << (spiking % 32);
                let (mut arrivals, mut gradient) = (vec![0.0; targets], vec![0.0; c.weights()]);
                let spikes = || [Slice::Words(&words), Slice::Reals(&[])];
                let of = [Slice::Reals(&weights), Slice::RealsMut(&mut arrivals)];
                call(&convolve::KERNEL, spikes().into_iter().chain(of).collect());
                let of = [Slice::Reals(&bars), Slice::RealsMut(&mut gradient)];
                call(&convolve_gradient::KERNEL, spikes().into_iter().chain(of).collect());

                let (mut listed, mut by_weight) = (vec![0.0; targets], vec![0.0; c.weights()]);
                for (target, ends) in start.windows(2).enumerate() {
                    for k in ends[0] as usize..ends[1] as usize {
                        if source[k] as usize == spiking {
                            let place = places[weight[k] as usize];
                            listed[target] += 0.25 * weights[place];
                            by_weight[place] += 0.25 * bars[target];
                            any = true;
                        }
                    }
                }
                assert_eq!(arrivals, listed, "source {spiking}");
                let mut met = vec![0.0; targets];
                c.each_target(spiking, |target, weight| {
                    for k in 0..c.target[2] / c.groups {
                        met[target + k] += 0.25 * weights[places[weight + k * c.fan_in()]];
                    }
                });
                assert_eq!(met, listed, "source {spiking}");
                assert_eq!(gradient, by_weight, "source {spiking}");
            }
            assert!(any);
        }
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
