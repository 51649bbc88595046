//! Dual numbers: a number and its derivative in some direction. A twin that computes with them differentiates itself, so
//! that a program in them tells what the gradients of a training have to be, to the last digits and without a step that is too long or too short.
//!
//! ```text
//!   f(x + d ε) = f(x) + f'(x) d ε,   ε² = 0
//! ```
//! Comparisons see the number alone.

use neuralearn::engine::cpu::Twinned;
use neuralearn::input::{bias, constant, latency};
use neuralearn::kernel::{Call, scalar};
use neuralearn::neuron::{channels, frame, iaf, izhikevich, mat2};
use neuralearn::plan::Launch;
use neuralearn::record::count_spikes;
use neuralearn::synapse::{
    convolve, delay_arrivals, delay_taps, delay_values, dense_spikes, dense_values, release, sparse,
};
use neuralearn::train::{
    concentration, gain, keep_arrivals, output, rate_penalty, softmax_cross_entropy, spike_counts,
    target_error,
};
use neuralearn::vector::{Counts, Lanes, Real};
use num_traits::{Float, Num, NumCast, One, ToPrimitive, Zero};
use std::cmp::Ordering;
use std::num::FpCategory;
use std::ops::*;

/// A number, and its derivative.
#[derive(Debug, Clone, Copy, Default, bytemuck::Zeroable, bytemuck::Pod)]
#[repr(C)]
pub struct Dual {
    pub x: f64,
    pub d: f64,
}

impl Dual {
    fn constant(x: f64) -> Self {
        Self { x, d: 0.0 }
    }

    /// A function of it that has this value and slope.
    fn then(self, value: f64, slope: f64) -> Self {
        Self { x: value, d: if self.d == 0.0 { 0.0 } else { slope * self.d } }
    }
}

impl Twinned for Dual {
    fn twin(launch: &Launch) -> fn(Call<'_, Self>) {
        match launch.kernel.name {
            "input/bias" => scalar::<bias::Bias, Self>,
            "input/constant" => scalar::<constant::ConstantTwin, Self>,
            "input/latency" => scalar::<latency::LatencyTwin, Self>,
            "neuron/channels_window" => scalar::<frame::Window<channels::Model>, Self>,
            "neuron/iaf_tape" => scalar::<frame::Tape<iaf::Model>, Self>,
            "neuron/iaf_window" => scalar::<frame::Window<iaf::Model>, Self>,
            "neuron/izhikevich_window" => scalar::<frame::Window<izhikevich::Model>, Self>,
            "neuron/mat2_window" => scalar::<frame::Window<mat2::Model>, Self>,
            "record/count_spikes" => scalar::<count_spikes::CountSpikes, Self>,
            "synapse/convolve" => scalar::<convolve::Convolve, Self>,
            "synapse/delay_arrivals" => scalar::<delay_arrivals::DelayArrivals, Self>,
            "synapse/delay_taps" => scalar::<delay_taps::DelayTaps, Self>,
            "synapse/delay_values" => scalar::<delay_values::DelayValues, Self>,
            "synapse/dense_spikes" => scalar::<dense_spikes::DenseSpikes, Self>,
            "synapse/dense_values" => scalar::<dense_values::DenseValues, Self>,
            "synapse/release" => scalar::<release::Release, Self>,
            "synapse/sparse" => scalar::<sparse::Sparse, Self>,
            "train/concentration" => scalar::<concentration::Concentration, Self>,
            "train/gain" => scalar::<gain::Gain, Self>,
            "train/keep_arrivals" => scalar::<keep_arrivals::KeepArrivals, Self>,
            "train/output" => scalar::<output::Output, Self>,
            "train/rate_penalty" => scalar::<rate_penalty::Penalty, Self>,
            "train/softmax_cross_entropy" => {
                scalar::<softmax_cross_entropy::SoftmaxCrossEntropyTwin, Self>
            }
            "train/spike_counts" => scalar::<spike_counts::SpikeCounts, Self>,
            "train/target_error" => scalar::<target_error::TargetError, Self>,
            name => unreached(name),
        }
    }
}

/// What a forward pass does not run, of which an engine asks for the twins of all.
fn unreached(_: &str) -> fn(Call<'_, Dual>) {
    |call| panic!("a kernel without a twin in dual numbers: {:?}", call.params)
}

