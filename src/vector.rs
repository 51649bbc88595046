//! Vectors of floats in which twins compute, a register of the processor at a time.
//!
//! A twin is generic over the float type and over the processor's vectors ([`pulp::Simd`], chosen when
//! the program runs). With [`Vector`]'s operators it reads like its equation. Lanes are never mixed,
//! and a product is fused with a sum only by [`Vector::mul_add`], which rounds once everywhere, so
//! the width of the vectors does not change a bit of any result.

use pulp::Simd;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// The integers of a kernel's parameters. Named through the float type only so that the struct of a
/// kernel without floats may still be generic over it.
pub trait Counts {
    /// `u32`.
    type Count;
}

impl Counts for f32 {
    type Count = u32;
}

impl Counts for f64 {
    type Count = u32;
}

/// `f32` or `f64`.
pub trait Real:
    Counts<Count = u32>
    + Lanes
    + num_traits::Float
    + num_traits::NumAssign
    + bytemuck::Pod
    + Send
    + Sync
    + std::fmt::Debug
{
    /// Nearest representable number.
    fn of(x: f64) -> Self;
    /// Nearest representable number.
    fn of_int(x: i32) -> Self;
    /// Exact.
    fn wide(self) -> f64;
    /// Nearest integer, of two the even one, of a number below 2^22: a sum with 1.5 · 2^23 rounds to it,
    /// and has it in its lowest bits.
    fn to_units(self) -> i32;
}

impl Real for f32 {
    #[inline(always)]
    fn of(x: f64) -> Self {
        x as f32
    }
    #[inline(always)]
    fn of_int(x: i32) -> Self {
        x as f32
    }
    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn to_units(self) -> i32 {
        const ROUND: f32 = 12_582_912.0;
        (self + ROUND).to_bits().wrapping_sub(ROUND.to_bits()) as i32
    }
}

impl Real for f64 {
    #[inline(always)]
    fn of(x: f64) -> Self {
        x
    }
    #[inline(always)]
    fn of_int(x: i32) -> Self {
        f64::from(x)
    }
    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }
    #[inline(always)]
    fn to_units(self) -> i32 {
        // As in f32, with 1.5 · 2^52, whose lower half is 0.
        (self + 6_755_399_441_055_744.0).to_bits() as i32
    }
}

/// The float types' side of [`Vector`]: forwards to the methods that `pulp` has for each.
pub trait Lanes: Copy {
    /// A register of this type.
    type V<S: Simd>: Copy;
    /// A choice for each of its lanes.
    type M<S: Simd>: Copy;
    #[doc(hidden)]
    fn width<S: Simd>() -> usize;
    #[doc(hidden)]
    fn splat<S: Simd>(s: S, x: Self) -> Self::V<S>;
    #[doc(hidden)]
    fn load<S: Simd>(s: S, x: &[Self]) -> Self::V<S>;
    #[doc(hidden)]
    fn store<S: Simd>(s: S, x: &mut [Self], v: Self::V<S>);
    #[doc(hidden)]
    fn binary<S: Simd, const OP: u8>(s: S, a: Self::V<S>, b: Self::V<S>) -> Self::V<S>;
    #[doc(hidden)]
    fn compare<S: Simd, const OP: u8>(s: S, a: Self::V<S>, b: Self::V<S>) -> Self::M<S>;
    #[doc(hidden)]
    fn and<S: Simd>(s: S, a: Self::M<S>, b: Self::M<S>) -> Self::M<S>;
    #[doc(hidden)]
    fn bits<S: Simd>(s: S, m: Self::M<S>) -> u32;
    #[doc(hidden)]
    fn select<S: Simd>(s: S, m: Self::M<S>, a: Self::V<S>, b: Self::V<S>) -> Self::V<S>;
    #[doc(hidden)]
    fn v_mul_add<S: Simd>(s: S, a: Self::V<S>, b: Self::V<S>, c: Self::V<S>) -> Self::V<S>;
    #[doc(hidden)]
    fn v_abs<S: Simd>(s: S, a: Self::V<S>) -> Self::V<S>;
    #[doc(hidden)]
    fn v_exp<S: Simd>(s: S, a: Self::V<S>) -> Self::V<S>;
    #[doc(hidden)]
    fn v_exp_m1<S: Simd>(s: S, a: Self::V<S>) -> Self::V<S>;
    #[doc(hidden)]
    fn map<S: Simd>(a: Self::V<S>, f: impl Fn(Self) -> Self) -> Self::V<S>;
}

