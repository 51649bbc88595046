//! Shaders: the table of kernels, and how the text of one is put together.
//!
//! A shader is plain WGSL without the declarations of what it is given: those are made from the kernel's
//! entry in the table and come first: `params`, `span`, `clock` and the arrays, options in capitals, and the places of
//! numbers that lie one after another in an array. A line
//! `//!use lib/name.wgsl` stands for the text of that file, pasted once, in the order of the lines; errors are mapped
//! back to file and line.

use crate::kernel::{Binding, Field, Kernel, Kind, Place};
use crate::{input, neuron, plasticity, record, synapse, train};
use std::collections::BTreeSet;

/// Every kernel of the program.
pub static KERNELS: &[&Kernel] = &[
    &input::bias::KERNEL,
    &input::constant::KERNEL,
    &input::current::KERNEL,
    &input::given_spikes::KERNEL,
    &input::latency::KERNEL,
    &input::noise::KERNEL,
    &input::noise_window::KERNEL,
    &input::poisson::KERNEL,
    &input::poisson_alike::KERNEL,
    &input::poisson_window::KERNEL,
    &input::population::KERNEL,
    &neuron::channels::KERNEL,
    &neuron::channels::WINDOW,
    &neuron::channels::ADJOINT,
    &neuron::iaf::KERNEL,
    &neuron::iaf::WINDOW,
    &neuron::iaf::ADJOINT,
    &neuron::iaf::TAPE,
    &neuron::iaf::TAPE_BACK,
    &neuron::izhikevich::KERNEL,
    &neuron::izhikevich::WINDOW,
    &neuron::izhikevich::ADJOINT,
    &neuron::mat2::KERNEL,
    &neuron::mat2::WINDOW,
    &neuron::mat2::ADJOINT,
    &plasticity::bcm::KERNEL,
    &plasticity::by_arrival::KERNEL,
    &plasticity::change_weights::KERNEL,
    &plasticity::convolved_post::KERNEL,
    &plasticity::convolved_pre::KERNEL,
    &plasticity::covariance::KERNEL,
    &plasticity::dense_post::KERNEL,
    &plasticity::dense_pre::KERNEL,
    &plasticity::eligibility::KERNEL,
    &plasticity::hebb::KERNEL,
    &plasticity::modulate::KERNEL,
    &plasticity::modulator::KERNEL,
    &plasticity::normalise::KERNEL,
    &plasticity::oja::KERNEL,
    &plasticity::reinforce::KERNEL,
    &plasticity::scaling::KERNEL,
    &plasticity::sparse_post::KERNEL,
    &plasticity::sparse_pre::KERNEL,
    &plasticity::trace::KERNEL,
    &plasticity::voltage::KERNEL,
    &record::count_spikes::KERNEL,
    &record::sample::KERNEL,
    &synapse::attention_scores::KERNEL,
    &synapse::attention_scores_backward::KERNEL,
    &synapse::attention_squeeze::KERNEL,
    &synapse::attention_values::KERNEL,
    &synapse::attention_values_backward::KERNEL,
    &synapse::attention_values_gradient::KERNEL,
    &synapse::carry_spikes::KERNEL,
    &synapse::convolve::KERNEL,
    &synapse::convolve_backward::KERNEL,
    &synapse::convolve_gradient::KERNEL,
    &synapse::delay_arrivals::KERNEL,
    &synapse::delay_arrivals_backward::KERNEL,
    &synapse::delay_arrivals_gradient::KERNEL,
    &synapse::delay_gradient::KERNEL,
    &synapse::delay_taps::KERNEL,
    &synapse::delay_values::KERNEL,
    &synapse::delay_values_backward::KERNEL,
    &synapse::deliver_convolved::KERNEL,
    &synapse::deliver_dense::KERNEL,
    &synapse::deliver_sparse::KERNEL,
    &synapse::dense_spikes::KERNEL,
    &synapse::dense_spikes_gradient::KERNEL,
    &synapse::dense_values::KERNEL,
    &synapse::dense_values_gradient::KERNEL,
    &synapse::list_spikes::KERNEL,
    &synapse::procedural::KERNEL,
    &synapse::release::KERNEL,
    &synapse::release_backward::KERNEL,
    &synapse::scatter::KERNEL,
    &synapse::short_term::KERNEL,
    &synapse::sparse::KERNEL,
    &synapse::sparse_backward::KERNEL,
    &synapse::sparse_gradient::KERNEL,
    &synapse::transpose::KERNEL,
    &synapse::transpose_spikes::KERNEL,
    &train::adam::KERNEL,
    &train::adjust::KERNEL,
    &train::bound::KERNEL,
    &train::clear_reals::KERNEL,
    &train::clear_words::KERNEL,
    &train::clip::KERNEL,
    &train::concentration::KERNEL,
    &train::concentration_back::KERNEL,
    &train::disturb::KERNEL,
    &train::drop_spikes::KERNEL,
    &train::drop_values::KERNEL,
    &train::first_spike_ramp::KERNEL,
    &train::first_spike_terms::KERNEL,
    &train::first_spikes::KERNEL,
    &train::gain::KERNEL,
    &train::gain_gradient::KERNEL,
    &train::keep_arrivals::KERNEL,
    &train::restart::KERNEL,
    &train::scale::KERNEL,
    &train::sgd::KERNEL,
    &train::shrink::KERNEL,
    &train::softmax_cross_entropy::KERNEL,
    &train::noise::KERNEL,
    &train::output::KERNEL,
    &train::output_back::KERNEL,
    &train::eprop_feedback::KERNEL,
    &train::eprop_learn::KERNEL,
    &train::eprop_lif::KERNEL,
    &train::eprop_output::KERNEL,
    &train::eprop_readout::KERNEL,
    &train::eprop_trace::KERNEL,
    &train::numbers_gradient::KERNEL,
    &train::rate_penalty::KERNEL,
    &train::rms_prop::KERNEL,
    &train::spike_counts::KERNEL,
    &train::spread_gradient::KERNEL,
    &train::sum_samples::KERNEL,
    &train::sum_squares::KERNEL,
    &train::target_error::KERNEL,
    &train::trace::KERNEL,
];

