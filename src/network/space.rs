//! Where neurons are, how far apart, and which pairs a probability that depends on distance connects.

use crate::grammar::Judge;
use crate::rng::Stream;
use crate::scene::{DistanceKernel, Positions, Quantity, Um};
use glam::DVec3;
use std::ops::Range;

/// Coordinates \[µm\]; the third is 0 in a plane.
pub type Point = DVec3;

/// Whether space may have so many dimensions.
pub fn is_dimension(count: &usize) -> bool {
    (2..=3).contains(count)
}

/// Judges whether there is a length for each dimension.
pub fn check_dimensions(
    path: &str,
    lengths: &[Quantity<Um>],
    dimensions: usize,
    judge: &mut dyn Judge,
) {
    if lengths.len() != dimensions {
        let message = format!("there are {} lengths for {dimensions} dimensions", lengths.len());
        judge.fault_with_help(path, message, "give one length for each dimension");
    }
}

/// Positions of neurons in rows, columns and channels: neighbours are 1 µm apart, channels at the same place.
pub fn in_rows([rows, columns, channels]: [usize; 3]) -> Vec<Point> {
    let place = |k: usize| {
        let k = k / channels;
        Point::new((k % columns) as f64, (k / columns) as f64, 0.0)
    };
    (0..rows * columns * channels).map(place).collect()
}

/// Positions of `size` neurons.
pub fn positions(rule: &Positions, size: usize, stream: &Stream) -> Vec<Point> {
    let corner = |origin: &Option<Vec<Quantity<Um>>>, axis: usize, length: f64| match origin {
        Some(origin) => origin[axis].get(),
        None => -0.5 * length,
    };
    match rule {
        Positions::Grid { shape, spacing, origin } => {
            let first =
                |axis: usize| corner(origin, axis, (shape[axis] - 1) as f64 * spacing.get());
            let first: Vec<f64> = (0..shape.len()).map(first).collect();
            let place = |mut k: u64| {
                let mut point = Point::ZERO;
                for (axis, count) in shape.iter().enumerate() {
                    point[axis] = first[axis] + (k % count) as f64 * spacing.get();
                    k /= count;
                }
                point
            };
            (0..size as u64).map(place).collect()
        }
        Positions::Uniform { extent, origin } => {
            let place = |k: u64| {
                let mut point = Point::ZERO;
                for (axis, length) in extent.iter().enumerate() {
                    let length = length.get();
                    let along = length * stream.uniform(k, axis as u64);
                    point[axis] = corner(origin, axis, length) + along;
                }
                point
            };
            (0..size as u64).map(place).collect()
        }
    }
}

/// How distances are measured: along straight lines, where space may close on itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Metric {
    /// Length after which an axis closes \[µm\].
    period: [Option<f64>; 3],
}

impl Metric {
    /// The metric of a space that closes after `extent`, or never.
    pub fn new(extent: Option<&[Quantity<Um>]>) -> Self {
        let extent = extent.unwrap_or_default();
        Self { period: [0, 1, 2].map(|axis| extent.get(axis).map(|length| length.get())) }
    }

    /// Distance of two points \[µm\].
    pub fn distance(&self, a: &Point, b: &Point) -> f64 {
        self.nearest(*a, *b, Point::ZERO)
    }

    /// Distance \[µm\] of a point to the nearest point of a box.
    fn nearest(&self, a: Point, middle: Point, half: Point) -> f64 {
        let mut along = a - middle;
        for (axis, period) in self.period.iter().enumerate() {
            if let Some(period) = period {
                along[axis] -= period * (along[axis] / period).round();
            }
        }
        (along.abs() - half).max(Point::ZERO).length()
    }
}

/// A probability as a function of distance.
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    /// Its form.
    pub kernel: DistanceKernel,
    /// Distance beyond which it is 0 \[µm\].
    pub max_distance: f64,
}

