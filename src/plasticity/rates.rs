//! Hebbian rules of rates, for all synapses at the end of each interval: what they have in common.
//!
//! ```text
//!   dw/dt = factor(r_j, m_j) part(r_i, m_i) - decay(r_j, m_j) w
//! ```
//! r is the rate of a neuron, its spikes filtered with a time constant, m the same with a longer one: both
//! are traces, in units of which a rate is `1 / tau`; i is the source, j the target. Of first order in the
//! interval. A rule is a file of this module with its word and its [`RateRule`], a shader with the same two
//! functions, and a line in [`rate_rules!`](crate::rate_rules).

use super::{change_within, trace_row};
use crate::grammar::{Ms, Quantity};
use crate::kernel::*;
use crate::params;
use crate::synapse::{STRIP, panel_index};
use std::marker::PhantomData;

params! {
    /// `Params` of the shaders of rules of rates.
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
        /// Rate of a rule that has one \[Hz\].
        rho: real,
        /// Weight of 1 of a rule that has one.
        unit: real,
        /// Least weight.
        w_min: real,
        /// Largest weight.
        w_max: real,
        /// 1: dense weights, in panels; 0: sparse ones, by target.
        dense: option,
    }
}

/// The two functions of a rule; `shaders/plasticity/<name>.wgsl` has the same.
pub trait RateRule: 'static {
    /// What multiplies the source's part, and what the weight: `[factor, decay]`.
    fn of_target<F: Real>(p: &RatesParams<F>, r: F, m: F) -> [F; 2];
    /// The source's part.
    fn of_source<F: Real>(r: F, _m: F) -> F {
        r
    }
}

/// The word of a scene for a rule.
pub trait OfRates {
    /// Least and largest weight.
    fn bounds(&self) -> [f64; 2];
    /// The rule for weights of this sign, in steps of `dt` \[ms\].
    fn rates(&self, sign: f64, dt: f64) -> super::Rates;
}

/// Rules of rates, each with its file and the words by which a scene names it. `$with` gets the list.
#[macro_export]
macro_rules! rate_rules {
    ($with:ident) => {
        $with! {
            /// By the product of rates.
            hebb::Hebb;
            /// By the product of rates, with a decay (Oja 1982).
            oja::Oja;
            /// By the product of the deviations of rates from their means.
            covariance::Covariance;
            /// By the product of rates and of the target's distance from a sliding threshold.
            bcm::Bcm | "BCM";
        }
    };
}

/// An interval in steps. One that does not fit does not end within a run, which the scene's check sees to.
pub fn interval(every: Quantity<Ms>, dt: f64) -> u32 {
    (every.get() / dt).round().max(1.0) as u32
}

/// Arrays of every rule of rates.
const BINDINGS: &[Binding] = &[
    reals_mut("weight"), // strips of [sources, 16], or [synapses] by target; with second floats
    words("start"),      // [targets] and the end, if sparse
    words("origin"),     // [synapses] source, if sparse
    reals("x"),          // [slots, sources]
    reals("x_slow"),     // [slots, sources]
    reals("y"),          // [slots, targets of the population]
    reals("y_slow"),     // [slots, targets of the population]
];

/// Table entry of a rule.
pub const fn kernel<R: RateRule>(name: &'static str, wgsl: &'static str) -> Kernel {
    Kernel {
        name,
        wgsl,
        workgroup: 64,
        merges: true,
        bindings: BINDINGS,
        layouts: &[],
        params: RatesParams::<f32>::FIELDS,
        twin32: dispatched::<RatesTwin<R>, f32>,
        twin64: scalar::<RatesTwin<R>, f64>,
    }
}

/// The twin of a rule's shader; one unit.
pub struct RatesTwin<R>(PhantomData<R>);

impl<R: RateRule> Twin for RatesTwin<R> {
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
            let [factor, decay] = R::of_target(&p, r, m);
            let mut change = |at: usize, rest: usize, i: usize| {
                let part = R::of_source(p.rate * x[i], p.mean * x_slow[i]);
                let (mut w, mut low) = (weight[at], weight[rest]);
                let by = factor * part - decay * w;
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
