//! What can be moved on a page while the network runs: stimuli, rates of sources, weights of projections, each by a
//! factor.
//!
//! A factor is less than 2, and so exact: what arrives in one step is summed in integers whose unit leaves room for twice
//! the largest sum ([`crate::plan`]). Tables of random numbers are made here for each position of a slider, by the
//! functions that make them for a run. All else is a product, of numbers or of integers that are rounded once more.

use super::content::{Content, Part};
use crate::engine::dispatch::{Dispatches, param_at};
use crate::input::{poisson, poisson_alike, poisson_drive};
use crate::kernel::{Kernel, Word};
use crate::network::{Input, Kind, Network, Projection, Stimulus, Synapses};
use crate::plan::{ArrayId, Init, Launch, Plan};
use crate::synapse::{deliver_convolved, deliver_dense, deliver_sparse, procedural, scatter};
use crate::words::bytes;
use serde::Serialize;

/// Positions of a slider, a twentieth apart: from 0 to 1.9.
const POSITIONS: usize = 39;

/// Words that the tables of one slider may take.
const MOST_WORDS: usize = 1 << 20;

/// A slider.
#[derive(Serialize)]
pub struct Control {
    label: String,
    group: Group,
    /// What the factor 1 stands for, with its unit, if that is one number.
    base: Option<(f64, &'static str)>,
    /// Factor of each position; 1 is among them.
    factors: Vec<f64>,
    moves: Vec<Move>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Group {
    Stimuli,
    Weights,
}

/// What is written when a slider moves.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Move {
    /// A current that the host writes for each window.
    Current {
        /// Index of the stimulus.
        stimulus: usize,
    },
    /// Words of an array from one on, for each position.
    Table { array: ArrayId, at: usize, positions: Vec<Part> },
    /// The floats with which an array starts, times the factor.
    Floats { array: ArrayId },
    /// A number among the params of a dispatch, times the factor.
    Param {
        stage: usize,
        dispatch: usize,
        /// First byte.
        at: usize,
        /// Whether it is an i32 rather than a float.
        integer: bool,
    },
    /// Integers of a part of the table of synapses, times the factor.
    Synapses {
        table: Table,
        /// First source, and one behind the last, as places in the row of spikes.
        sources: [usize; 2],
        /// First tile of the targets, and one behind the last.
        tiles: [usize; 2],
        /// Their receptor; any if the sources of a tile share a weight.
        receptor: Option<usize>,
    },
}

/// A part of the table of synapses: see [`scatter`].
#[derive(Serialize, Clone, Copy)]
struct Table {
    start: ArrayId,
    port: ArrayId,
    weight: ArrayId,
    first: u32,
    sources: u32,
    tiles: u32,
    places: u32,
    port_bits: u32,
    /// Neurons of a tile.
    tile: u32,
}

/// The largest factor.
pub const MOST_FACTOR: f64 = (POSITIONS - 1) as f64 / 20.0;

/// The factors of all positions.
fn factors() -> impl Iterator<Item = f64> {
    (0..POSITIONS).map(|k| k as f64 / 20.0)
}

/// The sliders of a network, and what cannot be moved. Arrays of tables become as long as the longest.
pub fn of(
    network: &Network,
    plan: &mut Plan,
    max_binding: u64,
    content: &mut Content,
) -> (Vec<Control>, Vec<String>) {
    let mut maker = Maker { network, plan, content, controls: Vec::new(), notes: Vec::new() };
    maker.sources();
    for (index, stimulus) in network.stimuli.iter().enumerate() {
        maker.stimulus(index, stimulus);
    }
    let Maker { mut controls, mut notes, .. } = maker;
    let (weights, together) = weights(network, plan, max_binding);
    controls.extend(weights);
    notes.extend(together);
    (controls, notes)
}

struct Maker<'a> {
    network: &'a Network,
    plan: &'a mut Plan,
    content: &'a mut Content,
    controls: Vec<Control>,
    notes: Vec<String>,
}

