//! How much memory a network takes, known before any of it is taken.
//!
//! Counted is what stands side by side while a network is built, planned and put on a device: numbers of the
//! scene, of the plan, and of an engine on the same machine. Numbers of synapses are those that their rules
//! make on average. A network is refused that would not fit, in a sentence that says what takes the most;
//! otherwise the system would end the program in the middle, without a word.

use super::NetworkError;
use crate::grammar::{At, One, Param, Rule, Value, Visitor};
use crate::machine;
use crate::neuron::receptor::port;
use crate::scene::{Delay, Per, Population, Projection, Scene};
use crate::words::{bytes, grouped};

// Measured as the growth of the largest resident size of `--engine cpu` with the size of the network.

/// Bytes of a source: its statistics, its spikes, its number of synapses.
const SOURCE: f64 = 224.0;

/// Bytes of a neuron: state as f64 of the plan, twice, and as f32; statistics; its part of the ring.
const NEURON: f64 = 1296.0;

/// More bytes of a neuron with parameters of its own, most of them while they are laid out for a device.
const OWN: f64 = 168.0;

/// Bytes of a receptor of which each neuron has its own numbers: each as f64 while they are laid out and twice in the
/// plan, and as f32.
const OWN_RECEPTOR: f64 = 28.0 * port::COUNT as f64;

/// Bytes of a position.
const POSITION: f64 = 24.0;

/// Bytes of a synapse: source and weight as drawn; two words in the plan, while it is made once more, and on
/// the device.
const SYNAPSE: f64 = 36.0;

/// Bytes of a synapse that learns: beside these, its place in two lists, and what its rule keeps.
const PLASTIC: f64 = 71.0;

/// Bytes that a delay of its own adds to a synapse.
const DELAY: f64 = 2.5;

/// Memory that is left for what is to be made.
pub(super) struct Budget {
    memory: f64,
    needed: f64,
    /// Copies of the network.
    copies: u64,
    /// Whether all synapses may learn.
    training: bool,
    /// What takes the most so far, and how much.
    most: (String, f64),
}

impl Budget {
    /// What is left of this machine's memory beside the populations of a scene, and the projections of which
    /// the number of synapses is known before neurons have their places.
    ///
    /// # Errors
    /// These do not fit.
    pub fn new(scene: &Scene) -> Result<Self, NetworkError> {
        let mut budget = Self {
            memory: machine::memory() as f64,
            needed: 0.0,
            copies: scene.simulation.copies,
            training: scene.training.is_some(),
            most: (String::new(), 0.0),
        };
        for (name, population) in &scene.populations {
            let size = population.size;
            let each = of_neuron(population);
            budget.take(size as f64 * each, || {
                format!("the {} neurons of `{name}`", grouped(size))
            })?;
        }
        let size = |name: &str| {
            let found = scene.populations.iter().find(|(known, _)| known == name);
            found.map_or(0, |(_, population)| population.size) as f64
        };
        for projection in &scene.projections {
            let pairs = [size(&projection.from), size(&projection.to)];
            if projection.pool.is_none()
                && let Some(synapses) = projection.connect.rule().expected(pairs)
            {
                budget.projection(projection, synapses)?;
            }
        }
        Ok(budget)
    }

    /// Takes what the synapses of a projection need.
    ///
    /// # Errors
    /// It is not there.
    pub fn projection(&mut self, p: &Projection, synapses: f64) -> Result<(), NetworkError> {
        let learns = self.training || p.learn.is_some() || p.short_term.is_some();
        let has_delays = p.delay.as_ref().and_then(Delay::lag).is_some();
        let learns_delays = matches!(p.delay, Some(Delay::Learn { per: Per::Synapse, .. }));
        let each = if learns { PLASTIC } else { SYNAPSE }
            + if has_delays { DELAY } else { 0.0 }
            + if learns_delays { PLASTIC } else { 0.0 };
        let what =
            || format!("the {} synapses of `{}`", grouped(synapses.round() as u64), p.name());
        self.take(synapses * each, what)
    }

    fn take(&mut self, needed: f64, what: impl Fn() -> String) -> Result<(), NetworkError> {
        let needed = needed * self.copies as f64;
        self.needed += needed;
        if needed > self.most.1 {
            let of_copies = match self.copies {
                1 => String::new(),
                copies => format!(" in each of {} copies", grouped(copies)),
            };
            self.most = (format!("{}{of_copies}", what()), needed);
        }
        if self.needed <= self.memory {
            return Ok(());
        }
        let (what, most) = &self.most;
        let [needed, memory, most] = [self.needed, self.memory, *most].map(|n| bytes(n as u64));
        Err(NetworkError::Memory { needed, memory, what: what.clone(), most })
    }
}

/// Bytes of a neuron of a population.
fn of_neuron(population: &Population) -> f64 {
    let place = if population.dimensions().is_some() { POSITION } else { 0.0 };
    place
        + match &population.model {
            model if model.neuron().is_none() => SOURCE,
            model if is_drawn(model) => {
                let receptors = model.receptors();
                let own = receptors.iter().any(|(_, receptor)| is_drawn(receptor));
                NEURON + OWN + if own { receptors.len() as f64 * OWN_RECEPTOR } else { 0.0 }
            }
            _ => NEURON,
        }
}

/// Whether a parameter of a model or receptor is one for each neuron; where receptors start is no number of theirs.
fn is_drawn(of: &impl Value) -> bool {
    struct Own(bool);

    impl Visitor for Own {
        fn number(&mut self, _: &At, _: Rule, _: f64, _: &'static str) {}
        fn param(&mut self, at: &At, _: Rule, param: &Param<One>, _: &'static str) {
            self.0 |= param.shared().is_none() && at.to_string() != "init";
        }
    }

    let mut own = Own(false);
    of.visit(&At::new(""), Rule::Any, &mut own);
    own.0
}
