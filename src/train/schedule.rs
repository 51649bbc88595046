//! Schedules: the learning rate over a training, by the conventions of PyTorch. `Plateau` goes by finished epochs, and
//! is patient as `stop` is.

use super::epoch::Epoch;
use super::stop::Metric;
use crate::declare;
use std::f64::consts::PI;

declare! {
    /// Learning rate over the training.
    #[derive(Copy)]
    pub enum Schedule {
        /// The same throughout.
        Constant;
        /// Half a cosine from `lr` down to `floor · lr` at the last update.
        Cosine {
            /// Fraction of `lr` at the end.
            floor: f64 [Fraction] = 0.0;
        };
        /// A factor every so many epochs.
        Step {
            /// Epochs.
            every: u64 [Count];
            /// Factor.
            gamma: f64 [Positive] = 0.1;
        };
        /// A factor after each epoch.
        Exponential {
            /// Factor.
            gamma: f64 [Positive];
        };
        /// From `lr / div` up to `lr` and down to almost nothing, both by half a cosine (Smith & Topin 2019).
        OneCycle {
            /// Fraction of the updates in which it rises.
            rise: f64 [Fraction] = 0.3;
            /// What `lr` is divided by at the start.
            div: f64 [Positive] = 25.0;
            /// What the first rate is divided by at the end.
            final_div: f64 [Positive] = 1e4;
        };
        /// A factor each time that a number of the epochs has not become better for so many of them.
        Plateau {
            /// Factor.
            factor: f64 [Positive] = 0.1;
            /// Epochs without an improvement; after each factor they are counted anew.
            patience: u64 [Count];
            /// The number, named as in `stop`.
            metric: Metric;
            /// Fraction of `lr` below which it does not fall.
            floor: f64 [Fraction] = 0.0;
        };
    }
}

impl Schedule {
    /// Factor on the learning rate of an update, counted from 0, of `epochs` of `per_epoch` each, after epochs that are
    /// done.
    pub fn factor(self, update: u64, [epochs, per_epoch]: [u64; 2], done: &[Epoch]) -> f64 {
        let epoch = update / per_epoch.max(1);
        let last = (epochs * per_epoch).max(2) - 1;
        // Half a cosine from one number to another, at `x` of `whole`.
        let half = |from: f64, to: f64, x: f64, whole: f64| {
            to + (from - to) * 0.5 * (1.0 + (PI * x / whole).cos())
        };
        match self {
            Self::Constant => 1.0,
            Self::Cosine { floor } => half(1.0, floor, update as f64, last as f64),
            Self::Step { every, gamma } => gamma.powf((epoch / every) as f64),
            Self::Exponential { gamma } => gamma.powf(epoch as f64),
            Self::Plateau { factor, patience, metric, floor } => {
                factor.powf(metric.stalls(done, patience) as f64).max(floor)
            }
            Self::OneCycle { rise, div, final_div } => {
                let (first, end) = (1.0 / div, 1.0 / (div * final_div));
                let top = (rise * (last + 1) as f64 - 1.0).max(0.0);
                match update as f64 {
                    x if x < top => half(first, 1.0, x, top),
                    x => half(1.0, end, x - top, (last as f64 - top).max(1.0)),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::stop::epochs;

    /// Ten updates in five epochs; of OneCycle what torch.optim.lr_scheduler.OneCycleLR(max_lr: 1, total_steps: 10) makes by
    /// its equation: from 0.04 in two steps to 1, then in seven to 4e-6.
    #[test]
    fn factors_are_those_of_the_equations() {
        let all = |schedule: Schedule| -> Vec<f64> {
            (0..10).map(|update| schedule.factor(update, [5, 2], &[])).collect()
        };
        let close = |got: &[f64], want: &[f64]| {
            for (got, want) in got.iter().zip(want) {
                assert!((got - want).abs() <= 1e-12, "{got} {want}");
            }
        };
        close(&all(Schedule::Constant), &[1.0; 10]);
        let step = all(Schedule::Step { every: 2, gamma: 0.1 });
        close(&step, &[1.0, 1.0, 1.0, 1.0, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01]);
        let exponential = all(Schedule::Exponential { gamma: 0.5 });
        close(&exponential, &[1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625, 0.0625]);
        let cosine = all(Schedule::Cosine { floor: 0.2 });
        close(&[cosine[0], cosine[9]], &[1.0, 0.2]);
        close(&[cosine[3]], &[0.2 + 0.8 * 0.5 * (1.0 + (PI / 3.0).cos())]);
        let cycle = all(Schedule::OneCycle { rise: 0.3, div: 25.0, final_div: 1e4 });
        close(&[cycle[0], cycle[1], cycle[2], cycle[9]], &[0.04, 0.52, 1.0, 4e-6]);
        let seventh = (1.0 - 4e-6) * 0.5 * (1.0 + (PI / 7.0).cos()) + 4e-6;
        close(&[cycle[3]], &[seventh]);
        // One update has the whole rate.
        assert_eq!(Schedule::Cosine { floor: 0.0 }.factor(0, [1, 1], &[]), 1.0);
    }

    #[test]
    fn a_plateau_lowers_the_rate_step_by_step_to_its_floor() {
        let metric = Metric::ValidationAccuracy;
        let plateau = Schedule::Plateau { factor: 0.5, patience: 2, metric, floor: 0.2 };
        let done = epochs(&[], &[0.5, 0.6, 0.6, 0.6, 0.7, 0.7, 0.7, 0.7, 0.7]);
        let factors = (0..=9).map(|n| plateau.factor(2 * n as u64, [10, 2], &done[..n]));
        let wanted = [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.2];
        assert!(factors.eq(wanted), "{:?}", plateau.factor(18, [10, 2], &done));
    }
}
