//! Population code: numbers seen through Gaussian receptive fields, side by side over their range.
//!
//! ```text
//!   c_k = from + k (to - from) / (fields - 1)          a single field lies in the middle
//!   part of field k in x = exp(-(x - c_k)^2 / (2 sigma^2))
//! ```
//! with x from 0 to 1, the level of the number over 255 (Eurich & Wilke 2000; Bohte, Kok & La Poutré 2002). A part is
//! a level too, to the nearest of 256, tabulated by the host for each field and each level of the number; what other
//! encoders make of pixels is then made of these. So all engines have the same bits, and the error of a part is below
//! 1/510. Source `fields · j + k` is field k of number j.

use super::constant::Constant;
use super::encoder::{Encode, Given, Setting, Showing, Window};
use super::latency::Latency;
use super::poisson::Poisson;
use super::{Frames, pixel_words};
use crate::grammar::Judge;
use crate::kernel::*;
use crate::{declare, params};

declare! {
    /// Receptive fields, each of which has its part of a number: all of it at the centre, and less the further away.
    #[derive(Copy)]
    pub struct Population {
        /// Receptive fields of each number, side by side: so many sources.
        fields: u64 [Count];
        /// Centre of the first, in units of the intensity.
        from: f64 = 0.0;
        /// Centre of the last.
        to: f64 = 1.0;
        /// Standard deviation of each; if absent, the distance of neighbouring centres, of a single field that of
        /// `from` and `to`.
        sigma: Option<f64> [Positive];
        /// How the part of a field, from 0 to 1, is sent.
        send: Sent;
    }
}

declare! {
    /// How a receptive field sends its part of a number: as a source sends the intensity of a pixel.
    #[derive(Copy)]
    pub enum Sent {
        /// By a Poisson train.
        Poisson(Poisson);
        /// By the time of a spike.
        Latency(Latency);
        /// As a value.
        Constant(Constant);
    }
}

impl Sent {
    fn code(&self) -> &dyn Encode {
        match self {
            Self::Poisson(code) => code,
            Self::Latency(code) => code,
            Self::Constant(code) => code,
        }
    }
}

impl Population {
    /// What each field has of each of the 256 levels, as a level: field by field.
    fn levels(&self) -> Vec<u32> {
        let apart = (self.to - self.from) / self.fields.saturating_sub(1).max(1) as f64;
        let sigma = self.sigma.unwrap_or(apart);
        let centre = |field: u64| match self.fields {
            1 => 0.5 * (self.from + self.to),
            _ => self.from + apart * field as f64,
        };
        let part = |field: u64, x: f64| (-0.5 * ((x - centre(field)) / sigma).powi(2)).exp();
        let of_field = |field: u64| {
            (0..256).map(move |x| (255.0 * part(field, f64::from(x) / 255.0)).round() as u32)
        };
        (0..self.fields).flat_map(of_field).collect()
    }
}

impl Encode for Population {
    fn check(&self, path: &str, setting: Setting, judge: &mut dyn Judge) {
        if self.from >= self.to {
            let message = format!("centres from {} to {} do not ascend", self.from, self.to);
            judge.fault_with_help(format!("{path}.to"), message, "raise `to`, or lower `from`");
        }
        self.send.code().check(&format!("{path}.send"), setting, judge);
    }
    fn gain(&self) -> Option<f64> {
        self.send.code().gain()
    }
    fn fields(&self) -> u64 {
        self.fields.max(1)
    }
    fn show(&self, window: &Window) -> Vec<Showing> {
        let fields = self.fields as u32;
        let p = PopulationParams::<f64> { numbers: window.frames * (window.n / fields), fields };
        let mut showings = vec![Showing {
            kernel: &KERNEL,
            params: p.words(),
            args: vec![Given::Pixels, Given::Table("level", self.levels()), Given::Intensities],
            per_sample: window.words() as u32,
            per_step: false,
        }];
        for mut showing in self.send.code().show(window) {
            for given in &mut showing.args {
                if let Given::Pixels = given {
                    *given = Given::Intensities;
                }
            }
            showings.push(showing);
        }
        showings
    }
}

params! {
    /// `Params` of `shaders/input/population.wgsl`.
    pub struct PopulationParams {
        /// Numbers of a sample, of all frames.
        numbers: word,
        /// Receptive fields of each.
        fields: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "input/population",
    wgsl: include_str!("../../shaders/input/population.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("pixels"),          // [samples, ceil(numbers / 4)]
        words("level"),           // [fields, 256]
        words_mut("intensities"), // [samples, ceil(numbers fields / 4)]
    ],
    layouts: &[],
    params: PopulationParams::<f32>::FIELDS,
    twin32: dispatched::<PopulationTwin, f32>,
    twin64: scalar::<PopulationTwin, f64>,
};

/// The twin of `shaders/input/population.wgsl`.
pub struct PopulationTwin;

impl Twin for PopulationTwin {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = PopulationParams::<F>::of(call.params);
        let [pixels, level, intensities] = Call::take(call.args);
        let (pixels, level, intensities) = (pixels.words(), level.words(), intensities.words_mut());
        let (numbers, fields) = (p.numbers as usize, p.fields as usize);
        // All frames at once: which is shown when is for those to tell that send.
        let all = Frames { n: numbers, frames: 1, hold: 1 };
        let words = pixel_words(numbers * fields);
        for b in 0..call.units.len() {
            let (sample, sent) =
                (&pixels[b * all.words()..], &mut intensities[b * words..][..words]);
            sent.fill(0);
            for number in 0..numbers {
                let x = all.pixel(sample, 0, number) as usize;
                for field in 0..fields {
                    let id = number * fields + field;
                    sent[id / 4] |= level[256 * field + x] << (8 * (id % 4));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn population(fields: u64, sigma: Option<f64>) -> Population {
        let send = Sent::Constant(Constant { gain: 1.0 });
        Population { fields, from: 0.0, to: 1.0, sigma, send }
    }

    /// Five centres a quarter apart: at a centre its field has all, the next one e^(-1/2) of it by default.
    #[test]
    fn neighbours_have_their_parts() {
        let levels = population(5, None).levels();
        let of = |field: usize, x: usize| levels[256 * field + x];
        assert_eq!([of(0, 0), of(4, 255)], [255; 2]);
        assert_eq!([of(1, 0), of(3, 255)], [(255.0 * (-0.5f64).exp()).round() as u32; 2]);
        // 51 levels are a fifth, 1/20 from the second centre.
        let wanted = 255.0 * (-0.5f64 * (0.05f64 / 0.25).powi(2)).exp();
        assert_eq!(of(1, 51), wanted.round() as u32);
        let narrow = population(5, Some(0.01)).levels();
        assert_eq!([narrow[0], narrow[256], narrow[25]], [255, 0, 0]);
        // A single one lies in the middle.
        let one = population(1, None).levels();
        assert_eq!(one.len(), 256);
        assert!(one[127] == 255 && one[0] == one[255] && one[0] < 255);
    }
}
