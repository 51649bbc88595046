//! Concentration of a substance over the window of a sample, above rest: [`crate::plasticity::modulator`] for all steps
//! at once.
//!
//! ```text
//!   acting[b, t] := [acting[b, t] +] D,    then D := (1 + fall) D + release[t] + amount · spikes of step t
//! ```
//! D starts anew with each sample. What is released in step t acts from the next step on, as in a simulation. D is a sum
//! over what several populations release, each with a launch of its own; the first has what is released at given times.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/concentration.wgsl`.
    pub struct ConcentrationParams {
        /// Steps of a window.
        steps: word,
        /// Rows of spikes before the window.
        history: word,
        /// Words of a row of spikes; 0 if none release it.
        words: word,
        /// Neurons whose spikes are soft; 0 if none are.
        soft: word,
        /// 1: add to what others released, spikes alone; 0: overwrite.
        accumulate: word,
        /// D at the start.
        start: real,
        /// e^(-dt / tau) - 1.
        fall: real,
        /// Release by a spike.
        amount: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/concentration",
    wgsl: include_str!("../../shaders/train/concentration.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("spikes"),      // [samples, history + steps, words]
        reals("soft_spikes"), // [samples, history + steps, soft], if they are soft
        reals("release"),     // [steps]
        reals_mut("acting"),  // [samples, steps]
    ],
    layouts: &[],
    params: ConcentrationParams::<f32>::FIELDS,
    twin32: dispatched::<Concentration, f32>,
    twin64: scalar::<Concentration, f64>,
};

/// The twin of `shaders/train/concentration.wgsl`; units are samples.
pub struct Concentration;

impl Twin for Concentration {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = ConcentrationParams::<F>::of(call.params);
        let [spikes, values, release, acting] = Call::take(call.args);
        let (spikes, values) = (spikes.words(), values.reals());
        let (release, acting) = (release.reals(), acting.reals_mut());
        let (steps, words, soft) = (p.steps as usize, p.words as usize, p.soft as usize);
        for b in 0..call.units.len() {
            let first = b * (p.history as usize + steps) + p.history as usize;
            let mut d = p.start;
            for (t, acting) in acting[b * steps..][..steps].iter_mut().enumerate() {
                let others = if p.accumulate == 1 { *acting } else { F::zero() };
                *acting = others + d;
                let row = &spikes[(first + t) * words..][..words];
                let count: u32 = row.iter().map(|word| word.count_ones()).sum();
                let mut sum = F::of(f64::from(count));
                values[(first + t) * soft..][..soft].iter().for_each(|value| sum += *value);
                let mut change = p.fall * d + p.amount * sum;
                if p.accumulate == 0 {
                    change += release[t];
                }
                d += change;
            }
        }
    }
}
