//! Delays that are learned: gradients by them and through them, on every engine; what tests see of them; their bounds; what is
//! left of them in a run folder.

mod common;
#[path = "common/place.rs"]
mod place;

use common::*;
use neuralearn::data::Dataset;
use neuralearn::engine::Engine;
use neuralearn::engine::cpu::Cpu;
use neuralearn::files::read_tensor;
use neuralearn::kernel::Clock;
use neuralearn::network::Network;
use neuralearn::plan::{ArrayId, Handle, Plan, Reals};
use place::{Place, TRAINING, arguments, edit};
use std::fs;

const SAMPLES: usize = 4;
const PIXELS: usize = 13;

/// A network of which some projections learn their delays.
#[derive(Clone, Copy)]
struct Case {
    encoder: &'static str,
    hidden: usize,
    /// Connection and delay of the input.
    first: &'static str,
    /// Of what leaves the hidden neurons.
    delay: &'static str,
    extra: &'static str,
    steps: usize,
}

/// None of these delays is a whole number, where the slope of a linear kernel jumps, nor half a one, nor at a bound.
const LINEAR: &str = "Learn(initial: Linspace(from: 1.3, to: 4.4), max: 6, kernel: Linear)";
const GAUSS: &str =
    "Learn(initial: Linspace(from: 1.3, to: 4.4), max: 6, kernel: Gauss(sigma: 1.4, final: 0.3))";

const SYNAPSES: &str = "Learn(per: Synapse, initial: Linspace(from: 1.3, to: 4.4), max: 6)";
const BROAD_SYNAPSES: &str = "Learn(per: Synapse, initial: Linspace(from: 1.3, to: 4.4), max: 6, \
                              kernel: Gauss(sigma: 1.4, final: 0.3))";

const PLAIN: Case = Case {
    encoder: "Latency(window: 4.0)",
    hidden: 5,
    first: "Dense, delay: 1",
    delay: LINEAR,
    extra: "",
    steps: 11,
};

/// Delays of inputs that spike or have values, of neurons through which gradients pass on, of sparse synapses and of a cycle,
/// with kernels of both kinds; two projections of one source, of which each has its own; and the same of dense synapses.
fn cases() -> [(&'static str, Case); 12] {
    let inputs = "Dense, delay: Learn(initial: Linspace(from: 1.3, to: 4.4), max: 6)";
    let gauss = "Dense, delay: Learn(initial: Linspace(from: 1.3, to: 4.4), max: 5, \
                 kernel: Gauss(sigma: 2))";
    let sparse = "FixedInDegree(k: 5), delay: Learn(initial: Linspace(from: 1.3, to: 4.4), max: 6)";
    let recurrent = r#"(from: "hidden", to: "hidden", connect: Dense, weight: Kaiming(gain: 2),
        delay: Learn(initial: Linspace(from: 1.3, to: 3.7), max: 5, kernel: Gauss(sigma: 1))),"#;
    let beside = r#"(name: "beside", from: "hidden", to: "out", connect: FixedInDegree(k: 3),
        weight: Kaiming(gain: 2), delay: Learn(initial: Linspace(from: 4.4, to: 1.7), max: 6)),"#;
    let values = "Constant(gain: 0.8), frames: 3, hold: 2";
    let synapses =
        "Dense, delay: Learn(per: Synapse, initial: Linspace(from: 1.3, to: 4.4), max: 6)";
    let broad = "Dense, delay: Learn(per: Synapse, initial: Linspace(from: 1.3, to: 4.4), max: 5, \
                 kernel: Gauss(sigma: 2))";
    let within = r#"(from: "hidden", to: "hidden", connect: Dense, weight: Kaiming(gain: 2),
        delay: Learn(per: Synapse, initial: Linspace(from: 1.33, to: 3.72), max: 5)),"#;
    [
        ("behind neurons", PLAIN),
        ("broad, behind neurons", Case { delay: GAUSS, ..PLAIN }),
        ("of inputs", Case { first: inputs, ..PLAIN }),
        ("broad, of values", Case { encoder: values, first: gauss, ..PLAIN }),
        ("sparse", Case { first: sparse, delay: "1", ..PLAIN }),
        ("on a cycle", Case { extra: recurrent, ..PLAIN }),
        ("two of a source", Case { extra: beside, first: inputs, ..PLAIN }),
        ("of synapses", Case { delay: SYNAPSES, ..PLAIN }),
        ("broad, of synapses", Case { delay: BROAD_SYNAPSES, ..PLAIN }),
        ("of synapses of inputs", Case { first: synapses, extra: beside, ..PLAIN }),
        ("broad, of synapses, of values", Case { encoder: values, first: broad, ..PLAIN }),
        ("of synapses, on a cycle", Case { extra: within, delay: SYNAPSES, ..PLAIN }),
    ]
}

