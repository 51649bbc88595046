//! A trained network is asked again, from its run folder: it gives the same answers, bit for bit.

#[path = "common/place.rs"]
mod place;

use neuralearn::files::{Npy, write_npz};
use place::{Place, STRIPES, TRAINING, arguments, edit, idx};
use serde_json::Value;
use std::fs;

/// One array of a file.
fn of<T: npyz::Deserialize>(place: &Place, file: &str, name: &str) -> (Vec<u64>, Vec<T>) {
    neuralearn::files::read_array(&place.path(file), name).unwrap_or_else(|e| panic!("{e}"))
}

/// One array of a run's `predictions.npz`.
fn array<T: npyz::Deserialize>(place: &Place, out: &str, name: &str) -> (Vec<u64>, Vec<T>) {
    of(place, &format!("{out}/predictions.npz"), name)
}

/// Fraction of right answers.
fn accuracy(place: &Place, out: &str) -> f64 {
    let (labels, answers) = (array(place, out, "label").1, array(place, out, "predicted").1);
    let right = labels.iter().zip(&answers).filter(|(a, b): &(&u32, &u32)| a == b).count();
    right as f64 / labels.len() as f64
}

#[track_caller]
fn predict(place: &Place, more: &[&str]) {
    place.call(&arguments(&["predict", "run"], more)).expect(0, "");
}

/// So hard that the best epoch is not the last, and some answers are wrong.
const HARD: [&str; 4] =
    ["--set", "training.optimizer.lr=0.3", "--set", "populations.hidden.size=4"];

#[test]
fn a_network_gives_the_answers_of_its_training() {
    let place = Place::new();
    for (out, more) in [("run", &[][..]), ("hard", &HARD[..])] {
        let summary = place.done("train.ron", out, more);
        let training = &summary["training"];
        assert_eq!(accuracy(&place, out), training["best_test_accuracy"].as_f64().unwrap());
        let (shape, output) = array::<f32>(&place, out, "output");
        assert_eq!(shape, [21, 3]);
        let answers = array::<u32>(&place, out, "predicted").1;
        let labels = array::<u32>(&place, out, "label").1;
        assert_eq!(labels, (0..21).map(|i| i % 3).collect::<Vec<u32>>());
        let mut confusion = vec![vec![0; 3]; 3];
        for ((output, answer), label) in output.chunks(3).zip(&answers).zip(&labels) {
            assert!(output.iter().all(|x| *x <= output[*answer as usize]), "{output:?} {answer}");
            confusion[*label as usize][*answer as usize] += 1;
        }
        assert_eq!(training["confusion"], Value::from(confusion));
        // Of the first epoch that was the best.
        let epochs = training["epochs"].as_array().unwrap();
        let best =
            epochs.iter().find(|e| e["test_accuracy"] == training["best_test_accuracy"]).unwrap();
        let (shape, spikes) = array::<u32>(&place, out, "spikes.hidden");
        assert_eq!(shape, [21]);
        let mean = f64::from(spikes.iter().sum::<u32>()) / 21.0;
        assert_eq!(best["test_spikes"][1].as_f64(), Some(mean));
        let mistakes = place.path(out).join("figures/mistakes.png").exists();
        assert_eq!(mistakes, answers != labels);

        let left = place.read(&format!("{out}/predictions.npz"));
        fs::remove_file(place.path(out).join("predictions.npz")).unwrap();
        place.call(&arguments(&["predict", out], &[])).expect(0, "");
        assert!(place.read(&format!("{out}/predictions.npz")) == left, "{out}: other answers");

        // As the weights were at the end.
        let last = arguments(&["predict", out, "--last", "--out", "last"], &["--threads", "1"]);
        place.call(&last).expect(0, "");
        assert_eq!(Some(accuracy(&place, "last")), epochs[3]["test_accuracy"].as_f64());

        // From the file of weights alone.
        fs::remove_dir_all(place.path(out).join("checkpoints")).unwrap();
        let alone = place.call(&["predict", out, "--out", "alone", "--engine", "cpu"]);
        alone.expect(0, "");
        assert!(place.read("alone/predictions.npz") == left, "{out}: other answers by weights");
        for word in ["21 samples, accuracy ", " %", "alone/predictions.npz"] {
            assert!(alone.out.contains(word), "`{word}` is not in {}", alone.out);
        }
    }
}

