//! The plan: which arrays there are, and which kernels run over them in which order.
//!
//! Every size, offset and constant is decided here, once, as plain data that can be printed and
//! that both engines run. A [`Program`] is a list of stages; a stage is a list of launches that is
//! done once for the whole window, or once for each of its steps. Feed-forward stretches of a network
//! are done layer by layer with all steps at once; only what lies on a cycle is stepped.

mod arrays;
mod attention;
mod backward;
mod compile;
mod convolve;
mod delays;
mod delays_of_synapses;
mod deliveries;
mod drawn;
mod dropout;
mod eprop;
mod forward;
mod gain;
mod gradients;
mod inputs;
mod known;
mod layout;
mod live;
mod losses;
mod noise;
mod order;
mod release;
mod rules;
mod simulate;
mod spike_times;
mod units;
mod update;
mod window;

pub use arrays::{Array, ArrayId, Arrays, ByArray, Handle, Init, Reals, Unused, Words};
pub use compile::{Options, PlanError, compile};
pub use live::Lists;
pub use simulate::{
    LivePorts, ModulatorPorts, Recorded, Sampled, SimulationOptions, SimulationPorts, simulate,
};

use crate::kernel::{Field, Kernel, Place, Word};
use crate::scene::{Part, Warning};
use crate::synapse::convolution::Convolution;
use crate::synapse::panel_index;
use std::collections::BTreeSet;
use std::ops::Range;

/// Everything an engine needs.
pub struct Plan {
    /// The data.
    pub arrays: Arrays,
    /// What can be run over it.
    pub programs: Vec<Program>,
    /// Samples, or independent copies, that a window holds.
    pub batch: usize,
    /// Steps of a window.
    pub steps: usize,
    /// Arrays by which samples are shown.
    pub input: InputPorts,
    /// All else that the host writes or reads, by use.
    pub ports: Ports,
    /// What may not be as it was meant, found while planning.
    pub warnings: Vec<Warning>,
}

/// A program of a plan: see [`Plan::program`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgramId(usize);

/// A sequence of stages with a name.
pub struct Program {
    /// What it does, as `simulate`, `evaluate` or `train`.
    pub name: &'static str,
    /// In order.
    pub stages: Vec<Stage>,
}

/// Launches, once for a window or once for each step.
#[derive(Clone)]
pub enum Stage {
    /// Each launch covers all steps.
    Whole(Vec<Launch>),
    /// All launches for one step, then all for the next; from the last to the first if backward.
    Steps {
        /// In the order of a step.
        launches: Vec<Launch>,
        /// Whether time runs backwards.
        backward: bool,
    },
}

/// One kernel over some arrays.
#[derive(Clone)]
pub struct Launch {
    /// The kernel.
    pub kernel: &'static Kernel,
    /// What it is for: the population or projection.
    pub label: String,
    /// Values of the kernel's fields.
    pub params: Vec<Word>,
    /// Arrays in the order of the kernel's bindings.
    pub args: Vec<Arg>,
    /// How a CPU cuts it into pieces.
    pub units: Units,
    /// Invocations on a GPU, for each step of the span if `per_step`.
    pub invocations: u64,
    /// Whether the invocations multiply with the steps.
    pub per_step: bool,
    /// Of a launch that is done step by step: it is done at the end of so many steps, counted from the start of the
    /// run.
    pub every: u64,
}

/// How a launch is cut into pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Units {
    /// A unit is a sample. Successive launches of this kind are done sample by sample, which keeps
    /// a sample's data in the cache.
    Samples,
    /// So many units, of which `grain` make a piece.
    Count {
        /// Units.
        count: usize,
        /// Units per piece.
        grain: usize,
    },
}

/// An array as a launch uses it.
#[derive(Debug, Clone, Copy)]
pub struct Arg {
    /// Which.
    pub array: ArrayId,
    /// Which part of it belongs to a unit.
    pub split: Split,
}

/// Which part of an array belongs to a unit. What is written must be split; what is read whole must
/// not be written by another piece at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Every piece sees all of it; read only.
    Whole,
    /// So many elements for each unit, in order.
    Stride(usize),
    /// So many elements for each sample, which nothing needs once the chain of launches that wrote
    /// them is done with the sample: an engine that does few samples at a time may use the same place
    /// for all, which then stays in the cache.
    Passing(usize),
    /// So many elements for each unit, from element `first` on.
    From {
        /// Where unit 0 starts.
        first: usize,
        /// Elements of a unit.
        stride: usize,
    },
    /// A part of the row that belongs to the step of the launch: so many elements for each unit.
    Row {
        /// Elements of a row.
        row: usize,
        /// First element of the part.
        first: usize,
        /// Elements of the part.
        len: usize,
        /// Elements of a unit.
        stride: usize,
    },
    /// A unit is a row of a panel of dense weights: see [`crate::synapse`].
    PanelRows {
        /// Rows of each panel.
        rows: usize,
        /// Columns of all panels together.
        width: usize,
    },
}

