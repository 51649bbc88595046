//! Stimuli of a training that are drawn: noise currents and Poisson input, for all steps of a window at once, and each sample
//! with its own. They are part of the network, so tests have them too; no gradient goes through them.

use super::*;
use crate::input::{noise, noise_window, poisson_drive, poisson_window};
use crate::network::{Input, Network, Stimulus};
use crate::rng::{Purpose, stream};

/// Whether a population gets currents of each step.
pub(super) fn is_driven(network: &Network, k: usize) -> bool {
    let mut stimuli = network.stimuli.iter().filter(|stimulus| stimulus.to == k);
    stimuli.any(|stimulus| !matches!(stimulus.input, Input::Poisson { .. }))
}

/// The receptors of a population that get Poisson input, a bit for each.
pub(super) fn receives(network: &Network, k: usize) -> u32 {
    let into = network.stimuli.iter().filter(|stimulus| stimulus.to == k);
    into.fold(0, |bits, stimulus| match stimulus.input {
        Input::Poisson { receptor, .. } => bits | 1 << receptor,
        _ => bits,
    })
}

/// What stimuli that are not drawn bring to a population in each step, steps × neurons.
pub(super) fn course(network: &Network, k: usize, steps: usize) -> Vec<f64> {
    let n = network.populations[k].size;
    let stimuli: Vec<_> = network.stimuli.iter().filter(|stimulus| stimulus.to == k).collect();
    let at = |step: usize, id: usize| -> f64 {
        stimuli.iter().map(|stimulus| stimulus.current(id, step as u64)).sum()
    };
    (0..steps)
        .flat_map(|step| (0..n).map(move |id| (step, id)))
        .map(|(step, id)| at(step, id))
        .collect()
}

impl Tapes<'_> {
    /// Draws what the stimuli of a population bring that are drawn.
    pub(super) fn drawn(&mut self, k: usize, launches: &mut Vec<Launch>) {
        let network = self.network;
        let mut noisy = false;
        for (index, stimulus) in network.stimuli.iter().enumerate().filter(|(_, s)| s.to == k) {
            match &stimulus.input {
                Input::Current { .. } => {}
                Input::Poisson { means, weight, receptor } => {
                    let accumulate = u32::from(self.arrived(k, *receptor));
                    launches.push(self.events(index, (means, *weight, *receptor), accumulate));
                }
                Input::Noise { means, stds, fall } => {
                    launches.push(self.currents(index, [means, stds], *fall, noisy));
                    noisy = true;
                }
            }
        }
    }

    /// Steps of the window in which there is a stimulus, and its stream.
    fn when(&self, index: usize, stimulus: &Stimulus) -> ([u32; 2], u32) {
        let within = |step: u64| step.min(self.layout.steps as u64) as u32;
        let stream = stream(Purpose::Input, (1 << 16) + index as u32);
        ([within(stimulus.start), within(stimulus.stop)], stream)
    }

    fn events(
        &mut self,
        index: usize,
        (means, weight, receptor): (&[f64], f64, usize),
        accumulate: u32,
    ) -> Launch {
        let stimulus = &self.network.stimuli[index];
        let pop = self.layout.pops[stimulus.to];
        let ([start, stop], stream) = self.when(index, stimulus);
        let (level, first) = poisson_drive::tables(means);
        let p = poisson_window::PoissonWindowParams::<f64> {
            n: pop.n as u32,
            steps: self.layout.steps as u32,
            stride: pop.width as u32,
            place: (receptor * pop.n) as u32,
            own: u32::from(first.len() > 1),
            stream,
            start,
            stop,
            accumulate,
            weight,
        };
        let level = self.layout.arrays.words(format!("stimulus.{index}.level"), level);
        let first = self.layout.arrays.words(format!("stimulus.{index}.first"), first);
        let presentation = each(self.layout.input.presentation, 1);
        let args = vec![presentation, whole(level), whole(first), self.tape(&pop)];
        let name = &self.network.populations[stimulus.to].name;
        let fours = self.layout.steps * pop.n.div_ceil(4);
        self.by_sample(&poisson_window::KERNEL, name, p.words(), args, fours)
    }

    fn currents(
        &mut self,
        index: usize,
        [means, stds]: [&[f64]; 2],
        fall: f64,
        accumulate: bool,
    ) -> Launch {
        let stimulus = &self.network.stimuli[index];
        let k = stimulus.to;
        let (pop, steps) = (self.layout.pops[k], self.layout.steps);
        let ([start, stop], stream) = self.when(index, stimulus);
        let own = means.len().max(stds.len()) > 1;
        let all = |values: &[f64]| match (values, own) {
            ([value], true) => vec![*value; pop.n],
            _ => values.to_vec(),
        };
        let p = noise_window::NoiseWindowParams {
            n: pop.n as u32,
            steps: steps as u32,
            stride: pop.width as u32,
            // Behind what arrives at receptors.
            place: (self.receptors(k) * pop.n) as u32,
            stream,
            own: u32::from(own),
            start,
            stop,
            accumulate: u32::from(accumulate),
            fall,
            fresh: noise::fresh(fall),
        };
        let mean = self.layout.arrays.reals(format!("stimulus.{index}.mean"), all(means));
        let deviation = self.layout.arrays.reals(format!("stimulus.{index}.deviation"), all(stds));
        let name = &self.network.populations[k].name;
        let course = match accumulate {
            true => self.layout.arrays.unused.reals,
            false => {
                self.layout.arrays.reals(format!("{name}.course"), course(self.network, k, steps))
            }
        };
        let presentation = each(self.layout.input.presentation, 1);
        let args =
            vec![presentation, whole(course), whole(mean), whole(deviation), self.tape(&pop)];
        self.by_sample(&noise_window::KERNEL, name, p.words(), args, pop.n)
    }
}
