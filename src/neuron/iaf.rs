//! Integrate-and-fire neurons with any number of receptors, a step at a time.
//!
//! ```text
//!   c_m dv/dt = -g_l v + i_e + i(t) + sum_r g_r B_r(v) (e_r - v) + sum of current receptors
//!               [ + g_l delta_t e^((v - v_t) / delta_t) - w ]                    AdEx
//!   v >= v_th + h  =>  spike; v := v_reset or v := v - (v_th - v_reset); held for t_ref;
//!                      h := h + delta_th; w := w + b
//!   dh/dt = -h / tau_rel          tau_w dw/dt = a v - w
//! ```
//! v is relative to e_l. Where nothing depends on v the equation is linear and one step is exact:
//! v += fall v + p20 (i_e + i) + sum_r (c_r g_r + d_r x_r), with fall = e^(-dt/tau_m) - 1 and the
//! propagators of [`super::receptor`]. Else conductances, w and the exponential are held over a step and
//! the step is exact for them (exponential Euler, of first order): with G = g_l + sum_r g_r B_r and
//! v_inf = I / G, v += (v - v_inf) (e^(-dt G / c_m) - 1).
//!
//! Order of a step: v, h and w; receptors decay and take what arrives; threshold; reset. So v, h and w
//! are all those of the end of the step when they are compared. A spike of step k with a delay of d steps acts on v
//! from (k + 1 + d) dt on, as in NEST. AdEx: Brette & Gerstner 2005; conductances: Brette et al. 2007.
//!
//! The adjoint, a bar for the derivative of the loss by the state after what it stands at, c the change of v:
//! ```text
//!   s_bar := cotangent [+ v_bar (v_reset - v)] [+ h_bar delta_th + w_bar b]       what is attached
//!   u_bar  = s_bar S'(u)          v_bar := (1 - s) v_bar + u_bar          h_bar := (1 + fall_rel) (h_bar - u_bar)
//!   c_bar  = v_bar, 0 while held; receptors go back by [`receptor::Given::adjoint`]
//!   linear:       v_bar += fall c_bar         g_bar += c_r c_bar         x_bar += d_r c_bar         i_bar = p20 c_bar
//!   else, with k = dt / c_m and F = e^(-k G) - 1:
//!                 v_bar += F c_bar            I_bar = -F / G c_bar       G_bar = (v_inf F / G - k (v - v_inf) (F + 1)) c_bar
//!                 which pass on to g, w and v by the derivatives of I and G
//! ```
//! And by the numbers, each step adding its part, with v_bar and h_bar those after the spike and v, h, w, g and x those
//! before the step:
//! ```text
//!   spike:        v_reset_bar = s v_bar         v_th_bar = -u_bar [- s v_bar if it subtracts]
//!                 delta_th_bar = s h_bar        b_bar = s w_bar               fall_rel_bar = h (h_bar - u_bar)
//!   linear:       fall_m_bar = v c_bar          p20_bar = I c_bar             c_r_bar = g c_bar        d_r_bar = x c_bar
//!   else:         k_bar = -G (v - v_inf) (F + 1) c_bar                        g_l_bar = G_bar [+ delta_t e^y I_bar]
//!   AdEx:         a_bar = -v fall_w w_bar       fall_w_bar = (w - a v) w_bar; with y = (min(v, v_th) - v_t) / delta_t and
//!                 E = g_l e^y:  v_t_bar = -E I_bar, delta_t_bar = (1 - y) E I_bar and, where v is not below v_th,
//!                 v_th_bar += E I_bar; where y is at its bound only delta_t_bar = E I_bar is left of these
//! ```
//! i_e_bar is that by the current, and t_ref has none.
//!
//! Where the equation is linear, no number is trained, and h does not enter a reset to a value that gradients pass
//! through, all of that but the bars is u, the distance to the threshold: v at the spike is u + v_th, and s is 1 where
//! u >= 0. So with one exponential current a training keeps u alone, in the place of what arrived ([`frame::Tape`]).
//!
//! The file is long: equation, step and adjoint are read side by side, and a form of the model is all of them.

use super::eventprop::Levels;
use super::frame::{self, Back, Common, Frame, Now, Numbers, Run, form, row, set_row};
use super::model::{Drawn, Neuron, Refused, TAU_M, at, check_membrane, check_threshold, reference};
use super::receptor::{self, Given, Port, Receptor, port};
use super::stepped::{
    BLOCK, SLOW_OWN, SLOW_POTENTIAL, SLOW_RECEPTORS, Stepped, Trained, Variable,
    receptor_variables, rest_of, rests_of_receptor, with_rests,
};
use crate::declare;
use crate::grammar::{Judge, Ms, Mv, Named, Ns, Pa, Param, Pf};
use crate::input::poisson_drive::event;
use crate::kernel::*;
use crate::record::sample::sampled;
use crate::slow::{advanced, fall, is_slow};
use crate::vector::{Vector, Width};
use crate::{framed, numbers, params};
use arrayvec::ArrayVec;
use std::path::Path;
use std::sync::Arc;

// ---- the word of a scene ---------------------------------------------------------------------------