impl Split {
    /// Elements that belong to `units` of a launch for step `t0` on, in an array of `len`.
    pub fn range(self, units: &Range<usize>, t0: u32, len: usize) -> Range<usize> {
        let offset = |unit: usize| match self {
            Split::Whole => unreachable!("a whole array is not cut"),
            Split::From { first, stride } => first + unit * stride,
            Split::Row { row, first, len, stride } => {
                t0 as usize * row + first + (unit * stride).min(len)
            }
            Split::Stride(stride) | Split::Passing(stride) => unit * stride,
            Split::PanelRows { rows, width } => {
                let first = unit / rows.max(1) * crate::synapse::PANEL;
                let panel = crate::synapse::PANEL.min(width.saturating_sub(first));
                first * rows + unit % rows.max(1) * panel
            }
        };
        match self {
            Split::Whole => 0..len,
            _ => offset(units.start).min(len)..offset(units.end).min(len),
        }
    }
}

/// Arrays by which samples are shown.
#[derive(Debug)]
pub struct InputPorts {
    /// Pixels of the samples, bytes packed into words, if a population shows them all.
    pub pixels: Option<Words>,
    /// Parts of the samples that populations show, likewise packed.
    pub parts: Vec<(Part, Words)>,
    /// Number of each sample that tells presentations apart.
    pub presentation: Words,
}

/// Arrays that the host writes or reads, by what the plan is for.
#[derive(Debug)]
pub enum Ports {
    /// A training by gradients.
    Training(TrainingPorts),
    /// A simulation, of samples or of a network alone.
    Simulation(SimulationPorts),
}

/// Arrays of a training that its host writes or reads.
#[derive(Debug)]
pub struct TrainingPorts {
    /// Loss of each sample, samples × slots.
    pub losses: Reals,
    /// Slots of the logs.
    pub slots: usize,
    /// The answers, if a population gives some: where neurons only follow traces there are none.
    pub answer: Option<AnswerPorts>,
    /// For each population: its tape, spikes and spike counts.
    pub populations: Vec<PopulationPorts>,
    /// For each projection: its tiles.
    pub weights: Vec<Tiles>,
    /// Array of constant currents of each population that has neurons.
    pub i_e: Vec<Option<Reals>>,
    /// Trained numbers of each population that has some.
    pub numbers: Vec<NumberPorts>,
    /// Each projection with learned delays.
    pub delays: Vec<DelayPorts>,
    /// Each projection with attention.
    pub attention: Vec<AttentionPorts>,
    /// Error of each neuron that is to follow a trace, samples × n, if the loss is of traces.
    pub errors: Option<Reals>,
    /// Arrays of the optimiser, to be saved with the weights.
    pub moments: Vec<Reals>,
    /// Arrays of gradients beside the arrays they are for.
    pub gradients: Vec<(Reals, Reals)>,
    /// Arrays of changes by rules of plasticity beside the weights that they are for.
    pub changes: Vec<(Reals, Reals)>,
    /// Arrays of feedback that is learned, beside the projection to the readout that each is like.
    pub feedback: Vec<(Reals, usize)>,
    /// One unit of what each of the gradients is for.
    pub units: Vec<f64>,
}

/// Arrays of the answers of a network.
#[derive(Debug, Clone, Copy)]
pub struct AnswerPorts {
    /// Answers to a sample: one, or one for each frame.
    pub answers: usize,
    /// Output, samples × answers × outputs.
    pub output: Reals,
    /// Gradient by the output, as that lies.
    pub gradient: Reals,
    /// What the output is compared with.
    pub supervision: Supervision,
    /// Predicted class of each answer, samples × answers × slots; of marks how many outputs are right.
    pub predictions: Words,
}

/// What a loss compares answers with.
#[derive(Debug, Clone, Copy)]
pub enum Supervision {
    /// Class of each answer, samples × answers; no class where none is asked for.
    Labels(Words),
    /// What each output is to be, samples × outputs.
    Targets(Reals),
}

/// Arrays of the trained numbers of a population; see [`crate::network::numbers`].
#[derive(Debug, Clone)]
pub struct NumberPorts {
    /// The population.
    pub population: usize,
    /// x of each number: one, or one of each neuron.
    pub free: Vec<Reals>,
    /// Slopes of each number, \[numbers that kernels read, n\].
    pub slopes: Vec<Reals>,
    /// What kernels read of neurons.
    pub cell: Reals,
    /// And of receptors.
    pub receptor: Reals,
}

