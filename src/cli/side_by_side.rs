//! Finished runs side by side, those of a sweep and those that `report` is given: their numbers, and what differs.

use super::FileFault;
use super::metrics::numbers;
use super::pictures::epoch;
use super::resume::summary;
use crate::report::{Epoch, Runs};
use serde_json::Value;
use std::path::Path;

/// A finished run.
pub struct Finished {
    /// What it is called.
    pub name: String,
    /// Its report, from where it is told of.
    pub place: String,
    /// What it is told apart by: a value for each of some paths.
    pub chosen: Vec<String>,
    /// The numbers of its summary by their paths; lists, as epochs and confusion, are left out.
    pub numbers: Vec<(String, String)>,
    /// Its learning curve.
    epochs: Vec<Epoch>,
}

impl Finished {
    /// Reads the summary of a run.
    pub fn read(
        dir: &Path,
        (name, place): (String, String),
        chosen: Vec<String>,
    ) -> Result<Self, FileFault> {
        let mut summary = summary(dir)?;
        let epochs = serde_json::from_value(summary["training"]["epochs"].take());
        let epochs: Vec<crate::train::Epoch> = epochs.unwrap_or_default();
        drop_lists(&mut summary);
        let mut cells = Vec::new();
        numbers("", &summary, &mut cells);
        // Words are told by other means.
        cells.retain(|(_, cell)| cell.parse::<f64>().is_ok());
        let epochs = epochs.iter().map(epoch).collect();
        Ok(Self { name, place, chosen, numbers: cells, epochs })
    }

    /// A number as it is written, empty if there is none.
    pub fn cell(&self, path: &str) -> &str {
        self.numbers.iter().find(|(known, _)| known == path).map_or("", |(_, cell)| cell)
    }

    /// A number.
    pub fn number(&self, path: &str) -> Option<f64> {
        self.cell(path).parse().ok()
    }
}

fn drop_lists(value: &mut Value) {
    if let Value::Object(map) = value {
        map.retain(|_, value| !value.is_array());
        map.values_mut().for_each(drop_lists);
    }
}

/// The paths of all numbers, in the order in which they first appear.
pub fn columns(runs: &[Finished]) -> Vec<&str> {
    let mut columns: Vec<&str> = Vec::new();
    for (path, _) in runs.iter().flat_map(|run| &run.numbers) {
        if !columns.contains(&path.as_str()) {
            columns.push(path);
        }
    }
    columns
}

/// The numbers that are drawn of the runs: all results, if one of them says most, else what does.
pub fn drawn_numbers(runs: &[Finished]) -> Vec<&str> {
    let is_result = |path: &&str| path.starts_with("results.");
    match main_number(runs) {
        Some(main) if is_result(&main) => columns(runs).into_iter().filter(is_result).collect(),
        main => main.into_iter().collect(),
    }
}

/// The number that says most of the runs: the accuracy on the test set, else the first result by name, else the error of
/// what follows a trace, of numbers, or of tasks after ten steps, else the rate of the first population by name.
pub fn main_number(runs: &[Finished]) -> Option<&str> {
    let says: [fn(&str) -> bool; 6] = [
        |path| path == "training.test_accuracy",
        |path| path.starts_with("results."),
        |path| path == "training.fit.nmse",
        |path| path == "training.nmse",
        |path| path == "training.adaptation.mse_10",
        |path| path.starts_with("populations.") && path.ends_with(".rate_hz"),
    ];
    let columns = columns(runs);
    says.iter().find_map(|says| columns.iter().copied().find(|path| says(path)))
}

/// The runs as a report shows them: by what they are told apart, and with their results and the numbers that differ.
pub fn side_by_side(by: &[String], runs: &[Finished]) -> Runs {
    let differs = |path: &str| runs.iter().any(|run| run.cell(path) != runs[0].cell(path));
    let tells = |path: &&str| path.starts_with("results.") || differs(path);
    let telling: Vec<&str> = columns(runs).into_iter().filter(tells).collect();
    let row = |run: &Finished| {
        let numbers = telling.iter().map(|path| run.cell(path).to_owned());
        (run.name.clone(), run.place.clone(), run.chosen.iter().cloned().chain(numbers).collect())
    };
    Runs {
        columns: by.iter().cloned().chain(telling.iter().map(|path| (*path).to_owned())).collect(),
        rows: runs.iter().map(row).collect(),
        curves: curves(runs, 1),
        responses: Vec::new(),
    }
}

/// The learning curves of the runs that have at least so many epochs.
pub fn curves(runs: &[Finished], least: usize) -> Vec<(String, Vec<Epoch>)> {
    let long = runs.iter().filter(|run| run.epochs.len() >= least);
    long.map(|run| (run.name.clone(), run.epochs.clone())).collect()
}

/// Mean and, of several numbers, standard deviation of what they are a sample of.
pub fn spread(numbers: &[f64]) -> (f64, Option<f64>) {
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    let squares: f64 = numbers.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, (n > 1.0).then(|| (squares / (n - 1.0)).sqrt()))
}

/// The mean over seeds, to tell.
pub fn mean(numbers: &[f64]) -> String {
    let (mean, deviation) = spread(numbers);
    let deviation = deviation.map_or(String::new(), |deviation| {
        format!(" ± {} ({} seeds)", short(deviation), numbers.len())
    });
    format!("{}{deviation}", short(mean))
}

/// A number for a table.
pub fn short(x: f64) -> String {
    match x.abs() {
        0.0 | 1e-3..1e6 => format!("{x:.4}"),
        _ => format!("{x:.3e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_that_of_a_sample() {
        assert_eq!(spread(&[1.0, 3.0]), (2.0, Some(2f64.sqrt())));
        assert_eq!(spread(&[5.0]), (5.0, None));
        assert_eq!(
            (mean(&[1.0, 3.0]), mean(&[5.0])),
            ("2.0000 ± 1.4142 (2 seeds)".into(), "5.0000".into())
        );
    }
}
