//! Level 6, 4: what scenes may say of values for each neuron or synapse, of models that are named once, of regular
//! spikes and of currents; and what is said where they are wrong.

mod common;

use common::simulated;
use neuralearn::network::{Kind, Network, Synapses, build};
use neuralearn::scene::{Override, load_str};
use std::path::Path;

/// A scene of a population and what else there is.
fn text(model: &str, rest: &str) -> String {
    format!(
        "(version: 1, simulation: (dt: 0.1, duration: 20, seed: 3), populations: {{ \"cell\": (size: 4, model: {model})\
         {rest})"
    )
}

fn error(text: &str) -> String {
    let loaded = load_str("test.ron", text, Path::new(""), &[]);
    match loaded {
        Err(error) => error.to_string(),
        Ok((scene, ..)) => build(&scene).map(|_| ()).expect_err(text).to_string(),
    }
}

fn network(text: &str) -> Network {
    let (scene, ..) =
        load_str("test.ron", text, Path::new(""), &[]).unwrap_or_else(|e| panic!("{e}"));
    build(&scene).unwrap_or_else(|e| panic!("{e}"))
}

fn laid_out(text: &str) -> Vec<(String, Vec<f64>)> {
    let network = network(text);
    network.populations[0].laid_out.iter().map(|of| (of.name.clone(), of.values.clone())).collect()
}

#[test]
fn values_are_laid_out_over_neurons() {
    let found = laid_out(&text(
        "Lif(i_e: Linspace(from: \"1 nA\", to: 250), t_ref: [0, 1, \"0.002 s\", 3])",
        "}",
    ));
    let wanted = [("t_ref", vec![0.0, 1.0, 2.0, 3.0]), ("i_e", vec![1000.0, 750.0, 500.0, 250.0])];
    assert_eq!(found, wanted.map(|(name, values)| (name.to_owned(), values)));
    let channels = "Hh(channels: {\"leak\": Leak(g: [1, 2, 3, 4]), \"na\": Na(g: 10)})";
    assert_eq!(
        laid_out(&text(channels, "}")),
        [("channels.leak.g".to_owned(), vec![1.0, 2.0, 3.0, 4.0])]
    );
}

/// Moments of the values themselves, within five standard errors, and no value at or below 0.
#[test]
fn log_normal_values_have_the_given_moments() {
    let n = 40_000;
    let scene = format!(
        "(version: 1, simulation: (dt: 0.1, duration: 1), populations: {{
            \"a\": (size: 1, model: Poisson(rate: 10)), \"b\": (size: {n}, model: Lif()) }},
        projections: [(from: \"a\", to: \"b\", connect: Dense, weight: LogNormal(mean: 20, std: 10),
            delay: LogNormal(mean: 8, std: 2))])"
    );
    let network = network(&scene);
    let synapses = &network.projections[0].synapses;
    let delays: Vec<f64> = synapses.delays().iter().map(|d| f64::from(*d) * 0.1).collect();
    for (values, mean, std) in [(synapses.weights(), 20.0, 10.0), (&delays, 8.0, 2.0)] {
        assert!(values.iter().all(|x| *x > 0.0));
        let count = values.len() as f64;
        let found = values.iter().sum::<f64>() / count;
        assert!((found - mean).abs() <= 5.0 * std / count.sqrt(), "{found}, not {mean}");
        let variance = values.iter().map(|x| (x - found).powi(2)).sum::<f64>() / count;
        // A log-normal's fourth moment is large: a tenth of the deviation is five standard errors and more.
        assert!((variance.sqrt() / std - 1.0).abs() <= 0.1, "{}, not {std}", variance.sqrt());
    }
}

