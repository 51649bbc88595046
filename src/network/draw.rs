//! Numbers for neurons and synapses: parameters, which pairs are connected, weights and delays.
//!
//! Each draw is keyed by what it is for (see [`crate::rng`]), so targets are drawn in parallel and
//! the result does not depend on their order.

use super::space::{Metric, Point, Reach, Tree};
use super::{NetworkError, Synapses, budget};
use crate::files;
use crate::grammar::{At, One, Param, Quantity, Rule, Value, Visitor};
use crate::neuron::model::{Drawn, LaidOut};
use crate::rng::{self, Purpose, Stream};
use crate::scene::{self, Connect, Delay, Weight};
use crate::synapse::convolution::Convolution;
use rayon::prelude::*;
use std::collections::HashSet;
use std::mem::take;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// Blocks into which targets are divided for drawing in parallel.
const BLOCKS: usize = 1024;

/// Entity of the draws that belong to no single neuron; neurons have 32-bit numbers.
const ALL: u64 = u64::MAX;

/// Pairs by which the number of synapses of a rule with distances is estimated.
const PROBES: u64 = 1 << 17;

/// Times that a bounded normal number is drawn before it is put on its bound. The scene's check sees
/// to it that a hundredth of all draws lie within, so this is not to happen.
const REDRAWS: u64 = 10_000;

