//! Level 5: gradients.
//!
//! The f64 oracle with soft spikes is a smooth function of the weights, so its gradient is compared with
//! central differences. The shaders and the f32 twins are then compared with the oracle: with soft
//! spikes, where rounding is all that differs, at sizes around a workgroup; and with hard spikes.

mod common;
#[path = "common/dual.rs"]
mod dual;

use common::*;
use dual::Dual;
use neuralearn::data::traces::Traces;
use neuralearn::data::{Dataset, NO_LABEL};
use neuralearn::engine::Engine;
use neuralearn::engine::cpu::Cpu;
use neuralearn::kernel::Clock;
use neuralearn::network::{Kind, Network, Synapses, build};
use neuralearn::plan::{self, NumberPorts, Plan, Reals, TrainingOptions};

/// Which parts of the program a case goes through.
#[derive(Clone, Copy)]
struct Case {
    encoder: &'static str,
    hidden: usize,
    model: &'static str,
    weight: &'static str,
    first: &'static str,
    extra: &'static str,
    over: &'static str,
    surrogate: &'static str,
    detach: bool,
    dt: &'static str,
    steps: usize,
    delay: u32,
    /// Of what leaves the hidden neurons.
    dropout: f64,
    /// Whether all numbers of the hidden neurons are trained that can be.
    numbers: bool,
    /// Whether spikes are the answer.
    counts: bool,
    /// Penalties on rates.
    rates: &'static str,
    /// The loss of a readout, up to what it is over.
    loss: &'static str,
    /// Noise of the training.
    noise: &'static str,
    /// Modulators.
    modulators: &'static str,
}

const PLAIN: Case = Case {
    encoder: "Constant(gain: 1.0)",
    hidden: 5,
    model: "Lif(tau_m: 20, tau_syn: 5, t_ref: 0)",
    weight: "Kaiming(gain: 2.5)",
    first: "Dense",
    extra: "",
    over: "Mean",
    surrogate: "FastSigmoid(slope: 2)",
    detach: true,
    dt: "1.0",
    steps: 7,
    delay: 1,
    dropout: 0.0,
    numbers: false,
    counts: false,
    rates: "",
    loss: "SoftmaxCrossEntropy(",
    noise: "",
    modulators: "",
};

const PIXELS: usize = 13;
const CLASSES: usize = 3;

/// Sources, and the data that a scene names. Data with labels of frames have so many numbers in each.
fn shown(c: &Case) -> (usize, &'static str) {
    match c.over {
        "Frames" => (100, "StoreRecall(symbols: 3)"),
        _ => (PIXELS, r#"Arrays(train: "a.npz", test: "b.npz")"#),
    }
}

// The readout has a constant current, since without one its first steps are equal, and the largest of
// equal values has no derivative.
fn text(c: &Case) -> String {
    let train = if c.numbers { every_number(c) } else { String::new() };
    let (sources, data) = shown(c);
    let (answer, loss) = match c.counts {
        true => (
            "Lif(tau_m: 15, tau_syn: 4, t_ref: 0, i_e: 200)",
            "SpikeCount(population: \"out\", scale: 0.7)".to_owned(),
        ),
        false => {
            ("Readout(tau_m: 15, tau_syn: 4, i_e: 15)", format!("{}over: {})", c.loss, c.over))
        }
    };
    format!(
        r#"(version: 1, simulation: (dt: {dt}, seed: 3),
        populations: {{
            "in": (size: {sources}, model: Images(encoder: {encoder})),
            "hidden": (size: {hidden}, model: {model}, train: [{train}]),
            "out": (size: {CLASSES}, model: {answer}),
        }},
        projections: [
            (from: "in", to: "hidden", connect: {first}, weight: {weight}),
            {extra}
            (from: "hidden", to: "out", connect: Dense, weight: Kaiming(gain: 3.0), delay: {delay},
                dropout: {dropout}),
        ],
        modulators: {{{modulators}}},
        training: (data: {data}, epochs: 1, batch: 4, steps: {steps},
            loss: {loss}, rates: [{rates}], noise: ({noise}), optimizer: Adam(lr: 0.001),
            surrogate: {surrogate}, detach_reset: {detach}, biases: true))"#,
        encoder = c.encoder,
        hidden = c.hidden,
        model = c.model,
        weight = c.weight,
        first = c.first,
        extra = c.extra,
        delay = c.delay,
        dropout = c.dropout,
        steps = c.steps,
        dt = c.dt,
        rates = c.rates,
        noise = c.noise,
        modulators = c.modulators,
        surrogate = c.surrogate,
        detach = c.detach,
    )
}

