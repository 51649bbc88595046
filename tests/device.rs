//! What a device does in ways of its own: workgroups that share the synapses of a spike.

mod common;

use common::*;
use neuralearn::engine::Engine;

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
