//! Orders: groups of channels fire one after the other, and what there is to tell is in which order.
//!
//! Each channel spikes once. In a sample of class π channel c of group g does so at
//!
//! ```text
//!   t(g, c) = gap π(g) + jitter u,   u uniform on (0, 1),
//! ```
//! with π(g) the place of group g in the order. Where `gap` is many time constants, a neuron that sees all channels at once
//! sees the same in each order: groups have to be brought together by delays.

use super::{Dataset, Range, Split};
use crate::rng::{Purpose, Stream};

/// Fewest and most groups: of one there is but one order, and of six there are more orders than labels.
pub const GROUPS: [u64; 2] = [2, 5];

/// What the samples are like.
#[derive(Debug, Clone, Copy)]
pub struct Orders {
    /// Groups.
    pub groups: usize,
    /// Channels of each.
    pub channels: usize,
    /// From one group to the next \[ms\].
    pub gap: f64,
    /// Time within which a group fires \[ms\].
    pub jitter: f64,
}

impl Orders {
    /// Makes so many training and test samples, of all classes in turn.
    pub fn make(self, counts: [usize; 2], seed: u64) -> Dataset {
        let Self { groups, channels, gap, jitter } = self;
        let classes: usize = (1..=groups).product();
        let last = (groups - 1) as f64 * gap + jitter;
        let split = |set: usize| {
            let stream = Stream::new(seed, Purpose::Samples, set as u32);
            let levels = |sample: usize| {
                let places = order(groups, sample % classes);
                (0..groups * channels).map(move |channel| {
                    let within = jitter * stream.uniform(sample as u64, channel as u64);
                    let t = gap * places[channel / channels] as f64 + within;
                    Range::SPIKING.nearest(1.0 - t / last)
                })
            };
            Split {
                targets: Vec::new(),
                images: (0..counts[set]).flat_map(levels).collect(),
                labels: (0..counts[set]).map(|sample| (sample % classes) as u8).collect(),
                rows: groups,
                cols: channels,
            }
        };
        Dataset { train: split(0), validation: None, test: split(1) }
    }
}

/// The places of so many groups in order number `class`: digits of the number say which of the places that are left a
/// group takes.
fn order(groups: usize, class: usize) -> Vec<usize> {
    let mut left: Vec<usize> = (0..groups).collect();
    let mut rest = class;
    (0..groups)
        .map(|_| {
            let choice = rest % left.len();
            rest /= left.len();
            left.remove(choice)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::latency::{NEVER, table};
    use std::collections::BTreeSet;

    const ORDERS: Orders = Orders { groups: 4, channels: 10, gap: 100.0, jitter: 5.0 };

    #[test]
    fn each_class_is_another_order() {
        let all: BTreeSet<Vec<usize>> = (0..24).map(|class| order(4, class)).collect();
        assert_eq!(all.len(), 24);
        for places in all {
            assert_eq!(places.into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([0, 1, 2, 3]));
        }
    }

    /// By the latency code, with the window that is told, each channel has one spike, in the time of its group.
    #[test]
    fn groups_fire_when_it_is_their_turn() {
        let made = ORDERS.make([48, 24], 3);
        let step_of = table(307, 0.0);
        for split in [&made.train, &made.test] {
            for i in 0..split.len() {
                let places = order(4, split.labels[i].into());
                for (channel, level) in split.image(i).iter().enumerate() {
                    let (t, begin) = (step_of[usize::from(*level)], 100 * places[channel / 10]);
                    assert_ne!(t, NEVER);
                    // A level is 1.2 ms.
                    let t = f64::from(t) - begin as f64;
                    assert!((-1.2..=6.2).contains(&t), "sample {i}, channel {channel}: {t}");
                }
            }
        }
        assert_eq!(made.train.labels[..3], [0, 1, 2]);
        assert_eq!((made.train.rows, made.train.cols), (4, 10));
        assert_ne!(made.train.image(0), made.test.image(0));
        assert_eq!(ORDERS.make([48, 24], 3), made);
    }
}
