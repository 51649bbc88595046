//! The twin of `shaders/neuron/channels.wgsl` and `channels_adjoint.wgsl`.
//!
//! The file is long: the adjoint of a step does the step once more, and is read beside it.

use super::gates::GateTwin;
use super::{
    ChannelsParams, GATE, SLOW_CALCIUM, SLOW_GATES, cell, channel, ion, ions, pool, state,
};
use crate::kernel::*;
use crate::neuron::frame::{self, Back, Common, Frame, Now, Numbers, Run, form, row, set_row};
use crate::neuron::receptor::{self, Given, port};
use crate::neuron::stepped::{
    BLOCK, SLOW_POTENTIAL, SLOW_RECEPTORS, rest_of, rests_of_receptor, with_rests,
};
use crate::slow::advanced;
use crate::vector::{Vector, Width};
use arrayvec::ArrayVec;
use std::cell::RefCell;

/// Concentrations of some neurons, and the reversal potentials that they make.
struct Concentrations<S: Simd, F: Real> {
    potassium: Vector<S, F>,
    sodium: Vector<S, F>,
    e_potassium: Vector<S, F>,
    e_sodium: Vector<S, F>,
}

impl<S: Simd, F: Real> Concentrations<S, F> {
    #[inline(always)]
    fn none(zero: Vector<S, F>) -> Self {
        Self { potassium: zero, sodium: zero, e_potassium: zero, e_sodium: zero }
    }

    /// From the rows of state; `t` are the numbers of the ions in the table.
    #[inline(always)]
    fn load(w: Width<S>, rows: &[F], at: usize, t: &[F]) -> Self {
        let row = |k: usize| w.load(&rows[k * BLOCK..][..BLOCK], at);
        let (potassium, sodium) = (row(ion::potassium), row(ion::sodium));
        let n = |k: usize| w.splat(t[k]);
        let potassium_inside = n(ions::inside) - sodium;
        let sodium_outside =
            n(ions::sodium_outside) - n(ions::beta) * (sodium - n(ions::sodium_rest));
        let nernst = |ratio: Vector<S, F>| n(ions::thermal) * ratio.map(|x| x.ln());
        let e_potassium = nernst(potassium / potassium_inside);
        Self { potassium, sodium, e_potassium, e_sodium: nernst(sodium_outside / sodium) }
    }

    /// Adjoint of [`Self::load`]: adds what the gradients by the reversal potentials are by the concentrations.
    #[inline(always)]
    fn load_back(
        &self,
        w: Width<S>,
        t: &[F],
        [by_e_potassium, by_e_sodium]: [Vector<S, F>; 2],
        [by_potassium, by_sodium]: [&mut Vector<S, F>; 2],
    ) {
        let n = |k: usize| w.splat(t[k]);
        let thermal = n(ions::thermal);
        let inside = n(ions::inside) - self.sodium;
        let outside =
            n(ions::sodium_outside) - n(ions::beta) * (self.sodium - n(ions::sodium_rest));
        *by_potassium = *by_potassium + by_e_potassium * thermal / self.potassium;
        *by_sodium = *by_sodium + by_e_potassium * thermal / inside
            - by_e_sodium * thermal * (n(ions::beta) / outside + inside.of(1.0) / self.sodium);
    }

    /// Adjoint of [`Self::step`]: from the gradients by the concentrations after it, those by the concentrations
    /// before and, last, by the currents of potassium and sodium.
    #[inline(always)]
    fn step_back(
        &self,
        w: Width<S>,
        t: &[F],
        [by_potassium, by_sodium]: [Vector<S, F>; 2],
    ) -> [[Vector<S, F>; 2]; 2] {
        let one = w.splat(F::one());
        let n = |k: usize| w.splat(t[k]);
        let open = |x: Vector<S, F>| one / (one + x.exp());
        let by_pump_sodium = open((one.of(25.0) - self.sodium) * one.of(1.0 / 3.0));
        let by_pump_potassium = open(one.of(5.5) - self.potassium);
        let by_glia = open((one.of(18.0) - self.potassium) * one.of(0.4));
        let pump = n(ions::rho) * by_pump_sodium * by_pump_potassium;
        let glia = n(ions::glia) * by_glia;
        let by_lost = -by_sodium;
        let by_pump = one.of(3.0) * by_lost - one.of(2.0) * n(ions::beta) * by_potassium;
        let before_potassium = by_potassium - n(ions::epsilon) * by_potassium
            + by_pump * pump * (one - by_pump_potassium)
            - by_potassium * glia * (one - by_glia) * one.of(0.4);
        let before_sodium = by_sodium + by_pump * pump * (one - by_pump_sodium) * one.of(1.0 / 3.0);
        let currents = [n(ions::gamma) * n(ions::beta) * by_potassium, n(ions::gamma) * by_lost];
        [[before_potassium, before_sodium], currents]
    }

