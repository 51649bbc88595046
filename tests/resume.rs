//! Run folders and runs that do not come to their end: diverged, interrupted, killed, resumed.

#[path = "common/place.rs"]
mod place;

use neuralearn::checkpoint::{self, Store};
use neuralearn::engine::gpu::{Wanted, choose};
use neuralearn::files::{Values, read_array};
#[cfg(unix)]
use place::TASKS;
use place::{Place, SIMULATION, STRIPES, TRAINING, arguments, edit, ended, numbers};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::Child;
#[cfg(unix)]
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn divergence_ends_a_training() {
    let place = Place::new();
    // From the largest rate all becomes NaN. From the second only the weights of the layer before
    // do: it falls silent, and the loss stays finite.
    for (optimizer, lr) in [("Adam", "1e38"), ("Sgd", "1e38"), ("Adam", "1e35"), ("Sgd", "1e35")] {
        let out = format!("{optimizer}-{lr}");
        let set = format!("training.optimizer={optimizer}(lr: {lr})");
        let said = place.run("train.ron", &out, &["--set", &set]);
        said.expect(6, "diverged in epoch | batch | not finite | training.optimizer.lr");
        assert!(!place.path(&out).join("summary.json").exists());
        assert!(!place.path(&out).join("weights.safetensors").exists());
    }
}

/// A simulation names the first neuron whose state is no number, and leaves no summary.
#[test]
fn divergence_ends_a_simulation() {
    let place = Place::new();
    for (name, model, weight) in
        [("a", "Adex(a: 1e38)", "60"), ("b", "Adex()", "3e38"), ("c", "Lif()", "3e38")]
    {
        let text = edit(SIMULATION, "weight: 60", &format!("weight: {weight}"));
        fs::write(place.path("bad.ron"), edit(&text, "Lif()", model)).unwrap();
        let words = "diverged: ` | ` of neuron | population `exc` | by step | simulation.dt";
        place.run("bad.ron", name, &[]).expect(6, words);
        assert!(!place.path(name).join("summary.json").exists());
        // The state is saved, for a look at what happened.
        let saved = place.read(&format!("{name}/diverged.safetensors"));
        let saved = safetensors::SafeTensors::deserialize(&saved).unwrap();
        let v: Vec<f32> = bytemuck::pod_collect_to_vec(saved.tensor("exc.v").unwrap().data());
        assert_eq!(v.len(), 30);
        let states =
            saved.iter().flat_map(|(_, x)| bytemuck::pod_collect_to_vec::<u8, f32>(x.data()));
        assert!(states.into_iter().any(|x| !x.is_finite()));
    }
}

/// A message must not send its reader to what is not there.
#[test]
fn advice_can_be_followed() {
    let place = Place::new();
    let said = place.run("train.ron", "run", &["--set", "training.optimizer.lr=1e38"]);
    said.expect(6, "diverged in epoch 1");
    let checkpoints = place.path("run/checkpoints").exists();
    assert_eq!(said.err.contains("newest checkpoint"), checkpoints, "{}", said.err);
}

/// A simulation in which there is something of everything that a checkpoint must hold.
#[cfg(unix)]
const LEARNING: &str = r#"(
    version: 1,
    simulation: (dt: 0.5, duration: 300000, seed: 5),
    populations: {
        "noise": (size: 40, model: Poisson(rate: 20)),
        "exc": (size: 30, model: Lif(tau_syn_ex: 4)),
        "inh": (size: 10, model: Adex()),
    },
    projections: [
        (from: "noise", to: "exc", connect: Dense, weight: 600, short_term: (u: 0.5, tau_rec: 200)),
        (from: "exc", to: "exc", name: "marked", connect: FixedProbability(p: 0.3),
         weight: Uniform(low: 5, high: 20), delay: Uniform(low: 1, high: 8),
         learn: Stdp(w_max: 40, eligibility: (modulator: "dopamine", rate: 0.01)),
         rewire: (below: 5, weight: 10, every: 500, fraction: 0.5)),
        (from: "exc", to: "inh", name: "rates", connect: Dense, weight: 20, delay: 1.5,
         learn: Oja(eta: 1e-4, w_max: 60)),
        (from: "inh", to: "exc", connect: FixedProbability(p: 0.5), weight: -20),
    ],
    modulators: {
        "dopamine": (tau: 200, release: [
            Pair(projection: "rates", synapse: 3, within: "10 ms", low: 400, high: 1500, amount: 0.5),
            Spikes(population: "inh", amount: 0.001),
        ], effects: [Threshold(population: "exc", slope: -0.5), Gain(population: "inh", slope: 0.1)]),
    },
    stimuli: [(to: "exc", input: Noise(std: 80, tau: 5)), (to: "inh", input: Poisson(rate: 800, weight: 30))],
    record: (spikes: ["exc"], traces: [(population: "inh", ids: [0, 5], variables: ["v", "w"], every: 50)],
             weights: [(projection: "marked", every: 1000)], modulators: 500),
    measures: {
        "late": Rate(population: "exc", from: 1000),
        "active": Active(population: "inh", ids: [1, 4, 9], from: 500, to: 2500, above: 2),
    },
)
"#;

/// Waits until a simulation has begun, and a bit.
#[cfg(unix)]
fn begun(place: &Place, out: &str, pause: u64) {
    let since = Instant::now();
    while !place.path(out).join(".recording").exists() {
        assert!(since.elapsed() < Duration::from_secs(60), "it does not begin");
        std::thread::sleep(Duration::from_millis(2));
    }
    std::thread::sleep(Duration::from_millis(pause));
}

