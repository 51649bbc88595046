//! What a network does, as a list of operations, and in which order they are done.
//!
//! An [`Op`] says what it reads and writes ([`Op::reads`], [`Op::writes`]); from that follows who waits for whom. A plan is
//! a walk over operations ([`walk`]), which a form of plan makes launches of, forwards and, where there are gradients,
//! backwards by what is adjoint to each. How what arrives at neurons is kept decides when an operation is done:
//!
//! * On *tapes* ([`super::tape`]) all that arrives in a window is kept, as floats. Whatever is not on a cycle is done with
//!   all steps at once, population after population; what lies on a cycle is stepped together. The groups are the strongly
//!   connected components of the graph of who sends to whom (Tarjan 1972), sources first.
//! * In *rings* ([`super::ring`]) what arrives is kept until its step has come, as integers, which may be added in any order.
//!   Sources draw for a whole window; all else is stepped, and what a step sends is added to later ones.

use super::{Launch, PlanError, Stage};
use crate::network::{Effect, Network};
use std::collections::HashMap;
use std::mem::discriminant;

/// Something that a network does; the numbers are those of populations, projections or modulators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// A population shows samples, or draws or is given its spikes.
    Show(usize),
    /// Stimuli act on a population.
    Stimulate(usize),
    /// Short-term plasticity tells what the spikes of a projection carry.
    Release(usize),
    /// Attention weighs the frames of what a projection gets.
    Attend(usize),
    /// What is sent through a projection arrives.
    Deliver(usize),
    /// Neurons or readouts take what arrived, and send.
    Integrate(usize),
    /// The loss looks at a population.
    Judge(usize),
    /// Spikes change the weights of a projection, by its rule.
    Learn(usize),
    /// A substance is released, falls, and acts.
    Modulate(usize),
    /// All weights of a projection change together, every so many steps: by rates, marks and sums.
    Adjust(usize),
}

/// Something that operations read or write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Datum {
    /// What a population sends.
    Sent(usize),
    /// What that carries through a projection.
    Carried(usize),
    /// What arrives at the receptors of a population.
    Arrived(usize),
    /// The concentration of a modulator.
    Level(usize),
    /// The weights of a projection.
    Weights(usize),
}

impl Op {
    /// What it needs.
    pub fn reads(self, network: &Network) -> Vec<Datum> {
        let acting = |on: &dyn Fn(&Effect) -> bool| {
            let modulators = network.modulators.iter().enumerate();
            let acting = modulators.filter(|(_, m)| m.effects.iter().any(on));
            acting.map(|(m, _)| Datum::Level(m)).collect::<Vec<_>>()
        };
        let sources = |p: usize| [network.projections[p].from].map(Datum::Sent);
        match self {
            Self::Show(_) => vec![],
            Self::Stimulate(k) => acting(&|e| matches!(e, Effect::Noise(on, _) if *on == k)),
            Self::Release(p) | Self::Attend(p) => sources(p).to_vec(),
            Self::Deliver(p) => [&sources(p)[..], &[Datum::Carried(p), Datum::Weights(p)]].concat(),
            Self::Integrate(k) => {
                let on = |e: &Effect| match e {
                    Effect::Gain { population, .. } => *population == k,
                    Effect::Threshold(population, _) => *population == k,
                    Effect::Noise(..) | Effect::Learning(..) => false,
                };
                [vec![Datum::Arrived(k)], acting(&on)].concat()
            }
            Self::Judge(k) => vec![Datum::Sent(k)],
            Self::Learn(p) | Self::Adjust(p) => {
                let ends = [network.projections[p].from, network.projections[p].to];
                let own = [&ends.map(Datum::Sent)[..], &[Datum::Weights(p)]].concat();
                [own, acting(&|e| matches!(e, Effect::Learning(on, _) if *on == p))].concat()
            }
            Self::Modulate(m) => {
                network.modulators[m].spikes.iter().map(|(k, _)| Datum::Sent(*k)).collect()
            }
        }
    }

    /// What it changes.
    pub fn writes(self, network: &Network) -> Option<Datum> {
        match self {
            Self::Show(k) | Self::Integrate(k) => Some(Datum::Sent(k)),
            Self::Stimulate(k) => Some(Datum::Arrived(k)),
            Self::Release(p) | Self::Attend(p) => Some(Datum::Carried(p)),
            Self::Deliver(p) => Some(Datum::Arrived(network.projections[p].to)),
            Self::Judge(_) => None,
            Self::Learn(p) | Self::Adjust(p) => Some(Datum::Weights(p)),
            Self::Modulate(m) => Some(Datum::Level(m)),
        }
    }
}

/// Operations that are done together.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Phase {
    /// Once for a window.
    pub once: Vec<Op>,
    /// Likewise, or if it is `stepped` in one step after the other.
    pub step: Vec<Op>,
    /// Whether steps follow each other.
    pub stepped: bool,
}

