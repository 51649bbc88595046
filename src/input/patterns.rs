//! Patterns: which sources are of each, which of these are shown, and when they spike.
//!
//! A pattern is a permutation of all sources, drawn from the seed, whose first `active` ones are of it. What is erased are
//! the first of these; what is swapped in are the first after them. So a pattern is the same whatever becomes of it, and
//! however many there are.

use super::poisson_source::check_process;
use super::source::{Emit, InputError, MOST_GIVEN, Making, Sends, Setting};
use crate::declare;
use crate::grammar::{Hz, Judge, Ms, Quantity, TOLERANCE};
use crate::neuron::model::Drawn;
use crate::rng::{Purpose, Stream};

declare! {
    /// Patterns, random sets of the sources, drawn from the seed. Each has a trial of its own, one after the other from the
    /// begin of the run. In it the sources of the pattern spike for some time, as independent Poisson trains; all others
    /// are silent.
    pub struct Patterns {
        /// Number of patterns.
        n: u64 [Count];
        /// Sources of a pattern.
        active: u64 [Count];
        /// Rate of these while they are shown \[Hz\].
        rate: Quantity<Hz> [NotNegative];
        /// Time from the begin of a trial to that of the next \[ms\].
        every: Quantity<Ms> [Duration];
        /// Time in its trial from which a pattern is shown \[ms\].
        start: Quantity<Ms> [Moment] = 0.0;
        /// How long it is shown \[ms\].
        hold: Quantity<Ms> [Duration];
        /// What is wrong with it when it is shown.
        corrupt: Option<Corrupt>;
    }
}

declare! {
    /// What is wrong with a pattern.
    #[derive(Copy)]
    pub enum Corrupt {
        /// This fraction of its sources is silent.
        Erase(f64) [Fraction];
        /// This fraction of its sources is silent, and as many others take their place.
        Swap(f64) [Fraction];
    }
}

impl Patterns {
    /// How many sources of a pattern are silent, and how many others take their place.
    pub fn corrupted(&self) -> [u64; 2] {
        let part = |fraction: f64| (fraction * self.active as f64).round() as u64;
        match self.corrupt {
            None => [0; 2],
            Some(Corrupt::Erase(fraction)) => [part(fraction), 0],
            Some(Corrupt::Swap(fraction)) => [part(fraction); 2],
        }
    }
}

impl Emit for Patterns {
    fn check(&self, path: &str, setting: &Setting, judge: &mut dyn Judge) {
        let (size, n, active, rate) = (setting.size, self.n, self.active, self.rate.get());
        // What an empty population breaks is not to be reported twice.
        if size == 0 {
            return;
        }
        check_process(&format!("{path}.rate"), rate, setting.dt, judge);
        let [_, swapped] = self.corrupted();
        if active > size {
            let message = format!("{active} sources of a pattern are more than there are, {size}");
            judge.fault(format!("{path}.active"), message);
        } else if swapped > size - active {
            let others = size - active;
            let message = format!("{swapped} others are to come in, and there are {others}");
            judge.fault(format!("{path}.corrupt"), message);
        }
        let [every, start, hold] = [self.every, self.start, self.hold].map(Quantity::get);
        let long = 1.0 + TOLERANCE;
        if start + hold > every * long {
            let shown = start + hold;
            let message =
                format!("it would end {shown} ms after the begin of a trial of {every} ms");
            judge.fault_with_help(format!("{path}.hold"), message, "lengthen `every`");
        } else if let Some(length) = setting.end
            && n as f64 * every > length * long
        {
            let all = n as f64 * every;
            let message =
                format!("{n} trials of {every} ms take {all} ms, and the run has {length} ms");
            let help = "lower `n` or `every`, or lengthen the run";
            judge.fault_with_help(format!("{path}.n"), message, help);
        }
        let spikes = n as f64 * active as f64 * rate * 1e-3 * hold;
        let drawn = (n as f64 * size as f64).max(spikes);
        if drawn > MOST_GIVEN {
            let message = format!(
                "{drawn:e} draws for {n} patterns of {size} sources are more than {MOST_GIVEN:e}"
            );
            judge.fault_with_help(format!("{path}.n"), message, "lower `n`, or shorten `hold`");
        }
    }
    fn is_given(&self) -> bool {
        true
    }
    fn make(
        &self,
        Making { index, dt, seed, .. }: Making,
        drawn: &Drawn,
        _: &mut dyn FnMut(String, String),
    ) -> Result<Sends, InputError> {
        Ok(Sends::Spikes(Trials::new(self, drawn.size, index, (dt, seed)).spikes()))
    }
}

/// Patterns as a population of sources shows them.
#[derive(Debug)]
pub struct Trials<'s> {
    word: &'s Patterns,
    sources: u32,
    dt: f64,
    seed: u64,
    /// Place of the population in the scene.
    index: u32,
}

impl<'s> Trials<'s> {
    /// Those of so many sources, the population at `index` of the scene.
    pub fn new(word: &'s Patterns, sources: usize, index: u32, (dt, seed): (f64, u64)) -> Self {
        Self { word, sources: sources as u32, dt, seed, index }
    }

    /// Steps from the begin of a trial to the next.
    pub fn every(&self) -> u64 {
        self.steps(self.word.every)
    }

