//! Training without a gradient: stripes are told apart by synapses that learn by themselves, on every
//! engine; an interrupted training goes on to the same bits.

mod common;

use common::{adapter, gpu};
use neuralearn::checkpoint::{self, Origin, Store};
use neuralearn::data::{Dataset, mnist};
use neuralearn::engine::Engine;
use neuralearn::engine::cpu::Cpu;
use neuralearn::network::build;
use neuralearn::plan::{self, Plan, SimulationOptions};
use neuralearn::scene::{Scene, load};
use neuralearn::train::{Event, Learner, Outcome};

#[path = "common/place.rs"]
mod place;
use place::{Place, STRIPES};

struct Stripes {
    scene: Scene,
    network: neuralearn::network::Network,
    plan: Plan,
    data: Dataset,
    place: Place,
}

/// The same by windows, of which one sees the whole image: weights that could be shared are each a synapse's own.
fn by_windows() -> String {
    let text =
        STRIPES.replace("size: 36", "shape: [6, 6, 1]").replace("size: 12", "shape: [1, 1, 12]");
    text.replacen("connect: Dense", "connect: Conv(kernel: 6)", 1)
}

impl Stripes {
    fn new(text: &str) -> Self {
        let place = Place::new();
        let file = place.path("stripes.ron");
        std::fs::write(&file, text).unwrap();
        let scene = load(&file, &[]).unwrap_or_else(|e| panic!("{e}")).0;
        let network = build(&scene).unwrap();
        let options = SimulationOptions {
            steps: 100,
            samples: Vec::new(),
            presented: true,
            workgroups: true,
            room: 1.0,
            max_binding: 128 << 20,
            max_table: 128 << 20,
        };
        let plan = plan::plan(&network, &options).unwrap();
        let data = mnist(&place.path("data")).unwrap();
        Self { scene, network, plan, data, place }
    }

    fn learner<'a>(&'a self, engine: Box<dyn Engine + 'a>) -> Learner<'a> {
        let training = self.scene.training.as_ref().unwrap();
        Learner::new(training, &self.network, &self.plan, &self.data, engine)
    }

    fn cpu(&self, threads: usize) -> Learner<'_> {
        self.learner(Box::new(Cpu::<f32>::new(&self.plan, Some(threads), false)))
    }
}

#[test]
fn stripes_are_told_apart() {
    // By source, or by target.
    are_told_apart(&Stripes::new(STRIPES), |weights, neuron| {
        weights.iter().skip(neuron).step_by(12).sum()
    });
    are_told_apart(&Stripes::new(&by_windows()), |weights, neuron| {
        weights[36 * neuron..][..36].iter().sum()
    });
}

fn are_told_apart(stripes: &Stripes, sum: impl Fn(&[f32], usize) -> f32) {
    let mut learner = stripes.cpu(2);
    assert_eq!(learner.run(None, &mut |_| true).unwrap(), Outcome::Finished);
    let last = learner.progress.epochs.last().unwrap().clone();
    println!("{last:?}");
    let accuracy = last.test_accuracy.unwrap();
    assert!(accuracy >= 0.9, "{accuracy}");
    assert_eq!(learner.confusion.iter().sum::<u64>(), 21);
    // All weights of a neuron keep their sum, as it was before the last sample.
    let weights = learner.weights().unwrap().remove(0).1;
    for neuron in 0..12 {
        let sum = sum(&weights, neuron);
        assert!((sum - 12.0).abs() < 2.0, "{neuron}: {sum}");
    }
    let Some(found) = adapter("stripes") else { return };
    let mut wgsl = stripes.learner(Box::new(gpu(&found, &stripes.plan)));
    wgsl.run(None, &mut |_| true).unwrap();
    let other = wgsl.progress.epochs.last().unwrap();
    let other_accuracy = other.test_accuracy.unwrap();
    assert!((other_accuracy - accuracy).abs() <= 0.1, "{other_accuracy}");
    let spikes = |epoch: &neuralearn::train::Epoch| epoch.test_spikes[2];
    let (a, b) = (spikes(&last), spikes(other));
    assert!(a > 1.0 && (a - b).abs() <= 0.1 * a, "{a} and {b} spikes a sample");
}

#[test]
fn an_interrupted_training_goes_on_to_the_same_bits() {
    goes_on(&Stripes::new(STRIPES));
    goes_on(&Stripes::new(&by_windows()));
}

fn goes_on(stripes: &Stripes) {
    let mut whole = stripes.cpu(1);
    whole.run(None, &mut |_| true).unwrap();

    let dir = stripes.place.path("checkpoints");
    let store = Store::new(&dir, Origin::default());
    let mut first = stripes.cpu(1);
    let outcome =
        first.run(Some(&store), &mut |event| !matches!(event, Event::Batch { .. })).unwrap();
    assert_eq!(outcome, Outcome::Interrupted);
    let mut second = stripes.cpu(2);
    second.restore(&checkpoint::newest(&dir).unwrap()).unwrap();
    assert_eq!(second.progress.batch, 42);
    assert_eq!(second.run(Some(&store), &mut |_| true).unwrap(), Outcome::Finished);
    assert!(second.weights().unwrap() == whole.weights().unwrap());
    assert_eq!(second.assigned, whole.assigned);
    let accuracy = |learner: &Learner<'_>| -> Vec<f64> {
        learner.progress.epochs.iter().filter_map(|e| e.test_accuracy).collect()
    };
    assert_eq!(accuracy(&second), accuracy(&whole));
}