/// A simulation that is interrupted keeps what it has recorded, and goes on to the same bits; so does one
/// that is killed after that.
#[test]
#[cfg(unix)]
fn a_simulation_goes_on_as_if_nothing_had_been() {
    let place = Place::new();
    fs::write(place.path("learn.ron"), LEARNING).unwrap();
    place.done("learn.ron", "unbroken", &[]);
    let first = arguments(&["--scene", "learn.ron", "--out", "run"], &[]);
    let resume = ["--resume", "run", "--engine", "cpu", "--quiet"];
    let mut broken = 0;
    for (round, signal) in ["INT", "INT", "KILL", "INT", "KILL"].into_iter().enumerate() {
        let args = if round == 0 { &first[..] } else { &resume };
        let child = place.command(args).spawn().unwrap();
        begun(&place, "run", 150);
        send(signal, &child);
        let said = ended(child);
        if said.code == Some(0) {
            break;
        }
        broken += 1;
        if signal == "INT" {
            said.expect(130, "interrupted | --resume run");
            let (_, ids) = read_array::<u32>(&place.path("run/spikes.npz"), "exc.id").unwrap();
            assert_eq!(
                place.path("run/.recording/spikes-1.id").metadata().unwrap().len(),
                4 * ids.len() as u64
            );
        }
        assert!(!place.path("run/summary.json").exists());
    }
    assert!(broken >= 3, "it was too quick to be broken off");
    place.call(&resume).expect(0, "");
    for file in ["spikes.npz", "traces.npz", "weights.safetensors"] {
        let read = |out| place.read(&format!("{out}/{file}"));
        assert!(read("unbroken") == read("run"), "{file} differs");
    }
    assert_eq!(numbers(&place.summary("unbroken")), numbers(&place.summary("run")));
    let told = place.metrics("run");
    let told = told.iter().map(|line| line["populations"]["exc"]["spikes"].as_u64().unwrap());
    assert_eq!(Some(told.sum()), place.summary("run")["populations"]["exc"]["spikes"].as_u64());
    // It was a run in which things happen.
    assert!(place.summary("run")["synapses_rewired"].as_u64() > Some(10));
    for name in ["marked.weight", "modulators.concentration", "inh.w"] {
        let (_, values) = read_array::<f32>(&place.path("run/traces.npz"), name).unwrap();
        assert!(values.iter().any(|x| *x != values[0]), "{name} does not change");
    }
    let figures =
        |out: &str| place.files(&format!("{out}/figures")).into_values().collect::<Vec<_>>();
    assert!(figures("unbroken") == figures("run"), "its figures differ");
    assert!(!place.path("run/.recording").exists());
    assert_eq!(fs::read_dir(place.path("run/checkpoints")).unwrap().count(), 1);
    says_finished(&place, &resume, "simulation.duration");
}

/// A sweep that is interrupted goes on with the run that was, and to the same bits.
#[test]
#[cfg(unix)]
fn a_sweep_is_interrupted_and_goes_on() {
    let place = Place::new();
    fs::write(place.path("learn.ron"), LEARNING).unwrap();
    let plain = ["--no-report"];
    place.done("learn.ron", "unbroken", &plain);
    let sweep = ["--sweep", "simulation.seed=5,6", "--no-report"];
    let args = arguments(&["--scene", "learn.ron", "--out", "sweep"], &sweep);
    let child = place.command(&args).spawn().unwrap();
    begun(&place, "sweep/1", 150);
    send("INT", &child);
    ended(child).expect(130, "interrupted | --resume sweep");
    assert!(!place.path("sweep/1/summary.json").exists() && !place.path("sweep/2").exists());
    place.call(&arguments(&["--resume", "sweep"], &plain)).expect(0, "");
    for file in ["spikes.npz", "traces.npz", "weights.safetensors"] {
        let same =
            place.read(&format!("sweep/1/{file}")) == place.read(&format!("unbroken/{file}"));
        assert!(same, "{file} differs");
    }
    assert_eq!(place.summary("sweep/2")["seed"], 6);
}

/// What the caller has told a run to ignore, as `nohup` does, stays ignored.
#[test]
#[cfg(target_os = "linux")]
fn signals_that_the_caller_ignores_stay_ignored() {
    let place = Place::new();
    let set = ["--set", "simulation.duration=10000000"];
    for ignored in ["HUP", "INT", "TERM"] {
        let args = arguments(&["--scene", "sim.ron", "--out", ignored], &set);
        let program = place.command(&args);
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("trap '' {ignored}; exec \"$0\" \"$@\"")]);
        shell.arg(program.get_program()).args(&args).current_dir(place.path("."));
        shell.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = shell.spawn().unwrap();
        begun(&place, ignored, 100);
        send(ignored, &child);
        std::thread::sleep(Duration::from_millis(300));
        assert!(child.try_wait().unwrap().is_none(), "{ignored} ended it");
        send(if ignored == "INT" { "TERM" } else { "INT" }, &child);
        ended(child).expect(130, "interrupted | stopping");
    }
}

/// Asserts that a run is finished, that this is said, and that nothing is done.
#[track_caller]
fn says_finished(place: &Place, resume: &[&str], longer: &str) {
    let said = place.refuses(resume, 0, "");
    for word in ["is finished", "nothing is left to do", "--resume", longer] {
        assert!(said.out.contains(word), "`{word}` is not in {}", said.out);
    }
}

/// Nothing recorded, nothing missed.
#[test]
#[cfg(unix)]
fn a_simulation_without_a_recording_goes_on() {
    let place = Place::new();
    fs::write(place.path("learn.ron"), LEARNING).unwrap();
    let set = ["--set", "record=()"];
    place.done("learn.ron", "unbroken", &set);
    let first = arguments(&["--scene", "learn.ron", "--out", "run"], &set);
    let child = place.command(&first).spawn().unwrap();
    begun(&place, "run", 150);
    send("INT", &child);
    ended(child).expect(130, "interrupted | --resume run");
    // As after a kill that came when all was written but the summary.
    fs::remove_dir_all(place.path("run/.recording")).unwrap();
    place.call(&["--resume", "run", "--engine", "cpu", "--quiet"]).expect(0, "");
    let weights = |out: &str| place.read(&format!("{out}/weights.safetensors"));
    assert!(weights("run") == weights("unbroken"));
}

/// What is under way to neurons lies in another way for a GPU; a run goes on all the same, and back.
#[test]
fn a_simulation_goes_on_on_another_kind_of_engine() {
    if let Err(e) = choose(Wanted::Software, None) {
        assert!(!std::env::var("NEURALEARN_GPU").is_ok_and(|v| v == "require"), "{e}");
        eprintln!("SKIP another kind of engine: {e}");
        return;
    }
    let place = Place::new();
    let whole = place.done("sim.ron", "whole", &[]);
    place.done("sim.ron", "run", &["--set", "simulation.duration=100"]);
    for (duration, engine) in
        [("200", "software"), ("300", "cpu"), ("400", "software"), ("500", "cpu")]
    {
        let longer = format!("simulation.duration={duration}");
        place
            .call(&["--resume", "run", "--set", &longer, "--engine", engine, "--quiet"])
            .expect(0, "");
    }
    let summary = place.summary("run");
    let spikes = |summary: &Value, population: &str| {
        summary["populations"][population]["spikes"].as_f64().unwrap()
    };
    assert_eq!(spikes(&summary, "noise"), spikes(&whole, "noise"));
    // Engines round alike but for the last bit, and so may part by a spike.
    let (all, parts) = (spikes(&whole, "exc"), spikes(&summary, "exc"));
    assert!(all > 100.0 && (all - parts).abs() < 0.02 * all, "{all} and {parts} spikes");
}

