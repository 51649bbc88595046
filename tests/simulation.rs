//! Simulations: synapses and neurons against closed forms, printed numbers and fine integrations of
//! their equations; random input against its statistics; what must not change a bit does not; and one
//! step of the shaders and of f32 against the oracle.

mod common;

use common::*;
use neuralearn::engine::Engine;
use neuralearn::engine::cpu::Cpu;
use neuralearn::kernel::Clock;
use neuralearn::network::{Network, Population, Projection, Stimulus, Synapses, build};
use neuralearn::plan::{self, Handle, Plan, SimulationOptions, Words};
use neuralearn::record::decode;
use neuralearn::simulation::options;
use std::collections::{BTreeMap, BTreeSet};
use std::f64::consts::E;

/// The neurons of a population of `n`, to be recorded.
fn all(n: usize) -> Vec<usize> {
    (0..n).collect()
}

// ---- Receptors ------------------------------------------------------------------------------------

/// One neuron that never spikes, with spikes at given times through a delay of 1 ms.
fn driven(dt: f64, ms: f64, neuron: &str, times: &[f64], weight: f64) -> Simulated {
    simulated(&format!(
        r#"(version: 1, simulation: (dt: {dt}, duration: {ms}), populations: {{
            "source": (size: 1, model: Spikes(times: [{times:?}])),
            "cell": (size: 1, model: {neuron}) }},
        projections: [
            (from: "source", to: "cell", connect: Dense, weight: {weight}, delay: 1)],
        record: (traces: [(population: "cell", ids: [0])]))"#
    ))
}

/// Response to a current of the shape of an alpha function: printed potentials, and the closed form.
#[test]
fn alpha_current() {
    let (dt, syn, m, c) = (0.1, 2.0, 10.0, 250.0);
    let model = "Lif(v_th: 0, receptors: {\"ex\": Alpha(tau: 2)})";
    let done = driven(dt, 50.0, model, &[1.0], 100.0).solve();
    // The spike at 1 ms arrives at 2 ms.
    let v = |step: usize| done.values("cell.v")[20 + step - 1];
    for (step, value) in [
        (1, -69.9973794667),
        (2, -69.9898938977),
        (5, -69.9433629508),
        (10, -69.8107583348),
        (20, -69.4680738394),
        (27, -69.2383382737),
    ] {
        assert!((v(step) - value).abs() <= 1e-10, "step {step}: {} not {value}", v(step));
    }
    let rate = 1.0 / syn - 1.0 / m;
    for step in 0..480 {
        let t = step as f64 * dt;
        let (by_m, by_syn) = ((-t / m).exp(), (-t / syn).exp());
        let rise = (by_m - by_syn) / (rate * rate) - t * by_syn / rate;
        let exact = -70.0 + 100.0 * E / (syn * c) * rise;
        assert!((v(step) - exact).abs() <= 1e-11, "{t} ms: {} not {exact}", v(step));
    }
}

/// Time and height of the peak of the response, from the other branch of Lambert's function.
#[test]
fn peak_of_the_response_to_an_alpha_current() {
    for (m, syn, peak, weight) in
        [(20.0, 0.5, 2.756585476770, 206.801552437), (10.0, 2.0, 6.650997646159, 76.9191571455)]
    {
        let dt = 1.0 / 512.0;
        let model = format!("Lif(v_th: 0, tau_m: {m}, receptors: {{\"ex\": Alpha(tau: {syn})}})");
        let done = driven(dt, 10.0, &model, &[1.0], weight).solve();
        let v = done.values("cell.v");
        let highest = (0..v.len()).max_by(|a, b| v[*a].total_cmp(&v[*b])).unwrap();
        let time = (highest + 1) as f64 * dt - 2.0;
        assert!((time - peak).abs() <= dt, "{time} ms, not {peak}");
        // Next to its peak a curve is flat to second order.
        assert!((v[highest] + 69.0).abs() <= dt * dt, "{} mV, not 1", v[highest] + 70.0);
    }
}

/// A delta receptor lifts the potential at the moment of arrival, and not in the refractory period.
#[test]
fn delta_receptor() {
    let decay = (-0.1f64 / 10.0).exp();
    let model = |v_th: f64| format!("Lif(v_th: {v_th}, receptors: {{\"d\": Delta()}})");
    let done = driven(0.1, 20.0, &model(-50.0), &[1.0, 1.1, 5.0], 6.5).solve();
    let mut v = 0.0;
    for (k, got) in done.values("cell.v").iter().enumerate() {
        v = v * decay + if [19, 20, 59].contains(&k) { 6.5 } else { 0.0 };
        assert!((got + 70.0 - v).abs() <= 1e-12, "step {k}: {got}");
    }
    assert!(done.steps("cell").is_empty());

    // Arrivals at 2 and 4.1 ms lift above the threshold; those between fall into the 2 ms after.
    let times = [1.0, 1.1, 2.0, 3.0, 3.1, 3.2];
    let done = driven(0.1, 20.0, &model(-64.0), &times, 6.5).solve();
    assert_eq!(done.steps("cell"), [19, 40]);
}

/// One step of the classical method of Runge and Kutta.
fn runge_kutta<const N: usize>(y: [f64; N], h: f64, f: impl Fn([f64; N]) -> [f64; N]) -> [f64; N] {
    let to = |k: [f64; N], h: f64| -> [f64; N] { std::array::from_fn(|i| y[i] + h * k[i]) };
    let k1 = f(y);
    let k2 = f(to(k1, h / 2.0));
    let k3 = f(to(k2, h / 2.0));
    let k4 = f(to(k3, h));
    std::array::from_fn(|i| y[i] + h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]))
}

/// Conductances against a fine integration: the error halves with dt, as that of a method of first
/// order does.
#[test]
fn conductances_converge_to_their_equations() {
    // Name in a scene, time constants, reversal potential, magnesium.
    let cases = [
        ("Exp(tau: 3, e_rev: 0)", [3.0, 0.0], 0.0, 0.0),
        ("Ampa()", [2.0, 0.0], 0.0, 0.0),
        ("GabaA()", [10.0, 0.0], -80.0, 0.0),
        ("Alpha(tau: 2, e_rev: 0)", [2.0, 2.0], 0.0, 0.0),
        ("DoubleExp(tau_rise: 0.5, tau_decay: 4, e_rev: -90)", [0.5, 4.0], -90.0, 0.0),
        ("Nmda()", [2.0, 100.0], 0.0, 1.0),
        ("GabaB()", [60.0, 200.0], -95.0, 0.0),
    ];
    for (receptor, [a, b], e_rev, mg) in cases {
        let weight = 8.0;
        // Height of the peak of g after a jump of x by 1, at the time where its derivative vanishes.
        let height = if a == b {
            a / E
        } else {
            let peak = (b / a).ln() * a * b / (b - a);
            ((-peak / b).exp() - (-peak / a).exp()) * a * b / (b - a)
        };
        let equations = |[v, g, x]: [f64; 3]| {
            let open = g / (1.0 + mg / 3.57 * (-0.062 * v).exp());
            let dv = (-25.0 * (v + 70.0) + open * (e_rev - v)) / 250.0;
            match b {
                0.0 => [dv, -g / a, 0.0],
                _ => [dv, -g / b + x, -x / a],
            }
        };
        let (fine, mut y) = (1000, [-70.0, 0.0, 0.0]);
        let mut exact = vec![-70.0];
        for ms in 0..30 {
            if ms == 2 || ms == 5 {
                y[if b == 0.0 { 1 } else { 2 }] += if b == 0.0 { weight } else { weight / height };
            }
            for _ in 0..fine {
                y = runge_kutta(y, 1.0 / f64::from(fine), equations);
            }
            exact.push(y[0]);
        }
        let error = |per_ms: usize| {
            let model = format!("Lif(v_th: 100, receptors: {{\"r\": {receptor}}})");
            let dt = 1.0 / per_ms as f64;
            let done = driven(dt, 30.0, &model, &[1.0, 4.0], weight).solve();
            let v = |ms: usize| done.values("cell.v")[ms * per_ms - 1];
            (1..=30).map(|ms| (v(ms) - exact[ms]).abs()).fold(0.0, f64::max)
        };
        let range = exact.iter().fold(0.0f64, |m, v| m.max((v + 70.0).abs()));
        let (coarse, half) = (error(16), error(32));
        assert!(range > 0.1, "{receptor} does nothing");
        assert!(coarse <= 0.05 * range, "{receptor}: off by {coarse} of {range} mV");
        let order = coarse / half;
        assert!((1.8..=2.2).contains(&order), "{receptor}: {coarse} mV, with half the step {half}");
    }
}

