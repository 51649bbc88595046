//! Arrays in numpy's `.npy` format.
//!
//! npyz understands headers and elements. It takes a header at its word, so that word is looked at first:
//! its length, its brackets, its numbers, and whether as many bytes follow as it promises. Elements are
//! read when someone asks for them, who may by then have found that their number does not fit.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use npyz::{DType, Deserialize, NpyFile, NpyHeader, Order, TypeChar};

use super::read::{self, Opened};

const MAGIC: &[u8] = b"\x93NUMPY";

/// Longest text of a header \[bytes\]; numpy's own limit.
const MAX_HEADER: u64 = 10_000;

/// Deepest nesting of brackets in a header; that of an array of numbers is two.
const MAX_DEPTH: i32 = 8;

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
number!(u8, "|u1");

/// Why a file could not be read as an array of numbers.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct NpyError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: NpyProblem,
}

/// What is wrong with a file of arrays.
#[derive(Debug, thiserror::Error)]
pub enum NpyProblem {
    /// The file system refused, or it is no regular file.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// More than the memory holds.
    #[error(
        "has an array of {bytes} bytes, more than the {limit} that this machine has room for; save \
         fewer numbers"
    )]
    TooLarge {
        /// Bytes of the array.
        bytes: u64,
        /// The most that are taken.
        limit: u64,
    },
    /// Unpacks to far more than numbers do.
    #[error(
        "has an array `{name}` of {bytes} bytes packed into {packed}, as no recording packs; write \
         it again with numpy.savez"
    )]
    Packed {
        /// Name of the array.
        name: String,
        /// Its bytes.
        bytes: u64,
        /// Bytes in the file.
        packed: u64,
    },
    /// Another kind of file.
    #[error("is not a .npy file; write it with numpy.save")]
    NotNpy,
    /// No archive, or none that can be unpacked.
    #[error("is not a .npz file, or a damaged one ({0}); write it with numpy.savez")]
    NotNpz(String),
    /// Cut short or not as numpy writes it.
    #[error("its header is damaged or of an unknown version; write it again with numpy.save")]
    Header,
    /// Elements that are not numbers of a known type.
    #[error(
        "has elements of type {0} where f4, f8 or integers are needed; save array.astype('<f8')"
    )]
    Type(String),
    /// Not one-dimensional.
    #[error("has shape {0} where one dimension is needed; save array.ravel()")]
    Rank(String),
    /// Elements that are not integers of a known type.
    #[error(
        "has elements of type {0} where integers, i4, i8, u4 or u8, are needed; save \
         array.astype('<i8')"
    )]
    NotIntegers(String),
    /// Not rows of two.
    #[error("has shape {0} where (n, 2) is needed, a row (source, target) for each synapse")]
    Pairs(String),
    /// The header promises another number of elements than follow it.
    #[error("promises {count} elements of {size} bytes but {found} bytes follow; write it again")]
    Payload {
        /// Elements promised.
        count: u64,
        /// Bytes of each.
        size: u64,
        /// Bytes after the header.
        found: u64,
    },
    /// An archive without an array.
    #[error("has no array `{0}`; record that population, or name another")]
    Missing(String),
    /// Times and neurons of another number.
    #[error("has {0} times for {1} neurons; write it again")]
    Lengths(u64, u64),
    /// Infinite, not a number, or too large for the engines.
    #[error("element {index} is {value:?} where a finite number of single precision is needed")]
    NotFinite {
        /// Position of the first such element, from 0.
        index: usize,
        /// The element.
        value: f64,
    },
    /// A time at which nothing can spike.
    #[error("time {index} is {value} ms where a finite time after 0 is needed")]
    Time {
        /// Position of the first such time, from 0.
        index: usize,
        /// The time \[ms\].
        value: f64,
    },
}

impl NpyProblem {
    /// The problem as that of a file.
    pub(super) fn of(self, path: &Path) -> NpyError {
        NpyError { path: path.to_path_buf(), problem: self }
    }
}

/// The elements of an array, one by one.
pub type Reals<'a> = Box<dyn Iterator<Item = io::Result<f64>> + 'a>;

/// An array whose header was read and whose elements were not.
pub struct NpyReader<R = BufReader<File>> {
    path: PathBuf,
    header: NpyHeader,
    data: R,
}

impl NpyReader {
    /// Opens a `.npy` file.
    ///
    /// # Errors
    /// [`NpyError`] if it is anything else, or damaged.
    pub fn open(path: &Path) -> Result<Self, NpyError> {
        let open = || {
            let Opened { file, len } = read::open(path)?;
            Self::new(path, BufReader::new(file), len)
        };
        open().map_err(|problem: NpyProblem| problem.of(path))
    }
}