impl Reach {
    /// The probability at a distance \[µm\]. It never rises with the distance.
    pub fn probability(&self, distance: f64) -> f64 {
        if distance > self.max_distance {
            return 0.0;
        }
        match self.kernel {
            DistanceKernel::Gaussian { p, sigma } => {
                p * (-0.5 * (distance / sigma.get()).powi(2)).exp()
            }
            DistanceKernel::Exponential { p, length } => p * (-distance / length.get()).exp(),
            DistanceKernel::Step { p, radius } => {
                if distance <= radius.get() {
                    p
                } else {
                    0.0
                }
            }
        }
    }
}

/// Sources in a tree of boxes, so that a target need not look at each of them: a box that is far
/// away is passed in one step.
#[derive(Debug)]
pub struct Tree<'p> {
    points: &'p [Point],
    metric: Metric,
    /// Sources, so ordered that those of a box are neighbours.
    order: Vec<u32>,
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    middle: Point,
    half: Point,
    /// Its sources, by their place in the order.
    members: Range<usize>,
    /// The second half of its members; the first half is the next node. None for a leaf.
    second: Option<usize>,
}

impl<'p> Tree<'p> {
    /// Sources that a leaf may hold.
    const LEAF: usize = 64;

    /// The tree of some points.
    pub fn new(points: &'p [Point], metric: Metric) -> Self {
        let order = (0..points.len() as u32).collect();
        let mut tree = Self { points, metric, order, nodes: Vec::new() };
        tree.grow(0..points.len());
        tree
    }

    /// Makes the node of some members, and those below it. Each halves the last, so that the depth
    /// is that of a logarithm.
    fn grow(&mut self, members: Range<usize>) {
        let points = self.order[members.clone()].iter().map(|source| self.points[*source as usize]);
        let low = points.clone().fold(Point::INFINITY, Point::min);
        let high = points.fold(Point::NEG_INFINITY, Point::max);
        let (half, middle) = (0.5 * (high - low), 0.5 * (high + low));
        let node = self.nodes.len();
        self.nodes.push(Node { middle, half, members: members.clone(), second: None });
        if members.len() <= Self::LEAF {
            return;
        }
        let widest = half.max_position();
        let points = self.points;
        let place = |source: u32| points[source as usize][widest];
        let middle = members.len() / 2;
        // The number breaks ties, so that the order is a function of the points alone.
        self.order[members.clone()]
            .select_nth_unstable_by(middle, |&a, &b| place(a).total_cmp(&place(b)).then(a.cmp(&b)));
        let middle = members.start + middle;
        self.grow(members.start..middle);
        self.nodes[node].second = Some(self.nodes.len());
        self.grow(middle..members.end);
    }

