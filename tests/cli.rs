//! The command line as its users meet it: exit codes, what is said, and what is left behind. A bad
//! case is an edit of one of two good scenes.

#[path = "common/place.rs"]
mod place;

use flate2::{Compression, write::GzEncoder};
use place::{Place, SIMULATION, TRAINING, arguments, edit, ended, idx, numbers};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
#[cfg(target_os = "linux")]
use std::process::Command;

/// One array of an .npz file with its shape.
fn array<T: npyz::Deserialize>(path: &Path, name: &str) -> (Vec<u64>, Vec<T>) {
    neuralearn::files::read_array(path, name).unwrap()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

// ---- Runs that come to their end ----

#[test]
fn training_fills_its_run_folder_and_its_scene_repeats_it() {
    let place = Place::new();
    let summary = place.done("train.ron", "run", &[]);
    for (field, want) in [
        ("scene", Value::from("train")),
        ("version", env!("CARGO_PKG_VERSION").into()),
        ("seed", 1.into()),
        ("engine", "cpu".into()),
        ("dt_ms", 1.0.into()),
        ("steps", 15.into()),
        ("neurons", 23.into()),
        ("synapses", (36 * 20 + 20 * 3).into()),
    ] {
        assert_eq!(summary[field], want, "{field}");
    }
    assert_eq!(summary["scene_sha256"].as_str().unwrap().len(), 64);
    for field in ["adapter", "driver"] {
        assert!(!summary[field].as_str().unwrap().is_empty(), "{field}");
    }
    for field in ["bytes_device", "build_s", "wall_s"] {
        assert!(summary[field].as_f64().unwrap() > 0.0, "{field}");
    }
    let hidden = &summary["populations"]["hidden"];
    assert_eq!(hidden["size"], 20);
    let rate = hidden["spikes"].as_f64().unwrap() / 20.0 / (21.0 * 15e-3);
    assert!((hidden["rate_hz"].as_f64().unwrap() - rate).abs() < 1e-6 * rate && rate > 1.0);

    let training = &summary["training"];
    assert_eq!(training["parameters"], 36 * 20 + 20 * 3 + 20 + 3);
    assert!(training["test_accuracy"].as_f64().unwrap() > 0.9, "it does not learn: {training}");
    let epochs = training["epochs"].as_array().unwrap();
    assert_eq!(place.metrics("run"), *epochs);
    assert_eq!(epochs.len(), 4);
    assert_eq!(epochs[3]["test_accuracy"], training["test_accuracy"]);
    assert_eq!(epochs[3]["test_loss"], training["test_loss"]);
    for (k, epoch) in epochs.iter().enumerate() {
        assert_eq!(epoch["epoch"], k + 1);
        for field in ["loss", "train_accuracy", "train_samples_per_s", "test_samples_per_s"] {
            assert!(epoch[field].as_f64().unwrap() > 0.0, "{field} of epoch {}", k + 1);
        }
    }
    assert!(epochs[3]["loss"].as_f64() < epochs[0]["loss"].as_f64());

    let bytes = place.read("run/weights.safetensors");
    let weights = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    for (name, len) in [("pixels->hidden", 36 * 20), ("hidden->classes", 20 * 3)] {
        let tensor = weights.tensor(name).unwrap();
        let values = tensor.data().as_chunks().0.iter().map(|x| f32::from_le_bytes(*x));
        assert_eq!(tensor.shape().iter().product::<usize>(), len, "{name}");
        assert!(values.clone().all(f32::is_finite) && values.clone().any(|w| w != 0.0), "{name}");
    }
    let page = String::from_utf8(place.read("run/report.html")).unwrap();
    assert!(page.contains("</html>"));
    let pictures = fs::read_dir(place.path("run/figures")).unwrap();
    let pictures: Vec<_> = pictures.map(|e| fs::read(e.unwrap().path()).unwrap()).collect();
    assert!(pictures.len() >= 3 && pictures.iter().all(|p| p.starts_with(b"\x89PNG")));
    assert!(!place.path("run/.lock").exists());

    let again = place.done("run/scene.ron", "again", &[]);
    assert_eq!(numbers(&again), numbers(&summary));
    let command = "neuralearn --scene run/scene.ron --out again --engine cpu --quiet";
    assert_eq!((&again["command"], &again["overrides"]), (&command.into(), &json!([])));
    let started = |summary: &Value| summary["started"].as_str().unwrap().to_owned();
    // Dates of this form are in the order of their letters.
    assert!(started(&summary).len() == 20 && started(&summary) <= started(&again));
    assert!(page.contains(&started(&summary)));
    for file in ["weights.safetensors", "scene.ron"] {
        let same = place.read(&format!("again/{file}")) == place.read(&format!("run/{file}"));
        assert!(same, "{file} is another");
    }
}

/// A training on two of three classes, whose samples are moved; what judges it is as it is.
#[test]
fn a_training_chooses_its_samples() {
    let place = Place::new();
    let only = ["--set", "training.data.classes=[2, 0]", "--set", "training.data.per_class=8"];
    let longer = [&only[..], &["--set", "training.epochs=20"]].concat();
    let plain = place.done("train.ron", "plain", &longer);
    let row = |row: &Value| row.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum();
    let confusion = plain["training"]["confusion"].as_array().unwrap();
    assert_eq!(confusion.iter().map(row).collect::<Vec<u64>>(), [7, 7, 0]);
    assert!(plain["training"]["test_accuracy"].as_f64() > Some(0.9), "{}", plain["training"]);
    assert!(plain["training"].get("validation_accuracy").is_none());
    // Weights that do not change are judged alike, whatever is done to what they would learn from.
    let still = [&only[..], &["--set", "training.optimizer=Sgd(lr: 1e-30)"]].concat();
    let moved = [&still[..], &["--set", "training.data.augment=Shift(2)"]].concat();
    let (still, moved) =
        (place.done("train.ron", "still", &still), place.done("train.ron", "moved", &moved));
    let losses = |summary: &Value, name: &str| -> Vec<f64> {
        let epochs = summary["training"]["epochs"].as_array().unwrap();
        epochs.iter().map(|epoch| epoch[name].as_f64().unwrap()).collect()
    };
    let all_alike = |losses: &[f64]| losses.iter().all(|x| (x - losses[0]).abs() < 1e-6 * x.abs());
    let tested = [losses(&still, "test_loss"), losses(&moved, "test_loss")].concat();
    assert!(all_alike(&tested), "{tested:?}");
    // So are all epochs, unless their samples are moved anew in each.
    let (still, moved) = (losses(&still, "loss"), losses(&moved, "loss"));
    assert!(all_alike(&still) && !all_alike(&moved), "{still:?} {moved:?}");
}

#[test]
fn numbers_depend_on_the_seed_and_on_nothing_else() {
    let place = Place::new();
    for scene in ["train.ron", "sim.ron"] {
        let out = |kind: &str| format!("{scene}-{kind}");
        let first = numbers(&place.done(scene, &out("a"), &[]));
        assert!(first.len() > 10);
        for threads in ["1", "2", "3"] {
            let other = place.done(scene, &out(threads), &["--threads", threads]);
            assert_eq!(numbers(&other), first, "{scene} with {threads} threads");
            for file in ["weights.safetensors", "spikes.npz", "traces.npz"] {
                let of = |out: String| fs::read(place.path(&out).join(file)).ok();
                assert!(of(out("a")) == of(out(threads)), "{scene}: {file}, {threads} threads");
            }
        }
        let by_set = place.done(scene, &out("set"), &["--set", "simulation.seed=7"]);
        let by_seed = place.done(scene, &out("seed"), &["--seed", "7"]);
        assert_eq!(by_seed["seed"], 7);
        assert_eq!(numbers(&by_seed), numbers(&by_set), "{scene}");
        let mut other = numbers(&by_seed);
        other.insert(".seed".into(), 1.0);
        assert_ne!(other, first, "{scene}: the seed changes nothing");
    }
}

#[test]
fn simulation_writes_spikes_and_traces() {
    let place = Place::new();
    let summary = place.done("sim.ron", "run", &[]);
    assert_eq!((&summary["steps"], &summary["neurons"]), (&1000.into(), &30.into()));
    assert!(summary["real_time_factor"].as_f64().unwrap() > 0.0);
    assert!(summary["synaptic_events_per_s"].as_f64().unwrap() > 0.0);
    assert!(summary.get("training").is_none());
    let mut events = 0.0;
    for (name, size, low, high) in [("noise", 40, 88.0, 112.0), ("exc", 30, 10.0, 200.0)] {
        let entry = &summary["populations"][name];
        let rate = entry["rate_hz"].as_f64().unwrap();
        assert!((low..high).contains(&rate), "{name} fires at {rate} Hz");
        assert!((0.05..1.3).contains(&entry["cv_isi"].as_f64().unwrap()), "{name}: {entry}");
        let (_, times) = array::<f64>(&place.path("run/spikes.npz"), &format!("{name}.t_ms"));
        let (_, ids) = array::<u32>(&place.path("run/spikes.npz"), &format!("{name}.id"));
        assert_eq!(entry["spikes"], times.len());
        assert_eq!((ids.len(), rate), (times.len(), times.len() as f64 / f64::from(size) / 0.5));
        assert!(times.is_sorted() && times.iter().all(|t| (0.0..=500.0).contains(t)));
        assert!(times.iter().all(|t| (t * 2.0).fract() == 0.0), "{name}: spikes between steps");
        assert!((0..size).all(|id| ids.contains(&id)), "{name}: some never fire");
        events +=
            if name == "noise" { times.len() as f64 * 30.0 } else { times.len() as f64 * 6.0 };
    }
    assert_eq!(summary["spikes"], summary["populations"]["exc"]["spikes"]);
    let counted = summary["synaptic_events"].as_f64().unwrap();
    assert!((counted / events - 1.0).abs() < 0.1, "{counted} events, about {events} expected");

    let (shape, v) = array::<f32>(&place.path("run/traces.npz"), "exc.v");
    let (_, times) = array::<f64>(&place.path("run/traces.npz"), "t_ms");
    assert_eq!((shape, times.len(), times[0], times[499]), (vec![500, 2], 500, 1.0, 500.0));
    // A potential is that after the reset: where a spike is it is at rest, and never at the threshold.
    let (_, spikes) = array::<f64>(&place.path("run/spikes.npz"), "exc.t_ms");
    let (_, ids) = array::<u32>(&place.path("run/spikes.npz"), "exc.id");
    let spikes: Vec<_> = spikes.into_iter().zip(ids).collect();
    let mut met = 0;
    for (k, row) in v.chunks(2).enumerate() {
        for (v, id) in row.iter().zip([0, 5]) {
            assert!((-70.01..-55.0).contains(v), "{v} mV of neuron {id} at {} ms", times[k]);
            let spike = spikes.contains(&(times[k], id));
            assert!(!spike || *v == -70.0, "{v} mV after the spike at {} ms", times[k]);
            met += usize::from(spike);
        }
    }
    assert!(met > 0, "no spike meets a sample");
}

#[test]
fn a_long_simulation_counts_the_same_everywhere() {
    let place = Place::new();
    let long = ["--set", "simulation.duration=100000", "--set", "record.traces.0.every=10"];
    let summary = place.done("sim.ron", "run", &long);
    assert_eq!(summary["steps"], 200_000);
    let metrics = place.metrics("run");
    assert_eq!(metrics.last().unwrap()["t_ms"], 100_000.0);
    for name in ["noise", "exc"] {
        let entry = &summary["populations"][name];
        let (_, ids) = array::<u32>(&place.path("run/spikes.npz"), &format!("{name}.id"));
        let (_, times) = array::<f64>(&place.path("run/spikes.npz"), &format!("{name}.t_ms"));
        assert_eq!((&entry["spikes"], ids.len()), (&times.len().into(), times.len()), "{name}");
        let (mut since, mut spikes) = (0.0, 0);
        for line in &metrics {
            let told = &line["populations"][name];
            let (until, new) = (line["t_ms"].as_f64().unwrap(), told["spikes"].as_u64().unwrap());
            let rate = new as f64 / entry["size"].as_f64().unwrap() / (1e-3 * (until - since));
            assert!((told["rate_hz"].as_f64().unwrap() / rate - 1.0).abs() < 1e-9, "{line}");
            assert_eq!(new as usize, times.iter().filter(|t| **t > since && **t <= until).count());
            (since, spikes) = (until, spikes + new);
        }
        assert_eq!(entry["spikes"], spikes, "{name}");
    }
    let (shape, _) = array::<f32>(&place.path("run/traces.npz"), "exc.v");
    let (_, times) = array::<f64>(&place.path("run/traces.npz"), "t_ms");
    assert_eq!((shape, times[9_999]), (vec![10_000, 2], 100_000.0));
    assert!(!place.path("run/.recording").exists());
}

#[test]
fn subcommands_tell_without_running() {
    let place = Place::new();
    for scene in ["train.ron", "sim.ron"] {
        let run = place.done(scene, scene.trim_end_matches(".ron"), &[]);
        let said = place.refuses(&["check", "--json", scene], 0, "");
        let plan: Value = serde_json::from_str(&said.out).unwrap();
        let bytes = |json: &Value, engine: &str| json[format!("bytes_{engine}")].as_f64().unwrap();
        let (told, taken) = (bytes(&plan[0], "cpu"), bytes(&run, "device"));
        assert!((told / taken - 1.0).abs() < 0.05, "{scene}: {told} and {taken}");
        for field in ["neurons", "synapses", "dt_ms"] {
            assert_eq!(plan[0][field], run[field], "{scene}: {field}");
        }
    }
    for (args, words) in [
        (
            &["check", "train.ron", "sim.ron"][..],
            "hidden | noise->exc | synapses | neuron/iaf_tape",
        ),
        (&["devices"], "cpu: | threads"),
        (&["models"], "Lif | Poisson | Kaiming | tau_m | ms"),
        (&["--help"], "--scene | --resume | Examples | Exit codes"),
        (&["check", "--help"], "--json"),
        (&["report", "--help"], "side by side"),
        (&["new", "--help"], "--from"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
    ] {
        let said = place.refuses(args, 0, "");
        for word in words.split(" | ") {
            assert!(said.out.contains(word), "{args:?}: `{word}` is not in\n{}", said.out);
        }
        // Nobody reads: still no panic.
        let mut child = place.command(args).spawn().unwrap();
        drop(child.stdout.take());
        ended(child).expect(0, "");
    }
    let bad = place.refuses(&["check", "train.ron", "none.ron"], 2, "none.ron | no such file");
    assert!(bad.out.contains("train.ron: 23 neurons"));
}

/// The numbers of a run's lines, and of its table.
#[track_caller]
fn assert_table(place: &Place, out: &str, lines: usize) {
    let text = String::from_utf8(place.read(&format!("{out}/metrics.csv"))).unwrap();
    let mut rows = text.lines().map(|row| row.split(',').collect::<Vec<_>>());
    let columns = rows.next().unwrap();
    let (rows, told) = (rows.collect::<Vec<_>>(), place.metrics(out));
    assert_eq!((rows.len(), told.len()), (lines, lines), "{text}");
    for (row, line) in rows.iter().zip(&told) {
        assert_eq!(row.len(), columns.len(), "{text}");
        for (cell, column) in row.iter().zip(&columns) {
            let inner = |value: Option<Value>, key: &str| match value? {
                Value::Array(list) => list.get(key.parse::<usize>().ok()?).cloned(),
                value => value.get(key).cloned(),
            };
            let value = column.split('.').fold(Some(line.clone()), inner);
            assert_eq!(value.map(|v| v.to_string()).as_deref(), Some(*cell), "{column}");
        }
    }
    // Nothing is left out.
    fn leaves(value: &Value) -> usize {
        match value {
            Value::Object(map) => map.values().map(leaves).sum(),
            Value::Array(list) => list.iter().map(leaves).sum(),
            _ => 1,
        }
    }
    assert_eq!(told.iter().map(leaves).collect::<Vec<_>>(), vec![columns.len(); lines]);
}

#[test]
fn the_table_says_what_the_lines_say() {
    let place = Place::new();
    place.done("train.ron", "train", &[]);
    place.done("sim.ron", "sim", &[]);
    assert_table(&place, "train", 4);
    assert_table(&place, "sim", 1);
    for (out, longer) in [("train", "training.epochs=6"), ("sim", "simulation.duration=900")] {
        place.call(&arguments(&["--resume", out, "--set", longer], &[])).expect(0, "");
    }
    assert_table(&place, "train", 6);
    assert_table(&place, "sim", 2);
    let header = String::from_utf8(place.read("sim/metrics.csv")).unwrap();
    assert!(header.starts_with("t_ms,wall_s,populations.exc.rate_hz,"), "{header}");
}

#[test]
fn a_scene_needs_no_option() {
    let place = Place::new();
    let long = place.done("train.ron", "long", &[]);
    place.call(&arguments(&["train.ron", "--out", "short"], &[])).expect(0, "");
    assert_eq!(numbers(&place.summary("short")), numbers(&long));
    place.refuses(&["trian.ron"], 2, "trian.ron | no such file | train.ron");
    place.refuses(&["devcies"], 2, "devcies | no command | FILE.ron");
    place.refuses(&["train.ron", "--scene", "sim.ron"], 2, "--scene");
}

#[test]
fn a_report_can_be_left_out() {
    let place = Place::new();
    for scene in ["train.ron", "sim.ron"] {
        let [out, bare] = ["with", "without"].map(|how| format!("{scene}-{how}"));
        let whole = place.done(scene, &out, &[]);
        assert_eq!(numbers(&place.done(scene, &bare, &["--no-report"])), numbers(&whole));
        let names = |out: &str| -> Vec<String> {
            let files = place.files(out).into_keys();
            let names =
                files.map(|p| p.strip_prefix(place.path(out)).unwrap().display().to_string());
            // Checkpoints are numbered by updates.
            names.filter(|name| !name.starts_with("checkpoints")).collect()
        };
        let mut left = names(&out);
        assert!(left.iter().any(|name| name == "report.html"), "{left:?}");
        left.retain(|name| name != "report.html" && !name.starts_with("figures"));
        assert_eq!(names(&bare), left);
        // Nor does one stay that is of a shorter run.
        let longer = match scene {
            "train.ron" => "training.epochs=5",
            _ => "simulation.duration=600",
        };
        let resume = arguments(&["--resume", &out], &["--set", longer, "--no-report"]);
        place.call(&resume).expect(0, "");
        assert_eq!(names(&out), left);
    }
}

// ---- Sweeps ----

/// The rows of a sweep's table by the heads of its columns; none of the cells of these tests has a comma.
fn rows(place: &Place, out: &str) -> Vec<BTreeMap<String, String>> {
    let text = String::from_utf8(place.read(&format!("{out}/sweep.csv"))).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let heads = lines.next().unwrap();
    lines
        .map(|cells| {
            assert_eq!(cells.len(), heads.len(), "{text}");
            heads.iter().cloned().zip(cells).collect()
        })
        .collect()
}

/// The same without what measures time.
fn untimed(place: &Place, out: &str) -> Vec<BTreeMap<String, String>> {
    let mut rows = rows(place, out);
    let timed = ["build_s", "wall_s", "real_time_factor", "_per_s"];
    rows.iter_mut().for_each(|row| row.retain(|head, _| !timed.iter().any(|t| head.ends_with(t))));
    rows
}

/// What a large table was parsed to is taken by the next run, unless it is damaged.
#[test]
fn what_is_parsed_is_kept() {
    let place = Place::new();
    let names: Vec<String> = (0..36).map(|k| format!("x{k}")).collect();
    let table = |rows: usize| {
        let mut text = format!("{},class\n", names.join(","));
        for i in 0..rows {
            let cell = |k: usize| format!("0.{:05},", (7919 * i + 31 * k) % 100_000);
            text += &(0..36).map(cell).collect::<String>();
            text += &format!("{}\n", i % 3);
        }
        text
    };
    fs::write(place.path("train.csv"), table(4000)).unwrap();
    fs::write(place.path("t10k.csv"), table(20)).unwrap();
    let data = r#"Csv(train: "train.csv", test: "t10k.csv")"#;
    let scene = edit(TRAINING, r#"Mnist(dir: "data")"#, data);
    fs::write(place.path("own.ron"), scene.replace("epochs: 4", "epochs: 1, limit: 24")).unwrap();
    let first = place.done("own.ron", "first", &[]);
    let kept = || {
        let files = fs::read_dir(place.path("cache")).unwrap().map(|entry| entry.unwrap().path());
        let [path] = files.collect::<Vec<_>>().try_into().expect("the small table is not kept");
        (fs::read(&path).unwrap(), path)
    };
    let (content, path) = kept();
    let again = place.run("own.ron", "second", &[]);
    assert!(!again.expect(0, "").err.contains("damaged"), "{}", again.err);
    assert_eq!(numbers(&place.summary("second")), numbers(&first));
    // A level where another was.
    let mut damaged = content.clone();
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(&path, damaged).unwrap();
    place.run("own.ron", "third", &[]).expect(0, "it is damaged; it is made anew");
    assert_eq!(numbers(&place.summary("third")), numbers(&first));
    assert!(kept() == (content.clone(), path.clone()));
    // Another range is another result, and fails as it would without what is kept.
    let more = ["--set", "training.data.range=(high: 0.5)"];
    place.refuses_run("own.ron", &more, 3, "train.csv: line | is not from 0 to 0.5");
    fs::remove_dir_all(place.path("cache")).unwrap();
    let mut none = place.command(&arguments(&["--scene", "own.ron", "--out", "fourth"], &[]));
    ended(none.env("NEURALEARN_CACHE", "").spawn().unwrap()).expect(0, "");
    assert!(!place.path("cache").exists());
}

const WEIGHT: &str = "projections.noise->exc.weight";

#[test]
fn every_combination_is_a_run() {
    let place = Place::new();
    let sweep = format!("{WEIGHT}=50..60:10");
    let common = ["--set", "simulation.duration=200"];
    let args =
        ["sim.ron", "--out", "sweep", "--engine", "cpu", "--sweep", &sweep, "--seeds", "1,2"];
    let said = place.call(&[&args[..], &common].concat());
    said.expect(0, "");
    for words in [format!("run 3 of 4: {WEIGHT}=60, simulation.seed=1\n"), " ± ".into()] {
        assert!(said.out.contains(&words), "`{words}` is not in\n{}", said.out);
    }
    let text = String::from_utf8(place.read("sweep/sweep.csv")).unwrap();
    assert!(text.starts_with(&format!("run,{WEIGHT},simulation.seed,")), "{text}");
    let rows = rows(&place, "sweep");
    let chosen = |row: &BTreeMap<String, String>| {
        ["run", WEIGHT, "simulation.seed"].map(|head| row[head].clone())
    };
    let chosen: Vec<_> = rows.iter().map(chosen).collect();
    let all = [["1", "50", "1"], ["2", "50", "2"], ["3", "60", "1"], ["4", "60", "2"]];
    assert_eq!(chosen, all);
    for row in &rows {
        let summary = place.summary(&format!("sweep/{}", row["run"]));
        for (path, number) in numbers(&summary) {
            assert_eq!(row[&path[1..]].parse(), Ok(number), "{path} of run {}", row["run"]);
        }
        assert!(row.contains_key("wall_s"));
        let own = [
            format!("{WEIGHT}={}", row[WEIGHT]),
            format!("simulation.seed={}", row["simulation.seed"]),
        ];
        assert!(summary["overrides"].as_array().unwrap().ends_with(&own.map(Value::from)));
    }
    // What the terminal tells is the rate of the first population by name, over both seeds.
    let rate = |k: usize| rows[k]["populations.exc.rate_hz"].parse::<f64>().unwrap();
    let mean = (rate(0) + rate(1)) / 2.0;
    let sd = ((rate(0) - mean).powi(2) * 2.0).sqrt();
    let told = format!("{WEIGHT}=50  {mean:.4} ± {sd:.4} (2 seeds)");
    assert!(said.out.contains(&told), "`{told}` is not in\n{}", said.out);
    // Each is what it would be alone.
    let weight = format!("{WEIGHT}=60");
    let alone = place.done("sim.ron", "alone", &[&common[..], &["--set", &weight]].concat());
    assert_eq!(numbers(&alone), numbers(&place.summary("sweep/3")));
    assert!(place.read("sweep/3/spikes.npz") == place.read("alone/spikes.npz"));
    assert!(place.read("sweep/figures/sweep.png").starts_with(b"\x89PNG"));
    let page = String::from_utf8(place.read("sweep/report.html")).unwrap();
    assert!(page.contains("href=\"3/report.html\""));
    // A second sweep takes its place if it may.
    let other = ["sim.ron", "--out", "sweep", "--sweep", "simulation.duration=100,150"];
    place.refuses(&arguments(&other, &[]), 5, "not empty | --overwrite");
    place.call(&arguments(&other, &["--overwrite", "--no-report"])).expect(0, "");
    assert_eq!(untimed(&place, "sweep").len(), 2);
    assert!(!place.path("sweep/report.html").exists() && !place.path("sweep/figures").exists());
}

#[test]
fn a_sweep_goes_on_where_it_was_broken_off_and_is_shared_by_shards() {
    let place = Place::new();
    let sweep = ["--sweep", "simulation.duration=100..300:100", "--no-report"];
    place.run("sim.ron", "whole", &sweep).expect(0, "");
    let whole = untimed(&place, "whole");
    assert_eq!(whole.len(), 3);
    // One run before its summary was written, one before it began.
    fs::remove_file(place.path("whole/2/summary.json")).unwrap();
    fs::remove_dir_all(place.path("whole/3")).unwrap();
    let first = place.files("whole/1");
    let said = place.call(&["--resume", "whole", "--engine", "cpu", "--no-report"]);
    said.expect(0, "");
    let is = "run 1 of 3: simulation.duration=100, which is finished";
    assert!(said.out.contains(is) && said.out.contains("going on after"), "{}", said.out);
    assert_eq!(untimed(&place, "whole"), whole);
    assert!(place.files("whole/1") == first);
    let change = ["--resume", "whole", "--set", "simulation.dt=0.1"];
    place.refuses(&change, 2, "is a sweep, which goes on as it began | --set");

    let shard = |number: &str| {
        place.run("sim.ron", "shared", &[&sweep[..], &["--shard", number]].concat()).expect(0, "");
    };
    shard("2/2");
    assert_eq!(untimed(&place, "shared"), whole[1..2]);
    shard("1/2");
    assert_eq!(untimed(&place, "shared"), whole);
    // The same command goes on with what there is: nothing.
    let files = place.files("shared");
    shard("1/2");
    assert!(place.files("shared") == files);
    let other = ["sim.ron", "--out", "shared", "--seeds", "1..3", "--shard", "1/2"];
    place.refuses(&other, 2, "of another sweep");
    place.done("sim.ron", "run", &[]);
    place.refuses(&["sim.ron", "--out", "run", "--seeds", "1..3", "--shard", "1/2"], 5, "no sweep");

    fs::write(place.path("sim.ron"), edit(SIMULATION, "weight: 60", "weight: 61")).unwrap();
    fs::remove_file(place.path("whole/3/summary.json")).unwrap();
    place.refuses(&["--resume", "whole"], 2, "sim.ron is no longer as it was");
}

#[test]
fn bad_sweeps() {
    let place = Place::new();
    for (more, words) in [
        (&["--sweep", "training.epohcs=1,2"][..], "`epohcs` | `epochs`"),
        (&["--sweep", "training.epochs=1,0"], "training.epochs | at least 1"),
        (&["--sweep", "training.epochs"], "PATH=FROM..TO:STEP"),
        (&["--sweep", "training.epochs=3..1"], "3..1"),
        (&["--sweep", "training.epochs=1,2", "--set", "training.epochs=2"], "training.epochs"),
        (&["--seeds", "1..3", "--seed", "2"], "--seed"),
        (&["--seeds", "one"], "`one` is no seed"),
        (&["--seeds", "1..200", "--sweep", "training.batch=1..200"], "10000 combinations"),
        (&["--seeds", "1..3", "--shard", "4/3"], "4/3"),
        (&["--shard", "1/3"], "--sweep or --seeds"),
    ] {
        place.refuses_run("train.ron", more, 2, words);
    }
    place.refuses(&["train.ron", "--seeds", "1..3", "--shard", "1/3"], 2, "--out");
    // What diverges is told, and does not keep the others from being done.
    let sweep = "training.optimizer.lr=1e38,0.02";
    let said = place.run("train.ron", "run", &["--sweep", sweep, "--no-report"]);
    said.expect(6, "run 1 | diverged | the sweep goes on");
    let row = &rows(&place, "run")[0];
    assert_eq!((row["run"].as_str(), row["training.optimizer.lr"].as_str()), ("2", "0.02"));
    assert!(row["training.test_accuracy"].parse::<f64>().unwrap() > 0.9);
    assert!(!row.keys().any(|head| head.contains("epochs") || head.contains("confusion")));
}

// ---- Scenes to start from, reports again, events ----

#[test]
fn a_new_scene_runs_as_it_stands() {
    let place = Place::new();
    let said = place.call(&["new", "first"]);
    said.expect(0, "");
    assert!(said.out.contains("neuralearn first.ron"), "{}", said.out);
    let summary = place.done("first.ron", "first", &[]);
    for name in ["exc", "inh"] {
        let rate = summary["populations"][name]["rate_hz"].as_f64().unwrap();
        assert!((1.0..100.0).contains(&rate), "{name} fires at {rate} Hz");
    }
    let warnings = place.call(&["check", "first.ron"]);
    assert!(warnings.err.is_empty(), "{}", warnings.err);
    place.refuses(&["new", "first.ron"], 5, "first.ron | there already");
    place.refuses(&["new", "x", "--from", "trian.ron"], 2, "no such file | train.ron");
    fs::create_dir(place.path("deep")).unwrap();
    place.call(&["new", "deep/copy", "--from", "train.ron"]).expect(0, "");
    let copy = String::from_utf8(place.read("deep/copy.ron")).unwrap();
    assert_eq!(copy, TRAINING.replace("\"data\"", "\"../data\""));
    let copied = place.done("deep/copy.ron", "copied", &["--no-report"]);
    assert_eq!(numbers(&copied), numbers(&place.done("train.ron", "train", &["--no-report"])));
}

#[test]
fn reports_are_drawn_again_and_side_by_side() {
    let place = Place::new();
    place.done("train.ron", "a", &[]);
    place.done("train.ron", "b", &["--set", "training.optimizer.lr=0.01"]);
    let page = |out: &str| String::from_utf8(place.read(&format!("{out}/report.html"))).unwrap();
    let before = page("a");
    fs::remove_file(place.path("a/report.html")).unwrap();
    place.call(&["report", "a"]).expect(0, "");
    let again = page("a");
    // As many figures, and the same table of numbers.
    let table =
        |page: &str| page[page.find("<table>").unwrap()..page.find("</table>").unwrap()].to_owned();
    assert_eq!(table(&again), table(&before));
    assert_eq!(again.matches("<img").count(), before.matches("<img").count());
    place.call(&["report", "a", "b"]).expect(0, "");
    let both = page("report-1");
    for words in
        ["href=\"../a/report.html\"", "href=\"../b/report.html\"", "training.test_loss", "0.02"]
    {
        assert!(both.contains(words), "{words}");
    }
    assert!(place.path("report-1/figures/curves.png").is_file());
    // What is alike is left out.
    assert!(!both.contains("training.parameters"), "{both:.3000}");
    place.refuses(&["report", "a", "b", "-o", "a"], 2, "a is not empty");
    place.refuses(&["report", "a", "data"], 2, "data is not the folder of a finished run");
}

/// CRC-32C as it is defined, by a division of polynomials, the bits of each byte turned round.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut rest = !0u32;
    for bit in bytes.iter().flat_map(|byte| (0..8).map(move |k| u32::from(byte >> k) & 1)) {
        let carry = (rest >> 31) ^ bit;
        rest = (rest << 1) ^ if carry == 1 { 0x1edc_6f41 } else { 0 };
    }
    !rest.reverse_bits()
}

/// The fields of a protobuf message: number, and bytes or the value of a varint.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>, u64)> {
    let varint = |bytes: &mut &[u8]| {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            number |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return number;
            }
        }
    };
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let (length, value) = match key & 7 {
            0 => (0, varint(&mut bytes)),
            1 => (8, 0),
            2 => (varint(&mut bytes) as usize, 0),
            5 => (4, 0),
            other => panic!("wire type {other}"),
        };
        found.push((key >> 3, bytes[..length].to_vec(), value));
        bytes = &bytes[length..];
    }
    found
}