const ADD: u8 = 0;
const SUB: u8 = 1;
const MUL: u8 = 2;
const DIV: u8 = 3;
const MIN: u8 = 4;
const MAX: u8 = 5;
const LT: u8 = 0;
const LE: u8 = 1;
const GT: u8 = 2;
const GE: u8 = 3;

macro_rules! lanes {
    ($f:ident, $v:ident, $m:ident, $width:ident, $as_simd:ident, $as_mut_simd:ident,
     $partial_load:ident, $partial_store:ident, $splat:ident, [$($op:ident: $binary:ident),*],
     [$($cmp:ident: $compare:ident),*], $and:ident, $select:ident, $mul_add:ident, $abs:ident,
     $exp:expr, $exp_m1:expr) => {
        impl Lanes for $f {
            type V<S: Simd> = S::$v;
            type M<S: Simd> = S::$m;
            #[inline(always)]
            fn width<S: Simd>() -> usize {
                S::$width
            }
            #[inline(always)]
            fn splat<S: Simd>(s: S, x: Self) -> S::$v {
                s.$splat(x)
            }
            #[inline(always)]
            fn load<S: Simd>(s: S, x: &[Self]) -> S::$v {
                match S::$as_simd(x).0.first() {
                    Some(full) => *full,
                    None => s.$partial_load(x),
                }
            }
            #[inline(always)]
            fn store<S: Simd>(s: S, x: &mut [Self], v: S::$v) {
                if x.len() >= S::$width {
                    S::$as_mut_simd(x).0[0] = v;
                } else {
                    s.$partial_store(x, v);
                }
            }
            #[inline(always)]
            fn binary<S: Simd, const OP: u8>(s: S, a: S::$v, b: S::$v) -> S::$v {
                match OP {
                    $($op => s.$binary(a, b),)*
                    _ => unreachable!(),
                }
            }
            #[inline(always)]
            fn compare<S: Simd, const OP: u8>(s: S, a: S::$v, b: S::$v) -> S::$m {
                match OP {
                    $($cmp => s.$compare(a, b),)*
                    _ => unreachable!(),
                }
            }
            #[inline(always)]
            fn and<S: Simd>(s: S, a: S::$m, b: S::$m) -> S::$m {
                s.$and(a, b)
            }
            #[inline(always)]
            fn bits<S: Simd>(s: S, m: S::$m) -> u32 {
                if let Some(bits) = highest_bits(s, bytemuck::bytes_of(&m), S::$width) {
                    return bits;
                }
                // Some processors have a bit for each lane, others a whole number, all its bits alike.
                match *bytemuck::bytes_of(&m) {
                    [a, b] if S::$width == 16 => u32::from(u16::from_le_bytes([a, b])),
                    [a] if S::$width == 8 => u32::from(a),
                    ref bytes => {
                        let lanes = bytes.chunks(bytes.len() / S::$width).enumerate();
                        lanes.fold(0, |bits, (k, lane)| bits | u32::from(lane[0] & 1) << k)
                    }
                }
            }
            #[inline(always)]
            fn select<S: Simd>(s: S, m: S::$m, a: S::$v, b: S::$v) -> S::$v {
                s.$select(m, a, b)
            }
            #[inline(always)]
            fn v_mul_add<S: Simd>(s: S, a: S::$v, b: S::$v, c: S::$v) -> S::$v {
                s.$mul_add(a, b, c)
            }
            #[inline(always)]
            fn v_abs<S: Simd>(s: S, a: S::$v) -> S::$v {
                s.$abs(a)
            }
            #[inline(always)]
            fn v_exp<S: Simd>(s: S, a: S::$v) -> S::$v {
                $exp(s, a)
            }
            #[inline(always)]
            fn v_exp_m1<S: Simd>(s: S, a: S::$v) -> S::$v {
                $exp_m1(s, a)
            }
            #[inline(always)]
            fn map<S: Simd>(mut a: S::$v, f: impl Fn(Self) -> Self) -> S::$v {
                let lanes: &mut [Self] = bytemuck::cast_slice_mut(std::slice::from_mut(&mut a));
                for x in lanes {
                    *x = f(*x);
                }
                a
            }
        }
    };
}

