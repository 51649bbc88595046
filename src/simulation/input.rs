//! What the host gives a window before it runs: currents, given spikes, releases, rewards for pairs of spikes.

use super::{Simulation, SimulationError};
use crate::network::{Course, Input, Kind, Stimulus};
use crate::neuron::stepped::BLOCK;
use crate::plan::ModulatorPorts;

/// Adds a stimulus to the currents of the steps from `start` on.
fn add_course(
    currents: &mut [f32],
    start: u64,
    stimulus: &Stimulus,
    course: &dyn Course,
    factor: f64,
) {
    let length = stimulus.stop.saturating_sub(stimulus.start).max(1);
    for (t, current) in currents.iter_mut().enumerate() {
        let step = start + t as u64;
        if (stimulus.start..stimulus.stop).contains(&step) {
            *current += (factor * course.at(step - stimulus.start, length)) as f32;
        }
    }
}

impl Simulation<'_> {
    /// Currents and given spikes of the window that starts at `start`.
    pub(super) fn write_input(&mut self, start: u64, steps: usize) -> Result<(), SimulationError> {
        for (stimulus, array) in self.network.stimuli.iter().zip(&self.ports.courses) {
            if let (Some(array), Input::Current { course, .. }) = (array, &stimulus.input) {
                let mut values = vec![0f32; steps];
                add_course(&mut values, start, stimulus, &**course, 1.0);
                self.engine.write_reals(*array, &values)?;
            }
        }
        for (k, population) in self.network.populations.iter().enumerate() {
            if let Some(array) = self.ports.drive[k] {
                let mut drive = vec![0f32; steps];
                for stimulus in self.network.stimuli.iter().filter(|s| s.to == k) {
                    if let Input::Current { course, factors } = &stimulus.input
                        && let [factor] = factors[..]
                    {
                        add_course(&mut drive, start, stimulus, &**course, factor);
                    }
                }
                self.engine.write_reals(array, &drive)?;
            }
            if let (Some(array), Kind::Spikes(times)) = (self.ports.given[k], &population.kind) {
                let width = population.size.div_ceil(BLOCK) * 2;
                let mut words = vec![0u32; steps * width];
                for (id, times) in times.iter().enumerate() {
                    let first = times.partition_point(|t| *t < start);
                    for t in times[first..].iter().take_while(|t| **t < start + steps as u64) {
                        words[(t - start) as usize * width + id / 32] |= 1 << (id % 32);
                    }
                }
                self.engine.write_words(array, &words)?;
            }
        }
        Ok(())
    }

    /// What is released in the window that starts at `start`.
    pub(super) fn write_releases(
        &mut self,
        start: u64,
        steps: usize,
    ) -> Result<(), SimulationError> {
        let Some(ModulatorPorts { release: array, .. }) = self.ports.modulators else {
            return Ok(());
        };
        let count = self.network.modulators.len();
        let mut release = vec![0f32; steps * count];
        let window = start..start + steps as u64;
        let events = self.network.modulators.iter().enumerate().flat_map(|(which, m)| {
            let first = m.events.partition_point(|event| event.0 < window.start);
            m.events[first..].iter().map(move |(step, amount)| (*step, which, *amount))
        });
        for (step, which, amount) in events.chain(self.rewards.iter().copied()) {
            if window.contains(&step) {
                release[(step - start) as usize * count + which] += amount as f32;
            }
        }
        self.rewards.retain(|reward| reward.0 >= window.end);
        Ok(self.engine.write_reals(array, &release)?)
    }

    /// Rewards for the pairs of spikes that a step, with its row of spikes, completes.
    pub(super) fn reward_pairs(&mut self, step: u64, row: &[u32]) {
        let spiked = |(population, neuron): (usize, u32)| {
            let word = row[self.ports.first_word[population] + neuron as usize / 32];
            word >> (neuron % 32) & 1 == 1
        };
        let mut states = self.pairs.iter_mut();
        for (which, modulator) in self.network.modulators.iter().enumerate() {
            for (pair, (since, given)) in modulator.pairs.iter().zip(&mut states) {
                if spiked(pair.second)
                    && since.take_if(|first| step - *first <= pair.within).is_some()
                {
                    let (low, high) = pair.after;
                    let wait = (high - low) as f64 * pair.stream.uniform(*given, 0);
                    self.rewards.push((step + low + wait as u64, which, pair.amount));
                    *given += 1;
                }
                if spiked(pair.first) {
                    *since = Some(step);
                }
            }
        }
    }
}
