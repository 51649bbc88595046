//! What the tests share: engines, small scenes, and the one place where a tolerance is computed.
#![allow(dead_code, reason = "each test binary uses a part")]

use neuralearn::data::{Dataset, Split};
use neuralearn::engine::Engine;
use neuralearn::engine::cpu::{Cpu, Twinned};
use neuralearn::engine::gpu::{Found, Gpu, Wanted, choose};
use neuralearn::kernel::{Clock, Word};
use neuralearn::network::{Kind, Network, Population, Synapses, build};
use neuralearn::plan::{
    self, Array, ArrayId, Handle, Init, Launch, Plan, Reals, SimulationOptions, SimulationPorts,
    Supervision, TrainingOptions, Words,
};
use neuralearn::rng::{Purpose, Stream};
use neuralearn::scene::{Scene, load_str};
use neuralearn::simulation::{self, Simulation};
use neuralearn::synapse::convolution::{Convolution, Pooling};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

/// The software adapter, else any other. Without one the test is skipped, unless
/// `NEURALEARN_GPU=require` says that it must not be.
pub fn adapter(test: &str) -> Option<Found> {
    let found = choose(Wanted::Software, None).or_else(|_| choose(Wanted::Hardware, None));
    match found {
        Ok(found) => Some(found),
        Err(e) if std::env::var("NEURALEARN_GPU").is_ok_and(|v| v == "require") => {
            panic!("{test}: NEURALEARN_GPU=require, but {e}")
        }
        Err(e) => {
            // Past the capture of the test harness: a skip must be seen.
            let _ = writeln!(std::io::stderr(), "SKIP {test}: {e}");
            None
        }
    }
}

pub fn gpu(found: &Found, plan: &Plan) -> Gpu {
    Gpu::new(found, plan, false).unwrap_or_else(|e| panic!("{e}"))
}

pub fn scene(text: &str) -> Scene {
    match load_str("test.ron", text, Path::new("."), &[]) {
        Ok((scene, ..)) => scene,
        Err(e) => panic!("{e}"),
    }
}

/// Network and plan of a scene with a training.
pub fn plan(scene: &Scene, batch: usize, steps: usize, soft: u32) -> (Network, Plan) {
    let network = build(scene).unwrap_or_else(|e| panic!("{e}"));
    let training = scene.training.as_ref().unwrap();
    let options =
        TrainingOptions { batch, steps, training, traces: None, soft, max_binding: 128 << 20 };
    let plan = plan::plan(&network, &options).unwrap_or_else(|e| panic!("{e}"));
    (network, plan)
}

pub fn clock(samples: usize) -> Clock {
    Clock {
        seed: 5,
        step: 0,
        samples: samples as u32,
        slot: 0,
        learning_rate: 1e-3,
        corrections: [10.0, 1000.0],
    }
}

/// Rounding error of a float sum: `operations` of them on terms whose magnitudes sum to `scale`.
/// Half a unit in the last place each, doubled for divisions and exponentials of WGSL, which may be off
/// by a few; errors add at worst linearly.
pub fn tolerance(operations: usize, scale: f64) -> f64 {
    let tolerance = operations as f64 * 2f64.powi(-23) * scale;
    assert!(tolerance <= 0.02 * scale, "a tolerance of {tolerance} at {scale} tests nothing");
    tolerance
}

/// Asserts that two arrays agree, each entry to its own tolerance. NaN never does.
pub fn assert_each_close(what: &str, got: &[f32], want: &[f64], tolerances: &[f64]) {
    assert_eq!(got.len(), want.len(), "{what}: lengths");
    assert_eq!(tolerances.len(), want.len(), "{what}: tolerances");
    for (k, ((g, w), tolerance)) in got.iter().zip(want).zip(tolerances).enumerate() {
        let error = (f64::from(*g) - w).abs();
        assert!(
            error <= *tolerance,
            "{what}[{k}]: {g} is not {w}, off by {error:e} > {tolerance:e}"
        );
    }
}

