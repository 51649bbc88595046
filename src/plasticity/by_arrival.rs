//! Rules of spikes in a window of a training: what a spike of a source changes that arrives at a neuron in a step.
//!
//! In a training weights stay as they are for a window, and all spikes of the window are there at its end. Where a rule
//! asks nothing of the weight, and of each spike of a source by itself, the sum of its changes can be taken by source:
//!
//! ```text
//!   dw_ij = sum over spikes of i that arrive at j in row r of  g_j[r]
//!   g_j[r] = c + a y_j[r] + p_j[r]
//!   y_j[r] = sum over earlier spikes r' of j of  e^(-(r - r') dt / tau_y)
//!   p_j[r] = sum over later spikes r' of j of    e^(-(r' - r) dt / tau_x) (a' + b' y'_j[r'])
//! ```
//! with a, c of a spike of the source and a', b' of one of the target ([`super::Rule`]): p is what traces of the source
//! would have brought, told from the other side. Rules of rates that multiply the source's rate with something of the
//! target have at the end of each interval, in place of a spike, `a' y_j` with y that counts spikes up to this row, and p
//! that counts ends of intervals from this row on. g takes the place of a gradient by arrivals, so the kernels that make
//! gradients by weights make changes of them: of dense, sparse and convolved ones, whose shared weights thereby
//! change by the sum over all places, and of all samples of a batch together.
//!
//! A spike of the target in step t meets at its synapses those that arrive in row t + shift.

use super::{Rule, hebb};
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/plasticity/by_arrival.wgsl`.
    pub struct ByArrivalParams {
        /// Neurons.
        n: word,
        /// Steps of a window.
        steps: word,
        /// Rows of spikes before the window.
        history: word,
        /// Rows by which a spike of the target comes to its synapses later than it is.
        shift: word,
        /// Steps of an interval of a rule of rates; 0 for a rule of spikes.
        every: word,
        /// c.
        constant: real,
        /// a.
        pair: real,
        /// a'.
        post: real,
        /// b'.
        triplet: real,
        /// e^(-dt / tau) of y.
        keep_y: real,
        /// e^(-dt / tau) of y'.
        keep_slow: real,
        /// e^(-dt / tau) of p.
        keep_x: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "plasticity/by_arrival",
    wgsl: include_str!("../../shaders/plasticity/by_arrival.wgsl"),
    workgroup: 64,
    merges: true,
    bindings: &[
        words("spikes"),      // [samples, history + steps, words]
        reals_mut("changes"), // [samples, steps, n]
    ],
    layouts: &[],
    params: ByArrivalParams::<f32>::FIELDS,
    twin32: dispatched::<ByArrival, f32>,
    twin64: scalar::<ByArrival, f64>,
};

impl ByArrivalParams<f64> {
    /// Those of a rule whose changes are sums over spikes of sources; `delay` is that from a source's spike to its row,
    /// in steps of `dt` ms. None of other rules.
    pub fn of_rule(rule: &Rule, delay: usize, dt: f64) -> Option<Self> {
        let of_spikes = rule.voltage.is_none()
            && rule.eligibility.is_none()
            && rule.mu == [0.0; 2]
            && rule.pre.triplet == 0.0
            && !rule.x[0].nearest;
        if !of_spikes {
            return None;
        }
        let keep = |tau: f64| (-dt / tau).exp();
        let axonal = rule.axonal.unwrap_or(delay.saturating_sub(rule.dendritic));
        let spikes = Self {
            n: 0,
            steps: 0,
            history: 0,
            shift: (delay + rule.dendritic).saturating_sub(axonal) as u32,
            every: 0,
            constant: rule.pre.constant,
            pair: rule.pre.pair,
            post: rule.post.pair,
            triplet: rule.post.triplet,
            keep_y: keep(rule.y[0].tau),
            keep_slow: keep(rule.y[1].tau),
            keep_x: keep(rule.x[0].tau),
        };
        let Some(rates) = rule.rates else { return Some(spikes) };
        // A trace of 1 is a rate of 1 / tau.
        let rate = 1e3 / rates.tau[0];
        if *rates.kernel != hebb::KERNEL {
            return None;
        }
        let change = rates.eta * f64::from(rates.every) * dt * 1e-3;
        Some(Self { every: rates.every, post: change * rate * rate, ..spikes })
    }
}

/// Neurons that the twin takes through time together.
const TOGETHER: usize = 64;

/// The twin of `shaders/plasticity/by_arrival.wgsl`; units are samples.
pub struct ByArrival;

impl Twin for ByArrival {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = ByArrivalParams::<F>::of(call.params);
        let [spikes, changes] = Call::take(call.args);
        let (spikes, changes) = (spikes.words(), changes.reals_mut());
        let (n, steps) = (p.n as usize, p.steps as usize);
        let (history, shift) = (p.history as usize, p.shift as usize);
        let words = spike_words(n);
        for b in 0..call.units.len() {
            let spikes = &spikes[(b * (history + steps) + history) * words..][..steps * words];
            let changes = &mut changes[b * steps * n..][..steps * n];
            for first in (0..n).step_by(TOGETHER) {
                let lanes = TOGETHER.min(n - first);
                // Whether a neuron spikes in a step, as a number.
                let spiked = |t: usize, lane: usize| {
                    let id = first + lane;
                    F::of(f64::from((spikes[t * words + id / 32] >> (id % 32)) & 1))
                };
                let due = |t: usize| p.every > 0 && (t + 1).is_multiple_of(p.every as usize);
                // What the target does to traces of its sources, row by row; what lies behind the window is kept apart.
                let mut y = [F::zero(); TOGETHER];
                let mut slow = [F::zero(); TOGETHER];
                let mut behind = [F::zero(); TOGETHER];
                let late = shift.saturating_sub(steps);
                let mut weight = p.keep_x.powi(late as i32);
                for t in 0..steps {
                    let row = t + shift;
                    let end = if due(t) { F::one() } else { F::zero() };
                    // e^(-dt / tau) for each row from the last of the window on.
                    weight = if row >= steps { weight * p.keep_x } else { weight };
                    for lane in 0..lanes {
                        let s = spiked(t, lane);
                        let done = if p.every > 0 {
                            y[lane] = p.keep_y * y[lane] + s;
                            end * (p.post * y[lane])
                        } else {
                            slow[lane] *= p.keep_slow;
                            let done = s * (p.post + p.triplet * slow[lane]);
                            slow[lane] += s;
                            done
                        };
                        if row < steps {
                            changes[row * n + first + lane] = done;
                        } else {
                            behind[lane] += weight * done;
                        }
                    }
                }
                // Rows that no spike of the target comes to.
                for row in 0..shift.min(steps) {
                    changes[row * n + first..][..lanes].fill(F::zero());
                }
                // Back through the rows: p counts what is behind a row, or from it on.
                let mut later = behind;
                for row in (0..steps).rev() {
                    for (later, change) in
                        later.iter_mut().zip(&mut changes[row * n + first..][..lanes])
                    {
                        let done = *change;
                        if p.every > 0 {
                            *later += done;
                            *change = *later;
                            *later *= p.keep_x;
                        } else {
                            *change = *later;
                            *later = p.keep_x * (*later + done);
                        }
                    }
                }
                let mut y = [F::zero(); TOGETHER];
                for row in 0..steps {
                    for lane in 0..lanes {
                        changes[row * n + first + lane] += p.constant + p.pair * y[lane];
                        let s = match row.checked_sub(shift) {
                            Some(t) => spiked(t, lane),
                            None => F::zero(),
                        };
                        y[lane] = p.keep_y * (y[lane] + s);
                    }
                }
            }
        }
    }
}
