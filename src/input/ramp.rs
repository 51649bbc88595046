//! A current that changes linearly, one of the courses of [`super::current`].

use super::source::InputError;
use super::stimulus::{Course, Drive, Input, Making};
use crate::declare;
use crate::grammar::{Ms, Pa, Quantity};
use crate::neuron::model::Drawn;

declare! {
    /// A current that changes linearly.
    pub struct Ramp: Word {
        /// Current at the begin \[pA\].
        from: Quantity<Pa>;
        /// Current at the end \[pA\].
        to: Quantity<Pa>;
        /// Begin \[ms\].
        start: Quantity<Ms> [Moment];
        /// End \[ms\].
        stop: Quantity<Ms> [Moment];
    }
}

/// From one level to another.
#[derive(Debug)]
pub(super) struct Line {
    /// At the begin.
    pub from: f64,
    /// At the end.
    pub to: f64,
    /// The part of a step after which it is what counts.
    pub moment: f64,
}

impl Course for Line {
    fn at(&self, step: u64, length: u64) -> f64 {
        self.from + (self.to - self.from) * ((step as f64 + self.moment) / length as f64)
    }
    fn script(&self) -> String {
        let Self { from, to, moment } = self;
        format!("{from} + ({to} - {from}) * ((step + {moment}) / length)")
    }
}

impl Drive for Ramp {
    fn span(&self) -> [Option<f64>; 2] {
        [Some(self.start.get()), Some(self.stop.get())]
    }
    fn make(&self, Making { moment, .. }: Making, _: &Drawn) -> Result<Input, InputError> {
        Ok(Input::current(Line { from: self.from.get(), to: self.to.get(), moment }, &[1.0]))
    }
}
