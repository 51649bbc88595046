//! From a scene to a network: units become propagators, rules become synapses.

use super::budget::Budget;
use super::connect::procedural::Procedural;
use super::draw::{Wiring, drawn};
use super::error::MAX_SYNAPSES;
use super::initial::Initial;
use super::learning;
use super::numbers::{CURRENT, Numbers};
use super::space::{self, Point};
use super::stimuli::stimulus;
use super::*;
use crate::files;
use crate::input::source::{Making, Sends};
use crate::neuron::frame::{Nudge, unit_of};
use crate::plasticity::rates::interval;
use crate::rng::{Purpose, Stream, stream};
use crate::scene::{Connect, Delay, Learn, Model, Scene, Warning, Weight, receptors_of};
use std::path::PathBuf;

/// Builds the network of a checked scene.
///
/// # Errors
/// A drawn parameter that breaks its rule, a file that does not fit, more synapses than fit.
pub fn build(scene: &Scene) -> Result<Network, NetworkError> {
    build_watched(scene, &mut |_, _| {})
}

/// The same, telling before each projection how many are drawn and how many there are.
///
/// # Errors
/// Those of [`build`].
pub fn build_watched(
    scene: &Scene,
    tell: &mut dyn FnMut(usize, usize),
) -> Result<Network, NetworkError> {
    let mut budget = Budget::new(scene)?;
    let dt = scene.simulation.dt.get();
    let seed = scene.simulation.seed;
    let (copies, alike) = (scene.simulation.copies as usize, scene.simulation.alike);
    let drawn_copies = if alike { 1 } else { copies };
    let gradients = scene.training.as_ref().is_some_and(|training| training.loss.is_gradient());
    // How long given spikes may come: the whole of a simulation, or of a presentation.
    let end = match &scene.training {
        Some(training) => Some(training.steps as f64 * dt),
        None => scene.simulation.duration.map(scene::Quantity::get),
    };
    let (freeze, biases) = match scene.training.as_ref().filter(|_| gradients) {
        Some(training) => (&training.freeze[..], training.biases),
        None => (&[][..], false),
    };
    let mut warnings = Vec::new();
    let mut initial = scene.initial.as_deref().map(Initial::open).transpose()?;
    let populations = scene
        .populations
        .iter()
        .enumerate()
        .map(|(index, (name, population))| {
            let size = population.size as usize;
            let model = with_biases(scene, name, &population.model);
            let path = format!("populations.{name}.model");
            // What sources show is the same in all copies.
            let one_by_one = if model.neuron().is_some() { drawn_copies } else { 1 };
            let mut draw = drawn(&model, path, [size, one_by_one], seed)?;
            if let Some(initial) = &mut initial {
                initial.numbers(name, &mut draw, scene.reinit.contains(name))?;
            }
            let kind = match (model.neuron(), model.source()) {
                (Some(neuron), _) => {
                    draw = draw.repeated(copies / one_by_one);
                    Kind::Stepped(neuron.make(dt, &draw)?)
                }
                (_, Some(source)) => {
                    let making = Making { name, index: index as u32, dt, end, seed };
                    let mut warn = |path, message| warnings.push(Warning { path, message });
                    match source.make(making, &draw, &mut warn)? {
                        Sends::Spikes(steps) => Kind::Spikes(steps),
                        Sends::Poisson(probabilities) => Kind::Poisson(probabilities),
                        Sends::Images(images) => Kind::Images(images),
                    }
                    .repeated(size, copies)
                }
                (None, None) => unreachable!("what is like a model was put in place"),
            };
            let on_tape = gradients && on_tape(&kind, name, scene);
            let is_frozen = freeze.contains(name);
            let frozen = is_frozen.then(|| {
                let is_trained = |path: &str| {
                    biases && path == CURRENT || population.train.iter().any(|t| t.name() == path)
                };
                draw.values.iter().filter(|(path, _)| is_trained(path)).cloned().collect()
            });
            let wanted = if gradients && !is_frozen { &population.train[..] } else { &[] };
            Ok(Population {
                name: name.clone(),
                size: size * copies,
                kind,
                on_tape,
                numbers: Numbers::new(wanted, &model, &draw, dt)?,
                learns_current: wanted.iter().any(|trained| trained.name() == CURRENT),
                frozen,
                laid_out: draw.laid_out,
            })
        })
        .collect::<Result<Vec<_>, NetworkError>>()?;

    let find = |name: &str| populations.iter().position(|p| p.name == name).unwrap_or_default();
    let places: Vec<Option<Vec<Point>>> = scene
        .populations
        .iter()
        .enumerate()
        .map(|(index, (_, population))| {
            let stream = Stream::new(seed, Purpose::Positions, index as u32);
            match &population.positions {
                Some(rule) => Some(space::positions(rule, population.size as usize, &stream)),
                None => population.layer().map(space::in_rows),
            }
        })
        .collect();
    let mut projections = Vec::new();
    for (index, projection) in scene.projections.iter().enumerate() {
        tell(index, scene.projections.len());
        let (from, to) = (find(&projection.from), find(&projection.to));
        let name = projection.name();
        let constant = populations[from].is_constant();
        let receptors = scene.populations[to].1.model.receptors();
        // No receptor shapes a constant current.
        let ends = match constant {
            true => [0; 2],
            false => receptors_of(&receptors, projection.receptor.as_deref()),
        };
        // Only a training by gradients has units.
        let unit = match gradients {
            true => unit(&populations[to], dt, (!constant).then_some(ends[0])),
            false => 1.0,
        };
        let conductance =
            !constant && receptors.get(ends[0]).is_some_and(|(_, r)| r.is_conductance());
        let layers = [from, to].map(|k| &scene.populations[k].1);
        let mut wiring = Wiring {
            convolution: projection
                .convolution(layers[0], layers[1])
                .expect("the scene was checked"),
            layers: layers[0].layer().zip(layers[1].layer()).map(|(a, b)| [a, b]),
            path: format!("projections.{index}"),
            name: &name,
            projection,
            sources: populations[from].size / copies,
            targets: populations[to].size / copies,
            places: places[from].as_deref().zip(places[to].as_deref()).map(|(a, b)| [a, b]),
            unit,
            dt,
            least: if conductance && ends[0] == ends[1] { 0.0 } else { f64::NEG_INFINITY },
            key: (seed, index as u32),
        };
        let rule = learning::rule(scene, projection);
        // What does not change is held by each synapse, but where gradients ask for it.
        let shares = gradients || rule.is_some();
        fits(&wiring, shares, copies, &mut budget)?;
        let mut of_copies = Vec::new();
        for copy in 0..drawn_copies {
            let seed = seed.wrapping_add(copy as u64);
            wiring.key.0 = seed;
            let synapses = match (&projection.connect, &projection.weight) {
                (&Connect::Procedural(Procedural { k, autapses }), Weight::Constant(weight)) => {
                    Synapses::Procedural {
                        degree: k as u32,
                        weight: weight.get(),
                        skip: !autapses && from == to,
                        stream: stream(Purpose::Connectivity, index as u32),
                    }
                }
                _ if initial.as_mut().is_some_and(|initial| initial.has_weights(&name))
                    && !projection.is_among(&scene.reinit) =>
                {
                    let initial = initial.as_mut().expect("it has weights");
                    match loaded(&wiring, &initial.file) {
                        Err(NetworkError::Weights { name, why, .. }) => {
                            initial.refuse(format!("`{name}`: {why}"));
                            wiring.synapses()?
                        }
                        synapses => synapses?,
                    }
                }
                (_, Weight::File(file)) => loaded(&wiring, file)?,
                _ => wiring.synapses()?,
            };
            let mut synapses = if shares { synapses } else { synapses.expanded() };
            if projection.shuffled {
                synapses.exchange(&Stream::new(seed, Purpose::Exchange, index as u32));
            }
            of_copies.push(synapses);
        }
        if alike {
            of_copies = vec![of_copies.remove(0); copies];
        }
        let synapses = Synapses::beside(of_copies, [wiring.sources, wiring.targets]);
        let shortest = synapses.delays().iter().min();
        let delay = match projection.delay {
            _ if constant => 0,
            Some(Delay::Constant(delay)) => (delay.get() / dt).round() as usize,
            _ => shortest.map_or(1, |&steps| steps.into()),
        };
        let learn = match &projection.learn {
            Some(learn) => *learn == Learn::Backprop,
            None => gradients,
        };
        let delays = Delays::new(
            projection,
            &wiring.path,
            [wiring.sources, wiring.targets],
            (dt, seed),
            [projection.is_among(freeze), projection.is_among(&scene.reinit)],
            initial.as_mut(),
        )?;
        let attention = Attention::new(
            projection,
            scene.frames(),
            wiring.key,
            [projection.is_among(freeze), projection.is_among(&scene.reinit)],
            initial.as_mut(),
        )?;
        let frozen = (learn || rule.is_some()) && projection.is_among(freeze);
        let rule = rule.filter(|_| !frozen);
        if let Some(rule) = &rule {
            within_bounds(&name, rule.bounds, synapses.weights())?;
            if rule.axonal.is_none() && rule.dendritic > delay {
                let ms = |steps: usize| steps as f64 * dt;
                let (dendritic, delay) = (ms(rule.dendritic), ms(delay));
                return Err(NetworkError::Dendritic { name, dendritic, delay });
            }
        }
        let short_term = projection.short_term.map(|s| ShortTerm {
            u: s.u,
            tau_rec: s.tau_rec.get(),
            tau_facil: s.tau_facil.get(),
        });
        let normalize = projection.normalize.map(|n| Normalize {
            sum: n.sum.get(),
            every: n.every.map_or(0, |every| interval(every, dt)),
        });
        let made = Projection {
            name,
            from,
            to,
            receptor: 0,
            delay,
            delays,
            learn: learn && !frozen,
            frozen,
            lr: projection.lr,
            dropout: projection.dropout,
            unit,
            synapses,
            rule,
            short_term,
            attention,
            normalize,
            scaling: projection.scaling.map(|s| s.rates(dt)),
            rewire: projection.rewire.map(|r| Rewire {
                below: r.below.get(),
                weight: r.weight.get(),
                fraction: r.fraction,
                every: (r.every.get() / dt).round().max(1.0) as u64,
                stream: Stream::new(seed, Purpose::Rewiring, index as u32),
            }),
        };
        if constant {
            projections.push(made);
            continue;
        }
        let size = [from, to].map(|k| populations[k].size);
        if made.delays_of_synapses().is_some() && !matches!(made.synapses, Synapses::Dense { .. }) {
            return Err(NetworkError::SynapseDelays { name: made.name });
        }
        projections.extend(with_receptors(made, &receptors, ends, size)?);
    }
    if let Some(initial) = initial {
        initial.finish(&mut warnings)?;
    }
    let stimuli = scene.stimuli.iter().enumerate();
    let stimuli = stimuli.map(|(k, s)| {
        let stimulus = stimulus(scene, k, s)?;
        let n = populations[stimulus.to].size / copies;
        Ok(stimulus.repeated(n, copies))
    });
    let stimuli = stimuli.collect::<Result<_, NetworkError>>()?;
    let modulators = learning::modulators(scene, &projections)?;
    Ok(Network { dt, seed, copies, populations, projections, stimuli, modulators, warnings })
}

