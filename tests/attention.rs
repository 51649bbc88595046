//! Levels 3, 4 and 6: modulators of trainings, against their equation and against simulations; parts of samples; what is
//! refused of both; and that a network tells the image that it is told to, the wrong one too.

mod common;
#[path = "common/place.rs"]
mod place;

use common::*;
use neuralearn::engine::Engine;
use neuralearn::engine::cpu::Cpu;
use neuralearn::plan::{Launch, Plan, Stage};
use neuralearn::scene::load_str;
use place::{Place, edit};
use std::fs;
use std::path::Path;

const N: usize = 75;
const STEPS: usize = 9;
const CUES: [(&str, usize, f64); 2] = [("cue", 40, 0.05), ("clock", 3, 0.2)];

const GATED: &str = r#"(version: 1, simulation: (dt: 1.0, seed: 3),
    populations: {
        "in": (size: 5, model: Images(encoder: Latency(window: 4.0))),
        "cue": (size: 40, model: Images(encoder: Latency(window: 4.0), part: (columns: (from: 0, to: 40)))),
        "clock": (size: 3, model: Poisson(rate: 100)),
        "hidden": (size: 75, model: Lif(receptors: {"a": Exp(tau: 5), "b": Exp(tau: 2)})),
        "out": (size: 3, model: Readout(tau_m: 15)) },
    projections: [
        (from: "cue", to: "hidden", connect: Dense, weight: Kaiming(), receptor: "a", delay: 2),
        (from: "in", to: "hidden", connect: Dense, weight: Kaiming(), receptor: "b"),
        (from: "hidden", to: "out", connect: Dense, weight: Kaiming())],
    modulators: {"m": (tau: 4, baseline: 0.5,
        release: [Events(times: [0, 3, 3], amount: 0.7), Spikes(population: "cue", amount: 0.05),
            Spikes(population: "clock", amount: 0.2)],
        effects: [Gain(population: "hidden", receptor: "b", neurons: (from: 3, to: 70), slope: -0.8)])},
    training: (data: Mnist(dir: "."), epochs: 1, batch: 3, steps: 9,
        loss: SoftmaxCrossEntropy(), optimizer: Sgd(lr: 0.1)))"#;

/// A plan whose program `evaluate` has only what makes concentrations and gains.
fn gains_alone(mut plan: Plan) -> Plan {
    let kernels = ["train/concentration", "train/gain"];
    let program = plan.program("evaluate").unwrap();
    let stages = &mut plan.programs[program.index()].stages;
    let launches = stages.iter().flat_map(|stage| stage.launches());
    let kept = |launch: &&Launch| kernels.contains(&launch.kernel.name);
    *stages = vec![Stage::Whole(launches.filter(kept).cloned().collect())];
    plan
}

