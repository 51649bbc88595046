//! e-prop: gradients of a recurrent network that are found while it runs forwards, without a tape (Bellec et al. 2020).
//!
//! ```text
//!   z̄_i  := z̄_i + fall_m z̄_i + s_i                what the spikes of a source have left on the membrane of any target
//!   e_ji  = S'(u_j) (z̄_i - ε_ji)                   eligibility of a synapse, 0 while the target is refractory
//!   ε_ji := (1 + fall_rel) (ε_ji + delta_th e_ji)  what it has left on the target's threshold
//!   ē_ji  = e_ji as the readout filters it, through its synaptic current and its potential
//!   L_j   = sum over outputs of  B_jk dloss/dv_k   learning signal
//!   dloss/dw_ji := sum over steps of  L_j ē_ji + c_reg / T (f_j - f_target) e_ji
//!   dloss/dw_kj  = sum over steps of  dloss/dv_k z̄_j, filtered by the readout
//! ```
//! The first is the gradient but for what a spike does to later spikes of other neurons: without recurrence, with B the
//! weights of the readout, it is that of backpropagation that passes through thresholds and not through resets, as long as no
//! refractory potential is held: arrivals while it is act on nothing, and count here all the same. f_j is the
//! mean of the spikes of a step over the T steps whose spikes still reach the readout, all but the last two; so the second
//! term is the gradient of c_reg / 2 times the square of the difference. It is not part of the loss that is told.
//!
//! Every step has its own loss, as it must where gradients are not to wait: `over` says which steps count, and the loss is
//! their mean or sum, where backpropagation has the loss of the mean potential. Of targets that change from step to step, a
//! trace, the loss is the same by either way.
//!
//! What is kept does not depend on the number of steps, but for a bit for each neuron or source and step, its spikes, and the
//! course of outputs that are to follow a trace. It is two to four numbers for each synapse and sample, and what [`CHUNK`]
//! steps need for each neuron: z̄, S' and L lie in rings of so many steps, after which eligibilities go through all of them at
//! once, in the registers of a processor. Kernels are [`super::eprop_lif`], [`super::eprop_readout`],
//! [`super::eprop_trace`], [`super::eprop_feedback`], [`super::eprop_learn`] and [`super::eprop_output`]; `plan::tape::eprop` has
//! their order.

use crate::declare;
use crate::kernel::Span;
use std::ops::Range;

/// Steps after which eligibilities follow.
pub const CHUNK: usize = 16;

declare! {
    /// Weights through which errors of outputs become learning signals.
    #[derive(Copy)]
    pub enum Feedback {
        /// Those from the neurons to the readout.
        Symmetric;
        /// Others, drawn from the seed as `Kaiming(gain: 1)` would, which never change.
        Random;
        /// Others, drawn likewise, which then change by the same updates as those from the neurons to the readout. They are
        /// no part of the network: `initial` draws them anew.
        Adaptive;
    }
}

/// What a scene says of e-prop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EProp {
    /// Weights of the learning signal.
    pub feedback: Feedback,
    /// Factor on the penalty on rates.
    pub c_reg: f64,
    /// Rate that is aimed at \[Hz\].
    pub f_target: f64,
    /// Whether refractory potentials are held.
    pub hold: bool,
}

/// Steps of the chunk that ends with a span: a whole one, or what is left at the end of a window.
#[inline(always)]
pub(super) fn chunk(span: Span) -> Range<usize> {
    let end = span.t1 as usize;
    end.saturating_sub(1) / CHUNK * CHUNK..end
}

/// The first step of a chunk of which the step before it is within the window.
#[inline(always)]
pub(super) fn with_step_before(chunk: &Range<usize>) -> Range<usize> {
    chunk.start.max(1)..chunk.end
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chunks of a window follow each other, and what is left is one more.
    #[test]
    fn chunks_cover_a_window() {
        for steps in [1, 15, 16, 17, 32, 50] {
            let mut next = 0;
            let whole = (1..=steps).filter(|t1| t1 % CHUNK == 0);
            let rest = (steps % CHUNK != 0).then_some(steps);
            for t1 in whole.chain(rest) {
                let chunk = chunk(Span { t0: 0, t1: t1 as u32 });
                assert_eq!((chunk.start, chunk.end), (next, t1));
                next = t1;
            }
            assert_eq!(next, steps);
        }
    }
}
