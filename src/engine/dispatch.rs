//! Which launches are one dispatch on a GPU, and which arrays lie in one buffer for that.
//!
//! A step of a network of many populations is many launches of few kernels. Launches of a kernel that merges
//! ([`Kernel::merges`](crate::kernel::Kernel)) become one dispatch if none of them touches what another, or one in
//! between, writes. What they bind at one place must then be one buffer, in which each finds its own array from an
//! offset on. No shader may bind a buffer twice if it writes to it, so arrays that some launch binds side by side, one
//! of them to write, stay apart; and a buffer is at most as large as a binding.

use super::shader;
use crate::kernel::Place;
use crate::plan::{Array, ArrayId, Arrays, ByArray, Launch, Plan};

/// Alignment of an array in a buffer \[bytes\]: that of offsets of bindings.
const ALIGN: u64 = 256;

/// Dispatches of a plan and the buffers of its arrays.
pub struct Dispatches {
    /// Size of each buffer \[bytes\].
    pub buffers: Vec<u64>,
    /// Buffer of each array, and where it begins there \[bytes\].
    pub places: ByArray<(usize, u64)>,
    /// For each stage of each program its dispatches: numbers of the launches.
    pub programs: Vec<Vec<Vec<Vec<usize>>>>,
}

impl Dispatches {
    /// Merges what can be, with bindings of at most `most` bytes.
    pub fn of(plan: &Plan, most: u64) -> Self {
        let stages = plan.programs.iter().flat_map(|program| &program.stages);
        let mut together = Together {
            arrays: &plan.arrays,
            launches: stages.flat_map(|stage| stage.launches()).collect(),
            leader: plan.arrays.each(|(id, _)| id),
            most,
        };
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
        Self { buffers, places, programs }
    }
}

/// Arrays that lie in one buffer.
struct Together<'p> {
    arrays: &'p Arrays,
    /// All launches of the plan.
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
            let (a, b) = (self.leader[a.array], self.leader[b.array]);
            let leader = a.min(b);
            self.leader.iter_mut().filter(|l| **l == a || **l == b).for_each(|l| *l = leader);
        }
        let fits = self.is_possible(launch);
        if !fits {
            self.leader = before;
        }
        fits
    }

    /// Whether the buffers of a launch are small enough, and no launch binds one twice and writes to it.
    fn is_possible(&self, launch: &Launch) -> bool {
        let bytes = |array: ArrayId| {
            let leader = self.leader[array];
            let together = self.arrays.iter().filter(|(id, _)| self.leader[*id] == leader);
            together.map(|(_, array)| array.bytes().next_multiple_of(ALIGN)).sum::<u64>()
        };
        launch.args.iter().all(|arg| bytes(arg.array) <= self.most)
            && self.launches.iter().all(|launch| {
                let bound = launch.args.iter().zip(launch.kernel.bindings);
                let bound: Vec<_> = bound.map(|(a, b)| (self.leader[a.array], b.written)).collect();
                bound.iter().enumerate().all(|(k, (leader, written))| {
                    bound[..k].iter().all(|(other, also)| other != leader || !(*written || *also))
                })
            })
    }
}
