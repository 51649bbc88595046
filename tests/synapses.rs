//! Level 3 for delivery and plasticity: every engine against plain loops over pairs of spikes, which know
//! neither lists nor traces nor rings, for numbers of sources and targets around the sizes of words and blocks.

mod common;

use common::*;
use neuralearn::network::Projection;
use neuralearn::plan::Reals;
use std::collections::BTreeMap;

/// Around a word of 32 spikes, a strip of 16 weights and a block of 64 neurons.
const SIZES: [usize; 8] = [1, 15, 31, 32, 33, 63, 64, 65];
const DT: f64 = 0.5;
const STEPS: u64 = 44;
/// Parts of the delay before and behind the synapse \[steps\]; the delay is drawn in sparse projections.
const DENDRITIC: u64 = 1;
const DELAY: u64 = 3;

const RULE: &str =
    "Stdp(a_plus: 0.6, a_minus: 0.7, tau_plus: 5, tau_minus: 9, w_max: 1, dendritic: 0.5)";
const A_PLUS: f64 = 0.6;
const A_MINUS: f64 = 0.7;
const TAU_PLUS: f64 = 5.0;
const TAU_MINUS: f64 = 9.0;
/// Time constants of the receptors of plastic and of fixed synapses \[ms\].
const TAU: [f64; 2] = [2.0, 3.0];

/// Spikes that are neither regular nor alike: about one in six steps, of which some neurons have none.
fn times(size: usize, stream: usize) -> Vec<Vec<f64>> {
    let spikes = |neuron: usize| {
        let step =
            |k: u64| (k * k + 7 * (neuron + stream) as u64 * k + neuron as u64).is_multiple_of(6);
        let steps = (2..STEPS - 4).filter(|k| neuron % 5 != 4 && step(*k));
        steps.map(|k| k as f64 * DT).collect()
    };
    (0..size).map(spikes).collect()
}

/// A population of sources and one of causes for each size, and for each pair of sizes targets that spike when
/// their causes do, with plastic synapses on one receptor and fixed ones on another.
fn every_size(connect: &str, delay: &str) -> Simulated {
    let [mut populations, mut projections, mut traces] = [(); 3].map(|()| String::new());
    let add = |list: &mut String, line: String| *list += &(line + ",\n");
    for n in SIZES {
        for (name, stream) in [("source", 0), ("cause", 3)] {
            let times = times(n, stream);
            add(
                &mut populations,
                format!(r#""{name}{n}": (size: {n}, model: Spikes(times: {times:?}))"#),
            );
        }
    }
    for (n, m) in SIZES.into_iter().flat_map(|n| SIZES.map(|m| (n, m))) {
        let target = format!("target{n}_{m}");
        let [plastic, fixed] = TAU;
        add(
            &mut populations,
            format!(
                r#""{target}": (size: {m}, model: Lif(t_ref: 0, receptors: {{
                    "jump": Delta(), "plastic": Exp(tau: {plastic}), "fixed": Exp(tau: {fixed}) }}))"#
            ),
        );
        add(
            &mut projections,
            format!(r#"(from: "cause{m}", to: "{target}", connect: OneToOne, weight: 100)"#),
        );
        for (receptor, learn) in [("plastic", format!("learn: {RULE}")), ("fixed", String::new())] {
            add(
                &mut projections,
                format!(
                    r#"(name: "{target}_{receptor}", from: "source{n}", to: "{target}", receptor: "{receptor}", connect: {connect},
                        weight: Uniform(low: 0.1, high: 1), delay: {delay}, {learn})"#
                ),
            );
        }
        let ids: Vec<usize> = (0..m).collect();
        add(
            &mut traces,
            format!(
                r#"(population: "{target}", ids: {ids:?}, variables: ["i_plastic", "i_fixed"])"#
            ),
        );
    }
    simulated(&format!(
        "(version: 1, simulation: (dt: {DT}, duration: {}), populations: {{ {populations} }},
        projections: [{projections}], record: (traces: [{traces}]))",
        STEPS as f64 * DT
    ))
}

/// A number, the magnitude of what it is a sum of, and how many spikes are in it.
#[derive(Clone, Copy, Default)]
struct Sum {
    value: f64,
    magnitude: f64,
    spikes: f64,
}