/// Asserts that two arrays agree, all entries to the same tolerance.
pub fn assert_close(what: &str, got: &[f32], want: &[f64], tolerance: f64) {
    assert_each_close(what, got, want, &vec![tolerance; want.len()]);
}

/// Largest magnitude.
pub fn scale(x: &[f64]) -> f64 {
    x.iter().fold(f64::MIN_POSITIVE, |m, x| m.max(x.abs()))
}

/// Largest magnitude among the entries with the same key, for each entry.
pub fn scales_by<K: Ord>(x: &[f64], key: impl Fn(usize) -> K) -> Vec<f64> {
    let mut largest = BTreeMap::new();
    for (k, x) in x.iter().enumerate() {
        let most: &mut f64 = largest.entry(key(k)).or_default();
        *most = most.max(x.abs());
    }
    (0..x.len()).map(|k| largest[&key(k)]).collect()
}

/// `count` numbers around zero, the same each time.
pub fn noise(count: usize, spread: f64, stream: u32) -> Vec<f64> {
    let s = Stream::new(11, Purpose::Weights, stream);
    (0..count as u64).map(|k| spread * (2.0 * s.uniform(k, 0) - 1.0)).collect()
}

/// A data set of `n` random images of `pixels` pixels in `classes` classes, some of them black.
pub fn images(n: usize, pixels: usize, classes: u64) -> Dataset {
    let s = Stream::new(12, Purpose::Input, 0);
    let split =
        |offset: u64| Split {
            images: (0..(n * pixels) as u64)
                .map(|k| {
                    if s.uniform(k + offset, 1) < 0.6 {
                        0
                    } else {
                        s.below(256, k + offset, 2) as u8
                    }
                })
                .collect(),
            labels: (0..n as u64).map(|k| s.below(classes, k + offset, 3) as u8).collect(),
            targets: Vec::new(),
            rows: 1,
            cols: pixels,
        };
    Dataset { train: split(0), validation: None, test: split(1 << 32) }
}

/// Puts samples of a split on an engine.
pub fn load(engine: &mut dyn Engine, plan: &Plan, split: &Split, samples: usize) {
    let words = |images: Vec<Vec<u8>>| -> Vec<u32> {
        let stride = images[0].len().div_ceil(4);
        let mut words = vec![0; samples * stride];
        for (b, image) in images.iter().enumerate() {
            for (k, pixel) in image.iter().enumerate() {
                words[b * stride + k / 4] |= u32::from(*pixel) << (8 * (k % 4));
            }
        }
        words
    };
    let presentation: Vec<u32> = (0..samples as u32).collect();
    let ports = &plan.input;
    if let Some(array) = ports.pixels {
        let whole = (0..samples).map(|b| split.image(b).to_vec());
        engine.write_words(array, &words(whole.collect())).unwrap();
    }
    for (part, array) in &ports.parts {
        let parts = (0..samples).map(|b| split.cut(split.image(b), part));
        engine.write_words(*array, &words(parts.collect())).unwrap();
    }
    if let Some(answer) = plan.training().answer {
        match answer.supervision {
            Supervision::Labels(array) => {
                let labels = (0..samples).flat_map(|b| split.asked(b, answer.answers));
                let labels = labels.map(|label| label.map_or(u32::MAX, u32::from));
                engine.write_words(array, &labels.collect::<Vec<u32>>()).unwrap();
            }
            Supervision::Targets(array) => {
                let outputs = plan.arrays[array].len / plan.batch;
                let wanted = (0..samples).flat_map(|b| split.wanted(b, outputs));
                engine.write_reals(array, &wanted.collect::<Vec<f32>>()).unwrap();
            }
        }
    }
    engine.write_words(ports.presentation, &presentation).unwrap();
}

