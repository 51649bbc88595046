//! Gradient by the weights of a convolution, sample by sample; [`crate::train::sum_samples`] sums them.
//!
//! ```text
//!   gradient[b, w] = sum over t and places j of the kernel of  z[b, t - delay, source of w at j] arrivals_bar[b, t, j]
//! ```

use super::convolution::{ConvolutionParams, Pool, TOGETHER, add_run_gradients, add_to, product};
use crate::kernel::*;
use crate::vector::Width;

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

/// The twin of `shaders/synapse/convolve_gradient.wgsl`.
pub struct ConvolveGradient;

impl Twin for ConvolveGradient {
    #[inline(always)]
    fn run<S: Simd, F: Real>(simd: S, call: Call<'_, F>) {
        let p = ConvolutionParams::<F>::of(call.params);
        let [spikes, x, arrivals, gradient] = Call::take(call.args);
        let (spikes, x, arrivals) = (spikes.words(), x.reals(), arrivals.reals());
        let rows = p.rows as usize;
        let (w, mut pool, mut runs) = (Width(simd), Pool::new(&p), Vec::new());
        let mut dense = Product {
            z: Vec::new(),
            bars: Vec::new(),
            seen: Vec::new(),
            sums: vec![F::zero(); p.weights()],
            any: false,
        };
        for (b, out) in gradient.reals_mut().chunks_exact_mut(p.weights()).enumerate() {
            out.fill(F::zero());
            for t in 0..rows {
                let row = b * p.source_rows as usize + t + (p.history - p.delay) as usize;
                pool.row(&p, row, spikes, x);
                let at = (b * rows + t) * p.stride as usize + p.first as usize;
                let arrivals = &arrivals[at..at + p.targets()];
                if pool.is_dense {
                    dense.add(w, &p, &pool, arrivals);
                    continue;
                }
                for (at, amounts) in pool.cells() {
                    p.runs(at, &mut runs);
                    for run in &runs {
                        add_run_gradients(w, out, arrivals, *run, amounts);
                    }
                }
            }
            dense.take(&p, out);
        }
    }
}

/// Sums of steps in which much is not zero: a product of matrices for each weight of the kernel, target channels by places
/// times places by channels.
struct Product<F> {
    /// What is pooled, see [`Pool::packed`].
    z: Vec<F>,
    /// By group, as many target channels as are done together, and place: gradients by arrivals.
    bars: Vec<[F; TOGETHER]>,
    /// What places see through a weight of the kernel.
    seen: Vec<F>,
    /// By kernel row and column, target channel, and channel within the group.
    sums: Vec<F>,
    any: bool,
}

impl<F: Real> Product<F> {
    #[inline(always)]
    fn add<S: Simd>(&mut self, w: Width<S>, p: &ConvolutionParams<F>, pool: &Pool<F>, bars: &[F]) {
        self.any = true;
        let (targets, groups) = (p.target_channels as usize, p.groups as usize);
        let (from, to) = (p.channels as usize / groups, targets / groups);
        let (rows, columns) = (p.target_height as usize, p.target_width as usize);
        let lanes = w.lanes::<F>();
        pool.packed(w, groups, &mut self.z);
        self.bars.clear();
        for group in 0..groups {
            for first in (0..to).step_by(TOGETHER) {
                let count = TOGETHER.min(to - first);
                let some = |bars: &[F]| some(&bars[group * to + first..], count);
                self.bars.extend(bars.chunks_exact(targets).map(some));
            }
        }
        let blocks = from.div_ceil(lanes);
        for (kernel, (ky, kx)) in kernel_places(p).enumerate() {
            for (group, block) in (0..groups).flat_map(|g| (0..blocks).map(move |b| (g, b))) {
                // What all places see through this weight.
                self.seen.clear();
                for y in 0..rows {
                    let row = y * p.stride_y as usize + ky * p.dilation_y as usize;
                    let [cells, cell] = pool.cell(row, kx * p.dilation_x as usize);
                    let z = &self.z[((group * blocks + block) * cells + cell) * lanes..];
                    let z = z.chunks_exact(lanes).step_by(p.stride_x as usize).take(columns);
                    z.for_each(|z| self.seen.extend_from_slice(z));
                }
                let bars = self.bars.chunks_exact(rows * columns);
                let bars = bars.skip(group * to.div_ceil(TOGETHER));
                for (first, bars) in (0..to).step_by(TOGETHER).zip(bars) {
                    let sums = product(w, bars.iter(), w.each(&self.seen));
                    for (c, sum) in (first..to).zip(sums) {
                        let at = (kernel * targets + group * to + c) * from;
                        add_to(w, &mut self.sums[at..at + from], block * lanes, sum);
                    }
                }
            }
        }
    }

    /// Adds the sums to the gradient of a sample, and begins anew.
    #[inline(always)]
    fn take(&mut self, p: &ConvolutionParams<F>, out: &mut [F]) {
        if !std::mem::replace(&mut self.any, false) {
            return;
        }
        let (height, width) = (p.kernel_height as usize, p.kernel_width as usize);
        let groups = p.groups as usize;
        let (from, to) = (p.channels as usize / groups, p.target_channels as usize / groups);
        for (row, sums) in self.sums.chunks_exact_mut(from).enumerate() {
            let (kernel, target) = (row / (groups * to), row % (groups * to));
            let (ky, kx) = (kernel / width, kernel % width);
            for (c, sum) in sums.iter_mut().enumerate() {
                let channel = target / to * from + c;
                let at = ((channel * height + ky) * width + width - 1 - kx) * to + target % to;
                out[at] += std::mem::replace(sum, F::zero());
            }
        }
    }
}

/// Rows and columns of the kernel.
#[inline(always)]
fn kernel_places<F: Real>(p: &ConvolutionParams<F>) -> impl Iterator<Item = (usize, usize)> {
    let (height, width) = (p.kernel_height as usize, p.kernel_width as usize);
    (0..height).flat_map(move |ky| (0..width).map(move |kx| (ky, kx)))
}

/// The first numbers of a row; zeros where there are not so many.
#[inline(always)]
fn some<F: Real>(row: &[F], count: usize) -> [F; TOGETHER] {
    match row.first_chunk() {
        Some(all) if count == TOGETHER => *all,
        _ => std::array::from_fn(|k| if k < count { row[k] } else { F::zero() }),
    }
}