#[test]
fn labels_may_be_missing() {
    let place = Place::new();
    place.done("train.ron", "run", &[]);
    let answers = array::<u32>(&place, "run", "predicted");
    let outputs = array::<f32>(&place, "run", "output");
    fs::create_dir(place.path("images")).unwrap();
    let name = "t10k-images-idx3-ubyte";
    fs::copy(place.path("data").join(name), place.path("images").join(name)).unwrap();
    let file = format!("images/{name}");
    for data in ["images", &file] {
        let said =
            place.call(&["predict", "run", "--data", data, "--out", "new", "--engine", "cpu"]);
        said.expect(0, "");
        assert!(said.out.contains("21 samples, no labels"), "{}", said.out);
        assert!(array::<u32>(&place, "new", "predicted") == answers, "{data}");
        assert!(array::<f32>(&place, "new", "output") == outputs, "{data}");
        let path = place.path("new/predictions.npz");
        let error = neuralearn::files::read_array::<u32>(&path, "label").unwrap_err();
        assert!(error.to_string().contains("no array `label`"), "{error}");
    }
}

/// The images of a place as arrays, once as numbers from -1 to 1 and once as bytes; the same levels train the same network.
#[test]
fn samples_may_come_as_arrays() {
    let place = Place::new();
    for kind in ["train", "t10k"] {
        let pixels = &place.read(&format!("data/{kind}-images-idx3-ubyte"))[16..];
        let labels = &place.read(&format!("data/{kind}-labels-idx1-ubyte"))[8..];
        let count = labels.len() as u64;
        let floats: Vec<f32> = pixels.iter().map(|p| f32::from(*p) / 127.5 - 1.0).collect();
        let write = |name: &str, arrays: &[Npy]| {
            write_npz(&place.path(&format!("{kind}{name}.npz")), arrays).unwrap();
        };
        let inputs = || Npy::of("inputs", &[count, 36], &floats);
        write("", &[inputs(), Npy::of("labels", &[count], labels)]);
        write("-bare", &[inputs()]);
        write("-bytes", &[Npy::of("inputs", &[count, 6, 6], pixels)]);
    }
    let arrays = "Arrays(train: \"train.npz\", test: \"t10k.npz\", range: (low: -1))";
    let scene = edit(TRAINING, "Mnist(dir: \"data\")", arrays);
    fs::write(place.path("own.ron"), &scene).unwrap();
    let [images, own] =
        [("train.ron", "run"), ("own.ron", "own")].map(|(scene, out)| place.done(scene, out, &[]));
    assert_eq!(own["training"]["test_loss"], images["training"]["test_loss"]);
    let answers = place.read("own/predictions.npz");
    assert!(answers == place.read("run/predictions.npz"), "other answers than to images");

    let asked = |run: &str, more: &[&str]| {
        place.call(&arguments(&["predict", run, "--out", "new"], more)).expect(0, "");
        place.read("new/predictions.npz")
    };
    assert!(asked("own", &[]) == answers);
    assert!(asked("own", &["--data", "t10k.npz"]) == answers);
    assert!(asked("own", &["--data", "data"]) == answers, "images for arrays");
    // Labels may be missing, and bytes stand for an image in any run.
    for (run, data) in [("own", "t10k-bare.npz"), ("run", "t10k-bytes.npz")] {
        asked(run, &["--data", data]);
        for name in ["predicted", "spikes.hidden"] {
            let same = array::<u32>(&place, "new", name) == array::<u32>(&place, "own", name);
            assert!(same, "{data}: other {name}");
        }
        let path = place.path("new/predictions.npz");
        assert!(neuralearn::files::read_array::<u32>(&path, "label").is_err(), "{data}");
    }

    for (set, code, words) in [
        ("data.test=\"none.npz\"", 3, "none.npz: cannot be read"),
        ("data.test=\"own.ron\"", 3, "own.ron: is not a .npz file"),
        ("data.train=\"train-bare.npz\"", 3, "train-bare.npz: has no array `labels`"),
        ("data.range.low=0", 3, ".npz: sample 0 has - | at inputs[0, | from 0 to 1"),
        ("data.range.low=1", 2, "training.data.range | 1, is not above the lowest, 1"),
        ("data.classes=[0, 7]", 2, "training.data.classes | no sample of class 7"),
        ("data.augment=Shift(1)", 2, "training.data.augment | 36 x 1 pixels | leave it out"),
    ] {
        let set = format!("training.{set}");
        place.refuses_run("own.ron", &["--set", &set], code, words);
    }
}

