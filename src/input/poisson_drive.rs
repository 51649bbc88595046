//! Independent Poisson input to each neuron of a population: many weak sources without a spike train
//! of their own.
//!
//! In each step a neuron gets N events, N from the Poisson distribution of mean rate · dt, each of
//! the same weight. One word of Philox per neuron and step is compared with the distribution's
//! cumulative sums, as integers, so every engine draws the same events. The sum goes to the ring, for
//! this step.

use super::source::InputError;
use super::stimulus::{Drive, Events, Input, Making};
use crate::grammar::{Hz, Judge, Ms, Param, Quantity, Strength};
use crate::kernel::*;
use crate::neuron::model::Drawn;
use crate::neuron::stepped::BLOCK;
use crate::rng::philox_lanes;
use crate::{declare, params};
use std::collections::BTreeMap;

declare! {
    /// Events at random times, independent for each neuron, as from many weak sources.
    pub struct Poisson: Word {
        /// Rate for each neuron \[Hz\].
        rate: Param<Hz> [NotNegative];
        /// Weight of an event in the unit of the receptor.
        weight: Quantity<Strength>;
        /// Receptor; chosen as that of a projection if absent.
        receptor: Option<String>;
        /// Time of the first event at the earliest \[ms\].
        start: Option<Quantity<Ms>> [Moment];
        /// Time from which there are no more \[ms\].
        stop: Option<Quantity<Ms>> [Moment];
    }
}

impl Drive for Poisson {
    fn check(&self, path: &str, dt: Option<f64>, judge: &mut dyn Judge) {
        let highest = self.rate.bounds().map(|(_, rate)| rate).filter(|rate| rate.is_finite());
        let Some((rate, dt)) = highest.zip(dt) else { return };
        let mean = rate * dt * 1e-3;
        if mean > MOST_EVENTS {
            let message = format!(
                "{rate} Hz are {mean:e} events in each step of {dt} ms, more than {MOST_EVENTS} are not drawn"
            );
            let help = "so many are hardly noise: lower the rate and raise the weight, or use `Step` and `Noise`";
            judge.fault_with_help(format!("{path}.rate"), message, help);
        }
    }
    fn span(&self) -> [Option<f64>; 2] {
        [self.start, self.stop].map(|time| time.map(Quantity::get))
    }
    fn events(&self) -> Option<Events<'_>> {
        Some(Events { weight: self.weight.get(), receptor: self.receptor.as_deref() })
    }
    fn make(&self, making: Making, drawn: &Drawn) -> Result<Input, InputError> {
        let [ex, inhibitory] = making.receptors;
        let (receptor, weight) = match self.weight.get() {
            w if w >= 0.0 => (ex, w),
            w if making.by_magnitude => (inhibitory, w.abs()),
            w => (inhibitory, w),
        };
        let rates = drawn.get("rate");
        let means: Vec<f64> = rates.iter().map(|r| r * 1e-3 * making.dt).collect();
        if let Some(k) = means.iter().position(|mean| *mean > MOST_EVENTS) {
            let why = format!("more than {MOST_EVENTS} events in a step, which are not drawn");
            return Err(drawn.refused("rate", k, rates[k], why).into());
        }
        Ok(Input::Poisson { means, weight, receptor })
    }
}

params! {
    /// `Params` of `shaders/input/poisson_drive.wgsl`.
    pub struct PoissonDriveParams {
        /// Neurons.
        n: word,
        /// Neurons of a tile of the ring.
        tile: word,
        /// First tile of the population.
        first_tile: word,
        /// Slots of the ring, a power of two.
        slots: word,
        /// Receptors for which the ring has room.
        stride: word,
        /// Receptor that gets the events.
        receptor: word,
        /// Weight of an event in units of the ring, as i32.
        weight: word,
        /// 1 if each neuron has its own table.
        own: word,
        /// Stream of random numbers.
        stream: word,
        /// First step with events; the lower half of the number.
        start_lo: word,
        /// Its upper half.
        start_hi: word,
        /// First step without, likewise.
        stop_lo: word,
        /// Its upper half.
        stop_hi: word,
    }
}

/// Events that a step may have on average: they are counted by comparing with as many numbers.
const MOST_EVENTS: f64 = 10_000.0;

