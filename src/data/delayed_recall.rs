//! Delayed recall: a bit is shown, then nothing for a while, then it is asked for.
//!
//! ```text
//!   nothing | the bit, 50 ms | delay | recall, 50 ms
//! ```
//! Frames of 10 ms, of four groups of 10 numbers: bit 0, bit 1, recall, noise. The first three are white where they are
//! shown and else black, the last is at level 17 all the time, a fifteenth of white: 10 Hz of the 150 Hz that the task
//! is for. A sample is as long as one of the full delay, and recall is at its end; one of a shorter delay has its bit
//! later. So all are judged by the same steps, which begin with recall. Where delays go by finished epochs, samples are made with
//! the full one and shortened when they are shown.

use super::{Dataset, Split};
use crate::declare;
use crate::grammar::{Ms, Quantity};
use crate::rng::{Purpose, Stream};
use crate::train::epoch::Epoch;
use crate::train::pacing::{Growth, RampOrder, passed};
use crate::train::stop::Metric;

/// Time of a frame \[ms\].
pub const FRAME: f64 = 10.0;

/// Frames in which a bit, or recall, is shown.
const SHOWN: usize = 5;

/// Numbers of a group.
const GROUP: usize = 10;

/// Numbers of a frame.
pub const NUMBERS: usize = 4 * GROUP;

/// The groups behind those of the bits.
const RECALL: usize = 2;
const NOISE: usize = 3;

/// Level of the noise.
const DIM: u8 = 17;

declare! {
    /// Delays of training samples.
    #[derive(Copy)]
    pub enum Pacing {
        /// All the full one.
        Constant;
        /// From a shorter one up to the full one, of which the rest are. For `order: Given` of the training.
        Ramp {
            /// The shortest, a multiple of 10 ms \[ms\].
            from: Quantity<Ms> [Positive];
            /// Part of the samples with which the full one is reached.
            until: f64 [Fraction] = 1.0;
            /// How delays grow from sample to sample.
            growth: Growth = Growth::Linear;
            /// In which order samples of these delays come.
            order: RampOrder = RampOrder::EasyFirst;
        };
        /// From a shorter one up to the full one by a step after each epoch in which a number reached a bound. All
        /// training samples of an epoch, and those that are set aside for validation, have the same; the best weights
        /// by a validation set are those of the longest delay. For several short epochs, with more of them than steps.
        Gated {
            /// The first, a multiple of 10 ms \[ms\].
            from: Quantity<Ms> [Positive];
            /// Steps up to the full one, each rounded to 10 ms.
            steps: u64 [Count];
            /// Whether steps are equal amounts (`Linear`) or factors (`Exp`).
            growth: Growth = Growth::Linear;
            /// The number: "train_accuracy" or "validation_accuracy".
            metric: Metric = Metric::TrainAccuracy;
            /// The bound.
            bound: f64 [Fraction] = 0.9;
        };
    }
}

impl Pacing {
    /// Delay of the training samples in the epoch after those that are done, if it goes by these, and the full one \[ms\].
    pub fn gated(self, full: Quantity<Ms>, done: &[Epoch]) -> Option<f64> {
        let Self::Gated { from, steps, growth, metric, bound } = self else { return None };
        let passed = passed(steps, metric, bound, done) as f64 / steps as f64;
        let ends = [held(from), held(full)].map(|frames| frames as f64);
        Some(growth.at(ends, passed).round() * FRAME)
    }
}

/// Frames of a delay.
pub fn held(delay: Quantity<Ms>) -> u64 {
    (delay.get() / FRAME).round() as u64
}

/// Frames of a sample with a full delay of so many.
pub fn frames(full: u64) -> u64 {
    full.saturating_add(2 * SHOWN as u64)
}

