//! Outputs of a network from the potentials of its readouts, in parts of the window that each make outputs of their own.
//!
//! ```text
//!   output[b, part, k] = (sum of the potentials of a part / share | largest of the window) / v_unit
//! ```
//! The share is the steps of a part for a mean, 1 for a sum or for the last step alone.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/output.wgsl` and `output_back.wgsl`.
    pub struct OutputParams {
        /// Readouts.
        n: word,
        /// Numbers of a row of what has their potentials, or gets gradients by them.
        width: word,
        /// The first of these in a row.
        first: word,
        /// Steps of a window.
        steps: word,
        /// First step of the window that counts.
        begin: word,
        /// Steps of a part: one part lies behind the other.
        length: word,
        /// Parts.
        parts: word,
        /// One unit of the output \[mV\].
        v_unit: real,
        /// What the sum of the potentials of a part is divided by.
        share: real,
        /// 0: these sums; 1: the largest value of the window.
        over: option,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/output",
    wgsl: include_str!("../../shaders/train/output.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals("tape"),       // [samples, steps, width] potentials
        reals_mut("output"), // [samples, parts, n]
        words_mut("peak"),   // [samples, n] step of the largest
    ],
    layouts: &[],
    params: OutputParams::<f32>::FIELDS,
    twin32: dispatched::<Output, f32>,
    twin64: scalar::<Output, f64>,
};

/// The twin of `shaders/train/output.wgsl`; units are samples.
pub struct Output;

impl Twin for Output {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = OutputParams::<F>::of(call.params);
        let [tape, output, peak] = Call::take(call.args);
        let (tape, output, peak) = (tape.reals(), output.reals_mut(), peak.words_mut());
        let [n, steps, width, first] = [p.n, p.steps, p.width, p.first].map(|x| x as usize);
        let [begin, length, parts] = [p.begin, p.length, p.parts].map(|x| x as usize);
        for b in 0..call.units.len() {
            let potentials = |t: usize| &tape[(b * steps + t) * width + first..][..n];
            if p.over == 1 {
                for id in 0..n {
                    let (mut best, mut when) = (F::neg_infinity(), 0);
                    for t in 0..steps {
                        let v = potentials(t)[id];
                        if v > best {
                            (best, when) = (v, t as u32);
                        }
                    }
                    output[b * n + id] = best / p.v_unit;
                    peak[b * n + id] = when;
                }
                continue;
            }
            for part in 0..parts {
                let sums = &mut output[(b * parts + part) * n..][..n];
                sums.fill(F::zero());
                for t in (begin + part * length..).take(length) {
                    sums.iter_mut().zip(potentials(t)).for_each(|(sum, v)| *sum += *v);
                }
                sums.iter_mut().for_each(|sum| *sum = *sum / p.share / p.v_unit);
            }
        }
    }
}
