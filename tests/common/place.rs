//! The program in a folder of its own, with data and scenes that are small enough to run in
//! milliseconds.
#![allow(dead_code, reason = "each test binary uses a part")]

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub const TRAINING: &str = r#"(
    version: 1,
    simulation: (dt: 1.0, seed: 1),
    populations: {
        "pixels": (size: 36, model: Images(encoder: Latency(window: "10 ms", cutoff: 0.2))),
        "hidden": (size: 20, model: Lif(tau_m: 20, tau_syn: 5, t_ref: 2)),
        "classes": (size: 3, model: Readout(tau_m: 20, tau_syn: 5)),
    },
    projections: [
        (from: "pixels", to: "hidden", connect: Dense, weight: Kaiming(gain: 1.4)),
        (from: "hidden", to: "classes", connect: Dense, weight: Kaiming(gain: 1.0)),
    ],
    training: (
        data: Mnist(dir: "data"),
        epochs: 4,
        batch: 8,
        steps: 15,
        loss: SoftmaxCrossEntropy(over: Mean),
        optimizer: Adam(lr: 0.02),
        surrogate: FastSigmoid(slope: 5),
        biases: true,
    ),
)
"#;

pub const SIMULATION: &str = r#"(
    version: 1,
    simulation: (dt: 0.5, duration: 500, seed: 1),
    populations: {
        "noise": (size: 40, model: Poisson(rate: 100)),
        "exc": (size: 30, model: Lif()),
    },
    projections: [
        (from: "noise", to: "exc", connect: Dense, weight: 60),
        (from: "exc", to: "exc", connect: FixedProbability(p: 0.2), weight: 20, delay: 1.5),
    ],
    record: (spikes: ["noise", "exc"], traces: [(population: "exc", ids: [0, 5], every: 1)]),
)
"#;

/// A training whose synapses learn by themselves.
pub const STRIPES: &str = r#"(
    version: 1,
    simulation: (dt: 1, seed: 1),
    populations: {
        "pixels": (size: 36, model: Images(encoder: Poisson(max_rate: 200))),
        "noise": (size: 10, model: Poisson(rate: 5)),
        "exc": (size: 12, model: Lif(
            c_m: "100 pF", tau_m: 100, e_l: -65, v_th: -52, v_reset: -60, t_ref: 5,
            delta_th: 1, tau_rel: 1e7, receptors: { "ex": Delta(), "in": Delta() })),
    },
    projections: [
        (from: "pixels", to: "exc", connect: Dense, weight: Uniform(low: 0, high: 0.3), receptor: "ex",
            learn: Stdp(a_plus: 2e-2, a_minus: 1e-3, pairing: Nearest, w_max: 1), normalize: (sum: 12)),
        (from: "noise", to: "exc", connect: FixedProbability(p: 0.5), weight: 0.1, receptor: "ex"),
        (from: "exc", to: "exc", connect: Others, weight: -60, receptor: "in"),
    ],
    training: (data: Mnist(dir: "data"), epochs: 6, batch: 1, steps: 100,
        loss: Assignment(population: "exc", samples: 42)),
)"#;

/// A training that learns to learn.
pub const TASKS: &str = r#"(
    version: 1,
    simulation: (dt: 1, seed: 1),
    populations: {
        "x": (size: 20, model: Images(encoder: Constant())),
        "hidden": (size: 20, model: Lif(tau_m: 10, tau_syn: 5, t_ref: 0)),
        "y": (size: 1, model: Readout(tau_m: 10, tau_syn: 5)),
    },
    projections: [
        (from: "x", to: "hidden", connect: Dense, weight: Kaiming(gain: 2)),
        (from: "hidden", to: "y", connect: Dense, weight: Kaiming(gain: 1)),
    ],
    training: (
        meta: Fomaml(inner_lr: 0.003, tasks: 4),
        data: Sinusoids(train: 40, test: 6, k: 5, query: 4, units: 20),
        epochs: 4,
        batch: 5,
        steps: 12,
        loss: SquaredError(),
        optimizer: Adam(lr: 0.002),
        schedule: Cosine(),
        surrogate: FastSigmoid(slope: 5),
        biases: true,
    ),
)
"#;

// ---- A folder with data and scenes, and the program in it ----

/// What the program said.
pub struct Said {
    /// None if a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Asserts the exit code and words on standard error, separated by ` | `.
    #[track_caller]
    pub fn expect(&self, code: i32, words: &str) -> &Self {
        assert_eq!(self.code, Some(code), "wanted `{words}`, got:\n{}", self.err);
        for word in words.split(" | ") {
            assert!(self.err.contains(word), "`{word}` is not in:\n{}", self.err);
        }
        self
    }
}

pub struct Place(TempDir);

