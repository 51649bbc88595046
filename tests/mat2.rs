//! Level 2 and 4: the neuron with a threshold of several time scales, against numbers printed by NEST 3.10
//! (mat2_psc_exp), and on every engine.

mod common;

use common::simulated;

/// Steps of 0.1 ms at whose end there are spikes at these times.
fn steps(times: &[f64]) -> Vec<u64> {
    times.iter().map(|t| (t * 10.0).round() as u64 - 1).collect()
}

fn scene(duration: u32, model: &str, rest: &str) -> String {
    format!(
        "(version: 1, simulation: (dt: 0.1, duration: {duration}), populations: {{
            \"cell\": (size: 1, model: Mat2({model})) {rest}"
    )
}

/// A constant current of 500 pA with the defaults, and one of 600 pA with smaller rises: spike times, potential and
/// threshold as NEST prints them.
#[test]
fn constant_current_gives_the_printed_spikes() {
    let text = scene(
        500,
        "i_e: 500",
        "}, record: (traces: [(population: \"cell\", variables: [\"v\", \"theta_1\", \"theta_2\"])]))",
    );
    let printed = [7.2, 29.2, 56.5, 89.3, 129.7, 178.9, 234.3, 292.1, 350.4, 408.8, 467.3];
    let done = simulated(&text).solve();
    assert_eq!(done.steps("cell"), steps(&printed));
    let threshold =
        |t: usize| -51.0 + done.values("cell.theta_1")[t] + done.values("cell.theta_2")[t];
    for (ms, v, v_th) in [
        (1, -65.46826882694954, -51.0),
        (10, -48.383382080915275, -21.063806477612385),
        (100, -45.000000051528765, -31.63039201647949),
        (300, -45.000000000000014, -26.579575982528638),
    ] {
        let at = ms * 10 - 1;
        let found = done.values("cell.v")[at];
        assert!((found - v).abs() <= 1e-11, "{ms} ms: {found}, not {v}");
        assert!((threshold(at) - v_th).abs() <= 1e-11, "{ms} ms: {}, not {v_th}", threshold(at));
    }
    let printed = [
        5.1, 10.2, 17.1, 25.3, 34.3, 44.0, 54.4, 65.6, 77.6, 90.4, 104.1, 118.7, 134.1, 150.3,
        167.3, 184.9, 203.0, 221.6, 240.6, 259.9, 279.4, 299.0, 318.8, 338.7, 358.6, 378.6, 398.6,
        418.7, 438.8, 458.9, 479.0, 499.1,
    ];
    let text = scene(500, "i_e: 600, alpha_1: 10, alpha_2: 1", "})");
    simulated(&text).on_every_engine("mat2", |engine, done| {
        assert_eq!(done.steps("cell"), steps(&printed), "{engine}");
    });
}

/// Excitatory and inhibitory spikes through both receptors, which the sign of the weight chooses.
#[test]
fn arriving_spikes_give_the_printed_spikes() {
    let times = |first: f64, every: f64, count: u32| {
        let times: Vec<_> =
            (0..count).map(|k| format!("{:.1}", first + every * f64::from(k))).collect();
        times.join(", ")
    };
    let rest = format!(
        ", \"ex\": (size: 1, model: Spikes(times: [[{}]])), \"in\": (size: 1, model: Spikes(times: [[{}]]))
        }}, projections: [
            (from: \"ex\", to: \"cell\", connect: Dense, weight: 900, delay: 1),
            (from: \"in\", to: \"cell\", connect: Dense, weight: -250, delay: 1.5),
        ], record: (traces: [(population: \"cell\")]))",
        times(5.0, 3.7, 60),
        times(20.0, 11.3, 20)
    );
    let printed = [9.9, 32.2, 55.1, 87.9, 121.6, 165.9, 221.5];
    simulated(&scene(300, "i_e: 300", &rest)).on_every_engine("mat2", |engine, done| {
        assert_eq!(done.steps("cell"), steps(&printed), "{engine}");
        let (found, v) = (done.values("cell.v")[1999], -44.21051559344511);
        // The oracle's weights are whole units of the ring; the others round 2,000 steps too.
        let tolerance = if engine == "oracle" { 1e-5 } else { 1e-4 };
        assert!((found - v).abs() <= tolerance, "{engine}: {found}, not {v}");
    });
}

/// Neurons with numbers and receptors of their own, across a block: each engine against the oracle.
#[test]
fn every_engine_does_the_same() {
    let text = "(version: 1, simulation: (dt: 0.1, duration: 30, seed: 3), populations: {
        \"source\": (size: 40, model: Poisson(rate: 400)),
        \"cell\": (size: 130, model: Mat2(
            i_e: Uniform(low: 300, high: 500), tau_m: Uniform(low: 4, high: 12), omega: Normal(mean: -51, std: 1),
            alpha_1: 5, tau_2: 5e6, v_init: Uniform(low: -70, high: -60), receptors: {
                \"fast\": Exp(tau: Uniform(low: 0.5, high: 2)), \"slow\": Alpha(tau: Linspace(from: 2, to: 5)), \"jump\": Delta() })),
        }, projections: [
            (name: \"a\", from: \"source\", to: \"cell\", connect: FixedProbability(p: 0.3), weight: 60, receptor: \"fast\"),
            (name: \"b\", from: \"source\", to: \"cell\", connect: FixedProbability(p: 0.3), weight: -40,
             receptor: \"slow\", delay: 2),
            (name: \"c\", from: \"source\", to: \"cell\", connect: FixedProbability(p: 0.1), weight: 0.2, receptor: \"jump\"),
        ], stimuli: [(to: \"cell\", input: Step(amplitude: 40, start: 5, stop: 15))])";
    let simulated = simulated(text);
    let want = simulated.solve();
    assert!(want.spikes("cell").len() > 100, "{}", want.spikes("cell").len());
    simulated.on_every_engine("mat2", |engine, done| {
        assert_eq!(done.spikes("cell"), want.spikes("cell"), "{engine}");
        for (row, (found, want)) in done.states["cell"].iter().zip(&want.states["cell"]).enumerate()
        {
            for (k, (found, want)) in found.iter().zip(want).enumerate() {
                // 300 steps, each of a few roundings of numbers up to their largest.
                let tolerance = 300.0 * 4.0 * f64::from(f32::EPSILON) * want.abs().max(20.0);
                assert!(
                    (found - want).abs() <= tolerance,
                    "{engine}: row {row} of {k}: {found} {want}"
                );
            }
        }
    });
}

#[test]
fn a_conductance_is_refused() {
    let text = scene(10, "receptors: {\"ex\": Exp(tau: 2, e_rev: 0)}", "})");
    let error = neuralearn::scene::load_str("test.ron", &text, std::path::Path::new(""), &[]);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("this neuron's is linear") && error.contains("receptors.ex"), "{error}");
}
