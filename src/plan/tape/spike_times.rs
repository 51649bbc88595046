//! Times of spikes in a training: gradients by them, and a loss of the first ones.

use super::*;
use crate::kernel::spike_words;
use crate::network;
use crate::train::first_spikes::FirstSpike;
use crate::train::loss::Of;
use crate::train::{first_spike_ramp, first_spike_terms, first_spikes};

/// First spikes of the neurons that answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Firsts {
    /// Of which population.
    population: usize,
    /// Time constant of the softmax, of the term for early spikes, and a step \[ms\].
    tau: f64,
    tau_late: f64,
    dt: f64,
    /// Factor on the term for early spikes.
    alpha: f64,
    /// What is paid for each mV that a silent neuron lacks.
    push: f64,
    /// Steps of first spikes, and steps in which neurons are pushed, samples × n.
    first: Words,
    peak: Words,
}

impl Tapes<'_> {
    /// What the loss pays for each mV that the neurons of a population lack at their peaks, and where these are, if it
    /// does.
    pub(super) fn pushed(&self, k: usize) -> Option<(f64, Words)> {
        let firsts = self.firsts.filter(|firsts| firsts.population == k && firsts.push > 0.0)?;
        Some((firsts.push, firsts.peak))
    }

    /// First spikes of the population that answers, if the loss is of their times, and the answers.
    pub(super) fn first_spikes(&mut self) -> Option<Launch> {
        let Of::FirstSpikes(loss) = self.training.loss.of() else { return None };
        let FirstSpike { population, tau, alpha, tau_late, push } = loss;
        let k = self.network.populations.iter().position(|p| p.name == *population)?;
        let pop = self.layout.pops[k];
        if self.firsts.is_none() {
            let unit = match &self.network.populations[k].kind {
                network::Kind::Stepped(neurons) => neurons.trained().unit,
                _ => 1.0,
            };
            let len = self.layout.batch * pop.n;
            let mut array =
                |what: &str| self.layout.arrays.zero_words(format!("{population}.{what}"), len);
            self.firsts = Some(Firsts {
                population: k,
                tau: tau.get(),
                tau_late: tau_late.unwrap_or(*tau).get(),
                dt: self.network.dt,
                alpha: *alpha,
                push: push / unit,
                first: array("first"),
                peak: array("pushed_at"),
            });
        }
        let firsts = self.firsts?;
        let p = first_spikes::FirstSpikesParams::<f64> {
            n: pop.n as u32,
            steps: self.layout.steps as u32,
            history: pop.history as u32,
            per_step: firsts.dt / firsts.tau,
        };
        let args = vec![
            each(pop.spikes, (pop.history + self.layout.steps) * spike_words(pop.n)),
            each(firsts.first, pop.n),
            each(self.answer().output, pop.n),
        ];
        Some(self.by_sample(&first_spikes::KERNEL, population, p.words(), args, pop.n))
    }

    /// What such a loss has beside its cross-entropy.
    pub(super) fn first_spike_terms(&self) -> Option<Launch> {
        let firsts = self.firsts.filter(|firsts| firsts.alpha > 0.0 || firsts.push > 0.0)?;
        let pop = self.layout.pops[firsts.population];
        let p = first_spike_terms::FirstSpikeTermsParams::<f64> {
            n: pop.n as u32,
            steps: self.layout.steps as u32,
            slots: SLOTS as u32,
            alpha: firsts.alpha,
            rise: firsts.dt / firsts.tau_late,
            by_output: firsts.tau / firsts.tau_late,
            push: firsts.push,
        };
        let AnswerPorts { supervision, gradient, .. } = self.answer();
        let args = vec![
            each(firsts.first, pop.n),
            each(supervision.labels()?, 1),
            if firsts.push > 0.0 {
                self.tape(&pop)
            } else {
                whole(self.layout.arrays.unused.reals)
            },
            each(gradient, pop.n),
            each(self.layout.ports.losses, SLOTS),
            each(firsts.peak, pop.n),
        ];
        let name = &self.network.populations[firsts.population].name;
        Some(self.by_sample(&first_spike_terms::KERNEL, name, p.words(), args, 1))
    }

    /// Gradients by when the neurons of a population spike first become gradients by their spikes.
    pub(super) fn first_spike_ramp(&mut self, k: usize) -> Option<Launch> {
        let pop = self.layout.pops[k];
        let firsts = self.firsts.filter(|firsts| firsts.population == k && pop.active)?;
        let (cotangent, filled) = self.cotangent(k);
        let p = first_spike_ramp::FirstSpikeRampParams::<f64> {
            n: pop.n as u32,
            steps: self.layout.steps as u32,
            per_step: firsts.dt / firsts.tau,
            accumulate: u32::from(filled),
        };
        let args = vec![each(firsts.first, pop.n), each(self.answer().gradient, pop.n), cotangent];
        let name = &self.network.populations[k].name;
        Some(self.by_sample(&first_spike_ramp::KERNEL, name, p.words(), args, pop.n))
    }
}
