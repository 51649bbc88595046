//! Rules of what changes weights, for a long time or a short one, and of modulators.

use super::*;
use crate::input::trains::moved;
use crate::scene::{Gradient, Pairing, Stretch};

impl<'s> Checker<'s> {
    /// Rules of what changes weights, for a long time or a short one.
    pub(super) fn learning(&mut self, path: &str, projection: &'s Projection) {
        if let Some(rule) = projection.learn.as_ref().and_then(Learn::common) {
            self.local_rule(&format!("{path}.learn"), projection, &rule);
        }
        let changes = projection.learn.as_ref().is_some_and(|learn| learn.common().is_some());
        if projection.short_term.is_some() {
            let path = format!("{path}.short_term");
            self.stored(&path, projection, "short-term plasticity");
            if self.has_gradients() {
                self.short_term_of_training(&path, projection);
            }
        }
        if let Some(scaling) = projection.scaling {
            let path = format!("{path}.scaling");
            self.no_gradient(&path, "scaling");
            let inhibits = projection.learn.as_ref().and_then(Learn::common);
            if inhibits.is_some_and(|rule| rule.sign() < 0.0) && scaling.eta > 0.0 {
                let message = "these weights inhibit: with a positive `eta` inhibition grows where the target is \
                               too slow, and drives its rate away from `rho`";
                self.warn(format!("{path}.eta"), message);
            }
            if !changes {
                let help = "add a rule as `learn`, which gives the bounds";
                self.fault_with_help(&path, "only weights that change are scaled", help);
            }
        }
        if let Some(rewire) = projection.rewire {
            self.rewire(&format!("{path}.rewire"), projection, &rewire);
        }
        if let Some(normalize) = projection.normalize {
            let path = format!("{path}.normalize");
            self.no_gradient(&path, "`normalize`");
            if !changes {
                let help = "add a rule as `learn`, or leave `normalize` out";
                self.fault_with_help(&path, "the weights do not change, and keep their sum", help);
            }
            if normalize.every.is_none() && self.scene.training.is_none() {
                let help = "add `every: \"1 s\"`";
                self.fault_with_help(&path, "it is not said when to normalize", help);
            }
        }
    }

    /// What does not go with short-term plasticity in a training by gradients.
    fn short_term_of_training(&mut self, path: &str, projection: &'s Projection) {
        let training = self.scene.training.as_ref();
        let learn = training.map_or(Gradient::Backprop, |training| training.learn);
        let by_values = self.population_named(&projection.from).is_some_and(|from| {
            matches!(&from.model, Model::Images(images) if images.encoder.code().gain().is_some())
        });
        let (what, help) = if learn != Gradient::Backprop {
            ("this way to find gradients", "use `learn: Backprop` in `training`, or leave it out")
        } else if projection.learn.as_ref().and_then(Learn::common).is_some() {
            ("a rule of plasticity in a training by gradients", "use `Backprop` or `Fixed`")
        } else if matches!(projection.delay, Some(Delay::Learn { .. })) {
            ("learned delays", "give the delay")
        } else if projection.dropout > 0.0 {
            ("`dropout` of the same projection", "leave one of them out")
        } else if by_values {
            ("sources that send values", "use `Poisson` or `Latency`, whose output is spikes")
        } else {
            return;
        };
        let message = format!("short-term plasticity does not go with {what}");
        self.fault_with_help(path, message, help);
    }

    /// Rules of the replacement of synapses.
    pub(super) fn rewire(&mut self, path: &str, projection: &'s Projection, rewire: &Rewire) {
        let weight = rewire.weight.get();
        if weight.abs() < rewire.below.get() {
            let message = format!("a new synapse of {weight} is below {}", rewire.below.get());
            let help = "raise `weight`, or it goes again at the end of the next interval";
            self.fault_with_help(format!("{path}.weight"), message, help);
        }
        match projection.learn.as_ref().and_then(Learn::common) {
            None => {
                let help = "add a rule as `learn`, or leave `rewire` out";
                self.fault_with_help(path, "the weights do not change, so none gets weak", help);
            }
            Some(rule) if !(rule.bounds[0]..=rule.bounds[1]).contains(&weight) => {
                let [low, high] = rule.bounds;
                let message =
                    format!("{weight} is not within the bounds {low} and {high} of the rule");
                self.fault(format!("{path}.weight"), message);
            }
            Some(_) => {}
        }
        if matches!(projection.connect, Connect::Dense(_) | Connect::Others(_)) {
            let message = "the projection has all pairs, so no synapse can grow elsewhere";
            let help = "use FixedProbability, FixedInDegree, FixedOutDegree, FixedTotalNumber, Distance, \
                        OneToOne or List";
            self.fault_with_help(path, message, help);
        }
        if self.scene.training.is_some() {
            let help = "leave `training` out";
            self.fault_with_help(path, "synapses are replaced in simulations only", help);
        }
    }

