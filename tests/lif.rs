//! Level 2 to 4 for the integrate-and-fire neuron: the f64 oracle against closed forms and printed
//! numbers, the f32 twin and the shader against the oracle.

mod common;

use common::*;
use neuralearn::engine::Engine;
use neuralearn::engine::cpu::Cpu;
use neuralearn::network::Network;
use neuralearn::neuron::lif::{HELD, propagators};
use neuralearn::plan::Plan;

fn alone(dt: f64, size: usize, model: &str) -> String {
    format!(
        r#"(version: 1, simulation: (dt: {dt}, duration: 100), populations: {{
            "cell": (size: {size}, model: Lif({model})) }})"#
    )
}

/// Distances to the threshold over `steps` steps, steps × neurons, on the oracle.
fn oracle(text: &str, steps: usize) -> (Network, Plan, Vec<f64>) {
    let scene = scene(text);
    let (network, plan) = plan(&scene, 1, steps, 0);
    let mut engine = Cpu::<f64>::new(&plan, Some(1), false);
    engine.run(plan.program("simulate").unwrap(), &clock(1), steps).unwrap();
    let tape = engine.wide(array(&plan, "cell.tape"));
    (network, plan, tape)
}

/// Steps at which a neuron spikes.
fn spikes(tape: &[f64]) -> Vec<usize> {
    (0..tape.len()).filter(|t| tape[*t] >= 0.0).collect()
}

/// NEST's example of a neuron charged by 1000 pA: the printed potentials, the spike at 4.8 ms, 20
/// steps clamped, and the same again.
#[test]
fn charging_by_a_constant_current() {
    let (_, _, u) = oracle(&alone(0.1, 1, "i_e: 1000, v_reset: -70"), 130);
    let v = |step: usize| u[step - 1] - 55.0;
    let printed = [
        (1, -69.601993349967),
        (2, -69.207946932270),
        (3, -68.817821341940),
        (4, -68.431577566093),
        (5, -68.049176980029),
        (44, -55.761456843326),
        (45, -55.505126064871),
        (46, -55.251345820277),
        (47, -55.000090731308),
        (69, -69.601993349967),
    ];
    for (step, value) in printed {
        assert!((v(step) - value).abs() <= 1e-9, "step {step}: {} not {value}", v(step));
    }
    assert_eq!(spikes(&u), [47, 47 + 68]);
    assert!(u[48..68].iter().all(|x| *x == HELD), "held for 20 steps");
    assert!(u[68] > HELD);
}

/// Interval between spikes against t_ref + tau ln(mu / (mu - 15)), rounded up to the grid.
#[test]
fn rate_by_current() {
    for current in [400.0, 500.0, 750.0, 1450.0] {
        let (_, _, u) = oracle(&alone(0.1, 1, &format!("i_e: {current}")), 1000);
        let mu: f64 = current * 10.0 / 250.0;
        let exact = 2.0 + 10.0 * (mu / (mu - 15.0)).ln();
        let steps = ((exact - 2.0) / 0.1).ceil() as usize + 20;
        let times = spikes(&u);
        assert!(times.len() >= 3, "{current} pA");
        assert!(
            times.windows(2).all(|w| w[1] - w[0] == steps),
            "{current} pA: {times:?}, not {steps}"
        );
    }
}

/// The absolute refractory period is an exact number of steps, however strong the drive.
#[test]
fn absolute_refractory_period() {
    for (dt, t_ref, held) in [(0.1, 1.7, 17), (0.1, 0.3, 3), (1.0, 2.0, 2), (0.1, 0.0, 0)] {
        let (_, _, u) = oracle(&alone(dt, 1, &format!("i_e: 1e7, t_ref: {t_ref}")), 400);
        let times = spikes(&u);
        assert!(times.len() > 15);
        assert!(times.windows(2).all(|w| w[1] - w[0] == held + 1), "{t_ref}: {times:?}");
        assert_eq!(u.iter().filter(|x| **x == HELD).count() / held.max(1), {
            if held == 0 { 0 } else { 400 / (held + 1) }
        });
    }
}

