//! Modulators of a training: concentrations, and gains by them.
//!
//! Sources release the substances, or the scene at given times, or neurons that nothing of what the substance acts on reaches.
//! So concentrations of all steps are there before what they act on. A gain multiplies what has arrived at a receptor just before the
//! neurons take it. On the way back they leave gradients by what they took in the same place, and the same launch makes
//! gradients by what was delivered of these: whatever comes before or behind knows of no gain. Where neurons release a
//! substance, what arrived is kept from before its gain; gradients by the gain become gradients by the concentration
//! ([`gain_gradient`]), and these gradients by the spikes that released it ([`concentration_back`]).

use super::*;
use crate::network::Effect;
use crate::slow::fall;
use crate::train::concentration::{self, ConcentrationParams};
use crate::train::concentration_back::{self, ConcentrationBackParams};
use crate::train::gain::{self, GainParams};
use crate::train::gain_gradient::{self, GainGradientParams};
use crate::train::keep_arrivals::{self, KeepArrivalsParams};

/// Arrays of a modulator, samples × steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    /// Concentration above rest in each step.
    acting: Reals,
    /// Gradient by it, if what releases it gets one, and whether something is in it.
    back: Option<(Reals, bool)>,
}

/// A gain of what arrives at a receptor of some neurons.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gated {
    modulator: usize,
    receptor: usize,
    neurons: [usize; 2],
    slope: f64,
    /// What arrived before the gain, samples × steps × neurons, if it is kept.
    kept: Option<Reals>,
}