/// Draws all parameters of a model and checks them against their rules. Draws are keyed by the path of the
/// field, a model's and its own, so that no two fields share numbers; what several fields draw together is a
/// field of the model.
///
/// # Errors
/// A value breaks the rule of its field; a file cannot be read, or does not fit.
pub fn drawn(
    model: &impl Value,
    path: String,
    size: usize,
    seed: u64,
) -> Result<Drawn, NetworkError> {
    /// What was drawn so far, until something was wrong.
    struct Drawing {
        drawn: Drawn,
        seed: u64,
        result: Result<(), NetworkError>,
    }

    impl Drawing {
        fn draw(&mut self, name: &str, rule: Rule, param: &Param<One>) -> Result<(), NetworkError> {
            let drawn = &mut self.drawn;
            let values = parameter(param, drawn.size, self.seed, [&drawn.path, name])?;
            let mut broken = values.iter().map(|value| rule.broken(*value));
            if let Some(neuron) = broken.position(|broken| broken.is_some()) {
                let broken = rule.broken(values[neuron]).unwrap_or_default();
                let why = format!("which {broken}");
                return Err(drawn.refused(name, neuron, values[neuron], why).into());
            }
            drawn.rules.push((name.to_owned(), rule));
            drawn.values.push((name.to_owned(), values));
            Ok(())
        }
    }

    impl Visitor for Drawing {
        fn number(&mut self, _: &At, _: Rule, _: f64, _: &'static str) {}
        fn param(&mut self, at: &At, rule: Rule, param: &Param<One>, unit: &'static str) {
            if self.result.is_err() {
                return;
            }
            self.result = self.draw(&at.to_string(), rule, param);
            if let (Param::Linspace { .. } | Param::Values(_), Some((name, values))) =
                (param, self.drawn.values.last())
            {
                let (name, values) = (name.clone(), values.clone());
                self.drawn.laid_out.push(LaidOut { name, unit, values });
            }
        }
    }

    let drawn = Drawn { path, size, values: Vec::new(), rules: Vec::new(), laid_out: Vec::new() };
    let mut drawing = Drawing { drawn, seed, result: Ok(()) };
    model.visit(&At::new(""), Rule::Any, &mut drawing);
    drawing.result.map(|()| drawing.drawn)
}

/// Logarithmic mean and deviation of a log-normal distribution with this mean and deviation.
fn logarithmic(mean: f64, std: f64) -> (f64, f64) {
    let variance = (std / mean).powi(2).ln_1p();
    (mean.ln() - variance / 2.0, variance.sqrt())
}

/// Point `k` of `count` evenly spaced ones; the ends are exact.
fn evenly((from, to): (f64, f64), k: usize, count: usize) -> f64 {
    let last = count.saturating_sub(1).max(1) as f64;
    from * ((last - k as f64) / last) + to * (k as f64 / last)
}

/// Values of a parameter: one for all neurons, or one for each.
fn parameter(
    param: &Param<One>,
    size: usize,
    seed: u64,
    [model, name]: [&str; 2],
) -> Result<Vec<f64>, NetworkError> {
    let stream = Stream::new(seed, Purpose::Parameters, 0);
    let path = format!("{model}.{name}");
    let key = rng::hash(&path);
    let each = |draw: &dyn Fn(u64) -> f64| (0..size as u64).map(draw).collect();
    Ok(match param {
        Param::Value(value) => vec![value.get()],
        Param::Values(values) => values.iter().map(|value| value.get()).collect(),
        Param::Linspace { from, to } => each(&|k| evenly((from.get(), to.get()), k as usize, size)),
        Param::Normal { mean, std } => each(&|k| mean.get() + std.get() * stream.normal(k, key)),
        Param::LogNormal { mean, std } => {
            let (mean, std) = logarithmic(mean.get(), std.get());
            each(&|k| (mean + std * stream.normal(k, key)).exp())
        }
        Param::Uniform { low, high } => {
            each(&|k| low.get() + (high.get() - low.get()) * stream.uniform(k, key))
        }
        Param::Power { base, scale, exponent, draw } => {
            let shared = rng::hash(&format!("{model}.draw.{draw}"));
            each(&|k| base.get() + scale.get() * stream.uniform(k, shared).powf(*exponent))
        }
        Param::File(file) => {
            let fits = |found: u64| match found == size as u64 {
                true => Ok(()),
                false => Err(NetworkError::Length {
                    path: path.clone(),
                    file: file.clone(),
                    found,
                    wanted: size,
                }),
            };
            if file.extension().is_some_and(|end| end == "safetensors") {
                let values = tensor(file, model, name)?;
                fits(values.len() as u64)?;
                return Ok(values);
            }
            let array = files::NpyReader::open(file)?;
            if array.shape().len() == 1 {
                fits(array.count())?;
            }
            array.numbers()?
        }
    })
}

/// What a training left of a parameter: the tensor `<population>.<name>`.
fn tensor(file: &Path, model: &str, name: &str) -> Result<Vec<f64>, NetworkError> {
    let population = model.trim_start_matches("populations.").trim_end_matches(".model");
    let tensor = format!("{population}.{name}");
    files::read_tensor(file, &tensor).map_err(|e| NetworkError::Tensor {
        path: format!("{model}.{name}"),
        file: file.to_owned(),
        why: format!("`{tensor}`: {e}"),
    })
}

/// A projection as it is drawn.
pub struct Wiring<'s> {
    /// Path in the scene.
    pub path: String,
    /// Name of the projection.
    pub name: &'s str,
    /// The rules.
    pub projection: &'s scene::Projection,
    /// Neurons of the presynaptic population.
    pub sources: usize,
    /// Neurons of the postsynaptic population.
    pub targets: usize,
    /// Where the neurons of both are, if the rules ask for it.
    pub places: Option<[&'s [Point]; 2]>,
    /// How the sources lie before the targets, if that decides who is connected.
    pub convolution: Option<Convolution>,
    /// Rows, columns and channels of both, if both have them.
    pub layers: Option<[[usize; 3]; 2]>,
    /// See [`super::Projection::unit`].
    pub unit: f64,
    /// Time step \[ms\].
    pub dt: f64,
    /// Weight below which nothing is drawn: 0 of a conductance, unless the sign says which.
    pub least: f64,
    /// Seed of the network, and index of the projection.
    pub key: (u64, u32),
}

/// Sources by target: `source[start[j]..start[j + 1]]` are those of target j, ascending.
struct Lists {
    start: Vec<u32>,
    source: Vec<u32>,
}

impl Wiring<'_> {
    /// How many synapses the rule makes: exactly, on average, or, with distances, as estimated from
    /// a sample of pairs. A list has as many as its file, whose size has a limit of its own.
    pub fn expected(&self) -> f64 {
        let ends = [self.sources as f64, self.targets as f64];
        if let Some(convolution) = &self.convolution {
            return convolution.synapses().max(convolution.weights() as u64) as f64;
        }
        if let (Connect::Lateral { radius, across, .. }, Some([[rows, columns, from], _])) =
            (&self.projection.connect, self.layers)
        {
            // As of a circle, edges not counted.
            let around = (2.0 * radius + 1.0).powi(2).min((rows * columns) as f64);
            return around * ends[1] * if *across { from as f64 } else { 1.0 };
        }
        budget::expected(&self.projection.connect, ends).unwrap_or_else(|| {
            if !matches!(self.projection.connect, Connect::Distance { .. }) {
                return 0.0;
            }
            let pairs = ends[0] * ends[1];
            let (stream, metric, reach) = (self.pairs(), self.metric(), self.reach());
            let [from, to] = self.places();
            let pick = |points: &[Point], draw: u64| {
                points[stream.below(points.len() as u64, ALL, draw) as usize]
            };
            let probability = |draw: u64| {
                let (a, b) = (pick(from, 2 * draw), pick(to, 2 * draw + 1));
                reach.probability(metric.distance(&a, &b))
            };
            (0..PROBES).map(probability).sum::<f64>() / PROBES as f64 * pairs
        })
    }

    /// Whether each synapse has its own delay.
    pub fn has_delays(&self) -> bool {
        !matches!(self.projection.delay, None | Some(Delay::Constant(_) | Delay::Learn { .. }))
    }

    /// Draws the synapses.
    ///
    /// # Errors
    /// A list that cannot be read or does not fit, more synapses than can be indexed, a delay of
    /// more steps than can be counted.
    pub fn synapses(&self) -> Result<Synapses, NetworkError> {
        if let Some(convolution) = self.shared() {
            let (count, fan_in) = (convolution.weights(), convolution.fan_in());
            self.has_values_for(count)?;
            let fans = convolution.fans();
            let weight = |k: usize| self.weight(fans, k / fan_in, k % fan_in, (k, count));
            let drawn = self.matrix([count / fan_in, fan_in]);
            let weights = drawn.unwrap_or_else(|| (0..count).map(weight).collect());
            return Ok(Synapses::Convolution {
                convolution: Box::new(convolution.clone()),
                weights,
            });
        }
        if matches!(self.projection.connect, Connect::Dense) && !self.has_delays() {
            let count = self.sources * self.targets;
            self.has_values_for(count)?;
            if let Some(weights) = self.matrix([self.sources, self.targets]) {
                return Ok(Synapses::Dense { weights });
            }
            let fans = [self.sources, self.targets];
            let mut weights = vec![0.0; count];
            weights.par_chunks_mut(self.targets).enumerate().for_each(|(source, row)| {
                for (target, w) in row.iter_mut().enumerate() {
                    let place = (source * self.targets + target, count);
                    *w = self.weight(fans, source, target, place);
                }
            });
            return Ok(Synapses::Dense { weights });
        }
        let lists = self.incoming()?;
        let count = lists.source.len();
        self.has_values_for(count)?;
        let mut weights = vec![0.0; lists.source.len()];
        let dense = matches!(self.projection.connect, Connect::Dense);
        let drawn = self.matrix([self.sources, self.targets]);
        let mut targets_of = vec![0; self.sources];
        if matches!(self.projection.weight, Weight::Xavier { .. }) {
            lists.source.iter().for_each(|source| targets_of[*source as usize] += 1);
        }
        lists.fill(&mut weights, |target, sources, weights| {
            for (k, w) in weights.iter_mut().enumerate() {
                // Delays do not change the weights of a dense projection.
                let (entity, draw) = if dense { (k, target) } else { (target, k) };
                let place = (self.place(&lists, target, k), count);
                let fans = [sources.len(), targets_of[sources[k] as usize]];
                let weight = || self.weight(fans, entity, draw, place);
                *w = drawn.as_ref().map_or_else(weight, |drawn| drawn[place.0]);
            }
        });
        let delays = self.delays(&lists)?;
        let Lists { start, source } = lists;
        Ok(Synapses::Sparse { start, source, weights, delays })
    }

    /// Given synapses, as sources, targets and weights, in the order of their targets.
    ///
    /// # Errors
    /// A delay of more steps than can be counted.
    pub fn given(
        &self,
        [source, target]: [&[u32]; 2],
        weights: &[f64],
    ) -> Result<Synapses, NetworkError> {
        let mut order: Vec<usize> = (0..source.len()).collect();
        order.sort_by_key(|k| target[*k]);
        let before = |j: usize| order.partition_point(|k| (target[*k] as usize) < j) as u32;
        let start = (0..=self.targets).map(before).collect();
        let lists = Lists { start, source: order.iter().map(|k| source[*k]).collect() };
        self.has_values_for(source.len())?;
        let delays = self.delays(&lists)?;
        let weights = order.iter().map(|k| weights[*k]).collect();
        Ok(Synapses::Sparse { start: lists.start, source: lists.source, weights, delays })
    }

    /// How synapses lie that share weights.
    pub fn shared(&self) -> Option<&Convolution> {
        let own = matches!(self.projection.connect, Connect::Local { .. });
        self.convolution.as_ref().filter(|_| !own)
    }

    fn pairs(&self) -> Stream {
        Stream::new(self.key.0, Purpose::Connectivity, self.key.1)
    }

    fn places(&self) -> [&[Point]; 2] {
        self.places.expect("the scene was checked")
    }

    fn metric(&self) -> Metric {
        match &self.projection.connect {
            Connect::Distance { extent, .. } => Metric::new(extent.as_deref()),
            _ => Metric::default(),
        }
    }

    fn reach(&self) -> Reach {
        match &self.projection.connect {
            Connect::Distance { kernel, max_distance, .. } => Reach {
                kernel: *kernel,
                max_distance: max_distance.map_or(f64::INFINITY, Quantity::get),
            },
            _ => unreachable!("other rules have no reach"),
        }
    }

    /// Which pairs are connected.
    fn incoming(&self) -> Result<Lists, NetworkError> {
        let stream = self.pairs();
        let own = self.projection.from == self.projection.to;
        let (sources, targets) = (self.sources as u64, self.targets as u64);
        let skip = |autapses: bool, neuron: u64| (own && !autapses).then_some(neuron);
        let lists = match &self.projection.connect {
            Connect::Dense => Lists::new(targets, |_, list| list.extend(0..sources as u32)),
            Connect::Others => Lists::new(targets, |target, list| {
                list.extend((0..sources as u32).filter(|source| u64::from(*source) != target));
            }),
            Connect::OneToOne => Lists::new(targets, |target, list| list.push(target as u32)),
            &Connect::FixedProbability { p, autapses } => Lists::new(targets, |target, list| {
                bernoulli(&stream, target, sources, p, skip(autapses, target), list);
            }),
            &Connect::FixedInDegree { k, autapses, multapses } => {
                Lists::new(targets, |target, list| {
                    let skip = skip(autapses, target);
                    partners(&stream, target, sources, k, multapses, skip, list);
                })
            }
            &Connect::FixedOutDegree { k, autapses, multapses } => {
                let outgoing = Lists::new(sources, |source, list| {
                    let skip = skip(autapses, source);
                    partners(&stream, source, targets, k, multapses, skip, list);
                });
                outgoing.and_then(|outgoing| outgoing.transposed(self.targets))
            }
            Connect::Procedural { .. } => unreachable!("these are not drawn beforehand"),
            &Connect::FixedTotalNumber { n, autapses, multapses: true } => {
                // Each target is as likely as any other, and so is each of its sources.
                let count: Vec<AtomicU32> = (0..targets).map(|_| AtomicU32::new(0)).collect();
                (0..n).into_par_iter().for_each(|draw| {
                    let target = stream.below(targets, ALL, draw) as usize;
                    count[target].fetch_add(1, Ordering::Relaxed);
                });
                Lists::new(targets, |target, list| {
                    let k = count[target as usize].load(Ordering::Relaxed).into();
                    let skip = skip(autapses, target);
                    partners(&stream, target, sources, k, true, skip, list);
                })
            }
            &Connect::FixedTotalNumber { n, autapses, multapses: false } => {
                let choices = sources - u64::from(own && !autapses);
                distinct_pairs(&stream, n, choices, targets, |target| skip(autapses, target))
            }
            Connect::Distance { autapses, .. } => {
                let [from, to] = self.places();
                let (tree, reach) = (Tree::new(from, self.metric()), self.reach());
                Lists::new(targets, |target, list| {
                    let place = &to[target as usize];
                    tree.draw((target, place), &reach, &stream, skip(*autapses, target), list);
                })
            }
            Connect::Conv { .. } => unreachable!("these share weights"),
            Connect::Local { .. } => {
                let convolution = self.convolution.as_ref().expect("the scene was checked");
                let (start, source, _) = convolution.lists();
                Ok(Lists { start, source })
            }
            &Connect::Lateral { radius, across, autapses } => {
                let layers = self.layers.expect("the scene was checked");
                Lists::new(targets, |target, list| {
                    beside(layers, target as usize, radius, across, list);
                    if own && !autapses {
                        list.retain(|source| u64::from(*source) != target);
                    }
                })
            }
            Connect::List(file) => {
                let mut keys = self.read_pairs(file)?;
                keys.par_sort_unstable();
                Lists::new(targets, |target, list| {
                    list.extend(of_target(&keys, target, sources));
                })
            }
        };
        lists.map_err(|synapses| NetworkError::TooLarge {
            name: self.name.to_owned(),
            synapses: synapses as f64,
        })
    }

    /// The pairs in a file, as numbers `target · sources + source`.
    fn read_pairs(&self, file: &Path) -> Result<Vec<u64>, NetworkError> {
        let pairs = files::read_npy_pairs(file)?;
        let key = |(row, &[source, target]): (usize, &[i64; 2])| {
            let ends = [("source", source, self.sources), ("target", target, self.targets)];
            match ends.iter().find(|(_, index, size)| !(0..*size as i64).contains(index)) {
                None => Ok(target as u64 * self.sources as u64 + source as u64),
                Some(&(what, index, size)) => Err(NetworkError::Pair {
                    path: format!("{}.connect", self.path),
                    file: file.to_owned(),
                    row,
                    what,
                    index,
                    size,
                }),
            }
        };
        pairs.iter().enumerate().map(key).collect()
    }

    /// Number of the `k`-th synapse of a target in the order of `weights.safetensors`: of `Dense` by source, else
    /// by target.
    fn place(&self, lists: &Lists, target: usize, k: usize) -> usize {
        match self.projection.connect {
            Connect::Dense => k * self.targets + target,
            _ => lists.start[target] as usize + k,
        }
    }

    /// Whether weights and delays that are given one by one are as many as there are synapses.
    fn has_values_for(&self, synapses: usize) -> Result<(), NetworkError> {
        let weights = match &self.projection.weight {
            Weight::Values(values) => Some(values.len()),
            Weight::Linspace { .. } if synapses < 2 => Some(2),
            _ => None,
        };
        let delays = match &self.projection.delay {
            Some(Delay::Values(values)) => Some(values.len()),
            Some(Delay::Linspace { .. }) if synapses < 2 => Some(2),
            _ => None,
        };
        for (field, given) in [("weight", weights), ("delay", delays)] {
            if let Some(given) = given.filter(|given| *given != synapses) {
                let path = format!("{}.{field}", self.path);
                return Err(NetworkError::Count { path, given, synapses });
            }
        }
        Ok(())
    }

    /// Weights that are drawn together, row by row, in the unit of the receptor: a random matrix whose shorter side's
    /// vectors are orthogonal, by the method of Gram and Schmidt from normal numbers. Rounding leaves vectors a little
    /// aslant where they were nearly parallel, so it is done twice.
    fn matrix(&self, [rows, columns]: [usize; 2]) -> Option<Vec<f64>> {
        let Weight::Orthogonal { gain } = self.projection.weight else { return None };
        let stream = Stream::new(self.key.0, Purpose::Weights, self.key.1);
        let (count, len) = (rows.min(columns), rows.max(columns));
        let vector = |k: u64| (0..len as u64).map(|i| stream.normal(k, i)).collect();
        let mut vectors: Vec<Vec<f64>> = (0..count as u64).into_par_iter().map(vector).collect();
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        for k in (0..count).chain(0..count) {
            let (done, rest) = vectors.split_at_mut(k + 1);
            let one = &mut done[k];
            let length = product(one, one).sqrt();
            one.iter_mut().for_each(|x| *x /= length);
            rest.par_iter_mut().for_each(|other| {
                let along = product(one, other);
                other.iter_mut().zip(&*one).for_each(|(x, one)| *x -= along * one);
            });
        }
        let at = |k: usize| match (k / columns, k % columns) {
            (row, column) if rows <= columns => vectors[row][column],
            (row, column) => vectors[column][row],
        };
        Some((0..rows * columns).map(|k| gain * self.unit * at(k)).collect())
    }

    /// The weight of a synapse, number `place.0` of `place.1`, in the unit of its receptor; `fans` are the synapses of its
    /// target and of its source.
    fn weight(&self, fans: [usize; 2], entity: usize, draw: usize, place: (usize, usize)) -> f64 {
        let stream = Stream::new(self.key.0, Purpose::Weights, self.key.1);
        let (entity, draw) = (entity as u64, draw as u64);
        match &self.projection.weight {
            Weight::Constant(w) => w.get(),
            Weight::Values(values) => values[place.0].get(),
            Weight::Linspace { from, to } => evenly((from.get(), to.get()), place.0, place.1),
            Weight::LogNormal { mean, std, max } => {
                let high = max.map_or(f64::INFINITY, |max| max.get().ln());
                let logarithmic = logarithmic(mean.get(), std.get());
                let ends = (f64::NEG_INFINITY, high);
                normal_within(&stream, (entity, draw), logarithmic, ends).exp()
            }
            Weight::Normal { mean, std, min, max } => {
                let low = min.map_or(self.least, Quantity::get);
                let high = max.map_or(f64::INFINITY, Quantity::get);
                normal_within(&stream, (entity, draw), (mean.get(), std.get()), (low, high))
            }
            Weight::Uniform { low, high } => {
                low.get() + (high.get() - low.get()) * stream.uniform(entity, draw)
            }
            Weight::Kaiming { gain } => {
                gain * self.unit / (fans[0].max(1) as f64).sqrt() * stream.normal(entity, draw)
            }
            Weight::Xavier { gain } => {
                let fans = fans.iter().sum::<usize>().max(1);
                let bound = gain * self.unit * (6.0 / fans as f64).sqrt();
                bound * (2.0 * stream.uniform(entity, draw) - 1.0)
            }
            // Drawn together, or filled in by the builder.
            Weight::Orthogonal { .. } | Weight::File(_) => 0.0,
        }
    }

    /// Delays of all synapses \[steps\], if each has its own.
    fn delays(&self, lists: &Lists) -> Result<Vec<u16>, NetworkError> {
        if !self.has_delays() {
            return Ok(Vec::new());
        }
        let delay = |target: usize, k: usize, source: u32| {
            let place = (self.place(lists, target, k), lists.source.len());
            self.delay(target, k, source as usize, place)
        };
        let steps = |target: usize, k: usize, source: u32| {
            (delay(target, k, source) / self.dt).round().max(1.0)
        };
        let mut delays = vec![0; lists.source.len()];
        lists.fill(&mut delays, |target, sources, delays| {
            for (k, delay) in delays.iter_mut().enumerate() {
                // 0, which is no delay, marks those that do not fit.
                let steps = steps(target, k, sources[k]);
                *delay = if steps > f64::from(u16::MAX) { 0 } else { steps as u16 };
            }
        });
        let Some(synapse) = delays.par_iter().position_first(|&delay| delay == 0) else {
            return Ok(delays);
        };
        let target = lists.start.partition_point(|&start| start as usize <= synapse) - 1;
        let k = synapse - lists.start[target] as usize;
        let source = lists.source[synapse];
        Err(NetworkError::Delay {
            name: self.name.to_owned(),
            source_neuron: source,
            target_neuron: target as u32,
            delay: delay(target, k, source),
            steps: steps(target, k, source),
        })
    }

    /// The delay of one synapse \[ms\], before it is rounded.
    fn delay(&self, target: usize, k: usize, source: usize, place: (usize, usize)) -> f64 {
        let stream = Stream::new(self.key.0, Purpose::Delays, self.key.1);
        let at = (target as u64, k as u64);
        match &self.projection.delay {
            None | Some(Delay::Learn { .. }) => self.dt,
            Some(Delay::Constant(delay)) => delay.get(),
            Some(Delay::Values(values)) => values[place.0].get(),
            Some(Delay::Linspace { from, to }) => evenly((from.get(), to.get()), place.0, place.1),
            Some(Delay::LogNormal { mean, std, min, max }) => {
                let low = min.map_or(self.dt, |min| min.get().max(self.dt));
                let high = max.map_or(f64::INFINITY, |max| max.get().ln());
                let logarithmic = logarithmic(mean.get(), std.get());
                normal_within(&stream, at, logarithmic, (low.ln(), high)).exp()
            }
            Some(Delay::Normal { mean, std, min, max }) => {
                let low = min.map_or(self.dt, |min| min.get().max(self.dt));
                let high = max.map_or(f64::INFINITY, Quantity::get);
                normal_within(&stream, at, (mean.get(), std.get()), (low, high))
            }
            Some(Delay::Uniform { low, high }) => {
                low.get() + (high.get() - low.get()) * stream.uniform(at.0, at.1)
            }
            Some(Delay::Distance { offset, velocity }) => {
                let [from, to] = self.places();
                let distance = self.metric().distance(&from[source], &to[target]);
                // 1 m/s is 1000 µm/ms.
                offset.get() + distance / (1000.0 * velocity.get())
            }
        }
    }
}

