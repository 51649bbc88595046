//! Two images side by side, of which one is asked for: a task of attention.
//!
//! Images are drawn from those of MNIST, each with the same probability, and so is the side that is asked for. Below them
//! is the cue, one more row, white under the image that is asked for and else black:
//! ```text
//!   left image | right image
//!   ///////////|                 the class of the left image is the label
//! ```
//! Who does not see the cue answers rightly in half of the cases, and by chance where both images have the same class, or
//! one of ten is guessed: 55 %.

use super::{DataError, Dataset, Split, fault};
use crate::rng::{Purpose, Stream};
use std::path::Path;

/// Most numbers of a set, which is held in memory.
const MOST: u128 = 1 << 31;

/// Makes so many training and test samples of the images in a directory; the one do not depend on the number of the
/// others.
///
/// # Errors
///
/// [`DataError`] if they are too many.
pub fn make(
    dir: &Path,
    images: Dataset,
    [train, test]: [usize; 2],
    seed: u64,
) -> Result<Dataset, DataError> {
    let train = pairs(dir, &images.train, train, Stream::new(seed, Purpose::Samples, 0))?;
    Ok(Dataset { train, validation: None, test: test_set(dir, images.test, test, seed)? })
}

/// Makes so many test samples of images.
///
/// # Errors
///
/// [`DataError`] if they are too many.
pub fn test_set(dir: &Path, images: Split, count: usize, seed: u64) -> Result<Split, DataError> {
    pairs(dir, &images, count, Stream::new(seed, Purpose::Samples, 1))
}

fn pairs(dir: &Path, of: &Split, count: usize, stream: Stream) -> Result<Split, DataError> {
    let (rows, cols) = (of.rows + 1, 2 * of.cols);
    if count as u128 * (rows * cols) as u128 > MOST {
        let why = format!("{count} pairs of {rows} x {cols} numbers are too many; make fewer");
        return Err(fault(dir, why));
    }
    let mut images = Vec::with_capacity(count * rows * cols);
    let mut labels = Vec::with_capacity(count);
    for k in 0..count as u64 {
        let both = [0, 1].map(|side| stream.below(of.len() as u64, k, side) as usize);
        let asked = stream.below(2, k, 2) as usize;
        for row in 0..of.rows {
            for image in both {
                images.extend(&of.image(image)[row * of.cols..][..of.cols]);
            }
        }
        for side in 0..2 {
            let level = if side == asked { u8::MAX } else { 0 };
            images.extend(std::iter::repeat_n(level, of.cols));
        }
        labels.push(of.labels[both[asked]]);
    }
    Ok(Split { images, labels, targets: Vec::new(), rows, cols })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Augment, shown};
    use crate::scene::{Part, Stretch};

    /// Four images of 2 by 3 pixels, each of one level, which is ten times its class.
    fn split() -> Split {
        let images = (1..=4).flat_map(|class| [10 * class; 6]).collect();
        Split { images, labels: (1..=4).collect(), targets: vec![], rows: 2, cols: 3 }
    }

    fn some(from: u64, to: u64) -> Option<Stretch> {
        Some(Stretch { from, to })
    }

    #[test]
    fn the_label_is_that_of_the_image_above_the_cue() {
        let images = Dataset { train: split(), validation: None, test: split() };
        let made = make(Path::new("d"), images.clone(), [2000, 100], 7).unwrap();
        assert_eq!([made.train.len(), made.test.len()], [2000, 100]);
        assert_eq!([made.train.rows, made.train.cols], [3, 6]);
        let part = |image: &[u8], rows, columns| made.train.cut(image, &Part { rows, columns });
        let (mut sides, mut classes) = ([0; 2], [[0; 4]; 2]);
        for k in 0..2000 {
            let image = made.train.image(k);
            let digits = [some(0, 3), some(3, 6)].map(|side| part(image, some(0, 2), side));
            assert!(digits.iter().all(|digit| digit == &[digit[0]; 6]), "{image:?}");
            let cue = part(image, some(2, 3), None);
            let side = usize::from(cue[0] == 0);
            assert_eq!(cue, [[255, 255, 255, 0, 0, 0], [0, 0, 0, 255, 255, 255]][side]);
            assert_eq!(10 * made.train.labels[k], digits[side][0]);
            sides[side] += 1;
            (0..2).for_each(|side| classes[side][usize::from(digits[side][0] / 10) - 1] += 1);
        }
        // 1,000 and 500, give or take five standard deviations.
        assert!(sides.iter().all(|count| (888..=1112).contains(count)), "{sides:?}");
        assert!(classes.iter().flatten().all(|count| (403..=597).contains(count)), "{classes:?}");
        // The same from the same seed, however many; another from another; and no test sample a training sample.
        let again = |counts, seed| make(Path::new("d"), images.clone(), counts, seed).unwrap();
        assert_eq!(again([5, 100], 7).test, made.test);
        assert_eq!(again([5, 1], 7).train.images, made.train.images[..5 * 18]);
        assert_ne!(again([100, 1], 8).train.images, made.train.images[..100 * 18]);
        assert_ne!(made.test.images, made.train.images[..100 * 18]);
        let many = make(Path::new("d"), images, [usize::MAX, 1], 7).unwrap_err().to_string();
        assert!(many.contains("too many"), "{many}");
    }

    #[test]
    fn a_cue_may_point_at_the_other_image() {
        let images = Dataset { train: split(), validation: None, test: split() };
        let made = make(Path::new("d"), images, [1000, 1], 7).unwrap().train;
        let changed = |part: f64, k: u32| {
            let image = shown(&[Augment::Miscue(part)], &made, k, (0, 3)).into_owned();
            let before = made.image(k as usize);
            assert_eq!(image[..12], before[..12]);
            let both = image[12..].iter().zip(&before[12..]);
            let flipped = both.clone().all(|(a, b)| a ^ b == 255);
            assert!(flipped || both.clone().all(|(a, b)| a == b));
            flipped
        };
        assert!((0..1000).all(|k| changed(1.0, k)));
        let count = (0..1000).filter(|k| changed(0.2, *k)).count();
        // 200, give or take five standard deviations.
        assert!((136..=264).contains(&count), "{count}");
    }
}
