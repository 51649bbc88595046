//! What a trained network does with single samples and whole sets: predictions, scores, damaged networks.

use super::{Contents, Set, Sums, TrainError, Trainer, accuracy};
use crate::data::Split;
use crate::data::traces::Traces;
use crate::engine::EngineError;
use crate::network::{Kind, Population};
use crate::plan::{AnswerPorts, Init};
use crate::scene::Data;
use crate::train::damage::{Damage, Tested};
use crate::train::loss::Wanted;

/// Magnitude below which a weight is small, in units of its projection.
const SMALL: f64 = 1e-3;

/// What a sample did to the network, for pictures.
pub struct Presented {
    /// Predicted class.
    pub predicted: usize,
    /// For each population its spikes, as steps and neurons.
    pub spikes: Vec<Vec<(u32, u32)>>,
    /// For each population the tape: distance to the threshold or potential, steps × n.
    pub tapes: Vec<Vec<f32>>,
    /// For each population that is watched its potential \[mV\], steps × n.
    pub potentials: Vec<Vec<f32>>,
}

impl Presented {
    /// Potential of a neuron over the steps, from the tape \[mV\]. There is none of sources, and none of neurons that keep
    /// states.
    pub fn potential(&self, k: usize, population: &Population, id: usize) -> Vec<f32> {
        let (tape, n) = (&self.tapes[k], population.size);
        let column = (0..tape.len() / n).map(|t| f64::from(tape[t * n + id]));
        let rest = population.rest(id).unwrap_or_default();
        match &population.kind {
            Kind::Stepped(_) if population.on_tape && population.answers() => {
                column.map(|v| (v + rest) as f32).collect()
            }
            Kind::Stepped(neurons) if population.on_tape => {
                let mut potential = neurons.on_tape().map(|iaf| iaf.potential(id));
                let next = |u| potential.as_mut().map(|potential| potential.next(u));
                column.filter_map(next).map(|v| (v + rest) as f32).collect()
            }
            Kind::Poisson(_) | Kind::Images(_) | Kind::Stepped(_) | Kind::Spikes(_) => Vec::new(),
        }
    }
}

/// What a network answered to a test set.
#[derive(Debug, Clone, Default)]
pub struct Predictions {
    /// Number of outputs.
    pub classes: usize,
    /// Answers to each sample: one, or one for each frame.
    pub answers: usize,
    /// Predicted class of each answer, \[samples, answers\]; of marks whether each output tells one, \[samples,
    /// outputs\]; nothing of numbers.
    pub predicted: Vec<u32>,
    /// Whether they are marks.
    pub marks: bool,
    /// Output of each, \[samples, answers, outputs\].
    pub output: Vec<f32>,
    /// For each population that spikes, how often it did for each sample; nothing for the others.
    pub spikes: Vec<Vec<u32>>,
    /// For each projection with attention its name and its scores, \[samples, frames\].
    pub scores: Vec<(String, Vec<f32>)>,
}

impl Predictions {
    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.output.len() / (self.answers * self.classes).max(1)
    }

    /// Answers that were asked for: their places, the classes that were told and the right ones.
    fn asked(&self, split: &Split) -> impl Iterator<Item = (usize, u32, u32)> {
        let right = (0..split.len()).flat_map(|i| split.asked(i, self.answers));
        let both = self.predicted.iter().zip(right).enumerate();
        both.filter_map(|(k, (told, class))| Some((k, *told, u32::from(class?))))
    }

    /// Fraction of right answers to the samples of a split, if some are right and others wrong and that is known.
    pub fn accuracy(&self, split: &Split) -> Option<f64> {
        let right = |answer: &[u32], wanted: &[f32]| {
            answer.iter().zip(wanted).all(|(told, wanted)| (*told == 1) == (*wanted > 0.5))
        };
        let [count, all] = match (split.labels.is_empty(), split.targets.is_empty()) {
            (false, _) => {
                let right = self.asked(split).filter(|(_, told, class)| told == class).count();
                [right, self.asked(split).count()]
            }
            (true, false) if !self.predicted.is_empty() => {
                let told = self.predicted.chunks(self.classes);
                let both = told.zip(split.targets.chunks(self.classes));
                [both.filter(|(told, wanted)| right(told, wanted)).count(), self.samples()]
            }
            _ => return None,
        };
        Some(count as f64 / all as f64)
    }

    /// Squared differences between outputs and targets that are numbers, over those of the targets from their means, so
    /// that the best constants have 1. None where targets do not change.
    pub fn nmse(&self, split: &Split) -> Option<f64> {
        let wanted = &split.targets;
        if !self.predicted.is_empty() || wanted.is_empty() {
            return None;
        }
        let (outputs, samples) = (self.classes, self.samples() as f64);
        let each = |k: usize| wanted.iter().skip(k).step_by(outputs).map(|x| f64::from(*x));
        let variation = (0..outputs).map(|k| {
            let mean = each(k).sum::<f64>() / samples;
            each(k).map(|x| (x - mean).powi(2)).sum::<f64>()
        });
        let difference = |(x, wanted): (&f32, &f32)| (f64::from(*x) - f64::from(*wanted)).powi(2);
        let squares: f64 = self.output.iter().zip(wanted).map(difference).sum();
        Some(variation.sum::<f64>()).filter(|all| *all > 0.0).map(|all| squares / all)
    }

    /// Counts of `[true][predicted]` classes, if they are known.
    ///
    /// # Panics
    /// If a label is no class.
    pub fn confusion(&self, split: &Split) -> Vec<u64> {
        if split.labels.is_empty() {
            return Vec::new();
        }
        let mut counts = vec![0; self.classes * self.classes];
        for (_, told, class) in self.asked(split) {
            counts[class as usize * self.classes + told as usize] += 1;
        }
        counts
    }

    /// Answers that told another class, those first whose class had the output furthest below that of the answer.
    ///
    /// # Panics
    /// If a label is no class.
    pub fn mistakes(&self, split: &Split) -> Vec<usize> {
        let lead = |(k, told, class): &(usize, u32, u32)| {
            let output = &self.output[k * self.classes..][..self.classes];
            output[*told as usize] - output[*class as usize]
        };
        let wrong = self.asked(split).filter(|(_, told, class)| told != class);
        let mut mistakes: Vec<_> = wrong.collect();
        mistakes.sort_by(|a, b| lead(b).total_cmp(&lead(a)));
        mistakes.into_iter().map(|(k, ..)| k).collect()
    }
}

