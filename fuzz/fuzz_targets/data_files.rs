//! Any bytes are an array, an archive, tensors or images, or none of them, in whatever format they are read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use neuralearn::data::{arrays, idx, table};
use neuralearn::files::{NpyReader, read_npy_pairs, read_spikes, read_tensor, read_words};
use std::fs;

fuzz_target!(|bytes: &[u8]| {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, bytes).unwrap();
    let _ = NpyReader::open(&path).and_then(NpyReader::numbers);
    let _ = read_npy_pairs(&path);
    let _ = read_spikes(&path, "a");
    let _ = read_tensor(&path, "a");
    let _ = read_words(&path, "a");
    let _ = idx::load::<1>(&path);
    let _ = idx::load::<3>(&path);
    let _ = arrays::read(&path, None);
    let _ = table::read(&path, None, None);
});