/// Sizes of gradients of neurons, samples × rows × neurons: the largest of the neuron in the sample. That is a sum
/// over targets and steps whose terms may cancel, so it is taken as at least a sixteenth of the largest of all
/// neurons in the sample.
pub fn gradient_scales(gradients: &[f64], rows: usize, n: usize) -> Vec<f64> {
    let own = scales_by(gradients, |k| (k / (rows * n), k % n));
    let all = scales_by(gradients, |k| k / (rows * n));
    own.iter().zip(all).map(|(own, all)| own.max(all / 16.0)).collect()
}

/// A gradient as a sum over samples and steps, and a bound of the magnitudes of its terms.
pub struct Terms {
    pub sum: f64,
    pub magnitude: f64,
}

/// Whether a source is the first of its window that is as large as any.
fn is_largest(c: &Convolution, sent: &[f64], source: usize) -> bool {
    let [_, columns, channels] = c.source;
    let place = |i: usize| [i / channels / columns, i / channels % columns];
    let window = |i: usize| [place(i)[0] / c.pool[0], place(i)[1] / c.pool[1], i % channels];
    let others = (0..sent.len()).filter(|i| window(*i) == window(source));
    let first = others.reduce(|a, b| if sent[b] > sent[a] { b } else { a });
    first == Some(source)
}

