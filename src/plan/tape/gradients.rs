//! Launches that make gradients by weights, and the changes that follow from them.

use super::*;
use crate::kernel::spike_words;
use crate::network;
use crate::synapse::{
    PANEL, dense_spikes_gradient, dense_values_gradient, sparse_gradient, transpose_spikes,
};
use crate::train::optimizer::NO_FLOOR;
use crate::train::sum_samples;

/// Spikes of populations by source, shared by projections with the same delay: arrays by those of the spikes and delays.
#[derive(Default)]
pub(super) struct Trains(Vec<((Words, usize), Words)>);

/// What belongs to each arrival at targets: gradients, or changes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrivals {
    pub array: Reals,
    /// Rows of a sample, and numbers of one.
    pub rows: usize,
    pub stride: usize,
    /// Where in a row those of the projection begin.
    pub first: usize,
}

impl Tapes<'_> {
    /// Gradients by all trained weights and constant currents, and what rules change.
    pub(super) fn gradients(&mut self, stages: &mut Vec<Stage>) {
        let network = self.network;
        let mut launches = Vec::new();
        self.convolution_gradients(&mut launches);
        let mut trains = Trains::default();
        for (index, projection) in network.projections.iter().enumerate() {
            let to = self.layout.pops[projection.to];
            let convolution = matches!(self.layout.ports.weights[index], Tiles::Convolution { .. });
            if projection.learn && to.active && !convolution {
                let what = format!("{}.gradient", projection.name);
                let by = self.by_arrivals(index);
                let made = match self.late[index] {
                    Some(late) => vec![self.late_by_weights(index, late, &what, &mut launches)],
                    None => self.by_weights(index, by, &what, &mut trains, &mut launches),
                };
                self.layout.ports.gradients.extend(made);
            }
        }
        self.delay_gradients(&mut launches);
        self.attention_gradients(&mut launches);
        self.rules(&mut trains, &mut launches);
        for ports in self.layout.ports.numbers.clone() {
            if self.layout.pops[ports.population].active {
                self.numbers(&ports, &mut launches);
            }
        }
        for (k, population) in network.populations.iter().enumerate() {
            let pop = self.layout.pops[k];
            if !pop.active || !population.current_is_trained(self.training) {
                continue;
            }
            let name = format!("{}.i_e.gradient", population.name);
            let gradient = self.layout.arrays.zero_reals(name, pop.n);
            self.layout.ports.gradients.push((gradient, pop.i_e));
            let p = sum_samples::SumSamplesParams::<f64> { n: pop.n as u32 };
            launches.push(Launch {
                kernel: &sum_samples::KERNEL,
                label: population.name.clone(),
                params: p.words(),
                args: vec![whole(pop.input_gradient), each(gradient, 1)],
                units: Units::Count { count: pop.n, grain: 256 },
                invocations: pop.n as u64,
                per_step: false,
                every: 1,
            });
        }
        stages.push(Stage::Whole(launches));
    }

    /// Where gradients by the arrivals of a projection are.
    pub(super) fn by_arrivals(&self, index: usize) -> Arrivals {
        let projection = &self.network.projections[index];
        let to = self.layout.pops[projection.to];
        match projection.delay {
            // One row for all steps.
            0 => Arrivals { array: to.input_gradient, rows: 1, stride: to.n, first: 0 },
            _ => Arrivals {
                array: to.tape,
                rows: self.layout.steps,
                stride: to.width,
                first: projection.receptor * to.n,
            },
        }
    }

    /// The sum over all samples and steps of what a source sends times what belongs to its arrival, for each weight of a
    /// projection that is no convolution: arrays of the sums, of each of its tiles, beside those of the weights.
    pub(super) fn by_weights(
        &mut self,
        index: usize,
        by: Arrivals,
        what: &str,
        trains: &mut Trains,
        launches: &mut Vec<Launch>,
    ) -> Vec<(Reals, Reals)> {
        let projection = &self.network.projections[index];
        let from = self.source(index);
        let tiles = self.layout.ports.weights[index].clone();
        let steps = self.layout.steps;
        let train = (self.layout.batch * steps).div_ceil(32);
        let by_value = self.gets_values(index);
        let values = if by_value { from.values } else { self.layout.arrays.unused.reals };
        let (source_rows, shift) = match projection.delay {
            0 => (1, 0),
            delay => (self.source_rows(index, &from), from.history - delay),
        };
        let spikes = if by_value {
            self.layout.arrays.unused.words
        } else {
            let key = (from.spikes, projection.delay);
            match trains.0.iter().find(|t| t.0 == key) {
                Some(found) => found.1,
                None => {
                    let (array, launch) = self.trains(index);
                    launches.push(launch);
                    trains.0.push((key, array));
                    array
                }
            }
        };
        let sources = from.n as u32;
        let (stride, rows) = (by.stride as u32, by.rows as u32);
        let mut made = Vec::new();
        for (tile, weights) in tiles.arrays().into_iter().enumerate() {
            let len = self.layout.arrays[weights].len;
            let sum = self.layout.arrays.zero_reals(format!("{what}.{tile}"), len);
            made.push((sum, weights));
            let (kernel, params, args, units): (&'static Kernel, _, _, _) = match &tiles {
                Tiles::Dense { tiles, .. } => {
                    let (_, first, width) = tiles[tile];
                    let split = Split::PanelRows { rows: from.n, width };
                    let out = cut(sum, split);
                    let count = width.div_ceil(PANEL) * from.n;
                    // Values are listed once per piece, so pieces are as large as leaves a few for the threads;
                    // spikes are listed anyway, and a piece is a panel.
                    let grain = match by_value {
                        true => (count / 4).max(128),
                        false if count > from.n => from.n.max(128),
                        false => 128,
                    };
                    let units = Units::Count { count, grain };
                    let (first, width) = ((by.first + first) as u32, width as u32);
                    if by_value {
                        let p = dense_values_gradient::DenseValuesGradientParams::<f64> {
                            sources,
                            source_rows: source_rows as u32,
                            shift: shift as u32,
                            targets: stride,
                            first,
                            width,
                            rows,
                        };
                        let args = vec![whole(values), whole(by.array), out];
                        (&dense_values_gradient::KERNEL, p.words(), args, units)
                    } else {
                        let p = dense_spikes_gradient::DenseSpikesGradientParams::<f64> {
                            sources,
                            targets: stride,
                            first,
                            width,
                            train: train as u32,
                            delay: projection.delay as u32,
                        };
                        let args = vec![whole(spikes), whole(by.array), out];
                        (&dense_spikes_gradient::KERNEL, p.words(), args, units)
                    }
                }
                Tiles::Convolution { .. } => unreachable!("these are done by themselves"),
                Tiles::Sparse { .. } => {
                    let lists = self.lists(index);
                    let p = sparse_gradient::SparseGradientParams::<f64> {
                        sources,
                        stride,
                        first: by.first as u32,
                        synapses: len as u32,
                        train: train as u32,
                        steps: steps as u32,
                        delay: projection.delay as u32,
                        drawn: u32::from(lists.delays.is_some()),
                        source_rows: source_rows as u32,
                        history: if projection.delay == 0 { 0 } else { from.history as u32 },
                        rows,
                        values: u32::from(by_value),
                    };
                    let args = vec![
                        whole(spikes),
                        whole(values),
                        whole(lists.source),
                        whole(lists.target_of),
                        whole(by.array),
                        whole(lists.delays.unwrap_or(self.layout.arrays.unused.words)),
                        each(sum, 1),
                    ];
                    let units = Units::Count { count: len, grain: 1024 };
                    (&sparse_gradient::KERNEL, p.words(), args, units)
                }
            };
            launches.push(Launch {
                kernel,
                label: projection.name.clone(),
                params,
                args,
                units,
                invocations: len as u64,
                per_step: false,
                every: 1,
            });
        }
        made
    }

    /// Spikes of a population by source, for gradients.
    pub(super) fn trains(&mut self, index: usize) -> (Words, Launch) {
        let (pop, delay) = (self.source(index), self.network.projections[index].delay);
        let train = (self.layout.batch * self.layout.steps).div_ceil(32);
        let name = format!("{}.trains.{delay}", self.layout.arrays[pop.spikes].name);
        let array = self.layout.arrays.zero_words(name, pop.n * train);
        let p = transpose_spikes::TransposeSpikesParams::<f64> {
            sources: pop.n as u32,
            steps: self.layout.steps as u32,
            history: pop.history as u32,
            train: train as u32,
            delay: delay as u32,
        };
        let launch = Launch {
            kernel: &transpose_spikes::KERNEL,
            label: self.network.populations[self.network.projections[index].from].name.clone(),
            params: p.words(),
            args: vec![whole(pop.spikes), each(array, 32 * train)],
            units: Units::Count { count: spike_words(pop.n), grain: 1 },
            invocations: (pop.n * train) as u64,
            per_step: false,
            every: 1,
        };
        (array, launch)
    }

    /// Tapes of neurons whose only input is constant are not needed after the pass of a sample: there is
    /// no gradient by arrivals.
    pub(super) fn pass_tapes(&self, stages: &mut [Stage]) {
        let launches = stages.iter_mut().flat_map(Stage::launches_mut);
        for arg in launches.flat_map(|launch| &mut launch.args) {
            let mut neural =
                self.layout.pops.iter().zip(&self.network.populations).zip(&self.filled);
            let free = neural.any(|((pop, population), filled)| {
                let arrives_only = pop.width == pop.n * receptors_of(&population.kind);
                let arrives = filled.tape != 0 || !arrives_only;
                population.is_neural() && pop.tape.id() == arg.array && !arrives
            });
            if let Split::Stride(stride) = arg.split
                && free
            {
                arg.split = Split::Passing(stride);
            }
        }
    }

    /// The least value of the weights in an array: conductances are never negative.
    pub fn floor(&self, array: Reals) -> f64 {
        let weights = self.layout.ports.weights.iter().zip(&self.network.projections);
        let of = weights.into_iter().find(|(tiles, _)| tiles.arrays().contains(&array));
        let conductance = of.is_some_and(|(_, p)| match &self.network.populations[p.to].kind {
            network::Kind::Stepped(neurons) if p.delay > 0 => {
                neurons.receptors()[p.receptor].e_rev.is_some()
            }
            _ => false,
        });
        if conductance { 0.0 } else { NO_FLOOR }
    }

    /// One unit of the weights or constant currents in an array.
    pub fn unit(&self, array: Reals) -> f64 {
        if let Some(projection) = self.fed_back(array) {
            return projection.unit;
        }
        let weights = self.layout.ports.weights.iter().zip(&self.network.projections);
        for (tiles, projection) in weights {
            if tiles.arrays().contains(&array) {
                return projection.unit;
            }
        }
        let owners = self.layout.pops.iter().zip(&self.network.populations);
        for ((pop, population), framed) in owners.zip(&self.layout.framed) {
            if population.is_neural() && pop.i_e == array {
                return framed.as_ref().map_or(1.0, |framed| framed.unit(self.network.dt));
            }
        }
        1.0
    }
}
