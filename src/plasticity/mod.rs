//! Synapses that learn on their own, from the spikes on their two sides.
//!
//! A neuron leaves *traces*, exponentials that its spikes raise. When a spike reaches a synapse from
//! the source it meets the target's traces, and the other way round:
//!
//! ```text
//!   spike of source i:   w += c + y_j (a + b x'_i)       y, y' traces of the target
//!   spike of target j:   w += c + x_i (a + b y'_j)       x, x' traces of the source
//! ```
//! with numbers of its own in either line. Pair and triplet rules, inhibitory plasticity and that of
//! Diehl & Cook are choices of the numbers ([`Rule`]); a rule with eligibility changes a third number of
//! the synapse instead of its weight, which a modulator then changes ([`reinforce`]).
//!
//! **Order.** Within a step neurons spike, weights are delivered, spikes of sources change them, then
//! spikes of targets. Traces are those before the spikes of the step, so a pair in the same step does
//! not count (as in NEST). The weight that a spike carries is that before its own change.
//!
//! **Delays.** A spike of the source needs the axonal part of the delay to reach the synapse, one of the
//! target the dendritic part. What reaches the synapse in step t is a spike of step t - delay; its trace
//! is that of then. The ring of lists and those of traces go back so far.
//!
//! **Where weights lie.** Dense ones in strips of 16 targets, see [`crate::synapse::STRIP`]. Sparse ones by
//! target; a row of `outgoing` leads to those of a source, grouped by axonal delay. 12 bytes for a synapse:
//! weight, source with delay, target with rank. Where changes are too small for one float
//! ([`Rule::is_slow`]) a second one is kept for each weight: behind the rows of each strip, or behind all
//! sparse or shared weights.
//!
//! **Shared weights**, those of a convolution, get the sum of what their synapses would: of the spikes of sources in a
//! step, and then of those of targets, each within the bounds, and with powers by the weight before it. The sums go by
//! the list of the spikes, which has one order, so they are the same each time. Nothing is stored of a synapse. What is
//! of single synapses they do not have: marks of eligibility, new partners.

pub mod bcm;
pub mod by_arrival;
pub mod change_weights;
pub mod convolved_post;
pub mod convolved_pre;
pub mod covariance;
pub mod dense_post;
pub mod dense_pre;
pub mod eligibility;
pub mod hebb;
pub mod modulate;
pub mod modulator;
pub mod normalise;
pub mod oja;
pub mod rates;
pub mod reinforce;
pub mod scaling;
pub mod sparse_post;
pub mod sparse_pre;
pub mod trace;
pub mod voltage;

use crate::kernel::*;
use crate::slow;
use crate::synapse::list_spikes::listed;

/// How a projection learns; times in steps, weights in the unit of the receptor.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// What a spike of the source does.
    pub pre: Change,
    /// What a spike of the target does.
    pub post: Change,
    /// Traces x and x' of the source.
    pub x: [Trace; 2],
    /// Traces y and y' of the target.
    pub y: [Trace; 2],
    /// Least and largest weight.
    pub bounds: [f64; 2],
    /// Powers with which changes up and down shrink towards the bounds; 0 for not at all.
    pub mu: [f64; 2],
    /// Steps of every source's spike to the synapse; the delay less the dendritic part if absent.
    pub axonal: Option<usize>,
    /// Steps of a target's spike to the synapse.
    pub dendritic: usize,
    /// If changes mark the synapse as eligible, rather than changing its weight.
    pub eligibility: Option<Eligibility>,
    /// If it is rates that change the weight, rather than spikes.
    pub rates: Option<Rates>,
    /// If the traces of the target are those of its potential, rather than of its spikes.
    pub voltage: Option<Voltage>,
}

/// Changes smaller than this fraction of the range of a weight are kept by a second float ([`crate::slow`]): a
/// float of that size is rounded by up to 6e-8 of the range, and is so in the same way each time.
const SMALL: f64 = 1e-4;

impl Rule {
    /// Whether all weights stay negative, so that it is their magnitude that the rule changes.
    pub fn is_inhibitory(&self) -> bool {
        self.bounds[1] <= 0.0
    }

