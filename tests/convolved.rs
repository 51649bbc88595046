//! Rules of plasticity on weights that synapses share: every engine against a plain loop over synapses, which knows
//! neither lists nor traces nor geometry in kernels; against synapses with weights of their own; what must not change a
//! bit does not; what a run leaves is what another one starts from.

mod common;

use common::*;
use neuralearn::checkpoint::{self, Origin, Store};
use neuralearn::engine::Engine;
use neuralearn::files::{Values, write_tensors};
use neuralearn::network::{Projection, Synapses, build};
use neuralearn::plasticity::Change;
use neuralearn::scene::load_str;
use neuralearn::simulation::Simulation;
use neuralearn::synapse::convolution::Convolution;

const DT: f64 = 0.5;
const STEPS: u64 = 44;
/// Steps of the delay of all synapses, of which some are dendritic by some rules.
const DELAY: u64 = 3;
/// Time constant of the receptor of the synapses \[ms\].
const TAU: f64 = 2.0;

/// Shapes of sources and targets, and how they are connected: odd sizes, windows that do not fill the sources, pooled
/// sources that are left over, groups, edges of nothing.
const FORMS: [([usize; 3], [usize; 3], &str); 4] = [
    ([7, 9, 2], [5, 7, 3], "connect: Conv(kernel: 3)"),
    (
        [15, 9, 4],
        [4, 2, 6],
        "pool: Avg(2), connect: Conv(kernel: [3, 2], stride: [2, 1], padding: [1, 0], dilation: [1, 2], groups: 2)",
    ),
    ([6, 5, 1], [2, 2, 17], "connect: Conv(kernel: 5, stride: 3, padding: 2)"),
    ([5, 7, 3], [1, 1, 5], "pool: Sum(2), connect: Dense"),
];

/// With one float for each weight and with two, additive and with powers, with parts of the delay on either side.
const RULES: [&str; 4] = [
    "Stdp(a_plus: 4e-3, a_minus: 3e-3, tau_plus: 5, tau_minus: 9, w_max: 1, dendritic: 0.5)",
    "Stdp(a_plus: 4e-3, a_minus: 5e-3, tau_plus: 9, tau_minus: 5, w_max: 1, mu_plus: 1, mu_minus: 2)",
    "Triplet(a2_plus: 1e-5, a3_plus: 2e-3, a2_minus: 1e-3, a3_minus: 1e-3, tau_x: 20, tau_y: 30, w_max: 1, axonal: 0.5)",
    "Vogels(eta: 2e-3, rho: 60, w_max: 1)",
];

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

/// Targets that spike when their causes do, of each form and rule.
fn every_form() -> Simulated {
    let [mut populations, mut projections, mut traces, mut weights] = [(); 4].map(|()| vec![]);
    for (k, (from, to, connect)) in FORMS.into_iter().enumerate() {
        let size = to.iter().product();
        let (sent, caused) = (times(from.iter().product(), 0), times(size, 3));
        populations.push(format!(
            r#""source{k}": (shape: {from:?}, model: Spikes(times: {sent:?})),
               "cause{k}": (size: {size}, model: Spikes(times: {caused:?}))"#
        ));
        for (r, rule) in RULES.into_iter().enumerate() {
            let name = format!("{k}_{r}");
            populations.push(format!(
                r#""target{name}": (shape: {to:?}, model: Lif(t_ref: 0, v_th: 1e6, receptors: {{
                    "jump": Delta(), "plastic": Exp(tau: {TAU}) }}))"#
            ));
            projections.push(format!(
                r#"(from: "cause{k}", to: "target{name}", receptor: "jump", connect: OneToOne, weight: 1e7),
                   (name: "p{name}", from: "source{k}", to: "target{name}", receptor: "plastic", {connect},
                    weight: Uniform(low: 0.02, high: 0.98), delay: {}, learn: {rule})"#,
                DELAY as f64 * DT
            ));
            let ids: Vec<usize> = (0..size).collect();
            traces.push(format!(
                r#"(population: "target{name}", ids: {ids:?}, variables: ["i_plastic"])"#
            ));
            weights
                .push(format!(r#"(projection: "p{name}", ids: [{}])"#, ids_of(from, to, connect)));
        }
    }
    let [populations, projections, traces, weights] =
        [populations, projections, traces, weights].map(|all| all.join(",\n"));
    simulated(&format!(
        "(version: 1, simulation: (dt: {DT}, duration: {}), populations: {{ {populations} }},
        projections: [{projections}], record: (traces: [{traces}], weights: [{weights}]))",
        STEPS as f64 * DT
    ))
}