/// Arrays of the learned delays of a projection; see [`crate::network::Delays`].
#[derive(Debug, Clone, Copy)]
pub struct DelayPorts {
    /// The projection.
    pub projection: usize,
    /// Delay of each source \[steps\]; of synapses as the weights lie.
    pub delays: Reals,
    /// Standard deviation of the kernel \[steps\], if it has one: it falls in the course of a training.
    pub sigma: Option<Reals>,
}

/// Arrays of the attention of a projection; see [`crate::network::Attention`].
#[derive(Debug, Clone, Copy)]
pub struct AttentionPorts {
    /// The projection.
    pub projection: usize,
    /// W1, and behind it W2.
    pub weights: Reals,
    /// Scores, samples × frames.
    pub scores: Reals,
}

/// Potentials of a population for a loss that looks at each step: a row of the inbox of neurons in a frame, or all that
/// there is.
#[derive(Debug, Clone, Copy)]
pub struct Inbox {
    /// The array.
    pub array: Reals,
    /// Rows of a step.
    pub rows: usize,
    /// The one that has the potential after the step, from the zero of the model.
    pub potential: usize,
}

/// Arrays of a population.
#[derive(Debug, Default, Clone, Copy)]
pub struct PopulationPorts {
    /// u of a spiking neuron, v of a readout, samples × steps × n; of neurons without a frame, unless they are stepped
    /// forwards only.
    pub tape: Option<Reals>,
    /// Where the potential after each step is, if it is watched.
    pub inbox: Option<Inbox>,
    /// States of neurons in frames.
    pub states: Option<States>,
    /// Spikes of a population that sends some.
    pub spikes: Option<SpikePorts>,
    /// Rows of history.
    pub history: usize,
}

/// Arrays of the spikes of a population.
#[derive(Debug, Clone, Copy)]
pub struct SpikePorts {
    /// Spikes; samples × (history + steps) × words.
    pub array: Words,
    /// Spikes per sample; samples × slots.
    pub counts: Words,
}

/// States that a window of a training keeps.
#[derive(Debug, Clone, Copy)]
pub struct States {
    /// The array.
    pub array: Reals,
    /// Blocks of neurons of a sample.
    pub blocks: usize,
    /// Numbers of a block.
    pub of_block: usize,
    /// Steps from one kept state to the next.
    pub every: usize,
}

/// Weights of a projection on the device; `A` says where a tile is, once that is known.
#[derive(Debug, Clone)]
pub enum Tiles<A = Reals> {
    /// Tiles of dense weights: array, first target, targets.
    Dense {
        /// Sources.
        sources: usize,
        /// Targets.
        targets: usize,
        /// Targets of a panel.
        panel: usize,
        /// Whether each weight has a second float: a panel then has as many more rows behind its own.
        second: bool,
        /// In the order of targets.
        tiles: Vec<(A, usize, usize)>,
    },
    /// Sparse weights by target.
    Sparse {
        /// The array.
        array: A,
        /// How many there are.
        synapses: usize,
        /// Whether each has a second float, behind them all.
        second: bool,
    },
    /// Weights of a convolution.
    Convolution {
        /// The array.
        array: A,
        /// How it lies.
        convolution: Box<Convolution>,
    },
}

impl Tiles<()> {
    /// Tiles of dense weights that fit a binding.
    fn cut(
        name: &str,
        panel: usize,
        second: bool,
        [sources, targets]: [usize; 2],
        max_binding: u64,
    ) -> Result<Self, PlanError> {
        let rows = sources * if second { 2 } else { 1 };
        let bytes = (rows * panel.min(targets)) as u64 * 4;
        if bytes > max_binding {
            return Err(PlanError::Binding {
                what: format!("a panel of {panel} targets of {name}"),
                bytes,
                limit: max_binding,
                advice: "lower the number of sources",
            });
        }
        let most = (max_binding / (rows as u64 * 4)) as usize / panel * panel;
        let most = if most == 0 { targets } else { most };
        let cuts = (0..targets).step_by(most).map(|first| ((), first, most.min(targets - first)));
        Ok(Tiles::Dense { sources, targets, panel, second, tiles: cuts.collect() })
    }
}

