//! Labelled images: finds the four files of MNIST in a directory and checks that they fit together, takes samples from
//! arrays or tables, or makes them by formula. [`pairs`] puts two images into one, [`streams`] several.
//!
//! [`idx`] reads a single file; here is what takes more than one to know: that labels and images
//! come in equal numbers, and that train and test images have the same shape. Any data set in the
//! format and under the file names of MNIST, such as Fashion-MNIST, loads alike. [`arrays`] makes the same of
//! numpy's files, [`table`] of text; [`mnist1d`], [`yin_yang`], [`randman`] and [`sinusoids`], and [`store_recall`],
//! [`delayed_recall`] and [`evidence`], whose samples are frames, need no file, only a seed. `choice` says which samples are used and for
//! what, `augment` how a training sample is changed when it is shown, [`scores`] how hard each is.
//!
//! The file is long with what all data sets have in common: labels, targets, frames, and what becomes of them.

pub mod arrays;
mod augment;
mod choice;
pub mod delayed_recall;
pub mod evidence;
pub mod idx;
pub mod mnist1d;
pub mod orders;
pub mod pairs;
pub mod randman;
pub mod scores;
pub mod sinusoids;
pub mod store_recall;
pub mod streams;
pub mod table;
pub mod traces;
pub mod yin_yang;

pub use arrays::Range;
pub use augment::{Augment, changed, shown};
pub use choice::ChoiceError;

use std::path::{Path, PathBuf};

use crate::scene::{Data, Loss, Over, Part};
use crate::train::loss::Wanted;
use idx::{Idx, IdxError};
use orders::Orders;
use randman::Randman;
use sinusoids::Sinusoids;
use store_recall::StoreRecall;

/// Label of a frame in which no answer is asked for, in a set that has a label for each frame.
pub const NO_LABEL: u8 = u8::MAX;

/// Samples of one kind, train or test.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// Intensities 0 to 255, `[n, rows, cols]`.
    pub images: Vec<u8>,
    /// Class of each image, `[n]`, or of each of its frames, `[n, frames]`, [`NO_LABEL`] where there is none; nothing at
    /// all if nobody knows them.
    pub labels: Vec<u8>,
    /// What each output is to be, `[n, outputs]`; none at all if nobody knows.
    pub targets: Vec<f32>,
    /// Height of an image in pixels.
    pub rows: usize,
    /// Width of an image in pixels.
    pub cols: usize,
}

/// A training set and the test set that belongs to it; all have images of the same shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// What a network learns from.
    pub train: Split,
    /// What was set aside of the training set, to judge a network while it learns.
    pub validation: Option<Split>,
    /// What it is judged by.
    pub test: Split,
}