declare! {
    /// Leaky integrate-and-fire neuron, exact integration (Rotter & Diesmann 1999; NEST iaf_psc_exp). A conductance
    /// among its receptors makes it one with exponential Euler steps (Brette et al. 2007).
    pub struct Lif: Default {
        /// Membrane capacitance \[pF\].
        c_m | "C_m" | "cm": Param<Pf> [Positive] = 250.0;
        /// Membrane time constant \[ms\]; give this or `g_l`, default 10 ms.
        tau_m: Option<Param<Ms>> [Positive];
        /// Leak conductance \[nS\], `c_m / tau_m`.
        g_l | "g_L": Option<Param<Ns>> [Positive];
        /// Leak reversal, the resting potential \[mV\].
        e_l | "E_L" | "v_rest": Param<Mv> = -70.0;
        /// Threshold at rest \[mV\].
        v_th | "V_th" | "v_thresh": Param<Mv> = -55.0;
        /// Potential after a spike \[mV\].
        v_reset | "V_reset": Param<Mv> = -70.0;
        /// Absolute refractory period \[ms\].
        t_ref | "tau_refrac": Param<Ms> [Steps] = 2.0;
        /// Time constant of the synaptic current \[ms\].
        tau_syn | "tau_syn_ex" | "tau_syn_E": Param<Ms> [Positive] = 2.0;
        /// Time constant of a second receptor, `in`, beside `ex`, as NEST has them; negative weights then go to
        /// `in` \[ms\].
        tau_syn_in | "tau_syn_I": Option<Param<Ms>> [Positive];
        /// Reversal potential of the receptor `ex`, which makes it a conductance \[mV\].
        e_ex | "E_ex" | "e_rev_E": Option<Param<Mv>>;
        /// Reversal potential of the receptor `in` \[mV\].
        e_in | "E_in" | "e_rev_I": Option<Param<Mv>>;
        /// Receptors by name, instead of those that `tau_syn` and the fields after it describe: without any there
        /// is `ex`, an exponential current.
        receptors: Named<Receptor> = Named::none();
        /// Constant current \[pA\].
        i_e | "I_e" | "i_offset": Param<Pa> = 0.0;
        /// Rise of the threshold with each spike, the relative refractoriness \[mV\].
        delta_th: Param<Mv> [NotNegative] = 0.0;
        /// Time constant with which that rise decays: the relative refractory period \[ms\].
        tau_rel: Param<Ms> [Positive] = 10.0;
        /// What a spike does to the potential.
        reset: Reset = Reset::Value;
        /// Potential at the start \[mV\]; `e_l` if absent.
        v_init | "V_m": Option<Param<Mv>>;
    }
}

declare! {
    /// What a spike does to the membrane potential.
    #[derive(Copy, Eq)]
    pub enum Reset {
        /// The potential becomes `v_reset`.
        Value;
        /// The potential falls by `v_th - v_reset`.
        Subtract;
    }
}

impl Lif {
    /// Whether its receptors are given in another way than by `tau_syn`.
    pub fn names_receptors(&self) -> bool {
        self.has_second_receptor() || !self.receptors.is_empty()
    }

    /// Whether NEST's names of receptors and their reversals are used.
    fn has_second_receptor(&self) -> bool {
        self.tau_syn_in.is_some() || self.e_ex.is_some() || self.e_in.is_some()
    }

    /// The field that has that of a receptor, where there are no `receptors`.
    fn field_of(&self, receptor: &str, field: &str) -> &str {
        match (receptor, field) {
            ("in", "tau") if self.tau_syn_in.is_some() => "tau_syn_in",
            (_, "tau") => "tau_syn",
            ("in", "e_rev") => "e_in",
            (_, "e_rev") => "e_ex",
            // They start at 0.
            _ => "",
        }
    }
}

impl Neuron for Lif {
    fn receptors(&self) -> Vec<(String, Receptor)> {
        if !self.receptors.is_empty() {
            return self.receptors.to_vec();
        }
        let exp = |name: &str, tau: &Param<Ms>, e_rev: &Option<Param<Mv>>| {
            let (tau, e_rev, init) = (tau.clone(), e_rev.clone(), Param::value(0.0));
            (name.to_owned(), Receptor::Exp { tau, e_rev, init })
        };
        let mut receptors = vec![exp("ex", &self.tau_syn, &self.e_ex)];
        if self.tau_syn_in.is_some() || self.e_in.is_some() {
            let tau = self.tau_syn_in.as_ref().unwrap_or(&self.tau_syn);
            receptors.push(exp("in", tau, &self.e_in));
        }
        receptors
    }

    fn check(&self, path: &str, judge: &mut dyn Judge) {
        if self.has_second_receptor() && !self.receptors.is_empty() {
            let message = "`receptors` and tau_syn_in, e_ex or e_in are both given, keep one";
            judge.fault(format!("{path}.receptors"), message);
        }
        check_membrane(path, judge, self.tau_m.as_ref(), self.g_l.as_ref());
        check_threshold(path, judge, [&self.e_l, &self.v_th, &self.v_reset]);
    }

    fn make(&self, dt: f64, drawn: &Drawn) -> Result<Arc<dyn Stepped>, Refused> {
        Ok(Arc::new(self.neurons(dt, drawn)?))
    }

    fn has_threshold(&self) -> bool {
        true
    }

    fn rest(&self) -> f64 {
        self.e_l.bounds().map_or(-65.0, |(low, _)| low)
    }

    fn tau_m(&self) -> Option<f64> {
        match (&self.tau_m, &self.g_l) {
            (Some(tau_m), _) => tau_m.shared(),
            (None, None) => Some(TAU_M),
            (None, Some(g_l)) => Some(self.c_m.shared()? / g_l.shared()?),
        }
    }

    fn load_bias(&mut self, file: &Path) {
        self.i_e.load(file);
    }
}

