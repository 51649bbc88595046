//! What comes into a simulation: sources, and what acts on neurons beside spikes.

use super::compile::{each, shown, whole};
use super::simulate::{ALONE, Simulator, blocks};
use super::*;
use crate::input::encoder::{Given, Showing, Window};
use crate::input::poisson_drive::{self, Event};
use crate::input::{current, given_spikes, noise, pixel_words, poisson, poisson_alike};
use crate::kernel::halves;
use crate::network::{self, Input};
use crate::neuron::stepped::BLOCK;
use crate::rng::{Purpose, stream};
use crate::scene::Images;

impl Simulator<'_> {
    /// Sources that spike by themselves, for all steps of a window at once.
    pub(super) fn sources(&mut self, launches: &mut Vec<Launch>) {
        for (k, population) in self.network.populations.iter().enumerate() {
            let (n, name) = (population.size, &population.name);
            let row = self.ports.row as u32;
            let first = self.first_word(k) as u32;
            let spikes = self.window_of_spikes();
            let one = |invocations| (Units::Count { count: 1, grain: 1 }, invocations);
            match &population.kind {
                network::Kind::Poisson(p) => {
                    let window = self.window_of(k, None);
                    let showing = match p[..] {
                        [p] => poisson_alike::sources(p, &window),
                        _ => poisson::sources(p.iter().copied(), &window),
                    };
                    self.show(k, &window, vec![showing], launches);
                }
                network::Kind::Images(images) => {
                    let window = self.window_of(k, Some(images));
                    let showings = images.encoder.code().show(&window);
                    self.show(k, &window, showings, launches);
                }
                network::Kind::Spikes(_) => {
                    let words = 2 * blocks(n);
                    let given =
                        self.arrays.zero_words(format!("{name}.given"), words * self.options.steps);
                    self.ports.given[k] = Some(given);
                    let params =
                        given_spikes::GivenSpikesParams::<f64> { words: words as u32, row, first };
                    let args = vec![whole(given), spikes];
                    let kernel = &given_spikes::KERNEL;
                    let launch = self.launch(kernel, name, params.words(), args, one(words));
                    launches.push(Launch { per_step: true, ..launch });
                }
                _ => {}
            }
        }
    }

    /// How a population shows samples, or draws spikes by itself.
    pub(super) fn window_of(&self, k: usize, images: Option<&Images>) -> Window {
        let [frames, hold] = shown(images, self.options.steps, self.network.dt);
        Window {
            dt: self.network.dt,
            n: self.network.populations[k].size as u32,
            rows: self.options.steps as u32,
            history: self.history_rows() as u32,
            row: self.ports.row as u32,
            first: self.ports.first_word[k] as u32,
            frames,
            hold,
            stream: stream(Purpose::Input, k as u32),
        }
    }

    pub(super) fn show(
        &mut self,
        k: usize,
        window: &Window,
        showings: Vec<Showing>,
        launches: &mut Vec<Launch>,
    ) {
        let name = &self.network.populations[k].name;
        let mut made = None;
        for showing in showings {
            let args = showing.args.into_iter().map(|given| match given {
                Given::Pixels => {
                    let len = pixel_words(self.network.pixels());
                    let pixels = self.arrays.zero_words(format!("{name}.pixels"), len);
                    self.input.pixels = Some(pixels);
                    whole(pixels)
                }
                Given::Intensities => {
                    let (what, len) = (format!("{name}.intensities"), window.words());
                    let array = *made.get_or_insert_with(|| self.arrays.zero_words(what, len));
                    each(array, len)
                }
                Given::Nothing => whole(self.arrays.unused.words),
                Given::Presentation => whole(self.input.presentation),
                Given::Table(what, table) => {
                    whole(self.arrays.words(format!("{name}.{what}"), table))
                }
                Given::Sent => self.window_of_spikes(),
            });
            let args = args.collect();
            let size = (Units::Count { count: 1, grain: 1 }, showing.per_sample as usize);
            let launch = self.launch(showing.kernel, name, showing.params, args, size);
            launches.push(Launch { per_step: showing.per_step, ..launch });
        }
    }

    /// Spikes of all populations in all steps.
    pub(super) fn window_of_spikes(&self) -> Arg {
        each(self.ports.spikes, self.arrays[self.ports.spikes].len)
    }

    /// Stimuli. Those of events are for the neurons' own kernel to draw. Which array of currents each population
    /// reads, if it has noise.
    pub(super) fn stimuli(&mut self, launches: &mut Vec<Launch>) -> Vec<Option<Reals>> {
        let count = self.network.populations.len();
        let mut currents = vec![None; count];
        let mut events = vec![Vec::new(); count];
        for (index, stimulus) in self.network.stimuli.iter().enumerate() {
            let k = stimulus.to;
            let (n, name) = (self.network.populations[k].size, &self.network.populations[k].name);
            let [start_lo, start_hi] = halves(stimulus.start);
            let [stop_lo, stop_hi] = halves(stimulus.stop);
            let stream = stream(Purpose::Input, (1 << 16) + index as u32);
            let padded = blocks(n) * BLOCK;
            let spread = |values: &[f64], own: bool| {
                let mut values = values.to_vec();
                if own {
                    values.resize(padded, 0.0);
                }
                values
            };
            match &stimulus.input {
                Input::Poisson { means, .. } if means.iter().all(|mean| *mean <= 0.0) => {}
                Input::Poisson { means, weight, receptor } => {
                    let tables = poisson_drive::tables(means);
                    let lifted: Vec<f64> = means.iter().map(|x| x * self.options.room).collect();
                    let largest = poisson_drive::tables(&lifted);
                    let room = [
                        largest.0.len().saturating_sub(tables.0.len()),
                        largest.1.len().saturating_sub(tables.1.len()),
                    ];
                    let event = Event {
                        receptor: *receptor as f64,
                        weight: f64::from(self.fixed(k, *receptor, *weight)),
                        stream: f64::from(stream),
                        start_lo: f64::from(start_lo),
                        start_hi: f64::from(start_hi),
                        stop_lo: f64::from(stop_lo),
                        stop_hi: f64::from(stop_hi),
                        level: 0.0,
                        first: 0.0,
                        own: 0.0,
                    };
                    events[k].push((index, (event, tables, room)));
                }
                Input::Current { factors, .. } if factors.len() > 1 => {
                    let current = self.current(&mut currents[k], name, padded);
                    let course = self
                        .arrays
                        .zero_reals(format!("stimulus.{index}.course"), self.options.steps);
                    self.ports.courses[index] = Some(course);
                    let factor = spread(factors, true);
                    let factor = self.arrays.reals(format!("stimulus.{index}.factor"), factor);
                    let params = current::CurrentParams::<f64> {
                        n: n as u32,
                        accumulate: u32::from(current.1),
                    };
                    let args = vec![whole(course), each(factor, 1), each(current.0, 1)];
                    let grain = if self.network.neurons() as usize <= ALONE { n } else { 4096 };
                    let size = (Units::Count { count: n, grain }, n);
                    let kernel = &current::KERNEL;
                    launches.push(self.launch(kernel, name, params.words(), args, size));
                }
                Input::Current { .. } => {
                    if self.ports.drive[k].is_none() {
                        let drive =
                            self.arrays.zero_reals(format!("{name}.drive"), self.options.steps);
                        self.ports.drive[k] = Some(drive);
                    }
                }
                Input::Noise { means, stds, fall } => {
                    let (fall, own) = (*fall, means.len().max(stds.len()) > 1);
                    let current = self.current(&mut currents[k], name, padded);
                    let params = noise::NoiseParams {
                        n: n as u32,
                        stream,
                        own: u32::from(own),
                        fall,
                        fresh: noise::fresh(fall),
                        start_lo,
                        start_hi,
                        stop_lo,
                        stop_hi,
                        accumulate: u32::from(current.1),
                    };
                    let all = |values: &[f64]| match (values, own) {
                        ([value], true) => vec![*value; n],
                        _ => values.to_vec(),
                    };
                    let mean = spread(&all(means), own);
                    let mean = self.arrays.reals(format!("stimulus.{index}.mean"), mean);
                    let deviation = spread(&all(stds), own);
                    let deviation =
                        self.arrays.reals(format!("stimulus.{index}.deviation"), deviation);
                    let process =
                        self.arrays.zero_reals(format!("stimulus.{index}.process"), padded);
                    let one = || self.arrays.reals(format!("{name}.noise"), vec![1.0]);
                    let strength = *self.noise[k].get_or_insert_with(one);
                    let shared = |array| if own { each(array, 1) } else { whole(array) };
                    let args = vec![
                        each(process, 1),
                        each(current.0, 1),
                        whole(strength),
                        shared(mean),
                        shared(deviation),
                    ];
                    let grain = if self.network.neurons() as usize <= ALONE { n } else { 4096 };
                    let size = (Units::Count { count: n, grain }, n);
                    launches.push(self.launch(&noise::KERNEL, name, params.words(), args, size));
                }
            }
        }
        for (k, events) in events.into_iter().enumerate().filter(|(_, events)| !events.is_empty()) {
            let (indices, stimuli): (Vec<usize>, _) = events.into_iter().unzip();
            let (words, places) = poisson_drive::laid_out(stimuli);
            let name = format!("{}.event", self.network.populations[k].name);
            let array = self.arrays.words(name, words);
            self.events[k] = Some((array, indices.len()));
            for (index, places) in indices.into_iter().zip(places) {
                self.ports.events[index] = Some((array, places));
            }
        }
        currents
    }

    /// Currents of the neurons of a population, and whether something is in them already.
    pub(super) fn current(
        &mut self,
        known: &mut Option<Reals>,
        name: &str,
        padded: usize,
    ) -> (Reals, bool) {
        let before = *known;
        let made = || self.arrays.zero_reals(format!("{name}.current"), padded);
        (*known.get_or_insert_with(made), before.is_some())
    }
}
