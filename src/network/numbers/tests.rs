use super::*;
use crate::network::{Network, build};
use crate::neuron::receptor::port;
use crate::scene::load_str;
use std::path::Path;

fn network(model: &str, train: &str) -> Result<Network, NetworkError> {
    let text = format!(
        r#"(version: 1, simulation: (dt: 0.5, seed: 3),
        populations: {{ "a": (size: 3, model: {model}, train: [{train}]) }},
        training: (epochs: 1, batch: 1, steps: 4, loss: Trace(population: "a", file: "v.npz"),
            optimizer: Sgd(lr: 1)))"#
    );
    let (scene, ..) = load_str("test", &text, Path::new("."), &[]).unwrap();
    build(&scene)
}

fn numbers(model: &str, train: &str) -> Numbers {
    let mut network = network(model, train).unwrap_or_else(|e| panic!("{e}"));
    network.populations.swap_remove(0).numbers.unwrap()
}

/// fall = e^(-dt / tau) - 1 and p20 = -fall tau / c_m, with tau = 20 e^x: their slopes in closed form.
#[test]
fn slopes_are_those_of_the_equation() {
    let numbers = numbers("Lif(tau_m: 20, c_m: 250)", r#""tau_m""#);
    let x = 0.3f64;
    let made = numbers.made(&[vec![0.0, x, -0.1]]).unwrap();
    let tau = 20.0 * x.exp();
    let (kept, fall) = ((-0.5 / tau).exp(), (-0.5 / tau).exp_m1());
    assert!((made.cells[1][0] - fall).abs() <= 1e-15);
    let by_fall = kept * 0.5 / tau;
    let by_p20 = -(by_fall * tau + fall * tau) / 250.0;
    for (row, want) in [(0, by_fall), (1, by_p20)] {
        let got = made.slopes[0][row][1];
        assert!((got - want).abs() <= 1e-8 * want.abs(), "row {row}: {got} is not {want}");
    }
    // The threshold does not follow from it.
    assert_eq!(made.slopes[0][3], [0.0; 3]);
}

#[test]
fn a_bounded_number_starts_where_the_scene_has_it_and_stays_within() {
    let train = r#"Bounded(name: "v_th", low: -60, high: -40)"#;
    let numbers = numbers("Lif(v_th: [-55, -50, -41])", train);
    let number = &numbers.each[0];
    let origin = number.origin();
    for (got, want) in number.values(&origin).iter().zip([-55.0, -50.0, -41.0]) {
        assert!((got - want).abs() <= 1e-12, "{got} is not {want}");
    }
    assert_eq!(number.values(&[-1e9, 0.0, 1e9]), [-60.0, -50.0, -40.0]);
    // Halfway between its bounds it moves by a quarter of their distance.
    let made = numbers.made(&[origin]).unwrap();
    assert!((made.slopes[0][3][1] - 5.0).abs() <= 1e-8, "{}", made.slopes[0][3][1]);
}

#[test]
fn what_is_shared_has_one_value() {
    let one = numbers("Lif(tau_m: 20)", r#"Shared("tau_m"), "v_th", Shared("tau_syn")"#);
    let lengths: Vec<usize> = one.each.iter().map(|number| number.start.len()).collect();
    assert_eq!(lengths, [1, 3, 1]);
    let made = one.made(&[vec![0.0], vec![0.0; 3], vec![0.0]]).unwrap();
    // The receptor's decay follows from tau_syn, and is not among the numbers of a neuron.
    let cells = made.cells[0].len();
    assert_eq!(made.slopes[2].len(), cells + port::COUNT);
    assert!(made.slopes[2][cells + port::fall].iter().all(|slope| *slope > 0.0));
}

/// fall = e^(-dt / tau) - 1 of a receptor, behind the numbers of a neuron, with tau = 2 e^x.
#[test]
fn each_neuron_has_its_receptors_where_they_are_trained() {
    let numbers = numbers("Lif()", r#""tau_syn""#);
    let x = [0.0, 0.3, -0.2f64];
    let made = numbers.made(&[x.to_vec()]).unwrap();
    let row = made.cells[0].len() - port::COUNT + port::fall;
    for (k, x) in x.into_iter().enumerate() {
        let tau = 2.0 * x.exp();
        let (fall, slope) = ((-0.5 / tau).exp_m1(), (-0.5 / tau).exp() * 0.5 / tau);
        assert!((made.cells[k][row] - fall).abs() <= 1e-15, "{k}: {}", made.cells[k][row]);
        // Of the rate -dt / tau, which falls as tau rises: fall rises towards 0.
        let got = made.slopes[0][row][k];
        assert!((got - slope).abs() <= 1e-8 * slope, "{k}: {got} is not {slope}");
    }
}

#[test]
fn what_cannot_be_trained_is_refused_with_what_can() {
    for (model, train, wanted) in [
        ("Lif()", r#""v_thr""#, "populations.a.train.0: `v_thr` is no number"),
        ("Lif()", r#""t_ref""#, "`t_ref` is no number that can be trained; there are `c_m`"),
        ("Lif()", r#""e_l""#, "`v_th`, `v_reset`"),
        ("Lif(tau_m: [10, 20, 30])", r#"Shared("tau_m")"#, "but begin with values of their own"),
        (
            "Lif(tau_m: [10, 20, 30])",
            r#"Bounded(name: "tau_m", low: 5, high: 25)"#,
            "populations.a.model.tau_m: neuron 2 has 30, which is not between its bounds, 5 and 25",
        ),
        (
            r#"Hh(channels: {"l": Leak(g: 1)})"#,
            r#""v_init""#,
            "there are `c_m`, `i_e`, `v_th`, `channels.l.g`, `channels.l.e_rev`",
        ),
    ] {
        let error = network(model, train).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}\nlacks {wanted}");
    }
}

/// Values that do not go together are told when they come up.
#[test]
fn numbers_that_leave_their_order_are_refused() {
    let numbers = numbers("Lif(v_reset: -60, v_th: -55)", r#""v_reset""#);
    let error = numbers.made(&[vec![0.0, 0.5, 0.0]]).unwrap_err().to_string();
    assert!(error.contains("neuron 1 has -30, but the reset potential"), "{error}");
}
