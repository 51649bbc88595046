//! Which pairs of neurons are connected. A rule is a file of this module and a line in
//! [`connections!`](crate::connections): a declaration of its fields, and [`Wire`], by which checks, the budget of memory
//! and the draw ask for the rest.
//!
//! Draws are keyed by the neuron that they are for, so lists are filled in parallel, and do not depend on the order.

pub mod conv;
pub mod dense;
pub mod distance;
pub mod fixed_in_degree;
pub mod fixed_out_degree;
pub mod fixed_probability;
pub mod fixed_total_number;
pub mod lateral;
pub mod list;
mod lists;
pub mod local;
pub mod one_to_one;
pub mod others;
pub mod procedural;

pub(super) use lists::Lists;

use super::NetworkError;
use super::space::{Metric, Point};
use crate::grammar::Judge;
use crate::rng::Stream;
use crate::scene::{Population, Projection};
use crate::synapse::convolution::Convolution;
use std::collections::HashSet;

/// Entity of the draws that belong to no single neuron; neurons have 32-bit numbers.
const ALL: u64 = u64::MAX;

/// What a rule is judged by, beside its own fields.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The projection.
    pub projection: &'a Projection,
    /// Its populations, if both are there and have neurons.
    pub ends: Option<(&'a Population, &'a Population)>,
    /// Whether it is part of a training by gradients.
    pub gradients: bool,
}

impl Setting<'_> {
    /// Sources for a target.
    fn sources(&self, autapses: bool) -> Option<u64> {
        self.ends.map(|(from, _)| from.size - self.left_out(autapses))
    }

    /// Targets for a source.
    fn targets(&self, autapses: bool) -> Option<u64> {
        self.ends.map(|(_, to)| to.size - self.left_out(autapses))
    }

    fn left_out(&self, autapses: bool) -> u64 {
        u64::from(self.projection.from == self.projection.to && !autapses)
    }

    /// Asks that both populations have as many neurons.
    fn same_size(&self, path: &str, judge: &mut dyn Judge) {
        if let Some((from, to)) = self.ends.filter(|(from, to)| from.size != to.size) {
            let message = format!(
                "`{}` has {} neurons and `{}` has {}, which leaves some without a partner",
                self.projection.from, from.size, self.projection.to, to.size
            );
            judge.fault_with_help(path, message, "give both the same size");
        }
    }
}

/// What pairs are drawn from.
pub struct Pairs<'a> {
    /// Path of the projection in the scene.
    pub path: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Neurons of the presynaptic population.
    pub sources: u64,
    /// Neurons of the postsynaptic population.
    pub targets: u64,
    /// Whether they are the same population.
    pub own: bool,
    /// Random numbers.
    pub stream: Stream,
    /// Where the neurons of both are, if that was said.
    pub places: Option<[&'a [Point]; 2]>,
    /// How the sources lie before the targets, if that decides who is connected.
    pub convolution: Option<&'a Convolution>,
    /// Rows, columns and channels of both, if both have them.
    pub layers: Option<[[usize; 3]; 2]>,
}

impl Pairs<'_> {
    /// A neuron itself, if it is not to be its own partner.
    fn skip(&self, autapses: bool, neuron: u64) -> Option<u64> {
        (self.own && !autapses).then_some(neuron)
    }

    /// Lists of `count` neurons, each filled by `fill`.
    fn lists(
        &self,
        count: u64,
        fill: impl Fn(u64, &mut Vec<u32>) + Sync,
    ) -> Result<Lists, NetworkError> {
        Lists::new(count, fill).map_err(|synapses| NetworkError::TooLarge {
            name: self.name.to_owned(),
            synapses: synapses as f64,
        })
    }
}

/// A rule by which pairs of neurons are connected.
pub trait Wire {
    /// Rules that join several fields, or a field and the populations; those of single ones are in its declaration, and
    /// of what goes by rows and columns where these are joined ([`Projection::convolution`]).
    fn check(&self, _path: &str, _setting: Setting, _judge: &mut dyn Judge) {}

    /// How many synapses it makes of so many sources and targets, exactly or on average; none if that depends on where
    /// neurons are, or on a file, whose size has a limit of its own. What is pooled is not known to it.
    fn expected(&self, ends: [f64; 2]) -> Option<f64>;

    /// The same where it depends on where neurons are, as estimated.
    fn estimated(&self, _pairs: &Pairs) -> f64 {
        0.0
    }

    /// How distances are measured, for delays too.
    fn metric(&self) -> Metric {
        Metric::default()
    }

    /// Which pairs are connected: the sources of each target.
    ///
    /// # Errors
    /// A list that cannot be read or does not fit, more synapses than can be indexed.
    fn draw(&self, pairs: &Pairs) -> Result<Lists, NetworkError>;
}

/// Judges whether each neuron of one side can draw `k` partners from the other.
fn check_degree(
    path: &str,
    k: u64,
    choices: Option<u64>,
    multapses: bool,
    [who, whom]: [&str; 2],
    judge: &mut dyn Judge,
) {
    if k == 0 {
        judge.fault(path, "a degree is at least 1");
    } else if let Some(choices) = choices
        && k > choices
        && (!multapses || choices == 0)
    {
        let message = format!("each {who} draws {k} {whom} of the {choices} that there are");
        let help = "lower `k`, or allow `multapses` or `autapses`";
        judge.fault_with_help(path, message, help);
    }
}

/// `k` partners of one neuron among `count`, ascending; without multapses by Floyd's method of
/// sampling.
fn partners(
    pairs: &Stream,
    neuron: u64,
    count: u64,
    k: u64,
    multapses: bool,
    skip: Option<u64>,
    list: &mut Vec<u32>,
) {
    let choices = count - u64::from(skip.is_some());
    let first = list.len();
    if multapses {
        list.extend((0..k).map(|d| beyond(skip, pairs.below(choices, neuron, d)) as u32));
    } else {
        let mut chosen = HashSet::with_capacity(k as usize);
        for last in choices - k..choices {
            let partner = pairs.below(last + 1, neuron, last);
            let partner = if chosen.insert(partner) { partner } else { last };
            chosen.insert(partner);
            list.push(beyond(skip, partner) as u32);
        }
    }
    list[first..].sort_unstable();
}

/// The neuron with number `choice` if one is left out.
fn beyond(skip: Option<u64>, choice: u64) -> u64 {
    match skip {
        Some(own) if choice >= own => choice + 1,
        _ => choice,
    }
}

/// Sources of a target in an ascending list of numbers `target · sources + source`.
fn of_target(keys: &[u64], target: u64, sources: u64) -> impl Iterator<Item = u32> {
    let at = |target: u64| keys.partition_point(|&key| key < target * sources);
    let first = target * sources;
    keys[at(target)..at(target + 1)].iter().map(move |key| (key - first) as u32)
}

/// Rules of connection, each with the other words for it, and the file that declares it. `$with` gets the list.
#[macro_export]
macro_rules! connections {
    ($with:ident) => {
        $with! {
            dense::Dense | "AllToAll" | "all_to_all";
            others::Others;
            fixed_probability::FixedProbability | "Bernoulli" | "pairwise_bernoulli";
            fixed_in_degree::FixedInDegree | "fixed_indegree";
            fixed_out_degree::FixedOutDegree | "fixed_outdegree";
            procedural::Procedural;
            fixed_total_number::FixedTotalNumber | "fixed_total_number";
            one_to_one::OneToOne | "one_to_one";
            distance::Distance;
            conv::Conv | "Conv2d" | "Conv1d";
            local::Local | "LocallyConnected";
            lateral::Lateral;
            list::List;
        }
    };
}
