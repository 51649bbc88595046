//! Level 3, kernels alone: optimisers from a forced state, what is done to gradients and weights beside them,
//! sources that are silent, frames of samples, launches of more workgroups than one dimension of a grid holds, and
//! launches that are one dispatch.

mod common;

use common::*;
use naga::AddressSpace;
use naga::proc::Layouter;
use naga::valid::{Capabilities, ValidationFlags, Validator};
use neuralearn::engine::Engine;
use neuralearn::engine::cpu::Cpu;
use neuralearn::engine::dispatch::{Code, Dispatches};
use neuralearn::kernel::Clock;
use neuralearn::network::build;
use neuralearn::plan::{
    self, Arg, Launch, Plan, Ports, Program, Reals, SimulationOptions, Split, Stage, Units,
};
use neuralearn::scene::{Scene, load};
use neuralearn::simulation::options;
use neuralearn::train::clear_words::{self, ClearWordsParams};
use std::collections::BTreeSet;
use std::path::Path;

/// Kernels of optimisers.
const OPTIMIZERS: [&str; 3] = ["train/adam", "train/sgd", "train/rms_prop"];

/// A plan whose program `train` only updates the weights.
fn updates_alone(optimizer: &str) -> Plan {
    let plan = updates(70, "", &format!("optimizer: {optimizer}"), &OPTIMIZERS);
    assert_eq!(plan.programs[plan.program("train").unwrap().index()].stages[0].launches().len(), 1);
    plan
}

/// The same with more fields of the projection and of the training, and with more kernels.
fn updates(targets: usize, projection: &str, training: &str, kernels: &[&str]) -> Plan {
    let scene = scene(&format!(
        r#"(version: 1, simulation: (dt: 1.0, seed: 3),
        populations: {{
            "in": (size: 7, model: Images(encoder: Latency(window: 6.0))),
            "out": (size: {targets}, model: Readout(tau_m: 15)) }},
        projections: [(from: "in", to: "out", connect: Dense, weight: Kaiming(), {projection})],
        training: (data: Mnist(dir: "."), epochs: 1, batch: 2, steps: 3,
            loss: SoftmaxCrossEntropy(), {training}, surrogate: FastSigmoid(slope: 3)))"#
    ));
    only(plan(&scene, 2, 3, 0).1, kernels)
}

/// One unit of the weights \[pA\], as the launch has it.
fn unit(plan: &Plan) -> f64 {
    let launches = plan.programs[plan.program("train").unwrap().index()].stages[0].launches();
    let update = launches.iter().find(|launch| OPTIMIZERS.contains(&launch.kernel.name));
    parameter(update.unwrap(), "unit")
}

/// Runs updates on every engine: from a forced state with the gradient of each update, at its clock. After each,
/// `check` gets the engine's name, whether it is the oracle, the weights and the moments.
fn each_update(
    plan: &Plan,
    forced: &[(Reals, Vec<f64>)],
    updates: &[(Vec<f64>, Clock)],
    mut check: impl FnMut(&str, usize, Vec<Vec<f64>>),
) {
    let (gradient, _) = plan.training().gradients[0];
    let mut run = |who: &str, engine: &mut dyn Exact| {
        let single = |values: &[f64]| values.iter().map(|x| *x as f32).collect::<Vec<f32>>();
        for (array, values) in forced {
            engine.write_reals(*array, &single(values)).unwrap();
        }
        for (k, (values, clock)) in updates.iter().enumerate() {
            engine.write_reals(gradient, &single(values)).unwrap();
            engine.run(plan.program("train").unwrap(), clock, plan.steps).unwrap();
            check(who, k, forced.iter().map(|(array, _)| engine.exact(*array)).collect());
        }
    };
    run("oracle", &mut Cpu::<f64>::new(plan, Some(1), false));
    run("f32", &mut Cpu::<f32>::new(plan, Some(2), false));
    if let Some(found) = adapter("optimisers") {
        run("wgsl", &mut gpu(&found, plan));
    }
}

/// Numbers that single precision holds, with some zeros, and magnitudes over ten decades.
fn spread(count: usize, largest: f64, stream: u32) -> Vec<f64> {
    let size = |k: usize| match k % 11 {
        0 => 0.0,
        d => largest * 10f64.powi(1 - d as i32),
    };
    let numbers = noise(count, 1.0, stream).into_iter().enumerate();
    numbers.map(|(k, x)| f64::from((x * size(k)) as f32)).collect()
}

/// The clocks of the first, second and thousandth update; `corrections` is Adam's alone.
fn clocks(beta: [f64; 2]) -> [Clock; 3] {
    [1, 2, 1000].map(|t| Clock {
        learning_rate: 0.02,
        corrections: beta.map(|beta| 1.0 / (1.0 - beta.powi(t))),
        ..clock(2)
    })
}

/// Adam as in Kingma & Ba 2015, algorithm 1, with weights in units.
#[test]
fn adam_changes_weights_as_published() {
    let (beta1, beta2, eps) = (0.8, 0.995, 1e-6);
    let plan =
        updates_alone(&format!("Adam(lr: 0.02, beta1: {beta1}, beta2: {beta2}, eps: {eps})"));
    let (_, weights) = plan.training().gradients[0];
    let [mean, square] = plan.training().moments[..] else { panic!("Adam has two moments") };
    let unit = unit(&plan);
    let count = plan.arrays[weights].len;
    let (w0, m0) = (spread(count, 3.0 * unit, 1), spread(count, 0.5, 2));
    let v0: Vec<f64> = spread(count, 0.5, 3).iter().map(|x| f64::from((x * x) as f32)).collect();
    let updates: Vec<(Vec<f64>, Clock)> =
        (4..).map(|stream| spread(count, 1.0 / unit, stream)).zip(clocks([beta1, beta2])).collect();
    // Values after each update, and the magnitudes of what their errors are relative to.
    let mut expected = Vec::new();
    let mut state: Vec<[f64; 3]> = (0..count).map(|k| [w0[k], m0[k], v0[k]]).collect();
    let mut size: Vec<[f64; 2]> = (0..count).map(|k| [w0[k].abs(), m0[k].abs()]).collect();
    for (gradient, clock) in &updates {
        for (([w, m, v], [w_size, m_size]), g) in state.iter_mut().zip(&mut size).zip(gradient) {
            let g = g * unit;
            *m = beta1 * *m + (1.0 - beta1) * g;
            *v = beta2 * *v + (1.0 - beta2) * g * g;
            *m_size = beta1 * *m_size + (1.0 - beta1) * g.abs();
            let [first, second] = clock.corrections;
            let step = clock.learning_rate * unit * first / ((*v * second).sqrt() + eps);
            *w -= step * *m;
            *w_size += step * *m_size;
        }
        expected.push((state.clone(), size.clone()));
    }
    let forced = [(weights, w0), (mean, m0), (square, v0)];
    each_update(&plan, &forced, &updates, |who, update, got| {
        let (state, size) = &expected[update];
        for k in 0..count {
            let ([w, m, v], [w_size, m_size]) = (state[k], size[k]);
            // Twelve operations an update.
            let close = |size: f64| match who {
                "oracle" => 1e-13 * size,
                _ => tolerance(12 * (update + 1), size),
            };
            for (what, got, want, size) in [
                ("weight", got[0][k], w, w_size),
                ("mean", got[1][k], m, m_size),
                ("square", got[2][k], v, v),
            ] {
                let error = (got - want).abs();
                assert!(
                    error <= close(size),
                    "{who}, update {update}: {what} {k}: {got} not {want}"
                );
            }
        }
    });
}

