//! Latency code: each pixel of a frame spikes once, the earlier the brighter, or not at all.
//!
//! The step of the spike within the frame is a function of the intensity alone, `round((1 - x) (window - 1))` in
//! steps, tabulated by the host for the 256 intensities (Thorpe, Delorme & Van Rullen 2001).

use super::Frames;
use super::encoder::{Encode, Given, Setting, Showing, Window};
use crate::grammar::{Judge, Ms, Quantity};
use crate::kernel::*;
use crate::{declare, params};

declare! {
    /// The time of one spike.
    #[derive(Copy)]
    pub struct Latency {
        /// Time of the spike of the darkest pixel \[ms\].
        window: Quantity<Ms> [Positive];
        /// Intensity below which a pixel stays silent, from 0 to 1.
        cutoff: f64 [Fraction] = 0.2;
    }
}

impl Encode for Latency {
    fn check(&self, path: &str, Setting { dt, held }: Setting, judge: &mut dyn Judge) {
        let late = |held: &u64| (self.window.get() / dt).round() > *held as f64;
        if let Some(held) = held.filter(late) {
            let message = format!(
                "spikes up to {} ms after its start come too late for a frame of {} ms",
                self.window.get(),
                held as f64 * dt
            );
            let help = "lower `window`, or raise `hold`";
            judge.fault_with_help(format!("{path}.window"), message, help);
        }
    }
    fn show(&self, window: &Window) -> Vec<Showing> {
        let Window { dt, n, rows: steps, history, row, first, frames, hold, .. } = *window;
        let p = LatencyParams::<f64> { n, steps, history, row, first, frames, hold };
        let last = (self.window.get() / dt).round().max(1.0) as u32;
        let table = Given::Table("step_of", table(last, self.cutoff));
        vec![Showing {
            kernel: &KERNEL,
            params: p.words(),
            args: vec![Given::Pixels, table, Given::Sent],
            per_sample: spike_words(n as usize) as u32,
            per_step: true,
        }]
    }
}

params! {
    /// `Params` of `shaders/input/latency.wgsl`.
    pub struct LatencyParams {
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
        /// Frames of a sample.
        frames: word,
        /// Steps for which each is shown.
        hold: word,
    }
}

/// Entry of the table for an intensity that does not spike.
pub const NEVER: u32 = u32::MAX;

/// Step of the spike for each intensity from 0 to 255; `window` in steps, `cutoff` from 0 to 1.
pub fn table(window: u32, cutoff: f64) -> Vec<u32> {
    (0..256)
        .map(|level| {
            let x = f64::from(level) / 255.0;
            if level == 0 || x < cutoff {
                NEVER
            } else {
                ((1.0 - x) * f64::from(window - 1)).round() as u32
            }
        })
        .collect()
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "input/latency",
    wgsl: include_str!("../../shaders/input/latency.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("pixels"),     // [samples, ceil(frames n / 4)]
        words("step_of"),    // [256]
        words_mut("spikes"), // [samples, history + steps, row]
    ],
    layouts: &[],
    params: LatencyParams::<f32>::FIELDS,
    twin32: dispatched::<LatencyTwin, f32>,
    twin64: scalar::<LatencyTwin, f64>,
};

/// The twin of `shaders/input/latency.wgsl`.
pub struct LatencyTwin;

impl Twin for LatencyTwin {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = LatencyParams::<F>::of(call.params);
        let [pixels, step_of, spikes] = Call::take(call.args);
        let (pixels, step_of, spikes) = (pixels.words(), step_of.words(), spikes.words_mut());
        let (n, history, steps) = (p.n as usize, p.history as usize, p.steps as usize);
        let (row, first, words) = (p.row as usize, p.first as usize, spike_words(n));
        let frames = Frames { n, frames: p.frames as usize, hold: p.hold as usize };
        for b in 0..call.units.len() {
            let sample = &pixels[b * frames.words()..];
            let window = &mut spikes[(b * (history + steps) + history) * row..][..steps * row];
            for t in call.span.steps() {
                window[t * row + first..][..words].fill(0);
            }
            for frame in 0..p.frames {
                for id in 0..n {
                    let step = step_of[frames.pixel(sample, frame as usize, id) as usize];
                    // What comes after its frame does not come.
                    let t = (step < p.hold).then(|| frame * p.hold + step);
                    if let Some(t) = t.filter(|t| (call.span.t0..call.span.t1).contains(t)) {
                        window[t as usize * row + first + id / 32] |= 1 << (id % 32);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brighter_is_earlier() {
        let table = table(20, 0.2);
        assert_eq!(table[0], NEVER);
        assert_eq!(table[50], NEVER);
        assert_eq!(table[51], 15);
        assert_eq!(table[255], 0);
        assert!(table[51..].windows(2).all(|w| w[1] <= w[0]));
    }
}
