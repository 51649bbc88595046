//! Rules of a training by e-prop, which knows some networks only.

use super::*;
use crate::scene::{Lif, Over, Readout, Reset};
use crate::train::loss::Of;

impl<'s> Checker<'s> {
    /// What e-prop does not know of.
    pub(super) fn eprop(&mut self, training: &'s Training) {
        if training.learn.eprop().is_none() {
            return;
        }
        let scene = self.scene;
        let loss = &training.loss;
        if loss.objective().in_each_step().is_none() {
            let message = "e-prop knows no loss of spikes, which have no error at each step";
            let help = "use `SoftmaxCrossEntropy`, `SquaredError`, `Huber`, `MultiLabel` or `Trace`, which are of \
                        the potential of a `Readout`, or `learn: Backprop`";
            self.fault_with_help("training.loss", message, help);
        } else if let Some(Over::Max) = loss.over() {
            let message = "e-prop has a loss for each step, and which is the largest value is known after the last";
            let help = "use `Mean`, `Sum`, `Frames`, `Window(from: ..., to: ...)` or `Last`";
            self.fault_with_help("training.loss.over", message, help);
        } else if let Of::Potential(trace) = loss.of() {
            self.followed_by_eprop(&trace.population, trace.low_pass.is_some());
        }
        for (field, given) in [
            ("meta", training.meta.is_some()),
            ("noise", training.noise.is_some()),
            ("biases", training.biases),
            ("detach_reset", !training.detach_reset),
            ("detach_adaptation", training.detach_adaptation.is_some()),
        ] {
            if given {
                let message = format!("`{field}` is not part of a training by e-prop");
                self.fault_with_help(format!("training.{field}"), message, "leave it out");
            }
        }
        if !training.rates.is_empty() {
            let message = "rates are penalised by e-prop itself";
            let help = "write `learn: EProp(c_reg: ..., f_target: ...)`";
            self.fault_with_help("training.rates", message, help);
        }
        if !scene.stimuli.is_empty() {
            self.fault_with_help("stimuli", "e-prop knows no stimuli", "use `Poisson` sources");
        }
        if !scene.modulators.is_empty() {
            let help = "leave them out, or use `learn: Backprop`";
            self.fault_with_help("modulators", "e-prop knows no gains", help);
        }
        if !scene.record.traces.is_empty() {
            let message = "e-prop keeps no potentials of the steps that are over";
            self.fault_with_help("record.traces", message, "leave it out, or record `spikes`");
        }
        for (name, population) in &scene.populations {
            self.of_eprop(&format!("populations.{name}"), population);
        }
        for (k, projection) in scene.projections.iter().enumerate() {
            self.sent_by_eprop(&format!("projections.{k}"), training, projection);
        }
    }

    /// What is to follow a trace, filtered or not, in a training by e-prop.
    fn followed_by_eprop(&mut self, population: &str, filtered: bool) {
        let is_readout = |model: &Model| matches!(model, Model::Readout(_));
        self.exactly_one("Readout", is_readout);
        let target = self.scene.populations.iter().find(|(name, _)| **name == *population);
        if target.is_some_and(|(_, target)| !is_readout(&target.model)) {
            let message = format!(
                "e-prop learns from what a `Readout` is to do, which `{population}` is not"
            );
            let help = "name the `Readout`, or use `learn: Backprop`";
            self.fault_with_help("training.loss.population", message, help);
        }
        if filtered {
            let message =
                "e-prop learns from the error of each step, and one that is filtered comes later";
            let help = "leave it out, or use `learn: Backprop`";
            self.fault_with_help("training.loss.low_pass", message, help);
        }
    }