/// AdamW as PyTorch has it, whose constants these are: the decay `w := w (1 - lr decay)`, then Adam. Three updates from
/// zero moments with the gradients 0.5, -0.25 and 1 (in units), worked out by hand from the equation.
#[test]
fn adamw_decays_weights_apart_from_the_moments() {
    let plan = updates_alone("AdamW(lr: 0.1, weight_decay: 0.5)");
    let (_, weights) = plan.training().gradients[0];
    let [mean, square] = plan.training().moments[..] else { panic!("AdamW has two moments") };
    let (unit, count) = (unit(&plan), plan.arrays[weights].len);
    let (lr, decay, betas, eps) = (0.1, 0.5, [0.9f64, 0.999], 1e-8);
    let gradients = [0.5, -0.25, 1.0];
    let clock = |t: i32| Clock {
        learning_rate: lr,
        corrections: betas.map(|beta| 1.0 / (1.0 - beta.powi(t))),
        ..clock(2)
    };
    let updates: Vec<_> =
        (1..).zip(gradients).map(|(t, g)| (vec![g / unit; count], clock(t))).collect();
    // With m_1 = 0.1 g and v_1 = 0.001 g^2 the first corrected step is lr sign(g): 2 (1 - 0.05) - 0.1 = 1.8.
    let mut wanted = Vec::new();
    let (mut w, mut m, mut v) = (2.0, 0.0, 0.0);
    for (t, g) in (1..).zip(gradients) {
        m = 0.9 * m + 0.1 * g;
        v = 0.999 * v + 0.001 * g * g;
        let (m_hat, v_hat) = (m / (1.0 - 0.9f64.powi(t)), v / (1.0 - 0.999f64.powi(t)));
        w = w * (1.0 - lr * decay) - lr * m_hat / (v_hat.sqrt() + eps);
        wanted.push(w);
    }
    assert!((wanted[0] - 1.8).abs() <= 1e-8 && (wanted[1] - 1.6833).abs() <= 1e-4, "{wanted:?}");
    let zeros = vec![0.0; count];
    let forced = [(weights, vec![2.0 * unit; count]), (mean, zeros.clone()), (square, zeros)];
    each_update(&plan, &forced, &updates, |who, update, got| {
        let tolerance = if who == "oracle" { 1e-7 } else { tolerance(16 * (update + 1), 2.0) };
        for found in &got[0] {
            let found = found / unit;
            assert!((found - wanted[update]).abs() <= tolerance, "{who}: {found} {wanted:?}");
        }
    });
}

/// Three updates of a weight of 1 from zero moments, with the gradients 0.5, -0.25 and 1 in units and a rate of 0.1, as the
/// equations have them that PyTorch has too. By hand, of the first: 1 - 0.1 (0.5 + 0.9 0.5) = 0.905 by Nesterov; 1 - 0.1 0.5 /
/// (sqrt(0.01 0.25) + 1e-8) = 0 by RMSprop; 1 - 0.1 = 0.9 by Adagrad.
#[test]
fn optimisers_go_where_their_equations_lead() {
    let (lr, gradients) = (0.1, [0.5, -0.25, 1.0]);
    let trajectory = |step: &mut dyn FnMut(f64) -> f64| {
        let mut w = 1.0;
        gradients.map(|g| {
            w -= lr * step(g);
            w
        })
    };
    let mut v = 0.0;
    let plain = trajectory(&mut |g| {
        v = 0.9 * v + g;
        v
    });
    v = 0.0;
    let nesterov = trajectory(&mut |g| {
        v = 0.9 * v + g;
        g + 0.9 * v
    });
    let (mut square, mut velocity) = (0.0, 0.0);
    let rms_prop = trajectory(&mut |g: f64| {
        square = 0.99 * square + (1.0 - 0.99) * g * g;
        g / (f64::sqrt(square) + 1e-8)
    });
    square = 0.0;
    let with_momentum = trajectory(&mut |g: f64| {
        square = 0.9 * square + (1.0 - 0.9) * g * g;
        velocity = 0.5 * velocity + g / (f64::sqrt(square) + 1e-3);
        velocity
    });
    square = 0.0;
    let adagrad = trajectory(&mut |g: f64| {
        square += g * g;
        g / (f64::sqrt(square) + 1e-10)
    });
    for (first, by_hand) in [(nesterov[0], 0.905), (rms_prop[0], 0.0), (adagrad[0], 0.9)] {
        assert!((first - by_hand).abs() <= 1e-6, "{first} {by_hand}");
    }
    for (word, wanted) in [
        ("Momentum(lr: 0.1, momentum: 0.9)", plain),
        ("Sgd(lr: 0.1, momentum: 0.9, nesterov: true)", nesterov),
        ("RmsProp(lr: 0.1)", rms_prop),
        ("RMSprop(lr: 0.1, alpha: 0.9, eps: 1e-3, momentum: 0.5)", with_momentum),
        ("Adagrad(lr: 0.1)", adagrad),
    ] {
        let plan = updates_alone(word);
        let (_, weights) = plan.training().gradients[0];
        let (unit, count) = (unit(&plan), plan.arrays[weights].len);
        let clock = Clock { learning_rate: lr, ..clock(2) };
        let updates: Vec<_> = gradients.map(|g| (vec![g / unit; count], clock)).into();
        let zeros = |array: &Reals| (*array, vec![0.0; count]);
        let mut forced: Vec<_> = plan.training().moments.iter().map(zeros).collect();
        forced.insert(0, (weights, vec![unit; count]));
        each_update(&plan, &forced, &updates, |who, update, got| {
            let tolerance = if who == "oracle" { 1e-7 } else { tolerance(12 * (update + 1), 1.0) };
            for found in &got[0] {
                let found = found / unit;
                let error = (found - wanted[update]).abs();
                assert!(error <= tolerance, "{word}, {who}: {found} is not of {wanted:?}");
            }
        });
    }
}

/// Momentum: v := momentum v + g, w := w - lr v, with weights in units.
#[test]
fn gradient_descent_changes_weights_by_its_equation() {
    let momentum = 0.9;
    let plan = updates_alone(&format!("Sgd(lr: 0.02, momentum: {momentum})"));
    let (_, weights) = plan.training().gradients[0];
    let [velocity] = plan.training().moments[..] else { panic!("descent has one moment") };
    let unit = unit(&plan);
    let count = plan.arrays[weights].len;
    let (w0, v0) = (spread(count, 3.0 * unit, 1), spread(count, 0.5, 2));
    let updates: Vec<(Vec<f64>, Clock)> =
        (4..).map(|stream| spread(count, 1.0 / unit, stream)).zip(clocks([0.9; 2])).collect();
    let mut expected = Vec::new();
    let mut state: Vec<[f64; 2]> = (0..count).map(|k| [w0[k], v0[k]]).collect();
    let mut size: Vec<[f64; 2]> = (0..count).map(|k| [w0[k].abs(), v0[k].abs()]).collect();
    for (gradient, clock) in &updates {
        for (([w, v], [w_size, v_size]), g) in state.iter_mut().zip(&mut size).zip(gradient) {
            *v = momentum * *v + g * unit;
            *v_size = momentum * *v_size + g.abs() * unit;
            *w -= clock.learning_rate * unit * *v;
            *w_size += clock.learning_rate * unit * *v_size;
        }
        expected.push((state.clone(), size.clone()));
    }
    let forced = [(weights, w0), (velocity, v0)];
    each_update(&plan, &forced, &updates, |who, update, got| {
        let (state, size) = &expected[update];
        for k in 0..count {
            for row in 0..2 {
                let close = match who {
                    "oracle" => 1e-13 * size[k][row],
                    _ => tolerance(6 * (update + 1), size[k][row]),
                };
                let (got, want) = (got[row][k], state[k][row]);
                let error = (got - want).abs();
                assert!(error <= close, "{who}, update {update}: {row}, {k}: {got} not {want}");
            }
        }
    });
}

