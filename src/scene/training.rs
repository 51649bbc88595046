//! How a network learns from data: the words of `training`, of losses and of optimisers.

use super::Data;
use crate::data::Augment;
use crate::grammar::Named;
use crate::neuron::surrogate::Surrogate;
use crate::train::damage::Damage;
use crate::train::gradient::Gradient;
use crate::train::loss::{Objective, Of, Over, Wanted};
use crate::train::meta::Meta;
use crate::train::noise::Noise;
use crate::train::optimizer::Descent;
use crate::train::order::Order;
use crate::train::rate_penalty::RatePenalty;
use crate::train::schedule::Schedule;
use crate::train::stop::{Metric, Stop};
use crate::{declare, losses, optimizers};

declare! {
    /// Learning from data: by backpropagation through time, or by the rules of synapses.
    pub struct Training {
        /// The samples; a loss that brings its own targets has none.
        data: Option<Data>;
        /// Passes over the training set.
        epochs: u64 [Count];
        /// Samples per update of the weights.
        batch: u64 [Count];
        /// Time steps for which a sample is shown.
        steps: u64 [Count];
        /// In which order training samples are shown.
        order: Order = Order::Shuffled;
        /// Whether, at the end, the training samples are shown once more to the best weights, and their losses and, where they
        /// have classes, margins written to `scores.npz`, by which another training may show them (`order: Scored(...)`).
        scores: bool = false;
        /// Train on the first `limit` samples only, of those that `data` chooses.
        limit: Option<u64> [Count];
        /// Training samples that are set aside, drawn from the seed, of each class the same part where there are
        /// classes: so many, or where it is below 1 such a part. The best weights are then those that do best on these
        /// after an epoch.
        validation: Option<f64> [Positive];
        /// What is minimised.
        loss: Loss;
        /// How its gradient is found.
        learn: Gradient = Gradient::Backprop;
        /// How it is learned to learn, from data that are tasks. An epoch is then a pass over the training tasks,
        /// `batch` the samples that are shown at once, of which a task may have as many, and the losses are those of
        /// what tasks ask, after the steps within them. `clip`, `l1` and `l2` are of updates and not of these steps.
        meta: Option<Meta>;
        /// Noise while weights are learned; there is none in tests and validation.
        noise: Option<Noise>;
        /// Penalties on rates, added to the loss.
        rates: Vec<RatePenalty> = vec![];
        /// How gradients change weights; needed by every loss that has gradients.
        optimizer: Option<Optimizer>;
        /// How the learning rate changes over the training.
        schedule: Schedule = Schedule::Constant;
        /// Largest norm of the gradients by all that is trained together, each in units of its projection; if it is
        /// larger, all are scaled down.
        clip: Option<f64> [Positive];
        /// Penalty on the magnitudes of weights, in units of the projection: after each update every weight loses
        /// `lr l1`, down to 0, where it stays until an update is larger.
        l1: f64 [NotNegative] = 0.0;
        /// Penalty on half the squares of weights, in units of the projection: `l2 w` is added to the gradient, after
        /// `clip`, and the optimiser scales it like the rest. What it does not scale is the `weight_decay` of `AdamW`.
        l2: f64 [NotNegative] = 0.0;
        /// Updates over which the learning rate rises in a line to what the schedule says.
        warmup: u64 = 0u64;
        /// When the training ends before its last epoch.
        stop: Option<Stop>;
        /// What stands for the derivative of a spike; `FastSigmoid(slope: 5)` if absent.
        surrogate: Option<Surrogate>;
        /// Whether the gradient ignores that a spike resets the potential of its own neuron.
        detach_reset: bool = true;
        /// Whether it ignores that a spike raises its neuron's threshold or adaptation; as `detach_reset` if absent.
        detach_adaptation: Option<bool>;
        /// Whether the constant current `i_e` of each neuron through which gradients pass is trained too.
        biases: bool = false;
        /// Populations and projections that stay as they begin, whatever else says that they learn: of a population its
        /// constant currents, its trained numbers and the weights of all synapses that end in it, of a projection its
        /// weights.
        freeze: Vec<String> = vec![];
        /// Damage with which the trained network is tested, by names that `training.tests` of the summary has: after the
        /// training the test set is shown once more for each, to the best weights.
        tests: Named<Damage> = Named::none();
    }
}

