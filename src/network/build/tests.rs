//! Tests of the file above.

use super::*;
use crate::scene::load_str;
use std::path::Path;

/// Two sheets of 4 x 3 neurons, with these rules between them.
fn network(dir: &Path, rules: &str) -> Result<Network, NetworkError> {
    let grid = "size: 12, positions: Grid(shape: [4, 3], spacing: 100), model: Lif()";
    let text = format!(
        "(version: 1, simulation: (dt: 0.1, duration: 1), \
         populations: {{\"a\": ({grid}), \"b\": ({grid})}}, \
         projections: [(from: \"a\", to: \"b\", {rules})])"
    );
    let scene = load_str("test.ron", &text, dir, &[]).unwrap_or_else(|e| panic!("{e}")).0;
    build(&scene)
}

#[test]
fn delays_are_common_or_for_each_synapse() {
    let here = Path::new("");
    let delays = |rules: &str| {
        let mut network = network(here, &format!("connect: {rules}")).unwrap();
        let projection = network.projections.remove(0);
        let (shortest, longest) = (projection.delay, projection.max_delay());
        (shortest, longest, projection.synapses.delays().len())
    };
    assert_eq!(delays("Dense, weight: 1"), (1, 1, 0));
    assert_eq!(delays("Dense, weight: 1, delay: 1.5"), (15, 15, 0));
    assert_eq!(delays("OneToOne, weight: 1, delay: 1.5"), (15, 15, 0));
    // From 0 to 360.6 µm at 1 m/s.
    let distance = "delay: Distance(offset: 0.5, velocity: 1)";
    assert_eq!(delays(&format!("Dense, weight: 1, {distance}")), (5, 9, 144));
    assert_eq!(delays(&format!("OneToOne, weight: 1, {distance}")), (5, 5, 12));
    assert_eq!(
        delays("FixedProbability(p: 0), weight: 1, delay: Uniform(low: 1, high: 2)"),
        (1, 1, 0)
    );
}

#[test]
fn dense_weights_of_a_file_find_their_pairs_with_and_without_delays() {
    let dir = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..144).flat_map(|k| (k as f32).to_le_bytes()).collect();
    let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![144], &bytes);
    let file = safetensors::serialize([("a->b", view.unwrap())], None).unwrap();
    std::fs::write(dir.path().join("w.safetensors"), file).unwrap();
    let weights = |delay: &str| {
        let rules = format!("connect: Dense, weight: File(\"w.safetensors\"), delay: {delay}");
        network(dir.path(), &rules).unwrap().projections.remove(0).synapses.weights().to_vec()
    };
    let (plain, delayed) = (weights("1"), weights("Uniform(low: 1, high: 2)"));
    for source in 0..12 {
        for target in 0..12 {
            let weight = (source * 12 + target) as f64;
            assert_eq!(plain[source * 12 + target], weight);
            assert_eq!(delayed[target * 12 + source], weight);
        }
    }
}