/// Three updates of weights of 1 with the gradients 0.5, -0.25 and 1 in units and a rate of 0.1, by each rule alone
/// and by all together. 21,000 gradients g have the norm sqrt(21000) |g|, some 145 |g|. By hand, of the first update:
/// 1 - 0.1 (0.5 + 0.5) = 0.9 with `l2: 0.5`; 0.95 - 0.1 6 = 0.35 with `l1: 6`; 1 - 0.1 0.5 20 / 72.457 = 0.9862 with
/// `clip: 20`; 1 - 0.05 2 0.5 = 0.95 with a dropout of one half and half the rate.
#[test]
fn weights_shrink_and_gradients_are_clipped_by_their_equations() {
    struct Case<'a> {
        projection: &'a str,
        training: &'a str,
        kernels: &'a [&'a str],
        first: f64,
        gain: f64,
        lr: f64,
        clip: f64,
        l1: f64,
        l2: f64,
    }
    let plain = Case {
        projection: "",
        training: "",
        kernels: &[],
        first: 0.95,
        gain: 1.0,
        lr: 1.0,
        clip: f64::INFINITY,
        l1: 0.0,
        l2: 0.0,
    };
    const CLIP: [&str; 3] = ["train/sum_squares", "train/clip", "train/adjust"];
    const ALL: [&str; 4] = ["train/sum_squares", "train/clip", "train/adjust", "train/shrink"];
    let cases = [
        Case { training: ", l2: 0.5", kernels: &["train/adjust"], first: 0.9, l2: 0.5, ..plain },
        Case { training: ", l1: 6", kernels: &["train/shrink"], first: 0.35, l1: 6.0, ..plain },
        Case { training: ", clip: 20", kernels: &CLIP, first: 0.986_199, clip: 20.0, ..plain },
        Case {
            projection: "dropout: 0.5, lr: 0.5",
            kernels: &["train/adjust"],
            first: 0.95,
            gain: 2.0,
            lr: 0.5,
            ..plain
        },
        Case {
            projection: "dropout: 0.5, lr: 0.5",
            training: ", clip: 20, l1: 3, l2: 0.5",
            kernels: &ALL,
            first: 0.818_099,
            gain: 2.0,
            lr: 0.5,
            clip: 20.0,
            l1: 3.0,
            l2: 0.5,
        },
    ];
    let (lr, gradients) = (0.1, [0.5, -0.25, 1.0]);
    for case in cases {
        let what = format!("{}{}", case.projection, case.training);
        let training = format!("optimizer: Sgd(lr: {lr}){}", case.training);
        let kernels = [&["train/sgd"], case.kernels].concat();
        let plan = updates(3000, case.projection, &training, &kernels);
        let launches = plan.programs[plan.program("train").unwrap().index()].stages[0].launches();
        assert_eq!(launches.len(), kernels.len(), "{what}");
        let (_, weights) = plan.training().gradients[0];
        let (unit, count) = (unit(&plan), plan.arrays[weights].len);
        let mut w = 1.0f64;
        let wanted = gradients.map(|g| {
            let g = case.gain * g;
            let norm = (count as f64).sqrt() * g.abs();
            let g = g * f64::min(1.0, case.clip / (norm + 1e-6)) + case.l2 * w;
            w -= lr * case.lr * g;
            w = w.signum() * (w.abs() - lr * case.lr * case.l1).max(0.0);
            w
        });
        assert!((wanted[0] - case.first).abs() <= 1e-5, "{what}: {wanted:?}");
        let clock = Clock { learning_rate: lr, ..clock(2) };
        let updates: Vec<_> = gradients.map(|g| (vec![g / unit; count], clock)).into();
        let zeros = |array: &Reals| (*array, vec![0.0; count]);
        let mut forced: Vec<_> = plan.training().moments.iter().map(zeros).collect();
        forced.insert(0, (weights, vec![unit; count]));
        each_update(&plan, &forced, &updates, |who, update, got| {
            // A partial sum has 256 squares, and there are 83, of which a lane adds two.
            let tolerance = match who {
                "oracle" => 1e-7,
                _ => tolerance((256 + 66 + 20) * (update + 1), 1.0),
            };
            for found in &got[0] {
                let error = (found / unit - wanted[update]).abs();
                assert!(error <= tolerance, "{what}, {who}: {} of {wanted:?}", found / unit);
            }
        });
    }
}

/// Which sources of two populations send in two presentations: constant values show it, and spikes that fill nearly
/// every step.
#[test]
fn dropped_sources_are_silent_for_a_whole_presentation() {
    const N: usize = 4000;
    const STEPS: usize = 12;
    let p = 0.3;
    let scene = scene(&format!(
        r#"(version: 1, simulation: (dt: 1.0, seed: 3),
        populations: {{
            "in": (size: {N}, model: Images(encoder: Constant(gain: 1))),
            "noise": (size: {N}, model: Poisson(rate: 900)),
            "out": (size: 3, model: Readout(tau_m: 15)) }},
        projections: [
            (from: "in", to: "out", connect: Dense, weight: Kaiming(), dropout: {p}),
            (from: "noise", to: "out", connect: FixedInDegree(k: 50), weight: Kaiming(), delay: 2, dropout: {p})],
        training: (data: Mnist(dir: "."), epochs: 1, batch: 2, steps: {STEPS},
            loss: SoftmaxCrossEntropy(), optimizer: Sgd(lr: 0.1)))"#
    ));
    let plan = plan(&scene, 2, STEPS, 0).1;
    let (rows, words) = (2 + STEPS, N.div_ceil(32));
    let presentations = [7, 8];
    // Whether each source of a population sends, samples × sources.
    let sending = |engine: &mut dyn Exact| -> [Vec<bool>; 2] {
        engine.write_words(plan.input.pixels.unwrap(), &vec![u32::MAX; 2 * N / 4]).unwrap();
        engine.write_words(plan.input.presentation, &presentations).unwrap();
        engine.run(plan.program("train").unwrap(), &clock(2), STEPS).unwrap();
        let values = engine.exact(array(&plan, "in.kept"));
        let spikes = engine.read_words(array(&plan, "noise.spikes")).unwrap();
        let kept = engine.read_words(array(&plan, "noise.kept")).unwrap();
        let bit = |all: &[u32], b: usize, t: usize, id: usize| {
            all[(b * rows + t) * words + id / 32] >> (id % 32) & 1 == 1
        };
        let sends = |b: usize, id: usize| {
            let sends = (0..rows).any(|t| bit(&kept, b, t, id));
            for t in 0..rows {
                let wanted = sends && bit(&spikes, b, t, id);
                assert_eq!(bit(&kept, b, t, id), wanted, "sample {b}, source {id}, row {t}");
            }
            sends
        };
        let all = || (0..2).flat_map(|b| (0..N).map(move |id| (b, id)));
        [values.iter().map(|x| *x > 0.5).collect(), all().map(|(b, id)| sends(b, id)).collect()]
    };
    let of_oracle = sending(&mut Cpu::<f64>::new(&plan, Some(1), false));
    let all: Vec<&[bool]> = of_oracle.iter().flat_map(|sending| sending.chunks(N)).collect();
    for (k, sending) in all.iter().enumerate() {
        let share = |alike: &dyn Fn(usize) -> bool| {
            (0..N).filter(|id| alike(*id)).count() as f64 / N as f64
        };
        let close = |share: f64, p: f64| {
            assert!(
                (share - p).abs() <= 5.0 * (p * (1.0 - p) / N as f64).sqrt(),
                "{k}: {share} {p}"
            );
        };
        close(share(&|id| sending[id]), 1.0 - p);
        // Of two that do not depend on each other.
        for other in &all[..k] {
            close(share(&|id| sending[id] && other[id]), (1.0 - p) * (1.0 - p));
        }
    }
    assert!(of_oracle == sending(&mut Cpu::<f32>::new(&plan, Some(2), false)));
    if let Some(found) = adapter("dropout") {
        assert!(of_oracle == sending(&mut gpu(&found, &plan)));
    }
}

