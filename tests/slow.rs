//! Slow processes in single precision: what decays with time constants of a million steps and more, and
//! changes that are small beside what they change, on all engines. Every value is the closed form of the
//! equation.

mod common;

use common::{Done, simulated};

/// What a fall or a rise may be off by, relative to itself.
const CLOSE: f64 = 1e-4;

/// Steps of a run.
const STEPS: usize = 10_000;

/// A state that goes from `from` towards `to` with time constant `tau` \[ms\], recorded once at the end of a run
/// of `steps` of `dt`: its change is to be that of the exponential.
fn relaxes(what: &str, text: &str, variable: &str, [from, to, tau]: [f64; 3], time: f64) {
    simulated(text).on_every_engine(what, |who, done| {
        let values = done.values(variable);
        let end = values[values.len() - 1];
        let (want, got) = ((to - from) * -(-time / tau).exp_m1(), end - from);
        let error = (got / want - 1.0).abs();
        assert!(error <= CLOSE, "{what}, {who}: changed by {got}, not {want}; off by {error:.2e}");
    });
}

/// A scene with one cell, whose `variable` is recorded at the end.
fn cell(dt: f64, model: &str, variable: &str) -> String {
    let duration = dt * STEPS as f64;
    format!(
        r#"(version: 1, simulation: (dt: {dt}, duration: {duration}), populations: {{
            "cell": (size: 1, model: {model}) }},
        record: (traces: [(population: "cell", variables: ["{variable}"], every: {duration})]))"#
    )
}

#[test]
fn membranes() {
    let time = 0.1 * STEPS as f64;
    let falls = "tau_m: 1e5, e_l: 0, v_reset: 0, v_th: 1000, v_init: 100";
    let text = cell(0.1, &format!("Lif({falls})"), "v");
    relaxes("linear membrane", &text, "cell.v", [100.0, 0.0, 1e5], time);
    let receptors = r#"receptors: {"ex": Exp(tau: 5, e_rev: 0)}"#;
    let text = cell(0.1, &format!("Lif({falls}, {receptors})"), "v");
    relaxes("membrane with conductances", &text, "cell.v", [100.0, 0.0, 1e5], time);
    let leak = "c_m: 1e5, v_th: 1000, v_init: 100, channels: {\"leak\": Leak(g: 1, e_rev: 0)}";
    let text = cell(0.1, &format!("Hh({leak})"), "v");
    relaxes("membrane with channels", &text, "cell.v", [100.0, 0.0, 1e5], time);
}

/// 9.99997 mV: the fixed point 10 mV, approached from 9.9 mV with tau_m of 10^5 steps.
#[test]
fn steady_state() {
    let text = r#"(version: 1, simulation: (dt: 0.01, duration: 800), populations: {
        "a": (size: 1, model: Lif(c_m: 1000, tau_m: 100, e_l: 0, v_reset: 0, v_init: 9.9, v_th: 1000, i_e: 100)) },
    record: (traces: [(population: "a", every: 800)]))"#;
    simulated(text).on_every_engine("steady state", |who, done| {
        let v = done.values("a.v")[0];
        let want = 10.0 - 0.1 * (-8f64).exp();
        assert!((v - want).abs() <= 1e-4 * 0.1, "{who}: {v}, not {want}");
    });
}