lanes!(
    f32, f32s, m32s, F32_LANES, as_simd_f32s, as_mut_simd_f32s, partial_load_f32s,
    partial_store_f32s, splat_f32s,
    [ADD: add_f32s, SUB: sub_f32s, MUL: mul_f32s, DIV: div_f32s, MIN: min_f32s, MAX: max_f32s],
    [LT: less_than_f32s, LE: less_than_or_equal_f32s, GT: greater_than_f32s,
     GE: greater_than_or_equal_f32s],
    and_m32s, select_f32s, mul_add_f32s, abs_f32s, exp_f32, exp_m1_f32
);
lanes!(
    f64, f64s, m64s, F64_LANES, as_simd_f64s, as_mut_simd_f64s, partial_load_f64s,
    partial_store_f64s, splat_f64s,
    [ADD: add_f64s, SUB: sub_f64s, MUL: mul_f64s, DIV: div_f64s, MIN: min_f64s, MAX: max_f64s],
    [LT: less_than_f64s, LE: less_than_or_equal_f64s, GT: greater_than_f64s,
     GE: greater_than_or_equal_f64s],
    and_m64s, select_f64s, mul_add_f64s, abs_f64s, |_, a| f64::map::<S>(a, f64::exp),
    |_, a| f64::map::<S>(a, f64::exp_m1)
);

/// Of eight whole numbers, the highest bit of each, where the processor has an instruction for that.
#[inline(always)]
fn highest_bits<S: Simd>(s: S, lanes: &[u8], width: usize) -> Option<u32> {
    #[cfg(target_arch = "x86_64")]
    if let Some(s) = (&s as &dyn std::any::Any).downcast_ref::<pulp::x86::V3>()
        && width == 8
    {
        let lanes: pulp::f32x8 = bytemuck::pod_read_unaligned(lanes);
        return Some(s.avx._mm256_movemask_ps(pulp::cast(lanes)) as u32);
    }
    let _ = (s, lanes, width);
    None
}

/// e^x in f32, without a table or a branch: x = n ln 2 + r with |r| <= ln 2 / 2, and a polynomial for
/// e^r. ln 2 is subtracted in two parts, the first of which times n is exact. The coefficients are
/// Taylor's up to the seventh power, whose rest, r^8/40320, is below 6e-9. Arguments are clamped to
/// [-87, 88], where the result is a normal number.
#[inline(always)]
fn exp_f32<S: Simd>(s: S, x: S::f32s) -> S::f32s {
    let c = |x: f32| s.splat_f32s(x);
    let x = s.max_f32s(s.min_f32s(x, c(88.0)), c(-87.0));
    // Adding 1.5 · 2^23 rounds to an integer, which then stands in the lowest bits.
    let round = c(12_582_912.0);
    let shifted = s.mul_add_f32s(x, c(std::f32::consts::LOG2_E), round);
    let n = s.sub_f32s(shifted, round);
    let r = s.mul_add_f32s(n, c(-0.693_359_4), x);
    let r = s.mul_add_f32s(n, c(2.121_944_4e-4), r);
    // In pairs and pairs of pairs (Estrin), so that a processor finds more than one sum to do at a time.
    let square = s.mul_f32s(r, r);
    let low =
        s.mul_add_f32s(s.mul_add_f32s(r, c(1.0 / 6.0), c(0.5)), square, s.add_f32s(r, c(1.0)));
    let high = s.mul_add_f32s(r, c(1.0 / 120.0), c(1.0 / 24.0));
    let top = s.mul_add_f32s(r, c(1.0 / 5040.0), c(1.0 / 720.0));
    let high = s.mul_add_f32s(square, top, high);
    let y = s.mul_add_f32s(high, s.mul_f32s(square, square), low);
    // `pulp` names these conversions by their result first.
    let exponent = s.wrapping_dyn_shl_u32s(s.transmute_u32s_f32s(shifted), s.splat_u32s(23));
    let bits = s.add_u32s(exponent, s.transmute_u32s_f32s(y));
    s.transmute_f32s_u32s(bits)
}

