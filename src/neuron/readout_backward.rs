//! Adjoint of the leaky readout, from the last step to the first.
//!
//! ```text
//!   v_bar' = v_bar + output_bar[t]        output_bar[t] = output_bar / v_unit · (1/share if begin <= t < end | t = peak)
//!   arrivals_bar[t] = i_bar               i_bar := (1 + fall_syn) i_bar + p21 v_bar'
//!   input_bar += p20 v_bar'               v_bar := (1 + fall_m) v_bar'
//! ```
//! Linear and exact. The tape is overwritten with the gradient by the arrivals.

use super::readout::cell;
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/neuron/readout_backward.wgsl`.
    pub struct ReadoutBackwardParams {
        /// Neurons.
        n: word,
        /// Steps of a window.
        steps: word,
        /// 1 if each neuron has its own parameters.
        own: word,
        /// One unit of the output \[mV\].
        v_unit: real,
        /// As in the forward kernel.
        begin: word,
        /// As in the forward kernel.
        end: word,
        /// As in the forward kernel.
        share: real,
        /// As in the forward kernel.
        over: option,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "neuron/readout_backward",
    wgsl: include_str!("../../shaders/neuron/readout_backward.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals_mut("tape"),           // [samples, steps, n] gradient by arrivals out
        reals("output_gradient"),    // [samples, n]
        words("peak"),               // [samples, n]
        reals("cell"),               // [4, n or 1]
        reals_mut("input_gradient"), // [samples, n]
    ],
    layouts: &[cell::LAYOUT],
    params: ReadoutBackwardParams::<f32>::FIELDS,
    twin32: dispatched::<ReadoutBackward, f32>,
    twin64: scalar::<ReadoutBackward, f64>,
};

/// The twin of `shaders/neuron/readout_backward.wgsl`.
pub struct ReadoutBackward;

impl Twin for ReadoutBackward {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = ReadoutBackwardParams::<F>::of(call.params);
        let [tape, output_gradient, peak, cell, input_gradient] = Call::take(call.args);
        let (tape, output_gradient, peak) =
            (tape.reals_mut(), output_gradient.reals(), peak.words());
        let (cell, input_gradient) = (cell.reals(), input_gradient.reals_mut());
        let (n, steps) = (p.n as usize, p.steps as usize);
        for b in 0..call.units.len() {
            for id in 0..n {
                let parameter =
                    |field: usize| if p.own == 1 { cell[field * n + id] } else { cell[field] };
                let fields = [cell::fall_m, cell::p21, cell::p20, cell::fall_syn];
                let [fall_m, p21, p20, fall_syn] = fields.map(parameter);
                let by_output = output_gradient[b * n + id] / p.v_unit;
                let by_share = by_output / p.share;
                let (mut by_v, mut by_i, mut by_input) = (F::zero(), F::zero(), F::zero());
                for t in (0..steps).rev() {
                    let here = match p.over {
                        0 if (p.begin as usize..p.end as usize).contains(&t) => by_share,
                        1 if t == peak[b * n + id] as usize => by_output,
                        _ => F::zero(),
                    };
                    let drive = by_v + here;
                    tape[(b * steps + t) * n + id] = by_i;
                    by_i += fall_syn * by_i + p21 * drive;
                    by_input += p20 * drive;
                    by_v = drive + fall_m * drive;
                }
                input_gradient[b * n + id] = by_input;
            }
        }
    }
}