/// What a simulation needs to go on may be damaged.
#[test]
#[cfg(unix)]
fn a_simulation_whose_files_are_damaged() {
    let place = Place::new();
    let set = ["--set", "simulation.duration=10000000"];
    let child = place.command(&arguments(&["--scene", "sim.ron", "--out", "run"], &set)).spawn();
    begun(&place, "run", 300);
    let child = child.unwrap();
    send("INT", &child);
    ended(child).expect(130, "interrupted");
    let resume = ["--resume", "run", "--engine", "cpu", "--quiet"];

    // Another network in the scene's place.
    let scene = place.read("run/scene.ron");
    let text = String::from_utf8(scene.clone()).unwrap();
    fs::write(place.path("run/scene.ron"), edit(&text, "size: 30", "size: 31")).unwrap();
    place.refuses(&resume, 2, "another scene | populations.exc.size: 30 in the run, now 31");
    fs::write(place.path("run/scene.ron"), scene).unwrap();

    // What is in the archives may be missing elsewhere.
    fs::remove_file(place.path("run/spikes.npz")).unwrap();
    fs::write(place.path("run/.recording/spikes-1.id"), "cut").unwrap();
    place.call(&resume).expect(5, "spikes-1.id does not hold what was recorded before | 3 bytes");
    fs::remove_dir_all(place.path("run/.recording")).unwrap();
    place.call(&resume).expect(5, ".recording | does not hold what was recorded before");
    fs::remove_dir_all(place.path("run/checkpoints")).unwrap();
    place.refuses(&resume, 3, "no checkpoint in run");
}