    pub(super) fn local_rule(&mut self, path: &str, projection: &'s Projection, rule: &Common<'_>) {
        let [low, high] = rule.bounds;
        if low >= high {
            let message = format!("the least weight, {low}, is not below the largest, {high}");
            let help = match high < 0.0 {
                true => format!("for inhibition write `w_min: {high}, w_max: 0`"),
                false => "raise `w_max` or lower `w_min`".to_owned(),
            };
            self.fault_with_help(format!("{path}.w_max"), message, help);
        } else if let Some((least, most)) = projection.weight.range()
            && (least < low || most > high)
        {
            let message = format!(
                "weights from {least} to {most} are not within the bounds {low} and {high} of the rule"
            );
            let help = "change the weights, or `w_min` and `w_max`";
            self.fault_with_help(path, message, help);
        }
        if let Some(to) = self.population_named(&projection.to) {
            let receptors = to.model.receptors();
            let [ex, inhibitory] = receptors_of(&receptors, projection.receptor.as_deref());
            let chosen = receptors.get(if high <= 0.0 { inhibitory } else { ex });
            if ex != inhibitory && low < 0.0 && high > 0.0 {
                let message = format!(
                    "weights from {low} to {high} could be of `ex` and of `in`, and learn in one of them"
                );
                let help = "name the `receptor`, or give bounds of one sign";
                self.fault_with_help(format!("{path}.w_min"), message, help);
            } else if chosen.is_some_and(|(_, receptor)| receptor.is_conductance()) && low < 0.0 {
                let message =
                    format!("weights down to {low} nS, but a conductance is never negative");
                let help =
                    "give magnitudes, and the `receptor`: whether it inhibits is its `e_rev`";
                self.fault_with_help(format!("{path}.w_min"), message, help);
            }
        }
        if let Some(Learn::Clopath(clopath)) = &projection.learn {
            let to = self.scene.populations.iter().find(|(name, _)| *name == projection.to);
            if to.is_some_and(|(_, to)| !to.model.is_spiking()) {
                let message = format!("`{}` has no membrane potential that spikes", projection.to);
                self.fault(path, message);
            }
            // Without a duration a neuron that is reset would show no spike.
            let shown = to.is_some_and(|(_, to)| {
                to.model.neuron().is_some_and(|neuron| neuron.shows_spikes())
            });
            if !shown || clopath.v_spike.is_some() {
                let path = format!("{path}.t_spike");
                self.obeys(&path, Rule::Duration, clopath.t_spike.get(), "ms");
                self.whole_steps(&path, clopath.t_spike.get());
            }
        }
        if rule.axonal.is_none()
            && let Some(Delay::Constant(delay)) = projection.delay
            && rule.dendritic > delay.get()
        {
            let message =
                format!("of a delay of {} ms, {} ms are dendritic", delay.get(), rule.dendritic);
            let help = "lower `dendritic`, or give `axonal` too";
            self.fault_with_help(format!("{path}.dendritic"), message, help);
        }
        self.stored(path, projection, rule.name);
        if let Some(Population { model: Model::Images(images), .. }) =
            self.scene.populations.iter().find(|(n, _)| *n == projection.from).map(|(_, p)| p)
            && images.encoder.code().gain().is_some()
        {
            let help = "use `Poisson` or `Latency`, whose output is spikes";
            self.fault_with_help(path, "the sources do not spike", help);
        }
        if self.has_gradients() {
            self.beside_gradients(path, projection, rule);
        }
        if let Some(eligibility) = rule.eligibility {
            let path = format!("{path}.eligibility");
            let (every, tau) = (eligibility.every.get(), eligibility.tau.get());
            if tau > 0.0 && every > 10.0 * tau {
                let message =
                    format!("an interval of {every} ms, in which marks decay with {tau} ms");
                let help = "lower it to ten times `tau` or less";
                self.fault_with_help(format!("{path}.every"), message, help);
            }
            let names = || self.scene.modulators.iter().map(|(name, _)| name.as_str());
            if !names().any(|name| name == eligibility.modulator) {
                let known: Vec<_> = names().collect();
                let help = match closest(&eligibility.modulator, names()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if known.is_empty() => {
                        format!("add `modulators: {{ \"{}\": (tau: 200) }}`", eligibility.modulator)
                    }
                    None => format!("the modulators are {}", known.join(", ")),
                };
                let message = format!("there is no modulator `{}`", eligibility.modulator);
                self.fault_with_help(format!("{path}.modulator"), message, help);
            }
        }
    }

