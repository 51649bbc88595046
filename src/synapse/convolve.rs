//! Delivery through a convolution: see [`super::convolution`].
//!
//! ```text
//!   arrivals[b, t, j] (+)= sum over weights w of j of  w z[b, t - delay, source of w]
//! ```
//! with z what is pooled of the sources, spikes or values. Of few spikes each adds its runs of weights; of many the twin makes a
//! product of matrices, targets of a row by target channels.

use super::convolution::{ConvolutionParams, Pool, TOGETHER, add_run, add_to, product};
use crate::kernel::*;
use crate::vector::Width;

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
        let (spikes, x, weights) = (spikes.words(), x.reals(), weights.reals());
        let arrivals = arrivals.reals_mut();
        let rows = p.rows as usize;
        let (w, mut pool) = (Width(simd), Pool::new(&p));
        let (mut runs, mut packed) = (Vec::new(), None);
        for b in 0..call.units.len() {
            for t in call.span.t0 as usize..rows.min(call.span.t1 as usize) {
                let row = (b * p.source_rows as usize) + t + (p.history - p.delay) as usize;
                pool.row(&p, row, spikes, x);
                let at = (b * rows + t) * p.stride as usize + p.first as usize;
                let out = &mut arrivals[at..at + p.targets()];
                if p.accumulate == 0 {
                    out.fill(F::zero());
                }
                if pool.is_dense {
                    let packed = packed.get_or_insert_with(|| Packed::new(w, &p, weights));
                    packed.deliver(w, &p, &pool, out);
                    continue;
                }
                for (at, amounts) in pool.cells() {
                    p.runs(at, &mut runs);
                    for run in &runs {
                        add_run(w, out, weights, *run, amounts);
                    }
                }
            }
        }
    }
}

/// Weights as a product of matrices reads them.
struct Packed<F> {
    /// By group, as many target channels as fill a register, kernel row and column, channel, and target channel.
    weights: Vec<F>,
    /// By kernel row and column, and channel: what the places that are done together see.
    seen: Vec<[F; TOGETHER]>,
}

impl<F: Real> Packed<F> {
    #[inline(always)]
    fn new<S: Simd>(w: Width<S>, p: &ConvolutionParams<F>, weights: &[F]) -> Self {
        let (height, width) = (p.kernel_height as usize, p.kernel_width as usize);
        let groups = p.groups as usize;
        let (from, to) = (p.channels as usize / groups, p.target_channels as usize / groups);
        let (lanes, blocks) = (w.lanes::<F>(), to.div_ceil(w.lanes::<F>()));
        let depth = height * width * from;
        let mut packed = vec![F::zero(); groups * blocks * depth * lanes];
        for (row, weights) in weights.chunks_exact(to).enumerate() {
            let (channel, ky) = (row / (height * width), row / width % height);
            let kx = width - 1 - row % width;
            let k = (ky * width + kx) * from + channel % from;
            for (block, weights) in weights.chunks(lanes).enumerate() {
                let at = ((channel / from * blocks + block) * depth + k) * lanes;
                packed[at..at + weights.len()].copy_from_slice(weights);
            }
        }
        Self { weights: packed, seen: vec![[F::zero(); TOGETHER]; depth] }
    }

    /// Adds to the arrivals of a row what comes from all that is pooled.
    #[inline(always)]
    fn deliver<S: Simd>(
        &mut self,
        w: Width<S>,
        p: &ConvolutionParams<F>,
        pool: &Pool<F>,
        out: &mut [F],
    ) {
        let (targets, groups) = (p.target_channels as usize, p.groups as usize);
        let (from, to) = (p.channels as usize / groups, targets / groups);
        let [stride, columns] = [p.stride_x as usize, p.target_width as usize];
        let (lanes, blocks) = (w.lanes::<F>(), to.div_ceil(w.lanes::<F>()));
        let len = self.seen.len() * lanes;
        for y in 0..p.target_height as usize {
            for x in (0..columns).step_by(TOGETHER) {
                for group in 0..groups {
                    let mut seen = self.seen.iter_mut();
                    for ky in 0..p.kernel_height as usize {
                        let row = y * p.stride_y as usize + ky * p.dilation_y as usize;
                        for kx in 0..p.kernel_width as usize {
                            let spot = [row, x * stride + kx * p.dilation_x as usize];
                            let channels = group * from..(group + 1) * from;
                            for (channel, seen) in channels.zip(&mut seen) {
                                *seen = pool.together(channel, spot, stride);
                            }
                        }
                    }
                    for block in 0..blocks {
                        let weights = &self.weights[(group * blocks + block) * len..][..len];
                        let sums = product(w, self.seen.iter(), w.each(weights));
                        for (place, sum) in sums.into_iter().enumerate().take(columns - x) {
                            let at = (y * columns + x + place) * targets + group * to;
                            add_to(w, &mut out[at..at + to], block * lanes, sum);
                        }
                    }
                }
            }
        }
    }
}
