//! Level 7: cases from the field, each the smallest scene that shows a kind of fault, with the right value
//! derived from its equation. What a scene must not do is refused or warned of, in words that say what to do.

mod common;
#[path = "common/place.rs"]
mod place;

use common::*;
use neuralearn::files::{Npy, write_npz};
use neuralearn::network::{Input, Kind, build};
use neuralearn::plan;
use neuralearn::scene::{Override, load_str};
use neuralearn::simulation::{Simulation, options};
use place::{Place, TRAINING, edit};
use std::fs;
use std::path::Path;
use std::time::Instant;

/// Runs a scene on the CPU engine and, if there is an adapter, on the shaders.
fn on_both_engines(test: &str, text: &str, mut check: impl FnMut(&str, Done)) {
    let simulated = simulated(text);
    check("cpu", simulated.run(&mut simulated.cpu(2)));
    if let Some(found) = adapter(test) {
        check("wgsl", simulated.run(&mut gpu(&found, &simulated.plan)));
    }
}

/// What is said of a scene before it runs: its warnings, or why it is refused.
fn judged(text: &str, dir: &Path, overrides: &[&str]) -> Result<Vec<String>, String> {
    let overrides: Vec<Override> = overrides.iter().map(|o| o.parse().unwrap()).collect();
    let (scene, _, mut warnings) =
        load_str("field.ron", text, dir, &overrides).map_err(|e| e.to_string())?;
    let network = build(&scene).map_err(|e| e.to_string())?;
    warnings.extend(network.warnings.clone());
    if scene.training.is_none() {
        let options = options(&scene, &network, 128 << 20).map_err(|e| e.to_string())?;
        warnings.extend(plan::plan(&network, &options).map_err(|e| e.to_string())?.warnings);
    }
    Ok(warnings.into_iter().map(|w| format!("{}: {}", w.path, w.message)).collect())
}

/// The one warning of a scene that is accepted.
#[track_caller]
fn warning(text: &str) -> String {
    let warnings = judged(text, Path::new(""), &[]).unwrap_or_else(|e| panic!("refused: {e}"));
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    warnings[0].clone()
}

/// Why a scene is refused.
#[track_caller]
fn refusal(text: &str) -> String {
    judged(text, Path::new(""), &[]).expect_err("accepted")
}

#[track_caller]
fn assert_says(text: &str, words: &[&str]) {
    for word in words {
        // An error is broken into lines by its frame.
        assert!(text.contains(word), "`{word}` is not in\n{text}");
    }
}

/// The value furthest below the first.
fn depth(values: &[f32]) -> f64 {
    let lowest = values.iter().fold(f32::INFINITY, |low, x| low.min(*x));
    f64::from(lowest) - f64::from(values[0])
}

#[track_caller]
fn assert_near(who: &str, got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance, "{who}: {got}, not {want}");
}

// ---- signs ----------------------------------------------------------------------------------------

/// A population with NEST's two time constants, and a spike at 1 ms through these projections.
fn nest(model: &str, projections: &str) -> String {
    format!(
        r#"(version: 1, simulation: (dt: 0.1, duration: 60, seed: 1), populations: {{
            "s": (size: 1, model: Spikes(times: [[1]])), "a": (size: 1, model: {model}) }},
        projections: [{projections}],
        record: (traces: [(population: "a", every: 0.1, variables: ["v", "{}_ex", "{}_in"])]))"#,
        if model.contains("e_in") { "g" } else { "i" },
        if model.contains("e_in") { "g" } else { "i" },
    )
}

const CURRENTS: &str = "Lif(tau_syn_ex: 2, tau_syn_in: 8)";
const CONDUCTANCES: &str = "Lif(tau_syn_ex: 2, tau_syn_in: 8, e_ex: 0, e_in: -85)";

