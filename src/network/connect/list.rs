//! The pairs of a file.

use super::{Lists, NetworkError, Pairs, Wire, of_target};
use crate::{declare, files};
use rayon::prelude::*;
use std::path::PathBuf;

declare! {
    /// The pairs in a `.npy` file of integers, a row (source, target) for each synapse.
    pub struct List(PathBuf);
}

impl Wire for List {
    fn expected(&self, _: [f64; 2]) -> Option<f64> {
        None
    }
    fn draw(&self, pairs: &Pairs) -> Result<Lists, NetworkError> {
        let mut keys = self.read(pairs)?;
        keys.par_sort_unstable();
        pairs.lists(pairs.targets, |target, list| {
            list.extend(of_target(&keys, target, pairs.sources));
        })
    }
}

impl List {
    /// The pairs in the file, as numbers `target · sources + source`.
    fn read(&self, pairs: &Pairs) -> Result<Vec<u64>, NetworkError> {
        let read = files::read_npy_pairs(&self.0)?;
        let key = |(row, &[source, target]): (usize, &[i64; 2])| {
            let ends = [("source", source, pairs.sources), ("target", target, pairs.targets)];
            match ends.iter().find(|(_, index, size)| !(0..*size as i64).contains(index)) {
                None => Ok(target as u64 * pairs.sources + source as u64),
                Some(&(what, index, size)) => Err(NetworkError::Pair {
                    path: format!("{}.connect", pairs.path),
                    file: self.0.clone(),
                    row,
                    what,
                    index,
                    size: size as usize,
                }),
            }
        };
        read.iter().enumerate().map(key).collect()
    }
}
