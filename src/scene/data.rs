//! What a network learns from: the words of data sets, and what follows from them before any sample is there.
//!
//! Samples are made in files of [`crate::data`]. The words are here side by side since they have four fields in common, and
//! since what is asked of them before that (where files are, the range of levels, how many numbers, which tasks and frames)
//! is answered by most with no more than a number.

use crate::data::delayed_recall::Pacing;
use crate::data::{Augment, Range};
use crate::data::{delayed_recall, evidence, mnist1d, store_recall, yin_yang};
use crate::declare;
use crate::grammar::{Ms, Quantity, Several};
use crate::train::epoch::Epoch;
use std::path::{Path, PathBuf};

macro_rules! data {
    ($(
        $(#[doc = $doc:literal])+
        $word:ident $(| $alias:literal)* { $($field:tt)* }
    )*) => {
        declare! {
            /// A data set: files, or samples that are made by formula. All are held as images are, in 256 levels; a
            /// number becomes the nearest.
            pub enum Data {
                $($(#[doc = $doc])+ $word $(| $alias)* {
                    $($field)*
                    /// Only samples of these classes, whose labels become 0, 1, ... in the order of the list; all if
                    /// absent.
                    classes: Option<Vec<u64>>;
                    /// Only the first so many training samples of each class; all if absent.
                    per_class: Option<u64> [Count];
                    /// Whether the training samples of `per_class` are drawn from the seed rather than the first.
                    drawn: bool = false;
                    /// What is done to a training sample each time that a network learns from it: one change, or a
                    /// list of several, one after the other.
                    augment: Several<Augment>;
                };)*
            }
        }

        impl Data {
            /// Which samples are used, and how.
            pub fn choice(&self) -> SampleChoice<'_> {
                match self {
                    $(Self::$word { classes, per_class, drawn, augment, .. } => SampleChoice {
                        classes: classes.as_deref(),
                        per_class: *per_class,
                        drawn: *drawn,
                        augment: &augment.0,
                    },)*
                }
            }
        }
    };
}

