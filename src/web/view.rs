//! What a page shows: spikes, a state of some neurons, weights that change.

use super::content::{Content, Part};
use crate::network::{Kind, Network};
use crate::neuron::stepped::{Stepped, Variable};
use crate::plan::{ArrayId, Plan, Recorded, Sampled, SimulationPorts, Tiles};
use crate::record::sample::sampled;
use serde::Serialize;

/// Neurons of a population of which a state is drawn.
const TRACED: usize = 3;

/// Time between two samples of a state, at least \[ms\].
const SAMPLED: f64 = 0.1;

/// Where the script finds what it draws.
#[derive(Serialize)]
pub struct View {
    /// Spikes of a window, a row for each step.
    spikes: ArrayId,
    /// Words of a row.
    row: usize,
    /// Words before those of the window.
    before: usize,
    populations: Vec<Shown>,
    weights: Vec<Weights>,
    /// States, which are to stay finite: population and array.
    states: Vec<(usize, ArrayId)>,
}

/// A population.
#[derive(Serialize)]
struct Shown {
    name: String,
    size: usize,
    /// Its first word in a row of spikes.
    first_word: usize,
    trace: Option<Traced>,
}

/// A state of some of its neurons.
#[derive(Serialize)]
struct Traced {
    variable: String,
    unit: &'static str,
    samples: ArrayId,
    /// Array of the neurons, each with its rank, and where they begin there.
    ids: (ArrayId, usize),
    count: usize,
    /// Steps from sample to sample.
    every: u64,
    /// What is added to a sample: for all neurons, or for each.
    rest: Part,
}

/// Weights of a projection that change.
#[derive(Serialize)]
struct Weights {
    name: String,
    /// Least and largest.
    bounds: [f64; 2],
    /// Arrays, and in each the runs of elements that are weights: first, and one behind the last.
    arrays: Vec<(ArrayId, Vec<[usize; 2]>)>,
}

/// What the plan of a page samples: a state of the first neurons of each population.
pub fn watched(network: &Network) -> Vec<Sampled> {
    let states = network.populations.iter().enumerate().filter_map(|(k, population)| {
        let Kind::Stepped(neurons) = &population.kind else { return None };
        Some(Sampled {
            what: Recorded::State { population: k, row: drawn(&**neurons)?.row },
            ids: (0..population.size.min(TRACED) as u32).collect(),
            every: (SAMPLED / network.dt).round().max(1.0) as u64,
        })
    });
    states.collect()
}

/// The state that is drawn: the potential, if there is one.
fn drawn(neurons: &dyn Stepped) -> Option<Variable> {
    let mut all = neurons.variables();
    let potential = all.iter().position(|variable| variable.potential).unwrap_or_default();
    (!all.is_empty()).then(|| all.swap_remove(potential))
}

impl View {
    /// What is shown of a network whose plan samples what is [`watched`].
    pub fn new(network: &Network, plan: &Plan, content: &mut Content) -> Self {
        let ports = plan.simulation();
        let sampled = watched(network);
        let populations = network.populations.iter().enumerate().map(|(k, population)| Shown {
            name: population.name.clone(),
            size: population.size,
            first_word: ports.first_word[k],
            trace: traced(network, plan, (k, &sampled), content),
        });
        let populations = populations.collect();
        let weights = network.projections.iter().zip(&ports.live).filter_map(|(p, live)| {
            let (Some(rule), Some(live)) = (&p.rule, live) else { return None };
            let arrays = runs(&live.weights, p.synapses.weights().len());
            Some(Weights { name: p.name.clone(), bounds: rule.bounds, arrays })
        });
        let states = ports.state.iter().enumerate();
        let states = states.filter_map(|(k, state)| Some((k, state.as_ref()?.0.id())));
        Self {
            spikes: ports.spikes.id(),
            row: ports.row,
            before: ports.before,
            populations,
            weights: weights.collect(),
            states: states.collect(),
        }
    }
}

fn traced(
    network: &Network,
    plan: &Plan,
    (k, sampled): (usize, &[Sampled]),
    content: &mut Content,
) -> Option<Traced> {
    let SimulationPorts { samples, .. } = plan.simulation();
    let Kind::Stepped(neurons) = &network.populations[k].kind else { return None };
    let variable = drawn(&**neurons)?;
    let is_own = |sampled: &Sampled| matches!(sampled.what, Recorded::State { population, .. } if population == k);
    let index = sampled.iter().position(is_own)?;
    let population = &network.populations[k].name;
    let ids = plan.arrays.named(&format!("{population}.sampled"))?;
    let rests = (0..network.populations[k].size).map(|id| match variable.potential {
        true => neurons.rest(id),
        false => 0.0,
    });
    let first = rests.clone().next()?;
    let rest = match rests.clone().all(|rest| rest == first) {
        true => content.reals([first]),
        false => content.reals(rests),
    };
    Some(Traced {
        variable: variable.name,
        unit: variable.unit,
        samples: samples[index].0.id(),
        ids: (ids, sampled::COUNT),
        count: sampled[index].ids.len(),
        every: sampled[index].every,
        rest,
    })
}

/// Where `count` weights lie.
fn runs(tiles: &Tiles, count: usize) -> Vec<(ArrayId, Vec<[usize; 2]>)> {
    let place = |synapse| {
        let (array, at) = tiles.find(synapse);
        (array.id(), at)
    };
    let mut places: Vec<(ArrayId, usize)> = (0..count).map(place).collect();
    places.sort_unstable();
    let mut arrays: Vec<(ArrayId, Vec<[usize; 2]>)> = Vec::new();
    for (array, place) in places {
        match arrays.last_mut() {
            Some((known, runs)) if *known == array => match runs.last_mut() {
                Some(run) if run[1] == place => run[1] += 1,
                _ => runs.push([place, place + 1]),
            },
            _ => arrays.push((array, vec![[place, place + 1]])),
        }
    }
    arrays
}