impl<R: Read> NpyReader<R> {
    /// An array that is the next `bytes` of what can be read, of the file at `path`.
    pub(super) fn new(path: &Path, mut data: R, bytes: u64) -> Result<Self, NpyProblem> {
        let (header, length) = read_header(&mut data)?;
        let found = bytes.saturating_sub(length);
        let limit = read::roomy();
        if found > limit {
            return Err(NpyProblem::TooLarge { bytes: found, limit });
        }
        let count = header.shape().iter().product();
        if let Some(size) = header.dtype().num_bytes().map(|size| size as u64)
            && u64::checked_mul(count, size) != Some(found)
        {
            return Err(NpyProblem::Payload { count, size, found });
        }
        Ok(Self { path: path.to_owned(), header, data })
    }

    /// Number of elements.
    pub fn count(&self) -> u64 {
        self.header.len()
    }

    /// Lengths, the slowest dimension first.
    pub fn shape(&self) -> &[u64] {
        self.header.shape()
    }

    /// Elements of a one-dimensional array of numbers. Integers beyond 2^53 are rounded.
    ///
    /// # Errors
    /// [`NpyError`] if the array is another, or an element is none that an engine can compute with.
    pub fn numbers(self) -> Result<Vec<f64>, NpyError> {
        let path = self.path.clone();
        self.finite().map_err(|problem| problem.of(&path))
    }

    fn finite(self) -> Result<Vec<f64>, NpyProblem> {
        if self.shape().len() != 1 {
            return Err(NpyProblem::Rank(self.shape_text()));
        }
        let values = self.reals()?.collect::<io::Result<Vec<_>>>()?;
        match values.iter().position(|value| !(*value as f32).is_finite()) {
            None => Ok(values),
            Some(index) => Err(NpyProblem::NotFinite { index, value: values[index] }),
        }
    }

    /// The elements in the order in which they lie there, whatever numbers they are. Integers beyond 2^53 are
    /// rounded.
    ///
    /// # Errors
    /// [`NpyProblem::Type`] if they are none.
    pub fn reals<'a>(self) -> Result<Reals<'a>, NpyProblem>
    where
        R: 'a,
    {
        match self.element() {
            Some((TypeChar::Float, 4)) => self.each::<f32>(f64::from),
            Some((TypeChar::Float, 8)) => self.each::<f64>(|x| x),
            Some((TypeChar::Int, 1)) => self.each::<i8>(f64::from),
            Some((TypeChar::Int, 2)) => self.each::<i16>(f64::from),
            Some((TypeChar::Int, 4)) => self.each::<i32>(f64::from),
            Some((TypeChar::Int, 8)) => self.each::<i64>(|x| x as f64),
            Some((TypeChar::Uint, 1)) => self.each::<u8>(f64::from),
            Some((TypeChar::Uint, 2)) => self.each::<u16>(f64::from),
            Some((TypeChar::Uint, 4)) => self.each::<u32>(f64::from),
            Some((TypeChar::Uint, 8)) => self.each::<u64>(|x| x as f64),
            _ => Err(NpyProblem::Type(quote(&self.header.dtype().descr()))),
        }
    }

    fn each<'a, T: Deserialize + 'a>(self, real: fn(T) -> f64) -> Result<Reals<'a>, NpyProblem>
    where
        R: 'a,
    {
        Ok(Box::new(self.elements()?.map(move |x| x.map(real))))
    }

    /// Rows of a two-dimensional array of integers with two columns, in either order of memory. Integers
    /// beyond those of `i64` become the largest of it.
    fn pairs(self) -> Result<Vec<[i64; 2]>, NpyProblem> {
        let &[rows, 2] = self.shape() else {
            return Err(NpyProblem::Pairs(self.shape_text()));
        };
        let by_column = self.by_column();
        let values = match self.element() {
            Some((TypeChar::Int, 4)) => self.decode(|x: i32| i64::from(x)),
            Some((TypeChar::Int, 8)) => self.decode(|x: i64| x),
            Some((TypeChar::Uint, 4)) => self.decode(|x: u32| i64::from(x)),
            Some((TypeChar::Uint, 8)) => self.decode(|x: u64| x.try_into().unwrap_or(i64::MAX)),
            _ => Err(NpyProblem::NotIntegers(quote(&self.header.dtype().descr()))),
        }?;
        Ok(if by_column {
            let (sources, targets) = values.split_at(rows as usize);
            sources.iter().zip(targets).map(|(&source, &target)| [source, target]).collect()
        } else {
            values.as_chunks().0.to_vec()
        })
    }

