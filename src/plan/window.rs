//! Populations of a training whose neurons are in frames: see [`crate::neuron::frame`].

use super::compile::{Compiler, each, passing, whole};
use super::layout::{Layout, Pop};
use super::simulate::in_blocks;
use super::*;
use crate::input::bias;
use crate::network;
use crate::neuron::frame::{AdjointParams, Nudge, WindowParams, slots, unit_of};
use crate::neuron::stepped::{BLOCK, Stepped, Trained};

/// Arrays and numbers of a population in frames.
pub(super) struct Framed<'a> {
    neurons: &'a dyn Stepped,
    trained: Trained,
    receptors: usize,
    /// Steps of a segment, at whose start the state is kept.
    segment: usize,
    /// Numbers of the state of a sample, and of its adjoint.
    state_len: usize,
    adjoint_len: usize,
    state: ArrayId,
    start: ArrayId,
    receptor: ArrayId,
    cell: ArrayId,
    adjoint: ArrayId,
}

impl Framed<'_> {
    /// The constant current that lifts a neuron from rest to threshold within a step.
    pub(super) fn unit(&self, dt: f64) -> f64 {
        unit_of(self.neurons, dt, Nudge::Current)
    }
}

impl<'a> Layout<'a> {
    /// Arrays of a population in frames; `pop` gets those that every kind of neuron has.
    pub(super) fn framed(&mut self, k: usize, pop: &mut Pop, neurons: &'a dyn Stepped) {
        let network::Population { name, size: n, .. } = &self.network.populations[k];
        let (n, batch, steps) = (*n, self.batch, self.steps);
        let trained = neurons.trained();
        let (receptors, blocks) = (neurons.receptors().len(), n.div_ceil(BLOCK));
        let rows = neurons.start(0).len();
        let all_rows = if neurons.slow() > 0 { 2 * rows } else { rows };
        // What a window keeps is least where it keeps as many states as a segment has steps.
        let segment = (steps as f64).sqrt().ceil() as usize;
        let of_block = slots(steps, segment) * (all_rows + 1) * BLOCK;
        let state_len = blocks * of_block;
        let state = self.zeros(format!("{name}.state"), Kind::Real, batch * state_len);
        self.ports_of(k).states = Some(States { array: state, blocks, of_block });
        let adjoint_len = blocks * (rows + 1) * BLOCK;

        let mut cells = neurons.cells();
        let current = |id: usize| trained.currents[if trained.currents.len() > 1 { id } else { 0 }];
        for (id, cell) in cells.iter_mut().enumerate() {
            cell[trained.i_e] -= current(id);
        }
        let cell = in_blocks(&cells, n);
        let mut start = vec![0.0; blocks * all_rows * BLOCK];
        for lane in 0..blocks * BLOCK {
            // Lanes beyond the last neuron are copies of it.
            for (row, x) in neurons.start(lane.min(n - 1)).into_iter().enumerate() {
                start[(lane / BLOCK * all_rows + row) * BLOCK + lane % BLOCK] = x;
            }
        }
        let mut receptor: Vec<f64> = neurons
            .receptors()
            .iter()
            .flat_map(|port| port.values(self.network.dt, 1.0, neurons.rest(0)))
            .collect();
        receptor.extend(neurons.table());

        pop.width = receptors * n;
        pop.tape = self.zeros(format!("{name}.inbox"), Kind::Real, batch * steps * pop.width);
        pop.i_e = self.reals(format!("{name}.i_e"), (0..n).map(current).collect());
        let statics = self.zeros(format!("{name}.current"), Kind::Real, batch * n);
        pop.statics = Some(statics);
        // The gradient by the current takes the place of the current.
        pop.input_gradient = statics;
        let framed = Framed {
            neurons,
            trained,
            receptors,
            segment,
            state_len,
            adjoint_len,
            state,
            start: self.reals(format!("{name}.start"), start),
            receptor: self.reals(format!("{name}.receptor"), receptor),
            cell: self.reals(format!("{name}.cell"), cell),
            adjoint: match pop.active {
                true => self.zeros(format!("{name}.adjoint"), Kind::Real, batch * adjoint_len),
                false => self.unused_written[0],
            },
        };
        self.framed[k] = Some(framed);
    }
}

impl Compiler<'_> {
    /// Each sample begins with the constant currents.
    pub(super) fn biases(&self, launches: &mut Vec<Launch>) {
        for (k, population) in self.network.populations.iter().enumerate() {
            let pop = self.layout.pops[k];
            if let (Some(_), Some(statics)) = (&self.layout.framed[k], pop.statics) {
                let p = bias::BiasParams::<f64> { n: pop.n as u32 };
                let args = vec![whole(pop.i_e), each(statics, pop.n)];
                let name = &population.name;
                launches.push(self.by_sample(&bias::KERNEL, name, p.words(), args, pop.n));
            }
        }
    }

    /// The receptors of a population at which something arrives, a bit for each.
    fn arrive(&self, k: usize) -> u32 {
        let into = self.network.projections.iter().filter(|p| p.to == k && p.delay > 0);
        into.fold(0, |bits, p| bits | 1 << p.receptor)
    }

    pub(super) fn window(&self, k: usize, f: &Framed<'_>) -> Launch {
        let pop = self.layout.pops[k];
        let p = WindowParams::<f64> {
            n: pop.n as u32,
            receptors: f.receptors as u32,
            arrive: self.arrive(k),
            slow: f.neurons.slow(),
            steps: self.layout.steps as u32,
            segment: f.segment as u32,
            history: pop.history as u32,
            steepness: self.layout.surrogate.steepness,
            unit: f.trained.unit,
            soft: self.layout.soft,
            surrogate: self.layout.surrogate.shape,
        };
        let args = vec![
            each(f.state, f.state_len),
            whole(f.start),
            whole(f.cell),
            whole(f.receptor),
            self.tape(&pop),
            each(pop.statics.unwrap_or_default(), pop.n),
            self.spikes(&pop),
            self.soft_spikes(&pop),
        ];
        let params = [p.words(), f.neurons.params()].concat();
        let padded = pop.n.next_multiple_of(BLOCK);
        let name = &self.network.populations[k].name;
        self.by_sample(f.trained.window, name, params, args, padded)
    }

    pub(super) fn window_back(&self, k: usize, f: &Framed<'_>) -> Launch {
        let pop = self.layout.pops[k];
        let p = AdjointParams::<f64> {
            n: pop.n as u32,
            receptors: f.receptors as u32,
            arrive: self.arrive(k),
            slow: f.neurons.slow(),
            steps: self.layout.steps as u32,
            segment: f.segment as u32,
            history: pop.history as u32,
            steepness: self.layout.surrogate.steepness,
            unit: f.trained.unit,
            soft: self.layout.soft,
            surrogate: self.layout.surrogate.shape,
            attached: self.training.attached(),
        };
        let args = vec![
            each(f.state, f.state_len),
            whole(f.cell),
            whole(f.receptor),
            self.tape(&pop),
            each(pop.statics.unwrap_or_default(), pop.n),
            self.spikes(&pop),
            passing(pop.cotangent, self.layout.steps * pop.n),
            each(f.adjoint, f.adjoint_len),
        ];
        let params = [p.words(), f.neurons.params()].concat();
        let padded = pop.n.next_multiple_of(BLOCK);
        let name = &self.network.populations[k].name;
        self.by_sample(f.trained.adjoint, name, params, args, padded)
    }
}