/// e^x - 1 in f32: near 0, where the difference would lose its digits, by Taylor's series up to the fourth
/// power, whose rest is below 1e-6 of the result.
#[inline(always)]
fn exp_m1_f32<S: Simd>(s: S, x: S::f32s) -> S::f32s {
    let c = |x: f32| s.splat_f32s(x);
    let y = s.mul_add_f32s(x, c(1.0 / 24.0), c(1.0 / 6.0));
    let y = s.mul_add_f32s(x, y, c(0.5));
    let series = s.mul_add_f32s(s.mul_f32s(x, x), y, x);
    let difference = s.sub_f32s(exp_f32(s, x), c(1.0));
    s.select_f32s(s.less_than_f32s(s.abs_f32s(x), c(0.1)), series, difference)
}

/// Numbers that start at a cache line, so that a vector of a whole line lies in one. Successive arrays
/// start at different lines of their pages: a loop over several would else find them all in the
/// same few places of the first cache.
pub struct Aligned<T> {
    room: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Copy> Aligned<T> {
    /// Array number `index`, filled with `zero`.
    pub fn new(index: usize, len: usize, zero: T) -> Self {
        const LINE: usize = 64;
        const PAGE: usize = 4096;
        let numbers = |bytes: usize| bytes / size_of::<T>();
        let skew = index * 17 * LINE % PAGE;
        let room = vec![zero; len + numbers(LINE + skew)];
        let start = room.as_ptr().align_offset(LINE).min(numbers(LINE)) + numbers(skew);
        Self { room, start, len }
    }

    /// The same with these values.
    pub fn of(index: usize, values: impl ExactSizeIterator<Item = T>, zero: T) -> Self {
        let mut aligned = Self::new(index, values.len(), zero);
        aligned.iter_mut().zip(values).for_each(|(x, value)| *x = value);
        aligned
    }
}

impl<T> std::ops::Deref for Aligned<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.room[self.start..self.start + self.len]
    }
}

impl<T> std::ops::DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.room[self.start..self.start + self.len]
    }
}

/// The processor's vectors of one float type: makes [`Vector`]s of numbers and of rows.
#[derive(Clone, Copy)]
pub struct Width<S>(pub S);

impl<S: Simd> Width<S> {
    /// Lanes of a vector.
    #[inline(always)]
    pub fn lanes<F: Real>(self) -> usize {
        F::width::<S>()
    }

    /// The same number in all lanes.
    #[inline(always)]
    pub fn splat<F: Real>(self, x: F) -> Vector<S, F> {
        Vector { s: self.0, x: F::splat(self.0, x) }
    }

    /// The numbers of a row from `first` on; lanes beyond the row are zero.
    #[inline(always)]
    pub fn load<F: Real>(self, row: &[F], first: usize) -> Vector<S, F> {
        Vector { s: self.0, x: F::load(self.0, &row[first..]) }
    }

    /// The registers of numbers that lie side by side, as many as fill them all.
    #[inline(always)]
    pub fn each<F: Real>(self, packed: &[F]) -> impl ExactSizeIterator<Item = Vector<S, F>> {
        packed.chunks_exact(self.lanes::<F>()).map(move |lanes| self.load(lanes, 0))
    }

