//! Levels 2 to 6, e-prop: losses of the published tasks digit for digit, the gradient of backpropagation where it is that,
//! engines against the oracle, memory, what is refused.

mod common;

use common::*;
use neuralearn::data::traces::Traces;
use neuralearn::data::{Dataset, NO_LABEL};
use neuralearn::engine::Engine;
use neuralearn::engine::cpu::{Cpu, Twinned};
use neuralearn::kernel::Clock;
use neuralearn::network::{self, Network, build};
use neuralearn::plan::{self, AnswerPorts, ArrayId, Plan, Reals, Stage, TrainingOptions};
use neuralearn::scene::{Scene, load_str};
use std::path::Path;

// ---- the published tasks ----------------------------------------------------------------------------

/// Losses of five updates by Adam with a rate of 0.005 of the network and data of `data/eprop.py`, by one sample and by
/// two, as the test of NEST's e-prop synapses has them (NEST 3.9, `eprop_supervised_classification_evidence-accumulation`).
const EVIDENCE: [[f64; 5]; 2] = [
    [0.741152550006, 0.740388187700, 0.665785233177, 0.663644193322, 0.729428962844],
    [0.702163370672, 0.735555303152, 0.740354864111, 0.683882815282, 0.707841122268],
];

/// Those of five updates by plain descent with a rate of 1e-4 (`eprop_supervised_regression`).
const REGRESSION: [f64; 5] =
    [101.964356999041, 103.466731126205, 103.340607074772, 103.680244037686, 104.412775748752];

/// Steps between a spike and its effect on the potential of the readout, where the references have none.
const LATE: usize = 2;

/// A network of `data/eprop.py` and its data.
struct Published {
    steps: usize,
    inputs: usize,
    /// Inputs, recurrent, outputs and feedback, by source and then target.
    weights: [Vec<f64>; 4],
    /// Numbers of columns of these.
    columns: [usize; 4],
    /// What is left of the file.
    bytes: Vec<u8>,
    network: Network,
    plan: Plan,
    /// Where the neurons of each population are in the reference.
    places: Vec<[usize; 2]>,
    /// What a weight of one in the reference is to neurons, and to the readout.
    units: [f64; 2],
}

/// Weights of a projection as the reference has them.
struct Learned {
    w: Vec<f64>,
    mean: Vec<f64>,
    square: Vec<f64>,
}

