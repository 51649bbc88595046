//! What a run needs before it has a folder: network, plan, data, traces, threads, adapter. All that can fail early does
//! so here.

use super::progress::Progress;
use super::{EngineChoice, Means, Threads, Usage, samples};
use crate::data::traces::Traces;
use crate::engine::gpu::{self, Found, Wanted};
use crate::network::numbers::CURRENT;
use crate::network::{self, Network};
use crate::plan::{self, Plan, SimulationOptions};
use crate::scene::{self, Data, Images, Metric, Part, Population, SampleChoice, Scene, Schedule};
use crate::simulation;
use crate::{data, machine, train};
use anyhow::Result;
use std::collections::HashSet;

/// Largest array that every adapter can bind \[bytes\].
pub const MAX_BINDING: u64 = 128 << 20;

/// What is written of a synapse beside its weight.
pub const ENDS: [&str; 2] = ["source", "target"];

/// From a scene to a plan for an adapter, with tiles for workgroups or for threads; and the traces that a training is to
/// follow.
pub fn prepare(
    scene: &Scene,
    quiet: bool,
    adapter: Option<&Found>,
    workgroups: bool,
) -> Result<(Network, Plan, Option<Traces>)> {
    let mut bar = Progress::new(scene.projections.len() as u64, "projections", quiet);
    let network = network::build_watched(scene, &mut |drawn, of| {
        bar.at("building", drawn as u64, of as u64, "");
    });
    bar.finish();
    let network = network?;
    let traces = read_traces(scene, &network)?;
    let plan = planned(scene, &network, traces.as_ref(), adapter, workgroups)?;
    samples::check(scene, &network)?;
    tell_apart("state that is saved", plan.arrays.iter().map(|(_, array)| array.name.clone()))?;
    tell_apart("weights.safetensors", tensor_names(&network))?;
    tell_apart("traces.npz", simulation::trace_names(scene, &network)?)?;
    Ok((network, plan, traces))
}

/// The plan of a network.
pub fn planned(
    scene: &Scene,
    network: &Network,
    traces: Option<&Traces>,
    adapter: Option<&Found>,
    workgroups: bool,
) -> Result<Plan> {
    let max_table = adapter.map_or(MAX_BINDING, Found::largest_table);
    Ok(match &scene.training {
        Some(training) if !training.loss.is_gradient() => {
            let options = SimulationOptions {
                steps: training.steps as usize,
                samples: Vec::new(),
                presented: true,
                workgroups,
                room: 1.0,
                max_binding: MAX_BINDING,
                max_table,
            };
            plan::plan(network, &options)?
        }
        Some(training) => {
            let (batch, steps) = (training.batch as usize, training.steps as usize);
            let options = plan::TrainingOptions {
                batch,
                steps,
                training,
                traces,
                soft: 0,
                max_binding: MAX_BINDING,
            };
            plan::plan(network, &options)?
        }
        None => {
            let options = simulation::options(scene, network, MAX_BINDING)?;
            plan::plan(network, &SimulationOptions { max_table, workgroups, ..options })?
        }
    })
}

/// Names under which weights and constant currents of a network may be written.
fn tensor_names(network: &Network) -> impl Iterator<Item = String> {
    let projections = network.projections.iter().flat_map(|p| {
        let ends = match p.synapses {
            network::Synapses::Sparse { .. } => &ENDS[..],
            _ => &[],
        };
        std::iter::once(p.name.clone()).chain(ends.iter().map(|end| format!("{}.{end}", p.name)))
    });
    let numbers = network.populations.iter().flat_map(|p| {
        let each = p.numbers.iter().flat_map(|numbers| &numbers.each).map(|number| &number.name);
        let frozen = p.frozen.iter().flatten().map(|(name, _)| name);
        let numbers = each.chain(frozen).filter(|name| *name != CURRENT);
        numbers.map(move |name| format!("{}.{name}", p.name))
    });
    let currents = network.populations.iter().map(|p| format!("{}.i_e", p.name));
    let delays = network.projections.iter().filter(|p| p.delays.is_some());
    let delays = delays.map(|p| format!("{}.delay", p.name));
    let attention = network.projections.iter().filter(|p| p.attention.is_some());
    let attention = attention.flat_map(|p| [0, 1].map(|k| format!("{}.attention.{k}", p.name)));
    projections.chain(currents).chain(numbers).chain(delays).chain(attention)
}

