//! Temporal attention: what is told of its weights.

use super::{Contents, TrainError, Trainer};
use crate::engine::EngineError;

impl Trainer<'_> {
    /// Weights of the scores of each projection with attention, W1 and W2, as they are or as some arrays have them.
    pub(super) fn attention(
        &mut self,
        kept: Option<&Contents>,
    ) -> Result<Vec<(String, Vec<f32>)>, EngineError> {
        let (mut named, learned) = (Vec::new(), self.trained());
        for ports in &self.ports.attention {
            let projection = &self.network.projections[ports.projection];
            if projection.learns_attention() && !learned.contains(&ports.weights) {
                continue;
            }
            let kept = kept.and_then(|kept| kept.iter().find(|(id, _)| *id == ports.weights));
            let weights = match kept {
                Some((_, values)) => values.clone(),
                None => self.engine.read_reals(ports.weights)?,
            };
            let parts = weights.chunks(weights.len() / 2).enumerate();
            let name = &projection.name;
            named.extend(parts.map(|(k, part)| (format!("{name}.attention.{k}"), part.to_vec())));
        }
        Ok(named)
    }

    /// Fails if a weight of a score is not a number.
    pub(super) fn check_attention(&mut self) -> Result<(), TrainError> {
        for ports in &self.ports.attention {
            let weights = self.engine.read_reals(ports.weights)?;
            // As other weights: see `check_weights`.
            if let Some(k) = weights.iter().position(|x| !(x.is_finite() && *x > f32::MIN)) {
                let name = &self.network.projections[ports.projection].name;
                let what = format!("weight {k} of the attention of `{name}` is not finite");
                return Err(self.diverged(what));
            }
        }
        Ok(())
    }
}