#[test]
fn negative_weights_belong_to_the_inhibitory_receptor_of_nest() {
    let text = nest(CURRENTS, r#"(from: "s", to: "a", connect: Dense, weight: -500, delay: 1)"#);
    on_both_engines("nest_sign", &text, |who, done| {
        // -2 mV/ms (e^(-t/10) - e^(-t/8)) / (1/8 - 1/10 per ms) at its lowest.
        let t = (10f64 / 8.0).ln() / (1.0 / 8.0 - 1.0 / 10.0);
        let lowest = -2.0 * ((-t / 10.0).exp() - (-t / 8.0).exp()) / (1.0 / 8.0 - 1.0 / 10.0);
        assert_near(who, lowest, -6.5536, 1e-4);
        assert_near(who, depth(&done.recorded["a.v"]), lowest, 1e-3);
        assert!(done.recorded["a.i_ex"].iter().all(|i| *i == 0.0));
    });
    // With conductances it is the magnitude that goes there, of numbers, of draws and of stimuli.
    let text = nest(CONDUCTANCES, r#"(from: "s", to: "a", connect: Dense, weight: -10, delay: 1)"#);
    on_both_engines("nest_sign_cond", &text, |who, done| {
        assert_near(who, depth(&done.recorded["a.v"]) - 70.0, -71.80, 0.01);
        assert!(done.recorded["a.g_ex"].iter().all(|g| *g == 0.0));
        let most = done.recorded["a.g_in"].iter().fold(0.0, |m: f32, g| m.max(*g));
        assert_near(who, most.into(), 10.0, 1e-4);
    });
}

/// The sign of each synapse counts, not that of the projection.
#[test]
fn drawn_weights_part_by_their_signs() {
    let text = r#"(version: 1, simulation: (dt: 0.1, duration: 5), populations: {
            "s": (size: 30, model: Spikes(times: [])), "a": (size: 40, model: LIF) },
        projections: [(from: "s", to: "a", connect: CONNECT, weight: Normal(mean: 1, std: 3))])"#;
    for (model, connect) in [
        (CURRENTS, "Dense"),
        (CONDUCTANCES, "Dense"),
        (CONDUCTANCES, "FixedInDegree(k: 10)"),
        ("Adex()", "FixedProbability(p: 0.5)"),
    ] {
        let text = text.replace("CONNECT", connect);
        let parts = build(&scene(&text.replace("LIF", model))).unwrap();
        // The same draws where one receptor takes both.
        let whole = build(&scene(&text.replace("LIF", "Lif()"))).unwrap();
        let [excitatory, inhibitory] = &parts.projections[..] else { panic!("not two parts") };
        assert_eq!([excitatory.receptor, inhibitory.receptor], [0, 1]);
        let drawn = whole.projections[0].synapses.weights();
        assert_eq!(parts.synapses(), drawn.len() as u64);
        let sum = |w: &[f64], of: fn(&f64) -> bool| w.iter().copied().filter(of).sum::<f64>();
        let (above, below) = (sum(drawn, |w| *w > 0.0), sum(drawn, |w| *w < 0.0));
        let into = if model == CURRENTS { below } else { -below };
        assert!(excitatory.synapses.weights().iter().all(|w| *w >= 0.0));
        let [ex, inh] = [excitatory, inhibitory].map(|p| p.synapses.weights().iter().sum::<f64>());
        assert_near(model, ex, above, 1e-9);
        assert_near(model, inh, into, 1e-9);
    }
}

/// Weights of stimuli go where those of projections do.
#[test]
fn stimuli_go_by_the_sign_of_their_weight() {
    for (model, weight, receptor, into) in [
        (CURRENTS, -2.0, "", (1, -2.0)),
        (CONDUCTANCES, -2.0, "", (1, 2.0)),
        (CONDUCTANCES, 2.0, "", (0, 2.0)),
        (CONDUCTANCES, 2.0, ", receptor: \"in\"", (1, 2.0)),
        ("Adex()", -2.0, "", (1, 2.0)),
        ("Lif()", -2.0, "", (0, -2.0)),
    ] {
        let network = build(&scene(&format!(
            r#"(version: 1, simulation: (dt: 0.1, duration: 1), populations: {{ "a": (size: 1, model: {model}) }},
            stimuli: [(to: "a", input: Poisson(rate: 100, weight: {weight}{receptor}))])"#
        )));
        let Input::Poisson { receptor, weight, .. } = network.unwrap().stimuli[0].input else {
            panic!()
        };
        assert_eq!((receptor, weight), into, "{model}");
    }
}

/// A modulator that turns the gain of a population down turns nothing round.
#[test]
fn a_gain_does_not_fall_below_zero() {
    let text = r#"(version: 1, simulation: (dt: 0.1, duration: 20), populations: {
            "s": (size: 1, model: Spikes(times: [[10]])), "a": (size: 1, model: Lif(e_ex: 0)) },
        projections: [(from: "s", to: "a", connect: Dense, weight: 5)],
        modulators: {"m": (tau: 1000, release: [Events(times: [1], amount: 10)],
            effects: [Gain(population: "a", slope: -1)])},
        record: (traces: [(population: "a", variables: ["g_ex"], every: 1)]))"#;
    on_both_engines("gain", text, |who, done| {
        assert!(done.recorded["a.g_ex"].iter().all(|g| *g == 0.0), "{who}");
    });
}

