//! Which launches are one dispatch on a GPU, and which arrays lie in one buffer for that.
//!
//! A step of a network of many populations is many launches of few kernels. Launches of a kernel that merges
//! ([`Kernel::merges`](crate::kernel::Kernel)) become one dispatch if none of them touches what another, or one in
//! between, writes. What they bind at one place must then be one buffer, in which each finds its own array from an
//! offset on. No shader may bind a buffer twice if it writes to it, so arrays that some launch binds side by side, one
//! of them to write, stay apart; and a buffer is at most as large as a binding.
//!
//! All launches of the steps of a window become one dispatch where they suit a single workgroup: see [`linked`].
//!
//! A [`Form`] is what a device is told of a dispatch, by whatever interface it is reached.

use super::linked;
use super::shader::{self, Source};
use crate::kernel::{Binding, Kernel, Place, Span};
use crate::plan::{Array, ArrayId, Arrays, ByArray, Launch, Plan, Stage};
use std::collections::BTreeMap;

/// Alignment of an array in a buffer, and of a span among others \[bytes\]: that of offsets of bindings.
const ALIGN: u64 = 256;

/// Dispatches of a plan and the buffers of its arrays.
pub struct Dispatches {
    /// Size of each buffer \[bytes\].
    pub buffers: Vec<u64>,
    /// Buffer of each array, and where it begins there \[bytes\].
    pub places: ByArray<(usize, u64)>,
    /// For each stage of each program its dispatches: numbers of the launches.
    pub programs: Vec<Vec<Vec<Vec<usize>>>>,
    /// For each stage of each program whether its dispatches are one, by a shader that is [`linked`].
    pub linked: Vec<Vec<bool>>,
}

impl Dispatches {
    /// Merges what can be, with bindings of at most `most` bytes.
    pub fn of(plan: &Plan, most: u64) -> Self {
        Self::made(plan, most, false)
    }

    /// The same, with the launches of all steps of a window as one where a workgroup may do them.
    pub fn linking(plan: &Plan, most: u64) -> Self {
        Self::made(plan, most, true)
    }

    fn made(plan: &Plan, most: u64, links: bool) -> Self {
        let stages = plan.programs.iter().flat_map(|program| &program.stages);
        let mut together = Together {
            arrays: &plan.arrays,
            launches: stages.clone().flat_map(|stage| stage.launches()).collect(),
            leader: plan.arrays.each(|(id, _)| id),
            most,
        };
        for launch in together.launches.clone() {
            for (k, arg) in launch.args.iter().enumerate() {
                together.put_together(arg.array, launch.args[launch.kernel.host(k)].array);
            }
        }
        let suits = |stage: &Stage| {
            let is_stepped = matches!(stage, Stage::Steps { backward: false, .. });
            links && is_stepped && plan.interval == 1 && linked::suits(stage.launches())
        };
        let chosen: Vec<&Stage> = stages.filter(|stage| suits(stage)).collect();
        let links = together.pool(&chosen);
        let linked = plan.programs.iter().map(|program| {
            program.stages.iter().map(|stage| links && suits(stage)).collect::<Vec<_>>()
        });
        let linked = linked.collect();
        let mut programs = Vec::with_capacity(plan.programs.len());
        for program in &plan.programs {
            let stages = program.stages.iter().map(|stage| together.merge(stage.launches()));
            programs.push(stages.collect());
        }
        let mut buffers = Vec::new();
        let mut of_leader = plan.arrays.each(|_| None);
        let place = |(id, array): (ArrayId, &Array)| {
            let buffer = *of_leader[together.leader[id]].get_or_insert_with(|| {
                buffers.push(0);
                buffers.len() - 1
            });
            let begin = u64::next_multiple_of(buffers[buffer], ALIGN);
            buffers[buffer] = begin + array.bytes();
            (buffer, begin)
        };
        let places = plan.arrays.each(place);
        Self { buffers, places, programs, linked }
    }
}

/// What a dispatch runs.
pub enum Code {
    /// A kernel.
    Kernel(&'static Kernel),
    /// A shader of several.
    Linked(Source),
}

impl Code {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Kernel(kernel) => kernel.name,
            Self::Linked(_) => "linked",
        }
    }

    /// Invocations of a workgroup.
    pub fn workgroup(&self) -> u32 {
        match self {
            Self::Kernel(kernel) => kernel.workgroup,
            Self::Linked(_) => linked::WORKGROUP,
        }
    }
}