/// Magnesium's block at potentials from -100 to 40 mV, by the formula.
#[test]
fn magnesium_blocks_by_its_formula() {
    for mg in [0.0, 0.5, 1.0, 2.0] {
        for v in (-100..=40).step_by(10).map(f64::from) {
            let simulated = simulated(&format!(
                r#"(version: 1, simulation: (dt: 0.1, duration: 0.1), populations: {{
                    "cell": (size: 1, model: Lif(v_th: 100, v_init: {v},
                        receptors: {{"n": Nmda(mg: {mg})}})) }},
                record: (traces: [(population: "cell", ids: [0])]))"#
            ));
            let mut oracle = simulated.oracle();
            let (state, _) = simulated.ports().state[0].unwrap();
            // Row 4 is the conductance of the first receptor.
            oracle.numbers(state)[4 * 64] = 10.0;
            let got = simulated.run(&mut oracle).values("cell.v")[0];
            let open = 10.0 / (1.0 + mg / 3.57 * (-0.062 * v).exp());
            let settled = (25.0 * -70.0 + open * 0.0) / (25.0 + open);
            let exact = settled + (v - settled) * (-0.1 * (25.0 + open) / 250.0).exp();
            assert!((got - exact).abs() <= 1e-11, "{mg} mM, {v} mV: {got} not {exact}");
        }
    }
}

// ---- Neurons --------------------------------------------------------------------------------------

/// The adaptive exponential neuron against a fine integration with the same rule for spikes: as many
/// spikes, at times that converge with dt.
#[test]
fn adex_converges_to_its_equations() {
    let equations = |[v, w]: [f64; 2]| {
        // The potential ends at that of a spike; a step must not look beyond.
        let v = v.min(0.0);
        let x = (v + 50.4) / 2.0;
        let dv = (-30.0 * (v + 70.6) + 60.0 * x.exp() - w + 900.0) / 281.0;
        [dv, (4.0 * (v + 70.6) - w) / 144.0]
    };
    let (h, mut y, mut exact) = (1.0 / 4096.0, [-70.6, 0.0], Vec::new());
    for k in 1..=300 * 4096 {
        y = runge_kutta(y, h, equations);
        if y[0] >= 0.0 {
            y = [-60.0, y[1] + 80.5];
            exact.push(f64::from(k) * h);
        }
    }
    let error = |dt: f64| {
        let done = simulated(&format!(
            r#"(version: 1, simulation: (dt: {dt}, duration: 300),
                populations: {{"cell": (size: 1, model: Adex(i_e: 900))}})"#
        ))
        .solve();
        let times: Vec<f64> = done.steps("cell").iter().map(|s| (s + 1) as f64 * dt).collect();
        assert_eq!(times.len(), exact.len(), "dt {dt}: {times:?}, not {exact:?}");
        times.iter().zip(&exact).map(|(t, e)| (t - e).abs()).fold(0.0, f64::max)
    };
    assert!((4..20).contains(&exact.len()), "{exact:?}");
    let (coarse, half, quarter) = (error(1.0 / 32.0), error(1.0 / 64.0), error(1.0 / 128.0));
    println!("AdEx: {} spikes, off by at most {coarse}, {half}, {quarter} ms", exact.len());
    for (error, finer) in [(coarse, half), (half, quarter)] {
        assert!((1.6..=2.4).contains(&(error / finer)), "{coarse} {half} {quarter}");
    }
}

/// With a sharp threshold, or one far below the potential of a spike, the exponential leaves the range
/// of f32 on its way; the neurons spike, and their potentials stay numbers.
#[test]
fn adex_with_a_sharp_threshold() {
    for model in ["delta_t: 0.2", "delta_t: 0.01", "v_peak: 200"] {
        let simulated = simulated(&format!(
            r#"(version: 1, simulation: (dt: 0.1, duration: 50), populations: {{
                "cell": (size: 500, model: Adex({model}, v_init: Uniform(low: -55, high: -48))) }},
            stimuli: [(to: "cell", input: Noise(mean: 800, std: 400))])"#
        ));
        simulated.on_every_engine("sharp", |who, done| {
            assert!(done.counts["cell"] > 500, "{who}, {model}: {:?}", done.counts);
            let state = &done.states["cell"];
            assert!(state[0].iter().all(|v| v.abs() < 300.0), "{who}, {model}: v");
            assert!(state[3].iter().all(|w| w.abs() < 3000.0), "{who}, {model}: w");
        });
    }
}

/// The absolute refractory period is an exact number of steps for every model: under a drive that
/// always fires, and as the time for which the potential stays where the spike put it.
#[test]
fn refractory_for_exactly_so_many_steps() {
    let conductances = "receptors: {\"ex\": Exp(tau: 2, e_rev: 0)}";
    for (dt, t_ref, held) in [(0.1, 1.7, 17), (0.1, 0.3, 3), (1.0, 2.0, 2), (0.1, 0.0, 0)] {
        for model in [
            format!("Lif(t_ref: {t_ref}, i_e: I"),
            format!("Lif(t_ref: {t_ref}, {conductances}, i_e: I"),
            format!("Adex(t_ref: {t_ref}, v_reset: -70, a: 0, b: 0, i_e: I"),
        ] {
            let done = |current: f64, ms: f64| {
                let model = model.replace("i_e: I", &format!("i_e: {current})"));
                driven(dt, ms, &model, &[], 1.0).solve()
            };
            let times = done(1e7, 400.0 * dt).steps("cell");
            assert!(times.len() > 15, "{model}");
            assert!(times.windows(2).all(|w| w[1] - w[0] == held + 1), "{model}: {times:?}");

            let done = done(1500.0, 60.0);
            let (times, v) = (done.steps("cell"), done.values("cell.v"));
            assert!(times.len() > 2, "{model}");
            for spike in &times[..times.len() - 1] {
                let after = &v[*spike as usize..][..held as usize + 2];
                let (last, reset) = after.split_last().unwrap();
                let still = reset.iter().all(|v| (v + 70.0).abs() <= 1e-12);
                assert!(still && *last > -69.99, "{model}: {after:?}");
            }
        }
    }
}

// ---- Delivery -------------------------------------------------------------------------------------