/// How hard training samples are for a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// Loss of each.
    pub losses: Vec<f64>,
    /// By how much the output of the right class is above the largest of the others, where each has one class.
    pub margins: Option<Vec<f64>>,
}

impl Trainer<'_> {
    /// What the network as it is now answers to the test set: the evaluation after an epoch, bit for bit.
    ///
    /// # Errors
    /// The engine fails.
    pub fn predict(&mut self) -> Result<Predictions, TrainError> {
        let Sums { predictions, output, spikes, scores, .. } = self.judge(Set::Test, &[], true)?;
        // Of outputs that were trained on classes the largest is the answer, whether or not these samples have labels.
        let labelled = self.samples.split(Set::Test).is_some_and(|split| !split.labels.is_empty());
        let of_classes = self.training.data.as_ref().and_then(Data::has_classes);
        let predicted = match self.training.loss.wanted() {
            Wanted::Marks => output.iter().map(|x| u32::from(*x > 0.0)).collect(),
            Wanted::Targets if !of_classes.unwrap_or(labelled) => Vec::new(),
            _ => predictions,
        };
        let (classes, marks) = (self.classes(), self.marks().is_some());
        let answers = self.answers();
        let attention = self.ports.attention.iter();
        let names = attention.map(|ports| self.network.projections[ports.projection].name.clone());
        let scores = names.zip(scores).collect();
        Ok(Predictions { classes, answers, predicted, marks, output, spikes, scores })
    }

    /// How hard each training sample is for the network as it is now.
    ///
    /// # Errors
    /// The engine fails.
    pub fn scores(&mut self) -> Result<Scores, TrainError> {
        let Sums { losses, output, .. } = self.judge(Set::Train, &[], true)?;
        let classes = self.classes();
        let split = self.samples.split(Set::Train);
        let margin = |(k, output): (usize, &[f32])| {
            let right = usize::from(split?.class_of(k)?);
            let others = output.iter().enumerate().filter(|(class, _)| *class != right);
            let largest = others.map(|(_, x)| f64::from(*x)).reduce(f64::max)?;
            Some(f64::from(*output.get(right)?) - largest)
        };
        let margins = match classes * self.answers() {
            0 => None,
            row => output.chunks(row).enumerate().map(margin).collect(),
        };
        Ok(Scores { losses, margins: margins.filter(|_| self.answers() == 1) })
    }

    /// Number of outputs, if there are any.
    pub fn classes(&self) -> usize {
        self.ports.answer.map_or(0, |AnswerPorts { answers, output, .. }| {
            self.plan.arrays[output].len / (self.plan.batch * answers)
        })
    }

    /// Answers to a sample.
    pub(super) fn answers(&self) -> usize {
        self.ports.answer.map_or(1, |ports| ports.answers)
    }

    /// Presents one test sample and reads what the network did.
    ///
    /// # Errors
    /// The engine fails.
    pub fn present(&mut self, sample: u32) -> Result<Presented, TrainError> {
        self.show(self.evaluate, Set::Test, &[], (&[sample], &[sample]), 0)?;
        let predicted = match self.ports.answer {
            Some(ports) => self.engine.read_words(ports.predictions)?[0],
            None => 0,
        };
        let steps = self.plan.steps;
        let (mut spikes, mut tapes, mut potentials) = (Vec::new(), Vec::new(), Vec::new());
        for (ports, population) in self.ports.populations.iter().zip(&self.network.populations) {
            let n = population.size;
            tapes.push(match ports.tape {
                Some(tape) => self.engine.read_reals(tape)?[..steps * n].to_vec(),
                None => Vec::new(),
            });
            potentials.push(match ports.inbox {
                Some(inbox) => {
                    let all = self.engine.read_reals(inbox.array)?;
                    let of_step =
                        |t: usize| all[(t * inbox.rows + inbox.potential) * n..][..n].iter();
                    let rest = |id: usize| population.rest(id).unwrap_or_default() as f32;
                    let absolute = |(id, v): (usize, &f32)| v + rest(id);
                    (0..steps).flat_map(|t| of_step(t).enumerate().map(absolute)).collect()
                }
                None => Vec::new(),
            });
            spikes.push(match ports.spikes {
                Some(spikes) => {
                    let words = self.engine.read_words(spikes.array)?;
                    crate::record::decode(&words, n, ports.history, steps).collect()
                }
                None => Vec::new(),
            });
        }
        Ok(Presented { predicted: predicted as usize, spikes, tapes, potentials })
    }

    /// Mean squared difference between the potential of each neuron and the trace that it is to follow, unfiltered
    /// \[mV²\].
    ///
    /// # Errors
    /// The engine fails.
    pub fn fits(&mut self, wanted: &Traces) -> Result<Vec<f64>, TrainError> {
        let shown = self.present(0)?;
        let Some(potentials) = shown.potentials.into_iter().find(|v| !v.is_empty()) else {
            return Ok(Vec::new());
        };
        let (steps, n) = (self.plan.steps, potentials.len() / self.plan.steps);
        let square = |t: usize, id: usize| {
            let column = if wanted.columns > 1 { id } else { 0 };
            let v = f64::from(potentials[t * n + id]);
            (v - wanted.values[t * wanted.columns + column]).powi(2)
        };
        Ok((0..n).map(|id| (0..steps).map(|t| square(t, id)).sum::<f64>() / steps as f64).collect())
    }

    /// Presents what drives the network, with the trained numbers as they are now and as they were at the start.
    ///
    /// # Errors
    /// The engine fails.
    pub fn present_both(&mut self) -> Result<[Presented; 2], TrainError> {
        let now = self.present(0)?;
        let trained = self.weights()?;
        for array in self.trained() {
            let Init::Reals(start) = &self.plan.arrays[array].init else { continue };
            let start: Vec<f32> = start.iter().map(|x| *x as f32).collect();
            self.engine.write_reals(array, &start)?;
        }
        self.follow_numbers()?;
        let before = self.present(0)?;
        self.put(&trained)?;
        Ok([now, before])
    }

    /// How the network does on the test set while it is damaged, neurons of the populations `silenced` being silent; see
    /// [`Damage::silenced`]. After that it is as it was, bit for bit.
    ///
    /// # Errors
    /// The engine fails.
    pub fn test(&mut self, damage: &Damage, silenced: &[&str]) -> Result<Tested, TrainError> {
        let mut whole = Contents::new();
        for (k, tiles) in self.ports.weights.iter().enumerate() {
            let mut contents = Vec::new();
            for array in tiles.arrays() {
                contents.push(self.engine.read_reals(array)?);
            }
            let mut weights = tiles.unpack(&contents);
            damage.harm(self.network, k, silenced, &mut weights);
            let harmed: Vec<f64> = weights.into_iter().map(f64::from).collect();
            for (tile, (array, kept)) in tiles.arrays().into_iter().zip(contents).enumerate() {
                let packed = tiles.pack(tile, &harmed).into_iter().map(|w| w as f32);
                self.engine.write_reals(array, &packed.collect::<Vec<f32>>())?;
                whole.push((array, kept));
            }
        }
        let sums = self.judge(Set::Test, &damage.noise(), false)?;
        for (array, kept) in whole {
            self.engine.write_reals(array, &kept)?;
        }
        let accuracy = accuracy(sums.correct, sums.asked);
        Ok(Tested { accuracy, loss: sums.loss / sums.samples as f64 })
    }

    /// Part of the trained weights that are below a thousandth of their unit, if there are trained weights.
    ///
    /// # Errors
    /// The engine fails.
    pub fn small_weights(&mut self) -> Result<Option<f64>, EngineError> {
        let (mut small, mut all) = (0, 0);
        for (name, weights) in self.natural_weights(false)? {
            let projection = self.network.projections.iter().find(|p| p.name == name);
            let trained = projection.filter(|p| !p.frozen);
            let Some(unit) = trained.map(|p| p.unit.abs()) else { continue };
            small += weights.iter().filter(|w| f64::from(w.abs()) < SMALL * unit).count();
            all += weights.len();
        }
        Ok((all > 0).then(|| small as f64 / all as f64))
    }
}
