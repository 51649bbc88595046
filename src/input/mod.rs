//! Sources of input: kernels that write the spikes, or the constant values, of a population that
//! has no neurons. Those that make them of samples are [encoders](encoder); what a population is told to be is a
//! [source], and what acts on neurons beside spikes a [stimulus].

pub mod bias;
pub mod constant;
pub mod current;
pub mod encoder;
pub mod given_spikes;
pub mod images;
pub mod latency;
pub mod noise;
pub mod noise_window;
pub mod patterns;
pub mod poisson;
pub mod poisson_alike;
pub mod poisson_drive;
pub mod poisson_source;
pub mod poisson_window;
pub mod population;
pub mod ramp;
pub mod regular;
pub mod sine;
pub mod source;
pub mod step;
pub mod stimulus;
pub mod table;
pub mod trains;

/// Pixels of a sample are bytes, four to a word.
pub const fn pixel_words(n: usize) -> usize {
    n.div_ceil(4)
}

/// How a sample is shown: frames of `n` pixels, one after the other, each for `hold` steps.
#[derive(Clone, Copy)]
struct Frames {
    n: usize,
    frames: usize,
    hold: usize,
}

impl Frames {
    /// Words of a sample.
    #[inline(always)]
    fn words(self) -> usize {
        pixel_words(self.frames * self.n)
    }

    /// Intensity of pixel `id` of a frame, 0 to 255. After the last frame there is none, and it is 0.
    #[inline(always)]
    fn pixel(self, sample: &[u32], frame: usize, id: usize) -> u32 {
        if frame >= self.frames {
            return 0;
        }
        let at = frame * self.n + id;
        (sample[at / 4] >> (8 * (at % 4))) & 255
    }
}
