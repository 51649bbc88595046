//! Runs the Rust twins of a plan's kernels, in parallel.
//!
//! How it works: a launch is cut into pieces of fixed size, each piece gets slices of the arrays
//! that no other piece can touch, and a team of threads claims piece after piece. Successive
//! launches whose units are samples form a *chain* that a thread does for a few samples from end to
//! end, while their data is in its cache. So do launches over the same tiles form a *strand*; strands that
//! have nothing to do with each other form a *phase*, after which the threads meet. The cuts do not depend on the
//! number of threads, and each number is computed by one piece in a fixed order, so neither does any result.
//!
//! At `f64` the same engine is the oracle of the tests.
//!
//! The file is long: cuts, chains, strands and phases are one argument why no two pieces touch the same number.

#![allow(unsafe_code, reason = "disjoint slices for parallel pieces; see `Shared`")]

use super::team::{Member, Team};
use super::{Device, Engine, EngineError, Fetched, KernelTime, Pending};
use crate::files::Values;
use crate::kernel::{Args, Call, Clock, Kind, Real, Slice, Span};
use crate::machine;
use crate::plan::{
    Arg, ArrayId, Arrays, ByArray, Init, Launch, Plan, Program, ProgramId, Reals, Split, Stage,
    Units, Words, intervals,
};
use crate::vector::Aligned;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Samples of a piece of a chain, if they stay in a core's cache.
const SAMPLES: usize = 2;

/// Bytes that a core's second cache holds.
const CACHE: usize = 1 << 20;

/// The CPU engine, at `f32`; at `f64` the oracle.
pub struct Cpu<'p, F> {
    arrays: ByArray<Data<F>>,
    programs: Vec<Work<'p>>,
    /// Steps of an interval of the plan.
    interval: usize,
    device: Device,
    team: Team,
    measure: bool,
}

enum Data<F> {
    Reals(Aligned<F>),
    Words(Aligned<u32>),
}

/// A program as this engine does it.
struct Work<'p> {
    program: &'static str,
    jobs: Vec<Job<'p>>,
    /// For each array whether [`Split::Passing`] may be taken at its word: all that use it are in one
    /// job, so a thread that is done with a sample needs its part no more.
    passing: ByArray<bool>,
}

/// Part of a program.
enum Job<'p> {
    /// Links of a chain by samples, and how many samples are a piece.
    Chain(Vec<Link<'p>>, usize),
    /// Launches by their own units, over the window.
    Whole(Phase<'p>),
    /// The same for one step after the other.
    Steps(Vec<Phase<'p>>),
}

/// Strands that touch nothing that another of them writes: all their pieces may be done at the same time.
struct Phase<'p>(Vec<Strand<'p>>);

/// Launches of which a thread does one after the other, piece by piece: piece k of one touches only pieces k of the
/// others.
struct Strand<'p>(Vec<(Timed<'p>, Cut)>);

/// So many units, of which `grain` make a piece.
#[derive(Clone, Copy, PartialEq)]
struct Cut {
    count: usize,
    grain: usize,
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
        plan.check();
        let arrays = plan.arrays.each(|(id, array)| {
            let index = id.index();
            match (&array.init, array.kind) {
                (Init::Zero, Kind::Real) => Data::Reals(Aligned::new(index, array.len, F::zero())),
                (Init::Zero, Kind::Word) => Data::Words(Aligned::new(index, array.len, 0)),
                (Init::Reals(x), _) => {
                    Data::Reals(Aligned::of(index, x.iter().map(|x| F::of(*x)), F::zero()))
                }
                (Init::Words(x), _) => Data::Words(Aligned::of(index, x.iter().copied(), 0)),
            }
        });
        let team = Team::new(threads);
        let device = Device {
            engine: "cpu",
            adapter: format!("{} ({} threads)", machine::processor(), team.members()),
            driver: vectors(),
            bytes: plan.bytes(),
        };
        let programs = plan.programs.iter().map(|p| Work::new(p, &plan.arrays)).collect();
        Self { arrays, programs, interval: plan.interval, device, team, measure }
    }

    /// Reads an array of floats without rounding.
    pub fn wide(&self, array: Reals) -> Vec<f64> {
        match &self.arrays[array] {
            Data::Reals(x) => x.iter().map(|x| x.wide()).collect(),
            Data::Words(_) => Vec::new(),
        }
    }

    /// The numbers of an array of floats.
    pub fn numbers(&mut self, array: Reals) -> &mut [F] {
        match &mut self.arrays[array] {
            Data::Reals(x) => x,
            Data::Words(_) => &mut [],
        }
    }
}