impl Lif {
    /// The neurons, for steps of `dt` \[ms\].
    ///
    /// # Errors
    /// Drawn values do not go together.
    pub fn neurons(&self, dt: f64, drawn: &Drawn) -> Result<Iaf, Refused> {
        let p = |name: &str, k: usize| drawn.of(name, k);
        let tau_m = drawn.tau_m();
        let (receptors, init) = match self.receptors.is_empty() {
            false => receptor::ports(&self.receptors, drawn)?,
            true => receptor::ports_at(&self.receptors(), drawn, |receptor, field| {
                self.field_of(receptor, field).to_owned()
            })?,
        };
        let nonlinear = receptors.iter().any(|r| r.e_rev.is_some());
        let rest = reference(drawn.get("e_l"), nonlinear);
        let cells: Vec<Cell> = (0..drawn.count())
            .map(|k| {
                let (c_m, tau_m, rest) = (p("c_m", k), *at(&tau_m, k), *at(&rest, k));
                let g_l = c_m / tau_m;
                let (fall_m, p20) = if nonlinear {
                    (dt / c_m, g_l)
                } else {
                    (fall(dt, tau_m), -fall(dt, tau_m) * tau_m / c_m)
                };
                let propagators = |r: &Port| r.response(k).propagators(dt, tau_m, c_m);
                Cell {
                    fall_m,
                    p20,
                    // Where all neurons measure from one potential, the leak towards their own is a current.
                    i_e: p("i_e", k) + g_l * (p("e_l", k) - rest),
                    injected: p("i_e", k),
                    v_th: p("v_th", k) - rest,
                    v_reset: p("v_reset", k) - rest,
                    t_ref: (p("t_ref", k) / dt).round(),
                    delta_th: p("delta_th", k),
                    fall_rel: fall(dt, p("tau_rel", k)),
                    // Without `v_init` a neuron starts at rest.
                    v_init: drawn.find("v_init").map_or(p("e_l", k), |v| *at(v, k)) - rest,
                    receptors: receptors.iter().map(propagators).collect(),
                    ..Cell::plain()
                }
            })
            .collect();
        drawn.below_threshold(cells.iter().map(|c| (c.v_reset, c.v_th)))?;
        let subtract = self.reset == Reset::Subtract;
        Ok(Iaf {
            cells,
            e_l: rest,
            receptors,
            init,
            dt,
            nonlinear,
            adex: false,
            subtract,
            answer: None,
        })
    }
}

// ---- the kernel ------------------------------------------------------------------------------------

/// Bit of [`Stepped::slow`]: the rise of the threshold.
const SLOW_RISE: u32 = SLOW_OWN;

/// Bit of [`Stepped::slow`]: the adaptation.
const SLOW_ADAPTATION: u32 = SLOW_OWN << 1;

numbers! {
    /// Parameters of a neuron in the array `cell`, before the two propagators of each receptor; potentials are relative to
    /// `e_l`.
    pub struct Cell in cell {
        /// e^(-dt / tau_m) - 1, or dt / c_m where conductances or AdEx make the step nonlinear.
        fall_m,
        /// Effect of a constant current on v over a step \[mV/pA\], or g_l \[nS\].
        p20,
        /// Constant current \[pA\].
        i_e,
        /// Threshold \[mV\]; of AdEx the potential of the spike.
        v_th,
        /// Reset potential \[mV\].
        v_reset,
        /// Absolute refractory period \[steps\].
        t_ref,
        /// Rise of the threshold per spike \[mV\].
        delta_th,
        /// e^(-dt / tau_rel) - 1.
        fall_rel,
        /// Slope of the exponential \[mV\].
        delta_t,
        /// Potential at which the exponential takes off \[mV\].
        v_t,
        /// Subthreshold adaptation \[nS\].
        a,
        /// Adaptation per spike \[pA\].
        b,
        /// e^(-dt / tau_w) - 1.
        fall_w,
    } plus {
        /// Potential at the start \[mV\], of which the kernel knows nothing.
        v_init: f64,
        /// The part of `i_e` that is no leak \[pA\].
        injected: f64,
        /// Propagators of each receptor into v \[mV/pA\].
        receptors: Vec<[f64; 2]>,
    }
}

numbers! {
    /// State of a neuron, before that of the receptors.
    pub struct State in state {
        /// Potential from `e_l` \[mV\].
        v,
        /// Steps for which the potential is still held.
        held,
        /// Rise of the threshold \[mV\].
        h,
        /// Adaptation \[pA\].
        w,
    }
}

impl Cell {
    /// A neuron without any of the extras.
    pub fn plain() -> Self {
        Self {
            fall_m: 0.0,
            p20: 0.0,
            i_e: 0.0,
            v_th: 0.0,
            v_reset: 0.0,
            t_ref: 0.0,
            delta_th: 0.0,
            fall_rel: 0.0,
            delta_t: 1.0,
            v_t: 0.0,
            a: 0.0,
            b: 0.0,
            fall_w: 0.0,
            v_init: 0.0,
            injected: 0.0,
            receptors: Vec::new(),
        }
    }

    /// The numbers of the kernel in the order of the array.
    pub fn values(&self) -> Vec<f64> {
        let mut values = self.numbers().to_vec();
        values.extend(self.receptors.iter().flatten());
        values
    }
}

/// A population.
#[derive(Debug, Clone, PartialEq)]
pub struct Iaf {
    /// One for all neurons, or one for each.
    pub cells: Vec<Cell>,
    /// Potential from which kernels measure \[mV\]; one, or one for each.
    pub e_l: Vec<f64>,
    /// Receptors.
    pub receptors: Vec<Port>,
    /// Value of each receptor at the start; one, or one for each neuron.
    pub init: Vec<Vec<f64>>,
    /// Time step \[ms\].
    pub dt: f64,
    /// Whether the step is exponential Euler, rather than exact.
    pub nonlinear: bool,
    /// With the exponential and the adaptation current.
    pub adex: bool,
    /// Whether a spike subtracts from the potential, rather than setting it.
    pub subtract: bool,
    /// Unit of the potential, where that and no spike is the answer \[mV\].
    pub answer: Option<f64>,
}

