//! Structural plasticity: synapses that have become weak go, and new ones grow in their place.
//!
//! At the end of each interval a synapse whose weight has fallen below a bound is removed, with some
//! probability, and its target draws another source, uniformly among those that it is not connected to yet, and
//! never itself. So each target keeps its number of synapses, and the projection its memory; what adapts is
//! where they come from (as in Bogdan et al. 2018). A new synapse takes delay and place of the one that it
//! replaces.

use crate::rng::Stream;

/// How the synapses of a projection are replaced.
#[derive(Debug, Clone, Copy)]
pub struct Rewire {
    /// Weight below which a synapse goes, in the unit of the receptor.
    pub below: f64,
    /// Weight of a new one.
    pub weight: f64,
    /// Probability with which a weak synapse goes at the end of an interval.
    pub fraction: f64,
    /// Interval \[steps\].
    pub every: u64,
    /// Draws: synapse × interval and attempt.
    pub stream: Stream,
}

impl Rewire {
    /// Replaces weak synapses at the end of an interval, counted from 1. `start` and `source` are those of
    /// [`super::Synapses::Sparse`], though the sources of a target need not ascend; `sources` is the number
    /// of neurons they are from, and `same` whether these are also the targets. Returns which were replaced.
    pub fn replace(
        &self,
        interval: u64,
        start: &[u32],
        source: &mut [u32],
        weights: &mut [f32],
        (sources, same): (usize, bool),
    ) -> Vec<usize> {
        let mut replaced = Vec::new();
        let mut taken = vec![0u64; sources.div_ceil(64)];
        for (target, ends) in start.windows(2).enumerate() {
            let row = ends[0] as usize..ends[1] as usize;
            let weak = |k: usize, w: f32| {
                w.abs() < self.below as f32
                    && self.stream.uniform(k as u64, interval << 32) < self.fraction
            };
            let weak: Vec<usize> = row.clone().filter(|k| weak(*k, weights[*k])).collect();
            if weak.is_empty() {
                continue;
            }
            taken.fill(0);
            let own = (same && target < sources).then_some(target as u32);
            for s in source[row].iter().copied().chain(own) {
                taken[s as usize / 64] |= 1 << (s % 64);
            }
            let mut free = sources - taken.iter().map(|w| w.count_ones() as usize).sum::<usize>();
            for k in weak {
                if free == 0 {
                    break;
                }
                // Draws until one is free; on average as often as there are sources for each free one.
                let draw = |attempt| {
                    self.stream.below(sources as u64, k as u64, interval << 32 | attempt) as usize
                };
                let is_free = |s: &usize| taken[s / 64] >> (s % 64) & 1 == 0;
                let Some(new) = (1..1 << 32).map(draw).find(is_free) else { continue };
                taken[new / 64] |= 1 << (new % 64);
                free -= 1;
                source[k] = new as u32;
                weights[k] = self.weight as f32;
                replaced.push(k);
            }
        }
        replaced
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    #[test]
    fn weak_synapses_move_to_free_sources() {
        let stream = Stream::new(1, Purpose::Rewiring, 0);
        let rule = Rewire { below: 0.2, weight: 0.5, fraction: 1.0, every: 1, stream };
        // Two targets with three synapses each, from six sources that are the targets too; a target with
        // all of them; one without any.
        let start = [0, 3, 6, 12, 12];
        let before = [1, 2, 3, 0, 2, 5, 0, 1, 2, 3, 4, 5];
        let weak = [0, 2, 4, 6, 11];
        for interval in 1..200 {
            let mut source = before;
            let mut weights = [1.0f32; 12];
            weak.iter().for_each(|k| weights[*k] = if k % 4 == 0 { 0.1 } else { -0.1 });
            let replaced = rule.replace(interval, &start, &mut source, &mut weights, (6, true));
            // Target 2 has no free source.
            assert_eq!(replaced, [0, 2, 4]);
            for k in 0..12 {
                let moved = replaced.contains(&k);
                assert_eq!(source[k] != before[k], moved, "{source:?}");
                assert!(!moved || weights[k] == 0.5);
            }
            for (target, ends) in start.windows(2).enumerate().take(2) {
                let mut row = source[ends[0] as usize..ends[1] as usize].to_vec();
                row.sort_unstable();
                row.dedup();
                assert!(row.len() == 3 && !row.contains(&(target as u32)), "{row:?}");
            }
        }
    }

    #[test]
    fn new_sources_are_uniform_and_a_fraction_goes() {
        let stream = Stream::new(2, Purpose::Rewiring, 3);
        let rule = Rewire { below: 0.2, weight: 0.5, fraction: 0.3, every: 1, stream };
        let mut count = [0u32; 10];
        let mut moved = 0;
        for interval in 1..=20_000 {
            let (mut source, mut weights) = ([4u32], [0.0f32]);
            moved += rule.replace(interval, &[0, 1], &mut source, &mut weights, (10, false)).len();
            count[source[0] as usize] += u32::from(weights[0] > 0.0);
        }
        // 0.3 ± 0.0032, and a ninth of it for each but the old one.
        assert!((moved as f64 / 20_000.0 - 0.3).abs() < 5.0 * 0.0033, "{moved}");
        assert_eq!(count[4], 0);
        for (k, c) in count.iter().enumerate().filter(|(k, _)| *k != 4) {
            let mean = moved as f64 / 9.0;
            assert!((f64::from(*c) - mean).abs() < 5.0 * mean.sqrt(), "{k}: {c} of {moved}");
        }
    }
}
