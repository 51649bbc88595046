//! `--tensorboard`: the numbers of the metrics as an event file, which TensorBoard reads.
//!
//! The file is a list of records: length (u64), its masked CRC-32C, data, their masked CRC-32C, all little-endian. The
//! data are a protobuf message `Event`: `wall_time` (1, double), `step` (2, int64), and `file_version` (3, string) in the
//! first, in others `summary` (5), which has for each number a `Value` (1) with `tag` (1, string) and `simple_value` (2,
//! float). Tags are the paths of the numbers within the line, the step is the epoch or the time \[ms\].
//!
//! A run that goes on tells its lines again, from the first: an event that is there already stays with its time, and
//! what follows the last of these is cut off.

use super::{FileFault, fault};
use crate::files::read;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Content of the first event.
const VERSION: &[u8] = b"brain.Event:2";

/// Bytes of a check.
const CHECK: usize = 4;

/// Bytes of a record before its data: their length and its check.
const HEAD: usize = 8 + CHECK;

/// Bytes of the time in an event: its key and a double.
const TIME: usize = 9;

/// Names of what a line is of, in the order in which they are looked for.
const STEPS: [&str; 2] = ["epoch", "t_ms"];

/// An event file.
pub struct Events {
    path: PathBuf,
    file: File,
    /// What it held when it was opened, of which nothing was told again yet.
    earlier: Vec<u8>,
    /// Where in that the next event would be.
    at: usize,
}

impl Events {
    /// Opens the file, or makes it.
    pub fn open(path: PathBuf) -> Result<Self, FileFault> {
        let open = || {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)?;
            Ok((file, read::read(&path, 1 << 30)?))
        };
        let (file, earlier) = open().map_err(|source| fault(&path, source))?;
        let mut events = Self { path, file, earlier, at: 0 };
        events.tell(&field(3, VERSION))?;
        Ok(events)
    }

    /// Tells the numbers of a line by their paths.
    pub fn add(&mut self, cells: &[(String, String)]) -> Result<(), FileFault> {
        let step = STEPS.iter().find_map(|name| cells.iter().find(|(path, _)| path == name));
        let of_step = step.map(|(path, _)| path.as_str());
        let step = step.and_then(|(_, cell)| cell.parse::<f64>().ok()).unwrap_or_default();
        let numbers = cells.iter().filter(|(path, _)| Some(path.as_str()) != of_step);
        let numbers = numbers.filter_map(|(path, cell)| Some((path, cell.parse::<f32>().ok()?)));
        let value = |(path, number): (&String, f32)| {
            let mut value = field(1, path.as_bytes());
            value.push(2 << 3 | 5);
            value.extend(number.to_le_bytes());
            field(1, &value)
        };
        let summary: Vec<u8> = numbers.flat_map(value).collect();
        let mut event = vec![2 << 3];
        event.extend(varint(step.round() as u64));
        event.extend(field(5, &summary));
        self.tell(&event)
    }

    /// Tells an event that has this beside its time.
    fn tell(&mut self, content: &[u8]) -> Result<(), FileFault> {
        let length = TIME + content.len();
        let end = self.at + HEAD + length + CHECK;
        let is_there = self.earlier.get(self.at..end).is_some_and(|record| {
            record.starts_with(&(length as u64).to_le_bytes())
                && &record[HEAD + TIME..HEAD + length] == content
        });
        if is_there {
            self.at = end;
            return Ok(());
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let mut data = vec![1 << 3 | 1];
        data.extend(now.to_le_bytes());
        data.extend_from_slice(content);
        self.append(&data).map_err(|source| fault(&self.path, source))
    }

    /// Writes a record behind those that stay.
    fn append(&mut self, data: &[u8]) -> io::Result<()> {
        let length = (data.len() as u64).to_le_bytes();
        let record = [&length, &masked(&length)[..], data, &masked(data)].concat();
        self.file.set_len(self.at as u64)?;
        self.file.seek(SeekFrom::Start(self.at as u64))?;
        self.file.write_all(&record)?;
        self.earlier.clear();
        self.at += record.len();
        Ok(())
    }
}

/// A field of bytes in a protobuf message.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    field.extend(varint(bytes.len() as u64));
    field.extend_from_slice(bytes);
    field
}

/// A number in groups of seven bits, the lowest first; all but the last are marked.
fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// CRC-32C (Castagnoli): the polynomial 0x1EDC6F41, bits reflected.
fn crc32c(bytes: &[u8]) -> u32 {
    let bit = |crc: u32, _| crc >> 1 ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), bit))
}

/// The check of these bytes as a record has it: turned by 15 bits, and a constant added, so that checks of data
/// that have checks in them stay good.
fn masked(bytes: &[u8]) -> [u8; 4] {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_those_of_castagnoli() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(b""), 0);
        assert_eq!(varint(300), [0xac, 0x02]);
    }

    #[test]
    fn what_is_told_again_stays_and_the_rest_goes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events");
        let line = |epoch: u32, loss: f32| {
            vec![("epoch".to_owned(), epoch.to_string()), ("loss".to_owned(), loss.to_string())]
        };
        let write = |lines: &[(u32, f32)]| {
            let mut events = Events::open(path.clone()).unwrap();
            lines.iter().for_each(|(epoch, loss)| events.add(&line(*epoch, *loss)).unwrap());
            std::fs::read(&path).unwrap()
        };
        let first = write(&[(1, 0.5), (2, 0.25)]);
        assert_eq!(write(&[(1, 0.5), (2, 0.25)]), first);
        let longer = write(&[(1, 0.5), (2, 0.25), (3, 0.125)]);
        assert!(longer.starts_with(&first) && longer.len() > first.len());
        let other = write(&[(1, 0.5), (2, 0.75)]);
        let kept = first.iter().zip(&other).take_while(|(a, b)| a == b).count();
        assert_eq!(other.len(), first.len());
        // Step, summary, value, tag and number of the last record, and what is around them.
        let last = HEAD + TIME + 2 + 2 + 2 + 2 + 4 + 1 + 4 + CHECK;
        assert!(kept >= first.len() - last, "{kept} of {}", first.len());
    }
}
