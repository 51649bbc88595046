//! Launches from what sources send to what neurons and readouts do.

use super::compile::{Compiler, each, shown, whole};
use super::order::Group;
use super::*;
use crate::input::encoder::{Given, Showing, Window};
use crate::input::{pixel_words, poisson};
use crate::kernel::spike_words;
use crate::network;
use crate::neuron::model::at;
use crate::neuron::readout;
use crate::rng::{Purpose, stream};
use crate::scene::Images;
use crate::synapse::{dense_spikes, dense_values, sparse};

impl Compiler<'_> {
    pub(super) fn encode(&mut self, stages: &mut Vec<Stage>) {
        let mut launches = Vec::new();
        self.biases(&mut launches);
        for (k, population) in self.network.populations.iter().enumerate() {
            match &population.kind {
                network::Kind::Poisson(p) => {
                    let p = (0..population.size).map(|id| *at(p, id));
                    let window = self.window_of(k, None);
                    let showing = poisson::sources(p, &window);
                    self.show(k, &window, vec![showing], &mut launches);
                }
                network::Kind::Images(images) => {
                    let window = self.window_of(k, Some(images));
                    let showings = images.encoder.code().show(&window);
                    self.show(k, &window, showings, &mut launches);
                    launches.extend(self.noise_of_inputs(k, images));
                }
                network::Kind::Readout(_)
                | network::Kind::Stepped(_)
                | network::Kind::Spikes(_) => {}
            }
        }
        self.concentrations(&mut launches);
        stages.push(Stage::Whole(launches));
    }

    /// How a population shows samples, or draws spikes by itself.
    pub(super) fn window_of(&self, k: usize, images: Option<&Images>) -> Window {
        let pop = self.layout.pops[k];
        let [frames, hold] = shown(images, self.layout.steps, self.network.dt);
        Window {
            dt: self.network.dt,
            n: pop.n as u32,
            rows: self.sent_rows(k) as u32,
            history: pop.history as u32,
            row: spike_words(pop.n) as u32,
            first: 0,
            frames,
            hold,
            stream: stream(Purpose::Input, k as u32),
        }
    }

    pub(super) fn show(
        &mut self,
        k: usize,
        window: &Window,
        showings: Vec<Showing>,
        launches: &mut Vec<Launch>,
    ) {
        let (pop, population) = (self.layout.pops[k], &self.network.populations[k]);
        let (name, batch) = (&population.name, self.layout.batch);
        let mut made = None;
        for showing in showings {
            let args = showing.args.into_iter().map(|given| match given {
                Given::Pixels => self.pixels(k),
                Given::Intensities => {
                    let (what, len) = (format!("{name}.intensities"), window.words());
                    let zeros = || self.layout.arrays.zero_words(what, batch * len);
                    each(*made.get_or_insert_with(zeros), len)
                }
                Given::Nothing => whole(self.layout.arrays.unused.words),
                Given::Presentation => each(self.layout.input.presentation, 1),
                Given::Table(what, table) => {
                    whole(self.layout.arrays.words(format!("{name}.{what}"), table))
                }
                Given::Sent if population.spikes() => self.spikes(&pop),
                Given::Sent => self.sent_values(k),
            });
            let (args, per_sample) = (args.collect(), showing.per_sample as usize);
            let launch = self.by_sample(showing.kernel, name, showing.params, args, per_sample);
            launches.push(Launch { per_step: showing.per_step, ..launch });
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

    pub(super) fn forward(&mut self, group: &Group, stages: &mut Vec<Stage>) {
        let network = self.network;
        let inside = |k: usize| group.members.contains(&k);
        let mut before = Vec::new();
        let mut step = Vec::new();
        // Noise and input from outside the group are there for all steps, and come first.
        for &k in &group.members {
            before.extend(self.noise_of_currents(k));
            self.drawn(k, &mut before);
        }
        for outside in [true, false] {
            for (index, p) in network.projections.iter().enumerate() {
                if inside(p.to) && inside(p.from) != outside {
                    if outside {
                        before.extend(self.release(index));
                        before.extend(self.attend(index));
                    }
                    self.deliver(index, if outside { &mut before } else { &mut step });
                }
            }
        }
        for &k in &group.members {
            self.gains(k, &mut step);
            match &network.populations[k].kind {
                network::Kind::Readout(readout) => step.push(self.readout(k, readout)),
                network::Kind::Stepped(_) => {
                    step.extend(
                        self.layout.framed[k].as_ref().map(|framed| self.window(k, framed)),
                    );
                }
                network::Kind::Poisson(_) | network::Kind::Images(_) | network::Kind::Spikes(_) => {
                }
            }
        }
        // On a cycle spikes of a step are there behind its neurons, and are delivered in later steps.
        for (index, p) in network.projections.iter().enumerate() {
            if inside(p.to) && inside(p.from) {
                step.extend(self.release(index));
            }
        }
        stages.extend(group.stages(before, step, false));
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

    pub(super) fn readout(&self, k: usize, model: &network::Readout) -> Launch {
        let (over, answer) = (self.over(), self.answer());
        let pop = self.layout.pops[k];
        let p = readout::ReadoutParams {
            n: pop.n as u32,
            steps: self.layout.steps as u32,
            arrivals: u32::from(self.filled[k].tape != 0),
            statics: u32::from(pop.statics.is_some()),
            own: u32::from(pop.own),
            v_unit: model.v_unit,
            begin: over.begin,
            length: over.length,
            parts: answer.answers as u32,
            share: over.share,
            over: over.largest,
        };
        let args = vec![
            self.tape(&pop),
            pop.statics.map_or(whole(self.layout.arrays.unused.reals), |s| each(s, pop.n)),
            whole(pop.i_e),
            whole(pop.cell),
            each(answer.output, answer.answers * pop.n),
            each(pop.peak, pop.n),
        ];
        self.by_sample(&readout::KERNEL, &self.network.populations[k].name, p.words(), args, pop.n)
    }
}
