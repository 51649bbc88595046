//! Updates of a training: gradients are adjusted, an optimiser changes what they are for, and weights shrink; rules of
//! plasticity change theirs. Steps within a task are plain.

use super::*;
use crate::network::Projection;
use crate::scene::Meta;
use crate::train::optimizer::{Descent, Weights};
use crate::train::{adjust, clip, shrink, sum_squares};

/// What an update changes.
struct Changed {
    name: String,
    gradient: Reals,
    array: Reals,
    weights: Weights,
    /// What gradients are multiplied by, since the weights are delivered that much larger.
    scale: f64,
    /// Penalties on weights; 0 on what is none.
    l1: f64,
    l2: f64,
}

impl Changed {
    /// A launch whose units are weights.
    fn launch(&self, kernel: &'static Kernel, params: Vec<Word>, args: Vec<Arg>) -> Launch {
        by_element(kernel, &self.name, params, args, self.weights.count as usize)
    }
}

impl Tapes<'_> {
    pub(super) fn update(&mut self, stages: &mut Vec<Stage>) {
        let all = self.all();
        self.layout.ports.units = all.iter().map(|changed| changed.weights.unit).collect();
        let mut launches = Vec::new();
        self.adjust(&all, &mut launches);
        let descent = self.training.gradient().0;
        for changed in &all {
            let descent = descent.descent();
            let mut args = vec![each(changed.gradient, 1), each(changed.array, 1)];
            for which in descent.moments() {
                let name = format!("{}.{which}", changed.name);
                let array = self.layout.arrays.zero_reals(name, changed.weights.count as usize);
                self.layout.ports.moments.push(array);
                args.push(each(array, 1));
            }
            launches.push(changed.launch(descent.kernel(), descent.params(changed.weights), args));
        }
        for changed in all.iter().filter(|changed| changed.l1 > 0.0) {
            let Weights { count, unit, lr, .. } = changed.weights;
            let p = shrink::ShrinkParams::<f64> { count, amount: lr * changed.l1 * unit };
            let args = vec![each(changed.array, 1)];
            launches.push(changed.launch(&shrink::KERNEL, p.words(), args));
        }
        self.change_weights(&mut launches);
        self.bound_delays(&mut launches);
        stages.push(Stage::Whole(launches));
    }

    /// A step within a task, by what `meta` lets it change.
    pub(super) fn adapt(&mut self, meta: Meta, stages: &mut Vec<Stage>) {
        let mut all = self.all();
        if let Meta::Anil { .. } = meta {
            all.retain(|changed| self.is_of_readout(changed.array));
        }
        let inner = meta.inner();
        let mut launches = Vec::new();
        for changed in all {
            let mut args = vec![each(changed.gradient, 1), each(changed.array, 1)];
            for which in inner.moments() {
                let name = format!("{}.inner_{which}", changed.name);
                let count = changed.weights.count as usize;
                args.push(each(self.layout.arrays.zero_reals(name, count), 1));
            }
            launches.push(changed.launch(inner.kernel(), inner.params(changed.weights), args));
        }
        stages.push(Stage::Whole(launches));
    }

    /// Whether an array has weights that lead to a readout, or its constant currents.
    fn is_of_readout(&self, array: Reals) -> bool {
        let ports = &self.layout.ports;
        let is_readout = |k: usize| self.network.populations[k].answers();
        let mut weights = ports.weights.iter().zip(&self.network.projections);
        weights.any(|(tiles, p)| is_readout(p.to) && tiles.arrays().contains(&array))
            || (0..self.layout.pops.len())
                .any(|k| is_readout(k) && self.layout.pops[k].i_e == array)
    }

    /// All that gradients change.
    fn all(&self) -> Vec<Changed> {
        let gradients = self.layout.ports.gradients.iter();
        gradients.map(|(gradient, array)| self.changed(*gradient, *array)).collect()
    }

    fn changed(&self, gradient: Reals, array: Reals) -> Changed {
        let tiles = self.layout.ports.weights.iter().zip(&self.network.projections);
        let of = tiles.into_iter().find(|(tiles, _)| tiles.arrays().contains(&array));
        let projection = of.map(|(_, projection)| projection).or_else(|| self.fed_back(array));
        let weights = Weights {
            count: self.layout.arrays[array].len as u32,
            unit: self.unit(array),
            floor: self.floor(array),
            lr: projection
                .map(|p| p.lr)
                .or(self.lr_of_delays(array))
                .or(self.lr_of_attention(array))
                .unwrap_or(1.0),
        };
        Changed {
            name: self.layout.arrays[array].name.clone(),
            gradient,
            array,
            weights,
            scale: projection.map_or(1.0, Projection::gain),
            l1: projection.map_or(0.0, |_| self.training.l1),
            l2: projection.map_or(0.0, |_| self.training.l2),
        }
    }

    /// Gradients become those that the optimiser gets; see [`adjust`].
    fn adjust(&mut self, all: &[Changed], launches: &mut Vec<Launch>) {
        let training = self.training;
        let differs =
            |changed: &Changed| training.clip.is_some() || changed.scale != 1.0 || changed.l2 > 0.0;
        if !all.iter().any(differs) {
            return;
        }
        let factor = self.layout.arrays.reals("gradient.factor", vec![1.0]);
        if let Some(most) = training.clip {
            self.clip(most, factor, all, launches);
        }
        for changed in all.iter().filter(|changed| differs(changed)) {
            let Weights { count, unit, .. } = changed.weights;
            let decay = changed.l2 / (unit * unit);
            let p = adjust::AdjustParams::<f64> { count, scale: changed.scale, decay };
            let args = vec![whole(factor), each(changed.array, 1), each(changed.gradient, 1)];
            launches.push(changed.launch(&adjust::KERNEL, p.words(), args));
        }
    }

    /// Finds the factor that keeps the norm of all gradients together below `most`.
    fn clip(&mut self, most: f64, factor: Reals, all: &[Changed], launches: &mut Vec<Launch>) {
        let parts_of = |changed: &Changed| sum_squares::parts(changed.weights.count as usize);
        let all_parts: usize = all.iter().map(parts_of).sum();
        let sums = self.layout.arrays.zero_reals("gradient.squares", all_parts);
        let mut first = 0;
        for changed in all {
            let (Weights { count, unit, .. }, parts) = (changed.weights, parts_of(changed));
            let p = sum_squares::SumSquaresParams::<f64> {
                count,
                parts: parts as u32,
                first: first as u32,
                unit: unit * changed.scale,
            };
            let split = Split::From { first, stride: 1 };
            launches.push(Launch {
                kernel: &sum_squares::KERNEL,
                label: changed.name.clone(),
                params: p.words(),
                args: vec![whole(changed.gradient), cut(sums, split)],
                units: Units::Count { count: parts, grain: 256 },
                invocations: parts as u64,
                per_step: false,
                every: 1,
            });
            first += parts;
        }
        let p = clip::ClipParams::<f64> { parts: all_parts as u32, most };
        launches.push(Launch {
            kernel: &clip::KERNEL,
            label: "gradient".to_owned(),
            params: p.words(),
            args: vec![whole(sums), each(factor, 1)],
            units: Units::Count { count: 1, grain: 1 },
            invocations: 1,
            per_step: false,
            every: 1,
        });
    }
}
