//! Gradient by the weights of a convolution, sample by sample; [`crate::train::sum_samples`] sums them.
//!
//! ```text
//!   gradient[b, w] = sum over t and places j of the kernel of  z[b, t - delay, source of w at j] arrivals_bar[b, t, j]
//! ```

use super::convolution::{ConvolutionParams, Run};
use super::pool::{Amount, Bins, Pool, add_rows, in_steps, range_of};
use crate::kernel::*;
use crate::vector::Width;
use std::ops::Range;

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/convolve_gradient",
    wgsl: include_str!("../../shaders/synapse/convolve_gradient.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("spikes"),       // [samples, source_rows, words]
        reals("x"),            // [samples, source_rows, sources]
        reals("arrivals"),     // [samples, rows, stride] gradient by arrivals
        reals_mut("gradient"), // [samples, count]
    ],
    layouts: &[],
    params: ConvolutionParams::<f32>::FIELDS,
    twin32: dispatched::<ConvolveGradient, f32>,
    twin64: scalar::<ConvolveGradient, f64>,
};

/// Steps that are done together: enough for long sums, and few enough to stay in the cache.
const AT_A_TIME: usize = 16;

/// The twin of `shaders/synapse/convolve_gradient.wgsl`.
pub struct ConvolveGradient;

impl Twin for ConvolveGradient {
    #[inline(always)]
    fn run<S: Simd, F: Real>(simd: S, call: Call<'_, F>) {
        let p = ConvolutionParams::<F>::of(call.params);
        let [spikes, x, arrivals, gradient] = Call::take(call.args);
        let (sources, arrivals) = ((spikes.words(), x.reals()), arrivals.reals());
        let (rows, stride) = (p.rows as usize, p.stride as usize);
        let (w, mut pool) = (Width(simd), Pool::new(&p));
        let (mut shown, mut steps) = (Shown::new(&p), Vec::new());
        for (b, out) in gradient.reals_mut().chunks_exact_mut(p.weights()).enumerate() {
            out.fill(F::zero());
            let bars = &arrivals[b * rows * stride + p.first as usize..];
            let first = b * p.source_rows as usize + (p.history - p.delay) as usize;
            // Arrivals too late to matter have no gradient.
            let of_step = |t: usize| &bars[t * stride..][..p.targets()];
            steps.clear();
            steps.extend((0..rows).filter(|t| of_step(*t).iter().any(|bar| *bar != F::zero())));
            for steps in steps.chunks(AT_A_TIME) {
                shown.take(&p, (first, steps), sources, &mut pool);
                shown.add_gradients(w, &p, bars, out);
            }
        }
    }
}

/// What is pooled in some steps of a sample, as weights are shown it: in bins by column and channel, rows in the order of
/// [`in_steps`], and all steps of a row.
struct Shown<F> {
    bins: Bins<F>,
    runs: Vec<Vec<Run>>,
    order: Vec<usize>,
    /// Rows that a row of the kernel is shown, as places in that order.
    rows: Vec<Range<usize>>,
}

impl<F: Real> Shown<F> {
    #[inline(always)]
    fn new(p: &ConvolutionParams<F>) -> Self {
        let ([height, width], channels) = (p.pooled(), p.channels as usize);
        let (padding, stride) = (p.padding_y as usize, p.stride_y as usize);
        let order = in_steps(height, padding, stride);
        let rows = |ky: usize| {
            let first = ky * p.dilation_y as usize;
            range_of(&order, |row| {
                let away = (row + padding).checked_sub(first);
                away.is_some_and(|away| {
                    away % stride == 0 && away / stride < p.target_height as usize
                })
            })
        };
        Self {
            bins: Bins::new(width * channels, AT_A_TIME.min(p.rows as usize) * height),
            runs: p.runs(),
            rows: (0..p.kernel()[0]).map(rows).collect(),
            order,
        }
    }

    /// Takes what rows of the sources are pooled into, those of some steps after the first.
    #[inline(always)]
    fn take(
        &mut self,
        p: &ConvolutionParams<F>,
        (first, steps): (usize, &[usize]),
        sources: (&[u32], &[F]),
        pool: &mut Pool<F>,
    ) {
        let (channels, stride) = (p.channels as usize, p.stride_y as usize);
        let of_targets = (p.target_width * p.target_channels) as usize;
        self.bins.clear();
        for &y in &self.order {
            let target_row = (y + p.padding_y as usize) / stride * of_targets;
            for t in steps {
                let at = (t * p.stride as usize + target_row) as u32;
                pool.each(p, [first + t, y], sources, |x, c, z| {
                    self.bins.put(x * channels + c, Amount { at, z });
                });
            }
            self.bins.end_row();
        }
    }

    /// Adds to the gradient of a sample what comes of them with the gradients by arrivals.
    #[inline(always)]
    fn add_gradients<S: Simd>(
        &self,
        w: Width<S>,
        p: &ConvolutionParams<F>,
        bars: &[F],
        out: &mut [F],
    ) {
        let ([from, to], [height, width]) = (p.of_group(), p.kernel());
        let (channels, stride) = (p.channels as usize, p.stride_y as usize);
        let of_targets = (p.target_width * p.target_channels) as usize;
        for (x, runs) in self.runs.iter().enumerate() {
            for (channel, out) in out.chunks_exact_mut(height * width * to).enumerate() {
                for (ky, out) in out.chunks_exact_mut(width * to).enumerate() {
                    let before = ky * p.dilation_y as usize / stride * of_targets;
                    let amounts = self.bins.of(x * channels + channel, &self.rows[ky]);
                    for run in runs {
                        let out = &mut out[run.weight..][..run.len];
                        let first = run.target + channel / from * to;
                        add_rows(w, out, bars, [first, before], amounts);
                    }
                }
            }
        }
    }
}