/// Images that are read row by row: the network is asked as it learned, and what has no such rows is refused.
#[test]
fn images_may_be_shown_row_by_row() {
    let place = Place::new();
    let pixels = "(size: 36, model: Images(encoder: Latency(window: \"10 ms\", cutoff: 0.2)))";
    let shown = |[frames, size]: [usize; 2]| {
        let by = format!("Images(encoder: Constant(gain: 1), frames: {frames}, hold: 2)");
        let scene = edit(TRAINING, pixels, &format!("(size: {size}, model: {by})"));
        fs::write(place.path("rows.ron"), scene).unwrap();
    };
    shown([6, 6]);
    place.done("rows.ron", "run", &[]);
    let answers = place.read("run/predictions.npz");
    predict(&place, &[]);
    assert!(place.read("run/predictions.npz") == answers, "other answers");
    assert!(place.path("run/figures").read_dir().unwrap().count() > 0);
    fs::create_dir(place.path("flat")).unwrap();
    fs::write(place.path("flat/t10k-images-idx3-ubyte"), idx(&[1, 4, 9], &[9; 36])).unwrap();
    let args = ["predict", "run", "--data", "flat"];
    place.refuses(&args, 2, "4 rows and 9 columns | 6 frames of 1 x 6 x 1 | frames: 4 and size: 9");
    shown([5, 6]);
    let words = "36 pixels (6 x 6) | 6 sources in each of 5 frames, 30 in all | be 36, as 6 x 6";
    place.refuses_run("rows.ron", &[], 2, words);
    shown([3, 12]);
    let words = "6 rows and 6 columns | 3 frames of 1 x 12 x 1 | frames: 6 and size: 6";
    place.refuses_run("rows.ron", &[], 2, words);
}

/// The images of a place as tables: the same levels train the same network.
#[test]
fn samples_may_come_as_tables() {
    let place = Place::new();
    let names: Vec<String> = (0..36).map(|k| format!("\"pixel {k}\"")).collect();
    for kind in ["train", "t10k"] {
        let pixels = &place.read(&format!("data/{kind}-images-idx3-ubyte"))[16..];
        let labels = &place.read(&format!("data/{kind}-labels-idx1-ubyte"))[8..];
        let (mut table, mut bare) = (format!("class;{}\r\n", names.join(";")), names.join(","));
        for (label, image) in labels.iter().zip(pixels.chunks(36)) {
            let cells: Vec<String> = image.iter().map(u8::to_string).collect();
            table += &format!("{label};{}\r\n", cells.join(";"));
            bare += &format!("\n{}", cells.join(","));
        }
        fs::write(place.path(&format!("{kind}.csv")), table).unwrap();
        fs::write(place.path(&format!("{kind}-bare.csv")), bare).unwrap();
    }
    let data =
        "Csv(train: \"train.csv\", test: \"t10k.csv\", label: \"class\", range: (high: 255))";
    fs::write(place.path("own.ron"), edit(TRAINING, "Mnist(dir: \"data\")", data)).unwrap();
    let [images, own] =
        [("train.ron", "run"), ("own.ron", "own")].map(|(scene, out)| place.done(scene, out, &[]));
    assert_eq!(own["training"]["test_loss"], images["training"]["test_loss"]);
    let answers = place.read("own/predictions.npz");
    assert!(answers == place.read("run/predictions.npz"), "other answers than to images");

    for (data, labelled) in [("t10k.csv", true), ("data", true), ("t10k-bare.csv", false)] {
        let more = ["own", "--data", data, "--out", "new"];
        place.call(&arguments(&["predict"], &more)).expect(0, "");
        let [new, own] = ["new", "own"].map(|run| array::<u32>(&place, run, "predicted"));
        assert!(new == own, "{data}: other answers");
        let path = place.path("new/predictions.npz");
        let label = neuralearn::files::read_array::<u32>(&path, "label");
        assert_eq!(label.is_ok(), labelled, "{data}");
    }
    for (set, code, words) in [
        ("data.test=\"none.csv\"", 3, "none.csv: cannot be read"),
        ("data.test=\"t10k-bare.csv\"", 3, "t10k-bare.csv: has no column `class`"),
        ("data.range.high=1", 3, ".csv: line 2, column `pixel | is not from 0 to 1 | data.range"),
        ("data.range.high=0", 2, "training.data.range | 0, is not above the lowest, 0"),
        ("data.classes=[0, 7]", 2, "training.data.classes | no sample of class 7"),
    ] {
        let set = format!("training.{set}");
        place.refuses_run("own.ron", &["--set", &set], code, words);
    }
}