impl Maker<'_> {
    fn add(
        &mut self,
        (group, label): (Group, String),
        base: Option<(f64, &'static str)>,
        factors: Vec<f64>,
        moves: Vec<Move>,
    ) {
        self.controls.push(Control { label, group, base, factors, moves });
    }

    fn array(&self, name: &str) -> Option<ArrayId> {
        self.plan.arrays.named(name)
    }

    /// A move of an array that gets one of these tables, from a word on.
    fn table(&mut self, array: ArrayId, at: usize, tables: Vec<Vec<u32>>) -> Move {
        let positions = tables.into_iter().map(|table| self.content.words(table)).collect();
        Move::Table { array, at, positions }
    }

    /// The same of an array of its own, which becomes as long as the longest.
    fn whole_table(&mut self, array: ArrayId, tables: Vec<Vec<u32>>) -> Move {
        let longest = tables.iter().map(Vec::len).max().unwrap_or_default();
        let own = &mut self.plan.arrays[array];
        if let Init::Words(words) = &mut own.init {
            words.resize(longest.max(words.len()), 0);
            own.len = words.len();
        }
        self.table(array, 0, tables)
    }

    /// Rates of sources that spike by themselves.
    fn sources(&mut self) {
        for population in &self.network.populations {
            let Kind::Poisson(p) = &population.kind else { continue };
            let largest = p.iter().copied().fold(0.0, f64::max);
            // No source spikes more than once in a step.
            let factors: Vec<f64> =
                factors().take_while(|f| f * largest <= 1.0 || *f <= 1.0).collect();
            let name = &population.name;
            let table = |f: f64| match &p[..] {
                [p] => poisson_alike::levels(f * p),
                p => p.iter().map(|p| poisson::threshold(f * p)).collect(),
            };
            let array = if p.len() == 1 { "level" } else { "threshold" };
            let label = format!("rate of {name}");
            if p.len() * factors.len() > MOST_WORDS {
                self.too_many(&label, p.len() * factors.len());
                continue;
            }
            let Some(array) = self.array(&format!("{name}.{array}")) else { continue };
            let tables = factors.iter().map(|f| table(*f)).collect();
            let base = match p[..] {
                [p] => Some((p * 1e3 / self.network.dt, "Hz")),
                _ => None,
            };
            let moves = vec![self.whole_table(array, tables)];
            self.add((Group::Stimuli, label), base, factors, moves);
        }
    }

    /// Says that tables take too much.
    fn too_many(&mut self, label: &str, words: usize) {
        let size = bytes(4 * words as u64);
        self.notes.push(format!(
            "Cannot be moved: {label}, as each neuron has its own, and the tables of all positions would take {size}."
        ));
    }

    fn stimulus(&mut self, index: usize, stimulus: &Stimulus) {
        let name = &self.network.populations[stimulus.to].name;
        let when = self.when(stimulus);
        let array = |maker: &Self, what: &str| maker.array(&format!("stimulus.{index}.{what}"));
        match &stimulus.input {
            Input::Current { .. } => {
                let label = format!("current into {name}{when}");
                let moves = vec![Move::Current { stimulus: index }];
                self.add((Group::Stimuli, label), None, factors().collect(), moves);
            }
            Input::Noise { means, stds, .. } => {
                for (what, numbers, label) in
                    [("mean", means, "mean"), ("deviation", stds, "deviation")]
                {
                    let Some(array) = array(self, what) else { continue };
                    if numbers.iter().all(|x| *x == 0.0) {
                        continue;
                    }
                    let base = match numbers[..] {
                        [x] => Some((x, "pA")),
                        _ => None,
                    };
                    let label = format!("{label} of the noise into {name}{when}");
                    let moves = vec![Move::Floats { array }];
                    self.add((Group::Stimuli, label), base, factors().collect(), moves);
                }
            }
            Input::Poisson { means, .. } => {
                let Some((array, [level, first])) = self.plan.simulation().events[index] else {
                    return;
                };
                let label = format!("Poisson events into {name}{when}");
                let highest = means.iter().copied().fold(0.0, f64::max);
                // The integers of the ring have room for so many events.
                let events = |f: f64| poisson_drive::levels(f * highest).len();
                let most = (POSITIONS - 1) * events(1.0) / 20;
                let factors: Vec<f64> =
                    factors().take_while(|f| events(*f) <= most || *f <= 1.0).collect();
                let (levels, firsts): (Vec<_>, Vec<_>) =
                    factors.iter().map(|f| tables(means, *f)).unzip();
                let words = levels.iter().chain(&firsts).map(Vec::len).sum();
                if words > MOST_WORDS {
                    self.too_many(&label, words);
                    return;
                }
                let base = match means[..] {
                    [mean] => Some((mean * 1e3 / self.network.dt, "Hz")),
                    _ => None,
                };
                let moves = vec![
                    self.table(array.id(), level, levels),
                    self.table(array.id(), first, firsts),
                ];
                self.add((Group::Stimuli, label), base, factors, moves);
            }
        }
    }

    /// When a stimulus is there, if that is not always.
    fn when(&self, stimulus: &Stimulus) -> String {
        let ms = |step: u64| (step as f64 * self.network.dt * 1e6).round() / 1e6;
        match (stimulus.start, stimulus.stop) {
            (0, u64::MAX) => String::new(),
            (start, u64::MAX) => format!(" from {} ms on", ms(start)),
            (start, stop) => format!(" from {} to {} ms", ms(start), ms(stop)),
        }
    }
}

