//! Rules of plasticity in a training by gradients: see [`crate::plasticity::by_arrival`]. When the spikes of a batch are
//! known, each rule tells what a spike that arrives at a target changes; the kernels of gradients sum that over sources,
//! steps and samples, with the weights as they were; after the update by gradients the weights get what was summed.

use super::gradients::{Arrivals, Trains};
use super::*;
use crate::plasticity::by_arrival::{self, ByArrivalParams};
use crate::plasticity::change_weights;

impl Tapes<'_> {
    /// What rules change by the spikes of a batch.
    pub(super) fn rules(&mut self, trains: &mut Trains, launches: &mut Vec<Launch>) {
        for (index, p) in self.network.projections.iter().enumerate() {
            let Some(rule) = &p.rule else { continue };
            let params = ByArrivalParams::of_rule(rule, p.delay, self.network.dt);
            let params = params.expect("a checked scene has rules that sum over spikes of sources");
            let (to, steps) = (self.layout.pops[p.to], self.layout.steps);
            let params = ByArrivalParams {
                n: to.n as u32,
                steps: steps as u32,
                history: to.history as u32,
                ..params
            };
            let what = format!("{}.change", p.name);
            let rows = self.layout.batch * steps * to.n;
            let array = self.layout.arrays.zero_reals(format!("{what}.arrivals"), rows);
            let args = vec![self.spikes(&to), each(array, steps * to.n)];
            launches.push(self.by_sample(&by_arrival::KERNEL, &p.name, params.words(), args, to.n));
            let by = Arrivals { array, rows: steps, stride: to.n, first: 0 };
            let made = match self.by_shared_weights(index, by, &what) {
                Some((made, shared)) => {
                    launches.extend(shared);
                    vec![made]
                }
                None => self.by_weights(index, by, &what, trains, launches),
            };
            self.layout.ports.changes.extend(made);
        }
    }

    /// Weights get what rules summed.
    pub(super) fn change_weights(&self, launches: &mut Vec<Launch>) {
        for (change, array) in &self.layout.ports.changes {
            let tiles = self.layout.ports.weights.iter().zip(&self.network.projections);
            let of = tiles.into_iter().find(|(tiles, _)| tiles.arrays().contains(array));
            let Some(rule) = of.and_then(|(_, p)| p.rule.as_ref()) else { continue };
            let Array { name, len, .. } = &self.layout.arrays[*array];
            let [w_min, w_max] = rule.bounds;
            let params =
                change_weights::ChangeWeightsParams::<f64> { count: *len as u32, w_min, w_max };
            let args = vec![each(*change, 1), each(*array, 1)];
            launches.push(by_element(&change_weights::KERNEL, name, params.words(), args, *len));
        }
    }
}