/// Two of three samples, with spikes of two populations, what is released at the start and later; of the rows of two
/// receptors a part of one is multiplied.
#[test]
fn concentrations_and_gains_are_those_of_the_equation() {
    let plan = gains_alone(plan(&scene(GATED), 3, STEPS, 0).1);
    let history = |name: &str| if name == "cue" { 2 } else { 0 };
    let spikes = CUES.map(|(name, n, _)| {
        let rows = 3 * (history(name) + STEPS);
        let fires: Vec<bool> = noise(rows * n, 1.0, n as u32).iter().map(|x| *x > 0.7).collect();
        (name, n, fires)
    });
    let words = |n: usize, fires: &[bool]| -> Vec<u32> {
        let word =
            |bits: &[bool]| (0..).zip(bits).fold(0, |word, (k, bit)| word | u32::from(*bit) << k);
        fires.chunks(n).flat_map(|row| row.chunks(32).map(word).collect::<Vec<_>>()).collect()
    };
    let arrivals: Vec<f32> = noise(3 * STEPS * 2 * N, 100.0, 1).iter().map(|x| *x as f32).collect();
    // As the equation has it.
    let mut acting = [[0.0; STEPS]; 2];
    for (b, acting) in acting.iter_mut().enumerate() {
        let mut d = 0.7;
        for (t, acting) in acting.iter_mut().enumerate() {
            *acting = d;
            let mut released = if t == 2 { 1.4 } else { 0.0 };
            for ((name, n, fires), (.., amount)) in spikes.iter().zip(CUES) {
                let row = b * (history(name) + STEPS) + history(name) + t;
                let count = fires[row * n..][..*n].iter().filter(|fires| **fires).count();
                released += amount * count as f64;
            }
            d = d * (-1f64 / 4.0).exp() + released;
        }
    }
    let gain = |row: usize| match row / STEPS {
        b @ 0..2 => (1.0 - 0.8 * acting[b][row % STEPS]).max(0.0),
        _ => 1.0,
    };
    let gains: Vec<f64> = (0..2 * STEPS).map(gain).collect();
    assert!(
        gains.contains(&0.0) && gains.iter().any(|gain| (0.1..0.9).contains(gain)),
        "{gains:?}"
    );
    let check = |who: &str, engine: &mut dyn Exact| {
        for (name, n, fires) in &spikes {
            let array = array(&plan, &format!("{name}.spikes"));
            engine.write_words(array, &words(*n, fires)).unwrap();
        }
        let (of_m, inbox) = (array(&plan, "m.acting"), array(&plan, "hidden.inbox"));
        engine.write_reals(of_m, &[1e30; 3 * STEPS]).unwrap();
        engine.write_reals(inbox, &arrivals).unwrap();
        engine.run(plan.program("evaluate").unwrap(), &clock(2), STEPS).unwrap();
        let close = |got: f64, want: f64, size: f64| {
            let error = if who == "oracle" { 1e-13 * size } else { tolerance(6 * STEPS, size) };
            (got - want).abs() <= error
        };
        let found = engine.exact(of_m);
        for (got, want) in found.iter().zip(acting.as_flattened()) {
            assert!(close(*got, *want, 4.0), "{who}: {got} is not {want}");
        }
        for (k, (got, before)) in engine.exact(inbox).iter().zip(&arrivals).enumerate() {
            let (row, place) = (k / (2 * N), k % (2 * N));
            let factor = if (N + 3..N + 70).contains(&place) { gain(row) } else { 1.0 };
            let want = factor * f64::from(*before);
            assert!(close(*got, want, 400.0), "{who}, row {row}, {place}: {got} is not {want}");
        }
    };
    check("oracle", &mut Cpu::<f64>::new(&plan, Some(1), false));
    check("f32", &mut Cpu::<f32>::new(&plan, Some(2), false));
    if let Some(found) = adapter("gains") {
        check("wgsl", &mut gpu(&found, &plan));
    }
}

/// The same words are the same thing in both: neurons spike in the same steps.
#[test]
fn a_training_has_the_gains_of_a_simulation() {
    const LENGTH: usize = 60;
    let times: Vec<String> = (1..29).map(|k| (2 * k).to_string()).collect();
    let network = |slope: f64| {
        let modulators = format!(
            r#""m": (tau: 15, release: [Spikes(population: "cue", amount: 0.4), Events(times: [40], amount: 0.5)],
                effects: [Gain(population: "hidden", receptor: "a", slope: {slope})])"#
        );
        let populations = format!(
            r#""cue": (size: 2, model: Spikes(times: [[10, 12], [11]])),
               "drive": (size: 1, model: Spikes(times: [[{}]])),
               "hidden": (size: 3, model: Lif(tau_m: 10, t_ref: 2,
                    receptors: {{"a": Exp(tau: 5), "b": Exp(tau: 3)}}))"#,
            times.join(", ")
        );
        let projections = r#"
            (from: "drive", to: "hidden", connect: Dense, weight: [250, 330, 410], receptor: "a", delay: 2),
            (name: "other", from: "drive", to: "hidden", connect: Dense, weight: 20, receptor: "b")"#;
        (populations, projections, modulators)
    };
    let in_simulation = |slope: f64| {
        let (populations, projections, modulators) = network(slope);
        let done = simulated(&format!(
            r#"(version: 1, simulation: (dt: 1, duration: {LENGTH}), populations: {{{populations}}},
                projections: [{projections}], modulators: {{{modulators}}})"#
        ))
        .solve();
        let mut spikes = done.spikes("hidden").to_vec();
        spikes.sort_unstable();
        spikes
    };
    let in_training = |slope: f64| {
        let (populations, projections, modulators) = network(slope);
        let scene = scene(&format!(
            r#"(version: 1, simulation: (dt: 1), populations: {{{populations},
                    "in": (size: 4, model: Images(encoder: Constant(gain: 1))),
                    "out": (size: 2, model: Readout())}},
                projections: [{projections},
                    (from: "in", to: "out", connect: Dense, weight: Kaiming()),
                    (from: "hidden", to: "out", connect: Dense, weight: Kaiming())],
                modulators: {{{modulators}}},
                training: (data: Mnist(dir: "."), epochs: 1, batch: 1, steps: {LENGTH}, loss: SoftmaxCrossEntropy(),
                    optimizer: Sgd(lr: 0.1)))"#
        ));
        let plan = plan(&scene, 1, LENGTH, 0).1;
        let mut engine = Cpu::<f64>::new(&plan, Some(1), false);
        load(&mut engine, &plan, &images(1, 4, 2).train, 1);
        engine.run(plan.program("evaluate").unwrap(), &clock(1), LENGTH).unwrap();
        let port = plan.training().populations[2];
        let rows = engine.read_words(port.spikes.unwrap().array).unwrap();
        let row = |step: u64| rows[port.history + step as usize];
        let spikes = (0..LENGTH as u64).flat_map(|step| (0..3).map(move |id| (step, id)));
        spikes.filter(|(step, id)| row(*step) >> id & 1 == 1).collect::<Vec<(u64, u32)>>()
    };
    let plain = in_simulation(0.0);
    assert!(plain.len() > 9, "{plain:?}");
    for slope in [0.0, -0.6, -3.0, 1.5] {
        let spikes = in_simulation(slope);
        assert_eq!(in_training(slope), spikes, "slope {slope}");
        assert_eq!(spikes == plain, slope == 0.0, "slope {slope} does nothing");
    }
}

