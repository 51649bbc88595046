//! What was made of raw files, kept from run to run.
//!
//! A raw file is unpacked or parsed once. What comes of it is kept in a file of a folder of the user, whose name is a
//! SHA-256 over the raw bytes and over all that shapes the result, so that nothing that is kept can be out of date: another
//! content, another range, another version of this program has another name. Its first line is a SHA-256 of the rest. A
//! file that does not match it is said to be damaged, and made anew. Everything here may be deleted at any time, and
//! several runs may use it at once, since a file takes its name when it is whole.
//!
//! Kept are images that are compressed and tables of text, from a size on where it saves more than it takes. Arrays of
//! numpy and images that are not compressed are read as fast as what would be kept of them; what is made by formula needs
//! no file at all.

use super::{hex, read, write_atomic};
use sha2::{Digest, Sha256};
use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Name of the variable that says where the folder is.
const VARIABLE: &str = "NEURALEARN_CACHE";

/// Bytes of a raw file from which on it is worth it: what is smaller is read in some milliseconds.
const WORTH: usize = 1 << 20;

/// Bytes of a hash in hexadecimal.
const HASH: usize = 64;

/// What can be kept.
pub trait Kept: Sized {
    /// As bytes.
    fn to_bytes(&self) -> Vec<u8>;

    /// From such bytes; none if they are no such thing.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

/// The folder of the user: `NEURALEARN_CACHE`, none if that is empty; else `neuralearn` in `XDG_CACHE_HOME` or `~/.cache`.
pub fn folder() -> Option<PathBuf> {
    if let Some(own) = env::var_os(VARIABLE) {
        return (!own.is_empty()).then(|| own.into());
    }
    // A relative path has no meaning there.
    let given = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let caches = given.or_else(|| Some(env::home_dir()?.join(".cache")))?;
    Some(caches.join("neuralearn"))
}

/// What `make` makes of raw bytes, or what it made of them before if `dir` has it. `how` tells apart all that is made of
/// the same bytes. A failure is not kept.
///
/// # Errors
/// Those of `make`. That nothing can be kept is none.
pub fn made<T: Kept, E>(
    dir: Option<&Path>,
    raw: &[u8],
    how: &str,
    make: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let Some(dir) = dir.filter(|_| raw.len() >= WORTH) else { return make() };
    let path = dir.join(name(raw, how));
    match find(&path) {
        Ok(Some(kept)) => return Ok(kept),
        Ok(None) => {}
        Err(why) => log::warn!("{}: {why}; it is made anew", path.display()),
    }
    let made = make()?;
    let bytes = made.to_bytes();
    // What could not be read back is not worth its place.
    if (bytes.len() + HASH) as u64 > read::roomy() {
        return Ok(made);
    }
    if let Err(e) = keep(&path, &bytes) {
        log::info!("{}: {e}; it will be made again", path.display());
    }
    Ok(made)
}

/// The name of what is made of raw bytes.
fn name(raw: &[u8], how: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(Sha256::digest(raw));
    hash.update(env!("CARGO_PKG_VERSION"));
    hash.update([0]);
    hash.update(how);
    hex(&hash.finalize())
}

/// What a file keeps, if there is one; the error is what is wrong with it, in words.
fn find<T: Kept>(path: &Path) -> Result<Option<T>, String> {
    let bytes = match read::read(path, read::roomy()) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        bytes => bytes.map_err(|e| e.to_string())?,
    };
    let whole = bytes.split_at_checked(HASH).filter(|(hash, rest)| {
        let is = hex(&Sha256::digest(rest));
        is.as_bytes() == *hash
    });
    let kept = whole.and_then(|(_, rest)| T::from_bytes(rest));
    kept.map(Some).ok_or_else(|| "it is damaged".to_owned())
}

/// Keeps bytes in a file, in a folder that is made if it is not there.
fn keep(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
    write_atomic(path, |w| {
        w.write_all(hex(&Sha256::digest(bytes)).as_bytes())?;
        w.write_all(bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::write::tests::names;

    impl Kept for Vec<u8> {
        fn to_bytes(&self) -> Vec<u8> {
            self.clone()
        }

        fn from_bytes(bytes: &[u8]) -> Option<Self> {
            Some(bytes.to_vec())
        }
    }

    /// What is made of some bytes, and whether it had to be made.
    fn made(dir: &Path, raw: &[u8], how: &str) -> (Vec<u8>, bool) {
        let mut anew = false;
        let made = super::made(Some(dir), raw, how, || {
            anew = true;
            Ok::<_, ()>([&raw[..3], how.as_bytes()].concat())
        });
        (made.unwrap(), anew)
    }

    #[test]
    fn what_is_made_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("made/on/demand");
        let raw = vec![7; WORTH];
        let other = [&raw[1..], &[8]].concat();
        for anew in [true, false] {
            for (raw, how) in [(&raw, "a"), (&raw, "b"), (&other, "a")] {
                assert_eq!(made(&dir, raw, how), ([&raw[..3], how.as_bytes()].concat(), anew));
            }
        }
        assert_eq!(names(&dir).len(), 3);
        // Neither what is small is kept, nor what fails.
        assert!(made(&dir, &raw[1..], "a").1 && made(&dir, &raw[1..], "a").1);
        let failed = super::made(Some(&dir), &raw, "c", || Err::<Vec<u8>, _>("no"));
        assert_eq!(failed, Err("no"));
        assert_eq!(names(&dir).len(), 3);
    }

    #[test]
    fn what_is_damaged_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let raw = vec![7; WORTH];
        let (wanted, _) = made(dir.path(), &raw, "a");
        let path = dir.path().join(name(&raw, "a"));
        let whole = fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        flipped[HASH] ^= 1;
        for damaged in [&flipped[..], &whole[..HASH + 1], &whole[..HASH - 1], &[]] {
            fs::write(&path, damaged).unwrap();
            assert_eq!(made(dir.path(), &raw, "a"), (wanted.clone(), true));
            assert_eq!(made(dir.path(), &raw, "a"), (wanted.clone(), false));
            assert_eq!(fs::read(&path).unwrap(), whole);
        }
    }

    #[test]
    fn a_folder_that_cannot_be_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(made(&file.join("sub"), &vec![7; WORTH], "a").1);
        assert_eq!(fs::read(&file).unwrap(), b"");
    }
}
