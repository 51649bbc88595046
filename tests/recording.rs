//! A long simulation: its memory stays flat, and no spike is lost. The only test of its process, whose
//! memory it measures.

use neuralearn::archive::{Archive, SCRATCH};
use neuralearn::engine::cpu::Cpu;
use neuralearn::network::build;
use neuralearn::plan;
use neuralearn::scene::load_str;
use neuralearn::simulation::{Simulation, options, steps};
use std::fs;
use std::path::Path;

const SCENE: &str = r#"(
    version: 1,
    simulation: (dt: 0.5, duration: 100000, seed: 1),
    populations: {
        "noise": (size: 60, model: Poisson(rate: 200)),
        "exc": (size: 20, model: Lif()),
        "silent": (size: 3, model: Lif()),
    },
    projections: [(from: "noise", to: "exc", connect: Dense, weight: 30)],
    record: (
        spikes: ["exc", "noise", "silent"],
        traces: [
            (population: "exc", ids: [0, 7, 3]),
            (population: "silent", every: 10),
        ],
    ),
)"#;

/// Resident memory of this process \[bytes\], where the system tells.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(1024 * line.trim().trim_end_matches(" kB").parse::<u64>().unwrap())
}

fn array<T: npyz::Deserialize>(path: &Path, name: &str) -> (Vec<u64>, Vec<T>) {
    neuralearn::files::read_array(path, name).unwrap()
}

#[test]
fn a_long_run_keeps_its_memory_and_every_spike() {
    let (scene, ..) = load_str("test.ron", SCENE, Path::new(""), &[]).unwrap();
    let network = build(&scene).unwrap();
    let options = options(&scene, &network, 128 << 20).unwrap();
    let plan = plan::plan(&network, &options).unwrap();
    let engine = Box::new(Cpu::<f32>::new(&plan, Some(1), false));
    let mut simulation = Simulation::new(&network, &plan, &scene, engine).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let record = &scene.record;
    let mut archive =
        Archive::create(folder.path(), &network, record, &simulation.recording).unwrap();

    let end = steps(&scene);
    assert_eq!(end, 200_000);
    let mut memory = Vec::new();
    for tenth in 1..=10 {
        let observe = &mut |recording: &mut _| archive.take(recording).map(|()| true).unwrap();
        simulation.run(end * tenth / 10, observe).unwrap();
        memory.extend(resident());
    }
    // In memory the spikes alone would be 16 bytes each, twenty times this bound.
    if let [first, .., last] = memory[..] {
        assert!(last < first + (1 << 20), "resident bytes after each tenth: {memory:?}");
    }
    archive.write(&mut simulation.recording).unwrap();
    archive.close().unwrap();
    assert!(!folder.path().join(SCRATCH).exists());

    let mut all = 0;
    let spikes = folder.path().join("spikes.npz");
    for (population, activity) in network.populations.iter().zip(&simulation.recording.populations)
    {
        let count = activity.statistics.spikes;
        let (shape, times) = array::<f64>(&spikes, &format!("{}.t_ms", population.name));
        let (same_shape, ids) = array::<u32>(&spikes, &format!("{}.id", population.name));
        assert_eq!((&shape, &same_shape), (&vec![count], &vec![count]), "{}", population.name);
        assert!(times.is_sorted() && times.iter().all(|t| *t > 0.0 && *t <= 100_000.0));
        let mut counts = vec![0; population.size];
        ids.iter().for_each(|id| counts[*id as usize] += 1);
        assert!(activity.statistics.counts().eq(counts), "{}", population.name);
        all += count;
    }
    assert!(20 << 20 < 16 * all, "too few spikes, {all}, to see them in memory");
    assert_eq!(simulation.recording.populations[2].statistics.spikes, 0);

    let traces = folder.path().join("traces.npz");
    for (name, neurons, every, rest) in [("exc", 3, 1, None), ("silent", 3, 20, Some(-70.0))] {
        let samples = end / every;
        let (shape, v) = array::<f32>(&traces, &format!("{name}.v"));
        assert_eq!(shape, [samples, neurons]);
        assert!(v.iter().all(|v| rest.map_or((-70.01..-50.0).contains(v), |rest| *v == rest)));
        let (shape, times) = array::<f64>(&traces, &format!("{name}.t_ms"));
        assert_eq!(shape, [samples]);
        assert!(times.iter().zip(1..).all(|(t, k)| *t == (k * every) as f64 * 0.5), "{name}");
    }
    // The pictures see the whole run.
    for trace in &simulation.recording.traces {
        for excerpt in &trace.excerpts {
            let covered = (excerpt.stride() * excerpt.values().len()) as u64 * trace.every;
            assert!((end * 999 / 1000..=end).contains(&covered), "{covered} steps");
        }
    }
}
