//! A value over time in memory that does not grow with time, for pictures.

use serde::{Deserialize, Serialize};

/// Values that are kept at most. Whole pairs must remain when neighbours are merged, so it is a
/// multiple of four.
const ROOM: usize = 4_000;

/// The samples of a value over time, as long as they are few. When there are too many, stretches of
/// them are merged into two values each, the lowest and the highest, so that a curve through them
/// shows every spike.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Excerpt {
    /// Samples for each value.
    stride: usize,
    /// Two for each stretch of twice as many samples, in the order of time.
    values: Vec<f32>,
    /// The lowest and the highest value of the stretch that goes on, in the order of time.
    open: [f32; 2],
    /// Samples of this stretch so far.
    taken: usize,
}

impl Default for Excerpt {
    fn default() -> Self {
        Self { stride: 1, values: Vec::new(), open: [0.0; 2], taken: 0 }
    }
}

impl Excerpt {
    /// Adds a sample.
    pub fn add(&mut self, value: f32) {
        if self.stride == 1 {
            self.values.push(value);
        } else {
            self.open = match self.taken {
                0 => [value; 2],
                _ => extremes(&[self.open[0], self.open[1], value]),
            };
            self.taken += 1;
            if self.taken == 2 * self.stride {
                self.values.extend(self.open);
                self.taken = 0;
            }
        }
        if self.values.len() == ROOM {
            self.values = self.values.chunks(4).flat_map(extremes).collect();
            self.stride *= 2;
        }
    }

    /// Whether samples can be added. What is read from a file need not be of this kind.
    pub fn is_whole(&self) -> bool {
        self.stride.is_power_of_two()
            && self.stride.leading_zeros() > 2
            && self.values.len() < ROOM
            && (self.stride == 1 || self.values.len().is_multiple_of(2))
            && self.taken < 2 * self.stride
    }

    /// Samples for each of the [`Self::values`]; 1 if they are the samples themselves.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// At most 4,000 values, from the first sample on. A stretch at the end is left out until it is
    /// whole, at most a thousandth of all samples.
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

/// The lowest and the highest of some values, in their order.
fn extremes(values: &[f32]) -> [f32; 2] {
    let by_value = |a: &usize, b: &usize| values[*a].total_cmp(&values[*b]);
    let low = (0..values.len()).min_by(by_value).unwrap_or(0);
    let high = (0..values.len()).max_by(by_value).unwrap_or(0);
    [values[low.min(high)], values[low.max(high)]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(samples: impl IntoIterator<Item = f32>) -> Excerpt {
        let mut excerpt = Excerpt::default();
        samples.into_iter().for_each(|x| excerpt.add(x));
        excerpt
    }

    #[test]
    fn few_samples_are_kept_as_they_are() {
        let samples: Vec<f32> = (0..ROOM - 1).map(|k| k as f32).collect();
        let excerpt = of(samples.iter().copied());
        assert_eq!((excerpt.stride(), excerpt.values()), (1, &samples[..]));
        assert!(of([]).values().is_empty());
    }

    #[test]
    fn many_samples_keep_their_extremes_and_their_place() {
        const SAMPLES: usize = 10_000_000;
        let (up, down) = (SAMPLES / 3, SAMPLES / 2);
        let excerpt = of((0..SAMPLES).map(|k| match k {
            k if k == up => 30.0,
            k if k == down => -90.0,
            k => -70.0 + k as f32 / SAMPLES as f32,
        }));
        let (stride, values) = (excerpt.stride(), excerpt.values());
        assert!((ROOM / 2..ROOM).contains(&values.len()), "{} values", values.len());
        let covered = stride * values.len();
        assert!(covered <= SAMPLES && SAMPLES - covered < 2 * stride);
        for (sample, value) in [(up, 30.0), (down, -90.0)] {
            let pair = sample / (2 * stride) * 2;
            assert!(values[pair..pair + 2].contains(&value), "{value} is not at its place");
        }
        let rest = values.iter().filter(|v| (-70.0..=-69.0).contains(*v));
        assert!(rest.clone().is_sorted() && rest.count() == values.len() - 2);
    }
}