/// Refuses to write two arrays under one name, where one would be taken for the other.
fn tell_apart(place: &str, names: impl IntoIterator<Item = String>) -> Result<(), Usage> {
    let mut known = HashSet::new();
    match names.into_iter().find(|name| !known.insert(name.clone())) {
        None => Ok(()),
        Some(name) => Err(Usage(format!(
            "two arrays of {place} would have the name `{name}`: give a population or projection \
             with which it begins another `name`, or record it once"
        ))),
    }
}

/// Makes the threads that build and simulate: as many as were asked for, if the machine has processors for
/// them. More would only wait for each other.
pub fn make_threads(wanted: Option<u16>) -> Result<()> {
    let most = machine::threads();
    let wanted = wanted.map_or(most, usize::from);
    if wanted > most {
        log::warn!("--threads {wanted}: this machine runs {most} at a time, so {most} are made");
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(wanted.min(most));
    Ok(pool.build_global().map_err(|e| Threads(e.to_string()))?)
}

/// The adapter to run on; none for the processor.
pub fn adapter(means: &Means) -> Result<Option<Found>> {
    let name = means.adapter.as_deref();
    let on = |wanted| -> Result<Option<Found>> { Ok(Some(gpu::choose(wanted, name)?)) };
    match means.engine {
        EngineChoice::Gpu => on(Wanted::Hardware),
        EngineChoice::Software => on(Wanted::Software),
        EngineChoice::Cpu if name.is_some() => {
            Err(Usage("--adapter names a GPU; it does not go with --engine cpu".into()).into())
        }
        EngineChoice::Cpu => Ok(None),
        // Whoever names an adapter wants that one, be it software.
        EngineChoice::Auto if name.is_some() => on(Wanted::Any),
        EngineChoice::Auto if gpu::adapters().iter().any(|a| !a.is_software()) => {
            on(Wanted::Hardware)
        }
        EngineChoice::Auto => Ok(None),
    }
}

/// The traces that a training is to follow, if it is.
fn read_traces(scene: &Scene, network: &Network) -> Result<Option<Traces>> {
    let Some(training) = &scene.training else { return Ok(None) };
    let train::loss::Of::Potential(loss) = training.loss.of() else { return Ok(None) };
    let train::trace::Trace { population, file, array, .. } = loss;
    let size = network.populations.iter().find(|p| p.name == *population).map_or(0, |p| p.size);
    let array = array.clone().unwrap_or_else(|| format!("{population}.v"));
    let shape = [training.steps as usize, size];
    Ok(Some(Traces::read(file, &array, shape, network.dt)?))
}

/// Refuses images whose rows and columns are not those of a population that shows them, or a part of them, if it has
/// some. Several frames are as many parts of the rows, and without a shape each is one row.
pub fn lies_as_shown(scene: &Scene, split: &data::Split) -> Result<(), Usage> {
    for (name, population) in &scene.populations {
        match &population.model {
            scene::Model::Images(images @ Images { part: Some(part), .. }) => {
                has_part(name, population, (part, images.fields() as usize), split)?;
            }
            scene::Model::Images(images) => {
                lies_whole(name, population, images, split)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Refuses images that lack the part which a population shows, or have another number of pixels there, each with so many
/// sources.
fn has_part(
    name: &str,
    population: &Population,
    (part, fields): (&Part, usize),
    split: &data::Split,
) -> Result<(), Usage> {
    let path = format!("populations.{name}");
    let (height, width, size) = (split.rows, split.cols, population.size as usize);
    let Some([rows, columns]) = part.of([height, width]) else {
        return Err(Usage(format!(
            "{path}.model.part: the samples have {height} rows and {width} columns, counted from 0, and no such part; \
             let `from` be below `to`, and `to` at most as many as there are"
        )));
    };
    let (rows, columns) = (rows.len(), columns.len() * fields);
    if rows * columns != size {
        return Err(Usage(format!(
            "{path}.size: the part has {rows} rows and {columns} columns, but there are {size} sources; set it to {}",
            rows * columns
        )));
    }
    match population.layer() {
        Some([high, wide, channels]) if [high, wide * channels] != [rows, columns] => {
            Err(Usage(format!(
                "{path}.shape: the part has {rows} rows and {columns} columns; give it the shape [{rows}, {columns}, 1]"
            )))
        }
        _ => Ok(()),
    }
}

fn lies_whole(
    name: &str,
    population: &Population,
    images: &Images,
    split: &data::Split,
) -> Result<(), Usage> {
    let (frames, fields) = (images.frames as usize, images.fields() as usize);
    let row = (frames > 1).then_some([1, population.size as usize, 1]);
    let Some([rows, columns, channels]) = population.layer().or(row) else { return Ok(()) };
    let (height, width) = (split.rows, split.cols);
    // Features lie in one row, and in any shape.
    if height == 1 || [frames * rows, columns * channels] == [height, width * fields] {
        return Ok(());
    }
    Err(Usage(match frames {
        1 => format!(
            "the images have {height} rows and {width} columns, but `{name}` has the shape \
             [{rows}, {columns}, {channels}]; give it the shape [{height}, {width}, {fields}]"
        ),
        _ => format!(
            "the samples have {height} rows and {width} columns, but `{name}` shows {frames} frames of \
             {rows} x {columns} x {channels}; a row is a frame with frames: {height} and size: {}",
            width * fields
        ),
    }))
}

pub fn load_data(
    scene: &Scene,
    training: &scene::Training,
    data: &Data,
    network: &Network,
) -> Result<data::Dataset> {
    let SampleChoice { classes, per_class, drawn, augment } = data.choice();
    let unfit = |e: data::ChoiceError| Usage(e.to_string());
    let mut dataset = data::load(data, network.seed)?;
    dataset.choose(classes, per_class, drawn.then_some(network.seed)).map_err(unfit)?;
    let pixels = dataset.train.pixels();
    if let Some((population, images)) = network.images()
        && network.pixels() != pixels
    {
        let (cols, rows) = (dataset.train.cols, dataset.train.rows);
        let (sources, fields) = (population.size, images.fields() as usize);
        let each = match fields {
            1 => String::new(),
            _ => format!(", {fields} for each pixel"),
        };
        let (all, help) = match images.frames as usize {
            1 => (each, format!("set its size to {}", pixels * fields)),
            frames => (
                format!("{each} in each of {frames} frames, {} in all", frames * sources),
                format!(
                    "let `frames` times its size be {}, as {rows} x {}",
                    pixels * fields,
                    cols * fields
                ),
            ),
        };
        return Err(Usage(format!(
            "the images have {pixels} pixels ({cols} x {rows}), the population of images has {sources} \
             sources{all}; {help}"
        ))
        .into());
    }
    lies_as_shown(scene, &dataset.train)?;
    samples::within(&scene.record, &dataset.test)?;
    answered(training, &dataset)?;
    if training.loss.is_gradient() {
        let outputs = match training.loss.counted() {
            Some(name) => network.populations.iter().find(|p| p.name == name).map_or(0, |p| p.size),
            None => network.populations.iter().filter(|p| p.answers()).map(|p| p.size).sum(),
        };
        dataset.train.check_answers(&training.loss, outputs)?;
        dataset.test.check_answers(&training.loss, outputs)?;
    }
    if let Some(limit) = training.limit {
        dataset.train.truncate(limit as usize);
    }
    if let Some(validation) = training.validation {
        dataset.set_aside(validation, network.seed).map_err(unfit)?;
    }
    for augment in augment {
        augment.check(&dataset.train).map_err(unfit)?;
    }
    let data::Dataset { train, validation, test } = &mut dataset;
    for split in [train, test].into_iter().chain(validation) {
        split.settle(&training.loss);
    }
    Ok(dataset)
}

/// Refuses samples that do not have what the loss compares answers with, and numbers of epochs that they do not give.
fn answered(training: &scene::Training, dataset: &data::Dataset) -> Result<(), Usage> {
    use train::loss::Wanted;
    let (labels, targets) = (&dataset.train.labels, &dataset.train.targets);
    let missing = match training.loss.wanted() {
        Wanted::Marks if targets.is_empty() => Some("`targets`, 0 or 1 for each output"),
        Wanted::Class if labels.is_empty() => Some("`labels`, a class each"),
        _ => None,
    };
    if let Some(missing) = missing {
        return Err(Usage(format!(
            "training.loss: it is of {missing}, which the samples do not have; save them, or take another loss"
        )));
    }
    let of_plateau = match training.schedule {
        Schedule::Plateau { metric, .. } => Some(metric),
        _ => None,
    };
    let numbers = training.loss.wanted() == Wanted::Targets;
    for (path, metric) in
        [("stop", training.stop.map(|stop| stop.metric)), ("schedule", of_plateau)]
    {
        if numbers && !targets.is_empty() && metric.is_some_and(Metric::is_accuracy) {
            let why = format!(
                "training.{path}.metric: answers are compared with `targets` and neither right nor wrong; go by \
                 \"loss\", \"validation_loss\" or \"test_loss\""
            );
            return Err(Usage(why));
        }
    }
    Ok(())
}