/// Why a data set could not be loaded or used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// None of the names a file may have exists.
    #[error(
        "{} has no file {name} or {name}.gz; put the four files of MNIST there or name the directory they are in",
        dir.display()
    )]
    Missing {
        /// Where it was looked for.
        dir: PathBuf,
        /// Its usual name.
        name: String,
    },
    /// A file is unreadable or damaged.
    #[error(transparent)]
    Idx(#[from] IdxError),
    /// Not one label per image.
    #[error(
        "{} holds {images} images but {} holds {labels} labels; take both files from the same set",
        images_path.display(), labels_path.display()
    )]
    Count {
        /// File of the images.
        images_path: PathBuf,
        /// Number of images in it.
        images: usize,
        /// File of the labels.
        labels_path: PathBuf,
        /// Number of labels in it.
        labels: usize,
    },
    /// No sample, or images without pixels.
    #[error("{} holds nothing: its shape is {dims:?}; use a set with at least one image", path.display())]
    Empty {
        /// File of the images.
        path: PathBuf,
        /// Images, rows and columns.
        dims: [usize; 3],
    },
    /// Train and test images differ in shape.
    #[error(
        "{}: train images have {train:?} rows and columns but test images {test:?}; \
         take all four files from the same set",
        dir.display()
    )]
    Shape {
        /// Directory of both.
        dir: PathBuf,
        /// Rows and columns of the train images.
        train: [usize; 2],
        /// Rows and columns of the test images.
        test: [usize; 2],
    },
    /// Images of another size than a network was trained with.
    #[error(
        "{}: its images have {} pixels ({} x {}), the network learned from images of {sources}; give it images \
         of that size",
        path.display(), shape[0] * shape[1], shape[1], shape[0]
    )]
    Pixels {
        /// Folder or file of the images.
        path: PathBuf,
        /// Rows and columns of an image.
        shape: [usize; 2],
        /// Pixels of those that the network has sources for.
        sources: usize,
    },
    /// A file of arrays or a table that cannot be read as samples.
    #[error("{}: {why}", file.display())]
    Samples {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file of traces that does not fit.
    #[error("training.loss.file: {}: {why}", file.display())]
    Trace {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A label has no output that could stand for it.
    #[error(
        "sample {index} has label {label} but there are only {classes} outputs, for labels from 0; \
         use more outputs or another set"
    )]
    Label {
        /// Position of the first such sample, from 0.
        index: usize,
        /// Its label.
        label: u8,
        /// Number of outputs.
        classes: usize,
    },
    /// Samples with more or fewer targets than there are outputs.
    #[error(
        "the samples have {width} targets each, the network has {outputs} outputs; make them as many"
    )]
    Width {
        /// Targets of a sample.
        width: usize,
        /// Number of outputs.
        outputs: usize,
    },
    /// Samples of one class each, where every frame has an answer.
    #[error(
        "the samples have one label each, the network was trained to answer to each frame (`over: Frames`); give it \
         samples without labels"
    )]
    Frames,
    /// A mark that is neither there nor not.
    #[error(
        "sample {index} has target {value} of output {output}, which `MultiLabel` has to be 0 or 1; save marks as such"
    )]
    Mark {
        /// Position of the first such sample, from 0.
        index: usize,
        /// Its output.
        output: usize,
        /// The target.
        value: f32,
    },
}

/// Loads the train and test sets that a scene names, or makes them; `seed` is that of the simulation.
///
/// # Errors
///
/// [`DataError`] if a file is missing or damaged, or if they do not fit together.
pub fn load(data: &Data, seed: u64) -> Result<Dataset, DataError> {
    let counts = |train: u64, test: u64| [train as usize, test as usize];
    match *data {
        Data::Mnist { ref dir, .. } => mnist(dir),
        Data::Pairs { ref dir, train, test, seed: own, .. } => {
            pairs::make(dir, mnist(dir)?, counts(train, test), own.unwrap_or(seed))
        }
        Data::Streams { ref dir, frames, train, test, seed: own, .. } => {
            let frames = frames as usize;
            streams::make(dir, mnist(dir)?, counts(train, test), frames, own.unwrap_or(seed))
        }
        Data::Arrays { ref train, ref test, range, .. } => arrays::load(train, test, range),
        Data::Csv { ref train, ref test, ref label, range, .. } => {
            table::load(train, test, label.as_deref(), range)
        }
        Data::Mnist1d { train, test, shuffled, seed: own, .. } => {
            Ok(mnist1d::make(counts(train, test), shuffled, own.unwrap_or(seed)))
        }
        Data::YinYang { train, test, bias, seed: own, .. } => {
            Ok(yin_yang::make(counts(train, test), bias, own.unwrap_or(seed)))
        }
        Data::Randman { train, test, manifolds, units, dim, alpha, seed: own, .. } => {
            let [manifolds, units, dim] = [manifolds, units, dim].map(|n| n as usize);
            let randman = Randman { manifolds, units, dim, alpha };
            Ok(randman.make(counts(train, test), own.unwrap_or(seed)))
        }
        Data::Orders { train, test, groups, channels, gap, jitter, seed: own, .. } => {
            let [groups, channels] = [groups, channels].map(|n| n as usize);
            let orders = Orders { groups, channels, gap: gap.get(), jitter: jitter.get() };
            Ok(orders.make(counts(train, test), own.unwrap_or(seed)))
        }
        Data::Sinusoids { train, test, k, query, units, sigma, seed: own, .. } => {
            let (samples, units) = (counts(k, query), units as usize);
            let sinusoids = Sinusoids { samples, units, sigma };
            Ok(sinusoids.make(counts(train, test), own.unwrap_or(seed)))
        }
        Data::StoreRecall { train, test, symbols, p, seed: own, .. } => {
            let task = StoreRecall { symbols: symbols as usize, p };
            Ok(task.make(counts(train, test), own.unwrap_or(seed)))
        }
        Data::DelayedRecall { train, test, delay, pacing, seed: own, .. } => {
            Ok(delayed_recall::make(counts(train, test), delay, pacing, own.unwrap_or(seed)))
        }
        Data::Evidence { train, test, cues, delay, seed: own, .. } => {
            Ok(evidence::make(counts(train, test), cues, delay, own.unwrap_or(seed)))
        }
    }
}

