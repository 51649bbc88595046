//! Level 5: gradients by the times of spikes.
//!
//! A small solver knows the times of all spikes, as no grid does: it goes from event to event, and finds crossings of the
//! threshold by bisection. Its loss is a smooth function of the weights as long as the spikes are the same, so the
//! formula of `neuron::eventprop` is compared with central differences of it, and the grid with the formula.

mod common;

use common::*;
use neuralearn::data::{Dataset, Split};
use neuralearn::engine::Engine;
use neuralearn::engine::cpu::Cpu;
use neuralearn::kernel::Clock;
use neuralearn::neuron::eventprop::before_spike;
use neuralearn::plan::{Plan, Words};
use neuralearn::scene::load_str;
use std::path::Path;

// ---- a network that is solved from event to event -------------------------------------------------

const SOURCES: usize = 13;
const HIDDEN: usize = 5;
const OUTPUTS: usize = 3;
const SAMPLES: usize = 2;
const LABELS: [usize; SAMPLES] = [0, 1];
/// Window of the samples, of the latency code, and delays of the three projections \[ms\].
const END: f64 = 40.0;
const CODE: f64 = 8.0;
const DELAYS: [f64; 3] = [1.0, 2.0, 1.0];
/// Capacitance \[pF\] and distance from rest to threshold \[mV\].
const C_M: f64 = 250.0;
const V_TH: f64 = 15.0;
/// One unit of the readout's output \[mV\]; time constants of the loss of first spikes \[ms\], and its factor.
const V_UNIT: f64 = 0.5;
const TAU: f64 = 2.0;
const TAU_LATE: f64 = 12.0;
const ALPHA: f64 = 0.05;

/// What the answer is made of.
#[derive(Clone, Copy, PartialEq)]
enum Answer {
    /// The mean potential of readouts.
    Mean,
    /// The first spikes of neurons.
    First,
}

/// Numbers from -1 to 1 that look random.
fn wave(k: usize) -> f64 {
    (12.9898 * k as f64 + 4.1).sin()
}

/// Weights of the projections from the sources, among the hidden neurons, and to the outputs \[pA\].
fn weights(answer: Answer) -> [Vec<f64>; 3] {
    let [mean, spread] = if answer == Answer::Mean { [300.0, 600.0] } else { [250.0; 2] };
    [
        (0..SOURCES * HIDDEN).map(|k| 300.0 + 300.0 * wave(k)).collect(),
        (0..HIDDEN * HIDDEN).map(|k| 500.0 * wave(k + 100)).collect(),
        (0..HIDDEN * OUTPUTS).map(|k| mean + spread * wave(k + 200)).collect(),
    ]
}

fn pixels(sample: usize) -> [u8; SOURCES] {
    std::array::from_fn(|k| (127.5 + 127.4 * wave(1315 + sample * SOURCES + k)) as u8)
}

/// Time constants of membrane and current of a hidden neuron or, behind them, an output \[ms\].
fn taus(answer: Answer, neuron: usize) -> [f64; 2] {
    if neuron >= HIDDEN && answer == Answer::Mean { [15.0, 4.0] } else { [20.0, 5.0] }
}

/// Effect of a current on the potential after a time, in two exponentials.
fn response([tau_m, tau_syn]: [f64; 2]) -> f64 {
    tau_m * tau_syn / (tau_m - tau_syn) / C_M
}

/// Potential and current after a time.
fn evolved([v, i]: [f64; 2], h: f64, taus: [f64; 2]) -> [f64; 2] {
    let [a, b] = taus.map(|tau| (-h / tau).exp());
    [v * a + i * response(taus) * (a - b), i * b]
}

/// A spike that arrives: when, through which synapse of which projection, at which neuron, and by which spike of
/// the solution, unless it is of a source.
#[derive(Clone, Copy)]
struct Arrival {
    time: f64,
    projection: usize,
    synapse: usize,
    target: usize,
    spike: Option<usize>,
}

/// All events of a sample in order: spikes as times, neurons and slopes of the potential.
struct Solution {
    spikes: Vec<(f64, usize, f64)>,
    arrivals: Vec<Arrival>,
    means: [f64; OUTPUTS],
}

