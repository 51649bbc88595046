//! `check`, `devices` and `models`: what can be told without running anything.

use super::prepare::{MAX_BINDING, make_threads, planned, prepare};
use super::terminal::print;
use super::{complain, experiment};
use crate::engine::dispatch::Dispatches;
use crate::engine::gpu;
use crate::machine;
use crate::network::Network;
use crate::plan::{self, Plan, Stage};
use crate::scene::{self, Override};
use crate::words::{bytes, grouped};
use anyhow::Result;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A plan as `check --json` prints it.
#[derive(Serialize)]
struct Checked {
    scene: String,
    dt_ms: f64,
    steps: usize,
    batch: usize,
    neurons: u64,
    synapses: u64,
    /// Of a plan for a GPU.
    bytes_device: u64,
    /// Of one for the CPU engine, whose tiles and synapses are others.
    bytes_cpu: u64,
    populations: Vec<(String, usize)>,
    projections: Vec<(String, usize)>,
    arrays: Vec<(String, u64)>,
    /// Of each population of a training what is kept of a window for the way back, and its bytes.
    tapes: Vec<(String, String, u64)>,
    programs: Vec<Listed>,
}

/// A program as a list of launches.
#[derive(Serialize)]
struct Listed {
    name: &'static str,
    /// Launches of a run: those of a step as often as there are steps.
    launches: usize,
    stages: Vec<(String, Vec<String>)>,
}

/// Validates scenes and prints their plans.
pub fn check(scenes: &[PathBuf], overrides: &[Override], json: bool) -> Result<()> {
    make_threads(None)?;
    let mut all = Vec::new();
    let mut failed = None;
    for (path, loaded) in scenes.iter().flat_map(|path| all_stages(path, overrides)) {
        let prepared = loaded.and_then(|(scene, source, warnings)| {
            let (network, plan, traces) = prepare(&scene, true, None, true)?;
            let on_cpu = planned(&scene, &network, traces.as_ref(), None, false)?.bytes();
            Ok((source, warnings, (network, plan, on_cpu)))
        });
        match prepared {
            Ok((source, warnings, (network, plan, on_cpu))) => {
                for w in warnings.iter().chain(&network.warnings).chain(&plan.warnings) {
                    log::warn!("{}: {}: {}", source.name, w.path, w.message);
                }
                all.push(Checked {
                    scene: path,
                    dt_ms: network.dt,
                    steps: plan.steps,
                    batch: plan.batch,
                    neurons: network.neurons(),
                    synapses: network.synapses(),
                    bytes_device: plan.bytes(),
                    bytes_cpu: on_cpu,
                    populations: network
                        .populations
                        .iter()
                        .map(|p| (p.name.clone(), p.size))
                        .collect(),
                    projections: network
                        .projections
                        .iter()
                        .map(|p| (p.name.clone(), p.synapses.weights().len()))
                        .collect(),
                    arrays: plan.arrays.iter().map(|(_, a)| (a.name.clone(), a.bytes())).collect(),
                    tapes: tapes(&network, &plan),
                    programs: listed(&plan),
                });
            }
            // All scenes are checked; the last error ends the command, those before it are told here.
            Err(e) => {
                if let Some(earlier) = failed.replace(e) {
                    complain(&earlier);
                }
            }
        }
    }
    match json {
        true => print(serde_json::to_string_pretty(&all)? + "\n")?,
        false => all.iter().try_for_each(|checked| print(text(checked)))?,
    }
    failed.map_or(Ok(()), Err)
}

/// A scene, or each of its stages, with what to call it.
fn all_stages(path: &Path, overrides: &[Override]) -> Vec<(String, Result<Loaded>)> {
    let name = path.display().to_string();
    let scene = match scene::load(path, overrides) {
        Err(e) => return vec![(name, Err((*e).into()))],
        Ok(loaded) if loaded.0.stages.is_empty() => return vec![(name, Ok(loaded))],
        Ok((scene, ..)) => scene,
    };
    match experiment::stages(path, overrides, &scene, None) {
        Err(e) => vec![(name, Err((*e).into()))],
        Ok(stages) => {
            let stage = |experiment::Stage { name: stage, scene, source, warnings, .. }| {
                (format!("{name}, stage {stage}"), Ok((scene, source, warnings)))
            };
            stages.into_iter().map(stage).collect()
        }
    }
}

/// A scene, its text, and what may not be as it was meant.
type Loaded = (scene::Scene, scene::Source, Vec<scene::Warning>);

/// What a training keeps of the window of each population; see `ARCHITECTURE.md`, memory.
fn tapes(network: &Network, plan: &Plan) -> Vec<(String, String, u64)> {
    let plan::Ports::Training(ports) = &plan.ports else { return Vec::new() };
    let kept = ports.populations.iter().zip(&network.populations);
    let kept = kept.filter_map(|(ports, population)| {
        let name = &population.name;
        let what = match (ports.states, ports.tape, population.answers()) {
            (Some(states), ..) => {
                format!("a state every {} steps, arrivals, spikes", states.every)
            }
            (None, Some(_), true) => "potentials".to_owned(),
            (None, Some(_), _) => "distances to the threshold, spikes".to_owned(),
            (None, None, _) => return None,
        };
        let of = |array: &&plan::Array| {
            let own = array.name.strip_prefix(&format!("{name}."));
            own.is_some_and(|own| ["tape", "inbox", "state", "spikes"].contains(&own))
        };
        let arrays = plan.arrays.iter().map(|(_, array)| array);
        let bytes = arrays.filter(of).map(plan::Array::bytes).sum();
        Some((name.clone(), what, bytes))
    });
    kept.collect()
}

