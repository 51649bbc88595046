//! Level 2 for cells with channels: the f64 oracle against printed numbers of the squid's axon and of
//! cortical cells; f32 within what it can resolve.

mod common;

use common::*;
use neuralearn::engine::Engine;
use neuralearn::engine::cpu::{Cpu, Twinned};
use neuralearn::kernel::Clock;
use neuralearn::network::{Kind, build};
use neuralearn::plan::{self, Recorded, Sampled, SimulationOptions};
use neuralearn::scene::{Scene, load};
use std::path::Path;

/// What the first neuron of each population did.
struct Run {
    /// Times of its spikes \[ms\].
    spikes: Vec<Vec<f64>>,
    /// Values of the variables that were asked for, after each step.
    values: Vec<Vec<f64>>,
}

/// Runs a scene in the float type `F`, with variables of the first population at every step.
fn run<F: Twinned>(scene: &Scene, steps: usize, variables: &[&str]) -> Run {
    let network = build(scene).unwrap_or_else(|e| panic!("{e}"));
    let Kind::Stepped(neurons) = &network.populations[0].kind else { panic!() };
    let known = neurons.variables();
    let row = |name: &&str| known.iter().find(|v| v.name == **name).unwrap().row;
    let sampled = |name| Sampled {
        what: Recorded::State { population: 0, row: row(name) },
        ids: vec![0],
        every: 1,
    };
    let window = 1000;
    let samples = variables.iter().map(sampled).collect();
    let options = SimulationOptions {
        steps: window,
        samples,
        presented: false,
        workgroups: true,
        room: 1.0,
        max_binding: 128 << 20,
        max_table: 128 << 20,
    };
    let plan = plan::plan(&network, &options).unwrap_or_else(|e| panic!("{e}"));
    let ports = plan.simulation();
    let program = plan.program("simulate").unwrap();
    let mut engine = Cpu::<F>::new(&plan, Some(1), false);
    let mut run = Run {
        spikes: vec![Vec::new(); network.populations.len()],
        values: vec![Vec::new(); variables.len()],
    };
    for start in (0..steps as u64).step_by(window) {
        for (k, array) in ports.drive.iter().enumerate() {
            let Some(array) = array else { continue };
            let at = |t: u64| -> f32 {
                let on = network.stimuli.iter().filter(|s| s.to == k);
                let on = on.filter(|s| (s.start..s.stop).contains(&t));
                on.map(|s| match &s.input {
                    neuralearn::network::Input::Current { course, .. } => course.at(0, 1) as f32,
                    _ => 0.0,
                })
                .sum()
            };
            let drive: Vec<f32> = (0..window as u64).map(|t| at(start + t)).collect();
            engine.write_reals(*array, &drive).unwrap();
        }
        engine.run(program, &Clock { seed: 1, step: start, ..clock(1) }, window).unwrap();
        let words = engine.read_words(ports.spikes).unwrap();
        for (t, row) in words.chunks(ports.row).enumerate() {
            for (spikes, first) in run.spikes.iter_mut().zip(&ports.first_word) {
                if row[*first] & 1 == 1 {
                    spikes.push((start + t as u64 + 1) as f64 * network.dt);
                }
            }
        }
        for (values, (array, at)) in run.values.iter_mut().zip(&ports.samples) {
            values.extend(&engine.wide(*array)[*at..][..window]);
        }
    }
    run
}

fn squid(dt: f64, current: f64, v_init: f64) -> Scene {
    scene(&format!(
        r#"(version: 1, simulation: (dt: {dt}, duration: 1), populations: {{
            "cell": (size: 1, model: Hh(i_e: {current}, v_init: {v_init}, channels: {{
                "leak": Leak(g: 0.3, e_rev: -54.387), "na": NaSquid(g: 120), "k": KSquid(g: 36) }})) }})"#
    ))
}

/// Rest of the axon, computed from its steady states: -64.99638 mV.
const REST: f64 = -64.99638;

/// The potential under 10 µA/cm² from rest, as a fourth-order method with a step of 5 µs prints it.
/// The staggered scheme is of second order: halving the step must cut the error to a quarter, and
/// extrapolation from two steps reaches the printed digits.
#[test]
fn squid_under_a_step_of_current() {
    let printed = [
        (1.0, -55.97551),
        (2.0, 28.34566),
        (3.0, 3.44799),
        (4.0, -42.96254),
        (5.0, -75.05814),
        (10.0, -66.68664),
    ];
    let v =
        |dt: f64| run::<f64>(&squid(dt, 10.0, REST), (10.0 / dt) as usize, &["v"]).values.remove(0);
    let (coarse, fine) = (v(0.004), v(0.002));
    for (t, value) in printed {
        let at = |v: &[f64], dt: f64| v[(t / dt).round() as usize - 1];
        let (a, b) = (at(&coarse, 0.004), at(&fine, 0.002));
        let extrapolated = b + (b - a) / 3.0;
        println!("{t} ms: {a} {b} -> {extrapolated}, printed {value}");
        assert!((extrapolated - value).abs() <= 2e-5, "{t} ms: {extrapolated} not {value}");
        let ratio = (a - extrapolated) / (b - extrapolated);
        assert!((3.5..4.5).contains(&ratio) || (b - value).abs() < 1e-4, "{t} ms: order {ratio}");
    }
}