/// Losses of targets, their gradients, and what is told of the answers: numbers by hand, on every engine. The batch has
/// one place more than samples.
#[test]
fn losses_of_targets_have_closed_forms() {
    let outputs = [1.0f32, -2.0, 0.25, 3.0, 0.5, -0.5];
    let targets = [0.5f32, 1.0, 0.0, 1.0, 0.0, 1.0];
    let marks = [1.0f32, 0.0, 1.0, 1.0, 0.0, 1.0];
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let entropy = |x: f64, z: f64| -z * sigmoid(x).ln() - (1.0 - z) * sigmoid(-x).ln();
    let of_marks = |first: usize| -> f64 {
        (first..first + 3).map(|k| entropy(outputs[k].into(), marks[k].into())).sum()
    };
    let marked = |k: usize| sigmoid(outputs[k].into()) - f64::from(marks[k]);
    for (loss, wanted, losses, slopes, told) in [
        // Differences are 0.5, -3, 0.25 and 2, 0.5, -1.5.
        ("SquaredError()", targets, [9.3125, 6.5], [1.0, -6.0, 0.5, 4.0, 1.0, -3.0], [0, 0]),
        (
            "Huber(delta: 1)",
            targets,
            [0.125 + 2.5 + 0.03125, 1.5 + 0.125 + 1.0],
            [0.5, -1.0, 0.25, 1.0, 0.5, -1.0],
            [0, 0],
        ),
        (
            "MultiLabel()",
            marks,
            [of_marks(0), of_marks(3)],
            [marked(0), marked(1), marked(2), marked(3), marked(4), marked(5)],
            // All of the first; of the second the last two are on the wrong side.
            [3, 1],
        ),
    ] {
        let scene = scene(&format!(
            r#"(version: 1, simulation: (dt: 1.0, seed: 3),
            populations: {{
                "in": (size: 7, model: Images(encoder: Latency(window: 6.0))),
                "out": (size: 3, model: Readout(tau_m: 15)) }},
            projections: [(from: "in", to: "out", connect: Dense, weight: Kaiming())],
            training: (data: Arrays(train: "a.npz", test: "b.npz"), epochs: 1, batch: 3, steps: 3,
                loss: {loss}, optimizer: Sgd(lr: 0.1)))"#
        ));
        let plan = only(plan(&scene, 3, 3, 0).1, &["train/target_error"]);
        let check = |who: &str, engine: &mut dyn Exact| {
            engine.write_reals(plan.training().answer.unwrap().output, &outputs).unwrap();
            engine
                .write_reals(
                    plan.training().answer.unwrap().supervision.targets().unwrap(),
                    &wanted,
                )
                .unwrap();
            engine.run(plan.program("train").unwrap(), &clock(2), 3).unwrap();
            let found = engine.exact(plan.training().losses);
            let gradient = engine.exact(array(&plan, "out.output_gradient"));
            let predicted = engine.read_words(plan.training().answer.unwrap().predictions).unwrap();
            // Some operations for each output, and WGSL's logarithm of numbers near 1 is off by 2^-21.
            let tolerance = if who == "oracle" { 1e-14 } else { 2f64.powi(-19) };
            for b in 0..2 {
                let at = b * plan.training().slots;
                let error = (found[at] - losses[b]).abs();
                assert!(error <= tolerance * losses[b], "{loss}, {who}: {} {losses:?}", found[at]);
                assert_eq!(predicted[at], told[b], "{loss}, {who}: sample {b}");
            }
            for (found, slope) in gradient.iter().zip(&slopes) {
                let error = (2.0 * found - slope).abs();
                assert!(
                    error <= tolerance * slope.abs().max(1.0),
                    "{loss}, {who}: {found} {slope}"
                );
            }
        };
        everywhere("losses of targets", &plan, check);
    }
}

/// Answers to the frames of samples, some of which are not asked for: outputs of potentials, and loss, gradients and
/// what is told, by hand, on every engine.
#[test]
fn answers_to_frames_have_closed_forms() {
    let scene = scene(
        r#"(version: 1, simulation: (dt: 1.0, seed: 3),
        populations: {
            "in": (size: 100, model: Images(encoder: Poisson(max_rate: 300), frames: 3, hold: 4)),
            "out": (size: 3, model: Readout(tau_m: 15, i_e: 30, v_unit: 0.5)) },
        projections: [(from: "in", to: "out", connect: Dense, weight: Kaiming())],
        training: (data: StoreRecall(symbols: 3), epochs: 1, batch: 4, steps: 14,
            loss: SoftmaxCrossEntropy(over: Frames), optimizer: Sgd(lr: 0.1)))"#,
    );
    let whole = plan(&scene, 4, 14, 0).1;
    let mut samples = images(4, 300, 3).train;
    samples.labels = vec![0; 12];
    everywhere("outputs of frames", &whole, |who, engine| {
        common::load(engine, &whole, &samples, 4);
        engine.run(whole.program("evaluate").unwrap(), &clock(4), 14).unwrap();
        let potential = engine.exact(array(&whole, "out.tape"));
        let output = engine.exact(whole.training().answer.unwrap().output);
        for (at, found) in output.iter().enumerate() {
            let [b, frame, id] = [at / 9, at / 3 % 3, at % 3];
            let steps = (4 * frame)..(4 * frame + 4);
            let wanted = steps.map(|t| potential[(b * 14 + t) * 3 + id]).sum::<f64>() / 4.0 / 0.5;
            let tolerance = if who == "oracle" { 1e-14 } else { 1e-6 };
            assert!(wanted != 0.0 && (found - wanted).abs() <= tolerance * (1.0 + wanted.abs()));
        }
    });

    // Samples with two, one and no answer that is asked for, frames by classes.
    let outputs = [
        [1.0f32, -2.0, 0.25],
        [3.0, 0.5, -0.5],
        [0.0, 1.0, 2.0],
        [2.0, 1.5, 0.0],
        [-1.0, -3.0, 0.5],
        [0.1, 0.2, 0.0],
        [4.0, 1.0, 1.0],
        [0.0, 2.0, -1.0],
        [1.0, 0.0, 0.5],
    ];
    let none = u32::MAX;
    let labels = [1, none, 2, none, 0, none, none, none, none];
    let asked = [2.0, 1.0, 1.0];
    let told = [0, 0, 2, 0, 2, 1, 0, 1, 0];
    let share = |answer: usize, class: usize| {
        let exp = |c: usize| f64::from(outputs[answer][c]).exp();
        exp(class) / (0..3).map(exp).sum::<f64>()
    };
    let entropy = |answer: usize, class: usize| -share(answer, class).ln();
    let losses = [(entropy(0, 1) + entropy(2, 2)) / 2.0, entropy(4, 0), 0.0];
    let alone = only(plan(&scene, 4, 14, 0).1, &["train/softmax_cross_entropy"]);
    everywhere("losses of frames", &alone, |who, engine| {
        engine
            .write_reals(alone.training().answer.unwrap().output, outputs.as_flattened())
            .unwrap();
        engine
            .write_words(alone.training().answer.unwrap().supervision.labels().unwrap(), &labels)
            .unwrap();
        engine.run(alone.program("train").unwrap(), &clock(3), 14).unwrap();
        let tolerance = if who == "oracle" { 1e-14 } else { 2f64.powi(-19) };
        let found = engine.exact(alone.training().losses);
        for (b, loss) in losses.iter().enumerate() {
            let error = (found[b * alone.training().slots] - loss).abs();
            assert!(error <= tolerance * loss.max(1.0), "{who}: sample {b}");
        }
        let gradient = engine.exact(array(&alone, "out.output_gradient"));
        let predicted = engine.read_words(alone.training().answer.unwrap().predictions).unwrap();
        for (answer, label) in labels.into_iter().enumerate() {
            assert_eq!(predicted[answer * alone.training().slots], told[answer], "{who}: {answer}");
            for class in 0..3 {
                let onehot = if class as u32 == label { 1.0 } else { 0.0 };
                let slope = match label {
                    label if label == none => 0.0,
                    _ => (share(answer, class) - onehot) / asked[answer / 3],
                };
                let error = (3.0 * gradient[3 * answer + class] - slope).abs();
                assert!(error <= tolerance, "{who}: answer {answer}, class {class}");
            }
        }
    });
}