    /// Whether the weights need second floats: where a spike changes them by little, or where it is not
    /// known by how much they change.
    pub fn is_slow(&self) -> bool {
        let largest = |change: &Change| {
            [change.constant, change.pair, change.triplet]
                .into_iter()
                .map(f64::abs)
                .fold(0.0, f64::max)
        };
        let changes = [&self.pre, &self.post].map(largest);
        let small = SMALL * (self.bounds[1] - self.bounds[0]);
        self.eligibility.is_some()
            || self.rates.is_some()
            || self.voltage.is_some()
            || changes.into_iter().any(|change| change > 0.0 && change < small)
    }

    /// The learning window: change of a weight, or mark, by one pair of spikes alone, of which the target's
    /// reaches the synapse `interval` ms after the source's; without what bounds take away. None if it is not
    /// spikes of both sides that change weights.
    pub fn window(&self, interval: f64) -> Option<f64> {
        if self.rates.is_some() || self.voltage.is_some() {
            return None;
        }
        let pair = if interval > 0.0 {
            self.post.pair * (-interval / self.x[0].tau).exp()
        } else if interval < 0.0 {
            self.pre.pair * (interval / self.y[0].tau).exp()
        } else {
            0.0
        };
        Some(self.pre.constant + self.post.constant + pair)
    }
}

/// A rule of the target's potential; see [`voltage`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Voltage {
    /// Time constants of the filtered potentials u_-, u_+ and m \[ms\].
    pub tau: [f64; 3],
    /// theta_- and theta_+ \[mV\].
    pub theta: [f64; 2],
    /// Steps by which u_- and u_+ act later.
    pub delay: usize,
    /// Potential of a spike \[mV\], and steps for which it lasts; 0 where the potential shows it.
    pub spike: (f64, usize),
    /// u_ref, if the fall depends on the mean \[mV\].
    pub reference: Option<f64>,
}

/// A rule of rates; see [`rates`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Time constants of a rate and of its mean \[ms\].
    pub tau: [f64; 2],
    /// The kernel.
    pub kernel: &'static Kernel,
    /// Change per second and Hz².
    pub eta: f64,
    /// Rate of a rule that has one \[Hz\].
    pub rho: f64,
    /// Weight of 1 of a rule that has one.
    pub unit: f64,
    /// Interval \[steps\].
    pub every: u32,
}

/// Numbers of a line of the equation, in the unit of the weight.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Change {
    /// c.
    pub constant: f64,
    /// a.
    pub pair: f64,
    /// b.
    pub triplet: f64,
}

impl Change {
    /// The same times a factor.
    pub fn times(self, factor: f64) -> Self {
        let [constant, pair, triplet] =
            [self.constant, self.pair, self.triplet].map(|x| factor * x);
        Self { constant, pair, triplet }
    }
}

/// A trace of each neuron of a population.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trace {
    /// Time constant \[ms\].
    pub tau: f64,
    /// Whether only the latest spike counts.
    pub nearest: bool,
}

/// What turns marks of synapses into changes of their weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Eligibility {
    /// Time constant with which a mark decays \[ms\].
    pub tau: f64,
    /// Index of the modulator.
    pub modulator: usize,
    /// Change of a weight per ms, mark and concentration \[1/ms\].
    pub rate: f64,
    /// Interval of the changes \[steps\].
    pub every: u32,
}