    /// What a rule must be to change weights in a training by gradients, where all spikes of a batch are summed.
    fn beside_gradients(&mut self, path: &str, projection: &'s Projection, rule: &Common<'_>) {
        let weights = "use 0: changes of the same size at every weight";
        let pairs = "use `AllToAll`";
        let marks = "leave it out";
        let asked = match &projection.learn {
            Some(Learn::Stdp(r)) => vec![
                ("mu_plus", r.mu_plus != 0.0, weights),
                ("mu_minus", r.mu_minus != 0.0, weights),
                ("pairing", r.pairing != Pairing::AllToAll, pairs),
                ("eligibility", r.eligibility.is_some(), marks),
            ],
            Some(Learn::Triplet(r)) => vec![
                (
                    "a3_minus",
                    r.a3_minus != 0.0,
                    "use 0: the minimal rule, without triplets of two spikes of the source",
                ),
                ("pairing", r.pairing != Pairing::AllToAll, pairs),
                ("eligibility", r.eligibility.is_some(), marks),
            ],
            Some(Learn::Vogels(_) | Learn::Hebb(_)) => vec![],
            _ => {
                let message =
                    format!("`{}` asks for weights or potentials at every moment", rule.name);
                let help = "in a training by gradients weights learn by `Backprop`, `Stdp`, `Triplet`, `Vogels` or `Hebb`";
                self.fault_with_help(path, message, help);
                vec![]
            }
        };
        for (field, _, help) in asked.into_iter().filter(|(_, given, _)| *given) {
            let message = "in a training by gradients changes are summed over all pairs of spikes of a batch, at the \
                           weights before it";
            self.fault_with_help(format!("{path}.{field}"), message, help);
        }
        let dt = self.scene.simulation.dt.get();
        let delay = match &projection.delay {
            Some(Delay::Constant(delay)) => delay.get(),
            _ => dt,
        };
        if rule.axonal.is_some_and(|axonal| axonal > delay + rule.dendritic + 1e-6 * dt) {
            let message = "in a training by gradients a spike changes synapses with its arrival, or before it";
            let help = "let `axonal` be the delay and `dendritic` together at most";
            self.fault_with_help(format!("{path}.axonal"), message, help);
        }
        let every = projection.learn.as_ref().and_then(Learn::of_rates);
        let every = every.map(|rates| f64::from(rates.rates(rule.sign(), dt).every) * dt);
        if let (Some(every), Some(length)) = (every, self.length())
            && every > length
        {
            let message = format!(
                "{every} ms are longer than a presentation of {length} ms, in which nothing would change"
            );
            let help = "lower it, or raise `training.steps`";
            self.fault_with_help(format!("{path}.every"), message, help);
        }
        if matches!(projection.delay, Some(Delay::Learn { .. })) {
            let help = "give the delay, or use `Backprop` or `Fixed`";
            self.fault_with_help(
                path,
                "delays are learned by gradients, and rules need spikes that come whole",
                help,
            );
        }
        let own_delays = !matches!(projection.delay, None | Some(Delay::Constant(_)));
        if own_delays && rule.axonal.is_some() {
            let message = "each synapse has a delay of its own, and the rule does not follow it";
            let help = match projection.learn.as_ref().and_then(Learn::of_rates) {
                Some(_) => "give one delay",
                None => "leave `axonal` out, or give one delay",
            };
            self.fault_with_help(path, message, help);
        }
        let target = self.population_named(&projection.to);
        if target.is_some_and(|to| !to.model.is_spiking()) {
            let message = format!("`{}` does not spike", projection.to);
            self.fault_with_help(path, message, "use `Backprop` or `Fixed`");
        }
        if self.scene.training.as_ref().is_some_and(|training| training.meta.is_some()) {
            let message = "in a training by tasks weights learn by gradients alone";
            self.fault_with_help(path, message, "use `Backprop` or `Fixed`");
        }
    }

