//! State of a run on disk: bit-exact, complete or absent.
//!
//! A checkpoint is a safetensors file with every array that a run changes and, as JSON in two more
//! tensors, what its host knows: what the run began with, and how far it is. Its metadata hold a SHA-256 of
//! all of it. It is written beside its final name, flushed and renamed, so a kill at any moment leaves the
//! ones before it. The newest two are kept; resuming takes the newest whose hash is right. A right hash
//! says that the file is as some program wrote it, not that this run can go on with it: what is taken
//! out of it is checked where it is known what it means.

use crate::files::{self, Values};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Checkpoints that are kept.
const KEEP: usize = 2;

/// Version of what is in a checkpoint.
const FORMAT: &str = "3";

/// Names of the tensors that hold what the host knows; no array's name begins with a slash.
const ORIGIN: &str = "/origin";
const PROGRESS: &str = "/progress";

/// Names of checkpoints around their numbers.
const BEGIN: &str = "state-";
const END: &str = ".safetensors";

/// What a run began with. It stays the same however often the run is broken off.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// Name of the scene.
    pub name: String,
    /// Hash of the file with which the run began.
    pub sha256: String,
    /// The comment with which that file opens.
    pub description: String,
    /// The scene that ran, as RON with all defaults and overrides.
    pub scene: String,
    /// How it was started.
    #[serde(flatten)]
    pub start: Start,
}

/// How a run was started; of a version that did not say so, nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Start {
    /// The command line of the process that began it, as a shell takes it.
    pub command: String,
    /// What was changed of the scene file, in the order in which it was: `PATH=VALUE`.
    pub overrides: Vec<String>,
    /// When, in UTC.
    pub started: String,
}

/// Where the checkpoints of a run are.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
    origin: Origin,
}

/// A state as read.
pub struct Checkpoint {
    /// The file.
    pub path: PathBuf,
    /// What the run began with.
    pub origin: Origin,
    /// What the host knew, as JSON.
    progress: Vec<u8>,
    /// Arrays by name.
    pub arrays: Vec<(String, Values)>,
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
    #[error("no checkpoint in {} can be read, so the run cannot go on; start it again{}", dir.display(), tried.iter().map(|t| format!("\n  {t}")).collect::<String>())]
    None {
        /// The directory.
        dir: PathBuf,
        /// What is wrong with those that are there.
        tried: Vec<String>,
    },
}

impl Checkpoint {
    /// What the host knew.
    ///
    /// # Errors
    /// It is of a run of another kind.
    pub fn progress<P: DeserializeOwned>(&self) -> Result<P, CheckpointError> {
        serde_json::from_slice(&self.progress).map_err(|e| self.foreign(e.to_string()))
    }

    /// The array of that name and length.
    ///
    /// # Errors
    /// It is not there, or has another length: the checkpoint is of another network.
    pub fn values(&self, name: &str, len: usize) -> Result<&Values, CheckpointError> {
        let found = self.arrays.iter().find(|(n, _)| n == name).map(|(_, values)| values);
        found.filter(|values| values.len() == len).ok_or_else(|| {
            let has = found.map_or("none".to_owned(), |values| values.len().to_string());
            self.foreign(format!("array `{name}` of {len} numbers is needed, it has {has}"))
        })
    }

    /// Length of the array of that name, if there is one.
    pub fn len(&self, name: &str) -> Option<usize> {
        self.arrays.iter().find(|(known, _)| known == name).map(|(_, values)| values.len())
    }

    /// The array of floats of that name and length.
    ///
    /// # Errors
    /// As for [`Self::values`].
    pub fn reals(&self, name: &str, len: usize) -> Result<&[f32], CheckpointError> {
        match self.values(name, len)? {
            Values::Reals(values) => Ok(values),
            Values::Words(_) => Err(self.foreign(format!("array `{name}` is not of floats"))),
        }
    }

