//! Rules of plasticity against trajectories printed for other simulators and sums over pairs of spikes;
//! engines against the oracle, on every form of projection; what must not change a bit does not.

mod common;

use common::*;
use neuralearn::checkpoint::{self, Origin, Store};
use neuralearn::engine::Engine;
use neuralearn::files::Values;
use neuralearn::simulation::Simulation;

/// A source and a neuron that spike at given times \[ms\], with the weight between them recorded after
/// every step; `axonal: 0` unless the rule says otherwise, so that times are those at the synapse.
fn pair(dt: f64, ms: f64, pre: &[f64], post: &[f64], weight: f64, rule: &str) -> Simulated {
    // A jump that arrives one step after its cause makes the neuron spike.
    let post: Vec<f64> = post.iter().map(|t| t - dt).collect();
    simulated(&format!(
        r#"(version: 1, simulation: (dt: {dt}, duration: {ms}), populations: {{
            "pre": (size: 1, model: Spikes(times: [{pre:?}])),
            "cause": (size: 1, model: Spikes(times: [{post:?}])),
            "post": (size: 1, model: Lif(t_ref: 0, receptors: {{"jump": Delta(), "ex": Exp(tau: 2)}})) }},
        projections: [
            (from: "cause", to: "post", connect: Dense, weight: 100),
            (from: "pre", to: "post", receptor: "ex", connect: Dense, weight: {weight}, learn: {rule})],
        record: (weights: [(projection: "pre->post", ids: [0])]))"#
    ))
}

/// Weights at given times \[ms\].
fn at(done: &Done, dt: f64, times: &[f64]) -> Vec<f64> {
    let w = done.values("pre->post.weight");
    times.iter().map(|t| w[(t / dt).round() as usize - 1]).collect()
}

/// Pairs of spikes step by step: the trajectory that follows from NEST's rule by hand.
#[test]
fn pairs_change_weights_as_printed() {
    let rule = "Stdp(a_plus: 0.01, a_minus: 0.01, w_max: 1, axonal: 0)";
    let printed = [
        (15.0, 0.507788007831),
        (28.0, 0.511853704428),
        (30.0, 0.498081664720),
        (50.0, 0.493015214449),
        (60.0, 0.502132672634),
    ];
    let simulated = pair(1.0, 61.0, &[10.0, 30.0, 50.0], &[15.0, 28.0, 60.0], 0.5, rule);
    let times = printed.map(|p| p.0);
    let done = simulated.solve();
    assert_eq!(done.steps("post"), [14, 27, 59]);
    for ((t, want), got) in printed.iter().zip(at(&done, 1.0, &times)) {
        assert!((got - want).abs() <= 1e-12, "{t} ms: {got} not {want}");
    }
    simulated.on_every_engine("pairs", |who, done| {
        for ((t, want), got) in printed.iter().zip(at(&done, 1.0, &times)) {
            // Each of six spikes rounds a trace, a product and a sum.
            assert!((got - want).abs() <= tolerance(30, 0.5), "{who}, {t} ms: {got} not {want}");
        }
    });
}

/// The window of a rule whose changes are proportional to the distance from the bounds, as printed for
/// NEST GPU.
#[test]
fn the_window_is_as_printed() {
    for (interval, want) in [
        (-122.5, 4.98906254441e-4),
        (-22.5, 3.37673766321e-4),
        (-2.5, 5.87515487077e-5),
        (2.5, 9.41248451292e-4),
        (22.5, 6.62326233679e-4),
        (122.5, 5.01093745559e-4),
    ] {
        let rule = "Stdp(a_plus: 1, a_minus: 1, mu_plus: 1, mu_minus: 1, w_max: 1e-3, axonal: 0)";
        let done = pair(0.5, 400.0, &[200.0], &[200.0 + interval], 5e-4, rule).solve();
        let got = at(&done, 0.5, &[400.0])[0];
        // Printed to twelve digits, of a trace that was kept in single precision.
        assert!((got - want).abs() <= 1e-9, "{interval} ms: {got} not {want}");
    }
}

/// The window that a report draws is what a pair of spikes does.
#[test]
fn windows_are_what_pairs_do() {
    for rule in [
        "Stdp(w_max: 1, tau_plus: 12, axonal: 0)",
        "Triplet(a2_plus: 0.01, a3_plus: 0.1, w_max: 1, axonal: 0)",
        "Vogels(eta: 0.01, w_max: 1, axonal: 0)",
    ] {
        for interval in [-40.0, -3.0, 3.0, 40.0] {
            let simulated = pair(0.5, 400.0, &[200.0], &[200.0 + interval], 0.5, rule);
            let got = at(&simulated.solve(), 0.5, &[400.0])[0] - 0.5;
            let rule = simulated.network.projections[1].rule.as_ref().unwrap();
            let want = rule.window(interval).unwrap();
            assert!(want != 0.0 && (got - want).abs() <= 1e-12, "{interval} ms: {got} not {want}");
        }
    }
}

/// Two pairs in a row, the change of the second after that of the first, as printed for NEST GPU.
#[test]
fn changes_follow_each_other_as_printed() {
    let rule = "Stdp(a_plus: 0.01, a_minus: 0.01, mu_plus: 1, mu_minus: 1, w_max: 10, axonal: 0, \
                pairing: Nearest)";
    // The second pair, 3 ms apart, comes so late that the first has faded.
    let done = pair(0.5, 2000.0, &[10.0, 1500.0], &[11.0, 1503.0], 1.0, rule).solve();
    let got = at(&done, 0.5, &[1000.0])[0];
    assert!((got - 1.085610648205).abs() <= 1e-12, "{got}");
}

