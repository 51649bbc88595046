//! Surrogate derivatives of a spike, and the soft spikes of which they are the derivatives.
//!
//! A spike is a step function S of the distance u \[mV\] from membrane potential to threshold; its
//! derivative is zero wherever it exists. Training puts f(u / unit) / unit in its place, where `unit`
//! is the distance from rest to threshold (Neftci, Mostafa & Zenke 2019). `shaders/lib/surrogate.wgsl` is
//! the same function for kernels. The soft spike replaces S in tests of gradients only.

use crate::declare;
use crate::kernel::Real;

declare! {
    /// Surrogate derivative of a spike, as a function of x = (v - threshold) / (v_th - e_l).
    #[derive(Copy)]
    pub enum Surrogate {
        /// `1 / (1 + slope |x|)^2`.
        FastSigmoid {
            /// Steepness.
            slope: f64 [Positive];
        };
        /// `1 / (1 + (pi/2 alpha x)^2) · alpha/2`.
        ArcTan {
            /// Steepness.
            alpha: f64 [Positive];
        };
        /// `gamma · max(0, 1 - |x|)`.
        Triangle {
            /// Height.
            gamma: f64 [Positive];
        };
        /// `beta / (1 + beta |x|)^2` (Zenke & Ganguli 2018).
        SuperSpike {
            /// Steepness.
            beta: f64 [Positive];
        };
        /// `1 / width` where `|x| < width / 2`.
        Boxcar {
            /// Width.
            width: f64 [Positive];
        };
        /// 1 everywhere.
        StraightThrough;
    }
}

/// Shape and steepness as kernels take them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Which function: the number that `shaders/lib/surrogate.wgsl` branches on.
    pub shape: u32,
    /// Its parameter.
    pub steepness: f64,
}

impl Surrogate {
    /// As kernels take it.
    pub fn shape(self) -> Shape {
        let (shape, steepness) = match self {
            Self::FastSigmoid { slope } => (0, slope),
            // The same function under the name and parameter of Zenke & Ganguli (2018).
            Self::SuperSpike { beta } => (0, beta),
            Self::ArcTan { alpha } => (1, alpha),
            Self::Triangle { gamma } => (2, gamma),
            Self::Boxcar { width } => (3, width),
            Self::StraightThrough => (4, 1.0),
        };
        Shape { shape, steepness }
    }
}

/// f(x).
#[inline(always)]
pub fn derivative<F: Real>(shape: u32, steepness: F, x: F) -> F {
    let one = F::one();
    let half = F::of(0.5);
    match shape {
        0 => {
            let d = one + steepness * x.abs();
            one / (d * d)
        }
        1 => {
            let y = F::of(std::f64::consts::FRAC_PI_2) * steepness * x;
            half * steepness / (one + y * y)
        }
        2 => steepness * (one - x.abs()).max(F::zero()),
        3 => {
            if x.abs() < half * steepness {
                one / steepness
            } else {
                F::zero()
            }
        }
        _ => one,
    }
}

/// The surrogate's slopes of a row of neurons: f(u / unit) / unit. The shape is chosen outside the
/// loop, which the compiler then turns into vectors.
#[inline(always)]
pub fn slopes<F: Real>(shape: u32, steepness: F, per_unit: F, u: &[F], slopes: &mut [F]) {
    macro_rules! of {
        ($shape:literal) => {
            for (slope, u) in slopes.iter_mut().zip(u) {
                *slope = derivative($shape, steepness, *u * per_unit) * per_unit;
            }
        };
    }
    match shape {
        0 => of!(0),
        1 => of!(1),
        2 => of!(2),
        3 => of!(3),
        _ => of!(4),
    }
}

/// The soft spike: a primitive of f, 1/2 at the threshold.
#[inline(always)]
pub fn soft_spike<F: Real>(shape: u32, steepness: F, x: F) -> F {
    let one = F::one();
    let half = F::of(0.5);
    half + match shape {
        0 => x / (one + steepness * x.abs()),
        1 => {
            let y = F::of(std::f64::consts::FRAC_PI_2) * steepness * x;
            y.atan() * F::of(std::f64::consts::FRAC_1_PI)
        }
        2 => {
            let y = x.max(-one).min(one);
            steepness * (y - half * y * y.abs())
        }
        3 => (x / steepness).max(-half).min(half),
        _ => x,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the formulas, computed independently.
    #[test]
    fn printed_values() {
        let cases: [(u32, f64, [f64; 5]); 3] = [
            (0, 25.0, [0.001479290, 0.005486968, 0.081632653, 0.64, 1.0]),
            (1, 2.0, [0.091999668, 0.288400439, 0.910169838, 0.999014013, 1.0]),
            (2, 0.3, [0.0, 0.15, 0.27, 0.297, 0.3]),
        ];
        for (shape, steepness, expected) in cases {
            for (x, e) in [-1.0, -0.5, -0.1, -0.01, 0.0].into_iter().zip(expected) {
                for x in [x, -x] {
                    let f = derivative(shape, steepness, x);
                    assert!((f - e).abs() <= 5e-10, "shape {shape} at {x}: {f} not {e}");
                }
            }
        }
    }

    #[test]
    fn derivative_is_that_of_the_soft_spike() {
        for (shape, steepness) in [(0, 25.0), (0, 2.0), (1, 2.0), (2, 0.3), (3, 1.0), (4, 1.0)] {
            for k in -17..18 {
                // Away from the kinks at 0, 1/2 and 1.
                let x: f64 = f64::from(k) * 0.083 + 0.0137;
                let h = 1e-6;
                let slope = (soft_spike(shape, steepness, x + h)
                    - soft_spike(shape, steepness, x - h))
                    / (2.0 * h);
                let f = derivative(shape, steepness, x);
                assert!((slope - f).abs() <= 1e-8, "shape {shape} at {x}: {slope} not {f}");
            }
        }
    }
}
