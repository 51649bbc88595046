//! Rules of trainings.
//!
//! The file is long with rules, one after the other.

use super::*;
use crate::network::numbers::CURRENT;
use crate::scene::{
    DelayKernel, Gradient, Meta, Optimizer, Order, Over, Pacing, Per, Schedule, Trained,
};
use crate::train::loss::{Of, Setting, Wanted};

impl<'s> Checker<'s> {
    pub(super) fn training(&mut self, training: &'s Training) {
        if let Some(population) = training.loss.watched() {
            self.trace(training, population);
        } else {
            self.showing(training);
            if training.data.is_none() {
                let help = "add `data: Mnist(dir: ...)`, `data: Arrays(train: ..., test: ...)` or another `Data`";
                self.fault_with_help("training.data", "the samples are missing", help);
            }
        }
        self.samples(training);
        self.paced(training);
        self.scored(training);
        self.watched(training);
        self.learned("training.freeze", &training.freeze);
        self.meta(training);
        if let Of::Assigned(assignment) = training.loss.of() {
            self.assignment(training, &assignment.population);
            return;
        }
        if training.loss.over().is_some() {
            self.exactly_one("Readout", |model| matches!(model, Model::Readout(_)));
        }
        let has_classes = |data: &&Data| {
            matches!(data, Data::Mnist { .. } | Data::Pairs { .. } | Data::Streams { .. })
        };
        if let (Wanted::Marks, Some(data)) =
            (training.loss.wanted(), training.data.as_ref().filter(has_classes))
        {
            let message = format!("samples of `{}` have a class each, and no marks", data.word());
            let help = "use `SoftmaxCrossEntropy`, or `Arrays` with `targets`";
            self.fault_with_help("training.loss", message, help);
        }
        let by_times = training.learn.by_times().is_some();
        let setting = Setting { dt: self.dt(), steps: training.steps, by_times };
        training.loss.objective().check("training.loss", setting, self);
        self.spike_times(training);
        self.noise(training);
        self.eprop(training);
        self.tests(training);
        if let Some(name) = training.loss.counted() {
            self.spiking("training.loss.population", name);
            let readouts = self.scene.populations.iter();
            for (name, _) in readouts.filter(|(_, p)| matches!(p.model, Model::Readout(_))) {
                let message = format!("nothing is asked of `{name}`, where spikes are the answer");
                self.fault_with_help(format!("populations.{name}"), message, "leave it out");
            }
        }
        for (k, penalty) in training.rates.iter().enumerate() {
            let path = format!("training.rates.{k}");
            self.spiking(&format!("{path}.population"), &penalty.population);
            match (penalty.low, penalty.high) {
                (None, None) => {
                    self.fault_with_help(&path, "there is no bound", "give `low`, `high` or both");
                }
                (Some(low), Some(high)) => self.ordered(&path, low.get(), high.get()),
                _ => {}
            }
        }
        if let Some(Over::Window { from, to }) = training.loss.over()
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
        if training.optimizer.is_none() {
            let message = "`optimizer` is missing, which a loss with gradients needs";
            let help = "add `optimizer: Adam(lr: 0.01)`";
            self.fault_with_help("training.optimizer", message, help);
        }
    }

    /// Who shows the samples: one population all of them, any number a part.
    fn showing(&mut self, training: &Training) {
        let scene = self.scene;
        let parts = scene.populations.iter().filter_map(|(name, p)| match &p.model {
            Model::Images(Images { part: Some(_), frames, .. }) => Some((name, *frames)),
            _ => None,
        });
        if parts.clone().next().is_none() || !training.loss.is_gradient() {
            self.exactly_one("Images", |model| matches!(model, Model::Images(_)));
        } else {
            let is_whole = |model: &Model| matches!(model, Model::Images(i) if i.part.is_none());
            if scene.populations.iter().filter(|(_, p)| is_whole(&p.model)).count() > 1 {
                self.exactly_one("Images", is_whole);
            }
        }
        let in_time = training.data.as_ref().is_some_and(|data| data.frames().is_some());
        for (name, frames) in parts {
            let path = format!("populations.{name}.model.part");
            if !training.loss.is_gradient() {
                let message = "`Assignment` shows the whole of samples";
                self.fault_with_help(path, message, "leave it out");
            } else if frames > 1 || in_time {
                let message = "a part is shown all the time, and these samples are frames";
                self.fault_with_help(path, message, "leave it out, or have no `frames`");
            }
        }
    }