/// Populations that are done together, in the order of the data.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    /// Indices of populations.
    pub members: Vec<usize>,
    /// Whether they lie on a cycle.
    pub cyclic: bool,
}

/// What is there for all steps of a window before the first: what sources show.
pub fn shown(network: &Network) -> Vec<Op> {
    let sources = network.populations.iter().enumerate().filter(|(_, p)| !p.is_neural());
    sources.map(|(k, _)| Op::Show(k)).collect()
}

/// What substances do.
pub fn modulated(network: &Network) -> Vec<Op> {
    (0..network.modulators.len()).map(Op::Modulate).collect()
}

/// What brings activity from one population to the next, in steps of which each adds to what later ones take from rings.
pub fn on_rings(network: &Network) -> Vec<Op> {
    let neurons = (0..network.populations.len()).filter(|k| network.populations[*k].is_neural());
    let released = |p: &usize| network.projections[*p].short_term.is_some();
    let projections = 0..network.projections.len();
    let mut ops: Vec<Op> = neurons.clone().map(Op::Stimulate).collect();
    ops.extend(neurons.map(Op::Integrate));
    ops.extend(projections.clone().filter(released).map(Op::Release));
    ops.extend(projections.map(Op::Deliver));
    ops
}

/// What changes synapses.
pub fn learned(network: &Network) -> Vec<Op> {
    let projections = network.projections.iter().enumerate();
    let learning = projections.clone().filter(|(_, p)| p.rule.is_some()).map(|(p, _)| Op::Learn(p));
    let adjusted = projections.filter(|(_, p)| p.is_live()).map(|(p, _)| Op::Adjust(p));
    learning.chain(modulated(network)).chain(adjusted).collect()
}

/// What brings activity from one population to the next, where all that arrives in a window is on tapes.
pub fn on_tapes(network: &Network) -> Vec<Phase> {
    let neural = |k: usize| network.populations[k].is_neural();
    // A modulator is there once all that release it are done; what only sources release, before anything arrives.
    let (mut done, mut waiting) = (Vec::new(), modulated(network));
    let mut released = |group: &[usize]| -> Vec<Op> {
        done.extend_from_slice(group);
        let is_done =
            |datum: Datum| matches!(datum, Datum::Sent(k) if !neural(k) || done.contains(&k));
        waiting.extract_if(.., |op| op.reads(network).into_iter().all(is_done)).collect()
    };
    let first = [shown(network), released(&[])].concat();
    let mut phases = vec![Phase { once: first, ..Phase::default() }];
    for Group { members, cyclic } in groups(network) {
        let neurons = members.iter().filter(|k| neural(**k));
        let mut phase = Phase { stepped: cyclic, ..Phase::default() };
        // What comes from outside the group is there for all steps, and comes first.
        phase.once.extend(neurons.clone().map(|k| Op::Stimulate(*k)));
        let mut behind = Vec::new();
        for (index, p) in network.projections.iter().enumerate() {
            let carried = p.short_term.map(|_| Op::Release(index));
            match members.contains(&p.to) {
                true if !members.contains(&p.from) => {
                    phase.once.extend(carried);
                    phase.once.extend(p.attention.as_ref().map(|_| Op::Attend(index)));
                    phase.once.push(Op::Deliver(index));
                }
                // Spikes of a step are there behind its neurons, and are delivered in later steps.
                true => {
                    phase.step.push(Op::Deliver(index));
                    behind.extend(carried);
                }
                false => {}
            }
        }
        phase.step.extend(neurons.map(|k| Op::Integrate(*k)));
        phase.step.extend(behind);
        phases.push(phase);
        phases.push(Phase { once: released(&members), ..Phase::default() });
    }
    phases
}

/// The way back: operations whose adjoints are done, from what the loss is of to what sources send. Gradients by what a
/// group sends are complete before its neurons take them.
pub fn back(network: &Network) -> Vec<Phase> {
    let mut phases = Vec::new();
    for Group { members, cyclic } in groups(network).into_iter().rev() {
        let mut phase = Phase { stepped: cyclic, ..Phase::default() };
        phase.once.extend(members.iter().map(|k| Op::Judge(*k)));
        let of_members = |op: &Op| {
            let reads = op.reads(network);
            members.iter().any(|k| reads.contains(&Datum::Sent(*k)))
        };
        phase.once.extend(modulated(network).into_iter().filter(of_members));
        for (index, p) in network.projections.iter().enumerate() {
            if members.contains(&p.from) {
                let inside = members.contains(&p.to);
                let ops = if inside { &mut phase.step } else { &mut phase.once };
                ops.push(Op::Deliver(index));
            }
        }
        let neurons = members.iter().rev().filter(|k| network.populations[**k].is_neural());
        phase.step.extend(neurons.map(|k| Op::Integrate(*k)));
        phases.push(phase);
    }
    phases
}