/// A full disk ends a simulation, and the file is named.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_ends_a_simulation() {
    let place = Place::new();
    let set = ["--set", "simulation.duration=10000000"];
    let child = place.command(&arguments(&["--scene", "sim.ron", "--out", "run"], &set)).spawn();
    let (child, since) = (child.unwrap(), Instant::now());
    while place.metrics("run").is_empty() {
        assert!(since.elapsed() < Duration::from_secs(60), "it does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::os::unix::fs::symlink("/dev/full", place.path("full")).unwrap();
    fs::rename(place.path("full"), place.path("run/.recording/spikes-1.id")).unwrap();
    ended(child).expect(5, "spikes-1.id cannot be written | No space left | .recording");
    assert!(!place.path("run/spikes.npz").exists() && !place.path("run/summary.json").exists());
}

// ---- Run folders ----

#[test]
fn run_folders_are_not_taken_from_anyone() {
    let place = Place::new();
    fs::write(place.path("file"), "mine").unwrap();
    let file = arguments(&["--scene", "sim.ron", "--out", "file"], &[]);
    place.refuses(&file, 5, "file");
    place.refuses(&[&file[..], &["--overwrite"]].concat(), 5, "file");

    place.done("train.ron", "run", &[]);
    fs::write(place.path("run/notes.txt"), "mine").unwrap();
    // As a run leaves it that is killed.
    fs::create_dir(place.path("run/.recording")).unwrap();
    fs::write(place.path("run/.recording/spikes-0.id"), "old").unwrap();
    let words = "run | not empty | --overwrite | --resume";
    place.refuses_run("sim.ron", &[], 5, words);
    let summary = place.done("sim.ron", "run", &["--overwrite"]);
    assert_eq!(summary["scene"], "sim");
    assert!(place.path("run/spikes.npz").exists());
    for old in ["weights.safetensors", "weights-best.safetensors", ".recording"] {
        assert!(!place.path("run").join(old).exists(), "{old} of the run before is still there");
    }
    assert_eq!(fs::read_dir(place.path("run/checkpoints")).unwrap().count(), 1);
    assert_eq!(place.read("run/notes.txt"), b"mine");

    for number in 1..=2 {
        place.call(&["--scene", "sim.ron", "--engine", "cpu", "--quiet"]).expect(0, "");
        assert!(place.path(&format!("runs/sim-{number}/summary.json")).exists());
    }
    assert!(!place.path("runs/sim-3").exists());
}

/// Waits until a running process has written more than so many epochs.
#[track_caller]
fn wait_for_epoch(place: &Place, child: &mut Child, out: &str, more_than: usize) {
    let since = Instant::now();
    while place.metrics(out).len() <= more_than {
        assert!(child.try_wait().unwrap().is_none(), "the run ended too soon");
        assert!(since.elapsed() < Duration::from_secs(60), "no epoch in a minute");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_folder_that_a_run_holds_is_not_shared() {
    let place = Place::new();
    let long = ["--scene", "train.ron", "--out", "run", "--set", "training.epochs=1000000"];
    let mut child = place.command(&arguments(&long, &[])).spawn().unwrap();
    wait_for_epoch(&place, &mut child, "run", 1);
    place.run("sim.ron", "run", &["--overwrite"]).expect(5, "run | another run is using it");
    place.call(&["--resume", "run", "--engine", "cpu", "--quiet"]).expect(5, "another run");
    assert!(place.path("run/metrics.jsonl").exists());
    assert!(!place.path("run/spikes.npz").exists());
    child.kill().unwrap();
    ended(child);
    place.done("sim.ron", "run", &["--overwrite"]);
}

// ---- Runs that are broken off ----

const RESUME: [&str; 5] = ["--resume", "train-1", "--engine", "cpu", "--quiet"];

/// Asserts that two finished runs gave the same results.
#[track_caller]
fn assert_same_results(place: &Place, a: &str, b: &str) {
    assert_eq!(numbers(&place.summary(a)), numbers(&place.summary(b)));
    let metrics = |out| numbers(&Value::from(place.metrics(out)));
    assert_eq!(metrics(a), metrics(b));
    for file in ["weights.safetensors", "weights-best.safetensors"] {
        let read = |out| place.read(&format!("{out}/{file}"));
        assert!(read(a) == read(b), "{file} differs");
    }
}

/// Asserts that they also left the same files.
#[track_caller]
fn assert_same_run(place: &Place, a: &str, b: &str) {
    assert_same_results(place, a, b);
    let names = |out: &str| {
        let name = |path: &PathBuf| path.strip_prefix(place.path(out)).unwrap().to_owned();
        place.files(out).keys().map(name).collect::<Vec<_>>()
    };
    assert_eq!(names(a), names(b));
}

#[cfg(unix)]
fn send(signal: &str, child: &Child) {
    let args = [format!("-{signal}"), child.id().to_string()];
    assert!(Command::new("kill").args(args).status().unwrap().success());
}

/// Sends a signal to a training again and again, each time after another epoch and a bit, and
/// resumes it; what comes out must be what an unbroken one gives.
#[cfg(unix)]
fn broken_off(place: &Place, signal: &str, epochs: usize, rounds: u64, pause: u64) {
    let set = format!("training.epochs={epochs}");
    place.done("train.ron", "unbroken", &["--set", &set]);
    let first = ["--scene", "train.ron", "--out", "train-1", "--set", &set];
    let first = arguments(&first, &[]);
    for round in 0..rounds {
        let args = if round == 0 { &first[..] } else { &RESUME };
        let done = place.metrics("train-1").len();
        let mut child = place.command(args).spawn().unwrap();
        wait_for_epoch(place, &mut child, "train-1", done);
        std::thread::sleep(Duration::from_millis(pause * round));
        send(signal, &child);
        let said = ended(child);
        if signal == "INT" {
            said.expect(130, "interrupted | --resume train-1");
        } else {
            assert_eq!(said.code, None, "{}", said.err);
        }
        assert!(!place.path("train-1/summary.json").exists());
    }
    place.call(&RESUME).expect(0, "");
    assert_same_run(place, "unbroken", "train-1");
}

#[test]
#[cfg(unix)]
fn an_interrupted_training_goes_on_as_if_nothing_had_been() {
    let place = Place::new();
    place.images(6000);
    broken_off(&place, "INT", 24, 5, 17);
}

/// Learned delays, and their kernels, which become narrow in the first epochs.
#[test]
#[cfg(unix)]
fn learning_of_delays_goes_on_as_if_nothing_had_been() {
    let place = Place::new();
    place.images(3000);
    let late = "to: \"hidden\", delay: Learn(initial: Uniform(low: 1, high: 6), max: 8, \
                kernel: Gauss(sigma: 3))";
    fs::write(place.path("train.ron"), edit(TRAINING, "to: \"hidden\"", late)).unwrap();
    broken_off(&place, "INT", 12, 4, 17);
}

/// The same of synapses.
#[test]
#[cfg(unix)]
fn learning_of_delays_of_synapses_goes_on_as_if_nothing_had_been() {
    let place = Place::new();
    place.images(600);
    let late =
        "to: \"hidden\", delay: Learn(per: Synapse, initial: Uniform(low: 1, high: 6), max: 8)";
    fs::write(place.path("train.ron"), edit(TRAINING, "to: \"hidden\"", late)).unwrap();
    broken_off(&place, "INT", 12, 3, 17);
}

/// Between two updates by tasks there is nothing to be lost.
#[test]
#[cfg(unix)]
fn learning_to_learn_goes_on_as_if_nothing_had_been() {
    let place = Place::new();
    fs::write(place.path("train.ron"), edit(TASKS, "train: 40", "train: 2000")).unwrap();
    broken_off(&place, "INT", 12, 4, 23);
}

/// One projection learns by pairs of spikes, one by rates, one by gradients.
#[test]
#[cfg(unix)]
fn rules_beside_gradients_go_on_as_if_nothing_had_been() {
    let place = Place::new();
    place.images(6000);
    let text = edit(
        TRAINING,
        "weight: Kaiming(gain: 1.4)),",
        "weight: Kaiming(gain: 1.4), learn: Stdp(w_min: -5000, w_max: 5000, unit: 0.1)), \
         (from: \"hidden\", to: \"hidden\", connect: Others, weight: -10, learn: Hebb(eta: 1e-5, w_min: -100, w_max: 0)),",
    );
    fs::write(place.path("train.ron"), text).unwrap();
    broken_off(&place, "INT", 20, 4, 17);
    let [first, last] = ["--set training.epochs=1", "--set training.epochs=2"].map(|set| {
        let out = format!("after-{}", &set[set.len() - 1..]);
        place.done("train.ron", &out, &set.split(' ').collect::<Vec<_>>());
        let weights = place.read(&format!("{out}/weights.safetensors"));
        let weights = safetensors::SafeTensors::deserialize(&weights).unwrap();
        ["pixels->hidden", "hidden->hidden", "hidden->classes"]
            .map(|name| weights.tensor(name).unwrap().data().to_vec())
    });
    assert!((0..3).all(|k| first[k] != last[k]), "something does not learn");
}

/// Samples in their order, and several answers to each.
const RECALLS: &str = r#"(
    version: 1,
    simulation: (dt: 1.0, seed: 1),
    populations: {
        "symbols": (size: 100, model: Images(encoder: Poisson(max_rate: 200), frames: 6, hold: 5)),
        "hidden": (size: 20, model: Lif(tau_m: 20, tau_syn: 5, t_ref: 2)),
        "answer": (size: 2, model: Readout(tau_m: 20, tau_syn: 5)),
    },
    projections: [
        (from: "symbols", to: "hidden", connect: Dense, weight: Kaiming(gain: 1.4)),
        (from: "hidden", to: "hidden", connect: Dense, weight: Kaiming(gain: 1.0)),
        (from: "hidden", to: "answer", connect: Dense, weight: Kaiming(gain: 1.0)),
    ],
    training: (
        data: StoreRecall(train: 4000, test: 100, symbols: 6),
        epochs: 4,
        batch: 8,
        steps: 30,
        order: Given,
        loss: SoftmaxCrossEntropy(over: Frames),
        optimizer: Adam(lr: 0.02),
    ),
)"#;

/// In the order in which samples are given, and with answers to each frame, of which not all are asked for.
#[test]
#[cfg(unix)]
fn an_interrupted_curriculum_goes_on_as_if_nothing_had_been() {
    let place = Place::new();
    fs::write(place.path("train.ron"), RECALLS).unwrap();
    broken_off(&place, "INT", 20, 3, 17);
    let training = &place.summary("train-1")["training"];
    let (accuracy, error) = (&training["test_accuracy"], &training["test_error"]);
    assert!((accuracy.as_f64().unwrap() + error.as_f64().unwrap() - 1.0).abs() < 1e-12);
    let (shape, labels) =
        read_array::<u32>(&place.path("train-1/predictions.npz"), "label").unwrap();
    assert_eq!(shape, [100, 6]);
    let asked = labels.iter().filter(|label| **label != 255).count() as u64;
    let confusion = training["confusion"].as_array().unwrap().iter();
    let told = confusion.flat_map(|row| row.as_array().unwrap()).map(|n| n.as_u64().unwrap());
    assert!(asked >= 100 && told.sum::<u64>() == asked);
    // Another order, other weights.
    let shuffled = edit(RECALLS, "Given", "Shuffled");
    fs::write(place.path("shuffled.ron"), shuffled).unwrap();
    place.done("shuffled.ron", "shuffled", &["--set", "training.epochs=1"]);
    place.done("train.ron", "given", &["--set", "training.epochs=1"]);
    let weights = |out| place.read(&format!("{out}/weights.safetensors"));
    assert!(weights("shuffled") != weights("given"));
}

/// Delays that grow after each epoch whose validation was good enough.
const GATED: &str = r#"(
    version: 1,
    simulation: (dt: 1.0, seed: 1),
    populations: {
        "cues": (size: 40, model: Images(encoder: Poisson(max_rate: 150), frames: 18, hold: "10 ms")),
        "hidden": (size: 20, model: Lif(tau_m: 20, tau_syn: 5, t_ref: 2)),
        "answer": (size: 2, model: Readout(tau_m: 20, tau_syn: 5)),
    },
    projections: [
        (from: "cues", to: "hidden", connect: Dense, weight: Kaiming(gain: 2)),
        (from: "hidden", to: "hidden", connect: Dense, weight: Kaiming(gain: 1)),
        (from: "hidden", to: "answer", connect: Dense, weight: Kaiming(gain: 1)),
    ],
    training: (
        data: DelayedRecall(train: 400, test: 20, delay: 80,
            pacing: Gated(from: 20, steps: 3, metric: "validation_accuracy", bound: 0.6)),
        validation: 0.2,
        epochs: 4,
        batch: 8,
        steps: 180,
        loss: SoftmaxCrossEntropy(over: Window(from: 130, to: 180)),
        optimizer: Adam(lr: 0.02),
    ),
)"#;

/// Which delays there are follows from the finished epochs.
#[test]
#[cfg(unix)]
fn an_interrupted_gate_goes_on_as_if_nothing_had_been() {
    let place = Place::new();
    fs::write(place.path("train.ron"), GATED).unwrap();
    broken_off(&place, "INT", 12, 3, 17);
    let epochs = place.metrics("train-1");
    let mut passed = 0;
    for epoch in &epochs {
        assert_eq!(epoch["delay"].as_f64().unwrap(), f64::from(20 + 20 * passed));
        passed += i32::from(passed < 3 && epoch["validation_accuracy"].as_f64().unwrap() >= 0.6);
    }
    assert!(passed > 0, "the gate never opened");
    // The best weights are those of the longest delay that was validated.
    let best = place.summary("train-1")["training"]["best_epoch"].as_u64().unwrap() as usize;
    assert_eq!(epochs[best - 1]["delay"], epochs[11]["delay"]);
}

/// Samples by the scores of an earlier run: which are there follows from the epoch.
#[test]
#[cfg(unix)]
fn an_interrupted_order_by_scores_goes_on_as_if_nothing_had_been() {
    let place = Place::new();
    place.images(3000);
    place.done("train.ron", "reference", &["--set", "training.scores=true"]);
    let order = "batch: 8, order: Scored(file: \"reference\", from: 0.1, until: 0.7)";
    fs::write(place.path("train.ron"), edit(TRAINING, "batch: 8", order)).unwrap();
    broken_off(&place, "INT", 12, 3, 17);
    let shares = place.metrics("train-1");
    let shares: Vec<f64> = shares.iter().map(|epoch| epoch["share"].as_f64().unwrap()).collect();
    assert!(shares.is_sorted() && shares[0] == 0.1 && shares[6] < 1.0 && shares[7] == 1.0);
}

/// A training by e-prop whose feedback changes too, and so has to be saved.
const ONLINE: &str = r#"(
    version: 1,
    simulation: (dt: 1.0, seed: 1),
    populations: {
        "way": (size: 40, model: Images(encoder: Poisson(max_rate: 100), frames: 7, hold: 50)),
        "cells": (size: 30, model: Lif(tau_m: 20, t_ref: 2, delta_th: 1, tau_rel: 200, reset: Subtract,
            receptors: {"jump": Delta()})),
        "answer": (size: 2, model: Readout(tau_m: 20)),
    },
    projections: [
        (from: "way", to: "cells", connect: Dense, weight: Kaiming(gain: 1.7)),
        (from: "cells", to: "cells", connect: Dense, weight: Kaiming(gain: 1.0)),
        (from: "cells", to: "answer", connect: Dense, weight: Kaiming(gain: 0.1)),
    ],
    training: (
        data: Evidence(train: 400, test: 50, cues: 1, delay: 50),
        epochs: 4,
        batch: 8,
        steps: 350,
        loss: SoftmaxCrossEntropy(over: Window(from: 200, to: 350)),
        learn: EProp(feedback: Adaptive, c_reg: 1, f_target: 20),
        optimizer: Adam(lr: 0.01),
    ),
)"#;

