//! Izhikevich's neuron (2003), a step at a time.
//!
//! ```text
//!   v' = 0.04 v^2 + 5 v + 140 - u + i_e + i(t) + sum_r g_r B_r(v) (e_r - v) + sum of current receptors
//!   u' = a (b v - u)
//!   v >= v_th  =>  spike; v := c; u := u + d
//! ```
//! Times are in ms and v in mV; currents are plain numbers that move v by so many mV/ms, as in
//! the paper. v is absolute. A step is Euler's, both variables from the state at its start, or, as
//! in the program that the paper prints (`HalfSteps`), two half steps of v with u held, then one step of
//! u from the new v. Conductances and what blocks them are held over a step.
//!
//! Order of a step: pulses that arrive become the current of this very step; v and u; the other
//! receptors decay and take what arrives; threshold; reset. So a spike of step k with a delay of d
//! steps acts on v through a pulse in step k + d, as the paper's neurons, one step late at the
//! earliest, do, and through any other receptor from step k + d + 1 on, as in [`super::iaf`].
//!
//! The adjoint takes the same steps back: dv'/dv = 1 + step (0.08 v + slope), dv'/d(slope) = step v and dv'/d(rest) =
//! step, where slope = 5 - sum g_r B_r and rest = 140 - u + all currents. By the numbers of a neuron, a bar for the
//! derivative of the loss, those by v and u after the spike s, whose distance to the threshold is x: c_bar = s v_bar,
//! d_bar = s u_bar, v_th_bar = -x_bar, and, with v and u as they enter u', (a dt)_bar = (b v - u) u_bar and b_bar = a dt v
//! u_bar; i_e_bar is that by the current.

use super::frame::{self, Back, Common, Frame, Now, Numbers, Run, form, row, set_row};
use super::model::{Drawn, Neuron, Refused, at};
use super::receptor::{self, Given, Port, Receptor, port};
use super::stepped::{
    BLOCK, SLOW_OWN, SLOW_RECEPTORS, Stepped, Trained, Variable, receptor_variables, rest_of,
    rests_of_receptor, with_rests,
};
use crate::grammar::{Mv, Named, One, Param};
use crate::input::poisson_drive::event;
use crate::kernel::*;
use crate::record::sample::sampled;
use crate::slow::{advanced, is_slow};
use crate::vector::{Vector, Width};
use crate::{declare, framed, numbers, params};
use arrayvec::ArrayVec;
use std::path::Path;
use std::sync::Arc;

// ---- the word of a scene ---------------------------------------------------------------------------

declare! {
    /// Izhikevich's neuron (2003): `v' = 0.04 v^2 + 5 v + 140 - u + i`, `u' = a (b v - u)`; at 30 mV
    /// `v := c`, `u := u + d`. Times are in ms; currents are plain numbers, as in the paper.
    pub struct Izhikevich: Default {
        /// Rate of the recovery \[1/ms\].
        a: Param<One> = 0.02;
        /// Sensitivity of the recovery.
        b: Param<One> = 0.2;
        /// Potential after a spike \[mV\].
        c: Param<Mv> = -65.0;
        /// Recovery after a spike.
        d: Param<One> = 8.0;
        /// Constant current.
        i_e | "I_e" | "i_offset": Param<One> = 0.0;
        /// Potential of a spike \[mV\].
        v_th | "V_th": Param<Mv> = 30.0;
        /// Potential at the start \[mV\]; u starts at b times it.
        v_init | "V_m": Param<Mv> = -65.0;

        /// How a step is taken.
        method: Method = Method::Euler;
        /// Receptors by name.
        receptors: Named<Receptor> = Named(vec![("ex".to_owned(), Receptor::Pulse {})]);
    }
}

declare! {
    /// How a step of Izhikevich's neuron is taken.
    #[derive(Copy, Eq)]
    pub enum Method {
        /// One step of Euler's method for both variables, from the state at its start.
        Euler;
        /// Two half steps for v, then one for u from the new v: the published network code.
        HalfSteps;
    }
}

impl Neuron for Izhikevich {
    fn receptors(&self) -> Vec<(String, Receptor)> {
        self.receptors.to_vec()
    }