fn solve(answer: Answer, weights: &[Vec<f64>; 3], sample: usize, dt: f64) -> Solution {
    let steps = (CODE / dt).round() - 1.0;
    let mut waiting = Vec::new();
    for (k, pixel) in pixels(sample).into_iter().enumerate().filter(|(_, pixel)| *pixel > 0) {
        let step = ((1.0 - f64::from(pixel) / 255.0) * steps).round();
        let time = (step + 1.0) * dt + DELAYS[0];
        waiting.extend((0..HIDDEN).map(|target| Arrival {
            time,
            projection: 0,
            synapse: k * HIDDEN + target,
            target,
            spike: None,
        }));
    }
    let mut state = [[0.0; 2]; HIDDEN + OUTPUTS];
    let mut solution = Solution { spikes: Vec::new(), arrivals: Vec::new(), means: [0.0; OUTPUTS] };
    let spiking = if answer == Answer::First { HIDDEN + OUTPUTS } else { HIDDEN };
    let mut now = 0.0;
    loop {
        waiting.sort_by(|a: &Arrival, b| {
            a.time
                .total_cmp(&b.time)
                .then((a.projection, a.synapse).cmp(&(b.projection, b.synapse)))
        });
        let span = waiting.first().map_or(END, |next| next.time.min(END)) - now;
        // The first to cross, seen at twenty moments in a millisecond.
        let above = |n: usize, h: f64| evolved(state[n], h, taus(answer, n))[0] >= V_TH;
        let crossing = |n: usize| {
            let looks = (span * 20.0) as usize + 2;
            let moment = |k: usize| span * k as f64 / looks as f64;
            let seen = (1..=looks).find(|k| above(n, moment(*k)))?;
            let (mut low, mut high) = (moment(seen - 1), moment(seen));
            for _ in 0..80 {
                let middle = 0.5 * (low + high);
                if above(n, middle) { high = middle } else { low = middle }
            }
            Some((high, n))
        };
        let first = (0..spiking).filter_map(crossing).min_by(|a, b| a.0.total_cmp(&b.0));
        let h = first.map_or(span, |(h, _)| h);
        for (n, state) in state.iter_mut().enumerate() {
            let taus = taus(answer, n);
            if n >= HIDDEN {
                let [a, b] = taus.map(|tau| tau * -(-h / tau).exp_m1());
                solution.means[n - HIDDEN] +=
                    (state[0] * a + state[1] * response(taus) * (a - b)) / END;
            }
            *state = evolved(*state, h, taus);
        }
        now += h;
        if let Some((_, n)) = first {
            let slope = state[n][1] / C_M - state[n][0] / taus(answer, n)[0];
            state[n][0] = 0.0;
            let spike = Some(solution.spikes.len());
            solution.spikes.push((now, n, slope));
            for (projection, offset, count) in [(1, 0, HIDDEN), (2, HIDDEN, OUTPUTS)] {
                waiting.extend((0..count).filter(|_| n < HIDDEN).map(|target| Arrival {
                    time: now + DELAYS[projection],
                    projection,
                    synapse: n * count + target,
                    target: offset + target,
                    spike,
                }));
            }
        } else if now >= END {
            return solution;
        } else {
            let arrival = waiting.remove(0);
            state[arrival.target][1] += weights[arrival.projection][arrival.synapse];
            solution.arrivals.push(arrival);
        }
    }
}

/// The first spike of an output.
fn first_of(solution: &Solution, output: usize) -> Option<usize> {
    solution.spikes.iter().position(|spike| spike.1 == HIDDEN + output)
}

/// Loss of a sample, and its gradient by the outputs.
fn judged(answer: Answer, solution: &Solution, label: usize, dt: f64) -> (f64, [f64; OUTPUTS]) {
    let time =
        |output| first_of(solution, output).map_or(END + dt, |spike| solution.spikes[spike].0);
    let output: [f64; OUTPUTS] = std::array::from_fn(|output| match answer {
        Answer::Mean => solution.means[output] / V_UNIT,
        Answer::First => -time(output) / TAU,
    });
    let sum: f64 = output.iter().map(|x| x.exp()).sum();
    let mut gradient = output.map(|x| x.exp() / sum);
    gradient[label] -= 1.0;
    let mut loss = sum.ln() - output[label];
    if answer == Answer::First {
        let growth = (time(label) / TAU_LATE).exp();
        loss += ALPHA * (growth - 1.0);
        gradient[label] -= ALPHA * growth * TAU / TAU_LATE;
    }
    (loss, gradient)
}