/// A current that begins 2.1 ms into the run, printed by NEST every millisecond; whatever the window,
/// and however often the run is broken off.
#[test]
fn windows_do_not_move_a_delayed_current() {
    let text = r#"(version: 1, simulation: (dt: 0.1, duration: 10.5),
        populations: {"cell": (size: 1, model: Lif())},
        stimuli: [(to: "cell", input: Step(amplitude: 1000, start: 2.1))],
        record: (traces: [(population: "cell", ids: [0])]))"#;
    let simulated = simulated(text);
    let exact = simulated.solve();
    for (ms, value) in [
        (1, -70.0),
        (2, -70.0),
        (3, -66.55725),
        (4, -63.07837),
        (5, -59.93054),
        (6, -57.08227),
        (7, -70.0),
        (8, -70.0),
        (9, -69.60199),
        (10, -65.83337),
    ] {
        let v = exact.values("cell.v")[ms * 10 - 1];
        assert!((v - value).abs() <= 5.1e-6, "{ms} ms: {v} not {value}");
    }
    let whole = simulated.run(&mut simulated.cpu(1));
    for window in [1, 2, 3, 4, 5, 6, 10, 20] {
        let other = windowed(text, window);
        assert_same(&whole, &other.run(&mut other.cpu(1)), &format!("windows of {window}"));
    }
    let halves: Vec<u64> = (1..=21).map(|k| 5 * k).collect();
    assert_same(&whole, &simulated.run_to(&mut simulated.cpu(1), &halves), "21 runs");
}

/// A spike at 0.5 ms crosses two synapses of 1 ms: every target gets every synapse exactly once, at
/// 2.5 ms, whatever the pattern and the sizes. A relay spikes when its spike arrives.
#[test]
fn two_hops_take_exactly_two_delays() {
    let relay = "Lif(receptors: {\"d\": Delta()})";
    for n in [255, 256, 257, 1000] {
        let targets = [("each", n, 1), ("fan", n, 1), ("sum", 1, n), ("full", n, n)];
        let population = |(name, size, _): &(&str, usize, usize)| {
            format!(r#""{name}": (size: {size}, model: {relay}),"#)
        };
        let trace = |(name, size, _): &(&str, usize, usize)| {
            format!(r#"(population: "{name}", ids: {:?}),"#, all(*size))
        };
        let weight = 1.0 / 128.0;
        let simulated = simulated(&format!(
            r#"(version: 1, simulation: (dt: 0.1, duration: 3), populations: {{
                "start": (size: 1, model: Spikes(times: [[0.5]])),
                "one": (size: 1, model: {relay}),
                "many": (size: {n}, model: {relay}),
                {} }},
            projections: [
                (from: "start", to: "one", connect: Dense, weight: 20, delay: 1),
                (from: "start", to: "many", connect: Dense, weight: 20, delay: 1),
                (from: "many", to: "each", connect: OneToOne, weight: {weight}, delay: 1),
                (from: "one", to: "fan", connect: Dense, weight: {weight}, delay: 1),
                (from: "many", to: "sum", connect: Dense, weight: {weight}, delay: 1),
                (from: "many", to: "full", connect: Dense, weight: {weight}, delay: 1)],
            record: (traces: [{}]))"#,
            targets.iter().map(population).collect::<String>(),
            targets.iter().map(trace).collect::<String>(),
        ));
        simulated.on_every_engine("hops", |who, done| {
            let spiked: Vec<_> = (0..n as u32).map(|id| (14, id)).collect();
            assert_eq!(done.spikes("many"), spiked, "{who}, {n}");
            for (name, size, synapses) in targets {
                let v = done.values(&format!("{name}.v"));
                let arrived = &v[24 * size..25 * size];
                let sum = -70.0 + synapses as f64 * weight;
                assert!(v[..24 * size].iter().all(|v| *v == -70.0), "{who}, {n}, {name}: early");
                assert!(arrived.iter().all(|v| *v == sum), "{who}, {n}, {name}: {arrived:?}");
                // A second arrival would lift it again.
                let after = &v[25 * size..];
                assert!(after.iter().all(|v| *v < sum && *v > -70.0), "{who}, {n}, {name}: late");
            }
        });
    }
}

/// Given spikes come out at the ends of the steps nearest to their times.
#[test]
fn given_spikes_are_those_that_are_given() {
    let mut times = vec![Vec::new(); 70];
    times[0] = vec![0.1, 0.2, 5.0];
    times[31] = vec![3.04, 3.06];
    times[32] = vec![9.9, 10.0];
    times[69] = vec![0.01, 10.0, 1000.0];
    let text = format!(
        r#"(version: 1, simulation: (dt: 0.1, duration: 10),
            populations: {{"given": (size: 71, model: Spikes(times: {times:?}))}})"#
    );
    let expected =
        [(0, 0), (0, 69), (1, 0), (29, 31), (30, 31), (49, 0), (98, 32), (99, 32), (99, 69)];
    for window in [100, 7, 1] {
        windowed(&text, window).on_every_engine("given", |who, done| {
            assert_eq!(done.spikes("given"), expected, "{who}, windows of {window}");
        });
    }
}

// ---- Random input ---------------------------------------------------------------------------------

/// Four standard deviations: with some dozen comparisons of this kind, all hold by chance in more than
/// 99 of 100 seeds.
const SIGMAS: f64 = 4.0;

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn variance(x: &[f64]) -> f64 {
    let mean = mean(x);
    x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (x.len() - 1) as f64
}

/// Asserts that pairs of numbers do not correlate.
fn assert_independent(what: &str, pairs: impl Iterator<Item = (f64, f64)>) {
    let (x, y): (Vec<_>, Vec<_>) = pairs.unzip();
    let (mx, my) = (mean(&x), mean(&y));
    let product: f64 = x.iter().zip(&y).map(|(x, y)| (x - mx) * (y - my)).sum();
    let r = product / (x.len() as f64 - 1.0) / (variance(&x) * variance(&y)).sqrt();
    assert!(r.abs() <= SIGMAS / (x.len() as f64).sqrt(), "{what}: correlation {r}");
}

/// Mean and variance of the potential under Poisson input, by Campbell's theorem on the grid.
#[test]
fn poisson_input_shifts_the_potential_as_campbell_says() {
    let (n, dt, syn, m, rate, weight) = (1000, 0.1, 0.5, 5.0, 294_303.552937, 0.01);
    let done = simulated(&format!(
        r#"(version: 1, simulation: (dt: {dt}, duration: 200), populations: {{
            "cell": (size: {n}, model: Lif(c_m: 1, tau_m: {m}, e_l: 0, v_reset: 0, v_th: 1e6,
                receptors: {{"ex": Alpha(tau: {syn})}})) }},
        stimuli: [(to: "cell", input: Poisson(rate: {rate}, weight: {weight}))])"#
    ))
    .solve();
    let response = |t: f64| {
        let r = 1.0 / syn - 1.0 / m;
        let (by_m, by_syn) = ((-t / m).exp(), (-t / syn).exp());
        weight * E / syn * ((by_m - by_syn) / (r * r) - t * by_syn / r)
    };
    let per_step = rate * 1e-3 * dt;
    let moment = |power: i32| -> f64 {
        per_step * (1..2000).map(|k| response(f64::from(k) * dt).powi(power)).sum::<f64>()
    };
    let (v, variance_wanted) = (&done.states["cell"][0], moment(2));
    let tolerance = SIGMAS * (variance_wanted / n as f64).sqrt();
    assert!((moment(1) - 20.0).abs() <= 0.05, "{}", moment(1));
    assert!((mean(v) - moment(1)).abs() <= tolerance, "mean {} not {}", mean(v), moment(1));
    let ratio = variance(v) / variance_wanted;
    assert!((ratio - 1.0).abs() <= SIGMAS * (2.0 / n as f64).sqrt(), "variance: {ratio}");
    assert_independent("neighbours", v.chunks(2).map(|v| (v[0], v[1])));
}

