//! Tests of the file above.

use super::super::bounded::normal_within;
use super::super::connect::dense::Dense;
use super::super::connect::distance::Distance;
use super::super::connect::fixed_in_degree::FixedInDegree;
use super::super::connect::fixed_out_degree::FixedOutDegree;
use super::super::connect::fixed_probability::FixedProbability;
use super::super::connect::fixed_total_number::FixedTotalNumber;
use super::super::connect::list::List;
use super::super::connect::one_to_one::OneToOne;
use super::super::space::positions;
use super::*;
use crate::grammar::Quantity;
use crate::scene::{Delay, DistanceKernel, Positions};
use crate::synapse::convolution::Pooling;
use std::io::Write;

/// A projection of a population to itself if both have the same size.
struct Case {
    projection: scene::Projection,
    sources: usize,
    targets: usize,
    places: Option<[Vec<Point>; 2]>,
    seed: u64,
}

impl Case {
    fn new(connect: Connect, sources: usize, targets: usize) -> Self {
        let to = if sources == targets { "a" } else { "b" };
        let projection = scene::Projection {
            receptor: None,
            name: None,
            from: "a".to_owned(),
            to: to.to_owned(),
            pool: None,
            connect,
            weight: Weight::Constant(Quantity::new(1.0)),
            delay: None,
            shuffled: false,
            learn: None,
            lr: 1.0,
            dropout: 0.0,
            short_term: None,
            attention: None,
            normalize: None,
            scaling: None,
            rewire: None,
        };
        Self { projection, sources, targets, places: None, seed: 3 }
    }

    fn weight(mut self, weight: Weight) -> Self {
        self.projection.weight = weight;
        self
    }

    fn delay(mut self, delay: Delay) -> Self {
        self.projection.delay = Some(delay);
        self
    }

    /// Neurons at random in a box with these edges.
    fn within(mut self, extent: &[f64]) -> Self {
        let rule = Positions::Uniform { extent: lengths(extent), origin: None };
        let place =
            |size, index| positions(&rule, size, &Stream::new(1, Purpose::Positions, index));
        let own = self.projection.from == self.projection.to;
        self.places = Some([place(self.sources, 0), place(self.targets, if own { 0 } else { 1 })]);
        self
    }

    fn wiring(&self) -> Wiring<'_> {
        Wiring {
            path: "projections.0".to_owned(),
            name: "a->b",
            projection: &self.projection,
            sources: self.sources,
            targets: self.targets,
            places: self.places.as_ref().map(|[a, b]| [&a[..], &b[..]]),
            convolution: None,
            layers: None,
            unit: 1.0,
            dt: 0.1,
            least: f64::NEG_INFINITY,
            key: (self.seed, 0),
        }
    }

    /// Starts, sources, weights and delays.
    fn draw(&self) -> (Vec<u32>, Vec<u32>, Vec<f64>, Vec<u16>) {
        match self.wiring().synapses().unwrap() {
            Synapses::Sparse { start, source, weights, delays } => {
                assert_eq!(start.len(), self.targets + 1);
                assert_eq!(start[self.targets] as usize, source.len());
                assert_eq!(weights.len(), source.len());
                assert!(source.iter().all(|&i| (i as usize) < self.sources));
                let mut lists = start.windows(2).map(|w| &source[w[0] as usize..w[1] as usize]);
                assert!(lists.all(|list| list.is_sorted()));
                (start, source, weights, delays)
            }
            other => panic!("not sparse: {other:?}"),
        }
    }

    /// Source and target of each synapse.
    fn pairs(&self) -> Vec<(usize, usize)> {
        let (start, source, ..) = self.draw();
        let of = |j: usize| source[start[j] as usize..start[j + 1] as usize].iter();
        (0..self.targets).flat_map(|j| of(j).map(move |&i| (i as usize, j))).collect()
    }
}

fn lengths(values: &[f64]) -> Vec<Quantity<scene::Um>> {
    values.iter().map(|&x| Quantity::new(x)).collect()
}