    /// A step under the currents of potassium and sodium.
    #[inline(always)]
    fn step(
        &self,
        w: Width<S>,
        [rows, rests]: [&mut [F]; 2],
        at: usize,
        t: &[F],
        [i_potassium, i_sodium]: [Vector<S, F>; 2],
    ) {
        let one = w.splat(F::one());
        let n = |k: usize| w.splat(t[k]);
        let open = |x: Vector<S, F>| one + x.exp();
        let by_sodium = open((one.of(25.0) - self.sodium) * one.of(1.0 / 3.0));
        let pump = n(ions::rho) / by_sodium / open(one.of(5.5) - self.potassium);
        let glia = n(ions::glia) / open((one.of(18.0) - self.potassium) * one.of(0.4));
        let gained = n(ions::gamma) * n(ions::beta) * i_potassium
            - one.of(2.0) * n(ions::beta) * pump
            - glia
            - n(ions::epsilon) * (self.potassium - n(ions::bath));
        let lost = n(ions::gamma) * i_sodium + one.of(3.0) * pump;
        let changes = [(ion::potassium, self.potassium, gained), (ion::sodium, self.sodium, -lost)];
        for (k, before, change) in changes {
            let after = advanced(w, before, change, rest_of(rests, true, k), at);
            w.store(&mut rows[k * BLOCK..][..BLOCK], at, after);
        }
    }
}

/// The twin of `shaders/neuron/channels.wgsl`.
pub struct Model;

impl frame::Model for Model {
    #[inline(always)]
    fn with<S: Simd, F: Real, R: Run<S, F>>(w: Width<S>, numbers: Numbers<'_, F>, frame: R) {
        let Common { own, own_receptors, .. } = numbers.common;
        if own_receptors {
            form::<S, F, R, Neurons<S, F, true, true>>(w, numbers, frame);
        } else if own || !R::TUNED {
            form::<S, F, R, Neurons<S, F, true, false>>(w, numbers, frame);
        } else {
            form::<S, F, R, Neurons<S, F, false, false>>(w, numbers, frame);
        }
    }
}

/// A channel as the twin sees it: its gates, what it does to calcium, and the ion that e_rev follows.
struct ChannelTwin {
    gates: std::ops::Range<usize>,
    influx: u32,
    ion: u32,
}

/// A form of the model. `OWN`: each neuron has its own numbers; `OWN_RECEPTORS`: also of its receptors.
struct Neurons<S: Simd, F: Real, const OWN: bool, const OWN_RECEPTORS: bool> {
    p: ChannelsParams<F>,
    slow: u32,
    receptors: ArrayVec<Given<F, OWN_RECEPTORS>, { receptor::MOST }>,
    pool: [F; pool::COUNT],
    ions: [F; ions::COUNT],
    channels: Vec<ChannelTwin>,
    gates: Vec<GateTwin<F>>,
    shared: Vec<Vector<S, F>>,
    back: RefCell<OnTheWay<S, F>>,
}

/// What the adjoint of a step keeps of it, in room that serves for all steps.
struct OnTheWay<S: Simd, F: Real> {
    moved: Vec<Moved<S, F>>,
    by_gate: Vec<Vector<S, F>>,
    e_revs: Vec<Vector<S, F>>,
    /// Values of all gates in each of the passes.
    open: [Vec<Vector<S, F>>; 2],
}

impl<S: Simd, F: Real> OnTheWay<S, F> {
    fn new() -> Self {
        Self { moved: vec![], by_gate: vec![], e_revs: vec![], open: [vec![], vec![]] }
    }
}