impl Published {
    fn new(
        file: &str,
        steps: usize,
        [inputs, cells, outputs]: [usize; 3],
        jump: f64,
        (network, mut plan): (Network, Plan),
    ) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file);
        let mut bytes = std::fs::read(path).unwrap();
        let sizes = [inputs * cells, cells * cells, cells * outputs, cells * outputs];
        let weights = sizes.map(|size| {
            let rest = bytes.split_off(4 * size);
            let taken = std::mem::replace(&mut bytes, rest);
            let single = |b: &[u8]| f64::from(f32::from_le_bytes(b.try_into().unwrap()));
            taken.chunks(4).map(single).collect()
        });
        // The spikes of the inputs are given.
        let train = plan.program("train").unwrap();
        for stage in &mut plan.programs[train.index()].stages {
            if let Stage::Whole(launches) = stage {
                launches.retain(|launch| !launch.kernel.name.starts_with("input/poisson"));
            }
        }
        // All cells of a reference are numbered together.
        let mut next = 0;
        let place = |population: &network::Population| match &population.kind {
            network::Kind::Stepped(neurons) if !neurons.answers() => {
                next += population.size;
                [next - population.size, population.size]
            }
            _ => [0, population.size],
        };
        let places = network.populations.iter().map(place).collect();
        let network::Kind::Stepped(readout) = &network.populations.last().unwrap().kind else {
            panic!()
        };
        let cell = &readout.on_tape().unwrap().cells[0];
        let units = [jump, -cell.fall_m / cell.receptors[0][0]];
        let columns = [cells, cells, outputs, outputs];
        Self { steps, inputs, weights, columns, bytes, network, plan, places, units }
    }

    /// Which of the weights of the reference those of a projection are, and what one of these is.
    fn of(&self, k: usize) -> (usize, f64) {
        let projection = &self.network.projections[k];
        let which = match (projection.from, projection.to) {
            (0, _) => 0,
            (_, to) if to + 1 == self.places.len() => 2,
            _ => 1,
        };
        (which, self.units[usize::from(which == 2)])
    }

    /// The part of some weights that a projection has.
    fn part(&self, which: usize, k: usize) -> Vec<f64> {
        let projection = &self.network.projections[k];
        let [[first, from], [at, to]] = [projection.from, projection.to].map(|k| self.places[k]);
        let rows = (first..first + from).map(|i| i * self.columns[which]);
        rows.flat_map(|row| self.weights[which][row + at..row + at + to].to_vec()).collect()
    }

    /// The weights at the start; those of the feedback are put in place.
    fn learned<F: Twinned>(&self, engine: &mut Cpu<'_, F>) -> Vec<Learned> {
        let of = |(k, projection): (usize, &network::Projection)| {
            let (which, unit) = self.of(k);
            if which == 2 {
                let feedback: Reals = array(&self.plan, &format!("{}.feedback", projection.name));
                for (synapse, b) in self.part(3, k).iter().enumerate() {
                    engine.numbers(feedback)[self.plan.training().weights[k].find(synapse).1] =
                        F::of(b * unit);
                }
            }
            let w = self.part(which, k);
            let zeros = vec![0.0; w.len()];
            Learned { w, mean: zeros.clone(), square: zeros }
        };
        self.network.projections.iter().enumerate().map(of).collect()
    }

    fn write<F: Twinned>(&self, engine: &mut Cpu<'_, F>, learned: &[Learned]) {
        for (k, learned) in learned.iter().enumerate() {
            for (synapse, w) in learned.w.iter().enumerate() {
                let (array, at) = self.plan.training().weights[k].find(synapse);
                engine.numbers(array)[at] = F::of(w * self.of(k).1);
            }
        }
    }

    /// Shows samples, which count over all updates.
    fn show<F: Twinned>(&self, engine: &mut Cpu<'_, F>, samples: std::ops::Range<usize>) {
        let input = self.plan.training().populations[0];
        let (bytes, words) = (self.inputs.div_ceil(8), self.inputs.div_ceil(32));
        let rows = input.history + self.plan.steps;
        let mut spikes = vec![0u32; samples.len() * rows * words];
        for (b, sample) in samples.enumerate() {
            let shown = self.bytes[sample * self.steps * bytes..].chunks(bytes).take(self.steps);
            for (t, shown) in shown.enumerate() {
                assert!(t > 0 || shown.iter().all(|byte| *byte == 0));
                for (k, byte) in shown.iter().enumerate().filter(|_| t > 0) {
                    // What arrives in a step has been sent in the step before.
                    let row = (b * rows + input.history + t - 1) * words;
                    spikes[row + k / 4] |= u32::from(*byte) << (8 * (k % 4));
                }
            }
        }
        engine.write_words(input.spikes.unwrap().array, &spikes).unwrap();
    }

    /// Runs without an update; the loss.
    fn run<F: Twinned>(&self, engine: &mut Cpu<'_, F>) -> f64 {
        let (plan, batch) = (&self.plan, self.plan.batch);
        let still = Clock { learning_rate: 0.0, ..clock(batch) };
        engine.run(plan.program("train").unwrap(), &still, plan.steps).unwrap();
        let losses = engine.wide(plan.training().losses);
        losses.iter().step_by(plan.training().slots).sum::<f64>() / batch as f64
    }

    /// Changes each weight by what `change` makes of its gradient. No neuron of the references projects to itself.
    fn update<F: Twinned>(
        &self,
        engine: &mut Cpu<'_, F>,
        learned: &mut [Learned],
        change: impl Fn(&mut Learned, usize, f64),
    ) {
        let gradients = gradients(&self.network, &self.plan, engine);
        for (k, (learned, gradient)) in learned.iter_mut().zip(gradients).enumerate() {
            let projection = &self.network.projections[k];
            let targets = self.network.populations[projection.to].size;
            let to_itself = |synapse: usize| {
                projection.from == projection.to && synapse / targets == synapse % targets
            };
            for (synapse, g) in gradient.iter().enumerate().filter(|(s, _)| !to_itself(*s)) {
                change(learned, synapse, g * self.of(k).1);
            }
        }
    }
}

/// Cells of a reference. Of the reset it has v := decay v - v_th in the step after the spike, which is a subtraction of
/// v_th / decay at the spike.
fn cell(v_th: f64, tau_m: f64, t_ref: usize) -> String {
    let v_reset = v_th - v_th / (-1.0 / tau_m).exp();
    format!(
        "e_l: 0, v_th: {v_th}, v_reset: {v_reset}, tau_m: {tau_m}, t_ref: {t_ref}, reset: Subtract, \
         receptors: {{\"jump\": Delta()}}"
    )
}