/// What a device is told of a dispatch.
pub struct Form {
    /// The shader.
    pub code: Code,
    /// Values of its `override` constants.
    pub constants: Vec<(String, f64)>,
    /// Content of the uniform [`shader::PARAMS`].
    pub params: Vec<u8>,
    /// Buffer of each binding, where in it that begins and how long it is \[bytes\], and whether it is written.
    pub arrays: Vec<(usize, u64, u64, bool)>,
    /// Invocations, of each step if `per_step`.
    pub invocations: u64,
    /// Whether the invocations multiply with the steps.
    pub per_step: bool,
    /// Steps from one dispatch to the next.
    pub every: u64,
}

impl Form {
    /// Workgroups over so many steps, in two dimensions.
    pub fn groups(&self, steps: usize) -> (u32, u32) {
        let factor = if self.per_step { steps as u64 } else { 1 };
        fold((self.invocations * factor).div_ceil(u64::from(self.code.workgroup())))
    }
}

/// Workgroups of a grid in two dimensions, each at most 65,535, with at least `count` in all.
fn fold(count: u64) -> (u32, u32) {
    const MOST: u64 = 65_535;
    let rows = count.div_ceil(MOST).max(1);
    (count.div_ceil(rows) as u32, rows as u32)
}

impl Dispatches {
    /// The form of a dispatch of these launches.
    pub fn form(&self, arrays: &Arrays, launches: &[&Launch]) -> Form {
        let first = launches[0];
        let kernel = first.kernel;
        let (params, mut constants) = first.device_form();
        constants.push(("WG".to_owned(), f64::from(kernel.workgroup)));
        let (params, invocations) = match kernel.merges {
            true => self.table(launches),
            false => (padded(params, 16), first.invocations),
        };
        let bound = |(k, binding): (usize, &Binding)| {
            let array = first.args[k].array;
            let (buffer, begin) = self.places[array];
            match kernel.merges {
                true => (buffer, 0, self.buffers[buffer], binding.written),
                false => (buffer, begin, arrays[array].bytes(), binding.written),
            }
        };
        Form {
            code: Code::Kernel(kernel),
            constants,
            params,
            arrays: kernel.bound().map(bound).collect(),
            invocations,
            per_step: first.per_step,
            every: first.every,
        }
    }

    /// The form of all steps of a window at once, whose launches are these dispatches of a step.
    ///
    /// # Errors
    /// A kernel's text cannot be put together.
    pub fn linked_form(
        &self,
        launches: &[Launch],
        dispatches: &[Vec<usize>],
    ) -> Result<Form, String> {
        let mut params = vec![0; 16];
        let mut at = Vec::with_capacity(launches.len());
        for launch in launches {
            at.push(params.len() / 16);
            self.record(&mut params, launch, 0);
        }
        params.resize(shader::TABLE, 0);
        let mut pools = BTreeMap::new();
        for launch in launches {
            for (pool, arg) in linked::pools(launch.kernel).zip(&launch.args) {
                pools.insert(pool, self.places[arg.array].0);
            }
        }
        let code = Code::Linked(linked::link(launches, dispatches, &at)?);
        let bound = |buffer: usize| (buffer, 0, self.buffers[buffer], true);
        Ok(Form {
            code,
            constants: Vec::new(),
            params,
            arrays: pools.into_values().map(bound).collect(),
            invocations: 1,
            per_step: false,
            every: 1,
        })
    }

    /// Adds the record of a launch, whose first workgroup has a number.
    fn record(&self, records: &mut Vec<u8>, launch: &Launch, first: u32) {
        let end = records.len() + 16 * shader::record(launch.kernel);
        records.extend(first.to_le_bytes());
        records.extend(launch.device_form().0);
        for arg in &launch.args {
            records.extend(((self.places[arg.array].1 / 4) as u32).to_le_bytes());
        }
        records.resize(end, 0);
    }