/// A triplet with a dendritic delay of 1 ms, from NEST's test of the rule.
#[test]
fn triplets_change_weights_as_printed() {
    let rule = "Triplet(a2_plus: 0.1, a3_plus: 0.1, a2_minus: 0.1, a3_minus: 0.1, w_max: 100, unit: 1, \
                axonal: 0, dendritic: 1)";
    let simulated = pair(1.0, 10.0, &[2.0, 6.0], &[4.0], 5.0, rule);
    let got = at(&simulated.solve(), 1.0, &[7.0])[0];
    assert!((got - 4.893263428904).abs() <= 1e-12, "{got}");
    simulated.on_every_engine("triplets", |who, done| {
        let got = at(&done, 1.0, &[7.0])[0];
        assert!((got - 4.893263428904).abs() <= tolerance(20, 5.0), "{who}: {got}");
    });
}

/// Spikes of both sides that reach the synapse in the same step do not see each other, in either order.
#[test]
fn a_pair_in_the_same_step_does_not_count() {
    let rule = "Stdp(w_max: 1, axonal: 0)";
    let done = pair(0.1, 20.0, &[10.0], &[10.0], 0.5, rule).solve();
    assert_eq!(at(&done, 0.1, &[20.0]), [0.5]);
    // With all of the delay in the axon, the pair is simultaneous where the target is later by it.
    let rule = "Stdp(w_max: 1)";
    let done = pair(0.1, 20.0, &[10.0], &[10.1], 0.5, rule).solve();
    assert_eq!(at(&done, 0.1, &[20.0]), [0.5]);
}

/// 60 pairs at 10 ms and several rates, for published sets of parameters of the triplet rule: sums over
/// events, independent of this program. Only triplets make pairs with the target first strengthen a
/// synapse at 50 Hz.
#[test]
fn triplets_depend_on_the_rate_of_pairs_as_printed() {
    let full = "Triplet(w_min: -10, w_max: 10, unit: 1, axonal: 0)";
    let minimal = "Triplet(a2_plus: 0, a3_plus: 6.5e-3, a2_minus: 7.1e-3, a3_minus: 0, tau_y: 114, \
                   w_min: -10, w_max: 10, unit: 1, axonal: 0)";
    let nearest = "Triplet(a2_plus: 8.8e-11, a3_plus: 5.3e-2, a2_minus: 6.6e-3, a3_minus: 3.1e-3, \
                   tau_x: 714, tau_y: 40, pairing: Nearest, w_min: -10, w_max: 10, unit: 1, axonal: 0)";
    for (name, rule, interval, printed) in [
        ("full", full, 10.0, [0.132, 0.247, 0.534, 0.741]),
        ("full", full, -10.0, [-0.334, -0.352, 0.155, 0.727]),
        ("minimal", minimal, 10.0, [0.119, 0.228, 0.532, 0.763]),
        ("minimal", minimal, -10.0, [-0.332, -0.342, 0.174, 0.749]),
        ("nearest", nearest, -10.0, [-0.411, -0.338, 0.260, 0.619]),
    ] {
        for (rate, want) in [10.0, 20.0, 40.0, 50.0].into_iter().zip(printed) {
            let pre: Vec<f64> = (0..60).map(|k| 20.0 + f64::from(k) * 1000.0 / rate).collect();
            let post: Vec<f64> = pre.iter().map(|t| t + interval).collect();
            let ms = pre[59] + 40.0;
            let done = pair(0.5, ms, &pre, &post, 0.0, rule).solve();
            let got = at(&done, 0.5, &[ms])[0];
            assert!(
                (got - want).abs() <= 6e-4,
                "{name}, {interval} ms, {rate} Hz: {got} not {want}"
            );
        }
    }
}

/// A potential that is held: one spike of the source weakens by u above theta_-, and strengthens by its
/// product with u above theta_+ for as long as its trace lasts (Clopath et al. 2010, their clamp protocol).
#[test]
fn a_held_potential_changes_weights_by_its_formula() {
    for u in [-75.0, -60.0, -46.0, -40.0, -20.0] {
        let simulated = simulated(&format!(
            r#"(version: 1, simulation: (dt: 0.5, duration: 500), populations: {{
                "pre": (size: 1, model: Spikes(times: [[100]])),
                "post": (size: 1, model: Lif(e_l: {u}, v_reset: {u}, v_th: 60,
                    receptors: {{"ex": Exp(tau: 2)}})) }},
            projections: [(from: "pre", to: "post", connect: Dense, weight: 0.5,
                learn: Clopath(w_max: 1, unit: 2, axonal: 0))],
            record: (weights: [(projection: "pre->post", ids: [0])]))"#
        ));
        let above = |theta: f64| (u - theta).max(0.0);
        let trace = 0.5 / 15.0 / (1.0 - (-0.5f64 / 15.0).exp());
        let want =
            0.5 - 2.0 * 14e-5 * above(-70.6) + 2.0 * 8e-5 * above(-45.3) * above(-70.6) * trace;
        simulated.on_every_engine("clamp", |who, done| {
            let got = at(&done, 0.5, &[500.0])[0];
            // The potential moves by the arrival of the spike, 0.5 pA for 2 ms at 250 pF.
            let moved = 2.0 * 8e-5 * (0.5 * 2.0 / 250.0) * 170.0;
            let close = if who == "oracle" { moved } else { moved + tolerance(1000, 1.0) };
            assert!((got - want).abs() <= close, "{who}, {u} mV: {got} not {want}");
        });
    }
}