/// Steps and numbers of the events of a run.
fn events(place: &Place, out: &str) -> Vec<(u64, BTreeMap<String, f32>)> {
    let bytes = place.read(&format!("{out}/events.out.tfevents.0.neuralearn"));
    let (mut rest, mut found, mut last) = (&bytes[..], Vec::new(), 0.0);
    let masked = |bytes: &[u8]| {
        let crc = crc32c(bytes);
        crc.rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
    };
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        assert_eq!(rest[8..12], masked(&rest[..8]));
        let data = &rest[12..12 + length];
        assert_eq!(rest[12 + length..16 + length], masked(data));
        rest = &rest[16 + length..];
        let of = |number: u64| fields(data).into_iter().find(|field| field.0 == number);
        let time = f64::from_le_bytes(of(1).unwrap().1.try_into().unwrap());
        assert!(time >= last && time > 1.6e9, "{time} after {last}");
        last = time;
        if let Some((_, version, _)) = of(3) {
            assert_eq!(version, b"brain.Event:2");
            assert!(found.is_empty());
            continue;
        }
        let values = fields(&of(5).unwrap().1).into_iter().map(|(_, value, _)| {
            let [tag, number] = &fields(&value)[..] else { panic!("a tag and a number") };
            let number = f32::from_le_bytes(number.1[..].try_into().unwrap());
            (String::from_utf8(tag.1.clone()).unwrap(), number)
        });
        found.push((of(2).unwrap().2, values.collect()));
    }
    found
}