    fn make(&self, dt: f64, drawn: &Drawn) -> Result<Arc<dyn Stepped>, Refused> {
        let value = |name: &str, k: usize| drawn.of(name, k);
        let (receptors, init) = receptor::ports(&self.receptors, drawn)?;
        let cells: Vec<Cell> = (0..drawn.count())
            .map(|k| Cell {
                rate: value("a", k) * dt,
                b: value("b", k),
                c: value("c", k),
                d: value("d", k),
                i_e: value("i_e", k),
                v_th: value("v_th", k),
                v_init: value("v_init", k),
            })
            .collect();
        if let Some(neuron) = cells.iter().position(|cell| cell.c >= cell.v_th) {
            let why = "but the potential after a spike must lie below that of a spike";
            return Err(drawn.refused("c", neuron, cells[neuron].c, why));
        }
        let half_steps = self.method == Method::HalfSteps;
        Ok(Arc::new(Cells { cells, dt, half_steps, receptors, init }))
    }

    fn load_bias(&mut self, file: &Path) {
        self.i_e.load(file);
    }
}

// ---- the kernel ------------------------------------------------------------------------------------

/// Bit of [`Stepped::slow`]: the recovery.
const SLOW_RECOVERY: u32 = SLOW_OWN;

numbers! {
    /// Parameters of a neuron in the array `cell`.
    pub struct Cell in cell {
        /// Rate of the recovery times the step, `a dt`.
        rate,
        /// Sensitivity of the recovery \[1/ms\].
        b,
        /// Potential after a spike \[mV\].
        c,
        /// Recovery after a spike \[mV/ms\].
        d,
        /// Constant current \[mV/ms\].
        i_e,
        /// Potential of a spike \[mV\].
        v_th,
    } plus {
        /// Potential at the start \[mV\]; u starts at b times it.
        v_init: f64,
    }
}

numbers! {
    /// State of a neuron, before that of the receptors.
    pub struct State in state {
        /// Potential \[mV\].
        v,
        /// Recovery \[mV/ms\].
        u,
    }
}

/// A population.
#[derive(Debug, Clone, PartialEq)]
pub struct Cells {
    /// One for all neurons, or one for each.
    pub cells: Vec<Cell>,
    /// Time step \[ms\].
    pub dt: f64,
    /// Whether v takes two half steps.
    pub half_steps: bool,
    /// Receptors.
    pub receptors: Vec<Port>,
    /// Value of each receptor at the start; one, or one for each neuron.
    pub init: Vec<Vec<f64>>,
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
            // The reset potential lies near rest.
            unit: Trained::unit_of(self.cells.iter().map(|cell| cell.v_th - cell.c)),
            rise: Trained::unit_of(self.cells.iter().map(|cell| cell.v_th - cell.c)),
            quiet: scalar::<frame::Quiet<Model>, f64>,
        }
    }
    fn receptors(&self) -> &[Port] {
        &self.receptors
    }
    fn rest(&self, _: usize) -> f64 {
        0.0
    }
    fn cells(&self) -> Vec<Vec<f64>> {
        self.cells.iter().map(|cell| cell.numbers().to_vec()).collect()
    }
    fn start(&self, neuron: usize) -> Vec<f64> {
        let cell = at(&self.cells, neuron);
        let mut rows = State { v: cell.v_init, u: cell.b * cell.v_init }.numbers().to_vec();
        rows.extend(self.init.iter().flat_map(|init| [*at(init, neuron), 0.0]));
        rows
    }
    fn slow(&self) -> u32 {
        let recovery = self.cells.iter().any(|cell| is_slow(cell.rate));
        let receptors = self.receptors.iter().any(|r| r.is_slow(self.dt));
        (if recovery { SLOW_RECOVERY } else { 0 }) | (if receptors { SLOW_RECEPTORS } else { 0 })
    }
    fn variables(&self) -> Vec<Variable> {
        let mut variables =
            vec![Variable::potential(state::v), Variable::new("u", state::u, "mV/ms")];
        for (variable, receptor) in
            receptor_variables(&self.receptors, state::COUNT).zip(&self.receptors)
        {
            let unit = if receptor.e_rev.is_some() { "1/ms" } else { "mV/ms" };
            variables.push(Variable { unit, ..variable });
        }
        variables
    }
    fn params(&self) -> Vec<Word> {
        let step = if self.half_steps { self.dt / 2.0 } else { self.dt };
        vec![Word::F(step), Word::U(u32::from(self.half_steps))]
    }
}

