//! What the tests share: engines, small scenes, and the one place where a tolerance is computed.
#![allow(dead_code, reason = "each test binary uses a part")]

use neuralearn::data::{Dataset, Split};
use neuralearn::engine::Engine;
use neuralearn::engine::gpu::{Found, Gpu, Wanted, choose};
use neuralearn::kernel::Clock;
use neuralearn::network::{Network, build};
use neuralearn::plan::{Options, Plan, compile};
use neuralearn::rng::{Purpose, Stream};
use neuralearn::scene::{Scene, load_str};
use std::io::Write as _;
use std::path::Path;

/// The software adapter, else any other. Without one the test is skipped, unless
/// `NEURALEARN_GPU=require` says that it must not be.
pub fn adapter(test: &str) -> Option<Found> {
    let found = choose(Wanted::Software, None).or_else(|_| choose(Wanted::Hardware, None));
    match found {
        Ok(found) => Some(found),
        Err(e) if std::env::var("NEURALEARN_GPU").is_ok_and(|v| v == "require") => {
            panic!("{test}: NEURALEARN_GPU=require, but {e}")
        }
        Err(e) => {
            // Past the capture of the test harness: a skip must be seen.
            let _ = writeln!(std::io::stderr(), "SKIP {test}: {e}");
            None
        }
    }
}

pub fn gpu(found: &Found, plan: &Plan) -> Gpu {
    Gpu::new(found, plan, false).unwrap_or_else(|e| panic!("{e}"))
}

pub fn scene(text: &str) -> Scene {
    match load_str("test.ron", text, Path::new("."), &[]) {
        Ok((scene, ..)) => scene,
        Err(e) => panic!("{e}"),
    }
}

/// Network and plan of a scene with a training.
pub fn plan(scene: &Scene, batch: usize, steps: usize, soft: u32) -> (Network, Plan) {
    let network = build(scene).unwrap_or_else(|e| panic!("{e}"));
    let training = scene.training.as_ref().unwrap();
    let options = Options { batch, steps, training, soft, max_binding: 128 << 20 };
    let plan = compile(&network, &options).unwrap_or_else(|e| panic!("{e}"));
    (network, plan)
}

pub fn clock(samples: usize) -> Clock {
    Clock {
        seed: 5,
        step: 0,
        samples: samples as u32,
        slot: 0,
        learning_rate: 1e-3,
        corrections: [10.0, 1000.0],
    }
}

/// Rounding error of a float sum: `operations` of them on terms whose magnitudes sum to `scale`.
/// Half a unit in the last place each, doubled for divisions and exponentials of WGSL, which may be off
/// by a few; errors add at worst linearly.
pub fn tolerance(operations: usize, scale: f64) -> f64 {
    let tolerance = operations as f64 * 2f64.powi(-23) * scale;
    assert!(tolerance <= 0.02 * scale, "a tolerance of {tolerance} at {scale} tests nothing");
    tolerance
}

/// Asserts that two arrays agree. NaN never does.
pub fn assert_close(what: &str, got: &[f32], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{what}: lengths");
    for (k, (g, w)) in got.iter().zip(want).enumerate() {
        let error = (f64::from(*g) - w).abs();
        assert!(
            error <= tolerance,
            "{what}[{k}]: {g} is not {w}, off by {error:e} > {tolerance:e}"
        );
    }
}

/// Largest magnitude.
pub fn scale(x: &[f64]) -> f64 {
    x.iter().fold(f64::MIN_POSITIVE, |m, x| m.max(x.abs()))
}

/// `count` numbers around zero, the same each time.
pub fn noise(count: usize, spread: f64, stream: u32) -> Vec<f64> {
    let s = Stream::new(11, Purpose::Weights, stream);
    (0..count as u64).map(|k| spread * (2.0 * s.uniform(k, 0) - 1.0)).collect()
}

/// A data set of `n` random images of `pixels` pixels in `classes` classes, some of them black.
pub fn images(n: usize, pixels: usize, classes: u64) -> Dataset {
    let s = Stream::new(12, Purpose::Input, 0);
    let split =
        |offset: u64| Split {
            images: (0..(n * pixels) as u64)
                .map(|k| {
                    if s.uniform(k + offset, 1) < 0.6 {
                        0
                    } else {
                        s.below(256, k + offset, 2) as u8
                    }
                })
                .collect(),
            labels: (0..n as u64).map(|k| s.below(classes, k + offset, 3) as u8).collect(),
            rows: 1,
            cols: pixels,
        };
    Dataset { train: split(0), test: split(1 << 32) }
}

/// Puts samples of a split on an engine.
pub fn load(engine: &mut dyn Engine, plan: &Plan, split: &Split, samples: usize) {
    let stride = split.pixels().div_ceil(4);
    let mut words = vec![0u32; samples * stride];
    for b in 0..samples {
        for (k, pixel) in split.image(b).iter().enumerate() {
            words[b * stride + k / 4] |= u32::from(*pixel) << (8 * (k % 4));
        }
    }
    let labels: Vec<u32> = split.labels[..samples].iter().map(|l| u32::from(*l)).collect();
    let presentation: Vec<u32> = (0..samples as u32).collect();
    let ports = &plan.ports;
    engine.write_words(ports.pixels.unwrap(), &words).unwrap();
    engine.write_words(ports.labels.unwrap(), &labels).unwrap();
    engine.write_words(ports.presentation.unwrap(), &presentation).unwrap();
}

/// The index of an array by its name.
pub fn array(plan: &Plan, name: &str) -> usize {
    plan.arrays.iter().position(|a| a.name == name).unwrap_or_else(|| panic!("no array {name}"))
}
