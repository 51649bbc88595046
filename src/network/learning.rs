//! From the words of a scene to numbers of rules: amplitudes in the unit of the weights, times in steps.

use super::*;
use crate::plasticity::rates::{OfRates, interval};
use crate::plasticity::{Change, Eligibility, Trace, Voltage};
use crate::rng::Purpose;
use crate::scene::{Common, Learn, Ms, Quantity, Release, Scene};

/// Potential of a spike of a neuron that is reset, if the scene gives none \[mV\]; that of NEST.
const V_SPIKE: f64 = 33.0;

/// The rule by which a projection learns on its own, if it does.
pub fn rule(scene: &Scene, projection: &scene::Projection) -> Option<Rule> {
    let learn = projection.learn.as_ref()?;
    let common = learn.common()?;
    let steps = |ms: f64| (ms / scene.simulation.dt.get()).round() as usize;
    let sign = common.sign();
    let trace = |tau: Quantity<Ms>, pairing: scene::Pairing| Trace {
        tau: tau.get(),
        nearest: pairing == scene::Pairing::Nearest,
    };
    let change = |pair: f64, triplet: f64| Change {
        constant: 0.0,
        pair: sign * pair * common.unit,
        triplet: sign * triplet * common.unit,
    };
    if let Some(rule) = learn.of_rates() {
        return Some(rates(rule, &common, scene.simulation.dt.get()));
    }
    let mut voltage = None;
    let (pre, post, x, y, mu) = match learn {
        Learn::Stdp(r) => {
            let (x, y) = (trace(r.tau_plus, r.pairing), trace(r.tau_minus, r.pairing));
            let (pre, post) = (change(-r.a_minus, 0.0), change(r.a_plus, 0.0));
            let mut mu = [r.mu_plus, r.mu_minus];
            if sign < 0.0 {
                mu.reverse();
            }
            (pre, post, [x; 2], [y; 2], mu)
        }
        Learn::Triplet(r) => (
            change(-r.a2_minus, -r.a3_minus),
            change(r.a2_plus, r.a3_plus),
            [trace(r.tau_plus, r.pairing), trace(r.tau_x, r.pairing)],
            [trace(r.tau_minus, r.pairing), trace(r.tau_y, r.pairing)],
            [0.0; 2],
        ),
        Learn::Clopath(r) => {
            let target = scene.populations.iter().find(|(name, _)| *name == projection.to);
            let shown = target.is_some_and(|(_, to)| {
                to.model.neuron().is_some_and(|neuron| neuron.shows_spikes())
            });
            let spike = match r.v_spike {
                None if shown => (0.0, 0),
                v_spike => (v_spike.map_or(V_SPIKE, Quantity::get), steps(r.t_spike.get())),
            };
            voltage = Some(Voltage {
                tau: [r.tau_minus.get(), r.tau_plus.get(), r.tau_mean.get()],
                theta: [r.theta_minus.get(), r.theta_plus.get()],
                delay: steps(r.delay_u.get()),
                spike,
                reference: r.u_ref.map(Quantity::get),
            });
            // A spike raises the trace of the paper by 1 / tau_x, and high lasts for a step.
            let post = change(0.0, r.a_ltp * scene.simulation.dt.get() / r.tau_x.get());
            let both = trace(r.tau_x, scene::Pairing::AllToAll);
            (change(-r.a_ltd, 0.0), post, [both; 2], [both; 2], [0.0; 2])
        }
        Learn::Vogels(r) => {
            let both = trace(r.tau, scene::Pairing::AllToAll);
            // Two spikes of the target within tau on average balance one of the source.
            let alpha = 2.0 * r.rho.get() * r.tau.get() * 1e-3;
            let post = change(r.eta.get(), 0.0);
            let pre = Change { constant: -sign * alpha * r.eta.get(), ..post };
            (pre, post, [both; 2], [both; 2], [0.0; 2])
        }
        _ => return None,
    };
    let eligibility = common.eligibility.map(|e| Eligibility {
        tau: e.tau.get(),
        modulator: scene.modulators.iter().position(|m| m.0 == e.modulator).unwrap_or_default(),
        rate: e.rate,
        every: interval(e.every, scene.simulation.dt.get()),
    });
    let axonal = common.axonal.map(steps);
    let dendritic = steps(common.dendritic);
    let (bounds, rates) = (common.bounds, None);
    Some(Rule { pre, post, x, y, bounds, mu, axonal, dendritic, eligibility, rates, voltage })
}