fn text(c: &Case) -> String {
    format!(
        r#"(version: 1, simulation: (dt: 1.0, seed: 3),
        populations: {{
            "in": (size: {PIXELS}, model: Images(encoder: {encoder})),
            "hidden": (size: {hidden}, model: Lif(tau_m: 20, tau_syn: 5, t_ref: 0)),
            "out": (size: 3, model: Readout(tau_m: 15, tau_syn: 4, i_e: 15)),
        }},
        projections: [
            (from: "in", to: "hidden", connect: {first}, weight: Kaiming(gain: 2.5)),
            {extra}
            (from: "hidden", to: "out", connect: Dense, weight: Kaiming(gain: 3), delay: {delay}),
        ],
        training: (data: Arrays(train: "a.npz", test: "b.npz"), epochs: 1, batch: 4, steps: {steps},
            loss: SoftmaxCrossEntropy(), optimizer: Adam(lr: 0.001),
            surrogate: FastSigmoid(slope: 2), biases: true))"#,
        encoder = c.encoder,
        hidden = c.hidden,
        first = c.first,
        extra = c.extra,
        delay = c.delay,
        steps = c.steps,
    )
}

/// Network, plan and samples of a case.
fn planned(case: &Case, soft: u32) -> (Network, Plan, Dataset) {
    let (network, plan) = plan(&scene(&text(case)), SAMPLES, case.steps, soft);
    let data = images(SAMPLES, network.pixels(), 3);
    (network, plan, data)
}

/// Loss of the batch as the program `train` has it, in which delays are not rounded; nothing is changed.
fn loss(engine: &mut Cpu<'_, f64>, plan: &Plan) -> f64 {
    let still = Clock { learning_rate: 0.0, ..clock(SAMPLES) };
    engine.run(plan.program("train").unwrap(), &still, plan.steps).unwrap();
    let losses = engine.wide(array(plan, "losses"));
    losses.iter().step_by(plan.training().slots).sum::<f64>() / SAMPLES as f64
}

#[test]
fn oracle_against_central_differences() {
    for (name, case) in cases() {
        let (_, plan, data) = planned(&case, 1);
        let mut engine = Cpu::<f64>::new(&plan, Some(1), false);
        load(&mut engine, &plan, &data.train, SAMPLES);
        loss(&mut engine, &plan);
        let delays: Vec<Reals> = plan.training().delays.iter().map(|ports| ports.delays).collect();
        assert!(!delays.is_empty(), "{name}");
        for (gradient, changed) in plan.training().gradients.clone() {
            let (analytic, start) = (engine.wide(gradient), engine.wide(changed));
            let (largest, what) = (scale(&analytic), &plan.arrays[changed].name);
            assert!(largest > 1e-9, "{name}: no gradient reaches {what}");
            let h = match delays.contains(&changed) {
                true => 1e-4,
                false if scale(&start) > 1e-9 => 1e-5 * scale(&start),
                false => 1e-4,
            };
            for k in (0..start.len()).step_by((start.len() / 40).max(1)) {
                let mut at = |x: f64| {
                    engine.numbers(changed)[k] = x;
                    loss(&mut engine, &plan)
                };
                let mut apart = |h: f64| (at(start[k] + h) - at(start[k] - h)) / (2.0 * h);
                let difference = (4.0 * apart(h) - apart(2.0 * h)) / 3.0;
                at(start[k]);
                assert!(
                    (difference - analytic[k]).abs() <= 1e-6 * largest,
                    "{name}: {what}[{k}]: {} by the adjoint, {difference} by differences",
                    analytic[k]
                );
            }
        }
    }
}

