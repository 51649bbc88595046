//! Answers of neurons that nobody told what to answer: each stands for the class for which it spikes most on average, and a
//! sample belongs to the class whose neurons spike most on average (Diehl & Cook 2015). [`super::assign`] is the training.

use super::loss::{Objective, Of, Wanted};
use crate::declare;

declare! {
    /// None: the synapses learn by themselves, sample by sample (`batch: 1`, `Images` as spikes, any neurons),
    /// and before each sample all but weights and thresholds is forgotten. Then each neuron of a
    /// population is assigned to the class for which it spikes most over the last training samples, with
    /// learning switched off. The answer to a sample is the class whose neurons spike most on average (Diehl &
    /// Cook 2015).
    pub struct Assignment: Word {
        /// The population.
        population: String;
        /// Training samples by which neurons are assigned.
        samples: u64 [Count];
    }
}

impl Objective for Assignment {
    fn of(&self) -> Of<'_> {
        Of::Assigned(self)
    }
    fn wanted(&self) -> Wanted {
        Wanted::Class
    }
}

/// How neurons respond to classes.
#[derive(Debug, Clone)]
pub struct Responses {
    classes: usize,
    /// Sum of the spikes of each neuron to samples of each class; class × neuron.
    pub(super) spikes: Vec<f32>,
    /// Samples of each class.
    pub(super) shown: Vec<f32>,
}

impl Responses {
    /// No response yet of so many neurons.
    pub fn new(classes: usize, neurons: usize) -> Self {
        Self { classes, spikes: vec![0.0; classes * neurons], shown: vec![0.0; classes] }
    }

    /// Adds the spikes of each neuron to a sample of a class.
    pub fn add(&mut self, class: usize, counts: &[u32]) {
        let row = &mut self.spikes[class * counts.len()..][..counts.len()];
        row.iter_mut().zip(counts).for_each(|(sum, count)| *sum += *count as f32);
        self.shown[class] += 1.0;
    }

    /// Class of each neuron; none of those that never spiked.
    pub fn classes(&self) -> Vec<Option<usize>> {
        let neurons = self.spikes.len() / self.classes;
        let mean = |class: usize, neuron: usize| {
            self.spikes[class * neurons + neuron] / self.shown[class].max(1.0)
        };
        let best = |neuron: usize| {
            // Of classes that are alike the first.
            let better = |a: usize, b: usize| if mean(b, neuron) > mean(a, neuron) { b } else { a };
            (0..self.classes).reduce(better).filter(|class| mean(*class, neuron) > 0.0)
        };
        (0..neurons).map(best).collect()
    }
}

/// The class whose neurons spiked most on average; 0 if none did.
pub fn answer(classes: usize, of: &[Option<usize>], counts: &[u32]) -> usize {
    let (mut sum, mut size) = (vec![0.0f64; classes], vec![0.0f64; classes]);
    for (class, count) in of.iter().zip(counts) {
        if let Some(class) = class {
            sum[*class] += f64::from(*count);
            size[*class] += 1.0;
        }
    }
    let mean = |class: usize| if size[class] > 0.0 { sum[class] / size[class] } else { 0.0 };
    (0..classes).reduce(|a, b| if mean(b) > mean(a) { b } else { a }).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neurons_mean_what_they_respond_to_most() {
        let mut responses = Responses::new(3, 4);
        // Class 0 is shown more often; it is the mean that counts.
        responses.add(0, &[5, 0, 2, 0]);
        responses.add(0, &[5, 0, 2, 0]);
        responses.add(1, &[0, 4, 3, 0]);
        responses.add(2, &[1, 0, 3, 0]);
        let classes = responses.classes();
        assert_eq!(classes, [Some(0), Some(1), Some(1), None]);
        assert_eq!(answer(3, &classes, &[3, 4, 3, 9]), 1);
        // Two neurons of class 1 with 2 spikes each do not outweigh one with 3.
        assert_eq!(answer(3, &classes, &[3, 2, 2, 0]), 0);
        assert_eq!(answer(3, &classes, &[0; 4]), 0);
    }
}
