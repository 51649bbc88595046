//! The arrays of a plan: sizes, contents at the start, and which of them the host uses.

use super::compile::{Options, PlanError, SLOTS};
use super::drawn::is_driven;
use super::order::groups;
use super::window::Framed;
use super::*;
use crate::input::pixel_words;
use crate::kernel::spike_words;
use crate::network::{self, Network, Projection, Synapses};
use crate::neuron::surrogate::Surrogate;
use crate::neuron::{lif, lif_backward, lif_eventprop};
use crate::scene::{Loss, Over, Training};
use crate::synapse::PANEL;
use crate::train::eprop_readout;

/// Arrays of a population while a plan is made.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Pop {
    pub n: usize,
    /// Numbers of a row of the tape: neurons, times receptors where there may be several.
    pub width: usize,
    pub history: usize,
    /// 1 on a cycle, where state is stored between launches.
    pub carry: u32,
    /// Whether gradients pass through it.
    pub active: bool,
    pub tape: ArrayId,
    pub spikes: ArrayId,
    /// What it shows of the samples.
    pub pixels: ArrayId,
    /// Of those that send values rather than spikes: one row, or a row for each step.
    pub values: ArrayId,
    pub statics: Option<ArrayId>,
    pub cell: ArrayId,
    pub own: bool,
    pub i_e: ArrayId,
    pub state: ArrayId,
    pub cotangent: ArrayId,
    pub adjoint: ArrayId,
    pub input_gradient: ArrayId,
}

/// Arrays of a sparse projection's connectivity.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Lists {
    pub start: ArrayId,
    pub source: ArrayId,
    /// Delay of each synapse, if each has its own.
    pub delays: Option<ArrayId>,
    pub target_of: ArrayId,
    pub out_start: ArrayId,
    pub target: ArrayId,
    pub synapse: ArrayId,
}

/// The arrays of a plan while it is made.
pub(super) struct Layout<'a> {
    pub network: &'a Network,
    pub training: &'a Training,
    pub batch: usize,
    pub steps: usize,
    pub soft: u32,
    pub surrogate: Surrogate,
    pub arrays: Vec<Array>,
    pub ports: Ports,
    pub pops: Vec<Pop>,
    /// Those whose neurons are in frames.
    pub framed: Vec<Option<Framed<'a>>>,
    pub lists: Vec<Option<Lists>>,
    /// Transposed tiles of dense projections through which gradients pass.
    pub transposed: Vec<Vec<ArrayId>>,
    /// Stand-ins for arrays that a launch does not use, but its kernel names.
    pub unused_reals: ArrayId,
    pub unused_words: ArrayId,
    pub unused_written: [ArrayId; 2],
    pub output_gradient: ArrayId,
    pub peak: ArrayId,
}

impl<'a> Layout<'a> {
    pub fn new(network: &'a Network, options: &Options<'a>) -> Result<Self, PlanError> {
        let surrogate = options.training.gradient().1.into();
        let count = network.populations.len();
        let answers = match (options.training.loss.over(), network.images()) {
            (Some(Over::Frames), Some((_, images))) => images.frames as usize,
            _ => 1,
        };
        let mut c = Self {
            network,
            training: options.training,
            batch: options.batch,
            steps: options.steps,
            soft: options.soft,
            surrogate,
            arrays: Vec::new(),
            ports: Ports { slots: SLOTS, answers, ..Ports::default() },
            pops: vec![Pop::default(); count],
            framed: (0..count).map(|_| None).collect(),
            lists: Vec::new(),
            transposed: Vec::new(),
            unused_reals: 0,
            unused_words: 0,
            unused_written: [0; 2],
            output_gradient: 0,
            peak: 0,
        };
        c.unused_reals = c.zeros("unused.reals", Kind::Real, 1);
        c.unused_words = c.zeros("unused.words", Kind::Word, 1);
        c.unused_written =
            ["unused.written.0", "unused.written.1"].map(|name| c.zeros(name, Kind::Real, 1));
        c.populations(options.max_binding)?;
        c.projections(options.max_binding)?;
        Ok(c)
    }