/// Numbers of all weights of a projection.
fn ids_of(from: [usize; 3], to: [usize; 3], connect: &str) -> String {
    let text = format!(
        r#"(version: 1, simulation: (dt: 1, duration: 1), populations: {{
            "a": (shape: {from:?}, model: Poisson(rate: 1)), "b": (shape: {to:?}, model: Lif()) }},
        projections: [(from: "a", to: "b", {connect}, weight: 1, learn: Stdp(w_max: 2))])"#
    );
    let network = build(&scene(&text)).unwrap();
    let ids = 0..network.projections[0].synapses.weights().len();
    ids.map(|id| id.to_string()).collect::<Vec<_>>().join(", ")
}

/// How the synapses of a projection lie that share weights.
fn convolution(p: &Projection) -> &Convolution {
    let Synapses::Convolution { convolution, .. } = &p.synapses else { panic!("{}", p.name) };
    convolution
}

/// A number, the magnitudes of what it is a sum of, how many these are, and how much more an error counts in the end.
#[derive(Clone, Copy)]
struct Sum {
    value: f64,
    magnitude: f64,
    terms: usize,
    growth: f64,
}

const NOTHING: Sum = Sum { value: 0.0, magnitude: 0.0, terms: 0, growth: 1.0 };

/// Steps at which each of `count` neurons spikes.
fn trains(spikes: &[(u64, u32)], count: usize) -> Vec<Vec<u64>> {
    let mut trains = vec![Vec::new(); count];
    spikes.iter().for_each(|(step, id)| trains[*id as usize].push(*step));
    trains
}

/// Spikes before a step, each faded by its age.
fn faded(train: &[u64], later: u64, now: u64, tau: f64) -> f64 {
    let ages = train.iter().filter_map(|s| now.checked_sub(s + later)).filter(|age| *age > 0);
    ages.map(|age| (-(age as f64) * DT / tau).exp()).sum()
}

/// Weights after each step, and the current of each target after it: synapse by synapse, with what they would change
/// summed for each weight.
fn expected(p: &Projection, [from, to]: [&[Vec<u64>]; 2]) -> (Vec<Vec<Sum>>, Vec<Vec<Sum>>) {
    let (rule, convolution) = (p.rule.as_ref().unwrap(), convolution(p));
    let (start, source, weight) = convolution.lists();
    let synapses: Vec<[usize; 3]> = (0..to.len())
        .flat_map(|j| (start[j] as usize..start[j + 1] as usize).map(move |k| (j, k)))
        .map(|(j, k)| [weight[k] as usize, source[k] as usize, j])
        .collect();
    let dendritic = rule.dendritic as u64;
    let axonal = rule.axonal.map_or(DELAY - dendritic, |steps| steps as u64);
    let scale = convolution.scale();
    let begin = |w: &f64| Sum { value: *w, magnitude: w.abs(), terms: 1, growth: 1.0 };
    let mut weights: Vec<Sum> = p.synapses.weights().iter().map(begin).collect();
    let mut arrivals = vec![vec![NOTHING; to.len()]; STEPS as usize];
    let mut history = Vec::new();
    let change =
        |of: &Change, main: f64, own: f64| of.constant + main * (of.pair + of.triplet * own);
    for now in 0..STEPS {
        let spiked = |train: &[u64], later: u64| train.iter().any(|s| s + later == now);
        for [w, i, j] in &synapses {
            if spiked(&from[*i], 0) && now + DELAY < STEPS {
                let (arrived, w) = (&mut arrivals[(now + DELAY) as usize][*j], weights[*w]);
                arrived.value += scale * w.value;
                arrived.magnitude += scale * w.magnitude * w.growth;
                arrived.terms += w.terms;
            }
        }
        for side in [0, 1] {
            let mut sums = vec![NOTHING; weights.len()];
            for [w, i, j] in &synapses {
                let (x, y) = (&from[*i], &to[*j]);
                let by = match side {
                    0 if spiked(x, axonal) => {
                        let met = faded(y, dendritic, now, rule.y[0].tau);
                        change(&rule.pre, met, faded(x, axonal, now, rule.x[1].tau))
                    }
                    1 if spiked(y, dendritic) => {
                        let met = faded(x, axonal, now, rule.x[0].tau);
                        change(&rule.post, met, faded(y, dendritic, now, rule.y[1].tau))
                    }
                    _ => continue,
                };
                sums[*w].value += scale * by;
                sums[*w].magnitude += scale * by.abs();
                sums[*w].terms += 1;
            }
            let [low, high] = rule.bounds;
            for (w, sum) in weights.iter_mut().zip(sums).filter(|(_, sum)| sum.terms > 0) {
                let factor = match sum.value > 0.0 {
                    true => ((high - w.value) / (high - low)).powf(rule.mu[0]),
                    false => ((w.value - low) / (high - low)).powf(rule.mu[1]),
                };
                w.value = (w.value + factor * sum.value).clamp(low, high);
                w.magnitude += sum.magnitude;
                w.terms += sum.terms;
                // An error of the weight is one of the factor, of which no slope is more than 2.
                w.growth *= if rule.mu == [0.0; 2] { 1.0 } else { 1.0 + 2.0 * sum.magnitude };
            }
        }
        history.push(weights.clone());
    }
    let decay = (-DT / TAU).exp();
    for now in 1..arrivals.len() {
        let (before, rest) = arrivals.split_at_mut(now);
        for (now, before) in rest[0].iter_mut().zip(&before[now - 1]) {
            now.value += decay * before.value;
            now.magnitude += decay * before.magnitude;
            now.terms += before.terms;
        }
    }
    (history, arrivals)
}

