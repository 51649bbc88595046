//! Clipping of gradients by their norm (Pascanu et al. 2013), all arrays together, as PyTorch has it.
//!
//! ```text
//!   factor = min(1, most / (norm + 1e-6))          norm = root of the sum of all squares
//! ```
//! [`super::sum_squares`] has left partial sums; [`super::adjust`] multiplies the gradients by the factor.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/clip.wgsl`.
    pub struct ClipParams {
        /// Partial sums.
        parts: word,
        /// Largest norm.
        most: real,
    }
}

/// Lanes that add up the partial sums.
const LANES: usize = 64;

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/clip",
    wgsl: include_str!("../../shaders/train/clip.wgsl"),
    workgroup: LANES as u32,
    merges: false,
    bindings: &[
        reals("sums"),       // [parts]
        reals_mut("factor"), // [1]
    ],
    layouts: &[],
    params: ClipParams::<f32>::FIELDS,
    twin32: dispatched::<Clip, f32>,
    twin64: scalar::<Clip, f64>,
};

/// The twin of `shaders/train/clip.wgsl`; one unit.
pub struct Clip;

impl Twin for Clip {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = ClipParams::<F>::of(call.params);
        let [sums, factor] = Call::take(call.args);
        let mut of_lane = [F::zero(); LANES];
        for row in sums.reals()[..p.parts as usize].chunks(LANES) {
            for (sum, part) in of_lane.iter_mut().zip(row) {
                *sum += *part;
            }
        }
        let total = of_lane.into_iter().fold(F::zero(), |total, sum| total + sum);
        factor.reals_mut()[0] = F::one().min(p.most / (total.sqrt() + F::of(1e-6)));
    }
}
