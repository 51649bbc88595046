//! Sinusoids: tasks of regression, of which each is another sine (Finn, Abbeel & Levine 2017). One network cannot know
//! them all, but it can come to know what they have in common, and learn a new one from a few of its points.
//!
//! ```text
//!   y = A sin(x - φ)     A from 0.1 to 5, φ from 0 to π, x from -5 to 5
//! ```
//! all alike probable. A sample is x as a population code: how much each of several Gaussian receptive fields, side by
//! side over the range of x, has of it. Samples of a task follow each other, those to learn from first. A task is drawn
//! by its number, and the tasks of the two sets by different keys.

use super::{Dataset, Range, Split};
use crate::rng::{Purpose, Stream};
use rayon::prelude::*;
use std::f64::consts::PI;

/// Amplitudes.
const AMPLITUDE: [f64; 2] = [0.1, 5.0];
/// Phases.
const PHASE: [f64; 2] = [0.0, PI];
/// Where it is looked at.
const X: [f64; 2] = [-5.0, 5.0];

/// What tasks and samples are like.
#[derive(Debug, Clone, Copy)]
pub struct Sinusoids {
    /// Samples of a task, those to learn from and those that it asks.
    pub samples: [usize; 2],
    /// Receptive fields.
    pub units: usize,
    /// Standard deviation of each, along x.
    pub sigma: f64,
}

impl Sinusoids {
    /// Makes so many training tasks and held-out tasks; the one do not depend on the number of the others.
    pub fn make(self, [train, test]: [usize; 2], seed: u64) -> Dataset {
        let split = |set: u32, tasks: usize| {
            let stream = Stream::new(seed, Purpose::Samples, set);
            let points: Vec<[f64; 2]> =
                (0..tasks as u64).flat_map(|task| self.task(task, stream)).collect();
            Split {
                images: points.par_iter().flat_map_iter(|[x, _]| self.levels(*x)).collect(),
                labels: Vec::new(),
                targets: points.iter().map(|[_, y]| *y as f32).collect(),
                rows: 1,
                cols: self.units,
            }
        };
        Dataset { train: split(0, train), validation: None, test: split(1, test) }
    }

    /// Points of a task.
    fn task(self, task: u64, stream: Stream) -> impl Iterator<Item = [f64; 2]> {
        let within = |[low, high]: [f64; 2], part: f64| low + (high - low) * part;
        let [amplitude, phase] = stream.uniforms(task, 0);
        let (amplitude, phase) = (within(AMPLITUDE, amplitude), within(PHASE, phase));
        (1..=self.samples.iter().sum::<usize>() as u64).map(move |draw| {
            let x = within(X, stream.uniform(task, draw));
            [x, amplitude * (x - phase).sin()]
        })
    }

    /// How much each receptive field has of x.
    fn levels(self, x: f64) -> impl Iterator<Item = u8> {
        let apart = (X[1] - X[0]) / self.units.saturating_sub(1).max(1) as f64;
        (0..self.units).map(move |unit| {
            let away = (x - X[0] - apart * unit as f64) / self.sigma;
            Range::default().nearest((-0.5 * away * away).exp())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASKS: Sinusoids = Sinusoids { samples: [10, 10], units: 40, sigma: 0.5 };

    /// x of a sample, from its code: the mean of the centres, weighted by the levels. Near the ends fields are missing.
    fn decoded(levels: &[u8]) -> Option<f64> {
        let sum: f64 = levels.iter().map(|level| f64::from(*level)).sum();
        let centres = levels.iter().enumerate();
        let weighted = centres.map(|(k, level)| f64::from(*level) * (10.0 / 39.0 * k as f64 - 5.0));
        Some(weighted.sum::<f64>() / sum).filter(|x| x.abs() < 3.5)
    }

    #[test]
    fn every_task_is_a_sine_of_its_own() {
        let made = TASKS.make([400, 50], 3);
        assert_eq!((made.train.len(), made.test.len(), made.train.cols), (8000, 1000, 40));
        let (mut amplitudes, mut phases) = (Vec::new(), Vec::new());
        for task in 0..400 {
            let samples = 20 * task..20 * (task + 1);
            let point =
                |i: usize| Some((decoded(made.train.image(i))?, f64::from(made.train.targets[i])));
            let points: Vec<(f64, f64)> = samples.filter_map(point).collect();
            // y = a sin x + b cos x by least squares.
            let sum = |f: &dyn Fn(f64, f64) -> f64| points.iter().map(|(x, y)| f(*x, *y)).sum();
            let [ss, cc, sc]: [f64; 3] = [
                sum(&|x, _| x.sin() * x.sin()),
                sum(&|x, _| x.cos() * x.cos()),
                sum(&|x, _| x.sin() * x.cos()),
            ];
            let [sy, cy]: [f64; 2] = [sum(&|x, y| x.sin() * y), sum(&|x, y| x.cos() * y)];
            let determinant = ss * cc - sc * sc;
            let (a, b) = ((sy * cc - cy * sc) / determinant, (cy * ss - sy * sc) / determinant);
            let amplitude = a.hypot(b);
            for (x, y) in &points {
                let error = (a * x.sin() + b * x.cos() - y).abs();
                assert!(error < 0.02 * amplitude + 1e-3, "task {task}: {error} of {amplitude}");
            }
            amplitudes.push(amplitude);
            // Just below π, and not just above -π.
            let phase = (-b).atan2(a);
            phases.push(if phase < -1.0 { phase + 2.0 * PI } else { phase });
        }
        // Means of uniform numbers, give or take five standard deviations, and their bounds.
        for (what, values, [low, high]) in
            [("amplitude", amplitudes, AMPLITUDE), ("phase", phases, PHASE)]
        {
            let mean = values.iter().sum::<f64>() / 400.0;
            let spread = 5.0 * (high - low) / (12.0f64 * 400.0).sqrt();
            assert!((mean - 0.5 * (low + high)).abs() < spread, "{what}: {mean}");
            assert!(values.iter().all(|x| (low - 0.05..high + 0.05).contains(x)), "{what}");
        }
    }

    #[test]
    fn tasks_follow_from_the_seed_and_their_numbers() {
        let made = TASKS.make([30, 20], 7);
        assert_eq!(TASKS.make([30, 20], 7), made);
        assert_ne!(TASKS.make([30, 20], 8).train, made.train);
        let more = TASKS.make([60, 20], 7);
        assert_eq!(more.train.targets[..600], made.train.targets);
        assert_eq!(more.test, made.test);
        // No held-out task is a training task.
        let [train, test] = [&made.train, &made.test].map(|split| split.targets.chunks(20));
        assert!(test.into_iter().all(|task| train.clone().all(|other| other[0] != task[0])));
        // One receptive field is in the middle of nothing, and still one.
        assert_eq!(Sinusoids { units: 1, ..TASKS }.make([1, 1], 7).train.len(), 20);
    }
}
