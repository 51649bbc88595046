//! Tests of the file above.

use super::super::{
    Connect, Data, Delay, Model, Ms, Named, Param, Population, Projection, Quantity, Several, Um,
    Weight,
};
use super::*;
use crate::network::connect::dense::Dense;
use crate::network::connect::fixed_probability::FixedProbability;
use crate::network::connect::list::List;
use crate::network::delay::{distance::Distance, normal::Normal, uniform::Uniform};
use crate::network::weight::kaiming::Kaiming;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

const SIMULATION: &str = r#"(
    version: 1,
    simulation: (dt: 0.1, duration: 100.0, seed: 7),
    populations: {
        "noise": (size: 10, model: Poisson(rate: "1 kHz")),
        "exc": (n: 80, model: Lif(
            tau_m: Normal(mean: 20, std: 2), // ms
            C_m: "0.25 nF",
            v_th: -50.0, v_reset: -60, t_ref: 2,
        )),
        "out": (size: 2, model: Readout()),
    },
    projections: [
        (from: "noise", to: "exc", connect: Dense, weight: 20.0),
        (from: "exc", to: "exc", connect: FixedInDegree(k: 8, autapses: false, multapses: false),
         weight: Uniform(low: 1, high: 2), delay: 1.5, learn: Fixed),
        (pre: "exc", post: "out", connect: FixedProbability(p: 0.5), weight: File("w.safetensors")),
    ],
    record: (spikes: ["exc"], traces: [(population: "exc", ids: [0, 1], every: 0.5)]),
)
"#;

const SPACE: &str = r#"(
    version: 1,
    simulation: (dt: 0.1, duration: 100.0),
    populations: {
        "sheet": (size: 60, positions: Grid(shape: [10, 6], spacing: "50 um"), model: Lif()),
        "cloud": (
            size: 60,
            positions: Uniform(extent: ["0.5 mm", 300], origin: [0, -150]),
            model: Lif(),
        ),
        "block": (size: 8, positions: Grid(shape: [2, 2, 2], spacing: 9), model: Lif()),
        "noise": (size: 7, model: Poisson(rate: 10)),
    },
    projections: [
        (name: "near", from: "sheet", to: "cloud", connect: Distance(
            kernel: Gaussian(p: 0.3, sigma: 100),
            autapses: false, max_distance: "0.3 mm", periodic: true, extent: [500, 301],
        ), weight: Normal(mean: 20, std: 5, min: 0, max: 41), delay: Distance(offset: 0.5, velocity: 0.3)),
        (from: "cloud", to: "sheet", connect: OneToOne, weight: 1,
         delay: Normal(mean: 1.5, std: 0.7, min: 0.4, max: 3)),
        (from: "noise", to: "cloud", connect: FixedOutDegree(outdegree: 59, multapses: false),
         weight: 1, delay: Uniform(low: 1.0, high: 2.0)),
        (from: "noise", to: "sheet", connect: FixedTotalNumber(n: 420, multapses: false), weight: 1),
        (from: "noise", to: "block", connect: List("pairs.npy"), weight: 1),
    ],
)
"#;

const LEARNING: &str = r#"(
    version: 1,
    simulation: (dt: 0.1, duration: 100),
    populations: {
        "in": (size: 20, model: Poisson(rate: 10)),
        "out": (size: 10, model: Lif(receptors: {"ex": Exp(tau: 5, e_rev: 0), "cur": Exp(tau: 5)})),
    },
    projections: [
        (name: "p", from: "in", to: "out", connect: Dense, weight: Uniform(low: 0, high: 0.5), delay: 1,
            learn: Stdp(w_min: 0, w_max: 1, tau_plus: 20, dendritic: 0.5, mu_plus: 1,
                eligibility: (modulator: "dopamine", tau: 1000, every: 10)),
            normalize: (sum: 5, every: 50)),
        (name: "q", from: "out", to: "out", receptor: "cur", connect: FixedProbability(p: 0.5),
            weight: 3, short_term: (u: 0.5, tau_rec: 100)),
    ],
    modulators: {
        "dopamine": (tau: 200, release: [Events(times: [10, 20], amount: 1),
            Pair(projection: "p", synapse: 3, within: 10, low: 20, high: 30, amount: 0.5)]),
    },
    record: (weights: [(projection: "p", every: 1)], modulators: 2),
)"#;

const TRAINING: &str = r#"(
    version: 1,
    simulation: (dt: 1),
    populations: {
        "image": (size: 784, model: Images(encoder: Constant(gain: 2))),
        "hidden": (size: 100, model: Lif()),
        "label": (size: 10, model: Readout()),
    },
    projections: [
        (from: "image", to: "hidden", connect: Dense, weight: Kaiming()),
        (from: "hidden", to: "label", connect: Dense, weight: Kaiming(gain: 1), learn: Backprop),
    ],
    training: (
        data: Mnist(dir: "mnist"),
        epochs: 5, batch: 100, steps: 25,
        loss: SoftmaxCrossEntropy(),
        optimizer: Adam(lr: 0.001),
        schedule: Cosine(floor: 0.1),
        surrogate: StraightThrough,
    ),
)
"#;

fn read_text(text: &str) -> Result<(Scene, Source, Vec<Warning>), Box<SceneError>> {
    load_str("test.ron", text, Path::new("/scenes"), &[])
}

fn read_with(text: &str, changes: &[&str]) -> Result<Scene, Box<SceneError>> {
    let overrides: Vec<Override> = changes.iter().map(|change| change.parse().unwrap()).collect();
    load_str("test.ron", text, Path::new("/scenes"), &overrides).map(|(scene, _, _)| scene)
}

fn edited(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "`{from}` is not there once");
    text.replace(from, to)
}

/// Makes each edit alone, and wants exactly one problem, at that place, with those words.
fn expect_problems(text: &str, table: &[(&str, &str, &str, &str)]) {
    for (from, to, at, words) in table {
        let text = edited(text, from, to);
        let error = read_text(&text).expect_err(to);
        assert_eq!(error.problems.len(), 1, "{to}:\n{error}");
        let problem = &error.problems[0];
        let said = format!("{} {}", problem.message, problem.help.clone().unwrap_or_default());
        for word in words.split(" | ") {
            assert!(said.contains(word), "{to}: `{word}` is not in\n{error}");
        }
        let span = problem.span.clone().unwrap();
        assert!(text[span.start..].starts_with(at), "{to}: not at `{at}`:\n{error}");
        let line = text[..span.start].matches('\n').count() + 1;
        let column = text[..span.start].chars().rev().take_while(|c| *c != '\n').count() + 1;
        let place = format!("test.ron:{line}:{column}");
        assert!(error.to_string().contains(&place), "{to}: `{place}` is not in\n{error}");
    }
}

#[test]
fn fields_are_found_by_any_spelling() {
    let text = "(learn: Clopath(V_clamp: 33), model: Adex(v_spike: 1, E_L: -70))";
    let tree = scan(text).unwrap();
    for (path, value) in [
        ("learn.v_spike", "33"),
        ("learn.V_clamp", "33"),
        ("model.v_peak", "1"),
        ("model.V_peak", "1"),
        ("model.e_l", "-70"),
        ("model.v_rest", "-70"),
    ] {
        let (trail, rest) = tree.follow(path, &same);
        assert_eq!(rest, "", "{path}");
        assert_eq!(&text[trail.last().unwrap().node.span.clone()], value, "{path}");
    }
}

#[test]
fn good_scenes_load_without_a_warning() {
    let (scene, source, warnings) = read_text(SIMULATION).unwrap();
    assert_eq!(warnings, []);
    assert_eq!(scene.projections[0].weight, Weight::Constant(Quantity::new(20.0)));
    assert_eq!(
        scene.projections[2].weight,
        Weight::File(source.resolve(Path::new("w.safetensors")))
    );
    assert!(source.dir.is_absolute() && source.dir.ends_with("scenes"));
    let (scene, source, warnings) = read_text(SPACE).unwrap();
    assert_eq!(warnings, []);
    let pairs = source.resolve(Path::new("pairs.npy"));
    assert_eq!(scene.projections[4].connect, Connect::List(List(pairs)));
    let (scene, source, warnings) = read_text(TRAINING).unwrap();
    assert_eq!(warnings, []);
    let dir = source.dir.join("mnist");
    let (classes, per_class, augment) = (None, None, Several(vec![]));
    let wanted = Data::Mnist { dir, classes, per_class, drawn: false, augment };
    assert_eq!(scene.training.unwrap().data, Some(wanted));
}

#[test]
fn the_effective_scene_reads_back_as_itself() {
    let data =
        "Idx(dir: \"mnist\", classes: [3, 5], per_class: 100, drawn: true, augment: Shift(2))";
    let watched = edited(TRAINING, "Mnist(dir: \"mnist\")", data);
    let plateau = "Plateau(factor: 0.5, patience: 3, metric: \"validation_loss\")";
    let watched = edited(&watched, "Cosine(floor: 0.1)", plateau);
    let stop = "stop: (metric: \"validation_accuracy\", patience: 5, above: 0.99)";
    let watched = edited(&watched, "batch: 100", &format!("batch: 100, validation: 0.1, {stop}"));
    let data = "Arrays(train: \"a.npz\", test: \"b.npz\", range: (low: -1), classes: [3, 5])";
    let arrays = edited(TRAINING, "Mnist(dir: \"mnist\")", data);
    let data = "Csv(train: \"a.csv\", test: \"b.csv\", label: \"class\", augment: [Flip, Noise(0.1), Shift(1)])";
    let table = edited(TRAINING, "Mnist(dir: \"mnist\")", data);
    let data = "Randman(manifolds: 3, dim: 2, seed: 5, augment: Noise(0.1))";
    let made = edited(TRAINING, "Mnist(dir: \"mnist\")", data);
    for text in [SIMULATION, SPACE, TRAINING, &watched, &arrays, &table, &made] {
        let (scene, _, _) = read_text(text).unwrap();
        let written = scene.to_ron().unwrap();
        let (again, _, _) = load_str("again.ron", &written, Path::new("/runs/1"), &[]).unwrap();
        assert_eq!(again, scene, "{written}");
    }
}