/// What a synapse remembers lasts no longer than a sample; what feedback has learned does.
#[test]
#[cfg(unix)]
fn an_interrupted_training_by_eprop_goes_on_as_if_nothing_had_been() {
    let place = Place::new();
    fs::write(place.path("train.ron"), ONLINE).unwrap();
    broken_off(&place, "INT", 16, 3, 17);
}

/// A course in time, and spikes that come with it.
const COURSE: &str = r#"(
    version: 1,
    simulation: (dt: 1.0, duration: 150, seed: 1),
    populations: { "clock": (size: 40, model: Poisson(rate: 50)), "answer": (size: 1, model: Readout(tau_m: 5)) },
    stimuli: [(to: "answer", input: Sine(amplitude: 60, frequency: 10, start: 0))],
    record: (spikes: ["clock"], traces: [(population: "answer")]),
)"#;

/// A training by e-prop whose output is to follow it.
const FOLLOWING: &str = r#"(
    version: 1,
    simulation: (dt: 1.0, seed: 1),
    populations: {
        "clock": (size: 40, model: Spikes(file: "course/spikes.npz")),
        "cells": (size: 30, model: Lif(tau_m: 20, t_ref: 2, delta_th: 1, tau_rel: 200, reset: Subtract,
            receptors: {"jump": Delta()})),
        "answer": (size: 1, model: Readout(tau_m: 10)),
    },
    projections: [
        (from: "clock", to: "cells", connect: Dense, weight: Kaiming(gain: 1.0)),
        (from: "cells", to: "cells", connect: Dense, weight: Kaiming(gain: 0.5)),
        (from: "cells", to: "answer", connect: Dense, weight: Kaiming(gain: 0.3)),
    ],
    training: (
        epochs: 60,
        batch: 1,
        steps: 150,
        loss: Trace(population: "answer", file: "course/traces.npz"),
        learn: EProp(feedback: Adaptive, c_reg: 1, f_target: 20),
        optimizer: Adam(lr: 0.01),
    ),
)"#;

/// An output that learns by e-prop to follow a trace is told of as any other, and goes on to learn as if nothing had been.
#[test]
fn a_training_by_eprop_of_a_trace_can_be_extended() {
    let place = Place::new();
    fs::write(place.path("course.ron"), COURSE).unwrap();
    fs::write(place.path("train.ron"), FOLLOWING).unwrap();
    place.done("course.ron", "course", &[]);
    let summary = place.done("train.ron", "unbroken", &[]);
    let number = |at: &str| summary.pointer(at).and_then(Value::as_f64).unwrap();
    let (first, last) =
        (number("/training/epochs/0/loss"), number("/training/epochs/59/test_loss"));
    assert!(last < 0.5 * first, "{first} before, {last} after");
    for told in ["/training/fit/best_mse", "/training/epochs/59/errors/0"] {
        assert!((number(told) - last).abs() <= 1e-5 * last, "{told}: {} not {last}", number(told));
    }
    assert!(place.path("unbroken/figures/fit.png").is_file());
    place.done("train.ron", "train-1", &["--set", "training.epochs=35"]);
    place.call(&[&RESUME[..], &["--set", "training.epochs=60"]].concat()).expect(0, "");
    // Its older checkpoint is of where the shorter run ended.
    assert_same_results(&place, "unbroken", "train-1");
}

#[test]
#[cfg(unix)]
fn a_killed_training_goes_on_from_its_last_checkpoint() {
    broken_off(&Place::new(), "KILL", 200, 8, 3);
}