/// A plan whose program `train` has only launches of some kernels.
fn only(mut plan: Plan, kernels: &[&str]) -> Plan {
    let program = plan.program("train").unwrap();
    let stages = &mut plan.programs[program.index()].stages;
    let launches = stages.iter().flat_map(|stage| stage.launches());
    let kept = |launch: &&Launch| kernels.contains(&launch.kernel.name);
    *stages = vec![Stage::Whole(launches.filter(kept).cloned().collect())];
    plan
}

/// Runs a check on every engine, by its name.
fn everywhere(test: &str, plan: &Plan, check: impl Fn(&str, &mut dyn Exact)) {
    check("oracle", &mut Cpu::<f64>::new(plan, Some(1), false));
    check("f32", &mut Cpu::<f32>::new(plan, Some(2), false));
    if let Some(found) = adapter(test) {
        check("wgsl", &mut gpu(&found, plan));
    }
}

/// Noise of a training by its moments: of what arrives at a neuron that keeps a tape and at one that keeps states, of
/// the values of sources, and of weights. Presentations, steps, populations and neurons have their own, which follows
/// from them alone. The program `evaluate` has none.
#[test]
fn noise_has_its_mean_and_spread() {
    const N: usize = 3000;
    const STEPS: usize = 4;
    let [inputs, currents, weights] = [0.25, 20.0, 0.5];
    let scene = scene(&format!(
        r#"(version: 1, simulation: (dt: 1.0, seed: 3),
        populations: {{
            "in": (size: {N}, model: Images(encoder: Constant(gain: 2))),
            "plain": (size: {N}, model: Lif()),
            "framed": (size: {N}, model: Lif(receptors: {{"g": GabaA(), "a": Exp(tau: 5)}})),
            "out": (size: 3, model: Readout(tau_m: 15)) }},
        projections: [
            (from: "in", to: "plain", connect: OneToOne, weight: Kaiming()),
            (from: "in", to: "framed", connect: OneToOne, weight: Kaiming()),
            (from: "plain", to: "out", connect: Dense, weight: Kaiming()),
            (from: "framed", to: "out", connect: Dense, weight: Kaiming(), learn: Fixed)],
        training: (data: Mnist(dir: "."), epochs: 1, batch: 3, steps: {STEPS}, loss: SoftmaxCrossEntropy(),
            noise: (inputs: {inputs}, currents: {currents}, weights: {weights}), optimizer: Sgd(lr: 0.1)))"#
    ));
    let (network, whole) = plan(&scene, 3, STEPS, 0);
    let unit = network.projections.iter().find(|p| p.name == "plain->out").unwrap().unit;
    let plan = only(whole, &["train/noise", "train/disturb"]);
    let of = |name: &str| array::<Reals>(&plan, name);
    let fixed = plan.arrays.named("framed->out.scaled.0");
    assert!(fixed.is_none(), "weights that stay have noise");
    // Two of three samples of the batch, of numbers that are not their places.
    let presentations = [7, 8];
    let run = |engine: &mut dyn Exact, program: &str| -> Vec<Vec<f64>> {
        engine.write_words(plan.input.presentation, &presentations).unwrap();
        engine.write_reals(of("in.values"), &vec![0.0; 3 * N]).unwrap();
        engine.run(plan.program(program).unwrap(), &clock(2), STEPS).unwrap();
        let values = engine.exact(of("in.values"));
        let plain = engine.exact(of("plain.tape"));
        let inbox = engine.exact(of("framed.inbox"));
        let framed = inbox.chunks(2 * N).flat_map(|row| row[N..].to_vec()).collect::<Vec<_>>();
        let own = engine.exact(of("plain->out.weights.0"));
        let noisy = engine.exact(of("plain->out.scaled.0"));
        let off = noisy.iter().zip(&own).map(|(noisy, own)| (noisy - own) / unit / weights);
        let rows = |all: &[f64], samples: usize, scale: f64| -> Vec<Vec<f64>> {
            let rows = all.chunks(N).take(samples);
            rows.map(|row| row.iter().map(|x| x / scale).collect()).collect()
        };
        let mut all = rows(&values, 2, 2.0 * inputs);
        all.extend(rows(&plain, 2 * STEPS, currents));
        all.extend(rows(&framed, 2 * STEPS, currents));
        all.push(off.collect());
        all
    };
    let mut oracle = Cpu::<f64>::new(&plan, Some(1), false);
    let exact = run(&mut oracle, "train");
    assert_eq!(exact.len(), 2 + 4 * STEPS + 1);
    // Bounds of five standard errors; of N numbers the mean has 1 / N, the square 2 / N, a product 1 / N.
    let mean = |each: &mut dyn Iterator<Item = f64>, count: usize| each.sum::<f64>() / count as f64;
    for (k, row) in exact.iter().enumerate() {
        let n = row.len();
        let bound = 5.0 / (n as f64).sqrt();
        let first = mean(&mut row.iter().copied(), n);
        let second = mean(&mut row.iter().map(|x| x * x), n);
        assert!(first.abs() <= bound, "row {k}: mean {first}");
        assert!((second - 1.0).abs() <= 2f64.sqrt() * bound, "row {k}: square {second}");
        let next = mean(&mut row.iter().zip(&row[1..]).map(|(a, b)| a * b), n - 1);
        assert!(next.abs() <= 1.01 * bound, "row {k}: neighbours {next}");
        for (other, b) in exact[..k].iter().enumerate().filter(|(_, b)| b.len() == n) {
            let both = mean(&mut row.iter().zip(b).map(|(a, b)| a * b), n);
            assert!(both.abs() <= bound, "rows {k} and {other}: {both}");
        }
    }
    assert!(run(&mut oracle, "train") == exact, "another noise for the same presentations");
    everywhere("noise of a training", &plan, |who, engine| {
        // WGSL allows a cosine to be off by 2^-11, its factor is at most the root of 2 · 24 ln 2; the rest is rounding,
        // also that of a weight, which is some ten deviations at most.
        let normal = 2f64.powi(-11) * (48.0 * 2f64.ln()).sqrt();
        let tolerance = if who == "wgsl" { normal } else { 0.0 } + tolerance(20, 10.0);
        for (row, wanted) in run(engine, "train").iter().zip(&exact) {
            for (x, wanted) in row.iter().zip(wanted) {
                assert!((x - wanted).abs() <= tolerance, "{who}: {x} is not {wanted}");
            }
        }
    });
    // What arrives in an evaluation is what was delivered, which is nothing here.
    let evaluate = plan.program("evaluate").unwrap();
    let launches = plan.programs[evaluate.index()].stages.iter().flat_map(|stage| stage.launches());
    let noise: Vec<&Launch> = launches.filter(|l| l.kernel.name == "train/noise").collect();
    assert_eq!(noise.len(), 3);
    assert!(noise.iter().all(|launch| parameter(launch, "deviation") == 0.0));
    assert!(plan.programs[evaluate.index()].stages.iter().all(|stage| {
        stage.launches().iter().all(|launch| launch.kernel.name != "train/disturb")
    }));
}

