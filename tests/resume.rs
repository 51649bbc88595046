//! Run folders and runs that do not come to their end: diverged, interrupted, killed, resumed.

#[path = "common/place.rs"]
mod place;

use place::{Place, SIMULATION, TRAINING, arguments, edit, ended, numbers};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::Child;
#[cfg(unix)]
use std::process::Command;
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
            let mut archive = npyz::npz::NpzArchive::open(place.path("run/spikes.npz")).unwrap();
            let spikes = archive.by_name("exc.id").unwrap().unwrap().len();
            assert_eq!(
                place.path("run/.recording/spikes-1.id").metadata().unwrap().len(),
                4 * spikes
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
    let mut archive = npyz::npz::NpzArchive::open(place.path("run/traces.npz")).unwrap();
    for name in ["marked.weight", "modulators.concentration", "inh.w"] {
        let values: Vec<f32> = archive.by_name(name).unwrap().unwrap().into_vec().unwrap();
        assert!(values.iter().any(|x| *x != values[0]), "{name} does not change");
    }
    let figures =
        |out: &str| place.files(&format!("{out}/figures")).into_values().collect::<Vec<_>>();
    assert!(figures("unbroken") == figures("run"), "its figures differ");
    for gone in [".recording", "checkpoints"] {
        assert!(!place.path("run").join(gone).exists(), "{gone} is left");
    }
    place.refuses(&resume, 2, "run | is finished");
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
    place.call(&resume).expect(3, "checkpoints | another network");
    fs::write(place.path("run/scene.ron"), scene).unwrap();

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
    for old in ["weights.safetensors", "weights-best.safetensors", "checkpoints", ".recording"] {
        assert!(!place.path("run").join(old).exists(), "{old} of the run before is still there");
    }
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

/// Asserts that two finished runs gave the same results, and left the same files.
#[track_caller]
fn assert_same_run(place: &Place, a: &str, b: &str) {
    assert_eq!(numbers(&place.summary(a)), numbers(&place.summary(b)));
    let metrics = |out| numbers(&Value::from(place.metrics(out)));
    assert_eq!(metrics(a), metrics(b));
    for file in ["weights.safetensors", "weights-best.safetensors"] {
        let read = |out| place.read(&format!("{out}/{file}"));
        assert!(read(a) == read(b), "{file} differs");
    }
    let names = |out: &str| {
        let name = |path: &PathBuf| path.strip_prefix(place.path(out)).unwrap().to_owned();
        // A file that was being written when its writer was killed may stay.
        let whole = |path: &PathBuf| path.extension().is_none_or(|end| end != "tmp");
        place.files(out).keys().map(name).filter(whole).collect::<Vec<_>>()
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
fn broken_off(signal: &str, images: usize, epochs: usize, rounds: u64, pause: u64) -> Place {
    let place = Place::new();
    place.images(images);
    let set = format!("training.epochs={epochs}");
    place.done("train.ron", "unbroken", &["--set", &set]);
    let first = ["--scene", "train.ron", "--out", "train-1", "--set", &set];
    let first = arguments(&first, &[]);
    for round in 0..rounds {
        let args = if round == 0 { &first[..] } else { &RESUME };
        let done = place.metrics("train-1").len();
        let mut child = place.command(args).spawn().unwrap();
        wait_for_epoch(&place, &mut child, "train-1", done);
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
    assert_same_run(&place, "unbroken", "train-1");
    place
}

#[test]
#[cfg(unix)]
fn an_interrupted_training_goes_on_as_if_nothing_had_been() {
    broken_off("INT", 6000, 24, 5, 17);
}

#[test]
#[cfg(unix)]
fn a_killed_training_goes_on_from_its_last_checkpoint() {
    broken_off("KILL", 42, 200, 8, 3);
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
    let said = place.refuses(&RESUME, 3, "no checkpoint | train-1");
    saved().iter().for_each(|path| {
        assert!(said.err.contains(path.file_name().unwrap().to_str().unwrap()), "{}", said.err);
    });
}
