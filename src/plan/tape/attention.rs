//! Temporal attention: see [`crate::synapse::attention_scores`]. A projection with it gets, in place of what its source
//! sends, values: that times the score of the frame. Scores need the whole window of the source, which is off any cycle with
//! the target. Whatever delivers values, and makes gradients by weights of them, knows of no attention; on the way back
//! gradients by these values become gradients by the weights of the scores, and by what the source sends.

use super::layout::Pop;
use super::*;
use crate::synapse::{
    attention_scores, attention_scores_backward, attention_squeeze, attention_values,
    attention_values_backward, attention_values_gradient,
};
use crate::train::sum_samples;

/// Arrays of a projection with attention.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attended {
    /// The source as the projection sees it: values, and gradients by them.
    pub pop: Pop,
    hidden: usize,
    squeezes: u32,
    /// Factor on what a source sends in a frame, which makes its activity of it.
    share: f64,
    weights: Reals,
    squeezed: Reals,
    largest: Words,
    inner: Reals,
    scores: Reals,
    /// If gradients pass.
    back: Option<Back>,
}

/// Gradients of a projection with attention.
#[derive(Debug, Clone, Copy)]
struct Back {
    scores: Reals,
    squeezed: Reals,
    /// By weights, of each sample.
    weights: Reals,
}

