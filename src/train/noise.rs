//! Noise of a training: Gaussian numbers that are added to what neurons or sources get. That of weights is
//! [`super::disturb`].
//!
//! ```text
//!   values[b, t, n] := [values[b, t, n] +] deviation N(0, 1)
//! ```
//! A number depends on seed, population, presentation, step and neuron alone, so a training that goes on, or another
//! engine, has the same. Normal numbers are made as those of [`crate::input::noise`], of which a call of Philox has
//! two.

use crate::input::noise::normal;
use crate::kernel::*;
use crate::rng::philox_lanes;
use crate::{declare, params};

declare! {
    /// Noise while weights are learned, Gaussian and independent. Neither tests nor validation have any.
    #[derive(Copy)]
    pub struct Noise: Default {
        /// Standard deviation of what each presentation adds to the intensities, from 0 to 1, of a `Constant` encoder;
        /// what leaves that range is not cut off.
        inputs: f64 [NotNegative] = 0.0;
        /// Standard deviation of what arrives besides at each neuron that spikes, in each step and in the unit of the
        /// receptor (pA, or mV of `Delta`): the first receptor that is no conductance.
        currents: f64 [NotNegative] = 0.0;
        /// Standard deviation of what is added to each weight that gradients change, in units of its projection (see
        /// `Kaiming`) and anew for each batch; the gradient is that at the weights with the noise. A conductance stays
        /// at 0 at least.
        weights: f64 [NotNegative] = 0.0;
    }
}

params! {
    /// `Params` of `shaders/train/noise.wgsl`.
    pub struct NoiseParams {
        /// Neurons or sources.
        n: word,
        /// Rows of a sample: steps, or one.
        rows: word,
        /// Rows before these, which get none.
        history: word,
        /// Numbers of a row, of which some may be others.
        stride: word,
        /// The first of a row.
        first: word,
        /// Stream of random numbers.
        stream: word,
        /// 1: add to what is there; 0: overwrite.
        accumulate: word,
        /// Standard deviation.
        deviation: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/noise",
    wgsl: include_str!("../../shaders/train/noise.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("presentation"), // [samples] number that tells presentations apart
        reals_mut("values"),   // [samples, history + rows, stride]
    ],
    layouts: &[],
    params: NoiseParams::<f32>::FIELDS,
    twin32: dispatched::<NoiseTwin, f32>,
    twin64: scalar::<NoiseTwin, f64>,
};

/// The twin of `shaders/train/noise.wgsl`; units are samples.
pub struct NoiseTwin;

impl Twin for NoiseTwin {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = NoiseParams::<F>::of(call.params);
        let [presentation, values] = Call::take(call.args);
        let (presentation, values) = (presentation.words(), values.reals_mut());
        let seed = call.clock.seed;
        let key = [seed as u32, (seed >> 32) as u32 ^ p.stream];
        let (history, stride) = (p.history as usize, p.stride as usize);
        let rows = history + p.rows as usize;
        for (row, values) in values.chunks_exact_mut(stride).enumerate() {
            let b = row / rows;
            if b >= call.units.len() {
                break;
            }
            let Some(t) = (row % rows).checked_sub(history) else { continue };
            let values = &mut values[p.first as usize..][..p.n as usize];
            // The words of a call serve two neurons, those of sixteen calls 32.
            for (first, values) in (0u32..).step_by(16).zip(values.chunks_mut(32)) {
                let words = philox_lanes(first, [t as u32, 0, presentation[b]], key);
                for (value, pair) in values.iter_mut().zip(words.chunks_exact(2)) {
                    let before = if p.accumulate == 1 { *value } else { F::zero() };
                    *value = before + p.deviation * normal::<F>([pair[0], pair[1]]);
                }
            }
        }
    }
}
