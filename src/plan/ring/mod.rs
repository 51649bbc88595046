//! Plans in which what arrives is kept in rings until its step has come, as integers: simulations, a step at a time, all of
//! it on the device.
//!
//! Sources draw their spikes for a whole window. A step is: each population adds what was sent to it to the ring, draws its
//! events, integrates, takes what arrives out of the ring, and writes its spikes into the row of the step; chosen states
//! are sampled. That is one launch for each population, of which many steps are one *interval* where delays are longer
//! than a step: see [`crate::neuron::frame::Step`].
//!
//! All populations share one row of spikes, one ring and one table of synapses. A population starts at a block of its own
//! in the row and, if it has neurons, at a tile of its own in the ring. The table lies by source.
//!
//! Where tiles are for threads, or the table exceeds one binding and is cut into parts, neurons do not pull from it: the
//! sources that spiked are listed after each step, and a launch for each part adds their synapses to the ring, for later
//! steps. Threads also have samples taken by launches of their own.
//!
//! The file is long with what all launches of a step have in common.

mod deliveries;
mod inputs;
mod live;
mod units;

use super::graph::{self, Op};
use super::launch::{cut, each, whole};
use super::show::Stand;
use super::*;
use crate::kernel::{Kernel, Word, halves};
use crate::network::{self, Input, Projection, Synapses};
use crate::neuron::frame::{Place, TILE_GROUP};
use crate::neuron::stepped::{BLOCK, Stepped, blocks, in_blocks, receptor_numbers, with_receptors};
use crate::record::sample;
use crate::synapse::carry_spikes;
use crate::train::{clear_reals, clear_words, restart};
use deliveries::{Pulled, SynapsePorts, Table};
use live::{Learning, Live};

/// Neurons of a tile at least, unless all populations are smaller, if a tile is for the cache of a thread.
const TILE: usize = 4096;

/// Neurons of a tile that is for a workgroup: the fewer, the more workgroups, but the table has a word for each source
/// and tile, of which there are to be no more than a quarter of those of its synapses.
const TILES: [usize; 3] = [256, 1024, 4096];

/// Steps of an interval at most: a launch is to be short.
const LONGEST: usize = 128;

/// Networks up to this number of neurons are done by one thread: a step takes less time than waking
/// another.
const ALONE: usize = 16384;

/// How the ring is cut.
#[derive(Debug, Clone, Copy)]
struct Ring {
    tile: usize,
    tiles: usize,
    slots: usize,
    stride: usize,
}

impl Ring {
    fn places(&self) -> usize {
        self.stride * self.tile
    }
    fn tile_len(&self) -> usize {
        self.slots * self.places()
    }
    /// Bits of a synapse's first word below the delay.
    fn port_bits(&self) -> u32 {
        (self.tiles * self.places()).next_power_of_two().trailing_zeros()
    }
}

/// A plan on rings, while it is made.
struct Rings<'a> {
    network: &'a Network,
    options: &'a SimulationOptions,
    arrays: Arrays,
    ring: Ring,
    ring_array: Words,
    /// Lists of the sources that spiked.
    fired: Words,
    /// First tile of each population.
    first_tile: Vec<usize>,
    /// Steps for which lists of spikes and traces are kept, a power of two.
    history: usize,
    /// Weight of one unit of the ring, for each receptor of each population.
    scale: Vec<Vec<f64>>,
    ports: SimulationPorts,
    /// Arrays of the table of synapses, in all its parts.
    tables: Vec<Words>,
    /// How synapses of the table say where they end.
    synapse_ports: SynapsePorts,
    /// The table that neurons pull from.
    pulled: Option<Pulled>,
    /// Steps of an interval.
    interval: usize,
    /// Stimuli of events of each population that has some, and how many.
    events: Vec<Option<(Words, usize)>>,
    input: InputPorts,
    /// What kernels read of the neurons of each population that has some, and of their receptors.
    numbers: Vec<Option<[Reals; 2]>>,
    /// Factor on the noise of each population that has some, which a modulator may move.
    noise: Vec<Option<Reals>>,
    /// Currents of each neuron of each population that has noise, or parts of a current of their own.
    currents: Vec<Option<Reals>>,
    /// What the spikes of each source carry through each projection with short-term plasticity.
    efficacy: Vec<Option<Reals>>,
    /// What was made for each live projection.
    live: Vec<Option<Live<'a>>>,
    /// Factors on what each projection learns, once it is known to.
    rates: Vec<Option<Reals>>,
    /// What synapses that change need beside.
    learning: Learning,
    /// Parameters of neurons, and the same with what lasts held as it is.
    frozen: Vec<(Reals, Reals)>,
    /// What makes neurons as they were at the start.
    restart: Vec<Launch>,
}

