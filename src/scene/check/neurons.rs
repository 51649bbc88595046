//! Rules of populations: neurons, sources, receptors, places.

use super::*;
use crate::input::encoder::Setting;
use crate::input::poisson::check_rate;

impl<'s> Checker<'s> {
    /// Rows, columns and channels, which together are the neurons.
    fn shape(&mut self, path: &str, population: &Population) {
        let Population { shape, size, .. } = population;
        if shape.is_empty() {
            return;
        }
        let path = format!("{path}.shape");
        if population.layer().is_none() {
            let message = format!("a shape of {} numbers", shape.len());
            self.fault_with_help(&path, message, "give `[rows, columns, channels]`");
        }
        let neurons = population.room();
        if neurons != u128::from(*size) {
            let message = format!("it has room for {neurons} neurons, but `size` is {size}");
            self.fault_with_help(&path, message, "leave `size` out");
        }
    }

    pub(super) fn population(&mut self, name: &str, population: &'s Population) {
        let path = format!("populations.{name}");
        if !is_name(name) {
            let message = format!("`{}` is not a name", name.escape_default());
            let help = "a letter or `_`, then up to 63 letters, digits, `_`, `.` or `-`";
            self.fault_with_help(&path, message, help);
        }
        match population.size {
            0 if population.shape.is_empty() => self.fault_with_help(
                format!("{path}.size"),
                "a population has at least one neuron",
                "give it a `size` or a `shape`",
            ),
            size if size > u64::from(u32::MAX) => {
                self.fault(
                    format!("{path}.size"),
                    format!("{size} neurons are more than {}", u32::MAX),
                );
            }
            _ => {}
        }
        self.shape(&path, population);
        if let Some(positions) = &population.positions {
            self.positions(&format!("{path}.positions"), positions, population.size);
        }
        let path = format!("{path}.model");
        if let Some(neuron) = population.model.neuron() {
            self.receptors(&path, &neuron.receptors());
            neuron.check(&path, self);
        }
        match &population.model {
            Model::Poisson(source) => {
                if let Some((_, rate)) = source.rate.bounds().filter(|(_, rate)| rate.is_finite()) {
                    self.poisson(&format!("{path}.rate"), rate);
                }
            }
            Model::Like { model, .. } => {
                let message = format!("`{model}` is to be put in place before a scene is checked");
                self.fault(&path, message);
            }
            Model::Regular(regular) => {
                let lowest = regular.interval.bounds().map(|(low, _)| low);
                if let (Some(interval), Some(dt)) = (lowest, self.dt())
                    && interval < dt * (1.0 - TOLERANCE)
                {
                    let message = format!(
                        "spikes every {interval} ms are more than one in a step of {dt} ms"
                    );
                    let help = "lengthen the interval, or lower `simulation.dt`";
                    self.fault_with_help(format!("{path}.interval"), message, help);
                }
            }
            Model::Spikes(spikes) => self.spikes(&path, population.size, spikes),
            Model::Patterns(patterns) if population.size > 0 => {
                self.patterns(&path, population.size, patterns);
            }
            Model::Images(images) => {
                self.sources_of_pixels(name, population, images);
                let held = self.frames(&path, images);
                if let Some(dt) = self.dt() {
                    let code = images.encoder.code();
                    code.check(&format!("{path}.encoder"), Setting { dt, held }, self);
                }
            }
            _ => {}
        }
    }

    /// Sources that are not several of each pixel, as many as the encoder says.
    fn sources_of_pixels(&mut self, name: &str, population: &Population, images: &Images) {
        let (size, fields) = (population.size, images.fields());
        if size % fields > 0 {
            let by = if population.shape.is_empty() { "size" } else { "shape" };
            let message =
                format!("{size} sources are no multiple of the {fields} that each pixel has");
            let help = format!("write {fields} for each pixel of a frame, or change `fields`");
            self.fault_with_help(format!("populations.{name}.{by}"), message, help);
        }
    }

    /// For how many steps each frame is shown, where that is sound, and not the whole window.
    fn frames(&mut self, path: &str, images: &Images) -> Option<u64> {
        let steps = self.scene.training.as_ref().map_or(0, |training| training.steps);
        let hold = images.hold.map(Quantity::get);
        let sound = images.frames > 0 && steps > 0 && hold.is_none_or(is_positive);
        let dt = self.dt().filter(|_| sound)?;
        let frames = images.frames;
        let broken = |hold: &f64| (hold / dt).round() < 1.0 || moved(*hold, dt).is_some();
        if let Some(hold) = hold.filter(broken) {
            let message = format!("{hold} ms are no whole number of steps of {dt} ms");
            let help = "give a multiple of `simulation.dt`";
            self.fault_with_help(format!("{path}.hold"), message, help);
            return None;
        }
        let Some(held) = images.held(steps, dt) else {
            let message = format!(
                "the {steps} steps of `training.steps` cannot be shared equally among {frames} frames"
            );
            let help = "give `hold`, how long each is shown, or make `training.steps` a multiple";
            self.fault_with_help(format!("{path}.frames"), message, help);
            return None;
        };
        if u128::from(held) * u128::from(frames) > u128::from(steps) {
            let shown = format!("{frames} x {held} steps in which frames are shown");
            let message = format!("{shown} are more than the {steps} of `training.steps`");
            let help = "raise `training.steps`, or lower `hold` or `frames`";
            self.fault_with_help(format!("{path}.hold"), message, help);
            return None;
        }
        Some(held).filter(|held| *held < steps)
    }

