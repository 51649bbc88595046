//! One shader of all launches of a step: a workgroup does one after the other, step by step, for a whole window.
//!
//! A step of a small network whose synapses learn is ten dispatches of little work. Here they are one for a window. The
//! shaders of the kernels become functions of one shader, which a loop over the steps calls, with a barrier where a
//! dispatch would end. Each is taken as it is, but for its names: those of its module get a prefix of their own, and its
//! arrays are those of a pool of their type, in which a shader of a kernel that merges finds its own part anyway. A
//! workgroup has 256 invocations, whatever a kernel has by itself; how many of them a launch has follows.

use super::shader::{self, PARAMS, SPAN, Source, TABLE};
use crate::kernel::{Binding, Kernel, Kind, halves};
use crate::plan::Launch;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Invocations of the workgroup.
pub const WORKGROUP: u32 = 256;

/// Invocations of a step at most, of what is done more rarely its share: 4,096 neurons and what is done to them.
const MOST: u64 = 1 << 14;

/// Functions of the shader at least: launches of one function are one dispatch in any case, and two are as well.
const LEAST: usize = 3;

/// Where arrays of a kind lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pool {
    /// Floats.
    Reals,
    /// Words.
    Words,
    /// Words to which many add at the same time.
    Sums,
}

impl Pool {
    /// That of a binding.
    pub fn of(binding: &Binding) -> Self {
        match (binding.kind, binding.atomic) {
            (Kind::Real, _) => Self::Reals,
            (Kind::Word, false) => Self::Words,
            (Kind::Word, true) => Self::Sums,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Reals => "pool_reals",
            Self::Words => "pool_words",
            Self::Sums => "pool_sums",
        }
    }

    fn element(self) -> &'static str {
        match self {
            Self::Reals => "f32",
            Self::Words => "u32",
            Self::Sums => "atomic<u32>",
        }
    }
}

/// Pool of each argument of a launch: that of the binding in whose buffer it lies.
pub fn pools(kernel: &Kernel) -> impl Iterator<Item = Pool> {
    (0..kernel.bindings.len()).map(|k| Pool::of(&kernel.bindings[kernel.host(k)]))
}

/// Whether the launches of a step may be one shader, by what they are and how much they do.
pub fn suits(launches: &[Launch]) -> bool {
    let work = |launch: &Launch| (groups(launch) * u64::from(WORKGROUP)).div_ceil(launch.every);
    let records = launches.iter().map(|launch| 16 * shader::record(launch.kernel));
    // Lists of spikes in the memory of a workgroup are large.
    let pulling = |launch: &&Launch| launch.kernel.params.iter().any(|field| field.name == "pulls");
    let pulling = launches.iter().filter(pulling).map(|launch| instance(launch));
    launches.iter().map(instance).collect::<BTreeSet<_>>().len() >= LEAST
        && launches.iter().all(|launch| launch.kernel.merges && !launch.per_step)
        && launches.iter().map(work).sum::<u64>() <= MOST
        && 16 + records.sum::<usize>() <= TABLE
        && pulling.collect::<BTreeSet<_>>().len() <= 1
}

