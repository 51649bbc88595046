//! The run folder: found or made before anything long begins, and used by one run at a time.
//!
//! A file with the name [`MARK`] says that a folder is one of this program's. It is made before all else,
//! stays, and is locked by the run that uses the folder; the lock ends with its process, however that
//! ends. Only in a marked folder is anything replaced, and only files that have the names of a run's own.
//! A symbolic link in the place of one of these is neither followed nor removed: it is an error.

use super::{FileFault, Usage};
use crate::files::{self, write::is_draft_of};
use crate::{archive, checkpoint, report};
use anyhow::Result;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// Name of the file that marks a run folder.
const MARK: &str = ".neuralearn";

/// Files of a run, the one that says that it is finished first.
const FILES: &[&str] = &[
    SUMMARY,
    SCENE,
    EXPERIMENT,
    SWEEP,
    RUNS,
    LINES,
    TABLE,
    EVENTS,
    PREDICTIONS,
    SCORES,
    ADAPTATION,
    archive::SPIKES,
    archive::TRACES,
    "weights.safetensors",
    BEST,
    DIVERGED,
    report::PAGE,
    // Of a version that marked a folder only while a run was using it.
    ".lock",
];

/// What a run that comes to its end leaves: its presence says that it did.
pub const SUMMARY: &str = "summary.json";

/// The scene as it ran.
pub const SCENE: &str = "scene.ron";

/// A line of JSON for each epoch, or from time to time.
pub const LINES: &str = "metrics.jsonl";

/// The same as a table.
pub const TABLE: &str = "metrics.csv";

/// What a trained network answers to a test set.
pub const PREDICTIONS: &str = "predictions.npz";

/// How hard the training samples are for a trained network.
pub use crate::data::scores::SCORES;

/// What a network that learned to learn answers while it learns one more task.
pub const ADAPTATION: &str = "adaptation.npz";

/// What a training by gradients had learned when it was best.
pub const BEST: &str = "weights-best.safetensors";

/// What the stages of an experiment are of.
pub const EXPERIMENT: &str = "experiment.json";

/// What the runs of a sweep are of.
pub const SWEEP: &str = "sweep.json";

/// The runs of a sweep as a table.
pub const RUNS: &str = "sweep.csv";

/// The lines of metrics as TensorBoard reads them.
pub const EVENTS: &str = "events.out.tfevents.0.neuralearn";

/// State of a simulation that diverged.
pub const DIVERGED: &str = "diverged.safetensors";

/// State of a run, to go on from.
pub const CHECKPOINTS: &str = "checkpoints";

/// Whether a file of this name is a run's own.
type IsOwn = fn(&str) -> bool;

/// Folders of a run, and which files in them are its own.
const FOLDERS: &[(&str, IsOwn)] = &[
    (CHECKPOINTS, checkpoint::is_checkpoint),
    (report::FIGURES, report::is_figure),
    (archive::SCRATCH, archive::is_recording),
];

/// A run folder that is ours until this is dropped.
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// The mark, locked.
    _mark: File,
}

impl Folder {
    /// Makes a folder for a new run of the scene in the file `scene`, called `stem`.
    pub fn create(out: Option<&Path>, scene: &Path, stem: &str, overwrite: bool) -> Result<Self> {
        let path = match out {
            Some(path) => path.to_owned(),
            None => next_free(Path::new("runs"), stem)?,
        };
        fs::create_dir_all(&path).map_err(|source| fault(&path, source))?;
        let mut entries = fs::read_dir(&path).map_err(|source| fault(&path, source))?;
        let is_used = entries.any(|e| e.is_ok_and(|e| e.file_name() != MARK));
        if is_used && !overwrite {
            let why =
                "it is not empty; use --overwrite to replace its results, or --resume to go on";
            return Err(refused(&path, why));
        }
        if is_used && !is_ours(&path) {
            let why = "--overwrite replaces results of this program, and there is nothing that shows that \
                       it made this folder; choose another for --out, or empty it yourself";
            return Err(refused(&path, why));
        }
        let own = |path: &Path| fs::canonicalize(path).ok();
        if own(scene).is_some_and(|scene| Some(scene) == own(&path.join(SCENE))) {
            let why = "its scene.ron is the scene to run, which would be replaced; choose another for --out";
            return Err(refused(&path, why));
        }
        let folder = Self::take(path, File::try_lock)?;
        folder.clear(|_| true)?;
        Ok(folder)
    }

    /// Takes the folder of a run that is to go on, and clears away what a run that was killed left.
    pub fn open(path: PathBuf) -> Result<Self> {
        if !path.is_dir() || !(is_ours(&path) || path.join(CHECKPOINTS).is_dir()) {
            return Err(Usage(format!("{} is not a run folder", path.display())).into());
        }
        let folder = Self::take(path, File::try_lock)?;
        folder.clear(|name| name == DIVERGED || name == ".lock")?;
        Ok(folder)
    }

