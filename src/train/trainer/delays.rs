//! Delays that are learned: how broad their kernels are in the course of a training, and what is told of them.

use super::{Contents, TrainError, Trainer};
use crate::checkpoint::Checkpoint;
use crate::engine::EngineError;
use crate::synapse::delay_taps::rounded;

impl Trainer<'_> {
    /// Makes the kernels of learned delays as narrow as they are in the update to come.
    pub(super) fn narrow_delays(&mut self) -> Result<(), EngineError> {
        let updates = self.round().updates() as f64;
        let done = self.progress.epoch as f64 + self.progress.batch as f64 / updates;
        let part = done / self.training.epochs as f64;
        for ports in &self.ports.delays {
            let learned = self.network.projections[ports.projection].delays.as_ref();
            let sigma = learned.and_then(|learned| learned.sigma_after(part));
            if let (Some(array), Some(sigma)) = (ports.sigma, sigma) {
                self.engine.write_reals(array, &[sigma as f32])?;
            }
        }
        Ok(())
    }

    /// Delays of each projection that learned them, as they are or as some arrays have them, rounded to steps \[ms\].
    pub(super) fn delays(
        &mut self,
        kept: Option<&Contents>,
    ) -> Result<Vec<(String, Vec<f32>)>, EngineError> {
        let (mut named, dt) = (Vec::new(), self.network.dt);
        for ports in &self.ports.delays {
            let steps = match kept.and_then(|kept| kept.iter().find(|(id, _)| *id == ports.delays))
            {
                Some((_, values)) => values.clone(),
                None => self.engine.read_reals(ports.delays)?,
            };
            let ms = |delay: f32| (f64::from(1.0 + rounded(delay)) * dt) as f32;
            let projection = &self.network.projections[ports.projection];
            // Those of synapses lie as the weights do.
            let steps = match projection.delays_of_synapses() {
                Some(_) => self.ports.weights[ports.projection].unpack(&[steps]),
                None => steps,
            };
            let name = format!("{}.delay", projection.name);
            named.push((name, steps.into_iter().map(ms).collect()));
        }
        Ok(named)
    }

    /// Fails if a learned delay is not a number.
    pub(super) fn check_delays(&mut self) -> Result<(), TrainError> {
        for ports in &self.ports.delays {
            let delays = self.engine.read_reals(ports.delays)?;
            if delays.iter().any(|delay| !delay.is_finite()) {
                let name = &self.network.projections[ports.projection].name;
                return Err(self.diverged(format!("a delay of projection `{name}` is not finite")));
            }
        }
        Ok(())
    }

    /// Refuses a checkpoint whose delays are none that this network can have.
    pub(super) fn possible_delays(&mut self, checkpoint: &Checkpoint) -> Result<(), TrainError> {
        for ports in &self.ports.delays {
            let projection = &self.network.projections[ports.projection];
            let most = projection.delays.as_ref().map_or(0, |learned| learned.most) as f32;
            let delays = self.engine.read_reals(ports.delays)?;
            if let Some(delay) = delays.iter().find(|delay| !(1.0..=most).contains(*delay)) {
                let name = &projection.name;
                let why = format!("`{name}` has a delay of {delay} steps, not from 1 to {most}");
                Err(checkpoint.foreign(why))?;
            }
        }
        Ok(())
    }
}
