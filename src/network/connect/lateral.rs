//! Neighbours in rows and columns.

use super::{Lists, NetworkError, Pairs, Wire};
use crate::declare;

declare! {
    /// Each target with the sources that lie not further from it than a radius, in populations of as many rows and
    /// columns: lateral connections.
    #[derive(Copy)]
    pub struct Lateral: Word {
        /// Largest distance, in rows and columns.
        radius: f64 [Positive];
        /// Whether channels are connected with others too, or only with those of the same number.
        across | "across_channels": bool = false;
        /// Whether a neuron may connect to itself.
        autapses | "allow_autapses": bool = false;
    }
}

impl Wire for Lateral {
    fn expected(&self, _: [f64; 2]) -> Option<f64> {
        None
    }
    fn estimated(&self, pairs: &Pairs) -> f64 {
        let Some([[rows, columns, from], _]) = pairs.layers else { return 0.0 };
        // As of a circle, edges not counted.
        let around = (2.0 * self.radius + 1.0).powi(2).min((rows * columns) as f64);
        around * pairs.targets as f64 * if self.across { from as f64 } else { 1.0 }
    }
    fn draw(&self, pairs: &Pairs) -> Result<Lists, NetworkError> {
        let layers = pairs.layers.expect("the scene was checked");
        pairs.lists(pairs.targets, |target, list| {
            beside(layers, target as usize, self.radius, self.across, list);
            if let Some(own) = pairs.skip(self.autapses, target) {
                list.retain(|source| u64::from(*source) != own);
            }
        })
    }
}

/// Sources not further from a target than `radius`, ascending: of its channel, or of all. Sources and targets have the same
/// rows and columns.
fn beside(
    [[rows, columns, from], [.., to]]: [[usize; 3]; 2],
    target: usize,
    radius: f64,
    across: bool,
    list: &mut Vec<u32>,
) {
    let (place, channel) = (target / to, target % to);
    let (y, x) = (place / columns, place % columns);
    let reach = radius.min((rows + columns) as f64) as usize;
    let near = |at: usize, end: usize| at.saturating_sub(reach)..(at + reach + 1).min(end);
    for row in near(y, rows) {
        for column in near(x, columns) {
            let distance = (row.abs_diff(y) as f64).hypot(column.abs_diff(x) as f64);
            if distance <= radius {
                let first = ((row * columns + column) * from) as u32;
                let channels = if across { 0..from } else { channel..from.min(channel + 1) };
                list.extend(channels.map(|c| first + c as u32));
            }
        }
    }
}