/// The network of evidence accumulation. A rise of the threshold by beta in the step after a spike is one of beta / rise at
/// the spike. A synaptic current of a microsecond is over before the next step.
fn evidence(batch: usize) -> Published {
    let sizes @ [inputs, cells, outputs] = [40, 100, 2];
    let (decay, rise) = ((-1.0f64 / 20.0).exp(), (-1.0f64 / 2000.0).exp());
    let delta_th = 1.7 * (1.0 - rise) / (1.0 - decay) / rise;
    let (cell, half, steps) = (cell(0.6, 20.0, 4), cells / 2, 2250);
    let window = steps + LATE;
    let text = format!(
        r#"(version: 1, simulation: (dt: 1.0, seed: 3),
        populations: {{
            "in": (size: {inputs}, model: Images(encoder: Poisson(max_rate: 40))),
            "regular": (size: {half}, model: Lif({cell})),
            "adapting": (size: {half}, model: Lif({cell}, delta_th: {delta_th}, tau_rel: 2000)),
            "answer": (size: {outputs}, model: Readout(e_l: 0, tau_m: 20, tau_syn: 0.001)),
        }},
        projections: [
            (from: "in", to: "regular", connect: Dense, weight: 1.0),
            (from: "in", to: "adapting", connect: Dense, weight: 1.0),
            (from: "regular", to: "regular", connect: Dense, weight: 1.0),
            (from: "regular", to: "adapting", connect: Dense, weight: 1.0),
            (from: "adapting", to: "regular", connect: Dense, weight: 1.0),
            (from: "adapting", to: "adapting", connect: Dense, weight: 1.0),
            (from: "regular", to: "answer", connect: Dense, weight: 1.0),
            (from: "adapting", to: "answer", connect: Dense, weight: 1.0),
        ],
        training: (data: Mnist(dir: "."), epochs: 1, batch: {batch}, steps: {window}, optimizer: Sgd(lr: 1),
            loss: SoftmaxCrossEntropy(over: Window(from: {}, to: {window})),
            learn: EProp(feedback: Random, c_reg: 2, f_target: 10, hold: false),
            surrogate: Triangle(gamma: 0.3)))"#,
        window - 150,
    );
    Published::new("eprop.bin", steps, sizes, 1.0, plan(&scene(&text), batch, window, 0))
}

fn losses_of_evidence<F: Twinned>(batch: usize) -> Vec<f64> {
    let published = evidence(batch);
    let mut engine = Cpu::<F>::new(&published.plan, Some(2), false);
    let mut learned = published.learned(&mut engine);
    let labels = &published.bytes[15 * published.steps * published.inputs / 8..];
    assert_eq!(labels.len(), 15);
    let updates = (0..5).map(|update| {
        published.write(&mut engine, &learned);
        // The samples of five updates by one come first.
        let first = 5 * (batch - 1) + update * batch;
        published.show(&mut engine, first..first + batch);
        let labels: Vec<u32> =
            labels[first..first + batch].iter().map(|label| u32::from(*label)).collect();
        let supervision = published.plan.training().answer.unwrap().supervision;
        engine.write_words(supervision.labels().unwrap(), &labels).unwrap();
        let loss = published.run(&mut engine);
        let t = update as i32 + 1;
        let rate = 5e-3 * (1.0 - 0.999f64.powi(t)).sqrt() / (1.0 - 0.9f64.powi(t));
        published.update(&mut engine, &mut learned, |learned, k, g| {
            let (mean, square) = (&mut learned.mean[k], &mut learned.square[k]);
            *mean = 0.9 * *mean + 0.1 * g;
            *square = 0.999 * *square + 0.001 * g * g;
            learned.w[k] -= rate * *mean / (square.sqrt() + 1e-8);
        });
        loss
    });
    updates.collect()
}

/// Plan of a scene whose readout is to follow traces.
fn following(scene: &Scene, steps: usize, traces: &Traces) -> (Network, Plan) {
    let network = build(scene).unwrap_or_else(|e| panic!("{e}"));
    let training = scene.training.as_ref().unwrap();
    let traces = Some(traces);
    let options =
        TrainingOptions { batch: 1, steps, training, traces, soft: 0, max_binding: 128 << 20 };
    let plan = plan::plan(&network, &options).unwrap_or_else(|e| panic!("{e}"));
    (network, plan)
}

