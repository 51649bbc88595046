//! Losses of a training: what is made of potentials and spikes, and the gradients by these.

use super::*;
use crate::data::traces::Traces;
use crate::scene::Over;
use crate::train::loss::{Answers, Of};
use crate::train::output::{self, OutputParams};
use crate::train::{output_back, rate_penalty, spike_counts, spread_gradient, trace};

/// What the loss is of: an answer, or a rate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    /// Of which population.
    population: usize,
    /// What a spike counts.
    factor: f64,
    /// Counts of each neuron, and the gradient by them, samples × n.
    counts: Reals,
    gradient: Reals,
}

/// Parts of the window, each of which makes an answer: see [`output`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts {
    /// First step of the first.
    pub begin: u32,
    /// Steps of each.
    pub length: u32,
    /// What the sum of a part is divided by.
    pub share: f64,
    /// 1 if the largest value counts instead.
    pub largest: u32,
}

impl Tapes<'_> {
    /// Losses, with `back` and gradients.
    pub(super) fn loss(&mut self, traces: Option<&Traces>, back: bool, stages: &mut Vec<Stage>) {
        let follow = traces.and_then(|traces| self.follow(traces, back));
        let mut launches: Vec<Launch> = follow.into_iter().collect();
        self.count_spikes();
        launches.extend(self.counted.iter().map(|counted| self.counts_of(counted)));
        launches.extend(self.first_spikes());
        for (k, population) in self.network.populations.iter().enumerate() {
            if self.has_output(k) {
                launches.push(self.output(k));
            }
            if self.has_output(k) || self.training.loss.counted() == Some(&population.name) {
                launches.extend(self.of_answer(k));
            }
        }
        launches.extend(self.first_spike_terms());
        for (penalty, counted) in self.training.rates.iter().zip(self.penalised()) {
            let n = self.layout.pops[counted.population].n;
            // A rate has no bound where the scene gives none.
            let p = rate_penalty::RatePenaltyParams::<f64> {
                n: n as u32,
                slots: SLOTS as u32,
                low: penalty.low.map_or(0.0, |low| low.get()),
                high: penalty.high.map_or(f64::from(f32::MAX), |high| high.get()),
                strength: penalty.strength,
            };
            let args = vec![
                each(counted.counts, n),
                each(counted.gradient, n),
                each(self.layout.ports.losses, SLOTS),
            ];
            let kernel = &rate_penalty::KERNEL;
            launches.push(self.by_sample(kernel, &penalty.population, p.words(), args, 1));
        }
        stages.push(Stage::Whole(launches));
    }

    /// The loss of the output of a population.
    fn of_answer(&self, k: usize) -> Option<Launch> {
        let n = self.layout.pops[k].n;
        let AnswerPorts { answers, output, gradient, supervision, predictions } =
            self.layout.ports.answer?;
        let shape = Answers { outputs: n as u32, answers: answers as u32, slots: SLOTS as u32 };
        let (kernel, params) = self.training.loss.objective().judgement(shape)?;
        let wanted = match supervision {
            Supervision::Targets(targets) => each(targets, n),
            Supervision::Labels(labels) => each(labels, answers),
        };
        let args = vec![
            each(output, answers * n),
            wanted,
            each(gradient, answers * n),
            each(self.layout.ports.losses, SLOTS),
            each(predictions, answers * SLOTS),
        ];
        Some(self.by_sample(kernel, &self.network.populations[k].name, params, args, 1))
    }

    /// Those that penalties are on.
    fn penalised(&self) -> &[Counted] {
        let answers = usize::from(matches!(self.training.loss.of(), Of::Counts(..)));
        self.counted.get(answers..).unwrap_or_default()
    }

    /// Populations whose spikes are counted, the one that answers first, then those with a penalty: made once.
    fn count_spikes(&mut self) {
        if !self.counted.is_empty() {
            return;
        }
        let find = |name: &str| self.network.populations.iter().position(|p| p.name == name);
        let (batch, training) = (self.layout.batch, self.training);
        if let Of::Counts(population, factor) = training.loss.of()
            && let Some(k) = find(population)
        {
            let AnswerPorts { output: counts, gradient, .. } = self.answer();
            self.counted.push(Counted { population: k, factor, counts, gradient });
        }
        let seconds = self.layout.steps as f64 * self.network.dt * 1e-3;
        for (which, penalty) in training.rates.iter().enumerate() {
            let Some(k) = find(&penalty.population) else { continue };
            let len = batch * self.layout.pops[k].n;
            let mut array =
                |what: &str| self.layout.arrays.zero_reals(format!("penalty.{which}.{what}"), len);
            let (counts, gradient) = (array("rates"), array("gradient"));
            self.counted.push(Counted { population: k, factor: 1.0 / seconds, counts, gradient });
        }
    }

    fn counts_of(&self, counted: &Counted) -> Launch {
        let pop = self.layout.pops[counted.population];
        let p = spike_counts::SpikeCountsParams::<f64> {
            n: pop.n as u32,
            steps: self.layout.steps as u32,
            history: pop.history as u32,
            factor: counted.factor,
            soft: self.layout.soft,
        };
        let args = vec![self.spikes(&pop), self.soft_spikes(&pop), each(counted.counts, pop.n)];
        let name = &self.network.populations[counted.population].name;
        self.by_sample(&spike_counts::KERNEL, name, p.words(), args, pop.n)
    }

    /// Gradients by counts of the spikes of a population, or by when the first come, become gradients by these.
    pub(super) fn spread(&mut self, k: usize, launches: &mut Vec<Launch>) {
        launches.extend(self.first_spike_ramp(k));
        let pop = self.layout.pops[k];
        if self.has_output(k) && pop.active {
            launches.push(self.output_back(k));
        }
        let of_it: Vec<Counted> =
            self.counted.iter().copied().filter(|counted| counted.population == k).collect();
        for counted in of_it.into_iter().filter(|_| pop.active) {
            let (cotangent, filled) = self.cotangent(k);
            let p = spread_gradient::SpreadGradientParams::<f64> {
                n: pop.n as u32,
                steps: self.layout.steps as u32,
                factor: counted.factor,
                accumulate: u32::from(filled),
            };
            let args = vec![each(counted.gradient, pop.n), cotangent];
            let name = &self.network.populations[k].name;
            let kernel = &spread_gradient::KERNEL;
            launches.push(self.by_sample(kernel, name, p.words(), args, pop.n));
        }
    }

    /// Whether the potentials of a population become outputs.
    fn has_output(&self, k: usize) -> bool {
        self.training.loss.over().is_some() && self.network.populations[k].answers()
    }

    /// For potentials in rows of so many numbers, from this one on.
    fn output_params(&self, k: usize, [width, first]: [usize; 2]) -> OutputParams<f64> {
        let over = self.over();
        let unit = self.layout.framed[k].as_ref().map_or(1.0, Framed::answer_unit);
        OutputParams {
            n: self.layout.pops[k].n as u32,
            width: width as u32,
            first: first as u32,
            steps: self.layout.steps as u32,
            begin: over.begin,
            length: over.length,
            parts: self.answer().answers as u32,
            v_unit: unit,
            share: over.share,
            over: over.largest,
        }
    }

    /// Outputs of the potentials of a population.
    fn output(&self, k: usize) -> Launch {
        let (pop, answer) = (self.layout.pops[k], self.answer());
        let params = self.output_params(k, self.potentials(k)).words();
        let args = vec![
            self.tape(&pop),
            each(answer.output, answer.answers * pop.n),
            each(pop.peak, pop.n),
        ];
        let name = &self.network.populations[k].name;
        self.by_sample(&output::KERNEL, name, params, args, pop.n)
    }

    /// Numbers of a row of what has the potentials of a population, and the first of these.
    fn potentials(&self, k: usize) -> [usize; 2] {
        let pop = self.layout.pops[k];
        let inbox = self.layout.ports.populations[k].inbox;
        [pop.width, inbox.map_or(0, |inbox| inbox.potential * pop.n)]
    }

    /// Gradients by outputs become gradients by potentials: in their place, or on a tape in that of gradients by spikes, of
    /// which there are none.
    fn output_back(&mut self, k: usize) -> Launch {
        let (pop, answer) = (self.layout.pops[k], self.answer());
        let is_watched = self.layout.ports.populations[k].inbox.is_some();
        let (cotangent, place) = match is_watched {
            true => (self.tape(&pop), self.potentials(k)),
            false => (self.cotangent(k).0, [pop.n, 0]),
        };
        let params = self.output_params(k, place).words();
        let args =
            vec![each(answer.gradient, answer.answers * pop.n), each(pop.peak, pop.n), cotangent];
        let name = &self.network.populations[k].name;
        self.by_sample(&output_back::KERNEL, name, params, args, pop.n)
    }

    /// How the potential of a readout becomes its outputs.
    pub(super) fn over(&self) -> Parts {
        let steps = self.layout.steps as u32;
        let whole = Parts { begin: 0, length: steps, share: f64::from(steps), largest: 0 };
        match self.training.loss.over().unwrap_or(Over::Mean) {
            Over::Mean => whole,
            Over::Sum => Parts { share: 1.0, ..whole },
            Over::Last => Parts { begin: steps - 1, length: 1, share: 1.0, ..whole },
            Over::Max => Parts { share: 1.0, largest: 1, ..whole },
            Over::Window { from, to } => {
                let [from, to] = [from, to].map(|t| (t.get() / self.network.dt).round() as u32);
                Parts { begin: from, length: to - from, share: f64::from(to - from), ..whole }
            }
            Over::Frames => {
                let (_, images) = self.network.images().expect("the scene was checked");
                let [_, hold] = frames_of(Some(images), self.layout.steps, self.network.dt);
                Parts { length: hold, share: f64::from(hold), ..whole }
            }
        }
    }

    /// Errors of potentials that are to follow a trace; with `back` gradients by them too.
    pub(super) fn follow(&mut self, wanted: &Traces, back: bool) -> Option<Launch> {
        let Of::Potential(loss) = self.training.loss.of() else { return None };
        let (name, low_pass) = (&loss.population, loss.low_pass);
        let k = self.network.populations.iter().position(|p| p.name == *name)?;
        let (inbox, pop) = (self.layout.ports.populations[k].inbox?, self.layout.pops[k]);
        let (n, batch, steps) = (pop.n, self.layout.batch, self.layout.steps);
        let population = &self.network.populations[k];
        let rest = |id: usize| population.rest(id).unwrap_or_default();
        let [values, filtered, errors] = self.followed.unwrap_or_else(|| {
            let own = wanted.columns > 1 || (1..n).any(|id| rest(id) != rest(0));
            let columns = if own { n } else { 1 };
            let value = |t: usize, id: usize| {
                wanted.values[t * wanted.columns + if wanted.columns > 1 { id } else { 0 }]
            };
            // Kernels measure potentials from the zero of the model.
            let from_zero = |t: usize| (0..columns).map(move |id| value(t, id) - rest(id));
            let values = (0..steps).flat_map(from_zero).collect();
            let values = self.layout.arrays.reals(format!("{name}.wanted"), values);
            let mut zeros =
                |what, len| self.layout.arrays.zero_reals(format!("{name}.{what}"), len);
            [values, zeros("filtered", batch * steps * n), zeros("errors", batch * n)]
        });
        self.followed = Some([values, filtered, errors]);
        self.layout.ports.errors = Some(errors);
        let dt = self.network.dt;
        let p = trace::TraceParams::<f64> {
            n: n as u32,
            steps: steps as u32,
            rows: inbox.rows as u32,
            row: inbox.potential as u32,
            columns: (self.layout.arrays[values].len / steps) as u32,
            slots: SLOTS as u32,
            back: u32::from(back),
            rise: low_pass.map_or(1.0, |tau| -(-dt / tau.get()).exp_m1()),
            of_filtered: if low_pass.is_some() { 1.0 } else { 0.0 },
            of_difference: if low_pass.is_some() { loss.unfiltered } else { 1.0 },
        };
        let args = vec![
            self.tape(&pop),
            whole(values),
            each(filtered, steps * n),
            each(errors, n),
            each(self.layout.ports.losses, SLOTS),
        ];
        let per_sample = trace::KERNEL.workgroup as usize;
        Some(self.by_sample(&trace::KERNEL, name, p.words(), args, per_sample))
    }
}
