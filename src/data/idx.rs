//! Reads IDX files, the format of MNIST, raw or gzip-compressed.
//!
//! A header of big-endian words, the magic number `0x0000_08rr` (`08` for bytes, `rr` dimensions)
//! and then the dimensions, is followed by one byte per element. A file is believed only as far as
//! it delivers: memory grows with the bytes that arrive, never by what the header promises, and
//! reading goes on to the end of the file so that surplus bytes and a wrong gzip checksum are seen.
//! What was compressed is kept as it is without ([`cache`]).

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::files::cache::{self, Kept};
use crate::files::read;
use flate2::bufread::MultiGzDecoder;

/// Most bytes a file may hold, header included and counted after decompression: 1 GiB. MNIST needs
/// 47 MB; a gzip bomb stops here.
pub const MAX_BYTES: u64 = 1 << 30;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A dense array of bytes with `RANK` dimensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idx<const RANK: usize> {
    /// Elements along each dimension, slowest first.
    pub dims: [usize; RANK],
    /// The elements, row-major; as many as the product of `dims`.
    pub data: Vec<u8>,
}

/// Why a file could not be read as IDX.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct IdxError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with an IDX file. Counts are in bytes.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file system refused.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The compressed stream ends early, fails its checksum or is followed by something else.
    #[error("its gzip data is damaged or incomplete ({0}); download the file again")]
    Gzip(#[source] io::Error),
    /// Not the kind of file asked for.
    #[error(
        "expected {} but found {}; check that the file is the right one and not swapped with another",
        Magic(*expected), Magic(*found)
    )]
    Magic {
        /// Magic number of the rank asked for.
        expected: u32,
        /// First four bytes of the file.
        found: u32,
    },
    /// Shorter than its own header.
    #[error(
        "its header takes {expected} bytes but the file ends after {found}; download the file again"
    )]
    Header {
        /// Length of a header of this rank.
        expected: u64,
        /// Length of the file.
        found: u64,
    },
    /// The header promises another number of elements than follow it.
    #[error(
        "its header {dims:?} promises {expected} bytes of data but {found} follow; \
         download the file again"
    )]
    Payload {
        /// Dimensions in the header.
        dims: Vec<usize>,
        /// Their product.
        expected: u64,
        /// Bytes after the header.
        found: u64,
    },
    /// Promises or holds more than the limit.
    #[error("it promises or holds more than the limit of {limit} bytes; use a smaller data set")]
    TooLarge {
        /// [`MAX_BYTES`].
        limit: u64,
    },
}

/// A magic number in words.
struct Magic(u32);

impl fmt::Display for Magic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.0 {
            0x0801 => "labels",
            0x0803 => "images",
            _ => "neither images nor labels",
        };
        write!(f, "magic number {:#010x} ({kind})", self.0)
    }
}

/// Reads the file at `path`; whether it is compressed is seen from its content.
///
/// # Errors
///
/// [`IdxError`] unless the file is exactly one IDX array of `RANK` dimensions of bytes.
pub fn load<const RANK: usize>(path: &Path) -> Result<Idx<RANK>, IdxError> {
    let load = || {
        let mut stream = BufReader::new(read::open(path)?.file);
        if !stream.fill_buf()?.starts_with(&GZIP) {
            return decode(stream, MAX_BYTES);
        }
        let mut packed = Vec::new();
        stream.take(MAX_BYTES + 1).read_to_end(&mut packed)?;
        if packed.len() as u64 > MAX_BYTES {
            return Err(Problem::TooLarge { limit: MAX_BYTES });
        }
        let how = format!("idx of rank {RANK}");
        cache::made(cache::folder().as_deref(), &packed, &how, || decode(&packed[..], MAX_BYTES))
    };
    load().map_err(|problem| IdxError { path: path.to_path_buf(), problem })
}