    pub(super) fn receptors(&mut self, path: &str, receptors: &[(String, Receptor)]) {
        if receptors.len() > MOST_RECEPTORS {
            let message = format!("{} receptors are more than {MOST_RECEPTORS}", receptors.len());
            self.fault(format!("{path}.receptors"), message);
        }
        for (name, receptor) in receptors {
            let path = format!("{path}.receptors.{name}");
            if !is_name(name) {
                self.fault(&path, format!("`{}` is not a name", name.escape_default()));
            }
            if let Receptor::Exp { e_rev: Some(_), init, .. } = receptor {
                let path = format!("{path}.init");
                let lowest = init.bounds().map(|(low, _)| low);
                lowest.into_iter().for_each(|low| {
                    self.obeys(&path, Rule::NotNegative, low, "nS");
                });
                if let Param::Normal { mean, .. } = init {
                    self.obeys(&format!("{path}.mean"), Rule::NotNegative, mean.get(), "nS");
                }
            }
        }
    }

    pub(super) fn spikes(&mut self, path: &str, size: u64, spikes: &Spikes) {
        let help = "list the times of each source in ascending order, in ms";
        if spikes.times.len() as u64 > size {
            let message =
                format!("{} lists of times for a population of {size}", spikes.times.len());
            self.fault(format!("{path}.times"), message);
        }
        let faults = self.faults.len();
        for (source, times) in spikes.times.iter().enumerate() {
            let path = format!("{path}.times.{source}");
            if let Some(k) = times.iter().position(|t| *t <= 0.0) {
                let message = format!("a spike at {} ms, times are positive", times[k]);
                self.fault_with_help(format!("{path}.{k}"), message, help);
            } else if let Some(k) = times.windows(2).position(|pair| pair[0] >= pair[1]) {
                let message = format!("{} ms comes after {} ms", times[k + 1], times[k]);
                self.fault_with_help(format!("{path}.{}", k + 1), message, help);
            }
        }
        if let (Some(dt), true) = (self.dt(), faults == self.faults.len()) {
            let end = self.scene.simulation.duration.map(Quantity::get);
            let found = OnGrid::new(&spikes.times, dt, end);
            match found.merged() {
                Some(((source, k), message)) => {
                    self.fault_with_help(
                        format!("{path}.times.{source}.{k}"),
                        message,
                        OnGrid::HELP,
                    );
                }
                None => found.warnings().for_each(|w| self.warn(format!("{path}.times"), w)),
            }
        }
        if spikes.file.is_some() && !spikes.times.is_empty() {
            self.fault(format!("{path}.file"), "`times` and `file` are both given, keep one");
        }
    }

    pub(super) fn positions(&mut self, path: &str, positions: &Positions, size: u64) {
        let origin = match positions {
            Positions::Grid { shape, origin, .. } => {
                self.dimensions(&format!("{path}.shape"), shape.len());
                let points: u128 = shape.iter().fold(1, |n, &k| n.saturating_mul(u128::from(k)));
                if points != u128::from(size) {
                    let message =
                        format!("the grid has {points} points, the population {size} neurons");
                    let help = "make the product of `shape` equal to `size`";
                    self.fault_with_help(format!("{path}.shape"), message, help);
                }
                origin
            }
            Positions::Uniform { extent, origin } => {
                self.dimensions(&format!("{path}.extent"), extent.len());
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
    pub(super) fn dimensions(&mut self, path: &str, count: usize) {
        if !is_dimension(&count) {
            let message = format!("space has two or three dimensions, not {count}");
            self.fault_with_help(path, message, "write [x, y] or [x, y, z]");
        }
    }

    pub(super) fn same_dimensions(
        &mut self,
        path: &str,
        lengths: &[Quantity<Um>],
        dimensions: usize,
    ) {
        if lengths.len() != dimensions {
            let message =
                format!("there are {} lengths for {dimensions} dimensions", lengths.len());
            self.fault_with_help(path, message, "give one length for each dimension");
        }
    }

    /// The rate of sources that are to be Poisson processes. Pixels, which are drawn once in a step by design, as rate
    /// coding has it, are not.
    pub(super) fn poisson(&mut self, path: &str, rate: f64) {
        self.spike_probability(path, rate);
        let possible = self.dt().filter(|dt| rate * dt <= 1000.0);
        if let Some(message) = possible.and_then(|dt| not_poisson(rate, dt)) {
            self.warn(path, message);
        }
    }

    /// A Poisson source draws at most one spike per step.
    pub(super) fn spike_probability(&mut self, path: &str, rate: f64) {
        if let Some(dt) = self.dt() {
            check_rate(path, rate, dt, self);
        }
    }
}