/// Losses of the regression: half the sum of squares, where ours is their mean; a weight acts in the reference by the part
/// of a potential that falls within a step. With `shifted` learning signals come a step late: targets are then such that
/// the error of a step is what it was in the step before.
fn losses_of_regression<F: Twinned>(shifted: bool) -> Vec<f64> {
    let (steps, sizes) = (1000, [100, 100, 1]);
    let window = steps + LATE;
    let cell = cell(0.03, 30.0, 0);
    let per_mean = window as f64 / 2.0;
    let text = format!(
        r#"(version: 1, simulation: (dt: 1.0, seed: 3),
        populations: {{
            "in": (size: 100, model: Poisson(rate: 50)),
            "cells": (size: 100, model: Lif({cell})),
            "answer": (size: 1, model: Readout(e_l: 0, tau_m: 30, tau_syn: 0.001)),
        }},
        projections: [
            (from: "in", to: "cells", connect: Dense, weight: 1.0),
            (from: "cells", to: "cells", connect: Dense, weight: 1.0),
            (from: "cells", to: "answer", connect: Dense, weight: 1.0),
        ],
        training: (epochs: 1, batch: 1, steps: {window}, optimizer: Sgd(lr: 1),
            loss: Trace(population: "answer", file: "none.npz"),
            learn: EProp(feedback: Random, c_reg: {}, f_target: 10, hold: false),
            surrogate: Triangle(gamma: 0.3)))"#,
        300.0 / per_mean,
    );
    let jump = -(-1.0f64 / 30.0).exp_m1();
    let none = Traces { columns: 1, values: vec![0.0; window] };
    let made = following(&scene(&text), window, &none);
    let published = Published::new("eprop_regression.bin", steps, sizes, jump, made);
    let mut engine = Cpu::<F>::new(&published.plan, Some(2), false);
    let mut learned = published.learned(&mut engine);
    let targets = &published.bytes[steps * sizes[0].div_ceil(8)..];
    let targets = targets.chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap()));
    let targets: Vec<f64> = std::iter::repeat_n(0.0, LATE).chain(targets).collect();
    assert_eq!(targets.len(), window);
    let aim = |engine: &mut Cpu<'_, F>, targets: &[f64]| {
        let wanted: Reals = array(&published.plan, "answer.wanted");
        targets.iter().enumerate().for_each(|(t, x)| engine.numbers(wanted)[t] = F::of(*x));
    };
    published.show(&mut engine, 0..1);
    let updates = (0..5).map(|_| {
        published.write(&mut engine, &learned);
        aim(&mut engine, &targets);
        let loss = published.run(&mut engine) * per_mean;
        if shifted {
            let inbox = published.plan.training().populations[2].inbox.unwrap();
            let late = a_step_late(&engine.wide(inbox.array), &targets, 1);
            aim(&mut engine, &late);
            published.run(&mut engine);
        }
        published.update(&mut engine, &mut learned, |learned, k, g| {
            learned.w[k] -= 1e-4 * g * per_mean;
        });
        loss
    });
    updates.collect()
}

/// Targets from which potentials \[steps, n\] are as far in each step as they are from others in the step before.
fn a_step_late(potentials: &[f64], targets: &[f64], n: usize) -> Vec<f64> {
    let error = |k: usize| potentials[k] - targets[k];
    let late = |k: usize| if k < n { 0.0 } else { error(k - n) };
    (0..targets.len()).map(|k| potentials[k] - late(k)).collect()
}

fn assert_losses(who: &str, got: &[f64], wanted: &[f64], tolerance: f64) {
    assert_eq!(got.len(), wanted.len());
    for (a, b) in got.iter().zip(wanted) {
        assert!((a - b).abs() <= tolerance, "{who}: {got:?} not {wanted:?}");
    }
}

/// The oracle has the losses of the reference to 1e-6, the engine of the CPU to 1e-5.
#[test]
fn losses_are_those_of_the_published_classification() {
    for (batch, wanted) in [1, 2].into_iter().zip(&EVIDENCE) {
        assert_losses("oracle", &losses_of_evidence::<f64>(batch), wanted, 1e-6);
        assert_losses("f32", &losses_of_evidence::<f32>(batch), wanted, 1e-5);
    }
}

/// The same of the regression, whose losses are a hundred times as large, for the engine of the CPU by parts of them. They
/// are not if learning signals come a step late.
#[test]
fn losses_are_those_of_the_published_regression() {
    assert_losses("oracle", &losses_of_regression::<f64>(false), &REGRESSION, 1e-6);
    assert_losses("f32", &losses_of_regression::<f32>(false), &REGRESSION, 1e-5 * REGRESSION[0]);
    let late = losses_of_regression::<f64>(true);
    assert!((late[0] - REGRESSION[0]).abs() <= 1e-6, "{late:?}");
    for (late, wanted) in late.iter().zip(&REGRESSION).skip(1) {
        assert!((late - wanted).abs() > 1e-5 * wanted, "{late} is {wanted}");
    }
}

// ---- small networks ---------------------------------------------------------------------------------

const SIZES: [usize; 3] = [37, 70, 3];
const DATA: &str = r#"Arrays(train: "a.npz", test: "b.npz")"#;

