//! Rules of a scene that its types cannot express.
//!
//! Every rule is applied, whatever the others found, so that one reading of the faults mends the
//! whole scene. A fault names the path of the value it is about; [`super::load`] finds its place.

mod learning;
mod neurons;
mod projections;
mod training;

use super::text::closest;
use super::trains::{OnGrid, moved, not_poisson};
use super::{
    Channel, Common, Connect, Delay, Dimension, DistanceKernel, Effect, Encoder, Gate, Hh, Input,
    Learn, Lif, Loss, Model, Modulator, Ms, Mv, Ns, One, Optimizer, Param, Parameters, Pf,
    Population, Positions, Projection, Quantity, Rate, Readout, Receptor, Record, Release, Rewire,
    Rule, Scene, Schedule, Spikes, Stimulus, Surrogate, Training, Um, Weight, receptors_of,
};
use std::collections::HashSet;

/// A value that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where in the scene, as `populations.exc.size`.
    pub path: String,
    /// The value and the rule.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// Something that is allowed, but may not be what was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where in the scene.
    pub path: String,
    /// What happens.
    pub message: String,
}

/// Applies every rule to a scene.
pub fn check(scene: &Scene) -> (Vec<Fault>, Vec<Warning>) {
    let mut checker = Checker { scene, faults: Vec::new(), warnings: Vec::new() };
    checker.scene();
    (checker.faults, checker.warnings)
}

/// The scene under examination and what was found so far.
struct Checker<'s> {
    scene: &'s Scene,
    faults: Vec<Fault>,
    warnings: Vec<Warning>,
}

impl<'s> Checker<'s> {
    fn scene(&mut self) {
        let scene = self.scene;
        if scene.version != 1 {
            let message =
                format!("version {} is not known, this program reads version 1", scene.version);
            self.fault("version", message);
        }
        self.simulation();
        for (name, population) in &scene.populations {
            self.population(name, population);
        }
        let neurons: u128 = scene.populations.iter().map(|(_, p)| u128::from(p.size)).sum();
        if neurons > u128::from(u32::MAX)
            && scene.populations.iter().all(|(_, p)| p.size <= u64::from(u32::MAX))
        {
            self.fault(
                "populations",
                format!("{neurons} neurons in all are more than {}", u32::MAX),
            );
        }
        let mut names = HashSet::new();
        for (i, projection) in scene.projections.iter().enumerate() {
            let path = format!("projections.{i}");
            self.projection(&path, projection);
            let name = projection.name();
            if names.contains(&name) {
                let message = format!("there are two projections with the name `{name}`");
                self.fault_with_help(
                    format!("{path}.name"),
                    message,
                    "give each a `name` of its own",
                );
            }
            names.insert(name);
        }
        for (i, stimulus) in scene.stimuli.iter().enumerate() {
            self.stimulus(&format!("stimuli.{i}"), stimulus);
        }
        for (name, modulator) in &scene.modulators {
            self.modulator(name, modulator);
        }
        match &scene.training {
            Some(training) => self.training(training),
            None => self.no_training(),
        }
        self.record(&scene.record);
        self.recorded_weights(&scene.record);
    }

    fn simulation(&mut self) {
        let simulation = &self.scene.simulation;
        if self.dt().is_none() {
            let message =
                format!("{} ms is not a time step above 0 and up to 100 ms", simulation.dt.get());
            self.fault("simulation.dt", message);
        }
        if let Some(duration) = simulation.duration {
            self.positive("simulation.duration", duration.get());
            self.whole_steps("simulation.duration", duration.get());
        }
    }

    /// The time step, if it is a sound one for others to be judged by.
    fn dt(&self) -> Option<f64> {
        Some(self.scene.simulation.dt.get()).filter(|dt| is_positive(*dt) && *dt <= 100.0)
    }