fn counts(ids: impl Iterator<Item = usize>, size: usize) -> Vec<f64> {
    let mut counts = vec![0.0; size];
    ids.for_each(|id| counts[id] += 1.0);
    counts
}

/// Whether counts of equal expectation and variance differ by chance only, at 5 deviations.
fn assert_even(counts: &[f64], mean: f64, variance: f64) {
    let chi2: f64 = counts.iter().map(|c| (c - mean).powi(2) / variance).sum();
    let n = counts.len() as f64;
    assert!((chi2 - n).abs() < 5.0 * (2.0 * n).sqrt(), "{chi2} for {n}");
}

fn has_multapses(pairs: &[(usize, usize)]) -> bool {
    // Sorted by target, then source.
    pairs.windows(2).any(|w| w[0] == w[1])
}

fn has_autapses(pairs: &[(usize, usize)]) -> bool {
    pairs.iter().any(|(i, j)| i == j)
}

#[test]
fn probability_has_its_mean_and_spread() {
    let (n, p) = (1000, 0.01);
    let pairs =
        Case::new(Connect::FixedProbability(FixedProbability { p, autapses: true }), n, n).pairs();
    let (mean, sd) = (1e6 * p, (1e6 * p * (1.0 - p)).sqrt());
    assert!((pairs.len() as f64 - mean).abs() < 5.0 * sd, "{}", pairs.len());
    // No source and no target is favoured: the counts of both are binomial too.
    assert_even(&counts(pairs.iter().map(|p| p.0), n), 10.0, 9.9);
    assert_even(&counts(pairs.iter().map(|p| p.1), n), 10.0, 9.9);
}

#[test]
fn extreme_probabilities() {
    let count = |p: f64, autapses: bool| {
        Case::new(Connect::FixedProbability(FixedProbability { p, autapses }), 5, 5).pairs().len()
    };
    assert_eq!(count(1.0, false), 20);
    assert_eq!(count(0.0, true), 0);
    assert_eq!(count(1e-300, true), 0);
}

#[test]
fn degrees_are_exact() {
    for (autapses, multapses) in [(false, true), (false, false), (true, true), (true, false)] {
        let k = 9;
        let rule = Connect::FixedInDegree(FixedInDegree { k, autapses, multapses });
        let incoming = Case::new(rule, 10, 10).pairs();
        assert_eq!(counts(incoming.iter().map(|p| p.1), 10), [9.0; 10]);
        let rule = Connect::FixedOutDegree(FixedOutDegree { k, autapses, multapses });
        let outgoing = Case::new(rule, 10, 10).pairs();
        assert_eq!(counts(outgoing.iter().map(|p| p.0), 10), [9.0; 10]);
        for pairs in [incoming, outgoing] {
            assert_eq!(has_autapses(&pairs), autapses);
            assert_eq!(has_multapses(&pairs), multapses);
        }
    }
}

#[test]
fn the_other_side_of_a_degree_is_binomial() {
    for multapses in [true, false] {
        let rule = Connect::FixedOutDegree(FixedOutDegree { k: 40, autapses: true, multapses });
        let pairs = Case::new(rule, 500, 1000).pairs();
        assert_eq!(pairs.len(), 500 * 40);
        let p = 40.0 / 1000.0;
        let spread =
            if multapses { 40.0 * (1.0 / 1000.0) * 0.999 * 500.0 } else { 500.0 * p * (1.0 - p) };
        assert_even(&counts(pairs.iter().map(|p| p.1), 1000), 20.0, spread);
    }
}

