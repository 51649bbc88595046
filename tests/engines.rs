//! Levels 3 and 4: whole programs on every engine, array by array, with outputs poisoned first; what
//! must be identical is identical; MNIST's first batches agree.

mod common;

use common::*;
use neuralearn::data::{Dataset, mnist};
use neuralearn::engine::Engine;
use neuralearn::engine::cpu::Cpu;
use neuralearn::network::Network;
use neuralearn::neuron::stepped::BLOCK;
use neuralearn::plan::{Array, ArrayId, ByArray, Handle, Plan, Reals};
use neuralearn::scene;
use neuralearn::train::{Damage, Event, Outcome, Samples, Tested, Trainer};
use std::path::Path;

fn training(encoder: &str, optimizer: &str) -> String {
    format!(
        r#"(version: 1, simulation: (dt: 1.0, seed: 3),
        populations: {{
            "in": (size: 37, model: Images(encoder: {encoder})),
            "hidden": (size: 130, model: Lif(tau_m: 20, tau_syn: 5, t_ref: 1)),
            "out": (size: 3, model: Readout(tau_m: 15)),
        }},
        projections: [
            (from: "in", to: "hidden", connect: Dense, weight: Kaiming(gain: 2.5)),
            (from: "hidden", to: "hidden", connect: FixedProbability(p: 0.1), weight: Kaiming(gain: 0.5), delay: 2),
            (from: "hidden", to: "out", connect: Dense, weight: Kaiming(gain: 2.0)),
        ],
        training: (data: Mnist(dir: "."), epochs: 1, batch: 6, steps: 9,
            loss: SoftmaxCrossEntropy(), optimizer: {optimizer},
            surrogate: FastSigmoid(slope: 3), biases: true))"#
    )
}

const ENCODERS: [&str; 4] = [
    "Latency(window: 6.0)",
    "Poisson(max_rate: 300)",
    "Constant(gain: 1.0)",
    "Population(fields: 37, send: Poisson(max_rate: 300))",
];

/// The part of an array that a training defines.
fn defined<T: Clone>(plan: &Plan, id: ArrayId, values: &[T]) -> Vec<T> {
    let ports = plan.training();
    let mut logs = vec![ports.losses.id(), ports.answer.unwrap().predictions.id()];
    logs.extend(ports.populations.iter().filter_map(|p| Some(p.spikes?.counts.id())));
    match plan.arrays[id].name.as_str() {
        // The clock's slot is the first of each sample.
        _ if logs.contains(&id) => values.iter().step_by(ports.slots).cloned().collect(),
        // Only the largest potential has its step noted, not the mean.
        "out.peak" => Vec::new(),
        // Engines may use the same place for all samples, or leave out a row that is never read.
        "hidden.cotangent" | "hidden.adjoint" | "out.cotangent" => Vec::new(),
        name if is_unused(name) => Vec::new(),
        _ => values.to_vec(),
    }
}

/// The launch that updates the weights of a gradient, and one of its parameters.
fn update(plan: &Plan, gradient: Reals, parameter: &str) -> f64 {
    let stages = &plan.programs[plan.program("train").unwrap().index()].stages;
    let mut launches = stages.iter().flat_map(|stage| stage.launches());
    let updates = ["train/adam", "train/sgd"];
    let launch = launches
        .find(|l| updates.contains(&l.kernel.name) && l.args[0].array == gradient.id())
        .expect("every gradient has its update");
    common::parameter(launch, parameter)
}

