//! The loop of all runs: windows one after the other, of steps, of a sample, of a batch.
//!
//! A run gives its device the next window, and looks at what earlier ones left while that is under way. From time to time it
//! is told to an observer, who may ask it to stop, and its state is saved. Before it is saved or stops, all windows that were
//! begun come to their end and are told. An epoch ends with a window of its own, which shows how the network does.

use crate::checkpoint::Store;
use crate::engine::Pending;
use crate::simulation::Recording;
use crate::train::Epoch;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How often the device is waited for, so that there is something to tell.
const TELL: Duration = Duration::from_millis(400);

/// How often the state is saved.
const SAVE: Duration = Duration::from_secs(20);

/// The time between two checkpoints is at least this many times what one takes.
const SHARE: u32 = 20;

/// What goes on window by window.
pub trait Run {
    /// Why it cannot go on, or its state not be saved.
    type Error;

    /// Gives the device the next window.
    fn begin(&mut self) -> Result<Begun, Self::Error>;

    /// Looks at what earlier windows left, as far as it is time: as there is no more room for it on the device, or the
    /// next window is under way. With `all` it is time for each of them, one call after the other. Whether there is then
    /// something to tell; once nothing is left to be looked at, there is not.
    fn settle(&mut self, all: bool) -> Result<bool, Self::Error>;

    /// What there is to tell.
    fn tell(&mut self) -> Result<Event<'_>, Self::Error>;

    /// Takes note of wall time \[s\] that went by, without that of checkpoints.
    fn spend(&mut self, seconds: f64);

    /// Saves the whole state, when no window is under way.
    fn save(&mut self, store: &Store) -> Result<(), Self::Error>;
}

/// What a run did when it was asked for its next window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// Nothing: there is no more, or it depends on what is not looked at yet.
    Nothing,
    /// The device has it.
    Window,
    /// An epoch came to its end, which is to be told.
    Epoch {
        /// Whether its state is to be saved whatever the time.
        save: bool,
    },
}