impl Lists {
    /// The lists of `count` neurons, each filled by `fill`, in parallel. Lists are not kept one by
    /// one but in blocks, which takes little more memory than the result.
    ///
    /// # Errors
    /// The number of synapses, if it exceeds 32 bits.
    fn new(count: u64, fill: impl Fn(u64, &mut Vec<u32>) + Sync) -> Result<Self, u64> {
        let size = block(count as usize) as u64;
        let blocks: Vec<(Vec<usize>, Vec<u32>)> = (0..count.div_ceil(size))
            .into_par_iter()
            .map(|block| {
                let mut list = Vec::new();
                let end = |neuron| {
                    fill(neuron, &mut list);
                    list.len()
                };
                ((block * size..count.min((block + 1) * size)).map(end).collect(), list)
            })
            .collect();
        let total: usize = blocks.iter().map(|(_, list)| list.len()).sum();
        if total > u32::MAX as usize {
            return Err(total as u64);
        }
        let mut start = Vec::with_capacity(count as usize + 1);
        start.push(0);
        let mut source = Vec::with_capacity(total);
        for (ends, list) in blocks {
            start.extend(ends.iter().map(|end| (source.len() + end) as u32));
            source.extend(list);
        }
        Ok(Self { start, source })
    }

    /// Lists by the other side: from targets by source to sources by target. Sources are met in
    /// order, so the lists are ascending.
    fn transposed(&self, count: usize) -> Result<Self, u64> {
        let mut start = vec![0u32; count + 1];
        for &target in &self.source {
            start[target as usize + 1] += 1;
        }
        for k in 1..start.len() {
            start[k] += start[k - 1];
        }
        let mut next = start.clone();
        let mut source = vec![0; self.source.len()];
        for (k, ends) in self.start.windows(2).enumerate() {
            for &target in &self.source[ends[0] as usize..ends[1] as usize] {
                source[next[target as usize] as usize] = k as u32;
                next[target as usize] += 1;
            }
        }
        Ok(Self { start, source })
    }

