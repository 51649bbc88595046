//! Why a network cannot be planned.

/// Why a network cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// An array that cannot be cut exceeds what a kernel can address.
    #[error("{what} takes {bytes} bytes, one binding holds {limit}; {advice}")]
    Binding {
        /// Which array.
        what: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
        /// What to change.
        advice: &'static str,
    },
    /// The ring of what arrives cannot hold the delays.
    #[error(
        "the longest delay is {delay} steps: a ring of {bytes} bytes, one binding holds {limit}; \
         lower the delay, raise simulation.dt or make populations smaller"
    )]
    Ring {
        /// Longest delay, in steps.
        delay: usize,
        /// Bytes of the ring.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A live projection has too many of something for its lists.
    #[error(
        "projection `{projection}` learns, and its {what} take {bits} bits together, of which there are \
         32; make it smaller, or `Dense`"
    )]
    Packing {
        /// Projection.
        projection: String,
        /// What does not fit.
        what: &'static str,
        /// Bits that it takes.
        bits: u32,
    },
    /// Recorded weights lie in more than one array.
    #[error(
        "record.weights: the synapses of `{projection}` that are recorded lie in several arrays, since one \
         binding does not hold all; record neighbouring targets, or give each its own entry"
    )]
    Apart {
        /// Projection.
        projection: String,
    },
    /// The way to find gradients does not know the network.
    #[error(
        "{what}, with what was loaded: {why}; use `learn: Backprop` in `training`, or leave `initial` out"
    )]
    Unknown {
        /// Which part of it.
        what: String,
        /// What is known.
        why: &'static str,
    },
    /// The delays do not fit into the window.
    #[error(
        "the longest delay is {delay} steps, a window has {steps}; lower the delay or raise training.steps"
    )]
    Delay {
        /// Steps of the delay.
        delay: usize,
        /// Steps of the window.
        steps: usize,
    },
}
