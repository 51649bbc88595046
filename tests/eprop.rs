//! Levels 2 to 6, e-prop: losses of the published task digit for digit, the gradient of backpropagation where it is that,
//! engines against the oracle, memory, what is refused.

mod common;

use common::*;
use neuralearn::engine::Engine;
use neuralearn::engine::cpu::{Cpu, Twinned};
use neuralearn::network::{self, Network};
use neuralearn::plan::{ArrayId, Plan, Reals, Stage};
use neuralearn::scene::load_str;
use std::path::Path;

// ---- the published task -----------------------------------------------------------------------------

/// Losses of five updates by Adam with a rate of 0.005 of the network and data of `data/eprop.py`, by one sample and by
/// two, as the test of NEST's e-prop synapses has them (NEST 3.9, `eprop_supervised_classification_evidence-accumulation`).
const LOSSES: [[f64; 5]; 2] = [
    [0.741152550006, 0.740388187700, 0.665785233177, 0.663644193322, 0.729428962844],
    [0.702163370672, 0.735555303152, 0.740354864111, 0.683882815282, 0.707841122268],
];

const STEPS: usize = 2250;
const INPUTS: usize = 40;
/// Neurons of each of two populations.
const HALF: usize = 50;
const OUTPUTS: usize = 2;

/// What is known of the published network, and what is left of the file.
struct Reference {
    weights: [Vec<f64>; 4],
    bytes: Vec<u8>,
}

impl Reference {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/eprop.bin");
        let mut bytes = std::fs::read(path).unwrap();
        let cells = 2 * HALF;
        let sizes = [INPUTS * cells, cells * cells, cells * OUTPUTS, cells * OUTPUTS];
        let weights = sizes.map(|size| {
            let rest = bytes.split_off(4 * size);
            let taken = std::mem::replace(&mut bytes, rest);
            let single = |b: &[u8]| f64::from(f32::from_le_bytes(b.try_into().unwrap()));
            taken.chunks(4).map(single).collect()
        });
        assert_eq!(bytes.len(), 15 * (STEPS * INPUTS / 8 + 1));
        Self { weights, bytes }
    }

    /// Spikes of a sample, a number for each step, and its label; samples count over all updates.
    fn sample(&self, sample: usize) -> (Vec<u64>, u32) {
        let row = INPUTS / 8;
        let spikes = &self.bytes[sample * STEPS * row..][..STEPS * row];
        let word =
            |bytes: &[u8]| (0..).zip(bytes).fold(0, |all, (k, b)| all | u64::from(*b) << (8 * k));
        (spikes.chunks(row).map(word).collect(), u32::from(self.bytes[15 * STEPS * row + sample]))
    }

    /// Weights between a part of the neurons before and a part of those behind.
    fn part(&self, which: usize, [first, from]: [usize; 2], [at, to]: [usize; 2]) -> Vec<f64> {
        let columns = if which < 2 { 2 * HALF } else { OUTPUTS };
        let rows = (first..first + from).map(|i| i * columns);
        rows.flat_map(|row| self.weights[which][row + at..row + at + to].to_vec()).collect()
    }
}

