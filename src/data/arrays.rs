//! Labelled samples from arrays, a file of numpy (`.npz`) for each set.
//!
//! Of a file, `inputs` are the samples, `labels` their classes and `targets` what outputs are to be for them; other
//! arrays are left alone. Inputs are held as images
//! are, in 256 levels: a range of numbers is laid out over them, and each number becomes the nearest level. A number
//! outside is refused, since what is cut off unseen is found late. Numpy writes an array that was transposed by column;
//! a [`Split`] is always by row.

use super::{DataError, Dataset, Split, fault};
use crate::declare;
use crate::files::{Archive, NpyProblem};
use std::io;
use std::path::Path;

declare! {
    /// Numbers that are laid out over levels.
    #[derive(Copy)]
    pub struct Range: Default {
        /// The lowest level, which is 0: black in an image.
        low: f64 = 0.0;
        /// The highest level, which is 1: white in an image.
        high: f64 = 1.0;
    }
}

/// Range of bytes, as images have them.
const BYTES: Range = Range { low: 0.0, high: 255.0 };

impl Range {
    /// Numbers from 0 to 1 on the levels from 1 to 255: a source that spikes the earlier the brighter is silent at
    /// level 0, and so spikes for each of them.
    pub const SPIKING: Self = Self { low: -1.0 / 254.0, high: 1.0 };

    /// The level next to a number within. Judged in single precision, in which a file may hold a bound of the range.
    pub(super) fn level(self, x: f64) -> Option<u8> {
        let [single, low, high] = [x, self.low, self.high].map(|x| x as f32);
        (low..=high).contains(&single).then(|| self.nearest(x))
    }

    /// The level next to any number.
    pub(super) fn nearest(self, x: f64) -> u8 {
        (255.0 * (x - self.low) / (self.high - self.low)).round() as u8
    }
}

/// Loads a training set and a test set.
///
/// # Errors
/// A file is missing or damaged or has no samples with labels or targets, or the two differ in shape or in what they
/// have.
pub fn load(train: &Path, test: &Path, range: Option<Range>) -> Result<Dataset, DataError> {
    let labelled = |path: &Path| {
        let split = read(path, range)?;
        match split.labels.is_empty() && split.targets.is_empty() {
            true => Err(fault(path, missing("labels"))),
            false => Ok(split),
        }
    };
    let (learned, asked) = rayon::join(|| labelled(train), || labelled(test));
    let (learned, asked) = (learned?, asked?);
    let shape = |split: &Split| [split.rows, split.cols];
    if shape(&learned) != shape(&asked) {
        let why = format!(
            "its samples have {:?} rows and columns, those of {} have {:?}; give both sets the same shape",
            shape(&asked),
            train.display(),
            shape(&learned)
        );
        return Err(fault(test, why));
    }
    let known = |split: &Split| [!split.labels.is_empty(), !split.targets.is_empty()];
    for (name, here, there) in [
        ("labels", known(&asked)[0], known(&learned)[0]),
        ("targets", known(&asked)[1], known(&learned)[1]),
    ] {
        if here != there {
            let (with, without) = if here { (test, train) } else { (train, test) };
            let with = with.display();
            let why =
                format!("has no array `{name}`, as {with} has; give both sets the same arrays");
            return Err(fault(without, why));
        }
    }
    Ok(Dataset { train: learned, validation: None, test: asked })
}

/// Reads the samples of a file, whose labels and targets may be missing. Without a range it is 0 to 1, of bytes 0 to 255.
///
/// # Errors
/// The file is missing or damaged, an array is of another shape, or a number is none that is needed there.
pub fn read(path: &Path, range: Option<Range>) -> Result<Split, DataError> {
    let samples = || {
        let mut archive = Archive::open(path).map_err(|problem| problem.to_string())?;
        let inputs = inputs(&mut archive, range)?;
        let labels = labels(&mut archive, inputs.len())?;
        let targets = targets(&mut archive, inputs.len())?;
        Ok(Split { labels, targets, ..inputs })
    };
    samples().map_err(|why| fault(path, why))
}