#[test]
fn a_conductance_is_never_negative() {
    let text = |weight: &str, receptors: &str| {
        format!(
            r#"(version: 1, simulation: (dt: 0.1, duration: 20, seed: 1), populations: {{
                "s": (size: 1, model: Spikes(times: [[1]])),
                "a": (size: 1, model: Lif(receptors: {{{receptors}}})) }},
            projections: [(from: "s", to: "a", connect: Dense, weight: {weight})])"#
        )
    };
    let excitatory = r#""g": Exp(tau: 20, e_rev: 0)"#;
    for weight in [
        "-60",
        "Uniform(low: -1, high: 2)",
        "Normal(mean: -1, std: 1)",
        "Normal(mean: 1, std: 1, min: -2)",
    ] {
        let text = refusal(&text(weight, excitatory));
        assert_says(&text, &["conductance is never negative", "`e_rev` below rest"]);
    }
    // Where there is a receptor that inhibits, it is named.
    let both = format!(r#"{excitatory}, "i": GabaA()"#);
    assert_says(&refusal(&text("-60", &both)), &["receptor: \"i\""]);
    let stimulus = r#"(version: 1, simulation: (dt: 0.1, duration: 1), populations: {
        "a": (size: 1, model: Lif(e_ex: 0)) },
        stimuli: [(to: "a", input: Poisson(rate: 100, weight: -1))])"#;
    assert_says(&refusal(stimulus), &["conductance is never negative"]);
    let start = text("1", r#""g": Exp(tau: 20, e_rev: 0, init: -3)"#);
    assert_says(&refusal(&start), &["-3", "is negative"]);
    // What is drawn below 0 is drawn again.
    let many = text("Normal(mean: 1, std: 1)", excitatory).replace("size: 1", "size: 50");
    let network = build(&scene(&many)).unwrap();
    assert!(network.projections[0].synapses.weights().iter().all(|w| *w >= 0.0));
    // A file is read when the network is built.
    let dir = tempfile::tempdir().unwrap();
    let tensors = [("s->a".to_owned(), neuralearn::files::Values::Reals(vec![-2.0]))];
    neuralearn::files::write_tensors(&dir.path().join("w.safetensors"), &tensors).unwrap();
    let text = text(r#"File("w.safetensors")"#, excitatory);
    let said = judged(&text, dir.path(), &[]).unwrap_err();
    assert_says(&said, &["`s->a`", "-2 nS", "conductance is never negative", "e_rev below rest"]);
}

/// One synapse of an inhibitory population that spikes at 10 ms, the target at 20 ms.
fn inhibitory(weight: f64, learn: &str, more: &str) -> String {
    format!(
        r#"(version: 1, simulation: (dt: 0.1, duration: 100, seed: 1), populations: {{
            "i": (size: 1, model: Spikes(times: [[10]])), "c": (size: 1, model: Spikes(times: [[19.9]])),
            "a": (size: 1, model: Lif(receptors: {{"jump": Delta(), "in": Exp(tau: 10)}})) }},
        projections: [(from: "c", to: "a", connect: Dense, weight: 100, receptor: "jump"),
            (name: "l", from: "i", to: "a", connect: Dense, weight: {weight}, receptor: "in",
             learn: {learn}{more})])"#
    )
}