#[test]
fn degrees_are_drawn_as_they_always_were() {
    // The draws of a rule are fixed by their keys: results of earlier versions rely on them.
    let stream = Stream::new(3, Purpose::Connectivity, 0);
    let rule = Connect::FixedInDegree(FixedInDegree { k: 30, autapses: false, multapses: true });
    let (start, source, weights, delays) = Case::new(rule, 50, 50)
        .weight(Weight::Normal(weight::normal::Normal {
            mean: Quantity::new(2.0),
            std: Quantity::new(0.5),
            min: None,
            max: None,
        }))
        .draw();
    assert!(delays.is_empty());
    let values = Stream::new(3, Purpose::Weights, 0);
    for j in 0..50 {
        let mut list: Vec<u32> = (0..30)
            .map(|d| stream.below(49, j, d) as u32)
            .map(|i| i + u32::from(i >= j as u32))
            .collect();
        list.sort_unstable();
        let own = start[j as usize] as usize..start[j as usize + 1] as usize;
        assert_eq!(source[own.clone()], list);
        let drawn: Vec<f64> = (0..30).map(|d| 2.0 + 0.5 * values.normal(j, d)).collect();
        assert_eq!(weights[own], drawn);
    }
    let rule = Connect::FixedInDegree(FixedInDegree { k: 30, autapses: true, multapses: false });
    let (start, source, ..) = Case::new(rule, 50, 40).draw();
    for j in 0..40 {
        let mut chosen = std::collections::BTreeSet::new();
        for last in 20..50 {
            let drawn = stream.below(last + 1, j, last);
            if !chosen.insert(drawn) {
                chosen.insert(last);
            }
        }
        let list: Vec<u32> = chosen.into_iter().map(|i| i as u32).collect();
        assert_eq!(source[start[j as usize] as usize..start[j as usize + 1] as usize], list);
    }
}

#[test]
fn a_total_number_is_exact() {
    for (autapses, multapses) in [(false, true), (false, false), (true, true), (true, false)] {
        // 380 pairs without autapses: few, more than half, nearly all, all.
        for n in [1, 7, 190, 200, 379, 380] {
            let rule = Connect::FixedTotalNumber(FixedTotalNumber { n, autapses, multapses });
            let pairs = Case::new(rule, 20, 20).pairs();
            assert_eq!(pairs.len() as u64, n);
            assert!(autapses || !has_autapses(&pairs), "{n}");
            assert!(multapses || !has_multapses(&pairs), "{n}");
        }
    }
    let rule =
        Connect::FixedTotalNumber(FixedTotalNumber { n: 400, autapses: true, multapses: false });
    assert_eq!(Case::new(rule, 20, 20).pairs().len(), 400);
    let rule =
        Connect::FixedTotalNumber(FixedTotalNumber { n: 4000, autapses: true, multapses: true });
    let pairs = Case::new(rule, 20, 20).pairs();
    assert!(has_autapses(&pairs) && has_multapses(&pairs));
}

#[test]
fn a_total_number_favours_no_pair() {
    for (n, multapses) in [(100, true), (100, false), (300, false)] {
        let rule = Connect::FixedTotalNumber(FixedTotalNumber { n, autapses: true, multapses });
        let mut count = vec![0.0; 400];
        for seed in 0..500 {
            let case = Case { seed, ..Case::new(rule.clone(), 16, 25) };
            case.pairs().iter().for_each(|(i, j)| count[i * 25 + j] += 1.0);
        }
        let p = n as f64 / 400.0;
        let variance =
            if multapses { n as f64 / 400.0 * (1.0 - 1.0 / 400.0) } else { p * (1.0 - p) };
        assert_even(&count, 500.0 * p, 500.0 * variance);
    }
}

#[test]
fn one_to_one_is_the_identity() {
    let pairs = Case::new(Connect::OneToOne(OneToOne), 7, 7).pairs();
    assert_eq!(pairs, (0..7).map(|k| (k, k)).collect::<Vec<_>>());
}

fn by_distance(kernel: DistanceKernel, period: Option<&[f64]>, max: Option<f64>) -> Connect {
    Connect::Distance(Distance {
        kernel,
        autapses: true,
        max_distance: max.map(Quantity::new),
        periodic: period.is_some(),
        extent: period.map(lengths),
    })
}

/// Distance from the definition, over all images of a neuron next to each other.
fn distance(a: &Point, b: &Point, period: Option<&[f64]>) -> f64 {
    let squares = (0..3).map(|axis| {
        let along = (a[axis] - b[axis]).abs();
        let period = period.and_then(|period| period.get(axis));
        let along = period.map_or(along, |p| along.min((along - p).abs()));
        along * along
    });
    squares.sum::<f64>().sqrt()
}

