//! Eligibilities of synapses and what they make of learning signals, for a chunk of steps of [e-prop](super::eprop).
//!
//! ```text
//!   ē := ē + out_fall_m ē + out_p21 c                  gradient += signal[t] ē
//!   e  = slope[t - 1] (left[t - 1] - ε)
//!   c := c + out_fall_syn c + e                        ε := (1 + fall_rel) (ε + delta_th e)          eligible += e
//! ```
//! ē and c are a readout that gets e in place of spikes, so that ē is what a small change of the weight makes of the
//! potentials of the readout, but for the weights between. After the last step
//! ```text
//!   gradient += strength / (counted samples) (spikes / counted - wanted) eligible
//! ```
//! Gradients are of a sample each; [`super::sum_samples`] sums them.

use super::eprop::{chunk, with_step_before};
use super::eprop_lif::{cell, state};
use crate::kernel::*;
use crate::neuron::Cells;
use crate::params;
use crate::synapse::PANEL;
use crate::vector::{Vector, Width};

params! {
    /// `Params` of `shaders/train/eprop_learn.wgsl`.
    pub struct EpropLearnParams {
        /// Sources.
        sources: word,
        /// Targets.
        targets: word,
        /// Steps of a window.
        steps: word,
        /// Steps of the rings.
        ring: word,
        /// 1 if each target has its own numbers.
        own: word,
        /// 1 if thresholds rise.
        adapts: word,
        /// 1 if there is a penalty on rates.
        regular: word,
        /// First steps, whose spikes and eligibilities count for it.
        counted: word,
        /// Factor on the penalty.
        strength: real,
        /// Spikes per step that are wanted.
        wanted: real,
        /// exp(-dt / tau_m) - 1 of the readout.
        out_fall_m: real,
        /// Effect of the readout's synaptic current on its potential over a step \[mV/pA\].
        out_p21: real,
        /// exp(-dt / tau_syn) - 1 of the readout.
        out_fall_syn: real,
    }
}

/// Numbers of a synapse that last from chunk to chunk: c, ē, ε if thresholds rise, the sum of e if rates are penalised.
pub const fn rows(adapts: bool, regular: bool) -> usize {
    2 + adapts as usize + regular as usize
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "train/eprop_learn",
    wgsl: include_str!("../../shaders/train/eprop_learn.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        reals("left"),       // [samples, ring, sources]
        reals("slope"),      // [samples, ring, targets] 1/mV
        reals("signal"),     // [samples, ring, targets]
        reals("cell"),       // [8, targets or 1]
        reals("state"),      // [samples, 4, targets]
        reals_mut("traces"), // [samples, rows, panels, sources, panel]
        reals_mut("sums"),   // [samples, panels, sources, panel] gradients
    ],
    layouts: &[cell::LAYOUT, state::LAYOUT],
    params: EpropLearnParams::<f32>::FIELDS,
    twin32: dispatched::<EpropLearn, f32>,
    twin64: scalar::<EpropLearn, f64>,
};

/// The twin of `shaders/train/eprop_learn.wgsl`; units are samples.
pub struct EpropLearn;

impl Twin for EpropLearn {
    #[inline(always)]
    fn run<S: Simd, F: Real>(simd: S, call: Call<'_, F>) {
        let p = EpropLearnParams::<F>::of(call.params);
        let w = Width(simd);
        match (p.own == 1, p.adapts == 1) {
            (false, false) => learn::<S, F, false, false>(w, p, call),
            (false, true) => learn::<S, F, false, true>(w, p, call),
            (true, false) => learn::<S, F, true, false>(w, p, call),
            (true, true) => learn::<S, F, true, true>(w, p, call),
        }
    }
}

/// Vectors of targets that go through a chunk together, so that none waits for another's sums.
const TOGETHER: usize = 4;

/// Numbers of a synapse while it goes through a chunk.
#[derive(Clone, Copy)]
struct Synapse<S: Simd, F: Real> {
    c: Vector<S, F>,
    filtered: Vector<S, F>,
    of_threshold: Vector<S, F>,
    eligible: Vector<S, F>,
    gradient: Vector<S, F>,
}

/// What the synapses of a sample have.
struct Sample<'a, F: Real, const OWN: bool> {
    p: EpropLearnParams<F>,
    steps: std::ops::Range<usize>,
    left: &'a [F],
    slope: &'a [F],
    signal: &'a [F],
    cells: Cells<'a, F, OWN>,
    spikes: &'a [F],
}

/// Rows of a panel of a sample: numbers of the synapses of one source.
struct Rows<'a, F> {
    c: &'a mut [F],
    filtered: &'a mut [F],
    of_threshold: &'a mut [F],
    eligible: &'a mut [F],
    gradient: &'a mut [F],
}

