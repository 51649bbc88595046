//! The adaptive exponential neuron (Brette & Gerstner 2005): a word of a scene for the kernel of [`super::iaf`], which
//! has the equation.

use super::iaf::{Cell, Iaf};
use super::model::{Drawn, Neuron, Refused, at, check_threshold, reference};
use super::receptor::{self, Receptor};
use super::stepped::Stepped;
use crate::declare;
use crate::grammar::{Judge, Ms, Mv, Named, Ns, Pa, Param, Pf};
use crate::slow::fall;
use std::path::Path;
use std::sync::Arc;

declare! {
    /// Adaptive exponential integrate-and-fire neuron (Brette & Gerstner 2005), exponential Euler steps (NEST
    /// aeif_cond_exp, aeif_psc_exp).
    pub struct Adex: Default {
        /// Membrane capacitance \[pF\].
        c_m | "C_m" | "cm": Param<Pf> [Positive] = 281.0;
        /// Leak conductance \[nS\].
        g_l | "g_L": Param<Ns> [Positive] = 30.0;
        /// Leak reversal \[mV\].
        e_l | "E_L" | "v_rest": Param<Mv> = -70.6;
        /// Potential at which the exponential takes off \[mV\].
        v_th | "V_th" | "v_thresh": Param<Mv> = -50.4;
        /// Slope of the exponential \[mV\].
        delta_t | "Delta_T" | "delta_T": Param<Mv> [Positive] = 2.0;
        /// Potential at which a spike is counted \[mV\].
        v_peak | "V_peak" | "v_spike": Param<Mv> = 0.0;
        /// Potential after a spike \[mV\].
        v_reset | "V_reset": Param<Mv> = -60.0;
        /// Absolute refractory period \[ms\].
        t_ref | "tau_refrac": Param<Ms> [Steps] = 0.0;
        /// Subthreshold adaptation \[nS\].
        a: Param<Ns> = 4.0;
        /// Adaptation per spike \[pA\].
        b: Param<Pa> = 80.5;
        /// Time constant of the adaptation \[ms\].
        tau_w: Param<Ms> [Positive] = 144.0;
        /// Constant current \[pA\].
        i_e | "I_e" | "i_offset": Param<Pa> = 0.0;
        /// Potential at the start \[mV\].
        v_init | "V_m": Param<Mv> = -70.6;

        /// Receptors by name.
        receptors: Named<Receptor> = receptor::standard();
    }
}

impl Neuron for Adex {
    fn receptors(&self) -> Vec<(String, Receptor)> {
        self.receptors.to_vec()
    }

    fn check(&self, path: &str, judge: &mut dyn Judge) {
        check_threshold(path, judge, [&self.e_l, &self.v_peak, &self.v_reset]);
    }

    fn make(&self, dt: f64, drawn: &Drawn) -> Result<Arc<dyn Stepped>, Refused> {
        let value = |name: &str, k: usize| drawn.of(name, k);
        let (receptors, init) = receptor::ports(&self.receptors, drawn)?;
        let rest = reference(drawn.get("e_l"), true);
        let cells: Vec<Cell> = (0..drawn.count())
            .map(|k| {
                let (rest, g_l) = (*at(&rest, k), value("g_l", k));
                Cell {
                    fall_m: dt / value("c_m", k),
                    p20: g_l,
                    i_e: value("i_e", k) + g_l * (value("e_l", k) - rest),
                    injected: value("i_e", k),
                    v_th: value("v_peak", k) - rest,
                    v_reset: value("v_reset", k) - rest,
                    t_ref: (value("t_ref", k) / dt).round(),
                    delta_t: value("delta_t", k),
                    v_t: value("v_th", k) - rest,
                    a: value("a", k),
                    b: value("b", k),
                    fall_w: fall(dt, value("tau_w", k)),
                    v_init: value("v_init", k) - rest,
                    receptors: vec![[0.0; 2]; receptors.len()],
                    ..Cell::plain()
                }
            })
            .collect();
        drawn.below_threshold(cells.iter().map(|c| (c.v_reset, c.v_th)))?;
        Ok(Arc::new(Iaf {
            cells,
            e_l: rest,
            receptors,
            init,
            dt,
            nonlinear: true,
            adex: true,
            subtract: false,
            answer: None,
        }))
    }

    fn rest(&self) -> f64 {
        self.e_l.bounds().map_or(-65.0, |(low, _)| low)
    }

    fn tau_m(&self) -> Option<f64> {
        Some(self.c_m.shared()? / self.g_l.shared()?)
    }

    fn load_bias(&mut self, file: &Path) {
        self.i_e.load(file);
    }
}
