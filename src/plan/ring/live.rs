//! Synapses that change in a simulation: their arrays, their delivery and their learning.
//!
//! A projection with a rule or with short-term plasticity is *live*: its weights are floats in an array
//! of their own, delivered by a launch of their own, instead of integers in the table that the others
//! share. Its rule is two more launches, one for spikes of sources and one for those of targets, over
//! traces that all projections from or to a population share where they are alike. Synapses of a convolution share their
//! weights, which then lie as sparse ones do, but without lists: kernels tell who has whom from how the convolution
//! lies. See [`crate::plasticity`].
//!
//! The file is long with one launch after the other: what learns has a dozen kernels, each with its arguments.

use super::*;
use crate::kernel::spike_words;
use crate::network::{self, Network, Projection, Synapses};
use crate::neuron::iaf;
use crate::neuron::receptor::port;
use crate::neuron::stepped::BLOCK;
use crate::plasticity::{
    Change, Eligibility, Rates, Rule, Site, Trace, Voltage, convolved_post, convolved_pre,
    dense_post, dense_pre, eligibility, modulate, modulator, normalise, rates, reinforce,
    sparse_post, sparse_pre, trace, voltage,
};
use crate::slow::{fall, is_slow};
use crate::synapse::convolution::Convolution;
use crate::synapse::short_term;
use crate::synapse::{
    Delivery, STRIP, by_row, deliver_convolved, deliver_dense, deliver_sparse, scatter,
};
use crate::train::restart;

/// Time after which marks decay, as a part of their time constant.
const EPOCH: f64 = 0.1;

/// Numbers of the array `rate` of a projection with marks: factor, growth, integral.
const RATES: usize = 3;

/// A live projection as its launches see it.
pub(super) struct Live<'n> {
    index: usize,
    projection: &'n Projection,
    weights: Tiles,
    lists: Option<Lists>,
    /// If its synapses share weights.
    convolution: Option<&'n Convolution>,
    /// Sources and targets.
    size: [usize; 2],
    /// Place of the first source and the first target in the row of spikes.
    place: [usize; 2],
    efficacy: Option<Reals>,
}

/// Bits that hold numbers below `count`.
fn bits(count: usize) -> u32 {
    count.next_power_of_two().trailing_zeros()
}

/// Steps of a source's spike to its first and its last synapse.
fn axonal(p: &Projection, rule: &Rule) -> [usize; 2] {
    match rule.axonal {
        Some(steps) => [steps; 2],
        None => [p.delay, p.max_delay()].map(|delay| delay - rule.dendritic),
    }
}

/// Steps for which lists of spikes and traces are kept.
pub(super) fn history(network: &Network) -> usize {
    let back = network.projections.iter().filter_map(|p| {
        let rule = p.rule.as_ref()?;
        // The step itself, and the trace of the step before; potentials that act later, and the two lists
        // that begin in the step for those that follow.
        let potential = rule.voltage.map_or(0, |voltage| voltage.delay.saturating_add(2));
        Some(axonal(p, rule)[1].max(rule.dendritic.saturating_add(potential)).saturating_add(2))
    });
    // More than any array can hold, and few enough that its size can be computed.
    back.max().unwrap_or(1).min(1 << 31).next_power_of_two()
}

/// Launches of a step that change weights, in their order.
#[derive(Default)]
pub(super) struct Learning {
    before: Vec<Launch>,
    pre: Vec<Launch>,
    post: Vec<Launch>,
    traces: Vec<Launch>,
    later: Vec<Launch>,
    /// Normalisations that are done before each sample of a training.
    pub by_sample: Vec<Launch>,
    known: Vec<(usize, Trace, Reals)>,
    potentials: Vec<(usize, Voltage, Potentials)>,
}

/// What the potential of a population does to its synapses; see [`voltage`].
#[derive(Clone, Copy)]
struct Potentials {
    low: Reals,
    plus: Reals,
    high: Reals,
    changing: Words,
    /// Filtered potentials, and what they are at the start.
    filters: [Reals; 2],
}

impl Learning {
    /// Launches by which spikes change weights, in their order.
    pub fn by_spikes(&mut self) -> Vec<Launch> {
        let Self { before, pre, post, traces, .. } = self;
        [before, pre, post, traces].into_iter().flat_map(std::mem::take).collect()
    }

    /// Launches by which all weights change together, behind the traces that they need beside those of spikes.
    pub fn later(&mut self) -> Vec<Launch> {
        [&mut self.traces, &mut self.later].into_iter().flat_map(std::mem::take).collect()
    }

    /// Rings of traces.
    pub fn trace_arrays(&self) -> impl Iterator<Item = Reals> {
        let potentials = self.potentials.iter().flat_map(|(_, _, p)| [p.low, p.plus, p.high]);
        self.known.iter().map(|known| known.2).chain(potentials)
    }

    /// Lists of targets.
    pub fn list_arrays(&self) -> impl Iterator<Item = Words> {
        self.potentials.iter().map(|(_, _, p)| p.changing)
    }
}