/// A network of 70 neurons, of which some synapses are recurrent if it says so.
fn small(recurrent: &str, training: &str) -> String {
    let [inputs, cells, outputs] = SIZES;
    format!(
        r#"(version: 1, simulation: (dt: 1.0, seed: 3),
        populations: {{
            "in": (size: {inputs}, model: Images(encoder: Poisson(max_rate: 200))),
            "cells": (size: {cells}, model: Lif(tau_m: 20, t_ref: 0, i_e: 20, delta_th: Uniform(low: 0, high: 5),
                tau_rel: 50, reset: Subtract, receptors: {{"jump": Delta()}})),
            "out": (size: {outputs}, model: Readout(tau_m: 15, tau_syn: 3)),
        }},
        projections: [
            (from: "in", to: "cells", connect: Dense, weight: Kaiming(gain: 1.5)),
            (from: "cells", to: "out", connect: Dense, weight: Kaiming(gain: 2)),
            {recurrent}
        ],
        training: (data: {DATA}, epochs: 1, batch: 4, steps: 37, optimizer: Adam(lr: 0.01),
            surrogate: Triangle(gamma: 0.3), {training}))"#
    )
}

const RECURRENT: &str =
    r#"(from: "cells", to: "cells", connect: Dense, weight: Kaiming(gain: 1)),"#;

/// Gradients by the weights of each projection, in their natural order.
fn gradients(network: &Network, plan: &Plan, engine: &mut dyn Exact) -> Vec<Vec<f64>> {
    let of_projection = |(tiles, projection): (&neuralearn::plan::Tiles, &network::Projection)| {
        let of = |(_, array): &&(Reals, Reals)| tiles.arrays().contains(array);
        let gradient = plan.training().gradients.iter().find(of).unwrap().0;
        let packed = engine.exact(gradient);
        let synapses = 0..projection.synapses.weights().len();
        synapses.map(|k| packed[tiles.find(k).1]).collect()
    };
    plan.training().weights.iter().zip(&network.projections).map(of_projection).collect()
}

/// The same network where it is to follow a trace: sources that show no samples.
fn small_that_follows(recurrent: &str, training: &str) -> String {
    let text = small(
        recurrent,
        &format!("loss: Trace(population: \"out\", file: \"none.npz\"), {training}"),
    );
    let text = text.replace("Images(encoder: Poisson(max_rate: 200))", "Poisson(rate: 100)");
    text.replace(&format!("data: {DATA}, "), "").replace("batch: 4", "batch: 1")
}

/// The same network where each frame has a class.
fn small_with_frames(recurrent: &str, training: &str, frames: usize, hold: usize) -> String {
    let text = small(recurrent, &format!("loss: SoftmaxCrossEntropy(over: Frames), {training}"));
    let text = text
        .replace("size: 37", "size: 100")
        .replace("200)", &format!("200), frames: {frames}, hold: {hold}"));
    text.replace(DATA, &format!("StoreRecall(symbols: {frames})"))
}

/// Traces for each of the outputs.
fn traces() -> Traces {
    let columns = SIZES[2];
    Traces { columns, values: noise(37 * columns, 3.0, 5).iter().map(|v| v - 68.0).collect() }
}

/// Four samples for a plan, of frames with a class or none, with numbers of which some are marks.
fn samples(network: &Network, plan: &Plan) -> Dataset {
    let mut data = images(4, network.pixels(), SIZES[2] as u64);
    let answer = plan.training().answer;
    let frames = answer.map_or(1, |answer| answer.answers);
    if frames > 1 {
        let class = |k: usize| [0, NO_LABEL, 2, 1, NO_LABEL][k % 5];
        data.train.labels = (0..4 * frames).map(class).collect();
    }
    if answer.is_some_and(|answer| answer.supervision.targets().is_some()) {
        let wanted = noise(4 * SIZES[2], 1.0, 6).into_iter().map(|x| x.max(0.0).ceil() as f32);
        data.train.targets = wanted.collect();
    }
    data
}