/// After a spike the threshold is raised by delta_th and falls back with tau_rel: the drive that just
/// fails to fire then must exceed v_th + delta_th exp(-t / tau_rel).
#[test]
fn relative_refractory_period() {
    let model = "i_e: 1000, t_ref: 0, delta_th: 7, tau_rel: 5";
    let (network, _, u) = oracle(&alone(0.1, 1, model), 300);
    let neuralearn::network::Kind::Lif(lif) = &network.populations[0].kind else { panic!() };
    let cell = lif.cells[0];
    let (mut v, mut raised) = (0.0, 0.0);
    for (step, u) in u.iter().enumerate() {
        v = cell.p22 * v + cell.p20 * 1000.0;
        assert!((v - (15.0 + raised) - u).abs() <= 1e-9, "step {step}");
        raised *= (-0.1f64 / 5.0).exp();
        if *u >= 0.0 {
            (v, raised) = (0.0, raised + 7.0);
        }
    }
    let plain = spikes(&oracle(&alone(0.1, 1, "i_e: 1000, t_ref: 0"), 300).2);
    let raised = spikes(&u);
    assert_eq!(plain[0], raised[0]);
    assert!(raised.len() < plain.len());
    let intervals: Vec<_> = raised.windows(2).map(|w| w[1] - w[0]).collect();
    assert!(intervals.windows(2).all(|w| w[1] >= w[0]), "it accumulates: {intervals:?}");
}

/// Response to one spike of 100 pA: printed potentials after its arrival, and the peak.
#[test]
fn exponential_synaptic_current() {
    let text = r#"(version: 1, simulation: (dt: 0.1, duration: 100), populations: {
            "source": (size: 1, model: Lif(i_e: 1450, t_ref: 50)),
            "cell": (size: 1, model: Lif()) },
        projections: [(from: "source", to: "cell", connect: Dense, weight: 100, delay: 1.5)])"#;
    let scene = scene(text);
    let (_, plan) = plan(&scene, 1, 400, 0);
    let mut engine = Cpu::<f64>::new(&plan, Some(1), false);
    engine.run(plan.program("simulate").unwrap(), &clock(1), 400).unwrap();
    let source = engine.wide(array(&plan, "source.tape"));
    let cell = engine.wide(array(&plan, "cell.tape"));
    let spike = spikes(&source)[0];
    // The spike is at the end of its step, the current starts a delay later.
    let arrival = spike + 1 + 15;
    let v = |ms: f64| cell[arrival + (ms / 0.1).round() as usize - 1] + 15.0;
    assert_eq!(cell[arrival - 1] + 15.0, 0.0);
    let printed = [
        (0.1, 0.038820409248),
        (0.5, 0.172428641429),
        (1.0, 0.298306758323),
        (2.0, 0.450851311907),
        (5.0, 0.524445661089),
        (10.0, 0.361141494172),
        (20.0, 0.135289883307),
    ];
    for (ms, value) in printed {
        assert!((v(ms) - value).abs() <= 1e-11, "{ms} ms: {} not {value}", v(ms));
    }
    let peak = cell.iter().fold(f64::MIN, |m, u| m.max(u + 15.0));
    assert!((peak - 0.534992243981).abs() <= 2e-5, "{peak}");
}

/// The propagator from current to potential near its singularity, tau_syn = tau_m + delta, against
/// the two terms of its series in delta.
#[test]
fn equal_time_constants() {
    for tau in [1.0f64, 10.0, 100.0] {
        for dt in [0.001f64, 0.1] {
            let limit = dt / 250.0 * (-dt / tau).exp();
            assert!((propagators(dt, tau, 250.0, tau)[1] / limit - 1.0).abs() <= 1e-15);
            for exponent in 1..=10 {
                for sign in [-1.0, 1.0] {
                    let delta = sign * 10f64.powi(-exponent);
                    if tau + delta <= 0.0 || tau <= 10.0 * delta.abs() {
                        continue;
                    }
                    let p21 = propagators(dt, tau, 250.0, tau + delta)[1];
                    let x = dt * (1.0 / (tau + delta) - 1.0 / tau);
                    let series = limit * (1.0 - x / 2.0 + x * x / 6.0 - x * x * x / 24.0);
                    assert!(
                        (p21 / series - 1.0).abs() <= 1e-12,
                        "{tau} {dt} {delta}: {p21} {series}"
                    );
                }
            }
        }
    }
}

