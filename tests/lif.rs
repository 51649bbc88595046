//! Level 2 to 4 for the integrate-and-fire neuron: the f64 oracle against closed forms and printed
//! numbers, the f32 twin and the shader against the oracle.

mod common;

use common::*;
use neuralearn::neuron::receptor::Response;

/// `size` neurons of which potential and rise of the threshold are recorded.
fn alone(dt: f64, steps: usize, size: usize, model: &str) -> Simulated {
    let ids: Vec<usize> = (0..size).collect();
    simulated(&format!(
        r#"(version: 1, simulation: (dt: {dt}, duration: {}), populations: {{
            "cell": (size: {size}, model: Lif({model})) }},
        record: (traces: [
            (population: "cell", ids: {ids:?}, variables: ["v", "threshold_rise"])]))"#,
        dt * steps as f64
    ))
}

/// Potential after each step, and the steps that end with a spike, of one neuron on the oracle.
fn potential(dt: f64, steps: usize, model: &str) -> (Vec<f64>, Vec<u64>) {
    let done = alone(dt, steps, 1, model).solve();
    (done.values("cell.v").to_vec(), done.steps("cell"))
}

/// NEST's example of a neuron charged by 1000 pA: the printed potentials, the spike at 4.8 ms, 20
/// steps clamped, and the same again.
#[test]
fn charging_by_a_constant_current() {
    let (v, spikes) = potential(0.1, 130, "i_e: 1000, v_reset: -70");
    let v = |step: usize| v[step - 1];
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
    assert_eq!(spikes, [47, 47 + 68]);
    assert!((48..=68).all(|step| v(step) == -70.0), "reset, and held for 20 steps");
    assert!(v(69) > -70.0);
}

/// Interval between spikes against t_ref + tau ln(mu / (mu - 15)), rounded up to the grid.
#[test]
fn rate_by_current() {
    for current in [400.0, 500.0, 750.0, 1450.0] {
        let (_, times) = potential(0.1, 1000, &format!("i_e: {current}"));
        let mu: f64 = current * 10.0 / 250.0;
        let exact = 2.0 + 10.0 * (mu / (mu - 15.0)).ln();
        let steps = ((exact - 2.0) / 0.1).ceil() as u64 + 20;
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
        let (_, times) = potential(dt, 400, &format!("i_e: 1e7, t_ref: {t_ref}"));
        assert!(times.len() > 15);
        assert!(times.windows(2).all(|w| w[1] - w[0] == held + 1), "{t_ref}: {times:?}");
        // A weaker drive shows the potential in between.
        let (v, times) = potential(dt, 400, &format!("i_e: 1000, t_ref: {t_ref}"));
        assert!(times.len() > 3);
        for spike in times.iter().filter(|spike| **spike < 400 - held - 1) {
            let after = &v[*spike as usize..][..held as usize + 2];
            let (last, reset) = after.split_last().unwrap();
            assert!(reset.iter().all(|v| *v == -70.0) && *last > -70.0, "{t_ref}: {after:?}");
        }
    }
}

/// After a spike the threshold is raised by delta_th and falls back with tau_rel: the drive that just
/// fails to fire then must exceed v_th + delta_th exp(-t / tau_rel).
#[test]
fn relative_refractory_period() {
    let model = "i_e: 1000, t_ref: 0, delta_th: 7, tau_rel: 5";
    let done = alone(0.1, 300, 1, model).solve();
    let raised = done.steps("cell");
    let (mut v, mut rise, mut spikes) = (-70.0, 0.0, Vec::new());
    for step in 0..300 {
        v = -30.0 + (v + 30.0) * (-0.1f64 / 10.0).exp();
        rise *= (-0.1f64 / 5.0).exp();
        let spike = v >= -55.0 + rise;
        if spike {
            (v, rise) = (-70.0, rise + 7.0);
            spikes.push(step as u64);
        }
        assert!((v - done.values("cell.v")[step]).abs() <= 1e-9, "step {step}");
        assert!((rise - done.values("cell.threshold_rise")[step]).abs() <= 1e-9, "step {step}");
    }
    assert_eq!(raised, spikes);
    let (_, plain) = potential(0.1, 300, "i_e: 1000, t_ref: 0");
    assert_eq!(plain[0], raised[0]);
    assert!(raised.len() < plain.len());
    let intervals: Vec<_> = raised.windows(2).map(|w| w[1] - w[0]).collect();
    assert!(intervals.windows(2).all(|w| w[1] >= w[0]), "it accumulates: {intervals:?}");
}

/// Response to one spike of 100 pA: printed potentials after its arrival, and the peak.
#[test]
fn exponential_synaptic_current() {
    let text = r#"(version: 1, simulation: (dt: 0.1, duration: 40), populations: {
            "source": (size: 1, model: Lif(i_e: 1450, t_ref: 50)),
            "cell": (size: 1, model: Lif()) },
        projections: [(from: "source", to: "cell", connect: Dense, weight: 100, delay: 1.5)],
        record: (traces: [(population: "cell", ids: [0])]))"#;
    let done = simulated(text).solve();
    let cell = done.values("cell.v");
    // The spike is at the end of its step, the current starts a delay later.
    let arrival = done.steps("source")[0] as usize + 1 + 15;
    let v = |ms: f64| cell[arrival + (ms / 0.1).round() as usize - 1] + 70.0;
    assert_eq!(cell[arrival - 1], -70.0);
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
    let peak = cell.iter().fold(f64::MIN, |m, u| m.max(u + 70.0));
    assert!((peak - 0.534992243981).abs() <= 2e-5, "{peak}");
}