    /// Writes numbers of a row from `first` on; lanes beyond the row are dropped.
    #[inline(always)]
    pub fn store<F: Real>(self, row: &mut [F], first: usize, v: Vector<S, F>) {
        F::store(self.0, &mut row[first..], v.x);
    }
}

/// A number for each lane of a register.
#[derive(Clone, Copy)]
pub struct Vector<S: Simd, F: Real> {
    s: S,
    x: F::V<S>,
}

/// A choice for each lane.
#[derive(Clone, Copy)]
pub struct Mask<S: Simd, F: Real> {
    s: S,
    m: F::M<S>,
}

impl<S: Simd, F: Real> Vector<S, F> {
    #[inline(always)]
    fn with(self, x: F::V<S>) -> Self {
        Self { s: self.s, x }
    }
    /// A constant in all lanes, rounded to the float type.
    #[inline(always)]
    pub fn of(self, x: f64) -> Self {
        self.with(F::splat(self.s, <F as Real>::of(x)))
    }
    /// The smaller.
    #[inline(always)]
    pub fn min(self, other: Self) -> Self {
        self.with(F::binary::<S, MIN>(self.s, self.x, other.x))
    }
    /// The larger.
    #[inline(always)]
    pub fn max(self, other: Self) -> Self {
        self.with(F::binary::<S, MAX>(self.s, self.x, other.x))
    }
    /// Absolute value.
    #[inline(always)]
    pub fn abs(self) -> Self {
        self.with(F::v_abs(self.s, self.x))
    }
    /// `self · a + b`, rounded once.
    #[inline(always)]
    pub fn mul_add(self, a: Self, b: Self) -> Self {
        self.with(F::v_mul_add(self.s, self.x, a.x, b.x))
    }
    /// e to this power; in f32 within 2 units of the last place where the result is a normal number.
    #[inline(always)]
    pub fn exp(self) -> Self {
        self.with(F::v_exp(self.s, self.x))
    }
    /// e to this power, less 1; in f32 within 2e-6 of it.
    #[inline(always)]
    pub fn exp_m1(self) -> Self {
        self.with(F::v_exp_m1(self.s, self.x))
    }
    /// Lane by lane, for functions that need no speed.
    #[inline(always)]
    pub fn map(self, f: impl Fn(F) -> F) -> Self {
        self.with(F::map::<S>(self.x, f))
    }
    /// Where this is less.
    #[inline(always)]
    pub fn lt(self, other: Self) -> Mask<S, F> {
        Mask { s: self.s, m: F::compare::<S, LT>(self.s, self.x, other.x) }
    }
    /// Where this is less or equal.
    #[inline(always)]
    pub fn le(self, other: Self) -> Mask<S, F> {
        Mask { s: self.s, m: F::compare::<S, LE>(self.s, self.x, other.x) }
    }
    /// Where this is greater.
    #[inline(always)]
    pub fn gt(self, other: Self) -> Mask<S, F> {
        Mask { s: self.s, m: F::compare::<S, GT>(self.s, self.x, other.x) }
    }
    /// Where this is greater or equal.
    #[inline(always)]
    pub fn ge(self, other: Self) -> Mask<S, F> {
        Mask { s: self.s, m: F::compare::<S, GE>(self.s, self.x, other.x) }
    }
}

impl<S: Simd, F: Real> Mask<S, F> {
    /// `a` where the choice is yes, else `b`.
    #[inline(always)]
    pub fn select(self, a: Vector<S, F>, b: Vector<S, F>) -> Vector<S, F> {
        a.with(F::select(self.s, self.m, a.x, b.x))
    }
    /// The choices as bits, the first lane in the lowest.
    #[inline(always)]
    pub fn bits(self) -> u32 {
        F::bits(self.s, self.m)
    }
    /// Where both are yes.
    #[inline(always)]
    pub fn and(self, other: Self) -> Self {
        Self { s: self.s, m: F::and(self.s, self.m, other.m) }
    }
}

macro_rules! operator {
    ($($name:ident, $method:ident, $op:ident;)*) => {$(
        impl<S: Simd, F: Real> $name for Vector<S, F> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                self.with(F::binary::<S, $op>(self.s, self.x, other.x))
            }
        }
    )*};
}