#[test]
fn threshold_and_adaptation() {
    // Raised by 20 mV by the spike at 1.5 ms; 10^5 steps of 0.5 ms are a two-hundredth of tau_rel.
    let text = format!(
        r#"(version: 1, simulation: (dt: 0.5, duration: {}), populations: {{
            "s": (size: 1, model: Spikes(times: [[1]])),
            "a": (size: 1, model: Lif(delta_th: 20, tau_rel: 1e6, receptors: {{"d": Delta()}})) }},
        projections: [(from: "s", to: "a", connect: Dense, weight: 16)],
        record: (traces: [(population: "a", variables: ["threshold_rise"], every: {0})]))"#,
        0.5 * STEPS as f64
    );
    let time = 0.5 * STEPS as f64 - 1.5;
    relaxes("threshold", &text, "a.threshold_rise", [20.0, 0.0, 1e6], time);
    // w towards a (v - e_l) at a held potential: with tau_m of a step it is there at once.
    let model = "Adex(c_m: 3, g_l: 30, a: 4, tau_w: 1e5, i_e: 100, delta_t: 1, v_th: 0, v_peak: 20, v_init: -70.6)";
    simulated(&cell(0.1, model, "w")).on_every_engine("adaptation", |who, done| {
        let w = done.values("cell.w")[0];
        // v rests where g_l v + w = i_e, and w follows 4 v: tau_w is shortened by 1 + a / g_l.
        let (rest, tau) = (4.0 * 100.0 / 34.0, 1e5f64 / (1.0 + 4.0 / 30.0));
        let want = rest * -(-1000.0 / tau).exp_m1();
        assert!((w / want - 1.0).abs() <= 3e-4, "{who}: {w}, not {want}");
    });
}

#[test]
fn receptors_gates_and_pools() {
    let time = 0.1 * STEPS as f64;
    let receptor =
        "Lif(e_l: 0, v_reset: 0, v_th: 1e9, receptors: {\"r\": Exp(tau: 1e5, init: 80)})";
    relaxes("current", &cell(0.1, receptor, "i_r"), "cell.i_r", [80.0, 0.0, 1e5], time);
    let receptor = "Lif(receptors: {\"r\": Exp(tau: 1e5, e_rev: -70, init: 80)})";
    relaxes("conductance", &cell(0.1, receptor, "g_r"), "cell.g_r", [80.0, 0.0, 1e5], time);
    // A spike that arrives at 2 ms, and rises within two steps.
    let text = format!(
        r#"(version: 1, simulation: (dt: 0.1, duration: {time}), populations: {{
            "s": (size: 1, model: Spikes(times: [[1]])),
            "a": (size: 1, model: Izhikevich(receptors: {{"r": DoubleExp(tau_rise: 0.01, tau_decay: 1e5)}})) }},
        projections: [(from: "s", to: "a", connect: Dense, weight: 1, delay: 1)],
        record: (traces: [(population: "a", variables: ["i_r"], every: 2.5)]))"#
    );
    simulated(&text).on_every_engine("two exponentials", |who, done| {
        let i = done.values("a.i_r");
        let (first, last) = (i[0], i[i.len() - 1]);
        let want = -(-(time - 2.5) / 1e5f64).exp_m1();
        let got = 1.0 - last / first;
        assert!((got / want - 1.0).abs() <= CLOSE, "{who}: fell by {got}, not {want}");
    });
    let gates = r#"channels: {"leak": Leak(g: 100, e_rev: -60), "slow": Custom(g: 0, e_rev: 0, gates: {
        "x": Rates(alpha: Exp(rate: 5e-6, v0: -60, k: 10), beta: Exp(rate: 5e-6, v0: -60, k: -10), init: 0.1) })}"#;
    let text = cell(0.1, &format!("Hh(c_m: 100, v_init: -60, {gates})"), "x_slow");
    // Gates stand half a step ahead of the potential.
    relaxes("gate", &text, "cell.x_slow", [0.1, 0.5, 1e5], time - 0.05);
}

