//! Gradient by the spikes of a convolution's sources.
//!
//! ```text
//!   z_bar[b, t, c', y, x] = sum over weights w of this place of  w arrivals_bar[b, t + delay, target of w]
//!   cotangent[b, t, i] (+)= z_bar of the place of i        of pooled means divided by their number; of the largest only
//!                                                          where i is the first as large, and not zero
//! ```
//! and nothing where t + delay lies beyond the window. All targets have gradients, so this is a product of matrices:
//! for each weight of the kernel, places by target channels times target channels by channels.

use super::convolution::{ConvolutionParams, TOGETHER, add_to, product};
use crate::kernel::*;
use crate::vector::Width;

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/convolve_backward",
    wgsl: include_str!("../../shaders/synapse/convolve_backward.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("spikes"),        // [samples, source_rows, words]
        reals("x"),             // [samples, source_rows, sources]
        reals("weights"),       // as those of convolve
        reals("arrivals"),      // [samples, rows, stride] gradient by arrivals
        reals_mut("cotangent"), // [samples, rows, sources]
    ],
    layouts: &[],
    params: ConvolutionParams::<f32>::FIELDS,
    twin32: dispatched::<ConvolveBackward, f32>,
    twin64: scalar::<ConvolveBackward, f64>,
};

/// The twin of `shaders/synapse/convolve_backward.wgsl`.
pub struct ConvolveBackward;