    /// The same, all of them finite.
    ///
    /// # Errors
    /// As for [`Self::values`], and for a number that is not finite.
    pub fn finite(&self, name: &str, len: usize) -> Result<&[f32], CheckpointError> {
        let values = self.reals(name, len)?;
        match values.iter().position(|x| !x.is_finite()) {
            None => Ok(values),
            Some(k) => Err(self.damaged(format!("number {k} of `{name}` is {}", values[k]))),
        }
    }

    /// An error: it cannot be what a run saved.
    pub fn damaged(&self, why: String) -> CheckpointError {
        CheckpointError::Damaged { path: self.path.clone(), why }
    }

    /// An error: it belongs to another network.
    pub fn foreign(&self, why: String) -> CheckpointError {
        self.damaged(format!("{why}; it belongs to another network"))
    }
}

impl Store {
    /// The checkpoints in a folder, which need not be there yet.
    pub fn new(dir: impl Into<PathBuf>, origin: Origin) -> Self {
        Self { dir: dir.into(), origin }
    }

    /// Saves a state under a number that grows from state to state, and removes all but it and the one before.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn save(
        &self,
        number: u64,
        progress: &impl Serialize,
        arrays: &[(String, Values)],
    ) -> Result<(), CheckpointError> {
        let path = self.dir.join(format!("{BEGIN}{number:014}{END}"));
        let io = |source| CheckpointError::Io { path: path.clone(), source };
        std::fs::create_dir_all(&self.dir).map_err(io)?;
        let origin = serde_json::to_vec(&self.origin).map_err(|e| io(e.into()))?;
        let progress = serde_json::to_vec(progress).map_err(|e| io(e.into()))?;
        let metadata = HashMap::from([
            ("format".to_owned(), FORMAT.to_owned()),
            ("sha256".to_owned(), digest(&origin, &progress, arrays)),
        ]);
        let views = arrays.iter().map(|(name, values)| Ok((name.as_str(), values.view()?)));
        let known = [(ORIGIN, &origin), (PROGRESS, &progress)].map(|(name, json)| {
            TensorView::new(Dtype::U8, vec![json.len()], json).map(|view| (name, view))
        });
        let bytes = views
            .chain(known)
            .collect::<Result<Vec<_>, _>>()
            .and_then(|views| safetensors::serialize(views, Some(metadata)))
            .map_err(|e| io(std::io::Error::other(e.to_string())))?;
        files::write_atomic(&path, |w| w.write_all(&bytes)).map_err(io)?;
        tidy(&self.dir);
        Ok(())
    }

    /// Removes all but the newest so many.
    pub fn keep(&self, count: usize) {
        keep(&self.dir, count);
    }
}

/// Removes the checkpoints in a folder that a run no longer needs. Saving does; a run that was killed before may
/// have left one more.
pub fn tidy(dir: &Path) {
    keep(dir, KEEP);
}

fn keep(dir: &Path, count: usize) {
    for path in list(dir).into_iter().rev().skip(count) {
        // A file that cannot be removed costs space only.
        let _ = std::fs::remove_file(path);
    }
}

/// Whether a file of this name is a checkpoint.
pub fn is_checkpoint(name: &str) -> bool {
    let number = name.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
    number.is_some_and(|number| number.len() >= 14 && number.bytes().all(|c| c.is_ascii_digit()))
}

