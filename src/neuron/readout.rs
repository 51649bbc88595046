//! Leaky integrator that does not spike: the network's answer is its potential.
//!
//! The neuron of [`super::iaf`] with an exponential current, whose threshold nothing reaches. What a training makes of its
//! potential is [`crate::train::output`].

use super::iaf::{Iaf, Lif};
use super::model::{Drawn, Neuron, Refused, check_membrane};
use super::receptor::Receptor;
use super::stepped::Stepped;
use crate::declare;
use crate::grammar::{Judge, Ms, Mv, Ns, Pa, Param, Pf, Quantity};
use std::path::Path;
use std::sync::Arc;

declare! {
    /// Leaky integrator that does not spike; its potential is the network's answer.
    pub struct Readout: Default {
        /// Membrane capacitance \[pF\].
        c_m | "C_m" | "cm": Param<Pf> [Positive] = 250.0;
        /// Membrane time constant \[ms\]; give this or `g_l`, default 10 ms.
        tau_m: Option<Param<Ms>> [Positive];
        /// Leak conductance \[nS\].
        g_l | "g_L": Option<Param<Ns>> [Positive];
        /// Leak reversal \[mV\].
        e_l | "E_L" | "v_rest": Param<Mv> = -70.0;
        /// Time constant of the synaptic current \[ms\].
        tau_syn | "tau_syn_ex" | "tau_syn_E": Param<Ms> [Positive] = 2.0;
        /// Constant current \[pA\].
        i_e | "I_e" | "i_offset": Param<Pa> = 0.0;
        /// Depolarisation that counts as one unit of the output (one logit) \[mV\].
        v_unit: Quantity<Mv> [Positive] = 1.0;
    }
}

/// A threshold that nothing reaches, and from which every potential is nearer than what counts as held
/// ([`super::frame::HELD`]) \[mV\].
const NEVER: f64 = 1e8;

impl Neuron for Readout {
    fn receptors(&self) -> Vec<(String, Receptor)> {
        Lif { tau_syn: self.tau_syn.clone(), ..Lif::default() }.receptors()
    }

    fn check(&self, path: &str, judge: &mut dyn Judge) {
        check_membrane(path, judge, self.tau_m.as_ref(), self.g_l.as_ref());
    }

    fn make(&self, dt: f64, drawn: &Drawn) -> Result<Arc<dyn Stepped>, Refused> {
        let constant = |name: &str, value| (name.to_owned(), vec![value]);
        let mut values = drawn.values.clone();
        values.extend([
            constant("v_th", NEVER),
            constant("v_reset", -NEVER),
            constant("t_ref", 0.0),
        ]);
        values.extend([constant("delta_th", 0.0), constant("tau_rel", 10.0)]);
        let drawn = Drawn { values, laid_out: vec![], ..drawn.clone() };
        let neurons =
            Lif { tau_syn: self.tau_syn.clone(), ..Lif::default() }.neurons(dt, &drawn)?;
        Ok(Arc::new(Iaf { answer: Some(self.v_unit.get()), ..neurons }))
    }

    fn spikes(&self) -> bool {
        false
    }

    fn load_bias(&mut self, file: &Path) {
        self.i_e.load(file);
    }
}