#[test]
fn what_the_grammar_refuses_is_shown_at_its_place() {
    expect_problems(
        SIMULATION,
        &[
            ("\"noise\": (", "noise: (", "noise", "text in quotes is expected, not `noise`"),
            ("Dense", "Dense()", "Dense()", "takes nothing in parentheses"),
            (
                "tau_m: Normal",
                "tau_n: Normal",
                "tau_n",
                "no field `tau_n` in `Lif` | did you mean `tau_m`?",
            ),
            (
                "\"noise\": (",
                "\"exc\": (size: 1, model: Lif()), \"noise\": (",
                "\"exc\": (n",
                "two entries with the name `exc`",
            ),
            ("\"0.25 nF\"", "NaN", "NaN", "not finite"),
            ("\"0.25 nF\"", "inf", "inf", "not finite"),
            ("v_th: -50.0", "v_th: 1e40", "1e40", "1e40 is not finite in single precision"),
            (
                "\"0.25 nF\"",
                "\"20 mV\"",
                "\"20 mV\"",
                "`20 mV` is a potential | a capacitance in pF",
            ),
            ("std: 2)", "std: \"2 mV\")", "Normal(", "`2 mV` is a potential | a time in ms"),
            ("mean: 20", "maen: 20", "Normal(", "no field `maen` | did you mean `mean`?"),
            ("n: 80", "n: 1.5", "1.5", "a whole number is expected, not `1.5`"),
            ("n: 80", "n: -1", "-1", "`-1`"),
            ("n: 80", "n: 1e3", "1e3", "a whole number | without point"),
            ("n: 80", "n: \"many\"", "\"many\"", "a whole number is expected, not `\"many\"`"),
            ("n: 80, ", "", "\"exc\"", "at least one neuron | `size` or a `shape`"),
            ("seed: 7", "seed: 7, seed: 8", "seed: 8", "the field `seed` is given twice"),
            ("C_m: \"0.25 nF\"", "c_m: 1, C_m: 2", "C_m: 2", "the field `c_m` is given twice"),
            (
                "Readout()",
                "Readuot()",
                "Readuot",
                "no choice `Readuot` in `Model` | did you mean `Readout`?",
            ),
            ("Readout()", "Readout", "Readout", "a group of fields"),
            ("Dense", "Densely(1)", "Densely", "no choice `Densely`"),
            (
                "simulation: (dt: 0.1, duration: 100.0, seed: 7)",
                "simulation: 5",
                "5",
                "a group of fields",
            ),
            ("from: \"noise\"", "from: noise", "noise", "text in quotes is expected, not `noise`"),
            ("autapses: false", "autapses: no", "no,", "`true` or `false` is expected"),
            ("spikes: [\"exc\"]", "spikes: \"exc\"", "\"exc\"", "a list"),
            ("v_reset: -60,", "v_reset: -60", "t_ref", "`,` or `)` is expected"),
            (
                "\"out\": (size: 2, model: Readout()),\n    }",
                "\"out\": (size: 2, model: Readout()),\n    )",
                ")",
                "a value is expected",
            ),
        ],
    );
}

