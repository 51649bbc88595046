//! Learning to learn. Level 4: updates by tasks against the same done by hand, on the f64 oracle, with a plan that
//! knows nothing of tasks. Level 6: what a run leaves, and what is refused.

mod common;
#[path = "common/place.rs"]
mod place;

use common::*;
use neuralearn::data::{self, Split};
use neuralearn::engine::Engine;
use neuralearn::engine::cpu::Cpu;
use neuralearn::files::{Npy, read_array, write_npz};
use neuralearn::kernel::Clock;
use neuralearn::plan::Plan;
use neuralearn::scene::Scene;
use neuralearn::train::{Samples, Trainer};
use place::{Place, TASKS, arguments, edit};
use std::fs;
use std::ops::Range;

/// Rates of updates and of steps within a task, and how many steps there are.
const RATE: f64 = 0.01;
const INNER: f64 = 0.004;
const STEPS: usize = 2;

const TRAIN: usize = 3;
const TEST: usize = 2;
const SUPPORT: usize = 4;
const QUERY: usize = 3;

/// A training of one update by all tasks.
fn small(meta: &str) -> Scene {
    scene(&format!(
        r#"(version: 1, simulation: (dt: 1, seed: 3),
        populations: {{
            "x": (size: 9, model: Images(encoder: Constant())),
            "hidden": (size: 7, model: Lif(tau_m: 20, tau_syn: 5, t_ref: 0)),
            "y": (size: 1, model: Readout(tau_m: 15, tau_syn: 4)),
        }},
        projections: [
            (from: "x", to: "hidden", connect: Dense, weight: Kaiming(gain: 4)),
            (from: "hidden", to: "y", connect: Dense, weight: Kaiming(gain: 1)),
        ],
        training: (data: Sinusoids(train: {TRAIN}, test: {TEST}, k: {SUPPORT}, query: {QUERY}, units: 9, sigma: 1),
            epochs: 1, batch: 4, steps: 10, loss: SquaredError(), optimizer: Sgd(lr: {RATE}),
            surrogate: FastSigmoid(slope: 2), biases: true, {meta}))"#
    ))
}

/// Samples of a split as one of their own.
fn part(split: &Split, samples: Range<usize>) -> Split {
    let pixels = split.pixels();
    Split {
        images: split.images[samples.start * pixels..samples.end * pixels].to_vec(),
        labels: vec![0; samples.len()],
        targets: split.targets[samples].to_vec(),
        ..*split
    }
}

/// Samples of a task: those that it is learned from, and those that it asks.
fn task(split: &Split, task: usize) -> [Split; 2] {
    let first = task * (SUPPORT + QUERY);
    let middle = first + SUPPORT;
    [part(split, first..middle), part(split, middle..middle + QUERY)]
}

/// All that is trained, array by array.
type Weights = Vec<Vec<f64>>;

/// A network whose batches are shown one by one.
struct ByHand<'p> {
    plan: &'p Plan,
    engine: Cpu<'p, f64>,
}

impl ByHand<'_> {
    fn weights(&self) -> Weights {
        let gradients = &self.plan.training().gradients;
        gradients.iter().map(|(_, array)| self.engine.wide(*array)).collect()
    }

    fn put(&mut self, weights: &Weights) {
        for ((_, array), weights) in self.plan.training().gradients.iter().zip(weights) {
            weights.iter().enumerate().for_each(|(k, w)| self.engine.numbers(*array)[k] = *w);
        }
    }

    fn run(&mut self, program: &str, samples: &Split, learning_rate: f64) {
        let count = samples.len();
        load(&mut self.engine, self.plan, samples, count);
        let clock = Clock { learning_rate, ..clock(count) };
        let program = self.plan.program(program).unwrap();
        self.engine.run(program, &clock, self.plan.steps).unwrap();
    }

    /// A step of gradient descent.
    fn step(&mut self, samples: &Split, rate: f64) {
        self.run("train", samples, rate);
    }

    /// A step within a task; of `Anil` only what is of the readout stays changed.
    fn adapt(&mut self, support: &Split, meta: &str) {
        let before = self.weights();
        self.step(support, INNER);
        let mut after = self.weights();
        for (k, (_, array)) in self.plan.training().gradients.iter().enumerate() {
            let name = &self.plan.arrays[*array].name;
            let of_readout = ["hidden->y", "y.i_e"].iter().any(|own| name.starts_with(own));
            if meta == "Anil" && !of_readout {
                after[k].clone_from(&before[k]);
            }
        }
        self.put(&after);
    }

    /// The sum of the losses.
    fn loss(&mut self, samples: &Split) -> f64 {
        self.run("evaluate", samples, 0.0);
        let losses = self.engine.wide(array(self.plan, "losses"));
        losses.iter().step_by(self.plan.training().slots).take(samples.len()).sum()
    }
}