impl Counts for Dual {
    type Count = u32;
}

impl Real for Dual {
    fn of(x: f64) -> Self {
        Self::constant(x)
    }
    fn of_int(x: i32) -> Self {
        Self::constant(x as f64)
    }
    fn wide(self) -> f64 {
        self.x
    }
    fn to_units(self) -> i32 {
        self.x.to_units()
    }
}

/// One at a time.
impl Lanes for Dual {
    type V<S: pulp::Simd> = Self;
    type M<S: pulp::Simd> = bool;
    fn width<S: pulp::Simd>() -> usize {
        1
    }
    fn splat<S: pulp::Simd>(_: S, x: Self) -> Self {
        x
    }
    fn load<S: pulp::Simd>(_: S, x: &[Self]) -> Self {
        x[0]
    }
    fn store<S: pulp::Simd>(_: S, x: &mut [Self], v: Self) {
        x[0] = v;
    }
    fn binary<S: pulp::Simd, const OP: u8>(_: S, a: Self, b: Self) -> Self {
        // In the order of `vector`.
        match OP {
            0 => a + b,
            1 => a - b,
            2 => a * b,
            3 => a / b,
            4 => a.min(b),
            _ => a.max(b),
        }
    }
    fn compare<S: pulp::Simd, const OP: u8>(_: S, a: Self, b: Self) -> bool {
        match OP {
            0 => a.x < b.x,
            1 => a.x <= b.x,
            2 => a.x > b.x,
            _ => a.x >= b.x,
        }
    }
    fn and<S: pulp::Simd>(_: S, a: bool, b: bool) -> bool {
        a && b
    }
    fn bits<S: pulp::Simd>(_: S, m: bool) -> u32 {
        m as u32
    }
    fn select<S: pulp::Simd>(_: S, m: bool, a: Self, b: Self) -> Self {
        if m { a } else { b }
    }
    fn v_mul_add<S: pulp::Simd>(_: S, a: Self, b: Self, c: Self) -> Self {
        a * b + c
    }
    fn v_abs<S: pulp::Simd>(_: S, a: Self) -> Self {
        a.abs()
    }
    fn v_exp<S: pulp::Simd>(_: S, a: Self) -> Self {
        a.exp()
    }
    fn v_exp_m1<S: pulp::Simd>(_: S, a: Self) -> Self {
        a.exp_m1()
    }
    fn map<S: pulp::Simd>(a: Self, f: impl Fn(Self) -> Self) -> Self {
        f(a)
    }
}

impl Neg for Dual {
    type Output = Self;
    fn neg(self) -> Self {
        Self { x: -self.x, d: -self.d }
    }
}

impl Add for Dual {
    type Output = Self;
    fn add(self, b: Self) -> Self {
        Self { x: self.x + b.x, d: self.d + b.d }
    }
}

impl Sub for Dual {
    type Output = Self;
    fn sub(self, b: Self) -> Self {
        Self { x: self.x - b.x, d: self.d - b.d }
    }
}

impl Mul for Dual {
    type Output = Self;
    fn mul(self, b: Self) -> Self {
        // What is constant has no part in the derivative, be the other as large as it may.
        let part = |d: f64, x: f64| if d == 0.0 { 0.0 } else { d * x };
        Self { x: self.x * b.x, d: part(self.d, b.x) + part(b.d, self.x) }
    }
}

impl Div for Dual {
    type Output = Self;
    fn div(self, b: Self) -> Self {
        let x = self.x / b.x;
        let d = self.d - if b.d == 0.0 { 0.0 } else { x * b.d };
        Self { x, d: if d == 0.0 { 0.0 } else { d / b.x } }
    }
}

impl Rem for Dual {
    type Output = Self;
    fn rem(self, b: Self) -> Self {
        assert!(b.d == 0.0, "the remainder by a constant");
        Self { x: self.x % b.x, d: self.d }
    }
}

macro_rules! assigned {
    ($($trait:ident $method:ident $op:tt),*) => {
        $(impl $trait for Dual {
            fn $method(&mut self, b: Self) {
                *self = *self $op b;
            }
        })*
    };
}
assigned!(AddAssign add_assign +, SubAssign sub_assign -, MulAssign mul_assign *, DivAssign div_assign /,
    RemAssign rem_assign %);

