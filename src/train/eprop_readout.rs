//! A readout of [e-prop](super::eprop), one step after the other, with the loss of each step.
//!
//! ```text
//!   v := v + fall_m v + p21 i          i := i + fall_syn i + arrivals          y = v / v_unit
//!   cross-entropy   loss of a step = -ln softmax(y)[label]              slope = softmax(y)_k - (k = label)
//!   squares         loss of a step = sum over outputs of (y - target)^2 slope = 2 (y - target)
//!   loss = sum over the steps that count of that of the step / share    error = slope / (share samples v_unit)
//! ```
//! Told as the output is the mean of y over the steps that count, or the sum where the share is 1.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/eprop_readout.wgsl`.
    pub struct EpropReadoutParams {
        /// Outputs.
        n: word,
        /// Steps of a window.
        steps: word,
        /// First step that counts.
        begin: word,
        /// Steps that count.
        length: word,
        /// Batches whose losses are kept until the host asks.
        slots: word,
        /// Steps of the ring of errors.
        ring: word,
        /// 1 if outputs have targets, 0 if they stand for classes.
        targeted: word,
        /// What the sum over the steps is divided by.
        share: real,
        /// One unit of the output \[mV\].
        v_unit: real,
        /// exp(-dt / tau_m) - 1.
        fall_m: real,
        /// Effect of the synaptic current on v over a step \[mV/pA\].
        p21: real,
        /// exp(-dt / tau_syn) - 1.
        fall_syn: real,
    }
}

/// Rows of the state: v, i, sum of y.
pub const STATE: usize = 3;

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/eprop_readout",
    wgsl: include_str!("../../shaders/train/eprop_readout.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals("arrivals"),        // [samples, n] pA
        words("labels"),          // [samples]
        reals("targets"),         // [samples, n]
        reals_mut("state"),       // [samples, 3, n]
        reals_mut("errors"),      // [samples, ring, n] gradient by v, 1/mV
        reals_mut("output"),      // [samples, n]
        reals_mut("losses"),      // [samples, slots]
        words_mut("predictions"), // [samples, slots]
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
        let (n, ring) = (p.n as usize, p.ring as usize);
        let scale = F::one() / (p.share * F::of(f64::from(call.clock.samples)) * p.v_unit);
        for b in 0..call.units.len() {
            let arrivals = &arrivals[b * n..][..n];
            let (v, rest) = state[b * STATE * n..][..STATE * n].split_at_mut(n);
            let (i, sum) = rest.split_at_mut(n);
            let kept = b * p.slots as usize + call.clock.slot as usize;
            for t in call.span.steps() {
                if t == 0 {
                    v.fill(F::zero());
                    i.fill(F::zero());
                    sum.fill(F::zero());
                    losses[kept] = F::zero();
                }
                for k in 0..n {
                    v[k] += p.fall_m * v[k] + p.p21 * i[k];
                    i[k] += p.fall_syn * i[k] + arrivals[k];
                }
                let errors = &mut errors[(b * ring + t % ring) * n..][..n];
                errors.fill(F::zero());
                let counts = (p.begin as usize..(p.begin + p.length) as usize).contains(&t);
                if counts {
                    let y = |k: usize| v[k] / p.v_unit;
                    (0..n).for_each(|k| sum[k] += y(k));
                    if p.targeted == 1 {
                        let targets = &targets[b * n..][..n];
                        for (k, error) in errors.iter_mut().enumerate() {
                            let e = y(k) - targets[k];
                            losses[kept] += e * e / p.share;
                            *error = F::of(2.0) * e * scale;
                        }
                    } else if (labels[b] as usize) < n {
                        let label = labels[b] as usize;
                        let most = (0..n).map(y).fold(F::neg_infinity(), F::max);
                        let mut all = F::zero();
                        for (k, error) in errors.iter_mut().enumerate() {
                            *error = (y(k) - most).exp();
                            all += *error;
                        }
                        losses[kept] += (all.ln() - (y(label) - most)) / p.share;
                        for (k, error) in errors.iter_mut().enumerate() {
                            let wanted = if k == label { F::one() } else { F::zero() };
                            *error = (*error / all - wanted) * scale;
                        }
                    }
                }
                if t + 1 == p.steps as usize {
                    let mut best = 0;
                    for k in 0..n {
                        output[b * n + k] = sum[k] / p.share;
                        if sum[k] > sum[best] {
                            best = k;
                        }
                    }
                    predictions[kept] = best as u32;
                }
            }
        }
    }
}