#[test]
fn damaged_checkpoints_and_other_scenes() {
    let place = Place::new();
    place.done("train.ron", "unbroken", &[]);
    place.done("train.ron", "train-1", &[]);
    let saved = || {
        let entries = fs::read_dir(place.path("train-1/checkpoints")).unwrap();
        let mut paths: Vec<_> = entries.map(|e| e.unwrap().path()).collect();
        paths.sort();
        paths
    };
    assert_eq!(saved().len(), 2);
    for damage in ["cut", "flip", "empty"] {
        let newest = saved().pop().unwrap();
        let mut bytes = fs::read(&newest).unwrap();
        let middle = bytes.len() / 2;
        match damage {
            "cut" => bytes.truncate(bytes.len() - 1),
            "flip" => bytes[middle] ^= 1,
            _ => bytes.clear(),
        }
        fs::write(&newest, bytes).unwrap();
        fs::remove_file(place.path("train-1/summary.json")).unwrap();
        let name = newest.file_name().unwrap().to_str().unwrap();
        place.call(&RESUME).expect(0, &format!("{name} | the one before"));
        assert_same_run(&place, "unbroken", "train-1");
    }

    fs::write(place.path("other.ron"), edit(TRAINING, "lr: 0.02", "lr: 0.03")).unwrap();
    let other = [&["--scene", "other.ron"], &RESUME[..]].concat();
    place.refuses(&other, 2, "train-1 | another scene");
    place.call(&[&["--scene", "train.ron"], &RESUME[..]].concat()).expect(0, "");
    assert_same_run(&place, "unbroken", "train-1");

    saved().iter().for_each(|path| fs::write(path, "damaged").unwrap());
    says_finished(&place, &RESUME, "training.epochs");
    fs::remove_file(place.path("train-1/summary.json")).unwrap();
    let said = place.refuses(&RESUME, 3, "no checkpoint | train-1");
    saved().iter().for_each(|path| {
        assert!(said.err.contains(path.file_name().unwrap().to_str().unwrap()), "{}", said.err);
    });
}

// ---- Runs that go on beyond their end ----

/// A run that is extended is the longer run.
#[test]
fn a_finished_run_can_be_extended() {
    let place = Place::new();
    place.done("train.ron", "unbroken", &["--set", "training.epochs=6"]);
    place.done("train.ron", "train-1", &["--set", "training.epochs=4"]);
    let took = place.summary("train-1")["wall_s"].as_f64().unwrap();
    says_finished(&place, &RESUME, "training.epochs");
    place.call(&[&RESUME[..], &["--set", "training.epochs=6"]].concat()).expect(0, "");
    assert_same_run(&place, "unbroken", "train-1");
    // Its name is that of its beginning, and its time all that it took.
    assert_eq!(place.summary("train-1")["scene"], "train");
    assert!(place.summary("train-1")["wall_s"].as_f64().unwrap() > took);
    says_finished(&place, &RESUME, "training.epochs");

    let resume = ["--resume", "run", "--engine", "cpu", "--quiet"];
    for record in ["", "--set=record=()"] {
        let more: Vec<&str> = [record].into_iter().filter(|set| !set.is_empty()).collect();
        let longer = [&more[..], &["--set", "simulation.duration=900"]].concat();
        place.done("sim.ron", "long", &[&longer[..], &["--overwrite"]].concat());
        place.done("sim.ron", "run", &[&more[..], &["--overwrite"]].concat());
        place.call(&[&resume[..], &["--set", "simulation.duration=900"]].concat()).expect(0, "");
        let [long, run] = ["long", "run"].map(|out| place.summary(out));
        assert_eq!(numbers(&long), numbers(&run));
        // What made it longer is told with what it began with.
        assert_eq!(long["overrides"], run["overrides"]);
        assert!(run["command"].as_str().unwrap().contains("--out run --engine cpu"), "{run}");
        for file in ["spikes.npz", "traces.npz", "scene.ron"] {
            let read = |out: &str| fs::read(place.path(out).join(file)).ok();
            assert!(read("long") == read("run"), "{file} differs");
        }
        assert!(!place.path("run/.recording").exists());
        says_finished(&place, &resume, "simulation.duration");
    }
}

/// A training that stops by itself, with samples that are moved, a rate that falls and a validation set: one that goes on
/// stops where an unbroken one does. Its best weights are those of the epoch that validation chooses.
#[test]
fn a_training_that_stops_early_is_finished() {
    let place = Place::new();
    let scene = edit(TRAINING, "\"data\"", "\"data\", augment: Shift(1)");
    let more = "batch: 8, validation: 0.25, stop: (metric: \"validation_accuracy\", patience: 2), \
                schedule: Plateau(factor: 0.5, patience: 1, metric: \"validation_accuracy\"),";
    fs::write(place.path("stops.ron"), edit(&scene, "batch: 8,", more)).unwrap();
    // Of 11 samples the right ones can become more 11 times, so two epochs without that come soon.
    let summary = place.done("stops.ron", "unbroken", &["--set", "training.epochs=40"]);
    let training = &summary["training"];
    let epochs = training["epochs"].as_array().unwrap();
    let best = training["best_epoch"].as_u64().unwrap() as usize;
    assert_eq!(epochs.len(), best + 2);
    let why = "validation_accuracy has not improved for 2 epochs";
    assert_eq!(training["stopped"], why);
    assert_eq!(training["validation_accuracy"], epochs[best + 1]["validation_accuracy"]);
    assert_eq!(training["best_test_accuracy"], epochs[best - 1]["test_accuracy"]);
    let accuracy = |k: usize| epochs[k]["validation_accuracy"].as_f64().unwrap();
    assert!((0..best + 2).all(|k| accuracy(k) < accuracy(best - 1) || k >= best - 1));
    assert!((accuracy(0) * 11.0).fract().min(1.0 - (accuracy(0) * 11.0).fract()) < 1e-9);
    assert!(epochs.iter().all(|epoch| epoch["validation_loss"].as_f64().unwrap() > 0.0));

    let until = format!("training.epochs={best}");
    place.done("stops.ron", "best", &["--set", &until]);
    let weights = |file: &str| place.read(&format!("{file}.safetensors"));
    assert!(weights("best/weights") == weights("unbroken/weights-best"));

    place.done("stops.ron", "train-1", &["--set", "training.epochs=1"]);
    let longer = [&RESUME[..], &["--set", "training.epochs=40"]].concat();
    place.call(&longer).expect(0, "");
    assert_same_run(&place, "unbroken", "train-1");
    // It stays finished, also where there would be room for more.
    let further = [&RESUME[..], &["--set", "training.epochs=50"]].concat();
    for resume in [&RESUME[..], &further] {
        let said = place.refuses(resume, 0, "");
        for word in ["is finished", &format!("after {} epochs", best + 2), why, "nothing is left"] {
            assert!(said.out.contains(word), "`{word}` is not in {}", said.out);
        }
    }
    // As after a kill that came before anything was written of the end.
    fs::remove_file(place.path("train-1/summary.json")).unwrap();
    place.call(&RESUME).expect(0, "");
    assert_same_run(&place, "unbroken", "train-1");
}

