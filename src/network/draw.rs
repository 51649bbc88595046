//! Numbers for neurons and synapses: parameters, which pairs are connected, weights and delays.
//!
//! Each draw is keyed by what it is for (see [`crate::rng`]), so targets are drawn in parallel and
//! the result does not depend on their order.

use super::space::{Metric, Point, Reach, Tree};
use super::{NetworkError, Synapses};
use crate::files;
use crate::rng::{Purpose, Stream};
use crate::scene::{self, Connect, Delay, Dimension, Param, Quantity, Weight};
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

/// Values of a parameter: one for all neurons, or one for each.
pub fn parameter<D: Dimension>(
    param: &Param<D>,
    size: usize,
    stream: &Stream,
    path: &str,
) -> Result<Vec<f64>, NetworkError> {
    let each = |draw: &dyn Fn(u64) -> f64| (0..size as u64).map(draw).collect();
    Ok(match param {
        Param::Value(value) => vec![value.get()],
        Param::Normal { mean, std } => each(&|k| mean.get() + std.get() * stream.normal(k, 0)),
        Param::Uniform { low, high } => {
            each(&|k| low.get() + (high.get() - low.get()) * stream.uniform(k, 0))
        }
        Param::File(file) => {
            let values = files::read_npy_f64(file)?;
            if values.len() != size {
                return Err(NetworkError::Length {
                    path: path.to_owned(),
                    file: file.clone(),
                    found: values.len(),
                    wanted: size,
                });
            }
            values
        }
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
    /// See [`super::Projection::unit`].
    pub unit: f64,
    /// Time step \[ms\].
    pub dt: f64,
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
        let pairs = self.sources as f64 * self.targets as f64;
        match self.projection.connect {
            Connect::Dense => pairs,
            Connect::OneToOne => self.targets as f64,
            Connect::FixedProbability { p, .. } => p * pairs,
            Connect::FixedInDegree { k, .. } => k as f64 * self.targets as f64,
            Connect::FixedOutDegree { k, .. } => k as f64 * self.sources as f64,
            Connect::FixedTotalNumber { n, .. } => n as f64,
            Connect::Distance { .. } => {
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
            }
            Connect::List(_) => 0.0,
        }
    }

    /// Whether each synapse has its own delay.
    pub fn has_delays(&self) -> bool {
        !matches!(self.projection.delay, None | Some(Delay::Value(_)))
    }

    /// Draws the synapses.
    ///
    /// # Errors
    /// A list that cannot be read or does not fit, more synapses than can be indexed, a delay of
    /// more steps than can be counted.
    pub fn synapses(&self) -> Result<Synapses, NetworkError> {
        if matches!(self.projection.connect, Connect::Dense) && !self.has_delays() {
            let mut weights = vec![0.0; self.sources * self.targets];
            weights.par_chunks_mut(self.targets).enumerate().for_each(|(source, row)| {
                for (target, w) in row.iter_mut().enumerate() {
                    *w = self.weight(self.sources, source, target);
                }
            });
            return Ok(Synapses::Dense { weights });
        }
        let lists = self.incoming()?;
        let mut weights = vec![0.0; lists.source.len()];
        let dense = matches!(self.projection.connect, Connect::Dense);
        lists.fill(&mut weights, |target, sources, weights| {
            for (k, w) in weights.iter_mut().enumerate() {
                // Delays do not change the weights of a dense projection.
                let (entity, draw) = if dense { (k, target) } else { (target, k) };
                *w = self.weight(sources.len(), entity, draw);
            }
        });
        let delays = self.delays(&lists)?;
        let Lists { start, source } = lists;
        Ok(Synapses::Sparse { start, source, weights, delays })
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
            bytes: synapses as f64 * size_of::<u32>() as f64,
            limit: format!("{} synapses per projection", u32::MAX),
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

    /// The weight of a synapse \[pA\].
    fn weight(&self, fan_in: usize, entity: usize, draw: usize) -> f64 {
        let stream = Stream::new(self.key.0, Purpose::Weights, self.key.1);
        let (entity, draw) = (entity as u64, draw as u64);
        match self.projection.weight {
            Weight::Constant(w) => w.get(),
            Weight::Normal { mean, std, min, max } => {
                let low = min.map_or(f64::NEG_INFINITY, Quantity::get);
                let high = max.map_or(f64::INFINITY, Quantity::get);
                normal_within(&stream, (entity, draw), (mean.get(), std.get()), (low, high))
            }
            Weight::Uniform { low, high } => {
                low.get() + (high.get() - low.get()) * stream.uniform(entity, draw)
            }
            Weight::Kaiming { gain } => {
                gain * self.unit / (fan_in.max(1) as f64).sqrt() * stream.normal(entity, draw)
            }
            // Filled in by the builder.
            Weight::File(_) => 0.0,
        }
    }

    /// Delays of all synapses \[steps\], if each has its own.
    fn delays(&self, lists: &Lists) -> Result<Vec<u16>, NetworkError> {
        if !self.has_delays() {
            return Ok(Vec::new());
        }
        let steps = |target: usize, k: usize, source: u32| {
            (self.delay(target, k, source as usize) / self.dt).round().max(1.0)
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
            delay: self.delay(target, k, source as usize),
            steps: steps(target, k, source),
        })
    }

    /// The delay of one synapse \[ms\], before it is rounded.
    fn delay(&self, target: usize, k: usize, source: usize) -> f64 {
        let stream = Stream::new(self.key.0, Purpose::Delays, self.key.1);
        let at = (target as u64, k as u64);
        match self.projection.delay {
            None => self.dt,
            Some(Delay::Value(delay)) => delay.get(),
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
        // Draws are counted in 32 bits; the attempt is above them.
        value = mean + std * stream.normal(entity, draw | attempt << 32);
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
mod tests {
    use super::*;
    use crate::scene::Quantity;

    fn draw(connect: Connect, sources: usize, targets: usize) -> (Vec<u32>, Vec<u32>) {
        let weight = Weight::Constant(Quantity::new(1.0));
        match synapses(&connect, &weight, (sources, targets, sources == targets), 1.0, (3, 0)) {
            Synapses::Sparse { start, source, .. } => (start, source),
            Synapses::Dense { .. } => panic!("not sparse"),
        }
    }

    #[test]
    fn probability_has_its_mean_and_spread() {
        let (n, p) = (1000, 0.01);
        let (start, source) = draw(Connect::FixedProbability { p, autapses: true }, n, n);
        let (mean, sd) = (1e6 * p, (1e6 * p * (1.0 - p)).sqrt());
        assert!((source.len() as f64 - mean).abs() < 5.0 * sd, "{}", source.len());
        // No source and no target is favoured: the counts by source are binomial too.
        let mut by_source = vec![0f64; n];
        source.iter().for_each(|&i| by_source[i as usize] += 1.0);
        let chi2: f64 = by_source.iter().map(|c| (c - 10.0).powi(2) / 9.9).sum();
        assert!((chi2 - 1000.0).abs() < 5.0 * 2000f64.sqrt(), "{chi2}");
        assert!(start.windows(2).all(|w| source[w[0] as usize..w[1] as usize].is_sorted()));
    }

    #[test]
    fn extreme_probabilities() {
        let all = draw(Connect::FixedProbability { p: 1.0, autapses: false }, 5, 5).1;
        assert_eq!(all.len(), 20);
        assert!(draw(Connect::FixedProbability { p: 0.0, autapses: true }, 5, 5).1.is_empty());
        assert!(draw(Connect::FixedProbability { p: 1e-300, autapses: true }, 5, 5).1.is_empty());
    }

    #[test]
    fn in_degree_is_exact() {
        for multapses in [true, false] {
            let rule = Connect::FixedInDegree { k: 9, autapses: false, multapses };
            let (start, source) = draw(rule, 10, 10);
            for j in 0..10 {
                let list = &source[start[j] as usize..start[j + 1] as usize];
                assert_eq!(list.len(), 9);
                assert!(!list.contains(&(j as u32)));
                if !multapses {
                    assert!(list.windows(2).all(|w| w[0] < w[1]));
                }
            }
        }
    }
}