/// Makes so many training and test samples, the latter of the full delay.
pub fn make([train, test]: [usize; 2], delay: Quantity<Ms>, pacing: Pacing, seed: u64) -> Dataset {
    let full = held(delay) as usize;
    let delays = delays(train, full, pacing, Stream::new(seed, Purpose::Samples, 2));
    let split = |set: u32, delays: &[usize]| {
        let frames = frames(full as u64) as usize;
        let stream = Stream::new(seed, Purpose::Samples, set);
        let bits = (0..delays.len() as u64).map(|sample| stream.below(2, sample, 0) as u8);
        let labels: Vec<u8> = bits.collect();
        let mut images = vec![0; delays.len() * frames * NUMBERS];
        let samples = images.chunks_exact_mut(frames * NUMBERS);
        for (sample, (delay, bit)) in samples.zip(delays.iter().zip(&labels)) {
            let recall = frames - SHOWN;
            let begin = recall - delay - SHOWN;
            for (t, frame) in sample.chunks_exact_mut(NUMBERS).enumerate() {
                let mut show = |group: usize, level: u8| {
                    frame[group * GROUP..][..GROUP].fill(level);
                };
                show(NOISE, DIM);
                if (begin..begin + SHOWN).contains(&t) {
                    show(usize::from(*bit), u8::MAX);
                }
                if t >= recall {
                    show(RECALL, u8::MAX);
                }
            }
        }
        Split { images, labels, targets: Vec::new(), rows: frames, cols: NUMBERS }
    };
    Dataset { train: split(0, &delays), validation: None, test: split(1, &vec![full; test]) }
}

/// A sample of the full delay as one of a shorter one \[ms\]: its bit comes later.
pub fn shortened(image: &[u8], delay: f64) -> Vec<u8> {
    let full = image.len() / NUMBERS - 2 * SHOWN;
    let later = full.saturating_sub((delay / FRAME).round() as usize);
    let mut image = image.to_vec();
    image[..(SHOWN + later) * NUMBERS].rotate_right(later * NUMBERS);
    image
}

