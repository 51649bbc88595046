//! Rules of projections: who is connected, weights, delays; and of stimuli.

use super::*;
use crate::network::connect::{Setting, distance::in_space};
use crate::network::delay::at_least_a_step;
use crate::network::weight::{self, Entry};
use crate::scene::Gradient;

impl<'s> Checker<'s> {
    pub(super) fn projection(&mut self, path: &str, projection: &'s Projection) {
        if let Some(name) = projection.name.as_ref().filter(|name| !is_projection_name(name)) {
            let message = format!("`{}` is not a name", name.escape_default());
            let help = "up to 160 letters, digits, `_`, `.`, `-` or `>`";
            self.fault_with_help(format!("{path}.name"), message, help);
        }
        let from = self.known(&format!("{path}.from"), &projection.from);
        let to = self.known(&format!("{path}.to"), &projection.to);
        let silent = |population: &Population| {
            population.model.neuron().is_some_and(|neuron| !neuron.spikes())
        };
        if from.is_some_and(silent) {
            let message = format!("`{}` is a readout, which sends no spikes", projection.from);
            self.fault(format!("{path}.from"), message);
        }
        if to.is_some_and(|to| to.model.neuron().is_none()) {
            let message = format!("`{}` is a source, which takes no input", projection.to);
            self.fault(format!("{path}.to"), message);
        }
        if let Some(to) = to {
            self.receptor(path, (&projection.to, to), projection.receptor.as_deref());
            self.end(path, projection, to);
        }
        // What an unknown or empty population breaks is not to be reported twice.
        let ends = from.zip(to).filter(|(from, to)| from.size > 0 && to.size > 0);
        let setting = Setting { projection, ends, gradients: self.has_gradients() };
        projection.connect.rule().check(&format!("{path}.connect"), setting, self);
        let in_shape =
            |(from, to): &(&Population, &Population)| from.fits_its_shape() && to.fits_its_shape();
        if let Some((from, to)) = ends.filter(in_shape) {
            self.layers(path, projection, from, to);
        }
        let lag = projection.delay.as_ref().and_then(Delay::lag);
        if let Some(ends) = ends
            && lag.is_some_and(|lag| lag.in_space())
            && !matches!(projection.connect, Connect::Distance(_))
        {
            in_space(&format!("{path}.delay"), projection, ends, self);
        }
        self.weight(&format!("{path}.weight"), projection, to);
        if let Some(delay) = &projection.delay {
            self.delay(&format!("{path}.delay"), delay, from);
            self.learned_delays(path, projection, [from, to]);
        }
        if projection.shuffled {
            let path = format!("{path}.shuffled");
            self.stored(&path, projection, "`shuffled`");
            if self.scene.training.is_some() {
                let message = "weights exchange their synapses in simulations only";
                self.fault_with_help(path, message, "leave it out");
            }
        }
        self.attention(path, projection);
        self.learning(path, projection);
        self.gradients(path, projection);
        if projection.learn == Some(Learn::Backprop) && !self.has_gradients() {
            let message =
                "`Backprop` learns from data, but the scene has no `training` with a loss";
            self.fault_with_help(
                format!("{path}.learn"),
                message,
                "add `training: (...)` or write `Fixed`",
            );
        }
    }

    /// Whether a projection brings currents that do not change, which no receptor shapes.
    pub(super) fn is_constant(&self, projection: &Projection) -> bool {
        let mut from = self.scene.populations.iter().filter(|(name, _)| *name == projection.from);
        from.any(|(_, from)| matches!(&from.model, Model::Images(images) if images.is_constant()))
    }

    /// Whether a projection brings values below 0, which change in time.
    fn goes_below_zero(&self, projection: &Projection) -> bool {
        let from = self.population_named(&projection.from).map(|from| &from.model);
        !self.is_constant(projection)
            && matches!(from, Some(Model::Images(images))
                if images.encoder.code().gain().is_some_and(|gain| gain < 0.0))
    }