/// A rule of rates.
fn rates(rule: &dyn OfRates, common: &Common<'_>, dt: f64) -> Rule {
    let rates = rule.rates(common.sign(), dt);
    let both = rates.tau.map(|tau| Trace { tau, nearest: false });
    Rule {
        pre: Change::default(),
        post: Change::default(),
        x: both,
        y: both,
        bounds: common.bounds,
        mu: [0.0; 2],
        axonal: Some(0),
        dendritic: 0,
        eligibility: None,
        rates: Some(rates),
        voltage: None,
    }
}

/// The modulators of a scene.
///
/// # Errors
/// A rewarded synapse that does not exist.
pub fn modulators(
    scene: &Scene,
    projections: &[Projection],
) -> Result<Vec<Modulator>, NetworkError> {
    let dt = scene.simulation.dt.get();
    let step = |ms: f64| (ms / dt).round() as u64;
    let find = |name: &String| {
        scene.populations.iter().position(|(known, _)| known == name).unwrap_or_default()
    };
    let effect = |effect: &scene::Effect| match effect {
        scene::Effect::Learning { projection, slope } => {
            let index = projections.iter().position(|p| p.name == *projection);
            Effect::Learning(index.unwrap_or_default(), *slope)
        }
        scene::Effect::Noise { population, slope } => Effect::Noise(find(population), *slope),
        scene::Effect::Gain { population, receptor, neurons, slope } => {
            let population = find(population);
            let gets = &scene.populations[population].1;
            let known = gets.model.receptors();
            let named = |name: &String| known.iter().position(|(known, _)| known == name);
            Effect::Gain {
                population,
                receptor: receptor.as_ref().and_then(named),
                neurons: neurons
                    .map_or([0, gets.size as usize], |some| [some.from as usize, some.to as usize]),
                slope: *slope,
            }
        }
        scene::Effect::Threshold { population, slope } => {
            Effect::Threshold(find(population), slope.get())
        }
    };
    let mut pairs = 0;
    let modulator = |(name, m): &(String, scene::Modulator)| {
        let mut made = Modulator {
            name: name.clone(),
            tau: m.tau.get(),
            baseline: m.baseline,
            start: m.baseline,
            events: Vec::new(),
            spikes: Vec::new(),
            pairs: Vec::new(),
            effects: m.effects.iter().map(effect).collect(),
        };
        for (k, release) in m.release.iter().enumerate() {
            match release {
                Release::Events { times, amount } => {
                    // As with given spikes, what comes at a time comes at the end of the step before it.
                    for time in times {
                        match step(*time) {
                            0 => made.start += amount,
                            steps => made.events.push((steps - 1, *amount)),
                        }
                    }
                }
                Release::Spikes { population, amount } => {
                    made.spikes.push((find(population), *amount));
                }
                Release::Pair { projection, synapse, within, low, high, amount } => {
                    let number = pairs;
                    pairs += 1;
                    let Some(p) = projections.iter().find(|p| p.name == *projection) else {
                        continue;
                    };
                    let targets = scene.populations[p.to].1.size as usize;
                    let Some((source, target)) = p.synapses.ends(*synapse as usize, targets) else {
                        return Err(NetworkError::Synapse {
                            path: format!("modulators.{name}.release.{k}.synapse"),
                            synapse: *synapse,
                            count: p.synapses.weights().len(),
                        });
                    };
                    made.pairs.push(Pair {
                        first: (p.from, source),
                        second: (p.to, target),
                        within: step(within.get()),
                        after: (step(low.get()).max(1), step(high.get()).max(1)),
                        amount: *amount,
                        stream: Stream::new(scene.simulation.seed, Purpose::Rewards, number),
                    });
                }
            }
        }
        made.events.sort_by_key(|event| event.0);
        Ok(made)
    };
    scene.modulators.iter().map(modulator).collect()
}
