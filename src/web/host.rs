//! What the host of a page writes before each window: see [`crate::simulation`], whose rules the script follows.

use super::content::{Content, Part};
use crate::network::{Input, Kind, Network, Stimulus};
use crate::neuron::stepped::BLOCK;
use crate::plan::{ArrayId, Plan};
use serde::Serialize;

/// Input that is not made on the device.
#[derive(Serialize)]
pub struct Host {
    currents: Vec<Current>,
    given: Vec<Given>,
    releases: Option<Releases>,
}

/// An array with a current for each step, a sum of several.
#[derive(Serialize)]
struct Current {
    array: ArrayId,
    sum: Vec<Summand>,
}

#[derive(Serialize)]
struct Summand {
    /// Index of the stimulus.
    stimulus: usize,
    factor: f64,
    start: u64,
    /// First step without; none for never.
    stop: Option<u64>,
    /// See [`network::Course::script`].
    course: String,
}

/// An array with a row of spikes for each step.
#[derive(Serialize)]
struct Given {
    array: ArrayId,
    /// Words of a row.
    words: usize,
    /// Lower and upper half of the step, and the source, of each spike, in the order of the steps.
    spikes: Part,
}

/// An array with what is released in each step.
#[derive(Serialize)]
struct Releases {
    array: ArrayId,
    /// How many modulators have a number in each step.
    modulators: usize,
    /// Step, modulator, amount.
    events: Vec<(u64, usize, f64)>,
}

impl Host {
    /// What is written for a network.
    pub fn new(network: &Network, plan: &Plan, content: &mut Content) -> Self {
        let ports = plan.simulation();
        let mut currents = Vec::new();
        // The order of the sums is that of the simulation.
        for (index, (stimulus, array)) in network.stimuli.iter().zip(&ports.courses).enumerate() {
            let Some(array) = *array else { continue };
            let sum = summand(index, stimulus).map(|s| Summand { factor: 1.0, ..s });
            currents.push(Current { array: array.id(), sum: sum.into_iter().collect() });
        }
        for (k, array) in ports.drive.iter().enumerate() {
            let Some(array) = *array else { continue };
            let own =
                network.stimuli.iter().enumerate().filter(|(index, stimulus)| {
                    stimulus.to == k && ports.courses[*index].is_none()
                });
            let sum = own.filter_map(|(index, stimulus)| summand(index, stimulus)).collect();
            currents.push(Current { array: array.id(), sum });
        }
        let given =
            network.populations.iter().zip(&ports.given).filter_map(|(population, array)| {
                let (Kind::Spikes(times), Some(array)) = (&population.kind, *array) else {
                    return None;
                };
                let mut spikes: Vec<(u64, u32)> = Vec::new();
                for (source, times) in times.iter().enumerate() {
                    spikes.extend(times.iter().map(|step| (*step, source as u32)));
                }
                spikes.sort_unstable();
                let halves = spikes.iter().flat_map(|(step, source)| {
                    let [low, high] = crate::kernel::halves(*step);
                    [low, high, *source]
                });
                let spikes = content.words(halves);
                Some(Given {
                    array: array.id(),
                    words: population.size.div_ceil(BLOCK) * 2,
                    spikes,
                })
            });
        let given = given.collect();
        let releases = ports.modulators.map(|ports| {
            let each = network.modulators.iter().enumerate();
            let events = each.flat_map(|(which, m)| {
                m.events.iter().map(move |(step, amount)| (*step, which, *amount))
            });
            Releases {
                array: ports.release.id(),
                modulators: network.modulators.len(),
                events: events.collect(),
            }
        });
        Self { currents, given, releases }
    }
}

/// A stimulus that is a current, with the factor that all neurons share.
fn summand(index: usize, stimulus: &Stimulus) -> Option<Summand> {
    let Input::Current { course, factors } = &stimulus.input else { return None };
    Some(Summand {
        stimulus: index,
        factor: factors[0],
        start: stimulus.start,
        stop: (stimulus.stop < u64::MAX).then_some(stimulus.stop),
        course: course.script(),
    })
}
