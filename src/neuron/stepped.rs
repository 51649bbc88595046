//! What the stepped neuron kernels share: blocks of neurons, and the ring of what arrives.
//!
//! The neurons of a population lie in blocks of 64, the invocations of a workgroup: for each block its
//! rows of state, 64 numbers each. A *tile* is a number of blocks; tiles are what threads share among
//! them, and where a delivery sorts its synapses.
//!
//! The ring holds, for each tile, slot, receptor and neuron, the sum of the weights that arrive, as
//! i32 in units that [`crate::plan`] chooses so that no sum overflows. Slots are steps, modulo their
//! number: a spike of step k with a delay of d steps is added to slot k + d. Integers make the sum
//! independent of the order in which spikes are delivered.

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

/// A population of a model whose kernel does a step at a time. Its arrays are [`BINDINGS`], its
/// parameters begin with those of [`Place`].
pub trait Stepped: std::fmt::Debug + Send + Sync {
    /// The kernel.
    fn kernel(&self) -> &'static Kernel;
    /// Receptors.
    fn receptors(&self) -> &[Port];
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
    /// The numbers of each neuron, with what lasts held as it is.
    fn frozen_cells(&self) -> Vec<Vec<f64>> {
        self.cells()
    }
    /// Variables that may be recorded.
    fn variables(&self) -> Vec<Variable>;
    /// Values of the parameters after those of [`Place`].
    fn params(&self) -> Vec<Word>;
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

/// Arrays of every stepped kernel.
pub const BINDINGS: &[Binding] = &[
    reals_mut("state"),  // [blocks, rows, 64]
    reals("cell"),       // [blocks or 1, fields, 64 or 1]
    reals("receptor"),   // [receptors, 8], then the numbers of `Stepped::table`
    words_mut("ring"),   // [tiles, slots, receptors, tile] sums of what arrives, as i32
    reals("drive"),      // [steps] pA
    reals("current"),    // [blocks, 64] pA
    words_mut("spikes"), // [steps, row]
];

/// Declares the parameters of a stepped kernel: those of [`Place`], then its own.
#[macro_export]
macro_rules! stepped_params {
    ($(#[$doc:meta])* pub struct $name:ident { $($own:tt)* }) => {
        $crate::params! {
            $(#[$doc])*
            pub struct $name {
                /// Neurons.
                n: word,
                /// Neurons of a tile of the ring.
                tile: word,
                /// First tile of this population.
                first_tile: word,
                /// Slots of the ring, a power of two.
                slots: word,
                /// Receptors for which the ring has room.
                stride: word,
                /// Receptors of this population.
                receptors: word,
                /// 1 if each neuron has its own parameters.
                own: word,
                /// 1 if `drive` holds a current for each step.
                drive: word,
                /// 1 if `current` holds a current for each neuron.
                current: word,
                /// Words of a row of spikes, of all populations.
                row: word,
                /// First word of this population.
                first_word: word,
                /// Which states have a second float.
                slow: word,
                $($own)*
            }
        }
    };
}

stepped_params! {
    /// Where a population lies: the parameters with which every stepped kernel begins.
    pub struct Place {}
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

/// A block of a piece.
pub struct Block {
    /// Number within the piece.
    pub index: usize,
    /// First neuron, of the population.
    pub first: usize,
    /// Neurons of the population.
    pub n: usize,
}

impl Block {
    /// Writes the spikes of this block, those of neurons that exist, to the piece's words of the row.
    #[inline(always)]
    pub fn store_spikes(&self, spikes: &mut [u32], bits: u64) {
        let alive = self.n.saturating_sub(self.first).min(BLOCK);
        let bits = if alive == BLOCK { bits } else { bits & ((1 << alive) - 1) };
        spikes[2 * self.index] = bits as u32;
        spikes[2 * self.index + 1] = (bits >> 32) as u32;
    }
}

/// What arrives in a step.
pub struct Sums {
    slot: usize,
    tile: usize,
    slots: usize,
    stride: usize,
}

impl Sums {
    /// What the step of a launch, whose parameters begin with those of [`Place`], finds in the ring.
    #[inline(always)]
    pub fn new(clock: &Clock, span: Span, params: &[Word]) -> Self {
        let Place { tile, slots, stride, .. } = Place::<f32>::of(params);
        let slot = (clock.step + u64::from(span.t0)) as usize & (slots as usize - 1);
        Self { slot, tile: tile as usize, slots: slots as usize, stride: stride as usize }
    }

    /// Takes what arrives at receptor `r` of a block out of the piece's part of the ring.
    #[inline(always)]
    pub fn take<F: Real>(
        &mut self,
        ring: &mut [u32],
        block: &Block,
        r: usize,
        arrivals: &mut [F; BLOCK],
    ) {
        let (tile, within) = (block.index * BLOCK / self.tile, block.index * BLOCK % self.tile);
        let at = ((tile * self.slots + self.slot) * self.stride + r) * self.tile + within;
        let sums: &mut [u32] = &mut ring[at..at + BLOCK];
        for k in 0..BLOCK {
            arrivals[k] = F::of_int(sums[k] as i32);
        }
        sums.fill(0);
    }
}