/// Gradients of a training in the order of its ports, summed by plain loops over what the oracle's backward
/// pass has left:
/// ```text
///   by a weight             sum over samples and steps of  s_i[b, t] · arrivals_bar[b, t + d, j] / (1 - dropout)
///   by a constant current   sum over samples of  input_bar[b, j]
///   by a number             sum over samples and what kernels read of  slope[k, j] · number_bar[b, k, j]
/// ```
/// A term counts by the size of its gradient, see [`gradient_scales`].
pub fn gradients_by_terms(
    network: &Network,
    plan: &Plan,
    oracle: &mut Cpu<'_, f64>,
) -> Vec<Vec<Terms>> {
    let ports = &plan.training().gradients;
    let of = |weights: Reals| ports.iter().position(|(_, other)| *other == weights);
    let no_terms = |_| Terms { sum: 0.0, magnitude: 0.0 };
    let len = |(gradient, _): &(Reals, Reals)| plan.arrays[*gradient].len;
    let mut all: Vec<Vec<Terms>> =
        ports.iter().map(|g| (0..len(g)).map(no_terms).collect()).collect();
    let (batch, steps) = (plan.batch, plan.steps);
    let named = |oracle: &Cpu<'_, f64>, k: usize, what: &str| {
        oracle.wide(array(plan, &format!("{}.{what}", network.populations[k].name)))
    };
    // Neurons in frames have the gradients by several receptors side by side, unless they keep a tape, and by the current
    // in its place.
    let framed = |k: usize| matches!(network.populations[k].kind, Kind::Stepped(_));
    let by_current = |k: usize| if framed(k) { "current" } else { "input_gradient" };
    for (projection, tiles) in network.projections.iter().zip(&plan.training().weights) {
        if tiles.arrays().iter().all(|weights| of(*weights).is_none()) {
            continue;
        }
        let (from, to, delay) = (projection.from, projection.to, projection.delay);
        let [sources, targets] = [from, to].map(|k| network.populations[k].size);
        // In place of what all sources sent, if some were silent.
        let kept = (projection.dropout > 0.0).then_some("kept");
        // What sources sent and what targets want, samples × rows × neurons; a constant input has one row.
        let (rows, sent, wanted) = if delay == 0 {
            (1, named(oracle, from, kept.unwrap_or("values")), named(oracle, to, by_current(to)))
        } else {
            let port = plan.training().populations[from];
            // Soft spikes of neurons, or values of sources that change.
            let found = |name: String| plan.arrays.named(&name).map(|_| array(plan, &name));
            let values = ["soft_spikes", "values"]
                .iter()
                .find_map(|what| found(format!("{}.{what}", network.populations[from].name)));
            // Or what spikes carry of the weights.
            let values = found(format!("{}.release.values", projection.name)).or(values);
            let stored = port.history + steps;
            let sent = match values {
                Some(values) => {
                    kept.map_or_else(|| oracle.wide(values), |kept| named(oracle, from, kept))
                }
                None => {
                    let name = &network.populations[from].name;
                    let spikes = kept.map(|kept| array(plan, &format!("{name}.{kept}")));
                    let words = oracle
                        .read_words(spikes.or(port.spikes.map(|spikes| spikes.array)).unwrap())
                        .unwrap();
                    let bit = |row: usize, i: usize| {
                        words[row * sources.div_ceil(32) + i / 32] >> (i % 32)
                    };
                    let rows =
                        (0..batch * stored).flat_map(|row| (0..sources).map(move |i| (row, i)));
                    rows.map(|(row, i)| f64::from(bit(row, i) & 1)).collect()
                }
            };
            let window =
                |b: usize| (b * stored + port.history) * sources..(b + 1) * stored * sources;
            let sent = (0..batch).flat_map(|b| sent[window(b)].to_vec()).collect();
            let wanted = if framed(to) && !network.populations[to].on_tape {
                let inbox = named(oracle, to, "inbox");
                let width = inbox.len() / batch / steps;
                let first = projection.receptor * targets;
                inbox.chunks(width).flat_map(|row| row[first..first + targets].to_vec()).collect()
            } else {
                named(oracle, to, "tape")
            };
            (steps, sent, wanted)
        };
        let largest = gradient_scales(&wanted, rows, targets);
        let weights = 0..projection.synapses.weights().len();
        let mut synapses: Vec<(usize, (u32, u32))> =
            weights.map_while(|k| Some((k, projection.synapses.ends(k, targets)?))).collect();
        let mut gain = projection.gain();
        // Of a convolution several synapses have one weight.
        let mut largest_of = None;
        if let Synapses::Convolution { convolution, .. } = &projection.synapses {
            let (start, source, weight) = convolution.lists();
            let target = |k: usize| start.partition_point(|first| *first as usize <= k) - 1;
            let synapse = |k: usize| (weight[k] as usize, (source[k], target(k) as u32));
            synapses = (0..source.len()).map(synapse).collect();
            gain *= convolution.scale();
            largest_of = Some(convolution).filter(|c| c.pooling == Pooling::Largest);
        }
        for (synapse, (i, j)) in synapses {
            let (weights, at) = tiles.find(synapse);
            let Some(gradient) = of(weights) else { continue };
            let delay = if delay == 0 { 0 } else { projection.delay_of(synapse) };
            for (b, t) in (0..batch).flat_map(|b| (0..rows - delay).map(move |t| (b, t))) {
                let sent = &sent[(b * rows + t) * sources..][..sources];
                // Of those of which the largest counts, it is the first that is as large.
                let counts = largest_of.is_none_or(|c| is_largest(c, sent, i as usize));
                let s = if counts { gain * sent[i as usize] } else { 0.0 };
                let arrival = (b * rows + t + delay) * targets + j as usize;
                all[gradient][at].sum += s * wanted[arrival];
                all[gradient][at].magnitude += s.abs() * largest[arrival];
            }
        }
    }
    for (k, i_e) in plan.training().i_e.iter().enumerate() {
        let Some(gradient) = i_e.and_then(of) else { continue };
        let input = named(oracle, k, by_current(k));
        let n = network.populations[k].size;
        let largest = gradient_scales(&input, 1, n);
        for at in 0..input.len() {
            all[gradient][at % n].sum += input[at];
            all[gradient][at % n].magnitude += largest[at];
        }
    }
    for ports in &plan.training().numbers {
        let population = &network.populations[ports.population];
        let n = population.size;
        let by = named(oracle, ports.population, "adjoint");
        let slopes: Vec<Vec<f64>> = ports.slopes.iter().map(|a| oracle.wide(*a)).collect();
        let rows = slopes[0].len() / n;
        let all_rows = by.len() / batch / n.div_ceil(64) / 64;
        let of_neuron = |b: usize, k: usize, id: usize| {
            let block = b * n.div_ceil(64) + id / 64;
            by[(block * all_rows + all_rows - rows + k) * 64 + id % 64]
        };
        // Of a number of all neurons and samples: what it sums over steps may cancel in one of them.
        let largest = |k: usize| {
            let each = (0..batch).flat_map(|b| (0..n).map(move |id| of_neuron(b, k, id).abs()));
            each.fold(0.0, f64::max)
        };
        let largest: Vec<f64> = (0..rows).map(largest).collect();
        for (free, slopes) in ports.free.iter().zip(&slopes) {
            let gradient = of(*free).unwrap();
            let shared = all[gradient].len() == 1;
            for (b, k, id) in (0..batch)
                .flat_map(|b| (0..rows).map(move |k| (b, k)))
                .flat_map(|(b, k)| (0..n).map(move |id| (b, k, id)))
            {
                let terms = &mut all[gradient][if shared { 0 } else { id }];
                terms.sum += slopes[k * n + id] * of_neuron(b, k, id);
                terms.magnitude += slopes[k * n + id].abs() * largest[k];
            }
        }
    }
    all
}

