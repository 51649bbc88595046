//! What the sources of a convolution are pooled into, and sums of rows: what twins of convolutions share.
//!
//! Few sources spike. Of what is pooled, [`Bins`] hold what is not zero, so that all that adds to the same sums is
//! together; [`add_rows`] then keeps these in registers. Of delivery the sums are arrivals of neighbouring targets and the rows
//! are weights; of the gradient by weights it is the other way round. What goes back to sources is a product of matrices
//! ([`add_products`]), in which nothing is zero.

use super::convolution::ConvolutionParams;
use crate::kernel::*;
use crate::vector::Width;

/// What sources are pooled into.
pub struct Pool<F> {
    /// From the first source of a window to the first of each of its places.
    places: Vec<usize>,
    /// What so many spikes of a window are pooled into.
    amounts: Vec<F>,
    /// What values of a row of windows are pooled into, by column and channel.
    z: Vec<F>,
}

impl<F: Real> Pool<F> {
    /// Of sources that lie so.
    #[inline(always)]
    pub fn new(p: &ConvolutionParams<F>) -> Self {
        let place = |k: u32| {
            (k / p.pool_width * p.source_width + k % p.pool_width) as usize * p.channels as usize
        };
        let places = p.pool_height * p.pool_width;
        let amount = |count: u32| if p.largest == 1 { count.min(1) } else { count };
        Self {
            places: (0..places).map(place).collect(),
            amounts: (0..=places).map(|n| F::of_int(amount(n) as i32) * p.scale).collect(),
            z: vec![F::zero(); p.pooled()[1] * p.channels as usize],
        }
    }

    /// Calls back with column, channel and amount of each that is not zero in row `y` of what a row of the sources is
    /// pooled into.
    #[inline(always)]
    pub fn each(
        &mut self,
        p: &ConvolutionParams<F>,
        [row, y]: [usize; 2],
        (spikes, x): (&[u32], &[F]),
        each: impl FnMut(usize, usize, F),
    ) {
        let n = p.sources();
        match p.values == 1 {
            true => self.each_of_values(p, y, &x[row * n..][..n], each),
            false => {
                self.each_of_spikes(p, y, &spikes[row * spike_words(n)..][..spike_words(n)], each)
            }
        }
    }

    #[inline(always)]
    fn each_of_values(
        &mut self,
        p: &ConvolutionParams<F>,
        y: usize,
        x: &[F],
        mut each: impl FnMut(usize, usize, F),
    ) {
        let channels = p.channels as usize;
        let of_row = p.source_width as usize * channels;
        let rows = x.chunks_exact(of_row).skip(y * p.pool_height as usize);
        self.z.fill(F::zero());
        for row in rows.take(p.pool_height as usize) {
            let windows = row.chunks_exact(p.pool_width as usize * channels);
            for (z, window) in self.z.chunks_exact_mut(channels).zip(windows) {
                for x in window.chunks_exact(channels) {
                    for (z, x) in z.iter_mut().zip(x) {
                        *z = if p.largest == 1 { z.max(*x) } else { *z + *x };
                    }
                }
            }
        }
        for (column, z) in self.z.chunks_exact(channels).enumerate() {
            for (c, z) in z.iter().enumerate() {
                if *z != F::zero() {
                    each(column, c, p.scale * *z);
                }
            }
        }
    }

    #[inline(always)]
    fn each_of_spikes(
        &self,
        p: &ConvolutionParams<F>,
        y: usize,
        spikes: &[u32],
        mut each: impl FnMut(usize, usize, F),
    ) {
        let (width, channels) = (p.pooled()[1], p.channels as usize);
        let of_window = p.pool_width as usize * channels;
        let corner = y * p.pool_height as usize * p.source_width as usize * channels;
        for column in 0..width {
            for first in (0..channels).step_by(32) {
                let at = corner + column * of_window + first;
                let mut call = |c: u32, count: u32| {
                    each(column, first + c as usize, self.amounts[count as usize]);
                };
                let mask = u32::MAX >> (32 - (channels - first).min(32));
                match *self.places {
                    [_] => each_bit(bits(spikes, at) & mask, |c| call(c, 1)),
                    [a, b, d, e] => {
                        let of = [a, b, d, e].map(|place| bits(spikes, at + place));
                        let any = (of[0] | of[1] | of[2] | of[3]) & mask;
                        each_bit(any, |c| call(c, of.map(|bits| bits >> c & 1).iter().sum()));
                    }
                    _ => {
                        let of = || self.places.iter().map(|place| bits(spikes, at + place));
                        let any = of().fold(0, |any, bits| any | bits) & mask;
                        each_bit(any, |c| call(c, of().map(|bits| bits >> c & 1).sum()));
                    }
                }
            }
        }
    }
}

