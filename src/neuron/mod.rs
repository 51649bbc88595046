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

/// A value for each of the neurons that go together, aligned to a cache line: a vector that straddles
/// two would be stored and loaded at a fraction of the speed.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Lane<T>([T; LANES]);

impl<T: Copy> Lane<T> {
    /// The same value for all.
    #[inline(always)]
    pub fn of(value: T) -> Self {
        Self([value; LANES])
    }
}

impl<T> std::ops::Deref for Lane<T> {
    type Target = [T; LANES];
    #[inline(always)]
    fn deref(&self) -> &[T; LANES] {
        &self.0
    }
}

impl<T> std::ops::DerefMut for Lane<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T; LANES] {
        &mut self.0
    }
}
