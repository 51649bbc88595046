//! From a scene to a network: units become propagators, rules become synapses.

use super::budget::Budget;
use super::draw::{Wiring, drawn};
use super::learning;
use super::space::{self, Point};
use super::*;
use crate::files;
use crate::neuron::model::{Drawn, Refused, at};
use crate::plasticity::rates::interval;
use crate::rng::{Purpose, Stream, stream};
use crate::scene::{
    Connect, Delay, Learn, Model, OnGrid, Param, Scene, Warning, Weight, not_poisson, receptors_of,
};
use crate::slow::fall;
use std::path::PathBuf;
use std::sync::Arc;

/// Synapses that one projection may have: indices are 32 bits.
const MAX_SYNAPSES: f64 = u32::MAX as f64;

/// Why a scene cannot become a network.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// A file with parameters or weights could not be read.
    #[error(transparent)]
    File(#[from] files::NpyError),
    /// A file has another number of values than the population has neurons.
    #[error("{path}: {} holds {found} values, the population has {wanted} neurons", file.display())]
    Length {
        /// Path in the scene.
        path: String,
        /// The file.
        file: PathBuf,
        /// Values in it.
        found: u64,
        /// Neurons.
        wanted: usize,
    },
    /// A drawn or read value cannot be used.
    #[error(transparent)]
    Value(#[from] Refused),
    /// Weights or delays that are given one by one are not as many as the synapses.
    #[error(
        "{path}: {given} values for {synapses} synapses; give one for each, in the order of weights.safetensors: of \
         Dense by source, else by target. Linspace needs two synapses or more"
    )]
    Count {
        /// Path in the scene.
        path: String,
        /// Values that are given.
        given: usize,
        /// Synapses.
        synapses: usize,
    },
    /// More synapses than can be indexed.
    #[error(
        "projection `{name}` has {synapses:.4e} synapses; the limit is {MAX_SYNAPSES:.4e} of a projection. \
         Make a population smaller, or connect fewer pairs (FixedProbability, FixedInDegree)"
    )]
    TooLarge {
        /// Name of the projection.
        name: String,
        /// Synapses, exactly or on average.
        synapses: f64,
    },
    /// More than the memory holds.
    #[error(
        "the network takes about {needed} of memory to build and to run, {most} of it for {what}; this \
         process can use {memory}. Make populations smaller, or connect fewer pairs (FixedProbability, \
         FixedInDegree; Procedural takes no memory)"
    )]
    Memory {
        /// Bytes that are needed.
        needed: String,
        /// Bytes that are there.
        memory: String,
        /// What needs the most.
        what: String,
        /// Bytes of that.
        most: String,
    },
    /// A file of pairs, or of spikes, names a neuron that does not exist.
    #[error(
        "{path}: {}: row {row} has {what} {index}, but there are {size} such neurons; rows and \
         neurons are counted from 0", file.display()
    )]
    Pair {
        /// Path in the scene.
        path: String,
        /// The file.
        file: PathBuf,
        /// First row that breaks the rule.
        row: usize,
        /// `source`, `target` or `neuron`.
        what: &'static str,
        /// The number in the file.
        index: i64,
        /// Neurons of the population.
        size: usize,
    },
    /// A drawn delay is longer than can be counted.
    #[error(
        "projection `{name}`: the synapse from neuron {source_neuron} to neuron {target_neuron} has \
         a delay of {delay} ms, {steps} steps; the limit is {} steps. Lower the delay or raise \
         simulation.dt",
        u16::MAX
    )]
    Delay {
        /// Name of the projection.
        name: String,
        /// Presynaptic neuron of the first such synapse.
        source_neuron: u32,
        /// Postsynaptic neuron.
        target_neuron: u32,
        /// Its delay \[ms\].
        delay: f64,
        /// The same in steps.
        steps: f64,
    },
    /// A synapse that a projection does not have.
    #[error("{path}: there is no synapse {synapse} among {count}, they are counted from 0")]
    Synapse {
        /// Path in the scene.
        path: String,
        /// What was asked for.
        synapse: u64,
        /// How many there are.
        count: usize,
    },
    /// The dendritic part of a delay is longer than the delay of some synapse.
    #[error(
        "projection `{name}`: {dendritic} ms of the delay are dendritic, but its shortest delay is {delay} ms. \
         Lower `dendritic`, lengthen the delays, or say in `axonal` how long the other part is"
    )]
    Dendritic {
        /// Name of the projection.
        name: String,
        /// Dendritic part \[ms\].
        dendritic: f64,
        /// Shortest delay \[ms\].
        delay: f64,
    },
    /// A weight lies outside the bounds of the rule by which it changes.
    #[error(
        "projection `{name}`: synapse {synapse} has the weight {weight}, which is not from {} to {}, the \
         bounds of its rule. Draw the weights within `w_min` and `w_max` (Uniform, or Normal with min and \
         max), or move these", bounds[0], bounds[1]
    )]
    Bounds {
        /// Name of the projection.
        name: String,
        /// First such synapse.
        synapse: usize,
        /// Its weight.
        weight: f64,
        /// The bounds.
        bounds: [f64; 2],
    },
    /// A conductance would be negative.
    #[error(
        "projection `{name}`: synapse {synapse} has the weight {weight} nS, but a conductance is never negative; \
         use a receptor with e_rev below rest, and magnitudes"
    )]
    Sign {
        /// Name of the projection.
        name: String,
        /// First such synapse.
        synapse: usize,
        /// Its weight.
        weight: f64,
    },
    /// Weights of one projection go to two receptors, and learn.
    #[error(
        "projection `{name}` has weights of both signs, which go to `ex` and to `in`; name its `receptor`, or make \
         two projections of it"
    )]
    BothSigns {
        /// Name of the projection.
        name: String,
    },
    /// Given spikes of a file that steps cannot tell apart.
    #[error("{path}: {}: {message}. To mend it, {}", file.display(), OnGrid::HELP)]
    Merged {
        /// Path in the scene.
        path: String,
        /// The file.
        file: PathBuf,
        /// Which.
        message: String,
    },
    /// A parameter could not be taken from a file of an earlier run.
    #[error("{path}: {}: {why}", file.display())]
    Tensor {
        /// Path in the scene.
        path: String,
        /// The file.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Weights could not be taken from a file of an earlier run.
    #[error("weights of projection `{name}` from {}: {why}", file.display())]
    Weights {
        /// Name of the projection.
        name: String,
        /// The file.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
}

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
    let gradients = scene.training.as_ref().is_some_and(|training| training.loss.is_gradient());
    let mut warnings = Vec::new();
    let populations = scene
        .populations
        .iter()
        .map(|(name, population)| {
            let size = population.size as usize;
            let model = with_biases(scene, name, &population.model);
            let draw = drawn(&model, format!("populations.{name}.model"), size, seed)?;
            let kind = match (&model, gradients) {
                (Model::Spikes(m), _) => {
                    let end = scene.simulation.duration.map(scene::Quantity::get);
                    Kind::Spikes(given(m, (dt, end), name, &draw, &mut warnings)?)
                }
                (Model::Regular(_), _) => {
                    let end = scene.simulation.duration.map_or(0.0, scene::Quantity::get);
                    Kind::Spikes(regular((dt, end), &draw, &mut warnings)?)
                }
                (Model::Poisson(m), _) => Kind::Poisson(poisson(m, dt, &draw, &mut warnings)?),
                (Model::Images(m), _) => Kind::Images(m.encoder.clone()),
                (model, true) => trained(model, dt, &draw)?,
                (model, false) => {
                    let neuron = model.neuron().expect("sources were seen to");
                    Kind::Stepped(neuron.make(dt, &draw)?)
                }
            };
            Ok(Population { name: name.clone(), size, kind, laid_out: draw.laid_out })
        })
        .collect::<Result<Vec<_>, NetworkError>>()?;

    let find = |name: &str| populations.iter().position(|p| p.name == name).unwrap_or_default();
    let places: Vec<Option<Vec<Point>>> = scene
        .populations
        .iter()
        .enumerate()
        .map(|(index, (_, population))| {
            let stream = Stream::new(seed, Purpose::Positions, index as u32);
            let rule = population.positions.as_ref()?;
            Some(space::positions(rule, population.size as usize, &stream))
        })
        .collect();
    let mut projections = Vec::new();
    for (index, projection) in scene.projections.iter().enumerate() {
        tell(index, scene.projections.len());
        let (from, to) = (find(&projection.from), find(&projection.to));
        let name = projection.name();
        let constant = !populations[from].spikes();
        let unit = unit(&populations[to], dt, constant);
        let receptors = scene.populations[to].1.model.receptors();
        let ends = receptors_of(&receptors, projection.receptor.as_deref());
        let conductance = receptors.get(ends[0]).is_some_and(|(_, r)| r.is_conductance());
        let wiring = Wiring {
            path: format!("projections.{index}"),
            name: &name,
            projection,
            sources: populations[from].size,
            targets: populations[to].size,
            places: places[from].as_deref().zip(places[to].as_deref()).map(|(a, b)| [a, b]),
            unit,
            dt,
            least: if conductance && ends[0] == ends[1] { 0.0 } else { f64::NEG_INFINITY },
            key: (seed, index as u32),
        };
        fits(&wiring, &mut budget)?;
        let synapses = match (&projection.connect, &projection.weight) {
            (&Connect::Procedural { k, autapses }, Weight::Constant(weight)) => {
                Synapses::Procedural {
                    degree: k as u32,
                    weight: weight.get(),
                    skip: !autapses && from == to,
                    stream: stream(Purpose::Connectivity, index as u32),
                }
            }
            (_, Weight::File(file)) => loaded(&wiring, file)?,
            _ => wiring.synapses()?,
        };
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
        let rule = learning::rule(scene, projection);
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
            learn,
            unit,
            synapses,
            rule,
            short_term,
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
        let size = [from, to].map(|k| populations[k].size);
        projections.extend(with_receptors(made, &receptors, ends, size)?);
    }
    let stimuli = scene.stimuli.iter().enumerate();
    let stimuli = stimuli.map(|(k, s)| stimulus(scene, k, s)).collect::<Result<_, _>>()?;
    let modulators = learning::modulators(scene, &projections)?;
    Ok(Network { dt, seed, populations, projections, stimuli, modulators, warnings })
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

/// A stimulus in steps.
fn stimulus(
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
    let draw = drawn(&stimulus.input, path, some, scene.simulation.seed)?;
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
            let means: Vec<f64> = draw.get("rate").iter().map(|r| r * 1e-3 * dt).collect();
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
            let stop = start + every * values.len() as u64;
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

/// Steps at whose end given spikes fall.
fn given(
    m: &scene::Spikes,
    (dt, end): (f64, Option<f64>),
    name: &str,
    draw: &Drawn,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Vec<u64>>, NetworkError> {
    let Some(file) = &m.file else {
        // What there is to say of these was said when the scene was checked.
        return Ok(OnGrid::new(&m.times, dt, end).steps());
    };
    let population = m.population.as_deref().unwrap_or(name);
    let path = format!("{}.file", draw.path);
    let mut times = vec![Vec::new(); draw.size];
    for (row, (t, id)) in files::read_spikes(file, population)?.into_iter().enumerate() {
        let Some(times) = times.get_mut(id as usize) else {
            let (what, index, size) = ("neuron", id.into(), draw.size);
            return Err(NetworkError::Pair { path, file: file.clone(), row, what, index, size });
        };
        times.push(t);
    }
    let grid = OnGrid::new(&times, dt, end);
    if let Some((_, message)) = grid.merged() {
        return Err(NetworkError::Merged { path, file: file.clone(), message });
    }
    warnings.extend(grid.warnings().map(|message| Warning { path: path.clone(), message }));
    Ok(grid.steps())
}

/// Most spikes of a population that come at regular intervals.
const MOST_REGULAR: f64 = 1e8;

/// Steps at whose end spikes at regular intervals fall.
fn regular(
    (dt, end): (f64, f64),
    draw: &Drawn,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Vec<u64>>, NetworkError> {
    let mut total = 0.0;
    let mut times = Vec::with_capacity(draw.size);
    for k in 0..draw.size {
        let (start, interval) = (draw.of("start", k), draw.of("interval", k));
        let fit = ((end - start) / interval * (1.0 + 1e-12)).floor() + 1.0;
        let count = draw.find("count").map_or(fit, |count| at(count, k).round()).max(0.0);
        total += count;
        if total > MOST_REGULAR {
            let why = format!(
                "which makes more than {MOST_REGULAR:e} spikes; lower `count`, or use `Poisson`"
            );
            return Err(draw.refused("interval", k, interval, why).into());
        }
        times.push((0..count as u64).map(|n| start + n as f64 * interval).collect::<Vec<_>>());
    }
    let grid = OnGrid::new(&times, dt, Some(end));
    if let Some(((k, _), message)) = grid.merged() {
        let why = format!("but {message}");
        return Err(draw.refused("interval", k, draw.of("interval", k), why).into());
    }
    let path = format!("{}.interval", draw.path);
    warnings.extend(grid.warnings().map(|message| Warning { path: path.clone(), message }));
    Ok(grid.steps())
}

/// Probabilities of a spike in a step of Poisson sources.
fn poisson(
    m: &scene::Poisson,
    dt: f64,
    draw: &Drawn,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<f64>, NetworkError> {
    let rate = draw.get("rate");
    let path = format!("{}.rate", draw.path);
    let per_step: Vec<f64> = rate.iter().map(|r| r * 1e-3 * dt).collect();
    if let Some(neuron) = per_step.iter().position(|p| *p > 1.0) {
        let why = "but a source spikes at most once per step: lower the rate or dt";
        return Err(draw.refused("rate", neuron, *at(rate, neuron), why).into());
    }
    // Of rates that are known before they are drawn the check of the scene has told.
    if m.rate.bounds().is_none_or(|(_, highest)| highest.is_infinite()) {
        let highest = rate.iter().copied().fold(0.0, f64::max);
        warnings.extend(not_poisson(highest, dt).map(|message| Warning { path, message }));
    }
    Ok(per_step)
}

/// The neurons of a training by gradients.
fn trained(model: &Model, dt: f64, draw: &Drawn) -> Result<Kind, NetworkError> {
    Ok(match model {
        Model::Lif(m) => {
            let p = |name: &str, k: usize| draw.of(name, k);
            let tau_m = draw.tau_m();
            let cells: Vec<lif::Cell> = (0..draw.count_but("i_e"))
                .map(|k| {
                    let rest = p("e_l", k);
                    let [fall_m, p21, p20, fall_syn] =
                        lif::propagators(dt, *at(&tau_m, k), p("c_m", k), p("tau_syn", k));
                    lif::Cell {
                        fall_m,
                        p21,
                        p20,
                        fall_syn,
                        v_th: p("v_th", k) - rest,
                        v_reset: p("v_reset", k) - rest,
                        t_ref: (p("t_ref", k) / dt).round(),
                        delta_th: p("delta_th", k),
                        fall_rel: fall(dt, p("tau_rel", k)),
                        v_init: draw.find("v_init").map_or(rest, |v| *at(v, k)) - rest,
                    }
                })
                .collect();
            draw.below_threshold(cells.iter().map(|c| (c.v_reset, c.v_th)))?;
            // A neuron whose threshold lies at or below rest fires tonically; its scale is then the
            // distance the other way, and never zero.
            let distance = cells.iter().map(|c| c.v_th).sum::<f64>() / cells.len() as f64;
            let unit = if distance == 0.0 { 1.0 } else { distance.abs() };
            let (e_l, i_e) = (draw.get("e_l").to_vec(), spread(draw.get("i_e"), draw.size));
            Kind::Lif(Lif { cells, e_l, i_e, unit, reset: m.reset })
        }
        Model::Readout(m) => {
            let tau_m = draw.tau_m();
            let (c_m, tau_syn) = (draw.get("c_m"), draw.get("tau_syn"));
            let count = c_m.len().max(tau_m.len()).max(tau_syn.len());
            let cells = (0..count)
                .map(|k| readout::Cell::new(dt, *at(&tau_m, k), *at(c_m, k), *at(tau_syn, k)))
                .collect();
            Kind::Readout(Readout {
                cells,
                e_l: draw.get("e_l").to_vec(),
                i_e: spread(draw.get("i_e"), draw.size),
                v_unit: m.v_unit.get(),
            })
        }
        _ => unreachable!("a checked scene does not train these"),
    })
}

fn spread(values: &[f64], size: usize) -> Vec<f64> {
    if values.len() == size { values.to_vec() } else { vec![values[0]; size] }
}

/// The weight with which one input lifts a neuron of `population` by its unit: see
/// [`Projection::unit`].
fn unit(population: &Population, dt: f64, constant: bool) -> f64 {
    let (rise, [fall_m, p21, p20, fall_syn]) = match &population.kind {
        Kind::Lif(lif) => {
            let c = &lif.cells[0];
            (lif.unit, [c.fall_m, c.p21, c.p20, c.fall_syn])
        }
        Kind::Readout(readout) => {
            let c = &readout.cells[0];
            (readout.v_unit, [c.fall_m, c.p21, c.p20, c.fall_syn])
        }
        // Only training knows units.
        Kind::Stepped(_) => return 1.0,
        Kind::Poisson(_) | Kind::Images(_) | Kind::Spikes(_) => {
            unreachable!("the scene was checked")
        }
    };
    if constant {
        return rise / p20;
    }
    // Peak of the response to one spike of 1 pA; the recursion stops when it falls.
    let (mut v, mut i, mut peak) = (0.0, 1.0, 0.0f64);
    loop {
        v += fall_m * v + p21 * i;
        i += fall_syn * i;
        if v <= peak {
            return rise / peak.max(p21 * dt * f64::MIN_POSITIVE);
        }
        peak = v;
    }
}

/// Refuses a projection that cannot be indexed or held, before anything is allocated for it.
fn fits(wiring: &Wiring<'_>, budget: &mut Budget) -> Result<(), NetworkError> {
    let synapses = wiring.expected();
    if synapses > MAX_SYNAPSES {
        return Err(NetworkError::TooLarge { name: wiring.name.to_owned(), synapses });
    }
    match wiring.projection.connect {
        // The others were counted before neurons had their places.
        Connect::Distance { .. } => budget.projection(wiring.projection, synapses),
        _ => Ok(()),
    }
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
    if let Some(i_e) = model.neuron_mut().and_then(|neuron| neuron.bias())
        && !matches!(i_e, Param::File(_))
        && let Some(file) = files.into_iter().find(trained)
    {
        *i_e = Param::File(file.clone());
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
    let dense = matches!(wiring.projection.connect, Connect::Dense);
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
        Synapses::Dense { weights } | Synapses::Sparse { weights, .. } => *weights = values,
        Synapses::Procedural { .. } => {}
    }
    Ok(synapses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::load_str;
    use std::path::Path;

    /// Two sheets of 4 x 3 neurons, with these rules between them.
    fn network(dir: &Path, rules: &str) -> Result<Network, NetworkError> {
        let grid = "size: 12, positions: Grid(shape: [4, 3], spacing: 100), model: Lif()";
        let text = format!(
            "(version: 1, simulation: (dt: 0.1, duration: 1), \
             populations: {{\"a\": ({grid}), \"b\": ({grid})}}, \
             projections: [(from: \"a\", to: \"b\", {rules})])"
        );
        let scene = load_str("test.ron", &text, dir, &[]).unwrap_or_else(|e| panic!("{e}")).0;
        build(&scene)
    }

    #[test]
    fn delays_are_common_or_for_each_synapse() {
        let here = Path::new("");
        let delays = |rules: &str| {
            let mut network = network(here, &format!("connect: {rules}")).unwrap();
            let projection = network.projections.remove(0);
            let (shortest, longest) = (projection.delay, projection.max_delay());
            (shortest, longest, projection.synapses.delays().len())
        };
        assert_eq!(delays("Dense, weight: 1"), (1, 1, 0));
        assert_eq!(delays("Dense, weight: 1, delay: 1.5"), (15, 15, 0));
        assert_eq!(delays("OneToOne, weight: 1, delay: 1.5"), (15, 15, 0));
        // From 0 to 360.6 µm at 1 m/s.
        let distance = "delay: Distance(offset: 0.5, velocity: 1)";
        assert_eq!(delays(&format!("Dense, weight: 1, {distance}")), (5, 9, 144));
        assert_eq!(delays(&format!("OneToOne, weight: 1, {distance}")), (5, 5, 12));
        assert_eq!(
            delays("FixedProbability(p: 0), weight: 1, delay: Uniform(low: 1, high: 2)"),
            (1, 1, 0)
        );
    }

    #[test]
    fn dense_weights_of_a_file_find_their_pairs_with_and_without_delays() {
        let dir = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..144).flat_map(|k| (k as f32).to_le_bytes()).collect();
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![144], &bytes);
        let file = safetensors::serialize([("a->b", view.unwrap())], None).unwrap();
        std::fs::write(dir.path().join("w.safetensors"), file).unwrap();
        let weights = |delay: &str| {
            let rules = format!("connect: Dense, weight: File(\"w.safetensors\"), delay: {delay}");
            network(dir.path(), &rules).unwrap().projections.remove(0).synapses.weights().to_vec()
        };
        let (plain, delayed) = (weights("1"), weights("Uniform(low: 1, high: 2)"));
        for source in 0..12 {
            for target in 0..12 {
                let weight = (source * 12 + target) as f64;
                assert_eq!(plain[source * 12 + target], weight);
                assert_eq!(delayed[target * 12 + source], weight);
            }
        }
    }

    #[test]
    fn weights_of_a_file_bring_their_synapses() {
        let dir = tempfile::tempdir().unwrap();
        let rules = "connect: FixedInDegree(k: 2, multapses: false), weight: ";
        let drawn = network(dir.path(), &format!("{rules} 1")).unwrap().projections.remove(0);
        let values: Vec<f32> = (0..24).map(|k| k as f32).collect();
        // Sources that none of the drawn synapses has, of targets as drawn or not.
        let Synapses::Sparse { source, .. } = &drawn.synapses else { panic!("not a list") };
        let moved: Vec<u32> = source.iter().map(|s| (s + 5) % 12).collect();
        let save = |source: &[u32], target: Vec<u32>| {
            let tensors = [
                ("a->b".to_owned(), files::Values::Reals(values.clone())),
                ("a->b.source".to_owned(), files::Values::Words(source.to_vec())),
                ("a->b.target".to_owned(), files::Values::Words(target)),
            ];
            files::write_tensors(&dir.path().join("w.safetensors"), &tensors).unwrap();
        };
        let load = |rules: &str| {
            let rules = format!("{rules} File(\"w.safetensors\")");
            Ok::<_, NetworkError>(network(dir.path(), &rules)?.projections.remove(0).synapses)
        };
        let targets = || (0..24).map(|k| k / 2);
        save(&moved, targets().collect());
        let Synapses::Sparse { source, weights, .. } = load(rules).unwrap() else { panic!() };
        assert_eq!(source, moved);
        assert!(weights.iter().zip(&values).all(|(a, b)| *a == f64::from(*b)));
        // The file rules, whatever the rule of connection, with delays of their own or without.
        save(&moved, targets().map(|t| 11 - t / 2).collect());
        for connect in ["FixedInDegree(k: 2)", "FixedProbability(p: 0.1)", "Dense", "OneToOne"] {
            for delay in ["1", "Uniform(low: 1, high: 2)"] {
                let loaded =
                    load(&format!("connect: {connect}, delay: {delay}, weight: ")).unwrap();
                for k in [0, 3, 7, 23] {
                    // By target, so from the last to the first, four by four.
                    let Synapses::Sparse { source, weights, .. } = &loaded else {
                        panic!("{connect}")
                    };
                    let (source, target) = (source[k], 6 + k / 4);
                    assert_eq!(loaded.ends(k, 12), Some((source, target as u32)), "{connect}");
                    let row = 20 - k / 4 * 4 + k % 4;
                    assert_eq!((source, weights[k]), (moved[row], row as f64), "{connect}");
                }
            }
        }
        save(&[12; 24], targets().collect());
        assert!(load(rules).unwrap_err().to_string().contains("not there"));
        // A list of pairs finds its places in a matrix.
        let pairs: Vec<(u32, u32)> = (0..144).map(|k| (k * 7 % 12, k / 12)).collect();
        let tensors = [
            ("a->b".to_owned(), files::Values::Reals((0..144).map(|k| k as f32).collect())),
            ("a->b.source".to_owned(), files::Values::Words(pairs.iter().map(|p| p.0).collect())),
            ("a->b.target".to_owned(), files::Values::Words(pairs.iter().map(|p| p.1).collect())),
        ];
        files::write_tensors(&dir.path().join("w.safetensors"), &tensors).unwrap();
        let dense = load("connect: Dense, weight: ").unwrap();
        for (k, (source, target)) in pairs.iter().enumerate() {
            assert_eq!(dense.weights()[(source * 12 + target) as usize], k as f64);
        }
    }

    #[test]
    fn a_trained_file_brings_its_biases() {
        let dir = tempfile::tempdir().unwrap();
        let biases: Vec<f32> = (0..12).map(|k| 10.0 * k as f32).collect();
        let tensors = [
            ("a->b".to_owned(), files::Values::Reals(vec![1.0; 144])),
            ("b.i_e".to_owned(), files::Values::Reals(biases.clone())),
        ];
        files::write_tensors(&dir.path().join("w.safetensors"), &tensors).unwrap();
        let currents = |rules: &str, of: &str, i_e: &str| {
            let text = format!(
                "(version: 1, simulation: (dt: 0.1, duration: 1), populations: {{\
                 \"a\": (size: 12, model: Lif()), \"b\": (size: 12, model: Lif({i_e}))}}, \
                 projections: [(from: \"a\", to: \"b\", connect: Dense, {rules})])"
            );
            let scene =
                load_str("test.ron", &text, dir.path(), &[]).unwrap_or_else(|e| panic!("{e}")).0;
            let network = build(&scene)?;
            let population = network.populations.iter().find(|p| p.name == of).unwrap();
            let Kind::Stepped(neurons) = &population.kind else { panic!() };
            // The third number of a neuron.
            Ok::<_, NetworkError>(
                neurons.cells().iter().map(|cell| cell[2] as f32).collect::<Vec<_>>(),
            )
        };
        let file = "weight: File(\"w.safetensors\")";
        assert_eq!(currents(file, "b", "").unwrap(), biases);
        assert_eq!(currents(file, "a", "").unwrap(), [0.0]);
        assert_eq!(currents("weight: 1", "b", "").unwrap(), [0.0]);
        assert_eq!(currents("weight: 1", "b", "i_e: File(\"w.safetensors\")").unwrap(), biases);
        let error =
            currents("weight: 1", "b", "v_th: File(\"w.safetensors\")").unwrap_err().to_string();
        assert!(
            error.contains("populations.b.model.v_th") && error.contains("`b.v_th`"),
            "{error}"
        );
    }

    #[test]
    fn a_dendrite_is_no_longer_than_the_delay() {
        let rules = |delay: &str, more: &str| {
            format!("connect: Dense, weight: 1{delay}, learn: Stdp(w_max: 2, dendritic: 2{more})")
        };
        for delay in ["", ", delay: Uniform(low: 1, high: 4)"] {
            let error = network(Path::new(""), &rules(delay, "")).unwrap_err();
            assert!(matches!(error, NetworkError::Dendritic { .. }), "{error}");
            assert!(network(Path::new(""), &rules(delay, ", axonal: 0")).is_ok());
        }
        assert!(network(Path::new(""), &rules(", delay: Uniform(low: 2, high: 4)", "")).is_ok());
    }

    #[test]
    fn what_does_not_fit_is_refused_before_it_is_drawn() {
        let rules = "connect: FixedTotalNumber(n: 5000000000), weight: 1";
        let error = network(Path::new(""), rules).unwrap_err();
        let refused = matches!(error, NetworkError::TooLarge { .. } | NetworkError::Memory { .. });
        assert!(refused, "{error}");
        let rules = "connect: Dense, weight: 1, delay: Uniform(low: 1e4, high: 2e4)";
        let error = network(Path::new(""), rules).unwrap_err();
        assert!(matches!(error, NetworkError::Delay { .. }), "{error}");
        let error = network(Path::new(""), "connect: List(\"absent.npy\"), weight: 1").unwrap_err();
        assert!(matches!(error, NetworkError::File(_)), "{error}");
    }
}
