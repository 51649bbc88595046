//! What neurons in [frames](super::frame) share: blocks, and the ring of what arrives.
//!
//! The neurons of a population lie in blocks of 64, the invocations of a workgroup: for each block its
//! rows of state, 64 numbers each. A *tile* is a number of blocks; tiles are what threads share among
//! them, and where a delivery sorts its synapses.
//!
//! The ring holds, for each tile, slot, receptor and neuron, the sum of the weights that arrive, as
//! i32 in units that [`crate::plan`] chooses so that no sum overflows. Slots are steps, modulo their
//! number: a spike of step k with a delay of d steps is added to slot k + d. Integers make the sum
//! independent of the order in which spikes are delivered.

use super::model::at;
use super::receptor::Port;
use crate::kernel::*;

/// Neurons of a block.
pub const BLOCK: usize = 64;

/// Bit of [`Stepped::slow`]: the potential.
pub const SLOW_POTENTIAL: u32 = 1;

/// Bit of [`Stepped::slow`]: what receptors hold.
pub const SLOW_RECEPTORS: u32 = 2;

/// First bit of [`Stepped::slow`] that a model may give a meaning of its own.
pub const SLOW_OWN: u32 = 4;

/// A population of a model that frames drive.
pub trait Stepped: std::fmt::Debug + Send + Sync {
    /// The kernel of a step of a simulation.
    fn kernel(&self) -> &'static Kernel;
    /// What a training by gradients needs.
    fn trained(&self) -> Trained;
    /// Receptors.
    fn receptors(&self) -> &[Port];
    /// Whether each neuron has numbers of its own of receptors, behind those of `cells`.
    fn own_receptors(&self) -> bool {
        self.receptors().iter().any(Port::is_own)
    }
    /// Potential from which the kernel measures that of a neuron \[mV\].
    fn rest(&self, neuron: usize) -> f64;
    /// The numbers of each neuron in the order of the array `cell`; one entry if all share them.
    fn cells(&self) -> Vec<Vec<f64>>;
    /// Numbers that all neurons share, behind those of the receptors in the array `receptor`.
    fn table(&self) -> Vec<f64> {
        Vec::new()
    }
    /// State of a neuron at the start, in the order of the rows.
    fn start(&self, neuron: usize) -> Vec<f64>;
    /// Which states need a second float, see [`crate::slow`]: bits with a meaning of the model's. If any
    /// does, all rows of state are there twice, those of the second floats behind the others.
    fn slow(&self) -> u32;
    /// Row of state that lasts from one sample of a training to the next, if there is one.
    fn lasting(&self) -> Option<usize> {
        None
    }
    /// Whether their potential is the answer, and they never spike.
    fn answers(&self) -> bool {
        false
    }
    /// These neurons, if the way back through a step needs no more than the distance to the threshold, so that a training
    /// keeps nothing else: see [`super::frame::Tape`]. A spike whose reset to a value lets gradients pass must not raise
    /// the threshold.
    fn on_tape(&self) -> Option<&super::iaf::Iaf> {
        None
    }
    /// The numbers of each neuron, with what lasts held as it is.
    fn frozen_cells(&self) -> Vec<Vec<f64>> {
        self.cells()
    }
    /// Variables that may be recorded.
    fn variables(&self) -> Vec<Variable>;
    /// Values of the model's own parameters.
    fn params(&self) -> Vec<Word>;
}

/// What a training by gradients needs of a model.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The kernel of steps of a training.
    pub window: &'static Kernel,
    /// The kernel of their adjoint.
    pub adjoint: &'static Kernel,
    /// Place of the constant current in the array `cell`.
    pub i_e: usize,
    /// The constant current of each neuron that its scene gives it, which `cell` has at that place, maybe with
    /// others; one entry if all share it.
    pub currents: Vec<f64>,
    /// Mean distance from rest to the threshold at which a spike is told \[mV\], that of the surrogate.
    pub unit: f64,
    /// Mean distance from rest to where a neuron takes off \[mV\], that of weights: see [`super::frame::unit_of`].
    pub rise: f64,
    /// A step without spikes.
    pub quiet: fn(Call<'_, f64>),
}