#[test]
fn updates_by_tasks_are_those_by_hand() {
    let plain = small("");
    let (_, plain_plan) = plan(&plain, 4, 10, 0);
    let names: Vec<&str> = plain_plan
        .training()
        .gradients
        .iter()
        .map(|(_, array)| &*plain_plan.arrays[*array].name)
        .collect();
    for meta in ["Fomaml", "Anil", "Reptile"] {
        let text = format!("meta: {meta}(inner_lr: {INNER}, steps: {STEPS}, tasks: {TRAIN})");
        let scene = small(&text);
        let (network, plan) = plan(&scene, 4, 10, 0);
        let training = scene.training.as_ref().unwrap();
        let made = data::load(training.data.as_ref().unwrap(), network.seed).unwrap();

        // What is read and put back is in single precision.
        let mut hand =
            ByHand { plan: &plain_plan, engine: Cpu::<f64>::new(&plain_plan, Some(1), false) };
        let mut start = hand.weights();
        start.iter_mut().flatten().for_each(|w| *w = f64::from(*w as f32));
        let mut wanted = start.clone();
        for k in 0..TRAIN {
            let [support, query] = task(&made.train, k);
            hand.put(&start);
            for _ in 0..STEPS {
                hand.adapt(&support, meta);
            }
            let adapted = hand.weights();
            let (from, to, rate) = if meta == "Reptile" {
                (start.clone(), adapted, RATE)
            } else {
                hand.step(&query, RATE);
                (adapted, hand.weights(), 1.0)
            };
            for ((wanted, from), to) in wanted.iter_mut().zip(&from).zip(&to) {
                for ((w, from), to) in wanted.iter_mut().zip(from).zip(to) {
                    *w += rate * (to - from) / TRAIN as f64;
                }
            }
        }

        let engine = Box::new(Cpu::<f64>::new(&plan, Some(1), false));
        let mut trainer = Trainer::new(training, &network, &plan, Samples::Labelled(&made), engine);
        trainer.run(None, &mut |_| true).unwrap();
        let mut found = Weights::new();
        for (_, array) in &plan.training().gradients {
            let weights = trainer.engine().read_reals(*array).unwrap();
            found.push(weights.into_iter().map(f64::from).collect());
        }
        assert_eq!(names.len(), 4, "{names:?}");
        for (k, name) in names.iter().enumerate() {
            let change = |to: &[f64]| -> Vec<f64> {
                to.iter().zip(&start[k]).map(|(to, from)| to - from).collect()
            };
            let largest = scale(&change(&wanted[k]));
            for ((got, want), w) in found[k].iter().zip(&wanted[k]).zip(&start[k]) {
                let tolerance = 1e-4 * largest + 4.0 * 2f64.powi(-23) * w.abs();
                let error = (got - want).abs();
                assert!(error <= tolerance, "{meta}, {name}: {got} is not {want}, from {w}");
            }
            // It is changes that are compared, not what did not change.
            assert!(largest > 1e-5 * scale(&start[k]), "{meta}, {name}: {largest:e}");
        }

        // The measure: from the weights as they are, step after step, and these stay.
        let errors = trainer.adaptation().unwrap();
        assert_eq!(errors.len(), 11);
        let mut by_hand = vec![0.0; errors.len()];
        for k in 0..TEST {
            let [support, query] = task(&made.test, k);
            hand.put(&found);
            for error in &mut by_hand {
                *error += hand.loss(&query) / (TEST * QUERY) as f64;
                hand.adapt(&support, meta);
            }
        }
        for (steps, (got, want)) in errors.iter().zip(&by_hand).enumerate() {
            assert!((got - want).abs() < 1e-5 * want, "{meta} after {steps}: {got} is not {want}");
        }
        let told = trainer.progress.epochs[0].test_loss.unwrap();
        assert!((told - errors[STEPS]).abs() < 1e-5 * told, "{meta}: {told}");
        assert_eq!(trainer.adaptation().unwrap(), errors, "{meta}: the measure changes something");
    }
}