/// Every number of the hidden neurons that can be trained, as the refusal of one that cannot lists them; each neuron
/// has its own, but of every third, and of those that must be shared.
fn every_number(c: &Case) -> String {
    let plain = text(&Case { numbers: false, ..*c });
    let refusal = |train: &str| {
        let text = plain.replace("train: []", &format!("train: [{train}]"));
        build(&scene(&text)).err().map(|e| e.to_string())
    };
    let all = refusal(r#""none""#).unwrap();
    let listed = all.split_once("there are").unwrap().1;
    let names = listed.split('`').skip(1).step_by(2).filter(|name| *name != "i_e");
    let trained = |(k, name): (usize, &str)| {
        let (each, shared) = (format!("{name:?}"), format!("Shared({name:?})"));
        let can_be_shared = refusal(&shared).is_none();
        match refusal(&each) {
            None if k % 3 == 0 && can_be_shared => shared,
            None => each,
            Some(_) => {
                assert!(can_be_shared, "{name}");
                shared
            }
        }
    };
    names.enumerate().map(trained).collect::<Vec<_>>().join(", ")
}

const SAMPLES: usize = 4;

/// A clock by which the weights stay where they are.
fn still(samples: usize) -> Clock {
    Clock { learning_rate: 0.0, ..clock(samples) }
}

/// Loss of the batch at the weights as they are. Sources are dropped and noise is added in the training alone, the same
/// each time.
fn loss(engine: &mut Cpu<'_, f64>, network: &Network, plan: &Plan) -> f64 {
    let drawn = ["train/noise", "train/disturb"];
    let has_noise = plan
        .programs
        .iter()
        .flat_map(|program| &program.stages)
        .any(|stage| stage.launches().iter().any(|launch| drawn.contains(&launch.kernel.name)));
    let program = match has_noise || network.projections.iter().any(|p| p.dropout > 0.0) {
        true => "train",
        false => "evaluate",
    };
    engine.run(plan.program(program).unwrap(), &still(plan.batch), plan.steps).unwrap();
    let losses = engine.wide(array(plan, "losses"));
    losses.iter().step_by(plan.training().slots).sum::<f64>() / plan.batch as f64
}

/// Makes what kernels read follow from the trained numbers as they are.
fn follow(engine: &mut Cpu<'_, f64>, network: &Network, plan: &Plan) {
    for ports in &plan.training().numbers {
        let population = &network.populations[ports.population];
        let (Kind::Stepped(neurons), Some(numbers)) = (&population.kind, &population.numbers)
        else {
            panic!("{} has no numbers", population.name);
        };
        let free: Vec<Vec<f64>> = ports.free.iter().map(|array| engine.wide(*array)).collect();
        let contents = ports.contents(numbers, &**neurons, population.size, &free).unwrap();
        for (array, values) in contents {
            values.into_iter().enumerate().for_each(|(k, x)| engine.numbers(array)[k] = x);
        }
    }
}

/// Compares the oracle's gradient with central differences, for every weight or a spread of them.
fn central_differences(name: &str, case: &Case) {
    let scene = scene(&text(case));
    // With a detached reset the soft spike must not enter the reset; attached, it must.
    let soft = if case.detach { 1 } else { 2 };
    let (network, plan) = plan(&scene, SAMPLES, case.steps, soft);
    let data = samples(case, &network);
    let mut engine = Cpu::<f64>::new(&plan, Some(1), false);
    load(&mut engine, &plan, &data.train, SAMPLES);
    all_differences(name, (&network, &plan), &mut engine);
}

/// Samples with what the loss of a case asks for: classes, numbers, or marks, of which each class is one.
fn samples(case: &Case, network: &Network) -> Dataset {
    let mut data = images(SAMPLES, network.pixels(), CLASSES as u64);
    if ["SquaredError(", "Huber("].iter().any(|word| case.loss.starts_with(word)) {
        let numbers = noise(SAMPLES * CLASSES, 2.0, 21);
        data.train.targets = numbers.into_iter().map(|x| x as f32).collect();
    }
    if case.over == "Frames" {
        // Of the last sample nothing is asked.
        data.train.labels =
            [[0, NO_LABEL, 1], [2, 1, 0], [NO_LABEL, 2, NO_LABEL], [NO_LABEL; 3]].concat();
    }
    data
}

/// The same of a plan whose input is on the engine.
fn all_differences(name: &str, (network, plan): (&Network, &Plan), engine: &mut Cpu<'_, f64>) {
    engine.run(plan.program("train").unwrap(), &still(plan.batch), plan.steps).unwrap();
    let (mut checked, mut acting) = (0, 0);
    let free: Vec<Reals> =
        plan.training().numbers.iter().flat_map(|ports| ports.free.clone()).collect();
    for (gradient, weights) in plan.training().gradients.clone() {
        let analytic = engine.wide(gradient);
        let start = engine.wide(weights);
        let is_number = free.contains(&weights);
        let mut largest = scale(&analytic);
        if is_number && largest > 1e-9 {
            acting += 1;
        } else if is_number {
            // A number that only spikes bring to bear, and none does: a change of it changes nothing.
            largest = 1e-3;
        }
        assert!(largest > 1e-9, "{name}: no gradient reaches {}", plan.arrays[weights].name);
        for k in (0..start.len()).step_by((start.len() / 40).max(1)) {
            let h = match is_number {
                // Small, since a threshold moves every distance, maybe one over the edge of the surrogate at 0.
                true => 1e-6,
                false if scale(&start) > 1e-9 => 1e-5 * scale(&start),
                false => 1e-4,
            };
            let mut at = |x: f64| {
                engine.numbers(weights)[k] = x;
                if is_number {
                    follow(engine, network, plan);
                }
                loss(engine, network, plan)
            };
            // Of fourth order, or the curvature of channels would show.
            let mut apart = |h: f64| (at(start[k] + h) - at(start[k] - h)) / (2.0 * h);
            let difference = (4.0 * apart(h) - apart(2.0 * h)) / 3.0;
            at(start[k]);
            let error = (difference - analytic[k]).abs();
            // The loss, about 1, is known to some 1e-15.
            let known = if is_number { 1e-15 / h } else { 0.0 };
            assert!(
                error <= 1e-6 * largest + known,
                "{name}: {}[{k}]: {} by the adjoint, {difference} by differences",
                plan.arrays[weights].name,
                analytic[k]
            );
            checked += 1;
        }
    }
    assert!(checked > 20, "{name}: only {checked} weights were compared");
    let known = free.len();
    assert!(acting * 2 >= known, "{name}: only {acting} of {known} numbers change the loss");
}

/// Compares the oracle's gradients with derivatives of the forward pass in dual numbers, along some directions in which all
/// weights or numbers of an array change at once: an error in one of them shows.
fn dual_numbers(name: &str, case: &Case) {
    let soft = if case.detach { 1 } else { 2 };
    let (network, plan) = plan(&scene(&text(case)), SAMPLES, case.steps, soft);
    let data = samples(case, &network);
    let mut oracle = Cpu::<f64>::new(&plan, Some(1), false);
    load(&mut oracle, &plan, &data.train, SAMPLES);
    oracle.run(plan.program("train").unwrap(), &still(SAMPLES), plan.steps).unwrap();
    let mut engine = Cpu::<Dual>::new(&plan, Some(1), false);
    load(&mut engine, &plan, &data.train, SAMPLES);
    let ports = plan.training();
    for (which, (gradient, array)) in ports.gradients.iter().enumerate() {
        let (by, start) = (oracle.wide(*gradient), oracle.wide(*array));
        for seed in 0..2 {
            let direction = noise(by.len(), 1.0, 100 + 2 * which as u32 + seed);
            // What follows from the array, and how it changes along the direction.
            let follow = |numbers: &NumberPorts, h: f64| -> Vec<(Reals, Vec<f64>)> {
                let population = &network.populations[numbers.population];
                let (Kind::Stepped(neurons), Some(all)) = (&population.kind, &population.numbers)
                else {
                    panic!("{} has no numbers", population.name);
                };
                let mut free: Vec<Vec<f64>> =
                    numbers.free.iter().map(|array| oracle.wide(*array)).collect();
                let moved = numbers.free.iter().position(|free| free == array).unwrap();
                free[moved].iter_mut().zip(&direction).for_each(|(x, d)| *x += h * d);
                let contents = numbers.contents(all, &**neurons, population.size, &free).unwrap();
                contents.into_iter().filter(|(array, _)| !numbers.slopes.contains(array)).collect()
            };
            let changing: Vec<(Reals, Vec<Dual>)> =
                match ports.numbers.iter().find(|numbers| numbers.free.contains(array)) {
                    None => {
                        let each = start.iter().zip(&direction).map(|(x, d)| Dual { x: *x, d: *d });
                        vec![(*array, each.collect())]
                    }
                    Some(numbers) => {
                        let h = 3e-4;
                        let [a, b, c, d] = [-2.0, -1.0, 1.0, 2.0].map(|k| follow(numbers, k * h));
                        let at = follow(numbers, 0.0).into_iter().enumerate();
                        at.map(|(k, (array, values))| {
                            let slope = |i: usize| {
                                let [a, b, c, d] = [&a, &b, &c, &d].map(|at| at[k].1[i]);
                                ((a - d) + 8.0 * (c - b)) / (12.0 * h)
                            };
                            let each = values.iter().enumerate();
                            (array, each.map(|(i, x)| Dual { x: *x, d: slope(i) }).collect())
                        })
                        .collect()
                    }
                };
            for (array, values) in &changing {
                engine.numbers(*array).copy_from_slice(values);
            }
            engine.run(plan.program("evaluate").unwrap(), &still(SAMPLES), plan.steps).unwrap();
            let losses = engine.numbers(ports.losses).iter().step_by(ports.slots);
            let found = losses.map(|loss| loss.d).sum::<f64>() / SAMPLES as f64;
            let terms: Vec<f64> = by.iter().zip(&direction).map(|(g, d)| g * d).collect();
            let (want, size) =
                (terms.iter().sum::<f64>(), terms.iter().map(|x| x.abs()).sum::<f64>());
            let what = &plan.arrays[*array].name;
            // How what kernels read changes with a trained number the host finds by central differences.
            let precise =
                if ports.numbers.iter().any(|n| n.free.contains(array)) { 1e-9 } else { 1e-10 };
            assert!(
                (found - want).abs() <= precise * size,
                "{name}: {what}: {want} by the adjoint, {found} in dual numbers, of terms of {size}"
            );
            for (array, values) in &changing {
                engine.numbers(*array).iter_mut().zip(values).for_each(|(x, value)| {
                    *x = Dual { d: 0.0, ..*value };
                });
            }
        }
    }
}

/// Every form of neuron, receptor, connection and loss that has a case here, but for those that draw: the adjoint of a whole
/// program is its derivative.
#[test]
fn adjoints_are_the_derivatives_of_their_twins() {
    let plain = [
        ("plain", PLAIN),
        ("spiking input", Case { encoder: "Latency(window: 4.0)", ..PLAIN }),
        ("counts, attached", Case { counts: true, detach: false, ..PLAIN }),
        ("rates", Case { rates: RATES, ..PLAIN }),
        ("attached", Case { detach: false, ..PLAIN }),
        ("recurrent", Case { extra: RECURRENT, hidden: 66, ..PLAIN }),
        ("sparse recurrent", Case { extra: SPARSE_RECURRENT, ..PLAIN }),
        ("sparse constant", Case { first: "FixedProbability(p: 0.5)", ..PLAIN }),
        ("drawn delays", Case { extra: DRAWN_DELAYS, steps: 9, ..PLAIN }),
    ];
    let more = targeted().into_iter().chain(answers()).chain(tiring()).chain(modulated());
    for (name, case) in plain.into_iter().chain(more) {
        dual_numbers(name, &case);
    }
    for (name, case) in (0..FRAMED.len()).map(framed) {
        dual_numbers(name, &case);
        if !case.model.starts_with("Hh") {
            dual_numbers(&format!("{name}, attached"), &Case { detach: false, ..case });
        }
    }
}

/// Two penalties on one population, of which the hidden neurons break both and the others one.
const RATES: &str = r#"(population: "hidden", low: 900, strength: 2e-6),
    (population: "hidden", low: 10, high: 20, strength: 1e-6)"#;

/// Losses of targets. Of Huber's some differences are in its square and others beyond.
fn targeted() -> [(&'static str, Case); 4] {
    [
        ("squared error", Case { loss: "SquaredError(", ..PLAIN }),
        ("Huber, last", Case { loss: "Huber(delta: 0.8, ", over: "Last", ..PLAIN }),
        ("marks, max", Case { loss: "MultiLabel(", over: "Max", ..PLAIN }),
        (
            "squared error, rates, recurrent",
            Case { loss: "SquaredError(", rates: RATES, extra: RECURRENT, ..PLAIN },
        ),
    ]
}

const RECURRENT: &str =
    r#"(from: "hidden", to: "hidden", connect: Dense, weight: Kaiming(gain: 2.0), delay: 2),"#;
const SPARSE_RECURRENT: &str =
    r#"(from: "hidden", to: "hidden", connect: FixedInDegree(k: 3), weight: Kaiming(gain: 2.0)),"#;

const DRAWN_DELAYS: &str = r#"(from: "hidden", to: "hidden", connect: FixedInDegree(k: 3),
    weight: Kaiming(gain: 2.0), delay: Uniform(low: 1, high: 4)),"#;

/// Beside the projection from the hidden neurons to the output, one with the same silent sources, and one to which
/// all of them send.
const BESIDE: &str = r#"(name: "sparse", from: "hidden", to: "out", connect: FixedInDegree(k: 3),
        weight: Kaiming(gain: 2.0), dropout: 0.4),
    (name: "whole", from: "hidden", to: "out", connect: Dense, weight: Kaiming(gain: 2.0), delay: 2),"#;

