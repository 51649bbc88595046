//! Threads that do step after step together, and meet after each launch.
//!
//! A step of a simulation takes microseconds, about as long as it takes to wake a sleeping thread. The
//! threads of a team therefore wait for each other awake: each counts itself in and looks at the
//! counter until all have come. One that waits long gives its processor away in between.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Looks at the counter before a thread gives its processor away.
const LOOKS: u32 = 2000;

/// Where the threads of a team meet.
pub struct Meeting {
    threads: usize,
    arrived: AtomicUsize,
    round: AtomicUsize,
    broken: AtomicBool,
}

impl Meeting {
    /// For so many threads.
    pub fn new(threads: usize) -> Self {
        Self {
            threads,
            arrived: AtomicUsize::new(0),
            round: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
        }
    }

    /// Waits until all threads are here; what they did before is seen by all after.
    ///
    /// # Panics
    /// If another thread of the team has panicked, which would otherwise be waited for in vain.
    pub fn wait(&self) {
        let round = self.round.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.threads {
            self.arrived.store(0, Ordering::Relaxed);
            self.round.store(round.wrapping_add(1), Ordering::Release);
            return;
        }
        let mut looks = 0;
        while self.round.load(Ordering::Acquire) == round {
            assert!(!self.broken.load(Ordering::Relaxed), "another thread of the team panicked");
            looks += 1;
            if looks < LOOKS {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
    }

    /// Does a thread's part; if it panics, those that wait for it do too.
    pub fn attend(&self, work: impl FnOnce()) {
        struct Watch<'a>(&'a AtomicBool);
        impl Drop for Watch<'_> {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    self.0.store(true, Ordering::Relaxed);
                }
            }
        }
        let _watch = Watch(&self.broken);
        work();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_see_what_was_done_before() {
        let (threads, rounds) = (3, 2000);
        let meeting = Meeting::new(threads);
        let counts: Vec<AtomicUsize> = (0..threads).map(|_| AtomicUsize::new(0)).collect();
        std::thread::scope(|scope| {
            for own in &counts {
                let (meeting, counts) = (&meeting, &counts);
                scope.spawn(move || {
                    for round in 1..=rounds {
                        own.store(round, Ordering::Relaxed);
                        meeting.wait();
                        assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == round));
                        meeting.wait();
                    }
                });
            }
        });
    }

    #[test]
    fn a_panic_ends_the_waiting_of_others() {
        let meeting = Meeting::new(2);
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| meeting.attend(|| meeting.wait()));
            let panics = scope.spawn(|| meeting.attend(|| panic!("on purpose")));
            assert!(panics.join().is_err());
            assert!(waits.join().is_err());
        });
    }
}
