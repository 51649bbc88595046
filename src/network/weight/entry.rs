//! Where the weights of a projection, or of a stimulus, go: what they may be follows from that.

use super::Setting;
use crate::grammar::Judge;
use crate::scene::{Population, Receptor, receptors_of};

/// Where the weights of a projection or stimulus go.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// The receptor that gets negative weights, if it is a conductance; none if their sign sends them there.
    pub conductance: Option<String>,
    /// Unit of the weights.
    pub unit: &'static str,
    /// What to do about negative weights.
    pub advice: String,
}

impl Entry {
    /// Where weights go that are meant for a receptor of a population, or for none by name.
    pub fn new(to: &Population, receptor: Option<&str>) -> Self {
        let receptors = to.model.receptors();
        let chosen = receptors_of(&receptors, receptor);
        let Some((name, kind)) = receptors.get(chosen[1]) else { return Self::default() };
        let unit = match kind {
            Receptor::Delta {} => "mV",
            kind if kind.is_conductance() => "nS",
            _ => "pA",
        };
        // By NEST's rule what is negative goes to `in` with its magnitude.
        let by_sign = chosen[0] != chosen[1];
        let conductance = (kind.is_conductance() && !by_sign).then(|| name.clone());
        let rest = to.model.neuron().map_or(0.0, |neuron| neuron.rest());
        let inhibits = |kind: &Receptor| {
            let highest = kind.reversal().and_then(|e_rev| e_rev.bounds());
            highest.is_some_and(|(_, e_rev)| e_rev < rest)
        };
        let other = receptors.iter().find(|(_, kind)| inhibits(kind));
        let advice = match other {
            Some((inhibitory, _)) if inhibitory == name => {
                "give the magnitude: that it inhibits is in its `e_rev`, below rest".to_owned()
            }
            Some((inhibitory, _)) => format!(
                "for inhibition give the magnitude, and `receptor: \"{inhibitory}\"`, whose `e_rev` lies below \
                 rest"
            ),
            None => "for inhibition use a receptor with `e_rev` below rest, as `\"in\": Exp(tau: 10, e_rev: \
                     -80)`, and the magnitude of the weight"
                .to_owned(),
        };
        Self { conductance, unit, advice }
    }

    /// Judges whether a weight may have its sign, which it may unless a conductance were negative.
    pub fn check_sign(&self, path: &str, weight: f64, judge: &mut dyn Judge) -> bool {
        let Some(name) = self.conductance.as_ref().filter(|_| weight < 0.0) else { return true };
        let message =
            format!("a weight of {weight} nS into `{name}`, but a conductance is never negative");
        judge.fault_with_help(path, message, &self.advice);
        false
    }
}

impl Setting<'_> {
    /// Judges whether weights may have both signs, and are in units of the projection.
    pub(super) fn check_scaled(&self, path: &str, word: &str, judge: &mut dyn Judge) {
        if let Some(name) = &self.entry.conductance {
            let message = format!(
                "`{word}` draws weights of both signs, and `{name}` is a conductance, never negative"
            );
            judge.fault_with_help(path, message, "use `Uniform`, or `Normal` with `min: 0`");
        }
        if !self.training {
            let message =
                format!("`{word}` scales weights for training, but the scene has no `training`");
            judge.fault_with_help(path, message, "give weights in the unit of the receptor");
        }
    }
}