#[test]
fn engines_sum_what_single_synapses_would_change() {
    let simulated = every_form();
    let want = simulated.solve();
    let all: Vec<_> = simulated.network.projections.iter().filter(|p| p.rule.is_some()).collect();
    let expected: Vec<_> = all
        .iter()
        .map(|p| {
            let ends = [p.from, p.to].map(|k| &simulated.network.populations[k]);
            let [from, to] = ends.map(|ends| trains(want.spikes(&ends.name), ends.size));
            expected(p, [&from, &to])
        })
        .collect();
    assert_eq!(all.len(), FORMS.len() * RULES.len());
    simulated.on_every_engine("convolved", |who, done| {
        let close = |sum: &Sum| match who {
            "oracle" => 1e-12 * sum.growth * (1.0 + sum.magnitude),
            _ => tolerance(sum.terms + 50, sum.magnitude * sum.growth),
        };
        let (mut changed, mut bounded) = (0, 0);
        for (p, (weights, currents)) in all.iter().zip(&expected) {
            let to = &simulated.network.populations[p.to].name;
            let what = format!("{who}: {}", p.name);
            assert!(done.spikes(to) == want.spikes(to), "{what}: spikes");
            let got = done.values(&format!("{}.weight", p.name)).chunks(weights[0].len());
            for (step, (got, want)) in got.zip(weights).enumerate() {
                for (k, (got, want)) in got.iter().zip(want).enumerate() {
                    let what = format!("{what}: weight {k} in step {step}");
                    let error = (got - want.value).abs();
                    assert!(error <= close(want), "{what}: {got} not {}", want.value);
                }
            }
            let last = weights.last().unwrap();
            assert_eq!(done.weights[&p.name].len(), last.len(), "{what}");
            assert!(
                done.weights[&p.name].iter().zip(last).all(|(got, want)| {
                    (f64::from(*got) - want.value).abs() <= close(want) + 1e-7
                })
            );
            changed +=
                last.iter().zip(p.synapses.weights()).filter(|(a, b)| a.value != **b).count();
            bounded += last.iter().filter(|w| w.value == 0.0 || w.value == 1.0).count();
            for (got, want) in
                done.values(&format!("{to}.i_plastic")).iter().zip(currents.iter().flatten())
            {
                // The ring holds multiples of at most 2^-22 of the largest weight; half of it is lost of each arrival.
                let lost = 2f64.powi(-23) * want.terms as f64;
                let error = (got - want.value).abs();
                assert!(error <= close(want) + lost, "{what}: current {got} not {}", want.value);
            }
        }
        assert!(changed > 1000 && bounded > 10, "{changed} weights changed, {bounded} at a bound");
    });
}