/// The neurons of a population that has some.
fn stepped(population: &network::Population) -> Option<&dyn Stepped> {
    match &population.kind {
        network::Kind::Stepped(neurons) => Some(&**neurons),
        _ => None,
    }
}

/// A number for people to read.
fn short(x: f64) -> String {
    if x == 0.0 || (1e-3..1e6).contains(&x.abs()) { format!("{x}") } else { format!("{x:e}") }
}

/// Numbers of a list of the spikes of a row: how many follow, and their places.
fn list_len(row: usize) -> usize {
    1 + 32 * row
}

/// Plans the simulation of a network.
pub(super) fn plan(network: &Network, options: &SimulationOptions) -> Result<Plan, PlanError> {
    let mut s = Rings::new(network, options)?;
    let warnings = s.lost();
    let table = s.table();
    s.ports.out_degree = table.out_degree(s.ring.tiles);
    s.pull(&table);
    s.interval = s.interval();
    let recent = s.recent();
    let mut lower = |ops: &[Op], launches: &mut Vec<Launch>| s.lower(ops, &table, launches);
    let sources = graph::launches(&graph::shown(network), &mut lower)?;
    let mut launches = graph::launches(&graph::on_rings(network), &mut lower)?;
    let learning = graph::launches(&graph::learned(network), &mut lower)?;
    let frozen = s.frozen(&launches);
    launches.extend(learning);
    s.samples(&mut launches)?;
    let begin = s.begin(recent);
    let (mut first, mut last) = (Vec::new(), Vec::new());
    if let Some(recent) = recent {
        first.push(s.carry(recent, false));
        last.push(s.carry(recent, true));
    }
    first.extend(sources);

    debug_assert!(s.interval == 1 || launches.iter().all(|launch| launch.is_of_interval()));
    let program = |name, first, launches| {
        let steps = Stage::Steps { launches, backward: false };
        Program { name, stages: vec![Stage::Whole(first), steps, Stage::Whole(last.clone())] }
    };
    let programs = if options.presented {
        let begin = [&begin[..], &first].concat();
        let learn = [&begin[..], &s.learning.by_sample].concat();
        vec![program("learn", learn, launches), program("evaluate", begin, frozen)]
    } else {
        vec![program("simulate", first, launches)]
    };
    let plan = Plan {
        arrays: s.arrays,
        programs,
        batch: 1,
        steps: options.steps,
        interval: s.interval,
        input: s.input,
        ports: Ports::Simulation(s.ports),
        warnings,
    };
    let of_table = |id| s.tables.iter().any(|table| table.id() == id);
    let limit = |id| if of_table(id) { options.max_table } else { options.max_binding };
    plan.bound(limit, "lower the size of the population or its delays")
}