/// Trains of pairs against the equation, step by step from the recorded potential. Pairs strengthen the more
/// the more frequent they are; with the target first they weaken where they are rare.
#[test]
fn potentials_of_spikes_change_weights_by_their_equation() {
    let dt = 0.5;
    let decay = |tau: f64| (-dt / tau).exp();
    let mut changes = Vec::new();
    for (rate, interval, u_ref) in [
        (10.0, 10.0, None),
        (50.0, 10.0, None),
        (20.0, -10.0, None),
        (50.0, -10.0, None),
        (20.0, -10.0, Some(8.0)),
    ] {
        let pre: Vec<f64> = (0..15).map(|k| 20.0 + f64::from(k) * 1000.0 / rate).collect();
        let cause: Vec<f64> = pre.iter().map(|t| t + interval - dt).collect();
        let ms = pre[14] + 60.0;
        let reference = u_ref.map_or(String::new(), |u| format!("u_ref: {u}, tau_mean: 300,"));
        let simulated = simulated(&format!(
            r#"(version: 1, simulation: (dt: {dt}, duration: {ms}), populations: {{
                "pre": (size: 1, model: Spikes(times: [{pre:?}])),
                "cause": (size: 1, model: Spikes(times: [{cause:?}])),
                "post": (size: 1, model: Lif(e_l: -69, v_reset: -60,
                    receptors: {{"jump": Delta(), "ex": Exp(tau: 2)}})) }},
            projections: [
                (from: "cause", to: "post", connect: Dense, weight: 100),
                (from: "pre", to: "post", receptor: "ex", connect: Dense, weight: 0.5, delay: 2,
                    learn: Clopath(w_max: 1, {reference} delay_u: 4, axonal: 1, dendritic: 1.5))],
            record: (weights: [(projection: "pre->post", ids: [0])],
                traces: [(population: "post", ids: [0])]))"#
        ));
        let want = |done: &Done| {
            let (v, spikes) = (done.values("post.v"), done.steps("post"));
            let sent = done.steps("pre");
            // Values at the end of each step.
            let (mut low, mut plus, mut high, mut x) = (vec![], vec![], vec![], vec![]);
            let (mut minus, mut ahead, mut mean, mut trace) = (-69.0, -69.0, 0.0, 0.0);
            let mut w = 0.5f64;
            let mut left = 0;
            for (k, v) in v.iter().enumerate() {
                left = if spikes.contains(&(k as u64)) { 4 } else { i32::max(left - 1, 0) };
                let u = if left > 0 { 33.0 } else { *v };
                minus += (1.0 - decay(10.0)) * (u - minus);
                ahead += (1.0 - decay(7.0)) * (u - ahead);
                mean += (1.0 - decay(300.0)) * (u + 69.0 - mean);
                let fall: f64 = u_ref.map_or(1.0, |u_ref: f64| (mean / u_ref).powi(2));
                low.push(f64::max(minus + 70.6, 0.0) * fall);
                plus.push(f64::max(ahead + 70.6, 0.0));
                let before = if k < 8 { 0.0 } else { plus[k - 8] };
                high.push(f64::max(u + 45.3, 0.0) * before);
                // This step's changes, by what there was at the end of the one before: 2 steps of axon, 3 of
                // dendrite, 8 of potentials that act later.
                let of = |values: &[f64], back: usize| {
                    k.checked_sub(1 + back).map_or(0.0, |k| values[k])
                };
                if k >= 2 && sent.contains(&(k as u64 - 2)) {
                    w -= 14e-5 * of(&low, 3 + 8);
                }
                w += 8e-5 * dt / 15.0 * of(&x, 2) * of(&high, 3);
                trace = trace * decay(15.0) + f64::from(u8::from(sent.contains(&(k as u64))));
                x.push(trace);
            }
            w
        };
        let oracle = simulated.solve();
        assert_eq!(oracle.steps("post").len(), 15);
        let change = want(&oracle) - 0.5;
        changes.push(change);
        simulated.on_every_engine("potentials", |who, done| {
            let (got, want) = (at(&done, dt, &[ms])[0], want(&done));
            let close = if who == "oracle" { 1e-12 } else { tolerance(3000, 0.5) };
            assert!((got - want).abs() <= close, "{who}, {rate} Hz: {got} not {want}");
        });
    }
    assert!(changes[1] > 3.0 * changes[0] && changes[0] > 0.0, "{changes:?}");
    assert!(changes[2] < 0.0 && changes[3] > 0.0, "{changes:?}");
}

/// The change of a Vogels synapse vanishes at the target rate, and has its sign beyond.
#[test]
fn inhibition_is_balanced_at_its_rate() {
    for (rate, sign) in [(3.0, 0.0), (10.0, 1.0), (1.0, -1.0)] {
        // Regular trains that drift through each other see all intervals alike.
        let train = |rate: f64| -> Vec<f64> {
            (1..(60.0 * rate) as u32).map(|k| (f64::from(k) * 2e3 / rate).round() / 2.0).collect()
        };
        let rule = "Vogels(eta: 0.01, w_max: 100, axonal: 0)";
        let done = pair(0.5, 60_000.0, &train(7.77), &train(rate), 50.0, rule).solve();
        let got = at(&done, 0.5, &[60_000.0])[0] - 50.0;
        // One spike of the source falls by 0.01 · 0.12 without the target's.
        let per_spike = got / (60.0 * 7.77) / 0.01;
        let want = 2.0 * 0.02 * (rate - 3.0);
        assert!((per_spike - want).abs() <= 0.02 * (1.0 + want.abs()), "{rate} Hz: {per_spike}");
        assert!(sign == 0.0 || got * sign > 0.0, "{rate} Hz: {got}");
    }
}

