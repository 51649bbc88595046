//! In which order training samples are shown.
//!
//! Samples that have scores may be shown by these: those that are there in an epoch are an end of the sorted list, which
//! grows from epoch to epoch up to all. An epoch shows as many samples as there are in all, whatever is there, so that all
//! controls get as many updates: what is there is shown in passes, each in an order of its own. That few are there at first
//! and in which order they come in is all that differs.

use super::pacing::{Growth, RampOrder};
use crate::declare;
use crate::rng::Stream;
use std::path::PathBuf;

declare! {
    /// In which order training samples are shown.
    pub enum Order {
        /// In another one each epoch, drawn from the seed.
        Shuffled;
        /// As the data have them, the same in each epoch: for data that become harder from sample to sample.
        Given;
        /// By a score of each: at first only a part of them, from the easy end of the sorted list, later more, at last all.
        /// Each epoch has as many updates as one of all: what is there is shown again and again, each time in another
        /// order, drawn from the seed. `order: Shuffled` of the training is the control without a curriculum. A run that
        /// is extended is at an earlier part of its epochs, and fewer may be there again.
        Scored {
            /// Where the scores are, one for each sample that is trained on, in the order of the data after `classes`,
            /// `per_class`, `limit` and `validation`: a run folder with a `scores.npz`, or an `.npz` file. It may be
            /// absent in a stage with `scores`.
            file: Option<PathBuf>;
            /// Which numbers of the file they are.
            by: Score = Score::Loss;
            /// Part of the samples that is there in the first epoch.
            from: f64 [Fraction];
            /// Part of the epochs with which all are there.
            until: f64 [Fraction] = 1.0;
            /// How the part grows from epoch to epoch.
            growth: Growth = Growth::Linear;
            /// Which samples come in first; with `Shuffled` as many as otherwise, drawn from the seed.
            order: RampOrder = RampOrder::EasyFirst;
        };
    }
}

declare! {
    /// What says how hard a sample is.
    pub enum Score {
        /// Its loss at the end of an earlier run with `scores: true`: the larger the harder.
        Loss;
        /// By how much the output of its class was above the largest of the others in an earlier run with `scores: true`: the
        /// larger the easier.
        Margin;
        /// The numbers of an array with this name: the larger the harder.
        Array(String);
    }
}

impl Order {
    /// Part of the samples that is there in an epoch, counted from 0, of so many, if that grows.
    pub fn share(&self, epoch: u64, epochs: u64) -> Option<f64> {
        let Self::Scored { from, until, growth, .. } = self else { return None };
        Some(growth.of([*from, 1.0], epoch as usize, *until, epochs as usize))
    }