params! {
    /// Parameters of the model behind those of a frame.
    pub struct IzhikevichParams {
        /// Step of v \[ms\]: dt, or half of it.
        step: real,
        /// 0: one step of v; 1: two.
        half_steps: option,
    }
}

const LAYOUTS: &[Layout] =
    &[cell::LAYOUT, state::LAYOUT, receptor::port::LAYOUT, event::LAYOUT, sampled::LAYOUT];

framed! {
    Model, LAYOUTS, IzhikevichParams::<f32>::FIELDS,
    /// A step of a simulation.
    pub static KERNEL: "neuron/izhikevich";
    /// Steps of a training.
    pub static WINDOW: "neuron/izhikevich_window";
    /// Their adjoint.
    pub static ADJOINT: "neuron/izhikevich_adjoint";
}

// ---- twin -----------------------------------------------------------------------------------------

/// The twin of `shaders/neuron/izhikevich.wgsl` and `izhikevich_adjoint.wgsl`.
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
    p: IzhikevichParams<F>,
    slow: u32,
    receptors: ArrayVec<Given<F, OWN_RECEPTORS>, { receptor::MOST }>,
}

impl<F: Real, const OWN: bool, const OWN_RECEPTORS: bool> Neurons<F, OWN, OWN_RECEPTORS> {
    /// The rows of numbers of receptor `r`, if they are own: see [`Given::own`].
    #[inline(always)]
    fn own<'a>(&self, cell: &'a [F], r: usize) -> &'a [F] {
        Given::<F, OWN_RECEPTORS>::own(cell, cell::COUNT, r)
    }

    /// The slope of v by v but for 0.04 v, and the rest of its derivative, at potential `v`, where the receptors
    /// are open by `g`.
    #[inline(always)]
    fn drive<S: Simd>(
        &self,
        w: Width<S>,
        (cell, at): (&[F], usize),
        [v, u]: [Vector<S, F>; 2],
        input: Vector<S, F>,
        g: impl Fn(usize) -> Vector<S, F>,
    ) -> [Vector<S, F>; 2] {
        let (mut slope, mut input) = (v.of(5.0), input);
        for (r, given) in self.receptors.iter().enumerate() {
            if given.conductance {
                let [open, pull] = given.open(w, (self.own(cell, r), at), g(r), v);
                slope = slope - open;
                input = input + pull;
            } else {
                input = input + g(r);
            }
        }
        [slope, v.of(140.0) - u + input]
    }

    #[inline(always)]
    fn next<S: Simd>(
        &self,
        w: Width<S>,
        v: Vector<S, F>,
        [slope, level]: [Vector<S, F>; 2],
    ) -> Vector<S, F> {
        v + w.splat(self.p.step) * ((v * v.of(0.04) + slope) * v + level)
    }
}

