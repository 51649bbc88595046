//! Augmentation: what is done to a training sample each time that a network learns from it.
//!
//! A change is a pure function of the seed, the epoch and the number of the sample, so a run that goes on shows what an
//! unbroken one does. What is shown to judge a network, or to name its neurons, is shown as it is.

use super::{ChoiceError, Split};
use crate::declare;
use crate::rng::{Purpose, Stream};
use std::borrow::Cow;

declare! {
    /// What is done to a training sample each time that a network learns from it.
    #[derive(Copy)]
    pub enum Augment {
        /// Its image is moved by whole pixels, at most so many up or down and as many left or right, all alike probable;
        /// what comes in at the edges is 0.
        Shift(u64) [Count];
        /// Each intensity, from 0 to 1, gets noise of this standard deviation, and stays within these bounds.
        Noise(f64) [Positive];
        /// Its image is mirrored, left for right, with probability one half.
        Flip;
        /// The cue of `Pairs` points at the other image, with this probability.
        Miscue(f64) [Fraction];
    }
}

impl Augment {
    /// Checks that it does something to every image, and that something of it stays in sight.
    ///
    /// # Errors
    /// [`ChoiceError::Shift`] or [`ChoiceError::Flip`] if not.
    pub fn check(self, split: &Split) -> Result<(), ChoiceError> {
        match self {
            Self::Shift(most) if most >= split.rows.min(split.cols) as u64 => {
                Err(ChoiceError::Shift { most, rows: split.rows, cols: split.cols })
            }
            Self::Flip if split.cols == 1 => Err(ChoiceError::Flip { rows: split.rows }),
            _ => Ok(()),
        }
    }

    /// What becomes of the image of a sample in an epoch. Each change of a list draws from a stream of its own.
    fn change(
        self,
        split: &Split,
        image: &[u8],
        stream: Stream,
        (sample, epoch): (u64, u64),
    ) -> Vec<u8> {
        match self {
            Self::Shift(most) => split.shifted(image, offset(most, stream, (sample, epoch))),
            Self::Noise(deviation) => {
                let first = epoch * image.len() as u64;
                let noisy = |(level, k): (&u8, u64)| {
                    let noise = 255.0 * deviation * stream.normal(sample, first + k);
                    // The cast clips.
                    (f64::from(*level) + noise).round() as u8
                };
                image.iter().zip(0..).map(noisy).collect()
            }
            Self::Miscue(part) => {
                let mut image = image.to_vec();
                if stream.uniform(sample, epoch) < part {
                    let cue = image.len() - split.cols;
                    image[cue..].reverse();
                }
                image
            }
            Self::Flip if stream.below(2, sample, epoch) == 0 => image.to_vec(),
            Self::Flip => {
                image.chunks(split.cols).flat_map(|row| row.iter().rev()).copied().collect()
            }
        }
    }
}

/// How far the image of a sample is moved in an epoch: down, and to the right.
fn offset(most: u64, stream: Stream, (sample, epoch): (u64, u64)) -> [i64; 2] {
    [0, 1].map(|axis| {
        let place = stream.below(2 * most + 1, sample, 2 * epoch + axis);
        place as i64 - most as i64
    })
}

/// Pixels of a training sample as a network learns from them in an epoch: one change after the other.
pub fn shown<'s>(
    augment: &[Augment],
    split: &'s Split,
    sample: u32,
    draw: (u64, u64),
) -> Cow<'s, [u8]> {
    changed(augment, split, (sample, split.image(sample as usize).into()), draw)
}

