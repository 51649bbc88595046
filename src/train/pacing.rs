//! Pacing: how what a training shows becomes harder in its course, by samples, by epochs or by how well it goes.
//!
//! What is shown is a function of the seed and of the list of finished epochs, which a checkpoint has: a run that goes on
//! shows what an unbroken one does.

use super::epoch::Epoch;
use super::stop::Metric;
use crate::declare;

declare! {
    /// How something grows from its least to its largest value.
    #[derive(Copy)]
    pub enum Growth {
        /// By the same amount each time.
        Linear;
        /// By the same factor each time.
        Exp | "Exponential";
        /// In so many equal steps.
        Step(u64);
    }
}

impl Growth {
    /// The value when the part `done` of the way is behind.
    pub fn at(self, [least, largest]: [f64; 2], done: f64) -> f64 {
        let line = |done: f64| least + (largest - least) * done;
        match self {
            Self::Linear => line(done),
            Self::Exp => least * (largest / least).powf(done),
            Self::Step(steps) => line((done * steps as f64).floor() / steps as f64),
        }
    }

    /// The value of item `k` of `count`, counted from 0. The last of the part `until` of them is the first to have the
    /// largest; where that would be none or the very first, all have it.
    pub fn of(self, ends: [f64; 2], k: usize, until: f64, count: usize) -> f64 {
        let reached = (until * count as f64).round() - 1.0;
        let done = if reached > 0.0 { (k as f64 / reached).min(1.0) } else { 1.0 };
        self.at(ends, done)
    }
}

declare! {
    /// In which order samples come that are not alike hard.
    #[derive(Copy)]
    pub enum RampOrder {
        /// The easiest first.
        EasyFirst;
        /// The hardest first: a control.
        Anti | "HardFirst";
        /// In an order drawn from the seed: a control.
        Shuffled;
    }
}

/// Of so many steps those that are done after some epochs: one for each that reached a bound.
pub fn passed(steps: u64, metric: Metric, bound: f64, done: &[Epoch]) -> u64 {
    let reached = |epoch: &&Epoch| metric.of(epoch).is_some_and(|number| number >= bound);
    steps.min(done.iter().filter(reached).count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::stop::epochs;

    #[test]
    fn a_gate_opens_by_one_step_for_each_epoch_that_is_good_enough() {
        let done = epochs(&[], &[0.5, 0.9, 0.85, 0.95, 0.9, 1.0, 0.2]);
        let after = |n: usize| passed(3, Metric::ValidationAccuracy, 0.9, &done[..n]);
        // What was reached once is kept, and there are no more steps than there are.
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 7].map(after), [0, 0, 1, 1, 2, 3, 3, 3]);
        // A number that is not there opens nothing.
        assert_eq!(passed(3, Metric::TrainAccuracy, 0.0, &done), 0);
    }

    #[test]
    fn the_largest_value_is_reached_with_the_part_that_is_said() {
        for growth in [Growth::Linear, Growth::Exp, Growth::Step(2)] {
            let all = |until: f64| (0..10).map(move |k| growth.of([0.1, 1.0], k, until, 10));
            let first = |until: f64| all(until).position(|share| share == 1.0);
            assert_eq!([0.0, 0.1, 0.5, 1.0].map(first), [Some(0), Some(0), Some(4), Some(9)]);
            assert!(all(0.5).is_sorted() && all(0.5).next() == Some(0.1));
        }
    }
}
