//! Shaders: the table of kernels, includes, and what naga knows of them.
//!
//! A shader is plain WGSL. A line `//!use lib/name.wgsl` stands for the text of that file, pasted
//! once, in the order of the lines; errors are mapped back to file and line. Bindings are found by
//! name in naga's reflection, never by number.

use crate::kernel::Kernel;
use crate::{input, neuron, plasticity, record, synapse, train};

/// Every kernel of the program.
pub static KERNELS: &[&Kernel] = &[
    &input::constant::KERNEL,
    &input::given_spikes::KERNEL,
    &input::latency::KERNEL,
    &input::noise::KERNEL,
    &input::poisson::KERNEL,
    &input::poisson_alike::KERNEL,
    &input::poisson_drive::KERNEL,
    &neuron::channels::KERNEL,
    &neuron::iaf::KERNEL,
    &neuron::izhikevich::KERNEL,
    &neuron::lif::KERNEL,
    &neuron::lif_backward::KERNEL,
    &neuron::readout::KERNEL,
    &neuron::readout_backward::KERNEL,
    &plasticity::dense_post::KERNEL,
    &plasticity::dense_pre::KERNEL,
    &plasticity::eligibility::KERNEL,
    &plasticity::modulate::KERNEL,
    &plasticity::modulator::KERNEL,
    &plasticity::normalise::KERNEL,
    &plasticity::rates::KERNEL,
    &plasticity::reinforce::KERNEL,
    &plasticity::sparse_post::KERNEL,
    &plasticity::sparse_pre::KERNEL,
    &plasticity::trace::KERNEL,
    &plasticity::voltage::KERNEL,
    &record::count_spikes::KERNEL,
    &record::log_reals::KERNEL,
    &record::log_words::KERNEL,
    &record::sample::KERNEL,
    &synapse::deliver_dense::KERNEL,
    &synapse::deliver_sparse::KERNEL,
    &synapse::dense_spikes::KERNEL,
    &synapse::dense_spikes_gradient::KERNEL,
    &synapse::dense_values::KERNEL,
    &synapse::dense_values_gradient::KERNEL,
    &synapse::list_spikes::KERNEL,
    &synapse::procedural::KERNEL,
    &synapse::scatter::KERNEL,
    &synapse::short_term::KERNEL,
    &synapse::sparse::KERNEL,
    &synapse::sparse_backward::KERNEL,
    &synapse::sparse_gradient::KERNEL,
    &synapse::transpose::KERNEL,
    &synapse::transpose_spikes::KERNEL,
    &train::adam::KERNEL,
    &train::clear_reals::KERNEL,
    &train::clear_words::KERNEL,
    &train::restart::KERNEL,
    &train::sgd::KERNEL,
    &train::softmax_cross_entropy::KERNEL,
    &train::sum_samples::KERNEL,
];

/// Files that shaders may use.
const LIBRARY: &[(&str, &str)] = &[
    ("lib/call.wgsl", include_str!("../../shaders/lib/call.wgsl")),
    ("lib/interval.wgsl", include_str!("../../shaders/lib/interval.wgsl")),
    ("lib/steps.wgsl", include_str!("../../shaders/lib/steps.wgsl")),
    ("lib/learn.wgsl", include_str!("../../shaders/lib/learn.wgsl")),
    ("lib/deliver.wgsl", include_str!("../../shaders/lib/deliver.wgsl")),
    ("lib/list.wgsl", include_str!("../../shaders/lib/list.wgsl")),
    ("lib/panel.wgsl", include_str!("../../shaders/lib/panel.wgsl")),
    ("lib/philox.wgsl", include_str!("../../shaders/lib/philox.wgsl")),
    ("lib/receptor.wgsl", include_str!("../../shaders/lib/receptor.wgsl")),
    ("lib/slow.wgsl", include_str!("../../shaders/lib/slow.wgsl")),
    ("lib/stepped.wgsl", include_str!("../../shaders/lib/stepped.wgsl")),
    ("lib/surrogate.wgsl", include_str!("../../shaders/lib/surrogate.wgsl")),
];

/// The text of a shader with its includes.
pub struct Source {
    /// What the compiler reads.
    pub text: String,
    /// File and line of each line of the text.
    origin: Vec<(String, usize)>,
}

impl Source {
    /// Pastes the includes of a kernel's shader.
    ///
    /// # Errors
    /// Names an include that does not exist.
    pub fn assemble(kernel: &Kernel) -> Result<Self, String> {
        let mut source = Self { text: String::new(), origin: Vec::new() };
        let file = format!("{}.wgsl", kernel.name);
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

    fn push(&mut self, line: &str, file: &str, number: usize) {
        self.text.push_str(line);
        self.text.push('\n');
        self.origin.push((file.to_owned(), number));
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

/// A resource of a shader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Name of the variable.
    pub name: String,
    /// Number of its binding in group 0.
    pub binding: u32,
    /// Uniform, or storage that is read only or also written.
    pub access: Access,
}

/// How a shader uses a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Uniform buffer.
    Uniform,
    /// Storage, read.
    Read,
    /// Storage, read and written.
    Write,
}

/// Resources of a module, in the order of their declaration.
pub fn resources(module: &naga::Module) -> Vec<Resource> {
    let globals = module.global_variables.iter();
    globals
        .filter_map(|(_, variable)| {
            let access = match variable.space {
                naga::AddressSpace::Uniform => Access::Uniform,
                naga::AddressSpace::Storage { access } => {
                    if access.contains(naga::StorageAccess::STORE) {
                        Access::Write
                    } else {
                        Access::Read
                    }
                }
                _ => return None,
            };
            let binding = variable.binding.as_ref()?.binding;
            Some(Resource { name: variable.name.clone()?, binding, access })
        })
        .collect()
}
