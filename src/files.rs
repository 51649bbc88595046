//! Files that other programs see: atomic writes, and arrays in the formats of numpy.
//!
//! [`write_atomic`] fills a temporary file beside the target and renames it once it is safely on
//! disk, so that a crash or a full disk leaves the old file or the new one, never half of one.
//! [`write_npz`] writes arrays through it. [`read_npy_f64`] and [`read_npy_pairs`] read one array and
//! trust nothing the file says about itself: numpy's format is simple enough for the few lines this
//! takes.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use npyz::npz::file_name_from_array_name;
use npyz::zip::write::FileOptions;
use npyz::zip::{CompressionMethod, DateTime, ZipWriter};
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, TensorView};

/// Most bytes a `.npy` file may hold: 1 GiB, or 134 million numbers of 8 bytes.
pub const MAX_NPY_BYTES: u64 = 1 << 30;

/// Replaces the file at `path` by what `fill` writes, all or nothing.
///
/// `fill` gets a buffered writer. A symbolic link at `path` is itself replaced.
///
/// # Errors
///
/// Those of `fill` and of the file system, also if `path` exists and is no regular file. What was
/// at `path` is then still there, and the temporary file is gone.
pub fn write_atomic(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    replace(path, |writer| fill(writer))
}

/// [`write_atomic`] for a `fill` that also needs to seek.
fn replace(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|target| !target.is_file()) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "exists and is not a regular file",
        ));
    }
    let (temporary, file) = create_beside(path)?;
    let write = || {
        let mut writer = BufWriter::new(file);
        fill(&mut writer)?;
        writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    };
    // The closure has closed the file, without which Windows would neither rename nor remove it.
    write().and_then(|()| fs::rename(&temporary, path)).inspect_err(|_| {
        let _ = fs::remove_file(&temporary);
    })?;
    sync_directory(path)
}

/// Creates a new file with a name of its own in the directory of `path`.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "does not end in a file name"));
    };
    loop {
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let mut temporary = name.to_os_string();
        temporary.push(format!(".{}-{count}.tmp", process::id()));
        let temporary = path.with_file_name(temporary);
        match File::create_new(&temporary) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {} // left by a crash
            result => return result.map(|file| (temporary, file)),
        }
    }
}

/// Makes a rename survive a power failure, where the file system has a way to.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    match File::open(directory.unwrap_or(Path::new(".")))?.sync_all() {
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

/// A number that numpy knows.
pub trait Number: Copy {
    /// Its type in numpy's words.
    const KIND: &'static str;
    /// Its bytes.
    type Bytes: AsRef<[u8]>;
    /// Its bytes, the lowest first.
    fn bytes(self) -> Self::Bytes;
}

macro_rules! number {
    ($type:ty, $kind:literal) => {
        impl Number for $type {
            const KIND: &'static str = $kind;
            type Bytes = [u8; size_of::<$type>()];
            fn bytes(self) -> Self::Bytes {
                self.to_le_bytes()
            }
        }
    };
}

number!(f32, "<f4");
number!(f64, "<f8");
number!(u32, "<u4");

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

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a version 1 file begins with; numpy aligns the elements behind it to 64 bytes.
    fn header(&self) -> Vec<u8> {
        let dims: Vec<String> = self.shape.iter().map(u64::to_string).collect();
        let comma = if dims.len() == 1 { "," } else { "" };
        let mut text = format!(
            "{{'descr': '{}', 'fortran_order': False, 'shape': ({}{comma}), }}",
            self.kind,
            dims.join(", ")
        );
        let before = b"\x93NUMPY\x01\x00".len() + 2;
        let length = (before + text.len() + 1).next_multiple_of(64) - before;
        text.extend(std::iter::repeat_n(' ', length - 1 - text.len()));
        text.push('\n');
        [b"\x93NUMPY\x01\x00", &(length as u16).to_le_bytes()[..], text.as_bytes()].concat()
    }
}