/// Whether an array is of learned delays, or of what they lead to.
fn is_looked_at(name: &str) -> bool {
    name.contains(".delays.") || name.contains(".gradient.") || name == "out.output"
}

/// Fills what a run must write before it reads, of learned delays, with a number that spoils all it meets.
fn poison(engine: &mut dyn Engine, plan: &Plan) {
    spoil(engine, plan, |id, array| is_looked_at(&array.name) && !is_moment(plan, id));
}

fn is_moment(plan: &Plan, array: ArrayId) -> bool {
    plan.training().moments.iter().any(|moment| moment.id() == array)
}

/// Every array of learned delays after a training step, on every engine; hard spikes and soft ones, neurons around a word and
/// a workgroup.
#[test]
fn engines_against_the_oracle() {
    let found = adapter("delays");
    for (name, case) in cases() {
        for (soft, hidden) in [(0, 31), (0, 66), (1, 66)] {
            let (_, plan, data) = planned(&Case { hidden, ..case }, soft);
            let run = |engine: &mut dyn Engine| {
                load(engine, &plan, &data.train, SAMPLES);
                let still = Clock { learning_rate: 0.0, ..clock(SAMPLES) };
                engine.run(plan.program("train").unwrap(), &still, plan.steps).unwrap();
                engine.read_words(array(&plan, "hidden.spikes")).unwrap()
            };
            let mut oracle = Cpu::<f64>::new(&plan, Some(1), false);
            let spikes = run(&mut oracle);
            let operations = 2 * (12 * case.steps + PIXELS + hidden) + SAMPLES * case.steps;
            let mut check = |who: &str, engine: &mut dyn Engine| {
                poison(engine, &plan);
                assert_eq!(run(engine), spikes, "{name}, {who}: spikes");
                for (id, array) in plan.arrays.iter() {
                    let what = format!("{name}, soft {soft}, {who}: {}", array.name);
                    if !is_looked_at(&array.name) || is_moment(&plan, id) {
                        continue;
                    }
                    let id = match plan.arrays.handle(id) {
                        Handle::Reals(id) => id,
                        Handle::Words(id) => {
                            let wanted = oracle.read_words(id).unwrap();
                            assert_eq!(engine.read_words(id).unwrap(), wanted, "{what}");
                            continue;
                        }
                    };
                    // Sums over samples, steps and parts, whose terms may cancel.
                    let wanted = oracle.wide(id);
                    let terms = if array.name.contains("gradient") { 4.0 } else { 1.0 };
                    let close = tolerance(operations, terms * scale(&wanted));
                    assert_close(&what, &engine.read_reals(id).unwrap(), &wanted, close);
                }
            };
            check("f32", &mut Cpu::<f32>::new(&plan, Some(2), false));
            if let Some(found) = &found {
                check("wgsl", &mut gpu(found, &plan));
            }
        }
    }
}