#[test]
fn events_say_what_the_lines_say() {
    assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    let place = Place::new();
    let bytes = || place.read("train/events.out.tfevents.0.neuralearn");
    let check = |epochs: usize| {
        let (events, lines) = (events(&place, "train"), place.metrics("train"));
        assert_eq!((events.len(), lines.len()), (epochs, epochs));
        for ((step, numbers), line) in events.iter().zip(&lines) {
            assert_eq!(Some(*step), line["epoch"].as_u64());
            for name in ["loss", "test_accuracy", "train_samples_per_s"] {
                assert_eq!(numbers[name], line[name].as_f64().unwrap() as f32, "{name}");
            }
            assert_eq!(numbers["test_spikes.1"], line["test_spikes"][1].as_f64().unwrap() as f32);
            assert!(!numbers.contains_key("epoch"));
        }
    };
    place.done("train.ron", "train", &["--tensorboard", "--no-report"]);
    check(4);
    // A run that goes on keeps what it has told, with its times.
    let first = bytes();
    let longer = ["--resume", "train", "--set", "training.epochs=6"];
    place.call(&arguments(&longer, &["--no-report"])).expect(0, "");
    check(6);
    assert!(bytes().starts_with(&first));
    place.done("sim.ron", "sim", &["--tensorboard", "--no-report"]);
    let [(500, numbers)] = &events(&place, "sim")[..] else { panic!("one line") };
    let rate = place.summary("sim")["populations"]["exc"]["rate_hz"].as_f64().unwrap();
    assert!((f64::from(numbers["populations.exc.rate_hz"]) - rate).abs() < 1e-3 * rate);
    place.done("sim.ron", "plain", &["--no-report"]);
    assert!(!place.path("plain/events.out.tfevents.0.neuralearn").exists());
}

