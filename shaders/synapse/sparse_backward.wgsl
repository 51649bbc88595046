// One invocation = one source of one sample at one step: gathers over its synapses.
// Twin: src/synapse/sparse_backward.rs.
//!use lib/call.wgsl
override WG: u32;

struct Params {
    sources: u32,
    targets: u32,
    steps: u32,
    delay: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> span: Span;
@group(0) @binding(2) var<uniform> clock: Clock;
@group(0) @binding(3) var<storage, read> arrivals: array<f32>;
@group(0) @binding(4) var<storage, read> out_start: array<u32>;
@group(0) @binding(5) var<storage, read> target_id: array<u32>;
@group(0) @binding(6) var<storage, read> synapse: array<u32>;
@group(0) @binding(7) var<storage, read> weights: array<f32>;
@group(0) @binding(8) var<storage, read_write> cotangent: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let i = rank % params.sources;
    let t = span.t0 + rank / params.sources % (span.t1 - span.t0);
    let b = rank / params.sources / (span.t1 - span.t0);
    if b >= clock.samples {
        return;
    }
    let at = (b * params.steps + t) * params.sources + i;
    var sum = 0.0;
    if params.accumulate == 1u {
        sum = cotangent[at];
    }
    if t + params.delay < params.steps {
        let row = (b * params.steps + t + params.delay) * params.targets;
        for (var k = out_start[i]; k < out_start[i + 1u]; k++) {
            sum += weights[synapse[k]] * arrivals[row + target_id[k]];
        }
    }
    cotangent[at] = sum;
}