/// The events of Poisson input, seen through receptors that pass on one step: their counts, that
/// nothing correlates, that there are none before or after, and that all engines draw the same.
#[test]
fn poisson_events() {
    let (n, steps) = (300, 500);
    let simulated = simulated(&format!(
        r#"(version: 1, simulation: (dt: 0.1, duration: 50), populations: {{
            "cell": (size: {n}, model: Lif(v_th: 1e6, receptors: {{"p": Pulse(), "q": Pulse()}})) }},
        stimuli: [
            (to: "cell", input: Poisson(rate: 5000, weight: 8, receptor: "p", start: 5, stop: 45)),
            (to: "cell", input: Poisson(rate: 2000, weight: -2, receptor: "q")),
        ],
        record: (traces: [
            (population: "cell", ids: {:?}, variables: ["i_p", "i_q"])]))"#,
        all(n)
    ));
    let exact = simulated.solve();
    let counts = |name: &str, weight: f64| -> Vec<f64> {
        exact.values(name).iter().map(|i| i / weight).collect()
    };
    let (p, q) = (counts("cell.i_p", 8.0), counts("cell.i_q", -2.0));
    assert_eq!(p.len(), n * steps);
    let (before, rest) = p.split_at(50 * n);
    let (during, after) = rest.split_at(400 * n);
    assert!(before.iter().chain(after).all(|count| *count == 0.0), "events outside 5 .. 45 ms");
    for (name, counts, rate) in [("p", during, 0.5), ("q", &q[..], 0.2)] {
        assert!(counts.iter().all(|c| c.fract() == 0.0 && *c >= 0.0), "{name}: no counts");
        let samples = counts.len() as f64;
        let (mean, variance) = (mean(counts), variance(counts));
        assert!((mean - rate).abs() <= SIGMAS * (rate / samples).sqrt(), "{name}: mean {mean}");
        let deviation = ((rate + 2.0 * rate * rate) / samples).sqrt();
        assert!((variance - rate).abs() <= SIGMAS * deviation, "{name}: variance {variance}");
        for (what, lag) in [("neighbours", 1), ("fourth neighbours", 4), ("successive steps", n)] {
            let pairs = counts.iter().zip(&counts[lag..]).map(|(a, b)| (*a, *b));
            assert_independent(&format!("{name}: {what}"), pairs);
        }
    }
    let pairs = during.iter().zip(&q[50 * n..]).map(|(a, b)| (*a, *b));
    assert_independent("two stimuli", pairs);
    simulated.on_every_engine("events", |who, done| {
        for name in ["cell.i_p", "cell.i_q"] {
            assert!(done.values(name) == exact.values(name), "{who}: other events at {name}");
        }
    });
}

/// The spikes of a Poisson population: their number, their independence, and that every engine and
/// every window draws the same.
#[test]
fn poisson_sources() {
    let text = r#"(version: 1, simulation: (dt: 0.1, duration: 100),
        populations: {"in": (size: 333, model: Poisson(rate: 400))})"#;
    let exact = simulated(text).solve();
    let mut counts = vec![vec![0.0; 333]; 10];
    exact.spikes("in").iter().for_each(|(t, id)| counts[*t as usize / 100][*id as usize] += 1.0);
    let counts: Vec<f64> = counts.concat();
    // Binomial: 100 steps with a probability of 0.04 each.
    let (wanted, samples) = (4.0, counts.len() as f64);
    assert!((mean(&counts) - wanted).abs() <= SIGMAS * (wanted * 0.96 / samples).sqrt());
    let ratio = variance(&counts) / (wanted * 0.96);
    assert!((ratio - 1.0).abs() <= SIGMAS * ((2.0 + 1.0 / wanted) / samples).sqrt(), "{ratio}");
    for lag in [1, 4, 32, 333] {
        let pairs = counts.iter().zip(&counts[lag..]).map(|(a, b)| (*a, *b));
        assert_independent(&format!("lag {lag}"), pairs);
    }
    for window in [1000, 64] {
        windowed(text, window).on_every_engine("sources", |who, done| {
            assert_eq!(done.spikes("in"), exact.spikes("in"), "{who}, windows of {window}");
        });
    }
}

/// Noise currents, found again from the potentials that they drive: mean, deviation, correlation in
/// time and between neurons, and nothing outside their time.
#[test]
fn noise_currents() {
    let (n, steps, dt) = (400, 1200, 0.1);
    for (tau, correlation) in [("", 0.0f64), (", tau: 2", (-dt / 2.0f64).exp())] {
        let simulated = simulated(&format!(
            r#"(version: 1, simulation: (dt: {dt}, duration: 120), populations: {{
                "cell": (size: {n}, model: Lif(v_th: 1e6)) }},
            stimuli: [(to: "cell", input: Noise(mean: 50, std: 20{tau}, start: 10, stop: 110))],
            record: (traces: [(population: "cell", ids: {:?})]))"#,
            all(n)
        ));
        let exact = simulated.solve();
        let v = exact.values("cell.v");
        let decay = (-dt / 10.0f64).exp();
        let current = |k: usize| {
            let before = if k < n { -70.0 } else { v[k - n] };
            ((v[k] + 70.0) - decay * (before + 70.0)) / ((1.0 - decay) * 10.0 / 250.0)
        };
        let currents: Vec<f64> = (0..n * steps).map(current).collect();
        let (before, rest) = currents.split_at(100 * n);
        let (during, after) = rest.split_at(1000 * n);
        assert!(before.iter().chain(after).all(|i| i.abs() <= 1e-8), "{tau}: outside 10 .. 110 ms");
        // Of N samples that correlate by rho from step to step, this many are independent.
        let free = during.len() as f64 * (1.0 - correlation) / (1.0 + correlation);
        assert!((mean(during) - 50.0).abs() <= SIGMAS * 20.0 / free.sqrt(), "{}", mean(during));
        let ratio = variance(during) / 400.0;
        let squares = correlation * correlation;
        let free = during.len() as f64 * (1.0 - squares) / (1.0 + squares);
        assert!((ratio - 1.0).abs() <= SIGMAS * (2.0 / free).sqrt(), "{tau}: variance {ratio}");
        let fresh = |k: usize| during[k + n] - 50.0 - correlation * (during[k] - 50.0);
        let pairs = (0..999 * n).map(|k| (fresh(k), during[k]));
        assert_independent(&format!("{tau}: what is new"), pairs);
        for lag in [1, 2, 4] {
            let pairs = (0..999 * n - lag).map(|k| (fresh(k), fresh(k + lag)));
            assert_independent(&format!("{tau}: neurons {lag} apart"), pairs);
        }
        // WGSL allows a cosine to be off by 2^-11, its factor is at most the root of 2 · 24 ln 2, and the
        // errors of successive steps add up, less what the process and the membrane forget of them.
        let normal = 2f64.powi(-11) * (48.0 * 2f64.ln()).sqrt();
        let forgotten = ((1.0 - correlation * correlation).sqrt()) / (1.0 - correlation);
        let tolerance = 20.0 * normal * forgotten * 10.0 / 250.0 + tolerance(steps, 15.0);
        simulated.on_every_engine("noise", |who, done| {
            for (k, (got, want)) in done.values("cell.v").iter().zip(v).enumerate() {
                let error = (got - want).abs();
                assert!(error <= tolerance, "{who}{tau}: {got} not {want} at {k}: {tolerance}");
            }
        });
    }
}

