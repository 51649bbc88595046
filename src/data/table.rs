//! Labelled samples from tables: text with a header and a row of numbers for each sample (CSV).
//!
//! One column has the classes, the others are the sample. What stands between the columns is the one of comma, semicolon
//! and tab of which the header has most. Spaces around a cell and quotes around it do not count, lines end in LF or CR LF,
//! and empty ones are passed over. Numbers become levels as those of [arrays](super::arrays) do. What comes of a large file
//! is kept ([`cache`]).

use super::{DataError, Dataset, Range, Split, fault};
use crate::files::cache::{self, Kept};
use crate::files::read;
use crate::grammar::closest;
use std::path::Path;

/// A table as it was read.
#[derive(Debug, PartialEq)]
struct Table {
    /// Names of the columns that are the sample, in order.
    names: Vec<String>,
    /// The samples, without labels if there is no column of them.
    split: Split,
}

/// Kept as a line of JSON, the names, the number of labels and that of columns, and then labels and levels.
impl Kept for Table {
    fn to_bytes(&self) -> Vec<u8> {
        let Split { images, labels, cols, .. } = &self.split;
        let line = serde_json::json!([self.names, labels.len(), cols]).to_string();
        [line.as_bytes(), b"\n", labels, images].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (line, rest) = bytes.split_at(bytes.iter().position(|byte| *byte == b'\n')?);
        let (names, count, cols): (_, _, usize) = serde_json::from_slice(line).ok()?;
        let (labels, images) = rest[1..].split_at_checked(count)?;
        let (images, labels) = (images.to_vec(), labels.to_vec());
        let samples = images.len().checked_div(cols)?;
        let fits = samples * cols == images.len() && (labels.is_empty() || count == samples);
        let split = Split { images, labels, targets: Vec::new(), rows: 1, cols };
        fits.then_some(Self { names, split })
    }
}

/// Loads a training set and a test set. Without a name the last column is that of the classes.
///
/// # Errors
/// A file is missing or no such table, or the columns of the two differ.
pub fn load(
    train: &Path,
    test: &Path,
    label: Option<&str>,
    range: Option<Range>,
) -> Result<Dataset, DataError> {
    let labelled = |path: &Path| table(path, label, range, None).map_err(|why| fault(path, why));
    let (learned, asked) = rayon::join(|| labelled(train), || labelled(test));
    let (learned, asked) = (learned?, asked?);
    let [ours, theirs] = [&asked.names, &learned.names];
    if ours != theirs {
        let count = ours.len().max(theirs.len());
        let k = (0..count).find(|k| ours.get(*k) != theirs.get(*k)).unwrap_or_default();
        let shown =
            |names: &[String]| names.get(k).map_or("none".into(), |name| format!("`{name}`"));
        let why = format!(
            "column {} of a sample is {}, of {} it is {}; give both files the same columns in the same order",
            k + 1,
            shown(ours),
            train.display(),
            shown(theirs)
        );
        return Err(fault(test, why));
    }
    Ok(Dataset { train: learned.split, validation: None, test: asked.split })
}

/// Reads the samples of a file for a network of so many inputs. They have no labels where a column of that name is
/// missing or, without a name, where there is no column beside the inputs.
///
/// # Errors
/// The file is missing or no such table.
pub fn read(
    path: &Path,
    label: Option<&str>,
    range: Option<Range>,
    inputs: usize,
) -> Result<Split, DataError> {
    table(path, label, range, Some(inputs)).map(|table| table.split).map_err(|why| fault(path, why))
}

/// Reads a file, which may lack labels only if the number of `inputs` is known; the error is what is wrong with it, in
/// words.
fn table(
    path: &Path,
    label: Option<&str>,
    range: Option<Range>,
    inputs: Option<usize>,
) -> Result<Table, String> {
    let bytes = read::read(path, read::roomy()).map_err(|e| format!("cannot be read: {e}"))?;
    let range = range.unwrap_or_default();
    let how = format!("table {label:?} {range:?} {inputs:?}");
    let parse = || parsed(&bytes, label, range, inputs);
    cache::made(cache::folder().as_deref(), &bytes, &how, parse)
}