    /// What changes needs a place to be kept.
    pub(super) fn stored(&mut self, path: &str, projection: &Projection, what: &str) {
        if matches!(projection.connect, Connect::Procedural(_)) {
            let message = format!("`Procedural` keeps no weights, which {what} needs");
            let help =
                "use `FixedOutDegree`, which draws the same kind of projection and stores it";
            self.fault_with_help(path, message, help);
        }
    }

    /// Whether the scene has a training by gradients.
    pub(super) fn has_gradients(&self) -> bool {
        self.scene.training.as_ref().is_some_and(|training| training.loss.is_gradient())
    }

    /// What gradients do not know of.
    pub(super) fn no_gradient(&mut self, path: &str, what: &str) {
        if self.has_gradients() {
            let message = format!("{what} does not go with a training by gradients");
            let help = "leave it out, or simulate without `training`";
            self.fault_with_help(path, message, help);
        }
    }

    pub(super) fn modulator(&mut self, name: &str, modulator: &'s Modulator) {
        let path = format!("modulators.{name}");
        if self.has_gradients() {
            self.gated(&path, modulator);
        }
        for (i, effect) in modulator.effects.iter().enumerate() {
            let path = format!("{path}.effects.{i}");
            match effect {
                Effect::Learning { projection, .. } => {
                    let path = format!("{path}.projection");
                    let by_spikes = |learn: &Learn| {
                        matches!(
                            learn,
                            Learn::Stdp(_)
                                | Learn::Triplet(_)
                                | Learn::Clopath(_)
                                | Learn::Vogels(_)
                        )
                    };
                    if let Some(p) = self.known_projection(&path, projection)
                        && !p.learn.as_ref().is_some_and(by_spikes)
                    {
                        let message = format!("`{projection}` does not learn by spikes");
                        self.fault_with_help(
                            path,
                            message,
                            "its `learn` is to be Stdp, Triplet, Clopath or Vogels",
                        );
                    }
                }
                Effect::Gain { population: name, receptor, neurons, .. } => {
                    let Some(p) = self.known(&format!("{path}.population"), name) else { continue };
                    if !p.model.is_spiking() {
                        let message = format!("`{name}` has no receptors");
                        self.fault(format!("{path}.population"), message);
                        continue;
                    }
                    self.receptor(&path, (name, p), receptor.as_deref());
                    if let Some(some) = neurons {
                        self.neurons_with_gain(&format!("{path}.neurons"), *some, p.size);
                    }
                }
                Effect::Noise { population, .. } => {
                    let path = format!("{path}.population");
                    let into =
                        |s: &Stimulus| s.to == *population && matches!(s.input, Input::Noise(_));
                    if self.known(&path, population).is_some()
                        && !self.scene.stimuli.iter().any(into)
                    {
                        let message = format!("`{population}` has no noise current");
                        let help = "add a stimulus `Noise(std: ...)` to it";
                        self.fault_with_help(path, message, help);
                    }
                }
                Effect::Threshold { population, .. } => {
                    let path = format!("{path}.population");
                    if let Some(p) = self.known(&path, population)
                        && !p.model.neuron().is_some_and(|neuron| neuron.has_threshold())
                    {
                        let message = format!("neurons of `{population}` have no fixed threshold");
                        self.fault_with_help(path, message, "use `Lif` neurons, or `Gain`");
                    }
                }
            }
        }
        for (i, effect) in modulator.effects.iter().enumerate() {
            let others = self.scene.modulators.iter().flat_map(|(other, m)| {
                m.effects.iter().enumerate().map(move |(k, effect)| (other, k, effect))
            });
            let mut earlier = others.take_while(|(other, k, _)| !(*other == name && *k == i));
            // In a training each multiplies what arrives; elsewhere it makes the number that it moves.
            if !self.has_gradients() && earlier.any(|(_, _, other)| other.same(effect)) {
                let path = format!("{path}.effects.{i}");
                let help = "leave one of them out, or release both substances as one";
                self.fault_with_help(path, "another effect moves the same number", help);
            }
        }
        for (i, release) in modulator.release.iter().enumerate() {
            let path = format!("{path}.release.{i}");
            match release {
                Release::Events { times, .. } => {
                    let bad = |w: &[f64]| w[0] > w[1];
                    if let Some(at) = times.windows(2).position(bad) {
                        let message = format!("{} ms comes after {} ms", times[at + 1], times[at]);
                        let help = "sort the list";
                        self.fault_with_help(format!("{path}.times.{}", at + 1), message, help);
                    }
                    if let Some(at) = times.iter().position(|t| *t < 0.0) {
                        let message = format!("{} is not a time from 0 on", times[at]);
                        self.fault(format!("{path}.times.{at}"), message);
                    }
                    self.releases(&format!("{path}.times"), times);
                }
                Release::Spikes { population, .. } => {
                    self.known(&format!("{path}.population"), population);
                }
                Release::Pair { projection, within, low, high, .. } => {
                    for (name, time) in [("within", within), ("low", low), ("high", high)] {
                        self.moment(&format!("{path}.{name}"), time.get());
                    }
                    self.ordered(&path, low.get(), high.get());
                    let path = format!("{path}.projection");
                    let p = self.known_projection(&path, projection);
                    let changes =
                        |p: &Projection| p.learn.as_ref().is_some_and(|l| l.common().is_some());
                    if let Some(p) = p
                        && p.shares_weights()
                        && changes(p)
                    {
                        let message = format!(
                            "synapses of `{projection}` share weights that change, so no number is of one of them"
                        );
                        let help =
                            "reward a synapse of another projection, between the same two neurons";
                        self.fault_with_help(&path, message, help);
                    }
                    if let Some(p) = p
                        && p.rewire.is_some()
                    {
                        let message = format!(
                            "synapses of `{projection}` move, and the rewarded one may too"
                        );
                        let help =
                            "leave `rewire` out of it, or reward a synapse of another projection";
                        self.fault_with_help(path, message, help);
                    }
                }
            }
        }
    }