/// By what projections are told apart in the table: source, target, and receptor where that is known.
type Ends = (usize, usize, Option<usize>);

/// Weights of projections, and which are moved together.
fn weights(network: &Network, plan: &Plan, max_binding: u64) -> (Vec<Control>, Vec<String>) {
    let placed = Placed::new(plan, max_binding);
    let (mut controls, mut notes) = (Vec::new(), Vec::new());
    let mut add = |label: String, moves: Vec<Move>| {
        if !moves.is_empty() {
            let (group, factors) = (Group::Weights, factors().collect());
            controls.push(Control { label, group, base: None, factors, moves });
        }
    };
    let is_drawn = |p: &&Projection| matches!(p.synapses, Synapses::Procedural { .. });
    for p in &network.projections {
        let own = |launch: &Launch| launch.label == p.name;
        if p.is_live() {
            let kernels =
                [&deliver_convolved::KERNEL, &deliver_dense::KERNEL, &deliver_sparse::KERNEL];
            let found = kernels.iter().flat_map(|kernel| placed.params(kernel, own, "units"));
            let label = match p.rule {
                Some(_) => format!("effect of {}, whose weights learn", p.name),
                None => p.name.clone(),
            };
            add(label, found.map(|place| place.param(false)).collect());
        } else if is_drawn(&p) {
            let found = placed.params(&procedural::KERNEL, own, "weight");
            add(p.name.clone(), found.map(|place| place.param(true)).collect());
        }
    }

    // Those of the table that cannot be told apart there are moved together.
    let tables = placed.tables();
    let shared = tables.iter().any(|(_, shared)| *shared);
    let stored = network
        .projections
        .iter()
        .filter(|p| !p.is_live() && !is_drawn(p) && p.synapses.weights().iter().any(|w| *w != 0.0));
    let mut groups: Vec<(Ends, Vec<&str>)> = Vec::new();
    for p in stored {
        let key = (p.from, p.to, (!shared).then_some(p.receptor));
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, names)) => names.push(&p.name),
            None => groups.push((key, vec![&p.name])),
        }
    }
    let first_words = &plan.simulation().first_word;
    for ((from, to, receptor), names) in groups {
        let [from, to] = [from, to].map(|k| (k, &network.populations[k]));
        let Some(tiles) = placed.tiles(&to.1.name, to.1.size) else { continue };
        let first = 32 * first_words[from.0];
        let sources = [first, first + from.1.size];
        let moves = tables.iter().map(|(table, _)| Move::Synapses {
            table: *table,
            sources,
            tiles,
            receptor,
        });
        if names.len() > 1 {
            let names = names.join(", ");
            notes.push(format!("Moved together, as they join the same neurons: {names}."));
        }
        add(names.join(", "), moves.collect());
    }
    (controls, notes)
}

/// The tables of Poisson events of mean numbers times a factor, and where those of the neurons begin.
fn tables(means: &[f64], factor: f64) -> (Vec<u32>, Vec<u32>) {
    poisson_drive::tables(&means.iter().map(|mean| factor * mean).collect::<Vec<_>>())
}

