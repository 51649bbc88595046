//! Level 3, kernels alone: optimisers from a forced state, and launches of more workgroups than one dimension
//! of a grid holds.

mod common;

use common::*;
use neuralearn::engine::Engine;
use neuralearn::engine::cpu::Cpu;
use neuralearn::kernel::{Clock, Kind};
use neuralearn::plan::{Arg, Array, Init, Launch, Plan, Ports, Program, Split, Stage, Units};
use neuralearn::train::clear_words::{self, ClearWordsParams};

/// A plan whose program `train` only updates the weights.
fn updates_alone(optimizer: &str) -> Plan {
    let scene = scene(&format!(
        r#"(version: 1, simulation: (dt: 1.0, seed: 3),
        populations: {{
            "in": (size: 7, model: Images(encoder: Latency(window: 6.0))),
            "out": (size: 70, model: Readout(tau_m: 15)) }},
        projections: [(from: "in", to: "out", connect: Dense, weight: Kaiming())],
        training: (data: Mnist(dir: "."), epochs: 1, batch: 2, steps: 3,
            loss: SoftmaxCrossEntropy(), optimizer: {optimizer}, surrogate: FastSigmoid(slope: 3)))"#
    ));
    let mut plan = plan(&scene, 2, 3, 0).1;
    let program = plan.program("train").unwrap();
    let stages = &mut plan.programs[program].stages;
    let launches = stages.iter().flat_map(|stage| stage.launches());
    let update = |launch: &&Launch| ["train/adam", "train/sgd"].contains(&launch.kernel.name);
    *stages = vec![Stage::Whole(launches.filter(update).cloned().collect())];
    assert_eq!(stages[0].launches().len(), 1);
    plan
}

/// One unit of the weights \[pA\], as the launch has it.
fn unit(plan: &Plan) -> f64 {
    let launch = &plan.programs[plan.program("train").unwrap()].stages[0].launches()[0];
    parameter(launch, "unit")
}

/// Runs updates on every engine: from a forced state with the gradient of each update, at its clock. After each,
/// `check` gets the engine's name, whether it is the oracle, the weights and the moments.
fn each_update(
    plan: &Plan,
    forced: &[(usize, Vec<f64>)],
    updates: &[(Vec<f64>, Clock)],
    mut check: impl FnMut(&str, usize, Vec<Vec<f64>>),
) {
    let (gradient, _) = plan.ports.gradients[0];
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
    let (_, weights) = plan.ports.gradients[0];
    let [mean, square] = plan.ports.moments[..] else { panic!("Adam has two moments") };
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

/// Momentum: v := momentum v + g, w := w - lr v, with weights in units.
#[test]
fn gradient_descent_changes_weights_by_its_equation() {
    let momentum = 0.9;
    let plan = updates_alone(&format!("Sgd(lr: 0.02, momentum: {momentum})"));
    let (_, weights) = plan.ports.gradients[0];
    let [velocity] = plan.ports.moments[..] else { panic!("descent has one moment") };
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

/// A dimension of a grid holds 65,535 workgroups; what needs more is folded into two.
#[test]
fn more_workgroups_than_a_dimension_holds_reach_every_element() {
    let workgroup = clear_words::KERNEL.workgroup as usize;
    for groups in [65_535, 65_536, 131_075] {
        // The last workgroup is not full, and some elements are beyond it.
        let n = groups * workgroup - 5;
        let len = n + 3 * workgroup;
        let values = Array { name: "values".to_owned(), kind: Kind::Word, len, init: Init::Zero };
        let launch = Launch {
            kernel: &clear_words::KERNEL,
            label: String::new(),
            params: ClearWordsParams::<f64> { n: n as u32 }.words(),
            args: vec![Arg { array: 0, split: Split::Stride(len) }],
            units: Units::Count { count: 1, grain: 1 },
            invocations: n as u64,
            per_step: false,
            every: 1,
        };
        let plan = Plan {
            arrays: vec![values],
            programs: vec![Program { name: "clear", stages: vec![Stage::Whole(vec![launch])] }],
            batch: 1,
            steps: 1,
            ports: Ports::default(),
            warnings: Vec::new(),
        };
        let check = |who: &str, engine: &mut dyn Engine| {
            engine.write_words(0, &vec![7; len]).unwrap();
            engine.run(0, &clock(1), 1).unwrap();
            let got = engine.read_words(0).unwrap();
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