/// Membrane potential of one neuron from the tape of distances to the threshold; carries on from window to window.
#[derive(Debug, Clone, Copy)]
pub struct Potential<'a> {
    cell: &'a Cell,
    subtract: bool,
    raised: f64,
    held: f64,
}

impl Iaf {
    /// That of a neuron before the first step.
    pub fn potential(&self, neuron: usize) -> Potential<'_> {
        let cell = at(&self.cells, neuron);
        Potential { cell, subtract: self.subtract, raised: 0.0, held: cell.v_init }
    }
}

impl Potential<'_> {
    /// Potential relative to rest at the end of a step that left `u` on the tape, after the reset if it
    /// spiked, as NEST's multimeter shows it \[mV\].
    pub fn next(&mut self, u: f64) -> f64 {
        let (cell, held, spike) = (self.cell, u <= frame::HELD, u >= 0.0);
        self.raised += cell.fall_rel * self.raised;
        let v = if held { self.held } else { u + cell.v_th + self.raised };
        self.held = match (spike, self.subtract) {
            (true, false) => cell.v_reset,
            (true, true) => v + cell.v_reset - cell.v_th,
            (false, _) => v,
        };
        self.raised += if spike { cell.delta_th } else { 0.0 };
        self.held
    }
}

impl Stepped for Iaf {
    fn kernel(&self) -> &'static Kernel {
        &KERNEL
    }
    fn trained(&self) -> Trained {
        // AdEx takes off where its exponential does, and tells its spike far above.
        let takes_off = |cell: &Cell| if self.adex { cell.v_t } else { cell.v_th };
        Trained {
            window: &WINDOW,
            adjoint: &ADJOINT,
            i_e: cell::i_e,
            currents: self.cells.iter().map(|cell| cell.injected).collect(),
            unit: self
                .answer
                .unwrap_or_else(|| Trained::unit_of(self.cells.iter().map(|cell| cell.v_th))),
            rise: self.answer.unwrap_or_else(|| Trained::unit_of(self.cells.iter().map(takes_off))),
            quiet: scalar::<frame::Quiet<Model>, f64>,
        }
    }
    fn receptors(&self) -> &[Port] {
        &self.receptors
    }
    fn rest(&self, neuron: usize) -> f64 {
        *at(&self.e_l, neuron)
    }
    fn cells(&self) -> Vec<Vec<f64>> {
        self.cells.iter().map(Cell::values).collect()
    }
    fn start(&self, neuron: usize) -> Vec<f64> {
        let v = at(&self.cells, neuron).v_init;
        let mut rows = State { v, held: 0.0, h: 0.0, w: 0.0 }.numbers().to_vec();
        rows.extend(self.init.iter().flat_map(|init| [*at(init, neuron), 0.0]));
        rows
    }
    fn answers(&self) -> bool {
        self.answer.is_some()
    }
    fn on_tape(&self) -> Option<&Iaf> {
        let exponential = |port: &Port| port.e_rev.is_none() && port.is_exponential();
        let starts = || self.init.iter().flatten().any(|x| *x != 0.0);
        let linear = !self.nonlinear && !self.adex;
        matches!(&self.receptors[..], [one] if linear && exponential(one) && !starts())
            .then_some(self)
    }
    fn lasting(&self) -> Option<usize> {
        // The rise of the threshold.
        self.cells.iter().any(|cell| cell.delta_th > 0.0).then_some(state::h)
    }
    fn frozen_cells(&self) -> Vec<Vec<f64>> {
        let held = |cell: &Cell| Cell { delta_th: 0.0, fall_rel: 0.0, ..cell.clone() }.values();
        self.cells.iter().map(held).collect()
    }
    fn slow(&self) -> u32 {
        let potential = |cell: &Cell| match self.nonlinear {
            true => -cell.fall_m * cell.p20,
            false => cell.fall_m,
        };
        let any = |bit: u32, fall: &dyn Fn(&Cell) -> f64| {
            if self.cells.iter().any(|cell| is_slow(fall(cell))) { bit } else { 0 }
        };
        let receptors = self.receptors.iter().any(|r| r.is_slow(self.dt));
        any(SLOW_POTENTIAL, &potential)
            | any(SLOW_RISE, &|cell| if cell.delta_th > 0.0 { cell.fall_rel } else { 0.0 })
            | any(SLOW_ADAPTATION, &|cell| cell.fall_w)
            | if receptors { SLOW_RECEPTORS } else { 0 }
    }
    fn variables(&self) -> Vec<Variable> {
        let mut variables =
            vec![Variable::potential(state::v), Variable::new("threshold_rise", state::h, "mV")];
        if self.adex {
            variables.push(Variable::new("w", state::w, "pA"));
        }
        variables.extend(receptor_variables(&self.receptors, state::COUNT));
        variables
    }
    fn params(&self) -> Vec<Word> {
        let any = |f: fn(&Cell) -> f64| u32::from(self.cells.iter().any(|c| f(c) > 0.0));
        let refractory = any(|c| c.t_ref) + 2 * any(|c| c.delta_th);
        let options = [self.nonlinear, self.adex, self.subtract].map(u32::from);
        [&[refractory][..], &options].concat().into_iter().map(Word::U).collect()
    }
}

params! {
    /// Parameters of the model behind those of a frame.
    pub struct IafParams {
        /// 1 if there is an absolute refractory period, plus 2 if there is a relative one.
        refractory: word,
        /// 0: the step is linear and exact; 1: exponential Euler.
        nonlinear: option,
        /// 1: with the exponential and w.
        adex: option,
        /// 0: to `v_reset`; 1: by subtraction.
        reset: option,
    }
}

