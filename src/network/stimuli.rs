//! Stimuli: from the words of a scene to courses, factors and steps.

use super::draw::drawn;
use super::{Course, Input, NetworkError, Stimulus};
use crate::files;
use crate::input::poisson_drive::MOST_EVENTS;
use crate::neuron::model::{Refused, at};
use crate::scene::{self, Model, Scene, receptors_of};
use crate::slow::fall;
use std::sync::Arc;

/// A stimulus in steps.
pub(super) fn stimulus(
    scene: &Scene,
    index: usize,
    stimulus: &scene::Stimulus,
) -> Result<Stimulus, NetworkError> {
    use scene::Input as I;
    let dt = scene.simulation.dt.get();
    let find = |name: &String| scene.populations.iter().position(|(known, _)| known == name);
    let to = find(&stimulus.to).unwrap_or_default();
    let size = scene.populations[to].1.size as usize;
    let path = format!("stimuli.{index}.input");
    let some = stimulus.ids.as_ref().map_or(size, Vec::len);
    let draw = drawn(&stimulus.input, path, some, scene.simulation.seed);
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
    let current = |course, factors: &[f64]| Input::Current { course, factors: each(factors) };
    let moment = moment(&scene.populations[to].1.model, dt);
    let step = |t: scene::Quantity<scene::Ms>| (t.get() / dt).round() as u64;
    let from = |t: Option<scene::Quantity<scene::Ms>>| t.map_or(0, step);
    let until = |t: Option<scene::Quantity<scene::Ms>>| t.map_or(u64::MAX, step);
    let (input, start, stop) = match &stimulus.input {
        I::Poisson { weight, receptor, start, stop, .. } => {
            let receptors = scene.populations[to].1.model.receptors();
            let [ex, inhibitory] = receptors_of(&receptors, receptor.as_deref());
            let (receptor, weight) = match weight.get() {
                w if w >= 0.0 => (ex, w),
                w if receptors.get(inhibitory).is_some_and(|(_, r)| r.is_conductance()) => {
                    (inhibitory, w.abs())
                }
                w => (inhibitory, w),
            };
            let rates = draw.get("rate");
            let means: Vec<f64> = rates.iter().map(|r| r * 1e-3 * dt).collect();
            if let Some(k) = means.iter().position(|mean| *mean > MOST_EVENTS) {
                let why = format!("more than {MOST_EVENTS} events in a step, which are not drawn");
                return Err(draw.refused("rate", k, rates[k], why).into());
            }
            let input = Input::Poisson { means: each(&means), weight, receptor };
            (input, from(*start), until(*stop))
        }
        I::Step { amplitude, start, stop } => {
            let input = match (amplitude.shared(), &stimulus.ids) {
                (Some(level), None) => {
                    current(Course::Ramp { from: level, to: level, moment: 0.5 }, &[1.0])
                }
                _ => {
                    let one = Course::Ramp { from: 1.0, to: 1.0, moment: 0.5 };
                    current(one, draw.get("amplitude"))
                }
            };
            (input, step(*start), until(*stop))
        }
        I::Ramp { from, to, start, stop } => {
            let course = Course::Ramp { from: from.get(), to: to.get(), moment };
            (current(course, &[1.0]), step(*start), step(*stop))
        }
        I::Sine { frequency, phase, start, stop, .. } => {
            let turn = std::f64::consts::TAU * frequency.get() * 1e-3 * dt;
            let course = Course::Sine { turn, phase: phase.to_radians(), moment };
            (current(course, draw.get("amplitude")), step(*start), until(*stop))
        }
        I::Table { values, file, every, start, .. } => {
            let values = match file {
                Some(file) => files::NpyReader::open(file)?.numbers()?,
                None => values.iter().map(|value| value.get()).collect(),
            };
            let (start, every) = (step(*start), step(*every).max(1));
            let stop = start.saturating_add(every.saturating_mul(values.len() as u64));
            let course = Course::Table { values: Arc::new(values), every };
            (current(course, draw.get("scale")), start, stop)
        }
        I::Noise { tau, start, stop, .. } => {
            let fall = tau.map_or(-1.0, |tau| fall(dt, tau.get()));
            let stds = match (draw.find("std"), draw.find("sigma")) {
                (Some(stds), _) => stds.to_vec(),
                // The mean of white noise over a step varies the less the longer the step is.
                (None, Some(sigmas)) => sigmas.iter().map(|sigma| sigma / dt.sqrt()).collect(),
                (None, None) => vec![0.0],
            };
            let (means, stds) = (each(draw.get("mean")), each(&stds));
            (Input::Noise { means, stds, fall }, from(*start), until(*stop))
        }
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
