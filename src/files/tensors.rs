//! Named arrays in the safetensors format: weights and checkpoints.

use std::io::{self, Write};
use std::path::Path;

use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::read;
use super::write::write_atomic;

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

    /// The words; none if they are floats.
    pub fn words(&self) -> &[u32] {
        match self {
            Values::Reals(_) => &[],
            Values::Words(values) => values,
        }
    }

    /// The floats; none if they are words.
    pub fn reals(&self) -> &[f32] {
        match self {
            Values::Reals(values) => values,
            Values::Words(_) => &[],
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

/// Names of the tensors of a `.safetensors` file, and how many elements each has.
///
/// # Errors
/// The file cannot be read, or is not safetensors.
pub fn tensor_names(path: &Path) -> Result<Vec<(String, usize)>, TensorError> {
    let bytes = read::read(path, read::roomy())?;
    let file = SafeTensors::deserialize(&bytes)?;
    let named =
        file.iter().map(|(name, tensor)| (name.to_owned(), tensor.shape().iter().product()));
    Ok(named.collect())
}

/// Reads one tensor of floats from a `.safetensors` file.
///
/// # Errors
/// The file cannot be read, is not safetensors, or has no such tensor of type F32.
pub fn read_tensor(path: &Path, name: &str) -> Result<Vec<f64>, TensorError> {
    let bytes = read::read(path, read::roomy())?;
    let file = SafeTensors::deserialize(&bytes)?;
    let tensor = of_type(file.tensor(name)?, Dtype::F32)?;
    let values = tensor.data().as_chunks().0.iter().map(|b| f64::from(f32::from_le_bytes(*b)));
    let values: Vec<f64> = values.collect();
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
    let bytes = read::read(path, read::roomy())?;
    let file = SafeTensors::deserialize(&bytes)?;
    let Ok(tensor) = file.tensor(name) else { return Ok(None) };
    let words = of_type(tensor, Dtype::U32)?;
    Ok(Some(words.data().as_chunks().0.iter().map(|b| u32::from_le_bytes(*b)).collect()))
}

/// A tensor, if its elements are of the type that is needed.
fn of_type(tensor: TensorView<'_>, needed: Dtype) -> Result<TensorView<'_>, TensorError> {
    match tensor.dtype() == needed {
        true => Ok(tensor),
        false => Err(TensorError::Type { found: tensor.dtype(), needed }),
    }
}

/// Why a tensor could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TensorError {
    /// The file system refused, or it is no regular file.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Not safetensors, damaged, or without that tensor.
    #[error("{0}")]
    Format(#[from] SafeTensorError),
    /// Elements of another type.
    #[error("elements are {found}, {needed} is needed")]
    Type {
        /// What they are.
        found: Dtype,
        /// What they are to be.
        needed: Dtype,
    },
    /// Infinite or not a number.
    #[error("element {index} is {value} where a finite number is needed")]
    NotFinite {
        /// Position of the first such element, from 0.
        index: usize,
        /// The element.
        value: f64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn tensors_are_read_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("w.safetensors");
        let tensors = [
            ("a".to_owned(), Values::Reals(vec![1.5, -0.25])),
            ("b".to_owned(), Values::Words(vec![7, u32::MAX, 0])),
            ("c".to_owned(), Values::Reals(vec![0.0, f32::NAN])),
        ];
        write_tensors(&path, &tensors).unwrap();
        assert_eq!(read_tensor(&path, "a").unwrap(), [1.5, -0.25]);
        assert_eq!(read_words(&path, "b").unwrap(), Some(vec![7, u32::MAX, 0]));
        assert_eq!(read_words(&path, "d").unwrap(), None);
        let said = |name: &str| read_tensor(&path, name).unwrap_err().to_string();
        assert!(said("b").contains("elements are U32, F32 is needed"), "{}", said("b"));
        assert!(said("c").contains("element 1 is NaN"), "{}", said("c"));
        assert!(said("d").contains("`d` not found"), "{}", said("d"));
    }

    #[test]
    fn every_cut_and_every_longer_header_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("w.safetensors");
        write_tensors(&path, &[("a".to_owned(), Values::Reals(vec![1.5]))]).unwrap();
        let whole = fs::read(&path).unwrap();
        for len in 0..whole.len() {
            fs::write(&path, &whole[..len]).unwrap();
            assert!(read_tensor(&path, "a").is_err(), "cut at {len}");
        }
        for byte in 0..8 {
            let mut bytes = whole.clone();
            bytes[byte] ^= 0x80;
            fs::write(&path, &bytes).unwrap();
            assert!(read_tensor(&path, "a").is_err(), "byte {byte} of the length");
        }
    }
}
