//! Tiles: the arrays in which the weights of a projection lie, and where in them each synapse is.

use super::{PlanError, Reals};
use crate::synapse::convolution::Convolution;
use crate::synapse::panel_index;
use std::ops::Range;

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
    /// Weights in their natural order: sparse ones by target, and those of a convolution that change in a simulation.
    Sparse {
        /// The array.
        array: A,
        /// How many there are.
        synapses: usize,
        /// Whether each has a second float, behind them all.
        second: bool,
    },
    /// Weights of a convolution in a training by gradients.
    Convolution {
        /// The array.
        array: A,
        /// How it lies.
        convolution: Box<Convolution>,
    },
}

impl Tiles<()> {
    /// Tiles of dense weights that fit a binding.
    pub(super) fn cut(
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
    pub(super) fn placed<B>(&self, mut place: impl FnMut(usize, A) -> B) -> Tiles<B> {
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
