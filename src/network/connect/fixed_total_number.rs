//! So many synapses in all.

use super::{ALL, Lists, NetworkError, Pairs, Setting, Wire, beyond, of_target, partners};
use crate::declare;
use crate::grammar::Judge;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering};

declare! {
    /// `n` synapses, each drawn uniformly from all pairs.
    #[derive(Copy)]
    pub struct FixedTotalNumber: Word {
        /// Synapses in all.
        n: u64;
        /// Whether a neuron may connect to itself.
        autapses | "allow_autapses": bool = true;
        /// Whether a pair may be connected more than once.
        multapses | "allow_multapses": bool = true;
    }
}

impl Wire for FixedTotalNumber {
    fn check(&self, path: &str, setting: Setting, judge: &mut dyn Judge) {
        let (path, n) = (format!("{path}.n"), self.n);
        let pairs = setting
            .sources(self.autapses)
            .zip(setting.ends)
            .map(|(sources, (_, to))| u128::from(sources) * u128::from(to.size));
        if n == 0 {
            judge.fault(&path, "a projection has at least 1 synapse");
        } else if let Some(pairs) = pairs
            && u128::from(n) > pairs
            && (!self.multapses || pairs == 0)
        {
            let message = format!("{n} synapses are drawn from {pairs} pairs");
            let help = "lower `n`, or allow `multapses` or `autapses`";
            judge.fault_with_help(&path, message, help);
        }
    }
    fn expected(&self, _: [f64; 2]) -> Option<f64> {
        Some(self.n as f64)
    }
    fn draw(&self, pairs: &Pairs) -> Result<Lists, NetworkError> {
        if !self.multapses {
            return self.distinct(pairs);
        }
        // Each target is as likely as any other, and so is each of its sources.
        let count: Vec<AtomicU32> = (0..pairs.targets).map(|_| AtomicU32::new(0)).collect();
        (0..self.n).into_par_iter().for_each(|draw| {
            let target = pairs.stream.below(pairs.targets, ALL, draw) as usize;
            count[target].fetch_add(1, Ordering::Relaxed);
        });
        pairs.lists(pairs.targets, |target, list| {
            let k = count[target as usize].load(Ordering::Relaxed).into();
            let skip = pairs.skip(self.autapses, target);
            partners(&pairs.stream, target, pairs.sources, k, true, skip, list);
        })
    }
}

impl FixedTotalNumber {
    /// Different pairs. They are drawn until there are enough different ones; where more than half are wanted, those
    /// to be left out are drawn.
    fn distinct(&self, of: &Pairs) -> Result<Lists, NetworkError> {
        let choices = of.sources - u64::from(of.own && !self.autapses);
        let pairs = choices * of.targets;
        let without = self.n > pairs / 2;
        let wanted = if without { pairs - self.n } else { self.n };
        let (mut chosen, mut draws) = (Vec::<u64>::new(), 0);
        while (chosen.len() as u64) < wanted {
            // No more than are missing, so that none of those drawn would have to go again.
            let missing = wanted - chosen.len() as u64;
            let more = (draws..draws + missing).into_par_iter();
            chosen.par_extend(more.map(|draw| of.stream.below(pairs, ALL, draw)));
            draws += missing;
            chosen.par_sort();
            chosen.dedup();
        }
        of.lists(of.targets, |target, list| {
            let skip = of.skip(self.autapses, target);
            let source = |choice: u32| beyond(skip, choice.into()) as u32;
            let mut chosen = of_target(&chosen, target, choices).peekable();
            if without {
                let kept = (0..choices as u32).filter(|choice| chosen.next_if_eq(choice).is_none());
                list.extend(kept.map(source));
            } else {
                list.extend(chosen.map(source));
            }
        })
    }
}