fn loss(answer: Answer, weights: &[Vec<f64>; 3], dt: f64) -> f64 {
    let of = |b: usize| judged(answer, &solve(answer, weights, b, dt), LABELS[b], dt).0;
    (0..SAMPLES).map(of).sum::<f64>() / SAMPLES as f64
}

/// The gradient from event to event, backwards.
fn gradient(answer: Answer, weights: &[Vec<f64>; 3], dt: f64) -> [Vec<f64>; 3] {
    let mut gradient = [0, 1, 2].map(|p| vec![0.0; weights[p].len()]);
    for b in 0..SAMPLES {
        let solution = solve(answer, weights, b, dt);
        let by_output = judged(answer, &solution, LABELS[b], dt).1.map(|g| g / SAMPLES as f64);
        let mut by_time = vec![0.0; solution.spikes.len()];
        let mut by_potential = [0.0; HIDDEN + OUTPUTS];
        for (output, by_output) in by_output.into_iter().enumerate() {
            match (answer, first_of(&solution, output)) {
                (Answer::Mean, _) => by_potential[HIDDEN + output] = by_output / V_UNIT / END,
                (Answer::First, Some(spike)) => by_time[spike] -= by_output / TAU,
                (Answer::First, None) => {}
            }
        }
        // Spikes, then arrivals; of a moment what was last first.
        let spikes = solution.spikes.iter().enumerate().map(|(k, spike)| (spike.0, None, k));
        let arrivals = solution.arrivals.iter().enumerate();
        let mut events: Vec<_> =
            spikes.chain(arrivals.map(|(k, a)| (a.time, Some(k), k))).collect();
        events.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
        let (mut now, mut adjoint) = (END, [[0.0; 2]; HIDDEN + OUTPUTS]);
        for (time, arrival, k) in events {
            let h = now - time;
            now = time;
            for (n, [by_v, by_i]) in adjoint.iter_mut().enumerate() {
                let taus = taus(answer, n);
                let [a, b] = taus.map(|tau| (-h / tau).exp());
                // Towards where the loss holds it.
                let rest = by_potential[n] * taus[0];
                let apart = *by_v - rest;
                *by_i =
                    *by_i * b + apart * response(taus) * (a - b) + rest * taus[1] / C_M * (1.0 - b);
                *by_v = rest + apart * a;
            }
            if arrival.is_some() {
                let Arrival { projection, synapse, target, spike, .. } = solution.arrivals[k];
                let [by_v, by_i] = adjoint[target];
                gradient[projection][synapse] += by_i;
                if let Some(spike) = spike {
                    let slope = by_i / taus(answer, target)[1] - by_v / C_M;
                    by_time[spike] += weights[projection][synapse] * slope;
                }
            } else {
                let (_, n, slope) = solution.spikes[k];
                let fall = V_TH / taus(answer, n)[0];
                adjoint[n][0] = before_spike(adjoint[n][0], by_time[k], slope, fall);
            }
        }
    }
    gradient
}

#[test]
fn the_formula_is_exact() {
    for answer in [Answer::Mean, Answer::First] {
        let mut weights = weights(answer);
        let exact = gradient(answer, &weights, 0.1);
        for (p, exact) in exact.iter().enumerate() {
            let largest = scale(exact);
            assert!(largest > 1e-6, "no gradient reaches projection {p}");
            for (k, exact) in exact.iter().enumerate() {
                let start = weights[p][k];
                let mut at = |x: f64| {
                    weights[p][k] = x;
                    loss(answer, &weights, 0.1)
                };
                let mut apart = |h: f64| (at(start + h) - at(start - h)) / (2.0 * h);
                let difference = (4.0 * apart(1e-3) - apart(2e-3)) / 3.0;
                at(start);
                let error = (difference - exact).abs();
                assert!(error <= 1e-6 * largest, "{p}, {k}: {exact} is not {difference}");
            }
        }
    }
}