data! {
    /// The four IDX files of MNIST, raw or gzipped, in a directory.
    Mnist | "Idx" {
        /// Directory, relative to the scene file.
        dir: PathBuf;
    }
    /// Two images side by side, drawn from those of MNIST; below them one more row, the cue, white under the one that is
    /// asked for. The label is its class.
    Pairs {
        /// Directory of the images, as of `Mnist`.
        dir: PathBuf;
        /// Training samples.
        train: u64 [Count] = 30000u64;
        /// Test samples.
        test: u64 [Count] = 10000u64;
        /// Key of its random numbers; that of the simulation if absent.
        seed: Option<u64>;
    }
    /// Several images one after the other, drawn from those of MNIST, at half their brightness; below each is one more row,
    /// the mark, white in the frame that is asked for. The frames are of different classes; the label is that of this one.
    Streams {
        /// Directory of the images, as of `Mnist`.
        dir: PathBuf;
        /// Frames of a sample.
        frames: u64 [Count] = 8u64;
        /// Training samples.
        train: u64 [Count] = 30000u64;
        /// Test samples.
        test: u64 [Count] = 10000u64;
        /// Key of its random numbers; that of the simulation if absent.
        seed: Option<u64>;
    }
    /// Two files that `numpy.savez` wrote, with the arrays `inputs`, samples by features or samples by rows, or
    /// frames, by columns, and `labels`, the classes of the samples from 0 to 255, or `targets`, samples by outputs,
    /// numbers of any size; or both. An input outside of the range is refused.
    Arrays {
        /// Training samples, an `.npz` file.
        train: PathBuf;
        /// Test samples, an `.npz` file.
        test: PathBuf;
        /// Which numbers are the lowest and the highest level; 0 and 1 if absent, or 0 and 255 of bytes (uint8).
        range: Option<Range>;
    }
    /// Two tables, text with a header and a row of numbers for each sample, separated by commas, semicolons or tabs;
    /// one column has the classes of the samples, from 0 to 255. A number outside of the range is refused.
    Csv | "Table" {
        /// Training samples.
        train: PathBuf;
        /// Test samples, another file: rows that were not in the first.
        test: PathBuf;
        /// Name of the column of classes; the last column if absent.
        label: Option<String>;
        /// Which numbers are the lowest and the highest level; 0 and 1 if absent.
        range: Option<Range>;
    }
    /// MNIST-1D: ten shapes as courses of 40 numbers, scaled, moved and in noise (Greydanus & Kobak 2024). Levels are from
    /// -5 to 5 standard deviations of all.
    Mnist1d | "MNIST1D" {
        /// Training samples.
        train: u64 [Count] = 4000u64;
        /// Test samples.
        test: u64 [Count] = 1000u64;
        /// Whether the positions are shuffled, those of all samples alike.
        shuffled: bool = false;
        /// Key of its random numbers; that of the simulation if absent.
        seed: Option<u64>;
    }
    /// Points of a disc, of three classes: yin, yang and their dots (Kriener, Göltz & Petrovici 2022). A sample is x, y,
    /// 1 - x and 1 - y. All numbers have a spike with `Latency(cutoff: 0)`.
    YinYang {
        /// Training samples.
        train: u64 [Count] = 5000u64;
        /// Test samples.
        test: u64 [Count] = 1000u64;
        /// Whether a sample has a fifth number, always 1, whose spike is the first with `Latency`.
        bias: bool = true;
        /// Key of its random numbers; that of the simulation if absent.
        seed: Option<u64>;
    }
    /// Random manifolds: times of one spike of each unit, by smooth functions of a few numbers that differ between
    /// classes (Zenke & Vogels 2021). For `Latency(cutoff: 0)`.
    Randman {
        /// Training samples.
        train: u64 [Count] = 8000u64;
        /// Test samples.
        test: u64 [Count] = 2000u64;
        /// Manifolds, of which each is a class; at most 256.
        manifolds: u64 [Count] = 10u64;
        /// Units, the numbers of a sample.
        units: u64 [Count] = 20u64;
        /// Dimensions of a manifold.
        dim: u64 [Count] = 1u64;
        /// How smooth they are: harmonic k has a size of k^-alpha.
        alpha: f64 [Positive] = 2.0;
        /// Key of its random numbers; that of the simulation if absent.
        seed: Option<u64>;
    }
    /// Groups of channels that fire one after the other, each channel once; the class is the order of the groups, of which
    /// all are alike frequent. The first moment is the highest level, the last, `(groups - 1) gap + jitter`, the lowest:
    /// `Latency(cutoff: 0)` with a `window` of that and two steps shows them as they are. What tells classes apart is
    /// further apart in time than a neuron remembers.
    Orders {
        /// Training samples.
        train: u64 [Count] = 2400u64;
        /// Test samples.
        test: u64 [Count] = 1200u64;
        /// Groups, from 2 to 5; their orders are 2, 6, 24 or 120 classes.
        groups: u64 [Count] = 4u64;
        /// Channels of a group.
        channels: u64 [Count] = 10u64;
        /// Time from one group to the next \[ms\].
        gap: Quantity<Ms> [Positive] = 100.0;
        /// Time within which the channels of a group fire, each at a moment drawn anew for each sample \[ms\].
        jitter: Quantity<Ms> [NotNegative] = 5.0;
        /// Key of its random numbers; that of the simulation if absent.
        seed: Option<u64>;
    }
    /// Tasks, of which each is to tell y = A sin(x - φ) with another A, from 0.1 to 5, and another φ, from 0 to π, of x
    /// from -5 to 5 (Finn, Abbeel & Levine 2017). A sample is x by Gaussian receptive fields, its target y; for `meta`,
    /// and without it all samples are one data set.
    Sinusoids {
        /// Training tasks.
        train: u64 [Count] = 1000u64;
        /// Held-out tasks.
        test: u64 [Count] = 300u64;
        /// Samples of a task that it is learned from.
        k: u64 [Count] = 10u64;
        /// Samples of a task that it asks.
        query: u64 [Count] = 10u64;
        /// Receptive fields from -5 to 5, the numbers of a sample.
        units: u64 [Count] = 40u64;
        /// Standard deviation of each.
        sigma: f64 [Positive] = 0.5;
        /// Key of its random numbers; that of the simulation if absent.
        seed: Option<u64>;
    }
    /// Bits in a row, of which one is to be stored and told when asked, again and again (Bellec et al. 2018). A frame is
    /// a symbol, of four groups of 25 numbers: bit 0, bit 1, store, recall. The label of a frame with recall is the bit
    /// that was stored last; other frames have none. For `over: Frames`.
    StoreRecall {
        /// Training samples.
        train: u64 [Count] = 5120u64;
        /// Test samples.
        test: u64 [Count] = 1280u64;
        /// Symbols of a sample.
        symbols: u64 [Count] = 12u64;
        /// Probability of store where nothing is stored, and of recall where something is, before sequences that ask
        /// nothing are left out.
        p: f64 [Fraction] = 1.0 / 7.0;
        /// Key of its random numbers; that of the simulation if absent.
        seed: Option<u64>;
    }
    /// A bit that is shown for 50 ms, and is to be told after a delay, in the 50 ms in which the sample ends. A frame is
    /// 10 ms, of four groups of 10 numbers: bit 0, bit 1, recall, noise. The label is the bit. The groups that are shown
    /// are white, noise has a fifteenth of that all the time, and what is not shown is black.
    DelayedRecall {
        /// Training samples.
        train: u64 [Count] = 9600u64;
        /// Test samples.
        test: u64 [Count] = 1000u64;
        /// Time from the end of the bit to recall, a multiple of 10 ms \[ms\].
        delay: Quantity<Ms> [Positive];
        /// Whether training samples have shorter delays. Test samples have not.
        pacing: Pacing = Pacing::Constant;
        /// Key of its random numbers; that of the simulation if absent.
        seed: Option<u64>;
    }
    /// Cues to the left and to the right, of which more are to be told after a delay (Morcos & Harvey 2016; Bellec et al.
    /// 2020). A frame is 50 ms, of four groups of 10 numbers: left, right, recall, noise. A cue is a frame without and two
    /// with it; recall is the last three. The label is 0 if more were to the left, 1 if to the right. Groups that are shown
    /// are white, noise is a quarter of that all the time, and what is not shown is black. For `Poisson(max_rate: 40)`.
    Evidence {
        /// Training samples.
        train: u64 [Count] = 6400u64;
        /// Test samples.
        test: u64 [Count] = 512u64;
        /// Cues of a sample, an odd number.
        cues: u64 [Count] = 7u64;
        /// Time from the last cue to recall, a multiple of 50 ms \[ms\].
        delay: Quantity<Ms> [Positive];
        /// Key of its random numbers; that of the simulation if absent.
        seed: Option<u64>;
    }
}