/// A projection with the receptor in which it ends; or two, where the signs of its weights send them to
/// different ones. What a conductance gets is a magnitude.
fn with_receptors(
    mut projection: Projection,
    receptors: &[(String, scene::Receptor)],
    [ex, inhibitory]: [usize; 2],
    size: [usize; 2],
) -> Result<Vec<Projection>, NetworkError> {
    let is_conductance = |k: usize| receptors.get(k).is_some_and(|(_, r)| r.is_conductance());
    projection.receptor = ex;
    let weights = match &projection.synapses {
        Synapses::Procedural { weight, .. } => std::slice::from_ref(weight),
        stored => stored.weights(),
    };
    let negative = weights.iter().position(|w| *w < 0.0);
    let positive = weights.iter().any(|w| *w > 0.0);
    if ex == inhibitory {
        return match negative.filter(|_| is_conductance(ex)) {
            None => Ok(vec![projection]),
            Some(synapse) => {
                let (weight, name) = (weights[synapse], projection.name);
                Err(NetworkError::Sign { name, synapse, weight })
            }
        };
    }
    // Weights of a rule may be zero at first, and have the sign of its bounds.
    let below =
        negative.is_some() || projection.rule.as_ref().is_some_and(|rule| rule.is_inhibitory());
    if !below {
        return Ok(vec![projection]);
    }
    let magnitude = |w: f64| if is_conductance(inhibitory) { w.abs() } else { w };
    if !positive {
        projection.receptor = inhibitory;
        projection.synapses.each_weight(magnitude);
        return Ok(vec![projection]);
    }
    if projection.rule.is_some() {
        return Err(NetworkError::BothSigns { name: projection.name });
    }
    let all = projection.synapses.listed(size);
    let mut below = all.filtered(|w| w < 0.0);
    below.each_weight(magnitude);
    let second = Projection {
        name: format!("{} (in)", projection.name),
        receptor: inhibitory,
        synapses: below,
        ..projection.clone()
    };
    projection.synapses = all.filtered(|w| w >= 0.0);
    Ok(vec![projection, second])
}

