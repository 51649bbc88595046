//! Runs the Rust twins of a plan's kernels, in parallel.
//!
//! How it works: a launch is cut into pieces of fixed size, each piece gets slices of the arrays
//! that no other piece can touch, and a pool of threads takes piece after piece. Successive
//! launches whose units are samples form a *chain* that a thread does for a few samples from end to
//! end, while their data is in its cache. The cuts do not depend on the number of threads, and each
//! number is computed by one piece in a fixed order, so neither does any result.
//!
//! At `f64` the same engine is the oracle of the tests.

#![allow(unsafe_code, reason = "disjoint slices for parallel pieces; see `Shared`")]

use super::team::Meeting;
use super::{Device, Engine, EngineError, KernelTime};
use crate::kernel::{Args, Call, Clock, Kind, Real, Slice, Span};
use crate::plan::{Arg, ArrayId, Init, Launch, Plan, ProgramId, Split, Stage, Units};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Samples of a piece of a chain: few enough to stay in a core's cache.
const SAMPLES: usize = 2;

/// The CPU engine, at `f32`; at `f64` the oracle.
pub struct Cpu<'p, F> {
    arrays: Vec<Data<F>>,
    programs: Vec<Work<'p>>,
    device: Device,
    pool: Option<rayon::ThreadPool>,
    measure: bool,
}

enum Data<F> {
    Reals(Aligned<F>),
    Words(Aligned<u32>),
}

/// Numbers that start at a cache line, so that a vector of a whole line lies in one. Successive arrays
/// start at different lines of their pages: a loop over several would else find them all in the
/// same few places of the first cache.
struct Aligned<T> {
    room: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Copy> Aligned<T> {
    /// Array number `index`, filled with `zero`.
    fn new(index: usize, len: usize, zero: T) -> Self {
        const LINE: usize = 64;
        const PAGE: usize = 4096;
        let numbers = |bytes: usize| bytes / size_of::<T>();
        let skew = index * 17 * LINE % PAGE;
        let room = vec![zero; len + numbers(LINE + skew)];
        let start = room.as_ptr().align_offset(LINE).min(numbers(LINE)) + numbers(skew);
        Self { room, start, len }
    }

    fn of(index: usize, values: impl ExactSizeIterator<Item = T>, zero: T) -> Self {
        let mut aligned = Self::new(index, values.len(), zero);
        aligned.iter_mut().zip(values).for_each(|(x, value)| *x = value);
        aligned
    }
}

impl<T> std::ops::Deref for Aligned<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.room[self.start..self.start + self.len]
    }
}

impl<T> std::ops::DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.room[self.start..self.start + self.len]
    }
}

/// A program as this engine does it.
struct Work<'p> {
    jobs: Vec<Job<'p>>,
    /// For each array whether [`Split::Passing`] may be taken at its word: all that use it are in one
    /// job, so a thread that is done with a sample needs its part no more.
    passing: Vec<bool>,
}