    // ---- arrays -----------------------------------------------------------------------------------

    fn array(&mut self, name: impl Into<String>, kind: Kind, len: usize, init: Init) -> ArrayId {
        self.arrays.push(Array { name: name.into(), kind, len: len.max(1), init });
        self.arrays.len() - 1
    }

    pub fn zeros(&mut self, name: impl Into<String>, kind: Kind, len: usize) -> ArrayId {
        self.array(name, kind, len, Init::Zero)
    }

    pub fn reals(&mut self, name: impl Into<String>, values: Vec<f64>) -> ArrayId {
        let len = values.len();
        self.array(name, Kind::Real, len, Init::Reals(values))
    }

    pub fn words(&mut self, name: impl Into<String>, mut values: Vec<u32>) -> ArrayId {
        values.resize(values.len().max(1), 0);
        let len = values.len();
        self.array(name, Kind::Word, len, Init::Words(values))
    }

    fn populations(&mut self, max_binding: u64) -> Result<(), PlanError> {
        let groups = groups(self.network);
        let (batch, steps) = (self.batch, self.steps);
        // What the host fills is looked at before it is made; so is what could not be counted.
        let within = |name: &str, numbers: usize| {
            let bytes = 4 * batch as u128 * steps as u128 * numbers as u128;
            match bytes > u128::from(max_binding) {
                true => Err(PlanError::Binding {
                    what: name.to_owned(),
                    bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
                    limit: max_binding,
                    advice: "lower the batch, the steps or the size of the population",
                }),
                false => Ok(()),
            }
        };
        for (k, population) in self.network.populations.iter().enumerate() {
            let words = match &population.kind {
                network::Kind::Stepped(neurons) if is_driven(self.network, k) => {
                    (neurons.receptors().len() + 2) * population.size
                }
                network::Kind::Spikes(_) => spike_words(population.size),
                _ => 1,
            };
            within(&population.name, words)?;
        }
        let soft = self.soft;
        // Without a way back no gradient passes through anything, and nothing is kept of every step but spikes.
        let online = self.training.learn.eprop().is_some();
        let active = if online { vec![false; self.pops.len()] } else { self.active() };
        let mut widest = 0;
        for (k, population) in self.network.populations.iter().enumerate() {
            let (name, n) = (&population.name, population.size);
            let cyclic = groups.iter().any(|g| g.cyclic && g.members.contains(&k));
            let outgoing = self.network.projections.iter().filter(|p| p.from == k);
            let history = outgoing.map(|p| p.max_delay()).max().unwrap_or(0);
            if history > steps {
                return Err(PlanError::Delay { delay: history, steps });
            }
            let mut pop = Pop {
                n,
                width: n,
                history,
                carry: u32::from(cyclic),
                active: active[k],
                ..Pop::default()
            };
            let rows = batch * (history + steps);
            if population.spikes() {
                let words = spike_words(n);
                let array = format!("{name}.spikes");
                pop.spikes = match &population.kind {
                    // Each sample gets the same, and nothing writes them.
                    network::Kind::Spikes(times) => {
                        let mut all = vec![0u32; rows * words];
                        for all in all.chunks_exact_mut((history + steps) * words) {
                            for (id, times) in times.iter().enumerate() {
                                for step in times.iter().filter(|step| **step < steps as u64) {
                                    let row = history + *step as usize;
                                    all[row * words + id / 32] |= 1 << (id % 32);
                                }
                            }
                        }
                        self.words(array, all)
                    }
                    _ => self.zeros(array, Kind::Word, rows * words),
                };
                self.ports_of(k).spikes = Some(pop.spikes);
            }
            self.ports_of(k).history = history;
            match &population.kind {
                network::Kind::Lif(lif) => {
                    pop.own = lif.cells.len() > 1;
                    let values = columns(lif.cells.iter().map(|c| c.numbers()));
                    pop.cell = self.reals(format!("{name}.cell"), values);
                    if pop.carry > 0 {
                        let v_init = |id: usize| lif.cells[if pop.own { id } else { 0 }].v_init;
                        let mut state = vec![0.0; batch * lif::STATE * n];
                        for b in 0..batch {
                            for id in 0..n {
                                state[b * lif::STATE * n + id] = v_init(id);
                            }
                        }
                        pop.state = self.reals(format!("{name}.state"), state);
                    }
                    if pop.active && cyclic {
                        let rows = match self.training.learn.by_times() {
                            None => lif_backward::STATE,
                            Some(_) => lif_eventprop::STATE,
                        };
                        let len = batch * rows * n;
                        pop.adjoint = self.zeros(format!("{name}.adjoint"), Kind::Real, len);
                    }
                    self.neuron(&mut pop, name, &lif.i_e);
                }
                network::Kind::Readout(r) if online => {
                    pop.i_e = self.reals(format!("{name}.i_e"), r.i_e.clone());
                    let len = batch * eprop_readout::STATE * n;
                    pop.state = self.zeros(format!("{name}.state"), Kind::Real, len);
                    self.answer(name, n);
                }
                network::Kind::Stepped(neurons) if online => {
                    self.online(&mut pop, name, &**neurons);
                }
                network::Kind::Readout(r) => {
                    pop.own = r.cells.len() > 1;
                    pop.cell = self.reals(
                        format!("{name}.cell"),
                        columns(r.cells.iter().map(|c| c.numbers())),
                    );
                    self.neuron(&mut pop, name, &r.i_e);
                    self.answer(name, n);
                    self.peak = self.zeros(format!("{name}.peak"), Kind::Word, batch * n);
                }
                network::Kind::Images(images) => {
                    let words = pixel_words(images.pixels(n));
                    pop.pixels = match &images.part {
                        Some(part) => {
                            let array =
                                self.zeros(format!("{name}.part"), Kind::Word, batch * words);
                            self.ports.parts.push((part.clone(), array));
                            array
                        }
                        None => {
                            let array = self.zeros("pixels", Kind::Word, batch * words);
                            self.ports.pixels = Some(array);
                            array
                        }
                    };
                    if !population.spikes() {
                        let rows = if population.is_constant() { batch } else { rows };
                        pop.values = self.zeros(format!("{name}.values"), Kind::Real, rows * n);
                    }
                }
                network::Kind::Stepped(neurons) => self.framed(k, &mut pop, &**neurons),
                network::Kind::Poisson(_) | network::Kind::Spikes(_) => {}
            }
            if self.training.loss.counted() == Some(name) {
                self.answer(name, n);
            }
            if matches!(population.kind, network::Kind::Lif(_) | network::Kind::Stepped(_)) {
                if soft > 0 {
                    pop.values = self.zeros(format!("{name}.soft_spikes"), Kind::Real, rows * n);
                }
                // Nothing is behind what only the loss sees.
                let ends = !self.network.projections.iter().any(|p| p.from == k && active[p.to]);
                if pop.active && (cyclic || ends) {
                    pop.cotangent =
                        self.zeros(format!("{name}.cotangent"), Kind::Real, batch * steps * n);
                } else if pop.active {
                    widest = widest.max(n);
                }
            }
            let potentials =
                matches!(population.kind, network::Kind::Lif(_) | network::Kind::Readout(_));
            self.ports_of(k).tape = (potentials && !online).then_some(pop.tape);
            self.pops[k] = pop;
        }
        // Populations off any cycle are done one after the other and share one array.
        if widest > 0 {
            let shared = self.zeros("cotangent", Kind::Real, batch * steps * widest);
            for pop in self.pops.iter_mut().filter(|p| p.active && p.cotangent == 0) {
                pop.cotangent = shared;
            }
        }
        let presentation = self.zeros("presentation", Kind::Word, batch);
        self.ports.presentation = Some(presentation);
        let ring = SLOTS * batch;
        self.ports.losses = Some(self.zeros("losses", Kind::Real, ring));
        // An output has a target, or stands for a class.
        if let Some(output) = self.ports.output {
            let answers = self.ports.answers;
            match self.training.loss.has_targets() {
                true => {
                    let len = self.arrays[output].len;
                    self.ports.targets = Some(self.zeros("targets", Kind::Real, len));
                }
                false => {
                    self.ports.labels = Some(self.zeros("labels", Kind::Word, batch * answers));
                }
            }
            self.ports.predictions = Some(self.zeros("predictions", Kind::Word, ring * answers));
        }
        for (k, population) in self.network.populations.iter().enumerate() {
            if population.spikes() {
                let name = &population.name;
                let counts = self.zeros(format!("{name}.counts"), Kind::Word, ring);
                self.ports_of(k).counts = Some(counts);
            }
        }
        Ok(())
    }