    /// Fills one value for each synapse: `fill` gets a target, its sources, and where their values
    /// belong.
    fn fill<T: Send>(&self, values: &mut [T], fill: impl Fn(usize, &[u32], &mut [T]) + Sync) {
        let synapses = |target: usize| (self.start[target + 1] - self.start[target]) as usize;
        let count = self.start.len() - 1;
        let mut rest = values;
        let mut blocks = Vec::new();
        for first in (0..count).step_by(block(count)) {
            let targets = first..count.min(first + block(count));
            let (values, after) = take(&mut rest).split_at_mut(targets.clone().map(synapses).sum());
            blocks.push((targets, values));
            rest = after;
        }
        blocks.into_par_iter().for_each(|(targets, mut rest)| {
            for target in targets {
                let (values, after) = take(&mut rest).split_at_mut(synapses(target));
                let first = self.start[target] as usize;
                fill(target, &self.source[first..first + values.len()], values);
                rest = after;
            }
        });
    }
}

/// Sources not further from a target than `radius`, ascending: of its channel, or of all. Sources and targets have the same
/// rows and columns.
fn beside(
    [[rows, columns, from], [.., to]]: [[usize; 3]; 2],
    target: usize,
    radius: f64,
    across: bool,
    list: &mut Vec<u32>,
) {
    let (place, channel) = (target / to, target % to);
    let (y, x) = (place / columns, place % columns);
    let reach = radius.min((rows + columns) as f64) as usize;
    let near = |at: usize, end: usize| at.saturating_sub(reach)..(at + reach + 1).min(end);
    for row in near(y, rows) {
        for column in near(x, columns) {
            let distance = (row.abs_diff(y) as f64).hypot(column.abs_diff(x) as f64);
            if distance <= radius {
                let first = ((row * columns + column) * from) as u32;
                let channels = if across { 0..from } else { channel..from.min(channel + 1) };
                list.extend(channels.map(|c| first + c as u32));
            }
        }
    }
}