/// What is wrong with a file of samples.
fn fault(path: &Path, why: String) -> DataError {
    DataError::Samples { file: path.to_owned(), why }
}

/// Loads the train and test sets from the directory `dir`.
///
/// Files are named `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte`
/// and `t10k-labels-idx1-ubyte`, or with `.idx` for `-idx`, with or without `.gz`.
///
/// # Errors
///
/// [`DataError`] if a file is missing or damaged, or if the four do not fit together.
pub fn mnist(dir: &Path) -> Result<Dataset, DataError> {
    // Decompression takes most of the time, so the two sets are read side by side.
    let (train, test) = rayon::join(|| split(dir, "train"), || split(dir, "t10k"));
    let (train, test) = (train?, test?);
    let shape = |split: &Split| [split.rows, split.cols];
    if shape(&train) != shape(&test) {
        return Err(DataError::Shape {
            dir: dir.to_path_buf(),
            train: shape(&train),
            test: shape(&test),
        });
    }
    Ok(Dataset { train, validation: None, test })
}

/// Loads the images and labels whose file names start with `prefix`.
fn split(dir: &Path, prefix: &str) -> Result<Split, DataError> {
    let images_path = find(dir, &format!("{prefix}-images"), 3)?;
    let labels_path = find(dir, &format!("{prefix}-labels"), 1)?;
    read(images_path, Some(labels_path))
}

/// Loads a test set alone, where labels may be missing: from the directory `path`; arrays, a table or images from the file
/// `path`, numbers in the range that those of `data` have. Without a path it is that of `data`. `inputs` is how many
/// numbers of a sample the network takes, by which a table without labels is told from one with them.
///
/// # Errors
///
/// [`DataError`] if there are no images, or a file is damaged.
pub fn test_set(
    data: &Data,
    path: Option<&Path>,
    seed: u64,
    inputs: usize,
) -> Result<Split, DataError> {
    let Some(path) = path.or(data.test_path()) else { return Ok(load(data, seed)?.test) };
    let label = match data {
        Data::Csv { label, .. } => label.as_deref(),
        _ => None,
    };
    match (path.extension().and_then(|end| end.to_str()), data) {
        (_, Data::Pairs { test, seed: own, .. }) if path.is_dir() => {
            pairs::test_set(path, split(path, "t10k")?, *test as usize, own.unwrap_or(seed))
        }
        (_, Data::Streams { frames, test, seed: own, .. }) if path.is_dir() => {
            let shape = [test, frames].map(|n| *n as usize);
            streams::test_set(path, split(path, "t10k")?, shape, own.unwrap_or(seed))
        }
        _ if path.is_dir() => {
            read(find(path, "t10k-images", 3)?, find(path, "t10k-labels", 1).ok())
        }
        (Some("npz"), _) => arrays::read(path, data.range()),
        (Some("csv" | "tsv"), _) | (_, Data::Csv { .. }) => {
            table::read(path, label, data.range(), inputs)
        }
        (_, Data::Arrays { .. }) => arrays::read(path, data.range()),
        _ => read(path.to_path_buf(), None),
    }
}

