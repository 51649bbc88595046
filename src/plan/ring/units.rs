//! What a unit of the ring is worth: so little that rounding does not matter, and so much that no sum is too large.

use super::*;
use crate::input::poisson_drive;
use crate::network::{Input, Projection, Synapses};
use crate::scene::Warning;
use crate::synapse::procedural;

/// Part of a weight that its rounding to an integer may take.
const MOST_LOST: f64 = 1e-3;

impl Rings<'_> {
    /// Weight of one unit of the ring for each receptor: a power of two, small enough that the sum of all
    /// that can arrive at a neuron in one step, each synapse and each event once, fits an i32.
    pub(super) fn scales(&self) -> Vec<Vec<f64>> {
        let network = self.network;
        let mut most: Vec<Vec<Vec<f64>>> = network
            .populations
            .iter()
            .map(|p| stepped(p).map_or(vec![], |s| vec![vec![0.0; p.size]; s.receptors().len()]))
            .collect();
        for p in &network.projections {
            let sums = &mut most[p.to][p.receptor];
            // A weight that changes may become as large as its bounds allow.
            let largest = p.rule.is_some().then(|| p.largest());
            match &p.synapses {
                Synapses::Dense { weights } => {
                    if let Some(largest) = largest {
                        let sources = network.populations[p.from].size as f64;
                        sums.iter_mut().for_each(|sum| *sum += sources * largest);
                        continue;
                    }
                    for row in weights.chunks(sums.len()) {
                        row.iter().zip(&mut *sums).for_each(|(w, sum)| *sum += w.abs());
                    }
                }
                &Synapses::Procedural { degree, weight, skip, stream } => {
                    // The largest in-degree is known only by drawing all targets once.
                    let key = procedural::key(network.seed, stream);
                    let rule = (sums.len() as u32, degree, skip);
                    for source in 0..network.populations[p.from].size as u32 {
                        procedural::for_each_target(key, source, rule, |target| {
                            sums[target as usize] += weight.abs();
                        });
                    }
                }
                // Those that change. At the edges a target has fewer.
                Synapses::Convolution { convolution, .. } => {
                    let [height, width] = convolution.pool;
                    let most = (convolution.fan_in() * height * width) as f64 * convolution.scale();
                    sums.iter_mut().for_each(|sum| *sum += most * p.largest());
                }
                Synapses::Sparse { start, weights, .. } => {
                    for (target, sum) in sums.iter_mut().enumerate() {
                        let row = start[target] as usize..start[target + 1] as usize;
                        *sum += match largest {
                            Some(largest) => row.len() as f64 * largest,
                            None => weights[row].iter().map(|w| w.abs()).sum(),
                        };
                    }
                }
            }
        }
        for s in &network.stimuli {
            if let Input::Poisson { means, weight, receptor } = &s.input {
                let highest = means.iter().copied().fold(0.0, f64::max);
                let most_events = poisson_drive::levels(highest).len() as f64;
                for sum in &mut most[s.to][*receptor] {
                    *sum += most_events * weight.abs();
                }
            }
        }
        let power = |bound: f64, bits: i32| match bound {
            0.0 => 0.0,
            _ => 2f64.powi(bound.log2().ceil() as i32 - bits),
        };
        // A weight that is a float is rounded to units below 2^22, as many as its mantissa tells apart.
        let float = |to: usize, receptor: usize| {
            let live = |p: &&Projection| p.is_live() && (p.to, p.receptor) == (to, receptor);
            let live = network.projections.iter().filter(live);
            live.map(|p| p.synapses.scale() * p.largest()).fold(0.0, f64::max)
        };
        let scale = |to: usize, receptor: usize, sums: &[f64]| {
            let bound = sums.iter().fold(0.0f64, |m, x| m.max(*x));
            let unit = power(bound, 30).max(power(float(to, receptor), 22));
            if unit == 0.0 { 1.0 } else { unit }
        };
        let of = |(to, receptors): (usize, &Vec<Vec<f64>>)| {
            let receptors = receptors.iter().enumerate();
            receptors.map(|(receptor, sums)| scale(to, receptor, sums)).collect()
        };
        most.iter().enumerate().map(of).collect()
    }

    /// Warns of weights that lose more than their thousandth when they become integers, because of larger ones.
    pub(super) fn lost(&self) -> Vec<Warning> {
        let network = self.network;
        let stimuli = network.stimuli.iter().enumerate().filter_map(|(index, s)| match &s.input {
            Input::Poisson { weight, receptor, .. } => {
                let path = format!("stimuli.{index}.input");
                Some((path, (s.to, *receptor), std::slice::from_ref(weight), 0.0))
            }
            _ => None,
        });
        let projections = network.projections.iter().map(|p| {
            let weights = match &p.synapses {
                Synapses::Procedural { weight, .. } => std::slice::from_ref(weight),
                stored => stored.weights(),
            };
            // A weight that changes may become as large as its bounds allow.
            let bound = if p.rule.is_some() { p.largest() } else { 0.0 };
            (format!("projections.{}", p.name), (p.to, p.receptor), weights, bound)
        });
        let all: Vec<_> = projections.chain(stimuli).collect();
        let mut warnings = Vec::new();
        for (path, (to, receptor), weights, _) in &all {
            let unit = self.scale[*to][*receptor];
            // Only what is small against half a unit can be; that is soon seen.
            let off = |w: f64| {
                w.abs() * MOST_LOST < 0.5 * unit
                    && ((w / unit).round() * unit - w).abs() > MOST_LOST * w.abs()
            };
            // Of weights that are drawn a few come out near zero, and count for nothing.
            let count = weights.iter().filter(|w| off(**w)).count();
            if count * 100 <= weights.len() {
                continue;
            }
            let Some(lost) = weights.iter().copied().find(|w| off(*w)) else { continue };
            let beside = all.iter().filter(|other| other.1 == (*to, *receptor));
            let largest = beside.map(|(path, _, weights, bound)| {
                (weights.iter().fold(*bound, |most, w| most.max(w.abs())), path)
            });
            let (large, whose) = largest.fold((0.0, path), |a, b| if b.0 > a.0 { b } else { a });
            let kept = (lost / unit).round() * unit;
            warnings.push(Warning {
                path: format!("{path}.weight"),
                message: format!(
                    "the weight {} becomes {}, and {count} of {} are off by more than a thousandth, beside {} \
                     of {whose}: what arrives at once is summed in integers that hold the largest sum. Bring \
                     the weights nearer, or give them receptors of their own",
                    short(lost),
                    short(kept),
                    weights.len(),
                    short(large),
                ),
            });
        }
        warnings
    }

    /// A weight in units of the ring, as i32.
    pub(super) fn fixed(&self, to: usize, receptor: usize, weight: f64) -> u32 {
        (weight / self.scale[to][receptor]).round() as i32 as u32
    }
}
