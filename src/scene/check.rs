//! Rules of a scene that its types cannot express: those that declarations give each field, and those that
//! join several.
//!
//! Every rule is applied, whatever the others found, so that one reading of the faults mends the
//! whole scene. A fault names the path of the value it is about; [`super::load`] finds its place.

mod attention;
mod data;
mod eprop;
mod learning;
mod measures;
mod neurons;
mod pacing;
mod projections;
mod spike_times;
mod stages;
mod training;

use super::{
    Common, Connect, Data, Delay, Effect, Images, Input, Learn, Loss, Metric, Model, Modulator, Ms,
    One, Param, Pool, Population, Positions, Projection, Quantity, Receptor, Record, Release,
    Rewire, Scene, Stimulus, Training, receptors_of,
};
use crate::grammar::{At, Judge, Rule, Value, Visitor, closest, is_name};
use crate::input::trains::moved_to;
use crate::network::bounded::check_ordered;
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
    let mut checker =
        Checker { scene, size: None, counted: "neurons", faults: Vec::new(), warnings: Vec::new() };
    checker.scene();
    (checker.faults, checker.warnings)
}

/// The scene under examination and what was found so far.
struct Checker<'s> {
    scene: &'s Scene,
    /// Neurons of the population whose numbers are looked at, and what they are called.
    size: Option<u64>,
    counted: &'static str,
    faults: Vec<Fault>,
    warnings: Vec<Warning>,
}

