//! Programs of a training by [e-prop](crate::train::eprop): forwards, one step after the other.
//!
//! Within a step: what reaches the readout; the readout, with the loss of the step; at the end of a chunk eligibilities and
//! gradients, which look at neurons as they were up to the step before; what reaches neurons; neurons. Sources are shown
//! for all steps before the first, a bit each. What is left of the last chunk is done after the last step. Gradients are of
//! a sample each until then, and are summed in the order of the samples. Where the readout is to follow a trace, its
//! potentials are kept, and [`crate::train::trace`] tells at the end how far from it they were.

use super::gradients::Trains;
use super::layout::{Layout, Pop, columns};
use super::losses::Parts;
use super::*;
use crate::data::traces::Traces;
use crate::network::{self, Projection};
use crate::neuron::iaf;
use crate::neuron::model::at;
use crate::neuron::receptor::port;
use crate::neuron::stepped::{Stepped, receptor_numbers};
use crate::plan::graph::Datum;
use crate::rng::{Purpose, Stream};
use crate::scene::Feedback;
use crate::synapse::dense_spikes;
use crate::train::eprop::{CHUNK, EProp};
use crate::train::eprop_lif::{Cell, state};
use crate::train::{
    eprop_feedback, eprop_learn, eprop_lif, eprop_output, eprop_readout, eprop_trace, sum_samples,
};

/// Steps at the end of a window whose spikes reach the potential of no readout.
const LATE: usize = 2;

/// Steps of a ring, as kernels take them.
const RING: u32 = CHUNK as u32;

impl Layout<'_> {
    /// Arrays of neurons that are stepped; `pop` gets those that every kind of neuron has.
    pub(super) fn online(&mut self, pop: &mut Pop, name: &str, neurons: &dyn Stepped) {
        let cells = neurons.cells();
        let numbers = |id: usize| {
            let cell = &cells[id];
            let of = Cell {
                fall_m: cell[iaf::cell::fall_m],
                p20: cell[iaf::cell::p20],
                v_th: cell[iaf::cell::v_th],
                v_reset: cell[iaf::cell::v_reset],
                t_ref: cell[iaf::cell::t_ref],
                delta_th: cell[iaf::cell::delta_th],
                fall_rel: cell[iaf::cell::fall_rel],
                v_init: neurons.start(id)[iaf::state::v],
            };
            of.numbers()
        };
        pop.own = cells.len() > 1;
        pop.cell =
            self.arrays.reals(format!("{name}.cell"), columns((0..cells.len()).map(numbers)));
        let currents = neurons.trained().currents;
        let current = (0..pop.n).map(|id| *at(&currents, id)).collect();
        pop.i_e = self.arrays.reals(format!("{name}.i_e"), current);
        let len = self.batch * state::COUNT * pop.n;
        pop.state = self.arrays.zero_reals(format!("{name}.state"), len);
    }
}

/// Arrays of a population beside those of [`Pop`], samples × [ring ×] neurons.
#[derive(Debug, Clone, Copy)]
struct Online {
    arrivals: Reals,
    /// Of neurons: the surrogate's slopes and the learning signals; of a readout the errors are the signals.
    slope: Reals,
    signal: Reals,
}

/// How the potential of the readout follows a spike.
#[derive(Debug, Default, Clone, Copy)]
struct Filter {
    fall_m: f64,
    p21: f64,
    fall_syn: f64,
}

/// The network as it is stepped.
struct Steps {
    rule: EProp,
    online: Vec<Online>,
    /// Index of the readout, and its filter.
    readout: usize,
    filter: Filter,
}

/// What the readout is asked.
#[derive(Debug, Clone, Copy)]
struct Asked {
    /// In which parts of the window, and how many they are.
    over: Parts,
    parts: usize,
    /// Parts of which it is told what they predict.
    answers: usize,
    /// Factor on the loss of a step, and one unit of the output \[mV\].
    weight: f64,
    v_unit: f64,
    /// Labels of the parts, or their targets, and numbers of one.
    labels: Arg,
    targets: Arg,
    columns: usize,
    output: Reals,
    predictions: Words,
}

