//! `summary.json`: the numbers of a finished run. Fields that do not apply are absent.

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// The summary of a run.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Name of the scene.
    pub scene: String,
    /// Hash of the scene file.
    pub scene_sha256: String,
    /// Version of this program.
    pub version: String,
    /// Key of the random numbers.
    pub seed: u64,
    /// `cpu`, `gpu` or `software`.
    pub engine: String,
    /// Processor or adapter.
    pub adapter: String,
    /// Driver.
    pub driver: String,
    /// Time step \[ms\].
    pub dt_ms: f64,
    /// Steps of the simulation, or of a sample.
    pub steps: u64,
    /// Neurons without sources.
    pub neurons: u64,
    /// Synapses.
    pub synapses: u64,
    /// Bytes of all arrays.
    pub bytes_device: u64,
    /// Scene to ready \[s\].
    pub build_s: f64,
    /// Stepping or training only \[s\].
    pub wall_s: f64,
    /// Wall seconds per biological second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub real_time_factor: Option<f64>,
    /// Spikes of neurons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spikes: Option<u64>,
    /// Spikes that arrived at a synapse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synaptic_events: Option<u64>,
    /// The same per wall second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synaptic_events_per_s: Option<f64>,
    /// Synapses that were replaced, where some may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synapses_rewired: Option<u64>,
    /// By name, in the order of the scene.
    #[serde(serialize_with = "as_map", deserialize_with = "from_map")]
    pub populations: Vec<(String, Population)>,
    /// Activity of each copy of the network, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<OfCopy>,
    /// What the scene asked to be counted, by name.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "as_map",
        deserialize_with = "from_map"
    )]
    pub measures: Vec<(String, f64)>,
    /// In a training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub training: Option<Training>,
    /// How the run was started.
    #[serde(flatten)]
    pub start: crate::checkpoint::Start,
}

/// Writes pairs as a map, in their order.
///
/// # Errors
/// Those of the serializer.
pub fn as_map<K: Serialize, V: Serialize, S: Serializer>(
    pairs: &[(K, V)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

/// Reads a map as pairs, in their order.
fn from_map<'de, V: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(String, V)>, D::Error> {
    struct Pairs<V>(PhantomData<V>);
    impl<'de, V: Deserialize<'de>> Visitor<'de> for Pairs<V> {
        type Value = Vec<(String, V)>;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::new();
            while let Some(pair) = map.next_entry()? {
                pairs.push(pair);
            }
            Ok(pairs)
        }
    }
    deserializer.deserialize_map(Pairs(PhantomData))
}

/// Activity of a population: over the simulation, or over the test set after training.
#[derive(Debug, Serialize, Deserialize)]
pub struct Population {
    /// Neurons.
    pub size: u64,
    /// Spikes in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spikes: Option<u64>,
    /// Mean rate \[Hz\].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_hz: Option<f64>,
    /// Mean coefficient of variation of the intervals between spikes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cv_isi: Option<f64>,
}

/// Activity of the populations of a copy of a network, by name, in the order of the scene.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OfCopy(
    #[serde(serialize_with = "as_map", deserialize_with = "from_map")] pub Vec<(String, Population)>,
);

/// Results of a training.
#[derive(Debug, Serialize, Deserialize)]
pub struct Training {
    /// One entry per epoch.
    pub epochs: Vec<crate::train::Epoch>,
    /// Trained parameters.
    pub parameters: u64,
    /// Why it ended before its last epoch, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// After the last epoch, if there is a validation set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_accuracy: Option<f64>,
    /// After the last epoch, if there is a validation set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_loss: Option<f64>,
    /// After the last epoch, if there are classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_accuracy: Option<f64>,
    /// Fraction of answers that are wrong then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_error: Option<f64>,
    /// After the last epoch, if there is a loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_loss: Option<f64>,
    /// The epoch that did best on the validation set or, where there is none, on the test set. A training by gradients
    /// writes its weights, `weights-best.safetensors`.
    pub best_epoch: u64,
    /// After the best epoch, if there are classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_test_accuracy: Option<f64>,
    /// Samples of the test set by true class, and for each by predicted class: of a training by gradients by the best
    /// weights, as in `predictions.npz`, else after the last epoch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confusion: Vec<Vec<u64>>,
    /// Of outputs with `targets` that are numbers, but where it is learned to learn: squared differences over the test
    /// set by the best weights, over those of the targets from their means, so that the best constants have 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nmse: Option<f64>,
    /// Of a training by gradients: the part of the trained weights whose magnitude is below a thousandth of their unit,
    /// with which an input lifts its target from rest to threshold (that of `Kaiming`); of samples the best weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub small_weights: Option<f64>,
    /// Where it is learned to learn, mean squared errors of what held-out tasks ask after so many steps within them,
    /// `mse_0`, `mse_1` and on, by the best weights.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "as_map",
        deserialize_with = "from_map"
    )]
    pub adaptation: Vec<(String, f64)>,
    /// How the network with its best weights does on the test set while it is damaged, by the names of `tests`.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "as_map",
        deserialize_with = "from_map"
    )]
    pub tests: Vec<(String, crate::train::Tested)>,
    /// Of each projection with attention how it weighs the frames of the test set by the best weights.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "as_map",
        deserialize_with = "from_map"
    )]
    pub attention: Vec<(String, Attention)>,
    /// How well neurons follow their traces after the last epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fit: Option<Fit>,
}