/// Delays of so many training samples, in frames.
fn delays(count: usize, full: usize, pacing: Pacing, stream: Stream) -> Vec<usize> {
    let Pacing::Ramp { from, until, growth, order } = pacing else { return vec![full; count] };
    let ends = [held(from) as f64, full as f64];
    let delay = |k: usize| growth.of(ends, k, until, count).round() as usize;
    let mut delays: Vec<usize> = (0..count).map(delay).collect();
    match order {
        RampOrder::EasyFirst => {}
        RampOrder::Anti => delays.reverse(),
        RampOrder::Shuffled => {
            let order = stream.permutation(count as u32, 0);
            delays = order.into_iter().map(|k| delays[k as usize]).collect();
        }
    }
    delays
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(x: f64) -> Quantity<Ms> {
        Quantity::new(x)
    }

    fn ramp(until: f64, order: RampOrder) -> Pacing {
        Pacing::Ramp { from: ms(20.0), until, growth: Growth::Linear, order }
    }

    /// Frames in which a group is white.
    fn white(split: &Split, i: usize, group: usize) -> Vec<usize> {
        let frames = split.image(i).chunks(NUMBERS).enumerate();
        frames.filter(|(_, frame)| frame[group * GROUP] == 255).map(|(t, _)| t).collect()
    }

    /// Frames between the bit and recall.
    fn found(split: &Split, i: usize) -> usize {
        let bit = usize::from(split.labels[i]);
        white(split, i, RECALL)[0] - white(split, i, bit)[SHOWN - 1] - 1
    }

    #[test]
    fn a_bit_is_shown_and_asked_for_after_its_delay() {
        let made = make([200, 50], ms(500.0), ramp(0.7, RampOrder::EasyFirst), 3);
        assert_eq!((made.train.len(), made.test.len()), (200, 50));
        assert_eq!((made.train.rows, made.train.cols), (60, NUMBERS));
        for split in [&made.train, &made.test] {
            for i in 0..split.len() {
                let bit = usize::from(split.labels[i]);
                let shown = white(split, i, bit);
                assert_eq!(white(split, i, RECALL), [55, 56, 57, 58, 59]);
                assert!(shown.len() == SHOWN && shown[SHOWN - 1] - shown[0] == SHOWN - 1);
                assert!(white(split, i, 1 - bit).is_empty() && white(split, i, NOISE).is_empty());
                for frame in split.image(i).chunks(NUMBERS) {
                    assert!(frame[NOISE * GROUP..].iter().all(|level| *level == DIM));
                    assert!(frame[..NOISE * GROUP].iter().all(|level| [0, 255].contains(level)));
                }
            }
        }
        let (train, test) = (&made.train, &made.test);
        assert!((0..50).all(|i| found(test, i) == 50));
        // From the shortest in a line to the full one at 70 %, the middle of both half way.
        let all: Vec<usize> = (0..200).map(|i| found(train, i)).collect();
        assert!(all.is_sorted() && all[0] == 2 && all[130] < 50, "{all:?}");
        assert!((25..=27).contains(&all[70]) && all[139..].iter().all(|delay| *delay == 50));
    }

    #[test]
    fn delays_grow_by_amounts_factors_or_steps() {
        let stream = Stream::new(1, Purpose::Samples, 2);
        let of = |growth| {
            let (from, order) = (ms(20.0), RampOrder::EasyFirst);
            delays(101, 50, Pacing::Ramp { from, until: 1.0, growth, order }, stream)
        };
        let [linear, factors, steps] = [Growth::Linear, Growth::Exp, Growth::Step(4)].map(of);
        for all in [&linear, &factors, &steps] {
            assert!(all.is_sorted() && all[0] == 2 && all[100] == 50, "{all:?}");
        }
        // Half way: the arithmetic and the geometric mean, sqrt(2 x 50) = 10.
        assert_eq!((linear[50], factors[50], steps[50]), (26, 10, 26));
        let mut levels = steps.clone();
        levels.dedup();
        assert_eq!(levels, [2, 14, 26, 38, 50]);
    }

    #[test]
    fn controls_have_the_same_delays() {
        let of = |order| {
            let stream = Stream::new(1, Purpose::Samples, 2);
            delays(300, 50, ramp(0.7, order), stream)
        };
        let rising = of(RampOrder::EasyFirst);
        let mut falling = of(RampOrder::Anti);
        let mut shuffled = of(RampOrder::Shuffled);
        assert!(falling[0] == 50 && falling[299] == 2 && !shuffled.is_sorted());
        falling.reverse();
        shuffled.sort_unstable();
        assert!(falling == rising && shuffled == rising);
    }

    #[test]
    fn a_gate_lets_delays_grow_by_steps_and_samples_are_shortened_to_them() {
        let gated = |growth| Pacing::Gated {
            from: ms(20.0),
            steps: 4,
            growth,
            metric: Metric::TrainAccuracy,
            bound: 0.9,
        };
        let epoch = |accuracy| Epoch { train_accuracy: Some(accuracy), ..Epoch::default() };
        let done = [0.5, 0.9, 0.95, 0.4, 1.0, 0.91, 0.92].map(epoch);
        let after = |growth, n: usize| gated(growth).gated(ms(320.0), &done[..n]).unwrap();
        let linear = [0, 1, 2, 3, 4, 5, 6, 7].map(|n| after(Growth::Linear, n));
        // 9.5, 17 and 24.5 frames are rounded.
        assert_eq!(linear, [20.0, 20.0, 100.0, 170.0, 170.0, 250.0, 320.0, 320.0]);
        let factors = [0, 2, 3, 5, 6].map(|n| after(Growth::Exp, n));
        assert_eq!(factors, [20.0, 40.0, 80.0, 160.0, 320.0]);
        assert_eq!(Pacing::Constant.gated(ms(320.0), &done), None);

        // Made with the full delay, and then as if made with a shorter one.
        let made = make([8, 2], ms(320.0), gated(Growth::Exp), 3);
        assert!((0..8).all(|i| found(&made.train, i) == 32));
        for (delay, frames) in [(20.0, 2), (160.0, 16), (320.0, 32)] {
            let images = (0..8).flat_map(|i| shortened(made.train.image(i), delay));
            let short = Split { images: images.collect(), ..made.train.clone() };
            assert!((0..8).all(|i| found(&short, i) == frames));
            let ramp = Pacing::Ramp {
                from: ms(delay),
                until: 1.0,
                growth: Growth::Linear,
                order: RampOrder::EasyFirst,
            };
            assert_eq!(short.image(0), make([8, 2], ms(320.0), ramp, 3).train.image(0));
        }
    }

    #[test]
    fn every_ramp_reaches_the_full_delay() {
        let stream = Stream::new(1, Purpose::Samples, 2);
        for count in [1, 2, 3, 300] {
            for until in [0.0, 0.001, 0.5, 1.0] {
                let delays = delays(count, 50, ramp(until, RampOrder::EasyFirst), stream);
                assert_eq!(delays[count - 1], 50, "{count} {until}");
            }
        }
    }

    #[test]
    fn samples_come_from_the_seed_and_bits_are_fair() {
        let made = |count, seed| make([count, 300], ms(50.0), Pacing::Constant, seed);
        assert_eq!(made(2000, 3), made(2000, 3));
        assert_ne!(made(2000, 3).train, made(2000, 4).train);
        assert_eq!(made(2000, 3).test, made(10, 3).test);
        let ones = made(2000, 3).train.labels.iter().filter(|bit| **bit == 1).count() as f64;
        assert!((ones - 1000.0).abs() < 5.0 * 500f64.sqrt(), "{ones}");
    }
}