#[test]
fn weights_of_a_file_bring_their_synapses() {
    let dir = tempfile::tempdir().unwrap();
    let rules = "connect: FixedInDegree(k: 2, multapses: false), weight: ";
    let drawn = network(dir.path(), &format!("{rules} 1")).unwrap().projections.remove(0);
    let values: Vec<f32> = (0..24).map(|k| k as f32).collect();
    // Sources that none of the drawn synapses has, of targets as drawn or not.
    let Synapses::Sparse { source, .. } = &drawn.synapses else { panic!("not a list") };
    let moved: Vec<u32> = source.iter().map(|s| (s + 5) % 12).collect();
    let save = |source: &[u32], target: Vec<u32>| {
        let tensors = [
            ("a->b".to_owned(), files::Values::Reals(values.clone())),
            ("a->b.source".to_owned(), files::Values::Words(source.to_vec())),
            ("a->b.target".to_owned(), files::Values::Words(target)),
        ];
        files::write_tensors(&dir.path().join("w.safetensors"), &tensors).unwrap();
    };
    let load = |rules: &str| {
        let rules = format!("{rules} File(\"w.safetensors\")");
        Ok::<_, NetworkError>(network(dir.path(), &rules)?.projections.remove(0).synapses)
    };
    let targets = || (0..24).map(|k| k / 2);
    save(&moved, targets().collect());
    let Synapses::Sparse { source, weights, .. } = load(rules).unwrap() else { panic!() };
    assert_eq!(source, moved);
    assert!(weights.iter().zip(&values).all(|(a, b)| *a == f64::from(*b)));
    // The file rules, whatever the rule of connection, with delays of their own or without.
    save(&moved, targets().map(|t| 11 - t / 2).collect());
    for connect in ["FixedInDegree(k: 2)", "FixedProbability(p: 0.1)", "Dense", "OneToOne"] {
        for delay in ["1", "Uniform(low: 1, high: 2)"] {
            let loaded = load(&format!("connect: {connect}, delay: {delay}, weight: ")).unwrap();
            for k in [0, 3, 7, 23] {
                // By target, so from the last to the first, four by four.
                let Synapses::Sparse { source, weights, .. } = &loaded else { panic!("{connect}") };
                let (source, target) = (source[k], 6 + k / 4);
                assert_eq!(loaded.ends(k, 12), Some((source, target as u32)), "{connect}");
                let row = 20 - k / 4 * 4 + k % 4;
                assert_eq!((source, weights[k]), (moved[row], row as f64), "{connect}");
            }
        }
    }
    save(&[12; 24], targets().collect());
    assert!(load(rules).unwrap_err().to_string().contains("not there"));
    // A list of pairs finds its places in a matrix.
    let pairs: Vec<(u32, u32)> = (0..144).map(|k| (k * 7 % 12, k / 12)).collect();
    let tensors = [
        ("a->b".to_owned(), files::Values::Reals((0..144).map(|k| k as f32).collect())),
        ("a->b.source".to_owned(), files::Values::Words(pairs.iter().map(|p| p.0).collect())),
        ("a->b.target".to_owned(), files::Values::Words(pairs.iter().map(|p| p.1).collect())),
    ];
    files::write_tensors(&dir.path().join("w.safetensors"), &tensors).unwrap();
    let dense = load("connect: Dense, weight: ").unwrap();
    for (k, (source, target)) in pairs.iter().enumerate() {
        assert_eq!(dense.weights()[(source * 12 + target) as usize], k as f64);
    }
}

#[test]
fn a_trained_file_brings_its_biases() {
    let dir = tempfile::tempdir().unwrap();
    let biases: Vec<f32> = (0..12).map(|k| 10.0 * k as f32).collect();
    let tensors = [
        ("a->b".to_owned(), files::Values::Reals(vec![1.0; 144])),
        ("b.i_e".to_owned(), files::Values::Reals(biases.clone())),
    ];
    files::write_tensors(&dir.path().join("w.safetensors"), &tensors).unwrap();
    let currents = |rules: &str, of: &str, i_e: &str| {
        let text = format!(
            "(version: 1, simulation: (dt: 0.1, duration: 1), populations: {{\
             \"a\": (size: 12, model: Lif()), \"b\": (size: 12, model: Lif({i_e}))}}, \
             projections: [(from: \"a\", to: \"b\", connect: Dense, {rules})])"
        );
        let scene =
            load_str("test.ron", &text, dir.path(), &[]).unwrap_or_else(|e| panic!("{e}")).0;
        let network = build(&scene)?;
        let population = network.populations.iter().find(|p| p.name == of).unwrap();
        let Kind::Stepped(neurons) = &population.kind else { panic!() };
        // The third number of a neuron.
        Ok::<_, NetworkError>(neurons.cells().iter().map(|cell| cell[2] as f32).collect::<Vec<_>>())
    };
    let file = "weight: File(\"w.safetensors\")";
    assert_eq!(currents(file, "b", "").unwrap(), biases);
    assert_eq!(currents(file, "a", "").unwrap(), [0.0]);
    assert_eq!(currents("weight: 1", "b", "").unwrap(), [0.0]);
    assert_eq!(currents("weight: 1", "b", "i_e: File(\"w.safetensors\")").unwrap(), biases);
    let error =
        currents("weight: 1", "b", "v_th: File(\"w.safetensors\")").unwrap_err().to_string();
    assert!(error.contains("populations.b.model.v_th") && error.contains("`b.v_th`"), "{error}");
}