impl Tapes<'_> {
    /// Frames of a sample, and the steps of each.
    fn frames(&self) -> [usize; 2] {
        let images = self.network.images().map(|(_, images)| images);
        frames_of(images, self.layout.steps, self.network.dt).map(|k| k as usize)
    }

    /// Makes the arrays of projections with attention.
    pub(super) fn attention_sources(&mut self) {
        let [frames, hold] = self.frames();
        for (index, projection) in self.network.projections.iter().enumerate() {
            let Some(attention) = &projection.attention else { continue };
            let (name, back) = (&projection.name, self.needs_values_back(index));
            let spikes = self.network.populations[projection.from].spikes();
            let layout = &mut self.layout;
            let start = attention.start.clone();
            let (hidden, all) = (attention.hidden, start.len());
            let weights = layout.arrays.reals(format!("{name}.attention.weights"), start);
            let mut pop = layout.pops[projection.from];
            let (samples, steps) = (layout.batch, layout.steps);
            let largest = format!("{name}.attention.largest");
            let largest = layout.arrays.zero_words(largest, samples * frames);
            let mut zeros = |what: &str, len: usize| {
                layout.arrays.zero_reals(format!("{name}.attention.{what}"), samples * len)
            };
            pop.values = zeros("values", (pop.history + steps) * pop.n);
            let [squeezed, inner] = [zeros("squeezed", 2 * frames), zeros("inner", 2 * hidden)];
            let scores = zeros("scores", frames);
            if back {
                pop.cotangent = zeros("cotangent", steps * pop.n);
            }
            let back = back.then(|| Back {
                scores: zeros("scores_bar", frames),
                squeezed: zeros("squeezed_bar", 2 * frames),
                weights: zeros("gradients", all),
            });
            let attended = Attended {
                pop,
                hidden,
                squeezes: attention.squeeze.bits(),
                share: if spikes { 1.0 } else { 1.0 / hold as f64 },
                weights,
                squeezed,
                largest,
                inner,
                scores,
                back,
            };
            let ports = AttentionPorts { projection: index, weights, scores: attended.scores };
            layout.ports.attention.push(ports);
            self.attended[index] = Some(attended);
        }
    }

    /// What the source of a projection sends, times the scores of the frames.
    pub(super) fn attend(&self, index: usize) -> Vec<Launch> {
        let Some(a) = self.attended[index] else { return Vec::new() };
        let projection = &self.network.projections[index];
        let ([frames, hold], steps) = (self.frames(), self.layout.steps);
        let [n, history] = [a.pop.n, a.pop.history];
        let values = u32::from(self.sends_values(projection.from));
        let name = &projection.name;
        let squeeze = attention_squeeze::AttentionSqueezeParams::<f64> {
            n: n as u32,
            steps: steps as u32,
            history: history as u32,
            frames: frames as u32,
            hold: hold as u32,
            values,
            share: a.share,
        };
        let score = attention_scores::AttentionScoresParams::<f64> {
            frames: frames as u32,
            hidden: a.hidden as u32,
            squeezes: a.squeezes,
        };
        let weigh = attention_values::AttentionValuesParams::<f64> {
            n: n as u32,
            steps: steps as u32,
            history: history as u32,
            frames: frames as u32,
            hold: hold as u32,
            values,
        };
        let [spikes, x] = self.sent_both(projection.from);
        let (squeezed, scores) = (each(a.squeezed, 2 * frames), each(a.scores, frames));
        let squeeze_args = vec![spikes, x, squeezed, each(a.largest, frames)];
        let score_args = vec![squeezed, whole(a.weights), each(a.inner, 2 * a.hidden), scores];
        let weigh_args = vec![spikes, x, scores, each(a.pop.values, (history + steps) * n)];
        let weigh = self.by_sample(&attention_values::KERNEL, name, weigh.words(), weigh_args, n);
        vec![
            self.by_sample(&attention_squeeze::KERNEL, name, squeeze.words(), squeeze_args, frames),
            self.by_sample(&attention_scores::KERNEL, name, score.words(), score_args, 1),
            Launch { per_step: true, ..weigh },
        ]
    }

    /// Gradients by what a projection with attention got become gradients by the weights of its scores, of each sample, and
    /// by what its source sends.
    pub(super) fn attend_back(&mut self, index: usize, launches: &mut Vec<Launch>) {
        let Some((a, back)) = self.attended[index].and_then(|a| Some((a, a.back?))) else { return };
        let projection = &self.network.projections[index];
        let ([frames, hold], steps) = (self.frames(), self.layout.steps);
        let (name, n) = (&projection.name, a.pop.n);
        let by_values = each(a.pop.cotangent, steps * n);
        let (scores, scores_bar) = (each(a.scores, frames), each(back.scores, frames));
        let squeezed_bar = each(back.squeezed, 2 * frames);
        let p = attention_values_gradient::AttentionValuesGradientParams::<f64> {
            n: n as u32,
            steps: steps as u32,
            history: a.pop.history as u32,
            frames: frames as u32,
            hold: hold as u32,
            values: u32::from(self.sends_values(projection.from)),
        };
        let [spikes, x] = self.sent_both(projection.from);
        let args = vec![spikes, x, by_values, scores_bar];
        let kernel = &attention_values_gradient::KERNEL;
        launches.push(self.by_sample(kernel, name, p.words(), args, frames));
        let p = attention_scores_backward::AttentionScoresBackwardParams::<f64> {
            frames: frames as u32,
            hidden: a.hidden as u32,
        };
        let args = vec![
            each(a.squeezed, 2 * frames),
            each(a.inner, 2 * a.hidden),
            scores,
            scores_bar,
            whole(a.weights),
            each(back.weights, 2 * a.hidden * frames),
            squeezed_bar,
        ];
        let kernel = &attention_scores_backward::KERNEL;
        launches.push(self.by_sample(kernel, name, p.words(), args, 1));
        if !a.pop.active {
            return;
        }
        let (cotangent, filled) = self.cotangent(projection.from);
        let p = attention_values_backward::AttentionValuesBackwardParams::<f64> {
            n: n as u32,
            steps: steps as u32,
            frames: frames as u32,
            hold: hold as u32,
            accumulate: u32::from(filled),
            share: a.share,
        };
        let args = vec![by_values, scores, squeezed_bar, each(a.largest, frames), cotangent];
        let kernel = &attention_values_backward::KERNEL;
        let launch = self.by_sample(kernel, name, p.words(), args, n);
        launches.push(Launch { per_step: true, ..launch });
    }

    /// Gradients by all weights of scores that are learned.
    pub(super) fn attention_gradients(&mut self, launches: &mut Vec<Launch>) {
        let network = self.network;
        for (index, projection) in network.projections.iter().enumerate() {
            let Some((a, back)) = self.attended[index].and_then(|a| Some((a, a.back?))) else {
                continue;
            };
            if !projection.learns_attention() || !self.layout.pops[projection.to].active {
                continue;
            }
            let (name, len) = (&projection.name, self.layout.arrays[a.weights].len);
            let gradient = format!("{name}.attention.gradient");
            let gradient = self.layout.arrays.zero_reals(gradient, len);
            self.layout.ports.gradients.push((gradient, a.weights));
            let p = sum_samples::SumSamplesParams::<f64> { n: len as u32 };
            let args = vec![whole(back.weights), each(gradient, 1)];
            launches.push(by_element(&sum_samples::KERNEL, name, p.words(), args, len));
        }
    }

    /// Factor on the learning rate of an array, if it has weights of scores.
    pub(super) fn lr_of_attention(&self, array: Reals) -> Option<f64> {
        let ports = self.layout.ports.attention.iter().find(|ports| ports.weights == array)?;
        Some(self.network.projections[ports.projection].lr)
    }
}