// ---- Mistakes ----

#[test]
fn bad_command_lines() {
    let place = Place::new();
    for (args, words) in [
        (&["--scnee", "train.ron"][..], "--scnee | --scene"),
        (&[], "give a scene"),
        (&["--scene", "train.ron", "--threads", "0"], "--threads"),
        (&["--scene", "train.ron", "--seed", "-1"], "-1"),
        (&["--scene", "train.ron", "--engine", "tpu"], "tpu | software"),
        (&["--scene", "train.ron", "--set", "training.epochs"], "--set"),
        (&["--scene", "train.ron", "--set", "training.epohcs=1"], "`epohcs` | `epochs`"),
        (&["--scene", "train.ron", "--set", "training.epochs=0"], "training.epochs | at least 1"),
        (&["--scene", "train.ron", "--engine", "cpu", "--adapter", "x"], "--adapter"),
        (&["--resume", "data", "--out", "run"], "--resume | --out"),
        (&["--resume", "nowhere"], "nowhere"),
        (&["check"], "SCENE"),
    ] {
        place.refuses(args, 2, words);
    }
}

#[test]
fn bad_scenes_are_shown_where_they_are_wrong() {
    let place = Place::new();
    for (from, to, at, words) in [
        ("tau_m: 20, tau_syn: 5, t", "tau_n: 20, t", "tau_n", "no field `tau_n` | `tau_m`"),
        ("\"hidden\": (", "\"pixels\": (", "(size: 20", "two entries | `pixels`"),
        ("t_ref: 2", "t_ref: NaN", "NaN", "finite"),
        ("t_ref: 2", "e_l: -inf", "-inf", "finite"),
        ("t_ref: 2", "v_th: 1e40", "1e40", "1e40 | finite"),
        ("5, t_ref: 2", "0", "0)", "tau_syn | 0 ms | strictly positive"),
        ("5, t_ref: 2", "-3", "-3", "tau_syn | -3 ms | strictly positive"),
        ("t_ref: 2", "v_reset: -40", "-40", "-40 mV | not below | -55 mV | raise `v_th`"),
        ("from: \"hidden\"", "from: \"hiden\"", "\"hiden\"", "`hiden` | did you mean `hidden`?"),
        ("size: 20", "size: 0", "0, model: Lif", "populations.hidden.size | at least one neuron"),
        ("gain: 1.0)", "gain: 1), delay: 0", "0)", "projections.1.delay | below one step"),
        ("\"10 ms\"", "\"10 mV\"", "\"10 mV\"", "`10 mV` is a potential | time"),
        ("Adam(", "Adma(", "Adma", "no choice `Adma` | `Adam`"),
        ("lr: 0.02", "lr: -1", "-1", "training.optimizer.lr | strictly positive"),
        ("epochs: 4", "epochs: 4.5", "4.5", "whole number"),
    ] {
        let text = edit(TRAINING, from, to);
        fs::write(place.path("bad.ron"), &text).unwrap();
        let said = place.refuses_run("bad.ron", &[], 2, words);
        let before = &text[..text.find(at).unwrap()];
        let line = before.matches('\n').count();
        let column = before.len() - before.rfind('\n').unwrap();
        let spot = format!("bad.ron:{}:{column}", line + 1);
        assert!(said.err.contains(&spot), "{to}: `{spot}` is not in:\n{}", said.err);
        assert!(said.err.contains(text.lines().nth(line).unwrap().trim()), "{}", said.err);
        place.refuses(&["check", "bad.ron"], 2, words);
    }
    let text = edit(&edit(TRAINING, "size: 20", "size: 0"), "lr: 0.02", "lr: -1");
    fs::write(place.path("bad.ron"), text).unwrap();
    let both = "bad.ron:6: | at least one neuron | bad.ron:19: | training.optimizer.lr";
    place.refuses_run("bad.ron", &[], 2, both);
}

