//! Sources that show samples: which part of them, in which frames, and for how long. What becomes input of it is for an
//! [encoder] to say.

use super::encoder::{self, Encode};
use super::source::{Emit, InputError, Making, Sends, Setting};
use super::trains::moved;
use crate::grammar::{Judge, Ms, Quantity, Rule};
use crate::neuron::model::Drawn;
use crate::{declare, encoders};

declare! {
    /// A source for each pixel of the training images, or of each of their frames; or several, if the encoder says so.
    pub struct Images {
        /// How a pixel's intensity becomes input.
        encoder: Encoder;
        /// Frames of a sample, which are shown one after the other. Each has a pixel for each source: 28 sources read
        /// an image of 28 x 28 row by row in 28 frames. After the last nothing is shown.
        frames: u64 [Count] = 1u64;
        /// How long each frame is shown, whole steps \[ms\]; if absent, they share `training.steps` among them.
        hold: Option<Quantity<Ms>> [Positive];
        /// Which part of a sample it shows; the whole if absent. In a training by gradients as many populations as there
        /// are parts may show one.
        part: Option<Part>;
    }
}

declare! {
    /// A part of a sample: where some of its rows meet some of its columns.
    pub struct Part {
        /// Its rows; all if absent.
        rows: Option<Stretch>;
        /// Its columns; all if absent.
        columns: Option<Stretch>;
    }
}

declare! {
    /// Some that follow each other, of what is counted from 0: `(from: 0, to: 28)` are the first 28.
    #[derive(Copy)]
    pub struct Stretch {
        /// The first.
        from: u64;
        /// The one behind the last.
        to: u64;
    }
}

impl Stretch {
    /// Whether it is some of so many.
    pub fn is_within(self, count: u64) -> bool {
        self.from < self.to && self.to <= count
    }
}

impl Part {
    /// The rows and columns that it has of so many, if it has some and these are there.
    pub fn of(&self, [rows, columns]: [usize; 2]) -> Option<[std::ops::Range<usize>; 2]> {
        let stretch = |wanted: Option<Stretch>, all: usize| match wanted {
            Some(some) => {
                some.is_within(all as u64).then_some(some.from as usize..some.to as usize)
            }
            None => Some(0..all),
        };
        Some([stretch(self.rows, rows)?, stretch(self.columns, columns)?])
    }
}

impl Images {
    /// Whether each source has one value for the whole presentation.
    pub fn is_constant(&self) -> bool {
        let changes = self.frames > 1 || self.hold.is_some();
        self.encoder.code().gain().is_some() && !changes
    }

    /// Sources of each pixel.
    pub fn fields(&self) -> u64 {
        self.encoder.code().fields()
    }

    /// Pixels that so many sources show, in all frames.
    pub fn pixels(&self, sources: usize) -> usize {
        self.frames as usize * (sources / self.fields() as usize)
    }

    /// Steps for which each frame is shown in a window of so many; none if these cannot be shared.
    pub fn held(&self, window: u64, dt: f64) -> Option<u64> {
        match self.hold {
            Some(hold) => Some((hold.get() / dt).round() as u64),
            None => window.checked_div(self.frames).filter(|steps| steps * self.frames == window),
        }
    }
}

macro_rules! encoder {
    ($($(#[doc = $doc:literal])+ $file:ident::$word:ident $(| $alias:literal)*;)*) => {
        declare! {
            /// How a pixel's intensity x, from 0 to 1, becomes input.
            pub enum Encoder {
                $($(#[doc = $doc])+ $word $(| $alias)* (crate::input::$file::$word);)*
            }
        }

        impl Encoder {
            /// What it makes of samples.
            pub fn code(&self) -> &dyn Encode {
                match self {
                    $(Self::$word(code) => code,)*
                }
            }
        }
    };
}

encoders!(encoder);

impl Images {
    /// Sources that are not several of each pixel, as many as the encoder says.
    fn check_sources(&self, setting: &Setting, judge: &mut dyn Judge) {
        let (size, fields) = (setting.size, self.fields());
        if size % fields > 0 {
            let message =
                format!("{size} sources are no multiple of the {fields} that each pixel has");
            let help = format!("write {fields} for each pixel of a frame, or change `fields`");
            judge.fault_with_help(&setting.size_at, message, help);
        }
    }

    /// For how many steps each frame is shown, where that is sound, and not the whole window.
    fn check_frames(&self, path: &str, setting: &Setting, judge: &mut dyn Judge) -> Option<u64> {
        let steps = setting.steps;
        let hold = self.hold.map(Quantity::get);
        let is_positive = |hold: f64| Rule::Positive.broken(hold).is_none();
        let sound = self.frames > 0 && steps > 0 && hold.is_none_or(is_positive);
        let dt = setting.dt.filter(|_| sound)?;
        let frames = self.frames;
        let broken = |hold: &f64| (hold / dt).round() < 1.0 || moved(*hold, dt).is_some();
        if let Some(hold) = hold.filter(broken) {
            let message = format!("{hold} ms are no whole number of steps of {dt} ms");
            let help = "give a multiple of `simulation.dt`";
            judge.fault_with_help(format!("{path}.hold"), message, help);
            return None;
        }
        let Some(held) = self.held(steps, dt) else {
            let message = format!(
                "the {steps} steps of `training.steps` cannot be shared equally among {frames} frames"
            );
            let help = "give `hold`, how long each is shown, or make `training.steps` a multiple";
            judge.fault_with_help(format!("{path}.frames"), message, help);
            return None;
        };
        if u128::from(held) * u128::from(frames) > u128::from(steps) {
            let shown = format!("{frames} x {held} steps in which frames are shown");
            let message = format!("{shown} are more than the {steps} of `training.steps`");
            let help = "raise `training.steps`, or lower `hold` or `frames`";
            judge.fault_with_help(format!("{path}.hold"), message, help);
            return None;
        }
        Some(held).filter(|held| *held < steps)
    }
}

impl Emit for Images {
    fn check(&self, path: &str, setting: &Setting, judge: &mut dyn Judge) {
        self.check_sources(setting, judge);
        let held = self.check_frames(path, setting, judge);
        if let Some(dt) = setting.dt {
            let setting = encoder::Setting { dt, held };
            self.encoder.code().check(&format!("{path}.encoder"), setting, judge);
        }
    }
    fn make(
        &self,
        _: Making,
        _: &Drawn,
        _: &mut dyn FnMut(String, String),
    ) -> Result<Sends, InputError> {
        Ok(Sends::Images(self.clone()))
    }
}