    fn record(&mut self, record: &Record) {
        if let Some(start) = record.start.map(Quantity::get) {
            self.not_negative("record.start", start);
            self.moment("record.start", start);
            if let Some(duration) = self.scene.simulation.duration.map(Quantity::get)
                && start >= duration
            {
                let message =
                    format!("nothing counts: {start} ms is not before the end, {duration} ms");
                self.fault("record.start", message);
            }
        }
        if self.scene.training.is_some() && *record != Record::default() {
            let message = "`record` is of simulations, and a training writes nothing of it";
            self.warn("record", message);
        }
        for (i, name) in record.spikes.iter().enumerate() {
            let path = format!("record.spikes.{i}");
            if let Some(Population { model: Model::Readout(_), .. }) = self.known(&path, name) {
                self.fault(path, format!("`{name}` is a readout, which does not spike"));
            }
        }
        let mut recorded = HashSet::new();
        for (i, trace) in record.traces.iter().enumerate() {
            let path = format!("record.traces.{i}");
            let potential = ["v".to_owned()];
            let variables = match &trace.variables[..] {
                [] => &potential[..],
                named => named,
            };
            for variable in variables {
                let name = format!("{}.{variable}", trace.population);
                if !recorded.insert(name.clone()) {
                    let message = format!("`{name}` is recorded twice, and would be one array");
                    let help = "list its neurons in one trace";
                    self.fault_with_help(path.clone(), message, help);
                }
            }
            if let Some(every) = trace.every {
                self.interval(&format!("{path}.every"), every);
            }
            let Some(population) = self.known(&format!("{path}.population"), &trace.population)
            else {
                continue;
            };
            if matches!(population.model, Model::Poisson(_) | Model::Images(_) | Model::Spikes(_)) {
                let message =
                    format!("`{}` is a source, which has no membrane potential", trace.population);
                self.fault(format!("{path}.population"), message);
            }
            for (j, id) in trace
                .ids
                .iter()
                .flatten()
                .enumerate()
                .filter(|(_, id)| population.size > 0 && **id >= population.size)
            {
                let message = format!(
                    "there is no neuron {id} among {}, they are counted from 0",
                    population.size
                );
                self.fault(format!("{path}.ids.{j}"), message);
            }
        }
    }

    /// An interval at which something is done.
    fn interval(&mut self, path: &str, every: Quantity<Ms>) {
        let every = every.get();
        self.positive(path, every);
        self.whole_steps(path, every);
        let (Some(dt), Some(length)) = (self.dt(), self.length()) else { return };
        if every > length {
            self.warn(
                path,
                format!("it never comes: {every} ms are longer than the run, {length} ms"),
            );
        }
        if (every / dt).min(length / dt) > f64::from(u32::MAX) && !path.starts_with("record.") {
            let message =
                format!("an interval of {} steps; at most {} are counted", every / dt, u32::MAX);
            self.fault_with_help(path, message, "shorten it, or raise `simulation.dt`");
        }
    }

    /// How long a network runs, for each sample where there are samples \[ms\].
    fn length(&self) -> Option<f64> {
        let simulation = &self.scene.simulation;
        match &self.scene.training {
            Some(training) => Some(training.steps as f64 * simulation.dt.get()),
            None => simulation.duration.map(Quantity::get),
        }
    }

    fn recorded_weights(&mut self, record: &Record) {
        let scene = self.scene;
        for (i, trace) in record.weights.iter().enumerate() {
            let path = format!("record.weights.{i}");
            if let Some(every) = trace.every {
                self.interval(&format!("{path}.every"), every);
            }
            let path = format!("{path}.projection");
            if let Some(p) = self.known_projection(&path, &trace.projection)
                && p.learn.as_ref().and_then(Learn::common).is_none()
            {
                let message = format!("the weights of `{}` do not change", trace.projection);
                self.fault_with_help(path, message, "add a rule as its `learn`");
            }
        }
        if let Some(every) = record.modulators {
            self.interval("record.modulators", every);
            if scene.modulators.is_empty() {
                self.fault("record.modulators", "there are no modulators to record");
            }
        }
    }