// ---- on the grid ----------------------------------------------------------------------------------

/// A scene with samples of so many pixels, by its neurons, projections and loss.
fn text(dt: f64, steps: usize, populations: &str, projections: &str, training: &str) -> String {
    format!(
        r#"(version: 1, simulation: (dt: {dt}, seed: 3),
        populations: {{ {populations} }}, projections: [{projections}],
        training: (data: Arrays(train: "a.npz", test: "b.npz"), epochs: 1, batch: 4, steps: {steps},
            optimizer: Adam(lr: 0.001), {training}))"#
    )
}

/// The network that is solved from event to event, on a grid.
fn on_grid(answer: Answer, dt: f64) -> String {
    let output = match answer {
        Answer::Mean => format!("Readout(tau_m: 15, tau_syn: 4, v_unit: {V_UNIT})"),
        Answer::First => "Lif(tau_m: 20, tau_syn: 5, t_ref: 0)".to_owned(),
    };
    let loss = match answer {
        Answer::Mean => "SoftmaxCrossEntropy(over: Mean)".to_owned(),
        Answer::First => format!(
            r#"FirstSpike(population: "out", tau: {TAU}, alpha: {ALPHA}, tau_late: {TAU_LATE})"#
        ),
    };
    let ends = [("in", "hidden"), ("hidden", "hidden"), ("hidden", "out")];
    let projection = |((from, to), (weights, delay)): ((&str, &str), (Vec<f64>, f64))| {
        format!(
            r#"(from: "{from}", to: "{to}", connect: Dense, weight: {weights:?}, delay: {delay:?}),"#
        )
    };
    let projections = ends.into_iter().zip(weights(answer).into_iter().zip(DELAYS));
    text(
        dt,
        (END / dt).round() as usize,
        &format!(
            r#""in": (size: {SOURCES}, model: Images(encoder: Latency(window: {CODE:?}, cutoff: 0))),
            "hidden": (size: {HIDDEN}, model: Lif(tau_m: 20, tau_syn: 5, t_ref: 0)),
            "out": (size: {OUTPUTS}, model: {output}),"#
        ),
        &projections.map(projection).collect::<String>(),
        &format!("loss: {loss}, learn: EventProp()"),
    )
}

/// A clock by which the weights stay where they are.
fn still(samples: usize) -> Clock {
    Clock { learning_rate: 0.0, ..clock(samples) }
}

fn trained(engine: &mut dyn Engine, plan: &Plan, data: &Dataset) {
    load(engine, plan, &data.train, plan.batch);
    engine.run(plan.program("train").unwrap(), &still(plan.batch), plan.steps).unwrap();
}

/// The largest difference of the gradient on a grid from the exact one, for each projection in parts of its largest.
fn off_by(answer: Answer, dt: f64) -> f64 {
    let (_, plan) = plan(&scene(&on_grid(answer, dt)), SAMPLES, (END / dt).round() as usize, 0);
    let split = || Split {
        images: (0..SAMPLES).flat_map(pixels).collect(),
        labels: LABELS.map(|label| label as u8).to_vec(),
        targets: Vec::new(),
        rows: 1,
        cols: SOURCES,
    };
    let data = Dataset { train: split(), validation: None, test: split() };
    let mut oracle = Cpu::<f64>::new(&plan, Some(1), false);
    trained(&mut oracle, &plan, &data);
    let exact = gradient(answer, &weights(answer), dt);
    let off = exact.iter().zip(&plan.training().weights).map(|(exact, tiles)| {
        let of = |weights| {
            plan.training().gradients.iter().find(|(_, other)| *other == weights).unwrap().0
        };
        let contents = tiles.arrays().into_iter().map(|weights| oracle.read_reals(of(weights)));
        let got = tiles.unpack(&contents.collect::<Result<Vec<_>, _>>().unwrap());
        let apart = got.iter().zip(exact).map(|(got, exact)| (f64::from(*got) - exact).abs());
        apart.fold(0.0, f64::max) / scale(exact)
    });
    off.fold(0.0, f64::max)
}