/// The same of a sample whose image is another than it is in its set.
pub fn changed<'s>(
    augment: &[Augment],
    split: &Split,
    (sample, mut image): (u32, Cow<'s, [u8]>),
    (epoch, seed): (u64, u64),
) -> Cow<'s, [u8]> {
    for (k, augment) in augment.iter().enumerate() {
        let stream = Stream::new(seed, Purpose::Augment, k as u32);
        image = augment.change(split, &image, stream, (u64::from(sample), epoch)).into();
    }
    image
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One image of 3 rows and 4 columns.
    fn split() -> Split {
        Split { images: (1..=12).collect(), labels: vec![0], targets: vec![], rows: 3, cols: 4 }
    }

    #[test]
    fn content_moves_and_edges_are_dark() {
        let split = split();
        let shifted = |by| split.shifted(split.image(0), by);
        assert_eq!(shifted([0, 0]), split.images);
        assert_eq!(shifted([1, 0]), [0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(shifted([-1, 2]), [0, 0, 5, 6, 0, 0, 9, 10, 0, 0, 0, 0]);
        assert_eq!(shifted([0, -3]), [4, 0, 0, 0, 8, 0, 0, 0, 12, 0, 0, 0]);
        for far in [[3, 0], [-3, 0], [0, 4], [0, i64::MIN], [i64::MAX, 0]] {
            assert_eq!(shifted(far), [0; 12], "{far:?}");
        }
    }

    #[test]
    fn shifts_are_uniform_and_drawn_alike_twice() {
        let all = |epoch, seed| {
            let stream = Stream::new(seed, Purpose::Augment, 0);
            (0..25_000).map(move |sample| offset(2, stream, (sample, epoch)))
        };
        assert!(all(3, 7).eq(all(3, 7)));
        assert!(all(3, 7).ne(all(4, 7)) && all(3, 7).ne(all(3, 8)));
        let mut counts = [[0u32; 5]; 5];
        all(3, 7).for_each(|[down, right]| counts[(down + 2) as usize][(right + 2) as usize] += 1);
        // 1,000 of each pair, give or take five standard deviations.
        assert!(counts.iter().flatten().all(|count| (845..=1155).contains(count)), "{counts:?}");
    }

    #[test]
    fn nothing_is_moved_unless_it_is_asked_for() {
        let split = split();
        assert_eq!(&*shown(&[], &split, 0, (1, 2)), split.image(0));
        assert_eq!(&*shown(&[Augment::Shift(0)], &split, 0, (1, 2)), split.image(0));
        assert!(Augment::Shift(2).check(&split).is_ok());
        for most in [3, u64::MAX] {
            let error = Augment::Shift(most).check(&split).unwrap_err().to_string();
            assert!(error.contains("4 x 3 pixels") && error.contains("at most 2"), "{error}");
        }
    }

    #[test]
    fn half_of_all_images_are_mirrored() {
        let split = split();
        let mirrored = [4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9];
        let flips = |epoch: u64| shown(&[Augment::Flip], &split, 0, (epoch, 7));
        let all: Vec<_> = (0..1000).map(flips).collect();
        let count = all.iter().filter(|image| ***image == mirrored).count();
        // 500, give or take five standard deviations.
        assert!((421..=579).contains(&count), "{count}");
        assert_eq!(all.iter().filter(|image| ***image == split.images).count(), 1000 - count);
        assert_eq!(flips(3), all[3]);
        let column = Split { rows: 12, cols: 1, ..split.clone() };
        let error = Augment::Flip.check(&column).unwrap_err().to_string();
        assert!(error.contains("one column") && Augment::Flip.check(&split).is_ok(), "{error}");
    }

    #[test]
    fn noise_has_its_deviation_and_is_clipped() {
        let (count, noise) = (10_000, [Augment::Noise(0.1)]);
        let split = |level| Split {
            images: vec![level; count],
            labels: vec![0],
            targets: vec![],
            rows: 1,
            cols: count,
        };
        let middle = split(128);
        let deviations = |epoch| -> Vec<f64> {
            let image = shown(&noise, &middle, 0, (epoch, 7));
            image.iter().map(|level| f64::from(*level) - 128.0).collect()
        };
        let first = deviations(1);
        let mean = first.iter().sum::<f64>() / count as f64;
        let variance = first.iter().map(|x| x * x).sum::<f64>() / count as f64;
        // Five standard deviations of each, and the twelfth of a level that rounding adds.
        assert!(mean.abs() < 5.0 * 25.5 / 100.0, "{mean}");
        assert!((variance / (25.5f64.powi(2) + 1.0 / 12.0) - 1.0).abs() < 0.071, "{variance}");
        assert!(first == deviations(1) && first != deviations(2));
        for end in [0, 255] {
            let flat = split(end);
            let image = shown(&noise, &flat, 0, (1, 7));
            let clipped = image.iter().filter(|level| **level == end).count();
            // Half of all, and what is rounded to the end.
            assert!((4700..=5400).contains(&clipped), "{clipped}");
        }
    }

    #[test]
    fn changes_follow_one_another_and_draw_apart() {
        let split = split();
        let both = [Augment::Shift(1), Augment::Flip];
        for epoch in 0..20 {
            let moved = shown(&both[..1], &split, 0, (epoch, 1)).into_owned();
            let image = shown(&both, &split, 0, (epoch, 1));
            let mirrored: Vec<u8> =
                moved.chunks(4).flat_map(|row| row.iter().rev()).copied().collect();
            assert!(*image == moved || *image == mirrored, "{image:?}");
        }
        // Twice the same change is not the same change twice.
        let twice = [Augment::Shift(1); 2];
        let undone = (0..100).any(|epoch| {
            let [once, again] = [1, 2].map(|n| shown(&twice[..n], &split, 0, (epoch, 1)));
            once[..4] == [0; 4] && again[..4] != [0; 4]
        });
        assert!(undone);
    }
}