    /// What it takes to learn to learn.
    fn meta(&mut self, training: &Training) {
        let Some(meta) = training.meta else { return };
        let path = "training.meta";
        if !matches!(training.loss, Loss::SquaredError(_)) {
            let message = "tasks are judged by squared errors";
            self.fault_with_help("training.loss", message, "write `loss: SquaredError()`");
        }
        let Some([support, query]) = training.data.as_ref().and_then(Data::tasks) else {
            let message = "the samples of `data` belong to no tasks";
            self.fault_with_help(path, message, "use `data: Sinusoids()`, or leave it out");
            return;
        };
        let (batch, most) = (training.batch, support.max(query) as u64);
        if batch < most {
            let message = format!(
                "a batch of {batch} does not hold the samples of a task, {support} that it is learned from and {query} \
                 that it asks"
            );
            let help = format!("give `batch` at least {most}, or tasks fewer samples");
            self.fault_with_help("training.batch", message, help);
        }
        let of_task = (support as u64).saturating_add(query as u64);
        if let Some(limit) = training.limit.filter(|limit| limit % of_task != 0) {
            let message = format!("{limit} samples are no whole tasks, of {of_task} samples each");
            let help = format!("give a multiple of {of_task}, or fewer tasks");
            self.fault_with_help("training.limit", message, help);
        }
        for (field, given) in [
            ("validation", training.validation.is_some()),
            ("noise", training.noise.is_some()),
            ("rates", !training.rates.is_empty()),
            ("tests", !training.tests.is_empty()),
        ] {
            if given {
                let message = format!("`{field}` is not yet part of a training by tasks");
                self.fault_with_help(format!("training.{field}"), message, "leave it out");
            }
        }
        for (k, _) in self.scene.projections.iter().enumerate().filter(|(_, p)| p.dropout > 0.0) {
            let message = "`dropout` is not yet part of a training by tasks";
            self.fault_with_help(format!("projections.{k}.dropout"), message, "leave it out");
        }
        let to_readout = |p: &Projection| {
            let target = self.scene.populations.iter().find(|(name, _)| **name == p.to);
            target.is_some_and(|(_, population)| matches!(population.model, Model::Readout(_)))
        };
        let learned =
            |p: &Projection| p.by_gradient() && !p.is_among(&training.freeze) && to_readout(p);
        if matches!(meta, Meta::Anil { .. }) && !self.scene.projections.iter().any(learned) {
            let message =
                "`Anil` learns tasks by what leads to the `Readout`, and nothing there is learned";
            let help = "add a projection to it without `learn: Fixed` or `freeze`, or use `Fomaml`";
            self.fault_with_help(path, message, help);
        }
    }

    /// Numbers of epochs by which a training goes.
    fn watched(&mut self, training: &Training) {
        let mut known = |path: &str, metric: Metric| {
            if training.has(metric) {
                return;
            }
            let has = Metric::ALL.iter().filter(|metric| training.has(**metric));
            let names = has.map(|metric| format!("`{}`", metric.name())).collect::<Vec<_>>();
            let labelled = training.data.is_some() && training.loss.is_gradient();
            let aside = match metric.is_of_validation() && labelled {
                true => "; `validation` sets samples aside",
                false => "",
            };
            let message = format!("epochs of this training have no `{}`", metric.name());
            self.fault_with_help(path, message, format!("they have {}{aside}", names.join(", ")));
        };
        if let Schedule::Plateau { metric, .. } = training.schedule {
            known("training.schedule.metric", metric);
        }
        if let Some(Data::DelayedRecall { pacing: Pacing::Gated { metric, .. }, .. }) =
            training.data
        {
            known("training.data.pacing.metric", metric);
        }
        let Some(stop) = training.stop else { return };
        known("training.stop.metric", stop.metric);
        if (stop.patience, stop.below, stop.above) == (None, None, None) {
            let help = "give `patience`, `below`, `above` or several of them";
            self.fault_with_help("training.stop", "nothing says when to stop", help);
        }
    }