#[test]
fn frequencies_by_distance_follow_the_kernel() {
    let um = Quantity::new;
    let gaussian = DistanceKernel::Gaussian { p: 0.6, sigma: um(120.0) };
    let exponential = DistanceKernel::Exponential { p: 0.9, length: um(90.0) };
    let step = DistanceKernel::Step { p: 0.3, radius: um(250.0) };
    for kernel in [gaussian, exponential, step] {
        for (extent, period, max) in [
            (&[1000.0, 600.0][..], None, None),
            (&[1000.0, 600.0], Some(&[1000.0, 600.0][..]), Some(310.0)),
            (&[500.0, 400.0, 300.0], Some(&[500.0, 400.0, 300.0]), None),
        ] {
            let case = Case::new(by_distance(kernel, period, max), 1500, 700).within(extent);
            let [from, to] = case.places.clone().unwrap();
            let formula = |d: f64| match kernel {
                _ if max.is_some_and(|max| d > max) => 0.0,
                DistanceKernel::Gaussian { .. } => 0.6 * (-d * d / 28_800.0).exp(),
                DistanceKernel::Exponential { .. } => 0.9 * (-d / 90.0).exp(),
                DistanceKernel::Step { .. } => {
                    if d <= 250.0 {
                        0.3
                    } else {
                        0.0
                    }
                }
            };
            // By distance, in bins of 25 µm: observed, expected, variance.
            let mut bins = vec![[0.0; 3]; 60];
            let bin = |d: f64| (d / 25.0) as usize;
            for a in &from {
                for b in &to {
                    let d = distance(a, b, period);
                    let p = formula(d);
                    bins[bin(d)][1] += p;
                    bins[bin(d)][2] += p * (1.0 - p);
                }
            }
            let pairs = case.pairs();
            assert!(!has_multapses(&pairs));
            for (i, j) in &pairs {
                bins[bin(distance(&from[*i], &to[*j], period))][0] += 1.0;
            }
            for (k, [observed, expected, variance]) in bins.iter().enumerate() {
                let off = (observed - expected).abs();
                assert!(off <= 5.0 * variance.sqrt().max(1.0), "{kernel:?} bin {k}: {bins:?}");
            }
            let total: f64 = bins.iter().map(|bin| bin[1]).sum();
            let estimate = case.wiring().expected();
            assert!((estimate / total - 1.0).abs() < 0.1, "{estimate} for {total}");
        }
    }
}

#[test]
fn a_certain_kernel_connects_exactly_those_in_reach() {
    let kernel = DistanceKernel::Step { p: 1.0, radius: Quantity::new(210.0) };
    for period in [None, Some(&[1000.0, 700.0][..])] {
        let case = Case::new(by_distance(kernel, period, None), 900, 300).within(&[1000.0, 700.0]);
        let [from, to] = case.places.clone().unwrap();
        let all = (0..300).flat_map(|j| (0..900).map(move |i| (i, j)));
        let near: Vec<_> =
            all.filter(|&(i, j)| distance(&from[i], &to[j], period) <= 210.0).collect();
        assert_eq!(case.pairs(), near, "{period:?}");
    }
    // Nobody but the neuron itself is as near as this.
    let mut alone = by_distance(kernel, None, Some(1e-3));
    assert_eq!(Case::new(alone.clone(), 50, 50).within(&[1e3, 1e3]).pairs().len(), 50);
    if let Connect::Distance(rule) = &mut alone {
        rule.autapses = false;
    }
    assert!(Case::new(alone, 50, 50).within(&[1e3, 1e3]).pairs().is_empty());
}

