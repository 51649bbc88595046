//! What a neuron model is to a scene: one declaration of its fields, and [`Neuron`], by which everything else asks
//! for the rest. A model is a file of this module, its shader, and a line in [`neurons!`](crate::neurons).

use super::receptor::Receptor;
use super::stepped::Stepped;
use crate::grammar::{Judge, Ms, Mv, Ns, Param, Rule};
use std::path::Path;
use std::sync::Arc;

/// A neuron model: the parameters that a scene gives a population.
pub trait Neuron {
    /// Receptors by name, in the order of their numbers.
    fn receptors(&self) -> Vec<(String, Receptor)>;

    /// Rules that join several fields; those of single ones are in its declaration.
    fn check(&self, _path: &str, _judge: &mut dyn Judge) {}

    /// The neurons, for steps of `dt` \[ms\].
    ///
    /// # Errors
    /// Drawn values do not go together.
    fn make(&self, dt: f64, drawn: &Drawn) -> Result<Arc<dyn Stepped>, Refused>;

    /// Whether they spike.
    fn spikes(&self) -> bool {
        true
    }

    /// Whether their potential shows a spike by itself, as where nothing resets it.
    fn shows_spikes(&self) -> bool {
        false
    }

    /// Whether a modulator can move their threshold.
    fn has_threshold(&self) -> bool {
        false
    }

    /// Potential to which they return, about \[mV\].
    fn rest(&self) -> f64 {
        -65.0
    }

    /// Time constant of the membrane, where it has one that all neurons share \[ms\].
    fn tau_m(&self) -> Option<f64> {
        None
    }

    /// Takes their constant current from a file of an earlier training, if they have one that is not from a file
    /// already.
    fn load_bias(&mut self, _file: &Path) {}
}

/// Neuron models, each with the words by which a scene names it, and the file that declares it. `$with` gets the
/// list.
#[macro_export]
macro_rules! neurons {
    ($with:ident) => {
        $with! {
            /// Leaky integrate-and-fire neuron.
            iaf::Lif | "iaf_psc_exp";
            /// Adaptive exponential integrate-and-fire neuron.
            adex::Adex | "aeif_cond_exp" | "aeif_psc_exp";
            /// Hodgkin–Huxley neuron with channels of your choice.
            hh::Hh;
            /// Izhikevich's neuron.
            izhikevich::Izhikevich | "izhikevich";
            /// Leaky integrate-and-fire neuron whose threshold adapts on two time scales.
            mat2::Mat2 | "mat2_psc_exp";
            /// Leaky integrator that does not spike; its potential is the network's answer.
            readout::Readout;
        }
    };
}

/// The parameters of a model, drawn and checked against their rules: by path within the model one number that all
/// neurons share, or one for each.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// Path of the model in the scene.
    pub path: String,
    /// Neurons.
    pub size: usize,
    /// The numbers by path.
    pub values: Vec<(String, Vec<f64>)>,
    /// What holds for them, by path.
    pub rules: Vec<(String, Rule)>,
    /// Those that the scene lays out from neuron to neuron.
    pub laid_out: Vec<LaidOut>,
}

/// Numbers of a parameter that a scene lays out from neuron to neuron, as a list or along a line.
#[derive(Debug, Clone, PartialEq)]
pub struct LaidOut {
    /// Path of the parameter within the model.
    pub name: String,
    /// Its unit.
    pub unit: &'static str,
    /// One for each neuron.
    pub values: Vec<f64>,
}

/// A value that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: neuron {neuron} has {value}, {why}")]
pub struct Refused {
    /// Path in the scene.
    pub path: String,
    /// First neuron that has one.
    pub neuron: usize,
    /// The value.
    pub value: f64,
    /// What is wrong with it.
    pub why: String,
}

impl Drawn {
    /// A value that cannot be used, and why.
    pub fn refused(
        &self,
        name: &str,
        neuron: usize,
        value: f64,
        why: impl Into<String>,
    ) -> Refused {
        Refused { path: format!("{}.{name}", self.path), neuron, value, why: why.into() }
    }

    /// Values of a parameter that may be absent.
    pub fn find(&self, name: &str) -> Option<&[f64]> {
        let found = self.values.iter().find(|(known, _)| known == name);
        found.map(|(_, values)| values.as_slice())
    }

