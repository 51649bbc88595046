//! Levels 2 and 6: receptors of which each neuron has its own numbers. A population is what as many populations of one
//! neuron would be, bit for bit; and what is said where such numbers are wrong.

mod common;

use common::{Simulated, simulated};
use neuralearn::network::Kind;
use neuralearn::neuron::receptor::Response;
use neuralearn::scene::load_str;
use std::path::Path;

/// Neurons of the population: more than a block.
const N: usize = 70;

/// Those that are compared with populations of their own.
const CHOSEN: [usize; 5] = [0, 1, 33, 63, 69];

/// Words that are exchanged for others.
type Changes = &'static [(&'static str, &'static str)];

/// Models with the numbers of their receptors left open, and what these are where they are drawn. Each receptor is given
/// by where its number stands: `{r.tau}`, `{r.tau_rise}`, `{r.tau_decay}`, `{r.e_rev}` of receptor `r`. Behind them the
/// weights by receptor.
const MODELS: [(&str, Changes, Changes); 6] = [
    (
        r#"Lif(i_e: 300, t_ref: 1, delta_th: 2, receptors: {
            "a": Exp(tau: {a.tau}), "b": DoubleExp(tau_rise: 0.5, tau_decay: {b.tau_decay}), "c": Delta() })"#,
        &[("{a.tau}", "Uniform(low: 1, high: 6)"), ("{b.tau_decay}", "Linspace(from: 2, to: 9)")],
        &[("a", "60"), ("b", "-15"), ("c", "0.5")],
    ),
    (
        r#"Lif(i_e: 200, receptors: {
            "a": Exp(tau: {a.tau}, e_rev: 0), "b": Exp(tau: 5, e_rev: {b.e_rev}), "n": Nmda(tau_decay: {n.tau_decay}) })"#,
        &[
            ("{a.tau}", "Uniform(low: 1, high: 6)"),
            ("{b.e_rev}", "Uniform(low: -90, high: -60)"),
            ("{n.tau_decay}", "Uniform(low: 20, high: 90)"),
        ],
        &[("a", "4"), ("b", "3"), ("n", "2")],
    ),
    (
        r#"Adex(i_e: 500, receptors: { "a": Alpha(tau: {a.tau}, e_rev: {a.e_rev}), "b": GabaA(e_rev: {b.e_rev}) })"#,
        &[
            ("{a.tau}", "Uniform(low: 0.5, high: 3)"),
            ("{a.e_rev}", "Linspace(from: -10, to: 10)"),
            ("{b.e_rev}", "Uniform(low: -90, high: -70)"),
        ],
        &[("a", "4"), ("b", "1")],
    ),
    (
        r#"Izhikevich(i_e: 10, receptors: {
            "a": Exp(tau: {a.tau}), "b": Exp(tau: 5, e_rev: {b.e_rev}), "p": Pulse() })"#,
        &[("{a.tau}", "Uniform(low: 1, high: 6)"), ("{b.e_rev}", "Uniform(low: -90, high: -70)")],
        &[("a", "1"), ("b", "0.01"), ("p", "3")],
    ),
    (
        r#"Mat2(i_e: 400, receptors: {
            "a": Exp(tau: {a.tau}), "b": DoubleExp(tau_rise: {b.tau_rise}, tau_decay: 8) })"#,
        &[("{a.tau}", "Uniform(low: 1, high: 6)"), ("{b.tau_rise}", "Uniform(low: 0.5, high: 3)")],
        &[("a", "40"), ("b", "-5")],
    ),
    (
        r#"Hh(i_e: 10, channels: {
            "leak": Leak(g: 0.3, e_rev: -54.387), "na": NaSquid(g: 120), "k": KSquid(g: 36) },
            receptors: { "a": Exp(tau: {a.tau}, e_rev: 0), "b": GabaA(e_rev: {b.e_rev}), "c": Exp(tau: 2) })"#,
        &[("{a.tau}", "Uniform(low: 1, high: 6)"), ("{b.e_rev}", "Linspace(from: -90, to: -60)")],
        &[("a", "0.02"), ("b", "0.02"), ("c", "0.2")],
    ),
];

/// Populations by name, size and model, each of which gets all spikes of the same sources.
fn scene(populations: &[(String, usize, String)], weights: &[(&str, &str)]) -> String {
    let (mut all, mut projections) = (String::new(), String::new());
    for (name, size, model) in populations {
        all += &format!("\"{name}\": (size: {size}, model: {model}),");
        for (k, (receptor, weight)) in weights.iter().enumerate() {
            projections += &format!(
                "(name: \"{name}.{receptor}\", from: \"source\", to: \"{name}\", connect: Dense, weight: {weight},
                  receptor: \"{receptor}\", delay: {:.1}),",
                0.1 * (k + 1) as f64
            );
        }
    }
    format!(
        "(version: 1, simulation: (dt: 0.1, duration: 150, seed: 6), populations: {{
            \"source\": (size: 20, model: Poisson(rate: 60)), {all} }}, projections: [{projections}])"
    )
}