#[test]
fn modulators_and_short_term_plasticity() {
    let time = 0.1 * STEPS as f64;
    let text = format!(
        r#"(version: 1, simulation: (dt: 0.1, duration: {time}), populations: {{
            "s": (size: 1, model: Spikes(times: [[1, {}]])),
            "a": (size: 1, model: Lif(receptors: {{"p": Pulse()}})) }},
        projections: [(from: "s", to: "a", connect: Dense, weight: 1000,
            short_term: (u: 0.5, tau_rec: 1e5, tau_facil: 2e5))],
        modulators: {{ "m": (tau: 1e5, release: [Events(times: [10], amount: 3)]) }},
        record: (modulators: {time}, traces: [(population: "a", variables: ["i_p"], every: 0.1)]))"#,
        time - 1.0
    );
    relaxes("modulator", &text, "modulators.concentration", [3.0, 0.0, 1e5], time - 10.0);
    simulated(&text).on_every_engine("short term", |who, done| {
        let i = done.values("a.i_p");
        let wait = time - 2.0;
        let u = 0.5 * (-wait / 2e5).exp();
        let u = u + 0.5 * (1.0 - u);
        let x = 1.0 - 0.5 * (-wait / 1e5).exp();
        // The ring counts in units of 2^-22 of 1024; what is compared is what the wait has changed.
        let (want, got) = (1000.0 * (u * x - 0.75 * 0.5), i[i.len() - 10] - 1000.0 * 0.75 * 0.5);
        let unit = 1024.0 / f64::from(1 << 22);
        assert!((got - want).abs() <= CLOSE * want.abs() + unit, "{who}: {got}, not {want}");
    });
}

/// A trace of 10^6 steps by the weight that it changes.
#[test]
fn traces() {
    for pairing in ["AllToAll", "Nearest"] {
        let text = format!(
            r#"(version: 1, simulation: (dt: 0.1, duration: 1000), populations: {{
                "pre": (size: 1, model: Spikes(times: [[1]])),
                "cause": (size: 1, model: Spikes(times: [[990]])),
                "post": (size: 1, model: Lif(receptors: {{"d": Delta(), "e": Exp(tau: 2)}})) }},
            projections: [
                (from: "cause", to: "post", connect: Dense, weight: 100, receptor: "d"),
                (name: "p", from: "pre", to: "post", connect: Dense, weight: 0, receptor: "e", learn: Stdp(
                    a_plus: 1, a_minus: 0, tau_plus: 1e5, pairing: {pairing}, unit: 1, w_max: 10, axonal: 0))],
            record: (weights: [(projection: "p", every: 1000)]))"#
        );
        simulated(&text).on_every_engine("trace", |who, done| {
            let fall = 1.0 - done.values("p.weight")[0];
            let want = -(-(990.1 - 1.0) / 1e5f64).exp_m1();
            assert!((fall / want - 1.0).abs() <= CLOSE, "{who}, {pairing}: {fall}, not {want}");
        });
    }
}

/// 200 changes, each a thousand-millionth of the bound, add up; for all ways in which weights lie.
#[test]
fn small_changes_of_weights() {
    let times = |first: usize| {
        let times: Vec<String> = (0..200).map(|k| (first + 10 * k).to_string()).collect();
        times.join(", ")
    };
    for (connect, a_plus, a_minus) in [
        ("Dense", 1e-7, 0.0),
        ("Dense", 0.0, 1e-7),
        ("FixedInDegree(k: 1, multapses: false)", 1e-7, 0.0),
        ("FixedInDegree(k: 1, multapses: false)", 0.0, 1e-7),
    ] {
        // Where the rule is one of falls, the target spikes 1 ms before the source.
        let (early, late) = if a_plus > 0.0 { (5, 6) } else { (7, 5) };
        let text = format!(
            r#"(version: 1, simulation: (dt: 1, duration: 2010), populations: {{
                "s": (size: 1, model: Spikes(times: [[{}]])), "c": (size: 1, model: Spikes(times: [[{}]])),
                "a": (size: 20, model: Lif(t_ref: 0, receptors: {{"d": Delta()}})) }},
            projections: [(from: "c", to: "a", connect: Dense, weight: 200),
                (name: "l", from: "s", to: "a", connect: {connect}, weight: 1, learn: Stdp(a_plus: {a_plus:e},
                    a_minus: {a_minus:e}, pairing: Nearest, unit: 1, w_max: 100, axonal: 0))],
            record: (weights: [(projection: "l", ids: [0, 19], every: 2010)]))"#,
            times(early),
            times(late)
        );
        simulated(&text).on_every_engine("small changes", |who, done| {
            // The spike of "c" makes the target spike a step later.
            let (pairs, gap) = if a_plus > 0.0 { (200.0, 2.0) } else { (200.0, 1.0) };
            let want = (a_plus - a_minus) * pairs * (-gap / 20.0f64).exp();
            for w in done.values("l.weight") {
                let got = w - 1.0;
                // The first float of the weight is what is recorded.
                let close = 1e-3 * want.abs() + if who == "oracle" { 0.0 } else { 2.4e-7 };
                assert!((got - want).abs() <= close, "{who}, {connect}: {got:e}, not {want:e}");
            }
        });
    }
}