impl<'n> Rings<'n> {
    /// Delivers what a live projection carries.
    pub(super) fn deliver_live(
        &mut self,
        index: usize,
        launches: &mut Vec<Launch>,
    ) -> Result<(), PlanError> {
        if self.network.projections[index].is_live() {
            let live = self.arrays_of(index)?;
            let (weights, lists) = (live.weights.clone(), live.lists);
            self.ports.live[index] = Some(LivePorts { weights, lists, marks: None });
            self.deliver(&live, launches);
            self.live[index] = Some(live);
        }
        Ok(())
    }

    /// What spikes do to the weights of a projection, and marks.
    pub(super) fn learn(&mut self, index: usize) {
        self.with_learning(index, |s, live, learning| match &live.projection.rule {
            Some(rule) if rule.rates.is_none() => s.learn_by_spikes(live, rule, learning),
            _ => {}
        });
    }

    /// What is done to all weights of a projection now and then.
    pub(super) fn adjust(&mut self, index: usize) {
        self.with_learning(index, |s, live, learning| {
            let rates = live.projection.rule.as_ref().and_then(|rule| rule.rates.as_ref());
            for rates in rates.into_iter().chain(&live.projection.scaling) {
                s.learn_rates(live, rates, learning);
            }
            s.normalise(live, learning);
        });
    }

    /// Does something with what was made for a live projection, and with what is made for all.
    fn with_learning(
        &mut self,
        index: usize,
        of: impl FnOnce(&mut Self, &Live<'n>, &mut Learning),
    ) {
        let Some(live) = self.live[index].take() else { return };
        let mut learning = std::mem::take(&mut self.learning);
        of(self, &live, &mut learning);
        self.learning = learning;
        self.live[index] = Some(live);
    }

    /// Weights and lists of a live projection.
    fn arrays_of(&mut self, index: usize) -> Result<Live<'n>, PlanError> {
        let network = self.network;
        let p = &network.projections[index];
        let size = [p.from, p.to].map(|k| network.populations[k].size);
        let place = [p.from, p.to].map(|k| 32 * self.ports.first_word[k]);
        let name = &p.name;
        let second = p.scaling.is_some() || p.rule.as_ref().is_some_and(Rule::is_slow);
        let mut convolution = None;
        let (weights, lists) = match &p.synapses {
            Synapses::Dense { weights } => {
                let cut = Tiles::cut(name, STRIP, second, size, self.options.max_binding)?;
                let tiles = cut.placed(|tile, ()| {
                    let packed = cut.pack(tile, weights);
                    self.arrays.reals(format!("{name}.weights.{tile}"), packed)
                });
                (tiles, None)
            }
            Synapses::Sparse { start, source, weights, .. } => {
                let lists = self.lists_of(p, start, source, size)?;
                (self.in_order(name, weights, second), Some(lists))
            }
            Synapses::Convolution { convolution: shared, weights } => {
                convolution = Some(&**shared);
                (self.in_order(name, weights, second), None)
            }
            Synapses::Procedural { .. } => {
                unreachable!("a checked scene keeps the weights of live projections")
            }
        };
        let efficacy = self.efficacy[index];
        Ok(Live { index, projection: p, weights, lists, convolution, size, place, efficacy })
    }

    /// What the spikes of a source carry of the weights of a projection with short-term plasticity.
    pub(super) fn release(&mut self, index: usize, launches: &mut Vec<Launch>) {
        let p = &self.network.projections[index];
        let Some(s) = p.short_term else { return };
        let (n, name) = (self.network.populations[p.from].size, &p.name);
        let falls = s.falls(self.network.dt);
        let slow = usize::from(falls.into_iter().any(is_slow));
        let [u, used] = ["utilisation", "used"]
            .map(|what| self.arrays.zero_reals(format!("{name}.{what}"), (1 + slow) * n));
        let efficacy = self.arrays.zero_reals(format!("{name}.efficacy"), n);
        let params = short_term::ShortTermParams::<f64> {
            n: n as u32,
            row: self.ports.row as u32,
            first_word: self.first_word(p.from) as u32,
            u_rest: s.u,
            fall_facil: falls[0],
            fall_rec: falls[1],
            slow: slow as u32,
        };
        let all = |array| each(array, self.arrays[array].len);
        let args = vec![whole(self.ports.spikes), all(u), all(used), all(efficacy)];
        let once = (Units::Count { count: 1, grain: 1 }, n);
        launches.push(self.launch(&short_term::KERNEL, name, params.words(), args, once));
        self.ports.short_term.extend([u, used]);
        self.efficacy[index] = Some(efficacy);
    }

    /// Weights in their natural order, with second floats or without.
    fn in_order(&mut self, name: &str, weights: &[f64], second: bool) -> Tiles {
        let whole = Tiles::Sparse { array: (), synapses: weights.len(), second };
        whole.placed(|tile, ()| {
            let packed = whole.pack(tile, weights);
            self.arrays.reals(format!("{name}.weights"), packed)
        })
    }

