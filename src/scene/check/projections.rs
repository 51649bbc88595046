//! Rules of projections: who is connected, weights, delays; and of stimuli.

use super::*;
use crate::network::connect::{Setting, distance::in_space};

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
        if let (Some(ends), Some(Delay::Distance { .. })) = (ends, &projection.delay)
            && !matches!(projection.connect, Connect::Distance(_))
        {
            in_space(&format!("{path}.delay"), projection, ends, self);
        }
        self.weight(&format!("{path}.weight"), projection, to);
        if let Some(delay) = &projection.delay {
            self.delay(&format!("{path}.delay"), delay, from);
            self.learned_delays(path, projection, from);
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
                    && to.is_some_and(|to| matches!(to.model, Model::Readout(_))) =>
            {
                let message = "a readout that is to tell classes gets no stimuli";
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
            self.sign(&format!("{path}.weight"), events.weight, &entry);
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

    /// A conductance is never negative.
    fn sign(&mut self, path: &str, weight: f64, entry: &Entry) {
        if weight < 0.0
            && let Some(name) = &entry.conductance
        {
            let message = format!(
                "a weight of {weight} nS into `{name}`, but a conductance is never negative"
            );
            self.fault_with_help(path, message, &entry.advice);
        }
    }

    /// What goes by rows and columns.
    fn layers(&mut self, path: &str, projection: &Projection, from: &Population, to: &Population) {
        let fits = match (projection.convolution(from, to), &projection.connect) {
            (Ok(_), Connect::Lateral(_)) => projection.sideways(from, to).map(|_| None),
            (fits, _) => fits,
        };
        let shared = match fits {
            Err((field, message, help)) => {
                return self.fault_with_help(format!("{path}.{field}"), message, help);
            }
            Ok(fits) => fits.is_some() && !matches!(projection.connect, Connect::Local(_)),
        };
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
        if !shared {
            return;
        }
        if !projection.has_one_delay() {
            let message = "synapses that share weights share one delay";
            let help = "give one delay, or use `Local`";
            self.fault_with_help(format!("{path}.delay"), message, help);
        }
        // Simulations have every synapse, each with its own weight.
        let by_rule = projection.learn.as_ref().is_some_and(|learn| learn.common().is_some());
        let changes = [
            ("learn", by_rule && !self.has_gradients()),
            ("normalize", projection.normalize.is_some()),
            ("scaling", projection.scaling.is_some()),
            ("rewire", projection.rewire.is_some()),
        ];
        for (field, _) in changes.iter().filter(|(_, changes)| *changes) {
            let message = "synapses that share weights change in a training by gradients only";
            let help = "use `Local`, whose synapses each have their own";
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
        match &projection.weight {
            Weight::File(_) => {}
            Weight::Constant(w) => self.sign(path, w.get(), &entry),
            Weight::Normal { mean, std, min, max } => {
                let (least, faults) = (min.unwrap_or(*mean), self.faults.len());
                self.sign(path, mean.get().min(least.get()), &entry);
                if self.faults.len() > faults {
                    return;
                }
                let lowest = if entry.conductance.is_some() { 0.0 } else { f64::NEG_INFINITY };
                let low = min.map_or(lowest, Quantity::get);
                let high = max.map_or(f64::INFINITY, Quantity::get);
                self.normal_within(path, entry.unit, (mean.get(), std.get()), (low, high));
            }
            Weight::Uniform { low, high } => {
                self.ordered(path, low.get(), high.get());
                self.sign(path, low.get(), &entry);
            }
            Weight::LogNormal { mean, std, max } => {
                let high = max.map_or(f64::INFINITY, Quantity::get);
                self.log_normal_within(path, entry.unit, (mean.get(), std.get()), (0.0, high));
            }
            Weight::Linspace { from, to } => {
                self.sign(path, from.get().min(to.get()), &entry);
            }
            Weight::Values(weights) => {
                for (k, weight) in weights.iter().enumerate() {
                    self.sign(&format!("{path}.{k}"), weight.get(), &entry);
                }
            }
            Weight::Kaiming { .. } => self.scaled(path, "Kaiming", &entry),
            Weight::Xavier { .. } => self.scaled(path, "Xavier", &entry),
            Weight::Orthogonal { .. } => {
                self.scaled(path, "Orthogonal", &entry);
                if !matches!(projection.connect, Connect::Dense(_) | Connect::Conv(_)) {
                    let message =
                        "`Orthogonal` draws a whole matrix, which `Dense` and `Conv` have";
                    self.fault_with_help(path, message, "use `Kaiming` or `Xavier`");
                }
            }
        }
    }

    /// Weights of both signs in units of the projection.
    fn scaled(&mut self, path: &str, word: &str, entry: &Entry) {
        if let Some(name) = &entry.conductance {
            let message = format!(
                "`{word}` draws weights of both signs, and `{name}` is a conductance, never negative"
            );
            self.fault_with_help(path, message, "use `Uniform`, or `Normal` with `min: 0`");
        }
        if self.scene.training.is_none() {
            let message =
                format!("`{word}` scales weights for training, but the scene has no `training`");
            self.fault_with_help(path, message, "give weights in the unit of the receptor");
        }
    }

    /// A normal distribution that is drawn from until the draw lies within bounds must often do so.
    pub(super) fn normal_within(
        &mut self,
        path: &str,
        unit: &str,
        (mean, std): (f64, f64),
        (low, high): (f64, f64),
    ) {
        if low >= high {
            let message = format!("{low} {unit}, the least, is not below {high} {unit}, the most");
            self.fault_with_help(format!("{path}.max"), message, "raise `max` or lower `min`");
            return;
        }
        if Rule::NotNegative.broken(std).is_some() {
            return;
        }
        let mass = normal_mass((low - mean) / std, (high - mean) / std);
        let inside = if std > 0.0 { mass >= LEAST_MASS } else { (low..=high).contains(&mean) };
        if !inside {
            let message = format!(
                "a normal distribution of mean {mean} {unit} and deviation {std} {unit} hardly \
                 ever lies between {low} and {high} {unit}"
            );
            let help = "at least 1 % must: move `mean`, `min` or `max`, or use `Uniform`";
            self.fault_with_help(path, message, help);
        }
    }

    /// The same of a distribution whose logarithm is normal.
    fn log_normal_within(
        &mut self,
        path: &str,
        unit: &str,
        (mean, std): (f64, f64),
        (low, high): (f64, f64),
    ) {
        if low >= high {
            let message = format!("{low} {unit}, the least, is not below {high} {unit}, the most");
            self.fault_with_help(format!("{path}.max"), message, "raise `max` or lower `min`");
            return;
        }
        if Rule::Positive.broken(mean).is_some() || Rule::NotNegative.broken(std).is_some() {
            return;
        }
        let variance = (std / mean).powi(2).ln_1p();
        let level = |x: f64| (x.ln() - mean.ln() + variance / 2.0) / variance.sqrt();
        let inside = match std > 0.0 {
            true => normal_mass(level(low), level(high)) >= LEAST_MASS,
            false => (low..=high).contains(&mean),
        };
        if !inside {
            let message = format!(
                "a log-normal distribution of mean {mean} {unit} and deviation {std} {unit} hardly ever lies between \
                 {low} and {high} {unit}"
            );
            let help = "at least 1 % must: move `mean`, `min` or `max`, or use `Uniform`";
            self.fault_with_help(path, message, help);
        }
    }

    pub(super) fn delay(&mut self, path: &str, delay: &Delay, from: Option<&Population>) {
        if let Some(Population { model: Model::Images(images), .. }) = from
            && images.is_constant()
        {
            self.fault_with_help(path, "a constant current has no delay", "leave `delay` out");
        }
        match delay {
            Delay::Constant(delay) => {
                if self.at_least_a_step(path, *delay) {
                    self.whole_steps(path, delay.get());
                }
            }
            Delay::Normal { mean, std, min, max } => {
                let Some(dt) = self.dt() else { return };
                let low = min.map_or(dt, |min| min.get().max(dt));
                let high = max.map_or(f64::INFINITY, Quantity::get);
                self.normal_within(path, "ms", (mean.get(), std.get()), (low, high));
            }
            Delay::Uniform { low, high } => {
                self.ordered(path, low.get(), high.get());
                self.at_least_a_step(&format!("{path}.low"), *low);
            }
            Delay::LogNormal { mean, std, min, max } => {
                let Some(dt) = self.dt() else { return };
                let low = min.map_or(dt, |min| min.get().max(dt));
                let high = max.map_or(f64::INFINITY, Quantity::get);
                self.log_normal_within(path, "ms", (mean.get(), std.get()), (low, high));
            }
            Delay::Linspace { from, to } => {
                self.at_least_a_step(&format!("{path}.from"), *from);
                self.at_least_a_step(&format!("{path}.to"), *to);
            }
            Delay::Values(delays) => {
                let most = self.warnings.len() + 1;
                for (k, delay) in delays.iter().enumerate() {
                    let path = format!("{path}.{k}");
                    if self.at_least_a_step(&path, *delay) {
                        self.whole_steps(&path, delay.get());
                    }
                    self.warnings.truncate(most);
                }
            }
            Delay::Distance { .. } | Delay::Learn { .. } => {}
        }
    }

    /// Whether a delay is one step or longer; a fault if not.
    pub(super) fn at_least_a_step(&mut self, path: &str, delay: Quantity<Ms>) -> bool {
        let Some(dt) = self.dt() else { return false };
        let enough = delay.get() >= dt * (1.0 - TOLERANCE);
        if !enough {
            let message = format!("a delay of {} ms is below one step of {dt} ms", delay.get());
            self.fault_with_help(path, message, "raise the delay or lower `simulation.dt`");
        }
        enough
    }
}

/// Part of a bounded normal distribution that must lie within its bounds, so that few draws are in
/// vain.
const LEAST_MASS: f64 = 0.01;

/// Where the weights of a projection or stimulus go.
#[derive(Default)]
struct Entry {
    /// The receptor that gets negative weights, if it is a conductance; none if their sign sends them there.
    conductance: Option<String>,
    /// Unit of the weights.
    unit: &'static str,
    /// What to do about negative weights.
    advice: String,
}

impl Entry {
    fn new(to: &Population, receptor: Option<&str>) -> Self {
        let receptors = to.model.receptors();
        let chosen = receptors_of(&receptors, receptor);
        let Some((name, kind)) = receptors.get(chosen[1]) else { return Self::default() };
        let unit = match kind {
            Receptor::Delta {} => "mV",
            kind if kind.is_conductance() => "nS",
            _ => "pA",
        };
        // By NEST's rule what is negative goes to `in` with its magnitude.
        let by_sign = chosen[0] != chosen[1];
        let conductance = (kind.is_conductance() && !by_sign).then(|| name.clone());
        let rest = to.model.neuron().map_or(0.0, |neuron| neuron.rest());
        let inhibits = |kind: &Receptor| {
            let highest = kind.reversal().and_then(|e_rev| e_rev.bounds());
            highest.is_some_and(|(_, e_rev)| e_rev < rest)
        };
        let other = receptors.iter().find(|(_, kind)| inhibits(kind));
        let advice = match other {
            Some((inhibitory, _)) if inhibitory == name => {
                "give the magnitude: that it inhibits is in its `e_rev`, below rest".to_owned()
            }
            Some((inhibitory, _)) => format!(
                "for inhibition give the magnitude, and `receptor: \"{inhibitory}\"`, whose `e_rev` lies below \
                 rest"
            ),
            None => "for inhibition use a receptor with `e_rev` below rest, as `\"in\": Exp(tau: 10, e_rev: \
                     -80)`, and the magnitude of the weight"
                .to_owned(),
        };
        Self { conductance, unit, advice }
    }
}

/// Probability that a standard normal number lies between `low` and `high`.
fn normal_mass(low: f64, high: f64) -> f64 {
    // From the side of the tail, where the difference of two numbers near 1 would be lost.
    let above = |x: f64| 0.5 * libm::erfc(x * std::f64::consts::FRAC_1_SQRT_2);
    if low > 0.0 { above(low) - above(high) } else { above(-high) - above(-low) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mass_of_a_normal_distribution() {
        for (low, high, mass) in [
            (f64::NEG_INFINITY, f64::INFINITY, 1.0),
            (f64::NEG_INFINITY, 0.0, 0.5),
            (-1.0, 1.0, 0.682689492137086),
            (2.0, f64::INFINITY, 0.022750131948179),
            (20.0, 30.0, 2.7536241186062337e-89),
        ] {
            assert!((normal_mass(low, high) / mass - 1.0).abs() < 1e-12, "{low} .. {high}");
        }
    }
}
