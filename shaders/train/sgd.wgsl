// One invocation = one weight: velocity and step. Twin: src/train/sgd.rs.
//!use lib/call.wgsl
override WG: u32;

struct Params {
    count: u32,
    unit: f32,
    momentum: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> span: Span;
@group(0) @binding(2) var<uniform> clock: Clock;
@group(0) @binding(3) var<storage, read> gradient: array<f32>;
@group(0) @binding(4) var<storage, read_write> weights: array<f32>;
@group(0) @binding(5) var<storage, read_write> velocity: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    if k >= params.count {
        return;
    }
    let change = params.momentum * velocity[k] + gradient[k] * params.unit;
    velocity[k] = change;
    weights[k] -= clock.learning_rate * params.unit * change;
}