/// In the first step in which weights change, those that are shared change by the sum of what the same weights, each a
/// synapse's own, do.
#[test]
fn shared_weights_get_the_sum_of_tied_ones() {
    // All spikes of targets come before those of sources, which come in one step.
    let some = |count: usize, step: usize, time: f64| -> Vec<Vec<f64>> {
        (0..count).map(|k| if k * 7 % step == 0 { vec![] } else { vec![time] }).collect()
    };
    let (sent, caused) = (some(70, 3, 4.0), some(45, 4, 1.0));
    let shape = "shape: [5, 3, 3]";
    let lif = r#"Lif(t_ref: 0, v_th: 1e6, receptors: {"jump": Delta(), "ex": Exp(tau: 2)})"#;
    let window = "kernel: 3, stride: [1, 2], padding: [0, 1]";
    let learn = |connect: &str, to: &str| {
        format!(
            r#"(from: "cause", to: "{to}", receptor: "jump", connect: OneToOne, weight: 1e7),
               (name: "{connect}", from: "source", to: "{to}", receptor: "ex", connect: {connect}({window}),
                weight: 0.5, delay: 1, learn: Stdp(w_max: 1, a_plus: 4e-3, a_minus: 3e-3))"#
        )
    };
    let simulated = simulated(&format!(
        r#"(version: 1, simulation: (dt: {DT}, duration: 22), populations: {{
            "source": (shape: [7, 5, 2], model: Spikes(times: {sent:?})),
            "cause": (size: 45, model: Spikes(times: {caused:?})),
            "a": ({shape}, model: {lif}), "b": ({shape}, model: {lif}) }},
        projections: [{}, {}])"#,
        learn("Conv", "a"),
        learn("Local", "b")
    ));
    let find = |name: &str| simulated.network.projections.iter().find(|p| p.name == name).unwrap();
    let (start, source, weight) = convolution(find("Conv")).lists();
    let Synapses::Sparse { start: other, source: same, .. } = &find("Local").synapses else {
        panic!("not a list")
    };
    assert_eq!((&start, &source), (other, same));
    let check = |who: &str, engine: Box<dyn Engine + '_>, rounding: f64| {
        let (network, plan) = (&simulated.network, &simulated.plan);
        let mut s = Simulation::new(network, plan, &simulated.scene, engine).unwrap();
        let mut weights = |step: u64| {
            s.run(step, &mut |_| true).unwrap();
            let weights = s.weights().unwrap();
            [&weights[0], &weights[1]]
                .map(|(_, all)| all.iter().map(|w| f64::from(*w) - 0.5).collect())
        };
        let changed = |w: &[f64]| w.iter().filter(|w| **w != 0.0).count();
        let (shared, own): (Vec<f64>, Vec<f64>) = (1..STEPS)
            .map(|step| weights(step).into())
            .find(|(shared, _): &(Vec<f64>, Vec<f64>)| changed(shared) > 0)
            .unwrap();
        let mut sums = vec![0.0; shared.len()];
        weight.iter().zip(&own).for_each(|(w, change)| sums[*w as usize] += change);
        assert!(changed(&shared) == 54 && changed(&own) > 200, "{who}");
        for (got, want) in shared.iter().zip(&sums) {
            assert!((got - want).abs() <= rounding, "{who}: {got} not {want}");
        }
    };
    // Weights near 0.5, at most 15 of one, each rounded once to half a unit of 2^-24 and read as f32.
    let rounding = 15.0 * 2f64.powi(-24);
    check("oracle", Box::new(simulated.oracle()), rounding);
    check("f32", Box::new(simulated.cpu(1)), 2.0 * rounding);
    if let Some(found) = adapter("tied") {
        check("wgsl", Box::new(gpu(&found, &simulated.plan)), 2.0 * rounding);
    }
}

