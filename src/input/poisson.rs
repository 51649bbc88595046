//! Poisson spike trains, independent for each source, step and presentation.
//!
//! In a step of dt a source of rate r spikes with probability r dt (Bernoulli's approximation: the
//! mean rate is exact, two events in a step count as one). The comparison is between integers,
//! `word < r dt 2^32`, with words of Philox, so every engine draws the same spikes, bit for bit.

use super::Frames;
use super::encoder::{Encode, Given, Setting, Showing, Window};
use crate::grammar::{Hz, Judge, Quantity};
use crate::kernel::*;
use crate::rng::philox_each;
use crate::{declare, params};

declare! {
    /// Poisson trains.
    #[derive(Copy)]
    pub struct Poisson {
        /// Rate of a white pixel \[Hz\].
        max_rate: Quantity<Hz> [NotNegative];
    }
}

impl Encode for Poisson {
    fn check(&self, path: &str, Setting { dt, .. }: Setting, judge: &mut dyn Judge) {
        check_rate(&format!("{path}.max_rate"), self.max_rate.get(), dt, judge);
    }
    fn show(&self, window: &Window) -> Vec<Showing> {
        let white = self.max_rate.get() * 1e-3 * window.dt;
        let levels = (0..256).map(|x| threshold(white * f64::from(x) / 255.0)).collect();
        vec![trains(levels, true, window)]
    }
}

/// Refuses a rate \[Hz\] at which a source would spike more than once in a step.
pub fn check_rate(path: &str, rate: f64, dt: f64, judge: &mut dyn Judge) {
    if rate * dt > 1000.0 {
        let message = format!(
            "{rate} Hz are {} spikes per step of {dt} ms, at most 1 is possible",
            rate * dt / 1000.0
        );
        judge.fault_with_help(path, message, "lower the rate or `simulation.dt`");
    }
}

/// Draws a window of sources, each of which spikes in a step with a probability of its own.
pub fn sources(p: impl Iterator<Item = f64>, window: &Window) -> Showing {
    trains(p.map(threshold).collect(), false, window)
}

fn trains(thresholds: Vec<u32>, images: bool, window: &Window) -> Showing {
    let Window { n, rows: steps, history, row, first, frames, hold, stream, .. } = *window;
    let (pixels, images) = match images {
        true => (Given::Pixels, 1),
        false => (Given::Nothing, 0),
    };
    let p = PoissonParams::<f64> { n, steps, history, row, first, stream, frames, hold, images };
    Showing {
        kernel: &KERNEL,
        params: p.words(),
        args: vec![pixels, Given::Table("threshold", thresholds), Given::Presentation, Given::Sent],
        per_sample: spike_words(n as usize) as u32,
        per_step: true,
    }
}

params! {
    /// `Params` of `shaders/input/poisson.wgsl`.
    pub struct PoissonParams {
        /// Sources.
        n: word,
        /// Steps of a window.
        steps: word,
        /// Rows of spikes before the window.
        history: word,
        /// Words of a row of spikes.
        row: word,
        /// First word of these sources.
        first: word,
        /// Stream of random numbers.
        stream: word,
        /// Frames of a sample.
        frames: word,
        /// Steps for which each is shown.
        hold: word,
        /// 1: `threshold` is indexed by the pixel's intensity; 0: by the source.
        images: option,
    }
}

/// Probability `p` as the threshold of a random word; 1 becomes 1 - 2^-32.
pub fn threshold(p: f64) -> u32 {
    (p * 4_294_967_296.0).round().min(4_294_967_295.0) as u32
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "input/poisson",
    wgsl: include_str!("../../shaders/input/poisson.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("pixels"),       // [samples, ceil(frames n / 4)]
        words("threshold"),    // [256] or [n]
        words("presentation"), // [samples] number that tells presentations apart
        words_mut("spikes"),   // [samples, history + steps, row]
    ],
    layouts: &[],
    params: PoissonParams::<f32>::FIELDS,
    twin32: dispatched::<PoissonTwin, f32>,
    twin64: scalar::<PoissonTwin, f64>,
};

/// The twin of `shaders/input/poisson.wgsl`.
pub struct PoissonTwin;

impl Twin for PoissonTwin {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = PoissonParams::<F>::of(call.params);
        let [pixels, threshold, presentation, spikes] = Call::take(call.args);
        let (pixels, threshold) = (pixels.words(), threshold.words());
        let (presentation, spikes) = (presentation.words(), spikes.words_mut());
        let (n, rows) = (p.n as usize, (p.history + p.steps) as usize);
        let words = spike_words(n);
        let seed = call.clock.seed;
        let key = [seed as u32, (seed >> 32) as u32 ^ p.stream];
        let mut active: Vec<(u32, [u32; 4])> = Vec::new();
        let frames = Frames { n, frames: p.frames as usize, hold: p.hold as usize };
        for b in 0..call.units.len() {
            let sample = &pixels[b * frames.words() * p.images as usize..];
            let mut shown = None;
            for t in call.span.steps() {
                let frame = t / frames.hold;
                if shown.replace(frame) != Some(frame) {
                    // Fours of sources that may spike, in each of the frame's steps.
                    active.clear();
                    for four in 0..n.div_ceil(4) {
                        let levels = std::array::from_fn(|lane| match 4 * four + lane {
                            id if id >= n => 0,
                            id if p.images == 1 => {
                                threshold[frames.pixel(sample, frame, id) as usize]
                            }
                            id => threshold[id],
                        });
                        if levels != [0; 4] {
                            active.push((four as u32, levels));
                        }
                    }
                }
                let step = call.clock.step + t as u64;
                let at = (b * rows + p.history as usize + t) * p.row as usize + p.first as usize;
                let row = &mut spikes[at..at + words];
                row.fill(0);
                let rest = [step as u32, (step >> 32) as u32, presentation[b]];
                for active in active.chunks(16) {
                    let counters = std::array::from_fn(|k| active.get(k).map_or(0, |four| four.0));
                    let random = philox_each(counters, rest, key);
                    for ((four, levels), random) in active.iter().zip(random.chunks_exact(4)) {
                        let hits = levels.iter().zip(random).enumerate();
                        let bits = hits.fold(0, |bits, (lane, (level, word))| {
                            bits | u32::from(word < level) << lane
                        });
                        row[*four as usize / 8] |= bits << (four % 8 * 4);
                    }
                }
            }
        }
    }
}
