//! Rules of gradients by the times of spikes.

use super::*;
use crate::scene::Reset;
use crate::train::loss::Of;

impl Checker<'_> {
    /// What `EventProp` does not know of.
    pub(super) fn spike_times(&mut self, training: &Training) {
        if training.learn.by_times().is_none() {
            return;
        }
        for (name, given) in [
            ("surrogate", training.surrogate.is_some()),
            ("detach_reset", !training.detach_reset),
            ("detach_adaptation", training.detach_adaptation.is_some()),
        ] {
            if given {
                let message = format!(
                    "`{name}` is of surrogate gradients; `EventProp` is exact, resets included"
                );
                self.fault_with_help(format!("training.{name}"), message, "leave it out");
            }
        }
        let number = "a gradient by the times of spikes does not say how many there should be";
        if matches!(training.loss.of(), Of::Counts(..)) {
            let help = "use `FirstSpike`, or a loss of a `Readout`";
            self.fault_with_help("training.loss", number, help);
        }
        if !training.rates.is_empty() {
            self.fault_with_help("training.rates", number, "leave it out");
        }
        for (name, population) in &self.scene.populations {
            self.has_times(training.loss.watched() == Some(name), name, population);
        }
        for (k, projection) in self.scene.projections.iter().enumerate() {
            if matches!(projection.pool, Some(Pool::Max(_))) {
                let message = "which source is the largest is not a matter of when it spikes, as `EventProp` has it";
                self.fault_with_help(
                    format!("projections.{k}.pool"),
                    message,
                    "use `Avg` or `Sum`",
                );
            }
        }
    }

    /// Whether the neurons of a population are such that `EventProp` knows when they spike.
    fn has_times(&mut self, watched: bool, name: &str, population: &Population) {
        const CAN: &str = "`EventProp` is of `Lif` with one exponential current (`tau_syn`), `t_ref: 0` and \
                           `reset: Value`, and of `Readout`; `Surrogate` is of all neurons";
        let path = format!("populations.{name}");
        let Model::Lif(lif) = &population.model else {
            let model = &population.model;
            if model.is_spiking() {
                let message = format!("`EventProp` does not know when `{}` spikes", model.word());
                self.fault_with_help(format!("{path}.model"), message, CAN);
            }
            return;
        };
        let none = Some((0.0, 0.0));
        for (field, given, what) in [
            ("model.t_ref", lif.t_ref.bounds() != none, "has a refractory period"),
            ("model.delta_th", lif.delta_th.bounds() != none, "has a threshold that rises"),
            ("model.reset", lif.reset != Reset::Value, "is reset by subtraction"),
            ("model", lif.names_receptors(), "has receptors of other kinds or names"),
            ("train", !population.train.is_empty(), "has numbers that are trained"),
        ] {
            if given {
                self.fault_with_help(format!("{path}.{field}"), format!("`{name}` {what}"), CAN);
            }
        }
        if watched {
            let message = format!("the potential of `{name}` jumps when it spikes");
            let help = "with `EventProp` let a `Readout` follow the trace";
            self.fault_with_help("training.loss.population", message, help);
        }
        for (k, _) in self.scene.stimuli.iter().enumerate().filter(|(_, s)| s.to == name) {
            let message = format!("`{name}` is driven by it");
            let help = "`EventProp` is of neurons that get spikes and constant currents alone";
            self.fault_with_help(format!("stimuli.{k}"), message, help);
        }
    }
}