/// A parameter of a launch by its name.
pub fn parameter(launch: &Launch, name: &str) -> f64 {
    let field = launch.kernel.params.iter().position(|field| field.name == name);
    match launch.params[field.unwrap_or_else(|| panic!("no parameter {name}"))] {
        Word::F(x) => x,
        Word::U(x) => f64::from(x),
    }
}

/// Fills every array that a run must write before it reads with a number that spoils all it meets.
pub fn poison(engine: &mut dyn Engine, plan: &Plan) {
    let (input, ports) = (&plan.input, plan.training());
    let mut words: Vec<Words> = input.parts.iter().map(|(_, array)| *array).collect();
    words.extend([input.pixels, Some(input.presentation)].into_iter().flatten());
    // Spikes before the window are none, and an optimiser starts at rest.
    words.extend(ports.populations.iter().filter_map(|p| Some(p.spikes?.array)));
    let mut reals = ports.moments.clone();
    match ports.answer.map(|answer| answer.supervision) {
        Some(Supervision::Labels(array)) => words.push(array),
        Some(Supervision::Targets(array)) => reals.push(array),
        None => {}
    }
    let kept: Vec<ArrayId> =
        words.into_iter().map(Words::id).chain(reals.into_iter().map(Reals::id)).collect();
    spoil(engine, plan, |id, array| !kept.contains(&id) && !is_unused(&array.name));
}

/// Fills arrays that begin with zeros with a number that spoils all it meets.
pub fn spoil(engine: &mut dyn Engine, plan: &Plan, which: impl Fn(ArrayId, &Array) -> bool) {
    for (id, array) in plan.arrays.iter() {
        if matches!(array.init, Init::Zero) && which(id, array) {
            match plan.arrays.handle(id) {
                Handle::Reals(id) => engine.write_reals(id, &vec![1e30; array.len]).unwrap(),
                Handle::Words(id) => engine.write_words(id, &vec![0xDEAD_BEEF; array.len]).unwrap(),
            }
        }
    }
}

/// Stand-ins for arrays that a launch does not use.
pub fn is_unused(name: &str) -> bool {
    ["unused.reals", "unused.words", "unused.written.0", "unused.written.1"].contains(&name)
}

/// An array by its name.
pub fn array<A: TryFrom<Handle>>(plan: &Plan, name: &str) -> A {
    let id = plan.arrays.named(name).unwrap_or_else(|| panic!("no array {name}"));
    let array = A::try_from(plan.arrays.handle(id));
    array.unwrap_or_else(|_| panic!("array {name} does not hold what is asked for"))
}