    /// Values of a parameter.
    ///
    /// # Panics
    /// The model has no such parameter.
    pub fn get(&self, name: &str) -> &[f64] {
        self.find(name).unwrap_or_else(|| panic!("{} has no parameter `{name}`", self.path))
    }

    /// What holds for a parameter.
    pub fn rule(&self, name: &str) -> Rule {
        let found = self.rules.iter().find(|(known, _)| known == name);
        found.map_or(Rule::Any, |(_, rule)| *rule)
    }

    /// Value of a parameter of neuron `k`.
    ///
    /// # Panics
    /// The model has no such parameter.
    pub fn of(&self, name: &str, k: usize) -> f64 {
        *at(self.get(name), k)
    }

    /// How many neurons have to be told apart, values at the start of receptors aside.
    pub fn count(&self) -> usize {
        self.count_but("")
    }

    /// The same, but for one parameter.
    pub fn count_but(&self, but: &str) -> usize {
        let own = self.values.iter().filter(|(name, _)| !name.ends_with(".init") && name != but);
        own.map(|(_, values)| values.len()).max().unwrap_or(1)
    }

    /// Membrane time constants from `tau_m` or `c_m / g_l`; 10 if neither is given \[ms\].
    pub fn tau_m(&self) -> Vec<f64> {
        match (self.find("tau_m"), self.find("g_l")) {
            (Some(tau_m), _) => tau_m.to_vec(),
            (None, None) => vec![TAU_M],
            (None, Some(g_l)) => {
                let c_m = self.get("c_m");
                (0..c_m.len().max(g_l.len())).map(|k| at(c_m, k) / at(g_l, k)).collect()
            }
        }
    }

    /// Refuses neurons whose reset, the first of a pair, is not below their threshold.
    ///
    /// # Errors
    /// There is one.
    pub fn below_threshold(
        &self,
        mut cells: impl Iterator<Item = (f64, f64)>,
    ) -> Result<(), Refused> {
        let Some(neuron) = cells.position(|(v_reset, v_th)| v_reset >= v_th) else { return Ok(()) };
        let why = "but the reset potential must lie below the threshold";
        Err(self.refused("v_reset", neuron, self.of("v_reset", neuron), why))
    }
}

/// Time constant of a membrane of which nothing is said \[ms\].
pub const TAU_M: f64 = 10.0;

/// Value of a neuron in a list of one for all or one for each.
pub fn at<T>(values: &[T], neuron: usize) -> &T {
    if values.len() == 1 { &values[0] } else { &values[neuron] }
}

/// Potentials from which the neurons are measured: their own rest, or where they share reversal
/// potentials that of the first.
pub fn reference(e_l: &[f64], shared: bool) -> Vec<f64> {
    if shared { vec![e_l[0]] } else { e_l.to_vec() }
}

/// Rules of a neuron that is reset below its threshold, and rests below it too, for the values that are known
/// before any draw.
pub fn check_threshold(path: &str, judge: &mut dyn Judge, [e_l, v_th, v_reset]: [&Param<Mv>; 3]) {
    let Some((v_th, _)) = v_th.range() else {
        return;
    };
    if let Some((_, v_reset)) = v_reset.range().filter(|(_, v_reset)| *v_reset >= v_th) {
        let message =
            format!("the reset potential, {v_reset} mV, is not below the threshold, {v_th} mV");
        judge.fault_with_help(
            format!("{path}.v_reset"),
            message,
            "lower `v_reset` or raise `v_th`",
        );
    }
    if let Some((_, e_l)) = e_l.range().filter(|(_, e_l)| *e_l >= v_th) {
        let message = format!(
            "the threshold, {v_th} mV, is not above the resting potential, {e_l} mV: \
             these neurons fire without input"
        );
        judge.warn(format!("{path}.v_th"), message);
    }
}

/// Rules of a leaky membrane.
pub fn check_membrane(
    path: &str,
    judge: &mut dyn Judge,
    tau_m: Option<&Param<Ms>>,
    g_l: Option<&Param<Ns>>,
) {
    if tau_m.is_some() && g_l.is_some() {
        let message = "`tau_m` and `g_l` are both given, but each follows from the other";
        judge.fault_with_help(format!("{path}.g_l"), message, "keep one: tau_m = c_m / g_l");
    }
}
