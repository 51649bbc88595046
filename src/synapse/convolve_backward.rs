//! Gradient by the spikes of a convolution's sources.
//!
//! ```text
//!   z_bar[b, t, c', y, x] = sum over weights w of this place of  w arrivals_bar[b, t + delay, target of w]
//!   cotangent[b, t, i] (+)= z_bar of the place of i        of pooled means divided by their number; of the largest only
//!                                                          where i is the first as large, and not zero
//! ```
//! and nothing where t + delay lies beyond the window. All targets have gradients, so this is a product of matrices:
//! for each weight of the kernel, places by target channels times target channels by channels.

use super::convolution::ConvolutionParams;
use super::pool::{MOST, Terms, add_products, together};
use crate::kernel::*;
use crate::vector::{Aligned, Width};

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
        let w = Width(simd);
        let strips = Strip::all(w, &p, weights.reals());
        let cells = cell(&p, [p.pooled()[0] + p.padding_y as usize, 0]);
        let mut z_bar = Aligned::new(0, cells, F::zero());
        for b in 0..call.units.len() {
            for t in call.span.steps() {
                let out = &mut cotangent[(b * rows + t) * sources..][..sources];
                let arrive = t + p.delay as usize;
                let bars = if arrive < rows {
                    let at = (b * rows + arrive) * p.stride as usize + p.first as usize;
                    &arrivals[at..at + p.targets()]
                } else {
                    &[]
                };
                // What arrives too late to matter has no gradient.
                if bars.iter().all(|bar| *bar == F::zero()) {
                    if p.accumulate == 0 {
                        out.fill(F::zero());
                    }
                    continue;
                }
                z_bar.fill(F::zero());
                strips.iter().for_each(|strip| strip.spread(w, &p, bars, &mut z_bar));
                if p.largest == 0 {
                    share_out(w, &p, &z_bar, out);
                } else {
                    if p.accumulate == 0 {
                        out.fill(F::zero());
                    }
                    let row = b * p.source_rows as usize + p.history as usize + t;
                    give_largest(&p, &z_bar, row, (spikes, x), out);
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
fn share_out<S: Simd, F: Real>(w: Width<S>, p: &ConvolutionParams<F>, z_bar: &[F], out: &mut [F]) {
    let ([height, width], channels) = (p.pooled(), p.channels as usize);
    let (pool_height, pool_width) = (p.pool_height as usize, p.pool_width as usize);
    let scale = w.splat(p.scale);
    for (y, out) in out.chunks_exact_mut(p.source_width as usize * channels).enumerate() {
        let z_bar = &z_bar[cell(p, [(y / pool_height).min(height), 0])..];
        let filled = if y < height * pool_height { width * pool_width * channels } else { 0 };
        let (filled, left) = out.split_at_mut(filled);
        if p.accumulate == 0 {
            left.fill(F::zero());
        }
        let windows = filled.chunks_exact_mut(pool_width * channels);
        for (out, z_bar) in windows.zip(z_bar.chunks_exact(channels)) {
            for first in (0..channels).step_by(w.lanes::<F>()) {
                let part = scale * w.load(z_bar, first);
                for out in out.chunks_exact_mut(channels) {
                    let sum = if p.accumulate == 0 { part } else { w.load(out, first) + part };
                    w.store(out, first, sum);
                }
            }
        }
    }
}

/// Gives the gradient by what is pooled to the first source of its window that is as large as any.
#[inline(always)]
fn give_largest<F: Real>(
    p: &ConvolutionParams<F>,
    z_bar: &[F],
    row: usize,
    (spikes, x): (&[u32], &[F]),
    out: &mut [F],
) {
    let (sources, words) = (p.sources(), spike_words(p.sources()));
    let z = |i: usize| match p.values == 1 {
        true => x[row * sources + i],
        false => F::of_int((spikes[row * words + i / 32] >> (i % 32) & 1) as i32),
    };
    let ([height, width], channels) = (p.pooled(), p.channels as usize);
    let (pool_height, pool_width) = (p.pool_height as usize, p.pool_width as usize);
    for y in 0..height * pool_height {
        for x in 0..width * pool_width {
            let cell = cell(p, [y / pool_height, x / pool_width]);
            let place = (y * p.source_width as usize + x) * channels;
            let (z_bar, out) = (&z_bar[cell..][..channels], &mut out[place..][..channels]);
            for (c, (out, z_bar)) in out.iter_mut().zip(z_bar).enumerate() {
                if first_largest(p, [y, x, c], z) {
                    *out += *z_bar;
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

/// Weights of neighbouring columns of a kernel and channels of a group, as many as a product of matrices takes at a time.
struct Strip<F> {
    group: usize,
    /// Where what they lead to begins, from the cell of their place on.
    first: usize,
    /// How many there are.
    len: usize,
    /// By kernel row, and target channel of the group.
    weights: Aligned<F>,
}

impl<F: Real> Strip<F> {
    /// All weights. Columns that are neighbours are taken together.
    #[inline(always)]
    fn all<S: Simd>(w: Width<S>, p: &ConvolutionParams<F>, weights: &[F]) -> Vec<Self> {
        let ([height, width], [from, to]) = (p.kernel(), p.of_group());
        let (channels, groups) = (p.channels as usize, p.groups as usize);
        let neighbours = groups == 1 && p.dilation_x == 1;
        let [runs, columns] = if neighbours { [1, width] } else { [width, 1] };
        let most = MOST * w.lanes::<F>();
        let mut strips = Vec::new();
        for (group, run) in (0..groups).flat_map(|group| (0..runs).map(move |run| (group, run))) {
            for first in (0..columns * from).step_by(most) {
                let len = most.min(columns * from - first);
                let mut strip = Aligned::new(strips.len(), height * to * len, F::zero());
                for k in 0..len {
                    let (kx, c) = (run + (first + k) / from, (first + k) % from);
                    for ky in 0..height {
                        let at = ((group * from + c) * height + ky) * width + width - 1 - kx;
                        let out = strip[ky * to * len + k..].iter_mut().step_by(len);
                        out.zip(&weights[at * to..][..to]).for_each(|(out, w)| *out = *w);
                    }
                }
                let first = run * p.dilation_x as usize * channels + group * from + first;
                strips.push(Self { group, first, len, weights: strip });
            }
        }
        strips
    }

    /// Adds to z_bar, by row and column of what is pooled, padding included, and channel, what comes from the gradients by
    /// arrivals.
    #[inline(always)]
    fn spread<S: Simd>(&self, w: Width<S>, p: &ConvolutionParams<F>, bars: &[F], z_bar: &mut [F]) {
        let ([_, to], targets) = (p.of_group(), p.target_channels as usize);
        let [rows, columns] = [p.target_height, p.target_width].map(|n| n as usize);
        let (channels, len) = (p.channels as usize, self.len);
        let mut terms = Vec::new();
        for row in 0..p.pooled()[0] {
            let from = cell(p, [row, 0]) - p.padding_x as usize * channels + self.first;
            together!(columns, |x, M| {
                let at: [_; M] =
                    std::array::from_fn(|m| from + (x + m) * p.stride_x as usize * channels);
                terms.clear();
                // Rows of the kernel through which this row is seen, and from where.
                for ky in 0..p.kernel()[0] {
                    let away = row + p.padding_y as usize;
                    let Some(away) = away.checked_sub(ky * p.dilation_y as usize) else { break };
                    let y = away / p.stride_y as usize;
                    if away % p.stride_y as usize == 0 && y < rows {
                        terms.push(Terms {
                            left: &bars[(y * columns + x) * targets + self.group * to..],
                            right: &self.weights[ky * to * len..][..to * len],
                            steps: [targets, len],
                            count: to,
                        });
                    }
                }
                add_products(w, z_bar, at, len, &terms);
            });
        }
    }
}