    /// Neurons of a population of so many that have a gain of their own.
    fn neurons_with_gain(&mut self, path: &str, some: Stretch, size: u64) {
        if !self.has_gradients() {
            let message = "in a simulation all neurons of a population have one gain";
            let help = "make populations of them, or leave it out";
            self.fault_with_help(path, message, help);
        } else if size > 0 && !some.is_within(size) {
            let Stretch { from, to } = some;
            let message = format!("from {from} to {to} there are none of the {size} neurons");
            let help = format!("let it begin before it ends, and end at {size} at the latest");
            self.fault_with_help(path, message, help);
        }
    }

    /// What a training by gradients knows of modulators: gains, by what is there before they act.
    fn gated(&mut self, path: &str, modulator: &'s Modulator) {
        if modulator.effects.is_empty() {
            let help = "give it `effects: [Gain(...)]`, or leave it out";
            self.fault_with_help(path, "in a training it does nothing", help);
        }
        for (i, effect) in modulator.effects.iter().enumerate() {
            let path = format!("{path}.effects.{i}");
            let Effect::Gain { population, receptor, .. } = effect else {
                let message =
                    format!("`{}` does not go with a training by gradients", effect.word());
                self.fault_with_help(path, message, "use `Gain`, or simulate without `training`");
                continue;
            };
            let mut into = self.scene.projections.iter().filter(|p| p.to == *population);
            let named = self.population_named(population);
            let known = named.map_or(Vec::new(), |population| population.model.receptors());
            let at = receptor.as_ref().and_then(|name| known.iter().position(|k| k.0 == *name));
            let ends = |p: &Projection| receptors_of(&known, p.receptor.as_deref());
            let drawn = |stimulus: &&Stimulus| match stimulus.input.drive().events() {
                Some(events) if stimulus.to == *population => {
                    let ends = receptors_of(&known, events.receptor);
                    at.is_none_or(|at| at == ends[usize::from(events.weight < 0.0)])
                }
                _ => false,
            };
            let arrives = into.clone().any(|p| at.is_none_or(|at| ends(p).contains(&at)))
                || self.scene.stimuli.iter().any(|stimulus| drawn(&stimulus));
            if named.is_some() && !arrives {
                let place = receptor.as_ref().map_or(String::new(), |name| format!("`{name}` of "));
                let message =
                    format!("nothing arrives at {place}`{population}`, whose gain this is");
                let help = "let a projection end there, or leave it out";
                self.fault_with_help(&path, message, help);
            }
            if let Some(constant) = into.find(|p| self.is_constant(p)) {
                let message = format!(
                    "`{}` brings `{population}` a constant current, which arrives at no receptor and has no gain",
                    constant.name()
                );
                let help = "give its `Images` a `hold`, so that it does, or let them spike";
                self.fault_with_help(format!("{path}.population"), message, help);
            }
        }
        for (i, release) in modulator.release.iter().enumerate() {
            let path = format!("{path}.release.{i}");
            match release {
                Release::Events { .. } => {}
                Release::Spikes { population, .. } => {
                    let named = self.population_named(population);
                    let model = named.map(|population| &population.model);
                    let values = matches!(model, Some(Model::Images(images))
                        if images.encoder.code().gain().is_some());
                    let acted_on = modulator.effects.iter().filter_map(|effect| match effect {
                        Effect::Gain { population, .. } => Some(population.as_str()),
                        _ => None,
                    });
                    let back =
                        acted_on.clone().find(|on| self.reached(on).contains(&population.as_str()));
                    let by_times = self.scene.training.as_ref().and_then(|t| t.learn.by_times());
                    let (what, help) = match model {
                        Some(Model::Readout { .. }) => {
                            ("sends nothing", "let neurons release it that spike, or sources")
                        }
                        Some(model) if model.neuron().is_some() && by_times.is_some() => (
                            "are neurons, and `EventProp` does not go through what they release",
                            "let sources release it: `Poisson`, `Spikes`, `Images` with a `part`",
                        ),
                        _ if back.is_some() => (
                            "gets back what it acts on by this substance, and a training has a concentration of all \
                             steps before anything that it acts on",
                            "let it act on populations from which nothing leads back, or simulate without `training`",
                        ),
                        _ if values => {
                            ("sends values", "use `Poisson` or `Latency`, whose output is spikes")
                        }
                        _ => continue,
                    };
                    let message = format!("`{population}` {what}");
                    self.fault_with_help(format!("{path}.population"), message, help);
                }
                Release::Pair { .. } => {
                    let message = "`Pair` does not go with a training by gradients";
                    let help = "use `Spikes` or `Events`, or simulate without `training`";
                    self.fault_with_help(path, message, help);
                }
            }
        }
    }

    /// Releases at given times that move, or come after the end.
    fn releases(&mut self, path: &str, times: &[f64]) {
        let Some(dt) = self.dt() else { return };
        let all = times.len();
        let off = || times.iter().filter_map(|t| Some((t, moved(*t, dt)?)));
        if let Some((t, used)) = off().next() {
            let count = off().count();
            let message = format!(
                "{count} of {all} releases are not at multiples of dt = {dt} ms; the first of them, at {t} ms, comes \
                 at {used} ms"
            );
            self.warn(path, message);
        }
        let Some(end) = self.length() else { return };
        let late = times.iter().filter(|t| (**t / dt).round() >= (end / dt).round()).count();
        if late > 0 {
            let message = format!(
                "{late} of {all} releases come after the end at {end} ms, and never happen"
            );
            self.warn(path, message);
        }
    }
}