/// What trainings do not know of modulators, what simulations do not, and parts that nothing shows.
#[test]
fn what_cannot_be_is_refused() {
    let refusal = |text: &str| {
        let judged = load_str("test.ron", text, Path::new("."), &[]);
        let error = judged.err().unwrap_or_else(|| panic!("accepted: {text}"));
        let said = error.problems.iter().map(|p| format!("{}; {:?}\n", p.message, p.help));
        said.collect::<String>()
    };
    let gain =
        "Gain(population: \"hidden\", receptor: \"b\", neurons: (from: 3, to: 70), slope: -0.8)";
    let cue = "part: (columns: (from: 0, to: 40))";
    for (from, to, words) in [
        (gain, "", "in a training it does nothing | Gain(...)"),
        (
            gain,
            "Threshold(population: \"hidden\", slope: 1)",
            "`Threshold` does not go with | use `Gain`",
        ),
        ("receptor: \"b\", neurons", "receptor: \"c\", neurons", "`hidden` has no receptor `c`"),
        ("to: 70)", "to: 76)", "from 3 to 76 there are none of the 75 neurons"),
        ("from: 3, to", "from: 70, to", "from 70 to 70"),
        (
            "Spikes(population: \"cue\"",
            "Spikes(population: \"hidden\"",
            "`hidden` gets back what it acts on | from which nothing leads back",
        ),
        (
            "Spikes(population: \"cue\"",
            "Spikes(population: \"out\"",
            "`out` sends nothing | neurons release it that spike",
        ),
        (
            "Latency(window: 4.0), part",
            "Constant(), hold: 9, part",
            "`cue` sends values | `Poisson` or `Latency`",
        ),
        (
            "Events(times: [0, 3, 3], amount: 0.7)",
            "Pair(projection: \"in->hidden\", synapse: 0, within: 10, low: 1, high: 2, amount: 1)",
            "`Pair` does not go with",
        ),
        (
            "weight: Kaiming(), receptor: \"b\"",
            "weight: Kaiming(), receptor: \"a\"",
            "nothing arrives at `b` of `hidden`",
        ),
        (cue, "frames: 3, part: ()", "these samples are frames"),
        (&format!(", {cue}"), "", "one population of `Images`, there are `in`, `cue`"),
        (
            "optimizer: Sgd",
            "tests: {\"wrong\": (miscue: 1)}, optimizer: Sgd",
            "no cue, which those of `Pairs` have",
        ),
        (
            "(dir: \".\")",
            "(dir: \".\", augment: Miscue(0.5))",
            "no cue, which those of `Pairs` have",
        ),
        (
            "Mnist(dir: \".\")",
            "Pairs(dir: \".\", augment: Shift(2))",
            "away from where their cue is",
        ),
    ] {
        let error = refusal(&edit(GATED, from, to));
        for word in words.split(" | ") {
            assert!(error.contains(word), "`{word}` is not in\n{error}");
        }
    }
    let constant =
        edit(GATED, "Latency(window: 4.0))),\n        \"cue\"", "Constant())),\n        \"cue\"");
    let constant = edit(&constant, "weight: Kaiming(), receptor: \"b\"", "weight: Kaiming()");
    let error = refusal(&constant);
    assert!(error.contains("`in->hidden` brings `hidden` a constant current"), "{error}");
    let simulation = r#"(version: 1, simulation: (dt: 1, duration: 5), populations: {"hidden": (size: 9, model: Lif())},
        modulators: {"m": (tau: 1, effects: [Gain(population: "hidden", neurons: (from: 0, to: 4), slope: 1)])})"#;
    let error = refusal(simulation);
    assert!(error.contains("all neurons of a population have one gain"), "{error}");
}

