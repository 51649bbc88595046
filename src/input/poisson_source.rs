//! Sources that spike by themselves: independent Poisson trains, drawn by [`super::poisson_alike`] where all have the same
//! rate, else by [`super::poisson`].

use super::poisson::check_rate;
use super::source::{Emit, InputError, Making, Sends, Setting};
use super::trains::not_poisson;
use crate::declare;
use crate::grammar::{Hz, Judge, Param};
use crate::neuron::model::{Drawn, at};

declare! {
    /// Independent Poisson spike trains, one draw in each step: above 0.1 spikes per step they are too regular, and
    /// a warning says so.
    pub struct Poisson {
        /// Rate of each source \[Hz\].
        rate: Param<Hz> [NotNegative];
    }
}

/// Judges the rate \[Hz\] of sources that are to be Poisson processes. Pixels, which are drawn once in a step by design,
/// as rate coding has it, are not.
pub fn check_process(path: &str, rate: f64, dt: Option<f64>, judge: &mut dyn Judge) {
    let Some(dt) = dt else { return };
    check_rate(path, rate, dt, judge);
    if rate * dt <= 1000.0
        && let Some(message) = not_poisson(rate, dt)
    {
        judge.warn(path, message);
    }
}

impl Emit for Poisson {
    fn check(&self, path: &str, setting: &Setting, judge: &mut dyn Judge) {
        if let Some((_, rate)) = self.rate.bounds().filter(|(_, rate)| rate.is_finite()) {
            check_process(&format!("{path}.rate"), rate, setting.dt, judge);
        }
    }
    fn make(
        &self,
        Making { dt, .. }: Making,
        drawn: &Drawn,
        warn: &mut dyn FnMut(String, String),
    ) -> Result<Sends, InputError> {
        let rate = drawn.get("rate");
        let per_step: Vec<f64> = rate.iter().map(|r| r * 1e-3 * dt).collect();
        if let Some(neuron) = per_step.iter().position(|p| *p > 1.0) {
            let why = "but a source spikes at most once per step: lower the rate or dt";
            return Err(drawn.refused("rate", neuron, *at(rate, neuron), why).into());
        }
        // Of rates that are known before they are drawn the check of the scene has told.
        if self.rate.bounds().is_none_or(|(_, highest)| highest.is_infinite()) {
            let highest = rate.iter().copied().fold(0.0, f64::max);
            if let Some(message) = not_poisson(highest, dt) {
                warn(format!("{}.rate", drawn.path), message);
            }
        }
        Ok(Sends::Poisson(per_step))
    }
}