/// Cumulative sums of the Poisson distribution of mean `mean` as thresholds of a random word: the
/// number of entries that are not above the word is the number of events. Ends where what is left is
/// below 2^-32.
pub fn levels(mean: f64) -> Vec<u32> {
    let (mut levels, mut sum) = (Vec::new(), 0.0);
    // p_k by its logarithm: e^-mean alone may underflow.
    let mut ln_p = -mean;
    for k in 1.. {
        sum += ln_p.exp();
        let level = (sum * 4_294_967_296.0).round();
        if level >= 4_294_967_295.0 || (f64::from(k) > mean && ln_p < -25.0) {
            return levels;
        }
        levels.push(level as u32);
        ln_p += (mean / f64::from(k)).ln();
    }
    levels
}

/// The tables of these means, each once, and where that of each begins.
pub fn tables(means: &[f64]) -> (Vec<u32>, Vec<u32>) {
    let (mut level, mut known) = (Vec::new(), BTreeMap::new());
    let first = means.iter().map(|mean| {
        *known.entry(mean.to_bits()).or_insert_with(|| {
            let (first, levels) = (level.len() as u32, levels(*mean));
            level.push(levels.len() as u32);
            level.extend(levels);
            first
        })
    });
    let first = first.collect();
    (level, first)
}

/// Events of the table that begins at `first`, by a random word.
#[inline(always)]
pub fn events(level: &[u32], first: u32, random: u32) -> u32 {
    let table = &level[first as usize + 1..][..level[first as usize] as usize];
    table.iter().filter(|level| random >= **level).count() as u32
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "input/poisson_drive",
    wgsl: include_str!("../../shaders/input/poisson_drive.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        words("level"),    // tables: how many levels, then these
        words("first"),    // [n or 1] where the table of a neuron begins
        words_mut("ring"), // [tiles, slots, receptors, tile] as i32
    ],
    layouts: &[],
    params: PoissonDriveParams::<f32>::FIELDS,
    twin32: dispatched::<PoissonDrive, f32>,
    twin64: scalar::<PoissonDrive, f64>,
};

/// The twin of `shaders/input/poisson_drive.wgsl`; units are tiles.
pub struct PoissonDrive;

impl Twin for PoissonDrive {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = PoissonDriveParams::<F>::of(call.params);
        let [level, first_of, ring] = Call::take(call.args);
        let (level, first_of, ring) = (level.words(), first_of.words(), ring.words_mut());
        let shared = &level[first_of[0] as usize + 1..][..level[first_of[0] as usize] as usize];
        let step = call.clock.step + u64::from(call.span.t0);
        if step < joined(p.start_lo, p.start_hi) || step >= joined(p.stop_lo, p.stop_hi) {
            return;
        }
        let seed = call.clock.seed;
        let key = [seed as u32, (seed >> 32) as u32 ^ p.stream];
        let (tile, slots, stride) = (p.tile as usize, p.slots as usize, p.stride as usize);
        let slot = step as usize & (slots - 1);
        for unit in call.units.clone() {
            let row =
                (((unit - call.units.start) * slots + slot) * stride + p.receptor as usize) * tile;
            let first = unit * tile;
            let alive = (p.n as usize).saturating_sub(first).min(tile);
            for (block, sums) in ring[row..row + alive].chunks_mut(BLOCK).enumerate() {
                let counter = ((first + block * BLOCK) / 4) as u32;
                let random = philox_lanes(counter, [step as u32, (step >> 32) as u32, 0], key);
                let mut count = [0u32; BLOCK];
                if p.own == 1 {
                    let own = &first_of[first + block * BLOCK..][..sums.len()];
                    for (k, first) in own.iter().enumerate() {
                        count[k] = events(level, *first, random[k]);
                    }
                } else {
                    for level in shared {
                        for k in 0..BLOCK {
                            count[k] += u32::from(random[k] >= *level);
                        }
                    }
                }
                for (sum, count) in sums.iter_mut().zip(count) {
                    *sum = sum.wrapping_add(count.wrapping_mul(p.weight));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_those_of_the_distribution() {
        for mean in [0.003, 0.5, 2.0, 30.0, 900.0, 10_000.0] {
            let levels = levels(mean);
            let probability = |k: usize| {
                let at = |k: usize| levels.get(k).map_or(1.0, |l| f64::from(*l) / 4_294_967_296.0);
                at(k) - if k == 0 { 0.0 } else { at(k - 1) }
            };
            let moment = |power: i32| -> f64 {
                (0..=levels.len()).map(|k| probability(k) * (k as f64).powi(power)).sum()
            };
            let (first, second) = (moment(1), moment(2));
            assert!((first / mean - 1.0).abs() < 1e-6, "{mean}: mean {first}");
            assert!(((second - first * first) / mean - 1.0).abs() < 1e-5, "{mean}: variance");
        }
    }
}
