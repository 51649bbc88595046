//! Weights with which synapses begin. A rule by which they are drawn or laid out is a file of this module and a line in
//! [`weights!`](crate::weights): a declaration of its fields, and [`Weigh`]. What is neither, one weight for all and the
//! weights of a file, stands in [`Weight`](crate::scene::Weight) itself.

mod entry;
pub mod kaiming;
pub mod linspace;
pub mod log_normal;
pub mod normal;
pub mod orthogonal;
pub mod uniform;
pub mod values;
pub mod xavier;

pub use entry::Entry;

use crate::grammar::{Judge, Quantity, Strength};
use crate::rng::Stream;
use std::path::PathBuf;

/// What a rule is judged by, beside its own fields.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Where the weights go.
    pub entry: &'a Entry,
    /// Whether there is a training, which has units of weights.
    pub training: bool,
    /// Whether weights are a whole matrix: of `Dense` or of `Conv`.
    pub matrix: bool,
}

/// A synapse whose weight is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Synapse {
    /// Random numbers, and its place among them: an entity, and a draw of that.
    pub stream: Stream,
    /// See `stream`.
    pub key: (u64, u64),
    /// Its number in the order of `weights.safetensors`, and of how many.
    pub place: (usize, usize),
    /// Synapses of its target and of its source.
    pub fans: [usize; 2],
    /// See [`crate::network::Projection::unit`].
    pub unit: f64,
    /// Weight below which nothing is drawn: 0 of a conductance, unless the sign says which.
    pub least: f64,
}

/// A rule by which synapses get their first weights.
pub trait Weigh: Sync {
    /// Rules that join several fields, or a field and where weights go; those of single ones are in its declaration.
    fn check(&self, path: &str, setting: Setting, judge: &mut dyn Judge);

    /// Least and largest weight, where they are known before they are drawn.
    fn range(&self) -> Option<(f64, f64)> {
        None
    }

    /// For how many synapses it is, if not for as many as these.
    fn count(&self, _synapses: usize) -> Option<usize> {
        None
    }

    /// The weight of a synapse, in the unit of its receptor.
    fn weight(&self, synapse: &Synapse) -> f64;

    /// Weights that are drawn together, row by row, if they are, of so many rows and columns.
    fn matrix(&self, _stream: &Stream, _unit: f64, _shape: [usize; 2]) -> Option<Vec<f64>> {
        None
    }
}

/// The same for all.
impl Weigh for Quantity<Strength> {
    fn check(&self, path: &str, setting: Setting, judge: &mut dyn Judge) {
        setting.entry.check_sign(path, self.get(), judge);
    }
    fn range(&self) -> Option<(f64, f64)> {
        Some((self.get(), self.get()))
    }
    fn weight(&self, _: &Synapse) -> f64 {
        self.get()
    }
}

/// Weights of a file, which take the place of these.
impl Weigh for PathBuf {
    fn check(&self, _: &str, _: Setting, _: &mut dyn Judge) {}
    fn weight(&self, _: &Synapse) -> f64 {
        0.0
    }
}

/// Rules by which weights are drawn or laid out, each with the other words for it, and the file that declares it.
/// `$with` gets the list.
#[macro_export]
macro_rules! weights {
    ($with:ident) => {
        $with! {
            normal::Normal;
            uniform::Uniform;
            log_normal::LogNormal;
            linspace::Linspace;
            values::Values;
            kaiming::Kaiming;
            xavier::Xavier | "Glorot";
            orthogonal::Orthogonal;
        }
    };
}
