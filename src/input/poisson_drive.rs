//! Independent Poisson input to each neuron of a population: many weak sources without a spike train
//! of their own.
//!
//! In each step a neuron gets N events, N from the Poisson distribution of mean rate · dt, each of
//! the same weight. One word of Philox per neuron and step is compared with the distribution's
//! cumulative sums, as integers, so every engine draws the same events. They arrive in this step: the neurons' own kernel
//! draws them ([`crate::neuron::frame::Step`]).

use super::source::InputError;
use super::stimulus::{Drive, Events, Input, Making};
use crate::grammar::{Hz, Judge, Ms, Param, Quantity, Strength};
use crate::kernel::*;
use crate::neuron::model::Drawn;
use crate::neuron::stepped::BLOCK;
use crate::rng::philox_lanes;
use crate::{declare, numbers};
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

numbers! {
    /// A stimulus among those of a population in the array `event`. Behind all of these are their tables.
    pub struct Event in event {
        /// Receptor that gets the events.
        receptor,
        /// Weight of an event in units of the ring, as the word of an i32.
        weight,
        /// Stream of random numbers.
        stream,
        /// First step with events; the lower half of the number.
        start_lo,
        /// Its upper half.
        start_hi,
        /// First step without, likewise.
        stop_lo,
        /// Its upper half.
        stop_hi,
        /// Where the tables begin: of each how many levels, then these.
        level,
        /// Where it is said where the table of each neuron begins, from `level` on.
        first,
        /// 1 if each neuron has its own, else there is one for all.
        own,
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

/// A stimulus before it has its place: the fields that are known, its tables, and room for so many more words of either.
pub type Unplaced = (Event, (Vec<u32>, Vec<u32>), [usize; 2]);

/// The array `event` of a population's stimuli, and where in it the tables of each begin.
pub fn laid_out(stimuli: Vec<Unplaced>) -> (Vec<u32>, Vec<[usize; 2]>) {
    let mut words = vec![0; stimuli.len() * event::COUNT];
    let mut places = Vec::new();
    for (k, (known, (level, first), room)) in stimuli.into_iter().enumerate() {
        let own = f64::from(u8::from(first.len() > 1));
        let [at_level, at_first] = [(level, room[0]), (first, room[1])].map(|(table, room)| {
            let at = words.len();
            words.extend(&table);
            words.resize(words.len() + room, 0);
            at
        });
        let place = |at: usize| at as f64;
        let known = Event { level: place(at_level), first: place(at_first), own, ..known };
        let of = &mut words[k * event::COUNT..][..event::COUNT];
        of.iter_mut().zip(known.numbers()).for_each(|(word, x)| *word = x as u32);
        places.push([at_level, at_first]);
    }
    (words, places)
}

/// The twin of `shaders/lib/events.wgsl`: what stimuli bring to neurons in a step of a simulation.
#[derive(Clone, Copy)]
pub struct Brought<'a> {
    /// The array `event`.
    pub words: &'a [u32],
    /// Stimuli.
    pub count: usize,
    /// Seed of the run.
    pub seed: u64,
    /// Step of the run.
    pub step: u64,
}

impl Brought<'_> {
    /// Hands to `add` for each stimulus its receptor, and what it brings to the `alive` neurons from `neuron` on, in units of
    /// the ring.
    #[inline(always)]
    pub fn draw(&self, neuron: usize, alive: usize, mut add: impl FnMut(usize, &[u32; BLOCK])) {
        for known in self.words.chunks_exact(event::COUNT).take(self.count) {
            let begun = self.step >= joined(known[event::start_lo], known[event::start_hi]);
            if !begun || self.step >= joined(known[event::stop_lo], known[event::stop_hi]) {
                continue;
            }
            let key = [self.seed as u32, (self.seed >> 32) as u32 ^ known[event::stream]];
            let step = [self.step as u32, (self.step >> 32) as u32, 0];
            let random = philox_lanes((neuron / 4) as u32, step, key);
            let level = &self.words[known[event::level] as usize..];
            let first = &self.words[known[event::first] as usize..];
            let mut count = [0u32; BLOCK];
            if known[event::own] == 1 {
                for (k, first) in first[neuron..][..alive].iter().enumerate() {
                    count[k] = events(level, *first, random[k]);
                }
            } else {
                let levels = level[first[0] as usize];
                for level in &level[first[0] as usize + 1..][..levels as usize] {
                    for k in 0..BLOCK {
                        count[k] += u32::from(random[k] >= *level);
                    }
                }
                count[alive..].fill(0);
            }
            let weight = known[event::weight];
            add(known[event::receptor] as usize, &count.map(|count| count.wrapping_mul(weight)));
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
