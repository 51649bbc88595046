//! Given spikes on the grid of steps: which fall together, which move, which come too late.

/// Part of a step by which a multiple of it may be off in its last digits; a part of the number of steps
/// comes to it, for times that were added up.
const TOLERANCE: [f64; 2] = [1e-6, 1e-12];

/// Mean number of events per step above which single draws in each step are no Poisson process.
const MOST_PER_STEP: f64 = 0.1;

/// The time at which something happens that a scene puts at `time`, if that is another \[ms\].
pub fn moved(time: f64, dt: f64) -> Option<f64> {
    let (steps, whole) = (time / dt, (time / dt).round());
    ((steps - whole).abs() > TOLERANCE[0] + TOLERANCE[1] * whole).then(|| rounded(whole * dt))
}

/// The same in words.
pub fn moved_to(time: f64, dt: f64) -> Option<String> {
    let used = moved(time, dt)?;
    Some(format!("{time} ms is not a multiple of dt = {dt} ms, {used} ms is used"))
}

/// A time without what multiplying by a step leaves behind its last digit.
fn rounded(ms: f64) -> f64 {
    (ms * 1e9).round() / 1e9
}

/// What is wrong with a Poisson source of that rate \[Hz\], which spikes at most once per step.
pub fn not_poisson(rate: f64, dt: f64) -> Option<String> {
    let mean = rate * dt * 1e-3;
    (mean > MOST_PER_STEP * (1.0 + 1e-9)).then(|| {
        format!(
            "at {rate} Hz a source spikes in a step of {dt} ms with probability {mean:.3}, and never twice: \
             above {MOST_PER_STEP} its spikes are more regular than a Poisson process; lower `simulation.dt`, \
             or use more sources of a lower rate"
        )
    })
}

/// How many spikes something happens to, and to which first: source, number among its spikes.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    count: usize,
    first: Option<(usize, usize)>,
}

impl Tally {
    fn add(&mut self, spike: (usize, usize)) {
        self.count += 1;
        self.first.get_or_insert(spike);
    }
}

/// What becomes of given spikes on a grid.
#[derive(Debug)]
pub struct OnGrid<'t> {
    times: &'t [Vec<f64>],
    dt: f64,
    end: Option<f64>,
    merged: Tally,
    moved: Tally,
    late: Tally,
}

impl<'t> OnGrid<'t> {
    /// What to do where spikes fall together.
    pub const HELP: &'static str =
        "lower `simulation.dt` until each spike has a step of its own, or leave spikes out";

    /// Ascending times of each source \[ms\], on steps of `dt` that end at `end`.
    pub fn new(times: &'t [Vec<f64>], dt: f64, end: Option<f64>) -> Self {
        let [mut merged, mut moves, mut late] = [Tally::default(); 3];
        for (source, times) in times.iter().enumerate() {
            for (k, t) in times.iter().enumerate() {
                if k > 0 && step(times[k - 1], dt) == step(*t, dt) {
                    merged.add((source, k));
                }
                if moved(*t, dt).is_some() {
                    moves.add((source, k));
                }
                if end.is_some_and(|end| step(*t, dt) >= (end / dt).round() as u64) {
                    late.add((source, k));
                }
            }
        }
        Self { times, dt, end, merged, moved: moves, late }
    }

    /// The steps at whose end the spikes of each source fall.
    pub fn steps(&self) -> Vec<Vec<u64>> {
        let steps = |times: &Vec<f64>| times.iter().map(|t| step(*t, self.dt)).collect();
        self.times.iter().map(steps).collect()
    }

    /// The first spike that falls into the step of the one before, and what is lost; nothing may be.
    pub fn merged(&self) -> Option<((usize, usize), String)> {
        let (source, k) = self.merged.first?;
        let (times, dt) = (&self.times[source], self.dt);
        let ends = rounded((step(times[k], dt) + 1) as f64 * dt);
        let message = format!(
            "spikes of source {source} at {} and {} ms fall into one step, that which ends at {ends} ms, and \
             would be one; of {} spikes {} would be lost at dt = {dt} ms",
            times[k - 1],
            times[k],
            self.count(),
            self.merged.count,
        );
        Some(((source, k), message))
    }

    /// What else does not happen as it is given.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let all = self.count();
        let moved = self.moved.first.map(|(source, k)| {
            let (t, dt) = (self.times[source][k], self.dt);
            let used = rounded((step(t, dt) + 1) as f64 * dt);
            format!(
                "{} of {all} spikes are not at multiples of dt = {dt} ms; the first of them, at {t} ms of \
                 source {source}, comes at {used} ms",
                self.moved.count
            )
        });
        let late = self.late.first.zip(self.end).map(|((source, k), end)| {
            format!(
                "{} of {all} spikes come after the end at {end} ms, and never happen; the first of them at {} ms \
                 of source {source}",
                self.late.count, self.times[source][k]
            )
        });
        moved.into_iter().chain(late)
    }

    fn count(&self) -> usize {
        self.times.iter().map(Vec::len).sum()
    }
}

/// The step at whose end a spike falls: that which ends nearest to its time, at least the first.
fn step(time: f64, dt: f64) -> u64 {
    ((time / dt).round() as u64).max(1) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spikes_find_their_steps() {
        let times = [vec![0.1, 0.30000000000000004, 12.7], vec![], vec![1e5]];
        let grid = OnGrid::new(&times, 0.1, Some(2e5));
        assert_eq!(grid.steps(), [vec![0, 2, 126], vec![], vec![999_999]]);
        assert!(grid.merged().is_none());
        assert_eq!(grid.warnings().count(), 0);
    }

    #[test]
    fn what_is_lost_moved_or_late_is_counted_and_named() {
        let times = [vec![1.0], vec![1.6, 2.4, 5.2, 5.4, 11.0, 12.0]];
        let grid = OnGrid::new(&times, 1.0, Some(10.0));
        let ((source, k), message) = grid.merged().unwrap();
        assert_eq!((source, k), (1, 1));
        for words in ["source 1 at 1.6 and 2.4 ms", "ends at 2 ms", "of 7 spikes 2 would be lost"] {
            assert!(message.contains(words), "{message}");
        }
        let warnings: Vec<_> = grid.warnings().collect();
        assert!(warnings[0].starts_with("4 of 7 spikes are not at multiples"), "{warnings:?}");
        assert!(warnings[0].contains("at 1.6 ms of source 1, comes at 2 ms"), "{warnings:?}");
        assert!(warnings[1].starts_with("2 of 7 spikes come after the end"), "{warnings:?}");
        // Nothing happens before the end of the first step.
        let times = [vec![0.2]];
        let early = OnGrid::new(&times, 1.0, None);
        assert!(early.warnings().next().unwrap().contains("comes at 1 ms"));
        // A spike at the very end is one of the last step.
        let times = [vec![10.0]];
        assert_eq!(OnGrid::new(&times, 1.0, Some(10.0)).warnings().count(), 0);
    }
}