/// How a projection weighs the frames of samples.
#[derive(Debug, Serialize, Deserialize)]
pub struct Attention {
    /// Mean score of each frame.
    pub mean: Vec<f64>,
    /// Mean score of the frames that are asked for over that of the others, where samples have marks (`Streams`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
}

impl Attention {
    /// From the scores of all frames of some samples, and the frame of each that is asked for, where that is known.
    pub fn new(scores: &[f32], asked: &[Option<usize>]) -> Self {
        let samples = asked.len();
        let frames = scores.len() / samples.max(1);
        let of = |k: usize, frame: usize| f64::from(scores[k * frames + frame]);
        let mean = |frame: usize| (0..samples).map(|k| of(k, frame)).sum::<f64>() / samples as f64;
        let known = asked.iter().enumerate().filter_map(|(k, asked)| Some((k, (*asked)?)));
        let (mut sums, mut count) = ([0.0; 2], 0);
        for (k, asked) in known {
            let all: f64 = (0..frames).map(|frame| of(k, frame)).sum();
            sums = [sums[0] + of(k, asked), sums[1] + all - of(k, asked)];
            count += 1;
        }
        let ratio = sums[0] * (frames.max(1) - 1) as f64 / sums[1];
        let ratio = Some(ratio).filter(|ratio| count > 0 && ratio.is_finite());
        Self { mean: (0..frames).map(mean).collect(), ratio }
    }
}

/// Mean squared differences between the potentials of neurons and the traces that they are to follow, unfiltered
/// whatever the loss \[mV²\].
#[derive(Debug, Serialize, Deserialize)]
pub struct Fit {
    /// Neurons, each of which started on its own.
    pub starts: u64,
    /// Of the best of them.
    pub best_mse: f64,
    /// Of the worst.
    pub worst_mse: f64,
    /// The median.
    pub median_mse: f64,
    /// Squared differences of all over those of the traces from their means, so that the best constant has 1; none where
    /// traces do not change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nmse: Option<f64>,
}

impl Fit {
    /// From the error of each neuron, and the mean variance of what they were to follow.
    pub fn new(mut errors: Vec<f64>, variance: f64) -> Option<Self> {
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        let nmse = (variance > 0.0).then(|| mean / variance);
        errors.sort_by(f64::total_cmp);
        let (best_mse, worst_mse) = (*errors.first()?, *errors.last()?);
        let half = errors.len() / 2;
        let median_mse = (errors[(errors.len() - 1) / 2] + errors[half]) / 2.0;
        Some(Self { starts: errors.len() as u64, best_mse, worst_mse, median_mse, nmse })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attention_is_what_is_asked_for_over_the_rest() {
        let scores = [0.8, 0.1, 0.3, 0.1, 0.6, 0.1];
        let told = Attention::new(&scores, &[Some(0), Some(1)]);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-7;
        assert!(told.mean.iter().zip([0.45, 0.35, 0.2]).all(|(a, b)| close(*a, b)), "{told:?}");
        assert!(close(told.ratio.unwrap(), 0.7 / 0.15), "{told:?}");
        assert_eq!(Attention::new(&scores, &[None, None]).ratio, None);
        assert_eq!(Attention::new(&[0.5, 0.0], &[Some(0)]).ratio, None);
    }
}