operator!(Add, add, ADD; Sub, sub, SUB; Mul, mul, MUL; Div, div, DIV;);

impl<S: Simd, F: Real> Neg for Vector<S, F> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        self.of(0.0) - self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulp::WithSimd;

    struct Exp<'a>(&'a [f32], &'a mut [f32]);

    impl WithSimd for Exp<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let w = Width(simd);
            for first in (0..self.0.len()).step_by(w.lanes::<f32>()) {
                w.store(self.1, first, w.load(self.0, first).exp());
            }
        }
    }

    #[test]
    fn exp_is_within_two_units_of_the_last_place() {
        let x: Vec<f32> = (0..200_003).map(|k| -87.0 + 174.9 * k as f32 / 200_002.0).collect();
        let mut y = vec![f32::NAN; x.len()];
        pulp::Arch::new().dispatch(Exp(&x, &mut y));
        let mut scalar = vec![f32::NAN; x.len()];
        Exp(&x, &mut scalar).with_simd(pulp::Scalar::new());
        for ((x, y), scalar) in x.iter().zip(&y).zip(&scalar) {
            let exact = f64::from(*x).exp();
            let unit = exact * f64::from(f32::EPSILON);
            assert!((f64::from(*y) - exact).abs() <= 2.0 * unit, "exp({x}) = {y}, not {exact}");
            assert_eq!(y.to_bits(), scalar.to_bits(), "exp({x}) depends on the vectors");
        }
    }

    struct ExpM1<'a>(&'a [f32], &'a mut [f32]);

    impl WithSimd for ExpM1<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let w = Width(simd);
            for first in (0..self.0.len()).step_by(w.lanes::<f32>()) {
                w.store(self.1, first, w.load(self.0, first).exp_m1());
            }
        }
    }

    #[test]
    fn exp_less_one_keeps_its_digits_near_zero() {
        let x: Vec<f32> = (0..4001)
            .map(|k| (k as f32 - 2000.0) / 250.0)
            .map(|x| x.signum() * 10f32.powf(x.abs() - 8.0))
            .collect();
        let mut y = vec![f32::NAN; x.len()];
        pulp::Arch::new().dispatch(ExpM1(&x, &mut y));
        for (x, y) in x.iter().zip(&y) {
            let exact = f64::from(*x).exp_m1();
            assert!((f64::from(*y) - exact).abs() <= 2e-6 * exact.abs(), "{x}: {y}, not {exact}");
        }
    }

    struct Bits<'a>(&'a [f32], &'a mut Vec<bool>);

    impl WithSimd for Bits<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let w = Width(simd);
            for first in (0..self.0.len()).step_by(w.lanes::<f32>()) {
                let bits = w.load(self.0, first).ge(w.splat(0.0)).bits();
                self.1.extend((0..w.lanes::<f32>()).map(|k| bits >> k & 1 == 1));
            }
        }
    }

    #[test]
    fn bits_are_in_the_order_of_lanes() {
        let x: Vec<f32> = (0..97).map(|k| ((k * 37) % 11) as f32 - 5.0).collect();
        let expected: Vec<bool> = x.iter().map(|x| *x >= 0.0).collect();
        let (mut wide, mut scalar) = (Vec::new(), Vec::new());
        pulp::Arch::new().dispatch(Bits(&x, &mut wide));
        Bits(&x, &mut scalar).with_simd(pulp::Scalar::new());
        assert_eq!(wide[..x.len()], expected);
        assert_eq!(scalar[..x.len()], expected);
    }

    #[test]
    fn exp_of_the_extremes_is_finite() {
        let x = [f32::MIN, -1e4, -87.5, 0.0, 89.0, 1e30];
        let mut y = [f32::NAN; 6];
        pulp::Arch::new().dispatch(Exp(&x, &mut y));
        assert!(y.iter().all(|y| y.is_finite() && *y > 0.0), "{y:?}");
        assert_eq!(y[3], 1.0);
    }
}
