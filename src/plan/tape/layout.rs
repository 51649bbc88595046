//! The arrays of a plan: sizes, contents at the start, and which of them the host uses.

use super::drawn::is_driven;
use super::*;
use crate::input::pixel_words;
use crate::kernel::spike_words;
use crate::network::{self, Network, Projection, Synapses};
use crate::neuron::model::at;
use crate::neuron::surrogate::Shape;
use crate::scene::{Over, Training};
use crate::synapse::PANEL;
use crate::train::eprop_readout;
use std::collections::BTreeMap;

/// Arrays of a population while a plan is made; [`Unused`] stands for those that it does not have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pop {
    pub n: usize,
    /// Numbers of a row of the tape: neurons, times receptors where there may be several.
    pub width: usize,
    pub history: usize,
    /// 1 on a cycle, where state is stored between launches.
    pub carry: u32,
    /// Whether gradients pass through it.
    pub active: bool,
    pub tape: Reals,
    pub spikes: Words,
    /// What it shows of the samples.
    pub pixels: Words,
    /// Of those that send values rather than spikes: one row, or a row for each step.
    pub values: Reals,
    /// Inputs that do not change, once there are some.
    pub statics: Option<Reals>,
    pub cell: Reals,
    pub own: bool,
    pub i_e: Reals,
    pub state: Reals,
    pub cotangent: Reals,
    pub input_gradient: Reals,
    /// Of a readout whose largest potential counts: its step.
    pub peak: Words,
}

impl Pop {
    /// A population of so many neurons, without any arrays.
    fn new(n: usize, unused: Unused) -> Self {
        let Unused { reals, words, .. } = unused;
        Self {
            n,
            width: n,
            history: 0,
            carry: 0,
            active: false,
            tape: reals,
            spikes: words,
            pixels: words,
            values: reals,
            statics: None,
            cell: reals,
            own: false,
            i_e: reals,
            state: reals,
            cotangent: reals,
            input_gradient: reals,
            peak: words,
        }
    }
}

/// Arrays of a sparse projection's connectivity.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lists {
    pub start: Words,
    pub source: Words,
    /// Delay of each synapse, if each has its own.
    pub delays: Option<Words>,
    pub target_of: Words,
    pub out_start: Words,
    pub target: Words,
    pub synapse: Words,
}

/// The arrays of a plan while it is made.
pub(super) struct Layout<'a> {
    pub network: &'a Network,
    pub training: &'a Training,
    pub batch: usize,
    pub steps: usize,
    pub soft: u32,
    pub surrogate: Shape,
    pub arrays: Arrays,
    pub input: InputPorts,
    pub ports: TrainingPorts,
    pub pops: Vec<Pop>,
    /// Those whose neurons are in frames.
    pub framed: Vec<Option<Framed<'a>>>,
    /// Of projections whose synapses are sparse.
    pub lists: Vec<Option<Lists>>,
    /// Transposed tiles of dense projections through which gradients pass.
    pub transposed: Vec<Vec<Reals>>,
}

impl<'a> Layout<'a> {
    pub fn new(network: &'a Network, options: &TrainingOptions<'a>) -> Result<Self, PlanError> {
        let surrogate = options.training.gradient().1.shape();
        let count = network.populations.len();
        let mut arrays = Arrays::default();
        let presentation = arrays.zero_words("presentation", options.batch);
        let losses = arrays.zero_reals("losses", SLOTS * options.batch);
        let of_population =
            |population: &network::Population| Pop::new(population.size, arrays.unused);
        let mut c = Self {
            network,
            training: options.training,
            batch: options.batch,
            steps: options.steps,
            soft: options.soft,
            surrogate,
            input: InputPorts { pixels: None, parts: Vec::new(), presentation },
            ports: TrainingPorts {
                losses,
                slots: SLOTS,
                answer: None,
                populations: vec![PopulationPorts::default(); count],
                weights: Vec::new(),
                i_e: Vec::new(),
                numbers: Vec::new(),
                delays: Vec::new(),
                attention: Vec::new(),
                errors: None,
                moments: Vec::new(),
                gradients: Vec::new(),
                changes: Vec::new(),
                feedback: Vec::new(),
                units: Vec::new(),
            },
            pops: network.populations.iter().map(of_population).collect(),
            framed: (0..count).map(|_| None).collect(),
            lists: Vec::new(),
            transposed: Vec::new(),
            arrays,
        };
        c.populations(options.max_binding)?;
        c.projections(options.max_binding)?;
        Ok(c)
    }