/// The number of a receptor, as `a.tau`, of a neuron of population 1.
fn number(simulated: &Simulated, path: &str, neuron: usize) -> f64 {
    let Kind::Stepped(neurons) = &simulated.network.populations[1].kind else { unreachable!() };
    let (name, field) = path.split_once('.').unwrap();
    let port = neurons.receptors().iter().find(|port| port.name == name).unwrap();
    match (field, port.response(neuron)) {
        ("e_rev", _) => port.e_rev.as_ref().unwrap()[neuron],
        ("tau_rise", Response::DoubleExp { tau_rise, .. }) => tau_rise,
        (
            "tau" | "tau_decay",
            Response::DoubleExp { tau_decay: tau, .. } | Response::Exp { tau },
        ) => tau,
        _ => panic!("no number {path}"),
    }
}

#[test]
fn a_population_is_as_many_populations_of_one_neuron() {
    for (model, drawn, weights) in MODELS {
        let many =
            drawn.iter().fold(model.to_owned(), |text, (open, rule)| text.replace(open, rule));
        let population = ("all".to_owned(), N, many);
        let values = simulated(&scene(std::slice::from_ref(&population), weights));
        let mut populations = vec![population];
        for id in CHOSEN {
            let one = drawn.iter().fold(model.to_owned(), |text, (open, _)| {
                let value = number(&values, open.trim_matches(['{', '}']), id);
                text.replace(open, &format!("{value:?}"))
            });
            populations.push((format!("one{id}"), 1, one));
        }
        let simulated = simulated(&scene(&populations, weights));
        let done = simulated.solve();
        let trains = |name: &str, id: u32| -> Vec<u64> {
            let spikes = done.spikes(name).iter();
            spikes.filter(|spike| spike.1 == id).map(|spike| spike.0).collect()
        };
        let found: Vec<_> = CHOSEN.map(|id| trains("all", id as u32)).to_vec();
        assert!(found.iter().map(Vec::len).sum::<usize>() > 10, "{model}: {found:?}");
        assert!(found.iter().any(|train| *train != found[0]), "{model}: all spike alike");
        for (id, found) in CHOSEN.into_iter().zip(found) {
            let name = format!("one{id}");
            assert_eq!(found, trains(&name, 0), "{model}: spikes of {id}");
            let states = done.states["all"].iter().zip(&done.states[&name]);
            for (row, (all, one)) in states.enumerate() {
                assert_eq!(all[id].to_bits(), one[0].to_bits(), "{model}: row {row} of {id}");
            }
        }
    }
}

/// NEST's names of receptors and reversals may vary too, and the fields are told by these names.
#[test]
fn receptors_by_the_names_of_nest() {
    let text = |model: &str| {
        format!(
            "(version: 1, simulation: (dt: 0.1, duration: 5), populations: {{
                \"source\": (size: 1, model: Spikes(times: [[1]])), \"cell\": (size: 3, model: Lif({model})) }},
            projections: [(from: \"source\", to: \"cell\", connect: Dense, weight: 3, receptor: \"in\")],
            record: (traces: [(population: \"cell\", ids: [0, 1, 2], variables: [\"v\", \"g_in\"])]))"
        )
    };
    let done = simulated(&text("e_ex: 0, tau_syn_in: [2, 4, 8], e_in: [-90, -80, -60]")).solve();
    let (v, g) = (done.values("cell.v"), done.values("cell.g_in"));
    for (id, tau) in [2.0f64, 4.0, 8.0].into_iter().enumerate() {
        let (now, next) = (g[3 * 40 + id], g[3 * 41 + id]);
        assert!((next / now - (-0.1 / tau).exp()).abs() <= 1e-12, "{id}: {now}, {next}");
    }
    assert!(v[3 * 40] < v[3 * 40 + 1] && v[3 * 40 + 1] < -70.0 && v[3 * 40 + 2] > -70.0, "{v:?}");
}

#[test]
fn wrong_numbers_are_told() {
    for (receptors, wanted) in [
        (r#""a": Exp(tau: [1, 2, 3])"#, "receptors.a.tau | 3 values for 4 neurons"),
        (r#""a": Exp(tau: 1, e_rev: [0, -70])"#, "receptors.a.e_rev | 2 values for 4 neurons"),
        (r#""a": Alpha(tau: [1, 2, 0, 4])"#, "receptors.a.tau | 0 ms | strictly positive"),
        (r#""a": Exp(tau: Normal(mean: -50, std: 1))"#, "receptors.a.tau | strictly positive"),
    ] {
        let text = format!(
            "(version: 1, simulation: (dt: 0.1, duration: 5), populations: {{
                \"cell\": (size: 4, model: Lif(receptors: {{{receptors}}})) }})"
        );
        let error = match load_str("test.ron", &text, Path::new(""), &[]) {
            Err(error) => error.to_string(),
            Ok((scene, ..)) => neuralearn::network::build(&scene).unwrap_err().to_string(),
        };
        for words in wanted.split(" | ") {
            assert!(error.contains(words), "`{words}` is not in {error}");
        }
    }
}
