//! Archives of arrays, numpy's `.npz`: a zip file with a `.npy` file for each array.
//!
//! They are written uncompressed, an array at a time and in little memory, and read packed or not.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use npyz::{DType, Deserialize, TypeStr, WriteOptions, WriterBuilder as _};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::npy::{NpyError, NpyProblem, NpyReader, Number};
use super::read::{self, Opened};
use super::write::write_atomic;

/// Bytes up to which an array may be packed as tightly as it likes.
const SMALL: u64 = 16 << 20;

/// Bytes into which a packed byte of a larger array may unpack. Deflate can reach a thousand, but only of
/// numbers that are all alike.
const MAX_RATIO: u64 = 100;

/// An array to write, which need not fit into memory.
pub struct Npy<'a> {
    name: String,
    kind: &'static str,
    /// Bytes of an element.
    size: u64,
    shape: Vec<u64>,
    fill: Box<Fill<'a>>,
}

type Fill<'a> = dyn Fn(&mut dyn Write) -> io::Result<()> + 'a;

impl<'a> Npy<'a> {
    /// An array of this name and shape, slowest dimension first. `fill` writes its elements in
    /// row-major order, each as its [`Number::bytes`].
    pub fn new<T: Number>(
        name: impl Into<String>,
        shape: &[u64],
        fill: impl Fn(&mut dyn Write) -> io::Result<()> + 'a,
    ) -> Self {
        let (shape, size) = (shape.to_vec(), size_of::<T>() as u64);
        Self { name: name.into(), kind: T::KIND, size, shape, fill: Box::new(fill) }
    }