/// Whether all weights of a projection lie within the bounds of its rule.
fn within_bounds(name: &str, bounds: [f64; 2], weights: &[f64]) -> Result<(), NetworkError> {
    match weights.iter().position(|w| !(bounds[0]..=bounds[1]).contains(w)) {
        None => Ok(()),
        Some(synapse) => Err(NetworkError::Bounds {
            name: name.to_owned(),
            synapse,
            weight: weights[synapse],
            bounds,
        }),
    }
}

/// Whether a training keeps no more of the steps of these neurons than their distances to the threshold, and so needs
/// no more on the way back: no stimulus drives them, nobody looks at their potentials, none of their numbers is trained,
/// and no gradient passes through a reset to a value where the threshold rises.
fn on_tape(kind: &Kind, name: &str, scene: &Scene) -> bool {
    let Kind::Stepped(neurons) = kind else { return false };
    let (Some(iaf), Some(training)) = (neurons.on_tape(), &scene.training) else { return false };
    let watched = training.loss.watched() == Some(name);
    let stimulated = scene.stimuli.iter().any(|stimulus| stimulus.to == name);
    let trained = scene.populations.iter().any(|(known, p)| known == name && !p.train.is_empty());
    let rises = iaf.cells.iter().any(|cell| cell.delta_th > 0.0);
    let through_rise = !training.detach_reset && !iaf.subtract && rises;
    !(watched || stimulated || trained || through_rise)
}

