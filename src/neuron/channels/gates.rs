//! Gates as the twin has them: rates, steps, and their adjoints.

use super::{FIRST, SECOND, gate, rate, tau};
use crate::kernel::*;
use crate::vector::{Vector, Width};

/// A rate as the twin sees it.
#[derive(Clone, Copy)]
struct RateTwin<F> {
    form: u32,
    factor: F,
    v0: F,
    per_k: F,
}

impl<F: Real> RateTwin<F> {
    #[inline(always)]
    pub(super) fn new(numbers: &[F]) -> Self {
        Self {
            form: numbers[rate::form].wide() as u32,
            factor: numbers[rate::factor],
            v0: numbers[rate::v0],
            per_k: numbers[rate::per_k],
        }
    }

    #[inline(always)]
    pub(super) fn at<S: Simd>(&self, w: Width<S>, v: Vector<S, F>) -> Vector<S, F> {
        let x = (v - w.splat(self.v0)) * w.splat(self.per_k);
        let factor = w.splat(self.factor);
        match self.form {
            0 => factor * x.exp(),
            1 => factor / (v.of(1.0) + (-x).exp()),
            _ => factor * linoid(x),
        }
    }
}

impl<F: Real> RateTwin<F> {
    /// The rate at a potential, and its derivative.
    #[inline(always)]
    pub(super) fn with_slope<S: Simd>(&self, w: Width<S>, v: Vector<S, F>) -> [Vector<S, F>; 2] {
        let (factor, per_k) = (w.splat(self.factor), w.splat(self.per_k));
        let x = (v - w.splat(self.v0)) * per_k;
        let one = v.of(1.0);
        match self.form {
            0 => {
                let rate = factor * x.exp();
                [rate, rate * per_k]
            }
            1 => {
                let open = one / (one + (-x).exp());
                [factor * open, factor * open * (one - open) * per_k]
            }
            _ => {
                let [value, slope] = linoid_with_slope(x);
                [factor * value, factor * slope * per_k]
            }
        }
    }
}

/// x / (1 - e^-x). Near 0 the difference loses all its digits, so the series takes over, as far out as
/// its rest, x^6 / 30240, is below the rounding of the float type.
#[inline(always)]
fn linoid<S: Simd, F: Real>(x: Vector<S, F>) -> Vector<S, F> {
    let near = if size_of::<F>() == 4 { 0.25 } else { 0.01 };
    let square = x * x;
    let series =
        x.of(1.0) + x * x.of(0.5) + square * (x.of(1.0 / 12.0) - square * x.of(1.0 / 720.0));
    let quotient = x / (x.of(1.0) - (-x).exp());
    x.abs().lt(x.of(near)).select(series, quotient)
}

/// The same and its derivative, (1 - L e^-x) / (1 - e^-x), near 0 that of the series.
#[inline(always)]
fn linoid_with_slope<S: Simd, F: Real>(x: Vector<S, F>) -> [Vector<S, F>; 2] {
    let near = x.abs().lt(x.of(if size_of::<F>() == 4 { 0.25 } else { 0.01 }));
    let (one, square) = (x.of(1.0), x * x);
    let series = one + x * x.of(0.5) + square * (x.of(1.0 / 12.0) - square * x.of(1.0 / 720.0));
    let series_slope = x.of(0.5) + x * (x.of(1.0 / 6.0) - square * x.of(1.0 / 180.0));
    let e = (-x).exp();
    let quotient = one / (one - e);
    let value = near.select(series, x * quotient);
    [value, near.select(series_slope, (one - value * e) * quotient)]
}

/// A gate as the twin sees it.
pub(super) struct GateTwin<F> {
    mode: u32,
    pub(super) power: u32,
    alpha: RateTwin<F>,
    beta: RateTwin<F>,
    tau: [F; tau::COUNT],
    half: F,
}

impl<F: Real> GateTwin<F> {
    #[inline(always)]
    pub(super) fn new(numbers: &[F]) -> Self {
        Self {
            mode: numbers[gate::mode].wide() as u32,
            power: numbers[gate::power].wide() as u32,
            alpha: RateTwin::new(&numbers[FIRST..]),
            beta: RateTwin::new(&numbers[SECOND..]),
            tau: std::array::from_fn(|k| numbers[SECOND + k]),
            half: numbers[FIRST],
        }
    }

