//! The long parts of a page, as one run of bytes.

use crate::plan::Init;
use serde::Serialize;

/// The long parts of a page, one after the other, each a multiple of four bytes long.
#[derive(Debug, Default)]
pub struct Content(Vec<u8>);

/// First byte of a part, and how many it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Part(pub usize, pub usize);

impl Content {
    /// Adds a part.
    pub fn add(&mut self, bytes: &[u8]) -> Part {
        debug_assert!(bytes.len().is_multiple_of(4));
        self.0.extend(bytes);
        Part(self.0.len() - bytes.len(), bytes.len())
    }

    /// Adds words.
    pub fn words(&mut self, words: impl IntoIterator<Item = u32>) -> Part {
        let bytes: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
        self.add(&bytes)
    }

    /// Adds floats, rounded to those of a device.
    pub fn reals(&mut self, reals: impl IntoIterator<Item = f64>) -> Part {
        self.words(reals.into_iter().map(|x| (x as f32).to_bits()))
    }

    /// Adds what an array holds at the start, unless that is nothing but zeros.
    pub fn start(&mut self, init: &Init) -> Option<Part> {
        match init {
            Init::Zero => None,
            Init::Words(words) => Some(self.words(words.iter().copied())),
            Init::Reals(reals) => Some(self.reals(reals.iter().copied())),
        }
    }

    /// All bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes there are.
    pub fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