    /// Where the synapses of each source and of each target are.
    fn lists_of(
        &mut self,
        p: &Projection,
        start: &[u32],
        source: &[u32],
        [sources, targets]: [usize; 2],
    ) -> Result<Lists, PlanError> {
        let groups = p.max_delay() - p.delay + 1;
        let in_degree = start.windows(2).map(|w| (w[1] - w[0]) as usize).max().unwrap_or(0);
        let (source_bits, target_bits) = (bits(sources), bits(targets));
        for (what, needed) in [
            ("targets and largest in-degree", target_bits + bits(in_degree)),
            ("sources and range of delays", source_bits + bits(groups)),
        ] {
            if needed > 32 {
                return Err(PlanError::Packing { projection: p.name.clone(), what, bits: needed });
            }
        }
        let origin: Vec<u32> = (0..source.len())
            .map(|k| source[k] | ((p.delay_of(k) - p.delay) as u32) << source_bits)
            .collect();
        let row = |k: usize| source[k] as usize * groups + (p.delay_of(k) - p.delay);
        let (begin, outgoing) = by_row(start, sources * groups, target_bits, row);
        let name = &p.name;
        Ok(Lists {
            start: self.arrays.words(format!("{name}.start"), start.to_vec()),
            origin: self.arrays.words(format!("{name}.origin"), origin),
            begin: self.arrays.words(format!("{name}.begin"), begin),
            outgoing: self.arrays.words(format!("{name}.outgoing"), outgoing),
            groups,
            source_bits,
            target_bits,
        })
    }

    /// Delivers what spikes carry through a live projection.
    fn deliver(&mut self, live: &Live<'_>, launches: &mut Vec<Launch>) {
        let p = live.projection;
        let degrees = &mut self.ports.out_degree[live.place[0]..][..live.size[0]];
        match &p.synapses {
            Synapses::Sparse { source, .. } => {
                source.iter().for_each(|s| degrees[*s as usize] += 1);
            }
            Synapses::Convolution { convolution, .. } => {
                let channels = (convolution.target[2] / convolution.groups) as u32;
                for (source, degree) in degrees.iter_mut().enumerate() {
                    convolution.each_target(source, |_, _| *degree += channels);
                }
            }
            _ => degrees.iter_mut().for_each(|d| *d += live.size[1] as u32),
        }
        let efficacy = live.efficacy.unwrap_or(self.arrays.unused.reals);
        let count = live.size[1].div_ceil(self.ring.tile);
        let once = |kernel: &Kernel| {
            let synapses = match live.convolution {
                Some(convolution) => convolution.synapses() as usize,
                None => p.synapses.weights().len(),
            };
            let of_each = synapses / live.size[0].max(1);
            let groups = scatter::groups(live.size[0], of_each) * kernel.workgroup as usize;
            (Units::Count { count, grain: count }, groups)
        };
        let units = p.synapses.scale() / self.scale[p.to][p.receptor];
        let short_term = Word::U(u32::from(live.efficacy.is_some()));
        let params = |first_target: usize, width: usize| Delivery::<f64> {
            sources: live.size[0] as u32,
            targets: width as u32,
            first_target: first_target as u32,
            rows: live.weights.rows() as u32,
            place: live.place[0] as u32,
            slots: self.history as u32,
            list: self.list_len() as u32,
            tile: self.ring.tile as u32,
            first_tile: self.first_tile[p.to] as u32,
            ring_slots: self.ring.slots as u32,
            stride: self.ring.stride as u32,
            receptor: p.receptor as u32,
            delay: p.delay as u32,
            units,
        };
        let (name, ring) = (&p.name, self.ring_of(p.to));
        match (&live.weights, &live.lists) {
            (Tiles::Dense { tiles, .. }, _) => {
                for (array, first, width) in tiles {
                    let mut params = params(*first, *width).words();
                    params.push(short_term);
                    let args = vec![whole(self.fired), whole(*array), whole(efficacy), ring];
                    let kernel = &deliver_dense::KERNEL;
                    launches.push(self.launch(kernel, name, params, args, once(kernel)));
                }
            }
            (Tiles::Sparse { array, .. }, Some(lists)) => {
                let mut params = params(0, live.size[1]).words();
                params.extend([lists.groups as u32, lists.target_bits].map(Word::U));
                params.push(short_term);
                let lists = [self.fired, lists.begin, lists.outgoing, lists.start].map(whole);
                let args = [&lists[..], &[*array, efficacy].map(whole), &[ring]].concat();
                let kernel = &deliver_sparse::KERNEL;
                launches.push(self.launch(kernel, name, params, args, once(kernel)));
            }
            (Tiles::Sparse { array, .. }, None) => {
                let Some(convolution) = live.convolution else { return };
                let mut params = params(0, live.size[1]).words();
                params.push(short_term);
                params.extend(convolution.geometry().words());
                let args = vec![whole(self.fired), whole(*array), whole(efficacy), ring];
                let kernel = &deliver_convolved::KERNEL;
                launches.push(self.launch(kernel, name, params, args, once(kernel)));
            }
            (Tiles::Convolution { .. }, _) => {}
        }
    }

