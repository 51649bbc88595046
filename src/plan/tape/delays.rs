//! Delays that are learned. What a projection with them gets is not what its source sends, but an array of values that
//! arrive in their own step ([`delay_values`]): whatever delivers values, and makes gradients by weights of them, knows of
//! no delay. On the way back gradients by these values become gradients by what the source sends and by its delays.
//!
//! Both programs begin with the parts that become of a spike ([`delay_taps`]); in `evaluate` delays are rounded. The kernel
//! of a projection that is frozen is rounded in `train` too. Where each synapse has a delay, the parts are of synapses, and what
//! delivers knows of them: see [`super::delays_of_synapses`].

use super::delays_of_synapses::Late;
use super::layout::Pop;
use super::*;
use crate::kernel::spike_words;
use crate::network::Delays;
use crate::scene::Per;
use crate::synapse::{delay_gradient, delay_taps, delay_values, delay_values_backward};
use crate::train::{bound, sum_samples};

/// What becomes of the spikes of each source or synapse: arrays of [`delay_taps`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts {
    /// Steps, one of each.
    pub delays: Reals,
    /// Parts of a spike, at most.
    pub width: usize,
    pub first: Words,
    pub taps: Reals,
    pub slopes: Reals,
}

/// Arrays of a projection whose sources have learned delays.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delayed {
    /// The source as the projection sees it: values of what arrives, and gradients by them.
    pub pop: Pop,
    parts: Parts,
}

