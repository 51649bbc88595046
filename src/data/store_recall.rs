//! Store and recall: a stream of bits, of which one is to be kept until it is asked for (Bellec et al. 2018).
//!
//! A sample is a sequence of symbols, a frame each. As published, all symbols are bits at first. From the first to the
//! last, one becomes `store` with probability p where nothing is stored, or `recall` where something is; then it
//! begins again. Sequences without a recall are left out, and so are those in which no bit is behind a store. Four
//! groups of 25 numbers show what a symbol is: bit 0, bit 1, store, recall. The group of store is shown together with
//! that of the bit that is to be stored, that of recall alone.
//!
//! Two things are said here in another way than in the publication, which come to the same. There the bit that is
//! stored is that behind the store, which is inverted with probability 1/2 when its own turn comes; here both are drawn
//! apart. And there sequences are drawn until one may stay; here each symbol is drawn with the probability that it has
//! among those that may, so that no p takes for ever.

use super::{Dataset, NO_LABEL, Split};
use crate::rng::{Purpose, Stream};

/// Numbers of a group.
const GROUP: usize = 25;

/// Numbers of a frame.
pub const NUMBERS: usize = 4 * GROUP;

/// Fewest symbols of a sequence that asks for something: store, a bit, recall.
pub const FEWEST: u64 = 3;

/// The groups behind those of the bits.
const STORE: usize = 2;
const RECALL: usize = 3;

/// What the sequences are like.
#[derive(Debug, Clone, Copy)]
pub struct StoreRecall {
    /// Symbols of a sequence.
    pub symbols: usize,
    /// Probability of `store` where nothing is stored, and of `recall` where something is.
    pub p: f64,
}

/// What a sequence has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing is stored.
    Idle,
    /// Something has just been, and a bit has to follow.
    Fresh,
    /// Something is stored.
    Stored,
}

use Stage::{Fresh, Idle, Stored};

/// Probabilities that the rest of a sequence lets it stay, by stage, and by whether there was a recall.
type Stays = [[f64; 2]; 3];

impl Stage {
    /// What follows a bit, or a store or recall; none if such a sequence is left out.
    fn next(self, marked: bool) -> Option<Self> {
        match (self, marked) {
            (Idle, false) | (Stored, true) => Some(Idle),
            (Idle, true) => Some(Fresh),
            (Fresh | Stored, false) => Some(Stored),
            (Fresh, true) => None,
        }
    }
}

impl StoreRecall {
    /// Makes so many training and test samples; the one do not depend on the number of the others.
    pub fn make(self, [train, test]: [usize; 2], seed: u64) -> Dataset {
        let stays = self.stays();
        let split = |set: u32, count: usize| {
            let stream = Stream::new(seed, Purpose::Samples, set);
            let mut images = vec![0; count * self.symbols * NUMBERS];
            let mut labels = vec![NO_LABEL; count * self.symbols];
            let frames = images.chunks_exact_mut(self.symbols * NUMBERS);
            for (k, (frames, labels)) in
                frames.zip(labels.chunks_exact_mut(self.symbols)).enumerate()
            {
                self.draw(&stays, (k as u64, stream), frames, labels);
            }
            Split { images, labels, targets: Vec::new(), rows: self.symbols, cols: NUMBERS }
        };
        Dataset { train: split(0, train), validation: None, test: split(1, test) }
    }

    /// Whether any sequence may stay.
    pub fn is_possible(self) -> bool {
        self.stays()[0][Idle as usize][0] > 0.0
    }

    /// Probability of a symbol, a bit or not, and that the sequence may then stay; `after` is of the symbols behind it.
    fn chance(self, after: &Stays, (stage, asked): (Stage, bool), marked: bool) -> f64 {
        let p = if marked { self.p } else { 1.0 - self.p };
        let asked = asked || (stage == Stored && marked);
        stage.next(marked).map_or(0.0, |next| p * after[next as usize][usize::from(asked)])
    }

    /// For each place of a sequence, and its end.
    fn stays(self) -> Vec<Stays> {
        let mut stays = vec![Stays::default(); self.symbols + 1];
        for stage in [Idle, Stored] {
            stays[self.symbols][stage as usize][1] = 1.0;
        }
        for k in (0..self.symbols).rev() {
            for (stage, asked) in [Idle, Fresh, Stored].map(|s| [(s, false), (s, true)]).concat() {
                let chances = [false, true].map(|m| self.chance(&stays[k + 1], (stage, asked), m));
                stays[k][stage as usize][usize::from(asked)] = chances.iter().sum();
            }
        }
        stays
    }

