//! Launches of projections that are convolutions: see [`crate::synapse::convolution`].

use super::compile::{Compiler, each, whole};
use super::layout::Pop;
use super::*;
use crate::synapse::convolution::Rows;
use crate::synapse::{convolve, convolve_backward, convolve_gradient};
use crate::train::sum_samples;

impl Compiler<'_> {
    /// Array of weights and lie of a projection that is a convolution.
    fn convolution(&self, index: usize) -> Option<(ArrayId, Box<Convolution>)> {
        match &self.layout.ports.weights[index] {
            Tiles::Convolution { array, convolution } => Some((*array, convolution.clone())),
            Tiles::Dense { .. } | Tiles::Sparse { .. } => None,
        }
    }

    /// How rows of the sources of a projection meet those of what arrives.
    fn rows(&self, index: usize) -> Rows {
        let p = &self.network.projections[index];
        let (from, to) = (self.layout.pops[p.from], self.layout.pops[p.to]);
        let steps = self.layout.steps;
        match p.delay {
            // One row of values for all steps.
            0 => Rows {
                source: 1,
                history: 0,
                delay: 0,
                arrivals: 1,
                stride: to.n,
                first: 0,
                accumulate: false,
                values: true,
            },
            delay => Rows {
                source: from.history + steps,
                history: from.history,
                delay,
                arrivals: steps,
                stride: to.width,
                first: p.receptor * to.n,
                accumulate: false,
                values: self.sends_values(p.from),
            },
        }
    }

    /// Spikes and values of sources, of which kernels read one.
    fn sources(&self, from: Pop, rows: &Rows) -> [Arg; 2] {
        match rows.values {
            true => [whole(self.layout.unused_words), each(from.values, rows.source * from.n)],
            false => [self.spikes(&from), whole(self.layout.unused_reals)],
        }
    }

    /// Delivers through a convolution into `out`.
    pub(super) fn convolve(&self, index: usize, accumulate: u32, out: Arg) -> Option<Launch> {
        let p = &self.network.projections[index];
        let (weights, convolution) = self.convolution(index)?;
        let rows = Rows { accumulate: accumulate == 1, ..self.rows(index) };
        let [spikes, x] = self.sources(self.layout.pops[p.from], &rows);
        let args = vec![spikes, x, whole(weights), out];
        let targets = self.layout.pops[p.to].n;
        let params = convolution.params(&rows).words();
        let launch = self.by_sample(&convolve::KERNEL, &p.name, params, args, targets);
        Some(Launch { per_step: p.delay > 0, ..launch })
    }

    /// Gradients by the arrivals of a convolution become gradients by the spikes of its sources.
    pub(super) fn convolve_back(
        &self,
        index: usize,
        accumulate: u32,
        cotangent: Arg,
    ) -> Option<Launch> {
        let p = &self.network.projections[index];
        let (weights, convolution) = self.convolution(index)?;
        let rows = Rows { accumulate: accumulate == 1, ..self.rows(index) };
        let [spikes, x] = self.sources(self.layout.pops[p.from], &rows);
        let tape = self.tape(&self.layout.pops[p.to]);
        let args = vec![spikes, x, whole(weights), tape, cotangent];
        // What is pooled, and what is left at the edges.
        let cells = [0, 1].map(|axis| convolution.source[axis].div_ceil(convolution.pool[axis]));
        let cells = cells[0] * cells[1] * convolution.source[2];
        let params = convolution.params(&rows).words();
        let launch = self.by_sample(&convolve_backward::KERNEL, &p.name, params, args, cells);
        Some(Launch { per_step: true, ..launch })
    }

    /// Gradients by the weights of all convolutions, first of each sample, while its arrivals are at hand, then
    /// summed.
    pub(super) fn convolution_gradients(&mut self, launches: &mut Vec<Launch>) {
        let mut sums = Vec::new();
        for (index, p) in self.network.projections.iter().enumerate() {
            let to = self.layout.pops[p.to];
            let Some((weights, convolution)) = self.convolution(index) else { continue };
            if !p.learn || !to.active {
                continue;
            }
            let count = convolution.weights();
            let name = format!("{}.gradient", p.name);
            let by_sample =
                self.layout.zeros(format!("{name}.samples"), Kind::Real, self.layout.batch * count);
            let gradient = self.layout.zeros(name, Kind::Real, count);
            self.layout.ports.gradients.push((gradient, weights));
            let rows = self.rows(index);
            let [spikes, x] = self.sources(self.source(index), &rows);
            let arrivals = match p.delay {
                0 => each(to.input_gradient, to.n),
                _ => self.tape(&to),
            };
            let args = vec![spikes, x, arrivals, each(by_sample, count)];
            let params = convolution.params(&rows).words();
            launches.push(self.by_sample(&convolve_gradient::KERNEL, &p.name, params, args, count));
            sums.push(Launch {
                kernel: &sum_samples::KERNEL,
                label: p.name.clone(),
                params: sum_samples::SumSamplesParams::<f64> { n: count as u32 }.words(),
                args: vec![whole(by_sample), each(gradient, 1)],
                units: Units::Count { count, grain: 256 },
                invocations: count as u64,
                per_step: false,
                every: 1,
            });
        }
        launches.extend(sums);
    }
}