/// Sources that are silent for a presentation: constant and spiking ones, of dense and of sparse projections, of
/// a population on a cycle, and one with gradients by its spikes from elsewhere too.
fn dropped() -> [(&'static str, Case); 4] {
    let dense = Case { first: "Dense, dropout: 0.3", dropout: 0.4, hidden: 9, ..PLAIN };
    let sparse = Case { first: "FixedProbability(p: 0.6), dropout: 0.3", extra: BESIDE, ..dense };
    [
        ("dropout", dense),
        ("dropout, recurrent", Case { extra: RECURRENT, encoder: "Latency(window: 4.0)", ..dense }),
        ("dropout, sparse", Case { rates: RATES, ..sparse }),
        ("dropout, sparse spikes", Case { encoder: "Latency(window: 4.0)", ..sparse }),
    ]
}

/// Values that change in time, of frames that end before the window does: through dense and sparse projections with
/// delays, into a cycle, and with silent sources; and a single frame that ends.
fn changing() -> [(&'static str, Case); 5] {
    let encoder = "Constant(gain: 0.8), frames: 3, hold: 2";
    let dense = Case { encoder, first: "Dense, delay: 2", steps: 9, ..PLAIN };
    let sparse = "FixedInDegree(k: 5), delay: Uniform(low: 1, high: 3)";
    [
        ("frames", dense),
        ("frames, recurrent", Case { extra: RECURRENT, first: "Dense", ..dense }),
        ("frames, sparse", Case { first: sparse, ..dense }),
        ("frames, dropout", Case { first: "Dense, dropout: 0.3", hidden: 9, ..dense }),
        ("one frame", Case { encoder: "Constant(gain: 0.8), hold: 4", ..dense }),
    ]
}

/// Gains by what neurons release: alone, by neurons on a cycle and by two substances, of which one acts on a part and
/// comes to where nothing is left; of neurons on a cycle; and by and of neurons that keep states.
fn modulated() -> [(&'static str, Case); 5] {
    let one = r#""m": (tau: 4, baseline: 0.5, release: [Spikes(population: "hidden", amount: 0.3)],
        effects: [Gain(population: "out", slope: 0.8)])"#;
    let two = r#""m": (tau: 4, release: [Spikes(population: "hidden", amount: 0.3), Events(times: [2], amount: 0.5)],
            effects: [Gain(population: "out", slope: 0.8)]),
        "n": (tau: 9, release: [Spikes(population: "hidden", amount: 0.5)],
            effects: [Gain(population: "out", neurons: (from: 1, to: 3), slope: -0.7)])"#;
    let within =
        r#"(from: "out", to: "out", connect: Dense, weight: Kaiming(gain: 1.5), delay: 2),"#;
    let both = r#""m": (tau: 4, release: [Spikes(population: "hidden", amount: 0.3)],
            effects: [Gain(population: "out", slope: 0.8)]),
        "n": (tau: 9, release: [Spikes(population: "in", amount: 0.1)],
            effects: [Gain(population: "hidden", slope: 0.5)])"#;
    let states = framed(0).1;
    [
        ("released", Case { modulators: one, counts: true, steps: 9, ..PLAIN }),
        (
            "two released, recurrent",
            Case { modulators: two, counts: true, extra: RECURRENT, hidden: 9, steps: 9, ..PLAIN },
        ),
        (
            "released, onto a cycle",
            Case { modulators: one, extra: within, counts: true, steps: 9, ..PLAIN },
        ),
        (
            "released, the first by neurons and the second by sources",
            Case {
                modulators: both,
                encoder: "Latency(window: 4.0)",
                counts: true,
                steps: 9,
                ..PLAIN
            },
        ),
        ("released, with states", Case { modulators: one, counts: true, ..states }),
    ]
}

/// Synapses that tire and that facilitate: of inputs, on a cycle, sparse with delays of their own, and convolved.
fn tiring() -> [(&'static str, Case); 5] {
    let tires = Case {
        encoder: "Latency(window: 4.0), frames: 2, hold: 4",
        first: "Dense, short_term: (u: 0.5, tau_rec: 8)",
        steps: 9,
        ..PLAIN
    };
    let on_its_way = r#"(from: "hidden", to: "hidden", connect: Dense, weight: Kaiming(gain: 1.5),
        short_term: (u: 0.3, tau_rec: 6, tau_facil: 9)),"#;
    let sparse = r#"(from: "hidden", to: "hidden", connect: FixedProbability(p: 0.6), weight: Kaiming(gain: 1.5),
        delay: Uniform(low: 1, high: 4), short_term: (u: 0.4, tau_rec: 7)),"#;
    [
        ("tiring inputs", tires),
        ("facilitating, recurrent", Case { extra: on_its_way, steps: 9, ..PLAIN }),
        ("facilitating, attached", Case { extra: on_its_way, detach: false, ..tires }),
        ("tiring, sparse", Case { extra: sparse, steps: 9, ..PLAIN }),
        (
            "tiring, in frames",
            Case {
                model: "Lif(receptors: {\"ex\": Exp(tau: 4)}, t_ref: 0)",
                extra: on_its_way,
                ..tires
            },
        ),
    ]
}

