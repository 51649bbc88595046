//! Yin-Yang: points of a disc, told apart by the part of the Taoist symbol that they lie in (Kriener, Göltz & Petrovici
//! 2022). A network without a hidden layer fails at it, a small one succeeds, and one whose hidden weights stay as they
//! were drawn lies between.
//!
//! A sample is x, y, 1 - x and 1 - y, so that each end of both axes has an early spike with the latency code, and with
//! `bias` a fifth number that is always 1, whose spike is the first.

use super::{Dataset, Range, Split};
use crate::rng::{Purpose, Stream};

/// Radius of the disc.
const BIG: f64 = 0.5;
/// Radius of the dots.
const SMALL: f64 = 0.1;

/// Most numbers of a sample.
pub const NUMBERS: usize = 5;

/// Makes so many training and test samples; the one do not depend on the number of the others.
pub fn make([train, test]: [usize; 2], bias: bool, seed: u64) -> Dataset {
    let split = |set: u32, count: usize| {
        let stream = Stream::new(seed, Purpose::Samples, set);
        let samples: Vec<_> = (0..count as u64).map(|sample| draw(sample, stream)).collect();
        let levels = |(_, [x, y]): &(u8, [f64; 2])| {
            let numbers: [f64; NUMBERS] = [*x, *y, 1.0 - x, 1.0 - y, 1.0];
            numbers.into_iter().take(cols(bias)).map(|x| Range::SPIKING.nearest(x))
        };
        Split {
            targets: Vec::new(),
            images: samples.iter().flat_map(levels).collect(),
            labels: samples.iter().map(|(class, _)| *class).collect(),
            rows: 1,
            cols: cols(bias),
        }
    };
    Dataset { train: split(0, train), validation: None, test: split(1, test) }
}

/// Numbers of a sample.
fn cols(bias: bool) -> usize {
    NUMBERS - usize::from(!bias)
}

/// A class, each as probable as the others, and a point of it, all alike probable.
fn draw(sample: u64, stream: Stream) -> (u8, [f64; 2]) {
    let class = stream.below(3, sample, 0) as u8;
    let mut attempt = 1;
    loop {
        let point = stream.uniforms(sample, attempt);
        if class_of(point) == Some(class) {
            return (class, point);
        }
        attempt += 1;
    }
}

/// The class of a point: 0 for yin, 1 for yang, 2 for a dot; none outside of the disc.
///
/// The disc is halved by a line along y = 1/2, and two circles of half its radius, around (1/4, 1/2) and (3/4, 1/2),
/// bend the line: the left one is all yin's and the right one all yang's, but for the dots in their midst. Of three
/// conditions that the authors give for yin, the first, a point of the right dot, is that of a dot already; the other two are
/// the left circle, and the upper half outside of the right one.
fn class_of([x, y]: [f64; 2]) -> Option<u8> {
    let distance = |to: f64| (x - to).hypot(y - BIG);
    let [left, right] = [distance(0.5 * BIG), distance(1.5 * BIG)];
    if distance(BIG) > BIG {
        None
    } else if left < SMALL || right < SMALL {
        Some(2)
    } else {
        let is_yin = left <= 0.5 * BIG || (y > BIG && right > 0.5 * BIG);
        Some(u8::from(!is_yin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    #[test]
    fn the_parts_of_the_symbol_are_where_they_belong() {
        for (point, class) in [
            ([0.25, 0.5], Some(2)),
            ([0.75, 0.5], Some(2)),
            ([0.84, 0.56], Some(1)),
            // Around the dots.
            ([0.25, 0.35], Some(0)),
            ([0.25, 0.65], Some(0)),
            ([0.75, 0.35], Some(1)),
            ([0.75, 0.65], Some(1)),
            // Above and below the circles.
            ([0.5, 0.9], Some(0)),
            ([0.5, 0.1], Some(1)),
            ([0.05, 0.05], None),
        ] {
            assert_eq!(class_of(point), class, "{point:?}");
        }
    }

    #[test]
    fn yin_and_yang_are_the_same_turned_round() {
        let stream = Stream::new(1, Purpose::Samples, 9);
        let mut counts = [0.0; 3];
        let points = 100_000;
        for k in 0..points {
            let [x, y] = stream.uniforms(k, 0);
            let (class, turned) = (class_of([x, y]), class_of([1.0 - x, 1.0 - y]));
            let wanted = class.map(|class| [1, 0, 2][usize::from(class)]);
            assert_eq!(turned, wanted, "{x} {y}");
            if let Some(class) = class {
                counts[usize::from(class)] += 1.0 / points as f64;
            }
        }
        let dots = 2.0 * PI * SMALL * SMALL;
        let half = (PI * BIG * BIG - dots) / 2.0;
        // Five standard deviations of the largest.
        for (count, area) in counts.into_iter().zip([half, half, dots]) {
            assert!((count - area).abs() < 5.0 * (0.25 / points as f64).sqrt(), "{count} {area}");
        }
    }

    #[test]
    fn classes_are_alike_probable_and_samples_say_where_they_are() {
        let made = make([3000, 300], true, 7);
        let of = |class: u8| made.train.labels.iter().filter(|label| **label == class).count();
        // 1,000 of each, give or take five standard deviations.
        assert!((0..3).all(|class| (870..=1130).contains(&of(class))));
        for i in 0..made.train.len() {
            let [x, y, not_x, not_y, bias] = made.train.image(i) else { panic!() };
            assert_eq!((*bias, u16::from(*x) + u16::from(*not_x)), (255, 256));
            assert_eq!(u16::from(*y) + u16::from(*not_y), 256);
        }
        assert_eq!(make([3000, 300], true, 7), made);
        assert_ne!(make([3000, 300], true, 8).train, made.train);
        // The test set stays whatever there is to learn from, and is not that.
        let other = make([300, 300], false, 7);
        assert_eq!((other.test.cols, &other.test.labels), (4, &made.test.labels));
        assert_eq!(other.test.image(5), &made.test.image(5)[..4]);
        assert_ne!(other.train.labels, other.test.labels);
    }
}