/// Without recurrence, with the weights of the readout as feedback and targets for each step, or a loss of one, e-prop is
/// backpropagation that passes through thresholds.
#[test]
fn without_recurrence_it_is_backpropagation() {
    let backprop = "detach_adaptation: false";
    let traces = traces();
    let of = |text: &str, late: Option<&[f64]>| {
        let scene = scene(text);
        let (network, plan) = match text.contains("Trace") {
            true => following(&scene, 37, &traces),
            false => plan(&scene, 4, 37, 0),
        };
        let mut oracle = Cpu::<f64>::new(&plan, Some(1), false);
        if let Some(wanted) = late {
            let array: Reals = array(&plan, "out.wanted");
            wanted.iter().enumerate().for_each(|(k, x)| oracle.numbers(array)[k] = *x);
        }
        load(&mut oracle, &plan, &samples(&network, &plan).train, plan.batch);
        let still = Clock { learning_rate: 0.0, ..clock(plan.batch) };
        oracle.run(plan.program("train").unwrap(), &still, plan.steps).unwrap();
        let losses = oracle.wide(plan.training().losses);
        let losses: Vec<f64> = losses.iter().step_by(plan.training().slots).copied().collect();
        let spikes =
            oracle.read_words(plan.training().populations[1].spikes.unwrap().array).unwrap();
        let spikes = spikes.iter().map(|word| word.count_ones()).sum::<u32>();
        let potentials = plan.training().populations[2].inbox.map(|inbox| oracle.wide(inbox.array));
        (losses, spikes, gradients(&network, &plan, &mut oracle), potentials)
    };
    // How far gradients are apart at most, as parts of the largest of their projection.
    let apart = |a: &[Vec<f64>], b: &[Vec<f64>]| {
        let of_projection = |(a, b): (&Vec<f64>, &Vec<f64>)| {
            let size = scale(a);
            assert!(size > 1e-12);
            a.iter().zip(b).map(|(a, b)| (a - b).abs() / size).fold(0.0, f64::max)
        };
        a.iter().zip(b).map(of_projection).fold(0.0, f64::max)
    };
    let last = |loss: &str| {
        let loss = loss.to_owned();
        move |how: &str| small("", &format!("loss: {loss}over: Last), {how}"))
    };
    type Text<'a> = &'a dyn Fn(&str) -> String;
    let cases: [(&str, Text); 6] = [
        ("classes", &last("SoftmaxCrossEntropy(")),
        ("squares", &last("SquaredError(")),
        ("Huber", &last("Huber(delta: 0.3, ")),
        ("marks", &last("MultiLabel(")),
        ("frames", &|how| small_with_frames("", how, 37, 1)),
        ("trace", &|how| small_that_follows("", how)),
    ];
    for (name, text) in cases {
        let (losses, spikes, exact, _) = of(&text(backprop), None);
        let (own, also, found, potentials) = of(&text("learn: EProp()"), None);
        assert!(spikes > 20 && spikes == also, "{name}: {spikes} and {also} spikes");
        for (a, b) in losses.iter().zip(&own) {
            assert!((a - b).abs() <= 1e-9 * a.abs(), "{name}: {losses:?} {own:?}");
        }
        let off = apart(&exact, &found);
        assert!(off <= 1e-6, "{name}: gradients are off by {off}");
        // Learning signals that come a step late are told.
        if name == "trace" {
            let targets: Vec<f64> = traces.values.iter().map(|v| v + 70.0).collect();
            let late = a_step_late(&potentials.unwrap(), &targets, SIZES[2]);
            let (_, _, found, _) = of(&text("learn: EProp()"), Some(&late));
            let off = apart(&exact, &found);
            assert!(off > 1e-3, "{name}: gradients are off by {off} only");
        }
    }
}

