//! Noise currents of a training: [`super::noise`] for all steps of a window, each sample with its own, on top of what
//! other stimuli bring in each step. A presentation has no beginning in which noise with a memory would rise: its first number
//! is of the whole deviation.

use super::noise::normal;
use crate::kernel::*;
use crate::params;
use crate::rng::philox_lanes;

params! {
    /// `Params` of `shaders/input/noise_window.wgsl`.
    pub struct NoiseWindowParams {
        /// Neurons.
        n: word,
        /// Steps of a window.
        steps: word,
        /// Numbers of a row of the inbox.
        stride: word,
        /// The first of them that is a current.
        place: word,
        /// Stream of random numbers.
        stream: word,
        /// 1 if each neuron has its own mean and deviation.
        own: word,
        /// First step with noise.
        start: word,
        /// First step without.
        stop: word,
        /// 1: add to what other noise left; 0: to what other stimuli bring.
        accumulate: word,
        /// e^(-dt / tau) - 1; -1 for white noise.
        fall: real,
        /// sqrt(1 - (1 + fall)^2).
        fresh: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "input/noise_window",
    wgsl: include_str!("../../shaders/input/noise_window.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("presentation"), // [samples] number that tells presentations apart
        reals("course"),       // [steps, n] what other stimuli bring, pA
        reals("mean"),         // [n or 1] pA
        reals("deviation"),    // [n or 1] pA
        reals_mut("inbox"),    // [samples, steps, stride]
    ],
    layouts: &[],
    params: NoiseWindowParams::<f32>::FIELDS,
    twin32: dispatched::<NoiseWindow, f32>,
    twin64: scalar::<NoiseWindow, f64>,
};

/// Neurons whose normal numbers are of the words of 16 calls.
const TOGETHER: usize = 32;

/// The twin of `shaders/input/noise_window.wgsl`; units are samples.
pub struct NoiseWindow;

impl Twin for NoiseWindow {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = NoiseWindowParams::<F>::of(call.params);
        let [presentation, course, mean, deviation, inbox] = Call::take(call.args);
        let (presentation, course) = (presentation.words(), course.reals());
        let (mean, deviation, inbox) = (mean.reals(), deviation.reals(), inbox.reals_mut());
        let seed = call.clock.seed;
        let key = [seed as u32, (seed >> 32) as u32 ^ p.stream];
        let (n, steps, stride) = (p.n as usize, p.steps as usize, p.stride as usize);
        for b in 0..call.units.len() {
            for first in (0..n).step_by(TOGETHER) {
                let mut process = [F::zero(); TOGETHER];
                for t in 0..steps {
                    let words = philox_lanes(first as u32 / 2, [t as u32, 0, presentation[b]], key);
                    let fresh = if t == 0 { F::one() } else { p.fresh };
                    let on = (p.start..p.stop).contains(&(t as u32));
                    let row = (b * steps + t) * stride + p.place as usize + first;
                    let row = &mut inbox[row..][..TOGETHER.min(n - first)];
                    for (k, (x, i)) in process.iter_mut().zip(row).enumerate() {
                        let own = if p.own == 1 { first + k } else { 0 };
                        *x += p.fall * *x + fresh * normal::<F>([words[2 * k], words[2 * k + 1]]);
                        let before = if p.accumulate == 1 { *i } else { course[t * n + first + k] };
                        *i = before + if on { mean[own] + deviation[own] * *x } else { F::zero() };
                    }
                }
            }
        }
    }
}