/// Writes arrays to an uncompressed `.npz` file, atomically and in little memory; `numpy.load` reads
/// it. Neither an array nor the file is limited to 4 GiB.
///
/// The same arrays always give the same bytes.
///
/// # Errors
///
/// Those of [`write_atomic`], and [`io::ErrorKind::InvalidInput`] for a shape that does not have as
/// many elements as the array.
pub fn write_npz(path: &Path, arrays: &[Npy]) -> io::Result<()> {
    replace(path, |writer| {
        let mut zip = ZipWriter::new(writer);
        let mut write = || {
            arrays.iter().try_for_each(|array| write_array(&mut zip, array))?;
            zip.finish()?;
            Ok(())
        };
        // When dropped unfinished it would write on, and print that it cannot.
        write().inspect_err(|_| std::mem::forget(zip))
    })
}

fn write_array(zip: &mut ZipWriter<&mut BufWriter<File>>, array: &Npy) -> io::Result<()> {
    let options = FileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .large_file(true);
    zip.start_file(file_name_from_array_name(&array.name), options)?;
    zip.write_all(&array.header())?;
    let mut counting = Counting { inner: BufWriter::new(zip), bytes: 0 };
    (array.fill)(&mut counting)?;
    counting.inner.flush()?;
    let want = array.shape.iter().try_fold(array.size, |product, dim| product.checked_mul(*dim));
    if want != Some(counting.bytes) {
        let Npy { name, shape, size, .. } = array;
        let elements = counting.bytes / size;
        let message = format!("array `{name}` has {elements} elements but shape {shape:?}");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    Ok(())
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

/// Why a file could not be read as a `.npy` array of numbers.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct NpyError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: NpyProblem,
}

/// What is wrong with a `.npy` file.
#[derive(Debug, thiserror::Error)]
pub enum NpyProblem {
    /// The file system refused.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// More than [`MAX_NPY_BYTES`].
    #[error("is larger than the limit of {MAX_NPY_BYTES} bytes; save fewer numbers")]
    TooLarge,
    /// Another kind of file.
    #[error("is not a .npy file; write it with numpy.save")]
    NotNpy,
    /// Cut short or not as numpy writes it.
    #[error("its header is damaged or of an unknown version; write it again with numpy.save")]
    Header,
    /// Elements that are not numbers of a known type.
    #[error(
        "has elements of type {0} where <f4, <f8, <i4, <i8, <u4 or <u8 is needed; save array.astype('<f8')"
    )]
    Type(String),
    /// Not one-dimensional.
    #[error("has shape ({0}) where one dimension is needed; save array.ravel()")]
    Rank(String),
    /// Elements that are not integers of a known type.
    #[error(
        "has elements of type {0} where integers, <i4, <i8, <u4 or <u8, are needed; save \
         array.astype('<i8')"
    )]
    NotIntegers(String),
    /// Not rows of two.
    #[error("has shape ({0}) where (n, 2) is needed, a row (source, target) for each synapse")]
    Pairs(String),
    /// The header promises another number of elements than follow it.
    #[error("promises {count} elements of {size} bytes but {found} bytes follow; write it again")]
    Payload {
        /// Elements promised.
        count: u64,
        /// Bytes of each.
        size: usize,
        /// Bytes after the header.
        found: usize,
    },
    /// An archive without an array.
    #[error("has no array `{0}`; record that population, or name another")]
    Missing(String),
    /// Times and neurons of another number.
    #[error("has {0} times for {1} neurons; write it again")]
    Lengths(usize, usize),
    /// Infinite or not a number.
    #[error("element {index} is {value} where a finite number is needed")]
    NotFinite {
        /// Position of the first such element, from 0.
        index: usize,
        /// The element.
        value: f64,
    },
}

/// Reads a one-dimensional `.npy` array of little-endian `f4`, `f8`, `i4`, `i8`, `u4` or `u8`.
///
/// Integers beyond 2^53 are rounded to the nearest `f64`.
///
/// # Errors
///
/// [`NpyError`] if the file is anything else, is damaged, or has an element that is not finite.
pub fn read_npy_f64(path: &Path) -> Result<Vec<f64>, NpyError> {
    read_npy(path, parse_npy)
}