/// Files that shaders may use.
const LIBRARY: &[(&str, &str)] = &[
    ("lib/adjoint.wgsl", include_str!("../../shaders/lib/adjoint.wgsl")),
    ("lib/convolution.wgsl", include_str!("../../shaders/lib/convolution.wgsl")),
    ("lib/deliver.wgsl", include_str!("../../shaders/lib/deliver.wgsl")),
    ("lib/events.wgsl", include_str!("../../shaders/lib/events.wgsl")),
    ("lib/drop.wgsl", include_str!("../../shaders/lib/drop.wgsl")),
    ("lib/geometry.wgsl", include_str!("../../shaders/lib/geometry.wgsl")),
    ("lib/in_blocks.wgsl", include_str!("../../shaders/lib/in_blocks.wgsl")),
    ("lib/learn.wgsl", include_str!("../../shaders/lib/learn.wgsl")),
    ("lib/list.wgsl", include_str!("../../shaders/lib/list.wgsl")),
    ("lib/neuron.wgsl", include_str!("../../shaders/lib/neuron.wgsl")),
    ("lib/normal.wgsl", include_str!("../../shaders/lib/normal.wgsl")),
    ("lib/on_tape.wgsl", include_str!("../../shaders/lib/on_tape.wgsl")),
    ("lib/panel.wgsl", include_str!("../../shaders/lib/panel.wgsl")),
    ("lib/philox.wgsl", include_str!("../../shaders/lib/philox.wgsl")),
    ("lib/pixel.wgsl", include_str!("../../shaders/lib/pixel.wgsl")),
    ("lib/pull.wgsl", include_str!("../../shaders/lib/pull.wgsl")),
    ("lib/rates.wgsl", include_str!("../../shaders/lib/rates.wgsl")),
    ("lib/receptor.wgsl", include_str!("../../shaders/lib/receptor.wgsl")),
    ("lib/receptor_adjoint.wgsl", include_str!("../../shaders/lib/receptor_adjoint.wgsl")),
    ("lib/sampled.wgsl", include_str!("../../shaders/lib/sampled.wgsl")),
    ("lib/sent.wgsl", include_str!("../../shaders/lib/sent.wgsl")),
    ("lib/shares.wgsl", include_str!("../../shaders/lib/shares.wgsl")),
    ("lib/slow.wgsl", include_str!("../../shaders/lib/slow.wgsl")),
    ("lib/step.wgsl", include_str!("../../shaders/lib/step.wgsl")),
    ("lib/steps.wgsl", include_str!("../../shaders/lib/steps.wgsl")),
    ("lib/surrogate.wgsl", include_str!("../../shaders/lib/surrogate.wgsl")),
    ("lib/tape.wgsl", include_str!("../../shaders/lib/tape.wgsl")),
    ("lib/tape_back.wgsl", include_str!("../../shaders/lib/tape_back.wgsl")),
    ("lib/target_error.wgsl", include_str!("../../shaders/lib/target_error.wgsl")),
    ("lib/window.wgsl", include_str!("../../shaders/lib/window.wgsl")),
    ("neuron/channels.wgsl", include_str!("../../shaders/neuron/channels.wgsl")),
    ("neuron/channels_adjoint.wgsl", include_str!("../../shaders/neuron/channels_adjoint.wgsl")),
    ("neuron/iaf.wgsl", include_str!("../../shaders/neuron/iaf.wgsl")),
    ("neuron/iaf_adjoint.wgsl", include_str!("../../shaders/neuron/iaf_adjoint.wgsl")),
    ("neuron/izhikevich.wgsl", include_str!("../../shaders/neuron/izhikevich.wgsl")),
    (
        "neuron/izhikevich_adjoint.wgsl",
        include_str!("../../shaders/neuron/izhikevich_adjoint.wgsl"),
    ),
    ("neuron/mat2.wgsl", include_str!("../../shaders/neuron/mat2.wgsl")),
    ("neuron/mat2_adjoint.wgsl", include_str!("../../shaders/neuron/mat2_adjoint.wgsl")),
];