/// A kernel with values of its options, by which launches share a function.
type Instance = (&'static str, Vec<(String, u64)>);

fn instance(launch: &Launch) -> Instance {
    let options = launch.device_form().1.into_iter().map(|(name, x)| (name, x as u64));
    (launch.kernel.name, options.collect())
}

/// Workgroups of a launch: one, if its kernel does with any number of them, as those do that take spike after spike and go
/// on by `workgroups`, which is how they are known here.
fn groups(launch: &Launch) -> u64 {
    match launch.kernel.wgsl.contains("+= workgroups") {
        true => 1,
        false => launch.invocations.div_ceil(u64::from(WORKGROUP)),
    }
}

/// The shader of launches in the order of these dispatches, of which `at` says where in the table the record of each
/// launch begins, in numbers of four words.
///
/// # Errors
/// A kernel's text cannot be put together.
pub fn link(
    launches: &[Launch],
    dispatches: &[Vec<usize>],
    at: &[usize],
) -> Result<Source, String> {
    let mut source = Source::default();
    let mut pools_used = BTreeSet::new();
    let mut instances: BTreeMap<Instance, String> = BTreeMap::new();
    for launch in launches {
        pools_used.extend(pools(launch.kernel));
        let count = instances.len();
        instances.entry(instance(launch)).or_insert_with(|| format!("k{count}_"));
    }
    let mut head = include_str!("../../shaders/lib/call.wgsl").to_owned();
    head += include_str!("../../shaders/lib/steps.wgsl");
    head += include_str!("../../shaders/lib/linked.wgsl");
    head += &shader::uniform(PARAMS, "launches", &format!("array<vec4<u32>, {}>", TABLE / 16));
    head += &shader::uniform(SPAN, "window", "Span");
    head += &shader::uniform(shader::CLOCK, "clock", "Clock");
    for (binding, pool) in (shader::ARRAYS..).zip(&pools_used) {
        let (name, of) = (pool.name(), pool.element());
        let _ = writeln!(
            head,
            "@group(0) @binding({binding}) var<storage, read_write> {name}: array<{of}>;"
        );
    }
    source.push_declarations(&head);
    for (key, prefix) in &instances {
        let launch = launches.iter().find(|launch| instance(launch) == *key);
        let launch = launch.ok_or("an instance without a launch")?;
        function(&mut source, launch, prefix)?;
    }
    source.push_declarations(&body(launches, dispatches, at, &instances));
    Ok(source)
}

/// The loop over the steps.
fn body(
    launches: &[Launch],
    dispatches: &[Vec<usize>],
    at: &[usize],
    instances: &BTreeMap<Instance, String>,
) -> String {
    let mut text = format!(
        "@compute @workgroup_size({WORKGROUP})\n\
         fn main(@builtin(local_invocation_index) local: u32) {{\n    \
         for (var t = window.t0; t < window.t1; t++) {{\n        begin_step(t, local);\n"
    );
    for members in dispatches {
        let [low, high] = halves(launches[members[0]].every);
        let _ = writeln!(text, "        if is_due(t, vec2<u32>({low}u, {high}u)) {{");
        for k in members {
            let (prefix, groups) = (&instances[&instance(&launches[*k])], groups(&launches[*k]));
            let _ = writeln!(
                text,
                "            {prefix}params = {prefix}params_of({}u);\n            \
                 {prefix}workgroups = {groups}u;\n            \
                 for (var g = 0u; g < {groups}u; g++) {{\n                \
                 {prefix}main(vec3<u32>(g, 0u, 0u), vec3<u32>({groups}u, 1u, 1u), local);\n                \
                 workgroupBarrier();\n            }}",
                at[*k]
            );
        }
        text += "            storageBarrier();\n        }\n";
    }
    text + "    }\n}\n"
}

/// Adds what a kernel is as a function with names of its own.
fn function(source: &mut Source, launch: &Launch, prefix: &str) -> Result<(), String> {
    let kernel = launch.kernel;
    let mut text = format!("const WG = {WORKGROUP}u;\n");
    for (name, x) in launch.device_form().1 {
        let _ = writeln!(text, "const {name} = {}u;", x as u64);
    }
    text += &shader::params_of(kernel);
    text += include_str!("../../shaders/lib/linked_launch.wgsl");
    text += &shader::layouts(kernel);
    let lines = Source::assemble(kernel)?;
    let own: Vec<(&str, &str, usize)> = lines.body().collect();
    let mut names = BTreeMap::new();
    for line in text.lines().chain(own.iter().map(|(line, ..)| *line)) {
        if let Some(name) = declared(line) {
            names.insert(name.to_owned(), format!("{prefix}{name}"));
        }
    }
    for (_, binding) in kernel.bound() {
        names.insert(binding.name.to_owned(), Pool::of(binding).name().to_owned());
    }
    // Fields of parameters are known by that.
    names.insert("Params".to_owned(), format!("{prefix}Params"));
    let structure = shader::structure(kernel).replacen("Params", &format!("{prefix}Params"), 1);
    source.push_declarations(&structure);
    let text: String = text.lines().map(|line| renamed(line, &names) + "\n").collect();
    source.push_declarations(&text);
    for (line, file, number) in own {
        let line = line.replace("@compute @workgroup_size(WG)", "");
        let mut plain = String::new();
        let mut rest = line.as_str();
        while let Some(begin) = rest.find("@builtin(") {
            plain += &rest[..begin];
            let end = rest[begin..].find(')').map_or(rest.len(), |end| begin + end + 1);
            rest = rest[end..].trim_start();
        }
        plain += rest;
        source.push(&renamed(&plain, &names), file, number);
    }
    Ok(())
}

/// The name that a line of a module declares.
fn declared(line: &str) -> Option<&str> {
    let first = line.split_whitespace().next()?;
    let is_global = ["fn", "const", "struct"].contains(&first) || first.starts_with("var<");
    if line.starts_with(char::is_whitespace) || !is_global {
        return None;
    }
    // What stands in angle brackets may have a space.
    let rest = match line.strip_prefix("var<") {
        Some(rest) => rest.split_once('>')?.1,
        None => line.split_once(' ')?.1,
    };
    rest.trim_start().split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

/// A line with other names; those of fields and components stay.
fn renamed(line: &str, names: &BTreeMap<String, String>) -> String {
    let code = line.split("//").next().unwrap_or_default();
    let mut out = String::with_capacity(line.len());
    let mut rest = code;
    while let Some(begin) = rest.find(|c: char| c.is_alphanumeric() || c == '_') {
        out += &rest[..begin];
        rest = &rest[begin..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let word = &rest[..end];
        let is_field = out.ends_with('.');
        out += names.get(word).filter(|_| !is_field).map_or(word, String::as_str);
        rest = &rest[end..];
    }
    out + rest
}
