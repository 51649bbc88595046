//! Statistics of the spikes of a population, gathered spike by spike in memory that does not grow
//! with time.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Bins of the population count over time; when a run outgrows them, neighbours are merged.
const MAX_BINS: usize = 4096;
/// Width of these bins at first \[ms\].
const BIN_MS: f64 = 1.0;
/// Width of the bins of the Fano factor \[ms\].
const FANO_BIN_MS: f64 = 5.0;
/// Neurons, evenly spread over the population, that stand for it in a raster.
const ROWS: usize = 200;
/// Spikes of these neurons that are kept; a raster of more would be a grey area.
const RASTER: usize = 6_000;
/// Spikes of traced neurons that are kept.
const TRACED: usize = 20_000;
/// Bins of the histogram of intervals per doubling of their length.
const PER_OCTAVE: u64 = 16;

/// Statistics of the spikes of a population.
///
/// Memory is bounded: some words per neuron, and a number of bins and of latest spikes that does
/// not depend on the length of the run. Nothing counts before a first step, so that a transient may be left out.
/// A step k lasts from k dt to (k + 1) dt, and its spikes are
/// dated (k + 1) dt. Methods that need the length of the run are told its steps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SpikeStatistics {
    /// Number of spikes.
    pub spikes: u64,
    /// Time step \[ms\].
    dt: f64,
    /// First step that counts.
    start: u64,
    neurons: Vec<Neuron>,
    /// Population counts over time.
    counts: Counts,
    fano: Fano,
    /// Intervals by length; see [`bin`].
    intervals: Vec<u64>,
    raster: Latest,
    traced: Latest,
}

/// The latest spikes of some neurons, as many as there is room for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Latest {
    room: usize,
    from: u64,
    spikes: VecDeque<(u64, u32)>,
}

/// A bin of the histogram of intervals between spikes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IntervalBin {
    /// Shortest interval \[ms\].
    pub from: f64,
    /// End of the bin, not part of it \[ms\].
    pub to: f64,
    /// Number of intervals.
    pub count: u64,
}

/// Spikes of one neuron. The sum of its intervals is the time between its first and last spike.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Neuron {
    spikes: u64,
    /// Step of the first spike.
    first: u64,
    /// Step of the last spike.
    last: u64,
    /// Sum of the squares of its intervals \[steps²\].
    squares: f64,
    /// Whether its spikes go into those of traced neurons.
    traced: bool,
}

/// Counts in bins over time, wide enough not to be too many.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Counts {
    /// Width of a bin \[steps\].
    width: u64,
    /// Up to the last bin with a spike.
    bins: Vec<u64>,
}

/// Sum of the squares of counts in bins of one width.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Fano {
    /// Width of a bin \[steps\].
    width: u64,
    /// The bin of the last spike.
    bin: u64,
    /// Spikes in this bin so far.
    count: u64,
    /// Sum of the squares of the counts of earlier bins.
    squares: f64,
}

/// The mean of some numbers, if there are any.
fn mean(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = numbers.fold((0u64, 0.0), |(n, s), x| (n + 1, s + x));
    (count > 0).then(|| sum / count as f64)
}

impl Neuron {
    fn cv(&self) -> Option<f64> {
        let intervals = self.spikes.checked_sub(1).filter(|intervals| *intervals >= 2)? as f64;
        let mean = (self.last - self.first) as f64 / intervals;
        let variance = self.squares / intervals - mean * mean;
        (mean > 0.0).then(|| variance.max(0.0).sqrt() / mean)
    }
}

impl SpikeStatistics {
    /// Of `size` neurons and steps of `dt` ms, before any spike.
    pub fn new(size: usize, dt: f64) -> Self {
        Self::from_step(0, size, dt)
    }

