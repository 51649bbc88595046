//! Measures against a count of the recorded spikes, on every engine and when a run goes on; what is refused.

mod common;
#[path = "common/place.rs"]
mod place;

use common::{Simulated, adapter, gpu, windowed};
use neuralearn::checkpoint::{self, Origin, Store};
use neuralearn::engine::Engine;
use neuralearn::files::read_array;
use neuralearn::scene::load_str;
use neuralearn::simulation::Simulation;
use place::{Place, SIMULATION, edit};
use std::collections::BTreeMap;
use std::path::Path;

/// Five patterns, which make neurons spike among others that spike by themselves.
const SCENE: &str = r#"(
    version: 1,
    simulation: (dt: 0.5, duration: 330, seed: 2),
    populations: {
        "cue": (size: 70, model: Patterns(n: 5, active: 20, rate: 150, every: 60, start: 10, hold: 25,
            corrupt: Swap(0.3))),
        "exc": (size: 70, model: Lif(receptors: {"jump": Delta()})),
    },
    projections: [(from: "cue", to: "exc", connect: OneToOne, weight: 20)],
    stimuli: [(to: "exc", input: Poisson(rate: 20, weight: 20))],
    measures: {
        "rate": Rate(population: "exc"),
        "some": Rate(population: "exc", ids: [3, 69, 20], from: 100.5, to: 250),
        "active": Active(population: "exc", from: 50, to: 150),
        "busy": Active(population: "exc", ids: [5, 6, 7, 8, 9, 10], to: 300, above: 30),
        "shown": Rate(population: "cue", from: 10, to: 35),
        "hit": Hit(population: "exc", patterns: "cue", from: 10, to: 40),
        "false": False(population: "exc", patterns: "cue", from: 10, to: 40),
        "late": Hit(population: "exc", patterns: "cue", from: 40),
        "often": Hit(population: "exc", patterns: "cue", above: 50),
    },
)"#;

/// Spikes of a neuron after `from` and until `to` \[ms\].
fn count(spikes: &[(f64, u32)], neuron: u32, from: f64, to: f64) -> usize {
    let within = |t: f64| t > from + 0.1 && t < to + 0.1;
    spikes.iter().filter(|(t, id)| *id == neuron && within(*t)).count()
}

/// The measures of the scene, from all spikes.
fn counted(cue: &[(f64, u32)], exc: &[(f64, u32)], patterns: &[Vec<u32>]) -> Vec<f64> {
    let rate = |spikes: &[(f64, u32)], ids: &[u32], from: f64, to: f64| {
        let all: usize = ids.iter().map(|id| count(spikes, *id, from, to)).sum();
        all as f64 / ids.len() as f64 / (to - from) * 1000.0
    };
    let active = |ids: &[u32], from: f64, to: f64, above: f64| {
        let is = |id: &&u32| count(exc, **id, from, to) as f64 / (to - from) * 1000.0 > above;
        ids.iter().filter(is).count() as f64 / ids.len() as f64
    };
    let all: Vec<u32> = (0..70).collect();
    // All patterns have as many members.
    let mean = |other: bool, from: f64, to: f64, above: f64| {
        let trials = patterns.iter().enumerate().map(|(k, members)| {
            let ids = all.iter().copied().filter(|id| members.contains(id) != other);
            let begin = 60.0 * k as f64;
            active(&ids.collect::<Vec<_>>(), begin + from, begin + to, above)
        });
        trials.sum::<f64>() / patterns.len() as f64
    };
    vec![
        rate(exc, &all, 0.0, 330.0),
        rate(exc, &[3, 69, 20], 100.5, 250.0),
        active(&all, 50.0, 150.0, 0.0),
        active(&[5, 6, 7, 8, 9, 10], 0.0, 300.0, 30.0),
        rate(cue, &all, 10.0, 35.0),
        mean(false, 10.0, 40.0, 0.0),
        mean(true, 10.0, 40.0, 0.0),
        mean(false, 40.0, 60.0, 0.0),
        mean(false, 0.0, 60.0, 50.0),
    ]
}