/// What a form of plan makes launches of: a run of operations of one kind, of which it may make one launch.
pub type Lower<'a> = dyn FnMut(&[Op], &mut Vec<Launch>) -> Result<(), PlanError> + 'a;

/// Launches of operations.
pub fn launches(ops: &[Op], lower: &mut Lower<'_>) -> Result<Vec<Launch>, PlanError> {
    let mut launches = Vec::new();
    for run in ops.chunk_by(|a, b| discriminant(a) == discriminant(b)) {
        lower(run, &mut launches)?;
    }
    Ok(launches)
}

/// Stages of phases, one after the other.
pub fn walk(
    phases: &[Phase],
    backward: bool,
    lower: &mut Lower<'_>,
) -> Result<Vec<Stage>, PlanError> {
    let mut stages = Vec::new();
    for phase in phases {
        stages.push(Stage::Whole(launches(&phase.once, lower)?));
        let launches = launches(&phase.step, lower)?;
        stages.push(match phase.stepped {
            true => Stage::Steps { launches, backward },
            false => Stage::Whole(launches),
        });
    }
    Ok(stages)
}

/// Groups of a network, each after all whose activity reaches it.
pub fn groups(network: &Network) -> Vec<Group> {
    let n = network.populations.len();
    let reached = reached(network);
    let mut search =
        Search { index: vec![None; n], low: vec![0; n], stack: vec![], found: vec![], count: 0 };
    for population in 0..n {
        if search.index[population].is_none() {
            search.visit(population, &reached);
        }
    }
    search.found.reverse();
    search
        .found
        .into_iter()
        .map(|mut members| {
            members.sort_unstable();
            let cyclic = members.len() > 1 || reached[members[0]].contains(&members[0]);
            Group { members, cyclic }
        })
        .collect()
}

/// For each population those that take what it sends, whatever the way.
fn reached(network: &Network) -> Vec<Vec<usize>> {
    let mut readers: HashMap<Datum, Vec<Op>> = HashMap::new();
    for op in on_rings(network).into_iter().chain(modulated(network)) {
        op.reads(network).into_iter().for_each(|datum| readers.entry(datum).or_default().push(op));
    }
    let of = |k: usize| {
        let (mut reached, mut data, mut next) = (Vec::new(), vec![Datum::Sent(k)], 0);
        while let Some(datum) = data.get(next) {
            for op in readers.get(datum).into_iter().flatten() {
                match *op {
                    Op::Integrate(to) => reached.push(to),
                    op => data.extend(op.writes(network).filter(|datum| !data.contains(datum))),
                }
            }
            next += 1;
        }
        reached
    };
    (0..network.populations.len()).map(of).collect()
}

struct Search {
    index: Vec<Option<usize>>,
    low: Vec<usize>,
    stack: Vec<usize>,
    found: Vec<Vec<usize>>,
    count: usize,
}

impl Search {
    /// Visits `population` and all that it reaches. Done with a list instead of recursion, so that a
    /// long chain of populations cannot exhaust the stack.
    fn visit(&mut self, population: usize, targets: &[Vec<usize>]) {
        let mut path = vec![(population, self.enter(population, targets))];
        while let Some((from, rest)) = path.last_mut() {
            let from = *from;
            match rest.pop() {
                Some(to) => match self.index[to] {
                    None => path.push((to, self.enter(to, targets))),
                    Some(index) if self.stack.contains(&to) => {
                        self.low[from] = self.low[from].min(index);
                    }
                    Some(_) => {}
                },
                None => {
                    path.pop();
                    if let Some((parent, _)) = path.last() {
                        self.low[*parent] = self.low[*parent].min(self.low[from]);
                    }
                    if self.index[from] == Some(self.low[from]) {
                        let at = self.stack.iter().position(|p| *p == from).unwrap_or_default();
                        self.found.push(self.stack.split_off(at));
                    }
                }
            }
        }
    }

    fn enter(&mut self, population: usize, targets: &[Vec<usize>]) -> Vec<usize> {
        self.index[population] = Some(self.count);
        self.low[population] = self.count;
        self.count += 1;
        self.stack.push(population);
        targets[population].clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Kind, Modulator, Population, Projection, ShortTerm, Synapses};
    use crate::neuron::iaf::{Cell, Iaf};
    use std::sync::Arc;

