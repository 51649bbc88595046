//! Numbers of neurons from traces, and experiments of several stages: level 4 and 6.

#[path = "common/place.rs"]
mod place;

use neuralearn::data::traces::Traces;
use neuralearn::engine::cpu::Cpu;
use neuralearn::files::{read_array, read_spikes};
use neuralearn::network::build;
use neuralearn::plan::{self, TrainingOptions};
use neuralearn::scene::load_str;
use neuralearn::train::{Samples, Trainer};
use place::{Place, TRAINING};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The cell whose numbers are to be found.
const RECORD: &str = r#"(
    version: 1,
    simulation: (dt: 0.025, duration: 7.5, seed: 1),
    populations: { "axon": (size: 1, model: Hh(channels: {
        "leak": Leak(g: 0.3, e_rev: -54.387), "na": NaSquid(g: 120), "k": KSquid(g: 36) })) },
    stimuli: [(to: "axon", input: Step(amplitude: 10, start: 1))],
    record: (traces: [(population: "axon")]),
)"#;

const FIT: &str = r#"(
    version: 1,
    simulation: (dt: 0.025, seed: 1),
    populations: { "axon": (size: 3, model: Hh(channels: {
        "leak": Leak(g: 0.3, e_rev: -54.387), "na": NaSquid(g: [90, 110, 140]), "k": KSquid(g: 36) }),
        train: [Bounded(name: "channels.na.g", low: 40, high: 200), Shared("channels.leak.g")]) },
    stimuli: [(to: "axon", input: Step(amplitude: 10, start: 1))],
    training: (epochs: 40, batch: 1, steps: 300, loss: Trace(population: "axon", file: "axon/traces.npz"),
        optimizer: Adam(lr: 0.05), schedule: Cosine()),
)"#;

const STAGES: &str = r#"
    stages: {
        "first": (about: "the first", set: ["training.epochs=5"]),
        "second": (from: "first", set: ["training.loss.low_pass=1", "training.epochs=6"]),
    },
    results: { "worst": "second.training.fit.worst_mse", "starts": "first.training.fit.starts" },
)"#;

fn place() -> Place {
    let place = Place::new();
    fs::write(place.path("record.ron"), RECORD).unwrap();
    fs::write(place.path("fit.ron"), FIT).unwrap();
    let stages = format!("{}{STAGES}", FIT.strip_suffix(')').unwrap());
    fs::write(place.path("stages.ron"), stages).unwrap();
    place.run("record.ron", "axon", &[]).expect(0, "");
    place
}

fn json(place: &Place, file: &str) -> Value {
    serde_json::from_slice(&place.read(file)).unwrap()
}

fn tensor(place: &Place, run: &str, name: &str) -> Vec<f32> {
    let bytes = place.read(&format!("{run}/weights.safetensors"));
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    bytemuck::pod_collect_to_vec(tensors.tensor(name).unwrap().data())
}

#[test]
fn a_conductance_is_found_by_gradient() {
    let place = place();
    let errors = |engine: &str| {
        let out = format!("fit-{engine}");
        place
            .call(&["--scene", "fit.ron", "--out", &out, "--quiet", "--engine", engine])
            .expect(0, "");
        let summary = json(&place, &format!("{out}/summary.json"));
        let training = &summary["training"];
        assert!(training.get("test_accuracy").is_none() && training.get("confusion").is_none());
        assert_eq!(training["parameters"], 4);
        assert_eq!(training["fit"]["starts"], 3);
        let epochs = training["epochs"].as_array().unwrap();
        let first: f64 = epochs[0]["loss"].as_f64().unwrap();
        let last: f64 = epochs[39]["test_loss"].as_f64().unwrap();
        assert!(last < 0.05 * first, "{engine}: {first} before, {last} after");
        // What is told of each epoch is what was learned.
        let told = epochs[39]["numbers"]["axon.channels.na.g"].as_array().unwrap();
        let found = tensor(&place, &out, "axon.channels.na.g");
        for (told, found) in told.iter().zip(&found) {
            assert!((told.as_f64().unwrap() - f64::from(*found)).abs() < 1e-4);
        }
        assert!(found.iter().all(|g| (g - 120.0).abs() < 25.0), "{engine}: {found:?}");
        assert_eq!(tensor(&place, &out, "axon.channels.leak.g").len(), 1);
        for figure in ["fit", "number-1", "number-2", "learning"] {
            assert!(place.path(&format!("{out}/figures/{figure}.png")).is_file(), "{figure}");
        }
        last
    };
    let cpu = errors("cpu");
    if std::env::var("NEURALEARN_GPU").is_ok_and(|v| v == "require") {
        let wgsl = errors("software");
        assert!((cpu - wgsl).abs() < 0.05 * cpu, "{cpu} and {wgsl}");
    }
}

