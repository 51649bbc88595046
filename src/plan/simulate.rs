//! From a network to the plan of a simulation: a step at a time, all of it on the device.
//!
//! A step is: sources draw their spikes and stimuli their events; each population integrates, takes
//! what arrives out of the ring, and writes its spikes into the row of the step; the sources that spiked
//! are listed; their synapses are added to the ring, for later steps; chosen states are sampled.
//!
//! All populations share one row of spikes, one ring and one table of synapses, so that delivery is
//! two launches, however many projections there are. A population starts at a block of its own in
//! the row and, if it has neurons, at a tile of its own in the ring. The table lies by source; it is cut
//! into parts where it exceeds one binding.

use super::compile::{PlanError, cut, each, shown, whole};
use super::live::{Learning, Lists};
use super::*;
use crate::input::encoder::{Given, Showing, Window};
use crate::input::{
    current, given_spikes, noise, pixel_words, poisson, poisson_alike, poisson_drive,
};
use crate::kernel::halves;
use crate::network::{self, Input, Network, Projection, Synapses};
use crate::neuron::frame::Place;
use crate::neuron::model::at;
use crate::neuron::stepped::{BLOCK, Stepped, receptor_numbers, with_receptors};
use crate::record::sample;
use crate::rng::{Purpose, stream};
use crate::scene::{Images, Warning};
use crate::synapse::{list_spikes, procedural, scatter};
use crate::train::{clear_reals, clear_words, restart};

/// Neurons of a tile at least, unless all populations are smaller.
const TILE: usize = 4096;

/// Part of a weight that its rounding to an integer may take.
const MOST_LOST: f64 = 1e-3;

/// Networks up to this number of neurons are done by one thread: a step takes less time than waking
/// another.
const ALONE: usize = 16384;

/// What can be recorded at intervals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Recorded {
    /// A state variable of neurons.
    State {
        /// Index of the population.
        population: usize,
        /// Row of state.
        row: usize,
    },
    /// Weights that change.
    Weights {
        /// Index of the projection.
        projection: usize,
    },
    /// Concentrations of modulators.
    Concentrations,
}

/// Numbers that are recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    /// What they are.
    pub what: Recorded,
    /// Neurons, synapses or modulators.
    pub ids: Vec<u32>,
    /// Interval \[steps\].
    pub every: u64,
}

/// Choices that are not the network's.
#[derive(Debug, Clone)]
pub struct SimulationOptions {
    /// Steps of a window.
    pub steps: usize,
    /// What is recorded beside spikes.
    pub samples: Vec<Sampled>,
    /// Whether the samples of a training are shown, one window for each.
    pub presented: bool,
    /// Largest array \[bytes\].
    pub max_binding: u64,
    /// Largest part of the table of synapses \[bytes\]. Nothing writes to it and no checkpoint has it, so it may be as
    /// large as the adapter at hand allows.
    pub max_table: u64,
}

/// Arrays of a simulation that its host writes or reads.
#[derive(Debug)]
pub struct SimulationPorts {
    /// Spikes of a window: steps × row.
    pub spikes: Words,
    /// Words of a row.
    pub row: usize,
    /// First word of each population.
    pub first_word: Vec<usize>,
    /// State of each population that has neurons: array and rows of a block.
    pub state: Vec<Option<(Reals, usize)>>,
    /// Current of each step, of each population that has a stimulus of that kind.
    pub drive: Vec<Option<Reals>>,
    /// Course of each stimulus of which each neuron has its own part, for each step.
    pub courses: Vec<Option<Reals>>,
    /// Rows of each population of given spikes.
    pub given: Vec<Option<Words>>,
    /// Each projection that changes.
    pub live: Vec<Option<LivePorts>>,
    /// Rings of lists of spikes, and numbers of a list: how many follow, and their places.
    pub spike_lists: Vec<(Words, usize)>,
    /// State of short-term plasticity.
    pub short_term: Vec<Reals>,
    /// Where the network has modulators.
    pub modulators: Option<ModulatorPorts>,
    /// State of neurons that lasts from sample to sample, of populations that have some.
    pub lasting: Vec<Reals>,
    /// Array of each of the samples.
    pub samples: Vec<Reals>,
    /// Synapses that leave each source, in the order of the row.
    pub out_degree: Vec<u32>,
}

/// Arrays of a projection that changes.
#[derive(Debug, Clone)]
pub struct LivePorts {
    /// Its weights.
    pub weights: Tiles,
    /// Lists of its synapses, unless they are dense.
    pub lists: Option<Lists>,
    /// Marks of the synapses, if its rule has eligibility.
    pub marks: Option<Tiles>,
}

