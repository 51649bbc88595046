//! What one input does to a neuron at rest, by which weights are measured.

use super::step::Place;
use crate::kernel::*;
use crate::neuron::receptor::port;
use crate::neuron::stepped::{BLOCK, Stepped, receptor_numbers};

/// Something small that a neuron gets once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Nudge {
    /// A spike through a synapse at a receptor.
    Arrival(usize),
    /// A current of one step.
    Current,
}

/// The weight with which one input lifts the first neuron of a population from rest to threshold, at the peak; of a
/// current, within a step. In units of what the receptor takes; 1 where nothing is lifted.
///
/// It is measured: two neurons without spikes and constant currents come to rest, then one of them gets a millionth. A
/// conductance is taken to reverse at least as far from rest as the threshold is, or one that reverses near rest
/// would have no unit.
pub fn unit_of(neurons: &dyn Stepped, dt: f64, nudge: Nudge) -> f64 {
    const SMALL: f64 = 1e-6;
    /// Time in which neurons come to rest, and within which a peak is looked for \[ms\].
    const TIME: f64 = 200.0;
    let steps = (TIME / dt).ceil() as usize;
    let trained = neurons.trained();
    let count = neurons.receptors().len();
    let stride = count.max(1).next_power_of_two();
    let mut cell = neurons.cells().swap_remove(0);
    cell[trained.i_e] -= trained.currents[0];
    let mut state: Vec<f64> =
        neurons.start(0).into_iter().flat_map(|x| std::iter::repeat_n(x, BLOCK)).collect();
    if neurons.slow() > 0 {
        state.resize(2 * state.len(), 0.0);
    }
    let mut receptor = receptor_numbers(neurons, 0, dt, |_| SMALL);
    receptor.extend(neurons.table());
    let mut ring = vec![0u32; stride * BLOCK];
    let mut current = vec![0.0; BLOCK];
    let place = Place::<f64> {
        n: 2,
        first_tile: 0,
        slots: 1,
        stride: stride as u32,
        receptors: count as u32,
        own: 0,
        drive: 0,
        current: 1,
        first_word: 0,
        slow: neurons.slow(),
        events: 0,
        sampled: 0,
        tiles: 1,
        port_bits: 0,
        tile: BLOCK as u32,
        row_words: 2,
        interval: 1,
        pulls: 0,
        shared: 0,
        own_receptors: 0,
    };
    let params = [place.words(), neurons.params()].concat();
    let clock = Clock::still(0, 0);
    let step = |state: &mut [f64], receptor: &[f64], ring: &mut [u32], current: &[f64]| {
        let args = [
            Slice::RealsMut(state),
            Slice::WordsMut(ring),
            Slice::WordsMut(&mut [0; 2]),
            Slice::RealsMut(&mut []),
            Slice::Words(&[]),
            Slice::Reals(&cell),
            Slice::Reals(receptor),
            Slice::Reals(&[]),
            Slice::Reals(current),
            Slice::Words(&[]),
            Slice::Words(&[]),
            Slice::Words(&[]),
            Slice::Words(&[]),
            Slice::Words(&[]),
        ];
        (trained.quiet)(Call {
            params: &params,
            clock: &clock,
            span: Span { t0: 0, t1: 1 },
            units: 0..1,
            args: args.into_iter().collect(),
        });
    };
    for _ in 0..steps {
        step(&mut state, &receptor, &mut ring, &current);
    }
    match nudge {
        Nudge::Current => current[0] = SMALL,
        Nudge::Arrival(r) => {
            ring[r * BLOCK] = 1;
            let e_rev = &mut receptor[r * port::COUNT + port::e_rev];
            let drive = *e_rev - state[0];
            *e_rev = state[0] + drive.abs().max(trained.rise).copysign(drive);
        }
    }
    let mut peak = 0.0f64;
    for k in 0..steps {
        step(&mut state, &receptor, &mut ring, &current);
        current[0] = 0.0;
        let lifted = (state[0] - state[1]).abs();
        // A spike arrives at the end of its step, and lifts from the next on.
        if nudge == Nudge::Current || (k > 1 && lifted <= peak) {
            peak = peak.max(lifted);
            break;
        }
        peak = peak.max(lifted);
    }
    let unit = trained.rise * SMALL / peak;
    if unit.is_finite() && unit > 0.0 { unit } else { 1.0 }
}