/// Answers to each of three frames, behind which the window may have some steps more.
fn answers() -> [(&'static str, Case); 3] {
    let dense = Case {
        encoder: "Constant(gain: 0.3), frames: 3, hold: 3",
        over: "Frames",
        steps: 11,
        ..PLAIN
    };
    [
        ("answers to frames", dense),
        ("answers to frames, recurrent", Case { extra: RECURRENT, rates: RATES, ..dense }),
        (
            "answers to frames of spikes",
            Case { encoder: "Latency(window: 2.0), frames: 3, hold: 2", steps: 6, ..dense },
        ),
    ]
}

#[test]
fn oracle_against_central_differences() {
    let adapting = "Lif(tau_m: 20, tau_syn: 5, t_ref: 2, delta_th: 4, tau_rel: 6)";
    let subtract = "Lif(tau_m: 20, tau_syn: 5, t_ref: 1, reset: Subtract)";
    central_differences("plain", &PLAIN);
    central_differences("spiking input", &Case { encoder: "Latency(window: 4.0)", ..PLAIN });
    let encoder = "Population(fields: 13, send: Constant(gain: 1.0))";
    central_differences("receptive fields", &Case { encoder, ..PLAIN });
    central_differences(
        "arctan, last",
        &Case { surrogate: "ArcTan(alpha: 2)", over: "Last", ..PLAIN },
    );
    central_differences(
        "superspike, max",
        &Case { surrogate: "SuperSpike(beta: 3)", over: "Max", ..PLAIN },
    );
    central_differences("sum", &Case { over: "Sum", ..PLAIN });
    central_differences("window", &Case { over: "Window(from: 2, to: 5)", ..PLAIN });
    central_differences("counts", &Case { counts: true, ..PLAIN });
    central_differences("counts, attached", &Case { counts: true, detach: false, ..PLAIN });
    central_differences("rates", &Case { rates: RATES, ..PLAIN });
    central_differences(
        "counts, rates, recurrent",
        &Case { counts: true, rates: RATES, extra: RECURRENT, ..PLAIN },
    );
    central_differences("straight through", &Case { surrogate: "StraightThrough", ..PLAIN });
    central_differences("refractory, adapting", &Case { model: adapting, steps: 11, ..PLAIN });
    central_differences("attached", &Case { detach: false, ..PLAIN });
    central_differences(
        "attached, adapting",
        &Case { detach: false, model: adapting, steps: 11, ..PLAIN },
    );
    central_differences("attached, subtract", &Case { detach: false, model: subtract, ..PLAIN });
    central_differences("delay 3", &Case { delay: 3, ..PLAIN });
    central_differences("recurrent", &Case { extra: RECURRENT, ..PLAIN });
    central_differences(
        "recurrent, attached",
        &Case { extra: RECURRENT, detach: false, model: adapting, ..PLAIN },
    );
    central_differences("sparse recurrent", &Case { extra: SPARSE_RECURRENT, ..PLAIN });
    central_differences(
        "sparse",
        &Case { first: "FixedProbability(p: 0.5)", encoder: "Latency(window: 4.0)", ..PLAIN },
    );
    central_differences("sparse constant", &Case { first: "FixedProbability(p: 0.5)", ..PLAIN });
    central_differences("drawn delays", &Case { extra: DRAWN_DELAYS, steps: 9, ..PLAIN });
    central_differences("several panels", &Case { hidden: 70, ..PLAIN });
    let more = dropped().into_iter().chain(changing()).chain(targeted()).chain(answers());
    for (name, case) in more.chain(tiring()).chain(modulated()) {
        central_differences(name, &case);
    }
    // At the weights with their noise, with what arrives besides, and with another input.
    let noisy = Case { noise: "inputs: 0.2, currents: 30, weights: 0.1", ..PLAIN };
    central_differences("noise", &noisy);
    central_differences("noise, recurrent", &Case { extra: RECURRENT, hidden: 9, ..noisy });
    for (name, case) in dropped() {
        let noise = "currents: 20, weights: 0.1";
        central_differences(&format!("noise, {name}"), &Case { noise, ..case });
    }
}

/// Neurons in frames: what they are, and the synapses that their receptors get.
const FRAMED: [(&str, &str, &str, &str); 10] = [
    (
        "currents",
        r#"Lif(tau_m: Uniform(low: 15, high: 25), t_ref: 2, delta_th: 4, tau_rel: 6, receptors: {
            "a": Exp(tau: Uniform(low: 4, high: 6)), "b": Alpha(tau: 3), "c": Delta(),
            "d": DoubleExp(tau_rise: 1, tau_decay: Uniform(low: 5, high: 7)) })"#,
        "Kaiming(gain: 2.5)",
        r#"(name: "extra_1", from: "in", to: "hidden", connect: Dense, receptor: "b", weight: Kaiming(gain: 2)),
           (name: "extra_2", from: "in", to: "hidden", connect: FixedInDegree(k: 4), receptor: "c", weight: Kaiming(gain: 1)),
           (name: "extra_3", from: "hidden", to: "hidden", connect: Dense, receptor: "d", weight: Kaiming(gain: 1.5), delay: 2),"#,
    ),
    (
        "subtracting",
        r#"Lif(tau_m: 20, t_ref: 1, reset: Subtract, receptors: { "a": Exp(tau: 5), "b": Alpha(tau: 2) })"#,
        "Kaiming(gain: 2.5)",
        r#"(name: "extra_4", from: "in", to: "hidden", connect: Dense, receptor: "b", weight: Kaiming(gain: 2)),"#,
    ),
    (
        "conductances",
        r#"Lif(tau_m: 20, t_ref: 0, receptors: {
            "a": Exp(tau: 5, e_rev: 0), "n": Nmda(tau_rise: 2, tau_decay: 20), "g": GabaA(tau: 5, e_rev: Uniform(low: -80, high: -70)) })"#,
        "Uniform(low: 5, high: 30)",
        r#"(name: "extra_5", from: "in", to: "hidden", connect: Dense, receptor: "n", weight: Uniform(low: 1, high: 20)),
           (name: "extra_6", from: "hidden", to: "hidden", connect: FixedInDegree(k: 3), receptor: "g",
                weight: Uniform(low: 1, high: 9), delay: Uniform(low: 1, high: 3)),"#,
    ),
    (
        "adex",
        r#"Adex(c_m: 100, g_l: 10, e_l: -65, v_init: -65, v_reset: -60, tau_w: 30, a: 2, b: 20, t_ref: 0,
            v_peak: -35, receptors: { "a": Exp(tau: 5), "n": Nmda(tau_rise: 2, tau_decay: 20) })"#,
        "Kaiming(gain: 3)",
        r#"(name: "extra_7", from: "in", to: "hidden", connect: Dense, receptor: "n", weight: Uniform(low: 1, high: 9)),"#,
    ),
    (
        "izhikevich",
        r#"Izhikevich(receptors: { "a": Exp(tau: 5, e_rev: Uniform(low: -5, high: 5)), "p": Pulse(), "c": Delta() })"#,
        "Uniform(low: 0.01, high: 0.1)",
        r#"(name: "extra_8", from: "in", to: "hidden", connect: Dense, receptor: "p", weight: Uniform(low: 1, high: 20)),
           (name: "extra_9", from: "hidden", to: "hidden", connect: Dense, receptor: "c", weight: Uniform(low: -2, high: 2)),"#,
    ),
    (
        "half steps",
        r#"Izhikevich(method: HalfSteps, receptors: { "a": Exp(tau: 5), "n": Nmda(tau_rise: 2, tau_decay: 20) })"#,
        "Uniform(low: 1, high: 9)",
        r#"(name: "extra_10", from: "in", to: "hidden", connect: Dense, receptor: "n", weight: Uniform(low: 0.01, high: 0.1)),"#,
    ),
    (
        "mat2",
        r#"Mat2(tau_m: 10, receptors: { "a": Exp(tau: 3), "b": Alpha(tau: Uniform(low: 1, high: 3)) })"#,
        "Kaiming(gain: 3)",
        r#"(name: "extra_11", from: "in", to: "hidden", connect: Dense, receptor: "b", weight: Kaiming(gain: 1)),"#,
    ),
    (
        "squid",
        r#"Hh(i_e: 5, v_init: -60, channels: {
            "leak": Leak(g: 0.3, e_rev: -54.387), "na": NaSquid(g: 120), "k": KSquid(g: 36) },
            receptors: { "a": Exp(tau: Uniform(low: 0.8, high: 1.2)), "n": Nmda(tau_rise: 0.5, tau_decay: 20) })"#,
        "Kaiming(gain: 0.5)",
        r#"(name: "extra_12", from: "in", to: "hidden", connect: Dense, receptor: "n",
                weight: Uniform(low: 0.1, high: 1)),"#,
    ),
    (
        "calcium",
        r#"Hh(c_m: 289.529, v_th: -20, v_init: -60, calcium: (area: 28952.917895), channels: {
            "leak": Leak(g: 2.89529, e_rev: -85), "na": Na(g: 14476.46, e_rev: 50, shift: -55),
            "k": K(g: 1447.646, e_rev: -100, shift: -55), "m": M(g: 8.685875, e_rev: -100),
            "t": CaT(g: 115.8117) }, receptors: { "a": Exp(tau: 1) })"#,
        "Kaiming(gain: 0.5)",
        "",
    ),
    (
        "ions",
        r#"Hh(c_m: 1, v_init: -50, v_th: -10, channels: {
            "na": Custom(g: 100, ion: Sodium, gates: {
                "m": Rates(power: 3, instant: true,
                    alpha: Linoid(rate: 1, v0: -30, k: 10), beta: Exp(rate: 4, v0: -55, k: -18)),
                "h": Rates(alpha: Exp(rate: 0.21, v0: -44, k: -20), beta: Sigmoid(rate: 3, v0: -14, k: 10)) }),
            "k": Custom(g: 40, ion: Potassium, gates: {
                "n": Rates(power: 4,
                    alpha: Linoid(rate: 0.3, v0: -34, k: 10), beta: Exp(rate: 0.375, v0: -44, k: -80)) }),
            "k_ca": Custom(g: 0.5, ion: Potassium, gates: {"c": Opened(half: 1)}),
            "cl_leak": Leak(g: 0.05, e_rev: -81.9),
            "ca": Custom(g: 0.1, e_rev: 120, calcium: true, silent: true, gates: {"m": Instant(v0: -25, k: 2.5)}) },
            calcium: (gamma: 0.02, tau: 80, rest: 0.1), ions: (k_bath: 8, potassium_init: 7.8, sodium_init: 15.5),
            receptors: { "a": Exp(tau: 1), "c": Delta() })"#,
        "Kaiming(gain: 0.5)",
        r#"(name: "extra_13", from: "in", to: "hidden", connect: Dense, receptor: "c", weight: Kaiming(gain: 0.2)),"#,
    ),
];

