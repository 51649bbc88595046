//! Rules of plasticity in a training by gradients: what they change is the sum over all pairs of spikes, told from
//! the equations of the rules alone.

mod common;

use common::*;
use neuralearn::engine::Engine;
use neuralearn::engine::cpu::Cpu;
use neuralearn::network::{Network, Projection, Synapses, build};
use neuralearn::plan::Plan;
use neuralearn::plasticity::Rule;

const SAMPLES: usize = 5;
const STEPS: usize = 40;

/// Spikes of images learn by a rule to a first layer, and by gradients to the readout.
fn text(connect: &str, delay: &str, rule: &str) -> String {
    format!(
        r#"(version: 1, simulation: (dt: 0.5, seed: 3), populations: {{
            "in": (shape: [6, 5, 2], model: Images(encoder: Poisson(max_rate: 150))),
            "hidden": (shape: [5, 4, 4], model: Lif(tau_m: 10, tau_syn: 3, t_ref: 0, i_e: 420)),
            "out": (size: 3, model: Readout(tau_m: 10)) }},
        projections: [
            (from: "in", to: "hidden", {connect}, weight: Uniform(low: 5, high: 40), delay: {delay}, learn: {rule}),
            (from: "hidden", to: "hidden", connect: Others, weight: Uniform(low: -2, high: 2), delay: 1,
                learn: Hebb(eta: 1e-4, tau: 8, every: 3, w_min: -3, w_max: 3)),
            (from: "hidden", to: "out", connect: Dense, weight: Kaiming(gain: 1))],
        training: (data: Arrays(train: "a.npz", test: "b.npz"), epochs: 1, batch: {SAMPLES}, steps: {STEPS},
            loss: SoftmaxCrossEntropy(over: Mean), optimizer: Adam(lr: 0.001)))"#
    )
}

/// Whether a neuron spikes in a step of a sample.
fn spiked(plan: &Plan, words: &[u32], k: usize, n: usize) -> impl Fn(usize, usize, usize) -> f64 {
    let history = plan.training().populations[k].history;
    let words = words.to_vec();
    move |b, t, id| {
        let row = b * (history + STEPS) + history + t;
        f64::from((words[row * n.div_ceil(32) + id / 32] >> (id % 32)) & 1)
    }
}

/// The change of one synapse by one sample, step after step, as a simulation would make it while the weight stays.
/// Sources' spikes that do not arrive within the window are left out.
fn change(rule: &Rule, delay: usize, dt: f64, source: &[f64], target: &[f64]) -> f64 {
    let keep = |tau: f64| (-dt / tau).exp();
    let source = |t: usize| if t + delay < STEPS { source[t] } else { 0.0 };
    if let Some(rates) = rule.rates {
        let (mut x, mut y, mut sum) = (0.0, 0.0, 0.0);
        for (t, target) in target.iter().enumerate() {
            x = x * keep(rates.tau[0]) + source(t);
            y = y * keep(rates.tau[0]) + target;
            if (t + 1) % rates.every as usize == 0 {
                let [r, other] = [x, y].map(|trace| trace / (rates.tau[0] * 1e-3));
                sum += rates.eta * r * other * f64::from(rates.every) * dt * 1e-3;
            }
        }
        return sum;
    }
    let axonal = rule.axonal.unwrap_or(delay - rule.dendritic);
    let (mut x, mut y, mut slow, mut sum) = (0.0, 0.0, 0.0, 0.0);
    for t in 0..STEPS + delay + rule.dendritic {
        x *= keep(rule.x[0].tau);
        y *= keep(rule.y[0].tau);
        slow *= keep(rule.y[1].tau);
        let at = |later: usize| t.checked_sub(later).filter(|t| *t < STEPS);
        let pre = at(axonal).map_or(0.0, source);
        let post = at(rule.dendritic).map_or(0.0, |t| target[t]);
        sum += pre * (rule.pre.constant + rule.pre.pair * y);
        sum += post * (rule.post.constant + x * (rule.post.pair + rule.post.triplet * slow));
        (x, y, slow) = (x + pre, y + post, slow + post);
    }
    sum
}