/// A spike that comes up to a step too late may change places with an arrival, so the error does not fall with each
/// halving of the step; over three it does.
#[test]
fn a_fine_grid_is_near_the_exact_gradient() {
    for answer in [Answer::Mean, Answer::First] {
        let [coarse, fine] = [0.1, 0.0125].map(|dt| off_by(answer, dt));
        println!("off by {coarse} at 0.1 ms, {fine} at 0.0125 ms");
        assert!(fine <= 0.06, "{fine}");
        assert!(fine <= 0.5 * coarse, "{fine} at an eighth of the step, {coarse} before");
    }
}

/// A label's neuron that is silent is pushed by its potential, which no spike disturbs: the gradient is that of the grid.
#[test]
fn a_silent_neuron_is_pushed() {
    let text = text(
        1.0,
        20,
        r#""in": (size: 9, model: Images(encoder: Latency(window: 6))),
        "out": (size: 3, model: Lif(tau_m: 20, tau_syn: 5, t_ref: 0)),"#,
        r#"(from: "in", to: "out", connect: Dense, weight: Uniform(low: 50, high: 200)),"#,
        r#"loss: FirstSpike(population: "out", tau: 2, push: 0.7), learn: EventProp()"#,
    );
    let (_, plan) = plan(&scene(&text), 4, 20, 0);
    let data = images(4, 9, 3);
    let mut oracle = Cpu::<f64>::new(&plan, Some(1), false);
    trained(&mut oracle, &plan, &data);
    assert!(oracle.read_words(array(&plan, "out.spikes")).unwrap().iter().all(|word| *word == 0));
    let (gradient, weights) = plan.training().gradients[0];
    let (exact, start) = (oracle.wide(gradient), oracle.wide(weights));
    assert!(scale(&exact) > 1e-6);
    for (k, exact) in exact.iter().enumerate() {
        let mut at = |x: f64| {
            oracle.numbers(weights)[k] = x;
            oracle.run(plan.program("evaluate").unwrap(), &still(4), 20).unwrap();
            let losses = oracle.wide(array(&plan, "losses"));
            losses.iter().step_by(plan.training().slots).sum::<f64>() / 4.0
        };
        let difference = (at(start[k] + 1e-3) - at(start[k] - 1e-3)) / 2e-3;
        at(start[k]);
        assert!((difference - exact).abs() <= 1e-6 * scale(&oracle.wide(gradient)), "{k}");
    }
}

// ---- engines --------------------------------------------------------------------------------------

const FIRST: &str = r#"loss: FirstSpike(population: "out", tau: 3, alpha: 0.01, tau_late: 10, push: 0.5), learn: EventProp()"#;
const BY_SURROGATE: &str =
    r#"loss: FirstSpike(population: "out", tau: 3, alpha: 0.01, tau_late: 10)"#;
const MEAN: &str = "loss: SoftmaxCrossEntropy(), biases: true, learn: EventProp(least_slope: 0.05)";
const OUT: &str =
    r#"(from: "hidden", to: "out", connect: Dense, weight: Kaiming(gain: 2), delay: 2),"#;

/// Name, model of the hidden neurons, of the outputs, projections behind the first, training.
const CASES: [(&str, &str, &str, &str, &str); 6] = [
    ("readout", "Lif(tau_m: 20, tau_syn: 5, t_ref: 0)", "Readout(tau_m: 15)", "", MEAN),
    (
        "recurrent",
        "Lif(tau_m: 20, tau_syn: 5, t_ref: 0)",
        "Readout(tau_m: 15)",
        r#"(from: "hidden", to: "hidden", connect: FixedInDegree(k: 4), weight: Kaiming(gain: 0.7),
            delay: Uniform(low: 1, high: 4)),"#,
        MEAN,
    ),
    (
        "own parameters",
        "Lif(tau_m: Uniform(low: 15, high: 25), v_th: Normal(mean: -55, std: 1), v_init: -60, t_ref: 0)",
        "Readout(tau_m: 15)",
        r#"(from: "hidden", to: "hidden", connect: Dense, weight: Kaiming(gain: 0.5)),"#,
        MEAN,
    ),
    (
        "first spikes",
        "Lif(tau_m: 20, tau_syn: 5, t_ref: 0)",
        "Lif(tau_m: 20, tau_syn: 5, t_ref: 0)",
        "",
        FIRST,
    ),
    (
        "first spikes, competing",
        "Lif(tau_m: 20, tau_syn: 5, t_ref: 0)",
        "Lif(tau_m: 20, tau_syn: 5, t_ref: 0)",
        r#"(from: "out", to: "out", connect: Dense, weight: -200),"#,
        FIRST,
    ),
    (
        "first spikes by a surrogate",
        "Lif(tau_m: 20, tau_syn: 5)",
        "Lif(tau_m: 20, reset: Subtract)",
        "",
        BY_SURROGATE,
    ),
];

