//! A constant current for some time, one of the courses of [`super::current`].

use super::ramp::Line;
use super::source::InputError;
use super::stimulus::{Drive, Input, Making};
use crate::declare;
use crate::grammar::{Ms, Pa, Param, Quantity};
use crate::neuron::model::Drawn;

declare! {
    /// A constant current for some time.
    pub struct Step: Word {
        /// Current \[pA\].
        amplitude: Param<Pa>;
        /// Begin \[ms\].
        start: Quantity<Ms> [Moment];
        /// End \[ms\]; that of the simulation if absent.
        stop: Option<Quantity<Ms>> [Moment];
    }
}

impl Drive for Step {
    fn span(&self) -> [Option<f64>; 2] {
        [Some(self.start.get()), self.stop.map(Quantity::get)]
    }
    fn make(&self, making: Making, drawn: &Drawn) -> Result<Input, InputError> {
        let constant = |level: f64| Line { from: level, to: level, moment: 0.5 };
        Ok(match self.amplitude.shared() {
            // A current that all neurons share is added up by the host.
            Some(level) if making.all => Input::current(constant(level), &[1.0]),
            _ => Input::current(constant(1.0), drawn.get("amplitude")),
        })
    }
}