    /// The same, of spikes from step `start` on.
    pub fn from_step(start: u64, size: usize, dt: f64) -> Self {
        let steps = |ms: f64| ((ms / dt).round() as u64).max(1);
        Self {
            spikes: 0,
            dt,
            start,
            neurons: vec![Neuron::default(); size],
            counts: Counts { width: steps(BIN_MS), bins: Vec::new() },
            fano: Fano { width: steps(FANO_BIN_MS), bin: 0, count: 0, squares: 0.0 },
            intervals: Vec::new(),
            raster: Latest::new(RASTER, start),
            traced: Latest::new(TRACED, start),
        }
    }

    /// Keeps the latest spikes of this neuron, to mark them on its trace.
    ///
    /// # Panics
    /// If the population has no such neuron.
    pub fn trace(&mut self, neuron: u32) {
        self.neurons[neuron as usize].traced = true;
    }

    /// Adds a spike. Steps never decrease from one spike to the next.
    ///
    /// # Panics
    /// If the population has no such neuron.
    pub fn add(&mut self, step: u64, neuron: u32) {
        let Some(counted) = step.checked_sub(self.start) else { return };
        self.spikes += 1;
        self.counts.add(counted);
        self.fano.add(counted);
        let own = &mut self.neurons[neuron as usize];
        if own.spikes == 0 {
            own.first = step;
        } else {
            let interval = step - own.last;
            own.squares += (interval as f64).powi(2);
            let bin = bin(interval);
            if bin >= self.intervals.len() {
                self.intervals.resize(bin + 1, 0);
            }
            self.intervals[bin] += 1;
        }
        own.spikes += 1;
        own.last = step;
        if own.traced {
            self.traced.add(step, neuron);
        }
        if (neuron as usize).is_multiple_of(self.stride()) {
            self.raster.add(step, neuron);
        }
    }

    /// Whether these can be what `fresh` statistics, before any spike, become within so many steps. What is
    /// read from a file need not be.
    pub fn can_follow(&self, fresh: &Self, steps: u64) -> bool {
        let alike = |(own, fresh): (&Neuron, &Neuron)| {
            own.traced == fresh.traced
                && own.squares.is_finite()
                && (own.spikes == 0 || own.first <= own.last && own.last < steps)
        };
        let latest = |own: &Latest, fresh: &Latest| {
            own.room == fresh.room
                && own.spikes.len() <= own.room
                && own.spikes.iter().all(|(step, id)| *step < steps && (*id as usize) < self.size())
        };
        let total = self.neurons.iter().try_fold(0u64, |sum, own| sum.checked_add(own.spikes));
        let most = steps.saturating_mul(self.size() as u64);
        self.dt == fresh.dt
            && self.size() == fresh.size()
            && self.neurons.iter().zip(&fresh.neurons).all(alike)
            && total == Some(self.spikes)
            && self.spikes <= most
            && self.counts.width >= fresh.counts.width
            && self.counts.bins.len() <= MAX_BINS
            && self.counts.bins.iter().all(|count| *count <= most)
            && self.fano.width == fresh.fano.width
            && self.fano.count <= most
            && self.fano.squares.is_finite()
            && self.intervals.len() <= bin(steps) + 1
            && self.intervals.iter().all(|count| *count <= most)
            && latest(&self.raster, &fresh.raster)
            && latest(&self.traced, &fresh.traced)
    }

    /// Number of neurons.
    pub fn size(&self) -> usize {
        self.neurons.len()
    }

    /// Time step \[ms\].
    pub fn dt(&self) -> f64 {
        self.dt
    }

    /// Number of spikes of each neuron.
    pub fn counts(&self) -> impl Iterator<Item = u64> + Clone {
        self.neurons.iter().map(|neuron| neuron.spikes)
    }

    /// Time that counts of a run of so many steps \[s\].
    pub fn seconds(&self, steps: u64) -> f64 {
        steps.saturating_sub(self.start) as f64 * self.dt * 1e-3
    }

    /// Mean rate of a neuron \[Hz\]; `None` without neurons or time.
    pub fn rate(&self, steps: u64) -> Option<f64> {
        let seconds = self.seconds(steps) * self.size() as f64;
        (seconds > 0.0).then(|| self.spikes as f64 / seconds)
    }

