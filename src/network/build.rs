//! From a scene to a network: units become propagators, rules become synapses.

use super::draw::{expected_synapses, parameter, synapses};
use super::*;
use crate::files;
use crate::rng::{Purpose, Stream};
use crate::scene::{Connect, Dimension, Learn, Model, Param, Scene, Weight};
use std::path::PathBuf;
use std::sync::Arc;

/// Synapses that one projection may have: indices are 32 bits.
const MAX_SYNAPSES: f64 = u32::MAX as f64;

/// Bytes of host memory that building takes per synapse: its weight in f64 and f32, its source.
const HOST_BYTES_PER_SYNAPSE: f64 = 16.0;

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
        found: usize,
        /// Neurons.
        wanted: usize,
    },
    /// A drawn or read value breaks the parameter's rule.
    #[error("{path}: neuron {neuron} has {value}, but {rule}")]
    Value {
        /// Path in the scene.
        path: String,
        /// First neuron that breaks it.
        neuron: usize,
        /// Its value.
        value: f64,
        /// The rule.
        rule: &'static str,
    },
    /// More synapses than can be indexed or held.
    #[error(
        "projection `{name}` has {synapses:.4e} synapses, {bytes:.3e} bytes to build; the limit is \
         {limit}. Make a population smaller, or connect fewer pairs (FixedProbability, FixedInDegree)"
    )]
    TooLarge {
        /// Name of the projection.
        name: String,
        /// Synapses, exactly or on average.
        synapses: f64,
        /// Bytes of memory to build them.
        bytes: f64,
        /// What limits them.
        limit: String,
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
    let dt = scene.simulation.dt.get();
    let seed = scene.simulation.seed;
    let populations = scene
        .populations
        .iter()
        .enumerate()
        .map(|(index, (name, population))| {
            let size = population.size as usize;
            let draw = Draw { path: format!("populations.{name}.model"), size, seed, index };
            let kind = match &scene.training {
                Some(_) => kind(&population.model, dt, &draw)?,
                None => simulated(&population.model, dt, name, &draw)?,
            };
            Ok(Population { name: name.clone(), size, kind })
        })
        .collect::<Result<Vec<_>, NetworkError>>()?;

    let find = |name: &str| populations.iter().position(|p| p.name == name).unwrap_or_default();
    let mut projections = Vec::new();
    for (index, projection) in scene.projections.iter().enumerate() {
        let (from, to) = (find(&projection.from), find(&projection.to));
        let (sources, targets) = (populations[from].size, populations[to].size);
        let name = projection.name.clone();
        let name = name.unwrap_or_else(|| format!("{}->{}", projection.from, projection.to));
        fits(&name, &projection.connect, sources, targets)?;
        let constant = !populations[from].spikes();
        let unit = unit(&populations[to], dt, constant);
        let mut synapses = synapses(
            &projection.connect,
            &projection.weight,
            (sources, targets, from == to),
            unit,
            (seed, index as u32),
        );
        if let Weight::File(file) = &projection.weight {
            load_weights(&name, file, &mut synapses)?;
        }
        let delay = projection.delay.map_or(dt, |d| d.get());
        let learn = match projection.learn {
            Some(learn) => learn == Learn::Backprop,
            None => scene.training.is_some(),
        };
        let receptor = |name: &String| {
            let known = scene.populations[to].1.model.receptors();
            known.iter().position(|known| known == name).unwrap_or_default()
        };
        projections.push(Projection {
            name,
            from,
            to,
            receptor: projection.receptor.as_ref().map_or(0, receptor),
            delay: if constant { 0 } else { (delay / dt).round() as usize },
            learn,
            unit,
            synapses,
        });
    }
    let stimuli = scene.stimuli.iter().map(|s| stimulus(scene, s, dt)).collect();
    Ok(Network { dt, seed, populations, projections, stimuli })
}

