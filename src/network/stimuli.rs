//! Stimuli: from the words of a scene to what they are in a run, laid out over neurons and steps.

use super::draw::drawn;
use super::{Input, NetworkError, Stimulus};
use crate::input::stimulus::Making;
use crate::neuron::model::{Refused, at};
use crate::scene::{self, Model, Scene, receptors_of};

/// A stimulus in steps.
pub(super) fn stimulus(
    scene: &Scene,
    index: usize,
    stimulus: &scene::Stimulus,
) -> Result<Stimulus, NetworkError> {
    let dt = scene.simulation.dt.get();
    let find = |name: &String| scene.populations.iter().position(|(known, _)| known == name);
    let to = find(&stimulus.to).unwrap_or_default();
    let size = scene.populations[to].1.size as usize;
    let path = format!("stimuli.{index}.input");
    let some = stimulus.ids.as_ref().map_or(size, Vec::len);
    let draw = drawn(&stimulus.input, path, [some, 1], scene.simulation.seed);
    let draw = draw.map_err(|error| match (error, &stimulus.ids) {
        (NetworkError::Value(refused), Some(ids)) => {
            let neuron = ids[refused.neuron] as usize;
            NetworkError::Value(Refused { neuron, ..refused })
        }
        (error, _) => error,
    })?;
    // Those who do not get it get nothing of it.
    let each = |values: &[f64]| match &stimulus.ids {
        None => values.to_vec(),
        Some(ids) => {
            let mut all = vec![0.0; size];
            ids.iter().enumerate().for_each(|(k, id)| all[*id as usize] = *at(values, k));
            all
        }
    };
    let drive = stimulus.input.drive();
    let model = &scene.populations[to].1.model;
    let known = model.receptors();
    let receptors = receptors_of(&known, drive.events().and_then(|events| events.receptor));
    let making = Making {
        dt,
        moment: moment(model, dt),
        all: stimulus.ids.is_none(),
        receptors,
        by_magnitude: known.get(receptors[1]).is_some_and(|(_, r)| r.is_conductance()),
    };
    let mut input = drive.make(making, &draw)?;
    input.spread(&each);
    let step = |t: f64| (t / dt).round() as u64;
    let [start, stop] = drive.span();
    let start = start.map_or(0, step);
    let length = match &input {
        Input::Current { course, .. } => course.length(),
        _ => None,
    };
    let stop = match length {
        Some(length) => start.saturating_add(length),
        None => stop.map_or(u64::MAX, step),
    };
    Ok(Stimulus { to, input, start, stop })
}

/// The part of a step after which a current that changes linearly has the value with which, held for the whole
/// step, it does the same to a membrane. That is the middle, the mean of the current, but for what a leaky
/// membrane forgets of it until the end: with x = dt / tau, 1 / (1 - e^-x) - 1 / x.
fn moment(model: &Model, dt: f64) -> f64 {
    let tau = model.neuron().and_then(|neuron| neuron.tau_m());
    match tau.map(|tau| dt / tau) {
        Some(x) if x > 1e-3 => -1.0 / (-x).exp_m1() - 1.0 / x,
        Some(x) => 0.5 + x / 12.0,
        None => 0.5,
    }
}