    /// Rules of what a projection has for gradients alone.
    pub(super) fn gradients(&mut self, path: &str, projection: &'s Projection) {
        if !self.has_gradients() {
            let given = [("lr", projection.lr != 1.0), ("dropout", projection.dropout != 0.0)];
            for (name, _) in given.into_iter().filter(|(_, given)| *given) {
                let message = format!("`{name}` is for a training by gradients, which this is not");
                self.fault_with_help(format!("{path}.{name}"), message, "leave it out");
            }
            return;
        }
        if projection.lr == 0.0 {
            let message = "with a learning rate of 0 the weights stay as they are";
            self.fault_with_help(format!("{path}.lr"), message, "write `learn: Fixed` instead");
        } else if projection.lr != 1.0 && !projection.by_gradient() {
            let help = "leave it out, or write `learn: Backprop`";
            self.fault_with_help(format!("{path}.lr"), "no gradient changes these weights", help);
        }
        if projection.dropout == 0.0 {
            return;
        }
        let path = format!("{path}.dropout");
        let mut earlier =
            self.scene.projections.iter().take_while(|p| !std::ptr::eq(*p, projection));
        if let Some(other) = earlier.find(|p| {
            p.from == projection.from && p.dropout != 0.0 && p.dropout != projection.dropout
        }) {
            let (name, p) = (other.name(), other.dropout);
            let message =
                format!("a source is silent towards this and `{name}` at once, which has {p}");
            self.fault_with_help(&path, message, "give both the same probability, or one none");
        }
        if self.leads_back(projection) {
            let message = format!(
                "`{}` gets back what `{}` sends: on a cycle, or within a population, nothing is dropped",
                projection.from, projection.to
            );
            let help = "leave it out here, and give it to projections that lead into the cycle or out of it";
            self.fault_with_help(&path, message, help);
        }
    }

    /// Rules of delays that are learned.
    pub(super) fn learned_delays(
        &mut self,
        path: &str,
        projection: &Projection,
        ends: [Option<&Population>; 2],
    ) {
        let Some(Delay::Learn { per, initial, max, kernel, .. }) = &projection.delay else {
            return;
        };
        let delay = format!("{path}.delay");
        let Some(training) = self.scene.training.as_ref().filter(|_| self.has_gradients()) else {
            let message = "delays are learned in a training by gradients, which this is not";
            self.fault_with_help(delay, message, "give a delay in ms, or draw one: `Uniform`");
            return;
        };
        if training.meta.is_some() {
            let message = "learned delays are not yet part of a training by tasks";
            self.fault_with_help(&delay, message, "give a delay in ms");
        }
        if projection.dropout != 0.0 {
            let message = "a source whose delay is learned cannot be silent towards the projection";
            self.fault_with_help(
                format!("{path}.dropout"),
                message,
                "leave it out, or give a delay in ms",
            );
        }
        if let Some(Optimizer::AdamW(adam)) = &training.optimizer
            && adam.weight_decay > 0.0
        {
            let message = "`AdamW` would shorten learned delays as it shrinks weights";
            let help = "use `Adam`, with `l2` for the weights, or `weight_decay: 0`";
            self.fault_with_help("training.optimizer", message, help);
        }
        let most = max.get();
        let longest = initial.bounds().map_or(0.0, |(_, longest)| longest);
        if !self.at_least_a_step(&format!("{delay}.max"), *max) {
            return;
        }
        if let Some(length) = self.length().filter(|length| most > *length) {
            let message = format!("{most} ms is more than the {length} ms of a presentation");
            let help = "lower it, or raise `training.steps`";
            self.fault_with_help(format!("{delay}.max"), message, help);
        }
        let path = format!("{delay}.initial");
        if longest > most {
            let message = format!("{longest} ms is above `max`, {most} ms");
            self.fault_with_help(&path, message, "lower it, or raise `max`");
        }
        let of_synapses = *per == Per::Synapse;
        if of_synapses
            && (!matches!(projection.connect, Connect::Dense(_)) || projection.pool.is_some())
        {
            let message = "delays of synapses are learned between all pairs, which these are not";
            let help =
                "write `connect: Dense`, without `pool`, or learn those of sources: `per: Source`";
            self.fault_with_help(format!("{delay}.per"), message, help);
        }
        if let (Param::Values(delays), [Some(from), Some(to)]) = (initial, ends)
            && let count = per.count([from, to].map(|population| population.size as usize))
            && delays.len() != count
        {
            let each = per.named();
            let message = format!("{} delays for {count} {each}s", delays.len());
            self.fault_with_help(
                &path,
                message,
                format!("give one for each {each}, or one for all"),
            );
        }
        if let DelayKernel::Gauss { sigma, last: Some(last) } = kernel
            && is_positive(sigma.get())
            && last.get() > sigma.get()
        {
            let message = format!(
                "{} ms is above `sigma`, {} ms, from which it falls",
                last.get(),
                sigma.get()
            );
            self.fault_with_help(format!("{delay}.kernel.last"), message, "lower it");
        }
    }