impl<S: Simd, F: Real, const OWN: bool, const OWN_RECEPTORS: bool>
    Neurons<S, F, OWN, OWN_RECEPTORS>
{
    /// The rows of numbers of receptor `r`, if they are own: see [`Given::own`].
    #[inline(always)]
    fn own<'a>(&self, cell: &'a [F], r: usize) -> &'a [F] {
        let fields = cell::COUNT + 2 * self.channels.len();
        Given::<F, OWN_RECEPTORS>::own(cell, fields, r)
    }

    /// Rows of state before those of receptors.
    #[inline(always)]
    fn first_receptor(&self) -> usize {
        let p = &self.p;
        state::COUNT + p.gates as usize + if p.ions == 1 { ion::COUNT } else { 0 }
    }

    #[inline(always)]
    fn field(&self, w: Width<S>, cell: &[F], k: usize, at: usize) -> Vector<S, F> {
        match OWN {
            true => w.load(&cell[k * BLOCK..][..BLOCK], at),
            false => self.shared[k],
        }
    }

    /// The membrane in a pass, for the way back: see [`Pass`].
    #[inline(always)]
    fn membrane(
        &self,
        w: Width<S>,
        (cell, state, at): (&[F], &[F], usize),
        input: Vector<S, F>,
        middle: Vector<S, F>,
        e_revs: &[Vector<S, F>],
        open: &[Vector<S, F>],
    ) -> Pass<S, F> {
        let mut m = Pass { conductance: input.of(0.0), pull: input, influx: input.of(0.0) };
        for ((c, channel), e_rev) in self.channels.iter().enumerate().zip(e_revs) {
            let mut g = self.field(w, cell, cell::COUNT + 2 * c, at);
            for (gate, x) in
                self.gates[channel.gates.clone()].iter().zip(&open[channel.gates.clone()])
            {
                for _ in 0..gate.power {
                    g = g * *x;
                }
            }
            if channel.influx > 0 {
                m.influx = m.influx + g * (*e_rev - middle);
            }
            if channel.influx < 2 {
                m.conductance = m.conductance + g;
                m.pull = m.pull + g * *e_rev;
            }
        }
        for (r, given) in self.receptors.iter().enumerate() {
            let g = row(w, state, self.first_receptor() + receptor::STATE * r, at);
            if given.conductance {
                let [opened, drawn] = given.open(w, (self.own(cell, r), at), g, middle);
                m.conductance = m.conductance + opened;
                m.pull = m.pull + drawn;
            } else {
                m.pull = m.pull + g;
            }
        }
        m
    }
}

/// What moves a potential: conductance, what it pulls towards times the conductance, and the current of calcium.
#[derive(Clone, Copy)]
struct Pass<S: Simd, F: Real> {
    conductance: Vector<S, F>,
    pull: Vector<S, F>,
    influx: Vector<S, F>,
}

/// A gate with a state that went from `before` to `after`, kept its distance from `steady` by a factor of `kept`; and
/// the slopes by the potential of the steady state and of the factor's logarithm.
struct Moved<S: Simd, F: Real> {
    before: Vector<S, F>,
    after: Vector<S, F>,
    steady: Vector<S, F>,
    kept: Vector<S, F>,
    slopes: [Vector<S, F>; 2],
}

