//! What a kernel is, for both engines.
//!
//! A kernel exists twice: as WGSL in `shaders/<area>/<name>.wgsl` and as its Rust twin in
//! `src/<area>/<name>.rs`. A [`Kernel`] is the table entry that ties them together: bindings and
//! parameters by name, from which the shader's declarations are made.
//!
//! A twin is written for a *piece* of a launch: a range of its units (samples, rows of weights,
//! elements), with slices cut so that pieces cannot touch each other's data. It is generic over
//! the float type: `f32` is the CPU engine, `f64` the oracle of the tests.

use crate::vector::Counts;
pub use crate::vector::Real;
pub use pulp::Simd;
use std::ops::Range;

/// Types of a kernel's parameters, by the words that [`params!`](crate::params) takes.
#[allow(non_camel_case_types, reason = "words of a macro")]
pub mod field {
    /// A float.
    pub type real<F> = F;
    /// An integer.
    pub type word<F> = <F as super::Counts>::Count;
    /// A choice made when the pipeline is built.
    pub type option<F> = <F as super::Counts>::Count;
}

/// Table entry of a kernel.
#[derive(Clone, Copy)]
pub struct Kernel {
    /// `area/name`, the stem of both files.
    pub name: &'static str,
    /// Text of the shader before its includes are pasted.
    pub wgsl: &'static str,
    /// Invocations per workgroup; the shader's `override WG`.
    pub workgroup: u32,
    /// Whether several launches of it may be one dispatch on a GPU. Its shader then finds its own part of an array `x`
    /// from `params.x_at` on, and takes `workgroups` for the number of workgroups: see `shaders/lib/merged.wgsl`.
    pub merges: bool,
    /// Arrays, in the order of a launch's arguments.
    pub bindings: &'static [Binding],
    /// Names of numbers that lie one after another in these arrays.
    pub layouts: &'static [Layout],
    /// Fields of the shader's `Params`, and its options.
    pub params: &'static [Field],
    /// The twin at `f32`.
    pub twin32: fn(Call<'_, f32>),
    /// The twin at `f64`.
    pub twin64: fn(Call<'_, f64>),
}

impl Kernel {
    /// The bindings of its shader, each with its place among the arguments of a launch.
    pub fn bound(&self) -> impl Iterator<Item = (usize, &'static Binding)> {
        self.bindings.iter().enumerate().filter(|(_, binding)| binding.within.is_none())
    }

    /// The binding in whose buffer the argument at a place lies: its own, or that which it is within.
    pub fn host(&self, place: usize) -> usize {
        let Some(name) = self.bindings[place].within else { return place };
        let host = self.bindings.iter().position(|other| other.name == name);
        host.expect("a binding is within one that its kernel has")
    }
}

impl PartialEq for Kernel {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Names of numbers that lie one after another in an array: see [`numbers!`](crate::numbers). The shader has a constant
/// `CELL_V_TH` for the place of each, and one, `CELL`, for how many there are.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// What they describe, `cell`.
    pub of: &'static str,
    /// The names, in order.
    pub names: &'static [&'static str],
}

/// Declares numbers that lie one after another in an array: a struct with their values, and a module with the place
/// of each, `cell::v_th`, and with `cell::LAYOUT`, by which a shader gets the same names. What follows `plus` is of
/// the struct only.
#[macro_export]
macro_rules! numbers {
    (
        $(#[$doc:meta])*
        pub struct $name:ident in $module:ident {
            $($(#[$fdoc:meta])* $field:ident,)*
        }
        $(plus { $($(#[$pdoc:meta])* $plus:ident: $type:ty,)* })?
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $($(#[$fdoc])* pub $field: f64,)*
            $($($(#[$pdoc])* pub $plus: $type,)*)?
        }

        impl $name {
            /// The numbers in the order of the array.
            pub fn numbers(&self) -> [f64; $module::COUNT] {
                [$(self.$field),*]
            }
        }

        #[doc = concat!("Places of the numbers of [`", stringify!($name), "`].")]
        #[allow(non_upper_case_globals, unused, reason = "named as the fields are")]
        pub mod $module {
            use $crate::kernel::Layout;

            #[allow(non_camel_case_types, reason = "named as the fields are")]
            enum Place {
                $($field,)*
                Count,
            }
            $(
                #[doc = concat!("Place of `", stringify!($field), "`.")]
                pub const $field: usize = Place::$field as usize;
            )*
            /// How many there are.
            pub const COUNT: usize = Place::Count as usize;
            /// Their names.
            pub const LAYOUT: Layout =
                Layout { of: stringify!($module), names: &[$(stringify!($field)),*] };
        }
    };
}

/// An array that a kernel reads or writes.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// Name of the variable in the shader.
    pub name: &'static str,
    /// Type of the elements.
    pub kind: Kind,
    /// Whether the kernel writes it.
    pub written: bool,
    /// Whether invocations add to the same element, so that a shader sees atomics.
    pub atomic: bool,
    /// The binding in whose buffer it lies on a GPU, where shaders have few bindings: that of another array of the same
    /// type, through which the shader of a kernel that merges finds it from `params.x_at` on.
    pub within: Option<&'static str>,
}

impl Binding {
    /// The same in the buffer of another.
    pub const fn within(self, other: &'static str) -> Self {
        Self { within: Some(other), ..self }
    }
}

/// Type of an array's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Floats: f32 on a GPU.
    Real,
    /// Words: u32, also bits of 32 neurons.
    Word,
}

/// Read-only array of floats.
pub const fn reals(name: &'static str) -> Binding {
    Binding { name, kind: Kind::Real, written: false, atomic: false, within: None }
}
/// Array of floats that the kernel writes.
pub const fn reals_mut(name: &'static str) -> Binding {
    Binding { name, kind: Kind::Real, written: true, atomic: false, within: None }
}
/// Read-only array of words.
pub const fn words(name: &'static str) -> Binding {
    Binding { name, kind: Kind::Word, written: false, atomic: false, within: None }
}
/// Array of words that the kernel writes.
pub const fn words_mut(name: &'static str) -> Binding {
    Binding { name, kind: Kind::Word, written: true, atomic: false, within: None }
}
/// Array of words to which many invocations may add at the same time.
pub const fn sums(name: &'static str) -> Binding {
    Binding { name, kind: Kind::Word, written: true, atomic: true, within: None }
}

/// A parameter of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Name in the shader's `Params`; in capitals the name of the `override`, for an option.
    pub name: &'static str,
    /// Where the shader finds it.
    pub place: Place,
}

/// Where a shader finds a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `u32` in the uniform `params`.
    Word,
    /// `f32` in the uniform `params`.
    Real,
    /// `override` constant: a choice made when the pipeline is built.
    Option,
}

/// Value of a parameter, as a plan holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Word {
    /// Integer or option.
    U(u32),
    /// Number, rounded to the engine's float type only when it gets there.
    F(f64),
}

/// Declares the parameters of a kernel: a struct for the twin, generic over the float type, with
/// the list of fields by which plan and shader know them.
#[macro_export]
macro_rules! params {
    ($(#[$doc:meta])* pub struct $name:ident { $($(#[$fdoc:meta])* $field:ident : $kind:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name<F: $crate::kernel::Real> {
            $($(#[$fdoc])* pub $field: $crate::kernel::field::$kind<F>),*
        }
        impl<F: $crate::kernel::Real> $name<F> {
            /// Fields in the order of the shader.
            pub const FIELDS: &'static [$crate::kernel::Field] = &[
                $($crate::kernel::Field {
                    name: stringify!($field),
                    place: $crate::params!(@place $kind),
                }),*
            ];
            /// Values in the order of the fields.
            pub fn words(&self) -> Vec<$crate::kernel::Word> {
                vec![$($crate::params!(@word $kind self.$field)),*]
            }
            /// From values in the order of the fields.
            #[inline(always)]
            pub fn of(words: &[$crate::kernel::Word]) -> Self {
                let mut words = words.iter();
                Self { $($field: $crate::params!(@read $kind words.next())),* }
            }
        }
    };
    (@place real) => { $crate::kernel::Place::Real };
    (@place word) => { $crate::kernel::Place::Word };
    (@place option) => { $crate::kernel::Place::Option };
    (@word real $e:expr) => { $crate::kernel::Word::F($crate::kernel::Real::wide($e)) };
    (@word word $e:expr) => { $crate::kernel::Word::U($e) };
    (@word option $e:expr) => { $crate::kernel::Word::U($e) };
    (@read real $e:expr) => {
        match $e {
            Some($crate::kernel::Word::F(x)) => F::of(*x),
            _ => unreachable!("a launch holds its kernel's fields"),
        }
    };
    (@read word $e:expr) => {
        match $e {
            Some($crate::kernel::Word::U(x)) => *x,
            _ => unreachable!("a launch holds its kernel's fields"),
        }
    };
    (@read option $e:expr) => { $crate::params!(@read word $e) };
}

/// What every kernel is told besides its own parameters; `struct Clock` of `shaders/lib/call.wgsl`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    /// Seed of the run, its upper half changed for runs that must not share noise.
    pub seed: u64,
    /// Absolute step at which the window starts.
    pub step: u64,
    /// Samples in use, at most the plan's batch.
    pub samples: u32,
    /// Where the log kernel writes.
    pub slot: u32,
    /// Learning rate of this update.
    pub learning_rate: f64,
    /// Adam's `1 / (1 - beta1^t)` and `1 / (1 - beta2^t)`.
    pub corrections: [f64; 2],
}

impl Clock {
    /// Size in a shader \[bytes\].
    pub const BYTES: u64 = 48;

    /// Place of the lower half of `step` among [`Clock::words`]; the upper half follows.
    pub const STEP: usize = 2;

    /// That of a window of one sample, from a step on, which changes nothing by gradients.
    pub fn still(seed: u64, step: u64) -> Self {
        Self { seed, step, samples: 1, slot: 0, learning_rate: 0.0, corrections: [1.0; 2] }
    }

    /// As a shader has it.
    pub fn words(&self) -> [u32; 12] {
        let [seed_lo, seed_hi] = halves(self.seed);
        let [step_lo, step_hi] = halves(self.step);
        let [rate, first, second] = [self.learning_rate, self.corrections[0], self.corrections[1]]
            .map(|x| (x as f32).to_bits());
        [seed_lo, seed_hi, step_lo, step_hi, self.samples, self.slot, rate, first, second, 0, 0, 0]
    }
}

/// Steps of the window that a launch covers; `struct Span` of `shaders/lib/call.wgsl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First step.
    pub t0: u32,
    /// One past the last step.
    pub t1: u32,
}

impl Span {
    /// Size in a shader \[bytes\].
    pub const BYTES: u64 = 8;

    /// As a shader has it.
    pub fn words(self) -> [u32; 2] {
        [self.t0, self.t1]
    }

    /// The steps as indices.
    pub fn steps(self) -> Range<usize> {
        self.t0 as usize..self.t1 as usize
    }
}

/// A number of 64 bits as parameters hold it: low word, high word.
pub const fn halves(number: u64) -> [u32; 2] {
    [number as u32, (number >> 32) as u32]
}

/// The number of 64 bits in two parameters.
pub const fn joined(low: u32, high: u32) -> u64 {
    (high as u64) << 32 | low as u64
}

/// Most arguments that a kernel has.
pub const MOST_ARGS: usize = 16;

/// Arguments of a kernel.
pub type Args<'a, F> = arrayvec::ArrayVec<Slice<'a, F>, MOST_ARGS>;

/// A piece of a launch on the CPU.
pub struct Call<'a, F> {
    /// Parameters of the launch.
    pub params: &'a [Word],
    /// State of the run.
    pub clock: &'a Clock,
    /// Steps to do.
    pub span: Span,
    /// Units to do. A slice that is cut by units starts at the first of these.
    pub units: Range<usize>,
    /// Arrays in the order of the kernel's bindings.
    pub args: Args<'a, F>,
}

/// An array, or the part of it that belongs to a piece.
pub enum Slice<'a, F> {
    /// Floats to read.
    Reals(&'a [F]),
    /// Floats to write.
    RealsMut(&'a mut [F]),
    /// Words to read.
    Words(&'a [u32]),
    /// Words to write.
    WordsMut(&'a mut [u32]),
}

impl<'a, F> Slice<'a, F> {
    /// Floats, to read.
    #[inline(always)]
    pub fn reals(self) -> &'a [F] {
        match self {
            Slice::Reals(x) => x,
            Slice::RealsMut(x) => x,
            _ => unreachable!("the engine checked the kinds"),
        }
    }
    /// Floats, to write.
    #[inline(always)]
    pub fn reals_mut(self) -> &'a mut [F] {
        match self {
            Slice::RealsMut(x) => x,
            _ => unreachable!("the engine checked the kinds"),
        }
    }
    /// Words, to read.
    #[inline(always)]
    pub fn words(self) -> &'a [u32] {
        match self {
            Slice::Words(x) => x,
            Slice::WordsMut(x) => x,
            _ => unreachable!("the engine checked the kinds"),
        }
    }
    /// Words, to write.
    #[inline(always)]
    pub fn words_mut(self) -> &'a mut [u32] {
        match self {
            Slice::WordsMut(x) => x,
            _ => unreachable!("the engine checked the kinds"),
        }
    }
}

impl<'a, F> Call<'a, F> {
    /// The arguments, as many as the kernel has bindings.
    #[inline(always)]
    pub fn take<const N: usize>(args: Args<'a, F>) -> [Slice<'a, F>; N] {
        let mut args = args.into_iter();
        std::array::from_fn(|_| match args.next() {
            Some(slice) => slice,
            None => unreachable!("the engine passes every binding"),
        })
    }
}

/// The Rust half of a kernel.
pub trait Twin {
    /// Does a piece of a launch, with the vectors of this processor.
    fn run<S: Simd, F: Real>(simd: S, call: Call<'_, F>);
}

/// Runs a twin with the widest vectors that this processor has. A product is fused with a sum only
/// where a twin says so with `mul_add`, which rounds in the same way everywhere, so the width does not
/// change a bit of the result.
pub fn dispatched<T: Twin, F: Real>(call: Call<'_, F>) {
    struct Run<'a, T, F: Real>(Call<'a, F>, std::marker::PhantomData<T>);
    impl<T: Twin, F: Real> pulp::WithSimd for Run<'_, T, F> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            T::run(simd, self.0);
        }
    }
    pulp::Arch::new().dispatch(Run::<T, F>(call, std::marker::PhantomData));
}

/// Runs a twin number by number: the oracle, which has no need of speed and would only be compiled several times
/// more.
pub fn scalar<T: Twin, F: Real>(call: Call<'_, F>) {
    T::run(pulp::Scalar::new(), call);
}

/// Spikes of 32 neurons are one word; a row of `n` neurons takes this many.
pub const fn spike_words(n: usize) -> usize {
    n.div_ceil(32)
}

/// Transposes a matrix of 32 × 32 bits, least significant first, by exchanging ever smaller
/// blocks (Warren, Hacker's Delight, section 7-3).
#[inline(always)]
pub fn transpose_bits(rows: &mut [u32; 32]) {
    let mut mask = 0x0000_FFFFu32;
    let mut j = 16;
    while j != 0 {
        let mut k = 0;
        while k < 32 {
            let swap = ((rows[k] >> j) ^ rows[k + j]) & mask;
            rows[k] ^= swap << j;
            rows[k + j] ^= swap;
            k = (k + j + 1) & !j;
        }
        j >>= 1;
        mask ^= mask << j;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::philox;

    #[test]
    fn bits_are_transposed() {
        let rows: [u32; 32] = std::array::from_fn(|k| philox([k as u32, 0, 0, 0], [1, 2])[0]);
        let mut columns = rows;
        transpose_bits(&mut columns);
        for i in 0..32 {
            for j in 0..32 {
                assert_eq!(rows[i] >> j & 1, columns[j] >> i & 1, "row {i}, column {j}");
            }
        }
    }
}
