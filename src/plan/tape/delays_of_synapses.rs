//! Delays of synapses that are learned. Each synapse of a dense projection has parts of its own ([`super::delays`]), which lie
//! as the weights do. No value of a source stands for what arrives through all its synapses, so that the kernels that deliver, go
//! back and make gradients go by these parts.

use super::delays::Parts;
use super::*;
use crate::synapse::{delay_arrivals, delay_arrivals_backward, delay_arrivals_gradient};

/// Synapses with learned delays.
#[derive(Debug, Clone, Copy)]
pub(super) struct Late {
    /// What becomes of the spikes of each.
    pub parts: Parts,
}

impl Tapes<'_> {
    /// The weights of a projection whose synapses have delays; those that do not fit into one array have parts that do not
    /// fit either, which is refused.
    fn late_weights(&self, index: usize) -> Reals {
        self.layout.ports.weights[index].arrays()[0]
    }

    /// Delivers what the sources of a projection send, if its synapses have learned delays.
    pub(super) fn deliver_late(&self, index: usize, accumulate: u32) -> Option<Launch> {
        let Late { parts } = self.late[index]?;
        let projection = &self.network.projections[index];
        let (from, to) = (self.layout.pops[projection.from], self.layout.pops[projection.to]);
        let most = projection.delays.as_ref().map_or(0, |learned| learned.most);
        let p = delay_arrivals::DelayArrivalsParams::<f64> {
            n: from.n as u32,
            targets: to.n as u32,
            row: to.width as u32,
            begin: (projection.receptor * to.n) as u32,
            steps: self.layout.steps as u32,
            history: from.history as u32,
            width: parts.width as u32,
            longest: most as u32 + 1,
            accumulate,
            values: u32::from(self.sends_values(projection.from)),
        };
        let [spikes, x] = self.sent_both(projection.from);
        let args = vec![
            spikes,
            x,
            whole(self.late_weights(index)),
            whole(parts.first),
            whole(parts.taps),
            self.tape(&to),
        ];
        let kernel = &delay_arrivals::KERNEL;
        Some(self.by_sample(kernel, &projection.name, p.words(), args, to.n))
    }

    /// Gradients by what arrives through synapses with learned delays become gradients by what their sources send.
    pub(super) fn deliver_late_back(
        &self,
        index: usize,
        accumulate: u32,
        cotangent: Arg,
    ) -> Option<Launch> {
        let Late { parts } = self.late[index]?;
        let projection = &self.network.projections[index];
        let (from, to) = (self.layout.pops[projection.from], self.layout.pops[projection.to]);
        let p = delay_arrivals_backward::DelayArrivalsBackwardParams::<f64> {
            n: from.n as u32,
            targets: to.n as u32,
            row: to.width as u32,
            begin: (projection.receptor * to.n) as u32,
            steps: self.layout.steps as u32,
            width: parts.width as u32,
            accumulate,
        };
        let args = vec![
            self.tape(&to),
            whole(self.late_weights(index)),
            whole(parts.first),
            whole(parts.taps),
            cotangent,
        ];
        let kernel = &delay_arrivals_backward::KERNEL;
        let launch = self.by_sample(kernel, &projection.name, p.words(), args, from.n);
        Some(Launch { per_step: true, ..launch })
    }

    /// Gradients by the weights, beside these.
    pub(super) fn late_by_weights(
        &mut self,
        index: usize,
        late: Late,
        what: &str,
        launches: &mut Vec<Launch>,
    ) -> (Reals, Reals) {
        let gradient = self.late_gradient(index, late, format!("{what}.0"), false, launches);
        (gradient, self.late_weights(index))
    }

    /// Gradients by the delays, beside these.
    pub(super) fn late_by_delays(
        &mut self,
        index: usize,
        late: Late,
        launches: &mut Vec<Launch>,
    ) -> (Reals, Reals) {
        let what = format!("{}.delays.gradient", self.network.projections[index].name);
        (self.late_gradient(index, late, what, true, launches), late.parts.delays)
    }

    fn late_gradient(
        &mut self,
        index: usize,
        Late { parts }: Late,
        what: String,
        by_delay: bool,
        launches: &mut Vec<Launch>,
    ) -> Reals {
        let projection = &self.network.projections[index];
        let (from, to) = (self.layout.pops[projection.from], self.layout.pops[projection.to]);
        let count = from.n * to.n;
        let gradient = self.layout.arrays.zero_reals(what, count);
        let p = delay_arrivals_gradient::DelayArrivalsGradientParams::<f64> {
            n: from.n as u32,
            targets: to.n as u32,
            row: to.width as u32,
            begin: (projection.receptor * to.n) as u32,
            steps: self.layout.steps as u32,
            history: from.history as u32,
            width: parts.width as u32,
            by_delay: u32::from(by_delay),
            values: u32::from(self.sends_values(projection.from)),
        };
        let [spikes, x] = self.sent_both(projection.from).map(|arg| whole(arg.array));
        let args = vec![
            spikes,
            x,
            each(self.late_weights(index), 1),
            each(parts.first, 1),
            each(if by_delay { parts.slopes } else { parts.taps }, parts.width),
            whole(to.tape),
            each(gradient, 1),
        ];
        let kernel = &delay_arrivals_gradient::KERNEL;
        let launch = by_element(kernel, &projection.name, p.words(), args, count);
        launches.push(Launch { units: Units::Count { count, grain: 1024 }, ..launch });
        gradient
    }
}