impl Place {
    pub fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.path("data")).unwrap();
        place.images(42);
        fs::write(place.path("train.ron"), TRAINING).unwrap();
        fs::write(place.path("sim.ron"), SIMULATION).unwrap();
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Images of 6 x 6 pixels whose class is the bright one of three stripes, on a noisy ground.
    pub fn images(&self, train: usize) {
        for (kind, count) in [("train", train), ("t10k", 21)] {
            let pixel = |i: usize, p: usize| match p / 12 == i % 3 {
                true => 180 + (i * 7 + p * 5) % 70,
                false => (i * 31 + p * 17 + i * p) % 90,
            };
            let pixels = (0..count).flat_map(|i| (0..36).map(move |p| pixel(i, p) as u8));
            let pixels: Vec<u8> = pixels.collect();
            let labels: Vec<u8> = (0..count).map(|i| (i % 3) as u8).collect();
            self.data(&format!("{kind}-images-idx3-ubyte"), &idx(&[count as u32, 6, 6], &pixels));
            self.data(&format!("{kind}-labels-idx1-ubyte"), &idx(&[count as u32], &labels));
        }
    }

    pub fn data(&self, name: &str, content: &[u8]) {
        fs::write(self.path("data").join(name), content).unwrap();
    }

    /// The program, about to start in the folder.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_neuralearn"));
        command.current_dir(self.0.path()).env_remove("RUST_LOG").args(args);
        // Nothing is left behind in the home of who runs the tests.
        command.env("NEURALEARN_CACHE", self.path("cache"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn call(&self, args: &[&str]) -> Said {
        ended(self.command(args).spawn().unwrap())
    }

    /// Runs a scene on the CPU into the folder `out`.
    pub fn run(&self, scene: &str, out: &str, more: &[&str]) -> Said {
        self.call(&arguments(&["--scene", scene, "--out", out], more))
    }

    /// Runs a scene that must come to its end, and gives its summary.
    #[track_caller]
    pub fn done(&self, scene: &str, out: &str, more: &[&str]) -> Value {
        self.run(scene, out, more).expect(0, "");
        self.summary(out)
    }

    pub fn summary(&self, out: &str) -> Value {
        serde_json::from_slice(&self.read(&format!("{out}/summary.json"))).unwrap()
    }

    /// The lines of the metrics of a run, so far as they are written.
    pub fn metrics(&self, out: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.path(out).join("metrics.jsonl")).unwrap_or_default();
        let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Everything under a folder, files with their content.
    pub fn files(&self, name: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        fn walk(path: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
            for entry in fs::read_dir(path).unwrap().map(|e| e.unwrap().path()) {
                let kind = fs::symlink_metadata(&entry).unwrap().file_type();
                let content = if kind.is_file() { fs::read(&entry).unwrap() } else { Vec::new() };
                found.insert(entry.clone(), content);
                if kind.is_dir() {
                    walk(&entry, found);
                }
            }
        }
        let mut found = BTreeMap::new();
        walk(&self.path(name), &mut found);
        found
    }

    /// Asserts an error that comes soon and before anything is written.
    #[track_caller]
    pub fn refuses(&self, args: &[&str], code: i32, words: &str) -> Said {
        let (before, since) = (self.files("."), Instant::now());
        let said = self.call(args);
        said.expect(code, words);
        assert!(since.elapsed() < Duration::from_secs(10), "{args:?}: {:?}", since.elapsed());
        assert!(self.files(".") == before, "{args:?} wrote something");
        said
    }

    /// The same for a run of a scene.
    #[track_caller]
    pub fn refuses_run(&self, scene: &str, more: &[&str], code: i32, words: &str) -> Said {
        self.refuses(&arguments(&["--scene", scene, "--out", "run"], more), code, words)
    }
}

pub fn arguments<'a>(first: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [first, &["--engine", "cpu", "--quiet"], more].concat()
}

/// What a process says until it ends.
#[track_caller]
pub fn ended(child: Child) -> Said {
    let done = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let said = Said { code: done.status.code(), out: text(done.stdout), err: text(done.stderr) };
    assert!(!said.err.contains("panicked") && !said.err.contains("backtrace"), "{}", said.err);
    said
}

pub fn idx(dims: &[u32], data: &[u8]) -> Vec<u8> {
    let magic = 0x800 + dims.len() as u32;
    let words = std::iter::once(&magic).chain(dims).flat_map(|word| word.to_be_bytes());
    words.chain(data.iter().copied()).collect()
}

/// A text with its only occurrence of `from` replaced.
#[track_caller]
pub fn edit(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "`{from}` is not there once");
    text.replace(from, to)
}

/// Every number by its path, but those that measure time; all of them must be finite.
pub fn numbers(json: &Value) -> BTreeMap<String, f64> {
    fn walk(path: &str, json: &Value, found: &mut BTreeMap<String, f64>) {
        match json {
            Value::Number(x) => _ = found.insert(path.to_owned(), x.as_f64().unwrap()),
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(k, x)| walk(&format!("{path}.{k}"), x, found));
            }
            Value::Object(map) => {
                map.iter().for_each(|(k, x)| walk(&format!("{path}.{k}"), x, found));
            }
            Value::Null => panic!("{path} is null: not a finite number"),
            Value::String(_) | Value::Bool(_) => {}
        }
    }
    let mut found = BTreeMap::new();
    walk("", json, &mut found);
    let timed = ["build_s", "wall_s", "real_time_factor", "_per_s"];
    found.retain(|path, _| !timed.iter().any(|end| path.ends_with(end)));
    found
}