/// Noise of a training follows from the number of the presentation, so one that goes on has what an unbroken one has.
/// What judges a training has none.
#[test]
fn noise_goes_on_where_it_was() {
    let place = Place::new();
    let noise = "batch: 8, noise: (currents: 30, weights: 0.1),";
    fs::write(place.path("noisy.ron"), edit(TRAINING, "batch: 8,", noise)).unwrap();
    place.done("noisy.ron", "unbroken", &[]);
    place.done("noisy.ron", "train-1", &["--set", "training.epochs=2"]);
    place.call(&[&RESUME[..], &["--set", "training.epochs=4"]].concat()).expect(0, "");
    assert_same_run(&place, "unbroken", "train-1");
    // Of weights that do not change.
    let still = ["--set", "training.optimizer=Sgd(lr: 1e-30)", "--set", "training.epochs=2"];
    let [noisy, plain] = ["noisy", "train"].map(|scene| {
        let summary = place.done(&format!("{scene}.ron"), &format!("still-{scene}"), &still);
        let epochs = summary["training"]["epochs"].as_array().unwrap().clone();
        ["loss", "test_loss"].map(|name| [0, 1].map(|k| epochs[k][name].as_f64().unwrap()))
    });
    let alike = |a: f64, b: f64| (a - b).abs() < 1e-6 * a.abs();
    assert!((0..2).all(|k| alike(noisy[1][k], plain[1][k])), "{noisy:?} {plain:?}");
    assert!(!alike(noisy[0][0], plain[0][0]) && !alike(noisy[0][0], noisy[0][1]), "{noisy:?}");
}

/// A run goes on as what it began as.
#[test]
fn nothing_but_the_length_of_a_run_may_change() {
    let place = Place::new();
    place.done("train.ron", "train-1", &[]);
    for (set, words) in [
        ("training.optimizer.lr=0.5", "optimizer.Adam.lr: 0.02 in the run, now 0.5"),
        ("simulation.seed=7", "simulation.seed: 1 in the run, now 7"),
        ("training.epochs=3", "training.epochs: 4 in the run, now 3"),
    ] {
        let words = format!("train-1 is a run of another scene | {words} | only training.epochs");
        place.refuses(&[&RESUME[..], &["--set", set]].concat(), 2, &words);
    }
    place.refuses(&[&RESUME[..], &["--seed", "7"]].concat(), 2, "simulation.seed: 1 in the run");
    // The same by hand.
    let text = String::from_utf8(place.read("train-1/scene.ron")).unwrap();
    let changed = edit(&text, "t_ref: 2.0", "t_ref: 3.0");
    fs::write(place.path("train-1/scene.ron"), changed).unwrap();
    place.refuses(&RESUME, 2, "another scene | hidden | t_ref | 2.0 in the run, now 3.0");
}

/// All that a training by assignment knows outlives it.
#[test]
fn an_assignment_keeps_its_confusion_matrix() {
    let place = Place::new();
    fs::write(place.path("stripes.ron"), edit(STRIPES, "epochs: 6", "epochs: 2")).unwrap();
    let unbroken = place.done("stripes.ron", "unbroken", &[]);
    let confusion = unbroken["training"]["confusion"].as_array().unwrap();
    let row = |row: &Value| row.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(confusion.iter().map(row).collect::<Vec<u64>>(), [7, 7, 7]);
    place.done("stripes.ron", "train-1", &[]);
    // As after a kill that came before anything was written of the end.
    for file in ["summary.json", "weights.safetensors", "report.html"] {
        fs::remove_file(place.path("train-1").join(file)).unwrap();
    }
    place.call(&RESUME).expect(0, "");
    assert_eq!(numbers(&place.summary("train-1")), numbers(&unbroken));
    assert!(
        place.read("train-1/weights.safetensors") == place.read("unbroken/weights.safetensors")
    );
}

/// A checkpoint whose hash is right may still hold what no run has saved.
#[test]
#[cfg(unix)]
fn contents_of_checkpoints_are_checked() {
    let place = Place::new();
    fs::write(place.path("learn.ron"), LEARNING).unwrap();
    place.done("learn.ron", "sim", &["--set", "simulation.duration=3000"]);
    place.done("train.ron", "train", &[]);
    fs::write(place.path("stripes.ron"), edit(STRIPES, "epochs: 6", "epochs: 1")).unwrap();
    place.done("stripes.ron", "assign", &[]);
    type Change = fn(&mut Value, &mut Vec<(String, Values)>);
    fn reals<'a>(arrays: &'a mut [(String, Values)], end: &str) -> &'a mut Vec<f32> {
        let found = arrays.iter_mut().find(|(name, _)| name.ends_with(end));
        match found.unwrap_or_else(|| panic!("no array {end}")) {
            (_, Values::Reals(values)) => values,
            (_, Values::Words(_)) => panic!("{end} is of words"),
        }
    }
    fn words<'a>(arrays: &'a mut [(String, Values)], end: &str) -> &'a mut Vec<u32> {
        let found = arrays.iter_mut().find(|(name, _)| name.ends_with(end));
        match found.unwrap_or_else(|| panic!("no array {end}")) {
            (_, Values::Words(values)) => values,
            (_, Values::Reals(_)) => panic!("{end} is of reals"),
        }
    }
    let cases: [(&str, &str, Change); 19] = [
        ("sim", "`marked.weights`", |_, a| reals(a, "marked.weights")[3] = f32::NAN),
        ("sim", "`exc.state`", |_, a| reals(a, "exc.state")[0] = f32::INFINITY),
        ("sim", "`exc.state`", |_, a| reals(a, "exc.state").truncate(5)),
        ("sim", "`marked.origin`", |_, a| words(a, "marked.origin")[0] = u32::MAX),
        ("sim", "`fired`", |_, a| words(a, "fired")[0] = u32::MAX),
        ("sim", "`fired`", |_, a| words(a, "fired")[..2].copy_from_slice(&[1, u32::MAX])),
        ("sim", "`ring`", |_, a| a.retain(|(name, _)| name != "ring")),
        ("sim", "spikes of `exc`", |p, _| {
            p["simulation"]["statistics"][1]["neurons"][0]["last"] = u64::MAX.into()
        }),
        ("sim", "spikes of `noise`", |p, _| {
            p["simulation"]["statistics"][0]["counts"]["width"] = 0.into()
        }),
        ("sim", "recordings", |p, _| p["simulation"]["excerpts"] = Value::Array(vec![])),
        ("sim", "measure `late`", |p, _| p["simulation"]["tallies"][0]["trial"] = 1.into()),
        ("sim", "modulator", |p, _| p["simulation"]["rewards"] = serde_json::json!([[1, 7, 1.0]])),
        ("sim", "told", |p, _| p["metrics"]["spikes"] = serde_json::json!([1, 2])),
        ("train", "hidden", |_, a| reals(a, "hidden->classes.weights.0")[0] = f32::NAN),
        ("train", "best/", |_, a| a.retain(|(name, _)| !name.starts_with("best/"))),
        ("train", "epoch", |p, _| p[0]["epochs"][0]["test_spikes"] = Value::Array(vec![])),
        ("train", "batch", |p, _| p[0]["batch"] = u64::MAX.into()),
        ("assign", "`assigned`", |_, a| reals(a, "assigned")[0] = 1e9),
        ("assign", "confusion", |p, _| p[1] = serde_json::json!([1, 2, 3])),
    ];
    for (run, words, change) in cases {
        let dir = place.path(run).join("checkpoints");
        let good = checkpoint::newest(&dir).unwrap();
        let (mut progress, mut arrays) = (good.progress::<Value>().unwrap(), good.arrays.clone());
        change(&mut progress, &mut arrays);
        let bytes = fs::read(&good.path).unwrap();
        fs::remove_dir_all(&dir).unwrap();
        let summary = fs::read(place.path(run).join("summary.json")).unwrap();
        fs::remove_file(place.path(run).join("summary.json")).unwrap();
        Store::new(&dir, good.origin.clone()).save(1, &progress, &arrays).unwrap();
        let resume = ["--resume", run, "--engine", "cpu", "--quiet"];
        place.call(&resume).expect(3, &format!("state-00000000000001.safetensors | {words}"));
        fs::remove_dir_all(&dir).unwrap();
        fs::create_dir(&dir).unwrap();
        fs::write(&good.path, bytes).unwrap();
        fs::write(place.path(run).join("summary.json"), summary).unwrap();
    }
}

