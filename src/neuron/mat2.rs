//! Integrate-and-fire neuron whose threshold adapts on several time scales, and whose potential is never reset
//! (Kobayashi, Tsubo & Shinomoto 2009; NEST mat2_psc_exp), a step at a time.
//!
//! ```text
//!   c_m dv/dt = -c_m / tau_m (v - e_l) + i_e + i(t) + sum of current receptors
//!   dtheta_k/dt = -theta_k / tau_k
//!   v >= omega + theta_1 + theta_2, t_ref after the last spike  =>  spike; theta_k := theta_k + alpha_k
//! ```
//! v is relative to e_l. Everything is linear, so one step is exact: v += fall v + p20 (i_e + i) + sum_r
//! (c_r g_r + d_r x_r) as in [`super::iaf`], theta_k += fall_k theta_k. Order of a step: v and theta; receptors decay
//! and take what arrives; threshold. So v and theta are those of the end of the step when they are compared.
//!
//! The adjoint: u_bar = (cotangent [+ sum_k theta_bar_k alpha_k]) S'(u); theta_bar_k := (1 + fall_k) (theta_bar_k - u_bar);
//! v_bar := v_bar + u_bar, of which c_r and d_r give the gradients by g and x, and p20 that by the current. By the numbers,
//! with the bars after a spike s and all else before the step: alpha_k_bar = s theta_bar_k, omega_bar = -u_bar,
//! fall_k_bar = theta_k (theta_bar_k - u_bar); and with the new v_bar fall_bar = v v_bar, p20_bar = (i_e + i) v_bar,
//! c_r_bar = g_r v_bar, d_r_bar = x_r v_bar; i_e_bar is that by the current, and t_ref has none.

use super::frame::{self, Back, Common, Frame, Now, Numbers, Run, form, row, set_row};
use super::model::{Drawn, Neuron, Refused, at};
use super::receptor::{self, Given, Port, Receptor, port};
use super::stepped::{
    BLOCK, SLOW_OWN, SLOW_POTENTIAL, SLOW_RECEPTORS, Stepped, Trained, Variable,
    receptor_variables, rest_of, rests_of_receptor, with_rests,
};
use crate::grammar::{Judge, Ms, Mv, Named, Pa, Param, Pf};
use crate::input::poisson_drive::event;
use crate::kernel::*;
use crate::record::sample::sampled;
use crate::slow::{advanced, fall, is_slow};
use crate::vector::Width;
use crate::{declare, framed, numbers};
use arrayvec::ArrayVec;
use std::path::Path;
use std::sync::Arc;

// ---- the word of a scene ---------------------------------------------------------------------------

declare! {
    /// Leaky integrate-and-fire neuron with a threshold that adapts on two time scales, and no reset (Kobayashi, Tsubo &
    /// Shinomoto 2009; NEST mat2_psc_exp), exact integration. Its receptors are currents.
    pub struct Mat2: Default {
        /// Membrane capacitance \[pF\].
        c_m | "C_m" | "cm": Param<Pf> [Positive] = 100.0;
        /// Membrane time constant \[ms\].
        tau_m: Param<Ms> [Positive] = 5.0;
        /// Leak reversal, the resting potential \[mV\].
        e_l | "E_L" | "v_rest": Param<Mv> = -70.0;
        /// Threshold at rest \[mV\].
        omega: Param<Mv> = -51.0;
        /// Rise of the fast part of the threshold with each spike \[mV\].
        alpha_1: Param<Mv> = 37.0;
        /// Rise of the slow part \[mV\].
        alpha_2: Param<Mv> = 2.0;
        /// Time constant of the fast part \[ms\].
        tau_1: Param<Ms> [Positive] = 10.0;
        /// Time constant of the slow part \[ms\].
        tau_2: Param<Ms> [Positive] = 200.0;
        /// Time after a spike in which there is no other \[ms\].
        t_ref | "tau_refrac": Param<Ms> [Steps] = 2.0;
        /// Constant current \[pA\].
        i_e | "I_e" | "i_offset": Param<Pa> = 0.0;
        /// Potential at the start \[mV\]; `e_l` if absent.
        v_init | "V_m": Option<Param<Mv>>;
        /// Receptors by name, all of them currents.
        receptors: Named<Receptor> = currents();
    }
}

