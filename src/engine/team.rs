//! Threads that go through the same phases of work together.
//!
//! A phase is a number of pieces that may be done at the same time, in any order. All members of a team go through
//! the same phases, each by itself: a member claims piece after piece of a phase and does it, and goes on to the
//! next phase when all pieces of this one are done, whoever did them. A step of a simulation is a few phases of
//! some microseconds each, so this has to be cheap; and a thread may be stopped at any moment, because the system
//! gives its processor to other programs for milliseconds, so nobody may have to wait for a member as such.
//!
//! * **Lanes.** Member m prefers pieces m, m + n, m + 2n, … of n members, so that the same data stay in its cache in
//!   every step. The word of its lane holds the phase and how many pieces of the lane are claimed in it. A claim is
//!   a compare-exchange of that word: it fails if the phase is over, because the word has then moved on. So a member
//!   that comes back late cannot touch a phase that is over; it skips forward to the one that the others are in. The
//!   first member alone can do everything, if no other ever comes.
//! * **Others' pieces.** A member that has no more pieces takes those of others. It gives a lane's owner a moment to
//!   begin with a phase, unless the owner is known to be away.
//! * **The end of a phase.** Each member adds the pieces that it did to one counter; whoever makes it full opens
//!   the next phase. What was done in a phase is thereby seen by all in the next.
//! * **Waiting.** Only a member that was stopped in the middle of a piece can hold up the others. They look for as
//!   long as it takes to wake a thread, then sleep: whoever spins takes processors from the one it waits for.
//! * **Rests.** On a busy machine even that costs more than a helper brings. A member because of which others slept
//!   for most of the time that it was there rests for many times as long; the others are slowed down by a few percent
//!   at most. That is judged over [`TRIAL`]s: where phases are few and long, one whose last piece is late is no sign
//!   of a busy machine. The first member never rests.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Looks at a phase before a member that waits for its end goes to sleep; together about 100 µs.
const LOOKS: u32 = 4000;

/// Looks at a lane before others take pieces of an owner that has not begun.
const PATIENCE: u32 = 100;

/// A rest is so many times as long as others slept.
const REST: u32 = 16;

/// A member is there for so long, in one run or in several, before it is judged whether it helps.
const TRIAL: Duration = Duration::from_millis(10);

/// Members, and where they are.
pub struct Team {
    /// Threads of all members but the first; rayon's own if there is none.
    pool: Option<rayon::ThreadPool>,
    /// Phases that are over.
    over: Line<AtomicU64>,
    /// Pieces of the present phase that are done.
    done: Line<AtomicUsize>,
    lanes: Vec<Line<Lane>>,
    bell: Bell,
    broken: AtomicBool,
}

/// On cache lines of its own (processors fetch them in pairs).
#[repr(align(128))]
#[derive(Default)]
struct Line<T>(T);

/// The pieces that a member prefers.
#[derive(Default)]
struct Lane {
    /// Phase in the upper half, claimed pieces in the lower.
    claimed: AtomicU64,
    /// Whether the owner was last seen at work.
    present: AtomicBool,
    help: Mutex<Help>,
}

/// What is known of a member that may have to rest.
#[derive(Default)]
struct Help {
    /// For how long it was there since it was judged last.
    there: Duration,
    /// For how much of that others slept because of it.
    slept: Duration,
    /// Until when it rests.
    rest: Option<Instant>,
}

impl Lane {
    /// The next piece, if the phase is not over and there is one left of `count`.
    fn claim(&self, phase: u64, count: usize) -> Option<usize> {
        let next = |word: u64| {
            let next = match (word >> 32).cmp(&phase) {
                std::cmp::Ordering::Less => 0,
                std::cmp::Ordering::Equal => word & u64::from(u32::MAX),
                std::cmp::Ordering::Greater => return None,
            };
            (next < count as u64).then_some(phase << 32 | (next + 1))
        };
        let claimed = self.claimed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok()?;
        Some(if claimed >> 32 == phase { claimed as u32 as usize } else { 0 })
    }