/// The control is the training without tasks, and measured with them.
#[test]
fn joint_training_is_plain_training() {
    let weights = |meta: &str| {
        let scene = small(meta);
        let (network, plan) = plan(&scene, 4, 10, 0);
        let training = scene.training.as_ref().unwrap();
        let made = data::load(training.data.as_ref().unwrap(), network.seed).unwrap();
        let engine = Box::new(Cpu::<f32>::new(&plan, Some(1), false));
        let mut trainer = Trainer::new(training, &network, &plan, Samples::Labelled(&made), engine);
        trainer.run(None, &mut |_| true).unwrap();
        (trainer.natural_weights(false).unwrap(), trainer.adaptation().unwrap().len())
    };
    let (plain, nothing) = weights("");
    let (joint, measured) = weights(&format!("meta: Joint(inner_lr: {INNER})"));
    assert_eq!((nothing, measured), (0, 11));
    assert_eq!(plain, joint);
}

#[test]
fn a_run_tells_how_it_adapts() {
    let place = Place::new();
    fs::write(place.path("tasks.ron"), TASKS).unwrap();
    for (out, meta) in [
        ("fomaml", "Fomaml(inner_lr: 0.003, tasks: 4)"),
        ("reptile", "Reptile(inner_lr: 0.003)"),
        ("anil", "Anil(inner_lr: 0.003, tasks: 4)"),
        ("joint", "Joint(inner_lr: 0.003)"),
    ] {
        let summary = place.done("tasks.ron", out, &["--set", &format!("training.meta={meta}")]);
        let training = &summary["training"];
        let adaptation = training["adaptation"].as_object().unwrap();
        assert_eq!(adaptation.len(), 11, "{out}");
        let mse = |steps: usize| adaptation[&format!("mse_{steps}")].as_f64().unwrap();
        assert!((0..=10).all(|steps| mse(steps) > 0.0), "{out}: {training}");
        // Of the best weights, after as many steps as the training takes.
        let best = training["best_epoch"].as_u64().unwrap() as usize;
        let told = training["epochs"][best - 1]["test_loss"].as_f64().unwrap();
        let steps = if out == "reptile" { 5 } else { usize::from(out != "joint") };
        assert!((told - mse(steps)).abs() < 1e-6 * told, "{out}: {told} and {}", mse(steps));
        assert!(training.get("nmse").is_none() && training.get("test_accuracy").is_none());
        assert!(place.path(&format!("{out}/figures/adaptation.png")).is_file());
        // What it answers before it adapts.
        let answers = place.read(&format!("{out}/predictions.npz"));
        place.call(&arguments(&["predict", out, "--out", "again"], &[])).expect(0, "");
        assert!(place.read("again/predictions.npz") == answers, "{out}: other answers");
    }
}

