//! Numbers for neurons and synapses: parameters, which pairs are connected, initial weights.
//!
//! Each draw is keyed by what it is for (see [`crate::rng`]), so targets are drawn in parallel and
//! the result does not depend on their order.

use super::{NetworkError, Synapses};
use crate::files;
use crate::rng::{Purpose, Stream};
use crate::scene::{Connect, Dimension, Param, Weight};
use rayon::prelude::*;

/// Values of a parameter: one for all neurons, or one for each; `shared` are the streams that several
/// parameters draw from.
pub fn parameter<D: Dimension>(
    param: &Param<D>,
    size: usize,
    stream: &Stream,
    shared: impl Fn(u32) -> Stream,
    path: &str,
) -> Result<Vec<f64>, NetworkError> {
    let each = |draw: &dyn Fn(u64) -> f64| (0..size as u64).map(draw).collect();
    Ok(match param {
        Param::Value(value) => vec![value.get()],
        Param::Normal { mean, std } => each(&|k| mean.get() + std.get() * stream.normal(k, 0)),
        Param::Uniform { low, high } => {
            each(&|k| low.get() + (high.get() - low.get()) * stream.uniform(k, 0))
        }
        Param::Power { base, scale, exponent, draw } => {
            let r = shared(*draw);
            each(&|k| base.get() + scale.get() * r.uniform(k, 0).powf(*exponent))
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

/// How many synapses a rule makes, exactly or on average.
pub fn expected_synapses(connect: &Connect, sources: usize, targets: usize) -> f64 {
    let pairs = sources as f64 * targets as f64;
    match connect {
        Connect::Dense => pairs,
        Connect::FixedProbability { p, .. } => p * pairs,
        Connect::FixedInDegree { k, .. } => *k as f64 * targets as f64,
    }
}

/// Draws the synapses of a projection. `own` says that a population projects to itself.
pub fn synapses(
    connect: &Connect,
    weight: &Weight,
    (sources, targets, own): (usize, usize, bool),
    unit: f64,
    (seed, index): (u64, u32),
) -> Synapses {
    let pairs = Stream::new(seed, Purpose::Connectivity, index);
    let values = Stream::new(seed, Purpose::Weights, index);
    let incoming = |target: usize| -> Vec<u32> {
        let skip = |autapses: &bool| (own && !autapses).then_some(target as u64);
        match connect {
            Connect::Dense => unreachable!("dense projections have no lists"),
            Connect::FixedProbability { p, autapses } => {
                bernoulli(&pairs, target as u64, sources as u64, *p, skip(autapses))
            }
            Connect::FixedInDegree { k, autapses, multapses } => {
                in_degree(&pairs, target as u64, sources as u64, *k, *multapses, skip(autapses))
            }
        }
    };
    let draw = |fan_in: usize, entity: usize, draw: usize| {
        let (entity, draw) = (entity as u64, draw as u64);
        match weight {
            Weight::Constant(w) => w.get(),
            Weight::Normal { mean, std } => mean.get() + std.get() * values.normal(entity, draw),
            Weight::Uniform { low, high } => {
                low.get() + (high.get() - low.get()) * values.uniform(entity, draw)
            }
            Weight::Kaiming { gain } => {
                gain * unit / (fan_in.max(1) as f64).sqrt() * values.normal(entity, draw)
            }
            // Filled in by the builder, which reads the file once for all projections.
            Weight::File(_) => 0.0,
        }
    };
    if matches!(connect, Connect::Dense) {
        let mut weights = vec![0.0; sources * targets];
        weights.par_chunks_mut(targets).enumerate().for_each(|(source, row)| {
            for (target, w) in row.iter_mut().enumerate() {
                *w = draw(sources, source, target);
            }
        });
        return Synapses::Dense { weights };
    }
    let lists: Vec<Vec<u32>> = (0..targets).into_par_iter().map(incoming).collect();
    let weights = lists
        .par_iter()
        .enumerate()
        .flat_map_iter(|(target, list)| {
            let fan_in = list.len();
            (0..fan_in).map(move |k| draw(fan_in, target, k))
        })
        .collect();
    let mut start = Vec::with_capacity(targets + 1);
    start.push(0);
    for list in &lists {
        start.push(start[start.len() - 1] + list.len() as u32);
    }
    Synapses::Sparse { start, source: lists.concat(), weights }
}

/// Sources of one target, each with probability `p`: the gaps between them are geometric.
fn bernoulli(pairs: &Stream, target: u64, sources: u64, p: f64, skip: Option<u64>) -> Vec<u32> {
    let mut list = Vec::new();
    if p <= 0.0 {
        return list;
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
    list
}

/// `k` sources of one target; without multapses by Floyd's method of sampling.
fn in_degree(
    pairs: &Stream,
    target: u64,
    sources: u64,
    k: u64,
    multapses: bool,
    skip: Option<u64>,
) -> Vec<u32> {
    let choices = sources - u64::from(skip.is_some());
    let beyond = |source: u64| match skip {
        Some(own) if source >= own => source + 1,
        _ => source,
    };
    let mut list: Vec<u32> = if multapses {
        (0..k).map(|d| beyond(pairs.below(choices, target, d)) as u32).collect()
    } else {
        let mut chosen = std::collections::BTreeSet::new();
        for last in choices - k..choices {
            let source = pairs.below(last + 1, target, last);
            if !chosen.insert(source) {
                chosen.insert(last);
            }
        }
        chosen.into_iter().map(|source| beyond(source) as u32).collect()
    };
    list.sort_unstable();
    list
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
