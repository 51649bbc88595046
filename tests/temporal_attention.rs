//! Levels 2, 3, 5 and 6: temporal attention. Scores against their equation, gradients by differences and on every engine; what
//! is refused; what a run keeps; and that the frame which is asked for is found.

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
use neuralearn::plan::{Handle, Init, Plan, Reals};
use neuralearn::scene::load_str;
use place::{Place, TRAINING, arguments, edit};
use std::fs;
use std::path::Path;

const SAMPLES: usize = 4;
const PIXELS: usize = 13;
const FRAMES: usize = 4;
const HOLD: usize = 2;

/// A network of which some projections weigh frames.
#[derive(Clone, Copy)]
struct Case {
    encoder: &'static str,
    hidden: usize,
    /// Connection and attention of the input.
    first: &'static str,
    /// The same of what leaves the hidden neurons.
    second: &'static str,
    extra: &'static str,
    steps: usize,
}

/// Behind the last frame the window has three steps more, which are of that frame.
const PLAIN: Case = Case {
    encoder: "Latency(window: 2.0, cutoff: 0.1)",
    hidden: 5,
    first: "Dense, attention: (reduction: 1)",
    second: "Dense",
    extra: "",
    steps: FRAMES * HOLD + 3,
};

/// Attention to inputs that spike or have values, by each squeeze, behind a longer delay, through sparse synapses and a
/// convolution; to neurons through which gradients pass on, by way of what they send and of the scores; and two projections
/// of one source, of which each has its own.
fn cases() -> [(&'static str, Case); 9] {
    let values = "Constant(gain: 0.8)";
    let beside = r#"(name: "beside", from: "hidden", to: "out", connect: FixedInDegree(k: 3),
        weight: Kaiming(gain: 2), delay: 2, attention: (reduction: 1, squeeze: Max)),"#;
    let neurons = Case { first: "Dense", second: "Dense, attention: (reduction: 1)", ..PLAIN };
    let of_mean = "Dense, delay: 3, attention: (reduction: 1, squeeze: Mean)";
    let of_largest = "FixedInDegree(k: 5), attention: (reduction: 1, squeeze: Max)";
    [
        ("spikes", PLAIN),
        ("values", Case { encoder: values, ..PLAIN }),
        ("mean", Case { encoder: values, first: of_mean, ..PLAIN }),
        ("largest, sparse", Case { encoder: values, first: of_largest, ..PLAIN }),
        ("fewer units", Case { first: "Dense, attention: ()", ..PLAIN }),
        (
            "fixed weights",
            Case { first: "Dense, learn: Fixed, attention: (reduction: 1)", ..PLAIN },
        ),
        ("neurons", neurons),
        ("two of a source", Case { extra: beside, ..neurons }),
        ("both layers", Case { extra: beside, first: PLAIN.first, encoder: values, ..neurons }),
    ]
}

// Neurons have different currents: before anything arrives they would be alike, and the largest of equal activities has no
// derivative.
fn text(c: &Case) -> String {
    format!(
        r#"(version: 1, simulation: (dt: 1.0, seed: 3),
        populations: {{
            "in": (size: {PIXELS}, model: Images(encoder: {encoder}, frames: {FRAMES}, hold: {HOLD})),
            "hidden": (size: {hidden}, model: Lif(tau_m: 20, tau_syn: 5, t_ref: 0, i_e: Linspace(from: 0, to: 40))),
            "out": (size: 3, model: Readout(tau_m: 15, tau_syn: 4, i_e: 15)),
        }},
        projections: [
            (from: "in", to: "hidden", connect: {first}, weight: Kaiming(gain: 4)),
            (from: "hidden", to: "out", connect: {second}, weight: Kaiming(gain: 3)),
            {extra}
        ],
        training: (data: Arrays(train: "a.npz", test: "b.npz"), epochs: 1, batch: 4, steps: {steps},
            loss: SoftmaxCrossEntropy(), optimizer: Adam(lr: 0.001),
            surrogate: FastSigmoid(slope: 2), biases: true))"#,
        encoder = c.encoder,
        hidden = c.hidden,
        first = c.first,
        second = c.second,
        extra = c.extra,
        steps = c.steps,
    )
}