/// Launches of a plan by their places on the device.
struct Placed<'p> {
    launches: Vec<(&'p Launch, Place)>,
}

/// Where the device has a launch.
#[derive(Debug, Clone, Copy)]
struct Place {
    stage: usize,
    dispatch: usize,
    /// Rank among the launches that are one dispatch.
    member: usize,
}

/// A number among the params of a dispatch.
struct Found {
    place: Place,
    at: usize,
}

impl Found {
    fn param(&self, integer: bool) -> Move {
        let Place { stage, dispatch, .. } = self.place;
        Move::Param { stage, dispatch, at: self.at, integer }
    }
}

/// A parameter of a launch, if it is an integer.
fn word(launch: &Launch, field: &str) -> Option<u32> {
    let place = launch.kernel.params.iter().position(|known| known.name == field)?;
    match launch.params[place] {
        Word::U(word) => Some(word),
        Word::F(_) => None,
    }
}

/// An array of a launch by the name of its binding.
fn array(launch: &Launch, name: &str) -> Option<ArrayId> {
    let place = launch.kernel.bindings.iter().position(|known| known.name == name)?;
    Some(launch.args[place].array)
}

impl<'p> Placed<'p> {
    fn new(plan: &'p Plan, max_binding: u64) -> Self {
        let merged = Dispatches::of(plan, max_binding);
        let mut launches = Vec::new();
        for (program, merged) in plan.programs.iter().zip(&merged.programs) {
            for (stage, (of, merged)) in program.stages.iter().zip(merged).enumerate() {
                for (dispatch, ids) in merged.iter().enumerate() {
                    launches.extend(ids.iter().enumerate().map(|(member, id)| {
                        (&of.launches()[*id], Place { stage, dispatch, member })
                    }));
                }
            }
        }
        Self { launches }
    }

    /// A field of launches of a kernel.
    fn params<'a>(
        &'a self,
        kernel: &'static Kernel,
        is_meant: impl Fn(&Launch) -> bool + 'a,
        field: &'static str,
    ) -> impl Iterator<Item = Found> + 'a {
        self.launches.iter().filter_map(move |(launch, place)| {
            let is_own = launch.kernel == kernel && is_meant(launch);
            let at = is_own.then(|| param_at(kernel, place.member, field))??;
            Some(Found { place: *place, at })
        })
    }

    /// Neurons of a tile of the ring, if a population has some.
    fn tile(&self) -> Option<u32> {
        self.launches.iter().find_map(|(launch, _)| word(launch, "tile"))
    }

    /// The tiles of a population of neurons.
    fn tiles(&self, population: &str, size: usize) -> Option<[usize; 2]> {
        let own =
            |launch: &Launch| launch.label == population && word(launch, "receptors").is_some();
        let (launch, _) = self.launches.iter().find(|(launch, _)| own(launch))?;
        let [first, tile] = [word(launch, "first_tile")?, word(launch, "tile")?];
        Some([first as usize, first as usize + size.div_ceil(tile as usize)])
    }

    /// Parts of the table of synapses, and whether a source has one weight in all a tile: the whole, if neurons pull
    /// from it.
    fn tables(&self) -> Vec<(Table, bool)> {
        let pulling = self.launches.iter().find(|(launch, _)| word(launch, "pulls") == Some(1));
        let scattering =
            self.launches.iter().filter(|(launch, _)| launch.kernel == &scatter::KERNEL);
        let table = |(launch, _): &(&Launch, Place)| {
            let tile = self.tile()?;
            let pulls = word(launch, "pulls").is_some();
            let table = Table {
                start: array(launch, "start")?,
                port: array(launch, "port")?,
                weight: array(launch, "weight")?,
                first: if pulls { 0 } else { word(launch, "first")? },
                sources: if pulls {
                    32 * word(launch, "row_words")?
                } else {
                    word(launch, "sources")?
                },
                tiles: word(launch, "tiles")?,
                places: if pulls {
                    word(launch, "stride")? * tile
                } else {
                    word(launch, "places")?
                },
                port_bits: word(launch, "port_bits")?,
                tile,
            };
            Some((table, word(launch, "shared")? == 1))
        };
        pulling.into_iter().chain(scattering).filter_map(table).collect()
    }
}