// ---- What must not change a bit ---------------------------------------------------------------------

/// Asserts that two simulations spiked, recorded and ended in the same way, bit for bit.
#[track_caller]
fn assert_same(a: &Done, b: &Done, what: &str) {
    assert!(a.spikes == b.spikes, "{what}: other spikes");
    assert!(a.recorded == b.recorded, "{what}: other values");
    assert!(a.states == b.states, "{what}: another state at the end");
}

/// A network that fires irregularly. Without random input nothing in it depends on the numbers of its
/// populations and neurons but the draws of its synapses.
fn network(random: bool) -> String {
    let train = |k: u32| -> Vec<f64> {
        let intervals = noise(12, 6.0, k).into_iter().map(|x| ((x + 6.5) * 10.0).round());
        let ends = intervals.scan(0.0, |end, interval| {
            *end += interval;
            Some(*end / 10.0)
        });
        ends.collect()
    };
    let times: Vec<Vec<f64>> = (0..40).map(train).collect();
    let random = match random {
        true => {
            r#"(to: "exc", input: Poisson(rate: 2000, weight: 16, receptor: "in")),
            (to: "inh", input: Noise(mean: 150, std: 100, tau: 3)),"#
        }
        false => "",
    };
    format!(
        r#"(version: 1, simulation: (dt: 0.1, duration: 60), populations: {{
            "in": (size: 40, model: Spikes(times: {times:?})),
            "exc": (size: 130, model: Lif(t_ref: 1, tau_syn_in: 5)),
            "inh": (size: 40, model: Lif(tau_m: 7, e_ex: 0, e_in: -80)) }},
        projections: [
            (from: "in", to: "exc", connect: FixedProbability(p: 0.4), weight: 160,
                delay: Uniform(low: 0.2, high: 3)),
            (from: "exc", to: "exc", connect: FixedProbability(p: 0.2), weight: 48,
                delay: Uniform(low: 0.1, high: 2)),
            (from: "exc", to: "inh", connect: FixedProbability(p: 0.4), weight: 3, delay: 0.5),
            (from: "inh", to: "exc", connect: FixedProbability(p: 0.4), weight: -80, delay: 0.7,
                receptor: "in"),
            (from: "inh", to: "inh", connect: FixedProbability(p: 0.2), weight: 2, delay: 1.3,
                receptor: "in")],
        stimuli: [(to: "exc", input: Step(amplitude: 250, start: 5, stop: 50)), {random}],
        record: (traces: [
            (population: "exc", ids: [0, 5, 100], variables: ["v", "i_ex", "i_in"]),
            (population: "inh", every: 0.7, variables: ["g_in"])]))"#
    )
}

/// The network with its populations in another order: the new place k is that of the old `order[k]`.
fn permuted(network: &Network, order: &[usize]) -> Network {
    let place = |old: usize| order.iter().position(|o| *o == old).unwrap();
    let mut other = network.clone();
    other.populations = order.iter().map(|old| network.populations[*old].clone()).collect();
    for projection in &mut other.projections {
        (projection.from, projection.to) = (place(projection.from), place(projection.to));
    }
    other.stimuli.iter_mut().for_each(|stimulus| stimulus.to = place(stimulus.to));
    other
}

/// The network with population `k`, whose neurons share their parameters, as two: one of `first`
/// neurons, one of the rest.
fn split(network: &Network, k: usize, first: usize) -> Network {
    let mut other = network.clone();
    let whole = &network.populations[k];
    let part = |end: &str, size| Population {
        name: format!("{}.{end}", whole.name),
        size,
        kind: whole.kind.clone(),
        on_tape: whole.on_tape,
        laid_out: Vec::new(),
        numbers: None,
        learns_current: false,
        frozen: None,
    };
    other.populations.splice(k..=k, [part("a", first), part("b", whole.size - first)]);
    // The parts of a population: their new numbers and the neurons that they take.
    let parts = |old: usize| match old.cmp(&k) {
        std::cmp::Ordering::Less => vec![(old, 0..network.populations[old].size)],
        std::cmp::Ordering::Equal => vec![(k, 0..first), (k + 1, first..whole.size)],
        std::cmp::Ordering::Greater => vec![(old + 1, 0..network.populations[old].size)],
    };
    other.projections.clear();
    for p in &network.projections {
        let Synapses::Sparse { start, source, weights, delays } = &p.synapses else {
            panic!("the network has no dense synapses")
        };
        for (from, sources) in parts(p.from) {
            for (to, targets) in parts(p.to) {
                let (mut begins, mut kept) = (vec![0], Vec::new());
                for target in targets {
                    let row = start[target] as usize..start[target + 1] as usize;
                    kept.extend(row.filter(|s| sources.contains(&(source[*s] as usize))));
                    begins.push(kept.len() as u32);
                }
                let synapses = Synapses::Sparse {
                    start: begins,
                    source: kept.iter().map(|s| source[*s] - sources.start as u32).collect(),
                    weights: kept.iter().map(|s| weights[*s]).collect(),
                    delays: kept.iter().filter_map(|s| delays.get(*s).copied()).collect(),
                };
                other.projections.push(Projection { from, to, synapses, ..p.clone() });
            }
        }
    }
    other.stimuli.clear();
    for stimulus in &network.stimuli {
        for (to, _) in parts(stimulus.to) {
            other.stimuli.push(Stimulus { to, ..stimulus.clone() });
        }
    }
    other
}

/// Runs a network on the CPU.
fn done(text: &str, network: Network, window: usize, threads: usize) -> Done {
    let simulated = Simulated::new(scene(text), network, window);
    simulated.run(&mut simulated.cpu(threads))
}

#[test]
fn what_must_not_change_a_simulation() {
    let text = network(true);
    let network = build(&scene(&text)).unwrap();
    let first = done(&text, network.clone(), 1000, 1);
    for (name, least) in [("in", 100), ("exc", 300), ("inh", 20)] {
        assert!(first.counts[name] > least, "{name} has {} spikes", first.counts[name]);
    }
    let same = |other: &Done, what: &str| {
        for name in ["in", "exc", "inh"] {
            assert!(other.spikes[name] == first.spikes[name], "{what}: other spikes of {name}");
            assert!(other.states.get(name) == first.states.get(name), "{what}: state of {name}");
        }
        assert!(other.recorded == first.recorded, "{what}: other values");
    };

    for threads in [2, 3] {
        same(&done(&text, network.clone(), 1000, threads), "threads");
    }
    for window in [1, 17, 300] {
        let simulated = Simulated::new(scene(&text), network.clone(), window);
        for ends in [&[600][..], &[300, 600], &[1, 299, 301, 600]] {
            same(&simulated.run_to(&mut simulated.cpu(1), ends), &format!("{window}, {ends:?}"));
        }
    }
    for order in [[2, 1, 0], [1, 2, 0]] {
        same(&done(&text, permuted(&network, &order), 1000, 1), "order of populations");
    }

    // A population that has nothing to do with the others, before them and after them, then with
    // delays far longer than theirs.
    let silent = network.populations[1].clone();
    let mut more = network.clone();
    more.populations.push(Population { name: "silent".into(), size: 70, ..silent });
    let mut longer = more.clone();
    let synapses = Synapses::Dense { weights: vec![0.5; 70 * 70] };
    let own = Projection { from: 3, to: 3, delay: 500, synapses, ..network.projections[3].clone() };
    longer.projections.push(own);
    for (network, what) in [(more, "a silent population"), (longer, "a longer delay")] {
        for order in [[0, 1, 2, 3], [3, 0, 1, 2]] {
            let other = done(&text, permuted(&network, &order), 1000, 1);
            assert!(other.spikes["silent"].is_empty(), "{what}");
            same(&other, what);
        }
    }

    // With nothing recorded.
    let mut unseen = scene(&text);
    unseen.record.traces.clear();
    let mut unseen = Simulated::new(unseen, network, 1000);
    unseen.scene.record.spikes.clear();
    let other = unseen.run(&mut unseen.cpu(1));
    assert!(other.spikes["exc"].is_empty() && other.recorded.is_empty());
    assert!(other.counts == first.counts && other.states == first.states, "recording");
}