/// Neurons of a block.
fn block(neurons: usize) -> usize {
    neurons.div_ceil(BLOCKS).max(1)
}

/// A normal number within bounds: what lies outside is drawn again.
fn normal_within(
    stream: &Stream,
    (entity, draw): (u64, u64),
    (mean, std): (f64, f64),
    (low, high): (f64, f64),
) -> f64 {
    let mut value = mean;
    for attempt in 0..REDRAWS {
        // Entities are counted in 32 bits; the attempt is above them.
        value = mean + std * stream.normal(entity | attempt << 32, draw);
        if (low..=high).contains(&value) {
            return value;
        }
    }
    value.clamp(low, high)
}

/// Sources of one target, each with probability `p`: the gaps between them are geometric.
fn bernoulli(
    pairs: &Stream,
    target: u64,
    sources: u64,
    p: f64,
    skip: Option<u64>,
    list: &mut Vec<u32>,
) {
    if p <= 0.0 {
        return;
    }
    let ln_miss = (-p).ln_1p();
    let mut next = 0u64;
    for k in 0.. {
        if p < 1.0 {
            let gap = (pairs.uniform(target, k).ln() / ln_miss).floor();
            // A gap beyond all sources ends the list; compared before the cast.
            if gap >= (sources - next) as f64 {
                break;
            }
            next += gap as u64;
        }
        if next >= sources {
            break;
        }
        if skip != Some(next) {
            list.push(next as u32);
        }
        next += 1;
        if next >= sources {
            break;
        }
    }
}