/// A network that begins with learned numbers is the one that has them written down.
#[test]
fn learned_numbers_are_taken_along() {
    let place = place();
    place.run("fit.ron", "fit", &["--set", "training.epochs=3"]).expect(0, "");
    let simulation = RECORD
        .replace("size: 1", "size: 3")
        .replace("(population: \"axon\")", "(population: \"axon\", ids: [0, 1, 2])");
    let initial = simulation.replace("populations", "initial: \"fit\", populations");
    fs::write(place.path("initial.ron"), initial).unwrap();
    let said = place.run("initial.ron", "a", &[]);
    said.expect(0, "");
    assert!(!said.err.contains("not used"), "{}", said.err);
    let (na, leak) = (
        tensor(&place, "fit", "axon.channels.na.g"),
        tensor(&place, "fit", "axon.channels.leak.g"),
    );
    let written = simulation
        .replace("g: 120", &format!("g: {na:?}"))
        .replace("g: 0.3", &format!("g: {}", leak[0]));
    fs::write(place.path("written.ron"), written).unwrap();
    place.run("written.ron", "b", &[]).expect(0, "");
    place.run("record.ron", "c", &[]).expect(0, "");
    assert_eq!(place.read("a/traces.npz"), place.read("b/traces.npz"));
    assert_ne!(place.read("a/traces.npz"), place.read("c/traces.npz"));
    // What does not belong to anything is named, and what does not fit refused.
    let other = simulation
        .replace("\"axon\"", "\"other\"")
        .replace("populations", "initial: \"fit\", populations");
    fs::write(place.path("other.ron"), other).unwrap();
    let words = "`axon.channels.na.g` | was not used: no population or projection";
    place.run("other.ron", "d", &[]).expect(0, words);
    let larger = simulation
        .replace("size: 3", "size: 5")
        .replace("populations", "initial: \"fit/weights.safetensors\", populations");
    fs::write(place.path("larger.ron"), larger).unwrap();
    place.refuses_run(
        "larger.ron",
        &[],
        3,
        "initial | `axon.channels.na.g` has 3 numbers for 5 neurons",
    );
    fs::write(
        place.path("none.ron"),
        simulation.replace("populations", "initial: \"nowhere\", populations"),
    )
    .unwrap();
    place.refuses_run("none.ron", &[], 3, "initial | nowhere");
}

#[test]
fn an_experiment_runs_its_stages_and_goes_on_with_them() {
    let place = place();
    let said = place.run("stages.ron", "whole", &[]);
    said.expect(0, "");
    let summary = json(&place, "whole/summary.json");
    assert_eq!(summary["results"]["starts"], 3);
    let second = json(&place, "whole/second/summary.json");
    assert_eq!(summary["results"]["worst"], second["training"]["fit"]["worst_mse"]);
    assert_eq!(second["training"]["epochs"].as_array().unwrap().len(), 6);
    assert_eq!(second["command"], summary["command"]);
    assert!(second["started"].as_str() >= summary["started"].as_str());
    // The second began with what the first had found.
    let start = |run: &str| {
        let line = String::from_utf8(place.read(&format!("{run}/metrics.jsonl"))).unwrap();
        let epoch: Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
        epoch["numbers"]["axon.channels.na.g"][0].as_f64().unwrap()
    };
    let left = f64::from(tensor(&place, "whole/first", "axon.channels.na.g")[0]);
    // After one update of Adam, which moves x by its rate: g' = (g - low) (high - g) / (high - low).
    let step = 0.05 * (left - 40.0) * (200.0 - left) / 160.0;
    let moved = (start("whole/second") - left).abs();
    assert!((0.5 * step..1.5 * step).contains(&moved), "{moved} is no step of {step}");
    assert!((left - 90.0).abs() > 2.0 * step, "the first stage went to {left}");
    assert!(place.read("whole/report.html").windows(6).any(|w| w == b"second"));
    let again = place.call(&["--resume", "whole", "--engine", "cpu"]);
    again.expect(0, "");
    assert!(again.out.contains("is finished"), "{}", again.out);
    // A run that was broken off in its second stage comes to the same end.
    place.run("stages.ron", "part", &[]).expect(0, "");
    fs::remove_file(place.path("part/summary.json")).unwrap();
    fs::remove_file(place.path("part/second/summary.json")).unwrap();
    fs::remove_dir_all(place.path("part/second/checkpoints")).unwrap();
    place.call(&["--resume", "part", "--engine", "cpu"]).expect(0, "");
    assert_eq!(
        place.read("part/second/weights.safetensors"),
        place.read("whole/second/weights.safetensors")
    );
    assert_eq!(json(&place, "part/summary.json")["results"], summary["results"]);
    place
        .call(&["--resume", "part", "--engine", "cpu", "--set", "training.epochs=9"])
        .expect(2, "is an experiment, which goes on as it began | --set");
}