    /// Draws a sequence into frames and labels.
    fn draw(
        self,
        stays: &[Stays],
        (sample, stream): (u64, Stream),
        frames: &mut [u8],
        labels: &mut [u8],
    ) {
        let (mut stage, mut asked, mut stored) = (Idle, false, 0);
        let places = frames.chunks_exact_mut(NUMBERS).zip(labels).zip(&stays[1..]);
        for (((frame, label), after), k) in places.zip(0u64..) {
            let [bit_chance, mark_chance] =
                [false, true].map(|marked| self.chance(after, (stage, asked), marked));
            let marked = stream.uniform(sample, 2 * k) * (bit_chance + mark_chance) < mark_chance;
            let bit = stream.below(2, sample, 2 * k + 1) as usize;
            let mut show = |group: usize| frame[group * GROUP..][..GROUP].fill(u8::MAX);
            match (stage, marked) {
                (Stored, true) => {
                    show(RECALL);
                    *label = stored;
                    asked = true;
                }
                (_, true) => {
                    show(STORE);
                    show(bit);
                    stored = bit as u8;
                }
                (_, false) => show(bit),
            }
            stage = stage.next(marked).unwrap_or(stage);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: StoreRecall = StoreRecall { symbols: 12, p: 1.0 / 7.0 };

    /// Which groups of a frame are shown, all of each.
    fn shown(frame: &[u8]) -> [bool; 4] {
        std::array::from_fn(|group| {
            let of = &frame[group * GROUP..][..GROUP];
            assert!(of.iter().all(|level| *level == of[0]) && [0, 255].contains(&of[0]));
            of[0] == 255
        })
    }

    #[test]
    fn what_is_recalled_is_what_was_stored_last() {
        for task in [TASK, StoreRecall { symbols: 3, p: 0.01 }, StoreRecall { symbols: 7, p: 0.9 }]
        {
            let made = task.make([500, 100], 3);
            assert_eq!((made.train.len(), made.test.len()), (500, 100));
            for i in 0..made.train.len() {
                let labels = made.train.labels_of(i);
                assert!(labels.iter().any(|label| *label != NO_LABEL), "nothing is asked");
                let (mut stored, mut fresh) = (None, false);
                for (frame, label) in made.train.image(i).chunks(NUMBERS).zip(labels) {
                    match (shown(frame), fresh) {
                        ([zero, one, true, false], false) => {
                            assert!(
                                zero != one && stored.is_none(),
                                "a store has one bit, in its turn"
                            );
                            (stored, fresh) = (Some(u8::from(one)), true);
                            assert_eq!(*label, NO_LABEL);
                        }
                        ([false, false, false, true], false) => {
                            assert_eq!(Some(*label), stored.take());
                        }
                        ([zero, one, false, false], _) => {
                            assert!(zero != one && *label == NO_LABEL);
                            fresh = false;
                        }
                        other => panic!("{other:?}"),
                    }
                }
                assert!(!fresh, "a bit is behind each store");
            }
        }
    }

    /// Drawing sequences and leaving some out, as published, gives as many of each number of recalls.
    #[test]
    fn sequences_are_those_that_rejection_would_leave() {
        let count = 40_000;
        let made = TASK.make([count, 1], 5).train;
        let mut found = [0.0; 6];
        for i in 0..count {
            let recalls = made.labels_of(i).iter().filter(|label| **label != NO_LABEL).count();
            found[recalls] += 1.0 / count as f64;
        }
        let stream = Stream::new(9, Purpose::Samples, 7);
        let (mut wanted, mut kept) = ([0.0; 6], 0.0);
        for k in 0..20 * count as u64 {
            let (mut stage, mut recalls) = (Some(Idle), 0);
            for draw in 0..TASK.symbols as u64 {
                let marked = stream.uniform(k, draw) < TASK.p;
                recalls += usize::from(stage == Some(Stored) && marked);
                stage = stage.and_then(|stage| stage.next(marked));
            }
            if recalls > 0 && stage.is_some_and(|stage| stage != Fresh) {
                wanted[recalls] += 1.0;
                kept += 1.0;
            }
        }
        assert!(kept > count as f64);
        for (recalls, (found, wanted)) in found.into_iter().zip(wanted).enumerate() {
            // Five standard deviations of the fewer.
            let off = (found - wanted / kept).abs();
            assert!(
                off < 5.0 * (0.25 / count as f64).sqrt(),
                "{recalls}: {found} {}",
                wanted / kept
            );
        }
    }

    #[test]
    fn samples_come_from_the_seed_and_bits_are_fair() {
        let made = TASK.make([2000, 300], 3);
        assert_eq!(TASK.make([2000, 300], 3), made);
        assert_ne!(TASK.make([2000, 300], 4).train, made.train);
        assert_eq!(TASK.make([9, 300], 3).test, made.test);
        assert_ne!(made.test.images, made.train.images[..made.test.images.len()]);
        let asked: Vec<u8> =
            made.train.labels.iter().copied().filter(|label| *label != NO_LABEL).collect();
        let ones = asked.iter().filter(|label| **label == 1).count() as f64;
        let half = asked.len() as f64 / 2.0;
        assert!((ones - half).abs() < 5.0 * (half / 2.0).sqrt(), "{ones} of {}", asked.len());
    }

    #[test]
    fn what_can_ask_nothing_is_known() {
        for (symbols, p, is_possible) in
            [(3, 0.5, true), (3, 1e-9, true), (2, 0.5, false), (12, 0.0, false), (12, 1.0, false)]
        {
            assert_eq!(StoreRecall { symbols, p }.is_possible(), is_possible, "{symbols} {p}");
        }
    }
}
