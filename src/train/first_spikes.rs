//! First spike of each neuron in the window of a sample, and the answer that is made of its time.
//!
//! ```text
//!   first[b, n]  = the step of the first spike, or the number of steps where there is none
//!   output[b, n] = -(first + 1) dt / tau
//! ```
//! A spike of step t is at (t + 1) dt. A silent neuron counts as one that spikes a step after the window, later than any
//! that spikes; the answer is the neuron that is first, of several at once the one with the lowest number.

use super::loss::{Answers, Objective, Of, Setting, Wanted};
use super::softmax_cross_entropy::judgement;
use crate::grammar::{Judge, Ms, Quantity};
use crate::kernel::*;
use crate::{declare, params};

/// Largest exponent of e that is sure to be a number in single precision.
const LARGEST_EXPONENT: f64 = 80.0;

declare! {
    /// Cross-entropy of the softmax of -t / tau, where t is when the neurons of a population spike first, a neuron for
    /// each class: the answer is the one that is first, of several at once that with the lowest number. One that is
    /// silent counts as if it spiked a step after the end.
    pub struct FirstSpike: Word {
        /// The population.
        population: String;
        /// Time that makes a difference \[ms\].
        tau: Quantity<Ms> [Positive];
        /// Factor on `e^(t / tau_late) - 1` of the neuron of the right class, which is added, that it spikes early.
        alpha: f64 [NotNegative] = 0.0;
        /// Time constant of that \[ms\].
        tau_late: Option<Quantity<Ms>> [Positive];
        /// What is added where that neuron is silent, for each distance from rest to threshold by which its potential
        /// misses the threshold; for `EventProp`, by which it would learn nothing.
        push: f64 [NotNegative] = 0.0;
    }
}

impl Objective for FirstSpike {
    fn of(&self) -> Of<'_> {
        Of::FirstSpikes(self)
    }
    fn wanted(&self) -> Wanted {
        Wanted::Class
    }
    fn check(&self, path: &str, setting: Setting, judge: &mut dyn Judge) {
        let late = format!("{path}.tau_late");
        match self.tau_late.map(Quantity::get) {
            None if self.alpha > 0.0 => {
                let help = "add `tau_late: 10`, in ms";
                let message = "`alpha` is for late spikes, and nothing says what is late";
                judge.fault_with_help(late, message, help);
            }
            Some(_) if self.alpha == 0.0 => {
                let help = "give `alpha`, or leave it out";
                judge.fault_with_help(late, "it does nothing where `alpha` is 0", help);
            }
            Some(tau) => {
                let end = setting.dt.map_or(0.0, |dt| (setting.steps as f64 + 1.0) * dt);
                if end > LARGEST_EXPONENT * tau && tau > 0.0 {
                    let message = format!(
                        "e^(t / tau_late) at the end, {end} ms, is no number in single precision"
                    );
                    judge.fault_with_help(late, message, "make it longer");
                }
            }
            None => {}
        }
        match (setting.by_times, self.push > 0.0) {
            (false, true) => {
                let message =
                    "by surrogate gradients neurons learn to spike whether they do or not";
                let help = "leave it out, or write `learn: EventProp()`";
                judge.fault_with_help(format!("{path}.push"), message, help);
            }
            (true, false) => {
                let message = "a neuron that is silent for samples of its class learns nothing of them; `push: 1` \
                               would let it";
                judge.warn(path, message);
            }
            _ => {}
        }
    }
    fn judgement(&self, answers: Answers) -> Option<(&'static Kernel, Vec<Word>)> {
        Some(judgement(answers))
    }
}

params! {
    /// `Params` of `shaders/train/first_spikes.wgsl`.
    pub struct FirstSpikesParams {
        /// Neurons.
        n: word,
        /// Steps of a window.
        steps: word,
        /// Rows of spikes before the window.
        history: word,
        /// dt / tau.
        per_step: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/first_spikes",
    wgsl: include_str!("../../shaders/train/first_spikes.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("spikes"),     // [samples, history + steps, words]
        words_mut("first"),  // [samples, n]
        reals_mut("output"), // [samples, n]
    ],
    layouts: &[],
    params: FirstSpikesParams::<f32>::FIELDS,
    twin32: dispatched::<FirstSpikes, f32>,
    twin64: scalar::<FirstSpikes, f64>,
};

/// The twin of `shaders/train/first_spikes.wgsl`; units are samples.
pub struct FirstSpikes;

impl Twin for FirstSpikes {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = FirstSpikesParams::<F>::of(call.params);
        let [spikes, first, output] = Call::take(call.args);
        let (spikes, first, output) = (spikes.words(), first.words_mut(), output.reals_mut());
        let (n, rows) = (p.n as usize, (p.history + p.steps) as usize);
        let words = spike_words(n);
        for b in 0..call.units.len() {
            let spiked = |t: u32, id: usize| {
                let row = b * rows + (p.history + t) as usize;
                spikes[row * words + id / 32] >> (id % 32) & 1 == 1
            };
            for id in 0..n {
                let step = (0..p.steps).find(|t| spiked(*t, id)).unwrap_or(p.steps);
                first[b * n + id] = step;
                output[b * n + id] = -p.per_step * F::of(f64::from(step + 1));
            }
        }
    }
}
