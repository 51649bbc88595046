// One invocation = one neuron: sums over the samples. Twin: src/train/sum_samples.rs.
//!use lib/call.wgsl
override WG: u32;

struct Params {
    n: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> span: Span;
@group(0) @binding(2) var<uniform> clock: Clock;
@group(0) @binding(3) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> sum: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let id = invocation(group, groups, local, WG);
    if id >= params.n {
        return;
    }
    var total = 0.0;
    for (var b = 0u; b < clock.samples; b++) {
        total += x[b * params.n + id];
    }
    sum[id] = total;
}
