//! The arrays of a plan, and the handles by which they are known.
//!
//! Only [`Arrays`] makes a handle, together with its array. What the host writes and reads it knows by a handle that says
//! what the array holds, [`Reals`] or [`Words`], so neither can be taken for the other. A launch takes arrays as
//! [`ArrayId`]s, whatever they hold: typed arguments would need a type for each kernel, to say again what its bindings say.
//! What launches give to their kernels is compared with these bindings when an engine takes the plan ([`Plan::check`]).
//!
//! A shader has all its bindings, also those that an option of it turns off. A launch gives these a stand-in: [`Unused`].

use super::{Launch, Plan, Stage};
use crate::kernel::Kind;
use serde::Serialize;
use std::collections::BTreeSet;
use std::ops::{Index, IndexMut};

/// An array of a plan, whatever it holds. In pages it is its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ArrayId(u32);

/// An array of floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reals(ArrayId);

/// An array of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Words(ArrayId);

/// An array by what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handle {
    /// Floats.
    Reals(Reals),
    /// Words.
    Words(Words),
}

/// An array on the device.
pub struct Array {
    /// Name, unique in the plan.
    pub name: String,
    /// Type of its elements.
    pub kind: Kind,
    /// Number of elements, at least 1.
    pub len: usize,
    /// Content at the start.
    pub init: Init,
}

/// Content of an array at the start.
pub enum Init {
    /// Zeros.
    Zero,
    /// Floats, rounded to the engine's type.
    Reals(Vec<f64>),
    /// Words.
    Words(Vec<u32>),
}

/// Stand-ins for arrays that a launch does not use, but its kernel names. Each is one zero, and stays it.
#[derive(Debug, Clone, Copy)]
pub struct Unused {
    /// For floats that are read.
    pub reals: Reals,
    /// For words that are read.
    pub words: Words,
    /// For floats that are written, of which no unit has any: no launch may bind one of these twice.
    pub written: [Reals; 2],
}

/// The arrays of a plan, one after the other.
pub struct Arrays {
    all: Vec<Array>,
    /// Those that stand for what is not used.
    pub unused: Unused,
}

/// Something of each array of a plan.
#[derive(Debug, Clone)]
pub struct ByArray<T>(Vec<T>);

impl ArrayId {
    /// Its number in the plan, from 0.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Reals {
    /// The array, whatever it holds.
    pub fn id(self) -> ArrayId {
        self.0
    }
}

impl Words {
    /// The array, whatever it holds.
    pub fn id(self) -> ArrayId {
        self.0
    }
}

impl From<Reals> for ArrayId {
    fn from(array: Reals) -> Self {
        array.0
    }
}

impl From<Words> for ArrayId {
    fn from(array: Words) -> Self {
        array.0
    }
}

impl TryFrom<Handle> for Reals {
    type Error = Handle;
    fn try_from(array: Handle) -> Result<Self, Handle> {
        match array {
            Handle::Reals(array) => Ok(array),
            Handle::Words(_) => Err(array),
        }
    }
}

impl TryFrom<Handle> for Words {
    type Error = Handle;
    fn try_from(array: Handle) -> Result<Self, Handle> {
        match array {
            Handle::Words(array) => Ok(array),
            Handle::Reals(_) => Err(array),
        }
    }
}

impl Array {
    /// Size on a device \[bytes\].
    pub fn bytes(&self) -> u64 {
        self.len as u64 * 4
    }
}

impl Default for Arrays {
    /// None but those that stand for what is not used.
    fn default() -> Self {
        let mut all = Vec::new();
        let mut one = |name: &str, kind| add(&mut all, name.to_owned(), kind, 1, Init::Zero);
        let unused = Unused {
            reals: Reals(one("unused.reals", Kind::Real)),
            words: Words(one("unused.words", Kind::Word)),
            written: ["unused.written.0", "unused.written.1"]
                .map(|name| Reals(one(name, Kind::Real))),
        };
        Self { all, unused }
    }
}

fn add(all: &mut Vec<Array>, name: String, kind: Kind, len: usize, init: Init) -> ArrayId {
    let id = ArrayId(u32::try_from(all.len()).expect("a plan has few arrays"));
    all.push(Array { name, kind, len: len.max(1), init });
    id
}