/// Sums of changes and of their magnitudes, for each weight of a projection in its natural order.
fn changes(network: &Network, plan: &Plan, engine: &mut dyn Engine, p: &Projection) -> Vec<Terms> {
    let rule = p.rule.as_ref().unwrap();
    let size = [p.from, p.to].map(|k| network.populations[k].size);
    let spikes = [p.from, p.to]
        .map(|k| engine.read_words(plan.training().populations[k].spikes.unwrap().array).unwrap());
    let source = spiked(plan, &spikes[0], p.from, size[0]);
    let target = spiked(plan, &spikes[1], p.to, size[1]);
    let synapses: Vec<(usize, u32, u32)> = match &p.synapses {
        Synapses::Convolution { convolution, .. } => {
            let (start, source, weight) = convolution.lists();
            let target = |k: usize| start.partition_point(|first| *first as usize <= k) - 1;
            (0..source.len()).map(|k| (weight[k] as usize, source[k], target(k) as u32)).collect()
        }
        synapses => (0..synapses.weights().len())
            .map_while(|k| synapses.ends(k, size[1]).map(|(i, j)| (k, i, j)))
            .collect(),
    };
    let none = || Terms { sum: 0.0, magnitude: 0.0 };
    let mut all: Vec<Terms> = p.synapses.weights().iter().map(|_| none()).collect();
    for (weight, i, j) in synapses {
        let delay = match &p.synapses {
            Synapses::Convolution { .. } => p.delay,
            _ => p.delay_of(weight),
        };
        for b in 0..SAMPLES {
            let train = |of: &dyn Fn(usize, usize, usize) -> f64, id: u32| -> Vec<f64> {
                (0..STEPS).map(|t| of(b, t, id as usize)).collect()
            };
            let (source, target) = (train(&source, i), train(&target, j));
            let by = change(rule, delay, network.dt, &source, &target);
            all[weight].sum += by;
            all[weight].magnitude += by.abs();
        }
    }
    all
}

#[test]
fn rules_change_what_all_pairs_of_a_batch_do() {
    let rules = [
        "Stdp(w_max: 50, a_plus: 0.02, a_minus: 0.01, tau_plus: 7)",
        "Stdp(w_max: 50, dendritic: 0.5)",
        "Triplet(w_max: 50, a2_plus: 2e-3, a3_minus: 0, tau_y: 30)",
        "Vogels(eta: 0.3, w_max: 50, rho: 10)",
        "Hebb(eta: 1e-4, tau: 10, every: 2.5, w_max: 50)",
    ];
    let forms = [
        ("connect: Dense", "1"),
        ("connect: FixedInDegree(k: 9)", "1.5"),
        ("connect: FixedProbability(p: 0.3)", "Uniform(low: 0.5, high: 6)"),
        ("connect: Local(kernel: [2, 2])", "1"),
        ("connect: Conv(kernel: [2, 2])", "2"),
    ];
    let data = images(SAMPLES, 60, 3);
    for (connect, delay) in forms {
        for rule in rules {
            if delay.starts_with("Uniform") && rule.starts_with("Hebb") {
                continue;
            }
            let what = format!("{connect}, delay {delay}, {rule}");
            let scene = scene(&text(connect, delay, rule));
            let (network, plan) = plan(&scene, SAMPLES, STEPS, 0);
            let mut oracle = Cpu::<f64>::new(&plan, Some(1), false);
            let train = plan.program("train").unwrap();
            let run = |engine: &mut dyn Engine| {
                load(engine, &plan, &data.train, SAMPLES);
                engine.run(train, &clock(SAMPLES), STEPS).unwrap();
            };
            run(&mut oracle);
            let spikes = |engine: &mut dyn Engine| {
                engine.read_words(plan.training().populations[1].spikes.unwrap().array).unwrap()
            };
            let spikes_wanted = spikes(&mut oracle);
            let mut wanted = Vec::new();
            for (p, tiles) in network.projections.iter().zip(&plan.training().weights) {
                let Some(rule) = &p.rule else { continue };
                let terms = changes(&network, &plan, &mut oracle, p);
                assert!(terms.iter().any(|t| t.sum > 0.0), "{what}: nothing rises in {}", p.name);
                let [array] = tiles.arrays()[..] else { panic!("{what}: several tiles") };
                let changed = plan.training().changes.iter().find(|(_, weights)| *weights == array);
                let change = oracle.wide(changed.unwrap().0);
                let after = oracle.wide(array);
                for (k, (terms, before)) in terms.iter().zip(p.synapses.weights()).enumerate() {
                    let at = tiles.find(k).1;
                    let error = (change[at] - terms.sum).abs();
                    assert!(
                        error <= 1e-12 * terms.magnitude,
                        "{what}: {} of {k} is not {}",
                        change[at],
                        terms.sum
                    );
                    let within = (before + change[at]).clamp(rule.bounds[0], rule.bounds[1]);
                    assert!(
                        (after[at] - within).abs() <= 1e-12 * within.abs(),
                        "{what}: weight {k}"
                    );
                }
                // A change is a sum over spikes and rows.
                let largest = terms.iter().map(|t| t.magnitude).fold(0.0, f64::max);
                wanted.push((changed.unwrap().0, change, tolerance(4 * SAMPLES * STEPS, largest)));
            }
            assert_eq!(wanted.len(), 2);
            let check = |who: &str, engine: &mut dyn Engine| {
                run(engine);
                assert_eq!(spikes(engine), spikes_wanted, "{what}, {who}: spikes");
                for (array, want, tolerance) in &wanted {
                    let got = engine.read_reals(*array).unwrap();
                    assert_close(&format!("{what}, {who}"), &got, want, *tolerance);
                }
            };
            check("f32", &mut Cpu::<f32>::new(&plan, Some(2), false));
            if let Some(found) = adapter("rules") {
                check("wgsl", &mut gpu(&found, &plan));
            }
        }
    }
}