/// Reads images, and their labels if there are some.
fn read(images_path: PathBuf, labels_path: Option<PathBuf>) -> Result<Split, DataError> {
    let Idx { dims, data: images } = idx::load::<3>(&images_path)?;
    let [count, rows, cols] = dims;
    let mut labels = Vec::new();
    if let Some(labels_path) = labels_path {
        labels = idx::load::<1>(&labels_path)?.data;
        if count != labels.len() {
            let (images, labels) = (count, labels.len());
            return Err(DataError::Count { images_path, images, labels_path, labels });
        }
    }
    if images.is_empty() {
        return Err(DataError::Empty { path: images_path, dims });
    }
    Ok(Split { images, labels, targets: Vec::new(), rows, cols })
}

/// The first of the names a file of `rank` dimensions may have that exists in `dir`.
fn find(dir: &Path, stem: &str, rank: u32) -> Result<PathBuf, DataError> {
    let name = format!("{stem}-idx{rank}-ubyte");
    let dotted = format!("{stem}.idx{rank}-ubyte");
    let spellings = [name.clone(), format!("{name}.gz"), format!("{dotted}.gz"), dotted];
    let mut paths = spellings.into_iter().map(|spelling| dir.join(spelling));
    paths
        .find(|path| path.exists())
        .ok_or_else(|| DataError::Missing { dir: dir.to_path_buf(), name })
}