/// The text of a shader with its includes.
#[derive(Default)]
pub struct Source {
    /// What the compiler reads.
    pub text: String,
    /// File and line of each line of the text.
    origin: Vec<(String, usize)>,
}

impl Source {
    /// Declares what a kernel's shader is given, and pastes its includes.
    ///
    /// # Errors
    /// Names an include that does not exist.
    pub fn assemble(kernel: &Kernel) -> Result<Self, String> {
        let mut source = Self::default();
        let file = format!("{}.wgsl", kernel.name);
        source.push_declarations(&declarations(kernel));
        for (number, line) in kernel.wgsl.lines().enumerate() {
            match line.strip_prefix("//!use ") {
                None => source.push(line, &file, number + 1),
                Some(name) => {
                    let found = LIBRARY.iter().find(|(file, _)| *file == name.trim());
                    let (name, text) = found.ok_or_else(|| {
                        format!("{file}:{}: no file `{name}` in shaders", number + 1)
                    })?;
                    if !source.origin.iter().any(|(file, _)| file == name) {
                        for (number, line) in text.lines().enumerate() {
                            source.push(line, name, number + 1);
                        }
                    }
                }
            }
        }
        Ok(source)
    }

    /// Adds a line of a file.
    pub(super) fn push(&mut self, line: &str, file: &str, number: usize) {
        self.text.push_str(line);
        self.text.push('\n');
        self.origin.push((file.to_owned(), number));
    }

    /// Adds lines that are made from the table.
    pub(super) fn push_declarations(&mut self, text: &str) {
        for (number, line) in text.lines().enumerate() {
            self.push(line, DECLARATIONS, number + 1);
        }
    }

    /// The lines that are no declarations, with file and number.
    pub(super) fn body(&self) -> impl Iterator<Item = (&str, &str, usize)> {
        let lines = self.text.lines().zip(&self.origin);
        let lines = lines.map(|(line, (file, number))| (line, file.as_str(), *number));
        lines.filter(|(_, file, _)| *file != DECLARATIONS)
    }

    /// The files that the text is made of, as they are named in `shaders`.
    pub fn files(&self) -> BTreeSet<&str> {
        self.origin.iter().map(|(file, _)| &file[..]).collect()
    }

    /// `file:line` of line `number` of the assembled text, counted from 1.
    pub fn place(&self, number: usize) -> String {
        match self.origin.get(number.wrapping_sub(1)) {
            Some((file, line)) => format!("shaders/{file}:{line}"),
            None => format!("line {number}"),
        }
    }

    /// Parses the text.
    ///
    /// # Errors
    /// The fault with the place in its file.
    pub fn parse(&self) -> Result<naga::Module, String> {
        naga::front::wgsl::parse_str(&self.text).map_err(|e| {
            let place = e.location(&self.text).map(|l| self.place(l.line_number as usize));
            format!("{}: {}", place.unwrap_or_default(), e.message())
        })
    }
}

/// What stands for a file where the text is made from the table.
pub const DECLARATIONS: &str = "declarations";

/// Number of the binding of a kernel's parameters, a uniform.
pub const PARAMS: u32 = 0;

/// Number of the binding of [`crate::kernel::Span`], a uniform.
pub const SPAN: u32 = 1;