/// A case of [`FRAMED`], with spikes as input.
fn framed(case: usize) -> (&'static str, Case) {
    let (name, model, weight, extra) = FRAMED[case];
    let first = r#"Dense, receptor: "a""#;
    let case = Case {
        model,
        weight,
        first,
        extra,
        encoder: "Latency(window: 6.0)",
        steps: 13,
        numbers: true,
        ..PLAIN
    };
    match model.starts_with("Hh") {
        true => (name, Case { dt: "0.05", encoder: "Latency(window: 1.0)", steps: 50, ..case }),
        false => (name, case),
    }
}

/// The README says which neurons are trained: all of them, and each has a case here.
#[test]
fn every_neuron_is_trained() {
    macro_rules! words {
        ($($(#[$doc:meta])+ $file:ident::$word:ident $(| $alias:literal)*;)*) => {
            [$(stringify!($word)),*]
        };
    }
    let readme = include_str!("../README.md");
    for word in neuralearn::neurons!(words).into_iter().filter(|word| *word != "Readout") {
        assert!(readme.contains(&format!("\n| `{word}` |")), "the README has no row of {word}");
        let call = format!("{word}(");
        assert!(FRAMED.iter().any(|case| case.1.starts_with(&call)), "no case of {word}");
    }
}

#[test]
fn oracle_against_central_differences_in_frames() {
    for (name, case) in (0..FRAMED.len()).map(framed) {
        central_differences(name, &case);
        if !case.model.starts_with("Hh") {
            central_differences(&format!("{name}, attached"), &Case { detach: false, ..case });
        }
    }
    // Currents that do not change, into neurons that would have no other input.
    let model = r#"Lif(tau_m: 20, t_ref: 0, receptors: { "g": GabaA() })"#;
    central_differences("constant current", &Case { model, ..PLAIN });
    central_differences("dropout", &Case { dropout: 0.4, hidden: 9, ..framed(0).1 });
    let encoder = "Constant(gain: 0.8), frames: 3, hold: 4";
    central_differences("frames", &Case { encoder, ..framed(0).1 });
    central_differences("noise", &Case { noise: "currents: 20, weights: 0.05", ..framed(0).1 });
}

/// Neurons that keep their distances to the threshold and those that keep states are one model: their gradients are equal,
/// whatever of a spike's effect on its own neuron they pass through. And what they pass through makes a difference.
#[test]
fn what_is_kept_changes_no_gradient() {
    let gradients = |model: &str, detach: [bool; 2]| {
        let weight = "Uniform(low: -300, high: 600)";
        let text = text(&Case { weight, steps: 15, encoder: "Latency(window: 6.0)", ..PLAIN })
            .replace(PLAIN.model, model)
            .replace("biases: true", &format!("biases: true, detach_adaptation: {}", detach[1]))
            .replace("detach_reset: true", &format!("detach_reset: {}", detach[0]));
        let (_, plan) = plan(&scene(&text), SAMPLES, 15, 0);
        let data = images(SAMPLES, PIXELS, CLASSES as u64);
        let mut oracle = Cpu::<f64>::new(&plan, Some(1), false);
        load(&mut oracle, &plan, &data.train, SAMPLES);
        oracle.run(plan.program("train").unwrap(), &clock(SAMPLES), plan.steps).unwrap();
        let name = format!("{}.gradient.0", "in->hidden");
        (plan.arrays.named("hidden.inbox").is_some(), oracle.wide(array(&plan, &name)))
    };
    let adapting = "tau_m: 20, t_ref: 2, delta_th: 4, tau_rel: 6";
    for reset in ["Value", "Subtract"] {
        let mut all: Vec<Vec<f64>> = Vec::new();
        for detach in [[true, true], [true, false], [false, true], [false, false]] {
            let plain = format!("Lif({adapting}, reset: {reset}, tau_syn: 5)");
            let receptors = r#"receptors: {"a": Exp(tau: 5), "b": Exp(tau: 2)}"#;
            let two = format!("Lif({adapting}, reset: {reset}, {receptors})");
            let ((one_has_states, one), (other_has_states, other)) =
                (gradients(&plain, detach), gradients(&two, detach));
            assert!(other_has_states);
            assert_eq!(one_has_states, reset == "Value" && !detach[0], "{reset}, {detach:?}");
            let largest = scale(&one);
            assert!(largest > 0.0);
            for (a, b) in one.iter().zip(&other) {
                assert!((a - b).abs() <= 1e-12 * largest, "{reset}, {detach:?}: {a} is not {b}");
            }
            for before in &all {
                let apart = before.iter().zip(&one).map(|(a, b)| (a - b).abs());
                assert!(apart.fold(0.0, f64::max) > 1e-4 * largest, "{reset}, {detach:?}");
            }
            all.push(one);
        }
    }
}

/// Gradients after one training program.
fn gradients(engine: &mut dyn Engine, plan: &Plan, data: &Dataset) -> Vec<(String, Vec<f32>)> {
    load(engine, plan, &data.train, SAMPLES);
    engine.run(plan.program("train").unwrap(), &clock(SAMPLES), plan.steps).unwrap();
    let arrays = plan.training().gradients.clone();
    let names = arrays.into_iter().map(|(g, w)| (g, plan.arrays[w].name.clone()));
    names.map(|(g, name)| (name, engine.read_reals(g).unwrap())).collect()
}

/// Operations on the longest path from a weight to its gradient: forward through all steps and
/// inputs, back again, and the sum over samples and steps. A step of a neuron with currents has about 12, one of the
/// others, with an exponential, its argument and a quotient, about 30. In Izhikevich's, 5 v of some -325 meets numbers
/// of the same size, so that each rounding counts five times against v. Between the potential of a membrane and the next
/// there are a rate with its exponential, the gate's own, a product of gates and the membrane's, once or twice: about 100.
fn operations(case: &Case) -> usize {
    let step = match case.model {
        plain if plain.starts_with("Lif(tau_m: 20, tau_syn") => 12,
        quadratic if quadratic.starts_with("Izhikevich") => 5 * 30,
        membrane if membrane.starts_with("Hh") => 100,
        _ => 30,
    };
    2 * (step * case.steps + shown(case).0 + case.hidden) + SAMPLES * case.steps
}

fn engines_against_oracle(name: &str, case: &Case, soft: u32) {
    let scene = scene(&text(case));
    let planned = plan(&scene, SAMPLES, case.steps, soft);
    let data = samples(case, &planned.0);
    let on_edge = case.surrogate.starts_with("Triangle");
    all_engines(name, &planned, &data, &["hidden"], (operations(case), on_edge));
}

/// The same of a plan and its data, with the populations that spike, and of a gradient the operations and whether it has a
/// triangle.
fn all_engines(
    name: &str,
    (network, plan): &(Network, Plan),
    data: &Dataset,
    spiking: &[&str],
    (operations, on_edge): (usize, bool),
) {
    let mut oracle = Cpu::<f64>::new(plan, Some(1), false);
    load(&mut oracle, plan, &data.train, SAMPLES);
    oracle.run(plan.program("train").unwrap(), &clock(SAMPLES), plan.steps).unwrap();
    let spikes = |engine: &mut dyn Engine| -> Vec<Vec<u32>> {
        let of = |name: &&str| engine.read_words(array(plan, &format!("{name}.spikes"))).unwrap();
        spiking.iter().map(of).collect()
    };
    let wanted_spikes = spikes(&mut oracle);
    let terms = gradients_by_terms(network, plan, &mut oracle);
    for ((gradient, _), terms) in plan.training().gradients.iter().zip(&terms) {
        for (got, terms) in oracle.wide(*gradient).iter().zip(terms) {
            let error = (got - terms.sum).abs();
            assert!(error <= 1e-12 * terms.magnitude, "{name}: {got} is not {}", terms.sum);
        }
    }
    let check = |who: &str, engine: &mut dyn Engine| {
        let got = gradients(engine, plan, data);
        // A spike on the edge of the threshold may flip; the cases are chosen so that none is.
        assert_eq!(spikes(engine), wanted_spikes, "{name}, {who}: spikes");
        for (((gradient, _), (array, got)), terms) in
            plan.training().gradients.iter().zip(got).zip(&terms)
        {
            let want = oracle.wide(*gradient);
            // Near the edge of a triangle the slope is a difference of numbers that are almost equal, and its
            // error that of the largest slope.
            let edge = if on_edge { scale(&want) } else { 0.0 };
            let close = |terms: &Terms| tolerance(operations, terms.magnitude.max(edge));
            let tolerances: Vec<f64> = terms.iter().map(close).collect();
            let what = format!("{name}, {who}: {array}");
            assert_each_close(&what, &got, &want, &tolerances);
        }
    };
    check("f32", &mut Cpu::<f32>::new(plan, Some(2), false));
    if let Some(found) = adapter("gradients") {
        check("wgsl", &mut gpu(&found, plan));
    }
}

#[test]
fn engines_against_the_oracle_around_a_workgroup() {
    for hidden in [1, 63, 64, 65, 257] {
        for steps in [2, 9, 33] {
            let case = Case { hidden, steps, ..PLAIN };
            engines_against_oracle(&format!("soft, {hidden} neurons, {steps} steps"), &case, 1);
            let latency = Case { encoder: "Latency(window: 6.0)", ..case };
            engines_against_oracle(
                &format!("spikes, {hidden} neurons, {steps} steps"),
                &latency,
                0,
            );
        }
    }
}

#[test]
fn engines_against_the_oracle_in_every_variant() {
    let adapting = "Lif(tau_m: 20, tau_syn: 5, t_ref: 2, delta_th: 4, tau_rel: 6)";
    let own = "Lif(tau_m: Uniform(low: 15, high: 25), v_th: Normal(mean: -55, std: 1), t_ref: 1)";
    let subtract = "Lif(tau_m: 20, tau_syn: 5, t_ref: 1, reset: Subtract)";
    // At rest a neuron is on the edge of the triangle, where the slope is a difference of equal numbers.
    let away = "Lif(tau_m: 20, tau_syn: 5, t_ref: 0, v_init: -60)";
    let cases = [
        ("arctan", Case { surrogate: "ArcTan(alpha: 2)", ..PLAIN }),
        (
            "triangle",
            Case { surrogate: "Triangle(gamma: 0.3)", over: "Last", model: away, ..PLAIN },
        ),
        ("boxcar", Case { surrogate: "Boxcar(width: 1.1)", over: "Max", ..PLAIN }),
        ("window", Case { over: "Window(from: 1, to: 6)", ..PLAIN }),
        ("counts", Case { counts: true, hidden: 66, ..PLAIN }),
        ("rates", Case { rates: RATES, hidden: 66, ..PLAIN }),
        ("straight", Case { surrogate: "StraightThrough", ..PLAIN }),
        ("adapting", Case { model: adapting, steps: 20, ..PLAIN }),
        ("attached", Case { detach: false, model: adapting, steps: 20, ..PLAIN }),
        ("subtract", Case { detach: false, model: subtract, ..PLAIN }),
        ("own parameters", Case { model: own, hidden: 70, ..PLAIN }),
        ("recurrent", Case { extra: RECURRENT, hidden: 66, ..PLAIN }),
        ("sparse", Case { first: "FixedInDegree(k: 4)", hidden: 66, ..PLAIN }),
        ("drawn delays", Case { extra: DRAWN_DELAYS, hidden: 66, steps: 9, ..PLAIN }),
        ("sparse recurrent", Case { extra: SPARSE_RECURRENT, hidden: 66, delay: 2, ..PLAIN }),
    ];
    let wide = |(name, case): (&'static str, Case)| (name, Case { hidden: 66, ..case });
    for (name, case) in cases
        .into_iter()
        .chain(dropped().map(wide))
        .chain(changing().map(wide))
        .chain(targeted().map(wide))
        .chain(modulated().map(wide))
        .chain(answers().map(wide))
        .chain(tiring().map(wide))
    {
        engines_against_oracle(name, &case, 0);
        engines_against_oracle(&format!("soft {name}"), &case, if case.detach { 1 } else { 2 });
    }
}

/// Whichever of the substances is there first, a gain follows its own.
#[test]
fn each_gain_follows_its_own_substance() {
    let case = modulated().into_iter().find(|(name, _)| name.contains("by sources")).unwrap().1;
    let (_, plan) = plan(&scene(&text(&case)), SAMPLES, case.steps, 0);
    let stages = &plan.programs[plan.program("evaluate").unwrap().index()].stages;
    let launches = stages.iter().flat_map(|stage| stage.launches());
    let gains = launches.filter(|launch| launch.kernel.name == "train/gain");
    let name = |array| plan.arrays[array].name.clone();
    let found: Vec<_> = gains.map(|gain| [0, 1].map(|k| name(gain.args[k].array))).collect();
    assert_eq!(found, [["n.acting", "hidden.tape"], ["m.acting", "out.tape"]]);
}

/// A readout is a neuron like any other: stimuli drive it, and its numbers are trained, whatever its potential is asked for.
#[test]
fn readouts_have_stimuli_and_trained_numbers() {
    for over in ["Mean", "Max", "Window(from: 2, to: 5)"] {
        let case = Case { over, ..PLAIN };
        let text = text(&case)
            .replace("i_e: 15))", r#"i_e: 15), train: ["tau_m", Shared("tau_syn")])"#)
            .replace(
                "training: (",
                r#"stimuli: [(to: "out", input: Sine(amplitude: 40, frequency: 90))], training: ("#,
            );
        assert!(text.contains("Sine") && text.contains("tau_syn\")]"), "{text}");
        let planned = |soft: u32| plan(&scene(&text), SAMPLES, case.steps, soft);
        let (network, soft) = planned(1);
        let data = samples(&case, &network);
        let mut engine = Cpu::<f64>::new(&soft, Some(1), false);
        load(&mut engine, &soft, &data.train, SAMPLES);
        all_differences(over, (&network, &soft), &mut engine);
        all_engines(over, &planned(0), &data, &["hidden"], (operations(&case), false));
    }
}

#[test]
fn engines_against_the_oracle_in_frames() {
    for (name, case) in (0..FRAMED.len()).map(framed) {
        // A block and two neurons of another.
        let case = Case { hidden: 66, ..case };
        engines_against_oracle(name, &case, 0);
        engines_against_oracle(&format!("soft {name}"), &case, 1);
        // A membrane of channels is not reset.
        if !case.model.starts_with("Hh") {
            engines_against_oracle(&format!("attached {name}"), &Case { detach: false, ..case }, 2);
        }
    }
}

/// Potentials that follow traces, filtered or not, of a readout and of the neurons themselves, which a current drives and
/// some of whose numbers are trained: by differences, and on every engine.
#[test]
fn gradients_by_potentials() {
    const STEPS: usize = 24;
    let found = adapter("gradients by potentials");
    for (name, of, more, columns) in [
        ("plain", "out", "", 1),
        ("filtered", "out", ", low_pass: 3, unfiltered: 0.4", 3),
        ("of neurons", "hidden", ", low_pass: 5", 1),
    ] {
        let text = format!(
            r#"(version: 1, simulation: (dt: 1, seed: 3),
            populations: {{
                "in": (size: 9, model: Regular(start: Uniform(low: 1, high: 9), interval: Uniform(low: 3, high: 9))),
                "hidden": (size: 66, model: Lif(tau_m: 20, t_ref: 0, receptors: {{"a": Exp(tau: 5)}}),
                    train: ["tau_m", Shared("receptors.a.tau"), Bounded(name: "v_th", low: -60, high: -50)]),
                "out": (size: 3, model: Readout(tau_m: 15, tau_syn: 4)),
            }},
            projections: [
                (from: "in", to: "hidden", connect: Dense, weight: Kaiming(gain: 2)),
                (from: "hidden", to: "hidden", connect: FixedInDegree(k: 3), weight: Kaiming(gain: 1), delay: 2),
                (from: "hidden", to: "out", connect: Dense, weight: Kaiming(gain: 2)),
            ],
            stimuli: [(to: "hidden", input: Sine(amplitude: Linspace(from: 50, to: 200), frequency: 50, start: 2))],
            training: (epochs: 1, batch: 1, steps: {STEPS}, biases: true,
                loss: Trace(population: "{of}", file: "none.npz"{more}), optimizer: Adam(lr: 0.001),
                surrogate: FastSigmoid(slope: 2)))"#
        );
        let scene = scene(&text);
        let network = build(&scene).unwrap();
        let values = noise(STEPS * columns, 3.0, 5).iter().map(|v| v - 68.0).collect();
        let traces = Traces { columns, values };
        let plan = |soft: u32| {
            let training = scene.training.as_ref().unwrap();
            let traces = Some(&traces);
            let max_binding = 128 << 20;
            let options =
                TrainingOptions { batch: 1, steps: STEPS, training, traces, soft, max_binding };
            plan::plan(&network, &options).unwrap()
        };
        let soft = plan(1);
        all_differences(name, (&network, &soft), &mut Cpu::<f64>::new(&soft, Some(1), false));
        for plan in [soft, plan(0)] {
            let run = |engine: &mut dyn Engine| {
                engine.run(plan.program("train").unwrap(), &clock(1), STEPS).unwrap();
            };
            let mut oracle = Cpu::<f64>::new(&plan, Some(1), false);
            run(&mut oracle);
            let terms = gradients_by_terms(&network, &plan, &mut oracle);
            let check = |who: &str, engine: &mut dyn Engine| {
                run(engine);
                for ((gradient, weights), terms) in plan.training().gradients.iter().zip(&terms) {
                    // The differences, their filter and its adjoint come on top of the steps.
                    let operations = 2 * (40 * STEPS + 66);
                    let close = |terms: &Terms| tolerance(operations, terms.magnitude);
                    let tolerances: Vec<f64> = terms.iter().map(close).collect();
                    let what = format!("{name}, {who}: {}", plan.arrays[*weights].name);
                    let got = engine.read_reals(*gradient).unwrap();
                    assert_each_close(&what, &got, &oracle.wide(*gradient), &tolerances);
                }
            };
            check("f32", &mut Cpu::<f32>::new(&plan, Some(2), false));
            if let Some(found) = &found {
                check("wgsl", &mut gpu(found, &plan));
            }
        }
    }
}

#[test]
#[should_panic(expected = "is not")]
fn a_wrong_gradient_is_found() {
    assert_close("wrong", &[1.0, 2.0], &[1.0, 2.0 + 10.0 * tolerance(10, 2.0)], tolerance(10, 2.0));
}

/// A small entry beside a large one is held to its own size.
#[test]
#[should_panic(expected = "is not")]
fn a_wrong_small_gradient_is_found() {
    let (want, got) = ([1.0, 1e-4], [1.0, 1.001e-4]);
    let tolerances = want.map(|w| tolerance(10, w));
    assert_each_close("small", &got, &want, &tolerances);
}

#[test]
#[should_panic(expected = "is not")]
fn not_a_number_is_found() {
    assert_close("nan", &[f32::NAN], &[1.0], tolerance(10, 1.0));
}

/// Layers in rows and columns: how pixels are shown, hidden populations, and projections. Windows that leave something
/// over, strides that do not divide, one channel, more than a vector of them, groups, cycles, sources that are silent.
const LAYERED: [(&str, &str, &str, &str); 5] = [
    (
        "pooled means",
        "Constant(gain: 1.0)",
        r#""a": (shape: [5, 4, 4], model: Lif(tau_m: 20, tau_syn: 5, t_ref: 0)),
           "b": (shape: [3, 3, 6], model: Lif(tau_m: 20, tau_syn: 5, t_ref: 1, reset: Subtract)),"#,
        r#"(from: "in", to: "a", connect: Conv(kernel: 3), weight: Kaiming(gain: 3)),
           (from: "a", to: "b", pool: Avg(2), connect: Conv(kernel: 2, padding: 1, groups: 2),
                weight: Kaiming(gain: 5), delay: 2, dropout: 0.2),
           (from: "b", to: "out", pool: Sum([2, 1]), connect: Dense, weight: Kaiming(gain: 3)),"#,
    ),
    (
        "the largest, strides",
        "Latency(window: 4.0)",
        r#""a": (shape: [4, 4, 3], model: Lif(tau_m: 20, tau_syn: 5, t_ref: 0, i_e: Uniform(low: 0, high: 90))),
           "b": (shape: [1, 1, 19], model: Lif(tau_m: 20, tau_syn: 5, t_ref: 0)),"#,
        r#"(from: "in", to: "a", connect: Conv(kernel: [3, 2], stride: [2, 1], padding: [1, 0], dilation: [1, 2]),
                weight: Kaiming(gain: 3)),
           (from: "a", to: "b", pool: Max(2), connect: Conv(kernel: 2), weight: Kaiming(gain: 4)),
           (from: "b", to: "out", connect: Dense, weight: Kaiming(gain: 3)),"#,
    ),
    (
        "on cycles",
        "Latency(window: 4.0)",
        r#""a": (shape: [7, 6, 2], model: Lif(tau_m: 20, tau_syn: 5, t_ref: 0)),
           "b": (shape: [4, 6, 17], model: Lif(tau_m: 20, t_ref: 0, receptors: {"x": Exp(tau: 4), "y": Alpha(tau: 2)})),"#,
        r#"(from: "in", to: "a", connect: Conv(kernel: 3, padding: 1), weight: Kaiming(gain: 6)),
           (from: "a", to: "a", connect: Lateral(radius: 1.5, across: true), weight: Kaiming(gain: 1)),
           (from: "a", to: "b", connect: Conv(kernel: [1, 3], padding: [0, 1], stride: [2, 1]), receptor: "y",
                weight: Kaiming(gain: 12), delay: 3),
           (from: "b", to: "b", connect: Conv(kernel: 3, padding: 1, groups: 17), receptor: "x",
                weight: Kaiming(gain: 3), delay: 2),
           (from: "b", to: "out", pool: Avg(3), connect: Dense, weight: Kaiming(gain: 3)),"#,
    ),
    (
        "local",
        "Constant(gain: 1.0)",
        r#""a": (shape: [3, 2, 3], model: Lif(tau_m: 20, tau_syn: 5, t_ref: 0)),
           "b": (shape: [2, 2, 2], model: Lif(tau_m: 20, tau_syn: 5, t_ref: 0)),"#,
        r#"(from: "in", to: "a", connect: Local(kernel: 3, stride: 2), weight: Kaiming(gain: 3)),
           (from: "a", to: "b", connect: Local(kernel: 2, padding: [0, 1], stride: [1, 2]), weight: Kaiming(gain: 4)),
           (from: "b", to: "out", connect: Dense, weight: Kaiming(gain: 3)),"#,
    ),
    (
        "frames",
        "Constant(gain: 1.0), frames: 3, hold: 4",
        r#""a": (shape: [5, 4, 4], model: Lif(tau_m: 20, tau_syn: 5, t_ref: 0)),
           "b": (shape: [2, 1, 5], model: Lif(tau_m: 20, tau_syn: 5, t_ref: 0)),"#,
        r#"(from: "in", to: "a", connect: Conv(kernel: 3), weight: Kaiming(gain: 2), delay: 2),
           (from: "in", to: "b", pool: Avg(2), connect: Conv(kernel: [2, 3]), weight: Kaiming(gain: 2)),
           (name: "across", from: "a", to: "b", connect: Conv(kernel: [4, 4]), weight: Kaiming(gain: 3)),
           (from: "b", to: "out", connect: Dense, weight: Kaiming(gain: 3)),"#,
    ),
];

/// Steps in which spikes come through all layers.
const LONG: usize = 14;

/// Rows and columns of pixels.
const FIELD: [usize; 2] = [7, 6];

fn layered((_, encoder, hidden, projections): (&str, &str, &str, &str)) -> String {
    let [rows, columns] = FIELD;
    format!(
        r#"(version: 1, simulation: (dt: 1.0, seed: 3),
        populations: {{
            "in": (shape: [{rows}, {columns}], model: Images(encoder: {encoder})),
            {hidden}
            "out": (size: {CLASSES}, model: Readout(tau_m: 15, tau_syn: 4, i_e: 15)),
        }},
        projections: [{projections}],
        training: (data: Mnist(dir: "."), epochs: 1, batch: 4, steps: {LONG},
            loss: SoftmaxCrossEntropy(over: Mean), optimizer: Adam(lr: 0.001),
            surrogate: FastSigmoid(slope: 2), biases: true))"#
    )
}

#[test]
fn oracle_against_central_differences_in_layers() {
    for case in LAYERED {
        let (network, plan) = plan(&scene(&layered(case)), SAMPLES, LONG, 1);
        let data = images(SAMPLES, network.pixels(), CLASSES as u64);
        let mut engine = Cpu::<f64>::new(&plan, Some(1), false);
        load(&mut engine, &plan, &data.train, SAMPLES);
        all_differences(case.0, (&network, &plan), &mut engine);
    }
}

#[test]
fn engines_against_the_oracle_in_layers() {
    for case in LAYERED {
        for soft in [0, 1] {
            let planned = plan(&scene(&layered(case)), SAMPLES, LONG, soft);
            let data = images(SAMPLES, planned.0.pixels(), CLASSES as u64);
            let name = format!("{}, soft {soft}", case.0);
            // Three layers of steps, with at most some 60 inputs each, there and back; and what a weight sums.
            let operations = 2 * 3 * (30 * LONG + 60) + SAMPLES * LONG * 42;
            all_engines(&name, &planned, &data, &["a", "b"], (operations, false));
        }
    }
}

/// A convolution is what its synapses are, each with a copy of its weight: the same potentials and losses.
#[test]
fn a_convolution_is_a_list_of_its_synapses() {
    for case in LAYERED.iter().filter(|case| !case.3.contains("Max")) {
        let scene = scene(&layered(*case));
        let training = scene.training.as_ref().unwrap();
        let options = TrainingOptions {
            batch: SAMPLES,
            steps: LONG,
            training,
            traces: None,
            soft: 0,
            max_binding: 1 << 27,
        };
        let shared = build(&scene).unwrap();
        let mut listed = shared.clone();
        for p in &mut listed.projections {
            if let Synapses::Convolution { convolution, weights } = &p.synapses {
                let (start, source, weight) = convolution.lists();
                let each = |k: u32| convolution.scale() * weights[k as usize];
                let weights = weight.into_iter().map(each).collect();
                p.synapses = Synapses::Sparse { start, source, weights, delays: Vec::new() };
            }
        }
        let losses = |network: &Network| {
            let plan = plan::plan(network, &options).unwrap();
            let data = images(SAMPLES, network.pixels(), CLASSES as u64);
            let mut engine = Cpu::<f64>::new(&plan, Some(1), false);
            load(&mut engine, &plan, &data.train, SAMPLES);
            engine.run(plan.program("evaluate").unwrap(), &clock(SAMPLES), LONG).unwrap();
            let spikes = engine.read_words(array(&plan, "b.spikes")).unwrap();
            (engine.wide(array(&plan, "losses")), spikes)
        };
        let ((shared, spikes), (listed, listed_spikes)) = (losses(&shared), losses(&listed));
        assert_eq!(spikes, listed_spikes, "{}", case.0);
        assert!(spikes.iter().any(|word| *word != 0), "{}", case.0);
        for (a, b) in shared.iter().zip(&listed) {
            assert!((a - b).abs() <= 1e-13, "{}: {a} is not {b}", case.0);
        }
    }
}

/// Gains: a layer on a cycle, half of which is raised and half lowered by one substance and all by another, of two
/// sources; and neurons in a frame, of which one receptor is silent for some time and the other excited.
const GATED: [(&str, &str, &str, &str); 2] = [
    (
        "on a cycle",
        "Lif(tau_m: 20, tau_syn: 5, t_ref: 0)",
        r#"(from: "in", to: "hidden", connect: Dense, weight: Kaiming(gain: 3), dropout: 0.2),
           (from: "hidden", to: "hidden", connect: Dense, weight: Kaiming(gain: 1.5), delay: 2),"#,
        r#""m": (tau: 5, release: [Spikes(population: "cue", amount: 0.3), Events(times: [2, 5], amount: 0.4)], effects: [
                Gain(population: "hidden", neurons: (from: 0, to: 4), slope: 0.8),
                Gain(population: "hidden", neurons: (from: 4, to: 9), slope: -0.9)]),
           "n": (tau: 8, baseline: 1, release: [Spikes(population: "cue", amount: 0.1),
                Spikes(population: "clock", amount: 0.2)], effects: [Gain(population: "hidden", slope: -0.3)]),"#,
    ),
    (
        "of a receptor",
        r#"Lif(tau_m: 20, t_ref: 1, receptors: {"a": Exp(tau: 5), "b": Alpha(tau: 2)})"#,
        r#"(from: "in", to: "hidden", connect: Dense, weight: Kaiming(gain: 3), receptor: "a"),
           (name: "late", from: "in", to: "hidden", connect: Dense, weight: Kaiming(gain: 3), receptor: "b", delay: 3),"#,
        r#""m": (tau: 3, release: [Spikes(population: "cue", amount: 0.5)], effects: [
                Gain(population: "hidden", receptor: "b", slope: -2),
                Gain(population: "hidden", receptor: "a", slope: 0.2)]),"#,
    ),
];