#[test]
fn rules_change_the_magnitude_of_inhibitory_weights() {
    let half = (-0.5f64).exp();
    let bounds = "w_min: -100, w_max: 0, axonal: 0";
    for (learn, want) in [
        (format!("Vogels(eta: 10, rho: 0, {bounds})"), -50.0 - 10.0 * half),
        // Each spike of the source weakens by eta 2 rho tau.
        (format!("Vogels(eta: 10, rho: 5, {bounds})"), -50.0 - 10.0 * half + 10.0 * 0.2),
        (format!("Stdp(a_plus: 0.1, a_minus: 0, {bounds})"), -50.0 - 10.0 * half),
        (
            format!("Stdp(a_plus: 0.1, a_minus: 0, mu_plus: 1, mu_minus: 0, {bounds})"),
            -50.0 - 10.0 * half * 0.5,
        ),
        (
            format!(
                "Triplet(a2_plus: 0.1, a3_plus: 0, a2_minus: 0, a3_minus: 0, tau_plus: 20, {bounds})"
            ),
            -50.0 - 10.0 * half,
        ),
    ] {
        on_both_engines("vogels", &inhibitory(-50.0, &learn, ""), |who, done| {
            let got = done.weights["l"][0];
            assert_near(&format!("{who}, {learn}"), got.into(), want, 1e-4);
        });
    }
    // Rates: the same magnitude as that of an excitatory synapse.
    for (rule, more) in [
        ("Hebb(eta: 0.05, ", ""),
        ("Oja(eta: 0.05, ", ""),
        ("Covariance(eta: 0.05, tau_mean: 1000, ", ""),
        ("Bcm(eta: 0.05, tau_mean: 1000, ", ""),
        ("Stdp(", ", scaling: (rho: 5, eta: 0.01, tau_mean: 100)"),
        ("Stdp(", ", normalize: (sum: 70, every: 50)"),
    ] {
        let changed = |weight: f64, bounds: &str| {
            let simulated = simulated(&inhibitory(weight, &format!("{rule}{bounds})"), more));
            f64::from(simulated.run(&mut simulated.cpu(1)).weights["l"][0])
        };
        let (above, below) = (changed(50.0, "w_max: 100"), changed(-50.0, "w_min: -100, w_max: 0"));
        assert!((above - 50.0).abs() > 1e-3, "{rule}: {above}");
        assert_near(rule, below, -above, 1e-5);
    }
    let said =
        warning(&inhibitory(-50.0, &format!("Stdp({bounds})"), ", scaling: (rho: 5, eta: 0.01)"));
    assert_says(&said, &["projections.1.scaling.eta", "drives its rate away"]);
    let text = refusal(&inhibitory(-50.0, "Stdp(w_max: -100)", ""));
    assert_says(&text, &["w_min: -100, w_max: 0"]);
}

// ---- time -----------------------------------------------------------------------------------------

fn given(times: &str, dt: f64) -> String {
    format!(
        r#"(version: 1, simulation: (dt: {dt}, duration: 10, seed: 1), populations: {{
            "s": (size: 2, model: Spikes({times})) }}, record: (spikes: ["s"]))"#
    )
}

#[test]
fn spikes_that_fall_together_are_refused() {
    let text = refusal(&given("times: [[1.6, 2.4, 5.2, 5.4]]", 1.0));
    assert_says(
        &text,
        &["source 0 at 1.6 and 2.4 ms", "ends at 2 ms", "of 4 spikes 2 would be lost"],
    );
    assert_says(&text, &["lower `simulation.dt`"]);
    let text = warning(&given("times: [[1.6], [3, 4.25, 7]]", 1.0));
    assert_says(&text, &["2 of 4 spikes", "1.6 ms of source 0", "2 ms"]);
    let text = warning(&given("times: [[], [3, 11, 12]]", 1.0));
    assert_says(&text, &["2 of 3 spikes come after the end at 10 ms", "11 ms of source 1"]);
    assert_eq!(
        judged(&given("times: [[0.1, 0.30000000000000004, 10]]", 0.1), Path::new(""), &[]),
        Ok(vec![])
    );

    // A recording with steps of 0.1 ms that is replayed in steps of 1 ms.
    let dir = tempfile::tempdir().unwrap();
    let save = |spikes: &[(f64, u32)]| {
        let (t, id): (Vec<f64>, Vec<u32>) = spikes.iter().copied().unzip();
        let shape = [spikes.len() as u64];
        let arrays = [
            Npy::new::<f64>("s.t_ms", &shape, |w| {
                t.iter().try_for_each(|t| w.write_all(&t.to_le_bytes()))
            }),
            Npy::new::<u32>("s.id", &shape, |w| {
                id.iter().try_for_each(|id| w.write_all(&id.to_le_bytes()))
            }),
        ];
        write_npz(&dir.path().join("spikes.npz"), &arrays).unwrap();
    };
    let replayed = |dt| judged(&given(r#"file: "spikes.npz""#, dt), dir.path(), &[]);
    save(&[(0.7, 1), (1.2, 0), (1.3, 1), (12.0, 0)]);
    let text = replayed(1.0).unwrap_err();
    assert_says(
        &text,
        &["spikes.npz", "source 1 at 0.7 and 1.3 ms", "of 4 spikes 1 would be lost"],
    );
    let warnings = replayed(0.1).unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_says(&warnings[0], &["populations.s.model.file", "1 of 4 spikes come after the end"]);
    save(&[(1.2, 0), (1.4, 1)]);
    assert_says(&replayed(1.0).unwrap()[0], &["2 of 2 spikes are not at multiples", "1.2 ms"]);
}

fn step(input: &str) -> String {
    format!(
        r#"(version: 1, simulation: (dt: 1, duration: 10, seed: 1), populations: {{
            "a": (size: 1, model: Lif(v_th: 1000, e_l: 0, v_reset: 0)) }},
        stimuli: [(to: "a", input: {input})], record: (traces: [(population: "a", every: 1)]))"#
    )
}