    /// Whether the fastest dimension is the first, as that of an array that was transposed.
    pub fn by_column(&self) -> bool {
        self.header.order() == Order::Fortran
    }

    /// Whether its elements are bytes, as those of images.
    pub fn is_bytes(&self) -> bool {
        self.element() == Some((TypeChar::Uint, 1))
    }

    /// Kind and bytes of an element, if it is one number.
    fn element(&self) -> Option<(TypeChar, u64)> {
        match self.header.dtype() {
            DType::Plain(kind) => Some((kind.type_char(), kind.size_field())),
            _ => None,
        }
    }

    /// Its shape as numpy prints it.
    pub fn shape_text(&self) -> String {
        let dims: Vec<String> = self.shape().iter().map(u64::to_string).collect();
        quote(&format!("({}{})", dims.join(", "), if dims.len() == 1 { "," } else { "" }))
    }

    /// The elements, in the order in which they lie there.
    pub(super) fn decode<T: Deserialize, V>(
        self,
        value: impl Fn(T) -> V,
    ) -> Result<Vec<V>, NpyProblem> {
        self.elements()?.map(|x| Ok(value(x?))).collect()
    }

    /// Writes the elements as they lie there, if they are of this type.
    pub(super) fn copy(mut self, kind: &str, to: &mut impl Write) -> Result<(), NpyProblem> {
        let found = self.header.dtype().descr();
        if found != format!("'{kind}'") {
            return Err(NpyProblem::Type(quote(&found)));
        }
        io::copy(&mut self.data, to)?;
        Ok(())
    }

    /// The elements one by one.
    pub(super) fn elements<T: Deserialize>(
        self,
    ) -> Result<impl Iterator<Item = io::Result<T>>, NpyProblem> {
        let kind = self.header.dtype().descr();
        let file = NpyFile::with_header(self.header, self.data);
        file.data().map_err(|_| NpyProblem::Type(quote(&kind)))
    }
}

/// Reads a two-dimensional `.npy` array of integers with rows of two.
///
/// # Errors
/// [`NpyError`] if the file is anything else or is damaged.
pub fn read_npy_pairs(path: &Path) -> Result<Vec<[i64; 2]>, NpyError> {
    NpyReader::open(path)?.pairs().map_err(|problem| problem.of(path))
}

/// Reads a header; with it comes its length in the file.
fn read_header(source: &mut impl Read) -> Result<(NpyHeader, u64), NpyProblem> {
    let mut take = |count: u64| -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        source.take(count).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let mut bytes = take(MAGIC.len() as u64 + 2)?;
    if !bytes.starts_with(MAGIC) {
        return Err(NpyProblem::NotNpy);
    }
    let length = match bytes.get(MAGIC.len()) {
        Some(1) => take(2)?,
        Some(2 | 3) => take(4)?,
        _ => return Err(NpyProblem::Header),
    };
    let count = length.iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte));
    if count > MAX_HEADER {
        return Err(NpyProblem::Header);
    }
    let text = take(count)?;
    if !is_tame(&text) {
        return Err(NpyProblem::Header);
    }
    bytes.extend(length);
    bytes.extend(text);
    let header = NpyHeader::from_reader(&bytes[..]).map_err(|_| NpyProblem::Header)?;
    Ok((header, bytes.len() as u64))
}

/// Whether npyz can be given a header: it goes one call deeper for each bracket, and multiplies lengths and
/// sizes without a look at how large they become.
fn is_tame(text: &[u8]) -> bool {
    let mut depth = 0;
    let shallow = text.iter().all(|c| {
        depth += match c {
            b'(' | b'[' | b'{' => 1,
            b')' | b']' | b'}' => -1,
            _ => 0,
        };
        depth <= MAX_DEPTH
    });
    let mut numbers = text.split(|c| !c.is_ascii_digit()).filter(|run| !run.is_empty());
    let product = numbers.try_fold(1u64, |product, run| {
        let number: u64 = str::from_utf8(run).ok()?.parse().ok()?;
        product.checked_mul(number.max(1))
    });
    shallow && product.is_some()
}