/// Images of noise whose neurons learn from each other too: shared weights beside others, with all that goes with them.
const NOISE: &str = r#"(version: 1, simulation: (dt: 0.5, duration: 300), populations: {
        "in": (shape: [9, 10, 2], model: Poisson(rate: 40)),
        "out": (shape: [7, 4, 5], model: Lif(tau_m: 20, receptors: {"ex": Exp(tau: 5, e_rev: 0)})) },
    projections: [
        (name: "p", from: "in", to: "out", connect: Conv(kernel: 3, stride: [1, 2]), weight: Uniform(low: 4, high: 8),
            delay: 2, learn: Stdp(w_max: 12, a_plus: 1e-4, a_minus: 9e-5),
            short_term: (u: 0.5, tau_rec: 100), normalize: (sum: 104, every: 7)),
        (name: "q", from: "out", to: "out", connect: Conv(kernel: 3, padding: 1, groups: 5), weight: 0.2, delay: 1,
            learn: Triplet(w_max: 1, a2_plus: 1e-4))],
    modulators: { "m": (tau: 50, release: [Spikes(population: "in", amount: 0.001)],
        effects: [Learning(projection: "p", slope: 0.5)]) },
    record: (weights: [(projection: "p", every: 5), (projection: "q", ids: [0, 7, 44], every: 5)]))"#;

#[test]
fn windows_and_threads_do_not_matter() {
    let whole = simulated(NOISE);
    let want = whole.run(&mut whole.cpu(1));
    assert!(want.spikes("out").len() > 300, "{} spikes", want.spikes("out").len());
    let weights = &want.recorded["p.weight"];
    assert!(weights[..10] != weights[weights.len() - 10..], "nothing is learned");
    for (window, threads) in [(7, 1), (64, 2), (1000, 3)] {
        let cut = windowed(NOISE, window);
        let got = cut.run(&mut cut.cpu(threads));
        assert!(got.spikes("out") == want.spikes("out"), "{window}, {threads}: spikes");
        assert!(got.recorded == want.recorded, "{window}, {threads}: weights differ");
        assert!(got.weights == want.weights, "{window}, {threads}: weights differ");
    }
    // The weights of a channel have their sum at the end of an interval.
    let ended = windowed(&NOISE.replace("duration: 300", "duration: 294"), 1000);
    ended.on_every_engine("sums", |who, done| {
        for channel in done.weights["p"].chunks(18) {
            let sum: f64 = channel.iter().map(|w| f64::from(*w)).sum();
            assert!((sum - 104.0).abs() <= tolerance(40, 104.0), "{who}: {sum}");
        }
    });
}

/// A broken-off run goes on to the same bits on the same engine.
#[test]
fn a_checkpoint_holds_shared_weights() {
    let simulated = windowed(NOISE, 37);
    let go = |engine: Box<dyn Engine + '_>, from: Option<&std::path::Path>, to: u64| {
        let (network, plan) = (&simulated.network, &simulated.plan);
        let mut s = Simulation::new(network, plan, &simulated.scene, engine).unwrap();
        if let Some(dir) = from {
            let checkpoint = checkpoint::newest(dir).unwrap();
            let progress = checkpoint.progress().unwrap();
            s.restore(&checkpoint, progress).unwrap();
        }
        s.run(to, &mut |_| true).unwrap();
        (s.progress(), s.state().unwrap(), s.weights().unwrap())
    };
    let check = |who: &str, engine: &mut dyn FnMut() -> Box<dyn Engine>| {
        let dir = tempfile::tempdir().unwrap();
        let whole = go(engine(), None, 600);
        let (progress, state, _) = go(engine(), None, 251);
        Store::new(dir.path(), Origin::default()).save(251, &progress, &state).unwrap();
        let broken = go(engine(), Some(dir.path()), 600);
        for (a, b) in whole.1.iter().zip(&broken.1) {
            assert!(a == b, "{who}: {} differs", a.0);
        }
        assert!(whole.2 == broken.2, "{who}");
        assert!(whole.1.iter().any(|(name, _)| name == "p.weights"), "{who}");
    };
    check("f32", &mut || Box::new(simulated.cpu(2)));
    if let Some(found) = adapter("checkpoint") {
        check("wgsl", &mut || Box::new(gpu(&found, &simulated.plan)));
    }
}

