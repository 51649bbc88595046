//! Rules of populations: neurons, sources, receptors, places.

use super::*;

impl<'s> Checker<'s> {
    pub(super) fn population(&mut self, name: &str, population: &'s Population) {
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
            Model::Readout(neuron) => {
                self.membrane(&path, neuron.tau_m.as_ref(), neuron.g_l.as_ref());
            }
            Model::Poisson(source) => {
                let path = format!("{path}.rate");
                if let Some((_, rate)) = source.rate.bounds().filter(|(_, rate)| rate.is_finite()) {
                    self.spike_probability(&path, rate);
                    // Pixels are drawn once in a step by design, as rate coding has it.
                    let regular = self.dt().filter(|dt| rate * dt <= 1000.0);
                    if let Some(message) = regular.and_then(|dt| not_poisson(rate, dt)) {
                        self.warn(&path, message);
                    }
                }
            }
            Model::Adex(neuron) => {
                self.receptors(&path, &neuron.receptors);
                self.threshold(&path, &neuron.e_l, &neuron.v_peak, &neuron.v_reset);
            }
            Model::Izhikevich(neuron) => self.receptors(&path, &neuron.receptors),
            Model::Hh(neuron) => {
                self.receptors(&path, &neuron.receptors);
                self.channels(&path, neuron);
            }
            Model::Spikes(spikes) => self.spikes(&path, population.size, spikes),
            Model::Images(images) => {
                if let Encoder::Poisson { max_rate } = images.encoder {
                    let path = format!("{path}.encoder.max_rate");
                    self.spike_probability(&path, max_rate.get());
                }
            }
        }
    }

    pub(super) fn channels(&mut self, path: &str, neuron: &Hh) {
        if neuron.channels.is_empty() {
            let help = "write `channels: {\"leak\": Leak(g: 10, e_rev: -65)}` at least";
            self.fault_with_help(path, "a membrane without channels has no potential", help);
        }
        for (name, channel) in &neuron.channels {
            let path = format!("{path}.channels.{name}");
            if !is_name(name) {
                self.fault(&path, format!("`{}` is not a name", name.escape_default()));
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
                        Gate::Relaxation { power, k, .. } | Gate::Instant { power, k, .. } => {
                            (power, vec![k])
                        }
                        Gate::Opened { power, .. } => (power, vec![]),
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
        if let Some(calcium) = &neuron.calcium
            && calcium.area.is_some() == calcium.gamma.is_some()
        {
            let message = "give `area` in µm² or `gamma` in mM / (pA ms)";
            self.fault(format!("{path}.calcium"), message);
        }
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

    pub(super) fn lif(&mut self, path: &str, neuron: &Lif) {
        self.receptors(path, &neuron.receptors);
        let named = neuron.tau_syn_in.is_some() || neuron.e_ex.is_some() || neuron.e_in.is_some();
        if named && !neuron.receptors.is_empty() {
            let message = "`receptors` and tau_syn_in, e_ex or e_in are both given, keep one";
            self.fault(format!("{path}.receptors"), message);
        }
        if self.has_gradients() && (named || !neuron.receptors.is_empty()) {
            let message = "a neuron that is trained has one receptor, an exponential current";
            self.fault_with_help(path, message, "leave `receptors`, tau_syn_in, e_ex and e_in out");
        }
        self.membrane(path, neuron.tau_m.as_ref(), neuron.g_l.as_ref());
        self.threshold(path, &neuron.e_l, &neuron.v_th, &neuron.v_reset);
    }

    pub(super) fn threshold(
        &mut self,
        path: &str,
        e_l: &Param<Mv>,
        v_th: &Param<Mv>,
        v_reset: &Param<Mv>,
    ) {
        let Some((v_th, _)) = v_th.bounds() else {
            return;
        };
        if let Some((_, v_reset)) = v_reset.bounds().filter(|(_, v_reset)| *v_reset >= v_th) {
            let message =
                format!("the reset potential, {v_reset} mV, is not below the threshold, {v_th} mV");
            self.fault_with_help(
                format!("{path}.v_reset"),
                message,
                "lower `v_reset` or raise `v_th`",
            );
        }
        if let Some((_, e_l)) = e_l.bounds().filter(|(_, e_l)| *e_l >= v_th) {
            let message = format!(
                "the threshold, {v_th} mV, is not above the resting potential, {e_l} mV: \
                 these neurons fire without input"
            );
            self.warn(format!("{path}.v_th"), message);
        }
    }

    pub(super) fn membrane(
        &mut self,
        path: &str,
        tau_m: Option<&Param<Ms>>,
        g_l: Option<&Param<Ns>>,
    ) {
        if tau_m.is_some() && g_l.is_some() {
            let message = "`tau_m` and `g_l` are both given, but each follows from the other";
            self.fault_with_help(format!("{path}.g_l"), message, "keep one: tau_m = c_m / g_l");
        }
    }

    /// A Poisson source draws at most one spike per step.
    pub(super) fn spike_probability(&mut self, path: &str, rate: f64) {
        let Some(dt) = self.dt() else { return };
        if rate * dt > 1000.0 {
            let message = format!(
                "{rate} Hz are {} spikes per step of {dt} ms, at most 1 is possible",
                rate * dt / 1000.0
            );
            self.fault_with_help(path, message, "lower the rate or `simulation.dt`");
        }
    }
}