impl<'p> Work<'p> {
    fn new(program: &'p Program, arrays: &Arrays) -> Self {
        let mut jobs = jobs(&program.stages, arrays);
        let mut uses = arrays.each(|_| 0);
        for job in &jobs {
            let args = job.launches().into_iter().flat_map(|timed| &timed.launch.args);
            let mut used: Vec<ArrayId> = args.map(|arg| arg.array).collect();
            used.sort_unstable();
            used.dedup();
            used.into_iter().for_each(|array| uses[array] += 1);
        }
        let passing = uses.map(|jobs| jobs == 1);
        for job in &mut jobs {
            let args = job.launches().into_iter().flat_map(|timed| &timed.launch.args);
            let mut passed: Vec<(ArrayId, usize)> = args
                .filter_map(|arg| match arg.split {
                    Split::Passing(stride) if passing[arg.array] => Some((arg.array, stride)),
                    _ => None,
                })
                .collect();
            passed.sort_unstable();
            passed.dedup();
            let numbers: usize = passed.iter().map(|(_, stride)| stride).sum();
            if let Job::Chain(_, samples) = job
                && numbers * SAMPLES * size_of::<f32>() > CACHE
            {
                *samples = 1;
            }
        }
        Self { program: program.name, jobs, passing }
    }
}

impl<'p> Job<'p> {
    fn launches(&self) -> Vec<&Timed<'p>> {
        match self {
            Job::Chain(links, _) => links.iter().flat_map(|link| link.launches()).collect(),
            Job::Whole(phase) => phase.launches().collect(),
            Job::Steps(phases) => phases.iter().flat_map(Phase::launches).collect(),
        }
    }

    /// Whether no launch has more than one piece: there is too little to do for several threads.
    fn is_for_one(&self) -> bool {
        match self {
            Job::Chain(..) => false,
            Job::Whole(phase) => phase.is_for_one(),
            Job::Steps(phases) => phases.iter().all(Phase::is_for_one),
        }
    }
}

/// Puts successive launches by samples into chains, and others into phases.
fn jobs<'p>(stages: &'p [Stage], arrays: &Arrays) -> Vec<Job<'p>> {
    let mut jobs: Vec<Job<'_>> = Vec::new();
    for stage in stages {
        match stage {
            Stage::Whole(launches) => {
                for by_sample in launches.chunk_by(|a, b| is_by_sample(a) == is_by_sample(b)) {
                    if is_by_sample(&by_sample[0]) {
                        by_sample.iter().for_each(|l| link(&mut jobs, Link::Whole(timed(l))));
                    } else {
                        jobs.extend(phases(by_sample, arrays).into_iter().map(Job::Whole));
                    }
                }
            }
            Stage::Steps { launches, backward } if launches.iter().any(is_by_sample) => {
                let launches = launches.iter().map(timed).collect();
                link(&mut jobs, Link::Steps { launches, backward: *backward });
            }
            Stage::Steps { launches, .. } => {
                jobs.push(Job::Steps(phases(launches, arrays)));
            }
        }
    }
    jobs
}

fn is_by_sample(launch: &Launch) -> bool {
    launch.units == Units::Samples
}