    /// Whether no two arrays have the same name.
    pub fn names_are_unique(&self) -> bool {
        let names: std::collections::BTreeSet<_> = self.arrays.iter().map(|a| &a.name).collect();
        names.len() == self.arrays.len()
    }

    pub fn ports_of(&mut self, k: usize) -> &mut PopulationPorts {
        let count = self.network.populations.len();
        self.ports.populations.resize(count, PopulationPorts::default());
        &mut self.ports.populations[k]
    }

    /// Arrays of the network's answer and of gradients by it.
    fn answer(&mut self, name: &str, n: usize) {
        let len = self.batch * self.ports.answers * n;
        self.ports.output = Some(self.zeros(format!("{name}.output"), Kind::Real, len));
        self.output_gradient = self.zeros(format!("{name}.output_gradient"), Kind::Real, len);
    }

    /// Arrays that every kind of neuron has.
    fn neuron(&mut self, pop: &mut Pop, name: &str, i_e: &[f64]) {
        pop.tape = self.zeros(format!("{name}.tape"), Kind::Real, self.batch * self.steps * pop.n);
        pop.i_e = self.reals(format!("{name}.i_e"), i_e.to_vec());
        if pop.active {
            let len = self.batch * pop.n;
            pop.input_gradient = self.zeros(format!("{name}.input_gradient"), Kind::Real, len);
        }
    }