/// What arrives is what the sources sent, in parts; whatever the kernel, the parts are one together, and in a test the spikes
/// come whole, as late as the rounded delay says.
#[test]
fn spikes_arrive_in_parts_and_in_tests_whole() {
    for kernel in ["Linear", "Gauss(sigma: 2)", "Gauss(sigma: 0.01, final: 0.001)"] {
        let delay = format!(
            "Dense, delay: Learn(initial: Linspace(from: 1.3, to: 4.4), max: 6, kernel: {kernel})"
        );
        let text = text(&PLAIN).replace("Dense, delay: 1", &delay);
        let (network, plan) = plan(&scene(&text), SAMPLES, PLAIN.steps, 0);
        let data = images(SAMPLES, PIXELS, 3);
        let delays = &network.projections[0].delays.as_ref().unwrap().start;
        let check = |who: &str, engine: &mut dyn Engine| {
            load(engine, &plan, &data.train, SAMPLES);
            let mut run = |program: &str| {
                engine.run(plan.program(program).unwrap(), &clock(SAMPLES), plan.steps).unwrap();
                let sent = engine.read_words(array(&plan, "in.spikes")).unwrap();
                let name = "in->hidden.delays.";
                let values = engine.read_reals(array(&plan, &format!("{name}values"))).unwrap();
                let taps = engine.read_reals(array(&plan, &format!("{name}taps"))).unwrap();
                (sent, values, taps)
            };
            let (sent, values, _) = run("evaluate");
            let rows = sent.len() / SAMPLES;
            let mut whole = vec![0.0; values.len()];
            for (b, t, i) in (0..SAMPLES)
                .flat_map(|b| (0..PLAIN.steps).map(move |t| (b, t)))
                .flat_map(|(b, t)| (0..PIXELS).map(move |i| (b, t, i)))
            {
                let late = t + delays[i].round() as usize;
                let row = b * rows + rows - PLAIN.steps + t;
                if sent[row] >> i & 1 == 1 && late < PLAIN.steps {
                    whole[(b * PLAIN.steps + late) * PIXELS + i] = 1.0;
                }
            }
            assert!(whole.contains(&1.0));
            assert_eq!(values, whole, "{kernel}, {who}");
            let (_, _, taps) = run("train");
            for (i, taps) in taps.chunks(taps.len() / PIXELS).enumerate() {
                let sum: f32 = taps.iter().sum();
                assert!((sum - 1.0).abs() < 1e-5, "{kernel}, {who}: {sum} of source {i}");
            }
        };
        check("oracle", &mut Cpu::<f64>::new(&plan, Some(1), false));
        check("f32", &mut Cpu::<f32>::new(&plan, Some(2), false));
        if let Some(found) = adapter("delays in tests") {
            check("wgsl", &mut gpu(&found, &plan));
        }
    }
}

/// Synapses of a source that all have its delay do what its delay does, in tests too; the gradient by the delay of a source is
/// the sum of those by the delays of its synapses.
#[test]
fn synapses_that_are_late_alike_are_as_their_sources() {
    const HIDDEN: usize = 70;
    let of_sources: Vec<String> =
        (0..PIXELS).map(|k| format!("{}", 1.3 + 0.27 * k as f64)).collect();
    let of_synapses: Vec<String> =
        of_sources.iter().flat_map(|delay| vec![delay.clone(); HIDDEN]).collect();
    for kernel in ["Linear", "Gauss(sigma: 1.5)"] {
        let run = |per: &str, delays: &[String]| {
            let delays = delays.join(", ");
            let learn = format!("Learn(per: {per}, initial: [{delays}], max: 6, kernel: {kernel})");
            let first = format!("Dense, delay: {learn}");
            let hidden = Case { hidden: HIDDEN, ..PLAIN };
            let text = text(&hidden).replace("Dense, delay: 1,", &format!("{first},"));
            let (network, plan) = plan(&scene(&text), SAMPLES, PLAIN.steps, 0);
            let data = images(SAMPLES, network.pixels(), 3);
            let mut engine = Cpu::<f64>::new(&plan, Some(1), false);
            load(&mut engine, &plan, &data.train, SAMPLES);
            let mut outputs = Vec::new();
            for program in ["evaluate", "train"] {
                let still = Clock { learning_rate: 0.0, ..clock(SAMPLES) };
                engine.run(plan.program(program).unwrap(), &still, plan.steps).unwrap();
                outputs.extend(engine.wide(array(&plan, "out.output")));
            }
            let training = plan.training();
            let ports = training.delays[0];
            let found = training.gradients.iter().find(|(_, of)| *of == ports.delays).unwrap();
            let by_delay = engine.wide(found.0);
            let by_weight = engine.wide(array(&plan, "in->hidden.gradient.0"));
            let sums: Vec<f64> = match per {
                "Source" => by_delay,
                _ => {
                    // In single precision there are no sums yet that could round.
                    let single: Vec<f32> = (0..by_delay.len()).map(|k| k as f32).collect();
                    let natural = training.weights[0].unpack(&[single]);
                    let of = |places: &[f32]| places.iter().map(|k| by_delay[*k as usize]).sum();
                    natural.chunks(HIDDEN).map(of).collect()
                }
            };
            (outputs, sums, by_weight)
        };
        let (sources, synapses) = (run("Source", &of_sources), run("Synapse", &of_synapses));
        let alike = |what: &str, a: &[f64], b: &[f64]| {
            assert!(scale(a) > 1e-9 && a.len() == b.len(), "{kernel}: {what}");
            for (a, b) in a.iter().zip(b) {
                let close = (a - b).abs() <= 1e-12 * scale(&[*a, *b, 1e-3]);
                assert!(close, "{kernel}: {what}: {a} of sources, {b} of synapses");
            }
        };
        alike("output", &sources.0, &synapses.0);
        alike("gradient by delays", &sources.1, &synapses.1);
        alike("gradient by weights", &sources.2, &synapses.2);
    }
}

