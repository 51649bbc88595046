//! Weights that are drawn together: a random matrix whose shorter side's vectors are orthogonal, by the method of Gram and
//! Schmidt from normal numbers. Rounding leaves vectors a little aslant where they were nearly parallel, so it is done
//! twice.

use super::{Setting, Synapse, Weigh};
use crate::declare;
use crate::grammar::Judge;
use crate::rng::Stream;
use rayon::prelude::*;

declare! {
    /// A random matrix whose rows, or columns where there are fewer of them, are orthogonal and `gain` units long;
    /// units are those of `Kaiming` (Saxe et al. 2014). Of `Dense`, sources by targets; and of `Conv`, channels of
    /// the target by the weights of each.
    #[derive(Copy)]
    pub struct Orthogonal: Word {
        /// Length of a row or column.
        gain: f64 [Positive] = 1.0;
    }
}

impl Weigh for Orthogonal {
    fn check(&self, path: &str, setting: Setting, judge: &mut dyn Judge) {
        setting.check_scaled(path, "Orthogonal", judge);
        if !setting.matrix {
            let message = "`Orthogonal` draws a whole matrix, which `Dense` and `Conv` have";
            judge.fault_with_help(path, message, "use `Kaiming` or `Xavier`");
        }
    }
    fn weight(&self, _: &Synapse) -> f64 {
        unreachable!("they are drawn together")
    }
    fn matrix(&self, stream: &Stream, unit: f64, [rows, columns]: [usize; 2]) -> Option<Vec<f64>> {
        let (count, len) = (rows.min(columns), rows.max(columns));
        let vector = |k: u64| (0..len as u64).map(|i| stream.normal(k, i)).collect();
        let mut vectors: Vec<Vec<f64>> = (0..count as u64).into_par_iter().map(vector).collect();
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        for k in (0..count).chain(0..count) {
            let (done, rest) = vectors.split_at_mut(k + 1);
            let one = &mut done[k];
            let length = product(one, one).sqrt();
            one.iter_mut().for_each(|x| *x /= length);
            rest.par_iter_mut().for_each(|other| {
                let along = product(one, other);
                other.iter_mut().zip(&*one).for_each(|(x, one)| *x -= along * one);
            });
        }
        let at = |k: usize| match (k / columns, k % columns) {
            (row, column) if rows <= columns => vectors[row][column],
            (row, column) => vectors[column][row],
        };
        Some((0..rows * columns).map(|k| self.gain * unit * at(k)).collect())
    }
}