/// A population cut in two, at the end of a block and within one.
#[test]
fn a_population_in_two_parts() {
    let text = network(false);
    let network = build(&scene(&text)).unwrap();
    let whole = done(&text, network.clone(), 1000, 1);
    assert!(whole.counts["exc"] > 300, "{} spikes", whole.counts["exc"]);
    for first in [1u32, 64, 77] {
        let parts = done(&text, split(&network, 1, first as usize), 1000, 1);
        for name in ["in", "inh"] {
            assert!(parts.spikes[name] == whole.spikes[name], "{first}: other spikes of {name}");
            assert!(parts.states.get(name) == whole.states.get(name), "{first}: {name}");
        }
        let mut spikes = parts.spikes["exc.a"].clone();
        spikes.extend(parts.spikes["exc.b"].iter().map(|(step, id)| (*step, id + first)));
        spikes.sort_unstable();
        assert!(spikes == whole.spikes["exc"], "{first}: other spikes");
        let states = parts.states["exc.a"].iter().zip(&parts.states["exc.b"]);
        let states: Vec<_> = states.map(|(a, b)| [&a[..], b].concat()).collect();
        assert!(states == whole.states["exc"], "{first}: another state at the end");
    }
}

/// Enough neurons and synapses that threads share the work.
#[test]
fn threads_do_not_change_a_large_simulation() {
    let simulated = simulated(
        r#"(version: 1, simulation: (dt: 0.1, duration: 20), populations: {
            "exc": (size: 17000, model: Lif(e_ex: 0, v_init: Uniform(low: -70, high: -55))),
            "inh": (size: 5000, model: Lif()) },
        projections: [
            (from: "exc", to: "exc", connect: FixedInDegree(k: 60), weight: 0.3,
                delay: Normal(mean: 2, std: 1)),
            (from: "exc", to: "inh", connect: FixedInDegree(k: 60), weight: 30)],
        stimuli: [
            (to: "exc", input: Poisson(rate: 9000, weight: 0.5)),
            (to: "inh", input: Noise(mean: 300, std: 200))])"#,
    );
    let one = simulated.run(&mut simulated.cpu(1));
    assert!(one.counts["exc"] > 5000 && one.counts["inh"] > 500, "{:?}", one.counts);
    for threads in [2, 3] {
        let other = simulated.run(&mut simulated.cpu(threads));
        assert_same(&one, &other, &format!("{threads} threads"));
    }
}

// ---- One step of f32 and of the shaders, from a forced state ----------------------------------------

/// Receptors of every kind; those of a linear neuron are currents.
const CURRENTS: &str = r#""d": Delta(), "p": Pulse(), "e": Exp(tau: 2), "a": Alpha(tau: 3),
    "b": DoubleExp(tau_rise: 0.5, tau_decay: 5)"#;
const CONDUCTANCES: &str = r#""d": Delta(), "p": Pulse(), "e": Exp(tau: 2, e_rev: 0), "c": Exp(tau: 3),
    "a": Alpha(tau: 3, e_rev: 0), "m": Ampa(), "n": Nmda(), "g": GabaA(), "h": GabaB()"#;

/// Receptors of which each neuron has its own numbers.
fn of_each(receptors: &str) -> String {
    receptors
        .replace("tau: 3", "tau: Uniform(low: 2, high: 5)")
        .replace("tau_decay: 5", "tau_decay: Uniform(low: 4, high: 9)")
        .replace("e_rev: 0", "e_rev: Uniform(low: -5, high: 5)")
        .replace(
            "Nmda()",
            "Nmda(tau_rise: Uniform(low: 1, high: 3), tau_decay: Uniform(low: 60, high: 120))",
        )
        .replace("GabaB()", "GabaB(e_rev: Uniform(low: -95, high: -85))")
}

const SIZES: [usize; 5] = [1, 63, 64, 65, 257];

/// Populations of all sizes with synapses of every receptor, so that the units of their rings are alike.
fn forced(model: &str, receptors: &str) -> String {
    let names: Vec<&str> = receptors.split('"').skip(1).step_by(2).collect();
    let mut populations = String::new();
    let mut projections = String::new();
    for n in SIZES {
        populations += &format!(r#""p{n}": (size: {n}, model: {model}),"#);
        for r in &names {
            projections += &format!(
                r#"(name: "{n}.{r}", from: "p1", to: "p{n}", connect: Dense, weight: 2,
                    receptor: "{r}"),"#
            );
        }
    }
    format!(
        r#"(version: 1, simulation: (dt: 0.1, duration: 0.1), populations: {{{populations}}},
        projections: [{projections}
            (from: "p257", to: "p65", connect: FixedProbability(p: 0.3), weight: 0.01, receptor: "e",
                delay: Uniform(low: 0.1, high: 2)),
            (from: "p65", to: "p64", connect: Dense, weight: -0.01, receptor: "p", delay: 0.6)],
        stimuli: [
            (to: "p65", input: Step(amplitude: 100, start: 0)),
            (to: "p257", input: Noise(mean: -50, std: 0))])"#
    )
}

/// A state with some neurons above threshold, some held, everything under way; the same on all engines.
fn force(engine: &mut dyn Engine, simulated: &Simulated, adex: bool, refractory: bool) {
    for (k, port) in simulated.ports().state.iter().enumerate() {
        let (array, rows) = port.unwrap();
        let own = own_rows(&simulated.network.populations[k].kind, rows);
        let len = simulated.plan.arrays[array].len;
        let random = noise(len, 1.0, k as u32);
        let value = |at: usize| {
            let (row, lane, x) = (at / 64 % rows, at % 64, random[at]);
            match row {
                _ if row >= own => 0.0,
                0 if adex && lane % 16 == 5 => 75.0,
                0 if adex => 20.0 * x,
                0 => 25.0 * x,
                1 if refractory => [0.0, 0.0, 0.0, 1.0, 2.0][lane % 5],
                2 if refractory && !adex => 1.0 + x,
                3 if adex => 50.0 * x,
                1..=3 => 0.0,
                _ => 3.0 + 3.0 * x,
            }
        };
        let state: Vec<f32> = (0..len).map(|at| value(at) as f32).collect();
        engine.write_reals(array, &state).unwrap();
    }
    let [ring, spikes, recent]: [Words; 3] =
        ["ring", "spikes", "recent"].map(|name| array(&simulated.plan, name));
    let sums = noise(simulated.plan.arrays[ring].len, 2f64.powi(28), 99);
    let sums: Vec<u32> = sums.iter().map(|x| *x as i32 as u32).collect();
    engine.write_words(ring, &sums).unwrap();
    // What a step must write, all of it, and what was sent before.
    for (array, word) in [(spikes, 0xDEAD_BEEF), (recent, 0x1100_0421)] {
        let len = simulated.plan.arrays[array].len;
        engine.write_words(array, &vec![word; len]).unwrap();
    }
    for drive in simulated.ports().drive.iter().flatten() {
        engine.write_reals(*drive, &[100.0]).unwrap();
    }
}