/// The weight with which one input lifts a neuron of `population` by its unit, through a receptor or as a constant
/// current: see [`Projection::unit`].
fn unit(population: &Population, dt: f64, receptor: Option<usize>) -> f64 {
    let Kind::Stepped(neurons) = &population.kind else { unreachable!("the scene was checked") };
    unit_of(&**neurons, dt, receptor.map_or(Nudge::Current, Nudge::Arrival))
}

/// Refuses a projection that cannot be indexed or held, before anything is allocated for it. Weights that synapses may
/// share are held once if it `shares` them.
fn fits(
    wiring: &Wiring<'_>,
    shares: bool,
    copies: usize,
    budget: &mut Budget,
) -> Result<(), NetworkError> {
    let synapses = match wiring.shared() {
        Some(convolution) if shares => convolution.weights() as f64,
        _ => wiring.expected(),
    };
    let all = synapses * copies as f64;
    if all > MAX_SYNAPSES {
        return Err(NetworkError::TooLarge { name: wiring.name.to_owned(), synapses: all });
    }
    // Others were counted before neurons had their places.
    let ends = [wiring.sources as f64, wiring.targets as f64];
    let is_counted = wiring.projection.connect.rule().expected(ends).is_some();
    if is_counted && wiring.convolution.is_none() {
        return Ok(());
    }
    budget.projection(wiring.projection, synapses)
}

