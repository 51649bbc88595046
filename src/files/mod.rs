//! Files that other programs write and read.
//!
//! What comes in goes through [`read`], which opens regular files only and reads no more than its caller has
//! use for. What goes out goes through [`mod@write`], which puts a file in its place once it is whole. Between
//! them and the rest of the program are the formats: [`npy`] and [`npz`] of numpy, [`tensors`] in
//! safetensors.

pub mod npy;
pub mod npz;
pub mod read;
pub mod tensors;
pub mod write;

pub use npy::{NpyError, NpyProblem, NpyReader, Number, Reals, read_npy_pairs};
pub use npz::{Archive, Npy, copy_array, read_array, read_spikes, write_npz};
pub use tensors::{TensorError, Values, read_tensor, read_words, tensor_names, write_tensors};
pub use write::write_atomic;

/// Bytes in hexadecimal, as hashes are printed.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn hexadecimal_has_two_digits_for_each_byte() {
        assert_eq!(super::hex(&[0, 10, 255]), "000aff");
    }
}
