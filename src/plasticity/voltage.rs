//! What the potential of a target does to its synapses (Clopath, Büsing, Vasilaki & Gerstner 2010).
//!
//! ```text
//!   dw/dt = - a_ltd X [u_- - theta_-]+ (m / u_ref)^2  +  a_ltp x [u - theta_+]+ [u_+ - theta_-]+
//! ```
//! X are the spikes of the source and x their trace; u is the potential of the target, and u_-, u_+ and m are
//! filtered values of it, m above rest. Both terms have the form of the rule of [`super`] if the target's
//! traces are
//! ```text
//!   low  = [u_- - theta_-]+ (m / u_ref)^2              for spikes of the source
//!   high = [u - theta_+]+ [u_+ - theta_-]+  delayed    for "spikes" of the target: all steps with high > 0
//! ```
//! so this kernel writes these two traces, and the list of the targets whose `high` is not 0, and the kernels
//! of the rule do the rest. The filters are exact for a potential that is constant over a step. u_- and u_+
//! act some ms later, so that a spike does not meet itself.
//!
//! A neuron that is reset shows no spike in its potential: for a while from its spike on, u is a given one.

use super::trace_row;
use crate::kernel::*;
use crate::neuron::stepped::BLOCK;
use crate::params;
use crate::slow;

params! {
    /// `Params` of `shaders/plasticity/voltage.wgsl`.
    pub struct VoltageParams {
        /// Neurons.
        n: word,
        /// Words of a row of spikes.
        row: word,
        /// First word of this population.
        first_word: word,
        /// Rows of state.
        rows: word,
        /// That of the potential.
        potential: word,
        /// Steps of the rings of lists and traces, a power of two.
        slots: word,
        /// Numbers of a list.
        list: word,
        /// Steps by which filtered potentials act later.
        delay: word,
        /// Steps for which a spike lasts; 0 where the potential shows it.
        hold: word,
        /// Potential of a spike \[mV\].
        v_spike: real,
        /// 1 - exp(-dt / tau) of u_-.
        rate_minus: real,
        /// The same of u_+.
        rate_plus: real,
        /// The same of m.
        rate_mean: real,
        /// theta_- \[mV\].
        theta_minus: real,
        /// theta_+ \[mV\].
        theta_plus: real,
        /// 1 / u_ref \[1/mV\].
        per_ref: real,
        /// 1 if the fall depends on the mean.
        sliding: option,
    }
}

/// Rows of the array `filters`: u_-, u_+, m, the steps that are left of a spike, and the second floats
/// ([`crate::slow`]) of the first three.
pub const ROWS: usize = 7;

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "plasticity/voltage",
    wgsl: include_str!("../../shaders/plasticity/voltage.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("spikes"),      // [steps, row]
        reals("state"),       // [blocks, rows, 64] of the neurons
        reals("rest"),        // [blocks, 64] mV
        reals_mut("filters"), // [ROWS, n padded to 64]
        reals_mut("low"),     // [slots, n padded to 64]
        reals_mut("plus"),    // [slots, n padded to 64], u_+ - theta_- where it is positive
        reals_mut("high"),    // [slots, n padded to 64]
        sums("changing"),     // [slots, list] number and indices of the targets to change in a step
    ],
    layouts: &[],
    params: VoltageParams::<f32>::FIELDS,
    twin32: dispatched::<Voltage, f32>,
    twin64: scalar::<Voltage, f64>,
};

/// The twin of `shaders/plasticity/voltage.wgsl`; one unit.
pub struct Voltage;

impl Twin for Voltage {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = VoltageParams::<F>::of(call.params);
        let [spikes, state, rest, filters, low, plus, high, changing] = Call::take(call.args);
        let (spikes, state, rest) = (spikes.words(), state.reals(), rest.reals());
        let (filters, low, plus) = (filters.reals_mut(), low.reals_mut(), plus.reals_mut());
        let (high, changing) = (high.reals_mut(), changing.words_mut());
        let n = p.n as usize;
        let padded = n.div_ceil(BLOCK) * BLOCK;
        let now = call.clock.step + u64::from(call.span.t0);
        let slot = |step: u64| step as usize & (p.slots as usize - 1);
        let row = slot(now) * padded;
        let spikes = &spikes[(call.span.t0 * p.row + p.first_word) as usize..];
        // The list after the next begins empty: this one is being filled.
        changing[slot(now + 2) * p.list as usize] = 0;
        let list = &mut changing[slot(now + 1) * p.list as usize..][..p.list as usize];
        let above = |u: F, threshold: F| (u - threshold).max(F::zero());
        for k in 0..n {
            let at = (k / BLOCK * p.rows as usize + p.potential as usize) * BLOCK + k % BLOCK;
            let [mut u, mut left] = [state[at] + rest[k], filters[3 * padded + k]];
            if spikes[k / 32] >> (k % 32) & 1 == 1 {
                left = F::of_int(p.hold as i32);
            }
            if left > F::zero() {
                u = p.v_spike;
                left -= F::one();
            }
            let filtered = [(p.rate_minus, u), (p.rate_plus, u), (p.rate_mean, u - rest[k])];
            for (which, (rate, u)) in filtered.into_iter().enumerate() {
                let (mut x, mut rest) =
                    (filters[which * padded + k], filters[(4 + which) * padded + k]);
                let change = rate * (u - x);
                slow::add(&mut x, &mut rest, change);
                (filters[which * padded + k], filters[(4 + which) * padded + k]) = (x, rest);
            }
            filters[3 * padded + k] = left;
            low[row + k] = above(filters[k], p.theta_minus);
            if p.sliding == 1 {
                let mean = filters[2 * padded + k] * p.per_ref;
                low[row + k] *= mean * mean;
            }
            plus[row + k] = above(filters[padded + k], p.theta_minus);
            let before = trace_row(plus, now.wrapping_sub(p.delay.into()), p.slots, n)[k];
            high[row + k] = above(u, p.theta_plus) * before;
            if high[row + k] > F::zero() {
                list[0] += 1;
                list[list[0] as usize] = k as u32;
            }
        }
    }
}