/// The words of a simulation: what is said of each mistake, and where.
#[test]
fn bad_simulations() {
    let place = Place::new();
    let with = |key: &str, value: &str| format!("    {key}: [{value}],\n    record");
    let stimulus = |text: &str| with("stimuli", text);
    for (from, to, words) in [
        // Receptors.
        ("weight: 60", "weight: 60, receptor: \"exc\"", "`exc` has no receptor `exc` | mean `ex`?"),
        ("weight: 60", "weight: 60, receptor: \"nmda\"", "`exc` has no receptor `nmda` | has ex"),
        ("Lif()", "Lif(receptors: {\"a\": Amap()})", "no choice `Amap` | `Ampa`"),
        ("Lif()", "Lif(receptors: {\"a\": Exp(tua: 2)})", "no field `tua` | `tau`"),
        ("Lif()", "Lif(receptors: {\"a\": Exp(tau: 0)})", "receptors.a.tau | strictly positive"),
        ("Lif()", "Lif(receptors: {\"n\": Nmda(mg: -1)})", "receptors.n.mg | -1 mM is negative"),
        ("Lif()", "Lif(receptors: {\"a\": Ampa(), \"a\": Ampa()})", "two entries | `a`"),
        ("Lif()", "Lif(e_ex: 0, receptors: {\"a\": Ampa()})", "both given, keep one"),
        ("Lif()", "Adex(v_peak: -70)", "v_reset | -60 mV, is not below | -70 mV"),
        ("Lif()", "Adex(tau_w: 0)", "tau_w | 0 ms is not strictly positive"),
        // Sources.
        ("Poisson(rate: 100)", "Spikes(times: [[1, 3, 2]])", "times.0.2 | 2 ms comes after 3 ms"),
        ("Poisson(rate: 100)", "Spikes(times: [[], [-1, 2]])", "times.1.0 | -1 ms | positive"),
        ("Poisson(rate: 100)", "Spikes(times: [[2, 2]])", "times.0.1 | 2 ms comes after 2 ms"),
        ("Poisson(rate: 100)", "Spikes(times: [[NaN]])", "NaN"),
        (
            "Poisson(rate: 100)",
            "Poisson(rate: 3000)",
            "3000 Hz are 1.5 spikes per step | at most 1",
        ),
        ("Poisson(rate: 100)", "Poisson(rate: -1)", "rate | -1 Hz is negative"),
        // Stimuli.
        (
            "record",
            &stimulus("(to: \"noise\", input: Poisson(rate: 10, weight: 1))"),
            "stimuli.0.to | `noise` is a source, which takes no input",
        ),
        (
            "record",
            &stimulus("(to: \"ecx\", input: Poisson(rate: 10, weight: 1))"),
            "stimuli.0.to | no population `ecx` | did you mean `exc`?",
        ),
        (
            "record",
            &stimulus("(to: \"exc\", input: Poisson(rate: 10, weight: 1, receptor: \"in\"))"),
            "stimuli.0.input.receptor | `exc` has no receptor `in` | ex",
        ),
        (
            "record",
            &stimulus("(to: \"exc\", input: Step(amplitude: 1, start: 9, stop: 8))"),
            "stimuli.0.input.stop | stops at 8 ms, before it starts",
        ),
        (
            "record",
            &stimulus("(to: \"exc\", input: Noise(std: 1, start: -2))"),
            "stimuli.0.input.start | -2 ms is negative",
        ),
        (
            "record",
            &stimulus("(to: \"exc\", input: Noise(std: -1, tau: 0))"),
            "input.std | -1 pA is negative | input.tau | 0 ms is not strictly positive",
        ),
        // What is recorded.
        (
            "every: 1",
            "variables: [\"g\"]",
            "record.traces | `exc` have no variable `g` | v, | i_ex",
        ),
        ("ids: [0, 5]", "ids: [30]", "no neuron 30 among 30"),
        // Connections and space.
        ("p: 0.2", "p: 1.5", "projections.1.connect.p | 1.5 is not from 0 to 1"),
        ("p: 0.2", "p: -0.1", "projections.1.connect.p | -0.1 is not from 0 to 1"),
        (
            "FixedProbability(p: 0.2)",
            "FixedInDegree(k: 31, multapses: false)",
            "each target draws 31 sources of the 30 | allow `multapses`",
        ),
        (
            "FixedProbability(p: 0.2)",
            "FixedInDegree(k: 30, multapses: false, autapses: false)",
            "draws 30 sources of the 29 | `autapses`",
        ),
        (
            "size: 30,",
            "size: 30, positions: Grid(shape: [5, 7], spacing: 10),",
            "positions.shape | 35 points | 30 neurons",
        ),
        (
            "FixedProbability(p: 0.2)",
            "OneToOne, name: \"noise->exc\"",
            "two projections | a `name`",
        ),
        ("weight: 60", "weight: Kaiming()", "`Kaiming` | no `training` | unit of the receptor"),
    ] {
        fs::write(place.path("bad.ron"), edit(SIMULATION, from, to)).unwrap();
        let said = place.refuses_run("bad.ron", &[], 2, words);
        // Places in the file: all but what only the network knows.
        assert!(to.contains("variables") || said.err.contains("bad.ron:"), "{to}:\n{}", said.err);
        place.refuses(&["check", "bad.ron"], 2, words);
    }
}

