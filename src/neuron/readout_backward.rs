//! Adjoint of the leaky readout, from the last step to the first.
//!
//! ```text
//!   v_bar' = v_bar + output_bar[t]        output_bar[t] = output_bar / v_unit · (1/share within the output's part | t = peak)
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
        length: word,
        /// As in the forward kernel.
        parts: word,
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
        reals("output_gradient"),    // [samples, parts, n]
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
        let [begin, length, parts] = [p.begin, p.length, p.parts].map(|x| x as usize);
        for b in 0..call.units.len() {
            for id in 0..n {
                let parameter =
                    |field: usize| if p.own == 1 { cell[field * n + id] } else { cell[field] };
                let fields = [cell::fall_m, cell::p21, cell::p20, cell::fall_syn];
                let [fall_m, p21, p20, fall_syn] = fields.map(parameter);
                let by_output =
                    |part: usize| output_gradient[(b * parts + part) * n + id] / p.v_unit;
                // Parts that are to come, and the first step behind the last of them.
                let (mut part, mut behind, mut by_share) =
                    (parts, begin + parts * length, F::zero());
                let (mut by_v, mut by_i, mut by_input) = (F::zero(), F::zero(), F::zero());
                for t in (0..steps).rev() {
                    if t + 1 == behind {
                        by_share = F::zero();
                        if part > 0 {
                            (part, behind) = (part - 1, behind - length);
                            by_share = by_output(part) / p.share;
                        }
                    }
                    let here = match p.over {
                        0 => by_share,
                        _ if t == peak[b * n + id] as usize => by_output(0),
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
