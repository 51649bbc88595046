//! A current that is given, one of the courses of [`super::current`].

use super::source::InputError;
use super::stimulus::{Course, Drive, Input, Making};
use crate::declare;
use crate::files;
use crate::grammar::{Judge, Ms, One, Pa, Param, Quantity};
use crate::neuron::model::Drawn;
use std::path::PathBuf;

declare! {
    /// A current that is given: one number for each interval, held until the next; none before and after.
    pub struct Table: Word {
        /// Currents \[pA\]; give these or `file`.
        values: Vec<Quantity<Pa>> = vec![];
        /// A `.npy` file of them.
        file: Option<PathBuf>;
        /// Interval \[ms\].
        every: Quantity<Ms> [Duration];
        /// Factor on them.
        scale: Param<One> = 1.0;
        /// Begin \[ms\].
        start: Quantity<Ms> [Moment] = 0.0;
    }
}

/// Given numbers.
#[derive(Debug)]
struct Levels {
    /// The numbers.
    values: Vec<f64>,
    /// Steps for which each holds.
    every: u64,
}

impl Course for Levels {
    fn at(&self, step: u64, _: u64) -> f64 {
        self.values.get((step / self.every) as usize).copied().unwrap_or_default()
    }
    fn script(&self) -> String {
        format!("{:?}[Math.floor(step / {})] ?? 0", self.values, self.every)
    }
    fn length(&self) -> Option<u64> {
        Some(self.every.saturating_mul(self.values.len() as u64))
    }
}

impl Drive for Table {
    fn check(&self, path: &str, _: Option<f64>, judge: &mut dyn Judge) {
        if self.values.is_empty() == self.file.is_none() {
            let message = "a current that is given has either `values` or a `file`";
            judge.fault_with_help(path, message, "give one of them");
        }
    }
    fn span(&self) -> [Option<f64>; 2] {
        [Some(self.start.get()), None]
    }
    fn make(&self, Making { dt, .. }: Making, drawn: &Drawn) -> Result<Input, InputError> {
        let values = match &self.file {
            Some(file) => files::NpyReader::open(file)?.numbers()?,
            None => self.values.iter().map(|value| value.get()).collect(),
        };
        let every = ((self.every.get() / dt).round() as u64).max(1);
        Ok(Input::current(Levels { values, every }, drawn.get("scale")))
    }
}
