//! Copies of a network side by side: what they have in common, what is each one's own, and what has no copies.

mod common;

use common::*;
use neuralearn::engine::Engine;
use neuralearn::engine::cpu::Cpu;
use neuralearn::network::{Network, Synapses, build};
use neuralearn::plan;
use neuralearn::scene::load_str;
use neuralearn::simulation::{Simulation, options, steps};
use std::path::Path;

const N: usize = 70;

/// Two populations of which each has what is drawn: parameters, connections, weights, delays, events, noise and given spikes.
fn text(simulation: &str) -> String {
    format!(
        r#"(version: 1, simulation: (dt: 0.5, duration: 100, seed: 5, {simulation}),
        populations: {{
            "exc": (size: {N}, model: Lif(tau_m: Uniform(low: 15, high: 25), i_e: 200,
                v_init: Uniform(low: -70, high: -55), receptors: {{"ex": Exp(tau: 5)}})),
            "inh": (size: 3, model: Lif(v_init: [-70, -65, -60])),
            "given": (size: 1, model: Spikes(times: [[10, 20, 30]])) }},
        projections: [
            (from: "exc", to: "exc", connect: FixedProbability(p: 0.2), weight: Normal(mean: 20, std: 2),
                delay: Uniform(low: 1, high: 4)),
            (from: "exc", to: "inh", connect: Dense, weight: 40),
            (from: "given", to: "inh", connect: Dense, weight: 900, delay: 2)],
        stimuli: [
            (to: "exc", input: Poisson(rate: 2000, weight: 30)),
            (to: "inh", input: Noise(mean: 100, std: 50)),
            (to: "inh", ids: [1], input: Step(amplitude: 300, start: 0))],
        record: (spikes: ["exc", "inh"]))"#
    )
}

/// The spikes of the first two populations, by step and neuron.
fn ran(
    simulation: &str,
    engine: impl FnOnce(&plan::Plan) -> Box<dyn Engine + '_>,
) -> (Network, [Vec<(u64, u32)>; 2]) {
    let scene = scene(&text(simulation));
    let network = build(&scene).unwrap_or_else(|e| panic!("{e}"));
    let options = options(&scene, &network, 1 << 30).unwrap();
    let plan = plan::plan(&network, &options).unwrap_or_else(|e| panic!("{e}"));
    let engine = engine(&plan);
    let mut simulation = Simulation::new(&network, &plan, &scene, engine).unwrap();
    simulation.run(steps(&scene), &mut |_| true).unwrap_or_else(|e| panic!("{e}"));
    let spikes = [0, 1].map(|k| {
        let times = &simulation.recording.populations[k].times;
        times.iter().map(|(t, id)| ((t / 0.5).round() as u64, *id)).collect()
    });
    drop(simulation);
    (network, spikes)
}

fn cpu(plan: &plan::Plan) -> Box<dyn Engine + '_> {
    Box::new(Cpu::<f32>::new(plan, None, false))
}

/// Spikes of one of the copies of a population of `n`, as if it were alone.
fn of_copy(spikes: &[(u64, u32)], copy: usize, n: usize) -> Vec<(u64, u32)> {
    let neurons = (copy * n) as u32..((copy + 1) * n) as u32;
    let own = spikes.iter().filter(|(_, id)| neurons.contains(id));
    own.map(|(step, id)| (*step, id - neurons.start)).collect()
}

/// Sources, weights and delays of the synapses onto the targets of a copy, with sources as in copy 0.
fn synapses(network: &Network, projection: usize, copy: usize) -> (Vec<u32>, Vec<f64>, Vec<u16>) {
    let p = &network.projections[projection];
    let [sources, targets] = [p.from, p.to].map(|k| network.populations[k].size / network.copies);
    match &p.synapses {
        Synapses::Sparse { start, source, weights, delays } => {
            let within = start[copy * targets] as usize..start[(copy + 1) * targets] as usize;
            let own = source[within.clone()].iter().map(|s| s - (copy * sources) as u32);
            let delays = delays.get(within.clone()).unwrap_or_default().to_vec();
            (own.collect(), weights[within].to_vec(), delays)
        }
        _ => panic!("a list of synapses"),
    }
}