/// What a run leaves of shared weights another one starts from, with a rule or without, and `Local` cannot.
#[test]
fn a_kernel_goes_from_run_to_run() {
    let dir = tempfile::tempdir().unwrap();
    let whole = simulated(NOISE);
    let left = whole.run(&mut whole.cpu(1)).weights["p"].clone();
    assert_eq!(left.len(), 5 * 2 * 3 * 3);
    let file = dir.path().join("w.safetensors");
    write_tensors(&file, &[("p".to_owned(), Values::Reals(left.clone()))]).unwrap();
    let start = |from: &str, to: &str| {
        let text = NOISE.replace("Uniform(low: 4, high: 8)", r#"File("w.safetensors")"#);
        assert!(text.contains(from));
        let (scene, ..) = load_str("test.ron", &text.replace(from, to), dir.path(), &[]).unwrap();
        build(&scene).map(|mut network| network.projections.remove(0).synapses)
    };
    let Synapses::Convolution { weights, .. } = start("w_max: 12", "w_max: 13").unwrap() else {
        panic!("they share no weights")
    };
    assert!(weights.iter().zip(&left).all(|(a, b)| *a == f64::from(*b)));
    // Without a rule each synapse holds the weight of its own.
    let learn = "learn: Stdp(w_max: 12, a_plus: 1e-4, a_minus: 9e-5),";
    let text = NOISE
        .replace("Uniform(low: 4, high: 8)", r#"File("w.safetensors")"#)
        .replace(learn, "")
        .replace(", normalize: (sum: 104, every: 7)", "")
        .replace(r#"effects: [Learning(projection: "p", slope: 0.5)]"#, "effects: []")
        .replace(r#"(projection: "p", every: 5), "#, "");
    let (scene, ..) = load_str("test.ron", &text, dir.path(), &[]).unwrap();
    let fixed = build(&scene).unwrap().projections.remove(0).synapses;
    let (.., of) = convolution(&whole.network.projections[0]).lists();
    assert!(fixed.weights().iter().zip(&of).all(|(a, w)| *a == f64::from(left[*w as usize])));
    let error = start(
        "connect: Conv(kernel: 3, stride: [1, 2])",
        "connect: Local(kernel: 3, stride: [1, 2])",
    );
    let error = error.unwrap_err().to_string();
    assert!(error.contains("90 weights") && error.contains("2520 synapses"), "{error}");
}

/// Horizontal bars at random places: the weights by which neurons see them come to lie in rows.
#[test]
fn a_kernel_learns_how_bars_lie() {
    let bars = (0..400u64).map(|k| (k, (k * k + 3 * k + k / 7) % 9));
    let mut trains = vec![Vec::new(); 81];
    for (k, row) in bars {
        (0..9).for_each(|column| trains[(row * 9 + column) as usize].push(10.0 + 25.0 * k as f64));
    }
    let simulated = simulated(&format!(
        r#"(version: 1, simulation: (dt: 1, duration: 10100), populations: {{
            "in": (shape: [9, 9, 1], model: Spikes(times: {trains:?})),
            "out": (shape: [5, 5, 2], model: Lif(tau_m: 5, t_ref: 2, v_th: -55, e_l: -70, receptors: {{"ex": Delta()}})) }},
        projections: [(name: "p", from: "in", to: "out", connect: Conv(kernel: 5), weight: Uniform(low: 0, high: 5.4),
            delay: 1, learn: Stdp(w_max: 13, a_plus: 1e-3, a_minus: 1e-4, axonal: 0), normalize: (sum: 68, every: 1))])"#
    ));
    let done = simulated.run(&mut simulated.cpu(1));
    // How much more the sums of rows differ than those of columns.
    let oriented = |weights: &[f64]| -> Vec<f64> {
        let spread = |sums: [f64; 5]| -> f64 {
            let mean = sums.iter().sum::<f64>() / 5.0;
            sums.iter().map(|sum| (sum - mean).powi(2)).sum()
        };
        let kernel = |w: &[f64]| {
            let sum = |of: &dyn Fn(usize) -> usize| (0..5).map(|k| w[of(k)]).sum::<f64>();
            let rows = [0, 1, 2, 3, 4].map(|y| sum(&|x| 5 * y + x));
            let columns = [0, 1, 2, 3, 4].map(|x| sum(&|y| 5 * y + x));
            spread(rows) / spread(columns)
        };
        weights.chunks(25).map(kernel).collect()
    };
    let end: Vec<f64> = done.weights["p"].iter().map(|w| f64::from(*w)).collect();
    let start = oriented(simulated.network.projections[0].synapses.weights());
    let end = oriented(&end);
    println!("{start:?} {end:?} {:?}", done.weights["p"]);
    assert!(start.iter().all(|ratio| *ratio < 10.0), "{start:?}");
    assert!(end.iter().all(|ratio| *ratio > 100.0), "{end:?}");
}
