//! Independent Poisson input of a training: [`super::poisson_drive`] for all steps of a window, each sample with its own,
//! as floats among what arrives at a receptor.

use super::poisson_drive::events;
use crate::kernel::*;
use crate::params;
use crate::rng::philox_lanes;

params! {
    /// `Params` of `shaders/input/poisson_window.wgsl`.
    pub struct PoissonWindowParams {
        /// Neurons.
        n: word,
        /// Steps of a window.
        steps: word,
        /// Numbers of a row of the inbox.
        stride: word,
        /// The first of them that is of the receptor.
        place: word,
        /// 1 if each neuron has its own table.
        own: word,
        /// Stream of random numbers.
        stream: word,
        /// First step with events.
        start: word,
        /// First step without.
        stop: word,
        /// 1: add to what others left; 0: overwrite.
        accumulate: word,
        /// Weight of an event.
        weight: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "input/poisson_window",
    wgsl: include_str!("../../shaders/input/poisson_window.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("presentation"), // [samples] number that tells presentations apart
        words("level"),        // tables: how many levels, then these
        words("first"),        // [n or 1] where the table of a neuron begins
        reals_mut("inbox"),    // [samples, steps, stride]
    ],
    layouts: &[],
    params: PoissonWindowParams::<f32>::FIELDS,
    twin32: dispatched::<PoissonWindow, f32>,
    twin64: scalar::<PoissonWindow, f64>,
};

/// The twin of `shaders/input/poisson_window.wgsl`; units are samples.
pub struct PoissonWindow;

impl Twin for PoissonWindow {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = PoissonWindowParams::<F>::of(call.params);
        let [presentation, level, first, inbox] = Call::take(call.args);
        let (presentation, level, first) = (presentation.words(), level.words(), first.words());
        let inbox = inbox.reals_mut();
        let seed = call.clock.seed;
        let key = [seed as u32, (seed >> 32) as u32 ^ p.stream];
        let (n, steps) = (p.n as usize, p.steps as usize);
        for (row, numbers) in inbox.chunks_exact_mut(p.stride as usize).enumerate() {
            let (b, t) = (row / steps, (row % steps) as u32);
            if b >= call.units.len() {
                break;
            }
            let numbers = &mut numbers[p.place as usize..][..n];
            let on = (p.start..p.stop).contains(&t);
            // A word for each neuron, four of a call.
            for (block, numbers) in numbers.chunks_mut(64).enumerate() {
                let random = philox_lanes(block as u32 * 16, [t, 0, presentation[b]], key);
                for (k, number) in numbers.iter_mut().enumerate() {
                    let before = if p.accumulate == 1 { *number } else { F::zero() };
                    let own = if p.own == 1 { block * 64 + k } else { 0 };
                    let count = if on { events(level, first[own], random[k]) } else { 0 };
                    *number = before + p.weight * F::of_int(count as i32);
                }
            }
        }
    }
}
