//! State of a training on disk: bit-exact, complete or absent.
//!
//! A checkpoint is a safetensors file with every array that training changes, and the progress in
//! its metadata together with a SHA-256 of both. It is written beside its final name, flushed and
//! renamed, so a kill at any moment leaves the ones before it. The newest `KEEP` are kept; resuming
//! takes the newest whose hash is right.

use super::trainer::Progress;
use crate::files;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Checkpoints that are kept.
const KEEP: usize = 2;

/// Version of what is in a checkpoint.
const FORMAT: &str = "1";

/// A state as read.
pub struct Checkpoint {
    /// The file.
    pub path: PathBuf,
    /// How far the training had come.
    pub progress: Progress,
    /// Best test accuracy so far.
    pub best: Option<f64>,
    /// Arrays by name.
    pub arrays: Vec<(String, Vec<f32>)>,
}

/// Why a state could not be saved or loaded.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// File or directory.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// The file is damaged or of another version.
    #[error("{}: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// There is none.
    #[error("no checkpoint in {} can be read{}", dir.display(), tried.iter().map(|t| format!("\n  {t}")).collect::<String>())]
    None {
        /// The directory.
        dir: PathBuf,
        /// What is wrong with those that are there.
        tried: Vec<String>,
    },
}

impl Checkpoint {
    /// The array of that name and length.
    ///
    /// # Errors
    /// It is not there, or has another length: the checkpoint is of another network.
    pub fn array(&self, name: &str, len: usize) -> Result<&[f32], CheckpointError> {
        let found = self.arrays.iter().find(|(n, _)| n == name).map(|(_, values)| values);
        match found {
            Some(values) if values.len() == len => Ok(values),
            found => Err(CheckpointError::Damaged {
                path: self.path.clone(),
                why: format!(
                    "array `{name}` of {len} numbers is needed, it has {}; it belongs to another network",
                    found.map_or("none".to_owned(), |v| v.len().to_string())
                ),
            }),
        }
    }
}

/// Saves a state under the number of the update, and removes older ones.
///
/// # Errors
/// The file system refuses.
pub fn save(
    dir: &Path,
    update: u64,
    progress: &Progress,
    best: Option<f64>,
    arrays: &[(String, Vec<f32>)],
) -> Result<(), CheckpointError> {
    let path = dir.join(format!("update-{update:010}.safetensors"));
    let io = |source| CheckpointError::Io { path: path.clone(), source };
    std::fs::create_dir_all(dir).map_err(io)?;
    let json = |e: serde_json::Error| io(e.into());
    let mut metadata = HashMap::from([
        ("format".to_owned(), FORMAT.to_owned()),
        ("progress".to_owned(), serde_json::to_string(progress).map_err(json)?),
        ("best".to_owned(), serde_json::to_string(&best).map_err(json)?),
    ]);
    metadata.insert("sha256".to_owned(), digest(&metadata, arrays));
    write_tensors(&path, arrays.iter().map(|(n, v)| (n.as_str(), v.as_slice())), Some(metadata))
        .map_err(io)?;
    let old = list(dir, ".safetensors").into_iter().rev().skip(KEEP);
    // What a kill left half written goes too.
    for path in old.chain(list(dir, ".tmp")) {
        // A file that cannot be removed costs space only.
        let _ = std::fs::remove_file(path);
    }
    Ok(())
}

/// Writes one-dimensional tensors of f32, atomically.
///
/// # Errors
/// The file system refuses.
pub fn write_tensors<'a>(
    path: &Path,
    tensors: impl Iterator<Item = (&'a str, &'a [f32])>,
    metadata: Option<HashMap<String, String>>,
) -> std::io::Result<()> {
    let other = |e: safetensors::SafeTensorError| std::io::Error::other(e.to_string());
    let views = tensors
        .map(|(name, x)| {
            Ok((
                name,
                TensorView::new(Dtype::F32, vec![x.len()], bytemuck::cast_slice(x))
                    .map_err(other)?,
            ))
        })
        .collect::<std::io::Result<Vec<_>>>()?;
    let bytes = safetensors::serialize(views, metadata).map_err(other)?;
    files::write_atomic(path, |w| w.write_all(&bytes))
}