/// Which samples of a data set are used, and how.
#[derive(Debug, Clone, Copy)]
pub struct SampleChoice<'a> {
    /// Their classes; all if absent.
    pub classes: Option<&'a [u64]>,
    /// Training samples of each; all if absent.
    pub per_class: Option<u64>,
    /// Whether these are drawn rather than the first.
    pub drawn: bool,
    /// What is done to a training sample when it is learned from.
    pub augment: &'a [Augment],
}

impl Data {
    /// Whether samples have classes rather than targets, as far as that does not depend on files.
    pub fn has_classes(&self) -> Option<bool> {
        match self {
            Self::Arrays { .. } => None,
            Self::Sinusoids { .. } => Some(false),
            _ => Some(true),
        }
    }

    /// Where the test set is, a directory or a file, unless it is made by formula.
    pub fn test_path(&self) -> Option<&Path> {
        match self {
            Self::Mnist { dir, .. } => Some(dir),
            Self::Arrays { test, .. } | Self::Csv { test, .. } => Some(test),
            Self::Mnist1d { .. }
            | Self::Pairs { .. }
            | Self::Streams { .. }
            | Self::YinYang { .. }
            | Self::Randman { .. }
            | Self::Orders { .. }
            | Self::Sinusoids { .. }
            | Self::StoreRecall { .. }
            | Self::DelayedRecall { .. }
            | Self::Evidence { .. } => None,
        }
    }