/// The receptors of NEST's model.
fn currents() -> Named<Receptor> {
    let exp = |name: &str, tau| {
        let tau = Param::value(tau);
        (name.to_owned(), Receptor::Exp { tau, e_rev: None, init: Param::value(0.0) })
    };
    Named(vec![exp("ex", 1.0), exp("in", 3.0)])
}

impl Neuron for Mat2 {
    fn receptors(&self) -> Vec<(String, Receptor)> {
        self.receptors.to_vec()
    }

    fn check(&self, path: &str, judge: &mut dyn Judge) {
        for (name, _) in self.receptors.iter().filter(|(_, r)| r.is_conductance()) {
            let message = "a conductance makes a membrane nonlinear, and this neuron's is linear";
            let help = "leave `e_rev` out, or use `Lif` or `Adex`";
            judge.fault_with_help(format!("{path}.receptors.{name}"), message, help);
        }
    }

    fn make(&self, dt: f64, drawn: &Drawn) -> Result<Arc<dyn Stepped>, Refused> {
        let p = |name: &str, k: usize| drawn.of(name, k);
        let (receptors, init) = receptor::ports(&self.receptors, drawn)?;
        let cells = (0..drawn.count()).map(|k| {
            let (c_m, tau_m, rest) = (p("c_m", k), p("tau_m", k), p("e_l", k));
            Cell {
                fall_m: fall(dt, tau_m),
                p20: -fall(dt, tau_m) * tau_m / c_m,
                i_e: p("i_e", k),
                omega: p("omega", k) - rest,
                t_ref: (p("t_ref", k) / dt).round(),
                alpha_1: p("alpha_1", k),
                alpha_2: p("alpha_2", k),
                fall_1: fall(dt, p("tau_1", k)),
                fall_2: fall(dt, p("tau_2", k)),
                v_init: drawn.find("v_init").map_or(rest, |v| *at(v, k)) - rest,
                receptors: receptors
                    .iter()
                    .map(|r| r.response(k).propagators(dt, tau_m, c_m))
                    .collect(),
            }
        });
        let (cells, e_l) = (cells.collect(), drawn.get("e_l").to_vec());
        Ok(Arc::new(Cells { cells, e_l, receptors, init, dt }))
    }

    fn rest(&self) -> f64 {
        self.e_l.bounds().map_or(-70.0, |(low, _)| low)
    }

    fn tau_m(&self) -> Option<f64> {
        self.tau_m.shared()
    }

    fn load_bias(&mut self, file: &Path) {
        self.i_e.load(file);
    }
}

// ---- the kernel ------------------------------------------------------------------------------------

numbers! {
    /// Parameters of a neuron in the array `cell`, before the two propagators of each receptor; potentials are relative
    /// to `e_l`.
    pub struct Cell in cell {
        /// e^(-dt / tau_m) - 1.
        fall_m,
        /// Effect of a constant current on v over a step \[mV/pA\].
        p20,
        /// Constant current \[pA\].
        i_e,
        /// Threshold at rest \[mV\].
        omega,
        /// Time after a spike without another \[steps\].
        t_ref,
        /// Rise of the fast part of the threshold \[mV\].
        alpha_1,
        /// Rise of the slow part \[mV\].
        alpha_2,
        /// e^(-dt / tau_1) - 1.
        fall_1,
        /// e^(-dt / tau_2) - 1.
        fall_2,
    } plus {
        /// Potential at the start \[mV\].
        v_init: f64,
        /// Propagators of each receptor into v \[mV/pA\].
        receptors: Vec<[f64; 2]>,
    }
}