#[inline(always)]
fn learn<S: Simd, F: Real, const OWN: bool, const ADAPTS: bool>(
    w: Width<S>,
    p: EpropLearnParams<F>,
    call: Call<'_, F>,
) {
    let [left, slope, signal, cell, state, traces, sums] = Call::take(call.args);
    let (left, slope, signal) = (left.reals(), slope.reals(), signal.reals());
    let (cell, state) = (cell.reals(), state.reals());
    let (traces, sums) = (traces.reals_mut(), sums.reals_mut());
    let (sources, targets, ring) = (p.sources as usize, p.targets as usize, p.ring as usize);
    let regular = p.regular == 1;
    let (count, rows) = (sources * targets, rows(ADAPTS, regular));
    let chunk = chunk(call.span);
    let samples = F::of(f64::from(call.clock.samples));
    let penalty = p.strength / (F::of(f64::from(p.counted)) * samples);
    for b in 0..call.units.len() {
        let sample = Sample {
            p: EpropLearnParams { strength: penalty, ..p },
            steps: with_step_before(&chunk),
            left: &left[b * ring * sources..][..ring * sources],
            slope: &slope[b * ring * targets..][..ring * targets],
            signal: &signal[b * ring * targets..][..ring * targets],
            cells: Cells::<F, OWN>::new(cell, targets),
            spikes: &state[(b * state::COUNT + state::spikes) * targets..][..targets],
        };
        let traces = &mut traces[b * rows * count..][..rows * count];
        let sums = &mut sums[b * count..][..count];
        if chunk.start == 0 {
            traces.fill(F::zero());
            sums.fill(F::zero());
        }
        let (c, rest) = traces.split_at_mut(count);
        let (filtered, rest) = rest.split_at_mut(count);
        let (of_threshold, eligible) = rest.split_at_mut(if ADAPTS { count } else { 0 });
        for first in (0..targets).step_by(PANEL) {
            let width = PANEL.min(targets - first);
            for source in 0..sources {
                let at = first * sources + source * width;
                let part = |here: bool| if here { at..at + width } else { 0..0 };
                let mut rows = Rows {
                    c: &mut c[part(true)],
                    filtered: &mut filtered[part(true)],
                    of_threshold: &mut of_threshold[part(ADAPTS)],
                    eligible: &mut eligible[part(regular)],
                    gradient: &mut sums[part(true)],
                };
                let mut column = 0;
                while column + TOGETHER * w.lanes::<F>() <= width {
                    let place = [source, first, column];
                    sample.advance::<S, ADAPTS, TOGETHER>(w, place, &mut rows);
                    column += TOGETHER * w.lanes::<F>();
                }
                while column < width {
                    let place = [source, first, column];
                    sample.advance::<S, ADAPTS, 1>(w, place, &mut rows);
                    column += w.lanes::<F>();
                }
            }
        }
    }
}

impl<F: Real, const OWN: bool> Sample<'_, F, OWN> {
    /// Takes `N` vectors of synapses of a source, from a column of a panel on, through the steps.
    #[inline(always)]
    fn advance<S: Simd, const ADAPTS: bool, const N: usize>(
        &self,
        w: Width<S>,
        [source, first, column]: [usize; 3],
        rows: &mut Rows<'_, F>,
    ) {
        let p = self.p;
        let (sources, targets, ring) = (p.sources as usize, p.targets as usize, p.ring as usize);
        let regular = p.regular == 1;
        let (zero, lanes) = (w.splat(F::zero()), w.lanes::<F>());
        let within = |k: usize| column + k * lanes;
        let load =
            |row: &[F], here: bool, k: usize| if here { w.load(row, within(k)) } else { zero };
        let mut synapses: [Synapse<S, F>; N] = std::array::from_fn(|k| Synapse {
            c: load(rows.c, true, k),
            filtered: load(rows.filtered, true, k),
            of_threshold: load(rows.of_threshold, ADAPTS, k),
            eligible: load(rows.eligible, regular, k),
            gradient: load(rows.gradient, true, k),
        });
        let field = |field: usize| -> [Vector<S, F>; N] {
            std::array::from_fn(|k| self.cells.field(w, field, first + within(k)))
        };
        let (delta_th, fall_rel) = (field(cell::delta_th), field(cell::fall_rel));
        let (fall_m, p21) = (w.splat(p.out_fall_m), w.splat(p.out_p21));
        let fall_syn = w.splat(p.out_fall_syn);
        for t in self.steps.clone() {
            let before = (t - 1) % ring;
            let left = w.splat(self.left[before * sources + source]);
            let slopes = &self.slope[before * targets..][..targets];
            let signals = &self.signal[t % ring * targets..][..targets];
            let counts = t - 1 < p.counted as usize;
            for (k, s) in synapses.iter_mut().enumerate() {
                let at = first + within(k);
                s.filtered = s.filtered.mul_add(fall_m, s.filtered) + p21 * s.c;
                s.gradient = w.load(signals, at).mul_add(s.filtered, s.gradient);
                let e = w.load(slopes, at) * (left - s.of_threshold);
                s.c = s.c.mul_add(fall_syn, s.c) + e;
                if ADAPTS {
                    let raised = delta_th[k].mul_add(e, s.of_threshold);
                    s.of_threshold = raised.mul_add(fall_rel[k], raised);
                }
                if regular && counts {
                    s.eligible = s.eligible + e;
                }
            }
        }
        let is_last = self.steps.end == p.steps as usize;
        for (k, s) in synapses.iter().enumerate() {
            let mut gradient = s.gradient;
            if regular && is_last {
                let rate =
                    w.load(self.spikes, first + within(k)) / w.splat(F::of(f64::from(p.counted)));
                let excess = w.splat(p.strength) * (rate - w.splat(p.wanted));
                gradient = excess.mul_add(s.eligible, gradient);
            }
            w.store(rows.c, within(k), s.c);
            w.store(rows.filtered, within(k), s.filtered);
            w.store(rows.gradient, within(k), gradient);
            if ADAPTS {
                w.store(rows.of_threshold, within(k), s.of_threshold);
            }
            if regular {
                w.store(rows.eligible, within(k), s.eligible);
            }
        }
    }
}