/// Models and receptors that gradients do not know.
#[test]
fn bad_trainings() {
    let place = Place::new();
    let lif = "Lif(tau_m: 20, tau_syn: 5, t_ref: 2)";
    for (to, words) in [
        ("Adex()", "has `ex` and `in` | receptor: \"ex\""),
        ("Izhikevich(receptors: {})", "has no receptors"),
        ("Lif(receptors: {\"a\": Ampa()})", "Kaiming | both signs | conductance"),
        ("Regular(start: 1, interval: 5)", "projections.0.to | takes no input"),
    ] {
        fs::write(place.path("bad.ron"), edit(TRAINING, lif, to)).unwrap();
        place.refuses_run("bad.ron", &[], 2, words);
    }
    for (over, words) in [
        ("Window(from: 5, to: 2)", "training.loss.over | from 5 ms to 2 ms"),
        ("Window(from: 0, to: 1000)", "training.loss.over | which end at"),
    ] {
        let text = edit(TRAINING, "over: Mean", &format!("over: {over}"));
        fs::write(place.path("bad.ron"), text).unwrap();
        place.refuses_run("bad.ron", &[], 2, words);
    }
    // What the scene asks of its data, and they do not have.
    for (path, value, words) in [
        ("data.classes", "[0, 7]", "no sample of class 7 | classes 0, 1, 2"),
        ("data.per_class", "15", "class 0 has 14"),
        ("data.augment", "Shift(6)", "6 x 6 pixels | at most 5"),
        ("validation", "42", "sets 42 of 42"),
        ("validation", "0.01", "sets 0 of 42"),
    ] {
        let set = format!("training.{path}={value}");
        let words = format!("training.{path} | {words}");
        place.refuses_run("train.ron", &["--set", &set], 2, &words);
    }
    let stimuli = "    stimuli: [(to: \"hidden\", input: Noise(std: 1))],\n    training";
    fs::write(place.path("noisy.ron"), edit(TRAINING, "    training", stimuli)).unwrap();
    place.done("noisy.ron", "noisy", &["--set", "training.epochs=1"]);
}

/// Spikes of one run as the input of another: the same input has the same effect.
#[test]
fn recorded_spikes_can_be_given_again() {
    let place = Place::new();
    place.done("sim.ron", "first", &[]);
    let given = "Spikes(file: \"first/spikes.npz\")";
    fs::write(place.path("again.ron"), edit(SIMULATION, "Poisson(rate: 100)", given)).unwrap();
    place.done("again.ron", "again", &[]);
    for file in ["spikes.npz", "traces.npz"] {
        let same = place.read(&format!("first/{file}")) == place.read(&format!("again/{file}"));
        assert!(same, "{file} is another");
    }
    for (given, words) in [
        ("Spikes(file: \"none.npz\")", "none.npz"),
        ("Spikes(file: \"first/spikes.npz\", population: \"inh\")", "spikes.npz | `inh.t_ms`"),
    ] {
        fs::write(place.path("bad.ron"), edit(SIMULATION, "Poisson(rate: 100)", given)).unwrap();
        place.refuses_run("bad.ron", &[], 3, words);
    }
    // More sources in the file than there are.
    let text = edit(SIMULATION, "Poisson(rate: 100)", given);
    fs::write(place.path("bad.ron"), edit(&text, "size: 40", "size: 3")).unwrap();
    let words = "populations.noise.model.file | spikes.npz | has neuron | there are 3 such";
    place.refuses_run("bad.ron", &[], 3, words);
}