/// The newest checkpoint in `dir` that is whole.
///
/// # Errors
/// There is none; the error says what is wrong with each.
pub fn newest(dir: &Path) -> Result<Checkpoint, CheckpointError> {
    let mut tried = Vec::new();
    for path in list(dir, ".safetensors").into_iter().rev() {
        match load(&path) {
            Ok(checkpoint) => {
                for fault in &tried {
                    log::warn!("{fault}; going on from the one before it");
                }
                return Ok(checkpoint);
            }
            Err(e) => tried.push(e.to_string()),
        }
    }
    Err(CheckpointError::None { dir: dir.to_owned(), tried })
}

fn load(path: &Path) -> Result<Checkpoint, CheckpointError> {
    let damaged = |why: String| CheckpointError::Damaged { path: path.to_owned(), why };
    let bytes = std::fs::read(path)
        .map_err(|source| CheckpointError::Io { path: path.to_owned(), source })?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| damaged(e.to_string()))?;
    let mut metadata = header.metadata().clone().unwrap_or_default();
    let format = metadata.get("format").cloned().unwrap_or_default();
    if format != FORMAT {
        return Err(damaged(format!("it has format `{format}`, this program reads `{FORMAT}`")));
    }
    let file = SafeTensors::deserialize(&bytes).map_err(|e| damaged(e.to_string()))?;
    let mut arrays: Vec<(String, Vec<f32>)> = file
        .iter()
        .map(|(name, view)| (name.to_owned(), bytemuck::pod_collect_to_vec(view.data())))
        .collect();
    arrays.sort_by(|a, b| a.0.cmp(&b.0));
    let hash = metadata.remove("sha256").unwrap_or_default();
    if hash != digest(&metadata, &arrays) {
        return Err(damaged("its content does not match its hash".to_owned()));
    }
    let field = |name: &str| metadata.get(name).map(String::as_str).unwrap_or_default();
    let json = |e: serde_json::Error| damaged(e.to_string());
    Ok(Checkpoint {
        path: path.to_owned(),
        progress: serde_json::from_str(field("progress")).map_err(json)?,
        best: serde_json::from_str(field("best")).map_err(json)?,
        arrays,
    })
}

/// Hash of metadata and arrays, in the order of their names.
fn digest(metadata: &HashMap<String, String>, arrays: &[(String, Vec<f32>)]) -> String {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    let mut fields: Vec<_> = metadata.iter().collect();
    fields.sort();
    for (name, value) in fields {
        part(name.as_bytes());
        part(value.as_bytes());
    }
    let mut sorted: Vec<_> = arrays.iter().collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, values) in sorted {
        part(name.as_bytes());
        part(bytemuck::cast_slice(values));
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Checkpoints in `dir` with that ending, oldest first.
fn list(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        name.starts_with("update-") && name.ends_with(ending)
    };
    let mut paths: Vec<PathBuf> = entries.map(|e| e.path()).filter(ours).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(dir: &Path, update: u64) {
        let progress = Progress { epoch: update, loss: 0.1 + 0.2, ..Progress::default() };
        let arrays = [("a".to_owned(), vec![1.5, -0.0]), ("b/c".to_owned(), vec![update as f32])];
        save(dir, update, &progress, Some(0.9), &arrays).unwrap();
    }

    #[test]
    fn comes_back_bit_for_bit_and_old_ones_go() {
        let dir = tempfile::tempdir().unwrap();
        (1..=4).for_each(|update| sample(dir.path(), update));
        let found = newest(dir.path()).unwrap();
        assert_eq!(found.progress.epoch, 4);
        assert_eq!(found.progress.loss.to_bits(), (0.1f64 + 0.2).to_bits());
        assert_eq!(found.array("a", 2).unwrap()[1].to_bits(), (-0.0f32).to_bits());
        assert!(found.array("a", 3).is_err());
        assert_eq!(list(dir.path(), ".safetensors").len(), KEEP);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let dir = tempfile::tempdir().unwrap();
        sample(dir.path(), 1);
        let path = list(dir.path(), ".safetensors").remove(0);
        let whole = std::fs::read(&path).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &bytes).unwrap();
            assert!(load(&path).is_err(), "bit {bit} of {}", whole.len() * 8);
        }
        for len in 0..whole.len() {
            std::fs::write(&path, &whole[..len]).unwrap();
            assert!(load(&path).is_err(), "cut at {len}");
        }
    }

    #[test]
    fn a_damaged_one_falls_back_to_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        sample(dir.path(), 1);
        sample(dir.path(), 2);
        let last = list(dir.path(), ".safetensors").pop().unwrap();
        std::fs::write(&last, b"not a checkpoint").unwrap();
        assert_eq!(newest(dir.path()).unwrap().progress.epoch, 1);
    }
}