/// A dimension of a grid holds 65,535 workgroups; what needs more is folded into two.
#[test]
fn more_workgroups_than_a_dimension_holds_reach_every_element() {
    let workgroup = clear_words::KERNEL.workgroup as usize;
    for groups in [65_535, 65_536, 131_075] {
        // The last workgroup is not full, and some elements are beyond it.
        let n = groups * workgroup - 5;
        let len = n + 3 * workgroup;
        let mut plan = updates_alone("Sgd(lr: 0.1)");
        let values = plan.arrays.zero_words("values", len);
        let launch = Launch {
            kernel: &clear_words::KERNEL,
            label: String::new(),
            params: ClearWordsParams::<f64> { n: n as u32 }.words(),
            args: vec![Arg { array: values.id(), split: Split::Stride(len) }],
            units: Units::Count { count: 1, grain: 1 },
            invocations: n as u64,
            per_step: false,
            every: 1,
        };
        plan.programs = vec![Program { name: "clear", stages: vec![Stage::Whole(vec![launch])] }];
        let clear = plan.program("clear").unwrap();
        let check = |who: &str, engine: &mut dyn Engine| {
            engine.write_words(values, &vec![7; len]).unwrap();
            engine.run(clear, &clock(1), 1).unwrap();
            let got = engine.read_words(values).unwrap();
            let left = got[..n].iter().rposition(|x| *x != 0);
            assert_eq!(left, None, "{who}, {groups} workgroups: an element is not reached");
            assert!(got[n..].iter().all(|x| *x == 7), "{who}, {groups} workgroups: beyond the end");
        };
        check("f32", &mut Cpu::<f32>::new(&plan, Some(2), false));
        if let Some(found) = adapter("workgroups") {
            check("wgsl", &mut gpu(&found, &plan));
        }
    }
}

/// An engine takes no plan that gives a kernel words for floats.
#[test]
#[should_panic(expected = "`presentation` as gradient of train/sgd")]
fn arguments_of_another_type_are_refused() {
    let mut plan = updates_alone("Sgd(lr: 0.1)");
    let train = plan.program("train").unwrap();
    let Stage::Whole(launches) = &mut plan.programs[train.index()].stages[0] else { return };
    launches[0].args[0].array = plan.input.presentation.id();
    Cpu::<f32>::new(&plan, Some(1), false);
}

/// The plan of a scene, as the program makes it.
fn planned(scene: &Scene) -> Plan {
    const MOST: u64 = 128 << 20;
    let options = match &scene.training {
        Some(training) if training.loss.is_gradient() => {
            return plan(scene, training.batch as usize, training.steps as usize, 0).1;
        }
        Some(training) => SimulationOptions {
            steps: training.steps as usize,
            samples: Vec::new(),
            presented: true,
            workgroups: true,
            room: 1.0,
            max_binding: MOST,
            max_table: MOST,
        },
        None => {
            let options = options(scene, &build(scene).unwrap(), MOST);
            SimulationOptions { workgroups: true, ..options.unwrap_or_else(|e| panic!("{e}")) }
        }
    };
    plan::plan(&build(scene).unwrap(), &options).unwrap_or_else(|e| panic!("{e}"))
}

/// Sources, frames, steps of a frame, and steps of a window.
const SHOWN: [usize; 4] = [37, 3, 4, 14];

/// A population that shows frames, and two samples, half of whose pixels are black.
fn in_frames(encoder: &str) -> (String, Vec<Vec<u8>>) {
    let [n, frames, hold, _] = SHOWN;
    let model =
        format!("(size: {n}, model: Images(encoder: {encoder}, frames: {frames}, hold: {hold}))");
    let pixel = |x: f64| if x < 0.0 { 0 } else { (255.0 * x) as u8 };
    let sample = |b| noise(n * frames, 1.0, b).into_iter().map(pixel).collect();
    (model, [1, 2].map(sample).to_vec())
}

/// Pixel of a source in the frame that is on at a step, black after the last.
fn on(sample: &[u8], t: usize, id: usize) -> u8 {
    let [n, frames, hold, _] = SHOWN;
    if t / hold < frames { sample[t / hold * n + id] } else { 0 }
}

fn in_words(samples: &[Vec<u8>]) -> Vec<u32> {
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
    samples.iter().flat_map(|sample| sample.chunks(4).map(word)).collect()
}

/// Frames come one after the other, each for its steps, and nothing after the last: values, or a spike of each source in
/// each frame at its latency, or Poisson trains. White sources of these spike in every step, but for one in 2^32.
#[test]
fn frames_are_shown_one_after_the_other() {
    let [n, _, hold, steps] = SHOWN;
    let (history, words) = (2, n.div_ceil(32));
    let latency = |x: f64| ((1.0 - x) * (hold - 1) as f64).round() as usize;
    for encoder in
        ["Constant(gain: 2)", "Latency(window: 4, cutoff: 0.3)", "Poisson(max_rate: 1000)"]
    {
        let (model, mut samples) = in_frames(encoder);
        if encoder.starts_with("Poisson") {
            samples.iter_mut().flatten().filter(|x| **x > 0).for_each(|x| *x = 255);
        }
        let wanted = |b: usize, t: usize, id: usize| {
            let x = f64::from(on(&samples[b], t, id)) / 255.0;
            match &encoder[..7] {
                "Constan" => 2.0 * x,
                "Latency" => f64::from(u8::from(x >= 0.3 && latency(x) == t % hold)),
                _ => x,
            }
        };
        let scene = scene(&format!(
            r#"(version: 1, simulation: (dt: 1.0, seed: 3),
            populations: {{ "in": {model}, "out": (size: 3, model: Readout(tau_m: 15)) }},
            projections: [(from: "in", to: "out", connect: Dense, weight: Kaiming(), delay: {history})],
            training: (data: Mnist(dir: "."), epochs: 1, batch: 2, steps: {steps},
                loss: SoftmaxCrossEntropy(), optimizer: Sgd(lr: 0.1)))"#
        ));
        let plan = planned(&scene);
        let check = |who: &str, engine: &mut dyn Exact| {
            engine.write_words(plan.input.pixels.unwrap(), &in_words(&samples)).unwrap();
            engine.run(plan.program("evaluate").unwrap(), &clock(2), steps).unwrap();
            let sent: Vec<f64> = match encoder.starts_with("Constant") {
                true => engine.exact(array(&plan, "in.values")),
                false => {
                    let spikes = engine.read_words(array(&plan, "in.spikes")).unwrap();
                    let rows = spikes.chunks(words);
                    let bit = |row: &[u32], id: usize| f64::from(row[id / 32] >> (id % 32) & 1);
                    rows.flat_map(|row| (0..n).map(move |id| bit(row, id))).collect()
                }
            };
            assert_eq!(sent.len(), 2 * (history + steps) * n);
            for (k, got) in sent.into_iter().enumerate() {
                let [b, row, id] = [k / n / (history + steps), k / n % (history + steps), k % n];
                // Nothing comes from before the window.
                let want = row.checked_sub(history).map_or(0.0, |t| wanted(b, t, id));
                assert!(
                    (got - want).abs() <= 1e-6,
                    "{who}, {encoder}: {got} at {:?}",
                    [b, row, id]
                );
            }
        };
        check("oracle", &mut Cpu::<f64>::new(&plan, Some(1), false));
        check("f32", &mut Cpu::<f32>::new(&plan, Some(2), false));
        if let Some(found) = adapter("frames") {
            check("wgsl", &mut gpu(&found, &plan));
        }
    }
}