/// The propagators from current to potential near their singularities, tau_syn = tau_m + delta,
/// against their series: with y = dt (1 / tau_syn - 1 / tau_m) they are those of equal time constants
/// times the integrals of e^(-y z) and z e^(-y z) over z from 0 to 1.
#[test]
fn equal_time_constants() {
    let series = |y: f64, power: f64| -> f64 {
        let terms = (0..20).scan(1.0, |term, k| {
            let value = *term / (f64::from(k) + 1.0 + power);
            *term *= -y / f64::from(k + 1);
            Some(value)
        });
        terms.sum()
    };
    for tau in [1.0f64, 10.0, 100.0] {
        for dt in [0.001f64, 0.1] {
            let equal = (-dt / tau).exp() / 250.0;
            let deltas = (1..=10).flat_map(|e| [-1.0, 1.0].map(|sign| sign * 10f64.powi(-e)));
            for delta in deltas.chain([0.0]).filter(|delta| tau > 10.0 * delta.abs()) {
                let syn = tau + delta;
                let y = dt * (1.0 / syn - 1.0 / tau);
                let response = Response::Exp { tau: syn };
                let double = Response::DoubleExp { tau_rise: syn, tau_decay: syn };
                let [by_g, by_x] = double.propagators(dt, tau, 250.0);
                let first = equal * dt * series(y, 0.0);
                let second = equal * dt * dt * series(y, 1.0);
                for (got, want) in [
                    (response.propagators(dt, tau, 250.0)[0], first),
                    (by_g, first),
                    (by_x, second),
                ] {
                    assert!((got / want - 1.0).abs() <= 1e-12, "{tau} {dt} {delta}: {got} {want}");
                }
            }
        }
    }
}

/// Decay from -18 to -13 mV with tau = 5 ms: V = -13 - 5 exp(-t/5), as Arbor's tests print it.
#[test]
fn decay_to_rest() {
    let model = "e_l: -13, v_th: 10, v_reset: -23, v_init: -18, tau_m: 5";
    let (v, _) = potential(0.025, 100, model);
    for (ms, value) in [
        (0.025, -17.9750624),
        (0.05, -17.9502492),
        (0.1, -17.9009934),
        (0.5, -17.5241871),
        (1.0, -17.0936538),
        (1.55, -16.6672348),
    ] {
        let v = v[(ms / 0.025f64).round() as usize - 1];
        assert!((v - value).abs() <= 1e-7, "{ms} ms: {v} not {value}");
        assert!((v + 13.0 + 5.0 * (-ms / 5.0f64).exp()).abs() <= 1e-12);
    }
}

/// f32 on both engines: below threshold the error against the closed form stays within what the
/// rounding of each step can add up to, and is finite.
#[test]
fn f32_stays_close_below_threshold() {
    for (dt, steps) in [(1.0, 500), (0.1, 1000)] {
        let simulated = alone(dt, steps, 70, "i_e: 300");
        let exact = |step: usize| 12.0 * (1.0 - (-(step as f64) * dt / 10.0).exp()) - 70.0;
        // Each step rounds a number of at most 15 mV; its error decays with the membrane.
        let tolerance = tolerance(4, 15.0) / (1.0 - (-dt / 10.0f64).exp());
        simulated.on_every_engine("lif", |who, done| {
            for (k, v) in done.values("cell.v").iter().enumerate() {
                let error = (v - exact(k / 70 + 1)).abs();
                assert!(error <= tolerance, "{who}, dt {dt}, step {}: off by {error}", k / 70 + 1);
            }
        });
    }
}

/// A ring in which a spike starts at neuron 0 and visits one neuron after the other: the delay is
/// exact at each, whatever the size of the ring, the window and the engine.
#[test]
fn delays_are_exact_around_a_ring() {
    for (n, steps, window) in [(5u32, 400u32, 400), (5, 400, 37), (65, 700, 1000)] {
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
        let text = format!(
            "(version: 1, simulation: (dt: 0.1, duration: {}), populations: {{{populations}}}, projections: [{projections}])",
            0.1 * f64::from(steps)
        );
        let simulated = windowed(&text, window);
        let check = |who: &str, done: &Done| {
            for k in 0..n {
                // A huge current crosses the threshold in the step after its arrival. A lap shorter than
                // the refractory period ends at the first neuron.
                let lap = n * 8;
                let visits = if lap > 200 { steps.div_ceil(lap) } else { 1 };
                let times = (0..visits).map(|v| k * 8 + v * lap).filter(|t| *t < steps);
                let expected: Vec<_> = times.map(u64::from).collect();
                assert_eq!(done.steps(&format!("p{k}")), expected, "{who}, neuron {k} of {n}");
            }
        };
        check("oracle", &simulated.solve());
        check("f32", &simulated.run(&mut simulated.cpu(2)));
        if n < 10
            && let Some(found) = adapter("ring")
        {
            check("wgsl", &simulated.run(&mut gpu(&found, &simulated.plan)));
        }
    }
}