/// Arrays of modulators.
#[derive(Debug, Clone, Copy)]
pub struct ModulatorPorts {
    /// What the host releases of each in each step.
    pub release: Reals,
    /// Concentration of each.
    pub concentration: Reals,
}

/// How the ring is cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ring {
    pub tile: usize,
    pub tiles: usize,
    pub slots: usize,
    pub stride: usize,
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

pub(super) struct Simulator<'a> {
    pub network: &'a Network,
    pub options: &'a SimulationOptions,
    pub arrays: Arrays,
    pub ring: Ring,
    ring_array: Words,
    /// Lists of the sources that spiked.
    pub fired: Words,
    /// First tile of each population.
    pub first_tile: Vec<usize>,
    /// Steps for which lists of spikes and traces are kept, a power of two.
    pub history: usize,
    /// Weight of one unit of the ring, for each receptor of each population.
    pub scale: Vec<Vec<f64>>,
    pub ports: SimulationPorts,
    /// Parts of the table of synapses.
    tables: Vec<Words>,
    input: InputPorts,
    /// What kernels read of the neurons of each population that has some, and of their receptors.
    pub numbers: Vec<Option<[Reals; 2]>>,
    /// Factor on the noise of each population that has some, which a modulator may move.
    pub noise: Vec<Option<Reals>>,
    /// Factors on what each projection learns, once it is known to.
    pub rates: Vec<Option<Reals>>,
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

fn blocks(n: usize) -> usize {
    n.div_ceil(BLOCK)
}

/// Plans the simulation of a network.
///
/// # Errors
/// A delay that the ring cannot hold, an array that does not fit into one binding.
pub fn simulate(network: &Network, options: &SimulationOptions) -> Result<Plan, PlanError> {
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
    let history = super::live::history(network);
    let mut arrays = Arrays::default();
    let fired = arrays.zero_words("fired", history * list_len(row));
    let populations = network.populations.len();
    let mut s = Simulator {
        network,
        options,
        ring,
        ring_array: arrays.zero_words("ring", ring.tiles * ring.tile_len()),
        fired,
        first_tile,
        history,
        scale: Vec::new(),
        ports: SimulationPorts {
            spikes: arrays.zero_words("spikes", options.steps * row),
            row,
            first_word,
            state: Vec::new(),
            drive: vec![None; populations],
            courses: vec![None; network.stimuli.len()],
            given: vec![None; populations],
            live: vec![None; network.projections.len()],
            spike_lists: vec![(fired, list_len(row))],
            short_term: Vec::new(),
            modulators: None,
            lasting: Vec::new(),
            samples: Vec::new(),
            out_degree: Vec::new(),
        },
        input: InputPorts {
            pixels: None,
            parts: Vec::new(),
            presentation: arrays.zero_words("presentation", 1),
        },
        numbers: vec![None; populations],
        noise: vec![None; populations],
        rates: vec![None; network.projections.len()],
        frozen: Vec::new(),
        restart: Vec::new(),
        tables: Vec::new(),
        arrays,
    };
    s.scale = s.scales();
    let warnings = s.lost();

    let mut launches = Vec::new();
    let mut sources = Vec::new();
    s.sources(&mut sources, &mut launches);
    let currents = s.stimuli(&mut launches);
    for k in 0..network.populations.len() {
        s.neurons(k, currents[k], &mut launches);
    }
    let mut learning = Learning::default();
    s.deliveries(&mut launches, &mut learning)?;
    let frozen = s.frozen(&launches);
    launches.extend(learning.launches());
    s.samples(&mut launches)?;
    let begin = s.begin(&learning);

    for (id, array) in s.arrays.iter() {
        let of_table = s.tables.iter().any(|table| table.id() == id);
        let limit = if of_table { options.max_table } else { options.max_binding };
        if array.bytes() > limit {
            return Err(PlanError::Binding {
                what: array.name.clone(),
                bytes: array.bytes(),
                limit,
                advice: "lower the size of the population or its delays",
            });
        }
    }
    let steps = |launches| Stage::Steps { launches, backward: false };
    let programs = if options.presented {
        let begin = [&begin[..], &sources].concat();
        let learn = [&begin[..], &learning.by_sample].concat();
        vec![
            Program { name: "learn", stages: vec![Stage::Whole(learn), steps(launches)] },
            Program { name: "evaluate", stages: vec![Stage::Whole(begin), steps(frozen)] },
        ]
    } else {
        vec![Program { name: "simulate", stages: vec![Stage::Whole(sources), steps(launches)] }]
    };
    Ok(Plan {
        arrays: s.arrays,
        programs,
        batch: 1,
        steps: options.steps,
        input: s.input,
        ports: Ports::Simulation(s.ports),
        warnings,
    })
}

