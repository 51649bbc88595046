//! Copies of a network side by side, in one.
//!
//! Each population has the neurons of all copies one after the other, and each projection its synapses once within each.
//! So whatever runs a network runs its copies, many small ones as one large one, and random numbers, which are keyed by the
//! neuron, differ from copy to copy. Copy 0 is the network alone.

use super::{Kind, Stimulus, Synapses};
use crate::neuron::model::Drawn;

/// Numbers of `n` neurons, or one that they share, for so many copies.
pub(super) fn repeated<T: Clone>(values: Vec<T>, n: usize, copies: usize) -> Vec<T> {
    match copies == 1 || values.len() < n.max(2) {
        true => values,
        false => std::iter::repeat_n(values, copies).flatten().collect(),
    }
}

impl Drawn {
    /// The same for so many copies, which are alike.
    pub(super) fn repeated(mut self, copies: usize) -> Self {
        let n = self.size;
        for (_, values) in &mut self.values {
            *values = repeated(std::mem::take(values), n, copies);
        }
        for laid_out in &mut self.laid_out {
            laid_out.values = repeated(std::mem::take(&mut laid_out.values), n, copies);
        }
        self.size = n * copies;
        self
    }
}

impl Kind {
    /// Sources for so many copies of `n`, which are given or drawn alike.
    pub(super) fn repeated(self, n: usize, copies: usize) -> Self {
        match self {
            // One source is one in each copy.
            Self::Spikes(steps) => {
                Self::Spikes(std::iter::repeat_n(steps, copies).flatten().collect())
            }
            Self::Poisson(probabilities) => Self::Poisson(repeated(probabilities, n, copies)),
            other => other,
        }
    }
}

impl Stimulus {
    /// The same for so many copies of `n` neurons.
    pub(super) fn repeated(mut self, n: usize, copies: usize) -> Self {
        self.input.spread(&|values| repeated(values.to_vec(), n, copies));
        self
    }
}

impl Synapses {
    /// Synapses of copies, each of so many sources and targets; of one as they are.
    pub(super) fn beside(mut copies: Vec<Self>, size: [usize; 2]) -> Self {
        if copies.len() == 1 {
            return copies.remove(0);
        }
        let has_delays = copies.iter().any(|copy| !copy.delays().is_empty());
        let (mut all_starts, mut all_sources) = (vec![0], Vec::new());
        let (mut all_weights, mut all_delays) = (Vec::new(), Vec::new());
        for (copy, synapses) in copies.into_iter().enumerate() {
            let Self::Sparse { start, source, weights, delays } = synapses.listed(size) else {
                unreachable!("a checked scene stores the synapses of its copies")
            };
            debug_assert_eq!(has_delays && !weights.is_empty(), !delays.is_empty());
            let [first_source, first] = [copy * size[0], all_sources.len()].map(|k| k as u32);
            all_starts.extend(start[1..].iter().map(|end| first + end));
            all_sources.extend(source.into_iter().map(|source| first_source + source));
            all_weights.extend(weights);
            all_delays.extend(delays);
        }
        Self::Sparse {
            start: all_starts,
            source: all_sources,
            weights: all_weights,
            delays: all_delays,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synapses_of_copies_stay_within_them() {
        let dense = Synapses::Dense { weights: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0] };
        let sparse = Synapses::Sparse {
            start: vec![0, 0, 1, 2],
            source: vec![1, 0],
            weights: vec![7.0, 8.0],
            delays: vec![],
        };
        let Synapses::Sparse { start, source, weights, delays } =
            Synapses::beside(vec![sparse, dense], [2, 3])
        else {
            panic!("it is a list");
        };
        assert_eq!(start, [0, 0, 1, 2, 4, 6, 8]);
        assert_eq!(source, [1, 0, 2, 3, 2, 3, 2, 3]);
        assert_eq!(weights, [7.0, 8.0, 1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        assert!(delays.is_empty());
    }

    #[test]
    fn what_neurons_share_is_not_repeated() {
        assert_eq!(repeated(vec![5], 3, 2), [5]);
        assert_eq!(repeated(vec![5], 1, 2), [5]);
        assert_eq!(repeated(vec![5, 6], 2, 2), [5, 6, 5, 6]);
    }
}