numbers! {
    /// State of a neuron, before that of the receptors.
    pub struct State in state {
        /// Potential from `e_l` \[mV\].
        v,
        /// Steps in which there is no spike.
        held,
        /// Fast part of the threshold \[mV\].
        theta_1,
        /// Slow part \[mV\].
        theta_2,
    }
}

/// Bit of [`Stepped::slow`]: both parts of the threshold.
const SLOW_THRESHOLD: u32 = SLOW_OWN;

/// A population.
#[derive(Debug, Clone, PartialEq)]
pub struct Cells {
    /// One for all neurons, or one for each.
    pub cells: Vec<Cell>,
    /// Resting potential \[mV\]; one, or one for each.
    pub e_l: Vec<f64>,
    /// Receptors.
    pub receptors: Vec<Port>,
    /// Value of each receptor at the start; one, or one for each neuron.
    pub init: Vec<Vec<f64>>,
    /// Time step \[ms\].
    pub dt: f64,
}

impl Stepped for Cells {
    fn kernel(&self) -> &'static Kernel {
        &KERNEL
    }
    fn trained(&self) -> Trained {
        Trained {
            window: &WINDOW,
            adjoint: &ADJOINT,
            i_e: cell::i_e,
            currents: self.cells.iter().map(|cell| cell.i_e).collect(),
            unit: Trained::unit_of(self.cells.iter().map(|cell| cell.omega)),
            rise: Trained::unit_of(self.cells.iter().map(|cell| cell.omega)),
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
        let all = |cell: &Cell| [&cell.numbers()[..], cell.receptors.as_flattened()].concat();
        self.cells.iter().map(all).collect()
    }
    fn start(&self, neuron: usize) -> Vec<f64> {
        let v = at(&self.cells, neuron).v_init;
        let mut rows = State { v, held: 0.0, theta_1: 0.0, theta_2: 0.0 }.numbers().to_vec();
        rows.extend(self.init.iter().flat_map(|init| [*at(init, neuron), 0.0]));
        rows
    }
    fn slow(&self) -> u32 {
        let any = |bit: u32, slow: &dyn Fn(&Cell) -> bool| {
            if self.cells.iter().any(slow) { bit } else { 0 }
        };
        let receptors = self.receptors.iter().any(|r| r.is_slow(self.dt));
        any(SLOW_POTENTIAL, &|cell| is_slow(cell.fall_m))
            | any(SLOW_THRESHOLD, &|cell| is_slow(cell.fall_1) || is_slow(cell.fall_2))
            | if receptors { SLOW_RECEPTORS } else { 0 }
    }
    fn variables(&self) -> Vec<Variable> {
        let mut variables = vec![Variable::potential(state::v)];
        variables.push(Variable::new("theta_1", state::theta_1, "mV"));
        variables.push(Variable::new("theta_2", state::theta_2, "mV"));
        variables.extend(receptor_variables(&self.receptors, state::COUNT));
        variables
    }
    fn params(&self) -> Vec<Word> {
        Vec::new()
    }
}

const LAYOUTS: &[Layout] =
    &[cell::LAYOUT, state::LAYOUT, receptor::port::LAYOUT, event::LAYOUT, sampled::LAYOUT];

/// The model has no parameters of its own.
const PARAMS: &[Field] = &[];

framed! {
    Model, LAYOUTS, PARAMS,
    /// A step of a simulation.
    pub static KERNEL: "neuron/mat2";
    /// Steps of a training.
    pub static WINDOW: "neuron/mat2_window";
    /// Their adjoint.
    pub static ADJOINT: "neuron/mat2_adjoint";
}

// ---- twin -----------------------------------------------------------------------------------------

/// The twin of `shaders/neuron/mat2.wgsl` and `mat2_adjoint.wgsl`.
pub struct Model;

impl frame::Model for Model {
    #[inline(always)]
    fn with<S: Simd, F: Real, R: Run<S, F>>(w: Width<S>, numbers: Numbers<'_, F>, frame: R) {
        let Common { own, own_receptors, .. } = numbers.common;
        if own_receptors {
            form::<S, F, R, Neurons<F, true, true>>(w, numbers, frame);
        } else if own || !R::TUNED {
            form::<S, F, R, Neurons<F, true, false>>(w, numbers, frame);
        } else {
            form::<S, F, R, Neurons<F, false, false>>(w, numbers, frame);
        }
    }
}