impl<S: Simd, F: Real, const OWN: bool, const OWN_RECEPTORS: bool> frame::Block<S, F>
    for Neurons<F, OWN, OWN_RECEPTORS>
{
    #[inline(always)]
    fn new(_: Width<S>, numbers: Numbers<'_, F>) -> Self {
        let Common { receptors: count, slow, .. } = numbers.common;
        Self {
            p: IzhikevichParams::of(numbers.own),
            slow,
            receptors: Given::all(numbers.receptor, count),
        }
    }

    #[inline(always)]
    fn rows(&self) -> usize {
        state::COUNT + receptor::STATE * self.receptors.len()
    }

    #[inline(always)]
    fn fields(&self) -> usize {
        cell::COUNT
    }

    #[inline(always)]
    fn step<A: Frame<S, F>>(&self, w: Width<S>, now: Now<'_, F>, frame: &mut A) -> u64 {
        let Now { state, cell, driven, current } = now;
        let rows = frame::Block::<S, F>::rows(self);
        let slow = |bit: u32| self.slow & bit != 0;
        let field = |k: usize, at: usize| frame::field_of::<S, F, OWN>(w, cell, k, at);
        let (state, rests) = with_rests(state, rows);
        let (own, synaptic) = state.split_at_mut(state::COUNT * BLOCK);
        let (v_row, u_row) = own.split_at_mut(BLOCK);
        // Pulses take what arrives before the step, the others after it.
        let receive = |pulses: bool, v_row: &mut [F], synaptic: &mut [F], rests: &mut [F]| {
            for (r, given) in self.receptors.iter().enumerate() {
                if given.is_pulse() != pulses {
                    continue;
                }
                let (g, x) = synaptic[2 * r * BLOCK..][..2 * BLOCK].split_at_mut(BLOCK);
                for at in (0..BLOCK).step_by(w.lanes::<F>()) {
                    let low = rests_of_receptor(rests, slow(SLOW_RECEPTORS), state::COUNT + 2 * r);
                    let own = (self.own(cell, r), at);
                    if let Some(jump) =
                        given.step(w, own, [&mut *g, &mut *x], low, frame.arriving(w, r, at))
                    {
                        w.store(v_row, at, w.load(v_row, at) + jump);
                    }
                }
            }
        };

        receive(true, v_row, synaptic, rests);
        for at in (0..BLOCK).step_by(w.lanes::<F>()) {
            let (before, u) = (w.load(v_row, at), w.load(u_row, at));
            let mut input = field(cell::i_e, at) + w.splat(driven);
            if let Some(current) = current {
                input = input + w.load(current, at);
            }
            let g = |r: usize| row(w, synaptic, 2 * r, at);
            let drive = self.drive(w, (cell, at), [before, u], input, g);
            let (mut v, mut from) = (self.next(w, before, drive), before);
            if self.p.half_steps == 1 {
                v = self.next(w, v, drive);
                from = v;
            }
            w.store(v_row, at, v);
            let change = field(cell::rate, at) * (field(cell::b, at) * from - u);
            let low = rest_of(rests, slow(SLOW_RECOVERY), state::u);
            w.store(u_row, at, advanced(w, u, change, low, at));
        }
        receive(false, v_row, synaptic, rests);

        let mut bits = 0;
        for at in (0..BLOCK).step_by(w.lanes::<F>()) {
            let (v, u) = (w.load(v_row, at), w.load(u_row, at));
            let spike = frame.decide(w, None, v, field(cell::v_th, at), at);
            w.store(v_row, at, spike.set(v, field(cell::c, at)));
            w.store(u_row, at, spike.set(u, u + field(cell::d, at)));
            bits |= u64::from(spike.bits()) << at;
        }
        bits
    }

    #[inline(always)]
    fn adjoint(&self, w: Width<S>, now: Now<'_, F>, mut back: Back<'_, F>) {
        let half = self.p.half_steps == 1;
        let wanted = back.wants_numbers();
        let numbers = |r: usize| cell::COUNT + r * port::COUNT;
        for at in (0..BLOCK).step_by(w.lanes::<F>()) {
            let field = |k: usize| now.field::<S, OWN>(w, k, at);
            let place = |r: usize| state::COUNT + receptor::STATE * r;
            let by = |back: &Back<'_, F>, k: usize| row(w, back.adjoint, k, at);

            // What the spike did.
            let mut by_spike = w.load(back.by_spike, at);
            let (by_v, mut by_u) = (by(&back, state::v), by(&back, state::u));
            let distance = back.distance(w, at);
            let change = || field(cell::c) - (distance + field(cell::v_th));
            let mut by_v = back.through_reset(w, by_v, change, &mut by_spike, at);
            back.through_adaptation(by_u, field(cell::d), &mut by_spike);
            let by_distance = back.by_distance(w, by_spike, at);
            by_v = by_v + by_distance;
            if wanted {
                let spiked = back.spiked(w, at);
                back.add_number(w, cell::c, by(&back, state::v) * spiked, at);
                back.add_number(w, cell::d, by_u * spiked, at);
                back.add_number(w, cell::v_th, -by_distance, at);
            }

            // What arrived after the step: all but pulses.
            for (r, given) in self.receptors.iter().enumerate().filter(|(_, g)| !g.is_pulse()) {
                let after = [by(&back, place(r)), by(&back, place(r) + 1)];
                if wanted {
                    let load = |k: usize| row(w, now.state, k, at);
                    let arrived = w.load(&back.arrivals[r], at);
                    let read = [load(place(r)), load(place(r) + 1), arrived];
                    let by_after = [after[0], after[1], by_v];
                    given.add_step_numbers(w, &mut back, numbers(r), by_after, read, at);
                }
                let own = (self.own(now.cell, r), at);
                let (by_arrival, [by_g, by_x]) = given.adjoint(w, own, after, by_v);
                back.give_back(w, r, by_arrival, at);
                set_row(w, back.adjoint, place(r), at, by_g);
                set_row(w, back.adjoint, place(r) + 1, at, by_x);
            }

            // The step itself, from what the receptors held in it.
            let (v, u) = (row(w, now.state, state::v, at), row(w, now.state, state::u, at));
            let own = |r: usize| (self.own(now.cell, r), at);
            let kick = |r: usize| self.receptors[r].kick(w, own(r));
            let g = |r: usize| match self.receptors[r].is_pulse() {
                true => kick(r) * w.load(&back.arrivals[r], at),
                false => row(w, now.state, place(r), at),
            };
            let input = now.input(w, field(cell::i_e), at);
            let drive = self.drive(w, (now.cell, at), [v, u], input, g);
            let step = w.splat(self.p.step);
            // dv'/dv of one step of v.
            let slope_at = |v: Vector<S, F>| v.of(1.0) + step * (v * v.of(0.08) + drive[0]);
            let by_origin = by_u * field(cell::rate) * field(cell::b);
            let middle = if half { self.next(w, v, drive) } else { v };
            if wanted {
                let from = if half { self.next(w, middle, drive) } else { v };
                back.add_number(w, cell::rate, by_u * (field(cell::b) * from - u), at);
                back.add_number(w, cell::b, by_u * field(cell::rate) * from, at);
            }
            by_u = by_u - by_u * field(cell::rate);
            let (mut by_slope, mut by_level) = (v.of(0.0), v.of(0.0));
            if half {
                let by_end = by_v + by_origin;
                by_slope = step * by_end * middle;
                by_level = step * by_end;
                by_v = by_end * slope_at(middle);
            }
            by_slope = by_slope + step * by_v * v;
            by_level = by_level + step * by_v;
            by_v = by_v * slope_at(v);
            if !half {
                by_v = by_v + by_origin;
            }
            by_u = by_u - by_level;
            for (r, given) in self.receptors.iter().enumerate() {
                let mut by_g = by_level;
                if given.conductance {
                    let by_open = by_level * given.e_rev(w, own(r)) - by_slope;
                    let [by_state, by_potential, free] = given.open_adjoint(w, g(r), v, by_open);
                    by_g = by_state;
                    by_v = by_v + by_potential;
                    if wanted {
                        let (opened, by_both) = (g(r) * free, [by_level, by_potential]);
                        given.add_open_numbers(w, &mut back, numbers(r), opened, by_both, at);
                    }
                }
                by_g = by_g + by(&back, place(r));
                if given.is_pulse() {
                    if wanted {
                        let by_kick = by_g * w.load(&back.arrivals[r], at);
                        back.add_number(w, numbers(r) + port::kick, by_kick, at);
                    }
                    back.give_back(w, r, kick(r) * by_g, at);
                    by_g = v.of(0.0);
                }
                set_row(w, back.adjoint, place(r), at, by_g);
            }
            set_row(w, back.adjoint, state::v, at, by_v);
            set_row(w, back.adjoint, state::u, at, by_u);
            back.add_input(w, by_level, at);
            if wanted {
                back.add_number(w, cell::i_e, by_level, at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::cpu::Cpu;
    use crate::network::build;
    use crate::plan;
    use crate::scene::load_str;
    use crate::simulation::{Recording, Simulation, options, steps};
    use std::path::Path;

    /// What the f64 twin does with a scene.
    fn run(text: &str) -> Recording {
        let (scene, ..) =
            load_str("test.ron", text, Path::new(""), &[]).unwrap_or_else(|e| panic!("{e}"));
        let network = build(&scene).unwrap_or_else(|e| panic!("{e}"));
        let options = options(&scene, &network, 1 << 30).unwrap();
        let plan = plan::plan(&network, &options).unwrap_or_else(|e| panic!("{e}"));
        let engine = Box::new(Cpu::<f64>::new(&plan, Some(1), false));
        let mut simulation = Simulation::new(&network, &plan, &scene, engine).unwrap();
        simulation.run(steps(&scene), &mut |_| true).unwrap();
        simulation.recording
    }

    /// Times computed for Euler's method, dt = 0.1 ms, i = 10 from v = -65 and u = b v, that of a spike
    /// being the end of its step, as everywhere here. Classes and parameters are those of figure 2 of
    /// the paper: regular and fast spiking, chattering, intrinsically bursting.
    #[test]
    fn classes_spike_at_the_computed_times() {
        let classes: [([f64; 4], &[f64]); 4] = [
            ([0.02, 0.2, -65.0, 8.0], &[3.4, 27.1, 72.2, 117.3, 162.4]),
            ([0.1, 0.2, -65.0, 2.0], &[3.4, 8.0, 14.3, 21.8, 29.5]),
            ([0.02, 0.2, -50.0, 2.0], &[3.4, 5.0, 6.7, 8.6, 10.8, 13.4, 16.9, 63.8]),
            ([0.02, 0.2, -55.0, 4.0], &[3.4, 5.9, 10.5, 50.8, 82.3]),
        ];
        for ([a, b, c, d], expected) in classes {
            let last = expected[expected.len() - 1];
            let recording = run(&format!(
                r#"(version: 1, simulation: (dt: 0.1, duration: {last}),
                populations: {{ "cell": (size: 1, model: Izhikevich(
                    a: {a}, b: {b}, c: {c}, d: {d}, i_e: 10, v_init: -65)) }},
                record: (spikes: ["cell"]))"#
            ));
            let times: Vec<f64> = recording.populations[0].times.iter().map(|s| s.0).collect();
            assert_eq!(times.len(), expected.len(), "{times:?}, not {expected:?}");
            for (time, expected) in times.iter().zip(expected) {
                assert!((time - expected).abs() <= 1e-9, "{times:?}, not {expected}");
            }
        }
    }

    /// Half steps, a pulse and a conductance against the equations written out: a pulse acts in the
    /// step that it arrives in, a conductance from the next on.
    #[test]
    fn half_steps_pulses_and_conductances_are_the_equations() {
        let spikes = [3u64, 4, 20, 21, 30];
        let recording = run(r#"(version: 1, simulation: (dt: 0.5, duration: 40),
            populations: {
                "source": (size: 1, model: Spikes(times: [[2, 2.5, 10.5, 11, 15.5]])),
                "cell": (size: 1, model: Izhikevich(method: HalfSteps, i_e: 4, receptors: {
                    "pulse": Pulse(), "slow": Exp(tau: 5, e_rev: -80), "jump": Delta() })),
            },
            projections: [
                (name: "pulse", from: "source", to: "cell", connect: Dense,
                    weight: 60, receptor: "pulse"),
                (name: "slow", from: "source", to: "cell", connect: Dense,
                    weight: 0.5, receptor: "slow", delay: 1),
                (name: "jump", from: "source", to: "cell", connect: Dense,
                    weight: 2, receptor: "jump", delay: 1.5),
            ],
            record: (traces: [(population: "cell", ids: [0], variables: ["v", "u"])]))"#);
        let arrives = |step: u64, delay: u64| {
            f64::from(u8::from(step >= delay && spikes.contains(&(step - delay))))
        };
        let (mut v, mut u, mut g) = (-65.0f64, -13.0, 0.0);
        let mut spiked = false;
        for step in 0..80 {
            let i = 4.0 + 60.0 * arrives(step, 1);
            for _ in 0..2 {
                v += 0.25 * (0.04 * v * v + 5.0 * v + 140.0 - u + i + g * (-80.0 - v));
            }
            u += 0.5 * 0.02 * (0.2 * v - u);
            g = g * (-0.1f64).exp() + 0.5 * arrives(step, 2);
            v += 2.0 * arrives(step, 3);
            if v >= 30.0 {
                (v, u, spiked) = (-65.0, u + 8.0, true);
            }
            for (trace, x) in recording.traces.iter().zip([v, u]) {
                let got = f64::from(trace.values[step as usize]);
                let name = &trace.variable.name;
                assert!((got - x).abs() <= 1e-5, "step {step}: {name} is {got}, not {x}");
            }
        }
        assert!(spiked);
    }
}
