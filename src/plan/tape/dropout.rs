//! Dropout: in the program `train` each source of a projection is silent towards it for a whole presentation with
//! probability p, and what the others deliver is divided by 1 - p, so that its mean stays (Srivastava et al. 2014).
//!
//! No kernel of delivery knows of it. The program has a copy of what such sources send, without that of the silent, and
//! a copy of the weights, larger by 1 / (1 - p); whatever reads those weights gets both copies. On the way back
//! gradients by what was kept become gradients by all that the sources sent, of which those of the silent are 0.
//! Gradients by the larger weights become gradients by the weights in [`super::update`].
//!
//! Noise of weights is in such a copy too, with or without dropout.

use super::layout::Pop;
use super::*;
use crate::input::poisson::threshold;
use crate::kernel::spike_words;
use crate::rng::{Purpose, stream};
use crate::train::{disturb, drop_spikes, drop_values, scale};

impl Tapes<'_> {
    /// Makes the arrays of populations that send to projections with dropout, as these see them.
    pub(super) fn keep_sources(&mut self) {
        for k in 0..self.layout.pops.len() {
            if self.dropout(k) == 0.0 {
                continue;
            }
            let name = &self.network.populations[k].name;
            let mut kept = self.layout.pops[k];
            let len = self.layout.arrays[self.sent(k, &kept)].len;
            let array = format!("{name}.kept");
            match self.sends_values(k) {
                true => kept.values = self.layout.arrays.zero_reals(array, len),
                false => kept.spikes = self.layout.arrays.zero_words(array, len),
            }
            if kept.active {
                let len = self.layout.batch * self.layout.steps * kept.n;
                let array = format!("{name}.kept.cotangent");
                kept.cotangent = self.layout.arrays.zero_reals(array, len);
            }
            self.kept[k] = Some(kept);
        }
    }

    /// With which probability neurons of a population are silent.
    fn dropout(&self, k: usize) -> f64 {
        let outgoing = self.network.projections.iter().filter(|p| p.from == k);
        outgoing.map(|p| p.dropout).fold(0.0, f64::max)
    }

    /// The array with what a population sends.
    fn sent(&self, k: usize, pop: &Pop) -> ArrayId {
        match self.sends_values(k) {
            true => pop.values.id(),
            false => pop.spikes.id(),
        }
    }

    /// The source of a projection as the program `train` has it, without the silent or with their delays.
    pub(super) fn source(&self, index: usize) -> Pop {
        let projection = &self.network.projections[index];
        match self.kept[projection.from] {
            Some(kept) if projection.dropout > 0.0 => kept,
            _ => self.seen(index),
        }
    }

    /// Where gradients by what a projection gets lie, and whether there are some already.
    pub(super) fn cotangent_of(&mut self, index: usize) -> (Arg, bool) {
        let projection = &self.network.projections[index];
        if self.delayed[index].is_some()
            || self.released[index].is_some()
            || self.attended[index].is_some()
        {
            let seen = self.seen(index);
            return (each(seen.cotangent, self.layout.steps * seen.n), false);
        }
        if projection.dropout == 0.0 {
            return self.cotangent(projection.from);
        }
        let kept = self.source(index);
        (passing(kept.cotangent, self.layout.steps * kept.n), false)
    }

    /// Gradients by what a projection with dropout gets become gradients by what its source sends.
    pub(super) fn drop_back(&mut self, index: usize, launches: &mut Vec<Launch>) {
        let projection = &self.network.projections[index];
        if projection.dropout > 0.0 {
            let (kept, _) = self.cotangent_of(index);
            let (cotangent, filled) = self.cotangent(projection.from);
            let rows = self.layout.steps;
            launches.push(self.drop_values(projection.from, [kept, cotangent], rows, filled));
        }
    }

    fn drop_values(&self, k: usize, [from, to]: [Arg; 2], rows: usize, filled: bool) -> Launch {
        let n = self.layout.pops[k].n;
        let p = drop_values::DropValuesParams::<f64> {
            n: n as u32,
            rows: rows as u32,
            threshold: threshold(self.dropout(k)),
            stream: stream(Purpose::Dropout, k as u32),
            accumulate: u32::from(filled),
        };
        let args = vec![from, each(self.layout.input.presentation, 1), to];
        let name = &self.network.populations[k].name;
        self.by_sample(&drop_values::KERNEL, name, p.words(), args, n)
    }

    /// Copies what a population sends, but for what its silent neurons do.
    fn drop_sent(&self, k: usize, [from, to]: [ArrayId; 2]) -> Launch {
        let pop = self.layout.pops[k];
        let rows = match self.network.populations[k].is_constant() {
            true => 1,
            false => pop.history + self.layout.steps,
        };
        if self.sends_values(k) {
            let args = [from, to].map(|array| each(array, rows * pop.n));
            return self.drop_values(k, args, rows, false);
        }
        let p = drop_spikes::DropSpikesParams::<f64> {
            n: pop.n as u32,
            rows: rows as u32,
            threshold: threshold(self.dropout(k)),
            stream: stream(Purpose::Dropout, k as u32),
        };
        let words = spike_words(pop.n);
        let [from, to] = [from, to].map(|array| each(array, rows * words));
        let args = vec![from, each(self.layout.input.presentation, 1), to];
        let name = &self.network.populations[k].name;
        self.by_sample(&drop_spikes::KERNEL, name, p.words(), args, words)
    }

    /// Makes the copies in a program, and lets whatever reads weights of projections with dropout or noise use them.
    pub(super) fn drop_out(&mut self, stages: &mut Vec<Stage>) {
        let network = self.network;
        let mut scales = Vec::new();
        for (index, projection) in network.projections.iter().enumerate() {
            let noise = self.training.noise.map_or(0.0, |noise| noise.weights);
            let noise = if projection.learn { noise * projection.unit } else { 0.0 };
            if projection.dropout == 0.0 && noise == 0.0 {
                continue;
            }
            let copies = self.copies(projection.from).filter(|_| projection.dropout > 0.0);
            let weights = self.layout.ports.weights[index].arrays();
            for (tile, weights) in weights.into_iter().enumerate() {
                let (name, len) = (&projection.name, self.layout.arrays[weights].len);
                let scaled = self.layout.arrays.zero_reals(format!("{name}.scaled.{tile}"), len);
                let (count, factor) = (len as u32, projection.gain());
                let mut args = vec![each(weights, 1), each(scaled, 1)];
                let (kernel, params): (&'static Kernel, _) = if noise > 0.0 {
                    args.insert(0, whole(self.layout.input.presentation));
                    let p = disturb::DisturbParams::<f64> {
                        count,
                        tile: tile as u32,
                        stream: stream(Purpose::WeightNoise, index as u32),
                        factor,
                        deviation: noise,
                        floor: self.floor(weights),
                    };
                    (&disturb::KERNEL, p.words())
                } else {
                    (&scale::KERNEL, scale::ScaleParams::<f64> { count, factor }.words())
                };
                scales.push(by_element(kernel, name, params, args, len));
                let launches = stages.iter_mut().flat_map(Stage::launches_mut);
                for launch in launches.filter(|launch| launch.uses_array(weights)) {
                    for arg in &mut launch.args {
                        let exchanged = [Some((weights.id(), scaled.id())), copies];
                        let copy = exchanged.iter().flatten().find(|(of, _)| *of == arg.array);
                        arg.array = copy.map_or(arg.array, |(_, copy)| *copy);
                    }
                }
            }
        }
        // A copy is made as soon as it is needed, which is after what it is of.
        for k in 0..network.populations.len() {
            let Some((sent, copy)) = self.copies(k) else { continue };
            let launch = self.drop_sent(k, [sent, copy]);
            let first = stages.iter_mut().map(Stage::launches_mut).find_map(|launches| {
                let at = launches.iter().position(|launch| launch.uses_array(copy))?;
                Some((launches, at))
            });
            if let Some((launches, at)) = first {
                launches.insert(at, launch);
            }
        }
        stages.insert(0, Stage::Whole(scales));
    }

    /// What a population sends, and the copy without that of its silent neurons, if there is one.
    fn copies(&self, k: usize) -> Option<(ArrayId, ArrayId)> {
        Some((self.sent(k, &self.layout.pops[k]), self.sent(k, &self.kept[k]?)))
    }
}