/// Numbers of neurons as kernels read them: once, if all share them, else in blocks; and which of these.
/// Neurons may differ only in what they start from, which their kernel need not know.
fn laid_out(cells: &[Vec<f64>], n: usize) -> (bool, Vec<f64>) {
    if cells.iter().all(|cell| *cell == cells[0]) {
        return (false, cells[0].clone());
    }
    (true, in_blocks(cells, n))
}

/// Numbers of neurons in blocks: one entry for all, or one for each.
pub(super) fn in_blocks(cells: &[Vec<f64>], n: usize) -> Vec<f64> {
    let (blocks, fields) = (blocks(n), cells[0].len());
    let mut laid = vec![0.0; blocks * fields * BLOCK];
    for k in 0..blocks * BLOCK {
        // Lanes beyond the last neuron are copies of it.
        for (field, x) in at(cells, k.min(n - 1)).iter().enumerate() {
            laid[(k / BLOCK * fields + field) * BLOCK + k % BLOCK] = *x;
        }
    }
    laid
}

/// The ring that a network needs.
fn ring(network: &Network, options: &SimulationOptions) -> Result<Ring, PlanError> {
    let neural: Vec<_> =
        network.populations.iter().filter_map(|p| Some((p.size, stepped(p)?))).collect();
    let all: usize = neural.iter().map(|(size, _)| size).sum();
    let largest = neural.iter().map(|(size, _)| *size).max().unwrap_or(1);
    let tile = TILE.max((all / 64).next_power_of_two());
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

impl Simulator<'_> {
    /// How many tiles of a population make a piece, and how many there are.
    fn units(&self, size: usize) -> Units {
        let count = size.div_ceil(self.ring.tile);
        Units::Count { count, grain: if self.is_small() { count } else { 1 } }
    }

    /// Whether a step takes less time than waking another thread.
    pub fn is_small(&self) -> bool {
        self.network.neurons() as usize <= ALONE
    }

    /// `count` units over so many synapses: a piece each, where that is worth another thread.
    pub fn shared_by_threads(&self, count: usize, synapses: usize) -> Units {
        let alone = synapses < 1 << 22;
        Units::Count { count, grain: if alone { count } else { 1 } }
    }

    /// Numbers of a list of spikes.
    pub fn list_len(&self) -> usize {
        list_len(self.ports.row)
    }

    /// The ring, a tile for each unit of population `k`.
    pub fn ring_of(&self, k: usize) -> Arg {
        let stride = self.ring.tile_len();
        cut(self.ring_array, Split::From { first: self.first_tile[k] * stride, stride })
    }

    /// A launch over tiles, blocks or neurons that is done once in a step.
    pub fn launch(
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

    /// Weight of one unit of the ring for each receptor: a power of two, small enough that the sum of all
    /// that can arrive at a neuron in one step, each synapse and each event once, fits an i32.
    fn scales(&self) -> Vec<Vec<f64>> {
        let network = self.network;
        let mut most: Vec<Vec<Vec<f64>>> = network
            .populations
            .iter()
            .map(|p| stepped(p).map_or(vec![], |s| vec![vec![0.0; p.size]; s.receptors().len()]))
            .collect();
        for p in &network.projections {
            let sums = &mut most[p.to][p.receptor];
            // A weight that changes may become as large as its bounds allow.
            let largest = p.rule.is_some().then(|| p.largest());
            match &p.synapses {
                Synapses::Dense { weights } => {
                    if let Some(largest) = largest {
                        let sources = network.populations[p.from].size as f64;
                        sums.iter_mut().for_each(|sum| *sum += sources * largest);
                        continue;
                    }
                    for row in weights.chunks(sums.len()) {
                        row.iter().zip(&mut *sums).for_each(|(w, sum)| *sum += w.abs());
                    }
                }
                &Synapses::Procedural { degree, weight, skip, stream } => {
                    // The largest in-degree is known only by drawing all targets once.
                    let key = procedural::key(network.seed, stream);
                    let rule = (sums.len() as u32, degree, skip);
                    for source in 0..network.populations[p.from].size as u32 {
                        procedural::for_each_target(key, source, rule, |target| {
                            sums[target as usize] += weight.abs();
                        });
                    }
                }
                Synapses::Convolution { .. } => unreachable!("a simulation has every synapse"),
                Synapses::Sparse { start, weights, .. } => {
                    for (target, sum) in sums.iter_mut().enumerate() {
                        let row = start[target] as usize..start[target + 1] as usize;
                        *sum += match largest {
                            Some(largest) => row.len() as f64 * largest,
                            None => weights[row].iter().map(|w| w.abs()).sum(),
                        };
                    }
                }
            }
        }
        for s in &network.stimuli {
            if let Input::Poisson { means, weight, receptor } = &s.input {
                let highest = means.iter().copied().fold(0.0, f64::max);
                let most_events = poisson_drive::levels(highest).len() as f64;
                for sum in &mut most[s.to][*receptor] {
                    *sum += most_events * weight.abs();
                }
            }
        }
        let power = |bound: f64, bits: i32| match bound {
            0.0 => 0.0,
            _ => 2f64.powi(bound.log2().ceil() as i32 - bits),
        };
        // A weight that is a float is rounded to units below 2^22, as many as its mantissa tells apart.
        let float = |to: usize, receptor: usize| {
            let live = |p: &&Projection| p.is_live() && (p.to, p.receptor) == (to, receptor);
            let largest = network.projections.iter().filter(live).map(Projection::largest);
            largest.fold(0.0, f64::max)
        };
        let scale = |to: usize, receptor: usize, sums: &[f64]| {
            let bound = sums.iter().fold(0.0f64, |m, x| m.max(*x));
            let unit = power(bound, 30).max(power(float(to, receptor), 22));
            if unit == 0.0 { 1.0 } else { unit }
        };
        let of = |(to, receptors): (usize, &Vec<Vec<f64>>)| {
            let receptors = receptors.iter().enumerate();
            receptors.map(|(receptor, sums)| scale(to, receptor, sums)).collect()
        };
        most.iter().enumerate().map(of).collect()
    }

    /// Warns of weights that lose more than their thousandth when they become integers, because of larger ones.
    fn lost(&self) -> Vec<Warning> {
        let network = self.network;
        let stimuli = network.stimuli.iter().enumerate().filter_map(|(index, s)| match &s.input {
            Input::Poisson { weight, receptor, .. } => {
                let path = format!("stimuli.{index}.input");
                Some((path, (s.to, *receptor), std::slice::from_ref(weight), 0.0))
            }
            _ => None,
        });
        let projections = network.projections.iter().map(|p| {
            let weights = match &p.synapses {
                Synapses::Procedural { weight, .. } => std::slice::from_ref(weight),
                stored => stored.weights(),
            };
            // A weight that changes may become as large as its bounds allow.
            let bound = if p.rule.is_some() { p.largest() } else { 0.0 };
            (format!("projections.{}", p.name), (p.to, p.receptor), weights, bound)
        });
        let all: Vec<_> = projections.chain(stimuli).collect();
        let mut warnings = Vec::new();
        for (path, (to, receptor), weights, _) in &all {
            let unit = self.scale[*to][*receptor];
            // Only what is small against half a unit can be; that is soon seen.
            let off = |w: f64| {
                w.abs() * MOST_LOST < 0.5 * unit
                    && ((w / unit).round() * unit - w).abs() > MOST_LOST * w.abs()
            };
            // Of weights that are drawn a few come out near zero, and count for nothing.
            let count = weights.iter().filter(|w| off(**w)).count();
            if count * 100 <= weights.len() {
                continue;
            }
            let Some(lost) = weights.iter().copied().find(|w| off(*w)) else { continue };
            let beside = all.iter().filter(|other| other.1 == (*to, *receptor));
            let largest = beside.map(|(path, _, weights, bound)| {
                (weights.iter().fold(*bound, |most, w| most.max(w.abs())), path)
            });
            let (large, whose) = largest.fold((0.0, path), |a, b| if b.0 > a.0 { b } else { a });
            let kept = (lost / unit).round() * unit;
            warnings.push(Warning {
                path: format!("{path}.weight"),
                message: format!(
                    "the weight {} becomes {}, and {count} of {} are off by more than a thousandth, beside {} \
                     of {whose}: what arrives at once is summed in integers that hold the largest sum. Bring \
                     the weights nearer, or give them receptors of their own",
                    short(lost),
                    short(kept),
                    weights.len(),
                    short(large),
                ),
            });
        }
        warnings
    }

    /// A weight in units of the ring, as i32.
    fn fixed(&self, to: usize, receptor: usize, weight: f64) -> u32 {
        (weight / self.scale[to][receptor]).round() as i32 as u32
    }

    // ---- a step -----------------------------------------------------------------------------------

    /// Sources that spike by themselves.
    /// Those that are drawn for all steps of a window at once go to `whole_window`.
    fn sources(&mut self, whole_window: &mut Vec<Launch>, launches: &mut Vec<Launch>) {
        for (k, population) in self.network.populations.iter().enumerate() {
            let (n, name) = (population.size, &population.name);
            let row = self.ports.row as u32;
            let first = self.ports.first_word[k] as u32;
            let spikes = self.window_of_spikes();
            let one = |invocations| (Units::Count { count: 1, grain: 1 }, invocations);
            match &population.kind {
                network::Kind::Poisson(p) => {
                    let window = self.window_of(k, None);
                    let showing = match p[..] {
                        [p] => poisson_alike::sources(p, &window),
                        _ => poisson::sources(p.iter().copied(), &window),
                    };
                    self.show(k, &window, vec![showing], whole_window);
                }
                network::Kind::Images(images) => {
                    let window = self.window_of(k, Some(images));
                    let showings = images.encoder.code().show(&window);
                    self.show(k, &window, showings, whole_window);
                }
                network::Kind::Spikes(_) => {
                    let words = 2 * blocks(n);
                    let given =
                        self.arrays.zero_words(format!("{name}.given"), words * self.options.steps);
                    self.ports.given[k] = Some(given);
                    let params =
                        given_spikes::GivenSpikesParams::<f64> { words: words as u32, row, first };
                    let args = vec![whole(given), spikes];
                    let kernel = &given_spikes::KERNEL;
                    launches.push(self.launch(kernel, name, params.words(), args, one(words)));
                }
                _ => {}
            }
        }
    }

    /// How a population shows samples, or draws spikes by itself.
    fn window_of(&self, k: usize, images: Option<&Images>) -> Window {
        let [frames, hold] = shown(images, self.options.steps, self.network.dt);
        Window {
            dt: self.network.dt,
            n: self.network.populations[k].size as u32,
            rows: self.options.steps as u32,
            history: 0,
            row: self.ports.row as u32,
            first: self.ports.first_word[k] as u32,
            frames,
            hold,
            stream: stream(Purpose::Input, k as u32),
        }
    }

    fn show(
        &mut self,
        k: usize,
        window: &Window,
        showings: Vec<Showing>,
        launches: &mut Vec<Launch>,
    ) {
        let name = &self.network.populations[k].name;
        let mut made = None;
        for showing in showings {
            let args = showing.args.into_iter().map(|given| match given {
                Given::Pixels => {
                    let len = pixel_words(self.network.pixels());
                    let pixels = self.arrays.zero_words(format!("{name}.pixels"), len);
                    self.input.pixels = Some(pixels);
                    whole(pixels)
                }
                Given::Intensities => {
                    let (what, len) = (format!("{name}.intensities"), window.words());
                    let array = *made.get_or_insert_with(|| self.arrays.zero_words(what, len));
                    each(array, len)
                }
                Given::Nothing => whole(self.arrays.unused.words),
                Given::Presentation => whole(self.input.presentation),
                Given::Table(what, table) => {
                    whole(self.arrays.words(format!("{name}.{what}"), table))
                }
                Given::Sent => self.window_of_spikes(),
            });
            let args = args.collect();
            let size = (Units::Count { count: 1, grain: 1 }, showing.per_sample as usize);
            let launch = self.launch(showing.kernel, name, showing.params, args, size);
            launches.push(Launch { per_step: showing.per_step, ..launch });
        }
    }

    /// Spikes of all populations in all steps.
    fn window_of_spikes(&self) -> Arg {
        each(self.ports.spikes, self.ports.row * self.options.steps)
    }

    /// Stimuli; which array of currents each population reads, if it has noise.
    fn stimuli(&mut self, launches: &mut Vec<Launch>) -> Vec<Option<Reals>> {
        let count = self.network.populations.len();
        let mut currents = vec![None; count];
        for (index, stimulus) in self.network.stimuli.iter().enumerate() {
            let k = stimulus.to;
            let (n, name) = (self.network.populations[k].size, &self.network.populations[k].name);
            let [start_lo, start_hi] = halves(stimulus.start);
            let [stop_lo, stop_hi] = halves(stimulus.stop);
            let stream = stream(Purpose::Input, (1 << 16) + index as u32);
            let padded = blocks(n) * BLOCK;
            let spread = |values: &[f64], own: bool| {
                let mut values = values.to_vec();
                if own {
                    values.resize(padded, 0.0);
                }
                values
            };
            match &stimulus.input {
                Input::Poisson { means, .. } if means.iter().all(|mean| *mean <= 0.0) => {}
                Input::Poisson { means, weight, receptor } => {
                    let (level, first) = poisson_drive::tables(means);
                    let params = poisson_drive::PoissonDriveParams::<f64> {
                        n: n as u32,
                        tile: self.ring.tile as u32,
                        first_tile: self.first_tile[k] as u32,
                        slots: self.ring.slots as u32,
                        stride: self.ring.stride as u32,
                        receptor: *receptor as u32,
                        weight: self.fixed(k, *receptor, *weight),
                        own: u32::from(first.len() > 1),
                        stream,
                        start_lo,
                        start_hi,
                        stop_lo,
                        stop_hi,
                    };
                    let level = self.arrays.words(format!("stimulus.{index}.level"), level);
                    let first = self.arrays.words(format!("stimulus.{index}.first"), first);
                    let args = vec![whole(level), whole(first), self.ring_of(k)];
                    let kernel = &poisson_drive::KERNEL;
                    let size = (self.units(n), n.div_ceil(4));
                    launches.push(self.launch(kernel, name, params.words(), args, size));
                }
                Input::Current { factors, .. } if factors.len() > 1 => {
                    let current = self.current(&mut currents[k], name, padded);
                    let course = self
                        .arrays
                        .zero_reals(format!("stimulus.{index}.course"), self.options.steps);
                    self.ports.courses[index] = Some(course);
                    let factor = spread(factors, true);
                    let factor = self.arrays.reals(format!("stimulus.{index}.factor"), factor);
                    let params = current::CurrentParams::<f64> {
                        n: n as u32,
                        accumulate: u32::from(current.1),
                    };
                    let args = vec![whole(course), each(factor, 1), each(current.0, 1)];
                    let grain = if self.network.neurons() as usize <= ALONE { n } else { 4096 };
                    let size = (Units::Count { count: n, grain }, n);
                    let kernel = &current::KERNEL;
                    launches.push(self.launch(kernel, name, params.words(), args, size));
                }
                Input::Current { .. } => {
                    if self.ports.drive[k].is_none() {
                        let drive =
                            self.arrays.zero_reals(format!("{name}.drive"), self.options.steps);
                        self.ports.drive[k] = Some(drive);
                    }
                }
                Input::Noise { means, stds, fall } => {
                    let (fall, own) = (*fall, means.len().max(stds.len()) > 1);
                    let current = self.current(&mut currents[k], name, padded);
                    let params = noise::NoiseParams {
                        n: n as u32,
                        stream,
                        own: u32::from(own),
                        fall,
                        fresh: noise::fresh(fall),
                        start_lo,
                        start_hi,
                        stop_lo,
                        stop_hi,
                        accumulate: u32::from(current.1),
                    };
                    let all = |values: &[f64]| match (values, own) {
                        ([value], true) => vec![*value; n],
                        _ => values.to_vec(),
                    };
                    let mean = spread(&all(means), own);
                    let mean = self.arrays.reals(format!("stimulus.{index}.mean"), mean);
                    let deviation = spread(&all(stds), own);
                    let deviation =
                        self.arrays.reals(format!("stimulus.{index}.deviation"), deviation);
                    let process =
                        self.arrays.zero_reals(format!("stimulus.{index}.process"), padded);
                    let one = || self.arrays.reals(format!("{name}.noise"), vec![1.0]);
                    let strength = *self.noise[k].get_or_insert_with(one);
                    let shared = |array| if own { each(array, 1) } else { whole(array) };
                    let args = vec![
                        each(process, 1),
                        each(current.0, 1),
                        whole(strength),
                        shared(mean),
                        shared(deviation),
                    ];
                    let grain = if self.network.neurons() as usize <= ALONE { n } else { 4096 };
                    let size = (Units::Count { count: n, grain }, n);
                    launches.push(self.launch(&noise::KERNEL, name, params.words(), args, size));
                }
            }
        }
        currents
    }

    /// Currents of the neurons of a population, and whether something is in them already.
    fn current(&mut self, known: &mut Option<Reals>, name: &str, padded: usize) -> (Reals, bool) {
        let before = *known;
        let made = || self.arrays.zero_reals(format!("{name}.current"), padded);
        (*known.get_or_insert_with(made), before.is_some())
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
    fn begin(&self, learning: &Learning) -> Vec<Launch> {
        let mut begin = self.restart.clone();
        begin.extend(self.filters_again(learning));
        let words = [self.ring_array, self.fired].into_iter().chain(learning.list_arrays());
        let reals = learning.trace_arrays().chain(self.ports.short_term.iter().copied());
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
    pub fn own_receptors(&self, k: usize) -> bool {
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
    fn neurons(&mut self, k: usize, current: Option<Reals>, launches: &mut Vec<Launch>) {
        self.ports.state.push(None);
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

        let place = Place::<f32> {
            n: n as u32,
            tile: self.ring.tile as u32,
            first_tile: self.first_tile[k] as u32,
            slots: self.ring.slots as u32,
            stride: self.ring.stride as u32,
            receptors: receptors as u32,
            own: u32::from(own),
            drive: u32::from(self.ports.drive[k].is_some()),
            current: u32::from(current.is_some()),
            row: self.ports.row as u32,
            first_word: self.ports.first_word[k] as u32,
            slow,
            own_receptors: u32::from(own_receptors),
        };
        let mut params = place.words();
        params.extend(neurons.params());
        let (tile, unused) = (self.ring.tile, self.arrays.unused.reals);
        let row = Split::Row {
            row: self.ports.row,
            first: self.ports.first_word[k],
            len: 2 * blocks,
            stride: tile / 32,
        };
        let args = vec![
            each(state, tile * rows),
            if own { each(cell, tile * fields) } else { whole(cell) },
            whole(receptor),
            self.ring_of(k),
            whole(self.ports.drive[k].unwrap_or(unused)),
            current.map_or(whole(unused), |current| each(current, tile)),
            cut(self.ports.spikes, row),
        ];
        debug_assert!(steps > 0);
        let size = (self.units(n), blocks * BLOCK);
        launches.push(self.launch(neurons.kernel(), name, params, args, size));
    }

    /// The list of spikes and what they do.
    fn deliveries(
        &mut self,
        launches: &mut Vec<Launch>,
        learning: &mut Learning,
    ) -> Result<(), PlanError> {
        let sources = 32 * self.ports.row;
        let fired = self.fired;
        let table = self.table();
        self.ports.out_degree = table.out_degree(self.ring.tiles);
        let drawn = |p: &&Projection| matches!(p.synapses, Synapses::Procedural { .. });
        let drawn: Vec<&Projection> = self.network.projections.iter().filter(drawn).collect();
        let live = self.network.projections.iter().any(Projection::is_live)
            || !self.network.modulators.is_empty();
        if table.port.is_empty() && drawn.is_empty() && !live {
            return Ok(());
        }
        let (lists, list) = (self.history as u32, self.list_len() as u32);
        let row = self.ports.row as u32;
        let params = list_spikes::ListSpikesParams::<f64> { row, slots: lists };
        let len = self.arrays[fired].len;
        let args = vec![whole(self.ports.spikes), each(fired, len)];
        let kernel = &list_spikes::KERNEL;
        let size = (Units::Count { count: 1, grain: 1 }, kernel.workgroup as usize);
        launches.push(self.launch(kernel, "spikes", params.words(), args, size));

        for p in drawn {
            let Synapses::Procedural { degree, weight, skip, stream } = p.synapses else {
                continue;
            };
            let targets = self.network.populations[p.to].size;
            let first = 32 * self.ports.first_word[p.from];
            let sources = self.network.populations[p.from].size;
            for degrees in &mut self.ports.out_degree[first..first + sources] {
                *degrees += degree;
            }
            let params = procedural::ProceduralParams::<f64> {
                lists,
                list,
                first: first as u32,
                sources: sources as u32,
                targets: targets as u32,
                degree,
                weight: self.fixed(p.to, p.receptor, weight),
                delay: p.delay as u32,
                receptor: p.receptor as u32,
                skip: u32::from(skip),
                tile: self.ring.tile as u32,
                first_tile: self.first_tile[p.to] as u32,
                slots: self.ring.slots as u32,
                stride: self.ring.stride as u32,
                stream,
            };
            let args = vec![whole(fired), self.ring_of(p.to)];
            // Each piece draws all targets, so few pieces are best.
            let count = targets.div_ceil(self.ring.tile);
            let grain =
                count.div_ceil(if self.network.neurons() as usize <= ALONE { 1 } else { 2 });
            let size = (
                Units::Count { count, grain },
                scatter::groups(sources, degree as usize) * procedural::KERNEL.workgroup as usize,
            );
            launches.push(self.launch(&procedural::KERNEL, &p.name, params.words(), args, size));
        }

        let tiles = self.ring.tiles;
        let most = (self.options.max_table / 4) as usize;
        let mut first = 0;
        let mut part = 0;
        while first < sources {
            // As many sources as fit, at least one.
            let begin = table.start[first * tiles] as usize;
            let fits = |source: usize| {
                let synapses = table.start[source * tiles] as usize - begin;
                synapses <= most && (source - first) * tiles < most
            };
            let mut last = first + 1;
            while last < sources && fits(last + 1) {
                last += 1;
            }
            let end = table.start[last * tiles] as usize;
            let start = &table.start[first * tiles..=last * tiles];
            if end > begin {
                let start = start.iter().map(|s| (s - begin as u64) as u32).collect();
                let start = self.arrays.words(format!("synapses.{part}.start"), start);
                let port = self
                    .arrays
                    .words(format!("synapses.{part}.port"), table.port[begin..end].to_vec());
                let weights = match &table.shared {
                    Some(shared) => &shared[first * tiles..last * tiles],
                    None => &table.weight[begin..end],
                };
                let weight = self.arrays.words(format!("synapses.{part}.weight"), weights.to_vec());
                self.tables.extend([start, port, weight]);
                let params = scatter::ScatterParams::<f64> {
                    lists,
                    list,
                    first: first as u32,
                    sources: (last - first) as u32,
                    tiles: tiles as u32,
                    slots: self.ring.slots as u32,
                    places: self.ring.places() as u32,
                    port_bits: self.ring.port_bits(),
                    shared: u32::from(table.shared.is_some()),
                };
                let stride = self.ring.tile_len();
                let ring = each(self.ring_array, stride);
                let args = vec![whole(fired), whole(start), whole(port), whole(weight), ring];
                let grain = if table.port.len() <= 1 << 20 { tiles } else { 1 };
                let groups = scatter::groups(last - first, (end - begin) / (last - first));
                let size = (
                    Units::Count { count: tiles, grain },
                    groups * scatter::KERNEL.workgroup as usize,
                );
                let label = format!("synapses.{part}");
                launches.push(self.launch(&scatter::KERNEL, &label, params.words(), args, size));
                part += 1;
            }
            first = last;
        }
        self.live(launches, learning)
    }

    /// All synapses by source, and for each source by tile.
    fn table(&self) -> Table {
        let (tiles, sources) = (self.ring.tiles, 32 * self.ports.row);
        let mut start = vec![0u64; sources * tiles + 1];
        let mut shared = vec![None; sources * tiles];
        let mut alike = true;
        self.each_synapse(|source, tile, _, w| {
            start[source * tiles + tile + 1] += 1;
            alike &= *shared[source * tiles + tile].get_or_insert(w) == w;
        });
        for k in 1..start.len() {
            start[k] += start[k - 1];
        }
        let count = start[sources * tiles] as usize;
        let mut port = vec![0u32; count];
        let mut weight = vec![0u32; if alike { 0 } else { count }];
        let mut next = start.clone();
        self.each_synapse(|source, tile, p, w| {
            let at = &mut next[source * tiles + tile];
            port[*at as usize] = p;
            if !alike {
                weight[*at as usize] = w;
            }
            *at += 1;
        });
        let shared = alike.then(|| shared.into_iter().map(Option::unwrap_or_default).collect());
        Table { start, port, weight, shared }
    }

    /// Every synapse as source, tile, first and second word.
    fn each_synapse(&self, mut found: impl FnMut(usize, usize, u32, u32)) {
        let (ring, bits) = (self.ring, self.ring.port_bits());
        for p in self.network.projections.iter().filter(|p| !p.is_live()) {
            let first_source = 32 * self.ports.first_word[p.from];
            let first_tile = self.first_tile[p.to];
            let targets = self.network.populations[p.to].size;
            let port = |target: usize, delay: usize| {
                let tile = first_tile + target / ring.tile;
                let place = p.receptor * ring.tile + target % ring.tile;
                (tile, (delay as u32) << bits | (tile * ring.places() + place) as u32)
            };
            match &p.synapses {
                Synapses::Dense { weights } => {
                    for (k, w) in weights.iter().enumerate() {
                        let (source, target) = (k / targets, k % targets);
                        let (tile, word) = port(target, p.delay);
                        found(first_source + source, tile, word, self.fixed(p.to, p.receptor, *w));
                    }
                }
                Synapses::Procedural { .. } => {}
                Synapses::Convolution { .. } => unreachable!("a simulation has every synapse"),
                Synapses::Sparse { start, source, weights, .. } => {
                    for target in 0..targets {
                        for k in start[target] as usize..start[target + 1] as usize {
                            let (tile, word) = port(target, p.delay_of(k));
                            let w = self.fixed(p.to, p.receptor, weights[k]);
                            found(first_source + source[k] as usize, tile, word, w);
                        }
                    }
                }
            }
        }
    }

    /// What is recorded.
    fn samples(&mut self, launches: &mut Vec<Launch>) -> Result<(), PlanError> {
        for (index, sampled) in self.options.samples.iter().enumerate() {
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
            let len = (self.options.steps as u64 / sampled.every + 1) as usize * count;
            let [every_lo, every_hi] = halves(sampled.every);
            let ids = self.arrays.words(format!("sample.{index}.ids"), at);
            let samples = self.arrays.zero_reals(format!("sample.{index}"), len);
            self.ports.samples.push(samples);
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

/// Synapses by source and tile.
struct Table {
    start: Vec<u64>,
    port: Vec<u32>,
    /// Weight of each synapse, unless `shared` has one for each source and tile.
    weight: Vec<u32>,
    shared: Option<Vec<u32>>,
}

impl Table {
    fn out_degree(&self, tiles: usize) -> Vec<u32> {
        let ends = self.start.iter().step_by(tiles);
        ends.clone().zip(ends.skip(1)).map(|(a, b)| (b - a) as u32).collect()
    }
}