const LAYOUTS: &[Layout] =
    &[cell::LAYOUT, state::LAYOUT, receptor::port::LAYOUT, event::LAYOUT, sampled::LAYOUT];

framed! {
    Model, LAYOUTS, IafParams::<f32>::FIELDS,
    /// A step of a simulation.
    pub static KERNEL: "neuron/iaf";
    /// Steps of a training.
    pub static WINDOW: "neuron/iaf_window";
    /// Their adjoint.
    pub static ADJOINT: "neuron/iaf_adjoint";
}

framed! {
    @tape Model, LAYOUTS, IafParams::<f32>::FIELDS, "neuron/iaf", "neuron/iaf_adjoint";
    /// Steps of a training of which the distance to the threshold is kept: see [`Stepped::on_tape`].
    pub static TAPE: "neuron/iaf_tape";
    /// Their adjoint.
    pub static TAPE_BACK: "neuron/iaf_tape_back";
}

// ---- twin -----------------------------------------------------------------------------------------

/// The twin of `shaders/neuron/iaf.wgsl` and `iaf_adjoint.wgsl`.
pub struct Model;

impl frame::Model for Model {
    #[inline(always)]
    fn with<S: Simd, F: Real, R: Run<S, F>>(w: Width<S>, numbers: Numbers<'_, F>, frame: R) {
        let nonlinear = IafParams::<F>::of(numbers.own).nonlinear == 1;
        let Common { receptors: count, own, own_receptors, slow } = numbers.common;
        let mut receptors = Given::<F, false>::all(numbers.receptor, count).into_iter();
        let plain = if slow == 0 && receptors.all(|given| given.is_plain()) { count } else { ANY };
        match (own, nonlinear, slow > 0, plain) {
            (_, false, _, _) if own_receptors => {
                form::<S, F, R, Neurons<S, F, true, false, true, ANY, true>>(w, numbers, frame)
            }
            (_, true, _, _) if own_receptors => {
                form::<S, F, R, Neurons<S, F, true, true, true, ANY, true>>(w, numbers, frame)
            }
            (_, false, _, _) if !R::TUNED => {
                form::<S, F, R, Neurons<S, F, true, false, true, ANY, false>>(w, numbers, frame)
            }
            (_, true, _, _) if !R::TUNED => {
                form::<S, F, R, Neurons<S, F, true, true, true, ANY, false>>(w, numbers, frame)
            }
            (false, false, false, _) => {
                form::<S, F, R, Neurons<S, F, false, false, false, ANY, false>>(w, numbers, frame)
            }
            (false, false, true, _) => {
                form::<S, F, R, Neurons<S, F, false, false, true, ANY, false>>(w, numbers, frame)
            }
            (false, true, false, 2) => {
                form::<S, F, R, Neurons<S, F, false, true, false, 2, false>>(w, numbers, frame)
            }
            (false, true, false, _) => {
                form::<S, F, R, Neurons<S, F, false, true, false, ANY, false>>(w, numbers, frame)
            }
            (false, true, true, _) => {
                form::<S, F, R, Neurons<S, F, false, true, true, ANY, false>>(w, numbers, frame)
            }
            (true, false, false, _) => {
                form::<S, F, R, Neurons<S, F, true, false, false, ANY, false>>(w, numbers, frame)
            }
            (true, false, true, _) => {
                form::<S, F, R, Neurons<S, F, true, false, true, ANY, false>>(w, numbers, frame)
            }
            (true, true, false, 2) => {
                form::<S, F, R, Neurons<S, F, true, true, false, 2, false>>(w, numbers, frame)
            }
            (true, true, false, _) => {
                form::<S, F, R, Neurons<S, F, true, true, false, ANY, false>>(w, numbers, frame)
            }
            (true, true, true, _) => {
                form::<S, F, R, Neurons<S, F, true, true, true, ANY, false>>(w, numbers, frame)
            }
        }
    }
}

impl frame::Taped for Model {
    const LEVELS: Levels = Levels { v_th: cell::v_th, v_reset: cell::v_reset, fall: cell::fall_m };

    #[inline(always)]
    fn with<S: Simd, F: Real, R: Run<S, F>>(
        w: Width<S>,
        numbers: Numbers<'_, F>,
        arrive: bool,
        frame: R,
    ) {
        let Common { own, own_receptors, slow, .. } = numbers.common;
        match (arrive, own, own_receptors, slow > 0) {
            (false, false, ..) => {
                form::<S, F, R, Neurons<S, F, false, false, false, 0, false>>(w, numbers, frame)
            }
            (false, true, ..) => {
                form::<S, F, R, Neurons<S, F, true, false, true, 0, false>>(w, numbers, frame)
            }
            (true, false, ..) => {
                form::<S, F, R, Neurons<S, F, false, false, false, 1, false>>(w, numbers, frame)
            }
            (true, true, false, false) => {
                form::<S, F, R, Neurons<S, F, true, false, false, 1, false>>(w, numbers, frame)
            }
            (true, true, false, true) => {
                form::<S, F, R, Neurons<S, F, true, false, true, 1, false>>(w, numbers, frame)
            }
            (true, true, true, _) => {
                form::<S, F, R, Neurons<S, F, true, false, true, 1, true>>(w, numbers, frame)
            }
        }
    }
}

/// Any number of receptors, of any kind.
const ANY: usize = usize::MAX;