/// What is done with one fork and join of the threads.
enum Job<'p> {
    /// Links of a chain by samples.
    Chain(Vec<Link<'p>>),
    /// One launch by its own units.
    Launch(Timed<'p>),
    /// Launches by their own units, for one step after the other.
    Stepped(Vec<Timed<'p>>),
}

/// Part of a chain: launches over the window, or over its steps.
enum Link<'p> {
    Whole(Timed<'p>),
    Steps { launches: Vec<Timed<'p>>, backward: bool },
}

struct Timed<'p> {
    launch: &'p Launch,
    nanoseconds: AtomicU64,
    calls: AtomicU64,
}

/// Function of a kernel at a float type.
pub trait Twinned: Real {
    /// The twin of a launch's kernel.
    fn twin(launch: &Launch) -> fn(Call<'_, Self>);
}

impl Twinned for f32 {
    fn twin(launch: &Launch) -> fn(Call<'_, f32>) {
        launch.kernel.twin32
    }
}

impl Twinned for f64 {
    fn twin(launch: &Launch) -> fn(Call<'_, f64>) {
        launch.kernel.twin64
    }
}

impl<'p, F: Twinned> Cpu<'p, F> {
    /// Allocates the arrays of a plan. `threads` limits the threads, if given; `measure` keeps the
    /// time of each launch.
    pub fn new(plan: &'p Plan, threads: Option<usize>, measure: bool) -> Self {
        let arrays = plan
            .arrays
            .iter()
            .enumerate()
            .map(|(id, array)| match (&array.init, array.kind) {
                (Init::Zero, Kind::Real) => Data::Reals(Aligned::new(id, array.len, F::zero())),
                (Init::Zero, Kind::Word) => Data::Words(Aligned::new(id, array.len, 0)),
                (Init::Reals(x), _) => {
                    Data::Reals(Aligned::of(id, x.iter().map(|x| F::of(*x)), F::zero()))
                }
                (Init::Words(x), _) => Data::Words(Aligned::of(id, x.iter().copied(), 0)),
            })
            .collect();
        let pool =
            threads.and_then(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().ok());
        let count =
            pool.as_ref().map_or_else(rayon::current_num_threads, |p| p.current_num_threads());
        let device = Device {
            engine: "cpu",
            adapter: format!("{} ({count} threads)", processor()),
            driver: vectors(),
            bytes: plan.bytes(),
        };
        let programs = plan.programs.iter().map(|p| Work::new(&p.stages, plan.arrays.len()));
        let programs = programs.collect();
        Self { arrays, programs, device, pool, measure }
    }

    /// Reads an array of floats without rounding.
    pub fn wide(&self, array: ArrayId) -> Vec<f64> {
        match &self.arrays[array] {
            Data::Reals(x) => x.iter().map(|x| x.wide()).collect(),
            Data::Words(_) => Vec::new(),
        }
    }

    /// Overwrites one element of an array of floats.
    pub fn set(&mut self, array: ArrayId, at: usize, value: f64) {
        if let Data::Reals(x) = &mut self.arrays[array] {
            x[at] = F::of(value);
        }
    }
}

impl<'p> Work<'p> {
    fn new(stages: &'p [Stage], arrays: usize) -> Self {
        let jobs = jobs(stages);
        let mut uses = vec![0; arrays];
        for job in &jobs {
            let args = job.launches().into_iter().flat_map(|timed| &timed.launch.args);
            let mut used: Vec<ArrayId> = args.map(|arg| arg.array).collect();
            used.sort_unstable();
            used.dedup();
            used.into_iter().for_each(|array| uses[array] += 1);
        }
        Self { jobs, passing: uses.into_iter().map(|jobs| jobs == 1).collect() }
    }
}

impl<'p> Job<'p> {
    fn launches(&self) -> Vec<&Timed<'p>> {
        match self {
            Job::Launch(timed) => vec![timed],
            Job::Chain(links) => links.iter().flat_map(|link| link.launches()).collect(),
            Job::Stepped(launches) => launches.iter().collect(),
        }
    }
}

/// Puts successive launches by samples into chains.
fn jobs(stages: &[Stage]) -> Vec<Job<'_>> {
    let mut jobs: Vec<Job<'_>> = Vec::new();
    for stage in stages {
        match stage {
            Stage::Whole(launches) => {
                for launch in launches {
                    match launch.units {
                        Units::Samples => link(&mut jobs, Link::Whole(timed(launch))),
                        Units::Count { .. } => jobs.push(Job::Launch(timed(launch))),
                    }
                }
            }
            Stage::Steps { launches, backward } if !launches.is_empty() => {
                let by_sample = launches.iter().any(|launch| launch.units == Units::Samples);
                let launches = launches.iter().map(timed).collect();
                if !by_sample {
                    jobs.push(Job::Stepped(launches));
                    continue;
                }
                link(&mut jobs, Link::Steps { launches, backward: *backward });
            }
            Stage::Steps { .. } => {}
        }
    }
    jobs
}

fn timed(launch: &Launch) -> Timed<'_> {
    Timed { launch, nanoseconds: AtomicU64::new(0), calls: AtomicU64::new(0) }
}

/// Appends to the last chain, unless an array would be cut there in two ways.
fn link<'p>(jobs: &mut Vec<Job<'p>>, link: Link<'p>) {
    if let Some(Job::Chain(chain)) = jobs.last_mut() {
        let cuts =
            |launch: &Launch| launch.args.iter().map(|a| (a.array, a.split)).collect::<Vec<_>>();
        let earlier: Vec<(ArrayId, Split)> =
            chain.iter().flat_map(|l| l.launches()).flat_map(|t| cuts(t.launch)).collect();
        let fits = link.launches().iter().flat_map(|t| cuts(t.launch)).all(|(array, split)| {
            earlier.iter().all(|(other, cut)| *other != array || *cut == split)
        });
        if fits {
            chain.push(link);
            return;
        }
    }
    jobs.push(Job::Chain(vec![link]));
}

impl<'p> Link<'p> {
    fn launches(&self) -> &[Timed<'p>] {
        match self {
            Link::Whole(launch) => std::slice::from_ref(launch),
            Link::Steps { launches, .. } => launches,
        }
    }
}

