//! Files that other programs write and read.
//!
//! What comes in goes through [`read`], which opens regular files only and reads no more than its caller has
//! use for. What goes out goes through [`mod@write`], which puts a file in its place once it is whole. Between
//! them and the rest of the program are the formats: [`npy`] and [`npz`] of numpy, [`tensors`] in
//! safetensors. [`cache`] keeps what was made of raw files.

pub mod cache;
pub mod npy;
pub mod npz;
pub mod read;
pub mod tensors;
pub mod write;

pub use npy::{NpyError, NpyProblem, NpyReader, Number, Reals, read_npy_pairs};
pub use npz::{Archive, Npy, copy_array, read_array, read_spikes, write_npz};
pub use tensors::{TensorError, Values, read_tensor, read_words, tensor_names, write_tensors};
pub use write::write_atomic;

use std::path::{Component, Path, PathBuf};

/// The way from the folder `base` to `path`, by names alone: links are not followed. Where there is none, as between
/// two drives, the absolute path.
pub fn relative(path: &Path, base: &Path) -> PathBuf {
    let plain = |path: &Path| {
        // An empty path is the current folder, but not one that can be made absolute.
        let path = Path::new(".").join(path);
        let path = std::path::absolute(&path).unwrap_or(path);
        let mut plain = PathBuf::new();
        for part in path.components() {
            match part {
                Component::ParentDir => _ = plain.pop(),
                part => plain.push(part),
            }
        }
        plain
    };
    let (path, base) = (plain(path), plain(base));
    let common = path.components().zip(base.components()).take_while(|(a, b)| a == b).count();
    if common == 0 {
        return path;
    }
    let up = base.components().skip(common).map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(path.components().skip(common)).collect();
    if way.as_os_str().is_empty() { PathBuf::from(".") } else { way }
}

/// Bytes in hexadecimal, as hashes are printed.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn a_way_leads_from_folder_to_file() {
        for (path, base, way) in [
            ("a/b/c", "a/d", "../b/c"),
            ("a/../b", "./", "b"),
            ("a", "a", "."),
            ("a", "", "a"),
            ("/x/y", "/x/y/z/../w", ".."),
        ] {
            assert_eq!(super::relative(Path::new(path), Path::new(base)), Path::new(way), "{path}");
        }
    }

    #[test]
    fn hexadecimal_has_two_digits_for_each_byte() {
        assert_eq!(super::hex(&[0, 10, 255]), "000aff");
    }
}