/// The samples alone.
fn inputs(archive: &mut Archive, range: Option<Range>) -> Result<Split, String> {
    let array = archive.array("inputs").map_err(wrong("inputs"))?;
    let shape: Vec<usize> = array.shape().iter().map(|length| *length as usize).collect();
    let [samples, rows, cols] = match shape[..] {
        [samples, features] => [samples, 1, features],
        [samples, rows, cols] => [samples, rows, cols],
        _ => {
            return Err(format!(
                "`inputs` has shape {} where samples and features, or samples, rows and columns, are needed; save \
                 x.reshape(len(x), -1)",
                array.shape_text()
            ));
        }
    };
    if shape.contains(&0) {
        let shape = array.shape_text();
        return Err(format!(
            "`inputs` has shape {shape}, which is nothing; save at least one sample"
        ));
    }
    let range = range.unwrap_or(if array.is_bytes() { BYTES } else { Range::default() });
    let by_column = array.by_column();
    // Sample, row and column of the element that lies at a place in the file.
    let at = |k: usize| match by_column {
        true => [k % samples, k / samples % rows, k / samples / rows],
        false => [k / cols / rows, k / cols % rows, k % cols],
    };
    let mut images = vec![0; samples * rows * cols];
    for (k, x) in array.reals().map_err(wrong("inputs"))?.enumerate() {
        let x = x.map_err(|error| wrong("inputs")(error.into()))?;
        let [sample, row, col] = at(k);
        images[(sample * rows + row) * cols + col] = range.level(x).ok_or_else(|| {
            let index = if shape.len() == 2 { vec![sample, col] } else { vec![sample, row, col] };
            format!(
                "sample {sample} has {x} at inputs{index:?}, which is not from {} to {}; save numbers of that range, or \
                 give the scene that of all numbers: training.data.range",
                range.low, range.high
            )
        })?;
    }
    Ok(Split { images, labels: Vec::new(), targets: Vec::new(), rows, cols })
}

/// The classes of so many samples; none at all if there is no such array.
fn labels(archive: &mut Archive, samples: usize) -> Result<Vec<u8>, String> {
    let array = match archive.array("labels") {
        Err(NpyProblem::Missing(_)) => return Ok(Vec::new()),
        array => array.map_err(wrong("labels"))?,
    };
    match *array.shape() {
        [count] if count == samples as u64 => {}
        [count] => {
            return Err(format!(
                "`inputs` has {samples} samples but `labels` has {count}; save one label for each sample"
            ));
        }
        _ => {
            return Err(format!(
                "`labels` has shape {} where ({samples},) is needed, a class for each sample; save y.ravel(), or \
                 y.argmax(1) if there is a column for each class",
                array.shape_text()
            ));
        }
    }
    let class = |(sample, label): (usize, io::Result<f64>)| {
        let label = label.map_err(|error| wrong("labels")(error.into()))?;
        match label as u8 {
            class if f64::from(class) == label => Ok(class),
            _ => Err(format!(
                "sample {sample} has the label {label} where a whole number from 0 to 255 is needed; number the classes \
                 from 0"
            )),
        }
    };
    array.reals().map_err(wrong("labels"))?.enumerate().map(class).collect()
}