// ---- What is not ours ----

/// What this program did not make it does not replace.
#[test]
fn only_folders_of_this_program_are_overwritten() {
    let place = Place::new();
    let files = |names: &[&str]| {
        for name in names {
            let path = place.path("mine").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "mine").unwrap();
        }
    };
    let overwrite = arguments(&["--scene", "sim.ron", "--out", "mine", "--overwrite"], &[]);
    let theirs =
        ["figures/learning.png", "checkpoints/best.pt", "weights.safetensors", "summary.json"];
    files(&theirs);
    place.refuses(&overwrite, 5, "mine | nothing that shows | another for --out");

    // The scene itself may lie where its effective form would.
    fs::create_dir(place.path("project")).unwrap();
    fs::copy(place.path("sim.ron"), place.path("project/scene.ron")).unwrap();
    let own =
        ["--scene", "project/scene.ron", "--out", "project", "--overwrite", "--engine", "cpu"];
    place.refuses(&own, 5, "project");
    place.done("sim.ron", "run", &[]);
    let own = ["--scene", "run/scene.ron", "--out", "run", "--overwrite", "--engine", "cpu"];
    place.refuses(&own, 5, "run | scene.ron is the scene to run");

    // In a folder of a run lies what is of the run, and what is not.
    fs::remove_dir_all(place.path("mine")).unwrap();
    place.done("train.ron", "mine", &[]);
    let kept = ["notes.txt", "figures/mine.png", "figures/a/b.png", "checkpoints/best.pt", "sub/x"];
    files(&kept);
    fs::remove_file(place.path("mine/summary.json")).unwrap();
    place.call(&overwrite).expect(0, "");
    for name in kept {
        assert_eq!(place.read(&format!("mine/{name}")), b"mine", "{name}");
    }
    assert!(!place.path("mine/figures/learning.png").exists());
    assert!(!place.path("mine/weights.safetensors").exists());
}

/// Links are neither followed nor removed.
#[test]
#[cfg(unix)]
fn links_in_a_run_folder_are_left_alone() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    fs::create_dir(place.path("far")).unwrap();
    fs::write(place.path("far/file"), "far").unwrap();
    for name in [".neuralearn", ".lock", "summary.json", "scene.ron", "metrics.jsonl"] {
        place.done("train.ron", "train-1", &["--overwrite"]);
        let _ = fs::remove_file(place.path("train-1").join(name));
        symlink("../far/file", place.path("train-1").join(name)).unwrap();
        let overwrite = ["--scene", "sim.ron", "--out", "train-1", "--overwrite"];
        place.call(&overwrite).expect(5, "train-1");
        place.call(&[&RESUME[..], &["--set", "training.epochs=5"]].concat());
        assert_eq!(place.read("far/file"), b"far", "{name}");
        assert!(place.path("train-1").join(name).is_symlink(), "{name}");
        fs::remove_dir_all(place.path("train-1")).unwrap();
    }
    for name in ["checkpoints", "figures", ".recording"] {
        place.done("train.ron", "train-1", &["--overwrite"]);
        let _ = fs::remove_dir_all(place.path("train-1").join(name));
        symlink("../far", place.path("train-1").join(name)).unwrap();
        let overwrite = ["--scene", "sim.ron", "--out", "train-1", "--overwrite"];
        place.call(&overwrite).expect(5, &format!("{name} | symbolic link"));
        assert_eq!(fs::read_dir(place.path("far")).unwrap().count(), 1, "{name}");
        fs::remove_file(place.path("train-1").join(name)).unwrap();
    }
}

/// What a dead run left goes with the next that takes its folder.
#[test]
fn no_litter_outlives_the_next_run() {
    let place = Place::new();
    place.done("train.ron", "clean", &[]);
    let litter = [
        ".lock",
        "summary.json.a1B2c3.part",
        "weights.safetensors.abcdef.part",
        "figures/learning.png.abcdef.part",
        "checkpoints/state-00000000000001.safetensors.abcdef.part",
        ".recording/spikes-0.id",
        "diverged.safetensors",
    ];
    for (finished, next) in [
        (false, &RESUME[..]),
        (true, &RESUME),
        (true, &["--scene", "train.ron", "--out", "train-1", "--overwrite", "--engine", "cpu"]),
    ] {
        place.done("train.ron", "train-1", &["--overwrite"]);
        for name in litter {
            let path = place.path("train-1").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "litter").unwrap();
        }
        if !finished {
            fs::remove_file(place.path("train-1/summary.json")).unwrap();
        }
        place.call(next).expect(0, "");
        assert_same_run(&place, "clean", "train-1");
    }
}

/// Pictures that cannot be drawn cost the pictures, and the reason is said.
#[test]
fn a_report_that_cannot_be_written_costs_the_report_only() {
    let place = Place::new();
    place.done("train.ron", "train-1", &[]);
    fs::remove_dir_all(place.path("train-1/figures")).unwrap();
    fs::write(place.path("train-1/figures"), "in the way").unwrap();
    let longer = [&RESUME[..], &["--set", "training.epochs=5"]].concat();
    place.call(&longer).expect(0, "the report is incomplete | figures | cannot be written: ");
    assert_eq!(place.summary("train-1")["training"]["epochs"].as_array().unwrap().len(), 5);
    let parts = place.files("train-1").into_keys().filter(|path| path.ends_with(".part"));
    assert_eq!(parts.count(), 0);
}