/// As much of a header as an error message should repeat.
fn quote(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A version 1 file.
    pub fn npy(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header =
            format!("{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}   \n");
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    }

    fn f8(values: &[f64]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn parse_npy(bytes: &[u8]) -> Result<Vec<f64>, NpyProblem> {
        NpyReader::new(Path::new("test.npy"), bytes, bytes.len() as u64)?.finite()
    }

    fn parse_npy_pairs(bytes: &[u8]) -> Result<Vec<[i64; 2]>, NpyProblem> {
        NpyReader::new(Path::new("test.npy"), bytes, bytes.len() as u64)?.pairs()
    }

    #[test]
    fn every_type_is_read() {
        let cases = [
            ("'|u1'", vec![0, 255], [0.0, 255.0]),
            ("'|i1'", vec![0x80, 1], [-128.0, 1.0]),
            ("'<i2'", vec![0xff, 0xff, 1, 1], [-1.0, 257.0]),
            ("'<u2'", vec![0xff, 0xff, 1, 1], [65_535.0, 257.0]),
            ("'<f4'", [1.5f32.to_le_bytes(), (-2.0f32).to_le_bytes()].concat(), [1.5, -2.0]),
            ("'<f8'", f8(&[0.1, -2.0]), [0.1, -2.0]),
            ("'>f8'", [0.1f64.to_be_bytes(), (-2.0f64).to_be_bytes()].concat(), [0.1, -2.0]),
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
    fn what_is_wrong_is_said() {
        let long_header = b"\x93NUMPY\x02\x00\xff\xff\xff\xff{'descr'".to_vec();
        let nested = |n| npy(&"[".repeat(n), "(1,)", &[]);
        let cases: [(Vec<u8>, &str); 19] = [
            (vec![], "is not a .npy file"),
            (b"PK\x03\x04".to_vec(), "is not a .npy file"),
            (b"\x93NUMPY\x09\x00\x00\x00".to_vec(), "unknown version"),
            (long_header, "header is damaged"),
            (nested(60_000), "header is damaged"),
            (nested(9_000), "header is damaged"),
            (npy("'|O'", "(1,)", &[0; 8]), "elements of type '|O'"),
            (npy("'<f2'", "(4,)", &[0; 8]), "elements of type '<f2'"),
            (
                npy("[('a', '<f8'), ('b', '<f8')]", "(1,)", &[0; 16]),
                "elements of type [('a', '<f8'), ('b', '<f8')",
            ),
            (npy("'<f8'", "()", &[0; 8]), "has shape ()"),
            (npy("'<f8'", "(1, 1)", &[0; 8]), "has shape (1, 1)"),
            (npy("'<f8'", "(-1,)", &[0; 8]), "header is damaged"),
            (npy("'<f8'", "(18446744073709551615,)", &[0; 8]), "header is damaged"),
            (npy("'<f8'", "(4294967296, 4294967296)", &[0; 8]), "header is damaged"),
            (npy("'<f8'", "(3,)", &[0; 16]), "promises 3 elements of 8 bytes but 16 bytes follow"),
            (npy("'<f8'", "(1,)", &[0; 9]), "promises 1 elements of 8 bytes but 9 bytes follow"),
            (npy("'<f8'", "(3,)", &f8(&[0.0, f64::NAN, 1.0])), "element 1 is NaN"),
            (npy("'<f8'", "(2,)", &f8(&[0.0, f64::NEG_INFINITY])), "element 1 is -inf"),
            // A number of double precision that single precision does not have.
            (npy("'<f8'", "(2,)", &f8(&[1e38, -1e39])), "element 1 is -1e39"),
        ];
        for (bytes, message) in cases {
            let error = parse_npy(&bytes).expect_err(message).to_string();
            assert!(error.contains(message), "{error}\nlacks: {message}");
            assert!(error.len() < 200, "{error}");
        }
        let Err(error) = NpyReader::open(Path::new("no/such.npy")) else { panic!("it is there") };
        let error = error.to_string();
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
            ("'<i4'", "(4, 1)", "shape (4, 1) where (n, 2)"),
            ("'<i4'", "(1, 2, 2)", "shape (1, 2, 2) where (n, 2)"),
            ("'<i4'", "(3, 2)", "promises 6 elements of 4 bytes but 16"),
            ("'<i4'", "(9223372036854775808, 2)", "header is damaged"),
            ("'<i4'", "(-1, 2)", "header is damaged"),
            ("'<f8'", "(1, 2)", "type '<f8' where integers"),
        ] {
            let error = parse_npy_pairs(&npy(kind, shape, &rows)).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn every_damaged_file_is_refused_or_read_without_panic() {
        let bytes = npy("'<f8'", "(2,)", &f8(&[1.0, 2.0]));
        for end in 0..bytes.len() {
            assert!(parse_npy(&bytes[..end]).is_err(), "first {end} bytes");
        }
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(values) = parse_npy(&flipped) {
                assert!(values.len() * 4 <= bytes.len(), "bit {bit}");
            }
        }
    }
}