    /// Numbers of so many samples as an epoch shows them, counted from 0, of so many. `ranks` are those of samples with
    /// scores, the easiest first.
    ///
    /// # Panics
    /// If they are to be shown by scores and `ranks` has none of them.
    pub fn of(
        &self,
        samples: u32,
        [epoch, epochs]: [u64; 2],
        ranks: &[u32],
        shuffle: Stream,
    ) -> Vec<u32> {
        let order = match self {
            Self::Shuffled => return shuffle.permutation(samples, epoch),
            Self::Given => return (0..samples).collect(),
            Self::Scored { order, .. } => order,
        };
        let share = self.share(epoch, epochs).unwrap_or(1.0);
        let count = ((share * f64::from(samples)).round() as usize).clamp(1, samples as usize);
        let there: Vec<u32> = match order {
            RampOrder::EasyFirst => ranks[..count].to_vec(),
            RampOrder::Anti => ranks[ranks.len() - count..].to_vec(),
            // No epoch has this number.
            RampOrder::Shuffled => shuffle.permutation(samples, u64::MAX)[..count].to_vec(),
        };
        let pass = |pass: u64| shuffle.permutation(count as u32, epoch | pass << 32);
        let passes = (0..).flat_map(pass).map(|k| there[k as usize]);
        passes.take(samples as usize).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;
    use std::collections::BTreeSet;

    #[test]
    fn given_samples_come_as_they_are_and_others_do_not() {
        let stream = Stream::new(1, Purpose::Shuffle, 0);
        let given: Vec<u32> = (0..100).collect();
        assert_eq!(Order::Given.of(100, [3, 9], &[], stream), given);
        let mut shuffled = Order::Shuffled.of(100, [3, 9], &[], stream);
        assert_ne!(shuffled, given);
        assert_ne!(shuffled, Order::Shuffled.of(100, [4, 9], &[], stream));
        shuffled.sort_unstable();
        assert_eq!(shuffled, given);
    }

    fn scored(order: RampOrder, growth: Growth) -> Order {
        Order::Scored { file: None, by: Score::Loss, from: 0.2, until: 0.5, growth, order }
    }

    /// Of 100 samples, the easiest of which is 99, the number that are there in each of ten epochs.
    #[test]
    fn what_is_there_grows_from_an_end_of_the_sorted_list() {
        let stream = Stream::new(1, Purpose::Shuffle, 0);
        let ranks: Vec<u32> = (0..100).rev().collect();
        let epochs = |order: &Order| -> Vec<Vec<u32>> {
            (0..10).map(|epoch| order.of(100, [epoch, 10], &ranks, stream)).collect()
        };
        let there = |epoch: &Vec<u32>| epoch.iter().copied().collect::<BTreeSet<u32>>();
        for (growth, counts) in [
            (Growth::Linear, [20, 40, 60, 80, 100, 100]),
            // 20 · 5^(k / 4)
            (Growth::Exp, [20, 30, 45, 67, 100, 100]),
            (Growth::Step(2), [20, 20, 60, 60, 100, 100]),
        ] {
            for order in [RampOrder::EasyFirst, RampOrder::Anti, RampOrder::Shuffled] {
                let shown = epochs(&scored(order, growth));
                for (epoch, shown) in shown.iter().enumerate() {
                    // As many as without a curriculum, and each that is there as often as any other, but for the last pass.
                    let count = counts[epoch.min(5)];
                    assert_eq!((shown.len(), there(shown).len()), (100, count), "{growth:?}");
                    let often = |k: &u32| shown.iter().filter(|shown| *shown == k).count();
                    let passes = 100 / count..=100usize.div_ceil(count);
                    assert!(shown.iter().all(|k| passes.contains(&often(k))));
                    let end: BTreeSet<u32> = match order {
                        RampOrder::EasyFirst => (100 - count as u32..100).collect(),
                        RampOrder::Anti => (0..count as u32).collect(),
                        RampOrder::Shuffled => there(shown),
                    };
                    assert_eq!(there(shown), end);
                }
                // What is there once stays.
                assert!(shown.windows(2).all(|pair| there(&pair[0]).is_subset(&there(&pair[1]))));
                assert_ne!(shown[8], shown[9]);
                assert_eq!(shown, epochs(&scored(order, growth)));
            }
        }
        let drawn = there(&epochs(&scored(RampOrder::Shuffled, Growth::Linear))[0]);
        assert!(drawn != (80..100).collect() && drawn != (0..20).collect());
        // Passes of an epoch are not alike.
        let first = &epochs(&scored(RampOrder::EasyFirst, Growth::Linear))[0];
        assert_ne!(first[..20], first[20..40]);
    }

    #[test]
    fn the_part_that_is_there_is_told() {
        let order = scored(RampOrder::Anti, Growth::Linear);
        let shares = [0, 2, 4, 9].map(|epoch| order.share(epoch, 10).unwrap());
        assert_eq!(shares.map(|share| (share * 1e9).round() / 1e9), [0.2, 0.6, 1.0, 1.0]);
        assert_eq!((Order::Shuffled.share(0, 10), Order::Given.share(0, 10)), (None, None));
    }
}