    /// Noise that has nowhere to go.
    fn noise(&mut self, training: &Training) {
        let Some(noise) = &training.noise else { return };
        if noise.inputs > 0.0 {
            // Of several the first whose values get none.
            let shows = self.scene.populations.iter().filter_map(|(name, p)| match &p.model {
                Model::Images(images) => Some((name, &images.encoder)),
                _ => None,
            });
            let mut shows = shows.peekable();
            let first = shows.peek().copied();
            let shown = shows.find(|(_, e)| e.code().gain().is_none()).or(first);
            let path = "training.noise.inputs";
            match shown {
                Some((_, encoder)) if encoder.code().gain().is_some() => {}
                Some((name, _)) => {
                    let message =
                        format!("it adds to the values of `Constant`; `{name}` sends spikes");
                    self.fault_with_help(
                        path,
                        message,
                        "use `encoder: Constant(...)`, or `currents`",
                    );
                }
                None => self.fault_with_help(path, "nothing shows images", "use `currents`"),
            }
        }
        if noise.currents > 0.0 && !self.scene.populations.iter().any(|(_, p)| p.model.is_spiking())
        {
            let message = "it arrives at neurons that spike, and there are none";
            self.fault_with_help("training.noise.currents", message, "leave it out");
        }
        let learns = |p: &Projection| p.by_gradient() && !p.is_among(&training.freeze);
        if noise.weights > 0.0 && !self.scene.projections.iter().any(learns) {
            let message = "it is added to weights that learn, and there are none";
            self.fault_with_help("training.noise.weights", message, "leave it out");
        }
        for (name, population) in self.scene.populations.iter().filter(|_| noise.currents > 0.0) {
            let receptors = population.model.receptors();
            if population.model.is_spiking() && receptors.iter().all(|(_, r)| r.is_conductance()) {
                let message = format!(
                    "every receptor of `{name}` is a conductance, which is never negative as noise would be"
                );
                let help = "give it a receptor without `e_rev`";
                self.fault_with_help("training.noise.currents", message, help);
            }
        }
    }

