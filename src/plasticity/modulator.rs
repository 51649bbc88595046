//! Neuromodulators: concentrations that releases raise and that decay.
//!
//! ```text
//!   dD/dt = (D_rest - D) / tau,     D := D + amount at each release and each spike of a population
//! ```
//! The substance is everywhere at once. What is released in step t acts from that step on. There are few of
//! them, so all have second floats ([`crate::slow`]).

use crate::kernel::*;
use crate::params;
use crate::slow;

params! {
    /// `Params` of `shaders/plasticity/modulator.wgsl`.
    pub struct ModulatorParams {
        /// Which one.
        modulator: word,
        /// How many there are.
        modulators: word,
        /// Words of a row of spikes.
        row: word,
        /// First word of the population whose spikes release it.
        first_word: word,
        /// Words of that population; 0 if there is none.
        words: word,
        /// 1: let it decay and add what the host releases, before the spikes of this population.
        first: word,
        /// Concentration at rest.
        baseline: real,
        /// e^(-dt / tau) - 1.
        fall: real,
        /// Release by a spike.
        amount: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "plasticity/modulator",
    wgsl: include_str!("../../shaders/plasticity/modulator.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        words("spikes"),            // [steps, row]
        reals("release"),           // [steps, modulators]
        reals_mut("concentration"), // [2, modulators], the second row for the second floats
    ],
    layouts: &[],
    params: ModulatorParams::<f32>::FIELDS,
    twin32: dispatched::<Modulator, f32>,
    twin64: scalar::<Modulator, f64>,
};

/// The twin of `shaders/plasticity/modulator.wgsl`; one unit.
pub struct Modulator;

impl Twin for Modulator {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = ModulatorParams::<F>::of(call.params);
        let [spikes, release, concentration] = Call::take(call.args);
        let (t, which) = (call.span.t0 as usize, p.modulator as usize);
        let at = t * p.row as usize + p.first_word as usize;
        let words = &spikes.words()[at..at + p.words as usize];
        let spikes: u32 = words.iter().map(|word| word.count_ones()).sum();
        let released = release.reals()[t * p.modulators as usize + which];
        let mut change = p.amount * F::of(f64::from(spikes));
        let (d, rest) = concentration.reals_mut().split_at_mut(p.modulators as usize);
        if p.first == 1 {
            change += p.fall * (d[which] - p.baseline) + released;
        }
        slow::add(&mut d[which], &mut rest[which], change);
    }
}