/// A model with the constant currents that a training found, if weights into the population are from its file.
fn with_biases(scene: &Scene, name: &str, model: &Model) -> Model {
    let into = scene.projections.iter().filter(|p| p.to == name);
    let files = into.filter_map(|p| match &p.weight {
        Weight::File(file) => Some(file),
        _ => None,
    });
    let trained = |file: &&PathBuf| files::read_tensor(file, &format!("{name}.i_e")).is_ok();
    let mut model = model.clone();
    if let Some(neuron) = model.neuron_mut()
        && let Some(file) = files.into_iter().find(trained)
    {
        neuron.load_bias(file);
    }
    model
}

/// Synapses with the weights of the `weights.safetensors` of an earlier run. A file that says between which
/// neurons they are rules, whatever the rule of connection: synapses may have moved. Otherwise they are those of
/// the rule, of all pairs by source, and of others by target.
fn loaded(wiring: &Wiring<'_>, file: &std::path::Path) -> Result<Synapses, NetworkError> {
    let fail = |why: String| NetworkError::Weights {
        name: wiring.name.to_owned(),
        file: file.to_owned(),
        why,
    };
    let values = files::read_tensor(file, wiring.name).map_err(|e| fail(e.to_string()))?;
    let words = |end: &str| {
        let words = files::read_words(file, &format!("{}.{end}", wiring.name));
        words.map_err(|e| fail(format!("`{end}`: {e}")))
    };
    let (sources, targets) = (wiring.sources, wiring.targets);
    let dense = matches!(wiring.projection.connect, Connect::Dense(_));
    if let Some((source, target)) = words("source")?.zip(words("target")?) {
        let within = |ends: &[u32], n: usize| ends.iter().all(|end| (*end as usize) < n);
        if [source.len(), target.len()] != [values.len(); 2]
            || !within(&source, sources)
            || !within(&target, targets)
        {
            let why = "its synapses are between neurons that are not there".to_owned();
            return Err(fail(why));
        }
        // All pairs, each once, are a matrix.
        if dense && !wiring.has_delays() && values.len() == sources * targets {
            let mut weights = vec![f64::NAN; values.len()];
            for ((i, j), value) in source.iter().zip(&target).zip(&values) {
                weights[*i as usize * targets + *j as usize] = *value;
            }
            if weights.iter().all(|w| w.is_finite()) {
                return Ok(Synapses::Dense { weights });
            }
        }
        return wiring.given([&source, &target], &values);
    }
    let mut synapses = wiring.synapses()?;
    let (found, wanted) = (values.len(), synapses.weights().len());
    if found != wanted {
        return Err(fail(format!(
            "it holds {found} weights and not between which neurons, the projection has {wanted} synapses"
        )));
    }
    match &mut synapses {
        // With delays of their own all pairs are a list, by target.
        Synapses::Sparse { weights, .. } if dense => {
            let at = |synapse: usize| values[synapse % sources * targets + synapse / sources];
            *weights = (0..values.len()).map(at).collect();
        }
        Synapses::Dense { weights }
        | Synapses::Sparse { weights, .. }
        | Synapses::Convolution { weights, .. } => *weights = values,
        Synapses::Procedural { .. } => {}
    }
    Ok(synapses)
}

#[cfg(test)]
mod tests;