#[test]
fn times_of_stimuli_off_the_grid_are_warned_of() {
    for input in [
        "Step(amplitude: 250, start: 2.4, stop: 6)",
        "Step(amplitude: 250, start: 2, stop: 6.4)",
        "Ramp(from: 0, to: 250, start: 2.4, stop: 6)",
        "Noise(std: 5, start: 2.4)",
        "Poisson(rate: 5, weight: 1, stop: 2.4)",
    ] {
        assert_says(
            &warning(&step(input)),
            &["stimuli.0.input.st", "is not a multiple of dt = 1 ms"],
        );
    }
    let text = refusal(&step("Step(amplitude: 250, start: 2.2, stop: 2.4)"));
    assert_says(&text, &["from 2.2 to 2.4 ms there is no step of 1 ms"]);
}

#[test]
fn releases_off_the_grid_or_too_late_are_warned_of() {
    let text = |times: &str| {
        format!(
            r#"(version: 1, simulation: (dt: 1, duration: 10), populations: {{ "a": (size: 1, model: Lif()) }},
            modulators: {{"m": (tau: 20, release: [Events(times: {times}, amount: 1)])}})"#
        )
    };
    let said = warning(&text("[1, 2.5, 3.25]"));
    assert_says(
        &said,
        &["modulators.m.release.0.times", "2 of 3 releases", "2.5 ms, comes at 3 ms"],
    );
    assert_says(&warning(&text("[1, 10, 12]")), &["2 of 3 releases come after the end at 10 ms"]);
    assert_eq!(judged(&text("[0, 9]"), Path::new(""), &[]), Ok(vec![]));
}

/// Stimuli without an end, spikes and recordings beyond the 2^32nd step.
#[test]
fn steps_are_counted_in_64_bits() {
    let text = r#"(version: 1, simulation: (dt: 0.1, duration: 429496829.6, seed: 1), populations: {
            "a": (size: 100, model: Lif(v_th: 1e6)), "b": (size: 100, model: Lif(v_th: 1e6)),
            "d": (size: 1, model: Lif(v_th: 1e6)), "e": (size: 1, model: Lif(v_th: 1e6)),
            "s": (size: 2, model: Spikes(times: [[1, 429496730.0], [429496735.0]])) },
        stimuli: [(to: "a", input: Poisson(rate: 2000, weight: 60)),
            (to: "b", input: Noise(mean: 500, std: 10)), (to: "d", input: Step(amplitude: 500, start: 5)),
            (to: "e", input: Noise(mean: 500, std: 0, start: 429496731, stop: 429496733))],
        record: (spikes: ["s"], traces: [(population: "d", every: 429496731.0),
            (population: "b", ids: [0], every: 1)]))"#;
    let scene = scene(text);
    let network = build(&scene).unwrap();
    let simulated = Simulated::new(scene, network, 50);
    let check = |who: &str, engine: Box<dyn neuralearn::engine::Engine + '_>| {
        let Simulated { scene, network, plan } = &simulated;
        let mut simulation = Simulation::new(network, plan, scene, engine).unwrap();
        let begin = (1u64 << 32) - 10;
        simulation.recording.steps = begin;
        simulation.run(begin + 120, &mut |_| true).unwrap();
        let states = simulation.states().unwrap();
        let v = |name: &str| {
            let values = &states.iter().find(|(known, _)| known == &format!("{name}.v")).unwrap().1;
            values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64
        };
        // 20 mV (1 - e^(-12/10)), and a current of 240 pA on average that rises with tau 2 ms.
        let full = 20.0 * -(-1.2f64).exp_m1();
        assert_near(who, v("d"), full, 1e-3);
        assert_near(who, v("b"), full, 0.1);
        let current = 9.6 * (1.0 - 1.25 * (-1.2f64).exp() + 0.25 * (-6f64).exp());
        assert_near(who, v("a"), current, 0.5);
        // From 1.4 ms after the 2^32nd step for 2 ms; 7.6 ms later.
        let while_on = 20.0 * -(-0.2f64).exp_m1() * (-0.76f64).exp();
        assert_near(who, v("e"), while_on, 0.01);
        let spikes = &simulation.recording.populations[4].times;
        assert_eq!(spikes[..], [(429_496_730.0, 0), (429_496_735.0, 1)], "{who}");
        let samples = simulation.recording.traces.iter().map(|t| t.values.len());
        assert_eq!(samples.collect::<Vec<_>>(), [1, 12], "{who}");
    };
    check("cpu", Box::new(simulated.cpu(1)));
    if let Some(found) = adapter("2^32") {
        check("wgsl", Box::new(gpu(&found, &simulated.plan)));
    }
}

