//! Rules of samples: which there are, how they are shown, and which answers a loss asks of them.

use super::*;
use crate::data::delayed_recall::FRAME;
use crate::data::evidence;
use crate::data::orders;
use crate::data::store_recall::{self, StoreRecall};
use crate::scene::{Augment, Over, Range};
use crate::train::loss::Wanted;

/// Most numbers of samples that are made by formula; they are held as floats while they are made.
const MOST_MADE: u128 = 1 << 26;

/// Labels are bytes.
const MOST_CLASSES: u64 = 256;

impl Checker<'_> {
    /// Which samples are trained on, and which are set aside.
    pub(super) fn samples(&mut self, training: &Training) {
        let data = training.data.as_ref();
        if let Some(Range { low, high }) = data.and_then(Data::range)
            && low >= high
        {
            let message = format!("the highest level, {high}, is not above the lowest, {low}");
            let help = "give the least and the largest number that may be in the files";
            self.fault_with_help("training.data.range", message, help);
        }
        if let Some(numbers) = data.and_then(Data::made).filter(|numbers| *numbers > MOST_MADE) {
            let message = format!("it has {numbers} numbers, more than {MOST_MADE}");
            let help = "make fewer samples, or smaller ones";
            self.fault_with_help("training.data", message, help);
        }
        if let Some(data) = data {
            self.in_time(training, data);
            self.cued(training, data);
        }
        if let Some(Data::Randman { manifolds, .. }) = data
            && *manifolds > MOST_CLASSES
        {
            let message = format!("{manifolds} is more than there are labels");
            let help = format!("give at most {MOST_CLASSES}");
            self.fault_with_help("training.data.manifolds", message, help);
        }
        if let Some(Data::Orders { groups, .. }) = data {
            let [fewest, most] = orders::GROUPS;
            if !(fewest..=most).contains(groups) {
                let message =
                    format!("{groups} groups have no order, or more orders than there are labels");
                let help = format!("give from {fewest} to {most}");
                self.fault_with_help("training.data.groups", message, help);
            }
        }
        if let Some(classes) = data.and_then(|data| data.choice().classes) {
            let path = "training.data.classes";
            if classes.is_empty() {
                let help = "name some, or leave it out for all";
                self.fault_with_help(path, "there is no class in it", help);
            }
            for (k, class) in classes.iter().enumerate() {
                if classes[..k].contains(class) {
                    self.fault(format!("{path}.{k}"), format!("class {class} is there twice"));
                }
            }
        }
        if let Some(choice) = data.map(Data::choice)
            && choice.drawn
            && choice.per_class.is_none()
        {
            let help = "give `per_class`, how many of each class, or leave it out";
            self.fault_with_help("training.data.drawn", "all samples are taken", help);
        }
        if let Some(part) = training.validation.filter(|part| *part > 1.0 && part.fract() != 0.0) {
            let message = format!("{part} is neither a number of samples nor a part of them");
            let help = "give a whole number, or one between 0 and 1";
            self.fault_with_help("training.validation", message, help);
        }
    }

    /// Changes of samples with a cue, and of samples without.
    fn cued(&mut self, training: &Training, data: &Data) {
        let is_pairs = matches!(data, Data::Pairs { .. });
        let is_cued = is_pairs || matches!(data, Data::Streams { .. });
        for change in data.choice().augment {
            let path = "training.data.augment";
            match change {
                Augment::Miscue(_) if !is_pairs => {
                    let message = "these samples have no cue, which those of `Pairs` have";
                    self.fault_with_help(path, message, "leave `Miscue` out");
                }
                Augment::Shift(_) if is_cued => {
                    let message = "`Shift` would move images away from where their cue is";
                    self.fault_with_help(path, message, "leave it out");
                }
                _ => {}
            }
        }
        for (name, _) in training.tests.iter().filter(|(_, t)| t.miscue > 0.0 && !is_pairs) {
            let message = "these samples have no cue, which those of `Pairs` have";
            let path = format!("training.tests.{name}.miscue");
            self.fault_with_help(path, message, "leave it out");
        }
    }

    /// Rules of samples that are frames, and of answers to each.
    fn in_time(&mut self, training: &Training, data: &Data) {
        let of_frames = training.loss.over() == Some(Over::Frames);
        if of_frames && training.loss.wanted() != Wanted::Class {
            let message = "an answer to each frame is a class, and this loss is of targets";
            let help =
                "use `SoftmaxCrossEntropy(over: Frames)`, or another part of the presentation";
            self.fault_with_help("training.loss.over", message, help);
        } else if of_frames && !data.labels_frames() {
            let message =
                "`Frames` asks for an answer to each frame, and the samples have one label each";
            let help = "use `Mean`, `Window`, `Last`, ..., or data with a label for each frame: `StoreRecall`";
            self.fault_with_help("training.loss.over", message, help);
        } else if !of_frames && data.labels_frames() {
            let message = "samples of `StoreRecall` have a label for each frame, of which this loss knows nothing";
            self.fault_with_help(
                "training.loss",
                message,
                "use `SoftmaxCrossEntropy(over: Frames)`",
            );
        }
        if data.labels_frames() {
            let choice = data.choice();
            let shifts = choice.augment.iter().any(|change| matches!(change, Augment::Shift(_)));
            for (name, given, why) in [
                (
                    "classes",
                    choice.classes.is_some(),
                    "samples with a label for each frame have no class",
                ),
                (
                    "per_class",
                    choice.per_class.is_some(),
                    "samples with a label for each frame have no class",
                ),
                ("augment", shifts, "`Shift` would move frames away from their labels"),
            ] {
                if given {
                    self.fault_with_help(format!("training.data.{name}"), why, "leave it out");
                }
            }
        }
        if let Data::Streams { frames, .. } = *data {
            self.as_many_frames(frames);
        }
        if let Data::StoreRecall { symbols, p, .. } = *data {
            let task = StoreRecall { symbols: symbols as usize, p };
            let is_small = data.made().is_some_and(|numbers| numbers <= MOST_MADE);
            if symbols < store_recall::FEWEST {
                let message =
                    format!("{symbols} symbols are not enough for store, a bit and recall");
                let help = format!("give at least {}", store_recall::FEWEST);
                self.fault_with_help("training.data.symbols", message, help);
            } else if Rule::Fraction.broken(p).is_none() && is_small && !task.is_possible() {
                let message = format!(
                    "with {p} no sequence of {symbols} symbols stores a bit and recalls it"
                );
                self.fault_with_help(
                    "training.data.p",
                    message,
                    "take one between 0 and 1, as 0.15",
                );
            }
        }
        if let Data::Evidence { cues, delay, .. } = *data {
            self.whole_frames("training.data.delay", evidence::FRAME, delay);
            if cues % 2 == 0 {
                let message = format!("of {cues} cues as many may be on either side");
                self.fault_with_help("training.data.cues", message, "give an odd number");
            }
        }
        self.shown(training, data);
    }

    /// A delay of so many frames of some time.
    pub(super) fn whole_frames(&mut self, path: &str, frame: f64, delay: Quantity<Ms>) {
        let whole = (delay.get() / frame).round() * frame;
        if is_positive(delay.get()) && (whole - delay.get()).abs() > 1e-6 * delay.get() {
            let message = format!("{} ms is no multiple of the {frame} ms of a frame", delay.get());
            self.fault_with_help(
                path,
                message,
                format!("give {frame} ms, or several times as much"),
            );
        }
    }

    /// Whether samples of so many frames are shown in as many.
    fn as_many_frames(&mut self, frames: u64) {
        let scene = self.scene;
        for (name, population) in &scene.populations {
            let Model::Images(images) = &population.model else { continue };
            if images.frames != frames {
                let message = format!("the samples have {frames} frames, not {}", images.frames);
                let help = format!("write `frames: {frames}`");
                self.fault_with_help(format!("populations.{name}.model.frames"), message, help);
            }
        }
    }

    /// Whether a population shows a task in time as its frames are.
    fn shown(&mut self, training: &Training, data: &Data) {
        let Some([frames, numbers]) = data.frames() else { return };
        let scene = self.scene;
        for (name, population) in &scene.populations {
            let Model::Images(images) = &population.model else { continue };
            let path = format!("populations.{name}");
            let sources = numbers.saturating_mul(images.fields());
            if population.size != sources {
                let each = match images.fields() {
                    1 => "a source for each".to_owned(),
                    fields => format!("{fields} sources for each"),
                };
                let message = format!("the frames of the samples have {numbers} numbers, {each}");
                self.fault_with_help(
                    format!("{path}.size"),
                    message,
                    format!("write `size: {sources}`"),
                );
            }
            let held = self.dt().and_then(|dt| Some(images.held(training.steps, dt)? as f64 * dt));
            let frame = match data {
                Data::DelayedRecall { .. } => Some(("DelayedRecall", FRAME)),
                Data::Evidence { .. } => Some(("Evidence", evidence::FRAME)),
                _ => None,
            };
            if let (Some((task, frame)), Some(held)) = (frame, held)
                && (held - frame).abs() > 1e-6
            {
                let message =
                    format!("a frame of `{task}` is {frame} ms, and is shown for {held} ms");
                let help = format!("write `hold: \"{frame} ms\"`");
                self.fault_with_help(format!("{path}.model.hold"), message, help);
            }
        }
        self.as_many_frames(frames);
    }
}
