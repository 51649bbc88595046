//! Given spikes: the rows that the host wrote for a window, copied into the row of the step. Written in the scene or in a
//! file of an earlier run, or known before the run in another way.

use super::source::{Emit, InputError, Making, Sends, Setting};
use super::trains::OnGrid;
use crate::files;
use crate::grammar::Judge;
use crate::kernel::*;
use crate::neuron::model::Drawn;
use crate::{declare, params};
use std::path::PathBuf;

declare! {
    /// Given spikes. Two spikes of a source in one step are an error, spikes off the grid of steps or after the end
    /// a warning.
    pub struct Spikes {
        /// Times of the spikes of each source \[ms\], ascending; a source beyond the list is silent.
        times | "spike_times": Vec<Vec<f64>> = vec![];
        /// A `spikes.npz` of an earlier run, instead of `times`.
        file: Option<PathBuf>;
        /// Population of that file whose spikes are taken; the name of this one if absent.
        population: Option<String>;
    }
}

impl Emit for Spikes {
    fn check(&self, path: &str, setting: &Setting, judge: &mut dyn Judge) {
        let help = "list the times of each source in ascending order, in ms";
        if self.times.len() as u64 > setting.size {
            let (lists, size) = (self.times.len(), setting.size);
            let message = format!("{lists} lists of times for a population of {size}");
            judge.fault(format!("{path}.times"), message);
        }
        let mut ascend = self.times.len() as u64 <= setting.size;
        for (source, times) in self.times.iter().enumerate() {
            let path = format!("{path}.times.{source}");
            if let Some(k) = times.iter().position(|t| *t <= 0.0) {
                let message = format!("a spike at {} ms, times are positive", times[k]);
                judge.fault_with_help(format!("{path}.{k}"), message, help);
                ascend = false;
            } else if let Some(k) = times.windows(2).position(|pair| pair[0] >= pair[1]) {
                let message = format!("{} ms comes after {} ms", times[k + 1], times[k]);
                judge.fault_with_help(format!("{path}.{}", k + 1), message, help);
                ascend = false;
            }
        }
        if let Some(dt) = setting.dt.filter(|_| ascend) {
            let found = OnGrid::new(&self.times, dt, setting.end);
            match found.merged() {
                Some(((source, k), message)) => judge.fault_with_help(
                    format!("{path}.times.{source}.{k}"),
                    message,
                    OnGrid::HELP,
                ),
                None => found.warnings().for_each(|w| judge.warn(format!("{path}.times"), w)),
            }
        }
        if self.file.is_some() && !self.times.is_empty() {
            judge.fault(format!("{path}.file"), "`times` and `file` are both given, keep one");
        }
    }
    fn is_given(&self) -> bool {
        true
    }
    fn make(
        &self,
        Making { name, dt, end, .. }: Making,
        drawn: &Drawn,
        warn: &mut dyn FnMut(String, String),
    ) -> Result<Sends, InputError> {
        let Some(file) = &self.file else {
            // What there is to say of these was said when the scene was checked.
            return Ok(Sends::Spikes(OnGrid::new(&self.times, dt, end).steps()));
        };
        let population = self.population.as_deref().unwrap_or(name);
        let path = format!("{}.file", drawn.path);
        let mut times = vec![Vec::new(); drawn.size];
        for (row, (t, id)) in files::read_spikes(file, population)?.into_iter().enumerate() {
            let Some(times) = times.get_mut(id as usize) else {
                let (index, size, file) = (id.into(), drawn.size, file.clone());
                return Err(InputError::Neuron { path, file, row, index, size });
            };
            times.push(t);
        }
        let grid = OnGrid::new(&times, dt, end);
        if let Some((_, message)) = grid.merged() {
            return Err(InputError::Merged { path, file: file.clone(), message });
        }
        grid.warnings().for_each(|message| warn(path.clone(), message));
        Ok(Sends::Spikes(grid.steps()))
    }
}

params! {
    /// `Params` of `shaders/input/given_spikes.wgsl`.
    pub struct GivenSpikesParams {
        /// Words of a row of these sources.
        words: word,
        /// Words of a row of spikes, of all populations.
        row: word,
        /// First word of these sources, with the rows before the window.
        first: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "input/given_spikes",
    wgsl: include_str!("../../shaders/input/given_spikes.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("given"),      // [steps, words]
        words_mut("spikes"), // [interval + steps, row]
    ],
    layouts: &[],
    params: GivenSpikesParams::<f32>::FIELDS,
    twin32: dispatched::<GivenSpikes, f32>,
    twin64: scalar::<GivenSpikes, f64>,
};

/// The twin of `shaders/input/given_spikes.wgsl`; one unit.
pub struct GivenSpikes;

impl Twin for GivenSpikes {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = GivenSpikesParams::<F>::of(call.params);
        let [given, spikes] = Call::take(call.args);
        let (given, spikes) = (given.words(), spikes.words_mut());
        let words = p.words as usize;
        for t in call.span.steps() {
            let at = t * p.row as usize + p.first as usize;
            spikes[at..at + words].copy_from_slice(&given[t * words..][..words]);
        }
    }
}