/// Adam's first step is the learning rate times the sign of the gradient: here so large that delays end at a bound.
#[test]
fn delays_stay_within_their_bounds() {
    for per in ["Source", "Synapse"] {
        stay_within_their_bounds(per);
    }
}

fn stay_within_their_bounds(per: &str) {
    let first = format!("Dense, delay: Learn(per: {per}, initial: 3.3, max: 6)");
    let text = text(&PLAIN).replace("Dense, delay: 1,", &format!("{first},"));
    let (network, plan) = plan(&scene(&text), SAMPLES, PLAIN.steps, 0);
    let data = images(SAMPLES, network.pixels(), 3);
    let ports = plan.training().delays[0];
    let (gradient, _) =
        plan.training().gradients.iter().find(|(_, of)| *of == ports.delays).unwrap();
    let check = |who: &str, engine: &mut dyn Engine| {
        load(engine, &plan, &data.train, SAMPLES);
        let fast = Clock { learning_rate: 1.0, ..clock(SAMPLES) };
        engine.run(plan.program("train").unwrap(), &fast, plan.steps).unwrap();
        let delays = engine.read_reals(ports.delays).unwrap();
        let gradients = engine.read_reals(*gradient).unwrap();
        for (delay, gradient) in delays.iter().zip(gradients) {
            let wanted = match gradient {
                0.0 => 3.3,
                _ if gradient.abs() < 1e-5 => continue,
                _ if gradient > 0.0 => 1.0,
                _ => 6.0,
            };
            assert_eq!(*delay, wanted, "{who}: {gradient}");
        }
        assert!(delays.iter().any(|delay| *delay == 1.0 || *delay == 6.0), "{who}: {delays:?}");
    };
    check("oracle", &mut Cpu::<f64>::new(&plan, Some(1), false));
    check("f32", &mut Cpu::<f32>::new(&plan, Some(2), false));
    if let Some(found) = adapter("bounds of delays") {
        check("wgsl", &mut gpu(&found, &plan));
    }
}