impl Tapes<'_> {
    /// Programs of a training by e-prop.
    pub(super) fn eprop(
        &mut self,
        rule: EProp,
        traces: Option<&Traces>,
    ) -> Result<Programs, PlanError> {
        let follow: Vec<Launch> =
            traces.and_then(|traces| self.follow(traces, false)).into_iter().collect();
        let steps = self.steps(rule);
        let shown = graph::shown(self.network);
        let shown = graph::launches(&shown, &mut |ops, launches| self.forward(ops, launches))?;
        let mut evaluate = vec![Stage::Whole(shown)];
        let mut train = evaluate.clone();
        let [of_readout, of_neurons] = self.forward_step(&steps)?;
        let (mut learn, sums) = self.learn(&steps);
        let launches = [&of_readout[..], &of_neurons].concat();
        evaluate.push(Stage::Steps { launches, backward: false });
        evaluate.push(Stage::Whole(follow.clone()));
        let left = !self.layout.steps.is_multiple_of(CHUNK);
        let rest = if left { learn.clone() } else { Vec::new() };
        learn.iter_mut().for_each(|launch| launch.every = CHUNK as u64);
        let launches = [of_readout, learn, of_neurons].concat();
        train.push(Stage::Steps { launches, backward: false });
        train.push(Stage::Whole(rest));
        train.push(Stage::Whole(follow));
        train.push(Stage::Whole(sums));
        let mut rules = Vec::new();
        self.rules(&mut Trains::default(), &mut rules);
        train.push(Stage::Whole(rules));
        self.update(&mut train);
        self.counts(&mut evaluate);
        self.counts(&mut train);
        Ok(vec![("evaluate", evaluate), ("train", train)])
    }

    /// The projection whose updates weights of the feedback get, if an array has these.
    pub(super) fn fed_back(&self, array: Reals) -> Option<&Projection> {
        let found = self.layout.ports.feedback.iter().find(|(feedback, _)| *feedback == array);
        found.map(|(_, projection)| &self.network.projections[*projection])
    }

    fn steps(&mut self, rule: EProp) -> Steps {
        let batch = self.layout.batch;
        let mut steps = Steps { rule, online: Vec::new(), readout: 0, filter: Filter::default() };
        for (k, population) in self.network.populations.iter().enumerate() {
            let unused = self.layout.arrays.unused.reals;
            let mut online = Online { arrivals: unused, slope: unused, signal: unused };
            let mut zeros = |what: &str, rows: usize| {
                let len = batch * rows * population.size;
                self.layout.arrays.zero_reals(format!("{}.{what}", population.name), len)
            };
            match &population.kind {
                network::Kind::Stepped(neurons) if neurons.answers() => {
                    online.arrivals = zeros("arrivals", 1);
                    online.signal = zeros("signal", CHUNK);
                    let (cell, dt) = (&neurons.cells()[0], self.network.dt);
                    steps.filter = Filter {
                        fall_m: cell[iaf::cell::fall_m],
                        p21: cell[iaf::cell::COUNT],
                        fall_syn: receptor_numbers(&**neurons, 0, dt, |_| 1.0)[port::fall],
                    };
                    steps.readout = k;
                }
                network::Kind::Stepped(_) => {
                    online.arrivals = zeros("arrivals", 1);
                    online.slope = zeros("slope", CHUNK);
                    online.signal = zeros("signal", CHUNK);
                }
                _ => {}
            }
            steps.online.push(online);
        }
        steps
    }

    fn asked(&mut self, k: usize, v_unit: f64) -> Asked {
        let (pop, steps) = (self.layout.pops[k], self.layout.steps);
        let unused = self.layout.arrays.unused;
        let Some(answer) = self.layout.ports.answer else {
            // A trace is followed: each step is a part with targets of its own, and nothing is predicted. A plan that is
            // made without the trace compares with nothing.
            let name = format!("{}.predictions", self.network.populations[k].name);
            let (targets, columns) = match self.followed {
                Some([wanted, ..]) => {
                    let columns = self.layout.arrays[wanted].len / steps;
                    (each(wanted, steps * columns), columns)
                }
                None => (whole(unused.reals), 0),
            };
            return Asked {
                over: Parts { begin: 0, length: 1, share: 1.0, largest: 0 },
                parts: steps,
                answers: 0,
                weight: 1.0 / (steps * pop.n) as f64,
                v_unit: 1.0,
                labels: whole(unused.words),
                targets,
                columns,
                output: pop.tape,
                predictions: self.layout.arrays.zero_words(name, 1),
            };
        };
        let over = self.over();
        let AnswerPorts { answers, output, supervision, predictions, .. } = answer;
        let (labels, targets, columns) = match supervision {
            Supervision::Labels(labels) => (each(labels, answers), whole(unused.reals), 0),
            Supervision::Targets(targets) => (whole(unused.words), each(targets, pop.n), pop.n),
        };
        Asked {
            over,
            parts: answers,
            answers,
            weight: 1.0 / over.share,
            v_unit,
            labels,
            targets,
            columns,
            output,
            predictions,
        }
    }

    /// Launches of a step: those of the readout, and those of neurons. All that is delivered was sent before the step.
    fn forward_step(&mut self, steps: &Steps) -> Result<[Vec<Launch>; 2], PlanError> {
        let network = self.network;
        let phases = graph::on_tapes(network);
        let ops = phases.iter().flat_map(|phase| phase.once.iter().chain(&phase.step)).copied();
        let of = [Datum::Arrived(steps.readout), Datum::Sent(steps.readout)].map(Some);
        let (of_readout, of_neurons): (Vec<Op>, Vec<Op>) =
            ops.partition(|op| of.contains(&op.writes(network)));
        let mut filled = vec![false; network.populations.len()];
        let mut lower = |ops: &[Op], launches: &mut Vec<Launch>| {
            for op in ops {
                match *op {
                    Op::Deliver(p) => {
                        let to = network.projections[p].to;
                        let accumulate = std::mem::replace(&mut filled[to], true);
                        self.deliver_step(p, steps.online[to].arrivals, accumulate, launches);
                    }
                    Op::Integrate(k) => launches.push(match &network.populations[k].kind {
                        network::Kind::Stepped(neurons) if neurons.answers() => {
                            self.readout_step(steps, neurons.trained().unit)
                        }
                        network::Kind::Stepped(neurons) => self.lif_step(steps, k, &**neurons),
                        _ => continue,
                    }),
                    _ => {}
                }
            }
            Ok(())
        };
        Ok([graph::launches(&of_readout, &mut lower)?, graph::launches(&of_neurons, &mut lower)?])
    }

    fn deliver_step(
        &self,
        index: usize,
        arrivals: Reals,
        accumulate: bool,
        launches: &mut Vec<Launch>,
    ) {
        let projection = &self.network.projections[index];
        let [from, to] = [projection.from, projection.to].map(|k| self.layout.pops[k]);
        let Tiles::Dense { tiles, .. } = &self.layout.ports.weights[index] else { return };
        for &(weights, first, width) in tiles {
            let p = dense_spikes::DenseSpikesParams::<f64> {
                sources: from.n as u32,
                targets: to.n as u32,
                first: first as u32,
                width: width as u32,
                steps: self.layout.steps as u32,
                kept: 1,
                history: from.history as u32,
                delay: projection.delay as u32,
                accumulate: u32::from(accumulate),
            };
            let args = vec![self.spikes(&from), whole(weights), each(arrivals, to.n)];
            let per_sample = width.div_ceil(dense_spikes::TARGETS);
            let kernel = &dense_spikes::KERNEL;
            launches.push(self.by_sample(kernel, &projection.name, p.words(), args, per_sample));
        }
    }

    fn readout_step(&mut self, steps: &Steps, v_unit: f64) -> Launch {
        let asked = self.asked(steps.readout, v_unit);
        let n = self.layout.pops[steps.readout].n;
        let name = &self.network.populations[steps.readout].name;
        let Filter { fall_m, p21, fall_syn } = steps.filter;
        let objective = self.training.loss.objective();
        let (form, delta) = objective.in_each_step().expect("the scene was checked");
        let p = eprop_readout::EpropReadoutParams {
            n: n as u32,
            begin: asked.over.begin,
            length: asked.over.length,
            parts: asked.parts as u32,
            answers: asked.answers as u32,
            columns: asked.columns as u32,
            slots: SLOTS as u32,
            ring: RING,
            share: asked.over.share,
            weight: asked.weight,
            delta,
            v_unit: asked.v_unit,
            fall_m,
            p21,
            fall_syn,
            form,
        };
        let state = self.layout.pops[steps.readout].state;
        let online = steps.online[steps.readout];
        let args = vec![
            each(online.arrivals, n),
            asked.labels,
            asked.targets,
            each(state, eprop_readout::STATE * n),
            each(online.signal, CHUNK * n),
            each(asked.output, asked.parts * n),
            each(self.layout.ports.losses, SLOTS),
            each(asked.predictions, asked.answers * SLOTS),
        ];
        self.by_sample(&eprop_readout::KERNEL, name, p.words(), args, 1)
    }

    fn lif_step(&self, steps: &Steps, k: usize, neurons: &dyn Stepped) -> Launch {
        let pop = self.layout.pops[k];
        let p = eprop_lif::EpropLifParams {
            n: pop.n as u32,
            steps: self.layout.steps as u32,
            history: pop.history as u32,
            own: u32::from(pop.own),
            hold: u32::from(steps.rule.hold),
            counted: self.counted_steps(),
            ring: RING,
            steepness: self.layout.surrogate.steepness,
            unit: neurons.trained().unit,
            surrogate: self.layout.surrogate.shape,
        };
        let args = vec![
            each(steps.online[k].arrivals, pop.n),
            whole(pop.i_e),
            whole(pop.cell),
            self.spikes(&pop),
            each(pop.state, state::COUNT * pop.n),
            each(steps.online[k].slope, CHUNK * pop.n),
        ];
        // Whole workgroups for each sample, so that a workgroup's spikes make whole words.
        let padded = pop.n.next_multiple_of(eprop_lif::KERNEL.workgroup as usize);
        let name = &self.network.populations[k].name;
        self.by_sample(&eprop_lif::KERNEL, name, p.words(), args, padded)
    }

    /// Steps whose spikes count for penalties on rates.
    fn counted_steps(&self) -> u32 {
        self.layout.steps.saturating_sub(LATE).max(1) as u32
    }

    /// Launches at the end of a chunk, and those that sum gradients over samples.
    fn learn(&mut self, steps: &Steps) -> (Vec<Launch>, Vec<Launch>) {
        let network = self.network;
        let (mut launches, mut sums) = (Vec::new(), Vec::new());
        let mut signalled = vec![false; network.populations.len()];
        for (index, projection) in network.projections.iter().enumerate() {
            if projection.to != steps.readout {
                continue;
            }
            let mut gradients = vec![];
            if projection.learn {
                gradients.push(self.layout.ports.weights[index].arrays()[0]);
            }
            if network.projections.iter().any(|p| p.to == projection.from && p.learn) {
                let filled = std::mem::replace(&mut signalled[projection.from], true);
                let feedback = self.feedback(steps, index);
                launches.push(self.feedback_step(steps, index, feedback, filled));
                if steps.rule.feedback == Feedback::Adaptive && projection.learn {
                    self.layout.ports.feedback.push((feedback, index));
                    gradients.push(feedback);
                }
            }
            if !gradients.is_empty() {
                let of_samples = self.output_step(steps, index, &mut launches);
                for array in gradients {
                    sums.push(self.sum(&projection.name, of_samples, array));
                }
            }
        }
        for (index, projection) in network.projections.iter().enumerate() {
            if projection.to != steps.readout && projection.learn {
                let of_samples = self.learn_step(steps, index, &mut launches);
                let weights = self.layout.ports.weights[index].arrays()[0];
                sums.push(self.sum(&projection.name, of_samples, weights));
            }
        }
        (launches, sums)
    }

    /// Weights through which errors go back to the sources of a projection to the readout.
    fn feedback(&mut self, steps: &Steps, index: usize) -> Reals {
        let tiles = &self.layout.ports.weights[index];
        if steps.rule.feedback == Feedback::Symmetric {
            return tiles.arrays()[0];
        }
        let projection = &self.network.projections[index];
        let [sources, outputs] =
            [projection.from, projection.to].map(|k| self.network.populations[k].size);
        let stream = Stream::new(self.network.seed, Purpose::Feedback, index as u32);
        let deviation = projection.unit / (sources as f64).sqrt();
        let drawn = (0..(sources * outputs) as u64).map(|k| deviation * stream.normal(k, 0));
        let packed = tiles.pack(0, &drawn.collect::<Vec<f64>>());
        self.layout.arrays.reals(format!("{}.feedback", projection.name), packed)
    }

    fn feedback_step(
        &self,
        steps: &Steps,
        index: usize,
        feedback: Reals,
        accumulate: bool,
    ) -> Launch {
        let projection = &self.network.projections[index];
        let [n, outputs] = [projection.from, projection.to].map(|k| self.layout.pops[k].n);
        let p = eprop_feedback::EpropFeedbackParams::<f64> {
            n: n as u32,
            outputs: outputs as u32,
            ring: RING,
            accumulate: u32::from(accumulate),
        };
        let args = vec![
            each(steps.online[steps.readout].signal, CHUNK * outputs),
            whole(feedback),
            each(steps.online[projection.from].signal, CHUNK * n),
        ];
        self.by_sample(&eprop_feedback::KERNEL, &projection.name, p.words(), args, n)
    }

    /// What the spikes of a projection's sources leave on its targets; the array that has it.
    fn trace(&mut self, steps: &Steps, index: usize, launches: &mut Vec<Launch>) -> Reals {
        let projection = &self.network.projections[index];
        let from = self.layout.pops[projection.from];
        let name = &projection.name;
        let mut zeros = |what: &str, rows: usize| {
            let len = self.layout.batch * rows * from.n;
            self.layout.arrays.zero_reals(format!("{name}.{what}"), len)
        };
        let (current, left) = (zeros("current", 1), zeros("left", CHUNK));
        let (lag, jump, filter) = match &self.network.populations[projection.to].kind {
            // All neurons have the same membrane.
            network::Kind::Stepped(neurons) if !neurons.answers() => {
                let fall_m = neurons.cells()[0][iaf::cell::fall_m];
                (1, 1.0, Filter { fall_m, ..Filter::default() })
            }
            _ => (0, 0.0, steps.filter),
        };
        let p = eprop_trace::EpropTraceParams {
            sources: from.n as u32,
            steps: self.layout.steps as u32,
            history: from.history as u32,
            ring: RING,
            lag,
            fall_m: filter.fall_m,
            p21: filter.p21,
            fall_syn: filter.fall_syn,
            jump,
        };
        let args = vec![self.spikes(&from), each(current, from.n), each(left, CHUNK * from.n)];
        launches.push(self.by_sample(&eprop_trace::KERNEL, name, p.words(), args, from.n));
        left
    }

    /// Gradients of samples by the weights of a projection to the readout; the array that has them.
    fn output_step(&mut self, steps: &Steps, index: usize, launches: &mut Vec<Launch>) -> Reals {
        let left = self.trace(steps, index, launches);
        let projection = &self.network.projections[index];
        let [sources, outputs] = [projection.from, projection.to].map(|k| self.layout.pops[k].n);
        let count = sources * outputs;
        let name = &projection.name;
        let batch = self.layout.batch;
        let sums = self.layout.arrays.zero_reals(format!("{name}.sums"), batch * count);
        let p = eprop_output::EpropOutputParams::<f64> {
            sources: sources as u32,
            outputs: outputs as u32,
            ring: RING,
        };
        let args = vec![
            each(left, CHUNK * sources),
            each(steps.online[steps.readout].signal, CHUNK * outputs),
            each(sums, count),
        ];
        launches.push(self.by_sample(&eprop_output::KERNEL, name, p.words(), args, count));
        sums
    }

    /// Gradients of samples by the weights of a projection to neurons; the array that has them.
    fn learn_step(&mut self, steps: &Steps, index: usize, launches: &mut Vec<Launch>) -> Reals {
        let left = self.trace(steps, index, launches);
        let projection = &self.network.projections[index];
        let [from, to] = [projection.from, projection.to].map(|k| self.layout.pops[k]);
        let count = from.n * to.n;
        let network::Kind::Stepped(neurons) = &self.network.populations[projection.to].kind else {
            unreachable!("the scene was checked");
        };
        let adapts = neurons.cells().iter().any(|cell| cell[iaf::cell::delta_th] > 0.0);
        let regular = steps.rule.c_reg > 0.0;
        let rows = eprop_learn::rows(adapts, regular);
        let (name, batch) = (&projection.name, self.layout.batch);
        let traces = self.layout.arrays.zero_reals(format!("{name}.traces"), batch * rows * count);
        let sums = self.layout.arrays.zero_reals(format!("{name}.sums"), batch * count);
        let Filter { fall_m, p21, fall_syn } = steps.filter;
        let p = eprop_learn::EpropLearnParams {
            sources: from.n as u32,
            targets: to.n as u32,
            steps: self.layout.steps as u32,
            ring: RING,
            own: u32::from(to.own),
            adapts: u32::from(adapts),
            regular: u32::from(regular),
            counted: self.counted_steps(),
            strength: steps.rule.c_reg,
            wanted: steps.rule.f_target * 1e-3 * self.network.dt,
            out_fall_m: fall_m,
            out_p21: p21,
            out_fall_syn: fall_syn,
        };
        let online = steps.online[projection.to];
        let args = vec![
            each(left, CHUNK * from.n),
            each(online.slope, CHUNK * to.n),
            each(online.signal, CHUNK * to.n),
            whole(to.cell),
            each(to.state, state::COUNT * to.n),
            each(traces, rows * count),
            each(sums, count),
        ];
        launches.push(self.by_sample(&eprop_learn::KERNEL, name, p.words(), args, count));
        sums
    }

    /// Sums the gradients of samples by the weights in an array.
    fn sum(&mut self, name: &str, of_samples: Reals, array: Reals) -> Launch {
        let len = self.layout.arrays[array].len;
        let name_of_sum = format!("{}.gradient", self.layout.arrays[array].name);
        let gradient = self.layout.arrays.zero_reals(name_of_sum, len);
        self.layout.ports.gradients.push((gradient, array));
        let p = sum_samples::SumSamplesParams::<f64> { n: len as u32 };
        Launch {
            kernel: &sum_samples::KERNEL,
            label: name.to_owned(),
            params: p.words(),
            args: vec![whole(of_samples), each(gradient, 1)],
            units: Units::Count { count: len, grain: 4096 },
            invocations: len as u64,
            per_step: false,
            every: 1,
        }
    }
}