    /// Where a projection ends, which its target must have and a training must know.
    fn end(&mut self, path: &str, projection: &Projection, to: &Population) {
        let receptors = to.model.receptors();
        if self.is_constant(projection) {
            if projection.receptor.is_some() {
                let message = "a constant current goes to the membrane, not to a receptor";
                self.fault_with_help(format!("{path}.receptor"), message, "leave `receptor` out");
            }
            return;
        }
        if to.model.neuron().is_some() && receptors.is_empty() {
            let message =
                format!("`{}` has no receptors at which a synapse could end", projection.to);
            self.fault(format!("{path}.to"), message);
        }
        let [ex, inhibitory] = receptors_of(&receptors, projection.receptor.as_deref());
        if self.goes_below_zero(projection)
            && let Some((name, _)) = receptors.get(ex).filter(|(_, kind)| kind.is_conductance())
        {
            let message = format!(
                "`{}` has a `gain` below 0, and `{name}` is a conductance, never negative",
                projection.from
            );
            let help = "give a `gain` above 0, or name a receptor that is a current";
            self.fault_with_help(format!("{path}.from"), message, help);
        }
        if self.has_gradients() && ex != inhibitory {
            let message = format!(
                "`{}` has `ex` and `in`: the sign of a weight cannot choose between them while it is trained",
                projection.to
            );
            let help = "add `receptor: \"ex\"` or `receptor: \"in\"`";
            self.fault_with_help(path, message, help);
        }
    }

    /// The receptor of a population, which must exist.
    pub(super) fn receptor(
        &mut self,
        path: &str,
        (to, population): (&str, &Population),
        name: Option<&str>,
    ) {
        let known = population.model.receptors();
        let Some(name) = name.filter(|name| !known.iter().any(|(known, _)| known == name)) else {
            return;
        };
        let names: Vec<_> = known.iter().map(|(known, _)| known.as_str()).collect();
        let help = match closest(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it has {}", names.join(", ")),
        };
        let message = format!("`{to}` has no receptor `{name}`");
        self.fault_with_help(format!("{path}.receptor"), message, help);
    }