/// What outputs are to be for so many samples; none at all if there is no such array.
fn targets(archive: &mut Archive, samples: usize) -> Result<Vec<f32>, String> {
    let array = match archive.array("targets") {
        Err(NpyProblem::Missing(_)) => return Ok(Vec::new()),
        array => array.map_err(wrong("targets"))?,
    };
    let outputs = match *array.shape() {
        [count, outputs] if count == samples as u64 && outputs > 0 => outputs as usize,
        _ => {
            return Err(format!(
                "`targets` has shape {} where {samples} samples and their outputs are needed; save one row for each sample, \
                 y.reshape({samples}, -1)",
                array.shape_text()
            ));
        }
    };
    let by_column = array.by_column();
    let mut targets = vec![0.0; samples * outputs];
    for (k, x) in array.reals().map_err(wrong("targets"))?.enumerate() {
        let x = x.map_err(|error| wrong("targets")(error.into()))? as f32;
        let [sample, output] = match by_column {
            true => [k % samples, k / samples],
            false => [k / outputs, k % outputs],
        };
        if !x.is_finite() {
            return Err(format!(
                "sample {sample} has {x} at targets[{sample}, {output}], which is not a finite number of single \
                 precision; leave the sample out, or scale its targets"
            ));
        }
        targets[sample * outputs + output] = x;
    }
    Ok(targets)
}

/// What is wrong with an array, in words.
fn wrong(name: &str) -> impl Fn(NpyProblem) -> String {
    move |problem| match problem {
        NpyProblem::Missing(_) => missing(name),
        other => format!("`{name}`: {other}"),
    }
}

