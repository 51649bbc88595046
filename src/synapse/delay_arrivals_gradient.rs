//! Gradients by dense weights whose synapses each have a learned delay, and by these delays.
//!
//! ```text
//!   gradient[i, j] = f[i, j] sum over b, t and k of  x[b, t, i] parts[i, j, k] arrivals_bar[b, t + 1 + first[i, j] + k, j]
//! ```
//! By weights f is 1 and parts are the taps of [`super::delay_taps`], by delays f is the weight and parts are their slopes.
//! Both lie as the weights do.

use super::PANEL;
use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/delay_arrivals_gradient.wgsl`.
    pub struct DelayArrivalsGradientParams {
        /// Sources.
        n: word,
        /// Targets.
        targets: word,
        /// Length of a row of gradients by arrivals.
        row: word,
        /// Where those of the projection begin in it.
        begin: word,
        /// Steps of a window.
        steps: word,
        /// Rows of what sources send before the window.
        history: word,
        /// Parts of a spike.
        width: word,
        /// 1: by delays, and multiplied by the weight; 0: by weights.
        by_delay: word,
        /// 0: sources spike; 1: sources have values.
        values: option,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/delay_arrivals_gradient",
    wgsl: include_str!("../../shaders/synapse/delay_arrivals_gradient.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("spikes"),       // [samples, history + steps, words]
        reals("x"),            // [samples, history + steps, n]
        reals("weights"),      // [panels, n, panel]
        words("first"),        // [panels, n, panel]
        reals("parts"),        // [panels, n, panel, width]
        reals("arrivals_bar"), // [samples, steps, row]
        reals_mut("gradient"), // [panels, n, panel]
    ],
    layouts: &[],
    params: DelayArrivalsGradientParams::<f32>::FIELDS,
    twin32: dispatched::<DelayArrivalsGradient, f32>,
    twin64: scalar::<DelayArrivalsGradient, f64>,
};

/// The twin of `shaders/synapse/delay_arrivals_gradient.wgsl`; units are synapses in the order of the weights.
pub struct DelayArrivalsGradient;

impl Twin for DelayArrivalsGradient {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = DelayArrivalsGradientParams::<F>::of(call.params);
        let [spikes, x, weights, first, parts, arrivals_bar, gradient] = Call::take(call.args);
        let (spikes, x, weights) = (spikes.words(), x.reals(), weights.reals());
        let (first, parts, arrivals_bar) = (first.words(), parts.reals(), arrivals_bar.reals());
        let (n, targets, row) = (p.n as usize, p.targets as usize, p.row as usize);
        let (begin, steps, width) = (p.begin as usize, p.steps as usize, p.width as usize);
        let (history, words) = (p.history as usize, spike_words(n));
        // What a source sent, by sample and step, is listed once for its synapses in a panel.
        let mut list: Vec<(usize, usize, F)> = Vec::new();
        let mut listed = None;
        for (own, (unit, gradient)) in call.units.zip(gradient.reals_mut()).enumerate() {
            let column = unit / (PANEL * n) * PANEL;
            let (within, panel) = (unit - column * n, PANEL.min(targets - column));
            let (i, j) = (within / panel, column + within % panel);
            if listed != Some(i) {
                listed = Some(i);
                list.clear();
                for b in 0..call.clock.samples as usize {
                    for t in 0..steps {
                        let at = b * (history + steps) + history + t;
                        let sent = match p.values {
                            1 => x[at * n + i],
                            _ if spikes[at * words + i / 32] >> (i % 32) & 1 == 1 => F::one(),
                            _ => F::zero(),
                        };
                        if sent != F::zero() {
                            list.push((b, t, sent));
                        }
                    }
                }
            }
            let parts = &parts[own * width..][..width];
            let mut total = F::zero();
            for (b, t, sent) in &list {
                let mut sum = F::zero();
                for (t, part) in (t + 1 + first[own] as usize..steps).zip(parts) {
                    sum += *part * arrivals_bar[(b * steps + t) * row + begin + j];
                }
                total += *sent * sum;
            }
            *gradient = if p.by_delay == 1 { weights[own] * total } else { total };
        }
    }
}
