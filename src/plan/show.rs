//! What sources send, in a plan of either form: populations that show samples, or draw spikes by themselves.

use super::launch::{each, whole};
use super::{Arg, Arrays, Launch, Units, Words};
use crate::input::encoder::{Given, Showing, Window};
use crate::network::{Kind, Network};
use crate::rng::{Purpose, stream};
use crate::scene::Images;

/// Where a population has what it shows, and where what it sends goes.
pub(super) struct Stand {
    /// Rows of what is sent, and rows before them.
    pub rows: usize,
    pub history: usize,
    /// Words of a row of spikes, and the first of the population.
    pub row: usize,
    pub first: usize,
    pub pixels: Arg,
    pub presentation: Words,
    pub sent: Arg,
    pub batch: usize,
    /// How a thread cuts it.
    pub units: Units,
}

/// Frames that sources show in a window, and the steps of each; without images it is one, of all steps.
pub(super) fn frames_of(images: Option<&Images>, steps: usize, dt: f64) -> [u32; 2] {
    let Some(images) = images else { return [1, steps as u32] };
    let hold = images.held(steps as u64, dt).expect("the scene was checked");
    [images.frames as u32, hold as u32]
}

impl Stand {
    /// Launches by which population `k` shows its samples or draws its spikes for `steps` steps, by `showings`.
    pub fn show(
        &self,
        network: &Network,
        k: usize,
        steps: usize,
        arrays: &mut Arrays,
        showings: impl FnOnce(&Window) -> Vec<Showing>,
    ) -> Vec<Launch> {
        let population = &network.populations[k];
        let name = &population.name;
        let images = match &population.kind {
            Kind::Images(images) => Some(images),
            _ => None,
        };
        let [frames, hold] = frames_of(images, steps, network.dt);
        let window = Window {
            dt: network.dt,
            n: population.size as u32,
            rows: self.rows as u32,
            history: self.history as u32,
            row: self.row as u32,
            first: self.first as u32,
            frames,
            hold,
            stream: stream(Purpose::Input, k as u32),
        };
        let mut intensities = None;
        let mut launch = |showing: Showing| {
            let args = showing.args.into_iter().map(|given| match given {
                Given::Pixels => self.pixels,
                Given::Intensities => {
                    let (what, len) = (format!("{name}.intensities"), window.words());
                    let made = || arrays.zero_words(what, self.batch * len);
                    each(*intensities.get_or_insert_with(made), len)
                }
                Given::Nothing => whole(arrays.unused.words),
                Given::Presentation => each(self.presentation, 1),
                Given::Table(what, table) => whole(arrays.words(format!("{name}.{what}"), table)),
                Given::Sent => self.sent,
            });
            Launch {
                kernel: showing.kernel,
                label: name.clone(),
                params: showing.params,
                args: args.collect(),
                units: self.units,
                invocations: self.batch as u64 * u64::from(showing.per_sample),
                per_step: showing.per_step,
                every: 1,
            }
        };
        showings(&window).into_iter().map(&mut launch).collect()
    }
}