/// A stimulus in steps.
fn stimulus(scene: &Scene, stimulus: &scene::Stimulus, dt: f64) -> Stimulus {
    use scene::Input as I;
    let find = |name: &String| scene.populations.iter().position(|(known, _)| known == name);
    let to = find(&stimulus.to).unwrap_or_default();
    let step = |t: scene::Quantity<scene::Ms>| (t.get() / dt).round() as u64;
    let from = |t: Option<scene::Quantity<scene::Ms>>| t.map_or(0, step);
    let until = |t: Option<scene::Quantity<scene::Ms>>| t.map_or(u64::from(u32::MAX), step);
    let (input, start, stop) = match &stimulus.input {
        I::Poisson { rate, weight, receptor, start, stop } => {
            let known = scene.populations[to].1.model.receptors();
            let index = |name: &String| known.iter().position(|k| k == name).unwrap_or_default();
            let input = Input::Poisson {
                mean: rate.get() * 1e-3 * dt,
                weight: weight.get(),
                receptor: receptor.as_ref().map_or(0, index),
            };
            (input, from(*start), until(*stop))
        }
        I::Step { amplitude, start, stop } => {
            let input = Input::Ramp { from: amplitude.get(), to: amplitude.get() };
            (input, step(*start), until(*stop))
        }
        I::Ramp { from, to, start, stop } => {
            (Input::Ramp { from: from.get(), to: to.get() }, step(*start), step(*stop))
        }
        I::Noise { mean, std, tau, start, stop } => {
            let rho = tau.map_or(0.0, |tau| (-dt / tau.get()).exp());
            let input = Input::Noise { mean: mean.get(), std: std.get(), rho };
            (input, from(*start), until(*stop))
        }
    };
    Stimulus { to, input, start, stop }
}

/// Where the values of a population's parameters come from.
pub(super) struct Draw {
    pub path: String,
    size: usize,
    seed: u64,
    index: usize,
}