/// Steps of a window of these cases.
const STEPS: usize = 21;

#[test]
fn engines_against_the_oracle() {
    let found = adapter("gradients by times of spikes");
    for (name, hidden, out, extra, training) in CASES {
        let text = text(
            1.0,
            STEPS,
            &format!(
                r#""in": (size: 13, model: Images(encoder: Latency(window: 6))),
                "hidden": (size: 66, model: {hidden}), "out": (size: 3, model: {out}),"#
            ),
            &format!(
                r#"(from: "in", to: "hidden", connect: Dense, weight: Kaiming(gain: 3)), {extra} {OUT}"#
            ),
            training,
        );
        let (network, plan) = plan(&scene(&text), 4, STEPS, 0);
        let data = images(4, 13, 3);
        let mut oracle = Cpu::<f64>::new(&plan, Some(1), false);
        trained(&mut oracle, &plan, &data);
        if training.starts_with("loss: FirstSpike") {
            firsts_are_told(name, &plan, &mut oracle, &data);
        }
        let terms = gradients_by_terms(&network, &plan, &mut oracle);
        let predictions = plan.training().answer.unwrap().predictions;
        let every = |id: Words| if id == predictions { plan.training().slots } else { 1 };
        let words = ["hidden.spikes", "predictions", "out.first", "out.pushed_at"];
        let words = words.map(|name| Some(array(&plan, plan.arrays.named(name).map(|_| name)?)));
        let told = |id: Words, engine: &mut dyn Engine| -> Vec<u32> {
            engine.read_words(id).unwrap().into_iter().step_by(every(id)).collect()
        };
        let words: Vec<_> =
            words.into_iter().flatten().map(|id| (id, told(id, &mut oracle))).collect();
        let gradients =
            plan.training().gradients.iter().map(|(gradient, _)| oracle.wide(*gradient));
        let largest = gradients.map(|gradient| scale(&gradient)).fold(0.0, f64::max);
        assert!(largest > 1e-12, "{name}: nothing is learned");
        let check = |who: &str, engine: &mut dyn Engine| {
            poison(engine, &plan);
            trained(engine, &plan, &data);
            for (id, want) in &words {
                assert_eq!(told(*id, engine), *want, "{name}, {who}: {}", plan.arrays[*id].name);
            }
            for ((gradient, weights), terms) in plan.training().gradients.iter().zip(&terms) {
                // Rises of potentials and of what spikes are worth are differences of neighbours in time, a tenth
                // as large as these.
                let operations = 10 * (2 * (12 * STEPS + 13 + 66) + 4 * STEPS);
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

/// What the spikes of the outputs say of first ones, answers and the cross-entropy with its term for early ones.
fn firsts_are_told(name: &str, plan: &Plan, oracle: &mut Cpu<'_, f64>, data: &Dataset) {
    let spikes = oracle.read_words(array(plan, "out.spikes")).unwrap();
    let told = oracle.read_words(plan.training().answer.unwrap().predictions).unwrap();
    let losses = oracle.wide(array(plan, "losses"));
    let rows = spikes.len() / plan.batch;
    for b in 0..plan.batch {
        let train = &spikes[(b + 1) * rows - STEPS..(b + 1) * rows];
        let first = [0, 1, 2].map(|id| train.iter().position(|word| word >> id & 1 == 1));
        let times = first.map(|step| step.unwrap_or(STEPS) + 1);
        let answer = (0..3).find(|id| times[*id] == *times.iter().min().unwrap()).unwrap();
        assert_eq!(told[b * plan.training().slots] as usize, answer, "{name}: {times:?}");
        let label = usize::from(data.train.labels[b]);
        let output = times.map(|t| -(t as f64) / 3.0);
        let sum: f64 = output.iter().map(|x| x.exp()).sum();
        let early = 0.01 * ((times[label] as f64 / 10.0).exp() - 1.0);
        let want = sum.ln() - output[label] + early;
        let got = losses[b * plan.training().slots];
        // Where the neuron is silent, what it is pushed by comes on top.
        let is_silent = first[label].is_none() && name != "first spikes by a surrogate";
        assert!(if is_silent { got > want } else { (got - want).abs() < 1e-12 }, "{got}, {want}");
    }
}

// ---- bad input ------------------------------------------------------------------------------------

#[test]
fn what_has_no_times_is_refused() {
    let plain = text(
        1.0,
        20,
        r#""in": (shape: [6, 6], model: Images(encoder: Latency(window: 6))),
        "hidden": (shape: [3, 3, 1], model: Lif(t_ref: 0)), "out": (size: 3, model: Readout()),"#,
        r#"(from: "in", to: "hidden", connect: Conv(kernel: 1), pool: Avg(2), weight: Kaiming()),
        (from: "hidden", to: "out", connect: Dense, weight: Kaiming()),"#,
        "loss: SoftmaxCrossEntropy(), learn: EventProp()",
    );
    let said = |text: &str| match load_str("test.ron", text, Path::new("."), &[]) {
        Ok(_) => String::new(),
        Err(e) => e.problems.iter().map(|p| format!("{} {}; ", p.path, p.message)).collect(),
    };
    assert_eq!(said(&plain), "");
    for (from, to, words) in [
        ("Lif(t_ref: 0)", "Lif()", "hidden.model.t_ref"),
        ("Lif(t_ref: 0)", "Lif(t_ref: 0, delta_th: 1)", "hidden.model.delta_th"),
        ("Lif(t_ref: 0)", "Lif(t_ref: 0, reset: Subtract)", "hidden.model.reset"),
        ("Lif(t_ref: 0)", "Lif(t_ref: 0, tau_syn_in: 3)", "receptors of other kinds"),
        ("Lif(t_ref: 0)", "Adex(t_ref: 0)", "when `Adex` spikes"),
        ("Lif(t_ref: 0)", "Lif(t_ref: 0), train: [\"tau_m\"]", "numbers that are trained"),
        ("Avg(2)", "Max(2)", "which source is the largest"),
        ("EventProp()", "EventProp(), detach_reset: false", "`detach_reset` is of surrogate"),
        ("EventProp()", "EventProp(), surrogate: StraightThrough", "`surrogate` is of surrogate"),
        (
            "EventProp()",
            "EventProp(), rates: [(population: \"hidden\", low: 1, strength: 1)]",
            "how many",
        ),
        ("EventProp()", "EventProp(least_slope: -1)", "negative"),
        ("EventProp()", "EventProb()", "no choice `EventProb`"),
    ] {
        let error = said(&plain.replace(from, to));
        assert!(error.contains(words), "{to}: {error:?}");
    }
    let first = plain.replace("Readout()", "Lif(t_ref: 0)").replace(
        "SoftmaxCrossEntropy()",
        r#"FirstSpike(population: "out", tau: 2, alpha: 0.1, tau_late: 10, push: 1)"#,
    );
    assert_eq!(said(&first), "");
    for (from, to, words) in [
        ("EventProp()", "Surrogate", "neurons learn to spike whether they do or not"),
        (", tau_late: 10", "", "nothing says what is late"),
        ("alpha: 0.1, ", "", "does nothing where `alpha` is 0"),
        ("tau_late: 10", "tau_late: 0.1", "no number in single precision"),
        ("tau: 2", "tau: 0", "strictly positive"),
        ("population: \"out\"", "population: \"in\"", "no neurons that spike"),
        ("population: \"out\"", "population: \"ou\"", "no population `ou`"),
    ] {
        let error = said(&first.replace(from, to));
        assert!(error.contains(words), "{to}: {error:?}");
    }
}