/// Rules of rates against their equations, for trains so regular that rates hardly vary.
#[test]
fn rules_of_rates_follow_their_equations() {
    // 50 Hz before, 100 Hz behind; their filtered rates, at the ends of intervals of 10 ms.
    let train =
        |gap: f64| -> Vec<f64> { (1..(3000.0 / gap) as u32).map(|k| f64::from(k) * gap).collect() };
    let (pre, post) = (train(20.0), train(10.0));
    let filtered = |train: &[f64], tau: f64, t: f64| -> f64 {
        let spikes = train.iter().filter(|s| **s <= t + 1e-9);
        spikes.map(|s| (-(t - s) / tau).exp()).sum::<f64>() * 1e3 / tau
    };
    for (name, rule) in [
        ("Hebb", "Hebb(eta: 1e-4, w_max: 10)"),
        ("Oja", "Oja(eta: 1e-4, w_max: 10, unit: 3)"),
        ("Covariance", "Covariance(eta: 1e-3, tau_mean: 400, w_max: 10)"),
        ("Bcm", "Bcm(eta: 1e-5, tau_mean: 400, rho: 40, w_max: 10)"),
    ] {
        let mut w = 1.0f64;
        for k in 1..=250 {
            let t = f64::from(k) * 10.0;
            let [a, b] = [&pre, &post].map(|train| filtered(train, 100.0, t));
            let [m, n] = [&pre, &post].map(|train| filtered(train, 400.0, t));
            w += 0.01
                * match name {
                    "Hebb" => 1e-4 * a * b,
                    "Oja" => 1e-4 * (a * b - b * b * w / 3.0),
                    "Covariance" => 1e-3 * (a - m) * (b - n),
                    _ => 1e-5 * a * b * (b - n * n / 40.0) / 40.0,
                };
            w = w.clamp(0.0, 10.0);
        }
        assert!((w - 1.0).abs() > 0.05, "{name} does nothing: {w}");
        let simulated = pair(0.5, 2500.0, &pre, &post, 1.0, rule);
        simulated.on_every_engine("rates", |who, done| {
            let got = at(&done, 0.5, &[2500.0])[0];
            let close = if who == "oracle" { 1e-9 } else { tolerance(5000, w.max(1.0)) };
            assert!((got - w).abs() <= close, "{who}, {name}: {got} not {w}");
        });
    }
}

/// Scaling beside a rule: weights of a target that is too slow grow until it has its rate.
#[test]
fn scaling_brings_a_neuron_to_its_rate() {
    let simulated = simulated(
        r#"(version: 1, simulation: (dt: 1, duration: 24000), populations: {
            "in": (size: 200, model: Poisson(rate: 20)),
            "out": (size: 3, model: Lif(receptors: {"ex": Exp(tau: 5, e_rev: 0)})) },
        projections: [(from: "in", to: "out", connect: Dense, weight: 0.05, delay: 1,
            learn: Stdp(a_plus: 0, a_minus: 0, w_max: 5),
            scaling: (rho: 12, eta: 0.05, tau_mean: 1000))])"#,
    );
    simulated.on_every_engine("scaling", |who, done| {
        let late = |from: u64| done.spikes("out").iter().filter(|s| s.0 >= from).count() as f64;
        let (first, last) = (late(0) - late(1000), late(14_000) / 10.0 / 3.0);
        assert!(first < 2.0, "{who}: {first} spikes at the start");
        assert!((last - 12.0).abs() <= 2.0, "{who}: {last} Hz at the end");
    });
}

/// A projection between trains that nothing changes: its own current never makes a neuron spike.
fn zoo(connect: &str, delay: &str, rule: &str) -> Simulated {
    simulated(&format!(
        r#"(version: 1, simulation: (dt: 0.5, duration: 500), populations: {{
            "in": (size: 90, model: Poisson(rate: 40), positions: Grid(shape: [10, 9], spacing: 10)),
            "cause": (size: 70, model: Poisson(rate: 30)),
            "out": (size: 70, model: Lif(t_ref: 0, receptors: {{"jump": Delta(), "ex": Exp(tau: 2)}}),
                positions: Grid(shape: [10, 7], spacing: 10)) }},
        projections: [
            (from: "cause", to: "out", connect: OneToOne, weight: 100),
            (from: "in", to: "out", receptor: "ex", {connect}, weight: Uniform(low: 0.1, high: 1.4), delay: {delay},
                learn: {rule})],
        record: (weights: [(projection: "in->out", ids: [0, 1, 5, 40, 77, 200, 300], every: 100)]))"#
    ))
}