/// Data by formula need no file, neither in a training nor when it is asked again.
#[test]
fn samples_may_be_made() {
    let place = Place::new();
    let scene = |numbers: usize, data: &str| {
        let text = edit(TRAINING, "size: 36", &format!("size: {numbers}"));
        let text = edit(&text, "size: 3,", "size: 10,");
        edit(&text, "Mnist(dir: \"data\")", data)
    };
    for (out, numbers, data) in [
        ("disc", 5, "YinYang(train: 60, test: 21, augment: Noise(0.01))"),
        (
            "course",
            40,
            "Mnist1d(train: 100, test: 100, classes: [3, 5, 8], augment: [Flip, Noise(0.1)])",
        ),
        ("times", 12, "Randman(train: 60, test: 21, units: 12, seed: 4)"),
        ("orders", 12, "Orders(train: 60, test: 21, groups: 3, channels: 4, gap: 3, jitter: 2)"),
    ] {
        let file = format!("{out}.ron");
        fs::write(place.path(&file), scene(numbers, data)).unwrap();
        let more = ["--set", "training.validation=0.25", "--set", "training.limit=12"];
        let summary = place.done(&file, out, &more);
        assert!(summary["training"]["validation_accuracy"].is_number(), "{summary}");
        let answers = place.read(&format!("{out}/predictions.npz"));
        fs::remove_file(place.path(out).join("predictions.npz")).unwrap();
        place.call(&arguments(&["predict", out], &[])).expect(0, "");
        assert!(place.read(&format!("{out}/predictions.npz")) == answers, "{out}: other answers");
    }
    fs::write(place.path("narrow.ron"), scene(4, "YinYang()")).unwrap();
    place.refuses_run("narrow.ron", &[], 2, "5 pixels (5 x 1) | set its size to 5");
}

/// The stripes, told by two numbers or by two marks: files of arrays, and scenes that learn from them.
fn targets(place: &Place) {
    for kind in ["train", "t10k"] {
        let pixels = &place.read(&format!("data/{kind}-images-idx3-ubyte"))[16..];
        let labels = &place.read(&format!("data/{kind}-labels-idx1-ubyte"))[8..];
        let count = labels.len() as u64;
        let write = |name: &str, of: Option<fn(u8) -> [f32; 2]>| {
            let wanted: Vec<f32> =
                labels.iter().flat_map(|k| of.map(|of| of(*k))).flatten().collect();
            let mut arrays = vec![Npy::of("inputs", &[count, 6, 6], pixels)];
            if of.is_some() {
                arrays.push(Npy::of("targets", &[count, 2], &wanted));
            }
            write_npz(&place.path(&format!("{kind}-{name}.npz")), &arrays).unwrap();
        };
        write("numbers", Some(|k| [0.5 * f32::from(k), 1.0 - f32::from(k)]));
        write("marks", Some(|k| [f32::from(u8::from(k == 0)), f32::from(u8::from(k > 0))]));
        write("bare", None);
    }
    for (name, loss) in [("numbers", "SquaredError()"), ("marks", "MultiLabel()")] {
        let arrays = format!("Arrays(train: \"train-{name}.npz\", test: \"t10k-{name}.npz\")");
        let scene = edit(TRAINING, "Mnist(dir: \"data\")", &arrays);
        let scene = edit(&scene, "SoftmaxCrossEntropy(over: Mean)", loss);
        let scene = edit(&scene, "(size: 3,", "(size: 2,");
        fs::write(place.path(&format!("{name}.ron")), edit(&scene, "epochs: 4", "epochs: 30"))
            .unwrap();
    }
}

