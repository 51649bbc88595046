//! Accumulation of evidence: cues on either side of a way, and after a while the question on which there were more
//! (Morcos & Harvey 2016; as a task of spiking networks Bellec et al. 2020).
//!
//! ```text
//!   cues times (nothing, 50 ms | left or right, 100 ms) | delay | recall, 150 ms
//! ```
//! Frames of 50 ms, of four groups of 10 numbers: left, right, recall, noise. The first three are white where they are
//! shown and else black, the last is at level 64 all the time, a quarter of white: 10 Hz of the 40 Hz that the task is
//! for. As published, a side is drawn for the sample, and each cue is on that side with probability 0.7. The label is the
//! side with more cues, which is the side that was drawn more often than not.

use super::{Dataset, Split};
use crate::grammar::{Ms, Quantity};
use crate::rng::{Purpose, Stream};

/// Time of a frame \[ms\].
pub const FRAME: f64 = 50.0;

/// Frames of a cue, of which the first is empty.
const CUE: usize = 3;

/// Frames of recall.
const ASKED: usize = 3;

/// Numbers of a group.
const GROUP: usize = 10;

/// Numbers of a frame.
pub const NUMBERS: usize = 4 * GROUP;

/// The groups behind those of the sides.
const RECALL: usize = 2;
const NOISE: usize = 3;

/// Level of the noise.
const DIM: u8 = 64;

/// Probability with which a cue is on the side of the sample.
const LIKELY: f64 = 0.7;

/// Frames of a sample with so many cues.
pub fn frames(cues: u64, delay: Quantity<Ms>) -> u64 {
    let delay = (delay.get() / FRAME).round() as u64;
    cues.saturating_mul(CUE as u64).saturating_add(delay).saturating_add(ASKED as u64)
}

/// Makes so many training and test samples; the one do not depend on the number of the others.
pub fn make([train, test]: [usize; 2], cues: u64, delay: Quantity<Ms>, seed: u64) -> Dataset {
    let frames = frames(cues, delay) as usize;
    let split = |set: u32, count: usize| {
        let stream = Stream::new(seed, Purpose::Samples, set);
        let mut images = vec![0; count * frames * NUMBERS];
        let mut labels = vec![0; count];
        let samples = images.chunks_exact_mut(frames * NUMBERS).zip(&mut labels);
        for (k, (sample, label)) in (0..count as u64).zip(samples) {
            let mut show = |t: usize, group: usize, level: u8| {
                sample[t * NUMBERS + group * GROUP..][..GROUP].fill(level);
            };
            let likely = stream.below(2, k, 0);
            let mut right = 0;
            for cue in 0..cues {
                let side = if stream.uniform(k, 1 + cue) < LIKELY { likely } else { 1 - likely };
                right += side;
                let first = cue as usize * CUE;
                (first + 1..first + CUE).for_each(|t| show(t, side as usize, u8::MAX));
            }
            (0..frames).for_each(|t| show(t, NOISE, DIM));
            (frames - ASKED..frames).for_each(|t| show(t, RECALL, u8::MAX));
            *label = u8::from(2 * right > cues);
        }
        Split { images, labels, targets: Vec::new(), rows: frames, cols: NUMBERS }
    };
    Dataset { train: split(0, train), validation: None, test: split(1, test) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(count: usize, seed: u64) -> Split {
        make([count, 1], 7, Quantity::new(1050.0), seed).train
    }

    /// Frames in which a group is white.
    fn white(split: &Split, i: usize, group: usize) -> Vec<usize> {
        let frames = split.image(i).chunks(NUMBERS).enumerate();
        frames.filter(|(_, frame)| frame[group * GROUP] == 255).map(|(t, _)| t).collect()
    }

    #[test]
    fn the_label_is_the_side_with_more_cues() {
        let made = made(300, 3);
        // 7 times 150 ms, 1,050 ms and 150 ms.
        assert_eq!((made.rows, made.cols), (45, NUMBERS));
        for i in 0..made.len() {
            let [left, right] = [0, 1].map(|side| white(&made, i, side));
            assert_eq!(left.len() + right.len(), 14);
            assert_eq!(made.labels[i], u8::from(right.len() > left.len()));
            assert!(left.iter().chain(&right).all(|t| *t < 21 && t % 3 > 0));
            assert!(left.iter().all(|t| !right.contains(t)));
            assert_eq!(white(&made, i, RECALL), [42, 43, 44]);
            for frame in made.image(i).chunks(NUMBERS) {
                assert!(frame[NOISE * GROUP..].iter().all(|level| *level == DIM));
            }
        }
    }

    #[test]
    fn samples_come_from_the_seed_and_sides_are_fair() {
        assert_eq!(made(2000, 3), made(2000, 3));
        assert_ne!(made(2000, 3), made(2000, 4));
        let made = made(2000, 3);
        let right = made.labels.iter().filter(|label| **label == 1).count() as f64;
        assert!((right - 1000.0).abs() < 5.0 * 500f64.sqrt(), "{right}");
        // The mean of max(k, 7 - k) over the binomial distribution of k of seven with probability 0.7.
        let agree = |i: usize| white(&made, i, usize::from(made.labels[i])).len() / 2;
        let mean = (0..made.len()).map(agree).sum::<usize>() as f64 / 2000.0;
        assert!((mean - 5.0916).abs() < 5.0 / 2000f64.sqrt(), "{mean}");
    }
}
