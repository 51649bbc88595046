//! Hebbian rules of rates, for all synapses at the end of each interval.
//!
//! ```text
//!   Hebb         dw/dt = eta r_i r_j
//!   Oja          dw/dt = eta (r_i r_j - r_j^2 w / unit)
//!   Covariance   dw/dt = eta (r_i - m_i) (r_j - m_j)
//!   Bcm          dw/dt = eta r_i r_j (r_j - m_j^2 / rho) / rho
//!   Scaling      dw/dt = eta (rho - m_j) w
//! ```
//! r is the rate of a neuron, its spikes filtered with a time constant, m the same with a longer one: both
//! are traces, in units of which a rate is `1 / tau`. eta is a change per second and Hz², of the last rule a
//! relative one per second and Hz. Oja 1982; Sejnowski 1977; Bienenstock, Cooper & Munro 1982, whose threshold
//! is the square of the mean rate; van Rossum, Bi & Turrigiano 2000. Of first order in the interval.

use super::{change_within, trace_row};
use crate::kernel::*;
use crate::params;
use crate::synapse::{STRIP, panel_index};

params! {
    /// `Params` of `shaders/plasticity/rates.wgsl`.
    pub struct RatesParams {
        /// Sources.
        sources: word,
        /// Targets, of this tile.
        targets: word,
        /// First target of this tile.
        first_target: word,
        /// Targets of the population.
        all_targets: word,
        /// How many rows of a panel, or synapses, further on the second float of a weight is.
        second: word,
        /// Steps of the rings of traces, a power of two.
        slots: word,
        /// Bits of an entry of `origin` below the delay.
        source_bits: word,
        /// eta times the interval.
        eta: real,
        /// Rate of a trace of 1 \[Hz\].
        rate: real,
        /// Rate of a slow trace of 1 \[Hz\].
        mean: real,
        /// rho of the last two rules \[Hz\].
        rho: real,
        /// Weight of 1 of the second rule.
        unit: real,
        /// Least weight.
        w_min: real,
        /// Largest weight.
        w_max: real,
        /// 0: Hebb; 1: Oja; 2: Covariance; 3: Bcm; 4: Scaling.
        rule: option,
        /// 1: dense weights, in panels; 0: sparse ones, by target.
        dense: option,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "plasticity/rates",
    wgsl: include_str!("../../shaders/plasticity/rates.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        reals_mut("weight"), // strips of [sources, 16], or [synapses] by target; with second floats
        words("start"),      // [targets] and the end, if sparse
        words("origin"),     // [synapses] source, if sparse
        reals("x"),          // [slots, sources]
        reals("x_slow"),     // [slots, sources]
        reals("y"),          // [slots, targets of the population]
        reals("y_slow"),     // [slots, targets of the population]
    ],
    layouts: &[],
    params: RatesParams::<f32>::FIELDS,
    twin32: dispatched::<Rates, f32>,
    twin64: scalar::<Rates, f64>,
};

/// The twin of `shaders/plasticity/rates.wgsl`; one unit.
pub struct Rates;

impl Twin for Rates {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = RatesParams::<F>::of(call.params);
        let now = call.clock.step + u64::from(call.span.t0);
        let [weight, start, origin, x, x_slow, y, y_slow] = Call::take(call.args);
        let (weight, start, origin) = (weight.reals_mut(), start.words(), origin.words());
        let row = |ring, n: u32| trace_row(ring, now, p.slots, n as usize);
        let [x, x_slow] = [x, x_slow].map(|ring| row(ring.reals(), p.sources));
        let [y, y_slow] = [y, y_slow].map(|ring| row(ring.reals(), p.all_targets));
        let (sources, targets) = (p.sources as usize, p.targets as usize);
        let second = p.second as usize;
        for j in 0..targets {
            let of = p.first_target as usize + j;
            let (r, m) = (p.rate * y[of], p.mean * y_slow[of]);
            let (factor, decay) = match p.rule {
                0 => (p.eta * r, F::zero()),
                1 => (p.eta * r, p.eta * r * r / p.unit),
                2 => (p.eta * (r - m), F::zero()),
                4 => (F::zero(), p.eta * (m - p.rho)),
                _ => (p.eta * r * (r - m * m / p.rho) / p.rho, F::zero()),
            };
            let mut change = |at: usize, rest: usize, i: usize| {
                let r = p.rate * x[i];
                let r = if p.rule == 2 { r - p.mean * x_slow[i] } else { r };
                let (mut w, mut low) = (weight[at], weight[rest]);
                let by = factor * r - decay * w;
                change_within(&mut w, &mut low, by, [p.w_min, p.w_max]);
                (weight[at], weight[rest]) = (w, low);
            };
            if p.dense == 1 {
                let place = |row| panel_index(STRIP, [sources + second, targets], row, j);
                for i in 0..sources {
                    change(place(i), place(i + second), i);
                }
            } else {
                for at in start[j] as usize..start[j + 1] as usize {
                    let i = (origin[at] & ((1 << p.source_bits) - 1)) as usize;
                    change(at, at + second, i);
                }
            }
        }
    }
}
