//! Huber's errors of outputs: squares near 0, lines beyond, one of the forms of [`super::target_error`].

use super::loss::{Answers, Objective, Of, Over, Wanted};
use super::target_error::{HUBER, judgement};
use crate::declare;
use crate::kernel::{Kernel, Word};

declare! {
    /// As `SquaredError`, but with half the square of a difference e up to `delta`, and beyond it `delta (|e| -
    /// delta / 2)`, which a few far outputs do not rule (Huber 1964).
    #[derive(Copy)]
    pub struct Huber: Word {
        /// Difference up to which it is a square.
        delta: f64 [Positive] = 1.0;
        /// As of `SquaredError`.
        over: Over = Over::Mean;
    }
}

impl Objective for Huber {
    fn of(&self) -> Of<'_> {
        Of::Readout(self.over)
    }
    fn wanted(&self) -> Wanted {
        Wanted::Targets
    }
    fn judgement(&self, answers: Answers) -> Option<(&'static Kernel, Vec<Word>)> {
        self.in_each_step().map(|(form, delta)| judgement(form, delta, answers))
    }
    fn in_each_step(&self) -> Option<(u32, f64)> {
        Some((HUBER, self.delta))
    }
}