    /// Which numbers are the lowest and the highest level, if it says so.
    pub fn range(&self) -> Option<Range> {
        match self {
            Self::Mnist { .. }
            | Self::Pairs { .. }
            | Self::Streams { .. }
            | Self::StoreRecall { .. }
            | Self::DelayedRecall { .. }
            | Self::Evidence { .. } => None,
            Self::Arrays { range, .. } | Self::Csv { range, .. } => *range,
            Self::Mnist1d { .. } => Some(mnist1d::RANGE),
            Self::YinYang { .. } | Self::Randman { .. } | Self::Orders { .. } => {
                Some(Range::SPIKING)
            }
            Self::Sinusoids { .. } => Some(Range::default()),
        }
    }

    /// Samples of each task, those that it is learned from and those that it asks, if the data are tasks.
    pub fn tasks(&self) -> Option<[usize; 2]> {
        match *self {
            Self::Sinusoids { k, query, .. } => Some([k, query].map(|count| count as usize)),
            _ => None,
        }
    }

    /// Frames of a sample and numbers of each, of a task in time that is made by formula.
    pub fn frames(&self) -> Option<[u64; 2]> {
        match *self {
            Self::StoreRecall { symbols, .. } => Some([symbols, store_recall::NUMBERS as u64]),
            Self::DelayedRecall { delay, .. } => {
                let frames = delayed_recall::frames(delayed_recall::held(delay));
                Some([frames, delayed_recall::NUMBERS as u64])
            }
            Self::Evidence { cues, delay, .. } => {
                Some([evidence::frames(cues, delay), evidence::NUMBERS as u64])
            }
            _ => None,
        }
    }

    /// Delay of training samples after some epochs, if it goes by these \[ms\].
    pub fn gated(&self, done: &[Epoch]) -> Option<f64> {
        match *self {
            Self::DelayedRecall { delay, pacing, .. } => pacing.gated(delay, done),
            _ => None,
        }
    }

    /// Whether there is a label for each frame of a sample, rather than one for the whole.
    pub fn labels_frames(&self) -> bool {
        matches!(self, Self::StoreRecall { .. })
    }

    /// How many numbers are made for it, if it is made by formula.
    pub(crate) fn made(&self) -> Option<u128> {
        let (train, test, others) = match *self {
            Self::Mnist { .. }
            | Self::Pairs { .. }
            | Self::Streams { .. }
            | Self::Arrays { .. }
            | Self::Csv { .. } => return None,
            Self::Mnist1d { train, test, .. } => (train, test, [mnist1d::LENGTH as u64, 1]),
            Self::YinYang { train, test, .. } => (train, test, [yin_yang::NUMBERS as u64, 1]),
            Self::Randman { train, test, manifolds, units, dim, .. } => {
                // A manifold is there whether it has samples or not.
                (train.max(manifolds), test, [units, dim])
            }
            Self::Orders { train, test, groups, channels, .. } => (train, test, [groups, channels]),
            Self::Sinusoids { train, test, k, query, units, .. } => {
                (train, test, [k.saturating_add(query), units])
            }
            Self::StoreRecall { train, test, .. }
            | Self::DelayedRecall { train, test, .. }
            | Self::Evidence { train, test, .. } => {
                (train, test, self.frames().unwrap_or_default())
            }
        };
        let samples = u128::from(train) + u128::from(test);
        Some(others.iter().fold(samples, |all, n| all.saturating_mul(u128::from(*n))))
    }
}