    /// Waits a moment for the owner to begin with a phase.
    fn invite(&self, phase: u64) {
        let begun = || self.claimed.load(Ordering::Relaxed) >> 32 >= phase;
        for _ in 0..PATIENCE {
            if begun() || !self.present.load(Ordering::Relaxed) {
                return;
            }
            std::hint::spin_loop();
        }
        self.present.store(false, Ordering::Relaxed);
    }
}

/// Wakes those that sleep.
struct Bell {
    epoch: Instant,
    /// Since when somebody sleeps \[ns since the epoch\], 0 if nobody does.
    asleep: AtomicU64,
    sleepers: Mutex<usize>,
    rung: Condvar,
}

impl Bell {
    fn now(&self) -> u64 {
        self.epoch.elapsed().as_nanos() as u64
    }

    /// Sleeps until the bell is rung and `over` is true.
    fn sleep(&self, over: impl Fn() -> bool) {
        let mut sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        *sleepers += 1;
        loop {
            let now = self.now().max(1);
            let _ = self.asleep.compare_exchange(0, now, Ordering::SeqCst, Ordering::Relaxed);
            if over() {
                break;
            }
            sleepers = self.rung.wait(sleepers).unwrap_or_else(PoisonError::into_inner);
        }
        *sleepers -= 1;
        if *sleepers == 0 {
            self.asleep.store(0, Ordering::Relaxed);
        }
    }

    /// For how long somebody has slept, if somebody does.
    fn slept(&self) -> Option<Duration> {
        let since = self.asleep.load(Ordering::SeqCst);
        (since > 0).then(|| Duration::from_nanos(self.now().saturating_sub(since)))
    }

    /// Wakes all; for how long somebody had slept, if so. What `over` reads was written before with
    /// [`Ordering::SeqCst`]: either the sleeper sees it, or it is seen here that it sleeps.
    fn ring(&self) -> Option<Duration> {
        let slept = self.slept();
        if slept.is_some() {
            let _sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
            self.asleep.store(0, Ordering::Relaxed);
            self.rung.notify_all();
        }
        slept
    }
}

/// A thread on its way through the phases.
pub struct Member<'t> {
    team: &'t Team,
    index: usize,
    /// Of how many.
    members: usize,
    phase: u64,
    /// When it came, or others last slept because of it. Its [`Help`] does not have the time since then.
    since: Instant,
    rests: bool,
}

impl Team {
    /// Of so many members, or one for each processor.
    pub fn new(members: Option<usize>) -> Self {
        let helpers = members.map(|n| n.saturating_sub(1)).filter(|n| *n > 0);
        let pool =
            helpers.and_then(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().ok());
        let members = match (&pool, members) {
            (Some(pool), _) => pool.current_num_threads() + 1,
            (None, Some(_)) => 1,
            (None, None) => rayon::current_num_threads(),
        };
        let bell = Bell {
            epoch: Instant::now(),
            asleep: AtomicU64::new(0),
            sleepers: Mutex::default(),
            rung: Condvar::new(),
        };
        Self {
            pool,
            over: Line::default(),
            done: Line::default(),
            lanes: (0..members).map(|_| Line::default()).collect(),
            bell,
            broken: AtomicBool::new(false),
        }
    }

    /// Number of members.
    pub fn members(&self) -> usize {
        self.lanes.len()
    }