    /// An array of these elements.
    pub fn of<T: Number>(name: impl Into<String>, shape: &[u64], elements: &'a [T]) -> Self {
        Self::new::<T>(name, shape, |writer| {
            elements.iter().try_for_each(|x| writer.write_all(x.bytes().as_ref()))
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Writes arrays to an uncompressed `.npz` file, atomically and in little memory; `numpy.load` reads
/// it. Neither an array nor the file is limited to 4 GiB.
///
/// The same arrays always give the same bytes.
///
/// # Errors
/// Those of [`write_atomic`], and [`io::ErrorKind::InvalidInput`] for a shape that does not have as
/// many elements as the array, or for two arrays of one name.
pub fn write_npz(path: &Path, arrays: &[Npy]) -> io::Result<()> {
    write_atomic(path, |writer| {
        let mut zip = ZipWriter::new(writer);
        match arrays.iter().try_for_each(|array| write_array(&mut zip, array)) {
            Ok(()) => zip.finish().map(|_| ()).map_err(Into::into),
            Err(e) => {
                // When dropped unfinished it would write on, and print that it cannot.
                std::mem::forget(zip);
                Err(e)
            }
        }
    })
}

fn write_array(zip: &mut ZipWriter<&mut BufWriter<&mut File>>, array: &Npy) -> io::Result<()> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .large_file(true);
    zip.start_file(file_name(&array.name), options)?;
    let kind: TypeStr = array.kind.parse().map_err(io::Error::other)?;
    // A shape whose size no number holds has no header either; it is refused below, by what it has.
    let want = array.shape.iter().try_fold(array.size, |product, dim| product.checked_mul(*dim));
    if want.is_some() {
        let header = WriteOptions::new_header_only().dtype(DType::new_scalar(kind));
        header.shape(&array.shape).writer(&mut *zip).write_header_only()?;
    }
    let mut counting = Counting { inner: BufWriter::new(zip), bytes: 0 };
    (array.fill)(&mut counting)?;
    counting.inner.flush()?;
    if want != Some(counting.bytes) {
        let Npy { name, shape, size, .. } = array;
        let elements = counting.bytes / size;
        let message = format!("array `{name}` has {elements} elements but shape {shape:?}");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    Ok(())
}

/// Name of the file of an array.
fn file_name(array: &str) -> String {
    format!("{array}.npy")
}

/// A writer that counts what goes through it.
struct Counting<W> {
    inner: W,
    bytes: u64,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// An archive to read from.
pub struct Archive {
    path: PathBuf,
    zip: ZipArchive<BufReader<File>>,
}

impl Archive {
    /// Opens an archive.
    ///
    /// # Errors
    /// The file is none, or cannot be read.
    pub fn open(path: &Path) -> Result<Self, NpyProblem> {
        let Opened { file, .. } = read::open(path)?;
        let zip = ZipArchive::new(BufReader::new(file)).map_err(unpacked)?;
        Ok(Self { path: path.to_owned(), zip })
    }

    /// The array of that name, unless it is packed as no numbers are.
    ///
    /// # Errors
    /// [`NpyProblem::Missing`] if there is none, and others if it cannot be read.
    pub fn array(&mut self, name: &str) -> Result<NpyReader<impl Read>, NpyProblem> {
        let file = self.zip.by_name(&file_name(name)).map_err(|error| match error {
            ZipError::FileNotFound => NpyProblem::Missing(name.to_owned()),
            other => unpacked(other),
        })?;
        let (packed, bytes) = (file.compressed_size(), file.size());
        if bytes > SMALL && bytes / MAX_RATIO > packed {
            return Err(NpyProblem::Packed { name: name.to_owned(), bytes, packed });
        }
        NpyReader::new(&self.path, BufReader::new(file.take(bytes)), bytes)
    }
}

/// Why an archive cannot be unpacked.
fn unpacked(error: ZipError) -> NpyProblem {
    match error {
        ZipError::Io(error) => NpyProblem::Io(error),
        other => NpyProblem::NotNpz(other.to_string()),
    }
}

/// Reads an array of an archive: its shape, and its elements in the order in which they lie there.
///
/// # Errors
/// The file is damaged, lacks the array, or has it of another type.
pub fn read_array<T: Deserialize>(path: &Path, name: &str) -> Result<(Vec<u64>, Vec<T>), NpyError> {
    let read = || {
        let mut archive = Archive::open(path)?;
        let array = archive.array(name)?;
        Ok((array.shape().to_vec(), array.decode(|x: T| x)?))
    };
    read().map_err(|problem: NpyProblem| problem.of(path))
}

/// Writes the elements of an array of an archive, of type [`Number::KIND`], as they lie there.
///
/// # Errors
/// The file is damaged, lacks the array, or has it of another type; `to` takes no more.
pub fn copy_array(
    path: &Path,
    name: &str,
    kind: &str,
    to: &mut impl Write,
) -> Result<(), NpyError> {
    let mut copy = || Archive::open(path)?.array(name)?.copy(kind, to);
    copy().map_err(|problem| problem.of(path))
}

/// Reads the spikes of a population from a `spikes.npz` of an earlier run, as times \[ms\] and
/// neurons in the order of time.
///
/// # Errors
/// The file is damaged, lacks the population, or its arrays do not belong together.
pub fn read_spikes(path: &Path, population: &str) -> Result<Vec<(f64, u32)>, NpyError> {
    let read = || {
        let mut archive = Archive::open(path)?;
        let [t_ms, id] = ["t_ms", "id"].map(|what| format!("{population}.{what}"));
        let times = archive.array(&t_ms)?.count();
        let ids = archive.array(&id)?.count();
        if times != ids {
            return Err(NpyProblem::Lengths(times, ids));
        }
        let mut spikes = Vec::new();
        for (index, t) in archive.array(&t_ms)?.elements::<f64>()?.enumerate() {
            let value = t?;
            if !(value.is_finite() && value > 0.0) {
                return Err(NpyProblem::Time { index, value });
            }
            spikes.push((value, 0));
        }
        for (spike, id) in spikes.iter_mut().zip(archive.array(&id)?.elements()?) {
            spike.1 = id?;
        }
        spikes.sort_by(|a, b| a.0.total_cmp(&b.0));
        Ok(spikes)
    };
    read().map_err(|problem| problem.of(path))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::files::npy::tests::npy;
    use crate::files::write::tests::names;
    use std::fs;
    use std::time::{Duration, Instant};

    /// An array in memory.
    fn given<T: Number>(name: &str, shape: &[u64], data: &[T]) -> Npy<'static> {
        let bytes: Vec<u8> = data.iter().flat_map(|x| x.bytes().as_ref().to_vec()).collect();
        Npy::new::<T>(name, shape, move |writer| writer.write_all(&bytes))
    }

    #[test]
    fn an_archive_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let paths = [dir.path().join("a.npz"), dir.path().join("b.npz")];
        for path in &paths {
            let arrays = [
                given("m", &[2, 3], &[1.0, 2.0, 3.0, -4.5, f32::NAN, 6.0]),
                given("s", &[], &[0.1f64]),
                given::<u32>("e", &[0], &[]),
                given::<f32>("none of two", &[0, 2], &[]),
            ];
            write_npz(path, &arrays).unwrap();
        }
        let path = &paths[0];
        assert_eq!(fs::read(path).unwrap(), fs::read(&paths[1]).unwrap());

        let (shape, matrix) = read_array::<f32>(path, "m").unwrap();
        assert_eq!((shape, &matrix[..4]), (vec![2, 3], &[1.0, 2.0, 3.0, -4.5][..]));
        assert!(matrix[4].is_nan());
        assert_eq!(read_array::<f64>(path, "s").unwrap(), (vec![], vec![0.1]));
        assert_eq!(read_array::<u32>(path, "e").unwrap(), (vec![0], vec![]));
        assert_eq!(read_array::<f32>(path, "none of two").unwrap(), (vec![0, 2], vec![]));
        let error = read_array::<f32>(path, "s").unwrap_err().to_string();
        assert!(error.contains("elements of type '<f8'"), "{error}");
        let error = read_array::<f32>(path, "t").unwrap_err().to_string();
        assert!(error.contains("has no array `t`"), "{error}");
    }

    #[test]
    fn a_shape_that_does_not_fit_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for shape in [&[2, 2][..], &[], &[0], &[u64::MAX, u64::MAX]] {
            let array = given("a", shape, &[0f32; 3]);
            let error = write_npz(&dir.path().join("a.npz"), &[array]).unwrap_err();
            assert!(
                error.to_string().starts_with("array `a` has 3 elements but shape ["),
                "{error}"
            );
        }
        assert!(names(dir.path()).is_empty());
    }

    /// Packs arrays, given as files, as numpy.savez_compressed does.
    pub fn packed(path: &Path, arrays: &[(&str, Vec<u8>)]) {
        let mut zip = ZipWriter::new(File::create(path).unwrap());
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        for (name, bytes) in arrays {
            zip.start_file(file_name(name), options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
    }

    #[test]
    fn spikes_are_read_packed_and_sorted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("spikes.npz");
        let times = |times: &[f64]| {
            let bytes: Vec<u8> = times.iter().flat_map(|t| t.to_le_bytes()).collect();
            npy("'<f8'", &format!("({},)", times.len()), &bytes)
        };
        let ids = npy("'<u4'", "(2,)", &[7, 0, 0, 0, 1, 0, 0, 0]);
        packed(&path, &[("a.t_ms", times(&[2.0, 0.5])), ("a.id", ids.clone())]);
        assert_eq!(read_spikes(&path, "a").unwrap(), [(0.5, 1), (2.0, 7)]);
        for (first, words) in [
            (times(&[2.0]), "1 times for 2 neurons"),
            (times(&[2.0, 0.0]), "time 1 is 0 ms"),
            (times(&[f64::NAN, 0.5]), "time 0 is NaN ms"),
        ] {
            packed(&path, &[("a.t_ms", first), ("a.id", ids.clone())]);
            let error = read_spikes(&path, "a").unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn what_is_packed_as_no_numbers_are_stays_packed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bomb.npz");
        let count = 1 << 23;
        let times = npy("'<f8'", &format!("({count},)"), &1f64.to_le_bytes().repeat(count));
        packed(&path, &[("a.t_ms", times)]);
        let since = Instant::now();
        let error = read_spikes(&path, "a").unwrap_err().to_string();
        assert!(error.contains("`a.t_ms` of 67108") && error.contains("savez"), "{error}");
        assert!(since.elapsed() < Duration::from_millis(100), "{:?}", since.elapsed());
    }

    #[test]
    fn a_damaged_archive_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.npz");
        write_npz(&path, &[given("a.t_ms", &[2], &[1.0f64, 2.0]), given("a.id", &[2], &[0u32; 2])])
            .unwrap();
        let whole = fs::read(&path).unwrap();
        for end in 0..whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            assert!(read_spikes(&path, "a").is_err(), "cut at {end}");
        }
        for bit in (0..whole.len() * 8).step_by(3) {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &bytes).unwrap();
            let _ = read_spikes(&path, "a");
        }
    }
}