/// Number of the binding of [`crate::kernel::Clock`], a uniform.
pub const CLOCK: u32 = 2;

/// Number of the binding of a kernel's first array; the others follow.
pub const ARRAYS: u32 = 3;

/// Size of the table of the launches that are one dispatch \[bytes\].
pub const TABLE: usize = 1 << 14;

/// Numbers of four words that a launch of a merging kernel takes in the table, behind a first one of which the words
/// are how many launches there are, and how many workgroups: its first workgroup, its parameters, and where its
/// part of each array begins.
pub fn record(kernel: &Kernel) -> usize {
    let fields = kernel.params.iter().filter(|field| field.place != Place::Option);
    (1 + fields.count() + kernel.bindings.len()).div_ceil(4)
}

/// A uniform.
pub(super) fn uniform(binding: u32, name: &str, of: &str) -> String {
    format!("@group(0) @binding({binding}) var<uniform> {name}: {of};\n")
}

/// Names and types of the fields of a kernel's `Params`: its own, and where its part of each array begins.
fn names(kernel: &Kernel) -> Vec<(String, &'static str)> {
    let fields = kernel.params.iter().filter(|field| field.place != Place::Option);
    let of = |field: &Field| if field.place == Place::Real { "f32" } else { "u32" };
    let mut names: Vec<_> = fields.map(|field| (field.name.to_owned(), of(field))).collect();
    if kernel.merges {
        names.extend(kernel.bindings.iter().map(|array| (format!("{}_at", array.name), "u32")));
    }
    names
}

/// `Params`.
pub(super) fn structure(kernel: &Kernel) -> String {
    let names = names(kernel);
    let fields = names.iter().map(|(name, of)| format!("    {name}: {of},\n"));
    format!("struct Params {{\n{}}}\n", fields.collect::<String>())
}

/// Names of numbers that lie one after another in arrays.
pub(super) fn layouts(kernel: &Kernel) -> String {
    let mut text = String::new();
    for layout in kernel.layouts {
        let of = layout.of.to_uppercase();
        for (place, name) in layout.names.iter().enumerate() {
            text += &format!("const {of}_{} = {place}u;\n", name.to_uppercase());
        }
        text += &format!("const {of} = {}u;\n", layout.names.len());
    }
    text
}

/// How the parameters of a launch are read from its record.
pub(super) fn params_of(kernel: &Kernel) -> String {
    let names = names(kernel);
    let word = |k: usize| format!("launches[at + {}u].{}", k / 4, ["x", "y", "z", "w"][k % 4]);
    let value = |(k, (_, of)): (usize, &(String, &str))| match *of {
        "f32" => format!("bitcast<f32>({})", word(k + 1)),
        _ => word(k + 1),
    };
    let values: Vec<String> = names.iter().enumerate().map(value).collect();
    let record = (1 + names.len()).div_ceil(4);
    format!(
        "const RECORD = {record}u;\nfn params_of(at: u32) -> Params {{\n    return Params({});\n}}\n",
        values.join(", ")
    )
}

/// What a shader is given, in WGSL.
fn declarations(kernel: &Kernel) -> String {
    let mut text = include_str!("../../shaders/lib/call.wgsl").to_owned();
    text += "override WG: u32;\n";
    for option in kernel.params.iter().filter(|field| field.place == Place::Option) {
        text += &format!("override {}: u32;\n", option.name.to_uppercase());
    }
    let has_params = !names(kernel).is_empty();
    if has_params {
        text += &structure(kernel);
    }
    if kernel.merges {
        text += &params_of(kernel);
        text += include_str!("../../shaders/lib/merged.wgsl");
        text += &uniform(PARAMS, "launches", &format!("array<vec4<u32>, {}>", TABLE / 16));
    } else {
        text += include_str!("../../shaders/lib/alone.wgsl");
        if has_params {
            text += &uniform(PARAMS, "params", "Params");
        }
    }
    text += &layouts(kernel);
    text += &uniform(SPAN, "span", "Span");
    text += &uniform(CLOCK, "clock", "Clock");
    for (binding, (_, array)) in (ARRAYS..).zip(kernel.bound()) {
        let Binding { name, kind, written, atomic, .. } = array;
        let access = if *written { "read_write" } else { "read" };
        let of = match (kind, atomic) {
            (Kind::Real, _) => "f32",
            (Kind::Word, false) => "u32",
            (Kind::Word, true) => "atomic<u32>",
        };
        text +=
            &format!("@group(0) @binding({binding}) var<storage, {access}> {name}: array<{of}>;\n");
    }
    text
}
