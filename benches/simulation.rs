//! How long a step of a simulation takes.
//!
//! Question: steps per second of a balanced network of 4,000 neurons, whose cost is integration and delivery of
//! spikes, on all cores of the CPU engine. An iteration is one window of its plan. Criterion's elements per
//! second are steps per second. Run with `cargo bench --bench simulation`; answers worth keeping stand in
//! BENCHMARKS.md with machine and commit.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use neuralearn::engine::Engine;
use neuralearn::engine::cpu::Cpu;
use neuralearn::kernel::Clock;
use neuralearn::plan::{self, SimulationOptions};
use neuralearn::{network, scene, simulation};
use std::path::Path;

/// Steps of a window.
const WINDOW: usize = 1000;

fn windows(c: &mut Criterion) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes/coba.ron");
    let (scene, ..) = scene::load(&file, &[]).unwrap_or_else(|e| panic!("{e}"));
    let network = network::build(&scene).unwrap_or_else(|e| panic!("{e}"));
    let options = simulation::options(&scene, &network, 128 << 20);
    let options = options.unwrap_or_else(|e| panic!("{e}"));
    let plan = plan::plan(&network, &SimulationOptions { steps: WINDOW, ..options });
    let plan = plan.unwrap_or_else(|e| panic!("{e}"));
    let mut engine = Cpu::<f32>::new(&plan, None, false);
    let program = plan.program("simulate").expect("a plan for simulation has this program");
    let mut clock = Clock {
        seed: 1,
        step: 0,
        samples: 1,
        slot: 0,
        learning_rate: 0.0,
        corrections: [1.0, 1.0],
    };
    let mut group = c.benchmark_group(format!("window of {WINDOW} steps"));
    group.throughput(Throughput::Elements(WINDOW as u64));
    group.sample_size(20);
    group.bench_function("coba", |b| {
        b.iter(|| {
            engine.run(program, &clock, WINDOW).expect("cpu");
            clock.step += WINDOW as u64;
        });
    });
    group.finish();
}

criterion_group!(benches, windows);
criterion_main!(benches);