    /// A population of a training by e-prop.
    fn of_eprop(&mut self, of: &str, population: &'s Population) {
        let path = format!("{of}.model");
        match &population.model {
            Model::Lif(lif) => self.lif_of_eprop(&path, lif),
            Model::Readout(readout) => self.readout_of_eprop(&path, readout),
            Model::Images(images) if images.encoder.code().gain().is_some() => {
                let message = "e-prop knows sources that spike, and this encoder sends values";
                let help = "use `Poisson(max_rate: ...)` or `Latency(window: ...)`";
                self.fault_with_help(format!("{path}.encoder"), message, help);
            }
            model if model.neuron().is_some() => {
                let message = "e-prop knows neurons of `Lif`, and a `Readout`";
                self.fault_with_help(path, message, "use these, or `learn: Backprop`");
                return;
            }
            _ => return,
        }
        if !population.train.is_empty() {
            let message = "e-prop trains weights only";
            self.fault_with_help(
                format!("{of}.train"),
                message,
                "leave it out, or use `learn: Backprop`",
            );
        }
        let is_lif = matches!(population.model, Model::Lif(_));
        if is_lif && population.model.neuron().is_some_and(|neuron| neuron.tau_m().is_none()) {
            let message = "neurons of a population share their membrane in a training by e-prop";
            self.fault_with_help(format!("{path}.tau_m"), message, "give one `tau_m` for all");
        }
    }

    fn lif_of_eprop(&mut self, path: &str, lif: &Lif) {
        if !matches!(&lif.receptors.to_vec()[..], [(_, Receptor::Delta {})]) {
            let message = "e-prop knows one receptor, at which a spike makes the potential jump";
            let help = "write `receptors: {\"jump\": Delta()}`";
            self.fault_with_help(format!("{path}.receptors"), message, help);
        }
        if lif.reset != Reset::Subtract {
            let message = "e-prop needs a potential that remembers its input beyond a spike";
            self.fault_with_help(format!("{path}.reset"), message, "write `reset: Subtract`");
        }
    }

    fn readout_of_eprop(&mut self, path: &str, readout: &Readout) {
        let shared = [
            ("tau_m", readout.tau_m.as_ref().is_none_or(|tau_m| tau_m.shared().is_some())),
            ("g_l", readout.g_l.as_ref().is_none_or(|g_l| g_l.shared().is_some())),
            ("c_m", readout.c_m.shared().is_some()),
            ("tau_syn", readout.tau_syn.shared().is_some()),
        ];
        for (name, _) in shared.into_iter().filter(|(_, shared)| !shared) {
            let message = "all outputs have the same filter in a training by e-prop";
            self.fault_with_help(format!("{path}.{name}"), message, "give one value for all");
        }
        if readout.i_e.shared() != Some(0.0) {
            let message = "outputs have no constant current in a training by e-prop";
            self.fault_with_help(format!("{path}.i_e"), message, "leave it out");
        }
    }

    /// A projection of a training by e-prop.
    fn sent_by_eprop(&mut self, path: &str, training: &'s Training, projection: &'s Projection) {
        if !matches!(projection.connect, Connect::Dense(_)) {
            let message = "e-prop knows projections that are `Dense`";
            self.fault_with_help(format!("{path}.connect"), message, "write `connect: Dense`");
        }
        let dt = self.scene.simulation.dt.get();
        let is_step = match &projection.delay {
            None => true,
            Some(Delay::Constant(delay)) => (delay.get() - dt).abs() <= 1e-6 * dt,
            Some(_) => false,
        };
        if !is_step {
            let message = format!("e-prop knows delays of one step, {dt} ms");
            self.fault_with_help(format!("{path}.delay"), message, "leave it out");
        }
        for (field, given) in
            [("dropout", projection.dropout != 0.0), ("pool", projection.pool.is_some())]
        {
            if given {
                let message = format!("`{field}` is not part of a training by e-prop");
                self.fault_with_help(format!("{path}.{field}"), message, "leave it out");
            }
        }
        let scene = self.scene;
        let is_readout = |name: &str| {
            let target = scene.populations.iter().find(|(known, _)| *known == *name);
            target.is_some_and(|(_, population)| matches!(population.model, Model::Readout(_)))
        };
        let learns = projection.by_gradient() && !projection.is_among(&training.freeze);
        let to = &projection.to;
        let is_told = scene.projections.iter().any(|p| p.from == *to && is_readout(&p.to));
        if learns && !is_readout(to) && !is_told {
            let message = format!(
                "`{to}` does not project to the `Readout`, whose errors it would learn from"
            );
            let help = "add a projection from there to the `Readout`, or write `learn: Fixed`";
            self.fault_with_help(path, message, help);
        }
    }
}