impl Trained {
    /// The mean of some distances to the threshold. A neuron whose threshold lies at or below rest fires on its own;
    /// its scale is then the distance the other way, and never zero.
    pub fn unit_of(distances: impl ExactSizeIterator<Item = f64>) -> f64 {
        let count = distances.len() as f64;
        let distance = distances.sum::<f64>() / count;
        if distance == 0.0 { 1.0 } else { distance.abs() }
    }
}

/// A variable of state.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Name in a scene.
    pub name: String,
    /// Row of state.
    pub row: usize,
    /// Unit.
    pub unit: &'static str,
    /// Whether it is a potential, kept relative to rest.
    pub potential: bool,
}

impl Variable {
    /// A variable that is kept as it is.
    pub fn new(name: impl Into<String>, row: usize, unit: &'static str) -> Self {
        Self { name: name.into(), row, unit, potential: false }
    }

    /// The membrane potential.
    pub fn potential(row: usize) -> Self {
        Self { name: "v".to_owned(), row, unit: "mV", potential: true }
    }
}

/// Variables of the receptors, whose rows begin at `first`.
pub fn receptor_variables(receptors: &[Port], first: usize) -> impl Iterator<Item = Variable> {
    receptors.iter().enumerate().map(move |(r, receptor)| {
        let (symbol, unit) = if receptor.e_rev.is_some() { ("g", "nS") } else { ("i", "pA") };
        Variable::new(format!("{symbol}_{}", receptor.name), first + 2 * r, unit)
    })
}

/// The numbers of all receptors of a neuron, for steps of `dt`; `scale` is the weight of one unit of what arrives at each.
pub fn receptor_numbers(
    neurons: &dyn Stepped,
    neuron: usize,
    dt: f64,
    scale: impl Fn(usize) -> f64,
) -> Vec<f64> {
    let (receptors, rest) = (neurons.receptors().iter().enumerate(), neurons.rest(neuron));
    receptors.flat_map(|(r, port)| port.values(neuron, dt, scale(r), rest)).collect()
}

/// The numbers `cells` of each of `n` neurons, one entry for all or one for each, and behind them those that `receptors`
/// gives of a neuron.
pub fn with_receptors(
    cells: &[Vec<f64>],
    n: usize,
    receptors: impl Fn(usize) -> Vec<f64>,
) -> Vec<Vec<f64>> {
    (0..n).map(|k| [&at(cells, k)[..], &receptors(k)].concat()).collect()
}

/// Blocks of a population of `n` neurons.
pub fn blocks(n: usize) -> usize {
    n.div_ceil(BLOCK)
}

/// Numbers of neurons in blocks: one entry for all, or one for each.
pub fn in_blocks(cells: &[Vec<f64>], n: usize) -> Vec<f64> {
    let (blocks, fields) = (blocks(n), cells[0].len());
    let mut laid = vec![0.0; blocks * fields * BLOCK];
    for k in 0..blocks * BLOCK {
        // Lanes beyond the last neuron are copies of it.
        for (field, x) in at(cells, k.min(n - 1)).iter().enumerate() {
            laid[(k / BLOCK * fields + field) * BLOCK + k % BLOCK] = *x;
        }
    }
    laid
}

/// Rows of state of a block, and behind them those of the second floats, which are empty where nothing is
/// slow.
#[inline(always)]
pub fn with_rests<F>(state: &mut [F], rows: usize) -> (&mut [F], &mut [F]) {
    state.split_at_mut(rows * BLOCK)
}

/// Row `k` of second floats, if the states of that row have some.
#[inline(always)]
pub fn rest_of<F>(rests: &mut [F], slow: bool, k: usize) -> Option<&mut [F]> {
    if slow { Some(&mut rests[k * BLOCK..][..BLOCK]) } else { None }
}

/// Rows `k` and `k + 1` of second floats, g and x of a receptor.
#[inline(always)]
pub fn rests_of_receptor<F>(rests: &mut [F], slow: bool, k: usize) -> Option<[&mut [F]; 2]> {
    if !slow {
        return None;
    }
    let (g, x) = rests[k * BLOCK..][..2 * BLOCK].split_at_mut(BLOCK);
    Some([g, x])
}
