//! What a run writes down.

use crate::declare;
use crate::grammar::{Ms, Quantity};

declare! {
    /// What a simulation writes to the run folder, or a training by gradients of some test samples.
    pub struct Record: Default {
        /// Time from which spikes count for rates, intervals and figures \[ms\], so that a transient is left out;
        /// the files of spikes and traces have all.
        start: Option<Quantity<Ms>> [Moment];
        /// Test samples of a training by gradients, counted from 0, that are shown once more at its end, with the best
        /// weights, and by `predict`. `spikes` and `traces`, of which there is `v` of Lif and Readout, are written of these,
        /// and the report has pictures of what all populations did.
        samples: Vec<u64> = vec![];
        /// Populations whose spikes are written.
        spikes: Vec<String> = vec![];
        /// Populations whose membrane potential is written.
        traces: Vec<Trace> = vec![];
        /// Projections of which weights are written while they change.
        weights: Vec<WeightTrace> = vec![];
        /// Interval at which the concentrations of all modulators are written \[ms\]; not at all if absent.
        modulators: Option<Quantity<Ms>> [Interval];
    }
}

declare! {
    /// A recording of weights.
    pub struct WeightTrace {
        /// Name of the projection.
        projection: String;
        /// Which synapses, or weights that synapses share, counted as in `weights.safetensors`; the first ten if absent.
        ids: Option<Vec<u64>>;
        /// Interval between samples \[ms\]; every step if absent.
        every: Option<Quantity<Ms>> [Interval];
    }
}

declare! {
    /// A recording of membrane potentials.
    pub struct Trace {
        /// Whose.
        population: String;
        /// Which neurons; the first ten if absent.
        ids: Option<Vec<u64>>;
        /// Which state variables; the potential if absent. `v` of every model, `threshold_rise` and `w` of Lif and
        /// Adex, `u` of Izhikevich, `theta_1` and `theta_2` of Mat2, `gate_channel` (as `m_na`), `ca`, `k_o` and `na_i` of Hh, `g_receptor` of
        /// conductances and `i_receptor` of currents.
        variables: Vec<String> = vec![];
        /// Interval between samples \[ms\]; every step if absent.
        every: Option<Quantity<Ms>> [Interval];
    }
}