impl Twin for ConvolveBackward {
    #[inline(always)]
    fn run<S: Simd, F: Real>(simd: S, call: Call<'_, F>) {
        let p = ConvolutionParams::<F>::of(call.params);
        let [spikes, x, weights, arrivals, cotangent] = Call::take(call.args);
        let (spikes, x, arrivals) = (spikes.words(), x.reals(), arrivals.reals());
        let cotangent = cotangent.reals_mut();
        let (sources, rows) = (p.sources(), p.rows as usize);
        let words = spike_words(sources);
        let weights = by_channel(Width(simd), &p, weights.reals());
        let [height, width] = p.pooled();
        let channels = p.channels as usize;
        // Behind the last cell a register more, of which zeros are added to.
        let end = [height + p.padding_y as usize, 0];
        let mut z_bar = vec![F::zero(); cell(&p, end) + Width(simd).lanes::<F>()];
        for b in 0..call.units.len() {
            for t in call.span.steps() {
                z_bar.fill(F::zero());
                let arrive = t + p.delay as usize;
                if arrive < rows {
                    let at = (b * rows + arrive) * p.stride as usize + p.first as usize;
                    spread(Width(simd), &p, &weights, &arrivals[at..at + p.targets()], &mut z_bar);
                }
                let out = &mut cotangent[(b * rows + t) * sources..][..sources];
                if p.largest == 0 {
                    share_out(&p, &z_bar, out);
                    continue;
                }
                if p.accumulate == 0 {
                    out.fill(F::zero());
                }
                let row = b * p.source_rows as usize + p.history as usize + t;
                let z = |i: usize| match p.values == 1 {
                    true => x[row * sources + i],
                    false => F::of_int((spikes[row * words + i / 32] >> (i % 32) & 1) as i32),
                };
                let (pool_height, pool_width) = (p.pool_height as usize, p.pool_width as usize);
                for y in 0..height * pool_height {
                    for x in 0..width * pool_width {
                        let cell = cell(&p, [y / pool_height, x / pool_width]);
                        let place = (y * p.source_width as usize + x) * channels;
                        let (z_bar, out) =
                            (&z_bar[cell..][..channels], &mut out[place..][..channels]);
                        for (c, (out, z_bar)) in out.iter_mut().zip(z_bar).enumerate() {
                            if first_largest(&p, [y, x, c], z) {
                                *out += *z_bar;
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Where in z_bar what is pooled into a row and column begins. There is room for what lies in the padding, and goes nowhere.
#[inline(always)]
fn cell<F: Real>(p: &ConvolutionParams<F>, [y, x]: [usize; 2]) -> usize {
    let [above, left] = [p.padding_y as usize, p.padding_x as usize];
    let columns = p.pooled()[1] + 2 * left;
    ((y + above) * columns + x + left) * p.channels as usize
}

/// Gives each source its part of the gradient by what it is pooled into, whatever it did; none to those that fill no window.
#[inline(always)]
fn share_out<F: Real>(p: &ConvolutionParams<F>, z_bar: &[F], out: &mut [F]) {
    let ([height, width], channels) = (p.pooled(), p.channels as usize);
    let (pool_height, pool_width) = (p.pool_height as usize, p.pool_width as usize);
    let of_row = p.source_width as usize * channels;
    for (y, out) in out.chunks_exact_mut(of_row).enumerate() {
        let z_bar = &z_bar[cell(p, [(y / pool_height).min(height), 0])..];
        let filled = if y < height * pool_height { width * pool_width * channels } else { 0 };
        let (filled, left) = out.split_at_mut(filled);
        if p.accumulate == 0 {
            left.fill(F::zero());
        }
        let windows = filled.chunks_exact_mut(pool_width * channels);
        for (out, z_bar) in windows.zip(z_bar.chunks_exact(channels)) {
            for out in out.chunks_exact_mut(channels) {
                for (out, z_bar) in out.iter_mut().zip(z_bar) {
                    let before = if p.accumulate == 0 { F::zero() } else { *out };
                    *out = before + p.scale * *z_bar;
                }
            }
        }
    }
}

/// Whether a source is the first of its window that is as large as any, and not zero.
#[inline(always)]
fn first_largest<F: Real>(
    p: &ConvolutionParams<F>,
    [y, x, c]: [usize; 3],
    z: impl Fn(usize) -> F,
) -> bool {
    let (height, width) = (p.pool_height as usize, p.pool_width as usize);
    let source = |y: usize, x: usize| (y * p.source_width as usize + x) * p.channels as usize + c;
    let own = z(source(y, x));
    let mut first = own > F::zero();
    for dy in 0..height {
        for dx in 0..width {
            let (row, column) = (y / height * height + dy, x / width * width + dx);
            let other = z(source(row, column));
            first &= other < own || (other == own && (row, column) >= (y, x));
        }
    }
    first
}

/// Weights by kernel row and column, group, as many channels as fill a register, target channel, and channel.
#[inline(always)]
fn by_channel<S: Simd, F: Real>(w: Width<S>, p: &ConvolutionParams<F>, weights: &[F]) -> Vec<F> {
    let (height, width) = (p.kernel_height as usize, p.kernel_width as usize);
    let groups = p.groups as usize;
    let (from, to) = (p.channels as usize / groups, p.target_channels as usize / groups);
    let (lanes, blocks) = (w.lanes::<F>(), from.div_ceil(w.lanes::<F>()));
    let mut packed = vec![F::zero(); height * width * groups * blocks * to * lanes];
    for (row, weights) in weights.chunks_exact(to).enumerate() {
        let (channel, ky) = (row / (height * width), row / width % height);
        let kernel = ky * width + width - 1 - row % width;
        let c = channel % from;
        let first = ((kernel * groups + channel / from) * blocks + c / lanes) * to * lanes;
        let out = packed[first + c % lanes..].iter_mut().step_by(lanes);
        out.zip(weights).for_each(|(out, w)| *out = *w);
    }
    packed
}

/// Adds to z_bar, by row and column of what is pooled, padding included, and channel, what comes from the gradients by
/// arrivals.
#[inline(always)]
fn spread<S: Simd, F: Real>(
    w: Width<S>,
    p: &ConvolutionParams<F>,
    weights: &[F],
    arrivals: &[F],
    z_bar: &mut [F],
) {
    let columns = p.target_width as usize;
    let (channels, targets, groups) =
        (p.channels as usize, p.target_channels as usize, p.groups as usize);
    let (from, to) = (channels / groups, targets / groups);
    let width = p.pooled()[1] + 2 * p.padding_x as usize;
    let kernel_width = p.kernel_width as usize;
    let [stride_y, stride_x] = [p.stride_y, p.stride_x].map(|n| n as usize);
    let lanes = w.lanes::<F>();
    // Gradients by arrivals of the places that are done together, target channel by target channel.
    let mut bars = vec![[F::zero(); TOGETHER]; to];
    for y in 0..p.target_height as usize {
        for x in (0..columns).step_by(TOGETHER) {
            let count = TOGETHER.min(columns - x);
            for group in 0..groups {
                for place in 0..count {
                    let at = (y * columns + x + place) * targets + group * to;
                    for (bars, bar) in bars.iter_mut().zip(&arrivals[at..at + to]) {
                        bars[place] = *bar;
                    }
                }
                // As many channels as fill a register of each weight of the kernel; beyond the last they are zero.
                let blocks = from.div_ceil(lanes);
                let of_kernel = weights.chunks_exact(groups * blocks * to * lanes);
                for (kernel, weights) in of_kernel.enumerate() {
                    let row = y * stride_y + kernel / kernel_width * p.dilation_y as usize;
                    let column = x * stride_x + kernel % kernel_width * p.dilation_x as usize;
                    let own = weights.chunks_exact(to * lanes).skip(group * blocks).take(blocks);
                    for (block, weights) in own.enumerate() {
                        let sums = product(w, bars.iter(), w.each(weights));
                        let cell = (row * width + column) * channels + group * from;
                        for (place, sum) in sums.into_iter().enumerate().take(count) {
                            let at = cell + place * stride_x * channels + block * lanes;
                            add_to(w, &mut z_bar[at..at + lanes], 0, sum);
                        }
                    }
                }
            }
        }
    }
}
