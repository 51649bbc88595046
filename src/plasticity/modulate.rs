//! What a modulator does beside reinforcing synapses: it moves numbers that other kernels read.
//!
//! ```text
//!   number = base · max(least, 1 + scale (D - D_rest)) + shift (D - D_rest)
//! ```
//! for the learning rate of a projection, the gain of a population, which is the effect of all that arrives at
//! its receptors and never below 0, its threshold, or the strength of its noise. At rest, the numbers are what the
//! scene says. Done in every step, after the concentration; what it moves acts from the next step on.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/plasticity/modulate.wgsl`.
    pub struct ModulateParams {
        /// Numbers that are moved.
        n: word,
        /// Modulator.
        modulator: word,
        /// Place of the first number.
        first: word,
        /// Numbers that lie side by side.
        group: word,
        /// Distance from one such group to the next.
        stride: word,
        /// Concentration at rest.
        rest: real,
        /// Relative change at a concentration 1 above rest.
        scale: real,
        /// Factor below which it does not fall.
        least: real,
        /// Absolute change at a concentration 1 above rest.
        shift: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "plasticity/modulate",
    wgsl: include_str!("../../shaders/plasticity/modulate.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        reals_mut("numbers"),   // those that are moved, among others
        reals("base"),          // the same at rest
        reals("concentration"), // [modulators]
    ],
    layouts: &[],
    params: ModulateParams::<f32>::FIELDS,
    twin32: dispatched::<Modulate, f32>,
    twin64: scalar::<Modulate, f64>,
};

/// The twin of `shaders/plasticity/modulate.wgsl`; one unit.
pub struct Modulate;

impl Twin for Modulate {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = ModulateParams::<F>::of(call.params);
        let [numbers, base, concentration] = Call::take(call.args);
        let (numbers, base) = (numbers.reals_mut(), base.reals());
        let d = concentration.reals()[p.modulator as usize] - p.rest;
        let (factor, shift) = ((F::one() + p.scale * d).max(p.least), p.shift * d);
        for k in 0..p.n {
            let at = (p.first + k / p.group * p.stride + k % p.group) as usize;
            numbers[at] = base[at] * factor + shift;
        }
    }
}