#[test]
fn what_the_rules_refuse_is_shown_at_its_place() {
    expect_problems(
        SIMULATION,
        &[
            ("version: 1", "version: 2", "2", "version 2 is not known"),
            ("dt: 0.1", "dt: 0", "0", "0 ms is not a time step above 0"),
            ("dt: 0.1", "dt: 101", "101", "up to 100 ms"),
            ("duration: 100.0", "duration: 0", "0", "not strictly positive"),
            ("duration: 100.0, ", "", "(dt: 0.1", "`duration` is missing"),
            ("Normal(mean: 20, std: 2)", "0", "0", "0 ms is not strictly positive"),
            ("Normal(mean: 20, std: 2)", "1e-60", "1e-60", "not strictly positive"),
            (
                "Normal(mean: 20, std: 2)",
                "Uniform(low: -1, high: 2)",
                "Uniform",
                "-1 ms is not strictly positive",
            ),
            (
                "Normal(mean: 20, std: 2)",
                "Uniform(low: 3, high: 2)",
                "3, high",
                "lower bound, 3, is above",
            ),
            ("std: 2)", "std: -2)", "-2", "-2 ms is negative"),
            ("\"0.25 nF\"", "\"-250 pF\"", "\"-250", "-250 pF is not strictly positive"),
            ("C_m: \"0.25 nF\"", "g_L: 10", "10", "`tau_m` and `g_l` are both given"),
            ("v_reset: -60", "v_reset: -40", "-40", "-40 mV, is not below the threshold, -50 mV"),
            ("t_ref: 2", "t_ref: -2", "-2", "-2 ms is negative"),
            ("t_ref: 2", "t_ref: 0.04", "0.04", "less than half a step"),
            ("n: 80", "n: 0", "0", "at least one neuron"),
            ("size: 2,", "size: 4294967296,", "4294967296", "more than 4294967295"),
            ("size: 2,", "size: 4294967295,", "populations", "neurons in all are more than"),
            ("\"1 kHz\"", "\"11 kHz\"", "\"11 kHz", "spikes per step of 0.1 ms"),
            ("\"1 kHz\"", "-1", "-1", "-1 Hz is negative"),
            (
                "\"noise\": (",
                "\"2x\": (size: 1, model: Lif()), \"noise\": (",
                "(size: 1",
                "`2x` is not a name",
            ),
            (
                "from: \"noise\"",
                "from: \"nois\"",
                "\"nois\"",
                "no population `nois` | did you mean `noise`?",
            ),
            (
                "post: \"out\"",
                "post: \"zebra\"",
                "\"zebra\"",
                "no population `zebra` | noise, exc, out",
            ),
            (
                "to: \"exc\", connect: Dense",
                "to: \"noise\", connect: Dense",
                "\"noise\"",
                "a source, which takes no input",
            ),
            (
                "pre: \"exc\", post: \"out\"",
                "pre: \"out\", post: \"exc\"",
                "\"out\"",
                "a readout, which sends no spikes",
            ),
            ("p: 0.5", "p: 1.5", "1.5", "1.5 is not from 0 to 1"),
            ("p: 0.5", "p: NaN", "NaN", "NaN is not a finite number"),
            ("k: 8", "k: 80", "80", "80 sources of the 79"),
            ("k: 8", "k: 0", "0", "at least 1"),
            ("delay: 1.5", "delay: 0.05", "0.05", "below one step of 0.1 ms"),
            ("delay: 1.5", "delay: -1", "-1", "below one step"),
            ("low: 1, high", "low: 3, high", "3, high", "above the upper bound"),
            ("learn: Fixed", "learn: Backprop", "Backprop", "no `training`"),
            (
                "learn: Fixed",
                "lr: 0.5",
                "0.5",
                "`lr` is for a training by gradients | leave it out",
            ),
            ("learn: Fixed", "dropout: 0.5", "0.5", "`dropout` is for a training by gradients"),
            (
                "weight: 20.0)",
                "weight: 20.0), (from: \"noise\", to: \"exc\", connect: Dense, weight: 1)",
                "(from: \"noise\", to: \"exc\", connect: Dense, weight: 1)",
                "two projections with the name `noise->exc`",
            ),
            ("spikes: [\"exc\"]", "spikes: [\"exx\"]", "\"exx\"", "did you mean `exc`?"),
            ("spikes: [\"exc\"]", "spikes: [\"out\"]", "\"out\"", "does not spike"),
            ("population: \"exc\"", "population: \"noise\"", "\"noise\"", "no membrane potential"),
            ("ids: [0, 1]", "ids: [0, 80]", "80", "no neuron 80 among 80"),
            ("every: 0.5", "every: 0", "0", "not strictly positive"),
            (
                "every: 0.5)",
                "every: 0.5), (population: \"exc\", ids: [2], variables: [\"v\"])",
                "(population: \"exc\", ids: [2], variables: [\"v\"])",
                "`exc.v` is recorded twice",
            ),
        ],
    );
    expect_problems(
        LEARNING,
        &[
            ("w_max: 1,", "w_max: -1,", "-1", "not below the largest"),
            (
                "high: 0.5",
                "high: 1.5",
                "learn: Stdp(",
                "weights from 0 to 1.5 are not within the bounds",
            ),
            ("w_min: 0,", "w_min: -1,", "-1", "a conductance is never negative"),
            ("tau_plus: 20", "tau_plus: 0", "0", "not strictly positive"),
            ("mu_plus: 1", "mu_plus: -1", "-1", "negative"),
            ("dendritic: 0.5", "dendritic: 2", "2", "of a delay of 1 ms, 2 ms are dendritic"),
            ("\"dopamine\", tau", "\"dopamin\", tau", "\"dopamin\"", "did you mean `dopamine`?"),
            ("tau: 1000", "tau: -5", "-5", "not strictly positive"),
            ("every: 10)", "every: 0)", "0", "not strictly positive"),
            ("sum: 5", "sum: 0", "0", "not strictly positive"),
            (
                "weight: 3, short_term",
                "weight: 3, learn: Clopath(w_max: 5, t_spike: 0), short_term",
                "0",
                "not strictly positive",
            ),
            (
                "(tau: 200,",
                "(tau: 200, effects: [Gain(population: \"out\", slope: 1), Gain(population: \"out\", slope: 2)],",
                "Gain(population: \"out\", slope: 2)",
                "another effect moves the same number",
            ),
            (
                "weight: 3, short_term",
                "weight: 3, learn: Clopath(w_max: 5, tau_x: 0), short_term",
                "0",
                "not strictly positive",
            ),
            (
                "weight: 3, short_term",
                "weight: 3, learn: Clopath(w_max: 5, u_ref: 0), short_term",
                "0",
                "not strictly positive",
            ),
            (
                "weight: 3, short_term",
                "weight: 3, learn: Clopath(w_max: 5, delay_u: -1), short_term",
                "-1",
                "is negative",
            ),
            (
                "weight: 3, short_term",
                "weight: 3, rewire: (below: 1, weight: 2, every: 100), short_term",
                "(below: 1",
                "do not change | add a rule",
            ),
            (
                "weight: 3, short_term",
                "weight: 3, learn: Stdp(w_max: 5), rewire: (below: 1, weight: 0.5, every: 100), \
                 short_term",
                "0.5",
                "a new synapse of 0.5 is below 1",
            ),
            (
                "weight: 3, short_term",
                "weight: 3, learn: Stdp(w_max: 5), rewire: (below: 1, weight: 6, every: 100), \
                 short_term",
                "6",
                "not within the bounds 0 and 5",
            ),
            (
                "weight: 3, short_term",
                "weight: 3, learn: Stdp(w_max: 5), rewire: (below: 1, weight: 2, every: 0), \
                 short_term",
                "0)",
                "not strictly positive",
            ),
            (
                "weight: 3, short_term",
                "weight: 3, learn: Stdp(w_max: 5), rewire: (below: 1, weight: 2, every: 10, \
                 fraction: 1.5), short_term",
                "1.5",
                "not from 0 to 1",
            ),
            (
                "FixedProbability(p: 0.5)",
                "Others, learn: Stdp(w_max: 5), rewire: (below: 1, weight: 2, every: 10)",
                "(below",
                "has all pairs | FixedProbability",
            ),
            (
                "connect: Dense",
                "rewire: (below: 0.1, weight: 0.2, every: 10), connect: FixedInDegree(k: 5)",
                "\"p\"",
                "synapses of `p` move",
            ),
            (", every: 50", "", "(sum: 5)", "it is not said when to normalize"),
            ("u: 0.5", "u: 1.5", "1.5", "not from 0 to 1"),
            ("tau_rec: 100", "tau_rec: 0", "0", "not strictly positive"),
            (
                "connect: FixedProbability(p: 0.5)",
                "connect: Procedural(k: 3)",
                "(u: 0.5, tau_rec: 100)",
                "keeps no weights, which short-term plasticity needs",
            ),
            ("times: [10, 20]", "times: [20, 10]", "10", "10 ms comes after 20 ms"),
            ("times: [10, 20]", "times: [-10, 20]", "-10", "not a time from 0 on"),
            ("(tau: 200", "(tau: 0", "0", "not strictly positive"),
            (
                "projection: \"p\", synapse",
                "projection: \"z\", synapse",
                "\"z\"",
                "no projection `z`",
            ),
            ("low: 20", "low: 40", "40", "above the upper bound"),
            ("projection: \"p\", every", "projection: \"q\", every", "\"q\"", "do not change"),
            ("modulators: 2", "modulators: 0", "0", "not strictly positive"),
            (
                "(tau: 200,",
                "(tau: 200, effects: [Noise(population: \"out\", slope: 1)],",
                "\"out\"",
                "no noise current | Noise(std",
            ),
        ],
    );
    expect_problems(
        TRAINING,
        &[
            ("epochs: 5", "epochs: 0", "0", "at least 1"),
            ("batch: 100", "batch: 0", "0", "at least 1"),
            ("steps: 25", "steps: 0", "0", "at least 1"),
            ("lr: 0.001", "lr: 0", "0", "0 is not strictly positive"),
            ("lr: 0.001", "lr: inf", "inf", "not a finite number"),
            ("lr: 0.001", "lr: 0.001, beta1: 1", "1", "from 0 to below 1"),
            ("Adam(lr: 0.001)", "Sgd(lr: 0.1, momentum: -0.1)", "-0.1", "from 0 to below 1"),
            ("floor: 0.1", "floor: 2", "2", "from 0 to 1"),
            ("steps: 25", "steps: 25, clip: 0", "0", "not strictly positive"),
            ("steps: 25", "steps: 25, l1: -1", "-1", "-1 is negative"),
            ("steps: 25", "steps: 25, l2: -1", "-1", "-1 is negative"),
            ("learn: Backprop", "lr: 0", "0", "stay as they are | `learn: Fixed`"),
            (
                "learn: Backprop",
                "lr: 2, learn: Fixed",
                "2",
                "no gradient changes | `learn: Backprop`",
            ),
            ("learn: Backprop", "dropout: 1", "1", "1 is not from 0 to below 1"),
            (
                "learn: Backprop",
                "dropout: 0.5), (name: \"x\", from: \"hidden\", to: \"label\", connect: Dense, \
                 weight: Kaiming(), dropout: 0.2",
                "0.2",
                "towards this and `hidden->label` at once, which has 0.5 | the same probability",
            ),
            (
                "learn: Backprop",
                "learn: Backprop), (from: \"hidden\", to: \"hidden\", connect: Dense, \
                 weight: Kaiming(), dropout: 0.2",
                "0.2",
                "within a population, nothing is dropped | into the cycle or out of it",
            ),
            ("steps: 25", "steps: 25, noise: (currents: -20)", "-20", "-20 is negative"),
            ("steps: 25", "steps: 25, noise: (inputs: inf)", "inf", "not a finite number"),
            (
                "StraightThrough",
                "StraightThrough, noise: (weights: 0.1, current: 1)",
                "current",
                "no field `current` | did you mean `currents`?",
            ),
            ("SoftmaxCrossEntropy()", "Huber(delta: 0)", "0", "not strictly positive"),
            ("SoftmaxCrossEntropy()", "MultiLabel()", "MultiLabel()", "no marks | `Arrays`"),
            ("Kaiming(gain: 1)", "Xavier(gain: 0)", "0", "not strictly positive"),
            (
                "Dense, weight: Kaiming(gain: 1)",
                "FixedInDegree(k: 5), weight: Orthogonal()",
                "Orthogonal()",
                "a whole matrix | `Kaiming` or `Xavier`",
            ),
            ("StraightThrough", "FastSigmoid(slope: -1)", "-1", "not strictly positive"),
            ("gain: 2", "gain: 1e40", "1e40", "not a finite number"),
            (
                "weight: Kaiming())",
                "weight: Kaiming(), delay: 2)",
                "2",
                "a constant current has no delay",
            ),
            ("Constant(gain: 2)", "Poisson(max_rate: 2000)", "2000", "2 spikes per step"),
            ("Constant(gain: 2)", "Latency(window: 0)", "0", "not strictly positive"),
            (
                "Constant(gain: 2)",
                "Population(fields: 3, send: Constant())",
                "784",
                "784 sources are no multiple of the 3 that each pixel has | write 3 for each pixel",
            ),
            (
                "Constant(gain: 2)",
                "Population(fields: 7, from: 1, to: 0.5, send: Constant())",
                "0.5",
                "from 1 to 0.5 do not ascend | raise `to`",
            ),
            (
                "Constant(gain: 2)",
                "Population(fields: 7, sigma: 0, send: Constant())",
                "0",
                "not strictly positive",
            ),
            (
                "Constant(gain: 2)",
                "Population(fields: 7, send: Poisson(max_rate: 2000))",
                "2000",
                "2 spikes per step",
            ),
            ("Constant(gain: 2)", "Constant(), frames: 0", "0", "at least 1"),
            (
                "Constant(gain: 2)",
                "Constant(), frames: 3",
                "3",
                "25 steps | equally among 3 frames | give `hold`",
            ),
            (
                "Constant(gain: 2)",
                "Constant(), frames: 5, hold: \"6 ms\"",
                "\"6 ms\"",
                "5 x 6 steps | more than the 25 | raise `training.steps`",
            ),
            ("Constant(gain: 2)", "Constant(), hold: 26", "26", "1 x 26 steps | more than the 25"),
            (
                "Constant(gain: 2)",
                "Constant(), hold: 1.5",
                "1.5",
                "no whole number of steps of 1 ms",
            ),
            ("Constant(gain: 2)", "Constant(), hold: 1e-9", "1e-9", "no whole number of steps"),
            ("Constant(gain: 2)", "Constant(), hold: 0", "0", "not strictly positive"),
            (
                "Constant(gain: 2)",
                "Latency(window: 6), frames: 5",
                "6",
                "too late for a frame of 5 ms | raise `hold`",
            ),
            (
                "\"hidden\": (",
                "\"more\": (size: 1, model: Readout()), \"hidden\": (",
                "training",
                "one population of `Readout`, there are `more`, `label`",
            ),
            ("\"mnist\"", "\"mnist\", classes: []", "[]", "there is no class in it"),
            ("\"mnist\"", "\"mnist\", classes: [3, 5, 3]", "3]", "class 3 is there twice"),
            ("\"mnist\"", "\"mnist\", per_class: 0", "0", "at least 1"),
            ("\"mnist\"", "\"mnist\", augment: Shift(0)", "Shift(0)", "at least 1"),
            (
                "\"mnist\"",
                "\"mnist\", augment: [Flip, Noise(0)]",
                "Noise(0)",
                "not strictly positive",
            ),
            (
                "\"mnist\"",
                "\"mnist\", augment: Shfit(1)",
                "Shfit(1)",
                "`Shfit` | did you mean `Shift`?",
            ),
            (
                "Mnist(dir: \"mnist\")",
                "Mnist1d(train: 18446744073709551615)",
                "Mnist1d(",
                "numbers, more than 67108864 | fewer samples",
            ),
            (
                "Mnist(dir: \"mnist\")",
                "Randman(units: 100, dim: 1000)",
                "Randman(",
                "it has 1000000000 numbers, more than",
            ),
            (
                "Mnist(dir: \"mnist\")",
                "Randman(manifolds: 257)",
                "257",
                "257 is more than | at most 256",
            ),
            ("batch: 100", "batch: 100, validation: 0", "0", "0 is not strictly positive"),
            (
                "batch: 100",
                "batch: 100, validation: 1.5",
                "1.5",
                "neither a number | between 0 and 1",
            ),
            (
                "batch: 100",
                "batch: 100, stop: (metric: \"validation_loss\", patience: 3)",
                "\"validation_loss\"",
                "have no `validation_loss` | they have `loss`, `train_accuracy`, `test_loss`, `test_accuracy`; \
                 `validation` sets",
            ),
            (
                "batch: 100",
                "batch: 100, stop: (metric: \"validation_los\", patience: 3)",
                "\"validation_los\"",
                "no choice `validation_los` | did you mean `validation_loss`?",
            ),
            (
                "batch: 100",
                "batch: 100, stop: (metric: \"loss\")",
                "(metric",
                "nothing says when to stop | `patience`",
            ),
            ("batch: 100", "batch: 100, stop: (metric: \"loss\", patience: 0)", "0)", "at least 1"),
            (
                "Cosine(floor: 0.1)",
                "Plateau(patience: 2, metric: \"validation_accuracy\")",
                "\"validation_accuracy\"",
                "have no `validation_accuracy`",
            ),
        ],
    );
    // Noise that has nowhere to go.
    for (from, to, path, words) in [
        (
            "Constant(gain: 2)",
            "Latency(window: 9)",
            "training.noise.inputs",
            "`image` sends spikes",
        ),
        (
            "model: Lif()",
            "model: Lif(receptors: {\"g\": GabaA()})",
            "training.noise.currents",
            "every receptor of `hidden` is a conductance",
        ),
        (
            "SoftmaxCrossEntropy()",
            "Assignment(population: \"hidden\", samples: 9)",
            "training.noise",
            "of which `Assignment` has none",
        ),
    ] {
        let text = edited(TRAINING, "steps: 25", "steps: 25, noise: (inputs: 0.1, currents: 5)");
        let error = read_text(&edited(&text, from, to)).unwrap_err();
        let problem = error.problems.iter().find(|problem| problem.path == path);
        let problem = problem.unwrap_or_else(|| panic!("nothing is said of {path}:\n{error}"));
        assert!(problem.message.contains(words), "{}", problem.message);
    }
    for (loss, more, path, words) in [
        (
            "Assignment(population: \"hidden\", samples: 9)",
            "validation: 0.1",
            "training.validation",
            "of which `Assignment` has none",
        ),
        (
            "Assignment(population: \"hidden\", samples: 9)",
            "stop: (metric: \"loss\", below: 1)",
            "training.stop.metric",
            "they have `train_accuracy`, `test_accuracy`",
        ),
        (
            "Trace(population: \"hidden\", file: \"t.npz\")",
            "validation: 10",
            "training.validation",
            "a trace is the only one",
        ),
        (
            "Trace(population: \"hidden\", file: \"t.npz\")",
            "stop: (metric: \"train_accuracy\", above: 1)",
            "training.stop.metric",
            "they have `loss`, `test_loss`",
        ),
    ] {
        let text = edited(TRAINING, "SoftmaxCrossEntropy()", loss);
        let text = edited(&text, "batch: 100", &format!("batch: 1, {more}"));
        let error = read_text(&text).unwrap_err();
        let problem = error.problems.iter().find(|problem| problem.path == path);
        let problem = problem.unwrap_or_else(|| panic!("nothing is said of {path}:\n{error}"));
        let said = format!("{} {}", problem.message, problem.help.clone().unwrap_or_default());
        assert!(said.contains(words) && !said.contains("sets samples"), "{said}");
    }
}