// ---- Simulations ----------------------------------------------------------------------------------

/// A scene that is simulated, all of it in one window, so that its arrays hold all samples.
pub struct Simulated {
    pub scene: Scene,
    pub network: Network,
    pub plan: Plan,
}

/// How many of the rows of state of a population are not those of second floats.
pub fn own_rows(kind: &Kind, rows: usize) -> usize {
    match kind {
        Kind::Stepped(neurons) if neurons.slow() > 0 => rows / 2,
        _ => rows,
    }
}

/// Network and plan of a scene without a training. All spikes are recorded, and what the scene says
/// under `record.traces`.
pub fn simulated(text: &str) -> Simulated {
    windowed(text, usize::MAX)
}

/// The same with windows of at most so many steps.
pub fn windowed(text: &str, window: usize) -> Simulated {
    let scene = scene(text);
    let network = build(&scene).unwrap_or_else(|e| panic!("{e}"));
    Simulated::new(scene, network, window)
}

/// An engine whose floats can be read without rounding.
pub trait Exact: Engine {
    fn exact(&mut self, array: Reals) -> Vec<f64>;
}

impl<F: Twinned> Exact for Cpu<'_, F> {
    fn exact(&mut self, array: Reals) -> Vec<f64> {
        self.wide(array)
    }
}

impl Exact for Gpu {
    fn exact(&mut self, array: Reals) -> Vec<f64> {
        self.read_reals(array).unwrap().into_iter().map(f64::from).collect()
    }
}

/// What a simulation did.
#[derive(Debug, Clone, Default)]
pub struct Done {
    /// Steps and neurons by population; the spike of step 0 is dated one dt.
    pub spikes: BTreeMap<String, Vec<(u64, u32)>>,
    /// Number of spikes by population, recorded or not.
    pub counts: BTreeMap<String, u64>,
    /// Samples × neurons by `population.variable`; of the last window, without rounding.
    values: BTreeMap<String, Vec<f64>>,
    /// The same of all windows, as a run writes them.
    pub recorded: BTreeMap<String, Vec<f32>>,
    /// Weights at the end of projections that learn.
    pub weights: BTreeMap<String, Vec<f32>>,
    /// State at the end; see [`Simulated::states`].
    pub states: BTreeMap<String, Vec<Vec<f64>>>,
}

impl Done {
    pub fn spikes(&self, population: &str) -> &[(u64, u32)] {
        self.spikes.get(population).unwrap_or_else(|| panic!("no population {population}"))
    }

    /// Steps at which a population of one neuron spikes.
    pub fn steps(&self, population: &str) -> Vec<u64> {
        self.spikes(population).iter().map(|(step, _)| *step).collect()
    }

    pub fn values(&self, variable: &str) -> &[f64] {
        self.values.get(variable).unwrap_or_else(|| panic!("no variable {variable}"))
    }
}

impl Simulated {
    /// Plans a network for the simulation of a scene.
    pub fn new(mut scene: Scene, network: Network, window: usize) -> Self {
        let spiking = network.populations.iter().filter(|p| p.spikes());
        scene.record.spikes = spiking.map(|p| p.name.clone()).collect();
        let options = simulation::options(&scene, &network, 128 << 20);
        let options = options.unwrap_or_else(|e| panic!("{e}"));
        let steps = window.min(simulation::steps(&scene) as usize);
        let plan = plan::plan(&network, &SimulationOptions { steps, workgroups: true, ..options });
        Self { scene, network, plan: plan.unwrap_or_else(|e| panic!("{e}")) }
    }

    pub fn ports(&self) -> &SimulationPorts {
        self.plan.simulation()
    }