#[test]
fn one_step_agrees_with_the_oracle() {
    let found = adapter("one step");
    let mut spiked = 0;
    for neuron in ["linear", "conductances", "adex"] {
        let adex = neuron == "adex";
        let shared = if neuron == "linear" { CURRENTS } else { CONDUCTANCES };
        for (reset, refractory, own) in (0..8).map(|k| (k & 1, k & 2 > 0, k & 4 > 0)) {
            let receptors = &if own { of_each(shared) } else { shared.to_owned() };
            let mut fields = vec![format!("receptors: {{{receptors}}}")];
            if adex {
                if reset == 1 {
                    continue;
                }
                fields.push(format!("t_ref: {}", if refractory { 2 } else { 0 }));
            } else {
                fields.push(format!("reset: {}", ["Value", "Subtract"][reset]));
                fields.push(match refractory {
                    true => "t_ref: 2, delta_th: 3, tau_rel: 5".into(),
                    false => "t_ref: 0".into(),
                });
            }
            if own {
                fields.push("e_l: Uniform(low: -72, high: -69)".into());
                fields.push("i_e: Uniform(low: -100, high: 200)".into());
                fields.push("g_l: Uniform(low: 20, high: 35)".into());
            }
            let model = format!("{}({})", if adex { "Adex" } else { "Lif" }, fields.join(", "));
            let simulated = simulated(&forced(&model, receptors));
            let mut clock = clock(1);
            // An interval begins.
            clock.step =
                1_000_003 / simulated.plan.interval as u64 * simulated.plan.interval as u64;
            let step = |engine: &mut dyn Engine| {
                force(engine, &simulated, adex, refractory);
                engine.run(simulated.plan.program("simulate").unwrap(), &clock, 1).unwrap();
            };
            let mut oracle = simulated.oracle();
            step(&mut oracle);
            let want = simulated.states(&mut oracle);
            let words = |engine: &mut dyn Engine, name: &str| {
                engine.read_words(array(&simulated.plan, name)).unwrap()
            };
            let (spikes, ring) = (words(&mut oracle, "spikes"), words(&mut oracle, "ring"));
            let own = &spikes[simulated.ports().before..][..simulated.ports().row];
            spiked += own.iter().map(|word| word.count_ones()).sum::<u32>();

            // Sums of so many terms, each with a product; the potential lies between the reversal
            // potentials, or near them while AdEx rises.
            let count = receptors.matches('"').count() / 2;
            let operations = 12 + 2 * count;
            let potential = match neuron {
                "linear" => 40.0,
                "conductances" => 120.0,
                _ => 300.0,
            };
            let rows = want["p1"].len();
            let check = |who: &str,
                         states: BTreeMap<String, Vec<Vec<f64>>>,
                         engine: &mut dyn Engine| {
                let who = format!("{who}, {model}");
                assert!(words(engine, "spikes") == spikes, "{who}: spikes");
                assert!(words(engine, "ring") == ring, "{who}: ring");
                for (name, want) in &want {
                    for row in 0..rows {
                        let scale = match row {
                            0 => potential,
                            1 => 1.0,
                            3 => scale(&want[row]).max(4.0 * 75.0),
                            _ => scale(&want[row]).max(1.0),
                        };
                        let got: Vec<f32> = states[name][row].iter().map(|x| *x as f32).collect();
                        let what = format!("{who}: row {row} of {name}");
                        let tolerance = if row == 1 { 0.0 } else { tolerance(operations, scale) };
                        assert_close(&what, &got, &want[row], tolerance);
                    }
                }
            };
            let mut narrow = simulated.cpu(2);
            step(&mut narrow);
            check("f32", simulated.states(&mut narrow), &mut narrow);
            if let Some(found) = &found {
                let mut device = gpu(found, &simulated.plan);
                step(&mut device);
                check("wgsl", simulated.states(&mut device), &mut device);
            }
        }
    }
    assert!(spiked > 500, "only {spiked} spikes");
}

/// A network that balances: the shaders' connectivity and input are those of the CPU, and so are its
/// rates, if not every spike for ever.
#[test]
fn a_balanced_network_fires_alike_everywhere() {
    let Some(found) = adapter("balanced") else { return };
    let simulated = simulated(
        r#"(version: 1, simulation: (dt: 0.1, duration: 200), populations: {
            "in": (size: 100, model: Poisson(rate: 50)),
            "exc": (size: 200, model: Lif(tau_syn_in: 4)),
            "inh": (size: 50, model: Lif(tau_syn_in: 4)) },
        projections: [
            (from: "in", to: "exc", connect: FixedInDegree(k: 20), weight: 60),
            (from: "exc", to: "exc", connect: FixedProbability(p: 0.1), weight: 25, delay: 1.5),
            (from: "exc", to: "inh", connect: FixedProbability(p: 0.1), weight: 40, delay: 1.5),
            (from: "inh", to: "exc", connect: FixedProbability(p: 0.1), weight: -150, delay: 0.8,
                receptor: "in"),
            (from: "inh", to: "inh", connect: FixedProbability(p: 0.1), weight: -150, delay: 0.8,
                receptor: "in")],
        stimuli: [
            (to: "exc", input: Poisson(rate: 8000, weight: 25)),
            (to: "inh", input: Poisson(rate: 8000, weight: 25))])"#,
    );
    let cpu = simulated.run(&mut simulated.cpu(2));
    let wgsl = simulated.run(&mut gpu(&found, &simulated.plan));
    assert_eq!(cpu.spikes("in"), wgsl.spikes("in"));
    for name in ["exc", "inh"] {
        let (a, b) = (cpu.counts[name] as f64, wgsl.counts[name] as f64);
        assert!(a > 300.0, "{name}: {a} spikes");
        assert!((a - b).abs() <= 0.1 * a, "{name}: {a} and {b} spikes");
        let early = |done: &Done| -> Vec<_> {
            done.spikes(name).iter().filter(|(step, _)| *step < 200).copied().collect()
        };
        let (a, b) = (early(&cpu), early(&wgsl));
        assert!(a.len() > 10 && a == b, "{name}: {} and {} spikes in 20 ms", a.len(), b.len());
    }
    // Equal draws at birth and in every step: the synapses on the device are those of the CPU.
    let arrays = simulated.plan.arrays.iter();
    let synapses = arrays.filter(|(_, a)| a.name.starts_with("synapses."));
    let (mut cpu, mut wgsl) = (simulated.cpu(1), gpu(&found, &simulated.plan));
    let mut met = 0;
    for (id, array) in synapses {
        let Handle::Words(id) = simulated.plan.arrays.handle(id) else { continue };
        assert_eq!(cpu.read_words(id).unwrap(), wgsl.read_words(id).unwrap(), "{}", array.name);
        met += 1;
    }
    assert_eq!(met, 3);
}