/// A run of a sweep may be an experiment, and its results are numbers of the table.
#[test]
fn an_experiment_is_swept() {
    let place = place();
    let alone = place.run("stages.ron", "alone", &["--seed", "2", "--no-report"]);
    alone.expect(0, "");
    place.run("stages.ron", "sweep", &["--seeds", "1,2"]).expect(0, "");
    let results = |run: &str| json(&place, &format!("{run}/summary.json"))["results"].clone();
    assert_eq!(results("sweep/2"), results("alone"));
    // Both results are drawn.
    let page = String::from_utf8(place.read("sweep/report.html")).unwrap();
    assert!(page.contains("results.starts, results.worst over simulation.seed"));
    let text = String::from_utf8(place.read("sweep/sweep.csv")).unwrap();
    let at = text.lines().next().unwrap().split(',').position(|head| head == "results.worst");
    let cell = text.lines().nth(2).unwrap().split(',').nth(at.unwrap()).unwrap();
    assert_eq!(cell, results("sweep/2")["worst"].to_string());
    // Broken off between two stages.
    for file in ["summary.json", "second/summary.json"] {
        fs::remove_file(place.path("sweep/2").join(file)).unwrap();
    }
    fs::remove_dir_all(place.path("sweep/2/second/checkpoints")).unwrap();
    place.call(&["--resume", "sweep", "--engine", "cpu"]).expect(0, "");
    assert_eq!(results("sweep/2"), results("alone"));
    place.call(&["report", "sweep"]).expect(0, "");
    assert!(place.read("sweep/report.html").windows(13).any(|w| w == b"results.worst"));
}

/// What is learned of a network by stages with two seeds. Two stages whose rate is next to nothing show what they begin with.
const SEEDED: &str = r#"
    stages: {
        "source": (about: "the first"),
        "frozen": (from: "source", reinit: ["classes"], set: ["training.freeze=[\"hidden\"]"]),
        "still": (from: "source", reinit: ["classes"], set: ["training.optimizer=Sgd(lr: 1e-30)"]),
        "drawn": (set: ["training.optimizer=Sgd(lr: 1e-30)"]),
    },
    seeds: [3, 7],
    results: { "loss": "frozen.training.test_loss", "parameters": "frozen.training.parameters", "runs": "seeds" },
)"#;

fn seeded() -> Place {
    let place = Place::new();
    let text = format!("{}{SEEDED}", TRAINING.trim_end().strip_suffix(')').unwrap());
    fs::write(place.path("seeded.ron"), text).unwrap();
    place
}