#[test]
fn an_interval_beyond_the_run_is_no_sample() {
    let text = r#"(version: 1, simulation: (dt: 0.1, duration: 20), populations: {
        "a": (size: 2, model: Lif(i_e: 500)) },
        record: (traces: [(population: "a", every: 429496729.6)]))"#;
    assert_says(&warning(text), &["record.traces.0.every", "it never comes"]);
    on_both_engines("trace_every", text, |who, done| {
        assert!(done.counts["a"] > 0 && done.recorded["a.v"].is_empty(), "{who}");
    });
}

/// The same of rules.
#[test]
fn an_interval_beyond_the_run_changes_no_weight() {
    for (learn, more) in [
        ("Hebb(eta: 1, w_max: 100, every: 429496729.6)", ""),
        ("Stdp(w_max: 100)", ", scaling: (rho: 5, eta: 1, every: 429496729.6)"),
        ("Stdp(w_max: 100)", ", normalize: (sum: 5, every: 429496729.6)"),
    ] {
        let text = inhibitory(50.0, learn, more);
        assert_says(&warning(&text), &["every: it never comes: 429496729.6 ms"]);
        on_both_engines("every of a rule", &text, |who, done| {
            let untouched =
                inhibitory(50.0, learn.split("(").next().map_or("", |_| "Stdp(w_max: 100)"), "");
            let simulated = simulated(&untouched);
            let want = match learn.starts_with("Stdp") {
                true => simulated.run(&mut simulated.cpu(1)).weights["l"][0],
                false => 50.0,
            };
            assert_near(who, done.weights["l"][0].into(), want.into(), 1e-5);
        });
        let longer = text.replace("duration: 100", "duration: 429496800");
        assert_says(&refusal(&longer), &["an interval of 4294967296 steps", "4294967295"]);
    }
}

// ---- stimuli --------------------------------------------------------------------------------------

#[test]
fn a_ramp_is_followed_within_each_step() {
    on_both_engines("ramp", &step("Ramp(from: 0, to: 1000, start: 0, stop: 10)"), |who, done| {
        for (k, v) in done.recorded["a.v"].iter().enumerate() {
            // 100 pA/ms on 250 pF and 10 ms: 0.4 mV/ms² (tau t - tau² (1 - e^(-t / tau))), at 10 ms 14.715 mV.
            let t = (k + 1) as f64;
            let want = 0.4 * (10.0 * t + 100.0 * (-t / 10.0).exp_m1());
            assert_near(who, (*v).into(), want, tolerance(40, 20.0));
        }
    });
}

/// 100 pA·√ms on 250 pF and 10 ms: the deviation of the potential is sigma / c_m sqrt(tau_m / 2).
#[test]
fn the_strength_of_white_noise_does_not_depend_on_the_step() {
    for dt in [0.1, 0.5, 1.0] {
        let text = format!(
            r#"(version: 1, simulation: (dt: {dt}, duration: 4000, seed: 1), populations: {{
                "a": (size: 64, model: Lif(v_th: 1e9, e_l: 0, v_reset: 0)) }},
            stimuli: [(to: "a", input: Noise(sigma: 100))],
            record: (traces: [(population: "a", ids: {:?}, every: 5)]))"#,
            (0..64).collect::<Vec<_>>()
        );
        on_both_engines("noise_dt", &text, |who, done| {
            let late = &done.recorded["a.v"][64 * 20..];
            let square =
                late.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / late.len() as f64;
            // Some 13,000 independent values: 0.6 %.
            assert_near(&format!("{who}, {dt}"), square.sqrt() / (0.4 * 5f64.sqrt()), 1.0, 0.03);
        });
    }
    assert_says(&refusal(&step("Noise(std: 1, sigma: 1)")), &["either `std`", "or `sigma`"]);
    assert_says(&refusal(&step("Noise(mean: 1)")), &["give one of them"]);
    assert_says(&refusal(&step("Noise(sigma: 1, tau: 5)")), &["`sigma` is of white noise"]);
}