    /// What spikes on either side do to the weights, or to the marks.
    fn learn_by_spikes(&mut self, live: &Live<'_>, rule: &Rule, learning: &mut Learning) {
        let p = live.projection;
        let network = self.network;
        let rate = self.rate_of(live.index);
        let dt = network.dt;
        let needs_x2 = rule.pre.triplet != 0.0;
        let needs_y2 = rule.post.triplet != 0.0;
        let x = self.trace(p.from, rule.x[0], learning);
        let x2 = if needs_x2 { self.trace(p.from, rule.x[1], learning) } else { x };
        let potentials = rule.voltage.map(|voltage| self.potentials(p.to, voltage, learning));
        let (y, y2) = match potentials {
            Some(potentials) => (potentials.low, potentials.high),
            None => {
                let y = self.trace(p.to, rule.y[0], learning);
                (y, if needs_y2 { self.trace(p.to, rule.y[1], learning) } else { y })
            }
        };
        // Marks have no bounds; weights change when they are reinforced.
        let (changed, bounded) = match rule.eligibility {
            None => (live.weights.clone(), if rule.mu == [0.0; 2] { 1 } else { 2 }),
            Some(_) => {
                let marks = self.marks(live);
                if let Some(ports) = &mut self.ports.live[live.index] {
                    ports.marks = Some(marks.clone());
                }
                (marks, 0)
            }
        };
        let [first, last] = axonal(p, rule);
        // By value, since arrays are made in between.
        let history = self.history as u32;
        // For each side: where the spikes that count are listed, the length of a list, and the place of its
        // first neuron.
        let mut lists = [0, 1].map(|side| (self.fired, self.list_len(), live.place[side]));
        if let Some(potentials) = potentials {
            lists[1] =
                (potentials.changing, self.arrays[potentials.changing].len / self.history, 0);
        }
        // Potentials are those of the step itself, and act on spikes of sources later.
        let later = rule.voltage.map_or(0, |voltage| voltage.delay);
        let decay = |trace: &Trace| match rule.voltage {
            Some(_) => 1.0,
            None => (-dt / trace.tau).exp(),
        };
        let site = |side: usize, change: Change, first_target: usize, width: usize| {
            let own = match side {
                0 => [&rule.y[0], &rule.x[1]],
                _ => [&rule.x[0], &rule.y[1]],
            };
            let (_, list, place) = lists[side];
            let place = place + if side == 1 { first_target } else { 0 };
            Site::<f64> {
                sources: live.size[0] as u32,
                targets: width as u32,
                first_target: first_target as u32,
                all_targets: live.size[1] as u32,
                place: place as u32,
                slots: history,
                list: list as u32,
                second: changed.second() as u32,
                axonal: first as u32,
                dendritic: rule.dendritic.saturating_add(if side == 0 { later } else { 0 }) as u32,
                constant: change.constant,
                pair: change.pair * decay(own[0]),
                triplet: change.triplet * decay(own[0]) * decay(own[1]),
                w_min: rule.bounds[0],
                w_max: rule.bounds[1],
                mu_up: rule.mu[0],
                mu_down: rule.mu[1],
                bounded,
            }
            .words()
        };
        let groups = |side: usize, kernel: &Kernel| {
            // A spike's weights are one workgroup's.
            scatter::groups(live.size[side], 1) * kernel.workgroup as usize
        };
        match (&changed, &live.lists) {
            (Tiles::Dense { sources, tiles, .. }, _) => {
                for (array, first_target, width) in tiles {
                    let count = width.div_ceil(STRIP);
                    let units = self.shared_by_threads(count, sources * width);
                    let strip = changed.rows() * STRIP;
                    let weight = each(*array, strip);
                    let args = |side: usize, a: Reals, b: Reals| {
                        vec![whole(lists[side].0), weight, whole(a), whole(b), whole(rate)]
                    };
                    let kernel = &dense_pre::KERNEL;
                    let params = site(0, rule.pre, *first_target, *width);
                    let size = (units, groups(0, kernel));
                    learning.pre.push(self.launch(kernel, &p.name, params, args(0, y, x2), size));
                    let kernel = &dense_post::KERNEL;
                    let params = site(1, rule.post, *first_target, *width);
                    let size = (units, groups(1, kernel));
                    learning.post.push(self.launch(kernel, &p.name, params, args(1, x, y2), size));
                }
            }
            (Tiles::Sparse { array, .. }, Some(synapses)) => {
                let len = self.arrays[*array].len;
                let weight = each(*array, len);
                let units = Units::Count { count: 1, grain: 1 };
                let spread = Word::U(u32::from(last > first));
                let kernel = &sparse_pre::KERNEL;
                let mut params = site(0, rule.pre, 0, live.size[1]);
                let target_bits = Word::U(synapses.target_bits);
                params.extend([Word::U(synapses.groups as u32), spread, target_bits]);
                let args = vec![
                    whole(lists[0].0),
                    whole(synapses.begin),
                    whole(synapses.outgoing),
                    whole(synapses.start),
                    weight,
                    whole(y),
                    whole(x2),
                    whole(rate),
                ];
                let size = (units, groups(0, kernel));
                learning.pre.push(self.launch(kernel, &p.name, params, args, size));
                let kernel = &sparse_post::KERNEL;
                let mut params = site(1, rule.post, 0, live.size[1]);
                params.extend([spread, Word::U(synapses.source_bits)]);
                let lists = [lists[1].0, synapses.start, synapses.origin].map(whole);
                let args = [&lists[..], &[weight], &[x, y2, rate].map(whole)].concat();
                let size = (units, groups(1, kernel));
                learning.post.push(self.launch(kernel, &p.name, params, args, size));
            }
            (Tiles::Sparse { array, synapses: weights, .. }, None) => {
                let Some(convolution) = live.convolution else { return };
                let geometry = convolution.geometry().words();
                let weight = each(*array, self.arrays[*array].len);
                let size = (Units::Count { count: 1, grain: 1 }, *weights);
                // Of a mean each synapse has its part.
                let params = |side: usize, change: Change| {
                    let change = change.times(convolution.scale());
                    [site(side, change, 0, live.size[1]), geometry.clone()].concat()
                };
                let args = |side: usize, a: Reals, b: Reals| {
                    vec![whole(lists[side].0), weight, whole(a), whole(b), whole(rate)]
                };
                let kernel = &convolved_pre::KERNEL;
                let (of_pre, of_post) = (params(0, rule.pre), params(1, rule.post));
                learning.pre.push(self.launch(kernel, &p.name, of_pre, args(0, y, x2), size));
                let kernel = &convolved_post::KERNEL;
                learning.post.push(self.launch(kernel, &p.name, of_post, args(1, x, y2), size));
            }
            (Tiles::Convolution { .. }, _) => {}
        }
        if let Some(eligibility) = rule.eligibility {
            self.reinforce(live, rule, &eligibility, learning);
        }
    }