/// What a run tells of a held-out task, `adapt` makes of its samples in files.
#[test]
fn a_run_learns_one_more_task() {
    let place = Place::new();
    fs::write(place.path("tasks.ron"), edit(TASKS, "test: 6", "test: 1")).unwrap();
    let summary = place.done("tasks.ron", "run", &[]);
    let told = summary["training"]["adaptation"].as_object().unwrap();
    let made = scene(&edit(TASKS, "test: 6", "test: 1"));
    let made = data::load(made.training.as_ref().unwrap().data.as_ref().unwrap(), 1).unwrap();
    let file = |name: &str, samples: Range<usize>, with_targets: bool| {
        let (split, count) = (part(&made.test, samples.clone()), samples.len() as u64);
        let inputs: Vec<f32> = split.images.iter().map(|level| f32::from(*level) / 255.0).collect();
        let mut arrays = vec![Npy::of("inputs", &[count, 20], &inputs)];
        if with_targets {
            arrays.push(Npy::of("targets", &[count, 1], &split.targets));
        }
        write_npz(&place.path(name), &arrays).unwrap();
    };
    file("few.npz", 0..5, true);
    file("asked.npz", 5..9, true);
    file("bare.npz", 5..9, false);
    file("more.npz", 0..9, true);
    let before = place.files("run");
    let adapt = |data: &str, more: &[&str]| {
        let args = ["adapt", "run", "--data", data, "--out", "new"];
        place.call(&arguments(&args, more)).expect(0, "");
    };
    let reals =
        |name: &str| -> Vec<f32> { read_array(&place.path("new/adaptation.npz"), name).unwrap().1 };
    let errors =
        |name: &str| -> Vec<f64> { read_array(&place.path("new/adaptation.npz"), name).unwrap().1 };
    adapt("few.npz", &["--query", "asked.npz"]);
    for (steps, mse) in errors("mse").into_iter().enumerate() {
        let told = told[&format!("mse_{steps}")].as_f64().unwrap();
        assert!((mse - told).abs() < 1e-5 * told, "{mse} after {steps} steps is not {told}");
    }
    let output = reals("output");
    assert_eq!((output.len(), reals("target")), (11 * 4, made.test.targets[5..].to_vec()));
    let (_, answers) = read_array::<f32>(&place.path("run/predictions.npz"), "output").unwrap();
    assert_eq!(output[..4], answers[5..]);
    let learned = errors("support_mse");
    assert!(learned.len() == 11 && learned[10] < learned[0], "{learned:?}");
    // What is asked changes nothing, and its targets are nothing that is learned from.
    adapt("few.npz", &["--query", "bare.npz"]);
    assert_eq!((reals("output"), errors("support_mse")), (output, learned.clone()));
    assert!(read_array::<f64>(&place.path("new/adaptation.npz"), "mse").is_err());
    adapt("few.npz", &["--steps", "2"]);
    assert_eq!(
        (errors("mse"), errors("support_mse")),
        (learned[..3].to_vec(), learned[..3].to_vec())
    );
    // More samples than a batch of the training holds.
    adapt("more.npz", &["--steps", "1"]);
    assert_eq!(reals("output").len(), 2 * 9);
    assert!(place.files("run") == before, "the run is another");

    let wide = [0.0f32; 40];
    write_npz(
        &place.path("wide.npz"),
        &[Npy::of("inputs", &[2, 20], &wide), Npy::of("targets", &[2, 2], &wide[..4])],
    )
    .unwrap();
    place.done("train.ron", "plain", &[]);
    for (run, data, code, words) in [
        ("plain", "few.npz", 2, "plain | without `meta` | predict"),
        ("run", "bare.npz", 3, "bare.npz | no array `targets`"),
        ("run", "wide.npz", 3, "2 targets each | 1 outputs"),
        ("run", "none.npz", 3, "none.npz"),
    ] {
        place.refuses(&arguments(&["adapt", run, "--data", data], &[]), code, words);
    }
}

#[test]
fn what_is_wrong_with_tasks_is_told() {
    let place = Place::new();
    for (from, to, words) in [
        (
            "Sinusoids(train: 40, test: 6, k: 5, query: 4, units: 20)",
            "YinYang()",
            "training.meta | belong to no tasks | Sinusoids",
        ),
        ("batch: 5", "batch: 4", "training.batch | 5 that it is learned from | at least 5"),
        ("query: 4", "query: 6", "training.batch | 6 that it asks | at least 6"),
        ("batch: 5", "batch: 5, limit: 10", "training.limit | whole tasks | multiple of 9"),
        ("batch: 5", "batch: 5, validation: 0.5", "training.validation | not yet part"),
        ("batch: 5", "batch: 5, noise: (currents: 1)", "training.noise | not yet part"),
        ("Kaiming(gain: 2)", "Kaiming(gain: 2), dropout: 0.1", "projections.0.dropout | not yet"),
        ("SquaredError()", "Huber()", "training.loss | squared errors | SquaredError()"),
        ("tasks: 4", "steps: 0, tasks: 4", "training.meta | at least 1"),
        ("tasks: 4", "tasks: 0", "training.meta | at least 1"),
        ("inner_lr: 0.003", "inner_lr: 0", "training.meta | not strictly positive"),
        ("Fomaml", "Fomalm", "`Fomalm` | did you mean `FOMAML`"),
        (
            "Kaiming(gain: 1)),\n    ],\n    training: (\n        meta: Fomaml",
            "Kaiming(gain: 1), learn: Fixed),\n    ],\n    training: (\n        meta: Anil",
            "training.meta | `Anil` | nothing there is learned",
        ),
    ] {
        fs::write(place.path("bad.ron"), edit(TASKS, from, to)).unwrap();
        place.refuses_run("bad.ron", &[], 2, words);
    }
    fs::write(place.path("tasks.ron"), TASKS).unwrap();
    place
        .run("tasks.ron", "far", &["--set", "training.meta.inner_lr=1e30"])
        .expect(6, "diverged in epoch 1 | not finite | training.meta.inner_lr");
}