#[test]
fn sources_too_fast_to_be_random_are_warned_of() {
    let text = |rate: &str| {
        format!(
            r#"(version: 1, simulation: (dt: 1, duration: 2000, seed: 1), populations: {{
                "p": (size: 64, model: Poisson(rate: {rate})) }})"#
        )
    };
    for rate in ["1000", "500", "101", "Uniform(low: 5, high: 300)", "Normal(mean: 300, std: 20)"] {
        let said = warning(&text(rate));
        assert_says(&said, &["populations.p.model.rate", "above 0.1", "lower `simulation.dt`"]);
    }
    assert_eq!(judged(&text("100"), Path::new(""), &[]), Ok(vec![]));
    // Pixels are coded by single draws on purpose.
    let latency = "Latency(window: \"10 ms\", cutoff: 0.2)";
    let pixels = edit(TRAINING, latency, "Poisson(max_rate: 500)");
    assert_eq!(judged(&pixels, Path::new(""), &[]), Ok(vec![]));
}

#[test]
fn any_number_of_events_is_judged_at_once() {
    let since = Instant::now();
    for rate in ["1e9", "1e12", "1e30"] {
        let text = step(&format!("Poisson(rate: {rate}, weight: 1)"));
        assert_says(&refusal(&text), &["events in each step", "lower the rate"]);
    }
    assert_eq!(judged(&step("Poisson(rate: 1e7, weight: 1)"), Path::new(""), &[]), Ok(vec![]));
    assert!(since.elapsed().as_secs_f64() < 2.0);
}

/// A weight that the unit of the ring cannot hold beside a large one.
#[test]
fn weights_that_are_lost_beside_others_are_named() {
    let text = |large: &str| {
        format!(
            r#"(version: 1, simulation: (dt: 0.1, duration: 40, seed: 1), populations: {{
                "s": (size: 1, model: Spikes(times: [[1]])), "t": (size: 1, model: Spikes(times: [])),
                "a": (size: 1, model: Lif(v_th: 1000)) }},
            projections: [(from: "t", to: "a", connect: Dense, weight: {large}),
                (from: "s", to: "a", connect: Dense, weight: 10)])"#
        )
    };
    for (large, weight, kept) in
        [("1e11", "10", "0"), ("1e10", "10", "16"), ("1e8", "10.3", "10.25")]
    {
        let said = warning(&text(large).replace("weight: 10)", &format!("weight: {weight})")));
        let becomes = format!("the weight {weight} becomes {kept},");
        assert_says(
            &said,
            &["projections.s->a.weight", &becomes, &format!("beside {large} of projections.t->a")],
        );
    }
    assert_eq!(judged(&text("1e6"), Path::new(""), &[]), Ok(vec![]));
}

#[test]
fn a_time_constant_far_below_a_step_is_no_fault() {
    for model in [
        r#"Lif(tau_m: "0.1 us", i_e: 500)"#,
        "Lif(g_l: 2.5e6, i_e: 500)",
        r#"Lif(tau_m: "0.1 us", i_e: 500, receptors: {"a": Alpha(tau: 2), "b": DoubleExp(tau_rise: 1e-5, tau_decay: 5)})"#,
    ] {
        let text = format!(
            r#"(version: 1, simulation: (dt: 0.1, duration: 20), populations: {{"a": (size: 2, model: {model})}},
            record: (traces: [(population: "a", every: 1)]))"#
        );
        on_both_engines("tau_m_tiny", &text, |who, done| {
            // i_e / g_l.
            let v = done.recorded["a.v"].iter().map(|v| f64::from(*v) + 70.0);
            v.for_each(|v| assert_near(&format!("{who}, {model}"), v, 2e-4, 1e-5));
        });
    }
}

// ---- statistics -----------------------------------------------------------------------------------

