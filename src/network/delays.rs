//! Delays that are learned: one for each source of a projection, or for each of its synapses, a number of steps that need not
//! be whole while it is changed.

use super::NetworkError;
use super::draw::drawn;
use super::initial::Initial;
use crate::neuron::model::at;
use crate::scene::{Delay, DelayKernel, Per, Projection};

/// Standard deviation at which a kernel ends, if the scene does not say \[steps\]: all but 0.3 % of a spike whose delay
/// is within 0.2 of a whole step are in that step.
const NARROW: f64 = 0.23;

/// Part of the epochs in which a kernel becomes narrow.
const NARROWING: f64 = 0.25;

/// Learned delays of a projection, in steps.
#[derive(Debug, Clone)]
pub struct Delays {
    /// What has one of its own.
    pub per: Per,
    /// Where they begin, of each source; of synapses by source, then target.
    pub start: Vec<f64>,
    /// The longest.
    pub most: usize,
    /// Standard deviations of the kernel at first and at last, if it is a normal distribution.
    pub sigma: Option<[f64; 2]>,
    /// Factor on the learning rate.
    pub lr: f64,
    /// Whether they stay as they begin: the projection is frozen, or their learning rate is 0.
    pub frozen: bool,
}

impl Delays {
    /// Those of a projection that is to learn them, for so many sources and targets and steps of `dt`; learned by an earlier
    /// run if that has some and they are not to be drawn anew.
    ///
    /// # Errors
    /// What is drawn or read breaks a rule.
    pub(super) fn new(
        projection: &Projection,
        path: &str,
        size: [usize; 2],
        (dt, seed): (f64, u64),
        [frozen, anew]: [bool; 2],
        initial: Option<&mut Initial>,
    ) -> Result<Option<Self>, NetworkError> {
        let Some(delay @ Delay::Learn { per, max, kernel, lr, .. }) = &projection.delay else {
            return Ok(None);
        };
        let count = per.count(size);
        let most = (max.get() / dt).round().max(1.0);
        let draw = drawn(delay, format!("{path}.delay"), [count, 1], seed)?;
        let known = match initial {
            Some(initial) => initial.delays(&projection.name(), (count, *per), anew)?,
            None => None,
        };
        let ms = known.as_deref().unwrap_or(draw.get("initial"));
        let sigma = match kernel {
            DelayKernel::Linear => None,
            DelayKernel::Gauss { sigma, last } => {
                let first = sigma.get() / dt;
                Some([first, last.map_or(NARROW.min(first), |last| last.get() / dt)])
            }
        };
        Ok(Some(Self {
            per: *per,
            start: (0..count).map(|k| (at(ms, k) / dt).clamp(1.0, most)).collect(),
            most: most as usize,
            sigma,
            lr: *lr,
            frozen: frozen || *lr == 0.0,
        }))
    }

    /// The standard deviation of the kernel when a part of the epochs is done.
    pub fn sigma_after(&self, part: f64) -> Option<f64> {
        self.sigma.map(|[first, last]| first * (last / first).powf((part / NARROWING).min(1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_narrow_after_a_quarter_of_the_epochs() {
        let (per, sigma) = (Per::Source, Some([8.0, 0.5]));
        let delays = Delays { per, start: vec![], most: 9, sigma, lr: 1.0, frozen: false };
        for (part, sigma) in [(0.0, 8.0), (0.0625, 4.0), (0.125, 2.0), (0.25, 0.5), (1.0, 0.5)] {
            assert!((delays.sigma_after(part).unwrap() - sigma).abs() < 1e-12, "{part}");
        }
        assert_eq!(Delays { sigma: None, ..delays }.sigma_after(0.1), None);
    }
}