/// Pairs of images of 6 x 6, and the row of the cue.
const PAIRS: &str = r#"(
    version: 1,
    simulation: (dt: 1.0, seed: 1),
    populations: {
        "left": (size: 36, model: Images(encoder: Latency(window: 10), part: (rows: (from: 0, to: 6), columns: (from: 0, to: 6)))),
        "right": (size: 36, model: Images(encoder: Latency(window: 10), part: (rows: (from: 0, to: 6), columns: (from: 6, to: 12)))),
        "cue_left": (size: 6, model: Images(encoder: Latency(window: 10), part: (rows: (from: 6, to: 7), columns: (from: 0, to: 6)))),
        "cue_right": (size: 6, model: Images(encoder: Latency(window: 10), part: (rows: (from: 6, to: 7), columns: (from: 6, to: 12)))),
        "hidden": (size: 30, model: Lif(tau_m: 20, receptors: {"left": Exp(tau: 5), "right": Exp(tau: 5)})),
        "classes": (size: 3, model: Readout(tau_m: 20, tau_syn: 5)),
    },
    projections: [
        (from: "left", to: "hidden", connect: Dense, weight: Kaiming(gain: 1.4), receptor: "left"),
        (from: "right", to: "hidden", connect: Dense, weight: Kaiming(gain: 1.4), receptor: "right"),
        (from: "hidden", to: "classes", connect: Dense, weight: Kaiming(gain: 1.0)),
    ],
    modulators: {
        "to_left": (tau: 50, release: [Spikes(population: "cue_left", amount: 0.5)],
            effects: [Gain(population: "hidden", receptor: "right", slope: -1)]),
        "to_right": (tau: 50, release: [Spikes(population: "cue_right", amount: 0.5)],
            effects: [Gain(population: "hidden", receptor: "left", slope: -1)]),
    },
    training: (
        data: Pairs(dir: "data", train: 480, test: 300), epochs: 6, batch: 16, steps: 15,
        loss: SoftmaxCrossEntropy(), optimizer: Adam(lr: 0.02), biases: true, tests: {"invalid": (miscue: 1)},
    ),
)"#;

/// With a gain by the cue a network tells the image of three that is asked for, and where the cue is wrong the other one;
/// without it two thirds are all that can be.
#[test]
fn a_network_tells_what_it_is_told_to_look_at() {
    let place = Place::new();
    fs::write(place.path("pairs.ron"), PAIRS).unwrap();
    let told = |out: &str, more: &[&str]| {
        let training = place.done("pairs.ron", out, more)["training"].clone();
        let invalid = training["tests"]["invalid"]["accuracy"].as_f64().unwrap();
        [training["best_test_accuracy"].as_f64().unwrap(), invalid]
    };
    let off = ["left", "right"].map(|side| format!("modulators.to_{side}.effects.0.slope=0"));
    let [valid, invalid] = told("gain", &[]);
    let [blind, same] = told("none", &["--set", &off[0], "--set", &off[1]]);
    // Five standard deviations of 300 samples are 14 %.
    assert!(valid > 0.9 && invalid < 0.48, "{valid}, {invalid}");
    assert!(blind < 0.81 && same < 0.81, "{blind}, {same}");
    for more in [&["predict", "gain"][..], &["predict", "gain", "--data", "data", "--out", "again"]]
    {
        place.call(&place::arguments(more, &[])).expect(0, "");
    }
    for (set, words) in [
        ("populations.left.size=35", "populations.left.size | 6 rows and 6 columns | set it to 36"),
        (
            "populations.left.model.part.rows.to=8",
            "populations.left.model.part | 7 rows and 12 columns",
        ),
        (
            "populations.left.model.part.columns.from=6",
            "populations.left.model.part | no such part",
        ),
        ("training.data.train=100000000000", "pairs of 7 x 12 numbers are too many"),
    ] {
        let code = if set.starts_with("training") { 3 } else { 2 };
        place.refuses_run("pairs.ron", &["--set", set], code, words);
    }
}