/// Kept as a file of this format.
impl<const RANK: usize> Kept for Idx<RANK> {
    fn to_bytes(&self) -> Vec<u8> {
        let dims = self.dims.iter().map(|dim| *dim as u32);
        let header = [magic(RANK)].into_iter().chain(dims).flat_map(u32::to_be_bytes);
        [&header.collect::<Vec<_>>(), &self.data[..]].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        parse(bytes, MAX_BYTES).ok()
    }
}

/// The magic number of bytes in so many dimensions.
fn magic(rank: usize) -> u32 {
    0x0800 | rank as u32
}

/// Decodes a raw or compressed stream that holds at most `limit` bytes.
fn decode<const RANK: usize>(mut stream: impl BufRead, limit: u64) -> Result<Idx<RANK>, Problem> {
    if stream.fill_buf()?.starts_with(&GZIP) {
        parse(MultiGzDecoder::new(stream), limit).map_err(|problem| match problem {
            Problem::Io(error) => Problem::Gzip(error),
            other => other,
        })
    } else {
        parse(stream, limit)
    }
}

/// Reads header, elements and the end of an uncompressed stream.
fn parse<const RANK: usize>(stream: impl Read, limit: u64) -> Result<Idx<RANK>, Problem> {
    let mut stream = stream.take(limit + 1);
    let dims = header(&mut stream)?;
    let expected = dims
        .iter()
        .try_fold(1, |product: u64, &dim| product.checked_mul(dim as u64))
        .filter(|&bytes| bytes <= limit)
        .ok_or(Problem::TooLarge { limit })?;

    let mut data = Vec::new();
    let mut found = stream.by_ref().take(expected).read_to_end(&mut data)? as u64;
    found += io::copy(&mut stream, &mut io::sink())?;
    if stream.limit() == 0 {
        return Err(Problem::TooLarge { limit });
    }
    if found != expected {
        return Err(Problem::Payload { dims: dims.to_vec(), expected, found });
    }
    Ok(Idx { dims, data })
}