    /// Adds the sources of a target at `place` to `list`, ascending; each is connected with its
    /// probability, but for `skip`.
    ///
    /// Candidates are drawn with the probability at the nearest point of a box, which is too high,
    /// and kept with the ratio of the right one to it. A clock with an exponential law runs over the
    /// sources of all boxes alike, by the rate of each, and rings at the next candidate; it has no
    /// memory, so what is left of it at the end of a box holds for the next.
    pub fn draw(
        &self,
        (target, place): (u64, &Point),
        reach: &Reach,
        pairs: &Stream,
        skip: Option<u64>,
        list: &mut Vec<u32>,
    ) {
        let first = list.len();
        let mut draws = 1;
        let mut clock = -pairs.uniform(target, 0).ln();
        let mut open = vec![0];
        while let Some(k) = open.pop() {
            let node = &self.nodes[k];
            let most = reach.probability(self.metric.nearest(*place, node.middle, node.half));
            if most <= 0.0 {
                continue;
            }
            let rate = -(-most).ln_1p();
            let members = &self.order[node.members.clone()];
            // A box with hardly a candidate is not worth to be opened.
            if let Some(second) = node.second
                && members.len() as f64 * rate > 4.0
            {
                open.extend([second, k + 1]);
                continue;
            }
            let mut next = 0;
            while next < members.len() {
                let left = (members.len() - next) as f64;
                let gap = clock / rate;
                if gap >= left {
                    clock = (clock - left * rate).max(0.0);
                    break;
                }
                next += gap as usize;
                let source = members[next];
                next += 1;
                let distance = self.metric.distance(place, &self.points[source as usize]);
                let [accept, wait] = pairs.uniforms(target, draws);
                draws += 1;
                clock = -wait.ln();
                if accept * most < reach.probability(distance) && skip != Some(source.into()) {
                    list.push(source);
                }
            }
        }
        list[first..].sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    fn lengths(values: &[f64]) -> Vec<Quantity<Um>> {
        values.iter().map(|&x| Quantity::new(x)).collect()
    }

    fn place(rule: &Positions, size: usize) -> Vec<Point> {
        positions(rule, size, &Stream::new(1, Purpose::Positions, 0))
    }

    #[test]
    fn a_grid_is_centred_or_starts_at_its_origin() {
        let spacing = Quantity::new(50.0);
        let grid = Positions::Grid { shape: vec![3, 2], spacing, origin: None };
        let row = |y: f64| [-50.0, 0.0, 50.0].map(|x| Point::new(x, y, 0.0));
        assert_eq!(place(&grid, 6), [row(-25.0), row(25.0)].concat());
        let origin = Some(lengths(&[1.0, 2.0, 3.0]));
        let grid = Positions::Grid { shape: vec![2, 1, 2], spacing, origin };
        let wanted = [[1.0, 2.0, 3.0], [51.0, 2.0, 3.0], [1.0, 2.0, 53.0], [51.0, 2.0, 53.0]];
        assert_eq!(place(&grid, 4), wanted.map(Point::from));
    }

    #[test]
    fn uniform_positions_fill_their_box() {
        let extent = lengths(&[100.0, 40.0, 10.0]);
        let n = 10_000;
        for (origin, corner) in
            [(None, [-50.0, -20.0, -5.0]), (Some(lengths(&[7.0, 0.0, -1.0])), [7.0, 0.0, -1.0])]
        {
            let places = place(&Positions::Uniform { extent: extent.clone(), origin }, n);
            for axis in 0..3 {
                let length = extent[axis].get();
                let along = |place: &Point| (place[axis] - corner[axis]) / length;
                assert!(places.iter().all(|place| (0.0..=1.0).contains(&along(place))));
                let mean = places.iter().map(along).sum::<f64>() / n as f64;
                assert!((mean - 0.5).abs() < 5.0 * (1.0 / 12.0f64).sqrt() / 100.0, "{mean}");
                let square = places.iter().map(|p| along(p).powi(2)).sum::<f64>() / n as f64;
                assert!((square - 1.0 / 3.0).abs() < 5.0 * 0.3 / 100.0, "{square}");
            }
            assert!(places.windows(2).all(|w| w[0] != w[1]));
        }
    }

    #[test]
    fn distances_wrap_where_space_closes() {
        let extent = lengths(&[100.0, 60.0]);
        let (open, closed) = (Metric::new(None), Metric::new(Some(&extent)));
        for (b, straight, wrapped) in [
            ([30.0, 40.0, 0.0], 50.0, (30f64 * 30.0 + 20.0 * 20.0).sqrt()),
            ([90.0, 0.0, 0.0], 90.0, 10.0),
            ([-210.0, 0.0, 0.0], 210.0, 10.0),
            ([0.0, 0.0, 70.0], 70.0, 70.0),
        ] {
            let b = Point::from(b);
            assert!((open.distance(&Point::ZERO, &b) - straight).abs() < 1e-12);
            assert!((closed.distance(&Point::ZERO, &b) - wrapped).abs() < 1e-12, "{b:?}");
        }
    }
}