/// Reads a two-dimensional `.npy` array of little-endian `i4`, `i8`, `u4` or `u8` with rows of two,
/// in either order of memory. Integers beyond those of `i64` become the largest of it.
///
/// # Errors
///
/// [`NpyError`] if the file is anything else or is damaged.
pub fn read_npy_pairs(path: &Path) -> Result<Vec<[i64; 2]>, NpyError> {
    read_npy(path, parse_npy_pairs)
}

fn read_npy<T>(path: &Path, parse: fn(&[u8]) -> Result<T, NpyProblem>) -> Result<T, NpyError> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(MAX_NPY_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_NPY_BYTES { Err(NpyProblem::TooLarge) } else { parse(&bytes) }
    };
    read().map_err(|problem| NpyError { path: path.to_path_buf(), problem })
}

/// What the header of a `.npy` file says, and what follows it.
#[derive(Clone, Copy)]
struct NpyParts<'b> {
    /// Type of the elements, as a Python literal.
    kind: &'b str,
    /// Lengths, as they are written.
    shape: &'b str,
    /// Whether the first index runs fastest.
    fortran: bool,
    data: &'b [u8],
}

impl<'b> NpyParts<'b> {
    fn new(bytes: &'b [u8]) -> Result<Self, NpyProblem> {
        let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or(NpyProblem::NotNpy)?;
        let (header, data) = split_header(rest).ok_or(NpyProblem::Header)?;
        let (kind, shape) = kind_and_shape(header).ok_or(NpyProblem::Header)?;
        let fortran = header.contains("'fortran_order': True");
        Ok(Self { kind, shape, fortran, data })
    }

    /// The lengths, if there are `N`.
    fn dims<const N: usize>(&self) -> Option<[&'b str; N]> {
        let dims = self.shape.split(',').map(str::trim).filter(|dim| !dim.is_empty());
        dims.collect::<Vec<_>>().try_into().ok()
    }
}

fn parse_npy_pairs(bytes: &[u8]) -> Result<Vec<[i64; 2]>, NpyProblem> {
    let parts = NpyParts::new(bytes)?;
    let NpyParts { kind, shape, fortran, data } = parts;
    let rows = match parts.dims() {
        Some([rows, "2"]) => rows.parse::<u64>().map_err(|_| NpyProblem::Header)?,
        _ => return Err(NpyProblem::Pairs(quote(shape))),
    };
    let count = rows.saturating_mul(2);
    let values = match kind {
        "'<i4'" => decode(data, count, |bytes| i32::from_le_bytes(bytes).into()),
        "'<i8'" => decode(data, count, i64::from_le_bytes),
        "'<u4'" => decode(data, count, |bytes| u32::from_le_bytes(bytes).into()),
        "'<u8'" => {
            decode(data, count, |bytes| u64::from_le_bytes(bytes).try_into().unwrap_or(i64::MAX))
        }
        other => Err(NpyProblem::NotIntegers(quote(other))),
    }?;
    Ok(if fortran {
        let (sources, targets) = values.split_at(values.len() / 2);
        sources.iter().zip(targets).map(|(&source, &target)| [source, target]).collect()
    } else {
        values.as_chunks().0.to_vec()
    })
}

fn parse_npy(bytes: &[u8]) -> Result<Vec<f64>, NpyProblem> {
    let parts = NpyParts::new(bytes)?;
    let NpyParts { kind, shape, data, .. } = parts;
    let [count] = parts.dims().ok_or_else(|| NpyProblem::Rank(quote(shape)))?;
    let count = count.parse().map_err(|_| NpyProblem::Header)?;

    let values = match kind {
        "'<f4'" => decode(data, count, |bytes| f32::from_le_bytes(bytes).into()),
        "'<f8'" => decode(data, count, f64::from_le_bytes),
        "'<i4'" => decode(data, count, |bytes| i32::from_le_bytes(bytes).into()),
        "'<i8'" => decode(data, count, |bytes| i64::from_le_bytes(bytes) as f64),
        "'<u4'" => decode(data, count, |bytes| u32::from_le_bytes(bytes).into()),
        "'<u8'" => decode(data, count, |bytes| u64::from_le_bytes(bytes) as f64),
        other => Err(NpyProblem::Type(quote(other))),
    }?;
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(values),
        Some(index) => Err(NpyProblem::NotFinite { index, value: values[index] }),
    }
}