    /// Damage that does nothing, or cannot be done.
    fn tests(&mut self, training: &Training) {
        let scene = self.scene;
        for (name, damage) in &training.tests {
            let path = format!("training.tests.{name}");
            if !is_name(name) || name.contains('.') {
                let message = format!("`{}` is no name for a test", name.escape_default());
                let help = "a letter or `_`, then letters, digits, `_` or `-`";
                self.fault_with_help(&path, message, help);
            }
            if [damage.silence, damage.inputs, damage.prune, damage.miscue] == [0.0; 4] {
                let help = "give `silence`, `inputs`, `prune`, `miscue` or several of them";
                self.fault_with_help(&path, "nothing is damaged", help);
            }
            if damage.silence == 0.0 {
                if !damage.of.is_empty() {
                    let message = "these are populations whose neurons fall silent, and none does";
                    self.fault_with_help(format!("{path}.of"), message, "give `silence`");
                }
                continue;
            }
            let silenced = damage.silenced(scene);
            if silenced.is_empty() {
                let message = "there are no hidden neurons that could be silent";
                self.fault_with_help(
                    format!("{path}.silence"),
                    message,
                    "name populations in `of`",
                );
            }
            for (k, population) in silenced.into_iter().enumerate() {
                let path = match damage.of.is_empty() {
                    true => format!("{path}.silence"),
                    false => format!("{path}.of.{k}"),
                };
                if self.known(&path, population).is_none() {
                    continue;
                }
                let mut outgoing = scene.projections.iter().filter(|p| p.from == population);
                if training.loss.counted() == Some(population) {
                    let message =
                        format!("the spikes of `{population}` are the answer, silent or not");
                    self.fault_with_help(path, message, "name hidden populations");
                } else if outgoing.clone().next().is_none() {
                    self.fault(path, format!("`{population}` sends to no other population"));
                } else if let Some(shared) =
                    outgoing.find(|p| matches!(p.connect, Connect::Conv(_)) || p.pool.is_some())
                {
                    let message = format!(
                        "the neurons of `{population}` share the weights of `{}`, so none of them is silent alone",
                        shared.name()
                    );
                    let help = "name others in `of`, or damage with `prune` or `inputs`";
                    self.fault_with_help(path, message, help);
                }
            }
        }
    }

    /// Samples of which something is recorded, and what there is of them.
    pub(super) fn recorded_samples(&mut self, record: &Record) {
        let training = self.scene.training.as_ref();
        let path = "record.samples";
        if record.samples.is_empty() {
            if training.is_some() && *record != Record::default() {
                let message = "`record` is of simulations, and of trainings for the test samples that `samples` names: \
                               nothing of it is written";
                self.warn("record", message);
            }
            return;
        }
        let has_samples =
            |training: &&Training| training.loss.is_gradient() && training.loss.has_samples();
        if training.filter(has_samples).is_none() {
            let message = "they are of the test set of a training by gradients, which this is not";
            self.fault_with_help(path, message, "leave it out");
            return;
        }
        for (k, sample) in record.samples.iter().enumerate() {
            if record.samples[..k].contains(sample) {
                self.fault(format!("{path}.{k}"), format!("sample {sample} is there twice"));
            }
        }
        for (name, given) in [
            ("start", record.start.is_some()),
            ("weights", !record.weights.is_empty()),
            ("modulators", record.modulators.is_some()),
        ] {
            if given {
                let message = format!("`{name}` is of simulations, which this is not");
                self.fault_with_help(format!("record.{name}"), message, "leave it out");
            }
        }
        for (k, trace) in record.traces.iter().enumerate() {
            if let Some(other) = trace.variables.iter().position(|name| name != "v") {
                let message =
                    format!("of a training only `v` is written, no `{}`", trace.variables[other]);
                let path = format!("record.traces.{k}.variables.{other}");
                self.fault_with_help(path, message, "leave it out");
            }
        }
    }

    /// Whether projections lead from the target of one to its source.
    pub(super) fn leads_back(&self, projection: &Projection) -> bool {
        self.reached(&projection.to).contains(&projection.from.as_str())
    }