    /// What a modulator does to the weights of marked synapses.
    fn reinforce(
        &mut self,
        live: &Live<'_>,
        rule: &Rule,
        eligibility: &Eligibility,
        learning: &mut Learning,
    ) {
        let (network, dt, name) = (self.network, self.network.dt, &live.projection.name);
        let rate = self.rate_of(live.index);
        let marks = self.ports.live[live.index].as_ref().and_then(|ports| ports.marks.clone());
        let (Some(ModulatorPorts { concentration, .. }), Some(marks)) =
            (self.ports.modulators, marks)
        else {
            return;
        };
        let modulator = &network.modulators[eligibility.modulator];
        // Integrals over a step of what decays with tau.
        let over = |tau: f64| -tau * fall(dt, tau);
        let every = eligibility.every;
        let intervals = (EPOCH * eligibility.tau / (f64::from(every) * dt)).floor();
        let epoch = every.saturating_mul(intervals.clamp(1.0, f64::from(u32::MAX / every)) as u32);
        let params = eligibility::EligibilityParams::<f64> {
            every,
            epoch,
            modulator: eligibility.modulator as u32,
            rest: modulator.baseline,
            by_rest: modulator.baseline * over(eligibility.tau),
            by_excess: over(1.0 / (1.0 / eligibility.tau + 1.0 / modulator.tau)),
            per_tau: dt / eligibility.tau,
        };
        let args = vec![whole(concentration), each(rate, RATES)];
        let once = (Units::Count { count: 1, grain: 1 }, 1);
        let kernel = &eligibility::KERNEL;
        learning.before.push(self.launch(kernel, name, params.words(), args, once));
        for (weight, mark) in live.weights.arrays().into_iter().zip(marks.arrays()) {
            let n = self.arrays[weight].len / 2;
            let block = match &live.weights {
                Tiles::Dense { sources, .. } => (sources * STRIP).min(n),
                Tiles::Sparse { .. } | Tiles::Convolution { .. } => n,
            };
            let params = reinforce::ReinforceParams::<f64> {
                n: n as u32,
                block: block as u32,
                epoch,
                gain: eligibility.rate,
                decay: (-f64::from(epoch) * dt / eligibility.tau).exp(),
                w_min: rule.bounds[0],
                w_max: rule.bounds[1],
            };
            let args = vec![each(weight, 2 * block), each(mark, 2 * block), whole(rate)];
            let count = n.div_ceil(block.max(1));
            let size = (self.shared_by_threads(count, n), n);
            let kernel = &reinforce::KERNEL;
            let launch = self.launch(kernel, name, params.words(), args, size);
            learning.later.push(Launch { every: every.into(), ..launch });
        }
    }