/// Calls back with the number of each bit that is set.
#[inline(always)]
fn each_bit(mut bits: u32, mut each: impl FnMut(u32)) {
    while bits != 0 {
        each(bits.trailing_zeros());
        bits &= bits - 1;
    }
}

/// 32 bits from the `first` on; those that are not there are zero.
#[inline(always)]
fn bits(words: &[u32], first: usize) -> u32 {
    let high = words.get(first / 32 + 1).map_or(0, |high| u64::from(*high));
    ((u64::from(words[first / 32]) | high << 32) >> (first % 32)) as u32
}

/// An amount, and where the numbers begin that it multiplies.
#[derive(Clone, Copy)]
pub struct Amount<F> {
    /// First of these numbers, from a place on that all amounts of a sum share.
    pub at: u32,
    /// The amount.
    pub z: F,
}

/// Amounts in bins, and within a bin row after row, as they are put there.
pub struct Bins<F> {
    amounts: Vec<Amount<F>>,
    room: usize,
    /// Where each bin's amounts end so far.
    ends: Vec<u32>,
    /// The same when each row began.
    rows: Vec<u32>,
}

impl<F: Real> Bins<F> {
    /// So many bins with room for so many amounts.
    #[inline(always)]
    pub fn new(bins: usize, room: usize) -> Self {
        let nothing = Amount { at: 0, z: F::zero() };
        Self { amounts: vec![nothing; bins * room], room, ends: vec![0; bins], rows: Vec::new() }
    }

    /// Takes everything out.
    #[inline(always)]
    pub fn clear(&mut self) {
        for (bin, end) in self.ends.iter_mut().enumerate() {
            *end = (bin * self.room) as u32;
        }
        self.rows.clear();
        self.rows.extend_from_slice(&self.ends);
    }

    /// Puts an amount where the row of its bin ends.
    #[inline(always)]
    pub fn put(&mut self, bin: usize, amount: Amount<F>) {
        let end = &mut self.ends[bin];
        self.amounts[*end as usize] = amount;
        *end += 1;
    }

    /// What is put from here on is of the next row.
    #[inline(always)]
    pub fn end_row(&mut self) {
        self.rows.extend_from_slice(&self.ends);
    }

    /// The amounts of a bin in neighbouring rows.
    #[inline(always)]
    pub fn of(&self, bin: usize, rows: &std::ops::Range<usize>) -> &[Amount<F>] {
        let [first, end] = [rows.start, rows.end].map(|row| self.rows[row * self.ends.len() + bin]);
        &self.amounts[first as usize..end as usize]
    }
}

/// Rows of what is pooled, in an order in which those that the same places of kernels see are neighbours: by
/// (row + padding) modulo `step`, then by row.
#[inline(always)]
pub fn in_steps(rows: usize, padding: usize, step: usize) -> Vec<usize> {
    let phases = (0..step).map(|phase| (0..rows).filter(move |y| (y + padding) % step == phase));
    phases.flatten().collect()
}

/// Where in a list those lie that are chosen, which are neighbours.
#[inline(always)]
pub fn range_of(list: &[usize], chosen: impl Fn(usize) -> bool) -> std::ops::Range<usize> {
    let first = list.iter().position(|y| chosen(*y)).unwrap_or(0);
    let count = list.iter().filter(|y| chosen(**y)).count();
    first..first + count
}

/// Runs `$body` for each block of so many registers of a row of `$count` registers, from register `$at` on.
macro_rules! register_blocks {
    ($count:expr, |$at:ident, $block:ident| $body:expr, $($size:literal),*) => {{
        let count: usize = $count;
        let mut $at = 0;
        $(while count - $at >= $size {
            const $block: usize = $size;
            $body;
            $at += $size;
        })*
    }};
}

/// out += sum over amounts of z · rows[at + first - before ..], as many numbers as `out` has.
#[inline(always)]
pub fn add_rows<S: Simd, F: Real>(
    w: Width<S>,
    out: &mut [F],
    rows: &[F],
    [first, before]: [usize; 2],
    amounts: &[Amount<F>],
) {
    if amounts.is_empty() {
        return;
    }
    let lanes = w.lanes::<F>();
    register_blocks!(
        out.len().div_ceil(lanes),
        |k, N| {
            let numbers = k * lanes..out.len().min((k + N) * lanes);
            let first = first + k * lanes;
            add_block::<S, F, N>(w, &mut out[numbers], rows, [first, before], amounts);
        },
        10,
        8,
        6,
        5,
        4,
        3,
        2,
        1
    );
}

