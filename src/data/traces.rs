//! Traces that a potential is to follow, from a `traces.npz` of a simulation.

use super::DataError;
use crate::files::{self, NpyError, NpyProblem};
use std::path::Path;

/// Traces.
#[derive(Debug, Clone, PartialEq)]
pub struct Traces {
    /// One for all neurons, or one for each.
    pub columns: usize,
    /// Potential after each step, [steps, columns] \[mV\].
    pub values: Vec<f64>,
}

impl Traces {
    /// Reads an array of a file for a window of `steps` of `dt` \[ms\] and so many neurons.
    ///
    /// # Errors
    /// The file is damaged or lacks the array; it is of another shape, or of other times.
    pub fn read(
        file: &Path,
        array: &str,
        [steps, neurons]: [usize; 2],
        dt: f64,
    ) -> Result<Self, DataError> {
        let fail = |why: String| DataError::Trace { file: file.to_owned(), why };
        let (shape, values) = reals(file, array).map_err(|e| fail(e.problem.to_string()))?;
        let [rows, columns] = match shape[..] {
            [rows] => [rows, 1],
            [rows, columns] => [rows, columns],
            _ => {
                return Err(fail(format!(
                    "`{array}` has {} dimensions; rows for steps and columns for neurons are needed",
                    shape.len()
                )));
            }
        };
        if rows != steps as u64 || ![1, neurons as u64].contains(&columns) {
            let columns_needed =
                if neurons == 1 { "1".to_owned() } else { format!("1 or {neurons}") };
            return Err(fail(format!(
                "`{array}` has {rows} rows and {columns} columns; a row for each of the {steps} steps of the training \
                 and {columns_needed} columns are needed"
            )));
        }
        if let Some(k) = values.iter().position(|v| !v.is_finite()) {
            return Err(fail(format!("element {k} of `{array}` is {}", values[k])));
        }
        // Who writes no times takes the step of the scene for granted.
        let times = match reals(file, "t_ms") {
            Err(NpyError { problem: NpyProblem::Missing(_), .. }) => None,
            times => Some(times.map_err(|e| fail(format!("`t_ms`: {}", e.problem)))?.1),
        };
        if let Some(times) = times {
            let is_of = |(k, t): (usize, &f64)| (t - (k + 1) as f64 * dt).abs() <= 1e-3 * dt;
            if times.len() != steps || !times.iter().enumerate().all(is_of) {
                return Err(fail(format!(
                    "its `t_ms` are not the ends of the steps, {dt} ms, {} ms, ...; record it with every step of \
                     the same simulation.dt",
                    2.0 * dt
                )));
            }
        }
        Ok(Self { columns: columns as usize, values })
    }
}

impl Traces {
    /// Mean over the traces of their variance \[mV²\].
    pub fn variance(&self) -> f64 {
        let steps = self.values.len() / self.columns;
        let variance = |k: usize| {
            let own = self.values.iter().skip(k).step_by(self.columns);
            let mean = own.clone().sum::<f64>() / steps as f64;
            own.map(|v| (v - mean).powi(2)).sum::<f64>() / steps as f64
        };
        (0..self.columns).map(variance).sum::<f64>() / self.columns as f64
    }
}

/// An array of floats of either size.
fn reals(file: &Path, array: &str) -> Result<(Vec<u64>, Vec<f64>), NpyError> {
    match files::read_array::<f64>(file, array) {
        Err(NpyError { problem: NpyProblem::Type { .. }, .. }) => {
            let (shape, values) = files::read_array::<f32>(file, array)?;
            Ok((shape, values.into_iter().map(f64::from).collect()))
        }
        read => read,
    }
}