/// Reads the spikes of a population from a `spikes.npz` of an earlier run, as times \[ms\] and
/// neurons in the order of time.
///
/// # Errors
/// The file is damaged, lacks the population, or its arrays do not belong together.
pub fn read_spikes(path: &Path, population: &str) -> Result<Vec<(f64, u32)>, NpyError> {
    let read = || {
        let mut archive = npyz::npz::NpzArchive::open(path)?;
        let missing = |name: &str| NpyProblem::Missing(name.to_owned());
        let (time_name, id_name) = (format!("{population}.t_ms"), format!("{population}.id"));
        let times = archive.by_name(&time_name)?.ok_or_else(|| missing(&time_name))?;
        let times: Vec<f64> = times.into_vec()?;
        let ids = archive.by_name(&id_name)?.ok_or_else(|| missing(&id_name))?;
        let ids: Vec<u32> = ids.into_vec()?;
        if times.len() != ids.len() {
            return Err(NpyProblem::Lengths(times.len(), ids.len()));
        }
        let mut spikes: Vec<(f64, u32)> = times.into_iter().zip(ids).collect();
        match spikes.iter().position(|(t, _)| !(t.is_finite() && *t > 0.0)) {
            Some(index) => Err(NpyProblem::NotFinite { index, value: spikes[index].0 }),
            None => {
                spikes.sort_by(|a, b| a.0.total_cmp(&b.0));
                Ok(spikes)
            }
        }
    };
    read().map_err(|problem| NpyError { path: path.to_path_buf(), problem })
}

/// Numbers of an array, of one type.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Floats.
    Reals(Vec<f32>),
    /// Words.
    Words(Vec<u32>),
}

impl Values {
    /// How many there are.
    #[allow(clippy::len_without_is_empty, reason = "nobody asks")]
    pub fn len(&self) -> usize {
        match self {
            Values::Reals(values) => values.len(),
            Values::Words(values) => values.len(),
        }
    }

    /// Their bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Values::Reals(values) => bytemuck::cast_slice(values),
            Values::Words(values) => bytemuck::cast_slice(values),
        }
    }

    /// As a tensor of one dimension.
    ///
    /// # Errors
    /// There are too many.
    pub fn view(&self) -> Result<TensorView<'_>, SafeTensorError> {
        let dtype = match self {
            Values::Reals(_) => Dtype::F32,
            Values::Words(_) => Dtype::U32,
        };
        TensorView::new(dtype, vec![self.len()], self.bytes())
    }
}

/// Writes one-dimensional tensors to a `.safetensors` file, all or nothing.
///
/// # Errors
/// The file system refuses.
pub fn write_tensors(path: &Path, tensors: &[(String, Values)]) -> io::Result<()> {
    let views = tensors.iter().map(|(name, values)| Ok((name, values.view()?)));
    let bytes = views
        .collect::<Result<Vec<_>, _>>()
        .and_then(|views| safetensors::serialize(views, None))
        .map_err(|e: SafeTensorError| io::Error::other(e.to_string()))?;
    write_atomic(path, |writer| writer.write_all(&bytes))
}

/// Reads one tensor of floats from a `.safetensors` file.
///
/// # Errors
/// The file cannot be read, is not safetensors, or has no such tensor of type F32.
pub fn read_tensor(path: &Path, name: &str) -> Result<Vec<f64>, TensorError> {
    let bytes = std::fs::read(path)?;
    let file = safetensors::SafeTensors::deserialize(&bytes)?;
    let tensor = file.tensor(name)?;
    if tensor.dtype() != safetensors::Dtype::F32 {
        return Err(TensorError::Type { found: format!("{:?}", tensor.dtype()), needed: "F32" });
    }
    let values: Vec<f64> = tensor
        .data()
        .chunks_exact(4)
        .map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]])))
        .collect();
    match values.iter().position(|x| !x.is_finite()) {
        Some(index) => Err(TensorError::NotFinite { index, value: values[index] }),
        None => Ok(values),
    }
}

