//! A current that goes up and down, one of the courses of [`super::current`].

use super::source::InputError;
use super::stimulus::{Course, Drive, Input, Making};
use crate::declare;
use crate::grammar::{Hz, Judge, Ms, Pa, Param, Quantity};
use crate::neuron::model::Drawn;
use std::f64::consts::TAU;

declare! {
    /// A current `amplitude sin(2 pi frequency (t - start) + phase)`.
    pub struct Sine: Word {
        /// Amplitude \[pA\].
        amplitude: Param<Pa>;
        /// Frequency \[Hz\].
        frequency: Quantity<Hz> [NotNegative];
        /// Phase at the start \[degrees\].
        phase: f64 = 0.0;
        /// Begin \[ms\].
        start: Quantity<Ms> [Moment] = 0.0;
        /// End \[ms\]; that of the simulation if absent.
        stop: Option<Quantity<Ms>> [Moment];
    }
}

/// A sine of amplitude 1.
#[derive(Debug)]
struct Wave {
    /// Radians of a step.
    turn: f64,
    /// Radians at the begin.
    phase: f64,
    /// The part of a step after which it is what counts.
    moment: f64,
}

impl Course for Wave {
    fn at(&self, step: u64, _: u64) -> f64 {
        (self.turn * (step as f64 + self.moment) + self.phase).sin()
    }
    fn script(&self) -> String {
        let Self { turn, phase, moment } = self;
        format!("Math.sin({turn} * (step + {moment}) + {phase})")
    }
}

impl Drive for Sine {
    fn check(&self, path: &str, dt: Option<f64>, judge: &mut dyn Judge) {
        if let Some(dt) = dt.filter(|dt| self.frequency.get() * dt > 500.0) {
            let message = format!(
                "a sine of {} Hz has less than two steps of {dt} ms in a period, and is another one",
                self.frequency.get()
            );
            judge.warn(format!("{path}.frequency"), message);
        }
    }
    fn span(&self) -> [Option<f64>; 2] {
        [Some(self.start.get()), self.stop.map(Quantity::get)]
    }
    fn make(&self, Making { dt, moment, .. }: Making, drawn: &Drawn) -> Result<Input, InputError> {
        let turn = TAU * self.frequency.get() * 1e-3 * dt;
        let wave = Wave { turn, phase: self.phase.to_radians(), moment };
        Ok(Input::current(wave, drawn.get("amplitude")))
    }
}