#[test]
fn answers_may_be_numbers_or_marks() {
    let place = Place::new();
    targets(&place);
    let summary = place.done("numbers.ron", "numbers", &["--set", "training.validation=0.25"]);
    let training = &summary["training"];
    for absent in ["test_accuracy", "validation_accuracy", "confusion"] {
        assert!(training.get(absent).is_none(), "{absent}");
    }
    let epochs = training["epochs"].as_array().unwrap();
    let best = &epochs[training["best_epoch"].as_u64().unwrap() as usize - 1];
    let (shape, output) = array::<f32>(&place, "numbers", "output");
    let (_, target) = array::<f32>(&place, "numbers", "target");
    assert_eq!((shape, target.len()), (vec![21, 2], 42));
    assert_eq!(target[..6], [0.0, 1.0, 0.5, 0.0, 1.0, -1.0]);
    let squares = output.iter().zip(&target).map(|(x, t)| f64::from(x - t).powi(2)).sum::<f64>();
    let near = |found: &Value, wanted: f64| {
        assert!((found.as_f64().unwrap() - wanted).abs() <= 1e-5 * wanted, "{found} {wanted}");
    };
    near(&best["test_loss"], squares / 21.0);
    // Seven samples of each class: the variance of 0, 0.5, 1 is 1 / 6, and that of 1, 0, -1 four times as much.
    near(&training["nmse"], squares / (21.0 * 5.0 / 6.0));
    assert!(training["nmse"].as_f64() < Some(0.5), "{training}");
    let file = |out: &str| place.path(out).join("predictions.npz");
    assert!(neuralearn::files::read_array::<u32>(&file("numbers"), "predicted").is_err());
    assert!(!place.path("numbers/figures/confusion.png").exists());
    let answers = place.read("numbers/predictions.npz");
    place.call(&arguments(&["predict", "numbers", "--out", "new"], &[])).expect(0, "");
    assert!(place.read("new/predictions.npz") == answers);
    let bare = ["predict", "numbers", "--out", "new", "--data", "t10k-bare.npz"];
    place.call(&arguments(&bare, &[])).expect(0, "");
    assert!(array::<f32>(&place, "new", "output").1 == output);
    assert!(neuralearn::files::read_array::<f32>(&file("new"), "target").is_err());

    let summary = place.done("marks.ron", "marks", &[]);
    let (shape, told) = array::<u32>(&place, "marks", "predicted");
    let (_, target) = array::<f32>(&place, "marks", "target");
    assert_eq!(shape, [21, 2]);
    let right = |(told, target): &(&[u32], &[f32])| {
        told.iter().zip(*target).all(|(told, target)| *told as f32 == *target)
    };
    let right = told.chunks(2).zip(target.chunks(2)).filter(right).count();
    let training = &summary["training"];
    assert_eq!(training["best_test_accuracy"].as_f64(), Some(right as f64 / 21.0));
    assert!(right > 14 && training.get("nmse").is_none(), "{training}");

    // Classes become numbers, 1 for that of a sample and 0 for the others.
    let set = ["--set", "training.loss=SquaredError()"];
    let summary = place.done("train.ron", "classes", &set);
    let training = &summary["training"];
    assert_eq!(accuracy(&place, "classes"), training["best_test_accuracy"].as_f64().unwrap());
    let output = array::<f32>(&place, "classes", "output").1;
    let wanted = |k: usize| if k / 3 % 3 == k % 3 { 1.0 } else { 0.0 };
    let squares = output.iter().enumerate().map(|(k, x)| (f64::from(*x) - wanted(k)).powi(2));
    let best = &training["epochs"][training["best_epoch"].as_u64().unwrap() as usize - 1];
    near(&best["test_loss"], squares.sum::<f64>() / 21.0);
}

