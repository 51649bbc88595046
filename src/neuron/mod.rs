//! Neuron models: each a forward kernel that integrates, compares with the threshold and resets,
//! and a backward kernel that runs the same recursion's adjoint from the last step to the first.

pub mod lif;
pub mod lif_backward;
pub mod readout;
pub mod readout_backward;
pub mod surrogate;

/// Neurons that a twin carries through time together: two words of spikes, and as many floats as
/// fit the vector registers of the processors at hand.
pub const LANES: usize = 64;
