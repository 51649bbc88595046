//! Rules of a scene that its types cannot express.
//!
//! Every rule is applied, whatever the others found, so that one reading of the faults mends the
//! whole scene. A fault names the path of the value it is about; [`super::load`] finds its place.

use super::learning::Common;
use super::text::closest;
use super::{
    Channel, Connect, Delay, Dimension, DistanceKernel, Effect, Encoder, Gate, Hh, Input, Learn,
    Lif, Loss, Model, Modulator, Ms, Mv, Ns, One, Optimizer, Param, Parameters, Pf, Population,
    Positions, Projection, Quantity, Rate, Readout, Receptor, Record, Release, Rewire, Rule, Scene,
    Schedule, Spikes, Stimulus, Surrogate, Training, Um, Weight,
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

    fn population(&mut self, name: &str, population: &'s Population) {
        let path = format!("populations.{name}");
        if !is_name(name) {
            let message = format!("`{}` is not a name", name.escape_default());
            let help = "a letter or `_`, then up to 63 letters, digits, `_`, `.` or `-`";
            self.fault_with_help(&path, message, help);
        }
        match population.size {
            0 => self.fault(format!("{path}.size"), "a population has at least one neuron"),
            size if size > u64::from(u32::MAX) => {
                self.fault(
                    format!("{path}.size"),
                    format!("{size} neurons are more than {}", u32::MAX),
                );
            }
            _ => {}
        }
        if let Some(positions) = &population.positions {
            self.positions(&format!("{path}.positions"), positions, population.size);
        }
        let path = format!("{path}.model");
        match &population.model {
            Model::Lif(neuron) => self.lif(&path, neuron),
            Model::Readout(neuron) => self.readout(&path, neuron),
            Model::Poisson(source) => {
                let path = format!("{path}.rate");
                self.bound(&path, &source.rate, not_negative);
                if let Some((_, rate)) = bounds(&source.rate) {
                    self.spike_probability(&path, rate);
                }
            }
            Model::Adex(neuron) => {
                self.parameters(&path, &neuron.parameters());
                self.receptors(&path, &neuron.receptors);
                self.threshold(&path, &neuron.e_l, &neuron.v_peak, &neuron.v_reset);
            }
            Model::Izhikevich(neuron) => {
                self.parameters(&path, &neuron.parameters());
                self.receptors(&path, &neuron.receptors);
            }
            Model::Hh(neuron) => {
                self.parameters(&path, &neuron.parameters());
                self.receptors(&path, &neuron.receptors);
                self.channels(&path, neuron);
            }
            Model::Spikes(spikes) => self.spikes(&path, population.size, spikes),
            Model::Images(images) => self.encoder(&format!("{path}.encoder"), &images.encoder),
        }
    }

    /// The rules of a model's parameters, for the values that are known before any draw.
    fn parameters(&mut self, path: &str, parameters: &[(&str, Param<One>, Rule)]) {
        for (name, param, rule) in parameters {
            let path = format!("{path}.{name}");
            self.distribution(&path, param);
            let lowest = bounds(param).map(|(low, _)| low);
            if let Some((value, rule)) = lowest.and_then(|low| Some((low, rule.broken(low)?))) {
                self.fault(&path, format!("{value}: {rule}"));
            }
        }
        if let Some((_, Param::Value(t_ref), _)) = parameters.iter().find(|p| p.0 == "t_ref") {
            self.whole_steps(&format!("{path}.t_ref"), t_ref.get());
        }
    }

    fn channels(&mut self, path: &str, neuron: &Hh) {
        if neuron.channels.is_empty() {
            let help = "write `channels: {\"leak\": Leak(g: 10, e_rev: -65)}` at least";
            self.fault_with_help(path, "a membrane without channels has no potential", help);
        }
        for (name, channel) in &neuron.channels {
            let path = format!("{path}.channels.{name}");
            if !is_name(name) {
                self.fault(&path, format!("`{}` is not a name", name.escape_default()));
            }
            let (g, e_rev) = channel.strength();
            self.bound(&format!("{path}.g"), g, not_negative);
            if let Some(e_rev) = e_rev {
                self.distribution(&format!("{path}.e_rev"), e_rev);
            }
            if channel.needs_calcium() && neuron.calcium.is_none() {
                let help = "add `calcium: (area: ...)`, the area of the membrane in µm²";
                self.fault_with_help(&path, "this channel needs a pool of calcium", help);
            }
            if channel.needs_ions() && neuron.ions.is_none() {
                let help = "add `ions: (k_bath: 8)`";
                self.fault_with_help(&path, "this channel needs moving sodium and potassium", help);
            }
            if let Channel::Custom { e_rev, ion, .. } = channel
                && e_rev.is_some() == ion.is_some()
            {
                let message = "a channel has either `e_rev` or an `ion` that sets it";
                self.fault_with_help(format!("{path}.e_rev"), message, "give one of them");
            }
            if let Channel::Custom { gates, .. } = channel {
                for (gate_name, gate) in gates {
                    let path = format!("{path}.gates.{gate_name}");
                    let (power, slopes) = match *gate {
                        Gate::Rates { power, alpha, beta, .. } => {
                            let k = |rate: Rate| match rate {
                                Rate::Exp { k, .. }
                                | Rate::Sigmoid { k, .. }
                                | Rate::Linoid { k, .. } => k,
                            };
                            (power, vec![k(alpha), k(beta)])
                        }
                        Gate::Relaxation { power, k, tau, .. } => {
                            self.positive(&format!("{path}.tau"), tau);
                            (power, vec![k])
                        }
                        Gate::Instant { power, k, .. } => (power, vec![k]),
                        Gate::Opened { power, half } => {
                            self.positive(&format!("{path}.half"), half);
                            (power, vec![])
                        }
                    };
                    if slopes.contains(&0.0) {
                        self.fault(format!("{path}.k"), "a slope `k` of 0 mV divides by zero");
                    }
                    if !(1..=8).contains(&power) {
                        self.fault(format!("{path}.power"), format!("{power} is not from 1 to 8"));
                    }
                }
            }
        }
        if let Some(calcium) = &neuron.calcium {
            let path = format!("{path}.calcium");
            match (calcium.area, calcium.gamma) {
                (Some(area), None) => self.positive(&format!("{path}.area"), area),
                (None, Some(gamma)) => self.positive(&format!("{path}.gamma"), gamma),
                _ => self.fault(&path, "give `area` in µm² or `gamma` in mM / (pA ms)"),
            }
            self.positive(&format!("{path}.depth"), calcium.depth.get());
            self.positive(&format!("{path}.tau"), calcium.tau.get());
            self.not_negative(&format!("{path}.rest"), calcium.rest.get());
            self.positive(&format!("{path}.outside"), calcium.outside.get());
        }
        if let Some(ions) = &neuron.ions {
            let path = format!("{path}.ions");
            for (name, value) in [
                ("gamma", ions.gamma),
                ("beta", ions.beta),
                ("inside", ions.inside),
                ("sodium_outside", ions.sodium_outside),
                ("thermal", ions.thermal),
                ("potassium_init", ions.potassium_init),
                ("sodium_init", ions.sodium_init),
            ] {
                self.positive(&format!("{path}.{name}"), value);
            }
            for (name, value) in [
                ("rho", ions.rho),
                ("glia", ions.glia),
                ("epsilon", ions.epsilon),
                ("k_bath", ions.k_bath),
            ] {
                self.not_negative(&format!("{path}.{name}"), value);
            }
        }
    }

    fn receptors(&mut self, path: &str, receptors: &[(String, Receptor)]) {
        if receptors.len() > MOST_RECEPTORS {
            let message = format!("{} receptors are more than {MOST_RECEPTORS}", receptors.len());
            self.fault(format!("{path}.receptors"), message);
        }
        for (name, receptor) in receptors {
            let path = format!("{path}.receptors.{name}");
            if !is_name(name) {
                self.fault(&path, format!("`{}` is not a name", name.escape_default()));
            }
            for (field, tau) in receptor.times() {
                self.positive(&format!("{path}.{field}"), tau);
            }
            if let Receptor::Nmda { mg, .. } = receptor {
                self.not_negative(&format!("{path}.mg"), mg.get());
            }
        }
    }

    fn spikes(&mut self, path: &str, size: u64, spikes: &Spikes) {
        let help = "list the times of each source in ascending order, in ms";
        if spikes.times.len() as u64 > size {
            let message =
                format!("{} lists of times for a population of {size}", spikes.times.len());
            self.fault(format!("{path}.times"), message);
        }
        for (source, times) in spikes.times.iter().enumerate() {
            let path = format!("{path}.times.{source}");
            if let Some(k) = times.iter().position(|t| !is_finite(*t) || *t <= 0.0) {
                let message = format!("a spike at {} ms, times are positive", times[k]);
                self.fault_with_help(format!("{path}.{k}"), message, help);
            } else if let Some(k) = times.windows(2).position(|pair| pair[0] >= pair[1]) {
                let message = format!("{} ms comes after {} ms", times[k + 1], times[k]);
                self.fault_with_help(format!("{path}.{}", k + 1), message, help);
            }
        }
        if spikes.file.is_some() && !spikes.times.is_empty() {
            self.fault(format!("{path}.file"), "`times` and `file` are both given, keep one");
        }
    }

    fn positions(&mut self, path: &str, positions: &Positions, size: u64) {
        let origin = match positions {
            Positions::Grid { shape, spacing, origin } => {
                self.dimensions(&format!("{path}.shape"), shape.len());
                let points: u128 = shape.iter().fold(1, |n, &k| n.saturating_mul(u128::from(k)));
                if points != u128::from(size) {
                    let message =
                        format!("the grid has {points} points, the population {size} neurons");
                    let help = "make the product of `shape` equal to `size`";
                    self.fault_with_help(format!("{path}.shape"), message, help);
                }
                self.positive(&format!("{path}.spacing"), spacing.get());
                origin
            }
            Positions::Uniform { extent, origin } => {
                self.dimensions(&format!("{path}.extent"), extent.len());
                self.lengths(&format!("{path}.extent"), extent);
                origin
            }
        };
        if let Some(origin) = origin
            && is_dimension(&positions.dimensions())
        {
            self.same_dimensions(&format!("{path}.origin"), origin, positions.dimensions());
        }
    }

    /// Space has two or three dimensions.
    fn dimensions(&mut self, path: &str, count: usize) {
        if !is_dimension(&count) {
            let message = format!("space has two or three dimensions, not {count}");
            self.fault_with_help(path, message, "write [x, y] or [x, y, z]");
        }
    }

    fn same_dimensions(&mut self, path: &str, lengths: &[Quantity<Um>], dimensions: usize) {
        if lengths.len() != dimensions {
            let message =
                format!("there are {} lengths for {dimensions} dimensions", lengths.len());
            self.fault_with_help(path, message, "give one length for each dimension");
        }
    }

    fn lengths(&mut self, path: &str, lengths: &[Quantity<Um>]) {
        for (axis, length) in lengths.iter().enumerate() {
            self.positive(&format!("{path}.{axis}"), length.get());
        }
    }

    fn lif(&mut self, path: &str, neuron: &Lif) {
        self.receptors(path, &neuron.receptors);
        if let Some(tau) = neuron.tau_syn_in {
            self.positive(&format!("{path}.tau_syn_in"), tau.get());
        }
        let named = neuron.tau_syn_in.is_some() || neuron.e_ex.is_some() || neuron.e_in.is_some();
        if named && !neuron.receptors.is_empty() {
            let message = "`receptors` and tau_syn_in, e_ex or e_in are both given, keep one";
            self.fault(format!("{path}.receptors"), message);
        }
        if self.has_gradients() && (named || !neuron.receptors.is_empty()) {
            let message = "a neuron that is trained has one receptor, an exponential current";
            self.fault_with_help(path, message, "leave `receptors`, tau_syn_in, e_ex and e_in out");
        }
        self.membrane(path, &neuron.c_m, neuron.tau_m.as_ref(), neuron.g_l.as_ref());
        for (name, tau) in [("tau_syn", &neuron.tau_syn), ("tau_rel", &neuron.tau_rel)] {
            self.bound(&format!("{path}.{name}"), tau, positive);
        }
        for (name, potential) in
            [("e_l", &neuron.e_l), ("v_th", &neuron.v_th), ("v_reset", &neuron.v_reset)]
        {
            self.distribution(&format!("{path}.{name}"), potential);
        }
        if let Some(v_init) = &neuron.v_init {
            self.distribution(&format!("{path}.v_init"), v_init);
        }
        self.distribution(&format!("{path}.i_e"), &neuron.i_e);
        self.bound(&format!("{path}.delta_th"), &neuron.delta_th, not_negative);
        self.bound(&format!("{path}.t_ref"), &neuron.t_ref, not_negative);
        if let Param::Value(t_ref) = neuron.t_ref {
            self.whole_steps(&format!("{path}.t_ref"), t_ref.get());
        }
        self.threshold(path, &neuron.e_l, &neuron.v_th, &neuron.v_reset);
    }

    fn threshold(&mut self, path: &str, e_l: &Param<Mv>, v_th: &Param<Mv>, v_reset: &Param<Mv>) {
        let Some((v_th, _)) = bounds(v_th) else {
            return;
        };
        if let Some((_, v_reset)) = bounds(v_reset).filter(|(_, v_reset)| *v_reset >= v_th) {
            let message =
                format!("the reset potential, {v_reset} mV, is not below the threshold, {v_th} mV");
            self.fault_with_help(
                format!("{path}.v_reset"),
                message,
                "lower `v_reset` or raise `v_th`",
            );
        }
        if let Some((_, e_l)) = bounds(e_l).filter(|(_, e_l)| *e_l >= v_th) {
            let message = format!(
                "the threshold, {v_th} mV, is not above the resting potential, {e_l} mV: \
                 these neurons fire without input"
            );
            self.warn(format!("{path}.v_th"), message);
        }
    }

    fn readout(&mut self, path: &str, neuron: &Readout) {
        self.membrane(path, &neuron.c_m, neuron.tau_m.as_ref(), neuron.g_l.as_ref());
        self.bound(&format!("{path}.tau_syn"), &neuron.tau_syn, positive);
        self.distribution(&format!("{path}.e_l"), &neuron.e_l);
        self.distribution(&format!("{path}.i_e"), &neuron.i_e);
        self.positive(&format!("{path}.v_unit"), neuron.v_unit.get());
    }

    fn membrane(
        &mut self,
        path: &str,
        c_m: &Param<Pf>,
        tau_m: Option<&Param<Ms>>,
        g_l: Option<&Param<Ns>>,
    ) {
        self.bound(&format!("{path}.c_m"), c_m, positive);
        if let Some(tau_m) = tau_m {
            self.bound(&format!("{path}.tau_m"), tau_m, positive);
        }
        if let Some(g_l) = g_l {
            self.bound(&format!("{path}.g_l"), g_l, positive);
        }
        if tau_m.is_some() && g_l.is_some() {
            let message = "`tau_m` and `g_l` are both given, but each follows from the other";
            self.fault_with_help(format!("{path}.g_l"), message, "keep one: tau_m = c_m / g_l");
        }
    }

    fn encoder(&mut self, path: &str, encoder: &Encoder) {
        match *encoder {
            Encoder::Poisson { max_rate } => {
                let path = format!("{path}.max_rate");
                self.not_negative(&path, max_rate.get());
                self.spike_probability(&path, max_rate.get());
            }
            Encoder::Latency { window, cutoff } => {
                self.positive(&format!("{path}.window"), window.get());
                self.fraction(&format!("{path}.cutoff"), cutoff);
            }
            Encoder::Constant { gain } => self.finite(&format!("{path}.gain"), gain),
        }
    }

    /// A Poisson source draws at most one spike per step.
    fn spike_probability(&mut self, path: &str, rate: f64) {
        let Some(dt) = self.dt() else { return };
        if rate * dt > 1000.0 {
            let message = format!(
                "{rate} Hz are {} spikes per step of {dt} ms, at most 1 is possible",
                rate * dt / 1000.0
            );
            self.fault_with_help(path, message, "lower the rate or `simulation.dt`");
        }
    }

    fn projection(&mut self, path: &str, projection: &'s Projection) {
        if let Some(name) = projection.name.as_ref().filter(|name| !is_projection_name(name)) {
            let message = format!("`{}` is not a name", name.escape_default());
            let help = "up to 160 letters, digits, `_`, `.`, `-` or `>`";
            self.fault_with_help(format!("{path}.name"), message, help);
        }
        let from = self.known(&format!("{path}.from"), &projection.from);
        let to = self.known(&format!("{path}.to"), &projection.to);
        if let Some(Population { model: Model::Readout(_), .. }) = from {
            let message = format!("`{}` is a readout, which sends no spikes", projection.from);
            self.fault(format!("{path}.from"), message);
        }
        if let Some(Population {
            model: Model::Images(_) | Model::Poisson(_) | Model::Spikes(_),
            ..
        }) = to
        {
            let message = format!("`{}` is a source, which takes no input", projection.to);
            self.fault(format!("{path}.to"), message);
        }
        if let (Some(to), Some(name)) = (to, &projection.receptor) {
            let known = to.model.receptors();
            if !known.iter().any(|known| known == name) {
                let message = format!("`{}` has no receptor `{name}`", projection.to);
                let help = match closest(name, known.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("it has {}", known.join(", ")),
                };
                self.fault_with_help(format!("{path}.receptor"), message, help);
            }
        }
        // What an unknown or empty population breaks is not to be reported twice.
        let ends = from.zip(to).filter(|(from, to)| from.size > 0 && to.size > 0);
        self.connect(&format!("{path}.connect"), projection, ends);
        if let (Some(ends), Some(Delay::Distance { .. })) = (ends, projection.delay)
            && !matches!(projection.connect, Connect::Distance { .. })
        {
            self.in_space(&format!("{path}.delay"), projection, ends);
        }
        self.weight(&format!("{path}.weight"), &projection.weight);
        if let Some(delay) = projection.delay {
            self.delay(&format!("{path}.delay"), delay, from);
        }
        self.learning(path, projection);
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

    /// Rules of what changes weights, for a long time or a short one.
    fn learning(&mut self, path: &str, projection: &'s Projection) {
        let receptors = self.scene.populations.iter().find(|(name, _)| *name == projection.to);
        let conductance = receptors.is_some_and(|(_, to)| to.model.is_conductance(projection));
        if let Some(rule) = projection.learn.as_ref().and_then(Learn::common) {
            let path = format!("{path}.learn");
            self.local_rule(&path, projection, &rule, conductance);
        }
        let changes = projection.learn.as_ref().is_some_and(|learn| learn.common().is_some());
        if let Some(short_term) = projection.short_term {
            let path = format!("{path}.short_term");
            self.fraction(&format!("{path}.u"), short_term.u);
            self.positive(&format!("{path}.tau_rec"), short_term.tau_rec.get());
            self.not_negative(&format!("{path}.tau_facil"), short_term.tau_facil.get());
            self.stored(&path, projection, "short-term plasticity");
            self.no_gradient(&path, "short-term plasticity");
        }
        if let Some(scaling) = projection.scaling {
            let path = format!("{path}.scaling");
            self.not_negative(&format!("{path}.rho"), scaling.rho.get());
            self.finite(&format!("{path}.eta"), scaling.eta);
            self.positive(&format!("{path}.tau_mean"), scaling.tau_mean.get());
            self.positive(&format!("{path}.every"), scaling.every.get());
            self.whole_steps(&format!("{path}.every"), scaling.every.get());
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
            self.positive(&format!("{path}.sum"), normalize.sum.get());
            if !changes {
                let help = "add a rule as `learn`, or leave `normalize` out";
                self.fault_with_help(&path, "the weights do not change, and keep their sum", help);
            }
            match normalize.every {
                Some(every) => {
                    self.positive(&format!("{path}.every"), every.get());
                    self.whole_steps(&format!("{path}.every"), every.get());
                }
                None if self.scene.training.is_none() => {
                    let help = "add `every: \"1 s\"`";
                    self.fault_with_help(&path, "it is not said when to normalize", help);
                }
                None => {}
            }
        }
    }

    /// Rules of the replacement of synapses.
    fn rewire(&mut self, path: &str, projection: &'s Projection, rewire: &Rewire) {
        self.positive(&format!("{path}.below"), rewire.below.get());
        self.fraction(&format!("{path}.fraction"), rewire.fraction);
        self.positive(&format!("{path}.every"), rewire.every.get());
        self.whole_steps(&format!("{path}.every"), rewire.every.get());
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
        if matches!(projection.connect, Connect::Dense | Connect::Others) {
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

    fn local_rule(
        &mut self,
        path: &str,
        projection: &'s Projection,
        rule: &Common<'_>,
        conductance: bool,
    ) {
        let [low, high] = rule.bounds;
        if low >= high {
            let message = format!("the least weight, {low}, is not below the largest, {high}");
            let help = "raise `w_max` or lower `w_min`";
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
        if conductance && low < 0.0 {
            let message = format!("weights down to {low} nS, but a conductance is never negative");
            let help = "raise `w_min`; whether a synapse inhibits is the receptor's `e_rev`";
            self.fault_with_help(format!("{path}.w_min"), message, help);
        }
        for (name, tau) in &rule.times {
            self.positive(&format!("{path}.{name}"), *tau);
        }
        for (name, number) in &rule.numbers {
            self.finite(&format!("{path}.{name}"), *number);
        }
        if let Some(Learn::Stdp(stdp)) = &projection.learn {
            self.not_negative(&format!("{path}.mu_plus"), stdp.mu_plus);
            self.not_negative(&format!("{path}.mu_minus"), stdp.mu_minus);
        }
        if let Some(Learn::Clopath(clopath)) = &projection.learn {
            self.not_negative(&format!("{path}.delay_u"), clopath.delay_u.get());
            self.not_negative(&format!("{path}.t_spike"), clopath.t_spike.get());
            let to = self.scene.populations.iter().find(|(name, _)| *name == projection.to);
            if to.is_some_and(|(_, to)| !to.model.is_spiking()) {
                let message = format!("`{}` has no membrane potential that spikes", projection.to);
                self.fault(path, message);
            }
        }
        self.not_negative(&format!("{path}.dendritic"), rule.dendritic);
        if let Some(axonal) = rule.axonal {
            self.not_negative(&format!("{path}.axonal"), axonal);
        } else if let Some(Delay::Value(delay)) = projection.delay
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
            && matches!(images.encoder, Encoder::Constant { .. })
        {
            let help = "use `Poisson` or `Latency`, whose output is spikes";
            self.fault_with_help(path, "the sources do not spike", help);
        }
        self.no_gradient(path, rule.name);
        if let Some(eligibility) = rule.eligibility {
            let path = format!("{path}.eligibility");
            self.positive(&format!("{path}.tau"), eligibility.tau.get());
            self.finite(&format!("{path}.rate"), eligibility.rate);
            self.positive(&format!("{path}.every"), eligibility.every.get());
            self.whole_steps(&format!("{path}.every"), eligibility.every.get());
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

    /// What changes needs a place to be kept.
    fn stored(&mut self, path: &str, projection: &Projection, what: &str) {
        if matches!(projection.connect, Connect::Procedural { .. }) {
            let message = format!("`Procedural` keeps no weights, which {what} needs");
            let help =
                "use `FixedOutDegree`, which draws the same kind of projection and stores it";
            self.fault_with_help(path, message, help);
        }
    }

    /// Whether the scene has a training by gradients.
    fn has_gradients(&self) -> bool {
        self.scene.training.as_ref().is_some_and(|training| training.loss.is_gradient())
    }

    /// What gradients do not know of.
    fn no_gradient(&mut self, path: &str, what: &str) {
        if self.has_gradients() {
            let message = format!("{what} does not go with a training by gradients");
            let help = "use `Backprop` or `Fixed`, or simulate without `training`";
            self.fault_with_help(path, message, help);
        }
    }

    fn modulator(&mut self, name: &str, modulator: &'s Modulator) {
        let path = format!("modulators.{name}");
        self.positive(&format!("{path}.tau"), modulator.tau.get());
        self.finite(&format!("{path}.baseline"), modulator.baseline);
        for (i, effect) in modulator.effects.iter().enumerate() {
            let path = format!("{path}.effects.{i}");
            match effect {
                Effect::Learning { projection, slope } => {
                    self.finite(&format!("{path}.slope"), *slope);
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
                Effect::Gain { population, slope } => {
                    self.finite(&format!("{path}.slope"), *slope);
                    let path = format!("{path}.population");
                    if let Some(p) = self.known(&path, population)
                        && !p.model.is_spiking()
                    {
                        self.fault(path, format!("`{population}` has no receptors"));
                    }
                }
                Effect::Noise { population, slope } => {
                    self.finite(&format!("{path}.slope"), *slope);
                    let path = format!("{path}.population");
                    let into = |s: &Stimulus| {
                        s.to == *population && matches!(s.input, Input::Noise { .. })
                    };
                    if self.known(&path, population).is_some()
                        && !self.scene.stimuli.iter().any(into)
                    {
                        let message = format!("`{population}` has no noise current");
                        let help = "add a stimulus `Noise(std: ...)` to it";
                        self.fault_with_help(path, message, help);
                    }
                }
                Effect::Threshold { population, slope } => {
                    self.finite(&format!("{path}.slope"), slope.get());
                    let path = format!("{path}.population");
                    if let Some(p) = self.known(&path, population)
                        && !matches!(p.model, Model::Lif(_))
                    {
                        let message = format!("neurons of `{population}` have no fixed threshold");
                        self.fault_with_help(path, message, "use `Lif` neurons, or `Gain`");
                    }
                }
            }
        }
        for (i, release) in modulator.release.iter().enumerate() {
            let path = format!("{path}.release.{i}");
            match release {
                Release::Events { times, amount } => {
                    self.finite(&format!("{path}.amount"), *amount);
                    let bad = |w: &[f64]| w[0] > w[1] || w.iter().any(|t| !t.is_finite());
                    if let Some(at) = times.windows(2).position(bad) {
                        let message = format!("{} ms comes after {} ms", times[at + 1], times[at]);
                        let help = "sort the list";
                        self.fault_with_help(format!("{path}.times.{}", at + 1), message, help);
                    }
                    if let Some(at) = times.iter().position(|t| !t.is_finite() || *t < 0.0) {
                        let message = format!("{} is not a time from 0 on", times[at]);
                        self.fault(format!("{path}.times.{at}"), message);
                    }
                }
                Release::Spikes { population, amount } => {
                    self.finite(&format!("{path}.amount"), *amount);
                    self.known(&format!("{path}.population"), population);
                }
                Release::Pair { projection, within, low, high, amount, .. } => {
                    self.finite(&format!("{path}.amount"), *amount);
                    self.positive(&format!("{path}.within"), within.get());
                    self.ordered(&path, *low, *high);
                    self.positive(&format!("{path}.low"), low.get());
                    self.known_projection(&format!("{path}.projection"), projection);
                }
            }
        }
    }

    /// The projection of that name, which must exist.
    fn known_projection(&mut self, path: &str, name: &str) -> Option<&'s Projection> {
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

    fn stimulus(&mut self, path: &str, stimulus: &'s Stimulus) {
        let to = self.known(&format!("{path}.to"), &stimulus.to);
        if let Some(Population {
            model: Model::Images(_) | Model::Poisson(_) | Model::Spikes(_),
            ..
        }) = to
        {
            let message = format!("`{}` is a source, which takes no input", stimulus.to);
            self.fault(format!("{path}.to"), message);
        }
        if self.scene.training.is_some() {
            self.fault(path, "a training has no stimuli; its input is the data");
        }
        let path = format!("{path}.input");
        let (start, stop) = match &stimulus.input {
            Input::Poisson { rate, receptor, start, stop, .. } => {
                self.not_negative(&format!("{path}.rate"), rate.get());
                if let (Some(to), Some(name)) = (to, receptor) {
                    let known = to.model.receptors();
                    if !known.iter().any(|known| known == name) {
                        let message = format!(
                            "`{}` has no receptor `{name}`, it has {}",
                            stimulus.to,
                            known.join(", ")
                        );
                        self.fault(format!("{path}.receptor"), message);
                    }
                }
                (start.map(|t| t.get()), stop.map(|t| t.get()))
            }
            Input::Step { start, stop, .. } => (Some(start.get()), stop.map(|t| t.get())),
            Input::Ramp { start, stop, .. } => (Some(start.get()), Some(stop.get())),
            Input::Noise { std, tau, start, stop, .. } => {
                self.not_negative(&format!("{path}.std"), std.get());
                if let Some(tau) = tau {
                    self.positive(&format!("{path}.tau"), tau.get());
                }
                (start.map(|t| t.get()), stop.map(|t| t.get()))
            }
        };
        if let Some(start) = start {
            self.not_negative(&format!("{path}.start"), start);
        }
        if let Some(stop) = stop
            && stop <= start.unwrap_or(0.0)
        {
            let message = format!("it stops at {stop} ms, before it starts");
            self.fault(format!("{path}.stop"), message);
        }
    }

    fn connect(
        &mut self,
        path: &str,
        projection: &Projection,
        ends: Option<(&Population, &Population)>,
    ) {
        let own = projection.from == projection.to;
        // Partners on one side for a neuron on the other.
        let sources =
            |autapses: bool| ends.map(|(from, _)| from.size - u64::from(own && !autapses));
        let targets = |autapses: bool| ends.map(|(_, to)| to.size - u64::from(own && !autapses));
        match &projection.connect {
            Connect::Dense | Connect::List(_) => {}
            Connect::OneToOne | Connect::Others => {
                if let Some((from, to)) = ends.filter(|(from, to)| from.size != to.size) {
                    let message = format!(
                        "`{}` has {} neurons and `{}` has {}, which leaves some without a partner",
                        projection.from, from.size, projection.to, to.size
                    );
                    self.fault_with_help(path, message, "give both the same size");
                }
            }
            Connect::FixedProbability { p, .. } => self.fraction(&format!("{path}.p"), *p),
            &Connect::FixedInDegree { k, autapses, multapses } => {
                let words = ["target", "sources"];
                self.degree(&format!("{path}.k"), k, sources(autapses), multapses, words);
            }
            &Connect::FixedOutDegree { k, autapses, multapses } => {
                let words = ["source", "targets"];
                self.degree(&format!("{path}.k"), k, targets(autapses), multapses, words);
            }
            &Connect::Procedural { k, autapses } => {
                let words = ["source", "targets"];
                self.degree(&format!("{path}.k"), k, targets(autapses), true, words);
                if k > u64::from(u32::MAX) {
                    self.fault(format!("{path}.k"), format!("{k} is more than {}", u32::MAX));
                }
                if !matches!(projection.weight, Weight::Constant(_)) {
                    let help = "give one weight, or store the synapses: FixedOutDegree";
                    self.fault_with_help(path, "procedural synapses share one weight", help);
                }
                if !matches!(projection.delay, None | Some(Delay::Value(_))) {
                    let help = "give one delay, or store the synapses: FixedOutDegree";
                    self.fault_with_help(path, "procedural synapses share one delay", help);
                }
                if self.has_gradients() {
                    let help = "use FixedOutDegree";
                    self.fault_with_help(path, "a training stores its synapses", help);
                }
            }
            &Connect::FixedTotalNumber { n, autapses, multapses } => {
                let path = format!("{path}.n");
                let pairs = sources(autapses)
                    .zip(ends)
                    .map(|(sources, (_, to))| u128::from(sources) * u128::from(to.size));
                if n == 0 {
                    self.fault(&path, "a projection has at least 1 synapse");
                } else if let Some(pairs) = pairs
                    && u128::from(n) > pairs
                    && (!multapses || pairs == 0)
                {
                    let message = format!("{n} synapses are drawn from {pairs} pairs");
                    let help = "lower `n`, or allow `multapses` or `autapses`";
                    self.fault_with_help(&path, message, help);
                }
            }
            Connect::Distance { kernel, max_distance, periodic, extent, .. } => {
                self.kernel(&format!("{path}.kernel"), *kernel);
                if let Some(distance) = max_distance {
                    self.positive(&format!("{path}.max_distance"), distance.get());
                }
                let dimensions = ends.and_then(|ends| self.in_space(path, projection, ends));
                self.period(path, *periodic, extent.as_deref(), dimensions);
                if let (Some((from, to)), Some(extent)) = (ends, extent)
                    && dimensions == Some(extent.len())
                {
                    self.overlap(&format!("{path}.extent"), extent, [from, to]);
                }
            }
        }
    }

    /// Whether each neuron of one side can draw `k` partners from the other.
    fn degree(
        &mut self,
        path: &str,
        k: u64,
        choices: Option<u64>,
        multapses: bool,
        [who, whom]: [&str; 2],
    ) {
        if k == 0 {
            self.fault(path, "a degree is at least 1");
        } else if let Some(choices) = choices
            && k > choices
            && (!multapses || choices == 0)
        {
            let message = format!("each {who} draws {k} {whom} of the {choices} that there are");
            let help = "lower `k`, or allow `multapses` or `autapses`";
            self.fault_with_help(path, message, help);
        }
    }

    fn kernel(&mut self, path: &str, kernel: DistanceKernel) {
        let (p, name, length) = match kernel {
            DistanceKernel::Gaussian { p, sigma } => (p, "sigma", sigma),
            DistanceKernel::Exponential { p, length } => (p, "length", length),
            DistanceKernel::Step { p, radius } => (p, "radius", radius),
        };
        self.fraction(&format!("{path}.p"), p);
        self.positive(&format!("{path}.{name}"), length.get());
    }

    /// The dimensions of the space in which both populations lie; a fault if there is none.
    fn in_space(
        &mut self,
        path: &str,
        projection: &Projection,
        (from, to): (&Population, &Population),
    ) -> Option<usize> {
        let ends = [(&projection.from, from), (&projection.to, to)];
        if let Some((name, _)) = ends.iter().find(|(_, end)| end.positions.is_none()) {
            let message = format!("distances need positions, and `{name}` has none");
            let help = format!(
                "add `positions: Grid(shape: [nx, ny], spacing: \"50 um\")` or \
                 `positions: Uniform(extent: [x, y])` to `{name}`"
            );
            self.fault_with_help(path, message, help);
            return None;
        }
        let dimensions = |end: &Population| end.positions.as_ref().map(Positions::dimensions);
        let [a, b] = [from, to].map(|end| dimensions(end).filter(is_dimension));
        let (a, b) = (a?, b?);
        if a != b {
            let (from, to) = (&projection.from, &projection.to);
            let message = format!("`{from}` lies in {a} dimensions, `{to}` in {b}");
            self.fault_with_help(path, message, "give both positions as many coordinates");
            return None;
        }
        Some(a)
    }

    fn period(
        &mut self,
        path: &str,
        periodic: bool,
        extent: Option<&[Quantity<Um>]>,
        dimensions: Option<usize>,
    ) {
        match (periodic, extent) {
            (false, None) => {}
            (true, None) => {
                let message = "space cannot close on itself without a length";
                let help = "add `extent: [x, y]`, the length of each axis";
                self.fault_with_help(format!("{path}.periodic"), message, help);
            }
            (false, Some(_)) => {
                let message = "`extent` is where space closes on itself, which it does not";
                let help = "add `periodic: true`, or leave `extent` out";
                self.fault_with_help(format!("{path}.extent"), message, help);
            }
            (true, Some(extent)) => {
                let path = format!("{path}.extent");
                self.lengths(&path, extent);
                if let Some(dimensions) = dimensions {
                    self.same_dimensions(&path, extent, dimensions);
                }
            }
        }
    }

    /// Warns of a population that is longer than the space in which it is to lie.
    fn overlap(&mut self, path: &str, extent: &[Quantity<Um>], ends: [&Population; 2]) {
        let length = |positions: &Positions, axis: usize| match positions {
            Positions::Grid { shape, spacing, .. } => {
                shape[axis].saturating_sub(1) as f64 * spacing.get()
            }
            Positions::Uniform { extent, .. } => extent[axis].get(),
        };
        for (axis, period) in extent.iter().map(|period| period.get()).enumerate() {
            let lengths = ends.iter().filter_map(|end| Some(length(end.positions.as_ref()?, axis)));
            let longest = lengths.fold(0.0, f64::max);
            if longest > period * (1.0 + TOLERANCE) {
                let message = format!(
                    "a population is {longest} um long where space closes on itself after {period} \
                     um, so neurons at different positions coincide"
                );
                self.warn(format!("{path}.{axis}"), message);
            }
        }
    }

    fn weight(&mut self, path: &str, weight: &Weight) {
        match *weight {
            Weight::Constant(_) | Weight::File(_) => {}
            Weight::Normal { mean, std, min, max } => {
                self.not_negative(&format!("{path}.std"), std.get());
                let low = min.map_or(f64::NEG_INFINITY, Quantity::get);
                let high = max.map_or(f64::INFINITY, Quantity::get);
                self.normal_within(path, "pA", (mean.get(), std.get()), (low, high));
            }
            Weight::Uniform { low, high } => self.ordered(path, low, high),
            Weight::Kaiming { gain } => {
                if self.scene.training.is_none() {
                    let message =
                        "`Kaiming` scales weights for training, but the scene has no `training`";
                    self.fault_with_help(path, message, "give weights in the unit of the receptor");
                }
                self.positive(&format!("{path}.gain"), gain);
            }
        }
    }

    /// A normal distribution that is drawn from until the draw lies within bounds must often do so.
    fn normal_within(
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
        if not_negative(std).is_some() {
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

    fn delay(&mut self, path: &str, delay: Delay, from: Option<&Population>) {
        if let Some(Population { model: Model::Images(images), .. }) = from
            && matches!(images.encoder, Encoder::Constant { .. })
        {
            self.fault_with_help(path, "a constant current has no delay", "leave `delay` out");
        }
        if self.has_gradients() && !matches!(delay, Delay::Value(_)) {
            let message = "training needs one delay for all synapses of a projection";
            self.fault_with_help(path, message, "write one quantity, as `delay: 1.5`");
        }
        match delay {
            Delay::Value(delay) => {
                if self.at_least_a_step(path, delay) {
                    self.whole_steps(path, delay.get());
                }
            }
            Delay::Normal { mean, std, min, max } => {
                self.not_negative(&format!("{path}.std"), std.get());
                let Some(dt) = self.dt() else { return };
                let low = min.map_or(dt, |min| min.get().max(dt));
                let high = max.map_or(f64::INFINITY, Quantity::get);
                self.normal_within(path, "ms", (mean.get(), std.get()), (low, high));
            }
            Delay::Uniform { low, high } => {
                self.ordered(path, low, high);
                self.at_least_a_step(&format!("{path}.low"), low);
            }
            Delay::Distance { offset, velocity } => {
                self.not_negative(&format!("{path}.offset"), offset.get());
                self.positive(&format!("{path}.velocity"), velocity.get());
            }
        }
    }

    /// Whether a delay is one step or longer; a fault if not.
    fn at_least_a_step(&mut self, path: &str, delay: Quantity<Ms>) -> bool {
        let Some(dt) = self.dt() else { return false };
        let enough = delay.get() >= dt * (1.0 - TOLERANCE);
        if !enough {
            let message = format!("a delay of {} ms is below one step of {dt} ms", delay.get());
            self.fault_with_help(path, message, "raise the delay or lower `simulation.dt`");
        }
        enough
    }

    fn training(&mut self, training: &Training) {
        for (name, count) in [
            ("epochs", Some(training.epochs)),
            ("batch", Some(training.batch)),
            ("steps", Some(training.steps)),
            ("limit", training.limit),
        ] {
            if count == Some(0) {
                self.fault(format!("training.{name}"), "0 is not enough, at least 1 is needed");
            }
        }
        self.exactly_one("Images", |model| matches!(model, Model::Images(_)));
        if let Loss::Assignment { population, samples } = &training.loss {
            self.assignment(training, population, *samples);
            return;
        }
        for (name, population) in &self.scene.populations {
            let model = match population.model {
                Model::Adex(_) => "Adex",
                Model::Izhikevich(_) => "Izhikevich",
                Model::Hh(_) => "Hh",
                Model::Spikes(_) => "Spikes",
                _ => continue,
            };
            let message = format!("`{model}` is of simulations, and cannot be part of a training");
            let help = "use `Lif`, or `Images` and `Poisson` as sources";
            self.fault_with_help(format!("populations.{name}.model"), message, help);
        }
        self.exactly_one("Readout", |model| matches!(model, Model::Readout(_)));
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
        if let Some(optimizer) = &training.optimizer {
            self.optimizer(optimizer);
        }
        if let Schedule::Cosine { floor } = training.schedule {
            self.fraction("training.schedule.floor", floor);
        }
        let Some(surrogate) = training.surrogate else { return };
        let (name, value) = match surrogate {
            Surrogate::FastSigmoid { slope } => ("slope", slope),
            Surrogate::ArcTan { alpha } => ("alpha", alpha),
            Surrogate::Triangle { gamma } => ("gamma", gamma),
            Surrogate::SuperSpike { beta } => ("beta", beta),
            Surrogate::Boxcar { width } => ("width", width),
            Surrogate::StraightThrough => return,
        };
        self.positive(&format!("training.surrogate.{name}"), value);
    }

    fn exactly_one(&mut self, kind: &str, is_kind: impl Fn(&Model) -> bool) {
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
    fn assignment(&mut self, training: &Training, name: &str, samples: u64) {
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
        if samples == 0 {
            self.fault("training.loss.samples", "0 is not enough, at least 1 is needed");
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

    fn optimizer(&mut self, optimizer: &Optimizer) {
        let path = |name: &str| format!("training.optimizer.{name}");
        match *optimizer {
            Optimizer::Adam { lr, beta1, beta2, eps } => {
                self.positive(&path("lr"), lr);
                self.below_one(&path("beta1"), beta1);
                self.below_one(&path("beta2"), beta2);
                self.positive(&path("eps"), eps);
            }
            Optimizer::Sgd { lr, momentum } => {
                self.positive(&path("lr"), lr);
                self.below_one(&path("momentum"), momentum);
            }
        }
    }

    /// What a scene must not or must have if it only simulates.
    fn no_training(&mut self) {
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

    fn record(&mut self, record: &Record) {
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
                self.positive(&format!("{path}.every"), every.get());
                self.whole_steps(&format!("{path}.every"), every.get());
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

    fn recorded_weights(&mut self, record: &Record) {
        let scene = self.scene;
        for (i, trace) in record.weights.iter().enumerate() {
            let path = format!("record.weights.{i}");
            if let Some(every) = trace.every {
                self.positive(&format!("{path}.every"), every.get());
                self.whole_steps(&format!("{path}.every"), every.get());
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
            self.positive("record.modulators", every.get());
            self.whole_steps("record.modulators", every.get());
            if scene.modulators.is_empty() {
                self.fault("record.modulators", "there are no modulators to record");
            }
        }
    }

    /// The population of that name, which must exist.
    fn known(&mut self, path: &str, name: &str) -> Option<&'s Population> {
        let populations = &self.scene.populations;
        let found =
            populations.iter().find(|(known, _)| known == name).map(|(_, population)| population);
        if found.is_none() {
            let names = || populations.iter().map(|(known, _)| known.as_str());
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

    /// A time that the simulation rounds to steps.
    fn whole_steps(&mut self, path: &str, time: f64) {
        let Some(dt) = self.dt().filter(|_| is_positive(time)) else {
            return;
        };
        let steps = time / dt;
        let whole = steps.round();
        if whole == 0.0 {
            let message = format!(
                "{time} ms is less than half a step of {dt} ms, and would be rounded to none"
            );
            self.fault_with_help(path, message, "raise it or lower `simulation.dt`");
        } else if (steps - whole).abs() > TOLERANCE * whole {
            let used = (whole * dt * 1e9).round() / 1e9;
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

/// Relative difference below which a time counts as a multiple of the step.
const TOLERANCE: f64 = 1e-6;

/// Whether space may have so many dimensions.
fn is_dimension(count: &usize) -> bool {
    (2..=3).contains(count)
}

/// Part of a bounded normal distribution that must lie within its bounds, so that few draws are in
/// vain.
const LEAST_MASS: f64 = 0.01;

/// Probability that a standard normal number lies between `low` and `high`, by Simpson's rule; what
/// lies beyond 9 deviations is below its error.
fn normal_mass(low: f64, high: f64) -> f64 {
    const INTERVALS: usize = 400;
    let (low, high) = (low.clamp(-9.0, 9.0), high.clamp(-9.0, 9.0));
    let width = (high - low) / INTERVALS as f64;
    let sum: f64 = (0..=INTERVALS)
        .map(|k| {
            let factor = match k {
                0 | INTERVALS => 1.0,
                _ if k % 2 == 1 => 4.0,
                _ => 2.0,
            };
            let x = low + k as f64 * width;
            factor * (-0.5 * x * x).exp()
        })
        .sum();
    sum * width / 3.0 / std::f64::consts::TAU.sqrt()
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
            (20.0, 30.0, 0.0),
        ] {
            assert!((normal_mass(low, high) - mass).abs() < 1e-9, "{low} .. {high}");
        }
    }
}
