//! Pairs by a probability that depends on how far apart they are: see [`crate::network::space`].

use super::{ALL, Lists, NetworkError, Pairs, Setting, Wire};
use crate::declare;
use crate::grammar::{Judge, Quantity, TOLERANCE, Um};
use crate::network::space::{Metric, Point, Reach, Tree, check_dimensions, is_dimension};
use crate::scene::{Population, Positions, Projection};

/// Pairs by which the number of synapses is estimated.
const PROBES: u64 = 1 << 17;

declare! {
    /// Every pair independently, with a probability that depends on its distance.
    pub struct Distance: Word {
        /// The probability as a function of distance.
        kernel: DistanceKernel;
        /// Whether a neuron may connect to itself.
        autapses | "allow_autapses": bool = true;
        /// Distance beyond which there are no synapses \[µm\]; none if absent.
        max_distance: Option<Quantity<Um>> [Positive];
        /// Whether space closes on itself after `extent`, so that there are no edges. Delays by
        /// distance are then measured in the same way.
        periodic: bool = false;
        /// Length of each axis after which it closes \[µm\]; goes with `periodic`.
        extent: Option<Vec<Quantity<Um>>> [Positive];
    }
}

declare! {
    /// Probability of a synapse as a function of the distance d.
    #[derive(Copy)]
    pub enum DistanceKernel {
        /// `p · exp(-d² / (2 sigma²))`.
        Gaussian {
            /// Probability at distance 0.
            p: f64 [Fraction];
            /// Standard deviation \[µm\].
            sigma: Quantity<Um> [Positive];
        };
        /// `p · exp(-d / length)`.
        Exponential {
            /// Probability at distance 0.
            p: f64 [Fraction];
            /// Length over which the probability falls by e \[µm\].
            length: Quantity<Um> [Positive];
        };
        /// `p` up to a radius, none beyond.
        Step {
            /// Probability within the radius.
            p: f64 [Fraction];
            /// The radius, itself included \[µm\].
            radius: Quantity<Um> [Positive];
        };
    }
}

impl Distance {
    fn reach(&self) -> Reach {
        let max_distance = self.max_distance.map_or(f64::INFINITY, Quantity::get);
        Reach { kernel: self.kernel, max_distance }
    }
}

impl Wire for Distance {
    fn check(&self, path: &str, setting: Setting, judge: &mut dyn Judge) {
        let Setting { projection, ends, .. } = setting;
        let dimensions = ends.and_then(|ends| in_space(path, projection, ends, judge));
        check_period(path, self.periodic, self.extent.as_deref(), dimensions, judge);
        if let (Some((from, to)), Some(extent)) = (ends, &self.extent)
            && dimensions == Some(extent.len())
        {
            check_overlap(&format!("{path}.extent"), extent, [from, to], judge);
        }
    }
    fn expected(&self, _: [f64; 2]) -> Option<f64> {
        None
    }
    fn estimated(&self, pairs: &Pairs) -> f64 {
        let all = pairs.sources as f64 * pairs.targets as f64;
        let (metric, reach) = (self.metric(), self.reach());
        let [from, to] = pairs.places.expect("the scene was checked");
        let pick = |points: &[Point], draw: u64| {
            points[pairs.stream.below(points.len() as u64, ALL, draw) as usize]
        };
        let probability = |draw: u64| {
            let (a, b) = (pick(from, 2 * draw), pick(to, 2 * draw + 1));
            reach.probability(metric.distance(&a, &b))
        };
        (0..PROBES).map(probability).sum::<f64>() / PROBES as f64 * all
    }
    fn metric(&self) -> Metric {
        Metric::new(self.extent.as_deref())
    }
    fn draw(&self, pairs: &Pairs) -> Result<Lists, NetworkError> {
        let [from, to] = pairs.places.expect("the scene was checked");
        let (tree, reach) = (Tree::new(from, self.metric()), self.reach());
        pairs.lists(pairs.targets, |target, list| {
            let place = &to[target as usize];
            let skip = pairs.skip(self.autapses, target);
            tree.draw((target, place), &reach, &pairs.stream, skip, list);
        })
    }
}

/// The dimensions of the space in which both populations lie; a fault if there is none.
pub fn in_space(
    path: &str,
    projection: &Projection,
    (from, to): (&Population, &Population),
    judge: &mut dyn Judge,
) -> Option<usize> {
    let ends = [(&projection.from, from), (&projection.to, to)];
    if let Some((name, _)) = ends.iter().find(|(_, end)| end.dimensions().is_none()) {
        let message = format!("distances need positions, and `{name}` has none");
        let help = format!(
            "add `positions: Grid(shape: [nx, ny], spacing: \"50 um\")` or \
             `positions: Uniform(extent: [x, y])` to `{name}`"
        );
        judge.fault_with_help(path, message, help);
        return None;
    }
    let [a, b] = [from, to].map(|end| end.dimensions().filter(is_dimension));
    let (a, b) = (a?, b?);
    if a != b {
        let (from, to) = (&projection.from, &projection.to);
        let message = format!("`{from}` lies in {a} dimensions, `{to}` in {b}");
        judge.fault_with_help(path, message, "give both positions as many coordinates");
        return None;
    }
    Some(a)
}

/// Judges whether and after what length space closes on itself.
fn check_period(
    path: &str,
    periodic: bool,
    extent: Option<&[Quantity<Um>]>,
    dimensions: Option<usize>,
    judge: &mut dyn Judge,
) {
    match (periodic, extent) {
        (false, None) => {}
        (true, None) => {
            let message = "space cannot close on itself without a length";
            let help = "add `extent: [x, y]`, the length of each axis";
            judge.fault_with_help(format!("{path}.periodic"), message, help);
        }
        (false, Some(_)) => {
            let message = "`extent` is where space closes on itself, which it does not";
            let help = "add `periodic: true`, or leave `extent` out";
            judge.fault_with_help(format!("{path}.extent"), message, help);
        }
        (true, Some(extent)) => {
            let path = format!("{path}.extent");
            if let Some(dimensions) = dimensions {
                check_dimensions(&path, extent, dimensions, judge);
            }
        }
    }
}

/// Warns of a population that is longer than the space in which it is to lie.
fn check_overlap(
    path: &str,
    extent: &[Quantity<Um>],
    ends: [&Population; 2],
    judge: &mut dyn Judge,
) {
    let length = |positions: &Positions, axis: usize| match positions {
        Positions::Grid { shape, spacing, .. } => {
            shape[axis].saturating_sub(1) as f64 * spacing.get()
        }
        Positions::Uniform { extent, .. } => extent[axis].get(),
    };
    for (axis, period) in extent.iter().map(|period| period.get()).enumerate() {
        let lengths = ends.iter().filter_map(|end| Some(length(end.positions.as_ref()?, axis)));
        let longest = lengths.fold(0.0, f64::max);
        if longest > period * (1.0 + TOLERANCE) {
            let message = format!(
                "a population is {longest} um long where space closes on itself after {period} \
                 um, so neurons at different positions coincide"
            );
            judge.warn(format!("{path}.{axis}"), message);
        }
    }
}