#[test]
fn what_the_rules_of_tasks_in_time_refuse_is_shown_at_its_place() {
    let shown = |size: u64, frames: u64| {
        let from = "size: 784, model: Images(encoder: Constant(gain: 2))";
        let to = format!(
            "size: {size}, model: Images(encoder: Constant(gain: 2), frames: {frames}, hold: 10)"
        );
        edited(TRAINING, from, &to)
    };
    let recall = edited(&shown(100, 5), "Mnist(dir: \"mnist\")", "StoreRecall(symbols: 5)");
    let recall = edited(&recall, "SoftmaxCrossEntropy()", "SoftmaxCrossEntropy(over: Frames)");
    let recall = edited(&recall, "steps: 25", "steps: 60");
    read_text(&recall).unwrap();
    expect_problems(
        &recall,
        &[
            (
                "over: Frames",
                "",
                "SoftmaxCrossEntropy(",
                "label for each frame | `SoftmaxCrossEntropy(over: Frames)`",
            ),
            (
                "SoftmaxCrossEntropy(over: Frames)",
                "SquaredError(over: Frames)",
                "Frames",
                "this loss is of targets | `SoftmaxCrossEntropy(over: Frames)`",
            ),
            (
                "StoreRecall(symbols: 5)",
                "YinYang()",
                "Frames",
                "have one label each | `StoreRecall`",
            ),
            (
                "symbols: 5",
                "symbols: 5, p: 0",
                "0",
                "with 0 no sequence of 5 symbols | between 0 and 1",
            ),
            ("symbols: 5", "symbols: 5, p: 1.2", "1.2", "not from 0 to 1"),
            ("symbols: 5", "symbols: 5, per_class: 3", "3", "have no class | leave it out"),
            ("symbols: 5", "symbols: 5, augment: Shift(1)", "Shift(1)", "away from their labels"),
            (
                "size: 100, model: Images",
                "size: 25, model: Images",
                "25",
                "have 100 numbers | `size: 100`",
            ),
            ("frames: 5", "frames: 4", "4", "5 frames, not 4 | `frames: 5`"),
            ("frames: 5, hold", "frames: 2, hold", "2", "5 frames, not 2"),
        ],
    );
    let delayed = "DelayedRecall(delay: 20, pacing: Ramp(from: 10))";
    let delayed = edited(&shown(40, 12), "Mnist(dir: \"mnist\")", delayed);
    let delayed = edited(&delayed, "steps: 25", "steps: 120, order: Given");
    read_text(&delayed).unwrap();
    expect_problems(
        &delayed,
        &[
            ("delay: 20", "delay: 24", "24", "24 ms is no multiple of the 10 ms"),
            ("delay: 20", "delay: 500", "12", "60 frames, not 12 | `frames: 60`"),
            ("from: 10", "from: 3", "3", "3 ms is no multiple"),
            ("from: 10", "from: 30", "30", "30 ms is above the full delay, 20 ms"),
            ("from: 10", "from: 10, until: 1.5", "1.5", "not from 0 to 1"),
            ("from: 10", "from: 10, growth: Step(0)", "Step(0)", "never reached | how many steps"),
            ("Given", "Shuffled", "Ramp(", "samples are shuffled | `order: Given`"),
            (
                "hold: 10",
                "hold: 5",
                "5",
                "a frame of `DelayedRecall` is 10 ms, and is shown for 5 ms",
            ),
        ],
    );
    let gated = edited(&delayed, "Ramp(from: 10)", "Gated(from: 10, steps: 4)");
    let gated = edited(&gated, "order: Given", "validation: 0.1");
    read_text(&gated).unwrap();
    read_text(&edited(&gated, "steps: 4", "steps: 4, metric: \"validation_accuracy\"")).unwrap();
    expect_problems(
        &gated,
        &[
            ("from: 10", "from: 3", "3", "3 ms is no multiple"),
            ("from: 10", "from: 30", "30", "30 ms is above the full delay, 20 ms"),
            ("steps: 4", "steps: 5", "5", "of 5 epochs none reaches it | fewer steps"),
            ("steps: 4", "steps: 0", "0", "0 is not enough"),
            ("steps: 4", "steps: 4, bound: 1.2", "1.2", "not from 0 to 1"),
            ("steps: 4", "steps: 4, growth: Step(3)", "Step(3)", "says `steps` | `Exp`"),
            (
                "steps: 4",
                "steps: 4, metric: \"test_accuracy\"",
                "\"test_accuracy\"",
                "do not grow by `test_accuracy` | validation_accuracy",
            ),
        ],
    );
    let unseen = edited(&gated, "steps: 4", "steps: 4, metric: \"validation_accuracy\"");
    expect_problems(
        &unseen,
        &[(", validation: 0.1", "", "\"validation_accuracy\"", "have no `validation_accuracy`")],
    );
    let evidence = edited(&shown(40, 9), "Mnist(dir: \"mnist\")", "Evidence(cues: 1, delay: 150)");
    let evidence = edited(&edited(&evidence, "hold: 10", "hold: 50"), "steps: 25", "steps: 450");
    read_text(&evidence).unwrap();
    // With it changes the number of frames, which is told too.
    let even = read_text(&edited(&evidence, "cues: 1", "cues: 2")).unwrap_err();
    assert_eq!(even.problems.len(), 2, "{even}");
    assert!(even.to_string().contains("of 2 cues as many may be on either side"), "{even}");
    expect_problems(
        &evidence,
        &[
            ("delay: 150", "delay: 140", "140", "140 ms is no multiple of the 50 ms"),
            ("delay: 150", "delay: 200", "9", "10 frames, not 9 | `frames: 10`"),
            (
                "hold: 50",
                "hold: 25",
                "25",
                "a frame of `Evidence` is 50 ms, and is shown for 25 ms",
            ),
        ],
    );
    // A control may be shuffled twice.
    let twice =
        edited(&edited(&delayed, "Given", "Shuffled"), "from: 10", "from: 10, order: Shuffled");
    read_text(&twice).unwrap();
}

