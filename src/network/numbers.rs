//! Numbers of neurons that are trained: from what gradients change to what kernels read.
//!
//! A trained number p is a function of x, which is free of bounds and scale:
//! ```text
//!   between bounds      p = low + (high - low) / (1 + e^-x)
//!   above 0             p = p_0 e^x
//!   else                p = p_0 + |p_0| x          p = x where p_0 is 0
//! ```
//! Kernels read what follows from p, such as e^(-dt / tau): numbers of each neuron and of its receptors. As all
//! factors they come from f64 on the host, which makes the model anew after each update. The slope of what is read by
//! x is a central difference of that; with a step of 1e-5 its error is 1e-10 of the number, from rounding and
//! curvature alike.

use super::NetworkError;
use crate::grammar::{Rule, Value};
use crate::neuron::model::{Drawn, Neuron, Refused, at};
use crate::neuron::stepped::{Stepped, receptor_numbers, with_receptors};
use crate::scene::{Model, Trained};
use std::sync::Arc;

/// Step of the central differences.
const STEP: f64 = 1e-5;

/// The trained numbers of a population.
#[derive(Debug, Clone)]
pub struct Numbers {
    model: Model,
    drawn: Drawn,
    dt: f64,
    /// Whether each neuron has numbers of its own of receptors, which are then in `cell`.
    pub own_receptors: bool,
    /// The numbers.
    pub each: Vec<Number>,
}

/// A trained number.
#[derive(Debug, Clone)]
pub struct Number {
    /// Path within the model.
    pub name: String,
    /// Whether all neurons share it.
    pub shared: bool,
    /// Its values at the start: one that is shared, or one of each neuron.
    pub start: Vec<f64>,
    way: Way,
}

/// How a number follows from x.
#[derive(Debug, Clone, Copy)]
enum Way {
    Bounded { low: f64, high: f64 },
    Factor,
    Shift,
}

/// What kernels read of the neurons, and its slopes.
#[derive(Debug)]
pub struct Made {
    /// Numbers of each neuron, in the order of the array `cell`.
    pub cells: Vec<Vec<f64>>,
    /// Numbers of the receptors, those of the first neuron if each has its own, then those of the table.
    pub receptor: Vec<f64>,
    /// For each trained number, by the numbers of a neuron and behind them those of the receptors, for each neuron: the
    /// slope by x.
    pub slopes: Vec<Vec<Vec<f64>>>,
}

impl Number {
    /// The number at x of neuron `k`.
    pub fn at(&self, k: usize, x: f64) -> f64 {
        let start = *at(&self.start, k);
        match self.way {
            Way::Bounded { low, high } => low + (high - low) / (1.0 + (-x).exp()),
            Way::Factor => start * x.exp(),
            Way::Shift if start == 0.0 => x,
            Way::Shift => start + start.abs() * x,
        }
    }

    /// The numbers at some x.
    pub fn values(&self, x: &[f64]) -> Vec<f64> {
        x.iter().enumerate().map(|(k, x)| self.at(k, *x)).collect()
    }

    /// x at the start.
    pub fn origin(&self) -> Vec<f64> {
        let x = |p: &f64| match self.way {
            Way::Bounded { low, high } => ((p - low) / (high - p)).ln(),
            Way::Factor | Way::Shift => 0.0,
        };
        self.start.iter().map(x).collect()
    }
}

impl Numbers {
    /// Those that a scene wants trained, of drawn neurons; none if there are none.
    ///
    /// # Errors
    /// There is no such number, it does not act smoothly, or it starts beyond its bounds.
    pub(super) fn new(
        wanted: &[Trained],
        model: &Model,
        drawn: &Drawn,
        dt: f64,
    ) -> Result<Option<Self>, NetworkError> {
        let mut numbers = Self {
            model: model.clone(),
            drawn: drawn.clone(),
            dt,
            own_receptors: false,
            each: vec![],
        };
        let path = drawn.path.replace(".model", ".train");
        for (k, trained) in wanted.iter().enumerate().filter(|(_, t)| t.name() != CURRENT) {
            let fail = |why: String| NetworkError::Train { path: format!("{path}.{k}"), why };
            let name = trained.name();
            let Some(values) = drawn.find(name).filter(|_| numbers.acts(name)) else {
                if drawn.find(name).is_none()
                    && Model::kind().fields().iter().any(|f| f.name == name)
                {
                    return Err(fail(format!(
                        "the model does not give `{name}`; give it a value to begin with"
                    )));
                }
                return Err(fail(format!(
                    "`{name}` is no number that can be trained; there are {}",
                    numbers.trainable().join(", ")
                )));
            };
            let mut start = match (trained.is_shared(), values) {
                (false, [value]) => vec![*value; drawn.size],
                (false, values) => values.to_vec(),
                (true, values) if values.iter().all(|value| *value == values[0]) => vec![values[0]],
                (true, _) => {
                    return Err(fail(format!(
                        "the neurons are to share `{name}`, but begin with values of their own"
                    )));
                }
            };
            let rule = drawn.rule(name);
            let way = match trained {
                &Trained::Bounded { low, high, .. } => {
                    if let Some(why) = rule.broken(low).or(rule.broken(high)) {
                        return Err(fail(format!("a bound of `{name}`, {low} or {high}, {why}")));
                    }
                    if let Some(k) = start.iter().position(|p| !(low..=high).contains(p)) {
                        let why = format!("which is not between its bounds, {low} and {high}");
                        return Err(drawn.refused(name, k, start[k], why).into());
                    }
                    // What an earlier training moved onto a bound could not leave it.
                    let inside = 1e-6 * (high - low);
                    start.iter_mut().for_each(|p| *p = p.clamp(low + inside, high - inside));
                    Way::Bounded { low, high }
                }
                _ if matches!(rule, Rule::Positive | Rule::NotNegative) => {
                    if let Some(k) = start.iter().position(|p| *p == 0.0) {
                        let why = "from which no factor moves it; use `Bounded`, or begin above 0";
                        return Err(drawn.refused(name, k, start[k], why).into());
                    }
                    Way::Factor
                }
                _ => Way::Shift,
            };
            let (name, shared) = (name.to_owned(), trained.is_shared());
            numbers.each.push(Number { name, shared, start, way });
        }
        if numbers.each.is_empty() {
            return Ok(None);
        }
        let start: Vec<_> = numbers.each.iter().map(Number::origin).collect();
        let own_receptors = numbers.with(&numbers.named(&start))?.own_receptors();
        let numbers = Self { own_receptors, ..numbers };
        numbers.made(&start)?;
        Ok(Some(numbers))
    }