/// Two frames of three numbers, each seen by four fields: these have their parts by the closed form, to half a level,
/// and what is sent is what an encoder sends of pixels that have these intensities.
#[test]
fn receptive_fields_have_their_parts_of_numbers() {
    const FIELDS: usize = 4;
    let [numbers, frames, steps] = [3, 2, 7];
    let n = numbers * FIELDS;
    let byte = |x: f64| (127.5 * (1.0 + x)) as u8;
    let sample = |b| noise(numbers * frames, 1.0, b).into_iter().map(byte).collect();
    let samples: [Vec<u8>; 2] = [1, 2].map(sample);
    let part = |x: u8, field: usize| {
        let away = f64::from(x) / 255.0 - (-0.2 + 0.5 * field as f64);
        (-away * away / (2.0 * 0.4 * 0.4)).exp()
    };
    let parts = samples.iter().flatten().flat_map(|x| (0..FIELDS).map(|field| part(*x, field)));
    let parts: Vec<f64> = parts.collect();
    let planned_with = |encoder: &str| {
        planned(&scene(&format!(
            r#"(version: 1, simulation: (dt: 1, seed: 3),
            populations: {{
                "in": (size: {n}, model: Images(encoder: {encoder}, frames: {frames}, hold: 3)),
                "out": (size: 3, model: Readout(tau_m: 15)),
            }},
            projections: [(from: "in", to: "out", connect: Dense, weight: Kaiming(), delay: 2)],
            training: (data: Mnist(dir: "."), epochs: 1, batch: 2, steps: {steps},
                loss: SoftmaxCrossEntropy(), optimizer: Sgd(lr: 0.1)))"#
        )))
    };
    for send in ["Constant(gain: 2)", "Latency(window: 3, cutoff: 0)", "Poisson(max_rate: 500)"] {
        let encoder =
            format!("Population(fields: {FIELDS}, from: -0.2, to: 1.3, sigma: 0.4, send: {send})");
        let (seen, plain) = (planned_with(&encoder), planned_with(send));
        let check = |who: &str, [engine, other]: [&mut dyn Exact; 2]| {
            let intensities = array(&seen, "in.intensities");
            let spoiled = vec![0xDEAD_BEEF; seen.arrays[intensities].len];
            engine.write_words(intensities, &spoiled).unwrap();
            engine.write_words(seen.input.pixels.unwrap(), &in_words(&samples)).unwrap();
            engine.run(seen.program("evaluate").unwrap(), &clock(2), steps).unwrap();
            let words = engine.read_words(intensities).unwrap();
            let levels = words.iter().flat_map(|word| word.to_le_bytes());
            assert_eq!(4 * words.len(), parts.len());
            for (k, (level, part)) in levels.zip(&parts).enumerate() {
                let off = (f64::from(level) - 255.0 * part).abs();
                assert!(off <= 0.5 + 1e-9, "{who}, {send}: part {k} is {level} of 255, not {part}");
            }
            other.write_words(plain.input.pixels.unwrap(), &words).unwrap();
            other.run(plain.program("evaluate").unwrap(), &clock(2), steps).unwrap();
            let sent = |engine: &mut dyn Exact, plan: &Plan| match send.starts_with("Constant") {
                true => engine.exact(array(plan, "in.values")),
                false => {
                    let spikes = engine.read_words(array(plan, "in.spikes")).unwrap();
                    spikes.into_iter().map(f64::from).collect()
                }
            };
            let got = sent(engine, &seen);
            assert!(got.iter().any(|x| *x != 0.0), "{who}, {send}: nothing is sent");
            assert_eq!(got, sent(other, &plain), "{who}, {send}");
        };
        let [mut a, mut b] = [&seen, &plain].map(|plan| Cpu::<f64>::new(plan, Some(1), false));
        check("oracle", [&mut a, &mut b]);
        let [mut a, mut b] = [&seen, &plain].map(|plan| Cpu::<f32>::new(plan, Some(2), false));
        check("f32", [&mut a, &mut b]);
        if let Some(found) = adapter("receptive fields") {
            check("wgsl", [&mut gpu(&found, &seen), &mut gpu(&found, &plain)]);
        }
    }
}

/// The same where synapses learn by themselves, in a row of spikes that begins with those of others.
#[test]
fn frames_are_shown_to_rules() {
    let [n, _, hold, steps] = SHOWN;
    // The last has a field for each pixel that is white, or not at all.
    for encoder in [
        "Poisson(max_rate: 1000)",
        "Latency(window: 4, cutoff: 0.3)",
        "Population(fields: 1, from: 0.9, to: 1.1, sigma: 0.01, send: Poisson(max_rate: 1000))",
    ] {
        let (model, mut samples) = in_frames(encoder);
        samples.truncate(1);
        samples.iter_mut().flatten().filter(|x| **x > 0).for_each(|x| *x = 255);
        let scene = scene(&format!(
            r#"(version: 1, simulation: (dt: 1, seed: 1),
            populations: {{ "out": (size: 3, model: Lif()), "in": {model} }},
            projections: [(from: "in", to: "out", connect: Dense, weight: 1, learn: Stdp(w_max: 2))],
            training: (data: Mnist(dir: "."), epochs: 1, batch: 1, steps: {steps},
                loss: Assignment(population: "out", samples: 1)))"#
        ));
        let plan = planned(&scene);
        let ports = plan.simulation();
        let check = |who: &str, engine: &mut dyn Engine| {
            engine.write_words(plan.input.pixels.unwrap(), &in_words(&samples)).unwrap();
            engine.run(plan.program("evaluate").unwrap(), &clock(1), steps).unwrap();
            let spikes = engine.read_words(ports.spikes).unwrap();
            for (t, row) in spikes.chunks(ports.row).enumerate() {
                for id in 0..n {
                    let spikes = row[ports.first_word[1] + id / 32] >> (id % 32) & 1;
                    // The spike of a white source is the first of its frame.
                    let now = !encoder.starts_with("Latency") || t % hold == 0;
                    let wanted = u32::from(now && on(&samples[0], t, id) > 0);
                    assert_eq!(spikes, wanted, "{who}, {encoder}: source {id} at step {t}");
                }
            }
        };
        check("oracle", &mut Cpu::<f64>::new(&plan, Some(1), false));
        check("f32", &mut Cpu::<f32>::new(&plan, Some(2), false));
        if let Some(found) = adapter("frames") {
            check("wgsl", &mut gpu(&found, &plan));
        }
    }
}

