//! Rules of trainings.

use super::*;
use crate::scene::Over;

impl<'s> Checker<'s> {
    pub(super) fn training(&mut self, training: &Training) {
        self.exactly_one("Images", |model| matches!(model, Model::Images(_)));
        if let Loss::Assignment { population, .. } = &training.loss {
            self.assignment(training, population);
            return;
        }
        for (name, population) in &self.scene.populations {
            let model = &population.model;
            if model.neuron().is_none() && !matches!(model, Model::Images(_) | Model::Poisson(_)) {
                let message = format!(
                    "`{}` is of simulations, and cannot be part of a training",
                    model.word()
                );
                let help = "use `Images` and `Poisson` as sources";
                self.fault_with_help(format!("populations.{name}.model"), message, help);
            }
        }
        self.exactly_one("Readout", |model| matches!(model, Model::Readout(_)));
        if let Loss::SoftmaxCrossEntropy { over: Over::Window { from, to } } = training.loss
            && let Some(dt) = self.dt()
        {
            let path = "training.loss.over";
            let steps = |t: Quantity<Ms>| (t.get() / dt).round();
            if steps(from) >= steps(to) || steps(to) > training.steps as f64 {
                let message = format!(
                    "the part from {} ms to {} ms is none of the {} steps, which end at {} ms",
                    from.get(),
                    to.get(),
                    training.steps,
                    training.steps as f64 * dt
                );
                let help = "let it begin before it ends, and end within them";
                self.fault_with_help(path, message, help);
            }
            self.moment(&format!("{path}.from"), from.get());
            self.moment(&format!("{path}.to"), to.get());
        }
        for (name, missing, example) in [
            ("optimizer", training.optimizer.is_none(), "Adam(lr: 0.01)"),
            ("surrogate", training.surrogate.is_none(), "FastSigmoid(slope: 5)"),
        ] {
            if missing {
                let message = format!("`{name}` is missing, which a loss with gradients needs");
                let help = format!("add `{name}: {example}`");
                self.fault_with_help(format!("training.{name}"), message, help);
            }
        }
    }

    pub(super) fn exactly_one(&mut self, kind: &str, is_kind: impl Fn(&Model) -> bool) {
        let names: Vec<_> = self
            .scene
            .populations
            .iter()
            .filter(|(_, p)| is_kind(&p.model))
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        if names.is_empty() {
            let message = format!("training needs a population of `{kind}`, there is none");
            self.fault("training", message);
        } else if names.len() > 1 {
            let message = format!(
                "training needs one population of `{kind}`, there are {}",
                names.join(", ")
            );
            self.fault("training", message);
        }
    }

    /// Rules of a training whose synapses learn by themselves.
    pub(super) fn assignment(&mut self, training: &Training, name: &str) {
        let path = "training.loss.population";
        if let Some(population) = self.known(path, name)
            && !population.model.is_spiking()
        {
            self.fault(path, format!("`{name}` has no neurons that spike"));
        }
        for (name, population) in &self.scene.populations {
            if let Model::Images(images) = &population.model
                && !matches!(images.encoder, Encoder::Poisson { .. })
            {
                let help = "use `Poisson(max_rate: ...)`";
                let message = "`Assignment` shows images as Poisson trains only";
                let path = format!("populations.{name}.model.encoder");
                self.fault_with_help(path, message, help);
            }
        }
        for (name, population) in &self.scene.populations {
            if matches!(population.model, Model::Spikes(_) | Model::Regular(_)) {
                let message = "given spikes are of simulations: each sample begins anew";
                let help = "use `Images` and `Poisson` as sources";
                self.fault_with_help(format!("populations.{name}.model"), message, help);
            }
        }
        if training.batch != 1 {
            let message = "synapses that learn by themselves see one sample after the other";
            self.fault_with_help("training.batch", message, "write `batch: 1`");
        }
        for (name, given) in [
            ("optimizer", training.optimizer.is_some()),
            ("surrogate", training.surrogate.is_some()),
            ("biases", training.biases),
        ] {
            if given {
                let message = format!("`{name}` is for gradients, of which `Assignment` has none");
                self.fault_with_help(format!("training.{name}"), message, "leave it out");
            }
        }
        if !self.scene.stimuli.is_empty() {
            self.fault("stimuli", "a training has no stimuli; its input is the data");
        }
    }

    /// What a scene must not or must have if it only simulates.
    pub(super) fn no_training(&mut self) {
        if self.scene.simulation.duration.is_none() {
            let message = "`duration` is missing, and there is no `training` to go by";
            self.fault_with_help("simulation.duration", message, "add `duration: ...` in ms");
        }
        for (name, population) in &self.scene.populations {
            if matches!(population.model, Model::Images(_)) {
                let message =
                    "`Images` shows the data of a training, but the scene has no `training`";
                self.fault_with_help(
                    format!("populations.{name}.model"),
                    message,
                    "add `training: (...)` or use `Poisson`",
                );
            }
        }
    }
}
