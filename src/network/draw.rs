//! Numbers for neurons and synapses: parameters, weights and delays, of the pairs that [`super::connect`] draws.
//!
//! Each draw is keyed by what it is for (see [`crate::rng`]), so targets are drawn in parallel and
//! the result does not depend on their order.

use super::bounded::{evenly, logarithmic};
use super::connect::{Lists, Pairs};
use super::copies::repeated;
use super::delay::{self, Lag};
use super::space::Point;
use super::weight;
use super::{NetworkError, Synapses};
use crate::files;
use crate::grammar::{At, One, Param, Rule, Value, Visitor};
use crate::neuron::model::{Drawn, LaidOut};
use crate::rng::{self, Purpose, Stream};
use crate::scene::{self, Connect, Weight};
use crate::synapse::convolution::Convolution;
use rayon::prelude::*;
use std::path::Path;

/// Draws all parameters of a model and checks them against their rules. Draws are keyed by the path of the
/// field, a model's and its own, so that no two fields share numbers; what several fields draw together is a
/// field of the model. What is drawn goes on from copy to copy of the neurons, what is listed is the same in each.
///
/// # Errors
/// A value breaks the rule of its field; a file cannot be read, or does not fit.
pub fn drawn(
    model: &impl Value,
    path: String,
    [size, copies]: [usize; 2],
    seed: u64,
) -> Result<Drawn, NetworkError> {
    /// What was drawn so far, until something was wrong.
    struct Drawing {
        drawn: Drawn,
        size: [usize; 2],
        seed: u64,
        result: Result<(), NetworkError>,
    }

    impl Drawing {
        fn draw(&mut self, name: &str, rule: Rule, param: &Param<One>) -> Result<(), NetworkError> {
            let drawn = &mut self.drawn;
            let values = parameter(param, self.size, self.seed, [&drawn.path, name])?;
            let mut broken = values.iter().map(|value| rule.broken(*value));
            if let Some(neuron) = broken.position(|broken| broken.is_some()) {
                let broken = rule.broken(values[neuron]).unwrap_or_default();
                let why = format!("which {broken}");
                return Err(drawn.refused(name, neuron, values[neuron], why).into());
            }
            drawn.rules.push((name.to_owned(), rule));
            drawn.values.push((name.to_owned(), values));
            Ok(())
        }
    }

    impl Visitor for Drawing {
        fn number(&mut self, _: &At, _: Rule, _: f64, _: &'static str) {}
        fn param(&mut self, at: &At, rule: Rule, param: &Param<One>, unit: &'static str) {
            if self.result.is_err() {
                return;
            }
            self.result = self.draw(&at.to_string(), rule, param);
            if let (Param::Linspace { .. } | Param::Values(_), Some((name, values))) =
                (param, self.drawn.values.last())
            {
                let (name, values) = (name.clone(), values.clone());
                self.drawn.laid_out.push(LaidOut { name, unit, values });
            }
        }
    }

    let all = size * copies;
    let drawn =
        Drawn { path, size: all, values: Vec::new(), rules: Vec::new(), laid_out: Vec::new() };
    let mut drawing = Drawing { drawn, size: [size, copies], seed, result: Ok(()) };
    model.visit(&At::new(""), Rule::Any, &mut drawing);
    drawing.result.map(|()| drawing.drawn)
}

/// Values of a parameter: one for all neurons, or one for each of all copies.
fn parameter(
    param: &Param<One>,
    [size, copies]: [usize; 2],
    seed: u64,
    [model, name]: [&str; 2],
) -> Result<Vec<f64>, NetworkError> {
    let stream = Stream::new(seed, Purpose::Parameters, 0);
    let path = format!("{model}.{name}");
    let key = rng::hash(&path);
    let each = |draw: &dyn Fn(u64) -> f64| (0..(size * copies) as u64).map(draw).collect();
    Ok(match param {
        Param::Value(value) => vec![value.get()],
        Param::Values(values) => {
            repeated(values.iter().map(|value| value.get()).collect(), size, copies)
        }
        Param::Linspace { from, to } => {
            each(&|k| evenly((from.get(), to.get()), k as usize % size, size))
        }
        Param::Normal { mean, std } => each(&|k| mean.get() + std.get() * stream.normal(k, key)),
        Param::LogNormal { mean, std } => {
            let (mean, std) = logarithmic(mean.get(), std.get());
            each(&|k| (mean + std * stream.normal(k, key)).exp())
        }
        Param::Uniform { low, high } => {
            each(&|k| low.get() + (high.get() - low.get()) * stream.uniform(k, key))
        }
        Param::Power { base, scale, exponent, draw } => {
            let shared = rng::hash(&format!("{model}.draw.{draw}"));
            each(&|k| base.get() + scale.get() * stream.uniform(k, shared).powf(*exponent))
        }
        Param::File(file) => {
            let fits = |found: u64| match found == size as u64 {
                true => Ok(()),
                false => Err(NetworkError::Length {
                    path: path.clone(),
                    file: file.clone(),
                    found,
                    wanted: size,
                }),
            };
            if file.extension().is_some_and(|end| end == "safetensors") {
                let values = tensor(file, model, name)?;
                fits(values.len() as u64)?;
                return Ok(repeated(values, size, copies));
            }
            let array = files::NpyReader::open(file)?;
            if array.shape().len() == 1 {
                fits(array.count())?;
            }
            repeated(array.numbers()?, size, copies)
        }
    })
}

/// What a training left of a parameter: the tensor `<population>.<name>`.
fn tensor(file: &Path, model: &str, name: &str) -> Result<Vec<f64>, NetworkError> {
    let population = model.trim_start_matches("populations.").trim_end_matches(".model");
    let tensor = format!("{population}.{name}");
    files::read_tensor(file, &tensor).map_err(|e| NetworkError::Tensor {
        path: format!("{model}.{name}"),
        file: file.to_owned(),
        why: format!("`{tensor}`: {e}"),
    })
}

/// A projection as it is drawn.
pub struct Wiring<'s> {
    /// Path in the scene.
    pub path: String,
    /// Name of the projection.
    pub name: &'s str,
    /// The rules.
    pub projection: &'s scene::Projection,
    /// Neurons of the presynaptic population.
    pub sources: usize,
    /// Neurons of the postsynaptic population.
    pub targets: usize,
    /// Where the neurons of both are, if the rules ask for it.
    pub places: Option<[&'s [Point]; 2]>,
    /// How the sources lie before the targets, if that decides who is connected.
    pub convolution: Option<Convolution>,
    /// Rows, columns and channels of both, if both have them.
    pub layers: Option<[[usize; 3]; 2]>,
    /// See [`super::Projection::unit`].
    pub unit: f64,
    /// Time step \[ms\].
    pub dt: f64,
    /// Weight below which nothing is drawn: 0 of a conductance, unless the sign says which.
    pub least: f64,
    /// Seed of the network, and index of the projection.
    pub key: (u64, u32),
}

impl Wiring<'_> {
    /// How many synapses the rule makes: exactly, on average, or, with distances, as estimated from
    /// a sample of pairs. A list has as many as its file, whose size has a limit of its own.
    pub fn expected(&self) -> f64 {
        if let Some(convolution) = &self.convolution {
            return convolution.synapses().max(convolution.weights() as u64) as f64;
        }
        let rule = self.projection.connect.rule();
        let ends = [self.sources as f64, self.targets as f64];
        rule.expected(ends).unwrap_or_else(|| rule.estimated(&self.pairs()))
    }

    /// Whether each synapse has its own delay.
    pub fn has_delays(&self) -> bool {
        self.lag().is_some()
    }

    /// Draws the synapses.
    ///
    /// # Errors
    /// A list that cannot be read or does not fit, more synapses than can be indexed, a delay of
    /// more steps than can be counted.
    pub fn synapses(&self) -> Result<Synapses, NetworkError> {
        if let Some(convolution) = self.shared() {
            let (count, fan_in) = (convolution.weights(), convolution.fan_in());
            self.has_values_for(count)?;
            let fans = convolution.fans();
            let weight = |k: usize| self.weight(fans, k / fan_in, k % fan_in, (k, count));
            let drawn = self.matrix([count / fan_in, fan_in]);
            let weights = drawn.unwrap_or_else(|| (0..count).map(weight).collect());
            return Ok(Synapses::Convolution {
                convolution: Box::new(convolution.clone()),
                weights,
            });
        }
        if matches!(self.projection.connect, Connect::Dense(_)) && !self.has_delays() {
            let count = self.sources * self.targets;
            self.has_values_for(count)?;
            if let Some(weights) = self.matrix([self.sources, self.targets]) {
                return Ok(Synapses::Dense { weights });
            }
            let fans = [self.sources, self.targets];
            let mut weights = vec![0.0; count];
            weights.par_chunks_mut(self.targets).enumerate().for_each(|(source, row)| {
                for (target, w) in row.iter_mut().enumerate() {
                    let place = (source * self.targets + target, count);
                    *w = self.weight(fans, source, target, place);
                }
            });
            return Ok(Synapses::Dense { weights });
        }
        let lists = self.projection.connect.rule().draw(&self.pairs())?;
        let count = lists.source.len();
        self.has_values_for(count)?;
        let mut weights = vec![0.0; lists.source.len()];
        let dense = matches!(self.projection.connect, Connect::Dense(_));
        let drawn = self.matrix([self.sources, self.targets]);
        let mut targets_of = vec![0; self.sources];
        if matches!(self.projection.weight, Weight::Xavier(_)) {
            lists.source.iter().for_each(|source| targets_of[*source as usize] += 1);
        }
        lists.fill(&mut weights, |target, sources, weights| {
            for (k, w) in weights.iter_mut().enumerate() {
                // Delays do not change the weights of a dense projection.
                let (entity, draw) = if dense { (k, target) } else { (target, k) };
                let place = (self.place(&lists, target, k), count);
                let fans = [sources.len(), targets_of[sources[k] as usize]];
                let weight = || self.weight(fans, entity, draw, place);
                *w = drawn.as_ref().map_or_else(weight, |drawn| drawn[place.0]);
            }
        });
        let delays = self.delays(&lists)?;
        let Lists { start, source } = lists;
        Ok(Synapses::Sparse { start, source, weights, delays })
    }

    /// Given synapses, as sources, targets and weights, in the order of their targets.
    ///
    /// # Errors
    /// A delay of more steps than can be counted.
    pub fn given(
        &self,
        [source, target]: [&[u32]; 2],
        weights: &[f64],
    ) -> Result<Synapses, NetworkError> {
        let mut order: Vec<usize> = (0..source.len()).collect();
        order.sort_by_key(|k| target[*k]);
        let before = |j: usize| order.partition_point(|k| (target[*k] as usize) < j) as u32;
        let start = (0..=self.targets).map(before).collect();
        let lists = Lists { start, source: order.iter().map(|k| source[*k]).collect() };
        self.has_values_for(source.len())?;
        let delays = self.delays(&lists)?;
        let weights = order.iter().map(|k| weights[*k]).collect();
        Ok(Synapses::Sparse { start: lists.start, source: lists.source, weights, delays })
    }

    /// How synapses lie that share weights.
    pub fn shared(&self) -> Option<&Convolution> {
        let own = matches!(self.projection.connect, Connect::Local(_));
        self.convolution.as_ref().filter(|_| !own)
    }

    /// What pairs are drawn from.
    fn pairs(&self) -> Pairs<'_> {
        Pairs {
            path: &self.path,
            name: self.name,
            sources: self.sources as u64,
            targets: self.targets as u64,
            own: self.projection.from == self.projection.to,
            stream: Stream::new(self.key.0, Purpose::Connectivity, self.key.1),
            places: self.places,
            convolution: self.convolution.as_ref(),
            layers: self.layers,
        }
    }

    /// Number of the `k`-th synapse of a target in the order of `weights.safetensors`: of `Dense` by source, else
    /// by target.
    fn place(&self, lists: &Lists, target: usize, k: usize) -> usize {
        match self.projection.connect {
            Connect::Dense(_) => k * self.targets + target,
            _ => lists.start[target] as usize + k,
        }
    }

    /// Whether weights and delays that are given one by one are as many as there are synapses.
    fn has_values_for(&self, synapses: usize) -> Result<(), NetworkError> {
        let weights = self.projection.weight.rule().count(synapses);
        let delays = self.lag().and_then(|lag| lag.count(synapses));
        for (field, given) in [("weight", weights), ("delay", delays)] {
            if let Some(given) = given.filter(|given| *given != synapses) {
                let path = format!("{}.{field}", self.path);
                return Err(NetworkError::Count { path, given, synapses });
            }
        }
        Ok(())
    }

    /// The weight of a synapse, number `place.0` of `place.1`, in the unit of its receptor; `fans` are the synapses of its
    /// target and of its source.
    fn weight(&self, fans: [usize; 2], entity: usize, draw: usize, place: (usize, usize)) -> f64 {
        let stream = Stream::new(self.key.0, Purpose::Weights, self.key.1);
        let key = (entity as u64, draw as u64);
        let synapse =
            weight::Synapse { stream, key, place, fans, unit: self.unit, least: self.least };
        self.projection.weight.rule().weight(&synapse)
    }

    /// Weights that are drawn together, if they are, of so many rows and columns.
    fn matrix(&self, shape: [usize; 2]) -> Option<Vec<f64>> {
        let stream = Stream::new(self.key.0, Purpose::Weights, self.key.1);
        self.projection.weight.rule().matrix(&stream, self.unit, shape)
    }

    /// The rule by which each synapse gets its own delay, if each does.
    fn lag(&self) -> Option<&dyn Lag> {
        self.projection.delay.as_ref()?.lag()
    }

    /// Delays of all synapses \[steps\], if each has its own.
    fn delays(&self, lists: &Lists) -> Result<Vec<u16>, NetworkError> {
        let Some(lag) = self.lag() else { return Ok(Vec::new()) };
        let stream = Stream::new(self.key.0, Purpose::Delays, self.key.1);
        let metric = self.projection.connect.rule().metric();
        let delay = |target: usize, k: usize, source: u32| {
            let distance = || {
                let [from, to] = self.places.expect("the scene was checked");
                metric.distance(&from[source as usize], &to[target])
            };
            lag.delay(&delay::Synapse {
                stream,
                key: (target as u64, k as u64),
                place: (self.place(lists, target, k), lists.source.len()),
                dt: self.dt,
                distance: &distance,
            })
        };
        let steps = |target: usize, k: usize, source: u32| {
            (delay(target, k, source) / self.dt).round().max(1.0)
        };
        let mut delays = vec![0; lists.source.len()];
        lists.fill(&mut delays, |target, sources, delays| {
            for (k, delay) in delays.iter_mut().enumerate() {
                // 0, which is no delay, marks those that do not fit.
                let steps = steps(target, k, sources[k]);
                *delay = if steps > f64::from(u16::MAX) { 0 } else { steps as u16 };
            }
        });
        let Some(synapse) = delays.par_iter().position_first(|&delay| delay == 0) else {
            return Ok(delays);
        };
        let target = lists.start.partition_point(|&start| start as usize <= synapse) - 1;
        let k = synapse - lists.start[target] as usize;
        let source = lists.source[synapse];
        Err(NetworkError::Delay {
            name: self.name.to_owned(),
            source_neuron: source,
            target_neuron: target as u32,
            delay: delay(target, k, source),
            steps: steps(target, k, source),
        })
    }
}

#[cfg(test)]
mod tests;
