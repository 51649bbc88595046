//! The run folder: found or made before anything long begins, and used by one run at a time.

use super::{FileFault, Usage};
use crate::archive;
use anyhow::Result;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Files and folders that a run writes. `--overwrite` removes these and nothing else.
const OURS: &[&str] = &[
    "summary.json",
    "scene.ron",
    "metrics.jsonl",
    "spikes.npz",
    "traces.npz",
    archive::SCRATCH,
    "weights.safetensors",
    "weights-best.safetensors",
    "checkpoints",
    "figures",
    "report.html",
    LOCK,
];

const LOCK: &str = ".lock";

/// A run folder that is ours until this is dropped.
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    lock: File,
}

impl Folder {
    /// Makes a folder for a new run of the scene called `stem`.
    pub fn create(out: Option<&Path>, stem: &str, overwrite: bool) -> Result<Self> {
        let path = match out {
            Some(path) => path.to_owned(),
            None => next_free(stem)?,
        };
        let fault = |source| FileFault { what: format!("run folder {}", path.display()), source };
        std::fs::create_dir_all(&path).map_err(fault)?;
        let mut entries = std::fs::read_dir(&path).map_err(fault)?;
        if entries.any(|e| e.is_ok_and(|e| e.file_name() != LOCK)) && !overwrite {
            let why = std::io::Error::new(
                std::io::ErrorKind::AlreadyExists,
                "it is not empty; use --overwrite to replace its results, or --resume to go on",
            );
            return Err(fault(why).into());
        }
        let folder = Self::open(path)?;
        if overwrite {
            for name in OURS.iter().filter(|name| **name != LOCK) {
                let path = folder.path.join(name);
                let removed = if path.is_dir() {
                    std::fs::remove_dir_all(&path)
                } else {
                    std::fs::remove_file(&path)
                };
                match removed {
                    Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                        return Err(
                            FileFault { what: path.display().to_string(), source: e }.into()
                        );
                    }
                    _ => {}
                }
            }
        }
        Ok(folder)
    }

    /// Takes an existing folder, or says that another run has it.
    pub fn open(path: PathBuf) -> Result<Self> {
        let file = path.join(LOCK);
        let fault = |source| FileFault { what: format!("run folder {}", path.display()), source };
        if !path.is_dir() {
            return Err(Usage(format!("{} is not a run folder", path.display())).into());
        }
        let lock = File::create(&file).map_err(fault)?;
        lock.try_lock().map_err(|_| {
            fault(std::io::Error::new(std::io::ErrorKind::ResourceBusy, "another run is using it"))
        })?;
        Ok(Self { path, lock })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // The lock ends with the process in any case; the file is only tidied away.
        let _ = self.lock.unlock();
        let _ = std::fs::remove_file(self.path.join(LOCK));
    }
}

/// The first of runs/<stem>-1, -2, ... that can be made.
fn next_free(stem: &str) -> Result<PathBuf> {
    let runs = Path::new("runs");
    let fault = |source| FileFault { what: format!("run folder {}", runs.display()), source };
    std::fs::create_dir_all(runs).map_err(fault)?;
    for n in 1.. {
        let path = runs.join(format!("{stem}-{n}"));
        match std::fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(fault(e).into()),
        }
    }
    unreachable!("the numbers do not end")
}