    /// The sources of each pattern, whether they are shown or not.
    pub fn members(&self) -> Vec<Vec<u32>> {
        let active = self.word.active as usize;
        self.orders().map(|order| order[..active].to_vec()).collect()
    }

    /// Steps at whose end each source spikes.
    fn spikes(&self) -> Vec<Vec<u64>> {
        let stream = Stream::new(self.seed, Purpose::Input, self.index);
        let [erased, swapped] = self.word.corrupted().map(|count| count as usize);
        let shown = erased..self.word.active as usize + swapped;
        let probability = self.word.rate.get() * 1e-3 * self.dt;
        let (start, hold) = (self.steps(self.word.start), self.steps(self.word.hold));
        let mut spikes = vec![Vec::new(); self.sources as usize];
        for (order, trial) in self.orders().zip(0..) {
            let first = trial * self.every() + start;
            for source in &order[shown.clone()] {
                let is_spike = |step: &u64| stream.uniform((*source).into(), *step) < probability;
                spikes[*source as usize].extend((first..first + hold).filter(is_spike));
            }
        }
        spikes
    }

    /// All sources in the order of each pattern.
    fn orders(&self) -> impl Iterator<Item = Vec<u32>> {
        let stream = Stream::new(self.seed, Purpose::Patterns, self.index);
        (0..self.word.n).map(move |k| stream.permutation(self.sources, k))
    }

    fn steps(&self, time: Quantity<Ms>) -> u64 {
        (time.get() / self.dt).round() as u64
    }
}

#[cfg(test)]
mod tests {
    use crate::network::{Kind, build};
    use crate::scene::{self, Scene};
    use std::collections::BTreeSet;
    use std::path::Path;

    /// A scene of 30 patterns of 20 among 100 sources, in trials of 50 ms, and what becomes of them.
    fn scene(corrupt: &str) -> Scene {
        let text = format!(
            "(version: 1, simulation: (dt: 0.5, duration: 1500, seed: 4), populations: {{
                \"cue\": (size: 100, model: Patterns(n: 30, active: 20, rate: 200, every: 50, start: 10,
                    hold: 20{corrupt})) }}, projections: [])"
        );
        scene::load_str("test.ron", &text, Path::new(""), &[]).unwrap_or_else(|e| panic!("{e}")).0
    }

    fn sets(members: &[Vec<u32>]) -> Vec<BTreeSet<u32>> {
        members.iter().map(|members| members.iter().copied().collect()).collect()
    }

    /// Sources that spike in each trial, and all spikes, none of which is out of place.
    fn shown(scene: &Scene) -> (Vec<BTreeSet<u32>>, usize) {
        let mut network = build(scene).unwrap();
        let Kind::Spikes(times) = network.populations.remove(0).kind else { panic!() };
        let mut trials = vec![BTreeSet::new(); 30];
        for (times, source) in times.iter().zip(0..) {
            assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
            for step in times {
                assert!((20..60).contains(&(step % 100)), "step {step}");
                trials[(step / 100) as usize].insert(source);
            }
        }
        (trials, times.iter().map(Vec::len).sum())
    }

    #[test]
    fn patterns_are_shown_whole_erased_and_swapped() {
        let whole = scene("");
        let members = sets(&whole.trials("cue").unwrap().members());
        assert!(members.iter().all(|pattern| pattern.len() == 20));
        assert_eq!(members.iter().collect::<BTreeSet<_>>().len(), 30, "two are the same");
        // Two patterns have 20 · 20 / 100 sources in common: the mean over 435 pairs is within five standard errors.
        let pairs = (0..30).flat_map(|a| (0..a).map(move |b| (a, b)));
        let common: usize = pairs.map(|(a, b)| members[a].intersection(&members[b]).count()).sum();
        let error = 5.0 * (20.0 * 0.2 * 0.8 * 80.0 / 99.0 / 435.0f64).sqrt();
        assert!((common as f64 / 435.0 - 4.0).abs() < error, "{common}");

        // Of 40 draws with a probability of 0.1 in each step a source that is shown has a spike but for 1.5 %.
        for (corrupt, kept, others) in
            [("", 20, 0), (", corrupt: Erase(0.4)", 12, 0), (", corrupt: Swap(0.4)", 12, 8)]
        {
            let scene = scene(corrupt);
            let same = scene.trials("cue").unwrap().members();
            assert_eq!(sets(&same), members, "{corrupt}: other patterns");
            let (trials, spikes) = shown(&scene);
            let (mut inside, mut outside) = (0, 0);
            for (trial, members) in trials.iter().zip(&members) {
                let own = trial.intersection(members).count();
                assert!(own <= kept && trial.len() - own <= others, "{corrupt}: {trial:?}");
                (inside, outside) = (inside + own, outside + trial.len() - own);
            }
            assert!(inside > 30 * kept * 94 / 100, "{corrupt}: {inside}");
            assert!(outside >= 30 * others * 94 / 100, "{corrupt}: {outside}");
            // Binomial: 30 trials of so many sources and 40 steps.
            let draws = (30 * (kept + others) * 40) as f64;
            let error = 5.0 * (draws * 0.1 * 0.9).sqrt();
            assert!((spikes as f64 - 0.1 * draws).abs() < error, "{corrupt}: {spikes}");
            assert_eq!(shown(&scene).0, trials, "not reproducible");
        }
    }
}
