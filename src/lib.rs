//! NeuraLearn simulates and trains biologically realistic spiking networks from a scene file.
//!
//! The path of the data, and the order in which to read the modules:
//! ```text
//!                     grammar  ▶            how a word of a scene is declared, beside what it means
//! scenes/x.ron ─ scene::load ─▶ Scene       what the user wrote, checked; ms mV pF nS pA Hz; f64
//!               network::build ▶ Network    neurons and synapses drawn from the seed; f64
//!                 plan::graph  ▶ Ops        what the network does, in which order, whatever it is for
//!                  plan::plan  ▶ Plan       arrays and launches: every size and constant
//!         engine::{gpu, cpu}   ▶            run launches over arrays; know nothing of neurons
//!          train | simulation  ▶            drive programs of the plan, read back what is asked for
//!                 run::windows  ▶            the loop of both: goes on, tells, saves, can be interrupted
//! archive, summary, report     ▶            spikes.npz, summary.json, figures, report.html
//! ```
//! A module knows what comes before it on this path, and `cli` knows all. The kernels live in
//! [`input`], [`synapse`], [`neuron`], [`plasticity`], [`train`] and [`record`]: each is a shader in `shaders/` and a
//! Rust file of the same name with its equation, parameters and twin. What a kernel is, is said in
//! [`kernel`].
//!
//! A thing with a name is a file beside what it does and a line in a list: neuron models in [`neuron::model`], sources,
//! stimuli and encoders in [`input::source`], [`input::stimulus`] and [`input::encoder`], connections, weights and delays
//! in [`network::connect`], [`network::weight`] and [`network::delay`], rules of rates in [`plasticity::rates`], losses and
//! optimisers in [`train::loss`] and [`train::optimizer`]. Receptors are in [`neuron::receptor`], channels in
//! [`neuron::hh`], schedules in [`train::schedule`]. [`web`] writes a simulation as a page.

pub mod archive;
pub mod checkpoint;
pub mod cli;
pub mod data;
pub mod engine;
pub mod files;
pub mod grammar;
pub mod input;
pub mod kernel;
pub mod machine;
pub mod network;
pub mod neuron;
pub mod plan;
pub mod plasticity;
pub mod record;
pub mod report;
pub mod rng;
pub mod run;
pub mod scene;
pub mod simulation;
pub mod slow;
pub mod summary;
pub mod synapse;
pub mod train;
pub mod vector;
pub mod web;
pub mod words;