fn missing(name: &str) -> String {
    format!(
        "has no array `{name}`; write it with numpy.savez(file, inputs=x, labels=y), or targets=y"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::npy::tests::npy;
    use crate::files::npz::tests::packed;
    use crate::files::{Npy, write_npz};
    use std::fs;
    use std::path::PathBuf;
    use tempfile::TempDir;

    fn file(arrays: &[Npy]) -> (TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("set.npz");
        write_npz(&path, arrays).unwrap();
        (dir, path)
    }

    fn given(low: f64, high: f64) -> Option<Range> {
        Some(Range { low, high })
    }

    #[test]
    fn numbers_become_the_nearest_levels() {
        for (range, x, level) in [
            ((0.0, 1.0), 0.0, 0),
            ((0.0, 1.0), 1.0, 255),
            ((0.0, 1.0), 0.5, 128),
            ((0.0, 1.0), 0.499, 127),
            ((0.0, 1.0), 0.4 / 255.0, 0),
            ((-2.0, 6.0), -2.0, 0),
            ((-2.0, 6.0), 6.0, 255),
            ((-2.0, 6.0), 0.0, 64),
            ((0.0, 255.0), 77.0, 77),
            // Bounds of single precision, on the far side of those of double precision.
            ((0.7, 0.9), f64::from(0.7f32), 0),
            ((0.1, 0.3), f64::from(0.3f32), 255),
        ] {
            let (low, high) = range;
            assert_eq!(Range { low, high }.level(x), Some(level), "{x} of {range:?}");
        }
        for x in [-0.001, 1.001, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Range::default().level(x), None, "{x}");
        }
        assert!((0..=255).all(|x| BYTES.level(f64::from(x)) == Some(x)));
        assert_eq!([0.0, 0.5, 1.0].map(|x| Range::SPIKING.nearest(x)), [1, 128, 255]);
        assert_eq!([-9.0, 9.0].map(|x| Range::default().nearest(x)), [0, 255]);
    }

    #[test]
    fn samples_are_read_from_numbers_of_any_type() {
        let labels = Npy::of("labels", &[2], &[7u32, 255]);
        let more = Npy::of("more", &[1], &[f64::NAN]);
        let (_dir, path) =
            file(&[Npy::of("inputs", &[2, 3], &[0u8, 1, 2, 3, 4, 255]), labels, more]);
        let wanted = Split {
            images: vec![0, 1, 2, 3, 4, 255],
            labels: vec![7, 255],
            targets: vec![],
            rows: 1,
            cols: 3,
        };
        assert_eq!(read(&path, None).unwrap(), wanted);
        // Bytes have a range too.
        let (_dir, path) = file(&[Npy::of("inputs", &[1, 3], &[0u8, 8, 16])]);
        assert_eq!(read(&path, given(0.0, 16.0)).unwrap().images, [0, 128, 255]);

        let floats = [0.0, 0.25, 0.5, 1.0f32];
        let labels = Npy::of("labels", &[1], &[3.0]);
        let (_dir, path) = file(&[Npy::of("inputs", &[1, 2, 2], &floats), labels]);
        let wanted = Split {
            images: vec![0, 64, 128, 255],
            labels: vec![3],
            targets: vec![],
            rows: 2,
            cols: 2,
        };
        assert_eq!(read(&path, None).unwrap(), wanted);
        assert_eq!(read(&path, given(-1.0, 1.0)).unwrap().images, [128, 159, 191, 255]);
    }

    #[test]
    fn arrays_by_column_are_read_by_row() {
        // Levels say where they are: sample, row, column.
        let level = |sample: usize, row: usize, col: usize| (100 * sample + 10 * row + col) as u8;
        let by_column: Vec<u8> = (0..12).map(|k| level(k % 2, k / 2 % 2, k / 4)).collect();
        let inputs = npy("'|u1'", "(2, 2, 3)", &by_column);
        // A space keeps the header's length.
        let text = String::from_utf8_lossy(&inputs[10..]).replace("False", "True ");
        let header = &text.as_bytes()[..text.find('\n').unwrap() + 1];
        let inputs = [&inputs[..10], header, &by_column].concat();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("set.npz");
        packed(&path, &[("inputs", inputs)]);
        let split = read(&path, None).unwrap();
        let by_row: Vec<u8> = (0..12).map(|k| level(k / 6, k / 3 % 2, k % 3)).collect();
        assert_eq!((split.rows, split.cols, split.images), (2, 3, by_row));
    }

    #[test]
    fn what_is_no_sample_is_refused() {
        let f8 = |values: &[f64]| values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
        let inputs = |shape: &str, values: &[f64]| ("inputs", npy("'<f8'", shape, &f8(values)));
        let labels = |shape: &str, values: &[f64]| ("labels", npy("'<f8'", shape, &f8(values)));
        let targets = |shape: &str, values: &[f64]| ("targets", npy("'<f8'", shape, &f8(values)));
        let two = || inputs("(2, 1)", &[0.0, 1.0]);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("set.npz");
        for (arrays, words) in [
            (vec![labels("(1,)", &[0.0])], "no array `inputs` | numpy.savez"),
            (vec![inputs("(2,)", &[0.0; 2])], "`inputs` has shape (2,) | x.reshape(len(x), -1)"),
            (vec![inputs("(1, 1, 1, 1)", &[0.0])], "`inputs` has shape (1, 1, 1, 1)"),
            (vec![inputs("(0, 3)", &[])], "`inputs` has shape (0, 3), which is nothing"),
            (vec![inputs("(3, 0)", &[])], "`inputs` has shape (3, 0), which is nothing"),
            (
                vec![("inputs", npy("'<U1'", "(1, 1)", &[0; 4]))],
                "`inputs`: has elements of type '<U1'",
            ),
            (
                vec![inputs("(2, 3)", &[0.0, 0.0, 0.0, 0.0, 1.5, 0.0])],
                "sample 1 has 1.5 at inputs[1, 1] | from 0 to 1 | training.data.range",
            ),
            (
                vec![inputs("(1, 2, 3)", &[0.0, 0.0, 0.0, 0.0, 0.0, f64::NAN])],
                "sample 0 has NaN at inputs[0, 1, 2]",
            ),
            (vec![two(), labels("(1,)", &[0.0])], "`inputs` has 2 samples but `labels` has 1"),
            (
                vec![two(), labels("(2, 1)", &[0.0; 2])],
                "`labels` has shape (2, 1) where (2,) | y.ravel() | y.argmax(1)",
            ),
            (vec![two(), ("labels", npy("'<U1'", "(2,)", &[0; 8]))], "`labels`: has elements"),
            (
                vec![two(), labels("(2,)", &[0.0, -1.0])],
                "sample 1 has the label -1 | from 0 to 255",
            ),
            (vec![two(), labels("(2,)", &[0.5, 1.0])], "sample 0 has the label 0.5"),
            (vec![two(), labels("(2,)", &[0.0, 256.0])], "sample 1 has the label 256"),
            (vec![two(), labels("(2,)", &[0.0, f64::NAN])], "sample 1 has the label NaN"),
            (
                vec![two(), targets("(3, 1)", &[0.0; 3])],
                "`targets` has shape (3, 1) where 2 samples",
            ),
            (
                vec![two(), targets("(2,)", &[0.0; 2])],
                "`targets` has shape (2,) | y.reshape(2, -1)",
            ),
            (vec![two(), targets("(2, 0)", &[])], "`targets` has shape (2, 0)"),
            (
                vec![two(), targets("(2, 2)", &[0.0, 1.0, 2.0, f64::NAN])],
                "sample 1 has NaN at targets[1, 1]",
            ),
            (
                vec![two(), targets("(2, 1)", &[-1e39, 0.0])],
                "sample 0 has -inf at targets[0, 0] | single precision",
            ),
        ] {
            packed(&path, &arrays);
            let error = read(&path, None).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{}: ", path.display())), "{error}");
            for word in words.split(" | ") {
                assert!(error.contains(word), "`{word}` is not in {error}");
            }
        }
        for content in [&b""[..], b"PK", &npy("'<f8'", "(1, 1)", &f8(&[0.0]))] {
            fs::write(&path, content).unwrap();
            let error = read(&path, None).unwrap_err().to_string();
            assert!(error.contains("is not a .npz file") && error.contains("savez"), "{error}");
        }
    }

    #[test]
    fn both_sets_have_labels_and_one_shape() {
        let images = [0u8; 6];
        let set = |shape: &[u64]| {
            let labels = [0u8; 6];
            let count = shape[0];
            file(&[
                Npy::of("inputs", shape, &images),
                Npy::of("labels", &[count], &labels[..count as usize]),
            ])
        };
        let ((_a, train), (_b, test)) = (set(&[3, 1, 2]), set(&[3, 2]));
        let data = load(&train, &test, None).unwrap();
        assert_eq!((data.train.len(), &data.train), (3, &data.test));
        let (_c, other) = set(&[1, 3, 2]);
        let error = load(&train, &other, None).unwrap_err().to_string();
        let words =
            format!("have [3, 2] rows and columns, those of {} have [1, 2]", train.display());
        assert!(
            error.starts_with(&other.display().to_string()) && error.contains(&words),
            "{error}"
        );
        // Targets do for labels, in both sets or in none.
        let numbers = [0.5f32, -3.0, 7.0];
        let inputs = || Npy::of("inputs", &[3, 2], &images);
        let targets = || Npy::of("targets", &[3, 1], &numbers);
        let (_e, only) = file(&[inputs(), targets()]);
        let loaded = load(&only, &only, None).unwrap();
        assert_eq!((loaded.train.labels.len(), &loaded.test.targets[..]), (0, &numbers[..]));
        let (_f, both) = file(&[inputs(), targets(), Npy::of("labels", &[3], &[0u8, 1, 0])]);
        assert_eq!(load(&both, &both, None).unwrap().train.labels, [0, 1, 0]);
        for (train, test, name, without) in
            [(&both, &only, "labels", &only), (&train, &both, "targets", &train)]
        {
            let error = load(train, test, None).unwrap_err().to_string();
            let words = format!("{}: has no array `{name}`, as", without.display());
            assert!(error.contains(&words), "{error}");
        }
        // Only who asks can do without labels.
        let (_d, bare) = file(&[Npy::of("inputs", &[3, 2], &images)]);
        assert!(read(&bare, None).unwrap().labels.is_empty());
        for (train, test) in [(&bare, &test), (&train, &bare)] {
            let error = load(train, test, None).unwrap_err().to_string();
            let words = format!("{}: has no array `labels`", bare.display());
            assert!(error.contains(&words), "{error}");
        }
    }
}