#[test]
fn what_the_rules_of_scores_refuse_is_shown_at_its_place() {
    let order = "steps: 25, scores: true, order: Scored(file: \"a.npz\", by: Margin, from: 0.2)";
    let scored = edited(TRAINING, "steps: 25", order);
    let (scene, ..) = read_text(&scored).unwrap();
    let training = scene.training.unwrap();
    assert!(training.scores);
    assert_eq!(training.order.share(0, 5), Some(0.2));
    expect_problems(
        &scored,
        &[
            ("from: 0.2", "from: 0", "0", "no sample would be there | above 0"),
            ("from: 0.2", "from: 1.5", "1.5", "not from 0 to 1"),
            ("from: 0.2", "from: 0.2, until: 0.2", "0.2", "of the epochs, 5, all | from the first"),
            ("from: 0.2", "from: 0.2, until: 2", "2", "not from 0 to 1"),
            ("from: 0.2", "from: 0.2, growth: Step(0)", "Step(0)", "never there | how many steps"),
            ("epochs: 5", "epochs: 1", "Scored(", "from the first one on | more `epochs`"),
        ],
    );
    // All at once is no curriculum, and its control.
    read_text(&edited(&scored, "epochs: 5", "epochs: 1").replace("from: 0.2", "from: 1")).unwrap();
    for loss in [
        "Assignment(population: \"hidden\", samples: 9)",
        "Trace(population: \"hidden\", file: \"t.npz\")",
    ] {
        let text = edited(&scored, "SoftmaxCrossEntropy()", loss);
        let error = read_text(&text).unwrap_err();
        for path in ["training.order", "training.scores"] {
            assert!(error.problems.iter().any(|problem| problem.path == path), "{path}: {error}");
        }
    }
    let stages = "training: (\n        data: Mnist";
    let text = edited(
        &scored,
        stages,
        &format!("stages: {{\"a\": (), \"b\": (scores: \"a\")}}, {stages}"),
    );
    read_text(&text).unwrap();
    expect_problems(
        &text,
        &[("scores: \"a\"", "scores: \"c\"", "\"c\"", "`c` is no earlier stage | earlier are a")],
    );
}

const DELAYED: &str = r#"(
    version: 1,
    simulation: (dt: 0.5, seed: 7),
    populations: {
        "in": (size: 40, model: Images(encoder: Latency(window: 100, cutoff: 0))),
        "hidden": (size: 8, model: Lif()),
        "out": (size: 24, model: Readout()),
    },
    projections: [
        (from: "in", to: "hidden", connect: Dense, weight: Kaiming(gain: 1), delay: Learn(
            initial: Uniform(low: 1, high: 20), max: "50 ms", kernel: Gauss(sigma: 10, last: 2), lr: 9)),
        (from: "hidden", to: "out", connect: Dense, weight: Kaiming(gain: 1)),
    ],
    training: (data: Orders(gap: 30), epochs: 2, batch: 10, steps: 400,
        loss: SoftmaxCrossEntropy(over: Mean), optimizer: Adam(lr: 0.01)),
)
"#;

#[test]
fn what_the_rules_of_learned_delays_refuse_is_shown_at_its_place() {
    assert_eq!(read_text(DELAYED).unwrap().2, []);
    expect_problems(
        DELAYED,
        &[
            ("max: \"50 ms\"", "max: 0.3", "0.3", "below one step of 0.5 ms"),
            ("max: \"50 ms\"", "max: 201", "201", "more than the 200 ms of a presentation"),
            ("high: 20", "high: 60", "Uniform", "60 ms is above `max`, 50 ms"),
            ("Uniform(low: 1, high: 20)", "[1, 2]", "[1", "2 delays for 40 sources"),
            ("Uniform(low: 1, high: 20)", "-1", "-1", "-1 ms is negative"),
            ("sigma: 10", "sigma: 0", "0", "0 ms is not strictly positive"),
            ("last: 2", "last: 0", "0", "0 ms is not strictly positive"),
            ("last: 2", "final: 11", "11", "11 ms is above `sigma`, 10 ms"),
            ("lr: 9", "lr: -1", "-1", "-1 is negative"),
            ("Gauss(", "Gaus(", "delay", "no choice `Gaus` | `Gauss`?"),
            ("lr: 9)", "lr: 9), dropout: 0.1", "0.1", "cannot be silent"),
            ("Adam(", "AdamW(", "AdamW(", "would shorten learned delays | `weight_decay: 0`"),
            ("Latency(window: 100, cutoff: 0)", "Constant()", "delay", "has no delay"),
            ("Orders(gap: 30)", "Orders(groups: 6)", "6", "more orders than there are labels"),
            ("Orders(gap: 30)", "Orders(groups: 1)", "1", "1 groups | from 2 to 5"),
        ],
    );
    let synapses = edited(DELAYED, "delay: Learn(", "delay: Learn(per: Synapse,");
    read_text(&synapses).unwrap();
    let all = "to: \"hidden\", connect: Dense";
    expect_problems(
        &synapses,
        &[
            (
                all,
                "to: \"hidden\", connect: FixedInDegree(k: 4)",
                "Synapse",
                "all pairs | `per: Source`",
            ),
            ("Uniform(low: 1, high: 20)", "[1, 2]", "[1", "2 delays for 320 synapses"),
        ],
    );
    // In a simulation, and where synapses learn by themselves.
    let (before, after) = SIMULATION.split_once("delay: 1.5, learn: Fixed").unwrap();
    let simulated = format!("{before}delay: Learn(initial: 1, max: 5){after}");
    let error = read_text(&simulated).unwrap_err();
    assert!(error.to_string().contains("delays are learned in a training by gradients"), "{error}");
}

#[test]
fn what_the_rules_of_space_and_delays_refuse_is_shown_at_its_place() {
    expect_problems(
        SPACE,
        &[
            ("[10, 6]", "[10, 5]", "[10, 5]", "50 points, the population 60 | product"),
            ("[10, 6]", "[60]", "[60]", "two or three dimensions, not 1 | [x, y]"),
            ("\"50 um\"", "0", "0", "not strictly positive"),
            ("\"50 um\"", "\"50 ms\"", "\"50 ms\"", "is a time | a length in um, mm or m"),
            ("[\"0.5 mm\", 300]", "[\"0.5 mm\", -3]", "-3", "not strictly positive"),
            ("[0, -150]", "[0]", "[0]", "1 lengths for 2 dimensions"),
            ("p: 0.3", "p: 1.3", "1.3", "not from 0 to 1"),
            ("sigma: 100", "sigma: 0", "0", "not strictly positive"),
            (
                "Gaussian(p: 0.3, sigma: 100)",
                "Exponential(p: 0.3, length: -1)",
                "-1",
                "not strictly positive",
            ),
            (
                "Gaussian(p: 0.3, sigma: 100)",
                "Step(p: 0.3, radius: 0)",
                "0)",
                "not strictly positive",
            ),
            ("\"0.3 mm\"", "-1", "-1", "not strictly positive"),
            (", extent: [500, 301]", "", "true", "without a length | add `extent"),
            ("periodic: true, ", "", "[500, 301]", "which it does not | `periodic: true`"),
            ("[500, 301]", "[500, 301, 2]", "[500", "3 lengths for 2 dimensions"),
            ("[500, 301]", "[500, 0]", "0]", "not strictly positive"),
            ("velocity: 0.3", "velocity: 0", "0)", "not strictly positive"),
            ("velocity: 0.3", "velocity: \"3 mm\"", "Distance(", "`3 mm` is a length"),
            ("offset: 0.5", "offset: -0.5", "-0.5", "is negative"),
            ("from: \"sheet\"", "from: \"noise\"", "connect", "`noise` has none | Grid"),
            ("from: \"sheet\"", "from: \"block\"", "connect", "`block` lies in 3 dimensions"),
            (
                "weight: 1,\n         delay: Normal(mean: 1.5, std: 0.7, min: 0.4, max: 3)",
                "weight: 1), (from: \"noise\", to: \"block\", name: \"x\", connect: Dense, \
                 weight: 1, delay: Distance(velocity: 1)",
                "Distance(velocity: 1)",
                "`noise` has none | positions",
            ),
            (
                "connect: OneToOne",
                "name: \"x\", connect: OneToOne, weight: 1), (from: \"noise\", to: \"sheet\", \
                 name: \"y\", connect: OneToOne",
                "OneToOne, weight: 1,\n",
                "`noise` has 7 neurons and `sheet` has 60 | same size",
            ),
            ("min: 0, max: 41", "min: 41, max: 41", "41)", "41 pA, the least, is not below"),
            ("min: 0, max: 41", "min: 40, max: 41", "Normal", "hardly ever | 1 %"),
            ("std: 5,", "std: -5,", "-5", "-5 is negative"),
            ("min: 0.4, max: 3", "max: 0.1", "0.1", "not below 0.1 ms"),
            ("min: 0.4, max: 3", "min: 8", "Normal", "hardly ever"),
            ("std: 0.7", "std: -0.7", "-0.7", "is negative"),
            ("low: 1.0", "low: 3.0", "3.0", "above the upper bound"),
            ("low: 1.0", "low: 0.05", "0.05", "below one step"),
            ("outdegree: 59", "outdegree: 61", "61", "each source draws 61 targets of the 60"),
            ("outdegree: 59", "outdegree: 0", "0", "at least 1"),
            ("n: 420", "n: 421", "421", "421 synapses are drawn from 420 pairs"),
            ("n: 420", "n: 0", "0", "at least 1 synapse"),
        ],
    );
    let (_, _, warnings) = read_text(&edited(SPACE, "[500, 301]", "[449, 301]")).unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0].path, "projections.0.connect.extent.0");
    assert!(warnings[0].message.contains("500 um long"), "{warnings:?}");
    let loops = |connect: &str| {
        let text = edited(SPACE, "from: \"cloud\"", "from: \"sheet\"");
        read_with(&text, &[&format!("projections.1.connect={connect}")]).map(|_| ())
    };
    assert_eq!(loops("FixedOutDegree(k: 60, multapses: false)"), Ok(()));
    assert!(loops("FixedOutDegree(k: 60, autapses: false, multapses: false)").is_err());
    assert_eq!(loops("FixedTotalNumber(n: 3540, autapses: false, multapses: false)"), Ok(()));
    assert!(loops("FixedTotalNumber(n: 3541, autapses: false, multapses: false)").is_err());
    assert_eq!(loops("FixedTotalNumber(n: 3541, autapses: false)"), Ok(()));
}