    /// The engine whose numbers are those of the equations.
    pub fn oracle(&self) -> Cpu<'_, f64> {
        Cpu::new(&self.plan, Some(1), false)
    }

    pub fn cpu(&self, threads: usize) -> Cpu<'_, f32> {
        Cpu::new(&self.plan, Some(threads), false)
    }

    /// Runs the scene to its end.
    pub fn run<E: Exact + ?Sized>(&self, engine: &mut E) -> Done {
        self.run_to(engine, &[simulation::steps(&self.scene)])
    }

    /// Runs the scene on the oracle.
    pub fn solve(&self) -> Done {
        self.run(&mut self.oracle())
    }

    /// Runs the scene from one of these steps to the next.
    pub fn run_to<E: Exact + ?Sized>(&self, engine: &mut E, ends: &[u64]) -> Done {
        let lent = Box::new(&mut *engine);
        let simulation = Simulation::new(&self.network, &self.plan, &self.scene, lent);
        let mut simulation = simulation.unwrap_or_else(|e| panic!("{e}"));
        for end in ends {
            simulation.run(*end, &mut |_| true).unwrap_or_else(|e| panic!("{e}"));
        }
        let recording = std::mem::take(&mut simulation.recording);
        let weights = simulation.weights().unwrap_or_else(|e| panic!("{e}"));
        drop(simulation);
        let mut done = Done { weights: weights.into_iter().collect(), ..Done::default() };
        for (k, activity) in recording.populations.iter().enumerate() {
            let name = &self.network.populations[k].name;
            let step = |(t, id): &(f64, u32)| ((t / self.network.dt).round() as u64 - 1, *id);
            done.spikes.insert(name.clone(), activity.times.iter().map(step).collect());
            done.counts.insert(name.clone(), activity.statistics.spikes);
        }
        done.states = self.states(engine);
        for (trace, (array, at)) in recording.traces.iter().zip(&self.ports().samples) {
            let population = trace.population().map(|k| &self.network.populations[k].kind);
            let rest = |k: usize| match population {
                Some(Kind::Stepped(neurons)) if trace.variable.potential => {
                    neurons.rest(trace.ids[k % trace.ids.len()] as usize)
                }
                _ => 0.0,
            };
            let values = engine.exact(*array).into_iter().skip(*at).enumerate();
            let values = values.take(self.plan.steps / trace.every as usize * trace.ids.len());
            let name = format!("{}.{}", trace.owner(&self.network), trace.variable.name);
            done.recorded.insert(name.clone(), trace.values.clone());
            done.values.insert(name, values.map(|(k, x)| x + rest(k)).collect());
        }
        done
    }

    /// State by population, of neurons that exist: rows × neurons, each with its second float if it has one.
    pub fn states<E: Exact + ?Sized>(&self, engine: &mut E) -> BTreeMap<String, Vec<Vec<f64>>> {
        let mut states = BTreeMap::new();
        for (Population { name, size, kind, .. }, port) in
            self.network.populations.iter().zip(&self.ports().state)
        {
            let Some((array, rows)) = *port else { continue };
            let state = engine.exact(array);
            let of = |row: usize, id: usize| state[(id / 64 * rows + row) * 64 + id % 64];
            let own = own_rows(kind, rows);
            let rest = (own < rows).then_some(own);
            let whole = |row, id| of(row, id) + rest.map_or(0.0, |rest| of(row + rest, id));
            let row = |row: usize| (0..*size).map(|id| whole(row, id)).collect();
            states.insert(name.clone(), (0..own).map(row).collect());
        }
        states
    }

    /// The same on all engines: the oracle, the CPU's and, if there is an adapter, the shaders.
    pub fn on_every_engine(&self, test: &str, mut check: impl FnMut(&str, Done)) {
        check("oracle", self.solve());
        check("f32", self.run(&mut self.cpu(2)));
        if let Some(found) = adapter(test) {
            check("wgsl", self.run(&mut gpu(&found, &self.plan)));
        }
    }
}