#[test]
fn files_that_are_no_scenes() {
    let place = Place::new();
    fs::create_dir(place.path("folder.ron")).unwrap();
    place.refuses_run("trian.ron", &[], 2, "trian.ron | no such file | did you mean | train.ron");
    place.refuses_run("folder.ron", &[], 2, "folder.ron | directory");
    let nested = "[".repeat(1_000_000);
    let deep = format!("(version: {}", "(".repeat(1_000_000));
    for (content, words) in [
        (&b""[..], "there is nothing in it"),
        (b" \n\n", "bad.ron: | there is nothing"),
        (b"\x7fELF\x02\x01\x00\x00\xff\xfe", "text"),
        (b"\xff\xfe(\x00", "UTF-8"),
        (b"(version: 1", "bad.ron:1:"),
        (b"(version: 1) x", "bad.ron:1:"),
        (nested.as_bytes(), "bad.ron:1:"),
        (deep.as_bytes(), "bad.ron:1:"),
    ] {
        fs::write(place.path("bad.ron"), content).unwrap();
        place.refuses_run("bad.ron", &[], 2, words);
    }
}

#[test]
fn bad_data() {
    let (images, labels) = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte");
    let good = idx(&[42, 6, 6], &[9; 42 * 36]);
    let mut wrong_magic = good.clone();
    wrong_magic[2] = 0x0d;
    let zeros = gzip(&vec![0; 1 << 24]);
    let bomb = [gzip(&good), zeros.repeat(65)].concat();
    for (file, content, words) in [
        (images, vec![], "train-images | ends after 0"),
        (images, wrong_magic, "train-images | magic number"),
        (images, idx(&[42], &[0; 42]), "train-images | magic number | swapped"),
        (images, good[..1000].to_vec(), "train-images | 1512 bytes | 984"),
        (images, [&good[..], &[0; 9]].concat(), "train-images | 1512 bytes | 1521"),
        (images, gzip(&good)[..40].to_vec(), "train-images | gzip | incomplete"),
        (images, idx(&[u32::MAX, 6, 6], &[0; 99]), "train-images | limit of 1073741824 bytes"),
        (images, idx(&[u32::MAX; 3], &[0; 99]), "train-images | limit of 1073741824 bytes"),
        (images, bomb, "train-images | limit of 1073741824 bytes"),
        (images, idx(&[0, 6, 6], &[]), "train-images | 0"),
        (images, idx(&[42, 3, 12], &[9; 42 * 36]), "[3, 12] | [6, 6]"),
        (labels, idx(&[41], &[0; 41]), "42 images | 41 labels"),
        (labels, idx(&[42], &[&[0; 30][..], &[3; 12]].concat()), "sample 30 | label 3 | 3 outputs"),
    ] {
        let place = Place::new();
        place.data(file, &content);
        place.refuses_run("train.ron", &[], 3, words);
    }
    let place = Place::new();
    let none = "training.data.dir=\"nowhere\"";
    place.refuses_run("train.ron", &["--set", none], 3, "nowhere | no file");
    fs::remove_file(place.path("data").join("t10k-labels-idx1-ubyte")).unwrap();
    place.refuses_run("train.ron", &[], 3, "data has no file t10k-labels-idx1-ubyte");

    // The scene is what has to change here.
    let place = Place::new();
    let pixels = "36 pixels | 35 sources | set its size to 36";
    place.refuses_run("train.ron", &["--set", "populations.pixels.size=35"], 2, pixels);
}

/// A `.npy` file of one dimension.
fn npy(kind: &str, data: &[u8], count: usize) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({count},), }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
}

/// Whatever has a path may stand where a file should, and whatever it is, nobody waits for it.
#[test]
#[cfg(target_os = "linux")]
fn only_files_are_read() {
    let place = Place::new();
    let made =
        Command::new("mkfifo").args(["pipe.ron", "pipe"]).current_dir(place.path(".")).status();
    assert!(made.unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", place.path("endless")).unwrap();
    let (pipe, device) = ("a named pipe, and a regular file is needed", "a device");
    place.refuses(&["check", "pipe.ron"], 2, pipe);
    place.refuses(&["check", "endless"], 2, device);
    for (from, to) in [
        ("weight: 60", "weight: File(\"FILE\")"),
        ("Lif()", "Lif(i_e: File(\"FILE\"))"),
        ("FixedProbability(p: 0.2)", "List(\"FILE\")"),
        ("Poisson(rate: 100)", "Spikes(file: \"FILE\")"),
    ] {
        for (file, words) in [("pipe", pipe), ("endless", device), ("data", "a directory")] {
            let text = edit(SIMULATION, from, &to.replace("FILE", file));
            fs::write(place.path("bad.ron"), text).unwrap();
            place.refuses(&["check", "bad.ron"], 3, &format!("{file} | {words}"));
        }
    }
    let images = place.path("data/train-images-idx3-ubyte");
    fs::remove_file(&images).unwrap();
    fs::rename(place.path("pipe"), images).unwrap();
    place.refuses_run("train.ron", &[], 3, &format!("train-images-idx3-ubyte | {pipe}"));
}

/// Arrays are read as far as they are of use.
#[test]
fn arrays_that_do_not_fit_are_not_read() {
    let place = Place::new();
    let check = |from: &str, to: &str, words: &str| {
        fs::write(place.path("bad.ron"), edit(SIMULATION, from, to)).unwrap();
        place.refuses(&["check", "bad.ron"], 3, words);
    };
    let file = "Lif(i_e: File(\"a.npy\"))";
    fs::write(place.path("a.npy"), npy("<f8", &1e300f64.to_le_bytes().repeat(30), 30)).unwrap();
    check("Lif()", file, "a.npy | element 0 is 1e300 | single precision");
    // A hole of 80 GB, which only its header says something about.
    let count = 10_000_000_000;
    fs::write(place.path("a.npy"), npy("<f8", &[], count)).unwrap();
    let hole = fs::OpenOptions::new().write(true).open(place.path("a.npy")).unwrap();
    let header = hole.metadata().unwrap().len();
    hole.set_len(header + 8 * count as u64).unwrap();
    place.call(&["check", "bad.ron"]).expect(3, "a.npy | 0000000000");
    fs::remove_file(place.path("a.npy")).unwrap();

    let mut zip = zip::ZipWriter::new(fs::File::create(place.path("s.npz")).unwrap());
    for (name, kind, size) in [("noise.t_ms.npy", "<f8", 8), ("noise.id.npy", "<u4", 4)] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&npy(kind, &vec![0; size << 22], 1 << 22)).unwrap();
    }
    zip.finish().unwrap();
    assert!(fs::metadata(place.path("s.npz")).unwrap().len() < 100_000);
    check("Poisson(rate: 100)", "Spikes(file: \"s.npz\")", "s.npz | noise.t_ms | 33554");
}