/// Every launch on every engine: with recurrence, each way of feedback, each loss, a penalty on rates or none, held
/// potentials or not; three chunks, of which the last is not whole, and a batch that is not full.
#[test]
fn engines_agree_with_the_oracle() {
    let found = adapter("e-prop");
    let adaptive = "learn: EProp(feedback: Adaptive, c_reg: 1, hold: false)";
    let random = "learn: EProp(feedback: Random, c_reg: 3, f_target: 20)";
    for text in [
        small(
            RECURRENT,
            "loss: SoftmaxCrossEntropy(over: Window(from: 20, to: 37)), learn: EProp()",
        ),
        small(RECURRENT, &format!("loss: SquaredError(over: Mean), {random}")),
        small(RECURRENT, &format!("loss: Huber(over: Mean, delta: 0.3), {random}")),
        small(RECURRENT, &format!("loss: MultiLabel(over: Last), {adaptive}")),
        small(RECURRENT, &format!("loss: SoftmaxCrossEntropy(over: Sum), {adaptive}")),
        small_with_frames(RECURRENT, random, 3, 12),
        small_that_follows(RECURRENT, adaptive),
    ] {
        let text = text.replace("t_ref: 0", "t_ref: 2");
        let how = &text[text.find("loss:").unwrap()..];
        let (scene, follows) = (scene(&text), text.contains("Trace"));
        let (network, plan) = match follows {
            true => following(&scene, 37, &traces()),
            false => plan(&scene, 4, 37, 0),
        };
        let data = samples(&network, &plan);
        let samples = if follows { 1 } else { 3 };
        let still = Clock { learning_rate: 0.0, ..clock(samples) };
        let run = |engine: &mut dyn Engine| {
            load(engine, &plan, &data.train, samples);
            engine.run(plan.program("train").unwrap(), &still, plan.steps).unwrap();
        };
        let mut oracle = Cpu::<f64>::new(&plan, Some(1), false);
        run(&mut oracle);
        let spikes = plan.training().populations[1].spikes.unwrap().array;
        let ports = plan.training();
        let used = |plan: &Plan, id: ArrayId| plan.arrays[id].len / plan.batch * samples;
        let mut compared: Vec<(Reals, usize)> =
            ports.gradients.iter().map(|(gradient, _)| (*gradient, usize::MAX)).collect();
        let of_name = |what: &str| array::<Reals>(&plan, what);
        let named = ["cells.state", "cells.slope", "cells.signal", "out.signal"].map(of_name);
        let potentials = ports.populations[2].inbox.map(|inbox| inbox.array);
        let told = [ports.answer.map(|answer| answer.output), ports.errors, potentials];
        let told = told.into_iter().flatten().chain([ports.losses]).chain(named);
        compared.extend(told.map(|id| (id, used(&plan, id.id()))));
        let mut check = |who: &str, engine: &mut dyn Engine| {
            poison(engine, &plan);
            run(engine);
            let words = |engine: &mut dyn Engine| {
                let rows = used(&plan, spikes.id());
                engine.read_words(spikes).unwrap()[..rows].to_vec()
            };
            assert_eq!(words(engine), words(&mut oracle), "{who}, {how}: spikes");
            if let Some(AnswerPorts { answers, predictions, .. }) = ports.answer {
                let told = |engine: &mut dyn Engine| -> Vec<u32> {
                    let all = engine.read_words(predictions).unwrap();
                    all.into_iter().step_by(ports.slots).take(samples * answers).collect()
                };
                assert_eq!(told(engine), told(&mut oracle), "{who}, {how}: predictions");
            }
            for (id, len) in &compared {
                let (mut got, mut want) = (engine.read_reals(*id).unwrap(), oracle.wide(*id));
                if *id == ports.losses {
                    got = got.into_iter().step_by(ports.slots).take(samples).collect();
                    want = want.into_iter().step_by(ports.slots).take(samples).collect();
                }
                got.truncate(*len);
                want.truncate(*len);
                let size = scale(&want);
                assert!(size > 1e-9, "{how}: {} is 0", plan.arrays[*id].name);
                // Steps of filters one after the other, and sums over them, outputs and samples.
                let close = tolerance(20 * 37 + SIZES[0] + SIZES[1], size);
                assert_close(
                    &format!("{who}, {how}: {}", plan.arrays[*id].name),
                    &got,
                    &want,
                    close,
                );
            }
        };
        check("f32", &mut Cpu::<f32>::new(&plan, Some(2), false));
        if let Some(found) = &found {
            check("wgsl", &mut gpu(found, &plan));
        }
        // Adaptive feedback is an array more that is changed, by the same gradient in its own unit.
        let adaptive = how.contains("Adaptive");
        assert_eq!(ports.gradients.len(), network.projections.len() + usize::from(adaptive));
        if adaptive {
            let feedback: Reals = array(&plan, "cells->out.feedback");
            let weights = ports.weights[1].arrays()[0];
            let of = |array: Reals| ports.gradients.iter().position(|g| g.1 == array).unwrap();
            let [a, b] = [of(feedback), of(weights)];
            assert_eq!(ports.units[a], ports.units[b]);
            let [a, b] = [a, b].map(|k| oracle.wide(ports.gradients[k].0));
            assert_eq!(a, b);
        }
    }
}

/// Twice as many steps take no more memory but for a bit of each source, neuron and step, and the course of outputs that
/// are to follow a trace.
#[test]
fn memory_does_not_grow_with_steps_but_for_spikes() {
    let (loss, learn) = ("loss: SoftmaxCrossEntropy(over: Last)", "learn: EProp(c_reg: 1)");
    let classes = small(RECURRENT, &format!("{loss}, {learn}"));
    let trace = small_that_follows(RECURRENT, learn);
    let course = ["out.potential", "out.wanted", "out.filtered"];
    for (text, course) in [(classes, &course[..0]), (trace, &course)] {
        let of = |steps: usize| {
            let scene = scene(&text.replace("steps: 37", &format!("steps: {steps}")));
            let traces = Traces { columns: 1, values: vec![0.0; steps] };
            let made = match course.is_empty() {
                true => plan(&scene, 4, steps, 0),
                false => following(&scene, steps, &traces),
            };
            made.1.arrays
        };
        let (short, long) = (of(64), of(128));
        assert_eq!(short.iter().len(), long.iter().len());
        let grown = short.iter().filter(|(id, array)| array.len != long[*id].len);
        let grown: Vec<&str> = grown.map(|(_, array)| array.name.as_str()).collect();
        assert_eq!(grown, [&["in.spikes", "cells.spikes"], course].concat());
    }
}