impl Training {
    /// What of a spike's effect on its own neuron gradients pass through: 1 for the reset, 2 for threshold and
    /// adaptation.
    pub fn attached(&self) -> u32 {
        let adaptation = self.detach_adaptation.unwrap_or(self.detach_reset);
        u32::from(!self.detach_reset) | u32::from(!adaptation) << 1
    }

    /// What is done to a training sample when it is learned from.
    pub fn augment(&self) -> &[Augment] {
        self.data.as_ref().map_or(&[], |data| data.choice().augment)
    }

    /// Whether its epochs have a number.
    pub fn has(&self, metric: Metric) -> bool {
        let there = match metric.is_accuracy() {
            true => self.loss.has_samples(),
            false => self.loss.is_gradient(),
        };
        there && (self.validation.is_some() || !metric.is_of_validation())
    }

    /// Optimiser and surrogate of a training by gradients.
    ///
    /// # Panics
    /// If there is no optimiser, which [`check`](super::check) does not let pass.
    pub fn gradient(&self) -> (Optimizer, Surrogate) {
        let surrogate = self.surrogate.unwrap_or(Surrogate::FastSigmoid { slope: 5.0 });
        (self.optimizer.expect("a checked training by gradients has one"), surrogate)
    }
}

macro_rules! loss {
    ($($file:ident::$word:ident $(| $alias:literal)*;)*) => {
        declare! {
            /// What training minimises.
            pub enum Loss {
                $($word $(| $alias)* (crate::train::$file::$word);)*
            }
        }

        impl Loss {
            /// What it is of, and how.
            pub fn objective(&self) -> &dyn Objective {
                match self {
                    $(Self::$word(objective) => objective,)*
                }
            }
        }
    };
}

losses!(loss);

impl Loss {
    /// What of the network it looks at.
    pub fn of(&self) -> Of<'_> {
        self.objective().of()
    }

    /// What it compares that with.
    pub fn wanted(&self) -> Wanted {
        self.objective().wanted()
    }

    /// The population whose spikes are the answer, if they are.
    pub fn counted(&self) -> Option<&str> {
        match self.of() {
            Of::Counts(population, _) => Some(population),
            Of::FirstSpikes(loss) => Some(&loss.population),
            _ => None,
        }
    }

    /// How the potential of the readout becomes its output, if the loss is of that.
    pub fn over(&self) -> Option<Over> {
        match self.of() {
            Of::Readout(over) => Some(over),
            _ => None,
        }
    }

    /// The population whose potential is looked at in each step, if one is.
    pub fn watched(&self) -> Option<&str> {
        match self.of() {
            Of::Potential(loss) => Some(&loss.population),
            _ => None,
        }
    }

    /// Whether each output has a target of its own; else a sample has a class, if anything.
    pub fn has_targets(&self) -> bool {
        matches!(self.wanted(), Wanted::Targets | Wanted::Marks)
    }

    /// Whether it is of samples.
    pub fn has_samples(&self) -> bool {
        self.wanted() != Wanted::Trace
    }

    /// Whether it is minimised by its gradient.
    pub fn is_gradient(&self) -> bool {
        !matches!(self.of(), Of::Assigned(_))
    }
}

macro_rules! optimizer {
    ($($(#[doc = $doc:literal])+ $file:ident::$word:ident $(| $alias:literal)*;)*) => {
        declare! {
            /// How gradients change weights. Learning rates are in units of each projection (see `Kaiming`), so that
            /// the usual values hold whatever the capacitance.
            #[derive(Copy)]
            pub enum Optimizer {
                $($(#[doc = $doc])+ $word $(| $alias)* (crate::train::$file::$word);)*
            }
        }

        impl Optimizer {
            /// How it changes weights.
            pub fn descent(&self) -> &dyn Descent {
                match self {
                    $(Self::$word(descent) => descent,)*
                }
            }
        }
    };
}

optimizers!(optimizer);