#[test]
fn training_and_its_populations_go_together() {
    let without = TRAINING.split("    training:").next().unwrap();
    let text = edited(&format!("{without})"), "(dt: 1)", "(dt: 1, duration: 9)");
    let error = read_text(&text).unwrap_err();
    for path in ["populations.image.model", "projections.1.learn", "projections.1.weight"] {
        let problem = error.problems.iter().find(|problem| problem.path == path);
        let message = problem.map_or("", |problem| &problem.message);
        assert!(message.contains("the scene has no `training`"), "{path}: {error}");
    }
    // What changes in time arrives as spikes do.
    let text = edited(TRAINING, "gain: 2)", "gain: -2), frames: 5, hold: 3");
    let delayed =
        edited(&text, "weight: Kaiming())", "weight: Kaiming(), delay: 2, receptor: \"ex\")");
    assert_eq!(read_text(&delayed).unwrap().2, []);
    let text = edited(&text, "Lif()", "Lif(receptors: {\"g\": Ampa()})");
    let error = read_text(&edited(&text, "Kaiming())", "1)")).unwrap_err();
    assert_eq!(error.problems.len(), 1, "{error}");
    assert!(error.to_string().contains("`gain` below 0, and `g` is a conductance"), "{error}");
    let text = edited(TRAINING, "Readout()", "Lif()");
    let error = read_text(&text).unwrap_err();
    assert!(error.problems[0].message.contains("`Readout`, there is none"), "{error}");
}

#[test]
fn rounding_and_tonic_firing_are_warned_of() {
    for (from, to, path, words) in [
        ("delay: 1.5", "delay: 1.52", "projections.1.delay", "1.5 ms is used"),
        ("t_ref: 2", "t_ref: 2.06", "populations.exc.model.t_ref", "2.1 ms is used"),
        (
            "v_th: -50.0",
            "v_th: -50.0, e_l: -45",
            "populations.exc.model.v_th",
            "fire without input",
        ),
    ] {
        let (_, _, warnings) = read_text(&edited(SIMULATION, from, to)).unwrap();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert_eq!(warnings[0].path, path);
        assert!(warnings[0].message.contains(words), "{warnings:?}");
    }
}

#[test]
fn independent_mistakes_are_shown_together() {
    let text = edited(SIMULATION, "tau_m: Normal(mean: 20, std: 2)", "tau_n: 20");
    let text = edited(&text, "\"0.25 nF\"", "\"1 mV\"");
    let text = edited(&text, "p: 0.5", "p: 2");
    let text = edited(&text, "t_ref: 2", "t_ref: -1");
    let error = read_text(&text).unwrap_err();
    let paths: Vec<_> = error.problems.iter().map(|problem| problem.path.as_str()).collect();
    let model = "populations.exc.model";
    let expected = [format!("{model}.tau_n"), format!("{model}.C_m"), format!("{model}.t_ref")];
    assert_eq!(paths[..3], expected);
    assert_eq!(paths[3..], ["projections.2.connect.p"]);

    // A misspelt field is not reported as missing, nor its population as unknown, too.
    let text = edited(SIMULATION, "n: 80", "sise: 80");
    let text = edited(&text, "connect: Dense", "connect: Sparse");
    let error = read_text(&text).unwrap_err();
    let paths: Vec<_> = error.problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["populations.exc.sise", "projections.0.connect"], "{error}");
}

#[test]
fn no_more_than_twenty_mistakes_are_shown() {
    let fields: String = (0..50).map(|i| format!("x{i}: 1, ")).collect();
    let error = read_text(&edited(SIMULATION, "C_m:", &format!("{fields} C_m:"))).unwrap_err();
    assert_eq!(error.problems.len(), MAX_PROBLEMS);
}

#[test]
fn an_error_looks_like_this() {
    let error = read_text(&edited(SIMULATION, "tau_m: Normal", "tau_µ: Normal")).unwrap_err();
    let text = error.to_string();
    for part in [
        "test.ron:7:13",
        "tau_µ: Normal(mean: 20, std: 2), // ms",
        "populations.exc.model.tau_µ",
        "Help: did you mean `tau_m`?",
    ] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
    assert!(!text.contains('\u{1b}'));
    assert!(error.render(true).contains('\u{1b}'));
}

#[test]
fn overrides_replace_and_insert() {
    let changes = [
        "simulation.duration=50",
        "simulation.seed=9",
        "populations.exc.size=40",
        "populations.exc.model.tau_m=10ms",
        "populations.exc.model.v_init=-60",
        "populations.exc.model.c_m=0.2 nF",
        "populations.out.model.tau_m=30",
        "projections.0.delay=2",
        "projections.2.from=noise",
        "projections.1.connect.k=9",
        "projections.1.connect=Dense",
        "projections.1.weight=Constant(3)",
        "record=(spikes: [\"noise\"])",
    ];
    let scene = read_with(SIMULATION, &changes).unwrap();
    assert_eq!(scene.simulation.duration, Some(Quantity::new(50.0)));
    assert_eq!(scene.simulation.seed, 9);
    let population =
        |name: &str| &scene.populations.iter().find(|entry| entry.0 == name).unwrap().1;
    assert_eq!(population("exc").size, 40);
    let Model::Lif(exc) = &population("exc").model else { panic!() };
    assert_eq!(exc.tau_m, Some(Param::value(10.0)));
    assert_eq!(exc.v_init, Some(Param::value(-60.0)));
    assert_eq!(exc.c_m, Param::value(200.0));
    let Model::Readout(out) = &population("out").model else { panic!() };
    assert_eq!(out.tau_m, Some(Param::value(30.0)));
    assert_eq!(scene.projections[0].delay, Some(Delay::Constant(Quantity::new(2.0))));
    assert_eq!(scene.projections[2].from, "noise");
    assert_eq!(scene.projections[1].connect, Connect::Dense(Dense));
    assert_eq!(scene.projections[1].weight, Weight::Constant(Quantity::new(3.0)));
    assert_eq!(scene.record.spikes, ["noise"]);

    let scene = read_with(
        TRAINING,
        &["training.optimizer.lr=1", "training.limit=100", "training.data.dir=a/b"],
    )
    .unwrap();
    let training = scene.training.unwrap();
    assert_eq!(training.limit, Some(100));
    let Some(Data::Mnist { dir, .. }) = training.data else { panic!("it has data") };
    assert!(dir.is_absolute() && dir.ends_with("scenes/a/b"));
}

#[test]
fn overrides_by_name_and_of_all_entries() {
    let named =
        edited(SIMULATION, "(pre: \"exc\", post", "(name: \"exc->exc.b\", pre: \"exc\", post");
    let changes = [
        "projections.exc->exc.delay=3",
        "projections.exc->exc.b.connect.p=0.25",
        "projections.*.weight=7",
        "populations.*.model.tau_m=33",
        "record.traces.*.ids=[3]",
    ];
    let scene = read_with(&named, &changes).unwrap();
    assert_eq!(scene.projections[1].delay, Some(Delay::Constant(Quantity::new(3.0))));
    assert_eq!(
        scene.projections[2].connect,
        Connect::FixedProbability(FixedProbability { p: 0.25, autapses: true })
    );
    assert!(scene.projections.iter().all(|p| p.weight == Weight::Constant(Quantity::new(7.0))));
    // Sources have no such number, all others do.
    for (name, population) in scene.populations.iter() {
        let tau_m = match &population.model {
            Model::Lif(lif) => lif.tau_m.clone(),
            Model::Readout(readout) => readout.tau_m.clone(),
            _ => continue,
        };
        assert_eq!(tau_m, Some(Param::value(33.0)), "{name}");
    }
    assert_eq!(scene.record.traces[0].ids, Some(vec![3]));
    for (change, words) in [
        ("projections.exc->exd.delay=3", "no `exc->exd` in `projections` | mean `exc->exc`?"),
        ("populations.*.model.tau_n=3", "no field `tau_n`"),
        ("projections.*.weight=heavy", "weight"),
    ] {
        let text = read_with(SIMULATION, &[change]).expect_err(change).to_string();
        for words in words.split(" | ").chain([format!("--set {change}: ").as_str()]) {
            assert!(text.contains(words), "{change}: `{words}` is not in\n{text}");
        }
    }
}