    /// Which populations gradients pass through: something behind them is trained, and they act on
    /// what the loss is of.
    fn active(&self) -> Vec<bool> {
        let count = self.network.populations.len();
        let training = self.training;
        let neural = |k: usize| self.network.populations[k].is_neural();
        let mut needs: Vec<bool> = (0..count)
            .map(|k| {
                let learns = |p: &Projection| p.learn || p.learns_what_it_gets();
                let trained = self.network.projections.iter().any(|p| p.to == k && learns(p));
                let population = &self.network.populations[k];
                let own = population.numbers.is_some() || population.current_is_trained(training);
                neural(k) && (trained || own)
            })
            .collect();
        let mut acts: Vec<bool> = self
            .network
            .populations
            .iter()
            .map(|p| match &training.loss {
                _ if training.rates.iter().any(|penalty| penalty.population == p.name) => true,
                Loss::Trace { population, .. }
                | Loss::SpikeCount { population, .. }
                | Loss::FirstSpike { population, .. } => p.name == *population,
                _ => matches!(p.kind, network::Kind::Readout(_)),
            })
            .collect();
        // As many rounds as the longest path.
        for _ in 0..count {
            for p in &self.network.projections {
                needs[p.to] |= needs[p.from];
                acts[p.from] |= acts[p.to] && neural(p.from);
            }
        }
        (0..count).map(|k| needs[k] && acts[k]).collect()
    }