    /// Has the members do `part`, which must take each through the same phases. The calling thread is
    /// the first; the others come as soon as they can.
    ///
    /// # Panics
    /// If `part` does in any thread.
    pub fn run(&mut self, part: impl Fn(&mut Member<'_>) + Sync) {
        *self.over.0.get_mut() = 0;
        *self.done.0.get_mut() = 0;
        *self.bell.asleep.get_mut() = 0;
        let now = Instant::now();
        let mut helpers = Vec::with_capacity(self.members());
        for (index, Line(lane)) in self.lanes.iter_mut().enumerate() {
            *lane.claimed.get_mut() = 0;
            *lane.present.get_mut() = false;
            let help = lane.help.get_mut().unwrap_or_else(PoisonError::into_inner);
            if index > 0 && help.rest.is_none_or(|end| end <= now) {
                helpers.push(index);
            }
        }
        if helpers.is_empty() {
            return self.alone(part);
        }
        let (team, part) = (&*self, &part);
        match &team.pool {
            Some(pool) => pool.in_place_scope(|scope| team.all(scope, &helpers, part)),
            None => rayon::in_place_scope(|scope| team.all(scope, &helpers, part)),
        }
    }

    /// Spawns the helpers, and has the calling thread do its part.
    fn all<'s>(
        &'s self,
        scope: &rayon::Scope<'s>,
        helpers: &[usize],
        part: &'s (impl Fn(&mut Member<'_>) + Sync),
    ) {
        for &index in helpers {
            scope.spawn(move |_| self.attend(index, part));
        }
        self.attend(0, part);
    }

    /// Has the calling thread do `part`, all pieces of all phases.
    pub fn alone(&self, part: impl FnOnce(&mut Member<'_>)) {
        part(&mut Member { members: 1, ..self.member(0) });
    }

    fn member(&self, index: usize) -> Member<'_> {
        let (members, since) = (self.members(), Instant::now());
        Member { team: self, index, members, phase: 0, since, rests: false }
    }

    /// Does a member's part; if it panics, those that wait for it do too.
    fn attend(&self, index: usize, part: impl Fn(&mut Member<'_>)) {
        struct Watch<'t>(&'t Team);
        impl Drop for Watch<'_> {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    self.0.broken.store(true, Ordering::SeqCst);
                    self.0.bell.ring();
                }
            }
        }
        let _watch = Watch(self);
        let mut member = self.member(index);
        part(&mut member);
        // The first waits for the others to leave.
        if index == 0 {
            self.bell.asleep.store(self.bell.now(), Ordering::Relaxed);
        } else {
            member.held_up(self.bell.slept().unwrap_or_default());
        }
    }

    /// Whether a phase is over.
    ///
    /// # Panics
    /// If another member has panicked, which would otherwise be waited for in vain.
    fn is_over(&self, phase: u64) -> bool {
        assert!(!self.broken.load(Ordering::SeqCst), "another thread of the team panicked");
        self.over.0.load(Ordering::SeqCst) >= phase
    }
}