/// A convolution whose one place sees the first of two rows, while both count for the scores.
const CONVOLVED: &str = r#"(version: 1, simulation: (dt: 1.0, seed: 3),
    populations: {
        "in": (shape: [2, 6, 1], model: Images(encoder: Constant(gain: 0.8), frames: 4, hold: 2)),
        "hidden": (shape: [1, 1, 9], model: Lif(tau_m: 20, tau_syn: 5, t_ref: 0)),
        "out": (size: 3, model: Readout(tau_m: 15, tau_syn: 4, i_e: 15)),
    },
    projections: [
        (from: "in", to: "hidden", connect: Conv(kernel: [1, 6], stride: 2), weight: Kaiming(gain: 4),
            attention: (reduction: 1)),
        (from: "hidden", to: "out", connect: Dense, weight: Kaiming(gain: 3)),
    ],
    training: (data: Arrays(train: "a.npz", test: "b.npz"), epochs: 1, batch: 4, steps: 11,
        loss: SoftmaxCrossEntropy(), optimizer: Adam(lr: 0.001),
        surrogate: FastSigmoid(slope: 2), biases: true))"#;

/// Network, plan and samples of a scene.
fn planned(text: &str, soft: u32) -> (Network, Plan, Dataset) {
    let (network, plan) = plan(&scene(text), SAMPLES, PLAIN.steps, soft);
    let data = images(SAMPLES, network.pixels(), 3);
    (network, plan, data)
}

/// Shows the batch; nothing is changed.
fn show(engine: &mut dyn Engine, plan: &Plan, data: &Dataset) {
    load(engine, plan, &data.train, SAMPLES);
    let still = Clock { learning_rate: 0.0, ..clock(SAMPLES) };
    engine.run(plan.program("train").unwrap(), &still, plan.steps).unwrap();
}

/// Turns the first unit of each attention around: it lets nothing through.
fn silence(engine: &mut dyn Engine, plan: &Plan) {
    for ports in &plan.training().attention {
        let mut weights = engine.read_reals(ports.weights).unwrap();
        weights[..FRAMES].iter_mut().for_each(|w| *w = -*w);
        engine.write_reals(ports.weights, &weights).unwrap();
    }
}

/// All scores of spikes and of values, by loops over the equation; and what arrives is what was sent times these.
#[test]
fn scores_are_those_of_the_equation() {
    for (name, case) in cases().into_iter().take(5) {
        let (network, plan, data) = planned(&text(&case), 0);
        let mut oracle = Cpu::<f64>::new(&plan, Some(1), false);
        show(&mut oracle, &plan, &data);
        let rows = case.steps + plan.training().populations[0].history;
        let sent: Vec<f64> = match plan.training().populations[0].spikes {
            Some(spikes) => {
                let words = oracle.read_words(spikes.array).unwrap();
                let bits = |word: &u32| (0..PIXELS).map(|i| f64::from(word >> i & 1)).collect();
                words.iter().flat_map(|word| -> Vec<f64> { bits(word) }).collect()
            }
            None => oracle.wide(array(&plan, "in.values")),
        };
        let share = if network.populations[0].spikes() { 1.0 } else { 1.0 / HOLD as f64 };
        let attention = network.projections[0].attention.as_ref().unwrap();
        let hidden = attention.hidden;
        let (first, second) = attention.start.split_at(FRAMES * hidden);
        let counts = match case.first {
            first if first.contains("Mean") => [1.0, 0.0],
            first if first.contains("Max") => [0.0, 1.0],
            _ => [1.0, 1.0],
        };
        let scores = oracle.wide(array(&plan, "in->hidden.attention.scores"));
        let values = oracle.wide(array(&plan, "in->hidden.attention.values"));
        let mut apart = false;
        for b in 0..SAMPLES {
            let row = |t: usize| (b * rows + rows - case.steps + t) * PIXELS;
            let frame = |t: usize| (t / HOLD).min(FRAMES - 1);
            let activity = |f: usize, i: usize| {
                let steps = (0..case.steps).filter(|t| frame(*t) == f);
                share * steps.map(|t| sent[row(t) + i]).sum::<f64>()
            };
            let each = |f: usize| (0..PIXELS).map(move |i| activity(f, i));
            let mean = |f: usize| each(f).sum::<f64>() / PIXELS as f64;
            let largest = |f: usize| each(f).fold(f64::MIN, f64::max);
            let units = |j: usize| {
                let sum = |of: &dyn Fn(usize) -> f64| -> f64 {
                    (0..FRAMES).map(|f| first[j * FRAMES + f] * of(f)).sum::<f64>().max(0.0)
                };
                counts[0] * sum(&mean) + counts[1] * sum(&largest)
            };
            for f in 0..FRAMES {
                let z: f64 = (0..hidden).map(|j| second[f * hidden + j] * units(j)).sum();
                let (got, wanted) = (scores[b * FRAMES + f], 1.0 / (1.0 + (-z).exp()));
                assert!((got - wanted).abs() < 1e-12, "{name}: {got} is not {wanted}");
                apart |= (wanted - 0.5).abs() > 0.01;
            }
            for (t, i) in (0..case.steps).flat_map(|t| (0..PIXELS).map(move |i| (t, i))) {
                let wanted = scores[b * FRAMES + frame(t)] * sent[row(t) + i];
                assert!((values[row(t) + i] - wanted).abs() < 1e-12, "{name}");
            }
        }
        assert!(apart, "{name}: all scores are alike");
    }
}

