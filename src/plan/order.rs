//! Which populations can be done with all steps at once, and in which order.
//!
//! Populations that reach each other through projections form a cycle and are stepped together; all
//! others follow their sources. The groups are the strongly connected components of the graph of
//! projections (Tarjan 1972), sources first.

use super::{Launch, Stage};
use crate::network::Network;

/// Populations that are done together, in the order of the data.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    /// Indices of populations.
    pub members: Vec<usize>,
    /// Whether they lie on a cycle.
    pub cyclic: bool,
}

impl Group {
    /// Stages of launches that are done once and then, on a cycle step by step, of others.
    pub fn stages(&self, mut once: Vec<Launch>, step: Vec<Launch>, backward: bool) -> Vec<Stage> {
        if self.cyclic {
            return vec![Stage::Whole(once), Stage::Steps { launches: step, backward }];
        }
        once.extend(step);
        vec![Stage::Whole(once)]
    }
}

/// Groups of a network, each after all groups that project to it.
pub fn groups(network: &Network) -> Vec<Group> {
    let n = network.populations.len();
    let targets =
        |from: usize| network.projections.iter().filter(move |p| p.from == from).map(|p| p.to);
    let mut search =
        Search { index: vec![None; n], low: vec![0; n], stack: vec![], found: vec![], count: 0 };
    for population in 0..n {
        if search.index[population].is_none() {
            search.visit(population, &targets);
        }
    }
    search.found.reverse();
    search
        .found
        .into_iter()
        .map(|mut members| {
            members.sort_unstable();
            let cyclic = members.len() > 1 || targets(members[0]).any(|to| to == members[0]);
            Group { members, cyclic }
        })
        .collect()
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
    fn visit<I: Iterator<Item = usize>>(
        &mut self,
        population: usize,
        targets: &impl Fn(usize) -> I,
    ) {
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

    fn enter<I: Iterator<Item = usize>>(
        &mut self,
        population: usize,
        targets: &impl Fn(usize) -> I,
    ) -> Vec<usize> {
        self.index[population] = Some(self.count);
        self.low[population] = self.count;
        self.count += 1;
        self.stack.push(population);
        targets(population).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Kind, Population, Projection, Synapses};

    fn network(n: usize, edges: &[(usize, usize)]) -> Network {
        let population = |k: usize| Population {
            name: k.to_string(),
            size: 1,
            kind: Kind::Poisson(vec![0.0]),
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
}