/// Reads a text, as [`table`] a file.
fn parsed(
    bytes: &[u8],
    label: Option<&str>,
    range: Range,
    inputs: Option<usize>,
) -> Result<Table, String> {
    let text = str::from_utf8(bytes).map_err(|e| {
        format!("is not UTF-8 text, byte {} does not fit; save it as UTF-8", e.valid_up_to())
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let Some((line, header)) = lines.next() else {
        return Err("is empty; a header and a row for each sample are needed".to_owned());
    };
    let separators = [',', ';', '\t'];
    let separator = separators.into_iter().max_by_key(|s| cells(header, *s).len());
    let separator = separator.unwrap_or_default();
    let names = cells(header, separator);
    header_is_sound(&names).map_err(|why| format!("line {line}: {why}"))?;
    // Where the classes are.
    let place = match label {
        Some(label) => names.iter().position(|name| *name == label),
        None if inputs == Some(names.len()) => None,
        None => Some(names.len() - 1),
    };
    if let (Some(label), None, None) = (label, place, inputs) {
        let near = closest(label, names.iter().copied());
        let near = near.map_or(String::new(), |near| format!(", did you mean `{near:.40}`?"));
        return Err(format!("has no column `{label}` of classes{near}; set training.data.label"));
    }
    let cols = names.len() - usize::from(place.is_some());
    if cols == 0 {
        return Err(format!(
            "line {line}: `{:.40}` is the only column; one of classes and at least one of numbers are needed, with `,`, \
             `;` or a tab between",
            names[0]
        ));
    }

    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for (line, row) in lines {
        let row = cells(row, separator);
        if row.len() != names.len() {
            return Err(format!(
                "line {line} has {} cells, the header has {} columns; give each row a cell for each",
                row.len(),
                names.len()
            ));
        }
        for (k, cell) in row.into_iter().enumerate() {
            let is_label = place == Some(k);
            let wrong = |why: &str| {
                Err(format!("line {line}, column `{:.40}`: `{cell:.40}` is {why}", names[k]))
            };
            let Ok(number) = cell.parse::<f64>() else {
                return wrong(match is_label {
                    true => "no class; number the classes from 0",
                    false => "no number; write one, as 1.5, or leave the row or the column out",
                });
            };
            if is_label {
                match number as u8 {
                    class if f64::from(class) == number => labels.push(class),
                    _ => return wrong("no whole number from 0 to 255; number the classes from 0"),
                }
            } else if let Some(level) = range.level(number) {
                images.push(level);
            } else {
                return wrong(&format!(
                    "not from {} to {}; give the scene the range of all numbers: training.data.range",
                    range.low, range.high
                ));
            }
        }
    }
    if images.is_empty() {
        return Err("has a header and nothing below it; at least one sample is needed".to_owned());
    }
    let of_sample = names.iter().enumerate().filter(|(k, _)| place != Some(*k));
    Ok(Table {
        names: of_sample.map(|(_, name)| (*name).to_owned()).collect(),
        split: Split { images, labels, targets: Vec::new(), rows: 1, cols },
    })
}

/// Refuses a first line that does not name each column.
fn header_is_sound(names: &[&str]) -> Result<(), String> {
    if names.iter().all(|name| name.parse::<f64>().is_ok()) {
        return Err("these are numbers where names are needed; put a header above them".to_owned());
    }
    for (k, name) in names.iter().enumerate() {
        let column = k + 1;
        if name.is_empty() {
            let help = "name it, or leave it out (pandas: `index=False`)";
            return Err(format!("column {column} has no name; {help}"));
        }
        if names[..k].contains(name) {
            return Err(format!(
                "column {column} is called `{name:.40}` as another is; rename one"
            ));
        }
    }
    Ok(())
}

/// The cells of a line, without the spaces and quotes around them.
fn cells(line: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    let cells = line.split(|c| {
        quoted ^= c == '"';
        c == separator && !quoted
    });
    cells.map(bare).collect()
}

/// A cell without the spaces and quotes around it.
fn bare(cell: &str) -> &str {
    let cell = cell.trim();
    cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"')).unwrap_or(cell).trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::PathBuf;
    use tempfile::TempDir;

    fn file(text: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table.csv");
        fs::write(&path, text).unwrap();
        (dir, path)
    }

    #[test]
    fn tables_are_read_however_they_are_written() {
        let wanted = Split {
            images: vec![0, 255, 51, 102],
            labels: vec![2, 0],
            targets: vec![],
            rows: 1,
            cols: 2,
        };
        for (text, label) in [
            ("a,b,class\n0,1,2\n0.2,0.4,0\n", None),
            ("a;b;class\r\n0;1;2\r\n0.2;0.4;0", Some("class")),
            ("\u{feff}a\tclass\tb\n\n0\t2.0\t1e0\n.2\t0\t4e-1\n\n", Some("class")),
            ("\"class\", \"a, or so\", b\n \"2\",0 , 1\n0, \"0.2\" ,\" 0.4 \"\n", Some("class")),
        ] {
            let (_dir, path) = file(text);
            assert_eq!(read(&path, label, None, 0).unwrap(), wanted, "{text}");
        }
        let (_dir, path) = file("a,b\n-1,3\n0,4\n");
        let range = Some(Range { low: -2.0, high: 6.0 });
        let bare = Split {
            images: vec![32, 159, 64, 191],
            labels: vec![],
            targets: vec![],
            rows: 1,
            cols: 2,
        };
        assert_eq!(read(&path, Some("class"), range, 0).unwrap(), bare);
        for (text, inputs) in [("a,\"b\",class\n0,1,2\n1,1,0\n", None), ("a\n1\n", Some(1))] {
            let table = parsed(text.as_bytes(), None, Range::default(), inputs).unwrap();
            assert_eq!(Table::from_bytes(&table.to_bytes()), Some(table));
        }
        // Nor where all columns are inputs.
        assert_eq!(read(&path, None, range, 2).unwrap(), bare);
    }

    #[test]
    fn what_is_no_table_is_refused_at_its_place() {
        for (text, words) in [
            ("", "is empty; a header"),
            ("\n \r\n", "is empty"),
            ("a,b\n", "a header and nothing below it"),
            ("1,2\n3,4\n", "line 1: | numbers where names are needed"),
            (",a\n0,1\n", "line 1: column 1 has no name | index=False"),
            ("a,b,a\n0,1,2\n", "line 1: column 3 is called `a`"),
            ("\nclass\n0\n", "line 2: `class` is the only column"),
            ("a,b\n0,1\n0\n", "line 3 has 1 cells, the header has 2"),
            ("a,b\n0,1\n\n0,1,2\n", "line 4 has 3 cells"),
            ("a,b\n0,1\nx,1\n", "line 3, column `a`: `x` is no number"),
            ("a;b\n0,5;1\n", "line 2, column `a`: `0,5` is no number; write one, as 1.5"),
            ("a,b\n,1\n", "line 2, column `a`: `` is no number"),
            ("a,b\n1.5,1\n", "line 2, column `a`: `1.5` is not from 0 to 1 | training.data.range"),
            ("a,b\nNaN,1\n", "`NaN` is not from 0 to 1"),
            ("a,b\n0,setosa\n", "line 2, column `b`: `setosa` is no class; number the classes"),
            ("a,b\n0,0.5\n", "line 2, column `b`: `0.5` is no whole number from 0 to 255"),
            ("a,b\n0,256\n", "`256` is no whole number"),
            ("a,b\n0,-1\n", "`-1` is no whole number"),
        ] {
            let (_dir, path) = file(text);
            let error = read(&path, None, None, 0).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{}: ", path.display())), "{error}");
            for word in words.split(" | ") {
                assert!(error.contains(word), "`{word}` is not in {error}");
            }
        }
        let (dir, path) = file(b"a,b\n0,\xff\n");
        let error = read(&path, None, None, 0).unwrap_err().to_string();
        assert!(error.contains("is not UTF-8 text, byte 6"), "{error}");
        let error = read(&dir.path().join("none.csv"), None, None, 0).unwrap_err().to_string();
        assert!(error.contains("none.csv: cannot be read: "), "{error}");
    }

    #[test]
    fn both_sets_have_the_same_columns_and_classes() {
        let (_a, train) = file("a,b,class\n0,1,0\n");
        let (_b, test) = file("class;a;b\n1;0;1\n");
        let data = load(&train, &test, Some("class"), None).unwrap();
        assert_eq!((data.train.labels, data.test.labels), (vec![0], vec![1]));
        assert_eq!(data.train.images, data.test.images);
        for (text, words) in [
            ("b,a,class\n0,1,0\n", "column 1 of a sample is `b`, of "),
            ("a,class\n0,0\n", "column 2 of a sample is none, of "),
            ("a,b,c,class\n0,0,0,0\n", "column 3 of a sample is `c`, of "),
            ("a,b,clas\n0,1,7\n", "no column `class` of classes, did you mean `clas`?"),
        ] {
            let (_c, other) = file(text);
            let error = load(&train, &other, Some("class"), None).unwrap_err().to_string();
            let at = format!("{}: ", other.display());
            assert!(error.starts_with(&at) && error.contains(words), "{error}");
        }
    }
}