    fn populations(&mut self, max_binding: u64) -> Result<(), PlanError> {
        let groups = graph::groups(self.network);
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
        let mut shared = BTreeMap::new();
        for (k, population) in self.network.populations.iter().enumerate() {
            let (name, n) = (&population.name, population.size);
            let cyclic = groups.iter().any(|g| g.cyclic && g.members.contains(&k));
            let outgoing = self.network.projections.iter().filter(|p| p.from == k);
            let history = outgoing.map(|p| p.max_delay()).max().unwrap_or(0);
            if history > steps {
                return Err(PlanError::Delay { delay: history, steps });
            }
            let mut pop =
                Pop { history, carry: u32::from(cyclic), active: active[k], ..self.pops[k] };
            let rows = batch * (history + steps);
            if population.spikes() || (population.is_neural() && !online) {
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
                        self.arrays.words(array, all)
                    }
                    _ => self.arrays.zero_words(array, rows * words),
                };
            }
            if population.spikes() {
                let counts = self.arrays.zero_words(format!("{name}.counts"), SLOTS * batch);
                self.ports.populations[k].spikes = Some(SpikePorts { array: pop.spikes, counts });
            }
            self.ports.populations[k].history = history;
            match &population.kind {
                network::Kind::Stepped(neurons) if online && neurons.answers() => {
                    let currents = neurons.trained().currents;
                    let currents = (0..n).map(|id| *at(&currents, id)).collect();
                    pop.i_e = self.arrays.reals(format!("{name}.i_e"), currents);
                    let len = batch * eprop_readout::STATE * n;
                    pop.state = self.arrays.zero_reals(format!("{name}.state"), len);
                    match self.training.loss.over() {
                        Some(_) => self.answer(name, n),
                        None => {
                            let (what, len) = (format!("{name}.potential"), batch * steps * n);
                            pop.tape = self.arrays.zero_reals(what, len);
                            let inbox = Inbox { array: pop.tape, rows: 1, potential: 0 };
                            self.ports.populations[k].inbox = Some(inbox);
                        }
                    }
                }
                network::Kind::Stepped(neurons) if online => {
                    self.online(&mut pop, name, &**neurons);
                }
                network::Kind::Images(images) => {
                    let words = pixel_words(images.pixels(n));
                    pop.pixels = match &images.part {
                        Some(part) => {
                            let array =
                                self.arrays.zero_words(format!("{name}.part"), batch * words);
                            self.input.parts.push((part.clone(), array));
                            array
                        }
                        None => {
                            let array = self.arrays.zero_words("pixels", batch * words);
                            self.input.pixels = Some(array);
                            array
                        }
                    };
                    if !population.spikes() {
                        let rows = if population.is_constant() { batch } else { rows };
                        pop.values = self.arrays.zero_reals(format!("{name}.values"), rows * n);
                    }
                }
                network::Kind::Stepped(neurons) => {
                    self.framed(k, &mut pop, &**neurons);
                    if neurons.answers() && self.training.loss.over().is_some() {
                        self.answer(name, n);
                        pop.peak = self.arrays.zero_words(format!("{name}.peak"), batch * n);
                    }
                }
                network::Kind::Poisson(_) | network::Kind::Spikes(_) => {}
            }
            if self.training.loss.counted() == Some(name) {
                self.answer(name, n);
            }
            if population.is_neural() && !online {
                if soft > 0 {
                    pop.values = self.arrays.zero_reals(format!("{name}.soft_spikes"), rows * n);
                }
                // Nothing is behind what only the loss sees.
                let ends = !self.network.projections.iter().any(|p| p.from == k && active[p.to]);
                if pop.active && (cyclic || ends) {
                    pop.cotangent =
                        self.arrays.zero_reals(format!("{name}.cotangent"), batch * steps * n);
                } else if pop.active {
                    // Populations off any cycle are done one after the other, and those of one size share an array. (A
                    // chain of launches cuts an array in one way.)
                    let made =
                        || self.arrays.zero_reals(format!("cotangent.{n}"), batch * steps * n);
                    pop.cotangent = *shared.entry(n).or_insert_with(made);
                }
            }
            self.ports.populations[k].tape = (population.on_tape && !online).then_some(pop.tape);
            self.pops[k] = pop;
        }
        Ok(())
    }

    /// Arrays of the network's answer, of gradients by it, and of what it is to be.
    fn answer(&mut self, name: &str, n: usize) {
        let answers = match (self.training.loss.over(), self.network.images()) {
            (Some(Over::Frames), Some((_, images))) => images.frames as usize,
            _ => 1,
        };
        let (batch, arrays) = (self.batch, &mut self.arrays);
        let len = batch * answers * n;
        // An output has a target, or stands for a class.
        let supervision = match self.training.loss.has_targets() {
            true => Supervision::Targets(arrays.zero_reals("targets", len)),
            false => Supervision::Labels(arrays.zero_words("labels", batch * answers)),
        };
        self.ports.answer = Some(AnswerPorts {
            answers,
            output: arrays.zero_reals(format!("{name}.output"), len),
            gradient: arrays.zero_reals(format!("{name}.output_gradient"), len),
            supervision,
            predictions: arrays.zero_words("predictions", SLOTS * batch * answers),
        });
    }

    /// Which populations gradients pass through: something behind them is trained, and they act on
    /// what the loss is of.
    fn active(&self) -> Vec<bool> {
        let count = self.network.populations.len();
        let training = self.training;
        let neural = |k: usize| self.network.populations[k].is_neural();
        let mut needs: Vec<bool> = (0..count)
            .map(|k| {
                let learns =
                    |p: &Projection| p.learn || p.learns_delays() || p.learns_what_it_gets();
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
            .map(|p| match training.loss.counted().or(training.loss.watched()) {
                _ if training.rates.iter().any(|penalty| penalty.population == p.name) => true,
                Some(population) => p.name == population,
                None => p.answers(),
            })
            .collect();
        // As many rounds as the longest path.
        for _ in 0..count {
            let projections = self.network.projections.iter().map(|p| (p.from, p.to));
            for (from, to) in projections.chain(self.network.gains_by_release()) {
                needs[to] |= needs[from];
                acts[from] |= acts[to] && neural(from);
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
                    let cut = Tiles::cut(name, PANEL, false, [sources, targets], max_binding)?;
                    let tiles = cut.placed(|tile, ()| {
                        let packed = cut.pack(tile, weights);
                        self.arrays.reals(format!("{name}.weights.{tile}"), packed)
                    });
                    let back =
                        self.pops[projection.from].active || projection.learns_what_it_gets();
                    // Delays of synapses go back through the weights as they are.
                    let passes = back
                        && self.pops[projection.to].active
                        && projection.delays_of_synapses().is_none();
                    if passes && let Tiles::Dense { tiles, .. } = &tiles {
                        for (tile, (_, _, width)) in tiles.iter().enumerate() {
                            let len = sources * width;
                            transposed.push(
                                self.arrays.zero_reals(format!("{name}.transposed.{tile}"), len),
                            );
                        }
                    }
                    tiles
                }
                Synapses::Procedural { .. } => {
                    unreachable!("a checked scene does not train these")
                }
                Synapses::Convolution { convolution, weights } => {
                    let convolution = convolution.clone();
                    let whole = Tiles::Convolution { array: (), convolution };
                    whole.placed(|tile, ()| {
                        let packed = whole.pack(tile, weights);
                        self.arrays.reals(format!("{name}.weights"), packed)
                    })
                }
                Synapses::Sparse { start, source, weights, delays } => {
                    let mut made = self.lists(name, start, source, sources);
                    if !delays.is_empty() {
                        let delays = delays.iter().map(|steps| u32::from(*steps)).collect();
                        made.delays = Some(self.arrays.words(format!("{name}.delays"), delays));
                    }
                    lists = Some(made);
                    let array = self.arrays.reals(format!("{name}.weights"), weights.clone());
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
            start: self.arrays.words(format!("{name}.start"), start.to_vec()),
            source: self.arrays.words(format!("{name}.source"), source.to_vec()),
            delays: None,
            target_of: self.arrays.words(format!("{name}.target_of"), target_of),
            out_start: self.arrays.words(format!("{name}.out_start"), out_start),
            target: self.arrays.words(format!("{name}.target"), target),
            synapse: self.arrays.words(format!("{name}.synapse"), synapse),
        }
    }
}

/// Values of cells, field by field.
pub(super) fn columns<const N: usize>(
    cells: impl ExactSizeIterator<Item = [f64; N]> + Clone,
) -> Vec<f64> {
    (0..N).flat_map(|field| cells.clone().map(move |cell| cell[field])).collect()
}