fn gated((_, model, projections, modulators): (&str, &str, &str, &str)) -> String {
    format!(
        r#"(version: 1, simulation: (dt: 1.0, seed: 3),
        populations: {{
            "in": (size: {PIXELS}, model: Images(encoder: Latency(window: 6.0))),
            "cue": (size: 6, model: Images(encoder: Latency(window: 4.0), part: (columns: (from: 4, to: 10)))),
            "clock": (size: 2, model: Poisson(rate: 200)),
            "hidden": (size: 9, model: {model}),
            "out": (size: {CLASSES}, model: Readout(tau_m: 15, tau_syn: 4, i_e: 15)),
        }},
        projections: [{projections}
            (from: "hidden", to: "out", connect: Dense, weight: Kaiming(gain: 3))],
        modulators: {{{modulators}}},
        training: (data: Mnist(dir: "."), epochs: 1, batch: 4, steps: {LONG},
            loss: SoftmaxCrossEntropy(over: Mean), optimizer: Adam(lr: 0.001),
            surrogate: FastSigmoid(slope: 2), biases: true))"#
    )
}

/// Gains on the way there are gains on the way back, and they make a difference.
#[test]
fn gradients_pass_through_gains() {
    for case in GATED {
        let text = gated(case);
        let run = |text: &str| {
            let (network, plan) = plan(&scene(text), SAMPLES, LONG, 1);
            let data = images(SAMPLES, network.pixels(), CLASSES as u64);
            let mut engine = Cpu::<f64>::new(&plan, Some(1), false);
            load(&mut engine, &plan, &data.train, SAMPLES);
            all_differences(case.0, (&network, &plan), &mut engine);
            loss(&mut engine, &network, &plan)
        };
        let still = without_gains(&text);
        assert!((run(&text) - run(&still)).abs() > 1e-3, "{}: gains do nothing", case.0);
        for soft in [0, 1] {
            let planned = plan(&scene(&text), SAMPLES, LONG, soft);
            let data = images(SAMPLES, planned.0.pixels(), CLASSES as u64);
            let name = format!("gain {}, soft {soft}", case.0);
            let operations = 2 * 2 * (30 * LONG + PIXELS + 9) + SAMPLES * LONG;
            all_engines(&name, &planned, &data, &["hidden"], (operations, false));
        }
    }
}

/// A scene all of whose gains stay 1.
fn without_gains(text: &str) -> String {
    let mut parts = text.split(", slope: ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts
        .fold(first, |text, part| text + ", slope: 0" + &part[part.find(')').unwrap_or_default()..])
}
