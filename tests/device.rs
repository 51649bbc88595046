//! What a device does in ways of its own: workgroups that share the synapses of a spike, and windows that are under way
//! while the host looks at the last one.

mod common;

use common::*;
use neuralearn::checkpoint::{self, Origin, Store};
use neuralearn::engine::Engine;
use neuralearn::simulation::{Simulation, SimulationError};

/// Rows around the sizes of workgroups and shares, of one spike in a step, of some and of many, reach every target
/// through every kind of synapse.
#[test]
fn rows_of_every_length_are_delivered() {
    let Some(found) = adapter("rows") else { return };
    for (sources, targets) in
        [(1, 1), (1, 63), (1, 64), (1, 65), (2, 511), (3, 513), (40, 1100), (300, 70), (1, 40_000)]
    {
        let times: Vec<_> =
            (0..sources).map(|k| [[0.1, 0.2, 0.2, 0.2].get(k).unwrap_or(&0.3)]).collect();
        let simulated = simulated(&format!(
            r#"(version: 1, simulation: (dt: 0.1, duration: 0.5), populations: {{
                "in": (size: {sources}, model: Spikes(times: {times:?})),
                "out": (size: {targets}, model: Lif()) }},
            projections: [
                (from: "in", to: "out", name: "table", connect: Dense,
                 weight: Uniform(low: 1, high: 9), delay: 1),
                (from: "in", to: "out", name: "procedural", connect: Procedural(k: {targets}), weight: 2,
                 delay: 1.3),
                (from: "in", to: "out", name: "dense", connect: Dense,
                 weight: Uniform(low: 1, high: 9), delay: 1.1, short_term: (u: 0.5, tau_rec: 200)),
                (from: "in", to: "out", name: "sparse", connect: FixedOutDegree(k: {targets}),
                 weight: Uniform(low: 1, high: 9), delay: Uniform(low: 1, high: 2.5),
                 short_term: (u: 0.5, tau_rec: 200))])"#
        ));
        // All that was sent is still under way.
        let ring = array(&simulated.plan, "ring");
        let (mut cpu, mut wgsl) = (simulated.cpu(1), gpu(&found, &simulated.plan));
        simulated.run(&mut cpu);
        simulated.run(&mut wgsl);
        let (want, got) = (cpu.read_words(ring).unwrap(), wgsl.read_words(ring).unwrap());
        let what = format!("{sources} sources, {targets} targets");
        assert!(
            want.iter().filter(|sum| **sum != 0).count() >= 3 * targets,
            "{what}: little was sent"
        );
        let differs = want.iter().zip(&got).position(|(want, got)| want != got);
        assert_eq!(differs, None, "{what}: place of the ring");
    }
}

/// A network with input that is drawn, input that the host writes for each window, and weights that change.
fn network(more: &str) -> String {
    format!(
        r#"(version: 1, simulation: (dt: 0.1, duration: 60, seed: 3), populations: {{
            "in": (size: 40, model: Poisson(rate: 60)),
            "exc": (size: 130, model: Lif(t_ref: 1)) }},
        projections: [
            (from: "in", to: "exc", connect: FixedProbability(p: 0.4), weight: 160,
             delay: Uniform(low: 0.2, high: 3)),
            (from: "exc", to: "exc", name: "learns", connect: FixedProbability(p: 0.2), weight: 40, delay: 0.7,
             learn: Stdp(w_max: 80){more})],
        stimuli: [(to: "exc", input: Step(amplitude: 250, start: 5, stop: 50)),
            (to: "exc", input: Poisson(rate: 2000, weight: 16))],
        record: (traces: [(population: "exc", ids: [0, 5, 100], every: 0.7)]))"#
    )
}

fn start<'a>(simulated: &'a Simulated, engine: Box<dyn Engine + 'a>) -> Simulation<'a> {
    Simulation::new(&simulated.network, &simulated.plan, &simulated.scene, engine).unwrap()
}

#[test]
fn windows_under_way_do_not_change_a_bit() {
    let Some(found) = adapter("windows") else { return };
    let whole = simulated(&network(""));
    let cpu = whole.run(&mut whole.cpu(1));
    let whole = whole.run(&mut gpu(&found, &whole.plan));
    assert!(whole.counts["exc"] > 100, "{} spikes", whole.counts["exc"]);
    for window in [7, 250] {
        let parts = windowed(&network(""), window);
        let parts = parts.run(&mut gpu(&found, &parts.plan));
        assert!(parts.spikes == whole.spikes, "windows of {window}: other spikes");
        assert!(parts.recorded == whole.recorded, "windows of {window}: other values");
        assert!(parts.weights == whole.weights, "windows of {window}: other weights");
        assert!(parts.states == whole.states, "windows of {window}: another state at the end");
    }
    // Rounding moves spikes in the end.
    let early = |done: &Done| -> Vec<_> {
        done.spikes("exc").iter().filter(|(step, _)| *step < 200).copied().collect()
    };
    assert_eq!(cpu.spikes("in"), whole.spikes("in"));
    assert!(early(&cpu).len() > 10 && early(&cpu) == early(&whole), "other spikes than on the CPU");
}