impl<'a> Rings<'a> {
    fn new(network: &'a Network, options: &'a SimulationOptions) -> Result<Self, PlanError> {
        let ring = ring(network, options)?;
        let (mut first_tile, mut first_word) = (Vec::new(), Vec::new());
        let (mut tile, mut row) = (0, 0);
        for population in &network.populations {
            first_tile.push(tile);
            first_word.push(row);
            row += 2 * blocks(population.size);
            if stepped(population).is_some() {
                tile += population.size.div_ceil(ring.tile);
            }
        }
        let history = live::history(network);
        let mut arrays = Arrays::default();
        let fired = arrays.zero_words("fired", history * list_len(row));
        let spikes = arrays.zero_words("spikes", options.steps * row);
        let (populations, projections) = (network.populations.len(), network.projections.len());
        let mut s = Self {
            network,
            options,
            ring,
            ring_array: arrays.zero_words("ring", ring.tiles * ring.tile_len()),
            fired,
            first_tile,
            history,
            scale: Vec::new(),
            ports: SimulationPorts {
                spikes,
                row,
                before: 0,
                first_word,
                state: vec![None; populations],
                drive: vec![None; populations],
                events: vec![None; network.stimuli.len()],
                courses: vec![None; network.stimuli.len()],
                given: vec![None; populations],
                live: vec![None; projections],
                spike_lists: vec![(fired, list_len(row))],
                short_term: Vec::new(),
                modulators: None,
                lasting: Vec::new(),
                samples: vec![(arrays.unused.reals, 0); options.samples.len()],
                out_degree: Vec::new(),
            },
            input: InputPorts {
                pixels: None,
                parts: Vec::new(),
                presentation: arrays.zero_words("presentation", 1),
            },
            numbers: vec![None; populations],
            noise: vec![None; populations],
            currents: vec![None; populations],
            efficacy: vec![None; projections],
            live: (0..projections).map(|_| None).collect(),
            rates: vec![None; projections],
            learning: Learning::default(),
            frozen: Vec::new(),
            restart: Vec::new(),
            tables: Vec::new(),
            synapse_ports: SynapsePorts { narrow: false, bits: 0, least: 0 },
            pulled: None,
            interval: 1,
            events: vec![None; populations],
            arrays,
        };
        s.scale = s.scales();
        s.synapse_ports = s.synapse_ports();
        s.ports.modulators = s.modulator_arrays();
        Ok(s)
    }

    /// Launches of operations of one kind.
    fn lower(
        &mut self,
        ops: &[Op],
        table: &Table,
        launches: &mut Vec<Launch>,
    ) -> Result<(), PlanError> {
        if let [Op::Deliver(_), ..] = ops {
            // All that does not change is one table.
            self.deliveries(table, launches);
        }
        for op in ops {
            match *op {
                Op::Show(k) => self.show(k, launches),
                Op::Stimulate(k) => self.stimuli(k, launches),
                Op::Integrate(k) => self.neurons(k, launches),
                Op::Release(p) => self.release(p, launches),
                Op::Deliver(p) => self.deliver_live(p, launches)?,
                Op::Learn(p) => self.learn(p),
                Op::Modulate(m) => self.modulate(m, launches),
                Op::Adjust(p) => self.adjust(p),
                // Nothing is lost on what is simulated, and checked scenes have no attention in it.
                Op::Attend(_) | Op::Judge(_) => {}
            }
        }
        match ops {
            [Op::Learn(_), ..] => launches.extend(self.learning.by_spikes()),
            [Op::Modulate(_), ..] => self.effects(launches),
            [Op::Adjust(_), ..] => launches.extend(self.learning.later()),
            _ => {}
        }
        Ok(())
    }
}

/// Numbers of neurons as kernels read them: once, if all share them, else in blocks; and which of these.
/// Neurons may differ only in what they start from, which their kernel need not know.
fn laid_out(cells: &[Vec<f64>], n: usize) -> (bool, Vec<f64>) {
    if cells.iter().all(|cell| *cell == cells[0]) {
        return (false, cells[0].clone());
    }
    (true, in_blocks(cells, n))
}

/// The ring that a network needs.
fn ring(network: &Network, options: &SimulationOptions) -> Result<Ring, PlanError> {
    let neural: Vec<_> =
        network.populations.iter().filter_map(|p| Some((p.size, stepped(p)?))).collect();
    let all: usize = neural.iter().map(|(size, _)| size).sum();
    let largest = neural.iter().map(|(size, _)| *size).max().unwrap_or(1);
    let tile = match options.workgroups {
        true => workgroup_tile(network),
        false => TILE.max((all / 64).next_power_of_two()),
    };
    let tile = tile.min(largest.next_power_of_two()).max(BLOCK);
    let receptors = neural.iter().map(|(_, n)| n.receptors().len()).max().unwrap_or(1);
    let delay = network.projections.iter().map(Projection::max_delay).max().unwrap_or(1);
    // More than any ring can hold, and few enough that its size can be computed.
    let slots = (delay.min(1 << 32) + 1).next_power_of_two();
    let ring = Ring {
        tile,
        tiles: neural.iter().map(|(size, _)| size.div_ceil(tile)).sum::<usize>().max(1),
        slots,
        stride: receptors.max(1).next_power_of_two(),
    };
    let bytes = (ring.tiles as u64) * ring.tile_len() as u64 * 4;
    let too_large = bytes > options.max_binding || delay as u64 >> (32 - ring.port_bits()) > 0;
    if too_large {
        return Err(PlanError::Ring { delay, bytes, limit: options.max_binding });
    }
    Ok(ring)
}

