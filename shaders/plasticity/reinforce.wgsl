// One invocation = one synapse, at the end of an interval. Twin and equations: src/plasticity/reinforce.rs.
//!use lib/call.wgsl
override WG: u32;

struct Params {
    n: u32,
    every: u32,
    modulator: u32,
    gain: f32,
    decay: f32,
    w_min: f32,
    w_max: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> span: Span;
@group(0) @binding(2) var<uniform> clock: Clock;
@group(0) @binding(3) var<storage, read_write> weight: array<f32>;
@group(0) @binding(4) var<storage, read_write> mark: array<f32>;
@group(0) @binding(5) var<storage, read> concentration: array<f32>;

//!use lib/interval.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    if k >= params.n || !ends_interval(span.t0, params.every) {
        return;
    }
    let change = params.gain * concentration[params.modulator] * mark[k];
    weight[k] = clamp(weight[k] + change, params.w_min, params.w_max);
    let faded = params.decay * mark[k];
    mark[k] = select(faded, 0.0, abs(faded) < 1e-30);
}
