//! Scores of training samples, from a file: how hard each is.

use super::{DataError, fault};
use crate::files::{Archive, Npy, NpyProblem, write_npz};
use crate::scene::{Order, Score};
use crate::train::Scores;
use std::io::{self, ErrorKind};
use std::path::Path;

/// The file of a run folder that has them.
pub const SCORES: &str = "scores.npz";

/// Arrays of that file.
pub const LOSS: &str = "loss";
/// By how much the output of the right class is above the largest of the others.
pub const MARGIN: &str = "margin";

/// Numbers of so many training samples, the easiest first, if they are shown in the order of scores; of samples that are
/// alike hard the first of the data come first.
///
/// # Errors
/// There is no file, or none with a score for each sample.
pub fn ranks(order: &Order, samples: usize) -> Result<Option<Vec<u32>>, DataError> {
    let Order::Scored { file, by, .. } = order else { return Ok(None) };
    let Some(file) = file else {
        let why = "`Scored` has no `file` with the scores; name a run folder, or an .npz file";
        return Err(fault(Path::new("training.order"), why.to_owned()));
    };
    let file = if file.is_dir() { file.join(SCORES) } else { file.clone() };
    let (array, sign) = match by {
        Score::Loss => (LOSS, 1.0),
        Score::Margin => (MARGIN, -1.0),
        Score::Array(name) => (name.as_str(), 1.0),
    };
    let scores = read(&file, array).map_err(|why| fault(&file, why))?;
    if scores.len() != samples {
        let why = format!(
            "`{array}` has {} scores for {samples} training samples; give one for each that is left after `classes`, \
             `per_class`, `limit` and `validation`",
            scores.len()
        );
        return Err(fault(&file, why));
    }
    let mut ranks: Vec<u32> = (0..samples as u32).collect();
    ranks.sort_by(|a, b| (sign * scores[*a as usize]).total_cmp(&(sign * scores[*b as usize])));
    Ok(Some(ranks))
}

/// Writes how hard the training samples are for a network.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, scores: &Scores) -> io::Result<()> {
    let arrays = [(LOSS, Some(&scores.losses)), (MARGIN, scores.margins.as_ref())];
    let arrays = arrays.iter().filter_map(|(name, numbers)| Some((name, (*numbers)?)));
    let arrays = arrays.map(|(name, of)| Npy::of(*name, &[of.len() as u64], of));
    write_npz(path, &arrays.collect::<Vec<_>>())
}

/// An array of a file, or why there is none.
fn read(file: &Path, array: &str) -> Result<Vec<f64>, String> {
    let numbers = || Archive::open(file)?.array(array)?.numbers().map_err(|e| e.problem);
    numbers().map_err(|problem| match problem {
        NpyProblem::Io(e) if e.kind() == ErrorKind::NotFound => {
            format!("{e}; a training writes it with `scores: true`")
        }
        NpyProblem::Missing(_) if [LOSS, MARGIN].contains(&array) => {
            format!(
                "{problem}; a training by gradients writes it with `scores: true`, `margin` where samples have classes"
            )
        }
        NpyProblem::NotFinite { index, value } => {
            format!("the score of sample {index} in `{array}` is {value}, which has no place in an order")
        }
        problem => problem.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Growth, RampOrder};

    fn by(file: Option<&Path>, by: Score) -> Order {
        let (growth, order) = (Growth::Linear, RampOrder::EasyFirst);
        Order::Scored { file: file.map(Path::to_owned), by, from: 0.5, until: 1.0, growth, order }
    }

    #[test]
    fn samples_are_ranked_by_what_makes_them_hard() {
        let dir = tempfile::tempdir().unwrap();
        let array = |name, values| Npy::of(name, &[4], values);
        let arrays = [
            array(LOSS, &[0.5, 0.1, 0.5, -1.0f64]),
            array(MARGIN, &[1.0, -2.0, 0.5, 0.25]),
            array("own", &[4.0, 3.0, 2.0, 1.0]),
        ];
        write_npz(&dir.path().join(SCORES), &arrays).unwrap();
        let whole = Npy::of::<u8>("own", &[2], &[7, 3]);
        let other = dir.path().join("other.npz");
        write_npz(&other, &[whole]).unwrap();
        let of = |file: &Path, score, samples| ranks(&by(Some(file), score), samples).unwrap();
        assert_eq!(of(dir.path(), Score::Loss, 4), Some(vec![3, 1, 0, 2]));
        assert_eq!(of(dir.path(), Score::Margin, 4), Some(vec![0, 2, 3, 1]));
        assert_eq!(of(dir.path(), Score::Array("own".into()), 4), Some(vec![3, 2, 1, 0]));
        assert_eq!(of(&other, Score::Array("own".into()), 2), Some(vec![1, 0]));
        assert_eq!(ranks(&Order::Shuffled, 4).unwrap(), None);
    }

    #[test]
    fn scores_that_do_not_fit_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(SCORES);
        write_npz(&file, &[Npy::of(LOSS, &[3], &[0.5, f64::NAN, 1.0])]).unwrap();
        for (order, samples, words) in [
            (by(None, Score::Loss), 3, "training.order | has no `file`"),
            (by(Some(&file), Score::Loss), 3, "scores.npz | score of sample 1 in `loss` is NaN"),
            (by(Some(&file), Score::Margin), 3, "`margin` | `scores: true`"),
            (by(Some(&file.join("x")), Score::Loss), 3, "x"),
            (by(Some(&dir.path().join("y.npz")), Score::Loss), 3, "y.npz | `scores: true`"),
        ] {
            let error = ranks(&order, samples).unwrap_err().to_string();
            for word in words.split(" | ") {
                assert!(error.contains(word), "`{word}` is not in {error}");
            }
        }
        write_npz(&file, &[Npy::of(LOSS, &[3], &[0.5, 0.0, 1.0])]).unwrap();
        let error = ranks(&by(Some(&file), Score::Loss), 42).unwrap_err().to_string();
        assert!(error.contains("3 scores for 42 training samples"), "{error}");
    }
}