/// A form of the model. `PLAIN` is the number of receptors at which something arrives, if all are plain and the compiler
/// is to know how many there are, which a fifth of the time depends on; else [`ANY`].
struct Neurons<
    S: Simd,
    F: Real,
    const OWN: bool,
    const NONLINEAR: bool,
    const SLOW: bool,
    const PLAIN: usize,
    const OWN_RECEPTORS: bool,
> {
    p: IafParams<F>,
    slow: u32,
    receptors: ArrayVec<Given<F, OWN_RECEPTORS>, { receptor::MOST }>,
    shared: ArrayVec<Vector<S, F>, { cell::COUNT + 2 * receptor::MOST }>,
}

impl<
    S: Simd,
    F: Real,
    const OWN: bool,
    const NONLINEAR: bool,
    const SLOW: bool,
    const PLAIN: usize,
    const OWN_RECEPTORS: bool,
> Neurons<S, F, OWN, NONLINEAR, SLOW, PLAIN, OWN_RECEPTORS>
{
    #[inline(always)]
    fn count(&self) -> usize {
        if PLAIN == ANY { self.receptors.len() } else { PLAIN }
    }

    #[inline(always)]
    fn receptor(&self, r: usize) -> Given<F, OWN_RECEPTORS> {
        match PLAIN {
            ANY => self.receptors[r],
            _ => self.receptors[r].known_plain(NONLINEAR),
        }
    }

    /// The rows of numbers of receptor `r`, if they are own: see [`Given::own`].
    #[inline(always)]
    fn own<'a>(&self, cell: &'a [F], r: usize) -> &'a [F] {
        Given::<F, OWN_RECEPTORS>::own(cell, cell::COUNT + 2 * self.receptors.len(), r)
    }

    #[inline(always)]
    fn field(&self, w: Width<S>, cell: &[F], k: usize, at: usize) -> Vector<S, F> {
        match OWN {
            true => w.load(&cell[k * BLOCK..][..BLOCK], at),
            false => self.shared[k],
        }
    }
}

impl<
    S: Simd,
    F: Real,
    const OWN: bool,
    const NONLINEAR: bool,
    const SLOW: bool,
    const PLAIN: usize,
    const OWN_RECEPTORS: bool,
