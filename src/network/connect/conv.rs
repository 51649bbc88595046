//! Windows of the sources by weights that are the same everywhere: see [`crate::synapse::convolution`].

use super::{Lists, NetworkError, Pairs, Wire};
use crate::declare;
use crate::grammar::Extent;

declare! {
    /// Each target with a window of rows and columns of the sources, by weights that are the same everywhere (a
    /// convolution, or rather cross-correlation). Both populations have a `shape`. Weights are in PyTorch's order:
    /// channel of the target, channel of the source, row and column of the kernel. A rule of plasticity changes a weight
    /// by the sum of what all synapses that share it would change. For one delay.
    #[derive(Copy)]
    pub struct Conv: Word {
        /// Rows and columns of the window: one number for both, or a list of the two.
        kernel | "kernel_size": Extent [Count];
        /// Rows and columns from one window to the next.
        stride: Extent [Count] = Extent::both(1);
        /// Rows and columns of nothing around the sources.
        padding: Extent = Extent::both(0);
        /// Rows and columns from one source of a window to the next.
        dilation: Extent [Count] = Extent::both(1);
        /// Groups of channels, each connected with its own.
        groups: u64 [Count] = 1u64;
    }
}

impl Wire for Conv {
    fn expected(&self, _: [f64; 2]) -> Option<f64> {
        None
    }
    fn draw(&self, _: &Pairs) -> Result<Lists, NetworkError> {
        unreachable!("these share weights")
    }
}