/// What e-prop does not know is told at its place, with what it knows.
#[test]
fn networks_that_it_does_not_know_are_refused() {
    let text = small(RECURRENT, "loss: SoftmaxCrossEntropy(over: Last), learn: EProp()");
    refuses(
        &text,
        &[
            ("over: Last", "over: Max", "training.loss.over", "a loss for each step"),
            ("SoftmaxCrossEntropy(over: Last)", "Huber()", "", ""),
            (
                "SoftmaxCrossEntropy(over: Last)",
                "SpikeCount(population: \"cells\")",
                "training.loss",
                "`SquaredError`, `Huber`, `MultiLabel` or `Trace`",
            ),
            ("learn: EProp()", "learn: EProp(), biases: true", "training.biases", "leave it out"),
            (
                "learn: EProp()",
                "learn: EProp(), detach_reset: false",
                "training.detach_reset",
                "leave it out",
            ),
            (
                "learn: EProp()",
                "learn: EProp(), rates: [(population: \"cells\", low: 1, strength: 1)]",
                "training.rates",
                "c_reg",
            ),
            ("learn: EProp()", "learn: EProp(c_reg: -1)", "training.learn.c_reg", "negative"),
            ("reset: Subtract", "reset: Value", "populations.cells.model.reset", "reset: Subtract"),
            (
                "\"jump\": Delta()",
                "\"jump\": Exp(tau: 2)",
                "populations.cells.model.receptors",
                "Delta()",
            ),
            (
                "tau_m: 20",
                "tau_m: Uniform(low: 10, high: 20)",
                "populations.cells.model.tau_m",
                "for all",
            ),
            ("tau_syn: 3", "tau_syn: 3, i_e: 5", "populations.out.model.i_e", "leave it out"),
            (
                "Poisson(max_rate: 200)",
                "Constant(gain: 1)",
                "populations.in.model.encoder",
                "`Poisson(",
            ),
            ("t_ref: 0, i_e", "t_ref: 0, c_m: 200, i_e", "", ""),
            ("gain: 1.5)", "gain: 1.5), delay: 3", "projections.0.delay", "one step"),
            ("gain: 1.5)", "gain: 1.5), dropout: 0.1", "projections.0.dropout", "leave it out"),
            (
                "to: \"cells\", connect: Dense, weight: Kaiming(gain: 1.5)",
                "to: \"cells\", connect: FixedProbability(p: 0.5), weight: Kaiming(gain: 1.5)",
                "projections.0.connect",
                "connect: Dense",
            ),
            (
                "(from: \"cells\", to: \"out\"",
                "(from: \"in\", to: \"out\"",
                "projections.0",
                "`cells` does not project to the `Readout`",
            ),
        ],
    );
    refuses(
        &small_that_follows(RECURRENT, "learn: EProp()"),
        &[
            (
                "none.npz\"",
                "none.npz\", low_pass: 5",
                "training.loss.low_pass",
                "the error of each step",
            ),
            (
                "Trace(population: \"out\"",
                "Trace(population: \"cells\"",
                "training.loss.population",
                "name the `Readout`",
            ),
            (
                "\"out\": (size: 3,",
                "\"other\": (size: 3, model: Readout()), \"out\": (size: 3,",
                "training",
                "one population of `Readout`",
            ),
            (
                "learn: EProp()",
                "learn: EProp(), data: Mnist(dir: \".\")",
                "training.data",
                "a trace",
            ),
        ],
    );
}

/// Takes a scene as it is, and with each change refuses it at a place and with some words, or takes it if there is no place.
fn refuses(text: &str, changes: &[(&str, &str, &str, &str)]) {
    load_str("test.ron", text, Path::new("."), &[]).unwrap_or_else(|e| panic!("{e}"));
    for (from, to, path, words) in changes {
        assert!(text.contains(from), "{from}");
        let loaded = load_str("test.ron", &text.replacen(from, to, 1), Path::new("."), &[]);
        if path.is_empty() {
            loaded.unwrap_or_else(|e| panic!("{e}"));
            continue;
        }
        let error = loaded.err().unwrap_or_else(|| panic!("{to} is taken"));
        let problem = error.problems.iter().find(|problem| problem.path == *path);
        let problem =
            problem.unwrap_or_else(|| panic!("{to}: nothing is said of {path}:\n{error}"));
        let said = format!("{} {}", problem.message, problem.help.clone().unwrap_or_default());
        assert!(said.contains(words), "{to}: {said}");
    }
}
