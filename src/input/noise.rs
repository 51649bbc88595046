//! Noise current into each neuron: white, or an Ornstein–Uhlenbeck process.
//!
//! ```text
//!   x' = x + fall x + sqrt(1 - (1 + fall)^2) N(0, 1)    fall = e^(-dt / tau) - 1, or -1 for white noise
//!   i  = mean + std strength x      strength: 1, unless a modulator moves it
//! ```
//! which is exact for the process at the steps: its standard deviation is `std` whatever dt, and
//! neighbouring steps correlate by 1 + fall. White noise is a new draw in each step, so its effect on the
//! potential shrinks with dt, as that of NEST's noise generator does. Normal numbers come from
//! Philox by Box and Muller's transform, four from the words of one call.

use super::source::InputError;
use super::stimulus::{Drive, Input, Making};
use crate::grammar::{Judge, Ms, Pa, PaRootMs, Param, Quantity};
use crate::kernel::*;
use crate::neuron::model::Drawn;
use crate::rng::philox_lanes;
use crate::slow::fall;
use crate::{declare, params};

declare! {
    /// A noise current, independent for each neuron.
    pub struct Noise: Word {
        /// Mean \[pA\].
        mean: Param<Pa> = 0.0;
        /// Standard deviation; of white noise that of each step, whatever dt, so that its effect grows with
        /// sqrt(dt), as in published code that has one step in mind. Give this or `sigma` \[pA\].
        std: Option<Param<Pa>> [NotNegative];
        /// Strength of white noise, whose deviation in a step is then `sigma / sqrt(dt)`: what it does to a
        /// neuron does not depend on dt.
        sigma: Option<Param<PaRootMs>> [NotNegative];
        /// Correlation time of an Ornstein–Uhlenbeck process \[ms\]; white noise, a new draw in each
        /// step, if absent.
        tau: Option<Quantity<Ms>> [Positive];
        /// Begin \[ms\].
        start: Option<Quantity<Ms>> [Moment];
        /// End \[ms\].
        stop: Option<Quantity<Ms>> [Moment];
    }
}

impl Drive for Noise {
    fn check(&self, path: &str, _: Option<f64>, judge: &mut dyn Judge) {
        if self.std.is_some() == self.sigma.is_some() {
            let message = "noise has either `std`, its deviation in a step, or `sigma`, its strength \
                           whatever the step";
            judge.fault_with_help(path, message, "give one of them: std = sigma / sqrt(dt)");
        }
        if self.tau.is_some() && self.sigma.is_some() {
            let message = "`sigma` is of white noise, and with `tau` it is none";
            let help = "give `std`, which does not depend on dt where there is a `tau`";
            judge.fault_with_help(format!("{path}.sigma"), message, help);
        }
    }
    fn span(&self) -> [Option<f64>; 2] {
        [self.start, self.stop].map(|time| time.map(Quantity::get))
    }
    fn make(&self, Making { dt, .. }: Making, drawn: &Drawn) -> Result<Input, InputError> {
        let stds = match (drawn.find("std"), drawn.find("sigma")) {
            (Some(stds), _) => stds.to_vec(),
            // The mean of white noise over a step varies the less the longer the step is.
            (None, Some(sigmas)) => sigmas.iter().map(|sigma| sigma / dt.sqrt()).collect(),
            (None, None) => vec![0.0],
        };
        let fall = self.tau.map_or(-1.0, |tau| fall(dt, tau.get()));
        Ok(Input::Noise { means: drawn.get("mean").to_vec(), stds, fall })
    }
}

params! {
    /// `Params` of `shaders/input/noise.wgsl`.
    pub struct NoiseParams {
        /// Neurons.
        n: word,
        /// Stream of random numbers.
        stream: word,
        /// 1 if each neuron has its own mean and deviation.
        own: word,
        /// e^(-dt / tau) - 1; -1 for white noise.
        fall: real,
        /// sqrt(1 - (1 + fall)^2).
        fresh: real,
        /// First step with noise; the lower half of the number.
        start_lo: word,
        /// Its upper half.
        start_hi: word,
        /// First step without, likewise.
        stop_lo: word,
        /// Its upper half.
        stop_hi: word,
        /// 1: add to what other noise left; 0: overwrite.
        accumulate: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "input/noise",
    wgsl: include_str!("../../shaders/input/noise.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        reals_mut("process"), // [n] x
        reals_mut("current"), // [n] pA
        reals("strength"),    // [1] factor on the deviation
        reals("mean"),        // [n or 1] pA
        reals("deviation"),   // [n or 1] pA
    ],
    layouts: &[],
    params: NoiseParams::<f32>::FIELDS,
    twin32: dispatched::<NoiseTwin, f32>,
    twin64: scalar::<NoiseTwin, f64>,
};

/// The twin of `shaders/input/noise.wgsl`; units are neurons.
pub struct NoiseTwin;

impl Twin for NoiseTwin {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = NoiseParams::<F>::of(call.params);
        let [process, current, strength, mean, deviation] = Call::take(call.args);
        let (process, current) = (process.reals_mut(), current.reals_mut());
        let (strength, mean, deviation) = (strength.reals()[0], mean.reals(), deviation.reals());
        let step = call.clock.step + u64::from(call.span.t0);
        let begun = step >= joined(p.start_lo, p.start_hi);
        let on = begun && step < joined(p.stop_lo, p.stop_hi);
        let seed = call.clock.seed;
        let key = [seed as u32, (seed >> 32) as u32 ^ p.stream];
        let first = call.units.start;
        // The words of a call serve two neurons, those of sixteen calls 32; a piece starts at such a group.
        debug_assert!(first.is_multiple_of(32));
        for (group, (xs, is)) in process.chunks_mut(32).zip(current.chunks_mut(32)).enumerate() {
            let call = (first / 32 + group) as u32 * 16;
            let words = philox_lanes(call, [step as u32, (step >> 32) as u32, 0], key);
            for (k, (x, i)) in xs.iter_mut().zip(is).enumerate() {
                let own = if p.own == 1 { group * 32 + k } else { 0 };
                let pair = [words[2 * k], words[2 * k + 1]];
                *x += p.fall * *x + p.fresh * normal::<F>(pair);
                let before = if p.accumulate == 1 { *i } else { F::zero() };
                *i = before
                    + if on { mean[own] + deviation[own] * strength * *x } else { F::zero() };
            }
        }
    }
}

/// What is drawn anew in a step, sqrt(1 - rho^2) with rho = 1 + fall.
pub fn fresh(fall: f64) -> f64 {
    (-fall * (2.0 + fall)).sqrt()
}

/// A standard normal number of two random words.
#[inline(always)]
pub fn normal<F: Real>([radius, angle]: [u32; 2]) -> F {
    let tau = F::of(std::f64::consts::TAU);
    (F::of(-2.0) * uniform::<F>(radius).ln()).sqrt() * (tau * uniform::<F>(angle)).cos()
}

/// Uniform on (0, 1) from the upper 23 bits of a word, and a half, so that neither end occurs.
#[inline(always)]
fn uniform<F: Real>(word: u32) -> F {
    (F::of_int((word >> 9) as i32) + F::of(0.5)) * F::of(1.0 / 8_388_608.0)
}