/// A scene that is put elsewhere names the same files.
#[test]
fn a_scene_moves_with_its_paths() {
    let stages =
        "stages: {\"a\": (set: [\"training.data.dir=mnist\", \"training.epochs=2\"])}, training: (";
    let text = edited(TRAINING, "training: (", stages);
    let named = edited(&text, "\"image\": (size", "\"mnist\": (size");
    let named = edited(&named, "from: \"image\"", "from: \"mnist\"");
    let (before, source, _) = load_str("a", &named, Path::new("here/scenes"), &[]).unwrap();
    let moved = source.moved(Path::new("here/other/deep"));
    assert!(moved.contains("\"training.data.dir=../../scenes/mnist\""), "{moved}");
    let (after, ..) = load_str("b", &moved, Path::new("here/other/deep"), &[]).unwrap();
    let dir = |scene: &Scene| match &scene.training.as_ref().unwrap().data {
        // Absolute, by way of the folder of the scene.
        Some(Data::Mnist { dir, .. }) => files::relative(dir, Path::new("here")),
        _ => panic!("it has data"),
    };
    assert_eq!((dir(&after), dir(&before)), ("scenes/mnist".into(), "scenes/mnist".into()));
    // A population of that name keeps it.
    assert_eq!(after.projections[0].from, "mnist");
}

#[test]
fn a_bad_override_is_blamed() {
    for (change, words) in [
        ("training.epoch=1", "no field `epoch` in `Training` | did you mean `epochs`?"),
        ("trainig.epochs=1", "no field `trainig` in `Scene` | did you mean `training`?"),
        ("populations.hiden.size=1", "no `hiden` in `populations` | did you mean `hidden`?"),
        ("projections.2.delay=1", "no `2` in `projections` | there are 2"),
        ("training.batch.size=1", "no `size` in `training.batch`"),
        ("training.epochs=many", "a whole number is expected"),
        ("training.epochs=0", "at least 1"),
        ("training.epochs=1, steps: 2", "a whole number is expected"),
        ("simulation.dt: 2, seed=1", "no `dt: 2, seed` in `simulation`"),
        ("simulation.dt=20 mV", "`20 mV` is a potential"),
    ] {
        let error = read_with(TRAINING, &["simulation.seed=2", change]).expect_err(change);
        let text = error.to_string();
        for words in words.split(" | ").chain([format!("--set {change}: ").as_str()]) {
            assert!(text.contains(words), "{change}: `{words}` is not in\n{text}");
        }
    }
    for text in ["simulation.dt", "=1", "simulation.dt=", ""] {
        assert!(text.parse::<Override>().is_err(), "{text}");
    }
}

#[test]
fn an_override_can_supply_what_a_scene_lacks() {
    let text = edited(TRAINING, "epochs: 5, ", "");
    assert!(read_with(&text, &[]).is_err());
    assert_eq!(read_with(&text, &["training.epochs=2"]).unwrap().training.unwrap().epochs, 2);
}

#[test]
fn overrides_put_in_whole_blocks() {
    let text = edited(
        SIMULATION,
        "    record: (spikes: [\"exc\"], traces: [(population: \"exc\", ids: [0, 1], every: 0.5)]),\n",
        "",
    );
    let scene = read_with(&text, &["record.spikes=[\"exc\"]", "record.start=50"]).unwrap();
    assert_eq!(scene.record.spikes, ["exc"]);
    let both = ["projections.0.short_term.u=0.5", "projections.0.short_term.tau_rec=100"];
    for changes in [both, [both[1], both[0]]] {
        let short_term = read_with(&text, &changes).unwrap().projections[0].short_term.unwrap();
        assert_eq!((short_term.u, short_term.tau_rec.get()), (0.5, 100.0));
    }
    for (change, words) in [
        (both[0], "the field `tau_rec` is missing in `ShortTerm`"),
        ("record.spike=[]", "no field `spike` in `Record` | did you mean `spikes`?"),
        ("projections.0.learn.w_max=3", "give the whole, as --set projections.0.learn=..."),
    ] {
        let said = read_with(&text, &[change]).expect_err(change).to_string();
        for words in words.split(" | ") {
            assert!(said.contains(words), "{change}: `{words}` is not in\n{said}");
        }
    }
    let bare = edited(TRAINING, "optimizer: Adam(lr: 0.001),", "");
    let said = read_with(&bare, &["training.optimizer.lr=1"]).unwrap_err().to_string();
    assert!(said.contains("give the whole, as --set training.optimizer=..."), "{said}");
}

#[test]
fn what_is_not_text_is_refused() {
    let bytes = |bytes: &[u8]| load_bytes("test.ron", bytes, Path::new(""), &[]);
    let with_mark = [b"\xEF\xBB\xBF", SIMULATION.as_bytes()].concat();
    let (_, source, _) = bytes(&with_mark).unwrap();
    assert_eq!(source.text, SIMULATION);
    // The sum is that of the file, mark included: `sha256sum` gives the same.
    assert_eq!(source.sha256().len(), 64);
    assert_ne!(source.sha256(), bytes(SIMULATION.as_bytes()).unwrap().1.sha256());
    assert!(source.dir.is_absolute());
    for (text, words) in [
        (&b""[..], "nothing in it"),
        (b" // nothing\n", "nothing in it"),
        (b"(version: \xFF)", "not UTF-8 text, byte 10"),
        (b"\xFF\xFE(\0", "not UTF-8 text, byte 0"),
        (b"(version: \0)", "byte 10 is the control character"),
        ("[".repeat(1_000_000).as_bytes(), "nested deeper"),
    ] {
        let error = bytes(text).unwrap_err().to_string();
        assert!(error.contains(words) && error.len() < 1000, "{words}: {error:.1000}");
    }
}

#[test]
fn what_is_not_a_scene_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let scene = dir.path().join("mnist.ron");
    fs::write(&scene, SIMULATION).unwrap();
    let (read, source, _) = load(&scene, &[]).unwrap();
    assert_eq!(read.projections[2].weight, Weight::File(dir.path().join("w.safetensors")));
    assert_eq!(source.dir, dir.path());
    let error = |path: &Path| load(path, &[]).unwrap_err().to_string();
    assert!(error(dir.path()).contains("it is a directory"));
    let missing = error(&dir.path().join("minst.ron"));
    assert!(missing.contains("no such file") && missing.contains("mnist.ron`?"), "{missing}");
    let large = dir.path().join("large.ron");
    fs::File::create(&large).unwrap().set_len(MAX_BYTES + 1).unwrap();
    assert!(error(&large).contains("at most 16777216"));
    if cfg!(target_os = "linux") {
        assert!(error(Path::new("/dev/zero")).contains("it is a device"));
    }
}

#[test]
fn a_scene_cut_anywhere_is_an_error_not_a_panic() {
    for text in [SIMULATION, SPACE, TRAINING] {
        for end in 0..text.trim_end().len() {
            assert!(read_text(&text[..end]).is_err(), "{end}");
        }
        for at in 0..text.len() {
            let _ = read_text(&[&text[..at], &text[at + 1..]].concat())
                .map_err(|error| error.to_string());
        }
    }
}

fn value<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    ron_options().from_str(text).map_err(|error| error.code.to_string())
}

#[test]
fn a_weight_may_be_bare() {
    let projection = |weight: &str| {
        let text = format!("(from: \"a\", to: \"b\", connect: Dense, weight: {weight})");
        value::<Projection>(&text).map(|projection| projection.weight)
    };
    for text in ["20.0", "\"0.02 nA\"", "Constant(20)", "Constant(\"20 pA\")"] {
        assert_eq!(projection(text), Ok(Weight::Constant(Quantity::new(20.0))), "{text}");
    }
    assert_eq!(projection("Kaiming(gain: 1)"), Ok(Weight::Kaiming(Kaiming { gain: 1.0 })));
}

#[test]
fn a_delay_is_a_quantity_or_is_drawn() {
    let ms = Quantity::<Ms>::new;
    for (text, delay) in [
        ("1.5", Delay::Constant(ms(1.5))),
        ("\"0.0015 s\"", Delay::Constant(ms(1.5))),
        (
            "Normal(mean: 1.5, std: \"500 us\", max: 3)",
            Delay::Normal(Normal { mean: ms(1.5), std: ms(0.5), min: None, max: Some(ms(3.0)) }),
        ),
        ("Uniform(low: 1, high: 2)", Delay::Uniform(Uniform { low: ms(1.0), high: ms(2.0) })),
        (
            "Distance(velocity: \"300 um/ms\")",
            Delay::Distance(Distance { offset: ms(0.0), velocity: Quantity::new(0.3) }),
        ),
    ] {
        assert_eq!(value::<Delay>(text).as_ref(), Ok(&delay), "{text}");
        assert_eq!(value(&ron_options().to_string(&delay).unwrap()), Ok(delay), "{text}");
    }
    let error = value::<Delay>("Distance(velocity: \"3 um\")").unwrap_err();
    assert!(error.contains("`3 um` is a length, here a velocity in m/s"), "{error}");
    assert_eq!(value("\"1.5 mm\""), Ok(Quantity::<Um>::new(1500.0)));
    assert_eq!(value("\"2 µm\""), Ok(Quantity::<Um>::new(2.0)));
    assert_eq!(value("3"), Ok(Quantity::<Um>::new(3.0)));
}