/// A run that is stopped ends with the window that is under way, and goes on from there to the same bits.
#[test]
fn a_window_under_way_is_not_lost() {
    let Some(found) = adapter("stopped") else { return };
    let simulated = windowed(&network(""), 7);
    let whole = simulated.run(&mut gpu(&found, &simulated.plan));
    let mut ends = Vec::new();
    let mut first = start(&simulated, Box::new(gpu(&found, &simulated.plan)));
    let stopped = first.run(600, &mut |recording| {
        ends.push(recording.steps);
        recording.steps < 301
    });
    stopped.unwrap();
    assert_eq!(ends, (1..=44).map(|k| 7 * k).collect::<Vec<u64>>());
    let dir = tempfile::tempdir().unwrap();
    let (progress, state) = (first.progress(), first.state().unwrap());
    Store::new(dir.path(), Origin::default()).save(308, &progress, &state).unwrap();
    let saved = checkpoint::newest(dir.path()).unwrap();
    let mut rest = start(&simulated, Box::new(gpu(&found, &simulated.plan)));
    rest.restore(&saved, saved.progress().unwrap()).unwrap();
    rest.run(600, &mut |_| true).unwrap();
    let (a, b) = (&first.recording, &rest.recording);
    let exc = simulated.network.populations.iter().position(|p| p.name == "exc").unwrap();
    let times = [a, b].map(|recording| &recording.populations[exc].times[..]).concat();
    let spikes: Vec<_> = times.iter().map(|(t, id)| ((t / 0.1).round() as u64 - 1, *id)).collect();
    assert_eq!(spikes, whole.spikes("exc"));
    assert_eq!(
        [&a.traces[0].values[..], &b.traces[0].values[..]].concat(),
        whole.recorded["exc.v"]
    );
    assert_eq!(b.populations[exc].statistics.spikes, whole.counts["exc"]);
    assert_eq!(rest.weights().unwrap()[0].1, whole.weights["learns"]);
}

/// Where the host moves synapses after a window, the next one waits for it.
#[test]
fn what_the_host_decides_is_waited_for() {
    let Some(found) = adapter("rewired") else { return };
    let text = network(", rewire: (below: 40, weight: 45, every: 2.1, fraction: 0.5)");
    let simulated = windowed(&text, 7);
    let mut ends = Vec::new();
    let mut device = start(&simulated, Box::new(gpu(&found, &simulated.plan)));
    let stopped = device.run(600, &mut |recording| {
        ends.push(recording.steps);
        recording.steps < 21
    });
    stopped.unwrap();
    assert_eq!(ends, [7, 14, 21]);
}

/// A run that diverges names neuron and step, and has the states by that step, not those of the window that was
/// under way.
#[test]
fn divergence_is_that_of_its_window() {
    // In the second window the first neuron gets more than a float holds, in the third the other one.
    let simulated = windowed(
        r#"(version: 1, simulation: (dt: 0.1, duration: 10), populations: {
            "in": (size: 2, model: Spikes(times: [[1.0], [2.0]])),
            "out": (size: 2, model: Lif()) },
        projections: [
            (from: "in", to: "out", name: "a", connect: OneToOne, weight: 3e38, delay: 0.1),
            (from: "in", to: "out", name: "b", connect: OneToOne, weight: 3e38, delay: 0.1)])"#,
        10,
    );
    let check = |who: &str, engine: Box<dyn Engine + '_>| {
        let mut simulation = start(&simulated, engine);
        let error = simulation.run(100, &mut |_| true).unwrap_err();
        let SimulationError::Diverged { population, neuron, step, .. } = &error else {
            panic!("{who}: {error}")
        };
        assert_eq!((&population[..], *neuron, *step), ("out", 0, 20), "{who}");
        let states = simulation.states().unwrap();
        let finite = |id: usize| states.iter().all(|(_, values)| values[id].is_finite());
        assert!(!finite(0) && finite(1), "{who}: {states:?}");
    };
    check("f32", Box::new(simulated.cpu(1)));
    if let Some(found) = adapter("diverged") {
        check("wgsl", Box::new(gpu(&found, &simulated.plan)));
    }
}