    /// What rates do to the weights.
    fn learn_rates(&mut self, live: &Live<'_>, rule: &Rates, learning: &mut Learning) {
        let p = live.projection;
        let Some(Rule { bounds: [w_min, w_max], .. }) = p.rule else { return };
        let dt = self.network.dt;
        let traces = rule.tau.map(|tau| Trace { tau, nearest: false });
        let [x, x_slow] = traces.map(|trace| self.trace(p.from, trace, learning));
        let [y, y_slow] = traces.map(|trace| self.trace(p.to, trace, learning));
        let (tiles, [start, origin], source_bits) = match (&live.weights, &live.lists) {
            (Tiles::Dense { tiles, .. }, _) => (tiles.clone(), [self.arrays.unused.words; 2], 0),
            (Tiles::Sparse { array, .. }, Some(lists)) => {
                let tile = (*array, 0, live.size[1]);
                (vec![tile], [lists.start, lists.origin], lists.source_bits)
            }
            (Tiles::Sparse { .. } | Tiles::Convolution { .. }, _) => return,
        };
        for (array, first_target, width) in tiles {
            let params = rates::RatesParams::<f64> {
                sources: live.size[0] as u32,
                targets: width as u32,
                first_target: first_target as u32,
                all_targets: live.size[1] as u32,
                second: live.weights.second() as u32,
                slots: self.history as u32,
                source_bits,
                eta: rule.eta * f64::from(rule.every) * dt * 1e-3,
                rate: 1e3 / rule.tau[0],
                mean: 1e3 / rule.tau[1],
                rho: rule.rho,
                unit: rule.unit,
                w_min,
                w_max,
                dense: u32::from(live.lists.is_none()),
            };
            let weight = each(array, self.arrays[array].len);
            let (lists, traces) = ([start, origin].map(whole), [x, x_slow, y, y_slow].map(whole));
            let args = [&[weight][..], &lists, &traces].concat();
            let once = (Units::Count { count: 1, grain: 1 }, width);
            let launch = self.launch(rule.kernel, &p.name, params.words(), args, once);
            learning.later.push(Launch { every: rule.every.into(), ..launch });
        }
    }

    /// Marks of a projection, where its weights are.
    fn marks(&mut self, live: &Live<'_>) -> Tiles {
        live.weights.placed(|tile, weights| {
            let name = format!("{}.marks.{tile}", live.projection.name);
            self.arrays.zero_reals(name, self.arrays[weights].len)
        })
    }

    /// The ring of a trace of a population; those that are alike are one.
    fn trace(&mut self, k: usize, trace: Trace, learning: &mut Learning) -> Reals {
        if let Some(known) = learning.known.iter().find(|(p, t, _)| *p == k && *t == trace) {
            return known.2;
        }
        let population = &self.network.populations[k];
        let n = population.size;
        let name = format!("{}.trace.{}", population.name, learning.known.len());
        let padded = n.div_ceil(64) * 64;
        let fall = fall(self.network.dt, trace.tau);
        let slow = usize::from(is_slow(fall));
        let len = (self.history + slow) * padded;
        let array = self.arrays.zero_reals(name, len);
        let params = trace::TraceParams::<f64> {
            n: n as u32,
            row: self.ports.row as u32,
            first_word: self.first_word(k) as u32,
            slots: self.history as u32,
            fall,
            nearest: u32::from(trace.nearest),
            slow: slow as u32,
        };
        let args = vec![whole(self.ports.spikes), each(array, len)];
        let once = (Units::Count { count: 1, grain: 1 }, n);
        let name = &population.name;
        let launch = self.launch(&trace::KERNEL, name, params.words(), args, once);
        learning.traces.push(launch);
        learning.known.push((k, trace, array));
        array
    }

    /// What the potential of a population does to its synapses; rules that are alike share it.
    fn potentials(&mut self, k: usize, rule: Voltage, learning: &mut Learning) -> Potentials {
        let known = learning.potentials.iter().find(|(p, v, _)| *p == k && *v == rule);
        if let Some((_, _, known)) = known {
            return *known;
        }
        let population = &self.network.populations[k];
        let (network::Kind::Stepped(neurons), Some((state, rows))) =
            (&population.kind, self.ports.state[k])
        else {
            unreachable!("a checked scene has neurons here")
        };
        let (n, name) = (population.size, &population.name);
        let padded = n.div_ceil(BLOCK) * BLOCK;
        let variables = neurons.variables();
        let potential = variables.iter().find(|v| v.potential).map_or(0, |v| v.row);
        let lane = |k: usize| k.min(n - 1);
        let rest: Vec<f64> = (0..padded).map(|k| neurons.rest(lane(k))).collect();
        let start: Vec<f64> =
            (0..padded).map(|k| neurons.start(lane(k))[potential] + rest[k]).collect();
        let above_rest = start.iter().zip(&rest).map(|(u, rest)| u - rest).collect();
        let none = vec![0.0; (voltage::ROWS - 3) * padded];
        let at_start = [start.clone(), start, above_rest, none].concat();
        let number = learning.potentials.len();
        let array = |what: &str| format!("{name}.potential.{number}.{what}");
        let rest = self.arrays.reals(array("rest"), rest);
        let filters =
            ["filters", "start"].map(|what| self.arrays.reals(array(what), at_start.clone()));
        let ring = self.history * padded;
        let [low, plus, high] =
            ["low", "plus", "high"].map(|what| self.arrays.zero_reals(array(what), ring));
        let list = 1 + padded;
        let changing = self.arrays.zero_words(array("changing"), self.history * list);
        self.ports.spike_lists.push((changing, list));
        let rate = |tau: f64| -(-self.network.dt / tau).exp_m1();
        let params = voltage::VoltageParams::<f64> {
            n: n as u32,
            row: self.ports.row as u32,
            first_word: self.first_word(k) as u32,
            rows: rows as u32,
            potential: potential as u32,
            slots: self.history as u32,
            list: list as u32,
            delay: rule.delay as u32,
            hold: rule.spike.1 as u32,
            v_spike: rule.spike.0,
            rate_minus: rate(rule.tau[0]),
            rate_plus: rate(rule.tau[1]),
            rate_mean: rate(rule.tau[2]),
            theta_minus: rule.theta[0],
            theta_plus: rule.theta[1],
            per_ref: rule.reference.map_or(0.0, |u_ref| 1.0 / u_ref),
            sliding: u32::from(rule.reference.is_some()),
        };
        let written = [filters[0].id(), low.id(), plus.id(), high.id(), changing.id()];
        let written = written.map(|array| each(array, self.arrays[array].len));
        let read = [whole(self.ports.spikes), whole(state), whole(rest)];
        let args = [&read[..], &written].concat();
        let once = (Units::Count { count: 1, grain: 1 }, n);
        learning.traces.push(self.launch(&voltage::KERNEL, name, params.words(), args, once));
        let potentials = Potentials { low, plus, high, changing, filters };
        learning.potentials.push((k, rule, potentials));
        potentials
    }