impl Tapes<'_> {
    /// Makes the arrays of projections with learned delays, and the launches by which a program begins.
    pub(super) fn delay_sources(&mut self, stages: &mut Vec<Stage>) {
        let (network, mut launches) = (self.network, Vec::new());
        for (index, projection) in network.projections.iter().enumerate() {
            let Some(learned) = &projection.delays else { continue };
            let name = &projection.name;
            let from = self.layout.pops[projection.from];
            if learned.per == Per::Synapse {
                let start = self.layout.ports.weights[index].pack(0, &learned.start);
                let parts = self.parts(index, learned, start, &mut launches);
                self.late[index] = Some(Late { parts });
                continue;
            }
            let parts = self.parts(index, learned, learned.start.clone(), &mut launches);
            let len = self.layout.batch * self.layout.steps * from.n;
            // Rows are those of arrivals, as if a step had been before the window that the delay takes back.
            let mut pop = Pop { history: projection.delay, ..from };
            pop.values = self.layout.arrays.zero_reals(format!("{name}.delays.values"), len);
            if self.needs_values_back(index) {
                let cotangent = format!("{name}.delays.cotangent");
                pop.cotangent = self.layout.arrays.zero_reals(cotangent, len);
            }
            self.delayed[index] = Some(Delayed { pop, parts });
        }
        stages.push(Stage::Whole(launches));
    }

    /// Makes the parts that become of spikes with some delays.
    fn parts(
        &mut self,
        index: usize,
        learned: &Delays,
        start: Vec<f64>,
        launches: &mut Vec<Launch>,
    ) -> Parts {
        let (name, layout) = (&self.network.projections[index].name, &mut self.layout);
        let (n, width) = (start.len(), if learned.sigma.is_some() { learned.most } else { 2 });
        let delays = layout.arrays.reals(format!("{name}.delays"), start);
        let sigma = learned.sigma.map(|[start, _]| vec![start]);
        let sigma = sigma.map(|start| layout.arrays.reals(format!("{name}.delays.sigma"), start));
        layout.ports.delays.push(DelayPorts { projection: index, delays, sigma });
        let first = layout.arrays.zero_words(format!("{name}.delays.first"), n);
        let mut zeros =
            |what: &str, len| layout.arrays.zero_reals(format!("{name}.delays.{what}"), len);
        let taps = zeros("taps", n * width);
        let slopes = zeros("slopes", n * width);
        let p = delay_taps::DelayTapsParams::<f64> {
            n: n as u32,
            width: width as u32,
            gauss: u32::from(learned.sigma.is_some()),
            rounded: u32::from(learned.frozen),
        };
        let args = vec![
            each(delays, 1),
            whole(sigma.unwrap_or(self.layout.arrays.unused.reals)),
            each(first, 1),
            each(taps, width),
            each(slopes, width),
        ];
        launches.push(by_element(&delay_taps::KERNEL, name, p.words(), args, n));
        Parts { delays, width, first, taps, slopes }
    }

    /// Whether anything asks for gradients by what arrives through a projection.
    pub(super) fn needs_values_back(&self, index: usize) -> bool {
        let projection = &self.network.projections[index];
        let (from, to) = (self.layout.pops[projection.from], self.layout.pops[projection.to]);
        to.active && (from.active || projection.learns_what_it_gets())
    }

    /// What a source sends, its spikes or its values, as a kernel has both.
    pub(super) fn sent_both(&self, k: usize) -> [Arg; 2] {
        let pop = self.layout.pops[k];
        let rows = pop.history + self.layout.steps;
        match self.sends_values(k) {
            true => [whole(self.layout.arrays.unused.words), each(pop.values, rows * pop.n)],
            false => [
                each(pop.spikes, rows * spike_words(pop.n)),
                whole(self.layout.arrays.unused.reals),
            ],
        }
    }

    /// Makes what arrives through a projection with learned delays of what its source sends.
    pub(super) fn delay(&self, index: usize) -> Option<Launch> {
        let delayed = self.delayed[index]?;
        let projection = &self.network.projections[index];
        let (from, steps) = (self.layout.pops[projection.from], self.layout.steps);
        let p = delay_values::DelayValuesParams::<f64> {
            n: from.n as u32,
            steps: steps as u32,
            history: from.history as u32,
            width: delayed.parts.width as u32,
            values: u32::from(self.sends_values(projection.from)),
        };
        let [spikes, x] = self.sent_both(projection.from);
        let args = vec![
            spikes,
            x,
            whole(delayed.parts.first),
            whole(delayed.parts.taps),
            each(delayed.pop.values, steps * from.n),
        ];
        let kernel = &delay_values::KERNEL;
        let launch = self.by_sample(kernel, &projection.name, p.words(), args, from.n);
        Some(Launch { per_step: true, ..launch })
    }

    /// Gradients by what arrives through a projection with learned delays become gradients by what its source sends.
    pub(super) fn delay_back(&mut self, index: usize) -> Option<Launch> {
        let delayed = self.delayed[index]?;
        let projection = &self.network.projections[index];
        let (from, steps) = (self.layout.pops[projection.from], self.layout.steps);
        if !from.active {
            return None;
        }
        let (cotangent, filled) = self.cotangent(projection.from);
        let p = delay_values_backward::DelayValuesBackwardParams::<f64> {
            n: from.n as u32,
            steps: steps as u32,
            width: delayed.parts.width as u32,
            accumulate: u32::from(filled),
        };
        let args = vec![
            each(delayed.pop.cotangent, steps * from.n),
            whole(delayed.parts.first),
            whole(delayed.parts.taps),
            cotangent,
        ];
        let kernel = &delay_values_backward::KERNEL;
        let launch = self.by_sample(kernel, &projection.name, p.words(), args, from.n);
        Some(Launch { per_step: true, ..launch })
    }

    /// Gradients by all delays that are learned.
    pub(super) fn delay_gradients(&mut self, launches: &mut Vec<Launch>) {
        let (network, steps) = (self.network, self.layout.steps);
        for (index, projection) in network.projections.iter().enumerate() {
            let from = self.layout.pops[projection.from];
            if !projection.learns_delays() || !self.layout.pops[projection.to].active {
                continue;
            }
            if let Some(late) = self.late[index] {
                let made = self.late_by_delays(index, late, launches);
                self.layout.ports.gradients.push(made);
            }
            let Some(delayed) = self.delayed[index] else { continue };
            let (name, len) = (&projection.name, self.layout.batch * from.n);
            let of_samples = format!("{name}.delays.gradients");
            let of_samples = self.layout.arrays.zero_reals(of_samples, len);
            let p = delay_gradient::DelayGradientParams::<f64> {
                n: from.n as u32,
                steps: steps as u32,
                history: from.history as u32,
                width: delayed.parts.width as u32,
                values: u32::from(self.sends_values(projection.from)),
            };
            let [spikes, x] = self.sent_both(projection.from);
            let args = vec![
                spikes,
                x,
                whole(delayed.parts.first),
                whole(delayed.parts.slopes),
                each(delayed.pop.cotangent, steps * from.n),
                each(of_samples, from.n),
            ];
            let kernel = &delay_gradient::KERNEL;
            launches.push(self.by_sample(kernel, name, p.words(), args, from.n));
            let gradient = self.layout.arrays.zero_reals(format!("{name}.delays.gradient"), from.n);
            self.layout.ports.gradients.push((gradient, delayed.parts.delays));
            let p = sum_samples::SumSamplesParams::<f64> { n: from.n as u32 };
            let args = vec![whole(of_samples), each(gradient, 1)];
            launches.push(by_element(&sum_samples::KERNEL, name, p.words(), args, from.n));
        }
    }

    /// Keeps learned delays between one step and the longest.
    pub(super) fn bound_delays(&self, launches: &mut Vec<Launch>) {
        for ports in &self.layout.ports.delays {
            let projection = &self.network.projections[ports.projection];
            let Some(learned) = projection.delays.as_ref().filter(|learned| !learned.frozen) else {
                continue;
            };
            let (count, high) = (learned.start.len(), learned.most as f64);
            let p = bound::BoundParams::<f64> { count: count as u32, low: 1.0, high };
            let args = vec![each(ports.delays, 1)];
            launches.push(by_element(&bound::KERNEL, &projection.name, p.words(), args, count));
        }
    }

    /// Factor on the learning rate of an array, if it has learned delays.
    pub(super) fn lr_of_delays(&self, array: Reals) -> Option<f64> {
        let ports = self.layout.ports.delays.iter().find(|ports| ports.delays == array)?;
        Some(self.network.projections[ports.projection].delays.as_ref()?.lr)
    }
}

/// Rounds learned delays in a program.
pub(super) fn round(stages: &mut [Stage]) {
    let launches = stages.iter_mut().flat_map(Stage::launches_mut);
    for launch in launches.filter(|launch| launch.kernel.name == delay_taps::KERNEL.name) {
        for (field, word) in launch.kernel.params.iter().zip(&mut launch.params) {
            if field.name == "rounded" {
                *word = Word::U(1);
            }
        }
    }
}