#[test]
fn engines_change_weights_alike() {
    let rules = [
        "Stdp(w_max: 1.5)",
        "Stdp(w_max: 1.5, mu_plus: 0.4, mu_minus: 1, pairing: Nearest, dendritic: 0.5)",
        "Triplet(w_max: 1.5, a2_plus: 1e-3)",
        "Vogels(eta: 0.01, w_max: 1.5)",
        "Clopath(w_max: 1.5, a_ltp: 2e-5, dendritic: 0.5)",
        "Oja(eta: 1e-3, w_max: 1.5)",
    ];
    let forms = [
        ("connect: Dense", "1"),
        ("connect: FixedProbability(p: 0.3)", "1.5"),
        ("connect: FixedProbability(p: 0.3)", "Uniform(low: 0.5, high: 6)"),
        ("connect: FixedInDegree(k: 25)", "Normal(mean: 3, std: 1)"),
        // Local receptive fields.
        ("connect: Distance(kernel: Step(p: 1, radius: 25))", "Distance(velocity: 0.02)"),
    ];
    for (connect, delay) in forms {
        for rule in rules {
            let simulated = zoo(connect, delay, rule);
            let want = simulated.solve();
            assert!(want.spikes("out").len() > 300, "{} spikes", want.spikes("out").len());
            let first = want.values("in->out.weight");
            let (start, end) = (&first[..7], &first[first.len() - 7..]);
            assert!(start != end, "nothing is learned by {rule} with {connect}");
            simulated.on_every_engine("rules", |who, done| {
                let what = format!("{who}, {connect}, delay {delay}, {rule}");
                assert!(done.spikes("in") == want.spikes("in"), "{what}: spikes");
                assert!(done.spikes("out") == want.spikes("out"), "{what}: spikes");
                let pairs = done.values("in->out.weight").iter().zip(first);
                for (got, want) in pairs {
                    assert!((got - want).abs() <= tolerance(600, 1.5), "{what}: {got} not {want}");
                }
            });
        }
    }
}

/// Dense weights and the same synapses in a list learn the same, bit for bit where they round alike.
#[test]
fn dense_and_sparse_learn_alike() {
    let rule = "Stdp(w_max: 1.5)";
    let weights = |connect: &str, delay: &str| {
        let simulated = zoo(connect, delay, rule);
        let mut cpu = simulated.cpu(1);
        simulated.run(&mut cpu);
        let port = simulated.ports().live[1].clone().unwrap().weights;
        let contents = port.arrays().into_iter().map(|array| cpu.read_reals(array).unwrap());
        port.unpack(&contents.collect::<Vec<_>>())
    };
    // A drawn delay that is always the same makes a list of a dense projection.
    let dense = weights("connect: Dense", "1");
    let list = weights("connect: Dense", "Uniform(low: 1, high: 1)");
    // One lies by source, the other by target.
    let transposed: Vec<f32> = (0..90 * 70).map(|k| list[k % 70 * 90 + k / 70]).collect();
    assert!(dense == transposed);
    let start = zoo("connect: Dense", "1", rule).network.projections[1].synapses.weights().to_vec();
    let changed = dense.iter().zip(&start).filter(|(a, b)| (f64::from(**a) - **b).abs() > 1e-3);
    assert!(changed.count() > 5000);
}

/// Windows, and the number of threads, do not change what is learned.
#[test]
fn windows_and_threads_do_not_matter() {
    let text = r#"(version: 1, simulation: (dt: 0.5, duration: 300), populations: {
        "in": (size: 90, model: Poisson(rate: 40)),
        "out": (size: 150, model: Lif(tau_m: 20, receptors: {"ex": Exp(tau: 5, e_rev: 0)})) },
    projections: [
        (from: "in", to: "out", connect: Dense, weight: 1, delay: 2, learn: Stdp(w_max: 1.5)),
        (from: "out", to: "out", connect: FixedProbability(p: 0.1), weight: 0.2,
            delay: Uniform(low: 0.5, high: 8), learn: Triplet(w_max: 1, a2_plus: 1e-3))],
    record: (weights: [(projection: "out->out", every: 5), (projection: "in->out", every: 5)]))"#;
    let whole = simulated(text);
    let want = whole.run(&mut whole.cpu(1));
    assert!(want.spikes("out").len() > 300);
    for (window, threads) in [(7, 1), (64, 2), (1000, 3)] {
        let cut = windowed(text, window);
        let got = cut.run(&mut cut.cpu(threads));
        assert!(got.spikes("out") == want.spikes("out"), "{window}, {threads}: spikes");
        assert!(got.recorded == want.recorded, "{window}, {threads}: weights differ");
    }
}

