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
        Shift(u64);
    }
}

impl Augment {
    /// Checks that something of every image stays in sight.
    ///
    /// # Errors
    /// [`ChoiceError::Shift`] if it may not.
    pub fn check(self, split: &Split) -> Result<(), ChoiceError> {
        let Self::Shift(most) = self;
        match most < split.rows.min(split.cols) as u64 {
            true => Ok(()),
            false => Err(ChoiceError::Shift { most, rows: split.rows, cols: split.cols }),
        }
    }

    /// How far the image of a sample is moved in an epoch: down, and to the right.
    fn offset(self, sample: u32, epoch: u64, seed: u64) -> [i64; 2] {
        let Self::Shift(most) = self;
        let stream = Stream::new(seed, Purpose::Augment, 0);
        [0, 1].map(|axis| {
            let place = stream.below(2 * most + 1, u64::from(sample), 2 * epoch + axis);
            place as i64 - most as i64
        })
    }
}

/// Pixels of a training sample as a network learns from them in an epoch.
pub fn shown(
    augment: Option<Augment>,
    split: &Split,
    sample: u32,
    (epoch, seed): (u64, u64),
) -> Cow<'_, [u8]> {
    match augment {
        Some(augment) => split.shifted(sample as usize, augment.offset(sample, epoch, seed)).into(),
        None => split.image(sample as usize).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One image of 3 rows and 4 columns.
    fn split() -> Split {
        Split { images: (1..=12).collect(), labels: vec![0], rows: 3, cols: 4 }
    }

    #[test]
    fn content_moves_and_edges_are_dark() {
        let split = split();
        assert_eq!(split.shifted(0, [0, 0]), split.images);
        assert_eq!(split.shifted(0, [1, 0]), [0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(split.shifted(0, [-1, 2]), [0, 0, 5, 6, 0, 0, 9, 10, 0, 0, 0, 0]);
        assert_eq!(split.shifted(0, [0, -3]), [4, 0, 0, 0, 8, 0, 0, 0, 12, 0, 0, 0]);
        for far in [[3, 0], [-3, 0], [0, 4], [0, i64::MIN], [i64::MAX, 0]] {
            assert_eq!(split.shifted(0, far), [0; 12], "{far:?}");
        }
    }

    #[test]
    fn shifts_are_uniform_and_drawn_alike_twice() {
        let shift = Augment::Shift(2);
        let all = |epoch, seed| (0..25_000).map(move |sample| shift.offset(sample, epoch, seed));
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
        assert_eq!(&*shown(None, &split, 0, (1, 2)), split.image(0));
        assert_eq!(&*shown(Some(Augment::Shift(0)), &split, 0, (1, 2)), split.image(0));
        assert!(Augment::Shift(2).check(&split).is_ok());
        for most in [3, u64::MAX] {
            let error = Augment::Shift(most).check(&split).unwrap_err().to_string();
            assert!(error.contains("4 x 3 pixels") && error.contains("at most 2"), "{error}");
        }
    }
}