impl Arrays {
    /// A new array of zeros, floats.
    pub fn zero_reals(&mut self, name: impl Into<String>, len: usize) -> Reals {
        Reals(add(&mut self.all, name.into(), Kind::Real, len, Init::Zero))
    }

    /// A new array of zeros, words.
    pub fn zero_words(&mut self, name: impl Into<String>, len: usize) -> Words {
        Words(add(&mut self.all, name.into(), Kind::Word, len, Init::Zero))
    }

    /// A new array that begins with these floats.
    pub fn reals(&mut self, name: impl Into<String>, values: Vec<f64>) -> Reals {
        Reals(add(&mut self.all, name.into(), Kind::Real, values.len(), Init::Reals(values)))
    }

    /// A new array that begins with these words.
    pub fn words(&mut self, name: impl Into<String>, mut values: Vec<u32>) -> Words {
        values.resize(values.len().max(1), 0);
        Words(add(&mut self.all, name.into(), Kind::Word, values.len(), Init::Words(values)))
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (ArrayId, &Array)> + Clone {
        self.all.iter().enumerate().map(|(k, array)| (ArrayId(k as u32), array))
    }

    /// Something of each.
    pub fn each<T>(&self, of: impl FnMut((ArrayId, &Array)) -> T) -> ByArray<T> {
        ByArray(self.iter().map(of).collect())
    }

    /// An array by what it holds.
    pub fn handle(&self, array: ArrayId) -> Handle {
        match self[array].kind {
            Kind::Real => Handle::Reals(Reals(array)),
            Kind::Word => Handle::Words(Words(array)),
        }
    }

    /// The array of that name, as people and files know it.
    pub fn named(&self, name: &str) -> Option<ArrayId> {
        self.iter().find(|(_, array)| array.name == name).map(|(id, _)| id)
    }

    /// Whether no two have the same name.
    pub(super) fn names_are_unique(&self) -> bool {
        let names: BTreeSet<_> = self.all.iter().map(|array| &array.name).collect();
        names.len() == self.all.len()
    }
}

impl<A: Into<ArrayId>> Index<A> for Arrays {
    type Output = Array;
    fn index(&self, array: A) -> &Array {
        &self.all[array.into().index()]
    }
}

impl<A: Into<ArrayId>> IndexMut<A> for Arrays {
    fn index_mut(&mut self, array: A) -> &mut Array {
        &mut self.all[array.into().index()]
    }
}

impl<T> ByArray<T> {
    /// In the order of the arrays.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.0.iter_mut()
    }

    /// Something else of each.
    pub fn map<U>(self, of: impl FnMut(T) -> U) -> ByArray<U> {
        ByArray(self.0.into_iter().map(of).collect())
    }

    /// Something else of each, that may change it.
    pub fn each_mut<U>(&mut self, of: impl FnMut(&mut T) -> U) -> ByArray<U> {
        ByArray(self.0.iter_mut().map(of).collect())
    }
}

impl<T, A: Into<ArrayId>> Index<A> for ByArray<T> {
    type Output = T;
    fn index(&self, array: A) -> &T {
        &self.0[array.into().index()]
    }
}

impl<T, A: Into<ArrayId>> IndexMut<A> for ByArray<T> {
    fn index_mut(&mut self, array: A) -> &mut T {
        &mut self.0[array.into().index()]
    }
}

impl Plan {
    /// Compares the arguments of all launches with the bindings of their kernels.
    ///
    /// # Panics
    /// If one is of another type, or there are not as many: a fault of who made the plan.
    pub fn check(&self) {
        let launches = self.programs.iter().flat_map(|program| &program.stages);
        for launch in launches.flat_map(Stage::launches) {
            let Launch { kernel, label, args, .. } = launch;
            assert_eq!(args.len(), kernel.bindings.len(), "arrays of {} for {label}", kernel.name);
            for (arg, binding) in args.iter().zip(kernel.bindings) {
                let Array { name, kind, .. } = &self.arrays[arg.array];
                let what = format!("`{name}` as {} of {} for {label}", binding.name, kernel.name);
                assert_eq!(*kind, binding.kind, "{what}");
            }
        }
    }
}
