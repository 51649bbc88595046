//! Windows of the sources by weights of their own.

use super::{Lists, NetworkError, Pairs, Wire};
use crate::declare;
use crate::grammar::Extent;

declare! {
    /// The same with weights of their own for each target: local receptive fields.
    #[derive(Copy)]
    pub struct Local: Word {
        /// Rows and columns of the window: one number for both, or a list of the two.
        kernel | "kernel_size": Extent [Count];
        /// Rows and columns from one window to the next.
        stride: Extent [Count] = Extent::both(1);
        /// Rows and columns of nothing around the sources.
        padding: Extent = Extent::both(0);
        /// Rows and columns from one source of a window to the next.
        dilation: Extent [Count] = Extent::both(1);
    }
}

impl Wire for Local {
    fn expected(&self, _: [f64; 2]) -> Option<f64> {
        None
    }
    fn draw(&self, pairs: &Pairs) -> Result<Lists, NetworkError> {
        let (start, source, _) = pairs.convolution.expect("the scene was checked").lists();
        Ok(Lists { start, source })
    }
}