> frame::Block<S, F> for Neurons<S, F, OWN, NONLINEAR, SLOW, PLAIN, OWN_RECEPTORS>
{
    #[inline(always)]
    fn new(w: Width<S>, numbers: Numbers<'_, F>) -> Self {
        let Common { receptors: count, own, slow, .. } = numbers.common;
        // What all neurons share is spread over the lanes once.
        let shared = if own { &[] } else { numbers.cell };
        Self {
            p: IafParams::of(numbers.own),
            slow,
            receptors: Given::all(numbers.receptor, count),
            shared: shared.iter().map(|x| w.splat(*x)).collect(),
        }
    }

    #[inline(always)]
    fn rows(&self) -> usize {
        state::COUNT + receptor::STATE * self.receptors.len()
    }

    #[inline(always)]
    fn fields(&self) -> usize {
        cell::COUNT + 2 * self.receptors.len()
    }

    #[inline(always)]
    fn step<A: Frame<S, F>>(&self, w: Width<S>, now: Now<'_, F>, frame: &mut A) -> u64 {
        let Now { state, cell, driven, current } = now;
        let (p, count) = (&self.p, self.count());
        let slow = |bit: u32| SLOW && self.slow & bit != 0;
        let (zero, one) = (w.splat(F::zero()), w.splat(F::one()));
        // The constant current and that of the step, where all neurons share them.
        let driven = w.splat(driven);
        let constant = if OWN { driven } else { self.field(w, cell, cell::i_e, 0) + driven };
        let (absolute, relative) = (p.refractory & 1 == 1, p.refractory & 2 == 2);
        let (state, rests) = with_rests(state, self.rows());
        let (own, synaptic) = state.split_at_mut(state::COUNT * BLOCK);
        let (v_row, rest) = own.split_at_mut(BLOCK);
        let (held_row, rest) = rest.split_at_mut(BLOCK);
        let (h_row, w_row) = rest.split_at_mut(BLOCK);
        let mut bits = 0;
        for at in (0..BLOCK).step_by(w.lanes::<F>()) {
            let field = |k: usize| self.field(w, cell, k, at);
            let v = w.load(v_row, at);
            let mut input = if OWN { field(cell::i_e) + driven } else { constant };
            if let Some(current) = current {
                input = input + w.load(current, at);
            }
            let g_of = |r: usize| w.load(&synaptic[2 * r * BLOCK..][..BLOCK], at);
            let mut adaptation = zero;
            let mut change;
            if NONLINEAR {
                let mut conductance = field(cell::p20);
                for r in 0..count {
                    let (given, g) = (self.receptor(r), g_of(r));
                    if given.conductance {
                        let [open, pull] = given.open(w, (self.own(cell, r), at), g, v);
                        conductance = conductance + open;
                        input = input + pull;
                    } else {
                        input = input + g;
                    }
                }
                if p.adex == 1 {
                    adaptation = w.load(w_row, at);
                    // Beyond the potential of a spike the exponential is of no use; long before it
                    // overflows it lifts v above any such potential.
                    let x = ((v.min(field(cell::v_th)) - field(cell::v_t)) / field(cell::delta_t))
                        .min(v.of(60.0));
                    input = input + field(cell::p20) * field(cell::delta_t) * x.exp() - adaptation;
                    let change = (adaptation - field(cell::a) * v) * field(cell::fall_w);
                    let low = rest_of(rests, slow(SLOW_ADAPTATION), state::w);
                    adaptation = advanced(w, adaptation, change, low, at);
                }
                let v_inf = input / conductance;
                let exponent = zero - field(cell::fall_m) * conductance;
                let fall = match slow(SLOW_POTENTIAL) {
                    true => exponent.exp_m1(),
                    false => exponent.exp() - one,
                };
                change = (v - v_inf) * fall;
            } else {
                change = v.mul_add(field(cell::fall_m), field(cell::p20) * input);
                for r in 0..count {
                    let given = self.receptor(r);
                    change = change + field(cell::COUNT + 2 * r) * g_of(r);
                    if given.has_rise() {
                        let x = w.load(&synaptic[(2 * r + 1) * BLOCK..][..BLOCK], at);
                        change = change + field(cell::COUNT + 2 * r + 1) * x;
                    }
                }
            }
            let held = if absolute { w.load(held_row, at) } else { zero };
            for r in 0..count {
                let given = self.receptor(r);
                let (g, x) = synaptic[2 * r * BLOCK..][..2 * BLOCK].split_at_mut(BLOCK);
                let low = rests_of_receptor(rests, slow(SLOW_RECEPTORS), state::COUNT + 2 * r);
                let own = (self.own(cell, r), at);
                if let Some(jump) = given.step(w, own, [g, x], low, frame.arriving(w, r, at)) {
                    change = change + jump;
                }
            }
            if absolute {
                change = held.gt(zero).select(zero, change);
            }
            let low = rest_of(rests, slow(SLOW_POTENTIAL), state::v);
            let next = advanced(w, v, change, low, at);
            let mut threshold = field(cell::v_th);
            let mut h = zero;
            if relative {
                h = w.load(h_row, at);
                h = advanced(
                    w,
                    h,
                    field(cell::fall_rel) * h,
                    rest_of(rests, slow(SLOW_RISE), state::h),
                    at,
                );
                threshold = threshold + h;
            }
            let free = absolute.then(|| held.le(zero));
            let spike = frame.decide(w, free, next, threshold, at);
            if absolute {
                w.store(held_row, at, spike.select(field(cell::t_ref), (held - one).max(zero)));
            }
            if relative {
                w.store(h_row, at, spike.set(h, h + field(cell::delta_th)));
            }
            let mut after = field(cell::v_reset);
            if p.reset == 1 {
                after = next + (after - field(cell::v_th));
            } else if let Some(low) = rest_of(rests, slow(SLOW_POTENTIAL), state::v) {
                w.store(low, at, spike.select(zero, w.load(low, at)));
            }
            w.store(v_row, at, spike.set(next, after));
            if p.adex == 1 {
                w.store(w_row, at, spike.set(adaptation, adaptation + field(cell::b)));
            }
            bits |= u64::from(spike.bits()) << at;
        }
        bits
    }

    #[inline(always)]
    fn adjoint(&self, w: Width<S>, now: Now<'_, F>, mut back: Back<'_, F>) {
        let p = &self.p;
        let zero = w.splat(F::zero());
        let relative = p.refractory & 2 == 2;
        let wanted = back.wants_numbers();
        let numbers = |r: usize| self.fields() + r * port::COUNT;
        for at in (0..BLOCK).step_by(w.lanes::<F>()) {
            let field = |k: usize| self.field(w, now.cell, k, at);
            let load = |k: usize| row(w, now.state, k, at);
            let by = |back: &Back<'_, F>, k: usize| row(w, back.adjoint, k, at);
            let receptor_row = |r: usize| state::COUNT + receptor::STATE * r;
            let distance = back.distance(w, at);
            let can_spike = distance.gt(distance.of(frame::HELD));

            // What the spike did.
            let mut by_spike = w.load(back.by_spike, at);
            let mut by_v = by(&back, state::v);
            let mut by_h = if relative { by(&back, state::h) } else { zero };
            let mut by_w = if p.adex == 1 { by(&back, state::w) } else { zero };
            if p.reset == 1 {
                let change = field(cell::v_reset) - field(cell::v_th);
                back.through_subtraction(by_v, change, &mut by_spike);
            } else {
                let change = || {
                    let mut threshold = field(cell::v_th);
                    if relative {
                        let h = load(state::h);
                        threshold = threshold + h + field(cell::fall_rel) * h;
                    }
                    field(cell::v_reset) - (distance + threshold)
                };
                by_v = back.through_reset(w, by_v, change, &mut by_spike, at);
            }
            back.through_adaptation(by_h, field(cell::delta_th), &mut by_spike);
            back.through_adaptation(by_w, field(cell::b), &mut by_spike);
            let by_distance = back.by_distance(w, by_spike, at);
            if wanted {
                let spiked = back.spiked(w, at);
                let by_reset = by(&back, state::v) * spiked;
                back.add_number(w, cell::v_reset, by_reset, at);
                let subtracted = if p.reset == 1 { by_reset } else { zero };
                back.add_number(w, cell::v_th, -by_distance - subtracted, at);
                if relative {
                    back.add_number(w, cell::delta_th, by_h * spiked, at);
                    let by_fall = (by_h - by_distance) * load(state::h);
                    back.add_number(w, cell::fall_rel, by_fall, at);
                }
                if p.adex == 1 {
                    back.add_number(w, cell::b, by_w * spiked, at);
                }
            }
            by_v = by_v + by_distance;
            if relative {
                by_h = by_h - by_distance;
                set_row(w, back.adjoint, state::h, at, by_h + field(cell::fall_rel) * by_h);
            }

            // What moved the potential, which is held while a neuron is refractory.
            let by_change = can_spike.select(by_v, zero);
            for r in 0..self.count() {
                let given = self.receptor(r);
                let k = receptor_row(r);
                let by_after = [by(&back, k), by(&back, k + 1)];
                if wanted {
                    let by_after = [by_after[0], by_after[1], by_change];
                    let read = [load(k), load(k + 1), w.load(&back.arrivals[r], at)];
                    given.add_step_numbers(w, &mut back, numbers(r), by_after, read, at);
                }
                let own = (self.own(now.cell, r), at);
                let (by_arrival, [by_g, by_x]) = given.adjoint(w, own, by_after, by_change);
                back.give_back(w, r, by_arrival, at);
                set_row(w, back.adjoint, k, at, by_g);
                if given.has_rise() {
                    set_row(w, back.adjoint, k + 1, at, by_x);
                }
            }
            let by_input;
            if NONLINEAR {
                let v = load(state::v);
                let input = now.input(w, field(cell::i_e), at);
                let (mut pull, mut conductance) = (input, field(cell::p20));
                for r in 0..self.count() {
                    let (given, g) = (self.receptor(r), load(receptor_row(r)));
                    if given.conductance {
                        let [open, drawn] = given.open(w, (self.own(now.cell, r), at), g, v);
                        conductance = conductance + open;
                        pull = pull + drawn;
                    } else {
                        pull = pull + g;
                    }
                }
                let mut slope = zero;
                // Derivatives of the pull by p20, v_th, v_t and delta_t.
                let mut slopes = [zero; 4];
                if p.adex == 1 {
                    let below = v.lt(field(cell::v_th));
                    let x = (v.min(field(cell::v_th)) - field(cell::v_t)) / field(cell::delta_t);
                    let power = x.min(v.of(60.0)).exp();
                    let rise = field(cell::p20) * power;
                    pull = pull + rise * field(cell::delta_t) - load(state::w);
                    let bent = x.lt(v.of(60.0)).select(rise, zero);
                    slope = below.select(bent, zero);
                    if wanted {
                        slopes =
                            [power * field(cell::delta_t), bent - slope, -bent, rise - bent * x];
                    }
                }
                // change = (v - pull / G) (e^(-k G) - 1).
                let v_inf = pull / conductance;
                let k = field(cell::fall_m);
                let fall = (zero - k * conductance).exp_m1();
                let kept = fall + fall.of(1.0);
                let by_pull = zero - by_change * fall / conductance;
                let by_conductance =
                    by_change * (v_inf * fall / conductance - k * (v - v_inf) * kept);
                by_v = by_v + by_change * fall;
                if wanted {
                    let by_k = -(by_change * (v - v_inf) * conductance * kept);
                    back.add_number(w, cell::fall_m, by_k, at);
                    let [by_p20, by_v_th, by_v_t, by_delta_t] = slopes.map(|slope| by_pull * slope);
                    back.add_number(w, cell::p20, by_conductance + by_p20, at);
                    if p.adex == 1 {
                        back.add_number(w, cell::v_th, by_v_th, at);
                        back.add_number(w, cell::v_t, by_v_t, at);
                        back.add_number(w, cell::delta_t, by_delta_t, at);
                        back.add_number(w, cell::a, -(by_w * v * field(cell::fall_w)), at);
                        let beyond = load(state::w) - field(cell::a) * v;
                        back.add_number(w, cell::fall_w, by_w * beyond, at);
                    }
                }
                if p.adex == 1 {
                    by_v = by_v + by_pull * slope - by_w * field(cell::a) * field(cell::fall_w);
                    by_w = by_w + by_w * field(cell::fall_w) - by_pull;
                    set_row(w, back.adjoint, state::w, at, by_w);
                }
                for r in 0..self.count() {
                    let (given, k) = (self.receptor(r), receptor_row(r));
                    let mut by_g = by(&back, k);
                    if given.conductance {
                        let e_rev = given.e_rev(w, (self.own(now.cell, r), at));
                        let by_open = by_conductance + by_pull * e_rev;
                        let [by_state, by_potential, free] =
                            given.open_adjoint(w, load(k), v, by_open);
                        by_g = by_g + by_state;
                        by_v = by_v + by_potential;
                        if wanted {
                            let (opened, by_both) = (load(k) * free, [by_pull, by_potential]);
                            given.add_open_numbers(w, &mut back, numbers(r), opened, by_both, at);
                        }
                    } else {
                        by_g = by_g + by_pull;
                    }
                    set_row(w, back.adjoint, k, at, by_g);
                }
                by_input = by_pull;
            } else {
                by_input = by_change * field(cell::p20);
                by_v = by_v + by_change * field(cell::fall_m);
                if wanted {
                    back.add_number(w, cell::fall_m, by_change * load(state::v), at);
                    let input = now.input(w, field(cell::i_e), at);
                    back.add_number(w, cell::p20, by_change * input, at);
                    for r in 0..self.count() {
                        let (k, to_v) = (receptor_row(r), cell::COUNT + 2 * r);
                        back.add_number(w, to_v, by_change * load(k), at);
                        if self.receptor(r).has_rise() {
                            back.add_number(w, to_v + 1, by_change * load(k + 1), at);
                        }
                    }
                }
                for r in 0..self.count() {
                    let k = receptor_row(r);
                    let by_g = by(&back, k) + by_change * field(cell::COUNT + 2 * r);
                    set_row(w, back.adjoint, k, at, by_g);
                    if self.receptor(r).has_rise() {
                        let by_x = by(&back, k + 1) + by_change * field(cell::COUNT + 2 * r + 1);
                        set_row(w, back.adjoint, k + 1, at, by_x);
                    }
                }
            }
            set_row(w, back.adjoint, state::v, at, by_v);
            back.add_input(w, by_input, at);
            if wanted {
                back.add_number(w, cell::i_e, by_input, at);
            }
        }
    }
}