/// `k` partners of one neuron among `count`, ascending; without multapses by Floyd's method of
/// sampling.
fn partners(
    pairs: &Stream,
    neuron: u64,
    count: u64,
    k: u64,
    multapses: bool,
    skip: Option<u64>,
    list: &mut Vec<u32>,
) {
    let choices = count - u64::from(skip.is_some());
    let first = list.len();
    if multapses {
        list.extend((0..k).map(|d| beyond(skip, pairs.below(choices, neuron, d)) as u32));
    } else {
        let mut chosen = HashSet::with_capacity(k as usize);
        for last in choices - k..choices {
            let partner = pairs.below(last + 1, neuron, last);
            let partner = if chosen.insert(partner) { partner } else { last };
            chosen.insert(partner);
            list.push(beyond(skip, partner) as u32);
        }
    }
    list[first..].sort_unstable();
}

/// The neuron with number `choice` if one is left out.
fn beyond(skip: Option<u64>, choice: u64) -> u64 {
    match skip {
        Some(own) if choice >= own => choice + 1,
        _ => choice,
    }
}

/// `n` different pairs of `choices` sources for each of the targets. Pairs are drawn until there
/// are enough different ones; where more than half are wanted, those to be left out are drawn.
fn distinct_pairs(
    stream: &Stream,
    n: u64,
    choices: u64,
    targets: u64,
    skip: impl Fn(u64) -> Option<u64> + Sync,
) -> Result<Lists, u64> {
    let pairs = choices * targets;
    let without = n > pairs / 2;
    let wanted = if without { pairs - n } else { n };
    let (mut chosen, mut draws) = (Vec::<u64>::new(), 0);
    while (chosen.len() as u64) < wanted {
        // No more than are missing, so that none of those drawn would have to go again.
        let missing = wanted - chosen.len() as u64;
        let more = (draws..draws + missing).into_par_iter();
        chosen.par_extend(more.map(|draw| stream.below(pairs, ALL, draw)));
        draws += missing;
        chosen.par_sort();
        chosen.dedup();
    }
    Lists::new(targets, |target, list| {
        let source = |choice: u32| beyond(skip(target), choice.into()) as u32;
        let mut chosen = of_target(&chosen, target, choices).peekable();
        if without {
            let kept = (0..choices as u32).filter(|choice| chosen.next_if_eq(choice).is_none());
            list.extend(kept.map(source));
        } else {
            list.extend(chosen.map(source));
        }
    })
}

/// Sources of a target in an ascending list of numbers `target · sources + source`.
fn of_target(keys: &[u64], target: u64, sources: u64) -> impl Iterator<Item = u32> {
    let at = |target: u64| keys.partition_point(|&key| key < target * sources);
    let first = target * sources;
    keys[at(target)..at(target + 1)].iter().map(move |key| (key - first) as u32)
}

#[cfg(test)]
mod tests;