/// The newest checkpoint in `dir` that is whole.
///
/// # Errors
/// There is none; the error says what is wrong with each.
pub fn newest(dir: &Path) -> Result<Checkpoint, CheckpointError> {
    let mut tried = Vec::new();
    for path in list(dir).into_iter().rev() {
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
    let bytes = files::read::read(path, files::read::roomy())
        .map_err(|source| CheckpointError::Io { path: path.to_owned(), source })?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| damaged(e.to_string()))?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let field = |name: &str| metadata.get(name).map(String::as_str).unwrap_or_default();
    if field("format") != FORMAT {
        let format = field("format");
        return Err(damaged(format!("it has format `{format}`, this program reads `{FORMAT}`")));
    }
    let file = SafeTensors::deserialize(&bytes).map_err(|e| damaged(e.to_string()))?;
    let mut arrays = Vec::new();
    let [mut origin, mut progress] = [Vec::new(), Vec::new()];
    for (name, view) in file.iter() {
        let values = match view.dtype() {
            Dtype::F32 => Values::Reals(bytemuck::pod_collect_to_vec(view.data())),
            Dtype::U32 => Values::Words(bytemuck::pod_collect_to_vec(view.data())),
            Dtype::U8 if name == ORIGIN => {
                origin = view.data().to_vec();
                continue;
            }
            Dtype::U8 if name == PROGRESS => {
                progress = view.data().to_vec();
                continue;
            }
            other => return Err(damaged(format!("tensor `{name}` is of {other}"))),
        };
        arrays.push((name.to_owned(), values));
    }
    if field("sha256") != digest(&origin, &progress, &arrays) {
        return Err(damaged("its content does not match its hash".to_owned()));
    }
    let origin = serde_json::from_slice(&origin).map_err(|e| damaged(e.to_string()))?;
    Ok(Checkpoint { path: path.to_owned(), origin, progress, arrays })
}

/// Hash of what the host knows and of the arrays, in the order of their names.
fn digest(origin: &[u8], progress: &[u8], arrays: &[(String, Values)]) -> String {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    part(FORMAT.as_bytes());
    part(origin);
    part(progress);
    let mut sorted: Vec<_> = arrays.iter().collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, values) in sorted {
        part(name.as_bytes());
        part(values.bytes());
    }
    files::hex(&hash.finalize())
}

/// Checkpoints in `dir`, oldest first.
fn list(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let ours =
        |path: &PathBuf| path.file_name().and_then(|n| n.to_str()).is_some_and(is_checkpoint);
    let mut paths: Vec<PathBuf> = entries.map(|e| e.path()).filter(ours).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a training has it: numbers that must come back to the last bit.
    type Known = (u64, f64);

    fn sample(dir: &Path, number: u64) {
        let arrays = [
            ("a".to_owned(), Values::Reals(vec![1.5, -0.0])),
            ("b/c".to_owned(), Values::Words(vec![number as u32, u32::MAX])),
        ];
        let origin = Origin { name: "sample".to_owned(), ..Origin::default() };
        Store::new(dir, origin).save(number, &(number, 0.1 + 0.2), &arrays).unwrap();
    }

    #[test]
    fn comes_back_bit_for_bit_and_old_ones_go() {
        let dir = tempfile::tempdir().unwrap();
        (1..=4).for_each(|number| sample(dir.path(), number));
        let found = newest(dir.path()).unwrap();
        assert_eq!(found.origin.name, "sample");
        let (number, sum): Known = found.progress().unwrap();
        assert_eq!((number, sum.to_bits()), (4, (0.1f64 + 0.2).to_bits()));
        assert_eq!(found.reals("a", 2).unwrap()[1].to_bits(), (-0.0f32).to_bits());
        assert_eq!(*found.values("b/c", 2).unwrap(), Values::Words(vec![4, u32::MAX]));
        for refused in [found.reals("a", 3), found.reals("b/c", 2), found.reals("d", 1)] {
            assert!(refused.unwrap_err().to_string().contains("another network"));
        }
        assert!(found.progress::<String>().is_err());
        assert_eq!(list(dir.path()).len(), KEEP);
    }

    #[test]
    fn what_a_killed_run_kept_too_many_goes() {
        let dir = tempfile::tempdir().unwrap();
        (2..4).for_each(|number| sample(dir.path(), number));
        let newer = list(dir.path());
        let oldest = dir.path().join(format!("{BEGIN}{:014}{END}", 1));
        std::fs::copy(&newer[0], oldest).unwrap();
        tidy(dir.path());
        assert_eq!(list(dir.path()), newer);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let dir = tempfile::tempdir().unwrap();
        sample(dir.path(), 1);
        let path = list(dir.path()).remove(0);
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
        let last = list(dir.path()).pop().unwrap();
        std::fs::write(&last, b"not a checkpoint").unwrap();
        assert_eq!(newest(dir.path()).unwrap().progress::<Known>().unwrap().0, 1);
    }
}