/// All scenes that are shipped.
fn shipped() -> Vec<(String, Plan)> {
    let scenes = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes");
    let mut plans = Vec::new();
    for file in std::fs::read_dir(scenes).unwrap().flatten() {
        let path = file.path();
        if path.extension().is_none_or(|extension| extension != "ron") {
            continue;
        }
        let (scene, ..) = load(&path, &[]).unwrap_or_else(|e| panic!("{e}"));
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        plans.push((name, planned(&scene)));
    }
    plans
}

/// What is merged may be done in any order, what is not keeps its own, and no buffer is bound twice where it is
/// written.
#[test]
fn dispatches_keep_the_order_that_launches_need() {
    for (name, plan) in shipped() {
        let merged = Dispatches::of(&plan, 128 << 20);
        for (id, array) in plan.arrays.iter() {
            let (buffer, begin) = merged.places[id];
            assert!(begin + array.bytes() <= merged.buffers[buffer], "{name}: {}", array.name);
        }
        for (program, stages) in plan.programs.iter().zip(&merged.programs) {
            for (stage, dispatches) in program.stages.iter().zip(stages) {
                let launches = stage.launches();
                let mut order = vec![None; launches.len()];
                for (place, members) in dispatches.iter().enumerate() {
                    members.iter().for_each(|k| assert!(order[*k].replace(place).is_none()));
                }
                let order: Vec<usize> = order.into_iter().map(Option::unwrap).collect();
                for (k, launch) in launches.iter().enumerate() {
                    for j in (0..k).filter(|j| launches[*j].touches(launch, &plan.arrays)) {
                        assert!(
                            order[j] < order[k],
                            "{name}: {} and {}",
                            launches[j].label,
                            launch.label
                        );
                    }
                    let place = |k: usize| merged.places[launch.args[k].array].0;
                    for (k, _) in launch.args.iter().enumerate() {
                        assert_eq!(
                            place(k),
                            place(launch.kernel.host(k)),
                            "{name}: {}",
                            launch.label
                        );
                    }
                    let bound: Vec<_> =
                        launch.kernel.bound().map(|(k, b)| (place(k), b.written)).collect();
                    for (at, (buffer, written)) in bound.iter().enumerate() {
                        let twice = |(b, w): &(usize, bool)| b == buffer && (*w || *written);
                        assert!(!bound[..at].iter().any(twice), "{name}: {}", launch.label);
                    }
                }
            }
        }
    }
}

/// Windows of the shipped scenes that are one shader, for a workgroup, are so in a form that adapters take.
#[test]
fn linked_shaders_are_valid() {
    let mut linked = BTreeSet::new();
    for (name, plan) in shipped() {
        let placed = Dispatches::linking(&plan, 128 << 20);
        for (program, (merged, is_linked)) in
            plan.programs.iter().zip(placed.programs.iter().zip(&placed.linked))
        {
            for ((stage, merged), _) in
                program.stages.iter().zip(merged).zip(is_linked).filter(|(_, linked)| **linked)
            {
                let form = placed.linked_form(stage.launches(), merged).unwrap();
                let Code::Linked(source) = &form.code else { panic!("{name}") };
                let module = source.parse().unwrap_or_else(|e| panic!("{name}: {e}"));
                let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
                validator.validate(&module).unwrap_or_else(|e| panic!("{name}: {e:?}"));
                let mut layouter = Layouter::default();
                layouter.update(module.to_ctx()).unwrap();
                let shared = module
                    .global_variables
                    .iter()
                    .filter(|(_, variable)| variable.space == AddressSpace::WorkGroup);
                let bytes: u32 = shared.map(|(_, variable)| layouter[variable.ty].size).sum();
                assert!(bytes <= 16 << 10, "{name}: {bytes} bytes of a workgroup");
                assert!(form.arrays.len() <= 3);
                linked.insert(name.clone());
            }
        }
    }
    for name in ["stdp_song", "reward", "mnist_stdp"] {
        assert!(linked.contains(name), "{name} is not among {linked:?}");
    }
}

/// Dispatches of a step, of those that are done more rarely their share; of a whole batch for a training.
#[test]
fn a_step_is_few_dispatches() {
    // A step of coba and microcircuit is one, 15 steps of brunel are, and 128 where nothing is sent.
    let most = [
        ("coba", 1.01),
        ("microcircuit", 1.01),
        ("brunel", 0.07),
        ("hh_squid", 0.01),
        ("reward", 0.01),
        ("stdp_song", 0.01),
        ("mnist", 18.0),
    ];
    let plans = shipped();
    for (name, most) in most {
        let plan = &plans.iter().find(|(known, _)| known == name).unwrap().1;
        let merged = Dispatches::linking(plan, 128 << 20);
        let program = plan.programs.len() - 1;
        let stages = plan.programs[program].stages.iter();
        let stages = stages.zip(merged.programs[program].iter().zip(&merged.linked[program]));
        let steps = if matches!(plan.ports, Ports::Simulation(_)) { plan.steps } else { 1 };
        let each = stages.flat_map(|(stage, (dispatches, linked))| {
            let count = if *linked { 1 } else { dispatches.len() };
            dispatches[..count].iter().map(move |members| match stage {
                _ if *linked => 1.0 / steps as f64,
                Stage::Whole(_) => 1.0 / steps as f64,
                Stage::Steps { launches, .. } => {
                    1.0 / (plan.interval as u64).max(launches[members[0]].every) as f64
                }
            })
        });
        let count: f64 = each.sum();
        assert!(count <= most, "{name}: {count} dispatches");
    }
}

/// More populations than the table of a dispatch has room for: every other one fires.
#[test]
fn hundreds_of_populations_are_some_dispatches() {
    const POPULATIONS: usize = 400;
    let populations: Vec<String> = (0..POPULATIONS)
        .map(|k| {
            let current = if k % 2 == 0 { 2000.0 } else { 0.0 };
            format!(
                "\"p{k}\": (size: {}, model: Lif(tau_m: 10, tau_syn: 2, i_e: {current}))",
                1 + k % 70
            )
        })
        .collect();
    let scene = scene(&format!(
        "(version: 1, simulation: (dt: 1.0, seed: 3, duration: 20), populations: {{ {} }})",
        populations.join(", ")
    ));
    let plan = planned(&scene);
    let merged = Dispatches::of(&plan, 128 << 20);
    let neurons = merged.programs[0].iter().flatten().filter(|members| members.len() > 1);
    assert!((2..10).contains(&neurons.count()));
    let spikes = plan.simulation().spikes;
    let run = |engine: &mut dyn Engine| {
        engine.run(plan.program("simulate").unwrap(), &clock(1), 20).unwrap();
        engine.read_words(spikes).unwrap()
    };
    let expected = run(&mut Cpu::<f64>::new(&plan, Some(1), false));
    assert!(expected.iter().any(|word| *word != 0) && expected.contains(&0));
    if let Some(found) = adapter("populations") {
        assert_eq!(run(&mut gpu(&found, &plan)), expected);
    }
}
