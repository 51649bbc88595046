//! What a spike becomes whose delay is learned: parts that arrive in successive steps.
//!
//! With e = d - 1, the steps by which a delay is longer than the shortest, a spike arrives with part `taps[k]` after
//! `1 + first + k` steps. The parts sum to 1:
//!
//! ```text
//!   rounded    first = floor(e + 1/2)    1, 0, 0, ...
//!   Linear     first = floor(e)          1 - (e - first), e - first
//!   Gauss      first = 0                 exp(-(k - e)^2 / (2 sigma^2)) / their sum
//! ```
//! `slopes` are the derivatives of the parts by d, with z = k - e and its mean over the parts: -1 and 1 for Linear, and
//! `taps[k] (z[k] - mean z) / sigma^2` for Gauss. Exponents are relative to that of the step next to e, so that the largest
//! part is 1 before they are divided, however narrow the kernel.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/delay_taps.wgsl`.
    pub struct DelayTapsParams {
        /// Sources.
        n: word,
        /// Parts of a spike, at most.
        width: word,
        /// 1: a normal distribution; 0: linear.
        gauss: word,
        /// 1: delays are rounded, and a spike is whole.
        rounded: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/delay_taps",
    wgsl: include_str!("../../shaders/synapse/delay_taps.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals("delays"),     // [n] steps
        reals("sigma"),      // [1] steps
        words_mut("first"),  // [n] steps of the first part beyond 1
        reals_mut("taps"),   // [n, width]
        reals_mut("slopes"), // [n, width]
    ],
    layouts: &[],
    params: DelayTapsParams::<f32>::FIELDS,
    twin32: dispatched::<DelayTaps, f32>,
    twin64: scalar::<DelayTaps, f64>,
};

/// The steps of a rounded delay beyond 1.
#[inline(always)]
pub fn rounded<F: Real>(delay: F) -> F {
    (delay - F::one() + F::of(0.5)).floor()
}

/// The twin of `shaders/synapse/delay_taps.wgsl`; units are sources.
pub struct DelayTaps;

impl Twin for DelayTaps {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = DelayTapsParams::<F>::of(call.params);
        let [delays, sigma, first, taps, slopes] = Call::take(call.args);
        let (delays, sigma, first) = (delays.reals(), sigma.reals(), first.words_mut());
        let width = p.width as usize;
        let taps = taps.reals_mut().chunks_exact_mut(width);
        let slopes = slopes.reals_mut().chunks_exact_mut(width);
        for (((delay, first), taps), slopes) in delays.iter().zip(first).zip(taps).zip(slopes) {
            let e = *delay - F::one();
            let whole = |x: F| x.to_u32().unwrap_or_default();
            taps.fill(F::zero());
            slopes.fill(F::zero());
            if p.rounded == 1 {
                *first = whole(rounded(*delay));
                taps[0] = F::one();
            } else if p.gauss == 0 {
                let part = e - e.floor();
                *first = whole(e.floor());
                taps[..2].copy_from_slice(&[F::one() - part, part]);
                slopes[..2].copy_from_slice(&[-F::one(), F::one()]);
            } else {
                *first = 0;
                let square = sigma[0] * sigma[0];
                let next = rounded(*delay) - e;
                let (mut total, mut moment) = (F::zero(), F::zero());
                for (k, tap) in taps.iter_mut().enumerate() {
                    let z = F::of(k as f64) - e;
                    *tap = ((next - z) * (next + z) / (F::of(2.0) * square)).exp();
                    total += *tap;
                    moment += *tap * z;
                }
                let mean = moment / total;
                for (k, (tap, slope)) in taps.iter_mut().zip(slopes).enumerate() {
                    *tap /= total;
                    *slope = *tap * (F::of(k as f64) - e - mean) / square;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn delays_are_rounded_to_the_nearest_step() {
        for (delay, beyond) in [(1.0, 0.0), (1.4, 0.0), (1.5, 1.0), (7.49, 6.0), (7.51, 7.0)] {
            assert_eq!(rounded(delay), beyond, "{delay}");
            assert_eq!(f64::from(rounded(delay as f32)), beyond, "{delay}");
        }
    }
}