    fn neuron(&self) -> &dyn Neuron {
        self.model.neuron().expect("a checked scene trains numbers of neurons")
    }

    fn with(&self, changed: &[(&str, Vec<f64>)]) -> Result<Arc<dyn Stepped>, Refused> {
        let mut drawn = self.drawn.clone();
        for (name, values) in &mut drawn.values {
            if let Some((_, new)) = changed.iter().find(|(changed, _)| changed == name) {
                values.clone_from(new);
            }
        }
        self.neuron().make(self.dt, &drawn)
    }

    /// Whether a number acts smoothly on what kernels read of neurons and receptors, and nothing else follows from it:
    /// neither the potential from which neurons are measured, nor where they start, nor which form the model takes.
    fn acts(&self, name: &str) -> bool {
        let Some(values) = self.drawn.find(name) else { return false };
        let moved = |step: f64| {
            let values = values.iter().map(|p| if *p == 0.0 { step } else { p * (1.0 + step) });
            self.with(&[(name, values.collect())]).ok()
        };
        // What is rounded, as to steps, moves at once or not at all.
        let [Some(was), Some(half), Some(is)] = [0.0, STEP / 2.0, STEP].map(moved) else {
            return false;
        };
        if self.read(&*half) == self.read(&*was) || self.read(&*half) == self.read(&*is) {
            return false;
        }
        let others = |neurons: &dyn Stepped| {
            let ends = [0, self.drawn.size - 1];
            let of_each = ends.map(|k| (neurons.start(k), neurons.rest(k)));
            (of_each, neurons.table(), neurons.params(), neurons.trained().currents)
        };
        others(&*was) == others(&*is)
    }

    /// Names of the numbers that can be trained.
    fn trainable(&self) -> Vec<String> {
        let names = self.drawn.values.iter().map(|(name, _)| name.as_str());
        let known = names.filter(|name| *name == CURRENT || self.acts(name));
        known.map(|name| format!("`{name}`")).collect()
    }

    /// The numbers at some x of each, by name.
    fn named(&self, x: &[Vec<f64>]) -> Vec<(&str, Vec<f64>)> {
        self.each.iter().zip(x).map(|(n, x)| (n.name.as_str(), n.values(x))).collect()
    }

    /// What kernels read at some x of each number.
    ///
    /// # Errors
    /// Values that do not go together.
    pub fn made(&self, x: &[Vec<f64>]) -> Result<Made, Refused> {
        let named = self.named(x);
        let neurons = self.with(&named)?;
        let slopes = |(which, x): (usize, &Vec<f64>)| {
            let moved = |step: f64| {
                let number = &self.each[which];
                let mut named = named.clone();
                named[which].1 = number.values(&x.iter().map(|x| x + step).collect::<Vec<_>>());
                Ok(self.read(&*self.with(&named)?))
            };
            let (before, after) = (moved(-STEP)?, moved(STEP)?);
            let slope = |row: usize, k: usize| (after[k][row] - before[k][row]) / (2.0 * STEP);
            let neurons = 0..self.drawn.size;
            let rows = 0..before[0].len();
            Ok(rows.map(|row| neurons.clone().map(|k| slope(row, k)).collect()).collect())
        };
        Ok(Made {
            cells: match self.own_receptors {
                true => self.read(&*neurons),
                false => neurons.cells(),
            },
            receptor: [self.ports(&*neurons, 0), neurons.table()].concat(),
            slopes: x.iter().enumerate().map(slopes).collect::<Result<_, Refused>>()?,
        })
    }

    /// What is read of each neuron: its numbers, then those of the receptors.
    fn read(&self, neurons: &dyn Stepped) -> Vec<Vec<f64>> {
        with_receptors(&neurons.cells(), self.drawn.size, |k| self.ports(neurons, k))
    }

    /// Numbers of the receptors of a neuron.
    fn ports(&self, neurons: &dyn Stepped, neuron: usize) -> Vec<f64> {
        receptor_numbers(neurons, neuron, self.dt, |_| 1.0)
    }
}

/// The constant current, which has an array of its own: see [`super::Population::learns_current`].
pub const CURRENT: &str = "i_e";

#[cfg(test)]
mod tests;
