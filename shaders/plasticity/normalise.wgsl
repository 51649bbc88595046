// One invocation = one target, at the end of an interval. Twin: src/plasticity/normalise.rs.
//!use lib/call.wgsl
//!use lib/panel.wgsl
const PANEL = 16u;
override WG: u32;
override DENSE: u32;

struct Params {
    sources: u32,
    targets: u32,
    every: u32,
    sum: f32,
    w_min: f32,
    w_max: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> span: Span;
@group(0) @binding(2) var<uniform> clock: Clock;
@group(0) @binding(3) var<storage, read_write> weight: array<f32>;
@group(0) @binding(4) var<storage, read> start: array<u32>;

//!use lib/interval.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let j = invocation(group, groups, local, WG);
    if j >= params.targets || (params.every > 0u && !ends_interval(span.t0, max(params.every, 1u))) {
        return;
    }
    var first = 0u;
    var stride = 1u;
    var count = params.sources;
    if DENSE == 1u {
        first = panel_column(params.sources, j);
        stride = panel_stride(params.targets, j);
    } else {
        first = start[j];
        count = start[j + 1u] - first;
    }
    var total = 0.0;
    for (var i = 0u; i < count; i++) {
        total += abs(weight[first + i * stride]);
    }
    if total <= 0.0 {
        return;
    }
    let factor = params.sum / total;
    for (var i = 0u; i < count; i++) {
        let at = first + i * stride;
        weight[at] = clamp(weight[at] * factor, params.w_min, params.w_max);
    }
}