/// Declares the parameters of a kernel that changes weights: those of [`Site`], then its own.
#[macro_export]
macro_rules! learn_params {
    ($(#[$doc:meta])* pub struct $name:ident { $($own:tt)* }) => {
        $crate::params! {
            $(#[$doc])*
            pub struct $name {
                /// Sources.
                sources: word,
                /// Targets, of this tile.
                targets: word,
                /// First target of this tile.
                first_target: word,
                /// Targets of the population.
                all_targets: word,
                /// Place of the first neuron whose spikes count, in the row of spikes.
                place: word,
                /// Steps of the rings of lists and traces, a power of two.
                slots: word,
                /// Numbers of a list.
                list: word,
                /// How many rows of a panel, or synapses, further on the second float of a weight is; 0 for none.
                second: word,
                /// Steps of a source's spike to the synapse; of the first group, where there are groups.
                axonal: word,
                /// Steps of a target's spike to the synapse.
                dendritic: word,
                /// c of the equation.
                constant: real,
                /// a, times the decay of a trace over a step.
                pair: real,
                /// b, times the decays of both traces.
                triplet: real,
                /// Least weight.
                w_min: real,
                /// Largest weight.
                w_max: real,
                /// Power with which changes up shrink.
                mu_up: real,
                /// Power with which changes down shrink.
                mu_down: real,
                /// 0: marks, without bounds; 1: weights with bounds; 2: changes shrink towards them.
                bounded: option,
                $($own)*
            }
        }
    };
}

learn_params! {
    /// The parameters with which every kernel that changes weights begins.
    pub struct Site {}
}

/// Row of a ring of traces of `n` neurons for a step; rows are padded to blocks of 64.
#[inline(always)]
fn trace_row<F>(ring: &[F], step: u64, slots: u32, n: usize) -> &[F] {
    let padded = n.div_ceil(64) * 64;
    let slot = step as usize & (slots as usize - 1);
    &ring[slot * padded..][..n]
}

impl<F: Real> Site<F> {
    /// Row of a ring of traces of `n` neurons for a step.
    #[inline(always)]
    pub fn trace<'a>(&self, ring: &'a [F], step: u64, n: usize) -> &'a [F] {
        trace_row(ring, step, self.slots, n)
    }

    /// Neurons that spiked in a step, of those from `place` on, `count` of them.
    #[inline(always)]
    pub fn spikes<'a>(
        &self,
        lists: &'a [u32],
        step: u64,
        count: u32,
    ) -> impl Iterator<Item = usize> + 'a {
        listed(lists, step, [self.slots, self.list], (self.place, count))
    }

    /// Sources and targets of a tile as [`panel_index`] wants them: rows of a panel, second floats included.
    ///
    /// [`panel_index`]: crate::synapse::panel_index
    #[inline(always)]
    pub fn panels(&self) -> [usize; 2] {
        [(self.sources + self.second) as usize, self.targets as usize]
    }

    /// What all changes of a step are multiplied by; `rate` is what the kernel finds in the array of that
    /// name.
    #[inline(always)]
    pub fn pace(&self, rate: &[F]) -> F {
        match self.bounded {
            0 => rate[FACTOR] * rate[GROWTH],
            _ => rate[FACTOR],
        }
    }

    /// Changes the weight, or the mark, number `at`, whose second float is `rest` further on; see
    /// `shaders/lib/learn.wgsl`.
    #[inline(always)]
    pub fn change(&self, weight: &mut [F], at: usize, rest: usize, change: F, rate: &[F]) {
        let mut by = change;
        match self.bounded {
            0 => {
                weight[at] += change;
                weight[at + rest] += change * rate[INTEGRAL];
                return;
            }
            2 => {
                let (w, range) = (weight[at], self.w_max - self.w_min);
                by *= if change > F::zero() {
                    power((self.w_max - w) / range, self.mu_up)
                } else {
                    power((w - self.w_min) / range, self.mu_down)
                };
            }
            _ => {}
        }
        let bounds = [self.w_min, self.w_max];
        if rest == 0 {
            weight[at] = (weight[at] + by).max(bounds[0]).min(bounds[1]);
        } else {
            let (mut w, mut low) = (weight[at], weight[at + rest]);
            change_within(&mut w, &mut low, by, bounds);
            (weight[at], weight[at + rest]) = (w, low);
        }
    }

    /// Changes shared weights by the sums of the changes of their synapses.
    #[inline(always)]
    fn change_by_sums(&self, weight: &mut [F], sums: &[F], rate: &[F]) {
        for (at, sum) in sums.iter().enumerate().filter(|(_, sum)| **sum != F::zero()) {
            self.change(weight, at, self.second as usize, self.pace(rate) * *sum, rate);
        }
    }
}

/// Place in the array `rate` of the factor on every change of a projection.
pub const FACTOR: usize = 0;

/// Place in the array `rate` of what the changes of marks count more, the later in an interval they come;
/// see [`eligibility`].
pub const GROWTH: usize = 1;

/// Place in the array `rate` of the integral of the concentration over the interval so far.
pub const INTEGRAL: usize = 2;

/// A weight, with its second float, after a change within bounds.
#[inline(always)]
pub fn change_within<F: Real>(w: &mut F, rest: &mut F, change: F, [low, high]: [F; 2]) {
    slow::add(w, rest, change);
    let within = w.max(low).min(high);
    if within != *w {
        (*w, *rest) = (within, F::zero());
    }
}

#[inline(always)]
fn power<F: Real>(x: F, exponent: F) -> F {
    if exponent == F::zero() {
        F::one()
    } else if exponent == F::one() {
        x
    } else {
        x.powf(exponent)
    }
}
