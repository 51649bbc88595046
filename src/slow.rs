//! Slow processes in single precision.
//!
//! A step changes a state x that falls with a time constant tau by `x · (e^(-dt/tau) - 1)`. Two things go wrong with that in
//! a float where tau is long: the factor e^(-dt/tau), rounded near 1, is that of another time constant, wrong
//! by up to 3e-8 tau/dt; and x, rounded after each step, loses a part of the change, which does not
//! average out, since one step is like the next.
//!
//! So factors are those of the *change*, [`fall`], which is rounded near 0 and is right to 6e-8; and what
//! the rounding of x would lose is kept in a second float, which is added first in the next step. x is then
//! right to about 2^-45. Below a thousand steps the loss is less than 6e-5 of the change and one float
//! does ([`is_slow`]). `shaders/lib/slow.wgsl` is the same for shaders.

use crate::kernel::{Real, Simd};
use crate::vector::{Vector, Width};

/// Relative change over a step below which a state needs a second float. One float loses at most
/// half a unit of the last place in a step, 2^-24 of the state: 6e-5 of such a change.
const SLOW: f64 = 1e-3;

/// e^(-dt/tau) - 1, the relative change of what decays, over a step: negative.
pub fn fall(dt: f64, tau: f64) -> f64 {
    (-dt / tau).exp_m1()
}

/// Whether a state with this relative change over a step needs a second float.
pub fn is_slow(fall: f64) -> bool {
    fall != 0.0 && fall.abs() < SLOW
}

/// `x + change`; what that rounds off goes to `rest`, and what is there comes back.
#[inline(always)]
pub fn add<F: Real>(x: &mut F, rest: &mut F, change: F) {
    let addition = *rest + change;
    let sum = *x + addition;
    *rest = addition - (sum - *x);
    *x = sum;
}

/// `x + change` for the lanes from `at` on; `rest` is the row of second floats, if there is one.
#[inline(always)]
pub fn advanced<S: Simd, F: Real>(
    w: Width<S>,
    x: Vector<S, F>,
    change: Vector<S, F>,
    rest: Option<&mut [F]>,
    at: usize,
) -> Vector<S, F> {
    let Some(rest) = rest else { return x + change };
    let addition = w.load(rest, at) + change;
    let sum = x + addition;
    w.store(rest, at, addition - (sum - x));
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fall of 10^8 steps with a time constant of 10^8, and a steady state of as many.
    #[test]
    fn falls_of_a_hundred_million_steps_are_right() {
        let tau = 1e8;
        let rate = fall(1.0, tau) as f32;
        let (mut x, mut rest) = (1f32, 0f32);
        let (mut y, mut other) = (0f32, 0f32);
        for _ in 0..100_000_000 {
            let change = rate * x;
            add(&mut x, &mut rest, change);
            let change = rate * (y - 1.0);
            add(&mut y, &mut other, change);
        }
        let e = (-1f64).exp();
        assert!((f64::from(x) - e).abs() <= 1e-5 * e, "{x}, not {e}");
        assert!((f64::from(y) - (1.0 - e)).abs() <= 1e-5 * (1.0 - e), "{y}, not {}", 1.0 - e);
    }
}
