//! Populations of a training whose neurons are in frames: see [`crate::neuron::frame`].

use super::drawn::{course, is_driven, receives};
use super::layout::{Layout, Pop};
use super::*;
use crate::input::bias;
use crate::network;
use crate::network::numbers::{Made, Numbers};
use crate::neuron::frame::{
    BackParams, Nudge, TapeBackParams, TapeParams, WindowParams, adjoint_rows, inbox_rows, slots,
    unit_of,
};
use crate::neuron::iaf;
use crate::neuron::model::{Refused, at};
use crate::neuron::receptor::port;
use crate::neuron::stepped::{
    BLOCK, Stepped, Trained, in_blocks, receptor_numbers, with_receptors,
};
use crate::train::numbers_gradient;

/// Arrays and numbers of a population in frames.
pub(super) struct Framed<'a> {
    neurons: &'a dyn Stepped,
    trained: Trained,
    receptors: usize,
    /// Whether a tape of distances to the threshold is all that is kept of steps.
    on_tape: bool,
    /// Steps of a segment, at whose start the state is kept, of others.
    segment: usize,
    /// Numbers of the state of a sample, and of its adjoint.
    state_len: usize,
    adjoint_len: usize,
    /// Rows of state, and of its adjoint.
    rows: usize,
    /// Numbers that kernels read of a neuron and of the receptors, if any of them is trained.
    numbers: usize,
    /// Whether each neuron has numbers of its own, and whether of receptors.
    own: bool,
    own_receptors: bool,
    driven: bool,
    watched: bool,
    state: Reals,
    start: Reals,
    /// Constant currents, and in their place gradients by them.
    current: Reals,
    receptor: Reals,
    cell: Reals,
    adjoint: Reals,
}

