//! What an earlier run learned, with which a network begins: see [`crate::scene::Scene::initial`].

use super::NetworkError;
use crate::files;
use crate::neuron::model::Drawn;
use crate::scene::{Per, Warning};
use std::path::{Path, PathBuf};

/// Learned numbers of a run by name, and which of them were used so far.
pub(super) struct Initial {
    /// The file.
    pub file: PathBuf,
    /// Name, number of elements, whether it was used.
    tensors: Vec<(String, usize, bool)>,
    wrong: Vec<String>,
}

impl Initial {
    /// Those of a run folder, or of a file in one.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(path: &Path) -> Result<Self, NetworkError> {
        let file = if path.is_dir() { path.join("weights.safetensors") } else { path.to_owned() };
        let names = files::tensor_names(&file).map_err(|e| NetworkError::Tensor {
            path: "initial".to_owned(),
            file: file.clone(),
            why: e.to_string(),
        })?;
        let tensors = names.into_iter().map(|(name, len)| (name, len, false)).collect();
        Ok(Self { file, tensors, wrong: Vec::new() })
    }

    /// Whether there are weights of a projection; they are taken as used, with their ends.
    pub fn has_weights(&mut self, projection: &str) -> bool {
        let ends = ["", ".source", ".target"].map(|end| format!("{projection}{end}"));
        let mut of_it = self.tensors.iter_mut().filter(|(name, ..)| ends.contains(name)).peekable();
        let found = of_it.peek().is_some();
        of_it.for_each(|(_, _, used)| *used = true);
        found
    }

    /// Learned delays of so many sources or synapses of a projection \[ms\], if there are some, unless they are to be drawn
    /// anew.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn delays(
        &mut self,
        projection: &str,
        (count, per): (usize, Per),
        anew: bool,
    ) -> Result<Option<Vec<f64>>, NetworkError> {
        let wanted = format!("{projection}.delay");
        let found = self.tensors.iter_mut().find(|(name, ..)| *name == wanted);
        let Some((name, len, used)) = found else { return Ok(None) };
        *used = true;
        if anew {
            return Ok(None);
        }
        if *len != count {
            self.wrong.push(format!("`{name}` has {len} delays for {count} {}s", per.named()));
            return Ok(None);
        }
        let delays = files::read_tensor(&self.file, name).map_err(|e| NetworkError::Tensor {
            path: "initial".to_owned(),
            file: self.file.clone(),
            why: format!("`{name}`: {e}"),
        })?;
        if let Some(delay) = delays.iter().find(|delay| !(delay.is_finite() && **delay > 0.0)) {
            self.wrong.push(format!("`{name}` has {delay}, which is no delay"));
            return Ok(None);
        }
        Ok(Some(delays))
    }

    /// So many weights of the scores of a projection, if there are some, unless they are to be drawn anew.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn attention(
        &mut self,
        projection: &str,
        count: usize,
        anew: bool,
    ) -> Result<Option<Vec<f64>>, NetworkError> {
        let mut weights = Vec::new();
        for part in 0..2 {
            let wanted = format!("{projection}.attention.{part}");
            let found = self.tensors.iter_mut().find(|(name, ..)| *name == wanted);
            let Some((name, len, used)) = found else { return Ok(None) };
            *used = true;
            if anew {
                continue;
            }
            if *len != count / 2 {
                let why = format!("`{name}` has {len} weights, and {} are needed", count / 2);
                self.wrong.push(why);
                return Ok(None);
            }
            let of_part =
                files::read_tensor(&self.file, name).map_err(|e| NetworkError::Tensor {
                    path: "initial".to_owned(),
                    file: self.file.clone(),
                    why: format!("`{name}`: {e}"),
                })?;
            if let Some(weight) = of_part.iter().find(|weight| !weight.is_finite()) {
                self.wrong.push(format!("`{name}` has {weight}, which is no weight"));
                return Ok(None);
            }
            weights.extend(of_part);
        }
        Ok((!anew).then_some(weights))
    }

    /// Puts learned numbers in the place of those that were drawn for a population, unless these are to stay.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn numbers(
        &mut self,
        population: &str,
        drawn: &mut Drawn,
        stay: bool,
    ) -> Result<(), NetworkError> {
        for (path, values) in &mut drawn.values {
            let wanted = format!("{population}.{path}");
            let found = self.tensors.iter_mut().find(|(name, ..)| *name == wanted);
            let Some((name, len, used)) = found else { continue };
            *used = true;
            if stay {
                continue;
            }
            if ![1, drawn.size].contains(len) {
                self.wrong.push(format!("`{name}` has {len} numbers for {} neurons", drawn.size));
                continue;
            }
            let rule = drawn.rules.iter().find(|(known, _)| known == path).map(|(_, rule)| *rule);
            *values = files::read_tensor(&self.file, name).map_err(|e| NetworkError::Tensor {
                path: "initial".to_owned(),
                file: self.file.clone(),
                why: format!("`{name}`: {e}"),
            })?;
            let broken = |x: &f64| rule.and_then(|rule| rule.broken(*x)).map(|why| (*x, why));
            if let Some((x, why)) = values.iter().find_map(broken) {
                self.wrong.push(format!("`{name}` has {x}, which {why}"));
            }
        }
        Ok(())
    }

    /// Notes that the weights of a projection do not fit.
    pub fn refuse(&mut self, why: String) {
        self.wrong.push(why);
    }

    /// What was not used is named; what does not fit is refused.
    ///
    /// # Errors
    /// Something does not fit.
    pub fn finish(self, warnings: &mut Vec<Warning>) -> Result<(), NetworkError> {
        let Self { file, tensors, wrong } = self;
        if !wrong.is_empty() {
            return Err(NetworkError::Initial { file, wrong });
        }
        let unused =
            tensors.iter().filter(|(_, _, used)| !used).map(|(name, ..)| format!("`{name}`"));
        let unused: Vec<String> = unused.collect();
        if !unused.is_empty() {
            let message = format!(
                "{} was not used: no population or projection here has it",
                unused.join(", ")
            );
            warnings.push(Warning { path: "initial".to_owned(), message });
        }
        Ok(())
    }
}
