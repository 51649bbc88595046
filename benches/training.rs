//! How long a batch takes, by network and program.
//!
//! Question: samples per second of the two networks that the documents quote, on all cores of the
//! CPU engine, and what a step of a recurrent network costs beside one that is done layer by layer.
//! Criterion's elements per second are samples per second. Run with `cargo bench`; answers worth
//! keeping stand in BENCHMARKS.md with machine and commit.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use neuralearn::engine::Engine;
use neuralearn::engine::cpu::Cpu;
use neuralearn::kernel::Clock;
use neuralearn::plan::{self, Supervision, TrainingOptions};
use neuralearn::rng::{Purpose, Stream};
use neuralearn::{network, scene};
use std::hint::black_box;
use std::path::Path;

const BATCH: usize = 128;

/// One word of four pixels, a fifth of them lit, as in MNIST.
fn pixels(words: usize) -> Vec<u32> {
    let s = Stream::new(1, Purpose::Input, 0);
    let byte = |k: u64| if s.uniform(k, 0) < 0.19 { s.below(256, k, 1) as u32 } else { 0 };
    (0..words as u64).map(|w| (0..4).fold(0, |word, k| word << 8 | byte(4 * w + k))).collect()
}

fn batches(c: &mut Criterion) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let recurrent = "projections=[(from: \"pixels\", to: \"hidden\", connect: Dense, weight: Kaiming()), \
                     (from: \"hidden\", to: \"hidden\", connect: Dense, weight: Kaiming(gain: 0.2)), \
                     (from: \"hidden\", to: \"digits\", connect: Dense, weight: Kaiming())]";
    let cases = [
        ("mnist", "scenes/mnist.ron", None),
        ("snntorch_fc", "benches/scenes/snntorch_fc.ron", None),
        ("mnist, recurrent", "scenes/mnist.ron", Some(recurrent)),
    ];
    let mut group = c.benchmark_group("batch of 128");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.sample_size(20);
    for (name, file, change) in cases {
        let changes: Vec<scene::Override> =
            change.into_iter().map(|c| c.parse().expect("PATH=VALUE")).collect();
        let (scene, ..) = scene::load(&root.join(file), &changes).unwrap_or_else(|e| panic!("{e}"));
        let network = network::build(&scene).unwrap_or_else(|e| panic!("{e}"));
        let training = scene.training.as_ref().expect("these scenes learn");
        let steps = training.steps as usize;
        let options = TrainingOptions {
            batch: BATCH,
            steps,
            training,
            traces: None,
            soft: 0,
            max_binding: 128 << 20,
        };
        let plan = plan::plan(&network, &options).unwrap_or_else(|e| panic!("{e}"));
        let mut engine = Cpu::<f32>::new(&plan, None, false);
        let input = pixels(BATCH * 784 / 4);
        let labels: Vec<u32> = (0..BATCH as u32).map(|b| b % 10).collect();
        let supervision = plan.training().answer.map(|answer| answer.supervision);
        let of_labels = supervision.and_then(Supervision::labels).expect("labels");
        engine.write_words(plan.input.pixels.expect("images"), &input).expect("cpu");
        engine.write_words(of_labels, &labels).expect("cpu");
        let clock = Clock {
            seed: 1,
            step: 0,
            samples: BATCH as u32,
            slot: 0,
            learning_rate: 1e-4,
            corrections: [1.0, 1.0],
        };
        for program in ["train", "evaluate"] {
            let id = plan.program(program).expect("a plan for training has this program");
            group.bench_function(BenchmarkId::new(name, program), |b| {
                b.iter(|| engine.run(black_box(id), &clock, plan.steps).expect("cpu"));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, batches);
criterion_main!(benches);