impl Draw {
    /// Values of parameter number `which`, checked against its rule.
    pub fn values<D: Dimension>(
        &self,
        which: u32,
        name: &str,
        param: &Param<D>,
        (rule, holds): (&'static str, fn(f64) -> bool),
    ) -> Result<Vec<f64>, NetworkError> {
        let path = format!("{}.{name}", self.path);
        let values = self.drawn(which, name, param)?;
        match values.iter().position(|v| !holds(*v)) {
            Some(neuron) => Err(NetworkError::Value { path, neuron, value: values[neuron], rule }),
            None => Ok(values),
        }
    }

    /// Values of parameter number `which`.
    pub fn drawn<D: Dimension>(
        &self,
        which: u32,
        name: &str,
        param: &Param<D>,
    ) -> Result<Vec<f64>, NetworkError> {
        // Streams of a population: 32 for the parameters of the first models, more beyond 2^20.
        let own = |which: u32| match which {
            0..32 => self.index as u32 * 32 + which,
            _ => (1 << 20) + self.index as u32 * 128 + which,
        };
        let stream = Stream::new(self.seed, Purpose::Parameters, own(which));
        let shared = |draw: u32| Stream::new(self.seed, Purpose::Parameters, own(64 + draw % 64));
        parameter(param, self.size, &stream, shared, &format!("{}.{name}", self.path))
    }
}

type Rule = (&'static str, fn(f64) -> bool);
pub(super) const POSITIVE: Rule = ("it must be positive", |x| x > 0.0);
pub(super) const NOT_NEGATIVE: Rule = ("it must not be negative", |x| x >= 0.0);
pub(super) const ANY: Rule = ("it must be finite", f64::is_finite);

/// The neurons of a simulation.
fn simulated(model: &Model, dt: f64, name: &str, draw: &Draw) -> Result<Kind, NetworkError> {
    Ok(match model {
        Model::Lif(m) => Kind::Stepped(Arc::new(neurons::lif(m, dt, draw)?)),
        Model::Readout(m) => Kind::Stepped(Arc::new(neurons::readout(m, dt, draw)?)),
        Model::Adex(m) => Kind::Stepped(Arc::new(neurons::adex(m, dt, draw)?)),
        Model::Izhikevich(_) => unreachable!("TODO"),
        Model::Spikes(m) => Kind::Spikes(spike_steps(m, dt, name)?),
        Model::Poisson(_) | Model::Images(_) => kind(model, dt, draw)?,
    })
}

/// Steps at whose end given spikes fall: a spike at t is that of the step that ends nearest to t.
fn spike_steps(m: &scene::Spikes, dt: f64, name: &str) -> Result<Vec<Vec<u64>>, NetworkError> {
    let step = |t: f64| ((t / dt).round() as u64).max(1) - 1;
    let Some(file) = &m.file else {
        return Ok(m.times.iter().map(|times| times.iter().map(|t| step(*t)).collect()).collect());
    };
    let population = m.population.as_deref().unwrap_or(name);
    let spikes = files::read_spikes(file, population)?;
    let mut steps = Vec::new();
    for (t, id) in spikes {
        if steps.len() <= id as usize {
            steps.resize(id as usize + 1, Vec::new());
        }
        steps[id as usize].push(step(t));
    }
    Ok(steps)
}

fn kind(model: &Model, dt: f64, draw: &Draw) -> Result<Kind, NetworkError> {
    Ok(match model {
        Model::Lif(m) => {
            let c_m = draw.values(0, "c_m", &m.c_m, POSITIVE)?;
            let tau_m = membrane(draw, &c_m, &m.tau_m, &m.g_l)?;
            let e_l = draw.values(3, "e_l", &m.e_l, ANY)?;
            let v_th = draw.values(4, "v_th", &m.v_th, ANY)?;
            let v_reset = draw.values(5, "v_reset", &m.v_reset, ANY)?;
            let t_ref = draw.values(6, "t_ref", &m.t_ref, NOT_NEGATIVE)?;
            let tau_syn = draw.values(7, "tau_syn", &m.tau_syn, POSITIVE)?;
            let i_e = draw.values(8, "i_e", &m.i_e, ANY)?;
            let delta_th = draw.values(9, "delta_th", &m.delta_th, NOT_NEGATIVE)?;
            let tau_rel = draw.values(10, "tau_rel", &m.tau_rel, POSITIVE)?;
            let v_init = match &m.v_init {
                Some(v) => draw.values(11, "v_init", v, ANY)?,
                None => e_l.clone(),
            };
            let each = [
                &c_m, &tau_m, &e_l, &v_th, &v_reset, &t_ref, &tau_syn, &delta_th, &tau_rel, &v_init,
            ];
            let cells: Vec<lif::Cell> = (0..each.iter().map(|v| v.len()).max().unwrap_or(1))
                .map(|k| {
                    let rest = at(&e_l, k);
                    let [p22, p21, p20, p11] =
                        lif::propagators(dt, at(&tau_m, k), at(&c_m, k), at(&tau_syn, k));
                    lif::Cell {
                        p22,
                        p21,
                        p20,
                        p11,
                        v_th: at(&v_th, k) - rest,
                        v_reset: at(&v_reset, k) - rest,
                        t_ref: (at(&t_ref, k) / dt).round(),
                        delta_th: at(&delta_th, k),
                        decay_rel: (-dt / at(&tau_rel, k)).exp(),
                        v_init: at(&v_init, k) - rest,
                    }
                })
                .collect();
            if let Some(neuron) = cells.iter().position(|c| c.v_reset >= c.v_th) {
                let path = format!("{}.v_reset", draw.path);
                let rule = "the reset potential must lie below the threshold";
                return Err(NetworkError::Value {
                    path,
                    neuron,
                    value: at(&v_reset, neuron),
                    rule,
                });
            }
            // A neuron whose threshold lies at or below rest fires tonically; its scale is then the
            // distance the other way, and never zero.
            let distance = cells.iter().map(|c| c.v_th).sum::<f64>() / cells.len() as f64;
            let unit = if distance == 0.0 { 1.0 } else { distance.abs() };
            Kind::Lif(Lif { cells, e_l, i_e: spread(i_e, draw.size), unit, reset: m.reset })
        }
        Model::Readout(m) => {
            let c_m = draw.values(0, "c_m", &m.c_m, POSITIVE)?;
            let tau_m = membrane(draw, &c_m, &m.tau_m, &m.g_l)?;
            let e_l = draw.values(3, "e_l", &m.e_l, ANY)?;
            let tau_syn = draw.values(7, "tau_syn", &m.tau_syn, POSITIVE)?;
            let i_e = draw.values(8, "i_e", &m.i_e, ANY)?;
            let count = [&c_m, &tau_m, &tau_syn].iter().map(|v| v.len()).max().unwrap_or(1);
            let cells = (0..count)
                .map(|k| readout::cell(dt, at(&tau_m, k), at(&c_m, k), at(&tau_syn, k)))
                .collect();
            Kind::Readout(Readout {
                cells,
                e_l,
                i_e: spread(i_e, draw.size),
                v_unit: m.v_unit.get(),
            })
        }
        Model::Poisson(m) => {
            let rate = draw.values(0, "rate", &m.rate, NOT_NEGATIVE)?;
            let per_step: Vec<f64> = rate.iter().map(|r| r * 1e-3 * dt).collect();
            if let Some(neuron) = per_step.iter().position(|p| *p > 1.0) {
                let path = format!("{}.rate", draw.path);
                let rule = "a source spikes at most once per step: lower the rate or dt";
                return Err(NetworkError::Value { path, neuron, value: at(&rate, neuron), rule });
            }
            Kind::Poisson(per_step)
        }
        Model::Images(m) => Kind::Images(m.encoder.clone()),
        Model::Adex(_) | Model::Izhikevich(_) | Model::Spikes(_) => {
            unreachable!("a checked scene does not train these")
        }
    })
}

/// Membrane time constants \[ms\] from `tau_m` or `c_m / g_l`.
pub(super) fn membrane(
    draw: &Draw,
    c_m: &[f64],
    tau_m: &Option<Param<scene::Ms>>,
    g_l: &Option<Param<scene::Ns>>,
) -> Result<Vec<f64>, NetworkError> {
    const DEFAULT: f64 = 10.0;
    if let Some(tau_m) = tau_m {
        return draw.values(1, "tau_m", tau_m, POSITIVE);
    }
    let Some(g_l) = g_l else { return Ok(vec![DEFAULT]) };
    let g_l = draw.values(2, "g_l", g_l, POSITIVE)?;
    Ok((0..c_m.len().max(g_l.len())).map(|k| at(c_m, k) / at(&g_l, k)).collect())
}

/// Value of neuron `k` in a vector of one for all or one for each.
pub(super) fn at(values: &[f64], k: usize) -> f64 {
    if values.len() == 1 { values[0] } else { values[k] }
}

fn spread(values: Vec<f64>, size: usize) -> Vec<f64> {
    if values.len() == size { values } else { vec![values[0]; size] }
}

/// The weight with which one input lifts a neuron of `population` by its unit: see
/// [`Projection::unit`].
fn unit(population: &Population, dt: f64, constant: bool) -> f64 {
    let (rise, [p22, p21, p20, p11]) = match &population.kind {
        Kind::Lif(lif) => {
            let c = &lif.cells[0];
            (lif.unit, [c.p22, c.p21, c.p20, c.p11])
        }
        Kind::Readout(readout) => (readout.v_unit, readout.cells[0]),
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
        v = p22 * v + p21 * i;
        i *= p11;
        if v <= peak {
            return rise / peak.max(p21 * dt * f64::MIN_POSITIVE);
        }
        peak = v;
    }
}

/// Refuses a projection that cannot be indexed or held, before anything is allocated for it.
fn fits(name: &str, connect: &Connect, sources: usize, targets: usize) -> Result<(), NetworkError> {
    let synapses = expected_synapses(connect, sources, targets);
    let bytes = synapses * HOST_BYTES_PER_SYNAPSE;
    let memory = host_memory();
    let limit = if synapses > MAX_SYNAPSES {
        format!("{MAX_SYNAPSES:.4e} synapses per projection")
    } else if memory.is_some_and(|memory| bytes > memory) {
        format!("{:.3e} bytes, the memory of this machine", memory.unwrap_or_default())
    } else {
        return Ok(());
    };
    Err(NetworkError::TooLarge { name: name.to_owned(), synapses, bytes, limit })
}

/// Bytes of memory of this machine, where the system tells.
fn host_memory() -> Option<f64> {
    let table = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = table.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: f64 = total.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024.0)
}

/// Takes the weights of a projection from the `weights.safetensors` of an earlier run.
fn load_weights(
    name: &str,
    file: &std::path::Path,
    synapses: &mut Synapses,
) -> Result<(), NetworkError> {
    let fail =
        |why: String| NetworkError::Weights { name: name.to_owned(), file: file.to_owned(), why };
    let values = files::read_tensor(file, name).map_err(|e| fail(e.to_string()))?;
    let (Synapses::Dense { weights } | Synapses::Sparse { weights, .. }) = synapses;
    if values.len() != weights.len() {
        let (found, wanted) = (values.len(), weights.len());
        return Err(fail(format!(
            "it holds {found} weights, the projection has {wanted} synapses"
        )));
    }
    *weights = values;
    Ok(())
}