    /// The table of the launches of a merging kernel, see [`shader::record`], and their invocations together.
    fn table(&self, launches: &[&Launch]) -> (Vec<u8>, u64) {
        let kernel = launches[0].kernel;
        let mut groups = 0u64;
        let mut records = Vec::with_capacity(shader::TABLE);
        for launch in launches {
            self.record(&mut records, launch, groups as u32);
            groups += launch.invocations.div_ceil(u64::from(kernel.workgroup));
        }
        let head = [launches.len() as u32, groups as u32, 0, 0];
        let mut table: Vec<u8> = head.iter().flat_map(|word| word.to_le_bytes()).collect();
        table.extend(records);
        table.resize(shader::TABLE, 0);
        (table, groups * u64::from(kernel.workgroup))
    }
}

/// Where the params of a dispatch have the field of one of its launches \[bytes\], if it is no option.
pub fn param_at(kernel: &Kernel, member: usize, field: &str) -> Option<usize> {
    let mut fields = kernel.params.iter().filter(|field| field.place != Place::Option);
    let word = fields.position(|known| known.name == field)?;
    let record = 16 * (1 + member * shader::record(kernel));
    Some(4 * word + if kernel.merges { record + 4 } else { 0 })
}

/// Bytes of a uniform, at least one and a multiple of `of`.
fn padded(mut bytes: Vec<u8>, of: usize) -> Vec<u8> {
    bytes.resize(bytes.len().max(1).next_multiple_of(of), 0);
    bytes
}

/// The spans of a plan's windows as a uniform buffer has them: those of single steps, those of a window's first
/// 1, 2, ... steps, and where steps are done in intervals those of whole ones that begin at each step. A dispatch takes
/// one by its offset \[bytes\].
#[derive(Debug, Clone, Copy)]
pub struct Spans {
    /// Steps of a window at most.
    pub steps: usize,
    /// Steps of an interval.
    pub interval: usize,
}

impl Spans {
    /// Offset of the span of step `t`.
    pub fn of_step(self, t: usize) -> u32 {
        t as u32 * ALIGN as u32
    }

    /// Offset of the span of a whole interval from step `t` on, where steps are done in intervals.
    pub fn of_whole(self, t: usize) -> u32 {
        (2 * self.steps + t) as u32 * ALIGN as u32
    }

    /// Offset of the span of a window of `steps` steps.
    pub fn of_window(self, steps: usize) -> u32 {
        (self.steps + steps - 1) as u32 * ALIGN as u32
    }

    /// Offsets that together cover an interval, or what a window leaves of it: of one that is cut short by the end of
    /// the window those of its steps.
    pub fn of_interval(self, span: Span) -> impl Iterator<Item = u32> {
        let [t0, t1] = [span.t0, span.t1].map(|t| t as usize);
        let whole = match (t0, t1 - t0) {
            (_, 1) => Some(self.of_step(t0)),
            (0, count) => Some(self.of_window(count)),
            (_, count) if count == self.interval => Some(self.of_whole(t0)),
            _ => None,
        };
        let single = if whole.is_some() { t1..t1 } else { t0..t1 };
        whole.into_iter().chain(single.map(move |t| self.of_step(t)))
    }

    /// Content of the buffer.
    pub fn bytes(self) -> Vec<u8> {
        let steps = self.steps as u32;
        let single = (0..steps).map(|t| Span { t0: t, t1: t + 1 });
        let windows = (1..=steps).map(|end| Span { t0: 0, t1: end });
        let bytes =
            |span: Span| padded(span.words().map(u32::to_le_bytes).concat(), ALIGN as usize);
        let interval = self.interval as u32;
        let whole =
            (0..if interval > 1 { steps } else { 0 }).map(|t| Span { t0: t, t1: t + interval });
        single.chain(windows).chain(whole).flat_map(bytes).collect()
    }
}

/// Arrays that lie in one buffer.
struct Together<'p> {
    arrays: &'p Arrays,
    /// All launches of the plan but those that are linked.
    launches: Vec<&'p Launch>,
    /// The first of the arrays with which each lies in one buffer.
    leader: ByArray<ArrayId>,
    most: u64,
}