    fn network(n: usize, edges: &[(usize, usize)]) -> Network {
        let neurons = || {
            Kind::Stepped(Arc::new(Iaf {
                cells: vec![Cell::plain()],
                e_l: vec![0.0],
                receptors: vec![],
                init: vec![],
                dt: 1.0,
                nonlinear: false,
                adex: false,
                subtract: false,
                answer: None,
            }))
        };
        let kind = |k: usize| match edges.iter().any(|(_, to)| *to == k) {
            true => neurons(),
            false => Kind::Poisson(vec![0.0]),
        };
        let population = |k: usize| Population {
            name: k.to_string(),
            size: 1,
            kind: kind(k),
            on_tape: false,
            laid_out: vec![],
            numbers: None,
            learns_current: false,
            frozen: None,
        };
        let projection = |&(from, to): &(usize, usize)| Projection {
            name: String::new(),
            from,
            to,
            receptor: 0,
            delay: 1,
            delays: None,
            learn: false,
            frozen: false,
            lr: 1.0,
            dropout: 0.0,
            unit: 1.0,
            synapses: Synapses::Dense { weights: vec![0.0] },
            rule: None,
            short_term: None,
            attention: None,
            normalize: None,
            scaling: None,
            rewire: None,
        };
        Network {
            dt: 1.0,
            seed: 0,
            copies: 1,
            populations: (0..n).map(population).collect(),
            projections: edges.iter().map(projection).collect(),
            stimuli: vec![],
            modulators: vec![],
            warnings: vec![],
        }
    }

    #[test]
    fn cycles_are_found_and_sources_come_first() {
        let groups = groups(&network(6, &[(0, 1), (1, 2), (2, 1), (2, 3), (4, 4), (3, 5), (4, 5)]));
        let position = |k: usize| groups.iter().position(|g| g.members.contains(&k)).unwrap();
        assert_eq!(groups[position(1)], Group { members: vec![1, 2], cyclic: true });
        assert_eq!(groups[position(4)], Group { members: vec![4], cyclic: true });
        assert!(!groups[position(3)].cyclic);
        assert!(position(0) < position(1) && position(1) < position(3));
        assert!(position(3) < position(5) && position(4) < position(5));
    }

    #[test]
    fn a_long_chain_does_not_exhaust_the_stack() {
        let edges: Vec<_> = (0..3000).map(|k| (k, k + 1)).collect();
        assert_eq!(groups(&network(3001, &edges)).len(), 3001);
    }

    /// A source, a cycle of two, one of one that gets short-term plasticity, and an end.
    fn with_cycles() -> Network {
        let mut network =
            network(6, &[(0, 1), (1, 2), (2, 1), (2, 3), (4, 4), (3, 5), (4, 5), (0, 4)]);
        network.projections[4].short_term =
            Some(ShortTerm { u: 0.5, tau_rec: 100.0, tau_facil: 0.0 });
        network
    }

    #[test]
    fn on_tapes_each_operation_has_what_it_reads() {
        let network = with_cycles();
        let phases = on_tapes(&network);
        let all: Vec<(usize, Op)> = phases
            .iter()
            .enumerate()
            .flat_map(|(k, phase)| phase.once.iter().chain(&phase.step).map(move |op| (k, *op)))
            .collect();
        for (at, (phase, op)) in all.iter().enumerate() {
            assert_eq!(all.iter().filter(|(_, other)| other == op).count(), 1, "{op:?}");
            for datum in op.reads(&network) {
                for (other, (of, writer)) in all.iter().enumerate() {
                    if writer.writes(&network) == Some(datum) {
                        // What is stepped may have it of the step before.
                        let before = other < at || (of == phase && phases[*phase].stepped);
                        assert!(before, "{op:?} reads {datum:?} of {writer:?}");
                    }
                }
            }
        }
        let expected = shown(&network).len() + on_rings(&network).len();
        assert_eq!(all.len(), expected, "both ways have the same operations");
    }

    #[test]
    fn the_way_back_has_each_delivery_before_the_neurons_that_sent() {
        let network = with_cycles();
        let phases = back(&network);
        let of = |op: Op| {
            let has = |phase: &Phase| phase.once.contains(&op) || phase.step.contains(&op);
            phases.iter().position(has).unwrap()
        };
        for (index, p) in network.projections.iter().enumerate() {
            let delivered = of(Op::Deliver(index));
            assert!(of(Op::Integrate(p.to)) <= delivered);
            if network.populations[p.from].is_neural() {
                assert_eq!(of(Op::Integrate(p.from)), delivered);
            }
        }
    }

    #[test]
    fn what_spikes_release_reaches_what_it_acts_on() {
        let mut network = network(4, &[(0, 1), (2, 3)]);
        network.modulators.push(Modulator {
            name: String::new(),
            tau: 1.0,
            baseline: 0.0,
            start: 0.0,
            events: vec![],
            spikes: vec![(3, 1.0)],
            pairs: vec![],
            effects: vec![Effect::Threshold(1, 1.0)],
        });
        let groups = groups(&network);
        let position = |k: usize| groups.iter().position(|g| g.members.contains(&k)).unwrap();
        assert!(position(3) < position(1));
    }
}
