//! Squared errors of outputs: `e^2`, one of the forms of [`super::target_error`].

use super::loss::{Answers, Objective, Of, Over, Wanted};
use super::target_error::{SQUARED, judgement};
use crate::declare;
use crate::kernel::{Kernel, Word};

declare! {
    /// Squared differences between the readout's outputs and the `targets` of the samples, summed over outputs. Of
    /// samples that have `labels` instead the output of the class is to be 1, the others 0.
    #[derive(Copy)]
    pub struct SquaredError: Word {
        /// How the potential over time becomes one number per output.
        over: Over = Over::Mean;
    }
}

impl Objective for SquaredError {
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
        Some((SQUARED, 0.0))
    }
}