/// Neurons of a tile that is for a workgroup.
fn workgroup_tile(network: &Network) -> usize {
    let stored = network.projections.iter().filter(|p| !p.is_live());
    let synapses: usize = stored.map(|p| p.synapses.weights().len()).sum();
    let (sources, neurons) = network.populations.iter().fold((0, 0), |(all, neural), p| {
        let own = if stepped(p).is_some() { p.size } else { 0 };
        (all + p.size, neural + own)
    });
    let fits = |tile: &&usize| 4 * sources * neurons.div_ceil(**tile) <= 2 * synapses;
    *TILES.iter().find(fits).unwrap_or(&TILES[TILES.len() - 1])
}

impl Rings<'_> {
    /// Steps of an interval: none of its launches needs what another leaves in it. So that is the shortest delay where
    /// neurons pull, and all that is done in a step is what they do.
    fn interval(&self) -> usize {
        let network = self.network;
        let one_by_one = network
            .projections
            .iter()
            .any(|p| p.is_live() || matches!(p.synapses, Synapses::Procedural { .. }))
            || !network.modulators.is_empty()
            || network.stimuli.iter().any(|stimulus| match &stimulus.input {
                Input::Noise { .. } => true,
                Input::Current { factors, .. } => factors.len() > 1,
                Input::Poisson { .. } => false,
            });
        let stored = network.projections.iter().filter(|p| !p.synapses.weights().is_empty());
        let shortest = stored.clone().map(|p| p.delay).min().unwrap_or(LONGEST);
        let most = match (one_by_one, self.pulled.is_some() || stored.count() == 0) {
            (false, true) => shortest.clamp(1, LONGEST),
            _ => 1,
        };
        // What has a launch of its own is recorded at ends of intervals.
        let own = self.options.samples.iter().filter(|_| !self.options.workgroups);
        let is_due = |steps: &usize| own.clone().all(|s| s.every.is_multiple_of(*steps as u64));
        (1..=most).rev().find(is_due).unwrap_or(1)
    }

    /// Rows of spikes before those of a window.
    fn history_rows(&self) -> usize {
        if self.pulled.is_some() { self.interval } else { 0 }
    }

    /// First word of a population in the array of spikes.
    fn first_word(&self, k: usize) -> usize {
        self.ports.before + self.ports.first_word[k]
    }

    /// Where the spikes of an interval are kept from window to window, if neurons pull them.
    fn recent(&mut self) -> Option<Words> {
        self.ports.before = self.history_rows() * self.ports.row;
        self.arrays[self.ports.spikes].len += self.ports.before;
        self.pulled.map(|_| self.arrays.zero_words("recent", self.ports.before))
    }

    /// Brings recent spikes before those of a window, or at its end the last ones back.
    fn carry(&self, recent: Words, is_end: bool) -> Launch {
        let (row, words) = (self.ports.row as u32, self.ports.before);
        let params = carry_spikes::CarrySpikesParams::<f64> {
            words: words as u32,
            row,
            end: u32::from(is_end),
        };
        let spikes = self.ports.spikes;
        let (from, to) = if is_end { (spikes, recent) } else { (recent, spikes) };
        let args = vec![whole(from), each(to, self.arrays[to].len)];
        let size = (Units::Count { count: 1, grain: 1 }, words);
        self.launch(&carry_spikes::KERNEL, "spikes", params.words(), args, size)
    }

    /// How many tiles of a population make a piece, and how many there are. Those for workgroups are no pieces for threads:
    /// a tile writes among the samples of all.
    fn units(&self, size: usize) -> Units {
        let count = size.div_ceil(self.ring.tile);
        let is_one = self.is_small() || self.options.workgroups;
        Units::Count { count, grain: if is_one { count } else { 1 } }
    }

    /// Whether a step takes less time than waking another thread.
    fn is_small(&self) -> bool {
        self.network.neurons() as usize <= ALONE
    }

    /// `count` units over so many synapses: a piece each, where that is worth another thread.
    fn shared_by_threads(&self, count: usize, synapses: usize) -> Units {
        let alone = synapses < 1 << 22;
        Units::Count { count, grain: if alone { count } else { 1 } }
    }

    /// Numbers of a list of spikes.
    fn list_len(&self) -> usize {
        list_len(self.ports.row)
    }

    /// The ring, a tile for each unit of population `k`.
    fn ring_of(&self, k: usize) -> Arg {
        let stride = self.ring.tile_len();
        cut(self.ring_array, Split::From { first: self.first_tile[k] * stride, stride })
    }

    /// A launch over tiles, blocks or neurons that is done once in a step.
    fn launch(
        &self,
        kernel: &'static Kernel,
        label: &str,
        params: Vec<Word>,
        args: Vec<Arg>,
        (units, invocations): (Units, usize),
    ) -> Launch {
        let (label, invocations) = (label.to_owned(), invocations as u64);
        Launch { kernel, label, params, args, units, invocations, per_step: false, every: 1 }
    }

    /// Launches with what lasts held as it is.
    fn frozen(&self, launches: &[Launch]) -> Vec<Launch> {
        let mut frozen = launches.to_vec();
        for arg in frozen.iter_mut().flat_map(|launch| &mut launch.args) {
            if let Some((_, held)) = self.frozen.iter().find(|(cell, _)| cell.id() == arg.array) {
                arg.array = held.id();
            }
        }
        frozen
    }

    /// What is done before a sample is shown: all but weights and what lasts is forgotten.
    fn begin(&self, recent: Option<Words>) -> Vec<Launch> {
        let mut begin = self.restart.clone();
        begin.extend(self.filters_again());
        let words = [self.ring_array, self.fired].into_iter().chain(recent);
        let words = words.chain(self.learning.list_arrays());
        let reals = self.learning.trace_arrays().chain(self.ports.short_term.iter().copied());
        let all = words
            .map(|array| (&clear_words::KERNEL, array.id()))
            .chain(reals.map(|array| (&clear_reals::KERNEL, array.id())));
        for (kernel, array) in all {
            let n = self.arrays[array].len;
            let args = vec![each(array, n)];
            let params = vec![Word::U(n as u32)];
            let size = (Units::Count { count: 1, grain: 1 }, n);
            begin.push(self.launch(kernel, &self.arrays[array].name, params, args, size));
        }
        begin
    }

    /// The numbers of the receptors of a neuron of population `k`.
    fn receptor_numbers(&self, k: usize, neurons: &dyn Stepped, neuron: usize) -> Vec<f64> {
        receptor_numbers(neurons, neuron, self.network.dt, |r| self.scale[k][r])
    }

    /// Whether the neurons of population `k` differ in numbers of their receptors, which are then in their `cell`.
    fn own_receptors(&self, k: usize) -> bool {
        let population = &self.network.populations[k];
        let differ = |neurons: &dyn Stepped| {
            let first = self.receptor_numbers(k, neurons, 0);
            (1..population.size).any(|id| self.receptor_numbers(k, neurons, id) != first)
        };
        stepped(population).is_some_and(|neurons| neurons.own_receptors() && differ(neurons))
    }

    /// The array `cell` of population `k`, and whether each neuron has its own numbers in it.
    fn cells(&self, k: usize, neurons: &dyn Stepped, cells: &[Vec<f64>]) -> (bool, Vec<f64>) {
        let n = self.network.populations[k].size;
        if !self.own_receptors(k) {
            return laid_out(cells, n);
        }
        let of_receptors = |neuron| self.receptor_numbers(k, neurons, neuron);
        laid_out(&with_receptors(cells, n, of_receptors), n)
    }

    /// The neurons of population `k`, if it has some.
    fn neurons(&mut self, k: usize, launches: &mut Vec<Launch>) {
        let current = self.currents[k];
        let population = &self.network.populations[k];
        let Some(neurons) = stepped(population) else { return };
        let (n, name) = (population.size, &population.name);
        let (blocks, steps) = (blocks(n), self.options.steps);
        // Lanes beyond the last neuron are copies of it, so that nothing odd happens there.
        let lane = |block: usize, k: usize| (block * BLOCK + k).min(n - 1);

        let slow = neurons.slow();
        let own_rows = neurons.start(0).len();
        let rows = own_rows * if slow > 0 { 2 } else { 1 };
        let mut state = vec![0.0; blocks * rows * BLOCK];
        for block in 0..blocks {
            for k in 0..BLOCK {
                for (row, x) in neurons.start(lane(block, k)).into_iter().enumerate() {
                    state[(block * rows + row) * BLOCK + k] = x;
                }
            }
        }
        let start = state.clone();
        let state = self.arrays.reals(format!("{name}.state"), state);
        self.ports.state[k] = Some((state, rows));

        let own_receptors = self.own_receptors(k);
        let (own, cell) = self.cells(k, neurons, &neurons.cells());
        let fields = if own { cell.len() / (blocks * BLOCK) } else { cell.len() };
        let cell = self.arrays.reals(format!("{name}.cell"), cell);
        if self.options.presented {
            let lasting = neurons.lasting();
            if lasting.is_some() {
                let (_, held) = self.cells(k, neurons, &neurons.frozen_cells());
                let held = self.arrays.reals(format!("{name}.cell.frozen"), held);
                self.frozen.push((cell, held));
                self.ports.lasting.push(state);
            }
            let params = restart::RestartParams::<f64> {
                n: start.len() as u32,
                // What lasts does so with its second float, which is as many rows further on.
                rows: own_rows as u32,
                kept: lasting.map_or(u32::MAX, |row| row as u32),
            };
            let len = start.len();
            let start = self.arrays.reals(format!("{name}.start"), start);
            let size = (Units::Count { count: 1, grain: 1 }, len);
            let args = vec![each(state, len), each(start, len)];
            let launch = self.launch(&restart::KERNEL, name, params.words(), args, size);
            self.restart.push(launch);
        }
        let numbers = [self.receptor_numbers(k, neurons, 0), neurons.table()].concat();
        let receptors = neurons.receptors().len();
        let receptor = self.arrays.reals(format!("{name}.receptor"), numbers);
        self.numbers[k] = Some([cell, receptor]);

        // What lies within another array on a GPU has that one for a stand-in.
        let unused = self.arrays.unused.words;
        let [start, port, weight] =
            self.pulled.map_or([unused; 3], |pulled| [pulled.start, pulled.port, pulled.weight]);
        let (event, events) = self.events[k].unwrap_or((start, 0));
        let recorded = self.recorded(k);
        let (sampled, samples) = match recorded {
            Some((sampled, samples, _)) => (sampled, each(samples, self.arrays[samples].len)),
            None => (start, cut(self.arrays.unused.written[0], Split::Stride(0))),
        };
        let place = Place::<f32> {
            n: n as u32,
            first_tile: self.first_tile[k] as u32,
            slots: self.ring.slots as u32,
            stride: self.ring.stride as u32,
            receptors: receptors as u32,
            own: u32::from(own),
            drive: u32::from(self.ports.drive[k].is_some()),
            current: u32::from(current.is_some()),
            first_word: self.first_word(k) as u32,
            slow,
            events: events as u32,
            sampled: recorded.map_or(0, |(_, _, count)| count as u32),
            tiles: self.ring.tiles as u32,
            port_bits: self.synapse_ports.bits,
            tile: self.ring.tile as u32,
            row_words: self.ports.row as u32,
            interval: self.interval as u32,
            pulls: u32::from(self.pulled.is_some()),
            shared: u32::from(self.pulled.is_some_and(|pulled| pulled.shared)),
            own_receptors: u32::from(own_receptors),
        };
        let mut params = place.words();
        params.extend(neurons.params());
        let tile = self.ring.tile;
        let row = Split::Row {
            row: self.ports.row,
            first: self.first_word(k),
            len: 2 * blocks,
            stride: tile / 32,
        };
        let before = Split::Rows { row: self.ports.row, count: self.history_rows() };
        // Of what a launch does not use no tile has a part.
        let used =
            |is: bool, array: ArrayId| if is { whole(array) } else { cut(array, Split::Stride(0)) };
        let pulls = self.pulled.is_some();
        let args = vec![
            each(state, tile * rows),
            self.ring_of(k),
            cut(self.ports.spikes, row),
            samples,
            cut(self.ports.spikes, if pulls { before } else { Split::Stride(0) }),
            if own { each(cell, tile * fields) } else { whole(cell) },
            whole(receptor),
            used(self.ports.drive[k].is_some(), self.ports.drive[k].unwrap_or(cell).id()),
            current.map_or(used(false, cell.id()), |current| each(current, tile)),
            used(pulls, start.id()),
            used(events > 0, event.id()),
            used(recorded.is_some(), sampled.id()),
            used(pulls, port.id()),
            used(pulls, weight.id()),
        ];
        debug_assert!(steps > 0);
        let size = (self.units(n), n.div_ceil(tile) * TILE_GROUP);
        launches.push(self.launch(neurons.kernel(), name, params, args, size));
    }

    /// Numbers that an array of samples has of a window.
    fn samples_of(&self, sampled: &Sampled) -> usize {
        (self.options.steps as u64 / sampled.every + 1) as usize * sampled.ids.len()
    }

    /// States of population `k` that its own kernel records, if tiles are workgroups: the array `sampled`, that of the
    /// samples, and how many states there are.
    fn recorded(&mut self, k: usize) -> Option<(Words, Reals, usize)> {
        let (mut all, mut indices, mut len) = (Vec::new(), Vec::new(), 0);
        for (index, sampled) in self.options.samples.iter().enumerate() {
            match sampled.what {
                Recorded::State { population, row } if population == k => {
                    all.push((row, &sampled.ids[..], sampled.every, len));
                    indices.push((index, len));
                    len += self.samples_of(sampled);
                }
                _ => {}
            }
        }
        if all.is_empty() || !self.options.workgroups {
            return None;
        }
        let name = &self.network.populations[k].name;
        let samples = self.arrays.zero_reals(format!("{name}.samples"), len);
        for (index, at) in indices {
            self.ports.samples[index] = (samples, at);
        }
        let sampled = self.arrays.words(format!("{name}.sampled"), sample::laid_out(&all));
        Some((sampled, samples, all.len()))
    }

    /// What is recorded by launches of its own.
    fn samples(&mut self, launches: &mut Vec<Launch>) -> Result<(), PlanError> {
        for (index, sampled) in self.options.samples.iter().enumerate() {
            if self.options.workgroups && matches!(sampled.what, Recorded::State { .. }) {
                continue;
            }
            // Weights and concentrations lie as a state of one row does.
            let mut at = sampled.ids.clone();
            let (array, rows, row) = match sampled.what {
                Recorded::State { population, row } => {
                    let Some((state, rows)) = self.ports.state[population] else { continue };
                    (state, rows, row)
                }
                Recorded::Weights { projection } => {
                    let Some(LivePorts { weights, .. }) = &self.ports.live[projection] else {
                        continue;
                    };
                    let places: Vec<_> = at.iter().map(|id| weights.find(*id as usize)).collect();
                    // Of no synapse nothing is read.
                    let array = places.first().map_or(self.arrays.unused.reals, |place| place.0);
                    if places.iter().any(|place| place.0 != array) {
                        let projection = self.network.projections[projection].name.clone();
                        return Err(PlanError::Apart { projection });
                    }
                    at = places.iter().map(|place| place.1 as u32).collect();
                    (array, 1, 0)
                }
                Recorded::Concentrations => {
                    let Some(ModulatorPorts { concentration, .. }) = self.ports.modulators else {
                        continue;
                    };
                    (concentration, 1, 0)
                }
            };
            let name = self.arrays[array].name.clone();
            let count = at.len();
            let len = self.samples_of(sampled);
            let [every_lo, every_hi] = halves(sampled.every);
            let ids = self.arrays.words(format!("sample.{index}.ids"), at);
            let samples = self.arrays.zero_reals(format!("sample.{index}"), len);
            self.ports.samples[index] = (samples, 0);
            let params = sample::SampleParams::<f64> {
                count: count as u32,
                rows: rows as u32,
                row: row as u32,
                every_lo,
                every_hi,
            };
            let args = vec![whole(array), whole(ids), each(samples, len)];
            let size = (Units::Count { count: 1, grain: 1 }, count);
            let launch = self.launch(&sample::KERNEL, &name, params.words(), args, size);
            launches.push(Launch { every: sampled.every, ..launch });
        }
        Ok(())
    }
}