    /// Coefficient of variation of the intervals between spikes of each neuron with at least three
    /// spikes: 0 for a clock, 1 for a Poisson process.
    pub fn cvs(&self) -> impl Iterator<Item = f64> {
        self.neurons.iter().filter_map(Neuron::cv)
    }

    /// Mean of [`Self::cvs`]; `None` if there are none.
    pub fn cv_isi(&self) -> Option<f64> {
        mean(self.cvs())
    }

    /// Spikes of each of so many groups of the same size, and the mean of their [`Self::cvs`].
    pub fn parts(&self, groups: usize) -> impl Iterator<Item = (u64, Option<f64>)> {
        let parts = self.neurons.chunks((self.size() / groups.max(1)).max(1));
        parts.map(|neurons| {
            let spikes = neurons.iter().map(|neuron| neuron.spikes).sum();
            (spikes, mean(neurons.iter().filter_map(Neuron::cv)))
        })
    }

    /// Fano factor, variance divided by mean, of the spikes of the whole population in bins of
    /// [`Self::fano_bin`]: 1 if its neurons are independent Poisson processes, more the more they
    /// fire together. `None` with less than two bins or no spike in them.
    pub fn fano(&self, steps: u64) -> Option<f64> {
        // Only whole bins count; the last spikes may be beyond them.
        let bins = steps.saturating_sub(self.start) / self.fano.width;
        let open = self.fano.count as f64;
        let (sum, squares) = if self.fano.bin < bins {
            (self.spikes as f64, self.fano.squares + open * open)
        } else {
            (self.spikes as f64 - open, self.fano.squares)
        };
        let mean = sum / bins as f64;
        (bins > 1 && sum > 0.0).then(|| (squares / bins as f64 - mean * mean).max(0.0) / mean)
    }

    /// Width of the bins of the Fano factor \[ms\]: about 5 ms, a whole number of steps.
    pub fn fano_bin(&self) -> f64 {
        self.fano.width as f64 * self.dt
    }

    /// Mean rate of a neuron over time, in at most `bins` bins of the same width, about 1 ms at
    /// least; the last one also takes what remains. Each is (start \[ms\], rate \[Hz\]).
    pub fn rate_over_time(&self, steps: u64, bins: usize) -> Vec<(f64, f64)> {
        let steps = steps.saturating_sub(self.start);
        if self.neurons.is_empty() || steps == 0 {
            return Vec::new();
        }
        let merged = steps.div_ceil(self.counts.width).div_ceil(bins.max(1) as u64);
        let width = merged * self.counts.width;
        let last = (steps / width).max(1) - 1;
        let rate = |k| {
            let (taken, length) = match k == last {
                true => (usize::MAX, steps - k * width),
                false => (merged as usize, width),
            };
            let counts = self.counts.bins.iter().skip((k * merged) as usize).take(taken);
            let seconds = length as f64 * self.dt * 1e-3 * self.size() as f64;
            ((self.start + k * width) as f64 * self.dt, counts.sum::<u64>() as f64 / seconds)
        };
        (0..=last).map(rate).collect()
    }

    /// Histogram of the intervals between spikes of the same neuron, from the shortest to the
    /// longest. Bins are 1 step wide up to 32 steps; above, a sixteenth of an octave.
    pub fn intervals(&self) -> Vec<IntervalBin> {
        let bins = self.intervals.iter().enumerate().skip_while(|(_, count)| **count == 0);
        let edge = |k| edge(k) as f64 * self.dt;
        bins.map(|(k, &count)| IntervalBin { from: edge(k), to: edge(k + 1), count }).collect()
    }

    /// The latest spikes of every [`Self::stride`]th neuron.
    pub fn raster(&self) -> &Latest {
        &self.raster
    }

    /// Distance of the neurons in [`Self::raster`], so that there are at most 200.
    pub fn stride(&self) -> usize {
        self.size().div_ceil(ROWS).max(1)
    }