/// Two arrays of one name would be one.
#[test]
fn names_that_cannot_be_told_apart_are_refused() {
    let place = Place::new();
    let learning = "(version: 1, simulation: (dt: 0.1, duration: 1), populations: {
        \"a\": (size: 4, model: Lif()), \"b\": (size: 5, model: Lif()),
        \"b.source\": (size: 6, model: Lif())}, projections: [
        (from: \"a\", to: \"b\", connect: FixedInDegree(k: 2), weight: 5, learn: Stdp(w_max: 10)),
        (from: \"a\", to: \"b.source\", connect: Dense, weight: 5, learn: Stdp(w_max: 10))])";
    fs::write(place.path("twice.ron"), learning).unwrap();
    place.refuses_run(
        "twice.ron",
        &[],
        2,
        "weights.safetensors | name `a->b.source` | another `name`",
    );
    fs::write(
        place.path("apart.ron"),
        edit(learning, "to: \"b.source\"", "name: \"other\", to: \"b.source\""),
    )
    .unwrap();
    place.done("apart.ron", "apart", &[]);
    let twice = "every: 1), (population: \"exc\", ids: [1])]";
    fs::write(place.path("twice.ron"), edit(SIMULATION, "every: 1)]", twice)).unwrap();
    place.refuses_run("twice.ron", &[], 2, "`exc.v` is recorded twice");
}

// ---- What reaches the terminal ----

/// Names may hold orders to a terminal, which are shown and not obeyed.
#[test]
fn names_give_no_orders_to_a_terminal() {
    let place = Place::new();
    let out = "run\u{1b}[31m\u{7}";
    let told = place.call(&["--scene", "sim.ron", "--out", out, "--engine", "cpu", "-v"]);
    told.expect(0, "");
    let name = "\"\\u{1b}[2J\"";
    let bad = edit(SIMULATION, "spikes: [\"noise\"", &format!("spikes: [{name}"));
    fs::write(place.path("bad\u{1b}[2J.ron"), bad).unwrap();
    let refused = place.refuses(&["check", "bad\u{1b}[2J.ron"], 2, r"no population `\u{1b}[2J`");
    fs::copy(place.path("sim.ron"), place.path("sim\u{1b}[2J.ron")).unwrap();
    let checked = place.call(&["check", "sim\u{1b}[2J.ron"]);
    for said in [&told, &refused, &checked] {
        let orders = |text: &str| text.contains(|c: char| c.is_control() && c != '\n' && c != '\t');
        assert!(!orders(&said.out) && !orders(&said.err), "{:?}{:?}", said.out, said.err);
    }
    assert!(told.out.contains(r"run\u{1b}[31m\u{7}"), "{}", told.out);
}

#[test]
#[cfg(target_os = "linux")]
fn results_that_cannot_be_printed_are_an_error() {
    let place = Place::new();
    for args in [
        &["check", "--json", "sim.ron"][..],
        &["check", "sim.ron"],
        &["models"],
        &["--help"],
        &["--scene", "sim.ron", "--out", "run", "--engine", "cpu"],
    ] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let child = place.command(args).stdout(full).spawn().unwrap();
        ended(child).expect(5, "standard output | No space left");
    }
}

/// Results go to standard output, and what is first in the scene is first everywhere.
#[test]
fn results_are_printed_in_the_order_of_the_scene() {
    let place = Place::new();
    let ordered = |text: &str, words: [&str; 3]| {
        let at =
            words.map(|word| text.find(word).unwrap_or_else(|| panic!("{word} is not in {text}")));
        assert!(at.is_sorted(), "{at:?} in {text}");
    };
    let text = edit(
        SIMULATION,
        "\"exc\": (size: 30",
        "\"a\": (size: 1, model: Lif()), \"exc\": (size: 30",
    );
    fs::write(place.path("three.ron"), text).unwrap();
    let said = place.call(&["--scene", "three.ron", "--out", "run", "--engine", "cpu"]);
    said.expect(0, "");
    ordered(&said.out, ["\nnoise: ", "\na: ", "\nexc: "]);
    for file in ["summary.json", "metrics.jsonl"] {
        let text = String::from_utf8(place.read(&format!("run/{file}"))).unwrap();
        ordered(&text, ["\"noise\"", "\"a\"", "\"exc\""]);
    }
    let said = place.call(&["--scene", "train.ron", "--out", "train", "--engine", "cpu"]);
    ordered(&said.out, ["epoch   1  loss", "epoch   4  loss", "test accuracy"]);
    assert!(said.err.is_empty(), "{}", said.err);
}

#[test]
fn every_bad_scene_is_shown_with_its_place() {
    let place = Place::new();
    for (name, dt) in [("one.ron", "-1"), ("two.ron", "-2")] {
        fs::write(place.path(name), edit(SIMULATION, "dt: 0.5", &format!("dt: {dt}"))).unwrap();
    }
    let words = "one.ron:3:22 | dt: -1, duration | two.ron:3:22 | dt: -2, duration";
    place.refuses(&["check", "one.ron", "sim.ron", "two.ron"], 2, words);
}

/// The time of a kernel is told apart by what it was spent for.
#[test]
fn a_profile_tells_training_from_evaluation() {
    let place = Place::new();
    let said = place.run("train.ron", "run", &["--profile"]);
    said.expect(0, "");
    for program in ["train", "evaluate"] {
        let rows = said.out.lines().filter(|line| line.starts_with(program));
        let launches =
            rows.filter(|line| line.contains("neuron/iaf_tape ") && line.contains("hidden"));
        assert_eq!(launches.count(), 1, "{program} in\n{}", said.out);
    }
}

/// More threads than processors only wait for each other.
#[test]
fn threads_are_bounded_by_the_machine() {
    let place = Place::new();
    let said = place.run("sim.ron", "run", &["--threads", "8000"]);
    said.expect(0, "--threads 8000 | at a time");
    let few = place.done("sim.ron", "few", &["--threads", "1"]);
    assert_eq!(numbers(&place.summary("run")), numbers(&few));
}

#[test]
fn what_is_too_large_is_refused_before_it_is_made() {
    let place = Place::new();
    let set = ["--set", "populations.noise.size=2000000", "--set", "populations.exc.size=2000000"];
    let words =
        "4,000,000,000,000 synapses of `noise->exc` | GB | this process can use | Procedural";
    place.refuses_run("sim.ron", &set, 4, words);
    place.refuses(&[&["check", "sim.ron"], &set[..]].concat(), 4, words);
    // Neurons with numbers of their own, as many as there are.
    let drawn = edit(SIMULATION, "Lif()", "Lif(v_init: Uniform(low: -70, high: -60))");
    fs::write(place.path("drawn.ron"), edit(&drawn, "size: 30", "size: 2147483648")).unwrap();
    let words = "the 2,147,483,648 neurons of `exc` | GB | this process can use";
    place.refuses(&["check", "drawn.ron"], 4, words);
    if cfg!(target_os = "linux") {
        // Less memory than the machine has, and still no abort.
        for size in [2_000_000u64, 2_147_483_648] {
            fs::write(place.path("drawn.ron"), edit(&drawn, "size: 30", &format!("size: {size}")))
                .unwrap();
            let mut limited = std::process::Command::new("sh");
            limited.args(["-c", "ulimit -v 1000000; exec \"$0\" check drawn.ron"]);
            limited.arg(env!("CARGO_BIN_EXE_neuralearn")).current_dir(place.path("."));
            limited.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            ended(limited.spawn().unwrap())
                .expect(4, "neurons of `exc` | this process can use 1024.0 MB");
        }
    }
    for delay in ["1e6", "1e9", "1e30"] {
        let set = format!("projections.1.delay={delay}");
        let words = "longest delay | steps | bytes | lower the delay";
        place.refuses_run("sim.ron", &["--set", &set], 4, words);
    }
    let set = ["--set", "populations.hidden.size=2000", "--set", "training.steps=20000"];
    place.refuses_run("train.ron", &set, 4, "bytes | one binding holds 134217728");
}

#[test]
fn adapters_that_are_not_there() {
    let place = Place::new();
    let words = "nonsense | --engine cpu";
    let refused = place.refuses(&["--scene", "sim.ron", "--adapter", "nonsense"], 4, words);
    let listed = ["no adapter at all", "Adapters of this machine:\n"];
    assert!(listed.iter().any(|text| refused.err.contains(text)), "{}", refused.err);
    if cfg!(target_os = "linux") {
        let mut command = place.command(&["--scene", "sim.ron", "--engine", "gpu"]);
        command.env("VK_DRIVER_FILES", "").env("VK_ICD_FILENAMES", "");
        ended(command.spawn().unwrap()).expect(4, "no GPU | Install | libvulkan1 | --engine cpu");
        assert!(!place.path("runs").exists());
    }
}