impl<A: Copy> Tiles<A> {
    /// The same tiles in other places, which are made one after the other of the number of a tile and where it is.
    fn placed<B>(&self, mut place: impl FnMut(usize, A) -> B) -> Tiles<B> {
        match self {
            Tiles::Dense { sources, targets, panel, second, tiles } => {
                let tiles = tiles.iter().enumerate();
                Tiles::Dense {
                    sources: *sources,
                    targets: *targets,
                    panel: *panel,
                    second: *second,
                    tiles: tiles
                        .map(|(k, (a, first, width))| (place(k, *a), *first, *width))
                        .collect(),
                }
            }
            Tiles::Sparse { array, synapses, second } => {
                Tiles::Sparse { array: place(0, *array), synapses: *synapses, second: *second }
            }
            Tiles::Convolution { array, convolution } => {
                Tiles::Convolution { array: place(0, *array), convolution: convolution.clone() }
            }
        }
    }

    /// The arrays.
    pub fn arrays(&self) -> Vec<A> {
        match self {
            Tiles::Dense { tiles, .. } => tiles.iter().map(|tile| tile.0).collect(),
            Tiles::Sparse { array, .. } | Tiles::Convolution { array, .. } => vec![*array],
        }
    }

    /// Rows of a panel of dense weights.
    pub fn rows(&self) -> usize {
        match self {
            Tiles::Dense { sources, second, .. } => sources * if *second { 2 } else { 1 },
            Tiles::Sparse { .. } | Tiles::Convolution { .. } => 0,
        }
    }

    /// How many rows, or synapses, further on the second float of a weight is; 0 if there is none.
    pub fn second(&self) -> usize {
        match self {
            Tiles::Dense { sources: count, second: true, .. }
            | Tiles::Sparse { synapses: count, second: true, .. } => *count,
            _ => 0,
        }
    }

    /// Array and place of a synapse that is given by its natural number.
    ///
    /// # Panics
    /// If there is no such synapse.
    pub fn find(&self, synapse: usize) -> (A, usize) {
        match self {
            Tiles::Sparse { array, .. } => (*array, synapse),
            Tiles::Convolution { array, convolution } => {
                (*array, convolution.places().nth(synapse).expect("a synapse has a place"))
            }
            Tiles::Dense { targets, panel, tiles, .. } => {
                let (source, target) = (synapse / targets, synapse % targets);
                let within = |tile: &&(A, usize, usize)| target < tile.1 + tile.2;
                let (array, first, width) =
                    tiles.iter().find(within).expect("a target is in a tile");
                (*array, panel_index(*panel, [self.rows(), *width], source, target - first))
            }
        }
    }

    /// Weights of tile number `tile` in the order of the device, from the natural order.
    pub fn pack(&self, tile: usize, natural: &[f64]) -> Vec<f64> {
        match self {
            Tiles::Sparse { .. } => {
                let mut packed = natural.to_vec();
                packed.resize(natural.len() + self.second(), 0.0);
                packed
            }
            Tiles::Convolution { convolution, .. } => {
                let mut packed = vec![0.0; natural.len()];
                convolution.places().zip(natural).for_each(|(place, w)| packed[place] = *w);
                packed
            }
            Tiles::Dense { tiles, .. } => {
                let mut packed = vec![0.0; self.rows() * tiles[tile].2];
                self.each_row(tile, |row, place| packed[row].copy_from_slice(&natural[place]));
                packed
            }
        }
    }

    /// Weights in their natural order, from the contents of the tiles.
    pub fn unpack(&self, contents: &[Vec<f32>]) -> Vec<f32> {
        match self {
            Tiles::Sparse { synapses, .. } => contents[0][..*synapses].to_vec(),
            Tiles::Convolution { convolution, .. } => {
                convolution.places().map(|place| contents[0][place]).collect()
            }
            Tiles::Dense { sources, targets, tiles, .. } => {
                let mut natural = vec![0.0; sources * targets];
                for (tile, packed) in (0..tiles.len()).zip(contents) {
                    self.each_row(tile, |row, place| natural[place].copy_from_slice(&packed[row]));
                }
                natural
            }
        }
    }

    /// Each row of a panel of a dense tile: where it lies in the tile, and where in the natural order.
    fn each_row(&self, tile: usize, mut copy: impl FnMut(Range<usize>, Range<usize>)) {
        let Tiles::Dense { sources, targets, panel, tiles, .. } = self else { return };
        let (_, first, width) = tiles[tile];
        for column in (0..width).step_by(*panel) {
            let len = (*panel).min(width - column);
            for source in 0..*sources {
                let row = panel_index(*panel, [self.rows(), width], source, column);
                let place = source * targets + first + column;
                copy(row..row + len, place..place + len);
            }
        }
    }
}

