//! Measures: numbers that are counted of spikes as they come, in memory that does not grow with time.
//!
//! A run is a row of trials, or a single one. A measure looks at a window of each, and at some neurons, its members, which
//! may be others in each trial. Counts of the latest trial are kept for each neuron; of those before only the sum of what
//! their members did, in whole numbers. Division is left to the end, so that equal spikes make equal numbers.

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Neurons that count in a trial.
#[derive(Debug, Clone)]
pub enum Members {
    /// These.
    These(Vec<u32>),
    /// All but these.
    Others(Vec<u32>),
}

/// What of the spikes of a population is counted.
#[derive(Debug, Clone)]
pub struct Measure {
    /// Name in the scene.
    pub name: String,
    /// Index of the population.
    pub population: usize,
    /// Steps of a trial, from its begin, that count.
    pub window: Range<u64>,
    /// Steps from the begin of a trial to the next.
    pub every: u64,
    /// Who counts in each trial.
    pub members: Vec<Members>,
    /// Spikes in a window from which on a neuron is active, if what counts is whether it is; else each spike does.
    pub least: Option<u64>,
    /// Time step \[ms\].
    pub dt: f64,
    /// What was counted so far.
    pub tally: Tally,
}

/// What a measure has counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// The latest trial with a spike.
    trial: usize,
    /// Spikes of each neuron in its window.
    counts: Vec<u64>,
    /// Spikes or active neurons among the members of earlier trials.
    sum: u64,
}

impl Tally {
    /// Of a population of `size` neurons, before any spike.
    pub fn new(size: usize) -> Self {
        Self { trial: 0, counts: vec![0; size], sum: 0 }
    }
}

/// Spikes in so many seconds from which on a rate is above so many Hz.
pub fn spikes_above(rate: f64, seconds: f64) -> u64 {
    // A product may be off in its last digits where it should be a whole number.
    ((rate * seconds + 1e-9).floor() as u64).saturating_add(1)
}

impl Measure {
    /// Adds a spike. Steps never decrease from one spike to the next.
    ///
    /// # Panics
    /// If the population has no such neuron.
    pub fn add(&mut self, step: u64, neuron: u32) {
        let trial = (step / self.every) as usize;
        if trial >= self.members.len() || !self.window.contains(&(step % self.every)) {
            return;
        }
        if trial != self.tally.trial {
            self.tally.sum += self.latest();
            self.tally.trial = trial;
            self.tally.counts.fill(0);
        }
        self.tally.counts[neuron as usize] += 1;
    }

    /// Spikes or active neurons among the members of the latest trial.
    fn latest(&self) -> u64 {
        let Tally { trial, counts, .. } = &self.tally;
        let of = |count: u64| self.least.map_or(count, |least| u64::from(count >= least));
        let sum = |ids: &[u32]| ids.iter().map(|id| of(counts[*id as usize])).sum::<u64>();
        match &self.members[*trial] {
            Members::These(ids) => sum(ids),
            Members::Others(ids) => counts.iter().map(|count| of(*count)).sum::<u64>() - sum(ids),
        }
    }

    /// The mean over all members of all trials of their rates \[Hz\], or the fraction of those that are active.
    pub fn value(&self) -> f64 {
        let members = self.members.iter().map(|members| match members {
            Members::These(ids) => ids.len(),
            Members::Others(ids) => self.tally.counts.len() - ids.len(),
        });
        let mean = (self.tally.sum + self.latest()) as f64 / members.sum::<usize>() as f64;
        match self.least {
            Some(_) => mean,
            None => mean / ((self.window.end - self.window.start) as f64 * self.dt * 1e-3),
        }
    }

    /// Whether it can have counted this within so many steps. What is read from a file need not be so.
    pub fn can_have(&self, tally: &Tally, steps: u64) -> bool {
        let length = self.window.end - self.window.start;
        let most = steps.saturating_mul(tally.counts.len() as u64);
        tally.counts.len() == self.tally.counts.len()
            && tally.trial < self.members.len()
            && tally.trial as u64 <= steps / self.every
            && tally.counts.iter().all(|count| *count <= length)
            && tally.sum <= most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of four neurons, in windows of 10 to 20 of trials of 30 steps of 1 ms.
    fn of(members: Vec<Members>, least: Option<u64>) -> Measure {
        let (window, every, dt) = (10..20, 30, 1.0);
        let (name, tally) = ("m".to_owned(), Tally::new(4));
        Measure { name, population: 0, window, every, members, least, dt, tally }
    }

    fn value(mut measure: Measure, spikes: &[(u64, u32)]) -> f64 {
        spikes.iter().for_each(|(step, neuron)| measure.add(*step, *neuron));
        measure.value()
    }

    #[test]
    fn windows_trials_and_members() {
        use Members::{Others, These};
        // Edges of windows, a trial without a spike, and spikes after the last trial.
        let spikes =
            [(9, 0), (10, 0), (12, 0), (19, 1), (20, 1), (70, 3), (71, 3), (79, 0), (100, 2)];
        let all = || vec![Others(vec![]), Others(vec![]), Others(vec![])];
        // 3 spikes in the first window, none in the second, 3 in the third: 6 in 3 x 4 x 10 ms.
        assert_eq!(value(of(all(), None), &spikes), 50.0);
        assert_eq!(value(of(all(), Some(1)), &spikes), 4.0 / 12.0);
        assert_eq!(value(of(all(), Some(2)), &spikes), 2.0 / 12.0);
        let pattern = |other: bool| {
            let sets = [vec![0, 1], vec![2, 3], vec![0, 2]].into_iter();
            sets.map(|ids| if other { Others(ids) } else { These(ids) }).collect()
        };
        assert_eq!(value(of(pattern(false), Some(1)), &spikes), 3.0 / 6.0);
        assert_eq!(value(of(pattern(true), Some(1)), &spikes), 1.0 / 6.0);
        assert_eq!(value(of(pattern(false), Some(1)), &[]), 0.0);
    }

    #[test]
    fn a_rate_must_be_above() {
        // 30 Hz over 100 ms are three spikes, which are not more.
        assert_eq!(spikes_above(30.0, 0.1), 4);
        assert_eq!(spikes_above(29.9, 0.1), 3);
        assert_eq!(spikes_above(0.0, 0.1), 1);
        let above = |k: u32| spikes_above(f64::from(k) / 0.3, 0.3);
        assert!((1..2000).all(|k| above(k) == u64::from(k) + 1));
    }
}
