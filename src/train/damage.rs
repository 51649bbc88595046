//! Damage to a trained network, by which it is seen what its answers hang on: weights are pruned, neurons fall silent,
//! samples are disturbed.
//!
//! Weights and neurons are damaged by weights that are 0 for one evaluation of the test set: those of the least
//! magnitude, and those of all synapses through which silent neurons send. Which neurons these are follows from the seed
//! alone, so tests of one fraction have the same in every network, and those of a larger fraction have more.

use crate::declare;
use crate::network::{Network, Synapses};
use crate::rng::{Purpose, Stream};
use crate::scene::{Augment, Scene};
use serde::{Deserialize, Serialize};

declare! {
    /// What is damaged while the test set is shown once more. First weights are pruned, then neurons fall silent.
    pub struct Damage: Default {
        /// Part of the neurons of populations that send no spikes, drawn from the seed. Penalties on rates still see what
        /// they would send.
        silence: f64 [Fraction] = 0.0;
        /// The populations; all hidden ones if absent: neurons that spike and send to others, and are not the answer.
        of: Vec<String> = vec![];
        /// Standard deviation of the noise on each intensity, from 0 to 1, which stays within these bounds.
        inputs: f64 [NotNegative] = 0.0;
        /// Part of the weights of each projection that are 0, those of the least magnitude.
        prune: f64 [Fraction] = 0.0;
        /// Part of the samples of `Pairs` whose cue points at the other image. The label is still that of the first.
        miscue: f64 [Fraction] = 0.0;
    }
}

/// How a damaged network does on the test set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// Fraction of right answers, if there are classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// Mean loss.
    pub loss: f64,
}

impl Damage {
    /// Names of the populations of which neurons are silent.
    pub fn silenced<'s>(&'s self, scene: &'s Scene) -> Vec<&'s str> {
        if self.silence == 0.0 || !self.of.is_empty() {
            return self.of.iter().map(String::as_str).collect();
        }
        let answer = scene.training.as_ref().and_then(|training| training.loss.counted());
        let is_hidden =
            |name: &str| Some(name) != answer && scene.projections.iter().any(|p| p.from == name);
        let spiking = scene.populations.iter().filter(|(_, p)| p.model.is_spiking());
        spiking.map(|(name, _)| name.as_str()).filter(|name| is_hidden(name)).collect()
    }

    /// What is done to each sample.
    pub(super) fn noise(&self) -> Vec<Augment> {
        let above_0 = |x: f64| Some(x).filter(|x| *x > 0.0);
        let miscue = above_0(self.miscue).map(Augment::Miscue);
        miscue.into_iter().chain(above_0(self.inputs).map(Augment::Noise)).collect()
    }

    /// Puts at 0 what is damaged of a projection's weights, which are in their natural order. `silenced` are the
    /// populations whose neurons are silent, whose synapses share no weights.
    pub(super) fn harm(
        &self,
        network: &Network,
        projection: usize,
        silenced: &[&str],
        weights: &mut [f32],
    ) {
        let projection = &network.projections[projection];
        prune(weights, self.prune);
        let source = &network.populations[projection.from];
        if self.silence == 0.0 || !silenced.contains(&&*source.name) {
            return;
        }
        let stream = Stream::new(network.seed, Purpose::Silence, projection.from as u32);
        let order = stream.permutation(source.size as u32, 0);
        let mut silent = vec![false; source.size];
        for neuron in &order[..part(source.size, self.silence)] {
            silent[*neuron as usize] = true;
        }
        match &projection.synapses {
            Synapses::Dense { .. } => {
                let targets = network.populations[projection.to].size;
                let rows = weights.chunks_mut(targets).zip(silent);
                rows.filter(|(_, silent)| *silent).for_each(|(row, _)| row.fill(0.0));
            }
            Synapses::Sparse { source, .. } => {
                let all = weights.iter_mut().zip(source);
                all.filter(|(_, source)| silent[**source as usize]).for_each(|(w, _)| *w = 0.0);
            }
            // Checked: weights that are shared are not of one neuron, and trainings draw no targets at spikes.
            Synapses::Convolution { .. } | Synapses::Procedural { .. } => {}
        }
    }
}

/// So many of a number of things are a part of them.
fn part(count: usize, fraction: f64) -> usize {
    (count as f64 * fraction).round() as usize
}

/// Puts a part of the weights at 0, those of the least magnitude; of those that are alike the first.
fn prune(weights: &mut [f32], fraction: f64) {
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|a, b| weights[*a].abs().total_cmp(&weights[*b].abs()));
    for k in &order[..part(weights.len(), fraction)] {
        weights[*k] = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::load_str;
    use std::path::Path;

    #[test]
    fn the_least_weights_are_pruned() {
        let all = [3.0, -1.0, 0.5, -4.0, 1.0, 2.0];
        let pruned = |fraction| {
            let mut weights = all;
            prune(&mut weights, fraction);
            weights
        };
        assert_eq!(pruned(0.0), all);
        assert_eq!(pruned(0.5), [3.0, 0.0, 0.0, -4.0, 0.0, 2.0]);
        assert_eq!(pruned(1.0 / 3.0), [3.0, 0.0, 0.0, -4.0, 1.0, 2.0]);
        assert_eq!(pruned(1.0), [0.0; 6]);
    }

    /// A neuron is silent towards all, dense or sparse; others are as they were; more are silent where a part is larger.
    #[test]
    fn the_same_neurons_are_silent_everywhere() {
        let text = r#"(
            version: 1, simulation: (dt: 1, duration: 1, seed: 3),
            populations: {
                "in": (size: 4, model: Poisson(rate: 10)),
                "a": (size: 40, model: Lif()),
                "b": (size: 7, model: Lif()),
            },
            projections: [
                (from: "in", to: "a", connect: Dense, weight: 1),
                (from: "a", to: "b", connect: Dense, weight: 1),
                (from: "a", to: "a", connect: FixedProbability(p: 0.5, autapses: false), weight: 1),
            ])"#;
        let (scene, ..) = load_str("test.ron", text, Path::new("."), &[]).unwrap();
        let network = crate::network::build(&scene).unwrap();
        let silent = |fraction: f64| {
            let damage = Damage { silence: fraction, ..Damage::default() };
            let silenced = damage.silenced(&scene);
            assert_eq!(silenced, ["a"]);
            let harmed = |k: usize| {
                let weights = network.projections[k].synapses.weights();
                let mut weights: Vec<f32> = weights.iter().map(|w| *w as f32).collect();
                damage.harm(&network, k, &silenced, &mut weights);
                weights
            };
            assert!(harmed(0).iter().all(|w| *w == 1.0));
            let silent: Vec<bool> =
                harmed(1).chunks(7).map(|row| row.iter().all(|w| *w == 0.0)).collect();
            assert!(harmed(1).chunks(7).zip(&silent).all(|(row, s)| *s || row == [1.0; 7]));
            let Synapses::Sparse { source, .. } = &network.projections[2].synapses else {
                panic!("these are sparse")
            };
            let both = harmed(2).into_iter().zip(source);
            assert!(both.into_iter().all(|(w, s)| (w == 0.0) == silent[*s as usize]));
            silent
        };
        let count = |silent: &[bool]| silent.iter().filter(|s| **s).count();
        let (half, more) = (silent(0.5), silent(0.7));
        assert_eq!((count(&half), count(&more)), (20, 28));
        assert!(half.iter().zip(&more).all(|(half, more)| *more || !half));
        assert_eq!((count(&silent(1.0)), silent(0.5)), (40, half));
    }
}
