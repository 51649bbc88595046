//! What an encoder is to a scene and to plans: a declaration of its fields, and [`Encode`]. One is a file of this module,
//! its shader, and a line in [`encoders!`](crate::encoders).
//!
//! An encoder says what its kernels are given and does not know where that lies: a training has samples side by side,
//! each with spikes or values of the sources alone; a simulation has one, and one row of spikes for all populations. Sources
//! that spike by themselves ([`super::poisson`], [`super::poisson_alike`]) are planned in the same way.

use super::pixel_words;
use crate::grammar::Judge;
use crate::kernel::{Kernel, Word};

/// What an encoder is judged by, beside its own fields.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Time step \[ms\].
    pub dt: f64,
    /// Steps for which a frame is shown, where that is not the whole window.
    pub held: Option<u64>,
}

/// A window of samples, and where a sample has what is sent in it.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Time step \[ms\].
    pub dt: f64,
    /// Sources.
    pub n: u32,
    /// Rows of what is sent: the steps of the window, or 1 where values are the same in all of them.
    pub rows: u32,
    /// Rows before these.
    pub history: u32,
    /// Words of a row of spikes.
    pub row: u32,
    /// First word of these sources.
    pub first: u32,
    /// Frames of a sample.
    pub frames: u32,
    /// Steps for which each is shown.
    pub hold: u32,
    /// Stream of random numbers.
    pub stream: u32,
}

impl Window {
    /// Words of a sample, if each source has a pixel of its own in each frame.
    pub fn words(&self) -> usize {
        pixel_words(self.frames as usize * self.n as usize)
    }
}

/// A launch, whose units are samples.
pub struct Showing {
    /// The kernel.
    pub kernel: &'static Kernel,
    /// Values of its fields.
    pub params: Vec<Word>,
    /// Its arrays, in the order of its bindings.
    pub args: Vec<Given>,
    /// Invocations for a sample, or for each of its steps.
    pub per_sample: u32,
    /// Whether it is for each.
    pub per_step: bool,
}

/// An array of such a launch.
pub enum Given {
    /// Pixels of the samples.
    Pixels,
    /// The same with a pixel for each source, where an encoder makes such of them.
    Intensities,
    /// None, in the place of pixels.
    Nothing,
    /// Numbers that tell presentations apart.
    Presentation,
    /// Words that all samples share, and what they are.
    Table(&'static str, Vec<u32>),
    /// What is sent: spikes, or values.
    Sent,
}

/// How the intensities of pixels become input.
pub trait Encode {
    /// Rules that join several fields, or a field and the scene; those of single ones are in its declaration.
    fn check(&self, _path: &str, _setting: Setting, _judge: &mut dyn Judge) {}

    /// The value of a white pixel, of an encoder that sends values; none if it sends spikes.
    fn gain(&self) -> Option<f64> {
        None
    }

    /// Sources of each pixel, one after the other.
    fn fields(&self) -> u64 {
        1
    }

    /// Shows a window, by launches that follow each other.
    fn show(&self, window: &Window) -> Vec<Showing>;
}

/// Encoders, each with the file that declares it. `$with` gets the list.
#[macro_export]
macro_rules! encoders {
    ($with:ident) => {
        $with! {
            /// A Poisson train of rate `max_rate · x`.
            poisson::Poisson;
            /// One spike in each frame, the earlier the brighter: at `(1 - x) · window`, none below `cutoff` (Thorpe,
            /// Delorme & Van Rullen 2001).
            latency::Latency;
            /// A constant current of `gain · x` times the weight, for the whole presentation. With several `frames`, or
            /// with `hold`, it changes, and arrives as spikes do, at a receptor and after a delay: in each step as
            /// much as `gain · x` spikes.
            constant::Constant;
            /// Gaussian receptive fields, side by side: each pixel is a number that several sources see, and x of each is
            /// how much it has of it.
            population::Population;
        }
    };
}
