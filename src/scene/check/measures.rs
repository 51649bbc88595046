//! Rules of measures, and of the patterns that some of them are about.

use super::*;
use crate::grammar::TOLERANCE;
use crate::scene::{Measure, Patterns};

impl<'s> Checker<'s> {
    /// What a simulation counts.
    pub(super) fn measures(&mut self) {
        let scene = self.scene;
        if scene.training.is_some() && !scene.measures.is_empty() {
            let help = "leave them out; what a training tells is in its summary";
            self.fault_with_help("measures", "`measures` are of simulations", help);
            return;
        }
        for (name, measure) in &scene.measures {
            let path = format!("measures.{name}");
            // A place among `results` ends at a dot.
            if !is_name(name) || name.contains('.') {
                let message = format!("`{}` is no name for a measure", name.escape_default());
                let help = "a letter or `_`, then up to 63 letters, digits, `_` or `-`";
                self.fault_with_help(&path, message, help);
            }
            let population = self.that_spikes(&format!("{path}.population"), measure.population());
            if let (Some(ids), Some(population)) = (measure.ids(), population) {
                self.ids(&format!("{path}.ids"), ids, population.size);
            }
            let end = match measure.patterns() {
                None => scene.simulation.duration.map(|d| (d.get(), "the simulation")),
                Some(patterns) => {
                    let of = self.patterns_of(&path, measure, population, patterns);
                    of.map(|patterns| (patterns.every.get(), "a trial"))
                }
            };
            if let Some((end, whose)) = end {
                self.window(&path, measure.window(), end, whose);
            }
        }
    }

    /// The patterns that a measure is about, if they can be told apart by the neurons of its population.
    fn patterns_of(
        &mut self,
        path: &str,
        measure: &Measure,
        population: Option<&Population>,
        name: &str,
    ) -> Option<&'s Patterns> {
        let path = format!("{path}.patterns");
        let sources = self.known(&path, name)?;
        let Model::Patterns(patterns) = &sources.model else {
            let message = format!("`{name}` shows no patterns");
            self.fault_with_help(&path, message, "name a population whose model is `Patterns`");
            return None;
        };
        let (of, size) = (measure.population(), sources.size);
        if let Some(neurons) = population.map(|p| p.size).filter(|neurons| *neurons != size) {
            let message = format!("`{name}` has {size} sources, but `{of}` {neurons} neurons");
            let help = "neuron k is of a pattern if source k is: give both the same size";
            self.fault_with_help(&path, message, help);
        } else if matches!(measure, Measure::False { .. }) && patterns.active >= size {
            let message = format!("all {size} sources are of each pattern, and none is not");
            self.fault(&path, message);
        }
        Some(patterns)
    }

    /// A window within something that ends.
    fn window(&mut self, path: &str, (from, to): (f64, Option<f64>), end: f64, whose: &str) {
        let Some(dt) = self.dt() else { return };
        let until = to.unwrap_or(end);
        if until > end * (1.0 + TOLERANCE) {
            let message = format!("{until} ms are after the end of {whose}, {end} ms");
            self.fault(format!("{path}.to"), message);
        } else if (from / dt).round() >= (until / dt).round() {
            let message = format!("from {from} to {until} ms there is no step of {dt} ms");
            self.fault(format!("{path}.from"), message);
        }
    }
}
