//! Gradient by a trained number of neurons.
//!
//! ```text
//!   x_bar[n] = sum over samples b and numbers k that kernels read of  slope[k, n] number_bar[b, k, n]
//! ```
//! summed over the neurons too where they share x; see [`crate::network::numbers`].

use crate::kernel::*;
use crate::neuron::stepped::BLOCK;
use crate::params;

params! {
    /// `Params` of `shaders/train/numbers_gradient.wgsl`.
    pub struct NumbersGradientParams {
        /// Neurons.
        n: word,
        /// Rows of a block in `adjoint`.
        rows: word,
        /// The first that is a gradient by a number.
        first: word,
        /// Numbers.
        numbers: word,
        /// 1 if all neurons share x.
        alike: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/numbers_gradient",
    wgsl: include_str!("../../shaders/train/numbers_gradient.wgsl"),
    workgroup: BLOCK as u32,
    merges: true,
    bindings: &[
        reals("adjoint"),      // [samples, blocks, rows, 64]
        reals("slope"),        // [numbers, n]
        reals_mut("gradient"), // [n or 1]
    ],
    layouts: &[],
    params: NumbersGradientParams::<f32>::FIELDS,
    twin32: dispatched::<NumbersGradient, f32>,
    twin64: scalar::<NumbersGradient, f64>,
};

/// The twin of `shaders/train/numbers_gradient.wgsl`; one unit.
pub struct NumbersGradient;

impl Twin for NumbersGradient {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = NumbersGradientParams::<F>::of(call.params);
        let [adjoint, slope, gradient] = Call::take(call.args);
        let (adjoint, slope, gradient) = (adjoint.reals(), slope.reals(), gradient.reals_mut());
        let n = p.n as usize;
        let (blocks, rows) = (n.div_ceil(BLOCK), p.rows as usize);
        gradient.fill(F::zero());
        let mut of_lane = [F::zero(); BLOCK];
        for block in 0..blocks {
            let alive = (n - block * BLOCK).min(BLOCK);
            if p.alike == 0 {
                of_lane = [F::zero(); BLOCK];
            }
            for b in 0..call.clock.samples as usize {
                let by = &adjoint[(b * blocks + block) * rows * BLOCK..][..rows * BLOCK];
                let by_numbers = by[p.first as usize * BLOCK..].chunks_exact(BLOCK);
                for (k, by_number) in by_numbers.take(p.numbers as usize).enumerate() {
                    let slope = &slope[k * n + block * BLOCK..][..alive];
                    let terms = slope.iter().zip(by_number);
                    for (sum, (slope, by)) in of_lane.iter_mut().zip(terms) {
                        *sum += *slope * *by;
                    }
                }
            }
            if p.alike == 0 {
                gradient[block * BLOCK..][..alive].copy_from_slice(&of_lane[..alive]);
            }
        }
        if p.alike == 1 {
            for sum in of_lane {
                gradient[0] += sum;
            }
        }
    }
}