/// Synapses from sources whose spikes weaken them move to others, until all are from sources that are silent;
/// what these send in the end arrives through each of them, with its own delay.
#[test]
fn weak_synapses_find_other_sources() {
    // Sources below 20 are silent until the end, the others spike at 100 Hz.
    let train = |k: usize| match k {
        0..20 => vec![1500.0],
        _ => (1..140).map(|s| f64::from(s) * 10.0 + (k % 10) as f64).collect(),
    };
    let trains: Vec<Vec<f64>> = (0..40).map(train).collect();
    let simulated = windowed(
        &format!(
            r#"(version: 1, simulation: (dt: 0.5, duration: 1520), populations: {{
            "in": (size: 40, model: Spikes(times: {trains:?})),
            "out": (size: 30, model: Lif(v_th: 1e6, receptors: {{"ex": Pulse()}})) }},
        projections: [(name: "p", from: "in", to: "out", connect: FixedInDegree(k: 10, multapses: false),
            weight: 0.5, delay: Uniform(low: 1, high: 4), learn: Vogels(eta: 0.2, w_max: 1),
            rewire: (below: 0.2, weight: 0.4, every: 20, fraction: 0.9))],
        record: (traces: [(population: "out", ids: {:?}, variables: ["i_ex"])]))"#,
            (0..30).collect::<Vec<_>>()
        ),
        90,
    );
    let run = |engine: Box<dyn Engine + '_>| {
        let (network, plan) = (&simulated.network, &simulated.plan);
        let mut s = Simulation::new(network, plan, &simulated.scene, engine).unwrap();
        s.run(2600, &mut |_| true).unwrap();
        let (events, rewired) = (s.recording.synaptic_events, s.recording.rewired);
        s.recording.traces[0].values.clear();
        // 1,300 to 1,400 ms: the spikes of the loud sources reach nobody any more.
        s.run(2900, &mut |_| true).unwrap();
        assert_eq!(s.recording.synaptic_events, events);
        s.run(3040, &mut |_| true).unwrap();
        assert_eq!((s.recording.synaptic_events, s.recording.rewired), (events + 300, rewired));
        let i = s.recording.traces[0].values.clone();
        (s.sources().unwrap(), s.weights().unwrap(), i, rewired)
    };
    let oracle = run(Box::new(simulated.oracle()));
    let (sources, weights, i, rewired) = &oracle;
    let source = &sources[0].1;
    assert!(source.iter().all(|s| *s < 20), "{source:?}");
    for row in source.chunks(10) {
        let mut row = row.to_vec();
        row.sort_unstable();
        row.dedup();
        assert_eq!(row.len(), 10, "a source is there twice");
    }
    let start = simulated.network.projections[0].synapses.clone();
    let neuralearn::network::Synapses::Sparse { source: first, delays, .. } = &start else {
        panic!("not a list")
    };
    assert!(first.iter().any(|s| *s >= 20) && *rewired >= 100, "{rewired}");
    // Pulses of 1,500 ms, and none before.
    for target in 0..30 {
        for step in 2600..3040u64 {
            let arrives = |k: &usize| step == 2999 + u64::from(delays[*k]);
            let synapses = (10 * target..10 * target + 10).filter(arrives);
            let want: f32 = synapses.map(|k| weights[0].1[k] * 1.0).sum();
            let got = i[(step as usize - 2600) * 30 + target];
            // The weight before its own change by the spike, 0.2 · 0.12 or what is left above 0.
            let most = 0.2 * 0.12 * 10.0 + 1e-3;
            assert!(
                (got - want).abs() <= most && (got > 0.0) == (want > 0.0),
                "{step}: {got} {want}"
            );
        }
    }
    let check = |who: &str, engine: Box<dyn Engine + '_>| {
        let other = run(engine);
        assert!(other.0 == oracle.0 && other.3 == oracle.3, "{who}: other synapses");
        for (a, b) in other.1[0].1.iter().zip(&oracle.1[0].1) {
            assert!(f64::from((a - b).abs()) <= tolerance(500, 1.0), "{who}: {a} not {b}");
        }
    };
    check("f32", Box::new(simulated.cpu(2)));
    if let Some(found) = adapter("rewire") {
        check("wgsl", Box::new(gpu(&found, &simulated.plan)));
    }
}

/// What a checkpoint holds is all that the steps after it depend on, on every engine, bit for bit.
#[test]
fn a_checkpoint_holds_traces_marks_and_concentrations() {
    let simulated = windowed(
        r#"(version: 1, simulation: (dt: 0.5, duration: 300), populations: {
        "in": (size: 90, model: Poisson(rate: 40)),
        "out": (size: 150, model: Lif(t_ref: 2, tau_rel: 10, delta_th: 2,
            receptors: {"ex": Exp(tau: 5, e_rev: 0)})) },
    projections: [
        (from: "in", to: "out", connect: Dense, weight: 1, delay: 2, learn: Stdp(w_max: 1.5),
            short_term: (u: 0.3, tau_rec: 100)),
        (name: "p", from: "out", to: "out", connect: FixedProbability(p: 0.1), weight: 0.2,
            delay: Uniform(low: 0.5, high: 8),
            learn: Stdp(w_max: 1, eligibility: (modulator: "m", tau: 100, rate: 0.01)),
            rewire: (below: 0.21, weight: 0.21, every: 10, fraction: 0.3))],
    modulators: { "m": (tau: 50, release: [
            Spikes(population: "in", amount: 0.01),
            Pair(projection: "in->out", synapse: 3, within: "100 ms", low: 60, high: 100, amount: 1)],
        effects: [Threshold(population: "out", slope: -0.5)]) },
    stimuli: [(to: "out", input: Noise(std: 20, tau: 5))])"#,
        37,
    );
    let go = |engine: Box<dyn Engine + '_>, from: Option<&std::path::Path>, to: u64| {
        let (network, plan) = (&simulated.network, &simulated.plan);
        let mut s = Simulation::new(network, plan, &simulated.scene, engine).unwrap();
        if let Some(dir) = from {
            let checkpoint = checkpoint::newest(dir).unwrap();
            let progress = checkpoint.progress().unwrap();
            s.restore(&checkpoint, progress).unwrap();
        }
        s.run(to, &mut |_| true).unwrap();
        let progress = s.progress();
        (serde_json::to_string(&progress).unwrap(), progress, s.state().unwrap())
    };
    let check = |who: &str, engine: &mut dyn FnMut() -> Box<dyn Engine>| {
        let dir = tempfile::tempdir().unwrap();
        let whole = go(engine(), None, 600);
        for (to, from) in [(111, false), (250, true), (399, true)] {
            let from = from.then_some(dir.path());
            let (_, progress, state) = go(engine(), from, to);
            let store = Store::new(dir.path(), Origin::default());
            store.save(to, &progress, &state).unwrap();
        }
        let broken = go(engine(), Some(dir.path()), 600);
        assert_eq!(whole.0, broken.0, "{who}");
        for (a, b) in whole.2.iter().zip(&broken.2) {
            assert!(a == b, "{who}: {} differs", a.0);
        }
        assert!(whole.1.rewired > 50, "{who}: {} rewired", whole.1.rewired);
        let names: Vec<&str> = whole.2.iter().map(|(name, _)| name.as_str()).collect();
        for part in [
            "ring",
            "fired",
            "out.state",
            "in->out.weights.0",
            "in->out.used",
            "p.weights",
            "p.marks.0",
            "out.trace.1",
            "modulators.concentration",
            "out.cell",
            "stimulus.0.process",
            "p.origin",
        ] {
            assert!(names.contains(&part), "{who}: {part} is not among {names:?}");
        }
    };
    check("f32", &mut || Box::new(simulated.cpu(1)));
    if let Some(found) = adapter("checkpoint") {
        check("wgsl", &mut || Box::new(gpu(&found, &simulated.plan)));
    }
}