    /// The latest spikes of the neurons that were named to [`Self::trace`].
    pub fn traced(&self) -> &Latest {
        &self.traced
    }
}

impl Latest {
    fn new(room: usize, from: u64) -> Self {
        Self { room, from, spikes: VecDeque::new() }
    }

    fn add(&mut self, step: u64, neuron: u32) {
        if self.spikes.len() == self.room
            && let Some((dropped, _)) = self.spikes.pop_front()
        {
            self.from = dropped + 1;
        }
        self.spikes.push_back((step, neuron));
    }

    /// The first step of which, and of all that follow, every spike is kept.
    pub fn from(&self) -> u64 {
        self.from
    }

    /// The spikes from this step on as (step, neuron), in the order of steps.
    pub fn spikes(&self) -> impl Iterator<Item = (u64, u32)> {
        self.spikes.iter().skip_while(|(step, _)| *step < self.from).copied()
    }
}

impl Counts {
    fn add(&mut self, step: u64) {
        while step / self.width >= MAX_BINS as u64 {
            self.bins = self.bins.chunks(2).map(|pair| pair.iter().sum()).collect();
            self.width *= 2;
        }
        let bin = (step / self.width) as usize;
        if bin >= self.bins.len() {
            self.bins.resize(bin + 1, 0);
        }
        self.bins[bin] += 1;
    }
}

impl Fano {
    fn add(&mut self, step: u64) {
        let bin = step / self.width;
        if bin != self.bin {
            self.squares += (self.count as f64).powi(2);
            self.count = 0;
            self.bin = bin;
        }
        self.count += 1;
    }
}

/// Index of the bin of an interval of so many steps. The steps of an octave are divided evenly,
/// but never below one, so that no bin stays empty for want of a whole number in it.
fn bin(interval: u64) -> usize {
    let octave = (interval / PER_OCTAVE).checked_ilog2().unwrap_or(0);
    (u64::from(octave) * PER_OCTAVE + (interval >> octave)) as usize
}