impl Tapes<'_> {
    /// Whether gradients go through a modulator to what releases it.
    fn is_felt(&self, index: usize) -> bool {
        let m = &self.network.modulators[index];
        let active = |k: usize| self.layout.pops[k].active;
        let acts = |effect: &Effect| matches!(effect, Effect::Gain { population, .. } if active(*population));
        m.spikes.iter().any(|(k, _)| active(*k)) && m.effects.iter().any(acts)
    }

    /// Concentrations of a modulator above rest that act in each step of a window.
    pub(super) fn concentration(&mut self, index: usize, launches: &mut Vec<Launch>) {
        let (m, steps) = (&self.network.modulators[index], self.layout.steps);
        let mut release = vec![0.0; steps];
        for (step, amount) in &m.events {
            // What comes after the window never does.
            if let Some(release) = release.get_mut(*step as usize) {
                *release += amount;
            }
        }
        let release = self.layout.arrays.reals(format!("{}.release", m.name), release);
        let len = self.layout.batch * steps;
        let acting = self.layout.arrays.zero_reals(format!("{}.acting", m.name), len);
        let by_level = format!("{}.by_level", m.name);
        let back = self.is_felt(index).then(|| self.layout.arrays.zero_reals(by_level, len));
        self.levels[index] = Some(Level { acting, back: back.map(|array| (array, false)) });
        let none = [(usize::MAX, 0.0)];
        let sources = if m.spikes.is_empty() { &none[..] } else { &m.spikes };
        for (k, (population, amount)) in sources.iter().enumerate() {
            let pop = self.layout.pops.get(*population).copied();
            let soft = pop.is_some() && self.is_soft(*population);
            let p = ConcentrationParams::<f64> {
                steps: steps as u32,
                history: pop.map_or(0, |pop| pop.history as u32),
                words: pop.map_or(0, |pop| if soft { 0 } else { spike_words(pop.n) as u32 }),
                soft: pop.map_or(0, |pop| if soft { pop.n as u32 } else { 0 }),
                accumulate: u32::from(k > 0),
                start: if k == 0 { m.start - m.baseline } else { 0.0 },
                fall: fall(self.network.dt, m.tau),
                amount: *amount,
            };
            let unused = self.layout.arrays.unused;
            let sent = match pop {
                Some(_) => self.sent_both(*population),
                None => [whole(unused.words), whole(unused.reals)],
            };
            let args = vec![sent[0], sent[1], whole(release), each(acting, steps)];
            let kernel = &concentration::KERNEL;
            launches.push(self.by_sample(kernel, &m.name, p.words(), args, 1));
        }
    }

    /// Gains of what arrived at the neurons of a population.
    pub(super) fn gains(&mut self, k: usize, launches: &mut Vec<Launch>) {
        let network = self.network;
        let (pop, steps, mut gated) = (self.layout.pops[k], self.layout.steps, Vec::new());
        let levels = network.modulators.iter().zip(self.levels.clone()).enumerate();
        for (modulator, (m, level)) in levels {
            let Some(level) = level else { continue };
            for (which, effect) in m.effects.iter().enumerate() {
                let Effect::Gain { population, receptor, neurons, slope } = *effect else {
                    continue;
                };
                let receptors = match receptor {
                    Some(receptor) => receptor..receptor + 1,
                    None => 0..receptors_of(&network.populations[k].kind),
                };
                for receptor in receptors.filter(|_| population == k) {
                    if !self.has_arrived(k, receptor) {
                        continue;
                    }
                    let n = neurons[1] - neurons[0];
                    let kept = level.back.filter(|_| pop.active).map(|_| {
                        let name = format!("{}.effect.{which}.arrivals.{receptor}", m.name);
                        self.layout.arrays.zero_reals(name, self.layout.batch * steps * n)
                    });
                    let one = Gated { modulator, receptor, neurons, slope, kept };
                    if let Some(kept) = kept {
                        let p = KeepArrivalsParams::<f64> {
                            n: n as u32,
                            first: (receptor * pop.n + neurons[0]) as u32,
                            width: pop.width as u32,
                            steps: steps as u32,
                        };
                        let args = vec![self.tape(&pop), each(kept, steps * n)];
                        let kernel = &keep_arrivals::KERNEL;
                        launches.push(self.by_sample(kernel, &m.name, p.words(), args, n));
                    }
                    launches.push(self.gain(k, level.acting, &one));
                    gated.push(one);
                }
            }
        }
        self.gated[k] = gated;
    }

    /// The same of gradients by what they took, the last gain first.
    pub(super) fn gains_back(&mut self, k: usize, launches: &mut Vec<Launch>) {
        let (pop, steps) = (self.layout.pops[k], self.layout.steps);
        for one in self.gated[k].clone().into_iter().rev() {
            let Gated { modulator, receptor, neurons: [from, to], slope, kept } = one;
            let Some(Level { acting, back }) = self.levels[modulator] else { continue };
            if let (Some(kept), Some((by_level, filled))) = (kept, back) {
                let n = to - from;
                let p = GainGradientParams::<f64> {
                    n: n as u32,
                    first: (receptor * pop.n + from) as u32,
                    width: pop.width as u32,
                    steps: steps as u32,
                    accumulate: u32::from(filled),
                    slope,
                };
                self.levels[modulator] = Some(Level { acting, back: Some((by_level, true)) });
                let args = vec![
                    each(acting, steps),
                    each(kept, steps * n),
                    self.tape(&pop),
                    each(by_level, steps),
                ];
                let (kernel, name) =
                    (&gain_gradient::KERNEL, &self.network.modulators[modulator].name);
                let launch = self.by_sample(kernel, name, p.words(), args, 1);
                launches.push(Launch { per_step: true, ..launch });
            }
            launches.push(self.gain(k, acting, &one));
        }
    }

    fn gain(&self, k: usize, acting: Reals, one: &Gated) -> Launch {
        let (pop, steps) = (self.layout.pops[k], self.layout.steps);
        let [from, to] = one.neurons;
        let p = GainParams::<f64> {
            n: (to - from) as u32,
            first: (one.receptor * pop.n + from) as u32,
            width: pop.width as u32,
            steps: steps as u32,
            slope: one.slope,
        };
        let args = vec![each(acting, steps), self.tape(&pop)];
        let name = &self.network.modulators[one.modulator].name;
        self.by_sample(&gain::KERNEL, name, p.words(), args, to - from)
    }

    /// Gradients by a concentration become gradients by the spikes that release it.
    pub(super) fn concentration_back(&mut self, index: usize, launches: &mut Vec<Launch>) {
        let (m, steps) = (&self.network.modulators[index], self.layout.steps);
        let Some(Level { back: Some((by_level, true)), .. }) = self.levels[index] else { return };
        for &(k, amount) in &m.spikes {
            let Pop { n, active: true, .. } = self.layout.pops[k] else { continue };
            let (cotangent, filled) = self.cotangent(k);
            let p = ConcentrationBackParams::<f64> {
                n: n as u32,
                steps: steps as u32,
                accumulate: u32::from(filled),
                fall: fall(self.network.dt, m.tau),
                amount,
            };
            let args = vec![each(by_level, steps), cotangent];
            let kernel = &concentration_back::KERNEL;
            launches.push(self.by_sample(kernel, &m.name, p.words(), args, n));
        }
    }
}