#[test]
fn an_experiment_has_seeds() {
    let place = seeded();
    let said = place.call(&["--scene", "seeded.ron", "--out", "whole", "--engine", "cpu"]);
    said.expect(0, "");
    assert!(said.out.contains("stage 1 of 4, source, seed 3 (run 1 of 8): the first"));
    assert!(said.out.contains("stage 2 of 4, frozen, seed 7 (run 4 of 8)\n"), "{}", said.out);
    let summary = place.summary("whole");
    let losses = ["3", "7"].map(|seed| {
        let own = place.summary(&format!("whole/frozen/{seed}"));
        assert_eq!(own["seed"].to_string(), seed);
        let loss = &own["training"]["test_loss"];
        assert_eq!(summary["stages"]["frozen"][seed]["training"]["test_loss"], *loss);
        loss.as_f64().unwrap()
    });
    let results = &summary["results"];
    let near = |value: &Value, wanted: f64| (value.as_f64().unwrap() - wanted).abs() < 1e-12;
    assert!(losses[0] != losses[1] && near(&results["loss"], (losses[0] + losses[1]) / 2.0));
    let deviation = (losses[0] - losses[1]).abs() / 2f64.sqrt();
    assert!(near(&summary["results_sd"]["loss"], deviation), "{}", summary["results_sd"]);
    assert_eq!((&results["runs"], summary["seeds"].to_string()), (&2.into(), "[3,7]".into()));
    assert!(near(&results["parameters"], 63.0) && near(&summary["results_sd"]["parameters"], 0.0));
    // One of the seeds alone does what it does among the others.
    place.run("seeded.ron", "alone", &["--seed", "7"]).expect(0, "");
    let alone = place.summary("alone");
    assert_eq!(
        (&alone["results"]["loss"], &alone["results"]["runs"]),
        (&losses[1].into(), &1.into())
    );
    assert!(alone.get("results_sd").is_none() && !place.path("alone/frozen/3").exists());
    // So does an experiment that was broken off.
    for file in ["summary.json", "still/3/summary.json", "frozen/7/summary.json"] {
        fs::remove_file(place.path("whole").join(file)).unwrap();
    }
    let weights = || place.read("whole/frozen/7/weights.safetensors");
    let before = weights();
    fs::remove_dir_all(place.path("whole/frozen/7/checkpoints")).unwrap();
    fs::remove_file(place.path("whole/frozen/7/weights.safetensors")).unwrap();
    place.call(&["--resume", "whole", "--engine", "cpu"]).expect(0, "");
    assert_eq!((weights(), &place.summary("whole")["results"]), (before, results));
    let links = |page: &str| {
        let page = String::from_utf8(place.read(page)).unwrap();
        assert!(page.contains("seed 7") && page.contains("frozen/7/report.html"), "{page}");
    };
    links("whole/report.html");
    place.call(&["report", "whole", "-o", "again"]).expect(0, "");
    links("again/report.html");
}

#[test]
fn what_is_frozen_stays_and_what_is_not_taken_is_drawn() {
    let place = seeded();
    let said = place.run("seeded.ron", "run", &["--seed", "3"]);
    said.expect(0, "");
    assert!(!said.err.contains("not used"), "{}", said.err);
    let of = |stage: &str, name: &str| tensor(&place, &format!("run/{stage}/3"), name);
    for name in ["pixels->hidden", "hidden.i_e"] {
        assert_eq!(of("frozen", name), of("source", name), "{name}");
        assert_ne!(of("source", name), of("drawn", name), "{name}");
    }
    for name in ["hidden->classes", "classes.i_e"] {
        assert_ne!(of("frozen", name), of("source", name), "{name}");
    }
    // What a stage begins with: the hidden layer of the source, and the readout as it is drawn.
    assert_eq!(of("still", "pixels->hidden"), of("source", "pixels->hidden"));
    assert_eq!(of("still", "hidden->classes"), of("drawn", "hidden->classes"));
    assert_ne!(of("drawn", "hidden->classes"), of("source", "hidden->classes"));
    assert!(of("still", "classes.i_e").iter().all(|i| i.abs() < 1e-20));
    assert!(of("source", "classes.i_e").iter().any(|i| i.abs() > 1e-6));
}