impl Framed<'_> {
    /// One unit of the output, of neurons whose potential is the answer \[mV\].
    pub(super) fn answer_unit(&self) -> f64 {
        self.trained.unit
    }

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
        let population = &self.network.populations[k];
        let on_tape = population.on_tape;
        let of_block = match on_tape {
            true => all_rows * BLOCK,
            false => slots(steps, segment) * (all_rows + 1) * BLOCK,
        };
        let state_len = blocks * of_block;
        // On a tape state outlasts a launch on a cycle only.
        let stored = !on_tape || pop.carry > 0;
        let state = match stored {
            true => self.arrays.zero_reals(format!("{name}.state"), batch * state_len),
            false => self.arrays.unused.written[0],
        };
        if !on_tape {
            self.ports.populations[k].states =
                Some(States { array: state, blocks, of_block, every: segment });
        }
        // Whose potentials are wanted that are not on a tape has a row for them in its inbox.
        let is_output = neurons.answers() && self.training.loss.over().is_some();
        let watched = !on_tape && (is_output || self.training.loss.watched() == Some(name));
        let driven = is_driven(self.network, k);
        let numbers = match &population.numbers {
            Some(_) => neurons.cells()[0].len() + receptors * port::COUNT,
            None => 0,
        };
        let adjoint_len = blocks * adjoint_rows(rows, numbers) * BLOCK;

        let current = |id: usize| trained.currents[if trained.currents.len() > 1 { id } else { 0 }];
        let dt = self.network.dt;
        let own_receptors =
            population.numbers.as_ref().map_or(neurons.own_receptors(), |all| all.own_receptors);
        let of_receptors = |neuron: usize| receptor_numbers(neurons, neuron, dt, |_| 1.0);
        let cell = match own_receptors {
            true => with_receptors(&neurons.cells(), n, of_receptors),
            false => neurons.cells(),
        };
        let mut starts: Vec<_> = (0..n).map(|id| neurons.start(id)).collect();
        starts.iter_mut().for_each(|start| start.resize(all_rows, 0.0));
        // On a tape neurons need not have numbers of their own.
        let cell = constants(neurons, &cell);
        let own = !on_tape || neurons.slow() > 0 || differ(&cell) || differ(&starts);
        let laid = |each: Vec<Vec<f64>>| if own { in_blocks(&each, n) } else { each[0].clone() };
        let (cell, start) = (laid(cell), laid(starts));
        let receptor = [of_receptors(0), neurons.table()].concat();

        let inbox_rows = inbox_rows(receptors, driven, watched);
        pop.width = inbox_rows * n;
        let inbox = format!("{name}.{}", if on_tape { "tape" } else { "inbox" });
        pop.tape = match driven {
            false => self.arrays.zero_reals(inbox, batch * steps * pop.width),
            true => {
                let mut sample = vec![0.0; steps * pop.width];
                let course = course(self.network, k, steps);
                for (row, course) in sample.chunks_exact_mut(pop.width).zip(course.chunks(n)) {
                    row[receptors * n..][..n].copy_from_slice(course);
                }
                self.arrays.reals(inbox, sample.repeat(batch))
            }
        };
        let (array, potential) = (pop.tape, inbox_rows - 1);
        self.ports.populations[k].inbox =
            watched.then_some(Inbox { array, rows: inbox_rows, potential });
        pop.i_e = self.arrays.reals(format!("{name}.i_e"), (0..n).map(current).collect());
        let statics = self.arrays.zero_reals(format!("{name}.current"), batch * n);
        pop.statics = Some(statics);
        // The gradient by the current takes the place of the current.
        pop.input_gradient = statics;
        let framed = Framed {
            neurons,
            trained,
            receptors,
            on_tape,
            segment,
            state_len,
            adjoint_len,
            rows,
            numbers,
            own,
            own_receptors,
            driven,
            watched,
            state,
            current: statics,
            start: self.arrays.reals(format!("{name}.start"), start),
            receptor: self.arrays.reals(format!("{name}.receptor"), receptor),
            cell: self.arrays.reals(format!("{name}.cell"), cell),
            adjoint: match pop.active && stored {
                true => self.arrays.zero_reals(format!("{name}.adjoint"), batch * adjoint_len),
                false => self.arrays.unused.written[0],
            },
        };
        if let Some(trained) = &population.numbers {
            let free = trained.each.iter().map(|number| {
                let array = format!("{name}.train.{}", number.name);
                self.arrays.reals(array, number.origin())
            });
            let free = free.collect();
            let start: Vec<_> = trained.each.iter().map(|number| number.origin()).collect();
            let made =
                trained.made(&start).expect("the start was tried when the network was built");
            let slopes = trained.each.iter().zip(made.slopes).map(|(number, slopes)| {
                self.arrays.reals(format!("{name}.slopes.{}", number.name), slopes.concat())
            });
            let slopes = slopes.collect();
            let (cell, receptor) = (framed.cell, framed.receptor);
            self.ports.numbers.push(NumberPorts { population: k, free, slopes, cell, receptor });
        }
        self.framed[k] = Some(framed);
    }
}

/// The numbers in the array `cell` of a training. The constant currents that the scene gives are elsewhere.
fn constants(neurons: &dyn Stepped, cells: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let Trained { i_e, currents, .. } = neurons.trained();
    let of = |id: usize| {
        let mut cell = at(cells, id).clone();
        cell[i_e] -= at(&currents, id);
        cell
    };
    (0..cells.len().max(currents.len())).map(of).collect()
}

pub(super) fn differ(each: &[Vec<f64>]) -> bool {
    each.iter().any(|numbers| *numbers != each[0])
}

impl NumberPorts {
    /// Contents of the arrays that follow from x of each number.
    ///
    /// # Errors
    /// Values that do not go together.
    pub fn contents(
        &self,
        numbers: &Numbers,
        neurons: &dyn Stepped,
        n: usize,
        x: &[Vec<f64>],
    ) -> Result<Vec<(Reals, Vec<f64>)>, Refused> {
        let Made { cells: made, receptor, slopes } = numbers.made(x)?;
        let cell = in_blocks(&constants(neurons, &made), n);
        let mut contents = vec![(self.cell, cell), (self.receptor, receptor)];
        let slopes = slopes.iter().map(|slopes| slopes.concat());
        contents.extend(self.slopes.iter().copied().zip(slopes));
        Ok(contents)
    }
}