impl Member<'_> {
    /// Which of the members this is.
    pub fn index(&self) -> usize {
        self.index
    }

    /// One in the same place that does all pieces.
    pub fn alone(&self) -> Self {
        Self { members: 1, ..*self }
    }

    /// Goes through the next phase, which has so many pieces: does those that it can claim, and returns
    /// when all are done.
    pub fn phase(&mut self, pieces: usize, mut work: impl FnMut(usize)) {
        let members = self.members;
        if members == 1 || pieces == 0 {
            return (0..pieces).for_each(work);
        }
        self.phase += 1;
        let (team, phase) = (self.team, self.phase);
        if self.rests || team.is_over(phase) {
            return;
        }
        let own = &team.lanes[self.index].0;
        if !own.present.load(Ordering::Relaxed) {
            own.present.store(true, Ordering::Relaxed);
        }
        let mut done = 0;
        for lane in (self.index..members).chain(0..self.index) {
            let count = (pieces + members - 1 - lane) / members;
            if lane != self.index && count > 0 {
                team.lanes[lane].0.invite(phase);
            }
            while let Some(k) = team.lanes[lane].0.claim(phase, count) {
                work(lane + k * members);
                done += 1;
            }
        }
        if done > 0 && team.done.0.fetch_add(done, Ordering::AcqRel) + done == pieces {
            team.done.0.store(0, Ordering::Relaxed);
            team.over.0.store(phase, Ordering::SeqCst);
            if let Some(slept) = team.bell.ring() {
                self.held_up(slept);
            }
        } else {
            self.wait();
        }
    }

    /// Waits for the end of the phase.
    fn wait(&self) {
        for _ in 0..LOOKS {
            if self.team.is_over(self.phase) {
                return;
            }
            std::hint::spin_loop();
        }
        self.team.bell.sleep(|| self.team.is_over(self.phase));
    }

    /// Others have slept for so long because of this member, which rests if that is too much.
    fn held_up(&mut self, slept: Duration) {
        if self.index == 0 || self.rests {
            return;
        }
        let now = Instant::now();
        let lane = &self.team.lanes[self.index].0;
        let mut help = lane.help.lock().unwrap_or_else(PoisonError::into_inner);
        help.there += now - self.since;
        help.slept += slept;
        self.since = now;
        if help.there >= TRIAL {
            if 2 * help.slept > help.there {
                help.rest = Some(now + REST * help.slept);
                lane.present.store(false, Ordering::Relaxed);
                self.rests = true;
            }
            (help.there, help.slept) = Default::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(count: usize) -> Vec<AtomicUsize> {
        (0..count).map(|_| AtomicUsize::new(0)).collect()
    }

    /// A mark left behind would have a later phase take all the time since for one of sleep.
    #[test]
    fn who_need_not_sleep_leaves_no_mark() {
        let team = Team::new(Some(1));
        team.bell.sleep(|| true);
        assert_eq!(team.bell.slept(), None);
    }

    #[test]
    fn all_see_what_was_done_before() {
        let (pieces, phases) = (7, 2000);
        let counts = counters(pieces);
        let count = |k: usize| counts[k].fetch_add(1, Ordering::Relaxed);
        Team::new(Some(3)).run(|member| {
            for phase in 0..phases {
                member.phase(pieces, |k| assert_eq!(count(k), 2 * phase));
                // Fewer pieces than members: some have none of their own.
                member.phase(2, |_| {
                    assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 2 * phase + 1));
                });
                member.phase(pieces, |k| assert_eq!(count(k), 2 * phase + 1));
            }
        });
        assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 2 * phases));
    }

    /// The first goes on while the second is stopped; that one then skips what was done without it.
    #[test]
    fn a_stopped_member_holds_nobody_up() {
        let (pieces, phases) = (5, 2000);
        let counts = counters(pieces);
        let (half, came) = (AtomicBool::new(false), AtomicBool::new(false));
        let wait_for = |flag: &AtomicBool| {
            while !flag.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
        };
        Team::new(Some(2)).run(|member| {
            let late = member.index() == 1;
            if late {
                wait_for(&half);
                came.store(true, Ordering::Relaxed);
            }
            for phase in 0..phases {
                if !late && phase == phases / 2 {
                    half.store(true, Ordering::Relaxed);
                    wait_for(&came);
                }
                member.phase(pieces, |k| {
                    assert_eq!(counts[k].fetch_add(1, Ordering::Relaxed), phase);
                    assert!(!late || phase >= phases / 2);
                });
            }
        });
        assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == phases));
    }

    #[test]
    fn one_that_holds_the_others_up_rests() {
        let mut team = Team::new(Some(2));
        let (begun, helped) = (AtomicBool::new(false), AtomicBool::new(false));
        team.run(|member| {
            let helper = member.index() == 1;
            member.phase(2, |_| {
                if helper {
                    begun.store(true, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(500));
                }
                while !begun.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                }
            });
            member.phase(2, |_| assert!(!helper));
        });
        team.run(|member| {
            helped.fetch_or(member.index() == 1, Ordering::Relaxed);
            member.phase(2, |_| ());
        });
        assert!(!helped.into_inner());
    }

    #[test]
    fn a_panic_ends_the_waiting_of_others() {
        for culprit in [0, 1] {
            let mut team = Team::new(Some(2));
            let begun = AtomicUsize::new(0);
            let panics = std::panic::AssertUnwindSafe(|| {
                team.run(|member| {
                    let index = member.index();
                    member.phase(2, |_| {
                        begun.fetch_add(1, Ordering::Relaxed);
                        while begun.load(Ordering::Relaxed) < 2 {
                            std::thread::yield_now();
                        }
                        assert!(index != culprit, "on purpose");
                    });
                });
            });
            assert!(std::panic::catch_unwind(panics).is_err(), "{culprit}");
        }
    }
}