#[test]
fn the_edges_of_a_periodic_space_are_not_poorer() {
    let kernel = DistanceKernel::Gaussian { p: 0.5, sigma: Quantity::new(100.0) };
    let count = |period: Option<&[f64]>| {
        let case = Case::new(by_distance(kernel, period, None), 3000, 2000).within(&[800.0, 800.0]);
        let to = &case.places.as_ref().unwrap()[1];
        let edge = |&(_, j): &(usize, usize)| to[j][0].abs() > 350.0;
        let edges = to.iter().filter(|place| place[0].abs() > 350.0).count() as f64;
        let pairs = case.pairs();
        let at_edges = pairs.iter().filter(|pair| edge(pair)).count() as f64;
        at_edges / edges / (pairs.len() as f64 / 2000.0)
    };
    assert!((count(Some(&[800.0, 800.0])) - 1.0).abs() < 0.05);
    assert!(count(None) < 0.8);
}

/// Mean of a standard normal number between two bounds: the ratio of the difference of densities
/// to the mass, here by the trapezoidal rule.
fn truncated_mean(low: f64, high: f64) -> f64 {
    let density = |x: f64| (-0.5 * x * x).exp();
    let n = 100_000;
    let h = (high - low) / f64::from(n);
    let inside: f64 = (1..n).map(|k| density(low + f64::from(k) * h)).sum();
    (density(low) - density(high)) / (h * (inside + 0.5 * (density(low) + density(high))))
}

#[test]
fn bounded_normal_weights_stay_inside_and_keep_their_mean() {
    let pa = Quantity::new;
    for (low, high) in [(0.0, 6.0), (4.5, 30.0), (-30.0, 1.0)] {
        let rule =
            Connect::FixedInDegree(FixedInDegree { k: 500, autapses: true, multapses: true });
        let (mean, std) = (3.0, 2.0);
        let weight = Weight::Normal(weight::normal::Normal {
            mean: pa(mean),
            std: pa(std),
            min: (low > -30.0).then_some(pa(low)),
            max: (high < 30.0).then_some(pa(high)),
        });
        let (_, _, weights, _) = Case::new(rule, 100, 200).weight(weight).draw();
        assert!(weights.iter().all(|w| (low..=high).contains(w)));
        let found = weights.iter().sum::<f64>() / 1e5;
        let wanted = mean + std * truncated_mean((low - mean) / std, (high - mean) / std);
        // A bounded normal number varies less than a free one.
        assert!((found - wanted).abs() < 5.0 * std / 1e5f64.sqrt(), "{found} {wanted}");
    }
}

#[test]
fn a_hopeless_bound_is_taken_itself() {
    let stream = Stream::new(1, Purpose::Weights, 0);
    assert_eq!(normal_within(&stream, (0, 0), (0.0, 1.0), (50.0, 60.0)), 50.0);
}

#[test]
fn uniform_delays_cover_all_steps() {
    let rule = Connect::FixedProbability(FixedProbability { p: 0.5, autapses: true });
    let ms = Quantity::new;
    let case = Case::new(rule, 300, 400)
        .delay(Delay::Uniform(delay::uniform::Uniform { low: ms(1.0), high: ms(2.0) }));
    let (_, source, _, delays) = case.draw();
    assert_eq!(delays.len(), source.len());
    let count = counts(delays.iter().map(|&d| usize::from(d) - 10), 11);
    let n = delays.len() as f64;
    let within = |count: f64, p: f64| {
        assert!((count - n * p).abs() < 5.0 * (n * p * (1.0 - p)).sqrt(), "{count} of {n}");
    };
    // Half of what is rounded to the first and last step lies outside.
    within(count[0], 0.05);
    within(count[10], 0.05);
    count[1..10].iter().for_each(|&count| within(count, 0.1));
}

#[test]
fn normal_delays_are_whole_steps_within_bounds() {
    let rule = Connect::FixedInDegree(FixedInDegree { k: 200, autapses: true, multapses: true });
    let ms = Quantity::new;
    let normal =
        |min, max| Delay::Normal(delay::normal::Normal { mean: ms(0.5), std: ms(0.4), min, max });
    let (.., free) = Case::new(rule.clone(), 50, 100).delay(normal(None, None)).draw();
    assert_eq!(free.iter().min(), Some(&1));
    let found = free.iter().map(|&d| f64::from(d)).sum::<f64>() / free.len() as f64;
    let wanted = 5.0 + 4.0 * truncated_mean(-1.0, 20.0);
    assert!((found - wanted).abs() < 5.0 * 4.0 / (free.len() as f64).sqrt(), "{found} {wanted}");
    let bounded = normal(Some(ms(0.3)), Some(ms(0.7)));
    let (.., bounded) = Case::new(rule, 50, 100).delay(bounded).draw();
    assert_eq!(bounded.iter().min().zip(bounded.iter().max()), Some((&3, &7)));
}

