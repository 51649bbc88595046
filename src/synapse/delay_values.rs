//! What arrives of sources whose delays are learned, as values: their spikes, filtered by the parts of
//! [`super::delay_taps`].
//!
//! ```text
//!   delayed[b, t, i] = sum over k of  taps[i, k] x[b, t - 1 - first[i] - k, i]        nothing before the window
//! ```
//! x is 1 for a spike and 0 otherwise, or a value (of images, soft spikes). With rounded delays the values are again spikes.
//! From here on they are values that arrive in their own step, and go through the kernels that know values.

use super::nonzero;
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/delay_values.wgsl`.
    pub struct DelayValuesParams {
        /// Sources.
        n: word,
        /// Steps of a window.
        steps: word,
        /// Rows of what they send before the window.
        history: word,
        /// Parts of a spike.
        width: word,
        /// 0: sources spike; 1: sources have values.
        values: option,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/delay_values",
    wgsl: include_str!("../../shaders/synapse/delay_values.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("spikes"),      // [samples, history + steps, words]
        reals("x"),           // [samples, history + steps, n]
        words("first"),       // [n]
        reals("taps"),        // [n, width]
        reals_mut("delayed"), // [samples, steps, n]
    ],
    layouts: &[],
    params: DelayValuesParams::<f32>::FIELDS,
    twin32: dispatched::<DelayValues, f32>,
    twin64: scalar::<DelayValues, f64>,
};

/// Puts what sources sent in a row into a list: the values that are not zero, 1 for a spike.
#[inline(always)]
pub(super) fn sent<F: Real>(
    (spikes, x): (&[u32], &[F]),
    (row, n): (usize, usize),
    values: bool,
    list: &mut Vec<(u32, F)>,
) {
    list.clear();
    if values {
        nonzero(&x[row * n..][..n], list);
        return;
    }
    let words = spike_words(n);
    for (w, word) in (0..).zip(&spikes[row * words..][..words]) {
        let mut bits = *word;
        while bits != 0 {
            list.push((32 * w + bits.trailing_zeros(), F::one()));
            bits &= bits - 1;
        }
    }
}

/// The twin of `shaders/synapse/delay_values.wgsl`; units are samples.
pub struct DelayValues;

impl Twin for DelayValues {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = DelayValuesParams::<F>::of(call.params);
        let [spikes, x, first, taps, delayed] = Call::take(call.args);
        let (spikes, x, first, taps) = (spikes.words(), x.reals(), first.words(), taps.reals());
        let delayed = delayed.reals_mut();
        let (n, steps, width) = (p.n as usize, p.steps as usize, p.width as usize);
        let [t0, t1] = [call.span.t0, call.span.t1].map(|t| t as usize);
        let longest = first.iter().max().map_or(0, |first| *first as usize + width);
        let mut list = Vec::new();
        for (b, delayed) in delayed.chunks_exact_mut(steps * n).take(call.units.len()).enumerate() {
            delayed[t0 * n..t1 * n].fill(F::zero());
            for s in t0.saturating_sub(longest)..t1 {
                let row = b * (p.history as usize + steps) + p.history as usize + s;
                sent((spikes, x), (row, n), p.values == 1, &mut list);
                for (i, x) in &list {
                    let i = *i as usize;
                    let parts = taps[i * width..][..width].iter();
                    // Ascending steps, of which some are before the span and some behind it.
                    for (t, tap) in (s + 1 + first[i] as usize..t1).zip(parts) {
                        if t >= t0 {
                            delayed[t * n + i] += *tap * *x;
                        }
                    }
                }
            }
        }
    }
}