#[test]
fn a_dendrite_is_no_longer_than_the_delay() {
    let rules = |delay: &str, more: &str| {
        format!("connect: Dense, weight: 1{delay}, learn: Stdp(w_max: 2, dendritic: 2{more})")
    };
    for delay in ["", ", delay: Uniform(low: 1, high: 4)"] {
        let error = network(Path::new(""), &rules(delay, "")).unwrap_err();
        assert!(matches!(error, NetworkError::Dendritic { .. }), "{error}");
        assert!(network(Path::new(""), &rules(delay, ", axonal: 0")).is_ok());
    }
    assert!(network(Path::new(""), &rules(", delay: Uniform(low: 2, high: 4)", "")).is_ok());
}

#[test]
fn what_does_not_fit_is_refused_before_it_is_drawn() {
    let rules = "connect: FixedTotalNumber(n: 5000000000), weight: 1";
    let error = network(Path::new(""), rules).unwrap_err();
    let refused = matches!(error, NetworkError::TooLarge { .. } | NetworkError::Memory { .. });
    assert!(refused, "{error}");
    let rules = "connect: Dense, weight: 1, delay: Uniform(low: 1e4, high: 2e4)";
    let error = network(Path::new(""), rules).unwrap_err();
    assert!(matches!(error, NetworkError::Delay { .. }), "{error}");
    let error = network(Path::new(""), "connect: List(\"absent.npy\"), weight: 1").unwrap_err();
    assert!(matches!(error, NetworkError::File(_)), "{error}");
}

/// In a simulation the synapses of layers are held one by one: those of a convolution with copies of its weights, those of
/// local fields with weights of their own, and lateral ones between neighbours.
#[test]
fn layers_of_a_simulation_are_lists() {
    let text = |first: &str, second: &str| {
        format!(
            "(version: 1, simulation: (dt: 1, duration: 1), populations: {{
                \"a\": (shape: [5, 6, 2], model: Poisson(rate: 1)),
                \"b\": (shape: [4, 5, 3], model: Lif())}},
            projections: [(from: \"a\", to: \"b\", connect: {first}, weight: Normal(mean: 0, std: 1)),
                (from: \"b\", to: \"b\", connect: {second}, weight: 1)])"
        )
    };
    let lists = |first: &str, second: &str| -> Vec<(Vec<u32>, Vec<u32>, Vec<f64>)> {
        let text = text(first, second);
        let scene =
            load_str("test.ron", &text, Path::new(""), &[]).unwrap_or_else(|e| panic!("{e}"));
        let network = build(&scene.0).unwrap();
        let list = |p: &Projection| match &p.synapses {
            Synapses::Sparse { start, source, weights, .. } => {
                (start.clone(), source.clone(), weights.clone())
            }
            other => panic!("{other:?}"),
        };
        network.projections.iter().map(list).collect()
    };
    let different = |weights: &[f64]| {
        let mut bits: Vec<u64> = weights.iter().map(|w| w.to_bits()).collect();
        bits.sort_unstable();
        bits.dedup();
        bits.len()
    };
    // 4 x 5 places of 2 x 2 x 2 sources for each of 3 channels.
    let [conv, near] = <[_; 2]>::try_from(lists("Conv(kernel: 2)", "Lateral(radius: 1)")).unwrap();
    assert_eq!((conv.1.len(), different(&conv.2)), (4 * 5 * 3 * 8, 3 * 8));
    let [local, round] =
        <[_; 2]>::try_from(lists("Local(kernel: 2)", "Lateral(radius: 1.5, across: true)"))
            .unwrap();
    assert_eq!((&local.0, &local.1), (&conv.0, &conv.1));
    assert_eq!(different(&local.2), local.2.len());
    // Row 1, column 2, channel 1: the same channel above, to the left, to the right and below.
    let id = |y: u32, x: u32, c: u32| (y * 5 + x) * 3 + c;
    let of = |list: &(Vec<u32>, Vec<u32>, Vec<f64>), target: u32| {
        let ends = list.0[target as usize] as usize..list.0[target as usize + 1] as usize;
        list.1[ends].to_vec()
    };
    let beside = [id(0, 2, 1), id(1, 1, 1), id(1, 3, 1), id(2, 2, 1)];
    assert_eq!(of(&near, id(1, 2, 1)), beside);
    // All of nine places, but itself; in a corner of four.
    assert_eq!(of(&round, id(1, 2, 1)).len(), 9 * 3 - 1);
    assert_eq!(of(&round, id(0, 0, 2)).len(), 4 * 3 - 1);
    assert!(of(&round, id(1, 2, 1)).is_sorted());
}