#[test]
fn delays_by_distance_are_exact() {
    for period in [None, Some(&[900.0, 900.0][..])] {
        let kernel = DistanceKernel::Step { p: 0.5, radius: Quantity::new(1e4) };
        let delay = Delay::Distance(delay::distance::Distance {
            offset: Quantity::new(0.4),
            velocity: Quantity::new(0.3),
        });
        let case = Case::new(by_distance(kernel, period, None), 80, 60)
            .within(&[900.0, 900.0])
            .delay(delay);
        let (.., delays) = case.draw();
        let [from, to] = case.places.clone().unwrap();
        let steps = |(i, j): (usize, usize)| {
            let ms = 0.4 + distance(&from[i], &to[j], period) / 300.0;
            (ms / 0.1).round() as u16
        };
        let wanted: Vec<u16> = case.pairs().into_iter().map(steps).collect();
        assert_eq!(delays, wanted);
        assert!(delays.iter().any(|d| *d > 10));
    }
    // On the spot, without an offset, a delay is still one step.
    let delay = Delay::Distance(delay::distance::Distance {
        offset: Quantity::new(0.0),
        velocity: Quantity::new(1.0),
    });
    let case = Case::new(Connect::OneToOne(OneToOne), 5, 5).within(&[1.0, 1.0]).delay(delay);
    assert_eq!(case.draw().3, [1; 5]);
}

#[test]
fn a_delay_that_does_not_fit_is_named() {
    let ms = Quantity::new;
    let rule = Connect::FixedInDegree(FixedInDegree { k: 4, autapses: true, multapses: true });
    let longest = Delay::Uniform(delay::uniform::Uniform { low: ms(6553.5), high: ms(6553.5) });
    assert_eq!(Case::new(rule.clone(), 3, 2).delay(longest).draw().3, [u16::MAX; 8]);
    let longer = Delay::Uniform(delay::uniform::Uniform { low: ms(6553.6), high: ms(6553.6) });
    let error = Case::new(rule, 3, 2).delay(longer).wiring().synapses().unwrap_err();
    let text = error.to_string();
    assert!(text.contains("6553.6 ms, 65536 steps; the limit is 65535"), "{text}");
}

#[test]
fn a_dense_projection_keeps_its_weights_with_delays() {
    let weight = Weight::Uniform(weight::uniform::Uniform {
        low: Quantity::new(1.0),
        high: Quantity::new(2.0),
    });
    let case = Case::new(Connect::Dense(Dense), 6, 4).weight(weight);
    let Synapses::Dense { weights: dense } = case.wiring().synapses().unwrap() else { panic!() };
    let delay = Delay::Uniform(delay::uniform::Uniform {
        low: Quantity::new(1.0),
        high: Quantity::new(3.0),
    });
    let case = case.delay(delay);
    let (_, _, weights, delays) = case.draw();
    assert_eq!(delays.len(), 24);
    let all: Vec<_> = (0..4).flat_map(|j| (0..6).map(move |i| (i, j))).collect();
    assert_eq!(case.pairs(), all);
    let same: Vec<f64> = all.iter().map(|(i, j)| dense[i * 4 + j]).collect();
    assert_eq!(weights, same);
}

/// Vectors of the shorter side of a matrix by rows: products of all pairs.
fn products(matrix: &[f64], [rows, columns]: [usize; 2]) -> Vec<(usize, usize, f64)> {
    let at = |k: usize, i: usize| match rows <= columns {
        true => matrix[k * columns + i],
        false => matrix[i * columns + k],
    };
    let (count, len) = (rows.min(columns), rows.max(columns));
    let product = |a: usize, b: usize| (0..len).map(|i| at(a, i) * at(b, i)).sum();
    (0..count)
        .flat_map(|a| (0..=a).map(move |b| (a, b)))
        .map(|(a, b)| (a, b, product(a, b)))
        .collect()
}