/// Reads one tensor of words from a `.safetensors` file, if it has it.
///
/// # Errors
/// The file cannot be read, is not safetensors, or the tensor is not of type U32.
pub fn read_words(path: &Path, name: &str) -> Result<Option<Vec<u32>>, TensorError> {
    let bytes = std::fs::read(path)?;
    let file = safetensors::SafeTensors::deserialize(&bytes)?;
    let Ok(tensor) = file.tensor(name) else { return Ok(None) };
    if tensor.dtype() != Dtype::U32 {
        return Err(TensorError::Type { found: format!("{:?}", tensor.dtype()), needed: "U32" });
    }
    Ok(Some(bytemuck::pod_collect_to_vec(tensor.data())))
}

/// Why a tensor could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TensorError {
    /// The file system refused.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Not safetensors, damaged, or without that tensor.
    #[error("{0}")]
    Format(#[from] safetensors::SafeTensorError),
    /// Elements of another type.
    #[error("elements are {found}, {needed} is needed")]
    Type {
        /// What they are.
        found: String,
        /// What they are to be.
        needed: &'static str,
    },
    /// An archive without an array.
    #[error("has no array `{0}`; record that population, or name another")]
    Missing(String),
    /// Times and neurons of another number.
    #[error("has {0} times for {1} neurons; write it again")]
    Lengths(usize, usize),
    /// Infinite or not a number.
    #[error("element {index} is {value} where a finite number is needed")]
    NotFinite {
        /// Position of the first such element, from 0.
        index: usize,
        /// The element.
        value: f64,
    },
}

/// As much of a header as an error message should repeat.
fn quote(text: &str) -> String {
    text.chars().take(60).collect()
}

/// Splits what follows the magic bytes into the header's text and the data.
fn split_header(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = match bytes.split_first_chunk()? {
        ([1, _], rest) => {
            let (&length, rest) = rest.split_first_chunk()?;
            (u16::from_le_bytes(length).into(), rest)
        }
        ([2 | 3, _], rest) => {
            let (&length, rest) = rest.split_first_chunk()?;
            (u32::from_le_bytes(length) as usize, rest)
        }
        _ => return None,
    };
    let (header, data) = rest.split_at_checked(length)?;
    Some((str::from_utf8(header).ok()?, data))
}

/// The type, as a Python literal, and the shape, without its parentheses, of a header such as
/// `{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }`.
fn kind_and_shape(header: &str) -> Option<(&str, &str)> {
    let value = |key| Some(header.split_once(key)?.1.trim_start().strip_prefix(':')?.trim_start());
    let (kind, _) = value("'descr'")?.split_once(", 'fortran_order'")?;
    let (shape, _) = value("'shape'")?.strip_prefix('(')?.split_once(')')?;
    Some((kind, shape))
}