/// A synapse by itself changes in a simulation as one does in a window.
#[test]
fn a_window_is_what_a_simulation_does() {
    for rule in [
        "Stdp(w_min: -1000, w_max: 1000, unit: 1, a_plus: 0.02, a_minus: 0.013)",
        "Triplet(w_min: -1000, w_max: 1000, unit: 1, a2_plus: 0.004, a3_minus: 0)",
        "Vogels(eta: 0.01, w_min: -1000, w_max: 1000, rho: 10)",
        "Hebb(eta: 1e-4, tau: 10, every: 2.5, w_min: -1000, w_max: 1000)",
    ] {
        let training = scene(&text("connect: Dense", "1", rule));
        let network = build(&training).unwrap();
        let learned = network.projections[0].rule.as_ref().unwrap();
        let (pre, post) = ([1, 4, 9, 10, 22, 30], [2, 4, 13, 14, 25, 33]);
        let times = |steps: &[u64], earlier: u64| -> Vec<f64> {
            steps.iter().map(|step| (step + 1 - earlier) as f64 * 0.5).collect()
        };
        // A jump that arrives one step after its cause makes the neuron spike.
        let simulated = simulated(&format!(
            r#"(version: 1, simulation: (dt: 0.5, duration: 20), populations: {{
                "pre": (size: 1, model: Spikes(times: [{:?}])),
                "cause": (size: 1, model: Spikes(times: [{:?}])),
                "post": (size: 1, model: Lif(t_ref: 0, receptors: {{"jump": Delta(), "ex": Exp(tau: 2)}})) }},
            projections: [
                (from: "cause", to: "post", receptor: "jump", connect: Dense, weight: 100, delay: 0.5),
                (from: "pre", to: "post", receptor: "ex", connect: Dense, weight: 0, delay: 1, learn: {rule})])"#,
            times(&pre, 0),
            times(&post, 1),
        ));
        let done = simulated.solve();
        assert_eq!(done.steps("post"), post, "{rule}");
        let train = |steps: &[u64]| -> Vec<f64> {
            (0..STEPS as u64).map(|t| f64::from(u8::from(steps.contains(&t)))).collect()
        };
        let want = change(learned, 2, 0.5, &train(&pre), &train(&post));
        let got = f64::from(done.weights["pre->post"][0]);
        assert!(
            want != 0.0 && (got - want).abs() <= 1e-6 * want.abs(),
            "{rule}: {got} is not {want}"
        );
    }
}