/// Decay from -18 to -13 mV with tau = 5 ms: V = -13 - 5 exp(-t/5), as Arbor's tests print it.
#[test]
fn decay_to_rest() {
    let model = "e_l: -13, v_th: 10, v_reset: -23, v_init: -18, tau_m: 5";
    let (_, _, u) = oracle(&alone(0.025, 1, model), 100);
    for (ms, value) in [
        (0.025, -17.9750624),
        (0.05, -17.9502492),
        (0.1, -17.9009934),
        (0.5, -17.5241871),
        (1.0, -17.0936538),
        (1.55, -16.6672348),
    ] {
        let v = u[(ms / 0.025f64).round() as usize - 1] + 10.0;
        assert!((v - value).abs() <= 1e-7, "{ms} ms: {v} not {value}");
        assert!((v + 13.0 + 5.0 * (-ms / 5.0f64).exp()).abs() <= 1e-12);
    }
}

/// f32 on both engines: below threshold the error against the closed form stays within what the
/// rounding of each step can add up to, and is finite.
#[test]
fn f32_stays_close_below_threshold() {
    for (dt, steps) in [(1.0, 500), (0.1, 1000)] {
        let scene = scene(&alone(dt, 70, "i_e: 300"));
        let (_, plan) = plan(&scene, 1, steps, 0);
        let exact = |step: usize| 12.0 * (1.0 - (-(step as f64) * dt / 10.0).exp()) - 15.0;
        // Each step rounds a number of at most 15 mV; its error decays with the membrane.
        let tolerance = tolerance(4, 15.0) / (1.0 - (-dt / 10.0f64).exp());
        let check = |who: &str, engine: &mut dyn Engine| {
            engine.run(plan.program("simulate").unwrap(), &clock(1), steps).unwrap();
            let u = engine.read_reals(array(&plan, "cell.tape")).unwrap();
            for (k, u) in u.iter().enumerate() {
                let error = (f64::from(*u) - exact(k / 70 + 1)).abs();
                assert!(error <= tolerance, "{who}, dt {dt}, step {}: off by {error}", k / 70 + 1);
            }
        };
        check("f32", &mut Cpu::<f32>::new(&plan, None, false));
        if let Some(found) = adapter("lif") {
            check("wgsl", &mut gpu(&found, &plan));
        }
    }
}

/// A ring in which a spike starts at neuron 0 and visits one neuron after the other: the delay is
/// exact at each, whatever the size of the ring, the window and the engine.
#[test]
fn delays_are_exact_around_a_ring() {
    for (n, steps) in [(5, 400), (65, 700)] {
        let mut populations = String::new();
        let mut projections = String::new();
        for k in 0..n {
            let start = if k == 0 { ", v_init: -54" } else { "" };
            populations += &format!(r#""p{k}": (size: 1, model: Lif(t_ref: 20{start})),"#);
            let next = (k + 1) % n;
            projections += &format!(
                r#"(from: "p{k}", to: "p{next}", connect: Dense, weight: 1e6, delay: 0.7),"#
            );
        }
        let scene = scene(&format!(
            "(version: 1, simulation: (dt: 0.1, duration: 70), populations: {{{populations}}}, projections: [{projections}])"
        ));
        let (network, plan) = plan(&scene, 1, steps, 0);
        let check = |who: &str, engine: &mut dyn Engine| {
            engine.run(plan.program("simulate").unwrap(), &clock(1), steps).unwrap();
            for k in 0..n {
                let words = engine.read_words(array(&plan, &format!("p{k}.spikes"))).unwrap();
                let found =
                    neuralearn::record::decode(&words, 1, plan.ports.populations[k].history, steps);
                // A huge current crosses the threshold in the step after its arrival. A lap shorter than
                // the refractory period ends at the first neuron.
                let lap = n * 8;
                let visits = if lap > 200 { steps.div_ceil(lap) } else { 1 };
                let times = (0..visits).map(|v| k * 8 + v * lap).filter(|t| *t < steps);
                let expected: Vec<_> = times.map(|t| (t as u32, 0)).collect();
                let found: Vec<_> = found.collect();
                assert_eq!(found, expected, "{who}, neuron {k} of {}", network.populations.len());
            }
        };
        check("oracle", &mut Cpu::<f64>::new(&plan, Some(1), false));
        check("f32", &mut Cpu::<f32>::new(&plan, Some(2), false));
        if n < 10
            && let Some(found) = adapter("ring")
        {
            check("wgsl", &mut gpu(&found, &plan));
        }
    }
}