/// Shortest interval of a bin \[steps\].
fn edge(bin: usize) -> u64 {
    let octave = (bin as u64 / PER_OCTAVE).saturating_sub(1);
    (bin as u64 - octave * PER_OCTAVE) << octave
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Statistics of spikes given as (step, neuron).
    fn of(size: usize, dt: f64, spikes: impl IntoIterator<Item = (u64, u32)>) -> SpikeStatistics {
        let mut statistics = SpikeStatistics::new(size, dt);
        spikes.into_iter().for_each(|(step, neuron)| statistics.add(step, neuron));
        statistics
    }

    #[test]
    fn cv_of_known_trains() {
        // A clock, intervals 1 and 3 (mean 2, deviation 1), too few spikes, none.
        let spikes = [(0, 0), (0, 1), (1, 1), (1, 2), (4, 1), (5, 2), (10, 0), (20, 0), (30, 0)];
        let statistics = of(4, 1.0, spikes);
        assert_eq!(statistics.cvs().collect::<Vec<_>>(), [0.0, 0.5]);
        assert_eq!(statistics.cv_isi(), Some(0.25));
        assert_eq!(statistics.counts().collect::<Vec<_>>(), [4, 3, 2, 0]);
        assert_eq!(of(1, 1.0, [(1, 0), (2, 0)]).cv_isi(), None);
        assert_eq!(of(0, 1.0, []).cv_isi(), None);
    }

    #[test]
    fn statistics_that_cannot_be_are_told() {
        let fresh = of(3, 1.0, []);
        let good = of(3, 1.0, [(0, 0), (5, 0), (9, 2)]);
        assert!(good.can_follow(&fresh, 10) && fresh.can_follow(&fresh, 0));
        assert!(!good.can_follow(&fresh, 9), "a spike after the end");
        assert!(!good.can_follow(&of(4, 1.0, []), 10), "another size");
        type Change = fn(&mut SpikeStatistics);
        let changes: [Change; 8] = [
            |s| s.spikes += 1,
            |s| s.neurons[0].last = u64::MAX,
            |s| s.neurons[1].squares = f64::NAN,
            |s| s.counts.width = 0,
            |s| s.fano.width = 0,
            |s| s.intervals.resize(1000, 0),
            |s| s.raster.spikes.push_back((0, 3)),
            |s| s.traced.room = usize::MAX,
        ];
        for (k, change) in changes.into_iter().enumerate() {
            let mut bad = good.clone();
            change(&mut bad);
            assert!(!bad.can_follow(&fresh, 10), "change {k}");
        }
    }

    #[test]
    fn rate_is_per_neuron_and_second() {
        let statistics = of(2, 0.5, [(0, 0), (3, 1), (9, 1)]);
        assert_eq!((statistics.spikes, statistics.rate(1000)), (3, Some(3.0)));
        assert_eq!(statistics.rate(0), None);
        assert_eq!(of(0, 0.5, []).rate(1000), None);
    }

    #[test]
    fn a_transient_does_not_count() {
        let spikes = [(0, 0), (1, 0), (99, 1), (100, 0), (103, 0), (106, 0)];
        let mut late = SpikeStatistics::from_step(100, 2, 1.0);
        spikes.iter().for_each(|(step, neuron)| late.add(*step, *neuron));
        assert_eq!((late.spikes, late.rate(200)), (3, Some(15.0)));
        assert_eq!((late.rate(100), late.cv_isi()), (None, Some(0.0)));
        assert_eq!(late.counts().collect::<Vec<_>>(), [3, 0]);
        assert_eq!(late.raster().from(), 100);
        let rates = late.rate_over_time(200, 10);
        assert_eq!((rates.len(), rates[0], rates[9]), (10, (100.0, 150.0), (190.0, 0.0)));
        // The same from the start of a run that begins so late.
        let early = of(2, 1.0, [(0, 0), (3, 0), (6, 0)]);
        assert_eq!((late.fano(200), late.intervals()), (early.fano(100), early.intervals()));
    }

    #[test]
    fn fano_of_known_counts() {
        // Steps of 1 ms in bins of 5: counts 2, 0, 1, 1 have mean 1 and variance 1/2.
        let spikes = [(0, 0), (4, 0), (10, 0), (19, 0)];
        assert_eq!(of(1, 1.0, spikes).fano(20), Some(0.5));
        // A bin that is not over does not count: 2, 0, 1 have mean 1 and variance 2/3.
        let fano = of(1, 1.0, spikes).fano(19).unwrap_or_default();
        assert!((fano - 2.0 / 3.0).abs() < 1e-15, "{fano}");
        // Nor does one without a spike disappear: 2, 0, 1, 1, 0, 0, 0, 0 have variance 1/2.
        assert_eq!(of(1, 1.0, spikes).fano(40), Some(1.0));
        assert_eq!(of(1, 1.0, spikes).fano(9), None);
        assert_eq!(of(1, 1.0, []).fano(20), None);
        // Equal counts have no variance.
        assert_eq!(of(1, 0.1, (0..500).map(|step| (step, 0))).fano(500), Some(0.0));
        assert_eq!(of(1, 0.1, []).fano_bin(), 5.0);
    }

    #[test]
    fn intervals_find_their_bins() {
        for k in 0..400 {
            assert_eq!(bin(edge(k)), k);
            assert_eq!(bin(edge(k + 1) - 1), k);
            let width = edge(k + 1) - edge(k);
            assert!(width == 1 || 16 * width <= edge(k), "bin {k} is {width} steps wide");
        }
        assert!(bin(u64::MAX) < 1000);
        // Intervals of 3, 3, 40 and 41 steps of half a millisecond.
        let statistics = of(2, 0.5, [(0, 0), (3, 0), (6, 0), (6, 1), (46, 0), (47, 1)]);
        let bins = statistics.intervals();
        assert_eq!(bins[0], IntervalBin { from: 1.5, to: 2.0, count: 2 });
        assert_eq!(bins.last(), Some(&IntervalBin { from: 20.0, to: 21.0, count: 2 }));
        assert_eq!(bins.iter().map(|bin| bin.count).sum::<u64>(), 4);
        assert!(bins.windows(2).all(|pair| pair[0].to == pair[1].from));
    }

    #[test]
    fn rate_over_time_counts_all_spikes() {
        // 100 steps of 1 ms in at most 10 bins; all spikes are in the second and the last.
        let statistics = of(2, 1.0, [(10, 0), (19, 1), (99, 0)]);
        let rates = statistics.rate_over_time(100, 10);
        assert_eq!(rates.len(), 10);
        assert_eq!((rates[0], rates[1], rates[9]), ((0.0, 0.0), (10.0, 100.0), (90.0, 50.0)));
        // The last bin is longer by what does not fill one.
        let every_step = of(1, 1.0, (0..101).map(|step| (step, 0)));
        let rates = every_step.rate_over_time(101, 50);
        assert_eq!(rates.len(), 33);
        assert!(rates.iter().all(|&(_, hz)| (hz - 1000.0).abs() < 1e-9), "{rates:?}");
        assert_eq!(every_step.rate_over_time(100, 1).len(), 1);
        // A run shorter than a bin.
        assert_eq!(of(1, 0.1, [(0, 0)]).rate_over_time(5, 400), [(0.0, 2000.0)]);
        assert!(of(1, 1.0, []).rate_over_time(0, 400).is_empty());
        assert!(of(0, 1.0, []).rate_over_time(9, 400).is_empty());
    }

    #[test]
    fn a_long_run_keeps_totals_and_memory() {
        // One spike every 7 steps of 0.1 ms, by 3 neurons in turn, over 10^7 steps.
        const STEPS: u64 = 10_000_000;
        let statistics = of(3, 0.1, (0..STEPS / 7).map(|k| (7 * k, (k % 3) as u32)));
        assert_eq!(statistics.spikes, STEPS / 7);
        assert_eq!(statistics.counts.bins.iter().sum::<u64>(), STEPS / 7);
        assert!(statistics.counts.bins.len() <= MAX_BINS);
        assert!(statistics.intervals.len() < 1000);
        assert_eq!(statistics.raster.spikes.len(), RASTER);
        // Bins of the population count have grown; intervals are as exact as ever.
        assert_eq!(statistics.cv_isi(), Some(0.0));
        let rates = statistics.rate_over_time(STEPS, 400);
        assert!((200..=400).contains(&rates.len()), "{} bins", rates.len());
        for (start, hz) in rates {
            assert!((hz / (1e4 / 21.0) - 1.0).abs() < 1e-3, "{hz} Hz at {start} ms");
        }
    }

    #[test]
    fn the_latest_spikes_are_complete() {
        // All of 1000 neurons in every step; every fifth stands for them, number 1 is traced.
        let mut statistics = SpikeStatistics::new(1000, 1.0);
        statistics.trace(1);
        for step in 0..50 {
            (0..1000).for_each(|neuron| statistics.add(step, neuron));
        }
        assert_eq!(statistics.stride(), 5);
        // Room for 6,000 spikes is that of 30 steps, the first of which one more spike would cut.
        assert_eq!(statistics.raster().from(), 20);
        let expected = (20..50).flat_map(|step| (0..200).map(move |row| (step, 5 * row)));
        assert!(statistics.raster().spikes().eq(expected.clone()));
        statistics.add(50, 0);
        assert_eq!(statistics.raster().from(), 21);
        assert!(statistics.raster().spikes().eq(expected.skip(200).chain([(50, 0)])));
        assert_eq!(statistics.traced().from(), 0);
        assert!(statistics.traced().spikes().eq((0..50).map(|step| (step, 1))));
    }
}