/// Tolerance of each entry of each array of floats: rounding of as many operations as there are on the longest
/// path, at the size of the terms of which the entry is a sum.
fn tolerances(network: &Network, plan: &Plan, oracle: &mut Cpu<'_, f64>) -> ByArray<Vec<f64>> {
    let close = |scale: f64| tolerance(2 * (12 * 9 + 37 + 130) + 54, scale);
    let ports = plan.training();
    let size = |name: &str| network.populations.iter().find(|p| p.name == name).unwrap().size;
    let scales = |(id, array): (ArrayId, &Array)| {
        let values = match plan.arrays.handle(id) {
            Handle::Reals(id) => oracle.wide(id),
            Handle::Words(_) => Vec::new(),
        };
        let (name, what) = array.name.rsplit_once('.').unwrap_or(("", &array.name));
        match what {
            "tape" => gradient_scales(&values, plan.steps, size(name)),
            "current" | "input_gradient" => gradient_scales(&values, 1, size(name)),
            // Sums over sources or classes, whose terms may cancel; of a sample, and of a variable of state.
            "output" | "output_gradient" => scales_by(&values, |k| k / size(name)),
            "state" => scales_by(&values, |k| k / BLOCK),
            _ => values.iter().map(|x| x.abs()).collect(),
        }
    };
    let all = plan.arrays.each(scales);
    let mut all = all.map(|s: Vec<f64>| s.into_iter().map(close).collect::<Vec<f64>>());
    // What an update makes of a gradient that is off by its tolerance.
    let terms = gradients_by_terms(network, plan, oracle);
    for (((gradient, weights), terms), moments) in ports
        .gradients
        .iter()
        .zip(terms)
        .zip(ports.moments.chunks(ports.moments.len() / ports.gradients.len()))
    {
        let unit = update(plan, *gradient, "unit");
        let rate = clock(plan.batch).learning_rate * unit;
        for (at, (terms, g)) in terms.iter().zip(oracle.wide(*gradient)).enumerate() {
            let off = close(terms.magnitude);
            all[*gradient][at] = off;
            all[*weights][at] += match moments {
                [velocity] => {
                    all[*velocity][at] += unit * off;
                    rate * unit * off
                }
                [mean, square] => {
                    all[*mean][at] += update(plan, *gradient, "rest1") * unit * off;
                    all[*square][at] += update(plan, *gradient, "rest2")
                        * unit
                        * unit
                        * off
                        * (2.0 * g.abs() + off);
                    // The first step is the rate times the sign of the gradient, which may be that of its
                    // rounding error.
                    if off > 0.0 { rate * (2.0 * off / g.abs()).min(2.0) } else { 0.0 }
                }
                _ => unreachable!("optimisers have one moment or two"),
            };
        }
    }
    all
}

#[test]
fn every_array_after_training_agrees_with_the_oracle() {
    let found = adapter("engines");
    for optimizer in ["Adam(lr: 0.01)", "Sgd(lr: 0.1, momentum: 0.9)"] {
        for encoder in ENCODERS {
            let scene = scene(&training(encoder, optimizer));
            let (network, plan) = plan(&scene, 6, 9, 0);
            let data = images(6, network.pixels(), 3);
            let run = |engine: &mut dyn Engine| {
                load(engine, &plan, &data.train, 6);
                engine.run(plan.program("train").unwrap(), &clock(6), plan.steps).unwrap();
            };
            let mut oracle = Cpu::<f64>::new(&plan, Some(1), false);
            run(&mut oracle);
            let tolerances = tolerances(&network, &plan, &mut oracle);
            let mut check = |who: &str, engine: &mut dyn Engine| {
                poison(engine, &plan);
                run(engine);
                for (id, array) in plan.arrays.iter() {
                    let what = format!("{encoder}, {optimizer}, {who}: {}", array.name);
                    match plan.arrays.handle(id) {
                        Handle::Words(words) => {
                            let part = |words: Vec<u32>| defined(&plan, id, &words);
                            let got = part(engine.read_words(words).unwrap());
                            assert_eq!(got, part(oracle.read_words(words).unwrap()), "{what}");
                        }
                        Handle::Reals(reals) => {
                            let got = defined(&plan, id, &engine.read_reals(reals).unwrap());
                            let want = defined(&plan, id, &oracle.wide(reals));
                            let tolerances = defined(&plan, id, &tolerances[id]);
                            assert_each_close(&what, &got, &want, &tolerances);
                        }
                    }
                }
            };
            check("f32", &mut Cpu::<f32>::new(&plan, Some(2), false));
            if let Some(found) = &found {
                check("wgsl", &mut gpu(found, &plan));
            }
        }
    }
}