/// What a run tells its observer.
pub enum Event<'a> {
    /// A window of a simulation was done. Spikes and samples may be taken away.
    Steps(&'a mut Recording),
    /// Some batches were done.
    Batch {
        /// Samples of this epoch that are done.
        samples: u64,
        /// Samples of an epoch.
        of: u64,
        /// Mean loss so far, if there is one.
        loss: Option<f64>,
        /// Fraction of right answers so far, if there are classes.
        accuracy: Option<f64>,
    },
    /// An epoch was done.
    Epoch(&'a Epoch),
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// There is no more to do.
    Finished,
    /// The observer asked to stop; the state is saved.
    Interrupted,
}

/// Goes on with a run until it is finished or the observer answers false. What was under way by then is told as well, and
/// the answer is the same. Checkpoints go to `store`, if given: from time to time, after epochs, and on interruption.
///
/// # Errors
/// The run cannot go on, or its state cannot be saved.
pub fn windows<R: Run>(
    run: &mut R,
    store: Option<&Store>,
    observe: &mut dyn FnMut(Event<'_>) -> bool,
) -> Result<Outcome, R::Error> {
    let mut lap = Instant::now();
    let (mut told, mut saved, mut interval) = (lap, lap, SAVE);
    let (mut go_on, mut due) = (true, false);
    loop {
        due |= saved.elapsed() > interval;
        let store = store.filter(|_| due || !go_on);
        let begun = match go_on && store.is_none() {
            true => run.begin()?,
            false => Begun::Nothing,
        };
        let settled = run.settle(begun == Begun::Nothing || told.elapsed() > TELL)?;
        let now = Instant::now();
        run.spend((now - lap).as_secs_f64());
        lap = now;
        if settled || matches!(begun, Begun::Epoch { .. }) {
            go_on &= observe(run.tell()?);
            told = Instant::now();
            due |= begun == Begun::Epoch { save: true };
        } else if begun == Begun::Nothing {
            if let Some(store) = store {
                run.save(store)?;
                interval = SAVE.max(lap.elapsed() * SHARE);
                lap = Instant::now();
                (saved, due) = (lap, false);
            }
            match (go_on, store) {
                (false, _) => return Ok(Outcome::Interrupted),
                (true, None) => return Ok(Outcome::Finished),
                (true, Some(_)) => {}
            }
        }
    }
}

/// Windows that an engine was given and its host has not looked at, the first one first.
#[derive(Default)]
pub struct UnderWay<W>(VecDeque<(W, Pending)>);

impl<W> UnderWay<W> {
    /// Adds one, and what was asked for of what it leaves.
    pub fn add(&mut self, window: W, found: Pending) {
        self.0.push_back((window, found));
    }

    /// The one that was begun last.
    pub fn last(&self) -> Option<&W> {
        self.0.back().map(|(window, _)| window)
    }

    /// The next that the host looks at: once the device has another one to do meanwhile, or there is nothing to wait for,
    /// or if all are to be looked at.
    pub fn next(&mut self, all: bool) -> Option<(W, Pending)> {
        let is_due = all || self.0.len() > 1 || self.0.front()?.1.is_here();
        if is_due { self.0.pop_front() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Origin;

    /// Two epochs of three windows. The host looks at one once the next is under way.
    #[derive(Default)]
    struct Counted {
        begun: u64,
        settled: u64,
        epochs: Vec<Epoch>,
        /// Epochs, and windows of the next one, when it was saved.
        saved: Vec<(usize, u64)>,
    }

    impl Run for Counted {
        type Error = String;

        fn begin(&mut self) -> Result<Begun, String> {
            match (self.begun, self.settled) {
                _ if self.epochs.len() == 2 => return Ok(Begun::Nothing),
                (3, 3) => {
                    self.epochs.push(Epoch::default());
                    (self.begun, self.settled) = (0, 0);
                    return Ok(Begun::Epoch { save: self.epochs.len() == 1 });
                }
                (3, _) => return Ok(Begun::Nothing),
                _ => self.begun += 1,
            }
            Ok(Begun::Window)
        }

        fn settle(&mut self, all: bool) -> Result<bool, String> {
            let settles = self.begun > self.settled + u64::from(!all);
            self.settled += u64::from(settles);
            Ok(settles)
        }

        fn tell(&mut self) -> Result<Event<'_>, String> {
            Ok(match self.epochs.last() {
                Some(epoch) if self.begun == 0 => Event::Epoch(epoch),
                _ => Event::Batch { samples: self.settled, of: 3, loss: None, accuracy: None },
            })
        }

        fn spend(&mut self, _: f64) {}

        fn save(&mut self, _: &Store) -> Result<(), String> {
            assert_eq!(self.begun, self.settled, "a window is under way");
            self.saved.push((self.epochs.len(), self.settled));
            Ok(())
        }
    }

    #[test]
    fn every_window_is_told_and_none_is_under_way_when_a_run_stops() {
        let store = Store::new("unused", Origin::default());
        // Windows that are told, 0 for an epoch; the answer to the `stop`-th is no.
        let run = |stop: usize| {
            let (mut run, mut told) = (Counted::default(), Vec::new());
            let outcome = windows(&mut run, Some(&store), &mut |event| {
                told.push(if let Event::Batch { samples, .. } = event { samples } else { 0 });
                told.len() != stop
            });
            (outcome.unwrap(), told, run.saved)
        };
        use Outcome::{Finished, Interrupted};
        assert_eq!(run(0), (Finished, vec![1, 2, 3, 0, 1, 2, 3, 0], vec![(1, 0)]));
        // By the first answer the second window is under way.
        assert_eq!(run(1), (Interrupted, vec![1, 2], vec![(0, 2)]));
        assert_eq!(run(3), (Interrupted, vec![1, 2, 3], vec![(0, 3)]));
        assert_eq!(run(4), (Interrupted, vec![1, 2, 3, 0], vec![(1, 0)]));
        assert_eq!(run(7), (Interrupted, vec![1, 2, 3, 0, 1, 2, 3], vec![(1, 0), (1, 3)]));
    }
}