/// The same of as many numbers as `N` registers hold, or some less.
#[inline(always)]
fn add_block<S: Simd, F: Real, const N: usize>(
    w: Width<S>,
    out: &mut [F],
    rows: &[F],
    [first, before]: [usize; 2],
    amounts: &[Amount<F>],
) {
    let lanes = w.lanes::<F>();
    if out.len() == N * lanes {
        let mut sums = [w.splat(F::zero()); N];
        for (k, sum) in sums.iter_mut().enumerate() {
            *sum = w.load(out, k * lanes);
        }
        for amount in amounts {
            let row = &rows[amount.at as usize + first - before..][..N * lanes];
            let z = w.splat(amount.z);
            for (k, sum) in sums.iter_mut().enumerate() {
                *sum = z.mul_add(w.load(row, k * lanes), *sum);
            }
        }
        for (k, sum) in sums.into_iter().enumerate() {
            w.store(out, k * lanes, sum);
        }
        return;
    }
    for k in 0..N {
        let out = &mut out[k * lanes..];
        let len = out.len().min(lanes);
        let mut sum = w.load(&out[..len], 0);
        for amount in amounts {
            let row = &rows[amount.at as usize + first + k * lanes - before..][..len];
            sum = w.splat(amount.z).mul_add(w.load(row, 0), sum);
        }
        w.store(&mut out[..len], 0, sum);
    }
}

// ---- products of matrices -------------------------------------------------------------------------

/// Rows that are added to together in a product of matrices. With [`MOST`] registers of each, sums come as fast as
/// a processor can add, and still find room in the registers of every one.
pub const TOGETHER: usize = 4;

/// The most registers of each.
pub const MOST: usize = 3;

/// Terms of a product of matrices: `left[m, k] right[k, ..]` for each k.
#[derive(Clone, Copy)]
pub struct Terms<'a, F> {
    /// The left matrix, from the first of the rows that are done together on.
    pub left: &'a [F],
    /// The right matrix.
    pub right: &'a [F],
    /// Numbers from one row to the next of either.
    pub steps: [usize; 2],
    /// How many k there are.
    pub count: usize,
}

/// `out[at[m] ..] += sum over terms of left[m, k] right[k, ..]`, of so many numbers each.
#[inline(always)]
pub fn add_products<S: Simd, F: Real, const M: usize>(
    w: Width<S>,
    out: &mut [F],
    at: [usize; M],
    len: usize,
    terms: &[Terms<'_, F>],
) {
    let lanes = w.lanes::<F>();
    register_blocks!(
        len / lanes,
        |k, N| add_tile::<S, F, M, N>(w, out, at, [k * lanes, N * lanes], terms),
        3,
        2,
        1
    );
    if !len.is_multiple_of(lanes) {
        add_tile::<S, F, M, 1>(w, out, at, [len / lanes * lanes, len % lanes], terms);
    }
}

/// The same of the numbers from the `first` on that `N` registers hold.
#[inline(always)]
fn add_tile<S: Simd, F: Real, const M: usize, const N: usize>(
    w: Width<S>,
    out: &mut [F],
    at: [usize; M],
    [first, len]: [usize; 2],
    terms: &[Terms<'_, F>],
) {
    let lanes = w.lanes::<F>();
    let mut sums = [[w.splat(F::zero()); N]; M];
    for terms in terms {
        let mut left = [&terms.left[..terms.count]; M];
        for m in 1..M {
            left[m] = &terms.left[m * terms.steps[0]..][..terms.count];
        }
        for k in 0..terms.count {
            let row = &terms.right[k * terms.steps[1] + first..][..len];
            let mut right = [w.splat(F::zero()); N];
            for n in 0..N {
                right[n] = w.load(row, n * lanes);
            }
            for m in 0..M {
                let left = w.splat(left[m][k]);
                for n in 0..N {
                    sums[m][n] = left.mul_add(right[n], sums[m][n]);
                }
            }
        }
    }
    for (at, sums) in at.into_iter().zip(sums) {
        let out = &mut out[at + first..][..len];
        for (n, sum) in sums.into_iter().enumerate() {
            let sum = w.load(out, n * lanes) + sum;
            w.store(out, n * lanes, sum);
        }
    }
}

/// Runs `$body` with so many numbers at a time, from `$at` on: a constant `$together` of them, then one by one.
macro_rules! together {
    ($count:expr, |$at:ident, $together:ident| $body:expr) => {{
        let count: usize = $count;
        let whole = count / $crate::synapse::pool::TOGETHER * $crate::synapse::pool::TOGETHER;
        for $at in (0..whole).step_by($crate::synapse::pool::TOGETHER) {
            const $together: usize = $crate::synapse::pool::TOGETHER;
            $body;
        }
        for $at in whole..count {
            const $together: usize = 1;
            $body;
        }
    }};
}
pub(crate) use together;
