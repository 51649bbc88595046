//! In which order training samples are shown.

use crate::declare;
use crate::rng::Stream;

declare! {
    /// In which order training samples are shown.
    #[derive(Copy)]
    pub enum Order {
        /// In another one each epoch, drawn from the seed.
        Shuffled;
        /// As the data have them, the same in each epoch: for data that become harder from sample to sample.
        Given;
    }
}

impl Order {
    /// Numbers of so many samples as an epoch shows them.
    pub fn of(self, samples: u32, epoch: u64, shuffle: Stream) -> Vec<u32> {
        match self {
            Self::Shuffled => shuffle.permutation(samples, epoch),
            Self::Given => (0..samples).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    #[test]
    fn given_samples_come_as_they_are_and_others_do_not() {
        let stream = Stream::new(1, Purpose::Shuffle, 0);
        let given: Vec<u32> = (0..100).collect();
        assert_eq!(Order::Given.of(100, 3, stream), given);
        let mut shuffled = Order::Shuffled.of(100, 3, stream);
        assert_ne!(shuffled, given);
        assert_ne!(shuffled, Order::Shuffled.of(100, 4, stream));
        shuffled.sort_unstable();
        assert_eq!(shuffled, given);
    }
}