/// A batch that is not full leaves no trace of the samples of an earlier one.
#[test]
fn a_partial_batch_equals_a_plan_of_its_size() {
    let scene = scene(&training(ENCODERS[0], "Sgd(lr: 0.1)"));
    let data = images(6, 37, 3);
    let (_, large) = plan(&scene, 6, 9, 0);
    let (_, small) = plan(&scene, 2, 9, 0);
    let gradients = |plan: &Plan, before: usize| {
        let mut engine = Cpu::<f32>::new(plan, Some(2), false);
        let mut still = clock(before);
        still.learning_rate = 0.0;
        load(&mut engine, plan, &data.train, before);
        engine.run(plan.program("train").unwrap(), &still, plan.steps).unwrap();
        still.samples = 2;
        load(&mut engine, plan, &data.train, 2);
        engine.run(plan.program("train").unwrap(), &still, plan.steps).unwrap();
        let arrays = plan.training().gradients.clone();
        arrays.iter().map(|(g, _)| engine.read_reals(*g).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(gradients(&large, 6), gradients(&small, 2));
}

/// The same bits whatever the number of threads, and twice on one adapter.
#[test]
fn results_are_reproducible() {
    let scene = scene(&training(ENCODERS[1], "Adam(lr: 0.01)"));
    let (_, plan) = plan(&scene, 6, 9, 0);
    let data = images(6, 37, 3);
    let run = |engine: &mut dyn Engine| {
        load(engine, &plan, &data.train, 6);
        for _ in 0..3 {
            engine.run(plan.program("train").unwrap(), &clock(6), plan.steps).unwrap();
        }
        let weights: Vec<Vec<u32>> = plan
            .training()
            .gradients
            .iter()
            .map(|(_, w)| engine.read_reals(*w).unwrap().iter().map(|x| x.to_bits()).collect())
            .collect();
        weights
    };
    let one = run(&mut Cpu::<f32>::new(&plan, Some(1), false));
    for threads in [2, 3, 7] {
        assert_eq!(
            one,
            run(&mut Cpu::<f32>::new(&plan, Some(threads), false)),
            "{threads} threads"
        );
    }
    if let Some(found) = adapter("reproducible") {
        assert_eq!(run(&mut gpu(&found, &plan)), run(&mut gpu(&found, &plan)));
    }
}

/// Dense weights cut into tiles, as an adapter with small bindings would need, give the same bits.
#[test]
fn tiles_do_not_change_the_result() {
    let scene = scene(&training(ENCODERS[0], "Sgd(lr: 0.1)"));
    let network = neuralearn::network::build(&scene).unwrap();
    let data = images(6, 37, 3);
    let weights = |max_binding: u64| {
        let options = neuralearn::plan::TrainingOptions {
            batch: 5,
            steps: 9,
            training: scene.training.as_ref().unwrap(),
            traces: None,
            soft: 0,
            max_binding,
        };
        let plan = neuralearn::plan::plan(&network, &options).unwrap_or_else(|e| panic!("{e}"));
        let mut engine = Cpu::<f32>::new(&plan, Some(2), false);
        load(&mut engine, &plan, &data.train, 5);
        engine.run(plan.program("train").unwrap(), &clock(5), plan.steps).unwrap();
        let tiles = &plan.training().weights[0];
        let contents: Vec<Vec<f32>> =
            tiles.arrays().iter().map(|a| engine.read_reals(*a).unwrap()).collect();
        (contents.len(), tiles.unpack(&contents))
    };
    let (one, whole) = weights(128 << 20);
    // Room for two of three panels of 37 sources, and for the largest array that is not cut: of the hidden layer, which
    // lies on a cycle, the adjoint of three blocks.
    let (several, cut) = weights(5 * 3 * 7 * 64 * 4);
    assert_eq!((one, several), (1, 2));
    assert_eq!(whole, cut);
}

fn real_mnist(train: usize, test: usize) -> Dataset {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/mnist");
    let mut data = mnist(&dir).unwrap_or_else(|e| panic!("{e}"));
    data.train.truncate(train);
    data.test.truncate(test);
    data
}

fn mnist_scene() -> scene::Scene {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes/mnist.ron");
    scene::load(&path, &["training.epochs=1".parse().unwrap()]).unwrap_or_else(|e| panic!("{e}")).0
}

/// The first batch of MNIST: the loss to 1e-5 on both engines, and how many spikes flipped.
#[test]
fn first_batch_of_mnist() {
    let Some(found) = adapter("first batch") else { return };
    let scene = mnist_scene();
    let (_, plan) = plan(&scene, 128, 20, 0);
    let data = real_mnist(128, 10);
    let run = |engine: &mut dyn Engine| {
        load(engine, &plan, &data.train, 128);
        engine.run(plan.program("train").unwrap(), &clock(128), plan.steps).unwrap();
        let losses = engine.read_reals(array(&plan, "losses")).unwrap();
        let loss = losses.iter().step_by(plan.training().slots).map(|x| f64::from(*x)).sum::<f64>()
            / 128.0;
        (loss, engine.read_words(array(&plan, "hidden.spikes")).unwrap())
    };
    let (cpu, cpu_spikes) = run(&mut Cpu::<f32>::new(&plan, None, false));
    let (wgsl, wgsl_spikes) = run(&mut gpu(&found, &plan));
    let spikes: u32 = cpu_spikes.iter().map(|w| w.count_ones()).sum();
    let flips: u32 = cpu_spikes.iter().zip(&wgsl_spikes).map(|(a, b)| (a ^ b).count_ones()).sum();
    println!("first batch: loss {cpu} and {wgsl}, {flips} of {spikes} spikes flipped");
    assert!(spikes > 1000);
    assert!((cpu - wgsl).abs() <= 1e-5 * cpu, "{cpu} {wgsl}");
}

/// Dense, sparse and fixed weights are what they were before a network was damaged, bit for bit and on either engine.
#[test]
fn damage_is_undone() {
    let text = r#"(
        version: 1, simulation: (dt: 1, seed: 2),
        populations: {
            "in": (size: 12, model: Images(encoder: Constant(gain: 2))),
            "hidden": (size: 20, model: Lif(tau_m: 10, tau_syn: 2, t_ref: 0)),
            "out": (size: 3, model: Readout(tau_m: 10, tau_syn: 2)),
        },
        projections: [
            (from: "in", to: "hidden", connect: Dense, weight: Kaiming(gain: 2)),
            (from: "hidden", to: "hidden", connect: FixedProbability(p: 0.5), weight: Kaiming(gain: 0.5), learn: Fixed),
            (from: "hidden", to: "out", connect: Dense, weight: Kaiming(gain: 1)),
        ],
        training: (data: Mnist(dir: "x"), epochs: 1, batch: 4, steps: 12,
            loss: SoftmaxCrossEntropy(over: Mean), optimizer: Adam(lr: 0.01), tests: {
                "whole": (inputs: 1e-9),
                "harmed": (silence: 0.5, prune: 0.5, inputs: 0.3),
                "dead": (silence: 1), "dead_noisy": (silence: 1, inputs: 0.5),
                "bare": (prune: 1), "bare_noisy": (prune: 1, inputs: 0.5),
                "mended": (inputs: 1e-9),
            }))"#;
    let scene = common::scene(text);
    let (network, plan) = plan(&scene, 4, 12, 0);
    let data = images(9, 12, 3);
    let training = scene.training.as_ref().unwrap();
    let test = |engine: Box<dyn Engine + '_>| {
        let mut trainer = Trainer::new(training, &network, &plan, Samples::Labelled(&data), engine);
        let weights = |trainer: &mut Trainer<'_>| -> Vec<u32> {
            let arrays = plan.training().weights.iter().flat_map(|tiles| tiles.arrays());
            let all = arrays.flat_map(|array| trainer.engine().read_reals(array).unwrap());
            all.map(f32::to_bits).collect()
        };
        let before = weights(&mut trainer);
        let test = |(_, damage): &(String, Damage)| {
            let tested = trainer.test(damage, &damage.silenced(&scene)).unwrap();
            assert!(weights(&mut trainer) == before, "{damage:?} is not undone");
            tested
        };
        let tested: Vec<Tested> = training.tests.iter().map(test).collect();
        let [whole, harmed, dead, dead_noisy, bare, bare_noisy, mended] = tested[..] else {
            panic!("{tested:?}")
        };
        // What is shown reaches no output.
        assert_eq!((dead, bare), (dead_noisy, bare_noisy));
        assert_eq!(whole, mended);
        assert!(harmed != whole && dead != whole && bare != whole, "{tested:?}");
    };
    test(Box::new(Cpu::<f32>::new(&plan, None, false)));
    if let Some(found) = adapter("damage") {
        test(Box::new(gpu(&found, &plan)));
    }
}

/// The loss of an epoch over 1,280 images, to 1 % on both engines.
#[test]
fn first_1280_images_of_mnist() {
    let Some(found) = adapter("1280 images") else { return };
    let scene = mnist_scene();
    let (network, plan) = plan(&scene, 128, 20, 0);
    let data = real_mnist(1280, 128);
    let loss = |engine| {
        let training = scene.training.as_ref().unwrap();
        let mut trainer = Trainer::new(training, &network, &plan, Samples::Labelled(&data), engine);
        assert_eq!(trainer.run(None, &mut |_: Event<'_>| true).unwrap(), Outcome::Finished);
        trainer.progress.epochs[0].loss
    };
    let cpu = loss(Box::new(Cpu::<f32>::new(&plan, None, false)) as Box<dyn Engine>);
    let wgsl = loss(Box::new(gpu(&found, &plan)));
    let (cpu, wgsl) = (cpu.unwrap(), wgsl.unwrap());
    println!("epoch over 1,280 images: loss {cpu} and {wgsl}");
    assert!((cpu - wgsl).abs() <= 0.01 * cpu, "{cpu} {wgsl}");
}