/// The published network. Arrivals reach the potential of the readout two steps after a spike, where the reference has none
/// between, so there are two more steps. Of the reset it has v := decay v - v_th in the step after the spike, which is a
/// subtraction of v_th / decay at the spike; of the threshold, a rise of beta in the step after it, which is one of
/// beta / rise at the spike. A synaptic current of a microsecond is over before the next step.
fn published(batch: usize) -> (Network, Plan, f64) {
    let (decay, rise) = ((-1.0f64 / 20.0).exp(), (-1.0f64 / 2000.0).exp());
    let delta_th = 1.7 * (1.0 - rise) / (1.0 - decay) / rise;
    let v_reset = 0.6 - 0.6 / decay;
    let window = [STEPS + 2 - 150, STEPS + 2];
    let cell = format!(
        "e_l: 0, v_th: 0.6, v_reset: {v_reset}, tau_m: 20, t_ref: 4, reset: Subtract, \
         receptors: {{\"jump\": Delta()}}"
    );
    let text = format!(
        r#"(version: 1, simulation: (dt: 1.0, seed: 3),
        populations: {{
            "in": (size: {INPUTS}, model: Images(encoder: Poisson(max_rate: 40))),
            "regular": (size: {HALF}, model: Lif({cell})),
            "adapting": (size: {HALF}, model: Lif({cell}, delta_th: {delta_th}, tau_rel: 2000)),
            "answer": (size: {OUTPUTS}, model: Readout(e_l: 0, tau_m: 20, tau_syn: 0.001)),
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
        training: (data: Mnist(dir: "."), epochs: 1, batch: {batch}, steps: {}, optimizer: Sgd(lr: 1),
            loss: SoftmaxCrossEntropy(over: Window(from: {}, to: {})),
            learn: EProp(feedback: Random, c_reg: 2, f_target: 10, hold: false),
            surrogate: Triangle(gamma: 0.3)))"#,
        STEPS + 2,
        window[0],
        window[1],
    );
    let (network, mut plan) = plan(&scene(&text), batch, STEPS + 2, 0);
    // The spikes of the inputs are given.
    let train = plan.program("train").unwrap();
    for stage in &mut plan.programs[train.index()].stages {
        if let Stage::Whole(launches) = stage {
            launches.retain(|launch| launch.kernel.name != "input/poisson");
        }
    }
    let network::Kind::Readout(readout) = &network.populations[3].kind else { panic!() };
    // A weight that is one in the reference.
    let unit = (1.0 - decay) / readout.cells[0].p21;
    (network, plan, unit)
}

/// Adam of the reference, whose weights these are.
struct Learned {
    w: Vec<f64>,
    mean: Vec<f64>,
    square: Vec<f64>,
    unit: f64,
}

fn losses<F: Twinned>(reference: &Reference, batch: usize) -> Vec<f64> {
    let (network, plan, unit) = published(batch);
    let mut engine = Cpu::<F>::new(&plan, Some(2), false);
    // Where the neurons of a population are in the reference.
    let place = |k: usize| [[0, INPUTS], [0, HALF], [HALF, HALF], [0, OUTPUTS]][k];
    let mut learned: Vec<Learned> = Vec::new();
    for (k, projection) in network.projections.iter().enumerate() {
        let (which, unit) = match (projection.from, projection.to) {
            (0, _) => (0, 1.0),
            (_, 3) => (2, unit),
            _ => (1, 1.0),
        };
        let w = reference.part(which, place(projection.from), place(projection.to));
        let zeros = vec![0.0; w.len()];
        if which == 2 {
            let feedback: Reals = array(&plan, &format!("{}.feedback", projection.name));
            let b = reference.part(3, place(projection.from), place(projection.to));
            for (synapse, b) in b.iter().enumerate() {
                let (_, at) = plan.training().weights[k].find(synapse);
                engine.set(feedback, at, b * unit);
            }
        }
        learned.push(Learned { w, mean: zeros.clone(), square: zeros, unit });
    }
    let input = plan.training().populations[0];
    let rows = input.history + STEPS + 2;
    let updates = (0..5).map(|update| {
        for (k, learned) in learned.iter().enumerate() {
            for (synapse, w) in learned.w.iter().enumerate() {
                let (array, at) = plan.training().weights[k].find(synapse);
                engine.set(array, at, w * learned.unit);
            }
        }
        let mut words = vec![0; batch * rows * 2];
        let mut labels = Vec::new();
        // The samples of five updates by one come first.
        let first = 5 * (batch - 1) + update * batch;
        for b in 0..batch {
            let (spikes, label) = reference.sample(first + b);
            labels.push(label);
            // What arrives in a step has been sent in the step before.
            for (t, spikes) in spikes.iter().enumerate().skip(1) {
                let row = (b * rows + input.history + t - 1) * 2;
                (words[row], words[row + 1]) = (*spikes as u32, (*spikes >> 32) as u32);
            }
            assert_eq!(spikes[0], 0);
        }
        engine.write_words(input.spikes.unwrap().array, &words).unwrap();
        let supervision = plan.training().answer.unwrap().supervision;
        engine.write_words(supervision.labels().unwrap(), &labels).unwrap();
        let still = neuralearn::kernel::Clock { learning_rate: 0.0, ..clock(batch) };
        engine.run(plan.program("train").unwrap(), &still, plan.steps).unwrap();
        let t = update as i32 + 1;
        let rate = 5e-3 * (1.0 - 0.999f64.powi(t)).sqrt() / (1.0 - 0.9f64.powi(t));
        for (k, learned) in learned.iter_mut().enumerate() {
            let projection = &network.projections[k];
            let targets = network.populations[projection.to].size;
            let tiles = &plan.training().weights[k];
            let of = |(_, array): &&(Reals, Reals)| tiles.arrays().contains(array);
            let gradient = engine.wide(plan.training().gradients.iter().find(of).unwrap().0);
            for synapse in 0..learned.w.len() {
                // No neuron of the reference projects to itself.
                let to_itself = synapse / targets == synapse % targets;
                if projection.from == projection.to && to_itself {
                    continue;
                }
                let g = gradient[tiles.find(synapse).1] * learned.unit;
                let (mean, square) = (&mut learned.mean[synapse], &mut learned.square[synapse]);
                *mean = 0.9 * *mean + 0.1 * g;
                *square = 0.999 * *square + 0.001 * g * g;
                learned.w[synapse] -= rate * *mean / (square.sqrt() + 1e-8);
            }
        }
        let losses = engine.wide(plan.training().losses);
        losses.iter().step_by(plan.training().slots).sum::<f64>() / batch as f64
    });
    updates.collect()
}

/// The oracle has the losses of the reference to 1e-6, the engine of the CPU to 1e-5.
#[test]
fn losses_are_those_of_the_published_task() {
    let reference = Reference::read();
    for (batch, wanted) in [1, 2].into_iter().zip(LOSSES) {
        for (who, tolerance, got) in [
            ("oracle", 1e-6, losses::<f64>(&reference, batch)),
            ("f32", 1e-5, losses::<f32>(&reference, batch)),
        ] {
            for (got, wanted) in got.iter().zip(&wanted) {
                assert!(
                    (got - wanted).abs() <= tolerance,
                    "{who}, batch {batch}: {got} not {wanted}"
                );
            }
        }
    }
}

// ---- small networks ---------------------------------------------------------------------------------

const SIZES: [usize; 3] = [37, 70, 3];

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
        training: (data: Mnist(dir: "."), epochs: 1, batch: 4, steps: 37, optimizer: Adam(lr: 0.01),
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

/// Without recurrence, with the weights of the readout as feedback and a loss of one step, e-prop is backpropagation that
/// passes through thresholds.
#[test]
fn without_recurrence_it_is_backpropagation() {
    let data = images(4, SIZES[0], SIZES[2] as u64);
    for loss in ["SoftmaxCrossEntropy(over: Last)", "SquaredError(over: Last)"] {
        let of = |how: &str| {
            let scene = scene(&small("", &format!("loss: {loss}, {how}")));
            let (network, plan) = plan(&scene, 4, 37, 0);
            let mut oracle = Cpu::<f64>::new(&plan, Some(1), false);
            load(&mut oracle, &plan, &data.train, 4);
            oracle.run(plan.program("train").unwrap(), &clock(4), plan.steps).unwrap();
            let losses = oracle.wide(plan.training().losses);
            let losses: Vec<f64> = losses.iter().step_by(plan.training().slots).copied().collect();
            let spikes =
                oracle.read_words(plan.training().populations[1].spikes.unwrap().array).unwrap();
            let spikes = spikes.iter().map(|word| word.count_ones()).sum::<u32>();
            (losses, spikes, gradients(&network, &plan, &mut oracle))
        };
        let (losses, spikes, exact) = of("detach_adaptation: false");
        let (own, also, found) = of("learn: EProp()");
        assert!(spikes > 100 && spikes == also, "{spikes} and {also} spikes");
        for (a, b) in losses.iter().zip(&own) {
            assert!((a - b).abs() <= 1e-9 * a.abs(), "{loss}: {losses:?} {own:?}");
        }
        for (exact, found) in exact.iter().zip(&found) {
            let size = scale(exact);
            assert!(size > 1e-12);
            for (a, b) in exact.iter().zip(found) {
                assert!((a - b).abs() <= 1e-6 * size, "{loss}: {b} not {a}, of {size}");
            }
        }
    }
}

/// Every launch on every engine: with recurrence, each way of feedback, both losses, a penalty on rates or none, held
/// potentials or not; three chunks, of which the last is not whole, and a batch that is not full.
#[test]
fn engines_agree_with_the_oracle() {
    let found = adapter("e-prop");
    let data = images(4, SIZES[0], SIZES[2] as u64);
    for how in [
        "loss: SoftmaxCrossEntropy(over: Window(from: 20, to: 37)), learn: EProp()",
        "loss: SquaredError(over: Mean), learn: EProp(feedback: Random, c_reg: 3, f_target: 20)",
        "loss: SoftmaxCrossEntropy(over: Sum), learn: EProp(feedback: Adaptive, c_reg: 1, hold: false)",
    ] {
        let text = small(RECURRENT, how).replace("t_ref: 0", "t_ref: 2");
        let (network, plan) = plan(&scene(&text), 4, 37, 0);
        let samples = 3;
        let mut still = clock(samples);
        still.learning_rate = 0.0;
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
        let named = ["cells.state", "cells.slope", "cells.signal", "out.errors"].map(of_name);
        let told = [ports.answer.unwrap().output, ports.losses];
        compared.extend(told.iter().chain(&named).map(|id| (*id, used(&plan, id.id()))));
        let mut check = |who: &str, engine: &mut dyn Engine| {
            poison(engine, &plan);
            run(engine);
            let words = |engine: &mut dyn Engine| {
                let rows = used(&plan, spikes.id());
                engine.read_words(spikes).unwrap()[..rows].to_vec()
            };
            assert_eq!(words(engine), words(&mut oracle), "{who}, {how}: spikes");
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

/// Twice as many steps take no more memory but for a bit of each source, neuron and step.
#[test]
fn memory_does_not_grow_with_steps_but_for_spikes() {
    let how = "loss: SoftmaxCrossEntropy(over: Last), learn: EProp(c_reg: 1)";
    let of = |steps: usize| {
        let text = small(RECURRENT, how).replace("steps: 37", &format!("steps: {steps}"));
        plan(&scene(&text), 4, steps, 0).1.arrays
    };
    let (short, long) = (of(64), of(128));
    assert_eq!(short.iter().len(), long.iter().len());
    let grown = short.iter().filter(|(id, array)| array.len != long[*id].len);
    let grown: Vec<&str> = grown.map(|(_, array)| array.name.as_str()).collect();
    assert_eq!(grown, ["in.spikes", "cells.spikes"]);
}

/// What e-prop does not know is told at its place, with what it knows.
#[test]
fn networks_that_it_does_not_know_are_refused() {
    let text = small(RECURRENT, "loss: SoftmaxCrossEntropy(over: Last), learn: EProp()");
    load_str("test.ron", &text, Path::new("."), &[]).unwrap_or_else(|e| panic!("{e}"));
    for (from, to, path, words) in [
        ("over: Last", "over: Max", "training.loss.over", "a loss for each step"),
        (
            "loss: SoftmaxCrossEntropy(over: Last)",
            "loss: Huber()",
            "training.loss",
            "`SquaredError`",
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
    ] {
        assert!(text.contains(from), "{from}");
        let loaded = load_str("test.ron", &text.replacen(from, to, 1), Path::new("."), &[]);
        if path.is_empty() {
            loaded.unwrap_or_else(|e| panic!("{e}"));
            continue;
        }
        let error = loaded.err().unwrap_or_else(|| panic!("{to} is taken"));
        let problem = error.problems.iter().find(|problem| problem.path == path);
        let problem =
            problem.unwrap_or_else(|| panic!("{to}: nothing is said of {path}:\n{error}"));
        let said = format!("{} {}", problem.message, problem.help.clone().unwrap_or_default());
        assert!(said.contains(words), "{to}: {said}");
    }
}
