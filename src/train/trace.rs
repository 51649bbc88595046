//! Mean squared error of a potential against a trace, of a filtered difference and of the difference itself.
//!
//! ```text
//!   e[t] = v[t] - target[t]          y[t] = y[t-1] + a (e[t] - y[t-1]),  a = 1 - e^(-dt / tau)
//!   error = mean over steps of  w_y y^2 + w_e e^2          loss = mean of the errors of the neurons
//!   y_bar[t] = 2 w_y y[t] / N + (1 - a) y_bar[t+1]         v_bar[t] = a y_bar[t] + 2 w_e e[t] / N
//! ```
//! with N the steps times the neurons times the samples. The gradient by the potential takes its place in the inbox.

use super::loss::{Objective, Of, Setting, Wanted};
use super::target_error::SQUARED;
use crate::grammar::{Judge, Ms, Quantity};
use crate::kernel::*;
use crate::{declare, params};
use std::path::PathBuf;

declare! {
    /// Mean over steps and neurons of the squared difference \[mV²\] between the potential of a population and a
    /// trace; the one presentation is an epoch.
    pub struct Trace: Word {
        /// The population.
        population: String;
        /// The traces, as a simulation writes them (`traces.npz`): a row for each step, a column for all neurons or
        /// one for each \[mV\].
        file: PathBuf;
        /// Name of the array in it; that of the population with `.v` if absent.
        array: Option<String>;
        /// Time constant of a low-pass filter of the difference, which makes a spike that comes at another
        /// time felt; not filtered if absent \[ms\].
        low_pass: Option<Quantity<Ms>> [Positive];
        /// Where it is filtered, a factor on what is not, which is added.
        unfiltered: f64 [NotNegative] = 0.0;
    }
}

impl Objective for Trace {
    fn of(&self) -> Of<'_> {
        Of::Potential(self)
    }
    fn wanted(&self) -> Wanted {
        Wanted::Trace
    }
    fn in_each_step(&self) -> Option<(u32, f64)> {
        Some((SQUARED, 0.0))
    }
    fn check(&self, path: &str, _: Setting, judge: &mut dyn Judge) {
        if self.low_pass.is_none() && self.unfiltered != 0.0 {
            let message = "without `low_pass` nothing is filtered, and the whole counts as it is";
            let help = "leave it out, or give `low_pass`";
            judge.fault_with_help(format!("{path}.unfiltered"), message, help);
        }
    }
}

params! {
    /// `Params` of `shaders/train/trace.wgsl`.
    pub struct TraceParams {
        /// Neurons.
        n: word,
        /// Steps of a window.
        steps: word,
        /// Rows of a step in the inbox.
        rows: word,
        /// That of the potential.
        row: word,
        /// Columns of the target: one for all neurons, or one for each.
        columns: word,
        /// Batches whose losses are kept until the host asks.
        slots: word,
        /// 1 if potentials are to be replaced by gradients.
        back: word,
        /// a.
        rise: real,
        /// w_y.
        of_filtered: real,
        /// w_e.
        of_difference: real,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/trace",
    wgsl: include_str!("../../shaders/train/trace.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals_mut("inbox"), // [samples, steps, rows, n] potential in, gradient by it out
        reals("wanted"),    // [steps, columns] mV, from the same zero
        reals_mut("filtered"), // [samples, steps, n] y
        reals_mut("errors"), // [samples, n]
        reals_mut("losses"), // [samples, slots]
    ],
    layouts: &[],
    params: TraceParams::<f32>::FIELDS,
    twin32: dispatched::<TraceTwin, f32>,
    twin64: scalar::<TraceTwin, f64>,
};

/// The twin of `shaders/train/trace.wgsl`; units are samples.
pub struct TraceTwin;

impl Twin for TraceTwin {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = TraceParams::<F>::of(call.params);
        let [inbox, wanted, filtered, errors, losses] = Call::take(call.args);
        let (inbox, wanted) = (inbox.reals_mut(), wanted.reals());
        let (filtered, errors, losses) =
            (filtered.reals_mut(), errors.reals_mut(), losses.reals_mut());
        let (n, steps, columns) = (p.n as usize, p.steps as usize, p.columns as usize);
        let of = |x: usize| F::of(x as f64);
        let share = F::of(2.0) / (of(n) * of(steps) * F::of(f64::from(call.clock.samples)));
        for b in 0..call.units.len() {
            let mut sum = F::zero();
            for id in 0..n {
                let at = |t: usize| ((b * steps + t) * p.rows as usize + p.row as usize) * n + id;
                let target = |t: usize| wanted[t * columns + if columns > 1 { id } else { 0 }];
                let (mut y, mut error) = (F::zero(), F::zero());
                for t in 0..steps {
                    let e = inbox[at(t)] - target(t);
                    y += p.rise * (e - y);
                    filtered[(b * steps + t) * n + id] = y;
                    error += p.of_filtered * (y * y) + p.of_difference * (e * e);
                }
                errors[b * n + id] = error / of(steps);
                sum += errors[b * n + id];
                if p.back == 0 {
                    continue;
                }
                let mut by_y = F::zero();
                for t in (0..steps).rev() {
                    let e = inbox[at(t)] - target(t);
                    let y = filtered[(b * steps + t) * n + id];
                    by_y = share * p.of_filtered * y + (F::one() - p.rise) * by_y;
                    inbox[at(t)] = p.rise * by_y + share * p.of_difference * e;
                }
            }
            losses[b * p.slots as usize + call.clock.slot as usize] = sum / of(n);
        }
    }
}