impl Together<'_> {
    /// Dispatches of the launches of a stage, in an order that keeps what one does for another.
    fn merge(&mut self, launches: &[Launch]) -> Vec<Vec<usize>> {
        let mut dispatches: Vec<Vec<usize>> = Vec::new();
        for (index, launch) in launches.iter().enumerate() {
            // Back to the last dispatch that must be over before.
            let needed = dispatches.iter().rposition(|members| {
                members.iter().any(|k| launches[*k].touches(launch, self.arrays))
            });
            let mut free = dispatches[needed.map_or(0, |k| k + 1)..].iter_mut();
            match free.find(|members| self.join(launches, members, launch)) {
                Some(members) => members.push(index),
                None => dispatches.push(vec![index]),
            }
        }
        dispatches
    }

    /// Whether a launch may be one dispatch with others; if so, their arrays are put together.
    fn join(&mut self, launches: &[Launch], members: &[usize], launch: &Launch) -> bool {
        let first = &launches[members[0]];
        let kernel = launch.kernel;
        let room = (shader::TABLE / 16 - 1) / shader::record(kernel);
        let alike = std::ptr::eq(first.kernel, kernel)
            && kernel.merges
            && first.every == launch.every
            && members.len() < room
            && [first, launch].iter().all(|l| !l.per_step)
            && kernel
                .params
                .iter()
                .zip(first.params.iter().zip(&launch.params))
                .all(|(field, (a, b))| field.place != Place::Option || a == b);
        if !alike {
            return false;
        }
        let before = self.leader.clone();
        for (a, b) in first.args.iter().zip(&launch.args) {
            self.put_together(a.array, b.array);
        }
        let fits = self.is_possible(launch);
        if !fits {
            self.leader = before;
        }
        fits
    }

    /// Puts the arrays of the launches of these stages into one buffer for each pool, if that is possible.
    fn pool(&mut self, stages: &[&Stage]) -> bool {
        let before = (self.leader.clone(), self.launches.clone());
        let launches: Vec<&Launch> = stages.iter().flat_map(|stage| stage.launches()).collect();
        let mut first = BTreeMap::new();
        let mut pool_of = self.leader.clone().map(|_| None);
        let mut is_possible = true;
        for launch in &launches {
            for (pool, arg) in linked::pools(launch.kernel).zip(&launch.args) {
                // Nothing is added to at the same time by some launches and written otherwise by others.
                is_possible &= *pool_of[arg.array].get_or_insert(pool) == pool;
                self.put_together(*first.entry(pool).or_insert(arg.array), arg.array);
            }
        }
        // A linked shader has each pool once, however many of its arrays a launch writes.
        self.launches.retain(|launch| !launches.iter().any(|other| std::ptr::eq(*other, *launch)));
        let others = self.launches.clone();
        is_possible &= first.values().all(|array| self.bytes(*array) <= self.most)
            && others.first().is_none_or(|launch| self.is_possible(launch));
        if !is_possible {
            (self.leader, self.launches) = before;
        }
        is_possible && !stages.is_empty()
    }

    /// Bytes of the buffer of an array.
    fn bytes(&self, array: ArrayId) -> u64 {
        let leader = self.leader[array];
        let together = self.arrays.iter().filter(|(id, _)| self.leader[*id] == leader);
        together.map(|(_, array)| array.bytes().next_multiple_of(ALIGN)).sum()
    }

    /// Has two arrays lie in one buffer, with all that lie with either.
    fn put_together(&mut self, a: ArrayId, b: ArrayId) {
        let (a, b) = (self.leader[a], self.leader[b]);
        self.leader.iter_mut().filter(|l| **l == a || **l == b).for_each(|l| *l = a.min(b));
    }

    /// Whether the buffers of a launch are small enough, and no launch binds one twice and writes to it. An array that
    /// is alone in its buffer may be as large as it is: the planner knows what the adapter takes.
    fn is_possible(&self, launch: &Launch) -> bool {
        let fits = |array: ArrayId| {
            let bytes = self.bytes(array);
            bytes <= self.most || bytes == self.arrays[array].bytes().next_multiple_of(ALIGN)
        };
        launch.args.iter().all(|arg| fits(arg.array))
            && self.launches.iter().all(|launch| {
                let bound = launch.kernel.bound();
                let bound = bound.map(|(k, b)| (self.leader[launch.args[k].array], b.written));
                let bound: Vec<_> = bound.collect();
                bound.iter().enumerate().all(|(k, (leader, written))| {
                    bound[..k].iter().all(|(other, also)| other != leader || !(*written || *also))
                })
            })
    }
}
