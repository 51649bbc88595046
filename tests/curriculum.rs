//! Samples by their scores: an experiment with its controls, what it leaves behind, and what is refused.

#[path = "common/place.rs"]
mod place;

use neuralearn::files::{Npy, read_array, write_npz};
use place::{Place, TRAINING, edit};
use std::collections::BTreeSet;
use std::fs;

/// The first stage scores the samples, the others show them by these scores.
fn stages() -> String {
    let order = r#"batch: 8, order: Scored(by: Margin, from: 0.25, growth: Step(3))"#;
    let stages = r#"stages: {
        "reference": (set: ["training.order=Shuffled", "training.scores=true"]),
        "easy": (scores: "reference"),
        "anti": (scores: "reference", set: ["training.order.order=Anti"]),
        "shuffled": (scores: "reference", set: ["training.order.order=Shuffled"]),
        "none": (set: ["training.order=Shuffled"]),
    },
    training: ("#;
    edit(&edit(TRAINING, "batch: 8", order), "training: (", stages)
}

/// All controls have as many updates, and the same parts of the samples are there in each epoch; only which they are differs.
#[test]
fn modes_have_equal_updates_and_other_samples() {
    let place = Place::new();
    place.images(400);
    fs::write(place.path("curriculum.ron"), stages()).unwrap();
    place.done("curriculum.ron", "run", &[]);

    let scores = |name| {
        let file = place.path("run/reference/scores.npz");
        let (shape, scores) = read_array::<f64>(&file, name).unwrap();
        assert_eq!(shape, [400]);
        scores
    };
    let (loss, margin) = (scores("loss"), scores("margin"));
    assert!(loss.iter().all(|loss| *loss > 0.0));
    // With the cross-entropy of a softmax of three outputs x, the margin m bounds the loss: m from below by ln(1 + e^-m), and
    // the other by as much again.
    for (loss, margin) in loss.iter().zip(&margin) {
        let bounds = [1.0, 2.0].map(|others: f64| (others * (-margin).exp()).ln_1p());
        assert!((bounds[0] - 1e-5..=bounds[1] + 1e-5).contains(loss), "{loss}: {margin}");
    }

    let shares = |stage: &str| -> Vec<Option<f64>> {
        let epochs = place.metrics(&format!("run/{stage}"));
        epochs.iter().map(|epoch| epoch["share"].as_f64()).collect()
    };
    assert_eq!(shares("none"), [None; 4]);
    for stage in ["easy", "anti", "shuffled"] {
        assert_eq!(shares(stage), [0.25, 0.5, 0.75, 1.0].map(Some), "{stage}");
    }
    let all = ["reference", "easy", "anti", "shuffled", "none"];
    let updates = |stage: &str| -> BTreeSet<String> {
        let names = fs::read_dir(place.path(&format!("run/{stage}/checkpoints"))).unwrap();
        names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    };
    // Checkpoints are called by their updates.
    assert!(all.iter().all(|stage| updates(stage) == updates("none")), "{:?}", updates("easy"));
    let weights: Vec<Vec<u8>> =
        all.iter().map(|stage| place.read(&format!("run/{stage}/weights.safetensors"))).collect();
    assert!(weights[0] == weights[4], "the control without a curriculum is the reference");
    for (k, one) in weights[..4].iter().enumerate() {
        assert!(weights[..k].iter().all(|other| other != one), "{}", all[k]);
    }
}

#[test]
fn scores_that_are_not_there_are_refused() {
    let place = Place::new();
    let refuse = |text: &str, code: i32, words: &str| {
        fs::write(place.path("bad.ron"), text).unwrap();
        place.refuses_run("bad.ron", &[], code, words);
    };
    let scored = |order: &str| edit(TRAINING, "batch: 8", &format!("batch: 8, order: {order}"));
    refuse(&scored("Scored(from: 0.5)"), 3, "training.order | has no `file`");
    refuse(&scored("Scored(from: 0.5, file: \"none.npz\")"), 3, "none.npz | `scores: true`");
    let file = place.path("scores.npz");
    let numbers: Vec<f64> = (0..41).map(f64::from).collect();
    write_npz(&file, &[Npy::of("own", &[41], &numbers)]).unwrap();
    let own = scored("Scored(from: 0.5, file: \"scores.npz\", by: Array(\"own\"))");
    refuse(&own, 3, "scores.npz | `own` has 41 scores for 42 training samples");
    let numbers: Vec<f64> = (0..42).map(|k| if k == 17 { f64::NAN } else { 1.0 }).collect();
    write_npz(&file, &[Npy::of("own", &[42], &numbers)]).unwrap();
    refuse(&own, 3, "scores.npz | score of sample 17 in `own` is NaN");

    let stages = stages();
    for (from, to, words) in [
        ("\"easy\": (scores: \"reference\")", "\"easy\": ()", "stages.easy | has none"),
        (
            "\"none\": (",
            "\"none\": (scores: \"reference\", ",
            "stages.none | shows no samples by them",
        ),
        ("Scored(by", "Scored(file: \"x.npz\", by", "stages.easy | a `file` of others"),
    ] {
        refuse(&edit(&stages, from, to), 2, words);
    }
}