fn central_differences(name: &str, text: &str) {
    let (_, plan, data) = planned(text, 1);
    let mut engine = Cpu::<f64>::new(&plan, Some(1), false);
    silence(&mut engine, &plan);
    let loss = |engine: &mut Cpu<'_, f64>| {
        show(engine, &plan, &data);
        let losses = engine.wide(array(&plan, "losses"));
        losses.iter().step_by(plan.training().slots).sum::<f64>() / SAMPLES as f64
    };
    loss(&mut engine);
    let learned =
        |array: Reals| plan.training().attention.iter().any(|ports| ports.weights == array);
    assert!(plan.training().gradients.iter().any(|(_, array)| learned(*array)), "{name}");
    let gradients = plan.training().gradients.clone();
    let analytic: Vec<_> = gradients.iter().map(|(gradient, _)| engine.wide(*gradient)).collect();
    for ((_, changed), analytic) in gradients.into_iter().zip(analytic) {
        let start = engine.wide(changed);
        let (largest, what) = (scale(&analytic), &plan.arrays[changed].name);
        assert!(largest > 1e-9, "{name}: no gradient reaches {what}");
        let h = if scale(&start) > 1e-9 { 1e-5 * scale(&start) } else { 1e-4 };
        for k in (0..start.len()).step_by((start.len() / 40).max(1)) {
            let mut at = |x: f64| {
                engine.numbers(changed)[k] = x;
                loss(&mut engine)
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

#[test]
fn oracle_against_central_differences() {
    for (name, case) in cases() {
        central_differences(name, &text(&case));
    }
    central_differences("convolved", CONVOLVED);
}

/// Fills what a run must write before it reads, of attention, with a number that spoils all it meets. Before the window
/// nothing is sent.
fn poison(engine: &mut dyn Engine, network: &Network, plan: &Plan) {
    for (id, array) in plan.arrays.iter() {
        let is_moment = plan.training().moments.iter().any(|moment| moment.id() == id);
        let is_made = matches!(array.init, Init::Zero) && !is_moment;
        if !is_made || !array.name.contains(".attention.") {
            continue;
        }
        let mut spoiled = vec![1e30; array.len];
        if array.name.ends_with(".values") {
            let name = array.name.trim_end_matches(".attention.values");
            let of = network.projections.iter().find(|p| p.name == name).unwrap();
            let before =
                plan.training().populations[of.from].history * network.populations[of.from].size;
            spoiled.chunks_mut(array.len / SAMPLES).for_each(|rows| rows[..before].fill(0.0));
        }
        match plan.arrays.handle(id) {
            Handle::Reals(id) => engine.write_reals(id, &spoiled).unwrap(),
            Handle::Words(id) => engine.write_words(id, &vec![0xDEAD_BEEF; array.len]).unwrap(),
        }
    }
}

/// Every array of attention after a training step, and every gradient, on every engine; hard spikes and soft ones, neurons
/// around a word and a workgroup.
#[test]
fn engines_against_the_oracle() {
    let found = adapter("temporal attention");
    let sizes = [(0, 31), (0, 66), (1, 66)];
    let all = cases().into_iter().flat_map(|(name, case)| {
        sizes.map(|(soft, hidden)| (name, text(&Case { hidden, ..case }), soft))
    });
    for (name, text, soft) in all.chain([("convolved", CONVOLVED.to_owned(), 0)]) {
        let (network, plan, data) = planned(&text, soft);
        let mut oracle = Cpu::<f64>::new(&plan, Some(1), false);
        silence(&mut oracle, &plan);
        show(&mut oracle, &plan, &data);
        let spikes = oracle.read_words(array(&plan, "hidden.spikes")).unwrap();
        let size = network.populations[1].size;
        let operations = 2 * (12 * PLAIN.steps + PIXELS + size) + SAMPLES * PLAIN.steps;
        let gradients: Vec<_> = plan.training().gradients.iter().map(|(g, _)| g.id()).collect();
        let mut check = |who: &str, engine: &mut dyn Engine| {
            poison(engine, &network, &plan);
            silence(engine, &plan);
            show(engine, &plan, &data);
            let got = engine.read_words(array(&plan, "hidden.spikes")).unwrap();
            assert_eq!(got, spikes, "{name}, {who}: spikes");
            for (id, array) in plan.arrays.iter() {
                let what = format!("{name}, soft {soft}, {who}: {}", array.name);
                let of_attention = array.name.contains(".attention.");
                let is_moment = plan.training().moments.iter().any(|moment| moment.id() == id);
                if is_moment || !(of_attention || gradients.contains(&id)) {
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
                // Sums over samples, steps and sources, whose terms may cancel.
                let wanted = oracle.wide(id);
                let is_bar = array.name.contains("gradient") || array.name.contains("bar");
                let terms = if is_bar { 4.0 } else { 1.0 };
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

#[test]
fn what_does_not_go_with_attention_is_refused() {
    let good = text(&PLAIN);
    for (from, to, words) in [
        (", frames: 4, hold: 2", "", "weighs frames, and samples are shown as one"),
        ("reduction: 1", "reduction: 5", "more than the 4 frames"),
        ("reduction: 1", "reduction: 0", "at least 1"),
        ("reduction: 1", "squeeze: Sum", "no choice `Sum`"),
        ("attention: (", "dropout: 0.1, attention: (", "does not go with `dropout`"),
        (
            "attention: (",
            "delay: Learn(initial: 1, max: 3), attention: (",
            "does not go with learned delays",
        ),
        (
            "attention: (",
            "short_term: (u: 0.5, tau_rec: 9), attention: (",
            "does not go with short-term plasticity",
        ),
        (
            "attention: (",
            "learn: Hebb(eta: 0.1, tau: 20, w_max: 100), attention: (",
            "does not go with a rule of plasticity",
        ),
        ("biases: true", "biases: true, learn: EventProp()", "this way to find gradients"),
        (
            "projections: [",
            r#"projections: [(from: "hidden", to: "hidden", connect: Dense, weight: 1, attention: ()),"#,
            "`hidden` gets back what `hidden` sends | still to come",
        ),
    ] {
        let error = match load_str("test.ron", &edit(&good, from, to), Path::new("."), &[]) {
            Ok(_) => panic!("`{to}` is taken"),
            Err(error) => error.to_string(),
        };
        for word in words.split(" | ") {
            assert!(error.contains(word), "`{word}` is not in\n{error}");
        }
    }
    let simulation = r#"(version: 1, simulation: (dt: 1, duration: 5),
        populations: {"a": (size: 9, model: Poisson(rate: 9)), "b": (size: 9, model: Lif())},
        projections: [(from: "a", to: "b", connect: Dense, weight: 1, attention: ())])"#;
    let error = load_str("test.ron", simulation, Path::new("."), &[]).err().unwrap().to_string();
    assert!(error.contains("attention is learned in a training by gradients"), "{error}");
}

/// Images of 6 x 6, one after the other, with their marks; the neurons see no mark, the scores do.
const STREAMS: &str = r#"(
    version: 1,
    simulation: (dt: 1.0, seed: 1),
    populations: {
        "stream": (shape: [7, 1, 6], model: Images(encoder: Constant(gain: 2), frames: 3, hold: 4)),
        "hidden": (shape: [1, 1, 30], model: Lif(tau_m: 10, tau_syn: 2, t_ref: 0)),
        "classes": (size: 3, model: Readout(tau_m: 20, tau_syn: 5)),
    },
    projections: [
        (name: "seen", from: "stream", to: "hidden", connect: Conv(kernel: [6, 1], stride: 2), weight: Kaiming(gain: 1.4),
            attention: (reduction: 1)),
        (from: "hidden", to: "classes", connect: Dense, weight: Kaiming(gain: 1.0)),
    ],
    training: (
        data: Streams(dir: "data", frames: 3, train: 960, test: 300), epochs: 8, batch: 16, steps: 14,
        loss: SoftmaxCrossEntropy(), optimizer: Adam(lr: 0.02), surrogate: FastSigmoid(slope: 5), biases: true,
    ),
)"#;

/// With attention a network tells the image of three that is marked. Without it a third is all that can be, since each is of
/// another class.
#[test]
fn the_frame_that_is_asked_for_is_found() {
    let place = Place::new();
    fs::write(place.path("streams.ron"), STREAMS).unwrap();
    let training = place.done("streams.ron", "run", &[])["training"].clone();
    let accuracy = training["best_test_accuracy"].as_f64().unwrap();
    let told = &training["attention"]["seen"];
    let ratio = told["ratio"].as_f64().unwrap();
    // The marked frame may be told apart by weighing it down too.
    assert!(accuracy > 0.8 && !(0.67..=1.5).contains(&ratio), "{accuracy}, {ratio}");
    assert_eq!(told["mean"].as_array().unwrap().len(), 3);
    let plain = edit(STREAMS, "\n            attention: (reduction: 1)", "");
    fs::write(place.path("plain.ron"), plain).unwrap();
    let training = place.done("plain.ron", "plain", &[])["training"].clone();
    let accuracy = training["best_test_accuracy"].as_f64().unwrap();
    // Five standard deviations of 300 samples are 14 %.
    assert!(accuracy < 0.48, "{accuracy}");
    assert!(training["attention"].is_null());
    place
        .call(&arguments(&["predict", "run", "--data", "data", "--out", "again"], &[]))
        .expect(0, "");
    for (set, code, words) in [
        ("training.data.frames=2", 2, "populations.stream.model.frames | 2 frames, not 3"),
        ("training.data.train=100000000000", 3, "streams of 3 x 7 x 6 numbers are too many"),
        ("training.data.augment=Shift(1)", 2, "away from where their cue is"),
    ] {
        place.refuses_run("streams.ron", &["--set", set], code, words);
    }
}

/// A training leaves its weights and scores in its run folder; it goes on, when it was half as long, to the same bits; other
/// trainings begin with them, and where they do not learn, they stay.
#[test]
fn attention_is_kept() {
    let place = Place::new();
    let shown = "window: 5, cutoff: 0.2), frames: 3, hold: 5";
    let text = edit(TRAINING, "size: 36", "shape: [2, 6, 1]");
    let text = edit(&text, "window: \"10 ms\", cutoff: 0.2)", shown);
    let first = r#"to: "hidden", connect: Dense"#;
    let text = edit(&text, first, &format!("{first}, attention: (reduction: 1)"));
    fs::write(place.path("weighed.ron"), &text).unwrap();
    place.done("weighed.ron", "run", &[]);
    let weights = |out: &str| {
        [0, 1].map(|part| {
            let name = format!("pixels->hidden.attention.{part}");
            read_tensor(&place.path(&format!("{out}/weights.safetensors")), &name).unwrap()
        })
    };
    let learned = weights("run");
    assert_eq!(learned.each_ref().map(Vec::len), [9, 9]);
    assert!(place.path("run/figures/attention-1.png").exists());

    let left = place.read("run/predictions.npz");
    fs::remove_file(place.path("run/predictions.npz")).unwrap();
    place.call(&arguments(&["predict", "run"], &[])).expect(0, "");
    assert!(place.read("run/predictions.npz") == left, "other answers");
    let name = "attention.pixels->hidden";
    let (shape, scores) =
        neuralearn::files::read_array::<f32>(&place.path("run/predictions.npz"), name).unwrap();
    assert_eq!(shape, [21, 3]);
    assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)), "{scores:?}");

    place.done("weighed.ron", "half", &["--set", "training.epochs=2"]);
    assert_ne!(weights("half"), learned);
    let longer = ["--resume", "half", "--set", "training.epochs=4"];
    place.call(&arguments(&longer, &[])).expect(0, "");
    assert_eq!(weights("half"), learned);

    // They are what a later training begins with; frozen, they stay.
    let later =
        edit(&text, "populations: {", "initial: \"run/weights.safetensors\", populations: {");
    fs::write(place.path("later.ron"), &later).unwrap();
    place.done("later.ron", "frozen", &["--set", "training.freeze=[\"hidden\"]"]);
    assert_eq!(weights("frozen"), learned);
    // Drawn anew, they are as the first training drew them.
    let frozen = "training.freeze=[\"hidden\"]";
    place.done("later.ron", "anew", &["--set", frozen, "--set", "reinit=[\"hidden\"]"]);
    place.done("weighed.ron", "drawn", &["--set", frozen]);
    assert_eq!(weights("anew"), weights("drawn"));
    assert_ne!(weights("anew"), learned);

    // Of another number of units.
    let words = "initial | attention.0` has 9 weights, and 3 are needed";
    place.refuses_run("later.ron", &["--set", "projections.0.attention.reduction=2"], 3, words);
}