/// Rate from the last intervals between spikes, for each of a list of currents.
#[test]
fn squid_rate_by_current() {
    for (current, rate) in [(7.0, 58.33), (10.0, 68.32), (20.0, 86.47), (50.0, 117.04)] {
        let measured = |spikes: &[f64]| {
            let last = &spikes[spikes.len() - 11..];
            1e4 / (last[10] - last[0])
        };
        let scene = squid(0.01, current, REST);
        let wide = measured(&run::<f64>(&scene, 100_000, &[]).spikes[0]);
        let single = measured(&run::<f32>(&scene, 100_000, &[]).spikes[0]);
        println!("{current}: f64 {wide:.3} f32 {single:.3} Hz, printed {rate}");
        assert!((wide - rate).abs() <= 0.02, "{current}: {wide} Hz, not {rate}");
        assert!((single - rate).abs() <= 0.3, "{current}: {single} Hz in f32, not {rate}");
    }
}

/// From rest the axon answers 6.2 µA/cm² with a few spikes and 6.3 with a train; 2.2 with none and 2.3
/// with one; 70 and more with a block.
#[test]
fn squid_thresholds() {
    let count = |current: f64| run::<f64>(&squid(0.01, current, REST), 50_000, &[]).spikes[0].len();
    assert_eq!(count(2.2), 0);
    assert_eq!(count(2.3), 1);
    assert!(count(6.2) <= 5);
    assert!(count(6.3) >= 26);
    assert!(count(70.0) <= 2);
}

/// Steady states and rates at -65 mV, and finite values where numerator and denominator vanish.
#[test]
fn squid_rates() {
    let network = build(&squid(0.01, 0.0, -65.0)).unwrap();
    let Kind::Stepped(neurons) = &network.populations[0].kind else { panic!() };
    let start = neurons.start(0);
    for (row, value) in [(3, 0.052932485257250), (4, 0.596120753508460), (5, 0.317676914060697)] {
        assert!((start[row] - value).abs() <= 1e-14, "{} not {value}", start[row]);
    }
    for v in [-40.0, -55.0, -40.0 + 1e-7, -55.0 - 1e-7] {
        for values in [
            run::<f32>(&squid(0.01, 0.0, v), 1000, &["v", "m_na", "n_k"]).values,
            run::<f64>(&squid(0.01, 0.0, v), 1000, &["v", "m_na", "n_k"]).values,
        ] {
            assert!(values.iter().flatten().all(|x| x.is_finite()), "from {v} mV");
        }
    }
}

/// Cells of Pospischil et al. (2008) in f64: numbers and times of spikes of an independent run.
#[test]
fn cortical_cells() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes/cortical_cells.ron");
    let (scene, ..) = load(&path, &[]).unwrap_or_else(|e| panic!("{e}"));
    let run = run::<f64>(&scene, 90_000, &[]);
    let rs = &run.spikes[0];
    println!(
        "rs {rs:?}\nfs {:?}\nlts {:?}\nrebound {:?}",
        run.spikes[1], run.spikes[2], run.spikes[3]
    );
    assert_eq!(rs.len(), 5);
    for (t, printed) in rs.iter().zip([320.26, 347.91, 386.67, 453.47, 586.83]) {
        assert!((t - printed).abs() <= 0.1, "rs: {t} not {printed}");
    }
    let fs = &run.spikes[1];
    assert_eq!(fs.len(), 20);
    assert!((fs[0] - 316.96).abs() <= 0.1, "fs: {}", fs[0]);
    assert!(((fs[19] - fs[1]) / 18.0 - 20.17).abs() <= 0.02, "fs: {}", (fs[19] - fs[1]) / 18.0);
    // A fourth-order run from the same start gives 431.45, 445.07, 514.70 and 718.34 ms.
    let lts = &run.spikes[2];
    assert_eq!(lts.len(), 4);
    for (t, printed) in lts.iter().zip([431.39, 445.02, 514.65, 718.28]) {
        assert!((t - printed).abs() <= 0.25, "lts: {t} not {printed}");
    }
    assert_eq!(run.spikes[3].len(), 1, "one rebound");
}

/// Ions that move (Cressman et al. 2009) in f32: with 8 mM of potassium in the bath the neuron bursts
/// every 29.48 s, which a drift of the concentrations by lost digits would change.
#[test]
fn ions_drive_bursts() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes/ion_pump.ron");
    let (scene, ..) = load(&path, &[]).unwrap_or_else(|e| panic!("{e}"));
    let spikes = run::<f32>(&scene, 4_600_000, &[]).spikes.remove(0);
    let pauses = spikes.windows(2).filter(|w| w[1] - w[0] > 3000.0);
    let onsets: Vec<f64> = pauses.map(|w| w[1] * 1e-3).collect();
    println!("bursts at {onsets:?} s");
    assert_eq!(onsets.len(), 3);
    for pair in onsets.windows(2) {
        let period = pair[1] - pair[0];
        assert!((period / 29.48 - 1.0).abs() <= 0.01, "a burst every {period} s");
    }
}