/// Puts successive launches into as few phases as their arrays allow.
fn phases<'p>(launches: &'p [Launch], arrays: &Arrays) -> Vec<Phase<'p>> {
    let mut phases: Vec<Phase<'p>> = Vec::new();
    for launch in launches {
        let Units::Count { count, grain } = launch.units else { continue };
        let strand = Strand(vec![(timed(launch), Cut { count, grain })]);
        let Some(Phase(strands)) = phases.last_mut() else {
            phases.push(Phase(vec![strand]));
            continue;
        };
        let touched = strands.iter_mut().filter(|s| s.touches(&strand, arrays));
        match *touched.collect::<Vec<_>>() {
            [] => strands.push(strand),
            [ref mut one] if one.is_cut_like(&strand) => one.0.extend(strand.0),
            _ => phases.push(Phase(vec![strand])),
        }
    }
    phases
}

impl<'p> Phase<'p> {
    fn launches(&self) -> impl Iterator<Item = &Timed<'p>> {
        self.0.iter().flat_map(|strand| &strand.0).map(|(timed, _)| timed)
    }

    fn pieces(&self) -> usize {
        self.0.iter().map(Strand::pieces).sum()
    }

    /// Whether there is anything to do in a step.
    fn is_due(&self, step: u64) -> bool {
        self.launches().any(|timed| timed.launch.is_due(step))
    }

    fn is_for_one(&self) -> bool {
        self.0.iter().all(|strand| strand.pieces() == 1)
    }

    /// The strand that piece number `k` is of, and its number there.
    fn piece(&self, mut k: usize) -> (&Strand<'p>, usize) {
        let mut strands = self.0.iter();
        loop {
            match strands.next() {
                Some(strand) if k < strand.pieces() => return (strand, k),
                Some(strand) => k -= strand.pieces(),
                None => unreachable!("a phase has as many pieces as its strands"),
            }
        }
    }
}

impl Cut {
    fn pieces(self) -> usize {
        self.count.div_ceil(self.grain)
    }

    /// Units of piece number `k`.
    fn units(self, k: usize) -> Range<usize> {
        k * self.grain..self.count.min((k + 1) * self.grain)
    }
}

impl Strand<'_> {
    fn pieces(&self) -> usize {
        self.0[0].1.pieces()
    }

    /// Parts of arrays that both use and one writes: the array, and for either the split and the cut.
    fn shared(&self, other: &Self) -> impl Iterator<Item = (ArrayId, [(Split, Cut); 2])> {
        fn parts<'s>(
            strand: &'s Strand<'_>,
        ) -> impl Iterator<Item = (ArrayId, bool, (Split, Cut))> + 's {
            strand.0.iter().flat_map(|(timed, cut)| {
                let written = timed.launch.kernel.bindings.iter().map(|b| b.written);
                let args = timed.launch.args.iter().zip(written);
                args.map(|(arg, written)| (arg.array, written, (arg.split, *cut)))
            })
        }
        parts(self).flat_map(|(array, writes, part)| {
            let both = parts(other).filter(move |(a, w, _)| *a == array && (writes || *w));
            both.map(move |(_, _, other)| (array, [part, other]))
        })
    }

    /// Whether something that one of the two writes is used by the other.
    fn touches(&self, other: &Self, arrays: &Arrays) -> bool {
        let mut launches = self.0.iter().map(|(timed, _)| timed.launch);
        launches.any(|a| other.0.iter().any(|(b, _)| a.touches(b.launch, arrays)))
    }

    /// Whether each piece of the other touches only the same piece of this one.
    fn is_cut_like(&self, other: &Self) -> bool {
        let alone = self.pieces() == 1 && other.pieces() == 1;
        alone || self.shared(other).all(|(_, [a, b])| a == b && a.0 != Split::Whole)
    }
}

fn timed(launch: &Launch) -> Timed<'_> {
    Timed { launch, nanoseconds: AtomicU64::new(0), calls: AtomicU64::new(0) }
}

