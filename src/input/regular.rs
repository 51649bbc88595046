//! Spikes at regular intervals, known before the run as given ones are.

use super::source::{Emit, InputError, MOST_GIVEN, Making, Sends, Setting};
use super::trains::OnGrid;
use crate::declare;
use crate::grammar::{Judge, Ms, One, Param, TOLERANCE};
use crate::neuron::model::{Drawn, at};

declare! {
    /// Spikes at regular intervals, as `Spikes` has them.
    pub struct Regular {
        /// Time of the first spike \[ms\].
        start: Param<Ms> [Positive];
        /// Time from one spike to the next \[ms\].
        interval: Param<Ms> [Positive];
        /// How many there are; as many as fit into the simulation if absent.
        count: Option<Param<One>> [NotNegative];
    }
}

impl Emit for Regular {
    fn check(&self, path: &str, setting: &Setting, judge: &mut dyn Judge) {
        let lowest = self.interval.bounds().map(|(low, _)| low);
        if let (Some(interval), Some(dt)) = (lowest, setting.dt)
            && interval < dt * (1.0 - TOLERANCE)
        {
            let message =
                format!("spikes every {interval} ms are more than one in a step of {dt} ms");
            let help = "lengthen the interval, or lower `simulation.dt`";
            judge.fault_with_help(format!("{path}.interval"), message, help);
        }
    }
    fn is_given(&self) -> bool {
        true
    }
    fn make(
        &self,
        Making { dt, end, .. }: Making,
        drawn: &Drawn,
        warn: &mut dyn FnMut(String, String),
    ) -> Result<Sends, InputError> {
        let end = end.unwrap_or_default();
        let (mut total, mut late) = (0.0, 0.0);
        let mut times = Vec::with_capacity(drawn.size);
        for k in 0..drawn.size {
            let (start, interval) = (drawn.of("start", k), drawn.of("interval", k));
            let fit = ((end - start) / interval * (1.0 + 1e-12)).floor() + 1.0;
            let wanted = drawn.find("count").map_or(fit, |count| at(count, k).round()).max(0.0);
            let count = wanted.min(fit.max(0.0));
            total += count;
            late += wanted - count;
            if total > MOST_GIVEN {
                let why = format!(
                    "which makes more than {MOST_GIVEN:e} spikes; lower `count`, or use `Poisson`"
                );
                return Err(drawn.refused("interval", k, interval, why).into());
            }
            times.push((0..count as u64).map(|n| start + n as f64 * interval).collect::<Vec<_>>());
        }
        let grid = OnGrid::new(&times, dt, Some(end));
        if let Some(((k, _), message)) = grid.merged() {
            let why = format!("but {message}");
            return Err(drawn.refused("interval", k, drawn.of("interval", k), why).into());
        }
        if late > 0.0 || total == 0.0 {
            let message = format!("{total} spikes come until the end, {late} would come after it");
            warn(drawn.path.clone(), message);
        }
        grid.warnings().for_each(|message| warn(format!("{}.interval", drawn.path), message));
        Ok(Sends::Spikes(grid.steps()))
    }
}
