//! Short-term plasticity of a training: see [`crate::synapse::release`]. A projection with it gets, in place of what its source
//! sends, values: what the spikes carry of their weights. Whatever delivers values, and makes gradients by weights of them,
//! knows of no plasticity; on the way back gradients by these values become gradients by what the source sends.

use super::layout::Pop;
use super::*;
use crate::synapse::{release, release_backward};

/// Arrays of a projection with short-term plasticity.
#[derive(Debug, Clone, Copy)]
pub(super) struct Released {
    /// The source as the projection sees it: values of what is released, and gradients by them.
    pub pop: Pop,
    states: Reals,
    /// If gradients pass.
    carried: Option<Reals>,
}

impl Tapes<'_> {
    /// Makes the arrays of projections with short-term plasticity.
    pub(super) fn release_sources(&mut self) {
        for (index, projection) in self.network.projections.iter().enumerate() {
            if projection.short_term.is_none() {
                continue;
            }
            let (name, back) = (&projection.name, self.needs_values_back(index));
            let layout = &mut self.layout;
            let mut pop = layout.pops[projection.from];
            let (samples, steps) = (layout.batch, layout.steps);
            let mut zeros = |what: &str, len: usize| {
                layout.arrays.zero_reals(format!("{name}.release.{what}"), samples * len)
            };
            pop.values = zeros("values", (pop.history + steps) * pop.n);
            let states = zeros("states", steps * 2 * pop.n);
            if back {
                pop.cotangent = zeros("cotangent", steps * pop.n);
            }
            let carried = back.then(|| zeros("carried", 2 * pop.n));
            self.released[index] = Some(Released { pop, states, carried });
        }
    }

    /// What the spikes of a source carry of the weights of a projection.
    pub(super) fn release(&self, index: usize) -> Option<Launch> {
        let released = self.released[index]?;
        let projection = &self.network.projections[index];
        let (pop, steps) = (released.pop, self.layout.steps);
        let short_term = projection.short_term?;
        let [fall_facil, fall_rec] = short_term.falls(self.network.dt);
        let p = release::ReleaseParams::<f64> {
            n: pop.n as u32,
            steps: steps as u32,
            history: pop.history as u32,
            soft: u32::from(self.is_soft(projection.from)),
            u_rest: short_term.u,
            fall_facil,
            fall_rec,
        };
        let [spikes, soft] = self.sent_both(projection.from);
        let args = vec![
            spikes,
            soft,
            each(released.states, steps * 2 * pop.n),
            each(pop.values, (pop.history + steps) * pop.n),
        ];
        Some(self.by_sample(&release::KERNEL, &projection.name, p.words(), args, pop.n))
    }

    /// Gradients by what is released become gradients by what the source sends.
    pub(super) fn release_back(&mut self, index: usize) -> Option<Launch> {
        let released = self.released[index]?;
        let projection = &self.network.projections[index];
        let (pop, steps, carried) = (released.pop, self.layout.steps, released.carried?);
        if !pop.active {
            return None;
        }
        let short_term = projection.short_term?;
        let [fall_facil, fall_rec] = short_term.falls(self.network.dt);
        let (cotangent, filled) = self.cotangent(projection.from);
        let p = release_backward::ReleaseBackwardParams::<f64> {
            n: pop.n as u32,
            steps: steps as u32,
            history: pop.history as u32,
            soft: u32::from(self.is_soft(projection.from)),
            accumulate: u32::from(filled),
            u_rest: short_term.u,
            fall_facil,
            fall_rec,
        };
        let [spikes, soft] = self.sent_both(projection.from);
        let args = vec![
            spikes,
            soft,
            each(released.states, steps * 2 * pop.n),
            each(pop.cotangent, steps * pop.n),
            each(carried, 2 * pop.n),
            cotangent,
        ];
        let kernel = &release_backward::KERNEL;
        Some(self.by_sample(kernel, &projection.name, p.words(), args, pop.n))
    }
}