/// Appends to the last chain, unless an array would be cut there in two ways.
fn link<'p>(jobs: &mut Vec<Job<'p>>, link: Link<'p>) {
    if let Some(Job::Chain(chain, _)) = jobs.last_mut() {
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
    jobs.push(Job::Chain(vec![link], SAMPLES));
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
/// pieces, being disjoint ranges of units, own disjoint slices; [`Shared::passing`] gives each thread its own, and
/// a thread is done with one piece before it takes the next. Within a job an array is either cut in one
/// way by all launches ([`link`] sees to that), or read whole and not written; so within a strand, and strands of a
/// phase share nothing that one of them writes ([`phases`] sees to that). A piece is claimed by one thread, which
/// does one launch after the other, and the team begins with a phase when all pieces of the one before are done.
struct Shared<'w, F> {
    arrays: ByArray<Pointer<F>>,
    passing: &'w ByArray<bool>,
    clock: &'w Clock,
    interval: usize,
    threads: usize,
    measure: bool,
}

enum Pointer<F> {
    Reals(*mut F, usize),
    Words(*mut u32, usize),
}

// SAFETY: see `Shared`; the pointers outlive the job because `run` borrows the arrays mutably.
unsafe impl<F: Send> Sync for Shared<'_, F> {}

impl<F: Twinned> Shared<'_, F> {
    /// Slices of a piece of a launch.
    fn slices(
        &self,
        thread: usize,
        launch: &Launch,
        units: &Range<usize>,
        [t0, begun]: [u32; 2],
    ) -> Args<'_, F> {
        let bindings = launch.kernel.bindings;
        let slice = |(Arg { array, split }, written): (&Arg, bool)| {
            if *split == Split::Stride(0) {
                // A stand-in, of which no unit has a part.
                return match (&self.arrays[*array], written) {
                    (Pointer::Reals(..), true) => Slice::RealsMut(&mut []),
                    (Pointer::Reals(..), false) => Slice::Reals(&[]),
                    (Pointer::Words(..), true) => Slice::WordsMut(&mut []),
                    (Pointer::Words(..), false) => Slice::Words(&[]),
                };
            }
            let cut = |len: usize| {
                let range = match *split {
                    Split::Passing(stride) if self.passing[*array] => {
                        self.passing(thread, stride, units, len)
                    }
                    // Rows that none writes while the interval lasts.
                    Split::Rows { .. } => split.range(units, begun, len),
                    _ => split.range(units, t0, len),
                };
                assert!(
                    range.start <= range.end && range.end <= len,
                    "{} of {}",
                    len,
                    launch.kernel.name
                );
                assert!(
                    !(written && matches!(split, Split::Whole | Split::Rows { .. })),
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

    /// Where a thread keeps what it needs of `units` only while it is at work on them: in a place of its own
    /// at the start of the array, if there is one for every thread, else where the units lie. So does a single sample: a
    /// host may look at what is left of it.
    fn passing(
        &self,
        thread: usize,
        stride: usize,
        units: &Range<usize>,
        len: usize,
    ) -> Range<usize> {
        let place = SAMPLES * stride;
        if self.clock.samples > 1 && self.threads * place <= len {
            thread * place..thread * place + units.len() * stride
        } else {
            Split::Stride(stride).range(units, 0, len)
        }
    }

    /// All jobs, as a member of the team goes through them.
    fn jobs(&self, jobs: &[Job<'_>], steps: u32, member: &mut Member<'_>) {
        for job in jobs {
            if job.is_for_one() {
                let mut one = member.alone();
                member.phase(1, |_| self.job(job, steps, &mut one));
            } else {
                self.job(job, steps, member);
            }
        }
    }

    fn job(&self, job: &Job<'_>, steps: u32, member: &mut Member<'_>) {
        let thread = member.index();
        let whole = Span { t0: 0, t1: steps };
        match job {
            Job::Chain(links, samples) => {
                let cut = Cut { count: self.clock.samples as usize, grain: *samples };
                member.phase(cut.pieces(), |k| {
                    let units = cut.units(k);
                    links.iter().for_each(|link| self.link(thread, link, whole, &units));
                });
            }
            Job::Whole(phase) => {
                member.phase(phase.pieces(), |k| self.piece(thread, phase, k, whole, 0))
            }
            Job::Steps(phases) => {
                for span in intervals(self.clock.step, steps as usize, self.interval) {
                    let last = self.clock.step + u64::from(span.t1) - 1;
                    for phase in phases.iter().filter(|phase| phase.is_due(last)) {
                        member.phase(phase.pieces(), |k| {
                            // Within an interval a piece needs nothing of the others.
                            for t0 in span.t0..span.t1 {
                                self.piece(thread, phase, k, Span { t0, t1: t0 + 1 }, span.t0);
                            }
                        });
                    }
                }
            }
        }
    }

    /// A link of a chain, for some samples.
    fn link(&self, thread: usize, link: &Link<'_>, whole: Span, units: &Range<usize>) {
        match link {
            Link::Whole(timed) => self.call(thread, timed, whole, units, 0),
            Link::Steps { launches, backward } => {
                for k in whole.t0..whole.t1 {
                    let t0 = if *backward { whole.t1 - 1 - k } else { k };
                    let step = self.clock.step + u64::from(t0);
                    for timed in launches.iter().filter(|timed| timed.launch.is_due(step)) {
                        self.call(thread, timed, Span { t0, t1: t0 + 1 }, units, t0);
                    }
                }
            }
        }
    }

    /// Piece number `k` of a phase, in an interval that began at a step.
    fn piece(&self, thread: usize, phase: &Phase<'_>, k: usize, span: Span, begun: u32) {
        let (Strand(launches), k) = phase.piece(k);
        let step = self.clock.step + u64::from(span.t0);
        let due = launches.iter().filter(|(timed, _)| timed.launch.is_due(step));
        due.for_each(|(timed, cut)| self.call(thread, timed, span, &cut.units(k), begun));
    }

    /// A launch for some units.
    fn call(&self, thread: usize, timed: &Timed<'_>, span: Span, units: &Range<usize>, begun: u32) {
        let start = self.measure.then(Instant::now);
        let args = self.slices(thread, timed.launch, units, [span.t0, begun]);
        let params = &timed.launch.params;
        let units = units.clone();
        F::twin(timed.launch)(Call { params, clock: self.clock, span, units, args });
        if let Some(start) = start {
            timed.nanoseconds.fetch_add(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
            timed.calls.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<F: Twinned> Engine for Cpu<'_, F> {
    fn write_words(&mut self, array: Words, values: &[u32]) -> Result<(), EngineError> {
        if let Data::Words(x) = &mut self.arrays[array] {
            x[..values.len()].copy_from_slice(values);
        }
        Ok(())
    }

    fn write_reals(&mut self, array: Reals, values: &[f32]) -> Result<(), EngineError> {
        if let Data::Reals(x) = &mut self.arrays[array] {
            for (x, value) in x.iter_mut().zip(values) {
                *x = F::of(f64::from(*value));
            }
        }
        Ok(())
    }

    fn read_words(&mut self, array: Words) -> Result<Vec<u32>, EngineError> {
        Ok(match &self.arrays[array] {
            Data::Words(x) => x.to_vec(),
            Data::Reals(_) => Vec::new(),
        })
    }

    fn read_reals(&mut self, array: Reals) -> Result<Vec<f32>, EngineError> {
        Ok(self.wide(array).into_iter().map(|x| x as f32).collect())
    }

    fn fetch(&mut self, arrays: &[ArrayId]) -> Result<Pending, EngineError> {
        let values = |array: &ArrayId| match &self.arrays[*array] {
            Data::Words(x) => Values::Words(x.to_vec()),
            Data::Reals(x) => Values::Reals(x.iter().map(|x| x.wide() as f32).collect()),
        };
        let fetched = arrays.iter().map(|array| (*array, values(array)));
        Ok(Pending::Here(Fetched(fetched.collect())))
    }

    fn collect(&mut self, pending: Pending) -> Result<Fetched, EngineError> {
        match pending {
            Pending::Here(values) => Ok(values),
            Pending::Coming(..) => unreachable!("here what is fetched is there at once"),
        }
    }

    fn run(&mut self, program: ProgramId, clock: &Clock, steps: usize) -> Result<(), EngineError> {
        let Work { jobs, passing, .. } = &self.programs[program.index()];
        let pointer = |data: &mut Data<F>| match data {
            Data::Reals(x) => Pointer::Reals(x.as_mut_ptr(), x.len()),
            Data::Words(x) => Pointer::Words(x.as_mut_ptr(), x.len()),
        };
        let shared = Shared {
            arrays: self.arrays.each_mut(pointer),
            passing,
            clock,
            interval: self.interval,
            threads: self.team.members(),
            measure: self.measure,
        };
        let part = |member: &mut Member<'_>| shared.jobs(jobs, steps as u32, member);
        if jobs.iter().all(Job::is_for_one) {
            self.team.alone(part)
        } else {
            self.team.run(part)
        }
        Ok(())
    }

    fn device(&self) -> &Device {
        &self.device
    }

    fn profile(&mut self) -> Vec<KernelTime> {
        let mut times = Vec::new();
        for work in &self.programs {
            let launches = work.jobs.iter().flat_map(|job| job.launches());
            times.extend(launches.map(|timed| KernelTime {
                program: work.program,
                kernel: timed.launch.kernel.name,
                label: timed.launch.label.clone(),
                launches: timed.calls.load(Ordering::Relaxed),
                seconds: timed.nanoseconds.load(Ordering::Relaxed) as f64 * 1e-9,
            }));
        }
        times.retain(|time| time.launches > 0);
        times
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Kernel;
    use crate::neuron::iaf;
    use crate::synapse::{list_spikes, scatter};

    /// A step of two populations, of three tiles and of one, that pull what is sent to them: they need nothing of each
    /// other. A list of spikes needs those of all.
    #[test]
    fn a_step_has_as_few_phases_as_its_arrays_allow() {
        let mut arrays = Arrays::default();
        let len = [1, 4 * 8, 2 * 4 * 2, 1 + 4 * 64, 3 * 4, 4];
        let made = len.map(|len| arrays.zero_words("", len).id());
        let [all, ring, spikes, fired, state @ ..] = made;
        let launch = |kernel: &'static Kernel, count: usize, args: &[(ArrayId, Split)]| {
            let args = args.iter().map(|&(array, split)| Arg { array, split }).collect();
            let units = Units::Count { count, grain: 1 };
            let (label, params) = (String::new(), Vec::new());
            Launch { kernel, label, params, args, units, invocations: 1, per_step: false, every: 1 }
        };
        let numbers = (all, Split::Whole);
        let neurons = |index: usize, first: usize, count: usize| {
            let row = Split::Row { row: 8, first: 8 + 2 * first, len: 2 * count, stride: 2 };
            let before = (spikes, Split::Rows { row: 8, count: 1 });
            let ring = (ring, Split::From { first: 8 * first, stride: 8 });
            let state = (state[index], Split::Stride(4));
            let samples = (all, Split::Stride(0));
            let written = [state, ring, (spikes, row), samples, before];
            launch(&iaf::KERNEL, count, &[&written[..], &[numbers; 9]].concat())
        };
        let list = [(spikes, Split::Whole), (fired, Split::Stride(arrays[fired].len))];
        let synapses = [(fired, Split::Whole), numbers, numbers, numbers, (ring, Split::Stride(8))];
        let launches = [
            neurons(0, 0, 3),
            neurons(1, 3, 1),
            launch(&list_spikes::KERNEL, 1, &list),
            launch(&scatter::KERNEL, 4, &synapses),
        ];
        let phases = phases(&launches, &arrays);
        let shape = |phase: &Phase<'_>| {
            phase.0.iter().map(|strand| (strand.0.len(), strand.pieces())).collect::<Vec<_>>()
        };
        let shapes: Vec<_> = phases.iter().map(shape).collect();
        assert_eq!(shapes, [vec![(1, 3), (1, 1)], vec![(1, 1)], vec![(1, 4)]]);
    }
}