/// Reads the magic number and the dimensions.
fn header<const RANK: usize>(stream: &mut impl Read) -> Result<[usize; RANK], Problem> {
    let expected = 4 * (1 + RANK as u64);
    let mut bytes = Vec::new();
    let found = stream.take(expected).read_to_end(&mut bytes)? as u64;

    let mut words = bytes.as_chunks().0.iter().map(|&word| u32::from_be_bytes(word));
    match words.next() {
        Some(found) if found != magic(RANK) => Err(Problem::Magic { expected: magic(RANK), found }),
        _ if found < expected => Err(Problem::Header { expected, found }),
        _ => Ok(std::array::from_fn(|_| words.next().unwrap_or_default() as usize)),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::io::Write;
    use std::time::{Duration, Instant};

    /// An IDX file with any header and any data.
    pub fn idx(magic: u32, dims: &[u32], data: &[u8]) -> Vec<u8> {
        let words = std::iter::once(&magic).chain(dims);
        words.flat_map(|word| word.to_be_bytes()).chain(data.iter().copied()).collect()
    }

    /// Compresses into one gzip member.
    pub fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    const DATA: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 254, 255];

    fn images() -> Vec<u8> {
        idx(0x803, &[2, 3, 2], &DATA)
    }

    fn decode3(bytes: &[u8]) -> Result<Idx<3>, Problem> {
        decode(bytes, MAX_BYTES)
    }

    #[test]
    fn reads_raw_compressed_and_concatenated_files() {
        let raw = images();
        let members = [gzip(&raw[..5]), gzip(&raw[5..20]), gzip(&raw[20..])].concat();
        for bytes in [raw.clone(), gzip(&raw), members] {
            assert_eq!(decode3(&bytes).unwrap(), Idx { dims: [2, 3, 2], data: DATA.to_vec() });
        }
        let labels = decode::<1>(&idx(0x801, &[3], &[7, 8, 9])[..], MAX_BYTES).unwrap();
        assert_eq!(labels, Idx { dims: [3], data: vec![7, 8, 9] });
        assert_eq!(labels.to_bytes(), idx(0x801, &[3], &[7, 8, 9]));
        assert_eq!(Idx::from_bytes(&raw), Some(decode3(&raw).unwrap()));
        assert_eq!(Idx::<1>::from_bytes(&raw), None);
    }

    #[test]
    fn says_what_is_wrong() {
        let promise = |dims: &[u32]| idx(0x803, dims, &[0; 4096]);
        let mut crc = gzip(&images());
        let at = crc.len() - 8;
        crc[at] ^= 1;
        let cases: [(&str, Vec<u8>, &str); 13] = [
            ("empty", vec![], "takes 16 bytes but the file ends after 0"),
            (
                "labels",
                idx(0x801, &[1], &[0]),
                "0x00000803 (images) but found magic number 0x00000801 (labels)",
            ),
            ("floats", idx(0xD03, &[2, 3, 2], &DATA), "0x00000d03 (neither images nor labels)"),
            ("little endian", idx(0x0308_0000, &[2, 3, 2], &DATA), "0x03080000"),
            ("short header", idx(0x803, &[2, 3], &[]), "takes 16 bytes but the file ends after 12"),
            (
                "short",
                idx(0x803, &[2, 3, 2], &DATA[1..]),
                "[2, 3, 2] promises 12 bytes of data but 11 follow",
            ),
            (
                "long",
                idx(0x803, &[2, 3, 1], &DATA),
                "[2, 3, 1] promises 6 bytes of data but 12 follow",
            ),
            ("overflow", promise(&[u32::MAX; 3]), "limit of 1073741824 bytes"),
            ("huge", promise(&[u32::MAX, 28, 28]), "limit of 1073741824 bytes"),
            (
                "large",
                promise(&[1 << 20, 32, 32]),
                "promises 1073741824 bytes of data but 4096 follow",
            ),
            ("truncated gzip", gzip(&images())[..30].to_vec(), "download the file again"),
            ("wrong checksum", crc, "its gzip data is damaged"),
            (
                "surplus",
                [gzip(&images()), b"surplus".to_vec()].concat(),
                "its gzip data is damaged",
            ),
        ];
        for (name, bytes, message) in cases {
            let start = Instant::now();
            let error = decode3(&bytes).expect_err(name).to_string();
            assert!(error.contains(message), "{name}: {error}");
            assert!(start.elapsed() < Duration::from_secs(1), "{name}");
        }
    }

    #[test]
    fn gzip_bombs_stop_at_the_limit() {
        let bomb = idx(0x803, &[1, 2, 2], &vec![0; 1 << 20]);
        let result = decode::<3>(&gzip(&bomb)[..], 1 << 16);
        assert!(matches!(result, Err(Problem::TooLarge { limit: 0x1_0000 })), "{result:?}");

        let exact = images();
        let limit = exact.len() as u64;
        assert!(decode::<3>(&exact[..], limit).is_ok());
        let result = decode::<3>(&exact[..], limit - 1);
        assert!(matches!(result, Err(Problem::TooLarge { .. })), "{result:?}");
    }

    #[test]
    fn every_truncation_is_an_error() {
        for bytes in [images(), gzip(&images())] {
            for end in 0..bytes.len() {
                assert!(decode3(&bytes[..end]).is_err(), "first {end} of {} bytes", bytes.len());
            }
        }
    }

    #[test]
    fn every_flipped_bit_is_an_error_or_harmless() {
        let flipped = |bytes: &[u8], bit: usize| {
            let mut bytes = bytes.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            decode3(&bytes)
        };
        for bit in 0..16 * 8 {
            assert!(flipped(&images(), bit).is_err(), "bit {bit} of the header");
        }
        let packed = gzip(&images());
        for bit in 0..packed.len() * 8 {
            if let Ok(idx) = flipped(&packed, bit) {
                assert_eq!(idx.data, DATA, "bit {bit} of the compressed file");
            }
        }
    }

    #[test]
    fn names_the_file() {
        let error = load::<3>(Path::new("no/such/file")).unwrap_err().to_string();
        assert!(error.starts_with("no/such/file: cannot be read: "), "{error}");
    }
}