    fn projections(&mut self, max_binding: u64) -> Result<(), PlanError> {
        for projection in &self.network.projections {
            let (sources, targets) = (self.pops[projection.from].n, self.pops[projection.to].n);
            let name = &projection.name;
            let mut lists = None;
            let mut transposed = Vec::new();
            let tiles = match &projection.synapses {
                Synapses::Dense { weights } => {
                    let mut tiles =
                        Tiles::cut(name, PANEL, false, [sources, targets], max_binding)?;
                    for tile in 0..tiles.arrays().len() {
                        let packed = tiles.pack(tile, weights);
                        let array = self.reals(format!("{name}.weights.{tile}"), packed);
                        tiles.place(tile, array);
                    }
                    let back =
                        self.pops[projection.from].active || projection.learns_what_it_gets();
                    let passes = back && self.pops[projection.to].active;
                    if passes && let Tiles::Dense { tiles, .. } = &tiles {
                        for (tile, (_, _, width)) in tiles.iter().enumerate() {
                            let len = sources * width;
                            transposed.push(self.zeros(
                                format!("{name}.transposed.{tile}"),
                                Kind::Real,
                                len,
                            ));
                        }
                    }
                    tiles
                }
                Synapses::Procedural { .. } => {
                    unreachable!("a checked scene does not train these")
                }
                Synapses::Convolution { convolution, weights } => {
                    let convolution = convolution.clone();
                    let mut tiles = Tiles::Convolution { array: 0, convolution };
                    let array = self.reals(format!("{name}.weights"), tiles.pack(0, weights));
                    tiles.place(0, array);
                    tiles
                }
                Synapses::Sparse { start, source, weights, delays } => {
                    let mut made = self.lists(name, start, source, sources);
                    if !delays.is_empty() {
                        let delays = delays.iter().map(|steps| u32::from(*steps)).collect();
                        made.delays = Some(self.words(format!("{name}.delays"), delays));
                    }
                    lists = Some(made);
                    let array = self.reals(format!("{name}.weights"), weights.clone());
                    Tiles::Sparse { array, synapses: weights.len(), second: false }
                }
            };
            self.ports.weights.push(tiles);
            self.lists.push(lists);
            self.transposed.push(transposed);
        }
        self.ports.i_e = (0..self.pops.len())
            .map(|k| self.network.populations[k].is_neural().then_some(self.pops[k].i_e))
            .collect();
        Ok(())
    }

    /// Connectivity of sparse synapses by target, and by source for the backward pass.
    fn lists(&mut self, name: &str, start: &[u32], source: &[u32], sources: usize) -> Lists {
        let mut target_of = vec![0; source.len()];
        for (j, ends) in start.windows(2).enumerate() {
            target_of[ends[0] as usize..ends[1] as usize].fill(j as u32);
        }
        let mut synapse: Vec<u32> = (0..source.len() as u32).collect();
        synapse.sort_by_key(|&k| source[k as usize]);
        let mut out_start = vec![0u32; sources + 1];
        let target: Vec<u32> = synapse.iter().map(|&k| target_of[k as usize]).collect();
        for &k in &synapse {
            out_start[source[k as usize] as usize + 1] += 1;
        }
        for i in 1..out_start.len() {
            out_start[i] += out_start[i - 1];
        }
        Lists {
            start: self.words(format!("{name}.start"), start.to_vec()),
            source: self.words(format!("{name}.source"), source.to_vec()),
            delays: None,
            target_of: self.words(format!("{name}.target_of"), target_of),
            out_start: self.words(format!("{name}.out_start"), out_start),
            target: self.words(format!("{name}.target"), target),
            synapse: self.words(format!("{name}.synapse"), synapse),
        }
    }
}

/// Values of cells, field by field.
pub(super) fn columns<const N: usize>(
    cells: impl ExactSizeIterator<Item = [f64; N]> + Clone,
) -> Vec<f64> {
    (0..N).flat_map(|field| cells.clone().map(move |cell| cell[field])).collect()
}
