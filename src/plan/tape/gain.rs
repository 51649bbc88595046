//! Modulators of a training: concentrations, and gains by them.
//!
//! Sources release the substances, or the scene at given times. So concentrations of all steps are there before anything
//! arrives, and do not depend on what is learned. A gain multiplies what has arrived at a receptor just before the
//! neurons take it. On the way back they leave gradients by what they took in the same place, and the same launch makes
//! gradients by what was delivered of these: whatever comes before or behind knows of no gain.

use super::*;
use crate::network::Effect;
use crate::slow::fall;
use crate::train::concentration::{self, ConcentrationParams};
use crate::train::gain::{self, GainParams};

impl Tapes<'_> {
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
        self.acting.push(acting);
        let none = [(usize::MAX, 0.0)];
        let sources = if m.spikes.is_empty() { &none[..] } else { &m.spikes };
        for (k, (population, amount)) in sources.iter().enumerate() {
            let pop = self.layout.pops.get(*population).copied();
            let p = ConcentrationParams::<f64> {
                steps: steps as u32,
                history: pop.map_or(0, |pop| pop.history as u32),
                words: pop.map_or(0, |pop| spike_words(pop.n) as u32),
                accumulate: u32::from(k > 0),
                start: if k == 0 { m.start - m.baseline } else { 0.0 },
                fall: fall(self.network.dt, m.tau),
                amount: *amount,
            };
            let args = vec![
                pop.map_or(whole(self.layout.arrays.unused.words), |pop| self.spikes(&pop)),
                whole(release),
                each(acting, steps),
            ];
            let kernel = &concentration::KERNEL;
            launches.push(self.by_sample(kernel, &m.name, p.words(), args, 1));
        }
    }

    /// Gains of what arrived at the neurons of a population, or of gradients by what they took.
    pub(super) fn gains(&self, k: usize, launches: &mut Vec<Launch>) {
        let pop = self.layout.pops[k];
        for (m, acting) in self.network.modulators.iter().zip(&self.acting) {
            for effect in &m.effects {
                let Effect::Gain { population, receptor, neurons: [from, to], slope } = *effect
                else {
                    continue;
                };
                let receptors = match receptor {
                    Some(receptor) => receptor..receptor + 1,
                    None => 0..receptors_of(&self.network.populations[k].kind),
                };
                for receptor in receptors.filter(|r| population == k && self.has_arrived(k, *r)) {
                    let p = GainParams::<f64> {
                        n: (to - from) as u32,
                        first: (receptor * pop.n + from) as u32,
                        width: pop.width as u32,
                        steps: self.layout.steps as u32,
                        slope,
                    };
                    let args = vec![each(*acting, self.layout.steps), self.tape(&pop)];
                    let kernel = &gain::KERNEL;
                    launches.push(self.by_sample(kernel, &m.name, p.words(), args, to - from));
                }
            }
        }
    }
}