/// A training leaves whole steps in its run folder; they are what it is asked with, and what another begins with; where
/// they do not learn, they stay.
#[test]
fn delays_are_kept() {
    let place = Place::new();
    let learn = "connect: Dense, delay: Learn(initial: Uniform(low: 1, high: 4), max: 6)";
    let first = r#"to: "hidden", connect: Dense"#;
    let text = edit(TRAINING, first, &format!(r#"to: "hidden", {learn}"#));
    fs::write(place.path("late.ron"), &text).unwrap();
    place.done("late.ron", "run", &["--set", "training.optimizer.lr=0.01"]);
    let delays = |out: &str, file: &str| {
        read_tensor(&place.path(&format!("{out}/{file}.safetensors")), "pixels->hidden.delay")
            .unwrap()
    };
    let learned = delays("run", "weights");
    assert_eq!(learned.len(), 36);
    assert!(learned.iter().all(|ms| ms.fract() == 0.0 && (1.0..=6.0).contains(ms)), "{learned:?}");
    assert!(place.path("run/figures/synapses-1.png").exists());

    let left = place.read("run/predictions.npz");
    fs::remove_file(place.path("run/predictions.npz")).unwrap();
    place.call(&arguments(&["predict", "run"], &[])).expect(0, "");
    assert!(place.read("run/predictions.npz") == left, "other answers");

    // They are what a later training begins with; frozen, or with a learning rate of 0, they stay.
    let later =
        edit(&text, "populations: {", "initial: \"run/weights.safetensors\", populations: {");
    fs::write(
        place.path("later.ron"),
        edit(&later, "batch: 8,", "batch: 8, freeze: [\"hidden\"],"),
    )
    .unwrap();
    place.done("later.ron", "frozen", &[]);
    assert_eq!(delays("frozen", "weights"), learned);
    let still = ["--set", "projections.0.delay.lr=0"];
    place.done("later.ron", "still", &[&still[..], &["--set", "training.freeze=[]"]].concat());
    assert_eq!(delays("still", "weights"), learned);
    // Drawn anew, they are as the first training drew them.
    let anew = ["--set", "reinit=[\"hidden\"]"];
    place.done(
        "later.ron",
        "anew",
        &[&still[..], &anew, &["--set", "training.freeze=[]"]].concat(),
    );
    place.done("late.ron", "drawn", &still);
    assert_eq!(delays("anew", "weights"), delays("drawn", "weights"));

    // Of synapses: by source, then target, on which panel of the weights they may lie.
    let each =
        "connect: Dense, delay: Learn(per: Synapse, initial: Linspace(from: 1, to: 6), max: 6)";
    let each = edit(TRAINING, first, &format!(r#"to: "hidden", {each}"#));
    fs::write(place.path("each.ron"), edit(&each, "size: 20", "size: 70")).unwrap();
    place.done("each.ron", "each-still", &still);
    let drawn = delays("each-still", "weights");
    let line = (0..36 * 70).map(|k| (1.0 + 5.0 * f64::from(k) / (36.0 * 70.0 - 1.0)).round());
    assert_eq!(drawn, line.collect::<Vec<_>>());
    place.done("each.ron", "each", &["--set", "training.optimizer.lr=0.01"]);
    let learned = delays("each", "weights");
    assert!(learned != drawn && learned.len() == 36 * 70);
    assert!(learned.iter().all(|ms| ms.fract() == 0.0 && (1.0..=6.0).contains(ms)));
    assert!(place.path("each/figures/synapses-1.png").exists());
    let left = place.read("each/predictions.npz");
    place.call(&arguments(&["predict", "each"], &[])).expect(0, "");
    assert!(place.read("each/predictions.npz") == left, "other answers");
    let again = edit(&each, "size: 20", "size: 70");
    let again = edit(&again, "populations: {", "initial: \"each\", populations: {");
    fs::write(place.path("again.ron"), again).unwrap();
    place.done("again.ron", "again", &still);
    assert_eq!(delays("again", "weights"), learned);
    // Weights of single pairs, from a file, are a list.
    let pairs = edit(TRAINING, first, r#"to: "hidden", connect: FixedInDegree(k: 5)"#);
    fs::write(place.path("pairs.ron"), pairs).unwrap();
    place.done("pairs.ron", "pairs", &["--set", "training.epochs=1"]);
    let listed = edit(&each, "populations: {", "initial: \"pairs\", populations: {");
    fs::write(place.path("listed.ron"), listed).unwrap();
    place.refuses_run("listed.ron", &[], 2, "`pixels->hidden` | all pairs | `per: Source`");
    // Those of sources are none of synapses.
    let other = edit(&each, "populations: {", "initial: \"run\", populations: {");
    fs::write(place.path("other.ron"), other).unwrap();
    place.refuses_run("other.ron", &[], 3, "delay` has 36 delays for 720 synapses");

    // Of another number of sources.
    let wider = edit(TRAINING, "size: 36", "size: 12");
    let shown = "window: 5, cutoff: 0.2), frames: 3, hold: 5";
    let wider = edit(&wider, "window: \"10 ms\", cutoff: 0.2)", shown);
    let wider = edit(&wider, first, &format!(r#"to: "hidden", {learn}"#));
    let wider = edit(&wider, "populations: {", "initial: \"run\", populations: {");
    fs::write(place.path("wider.ron"), wider).unwrap();
    place.refuses_run("wider.ron", &[], 3, "initial | delay` has 36 delays for 12 sources");
}