#[test]
fn an_orthogonal_matrix_is_one() {
    let weight = || Weight::Orthogonal(weight::orthogonal::Orthogonal { gain: 1.5 });
    for shape in [[1, 1], [7, 3], [3, 7], [40, 40], [130, 90]] {
        let case = Case::new(Connect::Dense(Dense), shape[0], shape[1]).weight(weight());
        let drawn = |case: &Case| match case.wiring().synapses().unwrap() {
            Synapses::Dense { weights } => weights,
            other => panic!("not dense: {other:?}"),
        };
        let weights = drawn(&case);
        for (a, b, product) in products(&weights, shape) {
            let wanted = if a == b { 1.5 * 1.5 } else { 0.0 };
            assert!((product - wanted).abs() <= 1e-12, "{shape:?}: {a} {b} {product}");
        }
        // Of a single weight only the sign is drawn.
        let other = drawn(&Case { seed: 4, ..case });
        assert!(shape == [1, 1] || weights != other, "{shape:?}: whatever the seed");
    }
    // With delays of its own the same matrix, by target.
    let plain = Case::new(Connect::Dense(Dense), 6, 4).weight(weight());
    let Synapses::Dense { weights: dense } = plain.wiring().synapses().unwrap() else { panic!() };
    let delay = Delay::Uniform(delay::uniform::Uniform {
        low: Quantity::new(1.0),
        high: Quantity::new(3.0),
    });
    let (_, _, weights, _) = plain.delay(delay).draw();
    assert!((0..24).all(|k| weights[k] == dense[k % 6 * 4 + k / 6]));
    // Of a convolution, channels by the weights of each.
    let convolution = Convolution {
        source: [6, 6, 4],
        pool: [1, 1],
        pooling: Pooling::Sum,
        kernel: [3, 2],
        stride: [1, 1],
        padding: [0, 0],
        dilation: [1, 1],
        groups: 2,
        target: [4, 5, 8],
    };
    assert_eq!(convolution.fans(), [2 * 6, 4 * 6]);
    let case = Case::new(Connect::Dense(Dense), 144, 160).weight(weight());
    let wiring = Wiring { convolution: Some(convolution), ..case.wiring() };
    let Synapses::Convolution { weights, .. } = wiring.synapses().unwrap() else { panic!() };
    for (a, b, product) in products(&weights, [8, 12]) {
        let wanted = if a == b { 1.5 * 1.5 } else { 0.0 };
        assert!((product - wanted).abs() <= 1e-12, "{a} {b} {product}");
    }
}

#[test]
fn glorot_weights_fill_their_range() {
    for (connect, fans) in [
        (Connect::Dense(Dense), 300.0),
        (Connect::FixedInDegree(FixedInDegree { k: 100, autapses: true, multapses: false }), 300.0),
    ] {
        let case = Case::new(connect, 100, 200)
            .weight(Weight::Xavier(weight::xavier::Xavier { gain: 2.0 }));
        let synapses = case.wiring().synapses().unwrap();
        let weights = synapses.weights();
        assert_eq!(weights.len(), 20_000);
        let bound = 2.0 * (6.0f64 / fans).sqrt();
        assert!(weights.iter().all(|w| w.abs() <= bound));
        // Of a uniform number the square has the mean 1 / 3 and the variance 4 / 45 of the bound's.
        let mean = weights.iter().sum::<f64>() / 2e4 / bound;
        let square = weights.iter().map(|w| w * w).sum::<f64>() / 2e4 / (bound * bound);
        assert!(mean.abs() <= 5.0 * (1.0f64 / 3.0 / 2e4).sqrt(), "{mean}");
        assert!((square - 1.0 / 3.0).abs() <= 5.0 * (4.0f64 / 45.0 / 2e4).sqrt(), "{square}");
    }
}

