//! Delays of synapses. A rule by which each synapse gets its own is a file of this module and a line in
//! [`delays!`](crate::delays): a declaration of its fields, and [`Lag`]. One delay for all, and delays that are learned
//! ([`super::Delays`]), are none of each synapse, and stand in [`Delay`](crate::scene::Delay) itself.

pub mod distance;
pub mod linspace;
pub mod log_normal;
pub mod normal;
pub mod uniform;
pub mod values;

use crate::grammar::{Judge, Ms, Quantity, TOLERANCE};
use crate::rng::Stream;

/// A synapse whose delay is asked for.
#[derive(Clone, Copy)]
pub struct Synapse<'a> {
    /// Random numbers, and its place among them: its target, and its number among the synapses of that.
    pub stream: Stream,
    /// See `stream`.
    pub key: (u64, u64),
    /// Its number in the order of `weights.safetensors`, and of how many.
    pub place: (usize, usize),
    /// Time step \[ms\].
    pub dt: f64,
    /// Distance from its source to its target \[µm\].
    pub distance: &'a dyn Fn() -> f64,
}

/// A rule by which each synapse gets its delay.
pub trait Lag: Sync {
    /// Rules that join several fields, or a field and a sound time step \[ms\]; those of single ones are in its
    /// declaration.
    fn check(&self, _path: &str, _dt: f64, _judge: &mut dyn Judge) {}

    /// For how many synapses it is, if not for as many as these.
    fn count(&self, _synapses: usize) -> Option<usize> {
        None
    }

    /// Whether neurons need places for it.
    fn in_space(&self) -> bool {
        false
    }

    /// The delay of a synapse \[ms\], before it is rounded.
    fn delay(&self, synapse: &Synapse) -> f64;
}

/// Judges whether a delay is one step or longer.
pub fn at_least_a_step(path: &str, delay: Quantity<Ms>, dt: f64, judge: &mut dyn Judge) -> bool {
    let enough = delay.get() >= dt * (1.0 - TOLERANCE);
    if !enough {
        let message = format!("a delay of {} ms is below one step of {dt} ms", delay.get());
        judge.fault_with_help(path, message, "raise the delay or lower `simulation.dt`");
    }
    enough
}

/// Rules by which each synapse gets its delay, each with the file that declares it. `$with` gets the list.
#[macro_export]
macro_rules! delays {
    ($with:ident) => {
        $with! {
            normal::Normal;
            uniform::Uniform;
            log_normal::LogNormal;
            linspace::Linspace;
            values::Values;
            distance::Distance;
        }
    };
}
