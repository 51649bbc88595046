//! The way back from [outputs](super::output) to the potentials of each step that they are made of.
//!
//! ```text
//!   by_potential[b, t, k] = by_output[b, part of t, k] / share / v_unit, or of the largest in its step alone; else 0
//! ```

use super::output::OutputParams;
use crate::kernel::*;

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/output_back",
    wgsl: include_str!("../../shaders/train/output_back.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals("output_gradient"),  // [samples, parts, n]
        words("peak"),             // [samples, n] step of the largest
        reals_mut("by_potential"), // [samples, steps, width]
    ],
    layouts: &[],
    params: OutputParams::<f32>::FIELDS,
    twin32: dispatched::<OutputBack, f32>,
    twin64: scalar::<OutputBack, f64>,
};

/// The twin of `shaders/train/output_back.wgsl`; units are samples.
pub struct OutputBack;

impl Twin for OutputBack {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = OutputParams::<F>::of(call.params);
        let [gradient, peak, by_potential] = Call::take(call.args);
        let (gradient, peak, by_potential) =
            (gradient.reals(), peak.words(), by_potential.reals_mut());
        let [n, steps, width, first] = [p.n, p.steps, p.width, p.first].map(|x| x as usize);
        let [begin, length, parts] = [p.begin, p.length, p.parts].map(|x| x as usize);
        for b in 0..call.units.len() {
            for t in 0..steps {
                let row = &mut by_potential[(b * steps + t) * width + first..][..n];
                let part = t.checked_sub(begin).map(|t| t / length).filter(|part| *part < parts);
                for (id, by) in row.iter_mut().enumerate() {
                    *by = match part {
                        _ if p.over == 1 && peak[b * n + id] as usize == t => {
                            gradient[b * n + id] / p.v_unit
                        }
                        Some(part) if p.over == 0 => {
                            gradient[(b * parts + part) * n + id] / p.v_unit / p.share
                        }
                        _ => F::zero(),
                    };
                }
            }
        }
    }
}