impl Plan {
    /// Size of all arrays on a device \[bytes\].
    pub fn bytes(&self) -> u64 {
        self.arrays.iter().map(|(_, array)| array.bytes()).sum()
    }

    /// Arrays that a program writes, ascending.
    pub fn written(&self, program: ProgramId) -> Vec<ArrayId> {
        let launches = self.programs[program.index()].stages.iter().flat_map(Stage::launches);
        let args = launches.flat_map(|launch| launch.kernel.bindings.iter().zip(&launch.args));
        let written = args.filter(|(binding, _)| binding.written).map(|(_, arg)| arg.array);
        let written: BTreeSet<ArrayId> = written.collect();
        written.into_iter().collect()
    }

    /// The program with that name.
    pub fn program(&self, name: &str) -> Option<ProgramId> {
        self.programs.iter().position(|p| p.name == name).map(ProgramId)
    }

    /// Arrays of the host of a training.
    ///
    /// # Panics
    /// If the plan is not one.
    pub fn training(&self) -> &TrainingPorts {
        match &self.ports {
            Ports::Training(ports) => ports,
            Ports::Simulation(_) => {
                panic!("the plan of a simulation is taken for one of a training")
            }
        }
    }

    /// Arrays of the host of a simulation.
    ///
    /// # Panics
    /// If the plan is not one.
    pub fn simulation(&self) -> &SimulationPorts {
        match &self.ports {
            Ports::Simulation(ports) => ports,
            Ports::Training(_) => panic!("the plan of a training is taken for one of a simulation"),
        }
    }
}

impl ProgramId {
    /// Its place in [`Plan::programs`].
    pub fn index(self) -> usize {
        self.0
    }
}

impl Supervision {
    /// The labels, if it is these.
    pub fn labels(self) -> Option<Words> {
        match self {
            Supervision::Labels(labels) => Some(labels),
            Supervision::Targets(_) => None,
        }
    }

    /// The targets, if it is these.
    pub fn targets(self) -> Option<Reals> {
        match self {
            Supervision::Targets(targets) => Some(targets),
            Supervision::Labels(_) => None,
        }
    }
}

impl Stage {
    /// The launches, whatever their schedule.
    pub fn launches(&self) -> &[Launch] {
        match self {
            Stage::Whole(launches) | Stage::Steps { launches, .. } => launches,
        }
    }

    fn launches_mut(&mut self) -> &mut Vec<Launch> {
        match self {
            Stage::Whole(launches) | Stage::Steps { launches, .. } => launches,
        }
    }
}

impl Launch {
    /// Whether it reads or writes an array.
    fn uses_array(&self, array: impl Into<ArrayId>) -> bool {
        let array = array.into();
        self.args.iter().any(|arg| arg.array == array)
    }

    /// Whether one of two launches writes what the other uses, in the same step.
    pub fn touches(&self, other: &Self, arrays: &Arrays) -> bool {
        self.uses(arrays).any(|(array, part, writes)| {
            let mut others = other.uses(arrays);
            others.any(|(also, range, written)| {
                array == also
                    && (writes || written)
                    && part.start < range.end
                    && range.start < part.end
            })
        })
    }

    /// Arrays that it uses, which part of each in the first step of a window, and whether it writes it.
    fn uses(&self, arrays: &Arrays) -> impl Iterator<Item = (ArrayId, Range<usize>, bool)> {
        self.args.iter().zip(self.kernel.bindings).map(|(arg, binding)| {
            let len = arrays[arg.array].len;
            let part = match self.units {
                // A stand-in, of which no sample has a part.
                _ if arg.split == Split::Stride(0) => 0..0,
                Units::Samples => 0..len,
                Units::Count { count, .. } => arg.split.range(&(0..count), 0, len),
            };
            (arg.array, part, binding.written)
        })
    }

    /// Whether it is due in a step, whose number counts from the start of the run.
    pub fn is_due(&self, step: u64) -> bool {
        self.every == 1 || (step + 1).is_multiple_of(self.every)
    }

    /// Bytes of the shader's `Params`, and the values of its options.
    pub fn device_form(&self) -> (Vec<u8>, Vec<(String, f64)>) {
        let mut bytes = Vec::new();
        let mut options = Vec::new();
        for (Field { name, place }, word) in self.kernel.params.iter().zip(&self.params) {
            match (place, word) {
                (Place::Option, Word::U(x)) => options.push((name.to_uppercase(), f64::from(*x))),
                (_, Word::U(x)) => bytes.extend(x.to_le_bytes()),
                (_, Word::F(x)) => bytes.extend((*x as f32).to_le_bytes()),
            }
        }
        (bytes, options)
    }
}
