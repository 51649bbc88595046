//! Rules of populations: neurons, sources, receptors, places.

use super::*;
use crate::input::source::Setting;
use crate::network::space::{check_dimensions, is_dimension};

impl<'s> Checker<'s> {
    /// Rows, columns and channels, which together are the neurons.
    fn shape(&mut self, path: &str, population: &Population) {
        let Population { shape, size, .. } = population;
        if shape.is_empty() {
            return;
        }
        let path = format!("{path}.shape");
        if population.layer().is_none() {
            let message = format!("a shape of {} numbers", shape.len());
            self.fault_with_help(&path, message, "give `[rows, columns, channels]`");
        }
        let neurons = population.room();
        if neurons != u128::from(*size) {
            let message = format!("it has room for {neurons} neurons, but `size` is {size}");
            self.fault_with_help(&path, message, "leave `size` out");
        }
    }

    pub(super) fn population(&mut self, name: &str, population: &'s Population) {
        let path = format!("populations.{name}");
        if !is_name(name) {
            let message = format!("`{}` is not a name", name.escape_default());
            let help = "a letter or `_`, then up to 63 letters, digits, `_`, `.` or `-`";
            self.fault_with_help(&path, message, help);
        }
        match population.size {
            0 if population.shape.is_empty() => self.fault_with_help(
                format!("{path}.size"),
                "a population has at least one neuron",
                "give it a `size` or a `shape`",
            ),
            size if size > u64::from(u32::MAX) => {
                self.fault(
                    format!("{path}.size"),
                    format!("{size} neurons are more than {}", u32::MAX),
                );
            }
            _ => {}
        }
        self.shape(&path, population);
        if let Some(positions) = &population.positions {
            self.positions(&format!("{path}.positions"), positions, population.size);
        }
        let path = format!("{path}.model");
        if let Some(neuron) = population.model.neuron() {
            self.receptors(&path, &neuron.receptors());
            neuron.check(&path, self);
        }
        if let Model::Like { model, .. } = &population.model {
            let message = format!("`{model}` is to be put in place before a scene is checked");
            self.fault(&path, message);
        }
        if let Some(source) = population.model.source() {
            let by = if population.shape.is_empty() { "size" } else { "shape" };
            let setting = Setting {
                size: population.size,
                size_at: format!("populations.{name}.{by}"),
                dt: self.dt(),
                end: self.length(),
                steps: self.scene.training.as_ref().map_or(0, |training| training.steps),
            };
            source.check(&path, &setting, self);
        }
    }

    pub(super) fn receptors(&mut self, path: &str, receptors: &[(String, Receptor)]) {
        if receptors.len() > MOST_RECEPTORS {
            let message = format!("{} receptors are more than {MOST_RECEPTORS}", receptors.len());
            self.fault(format!("{path}.receptors"), message);
        }
        for (name, receptor) in receptors {
            let path = format!("{path}.receptors.{name}");
            if !is_name(name) {
                self.fault(&path, format!("`{}` is not a name", name.escape_default()));
            }
            if let Receptor::Exp { e_rev: Some(_), init, .. } = receptor {
                let path = format!("{path}.init");
                let lowest = init.bounds().map(|(low, _)| low);
                lowest.into_iter().for_each(|low| {
                    self.obeys(&path, Rule::NotNegative, low, "nS");
                });
                if let Param::Normal { mean, .. } = init {
                    self.obeys(&format!("{path}.mean"), Rule::NotNegative, mean.get(), "nS");
                }
            }
        }
    }

    pub(super) fn positions(&mut self, path: &str, positions: &Positions, size: u64) {
        let origin = match positions {
            Positions::Grid { shape, origin, .. } => {
                self.dimensions(&format!("{path}.shape"), shape.len());
                let points: u128 = shape.iter().fold(1, |n, &k| n.saturating_mul(u128::from(k)));
                if points != u128::from(size) {
                    let message =
                        format!("the grid has {points} points, the population {size} neurons");
                    let help = "make the product of `shape` equal to `size`";
                    self.fault_with_help(format!("{path}.shape"), message, help);
                }
                origin
            }
            Positions::Uniform { extent, origin } => {
                self.dimensions(&format!("{path}.extent"), extent.len());
                origin
            }
        };
        if let Some(origin) = origin
            && is_dimension(&positions.dimensions())
        {
            check_dimensions(&format!("{path}.origin"), origin, positions.dimensions(), self);
        }
    }

    /// Space has two or three dimensions.
    pub(super) fn dimensions(&mut self, path: &str, count: usize) {
        if !is_dimension(&count) {
            let message = format!("space has two or three dimensions, not {count}");
            self.fault_with_help(path, message, "write [x, y] or [x, y, z]");
        }
    }
}