fn start<'a>(simulated: &'a Simulated, engine: Box<dyn Engine + 'a>) -> Simulation<'a> {
    Simulation::new(&simulated.network, &simulated.plan, &simulated.scene, engine).unwrap()
}

fn values(simulation: &Simulation<'_>) -> Vec<f64> {
    simulation.recording.measures.iter().map(|measure| measure.value()).collect()
}

#[test]
fn measures_are_what_the_spikes_say() {
    let simulated = windowed(SCENE, 37);
    let patterns = simulated.scene.trials("cue").unwrap().members();
    let check = |who: &str, engine: &mut dyn FnMut() -> Box<dyn Engine>| {
        let mut whole = start(&simulated, engine());
        whole.run(660, &mut |_| true).unwrap();
        let found = values(&whole);
        let [cue, exc] = &whole.recording.populations[..] else { panic!() };
        let wanted = counted(&cue.times, &exc.times, &patterns);
        for ((found, wanted), measure) in found.iter().zip(&wanted).zip(&whole.recording.measures) {
            let name = &measure.name;
            assert!((found - wanted).abs() < 1e-9, "{who}, {name}: {found} is not {wanted}");
            let all = if measure.least.is_some() { 1.0 } else { 1e3 };
            assert!(*found > 0.0 && *found < all, "{who}, {name}: {found} tells nothing");
        }
        // Broken off within a trial, and once more.
        let dir = tempfile::tempdir().unwrap();
        for (to, from) in [(101, false), (290, true), (660, true)] {
            let mut part = start(&simulated, engine());
            if from {
                let saved = checkpoint::newest(dir.path()).unwrap();
                part.restore(&saved, saved.progress().unwrap()).unwrap();
            }
            part.run(to, &mut |_| true).unwrap();
            let (progress, state) = (part.progress(), part.state().unwrap());
            Store::new(dir.path(), Origin::default()).save(to, &progress, &state).unwrap();
            assert!(to < 660 || values(&part) == found, "{who}: {:?}", values(&part));
        }
    };
    check("f32", &mut || Box::new(simulated.cpu(2)));
    if let Some(found) = adapter("measures") {
        check("wgsl", &mut || Box::new(gpu(&found, &simulated.plan)));
    }
}