#[test]
fn targets_that_do_not_fit_are_refused() {
    let place = Place::new();
    targets(&place);
    for (scene, set, code, words) in [
        ("numbers", "loss=MultiLabel()", 3, "sample 1 has target 0.5 of output 0 | 0 or 1"),
        ("numbers", "loss=SoftmaxCrossEntropy()", 2, "training.loss | it is of `labels`"),
        ("numbers", "data.classes=[0]", 2, "training.data.classes | no `labels`"),
        ("numbers", "data.per_class=3", 2, "training.data.per_class | no `labels`"),
        (
            "numbers",
            "stop=(metric: \"test_accuracy\", above: 0.9)",
            2,
            "training.stop.metric | neither right nor wrong | \"test_loss\"",
        ),
        (
            "numbers",
            "data.test=\"t10k-bare.npz\"",
            3,
            "t10k-bare.npz: has no array `labels` | targets=y",
        ),
        ("train", "loss=MultiLabel()", 2, "training.loss | no marks"),
    ] {
        let set = format!("training.{set}");
        place.refuses_run(&format!("{scene}.ron"), &["--set", &set], code, words);
    }
    let more = ["--set", "populations.classes.size=3"];
    place.refuses_run("numbers.ron", &more, 3, "2 targets each | 3 outputs");
}

#[test]
fn what_cannot_be_asked_is_told() {
    let place = Place::new();
    fs::write(place.path("stripes.ron"), edit(STRIPES, "epochs: 6", "epochs: 1")).unwrap();
    for (scene, out) in [("sim.ron", "sim"), ("stripes.ron", "stripes"), ("train.ron", "run")] {
        place.done(scene, out, &[]);
    }
    let folder = |name: &str, images: Vec<u8>, labels: Vec<u8>| {
        fs::create_dir(place.path(name)).unwrap();
        fs::write(place.path(name).join("t10k-images-idx3-ubyte"), images).unwrap();
        fs::write(place.path(name).join("t10k-labels-idx1-ubyte"), labels).unwrap();
    };
    folder("wide", idx(&[1, 6, 7], &[0; 42]), idx(&[1], &[0]));
    folder("nine", idx(&[2, 6, 6], &[0; 72]), idx(&[2], &[0, 9]));
    let refuses = |args: &[&str], code: i32, words: &str| {
        place.refuses(&arguments(&["predict"], args), code, words);
    };
    refuses(&[], 2, "<RUN>");
    refuses(&["nowhere"], 2, "nowhere is not a run folder | scene.ron");
    refuses(&["sim"], 2, "sim is a simulation | training by gradients on samples");
    refuses(&["stripes"], 2, "stripes is a training by Assignment");
    refuses(&["run", "--data", "wide"], 3, "wide | 42 pixels (7 x 6) | images of 36");
    refuses(&["run", "--data", "nine"], 3, "sample 1 has label 9 | only 3 outputs");
    refuses(&["run", "--data", "images"], 3, "images | No such file");
    refuses(&["run", "--data", "run"], 3, "run has no file t10k-images-idx3-ubyte");
    refuses(&["run", "--out", "train.ron"], 5, "train.ron");
    refuses(&["run", "--adapter", "x"], 2, "--adapter");

    let scene = String::from_utf8(place.read("run/scene.ron")).unwrap();
    let with = |from: &str, to: &str| {
        fs::write(place.path("run/scene.ron"), edit(&scene, from, to)).unwrap();
    };
    with("version: 1,", "version: 2,");
    refuses(&["run"], 2, "version 2 is not known, this program reads version 1");
    with("size: 20,", "size: 21,");
    refuses(&["run"], 3, "checkpoints | belongs to another network");
    fs::write(place.path("run/scene.ron"), &scene).unwrap();

    let summary = place.read("run/summary.json");
    fs::remove_file(place.path("run/summary.json")).unwrap();
    refuses(&["run"], 2, "run is not finished | --last | --resume run");
    predict(&place, &["--last"]);
    fs::write(place.path("run/summary.json"), summary).unwrap();
    fs::remove_dir_all(place.path("run/checkpoints")).unwrap();
    refuses(&["run", "--last"], 3, "no checkpoint in run");
    predict(&place, &[]);
    fs::remove_file(place.path("run/weights-best.safetensors")).unwrap();
    refuses(&["run"], 3, "no checkpoint in run | nor is there run/weights-best.safetensors");
    fs::remove_file(place.path("run/scene.ron")).unwrap();
    refuses(&["run"], 2, "run is not a run folder | scene.ron");
}