/// Decodes exactly `count` elements of `SIZE` bytes.
fn decode<const SIZE: usize, T>(
    data: &[u8],
    count: u64,
    value: fn([u8; SIZE]) -> T,
) -> Result<Vec<T>, NpyProblem> {
    if count.checked_mul(SIZE as u64) != Some(data.len() as u64) {
        return Err(NpyProblem::Payload { count, size: SIZE, found: data.len() });
    }
    Ok(data.as_chunks().0.iter().map(|&bytes| value(bytes)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use npyz::npz::NpzArchive;

    fn names(dir: &Path) -> Vec<String> {
        fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    /// An array in memory.
    fn given<T: Number>(name: &str, shape: &[u64], data: &[T]) -> Npy<'static> {
        let bytes: Vec<u8> = data.iter().flat_map(|x| x.bytes().as_ref().to_vec()).collect();
        Npy::new::<T>(name, shape, move |writer| writer.write_all(&bytes))
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
    fn a_failed_write_leaves_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "old").unwrap();
        let error = write_atomic(&path, |writer| {
            writer.write_all(&[0; 100_000])?;
            Err(io::Error::other("no more"))
        });
        assert_eq!(error.unwrap_err().to_string(), "no more");
        assert!(write_npz(&path, &[given("a", &[2, 2], &[1u32, 2, 3])]).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names(dir.path()), ["file"]);
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

    #[test]
    fn npz_reads_back() {
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
        assert_eq!(fs::read(&paths[0]).unwrap(), fs::read(&paths[1]).unwrap());

        let mut npz = NpzArchive::open(&paths[0]).unwrap();
        let matrix = npz.by_name("m").unwrap().unwrap();
        assert_eq!(matrix.shape(), [2, 3]);
        let matrix = matrix.into_vec::<f32>().unwrap();
        assert_eq!(matrix[..4], [1.0, 2.0, 3.0, -4.5]);
        assert!(matrix[4].is_nan());
        let scalar = npz.by_name("s").unwrap().unwrap();
        assert!(scalar.shape().is_empty());
        assert_eq!(scalar.into_vec::<f64>().unwrap(), [0.1]);
        assert!(npz.by_name("e").unwrap().unwrap().into_vec::<u32>().unwrap().is_empty());
        let none = npz.by_name("none of two").unwrap().unwrap();
        assert_eq!(none.shape(), [0, 2]);
        assert!(none.into_vec::<f32>().unwrap().is_empty());
    }

    #[test]
    fn npy_header_is_that_of_numpy() {
        for (shape, text) in
            [(&[][..], "()"), (&[3], "(3,)"), (&[u64::MAX, 2, 0], "(18446744073709551615, 2, 0)")]
        {
            let header = given::<f64>("a", shape, &[]).header();
            assert_eq!(header.len() % 64, 0);
            let length = u16::from_le_bytes([header[8], header[9]]);
            assert_eq!(
                (&header[..8], length as usize),
                (&b"\x93NUMPY\x01\x00"[..], header.len() - 10)
            );
            let (dict, padding) = header[10..].split_at(header.len() - 10 - 1);
            let dict = str::from_utf8(dict).unwrap().trim_end();
            assert_eq!(
                dict,
                format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {text}, }}")
            );
            assert_eq!(padding, b"\n");
        }
    }

    #[test]
    fn npz_refuses_a_shape_that_does_not_fit() {
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

    /// A version 1 file.
    fn npy(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header =
            format!("{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}   \n");
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    }

    fn f8(values: &[f64]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    #[test]
    fn npy_reads_every_type() {
        let cases = [
            ("'<f4'", [1.5f32.to_le_bytes(), (-2.0f32).to_le_bytes()].concat(), [1.5, -2.0]),
            ("'<f8'", f8(&[0.1, -2.0]), [0.1, -2.0]),
            (
                "'<i4'",
                [i32::MIN.to_le_bytes(), 3i32.to_le_bytes()].concat(),
                [-2_147_483_648.0, 3.0],
            ),
            (
                "'<i8'",
                [(-5i64).to_le_bytes(), i64::MAX.to_le_bytes()].concat(),
                [-5.0, 9_223_372_036_854_775_808.0],
            ),
            (
                "'<u4'",
                [0u32.to_le_bytes(), u32::MAX.to_le_bytes()].concat(),
                [0.0, 4_294_967_295.0],
            ),
            (
                "'<u8'",
                [7u64.to_le_bytes(), u64::MAX.to_le_bytes()].concat(),
                [7.0, 18_446_744_073_709_551_616.0],
            ),
        ];
        for (kind, data, values) in cases {
            assert_eq!(parse_npy(&npy(kind, "(2,)", &data)).unwrap(), values, "{kind}");
        }
        assert!(parse_npy(&npy("'<f8'", "(0,)", &[])).unwrap().is_empty());

        let version_1 = npy("'<f8'", "(1,)", &f8(&[4.0]));
        let version_2 =
            [b"\x93NUMPY\x02\x00", &version_1[8..10], &[0, 0], &version_1[10..]].concat();
        assert_eq!(parse_npy(&version_2).unwrap(), [4.0]);
    }

    #[test]
    fn npy_says_what_is_wrong() {
        let long_header = b"\x93NUMPY\x02\x00\xff\xff\xff\xff{'descr'".to_vec();
        let nested = npy(&"[".repeat(60_000), "(1,)", &[]);
        let cases: [(Vec<u8>, &str); 16] = [
            (vec![], "is not a .npy file"),
            (b"PK\x03\x04".to_vec(), "is not a .npy file"),
            (b"\x93NUMPY\x09\x00\x00\x00".to_vec(), "unknown version"),
            (long_header, "header is damaged"),
            (nested, "elements of type [[["),
            (npy("'|O'", "(1,)", &[0; 8]), "elements of type '|O'"),
            (npy("'>f8'", "(1,)", &[0; 8]), "elements of type '>f8'"),
            (
                npy("[('a', '<f8'), ('b', '<f8')]", "(1,)", &[0; 16]),
                "elements of type [('a', '<f8'), ('b', '<f8')]",
            ),
            (npy("'<f8'", "()", &[0; 8]), "has shape ()"),
            (npy("'<f8'", "(1, 1)", &[0; 8]), "has shape (1, 1)"),
            (npy("'<f8'", "(-1,)", &[0; 8]), "header is damaged"),
            (
                npy("'<f8'", "(18446744073709551615,)", &[0; 8]),
                "promises 18446744073709551615 elements",
            ),
            (npy("'<f8'", "(3,)", &[0; 16]), "promises 3 elements of 8 bytes but 16 bytes follow"),
            (npy("'<f8'", "(1,)", &[0; 9]), "promises 1 elements of 8 bytes but 9 bytes follow"),
            (npy("'<f8'", "(3,)", &f8(&[0.0, f64::NAN, 1.0])), "element 1 is NaN"),
            (npy("'<f8'", "(2,)", &f8(&[0.0, f64::NEG_INFINITY])), "element 1 is -inf"),
        ];
        for (bytes, message) in cases {
            let error = parse_npy(&bytes).expect_err(message).to_string();
            assert!(error.contains(message), "{error}\nlacks: {message}");
            assert!(error.len() < 200, "{error}");
        }
        let error = read_npy_f64(Path::new("no/such.npy")).unwrap_err().to_string();
        assert!(error.starts_with("no/such.npy: cannot be read: "), "{error}");
    }

    #[test]
    fn pairs_are_rows_of_two_integers() {
        let rows: Vec<u8> = [1i32, -2, 3, 4].iter().flat_map(|x| x.to_le_bytes()).collect();
        let file = npy("'<i4'", "(2, 2)", &rows);
        assert_eq!(parse_npy_pairs(&file).unwrap(), [[1, -2], [3, 4]]);
        // numpy saves a transposed array column by column; a space keeps the header's length.
        let text = String::from_utf8_lossy(&file[10..]).replace("False", "True ");
        let columns =
            [&file[..10], &text.as_bytes()[..text.find('\n').unwrap() + 1], &rows].concat();
        assert_eq!(parse_npy_pairs(&columns).unwrap(), [[1, 3], [-2, 4]]);
        let large = [u64::MAX.to_le_bytes(), 7u64.to_le_bytes()].concat();
        assert_eq!(parse_npy_pairs(&npy("'<u8'", "(1, 2)", &large)).unwrap(), [[i64::MAX, 7]]);
        assert!(parse_npy_pairs(&npy("'<i8'", "(0, 2)", &[])).unwrap().is_empty());
        for (kind, shape, words) in [
            ("'<i4'", "(4,)", "shape (4,) where (n, 2)"),
            ("'<i4'", "(2, 3)", "shape (2, 3) where (n, 2)"),
            ("'<i4'", "(1, 2, 2)", "shape (1, 2, 2) where (n, 2)"),
            ("'<i4'", "(9223372036854775808, 2)", "elements of 4 bytes but 16"),
            ("'<i4'", "(-1, 2)", "header is damaged"),
            ("'<f8'", "(1, 2)", "type '<f8' where integers"),
        ] {
            let error = parse_npy_pairs(&npy(kind, shape, &rows)).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn every_damaged_npy_is_refused_or_read_without_panic() {
        let bytes = npy("'<f8'", "(2,)", &f8(&[1.0, 2.0]));
        for end in 0..bytes.len() {
            assert!(parse_npy(&bytes[..end]).is_err(), "first {end} bytes");
        }
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(values) = parse_npy(&flipped) {
                assert!(values.len() * 8 <= bytes.len(), "bit {bit}");
            }
        }
    }
}
