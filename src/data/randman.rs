//! Random manifolds: each class is a smooth surface of few dimensions in the space of the spike times of many units, and
//! its samples are points of it (Zenke & Vogels 2021). What there is to learn has no rates, only times.
//!
//! Where a point x of a class lies along unit i is
//!
//! ```text
//!   f_i(x) = prod_d sum_k a k^-alpha sin(2 pi (k x_d b + c)),   k = 1 .. K,
//! ```
//! with a, b and c drawn anew for each class, unit, dimension and k, and laid out from 0 to 1 over the points of the class.
//! K is where k^-alpha has fallen to a thousandth, and at most 100.

use super::{Dataset, Range, Split};
use crate::rng::{Purpose, Stream};
use rayon::prelude::*;
use std::f64::consts::TAU;

/// Magnitude, relative to the first, below which a harmonic is left out.
const LEAST: f64 = 1e-3;
/// Most harmonics.
const MOST: f64 = 100.0;

/// What the manifolds are like.
#[derive(Debug, Clone, Copy)]
pub struct Randman {
    /// How many there are, each a class.
    pub manifolds: usize,
    /// Units, the numbers of a sample.
    pub units: usize,
    /// Dimensions of a manifold.
    pub dim: usize,
    /// How smooth they are.
    pub alpha: f64,
}

impl Randman {
    /// Makes so many training and test samples, of all classes in turn.
    pub fn make(self, [train, test]: [usize; 2], seed: u64) -> Dataset {
        let Self { manifolds, units, .. } = self;
        let counts = [train, test];
        let all: Vec<_> = (0..manifolds * units)
            .into_par_iter()
            .map(|function| self.levels(function, counts, seed))
            .collect();
        let split = |set: usize| {
            let level = |k: usize| {
                let (sample, unit) = (k / units, k % units);
                all[sample % manifolds * units + unit][set][sample / manifolds]
            };
            Split {
                targets: Vec::new(),
                images: (0..counts[set] * units).map(level).collect(),
                labels: (0..counts[set]).map(|sample| (sample % manifolds) as u8).collect(),
                rows: 1,
                cols: units,
            }
        };
        Dataset { train: split(0), validation: None, test: split(1) }
    }

    /// Levels of one unit of one class for the training and the test samples of that class: the lowest of both is 0,
    /// the highest 1. Functions are numbered by class, then unit.
    fn levels(self, function: usize, counts: [usize; 2], seed: u64) -> [Vec<u8>; 2] {
        let harmonics = self.harmonics(function, Stream::new(seed, Purpose::Samples, 2));
        let class = function / self.units;
        let values = [0, 1].map(|set| -> Vec<f64> {
            let points = Stream::new(seed, Purpose::Samples, set as u32);
            let samples = (class..counts[set]).step_by(self.manifolds);
            samples.map(|sample| value(&harmonics, sample as u64, points)).collect()
        });
        let ends = values.iter().flatten();
        let (low, high) = ends
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(*x), high.max(*x)));
        // A class of one sample has no ends.
        let span = (high - low).max(f64::MIN_POSITIVE);
        values.map(|of| of.iter().map(|x| Range::SPIKING.nearest((x - low) / span)).collect())
    }

    /// Harmonics of a function, for each dimension: amplitude, frequency and phase.
    fn harmonics(self, function: usize, stream: Stream) -> Vec<Vec<[f64; 3]>> {
        let count = LEAST.powf(-1.0 / self.alpha).ceil().min(MOST) as u64;
        let harmonic = |entity: usize, k: u64| {
            let [a, b, c] = [0, 1, 2].map(|part| stream.uniform(entity as u64, 3 * k + part));
            [a * (k as f64).powf(-self.alpha), k as f64 * b, c]
        };
        let entities = function * self.dim..(function + 1) * self.dim;
        entities.map(|entity| (1..=count).map(|k| harmonic(entity, k)).collect()).collect()
    }
}

/// A function at the point of a sample.
fn value(harmonics: &[Vec<[f64; 3]>], sample: u64, points: Stream) -> f64 {
    let along = |(d, of): (usize, &Vec<[f64; 3]>)| {
        let x = points.uniform(sample, d as u64);
        of.iter().map(|[a, b, c]| a * (TAU * (x * b + c)).sin()).sum::<f64>()
    };
    harmonics.iter().enumerate().map(along).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Randman = Randman { manifolds: 3, units: 4, dim: 2, alpha: 2.0 };

    #[test]
    fn classes_take_turns_and_units_reach_both_ends() {
        let made = SMALL.make([200, 61], 3);
        assert_eq!((made.train.len(), made.test.len(), made.train.cols), (200, 61, 4));
        assert_eq!(made.train.labels[..5], [0, 1, 2, 0, 1]);
        for class in 0..3u8 {
            let own = |split: &Split| -> Vec<Vec<u8>> {
                let places = (0..split.len()).filter(|i| split.labels[*i] == class);
                places.map(|i| split.image(i).to_vec()).collect()
            };
            let all = [own(&made.train), own(&made.test)].concat();
            for unit in 0..4 {
                let of = || all.iter().map(|image| image[unit]);
                assert_eq!((of().min(), of().max()), (Some(1), Some(255)), "{class} {unit}");
            }
        }
    }

    #[test]
    fn the_seed_says_what_the_manifolds_are() {
        let made = SMALL.make([200, 61], 3);
        assert_eq!(SMALL.make([200, 61], 3), made);
        assert_ne!(SMALL.make([200, 61], 4).train, made.train);
        // What is asked is not what was learned.
        assert_ne!(made.train.image(0), made.test.image(0));
    }

    /// Of one dimension a manifold is a curve: a test sample lies near the training samples of its class, on all units
    /// at once, and rarely near those of another.
    #[test]
    fn both_sets_are_of_one_manifold() {
        let curves = Randman { dim: 1, units: 10, ..SMALL };
        let made = curves.make([900, 90], 1);
        let distance =
            |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        let mut right = 0;
        for i in 0..made.test.len() {
            let image = made.test.image(i);
            let near = (0..made.train.len()).min_by_key(|k| distance(made.train.image(*k), image));
            right += u32::from(made.train.labels[near.unwrap()] == made.test.labels[i]);
        }
        assert!(right > 80, "{right} of 90");
    }

    #[test]
    fn a_smaller_alpha_is_rougher() {
        let harmonics = |alpha: f64| {
            let stream = Stream::new(1, Purpose::Samples, 2);
            Randman { alpha, ..SMALL }.harmonics(5, stream)
        };
        // The thousandth: k^-2 at 31.6, k^-2.5 at 15.8.
        for (alpha, count) in [(2.0, 32), (2.5, 16), (1.0, 100), (0.001, 100)] {
            let found = harmonics(alpha);
            assert_eq!((found.len(), found[0].len()), (2, count), "{alpha}");
        }
        // One sample of a class, and a class of none.
        let made = SMALL.make([1, 1], 1);
        assert_eq!((made.train.labels, made.train.images.len()), (vec![0], 4));
    }
}