    /// The population of that name, if there is one.
    fn population_named(&self, name: &str) -> Option<&'s Population> {
        let named = self.scene.populations.iter().find(|(known, _)| known == name);
        named.map(|(_, population)| population)
    }

    /// The population of that name, which must exist.
    fn known(&mut self, path: &str, name: &str) -> Option<&'s Population> {
        let found = self.population_named(name);
        if found.is_none() {
            let names = || self.scene.populations.iter().map(|(known, _)| known.as_str());
            let help = match closest(name, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the populations are {}", names().collect::<Vec<_>>().join(", ")),
            };
            self.fault_with_help(path, format!("there is no population `{name}`"), help);
        }
        found
    }

    /// The shape of a distribution, and the lowest value that it can give.
    fn bound<D: Dimension>(
        &mut self,
        path: &str,
        param: &Param<D>,
        rule: fn(f64) -> Option<&'static str>,
    ) {
        self.distribution(path, param);
        let lowest = bounds(param).map(|(low, _)| low);
        if let Some((value, rule)) = lowest.and_then(|low| Some((low, rule(low)?))) {
            self.fault(path, format!("{value} {} {rule}", D::UNITS[0].0));
        }
    }

    fn distribution<D: Dimension>(&mut self, path: &str, param: &Param<D>) {
        match *param {
            Param::Normal { std, .. } => self.not_negative(&format!("{path}.std"), std.get()),
            Param::Uniform { low, high } => self.ordered(path, low, high),
            Param::Power { exponent, .. } => self.positive(&format!("{path}.exponent"), exponent),
            Param::Value(_) | Param::File(_) => {}
        }
    }

    fn ordered<D: Dimension>(&mut self, path: &str, low: Quantity<D>, high: Quantity<D>) {
        if low.get() > high.get() {
            let message =
                format!("the lower bound, {}, is above the upper bound, {}", low.get(), high.get());
            self.fault(format!("{path}.low"), message);
        }
    }

    /// A length of time that the simulation rounds to steps.
    fn whole_steps(&mut self, path: &str, time: f64) {
        let Some(dt) = self.dt().filter(|_| is_positive(time)) else {
            return;
        };
        if (time / dt).round() == 0.0 {
            let message = format!(
                "{time} ms is less than half a step of {dt} ms, and would be rounded to none"
            );
            self.fault_with_help(path, message, "raise it or lower `simulation.dt`");
        } else {
            self.moment(path, time);
        }
    }

    /// A moment, or a length of time that may be none, which the simulation rounds to steps.
    fn moment(&mut self, path: &str, time: f64) {
        let Some(dt) = self.dt().filter(|_| is_positive(time)) else {
            return;
        };
        if let Some(used) = moved(time, dt) {
            self.warn(
                path,
                format!("{time} ms is not a multiple of dt = {dt} ms, {used} ms is used"),
            );
        }
    }

    fn positive(&mut self, path: &str, value: f64) {
        self.rule(path, value, positive);
    }

    fn not_negative(&mut self, path: &str, value: f64) {
        self.rule(path, value, not_negative);
    }

    fn finite(&mut self, path: &str, value: f64) {
        self.rule(path, value, |value| (!is_finite(value)).then_some("is not a finite number"));
    }

    fn fraction(&mut self, path: &str, value: f64) {
        self.rule(path, value, |value| {
            (!(0.0..=1.0).contains(&value)).then_some("is not from 0 to 1")
        });
    }

    fn below_one(&mut self, path: &str, value: f64) {
        self.rule(path, value, |value| {
            (!(0.0..1.0).contains(&value)).then_some("is not from 0 to below 1")
        });
    }

    fn rule(&mut self, path: &str, value: f64, rule: impl Fn(f64) -> Option<&'static str>) {
        if let Some(broken) = rule(value) {
            self.fault(path, format!("{value} {broken}"));
        }
    }

    fn fault(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.faults.push(Fault { path: path.into(), message: message.into(), help: None });
    }

    fn fault_with_help(
        &mut self,
        path: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.faults.push(Fault {
            path: path.into(),
            message: message.into(),
            help: Some(help.into()),
        });
    }

    fn warn(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.warnings.push(Warning { path: path.into(), message: message.into() });
    }
}

/// Receptors of a population.
const MOST_RECEPTORS: usize = crate::neuron::receptor::MOST;

/// Relative difference below which lengths count as equal.
const TOLERANCE: f64 = 1e-6;

/// Whether space may have so many dimensions.
fn is_dimension(count: &usize) -> bool {
    (2..=3).contains(count)
}

/// Whether single precision, in which the simulation computes, holds the value.
fn is_finite(value: f64) -> bool {
    (value as f32).is_finite()
}

/// Whether the value is above zero in single precision, too.
fn is_positive(value: f64) -> bool {
    is_finite(value) && value as f32 > 0.0
}

fn positive(value: f64) -> Option<&'static str> {
    (!is_positive(value)).then_some("is not strictly positive")
}

fn not_negative(value: f64) -> Option<&'static str> {
    (!is_finite(value) || value < 0.0).then_some("is negative, 0 is the least")
}

/// Lowest and highest value that a parameter can take, where that is known before the draw.
fn bounds<D: Dimension>(param: &Param<D>) -> Option<(f64, f64)> {
    match *param {
        Param::Value(value) => Some((value.get(), value.get())),
        Param::Uniform { low, high } => Some((low.get(), high.get())),
        Param::Power { base, scale, .. } => {
            let (a, b) = (base.get(), base.get() + scale.get());
            Some((a.min(b), a.max(b)))
        }
        Param::Normal { .. } | Param::File(_) => None,
    }
}

/// `[A-Za-z_][A-Za-z0-9_.-]{0,63}`.
fn is_name(name: &str) -> bool {
    let rest = name.strip_prefix(|c: char| c.is_ascii_alphabetic() || c == '_');
    rest.is_some_and(|rest| {
        rest.len() <= 63 && rest.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
    })
}

/// Names of projections may also hold the arrow of `from->to`, with both names at full length.
fn is_projection_name(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_.->".contains(c);
    (1..=160).contains(&name.len()) && name.chars().all(is_part)
}
