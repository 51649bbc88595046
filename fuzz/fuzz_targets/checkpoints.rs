//! A simulation takes any checkpoint with a right hash or refuses it, and runs on with those that it takes.
//!
//! The first bytes change numbers of the arrays, four words each: array, place, value, and whether the array is
//! cut there. What follows a zero byte after them replaces the progress.
#![no_main]

use libfuzzer_sys::fuzz_target;
use neuralearn::checkpoint::{self, Origin, Store};
use neuralearn::engine::cpu::Cpu;
use neuralearn::files::Values;
use neuralearn::network::build;
use neuralearn::plan;
use neuralearn::scene::load_str;
use neuralearn::simulation::{self, Simulation};
use serde_json::Value;
use std::path::Path;

const SCENE: &str = r#"(
    version: 1,
    simulation: (dt: 0.5, duration: 100, seed: 5),
    populations: {
        "noise": (size: 8, model: Poisson(rate: 200)),
        "exc": (size: 6, model: Lif()),
    },
    projections: [
        (from: "noise", to: "exc", connect: Dense, weight: 600, short_term: (u: 0.5, tau_rec: 200)),
        (from: "exc", to: "exc", connect: FixedProbability(p: 0.5), weight: Uniform(low: 5, high: 20),
         delay: Uniform(low: 1, high: 8), learn: Stdp(w_max: 40),
         rewire: (below: 5, weight: 10, every: 20, fraction: 0.5)),
    ],
    record: (spikes: ["exc"], traces: [(population: "exc", every: 5)]),
)"#;

fuzz_target!(|bytes: &[u8]| {
    let scene = load_str("fuzz.ron", SCENE, Path::new(""), &[]).unwrap().0;
    let network = build(&scene).unwrap();
    let options = simulation::options(&scene, &network, 128 << 20).unwrap();
    let plan = plan::simulate(&network, &options).unwrap();
    let start = || {
        let engine = Box::new(Cpu::<f32>::new(&plan, Some(1), false));
        Simulation::new(&network, &plan, &scene, engine).unwrap()
    };
    let mut whole = start();
    whole.run(100, &mut |_| true).unwrap();
    let mut arrays = whole.state().unwrap();
    let mut progress = serde_json::to_value(whole.progress()).unwrap();

    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let words = |bytes: &[u8]| bytes.as_chunks().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
    let changes: Vec<u32> = words(&bytes[..end]);
    for change in changes.as_chunks::<4>().0 {
        let which = change[0] as usize % arrays.len();
        let (value, cut) = (change[2], change[3] % 16 == 0);
        match &mut arrays[which].1 {
            Values::Reals(values) if cut => values.truncate(change[1] as usize),
            Values::Words(values) if cut => values.truncate(change[1] as usize),
            Values::Reals(values) => {
                let place = change[1] as usize % values.len().max(1);
                values.iter_mut().skip(place).take(1).for_each(|x| *x = f32::from_bits(value));
            }
            Values::Words(values) => {
                let place = change[1] as usize % values.len().max(1);
                values.iter_mut().skip(place).take(1).for_each(|x| *x = value);
            }
        }
    }
    if let Some(json) = bytes.get(end + 1..).and_then(|json| serde_json::from_slice::<Value>(json).ok()) {
        progress = json;
    }
    let dir = tempfile::tempdir().unwrap();
    Store::new(dir.path(), Origin::default()).save(1, &progress, &arrays).unwrap();
    let saved = checkpoint::newest(dir.path()).unwrap();
    let mut next = start();
    if let Ok(progress) = saved.progress()
        && next.restore(&saved, progress).is_ok()
    {
        let _ = next.run(200, &mut |_| true);
    }
});