    /// What makes filtered potentials as they were at the start.
    pub(super) fn filters_again(&self) -> Vec<Launch> {
        let again = |(_, _, Potentials { filters, .. }): &(usize, Voltage, Potentials)| {
            let len = self.arrays[filters[0]].len;
            let params = restart::RestartParams::<f64> { n: len as u32, rows: 1, kept: u32::MAX };
            let args = filters.map(|array| each(array, len));
            let once = (Units::Count { count: 1, grain: 1 }, len);
            let name = &self.arrays[filters[0]].name;
            self.launch(&restart::KERNEL, name, params.words(), args.to_vec(), once)
        };
        self.learning.potentials.iter().map(again).collect()
    }

    /// Keeps the sums of the weights.
    fn normalise(&mut self, live: &Live<'_>, learning: &mut Learning) {
        let p = live.projection;
        let Some(normalize) = p.normalize else { return };
        let [low, high] = p.rule.as_ref().map_or([f64::MIN, f64::MAX], |rule| rule.bounds);
        let (widths, start) = match (&live.weights, &live.lists) {
            (Tiles::Dense { tiles, .. }, _) => {
                let widths = tiles.iter().map(|tile| (tile.0, tile.2));
                (widths.collect(), self.arrays.unused.words)
            }
            (Tiles::Sparse { array, .. }, Some(lists)) => {
                (vec![(*array, live.size[1])], lists.start)
            }
            (Tiles::Sparse { array, synapses: weights, .. }, None) => {
                // The targets of a channel have one sum.
                let Some(convolution) = live.convolution else { return };
                let ends = (0..=*weights as u32).step_by(convolution.fan_in());
                let start = self.arrays.words(format!("{}.start", p.name), ends.collect());
                (vec![(*array, convolution.target[2])], start)
            }
            (Tiles::Convolution { .. }, _) => return,
        };
        for (array, width) in widths {
            let params = normalise::NormaliseParams::<f64> {
                sources: live.size[0] as u32,
                targets: width as u32,
                second: live.weights.second() as u32,
                sum: normalize.sum,
                w_min: low,
                w_max: high,
                dense: u32::from(matches!(live.weights, Tiles::Dense { .. })),
            };
            let len = self.arrays[array].len;
            let args = vec![each(array, len), whole(start)];
            let once = (Units::Count { count: 1, grain: 1 }, width);
            let kernel = &normalise::KERNEL;
            let launch = self.launch(kernel, &p.name, params.words(), args, once);
            match normalize.every {
                0 => learning.by_sample.push(launch),
                every => learning.later.push(Launch { every: every.into(), ..launch }),
            }
        }
    }

    /// Factor on the changes by spikes of a projection, and what marks need beside it.
    fn rate_of(&mut self, index: usize) -> Reals {
        let p = &self.network.projections[index];
        let marks = p.rule.as_ref().is_some_and(|rule| rule.eligibility.is_some());
        let ones = vec![1.0; if marks { RATES } else { 1 }];
        let made = || self.arrays.reals(format!("{}.rate", p.name), ones);
        *self.rates[index].get_or_insert_with(made)
    }