/// A file as numpy writes it.
fn npy(kind: &str, shape: &str, data: &[u8]) -> tempfile::NamedTempFile {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"\x93NUMPY\x01\x00").unwrap();
    file.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
    file.write_all(&[header.as_bytes(), data].concat()).unwrap();
    file
}

fn list(pairs: &[[i32; 2]]) -> tempfile::NamedTempFile {
    let data: Vec<u8> = pairs.iter().flatten().flat_map(|x| x.to_le_bytes()).collect();
    npy("<i4", &format!("({}, 2)", pairs.len()), &data)
}

#[test]
fn a_list_is_taken_as_it_is() {
    let file = list(&[[4, 2], [0, 0], [3, 2], [3, 2], [4, 0]]);
    let case = Case::new(Connect::List(List(file.path().into())), 5, 3);
    assert_eq!(case.pairs(), [(0, 0), (4, 0), (3, 2), (3, 2), (4, 2)]);
    let file = list(&[]);
    assert!(Case::new(Connect::List(List(file.path().into())), 5, 3).pairs().is_empty());
}

#[test]
fn a_bad_list_is_refused() {
    for (file, words) in [
        (list(&[[4, 2], [1, 3], [9, 9]]), "row 1 has target 3, but there are 3"),
        (list(&[[4, 2], [5, 0]]), "row 1 has source 5, but there are 5"),
        (list(&[[-1, 2]]), "row 0 has source -1"),
        (npy("<i4", "(4,)", &[0; 16]), "(n, 2) is needed"),
        (npy("<i4", "(2, 3)", &[0; 24]), "(n, 2) is needed"),
        (npy("<f8", "(1, 2)", &[0; 16]), "integers"),
        (npy("<i4", "(3, 2)", &[0; 16]), "16 bytes follow"),
    ] {
        let case = Case::new(Connect::List(List(file.path().into())), 5, 3);
        let text = case.wiring().synapses().unwrap_err().to_string();
        assert!(text.contains(words), "{text}");
        assert!(text.contains(&*file.path().to_string_lossy()), "{text}");
    }
}

#[test]
fn threads_do_not_change_a_draw() {
    let um = Quantity::new;
    let kernel = DistanceKernel::Gaussian { p: 0.5, sigma: um(100.0) };
    let (autapses, multapses) = (false, true);
    let file =
        list(&(0..2000).map(|k| [k % 700, k % 701]).map(|[i, j]| [i, j % 700]).collect::<Vec<_>>());
    for rule in [
        Connect::Dense(Dense),
        Connect::OneToOne(OneToOne),
        Connect::FixedProbability(FixedProbability { p: 0.1, autapses }),
        Connect::FixedInDegree(FixedInDegree { k: 20, autapses, multapses }),
        Connect::FixedOutDegree(FixedOutDegree { k: 20, autapses, multapses: false }),
        Connect::FixedTotalNumber(FixedTotalNumber { n: 9000, autapses, multapses }),
        Connect::FixedTotalNumber(FixedTotalNumber { n: 9000, autapses, multapses: false }),
        Connect::FixedTotalNumber(FixedTotalNumber { n: 480_000, autapses, multapses: false }),
        by_distance(kernel, None, None),
        Connect::List(List(file.path().into())),
    ] {
        let weight = Weight::Normal(weight::normal::Normal {
            mean: quantity(1.0),
            std: quantity(1.0),
            min: Some(quantity(0.0)),
            max: None,
        });
        let delay = Delay::Normal(delay::normal::Normal {
            mean: quantity(1.0),
            std: quantity(1.0),
            min: None,
            max: Some(quantity(3.0)),
        });
        let case = Case::new(rule.clone(), 700, 700).within(&[800.0, 800.0]);
        let case = case.weight(weight).delay(delay);
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| case.draw())
        };
        assert!(with(1) == with(4), "{rule:?}");
    }
}

fn quantity<D: crate::grammar::Dimension>(value: f64) -> Quantity<D> {
    Quantity::new(value)
}
