//! Squares of gradients, for their norm: partial sums, each of every `parts`-th number.
//!
//! ```text
//!   sums[first + k] = sum over j of  (unit gradient[k + j parts])^2
//! ```
//! The parts follow from the size of the array, so that no sum depends on threads or workgroups; [`super::clip`]
//! adds them up.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/sum_squares.wgsl`.
    pub struct SumSquaresParams {
        /// Numbers.
        count: word,
        /// Partial sums.
        parts: word,
        /// Place of the first of them.
        first: word,
        /// What makes a gradient one by a weight in units.
        unit: real,
    }
}

/// Partial sums of the squares of so many numbers: a few hundred squares make one.
pub const fn parts(count: usize) -> usize {
    count.div_ceil(256)
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/sum_squares",
    wgsl: include_str!("../../shaders/train/sum_squares.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[reals("gradient"), reals_mut("sums")],
    layouts: &[],
    params: SumSquaresParams::<f32>::FIELDS,
    twin32: dispatched::<SumSquares, f32>,
    twin64: scalar::<SumSquares, f64>,
};

/// The twin of `shaders/train/sum_squares.wgsl`; units are partial sums.
pub struct SumSquares;

impl Twin for SumSquares {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = SumSquaresParams::<F>::of(call.params);
        let [gradient, sums] = Call::take(call.args);
        let sums = sums.reals_mut();
        sums.fill(F::zero());
        for row in gradient.reals()[..p.count as usize].chunks(p.parts as usize) {
            let own = row.get(call.units.start..).unwrap_or_default();
            for (sum, g) in sums.iter_mut().zip(own) {
                let g = p.unit * *g;
                *sum += g * g;
            }
        }
    }
}