/// 500 Hz for 200 ms, then 20 Hz: what is before the start counts for nothing, and is in the files.
#[test]
fn a_transient_is_kept_out_of_rates() {
    let text = |start: &str| {
        format!(
            r#"(version: 1, simulation: (dt: 1, duration: 1200), populations: {{ "s": (size: 1, model: Spikes(
                times: [{:?}])) }}, record: ({start} spikes: ["s"]))"#,
            (1..=100).map(|k| 2 * k).chain((1..=20).map(|k| 200 + 50 * k)).collect::<Vec<_>>()
        )
    };
    for (start, count, rate) in [("", 120, 100.0), ("start: \"200 ms\",", 20, 20.0)] {
        let simulated = simulated(&text(start));
        let mut simulation = Simulation::new(
            &simulated.network,
            &simulated.plan,
            &simulated.scene,
            Box::new(simulated.cpu(1)),
        )
        .unwrap();
        simulation.run(1200, &mut |_| true).unwrap();
        let activity = &simulation.recording.populations[0];
        assert_eq!(activity.times.len(), 120);
        assert_eq!(
            (activity.statistics.spikes, activity.statistics.rate(1200)),
            (count, Some(rate))
        );
        assert_eq!(activity.statistics.cv_isi() == Some(0.0), !start.is_empty());
    }
    assert_says(&refusal(&text("start: 1200,")), &["nothing counts", "1200 ms"]);
    assert_says(&warning(&text("start: 200.5,")), &["record.start", "not a multiple of dt"]);
}

// ---- what was accepted and then ignored -----------------------------------------------------------

/// The currents of a training count as much as its weights, and are lost no more than these.
#[test]
fn a_trained_network_is_the_same_when_it_is_used_again() {
    let place = Place::new();
    let trained = place.done("train.ron", "trained", &[]);
    let file = "File(\"trained/weights.safetensors\")";
    let again = edit(TRAINING, "Kaiming(gain: 1.4)", file);
    fs::write(place.path("again.ron"), edit(&again, "Kaiming(gain: 1.0)", file)).unwrap();
    let still = ["--set", "training.epochs=1", "--set", "training.optimizer.lr=1e-12"];
    let again = place.done("again.ron", "again", &still);
    let loss = |summary: &serde_json::Value| summary["training"]["test_loss"].as_f64().unwrap();
    assert_near("test loss", loss(&again), loss(&trained), 1e-5 * loss(&trained));
}

#[test]
fn what_a_training_does_not_do_is_told() {
    let recording =
        edit(TRAINING, "training: (", "record: (spikes: [\"hidden\"]),\n    training: (");
    assert_says(&warning(&recording), &["record", "is of simulations"]);
}

#[test]
fn silent_and_saturated_populations_are_told_once() {
    let place = Place::new();
    for (set, words) in [
        ("projections.0.weight=0.001", "populations.exc: never spiked"),
        ("populations.exc.model.i_e=1e5", "populations.exc: fires at 4"),
    ] {
        let said = place.run("sim.ron", "run", &["--overwrite", "--set", set]);
        said.expect(0, words);
        assert_eq!(said.err.matches("WARN").count(), 1, "{}", said.err);
    }
    let said = place.run("sim.ron", "run", &["--overwrite"]);
    assert!(said.code == Some(0) && !said.err.contains("WARN"), "{}", said.err);
}

// ---- draws ----------------------------------------------------------------------------------------

/// No two fields of a population share draws, and a field has its own whatever stands beside it.
#[test]
fn every_field_has_draws_of_its_own() {
    let text = |channels: &str, more: &str| {
        format!(
            r#"(version: 1, simulation: (dt: 0.01, duration: 1), populations: {{ {more}
                "a": (size: 20, model: Hh(channels: {{{channels}}})) }})"#
        )
    };
    let channel = |k: usize| {
        let u = "Uniform(low: 1, high: 2)";
        format!(r#""c{k}": Leak(g: {u}, e_rev: {u}),"#)
    };
    let columns = |text: &str| {
        let network = build(&scene(text)).unwrap();
        let Kind::Stepped(neurons) = &network.populations.last().unwrap().kind else { panic!() };
        let cells = neurons.cells();
        let column = |field: usize| cells.iter().map(|cell| cell[field]).collect::<Vec<_>>();
        let columns = (0..cells[0].len()).map(column);
        columns.filter(|column| column[0] != column[1]).collect::<Vec<_>>()
    };
    let twelve: String = (0..12).map(channel).collect();
    let drawn = columns(&text(&twelve, ""));
    assert_eq!(drawn.len(), 24);
    for (k, column) in drawn.iter().enumerate() {
        assert!(!drawn[..k].contains(column), "field {k} draws what another does");
    }
    // In another place, and in another company.
    let alone = columns(&text(&channel(7), r#""b": (size: 3, model: Lif()),"#));
    assert!(alone.iter().all(|column| drawn.contains(column)));
}