#[test]
fn what_is_wrong_with_seeds_and_names_is_told() {
    let place = seeded();
    place.refuses_run("seeded.ron", &["--seeds", "1,2"], 2, "has `seeds` | leave out --seeds");
    for (scene, set, words) in [
        ("train.ron", "training.freeze=[\"hiden\"]", "training.freeze.0 | did you mean `hidden`?"),
        (
            "train.ron",
            "training.freeze=[\"pixels\"]",
            "`pixels` is no projection and no population",
        ),
        ("train.ron", "reinit=[\"hidden\"]", "there is no `initial`"),
        ("train.ron", "seeds=[1, 2]", "seeds | give `stages`"),
        ("train.ron", "training.data.drawn=true", "training.data.drawn | give `per_class`"),
        ("seeded.ron", "seeds=[1, 2, 1]", "seeds.2 | seed 1 is there twice"),
        ("seeded.ron", "stages.still.reinit=[\"clases\"]", "stages.still.reinit.0 | `classes`?"),
        ("seeded.ron", "stages.drawn.reinit=[\"classes\"]", "stages.drawn.reinit | give `from`"),
        ("seeded.ron", "stages.drawn.set=[\"simulation.seed=2\"]", "stages.drawn.set.0 | `seeds`"),
    ] {
        place.refuses_run(scene, &["--set", set], 2, words);
    }
}

#[test]
fn what_is_wrong_with_a_fit_is_told() {
    let place = place();
    let refused = |from: &str, to: &str, code: i32, words: &str| {
        assert!(FIT.contains(from), "{from}");
        fs::write(place.path("bad.ron"), FIT.replace(from, to)).unwrap();
        place.refuses_run("bad.ron", &[], code, words);
    };
    refused(
        "steps: 300",
        "steps: 200",
        3,
        "`axon.v` has 300 rows and 1 columns | each of the 200 steps",
    );
    refused("dt: 0.025", "dt: 0.05", 3, "`t_ms` are not the ends of the steps, 0.05 ms");
    refused("axon/traces.npz\"", "axon/traces.npz\", array: \"v\"", 3, "has no array `v`");
    refused("axon/traces.npz", "axon/none.npz", 3, "training.loss.file | none.npz");
    refused("batch: 1", "batch: 2", 2, "training.batch | one presentation at a time");
    refused(
        "epochs: 40",
        "epochs: 40, data: Mnist(dir: \"data\")",
        2,
        "training.data | `data` is of samples",
    );
    refused(
        "population: \"axon\", file",
        "population: \"axom\", file",
        2,
        "no population `axom` | did you mean `axon`",
    );
    refused(
        "\"channels.na.g\"",
        "\"channels.na.gg\"",
        2,
        "no number that can be trained | `channels.na.g`",
    );
    refused(
        "low: 40",
        "low: 100",
        2,
        "neuron 0 has 90, which is not between its bounds, 100 and 200",
    );
    refused("low: 40", "low: 300", 2, "cannot lie between 300 and 200");
    refused(
        "Shared(\"channels.leak.g\")",
        "Shared(\"i_e\")",
        2,
        "constant currents are trained as they are",
    );
    refused(
        "file: \"axon/traces.npz\"",
        "file: \"axon/traces.npz\", unfiltered: 0.5",
        2,
        "unfiltered | low_pass",
    );
    let stage = |text: &str, words: &str| {
        let whole = String::from_utf8(place.read("stages.ron")).unwrap();
        let changed = whole.replace(r#"(about: "the first", set: ["training.epochs=5"])"#, text);
        assert_ne!(whole, changed);
        fs::write(place.path("bad.ron"), changed).unwrap();
        place.refuses_run("bad.ron", &[], 2, words);
    };
    stage("(from: \"second\")", "stages.first.from | `second` is no earlier stage");
    stage("(set: [\"training.epochs\"])", "stages.first.set.0 | is not PATH=VALUE");
    stage("(set: [\"training.epocs=2\"])", "training.epocs=2");
    stage("(set: [\"stages={}\"])", "a stage has no `stages` of its own");
    // A number that leaves its order ends the training, and says which.
    let lif = r#"(version: 1, simulation: (dt: 0.025, seed: 1),
        populations: { "axon": (size: 2, model: Lif(v_reset: -60, v_th: -55), train: ["v_th"]) },
        stimuli: [(to: "axon", input: Step(amplitude: 500, start: 0))],
        training: (epochs: 40, batch: 1, steps: 300, loss: Trace(population: "axon", file: "axon/traces.npz"),
            optimizer: Adam(lr: 5), detach_reset: false))"#;
    fs::write(place.path("lif.ron"), lif).unwrap();
    let said = place.run("lif.ron", "lif", &[]);
    said.expect(6, "diverged in epoch | populations.axon.model.v_ | Bounds in `train`");
}