/// v, and the rise of the threshold, are those of the same moment.
#[test]
fn a_threshold_is_compared_at_one_moment() {
    let text = r#"(version: 1, simulation: (dt: 1, duration: 6), populations: {
        "s": (size: 1, model: Spikes(times: [[2]])), "q": (size: 1, model: Spikes(times: [[3]])),
        "a": (size: 1, model: Lif(e_l: 0, v_reset: 0, tau_m: 10, v_th: 15, t_ref: 0, delta_th: 10, tau_rel: 2,
            receptors: {"d": Delta()})) },
    projections: [(from: "s", to: "a", connect: Dense, weight: 16),
        (from: "q", to: "a", connect: Dense, weight: 22)],
    record: (traces: [(population: "a", variables: ["threshold_rise"])]))"#;
    simulated(text).on_every_engine("threshold", |who, done| {
        // 22 mV at 4 ms, when the threshold is 15 mV + 10 mV e^(-1/2) = 21.065 mV. Spikes by their step.
        assert_eq!(done.steps("a"), [2, 3], "{who}");
    });
}

/// A mark of a pair at 110 ms meets a later release, or one before it; the integral of their product has a closed form,
/// whatever the interval in which it is done, and wherever in it both fall.
#[test]
fn eligibility_is_integrated_in_closed_form() {
    for (connect, every, release) in [
        ("Dense", 10.0, 300.0f64),
        ("Dense", 100.0, 303.5),
        ("Dense", 0.5, 300.0),
        ("FixedInDegree(k: 1)", 600.0, 300.0),
        ("FixedInDegree(k: 1)", 7.5, 107.0),
    ] {
        let text = format!(
            r#"(version: 1, simulation: (dt: 0.5, duration: 600), populations: {{
                "pre": (size: 1, model: Spikes(times: [[100]])), "c": (size: 1, model: Spikes(times: [[109.5]])),
                "post": (size: 3, model: Lif(t_ref: 0, receptors: {{"jump": Delta(), "ex": Exp(tau: 2)}})) }},
            projections: [(from: "c", to: "post", connect: Dense, weight: "500 mV", receptor: "jump"),
                (name: "l", from: "pre", to: "post", connect: {connect}, weight: 1, receptor: "ex", learn: Stdp(
                    a_plus: 0.1, a_minus: 0.15, unit: 1, w_max: 1000, axonal: 0,
                    eligibility: (modulator: "d", tau: 1000, rate: 0.1, every: {every})))],
            modulators: {{"d": (tau: 200, baseline: 0.01, release: [Events(times: [{release}], amount: 0.5)])}},
            record: (weights: [(projection: "l", every: 600)]))"#
        );
        // To the last whole interval.
        let end = (600.0 / every + 1e-9f64).floor() * every;
        let mark = |t: f64| 0.1 * (-0.5f64).exp() * (-(t - 110.0) / 1000.0).exp();
        let at_rest = 0.01 * 1000.0 * (mark(110.0) - mark(end));
        let (from, both) = (release.max(110.0), 1.0 / (1.0 / 1000.0 + 1.0 / 200.0));
        let left = 0.5 * (-(from - release) / 200.0).exp();
        let released = left * mark(from) * both * -(-(end - from) / both).exp_m1();
        let want = 0.1 * (at_rest + released);
        simulated(&text).on_every_engine("eligibility", |who, done: Done| {
            for w in done.values("l.weight") {
                let error = ((w - 1.0) / want - 1.0).abs();
                assert!(error <= 1e-4, "{who}, {connect}, {every}: {}, not {want}", w - 1.0);
            }
        });
    }
}
