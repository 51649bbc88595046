//! What a loss is to a scene, to samples and to a plan: a declaration of its fields, and [`Objective`]. One is a file of
//! this module, its shader, and a line in [`losses!`](crate::losses).
//!
//! A loss says what of the network it looks at ([`Of`]) and what it compares that with ([`Wanted`]). From these two follow
//! which populations and samples it needs, which arrays there are, and how answers are told right from wrong. One that
//! looks at answers has a kernel that judges them; it need not know how they come about.

use super::assignment::Assignment;
use super::first_spikes::FirstSpike;
use super::trace::Trace;
use crate::declare;
use crate::grammar::{Judge, Ms, Quantity};
use crate::kernel::{Kernel, Word};

declare! {
    /// How a potential over time becomes one number.
    #[derive(Copy)]
    pub enum Over {
        /// Mean over the steps.
        Mean;
        /// Sum over the steps.
        Sum;
        /// Mean over each frame of `Images`: an answer to each, of data that have a label for each frame. With
        /// `SoftmaxCrossEntropy` alone.
        Frames;
        /// Mean over a part of the presentation.
        Window {
            /// Where it begins \[ms\].
            from: Quantity<Ms> [NotNegative];
            /// Where it ends \[ms\].
            to: Quantity<Ms> [Positive];
        };
        /// Value at the last step.
        Last;
        /// Largest value.
        Max;
    }
}

/// What of a network a loss looks at.
#[derive(Debug, Clone, Copy)]
pub enum Of<'a> {
    /// Answers: the outputs of the readout, its potential over time made one number each.
    Readout(Over),
    /// Answers: the numbers of spikes of a population, each spike of which counts so much.
    Counts(&'a str, f64),
    /// Answers: when the neurons of a population spike first.
    FirstSpikes(&'a FirstSpike),
    /// The potential of a population in each step.
    Potential(&'a Trace),
    /// The spikes of neurons that are assigned to classes: there is no gradient.
    Assigned(&'a Assignment),
}

/// What a loss compares that with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The class of a sample, or of each of its frames.
    Class,
    /// A number for each output; of a sample with a class 1 for that and 0 for the others.
    Targets,
    /// Whether each output is to be above 0, said by 1 and 0; a sample with a class has none.
    Marks,
    /// A trace that the loss brings: there are no samples.
    Trace,
}

/// Answers of which a kernel is to judge.
#[derive(Debug, Clone, Copy)]
pub struct Answers {
    /// Outputs of each.
    pub outputs: u32,
    /// Answers of a sample.
    pub answers: u32,
    /// Batches whose losses are kept until the host asks.
    pub slots: u32,
}

/// What a loss is judged by, beside its own fields.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Time step, if it is sound \[ms\].
    pub dt: Option<f64>,
    /// Steps for which a sample is shown.
    pub steps: u64,
    /// Whether gradients are by the times of spikes.
    pub by_times: bool,
}

/// What a training minimises.
pub trait Objective {
    /// What it looks at.
    fn of(&self) -> Of<'_>;

    /// What it compares that with.
    fn wanted(&self) -> Wanted;

    /// Rules that join several fields, or a field and the training; those of single ones are in its declaration.
    fn check(&self, _path: &str, _setting: Setting, _judge: &mut dyn Judge) {}

    /// How answers are judged, if it looks at some: a kernel and its parameters. Its arrays are outputs, what is wanted
    /// (labels, or targets), gradient by outputs, losses and predictions.
    fn judgement(&self, _answers: Answers) -> Option<(&'static Kernel, Vec<Word>)> {
        None
    }

    /// Error of an output in each step, if it has one there, as [`super::eprop_readout`] takes it: its form, and the
    /// difference beyond which Huber's is linear. E-prop knows losses that have one.
    fn in_each_step(&self) -> Option<(u32, f64)> {
        None
    }
}

/// Losses, each with the file that declares it. `$with` gets the list.
#[macro_export]
macro_rules! losses {
    ($with:ident) => {
        $with! {
            softmax_cross_entropy::SoftmaxCrossEntropy;
            squared_error::SquaredError;
            huber::Huber;
            multi_label::MultiLabel;
            spike_counts::SpikeCount;
            first_spikes::FirstSpike;
            trace::Trace;
            assignment::Assignment;
        }
    };
}
