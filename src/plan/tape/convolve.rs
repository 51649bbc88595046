//! Launches of projections that are convolutions: see [`crate::synapse::convolution`].

use super::gradients::Arrivals;
use super::layout::Pop;
use super::*;
use crate::synapse::convolution::Convolution;
use crate::synapse::convolution::Rows;
use crate::synapse::{convolve, convolve_backward, convolve_gradient};
use crate::train::sum_samples;

impl Tapes<'_> {
    /// Array of weights and lie of a projection that is a convolution.
    fn convolution(&self, index: usize) -> Option<(Reals, Box<Convolution>)> {
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
                values: self.gets_values(index),
            },
        }
    }

    /// Spikes and values of sources, of which kernels read one.
    fn sources(&self, from: Pop, rows: &Rows) -> [Arg; 2] {
        match rows.values {
            true => {
                [whole(self.layout.arrays.unused.words), each(from.values, rows.source * from.n)]
            }
            false => [self.spikes(&from), whole(self.layout.arrays.unused.reals)],
        }
    }

    /// Delivers through a convolution into `out`.
    pub(super) fn convolve(&self, index: usize, accumulate: u32, out: Arg) -> Option<Launch> {
        let p = &self.network.projections[index];
        let (weights, convolution) = self.convolution(index)?;
        let rows = Rows { accumulate: accumulate == 1, ..self.rows(index) };
        let [spikes, x] = self.sources(self.seen(index), &rows);
        let args = vec![spikes, x, whole(weights), out];
        let targets = self.layout.pops[p.to].n;
        let params = convolution.params(&rows);
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
        let [spikes, x] = self.sources(self.seen(index), &rows);
        let tape = self.tape(&self.layout.pops[p.to]);
        let args = vec![spikes, x, whole(weights), tape, cotangent];
        // What is pooled, and what is left at the edges.
        let cells = [0, 1].map(|axis| convolution.source[axis].div_ceil(convolution.pool[axis]));
        let cells = cells[0] * cells[1] * convolution.source[2];
        let params = convolution.params(&rows);
        let launch = self.by_sample(&convolve_backward::KERNEL, &p.name, params, args, cells);
        Some(Launch { per_step: true, ..launch })
    }

    /// Gradients by the weights of all convolutions, first of each sample, while its arrivals are at hand, then
    /// summed.
    pub(super) fn convolution_gradients(&mut self, launches: &mut Vec<Launch>) {
        let mut sums = Vec::new();
        for (index, p) in self.network.projections.iter().enumerate() {
            if self.convolution(index).is_none() || !p.learn || !self.layout.pops[p.to].active {
                continue;
            }
            let what = format!("{}.gradient", p.name);
            let Some((made, [of_samples, sum])) =
                self.by_shared_weights(index, self.by_arrivals(index), &what)
            else {
                continue;
            };
            self.layout.ports.gradients.push(made);
            launches.push(of_samples);
            sums.push(sum);
        }
        launches.extend(sums);
    }

    /// As [`Tapes::by_weights`], of a projection that is a convolution: sums of each sample, and of all.
    pub(super) fn by_shared_weights(
        &mut self,
        index: usize,
        by: Arrivals,
        what: &str,
    ) -> Option<((Reals, Reals), [Launch; 2])> {
        let p = &self.network.projections[index];
        let (weights, convolution) = self.convolution(index)?;
        let count = convolution.weights();
        let by_sample =
            self.layout.arrays.zero_reals(format!("{what}.samples"), self.layout.batch * count);
        let sum = self.layout.arrays.zero_reals(what, count);
        let rows = Rows { stride: by.stride, first: by.first, ..self.rows(index) };
        let [spikes, x] = self.sources(self.source(index), &rows);
        let args = vec![spikes, x, each(by.array, by.rows * by.stride), each(by_sample, count)];
        let params = convolution.params(&rows);
        let of_samples = self.by_sample(&convolve_gradient::KERNEL, &p.name, params, args, count);
        let params = sum_samples::SumSamplesParams::<f64> { n: count as u32 }.words();
        let sum_up = Launch {
            kernel: &sum_samples::KERNEL,
            label: p.name.clone(),
            params,
            args: vec![whole(by_sample), each(sum, 1)],
            units: Units::Count { count, grain: 256 },
            invocations: count as u64,
            per_step: false,
            every: 1,
        };
        Some(((sum, weights), [of_samples, sum_up]))
    }
}