/// A checkpoint of the CPU serves the shaders: the lists that one leaves are those that the other expects.
#[test]
fn a_checkpoint_serves_another_engine() {
    let Some(found) = adapter("another engine") else { return };
    let simulated = zoo("connect: Dense", "1", "Clopath(w_max: 1.5, a_ltp: 2e-5, dendritic: 0.5)");
    let (network, plan) = (&simulated.network, &simulated.plan);
    let dir = tempfile::tempdir().unwrap();
    let start = |engine| Simulation::new(network, plan, &simulated.scene, engine).unwrap();
    let mut whole = start(Box::new(simulated.cpu(1)));
    whole.run(501, &mut |_| true).unwrap();
    let state = whole.state().unwrap();
    let store = Store::new(dir.path(), Origin::default());
    store.save(501, &whole.progress(), &state).unwrap();
    let mut other = start(Box::new(gpu(&found, plan)));
    let saved = checkpoint::newest(dir.path()).unwrap();
    other.restore(&saved, saved.progress().unwrap()).unwrap();
    // The list for the step after the next begins empty, whoever filled its place a ring ago.
    let listed = |s: &mut Simulation<'_>| {
        s.run(502, &mut |_| true).unwrap();
        let state = s.state().unwrap();
        let (_, lists) = state.iter().find(|(name, _)| name.ends_with(".changing")).unwrap();
        let Values::Words(lists) = lists else { panic!("not words") };
        // 70 targets are padded to 128; their number comes first.
        let slots = lists.len() / 129;
        lists[(502 % slots) * 129]
    };
    assert_eq!(listed(&mut whole), listed(&mut other));
    whole.run(1000, &mut |_| true).unwrap();
    other.run(1000, &mut |_| true).unwrap();
    let (want, got) = (whole.weights().unwrap(), other.weights().unwrap());
    for (k, (want, got)) in want[0].1.iter().zip(&got[0].1).enumerate() {
        assert!(f64::from((want - got).abs()) <= tolerance(600, 1.5), "{k}: {got} not {want}");
    }
}

/// The recursion of Tsodyks and Markram for a train of 50 Hz, by hand.
#[test]
fn short_term_plasticity_follows_its_recursion() {
    for (u_rest, rec, facil) in [(0.5, 800.0, 0.0), (0.1, 100.0, 1000.0), (0.3, 300.0, 200.0)] {
        let simulated = simulated(&format!(
            r#"(version: 1, simulation: (dt: 0.5, duration: 400), populations: {{
                "pre": (size: 1, model: Spikes(times: [[20, 40, 60, 80, 100, 120, 140, 160, 300, 320]])),
                "post": (size: 1, model: Lif(receptors: {{"ex": Pulse()}})) }},
            projections: [(from: "pre", to: "post", connect: Dense, weight: 100,
                short_term: (u: {u_rest}, tau_rec: {rec}, tau_facil: {facil}))],
            record: (traces: [(population: "post", ids: [0], variables: ["i_ex"])]))"#
        ));
        let times = [20.0, 40.0, 60.0, 80.0, 100.0, 120.0, 140.0, 160.0, 300.0, 320.0];
        let (mut u, mut x, mut last) = (0.0f64, 1.0f64, 0.0f64);
        let want: Vec<f64> = times
            .iter()
            .map(|t: &f64| {
                let wait = t - last;
                last = *t;
                u *= if facil > 0.0 { (-wait / facil).exp() } else { 0.0 };
                x = 1.0 - (1.0 - x) * (-wait / rec).exp();
                u += u_rest * (1.0 - u);
                let efficacy = u * x;
                x -= efficacy;
                100.0 * efficacy
            })
            .collect();
        simulated.on_every_engine("short term", |who, done| {
            // A pulse lasts for the step of its arrival, one after the spike.
            let i = done.values("post.i_ex");
            let got = times.map(|t| i[(t / 0.5) as usize]);
            for (k, (got, want)) in got.iter().zip(&want).enumerate() {
                // The ring counts in units of 2^-22 of 128, the next power of two; half of one is lost.
                let unit = 128.0 / f64::from(1 << 22);
                let close =
                    0.5 * unit + if who == "oracle" { 1e-12 } else { tolerance(1500, 100.0) };
                assert!((got - want).abs() <= close, "{who}, spike {k}: {got} not {want}");
            }
            assert!(i.iter().filter(|x| **x != 0.0).count() == times.len(), "{who}");
        });
    }
}

