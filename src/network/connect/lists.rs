//! Synapses as lists of sources by target, filled in parallel.

use rayon::prelude::*;
use std::mem::take;

/// Blocks into which targets are divided for drawing in parallel.
const BLOCKS: usize = 1024;

/// Sources by target: `source[start[j]..start[j + 1]]` are those of target j, ascending.
pub struct Lists {
    pub start: Vec<u32>,
    pub source: Vec<u32>,
}

impl Lists {
    /// The lists of `count` neurons, each filled by `fill`, in parallel. Lists are not kept one by
    /// one but in blocks, which takes little more memory than the result.
    ///
    /// # Errors
    /// The number of synapses, if it exceeds 32 bits.
    pub fn new(count: u64, fill: impl Fn(u64, &mut Vec<u32>) + Sync) -> Result<Self, u64> {
        let size = block(count as usize) as u64;
        let blocks: Vec<(Vec<usize>, Vec<u32>)> = (0..count.div_ceil(size))
            .into_par_iter()
            .map(|block| {
                let mut list = Vec::new();
                let end = |neuron| {
                    fill(neuron, &mut list);
                    list.len()
                };
                ((block * size..count.min((block + 1) * size)).map(end).collect(), list)
            })
            .collect();
        let total: usize = blocks.iter().map(|(_, list)| list.len()).sum();
        if total > u32::MAX as usize {
            return Err(total as u64);
        }
        let mut start = Vec::with_capacity(count as usize + 1);
        start.push(0);
        let mut source = Vec::with_capacity(total);
        for (ends, list) in blocks {
            start.extend(ends.iter().map(|end| (source.len() + end) as u32));
            source.extend(list);
        }
        Ok(Self { start, source })
    }

    /// Lists by the other side: from targets by source to sources by target. Sources are met in
    /// order, so the lists are ascending.
    pub fn transposed(&self, count: usize) -> Self {
        let mut start = vec![0u32; count + 1];
        for &target in &self.source {
            start[target as usize + 1] += 1;
        }
        for k in 1..start.len() {
            start[k] += start[k - 1];
        }
        let mut next = start.clone();
        let mut source = vec![0; self.source.len()];
        for (k, ends) in self.start.windows(2).enumerate() {
            for &target in &self.source[ends[0] as usize..ends[1] as usize] {
                source[next[target as usize] as usize] = k as u32;
                next[target as usize] += 1;
            }
        }
        Self { start, source }
    }

    /// Fills one value for each synapse: `fill` gets a target, its sources, and where their values
    /// belong.
    pub fn fill<T: Send>(&self, values: &mut [T], fill: impl Fn(usize, &[u32], &mut [T]) + Sync) {
        let synapses = |target: usize| (self.start[target + 1] - self.start[target]) as usize;
        let count = self.start.len() - 1;
        let mut rest = values;
        let mut blocks = Vec::new();
        for first in (0..count).step_by(block(count)) {
            let targets = first..count.min(first + block(count));
            let (values, after) = take(&mut rest).split_at_mut(targets.clone().map(synapses).sum());
            blocks.push((targets, values));
            rest = after;
        }
        blocks.into_par_iter().for_each(|(targets, mut rest)| {
            for target in targets {
                let (values, after) = take(&mut rest).split_at_mut(synapses(target));
                let first = self.start[target] as usize;
                fill(target, &self.source[first..first + values.len()], values);
                rest = after;
            }
        });
    }
}

/// Neurons of a block.
fn block(neurons: usize) -> usize {
    neurons.div_ceil(BLOCKS).max(1)
}