#[test]
fn weights_and_delays_may_be_given_one_by_one() {
    let projection = |connect: &str, rest: &str| {
        network(&text(
            "Poisson(rate: 1)",
            &format!(
                ", \"to\": (size: 4, model: Lif()) }}, projections: [(from: \"cell\", to: \"to\", connect: {connect}, {rest})]"
            ),
        ))
        .projections
        .remove(0)
    };
    let p = projection(
        "OneToOne",
        "weight: [1, 2, \"0.003 nA\", 4], delay: Linspace(from: 0.1, to: 0.4)",
    );
    assert_eq!(p.synapses.weights(), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(p.synapses.delays(), [1, 2, 3, 4]);
    // Dense, by source, then target.
    let p = projection("Dense", "weight: Linspace(from: 0, to: 15)");
    let Synapses::Dense { weights } = &p.synapses else { panic!() };
    assert_eq!(weights[..5], [0.0, 1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn lists_that_do_not_fit_are_refused_with_both_numbers() {
    let projection = |rest: &str| {
        let rest =
            format!("}}, projections: [(from: \"cell\", to: \"cell\", connect: OneToOne, {rest})]");
        text("Lif()", &rest)
    };
    for (scene, words) in [
        (text("Lif(i_e: [1, 2, 3])", "}"), "3 values for 4 neurons | model.i_e"),
        (text("Lif(tau_m: [1, 2, -3, 4])", "}"), "-3 ms is not strictly positive | tau_m.2"),
        (
            text("Lif(tau_m: LogNormal(mean: 0, std: 1))", "}"),
            "0 ms is not strictly positive | tau_m.mean",
        ),
        (
            text("Lif(i_e: Linspace(from: 0, to: 1))", "}").replace("size: 4", "size: 1"),
            "needs two neurons, and there is one | give the one value",
        ),
        (projection("weight: [1, 2, 3]"), "projections.0.weight: 3 values for 4 synapses"),
        (projection("weight: 1, delay: [1, 2]"), "projections.0.delay: 2 values for 4 synapses"),
        (projection("weight: 1, delay: [1, 2, 3, 0]"), "a delay of 0 ms is below one step"),
        (
            projection("weight: LogNormal(mean: 5, std: 1, max: 1)"),
            "hardly ever lies between 0 and 1",
        ),
    ] {
        let error = error(&scene);
        words
            .split(" | ")
            .for_each(|word| assert!(error.contains(word), "`{word}` is not in {error}"));
    }
}

const MODELS: &str = "}, models: {
    \"squid\": Hh(i_e: 5, channels: {\"leak\": Leak(g: 0.3), \"na\": NaSquid(g: 120)}),
    \"hot\": Like(model: \"squid\", with: (channels: {\"na\": (phi: 3), \"k\": KSquid(g: 36)})),
    \"plain\": Lif(tau_m: 20),
}";

#[test]
fn a_model_may_be_like_another_with_changes() {
    let load = |model: &str, changes: &[&str]| {
        let changes: Vec<Override> = changes.iter().map(|change| change.parse().unwrap()).collect();
        let loaded = load_str("test.ron", &text(model, MODELS), Path::new(""), &changes);
        loaded.unwrap_or_else(|e| panic!("{e}")).0
    };
    let shown = |model: &str, changes: &[&str]| {
        format!("{:?}", load(model, changes).populations[0].1.model)
    };
    let squid = |rest: &str| shown(&format!("Hh({rest})"), &[]);
    let channels = "channels: {\"leak\": Leak(g: 0.3), \"na\": NaSquid(g: 120)}";
    assert_eq!(shown("Like(model: \"squid\")", &[]), squid(&format!("i_e: 5, {channels}")));
    let changed =
        shown("Like(model: \"squid\", with: (I_e: \"7 pA\", v_th: Normal(mean: 0, std: 1)))", &[]);
    assert_eq!(changed, squid(&format!("i_e: 7, v_th: Normal(mean: 0, std: 1), {channels}")));
    // A change of a change: of one number of a channel, and a channel more, which comes first.
    let hot =
        "channels: {\"k\": KSquid(g: 36), \"leak\": Leak(g: 0.3), \"na\": NaSquid(g: 120, phi: 3)}";
    assert_eq!(
        shown("Like(model: \"hot\", with: (i_e: 1))", &[]),
        squid(&format!("i_e: 1, {hot}"))
    );
    // Overrides reach both the model and its changes.
    let set = ["models.plain.tau_m=15", "populations.cell.model.with.v_th=-40"];
    assert_eq!(shown("Like(model: \"plain\")", &set), shown("Lif(tau_m: 15, v_th: -40)", &[]));
    // What is written reads back.
    let scene = load("Like(model: \"hot\")", &[]);
    let written = scene.to_ron().unwrap();
    let again =
        load_str("again.ron", &written, Path::new(""), &[]).unwrap_or_else(|e| panic!("{e}")).0;
    assert_eq!(format!("{:?}", again.populations), format!("{:?}", scene.populations));
}

#[test]
fn references_that_lead_nowhere_are_refused() {
    let circle = "}, models: { \"a\": Like(model: \"b\"), \"b\": Like(model: \"a\") }";
    for (model, models, words) in [
        (
            "Like(model: \"squib\")",
            MODELS,
            "no model `squib` | did you mean `squid`? | model.model",
        ),
        ("Like(model: \"x\")", "}", "no model `x` | add `models: { \"x\": Lif(...) }`"),
        ("Like(model: \"a\")", circle, "`a`, `b` and `a` are like each other | models.a"),
        (
            "Like(model: \"plain\", with: (tau_n: 5))",
            MODELS,
            "no field `tau_n` | did you mean `tau_m`? | model.with.tau_n",
        ),
        (
            "Like(model: \"plain\", with: (tau_m: \"5 mV\"))",
            MODELS,
            "`5 mV` is a potential | model.with.tau_m",
        ),
        ("Like(model: \"plain\", with: (tau_m: -5))", MODELS, "-5 ms is not strictly positive"),
        ("Like(model: \"plain\", with: 5)", MODELS, "changes are a group of fields"),
        ("Like(model: \"plain\", with: {\"tau_m\": 5})", MODELS, "changes are a group of fields"),
    ] {
        let error = error(&text(model, models));
        words
            .split(" | ")
            .for_each(|word| assert!(error.contains(word), "`{word}` is not in {error}"));
    }
}

/// Weights that exchange their synapses are the same weights, the same each time, elsewhere.
#[test]
fn shuffled_weights_are_kept_but_not_their_places() {
    let with = |connect: &str, more: &str| {
        let rest =
            format!("}}, projections: [(from: \"cell\", to: \"cell\", connect: {connect}{more})]");
        text("Lif()", &rest)
    };
    for connect in
        ["Dense, weight: Linspace(from: 1, to: 16)", "Others, weight: Linspace(from: 1, to: 12)"]
    {
        let weights =
            |more| network(&with(connect, more)).projections[0].synapses.weights().to_vec();
        let (plain, shuffled) = (weights(""), weights(", shuffled: true"));
        assert!(plain != shuffled && shuffled == weights(", shuffled: true"), "{shuffled:?}");
        let mut sorted = shuffled;
        sorted.sort_by(f64::total_cmp);
        assert_eq!(sorted, plain);
    }
    let error = error(&with("Procedural(k: 2), weight: 1", ", shuffled: true"));
    assert!(error.contains("`Procedural` keeps no weights, which `shuffled` needs"), "{error}");
}

#[test]
fn regular_spikes_come_when_they_should() {
    let times = |model: &str| match network(&text(model, "}")).populations.remove(0).kind {
        Kind::Spikes(times) => times,
        other => panic!("{other:?}"),
    };
    let found = times("Regular(start: [1, 2, 3, 4], interval: 2.5, count: [3, 2, 1, 0])");
    assert_eq!(found, [vec![9, 34, 59], vec![19, 44], vec![29], vec![]]);
    // Until the end of the simulation, at which a spike may still be.
    assert_eq!(times("Regular(start: 5, interval: 5)"), vec![vec![49, 99, 149, 199]; 4]);
    let long =
        text("Regular(start: 1, interval: 0.2)", "}").replace("duration: 20", "duration: 1e8");
    let said = error(&long);
    assert!(said.contains("which makes more than 1e8 spikes"), "{said}");
    for (model, words) in [
        (
            "Regular(start: 1, interval: 0.05)",
            "spikes every 0.05 ms are more than one in a step of 0.1 ms",
        ),
        ("Regular(start: 0, interval: 1)", "0 ms is not strictly positive | start"),
        ("Regular(start: 1, interval: 1, count: -1)", "-1 is negative | count"),
        ("Regular(start: 1, interval: [1, 2])", "2 values for 4 neurons"),
    ] {
        let error = error(&text(model, "}"));
        words
            .split(" | ")
            .for_each(|word| assert!(error.contains(word), "`{word}` is not in {error}"));
    }
}

/// Without leak to speak of v rises by the integral of the current over c_m: the charge of each kind of current, on every
/// engine.
#[test]
fn currents_of_each_neuron_bring_their_charge() {
    let cell = "Lif(c_m: 100, tau_m: 1e7, e_l: -70, v_th: 1e6)";
    let stimuli = "}, stimuli: [
        (to: \"cell\", input: Step(amplitude: [10, 20, 30, 40], start: 2, stop: 12)),
        (to: \"cell\", ids: [3, 1], input: Step(amplitude: [5, 7], start: 0, stop: 20)),
        (to: \"cell\", ids: [2], input: Table(values: [1, 2, \"0.003 nA\"], every: 2, start: 5, scale: 10)),
        (to: \"cell\", ids: [0], input: Sine(amplitude: 50, frequency: 100, start: 0, stop: 5)),
        (to: \"cell\", input: Step(amplitude: 1, start: 0, stop: 20)),
        (to: \"cell\", ids: [0, 1], input: Ramp(from: 0, to: 10, start: 10, stop: 20)),
    ], record: (traces: [(population: \"cell\", ids: [0, 1, 2, 3])])";
    // pA ms: half a period of the sine brings amplitude period / pi.
    let charge = [
        100.0 + 50.0 * 10.0 / std::f64::consts::PI + 20.0 + 50.0,
        200.0 + 7.0 * 20.0 + 20.0 + 50.0,
        300.0 + 10.0 * (1.0 + 2.0 + 3.0) * 2.0 + 20.0,
        400.0 + 5.0 * 20.0 + 20.0,
    ];
    simulated(&text(cell, stimuli)).on_every_engine("grammar", |engine, done| {
        let v = done.values("cell.v");
        for (k, (v, charge)) in v[v.len() - 4..].iter().zip(charge).enumerate() {
            let want = -70.0 + charge / 100.0;
            // The leak takes 2e-6 of it, the midpoint of a sine's steps 2e-4 of its part, 200 additions in f32 the rest.
            assert!((v - want).abs() <= 1e-3, "{engine}: neuron {k} is at {v}, not {want}");
        }
    });
}

/// Poisson events of a rate of each neuron, and of none where none are wanted; a noise current to some only. All
/// engines draw the same.
#[test]
fn each_neuron_has_its_own_rate_and_noise() {
    let scene = "(version: 1, simulation: (dt: 0.1, duration: 1000, seed: 3), populations: {
            \"cell\": (size: 70, model: Lif(c_m: 100, tau_m: 10, v_th: 1e6, receptors: {\"ex\": Pulse()})) },
        stimuli: [
            (to: \"cell\", input: Poisson(rate: Linspace(from: 0, to: 690), weight: 10)),
            (to: \"cell\", ids: [0, 69], input: Noise(std: [0, 100], mean: 3)),
        ], record: (traces: [(population: \"cell\", ids: [0, 10, 40, 69], every: 0.1)]))";
    let simulated = simulated(scene);
    let want = simulated.solve();
    let mean = |k: usize| {
        let values: Vec<f64> = want.values("cell.v").chunks(4).map(|row| row[k]).collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    // The mean of v - e_l is rate · weight · dt · tau_m / c_m, with the mean of the noise.
    assert!((mean(0) + 70.0 - 0.3).abs() <= 0.01, "{}", mean(0));
    for (k, rate) in [(1, 100.0), (2, 400.0)] {
        let expected = rate * 1e-3 * 10.0 * 0.1 * 10.0 / 100.0;
        let found = mean(k) + 70.0;
        assert!(
            (found / expected - 1.0).abs() <= 5.0 / rate.sqrt(),
            "{rate} Hz: {found}, not {expected}"
        );
    }
    simulated.on_every_engine("grammar", |engine, done| {
        for (a, b) in done.values("cell.v").iter().zip(want.values("cell.v")) {
            assert!((a - b).abs() <= 1e-3, "{engine}: {a} {b}");
        }
    });
}

#[test]
fn stimuli_to_nobody_are_refused() {
    for (stimulus, words) in [
        ("ids: [4], input: Step(amplitude: 1, start: 0)", "no neuron 4 among 4 | ids.0"),
        ("ids: [1, 1], input: Step(amplitude: 1, start: 0)", "neuron 1 is named twice | ids.1"),
        ("ids: [], input: Step(amplitude: 1, start: 0)", "no neuron is named"),
        (
            "ids: [1, 2], input: Step(amplitude: [1, 2, 3], start: 0)",
            "3 values for 2 neurons in `ids`",
        ),
        ("input: Table(every: 1)", "either `values` or a `file`"),
        ("input: Table(values: [1], every: 0.01)", "less than half a step"),
        ("input: Sine(amplitude: 1, frequency: -1)", "-1 Hz is negative"),
        ("input: Table(file: \"absent.npy\", every: 1)", "absent.npy"),
    ] {
        let error = error(&text("Lif()", &format!("}}, stimuli: [(to: \"cell\", {stimulus})]")));
        words
            .split(" | ")
            .for_each(|word| assert!(error.contains(word), "`{word}` is not in {error}"));
    }
}

/// What a hard reading of the first version found: each would be taken in silence, refused wrongly, or end the program.
#[test]
fn values_go_where_they_are_meant() {
    // The time constant of the only receptor, of each neuron.
    let decay = |tau: &str, id: u32| {
        let scene = text(
            &format!("Lif(tau_syn: {tau})"),
            &format!(
                ", \"in\": (size: 1, model: Spikes(times: [[1]])) }}, projections: [
                (from: \"in\", to: \"cell\", connect: Dense, weight: 100)],
                record: (traces: [(population: \"cell\", ids: [{id}], variables: [\"i_ex\"])])"
            ),
        );
        let done = simulated(&scene).solve();
        let i = done.values("cell.i_ex").to_vec();
        i[60] / i[59]
    };
    for (tau, id, wanted) in [
        ("5", 0, 5.0f64),
        ("[5, 5, 5, 5]", 0, 5.0),
        ("[5, 5, 6, 5]", 1, 5.0),
        ("[5, 5, 6, 5]", 2, 6.0),
    ] {
        let found = decay(tau, id);
        assert!((found - (-0.1 / wanted).exp()).abs() <= 1e-9, "{tau} of {id}: {found}");
    }

    // Weights of a dense projection keep their order where delays make a list of it.
    let dense = |delay: &str| {
        let rest = format!(
            ", \"to\": (size: 3, model: Lif()) }}, projections: [(from: \"cell\", to: \"to\", connect: Dense,
                weight: Linspace(from: 0, to: 11), delay: {delay})]"
        );
        network(&text("Poisson(rate: 1)", &rest)).projections.remove(0).synapses
    };
    let Synapses::Sparse { source, weights, .. } = dense("Uniform(low: 1, high: 2)") else {
        panic!()
    };
    let by_target: Vec<f64> =
        (0..3).flat_map(|j| (0..4).map(move |i| f64::from(i * 3 + j))).collect();
    assert_eq!((weights, source), (by_target, [0, 1, 2, 3].repeat(3)));
    let delays: Vec<String> = (1..=12).map(|k| format!("{:.1}", f64::from(k) * 0.1)).collect();
    let delays = dense(&format!("[{}]", delays.join(", "))).delays().to_vec();
    assert_eq!(delays, [1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12]);

    // A threshold is compared with the reset of its own neuron.
    network(&text("Lif(v_th: [-60, -50, -40, -30], v_reset: [-70, -60, -45, -35], e_l: -80)", "}"));
    let said = error(&text(
        "Lif(v_th: [-60, -50, -40, -30], v_reset: [-70, -60, -45, -30], e_l: -80)",
        "}",
    ));
    assert!(said.contains("v_reset: neuron 3 has -30, but the reset"), "{said}");
    network(&text("Regular(start: 1, interval: LogNormal(mean: 10, std: 1))", "}"));

    for (scene, words) in [
        (
            text(
                "Lif()",
                "}, stimuli: [(to: \"cell\", input: Poisson(rate: Normal(mean: 5e8, std: 0), weight: 1))]",
            ),
            "input.rate: neuron 0 has 500000000, more than 10000 events in a step",
        ),
        (
            text(
                "Lif()",
                "}, stimuli: [(to: \"cell\", ids: [3, 1], input: Poisson(rate: Normal(mean: -5, std: 0), weight: 1))]",
            ),
            "input.rate: neuron 3 has -5, which is negative",
        ),
        (
            text("Like(model: \"plain\", with: (tau_m: 5, tau_m: 6))", MODELS),
            "`tau_m` is given twice",
        ),
        (text("Like(model: \"plain\", with: (c_m: 5, C_m: 6))", MODELS), "`C_m` is given twice"),
        (
            text("Like(model: \"squid\", with: (channels: {\"na\": (g: 1, g: 2)}))", MODELS),
            "`g` is given twice",
        ),
        (
            text("Lif()", "}, models: {\"bad\": Lif(tau_m: -4)}"),
            "-4 ms is not strictly positive | models.bad.tau_m",
        ),
        (text("Lif()", "}, models: {\"a b\": Lif()}"), "`a b` is not a name"),
    ] {
        let error = error(&scene);
        words
            .split(" | ")
            .for_each(|word| assert!(error.contains(word), "`{word}` is not in {error}"));
    }
}

#[test]
fn what_never_happens_is_told() {
    let warnings = |text: &str| {
        let (scene, _, mut warnings) =
            load_str("test.ron", text, Path::new(""), &[]).unwrap_or_else(|e| panic!("{e}"));
        warnings.extend(build(&scene).unwrap_or_else(|e| panic!("{e}")).warnings);
        warnings.into_iter().map(|w| format!("{}: {}\n", w.path, w.message)).collect::<String>()
    };
    let stimulus = |input: &str| {
        warnings(&text("Lif()", &format!("}}, stimuli: [(to: \"cell\", input: {input})]")))
    };
    for (found, words) in [
        (stimulus("Step(amplitude: 1, start: 20)"), "stimuli.0.input.start: it never comes"),
        (stimulus("Table(values: [1], every: 1, start: 30)"), "it never comes"),
        (
            stimulus("Sine(amplitude: 1, frequency: \"6 kHz\")"),
            "less than two steps of 0.1 ms in a period",
        ),
        (warnings(&text("Regular(start: 100, interval: 1)", "}")), "0 spikes come until the end"),
        (
            warnings(&text("Regular(start: 1, interval: 1, count: 90000000)", "}")),
            "80 spikes come until the end, 359999920 would come after it",
        ),
        (
            warnings(&text("Lif(t_ref: [0.01, 2.03, 1.01, 1])", "}").replace("0.01, ", "0, ")),
            "model.t_ref.1: 2.03 ms is not a multiple",
        ),
    ] {
        assert!(found.contains(words), "`{words}` is not in `{found}`");
    }
    let said = error(&text("Lif(t_ref: [0.01, 2, 1, 1])", "}"));
    assert!(said.contains("less than half a step") && said.contains("t_ref.0"), "{said}");
}

/// Names that a user gave have one spelling, even where another would be that of a field.
#[test]
fn names_are_no_spellings_of_fields() {
    let scene = "(version: 1, simulation: (dt: 0.1, duration: 10), populations: {
        \"source\": (size: 3, model: Poisson(rate: 1)), \"pre\": (size: 4, model: Poisson(rate: 1)) })";
    let set: Override = "populations.pre.size=9".parse().unwrap();
    let (scene, ..) =
        load_str("test.ron", scene, Path::new(""), &[set]).unwrap_or_else(|e| panic!("{e}"));
    let sizes: Vec<_> = scene.populations.iter().map(|(name, p)| (name.as_str(), p.size)).collect();
    assert_eq!(sizes, [("source", 3), ("pre", 9)]);
    let models = "}, models: { \"m\": Hh(channels: {\"U\": Leak(g: 1)}) }";
    let like = "Like(model: \"m\", with: (channels: {\"u\": Leak(g: 5)}))";
    let (scene, ..) = load_str("test.ron", &text(like, models), Path::new(""), &[])
        .unwrap_or_else(|e| panic!("{e}"));
    let written = scene.to_ron().unwrap();
    assert!(written.contains("\"U\": Leak") && written.contains("\"u\": Leak"), "{written}");
    assert!(!written.contains("models"), "{written}");
}
