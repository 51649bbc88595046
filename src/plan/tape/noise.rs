//! Noise of a training: what arrives besides at neurons, and what is added to the values of sources.
//!
//! Noise of currents is the first that arrives: it overwrites, and deliveries add to it. So both programs have it, and
//! in `evaluate` its deviation is 0.

use super::*;
use crate::network;

use crate::rng::{Purpose, stream};
use crate::scene::Images;
use crate::train::noise::{self, NoiseParams};

impl Tapes<'_> {
    /// The receptor at which noise arrives, if a population gets any.
    pub(super) fn noise_enters(&self, k: usize) -> Option<usize> {
        self.training.noise.filter(|noise| noise.currents > 0.0)?;
        let population = &self.network.populations[k];
        match &population.kind {
            network::Kind::Stepped(neurons) if population.spikes() => {
                neurons.receptors().iter().position(|receptor| receptor.e_rev.is_none())
            }
            _ => None,
        }
    }

    /// Noise of all steps into a population, ahead of what is delivered.
    pub(super) fn noise_of_currents(&mut self, k: usize) -> Option<Launch> {
        let receptor = self.noise_enters(k)?;
        self.arrived(k, receptor);
        let pop = self.layout.pops[k];
        let p = NoiseParams::<f64> {
            n: pop.n as u32,
            rows: self.layout.steps as u32,
            history: 0,
            stride: pop.width as u32,
            first: (receptor * pop.n) as u32,
            stream: stream(Purpose::Noise, k as u32),
            accumulate: 0,
            deviation: self.training.noise.unwrap_or_default().currents,
        };
        Some(self.noise(k, p, self.tape(&pop)))
    }

    /// Noise of the values of sources.
    pub(super) fn noise_of_inputs(&self, k: usize, images: &Images) -> Option<Launch> {
        let noise = self.training.noise.filter(|noise| noise.inputs > 0.0)?;
        let gain = images.encoder.code().gain()?;
        let pop = self.layout.pops[k];
        let p = NoiseParams::<f64> {
            n: pop.n as u32,
            rows: self.sent_rows(k) as u32,
            history: pop.history as u32,
            stride: pop.n as u32,
            first: 0,
            stream: stream(Purpose::Noise, k as u32),
            accumulate: 1,
            deviation: gain * noise.inputs,
        };
        Some(self.noise(k, p, self.sent_values(k)))
    }

    fn noise(&self, k: usize, p: NoiseParams<f64>, values: Arg) -> Launch {
        let args = vec![each(self.layout.input.presentation, 1), values];
        let (name, per_sample) =
            (&self.network.populations[k].name, p.rows as usize * p.n as usize);
        self.by_sample(&noise::KERNEL, name, p.words(), args, per_sample)
    }
}

/// Takes the noise out of a program.
pub(super) fn silence(stages: &mut [Stage]) {
    let launches = stages.iter_mut().flat_map(Stage::launches_mut);
    for launch in launches.filter(|launch| launch.kernel.name == noise::KERNEL.name) {
        for (field, word) in launch.kernel.params.iter().zip(&mut launch.params) {
            if field.name == "deviation" {
                *word = Word::F(0.0);
            }
        }
    }
}