impl Split {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.images.len() / self.pixels().max(1)
    }

    /// Whether there are no samples, as only [`Split::truncate`] can bring about.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// Pixels of an image.
    pub fn pixels(&self) -> usize {
        self.rows * self.cols
    }

    /// Pixels of image `i`, `[rows, cols]`.
    ///
    /// # Panics
    ///
    /// Like indexing, unless `i < self.len()`.
    pub fn image(&self, i: usize) -> &[u8] {
        &self.images[i * self.pixels()..][..self.pixels()]
    }

    /// Pixels of an image of this set's shape, moved down and to the right; what comes in at the edges is 0.
    ///
    /// # Panics
    ///
    /// Like indexing, if the image has fewer pixels.
    pub fn shifted(&self, image: &[u8], [down, right]: [i64; 2]) -> Vec<u8> {
        // Of the rows or columns that stay in sight: the first before, the first after, how many.
        let seen = |by: i64, size: usize| {
            let by = by.clamp(-(size as i64), size as i64);
            let length = size - by.unsigned_abs() as usize;
            ((-by).max(0) as usize, by.max(0) as usize, length)
        };
        let (from_row, to_row, rows) = seen(down, self.rows);
        let (from, to, cols) = seen(right, self.cols);
        let mut moved = vec![0; self.pixels()];
        for k in 0..rows {
            let row = &image[(from_row + k) * self.cols + from..][..cols];
            moved[(to_row + k) * self.cols + to..][..cols].copy_from_slice(row);
        }
        moved
    }

    /// A part of an image of this set's shape.
    ///
    /// # Panics
    ///
    /// Like indexing, if the set has no such rows and columns.
    pub fn cut(&self, image: &[u8], part: &Part) -> Vec<u8> {
        let [rows, columns] = part.of([self.rows, self.cols]).expect("the part was checked");
        let row = |row: usize| &image[row * self.cols..][columns.clone()];
        rows.flat_map(row).copied().collect()
    }

    /// The samples at some places, in that order.
    fn part(&self, places: &[usize]) -> Self {
        Self {
            images: places.iter().map(|i| self.image(*i)).collect::<Vec<_>>().concat(),
            labels: places.iter().flat_map(|i| self.labels_of(*i)).copied().collect(),
            targets: places.iter().flat_map(|i| self.targets_of(*i)).copied().collect(),
            ..*self
        }
    }

    /// Targets of each sample.
    fn width(&self) -> usize {
        self.targets.len() / self.len().max(1)
    }

    /// Labels of each sample: of the whole, or of each frame.
    fn labelled(&self) -> usize {
        self.labels.len() / self.len().max(1)
    }

    /// Labels of sample `i`.
    ///
    /// # Panics
    ///
    /// Like indexing, unless `i < self.len()`.
    pub fn labels_of(&self, i: usize) -> &[u8] {
        &self.labels[i * self.labelled()..][..self.labelled()]
    }

    /// Class of sample `i`, if it is known and one for the whole.
    pub fn class_of(&self, i: usize) -> Option<u8> {
        match *self.labels_of(i) {
            [class] => Some(class),
            _ => None,
        }
    }

    /// The right answers to sample `i`, of which there are so many; none where it is not known, or none is asked for.
    pub fn asked(&self, i: usize, answers: usize) -> impl Iterator<Item = Option<u8>> {
        let labels = self.labels_of(i);
        let is_asked = move |label: &u8| answers == 1 || *label != NO_LABEL;
        (0..answers).map(move |k| labels.get(k).copied().filter(is_asked))
    }

    fn targets_of(&self, i: usize) -> &[f32] {
        &self.targets[i * self.width()..][..self.width()]
    }

    /// What so many outputs are to be for sample `i`: its targets, or 1 for its class and 0 for the others. Where nobody
    /// knows, it is 0.
    ///
    /// # Panics
    ///
    /// Like indexing, unless `i < self.len()`.
    pub fn wanted(&self, i: usize, outputs: usize) -> Vec<f32> {
        match self.targets.is_empty() {
            false => self.targets_of(i).to_vec(),
            true => {
                let class = self.labels.get(i).map(|label| usize::from(*label));
                (0..outputs).map(|k| if class == Some(k) { 1.0 } else { 0.0 }).collect()
            }
        }
    }

    /// Keeps only the first `limit` samples.
    pub fn truncate(&mut self, limit: usize) {
        self.labels.truncate(limit.saturating_mul(self.labelled()));
        self.targets.truncate(limit.saturating_mul(self.width()));
        self.images.truncate(limit.min(self.len()) * self.pixels());
    }

    /// Checks that every label has one of `classes` outputs.
    ///
    /// # Errors
    ///
    /// [`DataError::Label`] for the first one that is `classes` or more.
    pub fn check_labels(&self, classes: usize) -> Result<(), DataError> {
        let labelled = self.labelled();
        let answers = (0..self.len()).flat_map(|i| self.asked(i, labelled).map(move |a| (i, a)));
        let mut labels = answers.filter_map(|(index, label)| Some((index, label?)));
        match labels.find(|(_, label)| usize::from(*label) >= classes) {
            None => Ok(()),
            Some((index, label)) => Err(DataError::Label { index, label, classes }),
        }
    }

    /// Checks that what a loss compares answers with, if it is known, goes with so many outputs.
    ///
    /// # Errors
    ///
    /// [`DataError`] for the first sample with which it does not.
    pub fn check_answers(&self, loss: &Loss, outputs: usize) -> Result<(), DataError> {
        let marks = loss.wanted() == Wanted::Marks;
        let width = self.width();
        // That a set which the scene names has labels of frames where they are asked for, the scene says.
        if loss.over() == Some(Over::Frames) && self.labelled() == 1 {
            return Err(DataError::Frames);
        }
        if !loss.has_targets() || (width == 0 && !marks) {
            return self.check_labels(outputs);
        }
        if width != 0 && width != outputs {
            return Err(DataError::Width { width, outputs });
        }
        match self.targets.iter().position(|x| marks && *x != 0.0 && *x != 1.0) {
            None => Ok(()),
            Some(at) => {
                let (index, output, value) = (at / width, at % width, self.targets[at]);
                Err(DataError::Mark { index, output, value })
            }
        }
    }

    /// Leaves what a loss compares answers with: targets if it is of them and they are known, else labels.
    pub fn settle(&mut self, loss: &Loss) {
        match loss.wanted() {
            Wanted::Marks => self.labels.clear(),
            Wanted::Targets if !self.targets.is_empty() => self.labels.clear(),
            _ => self.targets.clear(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::idx::tests::{gzip, idx};
    use super::*;
    use crate::train::multi_label::MultiLabel;
    use crate::train::softmax_cross_entropy::SoftmaxCrossEntropy;
    use crate::train::squared_error::SquaredError;
    use std::fs;
    use tempfile::TempDir;

    const NAMES: [&str; 4] = [
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ];

    /// Three train and two test images of 2 by 3 pixels.
    fn files() -> [Vec<u8>; 4] {
        [
            idx(0x803, &[3, 2, 3], &std::array::from_fn::<u8, 18, _>(|i| i as u8)),
            idx(0x801, &[3], &[4, 9, 0]),
            idx(0x803, &[2, 2, 3], &[7; 12]),
            idx(0x801, &[2], &[1, 2]),
        ]
    }

    fn directory(names: [&str; 4], files: &[Vec<u8>; 4]) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in names.iter().zip(files) {
            fs::write(dir.path().join(name), bytes).unwrap();
        }
        dir
    }

    #[test]
    fn loads_every_spelling() {
        let dotted = NAMES.map(|name| name.replace("-idx", ".idx"));
        let packed = NAMES.map(|name| format!("{name}.gz"));
        let both = dotted.clone().map(|name| format!("{name}.gz"));
        let plain = files();
        let zipped = files().map(|bytes| gzip(&bytes));
        let cases = [
            (NAMES.map(String::from), &plain),
            (dotted, &plain),
            (packed, &zipped),
            (both, &zipped),
        ];
        for (names, files) in cases {
            let dir = directory(names.each_ref().map(String::as_str), files);
            let Dataset { train, test, .. } = mnist(dir.path()).unwrap();
            assert_eq!((train.len(), train.pixels(), train.rows, train.cols), (3, 6, 2, 3));
            assert_eq!(train.image(1), [6, 7, 8, 9, 10, 11]);
            assert_eq!(train.labels, [4, 9, 0]);
            assert_eq!((test.len(), test.image(1)), (2, &[7; 6][..]));
            assert_eq!(test.labels, [1, 2]);
        }
    }

    #[test]
    fn refuses_files_that_do_not_fit_together() {
        type Change = fn(&mut [Vec<u8>; 4]);
        let cases: [(Change, &str); 7] = [
            (
                |files| files.swap(0, 1),
                "train-images-idx3-ubyte: expected magic number 0x00000803 (images)",
            ),
            (|files| files.swap(1, 3), "holds 3 images but"),
            (
                |files| files[3] = idx(0x801, &[3], &[1, 2, 3]),
                "t10k-labels-idx1-ubyte holds 3 labels",
            ),
            (
                |files| files[2] = idx(0x803, &[2, 3, 2], &[7; 12]),
                "have [2, 3] rows and columns but test images [3, 2]",
            ),
            (|files| files[0][7] = 4, "[4, 2, 3] promises 24 bytes of data but 18 follow"),
            (
                |files| (files[2], files[3]) = (idx(0x803, &[0, 2, 3], &[]), idx(0x801, &[0], &[])),
                "t10k-images-idx3-ubyte holds nothing: its shape is [0, 2, 3]",
            ),
            (
                |files| files[2] = idx(0x803, &[2, 0, 3], &[]),
                "holds nothing: its shape is [2, 0, 3]",
            ),
        ];
        for (change, message) in cases {
            let mut files = files();
            change(&mut files);
            let error = mnist(directory(NAMES, &files).path()).unwrap_err().to_string();
            assert!(error.contains(message), "{error}\nlacks: {message}");
        }
    }

    #[test]
    fn names_the_missing_file_and_its_directory() {
        for name in NAMES {
            let dir = directory(NAMES, &files());
            fs::remove_file(dir.path().join(name)).unwrap();
            let error = mnist(dir.path()).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("{} has no file {name} or ", dir.path().display())),
                "{error}"
            );
        }
    }

    #[test]
    fn what_is_wanted_goes_with_the_outputs() {
        let over = Over::Mean;
        let numbers = Loss::SquaredError(SquaredError { over });
        let marks = Loss::MultiLabel(MultiLabel { over });
        let classes = Loss::SoftmaxCrossEntropy(SoftmaxCrossEntropy { over });
        let split = |targets: &[f32]| Split {
            images: vec![0; 3],
            labels: vec![1, 0, 2],
            targets: targets.to_vec(),
            rows: 1,
            cols: 1,
        };
        let all = split(&[1.0, 0.0, 0.0, 1.0, 0.5, 1.0]);
        assert_eq!(all.wanted(2, 2), [0.5, 1.0]);
        assert_eq!(split(&[]).wanted(2, 4), [0.0, 0.0, 1.0, 0.0]);
        assert!(all.check_answers(&numbers, 2).is_ok());
        for (split, loss, outputs, words) in [
            (&all, &numbers, 3, "have 2 targets each, the network has 3 outputs"),
            (&all, &marks, 2, "sample 2 has target 0.5 of output 0"),
            (&all, &classes, 2, "sample 2 has label 2 but there are only 2 outputs"),
            (&split(&[]), &numbers, 2, "sample 2 has label 2"),
        ] {
            let error = split.check_answers(loss, outputs).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        // Of both, a loss leaves that which it is of.
        for (loss, left) in [(numbers, [0, 6]), (marks, [0, 6]), (classes, [3, 0])] {
            let mut split = all.clone();
            split.settle(&loss);
            assert_eq!([split.labels.len(), split.targets.len()], left, "{loss:?}");
        }
    }

    #[test]
    fn frames_may_have_labels_of_their_own() {
        let frames = Split {
            images: (0..6).collect(),
            labels: vec![0, NO_LABEL, NO_LABEL, 1, 7, NO_LABEL],
            targets: Vec::new(),
            rows: 2,
            cols: 1,
        };
        let asked = |split: &Split, i: usize| split.asked(i, 2).collect::<Vec<_>>();
        assert_eq!(asked(&frames, 1), [None, Some(1)]);
        assert_eq!((frames.class_of(1), frames.labels_of(2)), (None, &[7, NO_LABEL][..]));
        let error = frames.check_labels(7).unwrap_err();
        assert!(matches!(error, DataError::Label { index: 2, label: 7, classes: 7 }), "{error}");
        assert!(frames.check_labels(8).is_ok());
        let part = frames.part(&[2, 0]);
        assert_eq!(asked(&part, 0), [Some(7), None]);
        let mut first = frames.clone();
        first.truncate(2);
        assert_eq!((first.len(), first.labels), (2, vec![0, NO_LABEL, NO_LABEL, 1]));
        // One label for the whole is none of a frame, and of the whole 255 is a class.
        let whole = Split { labels: vec![255, 0, 1], ..frames.clone() };
        let loss = Loss::SoftmaxCrossEntropy(SoftmaxCrossEntropy { over: Over::Frames });
        assert!(matches!(whole.check_answers(&loss, 3), Err(DataError::Frames)));
        assert_eq!((whole.class_of(0), whole.check_labels(3).is_err()), (Some(255), true));
        // Nobody knows.
        let unknown = Split { labels: vec![], ..frames };
        assert_eq!(asked(&unknown, 0), [None, None]);
        assert!(unknown.check_answers(&loss, 3).is_ok());
    }

    #[test]
    fn checks_labels_and_truncates() {
        let mut train = mnist(directory(NAMES, &files()).path()).unwrap().train;
        assert!(train.check_labels(10).is_ok());
        let error = train.check_labels(9).unwrap_err();
        assert!(matches!(error, DataError::Label { index: 1, label: 9, classes: 9 }), "{error}");

        for (limit, length) in [(5, 3), (1, 1), (0, 0)] {
            train.truncate(limit);
            assert_eq!((train.len(), train.images.len()), (length, length * 6));
            assert!(train.check_labels(5).is_ok() || length > 1);
        }
        assert!(train.is_empty());
    }
}