impl<'s> Checker<'s> {
    fn scene(&mut self) {
        let scene = self.scene;
        self.models();
        if !self.faults.is_empty() {
            // Every population that is like one of them would say the same.
            return;
        }
        self.fields();
        if scene.version != 1 {
            let message =
                format!("version {} is not known, this program reads version 1", scene.version);
            self.fault("version", message);
        }
        self.simulation();
        for (name, population) in &scene.populations {
            self.population(name, population);
            self.trained_numbers(&format!("populations.{name}"), population);
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
        self.learned("reinit", &scene.reinit);
        if scene.initial.is_none() && !scene.reinit.is_empty() {
            let help = "give `initial`; a stage that has `from` has a `reinit` too";
            self.fault_with_help("reinit", "there is no `initial` to leave anything out of", help);
        }
        self.stages();
        self.record(&scene.record);
        self.recorded_weights(&scene.record);
        self.measures();
    }

    /// Models that populations are like.
    fn models(&mut self) {
        let scene = self.scene;
        for (name, model) in &scene.models {
            let path = format!("models.{name}");
            if !is_name(name) {
                self.fault(&path, format!("`{}` is not a name", name.escape_default()));
            }
            model.visit(&At::new(&path), Rule::Any, self);
            if let Some(neuron) = model.neuron() {
                self.receptors(&path, &neuron.receptors());
                neuron.check(&path, self);
            }
        }
    }

    /// What declarations ask of each field.
    fn fields(&mut self) {
        let scene = self.scene;
        let root = At::new("");
        scene.simulation.visit(&root.field("simulation"), Rule::Any, self);
        for (name, population) in &scene.populations {
            self.size = Some(population.size);
            population.visit(&root.field("populations").field(name), Rule::Any, self);
        }
        self.size = None;
        scene.projections.visit(&root.field("projections"), Rule::Any, self);
        for (index, stimulus) in scene.stimuli.iter().enumerate() {
            let all = self.population_named(&stimulus.to).map(|population| population.size);
            self.size = stimulus.ids.as_ref().map_or(all, |ids| Some(ids.len() as u64));
            self.counted = if stimulus.ids.is_some() { "neurons in `ids`" } else { "neurons" };
            stimulus.visit(&root.field("stimuli").index(index), Rule::Any, self);
        }
        (self.size, self.counted) = (None, "neurons");
        scene.modulators.visit(&root.field("modulators"), Rule::Any, self);
        scene.training.visit(&root.field("training"), Rule::Any, self);
        scene.record.visit(&root.field("record"), Rule::Any, self);
        scene.measures.visit(&root.field("measures"), Rule::Any, self);
    }

    fn simulation(&mut self) {
        let simulation = &self.scene.simulation;
        if self.dt().is_none() {
            let message =
                format!("{} ms is not a time step above 0 and up to 100 ms", simulation.dt.get());
            self.fault("simulation.dt", message);
        }
        if simulation.copies > 1 {
            self.copies(simulation.copies);
        } else if simulation.alike {
            let help = "give `copies`, or leave it out";
            self.fault_with_help("simulation.alike", "there is one copy of the network", help);
        }
    }

    /// What a network of which there are several copies cannot have.
    fn copies(&mut self, copies: u64) {
        let scene = self.scene;
        let neurons: u128 = scene.populations.iter().map(|(_, p)| u128::from(p.size)).sum();
        let all = neurons * u128::from(copies);
        if all > u128::from(u32::MAX) {
            let message =
                format!("{copies} copies of {neurons} neurons are {all}, more than {}", u32::MAX);
            self.fault("simulation.copies", message);
        }
        let of_one = [
            ("training", scene.training.is_some(), "a training has no copies"),
            ("initial", scene.initial.is_some(), "what a run left is of one network"),
            ("modulators", !scene.modulators.is_empty(), "a substance would reach all copies"),
            ("measures", !scene.measures.is_empty(), "a measure counts in one network"),
        ];
        let help = "leave `simulation.copies` out; `--seeds 1..8` runs a scene with several seeds";
        for (path, given, message) in of_one {
            if given {
                self.fault_with_help(path, message, help);
            }
        }
        for (i, projection) in scene.projections.iter().enumerate() {
            if matches!(projection.connect, Connect::Procedural(_)) {
                let message = "targets that are drawn at every spike would be those of all copies";
                let help = "use `FixedOutDegree`, whose synapses are stored";
                self.fault_with_help(format!("projections.{i}.connect"), message, help);
            }
            let learns = projection.learn.as_ref().is_some_and(|learn| learn.common().is_some());
            let shares =
                projection.pool.is_some() || matches!(projection.connect, Connect::Conv(_));
            if learns && shares {
                let message = "the weights that learn here would be shared by all copies";
                let help = "use `Local`, whose synapses have weights of their own";
                self.fault_with_help(format!("projections.{i}.learn"), message, help);
            }
            if projection.rewire.is_some() {
                let message = "a synapse would move from one copy to another";
                self.fault_with_help(format!("projections.{i}.rewire"), message, help);
            }
        }
    }

    /// The time step, if it is a sound one for others to be judged by.
    fn dt(&self) -> Option<f64> {
        Some(self.scene.simulation.dt.get()).filter(|dt| is_positive(*dt) && *dt <= 100.0)
    }

    fn record(&mut self, record: &Record) {
        if let Some(start) = record.start.map(Quantity::get)
            && let Some(duration) = self.scene.simulation.duration.map(Quantity::get)
            && start >= duration
        {
            let message =
                format!("nothing counts: {start} ms is not before the end, {duration} ms");
            self.fault("record.start", message);
        }
        self.recorded_samples(record);
        for (i, name) in record.spikes.iter().enumerate() {
            self.that_spikes(&format!("record.spikes.{i}"), name);
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
            let Some(population) = self.known(&format!("{path}.population"), &trace.population)
            else {
                continue;
            };
            if population.model.neuron().is_none() {
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
    fn interval(&mut self, path: &str, every: f64) {
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
            let path = format!("{path}.projection");
            if let Some(p) = self.known_projection(&path, &trace.projection)
                && p.learn.as_ref().and_then(Learn::common).is_none()
            {
                let message = format!("the weights of `{}` do not change", trace.projection);
                self.fault_with_help(path, message, "add a rule as its `learn`");
            }
        }
        if record.modulators.is_some() && scene.modulators.is_empty() {
            self.fault("record.modulators", "there are no modulators to record");
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

    /// Names of projections and of populations of neurons, all of which must exist.
    fn learned(&mut self, path: &str, names: &[String]) {
        let neural = self.scene.populations.iter().filter(|(_, p)| p.model.neuron().is_some());
        let projections = self.scene.projections.iter().map(Projection::name);
        let known: Vec<String> = neural.map(|(name, _)| name.clone()).chain(projections).collect();
        for (k, name) in names.iter().enumerate().filter(|(_, name)| !known.contains(name)) {
            let help = match closest(name, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", known.join(", ")),
            };
            let message = format!("`{name}` is no projection and no population of neurons");
            self.fault_with_help(format!("{path}.{k}"), message, help);
        }
    }

    /// The population of that name, neurons or sources, which must exist and have spikes.
    fn that_spikes(&mut self, path: &str, name: &str) -> Option<&'s Population> {
        let population = self.known(path, name)?;
        if population.model.neuron().is_some_and(|neuron| !neuron.spikes()) {
            self.fault(path, format!("`{name}` is a readout, which does not spike"));
        }
        Some(population)
    }

    fn ordered(&mut self, path: &str, low: f64, high: f64) {
        check_ordered(path, low, high, self);
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
        if let Some(message) = moved_to(time, dt) {
            self.warn(path, message);
        }
    }

    /// Whether a number obeys a rule; a fault if not.
    fn obeys(&mut self, path: &str, rule: Rule, value: f64, unit: &str) -> bool {
        let broken = rule.broken(value);
        if let Some(broken) = broken {
            let space = if unit.is_empty() { "" } else { " " };
            self.fault(path, format!("{value}{space}{unit} {broken}"));
        }
        broken.is_none()
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

impl Checker<'_> {
    /// The numbers of a list; what there is to doubt is said of the first.
    fn list(&mut self, at: &At, rule: Rule, values: impl Iterator<Item = f64>, unit: &'static str) {
        let most = self.warnings.len() + 1;
        for (k, value) in values.enumerate() {
            self.number(&at.index(k), rule, value, unit);
            self.warnings.truncate(most);
        }
    }
}

impl Judge for Checker<'_> {
    fn judge(&mut self, path: String, message: String, help: Option<String>) {
        self.faults.push(Fault { path, message, help });
    }

    fn doubt(&mut self, path: String, message: String) {
        self.warnings.push(Warning { path, message });
    }
}

impl Visitor for Checker<'_> {
    fn number(&mut self, at: &At, rule: Rule, value: f64, unit: &'static str) {
        if rule == Rule::Any && value.is_finite() && (value as f32).is_finite() {
            return;
        }
        let path = at.to_string();
        if !self.obeys(&path, rule, value, unit) {
            return;
        }
        match rule {
            Rule::Moment => self.moment(&path, value),
            Rule::Steps | Rule::Duration => self.whole_steps(&path, value),
            Rule::Interval => self.interval(&path, value),
            _ => {}
        }
    }

    fn param(&mut self, at: &At, rule: Rule, param: &Param<One>, unit: &'static str) {
        let path = at.to_string();
        match param {
            Param::Normal { std, .. } => {
                self.obeys(&format!("{path}.std"), Rule::NotNegative, std.get(), unit);
            }
            Param::LogNormal { mean, std } => {
                self.obeys(&format!("{path}.mean"), Rule::Positive, mean.get(), unit);
                self.obeys(&format!("{path}.std"), Rule::NotNegative, std.get(), unit);
                return;
            }
            Param::Uniform { low, high } => self.ordered(&path, low.get(), high.get()),
            Param::Power { exponent, .. } => {
                self.obeys(&format!("{path}.exponent"), Rule::Positive, *exponent, "");
            }
            Param::Linspace { .. } => {
                if self.size == Some(1) {
                    let message =
                        "a line from one value to another needs two neurons, and there is one";
                    self.fault_with_help(&path, message, "give the one value");
                }
            }
            Param::Values(values) => {
                if let Some(size) = self.size.filter(|size| *size != values.len() as u64) {
                    let message = format!("{} values for {size} {}", values.len(), self.counted);
                    self.fault_with_help(&path, message, "give one value for each neuron");
                }
                self.list(at, rule, values.iter().map(|value| value.get()), unit);
                return;
            }
            Param::Value(value) => return self.number(at, rule, value.get(), unit),
            Param::File(_) => {}
        }
        if let Some((lowest, highest)) = param.bounds() {
            let _ = self.obeys(&path, rule, lowest, unit) && self.obeys(&path, rule, highest, unit);
        }
    }
}

/// Receptors of a population.
const MOST_RECEPTORS: usize = crate::neuron::receptor::MOST;

/// Whether the value is above zero in single precision, too.
fn is_positive(value: f64) -> bool {
    Rule::Positive.broken(value).is_none()
}

/// Names of projections may also hold the arrow of `from->to`, with both names at full length.
fn is_projection_name(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_.->".contains(c);
    (1..=160).contains(&name.len()) && name.chars().all(is_part)
}
