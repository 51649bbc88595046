//! Delivery through a convolution: see [`super::convolution`].
//!
//! ```text
//!   arrivals[b, t, j] (+)= sum over weights w of j of  w z[b, t - delay, source of w]
//! ```
//! with z what is pooled of the sources, spikes or values. Each z that is not zero adds runs of weights to runs of arrivals. The twin
//! does all that the targets of a row get from a column before it goes on.

use super::convolution::{ConvolutionParams, Run};
use super::pool::{Amount, Bins, Pool, add_rows, in_steps, range_of};
use crate::kernel::*;
use crate::vector::Width;
use std::ops::Range;

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/convolve",
    wgsl: include_str!("../../shaders/synapse/convolve.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("spikes"),       // [samples, source_rows, words]
        reals("x"),            // [samples, source_rows, sources]
        reals("weights"), // [channels, kernel rows, kernel columns reversed, target channels of a group]
        reals_mut("arrivals"), // [samples, rows, stride]
    ],
    layouts: &[],
    params: ConvolutionParams::<f32>::FIELDS,
    twin32: dispatched::<Convolve, f32>,
    twin64: scalar::<Convolve, f64>,
};

/// The twin of `shaders/synapse/convolve.wgsl`.
pub struct Convolve;

impl Twin for Convolve {
    #[inline(always)]
    fn run<S: Simd, F: Real>(simd: S, call: Call<'_, F>) {
        let p = ConvolutionParams::<F>::of(call.params);
        let [spikes, x, weights, arrivals] = Call::take(call.args);
        let (sources, weights) = ((spikes.words(), x.reals()), weights.reals());
        let arrivals = arrivals.reals_mut();
        let rows = p.rows as usize;
        let (w, mut pool) = (Width(simd), Pool::new(&p));
        let mut seen = Seen::new(&p);
        for b in 0..call.units.len() {
            for t in call.span.t0 as usize..rows.min(call.span.t1 as usize) {
                let row = (b * p.source_rows as usize) + t + (p.history - p.delay) as usize;
                let at = (b * rows + t) * p.stride as usize + p.first as usize;
                let out = &mut arrivals[at..at + p.targets()];
                if p.accumulate == 0 {
                    out.fill(F::zero());
                }
                seen.take(&p, row, sources, &mut pool);
                seen.deliver(w, &p, weights, out);
            }
        }
    }
}

/// What is pooled in a step, as targets see it: in bins by column and group, rows in the order of [`in_steps`].
struct Seen<F> {
    bins: Bins<F>,
    runs: Vec<Vec<Run>>,
    order: Vec<usize>,
    /// Rows that a row of targets sees, as places in that order.
    rows: Vec<Range<usize>>,
}

impl<F: Real> Seen<F> {
    #[inline(always)]
    fn new(p: &ConvolutionParams<F>) -> Self {
        let ([height, width], groups) = (p.pooled(), p.groups as usize);
        let (padding, dilation) = (p.padding_y as usize, p.dilation_y as usize);
        let order = in_steps(height, padding, dilation);
        let rows = |y: usize| {
            let first = y * p.stride_y as usize;
            range_of(&order, |row| {
                let away = (row + padding).checked_sub(first);
                away.is_some_and(|away| away % dilation == 0 && away / dilation < p.kernel()[0])
            })
        };
        Self {
            bins: Bins::new(width * groups, height * p.of_group()[0]),
            runs: p.runs(),
            rows: (0..p.target_height as usize).map(rows).collect(),
            order,
        }
    }

    /// Takes what a row of the sources is pooled into.
    #[inline(always)]
    fn take(
        &mut self,
        p: &ConvolutionParams<F>,
        row: usize,
        sources: (&[u32], &[F]),
        pool: &mut Pool<F>,
    ) {
        let ([from, to], [height, width]) = (p.of_group(), p.kernel());
        let groups = p.groups as usize;
        self.bins.clear();
        for &y in &self.order {
            let kernel_row = (y + p.padding_y as usize) / p.dilation_y as usize * width * to;
            pool.each(p, [row, y], sources, |x, c, z| {
                let bin = if groups == 1 { x } else { x * groups + c / from };
                let at = c * height * width * to + kernel_row;
                self.bins.put(bin, Amount { at: at as u32, z });
            });
            self.bins.end_row();
        }
    }

    /// Adds to the arrivals of a row what comes of it.
    #[inline(always)]
    fn deliver<S: Simd>(
        &self,
        w: Width<S>,
        p: &ConvolutionParams<F>,
        weights: &[F],
        out: &mut [F],
    ) {
        let ([_, to], [_, width], groups) = (p.of_group(), p.kernel(), p.groups as usize);
        let of_targets = (p.target_width * p.target_channels) as usize;
        for (y, out) in out.chunks_exact_mut(of_targets).enumerate() {
            let before = y * p.stride_y as usize / p.dilation_y as usize * width * to;
            for (x, runs) in self.runs.iter().enumerate() {
                for group in 0..groups {
                    let amounts = self.bins.of(x * groups + group, &self.rows[y]);
                    for run in runs {
                        let out = &mut out[run.target + group * to..][..run.len];
                        add_rows(w, out, weights, [run.weight, before], amounts);
                    }
                }
            }
        }
    }
}