/// A modulator moves the learning rate, the gain, the noise and the threshold by its concentration above rest.
#[test]
fn modulators_act_on_learning_gain_noise_and_threshold() {
    let scene = |effects: &str, v_th: &str| {
        format!(
            r#"(version: 1, simulation: (dt: 0.5, duration: 60), populations: {{
                "pre": (size: 1, model: Spikes(times: [[10, 30, 50]])),
                "cause": (size: 1, model: Spikes(times: [[14.5, 34.5, 54.5]])),
                "post": (size: 70, model: Lif(t_ref: 0, v_th: {v_th}, receptors: {{
                    "jump": Delta(), "ex": Exp(tau: 2)}})) }},
            projections: [
                (from: "cause", to: "post", connect: Dense, weight: 40),
                (name: "p", from: "pre", to: "post", receptor: "ex", connect: Dense, weight: 0.5,
                    learn: Stdp(a_plus: 0.01, a_minus: 0.01, w_max: 1, axonal: 0))],
            modulators: {{ "m": (tau: 20, baseline: 1, release: [Events(times: [25], amount: 2)],
                effects: [{effects}]) }},
            record: (weights: [(projection: "p", ids: [0, 69])], modulators: 0.5,
                traces: [(population: "post", ids: [0], variables: ["i_ex"])]))"#
        )
    };
    let run = |effects: &str, v_th: &str, see: &mut dyn FnMut(&str, Done)| {
        simulated(&scene(effects, v_th)).on_every_engine("modulators", |who, done| see(who, done));
    };
    let plain = simulated(&scene("", "-55")).solve();
    // Released at 25 ms, at the end of step 49; decays from there.
    let d = plain.values("modulators.concentration");
    assert_eq!((d[0], d[48]), (1.0, 1.0));
    assert!((d[49] - 3.0).abs() < 1e-12 && (d[89] - 1.0 - 2.0 * (-1f64).exp()).abs() < 1e-12);

    // What the step that ends at a time changes.
    let change = |done: &Done, t: f64| {
        let (w, k) = (done.values("p.weight"), (t / 0.5) as usize);
        w[2 * (k - 1)] - w[2 * (k - 2)]
    };
    run("Learning(projection: \"p\", slope: -1)", "-55", &mut |who, done| {
        // Before the release as without; after it the rule is turned round by 1 - 2 e^(-10/20), where the
        // concentration is that of the step before.
        let (a, b) = (change(&plain, 15.0), change(&done, 15.0));
        assert!(a > 1e-3 && (a - b).abs() <= tolerance(20, 1.0), "{who}: {b} not {a}");
        let factor = 1.0 - 2.0 * (-(35.0 - 25.0 - 0.5f64) / 20.0).exp();
        let (a, b) = (change(&plain, 35.0), change(&done, 35.0));
        assert!(
            a > 1e-3 && (b - factor * a).abs() <= tolerance(40, 1.0),
            "{who}: {b}, not {factor} of {a}"
        );
    });
    let gain = scene("Gain(population: \"post\", slope: 0.5)", "-55");
    let see = |who: &str, done: Done| {
        let peak = |done: &Done, t: usize| done.values("post.i_ex")[2 * t];
        let (a, b) = (peak(&plain, 10), peak(&done, 10));
        assert!((a - b).abs() <= tolerance(20, 1.0), "{who}: {b} not {a}");
        // The spike carries the weight before its own change.
        let (w, i) = (done.values("p.weight")[2 * 58], peak(&done, 30));
        let factor = 1.0 + 0.5 * 2.0 * (-(30.0 - 25.0f64) / 20.0).exp();
        // And what is left of the first spike.
        let w = w + 0.5 * (-10f64).exp() / factor;
        assert!((i - factor * w).abs() <= tolerance(200, 1.0), "{who}: {i}, not {factor} of {w}");
    };
    simulated(&gain).on_every_engine("gain", see);
    // Receptors of each neuron, of which the last is as before.
    let own = gain.replace("Exp(tau: 2)", "Exp(tau: Linspace(from: 3, to: 2))");
    let own = own.replace("ids: [0], variables", "ids: [69], variables");
    simulated(&own).on_every_engine("gain of each", see);
    // Noise that a modulator at rest leaves as it is, and that is silenced while it is 1 above rest.
    let noise = |effects: &str| {
        simulated(&format!(
            r#"(version: 1, simulation: (dt: 0.5, duration: 60),
            populations: {{ "cell": (size: 70, model: Lif(v_th: 1e6, tau_m: 1)) }},
            stimuli: [(to: "cell", input: Noise(mean: 30, std: 40, tau: 3))],
            modulators: {{ "m": (tau: 1e9, baseline: 1, release: [Events(times: [25], amount: 1)],
                effects: [{effects}]) }},
            record: (traces: [(population: "cell", ids: [0, 69])]))"#
        ))
    };
    let free = noise("").solve();
    noise(r#"Noise(population: "cell", slope: -1)"#).on_every_engine("noise", |who, done| {
        let (v, free) = (done.values("cell.v"), free.values("cell.v"));
        let error = |k: usize| (v[k] - free[k]).abs();
        // WGSL allows a cosine to be off by 2^-11.
        assert!((0..2 * 50).all(|k| error(k) <= 0.1) && error(2 * 60) > 0.1, "{who}");
        // The mean goes on: 30 pA at 250 pF / 1 ms.
        let rest = v[2 * 110..].iter().map(|v| (v + 70.0 - 30.0 / 250.0).abs());
        assert!(rest.fold(0.0, f64::max) <= 1e-4, "{who}: {:?}", &v[2 * 110..]);
    });

    // The jump of 40 mV no longer reaches a threshold that is 30 mV higher.
    for v_th in ["-55", "Uniform(low: -56, high: -55)"] {
        run("Threshold(population: \"post\", slope: 40)", v_th, &mut |who, done| {
            let spikes = |step: u64| done.spikes("post").iter().filter(|s| s.0 == step).count();
            assert_eq!((spikes(29), spikes(69), spikes(109)), (70, 0, 70), "{who}, {v_th}");
        });
    }
}
