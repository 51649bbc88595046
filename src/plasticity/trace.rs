//! Traces that spikes leave.
//!
//! ```text
//!   dx/dt = -x / tau,     x := x + 1 at a spike,  or x := 1 where only the latest spike counts
//! ```
//! One step is exact; what has decayed below 10^-30 is 0, before processors slow down over it. The trace
//! of step t, its spikes included, is row t of a ring of steps; behind the ring is a row of second floats
//! where the trace is slow ([`crate::slow`]).

use crate::kernel::*;
use crate::params;
use crate::slow::{self, advanced};
use crate::vector::Width;

params! {
    /// `Params` of `shaders/plasticity/trace.wgsl`.
    pub struct TraceParams {
        /// Neurons.
        n: word,
        /// Words of a row of spikes.
        row: word,
        /// First word of this population.
        first_word: word,
        /// Steps of the ring, a power of two.
        slots: word,
        /// e^(-dt / tau) - 1.
        fall: real,
        /// 1 if only the latest spike counts.
        nearest: option,
        /// 1 if there are second floats.
        slow: option,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "plasticity/trace",
    wgsl: include_str!("../../shaders/plasticity/trace.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        words("spikes"),    // [steps, row]
        reals_mut("trace"), // [slots + slow, n padded to 64]
    ],
    layouts: &[],
    params: TraceParams::<f32>::FIELDS,
    twin32: dispatched::<TraceTwin, f32>,
    twin64: scalar::<TraceTwin, f64>,
};

/// The twin of `shaders/plasticity/trace.wgsl`; one unit.
pub struct TraceTwin;

impl Twin for TraceTwin {
    #[inline(always)]
    fn run<S: Simd, F: Real>(simd: S, call: Call<'_, F>) {
        let p = TraceParams::<F>::of(call.params);
        let w = Width(simd);
        let [spikes, trace] = Call::take(call.args);
        let (spikes, trace) = (spikes.words(), trace.reals_mut());
        let padded = (p.n as usize).div_ceil(64) * 64;
        let now = (call.clock.step + u64::from(call.span.t0)) as usize;
        let mask = p.slots as usize - 1;
        let (new, old) = (now & mask, now.wrapping_sub(1) & mask);
        let (ring, rest) = trace.split_at_mut(p.slots as usize * padded);
        let [new, old] = match ring
            .get_disjoint_mut([new * padded..(new + 1) * padded, old * padded..(old + 1) * padded])
        {
            Ok(rows) => rows,
            Err(_) => unreachable!("a ring has at least two rows"),
        };
        let (fall, least, zero) = (w.splat(p.fall), w.splat(F::of(1e-30)), w.splat(F::zero()));
        for at in (0..padded).step_by(w.lanes::<F>()) {
            let x = w.load(old, at);
            let rest = (p.slow == 1).then_some(&mut rest[..]);
            let x = match rest {
                None => x.mul_add(fall, x),
                rest => advanced(w, x, fall * x, rest, at),
            };
            w.store(new, at, x.lt(least).select(zero, x));
        }
        let at = call.span.t0 as usize * p.row as usize + p.first_word as usize;
        for (word, bits) in spikes[at..at + spike_words(p.n as usize)].iter().enumerate() {
            let mut bits = *bits;
            while bits != 0 {
                let neuron = word * 32 + bits.trailing_zeros() as usize;
                let x = &mut new[neuron];
                match (p.nearest, p.slow) {
                    (0, 0) => *x += F::one(),
                    (0, _) => slow::add(x, &mut rest[neuron], F::one()),
                    (_, 0) => *x = F::one(),
                    _ => (*x, rest[neuron]) = (F::one(), F::zero()),
                }
                bits &= bits - 1;
            }
        }
    }
}