/// The table of synapses in one part or in several, as adapters have room: the same spikes.
#[test]
fn parts_of_the_table_do_not_change_a_spike() {
    let mut simulated = simulated(
        r#"(version: 1, simulation: (dt: 0.1, duration: 30, seed: 2),
        populations: {
            "in": (size: 300, model: Poisson(rate: 200)),
            "out": (size: 200, model: Lif(tau_syn: 0.5)) },
        projections: [
            (from: "in", to: "out", connect: FixedProbability(p: 0.3), weight: 60, delay: 1.5),
            (from: "out", to: "out", connect: FixedProbability(p: 0.2),
             weight: Normal(mean: -20, std: 5), delay: Uniform(low: 0.5, high: 2)),
        ])"#,
    );
    let parts = |plan: &Plan| {
        let stages = plan.programs.iter().flat_map(|program| &program.stages);
        let launches = stages.flat_map(|stage| stage.launches());
        launches.filter(|launch| launch.kernel.name == "synapse/scatter").count()
    };
    let whole = simulated.solve();
    assert!(whole.spikes("out").len() > 100 && parts(&simulated.plan) == 0);
    let options = options(&simulated.scene, &simulated.network, 128 << 20).unwrap();
    let steps = simulated.plan.steps;
    let options = SimulationOptions { steps, max_table: 20_000, ..options };
    simulated.plan = plan::plan(&simulated.network, &options).unwrap_or_else(|e| panic!("{e}"));
    assert!(parts(&simulated.plan) > 3);
    let arrays = simulated.plan.arrays.iter();
    let largest = arrays.filter(|(_, array)| array.name.starts_with("synapses."));
    assert!(largest.map(|(_, array)| array.bytes()).max() <= Some(20_000));
    simulated.on_every_engine("parts", |engine, done| {
        assert_eq!(done.spikes("out"), whole.spikes("out"), "{engine}");
    });
}

/// What is drawn is drawn alike: the first presentation of a training has the events and the noise of a simulation.
#[test]
fn a_training_draws_the_stimuli_that_a_simulation_draws() {
    const STEPS: usize = 200;
    let text = |simulation: &str, populations: &str, projections: &str, rest: &str| {
        format!(
            r#"(version: 1, simulation: (dt: 0.5, seed: 4{simulation}), populations: {{
                "cells": (size: 70, model: Lif(t_ref: 1, receptors: {{"ex": Exp(tau: 3), "in": GabaA(tau: 5)}})),
                {populations} }},
            projections: [
                (from: "cells", to: "cells", connect: FixedInDegree(k: 5), weight: 4, receptor: "in", delay: 2),
                {projections} ],
            stimuli: [
                (to: "cells", input: Poisson(rate: Linspace(from: 500, to: 3000), weight: 80, receptor: "ex", start: 5)),
                (to: "cells", input: Poisson(rate: 300, weight: 2, receptor: "in", stop: 60)),
                (to: "cells", input: Noise(mean: 50, std: Linspace(from: 0, to: 300), start: 10)),
                (to: "cells", input: Noise(sigma: 40)),
                (to: "cells", input: Sine(amplitude: 100, frequency: 20)) ],
            {rest})"#
        )
    };
    let simulated = simulated(&text(", duration: 100", "", "", r#"record: (spikes: ["cells"])"#));
    let wanted: BTreeSet<(u64, u32)> = simulated.solve().spikes("cells").iter().copied().collect();
    assert!(wanted.len() > 200, "only {} spikes", wanted.len());
    let training = scene(&text(
        "",
        r#""in": (size: 4, model: Images(encoder: Poisson(max_rate: 50))), "out": (size: 2, model: Readout()),"#,
        r#"(from: "in", to: "out", connect: Dense, weight: Kaiming()),
        (from: "cells", to: "out", connect: Dense, weight: Kaiming()),"#,
        &format!(
            r#"training: (data: Arrays(train: "a.npz", test: "b.npz"), epochs: 1, batch: 2, steps: {STEPS},
            loss: SoftmaxCrossEntropy(over: Mean), optimizer: Sgd(lr: 0.1))"#
        ),
    ));
    let (_, plan) = plan(&training, 2, STEPS, 0);
    let ports = plan.training().populations[0];
    let data = images(2, 4, 2);
    for program in ["evaluate", "train"] {
        let run = |engine: &mut dyn Engine| -> Vec<BTreeSet<(u64, u32)>> {
            load(engine, &plan, &data.train, 2);
            let clock = Clock { seed: 4, ..clock(2) };
            engine.run(plan.program(program).unwrap(), &clock, STEPS).unwrap();
            let words = engine.read_words(ports.spikes.unwrap().array).unwrap();
            let samples = words.chunks(words.len() / 2);
            let spikes = samples.map(|words| decode(words, 70, ports.history, STEPS));
            spikes.map(|spikes| spikes.map(|(t, id)| (u64::from(t), id)).collect()).collect()
        };
        let check = |who: &str, engine: &mut dyn Engine| {
            let found = run(engine);
            assert_eq!(found[0], wanted, "{who}, {program}");
            assert_ne!(found[1], wanted, "{who}, {program}: another presentation has other draws");
        };
        check("f64", &mut Cpu::<f64>::new(&plan, Some(1), false));
        check("f32", &mut Cpu::<f32>::new(&plan, Some(2), false));
        if let Some(found) = adapter("networks") {
            check("wgsl", &mut gpu(&found, &plan));
        }
    }
}

/// Noise with a memory has its whole deviation from the first step of a presentation to the last.
#[test]
fn coloured_noise_of_a_training_has_no_beginning() {
    const STEPS: usize = 20;
    let training = scene(&format!(
        r#"(version: 1, simulation: (dt: 1, seed: 4), populations: {{
            "cells": (size: 4000, model: Lif()),
            "in": (size: 4, model: Images(encoder: Poisson(max_rate: 50))), "out": (size: 2, model: Readout()) }},
        projections: [
            (from: "in", to: "out", connect: Dense, weight: Kaiming()),
            (from: "cells", to: "out", connect: Dense, weight: Kaiming()) ],
        stimuli: [(to: "cells", input: Noise(mean: 30, std: 50, tau: 100))],
        training: (data: Arrays(train: "a.npz", test: "b.npz"), epochs: 1, batch: 1, steps: {STEPS},
            loss: SoftmaxCrossEntropy(over: Mean), optimizer: Sgd(lr: 0.1)))"#
    ));
    let (_, plan) = plan(&training, 1, STEPS, 0);
    let data = images(1, 4, 2);
    let mut oracle = Cpu::<f64>::new(&plan, Some(1), false);
    load(&mut oracle, &plan, &data.train, 1);
    oracle.run(plan.program("evaluate").unwrap(), &clock(1), STEPS).unwrap();
    let inbox = oracle.wide(array(&plan, "cells.inbox"));
    // Two receptors, of which nothing reaches one, and the current.
    let rows = inbox.len() / STEPS / 4000;
    let current = |t: usize| &inbox[(t * rows + rows - 1) * 4000..][..4000];
    for t in [0, 1, STEPS - 1] {
        let mean = current(t).iter().sum::<f64>() / 4000.0;
        let variance = current(t).iter().map(|i| (i - mean).powi(2)).sum::<f64>() / 3999.0;
        // The mean is off by 50 / sqrt(4000), the deviation by 50 / sqrt(8000).
        assert!((mean - 30.0).abs() < 4.0, "{t}: mean {mean}");
        assert!((variance.sqrt() - 50.0).abs() < 2.5, "{t}: deviation {}", variance.sqrt());
    }
    // Neighbours correlate by e^(-dt / tau).
    let pairs = current(8).iter().zip(current(9));
    let product: f64 = pairs.map(|(a, b)| (a - 30.0) * (b - 30.0)).sum::<f64>() / 4000.0;
    assert!((product / 2500.0 - (-0.01f64).exp()).abs() < 0.1, "{product}");
}
