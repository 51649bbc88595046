//! `summary.json`: the numbers of a finished run. Fields that do not apply are absent.

use serde::{Serialize, Serializer};

/// The summary of a run.
#[derive(Debug, Default, Serialize)]
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
    #[serde(serialize_with = "as_map")]
    pub populations: Vec<(String, Population)>,
    /// In a training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub training: Option<Training>,
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

/// Activity of a population: over the simulation, or over the test set after training.
#[derive(Debug, Serialize)]
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

/// Results of a training.
#[derive(Debug, Serialize)]
pub struct Training {
    /// One entry per epoch.
    pub epochs: Vec<crate::train::Epoch>,
    /// Trained parameters.
    pub parameters: u64,
    /// After the last epoch.
    pub test_accuracy: f64,
    /// After the last epoch, if there is a loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_loss: Option<f64>,
    /// The best of all epochs; its weights are in `weights-best.safetensors`.
    pub best_test_accuracy: f64,
    /// Samples of the test set by true class, and for each by predicted class, after the last epoch.
    pub confusion: Vec<Vec<u64>>,
}