    /// Whether the gate has a state; else it follows potential or calcium.
    #[inline(always)]
    pub(super) fn has_state(&self) -> bool {
        self.mode < 2
    }

    /// Steady state of a gate with a state at potential `v`, and -dt / tau.
    #[inline(always)]
    pub(super) fn target<S: Simd>(
        &self,
        w: Width<S>,
        v: Vector<S, F>,
        dt: Vector<S, F>,
    ) -> [Vector<S, F>; 2] {
        let zero = v.of(0.0);
        match self.mode {
            0 => {
                let (a, b) = (self.alpha.at(w, v), self.beta.at(w, v));
                let rate = a + b;
                [a / rate, zero - dt * rate]
            }
            _ => {
                let steady = self.alpha.at(w, v);
                let t = |k: usize| w.splat(self.tau[k]);
                let first = t(tau::factor_1) * ((v - t(tau::v_1)) * t(tau::per_k_1)).exp();
                let second = t(tau::factor_2) * ((v - t(tau::v_2)) * t(tau::per_k_2)).exp();
                let tau = if self.tau[tau::step] == F::zero() {
                    t(tau::base) + t(tau::scale) / (first + second)
                } else {
                    t(tau::base) + (t(tau::scale) + first) / (v.of(1.0) + second)
                };
                [steady, zero - dt / tau]
            }
        }
    }

    /// Steady state of a gate with a state and -dt / tau, and the derivatives of both by the potential.
    #[inline(always)]
    pub(super) fn target_with_slopes<S: Simd>(
        &self,
        w: Width<S>,
        v: Vector<S, F>,
        dt: Vector<S, F>,
    ) -> [[Vector<S, F>; 2]; 2] {
        let [a, by_a] = self.alpha.with_slope(w, v);
        if self.mode == 0 {
            let [b, by_b] = self.beta.with_slope(w, v);
            let rate = a + b;
            let steady_slope = (by_a * b - a * by_b) / (rate * rate);
            return [[a / rate, -(dt * rate)], [steady_slope, -(dt * (by_a + by_b))]];
        }
        let one = v.of(1.0);
        let t = |k: usize| w.splat(self.tau[k]);
        let first = t(tau::factor_1) * ((v - t(tau::v_1)) * t(tau::per_k_1)).exp();
        let second = t(tau::factor_2) * ((v - t(tau::v_2)) * t(tau::per_k_2)).exp();
        let (by_first, by_second) = (first * t(tau::per_k_1), second * t(tau::per_k_2));
        let (tau, slope) = if self.tau[tau::step] == F::zero() {
            let quotient = t(tau::scale) / (first + second);
            (t(tau::base) + quotient, -(quotient * (by_first + by_second) / (first + second)))
        } else {
            let quotient = (t(tau::scale) + first) / (one + second);
            (t(tau::base) + quotient, (by_first - quotient * by_second) / (one + second))
        };
        [[a, -(dt / tau)], [by_a, dt * slope / (tau * tau)]]
    }

    /// Derivatives of [`Self::at_once`] by potential and calcium.
    #[inline(always)]
    pub(super) fn at_once_slopes<S: Simd>(
        &self,
        w: Width<S>,
        v: Vector<S, F>,
        calcium: Vector<S, F>,
    ) -> [Vector<S, F>; 2] {
        let zero = v.of(0.0);
        match self.mode {
            2 => [self.alpha.with_slope(w, v)[1], zero],
            4 => {
                let [a, by_a] = self.alpha.with_slope(w, v);
                let [b, by_b] = self.beta.with_slope(w, v);
                [(by_a * b - a * by_b) / ((a + b) * (a + b)), zero]
            }
            _ => {
                let half = w.splat(self.half);
                [zero, half / ((calcium + half) * (calcium + half))]
            }
        }
    }

    /// Value of a gate without a state.
    #[inline(always)]
    pub(super) fn at_once<S: Simd>(
        &self,
        w: Width<S>,
        v: Vector<S, F>,
        calcium: Vector<S, F>,
    ) -> Vector<S, F> {
        match self.mode {
            2 => self.alpha.at(w, v),
            4 => {
                let a = self.alpha.at(w, v);
                a / (a + self.beta.at(w, v))
            }
            _ => calcium / (calcium + w.splat(self.half)),
        }
    }
}
