//! The one way in which a file is opened that a scene, a command line or a run folder names.
//!
//! Whatever has a path may be named: a pipe that nobody writes to, a device that never ends, a folder. Only
//! regular files are taken. That is asked before opening, since opening a device can have effects, and
//! again of what was opened, since another file may have taken the name in between; opening itself
//! waits for nobody.

use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use crate::machine;

/// A regular file.
#[derive(Debug)]
pub struct Opened {
    /// The file, at its beginning.
    pub file: File,
    /// Its length \[bytes\], when it was opened.
    pub len: u64,
}

/// Opens a regular file.
///
/// # Errors
/// Those of the file system, and [`io::ErrorKind::InvalidInput`] if it is no regular file.
pub fn open(path: &Path) -> io::Result<Opened> {
    regular(fs::metadata(path)?.file_type())?;
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits() as i32);
    }
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    regular(metadata.file_type())?;
    Ok(Opened { file, len: metadata.len() })
}

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// Those of [`open`], and [`io::ErrorKind::FileTooLarge`].
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let Opened { file, len } = open(path)?;
    if len > limit {
        return Err(too_large(len, limit));
    }
    let mut bytes = Vec::new();
    // Files of some systems say that they are empty, and others grow while they are read.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(bytes.len() as u64, limit));
    }
    Ok(bytes)
}

/// Most bytes that are taken from a file whose content nothing else bounds: a quarter of the memory, since
/// what is made of them takes its place beside them.
pub fn roomy() -> u64 {
    machine::memory() / 4
}

/// An error for more bytes than there is use for.
pub fn too_large(bytes: u64, limit: u64) -> io::Error {
    let what = format!("it has {bytes} bytes, and at most {limit} can be taken");
    io::Error::new(io::ErrorKind::FileTooLarge, what)
}

/// Refuses what is no regular file.
fn regular(kind: FileType) -> io::Result<()> {
    if kind.is_file() {
        return Ok(());
    }
    let what = format!("it is {}, and a regular file is needed", noun(kind));
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}

/// What a path that names no regular file names.
fn noun(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if kind.is_fifo() {
            return "a named pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "a device";
        }
    }
    if kind.is_dir() { "a directory" } else { "something else" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "four").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"four");
        let error = read(&path, 3).unwrap_err();
        assert_eq!(error.to_string(), "it has 4 bytes, and at most 3 can be taken");
        let error = read(&dir.path().join("absent"), 3).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    #[cfg(unix)]
    fn only_regular_files_are_opened() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let dir = tempfile::tempdir().unwrap();
        let [pipe, link] = ["pipe", "link"].map(|name| dir.path().join(name));
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        for (path, what) in [
            (pipe.as_path(), "a named pipe"),
            (dir.path(), "a directory"),
            (link.as_path(), "a device"),
            (Path::new("/dev/zero"), "a device"),
        ] {
            let error = read(path, u64::MAX).unwrap_err().to_string();
            assert_eq!(error, format!("it is {what}, and a regular file is needed"));
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_file_that_hides_its_length_is_read_no_further() {
        let path = Path::new("/proc/self/status");
        assert!(!read(path, 1 << 20).unwrap().is_empty());
        assert_eq!(read(path, 10).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
