//! Leaky integrator that does not spike: the network's answer is its potential.
//!
//! ```text
//!   v' = v + fall_m v + p21 i + p20 i_e   i' = i + fall_syn i + arrivals of this step
//!   output = (mean over steps | mean over each frame | last | maximum) of v' / v_unit
//! ```
//! The equations of [`super::iaf`] below threshold, with an exponential current. The kernel leaves v' on the tape for
//! recording.

use super::iaf::{Iaf, Lif};
use super::model::{Drawn, Neuron, Refused, check_membrane};
use super::receptor::{Receptor, Response};
use super::stepped::Stepped;
use crate::declare;
use crate::grammar::{Judge, Ms, Mv, Ns, Pa, Param, Pf, Quantity};
use crate::kernel::*;
use crate::slow::fall;
use crate::{numbers, params};
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

    // In a simulation it is a neuron whose threshold nothing reaches.
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

numbers! {
    /// Propagators of a neuron in the array `cell`.
    pub struct Cell in cell {
        /// exp(-dt / tau_m) - 1.
        fall_m,
        /// Effect of the synaptic current on v over a step \[mV/pA\].
        p21,
        /// Effect of a constant current on v over a step \[mV/pA\].
        p20,
        /// exp(-dt / tau_syn) - 1.
        fall_syn,
    }
}

/// Propagators `[fall_m, p21, p20, fall_syn]` of a membrane with time constant `tau_m` and capacitance
/// `c_m`, driven by an exponential current of time constant `tau_syn`; ms and pF.
pub fn propagators(dt: f64, tau_m: f64, c_m: f64, tau_syn: f64) -> [f64; 4] {
    let [p21, _] = Response::Exp { tau: tau_syn }.propagators(dt, tau_m, c_m);
    let fall_m = fall(dt, tau_m);
    [fall_m, p21, -fall_m * tau_m / c_m, fall(dt, tau_syn)]
}

impl Cell {
    /// Of a membrane as in [`propagators`].
    pub fn new(dt: f64, tau_m: f64, c_m: f64, tau_syn: f64) -> Self {
        let [fall_m, p21, p20, fall_syn] = propagators(dt, tau_m, c_m, tau_syn);
        Self { fall_m, p21, p20, fall_syn }
    }
}

params! {
    /// `Params` of `shaders/neuron/readout.wgsl`.
    pub struct ReadoutParams {
        /// Neurons.
        n: word,
        /// Steps of a window.
        steps: word,
        /// 1 if the tape holds arrivals; 0 if no synapse ends here.
        arrivals: word,
        /// 1 if a constant input per sample is added.
        statics: word,
        /// 1 if each neuron has its own parameters.
        own: word,
        /// One unit of the output \[mV\].
        v_unit: real,
        /// First step of the window that counts.
        begin: word,
        /// Steps of a part: each part makes outputs of its own, one part behind the other.
        length: word,
        /// Parts.
        parts: word,
        /// What the sum of the potentials of a part is divided by.
        share: real,
        /// 0: these sums; 1: the largest value of the window.
        over: option,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "neuron/readout",
    wgsl: include_str!("../../shaders/neuron/readout.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals_mut("tape"),   // [samples, steps, n] arrivals in, v out
        reals("statics"),    // [samples, n] constant input, pA
        reals("i_e"),        // [n] constant current, pA
        reals("cell"),       // [4, n or 1]
        reals_mut("output"), // [samples, parts, n]
        words_mut("peak"),   // [samples, n] step of the maximum
    ],
    layouts: &[cell::LAYOUT],
    params: ReadoutParams::<f32>::FIELDS,
    twin32: dispatched::<ReadoutTwin, f32>,
    twin64: scalar::<ReadoutTwin, f64>,
};

/// The twin of `shaders/neuron/readout.wgsl`.
pub struct ReadoutTwin;

impl Twin for ReadoutTwin {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = ReadoutParams::<F>::of(call.params);
        let [tape, statics, i_e, cell, output, peak] = Call::take(call.args);
        let (tape, statics, i_e, cell) =
            (tape.reals_mut(), statics.reals(), i_e.reals(), cell.reals());
        let (output, peak) = (output.reals_mut(), peak.words_mut());
        let (n, steps) = (p.n as usize, p.steps as usize);
        let [begin, length, parts] = [p.begin, p.length, p.parts].map(|x| x as usize);
        for b in 0..call.units.len() {
            for id in 0..n {
                let parameter =
                    |field: usize| if p.own == 1 { cell[field * n + id] } else { cell[field] };
                let fields = [cell::fall_m, cell::p21, cell::p20, cell::fall_syn];
                let [fall_m, p21, p20, fall_syn] = fields.map(parameter);
                let input = if p.statics == 1 { statics[b * n + id] } else { F::zero() };
                let constant = p20 * (i_e[id] + input);
                let (mut v, mut i) = (F::zero(), F::zero());
                let (mut sum, mut best, mut when) = (F::zero(), F::neg_infinity(), 0);
                let (mut part, mut behind) = (0, begin + length);
                for t in call.span.steps() {
                    let at = (b * steps + t) * n + id;
                    v += fall_m * v + p21 * i + constant;
                    i += fall_syn * i + if p.arrivals == 1 { tape[at] } else { F::zero() };
                    tape[at] = v;
                    if t >= begin && part < parts {
                        sum += v;
                        if t + 1 == behind {
                            output[(b * parts + part) * n + id] = sum / p.share / p.v_unit;
                            (sum, part, behind) = (F::zero(), part + 1, behind + length);
                        }
                    }
                    if v > best {
                        (best, when) = (v, t as u32);
                    }
                }
                if p.over == 1 {
                    output[b * n + id] = best / p.v_unit;
                }
                peak[b * n + id] = when;
            }
        }
    }
}
