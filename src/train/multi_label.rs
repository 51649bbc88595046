//! Cross-entropy of a sigmoid of each output, one of the forms of [`super::target_error`].

use super::loss::{Answers, Objective, Of, Over, Wanted};
use super::target_error::{SIGMOID, judgement};
use crate::declare;
use crate::kernel::{Kernel, Word};

declare! {
    /// Cross-entropy of the sigmoid of each of the readout's outputs, summed over outputs: a sample may have
    /// several marks or none, which `targets` says by 1 and 0. An answer is right if every output is, a mark being
    /// told by an output above 0, of which the sigmoid is above 0.5.
    #[derive(Copy)]
    pub struct MultiLabel: Word {
        /// As of `SquaredError`.
        over: Over = Over::Mean;
    }
}

impl Objective for MultiLabel {
    fn of(&self) -> Of<'_> {
        Of::Readout(self.over)
    }
    fn wanted(&self) -> Wanted {
        Wanted::Marks
    }
    fn judgement(&self, answers: Answers) -> Option<(&'static Kernel, Vec<Word>)> {
        self.in_each_step().map(|(form, delta)| judgement(form, delta, answers))
    }
    fn in_each_step(&self) -> Option<(u32, f64)> {
        Some((SIGMOID, 0.0))
    }
}