impl<S: Simd, F: Real, const OWN: bool, const OWN_RECEPTORS: bool> frame::Block<S, F>
    for Neurons<S, F, OWN, OWN_RECEPTORS>
{
    #[inline(always)]
    fn new(w: Width<S>, numbers: Numbers<'_, F>) -> Self {
        let p = ChannelsParams::<F>::of(numbers.own);
        let Common { receptors: count, own, slow, .. } = numbers.common;
        let (pool, rest) = numbers.receptor[count * receptor::port::COUNT..].split_at(pool::COUNT);
        let (ions, rest) = rest.split_at(ions::COUNT);
        let (kinds, gates) = rest.split_at(p.channels as usize * channel::COUNT);
        let mut first = 0;
        let of_kind = |kind: &[F]| {
            let gates = first..first + kind[channel::gates].wide() as usize;
            first = gates.end;
            let (influx, ion) = (kind[channel::influx], kind[channel::ion]);
            ChannelTwin { gates, influx: influx.wide() as u32, ion: ion.wide() as u32 }
        };
        Self {
            p,
            slow,
            receptors: Given::all(numbers.receptor, count),
            pool: std::array::from_fn(|k| pool[k]),
            ions: std::array::from_fn(|k| ions[k]),
            channels: kinds.chunks_exact(channel::COUNT).map(of_kind).collect(),
            gates: gates.chunks_exact(GATE).map(GateTwin::new).collect(),
            // What all neurons share is spread over the lanes once.
            shared: if own { vec![] } else { numbers.cell.iter().map(|x| w.splat(*x)).collect() },
            back: RefCell::new(OnTheWay::new()),
        }
    }

    #[inline(always)]
    fn rows(&self) -> usize {
        self.first_receptor() + receptor::STATE * self.receptors.len()
    }

    #[inline(always)]
    fn fields(&self) -> usize {
        cell::COUNT + 2 * self.channels.len()
    }

    #[inline(always)]
    fn step<A: Frame<S, F>>(&self, w: Width<S>, now: Now<'_, F>, frame: &mut A) -> u64 {
        let Now { state, cell, driven, current } = now;
        let Self { p, receptors, pool, ions: ion_numbers, channels, gates, .. } = self;
        let slow = |bit: u32| self.slow & bit != 0;
        let (zero, one) = (w.splat(F::zero()), w.splat(F::one()));
        let dt = w.splat(p.dt);
        let gate_rows = p.gates as usize;
        let first_receptor = self.first_receptor();
        let (state, rests) = with_rests(state, frame::Block::<S, F>::rows(self));
        let (own, others) = state.split_at_mut(state::COUNT * BLOCK);
        let (gate_state, others) = others.split_at_mut(gate_rows * BLOCK);
        let ion_rows = first_receptor - state::COUNT - gate_rows;
        let (ion_state, synaptic) = others.split_at_mut(ion_rows * BLOCK);
        let (v_row, others) = own.split_at_mut(BLOCK);
        let (held_row, ca_row) = others.split_at_mut(BLOCK);
        let (gates_row, ions_row) = (state::COUNT, state::COUNT + gate_rows);
        let mut bits = 0;
        for at in (0..BLOCK).step_by(w.lanes::<F>()) {
            let field = |k: usize| self.field(w, cell, k, at);
            let v = w.load(v_row, at);
            let calcium = if p.pool == 1 { w.load(ca_row, at) } else { zero };
            let mut input = field(cell::i_e) + w.splat(driven);
            if let Some(current) = current {
                input = input + w.load(current, at);
            }
            let mut ions = Concentrations::none(zero);
            if p.ions == 1 {
                ions = Concentrations::load(w, ion_state, at, ion_numbers);
            }
            let (mut change, mut middle, mut influx) = (zero, v, zero);
            let (mut potassium, mut sodium) = (zero, zero);
            for pass in 0..p.passes {
                (influx, potassium, sodium) = (zero, zero, zero);
                let (mut conductance, mut pull) = (zero, input);
                let mut row = 0;
                for (c, channel) in channels.iter().enumerate() {
                    let mut g = field(cell::COUNT + 2 * c);
                    for gate in &gates[channel.gates.clone()] {
                        let x = if gate.has_state() {
                            let place = &mut gate_state[row * BLOCK..][..BLOCK];
                            let mut x = w.load(place, at);
                            if pass == 0 {
                                let [steady, exponent] = gate.target(w, middle, dt);
                                x = if slow(SLOW_GATES) {
                                    let low = rest_of(rests, true, gates_row + row);
                                    let change = (x - steady) * exponent.exp_m1();
                                    advanced(w, x, change, low, at)
                                } else {
                                    steady + (x - steady) * exponent.exp()
                                };
                                w.store(place, at, x);
                            }
                            row += 1;
                            x
                        } else {
                            gate.at_once(w, middle, calcium)
                        };
                        for _ in 0..gate.power {
                            g = g * x;
                        }
                    }
                    let mut e_rev = field(cell::COUNT + 2 * c + 1);
                    match channel.ion {
                        1 => {
                            let ratio = w.splat(pool[pool::outside]) / calcium;
                            e_rev = w.splat(pool[pool::thermal]) * ratio.map(|x| x.ln());
                        }
                        2 => {
                            e_rev = ions.e_potassium;
                            potassium = potassium + g * (middle - e_rev);
                        }
                        3 => {
                            e_rev = ions.e_sodium;
                            sodium = sodium + g * (middle - e_rev);
                        }
                        _ => {}
                    }
                    if channel.influx > 0 {
                        influx = influx + g * (e_rev - middle);
                    }
                    if channel.influx < 2 {
                        conductance = conductance + g;
                        pull = pull + g * e_rev;
                    }
                }
                for (r, given) in receptors.iter().enumerate() {
                    let g = w.load(&synaptic[2 * r * BLOCK..][..BLOCK], at);
                    if given.conductance {
                        let own = (self.own(cell, r), at);
                        let [open, drawn] = given.open(w, own, g, middle);
                        conductance = conductance + open;
                        pull = pull + drawn;
                    } else {
                        pull = pull + g;
                    }
                }
                let exponent = zero - field(cell::per_c_m) * conductance;
                let fall = match slow(SLOW_POTENTIAL) {
                    true => exponent.exp_m1(),
                    false => exponent.exp() - one,
                };
                change = (v - pull / conductance) * fall;
                middle = change.mul_add(v.of(0.5), v);
            }
            let next = advanced(w, v, change, rest_of(rests, slow(SLOW_POTENTIAL), state::v), at);
            if p.ions == 1 {
                let low = &mut rests[ions_row * BLOCK..][..ion::COUNT * BLOCK];
                ions.step(w, [ion_state, low], at, ion_numbers, [potassium, sodium]);
            }
            if p.pool == 1 {
                let settled =
                    w.splat(pool[pool::rest]) + w.splat(pool[pool::gain]) * influx.max(zero);
                let change = (calcium - settled) * w.splat(pool[pool::fall]);
                let low = rest_of(rests, slow(SLOW_CALCIUM), state::ca);
                w.store(ca_row, at, advanced(w, calcium, change, low, at));
            }
            let held = w.load(held_row, at);
            let free = v.lt(field(cell::v_th)).and(held.le(zero));
            let spike = frame.decide(w, Some(free), next, field(cell::v_th), at);
            w.store(held_row, at, spike.select(field(cell::t_ref), (held - one).max(zero)));
            w.store(v_row, at, next);
            bits |= u64::from(spike.bits()) << at;
        }
        for (r, given) in receptors.iter().enumerate() {
            let (g, x) = synaptic[2 * r * BLOCK..][..2 * BLOCK].split_at_mut(BLOCK);
            for at in (0..BLOCK).step_by(w.lanes::<F>()) {
                let place = first_receptor + receptor::STATE * r;
                let low = rests_of_receptor(rests, slow(SLOW_RECEPTORS), place);
                let own = (self.own(cell, r), at);
                if let Some(jump) =
                    given.step(w, own, [&mut *g, &mut *x], low, frame.arriving(w, r, at))
                {
                    w.store(v_row, at, w.load(v_row, at) + jump);
                }
            }
        }
        bits
    }

    #[inline(always)]
    fn adjoint(&self, w: Width<S>, now: Now<'_, F>, mut back: Back<'_, F>) {
        let Self { p, receptors, pool, ions: ion_numbers, channels, gates, .. } = self;
        let (zero, dt) = (w.splat(F::zero()), w.splat(p.dt));
        let (first_receptor, first_ion) = (self.first_receptor(), state::COUNT + p.gates as usize);
        let OnTheWay { moved, by_gate, e_revs, open } = &mut *self.back.borrow_mut();
        let wanted = back.wants_numbers();
        let fields = frame::Block::<S, F>::fields(self);
        let numbers = |r: usize| fields + r * port::COUNT;
        for at in (0..BLOCK).step_by(w.lanes::<F>()) {
            let load = |k: usize| row(w, now.state, k, at);
            let by = |back: &Back<'_, F>, k: usize| row(w, back.adjoint, k, at);
            let receptor_row = |r: usize| first_receptor + receptor::STATE * r;
            let field = |k: usize| self.field(w, now.cell, k, at);
            let v = load(state::v);
            let calcium = if p.pool == 1 { load(state::ca) } else { zero };

            // What the step did with the state at its start.
            moved.clear();
            by_gate.clear();
            e_revs.clear();
            for (k, gate) in gates.iter().filter(|gate| gate.has_state()).enumerate() {
                let [[steady, exponent], slopes] = gate.target_with_slopes(w, v, dt);
                let (before, kept) = (load(state::COUNT + k), exponent.exp());
                let after = steady + (before - steady) * kept;
                moved.push(Moved { before, after, steady, kept, slopes });
                by_gate.push(by(&back, state::COUNT + k));
            }
            let mut ions = Concentrations::none(zero);
            if p.ions == 1 {
                let rows = &now.state[first_ion * BLOCK..][..ion::COUNT * BLOCK];
                ions = Concentrations::load(w, rows, at, ion_numbers);
            }
            for (c, channel) in channels.iter().enumerate() {
                e_revs.push(match channel.ion {
                    1 => {
                        let ratio = w.splat(pool[pool::outside]) / calcium;
                        w.splat(pool[pool::thermal]) * ratio.map(|x| x.ln())
                    }
                    2 => ions.e_potassium,
                    3 => ions.e_sodium,
                    _ => field(cell::COUNT + 2 * c + 1),
                });
            }
            let place = (now.cell, &*now.state, at);
            let input = now.input(w, field(cell::i_e), at);
            let per_c_m = field(cell::per_c_m);
            // change = (v - pull / G) (e^(-k G) - 1), of which the second pass, if there is one, is at the middle of the first.
            // (Said once, in a loop, since only what is inlined has the vectors of this function.)
            let mut passes = [(v, Pass { conductance: zero, pull: zero, influx: zero }, zero); 2];
            let mut middle = v;
            for (pass, open) in passes[..p.passes as usize].iter_mut().zip(&mut *open) {
                open.clear();
                // Values of all gates, those without a state at `middle`.
                let mut with_state = moved.iter();
                for gate in gates {
                    open.push(match with_state.as_slice().first() {
                        Some(moved) if gate.has_state() => {
                            with_state.next();
                            moved.after
                        }
                        _ => gate.at_once(w, middle, calcium),
                    });
                }
                let m = self.membrane(w, place, input, middle, e_revs, open);
                let fall = (zero - per_c_m * m.conductance).exp_m1();
                *pass = (middle, m, fall);
                middle = ((v - m.pull / m.conductance) * fall).mul_add(v.of(0.5), v);
            }

            // What arrived after it, and the spike.
            let by_end = by(&back, state::v);
            for (r, given) in receptors.iter().enumerate() {
                let k = receptor_row(r);
                let after = [by(&back, k), by(&back, k + 1)];
                if wanted {
                    let by_after = [after[0], after[1], by_end];
                    let read = [load(k), load(k + 1), w.load(&back.arrivals[r], at)];
                    given.add_step_numbers(w, &mut back, numbers(r), by_after, read, at);
                }
                let own = (self.own(now.cell, r), at);
                let (by_arrival, [by_g, by_x]) = given.adjoint(w, own, after, by_end);
                back.give_back(w, r, by_arrival, at);
                set_row(w, back.adjoint, k, at, by_g);
                set_row(w, back.adjoint, k + 1, at, by_x);
            }
            let by_spike = w.load(back.by_spike, at);
            let by_distance = back.by_distance(w, by_spike, at);
            if wanted {
                back.add_number(w, cell::v_th, -by_distance, at);
            }
            let mut by_change = by_end + by_distance;
            let mut by_v = by_change;
            let (mut by_ca, mut by_influx) = (zero, zero);
            let mut by_ions = [zero; 2];
            let mut by_currents = [zero; 2];
            if p.ions == 1 {
                let after = [ion::potassium, ion::sodium].map(|k| by(&back, first_ion + k));
                [by_ions, by_currents] = ions.step_back(w, ion_numbers, after);
            }
            let mut by_e_ions = [zero; 2];
            let mut by_input = zero;

            // The passes, the last first; only what that says of calcium and ions is kept.
            for pass in (0..p.passes).rev() {
                let last = pass + 1 == p.passes;
                let (at_middle, m, fall) = passes[pass as usize];
                let open = &open[pass as usize];
                if last && p.pool == 1 {
                    let after = by(&back, state::ca);
                    let fall = w.splat(pool[pool::fall]);
                    by_ca = after + after * fall;
                    let by_settled = zero - after * fall;
                    by_influx =
                        m.influx.gt(zero).select(by_settled * w.splat(pool[pool::gain]), zero);
                }
                let v_inf = m.pull / m.conductance;
                let kept = fall + fall.of(1.0);
                let by_pull = zero - by_change * fall / m.conductance;
                let by_conductance =
                    by_change * (v_inf * fall / m.conductance - per_c_m * (v - v_inf) * kept);
                by_v = by_v + by_change * fall;
                by_input = by_input + by_pull;
                if wanted {
                    let by_per_c_m = -(by_change * (v - v_inf) * m.conductance * kept);
                    back.add_number(w, cell::per_c_m, by_per_c_m, at);
                }
                let mut by_middle = zero;
                for (r, given) in receptors.iter().enumerate() {
                    let k = receptor_row(r);
                    let mut by_g = by(&back, k);
                    if given.conductance {
                        let e_rev = given.e_rev(w, (self.own(now.cell, r), at));
                        let by_open = by_conductance + by_pull * e_rev;
                        let [by_state, by_potential, free] =
                            given.open_adjoint(w, load(k), at_middle, by_open);
                        by_g = by_g + by_state;
                        by_middle = by_middle + by_potential;
                        if wanted {
                            let (opened, by_both) = (load(k) * free, [by_pull, by_potential]);
                            given.add_open_numbers(w, &mut back, numbers(r), opened, by_both, at);
                        }
                    } else {
                        by_g = by_g + by_pull;
                    }
                    set_row(w, back.adjoint, k, at, by_g);
                }
                let mut with_state = 0;
                for (c, channel) in channels.iter().enumerate() {
                    let most = field(cell::COUNT + 2 * c);
                    let own = channel.gates.clone();
                    let mut g = most;
                    for k in own.clone() {
                        for _ in 0..gates[k].power {
                            g = g * open[k];
                        }
                    }
                    let (mut by_g, mut by_e) = (zero, zero);
                    if channel.influx < 2 {
                        by_g = by_conductance + by_pull * e_revs[c];
                        by_e = by_pull * g;
                    }
                    if last {
                        let drive = e_revs[c] - at_middle;
                        if channel.influx > 0 {
                            by_g = by_g + by_influx * drive;
                            by_e = by_e + by_influx * g;
                            by_middle = by_middle - by_influx * g;
                        }
                        if channel.ion >= 2 {
                            let by_current = by_currents[channel.ion as usize - 2];
                            by_g = by_g - by_current * drive;
                            by_e = by_e - by_current * g;
                            by_middle = by_middle + by_current * g;
                        }
                    }
                    if wanted {
                        let mut part = v.of(1.0);
                        for k in own.clone() {
                            for _ in 0..gates[k].power {
                                part = part * open[k];
                            }
                        }
                        back.add_number(w, cell::COUNT + 2 * c, by_g * part, at);
                        if channel.ion == 0 {
                            back.add_number(w, cell::COUNT + 2 * c + 1, by_e, at);
                        }
                    }
                    match channel.ion {
                        1 => by_ca = by_ca - by_e * w.splat(pool[pool::thermal]) / calcium,
                        2 | 3 => {
                            let by_ion = &mut by_e_ions[channel.ion as usize - 2];
                            *by_ion = *by_ion + by_e;
                        }
                        _ => {}
                    }
                    for k in own.clone() {
                        // The conductance without one factor of this gate.
                        let mut others = most * most.of(f64::from(gates[k].power));
                        for j in own.clone() {
                            let power = gates[j].power.saturating_sub(u32::from(j == k));
                            for _ in 0..power {
                                others = others * open[j];
                            }
                        }
                        let by_x = by_g * others;
                        if gates[k].has_state() {
                            by_gate[with_state] = by_gate[with_state] + by_x;
                            with_state += 1;
                        } else {
                            let [by_potential, by_calcium] =
                                gates[k].at_once_slopes(w, at_middle, calcium);
                            by_middle = by_middle + by_x * by_potential;
                            by_ca = by_ca + by_x * by_calcium;
                        }
                    }
                }
                by_v = by_v + by_middle;
                by_change = by_middle * by_middle.of(0.5);
            }

            // The gates, which moved first.
            for (k, (moved, by_x)) in moved.iter().zip(&*by_gate).enumerate() {
                set_row(w, back.adjoint, state::COUNT + k, at, *by_x * moved.kept);
                let by_steady = *by_x - *by_x * moved.kept;
                let by_exponent = *by_x * (moved.before - moved.steady) * moved.kept;
                by_v = by_v + by_steady * moved.slopes[0] + by_exponent * moved.slopes[1];
            }
            if p.ions == 1 {
                let [mut by_potassium, mut by_sodium] = by_ions;
                let into = [&mut by_potassium, &mut by_sodium];
                ions.load_back(w, ion_numbers, by_e_ions, into);
                set_row(w, back.adjoint, first_ion + ion::potassium, at, by_potassium);
                set_row(w, back.adjoint, first_ion + ion::sodium, at, by_sodium);
            }
            if p.pool == 1 {
                set_row(w, back.adjoint, state::ca, at, by_ca);
            }
            set_row(w, back.adjoint, state::v, at, by_v);
            back.add_input(w, by_input, at);
            if wanted {
                back.add_number(w, cell::i_e, by_input, at);
            }
        }
    }
}
