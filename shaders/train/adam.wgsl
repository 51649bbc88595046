// One invocation = one weight: moments and step. Twin: src/train/adam.rs.
//!use lib/call.wgsl
override WG: u32;

struct Params {
    count: u32,
    unit: f32,
    beta1: f32,
    beta2: f32,
    rest1: f32,
    rest2: f32,
    eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> span: Span;
@group(0) @binding(2) var<uniform> clock: Clock;
@group(0) @binding(3) var<storage, read> gradient: array<f32>;
@group(0) @binding(4) var<storage, read_write> weights: array<f32>;
@group(0) @binding(5) var<storage, read_write> mean: array<f32>;
@group(0) @binding(6) var<storage, read_write> square: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    if k >= params.count {
        return;
    }
    let g = gradient[k] * params.unit;
    let m = params.beta1 * mean[k] + params.rest1 * g;
    let v = params.beta2 * square[k] + params.rest2 * (g * g);
    mean[k] = m;
    square[k] = v;
    let rate = clock.learning_rate * params.unit;
    weights[k] -= rate * (m * clock.correction1) / (sqrt(v * clock.correction2) + params.eps);
}
