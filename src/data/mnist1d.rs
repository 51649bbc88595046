//! MNIST-1D: ten shapes as courses of 40 numbers, made by the recipe of Greydanus & Kobak (2024, arXiv:2011.14439).
//!
//! A shape of twelve points is padded, scaled and moved round in a circle; where nothing of it is there is noise that
//! looks like a shape; the whole is sheared and gets noise of its own. So a class is told by what follows what, not by
//! where it is, which is what a convolution has and a dense network has to learn. With its positions shuffled, in all
//! samples alike, a set holds as much information, and none of this order.

use super::{Dataset, Range, Split};
use crate::rng::{Purpose, Stream};
use rayon::prelude::*;

/// Numbers of a sample.
pub const LENGTH: usize = 40;

/// Which numbers are the lowest and the highest level, in standard deviations: a set of 5,000 samples reaches 4.9.
pub const RANGE: Range = Range { low: -5.0, high: 5.0 };

/// The shapes of the digits.
const SHAPES: [[f64; 12]; 10] = [
    [5.0, 6.0, 6.5, 6.75, 7.0, 7.0, 7.0, 7.0, 6.75, 6.5, 6.0, 5.0],
    [5.0, 3.0, 3.0, 3.4, 3.8, 4.2, 4.6, 5.0, 5.4, 5.8, 5.0, 5.0],
    [5.0, 6.0, 6.5, 6.5, 6.0, 5.25, 4.75, 4.0, 3.5, 3.5, 4.0, 5.0],
    [5.0, 6.0, 6.5, 6.5, 6.0, 5.0, 5.0, 6.0, 6.5, 6.5, 6.0, 5.0],
    [5.0, 4.4, 3.8, 3.2, 2.6, 2.6, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0],
    [5.0, 3.0, 3.0, 3.0, 3.0, 5.0, 6.0, 6.5, 6.5, 6.0, 4.5, 5.0],
    [5.0, 4.0, 3.5, 3.25, 3.0, 3.0, 3.0, 3.0, 3.25, 3.5, 4.0, 5.0],
    [5.0, 7.0, 7.0, 6.6, 6.2, 5.8, 5.4, 5.0, 4.6, 4.2, 5.0, 5.0],
    [5.0, 4.0, 3.5, 3.5, 4.0, 5.0, 5.0, 4.0, 3.5, 3.5, 4.0, 5.0],
    [5.0, 4.0, 3.5, 3.5, 4.0, 5.0, 5.0, 5.0, 5.0, 4.7, 4.3, 5.0],
];

/// Fewest and most zeros behind a shape.
const PADDING: [usize; 2] = [36, 60];
/// Points of a course while it is made.
const POINTS: usize = 12 + PADDING[1];
/// By how much of its size a shape may be larger or smaller, in all.
const SCALE: f64 = 0.4;
/// A shape is moved by fewer points than these.
const SHIFTS: u64 = 48;
/// Standard deviation of the noise that is put where nothing is, before it is smoothed.
const CORRELATED: f64 = 0.25;
/// Standard deviation of the kernel that smooths it \[points\].
const SIGMA: f64 = 2.0;
/// Standard deviation of the noise that is added everywhere.
const NOISE: f64 = 0.02;
/// Range of the difference that shear makes between the ends of a course.
const SHEAR: f64 = 0.75;

/// Makes so many training and test samples, in all as many of each class to within one.
pub fn make([train, test]: [usize; 2], shuffled: bool, seed: u64) -> Dataset {
    let courses = courses(train + test, seed);
    let stream = Stream::new(seed, Purpose::Samples, 1);
    let order = stream.permutation((train + test) as u32, 0);
    let places = match shuffled {
        true => stream.permutation(LENGTH as u32, 1),
        false => (0..LENGTH as u32).collect(),
    };
    let split = |samples: &[u32]| {
        let levels = |sample: &u32| {
            let course = &courses[*sample as usize];
            places.iter().map(|k| RANGE.nearest(course[*k as usize]))
        };
        Split {
            targets: Vec::new(),
            images: samples.iter().flat_map(levels).collect(),
            labels: samples.iter().map(|sample| class(*sample as usize) as u8).collect(),
            rows: 1,
            cols: LENGTH,
        }
    };
    let (learned, asked) = order.split_at(train);
    Dataset { train: split(learned), validation: None, test: split(asked) }
}