    /// The population itself, and all on which what it sends or releases acts, whatever the way.
    pub(super) fn reached(&self, from: &'s str) -> Vec<&'s str> {
        let mut reached = vec![from];
        let mut next = 0;
        while let Some(at) = reached.get(next).copied() {
            next += 1;
            let onward = self.scene.projections.iter().filter(|p| p.from == at);
            let released = self.scene.modulators.iter().map(|(_, m)| m).filter(|m| {
                m.release
                    .iter()
                    .any(|r| matches!(r, Release::Spikes { population, .. } if population == at))
            });
            let gains = released.flat_map(|m| &m.effects).filter_map(|effect| match effect {
                Effect::Gain { population, .. } => Some(population.as_str()),
                _ => None,
            });
            for to in onward.map(|p| p.to.as_str()).chain(gains) {
                if !reached.contains(&to) {
                    reached.push(to);
                }
            }
        }
        reached
    }

    /// A population of neurons that spike.
    fn spiking(&mut self, path: &str, name: &str) {
        if let Some(population) = self.known(path, name)
            && !population.model.is_spiking()
        {
            self.fault(path, format!("`{name}` has no neurons that spike"));
        }
    }

    /// Rules of a training that is to make a potential follow a trace.
    fn trace(&mut self, training: &Training, name: &str) {
        let path = "training.loss.population";
        if let Some(population) = self.known(path, name)
            && population.model.neuron().is_none()
        {
            self.fault(path, format!("`{name}` is a source, which has no membrane potential"));
        }
        for (field, given) in [
            ("data", training.data.is_some()),
            ("limit", training.limit.is_some()),
            ("validation", training.validation.is_some()),
            ("tests", !training.tests.is_empty()),
            ("order", training.order != Order::Shuffled),
        ] {
            if given {
                let message = format!("`{field}` is of samples, and a trace is the only one");
                self.fault_with_help(format!("training.{field}"), message, "leave it out");
            }
        }
        if training.batch != 1 {
            let message = "there is one trace, and so one presentation at a time";
            self.fault_with_help("training.batch", message, "write `batch: 1`");
        }
        for (name, population) in &self.scene.populations {
            if matches!(population.model, Model::Images(_)) {
                let message = "`Images` shows samples, of which a loss of traces has none";
                let path = format!("populations.{name}.model");
                self.fault_with_help(path, message, "use `Poisson` or stimuli");
            }
        }
    }

    /// Numbers of a population that gradients are to change.
    pub(super) fn trained_numbers(&mut self, path: &str, population: &'s Population) {
        let training = self.scene.training.as_ref();
        if !population.train.is_empty() && training.is_none_or(|t| !t.loss.is_gradient()) {
            let message = "`train` is for gradients, of which there are none here: it does nothing";
            self.warn(format!("{path}.train"), message);
        }
        let mut known = HashSet::new();
        for (k, trained) in population.train.iter().enumerate() {
            let path = format!("{path}.train.{k}");
            let name = trained.name();
            if population.model.neuron().is_none() {
                self.fault(&path, "a source has no numbers that can be trained");
                return;
            }
            if !known.insert(name) {
                self.fault(&path, format!("`{name}` is there twice"));
            }
            if matches!(population.model, Model::Readout(_))
                && name != CURRENT
                && training
                    .is_some_and(|t| t.loss.over().is_some() && t.learn != Gradient::Backprop)
            {
                let message =
                    "of a readout that gives the answer only `i_e` is trained but with `Backprop`";
                self.fault_with_help(&path, message, "train numbers of the neurons before it");
            }
            if name == CURRENT && !matches!(trained, Trained::Each(_)) {
                let message = "constant currents are trained as they are, each its own";
                self.fault_with_help(&path, message, format!("write \"{CURRENT}\""));
            }
            if let Trained::Bounded { low, high, .. } = trained
                && !(low.is_finite() && high.is_finite() && low < high)
            {
                let message = format!("`{name}` cannot lie between {low} and {high}");
                self.fault_with_help(&path, message, "give two numbers, the lower first");
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
        self.spiking("training.loss.population", name);
        for (name, population) in &self.scene.populations {
            if let Model::Images(images) = &population.model
                && images.encoder.code().gain().is_some()
            {
                let help = "use `Poisson(max_rate: ...)`";
                let message = "`Assignment` shows images as spikes only";
                let path = format!("populations.{name}.model.encoder");
                self.fault_with_help(path, message, help);
            }
        }
        for (name, population) in &self.scene.populations {
            if population.model.source().is_some_and(|source| source.is_given()) {
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
            ("freeze", !training.freeze.is_empty()),
            ("noise", training.noise.is_some()),
            ("learn", training.learn != Gradient::Backprop),
            ("rates", !training.rates.is_empty()),
            ("tests", !training.tests.is_empty()),
            ("validation", training.validation.is_some()),
            ("clip", training.clip.is_some()),
            ("l1", training.l1 > 0.0),
            ("l2", training.l2 > 0.0),
            ("warmup", training.warmup > 0),
            ("schedule", training.schedule != Schedule::Constant),
        ] {
            if given {
                let message = format!("`{name}` is for gradients, of which `Assignment` has none");
                self.fault_with_help(format!("training.{name}"), message, "leave it out");
            }
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
