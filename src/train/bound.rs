//! Numbers that an update moved beyond their bounds are put on them: delays that are learned.
//!
//! ```text
//!   x := low if x < low, high if x > high
//! ```

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/train/bound.wgsl`.
    pub struct BoundParams {
        /// Numbers.
        count: word,
        /// The least.
        low: real,
        /// The largest.
        high: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/bound",
    wgsl: include_str!("../../shaders/train/bound.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[reals_mut("x")],
    layouts: &[],
    params: BoundParams::<f32>::FIELDS,
    twin32: dispatched::<Bound, f32>,
    twin64: scalar::<Bound, f64>,
};

/// The twin of `shaders/train/bound.wgsl`; units are numbers.
pub struct Bound;

impl Twin for Bound {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = BoundParams::<F>::of(call.params);
        let [x] = Call::take(call.args);
        for x in x.reals_mut() {
            // What is not a number stays so, to be found.
            if *x < p.low {
                *x = p.low;
            } else if *x > p.high {
                *x = p.high;
            }
        }
    }
}