/// Class of a sample before all are mixed.
fn class(sample: usize) -> usize {
    sample % SHAPES.len()
}

/// Courses of so many samples, of all together mean 0 and standard deviation 1.
fn courses(count: usize, seed: u64) -> Vec<[f64; LENGTH]> {
    let (shapes, stream) = (SHAPES.map(settled), Stream::new(seed, Purpose::Samples, 0));
    let course = |sample: usize| course(&shapes[class(sample)], sample as u64, stream);
    let mut courses: Vec<_> = (0..count).into_par_iter().map(course).collect();
    let [mean, deviation] = moments(courses.as_flattened());
    courses.as_flattened_mut().iter_mut().for_each(|x| *x = (*x - mean) / deviation);
    courses
}

/// Mean and standard deviation.
fn moments(values: &[f64]) -> [f64; 2] {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    [mean, variance.sqrt()]
}

/// A shape that begins at 0 and has a standard deviation of a sixth.
fn settled(shape: [f64; 12]) -> [f64; 12] {
    let [_, deviation] = moments(&shape);
    shape.map(|x| (x - shape[0]) / deviation / 6.0)
}

/// A sample of a shape.
fn course(shape: &[f64; 12], sample: u64, stream: Stream) -> [f64; LENGTH] {
    // What is exactly 0 later is padding: a shape itself has no 0.
    let mut course = shape.map(|x| x + 1e-8).to_vec();
    let [least, most] = PADDING;
    let padding = least + stream.below((most - least + 1) as u64, sample, 0) as usize;
    course.resize(course.len() + padding, 0.0);

    let mut course = drawn_out::<POINTS>(&course);
    let scale = 1.0 + SCALE * (stream.uniform(sample, 1) - 0.5);
    course.rotate_right(stream.below(SHIFTS, sample, 2) as usize);
    let shear = SHEAR * (stream.uniform(sample, 3) - 0.5);
    let noise = |first: usize| std::array::from_fn(|k| stream.normal(sample, (first + k) as u64));
    let correlated = smoothed(noise(4));
    let added: [f64; POINTS] = noise(4 + POINTS);
    for (k, x) in course.iter_mut().enumerate() {
        *x = if *x == 0.0 { CORRELATED * correlated[k] } else { scale * *x };
        *x += NOISE * added[k] - shear * (k as f64 / (POINTS - 1) as f64 - 0.5);
    }
    drawn_out(&course)
}

/// So many points of the line through some others, from the first to the last at even distances.
fn drawn_out<const N: usize>(points: &[f64]) -> [f64; N] {
    let last = points.len() - 1;
    std::array::from_fn(|k| {
        let place = (k * last) as f64 / (N - 1) as f64;
        let left = (place as usize).min(last - 1);
        points[left] + (points[left + 1] - points[left]) * (place - left as f64)
    })
}