    /// Takes a folder together with others who share it: an empty one, or one in which a sweep has begun.
    pub fn share(path: PathBuf) -> Result<Self> {
        fs::create_dir_all(&path).map_err(|source| fault(&path, source))?;
        let entries = fs::read_dir(&path).map_err(|source| fault(&path, source))?;
        // Another shard may be about to write down what the sweep is, which it does before all else.
        let is_other = |name: &str| name != MARK && !is_draft_of(name, |name| name == SWEEP);
        let mut names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        if names.any(|name| is_other(&name)) && !path.join(SWEEP).is_file() {
            let why = "it is not empty, and holds no sweep; choose another for --out";
            return Err(refused(&path, why));
        }
        Self::take(path, File::try_lock_shared)
    }

    /// Marks and locks a folder, or says that another run has it.
    fn take(path: PathBuf, lock: fn(&File) -> Result<(), TryLockError>) -> Result<Self> {
        for name in FILES.iter().chain(&[MARK]).chain(FOLDERS.iter().map(|(name, _)| name)) {
            if path.join(name).is_symlink() {
                let why = "it is a symbolic link, which a run neither follows nor removes; take it away, \
                           or choose another folder";
                return Err(refused(&path.join(name), why));
            }
        }
        let file = path.join(MARK);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use rustix::fs::OFlags;
            use std::os::unix::fs::OpenOptionsExt as _;
            options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32);
        }
        let mark = options.open(&file).map_err(|source| fault(&file, source))?;
        lock(&mark).map_err(|e| match e {
            TryLockError::WouldBlock => {
                fault(&path, io::Error::new(ErrorKind::ResourceBusy, "another run is using it"))
            }
            TryLockError::Error(source) => fault(&file, source),
        })?;
        Ok(Self { path, _mark: mark })
    }

    /// Removes the files of a run whose names are given, and all its drafts.
    fn clear(&self, gone: impl Fn(&str) -> bool) -> Result<()> {
        remove_files(&self.path, |name| {
            let known = |name: &str| FILES.contains(&name);
            known(name) && gone(name) || is_draft_of(name, known)
        })?;
        for (folder, is_own) in FOLDERS {
            let path = self.path.join(folder);
            remove_files(&path, |name| is_own(name) && gone(folder) || is_draft_of(name, is_own))?;
            // It stays if something of the user's is in it.
            let _ = fs::remove_dir(path);
        }
        Ok(())
    }

    /// Removes a folder of the run, but for what is not its own.
    pub fn remove(&self, folder: &str) -> Result<()> {
        self.clear(|name| name == folder)
    }

    /// Path of a file of the run.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Whether this program made the folder: it is marked, or has the summary of a version that made no marks.
fn is_ours(path: &Path) -> bool {
    let is_file = |name: &str| path.join(name).symlink_metadata().is_ok_and(|m| m.is_file());
    let summary = || {
        let text = crate::files::read::read(&path.join(SUMMARY), 1 << 30).ok()?;
        let summary: serde_json::Value = serde_json::from_slice(&text).ok()?;
        Some(summary.get("scene_sha256")?.is_string() && summary.get("version")?.is_string())
    };
    is_file(MARK) || is_file(SUMMARY) && summary() == Some(true)
}

/// Removes the regular files of a folder whose names are given; nothing else, and nothing of what links
/// lead to.
fn remove_files(folder: &Path, is_named: impl Fn(&str) -> bool) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(());
        }
        entries => entries.map_err(|source| fault(folder, source))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|source| fault(folder, source))?;
        let kind = entry.file_type().map_err(|source| fault(&entry.path(), source))?;
        if kind.is_file() && entry.file_name().to_str().is_some_and(&is_named) {
            found.push(entry.path());
        }
    }
    // That a run is finished is the first thing that is no longer said.
    found.sort_by_key(|path| !path.ends_with(SUMMARY));
    for path in found {
        match fs::remove_file(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(fault(&path, e).into()),
            _ => {}
        }
    }
    Ok(())
}

fn refused(path: &Path, why: &str) -> anyhow::Error {
    fault(path, io::Error::new(ErrorKind::AlreadyExists, why)).into()
}

fn fault(path: &Path, source: io::Error) -> FileFault {
    FileFault { what: format!("run folder {}", path.display()), source }
}

/// The first of <stem>-1, -2, ... in a folder that can be made.
pub fn next_free(within: &Path, stem: &str) -> Result<PathBuf> {
    fs::create_dir_all(within).map_err(|source| fault(within, source))?;
    for n in 1.. {
        let path = within.join(format!("{stem}-{n}"));
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            Err(e) => return Err(fault(within, e).into()),
        }
    }
    unreachable!("the numbers do not end")
}

/// Writes a file of a run.
pub fn write(path: &Path, content: &[u8]) -> Result<(), FileFault> {
    files::write_atomic(path, |w| w.write_all(content)).map_err(|source| super::fault(path, source))
}
