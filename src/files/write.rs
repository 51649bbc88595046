//! Files that appear once they are whole.
//!
//! A [`Draft`] is filled beside its place and renamed once it is safely on disk, so that a crash or a full
//! disk leaves the old file or the new one, never half of one. A draft that is given up is removed; one
//! whose process was killed stays, and is known by its name: see [`is_draft_of`].

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};

/// End of the name of a draft.
const ENDING: &str = ".part";

/// Characters that tell drafts of one file apart.
const RANDOM: usize = 6;

/// A file that is written, and not yet in its place.
#[derive(Debug)]
pub struct Draft {
    file: NamedTempFile,
    path: PathBuf,
}

impl Draft {
    /// What `fill` writes, on disk beside its place at `path`.
    ///
    /// # Errors
    /// Those of `fill` and of the file system, also if `path` exists and is no regular file.
    pub fn write(
        path: &Path,
        fill: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
    ) -> io::Result<Self> {
        if fs::metadata(path).is_ok_and(|target| !target.is_file()) {
            let what = "exists and is not a regular file";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let Some(name) = path.file_name() else {
            let what = "does not end in a file name";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        };
        let mut start = name.to_os_string();
        start.push(".");
        let mut builder = Builder::new();
        builder.prefix(&start).suffix(ENDING).rand_bytes(RANDOM);
        // As files are made elsewhere: the umask takes what it takes.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(directory(path))?;
        let mut writer = BufWriter::new(file.as_file_mut());
        fill(&mut writer)?;
        writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Puts the file in its place; what was there before is gone. That takes no room on the disk.
    ///
    /// # Errors
    /// Those of the file system. What was there is then still there, and the draft is gone.
    pub fn publish(self) -> io::Result<()> {
        self.file.persist(&self.path).map_err(|e| e.error)?;
        sync_directory(&self.path)
    }
}

/// Replaces the file at `path` by what `fill` writes, all or nothing. A symbolic link at `path` is itself
/// replaced.
///
/// # Errors
/// Those of `fill` and of the file system, also if `path` exists and is no regular file. What was at `path`
/// is then still there, and nothing is beside it.
pub fn write_atomic(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
) -> io::Result<()> {
    Draft::write(path, fill)?.publish()
}

/// Whether a file of this name is a draft of one whose name `is_known`.
pub fn is_draft_of(name: &str, is_known: impl Fn(&str) -> bool) -> bool {
    let Some(rest) = name.strip_suffix(ENDING) else { return false };
    let Some((start, random)) = rest.rsplit_once('.') else { return false };
    random.len() == RANDOM && random.bytes().all(|c| c.is_ascii_alphanumeric()) && is_known(start)
}

/// The folder of a file.
fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a rename survive a power failure, where the file system has a way to.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    match File::open(directory(path))?.sync_all() {
        Err(error)
            if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
        {
            Ok(())
        }
        result => result,
    }
}

#[cfg(not(unix))]
fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::io::Write as _;

    /// Names of what lies in a folder.
    pub fn names(dir: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        fs::read_dir(dir).unwrap().map(|entry| name(entry).into_string().unwrap()).collect()
    }

    #[test]
    fn a_write_replaces_the_file_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        for content in ["old", "newer"] {
            write_atomic(&path, |writer| writer.write_all(content.as_bytes())).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(names(dir.path()), ["file"]);
    }

    #[test]
    #[cfg(unix)]
    fn a_file_has_the_rights_that_files_have_here() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let [ours, usual] = ["ours", "usual"].map(|name| dir.path().join(name));
        write_atomic(&ours, |_| Ok(())).unwrap();
        fs::write(&usual, "").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&usual));
    }

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "old").unwrap();
        let error = write_atomic(&path, |writer| {
            writer.write_all(&[0; 100_000])?;
            Err(io::Error::other("no more"))
        });
        assert_eq!(error.unwrap_err().to_string(), "no more");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names(dir.path()), ["file"]);
    }

    #[test]
    fn a_draft_is_known_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let draft = Draft::write(&dir.path().join("file"), |w| w.write_all(b"new")).unwrap();
        let [name] = &names(dir.path())[..] else { panic!("one file") };
        assert!(is_draft_of(name, |start| start == "file"), "{name}");
        for other in ["file", "file.part", "file.abcdef.tmp", "other.abcdef.part", "file..part"] {
            assert!(!is_draft_of(other, |start| start == "file"), "{other}");
        }
        drop(draft);
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn a_write_refuses_what_is_no_file() {
        let dir = tempfile::tempdir().unwrap();
        for path in
            [dir.path().to_path_buf(), dir.path().join(".."), dir.path().join("absent/file")]
        {
            assert!(write_atomic(&path, |_| Ok(())).is_err(), "{}", path.display());
        }
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn concurrent_writes_leave_one_whole_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::thread::scope(|scope| {
            for byte in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    write_atomic(path, |writer| writer.write_all(&[byte; 50_000])).unwrap()
                });
            }
        });
        let bytes = fs::read(&path).unwrap();
        assert_eq!(bytes, [bytes[0]; 50_000]);
        assert_eq!(names(dir.path()), ["file"]);
    }
}
