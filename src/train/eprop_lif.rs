//! Leaky integrate-and-fire neurons of [e-prop](super::eprop), one step after the other.
//!
//! ```text
//!   v := v + fall_m v + p20 i_e + arrivals          h := h + fall_rel h          u = v - (v_th + h)
//!   u >= 0 and not refractory  =>  spike; v := v - (v_th - v_reset); h := h + delta_th
//!   slope = S'(u), 0 while refractory
//! ```
//! The step of [`crate::neuron::iaf`] with a `Delta` receptor. A refractory potential is held, or goes on.

use crate::kernel::*;
use crate::neuron::{Cells, surrogate};
use crate::vector::Width;
use crate::{numbers, params};

numbers! {
    /// Numbers of a neuron in the array `cell`; levels are relative to `e_l`.
    pub struct Cell in cell {
        /// exp(-dt / tau_m) - 1.
        fall_m,
        /// Effect of a constant current on v over a step \[mV/pA\].
        p20,
        /// Threshold \[mV\].
        v_th,
        /// Reset potential \[mV\].
        v_reset,
        /// Absolute refractory period \[steps\].
        t_ref,
        /// Rise of the threshold per spike \[mV\].
        delta_th,
        /// exp(-dt / tau_rel) - 1.
        fall_rel,
        /// Potential at the start \[mV\].
        v_init,
    }
}

numbers! {
    /// State of a neuron.
    pub struct State in state {
        /// Potential from `e_l` \[mV\].
        v,
        /// Steps for which it is still refractory.
        held,
        /// Rise of the threshold \[mV\].
        h,
        /// Spikes so far, of those that count.
        spikes,
    }
}

params! {
    /// `Params` of `shaders/train/eprop_lif.wgsl`.
    pub struct EpropLifParams {
        /// Neurons.
        n: word,
        /// Steps of a window.
        steps: word,
        /// Rows of spikes before the window.
        history: word,
        /// 1 if each neuron has its own numbers.
        own: word,
        /// 1 if a refractory potential is held.
        hold: word,
        /// First steps, whose spikes are counted.
        counted: word,
        /// Steps of the ring of slopes.
        ring: word,
        /// Steepness of the surrogate.
        steepness: real,
        /// Distance from rest to threshold \[mV\].
        unit: real,
        /// Shape of the surrogate.
        surrogate: option,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/eprop_lif",
    wgsl: include_str!("../../shaders/train/eprop_lif.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals("arrivals"),   // [samples, n] mV
        reals("i_e"),        // [n] constant current, pA
        reals("cell"),       // [8, n or 1]
        words_mut("spikes"), // [samples, history + steps, words]
        reals_mut("state"),  // [samples, 4, n]
        reals_mut("slope"),  // [samples, ring, n]
    ],
    layouts: &[cell::LAYOUT, state::LAYOUT],
    params: EpropLifParams::<f32>::FIELDS,
    twin32: dispatched::<EpropLif, f32>,
    twin64: scalar::<EpropLif, f64>,
};

/// The twin of `shaders/train/eprop_lif.wgsl`; units are samples.
pub struct EpropLif;

impl Twin for EpropLif {
    #[inline(always)]
    fn run<S: Simd, F: Real>(simd: S, call: Call<'_, F>) {
        match EpropLifParams::<F>::of(call.params).own == 1 {
            true => steps::<S, F, true>(Width(simd), call),
            false => steps::<S, F, false>(Width(simd), call),
        }
    }
}

#[inline(always)]
fn steps<S: Simd, F: Real, const OWN: bool>(w: Width<S>, call: Call<'_, F>) {
    let p = EpropLifParams::<F>::of(call.params);
    let [arrivals, i_e, cell, spikes, state, slope] = Call::take(call.args);
    let (arrivals, i_e) = (arrivals.reals(), i_e.reals());
    let (spikes, state, slope) = (spikes.words_mut(), state.reals_mut(), slope.reals_mut());
    let n = p.n as usize;
    let cells = Cells::<F, OWN>::new(cell.reals(), n);
    let (words, rows) = (spike_words(n), (p.history + p.steps) as usize);
    let (zero, one) = (w.splat(F::zero()), w.splat(F::one()));
    let (mut u_row, mut free_row) = (vec![F::zero(); n], vec![F::zero(); n]);
    for b in 0..call.units.len() {
        let arrivals = &arrivals[b * n..][..n];
        let (v_row, rest) = state[b * state::COUNT * n..][..state::COUNT * n].split_at_mut(n);
        let (held_row, rest) = rest.split_at_mut(n);
        let (h_row, count_row) = rest.split_at_mut(n);
        for t in call.span.steps() {
            if t == 0 {
                (0..n).for_each(|id| v_row[id] = cells.one(cell::v_init, id));
                held_row.fill(F::zero());
                h_row.fill(F::zero());
                count_row.fill(F::zero());
            }
            let counts = if t < p.counted as usize { one } else { zero };
            let row = (b * rows + p.history as usize + t) * words;
            for (first, word) in (0..n).step_by(32).zip(&mut spikes[row..row + words]) {
                let mut bits = 0;
                for at in (first..n.min(first + 32)).step_by(w.lanes::<F>()) {
                    let cell = |field: usize| cells.field(w, field, at);
                    let (before, held) = (w.load(v_row, at), w.load(held_row, at));
                    let drive = cell(cell::p20).mul_add(w.load(i_e, at), w.load(arrivals, at));
                    let mut v = before.mul_add(cell(cell::fall_m), before) + drive;
                    let refractory = held.gt(zero);
                    if p.hold == 1 {
                        v = refractory.select(before, v);
                    }
                    let h = w.load(h_row, at);
                    let h = h.mul_add(cell(cell::fall_rel), h);
                    let u = v - (cell(cell::v_th) + h);
                    let free = refractory.select(zero, one);
                    let spike = u.ge(zero).and(free.gt(zero));
                    let after = v + (cell(cell::v_reset) - cell(cell::v_th));
                    w.store(v_row, at, spike.select(after, v));
                    w.store(h_row, at, spike.select(h + cell(cell::delta_th), h));
                    let left = (held - one).max(zero);
                    w.store(held_row, at, spike.select(cell(cell::t_ref), left));
                    let count = w.load(count_row, at);
                    w.store(count_row, at, spike.select(count + counts, count));
                    w.store(&mut u_row, at, u);
                    w.store(&mut free_row, at, free);
                    bits |= spike.bits() << (at % 32);
                }
                // Lanes beyond the row have no say.
                *word = bits & u32::MAX >> (32 - (n - first).min(32));
            }
            let slope = &mut slope[(b * p.ring as usize + t % p.ring as usize) * n..][..n];
            let per_unit = F::one() / p.unit;
            surrogate::slopes(p.surrogate, p.steepness, per_unit, &u_row, slope);
            slope.iter_mut().zip(&free_row).for_each(|(slope, free)| *slope *= *free);
        }
    }
}
