//! Synapses that are replaced between two windows.

use super::{Simulation, SimulationError};
use crate::engine::EngineError;
use crate::network;
use crate::plan::{Lists, LivePorts, Tiles};
use crate::synapse::by_row;

impl<'a> Simulation<'a> {
    /// Projections whose weak synapses are replaced.
    pub(super) fn rewirings(&self) -> impl Iterator<Item = (usize, network::Rewire)> + use<'a> {
        let projections = self.network.projections.iter().enumerate();
        projections.filter_map(|(k, p)| Some((k, p.rewire?)))
    }

    /// Replaces weak synapses of projections whose interval is over.
    pub(super) fn rewire(&mut self) -> Result<(), EngineError> {
        let now = self.recording.steps;
        for (k, rule) in self.rewirings() {
            if !now.is_multiple_of(rule.every) {
                continue;
            }
            let network = self.network;
            let p = &network.projections[k];
            let (
                Some(LivePorts {
                    weights: Tiles::Sparse { array, synapses, .. },
                    lists: Some(lists),
                    marks,
                }),
                network::Synapses::Sparse { start, .. },
            ) = (&self.ports.live[k], &p.synapses)
            else {
                continue;
            };
            let mut weights = self.engine.read_reals(*array)?;
            let origin = self.engine.read_words(lists.origin)?;
            let before: Vec<u32> = origin.iter().map(|word| lists.source(*word)).collect();
            let mut source = before.clone();
            let from = (network.populations[p.from].size, p.from == p.to);
            let interval = now / rule.every;
            let replaced =
                rule.replace(interval, start, &mut source, &mut weights[..*synapses], from);
            if replaced.is_empty() {
                continue;
            }
            self.recording.rewired += replaced.len() as u64;
            self.count_synapses(p, &before, &source);
            // What belongs to a synapse that is gone: its second float, its mark and what comes with that.
            for rest in weights[*synapses..].chunks_mut((*synapses).max(1)) {
                replaced.iter().for_each(|k| rest[*k] = 0.0);
            }
            for array in marks.iter().flat_map(Tiles::arrays) {
                let mut marks = self.engine.read_reals(array)?;
                for part in marks.chunks_mut((*synapses).max(1)) {
                    replaced.iter().for_each(|k| part[*k] = 0.0);
                }
                self.engine.write_reals(array, &marks)?;
            }
            let origin: Vec<u32> =
                origin.iter().zip(&source).map(|(word, s)| lists.with_source(*word, *s)).collect();
            self.engine.write_reals(*array, &weights)?;
            self.write_lists(lists, start, &origin, from.0)?;
        }
        Ok(())
    }

    /// Writes where the synapses of a projection come from, and where those of each source are.
    pub(super) fn write_lists(
        &mut self,
        lists: &Lists,
        start: &[u32],
        origin: &[u32],
        sources: usize,
    ) -> Result<(), EngineError> {
        let row =
            |k: usize| lists.source(origin[k]) as usize * lists.groups + lists.group(origin[k]);
        let (begin, outgoing) = by_row(start, sources * lists.groups, lists.target_bits, row);
        self.engine.write_words(lists.origin, origin)?;
        self.engine.write_words(lists.begin, &begin)?;
        self.engine.write_words(lists.outgoing, &outgoing)
    }

    /// Takes note of where the synapses of a projection come from.
    pub(super) fn count_synapses(&mut self, p: &network::Projection, before: &[u32], now: &[u32]) {
        let place = 32 * self.ports.first_word[p.from];
        before.iter().for_each(|s| self.out_degree[place + *s as usize] -= 1);
        now.iter().for_each(|s| self.out_degree[place + *s as usize] += 1);
    }

    /// Sources of the synapses of each projection whose synapses are replaced, in their natural order.
    ///
    /// # Errors
    /// The engine fails.
    pub fn sources(&mut self) -> Result<Vec<(String, Vec<u32>)>, SimulationError> {
        let mut all = Vec::new();
        for (k, _) in self.rewirings() {
            let Some(lists) = self.lists(k) else { continue };
            let origin = self.engine.read_words(lists.origin)?;
            let p = &self.network.projections[k];
            // An array has at least one word.
            let count = p.synapses.weights().len();
            let sources = origin.into_iter().take(count).map(|word| lists.source(word)).collect();
            all.push((p.name.clone(), sources));
        }
        Ok(all)
    }
}