/// One network, simulated and as the forward pass of a training: the same spikes, and the same potentials within what the
/// integers of a simulation's arrivals round.
#[test]
fn a_training_runs_the_network_that_a_simulation_runs() {
    let network = r#"
        populations: {
            "in": (size: 20, model: Regular(start: Uniform(low: 1, high: 20), interval: Uniform(low: 5, high: 15))),
            "cells": (size: 70, model: MODEL),
        },
        projections: [
            (from: "in", to: "cells", connect: FixedInDegree(k: 6), weight: EX, receptor: "ex", delay: Uniform(low: 1, high: 4)),
            (name: "again", from: "cells", to: "cells", connect: FixedInDegree(k: 5), weight: IN, receptor: "in",
                delay: Uniform(low: 1, high: 5), short_term: (u: 0.6, tau_rec: 30, tau_facil: 10)),
        ],
        stimuli: [(to: "cells", input: Step(amplitude: Linspace(from: 0, to: DRIVE), start: 10, stop: 60))],"#;
    let models = [
        (
            r#"Lif(delta_th: 2, receptors: {"ex": Exp(tau: 3), "in": Alpha(tau: 2)})"#,
            "200",
            "-80",
            "800",
        ),
        (
            r#"Lif(receptors: {"ex": Ampa(), "in": GabaA(tau: 5)})"#,
            "Uniform(low: 5, high: 20)",
            "4",
            "300",
        ),
        (
            r#"Hh(c_m: 100, channels: {"l": Leak(g: 10), "na": Na(g: 5000), "k": K(g: 600)},
                receptors: {"ex": Ampa(), "in": Nmda()})"#,
            "10",
            "1",
            "200",
        ),
    ];
    for (model, ex, inhibitory, drive) in models {
        let place = Place::new();
        let network = network
            .replace("MODEL", model)
            .replace("EX", ex)
            .replace("IN", inhibitory)
            .replace("DRIVE", drive);
        let (dt, steps) = (0.1, 1000);
        let simulation = format!(
            r#"(version: 1, simulation: (dt: {dt}, duration: 100, seed: 4), {network}
            record: (spikes: ["cells"], traces: [(population: "cells", ids: {:?})]))"#,
            (0..70).collect::<Vec<_>>(),
        );
        fs::write(place.path("cells.ron"), simulation).unwrap();
        place.run("cells.ron", "cells", &[]).expect(0, "");
        let training = format!(
            r#"(version: 1, simulation: (dt: {dt}, seed: 4), {network}
            training: (epochs: 1, batch: 1, steps: {steps}, loss: Trace(population: "cells", file: "none.npz"),
                optimizer: Sgd(lr: 1)))"#
        );
        let (scene, ..) = load_str("training", &training, Path::new("."), &[]).unwrap();
        let (network, training) = (build(&scene).unwrap(), scene.training.as_ref().unwrap());
        let traces = Traces { columns: 1, values: vec![0.0; steps] };
        let options = TrainingOptions {
            batch: 1,
            steps,
            training,
            traces: Some(&traces),
            soft: 0,
            max_binding: 128 << 20,
        };
        let plan = plan::plan(&network, &options).unwrap();
        let engine = Box::new(Cpu::<f32>::new(&plan, Some(1), false));
        let samples = Samples::Driven(&traces);
        let shown = Trainer::new(training, &network, &plan, samples, engine).present(0).unwrap();
        let spikes = read_spikes(&place.path("cells/spikes.npz"), "cells").unwrap();
        let step = |t: f64| (t / dt).round() as u32 - 1;
        let simulated: BTreeSet<_> = spikes.iter().map(|(t, id)| (step(*t), *id)).collect();
        let trained: BTreeSet<_> = shown.spikes[1].iter().copied().collect();
        assert!(simulated.len() > 100, "{model}: only {} spikes", simulated.len());
        assert_eq!(simulated, trained, "{model}");
        let (shape, v) = read_array::<f32>(&place.path("cells/traces.npz"), "cells.v").unwrap();
        assert_eq!(shape, [steps as u64, 70]);
        for (k, (a, b)) in v.iter().zip(&shown.potentials[1]).enumerate() {
            assert!((a - b).abs() < 0.02, "{model}: {a} is not {b} in step {}", k / 70);
        }
    }
}