struct Neurons<F: Real, const OWN: bool, const OWN_RECEPTORS: bool> {
    slow: u32,
    receptors: ArrayVec<Given<F, OWN_RECEPTORS>, { receptor::MOST }>,
}

impl<F: Real, const OWN: bool, const OWN_RECEPTORS: bool> Neurons<F, OWN, OWN_RECEPTORS> {
    /// The rows of numbers of receptor `r`, if they are own: see [`Given::own`].
    #[inline(always)]
    fn own<'a>(&self, cell: &'a [F], r: usize) -> &'a [F] {
        Given::<F, OWN_RECEPTORS>::own(cell, cell::COUNT + 2 * self.receptors.len(), r)
    }
}

impl<S: Simd, F: Real, const OWN: bool, const OWN_RECEPTORS: bool> frame::Block<S, F>
    for Neurons<F, OWN, OWN_RECEPTORS>
{
    #[inline(always)]
    fn new(_: Width<S>, numbers: Numbers<'_, F>) -> Self {
        let Common { receptors: count, slow, .. } = numbers.common;
        Self { slow, receptors: Given::all(numbers.receptor, count) }
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
        let rows = frame::Block::<S, F>::rows(self);
        let slow = |bit: u32| self.slow & bit != 0;
        let (zero, one) = (w.splat(F::zero()), w.splat(F::one()));
        let field = |k: usize, at: usize| frame::field_of::<S, F, OWN>(w, cell, k, at);
        let (state, rests) = with_rests(state, rows);
        let (own, synaptic) = state.split_at_mut(state::COUNT * BLOCK);
        let places = |k: usize| k * BLOCK..(k + 1) * BLOCK;
        let mut change = [F::zero(); BLOCK];
        for at in (0..BLOCK).step_by(w.lanes::<F>()) {
            let mut input = field(cell::i_e, at) + w.splat(driven);
            if let Some(current) = current {
                input = input + w.load(current, at);
            }
            let v = w.load(&own[places(state::v)], at);
            let leak = v.mul_add(field(cell::fall_m, at), field(cell::p20, at) * input);
            w.store(&mut change, at, leak);
        }
        for (r, given) in self.receptors.iter().enumerate() {
            let (g, x) = synaptic[2 * r * BLOCK..][..2 * BLOCK].split_at_mut(BLOCK);
            for at in (0..BLOCK).step_by(w.lanes::<F>()) {
                let mut by = w.load(&change, at) + field(cell::COUNT + 2 * r, at) * w.load(g, at);
                if given.has_rise() {
                    by = by + field(cell::COUNT + 2 * r + 1, at) * w.load(x, at);
                }
                let low = rests_of_receptor(rests, slow(SLOW_RECEPTORS), state::COUNT + 2 * r);
                let own = (self.own(cell, r), at);
                if let Some(jump) =
                    given.step(w, own, [&mut *g, &mut *x], low, frame.arriving(w, r, at))
                {
                    by = by + jump;
                }
                w.store(&mut change, at, by);
            }
        }
        let mut bits = 0;
        for at in (0..BLOCK).step_by(w.lanes::<F>()) {
            let mut move_row = |k: usize, bit: u32, own: &mut [F], by| {
                let row = &mut own[places(k)];
                let after = advanced(w, w.load(row, at), by, rest_of(rests, slow(bit), k), at);
                w.store(row, at, after);
                after
            };
            let v = move_row(state::v, SLOW_POTENTIAL, own, w.load(&change, at));
            let mut threshold = field(cell::omega, at);
            for (k, fall) in [(state::theta_1, cell::fall_1), (state::theta_2, cell::fall_2)] {
                let by = field(fall, at) * w.load(&own[places(k)], at);
                threshold = threshold + move_row(k, SLOW_THRESHOLD, own, by);
            }
            let held_row = &mut own[places(state::held)];
            let held = w.load(held_row, at);
            let spike = frame.decide(w, Some(held.le(zero)), v, threshold, at);
            let after = spike.select(field(cell::t_ref, at), (held - one).max(zero));
            w.store(held_row, at, after);
            for (k, alpha) in [(state::theta_1, cell::alpha_1), (state::theta_2, cell::alpha_2)] {
                let theta = w.load(&own[places(k)], at);
                let raised = spike.set(theta, theta + field(alpha, at));
                w.store(&mut own[places(k)], at, raised);
            }
            bits |= u64::from(spike.bits()) << at;
        }
        bits
    }

    #[inline(always)]
    fn adjoint(&self, w: Width<S>, now: Now<'_, F>, mut back: Back<'_, F>) {
        let wanted = back.wants_numbers();
        let fields = frame::Block::<S, F>::fields(self);
        for at in (0..BLOCK).step_by(w.lanes::<F>()) {
            let field = |k: usize| now.field::<S, OWN>(w, k, at);
            let load = |k: usize| row(w, now.state, k, at);
            let by = |back: &Back<'_, F>, k: usize| row(w, back.adjoint, k, at);
            // A spike leaves the potential as it is, and raises the threshold.
            let thetas = [
                (state::theta_1, cell::alpha_1, cell::fall_1),
                (state::theta_2, cell::alpha_2, cell::fall_2),
            ];
            let mut by_spike = w.load(back.by_spike, at);
            for (k, alpha, _) in thetas {
                back.through_adaptation(by(&back, k), field(alpha), &mut by_spike);
            }
            let by_distance = back.by_distance(w, by_spike, at);
            if wanted {
                back.add_number(w, cell::omega, -by_distance, at);
                for (k, alpha, fall) in thetas {
                    let by_theta = by(&back, k);
                    back.add_number(w, alpha, by_theta * back.spiked(w, at), at);
                    back.add_number(w, fall, (by_theta - by_distance) * load(k), at);
                }
            }
            for (k, _, fall) in thetas {
                let by_theta = by(&back, k) - by_distance;
                set_row(w, back.adjoint, k, at, by_theta + field(fall) * by_theta);
            }
            let by_v = by(&back, state::v) + by_distance;
            for (r, given) in self.receptors.iter().enumerate() {
                let k = state::COUNT + receptor::STATE * r;
                let after = [by(&back, k), by(&back, k + 1)];
                let (to_v, to_v_rise) = (cell::COUNT + 2 * r, cell::COUNT + 2 * r + 1);
                if wanted {
                    let (by_after, first) = ([after[0], after[1], by_v], fields + r * port::COUNT);
                    let read = [load(k), load(k + 1), w.load(&back.arrivals[r], at)];
                    given.add_step_numbers(w, &mut back, first, by_after, read, at);
                    back.add_number(w, to_v, by_v * load(k), at);
                    if given.has_rise() {
                        back.add_number(w, to_v_rise, by_v * load(k + 1), at);
                    }
                }
                let own = (self.own(now.cell, r), at);
                let (by_arrival, [by_g, by_x]) = given.adjoint(w, own, after, by_v);
                back.give_back(w, r, by_arrival, at);
                set_row(w, back.adjoint, k, at, by_g + by_v * field(to_v));
                if given.has_rise() {
                    set_row(w, back.adjoint, k + 1, at, by_x + by_v * field(to_v_rise));
                }
            }
            set_row(w, back.adjoint, state::v, at, by_v + by_v * field(cell::fall_m));
            let by_input = by_v * field(cell::p20);
            back.add_input(w, by_input, at);
            if wanted {
                let input = now.input(w, field(cell::i_e), at);
                back.add_number(w, cell::fall_m, by_v * load(state::v), at);
                back.add_number(w, cell::p20, by_v * input, at);
                back.add_number(w, cell::i_e, by_input, at);
            }
        }
    }
}
