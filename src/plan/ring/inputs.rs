//! What comes into a simulation: sources, and what acts on neurons beside spikes.

use super::*;
use crate::input::poisson_drive::{self, Event};
use crate::input::{current, given_spikes, noise, pixel_words, poisson, poisson_alike};
use crate::kernel::halves;
use crate::network::{self, Input};
use crate::neuron::stepped::BLOCK;
use crate::rng::{Purpose, stream};

impl Rings<'_> {
    /// What a source sends by itself, for all steps of a window at once.
    pub(super) fn show(&mut self, k: usize, launches: &mut Vec<Launch>) {
        let network = self.network;
        let (steps, name) = (self.options.steps, &network.populations[k].name);
        let once = Units::Count { count: 1, grain: 1 };
        let sent = self.window_of_spikes();
        let mut stand = Stand {
            rows: steps,
            history: self.history_rows(),
            row: self.ports.row,
            first: self.ports.first_word[k],
            pixels: whole(self.arrays.unused.words),
            presentation: self.input.presentation,
            sent,
            batch: 1,
            units: once,
        };
        match &network.populations[k].kind {
            network::Kind::Poisson(p) => {
                let showing = |window: &_| match p[..] {
                    [p] => vec![poisson_alike::sources(p, window)],
                    _ => vec![poisson::sources(p.iter().copied(), window)],
                };
                launches.extend(stand.show(network, k, steps, &mut self.arrays, showing));
            }
            network::Kind::Images(images) => {
                let len = pixel_words(network.pixels());
                let pixels = self.arrays.zero_words(format!("{name}.pixels"), len);
                self.input.pixels = Some(pixels);
                stand.pixels = whole(pixels);
                let showings = |window: &_| images.encoder.code().show(window);
                launches.extend(stand.show(network, k, steps, &mut self.arrays, showings));
            }
            network::Kind::Spikes(_) => {
                let words = 2 * blocks(network.populations[k].size);
                let given = self.arrays.zero_words(format!("{name}.given"), words * steps);
                self.ports.given[k] = Some(given);
                let params = given_spikes::GivenSpikesParams::<f64> {
                    words: words as u32,
                    row: self.ports.row as u32,
                    first: self.first_word(k) as u32,
                };
                let (kernel, args) = (&given_spikes::KERNEL, vec![whole(given), sent]);
                let launch = self.launch(kernel, name, params.words(), args, (once, words));
                launches.push(Launch { per_step: true, ..launch });
            }
            network::Kind::Stepped(_) => {}
        }
    }

    /// Spikes of all populations in all steps.
    pub(super) fn window_of_spikes(&self) -> Arg {
        each(self.ports.spikes, self.arrays[self.ports.spikes].len)
    }

    /// Stimuli of a population. Those of events are for the neurons' own kernel to draw.
    pub(super) fn stimuli(&mut self, k: usize, launches: &mut Vec<Launch>) {
        let mut events = Vec::new();
        let (n, name) = (self.network.populations[k].size, &self.network.populations[k].name);
        let stimuli = self.network.stimuli.iter().enumerate().filter(|(_, s)| s.to == k);
        for (index, stimulus) in stimuli {
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
                    events.push((index, (event, tables, room)));
                }
                Input::Current { factors, .. } if factors.len() > 1 => {
                    let current = self.current(k, padded);
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
                    let current = self.current(k, padded);
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
        if events.is_empty() {
            return;
        }
        let (indices, stimuli): (Vec<usize>, _) = events.into_iter().unzip();
        let (words, places) = poisson_drive::laid_out(stimuli);
        let array = self.arrays.words(format!("{name}.event"), words);
        self.events[k] = Some((array, indices.len()));
        for (index, places) in indices.into_iter().zip(places) {
            self.ports.events[index] = Some((array, places));
        }
    }

    /// Currents of the neurons of a population, and whether something is in them already.
    fn current(&mut self, k: usize, padded: usize) -> (Reals, bool) {
        let before = self.currents[k];
        let name = &self.network.populations[k].name;
        let made = || self.arrays.zero_reals(format!("{name}.current"), padded);
        (*self.currents[k].get_or_insert_with(made), before.is_some())
    }
}