/// All arrays, for the threads of one job.
///
/// # Safety
/// A piece writes only what its units own. [`Split`] gives successive units successive ranges, so
/// pieces, being disjoint ranges of units, own disjoint slices; [`passing`] gives each thread its own, and
/// a thread is done with one piece before it takes the next. Within a job an array is either cut in one
/// way by all launches ([`link`] sees to that), or read whole and not written. Each piece runs on one
/// thread, one launch after the other.
struct Shared<'w, F> {
    arrays: Vec<Pointer<F>>,
    passing: &'w [bool],
}

enum Pointer<F> {
    Reals(*mut F, usize),
    Words(*mut u32, usize),
}

// SAFETY: see `Shared`; the pointers outlive the job because `run` borrows the arrays mutably.
unsafe impl<F: Send> Sync for Shared<'_, F> {}

impl<F: Twinned> Shared<'_, F> {
    /// Slices of a piece of a launch.
    fn slices(&self, launch: &Launch, units: &Range<usize>, t0: u32) -> Args<'_, F> {
        let bindings = launch.kernel.bindings;
        let slice = |(Arg { array, split }, written): (&Arg, bool)| {
            let cut = |len: usize| {
                let range = match *split {
                    Split::Passing(stride) if self.passing[*array] => passing(stride, units, len),
                    _ => split.range(units, t0, len),
                };
                assert!(
                    range.start <= range.end && range.end <= len,
                    "{} of {}",
                    len,
                    launch.kernel.name
                );
                assert!(
                    !(written && *split == Split::Whole),
                    "{} writes a whole array",
                    launch.kernel.name
                );
                range
            };
            // SAFETY: the range lies within the array, and no other piece has a part of it mutably;
            // see `Shared`.
            match &self.arrays[*array] {
                Pointer::Reals(start, len) => {
                    let range = cut(*len);
                    let start = unsafe { start.add(range.start) };
                    if written {
                        Slice::RealsMut(unsafe {
                            std::slice::from_raw_parts_mut(start, range.len())
                        })
                    } else {
                        Slice::Reals(unsafe { std::slice::from_raw_parts(start, range.len()) })
                    }
                }
                Pointer::Words(start, len) => {
                    let range = cut(*len);
                    let start = unsafe { start.add(range.start) };
                    if written {
                        Slice::WordsMut(unsafe {
                            std::slice::from_raw_parts_mut(start, range.len())
                        })
                    } else {
                        Slice::Words(unsafe { std::slice::from_raw_parts(start, range.len()) })
                    }
                }
            }
        };
        launch.args.iter().zip(bindings.iter().map(|b| b.written)).map(slice).collect()
    }

    /// A launch by its own units; a single piece needs no other thread.
    fn launch(&self, timed: &Timed<'_>, clock: &Clock, span: Span, measure: bool) {
        let Units::Count { count, grain } = timed.launch.units else { return };
        if count <= grain {
            self.call(timed, clock, span, 0..count, measure);
        } else {
            pieces(count, grain).for_each(|units| self.call(timed, clock, span, units, measure));
        }
    }

    /// Launches step by step. Each thread does the same pieces in every step, so that what they need
    /// stays in its cache; every so manieth, so that all have about as much to do.
    fn steps(&self, launches: &[Timed<'_>], clock: &Clock, whole: Span, measure: bool) {
        let alone = |timed: &Timed<'_>| match timed.launch.units {
            Units::Count { count, grain } => count <= grain,
            Units::Samples => true,
        };
        let part = |thread: usize, threads: usize, meeting: &Meeting| {
            for t0 in whole.t0..whole.t1 {
                for timed in launches {
                    let Units::Count { count, grain } = timed.launch.units else { continue };
                    for k in (thread..count.div_ceil(grain)).step_by(threads) {
                        let units = k * grain..count.min((k + 1) * grain);
                        self.call(timed, clock, Span { t0, t1: t0 + 1 }, units, measure);
                    }
                    meeting.wait();
                }
            }
        };
        if launches.iter().all(alone) || rayon::current_num_threads() == 1 {
            part(0, 1, &Meeting::new(1));
        } else {
            let meeting = Meeting::new(rayon::current_num_threads());
            rayon::broadcast(|thread| {
                meeting.attend(|| part(thread.index(), thread.num_threads(), &meeting));
            });
        }
    }

    fn call(
        &self,
        timed: &Timed<'_>,
        clock: &Clock,
        span: Span,
        units: Range<usize>,
        measure: bool,
    ) {
        let start = measure.then(Instant::now);
        let args = self.slices(timed.launch, &units, span.t0);
        F::twin(timed.launch)(Call { params: &timed.launch.params, clock, span, units, args });
        if let Some(start) = start {
            timed.nanoseconds.fetch_add(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
            timed.calls.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Where a thread keeps what it needs of `units` only while it is at work on them: in a place of its own
/// at the start of the array, if there is one for every thread, else where the units lie.
fn passing(stride: usize, units: &Range<usize>, len: usize) -> Range<usize> {
    let place = SAMPLES * stride;
    match rayon::current_thread_index() {
        Some(thread) if rayon::current_num_threads() * place <= len => {
            thread * place..thread * place + units.len() * stride
        }
        _ => Split::Stride(stride).range(units, 0, len),
    }
}

/// Pieces of `grain` of `count` units.
fn pieces(count: usize, grain: usize) -> impl IndexedParallelIterator<Item = Range<usize>> {
    (0..count.div_ceil(grain)).into_par_iter().map(move |k| k * grain..count.min((k + 1) * grain))
}

impl<F: Twinned> Engine for Cpu<'_, F> {
    fn write_words(&mut self, array: ArrayId, values: &[u32]) -> Result<(), EngineError> {
        if let Data::Words(x) = &mut self.arrays[array] {
            x[..values.len()].copy_from_slice(values);
        }
        Ok(())
    }

    fn write_reals(&mut self, array: ArrayId, values: &[f32]) -> Result<(), EngineError> {
        if let Data::Reals(x) = &mut self.arrays[array] {
            for (x, value) in x.iter_mut().zip(values) {
                *x = F::of(f64::from(*value));
            }
        }
        Ok(())
    }

    fn read_words(&mut self, array: ArrayId) -> Result<Vec<u32>, EngineError> {
        Ok(match &self.arrays[array] {
            Data::Words(x) => x.to_vec(),
            Data::Reals(_) => Vec::new(),
        })
    }

    fn read_reals(&mut self, array: ArrayId) -> Result<Vec<f32>, EngineError> {
        Ok(self.wide(array).into_iter().map(|x| x as f32).collect())
    }

    fn run(&mut self, program: ProgramId, clock: &Clock, steps: usize) -> Result<(), EngineError> {
        let Work { jobs, passing } = &self.programs[program];
        let pointer = |data: &mut Data<F>| match data {
            Data::Reals(x) => Pointer::Reals(x.as_mut_ptr(), x.len()),
            Data::Words(x) => Pointer::Words(x.as_mut_ptr(), x.len()),
        };
        let shared = Shared { arrays: self.arrays.iter_mut().map(pointer).collect(), passing };
        let measure = self.measure;
        let whole = Span { t0: 0, t1: steps as u32 };
        let samples = clock.samples as usize;
        let work = || {
            for job in jobs {
                match job {
                    Job::Launch(timed) => shared.launch(timed, clock, whole, measure),
                    Job::Stepped(launches) => shared.steps(launches, clock, whole, measure),
                    Job::Chain(links) => pieces(samples, SAMPLES).for_each(|units| {
                        for link in links {
                            match link {
                                Link::Whole(timed) => {
                                    shared.call(timed, clock, whole, units.clone(), measure)
                                }
                                Link::Steps { launches, backward } => {
                                    for k in whole.steps() {
                                        let t0 = if *backward { steps - 1 - k } else { k } as u32;
                                        let span = Span { t0, t1: t0 + 1 };
                                        for timed in launches {
                                            shared.call(timed, clock, span, units.clone(), measure);
                                        }
                                    }
                                }
                            }
                        }
                    }),
                }
            }
        };
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
        Ok(())
    }

    fn device(&self) -> &Device {
        &self.device
    }

    fn profile(&mut self) -> Vec<KernelTime> {
        let jobs = self.programs.iter().flat_map(|work| &work.jobs);
        let times = jobs.flat_map(|job| job.launches());
        times
            .map(|timed| KernelTime {
                kernel: timed.launch.kernel.name,
                label: timed.launch.label.clone(),
                launches: timed.calls.load(Ordering::Relaxed),
                seconds: timed.nanoseconds.load(Ordering::Relaxed) as f64 * 1e-9,
            })
            .filter(|time| time.launches > 0)
            .collect()
    }
}

/// Which vectors the twins use here.
fn vectors() -> String {
    let arch = format!("{:?}", pulp::Arch::new());
    let name = arch.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let name = match name {
        "V4" => "AVX-512",
        "V3" => "AVX2",
        "Scalar" => "baseline",
        other => other,
    };
    format!("{name} vectors")
}

/// Name of the processor, where the system tells.
fn processor() -> String {
    let table = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = table.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}
