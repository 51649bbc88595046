//! Patterns: which sources are of each, which of these are shown, and when they spike.
//!
//! A pattern is a permutation of all sources, drawn from the seed, whose first `active` ones are of it. What is erased are
//! the first of these; what is swapped in are the first after them. So a pattern is the same whatever becomes of it, and
//! however many there are.

use crate::rng::{Purpose, Stream};
use crate::scene::{self, Model, Scene};

/// The patterns of a population of sources.
#[derive(Debug)]
pub struct Patterns<'s> {
    word: &'s scene::Patterns,
    sources: u32,
    dt: f64,
    seed: u64,
    /// Place of the population in the scene.
    index: u32,
}

impl<'s> Patterns<'s> {
    /// Those of the population of that name, if it shows some.
    pub fn of(scene: &'s Scene, name: &str) -> Option<Self> {
        let index = scene.populations.iter().position(|(known, _)| known == name)?;
        let population = &scene.populations[index].1;
        let Model::Patterns(word) = &population.model else { return None };
        Some(Self {
            word,
            sources: population.size as u32,
            dt: scene.simulation.dt.get(),
            seed: scene.simulation.seed,
            index: index as u32,
        })
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
    pub(super) fn spikes(&self) -> Vec<Vec<u64>> {
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

    fn steps(&self, time: scene::Quantity<scene::Ms>) -> u64 {
        (time.get() / self.dt).round() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Kind, build};
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
        let members = sets(&Patterns::of(&whole, "cue").unwrap().members());
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
            let same = Patterns::of(&scene, "cue").unwrap().members();
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
