//! Pairs by independent draws: of each target the gaps between its sources are geometric.

use super::{Lists, NetworkError, Pairs, Wire};
use crate::declare;
use crate::rng::Stream;

declare! {
    /// Every pair with probability `p`, independently.
    #[derive(Copy)]
    pub struct FixedProbability: Word {
        /// Probability of a synapse.
        p: f64 [Fraction];
        /// Whether a neuron may connect to itself.
        autapses | "allow_autapses": bool = true;
    }
}

impl Wire for FixedProbability {
    fn expected(&self, [sources, targets]: [f64; 2]) -> Option<f64> {
        Some(self.p * (sources * targets))
    }
    fn draw(&self, pairs: &Pairs) -> Result<Lists, NetworkError> {
        pairs.lists(pairs.targets, |target, list| {
            let skip = pairs.skip(self.autapses, target);
            bernoulli(&pairs.stream, target, pairs.sources, self.p, skip, list);
        })
    }
}

/// Sources of one target, each with probability `p`: the gaps between them are geometric.
fn bernoulli(
    pairs: &Stream,
    target: u64,
    sources: u64,
    p: f64,
    skip: Option<u64>,
    list: &mut Vec<u32>,
) {
    if p <= 0.0 {
        return;
    }
    let ln_miss = (-p).ln_1p();
    let mut next = 0u64;
    for k in 0.. {
        if p < 1.0 {
            let gap = (pairs.uniform(target, k).ln() / ln_miss).floor();
            // A gap beyond all sources ends the list; compared before the cast.
            if gap >= (sources - next) as f64 {
                break;
            }
            next += gap as u64;
        }
        if next >= sources {
            break;
        }
        if skip != Some(next) {
            list.push(next as u32);
        }
        next += 1;
        if next >= sources {
            break;
        }
    }
}