#[test]
fn populations_keep_their_order_and_none_is_lost() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holder(Named<Population>);

    let text = r#"{"z": (size: 1, model: Lif()), "a": (size: 2, model: Readout())}"#;
    let holder: Holder = value(text).unwrap();
    assert_eq!(holder.0.0.iter().map(|entry| entry.0.as_str()).collect::<Vec<_>>(), ["z", "a"]);
    assert_eq!(value(&ron_options().to_string(&holder).unwrap()), Ok(holder));
    let error = value::<Holder>(&text.replace("\"a\"", "\"z\"")).unwrap_err();
    assert!(error.contains("two entries with the name `z`"), "{error}");
}

const LAYERS: &str = r#"(
    version: 1,
    simulation: (dt: 1),
    populations: {
        "pixels": (shape: [28, 28, 1], model: Images(encoder: Latency(window: 5))),
        "edges": (shape: [24, 24, 4], model: Lif()),
        "parts": (shape: [10, 10, 6], model: Lif()),
        "digits": (size: 10, model: Readout()),
    },
    projections: [
        (from: "pixels", to: "edges", connect: Conv(kernel: 5), weight: Kaiming()),
        (from: "edges", to: "parts", pool: Avg(2), connect: Conv(kernel: [3, 3]), weight: Kaiming()),
        (name: "beside", from: "parts", to: "parts", connect: Lateral(radius: 2), weight: Kaiming()),
        (from: "parts", to: "digits", pool: Max(2), connect: Dense, weight: Kaiming()),
    ],
    training: (
        data: Mnist(dir: "mnist"),
        epochs: 5, batch: 100, steps: 25,
        loss: SoftmaxCrossEntropy(),
        optimizer: Adam(lr: 0.001),
    ),
)
"#;

#[test]
fn a_shape_is_a_size() {
    let (scene, ..) = read_text(LAYERS).unwrap();
    let sizes: Vec<_> = scene.populations.iter().map(|(_, p)| p.size).collect();
    assert_eq!(sizes, [784, 2304, 600, 10]);
    let text = ron_options().to_string(&scene).unwrap();
    assert_eq!(read_text(&text).unwrap().0, scene);
}

#[test]
fn what_does_not_lie_in_layers_is_shown_at_its_place() {
    expect_problems(
        LAYERS,
        &[
            ("shape: [24, 24, 4]", "shape: [24, 24, 0]", "0", "not enough, at least 1"),
            ("shape: [24, 24, 4]", "shape: [2, 3, 4, 5]", "[2, 3, 4, 5]", "4 numbers | `[rows"),
            (
                "shape: [10, 10, 6]",
                "size: 600, shape: [9000000000000000000, 9000000000000000000, 9000000000000000000]",
                "[9000000000000000000",
                "room for 340282366920938463463374607431768211455 neurons, but `size` is 600",
            ),
            (
                "shape: [24, 24, 4]",
                "size: 5, shape: [24, 24, 4]",
                "[24, 24, 4]",
                "room for 2304 neurons, but `size` is 5 | leave `size` out",
            ),
            ("(size: 10,", "(", "( model: Readout())", "at least one neuron | `size` or a `shape`"),
            (
                "shape: [24, 24, 4]",
                "shape: [25, 25, 4]",
                "Conv(kernel: 5)",
                "24 x 24 places on the 28 x 28 of `pixels`, but `edges` has 25 x 25 | the shape [24, 24, 4]",
            ),
            ("Conv(kernel: 5)", "Conv(kernel: 0)", "0", "not enough, at least 1"),
            (
                "Conv(kernel: 5)",
                "Conv(kernel: 29)",
                "Conv(kernel: 29)",
                "kernel of 29 x 29 with a padding of 0 x 0 and a dilation of 1 x 1 does not fit into the 28 x 28",
            ),
            ("Conv(kernel: 5)", "Conv(kernel: 5, stride: 0)", "0", "not enough, at least 1"),
            ("kernel: [3, 3]", "kernel: [3]", "3]", "two numbers, as `[3, 5]`, and not 1"),
            (
                "Conv(kernel: 5)",
                "Conv(kernel: 5, groups: 3)",
                "Conv(kernel: 5, groups: 3)",
                "3 groups do not divide",
            ),
            ("pool: Avg(2)", "pool: Avg(25)", "Avg(25)", "25 x 25 are pooled, but `edges` has 24"),
            ("pool: Avg(2)", "pool: Avg(0)", "Avg(0)", "pools nothing | at least 1"),
            (
                "connect: Lateral(radius: 2)",
                "pool: Avg(2), connect: Lateral(radius: 2)",
                "Avg(2)",
                "only sources of `Conv` and `Dense` are pooled | leave `pool` out",
            ),
            ("radius: 2", "radius: 0", "0", "not strictly positive"),
            (
                "name: \"beside\", from: \"parts\", to: \"parts\", connect: Lateral(radius: 2)",
                "name: \"beside\", from: \"pixels\", to: \"pixels\", connect: Lateral(radius: 2)",
                "\"pixels\"",
                "a source, which takes no input",
            ),
            (
                "Conv(kernel: 5)",
                "Conv(kernel: 5, padding: 11500, stride: 1001)",
                "Conv(kernel: 5, padding: 11500, stride: 1001)",
                "places, more than 16777216 | `padding`",
            ),
            (
                "to: \"parts\", connect: Lateral",
                "to: \"edges\", connect: Lateral",
                "Lateral(radius: 2)",
                "10 x 10 rows and columns and `edges` has 24 x 24",
            ),
            (
                "connect: Dense",
                "connect: Conv(kernel: 1)",
                "Conv(kernel: 1)",
                "goes by rows and columns, and `digits` has none | [rows, columns, channels]",
            ),
            (
                "Conv(kernel: 5)",
                "Conv(kernel: 5), delay: Uniform(low: 1, high: 3)",
                "Uniform(low: 1, high: 3)",
                "share one delay | `Local`",
            ),
            (
                "Conv(kernel: 5)",
                "Conv(kernel: 5), learn: Stdp(w_max: 5, mu_plus: 1)",
                "1)",
                "summed over all pairs of spikes | use 0",
            ),
            (
                "Conv(kernel: 5)",
                "Conv(kernel: 5), learn: Oja(eta: 1, w_max: 5)",
                "Oja(eta: 1",
                "`Oja` asks for weights | `Hebb`",
            ),
            (
                "connect: Dense",
                "connect: Dense, learn: Stdp(w_max: 5)",
                "Stdp(w_max: 5)",
                "`digits` does not spike | `Backprop`",
            ),
        ],
    );
    let simulated =
        LAYERS.split_once("training:").unwrap().0.replace("dt: 1", "dt: 1, duration: 9");
    let simulated = simulated.replace("Images(encoder: Latency(window: 5))", "Poisson(rate: 9)");
    let simulated = simulated.replace("Kaiming()", "1") + ")";
    let simulated = simulated
        .replace("Max(2)", "Sum(2)")
        .replace("projections: [", "modulators: {\"m\": (tau: 50)}, projections: [");
    expect_problems(
        &simulated,
        &[
            ("Sum(2)", "Max(2)", "Max(2)", "in trainings by gradients only | `Avg` or `Sum`"),
            (
                "Conv(kernel: 5)",
                "Conv(kernel: 5), learn: Oja(eta: 1, w_max: 5)",
                "Oja(eta: 1",
                "`Oja` asks each synapse | share weights | `Triplet` or `Vogels`",
            ),
            (
                "Conv(kernel: 5)",
                "Conv(kernel: 5), learn: Clopath(w_max: 5)",
                "Clopath(",
                "`Clopath` asks each synapse | share weights",
            ),
            (
                "Conv(kernel: 5)",
                "Conv(kernel: 5), learn: Stdp(w_max: 5, eligibility: (modulator: \"m\", tau: 9, rate: 1))",
                "(modulator",
                "a mark is of one synapse | `Local`",
            ),
            (
                "Conv(kernel: 5)",
                "Conv(kernel: 5), learn: Stdp(w_max: 5), rewire: (below: 0.1, weight: 1, every: 9)",
                "(below",
                "single synapses are replaced | `Local`",
            ),
            (
                "Conv(kernel: 5)",
                "Conv(kernel: 5), learn: Stdp(w_max: 5), scaling: (rho: 5, eta: 1)",
                "(rho",
                "single synapses are scaled | `Local`",
            ),
        ],
    );
    let learned =
        simulated.replace("Conv(kernel: 5)", "Conv(kernel: 5), learn: Stdp(w_max: 5, mu_plus: 1)");
    read_text(&learned).unwrap();
    expect_problems(
        &learned,
        &[(
            "\"m\": (tau: 50)",
            "\"m\": (tau: 50, release: [Pair(projection: \"pixels->edges\", synapse: 3, within: 9, low: 1, high: 2, amount: 1)])",
            "\"pixels->edges\"",
            "no number is of one of them | another projection",
        )],
    );
}