/// Points after a Gaussian filter, which ends at four of its deviations and finds the points reflected at the edges.
fn smoothed(points: [f64; POINTS]) -> [f64; POINTS] {
    let reach = (4.0 * SIGMA) as i64;
    let weight = |by: i64| (-0.5 * (by as f64 / SIGMA).powi(2)).exp();
    let all: f64 = (-reach..=reach).map(weight).sum();
    let reflected = |k: i64| match k {
        ..0 => points[(-k - 1) as usize],
        k => points[(k as usize).min(2 * POINTS - 1 - k as usize)],
    };
    std::array::from_fn(|k| {
        (-reach..=reach).map(|by| weight(by) * reflected(k as i64 + by)).sum::<f64>() / all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_have_all_classes_and_come_from_the_seed() {
        let made = make([400, 100], false, 3);
        assert_eq!((made.train.len(), made.test.len(), made.train.cols), (400, 100, LENGTH));
        let labels = [&made.train.labels[..], &made.test.labels].concat();
        let of = |class: u8| labels.iter().filter(|label| **label == class).count();
        assert!((0..10).all(|class| of(class) == 50));
        // Mixed: neither set has them in turn.
        assert_ne!(made.train.labels[..10], (0..10).collect::<Vec<u8>>());
        assert_eq!(make([400, 100], false, 3), made);
        assert_ne!(make([400, 100], false, 4).train, made.train);
    }

    #[test]
    fn all_courses_together_have_mean_0_and_deviation_1() {
        let courses = courses(5000, 1);
        let [mean, deviation] = moments(courses.as_flattened());
        assert!(mean.abs() < 1e-12 && (deviation - 1.0).abs() < 1e-12, "{mean} {deviation}");
        // The range is used, and next to nothing is cut off.
        let beyond = |bound: f64| courses.as_flattened().iter().filter(|x| x.abs() > bound).count();
        assert!(beyond(5.0) < 5 && beyond(4.0) > 10, "{} {}", beyond(5.0), beyond(4.0));
        let made = make([4000, 1000], false, 1);
        let mean = made.train.images.iter().map(|x| f64::from(*x)).sum::<f64>() / 160_000.0;
        assert!((mean - 127.5).abs() < 0.5, "{mean}");
    }

    #[test]
    fn shuffling_moves_the_positions_of_all_samples_alike() {
        let (plain, shuffled) = (make([100, 50], false, 5), make([100, 50], true, 5));
        let column = |split: &Split, k: usize| -> Vec<u8> {
            (0..split.len()).map(|i| split.image(i)[k]).collect()
        };
        let mut from = Vec::new();
        for k in 0..LENGTH {
            let wanted = column(&shuffled.train, k);
            let place = (0..LENGTH).find(|p| column(&plain.train, *p) == wanted).unwrap();
            assert_eq!(column(&plain.test, place), column(&shuffled.test, k), "{k}");
            from.push(place);
        }
        assert_ne!(from, (0..LENGTH).collect::<Vec<_>>());
        from.sort_unstable();
        assert_eq!(from, (0..LENGTH).collect::<Vec<_>>());
        assert_eq!(plain.train.labels, shuffled.train.labels);
    }

    #[test]
    fn shapes_begin_at_0_and_have_one_size() {
        for shape in SHAPES.map(settled) {
            assert_eq!(shape[0], 0.0);
            assert!((moments(&shape)[1] - 1.0 / 6.0).abs() < 1e-12);
        }
    }

    #[test]
    fn points_are_drawn_out_and_smoothed() {
        assert_eq!(drawn_out::<5>(&[0.0, 2.0, 1.0]), [0.0, 1.0, 2.0, 1.5, 1.0]);
        assert_eq!(drawn_out::<2>(&[3.0, 9.0, 4.0]), [3.0, 4.0]);
        // The weights w(0) to w(8) of the filter add up to 1 on both sides; at the edge its tail is folded back.
        let pulse = |at: usize| smoothed(std::array::from_fn(|k| f64::from(k == at)));
        let close = |x: f64, wanted: f64| assert!((x - wanted).abs() < 1e-12, "{x} {wanted}");
        let inner = pulse(30);
        close(inner[30], 0.199474647864745);
        close(inner[32], 0.12098748976534904);
        close(inner[38], 6.691628957263553e-5);
        assert_eq!(inner[39], 0.0);
        close(pulse(0)[0], 0.3755104067495354);
        close(pulse(0)[1], 0.2970232486501394);
        close(pulse(POINTS - 1)[POINTS - 2], 0.2970232486501394);
        close(inner.iter().sum(), 1.0);
    }
}