const RECORD: &str = r#"record: (samples: [0, 4, 17], spikes: ["hidden", "pixels"], traces: [
        (population: "hidden", ids: [0, 7], every: 5), (population: "classes")]),
    training: ("#;

/// Samples that are shown once more do what they did in the test set, at the end of a training and when it is asked.
#[test]
fn chosen_samples_are_recorded() {
    let place = Place::new();
    fs::write(place.path("rec.ron"), edit(TRAINING, "training: (", RECORD)).unwrap();
    place.done("rec.ron", "run", &["--set", "populations.hidden.shape=[2, 5, 2]"]);
    let spikes = "run/spikes.npz";
    for (population, size) in [("hidden", 20), ("pixels", 36)] {
        let counts = array::<u32>(&place, "run", &format!("spikes.{population}")).1;
        let samples = of::<u32>(&place, spikes, &format!("{population}.sample")).1;
        let times = of::<f64>(&place, spikes, &format!("{population}.t_ms")).1;
        let ids = of::<u32>(&place, spikes, &format!("{population}.id")).1;
        assert!(!ids.is_empty() && ids.iter().all(|id| *id < size), "{ids:?}");
        assert!(times.iter().all(|t| (1.0..=15.0).contains(t) && t.fract() == 0.0), "{times:?}");
        assert_eq!((samples.len(), times.len()), (ids.len(), ids.len()));
        for sample in [0, 4, 17] {
            let recorded = samples.iter().filter(|s| **s == sample).count();
            assert_eq!(recorded, counts[sample as usize] as usize, "{population}, {sample}");
        }
        assert!(samples.iter().all(|s| [0, 4, 17].contains(s)));
    }
    let traces = "run/traces.npz";
    assert_eq!(of::<u32>(&place, traces, "sample").1, [0, 4, 17]);
    assert_eq!(of::<f64>(&place, traces, "hidden.t_ms").1, [5.0, 10.0, 15.0]);
    let (shape, potentials) = of::<f32>(&place, traces, "hidden.v");
    assert!(shape == [3, 3, 2] && potentials.iter().all(|v| v.is_finite()), "{potentials:?}");
    assert_eq!(of::<f64>(&place, traces, "classes.t_ms").1.len(), 15);
    let (shape, potentials) = of::<f32>(&place, traces, "classes.v");
    assert_eq!(shape, [3, 15, 3]);
    // The answer is the class whose potential is the highest on average.
    let predicted = array::<u32>(&place, "run", "predicted").1;
    for (sample, steps) in [0, 4, 17].into_iter().zip(potentials.chunks(45)) {
        let mean = |class: usize| steps.iter().skip(class).step_by(3).sum::<f32>();
        let answer = (0..3).max_by(|a, b| mean(*a).total_cmp(&mean(*b)));
        assert_eq!(answer, Some(predicted[sample] as usize), "sample {sample}");
    }
    for figure in ["shown-1.png", "shown-3.png", "maps-1-2.png"] {
        assert!(place.path("run/figures").join(figure).is_file(), "{figure}");
    }

    let files = [spikes, traces].map(|file| place.read(file));
    predict(&place, &["--out", "again"]);
    assert!(["again/spikes.npz", "again/traces.npz"].map(|file| place.read(file)) == files);
    // Another set, which has no sample 17.
    fs::create_dir(place.path("few")).unwrap();
    let pixels = &place.read("data/t10k-images-idx3-ubyte")[16..16 + 5 * 36];
    fs::write(place.path("few/t10k-images-idx3-ubyte"), idx(&[5, 6, 6], pixels)).unwrap();
    let said = place.call(&arguments(&["predict", "run", "--data", "few", "--out", "less"], &[]));
    said.expect(0, "WARN | record.samples | there are 5 samples");
    assert_eq!(of::<u32>(&place, "less/traces.npz", "sample").1, [0, 4]);

    for (set, words) in [
        ("samples=[0, 21]", "record.samples.1 | no sample 21 among the 21"),
        ("samples=[3, 3]", "record.samples.1 | twice"),
        ("spikes=[\"hiden\"]", "no population `hiden` | did you mean `hidden`"),
        ("spikes=[\"classes\"]", "record.spikes.0 | does not spike"),
        ("start=5", "record.start | of simulations"),
        ("traces.0.variables=[\"w\"]", "record.traces.0.variables.0 | only `v`"),
        ("traces.0.population=\"pixels\"", "record.traces.0.population | is a source"),
    ] {
        place.refuses_run("rec.ron", &["--set", &format!("record.{set}")], 2, words);
    }
    for (set, words) in [
        ("populations.pixels.model.encoder=Constant()", "record.spikes.1 | sends values"),
        (
            "populations.hidden.train=[\"tau_m\"]",
            "record.traces.0.population | `hidden` is neither",
        ),
    ] {
        place.refuses_run("rec.ron", &["--set", set], 2, words);
    }
    place.refuses_run(
        "sim.ron",
        &["--set", "record.samples=[0]"],
        2,
        "record.samples | leave it out",
    );
}

const TESTS: &str = r#"biases: true,
        tests: {
            "dead": (silence: 1),
            "dead_noisy": (silence: 1, inputs: 0.5),
            "half": (silence: 0.5, of: ["hidden"]),
            "bare": (prune: 1),
            "noisy": (inputs: 0.6),
            "whole": (inputs: 1e-9),
        },"#;

/// A network is tested while it is damaged, and is whole after that; the same damage is done each time.
#[test]
fn a_trained_network_is_damaged_and_mended() {
    let place = Place::new();
    fs::write(place.path("damage.ron"), edit(TRAINING, "biases: true,", TESTS)).unwrap();
    fs::write(place.path("stripes.ron"), STRIPES).unwrap();
    let training = place.done("damage.ron", "run", &[])["training"].clone();
    let tests = &training["tests"];
    let names: Vec<&String> = tests.as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 6);
    // Without the hidden neurons, or without weights, all samples have one answer, which is right for a third of them.
    assert_eq!(tests["dead"], tests["dead_noisy"]);
    for test in ["dead", "bare"] {
        assert_eq!(tests[test]["accuracy"].as_f64(), Some(7.0 / 21.0), "{test}");
    }
    // Noise that is less than a level changes nothing, and what was damaged before is whole again.
    let best = &training["epochs"][training["best_epoch"].as_u64().unwrap() as usize - 1];
    assert_eq!(tests["whole"]["loss"], best["test_loss"]);
    assert_eq!(tests["whole"]["accuracy"], best["test_accuracy"]);
    for test in ["dead", "half", "bare", "noisy"] {
        assert_ne!(tests[test]["loss"], tests["whole"]["loss"], "{test}");
    }
    // A run without tests learned and answers the same.
    place.done("train.ron", "plain", &["--threads", "1"]);
    for file in ["predictions.npz", "weights.safetensors", "weights-best.safetensors"] {
        let same = place.read(&format!("run/{file}")) == place.read(&format!("plain/{file}"));
        assert!(same, "{file} is another");
    }
    let again = place.done("damage.ron", "again", &["--threads", "1"]);
    assert_eq!(again["training"]["tests"], *tests);

    let small = |training: &Value| training["small_weights"].as_f64().unwrap();
    assert!(small(&training) < 0.1, "{}", small(&training));
    // Each update takes more than there is of any weight.
    let shrunk = place.done("train.ron", "shrunk", &["--set", "training.l1=1000"]);
    assert_eq!(small(&shrunk["training"]), 1.0);

    for (set, words) in [
        ("half.silence=1.5", "training.tests.half.silence | 1.5 is not from 0 to 1"),
        ("bare.prune=-0.1", "training.tests.bare.prune | -0.1 is not from 0 to 1"),
        ("noisy.inputs=-1", "training.tests.noisy.inputs | -1 is negative"),
        ("noisy.inputs=0", "training.tests.noisy | nothing is damaged"),
        ("half.silence=0", "training.tests.half.of | none does"),
        ("half.of=[\"hiden\"]", "training.tests.half.of.0 | `hiden` | did you mean `hidden`"),
        ("half.of=[\"classes\"]", "training.tests.half.of.0 | sends to no other"),
    ] {
        place.refuses_run("damage.ron", &["--set", &format!("training.tests.{set}")], 2, words);
    }
    let pooled =
        ["--set", "populations.hidden.shape=[2, 5, 2]", "--set", "projections.1.pool=Avg([2, 5])"];
    let words = "training.tests.dead.silence | share the weights of `hidden->classes` | `prune`";
    place.refuses_run("damage.ron", &pooled, 2, words);
    let set = "training.tests={\"a\": (prune: 0.5)}";
    place.refuses_run("stripes.ron", &["--set", set], 2, "training.tests | is for gradients");
}