/// Programs as the launches that a GPU does, some of which stand for several.
fn listed(plan: &Plan) -> Vec<Listed> {
    let placed = Dispatches::linking(plan, MAX_BINDING);
    let mut programs = Vec::with_capacity(plan.programs.len());
    for (k, (program, merged)) in plan.programs.iter().zip(&placed.programs).enumerate() {
        let mut listed = Listed { name: program.name, launches: 0, stages: Vec::new() };
        for (stage, (merged, linked)) in
            program.stages.iter().zip(merged.iter().zip(&placed.linked[k]))
        {
            let when = match stage {
                _ if *linked => "step by step, all steps in one launch of one workgroup".to_owned(),
                Stage::Whole(_) => "all steps at once".to_owned(),
                Stage::Steps { backward: true, .. } => "step by step, backwards".to_owned(),
                Stage::Steps { .. } if plan.interval > 1 => {
                    format!("{} steps at a time", plan.interval)
                }
                Stage::Steps { .. } => "step by step".to_owned(),
            };
            let mut names = Vec::with_capacity(merged.len());
            for ids in merged {
                let first = &stage.launches()[ids[0]];
                let labels = ids.iter().map(|k| stage.launches()[*k].label.as_str());
                let labels = labels.collect::<Vec<_>>().join(", ");
                // Of a window from the start of a run.
                listed.launches += match stage {
                    _ if *linked => usize::from(ids == &merged[0]),
                    Stage::Whole(_) => 1,
                    Stage::Steps { .. } => plan.steps / plan.interval.max(first.every as usize),
                };
                let when_due = match first.every {
                    1 => String::new(),
                    every => format!(", every {every} steps"),
                };
                names.push(format!("{} ({labels}){when_due}", first.kernel.name));
            }
            if !names.is_empty() {
                listed.stages.push((when, names));
            }
        }
        programs.push(listed);
    }
    programs
}

fn text(c: &Checked) -> String {
    let mut out = format!(
        "{}: {} neurons, {} synapses, {} on a GPU and {} on the CPU engine; window of {} steps of {} ms, {} at a time\n",
        c.scene,
        grouped(c.neurons),
        grouped(c.synapses),
        bytes(c.bytes_device),
        bytes(c.bytes_cpu),
        c.steps,
        c.dt_ms,
        c.batch,
    );
    for (name, size) in &c.populations {
        let tape = c.tapes.iter().find(|(of, ..)| of == name);
        let tape = tape
            .map_or(String::new(), |(_, what, size)| format!("; keeps {what}: {}", bytes(*size)));
        out += &format!("  population {name}: {}{tape}\n", grouped(*size as u64));
    }
    for (name, synapses) in &c.projections {
        out += &format!("  projection {name}: {} synapses\n", grouped(*synapses as u64));
    }
    let mut arrays = c.arrays.clone();
    arrays.sort_by_key(|a| std::cmp::Reverse(a.1));
    for (name, size) in arrays.iter().take(8) {
        out += &format!("  array {name}: {}\n", bytes(*size));
    }
    for program in &c.programs {
        out += &format!("  program {}: {} launches\n", program.name, program.launches);
        for (when, launches) in &program.stages {
            out += &format!("    {when}\n");
            for launch in launches {
                out += &format!("      {launch}\n");
            }
        }
    }
    out
}

/// Lists adapters.
pub fn devices() -> Result<()> {
    let found = gpu::adapters();
    let mut out = String::new();
    for a in &found {
        let l = &a.limits;
        out += &format!(
            "{} ({:?}, {:?})\n  driver {} {}\n  one binding {}, one buffer {}, {} storage buffers per kernel\n  engine {}: runs every scene that `check` accepts (arrays up to {}){}\n",
            a.info.name,
            a.info.device_type,
            a.info.backend,
            a.info.driver,
            a.info.driver_info,
            bytes(l.max_storage_buffer_binding_size),
            bytes(l.max_buffer_size),
            l.max_storage_buffers_per_shader_stage,
            if a.is_software() { "software" } else { "gpu" },
            bytes(MAX_BINDING),
            if l.max_storage_buffers_per_shader_stage < 8 {
                ", but has too few storage buffers"
            } else {
                ""
            },
        );
    }
    if found.is_empty() {
        out += "no adapter of Vulkan, Metal or DX12 (Debian: libvulkan1 and mesa-vulkan-drivers)\n";
    }
    let cores = machine::threads();
    out += &format!("cpu: {cores} threads, always there (--engine cpu)\n");
    Ok(print(out)?)
}