impl PartialEq for Dual {
    fn eq(&self, b: &Self) -> bool {
        self.x == b.x
    }
}

impl PartialOrd for Dual {
    fn partial_cmp(&self, b: &Self) -> Option<Ordering> {
        self.x.partial_cmp(&b.x)
    }
}

impl Zero for Dual {
    fn zero() -> Self {
        Self::constant(0.0)
    }
    fn is_zero(&self) -> bool {
        self.x == 0.0
    }
}

impl One for Dual {
    fn one() -> Self {
        Self::constant(1.0)
    }
}

impl Num for Dual {
    type FromStrRadixErr = num_traits::ParseFloatError;
    fn from_str_radix(text: &str, radix: u32) -> Result<Self, Self::FromStrRadixErr> {
        f64::from_str_radix(text, radix).map(Self::constant)
    }
}

impl ToPrimitive for Dual {
    fn to_i64(&self) -> Option<i64> {
        self.x.to_i64()
    }
    fn to_u64(&self) -> Option<u64> {
        self.x.to_u64()
    }
    fn to_f64(&self) -> Option<f64> {
        Some(self.x)
    }
}

impl NumCast for Dual {
    fn from<T: ToPrimitive>(n: T) -> Option<Self> {
        n.to_f64().map(Self::constant)
    }
}

macro_rules! constants {
    ($($name:ident),*) => { $(fn $name() -> Self { Self::constant(<f64 as Float>::$name()) })* };
}
macro_rules! questions {
    ($($name:ident),*) => { $(fn $name(self) -> bool { self.x.$name() })* };
}
/// Steps, which have no slope.
macro_rules! steps {
    ($($name:ident),*) => { $(fn $name(self) -> Self { Self::constant(self.x.$name()) })* };
}
macro_rules! functions {
    ($($name:ident |$x:ident| $slope:expr),*) => {
        $(fn $name(self) -> Self { let $x = self.x; self.then($x.$name(), $slope) })*
    };
}
/// What no twin computes.
macro_rules! absent {
    ($($name:ident($($arg:ident),*)),*) => {
        $(fn $name(self $(, $arg: Self)*) -> Self { let _: &[Self] = &[$($arg),*]; panic!("no twin has {} of {self:?}", stringify!($name)) })*
    };
}

impl Float for Dual {
    constants!(
        nan,
        infinity,
        neg_infinity,
        neg_zero,
        min_value,
        min_positive_value,
        max_value,
        epsilon
    );
    questions!(is_nan, is_infinite, is_finite, is_normal, is_sign_positive, is_sign_negative);
    steps!(floor, ceil, round, trunc, signum);
    functions!(
        exp | x | x.exp(),
        exp_m1 | x | x.exp(),
        ln | x | 1.0 / x,
        ln_1p | x | 1.0 / (1.0 + x),
        sqrt | x | 0.5 / x.sqrt(),
        recip | x | -1.0 / (x * x),
        abs | x | if x < 0.0 { -1.0 } else { 1.0 },
        fract | _x | 1.0,
        tanh | x | 1.0 - x.tanh() * x.tanh(),
        atan | x | 1.0 / (1.0 + x * x),
        sin | x | x.cos(),
        cos | x | -x.sin()
    );
    absent!(
        exp2(),
        log2(),
        log10(),
        cbrt(),
        tan(),
        asin(),
        acos(),
        sinh(),
        cosh(),
        asinh(),
        acosh(),
        atanh(),
        abs_sub(b),
        log(b),
        hypot(b),
        atan2(b),
        powf(b)
    );
    fn classify(self) -> FpCategory {
        self.x.classify()
    }
    fn mul_add(self, b: Self, c: Self) -> Self {
        self * b + c
    }
    fn powi(self, n: i32) -> Self {
        self.then(self.x.powi(n), n as f64 * self.x.powi(n - 1))
    }
    fn max(self, b: Self) -> Self {
        if self.x >= b.x { self } else { b }
    }
    fn min(self, b: Self) -> Self {
        if self.x <= b.x { self } else { b }
    }
    fn sin_cos(self) -> (Self, Self) {
        (self.sin(), self.cos())
    }
    fn integer_decode(self) -> (u64, i16, i8) {
        self.x.integer_decode()
    }
}
