//! Several images one after the other, of which one is asked for: a task of attention in time.
//!
//! Images are drawn from those of MNIST, each with the same probability, and so is the frame that is asked for. Each is shown
//! at half its brightness, and below it is one more row, the mark, white in the frame that is asked for and else black:
//! ```text
//!   image   image   image   image   ...
//!   -----   /////   -----   -----            the class of the second image is the label
//! ```
//! So a mark is brighter than anything in an image, and the largest number of a frame tells it from the others, whatever the
//! images are. The images of a sample are all of different classes, or who counted them could guess the most frequent; who
//! does not see the mark is right in one of so many cases as there are frames.

use super::{DataError, Dataset, Split, fault};
use crate::rng::{Purpose, Stream};
use std::path::Path;

/// Most numbers of a set, which is held in memory.
const MOST: u128 = 1 << 31;

/// Draws from here on choose images and the one that is asked for; those before it, the order of the classes.
const ASKED: u64 = 256;

/// Makes so many training and test samples, each of so many frames, of the images in a directory; the one do not depend on
/// the number of the others.
///
/// # Errors
///
/// [`DataError`] if they are too many, or there are fewer classes than frames.
pub fn make(
    dir: &Path,
    images: Dataset,
    [train, test]: [usize; 2],
    frames: usize,
    seed: u64,
) -> Result<Dataset, DataError> {
    let stream = Stream::new(seed, Purpose::Samples, 0);
    let train = streams(dir, &images.train, [train, frames], stream)?;
    let test = test_set(dir, images.test, [test, frames], seed)?;
    Ok(Dataset { train, validation: None, test })
}

/// Makes so many test samples, each of so many frames, of images.
///
/// # Errors
///
/// [`DataError`] if they are too many, or there are fewer classes than frames.
pub fn test_set(
    dir: &Path,
    images: Split,
    shape: [usize; 2],
    seed: u64,
) -> Result<Split, DataError> {
    streams(dir, &images, shape, Stream::new(seed, Purpose::Samples, 1))
}

fn streams(
    dir: &Path,
    of: &Split,
    [count, frames]: [usize; 2],
    stream: Stream,
) -> Result<Split, DataError> {
    let (rows, cols) = (of.rows + 1, of.cols);
    if [count, frames, rows, cols].iter().fold(1, |all, n| all * *n as u128) > MOST {
        let why = format!("{count} streams of {frames} x {rows} x {cols} numbers are too many");
        return Err(fault(dir, format!("{why}; make fewer")));
    }
    let mut of_class: Vec<Vec<usize>> = vec![Vec::new(); usize::from(u8::MAX) + 1];
    of.labels.iter().enumerate().for_each(|(i, label)| of_class[usize::from(*label)].push(i));
    of_class.retain(|images| !images.is_empty());
    if frames > of_class.len() {
        let why = "the frames of a sample are of different classes";
        let why = format!("{why}, and there are {} for {frames} frames", of_class.len());
        return Err(fault(dir, format!("{why}; make fewer frames")));
    }
    let mut images = Vec::with_capacity(count * frames * rows * cols);
    let mut labels = Vec::with_capacity(count);
    for k in 0..count as u64 {
        let classes = stream.permutation(of_class.len() as u32, k);
        let asked = stream.below(frames as u64, k, ASKED) as usize;
        for (frame, class) in classes.into_iter().take(frames).enumerate() {
            let of_class = &of_class[class as usize];
            let which = stream.below(of_class.len() as u64, k, ASKED + 1 + frame as u64);
            let image = of_class[which as usize];
            images.extend(of.image(image).iter().map(|level| level / 2));
            let mark = if frame == asked { u8::MAX } else { 0 };
            images.extend(std::iter::repeat_n(mark, cols));
            if frame == asked {
                labels.push(of.labels[image]);
            }
        }
    }
    Ok(Split { images, labels, targets: Vec::new(), rows: frames * rows, cols })
}

/// The frame of a sample that is asked for, if one is.
pub fn marked(sample: &[u8], frames: usize) -> Option<usize> {
    sample.chunks(sample.len() / frames).position(|frame| frame.last() == Some(&u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four images of 2 by 3 pixels, each of one level, which is twenty times its class.
    fn split() -> Split {
        let images = (1..=4).flat_map(|class| [20 * class; 6]).collect();
        Split { images, labels: (1..=4).collect(), targets: vec![], rows: 2, cols: 3 }
    }

    #[test]
    fn the_label_is_that_of_the_marked_image() {
        let images = Dataset { train: split(), validation: None, test: split() };
        let made = make(Path::new("d"), images.clone(), [2000, 100], 3, 7).unwrap();
        assert_eq!([made.train.len(), made.test.len()], [2000, 100]);
        assert_eq!([made.train.rows, made.train.cols], [9, 3]);
        let (mut asked, mut classes) = ([0; 3], [[0; 4]; 3]);
        for k in 0..2000 {
            let sample = made.train.image(k);
            let at = marked(sample, 3).unwrap();
            let mut seen = [false; 4];
            for (frame, image) in sample.chunks(9).enumerate() {
                assert_eq!(image[..6], [image[0]; 6]);
                assert_eq!(image[6..], [if frame == at { 255 } else { 0 }; 3]);
                let class = usize::from(image[0] / 10) - 1;
                assert!(!std::mem::replace(&mut seen[class], true), "twice of a class");
                classes[frame][class] += 1;
            }
            assert_eq!(10 * made.train.labels[k], sample[9 * at]);
            asked[at] += 1;
        }
        // 667 and 500, give or take five standard deviations.
        assert!(asked.iter().all(|count| (561..=772).contains(count)), "{asked:?}");
        assert!(classes.iter().flatten().all(|count| (403..=597).contains(count)), "{classes:?}");
        // The same from the same seed, however many; another from another; and no test sample a training sample.
        let again = |counts, seed| make(Path::new("d"), images.clone(), counts, 3, seed).unwrap();
        assert_eq!(again([5, 100], 7).test, made.test);
        assert_eq!(again([5, 1], 7).train.images, made.train.images[..5 * 27]);
        assert_ne!(again([100, 1], 8).train.images, made.train.images[..100 * 27]);
        assert_ne!(made.test.images, made.train.images[..100 * 27]);
        assert_eq!(marked(&[0, 1, 2, 3], 2), None);
        for (counts, frames, words) in
            [([usize::MAX, 1], 3, "too many"), ([9, 1], 5, "there are 4 for 5 frames")]
        {
            let refused = make(Path::new("d"), images.clone(), counts, frames, 7).unwrap_err();
            assert!(refused.to_string().contains(words), "{refused}");
        }
    }
}