#[test]
fn the_first_copy_is_the_network_alone_and_the_others_are_not() {
    let (alone, spikes_alone) = ran("", cpu);
    let (network, spikes) = ran("copies: 3", cpu);
    assert_eq!(network.neurons(), 3 * alone.neurons());
    assert_eq!(network.synapses(), {
        let of = |copy| (0..3).map(|p| synapses(&network, p, copy).0.len() as u64).sum::<u64>();
        (0..3).map(of).sum::<u64>()
    });
    for (k, n) in [N, 3].into_iter().enumerate() {
        assert!(spikes_alone[k].len() > 10, "{} spikes", spikes_alone[k].len());
        assert_eq!(of_copy(&spikes[k], 0, n), spikes_alone[k]);
        let others = [1, 2].map(|copy| of_copy(&spikes[k], copy, n));
        assert!(others[0] != spikes_alone[k] && others[1] != spikes_alone[k]);
        assert!(others[0] != others[1]);
    }
    let (sources, weights, delays) = synapses(&network, 0, 0);
    assert_ne!(sources, synapses(&network, 0, 1).0);
    // Those of the network alone, weights and delays too.
    let of_alone = synapses(&alone, 0, 0);
    assert_eq!((sources, weights, delays), of_alone);
    // What is given is the same in each.
    assert_eq!(synapses(&network, 1, 2).1, vec![40.0; 3 * N]);
}

#[test]
fn copies_that_are_alike_differ_by_chance_alone() {
    let (network, spikes) = ran("copies: 2, alike: true", cpu);
    for projection in 0..3 {
        assert_eq!(synapses(&network, projection, 0), synapses(&network, projection, 1));
    }
    assert_ne!(of_copy(&spikes[0], 0, N), of_copy(&spikes[0], 1, N));
    // Nothing but events and noise tells them apart: without these their spikes are the same.
    let quiet = text("copies: 2, alike: true")
        .replace("rate: 2000", "rate: 0")
        .replace("std: 50", "std: 0");
    let scene = scene(&quiet);
    let network = build(&scene).unwrap();
    let plan = plan::plan(&network, &options(&scene, &network, 1 << 30).unwrap()).unwrap();
    let mut simulation = Simulation::new(&network, &plan, &scene, cpu(&plan)).unwrap();
    simulation.run(steps(&scene), &mut |_| true).unwrap();
    for (k, n) in [N, 3].into_iter().enumerate() {
        let times = &simulation.recording.populations[k].times;
        let spikes: Vec<_> = times.iter().map(|(t, id)| ((t / 0.5).round() as u64, *id)).collect();
        assert!(spikes.len() > 10);
        assert_eq!(of_copy(&spikes, 0, n), of_copy(&spikes, 1, n));
    }
}

#[test]
fn copies_on_a_device_are_those_of_the_processor() {
    let Some(found) = adapter("copies") else { return };
    let on_device = ran("copies: 3", |plan| Box::new(gpu(&found, plan))).1;
    assert_eq!(on_device, ran("copies: 3", cpu).1);
}

#[test]
fn what_has_no_copies_is_refused() {
    let refusal = |text: &str| {
        let judged = load_str("test.ron", text, Path::new("."), &[]);
        let error = judged.err().unwrap_or_else(|| panic!("accepted: {text}"));
        let said =
            error.problems.iter().map(|p| format!("{}: {}; {:?}\n", p.path, p.message, p.help));
        said.collect::<String>()
    };
    let whole = text("copies: 3");
    for (from, to, words) in [
        ("copies: 3", "copies: 0", "simulation.copies: 0"),
        ("copies: 3", "alike: true", "simulation.alike: there is one copy"),
        ("copies: 3", "copies: 100000000", "7400000000, more than 4294967295"),
        (
            "FixedProbability(p: 0.2), weight: Normal(mean: 20, std: 2),\n                delay: Uniform(low: 1, high: 4)",
            "Procedural(k: 3), weight: 20",
            "projections.0.connect: targets that are drawn | FixedOutDegree",
        ),
        (
            "record:",
            r#"modulators: {"m": (tau: 10, release: [Spikes(population: "exc", amount: 1)],
            effects: [Threshold(population: "inh", slope: 1)])}, record:"#,
            "modulators: a substance would reach all copies | --seeds",
        ),
        (
            "record:",
            r#"measures: {"m": Rate(population: "exc")}, record:"#,
            "measures: a measure counts in one",
        ),
        (
            "record:",
            r#"initial: "somewhere", record:"#,
            "initial: what a run left is of one network",
        ),
    ] {
        assert!(whole.contains(from), "{from}");
        let error = refusal(&whole.replace(from, to));
        for word in words.split(" | ") {
            assert!(error.contains(word), "`{word}` is not in\n{error}");
        }
    }
}