    /// The projection of that name, which must exist.
    pub(super) fn known_projection(&mut self, path: &str, name: &str) -> Option<&'s Projection> {
        let projections = &self.scene.projections;
        let found = projections.iter().find(|p| p.name() == name);
        if found.is_none() {
            let names: Vec<_> = projections.iter().map(Projection::name).collect();
            let help = match closest(name, names.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the projections are {}", names.join(", ")),
            };
            self.fault_with_help(path, format!("there is no projection `{name}`"), help);
        }
        found
    }

    pub(super) fn stimulus(&mut self, path: &str, stimulus: &'s Stimulus) {
        let to = self.known(&format!("{path}.to"), &stimulus.to);
        if to.is_some_and(|to| to.model.neuron().is_none()) {
            let message = format!("`{}` is a source, which takes no input", stimulus.to);
            self.fault(format!("{path}.to"), message);
        }
        match &self.scene.training {
            Some(training)
                if training.loss.is_gradient()
                    && training.loss.has_samples()
                    && training.learn != Gradient::Backprop
                    && to.is_some_and(|to| matches!(to.model, Model::Readout(_))) =>
            {
                let message =
                    "a readout that is to tell classes gets stimuli with `Backprop` alone";
                self.fault(format!("{path}.to"), message);
            }
            Some(training) if training.loss.is_gradient() => {}
            Some(_) => {
                let message = "a training by rules has no stimuli; its input is the data";
                self.fault(path, message);
            }
            None => {}
        }
        if let (Some(ids), Some(to)) = (&stimulus.ids, to) {
            self.ids(&format!("{path}.ids"), ids, to.size);
        }
        let path = format!("{path}.input");
        let drive = stimulus.input.drive();
        drive.check(&path, self.dt(), self);
        if let (Some(events), Some(to)) = (drive.events(), to) {
            self.receptor(&path, (&stimulus.to, to), events.receptor);
            let entry = Entry::new(to, events.receptor);
            entry.check_sign(&format!("{path}.weight"), events.weight, self);
        }
        let [start, stop] = drive.span();
        if let (Some(start), Some(end)) = (start, self.length())
            && start >= end
        {
            let message = format!("it never comes: {start} ms is not before the end, {end} ms");
            self.warn(format!("{path}.start"), message);
        }
        let (Some(stop), Some(dt)) = (stop, self.dt()) else { return };
        let start = start.unwrap_or(0.0);
        if stop <= start {
            let message = format!("it stops at {stop} ms, before it starts");
            self.fault(format!("{path}.stop"), message);
        } else if (stop / dt).round() <= (start / dt).round() {
            let message = format!("from {start} to {stop} ms there is no step of {dt} ms");
            self.fault(format!("{path}.stop"), message);
        }
    }

    /// Neurons of a population by their numbers, each at most once.
    pub(super) fn ids(&mut self, path: &str, ids: &[u64], size: u64) {
        if ids.is_empty() {
            self.fault_with_help(path, "no neuron is named", "name some, or leave `ids` out");
        }
        let mut known = HashSet::new();
        for (k, id) in ids.iter().enumerate() {
            if *id >= size {
                let message =
                    format!("there is no neuron {id} among {size}, they are counted from 0");
                self.fault(format!("{path}.{k}"), message);
            } else if !known.insert(id) {
                self.fault(format!("{path}.{k}"), format!("neuron {id} is named twice"));
            }
        }
    }

    /// What goes by rows and columns.
    fn layers(&mut self, path: &str, projection: &Projection, from: &Population, to: &Population) {
        let fits = match (projection.convolution(from, to), &projection.connect) {
            (Ok(_), Connect::Lateral(_)) => projection.sideways(from, to).map(|_| None),
            (fits, _) => fits,
        };
        if let Err((field, message, help)) = fits {
            return self.fault_with_help(format!("{path}.{field}"), message, help);
        }
        let largest = matches!(projection.pool, Some(Pool::Max(_)));
        if largest && !self.has_gradients() {
            let message = "the largest of several spikes is taken in trainings by gradients only";
            self.fault_with_help(format!("{path}.pool"), message, "use `Avg` or `Sum`");
        }
        if largest && self.is_constant(projection) {
            let message = "constant currents are pooled by `Avg` or `Sum`";
            self.fault(format!("{path}.pool"), message);
        }
        if largest && self.goes_below_zero(projection) {
            let message = "values below 0, of a `gain` below 0, are pooled by `Avg` or `Sum`";
            self.fault(format!("{path}.pool"), message);
        }
        if !projection.shares_weights() {
            return;
        }
        if !projection.has_one_delay() {
            let message = "synapses that share weights share one delay";
            let help = "give one delay, or use `Local`";
            self.fault_with_help(format!("{path}.delay"), message, help);
        }
        let help = "use `Local`, whose synapses each have their own";
        if let Some(rule) = projection.learn.as_ref().and_then(Learn::common)
            && !self.has_gradients()
        {
            let by_spikes = matches!(
                projection.learn,
                Some(Learn::Stdp(_) | Learn::Triplet(_) | Learn::Vogels(_))
            );
            if !by_spikes {
                let message = format!(
                    "`{}` asks each synapse for its weight or its rates, and these share weights",
                    rule.name
                );
                let help =
                    "use `Stdp`, `Triplet` or `Vogels`, whose changes are summed, or `Local`";
                self.fault_with_help(format!("{path}.learn"), message, help);
            }
            if rule.eligibility.is_some() {
                let message = "a mark is of one synapse, and these share weights";
                self.fault_with_help(format!("{path}.learn.eligibility"), message, help);
            }
        }
        let of_synapses = [
            ("scaling", projection.scaling.is_some(), "scaled"),
            ("rewire", projection.rewire.is_some(), "replaced"),
        ];
        for (field, _, what) in of_synapses.iter().filter(|(_, asked, _)| *asked) {
            let message = format!("single synapses are {what}, and these share weights");
            self.fault_with_help(format!("{path}.{field}"), message, help);
        }
    }

    pub(super) fn weight(&mut self, path: &str, projection: &Projection, to: Option<&Population>) {
        let entry = match to {
            // A constant current, which may have either sign.
            _ if self.is_constant(projection) => Entry { unit: "pA", ..Entry::default() },
            Some(to) => Entry::new(to, projection.receptor.as_deref()),
            None => Entry::default(),
        };
        let setting = weight::Setting {
            entry: &entry,
            training: self.scene.training.is_some(),
            matrix: matches!(projection.connect, Connect::Dense(_) | Connect::Conv(_)),
        };
        projection.weight.rule().check(path, setting, self);
    }

    pub(super) fn delay(&mut self, path: &str, delay: &Delay, from: Option<&Population>) {
        if let Some(Population { model: Model::Images(images), .. }) = from
            && images.is_constant()
        {
            self.fault_with_help(path, "a constant current has no delay", "leave `delay` out");
        }
        if let Delay::Constant(delay) = delay
            && self.at_least_a_step(path, *delay)
        {
            self.whole_steps(path, delay.get());
        }
        if let (Some(lag), Some(dt)) = (delay.lag(), self.dt()) {
            lag.check(path, dt, self);
        }
    }

    /// Whether a delay is one step or longer; a fault if not.
    pub(super) fn at_least_a_step(&mut self, path: &str, delay: Quantity<Ms>) -> bool {
        let Some(dt) = self.dt() else { return false };
        at_least_a_step(path, delay, dt, self)
    }
}
