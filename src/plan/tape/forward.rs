//! Launches from what sources send to what neurons and readouts do.

use super::*;
use crate::input::{pixel_words, poisson};
use crate::neuron::model::at;
use crate::synapse::{dense_spikes, dense_values, sparse};

impl Tapes<'_> {
    /// Launches of operations of one kind.
    pub(super) fn forward(
        &mut self,
        ops: &[Op],
        launches: &mut Vec<Launch>,
    ) -> Result<(), PlanError> {
        for op in ops {
            match *op {
                Op::Show(k) => self.show(k, launches),
                Op::Modulate(m) => self.concentration(m, launches),
                Op::Stimulate(k) => {
                    launches.extend(self.noise_of_currents(k));
                    self.drawn(k, launches);
                }
                Op::Release(p) => launches.extend(self.release(p)),
                Op::Attend(p) => launches.extend(self.attend(p)),
                Op::Deliver(p) => self.deliver(p, launches),
                Op::Integrate(k) => {
                    self.gains(k, launches);
                    let framed = self.layout.framed[k].as_ref();
                    launches.extend(framed.map(|framed| self.window(k, framed)));
                }
                // Losses are of all populations together, and rules of a batch whose spikes are known.
                Op::Judge(_) | Op::Learn(_) | Op::Adjust(_) => {}
            }
        }
        Ok(())
    }

    /// What a population sends by itself. Given spikes are there from the start.
    fn show(&mut self, k: usize, launches: &mut Vec<Launch>) {
        let network = self.network;
        let (pop, population) = (self.layout.pops[k], &network.populations[k]);
        let stand = Stand {
            rows: self.sent_rows(k),
            history: pop.history,
            row: spike_words(pop.n),
            first: 0,
            pixels: self.pixels(k),
            presentation: self.layout.input.presentation,
            sent: if population.spikes() { self.spikes(&pop) } else { self.sent_values(k) },
            batch: self.layout.batch,
            units: Units::Samples,
        };
        let (steps, arrays) = (self.layout.steps, &mut self.layout.arrays);
        match &population.kind {
            network::Kind::Poisson(p) => {
                let p = (0..population.size).map(|id| *at(p, id));
                let showing = |window: &_| vec![poisson::sources(p, window)];
                launches.extend(stand.show(network, k, steps, arrays, showing));
            }
            network::Kind::Images(images) => {
                let showings = |window: &_| images.encoder.code().show(window);
                launches.extend(stand.show(network, k, steps, arrays, showings));
                launches.extend(self.noise_of_inputs(k, images));
            }
            network::Kind::Stepped(_) | network::Kind::Spikes(_) => {}
        }
    }

    /// The pixels of samples that a population shows.
    pub(super) fn pixels(&self, k: usize) -> Arg {
        let pop = self.layout.pops[k];
        let network::Kind::Images(images) = &self.network.populations[k].kind else {
            return whole(self.layout.arrays.unused.words);
        };
        each(pop.pixels, pixel_words(images.pixels(pop.n)))
    }

    pub(super) fn deliver(&mut self, index: usize, launches: &mut Vec<Launch>) {
        let network = self.network;
        let projection = &network.projections[index];
        let (from, to) = (self.seen(index), self.layout.pops[projection.to]);
        launches.extend(self.delay(index));
        let steps = self.layout.steps;
        let constant = projection.delay == 0;
        let by_value = self.gets_values(index);
        let accumulate = match constant {
            true => {
                let filled = &mut self.filled[projection.to];
                u32::from(std::mem::replace(&mut filled.statics, true))
            }
            false => u32::from(self.arrived(projection.to, projection.receptor)),
        };
        if let Some(launch) = self.deliver_late(index, accumulate) {
            launches.push(launch);
            return;
        }
        // Where rows of the source lie, and where the result goes.
        let (source_rows, shift, rows) = if constant {
            (1, 0, 1)
        } else {
            (self.source_rows(index, &from), from.history - projection.delay, steps)
        };
        let out = if constant {
            let statics = self.statics(projection.to);
            each(statics, to.n)
        } else {
            self.tape(&to)
        };
        let values = each(from.values, source_rows * from.n);
        // Receptors lie side by side in a row of the tape.
        let (stride, at) = match constant {
            true => (to.n as u32, 0),
            false => (to.width as u32, projection.receptor * to.n),
        };
        let sources = from.n as u32;
        match self.layout.ports.weights[index].clone() {
            Tiles::Dense { tiles, .. } => {
                for (weights, first, width) in tiles {
                    let first = at + first;
                    let launch = if by_value {
                        let p = dense_values::DenseValuesParams::<f64> {
                            sources,
                            source_first: 0,
                            source_stride: sources,
                            source_rows: source_rows as u32,
                            shift: shift as u32,
                            targets: stride,
                            first: first as u32,
                            width: width as u32,
                            rows: rows as u32,
                            accumulate,
                        };
                        let args = vec![values, whole(weights), out];
                        self.by_sample(
                            &dense_values::KERNEL,
                            &projection.name,
                            p.words(),
                            args,
                            width,
                        )
                    } else {
                        let p = dense_spikes::DenseSpikesParams::<f64> {
                            sources,
                            targets: stride,
                            first: first as u32,
                            width: width as u32,
                            steps: steps as u32,
                            kept: steps as u32,
                            history: from.history as u32,
                            delay: projection.delay as u32,
                            accumulate,
                        };
                        let args = vec![self.spikes(&from), whole(weights), out];
                        self.by_sample(
                            &dense_spikes::KERNEL,
                            &projection.name,
                            p.words(),
                            args,
                            width.div_ceil(dense_spikes::TARGETS),
                        )
                    };
                    let mut launch = Launch { per_step: !constant, ..launch };
                    if constant {
                        // The result is small and the weights are not: many samples share a pass
                        // over them.
                        let count = self.layout.batch;
                        launch.units = Units::Count { count, grain: 32 };
                    }
                    launches.push(launch);
                }
            }
            Tiles::Convolution { .. } => launches.extend(self.convolve(index, accumulate, out)),
            Tiles::Sparse { array: weights, .. } => {
                let lists = self.lists(index);
                let p = sparse::SparseParams::<f64> {
                    sources,
                    targets: to.n as u32,
                    stride,
                    first: at as u32,
                    source_rows: source_rows as u32,
                    history: if constant { 0 } else { from.history as u32 },
                    delay: projection.delay as u32,
                    drawn: u32::from(lists.delays.is_some()),
                    rows: rows as u32,
                    accumulate,
                    values: u32::from(by_value),
                };
                let args = vec![
                    if by_value {
                        whole(self.layout.arrays.unused.words)
                    } else {
                        self.spikes(&from)
                    },
                    if by_value { values } else { whole(self.layout.arrays.unused.reals) },
                    whole(lists.start),
                    whole(lists.source),
                    whole(weights),
                    whole(lists.delays.unwrap_or(self.layout.arrays.unused.words)),
                    out,
                ];
                let launch =
                    self.by_sample(&sparse::KERNEL, &projection.name, p.words(), args, to.n);
                launches.push(Launch { per_step: !constant, ..launch });
            }
        }
    }

    /// The array of constant inputs of a population, made when first needed.
    pub(super) fn statics(&mut self, k: usize) -> Reals {
        if let Some(statics) = self.layout.pops[k].statics {
            return statics;
        }
        let name = format!("{}.statics", self.network.populations[k].name);
        let len = self.layout.batch * self.layout.pops[k].n;
        let statics = self.layout.arrays.zero_reals(name, len);
        self.layout.pops[k].statics = Some(statics);
        statics
    }
}