impl Tapes<'_> {
    /// Each sample begins with the constant currents.
    pub(super) fn biases(&self, stages: &mut Vec<Stage>) {
        let mut launches = Vec::new();
        for (k, population) in self.network.populations.iter().enumerate() {
            let pop = self.layout.pops[k];
            if let (Some(_), Some(statics)) = (&self.layout.framed[k], pop.statics) {
                let p = bias::BiasParams::<f64> { n: pop.n as u32 };
                let args = vec![whole(pop.i_e), each(statics, pop.n)];
                let name = &population.name;
                launches.push(self.by_sample(&bias::KERNEL, name, p.words(), args, pop.n));
            }
        }
        stages.push(Stage::Whole(launches));
    }

    /// The receptors of a population at which something arrives, a bit for each.
    fn arrive(&self, k: usize) -> u32 {
        let into = self.network.projections.iter().filter(|p| p.to == k && p.delay > 0);
        let noise = self.noise_enters(k).map_or(0, |receptor| 1 << receptor);
        into.fold(noise | receives(self.network, k), |bits, p| bits | 1 << p.receptor)
    }

    /// Receptors of a population in frames.
    pub(super) fn receptors(&self, k: usize) -> usize {
        self.layout.framed[k].as_ref().map_or(1, |framed| framed.receptors)
    }

    /// The parameters with which all frames of a training begin.
    fn frame(&self, k: usize, f: &Framed<'_>) -> Vec<Word> {
        let pop = self.layout.pops[k];
        let p = WindowParams::<f64> {
            n: pop.n as u32,
            receptors: f.receptors as u32,
            arrive: self.arrive(k),
            driven: u32::from(f.driven),
            watched: u32::from(f.watched),
            slow: f.neurons.slow(),
            steps: self.layout.steps as u32,
            segment: f.segment as u32,
            history: pop.history as u32,
            steepness: self.layout.surrogate.steepness,
            unit: f.trained.unit,
            own_receptors: u32::from(f.own_receptors),
            soft: self.layout.soft,
            surrogate: self.layout.surrogate.shape,
        };
        p.words()
    }

    /// Those of the frames on a tape.
    fn tape_frame(&self, k: usize, f: &Framed<'_>) -> Vec<Word> {
        let pop = self.layout.pops[k];
        let p = TapeParams::<f64> {
            n: pop.n as u32,
            arrive: self.arrive(k),
            own: u32::from(f.own),
            slow: f.neurons.slow(),
            steps: self.layout.steps as u32,
            history: pop.history as u32,
            carry: pop.carry,
            steepness: self.layout.surrogate.steepness,
            unit: f.trained.unit,
            own_receptors: u32::from(f.own_receptors),
            soft: if self.is_soft(k) { self.layout.soft } else { 0 },
            surrogate: self.layout.surrogate.shape,
            silent: u32::from(f.neurons.answers()),
        };
        p.words()
    }

    /// What is stored between launches on a tape.
    fn stored(&self, k: usize, array: Reals, len: usize) -> Arg {
        match self.layout.pops[k].carry {
            0 => each(self.layout.arrays.unused.written[0], 0),
            _ => each(array, len),
        }
    }

    fn tape_window(&self, k: usize, f: &Framed<'_>) -> Launch {
        let pop = self.layout.pops[k];
        let args = vec![
            self.stored(k, f.state, f.state_len),
            whole(f.start),
            whole(f.cell),
            whole(f.receptor),
            self.tape(&pop),
            each(f.current, pop.n),
            self.spikes(&pop),
            self.soft_spikes(&pop),
        ];
        let params = [self.tape_frame(k, f), f.neurons.params()].concat();
        let padded = pop.n.next_multiple_of(BLOCK);
        let name = &self.network.populations[k].name;
        self.by_sample(&iaf::TAPE, name, params, args, padded)
    }

    fn tape_back(&self, k: usize, f: &Framed<'_>) -> Launch {
        let pop = self.layout.pops[k];
        let least_slope = self.training.learn.by_times();
        let pushed = self.pushed(k);
        let back = TapeBackParams::<f64> {
            pushed: u32::from(pushed.is_some()),
            push: pushed.map_or(0.0, |(push, _)| push),
            least_rise: least_slope.unwrap_or_default() * self.network.dt,
            attached: if f.neurons.answers() { 0 } else { self.training.attached() },
            by_times: u32::from(least_slope.is_some() && !f.neurons.answers()),
        };
        let args = vec![
            self.stored(k, f.adjoint, f.adjoint_len),
            whole(f.start),
            whole(f.cell),
            whole(f.receptor),
            self.tape(&pop),
            each(f.current, pop.n),
            self.by_spikes(k),
            pushed.map_or(whole(self.layout.arrays.unused.words), |(_, peak)| each(peak, pop.n)),
        ];
        let params = [self.tape_frame(k, f), back.words(), f.neurons.params()].concat();
        let padded = pop.n.next_multiple_of(BLOCK);
        let name = &self.network.populations[k].name;
        self.by_sample(&iaf::TAPE_BACK, name, params, args, padded)
    }

    /// Gradients by the spikes of a population. Where no spike acts on anything they are never written, and stay zero.
    fn by_spikes(&self, k: usize) -> Arg {
        let pop = self.layout.pops[k];
        match self.has_cotangent(k) {
            true => passing(pop.cotangent, self.layout.steps * pop.n),
            false => each(pop.cotangent, self.layout.steps * pop.n),
        }
    }

    pub(super) fn window(&self, k: usize, f: &Framed<'_>) -> Launch {
        if f.on_tape {
            return self.tape_window(k, f);
        }
        let pop = self.layout.pops[k];
        let args = vec![
            each(f.state, f.state_len),
            whole(f.start),
            whole(f.cell),
            whole(f.receptor),
            self.tape(&pop),
            each(f.current, pop.n),
            self.spikes(&pop),
            self.soft_spikes(&pop),
        ];
        let params = [self.frame(k, f), f.neurons.params()].concat();
        let padded = pop.n.next_multiple_of(BLOCK);
        let name = &self.network.populations[k].name;
        self.by_sample(f.trained.window, name, params, args, padded)
    }

    pub(super) fn window_back(&self, k: usize, f: &Framed<'_>) -> Launch {
        if f.on_tape {
            return self.tape_back(k, f);
        }
        let pop = self.layout.pops[k];
        // What never spikes has no reset, however far away it is.
        let attached = if f.neurons.answers() { 0 } else { self.training.attached() };
        let back = BackParams::<f64> { numbers: f.numbers as u32, attached };
        let args = vec![
            each(f.state, f.state_len),
            whole(f.cell),
            whole(f.receptor),
            self.tape(&pop),
            each(f.current, pop.n),
            self.spikes(&pop),
            self.by_spikes(k),
            each(f.adjoint, f.adjoint_len),
        ];
        let params = [self.frame(k, f), back.words(), f.neurons.params()].concat();
        let padded = pop.n.next_multiple_of(BLOCK);
        let name = &self.network.populations[k].name;
        self.by_sample(f.trained.adjoint, name, params, args, padded)
    }

    /// Gradients by the trained numbers of a population.
    pub(super) fn numbers(&mut self, ports: &NumberPorts, launches: &mut Vec<Launch>) {
        let population = &self.network.populations[ports.population];
        let pop = self.layout.pops[ports.population];
        let (Some(f), Some(numbers)) = (&self.layout.framed[ports.population], &population.numbers)
        else {
            return;
        };
        let (rows, count, adjoint) = (f.rows, f.numbers, f.adjoint);
        let arrays = ports.free.iter().zip(&ports.slopes);
        for (number, (free, slopes)) in numbers.each.iter().zip(arrays) {
            let name = format!("{}.gradient.{}", population.name, number.name);
            let len = if number.shared { 1 } else { pop.n };
            let gradient = self.layout.arrays.zero_reals(name, len);
            self.layout.ports.gradients.push((gradient, *free));
            let p = numbers_gradient::NumbersGradientParams::<f64> {
                n: pop.n as u32,
                rows: adjoint_rows(rows, count) as u32,
                first: adjoint_rows(rows, 0) as u32,
                numbers: count as u32,
                alike: u32::from(number.shared),
            };
            launches.push(Launch {
                kernel: &numbers_gradient::KERNEL,
                label: population.name.clone(),
                params: p.words(),
                args: vec![whole(adjoint), whole(*slopes), each(gradient, len)],
                units: Units::Count { count: 1, grain: 1 },
                invocations: len.next_multiple_of(BLOCK) as u64,
                per_step: false,
                every: 1,
            });
        }
    }
}
