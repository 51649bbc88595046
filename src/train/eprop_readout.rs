//! A readout of [e-prop](super::eprop), one step after the other, with the loss of each step.
//!
//! ```text
//!   v := v + fall_m v + p21 i          i := i + fall_syn i + arrivals          y = v / v_unit
//!   cross-entropy   loss of a step = -ln softmax(y)[label]                     slope = softmax(y)_k - (k = label)
//!   targets         loss of a step = sum over outputs of the error of y        slope: see super::target_error
//!   loss = sum over the steps that count of  weight / asked  times that of the step
//!   error = weight slope / (asked samples v_unit)
//! ```
//! Steps count part by part, and each part has a label or targets of its own: there is one part, or one for each frame, or
//! one for each step. Parts are asked that have a label, and all that have targets. Told as the output of a part is the
//! mean of y over its steps, or the sum where the share is 1.

use super::target_error::{SIGMOID, error_of, is_right};
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/eprop_readout.wgsl`.
    pub struct EpropReadoutParams {
        /// Outputs.
        n: word,
        /// First step that counts.
        begin: word,
        /// Steps of a part.
        length: word,
        /// Parts.
        parts: word,
        /// Parts of which it is told what they predict: all or none.
        answers: word,
        /// Columns of the targets: one for all outputs, or one for each.
        columns: word,
        /// Batches whose losses are kept until the host asks.
        slots: word,
        /// Steps of the ring of errors.
        ring: word,
        /// What the sum of y over the steps of a part is divided by.
        share: real,
        /// Factor on the loss of a step, where one part is asked.
        weight: real,
        /// Difference beyond which Huber's error is linear.
        delta: real,
        /// One unit of the output \[mV\].
        v_unit: real,
        /// exp(-dt / tau_m) - 1.
        fall_m: real,
        /// Effect of the synaptic current on v over a step \[mV/pA\].
        p21: real,
        /// exp(-dt / tau_syn) - 1.
        fall_syn: real,
        /// [`CLASSES`], or a form of [`super::target_error`].
        form: option,
    }
}

/// Where outputs stand for classes, and a part has a label.
pub const CLASSES: u32 = 3;

/// Rows of the state: v, i, sum of y over the part so far.
pub const STATE: usize = 3;

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/eprop_readout",
    wgsl: include_str!("../../shaders/train/eprop_readout.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals("arrivals"),        // [samples, n] pA
        words("labels"),          // [samples, parts]
        reals("targets"),         // [samples, parts, columns]
        reals_mut("state"),       // [samples, 3, n]
        reals_mut("errors"),      // [samples, ring, n] gradient by v, 1/mV
        reals_mut("output"),      // [samples, parts, n]
        reals_mut("losses"),      // [samples, slots]
        words_mut("predictions"), // [samples, answers, slots]
    ],
    layouts: &[],
    params: EpropReadoutParams::<f32>::FIELDS,
    twin32: dispatched::<EpropReadout, f32>,
    twin64: scalar::<EpropReadout, f64>,
};

/// The twin of `shaders/train/eprop_readout.wgsl`; units are samples.
pub struct EpropReadout;

impl Twin for EpropReadout {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = EpropReadoutParams::<F>::of(call.params);
        let [arrivals, labels, targets, state, errors, output, losses, predictions] =
            Call::take(call.args);
        let (arrivals, labels, targets) = (arrivals.reals(), labels.words(), targets.reals());
        let (state, errors, output) = (state.reals_mut(), errors.reals_mut(), output.reals_mut());
        let (losses, predictions) = (losses.reals_mut(), predictions.words_mut());
        let (n, ring, slots) = (p.n as usize, p.ring as usize, p.slots as usize);
        let [begin, length, parts, answers, columns] =
            [p.begin, p.length, p.parts, p.answers, p.columns].map(|x| x as usize);
        let (slot, samples) = (call.clock.slot as usize, F::of(f64::from(call.clock.samples)));
        for b in 0..call.units.len() {
            let arrivals = &arrivals[b * n..][..n];
            let (v, rest) = state[b * STATE * n..][..STATE * n].split_at_mut(n);
            let (i, sum) = rest.split_at_mut(n);
            let loss = &mut losses[b * slots + slot];
            let label = |part: usize| labels[b * parts + part] as usize;
            let asked = match p.form {
                CLASSES => (0..parts).filter(|part| label(*part) < n).count().max(1),
                _ => 1,
            };
            let weight = p.weight / F::of(asked as f64);
            let scale = weight / (samples * p.v_unit);
            for t in call.span.steps() {
                if t == 0 {
                    v.fill(F::zero());
                    i.fill(F::zero());
                    *loss = F::zero();
                }
                for k in 0..n {
                    v[k] += p.fall_m * v[k] + p.p21 * i[k];
                    i[k] += p.fall_syn * i[k] + arrivals[k];
                }
                let errors = &mut errors[(b * ring + t % ring) * n..][..n];
                errors.fill(F::zero());
                if !(begin..begin + parts * length).contains(&t) {
                    continue;
                }
                let (part, within) = ((t - begin) / length, (t - begin) % length);
                let y = |k: usize| v[k] / p.v_unit;
                let wanted = |k: usize| targets[(b * parts + part) * columns + k.min(columns - 1)];
                if within == 0 {
                    sum.fill(F::zero());
                }
                (0..n).for_each(|k| sum[k] += y(k));
                if p.form != CLASSES {
                    for (k, by_v) in errors.iter_mut().enumerate() {
                        let (error, slope) = error_of(p.form, p.delta, y(k), wanted(k));
                        *loss += weight * error;
                        *by_v = slope * scale;
                    }
                } else if label(part) < n {
                    let label = label(part);
                    let most = (0..n).map(y).fold(F::neg_infinity(), F::max);
                    let mut all = F::zero();
                    for (k, error) in errors.iter_mut().enumerate() {
                        *error = (y(k) - most).exp();
                        all += *error;
                    }
                    *loss += weight * (all.ln() - (y(label) - most));
                    for (k, error) in errors.iter_mut().enumerate() {
                        let wanted = if k == label { F::one() } else { F::zero() };
                        *error = (*error / all - wanted) * scale;
                    }
                }
                if within + 1 < length {
                    continue;
                }
                let output = &mut output[(b * parts + part) * n..][..n];
                let (mut best, mut right) = (0, 0);
                for (k, output) in output.iter_mut().enumerate() {
                    *output = sum[k] / p.share;
                    if sum[k] > sum[best] {
                        best = k;
                    }
                    right += u32::from(p.form == SIGMOID && is_right(*output, wanted(k)));
                }
                if part < answers {
                    let predicted = if p.form == SIGMOID { right } else { best as u32 };
                    predictions[(b * answers + part) * slots + slot] = predicted;
                }
            }
        }
    }
}