/// A run writes them, and one that goes on beyond its end counts on.
#[test]
fn measures_stand_in_the_summary() {
    let place = Place::new();
    let measured = "    measures: {\"rate\": Rate(population: \"exc\"),
        \"late\": Rate(population: \"exc\", ids: [1, 2], from: 300, to: 450)},
    results: {\"rate\": \"measures.rate\"},
    record";
    let text = edit(SIMULATION, "    record", measured);
    std::fs::write(place.path("measured.ron"), text).unwrap();
    let summary = place.done("measured.ron", "run", &["--no-report"]);
    let of = |name: &str| summary["measures"][name].as_f64().unwrap();
    let rate = summary["populations"]["exc"]["rate_hz"].as_f64().unwrap();
    assert!((of("rate") - rate).abs() < 1e-9 * rate, "{} {rate}", of("rate"));
    assert_eq!(summary["results"]["rate"], summary["measures"]["rate"]);
    let spikes = place.path("run/spikes.npz");
    let (_, times) = read_array::<f64>(&spikes, "exc.t_ms").unwrap();
    let (_, ids) = read_array::<u32>(&spikes, "exc.id").unwrap();
    let all: Vec<_> = times.into_iter().zip(ids).collect();
    let wanted = [1, 2].map(|id| count(&all, id, 300.0, 450.0)).iter().sum::<usize>() as f64 / 0.3;
    assert!(wanted > 0.0 && (of("late") - wanted).abs() < 1e-9, "{} {wanted}", of("late"));

    let longer = ["--set", "simulation.duration=700", "--no-report"];
    let unbroken = place.done("measured.ron", "unbroken", &longer);
    let resume = [&["--resume", "run", "--engine", "cpu", "--quiet"][..], &longer].concat();
    place.call(&resume).expect(0, "");
    assert_eq!(place.summary("run")["measures"], unbroken["measures"]);
    assert_ne!(unbroken["measures"]["rate"], summary["measures"]["rate"]);
    assert_eq!(unbroken["measures"]["late"], summary["measures"]["late"]);
}

#[test]
fn bad_measures_and_patterns_are_refused() {
    let changes: BTreeMap<&str, &[(&str, &str)]> = BTreeMap::from([
        (
            "to: 250)",
            &[
                (
                    "to: 331)",
                    "measures.some.to | 331 ms are after the end of the simulation, 330 ms",
                ),
                (
                    "to: 100)",
                    "measures.some.from | from 100.5 to 100 ms there is no step of 0.5 ms",
                ),
            ][..],
        ),
        (
            "Rate(population: \"exc\"),",
            &[
                ("Rate(population: \"ex\"),", "measures.rate.population | did you mean `exc`?"),
                (
                    "Rate(population: \"exc\", from: 400),",
                    "measures.rate.from | from 400 to 330 ms",
                ),
            ],
        ),
        (
            "[3, 69, 20]",
            &[
                ("[3, 70]", "measures.some.ids.1 | no neuron 70 among 70"),
                ("[3, 3]", "measures.some.ids.1 | neuron 3 is named twice"),
                ("[]", "measures.some.ids | no neuron is named"),
            ],
        ),
        ("above: 30", &[("above: -1", "measures.busy.above | -1 Hz is negative")]),
        ("\"late\":", &[("\"a.b\":", "measures.a.b | `a.b` is no name for a measure")]),
        (
            "patterns: \"cue\", from: 40)",
            &[
                (
                    "patterns: \"exc\", from: 40)",
                    "measures.late.patterns | `exc` shows no patterns",
                ),
                (
                    "patterns: \"cue\", to: 61)",
                    "measures.late.to | 61 ms are after the end of a trial, 60 ms",
                ),
            ],
        ),
        (
            "(size: 70, model: Lif",
            &[(
                "(size: 71, model: Lif",
                "measures.hit.patterns | `cue` has 70 sources, but `exc` 71 neurons",
            )],
        ),
        (
            "active: 20",
            &[
                (
                    "active: 71",
                    "cue.model.active | 71 sources of a pattern are more than there are, 70",
                ),
                ("active: 60", "cue.model.corrupt | 18 others are to come in, and there are 10"),
                ("active: 0", "cue.model.active | 0 is not enough"),
            ],
        ),
        ("Swap(0.3)", &[("Erase(1.5)", "1.5 is not from 0 to 1")]),
        (
            "n: 5,",
            &[("n: 6,", "cue.model.n | 6 trials of 60 ms take 360 ms, and the run has 330 ms")],
        ),
        (
            "hold: 25",
            &[
                ("hold: 55", "cue.model.hold | end 65 ms after the begin of a trial of 60 ms"),
                ("hold: 0", "cue.model.hold | 0 ms is not strictly positive"),
            ],
        ),
        ("rate: 150", &[("rate: 2500", "cue.model.rate | at most 1 is possible")]),
    ]);
    for (from, changes) in changes {
        for (to, words) in changes {
            let text = edit(SCENE, from, to);
            let error = load_str("test.ron", &text, Path::new(""), &[]).expect_err(to).to_string();
            for word in words.split(" | ") {
                assert!(error.contains(word), "{to}: `{word}` is not in {error}");
            }
        }
    }
    // Everyone is of every pattern.
    let all = edit(&edit(SCENE, "active: 20", "active: 70"), "Swap(0.3)", "Erase(0.3)");
    let error = load_str("test.ron", &all, Path::new(""), &[]).unwrap_err().to_string();
    assert!(error.contains("all 70 sources are of each pattern, and none is not"), "{error}");
}