    /// What modulators do to numbers that kernels read.
    pub(super) fn effects(&mut self, launches: &mut Vec<Launch>) {
        let network = self.network;
        let Some(ModulatorPorts { concentration, .. }) = self.ports.modulators else { return };
        for (index, m) in network.modulators.iter().enumerate() {
            for (k, effect) in m.effects.iter().enumerate() {
                // The array and its parts: how many numbers, the first, those side by side, from these to the next.
                let (array, parts, [scale, shift]) = match *effect {
                    network::Effect::Learning(projection, slope) => {
                        let rate = self.rate_of(projection);
                        (rate, vec![[1, 0, 1, 1]], [slope, 0.0])
                    }
                    network::Effect::Noise(population, slope) => {
                        let Some(array) = self.noise[population] else { continue };
                        (array, vec![[1, 0, 1, 1]], [slope, 0.0])
                    }
                    network::Effect::Gain { population, receptor, slope, .. }
                        if self.own_receptors(population) =>
                    {
                        let Some([array, _]) = self.numbers[population] else { continue };
                        let n = network.populations[population].size;
                        let stride = self.arrays[array].len / n.div_ceil(BLOCK);
                        // Those of receptors are the last rows of a block.
                        let first = stride - self.scale[population].len() * port::COUNT * BLOCK;
                        let kicks = (first..stride).step_by(port::COUNT * BLOCK).enumerate();
                        let moved = kicks.filter(|(k, _)| receptor.is_none_or(|one| one == *k));
                        let part = |first: usize| [n, first + port::kick * BLOCK, BLOCK, stride];
                        (array, moved.map(|(_, first)| part(first)).collect(), [slope, 0.0])
                    }
                    network::Effect::Gain { population, receptor, slope, .. } => {
                        let Some([_, array]) = self.numbers[population] else { continue };
                        let (first, count) = match receptor {
                            Some(receptor) => (receptor, 1),
                            None => (0, self.scale[population].len()),
                        };
                        let first = first * port::COUNT + port::kick;
                        (array, vec![[count, first, 1, port::COUNT]], [slope, 0.0])
                    }
                    network::Effect::Threshold(population, slope) => {
                        let Some([array, _]) = self.numbers[population] else { continue };
                        let n = network.populations[population].size;
                        let fields = iaf::cell::COUNT + 2 * self.scale[population].len();
                        let len = self.arrays[array].len;
                        let part = if len == fields {
                            [1, iaf::cell::v_th, 1, 1]
                        } else {
                            [n, iaf::cell::v_th * BLOCK, BLOCK, len / n.div_ceil(BLOCK)]
                        };
                        (array, vec![part], [0.0, slope])
                    }
                };
                let len = self.arrays[array].len;
                let Init::Reals(base) = &self.arrays[array].init else { continue };
                let base = base.clone();
                let base = self.arrays.reals(format!("{}.effect.{k}", m.name), base);
                for [n, first, group, stride] in parts {
                    let params = modulate::ModulateParams::<f64> {
                        n: n as u32,
                        modulator: index as u32,
                        first: first as u32,
                        group: group as u32,
                        stride: stride as u32,
                        rest: m.baseline,
                        scale,
                        least: match effect {
                            // Nothing that arrives turns into its opposite.
                            network::Effect::Gain { .. } => 0.0,
                            _ => f32::MIN.into(),
                        },
                        shift,
                    };
                    let args = vec![each(array, len), whole(base), whole(concentration)];
                    let once = (Units::Count { count: 1, grain: 1 }, n);
                    let kernel = &modulate::KERNEL;
                    launches.push(self.launch(kernel, &m.name, params.words(), args, once));
                }
            }
        }
    }

    /// Arrays of modulators, if there are some.
    pub(super) fn modulator_arrays(&mut self) -> Option<ModulatorPorts> {
        let modulators = &self.network.modulators;
        let count = modulators.len();
        let start = modulators.iter().map(|m| m.start).chain(modulators.iter().map(|_| 0.0));
        (count > 0).then(|| ModulatorPorts {
            release: self.arrays.zero_reals("modulators.release", self.options.steps * count),
            concentration: self.arrays.reals("modulators.concentration", start.collect()),
        })
    }

    /// Concentration of a modulator.
    pub(super) fn modulate(&mut self, index: usize, launches: &mut Vec<Launch>) {
        let network = self.network;
        let Some(ModulatorPorts { release, concentration }) = self.ports.modulators else { return };
        let (m, count) = (&network.modulators[index], network.modulators.len());
        // One launch for each population that releases it; the first also lets it decay.
        let none = [(usize::MAX, 0.0)];
        let sources = if m.spikes.is_empty() { &none[..] } else { &m.spikes };
        for (k, (population, amount)) in sources.iter().enumerate() {
            let words = network.populations.get(*population).map_or(0, |p| spike_words(p.size));
            let params = modulator::ModulatorParams::<f64> {
                modulator: index as u32,
                modulators: count as u32,
                row: self.ports.row as u32,
                first_word: if words > 0 { self.first_word(*population) as u32 } else { 0 },
                words: words as u32,
                first: u32::from(k == 0),
                baseline: m.baseline,
                fall: fall(network.dt, m.tau),
                amount: *amount,
            };
            let state = each(concentration, 2 * count);
            let args = vec![whole(self.ports.spikes), whole(release), state];
            let kernel = &modulator::KERNEL;
            let once = (Units::Count { count: 1, grain: 1 }, kernel.workgroup as usize);
            launches.push(self.launch(kernel, &m.name, params.words(), args, once));
        }
    }
}