/// Weights at the end, and the current of each target after each step, by the equations of a pair rule with
/// traces of all spikes and of an exponential current.
fn expected(p: &Projection, spikes: [&[(u64, u32)]; 2], targets: usize) -> (Vec<Sum>, Vec<Sum>) {
    let steps_of = |side: usize, neuron: u32| -> Vec<u64> {
        spikes[side].iter().filter(|s| s.1 == neuron).map(|s| s.0).collect()
    };
    let (mut weights, mut currents) = (Vec::new(), vec![Sum::default(); STEPS as usize * targets]);
    for (k, weight) in p.synapses.weights().iter().enumerate() {
        let (source, target) = p.synapses.ends(k, targets).unwrap();
        let (sent, back) = (steps_of(0, source), steps_of(1, target));
        let delay = p.delay_of(k) as u64;
        let axonal = delay - DENDRITIC;
        let mut w = Sum { value: *weight, magnitude: *weight, spikes: 0.0 };
        for now in 0..STEPS {
            // The spike carries the weight before its own change.
            if sent.contains(&now) && now + delay < STEPS {
                let current = &mut currents[(now + delay) as usize * targets + target as usize];
                current.value += w.value;
                current.magnitude += w.magnitude;
                current.spikes += 1.0;
            }
            if p.rule.is_none() {
                continue;
            }
            // Spikes that have reached the synapse in an earlier step, each faded by its age.
            let met = |spikes: &[u64], delay: u64, tau: f64| -> f64 {
                let ages =
                    spikes.iter().filter_map(|s| now.checked_sub(s + delay)).filter(|age| *age > 0);
                ages.map(|age| (-(age as f64) * DT / tau).exp()).sum()
            };
            let mut change = |by: f64| {
                w.value = (w.value + by).clamp(0.0, 1.0);
                w.magnitude += by.abs();
            };
            if sent.iter().any(|s| s + axonal == now) {
                change(-A_MINUS * met(&back, DENDRITIC, TAU_MINUS));
            }
            if back.iter().any(|s| s + DENDRITIC == now) {
                change(A_PLUS * met(&sent, axonal, TAU_PLUS));
            }
        }
        weights.push(w);
    }
    let decay = (-DT / TAU[usize::from(p.rule.is_none())]).exp();
    for at in targets..currents.len() {
        let before = currents[at - targets];
        let now = &mut currents[at];
        now.value += decay * before.value;
        now.magnitude += decay * before.magnitude;
        now.spikes += decay * before.spikes;
    }
    (weights, currents)
}

fn check(simulated: &Simulated, who: &str, engine: &mut dyn Exact, want: &Done) {
    let done = simulated.run(engine);
    let network = &simulated.network;
    let close = |sum: &Sum| {
        let rounding = if who == "oracle" { 1e-12 } else { tolerance(100, 1.0) };
        // The ring holds multiples of a power of two, at least 2^-22 of the largest weight; half of it is lost.
        rounding * sum.magnitude + 2f64.powi(-22) * sum.spikes
    };
    let (mut changed, mut bounded) = (0, 0);
    for (p, port) in network.projections.iter().zip(&simulated.ports().live) {
        let [from, to] = [p.from, p.to].map(|k| &network.populations[k]);
        if from.name.starts_with("cause") {
            continue;
        }
        let what = format!("{who}: {}", p.name);
        for population in [from, to] {
            let name = &population.name;
            assert!(done.spikes(name) == want.spikes(name), "{what}: spikes of {name}");
        }
        let (weights, currents) =
            expected(p, [&from.name, &to.name].map(|name| done.spikes(name)), to.size);
        let receptor = if p.rule.is_some() { "plastic" } else { "fixed" };
        let got = done.values(&format!("{}.i_{receptor}", to.name));
        assert_eq!(got.len(), currents.len(), "{what}");
        for (at, (got, want)) in got.iter().zip(&currents).enumerate() {
            let (step, target) = (at / to.size, at % to.size);
            let error = (got - want.value).abs();
            assert!(
                error <= close(want),
                "{what}: current of {target} in step {step}: {got} not {}",
                want.value
            );
        }
        let Some(port) = port.as_ref().filter(|_| p.rule.is_some()) else { continue };
        let tiles = &port.weights;
        let contents: BTreeMap<Reals, Vec<f64>> =
            tiles.arrays().into_iter().map(|array| (array, engine.exact(array))).collect();
        for (k, (want, start)) in weights.iter().zip(p.synapses.weights()).enumerate() {
            let (array, place) = tiles.find(k);
            let got = contents[&array][place];
            let error = (got - want.value).abs();
            assert!(error <= close(want), "{what}: weight {k}: {got} not {}", want.value);
            changed += usize::from(want.value != *start);
            bounded += usize::from(want.value == 0.0 || want.value == 1.0);
        }
    }
    assert!(changed > 1000 && bounded > 10, "{changed} weights changed, {bounded} at a bound");
}

fn engines_follow_the_equations(connect: &str, delay: &str) {
    let simulated = every_size(connect, delay);
    let want = simulated.solve();
    check(&simulated, "oracle", &mut simulated.oracle(), &want);
    check(&simulated, "f32", &mut simulated.cpu(2), &want);
    if let Some(found) = adapter("synapses") {
        check(&simulated, "wgsl", &mut gpu(&found, &simulated.plan), &want);
    }
}

#[test]
fn dense_synapses_follow_the_equations() {
    engines_follow_the_equations("Dense", &format!("{}", DELAY as f64 * DT));
}

#[test]
fn sparse_synapses_follow_the_equations() {
    engines_follow_the_equations("FixedProbability(p: 0.4)", "Uniform(low: 1, high: 3)");
}
